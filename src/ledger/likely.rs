//! Owners that no listing names, told by what else the capture has: descriptors that could not be read, or a trace that leaves sockets open.

use super::kind::Kind;
use super::pile::{CountIs, Pile, Word};
use super::{Ledger, witness};
use crate::capture::trace::{Origin, Outcome, Pattern, Tale, Trace};
use crate::capture::{Quote, Snapshot};
use crate::facts::Protocol;
use std::sync::Arc;

/// From how many unexplained sockets on a process is searched whose descriptors could not be read.
const MANY: i64 = 100;
/// From how many on a trace that shows the mechanism is taken to explain them.
const SOME: i64 = 24;
/// From how many times on that a count has grown it is taken for a course.
const SAMPLES: usize = 2;
/// How often a trace alone must show a socket left over to be believed.
const AGAIN: u64 = 10;

/// Sockets that a trace shows being created and left open, by kind of pile.
pub fn leaves_open(kind: Kind, pattern: &Pattern) -> bool {
    let origin = pattern.origin;
    let tcp = matches!(origin, Origin::Socket(p) if p.is_tcp());
    match kind {
        Kind::Closed | Kind::Unidentified => {
            (tcp && matches!(pattern.outcome, Outcome::NotTried | Outcome::Failed(_)) && !pattern.listening)
                || (tcp && pattern.outcome == Outcome::InProgress && !pattern.used)
                || ((tcp || origin == Origin::Accept || origin == Origin::Before) && (pattern.reset || pattern.shutdown || pattern.eof))
        }
        Kind::CloseWait => (tcp || matches!(origin, Origin::Accept | Origin::Before)) && pattern.eof && !pattern.shutdown,
        Kind::SynSent => tcp && pattern.outcome == Outcome::InProgress,
        Kind::Established => (tcp && pattern.outcome == Outcome::Connected || origin == Origin::Accept) && !pattern.eof && !pattern.reset,
        Kind::Listen => tcp && pattern.listening,
        Kind::FinWait => (tcp || origin == Origin::Accept) && pattern.shutdown,
        Kind::Udp => matches!(origin, Origin::Socket(p) if p.is_udp()),
        Kind::Unix => matches!(origin, Origin::Socket(Protocol::Unix) | Origin::Pair | Origin::Accept),
        Kind::Netlink => matches!(origin, Origin::Socket(Protocol::Netlink)),
        Kind::Packet => matches!(origin, Origin::Socket(Protocol::Packet)),
        Kind::Raw => matches!(origin, Origin::Socket(p) if p.is_raw()),
        Kind::Eventpoll => matches!(origin, Origin::Poll),
        Kind::TimeWait | Kind::File => false,
    }
}

/// A process whose descriptors' targets could not be read, but whose number is that of the unhashed sockets, is their likely owner.
pub(super) fn opaque(ledger: &mut Ledger<'_>, snapshot: &Snapshot) {
    let Some(unexplained) = ledger.unexplained().filter(|&n| n >= MANY) else { return };
    let fits = |n: u64| u128::from(n) * 10 >= unexplained.unsigned_abs() as u128 * 9;
    let mut candidates =
        ledger.holdings.iter().filter_map(|(&pid, h)| h.opaque.as_ref().filter(|(n, _)| fits(*n)).map(|(_, q)| (pid, q.clone())));
    let (Some((pid, quote)), None) = (candidates.next(), candidates.next()) else { return };
    insert(ledger, snapshot, pid, unexplained as u64, "fd", quote);
}

/// The one process that has as many descriptors open as TCP sockets are unexplained, where somebody counted those of several: its descriptors
/// were counted and not listed.
pub(super) fn counted(ledger: &mut Ledger<'_>, snapshot: &Snapshot) {
    let Some(unexplained) = ledger.unexplained().filter(|&n| n >= MANY && !ledger.books.unhashed_is_bound) else { return };
    let counted = super::counted_descriptors::descriptors(snapshot);
    let listed = |pid: &u32| snapshot.processes.get(pid).is_some_and(|p| !p.lists.is_empty());
    // The kernel's counts may be of a later moment than the descriptors, or of an earlier one.
    let enough = |n: u64| u128::from(n) * 10 >= unexplained.unsigned_abs() as u128 * 7;
    let near = |n: u64| enough(n) && u128::from(n) * 10 <= unexplained.unsigned_abs() as u128 * 13;
    let mut candidates = counted.iter().filter(|(_, (n, _))| enough(*n));
    let (Some((&pid, (n, quote))), None) = (candidates.next(), candidates.next()) else { return };
    // Where only one process was counted, its number must have grown with theirs.
    let grew = || super::counted_descriptors::course(snapshot, pid).windows(2).filter(|w| matches!(w, [a, b] if a < b)).count() >= SAMPLES;
    if near(*n) && !listed(&pid) && (counted.len() >= 3 || grew()) {
        insert(ledger, snapshot, pid, unexplained as u64, "tally", quote.clone());
    }
}

/// The only traced process that leaves sockets in no connection state open is the likely owner of those that no listing shows, if its own
/// descriptors were not listed.
pub(super) fn traced(ledger: &mut Ledger<'_>, snapshot: &Snapshot) {
    let Some(unexplained) = ledger.unexplained().filter(|&n| n >= SOME) else { return };
    let mut candidates = snapshot.traces.iter().filter_map(|t| Some((t.pid?, forgets(t)?)));
    let Some((pid, quote)) = candidates.next() else { return };
    let listed = snapshot.processes.get(&pid).is_some_and(|p| !p.lists.is_empty());
    if listed || candidates.any(|(other, _)| other != pid) {
        return;
    }
    insert(ledger, snapshot, pid, unexplained as u64, "strace", quote);
}

/// Sockets that only a trace shows: of a process that nothing else in the capture lists, left open again and again after they were of no
/// more use. Another thread may close them, so the trace must be of more than one, or their numbers must follow one another: the kernel hands
/// out the lowest free one, so that nobody has closed any of them.
pub(super) fn only_traced(ledger: &mut Ledger<'_>, snapshot: &Snapshot) {
    for trace in &snapshot.traces {
        let unnamed = trace.pid.is_none();
        let Some(pid) = trace.pid.or_else(|| first_thread(trace, snapshot)) else { continue };
        let listed = snapshot.processes.get(&pid).is_some_and(|p| !p.lists.is_empty());
        if listed || ledger.piles.iter().any(|p| p.held_by(pid) && p.kind.is_inet()) {
            continue;
        }
        for kind in [Kind::CloseWait, Kind::Closed, Kind::Udp, Kind::Unix] {
            let useless = |p: &Pattern| match kind {
                // What was shut down on both sides is in no table any more.
                Kind::Closed => leaves_open(kind, p) && (!p.eof || p.shutdown) && p.outcome != Outcome::InProgress,
                // What is accepted is the client's to end, and both ends of a pair may have been given to children.
                Kind::Unix => p.origin == Origin::Socket(Protocol::Unix) && !p.listening,
                _ => leaves_open(kind, p),
            };
            let tales = || trace.tales.iter().filter(|(p, _)| useless(p)).map(|(_, t)| t);
            let (left, closed) = (tales().map(|t| t.settled).sum::<u64>(), tales().map(|t| t.closed).sum::<u64>());
            let left = trace.on_top(left);
            let gapless = closed == 0 && tales().filter(|t| t.open > 0).all(follows);
            // Those that stay may be of use.
            let sure = match kind {
                // Of several processes each may have a table of its own.
                Kind::CloseWait | Kind::Closed if unnamed => false,
                Kind::Unix => gapless && forgotten(tales),
                Kind::Udp => gapless && (left >= AGAIN * 2 || forgotten(tales)),
                _ => (gapless && left >= AGAIN * 2) || trace.threads.len() >= 2,
            };
            if left < AGAIN || closed * 10 > left || !sure {
                continue;
            }
            let quotes: Vec<Quote> = tales().filter(|t| t.settled > 0).filter_map(|t| t.quotes.0.first().cloned()).take(3).collect();
            let word = Word { source: "strace", count: left, quote: quotes.first().cloned() };
            let owner = super::tally::holder(snapshot, pid, left);
            let traits = witness::Traits { quotes, ..witness::Traits::default() };
            Arc::make_mut(&mut ledger.piles).push(Pile::told(Some(owner), kind, word, CountIs::AtLeast, traits));
        }
    }
}

/// The lowest thread of a trace that names no process, if nothing else of the capture may be that process: the first thread has its number.
fn first_thread(trace: &Trace, snapshot: &Snapshot) -> Option<u32> {
    let listed = snapshot.processes.values().any(|p| !p.lists.is_empty());
    trace.threads.iter().min().copied().filter(|_| !listed && snapshot.tables.is_empty())
}

/// Whether sockets that stay open are of no use any more, as far as a trace can tell: no data on any once there was a further one, and opened
/// by threads that have ended, or one in each round of the program's work. A pool opens as many without a rest, and uses them again.
fn forgotten<'t, I: Iterator<Item = &'t Tale>>(tales: impl Fn() -> I) -> bool {
    let sum = |of: fn(&Tale) -> u64| tales().map(of).sum::<u64>();
    let (open, kept) = (sum(|t| t.open), sum(|t| t.kept));
    let most = |n: u64| n * 10 >= open * 8;
    // Processes with a table each hand out the same numbers.
    let apart = |t: &Tale| t.numbers.is_some_and(|(low, high)| (i64::from(high) - i64::from(low) + 1) * 10 >= t.open as i64 * 8);
    kept == 0 && tales().filter(|t| t.open > 0).all(apart) && (most(sum(|t| t.orphaned)) || most(sum(|t| t.rested)))
}

/// Whether the numbers of what a tale leaves open follow one another, nearly without a gap: another socket may come between.
fn follows(tale: &Tale) -> bool {
    tale.numbers.is_some_and(|(low, high)| i64::from(high) - i64::from(low) < (tale.open * 5 / 4) as i64 + 1)
}

/// A call of a trace that leaves TCP sockets in no connection state open, again and again, and closes none.
fn forgets(trace: &Trace) -> Option<Quote> {
    let tales = || trace.tales.iter().filter(|(p, _)| leaves_open(Kind::Closed, p));
    let left = tales().map(|(_, t)| t.settled).sum::<u64>();
    let closed: u64 = tales().map(|(_, t)| t.closed).sum();
    let left = trace.on_top(left);
    (left >= 2 && closed == 0).then(|| tales().find_map(|(_, t)| t.quotes.0.first().cloned()))?
}

fn insert(ledger: &mut Ledger<'_>, snapshot: &Snapshot, pid: u32, count: u64, source: &'static str, quote: Quote) {
    let Some(figure) = ledger.books.unhashed.as_ref() else { return };
    let owner = super::tally::holder(snapshot, pid, count);
    let quotes = std::iter::once(quote.clone()).chain(figure.at.iter().cloned()).collect();
    let word = Word { source, count, quote: Some(quote) };
    let traits = witness::Traits { quotes, ..witness::Traits::default() };
    let pile = Pile::told(Some(owner), Kind::Closed, word, CountIs::Estimate, traits);
    Arc::make_mut(&mut ledger.piles).insert(0, pile);
}
