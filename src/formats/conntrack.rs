//! `conntrack -L`, `-S`, `-C` and `/proc/net/nf_conntrack`: tracked connections, of which only their number matters here.
//!
//! ```text
//! tcp      6 431999 ESTABLISHED src=10.0.0.1 dst=10.0.0.2 sport=1 dport=2 src=... [ASSURED] mark=0 use=1
//! cpu=0   found=0 invalid=3 insert=0 insert_failed=0 drop=0 early_drop=0 error=0 search_restart=0
//! conntrack v1.4.4 (conntrack-tools): 203 flow entries have been shown.
//! ```
//!
//! A tracked connection is no socket (NAT tracks those of others), so flows are understood and not handed on. The number of `-C` and of
//! the closing line goes under the name of the sysctl it equals, `net.netfilter.nf_conntrack_count`.

use super::{Fit, Format, Hint, Parser, Probe, Taken, prompt, scan};
use crate::facts::{At, Counter, Scope, Sink, Unit};

/// Tracked connections.
pub struct Conntrack;

struct Reading {
    /// Whether a bare number may come, as `conntrack -C` prints it.
    bare: bool,
}

impl Format for Conntrack {
    fn id(&self) -> &'static str {
        "conntrack"
    }

    fn title(&self) -> &'static str {
        "conntrack -L, -S, -C"
    }

    fn fit(&self, probe: &Probe<'_>) -> Fit {
        match probe.rows().next() {
            Some(line) if self.opens(line) => Fit::Sure,
            _ => Fit::No,
        }
    }

    fn opens(&self, line: &[u8]) -> bool {
        shown(line).is_some() || is_flow(line) || is_statistics(line)
    }

    fn printed_by(&self, command: &[u8]) -> bool {
        (prompt::program(command) == b"conntrack" || scan::contains(command, b"/proc/net/nf_conntrack")) && !prompt::counts(command)
    }

    fn parser(&self, hint: &Hint<'_>) -> Box<dyn Parser> {
        let bare =
            prompt::program(hint.command) == b"conntrack" && scan::Fields::new(hint.command).any(|f| matches!(f, b"-C" | b"--count"));
        Box::new(Reading { bare })
    }
}

impl Parser for Reading {
    fn line(&mut self, at: At<'_>, sink: &mut dyn Sink) -> Taken {
        let line = at.text.trim_ascii();
        if line.is_empty() || is_flow(line) || is_statistics(line) {
            return Taken::Noise;
        }
        let bare = std::mem::take(&mut self.bare);
        let Some(value) = shown(line).or_else(|| scan::number(line).filter(|_| bare)) else { return Taken::Unknown };
        let value = i64::try_from(value).unwrap_or(i64::MAX);
        let name = "sysctl.net.netfilter.nf_conntrack_count";
        sink.counter(at, &Counter { name, value, unit: Unit::Entries, scope: Scope::Netns });
        Taken::Row
    }
}

/// The number of the closing line.
fn shown(line: &[u8]) -> Option<u64> {
    let rest = line.strip_prefix(b"conntrack v")?;
    let (_, rest) = rest.split_at_checked(memchr::memmem::find(rest, b"): ")?)?;
    let (number, rest) = scan::leading_number(rest.get(3..)?)?;
    rest.starts_with(b" flow entries").then_some(number)
}

fn is_flow(line: &[u8]) -> bool {
    let starts = [&b"tcp "[..], b"udp ", b"icmp", b"ipv4 ", b"ipv6 ", b"sctp ", b"dccp ", b"gre ", b"udplite ", b"unknown "];
    starts.iter().any(|start| line.starts_with(start))
        && scan::contains(line, b" src=")
        && scan::contains(line, b" dst=")
        && (scan::contains(line, b" use=") || scan::contains(line, b" mark="))
}

fn is_statistics(line: &[u8]) -> bool {
    line.starts_with(b"cpu=") && scan::contains(line, b"insert_failed=")
}

#[cfg(test)]
mod tests {
    use crate::formats::testing::{counters, told_as};

    #[test]
    fn only_numbers_are_told() {
        let text = "tcp      6 431999 ESTABLISHED src=10.0.0.1 dst=10.0.0.2 sport=1 dport=2 src=10.0.0.2 dst=10.0.0.1 sport=2 dport=1 [ASSURED] mark=0 use=1\n\
                    conntrack v1.4.4 (conntrack-tools): 203 flow entries have been shown.\n";
        let (told, reading) = told_as("x", text);
        assert_eq!(told.counters["sysctl.net.netfilter.nf_conntrack_count"], 203);
        assert_eq!((reading.format(), reading.unparsed()), ("conntrack", 0));
        assert_eq!(counters("$ conntrack -C\n77\n5\n")["sysctl.net.netfilter.nf_conntrack_count"], 77);
    }
}
