//! Counts that a pipeline made again and again: what it counted last is what is, and the others tell how it came to that.
//!
//! ```text
//! $ while sleep 300; do ss -tan | grep -c CLOSE-WAIT; done
//! 118
//! 142
//! ```

use super::pile::Pile;
use super::tally::without_header;
use super::{census, counted_sockets};
use crate::capture::snapshot::Counted;
use crate::capture::{Quote, Snapshot};
use std::collections::BTreeMap;

/// The longest course of such counts of the sockets of a pile, with the line of each: of its kind, or of all that its process has.
pub fn of_pile(snapshot: &Snapshot, pile: &Pile) -> Vec<(u64, Quote)> {
    let mut courses: BTreeMap<(&str, &str), Vec<(u64, Quote)>> = BTreeMap::new();
    let mine = |pid: Option<u32>| pid.is_none_or(|pid| pile.owner.as_ref().is_some_and(|o| o.has(pid) && o.pids.len() == 1));
    for tally in snapshot.tallies.iter().filter(|t| comes_again(t)) {
        let of_kind = || census::of(tally, snapshot).is_some_and(|c| c.kind == pile.kind && mine(c.pid));
        let of_all = || counted_sockets::process_counted(tally, snapshot).is_some_and(|pid| pile.held_by(pid) && mine(Some(pid)));
        if of_kind() || of_all() {
            let value = without_header(tally);
            courses.entry((&tally.command, &tally.label)).or_default().push((value, tally.quote.clone()));
        }
    }
    courses.into_values().max_by_key(Vec::len).unwrap_or_default()
}

/// Whether a count under the same command and label is of the same thing at another time: what goes over a list names it by a variable.
pub(super) fn comes_again(t: &Counted) -> bool {
    let names = |w: &[u8]| matches!(w, [b'$', next] if next.is_ascii_alphabetic() || matches!(next, b'{' | b'_'));
    !t.command.is_empty() && !t.command.as_bytes().windows(2).any(names)
}
