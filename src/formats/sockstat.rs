//! `/proc/net/sockstat` and `/proc/net/sockstat6`, every kernel since 2.6.
//!
//! ```text
//! sockets: used 94
//! TCP: inuse 27 orphan 0 tw 8 alloc 60 mem 290
//! UDP: inuse 3 mem 0
//! TCP6: inuse 5
//! ```
//!
//! Scopes are mixed in one line (`net/ipv4/proc.c`, `net/ipv6/proc.c`): `inuse` counts the IPv4 (or IPv6) sockets of this network
//! namespace that are hashed, `tw` the time-wait entries of both families (of the host before about 4.11), `alloc`, `orphan` and `mem`
//! the whole host, `mem` in pages. `sockets: used` is the host's up to 4.15 and the namespace's from 4.16 on. Both files are often
//! pasted one after the other; the keys tell them apart. A file that is absent is not a file of zeros.

use super::{Fit, Format, Hint, Parser, Probe, Taken, prompt, scan};
use crate::facts::{At, Counter, Note, NoteKind, Scope, Sink, Unit};

/// The two sockstat files.
pub struct Sockstat;

struct Reading {
    seen_used: bool,
}

impl Format for Sockstat {
    fn id(&self) -> &'static str {
        "sockstat"
    }

    fn title(&self) -> &'static str {
        "/proc/net/sockstat and sockstat6"
    }

    fn fit(&self, probe: &Probe<'_>) -> Fit {
        match probe.rows().next() {
            Some(line) if self.opens(line) => Fit::Sure,
            _ => Fit::No,
        }
    }

    fn opens(&self, line: &[u8]) -> bool {
        let line = line.trim_ascii();
        line.starts_with(b"sockets: used ") || fields(line).is_some_and(|(_, first)| first.starts_with(b"inuse "))
    }

    fn printed_by(&self, command: &[u8]) -> bool {
        scan::contains(command, b"/proc/net/sockstat") && !prompt::counts(command)
    }

    fn parser(&self, _hint: &Hint<'_>) -> Box<dyn Parser> {
        Box::new(Reading { seen_used: false })
    }
}

impl Parser for Reading {
    fn line(&mut self, at: At<'_>, sink: &mut dyn Sink) -> Taken {
        let line = at.text.trim_ascii();
        if line.is_empty() {
            return Taken::Noise;
        }
        let Some((name, rest)) = fields(line) else { return Taken::Unknown };
        if name == b"sockets" {
            if self.seen_used {
                sink.note(at, &Note { kind: NoteKind::TableStart, pid: None, text: b"" });
            }
            self.seen_used = true;
        }
        let mut pairs = scan::Fields::new(rest);
        let mut any = false;
        while let (Some(key), Some(value)) = (pairs.next(), pairs.next()) {
            let Some(value) = scan::signed(value) else { return Taken::Unknown };
            any = true;
            if let Some((name, unit, scope)) = counter_of(name, key) {
                sink.counter(at, &Counter { name, value, unit, scope });
            }
        }
        if any { Taken::Row } else { Taken::Unknown }
    }
}

/// `NAME: key value ...` split at the colon, if NAME is one this file has.
fn fields(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let colon = memchr::memchr(b':', line)?;
    // The colon was found in the line.
    let name = &line[..colon];
    let known =
        matches!(name, b"sockets" | b"TCP" | b"UDP" | b"UDPLITE" | b"RAW" | b"FRAG" | b"TCP6" | b"UDP6" | b"UDPLITE6" | b"RAW6" | b"FRAG6");
    // The colon was found in the line.
    let rest = line[colon + 1..].trim_ascii_start();
    (known && (rest.starts_with(b"used ") || rest.starts_with(b"inuse "))).then_some((name, rest))
}

/// The counter's name, unit and scope; `None` for a key that no analysis needs.
pub(super) fn counter_of(name: &[u8], key: &[u8]) -> Option<(&'static str, Unit, Scope)> {
    Some(match (name, key) {
        (b"sockets", b"used") => ("sockstat.sockets.used", Unit::Sockets, Scope::Unknown),
        (b"TCP", b"inuse") => ("sockstat.tcp.inuse", Unit::Sockets, Scope::Netns),
        (b"TCP", b"orphan") => ("sockstat.tcp.orphan", Unit::Sockets, Scope::Host),
        (b"TCP", b"tw") => ("sockstat.tcp.tw", Unit::Entries, Scope::Unknown),
        (b"TCP", b"alloc") => ("sockstat.tcp.alloc", Unit::Sockets, Scope::Host),
        (b"TCP", b"mem") => ("sockstat.tcp.mem", Unit::Pages, Scope::Host),
        (b"UDP", b"inuse") => ("sockstat.udp.inuse", Unit::Sockets, Scope::Netns),
        (b"UDP", b"mem") => ("sockstat.udp.mem", Unit::Pages, Scope::Host),
        (b"UDPLITE", b"inuse") => ("sockstat.udplite.inuse", Unit::Sockets, Scope::Netns),
        (b"RAW", b"inuse") => ("sockstat.raw.inuse", Unit::Sockets, Scope::Netns),
        (b"FRAG", b"inuse") => ("sockstat.frag.inuse", Unit::Entries, Scope::Netns),
        (b"FRAG", b"memory") => ("sockstat.frag.memory", Unit::Bytes, Scope::Netns),
        (b"TCP6", b"inuse") => ("sockstat.tcp6.inuse", Unit::Sockets, Scope::Netns),
        (b"UDP6", b"inuse") => ("sockstat.udp6.inuse", Unit::Sockets, Scope::Netns),
        (b"UDPLITE6", b"inuse") => ("sockstat.udplite6.inuse", Unit::Sockets, Scope::Netns),
        (b"RAW6", b"inuse") => ("sockstat.raw6.inuse", Unit::Sockets, Scope::Netns),
        (b"FRAG6", b"inuse") => ("sockstat.frag6.inuse", Unit::Entries, Scope::Netns),
        (b"FRAG6", b"memory") => ("sockstat.frag6.memory", Unit::Bytes, Scope::Netns),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use crate::formats::testing::counters;

    #[test]
    fn both_files_in_one_paste() {
        let read = counters("sockets: used 94\nTCP: inuse 27 orphan 0 tw 8 alloc 60 mem 290\nTCP6: inuse 5\n");
        assert_eq!(read["sockstat.sockets.used"], 94);
        assert_eq!(read["sockstat.tcp.alloc"], 60);
        assert_eq!(read["sockstat.tcp6.inuse"], 5);
        assert!(!read.contains_key("sockstat.udp.inuse"), "absent is not zero");
    }

    #[test]
    fn a_cut_line_gives_what_is_whole() {
        let read = counters("sockets: used 94\nTCP: inuse 27 orphan 0 tw");
        assert_eq!(read["sockstat.tcp.orphan"], 0);
        assert!(!read.contains_key("sockstat.tcp.tw"));
    }
}
