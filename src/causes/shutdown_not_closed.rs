//! Connections that are shut down but not closed.

use super::claim::{Claim, Evidence, Strength, Witnessed};
use super::support;
use super::{Case, on_piles};
use crate::ledger::Kind;

cause! {
    /// A program calls `shutdown()` and takes it for close, or waits for an event that never comes before it closes: the connection
    /// ends, the descriptor stays.
    ///
    /// # How it looks
    /// - lsof: while the peer has not finished, `TCP ... (FIN_WAIT2)`; once both sides have, `protocol: TCP` or `can't identify
    ///   protocol`.
    /// - ss, netstat: FIN-WAIT-2 rows with an owner. These have no time limit: `tcp_fin_timeout` is for orphans. Later, nothing.
    /// - `ss -s`: closed minus timewait grows. sockstat: alloc grows, inuse does not.
    /// - strace: `shutdown(N, SHUT_WR)` or `SHUT_RDWR`, perhaps `read(N) = 0`, no `close(N)`.
    /// - log: mostly silent; TLS libraries note `close_notify` or handshake errors.
    ///
    /// # Evidence for
    /// - A trace with shutdown and no close of the same number.
    /// - Connections were established (active or passive opens at least as many as the sockets), and neither failed nor were reset in
    ///   such numbers.
    /// - FIN-WAIT-2 rows that a descriptor still holds.
    ///
    /// # Evidence against
    /// - AttemptFails or EstabResets as large as the number of sockets explain them better.
    /// - FIN-WAIT rows without an owner are orphans, which is `orphan-buildup`.
    ///
    /// # Mistaken for
    /// - `connect-failed-not-closed`, `reset-not-closed`: the same unidentified rows once both sides are done.
    /// - A slow peer: it decides how long FIN-WAIT-2 lasts, but not whether the descriptor is closed afterwards.
    ///
    /// # Confirm
    /// - `strace -f -tt -T -e trace=shutdown,close -p PID`.
    /// - `ss -tanpe state fin-wait-2`.
    ///
    /// # Now
    /// - Restart before the descriptor limit. `ss -K` ends those in FIN-WAIT-2 where the kernel has CONFIG_INET_DIAG_DESTROY; their
    ///   descriptors stay.
    ///
    /// # For good
    /// - All: close after shutdown, on every path, with a time limit for the peer's answer.
    /// - Node: `socket.end()` only half-closes; call `destroy()` when `close` has not come in time. A TLS server must destroy the
    ///   socket in `tlsClientError`.
    /// - Python asyncio: `writer.close(); await writer.wait_closed()`, not `write_eof()` alone; plain sockets: shutdown() then
    ///   close().
    /// - Java: `shutdownOutput()` is no close; use try-with-resources. Netty: close the channel also where ALLOW_HALF_CLOSURE is set.
    /// - Go: `CloseWrite()` needs a `Close()` after it; in proxies, when both copies have ended. A proxy that passes on only one
    ///   direction's end leaves FIN-WAIT-2 beside CLOSE-WAIT.
    /// - C: shutdown() frees nothing.
    ///
    /// # References
    /// shutdown(2), close(2); tcp(7) tcp_fin_timeout; github.com/joyent/libuv issue 690;
    /// idea.popcount.org/2012-12-09-lsof-cant-identify-protocol.
    ShutdownNotClosed, "shutdown-not-closed", leak, "connections are shut down but their descriptors not closed", weigh
}

fn weigh(case: &Case<'_>) -> Vec<Claim> {
    let says = "shut down, finished by both sides, and never closed";
    on_piles(case, "shutdown-not-closed", &[Kind::Closed, Kind::Unidentified, Kind::FinWait], says, |pile, claim| {
        support::by_trace(case, pile, claim, "shutdown()", |p| p.shutdown);
        support::by_logs(case, pile, claim, &["shutdown-not-closed"]);
        if pile.kind == Kind::FinWait {
            claim.evidence.push(Evidence::new(
                Strength::Strong,
                Witnessed::Table,
                "a descriptor still holds each of them: shutdown() was called, close() was not",
                pile.traits.quotes.iter().take(1).cloned(),
            ));
            support::own_remotes(case, pile, claim, pile.accepted == Some(true));
        } else {
            by_elimination(case, pile, claim);
        }
        support::ask_for_trace(case, pile, claim);
        claim.now = vec!["restart the program before its descriptor limit".into()];
        claim.fix = vec!["call close() after shutdown(), on every path, with a time limit for the peer".into()];
    })
}

/// Opened as often as there are sockets, but neither failed nor reset: what is left is a regular end without close.
fn by_elimination(case: &Case<'_>, pile: &crate::ledger::Pile, claim: &mut Claim) {
    if pile.count < 20 {
        return;
    }
    let get = |name| case.counter(name).filter(|f| f.value >= 0);
    let (Some(active), Some(passive), Some(fails), Some(resets)) =
        (get("snmp.tcp.active_opens"), get("snmp.tcp.passive_opens"), get("snmp.tcp.attempt_fails"), get("snmp.tcp.estab_resets"))
    else {
        return;
    };
    let opened = active.value.max(passive.value) as u64;
    let few = |n: i64| (n as u64) * 2 < pile.count;
    if opened * 10 >= pile.count * 8 && few(fails.value) && few(resets.value) {
        let says = format!(
            "{} connections were opened, but only {} attempts failed and {} were reset: most ended regularly",
            super::number(opened as i64),
            fails.value,
            resets.value
        );
        claim.evidence.push(Evidence::new(
            Strength::Strong,
            Witnessed::Counters,
            says,
            active.at.into_iter().chain(fails.at).chain(resets.at),
        ));
    } else if opened * 2 < pile.count || !few(fails.value) || !few(resets.value) {
        let says = format!(
            "{} opens, {} failed attempts and {} resets explain the sockets otherwise",
            super::number(opened as i64),
            fails.value,
            resets.value
        );
        claim.against.push(Evidence::new(Strength::Moderate, Witnessed::Counters, says, active.at.into_iter().chain(fails.at)));
    }
}
