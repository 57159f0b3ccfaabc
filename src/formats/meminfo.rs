//! `/proc/meminfo`: the host's memory.
//!
//! ```text
//! MemTotal:       24602148 kB
//! MemAvailable:   23110004 kB
//! SUnreclaim:        41212 kB
//! HugePages_Total:       0
//! ```
//!
//! Each line is a name, a number and, but for counts of huge pages, `kB`, which are KiB (`proc_meminfo(5)`). What bears on sockets is
//! handed on: memory in all, free and available, and the kernel's slabs, where sockets live. Other lines are understood as such.

use super::{Fit, Format, Hint, Parser, Probe, Taken, prompt, scan};
use crate::facts::{At, Counter, Scope, Sink, Unit};

/// The host's memory.
pub struct Meminfo;

struct Reading;

/// The kernel's names and ours.
const KEYS: &[(&[u8], &str)] = &[
    (b"MemTotal", "meminfo.mem_total"),
    (b"MemFree", "meminfo.mem_free"),
    (b"MemAvailable", "meminfo.mem_available"),
    (b"Slab", "meminfo.slab"),
    (b"SReclaimable", "meminfo.s_reclaimable"),
    (b"SUnreclaim", "meminfo.s_unreclaim"),
];

impl Format for Meminfo {
    fn id(&self) -> &'static str {
        "meminfo"
    }

    fn title(&self) -> &'static str {
        "/proc/meminfo"
    }

    fn fit(&self, probe: &Probe<'_>) -> Fit {
        if probe.rows().next().is_some_and(|line| self.opens(line)) { Fit::Sure } else { Fit::No }
    }

    fn opens(&self, line: &[u8]) -> bool {
        line.starts_with(b"MemTotal:") && row(line).is_some()
    }

    fn printed_by(&self, command: &[u8]) -> bool {
        scan::Fields::new(command).any(|f| f == b"/proc/meminfo") && !prompt::counts(command)
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
        let Some((key, value)) = row(line) else { return Taken::Unknown };
        let Some((_, name)) = KEYS.iter().find(|(k, _)| *k == key) else { return Taken::Noise };
        let Some(value) = value.checked_mul(1024) else { return Taken::Unknown };
        sink.counter(at, &Counter { name, value, unit: Unit::Bytes, scope: Scope::Host });
        Taken::Row
    }
}

/// Name and number of a line.
fn row(line: &[u8]) -> Option<(&[u8], i64)> {
    let mut fields = scan::Fields::new(line);
    let key = fields.next()?.strip_suffix(b":")?;
    let value = i64::try_from(scan::number(fields.next()?)?).ok()?;
    let unit = fields.next();
    (unit.is_none_or(|u| u == b"kB") && fields.next().is_none()).then_some((key, value))
}

#[cfg(test)]
mod tests {
    use crate::formats::testing::told_as;

    #[test]
    fn what_bears_on_sockets() {
        let text =
            "MemTotal:       24602148 kB\nCached: 7 kB\nActive(anon):    12 kB\nSUnreclaim:  2 kB\nHugePages_Total:       0\nodd line\n";
        let (told, reading) = told_as("meminfo", text);
        assert_eq!((reading.format(), reading.rows(), reading.unparsed()), ("meminfo", 2, 1));
        assert_eq!(told.counters["meminfo.mem_total"], 24_602_148 * 1024);
        assert_eq!(told.counters["meminfo.s_unreclaim"], 2048);
    }

    #[test]
    fn a_number_too_large_is_not_read() {
        let (told, reading) = told_as("meminfo", "MemTotal: 1 kB\nMemFree: 9223372036854775807 kB\n");
        assert_eq!((told.counters.len(), reading.unparsed()), (1, 1));
    }
}
