//! One row of a listing, read backwards from its arrow.

use super::super::run::Shape;
use super::super::{scan, target};
use std::ops::Range;

/// Whose descriptors a listing shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Owner {
    pub pid: Option<u32>,
    pub tid: Option<u32>,
}

/// A row, taken apart.
pub(super) struct Row<'a> {
    /// Empty where it is not known.
    pub user: &'a [u8],
    pub fd: u32,
    /// From a full path in the row.
    pub owner: Option<Owner>,
    /// `None` where the link was not read.
    pub target: Option<&'a [u8]>,
}

/// What stood in front of the descriptor in the row before: mode, owner, size and date are mostly the same for many rows.
#[derive(Default)]
pub(super) struct Head {
    text: Vec<u8>,
    user: Range<usize>,
}

impl Head {
    /// Reads a row of `ls -l` that begins with its mode.
    #[inline]
    pub(super) fn row<'a>(&mut self, line: &'a [u8]) -> Option<Row<'a>> {
        self.repeated(line).or_else(|| {
            if !is_mode(line) {
                return None;
            }
            let row = listed(line)?;
            self.keep(line, &row);
            Some(row)
        })
    }

    /// The row, if it differs from the one before only behind the date.
    #[inline]
    fn repeated<'a>(&self, line: &'a [u8]) -> Option<Row<'a>> {
        if self.text.is_empty() {
            return None;
        }
        let rest = line.strip_prefix(self.text.as_slice())?;
        let (fd, rest) = scan::leading_number(rest)?;
        let target = rest.strip_prefix(b" -> ")?;
        Some(Row { user: line.get(self.user.clone())?, fd: u32::try_from(fd).ok()?, owner: None, target: Some(unquote(target)) })
    }

    /// Rows that begin as the one before.
    #[inline]
    pub(super) fn shape<'a>(&'a self, middle: &'a [u8], tail: &'a [u8]) -> Option<Shape<'a>> {
        (!self.text.is_empty()).then_some(Shape { head: &self.text, middle, tail })
    }

    fn keep(&mut self, line: &[u8], row: &Row<'_>) {
        self.text.clear();
        if let Some((left, _)) = arrow(line)
            && let Some(space) = memchr::memrchr(b' ', left)
            && row.owner.is_none()
        {
            self.text.extend_from_slice(line.get(..=space).unwrap_or(b""));
            let mut fields = scan::Fields::new(left);
            fields.nth(2);
            self.user = fields.offset() - row.user.len()..fields.offset();
        }
    }
}

/// `lrwx------`, also followed by `.` or `+`, or all of it unknown: `l?????????`.
#[inline]
pub(super) fn is_mode(line: &[u8]) -> bool {
    match line {
        [b'l', r, w, x, rest @ ..] => {
            matches!((r, w, x), (b'r' | b'-', b'w' | b'-', b'x') | (b'?', b'?', b'?'))
                && (rest.starts_with(b"------") || rest.starts_with(b"??????"))
        }
        _ => false,
    }
}

/// A row of `ls -l` that begins with its mode.
#[inline]
pub(super) fn listed(line: &[u8]) -> Option<Row<'_>> {
    let (left, target) = match arrow(line) {
        Some((left, target)) => (left, Some(unquote(target))),
        None => (line.trim_ascii_end(), None),
    };
    let name = left.get(memchr::memrchr(b' ', left)? + 1..)?;
    let (fd, owner) = descriptor(name)?;
    Some(Row { user: user(left), fd, owner, target })
}

/// `FD -> TARGET`, `/proc/PID/fd/FD -> TARGET`, `FD socket:[N]`, `/proc/PID/fd/FD TARGET`, and `find -ls`, which puts the inode and the
/// blocks in front of the mode.
pub(super) fn plain(line: &[u8]) -> Option<Row<'_>> {
    if let Some((left, target)) = arrow(line) {
        let name = match memchr::memrchr(b' ', left) {
            None => left,
            Some(i) if scan::Fields::new(left).any(is_mode) => left.get(i + 1..)?,
            Some(_) => return None,
        };
        let (fd, owner) = descriptor(name)?;
        return Some(Row { user: b"", fd, owner, target: Some(unquote(target)) });
    }
    // Counts of `uniq -c` look the same but for the blanks in front of them.
    let space = line.iter().position(|&b| scan::is_blank(b))?;
    let (fd, owner) = descriptor(line.get(..space)?)?;
    let target = unquote(line.get(space..)?.trim_ascii());
    (target::is_nameless(target) || (owner.is_some() && target.starts_with(b"/"))).then_some(Row {
        user: b"",
        fd,
        owner,
        target: Some(target),
    })
}

/// The text before and behind the first ` -> `.
#[inline]
fn arrow(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let tip = memchr::memchr(b'>', line)?;
    let left = line.get(..tip)?.strip_suffix(b" -")?;
    Some((left.trim_ascii_end(), line.get(tip + 1..)?.strip_prefix(b" ")?))
}

/// The number of a descriptor: the whole word, or what follows `/fd/`.
#[inline]
fn descriptor(word: &[u8]) -> Option<(u32, Option<Owner>)> {
    if let Some(fd) = scan::number32(word) {
        return Some((fd, None));
    }
    let word = unquote(word);
    let slash = memchr::memrchr(b'/', word)?;
    let directory = word.get(..slash)?;
    let fd = scan::number32(word.get(slash + 1..)?)?;
    directory.ends_with(b"fd").then(|| (fd, owner_in(directory)))
}

/// The owner of the link, which is the process's user: the third word.
#[inline]
fn user(left: &[u8]) -> &[u8] {
    let word = scan::Fields::new(left).nth(2).unwrap_or(b"");
    if word.starts_with(b"?") { b"" } else { word }
}

/// Without the quotes that `ls` puts around what a shell would expand, and without the mark of `ls -F`.
#[inline]
fn unquote(text: &[u8]) -> &[u8] {
    match text {
        [b'\'', inner @ .., b'\''] | [b'"', inner @ .., b'"'] => inner,
        [inner @ .., b'=' | b'|'] if inner.ends_with(b"]") => inner,
        _ => text,
    }
}

/// The process in `/proc/PID/fd`, and the thread in `/proc/PID/task/TID/fd`, anywhere in a text.
pub(super) fn owner_in(text: &[u8]) -> Option<Owner> {
    let start = memchr::memmem::find(text, b"proc/")? + b"proc/".len();
    let rest = text.get(start..)?;
    if let Some(rest) = rest.strip_prefix(b"self/").or_else(|| rest.strip_prefix(b"thread-self/")) {
        return rest.starts_with(b"fd").then_some(Owner::default());
    }
    let (pid, rest) = scan::leading_number(rest)?;
    let pid = u32::try_from(pid).ok()?;
    let (tid, rest) = match rest.strip_prefix(b"/task/") {
        Some(rest) => {
            let (tid, rest) = scan::leading_number(rest)?;
            (u32::try_from(tid).ok().filter(|t| *t != pid), rest)
        }
        None => (None, rest),
    };
    rest.starts_with(b"/fd").then_some(Owner { pid: Some(pid), tid })
}
