//! What lsof prints beside its rows: warnings, the usage text, what a missing lsof leaves behind.
//!
//! ```text
//! lsof: WARNING: can't stat() tmpfs file system /run/user/1000/gvfs
//!       Output information may be incomplete.
//! lsof: no pwd entry for UID 54321
//! lsof: WARNING: unsupported format: /proc/net/tcp
//! collect.sh: line 12: lsof: command not found
//! ```
//!
//! The program's name may be a path or carry a version. After `unsupported format` every socket of that table is unidentified, which
//! then proves nothing.

use crate::facts::NoteKind;
use crate::formats::scan::{self, Fields};

/// A line that is no row but lsof's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Remark {
    /// Says nothing about the rows.
    Plain,
    /// To be noted.
    Noted(NoteKind),
    /// `lsof 4.95.0`, the first line of the usage text.
    Version,
}

/// What a line is; `None` if it is not lsof's.
pub(super) fn remark(line: &[u8]) -> Option<Remark> {
    let text = line.trim_ascii();
    if text.is_empty() {
        return Some(Remark::Plain);
    }
    if text.ends_with(b"lsof: command not found") || text.ends_with(b"lsof: not found") {
        return Some(Remark::Noted(NoteKind::Failed));
    }
    if let Some(message) = message(text) {
        return Some(weigh(message));
    }
    if is_usage(line) || is_decoration(text) || is_cycle(text) {
        return Some(Remark::Plain);
    }
    is_version(text).then_some(Remark::Version)
}

/// What `-r` prints below each listing: seven signs of equality, or the time between some (`-r60m====%T====`).
fn is_cycle(text: &[u8]) -> bool {
    if text == b"=======" {
        return true;
    }
    let frame = |b: &u8| *b == b'=';
    let inside = text.strip_prefix(b"==").and_then(|t| t.strip_suffix(b"==")).unwrap_or_default();
    let start = inside.iter().position(|b| !frame(b)).unwrap_or(inside.len());
    let inside = inside.get(start..).unwrap_or_default();
    let end = inside.iter().rposition(|b| !frame(b)).map_or(0, |last| last + 1);
    let inside = inside.get(..end).unwrap_or_default().trim_ascii();
    let mut words = inside.split(|b| scan::is_blank(*b)).filter(|w| !w.is_empty()).peekable();
    let timed = inside.windows(6).any(|w| matches!(w, [b':', a, b, b':', c, d] if [a, b, c, d].iter().all(|b| b.is_ascii_digit())));
    // A heading has longer words than the names of days, months and zones.
    timed && words.all(|w| w.len() < 5 || w.iter().any(u8::is_ascii_digit))
}

/// Whether a line is a message of lsof, wherever it stands.
pub(super) fn is_message(line: &[u8]) -> bool {
    message(line.trim_ascii()).is_some()
}

/// The text behind `lsof: `, `/usr/sbin/lsof: ` or `lsof-4.95: `.
fn message(text: &[u8]) -> Option<&[u8]> {
    let colon = memchr::memchr(b':', text)?;
    let (name, rest) = text.split_at(colon);
    let rest = rest.strip_prefix(b": ")?;
    is_lsof(name).then_some(rest)
}

fn weigh(message: &[u8]) -> Remark {
    let has = |needle: &[u8]| scan::contains(message, needle);
    if has(b"unsupported format") || has(b"/proc/net/") {
        Remark::Noted(NoteKind::Unreadable)
    } else if has(b"no pwd entry") || message.starts_with(b"avoiding ") {
        // Repeated for each row, or for each mount under `-b`.
        Remark::Plain
    } else if has(b"WARNING") || has(b"status error") {
        Remark::Noted(NoteKind::Warning)
    } else if has(b"unsupported") || has(b"illegal option") || has(b"unrecognized") || has(b"unknown") || has(b"not found") {
        Remark::Noted(NoteKind::Failed)
    } else {
        Remark::Noted(NoteKind::Warning)
    }
}

/// A word whose last component begins with `lsof`.
fn is_lsof(word: &[u8]) -> bool {
    let name = match memchr::memrchr(b'/', word) {
        Some(i) => word.get(i + 1..).unwrap_or(b""),
        None => word,
    };
    name.starts_with(b"lsof") && !name.contains(&b' ')
}

fn is_usage(line: &[u8]) -> bool {
    const STARTS: &[&[u8]] = &[
        b" latest ",
        b" usage: [",
        b" [-F ",
        b"[+|-r ",
        b" [+|-r ",
        b"Use the ``-h''",
        b"      Output information may be incomplete",
        b"      assuming \"dev=",
        b"Defaults in parentheses",
    ];
    STARTS.iter().any(|start| line.starts_with(start))
}

/// `...` where somebody cut a paste, `=======` between the rounds of `-r`, `### lsof -nP ###` above a section.
fn is_decoration(text: &[u8]) -> bool {
    let Some(&first) = text.first() else { return false };
    if !matches!(first, b'.' | b'=' | b'#' | b'-' | b'[') || text.len() < 3 {
        return false;
    }
    let fenced = text.starts_with(b"##") || text.starts_with(b"==") || text.starts_with(b"--");
    text.iter().all(|&b| b == first) || text == b"[...]" || (fenced && scan::contains(text, b"lsof"))
}

/// `lsof-4.85 4.85`: the name it was called by, and its version.
fn is_version(text: &[u8]) -> bool {
    let mut fields = Fields::new(text);
    let (name, version) = (fields.next().unwrap_or(b""), fields.next().unwrap_or(b""));
    is_lsof(name) && version.len() >= 3 && version.iter().all(|b| b.is_ascii_digit() || *b == b'.') && fields.next().is_none()
}
