//! Connections that their peers have closed and that are at work all the same: what was sent before is still read, what was asked for is still
//! sent, or the whole program stands still.

use super::backlog_overflow;
use super::bar::Bar;
use super::case::Case;
use super::claim::{Evidence, Strength, Witnessed};
use super::course::limited;
use super::say::number;
use super::suspicion::Suspicion;
use crate::capture::process::Proc;
use crate::ledger::{Kind, Owner, Pile};
use rustc_hash::FxHashSet;

/// From how many on a pile is looked at.
const SOME: u64 = 20;
/// Times the threshold up to which connections may be those that a server has in hand.
const IN_HAND: u64 = 4;

/// Unread bytes of a row on average from which on they are more than the end of the connection and of its encryption.
const ANSWER: u64 = 128;

/// Weighs what speaks for connections in CLOSE-WAIT.
pub(super) fn weigh(case: &Case<'_>, pile: &Pile, bar: &Bar, s: &mut Suspicion) {
    // Of a handful nobody asks, and a large host has thousands of such piles.
    if pile.kind == Kind::CloseWait && pile.owner.is_some() && pile.count >= SOME {
        s.against.extend(sending(pile).or_else(|| just_closed(case, pile)));
        s.against.extend(draining(case, pile));
        s.against.extend(stalled(case, pile, bar));
    }
}

/// How many live connections the holders have, where the closed ones are at most a hundredth of them: so many may be about to be closed at any
/// moment.
pub fn few_beside_live(case: &Case<'_>, owner: &Owner, count: u64) -> Option<u64> {
    if count >= case.thresholds.close_wait.saturating_mul(IN_HAND) {
        return None;
    }
    let live = live(case, owner);
    (count.saturating_mul(100) <= live).then_some(live)
}

/// How many live connections processes have.
fn live(case: &Case<'_>, owner: &Owner) -> u64 {
    // Of a pool with hundreds of workers each pile has hundreds of holders.
    let own: FxHashSet<u32> = owner.pids.iter().map(|p| p.0).collect();
    let holds = |p: &Pile| p.owner.iter().flat_map(|o| &o.pids).any(|(pid, _)| own.contains(pid));
    case.ledger.piles.iter().filter(|p| p.kind == Kind::Established && holds(p)).map(|p| p.count).sum()
}

/// Connections that a program opened and its peers have closed, fewer than a pool may keep by itself, which it does not use any more: each holds
/// an answer that was not read, or hardly any other is live.
pub(super) fn unused(case: &Case<'_>, pile: &Pile, bar: &Bar) -> Option<Evidence> {
    let owner = pile.owner.as_ref().filter(|_| pile.accepted == Some(false))?;
    let workers = super::bar::ordinary(pile.kind) * (bar.processes - 1);
    // What closes some of them will come to the others.
    let closes = || super::turnover::stayed_of(case, pile).is_some_and(|(first, still)| still < first);
    if pile.count < SOME + workers || closes() {
        return None;
    }
    let (count, whose, t) = (number(pile.count as i64), owner.named(), &pile.traits);
    let says = if pile.unheard() * 10 >= pile.count * 9 && t.recv_q >= pile.count * ANSWER {
        format!("the peers of {count} connections that {whose} opened have closed, and each holds an answer that was not read")
    } else {
        let (end, n) = pile.top_remote()?;
        let live = live(case, owner);
        if pile.count * 4 < bar.count * 3 || n * 10 < pile.count * 9 || live * 8 > pile.count {
            return None;
        }
        let live = number(live as i64);
        format!("{count} connections that {whose} opened to {} were closed by it, and beside them it has {live} live", case.show(end))
    };
    Some(Evidence::new(Strength::Moderate, Witnessed::Table, says, t.quotes.iter().take(1).cloned()))
}

/// A peer may close its direction and wait for the answer: what was written and not acknowledged is on its way.
fn sending(pile: &Pile) -> Option<Evidence> {
    let t = &pile.traits;
    (t.unsent * 10 >= pile.count * 9).then(|| {
        let says = format!(
            "{} of them still send: bytes are queued that the peer, which has only ended its own direction, has not acknowledged",
            number(t.unsent as i64)
        );
        Evidence::new(Strength::Strong, Witnessed::Table, says, t.tabled.clone())
    })
}

/// Unread bytes that become fewer are being read.
fn draining(case: &Case<'_>, pile: &Pile) -> Option<Evidence> {
    let then = case.history(pile)?.told.last()?;
    let before = case.earlier.get(then.sample)?.piles.get(then.pile?)?;
    let (was, is) = (before.traits.recv_q, pile.traits.recv_q);
    let alike = then.count * 10 >= pile.count * 9 && then.count * 9 <= pile.count * 10;
    let unread = |p: &Pile| p.unheard() * 10 >= p.count * 9;
    // A read of each at least, and no accident of a few.
    (alike && unread(before) && unread(pile) && is * 20 <= was * 19).then(|| {
        let says = format!(
            "their unread bytes fell from {} to {} between the samples: the program still reads what was sent",
            number(was as i64),
            number(is as i64)
        );
        let at = before.traits.tabled.iter().chain(&pile.traits.tabled).cloned();
        Evidence::new(Strength::Strong, Witnessed::Growth, says, at)
    })
}

/// Peers that sent something a moment ago closed after that.
fn just_closed(case: &Case<'_>, pile: &Pile) -> Option<Evidence> {
    let t = &pile.traits;
    let before = case.growth(pile).is_some_and(|g| g.from * 2 >= g.to);
    (t.are_heard(pile.count) && !before).then(|| {
        let says = format!(
            "{} of {} received something within the last minute: their peers have only just closed",
            number((t.idle_known - t.idle_minute) as i64),
            number(t.idle_known as i64)
        );
        Evidence::new(Strength::Strong, Witnessed::Table, says, t.tabled.clone())
    })
}

/// What a server that stands still has in hand it cannot close; it is a consequence unless it has filled a limit or grows.
fn stalled(case: &Case<'_>, pile: &Pile, bar: &Bar) -> Option<Evidence> {
    let grows = case.growth(pile).is_some_and(|g| !g.hardly());
    if grows || limited(case, pile) || pile.accepted != Some(true) {
        return None;
    }
    let owner = pile.owner.as_ref()?;
    let stopped = |pid: &u32| case.snapshot.processes.get(pid).is_some_and(Proc::is_stopped);
    if owner.pids.iter().all(|(pid, _)| stopped(pid)) {
        let says = "the process is stopped: it can close nothing until it goes on";
        let at = owner.pids.iter().filter_map(|(pid, _)| case.snapshot.processes.get(pid)?.cmdline_at.clone()).take(1);
        return Some(Evidence::new(Strength::Decisive, Witnessed::Listing, says, at));
    }
    let (listener, waiting) = backlog_overflow::fullest(case)?;
    let port = listener.local.port();
    let theirs: u64 = pile.traits.locals.iter().filter(|(end, _)| end.port() == port).map(|(_, n)| n).sum();
    let full = listener.queue >= listener.backlog;
    (full && theirs * 10 >= pile.count * 9 && pile.count < bar.count.saturating_mul(IN_HAND)).then(|| {
        let says = format!(
            "{} more wait to be accepted on {}, whose queue is full: the server stands still, and these may be what it has in hand",
            number(listener.queue.unwrap_or(waiting) as i64),
            case.show(listener.local)
        );
        Evidence::new(Strength::Strong, Witnessed::Table, says, [listener.quote.clone()])
    })
}
