//! Rows that a command printed, and their number, which the same command counted with `wc` behind it: what was pasted is a part of those.
//!
//! ```text
//! # lsof -p 2871 | grep broker:4730 | wc -l
//! 1015
//! # lsof -p 2871 | grep broker:4730 | head -4
//! python 2871 agent 12u IPv4 91127340 0t0 TCP host:50322->broker:4730 (ESTABLISHED)
//! ```

use super::pile::{CountIs, Pile, Word};
use super::tasks;
use crate::capture::Snapshot;
use crate::capture::holding::FdList;
use crate::facts::{MemberId, NoteKind};
use std::collections::BTreeMap;

/// Lines from a command to its first row: what tools say on standard error stands between them.
const BEFORE: u32 = 4;

/// Raises piles of which such rows are nearly all that is listed of their process.
pub(super) fn apply(snapshot: &Snapshot, piles: &mut [Pile]) {
    let filtered = snapshot.remarks.iter().filter(|r| r.kind == NoteKind::Filtered && r.format != "tally");
    let printed: BTreeMap<String, (MemberId, u32)> =
        filtered.map(|r| (spelled(without_end(&r.text)), (r.quote.at.member, r.quote.at.line))).collect();
    if printed.is_empty() {
        return;
    }
    let lists = snapshot.processes.iter().flat_map(|(&pid, p)| p.lists.iter().map(move |l| (pid, l))).filter(|(_, l)| l.filtered);
    let lists: BTreeMap<(MemberId, u32), (u32, &FdList)> = lists.map(|(pid, l)| ((l.at.member, l.at.line), (pid, l))).collect();
    // Rows of threads are more than there are descriptors.
    for tally in snapshot.tallies.iter().filter(|t| t.label.is_empty() && !tasks::shows_threads(t)) {
        let Some((member, line)) = counted(&tally.command).and_then(|command| printed.get(&command)) else { continue };
        let mut rows = lists.range((*member, *line)..(*member, line.saturating_add(BEFORE)));
        let (Some((_, &(pid, list))), None) = (rows.next(), rows.next()) else { continue };
        let all_of_it =
            |p: &&mut Pile| p.held_by(pid) && p.count * 10 >= list.descriptors * 9 && p.words.iter().all(|w| w.source != "tally");
        let Some(pile) = piles.iter_mut().find(all_of_it).filter(|p| p.count < tally.value) else { continue };
        if let Some([only]) = pile.owner.as_mut().map(|o| o.pids.as_mut_slice()) {
            only.1 = tally.value;
            (pile.count, pile.is) = (tally.value, CountIs::Estimate);
            pile.words.insert(0, Word { source: "tally", count: tally.value, quote: Some(tally.quote.clone()) });
        }
    }
}

/// The command whose rows a pipeline counted: `wc -l` is its end, or its grep has `-c`. All rows of a listing are of all kinds, whatever is
/// shown of them.
fn counted(command: &str) -> Option<String> {
    let command = spelled(command);
    let rows = match command.strip_suffix("| wc -l") {
        Some(rows) => rows.trim_end().to_string(),
        None if command.contains("grep -c ") => command.replacen("grep -c ", "grep ", 1),
        None => return None,
    };
    rows.contains("| grep ").then_some(rows)
}

/// A pipeline without the `head` or `tail` that shows some of its rows.
fn without_end(command: &str) -> &str {
    match command.rsplit_once('|') {
        Some((rows, end)) if end.trim_start().starts_with("head") || end.trim_start().starts_with("tail") => rows,
        _ => command,
    }
}

/// A command line with one blank between two words.
fn spelled(command: &str) -> String {
    command.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use crate::ledger::{Kind, scope_tests::with};

    #[test]
    fn rows_of_the_command_that_was_counted() {
        let row = |fd: u32| format!("agentd 871 ops {fd}u IPv4 {fd}00 0t0 TCP host:50{fd}->broker:4730 (ESTABLISHED)\n");
        let rows: String = (100..104).map(row).collect();
        let count = |text: &str| {
            with(&[("ticket.txt", text)], |l| l.piles.iter().filter(|p| p.kind == Kind::Established).map(|p| p.count).collect::<Vec<_>>())
        };
        let shown = format!("$ lsof -p 871   | grep broker:4730 | head -4\n{rows}");
        assert_eq!(count(&format!("$ lsof -p 871 | grep broker:4730 | wc -l\n615\n{shown}")), [615]);
        assert_eq!(count(&format!("$ lsof -p 871 | grep -c broker:4730\n615\n{shown}")), [615]);
        assert_eq!(count(&format!("$ lsof -p 871 | wc -l\n615\n$ lsof -p 871 | tail -4\n{rows}")), [4], "of all kinds");
        let threads = format!("$ lsof | grep 871 | wc -l\n9615\n$ lsof | grep 871 | head -4\n{rows}");
        assert_eq!(count(&threads), [4], "lines of threads");
        assert_eq!(count(&format!("$ lsof -p 871 | grep cache:11211 | wc -l\n615\n{shown}")), [4], "another command");
    }
}
