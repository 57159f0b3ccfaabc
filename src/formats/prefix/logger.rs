//! What a logger writes in front of a line: time, host and program, or time and stream.

use crate::formats::scan;

/// The host that a logger wrote in front of a line.
pub fn logging_host(line: &[u8]) -> Option<&[u8]> {
    let rest = match line.strip_prefix(b"<").and_then(|rest| memchr::memmem::find(rest, b">1 ").and_then(|at| rest.get(at + 3..))) {
        Some(rest) => rest.get(memchr::memchr(b' ', rest)? + 1..)?,
        None => after_program(line).and_then(|_| after_time(line)).filter(|rest| !rest.starts_with(b"std"))?,
    };
    rest.split(|&b| b == b' ').next().filter(|host| host.len() > 1)
}

/// Whether a date comes before the time of day; seconds since 1970 a strace may begin with.
pub(super) fn is_dated(line: &[u8]) -> bool {
    let inside = line.strip_prefix(b"[").unwrap_or(line);
    !matches!(inside, [_, _, b':', ..]) && !matches!(inside, [a, b, c, d, e, ..] if [a, b, c, d, e].iter().all(|b| b.is_ascii_digit()))
}

/// What follows a time of day, with a date in front of it or not, in brackets or not.
pub(super) fn after_time(line: &[u8]) -> Option<&[u8]> {
    let (inside, closing) = match line.strip_prefix(b"[") {
        Some(inside) => (inside, Some(b']')),
        None => (line, None),
    };
    let end = match closing {
        Some(mark) => memchr::memchr(mark, inside.get(..inside.len().min(40))?)?,
        None => end_of_time(inside)?,
    };
    let (time, rest) = inside.split_at_checked(end)?;
    if end_of_time(time) != Some(time.len()) {
        return None;
    }
    let rest = if closing.is_some() { rest.get(1..)? } else { rest };
    let rest = rest.strip_prefix(b":").unwrap_or(rest);
    // Of an empty line only the time is left.
    if rest.is_empty() {
        return Some(rest);
    }
    rest.strip_prefix(b" ").or_else(|| rest.strip_prefix(b"\t"))
}

/// What follows what a logger writes in front: `Nov 22 14:19:03 HOST PROGRAM[PID]: ` of syslog and the journal,
/// `<13>1 TIME HOST PROGRAM PID ID - ` of RFC 5424, `TIME stdout F ` of a container's runtime.
pub(super) fn after_logger(line: &[u8]) -> Option<&[u8]> {
    let Some(rest) = line.strip_prefix(b"<") else { return after_program(line) };
    let (_, rest) = scan::leading_number(rest)?;
    let rest = rest.strip_prefix(b">")?;
    let Some(rest) = rest.strip_prefix(b"1 ") else { return after_program(rest) };
    let mut words = scan::Fields::new(rest);
    let time = words.next()?;
    end_of_time(time).filter(|&end| end == time.len())?;
    words.nth(3)?;
    let rest = rest.get(words.offset() + 1..)?;
    // What is told in brackets between header and text ends with the last of them.
    let rest = match rest.strip_prefix(b"[") {
        Some(told) => told.get(memchr::memmem::find(told, b"] ").or_else(|| told.len().checked_sub(1))? + 1..)?,
        None => rest.strip_prefix(b"-")?,
    };
    let rest = rest.strip_prefix(b" ").unwrap_or(rest);
    Some(rest.strip_prefix(b"\xef\xbb\xbf").unwrap_or(rest))
}

/// What follows time, host and program, or time and stream. What the kernel says is no program's output, and keeps its program.
fn after_program(line: &[u8]) -> Option<&[u8]> {
    let rest = after_time(line)?;
    if let Some(rest) = rest.strip_prefix(b"stdout ").or_else(|| rest.strip_prefix(b"stderr ")) {
        let (mark, rest) = rest.split_first()?;
        return matches!(mark, b'F' | b'P').then(|| rest.strip_prefix(b" ").unwrap_or(rest));
    }
    let wordy = |w: &[u8]| !w.is_empty() && w.iter().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.' | b'/' | b'@'));
    let (host, rest) = rest.split_at_checked(memchr::memchr(b' ', rest)?)?;
    let tag = rest.trim_ascii_start();
    let (program, rest) = tag.split_at_checked(memchr::memchr(b':', tag)?)?;
    let (name, pid) = match program.strip_suffix(b"]").and_then(|p| p.split_at_checked(memchr::memrchr(b'[', p)?)) {
        Some((name, pid)) => (name, Some(scan::number(pid.get(1..)?)?)),
        None => (program, None),
    };
    // Without a process id it is a logger's only if its time is syslog's own.
    let told = pid.is_some() || !line.first()?.is_ascii_digit();
    let rest = rest.get(1..)?;
    let ends = rest.is_empty() || rest.starts_with(b" ");
    (wordy(host) && wordy(name) && name != b"kernel" && told && ends).then(|| rest.strip_prefix(b" ").unwrap_or(rest))
}

/// Where a time that begins here ends.
fn end_of_time(text: &[u8]) -> Option<usize> {
    // A date in figures or as syslog writes it, then the time of day with its fraction and zone.
    let date = match text {
        // Seconds since 1970 with their fraction, as `ts %.s` and `date +%s.%N` print them.
        [b'1'..=b'9', rest @ ..] if rest.get(..9).is_some_and(|r| r.iter().all(u8::is_ascii_digit)) && rest.get(9) == Some(&b'.') => {
            let digits = rest.get(10..)?.iter().take_while(|b| b.is_ascii_digit()).count();
            return (digits > 0).then_some(11 + digits);
        }
        [a, b, c, d, b'-' | b'/', e, f, b'-' | b'/', g, h, b' ' | b'T' | b'_', ..]
            if [a, b, c, d, e, f, g, h].iter().all(|b| b.is_ascii_digit()) =>
        {
            11
        }
        [a, b, c, b' ', d, e, b' ', ..]
            if a.is_ascii_uppercase()
                && b.is_ascii_lowercase()
                && c.is_ascii_lowercase()
                && (d.is_ascii_digit() || *d == b' ')
                && e.is_ascii_digit() =>
        {
            7
        }
        _ => 0,
    };
    let clock = text.get(date..)?;
    match clock {
        [a, b, b':', c, d, b':', e, f, ..] if [a, b, c, d, e, f].iter().all(|b| b.is_ascii_digit()) => {}
        _ => return None,
    }
    let tail = clock.get(8..)?.iter().take_while(|b| b.is_ascii_digit() || matches!(b, b'.' | b',' | b'Z' | b'+' | b'-')).count();
    let zone = match clock.get(8 + tail..)? {
        [b':', a, b, ..] if a.is_ascii_digit() && b.is_ascii_digit() && is_hours(clock.get(..8 + tail)?) => 3,
        _ => 0,
    };
    Some(date + 8 + tail + zone)
}

/// Whether a time of day ends in the hours of a zone: `+01`.
fn is_hours(clock: &[u8]) -> bool {
    matches!(clock, [.., b'+' | b'-', a, b] if a.is_ascii_digit() && b.is_ascii_digit())
}
