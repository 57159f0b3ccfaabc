//! What counting pipelines print: `lsof | wc -l`, `grep -c`, `sort | uniq -c`, an awk that sums by state.
//!
//! ```text
//! $ lsof -p 21466 | wc -l
//! 1431
//! # netstat -n | awk '/^tcp/ {++S[$NF]} END {for(a in S) print a, S[a]}'
//! TIME_WAIT 28417
//! ESTABLISHED 49
//! fds of 2231: 1210                   what a loop echoes in front of a count
//! # netstat -a | grep CLOSE_WAIT | awk '{print $5}' | sort | uniq -c | sort -nr
//!    1382 ip-172-28-46-222
//! ```
//!
//! The command stays with each number, for only it says what was counted: headers and warnings are counted too, and threads once each.
//! Without a prompt only rows of a connection's state and a number are read. Rows end at the first line that is none: later numbers
//! belong to prose.

use super::essence::{commands, essence, slept};
use super::stamped::{self, Echo};
use super::{Fit, Format, Hint, Parser, Probe, Taken, prompt, scan};
use crate::facts::{At, Note, NoteKind, Sink, Tally as Fact};

/// Counts made by pipelines.
pub struct Tally;

struct Reading {
    command: Vec<u8>,
    /// Seconds that it slept before it counted.
    slept: u64,
    /// The line as typed, where it echoes counts with others.
    echoing: Vec<u8>,
    shape: Shape,
    over: bool,
}

/// What the last part of a pipeline prints.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Shape {
    /// A number, maybe with a file's name.
    Bare,
    /// `N label`.
    NumberFirst,
    /// A label and a number in either order, as an awk program likes.
    Either,
    /// Fields cut out, which are counts only if the source holds counts (`/proc/net/sockstat`).
    Column,
    /// Rows of a state and a number.
    States,
    /// A count for each process, with its pid: `N PID name` of a loop that echoes the count first, else `/proc/PID N` or `PID N`.
    EachProcess { count_first: bool },
}

impl Format for Tally {
    fn id(&self) -> &'static str {
        "tally"
    }

    fn title(&self) -> &'static str {
        "counts made by pipelines (wc -l, uniq -c, awk)"
    }

    fn fit(&self, probe: &Probe<'_>) -> Fit {
        match probe.rows().next() {
            Some(line) if self.opens(line) => Fit::Likely,
            _ => Fit::No,
        }
    }

    fn opens(&self, line: &[u8]) -> bool {
        let row = line.trim_ascii();
        let labelled = || labelled(row).is_some_and(|(label, _)| is_state(label) || counts_descriptors(label));
        (line.len() <= 100 && labelled()) || stamped::with_command(row).is_some()
    }

    fn printed_by(&self, command: &[u8]) -> bool {
        prompt::counts(command)
    }

    fn parser(&self, hint: &Hint<'_>) -> Box<dyn Parser> {
        let list = counting(hint.command);
        let line = list.only().unwrap_or(hint.command);
        let counted = prompt::counts(line);
        let command = if counted { essence(line) } else { Vec::new() };
        let shape = if counted { shape_of(&command) } else { Shape::States };
        let echoing = if Echo::of(hint.command).is_some() { hint.command.to_vec() } else { Vec::new() };
        // Of several counts the reader knows whose turn it is.
        Box::new(Reading { command, slept: slept(hint.command), echoing, shape, over: list.len() > 1 })
    }
}

impl Parser for Reading {
    fn line(&mut self, at: At<'_>, sink: &mut dyn Sink) -> Taken {
        let line = at.text.trim_ascii();
        if line.is_empty() || is_complaint(line) {
            if line.starts_with(b"(No info could be read for") || line.starts_with(b"(Not all processes could be identified") {
                sink.note(at, &Note { kind: NoteKind::NoPrivilege, pid: None, text: line });
            }
            return Taken::Noise;
        }
        if let Some((command, value)) = stamped::with_command(line) {
            sink.tally(at, &Fact { command: &essence(command), label: b"", value, slept: 0 });
            return Taken::Row;
        }
        if !self.echoing.is_empty()
            && let Some(echo) = Echo::of(&self.echoing)
        {
            let Some(values) = echo.read(line) else { return Taken::Unknown };
            for (command, value) in echo.counts.iter().zip(values) {
                sink.tally(at, &Fact { command: &essence(command), label: b"", value, slept: 0 });
            }
            return Taken::Row;
        }
        if self.over && !matches!(self.shape, Shape::States | Shape::EachProcess { .. }) {
            return Taken::Unknown;
        }
        // uniq pads its numbers: one at the beginning of a line is what another command of the list has counted.
        if self.shape == Shape::NumberFirst && scan::is_digits(line) && at.text.first().is_some_and(u8::is_ascii_digit) {
            return Taken::Unknown;
        }
        let Some((label, value)) = self.row(line) else {
            self.over = true;
            return Taken::Unknown;
        };
        sink.tally(at, &Fact { command: &self.command, label, value, slept: self.slept });
        Taken::Row
    }
}

impl Reading {
    fn row<'a>(&self, line: &'a [u8]) -> Option<(&'a [u8], u64)> {
        if let Some(row) = labelled(line).filter(|(label, _)| counts_descriptors(label)) {
            return Some(row);
        }
        match self.shape {
            Shape::Bare => bare(line),
            Shape::NumberFirst => number_first(line),
            Shape::Either => scan::number(line).map(|n| (&b""[..], n)).or_else(|| labelled(line)),
            Shape::Column => scan::number(line).map(|n| (&b""[..], n)),
            Shape::States => labelled(line).filter(|(label, _)| is_state(label)),
            Shape::EachProcess { count_first: true } => number_first(line).filter(|(label, _)| names_process(label)),
            Shape::EachProcess { count_first: false } => count_last(line).filter(|(label, _)| names_process(label)),
        }
    }
}

/// `368`, `368 file`, `file:368`.
fn bare(line: &[u8]) -> Option<(&[u8], u64)> {
    // What people put in front of a result.
    let line = line.strip_prefix(b"=> ").or_else(|| line.strip_prefix(b"-> ")).unwrap_or(line);
    if let Some(value) = scan::number(line) {
        return Some((b"", value));
    }
    if let Some((file, value)) = memchr::memrchr(b':', line).and_then(|i| line.split_at_checked(i))
        && let Some(value) = value.get(1..).and_then(scan::number)
    {
        // A time of day is no file and its count.
        let named = file.iter().any(|b| !b.is_ascii_digit() && *b != b':') && !file.iter().any(|&b| scan::is_blank(b));
        return named.then_some((file, value));
    }
    if let Some(value) = stamped::number(line) {
        return Some((b"", value));
    }
    let mut fields = scan::Fields::new(line);
    let (value, file) = (scan::number(fields.next()?)?, fields.next()?);
    match (scan::number(file), fields.next(), fields.next()) {
        (_, None, _) => Some((file, value)),
        // Lines, words and bytes, as wc prints them when it is asked for nothing.
        (Some(_), Some(bytes), None) if scan::is_digits(bytes) => Some((b"", value)),
        _ => None,
    }
}

/// `1382 label with blanks`; uniq counts empty lines too.
fn number_first(line: &[u8]) -> Option<(&[u8], u64)> {
    let (value, rest) = scan::leading_number(line)?;
    (rest.is_empty() || rest.first().is_some_and(|&b| scan::is_blank(b))).then(|| (rest.trim_ascii(), value))
}

/// A label and a number, in either order.
fn labelled(line: &[u8]) -> Option<(&[u8], u64)> {
    let (before, last) = line.split_at_checked(line.iter().rposition(|&b| scan::is_blank(b))?)?;
    let before = before.trim_ascii();
    if let Some(value) = scan::number(last.trim_ascii()) {
        return Some((before.strip_suffix(b":").unwrap_or(before).trim_ascii(), value));
    }
    number_first(line).filter(|(label, _)| !label.is_empty())
}

/// `/proc/4321 9000`, `4321: 9000`.
fn count_last(line: &[u8]) -> Option<(&[u8], u64)> {
    let (label, value) = line.split_at_checked(line.iter().rposition(|&b| scan::is_blank(b))?)?;
    Some((label.trim_ascii(), scan::number(value.trim_ascii())?))
}

/// Whether a label is a pid or `/proc/PID`, maybe with a name behind it or in front.
fn names_process(label: &[u8]) -> bool {
    let is_pid = |word: &[u8]| {
        let pid = word.strip_prefix(b"/proc/").unwrap_or(word);
        let pid = pid.strip_suffix(b"/fd").or_else(|| pid.strip_suffix(b"/fd/")).or_else(|| pid.strip_suffix(b":")).unwrap_or(pid);
        scan::number32(pid).is_some()
    };
    let mut words = scan::Fields::new(label);
    words.next().is_some_and(is_pid) || words.last().is_some_and(is_pid)
}

/// A loop over `/proc/PID/fd` that echoes the number of entries of each.
fn each_process(command: &[u8]) -> Option<Shape> {
    let echo = memchr::memmem::find(command, b"echo ")?;
    let lines = memchr::memmem::find(command, b"wc -l")?;
    if echo > lines || !scan::contains(command, b"/proc/") || !scan::contains(command, b"/fd") || !scan::contains(command, b"for ") {
        return None;
    }
    let said = command.get(echo + 5..)?.trim_ascii_start();
    let said = said.strip_prefix(b"-e ").unwrap_or(said);
    let said = said.strip_prefix(b"\"").unwrap_or(said);
    Some(Shape::EachProcess { count_first: said.starts_with(b"$(") || said.starts_with(b"`") })
}

/// The pipelines of a loop or a list of commands that count, where it is certain which line is whose.
#[derive(Default)]
struct List<'a> {
    /// Those that print a bare number each, in their order.
    bare: Vec<&'a [u8]>,
    /// The one that prints numbers with labels.
    labelled: Option<&'a [u8]>,
}

impl<'a> List<'a> {
    fn len(&self) -> usize {
        self.bare.len() + usize::from(self.labelled.is_some())
    }

    fn only(&self) -> Option<&'a [u8]> {
        match (self.bare.as_slice(), self.labelled) {
            ([only], None) => Some(only),
            ([], only) => only,
            _ => None,
        }
    }
}

/// The counts of a loop or a list of commands, between whatever else it prints: `while :; do date; ls /proc/7/fd | wc -l; done`.
fn counting(command: &[u8]) -> List<'_> {
    let looped = [&b"while "[..], b"until ", b"for "].iter().any(|word| command.starts_with(word));
    if each_process(command).is_some() || (!looped && commands(command).len() < 2) {
        return List::default();
    }
    let body = match memchr::memmem::find(command, b"do ").filter(|_| looped) {
        Some(at) => command.get(at + 3..).unwrap_or(b""),
        None if looped => return List::default(),
        None => command,
    };
    let parts = commands(body);
    let counts = || parts.iter().copied().filter(|part| prompt::counts(part));
    let bare: Vec<&[u8]> = counts().filter(|part| shape_of(part) == Shape::Bare).collect();
    let labelled: Vec<&[u8]> = counts().filter(|part| matches!(shape_of(part), Shape::NumberFirst | Shape::Either)).collect();
    // What is echoed with it, or written elsewhere, is no count by itself.
    let plain = |part: &[u8]| !part.starts_with(b"echo ") && !writes(part);
    let rest = || parts.iter().filter(|part| !prompt::counts(part));
    let all = bare.len() + labelled.len();
    let certain =
        all == counts().count() && labelled.len() < 2 && counts().all(plain) && (all < 2 || rest().all(|part| prints_no_bare_number(part)));
    if certain { List { bare, labelled: labelled.first().copied() } } else { List::default() }
}

/// The pipeline of a list that has printed a line: a number by itself, so many of which have come before, or one with a label.
pub fn in_turn<'c>(command: &'c [u8], turn: usize, line: &[u8]) -> Option<&'c [u8]> {
    if scan::is_digits(line) {
        let bare = counting(command).bare;
        return bare.get(turn.checked_rem(bare.len())?).copied();
    }
    let (label, _) = number_first(line).filter(|_| command.contains(&b';'))?;
    counting(command).labelled.filter(|_| !label.is_empty())
}

/// Whether a pipeline writes to a file; what it says of errors is another matter.
fn writes(part: &[u8]) -> bool {
    let mut at = 0;
    while let Some(found) = part.get(at..).and_then(|rest| memchr::memchr(b'>', rest)) {
        if (at + found).checked_sub(1).and_then(|before| part.get(before)) != Some(&b'2') {
            return true;
        }
        at += found + 1;
    }
    false
}

/// Whether a command prints no line that is a number and nothing else.
fn prints_no_bare_number(command: &[u8]) -> bool {
    let known: &[&[u8]] =
        &[b"date", b"sleep", b"uptime", b"hostname", b"uname", b"clear", b"done", b"ss", b"netstat", b"free", b"echo", b""];
    known.contains(&prompt::program(command)) || scan::contains(command, b"/proc/net/sock")
}

/// Whether a line goes on with what a command counts that printed the time too: `864 ESTABLISHED 912/java`.
pub fn goes_on(command: &[u8], line: &[u8]) -> bool {
    let labelled = || number_first(line.trim_ascii()).is_some_and(|(label, _)| !label.is_empty());
    prompt::counts(command) && shape_of(&essence(command)) == Shape::NumberFirst && labelled()
}

/// A counting command that a sentence introduces what follows by.
pub fn introduced(line: &[u8]) -> Option<&[u8]> {
    stamped::introduced(line)
}

fn shape_of(command: &[u8]) -> Shape {
    if let Some(shape) = each_process(command) {
        return shape;
    }
    let after = |needle: &[u8]| memchr::memmem::rfind(command, needle);
    let lines = after(b"wc -l").max(prompt::last_count(command));
    let unique = after(b"uniq -c");
    let summed = after(b"++").max(after(b"+="));
    // What stands last prints.
    if unique.is_some() && unique >= lines && unique >= summed {
        Shape::NumberFirst
    } else if summed.is_some() && summed >= lines {
        Shape::Either
    } else if lines.is_some() {
        Shape::Bare
    } else if scan::contains(command, b"/proc/") {
        Shape::Column
    } else {
        // `ps | awk '{print $2}'` prints pids: numbers that count nothing.
        Shape::States
    }
}

/// Whether a label says that descriptors of a process are counted, and of which: `fds of 2231`, `open files pid 2231`.
fn counts_descriptors(label: &[u8]) -> bool {
    descriptors_of(label).is_some()
}

/// The process whose descriptors a label counts.
pub fn descriptors_of(label: &[u8]) -> Option<u32> {
    const WORDS: &[&[u8]] = &[b"fd", b"fds", b"descriptors", b"handles"];
    const BETWEEN: &[&[u8]] = &[b"of", b"for", b"in", b"pid", b"open", b"count", b"process", b"file"];
    let mut words = label.split(|b| !b.is_ascii_alphanumeric()).filter(|w| !w.is_empty());
    let pid = scan::number32(words.next_back()?)?;
    let (mut named, mut prose) = (false, false);
    for word in words {
        let word = word.to_ascii_lowercase();
        named |= WORDS.contains(&word.as_slice());
        prose |= !WORDS.contains(&word.as_slice()) && !BETWEEN.contains(&word.as_slice());
    }
    (named && !prose).then_some(pid)
}

/// State words of netstat and ss. In small letters only those that no other text has.
fn is_state(label: &[u8]) -> bool {
    const WORDS: &[&[u8]] = &[
        b"ESTABLISHED",
        b"ESTAB",
        b"SYN_SENT",
        b"SYN_RECV",
        b"SYN_RCVD",
        b"FIN_WAIT1",
        b"FIN_WAIT2",
        b"FIN_WAIT_1",
        b"FIN_WAIT_2",
        b"TIME_WAIT",
        b"CLOSE",
        b"CLOSED",
        b"CLOSE_WAIT",
        b"LAST_ACK",
        b"LISTEN",
        b"CLOSING",
        b"UNCONN",
        b"CONNECTED",
    ];
    if label.len() > 12 {
        return false;
    }
    let same = |word: &[u8]| {
        word.len() == label.len() && word.iter().zip(label).all(|(w, l)| w.eq_ignore_ascii_case(l) || (*w == b'_' && *l == b'-'))
    };
    let lower = label.iter().any(u8::is_ascii_lowercase);
    let Some(word) = WORDS.iter().find(|w| same(w)) else { return false };
    !lower || word.contains(&b'_') || word.starts_with(b"ESTAB")
}

/// What the counted programs say on standard error, above the count.
fn is_complaint(line: &[u8]) -> bool {
    [
        &b"lsof: WARNING"[..],
        b"lsof: no pwd",
        b"Output information may be incomplete.",
        b"(Not all processes could be identified",
        b"(No info could be read for",
        b"will not be shown, you would have to be root",
        b"grep: ",
        b"ls: ",
    ]
    .iter()
    .any(|start| line.starts_with(start))
}

#[cfg(test)]
mod tests {
    use crate::formats::testing::{facts, told_as};

    fn tallies(text: &str) -> Vec<String> {
        facts(text).into_iter().filter(|l| l.starts_with("tally")).collect()
    }

    #[test]
    fn bare_numbers() {
        assert_eq!(tallies("$ lsof -p 21466 | wc -l\n1431\n"), ["tally (lsof -p 21466 | wc -l) -=1431"]);
        assert_eq!(tallies("$ lsof -nl | grep -c CLOSE_WAIT\n=> 4\n"), ["tally (lsof -nl | grep -c CLOSE_WAIT) -=4"]);
        assert_eq!(tallies("lsof | wc -l \n10201\n\nprose\n7\n"), ["tally (lsof | wc -l) -=10201"]);
        assert_eq!(tallies("$ lsof -p 7 | grep -c pipe\nlsof: WARNING: can't stat() x\n88\n"), ["tally (lsof -p 7 | grep -c pipe) -=88"]);
        assert_eq!(tallies("$ netstat -a | wc -l\n5\n$ netstat -b | wc -l\n6\n").len(), 2);
    }

    #[test]
    fn states_by_awk() {
        let text = "netstat -n | awk '/^tcp/ {++state[$NF]} END {for(key in state) print key,\"\\t\",state[key]}'\nTIME_WAIT        221\nESTABLISHED \t 103\n";
        let read = tallies(text);
        assert!(read[0].ends_with(" TIME_WAIT=221") && read[0].contains("(netstat -n | awk"), "{read:?}");
        assert!(read[1].ends_with(" ESTABLISHED=103"));
    }

    #[test]
    fn uniq_counts_stand_first() {
        let text = "# netstat -a |grep \"CLOSE_WAIT\"|awk '{print $5}' |sort | uniq -c | sort -nr\n1382 ip-172-28-46-222\n   7 a b\n";
        let read = tallies(text);
        assert!(read[0].ends_with(" ip-172-28-46-222=1382") && read[1].ends_with(" a b=7"), "{read:?}");
    }

    #[test]
    fn a_column_is_a_count_only_of_a_file_of_counts() {
        let text = "cat /proc/net/sockstat | grep sockets | awk '{print $3}'\n158391\n";
        assert_eq!(tallies(text), ["tally (cat /proc/net/sockstat | grep sockets | awk '{print $3}') -=158391"]);
        assert!(tallies("$ ps -ef | awk '{print $2}'\n4684\n").is_empty(), "pids");
    }

    #[test]
    fn a_count_for_each_process() {
        let text = "# for p in /proc/[0-9]*; do echo $p $(ls $p/fd | wc -l); done\n/proc/1 112\nls: cannot open directory '/proc/9/fd': No such file or directory\n/proc/9 0\n/proc/4321 6130\nprose 7\n";
        let read: Vec<String> = tallies(text).iter().map(|t| t.rsplit(") ").next().unwrap_or("").to_string()).collect();
        assert_eq!(read, ["/proc/1=112", "/proc/9=0", "/proc/4321=6130"]);
        let text = "$ for p in /proc/[0-9]*; do echo \"$(ls $p/fd 2>/dev/null | wc -l) ${p#/proc/} $(cat $p/comm)\"; done | sort -rn | head -5\n6130 5511 kettle-agent\n212 1 systemd\n";
        let read: Vec<String> = tallies(text).iter().map(|t| t.rsplit(") ").next().unwrap_or("").to_string()).collect();
        assert_eq!(read, ["5511 kettle-agent=6130", "1 systemd=212"]);
    }

    #[test]
    fn a_count_between_other_outputs_of_a_loop() {
        let command = "while :; do date; cat /proc/net/sockstat; ls /proc/7/fd | wc -l; sleep 9; done";
        let round = |n| format!("Sat Nov 28 10:10:00 UTC 2026\nsockets: used 94\n{n}\n");
        let (told, reading) = told_as("x", &format!("$ {command}\n{}{}", round(225), round(447)));
        let counts: Vec<&String> = told.lines.iter().filter(|l| l.starts_with("tally")).collect();
        assert_eq!(counts, ["tally (ls /proc/7/fd | wc -l) -=225", "tally (ls /proc/7/fd | wc -l) -=447"]);
        assert_eq!(reading.unparsed(), 0);
    }

    #[test]
    fn labels_and_numbers_of_one_list() {
        let watched = "Every 10.0s: ss -Htan | cut -d' ' -f1 | sort | uniq -c; ls /proc/77/fd | wc -l        a: Fri Feb  2 11:00:00 2024\n\n      1 CLOSE-WAIT\n    215 ESTAB\n256\n";
        let uniq = "tally (ss -Htan | cut -d' ' -f1 | sort | uniq -c)";
        let want = [format!("{uniq} CLOSE-WAIT=1"), format!("{uniq} ESTAB=215"), "tally (ls /proc/77/fd | wc -l) -=256".into()];
        assert_eq!(tallies(&watched.repeat(2)), [want.clone(), want].concat());
        let dated = "$ date; netstat -ntp | awk '{print $5, $7}' | sort | uniq -c\nFri May 21 10:02:19 CST 2021\n    812 10.7.0.8:70 144/exporter\n      9 10.7.0.8:71 145/exporter\n";
        let read = tallies(dated);
        assert!(read[0].ends_with(" 10.7.0.8:70 144/exporter=812") && read[1].ends_with(" 10.7.0.8:71 145/exporter=9"), "{read:?}");
        assert!(read[0].starts_with("tally (netstat "), "{read:?}");
    }

    #[test]
    fn a_name_in_front_of_the_pid() {
        let text = "$ for p in /proc/[0-9]*; do echo $(ls $p/fd 2>/dev/null | wc -l) $(cat $p/comm) ${p#/proc/}; done | sort -rn\n912 relayd 1773\n96 systemd 1\n";
        let read: Vec<String> = tallies(text).iter().map(|t| t.rsplit(") ").next().unwrap_or("").to_string()).collect();
        assert_eq!(read, ["relayd 1773=912", "systemd 1=96"]);
    }

    #[test]
    fn states_without_a_prompt() {
        assert_eq!(
            tallies("TIME_WAIT   221\nCLOSE-WAIT 7\n  9 established\n"),
            ["tally (-) TIME_WAIT=221", "tally (-) CLOSE-WAIT=7", "tally (-) established=9"]
        );
        assert!(tallies("listen 80\n12 apples\nfoo 7\n").is_empty());
    }

    #[test]
    fn a_command_that_counts_nothing_is_not_quoted() {
        let (told, _) = told_as("x", "$ whatever -x\nTIME_WAIT 5\n");
        assert_eq!(told.lines, ["tally (-) TIME_WAIT=5"]);
    }
}
