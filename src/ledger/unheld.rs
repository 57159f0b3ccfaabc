//! Piles whose holder nothing names: rows of a table without holders, and states that a pipeline counted.

use super::counted_descriptors::as_many;
use super::kind::Kind;
use super::pile::{CountIs, Owner, Pile, Word};
use super::views::{Family, View};
use super::witness::{Part, Traits};
use super::{Figure, views};
use crate::capture::Snapshot;
use crate::facts::SocketState;
use std::collections::BTreeMap;

/// Fewer UDP sockets are no pile whoever holds them.
const MANY: u64 = 100;

/// Piles whose holder nothing names: states of a table without holders, or counted by a pipeline. `blind`: without the privilege to see
/// other users' processes.
pub fn apply(snapshot: &Snapshot, views: &[View<'_>], states: &BTreeMap<SocketState, Figure>, blind: bool, piles: &mut Vec<Pile>) {
    for state in [SocketState::CloseWait, SocketState::SynSent, SocketState::Established, SocketState::FinWait2] {
        let Some(kind) = Kind::of_socket(crate::facts::Protocol::Tcp, state) else { continue };
        let Some(figure) = states.get(&state) else { continue };
        let owned: u64 = piles.iter().filter(|p| p.kind == kind && p.owner.is_some()).map(|p| p.count).sum();
        let view = views::best(views, Family::Tcp);
        // Rows without a holder are in an accept queue, or were closed meanwhile; without privilege, which a table without any holder lacks
        // though it may not say so, they may be another user's.
        let unprivileged = blind;
        let blind = blind || view.is_some_and(|v| v.groups(Family::Tcp).all(|g| g.owner.is_none()));
        // What was opened here waits in no accept queue: with an inode some descriptor holds it, of a process that is out of sight.
        let held = |v: &View<'_>| blind || v.groups(Family::Tcp).any(|g| g.state == state && g.owner.is_none() && g.no_holder > 0);
        // So does an accepted one: what waits in a queue has no inode yet.
        let of_descriptor = |v: &View<'_>| v.groups(Family::Tcp).any(|g| g.state == state && g.owner.is_none() && g.inodes.is_some());
        // Without the privilege to see other users' processes a dash is no sign that nobody holds it.
        let whole = !(unprivileged && kind == Kind::CloseWait)
            && view.is_some_and(|v| v.holders_shown() && !(kind == Kind::CloseWait && ((held(v) && all_opened(v)) || of_descriptor(v))));
        let mut count = (figure.value.max(0) as u64).saturating_sub(owned);
        if state == SocketState::CloseWait {
            count = count.saturating_sub(unaccepted(views));
        }
        if whole || count == 0 || count * 10 < figure.value.max(0) as u64 {
            continue;
        }
        let groups = view.into_iter().flat_map(|v| v.groups(Family::Tcp)).filter(|g| g.state == state && g.owner.is_none());
        let mut traits = Traits::of(&groups.map(Part::Group).collect::<Vec<_>>());
        if traits.quotes.is_empty() {
            traits.quotes = figure.at.clone();
        }
        let listening = views.iter().flat_map(|v| &v.tables).flat_map(|t| &t.listeners).map(|l| l.local.port()).collect();
        let accepted = super::pile::accepted(&traits, &listening);
        let owner = likely_owner(piles).or_else(|| as_many(snapshot, count)).filter(|_| kind == Kind::CloseWait);
        let tool = view.and_then(|v| v.tables.first()).map_or("table", |t| t.format);
        let word = Word { source: tool, count, quote: figure.at.first().cloned() };
        // A table of all connections has all rows, whoever holds them.
        let is = if view.is_some_and(View::is_whole) && count == figure.value.max(0) as u64 { CountIs::Exact } else { CountIs::AtLeast };
        let mut pile = Pile::told(owner, kind, word, is, traits);
        pile.accepted = accepted;
        piles.push(pile);
    }
    datagrams(views, piles);
    for view in views.iter().filter(|v| v.netns.is_some() && !v.holders_shown()) {
        elsewhere(view, piles);
    }
}

/// What a tool printed in another network namespace, without holders: nothing else of the capture tells of it.
fn elsewhere(view: &View<'_>, piles: &mut Vec<Pile>) {
    if view.tables.iter().any(|t| t.format.starts_with("proc-net")) {
        return;
    }
    let listening = view.tables.iter().flat_map(|t| &t.listeners).map(|l| l.local.port()).collect();
    for state in [SocketState::CloseWait, SocketState::SynSent] {
        let Some(kind) = Kind::of_socket(crate::facts::Protocol::Tcp, state) else { continue };
        let groups = view.groups(Family::Tcp).filter(|g| g.state == state);
        let traits = Traits::of(&groups.map(Part::Group).collect::<Vec<_>>());
        let count = view.tcp(state);
        if count > 0 {
            let word = Word { source: "table", count, quote: traits.quotes.first().cloned() };
            let accepted = super::pile::accepted(&traits, &listening);
            let mut pile = Pile::told(None, kind, word, CountIs::AtLeast, traits);
            pile.accepted = accepted;
            piles.push(pile);
        }
    }
}

/// UDP sockets of a table that names no holders, as far as they are a pile whoever holds them: thousands, or hundreds to one remote. A busy
/// resolver has some hundred in flight, to many.
fn datagrams(views: &[View<'_>], piles: &mut Vec<Pile>) {
    let Some(view) = views::best(views, Family::Udp).filter(|v| !v.holders_shown()) else { return };
    if piles.iter().any(|p| p.kind == Kind::Udp) {
        return;
    }
    let groups = || view.groups(Family::Udp).filter(|g| g.owner.is_none());
    let traits = Traits::of(&groups().map(Part::Group).collect::<Vec<_>>());
    let count = groups().map(|g| g.count).sum::<u64>();
    let to_one = traits.remotes.iter().any(|(end, n)| !end.is_unset() && n * 10 >= count * 9);
    if count >= if to_one { MANY } else { MANY * 10 } {
        let word = Word { source: "table", count, quote: traits.quotes.first().cloned() };
        piles.push(Pile::told(None, Kind::Udp, word, CountIs::AtLeast, traits));
    }
}

/// At most how many connections a queue of so many can account for: more have come since, and a row is read after the other.
pub fn fits_queue(queue: u64) -> u64 {
    queue.saturating_mul(5) / 4 + 16
}

/// Connections in CLOSE-WAIT that no process holds because they wait in the accept queue of a listener: those on its port where no holder is
/// shown, or any where somebody only counted them.
fn unaccepted(views: &[View<'_>]) -> u64 {
    let mut queues: BTreeMap<u16, u64> = BTreeMap::new();
    for listener in views.iter().flat_map(|v| &v.tables).flat_map(|t| &t.listeners) {
        let queue = queues.entry(listener.local.port()).or_default();
        *queue = (*queue).max(listener.queue.unwrap_or(0));
    }
    queues.retain(|_, queue| *queue >= 5);
    let view = views::best(views, Family::Tcp);
    if view.is_none_or(|v| v.tcp(SocketState::CloseWait) == 0) {
        return queues.values().map(|&q| fits_queue(q)).sum();
    }
    let rows = view.into_iter().flat_map(|v| v.groups(Family::Tcp)).filter(|g| g.state == SocketState::CloseWait && g.owner.is_none());
    let ends = rows.flat_map(|g| g.locals.iter());
    let mut waiting: BTreeMap<u16, u64> = BTreeMap::new();
    for (end, n) in ends.filter(|(end, _)| queues.contains_key(&end.port())) {
        *waiting.entry(end.port()).or_default() += n;
    }
    waiting.into_iter().map(|(port, n)| n.min(queues.get(&port).map_or(0, |&q| fits_queue(q)))).sum()
}

/// Whether the connections that their peers have closed were opened here: each from a port of its own, to one and the same service. Such a
/// socket waits in no accept queue, some descriptor holds it.
fn all_opened(view: &View<'_>) -> bool {
    let groups = view.groups(Family::Tcp).filter(|g| g.state == SocketState::CloseWait && g.owner.is_none());
    Traits::of(&groups.map(Part::Group).collect::<Vec<_>>()).opened_here()
}

/// The only program whose descriptors were listed, if it holds ended TCP sockets too: whoever captured had singled it out.
fn likely_owner(piles: &[Pile]) -> Option<Owner> {
    let mut owners = piles.iter().filter(|p| p.kind != Kind::File).filter_map(|p| p.owner.as_ref().map(|o| (o, p)));
    let (first, _) = owners.next()?;
    let alone = owners.all(|(o, _)| o.command == first.command);
    let ended = piles.iter().any(|p| matches!(p.kind, Kind::Closed | Kind::CloseWait) && p.count >= 5 && p.owner.is_some());
    (alone && ended).then(|| first.clone())
}
