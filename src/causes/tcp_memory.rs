//! TCP buffer memory is full.

use super::claim::{Class, Evidence, Strength, Witnessed};
use super::support;
use super::{Case, Claim, Exclusion, number};

/// Pages below which memory is no matter on any machine: 256 MiB.
const FEW: i64 = 65_536;

cause! {
    /// Data queued on many sockets fills tcp_mem: the kernel drops and prunes. Its cause is slow readers or peers, not the number of
    /// sockets.
    ///
    /// # How it looks
    /// sockstat `mem` (pages) near the third value of tcp_mem; kernel: `out of memory -- consider tuning tcp_mem`; large queues.
    ///
    /// # Evidence for
    /// mem above the pressure value.
    ///
    /// # Evidence against
    /// A few pages per thousand sockets.
    ///
    /// # Mistaken for
    /// Orphans, whose old kernel line is the same.
    ///
    /// # Confirm
    /// `cat /proc/net/sockstat /proc/sys/net/ipv4/tcp_mem`.
    ///
    /// # Now
    /// Find the sockets with full queues (`ss -tm`).
    ///
    /// # For good
    /// -
    ///
    /// # References
    /// tcp(7) tcp_mem: pages, not bytes.
    TcpMemory, "tcp-memory", lookalike, "buffers of TCP sockets reach the limit of the kernel", weigh, rule_out
}

fn weigh(case: &Case<'_>) -> Vec<Claim> {
    let kernel = case.snapshot.logs.sightings.iter().find(|s| s.kernel && s.points_to.iter().any(|p| p == "tcp-memory"));
    let mem = case.ledger.books.mem.as_ref();
    let max = case.counter("sysctl.net.ipv4.tcp_mem.max");
    let pressure = case.counter("sysctl.net.ipv4.tcp_mem.pressure");
    let near = mem.zip(pressure.as_ref().or(max.as_ref())).is_some_and(|(m, p)| p.value > 0 && m.value >= p.value);
    if kernel.is_none() && !near {
        return Vec::new();
    }
    let mut claim = support::note("tcp-memory", Class::Exhaustion, "TCP buffers have reached the kernel's limit");
    if let Some(m) = mem {
        let of = max.as_ref().map_or(String::new(), |x| format!(" of at most {}", number(x.value)));
        claim.evidence.push(Evidence::new(
            if near { Strength::Strong } else { Strength::Weak },
            Witnessed::Books,
            format!("{} pages of TCP buffers{of}", number(m.value)),
            m.at.iter().cloned().chain(max.into_iter().flat_map(|f| f.at)),
        ));
    }
    if let Some(s) = kernel {
        claim.evidence.push(Evidence::new(
            Strength::Strong,
            Witnessed::Kernel,
            format!("the kernel says so: {}", s.means),
            [s.first.clone()],
        ));
    }
    claim.now = vec!["find the sockets with full queues: ss -tnm".into()];
    claim.fix = vec!["readers that keep up; smaller buffers per socket; only then a larger tcp_mem".into()];
    vec![claim]
}

fn rule_out(case: &Case<'_>) -> Option<Exclusion> {
    let Some(mem) = &case.ledger.books.mem else {
        return Exclusion::not("cannot be ruled out: sockstat (TCP mem) was not captured", Vec::new());
    };
    let pressure = case.counter("sysctl.net.ipv4.tcp_mem.pressure").filter(|f| f.value > 0);
    let says = format!("TCP buffers take {} pages ({} KiB)", number(mem.value), number(mem.value.saturating_mul(4)));
    match pressure {
        Some(p) if mem.value * 2 < p.value => {
            Exclusion::out(format!("{says}, pressure begins at {}", number(p.value)), mem.at.iter().cloned().chain(p.at).collect())
        }
        Some(p) => Exclusion::not(format!("{says}, pressure begins at {}", number(p.value)), mem.at.iter().cloned().chain(p.at).collect()),
        None if mem.value < FEW => Exclusion::out(says, mem.at.clone()),
        None => Exclusion::not(format!("{says}; the limit (tcp_mem) was not captured"), mem.at.clone()),
    }
}
