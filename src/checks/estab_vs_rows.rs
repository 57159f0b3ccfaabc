//! Established connections, by the kernel's count and by rows.

use super::Checked;
use super::rows::{self, TcpRows};
use super::slack::Slack;
use crate::causes::{Case, number};
use crate::facts::SocketState;

/// Connections come and go between the two commands.
const CHURN: Slack = Slack { absolute: 64, percent: 10 };

check! {
    /// Established connections, by the kernel's count and by rows.
    ///
    /// # Compared
    /// estab of `ss -s` (CurrEstab of snmp) with the ESTAB rows of a table, or a pipeline's count of them, and with ESTAB and CLOSE-WAIT
    /// rows together: kernels since mid-2024 (and their stable branches) count CLOSE-WAIT in, older ones do not.
    ///
    /// # Scope
    /// One network namespace, IPv4 and IPv6.
    ///
    /// # Tolerance
    /// 10 % and 64: connections come and go between the commands.
    ///
    /// # When they agree
    /// Table and counts are of the same network namespace; which of the two sums fits tells how this kernel counts.
    ///
    /// # When they disagree
    /// The table is cut or filtered, or one side was taken in another network namespace or at another moment.
    ///
    /// # Source
    /// `net/ipv4/tcp.c` tcp_set_state; formats.md identity 7.
    EstabVsRows, "estab-vs-rows", make
}

fn make(case: &Case<'_>) -> Checked {
    let Some(count) = &case.ledger.books.estab else { return Checked::skipped("no count of established connections was captured") };
    let view = rows::whole(case.ledger);
    let (source, established, close_wait, cited) = match view {
        Some(view) => {
            let rows = TcpRows::of(view);
            if rows.only_listeners() && !CHURN.covers(count.value, 0) {
                return Checked::skipped("the table of TCP sockets shows listeners only");
            }
            let cited = rows::cite(view, |g| matches!(g.state, SocketState::Established | SocketState::CloseWait));
            (rows::tool(view), rows.established, rows.close_wait, cited)
        }
        None => match case.ledger.states.get(&SocketState::Established) {
            // A count of one process or port is not of all.
            Some(f) if case.ledger.best(crate::ledger::Family::Tcp).is_none() && counts_all(case) => {
                let close_wait = case.ledger.states.get(&SocketState::CloseWait).map_or(0, |f| f.value);
                ("a count by state", f.value, close_wait, f.at.clone())
            }
            _ => return Checked::skipped("no whole table of TCP sockets was captured"),
        },
    };
    let together = established.saturating_add(close_wait);
    let at = count.at.iter().cloned().chain(cited).collect();
    let both = format!(
        "the kernel counts {} established connections, {source} lists {} ESTAB and {} CLOSE-WAIT",
        number(count.value),
        number(established),
        number(close_wait)
    );
    match (CHURN.covers(count.value, established), CHURN.covers(count.value, together)) {
        (true, true) => Checked::agree(both, at),
        (true, false) => Checked::agree(format!("{both}; this kernel does not count CLOSE-WAIT in"), at),
        (false, true) => Checked::agree(format!("{both}; this kernel counts CLOSE-WAIT in"), at),
        // Between the two: a kernel that counts both, of which some were closed meanwhile.
        _ if (established..=together).contains(&count.value) => Checked::agree(both, at),
        _ => Checked::disagree(format!("{both}: they are of different network namespaces or moments, or the table leaves rows out"), at),
    }
}

fn counts_all(case: &Case<'_>) -> bool {
    case.ledger.counted.contains(&SocketState::Established)
}

#[cfg(test)]
mod tests {
    use crate::checks::Status;
    use crate::checks::testing::{check, status};

    fn ss(estab: u32) -> String {
        format!("Total: 994\nTCP:   968 (estab {estab}, closed 936, orphaned 0, timewait 0)\n")
    }

    #[test]
    fn old_and_new_kernels() {
        let mut table = String::from("State Recv-Q Send-Q Local Address:Port Peer Address:Port\n");
        for n in 0..200 {
            table.push_str(&format!("ESTAB 0 0 10.0.0.1:22 10.0.0.2:{}\nCLOSE-WAIT 1 0 10.0.0.1:22 10.0.0.3:{}\n", 9000 + n, 9000 + n));
        }
        let made = |estab| check("estab-vs-rows", &[("ss-s", &ss(estab)), ("ss-tan", &table)]);
        assert!(made(200).says.contains("does not count"), "{}", made(200).says);
        assert!(made(400).says.contains("counts CLOSE-WAIT in"), "{}", made(400).says);
        assert_eq!(made(4000).status, Status::Disagree);
        assert_eq!(status("estab-vs-rows", &[("ss-s", &ss(3))]), Status::Skipped);
        assert_eq!(
            status("estab-vs-rows", &[("ss-s", &ss(103)), ("states", "TIME_WAIT        221\nESTABLISHED      103\n")]),
            Status::Agree
        );
        assert_eq!(
            status("estab-vs-rows", &[("ss-s", &ss(1030)), ("states", "TIME_WAIT        221\nESTABLISHED      103\n")]),
            Status::Disagree
        );
        let counted = |filter: &str| format!("$ ss -tnap {filter}| awk '{{print $1}}' | sort | uniq -c\n    203 ESTAB\n      8 LISTEN\n");
        let of = |filter| status("estab-vs-rows", &[("ss-s", &ss(330)), ("counts", &counted(filter))]);
        assert_eq!((of(""), of("| grep pid=2950 ")), (Status::Disagree, Status::Skipped), "a count of one process");
    }
}
