//! Whether a pile still has the sockets of earlier samples. A leak keeps them and adds to them; what comes and goes was closed each time, however
//! many there are at a moment; and where nothing has come since, nothing was opened.

use super::case::Case;
use super::past::Then;
use super::say::number;
use crate::capture::{End, Snapshot};
use crate::facts::Protocol;
use crate::ledger::{CountIs, Kind, Pile, inodes, repeats};
use std::collections::BTreeSet;

/// Fewer sockets are not told from chance.
const SOME: u64 = 20;
/// From how many on it is no accident that none of them is left.
const FEW: u64 = 5;
/// So many connections are no few that were there before a leak began.
const MANY: u64 = 100;
/// A time in which a program that leaves sockets behind as it works has left some: an hour, in seconds.
const LONG: u64 = 3600;
/// Samples whose number alone tells that nothing has come, where sockets are not told from each other.
const SAMPLES: usize = 3;

/// Which sockets of earlier samples a pile still has.
#[derive(Debug, Default)]
pub struct Stayed {
    /// Of the oldest sample with a comparable number: how many, and how many of them are still there.
    first: Option<(u64, u64)>,
    /// Of the latest one.
    last: Option<(u64, u64)>,
    /// How many of the sockets of now were there in the oldest one of all.
    there: Option<u64>,
}

/// What a pile's sockets of several samples say together.
#[derive(Debug)]
pub enum Turnover {
    /// They come and go: why that is known.
    Replaced(String),
    /// Nothing was opened for long: why that is known.
    Same(String),
}

/// Whether the sockets of a pile come and go, or stay and none comes; `None` where the samples do not tell, or tell neither.
pub fn turnover(case: &Case<'_>, pile: &Pile) -> Option<Turnover> {
    let history = case.history(pile)?;
    let stayed = history.stayed.get_or_init(|| stayed(case, pile, &history.told));
    if let Some(why) = stayed.replaced(pile) {
        return Some(Turnover::Replaced(why));
    }
    same(pile, &history.told, stayed).map(Turnover::Same)
}

/// How many of its sockets a pile had in the first sample that has enough, and how many of those it still has.
pub fn stayed_of(case: &Case<'_>, pile: &Pile) -> Option<(u64, u64)> {
    let history = case.history(pile)?;
    history.stayed.get_or_init(|| stayed(case, pile, &history.told)).first
}

/// The same of the first sample, however few it has.
pub fn oldest_of(case: &Case<'_>, pile: &Pile) -> Option<(u64, u64)> {
    still(case, pile, case.history(pile)?.told.first()?)
}

/// How many rows toward the remote of a pile the first sample has, and how many of these connections the last has.
pub fn stayed_rows(case: &Case<'_>, pile: &Pile) -> Option<(u64, u64)> {
    let (remote, _) = pile.top_remote()?;
    let (take, _) = case.samples().nth(case.history(pile)?.told.first()?.sample)?;
    let rows = |snapshot: &Snapshot| -> BTreeSet<(End, End)> {
        let all = snapshot.tables.iter().flat_map(|t| &t.connections);
        all.filter(|c| c.1 == remote && Kind::of_socket(Protocol::Tcp, c.2) == Some(pile.kind)).map(|c| (c.0, c.1)).collect()
    };
    let (then, now) = (rows(&take.snapshot), rows(case.snapshot));
    Some((then.len() as u64, then.intersection(&now).count() as u64))
}

/// Why the sockets come and go, where a command was repeated into one file: those of an output are gone in the next.
pub fn renewed(case: &Case<'_>, pile: &Pile) -> Option<String> {
    if !case.earlier.is_empty() {
        return None;
    }
    let samples = repeats::of_pile(case.snapshot, case.members, pile);
    let gone = samples.windows(2).filter(|w| matches!(w, [a, b] if a.is_gone_in(b))).count();
    // Of two outputs one may be of another moment than it seems; of several each shows it anew.
    let before = samples.iter().rev().nth(1).filter(|_| samples.len() >= SAMPLES && gone + 1 == samples.len())?;
    Some(format!("of {} in the output before none, or hardly one, is in the last: they come and go", number(before.count as i64)))
}

/// Whether none of a few sockets was there in the sample before, of which the processes held a few too: they were closed in between.
pub fn few_renewed(case: &Case<'_>, pile: &Pile) -> bool {
    let last = || still(case, pile, case.history(pile)?.told.last()?);
    renewed(case, pile).is_some() || last().is_some_and(|(there, still)| there >= FEW && still == 0)
}

impl Stayed {
    /// Why the sockets come and go. Of a few that were there before a leak began none may be left; then those of the last sample are.
    fn replaced(&self, pile: &Pile) -> Option<String> {
        let (first, still) = self.first.filter(|&(first, still)| still * 5 < first)?;
        let begun = pile.count * 2 > first * 3 && self.last.is_some_and(|(last, still)| still * 2 >= last);
        let left = if still == 0 { "none is".to_string() } else { format!("only {} are", number(still as i64)) };
        (!begun).then(|| format!("of the first {} {left} still there: they come and go", number(first as i64)))
    }
}

/// Why nothing was opened for long: all sockets were there already, or as many in each sample.
fn same(pile: &Pile, told: &[Then], stayed: &Stayed) -> Option<String> {
    let first = told.first()?;
    let seconds = first.seconds.filter(|&s| s >= LONG)?;
    let before = super::forecast::span(seconds);
    if let Some(there) = stayed.there {
        let new = pile.count.saturating_sub(there);
        let (count, were) = (number(pile.count as i64), number(there.min(pile.count) as i64));
        return match new {
            0 => Some(format!("the same {count} were there {before} before, and none was opened since")),
            n if n * 100 <= pile.count => {
                Some(format!("{were} of the {count} were there {before} before, and hardly any was opened since"))
            }
            _ => None,
        };
    }
    let level = told.len() + 1 >= SAMPLES && told.iter().all(|t| t.count == pile.count);
    level.then(|| format!("{} were open in each of {} snapshots over {before}", number(pile.count as i64), told.len() + 1))
}

/// Whether a server notices clients that vanish, by a keepalive timer on nearly all connections that it accepted, and had many long before: then
/// all that it does not end is in use.
fn is_served_well(pile: &Pile, then: &Then) -> bool {
    let accepted = pile.kind == Kind::Established && pile.accepted == Some(true);
    accepted && pile.traits.keepalive * 10 >= pile.count * 9 && then.count >= MANY && then.seconds.is_some_and(|s| s >= LONG)
}

fn stayed(case: &Case<'_>, pile: &Pile, told: &[Then]) -> Stayed {
    let comparable = |t: &&Then| t.count >= SOME && (t.count * 4 >= pile.count || t.count * 8 >= pile.count && is_served_well(pile, t));
    let (Some(first), Some(last)) = (told.iter().find(comparable), told.last()) else { return Stayed::default() };
    let of = |then: &Then| still(case, pile, then);
    let all = of(first);
    let (oldest, latest) = (told.first().map(|t| t.sample), last.sample == first.sample);
    Stayed {
        first: all,
        last: if latest { all } else { of(last) },
        there: all.filter(|_| oldest == Some(first.sample)).map(|(_, still)| still),
    }
}

/// How many sockets the holders of a pile had in an earlier sample, and how many of these they still have, where the captures tell one socket
/// from another.
fn still(case: &Case<'_>, pile: &Pile, then: &Then) -> Option<(u64, u64)> {
    let (take, earlier) = case.samples().nth(then.sample)?;
    let Some(before) = then.pile.and_then(|n| earlier.piles.get(n)) else {
        // Found by its sockets, of a holder that was not named.
        return Some((then.count, then.count));
    };
    // Of a pile that was counted from an excerpt the rows are not all: those of another excerpt are other ones anyhow.
    if [before, pile].iter().any(|p| p.is == CountIs::Estimate) {
        return None;
    }
    by_inode(&take.snapshot, before, case.snapshot, pile)
        .or_else(|| by_ends(before, pile))
        .or_else(|| by_connections(&take.snapshot, before, case.snapshot, pile))
}

/// By both ends of the rows of tables, where the pile is nearly all connections in its state.
fn by_connections(then: &Snapshot, before: &Pile, now: &Snapshot, pile: &Pile) -> Option<(u64, u64)> {
    let ends = |snapshot: &Snapshot, p: &Pile| -> Option<BTreeSet<(End, End)>> {
        let rows = snapshot.tables.iter().flat_map(|t| &t.connections).filter(|c| Kind::of_socket(Protocol::Tcp, c.2) == Some(p.kind));
        let ends: BTreeSet<(End, End)> = rows.map(|c| (c.0, c.1)).collect();
        let all = ends.len() as u64;
        (all * 10 >= p.count * 9 && all * 9 <= p.count * 10).then_some(ends)
    };
    let (old, new) = (ends(then, before)?, ends(now, pile)?);
    Some((old.len() as u64, old.intersection(&new).count() as u64))
}

/// Of the processes that hold both: after a restart all sockets are new, and a leak has begun again.
fn by_inode(then: &Snapshot, before: &Pile, now: &Snapshot, pile: &Pile) -> Option<(u64, u64)> {
    let pids: BTreeSet<u32> = before.owner.iter().flat_map(|o| &o.pids).map(|p| p.0).filter(|&pid| pile.held_by(pid)).collect();
    let expected = |p: &Pile| {
        let shares: u64 = p.owner.iter().flat_map(|o| &o.pids).filter(|(pid, _)| pids.contains(pid)).map(|p| p.1).sum();
        shares.min(p.count)
    };
    let (old, new) = (inodes::of_holders(then, pile.kind, &pids), inodes::of_holders(now, pile.kind, &pids));
    let told = |inodes: &[u32], p: &Pile| !inodes.is_empty() && inodes.len() as u64 * 10 >= expected(p) * 9;
    let both = pile.kind != Kind::Eventpoll && told(&old, before) && told(&new, pile);
    both.then(|| (old.len() as u64, old.iter().filter(|i| new.binary_search(i).is_ok()).count() as u64))
}

/// By the far ends of accepted connections, and by the near ends of opened ones: the port there is each connection's own.
fn by_ends(before: &Pile, pile: &Pile) -> Option<(u64, u64)> {
    let ends = |p: &Pile| -> Option<BTreeSet<End>> {
        // No two UDP sockets without a peer are bound to one port, but by request.
        let local = p.kind == Kind::Udp && p.traits.remotes.iter().all(|(end, _)| end.is_unset());
        let ends = if !local && p.accepted? { &p.traits.remotes } else { &p.traits.locals };
        (ends.distinct() * 10 >= p.count * 9).then(|| ends.iter().map(|(e, _)| e).collect())
    };
    let (old, new) = (ends(before)?, ends(pile)?);
    Some((old.len() as u64, old.intersection(&new).count() as u64))
}
