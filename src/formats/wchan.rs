//! `/proc/PID/wchan`: the kernel function a process sleeps in.
//!
//! ```text
//! futex_wait_queue_me
//! ```
//!
//! No line end in the file itself; `0` while it runs, or where the kernel does not tell. Of threads only the main one is shown. It is
//! read only where the path or the command names it.

use super::{Fit, Format, Hint, Parser, Probe, Taken, named};
use crate::facts::{At, Identity, IdentityKey, Sink};

/// What a process waits in.
pub struct Wchan;

struct Reading {
    pid: Option<u32>,
    done: bool,
}

impl Format for Wchan {
    fn id(&self) -> &'static str {
        "wchan"
    }

    fn title(&self) -> &'static str {
        "/proc/PID/wchan"
    }

    fn fit(&self, probe: &Probe<'_>) -> Fit {
        let named = probe.whole && named::has_word(probe.path, "wchan");
        let mut rows = probe.rows();
        let fits = rows.next().is_some_and(|line| symbol(line).is_some()) && rows.next().is_none();
        if named && fits { Fit::Likely } else { Fit::No }
    }

    fn opens(&self, _line: &[u8]) -> bool {
        false
    }

    fn printed_by(&self, command: &[u8]) -> bool {
        named::prints_process_file(command, b"wchan")
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
        let Some(word) = symbol(at.text) else { return Taken::Unknown };
        self.done = true;
        sink.identity(at, &Identity { key: IdentityKey::Wchan, value: word, pid: self.pid });
        Taken::Row
    }
}

/// The symbol at the start of the line; a prompt may be glued to it, as the file has no line end.
fn symbol(line: &[u8]) -> Option<&[u8]> {
    let line = line.trim_ascii();
    let end = line.iter().position(|&b| !(b.is_ascii_alphanumeric() || b == b'_' || b == b'.')).unwrap_or(line.len());
    let (symbol, rest) = line.split_at_checked(end)?;
    let shaped = symbol == b"0" || symbol.first().is_some_and(|b| b.is_ascii_alphabetic() || *b == b'_');
    (shaped && (rest.is_empty() || rest.starts_with(b"[") || rest.starts_with(b"$"))).then_some(symbol)
}

#[cfg(test)]
mod tests {
    use crate::formats::testing::{facts, told_as};

    #[test]
    fn only_where_it_is_named() {
        let want = "identity Wchan pid=26372 do_epoll_wait";
        assert_eq!(told_as("f/wchan.26372", "do_epoll_wait").0.lines, [want]);
        assert_eq!(told_as("f/process 26372 wchan.txt", "### pid 26372 wchan ###\ndo_epoll_wait\r\n").0.lines, [want]);
        assert_eq!(facts("# cat /proc/26372/wchan\ndo_epoll_wait[root@h ~]# \n"), [want]);
        assert!(facts("do_epoll_wait\n").is_empty());
        assert!(told_as("f/wchan.26372", "permission denied here\n").0.lines.is_empty());
    }
}
