//! Counts that people made with pipelines (`lsof -p 1 | grep -c eventpoll`), put to the pile or state they count.

use super::census::{self, Census};
use super::kind::Kind;
pub use super::labels::process_of as labelled_process;
use super::pile::{CountIs, Owner, Pile, Word};
use super::views::{Family, View};
use super::witness::{Part, Traits};
use super::{Figure, runs, tasks, views};
use crate::capture::process::base_name;
use crate::capture::snapshot::Counted;
use crate::capture::{Quote, Snapshot};
use crate::facts::SocketState;
use crate::formats::fd_counts::NAMELESS;
use crate::formats::pid::{asked, asked_program, entered, pid_of};
use crate::formats::prompt;
use crate::formats::selection;
use crate::formats::tally::descriptors_of;
use std::collections::{BTreeMap, BTreeSet};

/// From how many sockets on as many descriptors of a process are no accident.
const MANY: u64 = 100;

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

/// Puts the counts of descriptors that pipelines made to the piles of their processes, and the limits of those that no listing has.
pub fn count_descriptors(snapshot: &Snapshot, piles: &mut [Pile]) {
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

/// The process that a command line means: by its pid, or by `$(pidof NAME)` where the capture knows one process of that name. The only one
/// whose descriptors are listed may be it, where its name is not known or was looked for on command lines.
pub(super) fn process_in(command: &str, snapshot: &Snapshot) -> Option<u32> {
    if let Some(pid) = pid_of("", command.as_bytes()) {
        return Some(pid);
    }
    if let Some(begins) = selected_name(command) {
        let mut named = snapshot.processes.iter().filter(|(_, p)| p.command.starts_with(begins)).map(|(&pid, _)| pid);
        return named.next().filter(|_| named.next().is_none());
    }
    let asked = std::str::from_utf8(asked(command.as_bytes())?).ok()?;
    let name = base_name(asked.split_whitespace().last()?);
    let mut named = snapshot.processes.iter().filter(|(_, p)| !name.is_empty() && (p.command == name || base_name(&p.program()) == name));
    match (named.next(), named.next()) {
        (Some((&pid, _)), None) => Some(pid),
        (Some(_), Some(_)) => None,
        (None, _) => {
            let mut listed = snapshot.processes.iter().filter(|(_, p)| !p.lists.is_empty());
            let (&pid, only) = listed.next().filter(|_| listed.next().is_none())?;
            let by_line = asked.split_whitespace().any(|w| w.starts_with('-') && !w.starts_with("--") && w.contains('f'));
            (only.command.is_empty() || (by_line && only.cmdline.is_empty())).then_some(pid)
        }
    }
}

/// How the names begin that an lsof was asked for: `lsof -c relayd`.
fn selected_name(command: &str) -> Option<&str> {
    let lsof = command.split('|').next().filter(|part| prints_of(part, "lsof"))?;
    let mut words = lsof.split_whitespace();
    let option = words.find(|w| w.starts_with("-c"))?;
    let name = if option == "-c" { words.next()? } else { option.strip_prefix("-c")? };
    // Several, or a pattern, are no one's name.
    (!name.contains(['/', '^', ',']) && !words.any(|w| w.starts_with("-c"))).then_some(name)
}

/// How many entries a count of lines tells: `ls -l` prints a total above.
fn entries(t: &Counted) -> u64 {
    let ls = t.command.find("ls ").and_then(|at| t.command.get(at..)).unwrap_or("");
    let listing = ls.split('|').next().unwrap_or("");
    let header = listing.split_whitespace().any(|w| w.starts_with('-') && !w.starts_with("--") && w.contains('l'));
    t.value.saturating_sub(u64::from(header))
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

/// Piles whose holder nothing names: states of a table without holders, or counted by a pipeline. `blind`: without the privilege to see
/// other users' processes.
pub fn unowned(snapshot: &Snapshot, views: &[View<'_>], states: &BTreeMap<SocketState, Figure>, blind: bool, piles: &mut Vec<Pile>) {
    for state in [SocketState::CloseWait, SocketState::SynSent, SocketState::Established, SocketState::FinWait2] {
        let Some(kind) = Kind::of_socket(crate::facts::Protocol::Tcp, state) else { continue };
        let Some(figure) = states.get(&state) else { continue };
        let owned: u64 = piles.iter().filter(|p| p.kind == kind && p.owner.is_some()).map(|p| p.count).sum();
        let view = views::best(views, Family::Tcp);
        // Rows without a holder are in an accept queue, or were closed meanwhile; without privilege, which a table without any holder lacks
        // though it may not say so, they may be another user's.
        let unprivileged = blind;
        let blind = blind || view.is_some_and(|v| v.groups(Family::Tcp).all(|g| g.owner.is_none()));
        // What was opened here waits in no accept queue: with an inode some descriptor holds it, of a process that is out of sight.
        let held = |v: &View<'_>| blind || v.groups(Family::Tcp).any(|g| g.state == state && g.owner.is_none() && g.no_holder > 0);
        // So does an accepted one: what waits in a queue has no inode yet.
        let of_descriptor = |v: &View<'_>| v.groups(Family::Tcp).any(|g| g.state == state && g.owner.is_none() && g.inodes.is_some());
        // Without the privilege to see other users' processes a dash is no sign that nobody holds it.
        let whole = !(unprivileged && kind == Kind::CloseWait)
            && view.is_some_and(|v| v.holders_shown() && !(kind == Kind::CloseWait && ((held(v) && all_opened(v)) || of_descriptor(v))));
        let mut count = (figure.value.max(0) as u64).saturating_sub(owned);
        if state == SocketState::CloseWait {
            count = count.saturating_sub(unaccepted(views));
        }
        if whole || count == 0 || count * 10 < figure.value.max(0) as u64 {
            continue;
        }
        let groups = view.into_iter().flat_map(|v| v.groups(Family::Tcp)).filter(|g| g.state == state && g.owner.is_none());
        let mut traits = Traits::of(&groups.map(Part::Group).collect::<Vec<_>>());
        if traits.quotes.is_empty() {
            traits.quotes = figure.at.clone();
        }
        let listening = views.iter().flat_map(|v| &v.tables).flat_map(|t| &t.listeners).map(|l| l.local.port()).collect();
        let accepted = super::pile::accepted(&traits, &listening);
        let owner = likely_owner(piles).or_else(|| as_many(snapshot, count)).filter(|_| kind == Kind::CloseWait);
        let tool = view.and_then(|v| v.tables.first()).map_or("table", |t| t.format);
        let word = Word { source: tool, count, quote: figure.at.first().cloned() };
        // A table of all connections has all rows, whoever holds them.
        let is = if view.is_some_and(View::is_whole) && count == figure.value.max(0) as u64 { CountIs::Exact } else { CountIs::AtLeast };
        let mut pile = Pile::told(owner, kind, word, is, traits);
        pile.accepted = accepted;
        piles.push(pile);
    }
    unowned_udp(views, piles);
    for view in views.iter().filter(|v| v.netns.is_some() && !v.holders_shown()) {
        unowned_elsewhere(view, piles);
    }
}

/// What a tool printed in another network namespace, without holders: nothing else of the capture tells of it.
fn unowned_elsewhere(view: &View<'_>, piles: &mut Vec<Pile>) {
    if view.tables.iter().any(|t| t.format.starts_with("proc-net")) {
        return;
    }
    let listening = view.tables.iter().flat_map(|t| &t.listeners).map(|l| l.local.port()).collect();
    for state in [SocketState::CloseWait, SocketState::SynSent] {
        let Some(kind) = Kind::of_socket(crate::facts::Protocol::Tcp, state) else { continue };
        let groups = view.groups(Family::Tcp).filter(|g| g.state == state);
        let traits = Traits::of(&groups.map(Part::Group).collect::<Vec<_>>());
        let count = view.tcp(state);
        if count > 0 {
            let word = Word { source: "table", count, quote: traits.quotes.first().cloned() };
            let accepted = super::pile::accepted(&traits, &listening);
            let mut pile = Pile::told(None, kind, word, CountIs::AtLeast, traits);
            pile.accepted = accepted;
            piles.push(pile);
        }
    }
}

/// UDP sockets of a table that names no holders, as far as they are a pile whoever holds them: thousands, or hundreds to one remote. A busy
/// resolver has some hundred in flight, to many.
fn unowned_udp(views: &[View<'_>], piles: &mut Vec<Pile>) {
    let Some(view) = views::best(views, Family::Udp).filter(|v| !v.holders_shown()) else { return };
    if piles.iter().any(|p| p.kind == Kind::Udp) {
        return;
    }
    let groups = || view.groups(Family::Udp).filter(|g| g.owner.is_none());
    let traits = Traits::of(&groups().map(Part::Group).collect::<Vec<_>>());
    let count = groups().map(|g| g.count).sum::<u64>();
    let to_one = traits.remotes.iter().any(|(end, n)| !end.is_unset() && n * 10 >= count * 9);
    if count >= if to_one { MANY } else { MANY * 10 } {
        let word = Word { source: "table", count, quote: traits.quotes.first().cloned() };
        piles.push(Pile::told(None, Kind::Udp, word, CountIs::AtLeast, traits));
    }
}

/// At most how many connections a queue of so many can account for: more have come since, and a row is read after the other.
pub fn fits_queue(queue: u64) -> u64 {
    queue.saturating_mul(5) / 4 + 16
}

/// Connections in CLOSE-WAIT that no process holds because they wait in the accept queue of a listener: those on its port where no holder is
/// shown, or any where somebody only counted them.
fn unaccepted(views: &[View<'_>]) -> u64 {
    let mut queues: BTreeMap<u16, u64> = BTreeMap::new();
    for listener in views.iter().flat_map(|v| &v.tables).flat_map(|t| &t.listeners) {
        let queue = queues.entry(listener.local.port()).or_default();
        *queue = (*queue).max(listener.queue.unwrap_or(0));
    }
    queues.retain(|_, queue| *queue >= 5);
    let view = views::best(views, Family::Tcp);
    if view.is_none_or(|v| v.tcp(SocketState::CloseWait) == 0) {
        return queues.values().map(|&q| fits_queue(q)).sum();
    }
    let rows = view.into_iter().flat_map(|v| v.groups(Family::Tcp)).filter(|g| g.state == SocketState::CloseWait && g.owner.is_none());
    let ends = rows.flat_map(|g| g.locals.iter());
    let mut waiting: BTreeMap<u16, u64> = BTreeMap::new();
    for (end, n) in ends.filter(|(end, _)| queues.contains_key(&end.port())) {
        *waiting.entry(end.port()).or_default() += n;
    }
    waiting.into_iter().map(|(port, n)| n.min(queues.get(&port).map_or(0, |&q| fits_queue(q)))).sum()
}

/// Whether the connections that their peers have closed were opened here: each from a port of its own, to one and the same service. Such a
/// socket waits in no accept queue, some descriptor holds it.
fn all_opened(view: &View<'_>) -> bool {
    let groups = view.groups(Family::Tcp).filter(|g| g.state == SocketState::CloseWait && g.owner.is_none());
    Traits::of(&groups.map(Part::Group).collect::<Vec<_>>()).opened_here()
}

/// The only program whose descriptors were listed, if it holds ended TCP sockets too: whoever captured had singled it out.
fn likely_owner(piles: &[Pile]) -> Option<Owner> {
    let mut owners = piles.iter().filter(|p| p.kind != Kind::File).filter_map(|p| p.owner.as_ref().map(|o| (o, p)));
    let (first, _) = owners.next()?;
    let alone = owners.all(|(o, _)| o.command == first.command);
    let ended = piles.iter().any(|p| matches!(p.kind, Kind::Closed | Kind::CloseWait) && p.count >= 5 && p.owner.is_some());
    (alone && ended).then(|| first.clone())
}

/// The one process that has hardly more descriptors than there are sockets, where no other's were counted to be as many.
fn as_many(snapshot: &Snapshot, count: u64) -> Option<Owner> {
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

/// How many rows of a table of connections somebody counted for a process, without a word on their states.
pub fn connections(tally: &Counted) -> Option<(u64, u32, &str)> {
    let of_table = tally.command.split_whitespace().any(|word| matches!(base_name(word), "netstat" | "ss"));
    if !of_table {
        return None;
    }
    let (pid, name) = super::labels::process_of(&tally.label).filter(|(_, name)| !name.is_empty())?;
    kind_in(&tally.command).is_none().then_some((tally.value, pid, name))
}

/// The state a label spells, in any tool's spelling.
pub fn state_of(label: &str) -> Option<SocketState> {
    let word: String = label.trim().chars().filter(|c| c.is_ascii_alphanumeric()).collect::<String>().to_ascii_uppercase();
    Some(match word.as_str() {
        "ESTABLISHED" | "ESTAB" => SocketState::Established,
        "SYNSENT" => SocketState::SynSent,
        "SYNRECV" => SocketState::SynRecv,
        "FINWAIT1" => SocketState::FinWait1,
        "FINWAIT2" => SocketState::FinWait2,
        "TIMEWAIT" => SocketState::TimeWait,
        "CLOSEWAIT" => SocketState::CloseWait,
        "LASTACK" => SocketState::LastAck,
        "LISTEN" => SocketState::Listen,
        "CLOSING" => SocketState::Closing,
        _ => return None,
    })
}

/// The one state a command line selects: `state close-wait`, `grep CLOSE_WAIT`.
pub(super) fn state_in(command: &str) -> Option<SocketState> {
    let selects = |part: &&str| !part.contains("grep") || !part.split_whitespace().any(drops);
    let selecting: String = command.split('|').filter(selects).collect();
    let folded: String = selecting.to_ascii_uppercase().chars().filter(|c| *c != '_' && *c != '-').collect();
    let all = ["CLOSEWAIT", "TIMEWAIT", "SYNSENT", "SYNRECV", "ESTAB", "FINWAIT2", "FINWAIT1", "LASTACK"];
    let mut hits = all.iter().filter(|w| folded.contains(*w));
    match (hits.next(), hits.next()) {
        (Some(hit), None) => state_of(hit),
        (Some(_), Some(_)) => None,
        (None, _) => greps_close(command).then_some(SocketState::CloseWait),
    }
}

/// Whether an option of grep keeps what does not match.
fn drops(option: &str) -> bool {
    option.strip_prefix('-').is_some_and(|o| !o.starts_with('-') && o.contains('v')) || option == "--invert-match"
}

/// Whether a filter keeps what has the word CLOSE: of the states that ss, netstat and lsof print all but a few such rows are CLOSE-WAIT.
fn greps_close(command: &str) -> bool {
    let mut parts = command.split('|').map(str::trim);
    let listed = parts.next().is_some_and(|table| ["ss", "netstat", "lsof"].iter().any(|tool| prints_of(table, tool)));
    let greps = |part: &str| part.starts_with("grep ") && part.split_whitespace().any(|w| w.trim_matches(['"', '\'']) == "CLOSE");
    listed && parts.any(greps)
}

/// Peers of connections in a state, as a pipeline counted them by address, with their numbers, most first.
pub fn peers(snapshot: &Snapshot, state: SocketState) -> Vec<(String, u64)> {
    let of_state = snapshot.tallies.iter().filter(|t| state_in(&t.command) == Some(state) && counts_peers(&t.command));
    let told = of_state.filter(|t| t.label.parse::<std::net::SocketAddr>().is_ok());
    let mut peers: Vec<(String, u64)> = told.map(|t| (t.label.clone(), t.value)).collect();
    peers.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    peers
}

/// Whether a pipeline prints the peer's column of a table: the last of ss and netstat but the holder, and of ss the fourth where it was asked for
/// one state, which it then does not print.
pub(super) fn counts_peers(command: &str) -> bool {
    let column = match () {
        () if prints_of(command, "netstat") => 5,
        () if prints_of(command, "ss") && command.contains(" state ") => 4,
        () if prints_of(command, "ss") => 5,
        () => return false,
    };
    printed(command).first() == Some(&column)
}

/// Whether a pipeline works on what a tool prints.
pub(super) fn prints_of(command: &str, tool: &str) -> bool {
    command.split_whitespace().any(|word| base_name(word) == tool)
}

/// The columns that the last awk of a pipeline prints: `{print $2" "$1}` is 2 and 1.
pub(super) fn printed(command: &str) -> Vec<u32> {
    let Some((_, behind)) = command.rsplit_once("print") else { return Vec::new() };
    let printed = behind.split(['}', '|']).next().unwrap_or("");
    let columns = printed.split('$').skip(1);
    columns.filter_map(|c| c.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()).collect()
}

/// The kind of rows a counting command line selects.
pub(super) fn kind_in(command: &str) -> Option<Kind> {
    if let Some(state) = state_in(command) {
        return Kind::of_socket(crate::facts::Protocol::Tcp, state);
    }
    if command.contains("anon_inode") || command.contains("eventpoll") {
        return Some(Kind::Eventpoll);
    }
    if lists_unix(command) {
        return Some(Kind::Unix);
    }
    let unlisted = command.contains("identify")
        || command.contains("protocol: TCP")
        || command.contains("TCPv6")
        || (command.contains("grep") && command.contains("sock "));
    (unlisted && command.contains("lsof")).then_some(Kind::Closed)
}

/// Whether a filter keeps the rows of unix sockets that lsof lists, and no others.
fn lists_unix(command: &str) -> bool {
    let mut parts = command.split('|').map(str::trim);
    let greps = |part: &str| {
        part.contains("grep ")
            && part.split_whitespace().map(|w| w.trim_matches(['"', '\''])).any(|w| w == "unix" || w.starts_with("type=STREAM"))
    };
    parts.next().is_some_and(|lsof| prints_of(lsof, "lsof")) && parts.any(greps)
}

/// The kind of all rows that ss or netstat was asked for, where it is one: `ss -uanp | grep NAME | wc -l`.
pub(super) fn family_in(t: &Counted) -> Option<Kind> {
    let (table, filters) = t.command.split_once('|')?;
    let options = table_of(table)?;
    let counts = filters.contains("wc -l") || prompt::last_count(t.command.as_bytes()).is_some();
    if !t.label.is_empty() || asks(&options, ['t', 'w']) || options.contains('l') || !counts {
        return None;
    }
    match (asks(&options, ['u', 'U']), options.contains('x')) {
        (true, false) => Some(Kind::Udp),
        (false, true) => Some(Kind::Unix),
        _ => None,
    }
}

/// The short options of an ss or netstat that is asked for nothing else.
pub(super) fn table_of(command: &str) -> Option<String> {
    let mut words = command.split_whitespace().skip_while(|w| !matches!(base_name(w), "ss" | "netstat"));
    words.next()?;
    let options = words.by_ref().take_while(|w| w.starts_with('-') && !w.starts_with("--")).collect();
    words.next().is_none().then_some(options)
}

/// Whether one of two letters is among options.
pub(super) fn asks(options: &str, letters: [char; 2]) -> bool {
    options.contains(letters)
}

/// Whether a pipeline lets through what names a program and nothing else that is asked for.
fn selects(command: &str, program: &str) -> bool {
    let mut filters = command.split('|').skip(1).filter(|f| !f.contains("wc -l"));
    let asked = filters.next().and_then(|f| f.trim_start().strip_prefix("grep "));
    let word = asked.map(|w| w.trim().trim_matches(['"', '\'']));
    filters.next().is_none() && !program.is_empty() && word == Some(program)
}

/// The count without the header line that `ss ... | wc -l` counts too; one with a label is of rows alone.
pub(super) fn without_header(tally: &Counted) -> u64 {
    let without = ["grep", "awk", "-H", "tail -n +2", "tail -n+2", "tail +2", "sed 1d", "sed '1d'", "sed -n '2"];
    let greps = without.iter().any(|word| tally.command.contains(word));
    let lines = tally.command.contains("wc -l");
    if tally.label.is_empty() && lines && !greps { tally.value.saturating_sub(1) } else { tally.value }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_column_of_the_peer() {
        for (command, peers) in [
            ("ss -tan state time-wait | awk 'NR>1{print $4}' | sort | uniq -c", true),
            ("ss -tan state time-wait | awk '{print $3}' | sort | uniq -c", false),
            ("ss -Htan | awk '/TIME-WAIT/ {print $5}' | sort | uniq -c", true),
            ("netstat -tan | grep TIME_WAIT | awk '{print $5}' | sort | uniq -c", true),
            ("netstat -tan | grep TIME_WAIT | awk '{print $4}' | sort | uniq -c", false),
            ("cat x | awk '{print $5}'", false),
        ] {
            assert_eq!(counts_peers(command), peers, "{command}");
        }
    }
}
