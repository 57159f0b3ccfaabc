//! `/proc/PID/status`: what the kernel tells of one process.
//!
//! ```text
//! Name:  java
//! State:  S (sleeping)
//! Pid:  29956
//! PPid:  1
//! TracerPid:  0
//! Uid:  0  0  0  0
//! FDSize:  256
//! NSpid:  29956  17
//! Threads:  4
//! ```
//!
//! A key, a colon, a tab (shown as blanks here). `FDSize` is the number of slots of the descriptor table: it grows by powers of two and never shrinks, so it
//! tells of descriptors long closed. `NSpid` ends with the pid inside the innermost namespace (a container's own number). In `Name`
//! the kernel writes a line end as `\n` and a backslash as `\\` (`fs/proc/array.c`). The identity is handed on at `FDSize`, the rest
//! with the line that holds it, so that each can be quoted.

use super::{Fit, Format, Hint, Parser, Probe, Taken, named, prompt, scan};
use crate::facts::{At, Process, Sink};

/// The status of a process.
pub struct Status;

#[derive(Default)]
struct Reading {
    pid: Option<u32>,
    /// What has been read of a process and not handed on yet.
    open: bool,
    name: Vec<u8>,
    uid: Vec<u8>,
    state: Option<u8>,
    ppid: Option<u32>,
    tracer: Option<u32>,
}

impl Format for Status {
    fn id(&self) -> &'static str {
        "status"
    }

    fn title(&self) -> &'static str {
        "/proc/PID/status"
    }

    fn fit(&self, probe: &Probe<'_>) -> Fit {
        let mut rows = probe.rows().filter(|l| named::banner_pid(l).is_none());
        if !rows.next().is_some_and(|l| self.opens(l)) {
            return Fit::No;
        }
        if rows.take(4).any(|l| l.starts_with(b"State:") || l.starts_with(b"Umask:")) { Fit::Sure } else { Fit::Weak }
    }

    fn opens(&self, line: &[u8]) -> bool {
        line.starts_with(b"Name:\t")
    }

    fn printed_by(&self, command: &[u8]) -> bool {
        named::prints_process_file(command, b"status") && !prompt::counts(command)
    }

    fn parser(&self, hint: &Hint<'_>) -> Box<dyn Parser> {
        Box::new(Reading { pid: hint.pid, ..Reading::default() })
    }
}

impl Parser for Reading {
    fn line(&mut self, at: At<'_>, sink: &mut dyn Sink) -> Taken {
        let line = at.text.trim_ascii();
        if line.is_empty() {
            return Taken::Noise;
        }
        if let Some(pid) = named::banner_pid(line) {
            self.flush(at, None, sink);
            self.pid = Some(pid);
            return Taken::Noise;
        }
        let Some((key, value)) = pair(line) else { return Taken::Unknown };
        self.take(key, value, at, sink)
    }

    fn end(&mut self, at: At<'_>, sink: &mut dyn Sink) {
        self.flush(at, None, sink);
    }
}

impl Reading {
    fn take(&mut self, key: &[u8], value: &[u8], at: At<'_>, sink: &mut dyn Sink) -> Taken {
        let first = scan::Fields::new(value).next().unwrap_or(b"");
        match key {
            b"Name" => {
                self.flush(at, None, sink);
                *self = Reading { pid: self.pid, open: true, name: unescape(value), ..Reading::default() };
            }
            b"State" => self.state = first.first().copied(),
            b"Pid" => {
                self.pid = scan::number32(first).or(self.pid);
                self.open = true;
            }
            b"PPid" => self.ppid = scan::number32(first),
            b"TracerPid" => self.tracer = scan::number32(first).filter(|&pid| pid != 0),
            b"Uid" => self.uid = first.to_vec(),
            b"FDSize" => {
                self.open = true;
                self.flush(at, scan::number32(first), sink);
            }
            b"NSpid" | b"Threads" => return self.tell(key, value, at, sink),
            _ => return Taken::Noise,
        }
        Taken::Row
    }

    /// A fact of its own for the lines behind `FDSize`.
    fn tell(&mut self, key: &[u8], value: &[u8], at: At<'_>, sink: &mut dyn Sink) -> Taken {
        self.flush(at, None, sink);
        let Some(pid) = self.pid else { return Taken::Noise };
        let last = scan::Fields::new(value).last().and_then(scan::number32);
        let process = match key {
            b"Threads" => Process { pid, threads: last, ..Process::default() },
            _ if last == Some(pid) => return Taken::Noise,
            _ => Process { pid, inner_pid: last, ..Process::default() },
        };
        sink.process(at, &process);
        Taken::Row
    }

    fn flush(&mut self, at: At<'_>, fd_size: Option<u32>, sink: &mut dyn Sink) {
        if !std::mem::take(&mut self.open) {
            return;
        }
        let Some(pid) = self.pid else { return };
        sink.process(
            at,
            &Process {
                pid,
                ppid: self.ppid,
                user: &self.uid,
                command: &self.name,
                state: self.state,
                fd_size,
                tracer: self.tracer,
                ..Process::default()
            },
        );
    }
}

/// `Key:<tab>value`; a colon without a tab counts for the keys we read, since pastes lose tabs.
fn pair(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let (key, value) = line.split_at_checked(memchr::memchr(b':', line)?)?;
    let value = value.strip_prefix(b":")?;
    let ours =
        matches!(key, b"Name" | b"State" | b"Pid" | b"PPid" | b"Tgid" | b"TracerPid" | b"Uid" | b"Gid" | b"FDSize" | b"NSpid" | b"Threads");
    // `Groups:` of a process in no group ends at the colon once its blank is trimmed.
    let shaped = value.starts_with(b"\t") || (value.is_empty() && key == b"Groups") || (ours && value.starts_with(b" "));
    (shaped && key.iter().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-'))).then(|| (key, value.trim_ascii()))
}

fn unescape(name: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(name.len());
    let mut bytes = name.iter();
    while let Some(&b) = bytes.next() {
        match (b, bytes.as_slice().first()) {
            (b'\\', Some(b'n')) => {
                bytes.next();
                out.push(b'\n');
            }
            (b'\\', Some(b'\\')) => {
                bytes.next();
                out.push(b'\\');
            }
            _ => out.push(b),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::unescape;
    use crate::facts::{At, MemberId, Process, Sink};
    use crate::formats::{reader::read_text, testing::told_as};

    #[derive(Default)]
    struct Kept(Vec<Fact>);

    /// Line, slots, state, tracer, inner pid.
    type Fact = (u32, Option<u32>, Option<u8>, Option<u32>, Option<u32>);

    impl Sink for Kept {
        fn process(&mut self, at: At<'_>, p: &Process<'_>) {
            self.0.push((at.citation.line, p.fd_size, p.state, p.tracer, p.inner_pid));
        }
    }

    const TEXT: &str = "Name:\tjava\nUmask:\t0022\nState:\tS (sleeping)\nPid:\t7\nPPid:\t1\nTracerPid:\t9\nUid:\t1000\t1000\t1000\t1000\n\
                        FDSize:\t65536\nGroups:\t \nNSpid:\t7\t3\nVmPeak:\t  239928 kB\nThreads:\t4\n";

    #[test]
    fn one_process() {
        let (told, reading) = told_as("x", TEXT);
        assert_eq!(reading.format(), "status");
        assert_eq!(reading.unparsed(), 0);
        assert_eq!(told.lines[0], "process pid=7 ppid=1 user=1000 command=java cmdline=- threads=- tid=-");
        assert_eq!(told.lines[2], "process pid=7 ppid=- user=- command=- cmdline=- threads=4 tid=-");
    }

    #[test]
    fn each_number_is_quoted_from_its_own_line() {
        let mut kept = Kept::default();
        read_text(MemberId(0), "x", TEXT.as_bytes(), &mut kept);
        assert_eq!(kept.0, [(8, Some(65536), Some(b'S'), Some(9), None), (10, None, None, None, Some(3)), (12, None, None, None, None)]);
    }

    #[test]
    fn a_cut_status_still_names_its_process() {
        let (told, _) = told_as("proc/5/status", "Name:\tMy App (1) x\nState:\tZ (zombie)\n");
        assert_eq!(told.lines, ["process pid=5 ppid=- user=- command=My App (1) x cmdline=- threads=- tid=-"]);
    }

    #[test]
    fn grepped_lines_take_the_pid_of_the_prompt() {
        let (told, _) = told_as("x", "$ grep Threads /proc/12/status\nThreads:\t40\n");
        assert!(told.lines.contains(&"process pid=12 ppid=- user=- command=- cmdline=- threads=40 tid=-".to_string()), "{:?}", told.lines);
    }

    #[test]
    fn names_are_unescaped() {
        assert_eq!(unescape(b"a\\nb\\\\c\\x"), b"a\nb\\c\\x");
    }
}
