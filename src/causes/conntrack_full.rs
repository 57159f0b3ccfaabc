//! The connection tracking table is full.

use super::claim::{Class, Evidence, Strength, Witnessed};
use super::support;
use super::{Case, Claim, number};

cause! {
    /// The firewall tracks more connections than its table holds and drops packets: connects time out, nothing leaks here.
    ///
    /// # How it looks
    /// kernel: `nf_conntrack: table full, dropping packet`; nf_conntrack_count near nf_conntrack_max.
    ///
    /// # Evidence for
    /// The kernel line; the numbers.
    ///
    /// # Evidence against
    /// Room in the table.
    ///
    /// # Mistaken for
    /// A network fault; a leak of SYN-SENT.
    ///
    /// # Confirm
    /// `sysctl net.netfilter.nf_conntrack_count net.netfilter.nf_conntrack_max`.
    ///
    /// # Now
    /// Raise nf_conntrack_max.
    ///
    /// # For good
    /// Shorter timeouts; no tracking for busy ports.
    ///
    /// # References
    /// net/netfilter/nf_conntrack_core.c.
    ConntrackFull, "conntrack-full", lookalike, "the firewall's table of connections is full", weigh
}

fn weigh(case: &Case<'_>) -> Vec<Claim> {
    let kernel = case.snapshot.logs.sightings.iter().find(|s| s.points_to.iter().any(|p| p == "conntrack-full"));
    let count = case.counter("sysctl.net.netfilter.nf_conntrack_count");
    let max = case.counter("sysctl.net.netfilter.nf_conntrack_max").or_else(|| case.counter("sysctl.net.nf_conntrack_max"));
    let near =
        count.as_ref().zip(max.as_ref()).is_some_and(|(c, m)| m.value > 0 && c.value >= m.value / 100 * case.thresholds.near_limit as i64);
    if kernel.is_none() && !near {
        return Vec::new();
    }
    let mut claim = support::note("conntrack-full", Class::Exhaustion, "the connection tracking table is full, so packets are dropped");
    if let (Some(c), Some(m)) = (count, max) {
        claim.count = Some(c.value.max(0) as u64);
        claim.evidence.push(Evidence::new(
            if near { Strength::Strong } else { Strength::Weak },
            Witnessed::Limit,
            format!("{} entries of at most {}", number(c.value), number(m.value)),
            c.at.into_iter().chain(m.at),
        ));
    }
    if let Some(s) = kernel {
        claim.evidence.push(Evidence::new(
            Strength::Strong,
            Witnessed::Kernel,
            format!("the kernel says so {}: {}", support::times(s.count), s.means),
            [s.first.clone()],
        ));
    }
    claim.now = vec!["raise net.netfilter.nf_conntrack_max (and the hash size)".into()];
    claim.fix = vec!["shorter conntrack timeouts, or no tracking for the busy ports".into()];
    vec![claim]
}
