//! `/proc/PID/stat`: one line of numbers per process.
//!
//! ```text
//! 29957 (My App (1) x) S 1 29957 29957 0 -1 4194304 3266 6634 0 0 3 1 5 1 20 0 1 0 155250 19136512 3740 ...
//! ```
//!
//! The name may contain blanks and brackets: everything counts from the last `)` (`proc_pid_stat(5)`). Behind it: state, ppid, and as
//! the 20th field the number of threads. Several processes may stand one below the other (`cat /proc/*/stat`).

use super::{Fit, Format, Hint, Parser, Probe, Taken, named, scan};
use crate::facts::{At, Process, Sink};

/// The stat line of processes.
pub struct Stat;

struct Reading;

impl Format for Stat {
    fn id(&self) -> &'static str {
        "stat"
    }

    fn title(&self) -> &'static str {
        "/proc/PID/stat"
    }

    fn fit(&self, probe: &Probe<'_>) -> Fit {
        match probe.rows().next() {
            Some(line) if self.opens(line) => Fit::Sure,
            _ => Fit::No,
        }
    }

    fn opens(&self, line: &[u8]) -> bool {
        process(line.trim_ascii()).is_some()
    }

    fn printed_by(&self, command: &[u8]) -> bool {
        named::prints_process_file(command, b"stat")
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
        let Some(process) = process(line) else { return Taken::Unknown };
        sink.process(at, &process);
        Taken::Row
    }
}

fn process(line: &[u8]) -> Option<Process<'_>> {
    let (pid, rest) = scan::leading_number(line)?;
    let name = rest.strip_prefix(b" (")?;
    let (command, rest) = name.split_at_checked(memchr::memrchr(b')', name)?)?;
    let mut fields = scan::Fields::new(rest.strip_prefix(b") ")?);
    let state = fields.next().filter(|s| s.len() == 1)?.first().copied().filter(u8::is_ascii_alphabetic)?;
    let ppid = scan::number32(fields.next()?)?;
    // Fields 5 to 19, all numbers; `tpgid` can be -1.
    for _ in 0..15 {
        scan::signed(fields.next()?)?;
    }
    let threads = scan::number32(fields.next()?)?;
    Some(Process {
        pid: u32::try_from(pid).ok()?,
        ppid: Some(ppid),
        command,
        state: Some(state),
        threads: Some(threads),
        ..Process::default()
    })
}

#[cfg(test)]
mod tests {
    use crate::formats::testing::facts;

    #[test]
    fn the_name_ends_at_the_last_bracket() {
        let line = "29957 (My App (1) x) S 1 29957 29957 0 -1 4194304 3266 6634 0 0 3 1 5 1 20 0 3 0 155250 19136512\n";
        assert_eq!(facts(line), ["process pid=29957 ppid=1 user=- command=My App (1) x cmdline=- threads=3 tid=-"]);
    }

    #[test]
    fn a_short_line_is_no_stat() {
        assert!(facts("29957 (java) S 1 29957\n12 (twelve) items\n").is_empty());
    }
}
