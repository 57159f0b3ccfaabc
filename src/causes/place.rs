//! Where in the program: the thread that a trace sees leaving sockets open, and what dumps of threads or goroutines say of it.

use super::case::{Case, Tie};
use super::claim::{Evidence, Strength, Witnessed};
use super::say::number;
use super::support::near;
use crate::capture::trace::Trace;
use crate::ledger::{Pile, leaves_open};

/// From how many sockets on as many threads in one place are no accident.
const SOME: u64 = 20;

/// The threads that leave a pile's sockets open, and places in which as many threads stand as there are sockets.
pub fn places(case: &Case<'_>, pile: &Pile) -> Vec<Evidence> {
    let traces = case.traces(pile);
    traces.iter().filter_map(|(trace, tie)| thread(case, pile, trace, *tie)).chain(crowd(case, pile)).collect()
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

/// A place in which as many threads stand as there are sockets.
fn crowd(case: &Case<'_>, pile: &Pile) -> Option<Evidence> {
    let places = case.snapshot.stacks.places();
    let (standing, n) = places.into_iter().find(|(_, n)| pile.count >= SOME && near(*n, pile.count, 15))?;
    let state = if standing.state.is_empty() { String::new() } else { format!(" ({})", standing.state) };
    let says = format!(
        "a thread dump has {} threads in {}{state}, as many as the {} sockets",
        number(n as i64),
        standing.place,
        number(pile.count as i64)
    );
    Some(Evidence::new(Strength::Weak, Witnessed::Dump, says, [standing.quote.clone()]))
}
