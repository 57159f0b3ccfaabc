//! The columns of one `ps` layout, and a row read by them.

use super::scan::{self, Fields};
use crate::facts::Process;
use std::borrow::Cow;

/// The columns of a listing, left to right.
pub struct Layout {
    columns: Cow<'static, [Column]>,
    /// Where the arguments begin if two command columns stand side by side: width of the first.
    name_width: usize,
    /// What the last column is.
    tail: Tail,
}

/// What became of a row.
pub enum Row<'a> {
    Process(Process<'a>),
    /// A thread's row without a number (`ps m`).
    ThreadOnly,
    Other,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Column {
    Pid,
    Ppid,
    Tid,
    User,
    Threads,
    State,
    Start,
    /// `STARTED`: one to five words.
    Started,
    Command,
    Other,
}

/// What the command column holds.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Tail {
    Arguments,
    Name,
    /// The header does not tell; a short one without a path is a name.
    Either,
}

impl Layout {
    /// The layout a header line announces; `options` are those of the command, as far as known.
    pub fn of_header(line: &[u8], options: &[u8]) -> Option<Layout> {
        // Cheap refusal first: this is asked of every line of a paste.
        if line.iter().any(u8::is_ascii_lowercase) || !scan::contains(line, b"PID") {
            return None;
        }
        let mut columns = Vec::new();
        let mut offsets = Vec::new();
        let mut fields = Fields::new(line);
        while let Some(field) = fields.next() {
            let column = column_of(field)?;
            if column == Column::Command {
                offsets.push(fields.offset().saturating_sub(field.len()));
            }
            columns.push(column);
        }
        let has_pid = columns.contains(&Column::Pid);
        let name_width = match offsets.as_slice() {
            [first, second] => second.saturating_sub(*first),
            _ => 0,
        };
        let tail = tail_of(line, &columns, options);
        (has_pid && columns.len() >= 2 && offsets.len() <= 2).then_some(Layout { columns: columns.into(), name_width, tail })
    }

    /// The layout of a row without a header, if it can only be a row of `ps aux`, `ps -ef` or `ps -eLf`.
    pub fn of_row(line: &[u8]) -> Option<Layout> {
        use Column::*;
        let mut fields = Fields::new(line);
        fields.clone().nth(1).and_then(scan::number32)?;
        let mut at = [&b""[..]; 10];
        let mut count = 0;
        for slot in &mut at {
            let Some(field) = fields.next() else { break };
            *slot = field;
            count += 1;
        }
        let [user, pid, a, b, c, d, e, f, g, h] = at;
        let numbers = |all: &[&[u8]]| all.iter().all(|n| scan::number32(n).is_some());
        if count < 8 || !is_user(user) || !numbers(&[pid]) {
            return None;
        }
        let columns: &'static [Column] =
            if is_share(a) && is_share(b) && numbers(&[c, d]) && is_tty(e) && is_state(f) && is_start(g) && is_time(h) {
                &[User, Pid, Other, Other, Other, Other, Other, State, Start, Other, Command]
            } else if numbers(&[a, b]) && is_start(c) && is_tty(d) && is_clock(e) {
                &[User, Pid, Ppid, Other, Start, Other, Other, Command]
            } else if numbers(&[a, b, c, d]) && is_start(e) && is_tty(f) && is_clock(g) {
                &[User, Pid, Ppid, Tid, Other, Threads, Start, Other, Other, Command]
            } else {
                return None;
            };
        Some(Layout { columns: columns.into(), name_width: 0, tail: Tail::Arguments })
    }

    /// The layout of a row without a header that a command line asks for by its list of columns: `ps -eo pid,lstart,cmd | grep x`.
    pub fn of_options(command: &[u8]) -> Option<Layout> {
        let list = columns_asked(command.split(|&b| b == b'|').next().unwrap_or(command))?;
        let mut columns = Vec::new();
        for keyword in list.split(|&b| b == b',') {
            columns.push(match keyword {
                b"lstart" => Column::Started,
                b"start_time" => Column::Start,
                b"ucmd" | b"ucomm" => Column::Command,
                other => column_of(&other.to_ascii_uppercase())?,
            });
        }
        let last = list.rsplit(|&b| b == b',').next().unwrap_or(list);
        let tail = if matches!(last, b"args" | b"cmd" | b"command") { Tail::Arguments } else { Tail::Name };
        let commands = columns.iter().filter(|c| **c == Column::Command).count();
        let has_pid = columns.contains(&Column::Pid);
        (has_pid && commands < 2 && columns.len() > 1).then_some(Layout { columns: columns.into(), name_width: 0, tail })
    }

    /// Reads a row. A row that was cut gives the columns that are whole.
    pub fn row<'a>(&self, line: &'a [u8]) -> Row<'a> {
        let mut fields = Fields::new(line);
        let mut process = Process::default();
        let mut pid = None;
        for (i, &column) in self.columns.iter().enumerate() {
            if column == Column::Command {
                let after = self.columns.get(i + 1..).unwrap_or(&[]);
                self.command(fields.rest(), after, &mut process);
                break;
            }
            let start = fields.rest();
            let Some(field) = fields.next() else { break };
            match column {
                Column::Pid => match scan::number32(field) {
                    Some(number) => pid = Some(number),
                    None if field == b"-" => return Row::ThreadOnly,
                    None => return Row::Other,
                },
                Column::Ppid => process.ppid = scan::number32(field),
                Column::Tid => process.tid = scan::number32(field),
                Column::User => process.user = field,
                Column::Threads => process.threads = scan::number32(field),
                Column::State => {
                    process.state = field.first().copied().filter(u8::is_ascii_alphabetic);
                    // BusyBox leaves a blank before the priority's sign.
                    if fields.peek().is_some_and(|f| matches!(f, b"<" | b"N")) {
                        fields.next();
                    }
                }
                Column::Start => process.started = field,
                Column::Started => {
                    for _ in 1..started_words(field) {
                        fields.next();
                    }
                    let taken = start.len().saturating_sub(fields.rest().len());
                    process.started = start.get(..taken).unwrap_or(field).trim_ascii();
                }
                Column::Command | Column::Other => {}
            }
        }
        match pid {
            Some(pid) => Row::Process(Process { pid, ..process }),
            None => Row::Other,
        }
    }

    /// Reads the command column, behind which other columns may stand.
    fn command<'a>(&self, rest: &'a [u8], after: &[Column], process: &mut Process<'a>) {
        if after == [Column::Command] {
            let (name, arguments) = rest.split_at_checked(self.name_width).unwrap_or((rest, b""));
            process.command = name.trim_ascii();
            process.cmdline = arguments.trim_ascii();
            return;
        }
        let mut text = rest;
        for column in after.iter().rev() {
            let Some(blank) = text.iter().rposition(|&b| scan::is_blank(b)) else { break };
            let (before, field) = text.split_at(blank);
            let field = field.trim_ascii();
            match column {
                Column::Ppid => process.ppid = scan::number32(field),
                Column::Tid => process.tid = scan::number32(field),
                Column::Threads => process.threads = scan::number32(field),
                Column::User => process.user = field,
                Column::State => process.state = field.first().copied(),
                _ => {}
            }
            text = before.trim_ascii_end();
        }
        let text = without_tree(text.trim_ascii_end());
        let name = match self.tail {
            Tail::Name => true,
            Tail::Arguments => false,
            Tail::Either => text.len() <= 15 && !text.contains(&b'/') && !scan::contains(text, b" -") && !text.starts_with(b"["),
        };
        if name {
            process.command = text.strip_suffix(b" <defunct>").unwrap_or(text);
        } else {
            arguments(text, process);
        }
    }
}

/// Arguments, with the kernel's name where the listing shows it.
fn arguments<'a>(text: &'a [u8], process: &mut Process<'a>) {
    process.cmdline = text;
    let (alive, defunct) = match text.strip_suffix(b" <defunct>") {
        Some(name) => (name, true),
        None => (text, false),
    };
    if let Some(name) = alive.strip_prefix(b"[").and_then(|t| t.strip_suffix(b"]")).filter(|n| !n.contains(&b']') && !n.is_empty()) {
        process.command = name;
    } else if defunct {
        process.command = alive;
    } else if let Some((name, rest)) = braced(text) {
        process.command = name;
        process.cmdline = rest;
    }
}

/// BusyBox's `{comm} argv`.
fn braced(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let inner = text.strip_prefix(b"{")?;
    let (name, rest) = inner.split_at_checked(memchr::memmem::find(inner, b"} ")?)?;
    (name.len() <= 16).then(|| (name, rest.get(2..).unwrap_or(b"").trim_ascii_start()))
}

/// The text without the branches that `ps f` draws.
fn without_tree(text: &[u8]) -> &[u8] {
    match memchr::memmem::find(text, b"\\_ ") {
        Some(i) if text.iter().take(i).all(|b| matches!(b, b' ' | b'|')) => text.get(i + 3..).unwrap_or(b""),
        _ => text,
    }
}

/// The list of columns behind `-o`: a word of its own, or the rest of the options.
fn columns_asked(command: &[u8]) -> Option<&[u8]> {
    let mut words = Fields::new(command);
    while let Some(word) = words.next() {
        let letters = word.strip_prefix(b"-").filter(|l| !l.starts_with(b"-")).unwrap_or(b"");
        if let Some(at) = letters.iter().position(|&b| b == b'o') {
            return letters.get(at + 1..).filter(|list| !list.is_empty()).or_else(|| words.next());
        }
    }
    None
}

fn column_of(header: &[u8]) -> Option<Column> {
    Some(match header {
        b"PID" | b"TGID" => Column::Pid,
        b"PPID" => Column::Ppid,
        b"LWP" | b"TID" | b"SPID" => Column::Tid,
        b"USER" | b"UID" | b"EUSER" => Column::User,
        b"NLWP" | b"THCNT" => Column::Threads,
        b"STAT" | b"S" | b"STATE" => Column::State,
        b"START" | b"STIME" => Column::Start,
        b"STARTED" => Column::Started,
        b"COMMAND" | b"CMD" | b"COMM" | b"ARGS" => Column::Command,
        b"%CPU" | b"%MEM" | b"CPU" | b"MEM" | b"C" | b"VSZ" | b"RSS" | b"SZ" | b"SIZE" | b"TTY" | b"TT" | b"TIME" | b"TIME+"
        | b"ELAPSED" => Column::Other,
        b"ETIME" | b"F" | b"PRI" | b"NI" | b"ADDR" | b"WCHAN" | b"CLS" | b"PSR" | b"P" | b"PGID" | b"PGRP" | b"SID" | b"SESS"
        | b"RUSER" => Column::Other,
        b"GROUP" | b"RGROUP" | b"EGROUP" | b"GID" | b"RUID" | b"EUID" | b"RTPRIO" | b"POL" | b"CGROUP" | b"LABEL" | b"MAJFLT"
        | b"MINFLT" => Column::Other,
        b"PR" | b"VIRT" | b"RES" | b"SHR" | b"SWAP" | b"TRS" | b"DRS" | b"NETNS" | b"PIDNS" | b"UNIT" | b"LSTART" => Column::Other,
        _ => return None,
    })
}

/// What the command column holds, by layout and options.
fn tail_of(header: &[u8], columns: &[Column], options: &[u8]) -> Tail {
    let last = columns.last() == Some(&Column::Command);
    let wants = |word: &[u8]| scan::contains(options, word);
    if !last || scan::contains(header, b" COMM ") || header.ends_with(b" COMM") || scan::contains(header, b"TIME+") {
        return Tail::Name;
    }
    if header.ends_with(b" ARGS") || wants(b"args") || wants(b"pid,cmd") || wants(b",command") || wants(b"cmd ") {
        return Tail::Arguments;
    }
    if wants(b"comm") {
        return Tail::Name;
    }
    let fields = || Fields::new(header);
    if fields().eq([&b"PID"[..], b"TTY", b"TIME", b"CMD"]) || fields().eq([&b"PID"[..], b"LWP", b"TTY", b"TIME", b"CMD"]) {
        return Tail::Name;
    }
    // `ps u`, `ps -f`, `ps l` and BusyBox print arguments.
    let has = |word: &[u8]| fields().any(|f| f == word);
    let full = has(b"STIME") || (has(b"VSZ") && has(b"STAT")) || has(b"%CPU");
    let busybox = columns.first() == Some(&Column::Pid) && columns.get(1) == Some(&Column::User) && header.ends_with(b"COMMAND");
    if full || busybox { Tail::Arguments } else { Tail::Either }
}

fn started_words(first: &[u8]) -> usize {
    match first {
        b"Mon" | b"Tue" | b"Wed" | b"Thu" | b"Fri" | b"Sat" | b"Sun" => 5,
        _ if is_month(first) => 2,
        _ => 1,
    }
}

fn is_month(word: &[u8]) -> bool {
    matches!(word, b"Jan" | b"Feb" | b"Mar" | b"Apr" | b"May" | b"Jun" | b"Jul" | b"Aug" | b"Sep" | b"Oct" | b"Nov" | b"Dec")
}

fn is_user(field: &[u8]) -> bool {
    field.len() <= 32 && field.iter().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.' | b'+' | b'$' | b'@' | b'\\'))
}

fn is_share(field: &[u8]) -> bool {
    match field.iter().position(|&b| b == b'.').and_then(|i| field.split_at_checked(i)) {
        Some((whole, part)) => scan::number(whole).is_some() && part.get(1..).and_then(scan::number).is_some(),
        None => scan::number(field).is_some_and(|n| n < 100_000),
    }
}

fn is_tty(field: &[u8]) -> bool {
    matches!(field, b"?" | b"-" | b"console") || field.starts_with(b"pts/") || field.starts_with(b"tty")
}

fn is_state(field: &[u8]) -> bool {
    field.first().is_some_and(|b| matches!(b, b'R' | b'S' | b'D' | b'T' | b't' | b'Z' | b'X' | b'W' | b'I')) && field.len() <= 6
}

/// `14:19`, `Nov22`, `2015`.
fn is_start(field: &[u8]) -> bool {
    match field.len() {
        4 => scan::number(field).is_some_and(|year| (1990..2200).contains(&year)),
        5 => field.get(2) == Some(&b':') || field.get(..3).is_some_and(is_month),
        _ => false,
    }
}

/// `0:00`, `12345:00`.
fn is_time(field: &[u8]) -> bool {
    memchr::memchr(b':', field).is_some() && field.iter().all(|b| b.is_ascii_digit() || matches!(b, b':' | b'-' | b'.'))
}

/// `00:00:00`, `1-02:03:04`.
fn is_clock(field: &[u8]) -> bool {
    is_time(field) && memchr::memchr_iter(b':', field).count() == 2
}
