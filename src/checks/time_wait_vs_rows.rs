//! Time-wait entries, by the kernel's count and by rows.

use super::Checked;
use super::rows::{self, TcpRows};
use super::slack::{Slack, distance};
use crate::causes::{Case, number};
use crate::facts::SocketState;
use crate::ledger::Figure;

/// An entry lives for 60 seconds, so all of them change within a minute, and a burst of connections doubles them in seconds.
const TURNOVER: Slack = Slack { absolute: 100, percent: 30 };

check! {
    /// Time-wait entries, by the kernel's count and by rows.
    ///
    /// # Compared
    /// timewait of `ss -s`, or tw of sockstat, with TIME-WAIT rows and FIN-WAIT-2 rows that run the time-wait timer; where the timer is
    /// not printed, any FIN-WAIT-2 row without a file may be one. Counts made by pipelines serve as rows too.
    ///
    /// # Scope
    /// One network namespace, IPv4 and IPv6; before Linux 4.11 or so the kernel's number is of the whole host.
    ///
    /// # Tolerance
    /// 30 % and 100: an entry lives for a minute, and bursts come and go within seconds.
    ///
    /// # When they agree
    /// closed − timewait takes the right number away from closed.
    ///
    /// # When they disagree
    /// The table leaves TIME-WAIT out or is of another moment or network namespace.
    ///
    /// # Source
    /// `net/ipv4/inet_timewait_sock.c`; formats.md identity 6.
    TimeWaitVsRows, "time-wait-vs-rows", make
}

fn make(case: &Case<'_>) -> Checked {
    let counts: Vec<Figure> = ["ss.tcp.timewait", "sockstat.tcp.tw"].into_iter().filter_map(|n| case.counter(n)).collect();
    if counts.is_empty() {
        return Checked::skipped("neither ss -s nor sockstat was captured");
    }
    let mut only_listeners = false;
    let (source, low, high, cited) = match rows::whole(case.ledger) {
        Some(view) => {
            let rows = TcpRows::of(view);
            // `ss -t` without -a shows neither listeners nor TIME-WAIT.
            if rows.listening == 0 && rows.timewait_low == 0 {
                return Checked::skipped("the table of TCP sockets leaves TIME-WAIT out");
            }
            only_listeners = rows.only_listeners();
            (rows::tool(view), rows.timewait_low, rows.timewait_high, rows::cite(view, |g| g.state == SocketState::TimeWait))
        }
        None => match case.ledger.states.get(&SocketState::TimeWait) {
            Some(f) if case.ledger.best(crate::ledger::Family::Tcp).is_none() && case.ledger.counted.contains(&SocketState::TimeWait) => {
                ("a count by state", f.value, f.value, f.at.clone())
            }
            _ => return Checked::skipped("no whole table of TCP sockets was captured"),
        },
    };
    let Some(count) = counts.into_iter().min_by_key(|f| distance(f.value, low, high)) else {
        return Checked::skipped("neither ss -s nor sockstat was captured");
    };
    let lists = if low == high { number(low) } else { format!("{} to {}", number(low), number(high)) };
    let both = format!("the kernel counts {} time-wait entries, {source} lists {lists}", number(count.value));
    let at = count.at.iter().cloned().chain(cited).collect();
    if TURNOVER.covers_range(count.value, low, high) {
        return Checked::agree(both, at);
    }
    if only_listeners {
        return Checked::skipped(format!("{both}, but shows listeners only"));
    }
    let per_host = super::kernel::at_least(case, 4, 11) != Some(true);
    if count.value > high && per_host && case.ledger.books.foreign.is_some() {
        return Checked::skipped(format!("{both}; on this kernel the count may be of all network namespaces"));
    }
    Checked::disagree(format!("{both}: they are of different moments or network namespaces, or the table leaves rows out"), at)
}

#[cfg(test)]
mod tests {
    use crate::checks::Status;
    use crate::checks::testing::status;

    fn with(count: u32, table: &str) -> Status {
        let ss = format!("Total: 994\nTCP:   1968 (estab 22, closed 936, orphaned 0, timewait {count})\n");
        status("time-wait-vs-rows", &[("ss-s", &ss), ("ss-tan", table)])
    }

    #[test]
    fn rows_and_count() {
        let table = "State Recv-Q Send-Q Local Address:Port Peer Address:Port\nLISTEN 0 128 0.0.0.0:22 0.0.0.0:*\n\
                     TIME-WAIT 0 0 10.0.0.1:22 10.0.0.2:9\n";
        assert_eq!(with(8, table), Status::Agree);
        assert_eq!(with(5000, table), Status::Disagree);
        assert_eq!(with(5000, &table.replace("TIME-WAIT 0 0 10.0.0.1:22 10.0.0.2:9\n", "")), Status::Skipped);
        assert_eq!(
            with(5000, "State Recv-Q Send-Q Local Address:Port Peer Address:Port\nESTAB 0 0 10.0.0.1:22 10.0.0.2:9\n"),
            Status::Skipped
        );
        assert_eq!(status("time-wait-vs-rows", &[("ss-tan", table)]), Status::Skipped);
    }

    #[test]
    fn pipelines_count_too() {
        let counts = "TIME_WAIT        221\nESTABLISHED      103\n";
        assert_eq!(with(173, counts), Status::Agree);
        assert_eq!(with(17_300, counts), Status::Disagree);
    }
}
