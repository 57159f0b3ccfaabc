//! The part of a file's name that tells when it was made, where others made by the same command differ in nothing else.
//!
//! ```text
//! ss_uanp_10h.txt, ss_uanp_14h.txt            10h, 14h
//! conns-thu-0904.txt, conns-fri-0911.txt      thu 0904, fri 0911
//! t0.txt, t0+30min.txt, t0+60min.txt          t0, t0+30min, t0+60min
//! ```
//!
//! One name alone tells nothing: `mon` may be a host, and a number a port. Names only propose; that the files are of one thing their rows decide.

use super::layout::{is_clock, is_later, is_number, is_sample, is_time, is_time_of_day};

/// How sure it is that a word is a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// A number, which may count samples, but may as well be a port.
    Number,
    /// A date, a time of day, a day of the week, or a word such as `before`.
    Time,
}

/// Days of the week in their order.
const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
/// Words that are a time beside another such word.
const WORDS: &[&str] = &["during", "middle", "mid", "morning", "noon", "afternoon", "evening", "night", "yesterday", "today", "peak"];
/// Units of what has passed.
const UNITS: &[&str] = &["s", "sec", "secs", "m", "min", "mins", "h", "hour", "hours", "d", "day", "days"];
/// How many digits a number has at most that counts.
const DIGITS: usize = 6;

/// The words of a path, each with the mark that parts it from the next.
fn words(path: &str) -> impl Iterator<Item = &str> {
    path.split_inclusive(['/', '.', '-', '_', ' '])
}

fn bare(word: &str) -> &str {
    word.trim_end_matches(['/', '.', '-', '_', ' '])
}

/// A path with a mark in the place of each word that may be a time. Files of one command at several times have it in common.
pub fn pattern(path: &str) -> String {
    let mut pattern = String::with_capacity(path.len());
    for word in words(path) {
        let text = bare(word);
        match kind(text) {
            Some(Kind::Time) => pattern.push('\u{1}'),
            Some(Kind::Number) => pattern.push('\u{2}'),
            None => pattern.push_str(text),
        }
        pattern.push_str(word.get(text.len()..).unwrap_or(""));
    }
    pattern
}

/// A path without the word or number at the end of its name that tells a second time, that word, and how sure it is that it is one: `ss.txt` of
/// `ss-later.txt`, `ss.2` and `ss2.txt`; `None` where it has none.
pub fn base(path: &str) -> Option<(String, &str, Kind)> {
    let (directory, name) = path.rsplit_once('/').map_or(("", path), |(d, n)| (d, n));
    let at = |base: &str| if directory.is_empty() { base.to_string() } else { format!("{directory}/{base}") };
    let again = |word: &str| match word {
        _ if is_later(word) => Some(Kind::Time),
        _ if word.len() == 1 && is_number(word) && word > "1" => Some(Kind::Number),
        _ => None,
    };
    // `ss.2` has its number where others have the kind of file.
    let (stem, kind_of_file) = match name.rsplit_once('.') {
        Some((stem, last)) if again(last).is_none() => (stem, format!(".{last}")),
        _ => (name, String::new()),
    };
    if let Some((front, last)) = stem.rsplit_once(['.', '-', '_', ' '])
        && let Some(kind) = again(last)
    {
        return Some((at(&format!("{front}{kind_of_file}")), last, kind));
    }
    let front = stem.get(..stem.len().checked_sub(1)?).filter(|f| f.ends_with(|c: char| c.is_ascii_alphabetic()))?;
    let last = stem.get(front.len()..)?;
    Some((at(&format!("{front}{kind_of_file}")), last, again(last)?))
}

/// What tells each of several paths of one pattern from the others, in their order, and how sure it is that this is a time; `None` if two of
/// them are told apart by nothing.
pub fn apart(paths: &[&str]) -> Option<(Vec<String>, Kind)> {
    let all: Vec<Vec<&str>> = paths.iter().map(|path| words(path).map(bare).collect()).collect();
    let first = all.first()?;
    let differs = |n: &usize| all.iter().any(|other| other.get(*n) != first.get(*n));
    let places: Vec<usize> = (0..first.len()).filter(differs).collect();
    let sure = places.iter().filter_map(|&n| first.get(n).and_then(|word| kind(word))).max()?;
    let told: Vec<String> =
        all.iter().map(|words| places.iter().filter_map(|&n| words.get(n).copied()).collect::<Vec<_>>().join("_")).collect();
    let mut distinct = told.clone();
    distinct.sort_unstable();
    distinct.dedup();
    (distinct.len() == told.len()).then_some((told, sure))
}

/// Whether a path has the words that tell a moment, in their order.
pub fn has(path: &str, moment: &str) -> bool {
    let mut rest = words(path).map(bare);
    moment.split('_').all(|wanted| rest.any(|word| word == wanted))
}

/// Whether numbers count something from its beginning: 1, 2, 3.
pub fn count_up(moments: &[String]) -> bool {
    let mut numbers: Vec<u32> = moments.iter().filter_map(|m| m.parse().ok()).collect();
    numbers.sort_unstable();
    let first = numbers.first().copied().unwrap_or(u32::MAX);
    numbers.len() == moments.len() && first < 2 && (first..).zip(&numbers).all(|(n, number)| n == *number)
}

/// Seconds from one moment to a later one, as far as their names tell: of a day, of a week, or since the same beginning.
pub fn seconds(from: &str, to: &str) -> Option<u64> {
    let (from, to) = (Told::of(from), Told::of(to));
    let clock = || Some(to.clock? - from.clock?);
    let days = match (from.date.zip(to.date), from.day.zip(to.day)) {
        (Some((a, b)), _) => Some(b - a),
        (None, Some((a, b))) => Some((b - a).rem_euclid(7)),
        (None, None) => None,
    };
    let passed = || Some(to.passed? - from.passed?);
    let seconds = match days {
        // Both were made at the same time of day where that is not told apart.
        Some(days) => days * DAY + clock().unwrap_or(0),
        None => clock().or_else(passed)?,
    };
    u64::try_from(seconds).ok().filter(|&s| s > 0)
}

/// What a name tells of its moment.
#[derive(Clone, Copy, Debug, Default)]
struct Told {
    /// Days since some day.
    date: Option<i64>,
    /// The day of the week.
    day: Option<i64>,
    /// Seconds of the day.
    clock: Option<i64>,
    /// Seconds since the first sample.
    passed: Option<i64>,
}

const DAY: i64 = 86_400;

impl Told {
    fn of(name: &str) -> Told {
        if is_time_of_day(name) || is_time(name) {
            return Told::of_word(name);
        }
        let mut told = Told::default();
        for word in words(name).map(|w| Told::of_word(bare(w))) {
            told.date = told.date.or(word.date);
            told.day = told.day.or(word.day);
            told.clock = told.clock.or(word.clock);
            told.passed = told.passed.or(word.passed);
        }
        told
    }

    fn of_word(word: &str) -> Told {
        let lower = word.to_ascii_lowercase();
        let digits: String = lower.chars().filter(char::is_ascii_digit).collect();
        let number = |from: usize, to: usize| digits.get(from..to).and_then(|d| d.parse::<i64>().ok());
        let clock = |from: usize| {
            Some(number(from, from + 2)? * 3600 + number(from + 2, from + 4).unwrap_or(0) * 60 + number(from + 4, from + 6).unwrap_or(0))
        };
        let mut told = Told { day: day(&lower).and_then(|n| i64::try_from(n).ok()), ..Told::default() };
        if is_time(word) && digits.len() != 10 {
            told.date = number(0, 4).zip(number(4, 6)).zip(number(6, 8)).map(|((year, month), day)| days(year, month, day));
            told.clock = (digits.len() >= 12).then(|| clock(8)).flatten();
        } else if is_time_of_day(word) || is_number(word) && matches!(word.len(), 4 | 6) && is_clock(word) {
            told.clock = clock(0);
        } else if is_hour(&lower) {
            let hour = digits.get(..digits.len().min(if digits.len() == 3 { 1 } else { 2 })).and_then(|h| h.parse::<i64>().ok());
            let minutes = digits.get(digits.len().saturating_sub(2)..).filter(|_| digits.len() > 2).and_then(|m| m.parse::<i64>().ok());
            let noon = if lower.ends_with("pm") && hour != Some(12) { 12 } else { 0 };
            told.clock = hour.map(|h| (h + noon) * 3600 + minutes.unwrap_or(0) * 60);
        } else if has_passed(&lower) {
            told.passed = passed(&lower);
        } else if matches!(lower.as_str(), "t0" | "start") {
            told.passed = Some(0);
        }
        told
    }
}

/// Days since the first of March of the year 0, by the calendar.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    year * 365 + year / 4 - year / 100 + year / 400 + (153 * month + 2) / 5 + day
}

/// The seconds of `t0+30min`.
fn passed(word: &str) -> Option<i64> {
    let word = word.rsplit_once('+').map_or(word, |(_, passed)| passed);
    let unit = word.trim_start_matches(|c: char| c.is_ascii_digit());
    let number: i64 = word.strip_suffix(unit)?.parse().ok().filter(|n| *n < 1_000_000)?;
    let seconds = match unit.bytes().next()? {
        b's' => 1,
        b'm' => 60,
        b'h' => 3600,
        _ => DAY,
    };
    Some(number * seconds)
}

/// What a word alone may tell.
fn kind(word: &str) -> Option<Kind> {
    let lower = word.to_ascii_lowercase();
    let number = is_number(word);
    if is_time(word) || is_time_of_day(word) || number && word.len() == 4 && is_clock(word) {
        return Some(Kind::Time);
    }
    if number {
        return (word.len() <= DIGITS).then_some(Kind::Number);
    }
    let named = WORDS.contains(&lower.as_str()) || day(&lower).is_some() || is_sample(word);
    (named || is_hour(&lower) || has_passed(&lower)).then_some(Kind::Time)
}

/// The number of a day of the week: `thu`, `thursday`.
pub fn day(word: &str) -> Option<usize> {
    DAYS.iter()
        .position(|day| word.strip_prefix(day).is_some_and(|rest| matches!(rest, "" | "day" | "sday" | "nesday" | "rsday" | "urday")))
}

/// `10h`, `9h30`, `7am`.
fn is_hour(word: &str) -> bool {
    let digits = word.bytes().take_while(u8::is_ascii_digit).count();
    let (number, rest) = word.split_at_checked(digits).unwrap_or(("", ""));
    let minutes = rest.strip_prefix('h').is_some_and(|m| m.is_empty() || m.len() == 2 && is_number(m));
    (1..=2).contains(&digits) && number.parse::<u32>().is_ok_and(|h| h < 24) && (minutes || matches!(rest, "am" | "pm"))
}

/// `+30min`, `t0+30min`, `90s`.
fn has_passed(word: &str) -> bool {
    let word = word.rsplit_once('+').map_or(word, |(from, passed)| if from.is_empty() || is_sample(from) { passed } else { "" });
    let digits = word.bytes().take_while(u8::is_ascii_digit).count();
    digits > 0 && word.get(digits..).is_some_and(|unit| UNITS.contains(&unit))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(paths: &[&str]) -> Option<(String, Kind)> {
        let first = pattern(paths[0]);
        if !paths.iter().all(|p| pattern(p) == first) {
            return None;
        }
        apart(paths).map(|(all, kind)| (all.join(" "), kind))
    }

    #[test]
    fn names_that_differ_in_a_time() {
        for (paths, want) in [
            (&["ss_uanp_10h.txt", "ss_uanp_14h.txt"][..], "10h 14h"),
            (&["x-t0.txt", "x-t0+30min.txt", "x-t0+60min.txt"], "t0 t0+30min t0+60min"),
            (&["netstat_20140310_0900", "netstat_20140311_0900"], "20140310 20140311"),
            (&["lsof-mon", "lsof-tue"], "mon tue"),
            (&["thu-0904.txt", "fri-0911.txt"], "thu_0904 fri_0911"),
            (&["1-before.txt", "2-during.txt", "3-end.txt"], "1_before 2_during 3_end"),
            (&["monday/ss", "tuesday/ss"], "monday tuesday"),
        ] {
            assert_eq!(told(paths), Some((want.to_string(), Kind::Time)), "{paths:?}");
        }
        assert_eq!(told(&["udp-1.txt", "udp-2.txt"]), Some(("1 2".to_string(), Kind::Number)));
    }

    #[test]
    fn names_that_differ_in_something_else() {
        for paths in [
            &["ss-web1.txt", "ss-web2.txt"][..],
            &["tcp", "tcp6"],
            &["ss-tan.txt", "ss-tanp.txt"],
            &["ss-mon.txt", "ss-osd.txt"],
            &["ss-before.txt", "ss-1.txt"],
            &["a/ss-10h", "b/ss-14h"],
            &["ss.txt", "ss.txt"],
        ] {
            assert_eq!(told(paths), None, "{paths:?}");
        }
    }

    #[test]
    fn a_second_file_beside_one_without_a_number() {
        for (path, want) in [
            ("ss-ltnp.2", Some(("ss-ltnp", "2", Kind::Number))),
            ("a/lsof2.txt", Some(("a/lsof.txt", "2", Kind::Number))),
            ("netstat-later.txt", Some(("netstat.txt", "later", Kind::Time))),
            ("ss_2.txt", Some(("ss.txt", "2", Kind::Number))),
            ("ss.txt", None),
            ("ss-1.txt", None),
            ("fd-4684.txt", None),
            ("2.txt", None),
        ] {
            assert_eq!(base(path), want.map(|(base, word, kind)| (base.to_string(), word, kind)), "{path}");
        }
    }

    #[test]
    fn numbers_that_count_up_begin_at_the_beginning() {
        let counts = |words: &[&str]| count_up(&words.iter().map(|w| w.to_string()).collect::<Vec<_>>());
        assert!(counts(&["1", "2", "3"]) && counts(&["00", "01"]) && counts(&["2", "1"]));
        assert!(!counts(&["80", "443"]) && !counts(&["4", "6"]) && !counts(&["1", "3"]) && !counts(&["mon", "tue"]));
    }

    #[test]
    fn what_has_passed_between_two_names() {
        for (from, to, want) in [
            ("10h", "14h", Some(4 * 3600)),
            ("9h30", "10h", Some(1800)),
            ("11am", "2pm", Some(3 * 3600)),
            ("t0", "t0+30min", Some(1800)),
            ("t0+30min", "t0+60min", Some(1800)),
            ("13-02", "13-42", Some(2400)),
            ("20140310", "20140311", Some(DAY as u64)),
            ("20140228_2300", "20140301_0100", Some(7200)),
            ("thu_0904", "fri_0911", Some(DAY as u64 + 420)),
            ("sat", "mon", Some(2 * DAY as u64)),
            ("before", "after", None),
            ("1", "2", None),
            ("14h", "10h", None),
        ] {
            assert_eq!(seconds(from, to), want, "{from} {to}");
        }
    }

    #[test]
    fn what_lies_beside_a_sample_is_told_by_its_words() {
        assert!(has("ps-thu-0904.txt", "thu_0904") && has("10h/ps", "10h"));
        assert!(!has("ps-fri-0911.txt", "thu_0904") && !has("ps.txt", "10h"));
    }
}
