//! Connects that wait for an answer that never comes.

use super::claim::{Claim, Evidence, Strength, Witnessed};
use super::support;
use super::{Case, on_piles};
use crate::capture::trace::Outcome;
use crate::ledger::Kind;

cause! {
    /// A program opens connection after connection to a peer that never answers, sets no time limit, and gives none up.
    ///
    /// # How it looks
    /// ss and netstat: SYN-SENT rows to one remote, with `timer:(on,...,n)` counting retransmits. strace: `connect = -1 EINPROGRESS`, no close.
    ///
    /// # Evidence for
    /// Hundreds of SYN-SENT rows of one process to one remote; retransmits above zero; a trace that never closes them.
    ///
    /// # Evidence against
    /// Many different remotes and no retransmits (a crawler's burst); a trace that closes them in time.
    ///
    /// # Mistaken for
    /// connect-burst; a SYN flood, which arrives (SYN-RECV) instead of leaving.
    ///
    /// # Confirm
    /// `ss -tano state syn-sent` twice, ten seconds apart.
    ///
    /// # Now
    /// Restore the route or firewall rule to the remote, or take it out of the configuration.
    ///
    /// # For good
    /// A connect time limit, a bound on attempts under way, back-off.
    ///
    /// # References
    /// tcp(7) `tcp_syn_retries`.
    ConnectStuck, "connect-stuck", leak, "connects to a peer that never answers pile up", weigh
}

fn weigh(case: &Case<'_>) -> Vec<Claim> {
    on_piles(case, "connect-stuck", &[Kind::SynSent], "waiting for a peer that never answers, without a time limit", |pile, claim| {
        support::own_remotes(case, pile, claim, false);
        if pile.traits.max_retries >= 1 {
            let says = format!("SYNs are retransmitted, up to {} times for one connection", pile.traits.max_retries);
            claim.evidence.push(Evidence::new(Strength::Moderate, Witnessed::Table, says, pile.traits.quotes.iter().take(1).cloned()));
        }
        support::by_trace(case, pile, claim, "a connect that is still in progress", |p| p.outcome == Outcome::InProgress);
        support::by_logs(case, pile, claim, &["connect-stuck"]);
        support::ask_for_trace(case, pile, claim);
        let target = claim.remotes.first().map_or("the remote".to_string(), |r| r.endpoint.clone());
        claim.now = vec![format!("restore the way to {target} (route, firewall), or take it out of the configuration")];
        claim.fix = vec!["set a connect time limit, bound the attempts under way, close those that are given up".into()];
    })
}
