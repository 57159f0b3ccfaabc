//! Listening sockets that pile up.

use super::claim::Claim;
use super::support;
use super::{Case, on_piles};
use crate::ledger::Kind;

cause! {
    /// A program opens its listener again at each reload (SO_REUSEPORT lets it) and never closes the old one.
    ///
    /// # How it looks
    /// ss and netstat: hundreds of LISTEN rows of one process on one address. New connections are spread over all of them, so some are
    /// never accepted.
    ///
    /// # Evidence for
    /// The rows; growth per reload; a trace with bind and listen and no close.
    ///
    /// # Evidence against
    /// As many listeners as cores or workers: SO_REUSEPORT by design.
    ///
    /// # Mistaken for
    /// Many services.
    ///
    /// # Confirm
    /// `ss -ltnp` before and after a reload.
    ///
    /// # Now
    /// Restart the program.
    ///
    /// # For good
    /// Close the old listener when the new one is up, or keep it.
    ///
    /// # References
    /// socket(7) SO_REUSEPORT.
    ListenerNotClosed, "listener-not-closed", leak, "listening sockets on one address pile up", weigh
}

fn weigh(case: &Case<'_>) -> Vec<Claim> {
    on_piles(case, "listener-not-closed", &[Kind::Listen], "opened at each reload and never closed", |pile, claim| {
        support::own_remotes(case, pile, claim, pile.accepted == Some(true));
        support::by_trace(case, pile, claim, "listen() on a new socket", |p| super::suspicion::leaves_open(Kind::Listen, p));
        support::by_logs(case, pile, claim, &["listener-not-closed"]);
        support::ask_for_trace(case, pile, claim);
        claim.now = vec!["restart the program".into()];
        claim.fix = vec!["close the old listener at a reload, or keep it".into()];
    })
}
