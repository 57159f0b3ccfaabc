//! What a trace leaves open, held against the older descriptors that it shows being closed: where both are as many, nothing grows.

use super::case::Case;
use super::claim::{Evidence, Strength, Witnessed};
use super::say::number;
use crate::capture::trace::{Origin, Pattern, Tale, Trace};

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
