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
use crate::facts::{Descriptor, FdRef};
use crate::formats::scan::{self, Fields};

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

/// Reads one row; `None` if it is none.
#[inline]
pub(super) fn row<'a>(line: &'a [u8], between: Between) -> Option<Descriptor<'a>> {
    let mut fields = Fields::new(line);
    let (command, pid) = command_and_pid(line, &mut fields)?;
    let mut d = Descriptor { pid: Some(pid), command, ..Descriptor::default() };
    let (mut first, mut count) = (&b""[..], 0);
    let mut word = fields.next()?;
    let kind = loop {
        let behind = fields.clone();
        let next = fields.next();
        if let Some(fd) = fd_of(word) {
            d.fd = fd;
            if let Some(kind) = next.and_then(type_of) {
                break Some(kind);
            }
            if word == b"NOFD" {
                fields = behind;
                break None;
            }
        }
        if count == MAX_BETWEEN {
            return None;
        }
        if count == 0 {
            first = word;
        }
        d.user = word;
        count += 1;
        word = next?;
    };
    d.tid = thread(between, pid, first, count);
    let cells = cells(kind, d.fd, fields);
    describe(&mut d, &cells);
    Some(d)
}

/// The command and the first number behind it. Up to 4.85 a command with blanks is cut at the first, later ones escape them;
/// but some patched versions print them.
#[inline]
fn command_and_pid<'a>(line: &'a [u8], fields: &mut Fields<'a>) -> Option<(&'a [u8], u32)> {
    let first = fields.next()?;
    let start = fields.offset() - first.len();
    for _ in 0..MAX_COMMAND_WORDS {
        let end = fields.offset();
        let word = fields.next()?;
        if let Some(pid) = scan::number32(word) {
            return Some((line.get(start..end)?, pid));
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

/// The cells behind TYPE. Which of them are there depends on the type.
#[inline]
fn cells<'a>(kind: Option<Type>, fd: FdRef<'_>, mut fields: Fields<'a>) -> Cells<'a> {
    let mut cells = Cells { kind, device: b"", node: b"", name: b"" };
    if kind.is_none() || kind == Some(Type::Unread) || fd == FdRef::Name(b"NOFD") {
        cells.name = fields.rest().trim_ascii_end();
        return cells;
    }
    if fields.peek().is_some_and(is_file_flag) {
        fields.next();
    }
    match kind {
        Some(Type::Inet4 | Type::Inet6) => {
            cells.device = fields.next().unwrap_or(b"");
            // SIZE/OFF (and NLINK) are numbers or blank; the protocol is the first word that is none.
            cells.node = fields.by_ref().find(|w| !starts_with_digit(w)).unwrap_or(b"");
        }
        Some(Type::Packet) => {
            cells.device = fields.next().unwrap_or(b"");
            let mut ahead = fields.clone();
            while ahead.next().is_some_and(|w| !w.starts_with(b"type=")) {
                fields = ahead.clone();
            }
        }
        _ => numbered(&mut cells, &mut fields),
    }
    cells.name = fields.rest().trim_ascii_end();
    cells
}

/// `[DEVICE] [SIZE/OFF] [NLINK] NODE`: the last of the numbers is the node.
#[inline]
fn numbered<'a>(cells: &mut Cells<'a>, fields: &mut Fields<'a>) {
    let mut ahead = fields.clone();
    let mut word = ahead.next().unwrap_or(b"");
    if is_device(word) {
        cells.device = word;
        *fields = ahead.clone();
        word = ahead.next().unwrap_or(b"");
    }
    for _ in 0..3 {
        let number = scan::number(word).is_some();
        if !number && !is_offset(word) {
            return;
        }
        if number {
            cells.node = word;
        }
        *fields = ahead.clone();
        word = ahead.next().unwrap_or(b"");
    }
}

/// `W,LG,CX` or `RW,0x80000` of `+fg`, `0x80002;0x0` of `+fG`. Everything else behind TYPE starts with a digit.
fn is_file_flag(word: &[u8]) -> bool {
    word.first().is_some_and(u8::is_ascii_uppercase) || memchr::memchr(b';', word).is_some()
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
