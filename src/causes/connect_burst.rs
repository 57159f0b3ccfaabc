//! A burst of connects that end in time.

use super::claim::{Class, Evidence, Strength, Witnessed};
use super::support;
use super::{Case, Claim, innocence, number, suspect};
use crate::ledger::Kind;

cause! {
    /// A crawler, scanner or health checker opens many connections at once; for a moment hundreds are in SYN-SENT. Each ends in time.
    ///
    /// # How it looks
    /// - ss, netstat: SYN-SENT rows of one process to many remotes, first transmissions only (`timer:(on,...,0)`).
    /// - lsof: `(SYN_SENT)` rows, many different peers.
    /// - `ss -s`, sockstat: alloc and inuse rise and fall again.
    /// - strace: `connect = -1 EINPROGRESS`, then poll with a time limit, then close.
    /// - log: rounds of checks.
    ///
    /// # Evidence for
    /// - The spread over remotes; closes in the trace; a later sample without them.
    ///
    /// # Evidence against
    /// - One remote, retransmits rising, the same local ports in both samples.
    ///
    /// # Mistaken for
    /// - `connect-stuck`.
    /// - An attack from this host: look at who started the program.
    ///
    /// # Confirm
    /// - `ss -Htano state syn-sent | wc -l`, twice, a few seconds apart; compare local ports.
    ///
    /// # Now
    /// - Nothing.
    ///
    /// # For good
    /// - A bound on connects at once and a time limit: Go errgroup.SetLimit, Python asyncio.Semaphore, Java bounded executors, Node
    ///   p-limit.
    /// - Health checkers (HAProxy `spread-checks`, Prometheus scrape offsets): spread them.
    ///
    /// # References
    /// connect(2); ss(8) `-o`.
    ConnectBurst, "connect-burst", lookalike, "a burst of connects, each ended in time", weigh
}

fn weigh(case: &Case<'_>) -> Vec<Claim> {
    let piles = case.ledger.piles.iter().enumerate().filter(|(_, p)| p.kind == Kind::SynSent && p.count >= 50);
    piles
        .filter(|(_, p)| suspect(case, p).is_none())
        .take(1)
        .map(|(n, pile)| {
            // What is the same hour after hour is no burst, but probes or attempts that are given up in time.
            let growth = innocence(case, pile).into_iter().filter(|e| e.by == Witnessed::Growth);
            let steady = case.growth(pile).is_some_and(|g| !g.replaced && g.from * 2 >= g.to);
            let told = pile.traits.remotes.total() > 0;
            let says = match steady {
                false if !told => "under way; a count tells neither to whom nor for how long",
                true => "under way, about as many as before",
                false if pile.traits.remotes.total() < pile.count => "under way, to many remotes",
                false => "under way, of a burst that ends in time",
            };
            let mut claim = support::claim("connect-burst", Class::Note, n, pile, says);
            claim.evidence.extend(growth);
            // A listing of descriptors tells no timers.
            let again = match pile.traits.max_retries {
                0 => String::new(),
                n => format!(", retransmitted at most {}", support::times(n.into())),
            };
            let mut says = format!("{} connects are under way", number(pile.count as i64));
            if told {
                let (remotes, rows) =
                    (super::many(pile.traits.remotes.distinct(), "remote", "different remotes"), pile.traits.remotes.total());
                says += &match rows < pile.count {
                    true => format!("; the {} that are listed go to {remotes}", number(rows as i64)),
                    false => format!(", to {remotes}{again}"),
                };
            }
            claim.evidence.push(Evidence::new(Strength::Moderate, Witnessed::Table, says, pile.traits.quotes.iter().take(1).cloned()));
            claim
        })
        .collect()
}
