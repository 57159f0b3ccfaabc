//! `fd-counts` of our collector: how many descriptors each process has open.
//!
//! ```text
//! PID COUNT SOCKETS COMM
//! 4684 157701 157624 java
//! 812 41 ? My App (1) x
//! ```
//!
//! One row per process, blank separated, the name last. Anything but a number (`-`, `?`) means that the directory could not be read,
//! which is not 0. A file of one number whose name says that it counts descriptors (`fd-count.4684`) is read too; where the name tells no
//! process, the count is handed on without one.

use super::pid::pid_of;
use super::{Fit, Format, Hint, Parser, Probe, Taken, named, prompt, scan};
use crate::facts::{At, Process, Sink, Tally};

/// Descriptor counts per process.
pub struct FdCounts;

struct Reading;

/// A lone number, with the process that the name tells.
struct Lone(Option<u32>);

/// What is counted where nobody says whose they are.
pub const NAMELESS: &str = "descriptors";

impl Format for FdCounts {
    fn id(&self) -> &'static str {
        "fd-counts"
    }

    fn title(&self) -> &'static str {
        "the collector's descriptor counts"
    }

    fn fit(&self, probe: &Probe<'_>) -> Fit {
        match probe.rows().find(|l| !l.starts_with(b"#") || is_header(l)) {
            Some(line) if is_header(line) => Fit::Sure,
            // Without its header the name has to say what the three numbers are.
            Some(line) if probe.name().starts_with("fd-counts") && is_row(line) => Fit::Sure,
            Some(line) if is_lone(probe.path) && scan::number32(line.trim_ascii()).is_some() && probe.rows().count() == 1 => Fit::Sure,
            _ => Fit::No,
        }
    }

    fn opens(&self, line: &[u8]) -> bool {
        is_header(line)
    }

    fn parser(&self, hint: &Hint<'_>) -> Box<dyn Parser> {
        if is_lone(hint.path) { Box::new(Lone(pid_of(hint.path, b""))) } else { Box::new(Reading) }
    }
}

impl Parser for Lone {
    fn line(&mut self, at: At<'_>, sink: &mut dyn Sink) -> Taken {
        let line = at.text.trim_ascii();
        match (scan::number32(line), self.0) {
            _ if line.is_empty() => return Taken::Noise,
            (None, _) => return Taken::Unknown,
            (Some(count), Some(pid)) => sink.process(at, &Process { pid, fd_count: Some(count), ..Process::default() }),
            (Some(count), None) => sink.tally(at, &Tally { command: b"", label: NAMELESS.as_bytes(), value: count.into(), slept: 0 }),
        }
        Taken::Row
    }
}

/// Whether a name says that a file holds one count of descriptors: `fd-count.4684`, `fdcount.0900.txt`, `4684/fd_count`.
fn is_lone(path: &str) -> bool {
    let counts = ["fdcount", "nfds", "numfds"].iter().any(|word| named::has_letters(path, word));
    counts && !named::has_letters(path, "fdcounts")
}

impl Parser for Reading {
    fn line(&mut self, at: At<'_>, sink: &mut dyn Sink) -> Taken {
        let line = at.text.trim_ascii();
        if line.is_empty() || (line.starts_with(b"#") && prompt::command(line).is_none()) || is_header(line) {
            return Taken::Noise;
        }
        let mut fields = scan::Fields::new(line);
        let (Some(pid), Some(count), Some(_sockets)) = (fields.next().and_then(scan::number32), fields.next(), fields.next()) else {
            return Taken::Unknown;
        };
        let Some(count) = counted(count) else { return Taken::Unknown };
        sink.process(at, &Process { pid, fd_count: count, command: fields.rest(), ..Process::default() });
        Taken::Row
    }
}

/// A count, or that there is none; `None` if the field is neither.
fn counted(field: &[u8]) -> Option<Option<u32>> {
    match field {
        b"-" | b"?" => Some(None),
        _ => scan::number32(field).map(Some),
    }
}

fn is_row(line: &[u8]) -> bool {
    let mut fields = scan::Fields::new(line);
    fields.next().and_then(scan::number32).is_some()
        && fields.next().and_then(counted).is_some()
        && fields.next().and_then(counted).is_some()
}

fn is_header(line: &[u8]) -> bool {
    let line = line.trim_ascii();
    scan::Fields::new(line.strip_prefix(b"#").unwrap_or(line)).eq([&b"PID"[..], b"COUNT", b"SOCKETS", b"COMM"])
}

#[cfg(test)]
mod tests {
    use crate::facts::{At, MemberId, Process, Sink};
    use crate::formats::reader::read_text;

    #[derive(Default)]
    struct Kept(Vec<(u32, Option<u32>, Vec<u8>)>);

    impl Sink for Kept {
        fn process(&mut self, _at: At<'_>, p: &Process<'_>) {
            self.0.push((p.pid, p.fd_count, p.command.to_vec()));
        }
    }

    #[test]
    fn a_lone_number_is_the_count_of_the_process_that_its_name_tells() {
        let mut kept = Kept::default();
        read_text(MemberId(0), "x/fd-count.4410", b"38\n", &mut kept);
        assert_eq!(kept.0, [(4410, Some(38), Vec::new())]);
        let told = |path: &str, text: &str| crate::formats::testing::told_as(path, text).0.lines;
        assert_eq!(told("fdcount.0900.txt", "119\n"), ["tally (-) descriptors=119"]);
        assert!(told("fdcount.txt", "119 of 4096\n").is_empty() && told("count.4410", "38\n").is_empty());
    }

    #[test]
    fn unreadable_is_not_zero() {
        let mut kept = Kept::default();
        let reading = read_text(MemberId(0), "x", b"PID COUNT SOCKETS COMM\n4684 157701 157624 java\n9 - - My App (1) x\n", &mut kept);
        assert_eq!(kept.0, [(4684, Some(157701), b"java".to_vec()), (9, None, b"My App (1) x".to_vec())]);
        assert_eq!((reading.format(), reading.unparsed()), ("fd-counts", 0));
    }
}
