//! Counts with the time in front, as loops echo them and people write them down.
//!
//! ```text
//! $ while sleep 60; do echo $(date +%T) $(lsof -p 7 | grep -c ESTABLISHED); done
//! 14:05:30 12
//! 2026-11-09 12:00 netstat -tn | grep -c CLOSE_WAIT : 4
//! Open files by `lsof -p 7 | wc -l`:
//! 2026-11-09 08:00  377
//! ```

use super::essence::commands;
use super::scan::{self, Fields};
use super::{host_mark, prompt};

/// What an echo of a loop prints on one line.
#[derive(Debug, PartialEq, Eq)]
pub struct Echo<'a> {
    /// Whether the time stands in front.
    dated: bool,
    /// The pipelines whose counts follow.
    pub counts: Vec<&'a [u8]>,
}

impl<'a> Echo<'a> {
    /// That of a command line whose only output it is: nothing but the time and counts, of which none goes over a list.
    pub fn of(command: &'a [u8]) -> Option<Echo<'a>> {
        let begins = |part: &'a [u8]| part.strip_prefix(b"do ").unwrap_or(part).strip_prefix(b"echo ");
        let mut echoes = commands(command).into_iter().filter_map(begins);
        let mut rest = echoes.next().filter(|_| echoes.next().is_none())?;
        rest = rest.trim_ascii();
        rest = rest.strip_prefix(b"\"").unwrap_or(rest).trim_ascii_start();
        let mut echo = Echo { dated: false, counts: Vec::new() };
        while let Some((inside, behind)) = put_in(rest) {
            match prompt::program(inside) {
                b"date" => echo.dated = true,
                _ if prompt::counts(inside) && !goes_over_a_list(inside) => echo.counts.push(inside),
                _ => return None,
            }
            rest = behind.trim_ascii_start();
        }
        (matches!(rest, b"" | b"\"") && !echo.counts.is_empty()).then_some(echo)
    }

    /// The counts of a line.
    pub fn read(&self, line: &[u8]) -> Option<Vec<u64>> {
        let fields: Vec<&[u8]> = Fields::new(line).collect();
        let (time, counts) = fields.split_at_checked(fields.len().checked_sub(self.counts.len())?)?;
        let told = time.iter().any(|word| is_clock(word) || is_day(word) || scan::is_digits(word));
        (told == self.dated && time.is_empty() != self.dated).then(|| counts.iter().map(|n| scan::number(n)).collect())?
    }
}

/// The command that a text puts in its place, `$(...)` or in backquotes at its beginning, and what follows.
fn put_in(text: &[u8]) -> Option<(&[u8], &[u8])> {
    if let Some(rest) = text.strip_prefix(b"`") {
        let end = memchr::memchr(b'`', rest)?;
        return Some((rest.get(..end)?, rest.get(end + 1..)?));
    }
    let rest = text.strip_prefix(b"$(")?;
    let mut depth = 1u32;
    for (at, &byte) in rest.iter().enumerate() {
        match byte {
            b'(' => depth += 1,
            b')' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return Some((rest.get(..at)?, rest.get(at + 1..)?));
        }
    }
    None
}

/// Whether a command names what it counts by a variable.
fn goes_over_a_list(command: &[u8]) -> bool {
    host_mark::goes_over_hosts(command)
        || command.windows(2).any(|w| matches!(w, [b'$', next] if next.is_ascii_alphabetic() || matches!(next, b'{' | b'_')))
}

/// A line that tells when, by which command, and how many.
pub fn with_command(line: &[u8]) -> Option<(&[u8], u64)> {
    if !line.first()?.is_ascii_digit() || !line.last()?.is_ascii_digit() || !line.contains(&b'|') {
        return None;
    }
    let rest = behind_day(line)?;
    let (before, count) = rest.split_at_checked(rest.iter().rposition(|&b| scan::is_blank(b))?)?;
    let command = before.trim_ascii_end().strip_suffix(b":").or_else(|| before.trim_ascii_end().strip_suffix(b"="))?;
    let command = command.trim_ascii();
    prompt::counts(command).then_some((command, scan::number(count.trim_ascii())?))
}

/// The number of a line that tells a day, a time and a number.
pub fn number(line: &[u8]) -> Option<u64> {
    scan::number(behind_day(line)?.trim_ascii())
}

/// A counting command that a sentence quotes, if it introduces what follows.
pub fn introduced(line: &[u8]) -> Option<&[u8]> {
    let line = line.trim_ascii().strip_suffix(b":")?;
    let mut quoted = line.split(|&b| b == b'`').skip(1).step_by(2);
    let command = quoted.next().filter(|_| quoted.next().is_none())?;
    (command.contains(&b'|') && prompt::counts(command)).then_some(command)
}

/// What follows `2026-11-09 12:00` at the beginning of a line.
fn behind_day(line: &[u8]) -> Option<&[u8]> {
    let mut fields = Fields::new(line);
    let told = is_day(fields.next()?) && is_clock(fields.next()?);
    told.then(|| fields.rest())
}

/// `2026-11-09`, `2026/11/09`.
fn is_day(word: &[u8]) -> bool {
    word.len() == 10 && word.iter().enumerate().all(|(n, b)| if matches!(n, 4 | 7) { matches!(b, b'-' | b'/') } else { b.is_ascii_digit() })
}

/// `12:00`, `12:00:01`.
fn is_clock(word: &[u8]) -> bool {
    matches!(word.len(), 5 | 8) && word.iter().enumerate().all(|(n, b)| if n % 3 == 2 { *b == b':' } else { b.is_ascii_digit() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_echo_prints() {
        let read = |command: &str, line: &str| Echo::of(command.as_bytes()).and_then(|echo| echo.read(line.as_bytes()));
        let one = "while sleep 60; do echo $(date +%T) $(lsof -nP -p 7 | grep -c 'EST'); done";
        assert_eq!((read(one, "14:05:30 12"), read(one, "12"), read(one, "Nov 12")), (Some(vec![12]), None, None));
        let two = "while :; do echo \"`date '+%F %T'` $(ls /proc/7/fd | wc -l) $(ss -tan | wc -l)\"; sleep 9; done";
        assert_eq!(read(two, "2026-11-09 14:05:30 12 480"), Some(vec![12, 480]));
        for other in [
            "for p in 7 8; do echo $(date +%T) $(ls /proc/$p/fd | wc -l); done",
            "while :; do echo $(date +%T) $(ss -s | head -1); done",
            "while :; do echo open $(ss -tan | wc -l); done",
        ] {
            assert_eq!(Echo::of(other.as_bytes()), None, "{other}");
        }
    }

    #[test]
    fn counts_that_were_written_down() {
        let told = |line: &str| with_command(line.as_bytes()).map(|(c, n)| (String::from_utf8_lossy(c).into_owned(), n));
        let want = Some(("ss -tan | grep -c CLOSE-WAIT".to_string(), 4));
        assert_eq!(told("2026-11-09 12:00 ss -tan | grep -c CLOSE-WAIT : 4"), want);
        assert_eq!(told("2026-11-09 12:00 a | b : 4"), None);
        assert_eq!((number(b"2026-11-09 08:00  377"), number(b"2026-11-09 377"), number(b"08:00 377")), (Some(377), None, None));
        assert_eq!(introduced(b"Open files by `lsof -p 7 | wc -l`:"), Some(&b"lsof -p 7 | wc -l"[..]));
        assert_eq!((introduced(b"I ran `lsof -p 7 | wc -l`"), introduced(b"see `ss` and `x | wc -l`:")), (None, None));
    }
}
