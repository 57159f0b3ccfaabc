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

/// Reads a row; `columns` are those of the header, if there was one, and `wide` whether ends are known not to be cut.
#[inline]
pub fn row<'a>(line: &'a [u8], columns: Option<Columns>, wide: bool) -> Option<Row<'a>> {
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
    let mut socket = Socket::new(protocol, state);
    socket.local = Some(local);
    socket.remote = Some(remote);
    socket.recv_q = Some(recv_q);
    // The kernel tells no backlog here: a listener's number is always 0.
    socket.send_q = (state != SocketState::Listen).then_some(send_q);
    let mut row = Row { socket, holder: None, owner_shown: columns.is_some_and(|c| c.program) };
    behind(&mut row, fields, columns);
    Some(row)
}

/// The protocols of a label over IPv4 and IPv6, and whether it says IPv6 itself.
fn protocols(label: &[u8]) -> Option<(Protocol, Protocol, bool)> {
    Some(match label {
        b"tcp" => (Protocol::Tcp, Protocol::Tcp6, false),
        b"tcp6" => (Protocol::Tcp, Protocol::Tcp6, true),
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
fn end(text: &[u8], wide: bool) -> Option<(Endpoint<'_>, bool)> {
    let colon = memchr::memrchr(b':', text)?;
    let host = text.get(..colon)?;
    let v6 = memchr::memchr(b':', host).is_some();
    let mut end = Endpoint::parse(text)?;
    if v6 && !wide && text.len() == END_WIDTH && end.addr != Addr::Any {
        end.addr = Addr::Name(host);
    }
    Some((end, v6))
}

/// The state, taken from the fields only if there is one.
fn state(protocol: Protocol, fields: &mut Fields<'_>, columns: Option<Columns>) -> SocketState {
    let blank = if protocol.is_tcp() { SocketState::Unknown } else { SocketState::Unconn };
    let Some(word) = fields.peek() else { return blank };
    if let Some(state) = states::inet_state(word) {
        fields.next();
        return state;
    }
    if protocol.is_raw() {
        // The kernel's number, of one or two digits, stands in the place of the state.
        return match scan::number(word).and_then(|n| u8::try_from(n).ok()) {
            Some(number) if word.len() <= 2 => {
                fields.next();
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
        fields.next();
        return SocketState::Unknown;
    }
    blank
}

/// User and inode, owner, context, timer: by the header, or without one by what they look like.
fn behind<'a>(row: &mut Row<'a>, mut fields: Fields<'a>, columns: Option<Columns>) {
    let rest = fields.rest();
    let rest = match last_word(rest).1 {
        [b'(', .., b')'] if columns.is_none_or(|c| c.timer) => timer(row, rest),
        _ => rest,
    };
    fields = Fields::new(rest);
    let extended = columns.is_some_and(|c| c.extended) || {
        let mut ahead = fields.clone();
        ahead.next().is_some_and(|user| user != b"-" && !user.contains(&b'/')) && ahead.next().and_then(scan::number).is_some()
    };
    if extended {
        row.socket.uid = fields.next().and_then(scan::number32);
        row.socket.inode = fields.next().and_then(scan::number);
        if row.socket.state == SocketState::TimeWait {
            // The kernel prints 0, which is nobody's uid here.
            row.socket.uid = None;
        }
    }
    let mut owner = fields.rest().trim_ascii_end();
    if columns.is_some_and(|c| c.context) {
        owner = last_word(owner).0;
    }
    match columns {
        Some(columns) if !columns.program => return,
        None if owner.is_empty() => return,
        _ => row.owner_shown = true,
    }
    row.holder = holder(owner);
    if columns.is_none() && row.holder.is_none() && owner != b"-" {
        // Without a header a stray word is no proof of the column.
        row.owner_shown = false;
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
