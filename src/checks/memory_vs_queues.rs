//! Buffer memory of TCP against the bytes queued in sockets.

use super::Checked;
use super::rows::{self, TcpRows};
use crate::causes::{Case, many, number};

/// Each CPU may hold 1 MiB of buffers that are not in the count (SK_MEMORY_PCPU_RESERVE, since about Linux 6.0): that of 64 CPUs.
const RESERVE_BYTES: i64 = 64 << 20;
/// From this many sockets on, it is worth saying that they hold no data.
const MANY: i64 = 1000;
/// Bytes for a socket below which nothing is queued: the smallest buffer takes more.
const EMPTY_BYTES: i64 = 64;

check! {
    /// Buffer memory of TCP against the bytes queued in sockets.
    ///
    /// # Compared
    /// `TCP: mem` of sockstat, which counts pages (4096 bytes; up to 64 KiB on ARM and POWER), with the sum of Recv-Q and Send-Q over
    /// all TCP rows but listeners; without such rows, with the number of sockets allocated.
    ///
    /// # Scope
    /// mem is of the whole host, the rows of one network namespace: only more queued bytes than memory is a contradiction.
    ///
    /// # Tolerance
    /// Twice the memory, and 64 MiB: since about 6.0 each CPU keeps up to 1 MiB that the count leaves out or adds.
    ///
    /// # When they agree
    /// Memory bears out the queues. A few pages for thousands of sockets mean that the sockets are empty: never used, or done, and not
    /// connections with unread data.
    ///
    /// # When they disagree
    /// The counts are of another host, network stack or moment than the table.
    ///
    /// # Source
    /// `net/ipv4/proc.c`, `include/net/sock.h`; formats.md identity 18.
    MemoryVsQueues, "memory-vs-queues", make
}

fn make(case: &Case<'_>) -> Checked {
    let books = &case.ledger.books;
    let Some(mem) = &books.mem else { return Checked::skipped("sockstat was not captured") };
    let bytes = mem.value.saturating_mul(super::kernel::page_bytes(case));
    let memory = format!("TCP buffers take {} ({} KiB)", many(mem.value.max(0) as u64, "page", "pages"), number(bytes / 1024));
    if let Some(view) = rows::whole(case.ledger) {
        let queued = TcpRows::of(view).queued_bytes;
        let at = mem.at.iter().cloned().chain(rows::cite(view, |g| g.unread + g.unsent > 0)).collect();
        let both = format!("{memory}, {} KiB are queued in sockets", number(queued / 1024));
        if queued > bytes.saturating_mul(2).saturating_add(RESERVE_BYTES) {
            return Checked::disagree(format!("{both}: more than that memory holds, so the two are of different hosts or moments"), at);
        }
        return Checked::agree(both, at);
    }
    match &books.alloc {
        Some(alloc) if alloc.value >= MANY && bytes / alloc.value < EMPTY_BYTES => Checked::agree(
            format!(
                "{memory} for {} sockets: no data is queued in them, so they are not connections with unread data",
                number(alloc.value)
            ),
            mem.at.iter().chain(&alloc.at).cloned().collect(),
        ),
        _ => Checked::skipped(format!("{memory}; no whole table of TCP sockets was captured")),
    }
}

#[cfg(test)]
mod tests {
    use crate::checks::Status;
    use crate::checks::testing::{check, status};

    fn books(alloc: u32, mem: u32) -> String {
        format!("sockets: used 200000\nTCP: inuse 27 orphan 0 tw 8 alloc {alloc} mem {mem}\n")
    }

    #[test]
    fn bytes_and_pages() {
        let table = "State Recv-Q Send-Q Local Address:Port Peer Address:Port\nESTAB 900000000 0 10.0.0.1:22 10.0.0.2:9\n";
        assert_eq!(status("memory-vs-queues", &[("sockstat", &books(60, 220_000)), ("ss-tan", table)]), Status::Agree);
        assert_eq!(status("memory-vs-queues", &[("sockstat", &books(60, 16)), ("ss-tan", table)]), Status::Disagree);
        assert_eq!(status("memory-vs-queues", &[("ss-tan", table)]), Status::Skipped);
        assert_eq!(status("memory-vs-queues", &[("sockstat", &books(60, 16))]), Status::Skipped);
        assert!(check("memory-vs-queues", &[("sockstat", &books(157_760, 16))]).says.contains("64 KiB"));
    }
}
