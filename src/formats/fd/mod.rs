//! Listings of `/proc/PID/fd`: `ls -l` in all its forms, `find -ls`, and lists of descriptor and target.
//!
//! ```text
//! /proc/4684/fd:
//! total 0
//! lrwx------ 1 apps apps 64 Nov 22 14:19 11 -> socket:[133874]
//! l-wx------. 1 apps apps 64 2026-11-22 14:19:56.909371246 +0000 2 -> /var/log/app.log (deleted)
//! lrwx------ 1 apps apps 64 Nov 22 14:19 997                     the link could not be read
//! ls: cannot open directory '/proc/1/fd': Permission denied
//! ```
//!
//! One row is one descriptor of the process (or thread) that the heading, the command or the file's name tells. Dates vary with locale
//! and options and tell nothing: they are when the entry was first looked at, not when the descriptor was opened (`fs/proc/base.c`). So
//! the descriptor is read backwards from the arrow. Without privilege the names are listed but their links are not, or
//! the directory is not. Terminals get targets in quotes. Sockets are not looked up: none is "unlisted".
//! Dumps of `/proc/PID/fdinfo` are recognised and carry nothing that is used.

mod row;
#[cfg(test)]
mod tests;

use self::row::{Head, Owner, Row, is_mode, listed, owner_in, plain};
use super::run::Run;
use super::{Fit, Format, Hint, Parser, Probe, Taken, prompt, scan, target};
use crate::facts::{At, Descriptor, FdRef, Note, NoteKind, Sink};

/// Listings of `/proc/PID/fd`.
pub struct Fd;

struct Reading {
    owner: Owner,
    head: Head,
    /// `ls` without `-l`: the words of a line are descriptors.
    names_only: bool,
    /// The process for which a lack of privilege was noted last.
    noted: Option<Option<u32>>,
    /// Whether a link was missing because its descriptor had been closed meanwhile.
    gone: bool,
    in_info: bool,
    /// Whether the row before was a socket of the process at hand, told in the words of [`Head`].
    socket: bool,
}

impl Format for Fd {
    fn id(&self) -> &'static str {
        "fd"
    }

    fn title(&self) -> &'static str {
        "listing of /proc/PID/fd"
    }

    fn fit(&self, probe: &Probe<'_>) -> Fit {
        let mut fit = Fit::No;
        for line in probe.rows().take(4) {
            if self.opens(line) || is_info_heading(line) {
                return Fit::Sure;
            }
            if line.starts_with(b"pos:") {
                return Fit::Likely;
            }
            if plain(line).is_some() {
                fit = Fit::Weak;
            } else if !is_total(line) && !is_dot(line) && heading(line).is_none() {
                return fit;
            }
        }
        fit
    }

    fn opens(&self, line: &[u8]) -> bool {
        match line.first() {
            Some(b'l') => (is_mode(line) && listed(line).is_some()) || is_complaint(line),
            _ if is_complaint(line) || is_path_heading(line) => true,
            _ if target::is_nameless(line) => !line.contains(&b' '),
            _ => plain(line).is_some_and(|row| row.target.is_some_and(target::is_nameless)),
        }
    }

    fn printed_by(&self, command: &[u8]) -> bool {
        matches!(prompt::program(command), b"ls" | b"ll" | b"find" | b"readlink")
            && memchr::memmem::find(command, b"/fd")
                .is_some_and(|i| scan::contains(command, b"/proc/") && !scan::contains(command.get(i..).unwrap_or(b""), b"/fdinfo"))
            && !prompt::counts(command)
    }

    fn parser(&self, hint: &Hint<'_>) -> Box<dyn Parser> {
        let owner = owner_in(hint.command)
            .or_else(|| owner_in(hint.path.as_bytes()))
            .filter(|o| o.pid.is_some())
            .unwrap_or(Owner { pid: hint.pid, tid: None });
        Box::new(Reading {
            owner,
            head: Head::default(),
            names_only: is_short_ls(hint.command),
            noted: None,
            gone: false,
            in_info: false,
            socket: false,
        })
    }
}

impl Parser for Reading {
    #[inline]
    fn line(&mut self, at: At<'_>, sink: &mut dyn Sink) -> Taken {
        self.socket = false;
        let Some(row) = self.head.row(at.text) else { return self.other(at, sink) };
        self.socket = row.owner.is_none() && row.target.is_some_and(|target| target.starts_with(b"socket:["));
        self.emit(at, &row, sink);
        Taken::Row
    }

    #[inline]
    fn run(&mut self, text: &[u8], longest: usize, sink: &mut dyn Sink) -> Run {
        if !self.socket || self.owner.tid.is_some() {
            return Run::default();
        }
        let shapes = [(&b" -> socket:["[..], &b"]"[..]), (b" -> 'socket:[", b"]'")];
        let runs = shapes.map(|(middle, tail)| self.head.shape(middle, tail));
        runs.iter().flatten().map(|shape| shape.run(text, longest, sink)).find(|run| run.rows > 0).unwrap_or_default()
    }
}

impl Reading {
    #[inline]
    fn emit(&mut self, at: At<'_>, row: &Row<'_>, sink: &mut dyn Sink) {
        let owner = row.owner.unwrap_or(self.owner);
        let name = row.target.unwrap_or(b"");
        let (kind, inode) = target::read(name);
        if row.target.is_none() && !self.gone {
            self.unprivileged(at, owner.pid, sink);
        }
        let fd = FdRef::Number(row.fd);
        sink.descriptor(at, &Descriptor { pid: owner.pid, tid: owner.tid, user: row.user, fd, kind, inode, name, ..Descriptor::default() });
    }

    /// A line that is no row of `ls -l`.
    fn other(&mut self, at: At<'_>, sink: &mut dyn Sink) -> Taken {
        let line = at.text;
        if let Some(row) = plain(line) {
            self.emit(at, &row, sink);
            return Taken::Row;
        }
        if target::is_nameless(line) {
            let (kind, inode) = target::read(line);
            let d = Descriptor { pid: self.owner.pid, tid: self.owner.tid, kind, inode, name: line, ..Descriptor::default() };
            sink.descriptor(at, &d);
            return Taken::Row;
        }
        if is_complaint(line) {
            self.complaint(at, sink);
            return Taken::Noise;
        }
        if let Some(owner) = heading(line) {
            self.owner = owner;
            self.gone = false;
            return Taken::Noise;
        }
        if is_info_heading(line) {
            self.in_info = true;
            return Taken::Noise;
        }
        if self.names_only && self.names(at, sink) {
            return Taken::Row;
        }
        // `pos: 0` has the shape of a total, so the longer memory is asked first.
        let quiet = self.is_info(line) || line.trim_ascii().is_empty() || is_total(line) || is_dot(line);
        if quiet { Taken::Noise } else { Taken::Unknown }
    }

    /// `ls: cannot ...`: no privilege, or gone.
    fn complaint(&mut self, at: At<'_>, sink: &mut dyn Sink) {
        let pid = owner_in(at.text).unwrap_or(self.owner).pid;
        if scan::contains(at.text, b"ermission denied") {
            self.unprivileged(at, pid, sink);
        } else if scan::contains(at.text, b"/fd/") {
            // One link of many: its descriptor was closed while the listing was made.
            self.gone = true;
        } else {
            sink.note(at, &Note { kind: NoteKind::Failed, pid, text: at.text });
        }
    }

    fn unprivileged(&mut self, at: At<'_>, pid: Option<u32>, sink: &mut dyn Sink) {
        if self.noted != Some(pid) {
            self.noted = Some(pid);
            sink.note(at, &Note { kind: NoteKind::NoPrivilege, pid, text: at.text });
        }
    }

    /// The descriptors of a plain `ls`, one or several a line.
    fn names(&self, at: At<'_>, sink: &mut dyn Sink) -> bool {
        let mut fields = scan::Fields::new(at.text);
        if fields.clone().next().is_none() || !fields.clone().all(|w| scan::number32(w).is_some()) {
            return false;
        }
        while let Some(fd) = fields.next().and_then(scan::number32) {
            let d = Descriptor { pid: self.owner.pid, tid: self.owner.tid, fd: FdRef::Number(fd), ..Descriptor::default() };
            sink.descriptor(at, &d);
        }
        true
    }

    /// A line of `/proc/PID/fdinfo/N`, which begins with `pos:`.
    fn is_info(&mut self, line: &[u8]) -> bool {
        const KEYS: &[&[u8]] = &[
            b"flags:",
            b"mnt_id:",
            b"ino:",
            b"scm_fds:",
            b"tfd:",
            b"eventfd-",
            b"clockid:",
            b"ticks:",
            b"settime flags:",
            b"it_value:",
            b"it_interval:",
            b"sigmask:",
            b"inotify ",
            b"fanotify ",
            b"lock:",
            b"Pid:",
            b"NSpid:",
            b"Sq",
            b"Cq",
            b"User",
            b"Poll",
        ];
        self.in_info = self.in_info || line.starts_with(b"pos:");
        self.in_info && (line.starts_with(b"pos:") || KEYS.iter().any(|key| line.trim_ascii_start().starts_with(key)))
    }
}

/// `/proc/4684/fd:`, `==> proc/4684/fd <==`, `### pid 4684 fd ###`, `== /proc/4684 java`.
fn heading(line: &[u8]) -> Option<Owner> {
    if is_path_heading(line) {
        return owner_in(line);
    }
    let text = line.trim_ascii();
    if !matches!(text.first(), Some(b'#' | b'=' | b'-' | b'*')) && !text.ends_with(b":") {
        return None;
    }
    if let Some(pid) = scan::Fields::new(text).nth(1).and_then(process_directory) {
        return Some(Owner { pid: Some(pid), tid: None });
    }
    let mut owner = Owner::default();
    let mut named = false;
    for word in text.split(|b| !b.is_ascii_alphanumeric()).filter(|w| !w.is_empty()) {
        match word {
            b"pid" | b"PID" | b"Pid" | b"fd" | b"fds" | b"process" => named = true,
            _ => owner.pid = Some(scan::number32(word)?),
        }
    }
    (named && owner.pid.is_some()).then_some(owner)
}

/// The process of `/proc/4684`, as a loop over processes prints before what it asks of each, with its name or without.
fn process_directory(word: &[u8]) -> Option<u32> {
    scan::number32(word.strip_prefix(b"/proc/")?.trim_ascii_end())
}

/// A path that ends in `/fd`, with nothing else on the line but marks.
fn is_path_heading(line: &[u8]) -> bool {
    let is_mark = |b: &u8| matches!(b, b'#' | b'=' | b'-' | b'*' | b'>' | b'<' | b' ' | b':' | b'[' | b']');
    let Some(start) = line.iter().position(|b| !is_mark(b)) else { return false };
    let Some(end) = line.iter().rposition(|b| !is_mark(b)) else { return false };
    let Some(path) = line.get(start..=end) else { return false };
    let path = path.strip_suffix(b"/").unwrap_or(path);
    let directory = path.ends_with(b"/fd") && !path.iter().any(|b| scan::is_blank(*b)) && owner_in(path).is_some();
    directory && (line.ends_with(b":") || start > 0)
}

/// `fdinfo/4:` above a dump of `/proc/PID/fdinfo/4`.
fn is_info_heading(line: &[u8]) -> bool {
    let text = line.trim_ascii();
    !text.contains(&b' ')
        && text.strip_suffix(b":").is_some_and(|path| {
            let mut parts = path.rsplit(|&b| b == b'/');
            parts.next().is_some_and(|n| scan::number(n).is_some() || n == b"fdinfo") && scan::contains(path, b"fdinfo")
        })
}

/// `ls: cannot read symbolic link '/proc/2710/fd/0': Permission denied`.
fn is_complaint(line: &[u8]) -> bool {
    let Some(colon) = line.iter().take(40).position(|&b| b == b':') else { return false };
    let program = line.get(..colon).unwrap_or(b"");
    let program = program.get(memchr::memrchr(b'/', program).map_or(0, |i| i + 1)..).unwrap_or(b"");
    matches!(program, b"ls" | b"find" | b"readlink") && scan::contains(line, b"/fd") && owner_in(line).is_some()
}

/// `total 0`, `insgesamt 0`: files of `/proc` occupy no blocks in any language.
fn is_total(line: &[u8]) -> bool {
    let mut fields = scan::Fields::new(line);
    let word = fields.next().unwrap_or(b"");
    fields.next() == Some(b"0") && fields.next().is_none() && !word.first().is_none_or(|b| b.is_ascii_digit() || b.is_ascii_uppercase())
}

/// `dr-x------ 2 root root 91 Nov 22 14:19 .`
fn is_dot(line: &[u8]) -> bool {
    line.starts_with(b"d") && (line.ends_with(b" .") || line.ends_with(b" .."))
}

/// `ls` without `-l` of a directory of descriptors.
fn is_short_ls(command: &[u8]) -> bool {
    prompt::program(command) == b"ls"
        && !scan::Fields::new(command).any(|w| w.first() == Some(&b'-') && w.iter().any(|b| matches!(b, b'l' | b'n' | b'g' | b'o')))
}
