//! One reading of a socket table (an ss or netstat output, a `/proc/net` file), summed up by protocol, state and owner.

use super::end::End;
pub use super::group::Group;
use super::group::Row;
use super::intern::{Interner, Name};
use super::lines::Firsts;
use super::pending::Pending;
use super::quote::Quote;
use super::room::{Over, Room};
use super::sockets::NO_FD;
use super::twins::{self, Pairs};
use crate::facts::{At, Citation, Holder, Protocol, Socket, SocketState, StatesShown};
use rustc_hash::{FxHashMap, FxHasher};
use std::collections::{BTreeMap, BTreeSet};
use std::hash::Hasher;

/// Listeners kept one by one, at most.
const MAX_LISTENERS: usize = 20_000;
/// Shared sockets (several holders) kept one by one, at most.
const MAX_SHARED: usize = 1 << 20;

/// Groups kept, at most; some hundred processes with a handful of states each is a large host.
const MAX_GROUPS: usize = 50_000;
/// So many groups stay in a cache, and are counted row by row. They only become more, so that no row is counted before an earlier one.
const CACHED: usize = 64;
/// Groups past which a further one waits for [`MANY_ROWS`] before more of it is quoted than its first row: thousands of holders with a socket
/// or two need no three rows each.
const QUOTED: u32 = 1024;
/// So many rows are worth more than one quote.
const MANY_ROWS: u8 = 16;
/// Descriptors of one process on one socket, from which they are copies that a row is kept for.
const COPIES: usize = 8;
/// Holders of a listener kept beside the first, at most.
const MAX_OTHERS: usize = 64;
/// Processes of which a row is kept whose peer is closed, at most.
const MAX_ALONE: usize = 1024;
/// Such rows kept, at most.
const MAX_COPIED: usize = 256;
/// Stands for all holders past that bound; no process has this number.
const OTHERS: u32 = u32::MAX;

/// What the rows of a group share; 0 for no holder.
#[derive(Clone, Copy, Debug)]
struct Key {
    protocol: Protocol,
    state: SocketState,
    owner: u32,
}

/// A reading of a socket table.
#[derive(Debug)]
pub struct Table {
    /// The format's id: `ss`, `netstat`, `proc-net-tcp`, ...
    pub format: &'static str,
    /// Where it begins.
    pub at: Citation,
    /// The network namespace it is of, where the directory tells that; `None` where the path alone may.
    pub netns: Option<Box<str>>,
    /// Why it does not hold all rows, if something says so.
    pub filtered: Option<Quote>,
    /// Whether it has lost its header, and maybe rows with it.
    pub headless: bool,
    /// Which states it lists, as far as that is told.
    pub shown: StatesShown,
    /// Whether it has a column for the holders.
    pub holders_shown: bool,
    /// Rows by protocol, state and owner.
    pub groups: Vec<Group>,
    index: FxHashMap<u64, Known>,
    pending: Pending,
    /// Inode and group of each row that has an inode.
    pub rows: Vec<(u32, u32)>,
    /// The owner's descriptor for each of `rows`, `NO_FD` where none is told; rows past its end have none either.
    fds: Vec<u32>,
    /// Process and descriptor of all other holders: further ones, and those of rows without an inode.
    held: Vec<(u32, u32)>,
    /// Inode and holder, for sockets that more than one process holds.
    pub shared: Vec<(u32, u32)>,
    /// Sockets that their first holder has under many descriptors.
    pub copied: Vec<Copied>,
    /// Inode and peer inode of unix sockets, 0 for the peer of a connected one that is closed.
    pub pairs: Vec<(u32, u32)>,
    /// The first row of each process with a connected unix socket whose peer is closed, bounded.
    pub alone: BTreeMap<u32, Quote>,
    /// Inodes of unix sockets of datagrams that have no path.
    pub datagrams: Vec<u32>,
    /// What two processes hold under the same descriptor numbers.
    pub twins: Pairs,
    /// Listeners, one by one.
    pub listeners: Vec<Listener>,
    /// Unix sockets on which connections wait to be accepted, by their paths.
    pub unix_queues: Vec<Listener>,
    /// Both ends of the first connections, for matching with other hosts.
    pub connections: Vec<(End, End, SocketState)>,
}

/// What is asked of a group for every row, kept apart from the much larger group.
#[derive(Clone, Copy, Debug)]
struct Known {
    number: u32,
    /// The hash of the holder's name, to notice another one.
    name: u32,
    /// How many rows there are still to come until no more are quoted: the last of them are.
    quotes: u8,
}

/// A socket that a process has under many descriptors.
#[derive(Debug, Clone)]
pub struct Copied {
    /// The process.
    pub pid: u32,
    /// How many descriptors.
    pub descriptors: u64,
    /// What it is.
    pub protocol: Protocol,
    /// In which state.
    pub state: SocketState,
    /// Its remote end.
    pub remote: Option<End>,
    /// The row.
    pub quote: Quote,
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
    /// Other processes that hold it, the first of them.
    pub others: Vec<u32>,
    /// The holder's name as printed.
    pub command: Name,
    /// The row.
    pub quote: Quote,
}

impl Key {
    /// As one number, to be hashed and compared in one step.
    #[inline]
    fn packed(self) -> u64 {
        u64::from(self.owner) << 16 | (self.protocol as u64) << 8 | self.state as u64
    }
}

impl Table {
    /// Connections kept one by one, at most.
    pub const MOST_CONNECTIONS: usize = MAX_LISTENERS;

    /// An empty table that begins at a place.
    pub fn new(format: &'static str, at: Citation, filtered: Option<Quote>) -> Table {
        Table {
            format,
            at,
            netns: None,
            filtered,
            headless: false,
            shown: StatesShown::Unknown,
            holders_shown: false,
            groups: Vec::new(),
            index: FxHashMap::default(),
            pending: Pending::default(),
            rows: Vec::new(),
            fds: Vec::new(),
            held: Vec::new(),
            shared: Vec::new(),
            copied: Vec::new(),
            pairs: Vec::new(),
            alone: BTreeMap::new(),
            datagrams: Vec::new(),
            twins: Pairs::new(),
            listeners: Vec::new(),
            unix_queues: Vec::new(),
            connections: Vec::new(),
        }
    }

    /// Adds a row; whether its holder was met under this name before.
    pub fn add(&mut self, at: &At<'_>, s: &Socket<'_>, names: &mut Interner, room: &mut Room) -> bool {
        self.take(at, s, names, room).unwrap_or(false)
    }

    fn take(&mut self, at: &At<'_>, s: &Socket<'_>, names: &mut Interner, room: &mut Room) -> Option<bool> {
        self.holders_shown |= s.holders_shown;
        if self.groups.is_empty() {
            self.shown = s.states_shown;
        }
        let owner = holder(s);
        let key = Key { protocol: s.protocol, state: s.state, owner: owner.map_or(0, |h| h.pid) };
        let name = owner.map_or(0, |h| hash(h.command));
        let first = owner.map(|o| o.pid) == s.holders.first().map(|h| h.pid);
        let (number, known, own) = match self.index.get_mut(&key.packed()) {
            Some(group) => {
                if group.quotes > 0 {
                    group.quotes -= 1;
                    if usize::from(group.quotes) < Firsts::KEPT - 1 {
                        self.groups.get_mut(group.number as usize)?.quotes.offer(at, &names.lines);
                    }
                }
                (group.number, owner.is_none() || group.name == name, owner.is_some() && first)
            }
            None => {
                let number = self.start_group(key, owner, name, names, room);
                let group = self.groups.get_mut(number as usize)?;
                group.quotes.offer(at, &names.lines);
                (number, false, group.owner.is_some() && first)
            }
        };
        let row = Row::of(s, names);
        if self.groups.len() <= CACHED {
            self.groups.get_mut(number as usize)?.count(&row);
        } else if self.pending.push(number, row) {
            self.pending.count(&mut self.groups);
        }
        self.keep_numbers(at, s, number, own, room);
        self.keep_copies(at, s, row.remote);
        if s.holders.len() > 1
            && let Some(first) = owner
        {
            twins::add(&mut self.twins, at, s, first);
        }
        let tcp = s.protocol.is_tcp();
        if tcp && s.state == SocketState::Listen && self.listeners.len() < MAX_LISTENERS {
            let listener = listener(at, s, row.local.unwrap_or(End::Any(0)), names);
            self.listeners.push(listener);
        }
        if s.protocol == Protocol::Unix && s.state == SocketState::Listen && s.recv_q > Some(0) && self.unix_queues.len() < MAX_LISTENERS {
            let path = End::Text(names.add(s.name));
            self.unix_queues.push(listener(at, s, path, names));
        }
        if tcp
            && self.connections.len() < Table::MOST_CONNECTIONS
            && let (Some(local), Some(remote)) = (row.local, row.remote)
            && !remote.is_unset()
            && room.connection()
        {
            self.connections.push((local, remote, s.state));
        }
        Some(known)
    }

    /// Keeps inodes and descriptors of a row; `own` is whether its group tells the first holder.
    #[inline]
    fn keep_numbers(&mut self, at: &At<'_>, s: &Socket<'_>, number: u32, own: bool, room: &mut Room) {
        let mut kept = 0;
        if let Some(inode) = s.inode.and_then(|i| u32::try_from(i).ok()).filter(|&i| i != 0)
            && self.room_for_row(at, room)
        {
            self.rows.push((inode, number));
            if let Some(fd) = s.holders.first().filter(|_| own).and_then(|h| h.fd) {
                kept = 1;
                if self.room_for_row(at, room) {
                    self.fds.resize(self.rows.len() - 1, NO_FD);
                    self.fds.push(fd);
                }
            }
            if s.holders.len() > 1 && self.shared.len() < MAX_SHARED {
                self.shared.extend(s.holders.iter().map(|h| (inode, h.pid)));
            }
            // One that listens, or was never connected, has no peer to lose.
            let had_peer = s.state == SocketState::Established;
            if let Some(peer) = s.peer_inode.and_then(|i| u32::try_from(i).ok()).filter(|&i| i != 0 || had_peer) {
                self.pairs.push((inode, peer));
                if peer == 0
                    && self.alone.len() < MAX_ALONE
                    && let Some(holder) = holder(s)
                {
                    self.alone.entry(holder.pid).or_insert_with(|| Quote::keep(at));
                }
            }
            if s.datagram && s.name.is_empty() {
                self.datagrams.push(inode);
            }
        }
        for holder in s.holders.iter().skip(kept) {
            if let Some(fd) = holder.fd
                && self.room_for_row(at, room)
            {
                self.held.push((holder.pid, fd));
            }
        }
    }

    /// Keeps a row of which one process has many descriptors.
    #[inline]
    fn keep_copies(&mut self, at: &At<'_>, s: &Socket<'_>, remote: Option<End>) {
        if s.holders.len() < COPIES || self.copied.len() >= MAX_COPIED {
            return;
        }
        let Some(pid) = s.holders.first().map(|h| h.pid) else { return };
        let fds: BTreeSet<u32> = s.holders.iter().filter(|h| h.pid == pid).filter_map(|h| h.fd).collect();
        if fds.len() >= COPIES {
            let (protocol, state) = (s.protocol, s.state);
            self.copied.push(Copied { pid, descriptors: fds.len() as u64, protocol, state, remote, quote: Quote::keep(at) });
        }
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

    fn start_group(&mut self, key: Key, owner: Option<&Holder<'_>>, name: u32, names: &mut Interner, room: &mut Room) -> u32 {
        // Past so many the holders are no longer told apart: rows are still counted, by protocol and state.
        let full = self.groups.len() >= MAX_GROUPS || !room.class();
        if full {
            room.left_out(Over::Classes);
        }
        let (key, owner) = if full { (Key { owner: OTHERS, ..key }, None) } else { (key, owner) };
        if let Some(known) = self.index.get(&key.packed()) {
            return known.number;
        }
        let number = self.groups.len() as u32;
        let command = names.add(owner.map_or(b"", |h| h.command));
        self.groups.push(Group::new(key.protocol, key.state, owner.map(|h| h.pid), command));
        let wait = if number < QUOTED { 0 } else { MANY_ROWS };
        self.index.insert(key.packed(), Known { number, name, quotes: Firsts::KEPT as u8 - 1 + wait });
        number
    }

    /// The highest descriptor number of each process that it names as a holder.
    pub fn highest(&self) -> BTreeMap<u32, u32> {
        let mut by_group = vec![None; self.groups.len()];
        for ((_, group), &fd) in self.rows.iter().zip(&self.fds).filter(|(_, fd)| **fd != NO_FD) {
            if let Some(highest) = by_group.get_mut(*group as usize) {
                *highest = (*highest).max(Some(fd));
            }
        }
        let owned = self.groups.iter().zip(by_group).filter_map(|(group, fd)| Some((group.owner?, fd?)));
        let mut highest = BTreeMap::new();
        for (pid, fd) in owned.chain(self.held.iter().copied()) {
            let known = highest.entry(pid).or_insert(fd);
            *known = fd.max(*known);
        }
        highest
    }

    /// Process and descriptor of each holder.
    pub fn held(&self) -> impl Iterator<Item = (u32, u32)> + '_ {
        let owned = self.rows.iter().zip(&self.fds).filter(|(_, fd)| **fd != NO_FD);
        let owned = owned.filter_map(|(row, fd)| Some((self.groups.get(row.1 as usize)?.owner?, *fd)));
        owned.chain(self.held.iter().copied())
    }

    /// Descriptors of TCP sockets in a state, of processes that pass a test.
    pub fn held_in(&self, state: SocketState, fits: impl Fn(u32) -> bool) -> impl Iterator<Item = u32> + '_ {
        let told: Vec<bool> = self.groups.iter().map(|g| g.state == state && g.protocol.is_tcp() && g.owner.is_some_and(&fits)).collect();
        let rows = self.rows.iter().zip(&self.fds).filter(|(_, fd)| **fd != NO_FD);
        rows.filter(move |(row, _)| told.get(row.1 as usize) == Some(&true)).map(|(_, fd)| *fd)
    }

    /// All rows have come.
    pub fn seal(&mut self) {
        std::mem::take(&mut self.pending).count(&mut self.groups);
        self.index = FxHashMap::default();
        self.listeners.shrink_to_fit();
        self.connections.shrink_to_fit();
        self.rows.shrink_to_fit();
        self.fds.shrink_to_fit();
        self.held.shrink_to_fit();
        self.pairs.shrink_to_fit();
        self.datagrams.sort_unstable();
        self.datagrams.dedup();
        self.datagrams.shrink_to_fit();
        self.groups.shrink_to_fit();
        self.groups.iter_mut().for_each(Group::seal);
    }

    /// Rows of a protocol predicate in a state.
    pub fn count(&self, protocol: impl Fn(Protocol) -> bool, state: SocketState) -> u64 {
        self.groups.iter().filter(|g| protocol(g.protocol) && g.state == state).map(|g| g.count).sum()
    }

    /// Whether a TCP socket in a state would be in it, as far as command and rows tell: ss leaves some states out unless it is asked for all,
    /// and rows of one state or one holder alone are what a filter leaves, if they are not all that the kernel counts.
    pub fn lists(&self, state: SocketState, all_counted: bool) -> bool {
        let rows = || self.groups.iter().filter(|g| g.protocol.is_tcp());
        if self.shown != StatesShown::Unknown {
            // Rows outweigh a name: where one is of a state that would not be listed, all are.
            return self.shown.has(state) || rows().any(|g| !self.shown.has(g.state));
        }
        let Some(first) = rows().next() else { return false };
        let selected = |by_one: bool| by_one && !all_counted;
        if selected(rows().all(|g| g.state == first.state)) {
            return first.state == state && state != SocketState::Listen;
        }
        if selected(first.owner.is_some() && rows().all(|g| g.owner == first.owner)) {
            return false;
        }
        let asked_for_all = rows().any(|g| !StatesShown::Connected.has(g.state));
        self.format != "ss" || asked_for_all || StatesShown::Connected.has(state)
    }

    /// Whether it holds any row of such a protocol.
    pub fn covers(&self, protocol: impl Fn(Protocol) -> bool) -> bool {
        self.groups.iter().any(|g| protocol(g.protocol))
    }
}

/// What a listener's row tells.
fn listener(at: &At<'_>, s: &Socket<'_>, local: End, names: &mut Interner) -> Listener {
    let owner = holder(s);
    Listener {
        local,
        queue: s.recv_q,
        backlog: s.send_q,
        owner: owner.map(|h| h.pid),
        others: s.holders.iter().map(|h| h.pid).filter(|&pid| owner.is_some_and(|o| o.pid != pid)).take(MAX_OTHERS).collect(),
        command: names.add(owner.map_or(b"", |h| h.command)),
        quote: Quote::keep(at),
    }
}

/// Whose row it is: the first holder but systemd, which keeps the listeners that it has handed over to their services.
#[inline]
fn holder<'s, 'a>(s: &'s Socket<'a>) -> Option<&'s Holder<'a>> {
    s.holders.iter().find(|h| h.pid != 1).or(s.holders.first())
}

#[inline]
fn hash(name: &[u8]) -> u32 {
    let mut hasher = FxHasher::default();
    hasher.write(name);
    (hasher.finish() >> 32) as u32
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bundle::Limits;
    use crate::facts::MemberId;

    #[test]
    fn of_thousands_of_holders_those_with_many_rows_are_quoted_more_than_once() {
        let (mut names, mut room) = (Interner::default(), Room::of(&Limits::default()));
        let mut table = Table::new("ss", Citation { member: MemberId(0), line: 1 }, None);
        let order = (1..3000).chain([5, 5, 2500].into_iter().cycle().take(90));
        for (line, pid) in (2..).zip(order) {
            let holders = [Holder { command: b"worker", pid, fd: None }];
            let socket = Socket { holders: &holders, ..Socket::new(Protocol::Tcp, SocketState::Established) };
            let at = At { citation: Citation { member: MemberId(0), line }, format: "ss", text: b"ESTAB" };
            table.add(&at, &socket, &mut names, &mut room);
        }
        table.seal();
        let of = |pid| table.groups.iter().find(|g| g.owner == Some(pid)).map(|g| (g.count, g.quotes.iter().count()));
        assert_eq!([of(5), of(6), of(2500), of(2501)], [Some((61, 3)), Some((1, 1)), Some((31, 3)), Some((1, 1))]);
    }
}
