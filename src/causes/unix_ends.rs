//! The two ends of unix sockets: a capture often shows both, and each tells of the other.

use super::case::{Case, same_owner};
use super::claim::{Evidence, Strength, Witnessed};
use super::say::number;
use super::suspicion::Suspicion;
use crate::capture::process::UNNAMED;
use crate::capture::trace::{Origin, Pattern, Tale};
use crate::facts::{Protocol, SocketState};
use crate::ledger::peers::Peers;
use crate::ledger::{Family, Kind, Owner, Pile};
use std::collections::BTreeSet;

/// Datagram sockets without a path of one process from which they are more than one for each thread and each library that logs.
const SENDERS: u64 = 128;

/// A unix socket is as innocent as its peers: many clients make a hub, one client with hundreds of connections to one server a hoard,
/// a peer that is gone a socket that nobody closed.
pub(super) fn weigh(case: &Case<'_>, pile: &Pile, threshold: u64, s: &mut Suspicion) {
    let Some(owner) = &pile.owner else { return };
    let (pid, share) = owner.pids.first().copied().unwrap_or((UNNAMED, pile.count));
    let at = || pile.traits.quotes.iter().take(1).cloned();
    s.reasons.extend(senders(case, pile, pid, share));
    let Some(peers) = case.ledger.peers.get(&pid).filter(|p| p.known()) else {
        s.reasons.extend(without_ends(case, pile, share, threshold));
        if share >= threshold {
            s.reasons.push(Evidence::new(
                Strength::Weak,
                Witnessed::Listing,
                format!("{} holds {} unix sockets (threshold {threshold})", holder(owner, pid), number(share as i64)),
                at(),
            ));
        }
        mirrored(case, pile, s);
        return;
    };
    let connected = peers.gone + peers.live();
    let accepted = peers.with_path * 2 > peers.rows;
    let name = |p: u32| match case.snapshot.processes.get(&p).filter(|p| !p.command.is_empty()) {
        Some(proc) => format!("{} (pid {p})", proc.command),
        None => format!("pid {p}"),
    };
    let waiting = super::backlog_overflow::unix_waiting(case);
    if are_gone(peers) && peers.gone <= waiting {
        let says = format!("{} of its unix sockets have no peer yet: as many and more wait to be accepted", number(peers.gone as i64));
        s.against.push(Evidence::new(Strength::Strong, Witnessed::Table, says, at()));
    } else if are_gone(peers) {
        s.reasons.push(Evidence::new(
            Strength::Strong,
            Witnessed::Table,
            format!("the peers of {} of its unix sockets are held by nobody", number(peers.gone as i64)),
            peers.gone_at.clone().into_iter().chain(at()).take(1),
        ));
    } else if peers.own >= 100 && peers.own * 2 > connected {
        let says = format!("both ends of {} unix sockets are held by the same process", number(peers.own as i64));
        s.reasons.push(Evidence::new(Strength::Strong, Witnessed::Table, says, at()));
    } else if let Some((other, n)) = peers.top() {
        let says = format!("{} of its {} unix connections are with {}", number(n as i64), number(connected as i64), name(other));
        if n * 10 >= connected * 9 && n >= threshold / 2 && !accepted {
            // Hundreds of connections from one client to one server are odd, but a client library may want them; thousands it does not, or
            // as many as it may have open.
            let too_many = n >= threshold * 5 || super::filled::full(case, pile).is_some();
            let strength = if too_many { Strength::Moderate } else { Strength::Weak };
            s.reasons.push(Evidence::new(strength, Witnessed::Table, says, at()));
        } else if n * 10 >= connected * 9 && accepted {
            s.against.push(Evidence::new(Strength::Decisive, Witnessed::Table, format!("{says}, which keeps them open"), at()));
        } else {
            let says = format!(
                "its {} unix connections are with {} different processes, none of them with most",
                number(connected as i64),
                peers.others.len()
            );
            s.against.push(Evidence::new(Strength::Strong, Witnessed::Table, says, at()));
        }
    }
}

/// Datagram sockets without a path of a process that has hundreds: nobody can send to them by name, and to send one is enough. Those of pairs
/// are another matter, and where others have as many, the other ends may be theirs.
fn senders(case: &Case<'_>, pile: &Pile, pid: u32, share: u64) -> Option<Evidence> {
    let found = case.ledger.datagrams.get(&pid).filter(|d| d.count >= SENDERS && d.count * 10 >= share * 8)?;
    let alone = found.paired * 4 < found.count && found.others * 2 < found.count;
    let own = case.ledger.peers.get(&pid).map_or(0, |p| p.own);
    (alone && own * 4 < found.count).then(|| {
        let strength = if found.count >= case.thresholds.unix { Strength::Strong } else { Strength::Moderate };
        let says = format!(
            "{} of the unix sockets of {} are for datagrams and have no path: a program sends with one of them",
            number(found.count as i64),
            pile.owner.as_ref().map_or(String::new(), |o| o.named())
        );
        Evidence::new(strength, Witnessed::Table, says, pile.traits.quotes.iter().take(1).cloned())
    })
}

fn holder(owner: &Owner, pid: u32) -> String {
    if owner.pids.is_empty() { owner.named() } else { format!("pid {pid}") }
}

/// Connected sockets by the thousand of one process, where a whole table has hardly any others: the other ends are its own or gone, since those
/// that another program holds would be in it. Those of accepted ones may be in containers, whose tables are their own.
fn without_ends(case: &Case<'_>, pile: &Pile, share: u64, threshold: u64) -> Option<Evidence> {
    let table = case.ledger.best(Family::Unix).filter(|v| v.is_whole() && share >= threshold * 5 && !carries_path(pile))?;
    let connected: u64 = table.groups(Family::Unix).filter(|g| g.state == SocketState::Established).map(|g| g.count).sum();
    let others = connected.checked_sub(share)?;
    (others * 10 <= share).then(|| {
        let says = format!(
            "of {} connected unix sockets in the table all but {} are these: their other ends are the program's own, or gone",
            number(connected as i64),
            number(others as i64)
        );
        Evidence::new(Strength::Strong, Witnessed::Table, says, pile.traits.quotes.iter().take(1).cloned())
    })
}

/// Whether the peers of most connected sockets are gone.
fn are_gone(peers: &Peers) -> bool {
    peers.gone >= 50 && peers.gone > peers.live()
}

/// Whether the other ends of most sockets of a pile's first holder are gone.
pub(super) fn mostly_gone(case: &Case<'_>, pile: &Pile) -> bool {
    let first = pile.owner.as_ref().and_then(|o| o.pids.first());
    first.and_then(|(pid, _)| case.ledger.peers.get(pid)).is_some_and(are_gone)
}

/// Of how many sockets of a pile the other ends are held, and by how many processes, where a table tells of peers.
pub(super) fn live(case: &Case<'_>, pile: &Pile) -> Option<(u64, usize)> {
    let owner = pile.owner.as_ref().filter(|_| pile.kind == Kind::Unix)?;
    let peers: Vec<&Peers> = owner.pids.iter().filter_map(|(pid, _)| case.ledger.peers.get(pid)).filter(|p| p.known()).collect();
    let holders: BTreeSet<u32> = peers.iter().flat_map(|p| p.others.keys().copied()).collect();
    (!peers.is_empty()).then(|| (peers.iter().map(|p| p.live()).sum(), holders.len()))
}

/// Without peer inodes: as many sockets of another program without a path are the other ends of those that carry one, which it keeps open.
fn mirrored(case: &Case<'_>, pile: &Pile, s: &mut Suspicion) {
    if !carries_path(pile) {
        return;
    }
    let Some(other) = other_ends(case, pile) else { return };
    let name = other.owner.as_ref().map_or(String::new(), |o| o.named());
    let says = format!(
        "{} unix sockets without a path are held by {name}: the other ends of these accepted ones, which it keeps open",
        number(other.count as i64)
    );
    s.against.push(Evidence::new(Strength::Decisive, Witnessed::Listing, says, other.traits.quotes.iter().take(1).cloned()));
}

/// Whether most of what a trace of the holder shows left open are listeners, each on a path of its own.
pub fn listens(case: &Case<'_>, pile: &Pile) -> bool {
    let fits = |p: &Pattern| p.origin == Origin::Socket(Protocol::Unix);
    let tales: Vec<(&Pattern, &Tale)> = case.traces(pile).into_iter().flat_map(|(trace, _)| case.tales(trace, fits)).collect();
    let open = |listening: bool| tales.iter().filter(|(p, _)| p.listening == listening).map(|(_, t)| t.open).sum::<u64>();
    let most = pile.traits.paths.first().map_or(0, |(_, n)| n);
    open(true) >= 2 && open(true) > open(false) && most * 2 <= pile.count
}

/// Whether most sockets of a unix pile carry a path: the accepted side.
pub fn carries_path(pile: &Pile) -> bool {
    pile.kind == Kind::Unix && pile.traits.paths.total() * 2 > pile.count
}

/// The pile of another program that is as large as this one of unix sockets and is of the other side: with a path where this has none.
pub fn other_ends<'a>(case: &Case<'a>, pile: &Pile) -> Option<&'a Pile> {
    let fits = |p: &&Pile| {
        p.kind == Kind::Unix && carries_path(p) != carries_path(pile) && !same_owner(p, pile) && super::near(p.count, pile.count, 5)
    };
    case.ledger.piles.iter().find(fits).filter(|_| pile.count >= 50)
}

/// How many of what a trace shows were closed. Of a pair a program may close the end that it gave to a child and keep its own.
pub(super) fn closed(tales: &[(&Pattern, &Tale)]) -> u64 {
    let sum = |of: fn(&Tale) -> u64, fits: fn(&Pattern) -> bool| tales.iter().filter(|(p, _)| fits(p)).map(|(_, t)| of(t)).sum::<u64>();
    let of_pairs = |p: &Pattern| p.origin == Origin::Pair;
    let (open, closed) = (sum(|t| t.open, of_pairs), sum(|t| t.closed, of_pairs));
    sum(|t| t.closed, |p| p.origin != Origin::Pair) + closed.saturating_sub(open)
}

/// Whether one end of pairs is closed again and again, and the other kept.
pub(super) fn keeps_one_end(tales: &[(&Pattern, &Tale)]) -> bool {
    let pairs = || tales.iter().filter(|(p, _)| p.origin == Origin::Pair).map(|(_, t)| *t);
    let (open, closed) = (pairs().map(|t| t.open).sum::<u64>(), pairs().map(|t| t.closed).sum::<u64>());
    open >= 2 && closed >= 2 && closed <= open
}
