//! Where in the program: the thread that a trace sees leaving sockets open, and what dumps of threads or goroutines say of it.

use super::case::{Case, Tie, same_owner};
use super::claim::{Claim, Evidence, Strength, Witnessed};
use super::say::number;
use super::support::near;
use crate::capture::stacks::Standing;
use crate::capture::trace::Trace;
use crate::ledger::{Kind, Pile, leaves_open};

/// From how many sockets on as many threads in one place are no accident.
const SOME: u64 = 20;
/// By how much percent the two numbers may differ where one is to explain the other: a dump and a table are of different moments.
const CLOSE: u64 = 5;

/// Tells of the threads that leave a pile's sockets open, and of a place in which as many threads stand as there are sockets.
pub fn tell(case: &Case<'_>, pile: &Pile, claim: &mut Claim) {
    let traces = case.traces(pile);
    claim.evidence.extend(traces.iter().filter_map(|(trace, tie)| thread(case, pile, trace, *tie)));
    let Some((standing, evidence)) = crowd(case, pile) else { return };
    if evidence.strength >= Strength::Moderate {
        // What handlers wait for is why they close nothing: their calls would show no more.
        claim.missing.retain(|m| !m.command.starts_with("strace"));
        claim.fix.insert(0, format!("mend what keeps {} waiting in {}", standing.noun, standing.place));
    }
    claim.evidence.push(evidence);
}

/// The one thread of a trace that makes the sockets which are left open, named where a dump names it.
fn thread(case: &Case<'_>, pile: &Pile, trace: &Trace, tie: Tie) -> Option<Evidence> {
    let left: Vec<_> = trace.tales.iter().filter(|(p, t)| t.open > 0 && leaves_open(pile.kind, p)).map(|(_, t)| t).collect();
    let (tid, _) = left.first()?.threads.first()?;
    let only = left.iter().all(|t| t.threads.sorted().len() == 1 && t.threads.first().is_some_and(|(other, _)| other == tid));
    let quote = left.iter().find_map(|t| t.quotes.0.first().cloned())?;
    let dumped = case.snapshot.stacks.thread(tid);
    // A process of one thread has nothing to tell apart.
    if !only || tie == Tie::Loose && dumped.is_none() || trace.threads.len() < 2 && dumped.is_none() {
        return None;
    }
    let says = match dumped {
        None => format!("thread {tid} alone makes them, of {} threads in the trace", number(trace.threads.len() as i64)),
        Some(standing) if standing.place.is_empty() => format!("thread {tid} makes them: \"{}\"", standing.thread),
        Some(standing) => format!("thread {tid} makes them: \"{}\", which the thread dump shows in {}", standing.thread, standing.place),
    };
    let quotes = [Some(quote), dumped.map(|s| s.quote.clone())].into_iter().flatten();
    Some(Evidence::new(Strength::Weak, Witnessed::Trace, says, quotes))
}

/// A place in which as many threads stand as there are sockets, or as there are connections that the same process has accepted: clients
/// that have gone and clients that still wait are in the same hands.
fn crowd<'a>(case: &Case<'a>, pile: &Pile) -> Option<(&'a Standing, Evidence)> {
    let places = case.snapshot.stacks.places();
    let accepted = pile.accepted == Some(true);
    let beside = if accepted { accepted_beside(case, pile) } else { 0 };
    let fits = |n: u64, percent| near(n, pile.count, percent) || beside > 0 && near(n, pile.count + beside, percent.min(CLOSE));
    let (standing, n) = places.into_iter().find(|(_, n)| pile.count >= SOME && fits(*n, 15))?;
    let more = match near(n, pile.count, 15) {
        true => String::new(),
        false => format!(" and {} more connections that it has accepted", number(beside as i64)),
    };
    let says = format!(
        "a thread dump has {} {} in {}{}, as many as the {} sockets{more}",
        number(n as i64),
        standing.noun,
        standing.place,
        standing.state_of_many(),
        number(pile.count as i64)
    );
    let strength = if accepted && fits(n, CLOSE) { Strength::Moderate } else { Strength::Weak };
    Some((standing, Evidence::new(strength, Witnessed::Dump, says, [standing.quote.clone()])))
}

/// Connections of the same holder that it has accepted too, in other states.
fn accepted_beside(case: &Case<'_>, pile: &Pile) -> u64 {
    let others = case.ledger.piles.iter().filter(|p| p.kind != pile.kind && matches!(p.kind, Kind::CloseWait | Kind::Established));
    others.filter(|p| p.accepted == Some(true) && same_owner(p, pile)).map(|p| p.count).sum()
}

/// The place in which most threads of the capture's dumps stand, if they are many.
pub fn busiest<'a>(case: &Case<'a>) -> Option<(&'a Standing, u64)> {
    case.snapshot.stacks.places().into_iter().next().filter(|(_, n)| *n >= SOME)
}
