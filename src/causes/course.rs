//! How a pile went over the samples: it grew and grows still, it grew and came to a stop, or its sockets come and go while their number grows.

use super::case::{Case, same_pile};
use super::claim::{Evidence, Strength, Witnessed};
use super::many;
use super::say::number;
use super::suspicion::Suspicion;
use crate::capture::{End, Snapshot};
use crate::ledger::{Kind, Pile, inodes};
use std::collections::BTreeSet;

/// From how many samples on a stop of growth is more than a pause between two.
const SAMPLES: usize = 4;

/// A pile that grew between the first snapshot and the last.
pub fn growing(case: &Case<'_>, pile: &Pile, threshold: u64, s: &mut Suspicion) {
    let Some(growth) = case.growth(pile) else { return };
    let gained = growth.to.saturating_sub(growth.from);
    let (from, to) = (number(growth.from as i64), number(growth.to as i64));
    if gained >= 20 && gained * 12 >= growth.to && growth.to * 2 >= threshold {
        let strength = if gained >= 100 || gained * 4 >= growth.to { Strength::Strong } else { Strength::Moderate };
        let what = if case.earlier.is_empty() { "reading" } else { "snapshot" };
        let says = format!("they grew from {from} to {to} between the first and the last {what}");
        if let Some(why) = replaced(case, pile).or_else(|| uneven(case, pile)).or_else(|| by_processes(case, pile)) {
            let says = format!("{says}, but {why}");
            // What has no use stays left over, however it came; what has one is at work.
            if matches!(pile.kind, Kind::Established | Kind::Udp | Kind::Unix | Kind::Netlink | Kind::Packet | Kind::Raw | Kind::Eventpoll)
            {
                s.against.push(Evidence::new(Strength::Strong, Witnessed::Growth, says, growth.at));
            } else {
                s.reasons.push(Evidence::new(Strength::Weak, Witnessed::Growth, says, growth.at));
            }
        } else {
            s.reasons.push(Evidence::new(strength, Witnessed::Growth, says, growth.at));
        }
    } else if growth.to <= growth.from.saturating_add(growth.from / 20) && pile.kind != Kind::Closed && pile.kind != Kind::CloseWait {
        s.against.push(Evidence::new(
            Strength::Strong,
            Witnessed::Growth,
            format!("their number did not grow between the snapshots ({from}, then {to})"),
            growth.at,
        ));
    }
}

/// Why growth from the first sample to the last is not that of a leak: it came to a stop, or went back in between; `None` where the samples
/// are too few to say, or where a limit may have stopped it.
fn uneven(case: &Case<'_>, pile: &Pile) -> Option<String> {
    let limited = pile.fill().is_some_and(|full| full >= case.thresholds.near_limit)
        || case.sightings(pile).iter().any(|(s, _)| s.points_to.iter().any(|p| p == "fd-limit-too-low"));
    // What a process that has been restarted since held tells nothing of this one: a leak has begun again.
    let here = pids(pile);
    let of = |piles: &[Pile]| match same_pile(piles, pile) {
        Some(p) => (!pids(p).is_disjoint(&here) || here.is_empty()).then_some(p.count),
        None => Some(0),
    };
    let since = case.earlier.iter().rev().map_while(|l| of(&l.piles));
    let mut counts: Vec<u64> = std::iter::once(pile.count).chain(since).collect();
    counts.reverse();
    if limited || counts.len() < SAMPLES {
        return None;
    }
    let (mut top, mut fell) = (0, None);
    for &n in &counts {
        top = top.max(n);
        if n * 10 < top * 9 && fell.is_none() {
            fell = Some((top, n));
        }
    }
    if let Some((top, n)) = fell {
        return Some(format!("went back from {} to {} in between", number(top as i64), number(n as i64)));
    }
    let flat = level(&counts)?;
    Some(format!("have stayed near {} over the last {}", number(pile.count as i64), many(flat, "sample", "samples")))
}

/// There are more processes than before, and each holds no more: a load that grew, or more sessions. Those that were there then tell it;
/// where all were started anew, what one holds on average does.
fn by_processes(case: &Case<'_>, pile: &Pile) -> Option<String> {
    let first = same_pile(&case.earlier.first()?.piles, pile)?;
    let (then, now) = (&first.owner.as_ref()?.pids, &pile.owner.as_ref()?.pids);
    if now.len() <= then.len() {
        return None;
    }
    let share = |pid: u32| then.iter().find(|p| p.0 == pid).map(|p| p.1);
    let stayed: Vec<(u64, u64)> = now.iter().filter_map(|&(pid, n)| Some((share(pid)?, n))).collect();
    if stayed.is_empty() {
        let (before, after) = (first.count.saturating_mul(now.len() as u64), pile.count.saturating_mul(then.len() as u64));
        let alike = then.len() > 1 && after.saturating_mul(4) <= before.saturating_mul(5);
        return alike.then(|| format!("with {} processes in place of {}, each with about as many as those had", now.len(), then.len()));
    }
    let risen: u64 = stayed.iter().map(|(then, now)| now.saturating_sub(*then)).sum();
    let gained = pile.count.saturating_sub(first.count);
    let new = now.len() - stayed.len();
    (risen * 4 < gained).then(|| {
        let (more, were) = (many(new as u64, "process", "processes"), if new == 1 { "was" } else { "were" });
        format!("with {more} that {were} not there before, while the others hold about as many as they did")
    })
}

/// Over how many of the last samples the counts have stayed where they are: a third of all, and far less growth than on average.
fn level(counts: &[u64]) -> Option<u64> {
    let (&first, &last) = (counts.first()?, counts.last()?);
    let steps = counts.len() as u64 - 1;
    let flat = counts.iter().rev().take_while(|n| n.abs_diff(last) * 50 <= last).count();
    let since = counts.iter().rev().take(flat).next_back()?;
    let expected = last.saturating_sub(first) * (flat as u64 - 1) / steps.max(1);
    (flat >= 2 && flat * 3 >= counts.len() && last.saturating_sub(*since) * 4 <= expected).then_some(flat as u64)
}

/// Of the sockets of the first sample next to none are left: none of them was forgotten.
fn replaced(case: &Case<'_>, pile: &Pile) -> Option<String> {
    let (first, still) = remained(case, pile).filter(|&(first, still)| still * 5 < first)?;
    let left = if still == 0 { "none is".to_string() } else { format!("only {} are", number(still as i64)) };
    Some(format!("of the first {} {left} still there: they come and go", number(first as i64)))
}

/// How many sockets the pile had in the first snapshot, and how many of these it still has, where the same processes hold it and the
/// captures tell one socket from another.
fn remained(case: &Case<'_>, pile: &Pile) -> Option<(u64, u64)> {
    let first = same_pile(&case.earlier.first()?.piles, pile)?;
    // After a restart all sockets are new, and a leak has begun again.
    if pids(first).is_disjoint(&pids(pile)) || first.count < 20 {
        return None;
    }
    let then = case.host.takes.iter().find(|t| t.snapshot.has_rows())?;
    by_inode(&then.snapshot, first, case.snapshot, pile).or_else(|| by_ends(first, pile))
}

/// The processes that hold a pile, as far as they are told.
fn pids(pile: &Pile) -> BTreeSet<u32> {
    pile.owner.iter().flat_map(|o| &o.pids).map(|p| p.0).collect()
}

fn by_inode(then: &Snapshot, first: &Pile, now: &Snapshot, pile: &Pile) -> Option<(u64, u64)> {
    let (old, new) = (inodes::of_pile(then, first), inodes::of_pile(now, pile));
    let told = old.len() as u64 * 10 >= first.count * 9 && new.len() as u64 * 10 >= pile.count * 9;
    told.then(|| (old.len() as u64, old.iter().filter(|i| new.binary_search(i).is_ok()).count() as u64))
}

/// By the far ends of accepted connections, and by the near ends of opened ones: the port there is each connection's own.
fn by_ends(first: &Pile, pile: &Pile) -> Option<(u64, u64)> {
    let ends = |p: &Pile| -> Option<BTreeSet<End>> {
        let ends = if p.accepted? { &p.traits.remotes } else { &p.traits.locals };
        (ends.distinct() * 10 >= p.count * 9).then(|| ends.iter().map(|(e, _)| e).collect())
    };
    let (old, new) = (ends(first)?, ends(pile)?);
    Some((old.len() as u64, old.intersection(&new).count() as u64))
}

#[cfg(test)]
mod tests {
    use super::level;

    #[test]
    fn a_stop_is_not_a_slow_step_of_many() {
        assert_eq!(level(&[90, 380, 660, 724, 721, 723]), Some(3));
        assert_eq!(level(&[90, 380, 660, 724, 721]), Some(2));
        assert_eq!(level(&[100, 200, 300, 400]), None);
        // A leak at an even pace, whose last steps are small beside what has gathered.
        assert_eq!(level(&(1..=120).map(|n| n * 10).collect::<Vec<u64>>()), None);
    }
}
