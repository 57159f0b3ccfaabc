//! TCP rows of netstat against those of ss.

use super::Checked;
use super::rows;
use super::slack::Slack;
use crate::causes::{Case, number};
use crate::facts::SocketState;
use crate::ledger::{Family, View};

/// Connections come and go between the two commands.
const CHURN: Slack = Slack { absolute: 64, percent: 10 };

/// States that both tools list and that last long enough to compare.
const STATES: [SocketState; 8] = [
    SocketState::Established,
    SocketState::CloseWait,
    SocketState::Listen,
    SocketState::SynSent,
    SocketState::FinWait1,
    SocketState::FinWait2,
    SocketState::LastAck,
    SocketState::Closing,
];

check! {
    /// TCP rows of netstat against those of ss.
    ///
    /// # Compared
    /// Rows in all states but TIME-WAIT (which turns over), SYN-RECV and UNCONN (bound only, listed by ss since 6.8 and never by
    /// netstat), of netstat and of ss (or `/proc/net/tcp`). LISTEN is left out where one of them leaves it out.
    ///
    /// # Scope
    /// One network namespace each, IPv4 and IPv6.
    ///
    /// # Tolerance
    /// 10 % and 64: connections come and go between the commands.
    ///
    /// # When they agree
    /// Two tools read the same table, so that nothing is lost by either.
    ///
    /// # When they disagree
    /// They ran in different network namespaces (one inside of a container), at different moments, or one shows IPv4 only.
    ///
    /// # Source
    /// net-tools `netstat.c`, iproute2 `misc/ss.c`; formats.md identity 15.
    NetstatVsSs, "netstat-vs-ss", make
}

fn make(case: &Case<'_>) -> Checked {
    let (Some(netstat), Some(ss)) =
        (rows::whole_by(case.ledger, |f| f == "netstat"), rows::whole_by(case.ledger, |f| f == "ss" || f.starts_with("proc-net")))
    else {
        return Checked::skipped("whole tables of netstat and of ss were not both captured");
    };
    let listeners = [netstat, ss].iter().all(|v| v.tcp(SocketState::Listen) > 0);
    let states = || STATES.into_iter().filter(|&s| listeners || s != SocketState::Listen);
    let count = |view: &View<'_>, state| rows::signed(view.tcp(state));
    let (a, b): (i64, i64) = (states().map(|s| count(netstat, s)).sum(), states().map(|s| count(ss, s)).sum());
    let at = [netstat, ss].iter().filter_map(|v| v.groups(Family::Tcp).find_map(|g| g.quotes.first())).collect();
    let both = format!("netstat lists {} TCP sockets, {} {}", number(a), rows::tool(ss), number(b));
    if CHURN.covers(a, b) {
        return Checked::agree(both, at);
    }
    let most = states().max_by_key(|&s| count(netstat, s).saturating_sub(count(ss, s)).saturating_abs());
    let state =
        most.map_or(String::new(), |s| format!(", most of it {} ({} and {})", s.word(), number(count(netstat, s)), number(count(ss, s))));
    Checked::disagree(format!("{both}{state}: they ran at different moments or in different network namespaces"), at)
}

#[cfg(test)]
mod tests {
    use crate::checks::Status;
    use crate::checks::testing::{check, status};

    fn tables(netstat: usize, ss: usize) -> (String, String) {
        let mut a = String::from("Proto Recv-Q Send-Q Local Address           Foreign Address         State\n");
        let mut b = String::from("State Recv-Q Send-Q Local Address:Port Peer Address:Port\n");
        for n in 0..netstat {
            a.push_str(&format!("tcp        0      0 10.0.0.1:22             10.0.0.2:{}         ESTABLISHED\n", 9000 + n));
        }
        for n in 0..ss {
            b.push_str(&format!("ESTAB 0 0 10.0.0.1:22 10.0.0.2:{}\n", 9000 + n));
        }
        a.push_str("tcp        0      0 10.0.0.1:22             10.0.0.2:7         TIME_WAIT\n");
        (a, b)
    }

    #[test]
    fn two_tools() {
        let (a, b) = tables(100, 110);
        assert_eq!(status("netstat-vs-ss", &[("netstat-nat", &a), ("ss-tan", &b)]), Status::Agree);
        let (a, b) = tables(10, 1100);
        let made = check("netstat-vs-ss", &[("netstat-nat", &a), ("ss-tan", &b)]);
        assert_eq!(made.status, Status::Disagree);
        assert!(made.says.contains("ESTAB (10 and 1,100)"), "{}", made.says);
        assert_eq!(made.at.len(), 2);
        assert_eq!(status("netstat-vs-ss", &[("netstat-nat", &a)]), Status::Skipped);
    }
}
