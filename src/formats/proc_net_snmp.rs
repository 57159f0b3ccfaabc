//! `/proc/net/snmp`, `/proc/net/netstat` and `/proc/net/snmp6`: the protocol counters of one network namespace, as the kernel prints them.
//!
//! ```text
//! Tcp: RtoAlgorithm RtoMin RtoMax MaxConn ActiveOpens PassiveOpens AttemptFails ...
//! Tcp: 1 200 120000 -1 618 316 72 ...
//! ```
//!
//! Pairs of lines, names and then values (`net/ipv4/proc.c`); which names there are depends on the kernel. `snmp6` has a name and a
//! value in each line. Counters since the namespace was made, except `CurrEstab`, which is a gauge. `MaxConn` can be -1.

use super::{Fit, Format, Hint, Parser, Probe, Taken, counter_names, prompt, scan};
use crate::facts::{At, Counter, Scope, Sink, Unit};

/// `/proc/net/snmp` and `/proc/net/snmp6`.
pub struct Snmp;

/// `/proc/net/netstat`.
pub struct Netstat;

#[derive(Default)]
struct Reading {
    /// The last line of names, whose values are to follow.
    names: Vec<u8>,
    buffer: String,
}

impl Format for Snmp {
    fn id(&self) -> &'static str {
        "proc-net-snmp"
    }

    fn title(&self) -> &'static str {
        "/proc/net/snmp and snmp6"
    }

    fn fit(&self, probe: &Probe<'_>) -> Fit {
        fit(self, probe)
    }

    fn opens(&self, line: &[u8]) -> bool {
        line.starts_with(b"Ip: Forwarding ") || (is_names(line) && !is_extended(line)) || is_snmp6(line)
    }

    fn printed_by(&self, command: &[u8]) -> bool {
        (scan::contains(command, b"/net/snmp")) && !prompt::counts(command)
    }

    fn parser(&self, _hint: &Hint<'_>) -> Box<dyn Parser> {
        Box::new(Reading::default())
    }
}

impl Format for Netstat {
    fn id(&self) -> &'static str {
        "proc-net-netstat"
    }

    fn title(&self) -> &'static str {
        "/proc/net/netstat"
    }

    fn fit(&self, probe: &Probe<'_>) -> Fit {
        fit(self, probe)
    }

    fn opens(&self, line: &[u8]) -> bool {
        is_names(line) && is_extended(line)
    }

    fn printed_by(&self, command: &[u8]) -> bool {
        scan::contains(command, b"/net/netstat") && !prompt::counts(command)
    }

    fn parser(&self, _hint: &Hint<'_>) -> Box<dyn Parser> {
        Box::new(Reading::default())
    }
}

impl Parser for Reading {
    fn line(&mut self, at: At<'_>, sink: &mut dyn Sink) -> Taken {
        let line = at.text.trim_ascii();
        if line.is_empty() {
            return Taken::Noise;
        }
        if is_snmp6(line) {
            return self.single(line, at, sink);
        }
        if is_names(line) {
            self.names.clear();
            self.names.extend_from_slice(line);
            return Taken::Noise;
        }
        if is_values(line) { self.values(line, at, sink) } else { Taken::Unknown }
    }
}

impl Reading {
    /// A line of values under its line of names.
    fn values(&mut self, line: &[u8], at: At<'_>, sink: &mut dyn Sink) -> Taken {
        let (mut names, mut values) = (scan::Fields::new(&self.names), scan::Fields::new(line));
        let (group, same) = (names.next(), values.next());
        let Some(prefix) = group.filter(|g| Some(*g) == same).and_then(|g| g.strip_suffix(b":")).and_then(counter_names::prefix) else {
            return Taken::Unknown;
        };
        for (name, value) in names.zip(values) {
            let Some(value) = counter_names::value(value) else { return Taken::Unknown };
            counter_names::write(&mut self.buffer, prefix, name);
            sink.counter(at, &Counter { name: &self.buffer, value, unit: unit_of(&self.buffer), scope: Scope::Netns });
        }
        Taken::Row
    }

    /// A line of snmp6.
    fn single(&mut self, line: &[u8], at: At<'_>, sink: &mut dyn Sink) -> Taken {
        let mut fields = scan::Fields::new(line);
        let split = fields.next().and_then(counter_names::split);
        let (Some((prefix, name)), Some(value)) = (split, fields.next().and_then(counter_names::value)) else { return Taken::Unknown };
        counter_names::write(&mut self.buffer, prefix, name);
        sink.counter(at, &Counter { name: &self.buffer, value, unit: unit_of(&self.buffer), scope: Scope::Netns });
        Taken::Row
    }
}

/// What a counter counts: nearly all count events.
pub(super) fn unit_of(name: &str) -> Unit {
    match name {
        "snmp.tcp.curr_estab" => Unit::Sockets,
        "snmp.tcp.rto_algorithm" | "snmp.tcp.rto_min" | "snmp.tcp.rto_max" | "snmp.tcp.max_conn" => Unit::None,
        "snmp.ip.forwarding" | "snmp.ip.default_ttl" => Unit::None,
        _ if name.ends_with("_octets") => Unit::Bytes,
        _ => Unit::Events,
    }
}

fn fit(format: &dyn Format, probe: &Probe<'_>) -> Fit {
    match probe.rows().next() {
        Some(line) if format.opens(line) => Fit::Sure,
        _ => Fit::No,
    }
}

/// `Group: Name Name ...`
fn is_names(line: &[u8]) -> bool {
    let Some((_, rest)) = group(line) else { return false };
    let mut fields = scan::Fields::new(rest).peekable();
    fields.peek().is_some() && fields.all(|f| f.first().is_some_and(u8::is_ascii_uppercase) && f.iter().all(u8::is_ascii_alphanumeric))
}

fn is_values(line: &[u8]) -> bool {
    group(line).is_some_and(|(_, rest)| scan::Fields::new(rest).next().is_some_and(|f| counter_names::value(f).is_some()))
}

fn is_extended(line: &[u8]) -> bool {
    group(line).is_some_and(|(name, _)| name.ends_with(b"Ext"))
}

fn group(line: &[u8]) -> Option<(&[u8], &[u8])> {
    line.first().filter(|b| matches!(b, b'I' | b'M' | b'S' | b'T' | b'U'))?;
    let (name, rest) = line.split_at_checked(memchr::memchr(b':', line)?)?;
    counter_names::prefix(name)?;
    Some((name, rest.strip_prefix(b":")?.strip_prefix(b" ")?))
}

/// `Ip6InReceives <blanks> <tab> 489`; nstat has a third column.
fn is_snmp6(line: &[u8]) -> bool {
    if !line.first().is_some_and(|b| matches!(b, b'I' | b'U')) {
        return false;
    }
    let mut fields = scan::Fields::new(line);
    let six =
        fields.next().is_some_and(|w| scan::contains(w, b"6") && counter_names::split(w).is_some_and(|(prefix, _)| prefix.ends_with('6')));
    six && fields.next().is_some_and(|v| scan::number(v).is_some()) && fields.next().is_none()
}

#[cfg(test)]
mod tests {
    use crate::formats::testing::{counters, told_as};

    #[test]
    fn pairs_of_lines() {
        let read = counters("Tcp: RtoMax MaxConn ActiveOpens AttemptFails CurrEstab\nTcp: 120000 -1 618 72 318\n");
        assert_eq!(read["snmp.tcp.attempt_fails"], 72);
        assert_eq!(read["snmp.tcp.max_conn"], -1);
        let (told, reading) = told_as("x", "TcpExt: ListenOverflows TCPTimeouts\nTcpExt: 88 55\n");
        assert_eq!(reading.format(), "proc-net-netstat");
        assert_eq!(told.counters["tcpext.listen_overflows"], 88);
    }

    #[test]
    fn values_without_their_names_are_not_guessed() {
        let (told, _) = told_as("x", "Tcp: ActiveOpens\nUdp: 7\n");
        assert!(told.counters.is_empty());
    }

    #[test]
    fn fewer_values_than_names() {
        let read = counters("Tcp: ActiveOpens PassiveOpens\nTcp: 618");
        assert_eq!(read.len(), 1);
    }

    #[test]
    fn snmp6_has_one_in_each_line() {
        let (told, reading) = told_as("x", "Ip6InReceives                   \t489\nUdp6InDatagrams                 \t3\n");
        assert_eq!(told.counters["snmp.udp6.in_datagrams"], 3);
        assert_eq!(reading.format(), "proc-net-snmp");
    }
}
