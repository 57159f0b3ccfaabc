//! TCP sockets left over by connects that failed.

use super::claim::{Claim, Evidence, Strength, Witnessed};
use super::support;
use super::{Case, on_piles, unowned};
use crate::capture::trace::Outcome;
use crate::ledger::{Kind, Pile};

cause! {
    /// A program connects, the attempt fails (refused, timed out, unreachable), and the descriptor is not closed. One socket is lost
    /// per attempt, so the leak runs at the pace of the retries.
    ///
    /// # How it looks
    /// - lsof: as `never-connected`: growing rows `protocol: TCP`, `protocol: TCPv6` or `can't identify protocol`.
    /// - ss, netstat: nothing for the leaked ones; a few SYN-SENT rows to one remote while attempts are under way. They name the
    ///   endpoint.
    /// - `ss -s`: closed minus timewait grows. sockstat: alloc grows, inuse does not.
    /// - /proc/net/snmp: `Tcp: AttemptFails` rises as fast as the sockets.
    /// - strace: `connect(N) = -1 ECONNREFUSED`, `ETIMEDOUT`, `EHOSTUNREACH` or `ENETUNREACH`; or `EINPROGRESS`, then `getsockopt(N,
    ///   SOL_SOCKET, SO_ERROR, [111])` (110 timed out, 113 no route); no `close(N)`.
    /// - log: the same endpoint fails again and again: `Connection refused`, `could not be established. Broker may not be available`,
    ///   `dial tcp ...: connect: no route to host`.
    ///
    /// # Evidence for
    /// - A trace with failed connects and no close of their numbers.
    /// - A log whose attempts (or elapsed time divided by retry interval) are as many as the sockets.
    /// - AttemptFails at least as large as the number of sockets, or rising with it between two captures.
    /// - SYN-SENT rows of the same process.
    ///
    /// # Evidence against
    /// - Fewer AttemptFails since boot than sockets.
    /// - A trace that shows failed connects being closed.
    ///
    /// # Mistaken for
    /// - `never-connected`, `reset-not-closed`: the same sockets, other counters.
    /// - `fd-limit-too-low`: `Too many open files` is the effect, and the stack trace in the log shows who asked next, not who leaks.
    /// - `port-exhaustion`: once local ports run out connects fail too; the first link of the chain is the one to name.
    ///
    /// # Confirm
    /// - `strace -f -tt -T -e trace=network,close -p PID` over two retries.
    /// - `grep Tcp: /proc/net/snmp`, twice; `ss -tanp state syn-sent`.
    ///
    /// # Now
    /// - Make the endpoint reachable, or take it out of the configuration or cluster metadata: the leak stops at once.
    /// - A restart gives the sockets back and buys time only. `ss -K` cannot end them: they are in no table.
    ///
    /// # For good
    /// - All: close on the error path; back off between attempts; bound the number of endpoints tried.
    /// - Java NIO: close the channel and let the selector run once (`selectNow()`), because close() only cancels the key of a
    ///   registered channel.
    /// - Netty: close the Channel in the connect future's failure listener. reactor-netty: 0.9.9 or later.
    /// - Kafka and ZooKeeper clients: remove dead brokers from `bootstrap.servers` and metadata; raise `reconnect.backoff.max.ms`;
    ///   upgrade (ZOOKEEPER-4736).
    /// - Go: net.Dialer closes by itself; with raw syscalls, close on error. Node: destroy the socket in the `error` handler; the
    ///   happy-eyeballs loop needs a fixed release.
    /// - Python: `with socket.create_connection(...)`; a socket whose connect() raised must be closed by you. C: close before storing
    ///   the descriptor in the context.
    ///
    /// # References
    /// connect(2), tcp(7); net/ipv4/tcp.c `tcp_done`; github.com/apache/zookeeper pull 2047 and 2046;
    /// github.com/scalecube/scalecube-cluster issue 331; github.com/bumptech/stud pull 143; github.com/adobkin/libcapn issue 35;
    /// github.com/informatikr/hedis pull 150; github.com/nodejs/node issue 50479.
    ConnectFailedNotClosed, "connect-failed-not-closed", leak, "connects fail and their sockets are not closed", weigh
}

/// What is said of them, and what mends it.
const SAYS: &str = "left over by failed connects that nobody closes";
const FIX: &str = "close the socket when connect fails, and back off between attempts";

fn weigh(case: &Case<'_>) -> Vec<Claim> {
    let mut claims = on_piles(case, "connect-failed-not-closed", &[Kind::Closed, Kind::Unidentified], SAYS, |pile, claim| {
        support::by_trace(case, pile, claim, "a connect that fails", |p| matches!(p.outcome, Outcome::Failed(_)));
        unasked(case, pile, claim);
        for (trace, tie) in case.traces(pile) {
            if tie == super::Tie::Process
                && claim.remotes.is_empty()
                && let Some(((end, errno), n)) = trace.failed.first()
            {
                support::add_remote(claim, case.show(end), n, &format!("connect fails with {}", case.names.text(errno)));
            }
        }
        claim.evidence.extend(super::calls::left_by_failures(case, pile));
        support::by_pending_connects(case, pile, claim);
        support::by_logs(case, pile, claim, &["connect-failed-not-closed"]);
        support::by_counter(case, pile, claim, "snmp.tcp.attempt_fails", "failed connection attempts");
        if pile.accepted.is_none() && support::listens(case, pile) && claim.remotes.is_empty() {
            claim.against.push(Evidence::new(
                Strength::Weak,
                Witnessed::Table,
                "the program listens, and nothing shows it connecting anywhere",
                [],
            ));
        }
        support::ask_for_trace(case, pile, claim);
        let target = claim.remotes.first().map_or("the endpoint".to_string(), |r| r.endpoint.clone());
        claim.now = vec![
            format!("make {target} reachable, or take it out of the program's configuration: that stops the leak at once"),
            format!("{}; that buys time only", support::restart(pile)),
        ];
        claim.fix = vec![FIX.into()];
        if pile.owner.as_ref().is_some_and(|o| o.command == "java") {
            claim.fix.push("Java NIO: close the channel and let its selector run once; until then the descriptor stays".into());
        }
    });
    claims.extend(unowned::claim(case, unowned::End::Failed, "connect-failed-not-closed", SAYS, FIX));
    claims
}

/// Connects in the background whose outcome nobody asks for, while the sockets are in no table: they have failed since. The failure itself is
/// in no call, so that it is less than decisive.
fn unasked(case: &Case<'_>, pile: &Pile, claim: &mut Claim) {
    let before = claim.evidence.len();
    let what = "a connect in the background whose outcome is never asked for";
    support::by_trace(case, pile, claim, what, |p| p.outcome == Outcome::InProgress && !p.used);
    for evidence in claim.evidence.iter_mut().skip(before) {
        evidence.strength = evidence.strength.min(Strength::Strong);
    }
}
