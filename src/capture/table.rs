//! One reading of a socket table (an ss or netstat output, a `/proc/net` file), summed up by protocol, state and owner.

use super::end::End;
use super::intern::{Interner, Name};
use super::passing::Passing;
use super::quote::{Quote, Quotes};
use super::room::{Over, Room};
use super::tops::Tops;
use crate::facts::{At, Citation, Holder, Protocol, Socket, SocketState, TimerKind};
use rustc_hash::FxHashMap;

/// Listeners kept one by one, at most.
const MAX_LISTENERS: usize = 20_000;
/// Shared sockets (several holders) kept one by one, at most.
const MAX_SHARED: usize = 1 << 20;

/// Groups kept, at most; some hundred processes with a handful of states each is a large host.
const MAX_GROUPS: usize = 50_000;
/// Stands for all holders past that bound; no process has this number.
const OTHERS: u32 = u32::MAX;

/// What the rows of a group share; 0 for no holder.
type Key = (Protocol, SocketState, u32);

/// A reading of a socket table.
#[derive(Debug)]
pub struct Table {
    /// The format's id: `ss`, `netstat`, `proc-net-tcp`, ...
    pub format: &'static str,
    /// Where it begins.
    pub at: Citation,
    /// Why it does not hold all rows, if something says so.
    pub filtered: Option<Quote>,
    /// Whether it has a column for the holders.
    pub holders_shown: bool,
    /// Rows by protocol, state and owner.
    pub groups: Vec<Group>,
    index: FxHashMap<Key, u32>,
    /// Inode and group of each row that has an inode.
    pub rows: Vec<(u32, u32)>,
    /// Process and descriptor of each row that has a holder.
    pub held: Vec<(u32, u32)>,
    /// Inode and holder, for sockets that more than one process holds.
    pub shared: Vec<(u32, u32)>,
    /// Inode and peer inode of unix sockets.
    pub pairs: Vec<(u32, u32)>,
    /// Listeners, one by one.
    pub listeners: Vec<Listener>,
    /// Both ends of the first connections, for matching with other hosts.
    pub connections: Vec<(End, End, SocketState)>,
}

/// Rows that share protocol, state and owner.
#[derive(Debug)]
pub struct Group {
    /// The protocol.
    pub protocol: Protocol,
    /// The state.
    pub state: SocketState,
    /// The holder: the process, if the row names one.
    pub owner: Option<u32>,
    /// The holder's name as printed.
    pub command: Name,
    /// Rows.
    pub count: u64,
    /// Rows whose inode is 0: no file attached.
    pub no_file: u64,
    /// Rows with a file but no holder, in a table that shows holders.
    pub no_holder: u64,
    /// Rows with unread bytes.
    pub unread: u64,
    /// Rows with exactly one unread byte: in CLOSE-WAIT the FIN alone.
    pub unread_one: u64,
    /// Unread bytes in all.
    pub recv_q: u64,
    /// Unsent or unacknowledged bytes in all.
    pub send_q: u64,
    /// Rows with such bytes.
    pub unsent: u64,
    /// Rows whose retransmission timer runs.
    pub retransmitting: u64,
    /// The most retransmits of one row.
    pub max_retries: u32,
    /// Rows whose timer is the time-wait timer.
    pub timewait_timer: u64,
    /// Rows with a keepalive timer.
    pub keepalive: u64,
    /// Rows that tell how long nothing was received.
    pub idle_known: u64,
    /// Rows that received nothing for a minute.
    pub idle_minute: u64,
    /// The longest such time in milliseconds.
    pub idle_max_ms: u64,
    /// Remote ends.
    pub remotes: Tops<End>,
    /// Local ends.
    pub locals: Tops<End>,
    /// Paths of unix sockets.
    pub paths: Tops<Name>,
    /// Lowest and highest inode.
    pub inodes: Option<(u64, u64)>,
    /// The first rows.
    pub quotes: Quotes,
    passing: Passing,
}

/// A listening socket.
#[derive(Debug, Clone)]
pub struct Listener {
    /// The address it listens on.
    pub local: End,
    /// Connections waiting to be accepted.
    pub queue: Option<u64>,
    /// How many may wait, where the tool prints it (ss).
    pub backlog: Option<u64>,
    /// Who holds it.
    pub owner: Option<u32>,
    /// The holder's name as printed.
    pub command: Name,
    /// The row.
    pub quote: Quote,
}

impl Table {
    /// An empty table that begins at a place.
    pub fn new(format: &'static str, at: Citation, filtered: Option<Quote>) -> Table {
        Table {
            format,
            at,
            filtered,
            holders_shown: false,
            groups: Vec::new(),
            index: FxHashMap::default(),
            rows: Vec::new(),
            held: Vec::new(),
            shared: Vec::new(),
            pairs: Vec::new(),
            listeners: Vec::new(),
            connections: Vec::new(),
        }
    }

    /// Adds a row; whether its holder was met under this name before.
    pub fn add(&mut self, at: &At<'_>, s: &Socket<'_>, names: &mut Interner, room: &mut Room) -> bool {
        self.holders_shown |= s.holders_shown;
        let owner = s.holders.first();
        let key = (s.protocol, s.state, owner.map_or(0, |h| h.pid));
        let (number, mut known) = match self.index.get(&key) {
            Some(&n) => (n, true),
            None => (self.start_group(key, owner, names, room), false),
        };
        let Some(group) = self.groups.get_mut(number as usize) else { return false };
        known &= owner.is_none_or(|h| h.command == names.bytes(group.command));
        group.add(at, s, names);
        if let Some(inode) = s.inode.and_then(|i| u32::try_from(i).ok()).filter(|&i| i != 0)
            && self.room_for_row(at, room)
        {
            self.rows.push((inode, number));
            if s.holders.len() > 1 && self.shared.len() < MAX_SHARED {
                self.shared.extend(s.holders.iter().map(|h| (inode, h.pid)));
            }
            if let Some(peer) = s.peer_inode.and_then(|i| u32::try_from(i).ok()).filter(|&i| i != 0) {
                self.pairs.push((inode, peer));
            }
        }
        for holder in s.holders {
            if let Some(fd) = holder.fd
                && self.room_for_row(at, room)
            {
                self.held.push((holder.pid, fd));
            }
        }
        let tcp = s.protocol.is_tcp();
        if tcp && s.state == SocketState::Listen && self.listeners.len() < MAX_LISTENERS {
            let local = s.local.map_or(End::Any(0), |e| End::keep(&e, names));
            let command = names.add(owner.map_or(b"", |h| h.command));
            self.listeners.push(Listener {
                local,
                queue: s.recv_q,
                backlog: s.send_q,
                owner: owner.map(|h| h.pid),
                command,
                quote: Quote::keep(at),
            });
        }
        if tcp
            && self.connections.len() < MAX_LISTENERS
            && let (Some(local), Some(remote)) = (s.local, s.remote)
            && !remote.is_unset()
            && room.connection()
        {
            self.connections.push((End::keep(&local, names), End::keep(&remote, names), s.state));
        }
        known
    }

    /// Whether there is room for one more inode or descriptor; a table of which some are left out is an excerpt.
    #[inline]
    fn room_for_row(&mut self, at: &At<'_>, room: &mut Room) -> bool {
        let fits = room.socket();
        if !fits {
            self.filtered.get_or_insert_with(|| Quote::keep(at));
        }
        fits
    }

    fn start_group(&mut self, key: Key, owner: Option<&Holder<'_>>, names: &mut Interner, room: &mut Room) -> u32 {
        // Past so many the holders are no longer told apart: rows are still counted, by protocol and state.
        let full = self.groups.len() >= MAX_GROUPS || !room.class();
        if full {
            room.left_out(Over::Classes);
        }
        let (key, owner) = if full { ((key.0, key.1, OTHERS), None) } else { (key, owner) };
        if let Some(&n) = self.index.get(&key) {
            return n;
        }
        let n = self.groups.len() as u32;
        let command = names.add(owner.map_or(b"", |h| h.command));
        self.groups.push(Group::new(key.0, key.1, owner.map(|h| h.pid), command));
        self.index.insert(key, n);
        n
    }

    /// Rows of a protocol predicate in a state.
    pub fn count(&self, protocol: impl Fn(Protocol) -> bool, state: SocketState) -> u64 {
        self.groups.iter().filter(|g| protocol(g.protocol) && g.state == state).map(|g| g.count).sum()
    }

    /// Whether it holds any row of such a protocol.
    pub fn covers(&self, protocol: impl Fn(Protocol) -> bool) -> bool {
        self.groups.iter().any(|g| protocol(g.protocol))
    }
}

impl Group {
    fn new(protocol: Protocol, state: SocketState, owner: Option<u32>, command: Name) -> Group {
        Group {
            protocol,
            state,
            owner,
            command,
            count: 0,
            no_file: 0,
            no_holder: 0,
            unread: 0,
            unread_one: 0,
            recv_q: 0,
            send_q: 0,
            unsent: 0,
            retransmitting: 0,
            max_retries: 0,
            timewait_timer: 0,
            keepalive: 0,
            idle_known: 0,
            idle_minute: 0,
            idle_max_ms: 0,
            remotes: Tops::default(),
            locals: Tops::default(),
            paths: Tops::default(),
            inodes: None,
            quotes: Quotes::default(),
            passing: Passing::default(),
        }
    }

    /// Whether the local ports of its rows are mostly those of the range that begins at `low`: this host opened the connections.
    pub fn uses_ports_from(&self, low: i64) -> bool {
        // So many different ones are enough beside the address of a service.
        const ENOUGH: usize = 32;
        let handed_out = self.locals.iter().filter(|(end, _)| i64::from(end.port()) >= low).count();
        handed_out > 0 && handed_out * 2 >= self.locals.iter().len().min(ENOUGH)
    }

    /// All rows have come.
    pub fn seal(&mut self) {
        self.passing.seal(&mut self.locals);
        self.remotes.seal();
        self.paths.seal();
    }

    fn add(&mut self, at: &At<'_>, s: &Socket<'_>, names: &mut Interner) {
        self.count += 1;
        self.quotes.offer(at);
        match s.inode {
            Some(0) => self.no_file += 1,
            Some(i) => {
                let (low, high) = self.inodes.unwrap_or((i, i));
                self.inodes = Some((low.min(i), high.max(i)));
                self.no_holder += u64::from(s.holders_shown && s.holders.is_empty());
            }
            None => self.no_holder += u64::from(s.holders_shown && s.holders.is_empty()),
        }
        if let Some(q) = s.recv_q.filter(|&q| q > 0) {
            self.unread += 1;
            self.unread_one += u64::from(q == 1);
            self.recv_q = self.recv_q.saturating_add(q);
        }
        if let Some(q) = s.send_q.filter(|&q| q > 0) {
            self.unsent += 1;
            self.send_q = self.send_q.saturating_add(q);
        }
        if let Some(t) = s.timer {
            match t.kind {
                TimerKind::On => {
                    self.retransmitting += 1;
                    self.max_retries = self.max_retries.max(t.retries);
                }
                TimerKind::Timewait => self.timewait_timer += 1,
                TimerKind::Keepalive => self.keepalive += 1,
                _ => {}
            }
        }
        if let Some(ms) = s.last_received_ms {
            self.idle_known += 1;
            self.idle_minute += u64::from(ms >= 60_000);
            self.idle_max_ms = self.idle_max_ms.max(ms);
        }
        if let Some(remote) = &s.remote {
            self.remotes.defer(End::keep(remote, names));
        }
        if let Some(local) = &s.local {
            self.passing.add(End::keep(local, names), &mut self.locals);
        }
        if !s.name.is_empty() && s.protocol == Protocol::Unix {
            self.paths.add(names.add(s.name));
        }
    }
}
