//! How a pile went over the samples: it grew and grows still, it grew and came to a stop, or its sockets come and go while their number grows.

use super::bar::Bar;
use super::case::{Case, Tie, same_pile};
use super::claim::{Evidence, Strength, Witnessed};
use super::directions;
use super::many;
use super::past::Growth;
use super::say::number;
use super::suspicion::{Suspicion, suspect};
use super::turnover::{Turnover, oldest_of, stayed_of, stayed_rows, turnover};
use crate::capture::Quote;
use crate::capture::trace::{Tale, Trace};
use crate::ledger::series::Of;
use crate::ledger::{Kind, Pile, leaves_open};
use crate::signatures::Weight;

/// From how many samples on a stop of growth is more than a pause between two.
const SAMPLES: usize = 4;

/// From how many sockets on it is no accident that hardly one of them has gone.
const MANY: u64 = 100;

/// How many more tell of a growth where none of those before has gone.
const SOME: u64 = 8;

/// From how many seconds on no call, game or session would all still last.
const LASTING: u64 = 3600;

/// From how many connections of one client on a pool is no longer likely to have opened all of them for a load.
pub(super) const HOARD: u64 = 400;

/// How a pile went between the first snapshot and the last: whether it grew, and whether its sockets come and go, or stay and none comes.
pub fn weigh(case: &Case<'_>, pile: &Pile, threshold: u64, s: &mut Suspicion) {
    let Some(mut growth) = case.growth(pile) else {
        let again = super::turnover::renewed(case, pile).filter(|_| pile.count * 2 >= threshold);
        let at = pile.traits.quotes.first().cloned();
        s.against.extend(again.map(|why| Evidence::new(Strength::Decisive, Witnessed::Growth, why, at)));
        if let Some(counted) = case.counted(pile)
            && let Some(why) = fell(&counted.counts.iter().map(|(n, _)| *n).collect::<Vec<_>>())
        {
            let (strength, closes) = match counted.of_one {
                true => (Strength::Decisive, "something closes them"),
                false => (Strength::Strong, "something closes them, unless the program was started anew in between"),
            };
            let at = counted.counts.into_iter().map(|(_, quote)| quote).take(3);
            s.against.push(Evidence::new(strength, Witnessed::Growth, format!("their number {why}: {closes}"), at));
        }
        return;
    };
    s.reasons.extend(left_again(case, pile, threshold));
    let opened = directions::opened(case, pile);
    if let Some([first, .., last]) = opened.as_deref() {
        (growth.from, growth.to) = (*first, *last);
        growth.at.drain(..growth.at.len().saturating_sub(1));
    }
    let opened_alone = opened.is_some();
    let whose = if opened_alone { "those that it opened" } else { "they" };
    let counts = opened.unwrap_or_else(|| counts(case, pile));
    let gained = growth.to.saturating_sub(growth.from);
    let weighty = growth.to * 2 >= threshold;
    let turnover = if weighty { turnover(case, pile) } else { None };
    // Of clients that all say nothing hardly any goes: even a little more is more each time.
    let silent = pile.kind == Kind::Established && pile.accepted == Some(true) && pile.traits.are_silent(pile.count);
    let kept = if weighty { kept(case, pile) } else { None };
    let few = if gained >= SOME && weighty && !has_use(pile.kind) { none_gone(case, pile) } else { None };
    let kept = kept.or(few);
    let grew = measured_alike(case, pile, &growth)
        && (gained >= 20 || few.is_some())
        && (kept.is_some() || gained * if silent { 50 } else { 12 } >= growth.to)
        && weighty;
    let evidence = |strength, says| Evidence::new(strength, Witnessed::Growth, says, growth.at.clone());
    if let Some(Turnover::Replaced(why)) = turnover {
        let says = if grew { format!("{}, but {why}", rise(case, &growth, whose)) } else { why };
        // A call that was seen to leave them open weighs more than what became of others.
        let strength = if told_otherwise(case, pile) { Strength::Strong } else { Strength::Decisive };
        s.against.push(evidence(strength, says));
    } else if grew {
        let says = rise(case, &growth, whose);
        if let Some(why) = uneven(case, pile, &counts).or_else(|| by_processes(case, pile, &growth)) {
            let says = format!("{says}, but {why}");
            // What has no use stays left over, however it came; what has one is at work.
            match has_use(pile.kind) {
                true => s.against.push(evidence(Strength::Strong, says)),
                false => s.reasons.push(evidence(Strength::Weak, says)),
            }
        } else if served_for_seconds(pile, &growth) {
            let says = format!("{says}: rows a few seconds old cannot tell that nothing ends them");
            s.reasons.push(evidence(Strength::Weak, says));
        } else {
            let clear = (gained >= 100 || gained * 4 >= growth.to || hoards(case, pile)) && !growth.replaced;
            let whose = match kept {
                _ if growth.replaced => ", in place of a process that held those".to_string(),
                Some((first, still)) if still == first => format!("; none of those {} was closed since", number(first as i64)),
                Some((first, still)) => {
                    format!("; {} of {} were closed since", number(first.saturating_sub(still) as i64), number(first as i64))
                }
                None => String::new(),
            };
            s.reasons.push(evidence(if clear { Strength::Strong } else { Strength::Moderate }, format!("{says}{whose}")));
        }
    } else if let Some((first, last)) = steadily_left(case, pile, &counts) {
        let says = format!(
            "{whose} became more in each sample, {} to {}, and none of the first was closed",
            number(first as i64),
            number(last as i64)
        );
        s.reasons.push(evidence(Strength::Moderate, says));
    } else if let Some(why) = fell(&counts).filter(|_| weighty) {
        let strength = if has_use(pile.kind) { Strength::Strong } else { Strength::Moderate };
        s.against.push(evidence(strength, format!("their number {why}: something closes them")));
    } else if let Some(why) = unchanged(case, pile).filter(|_| weighty) {
        if is_left_over(pile, threshold) {
            // Nothing is opened any more, and nobody closes what was: a fault that is over has left them.
            return s.reasons.push(evidence(Strength::Moderate, why));
        }
        let strength = match told_otherwise(case, pile) {
            false => Strength::Decisive,
            true if has_use(pile.kind) => Strength::Strong,
            // They have none, and a fault that is over may have left them.
            true => Strength::Moderate,
        };
        s.against.push(evidence(strength, why));
    } else if growth.hardly() && !growth.replaced && pile.kind != Kind::Closed && pile.kind != Kind::CloseWait {
        let (from, to) = (number(growth.from as i64), number(growth.to as i64));
        let how = if growth.to > growth.from { "hardly grew" } else { "did not grow" };
        let of = if opened_alone { "the number of those that it opened" } else { "their number" };
        s.against.push(evidence(Strength::Strong, format!("{of} {how} between the snapshots ({from}, then {to})")));
    }
}

/// Whether a pile that somebody counted is held against rows that tell the same: where they are few beside the count, they became more
/// themselves, and none of them went.
fn measured_alike(case: &Case<'_>, pile: &Pile, growth: &Growth) -> bool {
    let counted = pile.words.iter().any(|w| w.source == "tally" && w.count == pile.count);
    let rows = pile.words.iter().filter(|w| w.source != "tally").map(|w| w.count).max();
    match rows.filter(|&n| counted && !case.earlier.is_empty() && n.saturating_mul(2) < pile.count) {
        Some(rows) => {
            let kept = stayed_rows(case, pile);
            rows > growth.from && kept.is_some_and(|(then, still)| then > 0 && then == still)
        }
        None => true,
    }
}

/// What has no use and was left by a process in whose place this one has come: that one held many, and they come again.
fn left_again(case: &Case<'_>, pile: &Pile, threshold: u64) -> Option<Evidence> {
    let (before, quote) = many_before(case, pile, threshold)?;
    let pid = pile.owner.as_ref()?.pids.first()?.0;
    let says = format!(
        "before pid {pid} came in its place, the same program held {} of them (threshold {}): a restart has ended those, and they come again",
        number(before as i64),
        number(threshold as i64)
    );
    let at = pile.traits.quotes.first().cloned().into_iter().chain([quote]);
    Some(Evidence::new(Strength::Strong, Witnessed::Growth, says, at))
}

fn many_before(case: &Case<'_>, pile: &Pile, threshold: u64) -> Option<(u64, Quote)> {
    let before = if matches!(pile.kind, Kind::CloseWait | Kind::Closed) { case.most_before(pile)? } else { return None };
    (before.0 >= threshold && pile.count < before.0 && pile.count * 4 >= threshold).then_some(before)
}

/// Whether the process in whose place that of a pile came held many of no use.
pub fn left_before(case: &Case<'_>, pile: &Pile) -> bool {
    many_before(case, pile, Bar::of(case, pile).count).is_some()
}

/// How many sockets there were in an earlier sample, and how many of them are left, if that is nearly all: others came, and none was given
/// back. Clients that a server has accepted may all stay.
fn kept(case: &Case<'_>, pile: &Pile) -> Option<(u64, u64)> {
    let opened = pile.accepted == Some(false) || !has_use(pile.kind) || pile.kind == Kind::Udp;
    stayed_of(case, pile).filter(|&(first, still)| opened && first >= MANY && still * 20 >= first * 19)
}

/// How many sockets there were in an earlier sample and are there still, if that is all of them: then even a few more tell.
fn none_gone(case: &Case<'_>, pile: &Pile) -> Option<(u64, u64)> {
    stayed_of(case, pile).filter(|&(first, still)| first >= 2 * SOME && still == first)
}

/// From how many to how many sockets that their peers have closed went over three samples or more, where each has more than the one before and
/// all of the first are there still: few as they are, nobody closes them.
fn steadily_left(case: &Case<'_>, pile: &Pile, counts: &[u64]) -> Option<(u64, u64)> {
    let (&first, &last) = (counts.first()?, counts.last()?);
    let rises = counts.len() >= SAMPLES - 1 && counts.is_sorted_by(|a, b| a < b);
    let left = pile.kind == Kind::CloseWait && pile.accepted != Some(true) && rises && last >= SOME;
    let (there, still) = if left { oldest_of(case, pile)? } else { return None };
    (there > 1 && there == still).then_some((first, last))
}

/// Whether clients of a server were many more within seconds, as two samples say alone, and nothing tells how long they have said nothing: a
/// load that grows.
fn served_for_seconds(pile: &Pile, growth: &Growth) -> bool {
    let silent = pile.traits.idle_minute * 2 > pile.count;
    pile.kind == Kind::Established && pile.accepted == Some(true) && growth.is_sudden() && growth.samples < 2 && !silent
}

/// Whether a program has opened more connections than a pool does, and keeps all of them while it opens others.
pub fn hoards(case: &Case<'_>, pile: &Pile) -> bool {
    pile.kind == Kind::Established && pile.count >= HOARD && kept(case, pile).is_some()
}

/// Whether a pile has grown by a quarter and more in an hour or more, and hardly one of those that were there has gone: what serves one
/// client, call or service each would have ended some.
pub fn only_gathers(case: &Case<'_>, pile: &Pile) -> bool {
    let grown = |g: &Growth| g.seconds.is_some_and(|s| s >= LASTING) && !g.replaced && g.to * 3 >= g.from * 4;
    kept(case, pile).is_some() && case.growth(pile).as_ref().is_some_and(grown)
}

/// Whether sockets of a kind may be of use for as long as they are open.
pub fn has_use(kind: Kind) -> bool {
    !matches!(kind, Kind::Closed | Kind::CloseWait | Kind::SynSent | Kind::FinWait | Kind::Unidentified | Kind::TimeWait)
}

/// Whether a pile that stays as it is for hours can be nothing but left over: its peers have gone, or it is far more than what some programs keep
/// bound and unconnected to reserve ports.
fn is_left_over(pile: &Pile, threshold: u64) -> bool {
    match pile.kind {
        Kind::CloseWait | Kind::FinWait => true,
        Kind::Closed => pile.count >= threshold.saturating_mul(4),
        _ => false,
    }
}

/// From how many to how many, and between which snapshots.
fn rise(case: &Case<'_>, growth: &Growth, whose: &str) -> String {
    let (from, to) = (number(growth.from as i64), number(growth.to as i64));
    let what = if case.earlier.is_empty() { "reading" } else { "snapshot" };
    if let Some((of, from, to)) = growth.among {
        let (from, to) = (number(from as i64), number(to as i64));
        let all = match of {
            Of::Rows => "all rows of lsof",
            Of::Descriptors => "all that its process has open",
            Of::Sockets | Of::Kind => "all sockets of its process",
        };
        return format!("{all}, nearly all of which they are, grew from {from} to {to} between the first count and the last");
    }
    let which = match growth.since {
        0 => "the first".to_string(),
        n => format!("{what} {} of {}", n + 1, case.earlier.len() + 1),
    };
    format!("{whose} grew from {from} to {to} between {which} and the last {what}")
}

/// Why a pile is the same as long before, where nothing says that it could only not go on: a limit that it has filled.
fn unchanged(case: &Case<'_>, pile: &Pile) -> Option<String> {
    match turnover(case, pile)? {
        Turnover::Same(why) if !limited(case, pile) => Some(why),
        _ => None,
    }
}

/// Why nobody can tell whether a pile of no use is left over from a fault that is over, or kept on purpose: it is the same as long before.
pub fn left_standing(case: &Case<'_>, pile: &Pile) -> Option<String> {
    let many = pile.foreign.is_none() && !has_use(pile.kind) && pile.count >= Bar::of(case, pile).count;
    if many && suspect(case, pile).is_none() { unchanged(case, pile) } else { None }
}

/// Whether something has closed sockets of a pile between the samples: they come and go, or were fewer in between.
pub fn closes(case: &Case<'_>, pile: &Pile) -> bool {
    fell(&counts(case, pile)).is_some() || matches!(turnover(case, pile), Some(Turnover::Replaced(_)))
}

/// Whether a trace or a log of the holder shows the sockets being left open.
fn told_otherwise(case: &Case<'_>, pile: &Pile) -> bool {
    let left = |trace: &Trace, tales: Vec<(&crate::capture::trace::Pattern, &Tale)>| {
        if super::balance::of(case, trace, &tales) != super::balance::Balance::Grows {
            return false;
        }
        let (settled, closed) = tales.iter().fold((0, 0), |(s, c), (_, t)| (s + t.settled, c + t.closed));
        settled >= 2 && settled > closed
    };
    let traced = case.traces(pile).iter().any(|(t, tie)| *tie > Tie::Loose && left(t, case.tales(t, |p| leaves_open(pile.kind, p))));
    let logged = |(s, tie): &(&crate::capture::logs::Sighting, Tie)| {
        let cause = s.points_to.first().and_then(|code| super::by_code(code));
        s.weight == Weight::Cause && *tie > Tie::Loose && cause.is_some_and(super::Cause::is_leak)
    };
    traced || case.sightings(pile).iter().any(logged) || case.told_by_cause(pile).is_some()
}

/// Whether a limit may have stopped the growth of a pile.
pub fn limited(case: &Case<'_>, pile: &Pile) -> bool {
    pile.fill().is_some_and(|full| full >= case.thresholds.near_limit)
        || case.sightings(pile).iter().any(|(s, _)| s.points_to.iter().any(|p| p == "fd-limit-too-low"))
}

/// The numbers of a pile over the samples that tell of its processes, with that of now. What a process that has been restarted since held tells
/// nothing of this one: a leak has begun again.
fn counts(case: &Case<'_>, pile: &Pile) -> Vec<u64> {
    let told = case.history(pile).map_or(&[][..], |h| &h.told);
    if let Some(counted) = case.counted(pile).filter(|_| told.is_empty()) {
        return counted.counts.into_iter().map(|(n, _)| n).collect();
    }
    told.iter().map(|t| t.kept).chain([pile.count]).collect()
}

/// Why growth from the first sample to the last is not that of a leak: it came to a stop, or went back in between; `None` where the samples
/// are too few to say, or where a limit may have stopped it.
fn uneven(case: &Case<'_>, pile: &Pile, counts: &[u64]) -> Option<String> {
    // Connections that were all heard of lately are in use: for them one pause is enough.
    let served = pile.kind == Kind::Established && pile.accepted == Some(true) && pile.traits.are_heard(pile.count);
    if counts.len() < if served { SAMPLES - 1 } else { SAMPLES } || limited(case, pile) {
        return None;
    }
    if let Some(why) = fell(counts) {
        return Some(why);
    }
    let (flat, last) = (level(counts)?, counts.last()?);
    Some(format!("have stayed near {} over the last {}", number(*last as i64), many(flat, "sample", "samples")))
}

/// Whether there were clearly fewer than before in some sample after the first.
fn fell(counts: &[u64]) -> Option<String> {
    let mut top = 0;
    for (at, &n) in counts.iter().enumerate() {
        top = top.max(n);
        if n * 10 < top * 9 {
            let when = if at + 1 == counts.len() { "" } else { " in between" };
            return Some(format!("went back from {} to {}{when}", number(top as i64), number(n as i64)));
        }
    }
    None
}

/// There are more processes than before, and each holds no more: a load that grew, or more sessions. Those that were there then tell it;
/// where all were started anew, what one holds on average does.
fn by_processes(case: &Case<'_>, pile: &Pile, growth: &Growth) -> Option<String> {
    let first = same_pile(&case.earlier.get(growth.since)?.piles, pile)?;
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
