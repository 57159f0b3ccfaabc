//! Constant prefixes that pastes hang in front of each line, so that the text behind them is still recognised.
//!
//! ```text
//!   12: tcp  0  0 10.0.0.1:80 ...      line numbers (`12: `, `12<TAB>`, `12| `)
//! > java 4684 ...                      quotes (`> `, `| `), and indentation
//! 2026-11-22 14:19:03 java 4684 ...    times (`[14:19:03] `, `2026-11-22T14:19:03.1Z `, `Nov 22 14:19:03 `)
//! ```
//!
//! A prefix is taken off only where the text as it stands fits no format but a log's, and what is left fits one better, or more of its
//! lines open one: rows of `/proc/net/tcp` begin with line numbers of their own, and a strace may begin with times.

use super::{FORMATS, Fit, Probe, prompt, reader::fitting, scan};

/// The share of lines that carry something and must have the prefix, in percent.
const SHARE: usize = 90;
/// How many lines are looked at.
const LINES: usize = 400;
/// How few lines with a prefix may prove one.
const FEWEST: usize = 2;

/// What stands in front of each line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Prefix {
    /// A number that grows, and what parts it from the line: `:`, `|`, a tab or `)`.
    Number(u8),
    /// A `>` or `|` and at most one blank.
    Quote(u8),
    /// So many bytes of indentation.
    Indent(usize),
    /// A time, in brackets or not, and the blank behind it.
    Time,
}

impl Prefix {
    /// The prefix that the lines of this text have, if taking it off makes a known format of it.
    pub fn of(probe: &Probe<'_>) -> Option<Prefix> {
        let plain = rank(probe);
        let fits = plain >= Rank::Format(Fit::Likely);
        // Rows may be told with the prefix taken for a part of them; then headers and prompts are not.
        let told = if fits { openers(probe.head).count() } else { 0 };
        candidates(probe.head).into_iter().find(|prefix| {
            let text = prefix.strip_all(probe.head);
            if fits {
                return openers(&text).count() > told;
            }
            let stripped = rank(&Probe { head: &text, ..*probe });
            match prefix {
                // A log without its times is no log.
                Prefix::Time => stripped >= Rank::Format(Fit::Likely),
                _ => stripped > plain,
            }
        })
    }

    /// The line without the prefix; as it is where it has none.
    pub fn strip<'a>(&self, line: &'a [u8]) -> &'a [u8] {
        self.rest(line).unwrap_or(line)
    }

    /// The lines of a text without the prefix.
    pub fn strip_all(&self, text: &[u8]) -> Vec<u8> {
        scan::lines(text).fold(Vec::with_capacity(text.len()), |mut out, line| {
            out.extend_from_slice(self.strip(line));
            out.push(b'\n');
            out
        })
    }

    fn rest<'a>(&self, line: &'a [u8]) -> Option<&'a [u8]> {
        match *self {
            Prefix::Number(delimiter) => numbered(line).filter(|(_, d, _)| *d == delimiter).map(|(_, _, rest)| rest),
            Prefix::Quote(mark) => {
                let rest = line.trim_ascii_start().strip_prefix(&[mark])?;
                Some(rest.strip_prefix(b" ").unwrap_or(rest))
            }
            Prefix::Indent(width) => line.get(..width).filter(|front| front.iter().all(|&b| scan::is_blank(b))).and(line.get(width..)),
            Prefix::Time => after_time(line),
        }
    }
}

/// How well a text fits, with logs below everything else that is sure of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Rank {
    Nothing,
    Log,
    Format(Fit),
}

fn rank(probe: &Probe<'_>) -> Rank {
    // The name and the command would say the same of any content.
    let bare = Probe { path: "", command: b"", ..*probe };
    match fitting(&bare) {
        Some((format, fit)) if !format.greedy() && fit >= Fit::Likely => return Rank::Format(fit),
        Some((format, _)) if format.greedy() => {
            // A paste with prompts may look like a log as a whole; its openers decide.
            return if opens_anything(probe.head) { Rank::Format(Fit::Likely) } else { Rank::Log };
        }
        _ => {}
    }
    if opens_anything(probe.head) { Rank::Format(Fit::Likely) } else { Rank::Nothing }
}

/// Whether a line opens a format, or is a prompt with a command that prints one.
fn opens_anything(head: &[u8]) -> bool {
    openers(head).next().is_some()
}

/// The lines that open a format, or are prompts with a command that prints one.
fn openers(head: &[u8]) -> impl Iterator<Item = &[u8]> {
    scan::lines(head).take(LINES).filter(|line| {
        let mut formats = FORMATS.iter().filter(|f| !f.greedy());
        match prompt::command(line) {
            Some(command) => formats.any(|f| f.printed_by(command)),
            None => formats.any(|f| f.opens(line)),
        }
    })
}

/// The prefixes that nearly all lines have, the surest first.
fn candidates(head: &[u8]) -> Vec<Prefix> {
    // The last line may be cut, also inside its prefix.
    let lines: Vec<&[u8]> = scan::lines(head).take(LINES).filter(|l| !l.trim_ascii().is_empty()).collect();
    let enough = |n: usize| n >= FEWEST && n * 100 >= lines.len() * SHARE;
    let mut found = Vec::new();
    for delimiter in [b':', b'\t', b'|', b')'] {
        let mut last = None;
        let growing = lines.iter().filter_map(|l| numbered(l)).filter(|(n, d, _)| {
            let grows = *d == delimiter && last.is_none_or(|last| *n > last);
            last = Some(*n);
            grows
        });
        if enough(growing.count()) {
            found.push(Prefix::Number(delimiter));
        }
    }
    let mut simple = vec![Prefix::Time, Prefix::Quote(b'>'), Prefix::Quote(b'|')];
    let indent = |line: &&[u8]| line.iter().take_while(|&&b| scan::is_blank(b)).count();
    if let Some(width) = lines.iter().map(indent).filter(|&w| w > 0).min() {
        simple.push(Prefix::Indent(width));
    }
    found.extend(simple.into_iter().filter(|p| enough(lines.iter().filter(|l| p.rest(l).is_some()).count())));
    found
}

/// `  12: rest`: the number, what parts it, the rest without one blank.
fn numbered(line: &[u8]) -> Option<(u64, u8, &[u8])> {
    let (number, rest) = scan::leading_number(line.trim_ascii_start())?;
    let (&delimiter, rest) = rest.split_first()?;
    matches!(delimiter, b':' | b'\t' | b'|' | b')').then_some((number, delimiter, rest.strip_prefix(b" ").unwrap_or(rest)))
}

/// What follows a time of day, with a date in front of it or not, in brackets or not.
fn after_time(line: &[u8]) -> Option<&[u8]> {
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
    rest.strip_prefix(b" ").or_else(|| rest.strip_prefix(b"\t"))
}

/// Where a time that begins here ends.
fn end_of_time(text: &[u8]) -> Option<usize> {
    // A date in figures or as syslog writes it, then the time of day with its fraction and zone.
    let date = match text {
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
    Some(date + 8 + tail)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::formats::testing::told_as;

    const PLAIN: &str = "sockets: used 94\nTCP: inuse 27 orphan 0 tw 8 alloc 60 mem 290\nUDP: inuse 3 mem 0\nRAW: inuse 1\n";

    fn with(prefix: impl Fn(usize) -> String) -> String {
        PLAIN.lines().enumerate().map(|(i, line)| format!("{}{line}\n", prefix(i))).collect()
    }

    fn counters(text: &str) -> usize {
        let (told, reading) = told_as("paste.txt", text);
        assert_eq!((reading.format(), reading.unparsed()), ("sockstat", 0), "{text}");
        told.counters.len()
    }

    #[test]
    fn every_kind_is_taken_off() {
        let want = counters(PLAIN);
        for text in [
            with(|i| format!("{:4}: ", i + 1)),
            with(|i| format!("{:6}\t", i + 1)),
            with(|i| format!("{}| ", i + 7)),
            with(|_| "> ".into()),
            with(|_| ">".into()),
            with(|_| "| ".into()),
            with(|_| "        ".into()),
            with(|_| "2026-11-22 14:19:03 ".into()),
            with(|_| "2026-11-22T14:19:03.123Z ".into()),
            with(|i| format!("[14:19:0{i}] ")),
            with(|i| format!("Nov  2 14:19:0{i}: ")),
            with(|i| format!("[2026-11-22 14:19:0{i}] ")),
        ] {
            assert_eq!(counters(&text), want, "{text}");
        }
    }

    /// With its number in front a row of lsof is still one, of a process called `3<TAB>java`.
    #[test]
    fn rows_that_fit_with_the_prefix_lose_it_where_prompts_fit_without() {
        let row = "java 4684 apps 280u sock 0,6 0t0 675441359 can't identify protocol";
        let lines = ["[root@host ~]# lsof -p 4684", "COMMAND PID USER FD TYPE DEVICE SIZE/OFF NODE NAME", row, row];
        for prefix in ["{}\t", "[2026-11-22T14:19:0{}.123Z] ", "{}: "] {
            let text: String =
                lines.iter().enumerate().map(|(n, l)| format!("{}{l}\n", prefix.replace("{}", &(n + 1).to_string()))).collect();
            let (told, reading) = told_as("paste.txt", &text);
            assert_eq!((reading.rows(), reading.unparsed()), (2, 0), "{text}");
            let rows = told.lines.iter().filter(|l| l.starts_with("descriptor "));
            assert!(rows.clone().count() == 2 && rows.clone().all(|l| l.contains(" command=java ")), "{:?}", told.lines);
        }
    }

    #[test]
    fn fences_of_markdown_are_no_rows() {
        let (told, reading) = told_as("issue.md", &format!("Here it is\n```text\n{PLAIN}```\n"));
        assert!(told.counters.contains_key("sockstat.tcp.alloc"));
        assert_eq!(reading.unparsed(), 0);
    }

    #[test]
    fn a_text_without_prefix_or_format_is_left_alone() {
        for text in ["", "> \n", "1: a\n2: b\n", "14:19:03 up 3 days\n14:19:04 up 3 days\n", PLAIN] {
            let probe = Probe { path: "x", command: b"", head: text.as_bytes(), whole: true };
            assert_eq!(Prefix::of(&probe), None, "{text}");
        }
    }

    #[test]
    fn a_line_without_it_stays_whole() {
        assert_eq!(Prefix::Number(b':').strip(b"12: a"), b"a");
        assert_eq!(Prefix::Number(b':').strip(b"a: 12"), b"a: 12");
        assert_eq!(Prefix::Time.strip(b"14:19:03.5+01:00 x"), b"14:19:03.5+01:00 x", "a zone with a colon is not read");
        assert_eq!(Prefix::Time.strip(b"14:19:03.5 x"), b"x");
        assert_eq!(Prefix::Indent(4).strip(b"  x"), b"  x");
        assert_eq!(Prefix::Quote(b'>').strip(b" > > x"), b"> x");
    }
}
