//! `/proc/loadavg`: how many tasks want to run.
//!
//! ```text
//! 0.52 0.58 0.59 1/389 12345
//! ```
//!
//! Means over 1, 5 and 15 minutes of tasks that run or wait uninterruptibly, tasks that are runnable now of all there are, and the
//! newest pid (`proc_loadavg(5)`). The means become hundredths of a task, as facts are whole numbers. The newest pid carries nothing.

use super::{Fit, Format, Hint, Parser, Probe, Taken, named, prompt, scan};
use crate::facts::{At, Counter, Scope, Sink, Unit};

/// How many tasks want to run.
pub struct Loadavg;

struct Reading;

impl Format for Loadavg {
    fn id(&self) -> &'static str {
        "loadavg"
    }

    fn title(&self) -> &'static str {
        "/proc/loadavg"
    }

    fn fit(&self, probe: &Probe<'_>) -> Fit {
        if probe.rows().next().is_some_and(|line| self.opens(line)) { Fit::Sure } else { Fit::No }
    }

    fn opens(&self, line: &[u8]) -> bool {
        values(line).is_some()
    }

    fn printed_by(&self, command: &[u8]) -> bool {
        scan::Fields::new(command).any(|f| f == b"/proc/loadavg") && !prompt::counts(command)
    }

    fn parser(&self, _hint: &Hint<'_>) -> Box<dyn Parser> {
        Box::new(Reading)
    }
}

impl Parser for Reading {
    fn line(&mut self, at: At<'_>, sink: &mut dyn Sink) -> Taken {
        if at.text.trim_ascii().is_empty() || named::banner_pid(at.text).is_some() {
            return Taken::Noise;
        }
        let Some(values) = values(at.text) else { return Taken::Unknown };
        const NAMES: [&str; 5] =
            ["loadavg.hundredths_1m", "loadavg.hundredths_5m", "loadavg.hundredths_15m", "loadavg.runnable", "loadavg.tasks"];
        for (name, value) in NAMES.into_iter().zip(values) {
            sink.counter(at, &Counter { name, value: i64::from(value), unit: Unit::None, scope: Scope::Host });
        }
        Taken::Row
    }
}

/// The three means in hundredths, runnable tasks, all tasks.
fn values(line: &[u8]) -> Option<[u32; 5]> {
    let mut fields = scan::Fields::new(line.trim_ascii());
    let (one, five, fifteen) = (hundredths(fields.next()?)?, hundredths(fields.next()?)?, hundredths(fields.next()?)?);
    let mut tasks = fields.next()?.split(|&b| b == b'/');
    let (runnable, all) = (scan::number32(tasks.next()?)?, scan::number32(tasks.next()?)?);
    scan::number32(fields.next()?)?;
    (tasks.next().is_none() && fields.next().is_none()).then_some([one, five, fifteen, runnable, all])
}

/// `12.34` with two digits behind the point, as the kernel prints it.
fn hundredths(field: &[u8]) -> Option<u32> {
    let (whole, rest) = field.split_at_checked(memchr::memchr(b'.', field)?)?;
    let part = rest.get(1..).filter(|p| p.len() == 2)?;
    scan::number32(whole)?.checked_mul(100)?.checked_add(scan::number32(part)?)
}

#[cfg(test)]
mod tests {
    use crate::formats::testing::{counters, told_as};

    #[test]
    fn its_shape_is_enough() {
        let (told, reading) = told_as("loadavg", "10.52 0.58 0.09 1/389 12345\n");
        assert_eq!((reading.format(), reading.unparsed()), ("loadavg", 0));
        assert_eq!(told.counters["loadavg.hundredths_1m"], 1052);
        assert_eq!(told.counters["loadavg.hundredths_15m"], 9);
        assert_eq!((told.counters["loadavg.runnable"], told.counters["loadavg.tasks"]), (1, 389));
    }

    #[test]
    fn what_is_none() {
        for text in ["0.5 0.58 0.59 1/389 1\n", "0.52 0.58 0.59 1/389\n", "0.52 0.58 0.59 1/2/3 1\n", "99999999999.00 0.58 0.59 1/2 1\n"] {
            assert!(counters(text).is_empty(), "{text}");
        }
    }
}
