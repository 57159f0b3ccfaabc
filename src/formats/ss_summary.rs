//! `ss -s`, every iproute2 since 2.6.
//!
//! ```text
//! Total: 94 (kernel 209)
//! TCP:   68 (estab 22, closed 36, orphaned 0, synrecv 0, timewait 8/0), ports 0
//!
//! Transport Total     IP        IPv6
//! *         209       -         -
//! RAW       2         1         1
//! TCP       32        27        5
//! ```
//!
//! From 4.17 on (distributions differ, so the words decide, never a version) `(kernel N)`, `synrecv`, the second number of `timewait` and
//! `ports` are gone. ss computes all of it from `/proc/net/sockstat*`, `snmp` and, in the old layout, `/proc/slabinfo` (iproute2
//! `misc/ss.c`): TCP total is allocated (whole host) plus time-wait; `closed` is allocated minus hashed (this namespace) plus time-wait,
//! so that only `closed - timewait` counts sockets outside of every table. It is computed in a signed int and can be negative. `synrecv`
//! and the number after the slash name slabs of Linux 2.4 and are always 0. A `Total:` line counts only once the `TCP:` line has
//! followed, because other tools print totals too.

use super::{Fit, Format, Hint, Parser, Probe, Taken, arguments, prompt, scan};
use crate::facts::{At, Citation, Counter, Note, NoteKind, Scope, Sink, Unit};

/// The summary of ss.
pub struct SsSummary;

#[derive(Default)]
struct Reading {
    /// A `Total:` line whose `TCP:` line has not come yet.
    total: Option<(Citation, Vec<u8>)>,
}

impl Format for SsSummary {
    fn id(&self) -> &'static str {
        "ss-s"
    }

    fn title(&self) -> &'static str {
        "ss -s, the summary of sockets"
    }

    fn fit(&self, probe: &Probe<'_>) -> Fit {
        let mut rows = probe.rows().take(3).map(<[u8]>::trim_ascii);
        if rows.any(is_tcp_line) {
            return Fit::Sure;
        }
        match probe.rows().next() {
            Some(line) if total_line(line.trim_ascii()).is_some() => Fit::Weak,
            _ => Fit::No,
        }
    }

    fn opens(&self, line: &[u8]) -> bool {
        let line = line.trim_ascii();
        total_line(line).is_some() || is_tcp_line(line)
    }

    fn printed_by(&self, command: &[u8]) -> bool {
        arguments::arguments(command, b"ss").is_some_and(|a| a.has(b's', b"summary")) && !prompt::counts(command)
    }

    fn parser(&self, _hint: &Hint<'_>) -> Box<dyn Parser> {
        Box::new(Reading::default())
    }
}

impl Parser for Reading {
    fn line(&mut self, at: At<'_>, sink: &mut dyn Sink) -> Taken {
        let line = at.text.trim_ascii();
        if line.is_empty() || line.starts_with(b"Transport Total") {
            return Taken::Noise;
        }
        if total_line(line).is_some() {
            self.total = Some((at.citation, line.to_vec()));
            return Taken::Row;
        }
        if is_tcp_line(line) {
            if let Some((citation, text)) = self.total.take() {
                total(At { citation, format: at.format, text: &text }, sink);
            }
            return tcp(at, line, sink);
        }
        row(at, line, sink)
    }
}

/// `Total: N` or `Total: N (kernel K)`: both numbers.
fn total_line(line: &[u8]) -> Option<(i64, Option<i64>)> {
    let mut fields = scan::Fields::new(line.strip_prefix(b"Total:")?);
    let total = scan::signed(fields.next()?)?;
    match fields.next() {
        None => Some((total, None)),
        Some(b"(kernel") => Some((total, fields.next().and_then(|f| scan::signed(f.strip_suffix(b")").unwrap_or(f))))),
        Some(_) => None,
    }
}

fn is_tcp_line(line: &[u8]) -> bool {
    line.starts_with(b"TCP:") && scan::contains(line, b"(estab ")
}

fn total(at: At<'_>, sink: &mut dyn Sink) {
    sink.note(at, &Note { kind: NoteKind::TableStart, pid: None, text: at.text });
    let Some((total, kernel)) = total_line(at.text) else { return };
    sink.counter(at, &Counter { name: "ss.total", value: total, unit: Unit::Sockets, scope: Scope::Unknown });
    if let Some(value) = kernel {
        sink.counter(at, &Counter { name: "ss.kernel", value, unit: Unit::Sockets, scope: Scope::Host });
    }
}

/// The `TCP:` line: a number, then words with numbers in parentheses and after them.
fn tcp(at: At<'_>, line: &[u8], sink: &mut dyn Sink) -> Taken {
    let mut words = line.get(4..).unwrap_or(b"").split(|b| matches!(b, b' ' | b'\t' | b'(' | b')' | b',')).filter(|w| !w.is_empty());
    let Some(value) = words.next().and_then(scan::signed) else { return Taken::Unknown };
    sink.counter(at, &Counter { name: "ss.tcp.total", value, unit: Unit::Sockets, scope: Scope::Host });
    while let (Some(key), Some(text)) = (words.next(), words.next()) {
        let (first, second) = match memchr::memchr(b'/', text) {
            Some(i) => text.split_at_checked(i).map_or((text, None), |(a, b)| (a, b.get(1..))),
            None => (text, None),
        };
        if let (Some((name, unit, scope)), Some(value)) = (tcp_counter(key), scan::signed(first)) {
            sink.counter(at, &Counter { name, value, unit, scope });
        }
        if let (b"timewait", Some(value)) = (key, second.and_then(scan::signed)) {
            sink.counter(at, &Counter { name: "ss.tcp.timewait_slab", value, unit: Unit::Entries, scope: Scope::Host });
        }
    }
    Taken::Row
}

fn tcp_counter(key: &[u8]) -> Option<(&'static str, Unit, Scope)> {
    Some(match key {
        b"estab" => ("ss.tcp.estab", Unit::Sockets, Scope::Netns),
        // A number of the host minus one of the namespace.
        b"closed" => ("ss.tcp.closed", Unit::Sockets, Scope::Unknown),
        b"orphaned" => ("ss.tcp.orphaned", Unit::Sockets, Scope::Host),
        b"synrecv" => ("ss.tcp.synrecv", Unit::Entries, Scope::Host),
        b"timewait" => ("ss.tcp.timewait", Unit::Entries, Scope::Unknown),
        b"ports" => ("ss.tcp.ports", Unit::Ports, Scope::Host),
        _ => return None,
    })
}

/// A line of the table of transports.
fn row(at: At<'_>, line: &[u8], sink: &mut dyn Sink) -> Taken {
    let mut fields = scan::Fields::new(line);
    let (Some(label), Some(total), Some(ip), Some(ipv6), None) =
        (fields.next(), fields.next(), fields.next(), fields.next(), fields.next())
    else {
        return Taken::Unknown;
    };
    if label == b"*" {
        // It repeats the kernel's number of the first line.
        return Taken::Noise;
    }
    let Some((names, unit)) = row_counters(label) else { return Taken::Unknown };
    let values = [total, ip, ipv6].map(scan::signed);
    if values.contains(&None) {
        return Taken::Unknown;
    }
    for (name, value) in names.into_iter().zip(values.into_iter().flatten()) {
        sink.counter(at, &Counter { name, value, unit, scope: Scope::Netns });
    }
    Taken::Row
}

fn row_counters(label: &[u8]) -> Option<([&'static str; 3], Unit)> {
    Some(match label {
        b"RAW" => (["ss.row.raw.total", "ss.row.raw.ip", "ss.row.raw.ipv6"], Unit::Sockets),
        b"UDP" => (["ss.row.udp.total", "ss.row.udp.ip", "ss.row.udp.ipv6"], Unit::Sockets),
        b"TCP" => (["ss.row.tcp.total", "ss.row.tcp.ip", "ss.row.tcp.ipv6"], Unit::Sockets),
        b"INET" => (["ss.row.inet.total", "ss.row.inet.ip", "ss.row.inet.ipv6"], Unit::Sockets),
        b"FRAG" => (["ss.row.frag.total", "ss.row.frag.ip", "ss.row.frag.ipv6"], Unit::Entries),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use crate::formats::testing::{counters, facts, told_as};

    const OLD: &str = "  Total: 94 (kernel 209)\n  TCP:   68 (estab 22, closed 36, orphaned 0, synrecv 0, timewait 8/0), ports 3\n\n  \
                       Transport Total     IP        IPv6\n  *\t  209       -         -        \n  TCP\t  32        27        5        \n";

    #[test]
    fn the_old_layout_indented() {
        let (told, reading) = told_as("paste.txt", OLD);
        assert_eq!((reading.format(), reading.unparsed()), ("ss-s", 0));
        let want = [
            ("ss.total", 94),
            ("ss.kernel", 209),
            ("ss.tcp.total", 68),
            ("ss.tcp.estab", 22),
            ("ss.tcp.closed", 36),
            ("ss.tcp.orphaned", 0),
            ("ss.tcp.synrecv", 0),
            ("ss.tcp.timewait", 8),
            ("ss.tcp.timewait_slab", 0),
            ("ss.tcp.ports", 3),
            ("ss.row.tcp.total", 32),
            ("ss.row.tcp.ip", 27),
            ("ss.row.tcp.ipv6", 5),
        ];
        for (name, value) in want {
            assert_eq!(told.counters.get(name), Some(&value), "{name}");
        }
        assert_eq!(told.counters.len(), want.len());
    }

    #[test]
    fn the_new_layout_has_fewer_words_and_they_stay_absent() {
        let read = counters("Total: 94\nTCP:   68 (estab 22, closed -36, orphaned 0, timewait 8)\nINET\t  39        31        8\n");
        assert_eq!((read["ss.tcp.closed"], read["ss.row.inet.ipv6"], read["ss.total"]), (-36, 8, 94));
        for absent in ["ss.kernel", "ss.tcp.synrecv", "ss.tcp.ports", "ss.tcp.timewait_slab", "ss.row.udp.ip"] {
            assert!(!read.contains_key(absent), "{absent}");
        }
    }

    #[test]
    fn each_total_starts_a_reading() {
        let text = "Total: 1\nTCP: 1 (estab 0, closed 0, timewait 0)\nTotal: 2\nTCP: 1 (estab 0, closed 0, timewait 0)\n";
        assert_eq!(facts(text).iter().filter(|l| l.starts_with("note table")).count(), 2);
        assert_eq!(counters(text)["ss.total"], 2);
    }

    #[test]
    fn a_total_of_something_else_is_no_count_of_sockets() {
        assert!(facts("Total: 94\nnothing else\n").is_empty());
    }
}
