//! `/proc/net/tcp`, `tcp6`, `udp`, `udp6`, `udplite`, `udplite6`, `raw`, `raw6`, `icmp`, `icmp6`.
//!
//! ```text
//!   sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
//!    0: 00000000:2386 00000000:0000 0A 00000000:00000002 00:00000000 00000000     0        0 135502 3 00000000cea632f2 100 0 0 10 0
//!    9: 0100007F:9A5A 0100007F:2384 06 00000000:00000000 03:00000EE6 00000000     0        0 0 3 00000000b4d50836
//! ```
//!
//! Addresses are 32-bit words printed in the host's byte order: a little-endian host prints 127.0.0.1 as `0100007F`, a big-endian one as
//! `7F000001`; a loopback row tells, little-endian is taken until then. Ports are plain hexadecimal. Queues are bytes, `rx_queue` of a
//! listener its accept queue; its `tx_queue` is no backlog. `tm->when` is hexadecimal in 1/100 s, `uid` decimal, `timeout` the probes.
//! Rows of TIME-WAIT have inode 0 and uid 0, which is nobody's. Not an atomic snapshot: a busy host can show a row twice
//! (`net/ipv4/tcp_ipv4.c`, `udp.c`, `raw.c`, `ping.c`).
//!
//! The header tells IPv6 (`remote_address`) and UDP or raw (`pointer drops`), the path or the command which of them.

use super::table_names;
use crate::facts::{Addr, At, Endpoint, Note, NoteKind, Protocol, Sink, Socket, SocketState, StatesShown, Timer, TimerKind};
use crate::formats::{Fit, Format, Hint, Parser, Probe, Taken, scan};

/// The inet tables.
pub struct ProcNetTcp;

/// A protocol without its address family.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Base {
    Tcp,
    Udp,
    Udplite,
    Raw,
    Icmp,
}

struct Reading {
    /// The tables the command or the path names, in order.
    named: Vec<(Base, bool)>,
    /// How many headers have come.
    headers: usize,
    current: Base,
    /// Protocols read since the last note.
    seen: Vec<(Base, bool)>,
    /// Whether the host is big-endian, as a loopback row has shown.
    big_endian: bool,
}

impl Format for ProcNetTcp {
    fn id(&self) -> &'static str {
        "proc-net-tcp"
    }

    fn title(&self) -> &'static str {
        "/proc/net/tcp, udp, udplite, raw, icmp and their IPv6 tables"
    }

    fn fit(&self, probe: &Probe<'_>) -> Fit {
        if probe.rows().take(3).any(|line| self.opens(line)) { Fit::Sure } else { Fit::No }
    }

    fn opens(&self, line: &[u8]) -> bool {
        let text = line.trim_ascii_start();
        match text.first() {
            Some(b's') => is_header(text),
            Some(b'0'..=b'9') => row(line, Base::Tcp, &mut false).is_some(),
            _ => false,
        }
    }

    fn has_header(&self) -> bool {
        true
    }

    fn printed_by(&self, command: &[u8]) -> bool {
        [&b"tcp"[..], b"tcp6", b"udp", b"udp6", b"udplite", b"udplite6", b"raw", b"raw6", b"icmp", b"icmp6"]
            .iter()
            .any(|name| super::prints(command, name))
    }

    fn parser(&self, hint: &Hint<'_>) -> Box<dyn Parser> {
        let mut named: Vec<_> = table_names(hint.command).filter_map(named_table).collect();
        if named.is_empty() {
            let name = hint.path.rsplit('/').next().unwrap_or("");
            named = table_names(name.as_bytes()).filter_map(named_table).take(1).collect();
        }
        let current = named.first().map_or(Base::Tcp, |(base, _)| *base);
        Box::new(Reading { named, headers: 0, current, seen: Vec::new(), big_endian: false })
    }
}

impl Parser for Reading {
    fn line(&mut self, at: At<'_>, sink: &mut dyn Sink) -> Taken {
        if let Some(socket) = row(at.text, self.current, &mut self.big_endian) {
            sink.socket(at, &socket);
            return Taken::Row;
        }
        let text = at.text.trim_ascii();
        if is_header(text) {
            self.header(at, text, sink);
            return Taken::Noise;
        }
        if text.is_empty() { Taken::Noise } else { Taken::Unknown }
    }
}

impl Reading {
    fn header(&mut self, at: At<'_>, text: &[u8], sink: &mut dyn Sink) {
        let v6 = scan::contains(text, b"remote_address");
        let datagrams = scan::contains(text, b"pointer drops");
        // The next name that fits the header; concatenated files come in the order of the command.
        let next = self.named.iter().skip(self.headers).find(|(_, six)| *six == v6).or(self.named.last());
        self.current = match next {
            Some((Base::Tcp, _)) if datagrams => Base::Udp,
            Some((base, _)) => *base,
            None if datagrams => Base::Udp,
            None => Base::Tcp,
        };
        self.headers = self.headers.saturating_add(1);
        let table = (self.current, v6);
        if self.seen.is_empty() || self.seen.contains(&table) {
            self.seen.clear();
            sink.note(at, &Note { kind: NoteKind::TableStart, pid: None, text: at.text });
        }
        self.seen.push(table);
    }
}

/// The columns of fixed width, and the text behind them.
struct Cells<'a> {
    local: &'a [u8],
    remote: &'a [u8],
    state: &'a [u8],
    queues: &'a [u8],
    timer: &'a [u8],
    retransmits: &'a [u8],
    behind: &'a [u8],
}

impl<'a> Cells<'a> {
    /// Cuts a row as the kernel prints it, with addresses of so many digits. Nobody edits these files by hand, but a paste may have lost
    /// blanks: then the colons are not where they should be.
    #[inline]
    fn at_offsets(line: &'a [u8], digits: usize) -> Option<Self> {
        let end = digits + 5;
        let (slot, mut rest) = line.split_at_checked(memchr::memchr(b':', line)?)?;
        rest = rest.get(1..)?;
        let mut column = |width: usize| {
            let (cell, behind) = rest.strip_prefix(b" ")?.split_at_checked(width)?;
            rest = behind;
            (cell.first() != Some(&b' ')).then_some(cell)
        };
        let (local, remote, state) = (column(end)?, column(end)?, column(2)?);
        let (queues, timer, retransmits) = (column(17)?, column(11)?, column(8)?);
        let colon = |cell: &[u8], at: usize| cell.get(at) == Some(&b':');
        let whole = rest.first() == Some(&b' ') && slot.trim_ascii_start().iter().all(u8::is_ascii_digit);
        let cut_right = colon(local, digits) && colon(remote, digits) && colon(queues, 8) && colon(timer, 2);
        (whole && cut_right).then_some(Cells { local, remote, state, queues, timer, retransmits, behind: rest })
    }

    /// Cuts a row at its blanks.
    fn between_blanks(line: &'a [u8]) -> Option<Self> {
        let mut fields = scan::Fields::new(line);
        let slot = fields.next()?.strip_suffix(b":")?;
        if !slot.iter().all(u8::is_ascii_digit) {
            return None;
        }
        let (local, remote, state) = (fields.next()?, fields.next()?, fields.next()?);
        let (queues, timer, retransmits) = (fields.next()?, fields.next()?, fields.next()?);
        Some(Cells { local, remote, state, queues, timer, retransmits, behind: fields.rest() })
    }
}

impl Base {
    fn protocol(self, v6: bool) -> Protocol {
        match (self, v6) {
            (Base::Tcp, false) => Protocol::Tcp,
            (Base::Tcp, true) => Protocol::Tcp6,
            (Base::Udp, false) => Protocol::Udp,
            (Base::Udp, true) => Protocol::Udp6,
            (Base::Udplite, false) => Protocol::Udplite,
            (Base::Udplite, true) => Protocol::Udplite6,
            (Base::Raw, false) => Protocol::Raw,
            (Base::Raw, true) => Protocol::Raw6,
            (Base::Icmp, false) => Protocol::Icmp,
            (Base::Icmp, true) => Protocol::Icmp6,
        }
    }
}

fn named_table(word: &[u8]) -> Option<(Base, bool)> {
    let (name, v6) = word.strip_suffix(b"6").map_or((word, false), |name| (name, true));
    let base = match name {
        b"tcp" => Base::Tcp,
        b"udp" => Base::Udp,
        b"udplite" => Base::Udplite,
        b"raw" => Base::Raw,
        b"icmp" => Base::Icmp,
        _ => return None,
    };
    Some((base, v6))
}

fn is_header(text: &[u8]) -> bool {
    text.starts_with(b"sl  local_address")
}

/// Reads a row: everything up to the inode; what follows it says nothing about leaks.
#[inline]
fn row<'a>(line: &'a [u8], base: Base, big_endian: &mut bool) -> Option<Socket<'a>> {
    let cells = Cells::at_offsets(line, 8).or_else(|| Cells::at_offsets(line, 32)).or_else(|| Cells::between_blanks(line))?;
    if !*big_endian {
        *big_endian = is_big_endian_loopback(cells.local);
    }
    let (local, v6) = end(cells.local, *big_endian)?;
    let (remote, _) = end(cells.remote, *big_endian)?;
    let state = u8::try_from(scan::hex(cells.state)?).ok()?;
    let (tx, rx) = pair(cells.queues)?;
    let (timer, when) = pair(cells.timer)?;
    let retransmits = scan::hex(cells.retransmits)?;
    let mut fields = scan::Fields::new(cells.behind);
    let uid = scan::number32(fields.next()?)?;
    let probes = scan::signed(fields.next()?)?;
    let inode = scan::number(fields.next()?)?;
    let state = match (base, state) {
        (Base::Tcp, number) => SocketState::from_kernel(number),
        (_, 7) => SocketState::Unconn,
        (_, number) => SocketState::from_kernel(number),
    };
    let mut socket = Socket::new(base.protocol(v6), state);
    socket.local = Some(local);
    socket.remote = Some(remote);
    socket.recv_q = Some(rx);
    socket.send_q = (state != SocketState::Listen).then_some(tx);
    socket.inode = Some(inode);
    socket.states_shown = StatesShown::All;
    socket.uid = (state != SocketState::TimeWait).then_some(uid);
    socket.timer = timer_of(timer, when, retransmits, probes);
    Some(socket)
}

/// `HEX:HEX`.
#[inline]
fn pair(text: &[u8]) -> Option<(u64, u64)> {
    let colon = text.iter().position(|&b| b == b':')?;
    let (first, second) = text.split_at_checked(colon)?;
    Some((scan::hex(first)?, scan::hex(second.get(1..)?)?))
}

/// An end, and whether its address has the length of IPv6.
#[inline]
fn end(text: &[u8], big_endian: bool) -> Option<(Endpoint<'_>, bool)> {
    let (address, port) = match text.len() {
        13 => text.split_at_checked(8)?,
        37 => text.split_at_checked(32)?,
        _ => return None,
    };
    let port = u16::try_from(scan::hex(port.strip_prefix(b":")?)?).ok()?;
    let word = |text: &[u8]| -> Option<u32> {
        let word = u32::try_from(scan::hex(text)?).ok()?;
        Some(if big_endian { word } else { word.swap_bytes() })
    };
    if address.len() == 8 {
        let v4 = word(address)?;
        return Some((Endpoint::new(if v4 == 0 { Addr::Any } else { Addr::V4(v4) }, port), false));
    }
    let mut v6 = 0u128;
    for part in address.chunks_exact(8) {
        v6 = v6 << 32 | u128::from(word(part)?);
    }
    Some((Endpoint::new(Addr::from_v6(v6), port), true))
}

/// Whether a local address is the loopback as a big-endian host prints it.
#[inline]
fn is_big_endian_loopback(text: &[u8]) -> bool {
    text.starts_with(b"7F000001:")
        || text.starts_with(b"00000000000000000000000000000001:")
        || text.starts_with(b"00000000000000000000FFFF")
}

fn timer_of(kind: u64, when: u64, retransmits: u64, probes: i64) -> Option<Timer> {
    let kind = match kind {
        0 => return None,
        1 => TimerKind::On,
        2 => TimerKind::Keepalive,
        3 => TimerKind::Timewait,
        4 => TimerKind::Persist,
        _ => TimerKind::Other,
    };
    let probes = u32::try_from(probes).unwrap_or(0);
    let retransmits = u32::try_from(retransmits).unwrap_or(u32::MAX);
    let retries = if matches!(kind, TimerKind::Keepalive | TimerKind::Persist) { probes } else { retransmits };
    Some(Timer { kind, seconds: when as f32 / 100.0, retries })
}
