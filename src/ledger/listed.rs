//! What one process holds by the listings of its descriptors.

use super::books::Books;
use super::holding::Holding;
use super::kind::Kind;
use super::known::Known;
use super::unnamed::is_unnamed;
use super::views::Family;
use super::witness::{Lent, Part, Parts, Witness};
use super::{duplicated, foreign};
use crate::capture::Snapshot;
use crate::capture::holding::{Class, FdList};
use crate::capture::process::Proc;
use crate::facts::{DescriptorKind, SocketState};
use std::collections::BTreeMap;

/// What a process holds by its listings, added to what it holds by tables.
pub(super) fn by_listings<'a>(
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
    holding.foreign = foreign::shown(proc, snapshot);
    holding
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
        duplicated::in_listing(class, |_| Some(kind), holding);
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
        duplicated::in_listing(class, |inode| Some(known.asked().in_state(inode)?.0), holding);
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
    let named = known.held(pid).map_or(0, |mut held| class.sockets.iter().filter(|&(_, fd)| held.has(fd)).count() as u64);
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

/// Whether a listing tells nothing of these sockets but their inodes.
pub(super) fn tells_inodes_only(class: &Class) -> bool {
    class.protocol.is_none() && class.state.is_none() && !class.unlisted
}

/// Sockets of a listing that prints inodes only: each is what a table says of its inode, or in no table.
fn by_inode<'a>(pid: u32, proc: &Proc, list: &FdList, class: &'a Class, known: &Known<'a>, books: &Books, holding: &mut Holding<'a>) {
    let mut found: BTreeMap<Kind, u64> = BTreeMap::new();
    let mut lent: BTreeMap<Kind, Lent<'a>> = BTreeMap::new();
    let mut unowned = 0u64;
    // What nothing accounts for, and of that the rows that a table names by descriptor number.
    let (mut rest, mut by_number) = (0u64, 0u64);
    let mut held = known.held(pid);
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
