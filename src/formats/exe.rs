//! `ls -l /proc/PID/exe`, `readlink /proc/PID/exe`: the executable that a process runs.
//!
//! ```text
//! lrwxrwxrwx 1 0 0 0 Nov 22 14:19 /proc/4684/exe -> /usr/lib/jvm/java-8/bin/java
//! lrwxrwxrwx 1 0 0 0 Nov 22 14:19 /proc/812/exe -> /srv/relay (deleted)
//! ```
//!
//! `(deleted)` means that the file was replaced or removed since the start (`proc_pid_exe(5)`): a new release that is not yet running.
//! A kernel thread has none, and the link of another user's process cannot be read.

use super::{Fit, Format, Hint, Parser, Probe, Taken, named, prompt, scan};
use crate::facts::{At, Identity, IdentityKey, Sink};

/// The executable of a process.
pub struct Exe;

struct Reading {
    pid: Option<u32>,
    /// Whether a path alone on a line is what was asked for.
    bare: bool,
}

impl Format for Exe {
    fn id(&self) -> &'static str {
        "exe"
    }

    fn title(&self) -> &'static str {
        "ls -l /proc/PID/exe"
    }

    fn fit(&self, probe: &Probe<'_>) -> Fit {
        if probe.rows().next().is_some_and(|line| self.opens(line)) { Fit::Sure } else { Fit::No }
    }

    fn opens(&self, line: &[u8]) -> bool {
        line.starts_with(b"l") && link(line).is_some()
    }

    fn printed_by(&self, command: &[u8]) -> bool {
        named::prints_process_file(command, b"exe")
    }

    fn parser(&self, hint: &Hint<'_>) -> Box<dyn Parser> {
        Box::new(Reading { pid: hint.pid, bare: prompt::program(hint.command) == b"readlink" })
    }
}

impl Parser for Reading {
    fn line(&mut self, at: At<'_>, sink: &mut dyn Sink) -> Taken {
        let line = at.text.trim_ascii();
        if line.is_empty() {
            return Taken::Noise;
        }
        let (pid, target) = match link(line) {
            Some(found) => found,
            None if self.bare && line.starts_with(b"/") => (None, line),
            None => return Taken::Unknown,
        };
        let Some(pid) = pid.or(self.pid) else { return Taken::Unknown };
        sink.identity(at, &Identity { key: IdentityKey::Exe, value: target, pid: Some(pid) });
        Taken::Row
    }
}

/// The process and the target of a row; nothing may stand behind `exe` but the arrow.
fn link(line: &[u8]) -> Option<(Option<u32>, &[u8])> {
    let at = memchr::memmem::find(line, b"/exe -> ")?;
    let target = line.get(at + 8..)?.trim_ascii();
    let path = scan::Fields::new(line.get(..at)?).last()?;
    (!target.is_empty() && path.starts_with(b"/proc/")).then_some((named::pid_in(path), target))
}

#[cfg(test)]
mod tests {
    use crate::formats::testing::{facts, told_as};

    #[test]
    fn a_listing_and_a_bare_path() {
        let line = "lrwxrwxrwx 1 0 0 0 Nov 22 14:19 /proc/812/exe -> /srv/my relay (deleted)\n";
        let want = "identity Exe pid=812 /srv/my relay (deleted)";
        let (told, reading) = told_as("proc/812/exe", line);
        assert_eq!((told.lines, reading.format(), reading.unparsed()), (vec![want.to_string()], "exe", 0));
        assert_eq!(facts(line), [want], "wherever it stands");
        assert_eq!(facts("$ readlink /proc/7/exe\n/usr/bin/x\n"), ["identity Exe pid=7 /usr/bin/x"]);
    }

    #[test]
    fn what_is_no_such_link() {
        for line in
            ["lrwxrwxrwx 1 0 0 0 Nov 22 14:19 /srv/exe -> /x\n", "lr-x------ 1 0 0 64 Nov 22 14:19 4 -> /proc/7/exe\n", "/usr/bin/x\n"]
        {
            assert!(!facts(line).iter().any(|f| f.contains(" Exe ")), "{line}");
        }
    }
}
