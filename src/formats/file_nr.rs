//! `/proc/sys/fs/file-nr`: open files of the whole host.
//!
//! ```text
//! 6184  0  2466177
//! ```
//!
//! Allocated file handles, free ones (always 0 since 2.6), and the limit (`fs.file-max`), which may be 9223372036854775807. Three
//! numbers say nothing of themselves: they are read only where the path or the command names the file.

use super::{Fit, Format, Hint, Parser, Probe, Taken, named, prompt, scan};
use crate::facts::{At, Counter, Scope, Sink, Unit};

/// The host's open files.
pub struct FileNr;

struct Reading;

impl Format for FileNr {
    fn id(&self) -> &'static str {
        "file-nr"
    }

    fn title(&self) -> &'static str {
        "/proc/sys/fs/file-nr"
    }

    fn fit(&self, probe: &Probe<'_>) -> Fit {
        let fits = probe.rows().next().is_some_and(|line| numbers(line).is_some());
        if fits && named::has_letters(probe.path, "filenr") { Fit::Sure } else { Fit::No }
    }

    fn opens(&self, _line: &[u8]) -> bool {
        false
    }

    fn printed_by(&self, command: &[u8]) -> bool {
        named::paths_below(command, b"/proc/sys/").eq([&b"/proc/sys/fs/file-nr"[..]]) && !prompt::counts(command)
    }

    fn parser(&self, _hint: &Hint<'_>) -> Box<dyn Parser> {
        Box::new(Reading)
    }
}

impl Parser for Reading {
    fn line(&mut self, at: At<'_>, sink: &mut dyn Sink) -> Taken {
        if at.text.trim_ascii().is_empty() {
            return Taken::Noise;
        }
        let Some(numbers) = numbers(at.text) else { return Taken::Unknown };
        tell(numbers, at, sink);
        Taken::Row
    }
}

/// Hands on the three counters.
pub(super) fn tell(numbers: [u64; 3], at: At<'_>, sink: &mut dyn Sink) {
    for (name, value) in ["file_nr.allocated", "file_nr.free", "file_nr.max"].into_iter().zip(numbers) {
        sink.counter(at, &Counter { name, value: i64::try_from(value).unwrap_or(i64::MAX), unit: Unit::Files, scope: Scope::Host });
    }
}

/// Three numbers and nothing else.
pub(super) fn numbers(line: &[u8]) -> Option<[u64; 3]> {
    let mut fields = scan::Fields::new(line.trim_ascii());
    let mut next = || fields.next().and_then(scan::number);
    let read = [next()?, next()?, next()?];
    fields.next().is_none().then_some(read)
}

#[cfg(test)]
mod tests {
    use crate::formats::testing::{counters, told_as};

    #[test]
    fn only_where_it_is_named() {
        let text = "6184\t0\t9223372036854775807\r\n";
        for path in ["proc/sys/fs/file-nr", "a/12_file_nr.log", "a/filenr.out"] {
            let (told, reading) = told_as(path, text);
            assert_eq!(told.counters["file_nr.allocated"], 6184, "{path}");
            assert_eq!(told.counters["file_nr.max"], i64::MAX);
            assert_eq!(reading.format(), "file-nr");
        }
        assert_eq!(counters("$ cat /proc/sys/fs/file-nr\n6184 0 77\n")["file_nr.max"], 77);
        assert!(counters(text).is_empty());
    }
}
