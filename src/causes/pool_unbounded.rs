//! Client side: connections to the same peer grow and none is given back.

use super::claim::{Claim, Evidence, Strength, Witnessed};
use super::support;
use super::{Case, on_piles};
use crate::capture::trace::{Origin, Outcome};
use crate::ledger::Kind;

cause! {
    /// A client opens a new connection for each piece of work and keeps it: a pool without bound, or one client object per call.
    ///
    /// # How it looks
    /// ESTABLISHED rows to one remote service, local ports ephemeral, growing; the peer has closed nothing.
    ///
    /// # Evidence for
    /// Growth between samples; a trace with connects that succeed and are never closed; a leak detector's log line.
    ///
    /// # Evidence against
    /// A count that stays, or connections in use.
    ///
    /// # Mistaken for
    /// busy-not-leaking: many connections that are used and bounded.
    ///
    /// # Confirm
    /// Two samples of `ss -tanp 'dport = :PORT'`; the pool's own metrics.
    ///
    /// # Now
    /// Restart; lower the pool's maximum or the work that arrives.
    ///
    /// # For good
    /// One shared client; close or return what was borrowed (finally, defer, with); a maximum and an idle limit for the pool. Go: one
    /// http.Transport; Java: one EventLoopGroup or HttpClient; Python: one Session.
    ///
    /// # References
    /// The knowledge of section 3.6 in docs.
    PoolUnbounded, "pool-unbounded", leak, "connections to the same peer grow and are never given back", weigh
}

fn weigh(case: &Case<'_>) -> Vec<Claim> {
    on_piles(case, "pool-unbounded", &[Kind::Established], "opened to the same peer and never given back", |pile, claim| {
        let rows = || pile.traits.quotes.iter().take(1).cloned();
        support::own_remotes(case, pile, claim, false);
        match pile.accepted {
            Some(true) => claim.against.push(Evidence::new(
                Strength::Strong,
                Witnessed::Table,
                "these were accepted, not opened, by the program",
                rows(),
            )),
            _ => {
                if let Some((_, n)) = pile.top_remote()
                    && n * 10 >= pile.traits.remotes.total() * 8
                {
                    claim.evidence.push(Evidence::new(
                        Strength::Moderate,
                        Witnessed::Table,
                        format!("{} of them go to one remote", super::number(n as i64)),
                        rows(),
                    ));
                }
            }
        }
        let fits = |p: &crate::capture::trace::Pattern| {
            matches!(p.origin, Origin::Socket(s) if s.is_tcp()) && p.outcome == Outcome::Connected && !p.eof
        };
        support::by_trace(case, pile, claim, "a connect that succeeds", fits);
        support::by_logs(case, pile, claim, &["pool-unbounded"]);
        support::ask_for_trace(case, pile, claim);
        claim.now = vec!["restart the program, or lower the maximum of its pool".into()];
        claim.fix = vec!["share one client or pool, give each connection back on every path, and bound the pool".into()];
    })
}
