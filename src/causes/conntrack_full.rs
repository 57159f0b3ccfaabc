//! The connection tracking table is full.

use super::claim::{Class, Evidence, Strength, Witnessed};
use super::support;
use super::{Case, Claim, number};

cause! {
    /// The firewall tracks more connections than its table holds and drops packets of new ones: connects time out, in both
    /// directions. Nothing leaks in any process.
    ///
    /// # How it looks
    /// - log: kernel `nf_conntrack: table full, dropping packet` (old: `ip_conntrack`).
    /// - sysctl: net.netfilter.nf_conntrack_count near nf_conntrack_max.
    /// - /proc/net/stat/nf_conntrack: columns drop and early_drop rise.
    /// - ss, netstat: SYN-SENT rows to many remotes at once, or clients that cannot reach listeners whose queues are empty.
    /// - lsof, /proc/PID/fd, `ss -s`, sockstat: nothing unusual. strace: connect that times out.
    ///
    /// # Evidence for
    /// - The kernel's line; the two numbers.
    ///
    /// # Evidence against
    /// - Room in the table, and no line.
    ///
    /// # Mistaken for
    /// - A network fault.
    /// - `connect-stuck`: only one remote then; here all.
    /// - `syn-flood`, which may be what fills the table.
    ///
    /// # Confirm
    /// - `sysctl net.netfilter.nf_conntrack_count net.netfilter.nf_conntrack_max`; `conntrack -S`.
    /// - `conntrack -L 2>/dev/null | awk '{print $4}' | sort | uniq -c | sort -rn`.
    ///
    /// # Now
    /// - `sysctl -w net.netfilter.nf_conntrack_max=N` (about 320 bytes each), and hashsize to a quarter of it.
    ///
    /// # For good
    /// - Shorter nf_conntrack_tcp_timeout_established (5 days by default) and time_wait; NOTRACK for busy ports that need no NAT.
    /// - Docker and Kubernetes nodes track every pod's connections: size by node; kube-proxy --conntrack-max-per-core.
    /// - Clients with pools (fewer connections), as in `port-exhaustion`.
    ///
    /// # References
    /// net/netfilter/nf_conntrack_core.c; Documentation/networking/nf_conntrack-sysctl.rst.
    ConntrackFull, "conntrack-full", lookalike, "the firewall's table of connections is full", weigh
}

fn weigh(case: &Case<'_>) -> Vec<Claim> {
    let count = case.counter("sysctl.net.netfilter.nf_conntrack_count");
    let max = case.counter("sysctl.net.netfilter.nf_conntrack_max").or_else(|| case.counter("sysctl.net.nf_conntrack_max"));
    // A table that is not half full now was full at another time.
    let room = count.as_ref().zip(max.as_ref()).is_some_and(|(c, m)| m.value > 0 && c.value < m.value / 2);
    let kernel = case.told_now("conntrack-full").find(|_| !room);
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
