//! `/proc/net/unix`, `netlink`, `packet` and `protocols`.
//!
//! ```text
//! Num       RefCount Protocol Flags    Type St Inode Path
//! 00000000be8203d3: 00000002 00000000 00010000 0001 01 133948 /tmp/sd/u.sock
//! sk               Eth Pid        Groups   Rmem     Wmem     Dump  Locks    Drops    Inode
//! 0000000013bd664b 0   29956      00000001 0        0        0     2        0        133953
//! sk               RefCnt Type Proto  Iface R Rmem   User   Inode
//! 000000003dea24dd 3      3    0003   0     1 213190 0      133964
//! protocol  size sockets  memory press maxhdr  slab module     cl co di ac io in de sh ss gs se re bi br ha uh gp em
//! TCPv6     2432     71     540   no     192   yes  kernel      y  y  y  y  y  y  y  y  y  y  y  y  n  y  y  y  y  y
//! ```
//!
//! unix: flag 00010000 means listening; St 01 not connected, 02 connecting (with inode 0: waits to be accepted), 03 connected,
//! 04 closing. The path is the rest of the line, `@` stands for an abstract name; accepted ends repeat the listener's path.
//! netlink: Pid is the port, by habit the process; 0 is the kernel's own end, whose inode no process holds. Only bound ones are listed.
//! protocols: `sockets` counts this namespace; -1 in `memory` means that the protocol does not account it.

use super::prints;
use crate::facts::{At, Counter, Note, NoteKind, Protocol, Scope, Sink, Socket, SocketState, Unit};
use crate::formats::{Fit, Format, Hint, Parser, Probe, Taken, scan};
use std::io::Write;

/// `/proc/net/unix`.
pub struct ProcNetUnix;
/// `/proc/net/netlink`.
pub struct ProcNetNetlink;
/// `/proc/net/packet`.
pub struct ProcNetPacket;
/// `/proc/net/protocols`.
pub struct ProcNetProtocols;

/// The type of a socket of datagrams.
const SOCK_DGRAM: u64 = 2;

/// How a line of one of these files is read: whether it carried data.
type ReadRow = fn(At<'_>, &mut dyn Sink, &mut String) -> bool;

struct Reading {
    is_header: fn(&[u8]) -> bool,
    row: ReadRow,
    /// Room for a counter's name.
    name: String,
}

impl Parser for Reading {
    fn line(&mut self, at: At<'_>, sink: &mut dyn Sink) -> Taken {
        if (self.row)(at, sink, &mut self.name) {
            return Taken::Row;
        }
        let text = at.text.trim_ascii();
        if (self.is_header)(text) {
            sink.note(at, &Note { kind: NoteKind::TableStart, pid: None, text: at.text });
            return Taken::Noise;
        }
        if text.is_empty() { Taken::Noise } else { Taken::Unknown }
    }
}

fn parser(is_header: fn(&[u8]) -> bool, row: ReadRow) -> Box<dyn Parser> {
    Box::new(Reading { is_header, row, name: String::new() })
}

fn fit(probe: &Probe<'_>, is_header: fn(&[u8]) -> bool) -> Fit {
    if probe.rows().take(3).any(|line| is_header(line.trim_ascii())) { Fit::Sure } else { Fit::No }
}

impl Format for ProcNetUnix {
    fn id(&self) -> &'static str {
        "proc-net-unix"
    }
    fn title(&self) -> &'static str {
        "/proc/net/unix"
    }
    fn fit(&self, probe: &Probe<'_>) -> Fit {
        fit(probe, is_unix_header)
    }
    fn opens(&self, line: &[u8]) -> bool {
        is_unix_header(line.trim_ascii())
    }
    fn printed_by(&self, command: &[u8]) -> bool {
        prints(command, b"unix")
    }
    fn parser(&self, _hint: &Hint<'_>) -> Box<dyn Parser> {
        parser(is_unix_header, unix_row)
    }
}

impl Format for ProcNetNetlink {
    fn id(&self) -> &'static str {
        "proc-net-netlink"
    }
    fn title(&self) -> &'static str {
        "/proc/net/netlink"
    }
    fn fit(&self, probe: &Probe<'_>) -> Fit {
        fit(probe, is_netlink_header)
    }
    fn opens(&self, line: &[u8]) -> bool {
        is_netlink_header(line.trim_ascii())
    }
    fn printed_by(&self, command: &[u8]) -> bool {
        prints(command, b"netlink")
    }
    fn parser(&self, _hint: &Hint<'_>) -> Box<dyn Parser> {
        parser(is_netlink_header, netlink_row)
    }
}

impl Format for ProcNetPacket {
    fn id(&self) -> &'static str {
        "proc-net-packet"
    }
    fn title(&self) -> &'static str {
        "/proc/net/packet"
    }
    fn fit(&self, probe: &Probe<'_>) -> Fit {
        fit(probe, is_packet_header)
    }
    fn opens(&self, line: &[u8]) -> bool {
        is_packet_header(line.trim_ascii())
    }
    fn printed_by(&self, command: &[u8]) -> bool {
        prints(command, b"packet")
    }
    fn parser(&self, _hint: &Hint<'_>) -> Box<dyn Parser> {
        parser(is_packet_header, packet_row)
    }
}

impl Format for ProcNetProtocols {
    fn id(&self) -> &'static str {
        "proc-net-protocols"
    }
    fn title(&self) -> &'static str {
        "/proc/net/protocols"
    }
    fn fit(&self, probe: &Probe<'_>) -> Fit {
        fit(probe, is_protocols_header)
    }
    fn opens(&self, line: &[u8]) -> bool {
        is_protocols_header(line.trim_ascii())
    }
    fn printed_by(&self, command: &[u8]) -> bool {
        prints(command, b"protocols")
    }
    fn parser(&self, _hint: &Hint<'_>) -> Box<dyn Parser> {
        parser(is_protocols_header, protocols_row)
    }
}

fn is_unix_header(line: &[u8]) -> bool {
    line.starts_with(b"Num ") && scan::contains(line, b"RefCount Protocol Flags")
}

fn is_netlink_header(line: &[u8]) -> bool {
    line.starts_with(b"sk ") && scan::contains(line, b" Eth Pid ")
}

fn is_packet_header(line: &[u8]) -> bool {
    line.starts_with(b"sk ") && scan::contains(line, b" RefCnt Type Proto ")
}

fn is_protocols_header(line: &[u8]) -> bool {
    line.starts_with(b"protocol  size sockets")
}

fn unix_row(at: At<'_>, sink: &mut dyn Sink, _: &mut String) -> bool {
    unix_socket(at.text).map(|socket| sink.socket(at, &socket)).is_some()
}

fn unix_socket(line: &[u8]) -> Option<Socket<'_>> {
    let mut fields = scan::Fields::new(line);
    scan::hex(fields.next()?.strip_suffix(b":")?)?;
    let (_references, _protocol) = (scan::hex(fields.next()?)?, scan::hex(fields.next()?)?);
    let flags = scan::hex(fields.next()?)?;
    let kind = scan::hex(fields.next()?)?;
    let state = match scan::hex(fields.next()?)? {
        1 if flags & 0x10000 != 0 => SocketState::Listen,
        1 => SocketState::Unconn,
        2 => SocketState::SynSent,
        3 => SocketState::Established,
        4 => SocketState::Closing,
        0 => SocketState::Closed,
        _ => SocketState::Unknown,
    };
    let mut socket = Socket::new(Protocol::Unix, state);
    socket.datagram = kind == SOCK_DGRAM;
    socket.inode = Some(scan::number(fields.next()?)?);
    socket.name = fields.rest();
    Some(socket)
}

fn netlink_row(at: At<'_>, sink: &mut dyn Sink, _: &mut String) -> bool {
    let mut room = [0u8; 40];
    netlink_socket(at.text, &mut room).map(|socket| sink.socket(at, &socket)).is_some()
}

/// A row; kernels before 2.6.3x end at Locks. The name is `PROTOCOL:PORT`, as ss -n prints it.
fn netlink_socket<'a>(line: &[u8], room: &'a mut [u8; 40]) -> Option<Socket<'a>> {
    let mut fields = scan::Fields::new(line);
    scan::hex(fields.next()?)?;
    let protocol = scan::number(fields.next()?)?;
    // Ports that the kernel chose itself are negative in some versions.
    let port = scan::signed(fields.next()?)? as u32;
    scan::hex(fields.next()?)?;
    let mut socket = Socket::new(Protocol::Netlink, SocketState::Unconn);
    socket.recv_q = Some(scan::number(fields.next()?)?);
    socket.send_q = Some(scan::number(fields.next()?)?);
    // Dump, Locks, Drops, Inode.
    socket.inode = fields.nth(3).and_then(scan::number);
    let mut rest = &mut room[..];
    write!(rest, "{protocol}:{port}").ok()?;
    let left = rest.len();
    socket.name = room.get(..room.len().saturating_sub(left))?;
    Some(socket)
}

fn packet_row(at: At<'_>, sink: &mut dyn Sink, _: &mut String) -> bool {
    packet_socket(at.text).map(|socket| sink.socket(at, &socket)).is_some()
}

fn packet_socket(line: &[u8]) -> Option<Socket<'_>> {
    let mut fields = scan::Fields::new(line);
    scan::hex(fields.next()?)?;
    let (_references, _kind, _protocol) = (scan::number(fields.next()?)?, scan::number(fields.next()?)?, scan::hex(fields.next()?)?);
    let interface = fields.next()?;
    scan::number(interface)?;
    let _running = fields.next()?;
    let mut socket = Socket::new(Protocol::Packet, SocketState::Unconn);
    socket.name = interface;
    socket.recv_q = Some(scan::number(fields.next()?)?);
    socket.uid = Some(scan::number32(fields.next()?)?);
    socket.inode = Some(scan::number(fields.next()?)?);
    Some(socket)
}

fn protocols_row(at: At<'_>, sink: &mut dyn Sink, name: &mut String) -> bool {
    let mut fields = scan::Fields::new(at.text);
    let (Some(protocol), Some(size), Some(sockets)) = (fields.next(), fields.next(), fields.next()) else { return false };
    let (Ok(protocol), Some(_), Some(value)) = (std::str::from_utf8(protocol), scan::number(size), scan::signed(sockets)) else {
        return false;
    };
    name.clear();
    name.push_str("protocols.");
    name.push_str(protocol);
    sink.counter(at, &Counter { name, value, unit: Unit::Sockets, scope: Scope::Netns });
    true
}
