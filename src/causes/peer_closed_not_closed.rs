//! Client side: the peer has closed, this program has not.

use super::case::Tie;
use super::claim::{Claim, Evidence, Strength, Witnessed};
use super::support;
use super::{Case, on_piles};
use crate::capture::trace::{Origin, Outcome, Pattern};
use crate::ledger::{Kind, Pile};

cause! {
    /// Connections that this program opened were closed by the peer, and the program does not close its end: CLOSE-WAIT piles up on
    /// the client side.
    ///
    /// # How it looks
    /// - ss, netstat: CLOSE-WAIT rows with an owner, local port ephemeral, remote port a service (80, 443, 3306, 5432, 6379, 9092).
    ///   Recv-Q 1 is the FIN alone; 24 to 31 is a TLS close alert and the FIN; more is an answer that was never read.
    /// - lsof: `TCP a:p->b:q (CLOSE_WAIT)`. /proc/net/tcp: state 08 and an inode.
    /// - `ss -s`: they are among the hashed ones, not in closed. sockstat: inuse grows with alloc.
    /// - strace: `read(N) = 0` and no `close(N)`; or no read at all. An event loop at 100% CPU that gets the same descriptor from
    ///   every epoll_wait has lost the event.
    /// - log: `A connection to ... was leaked` (OkHttp), `unclosed <socket` and ResourceWarning (Python), `Could not get a resource
    ///   from the pool`.
    ///
    /// # Evidence for
    /// - The rows themselves: CLOSE-WAIT has no time limit, only close() by the owner ends it.
    /// - A trace with read returning 0 and no close; growth between two captures; one remote for nearly all rows.
    ///
    /// # Evidence against
    /// - Few of them, bounded by a pool's size and gone at the next use: idle pooled connections, found stale when borrowed.
    /// - Rows without owner and inode wait in an accept queue: `accept-stalled`.
    /// - Local port is the process's own listening port: then it is the server side, `accept-not-closed`.
    ///
    /// # Mistaken for
    /// - A kernel setting: tcp_keepalive, tcp_fin_timeout and tcp_tw_* do not touch CLOSE-WAIT.
    /// - A fault of the remote: it closed properly.
    /// - Long-lived readers: HBase region servers keep store-file readers to DataNodes until a compaction.
    ///
    /// # Confirm
    /// - `ss -tanp state close-wait`, twice; group by remote: `ss -Htan state close-wait | awk '{print $4}' | sort | uniq -c | sort
    ///   -rn | head`.
    ///
    /// # Now
    /// - Restart, or reload the pool. `ss -K state close-wait dst HOST` ends connections; the program then sees an error and may
    ///   close.
    ///
    /// # For good
    /// - All: treat read() == 0 as the end and close. An idle limit of the pool below that of the server.
    /// - Java HTTP clients: read or discard the body and close the response in finally; run an evictor for idle connections. JDBC,
    ///   Jedis: return the connection in finally.
    /// - Go: `defer resp.Body.Close()`, also if only the status is read; one http.Client.
    /// - Node: an Agent with `maxSockets` and `timeout`; consume or destroy every response; no `allowHalfOpen` without `end()`.
    ///   undici: drain the body.
    /// - Python: one Session, `with` for responses and pools; close aiohttp sessions and asyncpg pools. gunicorn gthread behind
    ///   nginx: no upstream keep-alive.
    /// - PHP-FPM: persistent streams hold workers; close them. nginx, HAProxy: upstream keep-alive below the backend's idle limit.
    /// - Kafka and HDFS clients: close producers, consumers and input streams.
    ///
    /// # References
    /// RFC 9293 section 3.6; tcp(7); github.com/psf/requests issue 4575; github.com/fastly/go-fastly issue 362;
    /// github.com/zowe/api-layer issue 2738; github.com/sysown/proxysql issue 2908; github.com/kafka-rust/kafka-rust issue 178.
    PeerClosedNotClosed, "peer-closed-not-closed", leak, "peers have closed, the program keeps its end open", weigh
}

fn weigh(case: &Case<'_>) -> Vec<Claim> {
    on_piles(case, "peer-closed-not-closed", &[Kind::CloseWait], "closed by the peer and kept open by the program", |pile, claim| {
        support::own_remotes(case, pile, claim, pile.accepted == Some(true));
        let rows = || pile.traits.quotes.iter().take(1).cloned();
        match pile.accepted {
            Some(true) => claim.against.push(Evidence::new(
                Strength::Strong,
                Witnessed::Table,
                "the local port is one the host listens on: these were accepted, not opened",
                rows(),
            )),
            Some(false) => claim.evidence.push(Evidence::new(
                Strength::Moderate,
                Witnessed::Table,
                "the local ports are ephemeral and the remote is a service: the program opened them",
                rows(),
            )),
            None => {}
        }
        if pile.traits.unread_one * 2 > pile.count {
            let says = format!(
                "{} of them have exactly the FIN unread: the program does not look at them any more",
                super::number(pile.traits.unread_one as i64)
            );
            claim.evidence.push(Evidence::new(Strength::Weak, Witnessed::Table, says, rows()));
        }
        // What was accepted, here or by a process that passed it on, was not opened.
        let accepted = |p: &Pattern| p.origin == Origin::Accept || pile.accepted == Some(true) && p.origin == Origin::Before;
        support::by_trace(case, pile, claim, "a read that returns 0 (the peer has closed)", |p| p.eof && !accepted(p));
        opened(case, pile, claim);
        claim.evidence.extend(support::user_of_rows(pile));
        claim.missing.extend(support::holder(case, pile));
        support::by_logs(case, pile, claim, &["peer-closed-not-closed"]);
        support::ask_for_trace(case, pile, claim);
        claim.now = vec!["restart the program or reload its pool; nothing else ends CLOSE-WAIT".into()];
        claim.fix = vec!["close when a read returns 0, and close or return each connection on every path".into()];
    })
}

/// Connections that a trace shows being opened to the remote of the rows and left open, before their peers have closed.
fn opened(case: &Case<'_>, pile: &Pile, claim: &mut Claim) {
    let Some((remote, _)) = pile.top_remote().filter(|_| pile.accepted != Some(true)) else { return };
    for (trace, tie) in case.traces(pile) {
        let tales = case.tales(trace, |p| {
            !p.eof
                && !matches!(p.outcome, Outcome::Failed(_))
                && p.remote == Some(remote)
                && matches!(p.origin, Origin::Socket(t) if t.is_tcp())
        });
        let (left, closed) = tales.iter().fold((0, 0), |(left, closed), (_, t)| (left + t.open, closed + t.closed));
        if left < 2 || left <= closed || super::balance::of(case, trace, &tales) != super::balance::Balance::Grows {
            continue;
        }
        let says = format!(
            "the trace shows {} connections opened to {} and left open, {} closed",
            super::number(left as i64),
            case.show(remote),
            super::number(closed as i64)
        );
        let strength = if tie == Tie::Loose { Strength::Moderate } else { Strength::Strong };
        let quotes = tales.iter().filter(|(_, t)| t.open > 0).flat_map(|(_, t)| t.quotes.0.iter().cloned()).take(2);
        claim.evidence.push(Evidence::new(strength, Witnessed::Trace, says, quotes));
    }
}
