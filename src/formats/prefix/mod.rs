//! Constant prefixes that pastes hang in front of each line, so that the text behind them is still recognised.
//!
//! ```text
//!   12: tcp  0  0 10.0.0.1:80 ...      line numbers (`12: `, `12<TAB>`, `12| `)
//! > java 4684 ...                      quotes (`> `, `| `), and indentation
//! 2026-11-22 14:19:03 java 4684 ...    times (`[14:19:03] `, `2026-11-22T14:19:03.1Z `, `Nov 22 14:19:03 `)
//! Nov 22 14:19:03 web-1 diag[812]: ... what a logger writes in front: time, host and program, or time and stream of a container's
//! web1: ..., web2: ...                 the host each line comes from, as `pdsh` prints it
//! app-1  | ss -tanp                    whatever all lines begin with (a host and colon, `+`), also behind one of the others
//! ```
//!
//! A prefix is taken off only where more lines are understood without it: rows of `/proc/net/tcp` begin with line numbers of their own, and a
//! strace may begin with times.

mod logger;

pub use logger::logging_host;

use super::choose::fitting;
use super::reader::read_bare;
use super::{Fit, Format, Probe, prompt, scan};
use logger::{after_logger, after_time, is_dated};
use std::collections::{BTreeSet, VecDeque};

/// The share of lines that carry something and must have the prefix, in percent.
const SHARE: usize = 90;
/// The same for quotes and indentation, which set a text off from prose around it.
const QUOTED_SHARE: usize = 30;
/// The share of lines that must be understood of what looks like a log as it stands, in percent.
const UNDERSTOOD: u64 = 50;
/// How many lines are looked at, and how many bytes.
const LINES: usize = 200;
const BYTES: usize = 16 << 10;
/// How many ways to take prefixes off are tried.
const TRIES: usize = 12;
/// How few lines with a prefix may prove one, of more than that.
const FEWEST: usize = 2;
/// The longest text that all lines may begin with, in bytes.
const LONGEST: usize = 80;
/// The longest name of a host in front of a line, in bytes.
const LONGEST_HOST: usize = 64;
/// How many prefixes may stand one behind the other.
const DEPTH: usize = 3;

/// What stands in front of each line, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prefixes(Vec<Prefix>);

/// One thing that stands in front of each line.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Prefix {
    /// A number that grows, and what parts it from the line: `:`, `|`, a tab or `)`.
    Number(u8),
    /// A `>` or `|` and at most one blank.
    Quote(u8),
    /// So many bytes of indentation.
    Indent(usize),
    /// The same in front of every line, also of commands at prompts.
    Block(usize),
    /// What syslog, the journal or a container's runtime writes in front: the time differs from line to line, the program may.
    Logger,
    /// The host that a line comes from, of several, and what parts it from the line: `:` or `|`.
    Host(u8),
    /// A time, in brackets or not, and the blank behind it.
    Time,
    /// The same with a date, which no table begins with.
    Date,
    /// The same text in front of each.
    Same(Vec<u8>),
}

impl Prefixes {
    /// The prefixes that the lines of this text have, if more of it is understood without them; `plain` is the format it fits as it stands.
    pub fn of(probe: &Probe<'_>, plain: Option<(&dyn Format, Fit)>) -> Option<Prefixes> {
        if plain.is_some_and(|(format, fit)| format.begins_with_time() && fit == Fit::Sure) {
            return None;
        }
        let head = first_lines(probe.head);
        let known = plain.is_some_and(|(format, fit)| !format.greedy() && fit >= Fit::Likely);
        let mut open: VecDeque<(Vec<Prefix>, Vec<u8>)> = candidates(head, known).into_iter().map(|p| (vec![p], head.to_vec())).collect();
        if open.is_empty() {
            return None;
        }
        let mut best = (Understood::of(probe, head), Vec::new());
        // The ordinary member is understood as it stands.
        if best.0.rows > 0 && best.0.unknown == 0 && !open.iter().flat_map(|(chain, _)| chain).any(Prefix::is_foreign) {
            return None;
        }
        for _ in 0..TRIES {
            let Some((chain, text)) = open.pop_front() else { break };
            let Some(text) = chain.last().map(|prefix| prefix.strip_all(&text)) else { break };
            let understood = Understood::of(probe, &text);
            if chain.len() < DEPTH {
                let further = candidates(&text, false).into_iter().map(|p| chain.iter().cloned().chain([p]).collect());
                open.extend(further.map(|chain| (chain, text.clone())));
            }
            if understood.is_better(&best.0, &chain) {
                best = (understood, chain);
            }
        }
        Some(Prefixes(best.1)).filter(|chain| !chain.0.is_empty())
    }

    /// The line without the prefixes; from the first on that it does not have, as it is.
    pub fn strip<'a>(&self, line: &'a [u8]) -> &'a [u8] {
        self.0.iter().fold(line, |line, prefix| prefix.strip(line))
    }

    /// Whether a host stands in front of each line, its own or the same for all.
    pub fn tell_hosts(&self) -> bool {
        self.0.iter().any(|prefix| matches!(prefix, Prefix::Host(_) | Prefix::Same(_)))
    }

    /// The lines of a text without the prefixes.
    pub fn strip_all(&self, text: &[u8]) -> Vec<u8> {
        stripped(text, |line| self.strip(line))
    }
}

/// The lines of a text, each without what is taken off it.
fn stripped<'a>(text: &'a [u8], strip: impl Fn(&'a [u8]) -> &'a [u8]) -> Vec<u8> {
    scan::lines(text).fold(Vec::with_capacity(text.len()), |mut out, line| {
        out.extend_from_slice(strip(line));
        out.push(b'\n');
        out
    })
}

/// The first lines, whole: the last one may be cut inside its prefix.
fn first_lines(head: &[u8]) -> &[u8] {
    // The length is at most that of the head.
    let head = &head[..head.len().min(BYTES)];
    let end = memchr::memchr_iter(b'\n', head).take(LINES).last();
    // The line end was found in the head.
    end.map_or(head, |end| &head[..=end])
}

impl Prefix {
    /// The line without the prefix; as it is where it has none.
    fn strip<'a>(&self, line: &'a [u8]) -> &'a [u8] {
        self.rest(line).unwrap_or(line)
    }

    fn strip_all(&self, text: &[u8]) -> Vec<u8> {
        stripped(text, |line| self.strip(line))
    }

    fn rest<'a>(&self, line: &'a [u8]) -> Option<&'a [u8]> {
        match self {
            Prefix::Number(delimiter) => numbered(line).filter(|(_, d, rest)| d == delimiter || rest.is_empty()).map(|(_, _, rest)| rest),
            Prefix::Quote(mark) => {
                let rest = line.trim_ascii_start().strip_prefix(&[*mark])?;
                Some(rest.strip_prefix(b" ").unwrap_or(rest))
            }
            Prefix::Indent(width) | Prefix::Block(width) => {
                line.get(..*width).filter(|front| front.iter().all(|&b| scan::is_blank(b))).and(line.get(*width..))
            }
            Prefix::Logger => after_logger(line),
            Prefix::Host(mark) => behind_host(line, *mark).map(|(_, rest)| rest),
            Prefix::Time => after_time(line).map(behind_bar),
            Prefix::Date => after_time(line).filter(|_| is_dated(line)).map(behind_bar),
            // Blanks at the end of a line are lost.
            Prefix::Same(text) => line.strip_prefix(text.as_slice()).or_else(|| (line == text.trim_ascii_end()).then_some(&[][..])),
        }
    }

    /// Whether a row may be told with the prefix taken for a part of it, and no tool prints it: then it goes although as much is understood
    /// with it.
    fn is_foreign(&self) -> bool {
        matches!(self, Prefix::Number(_) | Prefix::Quote(_) | Prefix::Block(_) | Prefix::Date | Prefix::Logger)
            || matches!(self, Prefix::Same(text) if text.ends_with(b": ") || text.ends_with(b"| "))
    }
}

/// What is understood of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Understood {
    /// Rows of formats other than logs.
    rows: u64,
    /// Lines that none of them understands.
    unknown: u64,
    /// Lines that begin with a time, as those of a log do.
    timed: usize,
}

impl Understood {
    fn of(probe: &Probe<'_>, text: &[u8]) -> Understood {
        let reading = read_bare(probe.path, probe.command, text);
        let known = || reading.sections.iter().filter(|s| s.format != super::reading::UNKNOWN && s.format != "log");
        let rows = known().map(|s| u64::from(s.rows)).sum();
        let read: u64 = known().map(|s| u64::from(s.lines - s.unknown)).sum();
        let timed = scan::lines(text).filter(|line| after_time(line).is_some()).count();
        Understood { rows, unknown: u64::from(reading.lines).saturating_sub(read), timed }
    }

    /// Whether more is understood than of another, which still has the prefixes.
    fn is_better(&self, with: &Understood, chain: &[Prefix]) -> bool {
        // A log without its times is no log.
        let log = chain.iter().any(|p| matches!(p, Prefix::Time | Prefix::Date | Prefix::Logger | Prefix::Same(_)));
        if log && self.timed <= with.timed && self.unknown * 100 > (self.rows + self.unknown) * UNDERSTOOD {
            return false;
        }
        let foreign = self.rows == with.rows && self.rows > 0 && chain.last().is_some_and(Prefix::is_foreign);
        // A log behind the times of somebody else keeps its own.
        let twice = matches!(chain.last(), Some(Prefix::Date)) && self.timed > 0 && self.timed == with.timed;
        let log = self.rows == 0 && with.rows == 0 && (self.timed > with.timed || twice);
        log || self.rows > with.rows || (self.rows == with.rows && self.unknown < with.unknown) || (foreign && self.unknown <= with.unknown)
    }
}

/// What parts the hosts from the lines of this text, where each line begins with the one it comes from, several take turns, and behind them
/// stands what is known. Their lines are no one text.
pub fn hosts(probe: &Probe<'_>) -> Option<u8> {
    let lines: Vec<&[u8]> = scan::lines(first_lines(probe.head)).filter(|l| !l.is_empty()).collect();
    // Whoever has none in front of the first line is asked no further: that is nearly every member.
    let first = lines.first()?;
    [b':', b'|']
        .into_iter()
        .find(|&mark| behind_host(first, mark).is_some() && is_of_hosts(&lines, mark))
        .filter(|&mark| Prefixes::of(probe, fitting(probe)).is_some_and(|chain| chain.0.first() == Some(&Prefix::Host(mark))))
}

/// The host in front of a line, and the line without it.
pub fn behind_host(line: &[u8], mark: u8) -> Option<(&[u8], &[u8])> {
    let end = memchr::memchr(mark, line.get(..LONGEST_HOST).unwrap_or(line))?;
    // The mark was found in the line.
    let (name, rest) = (line[..end].trim_ascii_end(), &line[end + 1..]);
    let wordy = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.' | b'/');
    let named = name.first().is_some_and(u8::is_ascii_alphanumeric) && name.iter().all(wordy) && !scan::is_digits(name);
    // Of an empty line only the host is left.
    (named && (rest.is_empty() || rest.starts_with(b" "))).then(|| (name, rest.strip_prefix(b" ").unwrap_or(rest)))
}

/// Whether nearly all lines begin with a host, of which there are several, each with more than one line: not keys with their values.
fn is_of_hosts(lines: &[&[u8]], mark: u8) -> bool {
    let named: Vec<&[u8]> = lines.iter().filter_map(|l| behind_host(l, mark)).map(|(name, _)| name).collect();
    let hosts: BTreeSet<&[u8]> = named.iter().copied().collect();
    named.len() * 100 >= lines.len() * SHARE && hosts.len() > 1 && hosts.len() * FEWEST <= named.len()
}

/// The prefixes that nearly all lines have, the surest first. Of a text that is a known format as it stands, rows often begin alike.
fn candidates(head: &[u8], known: bool) -> Vec<Prefix> {
    let lines: Vec<&[u8]> = scan::lines(head).filter(|l| !l.is_empty()).collect();
    let share = |n: usize, percent: usize| n >= FEWEST.min(lines.len()).max(1) && n * 100 >= lines.len() * percent;
    let enough = |n: usize| share(n, SHARE);
    let mut found = Vec::new();
    for delimiter in [b':', b'\t', b'|', b')'] {
        let mut last = None;
        let growing = lines.iter().filter_map(|l| numbered(l)).filter(|(n, d, rest)| {
            let grows = (*d == delimiter || rest.is_empty()) && last.is_none_or(|last| *n > last);
            last = Some(*n);
            grows
        });
        let numbers = growing.count();
        if numbers >= FEWEST && enough(numbers) {
            found.push(Prefix::Number(delimiter));
        }
    }
    let having = |prefix: &Prefix| lines.iter().filter(|l| prefix.rest(l).is_some()).count();
    found.extend([Prefix::Logger, Prefix::Date, Prefix::Time].into_iter().find(|p| enough(having(p))));
    found.extend([b':', b'|'].into_iter().filter(|&mark| !known && is_of_hosts(&lines, mark)).map(Prefix::Host));
    found.extend([b'>', b'|'].map(Prefix::Quote).into_iter().filter(|p| share(having(p), QUOTED_SHARE)));
    // Numbers that end in one column are counts, or what is told of each line: their blanks belong to the table.
    let column = |line: &&[u8]| {
        let (_, rest) = scan::leading_number(line.trim_ascii_start())?;
        rest.starts_with(b" ").then_some(line.len() - rest.len())
    };
    let counted = lines.first().and_then(column).is_some_and(|first| lines.iter().all(|l| column(l) == Some(first)));
    let indent = |line: &&[u8]| line.iter().take_while(|&&b| scan::is_blank(b)).count();
    if let Some(width) = lines.iter().filter(|_| !counted).map(indent).filter(|&w| w > 0).min() {
        let whole = lines.iter().all(|l| indent(l) > 0) && lines.iter().any(|l| prompt::command(l).is_some());
        let prefix = if whole { Prefix::Block(width) } else { Prefix::Indent(width) };
        found.extend(Some(prefix).filter(|p| share(having(p), QUOTED_SHARE)));
    }
    found.extend(same(&lines, known).into_iter().filter(|p| enough(having(p))));
    found
}

/// What the two longest of the first lines begin with alike, up to something that parts it from the rest.
fn same(lines: &[&[u8]], known: bool) -> Vec<Prefix> {
    let mut longest: Vec<&[u8]> = lines.iter().take(8).copied().collect();
    longest.sort_by_key(|line| std::cmp::Reverse(line.len()));
    let [first, second, ..] = longest[..] else { return Vec::new() };
    let alike = first.iter().zip(second).take(LONGEST).take_while(|(a, b)| a == b).count();
    let common = first.get(..alike).unwrap_or_default();
    let up_to = |mark: &[u8]| memchr::memmem::find(common, mark).and_then(|at| common.get(..at + mark.len()));
    let marks: &[&[u8]] = if known { &[b": ", b"| "] } else { &[b": ", b"| ", b"] ", b":"] };
    let mut found: Vec<&[u8]> = marks.iter().filter_map(|mark| up_to(mark)).collect();
    found.extend(node_column(common).filter(|_| !known));
    found.extend(common.get(..1).filter(|mark| matches!(mark, [b'+' | b'-'])));
    found.dedup();
    found.into_iter().map(|text| Prefix::Same(text.to_vec())).collect()
}

/// What follows the bar that a viewer of logs draws between the time and the line.
fn behind_bar(rest: &[u8]) -> &[u8] {
    rest.strip_prefix(b"| ").unwrap_or(rest)
}

/// The column of the one node that a cluster's tool asked, in front of its rows: an address and blanks.
fn node_column(common: &[u8]) -> Option<&[u8]> {
    let end = memchr::memchr(b' ', common)?;
    std::str::from_utf8(common.get(..end)?).ok()?.parse::<std::net::IpAddr>().ok()?;
    let blanks = common.get(end..)?.iter().take_while(|b| **b == b' ').count();
    common.get(..end + blanks)
}

/// `  12: rest`: the number, what parts it, the rest without one blank.
fn numbered(line: &[u8]) -> Option<(u64, u8, &[u8])> {
    let (number, rest) = scan::leading_number(line.trim_ascii_start())?;
    // Of an empty line only the number is left.
    if rest.is_empty() {
        return Some((number, 0, rest));
    }
    let (&delimiter, rest) = rest.split_first()?;
    matches!(delimiter, b':' | b'\t' | b'|' | b')').then_some((number, delimiter, rest.strip_prefix(b" ").unwrap_or(rest)))
}

#[cfg(test)]
mod tests;
