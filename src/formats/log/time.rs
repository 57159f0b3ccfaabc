//! Times at the beginning of log lines, as text: each function returns the time as printed and what follows it.

/// Any date with a time, without brackets around it.
pub fn date_time(text: &[u8]) -> Option<(&[u8], &[u8])> {
    iso(text).or_else(|| month_first(text)).or_else(|| day_first(text)).and_then(|length| text.split_at_checked(length))
}

/// `14:56:05`, `14:56:05.803`, `14:56:05,803`.
pub fn clock(text: &[u8]) -> Option<(&[u8], &[u8])> {
    text.split_at_checked(clock_length(text)?)
}

/// `2026-11-22 14:56:05.803`, `2026/11/22T14:56:05Z`, with an offset or a zone's name behind.
fn iso(text: &[u8]) -> Option<usize> {
    if !digits(text, 0, 4) || !digits(text, 5, 2) || !digits(text, 8, 2) {
        return None;
    }
    let separator = *text.get(4)?;
    if !matches!(separator, b'-' | b'/' | b'.') || text.get(7) != Some(&separator) || !matches!(text.get(10)?, b' ' | b'T' | b'-' | b':') {
        return None;
    }
    let end = 11 + clock_length(text.get(11..)?)?;
    Some(end + zone_length(text.get(end..)?))
}

/// `Nov  8 02:18:41`, `Sat Nov 22 14:56:05.123 2026`, `Nov 22 2026 14:56:05`.
fn month_first(text: &[u8]) -> Option<usize> {
    let mut at = 0;
    if WEEKDAYS.iter().any(|d| text.starts_with(d)) {
        at = 3 + blanks(text.get(3..)?);
        if at == 3 {
            return None;
        }
    }
    if !is_month(text.get(at..)?) {
        return None;
    }
    at += 3;
    at += some_blanks(text.get(at..)?)?;
    at += day_length(text.get(at..)?)?;
    at += some_blanks(text.get(at..)?)?;
    if digits(text, at, 4) && text.get(at + 4) == Some(&b' ') {
        at += 5;
    }
    at += clock_length(text.get(at..)?)?;
    if text.get(at) == Some(&b' ') && digits(text, at + 1, 4) && !text.get(at + 5).is_some_and(u8::is_ascii_digit) {
        at += 5;
    }
    Some(at)
}

/// `22 Nov 2026 14:56:05,803`, `22/Nov/2026:14:56:05 +0000`.
fn day_first(text: &[u8]) -> Option<usize> {
    let mut at = day_length(text)?;
    let separator = *text.get(at)?;
    if !matches!(separator, b' ' | b'/' | b'-') || !is_month(text.get(at + 1..)?) {
        return None;
    }
    at += 4;
    if text.get(at) == Some(&separator) && digits(text, at + 1, 4) {
        at += 5;
    }
    if !matches!(text.get(at)?, b' ' | b':') {
        return None;
    }
    at += 1;
    at += clock_length(text.get(at..)?)?;
    Some(at + zone_length(text.get(at..)?))
}

const WEEKDAYS: [&[u8]; 7] = [b"Mon", b"Tue", b"Wed", b"Thu", b"Fri", b"Sat", b"Sun"];
const MONTHS: [&[u8]; 12] = [b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun", b"Jul", b"Aug", b"Sep", b"Oct", b"Nov", b"Dec"];

fn is_month(text: &[u8]) -> bool {
    MONTHS.iter().any(|m| text.starts_with(m))
}

fn clock_length(text: &[u8]) -> Option<usize> {
    if !digits(text, 0, 2) || text.get(2) != Some(&b':') || !digits(text, 3, 2) || text.get(5) != Some(&b':') || !digits(text, 6, 2) {
        return None;
    }
    match text.get(8) {
        Some(b'.' | b',') if digits(text, 9, 1) => Some(9 + text.iter().skip(9).take(9).take_while(|b| b.is_ascii_digit()).count()),
        // pgpool writes a colon behind the time.
        Some(b':') if text.get(9) == Some(&b' ') => Some(8),
        Some(b'0'..=b'9' | b':') => None,
        _ => Some(8),
    }
}

/// `Z`, `+01:00`, ` +0000`, ` UTC`.
fn zone_length(text: &[u8]) -> usize {
    if text.first() == Some(&b'Z') {
        return 1;
    }
    let blank = usize::from(text.first() == Some(&b' '));
    if matches!(text.get(blank), Some(b'+' | b'-')) && digits(text, blank + 1, 2) {
        if text.get(blank + 3) == Some(&b':') && digits(text, blank + 4, 2) {
            return blank + 6;
        }
        if digits(text, blank + 3, 2) {
            return blank + 5;
        }
    }
    let zone = text.get(1..).unwrap_or(b"");
    if blank == 1
        && matches!(zone.first(), Some(b'A'..=b'Z'))
        && [&b"UTC "[..], b"GMT ", b"CET ", b"CEST ", b"EST ", b"PST ", b"CST ", b"JST "].iter().any(|z| zone.starts_with(z))
    {
        return 1 + zone.iter().take_while(|b| **b != b' ').count();
    }
    0
}

fn day_length(text: &[u8]) -> Option<usize> {
    let count = text.iter().take(3).take_while(|b| b.is_ascii_digit()).count();
    (count == 1 || count == 2).then_some(count)
}

fn blanks(text: &[u8]) -> usize {
    text.iter().take_while(|b| **b == b' ').count()
}

fn some_blanks(text: &[u8]) -> Option<usize> {
    Some(blanks(text)).filter(|&n| n > 0)
}

fn digits(text: &[u8], from: usize, count: usize) -> bool {
    text.get(from..from + count).is_some_and(|t| t.iter().all(u8::is_ascii_digit))
}
