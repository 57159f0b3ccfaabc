//! What tools say of their own version: `lsof -v`, `ss -V`, `netstat --version`, `strace -V`, `busybox`.
//!
//! ```text
//! lsof version information:
//!     revision: 4.95.0
//! ss utility, iproute2-5.10.0
//! strace -- version 5.10
//! net-tools 2.10
//! ps from procps-ng 4.0.2
//! BusyBox v1.36.1 (2023-11-07 18:53:09 UTC) multi-call binary.
//! ```
//!
//! The rest of `lsof -v` (compiler, flags, how to write to the authors) is indented and carries nothing.

use super::{Fit, Format, Hint, Parser, Probe, Taken, prompt, scan};
use crate::facts::{At, Identity, IdentityKey, Sink};

/// Versions of the tools that captured.
pub struct ToolVersion;

struct Reading {
    /// Inside `lsof -v`.
    lsof: bool,
}

impl Format for ToolVersion {
    fn id(&self) -> &'static str {
        "tool-version"
    }

    fn title(&self) -> &'static str {
        "version banners of lsof, ss, strace, net-tools, procps, BusyBox"
    }

    fn fit(&self, probe: &Probe<'_>) -> Fit {
        match probe.rows().next() {
            Some(line) if self.opens(line) => Fit::Likely,
            _ => Fit::No,
        }
    }

    fn opens(&self, line: &[u8]) -> bool {
        line.starts_with(b"lsof version information:") || version(line.trim_ascii()).is_some()
    }

    fn printed_by(&self, command: &[u8]) -> bool {
        let option = scan::Fields::new(command).nth(1);
        match prompt::program(command) {
            b"lsof" => option == Some(b"-v"),
            b"ss" | b"strace" | b"netstat" | b"ps" | b"nstat" => matches!(option, Some(b"-V" | b"--version")),
            _ => false,
        }
    }

    fn parser(&self, _hint: &Hint<'_>) -> Box<dyn Parser> {
        Box::new(Reading { lsof: false })
    }
}

impl Parser for Reading {
    fn line(&mut self, at: At<'_>, sink: &mut dyn Sink) -> Taken {
        let line = at.text.trim_ascii();
        if line.is_empty() {
            return Taken::Noise;
        }
        if line.starts_with(b"lsof version information:") {
            self.lsof = true;
            return Taken::Noise;
        }
        let found = match line.strip_prefix(b"revision: ") {
            Some(number) if self.lsof => Some(("lsof", number)),
            _ => version(line),
        };
        if let Some((tool, number)) = found {
            let value = [tool.as_bytes(), b" ", number].concat();
            sink.identity(at, &Identity { key: IdentityKey::Tool, value: &value, pid: None });
            return Taken::Row;
        }
        if self.lsof && at.text.starts_with(b"  ") { Taken::Noise } else { Taken::Unknown }
    }
}

/// Tool and number of a banner in one line.
fn version(line: &[u8]) -> Option<(&'static str, &[u8])> {
    const BANNERS: &[(&str, &str)] = &[
        ("ss utility, iproute2-", "iproute2"),
        ("nstat utility, iproute2-", "iproute2"),
        ("strace -- version ", "strace"),
        ("net-tools ", "net-tools"),
        ("ps from procps-ng ", "procps"),
        ("procps version ", "procps"),
        ("procps-ng version ", "procps"),
        ("lsfd from util-linux ", "util-linux"),
        ("BusyBox v", "busybox"),
    ];
    BANNERS.iter().find_map(|(start, tool)| {
        let number = scan::Fields::new(line.strip_prefix(start.as_bytes())?).next()?;
        let number = number.strip_suffix(b",").unwrap_or(number);
        // iproute2 of old: `iproute2-ss131122`.
        let digits = number.strip_prefix(b"ss").or(number.strip_prefix(b"v")).unwrap_or(number);
        digits.first().is_some_and(u8::is_ascii_digit).then_some((*tool, number))
    })
}

#[cfg(test)]
mod tests {
    use crate::formats::testing::{facts, told_as};

    #[test]
    fn banners() {
        for (line, want) in [
            ("ss utility, iproute2-5.10.0", "iproute2 5.10.0"),
            ("ss utility, iproute2-ss131122", "iproute2 ss131122"),
            ("strace -- version 5.10", "strace 5.10"),
            ("net-tools 2.10", "net-tools 2.10"),
            ("BusyBox v1.36.1 (2023-11-07 18:53:09 UTC) multi-call binary.", "busybox 1.36.1"),
        ] {
            assert_eq!(facts(line), [format!("identity Tool pid=- {want}")], "{line}");
        }
        assert!(facts("net-tools are old\n").is_empty());
    }

    #[test]
    fn lsof_says_much_more() {
        let text =
            "lsof version information:\n    revision: 4.95.0\n    latest revision: https://example.org/lsof\n    compiler flags: -O2\n";
        let (told, reading) = told_as("x", text);
        assert_eq!(told.lines, ["identity Tool pid=- lsof 4.95.0"]);
        assert_eq!(reading.unparsed(), 0);
    }
}
