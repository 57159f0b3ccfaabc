//! `/proc/net/if_inet6`: the IPv6 addresses of the interfaces.
//!
//! ```text
//! fe800000000000005c7c16fffe05090e 03 40 20 80       v0
//! ```
//!
//! Address, interface number, prefix length, scope and flags in hexadecimal, then the interface (`net/ipv6/addrconf.c`,
//! `if6_seq_show`). It says nothing of sockets: its lines are understood and hand no facts on, so that whoever captured all of
//! `/proc/net` does not read of lines that were not understood.

use super::{Fit, Format, Hint, Parser, Probe, Taken, scan};
use crate::facts::{At, Sink};

/// Addresses of interfaces.
pub struct IfInet6;

struct Reading;

impl Format for IfInet6 {
    fn id(&self) -> &'static str {
        "if-inet6"
    }

    fn title(&self) -> &'static str {
        "/proc/net/if_inet6 (understood; nothing in it is about sockets)"
    }

    fn fit(&self, probe: &Probe<'_>) -> Fit {
        if probe.rows().next().is_some_and(is_row) { Fit::Sure } else { Fit::No }
    }

    fn opens(&self, line: &[u8]) -> bool {
        is_row(line)
    }

    fn printed_by(&self, command: &[u8]) -> bool {
        scan::Fields::new(command).any(|f| f.ends_with(b"/net/if_inet6"))
    }

    fn parser(&self, _hint: &Hint<'_>) -> Box<dyn Parser> {
        Box::new(Reading)
    }
}

impl Parser for Reading {
    fn line(&mut self, at: At<'_>, _sink: &mut dyn Sink) -> Taken {
        if at.text.trim_ascii().is_empty() || is_row(at.text) { Taken::Noise } else { Taken::Unknown }
    }
}

fn is_row(line: &[u8]) -> bool {
    let mut fields = scan::Fields::new(line);
    let address = fields.next().unwrap_or(b"");
    let numbers = fields.by_ref().take(4).filter(|f| f.len() >= 2 && scan::hex(f).is_some()).count();
    address.len() == 32 && address.iter().all(u8::is_ascii_hexdigit) && numbers == 4 && fields.next().is_some() && fields.next().is_none()
}

#[cfg(test)]
mod tests {
    use crate::formats::testing::told_as;

    #[test]
    fn is_understood_and_silent() {
        let (told, reading) = told_as("x", "00000000000000000000000000000001 01 80 10 80       lo\nfe80 03 40\n");
        assert_eq!((reading.format(), reading.rows(), reading.unparsed(), told.lines.len()), ("if-inet6", 0, 1, 0));
    }
}
