//! Tables of `netstat`: net-tools 1.60 to 2026, BusyBox, in any language and with any mix of options.
//!
//! ```text
//! Active Internet connections (servers and established)
//! Proto Recv-Q Send-Q Local Address           Foreign Address         State       PID/Program name
//! tcp        2      0 0.0.0.0:9094            0.0.0.0:*               LISTEN      29908/python3
//! tcp6       0      0 ::1:9093                ::1:38870               ESTABLISHED -
//! Active UNIX domain sockets (servers and established)
//! Proto RefCnt Flags       Type       State         I-Node   PID/Program name     Path
//! unix  2      [ ACC ]     STREAM     LISTENING     133948   29956/python3        /tmp/sd/u.sock
//! ```
//!
//! Scope: the network namespace of the command. Recv-Q of a listener is its accept queue (1.60 prints 0 for any queue), Send-Q of a
//! listener says nothing. One owner is printed for a socket that many processes share; `-` means that none was found: no privilege, or a
//! socket without a file. 1.60 and BusyBox label IPv6 rows `tcp`, 2.x labels IPv4 over IPv6 sockets `tcp6` with an IPv4 address. Banner,
//! header and states are translated, so rows are told by their shape: a protocol, two numbers, two ends (net-tools `netstat.c`).

mod columns;
mod inet;
mod states;
#[cfg(test)]
mod tests;
mod unix;

use super::again::First;
use super::{Fit, Format, Hint, Parser, Probe, Taken, arguments, prompt, scan, selection};
use crate::facts::{At, Note, NoteKind, Sink, StatesShown};
use columns::Columns;
use std::borrow::Cow;

/// Tables of netstat.
pub struct Netstat;

struct Reading {
    columns: Option<Columns>,
    /// Whether addresses are known not to be cut.
    wide: bool,
    /// Which states are listed.
    shown: StatesShown,
    /// Whether the note on privilege is out.
    told_privilege: bool,
    /// Inside of a notice that goes on on its next line.
    in_notice: bool,
    first: First,
}

impl Format for Netstat {
    fn id(&self) -> &'static str {
        "netstat"
    }

    fn title(&self) -> &'static str {
        "netstat, tables of sockets (net-tools and BusyBox)"
    }

    fn fit(&self, probe: &Probe<'_>) -> Fit {
        let mut rows = probe.rows().take(5);
        if rows.any(|line| self.opens(line)) {
            return Fit::Sure;
        }
        match probe.rows().next() {
            Some(line) if is_privilege_notice(line) || is_failure(line) || is_banner(line) => Fit::Likely,
            _ => Fit::No,
        }
    }

    fn opens(&self, line: &[u8]) -> bool {
        let line = line.trim_ascii();
        match line.first() {
            Some(b't' | b'u' | b'r' | b'i' | b's' | b'd') => {
                let mut row = inet::Row::new();
                if line.starts_with(b"unix") {
                    return unix::read(line, None, &mut row).is_some();
                }
                inet::read(line, None, false, &mut row).is_some() && is_plausible(&row)
            }
            Some(b'P') => is_header(line),
            Some(b'A') => {
                let line = untabbed(line);
                line.starts_with(b"Active Internet connections") || line.starts_with(b"Active UNIX domain sockets")
            }
            _ => false,
        }
    }

    fn printed_by(&self, command: &[u8]) -> bool {
        arguments::arguments(command, b"netstat").is_some_and(|words| {
            let others: [(u8, &[u8]); 5] =
                [(b's', b"statistics"), (b'r', b"route"), (b'i', b"interfaces"), (b'g', b"groups"), (b'M', b"masquerade")];
            !others.iter().any(|(letter, long)| words.has(*letter, long))
        }) && !prompt::counts(command)
    }

    fn has_header(&self) -> bool {
        true
    }

    fn begins_at_command(&self) -> bool {
        true
    }

    fn can_end(&self, row: &[u8]) -> bool {
        !super::width::ends_within(row.trim_ascii_end(), states::INET)
    }

    fn parser(&self, hint: &Hint<'_>) -> Box<dyn Parser> {
        let words = arguments::arguments(hint.command, b"netstat");
        let by_name = arguments::path_words(hint.path, "netstat").is_some_and(|mut words| words.any(|w| w == "W" || w == "wide"));
        let wide = by_name || words.is_some_and(|w| w.has(b'W', b"wide") || w.has(b'T', b"notrim"));
        let shown = match selection::states(hint.command) {
            StatesShown::Unknown => named_states(hint.path),
            told => told,
        };
        Box::new(Reading { columns: None, wide, shown, told_privilege: false, in_notice: false, first: First::of(hint.command) })
    }
}

/// The states of the options in a name such as `netstat_-W_-neopa`, `netstat-tlnp.txt`.
fn named_states(path: &str) -> StatesShown {
    let mut words = arguments::path_words(path, "netstat").into_iter().flatten();
    let options = words.find(|word| word.contains('n') && word.bytes().all(|b| b"taunlpeowx".contains(&b)));
    match options {
        Some(word) if word.contains('l') && !word.contains('a') => StatesShown::Listening,
        Some(_) => StatesShown::All,
        None => StatesShown::Unknown,
    }
}

/// The states that the line above the header tells of.
fn banner_states(line: &[u8]) -> StatesShown {
    match line.split(|&b| b == b'(').nth(1) {
        Some(b"servers and established)" | b"w/o servers)") => StatesShown::All,
        Some(b"only servers)") => StatesShown::Listening,
        _ => StatesShown::Unknown,
    }
}

impl Parser for Reading {
    fn line(&mut self, at: At<'_>, sink: &mut dyn Sink) -> Taken {
        let columns = self.columns.filter(|c| !c.unix);
        let mut row = inet::Row::new();
        if inet::read(at.text, columns, self.wide, &mut row).is_some()
            || unix::read(at.text, self.columns.filter(|c| c.unix), &mut row).is_some()
        {
            let inet::Row { socket, holder, owner_shown } = &mut row;
            socket.holders = holder.as_ref().map_or(&[], std::slice::from_ref);
            socket.holders_shown = *owner_shown;
            socket.states_shown = self.shown;
            if self.first.comes_again(socket) {
                sink.note(at, &Note { kind: NoteKind::TableStart, pid: None, text: at.text });
            }
            sink.socket(at, socket);
            return Taken::Row;
        }
        self.other(at, sink)
    }
}

impl Reading {
    /// Headers, banners, notices and blank lines.
    fn other(&mut self, at: At<'_>, sink: &mut dyn Sink) -> Taken {
        let line = &*untabbed(at.text.trim_ascii());
        if line.is_empty() {
            return Taken::Noise;
        }
        if Columns::is_foreign_family(line) {
            return Taken::Noise;
        }
        if let Some(time) = super::ps::sample_time(line) {
            sink.note(at, &Note { kind: NoteKind::SampleStart, pid: None, text: time });
            return Taken::Noise;
        }
        if let Some(columns) = Columns::of_header(line) {
            self.header(at, columns, sink);
            return Taken::Noise;
        }
        if std::mem::take(&mut self.in_notice) {
            self.in_notice = !line.ends_with(b")");
            return Taken::Noise;
        }
        if is_privilege_notice(line) {
            self.in_notice = !line.ends_with(b")");
            if !std::mem::replace(&mut self.told_privilege, true) {
                sink.note(at, &Note { kind: NoteKind::NoPrivilege, pid: None, text: at.text });
            }
            return Taken::Noise;
        }
        if is_banner(line) {
            if let told @ (StatesShown::All | StatesShown::Listening) = banner_states(line) {
                self.shown = told;
            }
            return Taken::Noise;
        }
        if is_failure(line) {
            let warning = scan::contains(line, b"no support for") || line == b"getnameinfo failed";
            let kind = if warning { NoteKind::Warning } else { NoteKind::Failed };
            sink.note(at, &Note { kind, pid: None, text: at.text });
            return Taken::Noise;
        }
        if is_usage(at.text) { Taken::Noise } else { Taken::Unknown }
    }

    /// A table of inet sockets begins a reading; the one of unix sockets that follows it belongs to the same.
    fn header(&mut self, at: At<'_>, columns: Columns, sink: &mut dyn Sink) {
        let follows = columns.unix && self.columns.is_some_and(|c| !c.unix);
        if !follows {
            sink.note(at, &Note { kind: NoteKind::TableStart, pid: None, text: at.text });
        }
        self.first.reset();
        self.wide |= columns.wide;
        self.columns = Some(columns);
    }
}

/// Whether a row without a header is surely one: its ends are addresses, or its state or owner is known.
fn is_plausible(row: &inet::Row<'_>) -> bool {
    use crate::facts::{Addr, SocketState};
    let is_address = |end: Option<crate::facts::Endpoint<'_>>| end.is_some_and(|e| !matches!(e.addr, Addr::Name(_)));
    let decided = !matches!(row.socket.state, SocketState::Unknown | SocketState::Unconn) || row.holder.is_some();
    (is_address(row.socket.local) && is_address(row.socket.remote)) || decided
}

fn is_header(line: &[u8]) -> bool {
    Columns::of_header(line).is_some() && !Columns::is_foreign_family(line)
}

/// A line whose words a spreadsheet parted by tabs, with blanks.
fn untabbed(line: &[u8]) -> Cow<'_, [u8]> {
    match memchr::memchr(b'\t', line) {
        Some(_) => line.iter().map(|&b| if b == b'\t' { b' ' } else { b }).collect::<Vec<u8>>().into(),
        None => line.into(),
    }
}

/// The line above a header, in the languages net-tools was translated to.
fn is_banner(line: &[u8]) -> bool {
    const WORDS: &[&str] = &[
        "Active Internet",
        "Active UNIX",
        "Active Bluetooth",
        "Active IPX",
        "Active AX.25",
        "Active X.25",
        "Active NET/ROM",
        "Aktive ",
        "Connexions Internet",
        "Sockets du domaine UNIX",
        "Conexões Internet",
        "Domain sockets UNIX",
        "Conexiones activas",
        "Sockets de dominio UNIX",
        "Connessioni Internet",
        "Connessioni attive",
        "Socket attivi",
        "稼働中の",
        "Aktivní",
        "Aktívne",
        "Etkin ",
        "Активные ",
    ];
    WORDS.iter().any(|w| line.starts_with(w.as_bytes()))
}

/// `(Not all processes could be identified, ...` and `(No info could be read for "-p": ...`, in any language: a sentence in parentheses
/// about root or `-p`.
fn is_privilege_notice(line: &[u8]) -> bool {
    let line = line.trim_ascii();
    let about = || [&b"\"-p\""[..], b" root", b"Root"].iter().any(|word| scan::contains(line, word));
    line.starts_with(b"(Not all processes") || (line.starts_with(b"(") && line.len() > 40 && about())
}

fn is_failure(line: &[u8]) -> bool {
    let line = line.trim_ascii();
    line.starts_with(b"netstat: ")
        || line == b"getnameinfo failed"
        || (line.starts_with(b"netstat") && (scan::contains(line, b": invalid option") || scan::contains(line, b": unrecognized option")))
}

/// A line of the usage text, printed instead of data where an option is not known.
fn is_usage(line: &[u8]) -> bool {
    let text = line.trim_ascii();
    let starts: [&[u8]; 9] = [
        b"usage: netstat",
        b"Usage: netstat",
        b"netstat [-",
        b"netstat {",
        b"BusyBox v",
        b"Display networking information",
        b"<Socket>=",
        b"<AF>=",
        b"List of possible address families",
    ];
    starts.iter().any(|start| text.starts_with(start))
        || (line.starts_with(b"        -") || line.starts_with(b"        --") || line.starts_with(b"\t-"))
        || (line.starts_with(b"    ") && scan::contains(text, b"(") && text.starts_with(b"inet"))
        || (line.starts_with(b"    ")
            && (scan::contains(text, b"(AMPR ") || scan::contains(text, b"(DARPA ") || scan::contains(text, b"(Novell ")))
}
