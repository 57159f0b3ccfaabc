//! A burst of connects that end in time.

use super::claim::{Class, Evidence, Strength, Witnessed};
use super::support;
use super::{Case, Claim, number, suspect};
use crate::ledger::Kind;

cause! {
    /// A crawler or health checker opens many connections at once; for a moment hundreds are in SYN-SENT.
    ///
    /// # How it looks
    /// SYN-SENT rows to many remotes, few retransmits; a trace that closes them.
    ///
    /// # Evidence for
    /// The spread; closes in the trace; a later sample without them.
    ///
    /// # Evidence against
    /// One remote, retransmits rising.
    ///
    /// # Mistaken for
    /// connect-stuck.
    ///
    /// # Confirm
    /// `ss -tan state syn-sent | wc -l`, twice.
    ///
    /// # Now
    /// Nothing.
    ///
    /// # For good
    /// A bound on connects at once.
    ///
    /// # References
    /// -
    ConnectBurst, "connect-burst", lookalike, "a burst of connects, each ended in time", weigh
}

fn weigh(case: &Case<'_>) -> Vec<Claim> {
    let piles = case.ledger.piles.iter().enumerate().filter(|(_, p)| p.kind == Kind::SynSent && p.count >= 50);
    piles
        .filter(|(_, p)| suspect(case, p).is_none())
        .take(1)
        .map(|(n, pile)| {
            let mut claim = support::claim("connect-burst", Class::Note, n, pile, "under way, of a burst that ends in time");
            let says = format!(
                "{} connects are under way, to {} remotes, retransmitted at most {} times",
                number(pile.count as i64),
                pile.traits.remotes.distinct(),
                pile.traits.max_retries
            );
            claim.evidence.push(Evidence::new(Strength::Moderate, Witnessed::Table, says, pile.traits.quotes.iter().take(1).cloned()));
            claim
        })
        .collect()
}
