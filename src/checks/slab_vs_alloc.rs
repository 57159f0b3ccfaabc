//! TCP sockets in the kernel's memory against those it counts.

use super::Checked;
use super::slack::Slack;
use crate::causes::{Case, number};
use crate::ledger::Figure;

/// The caches cannot hold fewer sockets than there are; a moment lies between the two readings.
const FEWER: Slack = Slack { absolute: 100, percent: 10 };
/// SLUB counts whole slabs that a CPU holds as used, and pages of a peak that is over stay partly filled: normally within 20 percent, a
/// small host some hundreds.
const MORE: Slack = Slack { absolute: 1024, percent: 50 };

check! {
    /// TCP sockets in the kernel's memory against those it counts.
    ///
    /// # Compared
    /// Active objects of the slab caches TCP and TCPv6 (`/proc/slabinfo`), those of memory cgroups included, with `TCP: alloc`. Objects
    /// and sockets; a socket is one object.
    ///
    /// # Scope
    /// Both are of the whole host. slabinfo is readable by root only; caches may be merged and are then absent, which is not zero.
    ///
    /// # Tolerance
    /// Downwards 10 % and 100 for the moment between the readings. Upwards 50 % and 1024, because active counts are rounded up to whole
    /// slabs for each CPU.
    ///
    /// # When they agree
    /// The kernel's count is borne out by its memory.
    ///
    /// # When they disagree
    /// More objects: sockets that the kernel no longer counts still take memory (a leak in the kernel, or the slabs of a peak that is
    /// over). Fewer: the files are of different moments or hosts.
    ///
    /// # Source
    /// `net/ipv4/tcp_ipv4.c`, slabinfo(5); formats.md identity 13.
    SlabVsAlloc, "slab-vs-alloc", make
}

fn make(case: &Case<'_>) -> Checked {
    let Some(alloc) = case.ledger.books.alloc.as_ref().or(case.ledger.books.ss_alloc.as_ref()) else {
        return Checked::skipped("neither sockstat nor ss -s was captured");
    };
    let (Some(tcp), Some(tcp6)) = (cache(case, "slab.TCP"), cache(case, "slab.TCPv6")) else {
        return Checked::skipped("/proc/slabinfo with the caches TCP and TCPv6 was not captured");
    };
    let objects = tcp.value.saturating_add(tcp6.value);
    let at = tcp.at.iter().chain(&tcp6.at).chain(&alloc.at).cloned().collect();
    let both = format!("slab caches hold {} TCP sockets, the kernel counts {}", number(objects), number(alloc.value));
    let excess = objects.saturating_sub(alloc.value);
    if excess > MORE.at(alloc.value) {
        return Checked::disagree(
            format!("{both}: memory of sockets that are not counted any more, after a peak or by a leak in the kernel"),
            at,
        );
    }
    if excess < FEWER.at(alloc.value).saturating_neg() {
        return Checked::disagree(format!("{both}: the two files are of different moments or hosts"), at);
    }
    Checked::agree(both, at)
}

/// A cache with its copies for memory cgroups, which kernels before 5.9 name `TCP(123:name)`.
fn cache(case: &Case<'_>, name: &str) -> Option<Figure> {
    let mut whole = case.counter(name)?;
    let copies = format!("{name}(");
    for (&key, readings) in &case.snapshot.counters {
        if let Some(last) = readings.last().filter(|_| case.names.text(key).starts_with(&copies)) {
            whole.value = whole.value.saturating_add(last.value);
        }
    }
    Some(whole)
}

#[cfg(test)]
mod tests {
    use crate::checks::Status;
    use crate::checks::testing::status;

    fn with(tcp: u32) -> Status {
        let slab = format!(
            "slabinfo - version: 2.1\n# name            <active_objs> <num_objs> <objsize>\n\
             TCP(7:web) 10 10 2368 13 8 : tunables 0 0 0 : slabdata 1 1 0\n\
             TCP {tcp} 9000 2368 13 8 : tunables 0 0 0 : slabdata 1 1 0\nTCPv6 10 10 2560 12 8 : tunables 0 0 0 : slabdata 1 1 0\n"
        );
        status("slab-vs-alloc", &[("slabinfo", &slab), ("sockstat", "sockets: used 990\nTCP: inuse 27 orphan 0 tw 8 alloc 960 mem 290\n")])
    }

    #[test]
    fn memory_and_count() {
        assert_eq!(with(1100), Status::Agree);
        assert_eq!(with(8000), Status::Disagree);
        assert_eq!(with(100), Status::Disagree);
        assert_eq!(
            status("slab-vs-alloc", &[("sockstat", "sockets: used 990\nTCP: inuse 27 orphan 0 tw 8 alloc 960 mem 290\n")]),
            Status::Skipped
        );
    }
}
