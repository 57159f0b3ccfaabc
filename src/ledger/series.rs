//! Counts that a pipeline made again and again: what it counted last is what is, and the others tell how it came to that.
//!
//! ```text
//! $ while sleep 300; do ss -tan | grep -c CLOSE-WAIT; done
//! 118
//! 142
//! ```

use super::command::{state_in, state_of, without_header};
use super::counted_descriptors;
use super::pile::Pile;
use super::{census, counted_sockets};
use crate::capture::snapshot::Counted;
use crate::capture::{Quote, Snapshot};
use crate::facts::{Citation, SocketState};
use std::collections::BTreeMap;

/// Between which counts of a state most sockets in it have gone: what was counted of its parts before them has gone too.
pub(super) struct Gone(Vec<(SocketState, Citation)>);

impl Gone {
    pub(super) fn of(snapshot: &Snapshot) -> Gone {
        let whole = |t: &Counted| if t.label.is_empty() { state_in(&t.command) } else { state_of(&t.label) };
        let mut before: BTreeMap<(&str, &str), u64> = BTreeMap::new();
        let mut fell = Vec::new();
        for tally in snapshot.tallies.iter().filter(|t| comes_again(t)) {
            let earlier = before.insert((&tally.command, &tally.label), tally.value);
            if earlier.is_some_and(|was| tally.value.saturating_mul(2) <= was)
                && let Some(state) = whole(tally)
            {
                fell.retain(|(of, _)| *of != state);
                fell.push((state, tally.quote.at));
            }
        }
        Gone(fell)
    }

    /// Whether a count is one of parts of a state, made before.
    pub(super) fn has(&self, t: &Counted) -> bool {
        let part = || state_in(&t.command).filter(|_| !t.label.is_empty() && state_of(&t.label).is_none());
        !self.0.is_empty() && part().is_some_and(|state| self.0.iter().any(|(of, at)| *of == state && t.quote.at < *at))
    }
}

/// How counts of the sockets of a pile went.
#[derive(Clone, Debug)]
pub struct Course {
    /// Each with its line, in the order in which they were made.
    pub counts: Vec<(u64, Quote)>,
    /// What was counted.
    pub of: Of,
    /// Seconds that were slept at least between one of them and the next, in all.
    pub slept: u64,
    /// Whether the command names the process by its pid: by a name another may have come in its place.
    pub of_one: bool,
}

/// What a pipeline counted again and again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Of {
    /// All that its tool lists.
    Rows,
    /// What a process has open.
    Descriptors,
    /// All sockets of a process.
    Sockets,
    /// Sockets of the pile's kind.
    Kind,
}

/// The longest course of such counts of the sockets of a pile: of its kind, or of more than those that its process has.
pub fn of_pile(snapshot: &Snapshot, pile: &Pile) -> Option<Course> {
    let mut courses: BTreeMap<(&str, &str), Course> = BTreeMap::new();
    for tally in snapshot.tallies.iter().filter(|t| comes_again(t)) {
        let Some(of) = counted(tally, snapshot, pile) else { continue };
        let course = courses.entry((&tally.command, &tally.label)).or_insert_with(|| Course {
            counts: Vec::new(),
            of,
            slept: 0,
            of_one: census::names_pid(&tally.command),
        });
        // What was slept before the first tells nothing.
        course.slept += if course.counts.is_empty() { 0 } else { tally.slept };
        // Of more than the pile the number is told as it stands.
        let value = if of >= Of::Sockets { without_header(tally) } else { tally.value };
        course.counts.push((value, tally.quote.clone()));
    }
    courses.into_values().max_by_key(|course| (course.counts.len(), course.of))
}

/// What a count is of, if the sockets of a pile are among it.
fn counted(tally: &Counted, snapshot: &Snapshot, pile: &Pile) -> Option<Of> {
    let mine = |pid: Option<u32>| pid.is_none_or(|pid| pile.owner.as_ref().is_some_and(|o| o.has(pid) && o.pids.len() == 1));
    if let Some(census) = census::of(tally, snapshot) {
        return (census.kind == pile.kind && mine(census.pid)).then_some(Of::Kind);
    }
    if let Some(pid) = counted_sockets::process_counted(tally, snapshot) {
        return mine(Some(pid)).then_some(Of::Sockets);
    }
    if let Some(pid) = counted_descriptors::process_counted(tally, snapshot) {
        return mine(Some(pid)).then_some(Of::Descriptors);
    }
    counted_descriptors::lists_all_of(tally, snapshot)
        .filter(|pid| mine(*pid))
        .map(|pid| if pid.is_some() { Of::Descriptors } else { Of::Rows })
}

/// Whether a count under the same command and label is of the same thing at another time: what goes over a list names it by a variable.
pub(super) fn comes_again(t: &Counted) -> bool {
    let names = |w: &[u8]| matches!(w, [b'$', next] if next.is_ascii_alphabetic() || matches!(next, b'{' | b'_'));
    !t.command.is_empty() && !t.command.as_bytes().windows(2).any(names)
}
