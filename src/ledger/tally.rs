//! Counts that people made with pipelines (`lsof -p 1 | grep -c eventpoll`), put to the pile or state they count.

use super::census::{self, Census};
use super::command::{counts_peers, kind_in, selects, state_in, state_of, without_header};
use super::kind::Kind;
pub use super::labels::process_of as labelled_process;
use super::pile::{CountIs, Owner, Pile, Word};
use super::witness::Traits;
use super::{runs, tasks};
use crate::capture::process::base_name;
use crate::capture::snapshot::Counted;
use crate::capture::{Quote, Snapshot};
use crate::facts::SocketState;
use crate::formats::selection;
use std::collections::{BTreeMap, BTreeSet};

/// States that pipelines counted: state, count, line. Of several counts of one state the last.
pub fn states(snapshot: &Snapshot) -> Vec<(SocketState, i64, Quote)> {
    let mut found: BTreeMap<SocketState, (i64, Quote)> = BTreeMap::new();
    let of_sockets = |t: &Counted| !tasks::repeats(t, snapshot) && !tasks::are_lines(t, snapshot);
    for tally in runs::wholes(snapshot).iter().map(|t| &**t).filter(|t| of_sockets(t) && !runs::is_heading(&t.label)) {
        let state = state_of(&tally.label).or_else(|| state_in(&tally.command));
        if let Some(state) = state {
            let value = without_header(tally);
            let value = i64::try_from(value).unwrap_or(i64::MAX);
            let entry = found.entry(state).or_insert((0, tally.quote.clone()));
            // `sort | uniq -c` by peer counts parts; `awk ++S` counts wholes.
            if value >= entry.0 {
                *entry = (value, tally.quote.clone());
            }
        }
    }
    found.into_iter().map(|(s, (n, q))| (s, n, q)).collect()
}

/// States of which a pipeline counted all: no filter dropped rows of them, the tool was asked for them, and the number is not that of one peer.
pub fn whole_states(snapshot: &Snapshot) -> BTreeSet<SocketState> {
    let whole = |t: &&Counted| !selection::narrows(t.command.as_bytes());
    let of_all = |t: &Counted| state_of(&t.label).or_else(|| state_in(&t.command).filter(|_| t.label.is_empty()));
    let listed = |t: &Counted, state| selection::states(t.command.as_bytes()).has(state);
    snapshot.tallies.iter().filter(whole).filter_map(|t| of_all(t).filter(|state| listed(t, *state))).collect()
}

/// Rows of the TCP table that a pipeline counted without a filter, the fewest of several counts: what a table lists less of is an excerpt.
pub fn tcp_rows(snapshot: &Snapshot) -> Option<(u64, Quote)> {
    let whole = |t: &&Counted| t.label.is_empty() && selection::counts_tcp_rows(t.command.as_bytes());
    snapshot.tallies.iter().filter(whole).min_by_key(|t| t.value).map(|t| (t.value, t.quote.clone()))
}

/// Raises the count of a pile of which only an excerpt is listed to what a pipeline counted, and makes one of what was counted of a process
/// that nothing lists.
pub fn apply(snapshot: &Snapshot, piles: &mut Vec<Pile>) {
    let of_sockets = |t: &Counted| !super::labels::name_holder(t, snapshot) && !tasks::repeats(t, snapshot);
    let wholes = runs::wholes(snapshot);
    let mut counts: Vec<(&Counted, Census)> =
        wholes.iter().map(|t| &**t).filter(|t| of_sockets(t)).filter_map(|t| Some((t, census::of(t, snapshot)?))).collect();
    // What was counted of a process alone says more of it than what was counted of the host.
    counts.sort_by_key(|(_, census)| census.pid.is_none());
    let own: BTreeSet<(Kind, u32)> = counts.iter().filter_map(|(_, c)| Some((c.kind, c.pid?))).collect();
    for (tally, Census { kind, pid }) in counts {
        let named = |p: &Pile| {
            !matches!(kind, Kind::Udp | Kind::Unix)
                || pid.is_some()
                || p.owner.as_ref().is_some_and(|o| selects(&tally.command, &o.command))
        };
        let mut fitting = piles.iter_mut().filter(|p| p.kind == kind && pid.is_none_or(|pid| p.held_by(pid)) && named(p));
        match (fitting.next(), fitting.next().is_some()) {
            (Some(pile), several) if (!several || pid.is_some()) && (pid.is_some() || !is_told(pile, &own)) => {
                raise(snapshot, pile, tally, pid)
            }
            (None, _) => piles.extend(pid.and_then(|pid| only_counted(snapshot, tally, kind, pid))),
            _ => {}
        }
    }
}

/// Whether the count of all processes says nothing of a pile: its own was counted, or it is of listeners, which all services have.
fn is_told(pile: &Pile, own: &BTreeSet<(Kind, u32)>) -> bool {
    let counted = pile.owner.iter().flat_map(|o| &o.pids).any(|(pid, _)| own.contains(&(pile.kind, *pid)));
    counted || pile.kind == Kind::Listen
}

/// Puts a count to a pile.
fn raise(snapshot: &Snapshot, pile: &mut Pile, tally: &Counted, pid: Option<u32>) {
    let lines = without_header(tally);
    let value = lines / tasks::per_descriptor(snapshot, pile, tally).unwrap_or(1);
    let raised = value > pile.count || (value == pile.count && pile.is == CountIs::AtLeast);
    if raised {
        // Rows of all processes were counted, of which those that are listed are of one: most of the others are, too. And a listing that may
        // repeat each row for each thread has at most so many.
        let of_it = pid.is_some() || pile.owner.as_ref().is_none_or(|o| !o.command.is_empty() && tally.command.contains(&o.command));
        pile.is = match of_it && !tasks::shows_threads(tally) {
            true if runs::is_cut(&tally.command) => CountIs::AtLeast,
            true => CountIs::Exact,
            false => CountIs::Estimate,
        };
        pile.count = value;
        if let Some([first]) = pile.owner.as_mut().map(|o| o.pids.as_mut_slice()) {
            first.1 = value;
        }
    }
    if pile.words.iter().any(|w| w.source == "tally" && w.count == value) {
        return;
    }
    let word = Word { source: "tally", count: value, quote: Some(tally.quote.clone()) };
    let place = pile.words.partition_point(|w| w.count > value);
    pile.words.insert(place, word);
}

/// What was counted of a process whose rows are not listed, or only some of another kind. Of what is in TIME-WAIT no process is the holder.
fn only_counted(snapshot: &Snapshot, tally: &Counted, kind: Kind, pid: u32) -> Option<Pile> {
    let count = without_header(tally);
    let whole = snapshot.processes.get(&pid).is_some_and(|p| p.lists.iter().any(|l| !l.filtered && !l.headless));
    if whole || count == 0 || kind == Kind::TimeWait {
        return None;
    }
    let word = Word { source: "tally", count, quote: Some(tally.quote.clone()) };
    let traits = Traits { quotes: vec![tally.quote.clone()], ..Traits::default() };
    let is = if runs::is_cut(&tally.command) { CountIs::AtLeast } else { CountIs::Exact };
    Some(Pile::told(Some(holder(snapshot, pid, count)), kind, word, is, traits))
}

/// A process as the capture names it, or else the label of a count.
pub fn holder(snapshot: &Snapshot, pid: u32, count: u64) -> Owner {
    let mut owner = Owner::of(snapshot, pid, count);
    if owner.command.is_empty() {
        let named = snapshot.tallies.iter().filter_map(|t| super::labels::process_of(&t.label)).find(|p| p.0 == pid && !p.1.is_empty());
        let sought = || snapshot.tallies.iter().filter_map(|t| census::printed(&t.command)).find(|p| p.0 == pid);
        owner.command = named.or_else(sought).map_or_else(|| logged_name(snapshot, pid).to_string(), |p| p.1.to_string());
    }
    owner
}

/// The name under which a process wrote to a log.
fn logged_name(snapshot: &Snapshot, pid: u32) -> &str {
    let own = |s: &&crate::capture::logs::Sighting| s.pid == Some(pid) && !s.program.is_empty();
    snapshot.logs.sightings.iter().find(own).map_or("", |s| s.program.as_str())
}

/// How many rows of a table of connections somebody counted for a process, without a word on their states.
pub fn connections(tally: &Counted) -> Option<(u64, u32, &str)> {
    let of_table = tally.command.split_whitespace().any(|word| matches!(base_name(word), "netstat" | "ss"));
    if !of_table {
        return None;
    }
    let (pid, name) = super::labels::process_of(&tally.label).filter(|(_, name)| !name.is_empty())?;
    kind_in(&tally.command).is_none().then_some((tally.value, pid, name))
}

/// Peers of connections in a state, as a pipeline counted them by address, with their numbers, most first.
pub fn peers(snapshot: &Snapshot, state: SocketState) -> Vec<(String, u64)> {
    let of_state = snapshot.tallies.iter().filter(|t| state_in(&t.command) == Some(state) && counts_peers(&t.command));
    let told = of_state.filter(|t| t.label.parse::<std::net::SocketAddr>().is_ok());
    let mut peers: Vec<(String, u64)> = told.map(|t| (t.label.clone(), t.value)).collect();
    peers.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    peers
}
