//! What a table of calls (`strace -c`) tells of a holder: how many sockets it created, how many connects returned an error, and how often it
//! closed. It names no descriptor, so that only numbers of different order tell.

use super::case::Case;
use super::claim::{Evidence, Strength, Witnessed};
use super::say::number;
use crate::capture::Quote;
use crate::ledger::{Pile, counted_descriptors};

/// Fewer calls are not told from chance.
const SOME: i64 = 20;
/// Fewer calls of which each returns an error, with no close at all, are not told from chance.
const FEW: i64 = 5;
/// Calls that are seen where all are traced.
const UNFILTERED: &[&str] = &["clock_nanosleep", "nanosleep", "futex", "mmap", "brk", "madvise", "munmap", "rt_sigprocmask", "gettid"];

/// Counts of one table.
pub(super) struct Calls {
    created: i64,
    connects: i64,
    errors: i64,
    closes: i64,
    /// Whether it asks later how a connect went, so that the first answer is no failure.
    asks_later: bool,
    at: Vec<Quote>,
}

/// The table of calls of a pile's holder, if it has a row of `close`, or of a call that no filter lets through which leaves `close` out.
pub(super) fn of(case: &Case<'_>, pile: &Pile) -> Option<Calls> {
    let calls = |name: &str| case.counter(&format!("strace.calls.{name}"));
    let (connect, close) = (calls("connect")?, calls("close"));
    let other = close.clone().or_else(|| UNFILTERED.iter().find_map(|name| calls(name)))?;
    let at: Vec<Quote> = [&connect, &other].iter().flat_map(|f| f.at.iter().cloned()).collect();
    let (first, last) = (at.first()?, at.last()?);
    if first.at.member != last.at.member || !is_of(case, pile, first) {
        return None;
    }
    let count = |name: &str| calls(name).map_or(0, |f| f.value);
    Some(Calls {
        created: ["socket", "accept", "accept4"].iter().map(|name| count(name)).sum(),
        connects: connect.value,
        errors: case.counter("strace.errors.connect").map_or(0, |f| f.value),
        closes: close.map_or(0, |f| f.value),
        asks_later: ["getsockopt", "poll", "ppoll", "select", "pselect6", "epoll_wait", "epoll_pwait"].iter().any(|name| count(name) > 0),
        at,
    })
}

/// Whether the table is the holder's: its file is named with a number of its, or it is the only program with sockets.
fn is_of(case: &Case<'_>, pile: &Pile, row: &Quote) -> bool {
    let Some(owner) = &pile.owner else { return false };
    if let Some((_, pid)) = case.snapshot.attached.iter().find(|(member, _)| *member == row.at.member) {
        return owner.has(*pid) || case.snapshot.thread_of.get(pid).is_some_and(|pid| owner.has(*pid));
    }
    let numbers = case.path(row).split(|c: char| !c.is_ascii_digit()).filter_map(|n| n.parse::<u32>().ok());
    let mut known = numbers.filter(|pid| case.snapshot.processes.contains_key(pid)).peekable();
    if known.peek().is_some() { known.any(|pid| owner.has(pid)) } else { case.is_only_program(pile) }
}

/// Connects that return an error and are not closed.
pub(super) fn left_by_failures(case: &Case<'_>, pile: &Pile) -> Option<Evidence> {
    let calls = of(case, pile)?;
    let many = calls.errors >= SOME && calls.errors * 10 >= calls.connects * 9;
    let few = calls.errors >= FEW && calls.errors == calls.connects && calls.created >= FEW && calls.closes == 0;
    ((many && calls.closes * 10 <= calls.created) || few).then(|| {
        let strength = if calls.asks_later || !many { Strength::Moderate } else { Strength::Strong };
        Evidence::new(strength, Witnessed::Trace, calls.says(), calls.at)
    })
}

/// That the holder's descriptors became more by as many as its connects failed, between two counts of them.
pub(super) fn fills_up(case: &Case<'_>, pile: &Pile) -> Option<Evidence> {
    let left = left_by_failures(case, pile)?;
    let calls = of(case, pile)?;
    let course = counted_descriptors::course(case.snapshot, pile.owner.as_ref()?.pids.first()?.0);
    let rose = course.windows(2).filter_map(|w| w.last()?.checked_sub(*w.first()?));
    let same = rose.filter_map(|n| i64::try_from(n).ok()).find(|n| n.abs_diff(calls.errors) * 50 <= calls.errors.unsigned_abs())?;
    let says = format!("the number of its descriptors rose by {}, as many as its connects that failed", number(same));
    Some(Evidence::new(Strength::Strong, Witnessed::Growth, says, left.at))
}

impl Calls {
    /// Whether there are as many closes as sockets.
    pub(super) fn closes_all(&self) -> bool {
        self.created >= SOME && self.closes * 20 >= self.created * 19
    }

    pub(super) fn says(&self) -> String {
        let n = |n| number(n);
        format!(
            "strace -c counts {} sockets, {} connects of which {} return an error, and {} closes",
            n(self.created),
            n(self.connects),
            n(self.errors),
            n(self.closes)
        )
    }
}
