//! Connections that are shut down but not closed.

use super::claim::{Claim, Evidence, Strength, Witnessed};
use super::support;
use super::{Case, on_piles};
use crate::ledger::Kind;

cause! {
    /// A program calls `shutdown()` and relies on it to close, or waits for an event that never comes: the connection ends, the descriptor stays.
    ///
    /// # How it looks
    /// Once both sides have finished, the socket is in no table and counted in `alloc`; while the peer has not, it is FIN-WAIT-2 with an owner
    /// (which has no time limit: `tcp_fin_timeout` is for orphans). strace: `shutdown(N)` without `close(N)`.
    ///
    /// # Evidence for
    /// The trace; connections were established (active or passive opens at least as many as sockets) but neither failed nor were reset.
    ///
    /// # Evidence against
    /// AttemptFails or EstabResets as large as the number of sockets.
    ///
    /// # Mistaken for
    /// connect-failed-not-closed; reset-not-closed.
    ///
    /// # Confirm
    /// `strace -f -tt -T -e trace=shutdown,close -p PID`.
    ///
    /// # Now
    /// Restart before the descriptor limit.
    ///
    /// # For good
    /// Close after shutdown, on every path, with a time limit for the peer's answer.
    ///
    /// # References
    /// shutdown(2), close(2).
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
