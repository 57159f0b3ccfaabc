//! One socket of a protocol table, as ss, netstat or `/proc/net/*` lists it.

use super::Endpoint;

/// A row of a socket table.
#[derive(Clone, Copy, Debug)]
pub struct Socket<'a> {
    /// The protocol, with the address family where the tool tells it.
    pub protocol: Protocol,
    /// The state, in one spelling for all tools.
    pub state: SocketState,
    /// The local end; `None` for families without ports.
    pub local: Option<Endpoint<'a>>,
    /// The remote end; `None` for families without ports.
    pub remote: Option<Endpoint<'a>>,
    /// Bytes not yet read, or for a listener the connections waiting in its accept queue. `None` if not printed.
    pub recv_q: Option<u64>,
    /// Bytes not yet acknowledged, or for a listener the backlog (ss only). `None` if not printed.
    pub send_q: Option<u64>,
    /// The inode; `Some(0)` means that no file is attached (TIME-WAIT, accept queue, orphan), `None` that it was not printed.
    pub inode: Option<u64>,
    /// The owner's uid, `None` if not printed.
    pub uid: Option<u32>,
    /// The running timer, `None` if not printed or none runs.
    pub timer: Option<Timer>,
    /// Who holds it, as far as the tool tells.
    pub holders: &'a [Holder<'a>],
    /// Whether the output has a column for holders at all: only then does an empty `holders` say anything.
    pub holders_shown: bool,
    /// Which states the output lists, as far as its command, name or banner tells.
    pub states_shown: StatesShown,
    /// Milliseconds since data last came in (`lastrcv`), `None` if not printed.
    pub last_received_ms: Option<u64>,
    /// Milliseconds since data last went out (`lastsnd`), `None` if not printed.
    pub last_sent_ms: Option<u64>,
    /// The inode of the peer of a unix socket, 0 where it has none (any more), `None` if not printed.
    pub peer_inode: Option<u64>,
    /// Whether it is a unix socket of datagrams.
    pub datagram: bool,
    /// The path of a unix socket, the group of a netlink socket, the interface of a packet socket; empty if none.
    pub name: &'a [u8],
}

/// Which states the output of a command lists, whatever is piped behind it. What it does not list may still be there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum StatesShown {
    /// Nothing tells.
    #[default]
    Unknown,
    /// All of them, listeners perhaps left out.
    All,
    /// What ss lists without `-a`: neither listeners nor TIME-WAIT nor half-open connections.
    Connected,
    /// Listeners, and what is not connected (`-l`).
    Listening,
}

/// A process that holds a socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Holder<'a> {
    /// The process's name as printed (`comm` for ss, the program for netstat).
    pub command: &'a [u8],
    /// The process.
    pub pid: u32,
    /// The descriptor number, `None` where the tool prints none (netstat).
    pub fd: Option<u32>,
}

/// A timer of a TCP socket.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Timer {
    /// Which timer runs.
    pub kind: TimerKind,
    /// Seconds until it expires.
    pub seconds: f32,
    /// How often it has fired: retransmits or probes.
    pub retries: u32,
}

/// Which timer of a TCP socket runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimerKind {
    /// Retransmission, also of a SYN.
    On,
    /// Keep-alive.
    Keepalive,
    /// TIME-WAIT, also of a FIN-WAIT-2 handed to the time-wait code.
    Timewait,
    /// Zero-window probe.
    Persist,
    /// Another one.
    Other,
}

/// Protocol and family of a socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[expect(missing_docs, reason = "each variant is the protocol it is named after")]
pub enum Protocol {
    Tcp,
    Tcp6,
    Udp,
    Udp6,
    Udplite,
    Udplite6,
    Raw,
    Raw6,
    Icmp,
    Icmp6,
    Unix,
    Netlink,
    Packet,
    Sctp,
    Mptcp,
    Dccp,
    Vsock,
    Xdp,
    Tipc,
    Other,
}

/// The state of a socket, one spelling for all tools.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[expect(missing_docs, reason = "each variant is the TCP state of RFC 9293 it is named after")]
pub enum SocketState {
    Established,
    SynSent,
    SynRecv,
    FinWait1,
    FinWait2,
    TimeWait,
    /// The socket is allocated but in no connection: never connected, or finished.
    Closed,
    CloseWait,
    LastAck,
    Listen,
    Closing,
    /// Not connected: what ss prints for UDP, unix, netlink, packet, and bound-only TCP sockets.
    Unconn,
    /// A word no version is known to print, kept out of every count.
    Unknown,
}

impl StatesShown {
    /// Whether a socket in a state would be listed; `Unknown` leaves none out.
    pub fn has(self, state: SocketState) -> bool {
        use SocketState::{Closed, Listen, SynRecv, TimeWait, Unconn};
        match self {
            StatesShown::Unknown | StatesShown::All => true,
            StatesShown::Connected => !matches!(state, Listen | TimeWait | SynRecv | Unconn | Closed),
            StatesShown::Listening => matches!(state, Listen | Unconn | Closed),
        }
    }
}

impl Protocol {
    /// The word used in facts: `tcp`, `tcp6`, `unix`, ...
    pub fn word(self) -> &'static str {
        match self {
            Protocol::Tcp => "tcp",
            Protocol::Tcp6 => "tcp6",
            Protocol::Udp => "udp",
            Protocol::Udp6 => "udp6",
            Protocol::Udplite => "udplite",
            Protocol::Udplite6 => "udplite6",
            Protocol::Raw => "raw",
            Protocol::Raw6 => "raw6",
            Protocol::Icmp => "icmp",
            Protocol::Icmp6 => "icmp6",
            Protocol::Unix => "unix",
            Protocol::Netlink => "netlink",
            Protocol::Packet => "packet",
            Protocol::Sctp => "sctp",
            Protocol::Mptcp => "mptcp",
            Protocol::Dccp => "dccp",
            Protocol::Vsock => "vsock",
            Protocol::Xdp => "xdp",
            Protocol::Tipc => "tipc",
            Protocol::Other => "other",
        }
    }

    /// Reads the kernel's `proto` name as lsof (`protocol: TCPv6`), lsfd and strace -yy print it.
    pub fn from_kernel_name(name: &[u8]) -> Self {
        match name {
            b"TCP" => Protocol::Tcp,
            b"TCPv6" => Protocol::Tcp6,
            b"UDP" => Protocol::Udp,
            b"UDPv6" => Protocol::Udp6,
            b"UDP-Lite" => Protocol::Udplite,
            b"UDPLITEv6" => Protocol::Udplite6,
            b"RAW" => Protocol::Raw,
            b"RAWv6" => Protocol::Raw6,
            b"PING" => Protocol::Icmp,
            b"PINGv6" => Protocol::Icmp6,
            b"NETLINK" => Protocol::Netlink,
            b"PACKET" => Protocol::Packet,
            b"SCTP" | b"SCTPv6" => Protocol::Sctp,
            b"MPTCP" | b"MPTCPv6" => Protocol::Mptcp,
            b"AF_VSOCK" => Protocol::Vsock,
            b"XDP" => Protocol::Xdp,
            b"TIPC" => Protocol::Tipc,
            n if n.starts_with(b"UNIX") => Protocol::Unix,
            _ => Protocol::Other,
        }
    }

    /// TCP over IPv4 or IPv6.
    pub fn is_tcp(self) -> bool {
        matches!(self, Protocol::Tcp | Protocol::Tcp6)
    }

    /// UDP or UDP-Lite over IPv4 or IPv6.
    pub fn is_udp(self) -> bool {
        matches!(self, Protocol::Udp | Protocol::Udp6 | Protocol::Udplite | Protocol::Udplite6)
    }

    /// Raw IP or ping sockets.
    pub fn is_raw(self) -> bool {
        matches!(self, Protocol::Raw | Protocol::Raw6 | Protocol::Icmp | Protocol::Icmp6)
    }
}

impl SocketState {
    /// The word used in facts and reports, as ss 5 and later print it (but `ESTAB`, as the contract has it).
    pub fn word(self) -> &'static str {
        match self {
            SocketState::Established => "ESTAB",
            SocketState::SynSent => "SYN-SENT",
            SocketState::SynRecv => "SYN-RECV",
            SocketState::FinWait1 => "FIN-WAIT-1",
            SocketState::FinWait2 => "FIN-WAIT-2",
            SocketState::TimeWait => "TIME-WAIT",
            SocketState::Closed => "CLOSE",
            SocketState::CloseWait => "CLOSE-WAIT",
            SocketState::LastAck => "LAST-ACK",
            SocketState::Listen => "LISTEN",
            SocketState::Closing => "CLOSING",
            SocketState::Unconn => "UNCONN",
            SocketState::Unknown => "UNKNOWN",
        }
    }

    /// The state of a number of `include/net/tcp_states.h`, as `/proc/net/tcp` prints it.
    pub fn from_kernel(st: u8) -> Self {
        match st {
            1 => SocketState::Established,
            2 => SocketState::SynSent,
            3 | 12 => SocketState::SynRecv,
            4 => SocketState::FinWait1,
            5 => SocketState::FinWait2,
            6 => SocketState::TimeWait,
            7 => SocketState::Closed,
            8 => SocketState::CloseWait,
            9 => SocketState::LastAck,
            10 => SocketState::Listen,
            11 => SocketState::Closing,
            _ => SocketState::Unknown,
        }
    }
}

impl<'a> Socket<'a> {
    /// A socket of which only protocol and state are known.
    pub fn new(protocol: Protocol, state: SocketState) -> Self {
        Socket {
            protocol,
            state,
            local: None,
            remote: None,
            recv_q: None,
            send_q: None,
            inode: None,
            uid: None,
            timer: None,
            holders: &[],
            holders_shown: false,
            states_shown: StatesShown::Unknown,
            last_received_ms: None,
            last_sent_ms: None,
            peer_inode: None,
            datagram: false,
            name: b"",
        }
    }
}
