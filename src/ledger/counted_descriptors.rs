//! Descriptors of a process as a pipeline counted them: `ls /proc/4684/fd | wc -l`, or a loop that does so for each process.

use super::command::{prints_of, process_in, without_header};
use super::kind::Kind;
use super::pile::{Owner, Pile};
use super::tally::holder;
use crate::capture::snapshot::Counted;
use crate::capture::{Quote, Snapshot};
use crate::formats::fd_counts::NAMELESS;
use crate::formats::pid::{asked_program, entered, pid_of};
use crate::formats::prompt;
use crate::formats::tally::descriptors_of;
use std::collections::BTreeMap;

/// From how many sockets on as many descriptors of a process are no accident.
const MANY: u64 = 100;

/// Puts the counts of descriptors that pipelines made to the piles of their processes, and the limits of those that no listing has.
pub fn apply(snapshot: &Snapshot, piles: &mut [Pile]) {
    let counted = descriptors(snapshot);
    for pile in piles.iter_mut() {
        let Some((pid, _)) = pile.owner.as_ref().and_then(|o| o.pids.first()) else { continue };
        if let Some((n, quote)) = counted.get(pid).filter(|(n, _)| pile.descriptors.as_ref().is_none_or(|(known, ..)| known < n)) {
            pile.descriptors = Some((*n, true, quote.clone()));
        }
        if pile.limit.is_none() {
            pile.limit = snapshot.processes.get(pid).and_then(super::pile::own_limit);
        }
        if pile.limit.is_none() {
            pile.nameless_limit = super::pile::nameless_limit(snapshot);
        }
        let seen = pile.descriptors.iter().map(|(n, _, quote)| (*n, quote.clone()));
        pile.at_least = seen.chain(counted_own(pile)).chain(pile.at_least.take()).max_by_key(|(n, _)| *n);
        // Each socket that was counted has a descriptor, however few rows are shown.
        if let (Some(shown), Some((most, told))) = (&mut pile.descriptors, &pile.at_least)
            && shown.0 < *most
        {
            *shown = (*most, false, told.clone());
        }
    }
}

/// The sockets of a pile of one process as a pipeline counted them.
fn counted_own(pile: &Pile) -> Option<(u64, Quote)> {
    let word = pile.words.iter().find(|w| w.source == "tally" && w.count == pile.count)?;
    let one = pile.owner.as_ref().is_some_and(|o| o.pids.len() == 1) && !matches!(pile.kind, Kind::TimeWait);
    Some((pile.count, word.quote.clone()?)).filter(|_| one)
}

/// Descriptors of a process as a pipeline counted them: `ls /proc/PID/fd | wc -l`, or a loop that does so for each, by pid. Of several
/// counts the last.
pub fn descriptors(snapshot: &Snapshot) -> BTreeMap<u32, (u64, Quote)> {
    snapshot.tallies.iter().filter_map(|t| Some((process_counted(t, snapshot)?, (entries(t), t.quote.clone())))).collect()
}

/// The last such count of a process that its command asked for by its program's name, and that nothing else tells.
pub fn asked_for(snapshot: &Snapshot, program: &str) -> Option<(u64, Quote)> {
    let counts = |t: &&Counted| t.label.is_empty() && counts_listing(t) && asked_program(t.command.as_bytes()) == Some(program.as_bytes());
    snapshot.tallies.iter().rfind(counts).map(|t| (entries(t), t.quote.clone()))
}

/// The process in whose network namespace a pipeline counted, if hardly another can hold them: it has as many descriptors and few more.
pub(super) fn in_namespace(tally: &Counted, snapshot: &Snapshot) -> Option<u32> {
    let pid = entered(tally.command.as_bytes())?;
    let open = snapshot.tallies.iter().rfind(|t| process_counted(t, snapshot) == Some(pid)).map(entries)?;
    (tally.value >= MANY && fits_table(tally.value, open)).then_some(pid)
}

/// Whether a table of so many descriptors has room for so many sockets, and for few others.
fn fits_table(sockets: u64, descriptors: u64) -> bool {
    descriptors >= sockets && descriptors <= sockets.saturating_mul(5) / 4 + 64
}

/// Whether somebody counted the descriptors of some process.
pub fn counts_some(snapshot: &Snapshot) -> bool {
    snapshot.tallies.iter().any(|t| t.label.is_empty() && counts_listing(t))
}

/// All such counts of one process, in the order in which they were made.
pub fn course(snapshot: &Snapshot, pid: u32) -> Vec<u64> {
    snapshot.tallies.iter().filter(|t| process_counted(t, snapshot) == Some(pid)).map(entries).collect()
}

/// The process whose descriptors are counted.
pub(super) fn process_counted(t: &Counted, snapshot: &Snapshot) -> Option<u32> {
    if let Some(pid) = descriptors_of(t.label.as_bytes()) {
        return Some(pid);
    }
    if t.command.is_empty() && t.label == NAMELESS {
        return only_limited(snapshot);
    }
    if !counts_lines(t) || is_filtered(t) || !t.command.contains("/fd") {
        return None;
    }
    match t.label.as_str() {
        "" => process_in(&t.command, snapshot).filter(|_| counts_listing(t)),
        label => super::labels::process_of(label).map(|p| p.0).filter(|_| t.command.contains("for ")),
    }
}

/// Whether a count is one of all that lsof lists, without a filter: of one process, or of all that it was not asked to leave out.
pub(super) fn lists_all_of(t: &Counted, snapshot: &Snapshot) -> Option<Option<u32>> {
    let mut parts = t.command.split('|');
    let lsof = parts.next().filter(|part| prints_of(part, "lsof"))?;
    let whole = t.label.is_empty() && parts.next().is_some_and(|part| matches!(part.trim(), "wc -l" | "wc")) && parts.next().is_none();
    // Of one user, one file or the network alone a process may have more.
    let selects = lsof.split_whitespace().any(|w| matches!(w, "-i" | "-u" | "-g" | "-d" | "-c") || w.starts_with('/'));
    let pid = process_in(&t.command, snapshot);
    (whole && (pid.is_some() || !(selects || lsof.contains("-p")))).then_some(pid)
}

/// Whether a count is one of lines.
fn counts_lines(t: &Counted) -> bool {
    t.command.contains("wc -l") || t.command.trim_end().ends_with("| wc")
}

/// Whether a pipeline drops lines. What names a process by `pgrep` filters nothing.
fn is_filtered(t: &Counted) -> bool {
    t.command.split('|').skip(1).any(|part| part.contains("grep"))
}

/// Whether all entries of one directory of descriptors were counted.
fn counts_listing(t: &Counted) -> bool {
    !is_filtered(t) && t.command.trim_start().starts_with("ls") && t.command.contains("/fd") && counts_lines(t)
}

/// The only process whose limits were captured: whoever counted descriptors beside them had it in mind.
fn only_limited(snapshot: &Snapshot) -> Option<u32> {
    let mut limited = snapshot.processes.iter().filter(|(_, p)| p.nofile.is_some());
    let (&pid, _) = limited.next()?;
    limited.next().is_none().then_some(pid)
}

/// How many entries a count of lines tells: `ls -l` prints a total above.
fn entries(t: &Counted) -> u64 {
    let ls = t.command.find("ls ").and_then(|at| t.command.get(at..)).unwrap_or("");
    let listing = ls.split('|').next().unwrap_or("");
    let header = listing.split_whitespace().any(|w| w.starts_with('-') && !w.starts_with("--") && w.contains('l'));
    t.value.saturating_sub(u64::from(header))
}

/// The one process that has hardly more descriptors than there are sockets, where no other's were counted to be as many.
pub(super) fn as_many(snapshot: &Snapshot, count: u64) -> Option<Owner> {
    let mut open = descriptors(snapshot);
    for (pid, tally) in snapshot.tallies.iter().filter_map(|t| Some((lines_of_lsof(t)?, t))) {
        open.entry(pid).or_insert((without_header(tally), tally.quote.clone()));
    }
    let mut counted = open.into_iter().filter(|(_, (n, _))| *n >= count);
    let (pid, (n, _)) = counted.next()?;
    if count < MANY || !fits_table(count, n) || counted.next().is_some() {
        return None;
    }
    Some(holder(snapshot, pid, count))
}

/// The process all of whose rows of lsof were counted: its descriptors, and some files beside them.
fn lines_of_lsof(t: &Counted) -> Option<u32> {
    let (lsof, count) = t.command.split_once('|')?;
    let whole = t.label.is_empty() && count.trim() == "wc -l" && prompt::program(lsof.as_bytes()) == b"lsof";
    pid_of("", lsof.as_bytes()).filter(|_| whole)
}
