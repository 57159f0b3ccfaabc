//! Counts whose label names a holder: `612 gunicorn 1440 (CLOSE_WAIT)`, `2411 2214/node`, of `sort | uniq -c` over columns of a listing.

use super::kind::Kind;
use super::pile::{CountIs, Owner, Pile, Word};
use super::tally::{kind_in, state_of};
use super::witness::Traits;
use crate::capture::Snapshot;
use crate::capture::snapshot::Counted;
use crate::facts::Protocol;

/// What a label says.
#[derive(Debug, Default, PartialEq, Eq)]
struct Label<'a> {
    command: &'a str,
    pid: Option<u32>,
    kind: Option<Kind>,
}

/// Puts such counts to their piles: a listed one grows to what was counted, one that nothing lists is made.
pub fn apply(snapshot: &Snapshot, piles: &mut Vec<Pile>) {
    for tally in snapshot.tallies.iter().filter(|t| !t.label.is_empty()) {
        let label = Label::of(&tally.label);
        let Some(kind) = label.kind.or_else(|| kind_in(&tally.command)) else { continue };
        if !label.is_holder(snapshot) || kind == Kind::TimeWait || kind == Kind::Listen {
            continue;
        }
        put(snapshot, piles, tally, &label, kind);
    }
}

/// Whether a label names a holder.
pub fn name_holder(label: &str, snapshot: &Snapshot) -> bool {
    Label::of(label).is_holder(snapshot)
}

/// The process that a label names by its pid, with its name where it stands there.
pub fn process_of(label: &str) -> Option<(u32, &str)> {
    let label = Label::of(label);
    Some((label.pid?, label.command))
}

fn put(snapshot: &Snapshot, piles: &mut Vec<Pile>, tally: &Counted, label: &Label<'_>, kind: Kind) {
    let word = || Word { source: "tally", count: tally.value, quote: Some(tally.quote.clone()) };
    let mine = |p: &&mut Pile| {
        let named = p.owner.as_ref().is_some_and(|o| label.pid.map_or(o.command == label.command, |pid| o.has(pid)));
        p.kind == kind && named
    };
    if let Some(pile) = piles.iter_mut().find(mine) {
        if tally.value > pile.count && pile.owner.as_ref().is_some_and(|o| o.pids.len() <= 1) {
            (pile.count, pile.is) = (tally.value, CountIs::Exact);
            pile.words.insert(0, word());
            if let Some(first) = pile.owner.as_mut().and_then(|o| o.pids.first_mut()) {
                first.1 = tally.value;
            }
        }
        return;
    }
    // Other workers of a program that was counted above.
    let counted = |p: &&mut Pile| {
        p.kind == kind && p.owner.as_ref().is_some_and(|o| o.command == label.command) && p.words.iter().any(|w| w.source == "tally")
    };
    if let (Some(pid), Some(pile)) = (label.pid, piles.iter_mut().find(counted)) {
        pile.count = pile.count.saturating_add(tally.value);
        if let Some(first) = pile.words.first_mut() {
            first.count = pile.count;
        }
        if let Some(owner) = pile.owner.as_mut() {
            owner.pids.push((pid, tally.value));
        }
        return;
    }
    let traits = Traits { quotes: vec![tally.quote.clone()], ..Traits::default() };
    piles.push(Pile::told(Some(owner(snapshot, label, tally.value)), kind, word(), CountIs::Exact, traits));
}

fn owner(snapshot: &Snapshot, label: &Label<'_>, count: u64) -> Owner {
    let known = label.pid.map(|pid| Owner::of(snapshot, pid, count)).unwrap_or_default();
    Owner { command: label.command.to_string(), ..known }
}

impl<'a> Label<'a> {
    /// Reads the words of a label: a state, a number behind a name or `PID/NAME`.
    fn of(text: &'a str) -> Label<'a> {
        let mut label = Label::default();
        for word in text.split_whitespace() {
            let bare = word.trim_matches(['(', ')', '"', ',', ':', '\'']);
            if let Some(state) = state_of(bare) {
                label.kind = Kind::of_socket(Protocol::Tcp, state);
            } else if let Some(pid) = bare.strip_prefix("/proc/").and_then(|p| p.split('/').next()?.parse().ok()) {
                label.pid = Some(pid);
            } else if let Some((pid, name)) = bare.split_once('/').and_then(|(p, n)| Some((p.parse().ok()?, n))) {
                (label.pid, label.command) = (Some(pid), name);
            } else if let Ok(number) = bare.parse() {
                label.pid = label.pid.or(Some(number));
            } else if label.command.is_empty() && is_name(bare) {
                label.command = bare;
            }
        }
        label
    }

    /// Whether the name is a program's: a pid stands beside it, or the capture knows a process of that name. It may be a host's otherwise.
    fn is_holder(&self, snapshot: &Snapshot) -> bool {
        let known = || snapshot.processes.values().any(|p| p.command == self.command);
        !self.command.is_empty() && (self.pid.is_some() || known())
    }
}

/// Whether a word may be a program's name: no address, no protocol, no column of a listing.
fn is_name(word: &str) -> bool {
    const COLUMNS: &[&str] = &["TCP", "UDP", "IPv4", "IPv6", "sock", "tcp", "tcp6", "udp", "udp6", "unix", "NODE", "TYPE", "COMMAND", "-"];
    word.starts_with(|c: char| c.is_ascii_alphabetic()) && !word.contains([':', '*', '[', '=', '%']) && !COLUMNS.contains(&word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn holders_in_labels() {
        let label = |command, pid, kind| Label { command, pid, kind };
        assert_eq!(Label::of("gunicorn 1440 (CLOSE_WAIT)"), label("gunicorn", Some(1440), Some(Kind::CloseWait)));
        assert_eq!(Label::of("/proc/2214"), label("", Some(2214), None));
        assert_eq!(Label::of("2214/node"), label("node", Some(2214), None));
        assert_eq!(Label::of("java"), label("java", None, None));
        assert_eq!(Label::of("10.9.0.21:8080"), label("", None, None));
        assert_eq!(Label::of("CLOSE_WAIT"), label("", None, Some(Kind::CloseWait)));
    }
}
