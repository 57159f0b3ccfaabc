//! A row of the inet table: proto, queues, two ends, and what was asked for behind them.
//!
//! ```text
//! tcp        0      0 127.0.0.1:9092          127.0.0.1:40142         ESTABLISHED 0          133959     29908/python3        off (0.00/0/0)
//! udp        0      0 0.0.0.0:5353            0.0.0.0:*                           29956/nginx: worker
//! raw        0      0 0.0.0.0:1               0.0.0.0:*               7           -
//! ```
//!
//! UDP has a blank State unless connected, raw prints the kernel's number. A program's name may hold blanks and is at most 19 bytes with
//! its pid. Address and port share 23 bytes, so that a long IPv6 address is cut in its middle into one that looks valid: an IPv6 end of
//! exactly 23 bytes is kept as a name, not as an address.

use super::columns::Columns;
use super::states;
use crate::facts::{Addr, Endpoint, Holder, Protocol, Socket, SocketState, Timer, TimerKind};
use crate::formats::scan::{self, Fields};

/// The bytes that address and port share unless the output is wide.
const END_WIDTH: usize = 23;

/// A row: the socket and its one holder.
pub struct Row<'a> {
    /// The socket without its holder.
    pub socket: Socket<'a>,
    /// The owner that is printed; netstat prints one of several.
    pub holder: Option<Holder<'a>>,
    /// Whether the row shows a column for it.
    pub owner_shown: bool,
}

impl Row<'_> {
    /// A row that nothing is known of yet.
    pub fn new() -> Self {
        Row { socket: Socket::new(Protocol::Other, SocketState::Unknown), holder: None, owner_shown: false }
    }
}

/// Reads a row into `row`, which saves copies of a large value, and tells whether the line was one; `columns` are those of the header, if there was one, and `wide` whether ends are known not to be cut.
#[inline]
pub fn read<'a>(line: &'a [u8], columns: Option<Columns>, wide: bool, row: &mut Row<'a>) -> Option<()> {
    let mut fields = Fields::new(line);
    let label = fields.next()?;
    let (protocol, protocol6, labelled6) = protocols(label)?;
    let recv_q = scan::number(fields.next()?)?;
    let send_q = scan::number(fields.next()?)?;
    let (local_text, remote_text) = (fields.next()?, fields.next()?);
    let (local, local6) = end(local_text, wide)?;
    let (remote, remote6) = end(remote_text, wide)?;
    let protocol = if labelled6 || local6 || remote6 { protocol6 } else { protocol };
    let state = state(protocol, &mut fields, columns);
    row.socket.protocol = protocol;
    row.socket.state = state;
    row.socket.local = Some(local);
    row.socket.remote = Some(remote);
    row.socket.recv_q = Some(recv_q);
    // The kernel tells no backlog here: a listener's number is always 0.
    row.socket.send_q = (state != SocketState::Listen).then_some(send_q);
    behind(row, fields, columns);
    Some(())
}

/// The protocols of a label over IPv4 and IPv6, and whether it says IPv6 itself.
#[inline]
fn protocols(label: &[u8]) -> Option<(Protocol, Protocol, bool)> {
    const TCP: u64 = scan::code(b"tcp");
    const TCP6: u64 = scan::code(b"tcp6");
    match scan::short(label) {
        TCP => return Some((Protocol::Tcp, Protocol::Tcp6, false)),
        TCP6 => return Some((Protocol::Tcp, Protocol::Tcp6, true)),
        _ => {}
    }
    Some(match label {
        b"udp" => (Protocol::Udp, Protocol::Udp6, false),
        b"udp6" => (Protocol::Udp, Protocol::Udp6, true),
        b"udpl" | b"udplite" => (Protocol::Udplite, Protocol::Udplite6, false),
        b"udpl6" | b"udplite6" | b"udpli" => (Protocol::Udplite, Protocol::Udplite6, label == b"udpl6" || label == b"udplite6"),
        b"raw" => (Protocol::Raw, Protocol::Raw6, false),
        b"raw6" => (Protocol::Raw, Protocol::Raw6, true),
        b"icmp" => (Protocol::Icmp, Protocol::Icmp6, false),
        b"icmp6" | b"icm6" => (Protocol::Icmp, Protocol::Icmp6, true),
        b"sctp" => (Protocol::Sctp, Protocol::Sctp, false),
        b"dccp" => (Protocol::Dccp, Protocol::Dccp, false),
        _ => return None,
    })
}

/// An end, and whether it is printed as an IPv6 address.
#[inline]
fn end(text: &[u8], wide: bool) -> Option<(Endpoint<'_>, bool)> {
    let mut end = Endpoint::parse(text)?;
    if matches!(end.addr, Addr::V4(_)) && text.first().is_some_and(u8::is_ascii_digit) {
        return Some((end, false));
    }
    let host = text.get(..memchr::memrchr(b':', text)?)?;
    let v6 = memchr::memchr(b':', host).is_some();
    if v6 && !wide && text.len() == END_WIDTH && end.addr != Addr::Any {
        end.addr = Addr::Name(host);
    }
    Some((end, v6))
}

/// The state, taken from the fields only if there is one.
fn state(protocol: Protocol, fields: &mut Fields<'_>, columns: Option<Columns>) -> SocketState {
    let blank = if protocol.is_tcp() { SocketState::Unknown } else { SocketState::Unconn };
    let mut ahead = fields.clone();
    let Some(word) = ahead.next() else { return blank };
    if let Some(state) = states::inet_state(word) {
        *fields = ahead;
        return state;
    }
    if protocol.is_raw() {
        // The kernel's number, of one or two digits, stands in the place of the state.
        return match scan::number(word).and_then(|n| u8::try_from(n).ok()) {
            Some(number) if word.len() <= 2 => {
                *fields = ahead;
                if number == 7 { SocketState::Unconn } else { SocketState::from_kernel(number) }
            }
            _ => blank,
        };
    }
    // An unknown word in the place of the state; owner, user and timer do not look like one.
    let could_be = word.len() > 2
        && word != b"off"
        && word.iter().all(|b| b.is_ascii_uppercase() || *b == b'_' || b.is_ascii_digit() || *b >= 0x80)
        && !word.iter().all(u8::is_ascii_digit);
    if could_be && (protocol.is_tcp() || columns.is_some_and(|c| !c.extended)) {
        *fields = ahead;
        return SocketState::Unknown;
    }
    blank
}

/// User and inode, owner, context, timer: by the header, or without one by what they look like.
#[inline]
fn behind<'a>(row: &mut Row<'a>, fields: Fields<'a>, columns: Option<Columns>) {
    let mut rest = fields.rest();
    if columns.is_some_and(|c| c.program && !c.context && !c.timer) {
        // The usual case: nothing but the owner follows.
        row.owner_shown = true;
        row.holder = holder(rest);
        if row.holder.is_some() || rest.first() == Some(&b'-') {
            return;
        }
    }
    if columns.is_none_or(|c| c.timer) {
        rest = timer(row, rest);
    }
    if columns.is_some_and(|c| c.extended) || looks_extended(rest) {
        let mut fields = Fields::new(rest);
        let uid = fields.next().and_then(scan::number32);
        // The kernel prints 0 for TIME-WAIT, which is nobody's uid there.
        row.socket.uid = if row.socket.state == SocketState::TimeWait { None } else { uid };
        row.socket.inode = fields.next().and_then(scan::number);
        rest = fields.rest();
    }
    match columns {
        Some(columns) if !columns.program => {}
        Some(columns) => {
            row.owner_shown = true;
            row.holder = holder(if columns.context { last_word(rest).0 } else { rest });
        }
        None => {
            // Without a header a stray word is no proof of the column.
            row.holder = holder(rest);
            row.owner_shown = row.holder.is_some() || rest.trim_ascii_end() == b"-";
        }
    }
}

/// Whether a user and an inode come next: a word that is no owner, and a number.
#[inline]
fn looks_extended(rest: &[u8]) -> bool {
    let mut ahead = Fields::new(rest);
    match ahead.next() {
        None | Some(b"-") => false,
        Some(user) => !user.contains(&b'/') && ahead.next().and_then(scan::number).is_some(),
    }
}

/// `PID/program`; `None` for `-`.
pub fn holder(text: &[u8]) -> Option<Holder<'_>> {
    let (pid, rest) = scan::leading_number(text)?;
    let command = rest.strip_prefix(b"/")?.trim_ascii_end();
    Some(Holder { command, pid: u32::try_from(pid).ok()?, fd: None })
}

/// Takes `on (3.18/2/0)` off the end: seconds, retransmits, probes.
fn timer<'a>(row: &mut Row<'a>, rest: &'a [u8]) -> &'a [u8] {
    let (before, numbers) = last_word(rest);
    if !numbers.starts_with(b"(") {
        return rest;
    }
    let (before, word) = last_word(before);
    let mut parts = numbers.strip_prefix(b"(").and_then(|n| n.strip_suffix(b")")).unwrap_or(b"").split(|&b| b == b'/');
    let (Some(seconds), Some(retransmits), Some(probes)) =
        (parts.next().and_then(decimal), parts.next().and_then(scan::number32), parts.next().and_then(scan::number32))
    else {
        return rest;
    };
    let kind = match word {
        b"off" => return before,
        b"on" => TimerKind::On,
        b"keepalive" => TimerKind::Keepalive,
        b"timewait" => TimerKind::Timewait,
        // 1.60 has no word for the fourth.
        b"probe" | b"unkn-4" => TimerKind::Persist,
        _ => TimerKind::Other,
    };
    let retries = if matches!(kind, TimerKind::Keepalive | TimerKind::Persist) { probes } else { retransmits };
    row.socket.timer = Some(Timer { kind, seconds, retries });
    before
}

fn decimal(text: &[u8]) -> Option<f32> {
    std::str::from_utf8(text).ok()?.parse().ok().filter(|n: &f32| n.is_finite())
}

/// The text before the last word, and that word.
fn last_word(text: &[u8]) -> (&[u8], &[u8]) {
    let text = text.trim_ascii_end();
    let start = text.iter().rposition(|&b| scan::is_blank(b)).map_or(0, |i| i + 1);
    text.split_at_checked(start).map_or((b"", text), |(before, word)| (before.trim_ascii_end(), word))
}
