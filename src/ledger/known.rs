//! What tables and identifying listings know of inodes, to tell what the sockets of a listing are that prints nothing else.

use super::books::Books;
use super::kind::Kind;
use super::listed::tells_inodes_only;
use super::sets;
use super::unnamed::Unnamed;
use super::views::{Family, View};
use super::witness::Lent;
use crate::capture::Snapshot;
use crate::capture::holding::Class;
use crate::capture::sockets::Sockets;
use crate::capture::table::{Group, Table};
use crate::parallel;
use rustc_hash::FxHashMap;
use std::sync::OnceLock;

/// Everything tables know of inodes, to tell what a descriptor's inode is.
#[derive(Default)]
pub(super) struct Known<'a> {
    /// What tables list, by inode, each once, where a listing prints inodes only.
    rows: sets::Marked<Row>,
    /// Groups by number.
    groups: Vec<&'a Group>,
    /// What quotes those without a holder, once it was asked for: thousands of processes have sockets of the same few.
    quoted: FxHashMap<u32, OnceLock<Quoted>>,
    /// Where none does: the inodes alone of what is in a connection state.
    inodes: Vec<u32>,
    /// Inodes that an lsof identified.
    named: sets::Marked<u32>,
    /// Descriptors that tables name, by process.
    held: FxHashMap<u32, Vec<u32>>,
    /// Whether a whole table of TCP was captured.
    pub(super) covers_tcp: bool,
    /// Whether unix sockets were looked up, by a whole table of them or an lsof.
    pub(super) covers_unix: bool,
    /// So many TCP sockets in a connection state the kernel counts beyond what any table lists: a table was cut.
    pub(super) unlisted: u64,
    /// What is known of sockets that lsof does not name.
    pub(super) unnamed: Unnamed,
}

/// Numbers in the rows that quote a group.
#[derive(Debug)]
pub(super) struct Quoted {
    /// Each with the row it is in.
    pub(super) numbers: Vec<(u32, usize)>,
    /// How many rows there are.
    pub(super) rows: usize,
}

/// A socket that some table lists.
#[derive(Clone, Copy, Debug, Default)]
struct Row {
    inode: u32,
    /// The number of its group, and whether a table lists it in a connection state.
    group: u32,
}

/// What is known of inodes that are asked for in order.
pub(super) struct Asked<'k, 'a> {
    known: &'k Known<'a>,
    rows: sets::Ordered<'k, Row>,
    named: sets::Ordered<'k, u32>,
}

/// An inode that was asked for.
pub(super) struct Answer<'a> {
    /// Whether neither a table lists it in a connection state nor an lsof identified it.
    pub(super) open: bool,
    /// The kind and the group, with its number, where a table lists it in a connection state.
    pub(super) in_state: Option<(Kind, u32, &'a Group)>,
}

impl Row {
    /// Set where a table lists it in a connection state: there are not so many groups.
    const CONNECTED: u32 = 1 << 31;

    fn inode(&self) -> u32 {
        self.inode
    }

    fn number(&self) -> u32 {
        self.group & !Row::CONNECTED
    }

    fn is_connected(&self) -> bool {
        self.group & Row::CONNECTED != 0
    }

    /// Takes over what another table says of the same socket; the group is the first one.
    fn join(&mut self, other: &Row) {
        self.group = self.number().min(other.number()) | (self.group | other.group) & Row::CONNECTED;
    }
}

impl<'a> Known<'a> {
    /// Gathers what all tables and identifying listings know, as far as some listing leaves it open.
    pub(super) fn gather(snapshot: &'a Snapshot, views: &[View<'a>], books: &Books) -> Known<'a> {
        let classes = || snapshot.processes.values().flat_map(|p| &p.lists).flat_map(|l| l.sockets());
        let bare = classes().any(tells_inodes_only);
        let whole = |family| views.iter().any(|v| v.is_whole() && v.count(family) > 0 && (v.has_inodes() || v.holders_shown()));
        let lsof = snapshot.processes.values().flat_map(|p| &p.lists).any(|l| l.format == "lsof" || l.format == "lsfd");
        let mut known = Known {
            unlisted: unlisted(views, books),
            unnamed: Unnamed::gather(snapshot, books),
            covers_tcp: whole(Family::Tcp),
            covers_unix: whole(Family::Unix) || lsof,
            ..Known::default()
        };
        if bare {
            let identified = |c: &&Class| !c.unlisted && (c.protocol.is_some() || c.state.is_some());
            let named = || sets::Union::of(classes().filter(identified).map(|c| &c.sockets)).all();
            let (named, ()) = parallel::both(snapshot.is_large(), named, || known.add_rows(snapshot));
            known.named = sets::Marked::of(named, |&inode| inode);
        } else if classes().any(|c| c.unlisted) {
            known.inodes = connected(snapshot);
            // Rows with an inode are told by that.
            known.add_numbers(snapshot.tables.iter().filter(|t| t.rows.is_empty()));
        }
        known
    }

    /// Descriptors that tables name, by process.
    fn add_numbers(&mut self, tables: impl Iterator<Item = &'a Table>) {
        for (pid, fd) in tables.flat_map(|t| t.held()) {
            self.held.entry(pid).or_default().push(fd);
        }
        self.held.values_mut().for_each(|fds| fds.sort_unstable());
    }

    fn add_rows(&mut self, snapshot: &'a Snapshot) {
        // Exactly as much room as is needed: growing would ask for three times as much meanwhile.
        let mut rows: Vec<Row> = Vec::with_capacity(snapshot.tables.iter().map(|t| t.rows.len()).sum());
        for table in &snapshot.tables {
            let base = self.groups.len() as u32;
            self.groups.extend(table.groups.iter());
            let state = |g: &Group| if is_connected(g) { Row::CONNECTED } else { 0 };
            let states: Vec<u32> = table.groups.iter().map(state).collect();
            let row = |&(inode, n): &(u32, u32)| Row { inode, group: (base + n) | states.get(n as usize).copied().unwrap_or(0) };
            rows.extend(table.rows.iter().map(row));
        }
        let nameless = (0..).zip(&self.groups).filter(|(_, group)| group.owner.is_none());
        self.quoted = nameless.map(|(number, _)| (number, OnceLock::new())).collect();
        self.add_numbers(snapshot.tables.iter());
        sets::sort_by_number(&mut rows, Row::inode);
        rows.dedup_by(|next, kept| {
            let same = next.inode == kept.inode;
            if same {
                kept.join(next);
            }
            same
        });
        rows.shrink_to_fit();
        self.rows = sets::Marked::of(rows, Row::inode);
    }

    /// The inodes that tables list in a connection state, sorted, as far as they were gathered.
    pub(super) fn into_connected(self) -> Vec<u32> {
        match self.rows.all() {
            [] => self.inodes,
            rows => rows.iter().filter(|row| row.is_connected()).map(Row::inode).collect(),
        }
    }

    /// The kind and the group, with its number, of a row that is in a connection state.
    fn state_of(&self, row: &Row) -> Option<(Kind, u32, &'a Group)> {
        let group = self.groups.get(row.number() as usize).copied()?;
        let kind = Kind::of_socket(group.protocol, group.state).filter(|&k| k != Kind::Closed)?;
        Some((kind, row.number(), group))
    }

    /// The numbers in the rows that quote a group without a holder.
    pub(super) fn quoted(&self, lent: &Lent<'a>) -> Option<&Quoted> {
        Some(self.quoted.get(&lent.number)?.get_or_init(|| {
            let (mut numbers, mut rows) = (Vec::new(), 0);
            for quote in lent.group.quotes.iter() {
                numbers.extend(quote.text().split_whitespace().filter_map(|word| Some((word.parse().ok()?, rows))));
                rows += 1;
            }
            Quoted { numbers, rows }
        }))
    }

    /// The descriptors that tables name of a process.
    pub(super) fn held(&self, pid: u32) -> Option<AnyOrder<'_>> {
        self.held.get(&pid).map(|held| AnyOrder { all: held, rest: held, last: 0 })
    }

    /// Asks for the inodes of one listing in order.
    pub(super) fn asked(&self) -> Asked<'_, 'a> {
        Asked { known: self, rows: self.rows.ordered(), named: self.named.ordered() }
    }

    /// How many of a listing's sockets no table lists in a connection state.
    pub(super) fn missing(&self, sockets: &Sockets) -> usize {
        let mut rows = self.rows.ordered();
        let near = sockets.span().is_some_and(|(low, high)| rows.first_from(low, Row::inode).is_some_and(|row| row.inode <= high));
        match self.rows.all() {
            [] => sets::missing_of(sockets, &self.inodes),
            // Nothing of it need be read.
            _ if !near => sockets.distinct(),
            _ => sockets.inodes().filter(|&inode| !rows.find(inode, Row::inode).is_some_and(Row::is_connected)).count(),
        }
    }
}

impl<'a> Asked<'_, 'a> {
    /// The kind and the group, with its number, of an inode that a table lists in a connection state.
    pub(super) fn in_state(&mut self, inode: u32) -> Option<(Kind, u32, &'a Group)> {
        let row = self.rows.find(inode, Row::inode)?;
        self.known.state_of(row)
    }

    /// All that is known of an inode.
    pub(super) fn of(&mut self, inode: u32) -> Answer<'a> {
        let row = self.rows.find(inode, Row::inode);
        let connected = row.is_some_and(Row::is_connected);
        Answer {
            open: !connected && self.named.find(inode, |&named| named).is_none(),
            in_state: row.and_then(|row| self.known.state_of(row)),
        }
    }
}

/// How many TCP sockets in a connection state no table of the capture's own namespace lists, by the kernel's count. Without any table nothing
/// was cut.
fn unlisted(views: &[View<'_>], books: &Books) -> u64 {
    let own = views.iter().filter(|v| v.netns.is_none() && v.count(Family::Tcp) > 0);
    let listed = own.map(View::hashed).max();
    books.hashed().zip(listed).map_or(0, |(hashed, listed)| hashed.saturating_sub(listed))
}

/// Inodes that some table lists in a connection state.
fn connected(snapshot: &Snapshot) -> Vec<u32> {
    let mut inodes = Vec::new();
    for table in &snapshot.tables {
        let connected: Vec<bool> = table.groups.iter().map(is_connected).collect();
        inodes.extend(table.rows.iter().filter(|r| connected.get(r.1 as usize) == Some(&true)).map(|r| r.0));
    }
    sets::sorted(inodes)
}

/// Whether rows of a group are in a connection state: bound TCP sockets, which ss since 6.8 lists as UNCONN, are in none.
fn is_connected(group: &Group) -> bool {
    Kind::of_socket(group.protocol, group.state) != Some(Kind::Closed)
}

/// A sorted slice that is asked for numbers of which most are larger than the one before.
pub(super) struct AnyOrder<'a> {
    all: &'a [u32],
    rest: &'a [u32],
    last: u32,
}

impl AnyOrder<'_> {
    /// Whether a number is in it.
    pub(super) fn has(&mut self, number: u32) -> bool {
        if number < self.last {
            self.rest = self.all;
        }
        self.last = number;
        sets::advance(&mut self.rest, number)
    }
}
