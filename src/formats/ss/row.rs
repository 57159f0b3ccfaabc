//! One row of a table, whatever version and options printed it.
//!
//! ```text
//! LISTEN     0      50                127.0.0.1:9092                     *:*      users:(("srv",29908,3))
//! tcp   CLOSE-WAIT1      0            127.0.0.1:40112          127.0.0.1:9092     users:(("java",pid=29956,fd=24))
//! u_strLISTEN 1      3       /tmp/sd/with space.sock 133950              * 0      users:(("java",pid=29956,fd=63))
//! nl     UNCONN 832    0                 rtnl:kernel            *
//! ```
//!
//! Words are never found by their column: 4.15 to 4.19 lose the blank between State and its neighbours, states end in digits
//! (`FIN-WAIT-20` is FIN-WAIT-2 and a queue of 0), paths hold blanks, and whole columns are missing when one state or one kind was
//! asked for. What a row does not tell (is `*:80` an IPv4 wildcard or a dual-stack one?) is learnt from the rows before it.

use super::options::{Kind, Options};
use super::tail::Tail;
use crate::facts::{Addr, Endpoint, Protocol, Socket, SocketState};
use crate::formats::scan::{self, Fields};

/// What is known of the table that is being read.
#[derive(Clone, Copy, Debug, Default)]
pub struct Table {
    /// What the command or the name of the member told.
    pub options: Options,
    /// The columns of the last header, if there was one.
    pub columns: Option<Columns>,
    /// How addresses are printed, once a row has told.
    layout: Option<Layout>,
    /// The kind of the rows without a Netid column, once one has told.
    kind: Option<Kind>,
    /// Inside the UDP rows that 3.8 to 3.13 label `tcp`.
    mislabelled: bool,
}

/// Which columns a header has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Columns {
    netid: bool,
    state: bool,
    queues: bool,
    /// Widths as the releases up to 4.14 fixed them (later ones can come out the same by chance).
    fixed: bool,
    /// `Process`, since 5.4.
    process: bool,
}

/// The two ways to print addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Layout {
    /// Up to 4.13: `*:80`, `:::80`, `::1:80`.
    Bare,
    /// Since: `0.0.0.0:80`, `[::]:80`, and `*:80` for a dual-stack socket.
    Brackets,
}

/// A row, its holders still beside the socket.
pub struct Row<'a> {
    /// The socket without its holders.
    pub socket: Socket<'a>,
    /// The fields behind the addresses.
    pub tail: Tail<'a>,
    /// What kind of row it is.
    pub kind: Kind,
}

impl Row<'_> {
    /// A row that nothing is known of yet.
    #[inline]
    pub fn new() -> Self {
        Row { socket: Socket::new(Protocol::Other, SocketState::Unknown), tail: Tail::new(), kind: Kind::Other }
    }
}

impl Columns {
    /// The columns of a header, `None` if the line is none.
    pub fn of_header(line: &[u8]) -> Option<Self> {
        let line = line.trim_ascii();
        let netid = line.starts_with(b"Netid");
        if !(netid || line.starts_with(b"State") || line.starts_with(b"Recv-Q") || line.starts_with(b"Local")) {
            return None;
        }
        let address = memchr::memmem::find(line, b"Local")?;
        // `column -t` and spreadsheets part the words of a name as they do columns.
        let name = line.get(address + 5..)?;
        if !(name.first().is_some_and(|b| scan::is_blank(*b)) && name.trim_ascii_start().starts_with(b"Address:Port")) {
            return None;
        }
        let front = line.get(..address)?;
        Some(Columns {
            netid,
            state: scan::contains(front, b"State"),
            queues: scan::contains(front, b"Recv-Q"),
            fixed: front.starts_with(b"State      Recv-Q Send-Q ") || front.starts_with(b"Netid  State      Recv-Q Send-Q "),
            process: line.ends_with(b"Process"),
        })
    }

    /// Whether the state is left to whoever knows the command.
    pub fn lacks_state(self) -> bool {
        !self.state
    }
}

impl Table {
    /// A table of which only the options are known.
    pub fn new(options: Options) -> Self {
        Table { options, ..Table::default() }
    }

    /// A header begins a new reading; what the options told stays.
    pub fn restart(&mut self, columns: Columns) {
        let layout = columns.process.then_some(Layout::Brackets);
        *self = Table { options: self.options, columns: Some(columns), layout, kind: None, mislabelled: false };
    }

    /// Whether the line is a row.
    pub fn is_row(mut self, line: &[u8]) -> bool {
        self.read(line, &mut Row::new()).is_some()
    }

    /// Reads a line into `row`, which saves copies of a large value, and tells whether it was one.
    #[inline]
    pub fn read<'a>(&mut self, line: &'a [u8], row: &mut Row<'a>) -> Option<()> {
        let mut fields = Fields::new(line);
        let mut word = fields.next()?;
        if word == b"`-" {
            // An association below its SCTP endpoint.
            word = fields.next()?;
        }
        let netid = self.netid(word);
        let datagram = word.starts_with(b"u_dgr");
        if let Some((_, glued)) = netid {
            word = if glued.is_empty() { fields.next()? } else { glued };
        }
        let (state, word) = self.state(word, &fields)?;
        let (recv_q, send_q) = self.queues(word, &mut fields)?;
        let kind = match netid {
            Some((kind, _)) => kind,
            None => self.kind_without_netid(state, &fields),
        };
        row.kind = kind;
        row.socket.state = state;
        row.socket.recv_q = recv_q;
        row.socket.send_q = send_q;
        match kind {
            Kind::Unix => {
                row.socket.datagram = datagram;
                unix_row(row, fields.rest())
            }
            Kind::Netlink | Kind::Packet | Kind::Xdp | Kind::Tipc | Kind::Other => named_row(row, &mut fields),
            _ => self.inet_row(row, netid.is_some(), &mut fields),
        }
    }

    /// The Netid column and what is glued to it.
    fn netid<'a>(&self, word: &'a [u8]) -> Option<(Kind, &'a [u8])> {
        if word.first().is_none_or(u8::is_ascii_uppercase) || self.columns.is_some_and(|c| !c.netid) {
            return None;
        }
        if let Some(kind) = Kind::from_netid(word) {
            return Some((kind, b""));
        }
        // A label of up to 7 bytes with the state behind it.
        let end = word.iter().position(u8::is_ascii_uppercase)?;
        let (label, state) = word.split_at_checked(end)?;
        split_state(state)?;
        Some((Kind::from_netid(label)?, state))
    }

    /// The state and what is glued to it or, where that column is missing, the word itself.
    fn state<'a>(&self, word: &'a [u8], rest: &Fields<'a>) -> Option<(SocketState, &'a [u8])> {
        if let Some(found) = split_state(word) {
            return Some(found);
        }
        match self.columns {
            Some(columns) if columns.state => {
                // A word that no version is known to print, in the place of a state.
                let upper = word.len() > 2 && word.iter().all(|b| b.is_ascii_uppercase() || matches!(b, b'-' | b'_' | b'0'..=b'9'));
                let queue = !columns.queues || rest.peek().and_then(scan::number).is_some();
                (upper && !word.iter().all(u8::is_ascii_digit) && queue).then_some((SocketState::Unknown, b""))
            }
            Some(_) => Some((self.options.state.unwrap_or(SocketState::Unknown), word)),
            // Without a header (-H) only the command can tell.
            None => Some((self.options.state?, word)),
        }
    }

    /// Recv-Q and Send-Q; `word` is the first of them if it was glued or stood in the place of the state.
    fn queues(&self, word: &[u8], fields: &mut Fields<'_>) -> Option<(Option<u64>, Option<u64>)> {
        if self.columns.is_some_and(|c| !c.queues) {
            return Some((None, None));
        }
        let recv_q = if word.is_empty() { fields.next()? } else { word };
        Some((Some(scan::number(recv_q)?), Some(scan::number(fields.next()?)?)))
    }

    /// The kind of a row that does not say: what the command asked for, what an earlier row showed, or what the state allows.
    fn kind_without_netid(&mut self, state: SocketState, fields: &Fields<'_>) -> Kind {
        if let Some(kind) = self.options.kind {
            return kind;
        }
        if let Some(kind) = self.kind {
            return kind;
        }
        match state {
            SocketState::Unconn => {
                let mut ends = fields.clone();
                let local = ends.next().unwrap_or(b"");
                match (memchr::memchr(b':', local).is_some(), ends.next()) {
                    (true, Some(b"*")) => Kind::Netlink,
                    // Bound TCP sockets are listed since 6.8, but never before a listening one.
                    _ => Kind::Udp,
                }
            }
            SocketState::Established | SocketState::Unknown => Kind::Tcp,
            _ => {
                self.kind = Some(Kind::Tcp);
                Kind::Tcp
            }
        }
    }

    #[inline]
    fn inet_row<'a>(&mut self, row: &mut Row<'a>, labelled: bool, fields: &mut Fields<'a>) -> Option<()> {
        let (local_text, remote_text) = (fields.next()?, fields.next()?);
        let (local, remote) = (Endpoint::parse(local_text)?, Endpoint::parse(remote_text)?);
        if self.layout.is_none() {
            self.learn(local_text, remote_text);
        }
        let v6 = if is_plain_v4(&local, local_text) {
            // The rest of the row cannot be of another family.
            false
        } else {
            self.is_v6(local_text) || has_brackets_or_colons(remote_text)
        };
        if row.kind == Kind::Tcp && labelled && self.layout != Some(Layout::Brackets) {
            row.kind = self.relabelled(row.socket.state);
        }
        row.tail.read(fields.rest());
        row.socket.protocol = row.kind.protocol(v6);
        row.socket.local = Some(local);
        row.socket.remote = Some(remote);
        row.socket.inode = row.tail.inode;
        row.socket.uid = row.tail.uid;
        row.socket.timer = row.tail.timer;
        Some(())
    }

    /// Learns from a pair of addresses how this version prints them.
    fn learn(&mut self, local: &[u8], remote: &[u8]) {
        let brackets = |text: &[u8]| text.starts_with(b"[") || text.starts_with(b"0.0.0.0");
        if brackets(local) || brackets(remote) {
            self.layout = Some(Layout::Brackets);
        } else if has_brackets_or_colons(local) || (remote == b"*:*" && !local.starts_with(b"*")) {
            self.layout = Some(Layout::Bare);
        }
    }

    /// Whether a local address is of IPv6, `*` being a dual-stack wildcard where IPv4's is printed as `0.0.0.0`.
    fn is_v6(&self, local: &[u8]) -> bool {
        if local.starts_with(b"*") {
            let fixed = self.columns.is_none_or(|c| c.fixed);
            return self.layout.map_or(!fixed, |layout| layout == Layout::Brackets);
        }
        has_brackets_or_colons(local)
    }

    /// What a row labelled `tcp` is in a version that labels UDP so too (3.8 to 3.13, with a Netid column). TCP sockets in UNCONN are
    /// only listed since 6.8, so such a row is UDP. A connected UDP row between them is told only where listeners were asked for,
    /// because then the first TCP row is a listener; otherwise it stays `tcp`.
    fn relabelled(&mut self, state: SocketState) -> Kind {
        let bare = self.layout == Some(Layout::Bare) || self.columns.is_some_and(|c| c.fixed);
        match state {
            SocketState::Unconn if bare => {
                self.mislabelled = true;
                Kind::Udp
            }
            SocketState::Established if self.mislabelled && self.options.all => Kind::Udp,
            _ => {
                self.mislabelled = false;
                Kind::Tcp
            }
        }
    }
}

/// A state word at the beginning of `word`, and the digits glued to it.
#[inline]
pub fn split_state(word: &[u8]) -> Option<(SocketState, &[u8])> {
    const STATES: &[(&[u8], SocketState)] = &[
        (b"ESTAB", SocketState::Established),
        (b"LISTEN", SocketState::Listen),
        (b"UNCONN", SocketState::Unconn),
        (b"TIME-WAIT", SocketState::TimeWait),
        (b"CLOSE-WAIT", SocketState::CloseWait),
        (b"SYN-SENT", SocketState::SynSent),
        (b"SYN-RECV", SocketState::SynRecv),
        (b"FIN-WAIT-1", SocketState::FinWait1),
        (b"FIN-WAIT-2", SocketState::FinWait2),
        (b"LAST-ACK", SocketState::LastAck),
        (b"CLOSING", SocketState::Closing),
        (b"CLOSED", SocketState::Closed),
        (b"UNDEF", SocketState::SynRecv),
        (b"UNKNOWN", SocketState::Unknown),
        // Of SCTP.
        (b"COOKIE_WAIT", SocketState::SynSent),
        (b"COOKIE_ECHOED", SocketState::SynSent),
        (b"SHUTDOWN_PENDING", SocketState::FinWait1),
        (b"SHUTDOWN_SENT", SocketState::FinWait2),
        (b"SHUTDOWN_RECEIVED", SocketState::CloseWait),
        (b"SHUTDOWN_ACK_SENT", SocketState::LastAck),
        (b"ACK_SENT", SocketState::LastAck),
    ];
    let first = *word.first()?;
    if !first.is_ascii_uppercase() {
        return None;
    }
    let (state, rest) = STATES.iter().find_map(|(name, state)| {
        // The first byte decides nearly always, and is cheaper to compare than the word.
        if name.first() != Some(&first) { None } else { word.strip_prefix(*name).map(|rest| (*state, rest)) }
    })?;
    rest.iter().all(u8::is_ascii_digit).then_some((state, rest))
}

/// Whether an end was printed as a dotted quad: mapped ones begin with a colon or a bracket.
#[inline]
fn is_plain_v4(end: &Endpoint<'_>, text: &[u8]) -> bool {
    matches!(end.addr, Addr::V4(_)) && text.first().is_some_and(u8::is_ascii_digit)
}

/// Whether an `ADDR:PORT` is of IPv6 by its looks: brackets, or a colon before the last one.
fn has_brackets_or_colons(text: &[u8]) -> bool {
    match (text.first(), memchr::memchr(b':', text)) {
        (Some(b'['), _) => true,
        (_, Some(colon)) => text.get(colon + 1..).is_some_and(|rest| memchr::memchr(b':', rest).is_some()),
        _ => false,
    }
}

/// netlink (`rtnl:systemd/1` and `*`), packet (`ip:eth0` and `*`) and others whose ends are no addresses.
fn named_row<'a>(row: &mut Row<'a>, fields: &mut Fields<'a>) -> Option<()> {
    let kind = row.kind;
    let start = fields.rest();
    let first = fields.next()?;
    let mut name = first;
    // The name of a netlink socket's process may hold blanks: it ends before the peer.
    if kind == Kind::Netlink && fields.peek().is_some_and(|next| next != b"*" && memchr::memchr(b':', next).is_none()) {
        let mut ahead = fields.clone();
        while let Some(word) = ahead.next() {
            if ahead.peek() == Some(b"*") {
                let end = start.len().saturating_sub(ahead.rest().len());
                name = start.get(..end).unwrap_or(first).trim_ascii_end();
                *fields = ahead;
                break;
            }
            if word.starts_with(b"users:(") {
                break;
            }
        }
    }
    let peer = fields.next()?;
    if peer != b"*" && memchr::memchr2(b':', b'*', peer).is_none() && kind != Kind::Other {
        return None;
    }
    row.tail.read(fields.rest());
    row.socket.protocol = kind.protocol(false);
    row.socket.name = name;
    row.socket.inode = row.tail.inode;
    row.socket.uid = row.tail.uid;
    Some(())
}

/// A unix row: `PATH INODE PEER INODE`, where a path may hold blanks and `*` stands for none.
fn unix_row<'a>(row: &mut Row<'a>, text: &'a [u8]) -> Option<()> {
    let ends = unix_ends(text)?;
    row.tail.read(ends.rest);
    row.socket.protocol = Protocol::Unix;
    row.socket.name = if ends.name == b"*" { b"" } else { ends.name };
    row.socket.inode = Some(ends.inode);
    row.socket.peer_inode = ends.peer;
    row.socket.uid = row.tail.uid;
    Some(())
}

struct UnixEnds<'a> {
    name: &'a [u8],
    inode: u64,
    peer: Option<u64>,
    rest: &'a [u8],
}

/// Finds the first `NAME INODE * INODE`; where the peer has a path, the first number and the next one after it.
fn unix_ends(text: &[u8]) -> Option<UnixEnds<'_>> {
    unix_ends_where(text, |peer| matches!(peer, b"*" | b"?"))
        .or_else(|| unix_ends_where(text, |peer| matches!(peer.first(), Some(b'/' | b'@'))))
}

fn unix_ends_where(text: &[u8], is_peer: impl Fn(&[u8]) -> bool) -> Option<UnixEnds<'_>> {
    let mut fields = Fields::new(text);
    fields.next()?;
    loop {
        let name_end = fields.offset();
        let Some(inode) = unix_inode(fields.next()?) else { continue };
        if !fields.peek().is_some_and(&is_peer) {
            continue;
        }
        let mut behind = fields.clone();
        behind.next();
        // A peer's path may hold blanks too, but never a whole list of holders.
        let peer = loop {
            match behind.next() {
                Some(word) if word.starts_with(b"users:(") => return None,
                Some(word) => match unix_inode(word) {
                    Some(peer) => break peer,
                    None => continue,
                },
                None => return None,
            }
        };
        let name = text.get(..name_end)?.trim_ascii();
        return Some(UnixEnds { name, inode, peer: Some(peer), rest: behind.rest() });
    }
}

/// An inode; some versions print those above 2^31 as negative numbers.
fn unix_inode(word: &[u8]) -> Option<u64> {
    match word {
        [b'-', _, ..] => scan::signed(word).and_then(|n| i32::try_from(n).ok()).map(|n| u64::from(n as u32)),
        _ => scan::number(word),
    }
}

/// Whether the endpoint is a wildcard; for the opener of tables without a header.
pub fn looks_like_ends(local: &[u8], remote: &[u8]) -> bool {
    let end = |text: &[u8]| {
        Endpoint::parse(text).is_some_and(|e| match e.addr {
            Addr::Any | Addr::V4(_) | Addr::V6(_) => e.service.len() < 20,
            Addr::Name(name) => !name.is_empty() && !name.contains(&b'/') && !e.service.contains(&b'/'),
        })
    };
    end(local) && (end(remote) || remote == b"*")
}
