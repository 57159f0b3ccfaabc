//! What each process holds, by kind: every source's word, and the best estimate of distinct sockets.

use super::books::Books;
use super::kind::Kind;
use super::sets;
use super::unnamed::{Unnamed, is_unnamed};
use super::views::{Family, View};
use super::witness::{Lent, Part, Parts, Witness};
use crate::capture::End;
use crate::capture::holding::{Class, FdList};
use crate::capture::process::Proc;
use crate::capture::sockets::{NO_FD, Sockets};
use crate::capture::table::Group;
use crate::capture::tops::Tops;
use crate::capture::{Quote, Snapshot};
use crate::facts::{DescriptorKind, Protocol, SocketState};
use crate::parallel;
use rustc_hash::FxHashMap;
use std::collections::BTreeMap;
use std::sync::{Mutex, OnceLock, PoisonError};

/// So many processes are looked at in one go, beside others: fewer are not worth a thread.
const SIDE_BY_SIDE: usize = 1024;

/// What one process holds.
#[derive(Debug, Default)]
pub struct Holding<'a> {
    /// By kind, every source's word.
    pub kinds: BTreeMap<Kind, Vec<Witness<'a>>>,
    /// Open descriptors: the largest whole count, and whether a listing counted them all.
    pub descriptors: Option<(u64, bool, Quote)>,
    /// Descriptors whose target the capture could not read.
    pub opaque: Option<(u64, Quote)>,
    /// Descriptors of which one socket has many, by the source that shows most.
    pub duplicated: Option<Duplicated>,
    /// Highest descriptor number seen.
    pub highest: Option<u32>,
    /// Rows whose number lsof hides: each is at least 10000.
    pub hidden_numbers: u64,
    /// Why its sockets seem to live in another network namespace, if something shows it.
    pub foreign: Option<(String, Quote)>,
    /// Its descriptors at least, once they were asked for: each of its piles does.
    at_least: OnceLock<Option<(u64, Quote)>>,
}

/// Sockets that have several descriptors each.
#[derive(Debug)]
pub struct Duplicated {
    /// Their descriptors.
    pub descriptors: u64,
    /// How many they are.
    pub sockets: u64,
    /// What the one with most descriptors is, where that is told.
    pub kind: Option<Kind>,
    /// Their remote ends, where a row tells both.
    pub remotes: Tops<End>,
    /// A row.
    pub quote: Quote,
}

/// What all processes hold.
pub struct Held<'a> {
    /// Of each process.
    pub holdings: BTreeMap<u32, Holding<'a>>,
    /// Inodes that some table lists in a connection state, sorted, where a listing shows sockets that it does not name.
    pub connected: Vec<u32>,
}

/// Everything tables know of inodes, to tell what a descriptor's inode is.
#[derive(Default)]
pub struct Known<'a> {
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
    held: FxHashMap<u32, Vec<u32>>,
    covers_tcp: bool,
    covers_unix: bool,
    /// So many TCP sockets in a connection state the kernel counts beyond what any table lists: a table was cut.
    unlisted: u64,
    /// What is known of sockets that lsof does not name.
    unnamed: Unnamed,
}

/// Numbers in the rows that quote a group.
#[derive(Debug)]
struct Quoted {
    /// Each with the row it is in.
    numbers: Vec<(u32, usize)>,
    /// How many rows there are.
    rows: usize,
}

/// A socket that some table lists.
#[derive(Clone, Copy, Debug, Default)]
struct Row {
    inode: u32,
    /// The number of its group, and whether a table lists it in a connection state.
    group: u32,
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
    pub fn gather(snapshot: &'a Snapshot, views: &[View<'a>], books: &Books) -> Known<'a> {
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
    fn add_numbers(&mut self, tables: impl Iterator<Item = &'a crate::capture::table::Table>) {
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
    fn into_connected(self) -> Vec<u32> {
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
    fn quoted(&self, lent: &Lent<'a>) -> Option<&Quoted> {
        Some(self.quoted.get(&lent.number)?.get_or_init(|| {
            let (mut numbers, mut rows) = (Vec::new(), 0);
            for quote in lent.group.quotes.iter() {
                numbers.extend(quote.text().split_whitespace().filter_map(|word| Some((word.parse().ok()?, rows))));
                rows += 1;
            }
            Quoted { numbers, rows }
        }))
    }

    /// Asks for the inodes of one listing in order.
    fn asked(&self) -> Asked<'_, 'a> {
        Asked { known: self, rows: self.rows.ordered(), named: self.named.ordered() }
    }

    /// How many of a listing's sockets no table lists in a connection state.
    fn missing(&self, sockets: &Sockets) -> usize {
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

/// What is known of inodes that are asked for in order.
struct Asked<'k, 'a> {
    known: &'k Known<'a>,
    rows: sets::Ordered<'k, Row>,
    named: sets::Ordered<'k, u32>,
}

/// An inode that was asked for.
struct Answer<'a> {
    /// Whether neither a table lists it in a connection state nor an lsof identified it.
    open: bool,
    /// The kind and the group, with its number, where a table lists it in a connection state.
    in_state: Option<(Kind, u32, &'a Group)>,
}

impl<'a> Asked<'_, 'a> {
    /// The kind and the group, with its number, of an inode that a table lists in a connection state.
    fn in_state(&mut self, inode: u32) -> Option<(Kind, u32, &'a Group)> {
        let row = self.rows.find(inode, Row::inode)?;
        self.known.state_of(row)
    }

    fn of(&mut self, inode: u32) -> Answer<'a> {
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

/// Whether a listing tells nothing of these sockets but their inodes.
pub(super) fn tells_inodes_only(class: &Class) -> bool {
    class.protocol.is_none() && class.state.is_none() && !class.unlisted
}

/// What every process holds.
pub fn holdings<'a>(snapshot: &'a Snapshot, views: &[View<'a>], books: &Books) -> Held<'a> {
    // One after the other: what is gathered takes room for a moment, which holdings that came beside it would keep from being used again.
    let known = Known::gather(snapshot, views, books);
    let all = Mutex::new(by_tables(views));
    let processes: Vec<(u32, &Proc)> = snapshot.processes.iter().map(|(&pid, proc)| (pid, proc)).collect();
    let jobs: Vec<&[(u32, &Proc)]> = processes.chunks(SIDE_BY_SIDE).collect();
    let work = |job: &&[(u32, &'a Proc)]| -> Vec<(u32, Holding<'a>)> {
        let taken = |pid| all.lock().unwrap_or_else(PoisonError::into_inner).remove(&pid).unwrap_or_default();
        let each = job.iter().map(|&(pid, proc)| (pid, by_listings(snapshot, pid, proc, &known, books, taken(pid))));
        each.filter(|(_, holding)| !holding.kinds.is_empty() || holding.descriptors.is_some()).collect()
    };
    let mut listed = BTreeMap::new();
    parallel::in_order(&jobs, work, |_, done| listed.extend(done));
    // What is left is of processes that only tables name.
    listed.extend(all.into_inner().unwrap_or_else(PoisonError::into_inner));
    Held { holdings: listed, connected: known.into_connected() }
}

/// What each process holds by tables that name holders.
fn by_tables<'a>(views: &[View<'a>]) -> BTreeMap<u32, Holding<'a>> {
    let mut all: BTreeMap<u32, Holding<'a>> = BTreeMap::new();
    for view in views {
        by_owner(view, &mut all);
        numbers(view, &mut all);
        copies(view, &mut all);
    }
    all
}

/// What a process holds by its listings, added to what it holds by tables.
fn by_listings<'a>(
    snapshot: &'a Snapshot,
    pid: u32,
    proc: &'a Proc,
    known: &Known<'a>,
    books: &Books,
    mut holding: Holding<'a>,
) -> Holding<'a> {
    // Listings that name protocols go first: those that print inodes only add to what they say.
    let names_protocols = |l: &&FdList| l.sockets().any(|c| c.unlisted || c.protocol.is_some());
    for list in proc.lists.iter().filter(names_protocols).chain(proc.lists.iter().filter(|l| !names_protocols(l))) {
        by_list(pid, proc, list, known, books, &mut holding);
    }
    count_descriptors(proc, &mut holding);
    holding.foreign = foreign(proc, snapshot);
    holding
}

impl<'a> Holding<'a> {
    /// The best estimate of distinct sockets of a kind: the largest word of any source, and whether rows may be missing from it.
    pub fn count(&self, kind: Kind) -> Option<(u64, bool)> {
        self.best(kind).map(|w| (w.count, w.partial))
    }

    /// The source with the largest count, whole ones first where they say nearly as much.
    pub fn best(&self, kind: Kind) -> Option<&Witness<'a>> {
        Witness::best(self.kinds.get(&kind)?)
    }

    /// The word of the source that tells most about remotes.
    pub fn telling(&self, kind: Kind) -> Option<&Witness<'a>> {
        Witness::most_telling(self.kinds.get(&kind)?)
    }

    /// Sockets of all kinds, by best estimates.
    pub fn sockets(&self) -> u64 {
        self.kinds
            .keys()
            .filter(|k| !matches!(k, Kind::Eventpoll | Kind::File | Kind::TimeWait))
            .filter_map(|&k| self.count(k))
            .map(|c| c.0)
            .sum()
    }

    /// Open descriptors, at least: what was counted, or the sockets that one source shows, each of which has a descriptor.
    pub fn at_least(&self) -> Option<(u64, Quote)> {
        self.at_least.get_or_init(|| self.count_at_least()).clone()
    }

    fn count_at_least(&self) -> Option<(u64, Quote)> {
        // Three or four at most: a map would ask for more memory than they take.
        let mut by_source: Vec<(&str, u64, Option<Quote>)> = Vec::new();
        for words in self.kinds.iter().filter(|(kind, _)| **kind != Kind::TimeWait).map(|(_, words)| words) {
            for word in largest_of_each_source(words) {
                let at = by_source.iter().position(|s| s.0 == word.source).unwrap_or(by_source.len());
                if at == by_source.len() {
                    by_source.push((word.source, 0, None));
                }
                if let Some((_, sum, quote)) = by_source.get_mut(at) {
                    *sum = sum.saturating_add(word.count);
                    *quote = quote.take().or_else(|| word.quotes().next());
                }
            }
        }
        by_source.sort_by_key(|s| s.0);
        let shown = by_source.into_iter().filter_map(|(_, n, quote)| Some((n, quote?)));
        shown.chain(self.descriptors.iter().map(|(n, _, quote)| (*n, quote.clone()))).max_by_key(|(n, _)| *n)
    }

    fn add(&mut self, kind: Kind, witness: Witness<'a>) {
        if witness.count > 0 {
            let words = self.kinds.entry(kind).or_default();
            // Mostly the only one, or one of a few.
            if words.len() < 4 {
                words.reserve_exact(1);
            }
            words.push(witness);
        }
    }
}

/// Of each source the largest word, the first of equal ones: one that shows a kind twice, at two moments, shows mostly the same sockets.
fn largest_of_each_source<'w, 'a>(words: &'w [Witness<'a>]) -> Vec<&'w Witness<'a>> {
    let mut largest: Vec<&Witness<'a>> = Vec::with_capacity(words.len().min(4));
    for word in words {
        match largest.iter_mut().find(|known| known.source == word.source) {
            Some(known) if word.count > known.count => *known = word,
            Some(_) => {}
            None => largest.push(word),
        }
    }
    largest
}

/// Rows of a table whose holder is named.
fn by_owner<'a>(view: &View<'a>, all: &mut BTreeMap<u32, Holding<'a>>) {
    let mut groups: Vec<((u32, Kind), &'static str, &'a Group)> = Vec::new();
    for &table in &view.tables {
        let told = |g: &Group| Some((g.owner?, Kind::of_socket(g.protocol, g.state)?));
        groups.extend(table.groups.iter().filter_map(|g| Some((told(g)?, table.format, g))));
    }
    groups.sort_by_key(|g| (g.0, g.2.state == SocketState::Listen));
    for same in groups.chunk_by(|a, b| a.0 == b.0) {
        let Some(&((pid, kind), source, _)) = same.first() else { continue };
        let count = same.iter().map(|g| g.2.count).sum();
        let parts = same.iter().map(|g| Part::Group(g.2)).collect();
        all.entry(pid).or_default().add(kind, Witness { source, count, partial: view.lacks(kind), parts });
    }
}

/// The highest descriptor number that rows name of each holder.
fn numbers(view: &View<'_>, all: &mut BTreeMap<u32, Holding<'_>>) {
    for (pid, fd) in view.tables.iter().flat_map(|t| t.highest()) {
        if let Some(holding) = all.get_mut(&pid) {
            holding.highest = holding.highest.max(Some(fd));
        }
    }
}

/// Rows of which one process has many descriptors. Two tables show the same sockets, so the one that shows most counts.
fn copies(view: &View<'_>, all: &mut BTreeMap<u32, Holding<'_>>) {
    let mut by_pid: BTreeMap<u32, Duplicated> = BTreeMap::new();
    for copied in view.tables.iter().flat_map(|t| &t.copied) {
        let found = by_pid.entry(copied.pid).or_insert_with(|| Duplicated {
            descriptors: 0,
            sockets: 0,
            kind: Kind::of_socket(copied.protocol, copied.state),
            remotes: Tops::default(),
            quote: copied.quote.clone(),
        });
        found.descriptors += copied.descriptors;
        found.sockets += 1;
        if let Some(remote) = copied.remote.filter(|r| !r.is_unset()) {
            found.remotes.add_many(remote, 1);
        }
    }
    for (pid, mut found) in by_pid {
        // A listing of descriptors, which may show as many, does not tell whom they are connected with.
        if let Some(holding) = all.get_mut(&pid)
            && holding.duplicated.as_ref().is_none_or(|d| found.descriptors >= d.descriptors)
        {
            found.remotes.seal();
            holding.duplicated = Some(found);
        }
    }
}

/// One listing of a process's descriptors.
fn by_list<'a>(pid: u32, proc: &Proc, list: &'a FdList, known: &Known<'a>, books: &Books, holding: &mut Holding<'a>) {
    // Numbers far above the rows shown: the listing is an excerpt, whatever was piped.
    let excerpt = list.highest.is_some_and(|h| h >= 512 && list.descriptors * 4 < u64::from(h))
        || (list.hidden_numbers > 0 && list.descriptors < 10_000);
    let partial = list.filtered || excerpt;
    let mut kinds: Vec<(Kind, u64, &'a Class)> = Vec::with_capacity(list.classes.len());
    for class in &list.classes {
        let Some(kind) = kind_of_class(class, list) else { continue };
        let count = if class.kind == DescriptorKind::Socket { distinct(pid, class, kind, known) } else { class.rows };
        if is_unnamed(class) {
            kinds.extend(known.unnamed.of_other_families(class).into_iter().map(|(kind, count)| (kind, count, class)));
            kinds.extend(known.unnamed.others(count).into_iter().filter(|k| k.1 > 0).map(|(kind, count)| (kind, count, class)));
        } else {
            kinds.push((kind, count, class));
        }
        duplicates(class, |_| Some(kind), holding);
    }
    // A listener is no row of what was left open.
    kinds.sort_by_key(|k| (k.0, k.2.state == Some(SocketState::Listen)));
    for same in kinds.chunk_by(|a, b| a.0 == b.0) {
        let Some(&(kind, ..)) = same.first() else { continue };
        let (count, parts) = (same.iter().map(|k| k.1).sum(), same.iter().map(|k| Part::Class(k.2)).collect());
        holding.add(kind, Witness { source: list.format, count, partial, parts });
    }
    for class in list.sockets().filter(|c| tells_inodes_only(c)) {
        by_inode(pid, proc, list, class, known, books, holding);
        duplicates(class, |inode| Some(known.asked().in_state(inode)?.0), holding);
    }
    holding.highest = holding.highest.max(list.highest);
    holding.hidden_numbers = holding.hidden_numbers.max(list.hidden_numbers);
    let opaque = list.rows_of(DescriptorKind::Other);
    if opaque > 0
        && let Some(class) = list.classes.iter().find(|c| c.kind == DescriptorKind::Other)
    {
        holding.opaque = class.quotes.first().map(|q| (opaque, q));
    }
}

/// Distinct sockets of a class; of unlisted ones, those that no table knows: the others came to be while lsof was reading, or are of another
/// network namespace whose table was captured.
fn distinct(pid: u32, class: &Class, kind: Kind, known: &Known<'_>) -> u64 {
    let hidden = class.rows - class.sockets.len() as u64;
    if !class.unlisted || kind != Kind::Closed {
        return class.sockets.distinct() as u64 + hidden;
    }
    let missing = known.missing(&class.sockets) as u64;
    // A table without inodes names them by their descriptors; a few numbers may have been handed out again in between.
    let named = known.held.get(&pid).map_or(0, |held| {
        let mut held = AnyOrder { all: held, rest: held, last: 0 };
        class.sockets.iter().filter(|&(_, fd)| held.has(fd)).count() as u64
    });
    let rest = if named * 10 >= missing * 9 { missing.saturating_sub(named) } else { missing };
    rest + hidden
}

/// The kind of sockets as their listing tells it; `None` where only the inode can.
pub(super) fn kind_of_socket(class: &Class) -> Option<Kind> {
    match (class.protocol, class.state) {
        _ if class.kind != DescriptorKind::Socket => None,
        (None, _) if class.unlisted => Some(Kind::Closed),
        (Some(protocol), _) if class.unlisted => Some(match Family::of(protocol) {
            Family::Tcp => Kind::Closed,
            Family::Udp => Kind::Udp,
            Family::Raw => Kind::Raw,
            Family::Unix => Kind::Unix,
            Family::Netlink => Kind::Netlink,
            Family::Packet => Kind::Packet,
            Family::Other => Kind::Unidentified,
        }),
        (None, _) => None,
        (Some(protocol), Some(state)) => Kind::of_socket(protocol, state),
        (Some(protocol), None) if protocol.is_tcp() => None,
        (Some(protocol), None) => Kind::of_socket(protocol, SocketState::Unconn),
    }
}

/// The kind that a listing itself tells; `None` where only the inode can.
pub(super) fn kind_of_class(class: &Class, list: &FdList) -> Option<Kind> {
    match class.kind {
        DescriptorKind::Socket => kind_of_socket(class),
        DescriptorKind::Eventpoll => Some(Kind::Eventpoll),
        // Old lsof prints a selector's epoll descriptor without its name; two pipe ends beside each tell what it is.
        DescriptorKind::Anon if list.rows_of(DescriptorKind::Eventpoll) == 0 && class.rows > 16 => {
            let pipes = list.rows_of(DescriptorKind::Pipe);
            (pipes >= class.rows && pipes <= class.rows * 3 && !is_named(class)).then_some(Kind::Eventpoll)
        }
        DescriptorKind::File => Some(Kind::File),
        _ => None,
    }
}

/// Whether the rows of a class say which anonymous file they are, so that it is no epoll descriptor: `[timerfd]`.
fn is_named(class: &Class) -> bool {
    let told = |text: &str, mark| text.split_once(mark).is_some_and(|(_, name)| name.starts_with(|c: char| c.is_ascii_alphabetic()));
    class.quotes.iter().any(|row| told(&row.text(), "[") || told(&row.text(), "anon_inode:"))
}

/// Sockets of a listing that prints inodes only: each is what a table says of its inode, or in no table.
fn by_inode<'a>(pid: u32, proc: &Proc, list: &FdList, class: &'a Class, known: &Known<'a>, books: &Books, holding: &mut Holding<'a>) {
    let mut found: BTreeMap<Kind, u64> = BTreeMap::new();
    let mut lent: BTreeMap<Kind, Lent<'a>> = BTreeMap::new();
    let mut unowned = 0u64;
    // What nothing accounts for, and of that the rows that a table names by descriptor number.
    let (mut rest, mut by_number) = (0u64, 0u64);
    let mut held = known.held.get(&pid).map(|held| AnyOrder { all: held, rest: held, last: 0 });
    let mut asked = known.asked();
    let mut last = None;
    let mut open = false;
    for (inode, fd) in class.sockets.iter() {
        if last.replace(inode) != Some(inode) {
            let answer = asked.of(inode);
            open = answer.open;
            rest += u64::from(open);
            if let Some((kind, number, group)) = answer.in_state {
                *found.entry(kind).or_default() += 1;
                if group.owner.is_none() {
                    unowned += 1;
                    let lent = lent.entry(kind).or_insert(Lent { group, number, inodes: (inode, inode), quotes: &group.quotes });
                    lent.inodes = (lent.inodes.0.min(inode), lent.inodes.1.max(inode));
                }
            }
        }
        by_number += u64::from(open && held.as_mut().is_some_and(|held| held.has(fd)));
    }
    if unowned > 0 {
        quote_own_rows(&found, &mut lent, class, known);
        for (kind, count) in found {
            let parts = lent.remove(&kind).map(Part::Lent).into_iter().collect();
            holding.add(kind, Witness { source: list.format, count, partial: list.filtered, parts });
        }
    }
    let rest = rest.saturating_sub(by_number);
    if rest == 0 {
        return;
    }
    let elsewhere = proc.lists.iter().any(|l| l.sockets().any(|c| c.unlisted));
    let unhashed = books.unhashed.as_ref().map(|f| f.value.max(0) as u64);
    // Fewer unhashed TCP sockets than these on the whole host: most are of a family whose table was not captured.
    let too_few = unhashed.is_some_and(|n| n * 2 < rest);
    let fits = (known.covers_tcp && known.covers_unix && !too_few) || unhashed.is_some_and(|n| n * 10 >= rest * 8);
    // What a cut table does not list may be what the listing shows.
    let cut = known.unlisted >= rest;
    let kind = if elsewhere || (fits && !cut) { Kind::Closed } else { Kind::Unidentified };
    // Where lsof names the family of what is in no table, its word stands; the listing cannot add to it.
    let named_otherwise = elsewhere && !holding.kinds.contains_key(&Kind::Closed);
    if !named_otherwise {
        holding.add(kind, Witness { source: list.format, count: rest, partial: list.filtered, parts: Parts::One(Part::Class(class)) });
    }
}

/// Lets the process's own listing quote those of its rows in tables of which the first rows are not its.
fn quote_own_rows<'a>(found: &BTreeMap<Kind, u64>, lent: &mut BTreeMap<Kind, Lent<'a>>, class: &'a Class, known: &Known<'a>) {
    let (low, high) = class.sockets.span().unwrap_or_default();
    let mut named: Vec<(u32, Kind, usize)> = Vec::new();
    // Of each kind which rows are not known to be its, a bit for each.
    let mut strange: BTreeMap<Kind, u32> = BTreeMap::new();
    for (&kind, lent) in lent.iter().filter(|(kind, lent)| found.get(kind).is_some_and(|count| *count < lent.group.count)) {
        let Some(quoted) = known.quoted(lent) else { continue };
        named.extend(quoted.numbers.iter().filter(|(n, _)| (low..=high).contains(n)).map(|&(n, row)| (n, kind, row)));
        strange.insert(kind, (1 << quoted.rows) - 1);
    }
    named.sort_unstable();
    // One way through the listing, which is in order and may be long, for the numbers of all rows.
    let mut inodes = class.inodes().peekable();
    for (number, kind, row) in named {
        while inodes.next_if(|&inode| inode < number).is_some() {}
        if let (true, Some(strange)) = (inodes.peek() == Some(&number), strange.get_mut(&kind)) {
            *strange &= !(1 << row);
        }
    }
    for (_, lent) in lent.iter_mut().filter(|(kind, _)| strange.get(kind).is_some_and(|rows| *rows != 0)) {
        lent.quotes = &class.quotes;
    }
}

/// A sorted slice that is asked for numbers of which most are larger than the one before.
struct AnyOrder<'a> {
    all: &'a [u32],
    rest: &'a [u32],
    last: u32,
}

impl AnyOrder<'_> {
    fn has(&mut self, number: u32) -> bool {
        if number < self.last {
            self.rest = self.all;
        }
        self.last = number;
        sets::advance(&mut self.rest, number)
    }
}

fn duplicates(class: &Class, kind_of: impl Fn(u32) -> Option<Kind>, holding: &mut Holding<'_>) {
    // As many sockets as rows: none comes twice.
    if class.kind != DescriptorKind::Socket || class.sockets.distinct() == class.sockets.len() {
        return;
    }
    // A row that repeats number and socket is a listing pasted twice, no second descriptor.
    let mut last = None;
    let descriptors = class.sockets.iter().filter(|&s| last.replace(s) != Some(s) || s.1 == NO_FD);
    let (mut rows, mut distinct, mut most) = (0u64, 0u64, (0u64, 0u32));
    let (mut inode, mut times, mut highest) = (0, 0u64, 0);
    for (next, fd) in descriptors.map(|(inode, fd)| (Some(inode), fd)).chain([(None, 0)]) {
        if next == Some(inode) && times > 0 {
            (times, highest) = (times + 1, fd.max(highest));
            continue;
        }
        // One that has only one descriptor is no copy, whatever others have, and standard output and error are given as two of one.
        if times > 1 && highest > 2 {
            (rows, distinct, most) = (rows + times, distinct + 1, most.max((times, inode)));
        }
        (inode, times, highest) = (next.unwrap_or(0), 1, fd);
    }
    let named = |q: &Quote| q.text().split(|c: char| !c.is_ascii_digit()).any(|word| word.parse() == Ok(most.1));
    if rows >= distinct.saturating_mul(2).max(2)
        && holding.duplicated.as_ref().is_none_or(|d| rows > d.descriptors)
        && let Some(quote) = class.quotes.iter().find(named).or_else(|| class.quotes.first())
    {
        let kind = kind_of(most.1);
        holding.duplicated = Some(Duplicated { descriptors: rows, sockets: distinct, kind, remotes: Tops::default(), quote });
    }
}

fn count_descriptors(proc: &Proc, holding: &mut Holding<'_>) {
    let first = |l: &FdList| l.classes.iter().find_map(|c| c.quotes.first());
    // Rows of threads only repeat the same descriptors: they count nothing.
    let lists = proc.lists.iter().filter(|l| !l.only_threads);
    let lists = lists.filter_map(|l| Some((l.descriptors, !l.filtered && !of_sockets_only(l), first(l)?)));
    let counted = proc.fd_count.iter().map(|(n, q)| (u64::from(*n), true, q.clone()));
    holding.descriptors = lists.chain(counted).max_by_key(|(n, whole, _)| (*whole, *n));
}

/// Whether an lsof lists nothing but sockets of the internet, as `lsof -i` does: a process has other descriptors too, if only its first three.
fn of_sockets_only(list: &FdList) -> bool {
    let inet =
        |c: &Class| c.kind == DescriptorKind::Socket && c.protocol.is_some_and(|p| matches!(Family::of(p), Family::Tcp | Family::Udp));
    list.format == "lsof" && !list.classes.is_empty() && list.classes.iter().all(inet)
}

/// `net:[4026531992]` and `4026531992` are the same namespace, spelled by a link and by a manifest.
fn namespace_inode(text: &str) -> &str {
    text.trim_start_matches("net:").trim_matches(['[', ']'])
}

/// Signs that a process's sockets live in another network namespace than the tables: its namespace differs from the collector's, or lsof
/// found even its unix sockets in no table, which are always in the table of their own namespace.
fn foreign(proc: &Proc, snapshot: &Snapshot) -> Option<(String, Quote)> {
    use crate::facts::IdentityKey;
    let quote = || proc.lists.iter().flat_map(|l| &l.classes).find_map(|c| c.quotes.first());
    if let (Some((theirs, _)), Some((ours, at))) = (&proc.netns, snapshot.identity.get(&IdentityKey::Netns))
        && namespace_inode(theirs) != namespace_inode(ours)
    {
        return Some((format!("its network namespace {theirs} is not the collector's {ours}"), at.clone()));
    }
    // Whoever captures stands where pid 1 of what is listed stands, if nothing else says where.
    if let (Some((theirs, at)), None, Some((ours, _))) =
        (&proc.netns, snapshot.identity.get(&IdentityKey::Netns), snapshot.processes.get(&1).and_then(|p| p.netns.as_ref()))
        && namespace_inode(theirs) != namespace_inode(ours)
    {
        return Some((format!("its network namespace {theirs} is not that of pid 1, {ours}"), at.clone()));
    }
    let unlisted_unix = proc.lists.iter().flat_map(|l| l.sockets()).find(|c| c.unlisted && c.protocol == Some(Protocol::Unix));
    let listed = proc.lists.iter().flat_map(|l| l.sockets()).any(|c| !c.unlisted && c.state.is_some());
    match unlisted_unix {
        Some(class) if !listed && class.rows > 0 => Some((
            "lsof found even its unix sockets in no table, so it read the tables of another network namespace".into(),
            class.quotes.first().or_else(quote)?,
        )),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::namespace_inode;

    #[test]
    fn a_link_and_a_manifest_name_the_same_namespace() {
        assert_eq!(namespace_inode("net:[4026531992]"), namespace_inode("4026531992"));
        assert_ne!(namespace_inode("net:[4026531992]"), namespace_inode("4026532180"));
    }
}
