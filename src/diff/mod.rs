//! What changed between two captures: sockets, processes, states, counters, verdict, and how long each limit still lasts.
//!
//! This compares what captures mean, not their text: a socket that moved to another line did not change.

mod limits;
mod side;

pub use limits::{Limit, Span};
pub use side::{Pile, Side};

use crate::bundle::{Input, Limits as Caps};
use crate::config::Config;
use crate::diagnosis;
use crate::error::Error;
use crate::host;
use crate::read;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

/// An input read for comparison.
#[derive(Debug)]
pub struct Taken {
    /// As named.
    pub input: String,
    /// The verdict on all of it.
    pub verdict: &'static str,
    /// Its one sentence.
    pub headline: String,
    /// Each host's last snapshot that holds rows.
    pub last: Vec<Side>,
    /// Each host's first snapshot that holds rows, where it has several.
    pub first: Vec<Side>,
}

/// What changed on one host.
#[derive(Debug, Serialize)]
pub struct Change {
    /// The host.
    pub host: String,
    /// When the old one was captured.
    pub old_captured_at: Option<String>,
    /// When the new one was captured.
    pub new_captured_at: Option<String>,
    /// Seconds between them, where both tell or the user does.
    pub seconds: Option<f64>,
    /// Sockets by program and kind, those that changed most first.
    pub sockets: Vec<Moved>,
    /// Processes that are only in the new one.
    pub started: Vec<ProcessName>,
    /// Processes that are only in the old one.
    pub ended: Vec<ProcessName>,
    /// TCP rows by state.
    pub states: Vec<Counted>,
    /// Counters that changed.
    pub counters: Vec<Counted>,
    /// How far each limit is.
    pub limits: Vec<Limit>,
    /// What a reader should know.
    pub notes: Vec<String>,
}

/// A pile that changed.
#[derive(Debug, Serialize)]
pub struct Moved {
    /// The holder; empty where the captures name none.
    pub command: String,
    /// What it really is.
    pub program: String,
    /// Its processes in the new one, or in the old one if it has gone.
    pub pids: Vec<u32>,
    /// The kind.
    pub socket_kind: &'static str,
    /// Sockets in the old one; null where it cannot tell.
    pub old: Option<u64>,
    /// Sockets in the new one; null where it cannot tell.
    pub new: Option<u64>,
    /// New minus old.
    pub change: Option<i64>,
    /// Change per second.
    pub per_second: Option<f64>,
    /// A line of the new one, or of the old one.
    pub at: Option<String>,
}

/// A number that changed.
#[derive(Debug, Serialize)]
pub struct Counted {
    /// Its name.
    pub name: String,
    /// In the old one; null where it was not captured.
    pub old: Option<i64>,
    /// In the new one; null where it was not captured.
    pub new: Option<i64>,
    /// New minus old.
    pub change: Option<i64>,
    /// Change per second.
    pub per_second: Option<f64>,
}

/// A process.
#[derive(Debug, Serialize)]
pub struct ProcessName {
    /// Its number.
    pub pid: u32,
    /// Its name.
    pub command: String,
}

/// Reads an input.
///
/// # Errors
/// It cannot be read or is refused.
pub fn take(input: &Input, caps: &Caps, config: &Config) -> Result<Taken, Error> {
    let read = read::inputs(std::slice::from_ref(input), caps, config.signatures(), None)?;
    let (sources, hosts) = host::hosts(read);
    let mut last = Vec::new();
    let mut first = Vec::new();
    for host in &hosts {
        last.extend(host.takes.get(host.main).and_then(|t| Side::of(host, t, &sources)));
        let earlier = host.takes.iter().take(host.main).find(|t| t.snapshot.has_rows());
        first.extend(earlier.and_then(|t| Side::of(host, t, &sources)));
    }
    let diagnosis = diagnosis::diagnose(sources, &hosts, &config.thresholds);
    Ok(Taken { input: input.path.clone(), verdict: diagnosis.verdict.word(), headline: diagnosis.headline, last, first })
}

/// Pairs the hosts of two captures: by label, or the only ones.
pub fn pairs<'s>(old: &'s [Side], new: &'s [Side]) -> Vec<(&'s Side, &'s Side)> {
    if let ([a], [b]) = (old, new) {
        return vec![(a, b)];
    }
    new.iter().filter_map(|b| Some((old.iter().find(|a| a.label == b.label)?, b))).collect()
}

/// What changed from one side to the other; `seconds` overrules what the captures tell of their times.
pub fn compare(old: &Side, new: &Side, seconds: Option<f64>) -> Change {
    let mut notes = Vec::new();
    let told = old.time.zip(new.time).map(|(a, b)| b - a);
    let seconds = seconds.or(told).filter(|s| *s > 0.0);
    match told {
        Some(t) if t < 0.0 => notes.push("OLD was captured after NEW: swap them".to_string()),
        _ if seconds.is_none() => {
            notes.push(
                "the captures do not both tell their time, so there are no rates; --seconds N says how far apart they are".to_string(),
            );
        }
        _ => {}
    }
    Change {
        host: new.label.clone(),
        old_captured_at: old.captured_at.clone(),
        new_captured_at: new.captured_at.clone(),
        seconds,
        sockets: sockets(old, new, seconds),
        started: missing_in(&old.processes, &new.processes),
        ended: missing_in(&new.processes, &old.processes),
        states: changed(&old.states, &new.states, seconds, (old.states_whole, new.states_whole)),
        counters: telling_first(changed(&old.counters, &new.counters, seconds, (false, false))),
        limits: limits::limits(old, new, seconds),
        notes,
    }
}

fn sockets(old: &Side, new: &Side, seconds: Option<f64>) -> Vec<Moved> {
    let mut matched = BTreeSet::new();
    let mut moved = Vec::new();
    for pile in &new.piles {
        let before = counterpart(&old.piles, pile, &matched);
        matched.extend(before.map(|(n, _)| n));
        let was = before.map(|(_, p)| p.count).or_else(|| old.covers(pile.kind).then_some(0));
        moved.push(movement(pile, was, Some(pile.count), seconds));
    }
    for (_, gone) in old.piles.iter().enumerate().filter(|(n, _)| !matched.contains(n)) {
        let is = new.covers(gone.kind).then_some(0);
        moved.push(movement(gone, Some(gone.count), is, seconds));
    }
    moved.retain(|m| m.change != Some(0));
    moved.sort_by_key(|m| (std::cmp::Reverse(m.change.map_or(0, i64::unsigned_abs)), m.command.clone(), m.socket_kind));
    moved
}

/// The pile of the same program: one of its processes first, else its name.
fn counterpart<'s>(piles: &'s [Pile], like: &Pile, taken: &BTreeSet<usize>) -> Option<(usize, &'s Pile)> {
    let open = || piles.iter().enumerate().filter(|(n, p)| !taken.contains(n) && p.kind == like.kind && p.command == like.command);
    let shared = open().find(|(_, p)| p.pids.iter().any(|pid| like.pids.contains(pid)));
    shared.or_else(|| open().find(|(_, p)| p.program == like.program))
}

fn movement(pile: &Pile, old: Option<u64>, new: Option<u64>, seconds: Option<f64>) -> Moved {
    let change = old.zip(new).map(|(a, b)| b as i64 - a as i64);
    Moved {
        command: pile.command.clone(),
        program: pile.program.clone(),
        pids: pile.pids.clone(),
        socket_kind: pile.kind.word(),
        old,
        new,
        change,
        per_second: rate(change, seconds),
        at: pile.at.clone(),
    }
}

fn missing_in(here: &BTreeMap<u32, String>, there: &BTreeMap<u32, String>) -> Vec<ProcessName> {
    // A side that names no processes says nothing of which ran.
    if here.is_empty() {
        return Vec::new();
    }
    let name = |(&pid, command): (&u32, &String)| ProcessName { pid, command: command.clone() };
    there.iter().filter(|(pid, command)| here.get(pid) != Some(command)).map(name).collect()
}

/// Numbers that differ; one that only one side has is told unless that side is known to be whole, where it is zero.
fn changed(
    old: &BTreeMap<String, i64>,
    new: &BTreeMap<String, i64>,
    seconds: Option<f64>,
    (old_whole, new_whole): (bool, bool),
) -> Vec<Counted> {
    let names: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    let counted = |name: &String| {
        let value = |map: &BTreeMap<String, i64>, whole: bool| map.get(name).copied().or(whole.then_some(0));
        let (old, new) = (value(old, old_whole), value(new, new_whole));
        let change = old.zip(new).map(|(a, b)| b.saturating_sub(a));
        Counted { name: name.clone(), old, new, change, per_second: rate(change, seconds) }
    };
    names.into_iter().map(counted).filter(|c| c.change.is_some_and(|d| d != 0)).collect()
}

/// Counters of sockets and files before those of packets.
fn telling_first(mut counters: Vec<Counted>) -> Vec<Counted> {
    let rank = |c: &Counted| {
        let known = ["sockstat.", "file_nr.", "ss.tcp.", "snmp.tcp.", "tcpext.", "ss."];
        known.iter().position(|k| c.name.starts_with(k)).unwrap_or(known.len())
    };
    counters.sort_by_key(rank);
    counters
}

fn rate(change: Option<i64>, seconds: Option<f64>) -> Option<f64> {
    change.zip(seconds).map(|(d, s)| d as f64 / s)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::Kind;

    fn side(time: f64, piles: &[(&str, u32, Kind, u64)]) -> Side {
        let pile = |&(command, pid, kind, count): &(&str, u32, Kind, u64)| Pile {
            command: command.into(),
            program: command.into(),
            pids: vec![pid],
            kind,
            count,
            at: None,
        };
        Side { label: "h".into(), time: Some(time), piles: piles.iter().map(pile).collect(), holders_known: true, ..Side::default() }
    }

    #[test]
    fn growth_by_program_and_kind_with_its_rate() {
        let old = side(1000.0, &[("java", 7, Kind::Closed, 100), ("node", 8, Kind::Udp, 5), ("sh", 9, Kind::Unix, 2)]);
        let new = side(1060.0, &[("java", 7, Kind::Closed, 700), ("node", 88, Kind::Udp, 5), ("go", 10, Kind::Listen, 3)]);
        let change = compare(&old, &new, None);
        let rows: Vec<_> = change.sockets.iter().map(|m| (m.command.as_str(), m.old, m.new, m.per_second)).collect();
        assert_eq!(
            rows,
            [("java", Some(100), Some(700), Some(10.0)), ("go", Some(0), Some(3), Some(0.05)), ("sh", Some(2), Some(0), Some(-2.0 / 60.0))]
        );
    }

    #[test]
    fn what_a_side_cannot_tell_is_not_zero() {
        let old = Side { holders_known: false, ..side(0.0, &[]) };
        let change = compare(&old, &side(10.0, &[("java", 7, Kind::Closed, 100)]), None);
        assert_eq!((change.sockets[0].old, change.sockets[0].change), (None, None));
    }

    #[test]
    fn without_times_there_are_no_rates_but_the_user_may_tell() {
        let (mut old, new) = (side(0.0, &[("a", 1, Kind::Udp, 1)]), side(10.0, &[("a", 1, Kind::Udp, 11)]));
        old.time = None;
        let change = compare(&old, &new, None);
        assert!(change.sockets[0].per_second.is_none() && change.notes[0].contains("--seconds"));
        assert_eq!(compare(&old, &new, Some(5.0)).sockets[0].per_second, Some(2.0));
        let swapped = compare(&new, &side(1.0, &[]), None);
        assert!(swapped.notes[0].contains("swap"));
    }

    #[test]
    fn counters_processes_and_states() {
        let mut old = side(0.0, &[]);
        let mut new = side(10.0, &[]);
        old.counters = [("sockstat.tcp.alloc".into(), 5), ("same".into(), 1), ("only-old".into(), 1)].into();
        new.counters = [("sockstat.tcp.alloc".into(), 25), ("same".into(), 1)].into();
        old.processes = [(1, "init".into()), (2, "gone".into())].into();
        new.processes = [(1, "init".into()), (3, "came".into())].into();
        (old.states, old.states_whole) = ([("LISTEN".into(), 2)].into(), true);
        (new.states, new.states_whole) = ([("CLOSE-WAIT".into(), 4)].into(), false);
        let change = compare(&old, &new, None);
        assert_eq!(
            change.counters.iter().map(|c| (c.name.as_str(), c.per_second)).collect::<Vec<_>>(),
            [("sockstat.tcp.alloc", Some(2.0))]
        );
        assert_eq!((change.started[0].pid, change.ended[0].pid), (3, 2));
        // The new table is only part of the whole: that it has no LISTEN says nothing.
        assert_eq!(change.states.iter().map(|c| c.name.as_str()).collect::<Vec<_>>(), ["CLOSE-WAIT"]);
    }
}
