//! The case of one host: everything a cause may look at, and the questions that several causes ask.

use super::past::History;
use super::port_exhaustion::PortUse;
use super::vanished::Vanished;
use crate::capture::logs::Sighting;
use crate::capture::passing::FIRST_PORT;
use crate::capture::process::base_name;
use crate::capture::trace::{Outcome, Pattern, Tale, Trace};
use crate::capture::{End, Interner, Member, Quote, Snapshot};
use crate::config::Thresholds;
use crate::facts::IdentityKey;
use crate::host::{Host, Source};
use crate::ledger::{Figure, Kind, Ledger, Pile, books};
use crate::signatures::Weight;
use std::collections::BTreeMap;
use std::sync::OnceLock;

/// By how much the numbers in a trace may differ from the highest that rows show: both are of different moments.
const NEXT: i32 = 256;

/// A number from which on it is no accident that a trace hands out the next one after a listing's last.
const FIRST_TELLING: i64 = 256;

/// How many numbers may have been taken between a listing and a trace that goes on where it ends.
const SOON: i64 = 16;

/// One host's case.
pub struct Case<'a> {
    /// The host.
    pub host: &'a Host,
    /// All hosts, of which it is one.
    pub hosts: &'a [Host],
    /// All inputs.
    pub sources: &'a [Source],
    /// The snapshot that is diagnosed.
    pub snapshot: &'a Snapshot,
    /// Names of its rows.
    pub names: &'a Interner,
    /// Its members.
    pub members: &'a [Member],
    /// Its ledger.
    pub ledger: &'a Ledger<'a>,
    /// Ledgers of earlier snapshots of the same host that hold rows, oldest first.
    pub earlier: &'a [Ledger<'a>],
    /// Thresholds.
    pub thresholds: &'a Thresholds,
    /// What earlier samples say of each pile of the ledger, once it was asked for.
    pub histories: Vec<OnceLock<History>>,
    /// The local ports that are used most toward one remote, once they were asked for: all rows are gone through.
    pub port_use: OnceLock<Option<PortUse>>,
    /// Servers whose clients are gone, by the numbers of their piles, once it was asked for: tables of all hosts are gone through.
    pub vanished: OnceLock<BTreeMap<usize, Vanished>>,
}

/// How surely a trace or log line belongs to a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Tie {
    /// Nothing ties it to another process.
    Loose,
    /// The same program.
    Program,
    /// The same process.
    Process,
}

impl<'a> Case<'a> {
    /// The last reading of a counter.
    pub fn counter(&self, name: &str) -> Option<Figure> {
        books::latest(self.snapshot, self.names, name)
    }

    /// How much a counter rose from the first to the last reading, if it was read more than once.
    pub fn delta(&self, name: &str) -> Option<Figure> {
        let series = self.host.series(self.sources, name);
        let (first, last) = (series.first()?, series.last()?);
        (series.len() > 1)
            .then(|| Figure { value: last.value.saturating_sub(first.value), at: vec![first.quote.clone(), last.quote.clone()] })
    }

    /// How much a counter rose between its last two readings.
    pub fn step(&self, name: &str) -> Option<Figure> {
        let series = self.host.series(self.sources, name);
        let [.., before, last] = series.as_slice() else { return None };
        Some(Figure { value: last.value.saturating_sub(before.value), at: vec![before.quote.clone(), last.quote.clone()] })
    }

    /// How many more sockets a pile has than in the snapshot before: a program that was restarted in between the first and the last has begun
    /// anew.
    pub fn gained(&self, pile: &Pile) -> Option<u64> {
        let before = same_pile(&self.earlier.last()?.piles, pile).filter(|_| super::past::in_order(self))?;
        pile.count.checked_sub(before.count)
    }

    /// The first port that the kernel hands out by itself: what the host says, or Linux's default.
    pub fn first_port(&self) -> i64 {
        self.counter("sysctl.net.ipv4.ip_local_port_range.low").map_or(FIRST_PORT.into(), |f| f.value)
    }

    /// How much the kernel's count of TCP sockets in no table rose between its readings: of several snapshots, or one below the other in one
    /// file, whose order is that of time.
    pub fn unhashed_rise(&self) -> Option<Figure> {
        let by_ss = || {
            let (rise, waiting) = (self.delta("ss.tcp.closed")?, self.delta("ss.tcp.timewait")?);
            Some(Figure { value: rise.value.saturating_sub(waiting.value), ..rise })
        };
        let by_sockstat = || {
            let (rise, ip4, ip6) =
                (self.delta("sockstat.tcp.alloc")?, self.delta("sockstat.tcp.inuse")?, self.delta("sockstat.tcp6.inuse")?);
            Some(Figure { value: rise.value.saturating_sub(ip4.value).saturating_sub(ip6.value), ..rise })
        };
        let rise = by_ss().or_else(by_sockstat)?;
        let one_file = rise.at.first().map(|q| q.at.member) == rise.at.last().map(|q| q.at.member);
        (one_file || self.host.takes.len() > 1).then_some(rise)
    }

    /// The input that the diagnosed snapshot comes from.
    pub(super) fn input(&self) -> usize {
        self.host.takes.get(self.host.main).map_or(0, |t| t.input)
    }

    /// The number of a pile of the ledger, by where it stands: to look for it would take as many steps as there are, for each of them.
    pub(super) fn number(&self, pile: &Pile) -> Option<usize> {
        let piles = self.ledger.piles.as_slice();
        let n = std::ptr::from_ref(pile).addr().checked_sub(piles.as_ptr().addr())? / size_of::<Pile>();
        piles.get(n).filter(|p| std::ptr::eq(*p, pile)).map(|_| n)
    }

    /// Traces of the holders of a pile, with how surely they are theirs.
    pub fn traces(&self, pile: &Pile) -> Vec<(&'a Trace, Tie)> {
        let traces = self.snapshot.traces.iter();
        traces.filter_map(|t| Some((t, self.tie_of_trace(t, pile)?))).collect()
    }

    fn tie_of_trace(&self, trace: &Trace, pile: &Pile) -> Option<Tie> {
        let owner = pile.owner.as_ref()?;
        match trace.pid {
            Some(pid) if owner.has(pid) => Some(Tie::Process),
            Some(pid) => {
                let other = self.snapshot.processes.get(&pid).filter(|p| !p.command.is_empty() || !p.cmdline.is_empty());
                match other {
                    Some(p) if p.command == owner.command && p.program() == owner.program => Some(Tie::Program),
                    Some(_) => None,
                    // `strace -ff` writes a file for each thread.
                    None if self.is_beside(trace, |pid| owner.has(pid)) => Some(Tie::Program),
                    None if owner.pids.iter().any(|(pid, _)| self.continues(trace, *pid)) => Some(Tie::Program),
                    // A process that nothing else in the capture names may be another run of the only program that is in question.
                    None => (self.is_only_program(pile) || self.leads_where_only(trace, pile)).then_some(Tie::Loose),
                }
            }
            None if owner.pids.iter().any(|(p, _)| trace.threads.contains(p)) => Some(Tie::Process),
            None => (self.is_only_program(pile) || self.leads_where_only(trace, pile)).then_some(Tie::Loose),
        }
    }

    /// Whether a trace that names no process leaves connections open to the remote that the rows of a pile lead to and no other process's
    /// do, under numbers that follow or are among those of its holder.
    fn leads_where_only(&self, trace: &Trace, pile: &Pile) -> bool {
        let Some((remote, n)) = pile.top_remote().filter(|_| pile.accepted != Some(true)) else { return false };
        let others = |p: &&Pile| p.owner.is_some() && !same_owner(p, pile);
        if n * 10 < pile.count * 9 || self.ledger.piles.iter().filter(others).any(|p| p.traits.remotes.get(&remote) > 0) {
            return false;
        }
        let first = pile.owner.as_ref().and_then(|o| o.pids.first());
        let highest = first.and_then(|(pid, _)| self.ledger.holdings.get(pid)?.highest);
        let follows = |(low, high): (i32, i32)| {
            highest.is_none_or(|h| {
                let h = i32::try_from(h).unwrap_or(i32::MAX);
                low <= h.saturating_add(NEXT) && high >= h.saturating_sub(NEXT)
            })
        };
        let left = |(p, t): (&Pattern, &Tale)| p.remote == Some(remote) && t.open > 0 && t.numbers.is_some_and(follows);
        trace.tales.iter().any(left)
    }

    /// Whether a trace goes on where the listing of a process ends: the first number that it leaves open is the next free one there, as of
    /// no other process. It may have been attached to a thread.
    pub fn continues(&self, trace: &Trace, pid: u32) -> bool {
        let Some(low) = trace.tales.values().filter(|t| t.open > 0).filter_map(|t| t.numbers).map(|n| i64::from(n.0)).min() else {
            return false;
        };
        let apart = |other: u32| self.ledger.holdings.get(&other).and_then(|h| h.highest).map(|h| low - i64::from(h));
        let next = low >= FIRST_TELLING && apart(pid).is_some_and(|n| (1..=SOON).contains(&n));
        next && self.ledger.holdings.keys().filter(|&&other| other != pid).all(|&other| apart(other).is_none_or(|n| n.abs() > NEXT.into()))
    }

    /// Whether a process that nothing names may be a thread of one that is listed: its number is among the next ones after that, of which as many
    /// are its threads.
    pub fn may_be_thread(&self, tid: u32, pid: u32) -> bool {
        let threads = self.snapshot.processes.get(&pid).and_then(|p| p.threads).unwrap_or(0);
        threads > 1 && !self.snapshot.processes.contains_key(&tid) && (1..=threads).contains(&tid.saturating_sub(pid))
    }

    /// Whether a trace is of a set of files that differ in the number at the end of their names, one of which is of such a process.
    pub fn is_beside(&self, trace: &Trace, known: impl Fn(u32) -> bool) -> bool {
        let Some(stem) = self.family(trace) else { return false };
        self.snapshot.traces.iter().any(|t| t.pid.is_some_and(&known) && self.family(t) == Some(stem))
    }

    /// The path of a trace's file without the number of its thread: `trace` of `trace.30553`.
    fn family(&self, trace: &Trace) -> Option<&str> {
        let (stem, number) = self.members.get(trace.at.member.0 as usize)?.path.rsplit_once('.')?;
        (number.parse().ok() == trace.pid && trace.pid.is_some()).then_some(stem)
    }

    /// Log lines of this host.
    pub fn told(&self) -> impl Iterator<Item = &'a Sighting> {
        let logs = &self.snapshot.logs;
        let own = self.host.name();
        logs.sightings.iter().filter(move |s| own.as_deref().is_none_or(|own| !logs.is_elsewhere(s, own)))
    }

    /// Log lines of this host that point to a limit or a shortage, and are not of days before the capture: what was full then may not be now.
    pub fn told_now(&self, code: &'a str) -> impl Iterator<Item = &'a Sighting> {
        self.told_lately().filter(move |s| s.points_to.iter().any(|p| p == code))
    }

    /// Log lines of this host that are not of days before the capture.
    pub fn told_lately(&self) -> impl Iterator<Item = &'a Sighting> {
        let captured = self.day();
        let past = move |s: &Sighting| {
            let printed = if s.last_at.is_empty() { &s.first_at } else { &s.last_at };
            captured.is_some_and(|day| super::when::is_past(printed, day) == Some(true))
        };
        self.told().filter(move |s| !past(s))
    }

    /// The day of the diagnosed snapshot, by its own clock.
    pub(super) fn day(&self) -> Option<jiff::civil::Date> {
        let dated = |take: &crate::host::Take| Some(take.snapshot.identity.get(&IdentityKey::Date)?.0.clone());
        let date = self.host.takes.get(self.host.main).and_then(dated).or_else(|| self.host.takes.iter().rev().find_map(dated))?;
        let stamp = date.parse::<jiff::Timestamp>().ok().map(|t| jiff::tz::Offset::UTC.to_datetime(t).date());
        stamp.or_else(|| date.parse::<jiff::civil::DateTime>().ok().map(|t| t.date()))
    }

    /// Log lines that may be the holders' and may tell of the pile, with how surely they are theirs.
    pub fn sightings(&self, pile: &Pile) -> Vec<(&'a Sighting, Tie)> {
        let written = self.written_by(pile);
        let scales = super::doubt::Scales::of(self, pile, &written);
        written.iter().copied().filter(|(s, _)| scales.doubt(s).is_none()).collect()
    }

    /// Log lines that tell of failures and yet cannot have left the pile, each with the reason.
    pub fn doubted(&self, pile: &Pile) -> Vec<(&'a Sighting, super::doubt::Doubt)> {
        let written = self.written_by(pile);
        let scales = super::doubt::Scales::of(self, pile, &written);
        written.iter().filter_map(|(s, _)| Some((*s, scales.doubt(s)?))).collect()
    }

    fn written_by(&self, pile: &Pile) -> Vec<(&'a Sighting, Tie)> {
        let all = self.told().filter(|s| !s.kernel);
        all.filter_map(|s| Some((s, super::writer::tie(self, s, pile)?))).collect()
    }

    /// The log line that comes most often of those that tell of a cause of left-over sockets in no connection state. One that does not say
    /// whose it is counts where only one program is in question.
    pub fn told_by_cause(&self, pile: &Pile) -> Option<(&'a Sighting, Tie)> {
        const CAUSES: &[&str] = &["connect-failed-not-closed", "never-connected", "reset-not-closed"];
        let only = self.is_only_program(pile);
        self.sightings(pile)
            .into_iter()
            .filter(|(s, tie)| {
                s.weight == Weight::Cause
                    && s.points_to.first().is_some_and(|p| CAUSES.contains(&p.as_str()))
                    && (only || *tie > Tie::Loose)
            })
            .max_by_key(|(s, tie)| (*tie, s.count))
    }

    pub(super) fn is_only_program(&self, pile: &Pile) -> bool {
        let mut owners = self.ledger.piles.iter().filter(|p| p.kind != Kind::File).filter_map(|p| p.owner.as_ref()).map(|o| &o.command);
        let mine = pile.owner.as_ref().map(|o| &o.command);
        owners.all(|o| Some(o) == mine)
    }

    /// Tales of a trace that fit.
    pub fn tales<'t>(&self, trace: &'t Trace, fits: impl Fn(&Pattern) -> bool) -> Vec<(&'t Pattern, &'t Tale)> {
        trace.tales.iter().filter(|(p, _)| fits(p)).collect()
    }

    /// The errno's name of an outcome.
    pub fn errno(&self, outcome: Outcome) -> Option<String> {
        match outcome {
            Outcome::Failed(name) => Some(self.names.text(name)),
            _ => None,
        }
    }

    /// An endpoint as reports print it.
    pub fn show(&self, end: End) -> String {
        end.show(self.names)
    }

    /// The path of the member a quote stands in.
    pub fn path(&self, quote: &Quote) -> &str {
        self.members.get(quote.at.member.0 as usize).map_or("", |m| m.path.as_str())
    }
}

/// The pile of the same kind and owner among those of another sample.
pub fn same_pile<'p>(piles: &'p [Pile], pile: &Pile) -> Option<&'p Pile> {
    let same = || piles.iter().filter(|p| p.kind == pile.kind && same_owner(p, pile));
    // What was accepted and what was opened may be two.
    same().find(|p| p.accepted == pile.accepted).or_else(|| same().next())
}

/// Whether two piles belong to the same program: a common pid, or the same command and program, which an interpreter's name alone is not.
pub fn same_owner(a: &Pile, b: &Pile) -> bool {
    match (&a.owner, &b.owner) {
        (Some(a), Some(b)) => {
            let named = !a.program.is_empty() && (!a.cmdline.is_empty() || crate::ledger::is_pool(&a.command));
            // Without its command line a program is known by its name alone.
            let one = || base_name(&a.program) == base_name(&b.program);
            a.pids.iter().any(|&(p, _)| b.has(p)) || (named && a.command == b.command && one())
        }
        (None, None) => true,
        _ => false,
    }
}
