//! `lsof -F` and `lsof -F0`: one field a line, or one set a line with NULs between the fields.
//!
//! ```text
//! p29956          a process set: pid; then K (thread), c (command), u (uid), L (user), g, R, M
//! cjava
//! f24             a file set: descriptor; then a (access), l (lock), t (type), D or d (device), i (node), P, n (name), T
//! tIPv4
//! d133909         IPv4, IPv6 and pack: the inode, in `d` instead of `i`
//! PTCP
//! n127.0.0.1:40112->127.0.0.1:9092
//! TST=CLOSE_WAIT
//! ```
//!
//! With threads listed, each thread repeats the whole process set with a `K` line. `f*280` is what the table prints as `*280`;
//! 4.99.7 prints the whole number. A file set is handed on when the next set begins, and cites the line of its name, which
//! tells most, or that of its `f` field.

use super::cell::{Cells, describe, fd_of, is_denied, state_of, type_of};
use crate::facts::{At, Citation, Descriptor, FdRef, Note, NoteKind, Sink, SocketState};
use crate::formats::{Taken, prompt, scan};

/// The sets being read. Strings are kept in buffers that are used again, because a fact is complete only at the next set.
#[derive(Default)]
pub(super) struct FieldSets {
    pid: Option<u32>,
    tid: Option<u32>,
    command: Vec<u8>,
    user: Vec<u8>,
    file: FileSet,
    denied: Option<u32>,
}

#[derive(Default)]
struct FileSet {
    open: bool,
    citation: Citation,
    text: Vec<u8>,
    fd: Vec<u8>,
    kind: Vec<u8>,
    device: Vec<u8>,
    node: Vec<u8>,
    protocol: Vec<u8>,
    name: Vec<u8>,
    state: Option<SocketState>,
}

/// Whether a line opens a process set: `p29956`, alone or followed by NUL or by further fields on one line.
pub(super) fn opens(line: &[u8]) -> bool {
    let Some(rest) = line.strip_prefix(b"p") else { return false };
    match scan::leading_number(rest) {
        Some((pid, rest)) if u32::try_from(pid).is_ok() => match rest {
            [] | [0, ..] => true,
            // It begins with a letter, as was just asked.
            [b' ', after @ ..] => scan::Fields::new(after).next().is_some_and(|w| w.starts_with(b"f") && fd_of(&w[1..]).is_some()),
            _ => false,
        },
        _ => false,
    }
}

/// Whether a line can follow the first one of a process set.
pub(super) fn continues(line: &[u8]) -> bool {
    matches!(line.first(), Some(b'g' | b'R' | b'c' | b'u' | b'L' | b'f' | b'K' | b'M' | b'p'))
}

impl FieldSets {
    /// Takes one line.
    pub(super) fn line(&mut self, at: At<'_>, sink: &mut dyn Sink) -> Taken {
        if memchr::memchr(0, at.text).is_some() {
            return self.all(at, at.text.split(|&b| b == 0), sink);
        }
        if opens(at.text) && at.text.contains(&b' ') {
            return self.all(at, scan::Fields::new(at.text), sink);
        }
        // A name may hold anything; every other field is short and never looks like a prompt.
        if at.text.first() != Some(&b'n') && memchr::memchr2(b'#', b'$', at.text).is_some() && prompt::command(at.text).is_some() {
            return Taken::Unknown;
        }
        self.field(at, at.text, sink)
    }

    /// Hands on the file set that is still open.
    pub(super) fn flush(&mut self, at: At<'_>, sink: &mut dyn Sink) {
        if !std::mem::take(&mut self.file.open) {
            return;
        }
        let file = &self.file;
        let cells = Cells { kind: type_of(&file.kind), device: &file.device, node: &file.node, name: &file.name };
        // IPv4 and IPv6 print the protocol apart; the table has it in the node's place.
        let cells = if file.protocol.is_empty() { cells } else { Cells { node: &file.protocol, ..cells } };
        let mut d = Descriptor {
            pid: self.pid,
            tid: self.tid.filter(|t| Some(*t) != self.pid),
            command: &self.command,
            user: &self.user,
            fd: fd_of(&file.fd).unwrap_or(FdRef::Name(&file.fd)),
            ..Descriptor::default()
        };
        describe(&mut d, &cells);
        d.state = file.state.or(d.state);
        let at = At { citation: file.citation, format: at.format, text: &file.text };
        if is_denied(&file.name) && self.denied != self.pid {
            self.denied = self.pid;
            sink.note(at, &Note { kind: NoteKind::NoPrivilege, pid: self.pid, text: &file.name });
        }
        sink.descriptor(at, &d);
    }

    /// Several fields of one line; the line is a row if one of them is.
    fn all<'l>(&mut self, at: At<'_>, fields: impl Iterator<Item = &'l [u8]>, sink: &mut dyn Sink) -> Taken {
        let mut taken = Taken::Noise;
        for field in fields.filter(|f| !f.is_empty()) {
            match self.field(at, field, sink) {
                Taken::Row => taken = Taken::Row,
                Taken::Unknown if taken == Taken::Noise => taken = Taken::Unknown,
                _ => {}
            }
        }
        taken
    }

    /// One field. Only `f` counts as a row, so that rows are descriptors; the other fields of a set belong to it.
    fn field(&mut self, at: At<'_>, field: &[u8], sink: &mut dyn Sink) -> Taken {
        let Some((&id, value)) = field.split_first() else { return Taken::Noise };
        match id {
            b'p' => {
                let Some(pid) = scan::number32(value) else { return Taken::Unknown };
                self.flush(at, sink);
                (self.pid, self.tid) = (Some(pid), None);
                self.command.clear();
                self.user.clear();
            }
            b'f' => {
                if value.is_empty() || value.len() > 12 || value.contains(&b' ') {
                    return Taken::Unknown;
                }
                self.flush(at, sink);
                self.file.begin(at, value);
                return Taken::Row;
            }
            b'K' => self.tid = scan::number32(value),
            b'c' => set(&mut self.command, value),
            b'L' => set(&mut self.user, value),
            // The number serves where no name is printed.
            b'u' if self.user.is_empty() => set(&mut self.user, value),
            b't' => set(&mut self.file.kind, value),
            b'd' => set(&mut self.file.device, value),
            b'i' => set(&mut self.file.node, value),
            b'P' => set(&mut self.file.protocol, value),
            b'n' => {
                set(&mut self.file.name, value);
                if self.file.open && at.citation != self.file.citation {
                    self.file.citation = at.citation;
                    set(&mut self.file.text, at.text);
                }
            }
            b'T' => {
                if let Some(word) = value.strip_prefix(b"ST=") {
                    self.file.state = state_of(word);
                }
            }
            b'm' if value.iter().all(|&b| b == b'=' || b.is_ascii_digit()) => {
                self.flush(at, sink);
                sink.note(at, &Note { kind: NoteKind::TableStart, pid: None, text: at.text });
            }
            b'a' | b'l' if value.len() <= 1 => {}
            b'C' | b'D' | b'F' | b'G' | b'g' | b'k' | b'M' | b'N' | b'o' | b'R' | b'r' | b's' | b'S' | b'u' | b'z' | b'Z' => {}
            _ => return Taken::Unknown,
        }
        Taken::Noise
    }
}

impl FileSet {
    fn begin(&mut self, at: At<'_>, fd: &[u8]) {
        for buffer in [&mut self.kind, &mut self.device, &mut self.node, &mut self.protocol, &mut self.name] {
            buffer.clear();
        }
        set(&mut self.fd, fd);
        set(&mut self.text, at.text);
        self.citation = at.citation;
        self.state = None;
        self.open = true;
    }
}

fn set(buffer: &mut Vec<u8>, value: &[u8]) {
    buffer.clear();
    buffer.extend_from_slice(value);
}
