//! TCP buffer memory is full.

use super::claim::{Class, Evidence, Strength, Witnessed};
use super::support;
use super::{Case, Claim, Exclusion, number};
use crate::ledger::Figure;

/// Pages below which memory is no matter on any machine: 256 MiB.
const FEW: i64 = 65_536;

cause! {
    /// Data queued on many sockets fills tcp_mem: the kernel prunes queues and drops packets. Its cause is slow readers or peers, not
    /// the number of sockets.
    ///
    /// # How it looks
    /// - sockstat: TCP `mem`, in pages and of the whole host, near the third value of net.ipv4.tcp_mem, which is in pages too.
    /// - ss, netstat: large Recv-Q (a reader here is slow) or Send-Q (a peer is slow). `ss -tm` shows the memory of each.
    /// - `netstat -s`: packets pruned from receive queue, TCP ran low on memory, memory pressures.
    /// - lsof, /proc/PID/fd, `ss -s`: nothing unusual. strace: reads missing, or writes that return EAGAIN.
    /// - log: kernel `TCP: out of memory -- consider tuning tcp_mem`.
    ///
    /// # Evidence for
    /// - mem above the second value (pressure); the kernel's line.
    ///
    /// # Evidence against
    /// - A few pages per thousand sockets: closed and idle sockets cost next to nothing here.
    ///
    /// # Mistaken for
    /// - `orphan-buildup`, whose old kernel line is the same.
    /// - A bytes limit: 400,000 pages are 1.6 GB.
    ///
    /// # Confirm
    /// - `cat /proc/net/sockstat /proc/sys/net/ipv4/tcp_mem`; rows by queue: `ss -Htn | sort -k2 -rn | head`.
    ///
    /// # Now
    /// - Find the sockets with full queues and their process; restart the reader that has stopped.
    ///
    /// # For good
    /// - Readers that keep up, or that stop reading with back-pressure on the sender; limits on connections.
    /// - Proxies that pass on only one direction's end keep full queues in FIN-WAIT-2 and CLOSE-WAIT: close both.
    /// - nginx: proxy_buffers bounded; HAProxy: tune.rcvbuf. Java, Node: honour `write()` returning false, Netty isWritable. Go:
    ///   deadlines on writes.
    /// - Smaller tcp_rmem and tcp_wmem maxima; only then a larger tcp_mem.
    ///
    /// # References
    /// tcp(7) tcp_mem: pages, not bytes; net/core/sock.c `__sk_mem_raise_allocated`; github.com/canonical/hotsos issue 445.
    TcpMemory, "tcp-memory", lookalike, "buffers of TCP sockets reach the limit of the kernel", weigh, rule_out
}

fn weigh(case: &Case<'_>) -> Vec<Claim> {
    let mem = case.ledger.books.mem.as_ref();
    let max = case.counter("sysctl.net.ipv4.tcp_mem.max").filter(|f| f.value > 0);
    let pressure = case.counter("sysctl.net.ipv4.tcp_mem.pressure").filter(|f| f.value > 0);
    let past = |mark: &Option<Figure>| mem.zip(mark.as_ref()).map(|(m, mark)| m.value >= mark.value);
    // The kernel's message may mean orphans alone; counts that rule full buffers out settle which, as they do for orphans.
    let orphans = past(&max) == Some(false) && super::orphan_buildup::near_limit(case);
    let ruled_out = orphans || rule_out(case).is_some_and(|e| e.out);
    let kernel = case.told_now("tcp-memory").find(|s| !ruled_out && s.kernel);
    let near = past(&pressure).or(past(&max)).unwrap_or(false);
    if kernel.is_none() && !near {
        return Vec::new();
    }
    // Between the two marks the kernel shrinks buffers and refuses none.
    let saving = kernel.is_none() && past(&max) == Some(false);
    let (class, says) = if saving {
        (Class::Note, "TCP buffers are past the mark from which the kernel shrinks them")
    } else {
        (Class::Exhaustion, "TCP buffers have reached the kernel's limit")
    };
    let mut claim = support::note("tcp-memory", class, says);
    if let Some(m) = mem {
        let of = max.as_ref().map_or(String::new(), |x| format!(" of at most {}", number(x.value)));
        let from = pressure.filter(|_| saving).map_or(String::new(), |p| format!("; it shrinks them from {} on", number(p.value)));
        claim.evidence.push(Evidence::new(
            if near { Strength::Strong } else { Strength::Weak },
            Witnessed::Books,
            format!("{} pages of TCP buffers{of}{from}", number(m.value)),
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
    // Orphans at their limit say why the kernel complains: then anything below the mark is enough.
    let elsewhere = || super::orphan_buildup::near_limit(case);
    match pressure {
        Some(p) if mem.value * 2 < p.value || (mem.value < p.value && elsewhere()) => {
            Exclusion::out(format!("{says}, pressure begins at {}", number(p.value)), mem.at.iter().cloned().chain(p.at).collect())
        }
        Some(p) => Exclusion::not(format!("{says}, pressure begins at {}", number(p.value)), mem.at.iter().cloned().chain(p.at).collect()),
        None if mem.value < FEW => Exclusion::out(says, mem.at.clone()),
        None => Exclusion::not(format!("{says}; the limit (tcp_mem) was not captured"), mem.at.clone()),
    }
}
