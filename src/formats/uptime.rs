//! `/proc/uptime` and `uptime`: seconds since boot.
//!
//! ```text
//! 12345.67 54321.00
//!  14:19:01 up 12 days,  3:04,  2 users,  load average: 0.00, 0.01, 0.05
//! ```
//!
//! The kernel's file has seconds since boot and idle seconds of all processors; two numbers say nothing of themselves, so it is read only
//! where the path or the command names it. The tool's line has minutes as its finest unit.

use super::{Fit, Format, Hint, Parser, Probe, Taken, named, prompt, scan};
use crate::facts::{At, Identity, IdentityKey, Sink};

/// Time since boot.
pub struct Uptime;

struct Reading;

impl Format for Uptime {
    fn id(&self) -> &'static str {
        "uptime"
    }

    fn title(&self) -> &'static str {
        "/proc/uptime, uptime"
    }

    fn fit(&self, probe: &Probe<'_>) -> Fit {
        let Some(first) = probe.rows().next() else { return Fit::No };
        let named = named::has_word(probe.path, "uptime");
        if self.opens(first) || (named && in_file(first).is_some()) { Fit::Likely } else { Fit::No }
    }

    fn opens(&self, line: &[u8]) -> bool {
        line.len() <= 160 && scan::contains(line, b"load average") && in_words(line).is_some()
    }

    fn printed_by(&self, command: &[u8]) -> bool {
        (prompt::program(command) == b"uptime" || scan::Fields::new(command).any(|f| f == b"/proc/uptime")) && !prompt::counts(command)
    }

    fn parser(&self, _hint: &Hint<'_>) -> Box<dyn Parser> {
        Box::new(Reading)
    }
}

impl Parser for Reading {
    fn line(&mut self, at: At<'_>, sink: &mut dyn Sink) -> Taken {
        let line = at.text.trim_ascii();
        if line.is_empty() {
            return Taken::Noise;
        }
        if let Some(seconds) = in_file(line) {
            sink.identity(at, &Identity { key: IdentityKey::Uptime, value: seconds, pid: None });
            return Taken::Row;
        }
        let Some(seconds) = in_words(line) else { return Taken::Unknown };
        sink.identity(at, &Identity { key: IdentityKey::Uptime, value: seconds.to_string().as_bytes(), pid: None });
        Taken::Row
    }
}

/// `12345.67 54321.00`.
fn in_file(line: &[u8]) -> Option<&[u8]> {
    let mut fields = scan::Fields::new(line.trim_ascii());
    let (up, idle) = (fields.next()?, fields.next()?);
    let decimal = |f: &[u8]| f.contains(&b'.') && f.iter().all(|b| b.is_ascii_digit() || *b == b'.');
    (decimal(up) && decimal(idle) && fields.next().is_none()).then_some(up)
}

/// `up 12 days,  3:04,`, `up 5 min,`, `up  3:04,`.
fn in_words(line: &[u8]) -> Option<u64> {
    let start = memchr::memmem::find(line, b" up ")?.checked_add(4)?;
    let mut seconds = 0u64;
    let mut fields = scan::Fields::new(line.get(start..)?).peekable();
    let mut any = false;
    while let Some(field) = fields.next() {
        let field = field.strip_suffix(b",").unwrap_or(field);
        if let Some((hours, minutes)) = field.iter().position(|&b| b == b':').and_then(|i| field.split_at_checked(i)) {
            let minutes = scan::number32(minutes.get(1..)?)?;
            seconds = seconds.checked_add(u64::from(scan::number32(hours)?) * 3600 + u64::from(minutes) * 60)?;
            return Some(seconds);
        }
        let Some(number) = scan::number32(field) else { break };
        let unit: u64 = match fields.next().map(|u| u.strip_suffix(b",").unwrap_or(u)) {
            Some(b"day" | b"days") => 86_400,
            Some(b"min" | b"mins" | b"minutes" | b"minute") => 60,
            Some(b"hour" | b"hours") => 3600,
            Some(b"week" | b"weeks") => 604_800,
            Some(b"sec" | b"seconds") => 1,
            _ => break,
        };
        any = true;
        seconds = seconds.checked_add(u64::from(number) * unit)?;
    }
    any.then_some(seconds)
}

#[cfg(test)]
mod tests {
    use crate::formats::testing::{facts, told_as};

    #[test]
    fn both() {
        assert_eq!(told_as("proc/uptime", "12345.67 54321.00\n").0.lines, ["identity Uptime pid=- 12345.67"]);
        assert!(facts("12345.67 54321.00\n").is_empty());
        for (line, want) in [
            (" 14:19:01 up 12 days,  3:04,  2 users,  load average: 0.00, 0.01, 0.05\n", 1_047_840),
            (" 14:19:01 up 5 min,  1 user,  load average: 0.00, 0.01, 0.05\n", 300),
            (" 14:19:01 up 1 day, 7 min,  1 user,  load average: 0.00, 0.01, 0.05\n", 86_820),
            ("14:19:01 up  3:04,  0 users,  load average: 0.00, 0.01, 0.05\n", 11_040),
        ] {
            assert_eq!(facts(line), [format!("identity Uptime pid=- {want}")], "{line}");
        }
    }
}
