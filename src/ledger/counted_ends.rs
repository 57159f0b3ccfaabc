//! Remote ends that `sort | uniq -c` counted, put to the pile whose state the command selects.
//!
//! ```text
//! # ss -tn state close-wait | awk '{print $4}' | sort | uniq -c
//!    1828 10.40.2.15:443
//! ```

use super::census::holder;
use super::command::{counts_peers, kind_in, printed, prints_of};
use super::kind::Kind;
use super::pile::Pile;
use super::{labels, runs};
use crate::capture::snapshot::Counted;
use crate::capture::{End, Interner, Snapshot};
use crate::facts::{Addr, Endpoint};
use std::collections::BTreeMap;

/// From how many connections with one end on they can only have been opened here: an accepted one has its own port at the far end.
const MANY: u64 = 10;
/// Ports from which on a client has its own by default: below it a service listens.
const CLIENTS: u16 = 32768;

/// Puts such counts to the largest pile of their kind, where no row tells of its ends; of a process, where the command names one.
pub(super) fn apply(snapshot: &Snapshot, names: &Interner, piles: &mut [Pile]) {
    let mut counted: BTreeMap<(Kind, Option<u32>), BTreeMap<End, u64>> = BTreeMap::new();
    let runs = runs::last(snapshot);
    for tally in runs.iter().flatten().filter(|t| counts_remotes(&t.command)) {
        if let (Some(kind), Some(end)) = (kind_in(&tally.command), end_of(&tally.label, names)) {
            let pid = labels::holder_pid(tally, snapshot).or_else(|| holder(&tally.command, snapshot));
            // Of several counts the last.
            counted.entry((kind, pid)).or_default().insert(end, tally.value);
        }
    }
    for ((kind, pid), ends) in counted {
        let Some(pile) = untold(piles, kind, pid) else { continue };
        let service = |(end, n): &(&End, &u64)| **n >= MANY && (1..CLIENTS).contains(&end.port());
        let opened: u64 = ends.iter().filter(service).map(|(_, n)| *n).sum();
        pile.set_remotes(ends);
        pile.accepted = pile.accepted.or_else(|| (opened * 10 >= pile.count * 9).then_some(false));
    }
    // What the rows themselves tell comes first.
    for tally in runs.iter().flatten() {
        asked_ends(snapshot, names, tally, piles);
    }
}

/// The largest pile of a kind, of a process where one is named, if no row of it tells its ends.
fn untold(piles: &mut [Pile], kind: Kind, pid: Option<u32>) -> Option<&mut Pile> {
    let mine = |p: &&mut Pile| p.kind == kind && pid.is_none_or(|pid| p.held_by(pid));
    piles.iter_mut().filter(mine).max_by_key(|p| p.count).filter(|p| p.traits.remotes.total() == 0)
}

/// Puts the end that a count's command selects to its pile.
fn asked_ends(snapshot: &Snapshot, names: &Interner, tally: &Counted, piles: &mut [Pile]) {
    let asked = Asked::of(&tally.command);
    let Some(kind) = kind_in(&tally.command).filter(|_| asked.local.is_some() || asked.remote.is_some()) else { return };
    let pid = labels::holder_pid(tally, snapshot).or_else(|| holder(&tally.command, snapshot));
    let Some(pile) = untold(piles, kind, pid).filter(|p| p.accepted.is_none()) else { return };
    // On a port of its own a client would have one connection, or one to each service.
    pile.accepted = Some(asked.remote.is_none());
    if let Some(end) = asked.remote.and_then(|end| end_of(&end, names)) {
        let count = pile.count;
        pile.set_remotes([(end, count)]);
    }
}

/// The ends that a command line selects rows by.
#[derive(Default)]
struct Asked {
    /// The local port.
    local: Option<u16>,
    /// The remote end, as its port or with its address.
    remote: Option<String>,
}

impl Asked {
    /// `ss ... dst 10.0.0.5:9200`, `dport = :9200`, `sport = :443`, or an awk that compares columns. Of an expression with alternatives
    /// nothing is certain.
    fn of(command: &str) -> Asked {
        let compared = |column: &str| {
            let pattern = command.split_once(column)?.1;
            let port = pattern.split(|c: char| !c.is_ascii_digit()).next()?;
            // What follows may make it a part of other ports.
            let ends = pattern.get(port.len()..)?.starts_with(['$', '/']);
            Some(port).filter(|port| !port.is_empty() && ends)
        };
        let mut asked = Asked::default();
        if prints_of(command, "netstat") {
            asked.local = compared("$4 ~ /:").and_then(|port| port.parse().ok());
            asked.remote = compared("$5 ~ /:").map(str::to_string);
            return asked;
        }
        let table = command.split('|').next().unwrap_or("");
        let mut words = table.split_whitespace().map(|w| w.trim_matches(['(', ')', '\'', '"', '\\'])).filter(|w| !w.is_empty());
        if !prints_of(table, "ss") || table.split_whitespace().any(|w| matches!(w, "or" | "||" | "not" | "!" | "!=" | "neq")) {
            return asked;
        }
        let (mut host, mut port) = (None, None);
        while let Some(word) = words.next() {
            match word {
                "dst" => host = words.next(),
                "dport" | "sport" if matches!(words.next(), Some("=" | "==" | "eq")) => {
                    let number = words.next().map(|port| port.trim_start_matches(':'));
                    match word {
                        "dport" => port = number,
                        _ => asked.local = number.and_then(|port| port.parse().ok()),
                    }
                }
                _ => {}
            }
        }
        asked.remote = match (host, port) {
            (Some(host), Some(port)) => Some(format!("{host}:{port}")),
            (Some(end), None) => Some(end.to_string()).filter(|end| end.contains(':')),
            (None, port) => port.map(str::to_string),
        };
        asked
    }
}

/// Whether a pipeline counts by the column of remote ends, or by what lsof prints behind the arrow.
fn counts_remotes(command: &str) -> bool {
    command.contains("uniq -c") && (counts_peers(command) || (prints_of(command, "lsof") && cuts_at_arrow(command)))
}

/// `sed 's/.*->//'`, `awk -F'->' '{print $2}'`.
fn cuts_at_arrow(command: &str) -> bool {
    let parts = || command.split('|').filter(|part| part.contains("->"));
    parts().any(|part| part.contains("s/.*->//") || (part.contains("awk") && printed(part) == [2]))
}

/// An end told by numbers, or by a name that something else in the capture has too; a port alone is one at any address.
fn end_of(label: &str, names: &Interner) -> Option<End> {
    let label = label.split_whitespace().next()?;
    if let Ok(port) = label.parse() {
        return Some(End::Any(port)).filter(|_| port > 0);
    }
    let end = Endpoint::parse(label.as_bytes()).filter(|end| end.service.is_empty())?;
    match end.addr {
        Addr::V4(address) => Some(End::V4(address, end.port)),
        Addr::Name(name) => Some(End::Named(names.find(name)?, end.port)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_that_were_asked_for() {
        for (command, local, remote) in [
            ("ss -tn state established dst 10.0.0.5:92 | wc -l", None, Some("10.0.0.5:92")),
            ("ss -tn state established '( dport = :92 )' | wc -l", None, Some("92")),
            ("ss -Htn state established sport = :443 | wc -l", Some(443), None),
            ("ss -tn '( dport = :92 or sport = :92 )' | wc -l", None, None),
            ("netstat -ant | awk '$4 ~ /:27017$/ && $6==\"ESTABLISHED\"' | wc -l", Some(27017), None),
            ("ss -tn dst 10.0.0.5 dport = :92 | wc -l", None, Some("10.0.0.5:92")),
            ("netstat -ant | awk '$5 ~ /:(70|71)$/' | wc -l", None, None),
            ("netstat -ant | awk '$5 ~ /:70(24|42)$/' | wc -l", None, None),
        ] {
            let asked = Asked::of(command);
            assert_eq!((asked.local, asked.remote.as_deref()), (local, remote), "{command}");
        }
    }

    #[test]
    fn the_remote_column_of_each_tool() {
        for (command, remote) in [
            ("ss -tn state close-wait | awk 'NR>1 {print $4}' | sort | uniq -c", true),
            ("ss -tan | grep CLOSE-WAIT | awk '{print $5}' | sort | uniq -c", true),
            ("netstat -ant | grep CLOSE_WAIT | awk '{print $5}' | sort | uniq -c", true),
            ("netstat -ant | grep CLOSE_WAIT | awk '{print $4}' | sort | uniq -c", false),
            ("ss -tan | grep CLOSE-WAIT | awk '{print $4}' | sort | uniq -c", false),
            ("ss -tn state close-wait | awk '{print $4}' | wc -l", false),
            ("lsof -nP -p 7 | grep CLOSE_WAIT | sed 's/.*->//' | sed 's/.*://' | sort | uniq -c", true),
            ("lsof -p 7 | grep ESTABLISHED | awk -F'->' '{print $2}' | sort | uniq -c", true),
            ("lsof -p 7 | grep ESTABLISHED | awk -F'->' '{print $1}' | sort | uniq -c", false),
        ] {
            assert_eq!(counts_remotes(command), remote, "{command}");
        }
        let names = Interner::default();
        assert_eq!(end_of("10.40.2.15:443", &names), Some(End::V4(0x0a28_020f, 443)));
        assert_eq!(end_of("443 (CLOSE_WAIT)", &names), Some(End::Any(443)));
        assert_eq!((end_of("web-1:https", &names), end_of("", &names)), (None, None));
    }
}
