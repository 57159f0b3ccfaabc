//! `/proc/PID/io`: what a process has read and written since it began.
//!
//! ```text
//! rchar: 1822623
//! wchar: 2419
//! syscr: 701
//! syscw: 171
//! read_bytes: 0
//! write_bytes: 8192
//! cancelled_write_bytes: 0
//! ```
//!
//! `rchar` and `wchar` are bytes passed through read and write calls, `syscr` and `syscw` the calls, the rest bytes that reached a disk
//! (`fs/proc/base.c`, `proc_pid_io(5)`). `recv` and `send` count as neither, so a process with zeros may still be busy on its sockets.
//! Only the owner and root may read it. It becomes `io.rchar` and so on, of one process.

use super::{Fit, Format, Hint, Parser, Probe, Taken, named, scan};
use crate::facts::{At, Counter, Scope, Sink, Unit};

/// What a process has read and written.
pub struct Io;

struct Reading;

/// The kernel's names, ours, and what they count.
const KEYS: &[(&[u8], &str, Unit)] = &[
    (b"rchar", "io.rchar", Unit::Bytes),
    (b"wchar", "io.wchar", Unit::Bytes),
    (b"syscr", "io.syscr", Unit::Events),
    (b"syscw", "io.syscw", Unit::Events),
    (b"read_bytes", "io.read_bytes", Unit::Bytes),
    (b"write_bytes", "io.write_bytes", Unit::Bytes),
    (b"cancelled_write_bytes", "io.cancelled_write_bytes", Unit::Bytes),
];

impl Format for Io {
    fn id(&self) -> &'static str {
        "io"
    }

    fn title(&self) -> &'static str {
        "/proc/PID/io"
    }

    fn fit(&self, probe: &Probe<'_>) -> Fit {
        if probe.rows().next().is_some_and(|line| self.opens(line)) { Fit::Sure } else { Fit::No }
    }

    fn opens(&self, line: &[u8]) -> bool {
        line.starts_with(b"rchar: ") && row(line).is_some()
    }

    fn printed_by(&self, command: &[u8]) -> bool {
        named::prints_process_file(command, b"io")
    }

    fn parser(&self, _hint: &Hint<'_>) -> Box<dyn Parser> {
        Box::new(Reading)
    }
}

impl Parser for Reading {
    fn line(&mut self, at: At<'_>, sink: &mut dyn Sink) -> Taken {
        let line = at.text.trim_ascii();
        if line.is_empty() || named::banner_pid(line).is_some() {
            return Taken::Noise;
        }
        let Some((name, unit, value)) = row(line) else { return Taken::Unknown };
        sink.counter(at, &Counter { name, value, unit, scope: Scope::Process });
        Taken::Row
    }
}

fn row(line: &[u8]) -> Option<(&'static str, Unit, i64)> {
    let mut fields = scan::Fields::new(line);
    let key = fields.next()?.strip_suffix(b":")?;
    let value = fields.next().and_then(scan::number)?;
    let (_, name, unit) = KEYS.iter().find(|(k, ..)| *k == key)?;
    if fields.next().is_some() {
        return None;
    }
    Some((name, *unit, i64::try_from(value).ok()?))
}

#[cfg(test)]
mod tests {
    use crate::formats::testing::told_as;

    #[test]
    fn reads_each_line() {
        let (told, reading) = told_as("proc/12/io", "rchar: 1822623\nwchar: 2419\nsyscr: 701\nsyscw: x\n");
        assert_eq!((reading.format(), reading.rows(), reading.unparsed()), ("io", 3, 1));
        assert_eq!(told.counters["io.rchar"], 1_822_623);
        assert_eq!(told.counters["io.syscr"], 701);
        assert!(!told.counters.contains_key("io.syscw"));
    }

    #[test]
    fn is_told_by_its_first_line() {
        assert_eq!(told_as("x", "rchar: 18446744073709551615\n").1.format(), "unknown", "too large for any process");
        assert_eq!(told_as("x", "wchar: 1\n").1.format(), "unknown");
    }
}
