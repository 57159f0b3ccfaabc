//! What piles up: the socket kinds of the contract.

use crate::facts::{Protocol, SocketState};

/// A kind of socket (or descriptor) that can pile up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[expect(missing_docs, reason = "each variant is the contract's word of section 3")]
pub enum Kind {
    Closed,
    CloseWait,
    SynSent,
    Established,
    Listen,
    FinWait,
    TimeWait,
    Udp,
    Unix,
    Netlink,
    Packet,
    Raw,
    Eventpoll,
    Unidentified,
    File,
}

impl Kind {
    /// All kinds, in the order of the contract.
    pub const ALL: [Kind; 15] = [
        Kind::Closed,
        Kind::CloseWait,
        Kind::SynSent,
        Kind::Established,
        Kind::Listen,
        Kind::FinWait,
        Kind::TimeWait,
        Kind::Udp,
        Kind::Unix,
        Kind::Netlink,
        Kind::Packet,
        Kind::Raw,
        Kind::Eventpoll,
        Kind::Unidentified,
        Kind::File,
    ];

    /// The contract's word.
    pub fn word(self) -> &'static str {
        match self {
            Kind::Closed => "closed",
            Kind::CloseWait => "close-wait",
            Kind::SynSent => "syn-sent",
            Kind::Established => "established",
            Kind::Listen => "listen",
            Kind::FinWait => "fin-wait",
            Kind::TimeWait => "time-wait",
            Kind::Udp => "udp",
            Kind::Unix => "unix",
            Kind::Netlink => "netlink",
            Kind::Packet => "packet",
            Kind::Raw => "raw",
            Kind::Eventpoll => "eventpoll",
            Kind::Unidentified => "unidentified",
            Kind::File => "file",
        }
    }

    /// What a sentence calls many of them.
    pub fn plural(self) -> &'static str {
        match self {
            Kind::Closed => "TCP sockets in no connection state",
            Kind::CloseWait => "TCP sockets in CLOSE-WAIT",
            Kind::SynSent => "TCP sockets in SYN-SENT",
            Kind::Established => "established TCP connections",
            Kind::Listen => "listening TCP sockets",
            Kind::FinWait => "TCP sockets in FIN-WAIT",
            Kind::TimeWait => "TIME-WAIT entries",
            Kind::Udp => "UDP sockets",
            Kind::Unix => "unix sockets",
            Kind::Netlink => "netlink sockets",
            Kind::Packet => "packet sockets",
            Kind::Raw => "raw sockets",
            Kind::Eventpoll => "epoll instances",
            Kind::Unidentified => "sockets of a kind the capture cannot tell",
            Kind::File => "files",
        }
    }

    /// What so many of them are called: `1 listening TCP socket`.
    pub fn noun(self, n: u64) -> String {
        let plural = self.plural();
        if n != 1 {
            return plural.to_string();
        }
        let (many, one) = match self {
            Kind::Established => ("connections", "connection"),
            Kind::TimeWait => ("entries", "entry"),
            Kind::Eventpoll => ("instances", "instance"),
            Kind::File => ("files", "file"),
            _ => ("sockets", "socket"),
        };
        plural.replacen(many, one, 1)
    }

    /// Whether it is TCP or UDP, which each network namespace has tables of its own for.
    pub fn is_inet(self) -> bool {
        !matches!(self, Kind::Unix | Kind::Netlink | Kind::Packet | Kind::Raw | Kind::Eventpoll | Kind::Unidentified | Kind::File)
    }

    /// The kind of a row of a socket table; `None` for rows that no process can hold or that say nothing.
    pub fn of_socket(protocol: Protocol, state: SocketState) -> Option<Kind> {
        match protocol {
            Protocol::Tcp | Protocol::Tcp6 | Protocol::Mptcp => Some(match state {
                SocketState::Established => Kind::Established,
                SocketState::CloseWait => Kind::CloseWait,
                SocketState::SynSent => Kind::SynSent,
                SocketState::Listen => Kind::Listen,
                SocketState::FinWait1 | SocketState::FinWait2 | SocketState::Closing | SocketState::LastAck => Kind::FinWait,
                SocketState::TimeWait => Kind::TimeWait,
                // ss since 6.8 lists bound-only sockets so.
                SocketState::Unconn | SocketState::Closed => Kind::Closed,
                SocketState::SynRecv | SocketState::Unknown => return None,
            }),
            p if p.is_udp() => Some(Kind::Udp),
            p if p.is_raw() => Some(Kind::Raw),
            Protocol::Unix => Some(Kind::Unix),
            Protocol::Netlink => Some(Kind::Netlink),
            Protocol::Packet => Some(Kind::Packet),
            _ => None,
        }
    }
}
