//! What a trace leaves open, held against the older descriptors that it shows being closed: where both are as many, nothing grows.

use super::case::{Case, Tie};
use super::claim::{Evidence, Strength, Witnessed};
use super::say::number;
use crate::capture::table::Table;
use crate::capture::trace::{Origin, Pattern, Tale, Trace};
use crate::facts::SocketState;
use crate::ledger::{Kind, Pile};
use rustc_hash::FxHashSet;

/// From how many rows on whose descriptors a trace closes they are not left for good.
const DRAINED: usize = 20;

/// Fewer closes of older descriptors are not told from chance.
const SOME: u64 = 8;

/// How a trace's new descriptors stand to the older ones that it closes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Balance {
    /// The new ones come on top.
    Grows,
    /// More new ones stay than older ones go, by so many.
    Partly(u64),
    /// As many older ones go as new ones stay.
    Even,
    /// Too few, or many more go than come: the trace tells nothing of what the new ones become.
    Open,
}

/// The balance of what a trace shows created and left open, of one kind.
pub(super) fn of(case: &Case<'_>, trace: &Trace, tales: &[(&Pattern, &Tale)]) -> Balance {
    let left: u64 = tales.iter().filter(|(p, _)| p.origin != Origin::Before).map(|(_, t)| t.settled).sum();
    let (older, opened, growth) = (trace.older(), trace.opened(), trace.growth());
    // Of several processes one may close what another has no part in. Another kind of descriptor may have made up for all the older ones.
    if older < 2 || is_of_several(case, trace) || left == 0 || growth * 4 >= left * 3 {
        return Balance::Grows;
    }
    match growth * 4 <= left {
        false => Balance::Partly(growth.min(left)),
        true if older < SOME || older * 2 > opened * 3 => Balance::Open,
        true => Balance::Even,
    }
}

/// Rows in CLOSE-WAIT whose very descriptors a trace of the holder shows being closed, and hardly a new one: they wait for their turn. Where as
/// many came, the numbers may have been handed out again to what the rows show.
pub(super) fn drained(case: &Case<'_>, pile: &Pile) -> Option<Evidence> {
    let owner = pile.owner.as_ref().filter(|_| pile.kind == Kind::CloseWait)?;
    let traces = case.traces(pile).into_iter().filter(|(t, tie)| *tie == Tie::Process && !is_of_several(case, t));
    for (trace, _) in traces.filter(|(t, _)| t.before.numbers.len() >= DRAINED) {
        let numbers: FxHashSet<u32> = trace.before.numbers.iter().filter_map(|&fd| u32::try_from(fd).ok()).collect();
        let held = |t: &Table| t.held_in(SocketState::CloseWait, |pid| owner.has(pid)).filter(|fd| numbers.contains(fd)).count();
        let closed = case.snapshot.tables.iter().map(held).max().unwrap_or(0);
        let created: u64 = trace.tales.iter().filter(|(p, _)| p.origin != Origin::Before).map(|(_, t)| t.open + t.closed).sum();
        if closed >= DRAINED && closed as u64 * 10 >= pile.count && created * 4 <= closed as u64 {
            let says = format!("the trace shows {} of these descriptors being closed: they wait for their turn", number(closed as i64));
            return Some(Evidence::new(Strength::Strong, Witnessed::Trace, says, trace.before.quotes.0.iter().take(2).cloned()));
        }
    }
    None
}

/// Whether a trace is of several processes, each with descriptors of its own.
fn is_of_several(case: &Case<'_>, trace: &Trace) -> bool {
    trace.threads.len() > 1 && trace.threads.iter().filter(|pid| case.snapshot.processes.contains_key(pid)).take(2).count() > 1
}

/// That as many older ones were closed.
pub(super) fn even(trace: &Trace, what: &str, tales: &[(&Pattern, &Tale)], strength: Strength) -> Evidence {
    let left: u64 = tales.iter().map(|(_, t)| t.open).sum();
    let says = format!(
        "the trace shows {what} {} times, and {} descriptors closed that were open before it: as one comes, an older one goes",
        number(left as i64),
        number(trace.older() as i64)
    );
    Evidence::new(strength, Witnessed::Trace, says, trace.before.quotes.0.iter().take(2).cloned())
}
