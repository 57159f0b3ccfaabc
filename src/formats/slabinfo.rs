//! `/proc/slabinfo`: kernel objects by cache, of the whole host.
//!
//! ```text
//! # name            <active_objs> <num_objs> <objsize> <objperslab> <pagesperslab> : tunables <limit> ...
//! TCP                 6318   6318   2368   13    8 : tunables    0    0    0 : slabdata    486    486      0
//! ```
//!
//! `slab.TCP` is the number of active objects. All namespaces together, root only. SLUB rounds active counts up per CPU; caches of equal
//! size may be merged into one, so an absent name does not mean that there are none (`slabinfo(5)`).

use super::{Fit, Format, Hint, Parser, Probe, Taken, prompt, scan};
use crate::facts::{At, Counter, Scope, Sink, Unit};

/// Kernel objects.
pub struct Slabinfo;

struct Reading {
    buffer: String,
}

impl Format for Slabinfo {
    fn id(&self) -> &'static str {
        "slabinfo"
    }

    fn title(&self) -> &'static str {
        "/proc/slabinfo"
    }

    fn fit(&self, probe: &Probe<'_>) -> Fit {
        match probe.rows().next() {
            Some(line) if self.opens(line) => Fit::Sure,
            _ => Fit::No,
        }
    }

    fn opens(&self, line: &[u8]) -> bool {
        is_header(line) || (row(line).is_some() && scan::contains(line, b" : tunables "))
    }

    fn printed_by(&self, command: &[u8]) -> bool {
        scan::contains(command, b"/proc/slabinfo") && !prompt::counts(command)
    }

    fn parser(&self, _hint: &Hint<'_>) -> Box<dyn Parser> {
        Box::new(Reading { buffer: String::from("slab.") })
    }
}

impl Parser for Reading {
    fn line(&mut self, at: At<'_>, sink: &mut dyn Sink) -> Taken {
        let line = at.text.trim_ascii();
        if line.is_empty() || is_header(line) {
            return Taken::Noise;
        }
        let Some((name, active)) = row(line) else { return Taken::Unknown };
        self.buffer.truncate("slab.".len());
        self.buffer.push_str(name);
        sink.counter(at, &Counter { name: &self.buffer, value: active, unit: Unit::Entries, scope: Scope::Host });
        Taken::Row
    }
}

fn row(line: &[u8]) -> Option<(&str, i64)> {
    let mut fields = scan::Fields::new(line);
    let name = std::str::from_utf8(fields.next()?).ok()?;
    let active = fields.next().and_then(scan::number)?;
    for _ in 0..2 {
        scan::number(fields.next()?)?;
    }
    Some((name, i64::try_from(active).ok()?))
}

fn is_header(line: &[u8]) -> bool {
    line.starts_with(b"slabinfo - version") || (line.starts_with(b"# name") && scan::contains(line, b"<active_objs>"))
}

#[cfg(test)]
mod tests {
    use crate::formats::testing::{counters, told_as};

    #[test]
    fn active_objects() {
        let text = "slabinfo - version: 2.1\n# name            <active_objs> <num_objs> <objsize>\nTCP  6318 6400 2368 13 8 : tunables 0 0 0 : slabdata 486 486 0\n";
        let (told, reading) = told_as("x", text);
        assert_eq!(told.counters["slab.TCP"], 6318);
        assert_eq!(reading.unparsed(), 0);
        assert_eq!(counters("$ grep filp /proc/slabinfo\nfilp 5 6 7 1 1 : tunables 0 0 0 : slabdata 1 1 0\n")["slab.filp"], 5);
    }
}
