//! How a call ends on its line: its result, or what cut it.

use super::prefix::Shape;
use crate::facts::digits;
use crate::formats::scan;

/// How a line's arguments end.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Tail<'a> {
    /// `ARGS) = RESULT`.
    Returned(&'a [u8], Return<'a>),
    /// `ARGS <unfinished ...>`.
    Unfinished(&'a [u8]),
    /// `ARGS <detached ...>`.
    Detached(&'a [u8]),
    /// `ARGS <unfinished ... exit status N>`: the thread ended in the call.
    Exited(&'a [u8]),
    /// `ARGSstrace: Process N attached`: a banner went out while the line was open.
    Glued(&'a [u8]),
    /// The line ends inside its arguments.
    Cut(&'a [u8]),
}

/// What a call returned.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Return<'a> {
    /// The number, `None` for `?`.
    pub result: Option<i64>,
    /// The error's name, empty on success.
    pub errno: &'a [u8],
    /// What stands in parentheses behind, without them.
    pub comment: &'a [u8],
    /// `-T`, in seconds as printed, empty if not.
    pub duration: &'a [u8],
}

/// Finds out how the arguments end.
#[inline]
pub fn tail(text: &[u8]) -> Tail<'_> {
    let text = text.trim_ascii_end();
    if text.last() == Some(&b'>') {
        if let Some(args) = text.strip_suffix(b"<unfinished ...>") {
            return Tail::Unfinished(one_blank_less(args));
        }
        if let Some(args) = text.strip_suffix(b"<detached ...>") {
            return Tail::Detached(one_blank_less(args));
        }
    }
    let (front, duration) = split_duration(text);
    if let Some((args, returned)) = plainly(front, duration).or_else(|| returned(front, duration)) {
        return Tail::Returned(args, returned);
    }
    if let Some(at) = memchr::memmem::find(text, b"<unfinished ... exit status ") {
        return Tail::Exited(one_blank_less(text.get(..at).unwrap_or(text)));
    }
    match glued_banner(text) {
        Some(at) => Tail::Glued(text.get(..at).unwrap_or(text)),
        None => Tail::Cut(text),
    }
}

/// ` <unfinished ...>` is written with a blank in front, which is not of the arguments.
fn one_blank_less(args: &[u8]) -> &[u8] {
    args.strip_suffix(b" ").unwrap_or(args)
}

/// `ARGS) = 1681`: what most calls return, read by its last eight bytes.
#[inline]
fn plainly<'a>(text: &'a [u8], duration: &'a [u8]) -> Option<(&'a [u8], Return<'a>)> {
    let (number, count) = digits::trailing(u64::from_le_bytes(*text.last_chunk()?));
    let args = text.get(..text.len() - count)?.strip_suffix(b") = ")?;
    (count > 0).then_some((args, Return { result: Some(number.cast_signed()), duration, ..Return::default() }))
}

/// `ARGS) = RESULT`, searched from the end because arguments may quote anything.
fn returned<'a>(text: &'a [u8], duration: &'a [u8]) -> Option<(&'a [u8], Return<'a>)> {
    let mut end = text.len();
    while let Some(equals) = last_equals(text.get(..end)?) {
        end = equals;
        if let Some(value) = text.get(equals..)?.strip_prefix(b"= ")
            && let Some(before) = text.get(..equals)?.strip_suffix(b" ")
            && let Some(args) = before.trim_ascii_end().strip_suffix(b")")
            && let Some(returned) = value_of(value, duration)
        {
            return Some((args, returned));
        }
    }
    None
}

/// Where the last `=` stands; nearly always a few bytes before the end.
#[inline]
fn last_equals(text: &[u8]) -> Option<usize> {
    let near = text.len().saturating_sub(8);
    match text.get(near..)?.iter().rposition(|&b| b == b'=') {
        Some(at) => Some(near + at),
        None => memchr::memrchr(b'=', text.get(..near)?),
    }
}

/// The result, its error and comment; `None` if this is no result.
#[inline]
fn value_of<'a>(value: &'a [u8], duration: &'a [u8]) -> Option<Return<'a>> {
    let mut returned = Return { duration, ..Return::default() };
    let mut rest;
    if let Some(after) = value.strip_prefix(b"?") {
        rest = after;
    } else if let Some(after) = value.strip_prefix(b"<unavailable>") {
        rest = after;
    } else {
        let (result, after) = integer(value)?;
        returned.result = Some(result);
        rest = after;
    }
    if rest.is_empty() {
        return Some(returned);
    }
    if rest.first() == Some(&b'<') {
        rest = skip_decoration(rest);
    }
    if !rest.is_empty() && rest.first() != Some(&b' ') && rest.first() != Some(&b'(') {
        return None;
    }
    rest = rest.trim_ascii_start();
    if rest.first() == Some(&b'E') {
        let length = rest.iter().take_while(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || **b == b'_').count();
        (returned.errno, rest) = rest.split_at_checked(length)?;
        rest = rest.trim_ascii_start();
    }
    if let Some(inner) = rest.strip_prefix(b"(") {
        returned.comment = inner.strip_suffix(b")").unwrap_or(inner);
    }
    Some(returned)
}

/// A leading number: decimal with sign, or hexadecimal behind `0x`, which may be an address above the signed range.
fn integer(text: &[u8]) -> Option<(i64, &[u8])> {
    if let Some(digits) = text.strip_prefix(b"0x") {
        let length = digits.iter().take_while(|b| b.is_ascii_hexdigit()).count();
        let (digits, rest) = digits.split_at_checked(length)?;
        return Some((scan::hex(digits)? as i64, rest));
    }
    let (negative, digits) = match text.strip_prefix(b"-") {
        Some(digits) => (true, digits),
        None => (false, text),
    };
    let (number, rest) = scan::leading_number(digits)?;
    let number = number as i64;
    Some((if negative { number.wrapping_neg() } else { number }, rest))
}

/// Skips `<TCP:[a->b]>`, which may nest and hold `->`.
fn skip_decoration(text: &[u8]) -> &[u8] {
    let mut depth = 0u32;
    let mut before = 0u8;
    for (i, &b) in text.iter().enumerate() {
        match b {
            b'<' => depth = depth.saturating_add(1),
            b'>' if before != b'-' => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    let rest = text.get(i + 1..).unwrap_or(b"");
                    return rest.strip_prefix(b"(deleted)").unwrap_or(rest);
                }
            }
            _ => {}
        }
        before = b;
    }
    text
}

/// `-T`: ` <0.000063>` at the end; what stands in front, and the seconds, empty if there are none.
#[inline]
fn split_duration(text: &[u8]) -> (&[u8], &[u8]) {
    let Some(inner) = text.strip_suffix(b">") else { return (text, b"") };
    // Nearly all are of less than ten seconds.
    const SECONDS: Shape = Shape::of(b"0.000000");
    if let Some((front, seconds)) = inner.split_last_chunk::<8>()
        && SECONDS.begins(seconds)
        && let Some(rest) = front.strip_suffix(b" <")
    {
        return (rest, seconds);
    }
    let window = inner.len().saturating_sub(24);
    let Some(open) = inner.get(window..).and_then(|w| memchr::memrchr(b'<', w)).map(|i| i + window) else { return (text, b"") };
    match (inner.get(open + 1..).filter(|s| is_seconds(s)), text.get(..open).and_then(|t| t.strip_suffix(b" "))) {
        (Some(seconds), Some(rest)) => (rest, seconds),
        _ => (text, b""),
    }
}

/// Whether a text is a number of seconds with a fraction.
fn is_seconds(text: &[u8]) -> bool {
    let fraction = scan::leading_number(text).and_then(|(_, rest)| rest.strip_prefix(b"."));
    fraction.is_some_and(|f| f.len() <= 9 && scan::number(f).is_some())
}

/// Where a banner begins that went out while the line was open.
fn glued_banner(text: &[u8]) -> Option<usize> {
    let mut from = text.len();
    while let Some(at) = memchr::memmem::rfind(text.get(..from)?, b"Process ") {
        let after = scan::leading_number(text.get(at + 8..)?).map(|(_, rest)| rest);
        if after.is_some_and(|a| [&b" attached"[..], b" detached", b" suspended", b" resumed"].iter().any(|w| a.starts_with(w))) {
            return Some(program_start(text, at));
        }
        from = at;
    }
    None
}

/// The beginning of the `strace: ` or `/usr/bin/strace: ` that stands before `at`, else `at`. What a relative path begins with cannot
/// be told from the arguments it is glued to.
fn program_start(text: &[u8], at: usize) -> usize {
    let before = text.get(..at).unwrap_or(b"");
    let Some(spoken) = before.strip_suffix(b": ") else { return at };
    let Some(name) = memchr::memmem::rfind(spoken, b"strace") else { return at };
    if spoken.get(name..).is_none_or(|n| n.contains(&b' ')) {
        return at;
    }
    let directories = spoken.get(..name).unwrap_or(b"");
    if !directories.ends_with(b"/") {
        return name;
    }
    let run = directories.iter().rev().take_while(|b| b.is_ascii_alphanumeric() || matches!(b, b'/' | b'.' | b'_' | b'-')).count();
    let start = name.saturating_sub(run);
    directories.get(start..).and_then(|d| memchr::memchr(b'/', d)).map_or(name, |slash| start + slash)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_returned_plainly_is_read_like_anything() {
        let mut seen = 0;
        for args in ["", "3", "\") = 1", "3, \"\u{e9}\") = "] {
            for middle in [") = ", ")  = ", ") =", "= ", ") = -", ") = 0x", ") = 1 "] {
                for number in ["", "0", "7", "1681", "1234567", "12345678", "123456789", "99999999999999999999", "12a"] {
                    let text = format!("{args}{middle}{number}");
                    if let Some(found) = plainly(text.as_bytes(), b"0.1") {
                        seen += 1;
                        assert_eq!(Some(found), returned(text.as_bytes(), b"0.1"), "{text}");
                    }
                }
            }
        }
        assert!(seen > 10, "{seen}");
    }
}
