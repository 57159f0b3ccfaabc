//! `date` in its usual forms, ISO 8601, and seconds since the epoch: when a capture was made.
//!
//! ```text
//! Sun Nov 22 14:56:52 UTC 2026
//! Sun 22 Nov 2026 02:56:52 PM CET
//! Sun, 22 Nov 2026 14:56:52 +0000
//! 2026-11-22T14:56:52+00:00
//! ```
//!
//! Handed on as RFC 3339 in UTC. A zone's short name is turned into an offset only where no other zone has it (`CST` and `IST` are
//! several): otherwise the text goes on as printed. Lines that begin with a weekday are read anywhere; ISO forms and bare seconds only
//! where the path or the command says that it is a date, since logs are full of them.

use super::{Fit, Format, Hint, Parser, Probe, Taken, named, prompt, scan};
use crate::facts::{At, Identity, IdentityKey, Sink};
use jiff::{Timestamp, civil::DateTime, tz::Offset};

/// The time of a capture.
pub struct Date;

struct Reading {
    /// Whether forms that are not certain may be read.
    named: bool,
}

impl Format for Date {
    fn id(&self) -> &'static str {
        "date"
    }

    fn title(&self) -> &'static str {
        "date"
    }

    fn fit(&self, probe: &Probe<'_>) -> Fit {
        let Some(first) = probe.rows().next() else { return Fit::No };
        let named = probe.whole && named::has_word(probe.path, "date") && read(first).is_some();
        if self.opens(first) || named { Fit::Likely } else { Fit::No }
    }

    fn opens(&self, line: &[u8]) -> bool {
        line.trim_ascii().first_chunk::<3>().is_some_and(is_weekday) && read(line).is_some()
    }

    fn printed_by(&self, command: &[u8]) -> bool {
        prompt::program(command) == b"date" && !prompt::counts(command)
    }

    fn parser(&self, hint: &Hint<'_>) -> Box<dyn Parser> {
        Box::new(Reading { named: prompt::program(hint.command) == b"date" || named::has_word(hint.path, "date") })
    }
}

impl Parser for Reading {
    fn line(&mut self, at: At<'_>, sink: &mut dyn Sink) -> Taken {
        let line = at.text.trim_ascii();
        if line.is_empty() {
            return Taken::Noise;
        }
        if !self.named && !Date.opens(line) {
            return Taken::Unknown;
        }
        let Some(time) = read(line) else { return Taken::Unknown };
        let value = time.timestamp().map(|t| t.to_string());
        sink.identity(at, &Identity { key: IdentityKey::Date, value: value.as_deref().map_or(line, str::as_bytes), pid: None });
        Taken::Row
    }
}

/// The time a text tells, as RFC 3339 in UTC; `None` if it is none, or its zone is not certain.
pub fn rfc3339(text: &[u8]) -> Option<String> {
    read(text)?.timestamp().map(|t| t.to_string())
}

struct Time {
    civil: DateTime,
    /// Seconds east of Greenwich, where the zone is certain.
    offset: Option<i32>,
}

impl Time {
    fn timestamp(&self) -> Option<Timestamp> {
        Offset::from_seconds(self.offset?).ok()?.to_timestamp(self.civil).ok()
    }
}

fn read(text: &[u8]) -> Option<Time> {
    let text = text.trim_ascii();
    if text.len() > 64 {
        return None;
    }
    iso(text).or_else(|| in_words(text)).or_else(|| epoch(text))
}

/// `1795359412`, `1795359412.123456789`.
fn epoch(text: &[u8]) -> Option<Time> {
    let whole = text.split(|&b| b == b'.').next()?;
    let rest = text.get(whole.len()..)?;
    let seconds = i64::try_from(scan::number(whole).filter(|n| (100_000_000..100_000_000_000).contains(n))?).ok()?;
    rest.iter().all(|b| b.is_ascii_digit() || *b == b'.').then_some(())?;
    let stamp = Timestamp::from_second(seconds).ok()?;
    Some(Time { civil: Offset::UTC.to_datetime(stamp), offset: Some(0) })
}

/// `2026-11-22T14:56:52.123Z`, `2026-11-22 14:56:52 +0100`.
fn iso(text: &[u8]) -> Option<Time> {
    let (date, rest) = text.split_at_checked(10)?;
    let mut parts = date.split(|&b| b == b'-');
    let (year, month, day) = (parts.next()?, parts.next()?, parts.next()?);
    let rest = rest.strip_prefix(b"T").or_else(|| rest.strip_prefix(b" "))?;
    let (clock, rest) = rest.split_at_checked(8)?;
    let fraction = match rest.first() {
        Some(b'.' | b',') => 1 + rest.iter().skip(1).take_while(|b| b.is_ascii_digit()).count(),
        _ => 0,
    };
    let zone = rest.get(fraction..)?.trim_ascii();
    let offset = if zone.is_empty() { None } else { Some(zone_of(zone)?) };
    Some(Time { civil: civil(scan::number(year)?, scan::number(month)?, scan::number(day)?, clock, None)?, offset: offset.flatten() })
}

/// Weekday, day, month, year, clock and zone in any order that a locale of English words has.
fn in_words(text: &[u8]) -> Option<Time> {
    let (mut day, mut month, mut year, mut clock, mut half, mut zone) = (None, None, None, None, None, None);
    let mut weekday = false;
    for field in scan::Fields::new(text) {
        let word = field.strip_suffix(b",").unwrap_or(field);
        if let Some(number) = scan::number(word) {
            match word.len() {
                1 | 2 if day.is_none() => day = Some(number),
                4 if year.is_none() => year = Some(number),
                _ => return None,
            }
        } else if word.get(2) == Some(&b':') || word.get(1) == Some(&b':') {
            clock = Some(word).filter(|_| clock.is_none());
        } else if matches!(word, b"AM" | b"PM" | b"am" | b"pm") {
            half = Some(word.first().is_some_and(|b| b.eq_ignore_ascii_case(&b'p')));
        } else if let Some(number) = month_of(word) {
            month = Some(number);
        } else if !weekday && word.first_chunk::<3>().is_some_and(is_weekday) {
            weekday = true;
        } else if zone.is_none() {
            zone = Some(zone_of(word)?);
        } else {
            return None;
        }
    }
    weekday.then_some(())?;
    Some(Time { civil: civil(year?, month?, day?, clock?, half)?, offset: zone.flatten() })
}

fn civil(year: u64, month: u64, day: u64, clock: &[u8], half: Option<bool>) -> Option<DateTime> {
    let mut parts = clock.split(|&b| b == b':');
    let mut next = || parts.next().filter(|p| p.len() <= 2).and_then(scan::number).and_then(|n| i8::try_from(n).ok());
    let (hour, minute, second) = (next()?, next()?, next()?);
    let hour = match half {
        Some(true) if hour < 12 => hour + 12,
        Some(false) if hour == 12 => 0,
        _ => hour,
    };
    DateTime::new(i16::try_from(year).ok()?, i8::try_from(month).ok()?, i8::try_from(day).ok()?, hour, minute, second.min(59), 0).ok()
}

/// Seconds east of Greenwich: `None` if the text is no zone, `Some(None)` if it is one of several.
fn zone_of(word: &[u8]) -> Option<Option<i32>> {
    const HOUR: i32 = 3600;
    let known = match word {
        b"UTC" | b"GMT" | b"Z" | b"UCT" | b"WET" => 0,
        b"CET" => HOUR,
        b"CEST" | b"EET" | b"SAST" => 2 * HOUR,
        b"EEST" | b"MSK" => 3 * HOUR,
        b"JST" | b"KST" => 9 * HOUR,
        b"EST" => -5 * HOUR,
        b"EDT" => -4 * HOUR,
        b"CDT" => -5 * HOUR,
        b"MST" => -7 * HOUR,
        b"MDT" => -6 * HOUR,
        b"PST" => -8 * HOUR,
        b"PDT" => -7 * HOUR,
        _ => return numeric_zone(word).map(Some).or_else(|| is_zone_name(word).then_some(None)),
    };
    Some(Some(known))
}

/// `+01`, `+0100`, `+01:00`.
fn numeric_zone(word: &[u8]) -> Option<i32> {
    let (sign, digits) = word.split_first()?;
    let sign = match sign {
        b'+' => 1,
        b'-' => -1,
        _ => return None,
    };
    let (hours, minutes) = digits.split_at_checked(2)?;
    let minutes = minutes.strip_prefix(b":").unwrap_or(minutes);
    let minutes = if minutes.is_empty() { 0 } else { scan::number(minutes).filter(|_| minutes.len() == 2)? };
    let seconds = scan::number(hours)? * 3600 + minutes * 60;
    i32::try_from(seconds).ok().map(|s| sign * s)
}

fn is_zone_name(word: &[u8]) -> bool {
    (2..=5).contains(&word.len()) && word.iter().all(u8::is_ascii_uppercase)
}

fn is_weekday(word: &[u8; 3]) -> bool {
    [b"Mon", b"Tue", b"Wed", b"Thu", b"Fri", b"Sat", b"Sun"].contains(&word)
}

fn month_of(word: &[u8]) -> Option<u64> {
    const MONTHS: [&[u8]; 12] = [b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun", b"Jul", b"Aug", b"Sep", b"Oct", b"Nov", b"Dec"];
    const LONG: [&[u8]; 12] = [
        b"January",
        b"February",
        b"March",
        b"April",
        b"May",
        b"June",
        b"July",
        b"August",
        b"September",
        b"October",
        b"November",
        b"December",
    ];
    let found = MONTHS.iter().position(|m| *m == word).or_else(|| LONG.iter().position(|m| *m == word))?;
    u64::try_from(found).ok().map(|n| n + 1)
}

#[cfg(test)]
mod tests {
    use super::rfc3339;
    use crate::formats::testing::{facts, told_as};

    #[test]
    fn all_forms_name_one_moment() {
        for text in [
            "Sun Nov 22 14:56:52 UTC 2026",
            "Sun 22 Nov 2026 02:56:52 PM UTC",
            "Sun 22 Nov 15:56:52 CET 2026",
            "Sun, 22 Nov 2026 09:56:52 -0500",
            "2026-11-22T14:56:52+00:00",
            "2026-11-22T14:56:52.291Z",
            "2026-11-22 14:56:52,291000000+00:00",
            "1795359412",
        ] {
            assert_eq!(rfc3339(text.as_bytes()).as_deref(), Some("2026-11-22T14:56:52Z"), "{text}");
        }
    }

    #[test]
    fn a_zone_that_is_several_stays_as_printed() {
        assert_eq!(facts("Sun Nov 22 14:56:52 CST 2026\n"), ["identity Date pid=- Sun Nov 22 14:56:52 CST 2026"]);
    }

    #[test]
    fn what_is_no_date() {
        for text in ["Sun Nov 22", "Sun Nov 32 14:56:52 UTC 2026", "Sun is shining at 14:56:52 on Nov 22 2026", "2026-11-22", "Mon", ""] {
            assert_eq!(rfc3339(text.as_bytes()), None, "{text}");
        }
        assert!(facts("2026-11-22 14:56:52\n1795359412\n").iter().all(|l| !l.starts_with("identity")), "only where it is named");
    }

    #[test]
    fn names_and_prompts() {
        let want = ["identity Date pid=- 2026-11-22T14:56:52Z"];
        assert_eq!(told_as("a/00_date.log", "Sun Nov 22 14:56:52 UTC 2026\r\n").0.lines, want);
        assert_eq!(told_as("date.out", "### date ###\n2026-11-22T14:56:52Z\n").0.lines, want);
        assert_eq!(facts("# date +%s\n1795359412\n"), want);
    }
}
