//! `/proc/PID/cmdline`: the arguments a process was started with.
//!
//! ```text
//! /usr/bin/java^@-Xmx2g^@org.example.Main^@        as `cat -v` shows the NULs
//! /usr/bin/java -Xmx2g org.example.Main            after `tr '\0' ' '`, or rewritten by the process itself
//! ```
//!
//! NUL separated in the file itself. Empty for kernel threads and zombies. It says nothing of itself: it is read only where the path
//! or the command names it and a process. An argument may contain line ends; the lines that follow belong to it.

use super::{Fit, Format, Hint, Parser, Probe, Taken, named};
use crate::facts::{At, Process, Sink};
use crate::formats::pid::pid_of;

/// The command line of a process.
pub struct Cmdline;

struct Reading {
    pid: Option<u32>,
    /// Whether the whole member is this file, so that more lines are more of the last argument.
    own_file: bool,
    done: bool,
}

impl Format for Cmdline {
    fn id(&self) -> &'static str {
        "cmdline"
    }

    fn title(&self) -> &'static str {
        "/proc/PID/cmdline"
    }

    fn fit(&self, probe: &Probe<'_>) -> Fit {
        let one = || probe.rows().take(2).count() == 1;
        let named = probe.whole && named::has_word(probe.path, "cmdline") && (pid_of(probe.path, probe.command).is_some() || one());
        if named { Fit::Likely } else { Fit::No }
    }

    fn opens(&self, _line: &[u8]) -> bool {
        false
    }

    fn printed_by(&self, command: &[u8]) -> bool {
        named::prints_process_file(command, b"cmdline")
    }

    fn parser(&self, hint: &Hint<'_>) -> Box<dyn Parser> {
        let own_file = !named::prints_process_file(hint.command, b"cmdline");
        Box::new(Reading { pid: hint.pid, own_file, done: false })
    }
}

impl Parser for Reading {
    fn line(&mut self, at: At<'_>, sink: &mut dyn Sink) -> Taken {
        let text = at.text.trim_ascii();
        if text.is_empty() {
            return Taken::Noise;
        }
        if let Some(pid) = named::banner_pid(text) {
            *self = Reading { pid: Some(pid), done: false, ..*self };
            return Taken::Noise;
        }
        if self.done {
            return if self.own_file { Taken::Noise } else { Taken::Unknown };
        }
        if named::is_prompt(text) && text.first().is_some_and(|b| !b.is_ascii_alphanumeric() && *b != b'/') {
            // A banner above the text; a prompt behind it means that the command line was empty.
            return if self.own_file { Taken::Noise } else { Taken::Unknown };
        }
        self.done = true;
        let Some(pid) = self.pid else { return Taken::Noise };
        let plain = without_caret(text);
        sink.process(at, &Process { pid, cmdline: plain.as_deref().unwrap_or(text), ..Process::default() });
        Taken::Row
    }
}

/// The NULs that `cat -v` wrote as `^@`, if there are any.
fn without_caret(text: &[u8]) -> Option<Vec<u8>> {
    memchr::memmem::find(text, b"^@")?;
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = memchr::memmem::find(rest, b"^@").and_then(|i| rest.split_at_checked(i)) {
        out.extend_from_slice(before);
        out.push(0);
        rest = after.get(2..).unwrap_or(b"");
    }
    out.extend_from_slice(rest);
    Some(out)
}

#[cfg(test)]
mod tests {
    use crate::formats::testing::{facts, told_as};

    #[test]
    fn separators_of_all_kinds() {
        for (text, want) in
            [("java\0-jar\0x.jar\0", "java\0-jar\0x.jar\0"), ("java^@-jar^@", "java\0-jar\0"), ("java -jar x.jar ", "java -jar x.jar")]
        {
            let (told, reading) = told_as("a/cmdline.26372", text);
            assert_eq!(told.lines, [format!("process pid=26372 ppid=- user=- command=- cmdline={want} threads=- tid=-")]);
            assert_eq!(reading.format(), "cmdline");
        }
    }

    #[test]
    fn a_banner_or_a_second_line_is_no_command() {
        let (told, reading) = told_as("a/pid-7-cmdline.txt", "### pid 7 cmdline ###\nsh -c echo\nmore\n");
        assert_eq!(told.lines, ["process pid=7 ppid=- user=- command=- cmdline=sh -c echo threads=- tid=-"]);
        assert_eq!(reading.unparsed(), 0);
    }

    #[test]
    fn after_a_prompt_only_the_line_below() {
        assert_eq!(facts("$ cat /proc/7/cmdline\nnginx: master process\nprose\n").len(), 1);
        assert!(facts("$ cat /proc/7/cmdline\n$ ls\n").is_empty());
    }

    #[test]
    fn without_a_process_nothing_is_said() {
        assert!(told_as("proc/cmdline", "BOOT_IMAGE=/vmlinuz root=/dev/sda1\n").0.lines.is_empty());
        assert!(told_as("notes.txt", "java -jar x.jar\n").0.lines.is_empty());
    }
}
