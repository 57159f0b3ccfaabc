//! What a capture shows and cannot settle: why silence of the causes is no proof of health.

mod host;
mod pile;

use crate::causes::{Case, Missing, limit_undecided, ports_undecided};

/// Something that is neither shown to be a leak nor shown to be none.
#[derive(Clone, Debug)]
pub struct Unjudged {
    /// What, and why it cannot be told; a sentence without a full stop.
    pub says: String,
    /// What would decide.
    pub missing: Missing,
}

/// From how many sockets on a pile that nothing explains keeps a host from being called healthy.
const MANY: u64 = 100;
/// From how many connections of one client to one remote on a pool is no longer taken for granted: the usual ones end at some hundreds.
const POOL: u64 = 500;

/// All that a case leaves open: its piles, largest first, then the rest.
pub fn unjudged(case: &Case<'_>) -> Vec<Unjudged> {
    let piles = case.ledger.piles.iter().filter_map(|p| pile::unjudged(case, p));
    let mut all: Vec<Unjudged> = piles.chain(host::unjudged(case)).collect();
    all.extend(ports_undecided(case).map(|(says, missing)| Unjudged { says, missing }));
    all.extend(limit_undecided(case).map(|(says, missing)| Unjudged { says, missing }));
    all
}
