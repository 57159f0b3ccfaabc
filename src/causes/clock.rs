//! Numbers as clocks. Inode numbers are handed out in order, in batches of 1,024 for each CPU, from one counter that sockets share with pipes
//! (`fs/inode.c` `get_next_ino`). So they order sockets in time, roughly, and tell what else was opened meanwhile; they tell no dates and no rates.

use super::case::Case;
use super::claim::{Evidence, Strength, Witnessed};
use super::say::number;
use crate::ledger::Pile;

/// Inodes by which the newest socket of a pile may trail the newest of the capture and still be of the last moments: eight CPUs' batches.
const BLUR: u64 = 8 * 1024;
/// Inodes handed out for each socket of the pile up to which hardly anything else opened sockets in between, however long that took.
const DENSE: u64 = 3;
/// Slots from which on a table tells of descriptors that were many: a program's own start may fill the smaller ones.
const MANY_SLOTS: u32 = 1024;

/// What numbers tell of a pile's age and of larger ones before it.
pub fn clocks(case: &Case<'_>, pile: &Pile) -> Vec<Evidence> {
    inodes(case, pile).into_iter().chain(slots(case, pile)).collect()
}

/// A descriptor table that was made for more than is open: it doubles when it is full and never shrinks (fs/file.c `alloc_fdtable`).
fn slots(case: &Case<'_>, pile: &Pile) -> Option<Evidence> {
    let (pid, _) = *pile.owner.as_ref()?.pids.first()?;
    let (slots, quote) = case.snapshot.processes.get(&pid)?.fd_size.as_ref()?;
    let (open, whole, _) = pile.descriptors.as_ref()?;
    let once = u64::from(*slots) / 2;
    if !whole || *slots < MANY_SLOTS || once < open.saturating_mul(2) {
        return None;
    }
    let says = format!(
        "its table of descriptors has {} slots and never shrinks: at some time a number of {} or more was in use, where {} are open now",
        number(i64::from(*slots)),
        number(once as i64),
        number(*open as i64)
    );
    Some(Evidence::new(Strength::Weak, Witnessed::Listing, says, [quote.clone()]))
}

/// What the inodes of a pile tell of its age.
fn inodes(case: &Case<'_>, pile: &Pile) -> Option<Evidence> {
    let (low, high) = pile.traits.inodes?;
    let newest = case.ledger.newest_inode?;
    // What a pipeline counted beside an excerpt may be older than its rows.
    let listed = pile.words.iter().filter(|w| !matches!(w.source, "tally" | "kernel")).map(|w| w.count).max();
    if pile.count < 20 || high <= low || listed.is_some_and(|rows| rows * 2 < pile.count) {
        return None;
    }
    let spread = high - low;
    let how = if spread / pile.count <= DENSE {
        "one after the other, with hardly another socket or pipe in between"
    } else {
        "over a longer time, among other sockets"
    };
    let when = if was_there(case, pile, high) {
        "the newest of them was there already in an earlier snapshot"
    } else if high + BLUR >= newest {
        "the last of them is among the newest sockets of the capture"
    } else {
        "none of them is among the newest sockets of the capture"
    };
    let says = format!("their inodes {} to {} say that they were created {how}; {when}", number(low as i64), number(high as i64));
    Some(Evidence::new(Strength::Weak, Witnessed::Listing, says, pile.traits.quotes.first().cloned()))
}

/// Whether the latest earlier sample has a socket with this inode among those of the same processes.
fn was_there(case: &Case<'_>, pile: &Pile, inode: u64) -> bool {
    let Some((then, (take, earlier))) =
        case.history(pile).and_then(|h| h.told.last()).and_then(|t| Some((t, case.samples().nth(t.sample)?)))
    else {
        return false;
    };
    let before = then.pile.and_then(|n| earlier.piles.get(n));
    // Found by its sockets, of a holder that was not named, it has the newest of them too if it has as many.
    before.map_or(then.count >= pile.count, |p| {
        p.traits.inodes.is_some_and(|(_, high)| high >= inode)
            && u32::try_from(inode).is_ok_and(|inode| crate::ledger::inodes::of_pile(&take.snapshot, p).binary_search(&inode).is_ok())
    })
}
