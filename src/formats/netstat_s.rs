//! `netstat -s` of net-tools: the protocol counters in words.
//!
//! ```text
//! Tcp:
//!     72 failed connection attempts
//! TcpExt:
//!     88 times the listen queue of a socket overflowed
//!     TCPTimeouts: 55
//! ```
//!
//! A section, then `N text` or `Name: N` for counters the tool has no text for; zeros are often left out. Texts changed (1.60 says
//! `active connections openings`, `segments send out`) and are not translated in any release we know, headings of histograms are. Kept
//! by grep, lines lose their section; texts that only one section has are still told. Same counters and scope as
//! `/proc/net/snmp`. Texts: net-tools `statistics.c`.

use super::{Fit, Format, Hint, Parser, Probe, Taken, counter_names, proc_net_snmp::unit_of, prompt, ps::sample_time, scan};
use crate::facts::{At, Counter, Note, NoteKind, Scope, Sink};

/// Counters in words.
pub struct NetstatS;

struct Reading {
    section: Option<&'static str>,
    seen: bool,
    buffer: String,
}

impl Format for NetstatS {
    fn id(&self) -> &'static str {
        "netstat-s"
    }

    fn title(&self) -> &'static str {
        "netstat -s"
    }

    fn fit(&self, probe: &Probe<'_>) -> Fit {
        let mut rows = probe.rows().filter(|l| !l.starts_with(b"error parsing ") && sample_time(l).is_none());
        let Some(first) = rows.next() else { return Fit::No };
        let second = rows.next().unwrap_or(b"");
        if (section_of(first).is_some() && second.starts_with(b" ")) || known_text(first.trim_ascii()).is_some() {
            return Fit::Sure;
        }
        Fit::No
    }

    fn opens(&self, line: &[u8]) -> bool {
        section_of(line).is_some() || known_text(line.trim_ascii()).is_some()
    }

    fn printed_by(&self, command: &[u8]) -> bool {
        prompt::program(command) == b"netstat" && wants_statistics(command) && !prompt::counts(command)
    }

    fn parser(&self, _hint: &Hint<'_>) -> Box<dyn Parser> {
        Box::new(Reading { section: None, seen: false, buffer: String::new() })
    }
}

impl Parser for Reading {
    fn line(&mut self, at: At<'_>, sink: &mut dyn Sink) -> Taken {
        let line = at.text.trim_ascii();
        if line.is_empty() || line.starts_with(b"error parsing /proc/net/") {
            return Taken::Noise;
        }
        if let Some(time) = sample_time(line) {
            sink.note(at, &Note { kind: NoteKind::SampleStart, pid: None, text: time });
            return Taken::Noise;
        }
        if let Some(prefix) = section_of(at.text) {
            if prefix == "snmp.ip" && std::mem::replace(&mut self.seen, true) {
                sink.note(at, &Note { kind: NoteKind::TableStart, pid: None, text: b"" });
            }
            self.section = Some(prefix);
            return Taken::Noise;
        }
        let indented = at.text.first().is_some_and(|&b| scan::is_blank(b));
        match self.counter(line) {
            Some(value) => {
                let counter = Counter { name: &self.buffer, value, unit: unit_of(&self.buffer), scope: Scope::Netns };
                sink.counter(at, &counter);
                Taken::Row
            }
            // Texts without a name of ours, headings of histograms in any language, settings in words.
            None if self.section.is_some() && indented => Taken::Noise,
            None => Taken::Unknown,
        }
    }
}

impl Reading {
    /// Reads a line; its name is then in the buffer.
    fn counter(&mut self, line: &[u8]) -> Option<i64> {
        if let Some((prefix, name, value)) = known_text(line).or_else(|| self.section.and_then(|s| text_in(s, line))) {
            counter_names::write(&mut self.buffer, prefix, name.as_bytes());
            return Some(value);
        }
        let (name, value) = named_value(line)?;
        let prefix = match self.section {
            Some(section) => section,
            None if name.starts_with(b"TCP") || name.starts_with(b"Tcp") => "tcpext",
            None => return None,
        };
        counter_names::write(&mut self.buffer, prefix, name);
        Some(value)
    }
}

/// `TCPTimeouts: 55`.
fn named_value(line: &[u8]) -> Option<(&[u8], i64)> {
    let (name, value) = line.split_at_checked(memchr::memchr(b':', line)?)?;
    let shaped = name.first().is_some_and(u8::is_ascii_uppercase) && name.iter().all(u8::is_ascii_alphanumeric);
    shaped.then_some(())?;
    Some((name, counter_names::value(value.strip_prefix(b":")?.trim_ascii())?))
}

/// A section's heading, which stands alone at the beginning of a line.
fn section_of(line: &[u8]) -> Option<&'static str> {
    counter_names::prefix(line.trim_ascii_end().strip_suffix(b":")?)
}

/// A text that tells its section by itself.
fn known_text(line: &[u8]) -> Option<(&'static str, &'static str, i64)> {
    // Asked of every line of a paste or log, so most are refused before the table is searched.
    let counts = scan::leading_number(line).is_some_and(|(_, rest)| rest.starts_with(b" "));
    if !counts && !line.starts_with(b"Quick ack ") && !line.starts_with(b"TCP ran ") {
        return None;
    }
    TABLE.iter().filter(|row| row.3).find_map(|row| value_in(line, row.2).map(|value| (row.0, row.1, value)))
}

/// A text that several sections have.
fn text_in(section: &str, line: &[u8]) -> Option<(&'static str, &'static str, i64)> {
    TABLE.iter().filter(|row| row.0 == section).find_map(|row| value_in(line, row.2).map(|value| (row.0, row.1, value)))
}

/// The number in a line that is otherwise this text; the number stands where the text has a `%`.
fn value_in(line: &[u8], text: &str) -> Option<i64> {
    let (before, after) = text.split_once('%')?;
    let line = line.strip_suffix(b".").unwrap_or(line);
    let rest = line.strip_prefix(before.as_bytes())?;
    counter_names::value(rest.strip_suffix(after.as_bytes())?)
}

fn wants_statistics(command: &[u8]) -> bool {
    scan::Fields::new(command)
        .skip(1)
        .take_while(|f| !matches!(*f, b"|" | b">" | b"|grep"))
        .any(|f| f == b"--statistics" || f.strip_prefix(b"-").is_some_and(|o| o.contains(&b's') && o.iter().all(u8::is_ascii_alphabetic)))
}

const IP: &str = "snmp.ip";
const TCP: &str = "snmp.tcp";
const UDP: &str = "snmp.udp";
const EXT: &str = "tcpext";

/// Section, the kernel's name, the text with `%` for the number, and whether no other section has the text.
const TABLE: &[(&str, &str, &str, bool)] = &[
    (TCP, "ActiveOpens", "% active connection openings", true),
    (TCP, "ActiveOpens", "% active connections openings", true),
    (TCP, "PassiveOpens", "% passive connection openings", true),
    (TCP, "PassiveOpens", "% passive connections openings", true),
    (TCP, "AttemptFails", "% failed connection attempts", true),
    (TCP, "EstabResets", "% connection resets received", true),
    (TCP, "CurrEstab", "% connections established", true),
    (TCP, "InSegs", "% segments received", true),
    (TCP, "OutSegs", "% segments sent out", true),
    (TCP, "OutSegs", "% segments send out", true),
    (TCP, "RetransSegs", "% segments retransmitted", true),
    (TCP, "RetransSegs", "% segments retransmited", true),
    (TCP, "InErrs", "% bad segments received", true),
    (TCP, "OutRsts", "% resets sent", true),
    (UDP, "InDatagrams", "% packets received", false),
    (UDP, "NoPorts", "% packets to unknown port received", false),
    (UDP, "InErrors", "% packet receive errors", false),
    (UDP, "OutDatagrams", "% packets sent", false),
    (UDP, "RcvbufErrors", "% receive buffer errors", false),
    (UDP, "SndbufErrors", "% send buffer errors", false),
    (UDP, "InCsumErrors", "% packets with invalid checksum", false),
    (EXT, "SyncookiesSent", "% SYN cookies sent", true),
    (EXT, "SyncookiesRecv", "% SYN cookies received", true),
    (EXT, "SyncookiesFailed", "% invalid SYN cookies received", true),
    (EXT, "EmbryonicRsts", "% resets received for embryonic SYN_RECV sockets", true),
    (EXT, "PruneCalled", "% packets pruned from receive queue because of socket buffer overrun", true),
    (EXT, "RcvPruned", "% packets pruned from receive queue", true),
    (EXT, "TW", "% TCP sockets finished time wait in fast timer", true),
    (EXT, "TWRecycled", "% time wait sockets recycled by time stamp", true),
    (EXT, "TWKilled", "% TCP sockets finished time wait in slow timer", true),
    (EXT, "PAWSPassive", "% passive connections rejected because of time stamp", true),
    (EXT, "PAWSActive", "% active connections rejected because of time stamp", true),
    (EXT, "PAWSEstab", "% packets rejects in established connections because of timestamp", true),
    (EXT, "PAWSEstab", "% packets rejected in established connections because of timestamp", true),
    (EXT, "DelayedACKs", "% delayed acks sent", true),
    (EXT, "DelayedACKLocked", "% delayed acks further delayed because of locked socket", true),
    (EXT, "DelayedACKLost", "Quick ack mode was activated % times", true),
    (EXT, "ListenOverflows", "% times the listen queue of a socket overflowed", true),
    (EXT, "ListenDrops", "% SYNs to LISTEN sockets dropped", true),
    (EXT, "ListenDrops", "% SYNs to LISTEN sockets ignored", true),
    (EXT, "TCPHPHits", "% packet headers predicted", true),
    (EXT, "TCPPureAcks", "% acknowledgments not containing data payload received", true),
    (EXT, "TCPPureAcks", "% acknowledgments not containing data received", true),
    (EXT, "TCPHPAcks", "% predicted acknowledgments", true),
    (EXT, "TCPTimeouts", "% other TCP timeouts", true),
    (EXT, "TCPRcvCollapsed", "% packets collapsed in receive queue due to low socket buffer", true),
    (EXT, "TCPAbortOnSyn", "% connections reset due to unexpected SYN", true),
    (EXT, "TCPAbortOnData", "% connections reset due to unexpected data", true),
    (EXT, "TCPAbortOnClose", "% connections reset due to early user close", true),
    (EXT, "TCPAbortOnMemory", "% connections aborted due to memory pressure", true),
    (EXT, "TCPAbortOnTimeout", "% connections aborted due to timeout", true),
    (EXT, "TCPAbortOnLinger", "% connections aborted after user close in linger timeout", true),
    (EXT, "TCPAbortFailed", "% times unable to send RST", true),
    (EXT, "TCPMemoryPressures", "TCP ran low on memory % times", true),
    (IP, "InReceives", "% total packets received", false),
    (IP, "ForwDatagrams", "% forwarded", false),
    (IP, "InDiscards", "% incoming packets discarded", false),
    (IP, "InDelivers", "% incoming packets delivered", false),
    (IP, "OutRequests", "% requests sent out", false),
    (IP, "OutDiscards", "% outgoing packets dropped", false),
    (IP, "OutNoRoutes", "% dropped because of missing route", false),
];

#[cfg(test)]
mod tests {
    use crate::formats::testing::{counters, told_as};

    #[test]
    fn texts_of_all_releases() {
        for (text, name) in [
            ("Tcp:\n    7 active connections openings\n", "snmp.tcp.active_opens"),
            ("Tcp:\n    7 active connection openings\n", "snmp.tcp.active_opens"),
            ("Tcp:\n    7 bad segments received.\n", "snmp.tcp.in_errs"),
            ("TcpExt:\n    7 SYNs to LISTEN sockets ignored\n", "tcpext.listen_drops"),
            ("TcpExt:\n    TCPTimeWaitOverflow: 7\n", "tcpext.tcp_time_wait_overflow"),
            ("TcpExt:\n    7 other TCP timeouts\n", "tcpext.tcp_timeouts"),
            ("TcpExt:\n    TCP ran low on memory 7 times\n", "tcpext.tcp_memory_pressures"),
            ("Udp:\n    7 packets received\n", "snmp.udp.in_datagrams"),
        ] {
            assert_eq!(counters(text).get(name), Some(&7), "{text}");
        }
    }

    #[test]
    fn sections_keep_equal_texts_apart() {
        let read = counters("Udp:\n    1 packets received\nUdpLite:\n    2 packets received\n    InErrors: 3\n");
        assert_eq!(read["snmp.udp.in_datagrams"], 1);
        assert_eq!(read["snmp.udp_lite.in_errors"], 3);
    }

    #[test]
    fn lines_kept_by_grep() {
        let (told, reading) = told_as(
            "x",
            "# netstat -s|grep -i listen\n    17 times the listen queue of a socket overflowed\n    17 SYNs to LISTEN sockets dropped\n",
        );
        assert_eq!(told.counters["tcpext.listen_drops"], 17);
        assert_eq!(reading.format(), "netstat-s");
        assert_eq!(counters("    TCPTimeouts: 5\n"), counters(""), "a name alone opens nothing");
    }

    #[test]
    fn headings_in_other_languages_are_noise() {
        let (_, reading) = told_as("x", "Icmp:\n    0 ICMP messages received\n    Histogramme d'entrée ICMP\nTcp:\n    1 resets sent\n");
        assert_eq!((reading.format(), reading.unparsed()), ("netstat-s", 0));
    }
}
