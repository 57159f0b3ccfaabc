//! Sockets of one process that a pipeline counted in its listing: `ls -l /proc/4684/fd | grep -c socket`, with what a table lists of them.
//!
//! ```text
//! # ls -l /proc/9801/fd | grep socket | wc -l
//! 1018
//! # ss -anp | grep collector
//! tcp LISTEN 0 128 127.0.0.1:9100 *:* users:(("collector",pid=9801,fd=4))
//! ```
//!
//! What the others are the count does not tell, only that they are many.

use super::kind::Kind;
use super::pile::{CountIs, Pile, Word};
use super::tally;
use super::witness::Traits;
use crate::capture::Snapshot;
use crate::capture::snapshot::Counted;

/// Fewer are no pile, and rows that came or went between two commands may be all of them.
const MANY: u64 = 100;

/// Makes a pile of the sockets that were counted, as far as nothing else in the capture tells what they are.
pub fn apply(snapshot: &Snapshot, piles: &mut Vec<Pile>) {
    for tally in &snapshot.tallies {
        let Some(pid) = process_counted(tally, snapshot) else { continue };
        let listed = snapshot.processes.get(&pid).is_some_and(|p| !p.lists.is_empty());
        let told: u64 = piles.iter().filter(|p| p.kind != Kind::File && p.kind != Kind::Eventpoll && p.held_by(pid)).map(|p| p.count).sum();
        let count = tally.value.saturating_sub(told);
        if listed || count < MANY {
            continue;
        }
        let word = Word { source: "tally", count, quote: Some(tally.quote.clone()) };
        let traits = Traits { quotes: vec![tally.quote.clone()], ..Traits::default() };
        piles.push(Pile::told(Some(tally::holder(snapshot, pid, count)), Kind::Unidentified, word, CountIs::AtLeast, traits));
    }
}

/// The process whose sockets are counted in a listing of its descriptors.
pub(super) fn process_counted(t: &Counted, snapshot: &Snapshot) -> Option<u32> {
    let counts = t.command.contains("wc -l") || t.command.contains("grep -c");
    let selects = ["grep socket", "grep -c socket", "grep 'socket", "grep -c 'socket", "grep \"socket", "grep -c \"socket"];
    let listing = t.command.trim_start().starts_with("ls") && t.command.contains("/fd");
    (t.label.is_empty() && counts && listing && selects.iter().any(|s| t.command.contains(s)))
        .then(|| tally::process_in(&t.command, snapshot))
        .flatten()
}
