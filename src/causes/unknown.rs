//! Sockets leak and the capture does not show why.

use super::claim::Claim;
use super::support;
use super::{Case, on_piles};
use crate::ledger::Kind;

cause! {
    /// The capture shows that sockets are left open and who holds them, but nothing that tells which mistake leaves them open.
    ///
    /// # How it looks
    /// A pile of the kind, and no trace, log or counter that fits a cause.
    ///
    /// # Evidence for
    /// The pile.
    ///
    /// # Evidence against
    /// Any evidence for another cause.
    ///
    /// # Mistaken for
    /// Nothing: it is what remains.
    ///
    /// # Confirm
    /// The commands listed under what is missing.
    ///
    /// # Now
    /// Restart before the descriptor limit.
    ///
    /// # For good
    /// Capture what is missing, then mend the cause it shows.
    ///
    /// # References
    /// -
    Unknown, "unknown", leak, "a leak whose cause the capture does not show", weigh
}

fn weigh(case: &Case<'_>) -> Vec<Claim> {
    on_piles(case, "unknown", &[Kind::Closed, Kind::Unidentified], "left open for a reason the capture does not show", |pile, claim| {
        support::ask_for_trace(case, pile, claim);
        claim.now = vec!["restart the program before it reaches its descriptor limit".into()];
        claim.fix = vec!["capture what is missing; the trace shows which call leaves the sockets open".into()];
    })
}
