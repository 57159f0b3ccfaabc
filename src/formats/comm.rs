//! `/proc/PID/comm`: the kernel's name of a process, at most 15 bytes.
//!
//! ```text
//! kafka-prod(1)
//! ```
//!
//! Anything may stand in it, blanks and brackets too (`prctl(2)`, `PR_SET_NAME`), so it is read only where the path or the command
//! names it and a process.

use super::word::Word;
use crate::facts::Process;

/// The kernel's name of a process.
pub static COMM: &Word = &Word {
    leaf: "comm",
    title: "/proc/PID/comm",
    shaped: false,
    word: name,
    tell: |at, sink, pid, command| {
        if let Some(pid) = pid {
            sink.process(at, &Process { pid, command, ..Process::default() });
        }
    },
};

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
