//! TCP sockets left over by connects that failed.

use super::claim::{Claim, Evidence, Strength, Witnessed};
use super::support;
use super::{Case, on_piles};
use crate::capture::trace::Outcome;
use crate::ledger::Kind;

cause! {
    /// A program connects, the attempt fails (refused, timed out, unreachable), and the descriptor is not closed.
    ///
    /// # How it looks
    /// As never-connected (in no table, counted in `alloc`), with SYN-SENT rows to one peer while attempts run. Log: the same endpoint fails
    /// again and again. strace: `connect = -1 ECONNREFUSED` (or EINPROGRESS, then SO_ERROR), and no close of that number.
    ///
    /// # Evidence for
    /// The trace; a log whose attempts are as many as the sockets; `Tcp: AttemptFails` as large as the number of sockets, or rising with it.
    ///
    /// # Evidence against
    /// Fewer AttemptFails since boot than sockets; a trace that shows failed connects being closed.
    ///
    /// # Mistaken for
    /// never-connected, reset-not-closed: the same sockets, other counters. A full descriptor limit, which is its effect.
    ///
    /// # Confirm
    /// `strace -f -tt -T -e trace=network,close -p PID`; two readings of `/proc/net/snmp`.
    ///
    /// # Now
    /// Make the endpoint reachable, or take it out of the configuration or metadata: the leak stops at once. A restart buys time only.
    ///
    /// # For good
    /// Close on the error path, and back off between attempts. Java NIO: close the channel and let the selector run once, else the descriptor
    /// stays. Raising `ulimit -n` or tuning `tcp_tw_*` changes nothing.
    ///
    /// # References
    /// connect(2), net/ipv4/tcp.c `tcp_done`; identity 19 of the cross-checks.
    ConnectFailedNotClosed, "connect-failed-not-closed", leak, "connects fail and their sockets are not closed", weigh
}

fn weigh(case: &Case<'_>) -> Vec<Claim> {
    on_piles(
        case,
        "connect-failed-not-closed",
        &[Kind::Closed, Kind::Unidentified],
        "left over by failed connects that nobody closes",
        |pile, claim| {
            support::by_trace(case, pile, claim, "a connect that fails", |p| matches!(p.outcome, Outcome::Failed(_)));
            for (trace, tie) in case.traces(pile) {
                if tie == super::Tie::Process
                    && claim.remotes.is_empty()
                    && let Some(((end, errno), n)) = trace.failed.first()
                {
                    support::add_remote(claim, case.show(end), n, &format!("connect fails with {}", case.names.text(errno)));
                }
            }
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
                "restart the program before it reaches its descriptor limit; that buys time only".into(),
            ];
            claim.fix = vec!["close the socket when connect fails, and back off between attempts".into()];
            if pile.owner.as_ref().is_some_and(|o| o.command == "java") {
                claim.fix.push("Java NIO: close the channel and let its selector run once; until then the descriptor stays".into());
            }
        },
    )
}
