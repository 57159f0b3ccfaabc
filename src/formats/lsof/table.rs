//! The rows of lsof's table.
//!
//! ```text
//! COMMAND   PID   TID TASKCMD   USER   FD      TYPE DEVICE SIZE/OFF     NODE NAME
//! java    29956                 root    4u     sock    0,9      0t0   133868 protocol: TCP
//! java    29956 30080 GC\x20Thr root    4u     sock    0,9      0t0   133868 protocol: TCP
//! java    29956                 root *280u     sock    0,9            133868 can't identify protocol
//! ```
//!
//! Columns are right-aligned to the widest value, may be blank (TID, TASKCMD, DEVICE, SIZE), and are often edited by hand. So a row
//! is not cut at the header's offsets: it is anchored at the pair of a word that can be an FD and a word that is a TYPE, and each kind of
//! row has its own order behind. The header only tells what the words before the FD are.

use super::cell::{Cells, Type, describe, fd_of, type_of};
use super::repeat::Repeat;
use crate::facts::{Descriptor, DescriptorKind, FdRef, Sink};
use crate::formats::run::Run;
use crate::formats::scan::{self, Fields};
use std::ops::Range;

/// The descriptor of a process whose directory could not be read.
const NOFD: &[u8] = b"NOFD";
/// How many words may stand between PID and FD: TID, TASKCMD, PPID, PGID, a security context, USER, and one to spare.
const MAX_BETWEEN: usize = 7;
/// How many words a command may have that was printed with its blanks.
const MAX_COMMAND_WORDS: usize = 4;

/// What the words between PID and FD are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Between {
    /// The header has TID: a row with more words than `fixed` is a thread's.
    Threads {
        /// The other columns between PID and FD.
        fixed: usize,
    },
    /// The header has no TID.
    NoThreads,
    /// There is no header: a number before the user can only be the TID of a plain `lsof`.
    Guess,
}

/// Reads a header line: `COMMAND PID ... FD ... NAME`.
pub(super) fn header(line: &[u8]) -> Option<Between> {
    let line = line.trim_ascii_start();
    if !line.starts_with(b"COMMAND") {
        return None;
    }
    let mut fields = Fields::new(line);
    if (fields.next(), fields.next()) != (Some(b"COMMAND"), Some(b"PID")) {
        return None;
    }
    let (mut fixed, mut threads, mut fd, mut name) = (0, false, false, false);
    for field in fields {
        match field {
            b"TID" => threads = true,
            b"FD" => fd = true,
            b"NAME" => name = true,
            b"TASKCMD" => {}
            _ if !fd => fixed += 1,
            _ => {}
        }
    }
    (fd && name).then_some(if threads { Between::Threads { fixed } } else { Between::NoThreads })
}

/// The words in front of the FD of the row before. Neighbours mostly have the same, so that they are compared as one and not read again.
#[derive(Default)]
pub(super) struct Prefix {
    /// From the beginning of the line to the blank behind the user.
    text: Vec<u8>,
    pid: u32,
    tid: Option<u32>,
    command: Range<usize>,
    user: Range<usize>,
    repeat: Repeat,
    /// Whether the row before was one that [`Repeat`] has kept.
    repeated: bool,
}

/// FD, and the text behind it.
type Behind<'a> = (FdRef<'a>, &'a [u8]);

impl Prefix {
    /// Reads one row into a fresh descriptor; `false` if it is none. With `skim` a file without a number is not read to its end.
    #[inline]
    pub(super) fn row<'a>(&mut self, line: &'a [u8], between: Between, skim: bool, d: &mut Descriptor<'a>) -> bool {
        self.repeated = false;
        if let Some(row) = self.same(line) {
            if self.repeat.read(row, d) {
                self.introduce(line, d);
                self.repeated = true;
                return true;
            }
            let mut fields = Fields::new(row);
            if let Some(fd) = fields.next().and_then(fd_of)
                && let Some(kind) = fields.next().and_then(type_of)
            {
                self.introduce(line, d);
                d.fd = fd;
                if skim && kind == Type::File && skimmed(fd, fields.rest(), d) {
                    return true;
                }
                describe(d, &typed(fd, kind, fields));
                self.repeat.keep(row, d);
                return true;
            }
        }
        let Some((fd, behind)) = self.read(line, between) else { return false };
        self.introduce(line, d);
        d.fd = fd;
        describe(d, &cells(fd, behind));
        self.repeat.keep(line.get(self.text.len()..).unwrap_or(b""), d);
        true
    }

    /// Tells the rows that repeat the one before; those of a thread are told one by one.
    #[inline]
    pub(super) fn run(&self, text: &[u8], longest: usize, sink: &mut dyn Sink) -> Run {
        let shape = self.repeat.shape(&self.text).filter(|_| self.repeated && self.tid.is_none());
        shape.map_or(Run::default(), |shape| shape.run(text, longest, sink))
    }

    /// The row from its FD on, if the line begins as the one before.
    #[inline]
    fn same<'a>(&self, line: &'a [u8]) -> Option<&'a [u8]> {
        if self.text.is_empty() { None } else { line.strip_prefix(self.text.as_slice()) }
    }

    /// What the words in front of the FD tell.
    #[inline]
    fn introduce<'a>(&self, line: &'a [u8], d: &mut Descriptor<'a>) {
        d.pid = Some(self.pid);
        d.tid = self.tid;
        d.command = line.get(self.command.clone()).unwrap_or(b"");
        d.user = line.get(self.user.clone()).unwrap_or(b"");
    }

    /// Reads a line from its beginning, and keeps what is in front of the FD.
    fn read<'a>(&mut self, line: &'a [u8], between: Between) -> Option<Behind<'a>> {
        let mut fields = Fields::new(line);
        let (command, pid) = command_and_pid(&mut fields)?;
        let (mut first, mut count, mut user) = (&b""[..], 0, 0..0);
        let mut behind = fields.clone();
        let mut word = fields.next()?;
        let (fd, from) = loop {
            let after = fields.clone();
            let next = fields.next();
            // A word that can be an FD can also be a user; a TYPE behind it decides.
            if next.and_then(type_of).is_some()
                && let Some(fd) = fd_of(word)
            {
                break (fd, after.offset());
            }
            if word == NOFD {
                break (FdRef::Name(NOFD), after.offset());
            }
            if count == MAX_BETWEEN {
                return None;
            }
            if count == 0 {
                first = word;
            }
            user = after.offset() - word.len()..after.offset();
            count += 1;
            behind = after;
            word = next?;
        };
        self.text.clear();
        // The blank keeps the user whole.
        self.text.extend_from_slice(line.get(..=behind.offset()).unwrap_or(b""));
        self.tid = thread(between, pid, first, count);
        (self.pid, self.command, self.user) = (pid, command, user);
        Some((fd, line.get(from..)?))
    }
}

/// Reads of a file no more than is asked for: its kind, and the path of one that has a number. No column in front of the path has a slash.
#[inline]
fn skimmed<'a>(fd: FdRef<'_>, rest: &'a [u8], d: &mut Descriptor<'a>) -> bool {
    if let FdRef::Name(name) = fd {
        d.kind = DescriptorKind::File;
        return name != NOFD;
    }
    let Some(path) = memchr::memchr(b'/', rest).and_then(|slash| rest.get(slash..)) else { return false };
    d.kind = DescriptorKind::File;
    d.name = path.trim_ascii_end();
    true
}

/// Whether a line by itself is a row.
pub(super) fn is_row(line: &[u8]) -> bool {
    Prefix::default().row(line, Between::Guess, false, &mut Descriptor::default())
}

/// The command and the first number behind it. Up to 4.85 a command with blanks is cut at the first, later ones escape them;
/// but some patched versions print them.
#[inline]
fn command_and_pid(fields: &mut Fields<'_>) -> Option<(Range<usize>, u32)> {
    let first = fields.next()?;
    let start = fields.offset() - first.len();
    for _ in 0..MAX_COMMAND_WORDS {
        let end = fields.offset();
        let word = fields.next()?;
        if let Some(pid) = scan::number32(word) {
            return Some((start..end, pid));
        }
    }
    None
}

/// The thread the row belongs to. Without a header a parent (`-R`) or group (`-g`) would look the same, but both are rarely asked for,
/// and a group is mostly the process itself.
fn thread(between: Between, pid: u32, first: &[u8], count: usize) -> Option<u32> {
    let number = match between {
        Between::NoThreads => None,
        Between::Threads { fixed } if count > fixed => scan::number32(first),
        Between::Threads { .. } => None,
        Between::Guess if count > 1 => scan::number32(first),
        Between::Guess => None,
    };
    number.filter(|&n| n != pid && n > 1)
}

/// TYPE and the cells behind it.
#[inline]
fn cells<'a>(fd: FdRef<'_>, behind: &'a [u8]) -> Cells<'a> {
    let mut fields = Fields::new(behind);
    match fields.next().and_then(type_of) {
        Some(kind) => typed(fd, kind, fields),
        None => Cells { kind: None, device: b"", node: b"", name: behind.trim_ascii() },
    }
}

/// The cells behind a TYPE. Which of them are there depends on it.
#[inline]
fn typed<'a>(fd: FdRef<'_>, kind: Type, mut fields: Fields<'a>) -> Cells<'a> {
    let mut cells = Cells { kind: Some(kind), device: b"", node: b"", name: b"" };
    if kind != Type::Unread && fd != FdRef::Name(NOFD) {
        if is_file_flag(fields.rest()) {
            fields.next();
        }
        match kind {
            Type::Inet4 | Type::Inet6 => inet(&mut cells, &mut fields),
            Type::Packet => packet(&mut cells, &mut fields),
            _ => numbered(&mut cells, &mut fields),
        }
    }
    cells.name = fields.rest().trim_ascii_end();
    cells
}

/// `DEVICE [SIZE/OFF] [NLINK] PROTOCOL`: what is between is a number or blank, the protocol is neither.
#[inline]
fn inet<'a>(cells: &mut Cells<'a>, fields: &mut Fields<'a>) {
    cells.device = fields.next().unwrap_or(b"");
    cells.node = fields.by_ref().find(|w| !starts_with_digit(w)).unwrap_or(b"");
}

/// `DEVICE [SIZE/OFF] [NLINK] PROTOCOL type=...`, where the protocol is a word or a number.
fn packet<'a>(cells: &mut Cells<'a>, fields: &mut Fields<'a>) {
    cells.device = fields.next().unwrap_or(b"");
    while !fields.rest().starts_with(b"type=") && fields.next().is_some() {}
}

/// `[DEVICE] [SIZE/OFF] [NLINK] NODE`: the last of the numbers is the node.
#[inline]
fn numbered<'a>(cells: &mut Cells<'a>, fields: &mut Fields<'a>) {
    // Nothing but these columns starts with a digit: a name is a path or a word.
    for column in 0..4 {
        let before = fields.clone();
        let Some(word) = fields.next_number() else { return };
        if scan::is_digits(word) {
            cells.node = word;
        } else if column == 0 && is_device(word) {
            cells.device = word;
        } else if !is_offset(word) {
            *fields = before;
            return;
        }
    }
}

/// `W,LG,CX` or `RW,0x80000` of `+fg`, `0x80002;0x0` of `+fG`: the text behind TYPE begins with neither a digit nor a small letter, or
/// has a semicolon in its first word.
#[inline]
fn is_file_flag(rest: &[u8]) -> bool {
    match rest {
        [b'A'..=b'Z', ..] => true,
        [b'0', b'x', ..] => Fields::new(rest).next().is_some_and(|w| memchr::memchr(b';', w).is_some()),
        _ => false,
    }
}

/// `254,0` or a kernel address.
fn is_device(word: &[u8]) -> bool {
    starts_with_digit(word) && (word.starts_with(b"0x") || memchr::memchr(b',', word).is_some())
}

/// `0t123`, or hexadecimal for what has more than eight digits.
fn is_offset(word: &[u8]) -> bool {
    word.starts_with(b"0t") || word.starts_with(b"0x")
}

fn starts_with_digit(word: &[u8]) -> bool {
    word.first().is_some_and(u8::is_ascii_digit)
}
