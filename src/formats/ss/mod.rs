//! Tables of `ss`, every iproute2 since 2.6 and every mix of options.
//!
//! ```text
//! State      Recv-Q Send-Q                 Local Address:Port        Peer Address:Port Process
//! LISTEN     2      1                            0.0.0.0:9094             0.0.0.0:*     users:(("srv",pid=29908,fd=5)) ino:135502 sk:1064
//!          skmem:(r0,rb131072,t0,tb16384,f0,w0,o0,bl0,d20) bbr cwnd:10 unacked:2
//! ESTAB      0      0                          127.0.0.1:9094           127.0.0.1:35112 ino:0 sk:1068
//! ```
//!
//! Scope: the network namespace ss ran in. Recv-Q and Send-Q of a listener are the accept queue and the backlog, of others bytes. Rows
//! with `ino:0` have no file: TIME-WAIT, accept-queue children, orphans. Sockets that were only created are in no table; bound ones are
//! listed from 6.8 on, as UNCONN. Which columns there are depends on the options: no Netid when one kind was asked for, no State when one
//! state was (`ss -ant state close-wait`): then the command, else the name of the member, tells. The header says `Process` even where no
//! process was asked for, so that only a `users:` field (or `-p` on the command line) proves that holders were looked up.
//!
//! A row may take several lines: `-i` and `-m` data on a line that begins with a TAB, a process name that holds a newline, and pastes
//! from narrow terminals. Such a row is handed on at its first line.
//!
//! Sources: iproute2 `misc/ss.c`, 2.6.29 to 7.x.

mod holders;
mod options;
mod row;
mod tail;
#[cfg(test)]
mod tests;

use super::again::First;
use super::{Fit, Format, Hint, Parser, Probe, Taken, arguments, prompt, scan};
use crate::facts::{At, Citation, Note, NoteKind, Sink};
use options::{Kind, Options};
use row::{Columns, Row, Table};
use tail::Moved;

/// Tables of ss.
pub struct Ss;

/// How many bytes a row of several lines may grow to.
const MAX_ROW: usize = 64 << 10;

struct Reading {
    table: Table,
    command: Vec<u8>,
    /// Whether the note on filters is out.
    told_filtered: bool,
    /// Whether holders were looked up: by the command, or because a row had them.
    holders_shown: bool,
    /// Whether rows have a second line, once known.
    second_lines: Option<bool>,
    /// The row that waits for its next line.
    held: Vec<u8>,
    held_at: Option<Citation>,
    /// Whether the held row ends inside of its list of holders.
    held_open: bool,
    /// Whether the line before was a row or belonged to one.
    in_rows: bool,
    first: First,
}

impl Format for Ss {
    fn id(&self) -> &'static str {
        "ss"
    }

    fn title(&self) -> &'static str {
        "ss, tables of sockets"
    }

    fn fit(&self, probe: &Probe<'_>) -> Fit {
        let mut rows = probe.rows().filter(|line| is_warning(line).is_none()).take(4);
        if rows.any(|line| self.opens(line)) {
            return Fit::Sure;
        }
        // Rows without a header and without a state: the name must say what they are.
        let table = Table::new(Options::new(&Hint { path: probe.path, command: probe.command, pid: None }));
        match probe.rows().next() {
            Some(line) if table.options.state.is_some() && table.is_row(line) => Fit::Weak,
            Some(line) if is_warning(line).is_some() => Fit::Weak,
            _ => Fit::No,
        }
    }

    fn opens(&self, line: &[u8]) -> bool {
        match line.trim_ascii_start().first() {
            Some(b'A'..=b'Z' | b'a'..=b'z' | b'?') => {}
            _ => return false,
        }
        Columns::of_header(line).is_some() || opens_with_row(line)
    }

    fn printed_by(&self, command: &[u8]) -> bool {
        arguments::arguments(command, b"ss").is_some_and(|a| !a.has(b's', b"summary")) && !prompt::counts(command)
    }

    fn has_header(&self) -> bool {
        true
    }

    fn begins_at_command(&self) -> bool {
        true
    }

    fn can_end(&self, row: &[u8]) -> bool {
        let closed = |open: &[u8], close: &[u8]| {
            memchr::memmem::rfind(row, open).is_none_or(|at| scan::contains(row.get(at..).unwrap_or(b""), close))
        };
        let named = row.last() != Some(&b':') && !super::width::ends_within(row, &[b"users:((", b"timer:(", b"uid:", b"ino:", b"cgroup:"]);
        closed(b"users:((", b"))") && closed(b"timer:(", b")") && named
    }

    fn parser(&self, hint: &Hint<'_>) -> Box<dyn Parser> {
        let options = Options::new(hint);
        Box::new(Reading {
            table: Table::new(options),
            command: hint.command.to_vec(),
            told_filtered: false,
            holders_shown: options.processes,
            second_lines: None,
            held: Vec::new(),
            held_at: None,
            held_open: false,
            in_rows: false,
            first: First::of(hint.command),
        })
    }
}

impl Parser for Reading {
    fn line(&mut self, at: At<'_>, sink: &mut dyn Sink) -> Taken {
        if self.held_at.is_some()
            && let Some(taken) = self.goes_on(at, sink)
        {
            return taken;
        }
        let mut row = Row::new();
        if self.table.read(at.text, &mut row).is_some() {
            self.in_rows = true;
            if self.must_hold(&row) {
                self.hold(at, row.tail.holders.open);
            } else {
                self.give(at, &mut row, Moved::default(), sink);
            }
            if !self.told_filtered && self.table.options.filtered {
                self.filtered(at, sink);
            }
            return Taken::Row;
        }
        self.other(at, sink)
    }

    fn end(&mut self, at: At<'_>, sink: &mut dyn Sink) {
        self.release(at, Moved::default(), sink);
    }
}

impl Reading {
    /// Whether a row must wait for the line after it. Only TCP rows carry times, so the others wait only while nothing is known.
    fn must_hold(&self, row: &Row<'_>) -> bool {
        row.tail.holders.open || (row.kind == Kind::Tcp && self.second_lines != Some(false))
    }

    fn hold(&mut self, at: At<'_>, open: bool) {
        self.held.clear();
        self.held.extend_from_slice(at.text);
        self.held_at = Some(at.citation);
        self.held_open = open;
    }

    /// Tries the line as the rest of the held row; `None` after the row was handed on because the line is none of it.
    fn goes_on(&mut self, at: At<'_>, sink: &mut dyn Sink) -> Option<Taken> {
        // Some tickets put a blank line behind each.
        if at.text.trim_ascii().is_empty() {
            return Some(Taken::Noise);
        }
        if is_second_line(at.text) {
            self.second_lines = Some(true);
            self.release(at, Moved::read(at.text), sink);
            return Some(Taken::Noise);
        }
        let first = scan::Fields::new(at.text).next().unwrap_or(b"");
        let wrapped = tail::is_tail_word(first);
        if (wrapped || self.closes(at.text)) && self.held.len() + at.text.len() < MAX_ROW {
            // A wrapped row was broken at a blank, a name at its newline.
            self.held.push(if wrapped { b' ' } else { b'\n' });
            self.held.extend_from_slice(at.text);
            self.second_lines = if wrapped { Some(true) } else { self.second_lines };
            self.held_open = false;
            return Some(Taken::Noise);
        }
        if !self.held_open && self.second_lines.is_none() {
            self.second_lines = Some(false);
        }
        self.release(at, Moved::default(), sink);
        None
    }

    /// Whether the held row is open and this line closes its list of holders.
    fn closes(&mut self, line: &[u8]) -> bool {
        if !self.held_open || !scan::contains(line, b"))") || self.table.is_row(line) {
            return false;
        }
        let mut joined = self.held.clone();
        joined.push(b'\n');
        joined.extend_from_slice(line);
        let mut row = Row::new();
        self.table.read(&joined, &mut row).is_some() && !row.tail.holders.open
    }

    /// Hands on the held row, if one is held, at its own place.
    fn release(&mut self, at: At<'_>, moved: Moved, sink: &mut dyn Sink) {
        let Some(citation) = self.held_at.take() else { return };
        let held = std::mem::take(&mut self.held);
        let mut row = Row::new();
        if self.table.read(&held, &mut row).is_some() {
            self.give(At { citation, format: at.format, text: &held }, &mut row, moved, sink);
        }
        self.held = held;
    }

    fn give<'r>(&mut self, at: At<'_>, row: &'r mut Row<'r>, second: Moved, sink: &mut dyn Sink) {
        let Row { socket, tail, .. } = row;
        let holders = &tail.holders;
        self.holders_shown |= holders.present;
        socket.holders = holders.list();
        // A list that was cut before its first entry says nothing about who holds the socket.
        socket.holders_shown = self.holders_shown && !(holders.open && socket.holders.is_empty());
        socket.states_shown = self.table.options.shown;
        socket.last_received_ms = tail.moved.received_ms.or(second.received_ms);
        socket.last_sent_ms = tail.moved.sent_ms.or(second.sent_ms);
        if self.first.comes_again(socket) {
            sink.note(at, &Note { kind: NoteKind::TableStart, pid: None, text: at.text });
        }
        sink.socket(at, socket);
    }

    /// Headers, second lines, warnings and blank lines.
    fn other(&mut self, at: At<'_>, sink: &mut dyn Sink) -> Taken {
        let line = at.text;
        if let Some(columns) = Columns::of_header(line) {
            self.in_rows = true;
            self.table.restart(columns);
            self.first.reset();
            self.second_lines = None;
            sink.note(at, &Note { kind: NoteKind::TableStart, pid: None, text: line });
            if self.table.options.filtered || columns.lacks_state() {
                self.filtered(at, sink);
            }
            return Taken::Noise;
        }
        if line.trim_ascii().is_empty() {
            return Taken::Noise;
        }
        if self.in_rows && is_second_line(line) {
            // It belongs to a row that is out already; from here on rows wait for theirs.
            self.second_lines = Some(true);
            return Taken::Noise;
        }
        if let Some(kind) = is_warning(line) {
            sink.note(at, &Note { kind, pid: None, text: line });
            return Taken::Noise;
        }
        self.in_rows = false;
        if is_usage(line) { Taken::Noise } else { Taken::Unknown }
    }

    fn filtered(&mut self, at: At<'_>, sink: &mut dyn Sink) {
        if !self.told_filtered {
            self.told_filtered = true;
            let text = if self.command.is_empty() { at.text } else { &self.command };
            sink.note(at, &Note { kind: NoteKind::Filtered, pid: None, text });
        }
    }
}

/// Whether a line alone is a row: it begins with a label or state of ss, two numbers and two ends.
fn opens_with_row(line: &[u8]) -> bool {
    let mut fields = scan::Fields::new(line);
    let Some(first) = fields.next() else { return false };
    let labelled = Kind::from_netid(first).is_some();
    let state = if labelled { fields.peek().unwrap_or(b"") } else { first };
    let glued = state.iter().position(u8::is_ascii_uppercase).and_then(|i| state.get(i..)).unwrap_or(b"");
    let Some((_, digits)) = row::split_state(glued) else { return false };
    if !labelled && glued.len() < state.len() && Kind::from_netid(state.get(..state.len() - glued.len()).unwrap_or(b"")).is_none() {
        return false;
    }
    if labelled {
        fields.next();
    }
    let numbers = if digits.is_empty() { 2 } else { 1 };
    if !(0..numbers).all(|_| fields.next().and_then(scan::number).is_some()) {
        return false;
    }
    let unix = labelled && first.starts_with(b"u_") || state.starts_with(b"u_");
    match (fields.next(), fields.next()) {
        (Some(_), Some(_)) if unix => true,
        (Some(local), Some(remote)) => row::looks_like_ends(local, remote),
        _ => false,
    }
}

/// The second line of a row: a TAB (or the blanks a paste made of it) and data of `-i`, `-m` or `-b`.
fn is_second_line(line: &[u8]) -> bool {
    const KEYS: &[&[u8]] = &[
        b"mem:(",
        b"cwnd:",
        b"rto:",
        b"tcp-ulp",
        b"bpf ",
        b"subflows:",
        b"ring_",
        b"ver:",
        b"wscale:",
        b"rcv_space:",
        b"locals:",
        b"lastsnd:",
    ];
    if !matches!(line, [b'\t', ..] | [b' ', b' ', ..]) {
        return false;
    }
    let blank = line.trim_ascii().is_empty();
    // TIME-WAIT has a second line of a TAB alone.
    (blank && line.first() == Some(&b'\t')) || (!blank && KEYS.iter().any(|key| scan::contains(line, key)))
}

/// What a message of ss on standard error says of the table.
fn is_warning(line: &[u8]) -> Option<NoteKind> {
    let line = line.trim_ascii();
    if line.starts_with(b"RTNETLINK answers:")
        || line.starts_with(b"Failed to find cgroup2 mount")
        || line.starts_with(b"Failed to open cgroup2")
    {
        // ss reads /proc instead, with the same rows and fewer fields.
        return Some(NoteKind::Warning);
    }
    if line.starts_with(b"Cannot open netlink socket") || line.starts_with(b"Cannot bind netlink socket") {
        return Some(NoteKind::Unreadable);
    }
    if line.starts_with(b"ss: ") || line.starts_with(b"Usage: ss") {
        return Some(NoteKind::Failed);
    }
    None
}

/// A line of the usage text, printed instead of data by versions that do not know an option.
fn is_usage(line: &[u8]) -> bool {
    let line = line.trim_ascii();
    line.starts_with(b"ss [ OPTIONS ]")
        || line.starts_with(b"FAMILY := ")
        || line.starts_with(b"QUERY := ")
        || line.starts_with(b"FILTER := ")
        || line.starts_with(b"STATE-FILTER := ")
        || line.starts_with(b"TCP-STATES := ")
        || (line.starts_with(b"-") && scan::contains(line, b", --"))
}
