//! Whether the numbers of one `ss -s` add up.

use super::Checked;
use super::slack::Slack;
use crate::capture::Quote;
use crate::causes::{Case, number};
use crate::ledger::Figure;

/// All numbers of one run are computed from the same few readings, so they add up exactly; two are left for a count that ss reads twice.
const SAME_RUN: Slack = Slack { absolute: 2, percent: 0 };
/// `estab` is read from another file (snmp) than the table's rows, milliseconds later.
const NEXT_FILE: Slack = Slack { absolute: 16, percent: 5 };
/// Lines that one output has, with the blank one between its two parts.
const LINES: u32 = 16;

check! {
    /// Whether the numbers of one `ss -s` add up.
    ///
    /// # Compared
    /// total − synrecv = closed + hashed TCP (the row `TCP` of the table below); each row's total = IP + IPv6; INET = RAW + UDP + TCP in
    /// each column; estab ≤ hashed TCP. Numbers of sockets.
    ///
    /// # Scope
    /// total and closed contain the TCP sockets of the whole host, the rows those of one network namespace. The sums hold all the same.
    ///
    /// # Tolerance
    /// 2, because ss computes all of it from one reading. For estab, which ss reads from another file a moment later, 5 % and 16.
    ///
    /// # When they agree
    /// The output is whole and of one moment: closed − timewait can be taken from it.
    ///
    /// # When they disagree
    /// The text was edited, cut, or put together from two outputs. Nothing should be concluded from its numbers.
    ///
    /// # Source
    /// iproute2 `misc/ss.c`, print_summary; formats.md section 2.4, identity 1.
    SsSummarySums, "ss-summary-sums", make
}

fn make(case: &Case<'_>) -> Checked {
    let Some(total) = case.counter("ss.tcp.total") else { return Checked::skipped("ss -s was not captured") };
    let mut made: Vec<String> = Vec::new();
    let mut broken: Vec<String> = Vec::new();
    let mut at = total.at.clone();
    let mut compare = |what: &str, left: i64, right: i64, fits: bool, lines: &[&Figure]| {
        if fits {
            made.push(format!("{what} = {}", number(left)));
        } else {
            broken.push(format!("{what}: {} against {}", number(left), number(right)));
        }
        at.extend(lines.iter().flat_map(|f| f.at.clone()));
    };
    let near = |name: &str| same_output(case, name, total.at.first()?);
    if let (Some(closed), Some(hashed)) = (near("ss.tcp.closed"), near("ss.row.tcp.total")) {
        let synrecv = near("ss.tcp.synrecv").map_or(0, |s| s.value);
        let (left, right) = (total.value.saturating_sub(synrecv), closed.value.saturating_add(hashed.value));
        compare("total - synrecv = closed + hashed TCP", left, right, SAME_RUN.covers(left, right), &[&closed, &hashed]);
    }
    for (row, [all, ip, ipv6]) in ROWS {
        if let (Some(all), Some(ip), Some(ipv6)) = (near(all), near(ip), near(ipv6)) {
            let sum = ip.value.saturating_add(ipv6.value);
            compare(&format!("row {row} = IP + IPv6"), all.value, sum, SAME_RUN.covers(all.value, sum), &[&all]);
        }
    }
    for column in ["total", "ip", "ipv6"] {
        let of = |row: &str| near(&format!("ss.row.{row}.{column}"));
        if let (Some(inet), Some(raw), Some(udp), Some(tcp)) = (of("inet"), of("raw"), of("udp"), of("tcp")) {
            let sum = raw.value.saturating_add(udp.value).saturating_add(tcp.value);
            compare(&format!("INET = RAW + UDP + TCP ({column})"), inet.value, sum, SAME_RUN.covers(inet.value, sum), &[&inet, &tcp]);
        }
    }
    if let (Some(estab), Some(hashed)) = (near("ss.tcp.estab"), near("ss.row.tcp.total")) {
        let fits = estab.value <= hashed.value.saturating_add(NEXT_FILE.at(hashed.value));
        compare("estab within hashed TCP", estab.value, hashed.value, fits, &[&estab, &hashed]);
    }
    match (made.first(), broken.is_empty()) {
        (_, false) => Checked::disagree(
            format!("the numbers of one ss -s do not add up ({}): the text was edited or cut, or two outputs are mixed", broken.join("; ")),
            at,
        )
        .undermining(),
        (Some(first), true) => Checked::agree(format!("ss -s adds up in {} sums, first of them {first}", made.len()), at),
        (None, true) => Checked::skipped("ss -s is only partly there"),
    }
}

const ROWS: [(&str, [&str; 3]); 4] = [
    ("RAW", ["ss.row.raw.total", "ss.row.raw.ip", "ss.row.raw.ipv6"]),
    ("UDP", ["ss.row.udp.total", "ss.row.udp.ip", "ss.row.udp.ipv6"]),
    ("TCP", ["ss.row.tcp.total", "ss.row.tcp.ip", "ss.row.tcp.ipv6"]),
    ("INET", ["ss.row.inet.total", "ss.row.inet.ip", "ss.row.inet.ipv6"]),
];

/// The counter as the output around a line has it: a later or earlier run of ss is another reading.
fn same_output(case: &Case<'_>, name: &str, anchor: &Quote) -> Option<Figure> {
    let near = |q: &Quote| q.at.member == anchor.at.member && (anchor.at.line..anchor.at.line.saturating_add(LINES)).contains(&q.at.line);
    let reading = case.snapshot.readings(case.names, name).find(|r| near(&r.quote))?;
    Some(Figure { value: reading.value, at: vec![reading.quote.clone()] })
}

#[cfg(test)]
mod tests {
    use crate::checks::Status;
    use crate::checks::testing::{check, status};

    const NEW: &str = "Total: 94\nTCP:   68 (estab 22, closed 36, orphaned 0, timewait 8)\n\nTransport Total     IP        IPv6\n\
                       RAW\t  2         1         1        \nUDP\t  5         3         2        \nTCP\t  32        27        5        \n\
                       INET\t  39        31        8        \n";

    #[test]
    fn adds_up() {
        assert_eq!(status("ss-summary-sums", &[("ss-s", NEW)]), Status::Agree);
        let two = format!("{NEW}{}", NEW.replace("68", "69").replace("closed 36", "closed 37"));
        assert_eq!(status("ss-summary-sums", &[("ss-s", &two)]), Status::Agree, "the second run is not mixed with the first");
    }

    #[test]
    fn edited() {
        let edited = NEW.replace("closed 36", "closed 3600");
        let made = check("ss-summary-sums", &[("ss-s", &edited)]);
        assert_eq!((made.status, made.undermines), (Status::Disagree, true));
        for (from, to) in [("39        31", "39        21"), ("32        27", "92        27"), ("estab 22", "estab 220")] {
            assert_eq!(status("ss-summary-sums", &[("ss-s", &NEW.replace(from, to))]), Status::Disagree, "{to}");
        }
    }

    #[test]
    fn not_there() {
        assert_eq!(
            status("ss-summary-sums", &[("sockstat", "sockets: used 94\nTCP: inuse 27 orphan 0 tw 8 alloc 60 mem 290\n")]),
            Status::Skipped
        );
    }
}
