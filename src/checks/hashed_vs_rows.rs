//! Hashed TCP sockets, by the kernel's count and by rows.

use super::Checked;
use super::rows::{self, TcpRows};
use super::slack::{Slack, distance};
use crate::causes::{Case, number};
use crate::facts::{Protocol, SocketState};
use crate::ledger::{Figure, View};

/// Connections come and go between the two commands; on a proxy that opens hundreds a second a tenth of them may have changed.
const CHURN: Slack = Slack { absolute: 64, percent: 10 };

check! {
    /// Hashed TCP sockets, by the kernel's count and by rows.
    ///
    /// # Compared
    /// The row `TCP` of `ss -s`, or inuse of sockstat and sockstat6, with the rows of ss, netstat or `/proc/net/tcp` and tcp6 in LISTEN,
    /// SYN-SENT, ESTAB, FIN-WAIT, CLOSE-WAIT, LAST-ACK and CLOSING. TIME-WAIT, SYN-RECV and UNCONN rows are not hashed sockets; a
    /// FIN-WAIT-2 row with the time-wait timer is a time-wait entry.
    ///
    /// # Scope
    /// One network namespace on both sides, IPv4 and IPv6. If only `/proc/net/tcp` was captured, only `TCP: inuse` is compared.
    ///
    /// # Tolerance
    /// 10 % and 64: connections come and go between the commands.
    ///
    /// # When they agree
    /// The table is whole and of the namespace of the counts: what it does not list is in no table.
    ///
    /// # When they disagree
    /// Fewer rows: the table is filtered or cut, or shows one address family. Otherwise one side was taken in another network namespace
    /// (inside of a container) or at another moment.
    ///
    /// # Source
    /// `net/ipv4/inet_hashtables.c`; formats.md identity 5.
    HashedVsRows, "hashed-vs-rows", make
}

fn make(case: &Case<'_>) -> Checked {
    let books = &case.ledger.books;
    let by_sockstat = books.inuse4.as_ref().zip(books.inuse6.as_ref()).map(|(a, b)| Figure::of(a.value.saturating_add(b.value), &[a, b]));
    let Some(view) = rows::whole(case.ledger) else { return Checked::skipped("no whole table of TCP sockets was captured") };
    let mut counts: Vec<Figure> = books.ss_hashed.iter().chain(&by_sockstat).cloned().collect();
    if counts.is_empty() || may_lack_ipv6(view) {
        counts.extend(books.inuse4.clone());
    }
    let rows = TcpRows::of(view);
    let nearest = counts.into_iter().min_by_key(|f| distance(f.value, rows.hashed_low, rows.hashed_high));
    let Some(count) = nearest else { return Checked::skipped("neither ss -s nor sockstat was captured") };
    let only_ipv4 = books.ss_hashed.is_none() && by_sockstat.is_none();
    let lists = if rows.hashed_low == rows.hashed_high {
        number(rows.hashed_low)
    } else {
        format!("{} to {}", number(rows.hashed_low), number(rows.hashed_high))
    };
    let both = format!("the kernel counts {} hashed TCP sockets, {} lists {lists}", number(count.value), rows::tool(view));
    let at = count
        .at
        .iter()
        .cloned()
        .chain(rows::cite(view, |g| g.state == SocketState::Established || g.state == SocketState::Listen))
        .collect();
    if CHURN.covers_range(count.value, rows.hashed_low, rows.hashed_high) {
        return Checked::agree(both, at);
    }
    if count.value > rows.hashed_high && rows.listening == 0 {
        return Checked::skipped(format!("{both}, without listeners"));
    }
    if count.value > rows.hashed_high && rows.only_listeners() {
        return Checked::skipped(format!("{both}, only listeners"));
    }
    if count.value < rows.hashed_low && only_ipv4 {
        return Checked::skipped(format!("{both}, but IPv6 is in the rows only"));
    }
    let meaning = if count.value > rows.hashed_high {
        "the table is filtered or cut, or of another network namespace or moment"
    } else {
        "the counts are of another network namespace (inside of a container?) or moment"
    };
    Checked::disagree(format!("{both}: {meaning}"), at).undermining()
}

/// `/proc/net/tcp` alone has IPv4 only; an empty tcp6 looks the same.
fn may_lack_ipv6(view: &View<'_>) -> bool {
    view.tables.iter().all(|t| t.format.starts_with("proc-net") && !t.covers(|p| p == Protocol::Tcp6))
}

#[cfg(test)]
mod tests {
    use crate::checks::Status;
    use crate::checks::testing::status;

    const SS: &str = "Total: 994\nTCP:   968 (estab 22, closed 936, orphaned 0, timewait 8)\nTCP\t  303        300        3        \n";

    fn table(rows: usize) -> String {
        let mut text = String::from("State Recv-Q Send-Q Local Address:Port Peer Address:Port\nLISTEN 0 128 0.0.0.0:22 0.0.0.0:*\n");
        for n in 0..rows {
            text.push_str(&format!("ESTAB 0 0 10.0.0.1:22 10.0.0.2:{}\n", 20_000 + n));
        }
        text.push_str("TIME-WAIT 0 0 10.0.0.1:22 10.0.0.2:9\n");
        text
    }

    #[test]
    fn rows_and_count() {
        assert_eq!(status("hashed-vs-rows", &[("ss-s", SS), ("ss-tan", &table(302))]), Status::Agree);
        assert_eq!(status("hashed-vs-rows", &[("ss-s", SS), ("ss-tan", &table(60))]), Status::Disagree);
        assert_eq!(status("hashed-vs-rows", &[("ss-s", SS), ("ss-tan", &table(900))]), Status::Disagree);
        assert_eq!(status("hashed-vs-rows", &[("ss-s", SS)]), Status::Skipped);
        assert_eq!(status("hashed-vs-rows", &[("ss-tan", &table(2))]), Status::Skipped);
    }

    #[test]
    fn a_table_without_listeners_is_no_contradiction() {
        let bare = "State Recv-Q Send-Q Local Address:Port Peer Address:Port\nESTAB 0 0 10.0.0.1:22 10.0.0.2:9\n";
        assert_eq!(status("hashed-vs-rows", &[("ss-s", SS), ("ss-tn", bare)]), Status::Skipped);
    }

    #[test]
    fn nor_is_one_of_listeners_only() {
        assert_eq!(
            status("hashed-vs-rows", &[("ss-s", SS), ("ss-ltn", &table(0).replace("TIME-WAIT 0 0 10.0.0.1:22 10.0.0.2:9\n", ""))]),
            Status::Skipped
        );
    }

    #[test]
    fn half_of_proc_net_is_compared_with_its_own_family() {
        let tcp = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n   \
                   0: 0100007F:2386 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 135502 1 0 100 0 0 10 0\n";
        let books = |inuse6: u32| format!("sockets: used 990\nTCP: inuse 1 orphan 0 tw 0 alloc 960 mem 290\nTCP6: inuse {inuse6}\n");
        assert_eq!(status("hashed-vs-rows", &[("proc/net/tcp", tcp), ("sockstat", &books(900))]), Status::Agree);
        let busy = books(900).replace("inuse 1 ", "inuse 500 ");
        assert_eq!(status("hashed-vs-rows", &[("proc/net/tcp", tcp), ("sockstat", &busy)]), Status::Disagree);
    }
}
