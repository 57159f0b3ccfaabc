//! The socket ledger: every socket the kernel counts, set against where it was seen, each once, with the rest that nobody explains.

pub mod books;
mod census;
mod command;
pub mod counted_descriptors;
mod counted_ends;
mod counted_sockets;
pub mod cut;
pub mod datagrams;
pub mod duplicated;
mod excerpts;
mod foreign;
pub mod holding;
pub mod inodes;
pub mod kind;
mod known;
mod labels;
mod likely;
mod listed;
pub mod peers;
pub mod pile;
pub mod repeats;
mod runs;
#[cfg(test)]
mod scope_tests;
pub mod series;
pub mod sets;
mod shared;
mod sides;
pub mod tally;
pub mod tasks;
pub mod unheld;
mod unnamed;
pub mod views;
pub mod witness;

pub use books::{Books, Figure};
pub use cut::Cut;
use holding::Held;
pub use holding::Holding;
pub use kind::Kind;
pub use likely::leaves_open;
pub use pile::{CountIs, Owner, Pile, Ports, Word, is_pool};
pub use views::{Family, View};

use crate::capture::holding::FdList;
use crate::capture::{Interner, Member, Quote, Snapshot};
use crate::facts::{IdentityKey, NoteKind, SocketState};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// The ledger of one snapshot.
#[derive(Debug)]
pub struct Ledger<'a> {
    /// The kernel's own counts.
    pub books: Books,
    /// Readings of the socket tables.
    pub views: Vec<View<'a>>,
    /// TCP rows by state in the capture's own namespace, or counts made by pipelines.
    pub states: BTreeMap<SocketState, Figure>,
    /// Whether `states` comes from a whole table.
    pub states_whole: bool,
    /// States of which pipelines counted all.
    pub counted: BTreeSet<SocketState>,
    /// What each process holds.
    pub holdings: BTreeMap<u32, Holding<'a>>,
    /// Sockets by program and kind, largest first; shared with the report.
    pub piles: Arc<Vec<Pile>>,
    /// Ports that something listens on, by tables and by listings.
    pub listening: Ports,
    /// Inodes that some table lists in a connection state, sorted, where a listing shows sockets that it does not name.
    pub connected: Vec<u32>,
    /// Whom each process's unix sockets are connected with.
    pub peers: BTreeMap<u32, peers::Peers>,
    /// Unix datagram sockets without a path of each process that has more than a few.
    pub datagrams: BTreeMap<u32, datagrams::Datagrams>,
    /// The highest socket inode anywhere in the capture.
    pub newest_inode: Option<u64>,
    /// The line that shows that other users' processes are missing from descriptors or holders.
    pub unprivileged: Option<Quote>,
    /// Whether descriptors of all processes were listed with privilege: only then is a missing holder missing.
    pub all_listed: bool,
    /// A listing of all processes that ends inside a row, where no whole one is beside it.
    pub cut: Option<Cut>,
}

impl<'a> Ledger<'a> {
    /// Puts a snapshot's facts together.
    pub fn reconcile(snapshot: &'a Snapshot, members: &[Member], names: &Interner) -> Ledger<'a> {
        let mut books = Books::open(snapshot, names);
        let views = views::views(snapshot, members, &books);
        if let Some(view) = views::best(&views, Family::Tcp).filter(|v| v.covers_both_ip_versions()) {
            books.bound_by_rows(view);
        }
        books.listed_elsewhere(&views);
        let Held { holdings, connected } = holding::holdings(snapshot, &views, &books);
        let listening = pile::listening_ports(snapshot);
        let mut piles = pile::piles(snapshot, &holdings, &listening);
        books.narrow(listed_otherwise(&books, &views, &piles));
        let (states, counted, states_whole) = states(snapshot, &views);
        labels::apply(snapshot, &mut piles);
        tally::apply(snapshot, &mut piles);
        excerpts::apply(snapshot, &mut piles);
        counted_sockets::apply(snapshot, &mut piles);
        counted_descriptors::apply(snapshot, &mut piles);
        let unprivileged = unprivileged(snapshot);
        unheld::apply(snapshot, &views, &states, unprivileged.is_some(), &mut piles);
        counted_ends::apply(snapshot, names, &mut piles);
        sides::split(snapshot, &listening, &mut piles);
        let all_listed = unprivileged.is_none() && !snapshot.room.is_over() && lists_all(snapshot, members);
        let cut = cut::cut(snapshot, members).filter(|_| !all_listed);
        foreign_by_room(&books, &mut piles);
        excerpt_by_books(&books, &mut piles);
        let peers = peers::peers(snapshot);
        let datagrams = datagrams::datagrams(snapshot);
        let mut ledger = Ledger {
            books,
            views,
            states,
            states_whole,
            counted,
            holdings,
            piles: Arc::new(piles),
            listening,
            connected,
            peers,
            datagrams,
            newest_inode: newest_inode(snapshot),
            unprivileged,
            all_listed,
            cut,
        };
        likely::opaque(&mut ledger, snapshot);
        likely::counted(&mut ledger, snapshot);
        likely::traced(&mut ledger, snapshot);
        likely::only_traced(&mut ledger, snapshot);
        ledger
    }

    /// TCP rows in a state, at least: 0 where a table that lists it has none, `None` where no such table was captured.
    pub fn state(&self, state: SocketState) -> Option<i64> {
        self.states.get(&state).map(|f| f.value).or_else(|| self.shows_all(state).then_some(0))
    }

    /// All TCP rows in a state; `None` where some may not have been listed or counted.
    pub fn all_in(&self, state: SocketState) -> Option<Figure> {
        self.shows_all(state).then(|| self.states.get(&state).cloned().unwrap_or_default())
    }

    fn shows_all(&self, state: SocketState) -> bool {
        self.counted.contains(&state) || self.best(Family::Tcp).is_some_and(|v| v.shows(state))
    }

    /// The best reading of a family in the capture's own namespace.
    pub fn best(&self, family: Family) -> Option<&View<'a>> {
        views::best(&self.views, family)
    }

    /// Unhashed TCP sockets that no pile accounts for; `None` where the kernel's count is missing or counts other namespaces too.
    pub fn unexplained(&self) -> Option<i64> {
        let unhashed = self.books.held_unhashed()?;
        let held = |foreign: bool| {
            let piles = self.piles.iter().filter(|p| p.kind == Kind::Closed && p.foreign.is_some() == foreign);
            i64::try_from(piles.map(|p| p.count).sum::<u64>()).unwrap_or(i64::MAX)
        };
        let rest = unhashed.saturating_sub(held(false));
        // The kernel allocates for all namespaces at once: what is listed of others is among what this one does not explain.
        Some(if rest > 0 { rest.saturating_sub(held(true)).max(0) } else { rest })
    }
}

/// TCP states by the best table, else by counts that pipelines made; of which of them pipelines counted all, and whether the table is whole.
fn states(snapshot: &Snapshot, views: &[View<'_>]) -> (BTreeMap<SocketState, Figure>, BTreeSet<SocketState>, bool) {
    let mut states: BTreeMap<SocketState, Figure> = BTreeMap::new();
    if let Some(view) = views::best(views, Family::Tcp) {
        for group in view.groups(Family::Tcp) {
            let figure = states.entry(group.state).or_default();
            figure.value += group.count as i64;
            if figure.at.len() < 3 {
                figure.at.extend(group.quotes.first());
            }
        }
        if view.shows(SocketState::Established) && view.shows(SocketState::TimeWait) {
            return (states, BTreeSet::new(), true);
        }
    }
    for (state, value, quote) in tally::states(snapshot) {
        let figure = states.entry(state).or_default();
        if value > figure.value {
            *figure = Figure { value, at: vec![quote] };
        }
    }
    (states, tally::whole_states(snapshot), false)
}

/// Where the listing is an excerpt and only one program appears in it, the kernel's count is the best estimate of its pile.
fn excerpt_by_books(books: &Books, piles: &mut [Pile]) {
    let (Some(held), Some(figure)) = (books.held_unhashed(), &books.unhashed) else { return };
    let mut owned = piles.iter_mut().filter(|p| p.kind == Kind::Closed && p.owner.is_some() && p.foreign.is_none());
    let (Some(pile), None) = (owned.next(), owned.next()) else { return };
    if pile.is != CountIs::AtLeast || books.unhashed_is_bound || held < 100 || held < pile.count as i64 * 2 {
        return;
    }
    pile.words.push(Word { source: "kernel", count: held as u64, quote: figure.at.first().cloned() });
    pile.traits.quotes.extend(figure.at.iter().take(2).cloned());
    (pile.count, pile.is) = (held as u64, CountIs::Estimate);
}

/// The highest inode of any socket that a table or listing shows.
fn newest_inode(snapshot: &Snapshot) -> Option<u64> {
    let rows = snapshot.tables.iter().flat_map(|t| &t.rows).map(|r| r.0);
    let listed = snapshot.processes.values().flat_map(|p| &p.lists).flat_map(|l| l.sockets()).filter_map(|c| c.sockets.span()).map(|s| s.1);
    rows.chain(listed).max().map(u64::from)
}

/// A pile of unhashed sockets several times larger than what this namespace has room for lives in another one.
fn foreign_by_room(books: &Books, piles: &mut [Pile]) {
    let (Some(here), Some(used)) = (books.unhashed_here, &books.used) else { return };
    for pile in piles.iter_mut().filter(|p| p.kind == Kind::Closed && p.foreign.is_none() && p.count >= 20) {
        if i64::try_from(pile.count).unwrap_or(i64::MAX) / 5 > here
            && let Some(quote) = used.at.first()
        {
            let says = format!(
                "the collector's network namespace has room for {here} such sockets, this process holds {}: they belong to another namespace",
                pile.count
            );
            pile.foreign = Some((says, quote.clone()));
        }
    }
}

/// Sockets of this namespace that are listed as something else than TCP.
fn listed_otherwise(books: &Books, views: &[View<'_>], piles: &[Pile]) -> i64 {
    let held = |kind| piles.iter().filter(|p| p.kind == kind && p.foreign.is_none()).map(|p| p.count).sum::<u64>() as i64;
    let rows =
        |family| views::best(views, family).map_or(0, |v| v.groups(family).map(|g| g.count - g.no_file.min(g.count)).sum::<u64>()) as i64;
    let udp = books.udp.as_ref().map_or(0, |f| f.value).max(rows(Family::Udp));
    // Where no table shows it, the peer of a unix socket may be listed nowhere: ended, or in a queue.
    let (listed, unix) = (rows(Family::Unix), held(Kind::Unix));
    let others = if listed < unix && unix >= 200 { unix + without_peers(piles) } else { unix.max(listed) }
        + rows(Family::Netlink).max(held(Kind::Netlink))
        + rows(Family::Packet).max(held(Kind::Packet))
        + rows(Family::Raw).max(held(Kind::Raw));
    udp.saturating_add(others)
}

/// How many unix sockets may have a peer that nobody is shown to hold: accepted ones have a path, and each has one without a path at its other
/// end.
fn without_peers(piles: &[Pile]) -> i64 {
    let unix = piles.iter().filter(|p| p.kind == Kind::Unix && p.foreign.is_none());
    let (named, all) = unix.fold((0, 0), |(named, all), p| (named + p.traits.paths.total().min(p.count), all + p.count));
    (named.abs_diff(all - named)) as i64
}

/// The line that shows missing privilege, if one does.
fn unprivileged(snapshot: &Snapshot) -> Option<Quote> {
    if let Some((uid, quote)) = snapshot.identity.get(&IdentityKey::CaptureUid)
        && uid != "0"
    {
        return Some(quote.clone());
    }
    snapshot.remarks.iter().find(|r| r.kind == NoteKind::NoPrivilege).map(|r| r.quote.clone())
}

/// Whether some listing covers all processes: an unfiltered lsof (or lsfd) with many of them, to its end.
fn lists_all(snapshot: &Snapshot, members: &[Member]) -> bool {
    let whole = |l: &FdList| cut::of_all(l) && !l.filtered && !l.headless && !cut::is_cut(members, l);
    snapshot.processes.values().filter(|p| p.lists.iter().any(whole)).count() >= 3
}
