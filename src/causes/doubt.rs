//! Whether failures that a log tells of can have left a pile at all: they must have come in the life of the process, in the time in which it
//! grew, in numbers of its order, and not as a consequence of what it did.

use super::calls::Calls;
use super::case::{Case, Tie};
use super::claim::Strength;
use super::forecast::span;
use super::past::Growth;
use super::say::number;
use super::support::times;
use super::when::moment;
use crate::capture::logs::Sighting;
use crate::facts::MemberId;
use crate::ledger::Pile;
use crate::signatures::Weight;
use rustc_hash::FxHashMap;

/// Causes whose lines each tell of one socket that may be left.
const CAUSES: &[&str] = &["connect-failed-not-closed", "never-connected", "reset-not-closed"];

/// Hours by which the clocks of a log and of a listing may differ where one tells its zone and the other none, in seconds.
const ZONES: i64 = 14 * 3600;
/// Seconds from which on a log covers a time worth speaking of.
const HOUR: i64 = 3600;
const DAY: i64 = 24 * HOUR;
/// So few lines, of which each would have to stand for so many sockets, are an accident.
const FEW: u64 = 10;
const EACH: u64 = 100;

/// Why lines are no evidence.
pub struct Doubt {
    /// How much it speaks against the cause that they point to.
    pub strength: Strength,
    /// In a sentence without a full stop.
    pub says: String,
}

/// What the lines of a pile's holder are held against, found once for all of them.
pub struct Scales<'c, 'a> {
    case: &'c Case<'a>,
    pile: &'c Pile,
    year: i16,
    /// When the process was started, by a listing that tells the day.
    started: Option<i64>,
    growth: Option<Growth>,
    calls: Option<Calls>,
    /// Lines by the cause that they point to first.
    lines: FxHashMap<&'c str, u64>,
    /// When no descriptor was left, by the log of each member.
    full: FxHashMap<MemberId, i64>,
}

/// Lines and what they are held against.
struct Told<'s, 'c, 'a> {
    scales: &'s Scales<'c, 'a>,
    sighting: &'s Sighting,
    cause: &'s str,
}

type Why = Option<(Strength, String)>;

impl<'c, 'a> Scales<'c, 'a> {
    /// The scales for lines that may be a pile's holder's.
    pub fn of(case: &'c Case<'a>, pile: &'c Pile, all: &[(&'c Sighting, Tie)]) -> Scales<'c, 'a> {
        // Times without a year are held against each other: any year will do where none is told.
        let year = case.day().map_or(2000, |day| day.year());
        let first = pile.owner.as_ref().and_then(|o| o.pids.first()).and_then(|(pid, _)| case.snapshot.processes.get(pid));
        let (mut lines, mut full) = (FxHashMap::default(), FxHashMap::default());
        for (s, _) in all.iter().filter(|(s, _)| s.weight != Weight::Context) {
            if let Some(cause) = s.points_to.first() {
                *lines.entry(cause.as_str()).or_default() += s.attempts.unwrap_or(0).max(s.count);
            }
            if s.points_to.iter().any(|p| p == "fd-limit-too-low")
                && let Some(at) = moment(&s.first_at, year)
            {
                let known = full.entry(s.first.at.member).or_insert(at);
                *known = at.min(*known);
            }
        }
        Scales {
            case,
            pile,
            year,
            started: first.and_then(|p| moment(&p.started, year)),
            growth: if lines.is_empty() { None } else { case.growth(pile).filter(|g| g.samples > 0) },
            calls: super::calls::of(case, pile),
            lines,
            full,
        }
    }

    /// Why failures that a log tells of cannot have left the pile; `None` if they can.
    pub fn doubt(&self, sighting: &Sighting) -> Option<Doubt> {
        let cause = sighting.points_to.first().filter(|code| CAUSES.contains(&code.as_str()))?;
        if sighting.weight == Weight::Context || self.pile.owner.is_none() {
            return None;
        }
        let told = Told { scales: self, sighting, cause };
        let (strength, why) = told
            .before_the_process()
            .or_else(|| told.after_the_last_descriptor())
            .or_else(|| told.closed_again())
            .or_else(|| told.beside_the_growth())
            .or_else(|| told.too_few())?;
        let where_to = sighting.endpoint.as_ref().map_or(String::new(), |e| format!(" ({e})"));
        Some(Doubt { strength, says: format!("the log tells of failures {}{where_to}, {why}", times(sighting.count)) })
    }
}

impl Told<'_, '_, '_> {
    fn first(&self) -> Option<i64> {
        moment(&self.sighting.first_at, self.scales.year)
    }

    fn last(&self) -> Option<i64> {
        moment(&self.sighting.last_at, self.scales.year).or_else(|| self.first())
    }

    /// From when to when the log has lines, of whatever kind; of a log of which a command printed a part, that part.
    fn covered(&self) -> Option<(i64, i64)> {
        let logs = &self.scales.case.snapshot.logs;
        let (first, _) = logs.covered(self.sighting.first.at)?;
        let (_, last) = logs.covered(self.sighting.last.at)?;
        Some((moment(&first, self.scales.year)?, moment(&last, self.scales.year)?))
    }

    /// All of them are older than the process.
    fn before_the_process(&self) -> Why {
        let (last, started) = (self.last()?, self.scales.started?);
        let zoned = self.sighting.last_at.ends_with('Z') || self.sighting.last_at.contains('+');
        let apart = if zoned { ZONES } else { 0 };
        (last + apart < started).then(|| (Strength::Strong, "all before this process was started".to_string()))
    }

    /// They began when no descriptor was left: without one no name is looked up, and nothing is connected.
    fn after_the_last_descriptor(&self) -> Why {
        let began = *self.scales.full.get(&self.sighting.first.at.member)?;
        let (first, covered) = (self.first()?, self.covered()?);
        // A refusal needs a descriptor: that it began with the shortage must be seen.
        let seen = self.cause == "never-connected" || covered.0 + 60 < began;
        (first + 1 >= began && seen).then(|| (Strength::Strong, "all since no descriptor was left: they follow from that".to_string()))
    }

    /// A table of calls counts as many closes as sockets.
    fn closed_again(&self) -> Why {
        let calls = self.scales.calls.as_ref()?;
        calls.closes_all().then(|| (Strength::Strong, format!("and {}: what fails is closed", calls.says())))
    }

    /// They ended before the pile grew, or went on while it did not.
    fn beside_the_growth(&self) -> Why {
        let growth = self.scales.growth.as_ref()?;
        let between = i64::try_from(growth.seconds?).ok().filter(|&s| s >= 60)?;
        let (first, last, covered) = (self.first()?, self.last()?, self.covered()?);
        let gained = growth.to.saturating_sub(growth.from);
        let silent = covered.1 - last;
        if gained >= 20 && silent > between + between / 10 + 60 {
            let says = format!("none of them in the {} in which {} more were left open", spanned(between), number(gained as i64));
            return Some((Strength::Strong, says));
        }
        // How many came between the samples, if they came evenly.
        let lines = i64::try_from(self.sighting.count).ok()?.saturating_mul(between) / (last - first).max(between).max(1);
        let expected = u64::try_from(lines).ok()?;
        let went_on = silent * 2 < between && last - first >= between / 2;
        (between >= HOUR / 2 && went_on && expected >= 50 && gained * 10 < expected).then(|| {
            let rest = if gained == 0 { "not one".to_string() } else { format!("only {}", number(gained as i64)) };
            (Strength::Strong, format!("about {} of them between the samples, and {rest} was left open in that time", number(lines)))
        })
    }

    /// They are far from as many as the sockets, in a log that covers hours.
    fn too_few(&self) -> Why {
        let lines = self.scales.lines.get(self.cause).copied().unwrap_or(0);
        let (last, covered) = (self.last()?, self.covered()?);
        let length = covered.1 - covered.0;
        if length < HOUR || lines == 0 {
            return None;
        }
        let count = number(self.scales.pile.count as i64);
        if covered.1 - last >= DAY && lines.saturating_mul(4) < self.scales.pile.count {
            let says = format!("and none in the last {} of it: too few, and too long ago, for {count} sockets", spanned(covered.1 - last));
            return Some((Strength::Moderate, says));
        }
        let accident = lines < FEW && lines.saturating_mul(EACH) < self.scales.pile.count;
        accident.then(|| (Strength::Moderate, format!("in a log of {}: too few for {count} sockets", spanned(length))))
    }
}

fn spanned(seconds: i64) -> String {
    span(seconds.unsigned_abs())
}
