//! Counts whose label names a holder: `612 gunicorn 1440 (CLOSE_WAIT)`, `2411 2214/node`, of `sort | uniq -c` over columns of a listing.

use super::census::Census;
use super::command::{kind_in, printed, prints_of, state_of};
use super::kind::Kind;
use super::pile::{CountIs, Owner, Pile, Word};
use super::runs;
use super::witness::Traits;
use crate::capture::Snapshot;
use crate::capture::snapshot::Counted;
use crate::facts::Protocol;
use crate::formats::pid::pid_of;
use std::collections::BTreeMap;

/// What a label says.
#[derive(Debug, Default, PartialEq, Eq)]
struct Label<'a> {
    command: &'a str,
    pid: Option<u32>,
    kind: Option<Kind>,
    /// Whether the pipeline prints what names a holder, so that a bare number or word does.
    named: bool,
}

/// Puts such counts to their piles: a listed one grows to what was counted, one that nothing lists is made.
pub fn apply(snapshot: &Snapshot, piles: &mut Vec<Pile>) {
    for run in runs::all(snapshot) {
        for (tally, label, kind, value) in holders(&run, snapshot) {
            put(snapshot, piles, &Counted { value, ..tally.clone() }, &label, kind);
        }
    }
}

/// What one run of a pipeline counted for each holder and kind: rows with different peers are parts of it.
fn holders<'t>(run: &[&'t Counted], snapshot: &Snapshot) -> Vec<(&'t Counted, Label<'t>, Kind, u64)> {
    let mut all: Vec<(&Counted, Label<'_>, Kind, u64)> = Vec::new();
    let mut known: BTreeMap<(Option<u32>, &str, Kind), usize> = BTreeMap::new();
    for tally in run.iter().copied().filter(|t| !t.label.is_empty()) {
        let label = Label::of(&tally.label, &tally.command);
        let Some(kind) = label.kind.or_else(|| kind_in(&tally.command)) else { continue };
        if !label.is_holder(snapshot) || kind == Kind::TimeWait || kind == Kind::Listen {
            continue;
        }
        let next = all.len();
        let place = *known.entry((label.pid, label.command, kind)).or_insert(next);
        match all.get_mut(place) {
            Some(of_it) => of_it.3 = of_it.3.saturating_add(tally.value),
            None => all.push((tally, label, kind, tally.value)),
        }
    }
    all
}

/// What a count is of whose label names the holder.
pub(super) fn census(tally: &Counted, snapshot: &Snapshot) -> Option<Census> {
    let label = Label::of(&tally.label, &tally.command);
    let kind = label.kind.or_else(|| kind_in(&tally.command))?;
    label.is_holder(snapshot).then_some(Census { kind, pid: Some(label.pid?) })
}

/// The process that the label of a count names as the holder, where its pid stands in it.
pub(super) fn holder_pid(tally: &Counted, snapshot: &Snapshot) -> Option<u32> {
    let label = Label::of(&tally.label, &tally.command);
    label.pid.filter(|_| label.is_holder(snapshot))
}

/// Whether the label of a count names a holder.
pub fn name_holder(tally: &Counted, snapshot: &Snapshot) -> bool {
    Label::of(&tally.label, &tally.command).is_holder(snapshot)
}

/// The process that a label names by its pid, with its name where it stands there.
pub fn process_of(label: &str) -> Option<(u32, &str)> {
    let label = Label::of(label, "");
    Some((label.pid?, label.command))
}

fn put(snapshot: &Snapshot, piles: &mut Vec<Pile>, tally: &Counted, label: &Label<'_>, kind: Kind) {
    let word = || Word { source: "tally", count: tally.value, quote: Some(tally.quote.clone()) };
    let mine = |p: &&mut Pile| {
        let named = p.owner.as_ref().is_some_and(|o| label.pid.map_or(o.command == label.command, |pid| o.has(pid)));
        p.kind == kind && named
    };
    if let Some(pile) = piles.iter_mut().find(mine) {
        if let Some(pid) = label.pid
            && let Some(all) = share(pile, pid, tally.value)
        {
            (pile.count, pile.is) = (all, CountIs::Exact);
            pile.words.insert(0, Word { count: all, ..word() });
        } else if tally.value > pile.count && pile.owner.as_ref().is_some_and(|o| o.pids.len() <= 1) {
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
        !label.command.is_empty()
            && p.kind == kind
            && p.owner.as_ref().is_some_and(|o| o.command == label.command && o.pids.iter().all(|&(_, n)| is_worker(n, tally.value)))
            && p.words.iter().any(|w| w.source == "tally")
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

/// Whether a process with so many is a worker beside one that has so many others: none that holds next to nothing.
fn is_worker(one: u64, other: u64) -> bool {
    one.min(other).saturating_mul(20) >= one.max(other)
}

/// What all holders of a pile have together when one of several is known to have so many: of an excerpt, in which no socket is of two.
fn share(pile: &mut Pile, pid: u32, count: u64) -> Option<u64> {
    let pids = &mut pile.owner.as_mut()?.pids;
    let apart = pids.len() > 1 && pids.iter().map(|p| p.1).sum::<u64>() == pile.count;
    let own = pids.iter_mut().find(|p| p.0 == pid).filter(|p| apart && count > p.1)?;
    own.1 = count;
    pids.sort_by_key(|p| (std::cmp::Reverse(p.1), p.0));
    Some(pids.iter().map(|p| p.1).sum())
}

fn owner(snapshot: &Snapshot, label: &Label<'_>, count: u64) -> Owner {
    let known = label.pid.map(|pid| super::tally::holder(snapshot, pid, count)).unwrap_or_default();
    match label.command {
        "" => known,
        command => Owner { command: command.to_string(), ..known },
    }
}

impl<'a> Label<'a> {
    /// Reads the words of a label: a state, a number behind a name or `PID/NAME`, the type that lsof prints.
    fn of(text: &'a str, command: &str) -> Label<'a> {
        let mut label = Label { named: names_holders(command), ..Label::default() };
        let types = prints_of(command, "lsof") && printed(command).contains(&5);
        for word in text.split_whitespace() {
            let bare = word.trim_matches(['(', ')', '"', ',', ':', '\'']);
            if let Some(kind) = kind_of_type(bare).filter(|_| types) {
                label.kind = Some(kind);
                label.pid = label.pid.or_else(|| pid_of("", command.as_bytes()));
                label.named |= label.pid.is_some();
            } else if let Some(pid) = bare.strip_prefix("pid=").and_then(|p| p.parse().ok()) {
                (label.pid, label.named) = (Some(pid), true);
            } else if let Some(state) = state_of(bare) {
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
        let told = !self.command.is_empty() || self.pid.is_some();
        told && (self.named || (!self.command.is_empty() && (self.pid.is_some() || known())))
    }
}

/// Whether a pipeline prints the column of the pid or the command of lsof, or what stands in quotes in the users of `ss -p`: the command.
fn names_holders(command: &str) -> bool {
    let columns = printed(command);
    let quoted = ["-F'\"'", "-F\\\"", "-F \"\\\"\"", "-F '\"'"].iter().any(|f| command.contains(f)) && columns == [2];
    let cut = ["cut -d'\"' -f2", "cut -d\\\" -f2", "cut -d '\"' -f 2"].iter().any(|f| command.contains(f));
    match () {
        () if prints_of(command, "lsof") => columns.iter().any(|c| matches!(c, 1 | 2)),
        () if prints_of(command, "ss") => quoted || cut,
        () => false,
    }
}

/// The kind of sockets that a word in lsof's column TYPE stands for.
fn kind_of_type(word: &str) -> Option<Kind> {
    Some(match word {
        "sock" => Kind::Closed,
        "unix" => Kind::Unix,
        "netlink" => Kind::Netlink,
        "pack" => Kind::Packet,
        "raw" | "raw6" => Kind::Raw,
        _ => return None,
    })
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
        let label = |command, pid, kind| Label { command, pid, kind, named: false };
        assert_eq!(Label::of("gunicorn 1440 (CLOSE_WAIT)", ""), label("gunicorn", Some(1440), Some(Kind::CloseWait)));
        assert_eq!(Label::of("/proc/2214", ""), label("", Some(2214), None));
        assert_eq!(Label::of("2214/node", ""), label("node", Some(2214), None));
        assert_eq!(Label::of("java", ""), label("java", None, None));
        assert_eq!(Label::of("10.9.0.21:8080", ""), label("", None, None));
        assert_eq!(Label::of("CLOSE_WAIT", ""), label("", None, Some(Kind::CloseWait)));
    }
    #[test]
    fn columns_that_name_a_holder() {
        for (command, named) in [
            ("lsof -n | grep identify | awk '{print $2}' | sort | uniq -c", true),
            ("lsof | awk '/sock/{print $1, $2}' | sort | uniq -c", true),
            ("lsof -p 7 | awk '{print $5}' | sort | uniq -c", false),
            ("ss -tnp state close-wait | awk -F'\"' '{print $2}' | sort | uniq -c", true),
            ("ss -tnp state close-wait | cut -d'\"' -f2 | sort | uniq -c", true),
            ("ss -tn state close-wait | awk '{print $2}' | sort | uniq -c", false),
        ] {
            assert_eq!(names_holders(command), named, "{command}");
        }
        let of_type = Label::of("sock", "lsof -p 4684 | awk '{print $5}' | sort | uniq -c");
        assert_eq!(of_type, Label { command: "", pid: Some(4684), kind: Some(Kind::Closed), named: true });
        assert_eq!(Label::of("pid=4684", "").pid, Some(4684));
        let kind = |word: &str| Label::of(word, "lsof -p 4684 | awk '{print $5}' | sort | uniq -c").kind;
        assert_eq!(
            ["netlink", "unix", "pack", "IPv4", "REG"].map(kind),
            [Some(Kind::Netlink), Some(Kind::Unix), Some(Kind::Packet), None, None]
        );
    }
}
