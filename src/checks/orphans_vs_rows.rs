//! TCP sockets that still close without a descriptor, by the kernel's count and by rows.

use super::Checked;
use super::rows::{self, TcpRows};
use super::slack::Slack;
use crate::causes::{Case, number};
use crate::facts::SocketState;

/// Orphans live for seconds (a FIN to be acknowledged), so they turn over as fast as time-wait entries.
const TURNOVER: Slack = Slack { absolute: 64, percent: 30 };

check! {
    /// TCP sockets that still close without a descriptor, by the kernel's count and by rows.
    ///
    /// # Compared
    /// orphan of sockstat (or orphaned of `ss -s`) with rows in FIN-WAIT-1, FIN-WAIT-2 (full sockets), LAST-ACK and CLOSING whose inode
    /// is 0.
    ///
    /// # Scope
    /// The kernel's number is of the whole host, the rows of one network namespace: more orphans than rows are no contradiction where
    /// other namespaces show.
    ///
    /// # Tolerance
    /// 30 % and 64: an orphan lives for seconds.
    ///
    /// # When they agree
    /// The orphans are known by peer.
    ///
    /// # When they disagree
    /// More rows: the two are of different moments. More orphans: the rest is in other network namespaces, or the table was taken later.
    ///
    /// # Source
    /// `net/ipv4/tcp.c` tcp_close; formats.md identity 8.
    OrphansVsRows, "orphans-vs-rows", make
}

fn make(case: &Case<'_>) -> Checked {
    let Some(count) = &case.ledger.books.orphan else { return Checked::skipped("neither sockstat nor ss -s was captured") };
    let Some(view) = rows::whole(case.ledger).filter(|v| v.has_inodes()) else {
        return Checked::skipped("no whole table of TCP sockets with inodes was captured");
    };
    let rows = TcpRows::of(view);
    let lists = if rows.orphans_low == rows.orphans_high {
        number(rows.orphans_low)
    } else {
        format!("{} to {}", number(rows.orphans_low), number(rows.orphans_high))
    };
    let both = format!("the kernel counts {} orphans on the whole host, {} lists {lists}", number(count.value), rows::tool(view));
    let closing = [SocketState::FinWait1, SocketState::FinWait2, SocketState::LastAck, SocketState::Closing];
    let at = count.at.iter().cloned().chain(rows::cite(view, |g| closing.contains(&g.state) && g.no_file > 0)).collect();
    if TURNOVER.covers_range(count.value, rows.orphans_low, rows.orphans_high) {
        return Checked::agree(both, at);
    }
    if count.value > rows.orphans_high {
        if let Some(why) = &case.ledger.books.foreign {
            return Checked::skipped(format!("{both}; {why}"));
        }
        return Checked::disagree(format!("{both}: the others are in other network namespaces, or were gone when the table was read"), at);
    }
    Checked::disagree(format!("{both}: they are of different moments"), at)
}

#[cfg(test)]
mod tests {
    use crate::checks::Status;
    use crate::checks::testing::status;

    fn with(orphan: u32, rows: usize) -> Status {
        let mut table =
            String::from("State Recv-Q Send-Q Local Address:Port Peer Address:Port\nLISTEN 0 128 0.0.0.0:22 0.0.0.0:* ino:5 sk:1\n");
        for n in 0..rows {
            table.push_str(&format!("FIN-WAIT-1 0 1 10.0.0.1:22 10.0.0.2:{} timer:(on,1sec,3) ino:0 sk:{n}\n", 9000 + n));
            table.push_str(&format!("FIN-WAIT-2 0 0 10.0.0.1:22 10.0.0.3:{} timer:(timewait,1sec,0) ino:0 sk:7{n}\n", 9000 + n));
        }
        let books = format!("sockets: used 2990\nTCP: inuse 27 orphan {orphan} tw 8 alloc 960 mem 290\n");
        status("orphans-vs-rows", &[("sockstat", &books), ("ss-tanoe", &table)])
    }

    #[test]
    fn rows_and_count() {
        assert_eq!(with(200, 200), Status::Agree, "time-wait entries are not counted");
        assert_eq!(with(2000, 3), Status::Disagree);
        assert_eq!(with(0, 200), Status::Disagree);
        assert_eq!(
            status("orphans-vs-rows", &[("sockstat", "sockets: used 2990\nTCP: inuse 27 orphan 7 tw 8 alloc 960 mem 290\n")]),
            Status::Skipped
        );
    }
}
