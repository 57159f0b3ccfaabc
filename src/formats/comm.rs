//! `/proc/PID/comm`: the kernel's name of a process, at most 15 bytes.
//!
//! ```text
//! kafka-prod(1)
//! ```
//!
//! Anything may stand in it, blanks and brackets too (`prctl(2)`, `PR_SET_NAME`), so it is read only where the path or the command
//! names it and a process.

use super::{Fit, Format, Hint, Parser, Probe, Taken, named};
use crate::facts::{At, Process, Sink};
use crate::formats::reader::pid_of;

/// The kernel's name of a process.
pub struct Comm;

struct Reading {
    pid: Option<u32>,
    done: bool,
}

impl Format for Comm {
    fn id(&self) -> &'static str {
        "comm"
    }

    fn title(&self) -> &'static str {
        "/proc/PID/comm"
    }

    fn fit(&self, probe: &Probe<'_>) -> Fit {
        let named = probe.whole && named::has_word(probe.path, "comm") && pid_of(probe.path, probe.command).is_some();
        let mut rows = probe.rows();
        let fits = rows.next().is_some_and(|line| name(line).is_some()) && rows.next().is_none();
        if named && fits { Fit::Likely } else { Fit::No }
    }

    fn opens(&self, _line: &[u8]) -> bool {
        false
    }

    fn printed_by(&self, command: &[u8]) -> bool {
        named::prints_process_file(command, b"comm")
    }

    fn parser(&self, hint: &Hint<'_>) -> Box<dyn Parser> {
        Box::new(Reading { pid: hint.pid, done: false })
    }
}

impl Parser for Reading {
    fn line(&mut self, at: At<'_>, sink: &mut dyn Sink) -> Taken {
        if at.text.trim_ascii().is_empty() || (!self.done && super::prompt::banner(at.text).is_some()) {
            return Taken::Noise;
        }
        if let Some(pid) = named::banner_pid(at.text) {
            *self = Reading { pid: Some(pid), done: false };
            return Taken::Noise;
        }
        if self.done || named::is_prompt(at.text) {
            return Taken::Unknown;
        }
        let Some(word) = name(at.text) else { return Taken::Unknown };
        self.done = true;
        let Some(pid) = self.pid else { return Taken::Noise };
        sink.process(at, &Process { pid, command: word, ..Process::default() });
        Taken::Row
    }
}

/// The line, if the kernel could have printed it.
fn name(line: &[u8]) -> Option<&[u8]> {
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    (!line.is_empty() && line.len() <= 16).then_some(line)
}

#[cfg(test)]
mod tests {
    use crate::formats::testing::{facts, told_as};

    #[test]
    fn only_where_it_is_named() {
        let want = "process pid=7 ppid=- user=- command=GC Thread#0 cmdline=- threads=- tid=-";
        assert_eq!(told_as("proc/7/comm", "GC Thread#0\n").0.lines, [want]);
        assert_eq!(facts("$ cat /proc/7/comm\nGC Thread#0\nprose\n"), [want]);
        assert!(facts("GC Thread#0\n").is_empty());
        assert!(told_as("proc/7/comm", "longer than any name is\n").0.lines.is_empty());
    }
}
