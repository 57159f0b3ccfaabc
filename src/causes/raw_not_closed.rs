//! Raw sockets that pile up.

use super::claim::Claim;
use super::support;
use super::{Case, on_piles};
use crate::ledger::Kind;

cause! {
    /// A monitor opens a raw (ICMP) socket per probe and never closes it; each one receives a copy of every ICMP packet.
    ///
    /// # How it looks
    /// lsof: `raw` rows; ss -w; sockstat: RAW inuse grows.
    ///
    /// # Evidence for
    /// Growth; a trace.
    ///
    /// # Evidence against
    /// One or two per prober are normal.
    ///
    /// # Mistaken for
    /// A ping flood.
    ///
    /// # Confirm
    /// `ss -wanp` twice.
    ///
    /// # Now
    /// Restart the program.
    ///
    /// # For good
    /// One socket per prober; close it after each probe otherwise.
    ///
    /// # References
    /// raw(7).
    RawNotClosed, "raw-not-closed", leak, "raw sockets are opened and never closed", weigh
}

fn weigh(case: &Case<'_>) -> Vec<Claim> {
    on_piles(case, "raw-not-closed", &[Kind::Raw], "opened for one probe each and never closed", |pile, claim| {
        support::own_remotes(case, pile, claim, pile.accepted == Some(true));
        support::by_trace(case, pile, claim, "a raw socket", |p| super::suspicion::leaves_open(Kind::Raw, p));
        support::by_logs(case, pile, claim, &["raw-not-closed"]);
        support::ask_for_trace(case, pile, claim);
        claim.now = vec!["restart the program".into()];
        claim.fix = vec!["keep one raw socket for all probes, or close each".into()];
    })
}
