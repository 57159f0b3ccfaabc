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

use super::command;
use super::kind::Kind;
use super::pile::{CountIs, Pile, Word};
use super::tally;
use super::witness::Traits;
use crate::capture::snapshot::Counted;
use crate::capture::{Quote, Snapshot};
use std::collections::BTreeMap;

/// Fewer are no pile, and rows that came or went between two commands may be all of them.
const MANY: u64 = 100;
/// So many times what a table lists.
const FEW: u64 = 10;

/// Makes a pile of the sockets that were counted, as far as nothing else in the capture tells what they are. Of several counts the last.
pub fn apply(snapshot: &Snapshot, piles: &mut Vec<Pile>) {
    let counted: BTreeMap<u32, &Counted> = snapshot.tallies.iter().filter_map(|t| Some((process_counted(t, snapshot)?, t))).collect();
    for (pid, tally) in counted {
        let listed = snapshot.processes.get(&pid).is_some_and(|p| !p.lists.is_empty());
        let told: u64 = piles.iter().filter(|p| p.kind != Kind::File && p.kind != Kind::Eventpoll && p.held_by(pid)).map(|p| p.count).sum();
        let count = tally.value.saturating_sub(told.max(rows_counted(snapshot, pid)));
        if listed || count < MANY {
            continue;
        }
        let word = Word { source: "tally", count, quote: Some(tally.quote.clone()) };
        let traits = Traits { quotes: vec![tally.quote.clone()], ..Traits::default() };
        let mut pile = Pile::told(Some(tally::holder(snapshot, pid, count)), Kind::Unidentified, word, CountIs::AtLeast, traits);
        // Of a busy process as many may come and go between two commands.
        pile.untabled = row_of_all_families(snapshot, pid).filter(|_| told.saturating_mul(FEW) <= count);
        piles.push(pile);
    }
}

/// How many rows of a table were counted that name a process: `netstat -antp | grep 28191 | wc -l`.
fn rows_counted(snapshot: &Snapshot, pid: u32) -> u64 {
    let pid = pid.to_string();
    let of_it = |t: &&Counted| {
        let mut parts = t.command.split('|');
        let table = parts.next().is_some_and(|table| command::prints_of(table, "ss") || command::prints_of(table, "netstat"));
        let greps = |part: &str| part.contains("grep") && part.split(|c: char| !c.is_ascii_alphanumeric()).any(|word| word == pid);
        table && t.label.is_empty() && parts.any(greps)
    };
    snapshot.tallies.iter().filter(of_it).map(|t| t.value).max().unwrap_or(0)
}

/// A row of a process in what `ss -anp`, which lists all families, printed of it alone: what it holds else is in no table. Such a row also says
/// that there was privilege enough to see whose they are.
fn row_of_all_families(snapshot: &Snapshot, pid: u32) -> Option<Quote> {
    let named = snapshot.processes.get(&pid).map_or("", |p| p.command.as_str());
    let of_it = |command: &str| {
        let (table, filters) = command.split_once('|')?;
        let options = command::table_of(table).filter(|o| command::prints_of(table, "ss") && o.contains('a') && o.contains('p'))?;
        let one_family = options.contains(|c| "tuxwdlM460f".contains(c));
        let word = filters.trim().strip_prefix("grep ")?.trim().trim_matches(['"', '\'']);
        (!one_family && !named.is_empty() && (word == named || word == pid.to_string())).then_some(())
    };
    let tables = snapshot.tables.iter().filter(|t| t.filtered.as_ref().is_some_and(|q| of_it(&q.text()).is_some()));
    tables.flat_map(|t| &t.groups).find(|g| g.owner == Some(pid)).and_then(|g| g.quotes.first())
}

/// The process whose sockets are counted in a listing of its descriptors.
pub(super) fn process_counted(t: &Counted, snapshot: &Snapshot) -> Option<u32> {
    let counts = t.command.contains("wc -l") || t.command.contains("grep -c");
    let selects = ["grep socket", "grep -c socket", "grep 'socket", "grep -c 'socket", "grep \"socket", "grep -c \"socket"];
    let listing = t.command.trim_start().starts_with("ls") && t.command.contains("/fd");
    (t.label.is_empty() && counts && listing && selects.iter().any(|s| t.command.contains(s)))
        .then(|| command::process_in(&t.command, snapshot))
        .flatten()
}
