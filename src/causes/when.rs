//! Of which day a line of a log is, so that what was true months ago is not taken for what is.
//!
//! ```text
//! 2026-11-22 14:56:05.803      2022/09/19 02:22:53      Tue Mar 17 10:12:01 2026
//! Nov  8 02:18:41              no year: the last such day before the capture
//! ```

use jiff::civil::Date;

const MONTHS: [&str; 12] = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
/// Days that a time zone, a night or the day of the capture itself may account for.
const NEAR: i32 = 2;

/// Whether a time as printed is of days before a capture; `None` where it tells no day.
pub(super) fn is_past(printed: &str, captured: Date) -> Option<bool> {
    let day = day_of(printed, captured)?;
    Some(captured.since(day).ok()?.get_days() >= NEAR)
}

/// A time as printed, in seconds by its own clock; `None` where it tells no day or no time. Without a year it is of that of `year`.
pub(super) fn moment(printed: &str, year: i16) -> Option<i64> {
    // As if captured at the end of that year: a month without a year is then of it.
    let day = day_of(printed, Date::new(year, 12, 31).ok()?)?;
    let clock = printed.as_bytes().windows(8).find(|w| matches!(w, [_, _, b':', _, _, b':', _, _]))?;
    let two = |at: usize| std::str::from_utf8(clock.get(at..at + 2)?).ok()?.parse::<i64>().ok();
    let days = day.since(Date::new(1970, 1, 1).ok()?).ok()?.get_days();
    Some(i64::from(days) * 86_400 + two(0)? * 3600 + two(3)? * 60 + two(6)?)
}

fn day_of(printed: &str, captured: Date) -> Option<Date> {
    let words: Vec<&str> = printed.split(|c: char| !c.is_ascii_alphanumeric()).filter(|w| !w.is_empty()).collect();
    let year_of = |word: &&str| if word.len() == 4 { word.parse::<i16>().ok().filter(|y| (1990..2100).contains(y)) } else { None };
    if let [year, month, day, ..] = words.as_slice()
        && let Some(year) = year_of(year)
    {
        // A `T` may stand between day and hour.
        let day = day.split(|c: char| !c.is_ascii_digit()).next()?;
        return Date::new(year, month.parse().ok()?, day.parse().ok()?).ok();
    }
    let month = words.iter().find_map(|w| MONTHS.iter().position(|m| w.eq_ignore_ascii_case(m)))?;
    let month = i8::try_from(month + 1).ok()?;
    let day = words.iter().find_map(|w| w.parse::<i8>().ok().filter(|d| (1..=31).contains(d) && w.len() <= 2))?;
    if let Some(year) = words.iter().find_map(year_of) {
        return Date::new(year, month, day).ok();
    }
    let this = Date::new(captured.year(), month, day).ok()?;
    // A clock may be ahead by a day.
    if this > captured.tomorrow().ok()? { Date::new(captured.year() - 1, month, day).ok() } else { Some(this) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_by_their_own_clock() {
        let of = |printed| moment(printed, 2026);
        let start = of("Wed Sep  2 22:00:14 2026");
        assert_eq!(start, of("2026-09-02 22:00:14,317"));
        assert_eq!(start, of("Sep  2 22:00:14"));
        assert_eq!(of("2026/09/02 22:01:14").zip(start).map(|(a, b)| a - b), Some(60));
        assert_eq!((of("22:00:14"), of("2026-09-02"), of("")), (None, None, None));
    }

    #[test]
    fn lines_of_days_before() {
        let captured = Date::new(2026, 1, 5).unwrap();
        for (printed, past) in [
            ("2026-01-05 14:56:05.803", Some(false)),
            ("2026-01-04T23:56:05Z", Some(false)),
            ("2026/01/02 02:22:53", Some(true)),
            ("Jan  5 02:18:41", Some(false)),
            ("Nov  8 02:18:41", Some(true)),
            ("Jan  6 00:18:41", Some(false)),
            ("Tue Mar 17 10:12:01 2025", Some(true)),
            ("05/Jan/2026:10:00:00 +0000", Some(false)),
            ("14:56:05", None),
            ("1234.5", None),
            ("", None),
        ] {
            assert_eq!(is_past(printed, captured), past, "{printed}");
        }
    }
}
