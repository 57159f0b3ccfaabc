//! What stands in front of a call: thread, time, and what `-n` and `-i` print.

use crate::formats::scan;

/// What stands in front of a call.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Prefix<'a> {
    /// `[pid N]`, or the bare number of a `-o` file.
    pub tid: Option<u32>,
    /// The time as printed, empty if none.
    pub at: &'a [u8],
    /// The rest of the line.
    pub body: &'a [u8],
}

/// Splits a line into prefix and body. Handed back through memory the parts would be written one by one and read by twos, which waits.
#[inline(always)]
pub fn prefix(line: &[u8]) -> Prefix<'_> {
    usual(line).unwrap_or_else(|| any(line))
}

/// The prefix of `-f -tt`, which nearly all lines have: a thread or none, a clock time, the call.
#[inline(always)]
fn usual(line: &[u8]) -> Option<Prefix<'_>> {
    let (tid, rest) = match thread(line) {
        Some((tid, rest)) => (Some(tid), rest),
        None => (None, line),
    };
    let (at, body) = clock(rest)?;
    // A blank, a bracket or a parenthesis goes on with the prefix.
    matches!(body.first(), Some(b'a'..=b'z' | b'<')).then_some(Prefix { tid, at, body })
}

/// `6006  ` or `[pid  6006] `.
#[inline(always)]
fn thread(line: &[u8]) -> Option<(u32, &[u8])> {
    let (text, end) = match line.strip_prefix(b"[pid ") {
        Some(text) => (text.trim_ascii_start(), b']'),
        None => (line, b' '),
    };
    let (tid, rest) = scan::leading_number(text)?;
    let mut rest = rest.strip_prefix(&[end])?;
    while let [b' ', after @ ..] = rest {
        rest = after;
    }
    Some((u32::try_from(tid).ok()?, rest))
}

/// `14:24:58.424458 ` and what follows.
#[inline(always)]
fn clock(text: &[u8]) -> Option<(&[u8], &[u8])> {
    const TIME: Shape = Shape::of(b"00:00:00");
    const FRACTION: Shape = Shape::of(b".000000 ");
    let fits = TIME.begins(text) && FRACTION.begins(text.get(8..)?);
    if fits { Some((text.get(..15)?, text.get(16..)?)) } else { None }
}

/// A shape that eight bytes may have: a digit where it has a zero, and otherwise what it has.
#[derive(Clone, Copy, Debug)]
pub struct Shape {
    bytes: u64,
    /// What may be added to the difference of each byte without reaching its high bit: a digit differs from zero by at most 9.
    room: u64,
}

impl Shape {
    /// The shape of a text.
    pub const fn of(text: &[u8; 8]) -> Shape {
        let mut room = [0x7f; 8];
        let mut i = 0;
        while i < 8 {
            // A constant: what is wrong would not compile.
            if text[i] == b'0' {
                // A constant: what is wrong would not compile.
                room[i] = 0x7f - 9;
            }
            i += 1;
        }
        Shape { bytes: u64::from_le_bytes(*text), room: u64::from_le_bytes(room) }
    }

    /// Whether a text begins so.
    #[inline]
    pub fn begins(self, text: &[u8]) -> bool {
        const HIGH: u64 = u64::from_ne_bytes([0x80; 8]);
        let Some(chunk) = text.first_chunk() else { return false };
        let other = u64::from_le_bytes(*chunk) ^ self.bytes;
        (other | other.wrapping_add(self.room)) & HIGH == 0
    }
}

/// Any prefix that strace prints.
#[cold]
fn any(line: &[u8]) -> Prefix<'_> {
    let mut prefix = Prefix { tid: None, at: b"", body: line };
    let mut rest = line;
    if let Some(after) = rest.strip_prefix(b"[pid ") {
        let Some((tid, after)) = number_and_comm(after.trim_ascii_start()) else { return prefix };
        let Some(after) = after.strip_prefix(b"]") else { return prefix };
        prefix.tid = Some(tid);
        rest = after.trim_ascii_start();
    } else if let Some(b'0'..=b'9') = rest.first()
        && let Some((tid, after)) = number_and_comm(rest)
        && after.first() == Some(&b' ')
    {
        prefix.tid = Some(tid);
        rest = after.trim_ascii_start();
    }
    if let Some((at, after)) = time(rest) {
        prefix.at = at;
        rest = after;
    }
    if prefix.tid.is_none() && prefix.at.is_empty() {
        // Leading blanks mean something only in front of a relative time; elsewhere they mark the rest of a call or a stack line.
        if rest.first() != Some(&b'[') {
            return prefix;
        }
    } else {
        rest = rest.trim_ascii_start();
    }
    prefix.body = skip_brackets(rest);
    prefix
}
/// `6006` or `6006<java>` and what follows.
fn number_and_comm(text: &[u8]) -> Option<(u32, &[u8])> {
    let (number, rest) = scan::leading_number(text)?;
    let number = u32::try_from(number).ok()?;
    if rest.first() != Some(&b'<') {
        return Some((number, rest));
    }
    // A name may hold blanks and angle brackets: it ends where the prefix goes on.
    let close = memchr::memmem::find(rest, b">]").or_else(|| memchr::memmem::find(rest, b"> "))?;
    Some((number, rest.get(close + 1..)?))
}

/// A clock time, seconds since the epoch, or a relative time, each followed by a blank; the newer `-r` adds `(+ 0.000123)`.
fn time(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let text = if text.first() == Some(&b' ') { text.trim_ascii_start() } else { text };
    if !text.first()?.is_ascii_digit() {
        return None;
    }
    let length = text.iter().position(|b| !(b.is_ascii_digit() || *b == b':' || *b == b'.'))?;
    let (at, rest) = text.split_at_checked(length)?;
    if !at.contains(&b':') && !at.contains(&b'.') {
        return None;
    }
    let rest = rest.strip_prefix(b" ")?;
    match rest.strip_prefix(b"(+ ") {
        Some(delta) => memchr::memchr(b')', delta).and_then(|i| delta.get(i + 1..)).map(|rest| (at, rest.trim_ascii_start())),
        None => Some((at, rest)),
    }
}

/// `[ 202] ` of `-n` and `[00007f1e4823c990] ` of `-i`.
fn skip_brackets(mut text: &[u8]) -> &[u8] {
    while let Some(inner) = text.strip_prefix(b"[") {
        let Some(close) = memchr::memchr(b']', inner.get(..24).unwrap_or(inner)) else { break };
        let known = inner.iter().take(close).all(|b| b.is_ascii_hexdigit() || matches!(b, b' ' | b'?' | b'x'));
        match inner.get(close + 1..).and_then(|rest| rest.strip_prefix(b" ")) {
            Some(rest) if known && close > 0 => text = rest,
            _ => break,
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_usual_prefix_is_read_like_any() {
        let threads = ["", "6006 ", "6006  ", "[pid  6006] ", "[pid 4194304] ", "123456789 ", "[pid 6006", "0 ", "99999999999 "];
        let times = ["", "14:24:58.424458 ", "14:24:58 ", "14:24:5x.424458 ", "14:24:58.424458", "99:99:99.999999 ", "1795357497.126100 "];
        let bodies =
            ["close(3) = 0", "<... close resumed>) = 0", " (+ 0.1) close(3)", "[  3] close(3)", "+++ exited with 0 +++", "", "_exit(0)"];
        let mut seen = 0;
        let ends: Vec<String> = times.iter().flat_map(|time| bodies.iter().map(move |body| format!("{time}{body}"))).collect();
        for line in threads.iter().flat_map(|thread| ends.iter().map(move |end| format!("{thread}{end}"))) {
            if let Some(found) = usual(line.as_bytes()) {
                seen += 1;
                assert_eq!(found, any(line.as_bytes()), "{line}");
            }
        }
        assert!(seen > 10, "{seen}");
    }
}
