//! Connections that are shut down but not closed.

use super::claim::{Claim, Evidence, Strength, Witnessed};
use super::support;
use super::{Case, on_piles};
use crate::capture::trace::{Pattern, Trace};
use crate::ledger::{Figure, Kind, leaves_open};

/// From how many sockets on counters tell how they ended.
const FEW: u64 = 20;

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
            claim.says = "shut down on its own side, and never closed".into();
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
    // A trace of the holder that leaves sockets open in another way tells of these, counters of all that ever were.
    let left = |t: &Trace, ended: bool| {
        let fits = |p: &Pattern| leaves_open(pile.kind, p) && p.shutdown == ended;
        case.tales(t, fits).iter().map(|(_, t)| t.settled).sum::<u64>()
    };
    if case.traces(pile).iter().any(|(t, tie)| *tie > super::Tie::Loose && left(t, false) >= 2 && left(t, true) == 0) {
        return;
    }
    // Between two samples counters tell of these sockets; since the kernel started they tell of all that ever was.
    let lately = case.gained(pile).filter(|&n| n >= FEW).and_then(|n| Some((n, Opens::of(|name| case.step(name))?)));
    let (count, opens, when) = match lately {
        Some((gained, opens)) => (gained, opens, "between the last samples "),
        None => match Opens::of(|name| case.counter(name)) {
            Some(opens) if pile.count >= FEW => (pile.count, opens, ""),
            _ => return,
        },
    };
    let few = |n: i64| (n.max(0) as u64) * 2 < count;
    let opened = opens.active.value.max(opens.passive.value).max(0) as u64;
    let (fails, resets) = (opens.fails.value, opens.resets.value);
    if opened * 10 >= count * 8 && few(fails) && few(resets) {
        let says = format!(
            "{when}{} connections were opened, but only {fails} attempts failed and {resets} were reset: most ended regularly",
            super::number(opened as i64)
        );
        // What a log says of these is nearer than what was counted of all.
        let told = when.is_empty() && case.told_by_cause(pile).is_some();
        let strength = if told { Strength::Weak } else { Strength::Strong };
        let most = if opens.active.value >= opens.passive.value { opens.active } else { opens.passive };
        let at = most.at.into_iter().chain(opens.fails.at).chain(opens.resets.at);
        claim.evidence.push(Evidence::new(strength, Witnessed::Counters, says, at));
    } else if opened * 2 < count || !few(fails) || !few(resets) {
        let says = format!(
            "{when}{} opens, {fails} failed attempts and {resets} resets explain the sockets otherwise",
            super::number(opened as i64)
        );
        let strength = if when.is_empty() { Strength::Moderate } else { Strength::Strong };
        claim.against.push(Evidence::new(strength, Witnessed::Counters, says, opens.active.at.into_iter().chain(opens.fails.at)));
    }
}

/// What the kernel counts of connections and of how they ended.
struct Opens {
    active: Figure,
    passive: Figure,
    fails: Figure,
    resets: Figure,
}

impl Opens {
    fn of(get: impl Fn(&str) -> Option<Figure>) -> Option<Opens> {
        let get = |name| get(name).filter(|f| f.value >= 0);
        Some(Opens {
            active: get("snmp.tcp.active_opens")?,
            passive: get("snmp.tcp.passive_opens")?,
            fails: get("snmp.tcp.attempt_fails")?,
            resets: get("snmp.tcp.estab_resets")?,
        })
    }
}
