//! What lsof's TYPE, DEVICE, NODE and NAME mean together; shared by the table and by `-F`.
//!
//! ```text
//! sock                0,9      0t0   133868 protocol: TCP            the inode is in NODE
//! IPv4             133909      0t0      TCP 127.0.0.1:40112->...     the inode is in DEVICE
//! unix 0x00000000efa8df46      0t0   133940 type=STREAM (CONNECTED)  in NODE
//! netlink                      0t0   133953 ROUTE                    in NODE, DEVICE is blank
//! pack             133964      0t0      ALL type=SOCK_RAW            in DEVICE
//! 0000               0,16        0       26 anon_inode               one inode for all: it identifies nothing
//! ```
//!
//! A row of TYPE `sock` is a socket that lsof found in none of the `/proc/net` tables it read: `can't identify protocol` up to 4.86
//! and on kernels before 3.7, `protocol: NAME` with the kernel's name from 4.87 on (`lib/dialects/linux/dsock.c`).

use crate::facts::{Descriptor, DescriptorKind, Endpoint, FdRef, Protocol, SocketState};
use crate::formats::{scan, target};

/// The TYPE column, as far as it decides where the inode is and what the row means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Type {
    /// `sock`: in no table.
    Sock,
    Inet4,
    Inet6,
    Unix,
    Netlink,
    Packet,
    /// `raw`, `raw6`, `icmp`, `icmp6`: the protocol is the type itself.
    Ip(Protocol),
    /// A family that lsof names but that has no further column of use (`ax25`, `ipx`).
    OtherSocket,
    Fifo,
    /// `a_inode`, or a type that could not be told (`0000`): the name decides.
    Anon,
    File,
    Device,
    /// `unknown`: the link could not be read.
    Unread,
    Other,
}

/// The cells of one row, as printed; empty where the column is blank.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cells<'a> {
    /// TYPE; `None` where it is blank (NOFD).
    pub kind: Option<Type>,
    pub device: &'a [u8],
    /// NODE: an inode, or the protocol of IPv4 and IPv6 rows.
    pub node: &'a [u8],
    pub name: &'a [u8],
}

/// Words as numbers, which are compared in one step.
mod word {
    use crate::formats::scan::code;

    pub const SOCK: u64 = code(b"sock");
    pub const IPV4: u64 = code(b"IPv4");
    pub const IPV6: u64 = code(b"IPv6");
    pub const REG: u64 = code(b"REG");
    pub const DIR: u64 = code(b"DIR");
    pub const LINK: u64 = code(b"LINK");
    pub const CHR: u64 = code(b"CHR");
    pub const BLK: u64 = code(b"BLK");
    pub const FIFO: u64 = code(b"FIFO");
    pub const PIPE: u64 = code(b"PIPE");
    pub const UNIX: u64 = code(b"unix");
    pub const A_INODE: u64 = code(b"a_inode");
    pub const ZEROS: u64 = code(b"0000");
    pub const TCP: u64 = code(b"TCP");
    pub const UDP: u64 = code(b"UDP");
    pub const CWD: u64 = code(b"cwd");
    pub const RTD: u64 = code(b"rtd");
    pub const TXT: u64 = code(b"txt");
    pub const MEM: u64 = code(b"mem");
}

/// Reads a TYPE; `None` for a word that no lsof on Linux prints there. Of the octal modes that stand for types without a word only `0000`
/// is taken: others cannot be told from the number of a user.
#[inline]
pub(super) fn type_of(word: &[u8]) -> Option<Type> {
    Some(match scan::short(word) {
        word::SOCK => Type::Sock,
        word::IPV4 => Type::Inet4,
        word::IPV6 => Type::Inet6,
        word::REG | word::DIR | word::LINK => Type::File,
        word::CHR | word::BLK => Type::Device,
        word::FIFO | word::PIPE => Type::Fifo,
        word::UNIX => Type::Unix,
        word::A_INODE | word::ZEROS => Type::Anon,
        _ => return rare_type_of(word),
    })
}

fn rare_type_of(word: &[u8]) -> Option<Type> {
    Some(match word {
        b"netlink" => Type::Netlink,
        b"pack" => Type::Packet,
        b"raw" => Type::Ip(Protocol::Raw),
        b"raw6" => Type::Ip(Protocol::Raw6),
        b"icmp" => Type::Ip(Protocol::Icmp),
        b"icmp6" => Type::Ip(Protocol::Icmp6),
        b"unknown" => Type::Unread,
        b"ax25" | b"ipx" | b"x.25" | b"inet" | b"SCTP" | b"STSO" | b"ATALK" => Type::OtherSocket,
        b"PSXSHM" | b"PSXSEM" | b"KQUEUE" | b"systm" | b"NPOLICY" | b"CHAN" => Type::Other,
        _ => return None,
    })
}

/// Reads the FD column (with access and lock letters, or bare as `-F` prints it); `None` for a word that cannot stand there.
#[inline]
pub(super) fn fd_of(word: &[u8]) -> Option<FdRef<'_>> {
    match word.first()? {
        b'0'..=b'9' => {
            let (mut number, mut digits) = (0u32, 0);
            while let Some(digit @ b'0'..=b'9') = word.get(digits) {
                number = number.checked_mul(10)?.checked_add(u32::from(digit - b'0'))?;
                digits += 1;
            }
            is_access(word.get(digits..)?).then_some(FdRef::Number(number))
        }
        b'*' => {
            let (number, rest) = scan::leading_number(word.get(1..)?)?;
            (word.len() - rest.len() == 4 && is_access(rest)).then_some(FdRef::Tail(number as u16))
        }
        b'a'..=b'z' | b'A'..=b'Z' => {
            // A locked mapping is printed `mem-W`.
            let name = match word {
                [name @ .., b'-', lock] if is_lock_letter(*lock) => name,
                _ => word,
            };
            is_fd_name(name).then_some(FdRef::Name(name))
        }
        _ => None,
    }
}

/// Fills in what the cells say about the file; process and descriptor number are the caller's.
pub(super) fn describe<'a>(d: &mut Descriptor<'a>, cells: &Cells<'a>) {
    let name = cells.name;
    d.name = name;
    match cells.kind {
        Some(Type::Sock) => unidentified(d, cells),
        Some(Type::Inet4) => inet(d, cells, false),
        Some(Type::Inet6) => inet(d, cells, true),
        Some(Type::Unix) => {
            socket(d, Some(Protocol::Unix), inode(cells.node, name));
            let (name, state) = split_state(name);
            d.name = name;
            d.state = state;
        }
        Some(Type::Netlink) => socket(d, Some(Protocol::Netlink), inode(cells.node, name)),
        Some(Type::Packet) => socket(d, Some(Protocol::Packet), inode(cells.device, name)),
        Some(Type::Ip(protocol)) => socket(d, Some(protocol), inode(cells.node, name)),
        Some(Type::OtherSocket) => socket(d, Some(Protocol::Other), inode(cells.node, name)),
        Some(Type::Fifo) => file(d, DescriptorKind::Pipe, cells),
        Some(Type::Anon) if name == b"anon_inode" || name.first() != Some(&b'/') => file(d, target::anonymous(name), cells),
        // Kernels before 2.6.31 or so gave anonymous inodes the mode of a regular file.
        Some(Type::File) if name == b"anon_inode" || name.starts_with(b"[event") => file(d, target::anonymous(name), cells),
        Some(Type::File) => file(d, DescriptorKind::File, cells),
        Some(Type::Device) => file(d, DescriptorKind::Device, cells),
        Some(Type::Unread) if matches!(d.fd, FdRef::Number(_) | FdRef::Tail(_)) && is_denied(name) => d.kind = DescriptorKind::Denied,
        Some(Type::Anon | Type::Unread | Type::Other) | None => file(d, DescriptorKind::Other, cells),
    }
    if d.fd == FdRef::Name(b"NOFD") {
        d.kind = DescriptorKind::Denied;
    }
}

/// Whether a NAME says that the collector was not allowed to look.
pub(super) fn is_denied(name: &[u8]) -> bool {
    scan::contains(name, b"ermission denied")
}

/// The state of the word in `(ESTABLISHED)` or `TST=ESTABLISHED`; unix sockets have states of their own.
pub(super) fn state_of(word: &[u8]) -> Option<SocketState> {
    Some(match word {
        b"ESTABLISHED" | b"CONNECTED" => SocketState::Established,
        b"CLOSE_WAIT" => SocketState::CloseWait,
        b"LISTEN" => SocketState::Listen,
        b"SYN_SENT" | b"CONNECTING" => SocketState::SynSent,
        b"SYN_RECV" | b"SYN_RCVD" | b"SYN_RCDV" => SocketState::SynRecv,
        b"FIN_WAIT1" | b"FIN_WAIT_1" => SocketState::FinWait1,
        b"FIN_WAIT2" | b"FIN_WAIT_2" => SocketState::FinWait2,
        b"TIME_WAIT" => SocketState::TimeWait,
        b"CLOSE" | b"CLOSED" => SocketState::Closed,
        b"LAST_ACK" => SocketState::LastAck,
        b"CLOSING" => SocketState::Closing,
        b"UNCONNECTED" => SocketState::Unconn,
        _ => return None,
    })
}

/// An access letter and a lock letter, each of which may be missing.
fn is_access(rest: &[u8]) -> bool {
    match rest {
        [] => true,
        [a] => is_access_letter(*a) || is_lock_letter(*a),
        [a, l] => is_access_letter(*a) && is_lock_letter(*l),
        _ => false,
    }
}

fn is_access_letter(b: u8) -> bool {
    matches!(b, b'r' | b'w' | b'u' | b'-')
}

fn is_lock_letter(b: u8) -> bool {
    matches!(b, b'N' | b'r' | b'R' | b'w' | b'W' | b'u' | b'U' | b'x' | b'X')
}

#[inline]
fn is_fd_name(word: &[u8]) -> bool {
    matches!(scan::short(word), word::CWD | word::RTD | word::TXT | word::MEM) || is_rare_fd_name(word)
}

fn is_rare_fd_name(word: &[u8]) -> bool {
    match word {
        b"mmap" | b"DEL" | b"ltx" | b"pd" | b"jld" | b"tr" | b"err" | b"NOFD" | b"twd" | b"ctty" | b"m86" | b"v86" => true,
        // `L12`: a library's reference.
        [b'L', digits @ ..] => !digits.is_empty() && digits.iter().all(u8::is_ascii_digit),
        _ => false,
    }
}

fn socket(d: &mut Descriptor<'_>, protocol: Option<Protocol>, inode: Option<u64>) {
    d.kind = DescriptorKind::Socket;
    d.protocol = protocol;
    d.inode = inode;
}

fn file(d: &mut Descriptor<'_>, kind: DescriptorKind, cells: &Cells<'_>) {
    d.kind = kind;
    d.inode = scan::number(cells.node);
}

/// The inode, unless the row ends right behind it: then its last digits may be missing.
fn inode(cell: &[u8], name: &[u8]) -> Option<u64> {
    if name.is_empty() { None } else { scan::number(cell) }
}

fn unidentified(d: &mut Descriptor<'_>, cells: &Cells<'_>) {
    let kernel_name = cells.name.strip_prefix(b"protocol: ");
    socket(d, kernel_name.and_then(kernel_protocol), inode(cells.node, cells.name));
    d.unlisted = kernel_name.is_some() || cells.name.starts_with(b"can't identify protocol");
}

/// The protocol the kernel names; `None` for a name that was cut short.
fn kernel_protocol(name: &[u8]) -> Option<Protocol> {
    let protocol = Protocol::from_kernel_name(name);
    let cut = || [&b"TCPv6"[..], b"UDPv6", b"RAWv6", b"PINGv6", b"NETLINK", b"PACKET", b"MPTCPv6"].iter().any(|n| n.starts_with(name));
    if protocol == Protocol::Other && cut() { None } else { Some(protocol) }
}

fn inet<'a>(d: &mut Descriptor<'a>, cells: &Cells<'a>, v6: bool) {
    let protocol = match (scan::short(cells.node), v6) {
        (word::TCP, false) => Some(Protocol::Tcp),
        (word::TCP, true) => Some(Protocol::Tcp6),
        (word::UDP, false) => Some(Protocol::Udp),
        (word::UDP, true) => Some(Protocol::Udp6),
        _ => rare_protocol_of(cells.node, v6),
    };
    socket(d, protocol, if cells.node.is_empty() { None } else { scan::number(cells.device) });
    let (name, state) = split_state(cells.name);
    d.name = name;
    d.state = state;
    let ends = match memchr::memchr(b' ', name) {
        Some(i) => name.split_at(i).0,
        None => name,
    };
    match memchr::memchr(b'>', ends) {
        Some(i) if i > 0 && ends.get(i - 1) == Some(&b'-') => {
            d.local = ends.get(..i - 1).and_then(Endpoint::parse);
            d.remote = ends.get(i + 1..).and_then(Endpoint::parse);
        }
        _ => d.local = Endpoint::parse(ends),
    }
}

/// The protocol of an IPv4 or IPv6 row that is neither TCP nor UDP.
fn rare_protocol_of(node: &[u8], v6: bool) -> Option<Protocol> {
    match (node, v6) {
        (b"UDPLITE", false) => Some(Protocol::Udplite),
        (b"UDPLITE", true) => Some(Protocol::Udplite6),
        (b"ICMP" | b"ICMPV6", _) => Some(if v6 { Protocol::Icmp6 } else { Protocol::Icmp }),
        (b"SCTP", _) => Some(Protocol::Sctp),
        (b"DCCP", _) => Some(Protocol::Dccp),
        (b"", _) => None,
        _ => Some(Protocol::Other),
    }
}

/// `NAME (STATE QR=0 QS=0)` without its parenthesis, and the state. The state is no part of the name: `-F` prints it apart.
fn split_state(name: &[u8]) -> (&[u8], Option<SocketState>) {
    let Some(open) = memchr::memrchr(b'(', name) else { return (name, None) };
    let (before, rest) = name.split_at(open);
    let inside = rest.get(1..).unwrap_or(b"");
    let end = inside.iter().position(|&b| b == b')' || b == b' ').unwrap_or(inside.len());
    let word = inside.get(..end).unwrap_or(b"");
    let state = state_of(word);
    if state.is_some() || scan::contains(word, b"=") { (before.trim_ascii_end(), state) } else { (name, None) }
}
