//! Inode numbers as a clock: they are handed out in order, in batches of 1,024 for each CPU, from one counter that sockets share with pipes
//! (`fs/inode.c` `get_next_ino`). So they order sockets in time, roughly, and tell bursts from a steady drip; they tell no dates and no rates.

use super::case::Case;
use super::claim::{Evidence, Strength, Witnessed};
use super::say::number;
use crate::ledger::Pile;

/// Inodes by which the newest socket of a pile may trail the newest of the capture and still be of the last moments: eight CPUs' batches.
const BLUR: u64 = 8 * 1024;
/// Inodes handed out for each socket of the pile up to which nothing else opened sockets in between: a burst.
const DENSE: u64 = 3;

/// What the inodes of a pile tell of its age.
pub fn clock(case: &Case<'_>, pile: &Pile) -> Option<Evidence> {
    let (low, high) = pile.traits.inodes?;
    let newest = case.ledger.newest_inode?;
    if pile.count < 20 || high <= low {
        return None;
    }
    let spread = high - low;
    let how = if spread / pile.count <= DENSE {
        "in bursts, with hardly another socket in between"
    } else {
        "over a longer time, among other sockets"
    };
    let when = if high + BLUR >= newest {
        "the last of them is among the newest sockets of the capture"
    } else {
        "none of them is among the newest sockets of the capture"
    };
    let says = format!("their inodes {} to {} say that they were created {how}; {when}", number(low as i64), number(high as i64));
    Some(Evidence::new(Strength::Weak, Witnessed::Listing, says, pile.traits.quotes.first().cloned()))
}
