//! A table of descriptors that one kind of socket has filled: up to a limit that the capture tells, or up to one that systems hand out.

use super::case::Case;
use super::claim::{Evidence, Strength, Witnessed};
use super::fd_limit_too_low::errors;
use super::say::number;
use super::selectors;
use super::support::USUAL_LIMITS;
use super::suspicion::Suspicion;
use super::unix_ends::carries_path;
use crate::capture::Quote;
use crate::ledger::{Kind, Pile};

/// Smaller tables are filled by ordinary work.
const SMALL: u64 = 256;
/// From which percent of a usual limit on a table may be full of what a log says did not fit: the numbers that a listing shows lag behind.
const NEARLY: u64 = 90;

/// Weighs how much of its holder's table a pile fills.
pub(super) fn weigh(case: &Case<'_>, pile: &Pile, s: &mut Suspicion) {
    s.reasons.extend(full(case, pile));
}

/// That a pile has filled its holder's table.
pub(super) fn full(case: &Case<'_>, pile: &Pile) -> Option<Evidence> {
    if pile.kind == Kind::Established {
        return super::all_taken::weigh(case, pile);
    }
    up_to_limit(case, pile).or_else(|| up_to_usual(case, pile))
}

/// A process at its limit, mostly filled by the pile. A limit that names no process is its own where its table ends at it.
fn up_to_limit(case: &Case<'_>, pile: &Pile) -> Option<Evidence> {
    let (descriptors, _) = pile.at_least.as_ref()?;
    let near =
        |(limit, _): &&(u64, Quote)| *limit >= SMALL && descriptors.saturating_mul(100) >= limit.saturating_mul(case.thresholds.near_limit);
    let nameless = || pile.nameless_limit.as_ref().filter(|(limit, _)| descriptors <= limit);
    let (limit, quote) = pile.limit.as_ref().or_else(nameless).filter(near)?;
    let share = share(case, pile);
    (share * 2 >= *descriptors).then(|| {
        let (open, limit) = (number(*descriptors as i64), number(*limit as i64));
        let says = format!("{} of its {open} descriptors are {}, at a limit of {limit}", number(share as i64), these(pile));
        Evidence::new(Strength::Moderate, Witnessed::Limit, says, [quote.clone()])
    })
}

/// A process whose limit was not captured, and nearly all of whose numbers up to one that is usual are the pile's.
fn up_to_usual(case: &Case<'_>, pile: &Pile) -> Option<Evidence> {
    // What a server accepted fills a limit that is too low as well.
    if pile.limit.is_some() || carries_path(pile) || pile.accepted == Some(true) {
        return None;
    }
    let (pid, _) = *pile.owner.as_ref()?.pids.first()?;
    let numbers = u64::from(case.ledger.holdings.get(&pid)?.highest?) + 1;
    let limit = *USUAL_LIMITS.iter().find(|&&limit| numbers <= limit)?;
    let refused = errors(case).into_iter().find(|(_, whose, _)| whose.is_none_or(|w| pile.held_by(w)));
    let ends = numbers == limit || refused.is_some() && numbers * 100 >= limit * NEARLY;
    let share = share(case, pile);
    // Of sockets without a use the most are enough where its own calls fail at the very limit.
    let useless = pile.kind == Kind::Closed && numbers == limit && refused.as_ref().is_some_and(|(_, whose, _)| whose.is_some());
    (ends && (share * 10 >= numbers * 9 || (useless && share * 4 >= numbers * 3))).then(|| {
        let told = if refused.is_some() { ", and calls fail because none is left" } else { "" };
        let (last, limit) = (number(numbers as i64 - 1), number(limit as i64));
        let says =
            format!("{} of the descriptors up to number {last} are {}: a usual limit is {limit}{told}", number(share as i64), these(pile));
        let refusal = refused.and_then(|r| r.2.into_iter().next());
        Evidence::new(Strength::Moderate, Witnessed::Limit, says, pile.traits.quotes.last().cloned().into_iter().chain(refusal))
    })
}

/// How many descriptors of its first holder a pile takes: a selector comes with pipes or eventfds of its own.
fn share(case: &Case<'_>, pile: &Pile) -> u64 {
    let first = match pile.owner.as_ref().map(|o| o.pids.as_slice()) {
        // What was counted beside an excerpt is in the pile, and not in what its rows say of each holder.
        Some([(_, share), _, ..]) => *share,
        _ => pile.count,
    };
    selectors::of_pile(case, pile).map_or(first, |s| s.descriptors)
}

fn these(pile: &Pile) -> &'static str {
    if pile.kind == Kind::Eventpoll { "these and what belongs to them" } else { "these" }
}
