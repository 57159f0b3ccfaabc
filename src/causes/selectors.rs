//! How much of a process's descriptors its selectors are, each with the pipe or the eventfds that wake it.

use super::case::Case;
use super::claim::{Evidence, Strength, Witnessed};
use super::say::number;
use crate::capture::holding::FdList;
use crate::facts::DescriptorKind;
use crate::ledger::{Kind, Pile};

/// Fewer descriptors of selectors may be those of the event loops of a large host.
const MANY: u64 = 512;
/// So few rows of an excerpt are an accident.
const ROWS: u64 = 24;
/// Numbers above which no event loops are that a program begins with.
const HIGH: u32 = 4096;

/// Selectors of one listing.
pub struct Selectors<'a> {
    list: &'a FdList,
    /// They, and what wakes them.
    pub descriptors: u64,
}

/// The selectors of the first holder of a pile of them.
pub fn of_pile<'a>(case: &Case<'a>, pile: &Pile) -> Option<Selectors<'a>> {
    let (pid, _) = *pile.owner.as_ref().filter(|_| pile.kind == Kind::Eventpoll)?.pids.first()?;
    case.snapshot.processes.get(&pid)?.lists.iter().filter_map(of_list).max_by_key(|s| s.descriptors)
}

fn of_list(list: &FdList) -> Option<Selectors<'_>> {
    // Old lsof names the descriptors of selectors and of eventfds alike.
    let selectors = match list.rows_of(DescriptorKind::Eventpoll) {
        0 => list.rows_of(DescriptorKind::Anon),
        n => n,
    };
    let beside = |kind, each: u64| list.rows_of(kind).min(selectors.saturating_mul(each));
    let descriptors = selectors + beside(DescriptorKind::Pipe, 2) + beside(DescriptorKind::Eventfd, 1);
    (selectors > 0).then_some(Selectors { list, descriptors })
}

impl Selectors<'_> {
    fn are_nearly_all(&self) -> bool {
        self.descriptors * 10 >= self.list.descriptors * 9
    }

    /// The first and the last number of an excerpt that has a row for each number between.
    fn unbroken(&self) -> Option<(u32, u32)> {
        let (low, high) = (self.list.lowest?, self.list.highest?);
        (u64::from(high - low) + 1 == self.list.descriptors).then_some((low, high))
    }
}

/// Why selectors are no event loops: nearly all that a process has open, and more than it has threads to wait on them.
pub(super) fn nearly_all(case: &Case<'_>, pile: &Pile) -> Option<Evidence> {
    let all = of_pile(case, pile).filter(Selectors::are_nearly_all)?;
    let says = if all.descriptors >= MANY && !has_threads_for_all(case, pile) && !all.list.filtered {
        let (open, count) = (number(all.list.descriptors as i64), number(pile.count as i64));
        let them = if all.descriptors > pile.count { " with what wakes them" } else { "" };
        format!("nearly all of its {open} descriptors are {count} epoll instances{them}: a program has one for each thread that waits")
    } else if let Some((low, high)) = all.unbroken().filter(|&(low, _)| low >= HIGH && all.descriptors >= ROWS) {
        let (low, high) = (number(i64::from(low)), number(i64::from(high)));
        format!(
            "the descriptors from {low} to {high} are epoll instances with what wakes them, without a gap: created again and again, none closed"
        )
    } else {
        return None;
    };
    Some(Evidence::new(Strength::Strong, Witnessed::Listing, says, pile.traits.quotes.iter().take(1).cloned()))
}

fn has_threads_for_all(case: &Case<'_>, pile: &Pile) -> bool {
    let first = pile.owner.as_ref().and_then(|o| o.pids.first());
    let threads = first.and_then(|(pid, _)| case.snapshot.processes.get(pid)?.threads);
    threads.is_some_and(|threads| u64::from(threads) >= pile.count)
}
