//! Remote ends that `sort | uniq -c` counted, put to the pile whose state the command selects.
//!
//! ```text
//! # ss -tn state close-wait | awk '{print $4}' | sort | uniq -c
//!    1828 10.40.2.15:443
//! ```

use super::census::holder;
use super::kind::Kind;
use super::pile::Pile;
use super::tally::{counts_peers, kind_in, printed, prints_of};
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
    for tally in snapshot.tallies.iter().filter(|t| counts_remotes(&t.command)) {
        if let (Some(kind), Some(end)) = (kind_in(&tally.command), end_of(&tally.label, names)) {
            // Of several counts the last.
            counted.entry((kind, holder(&tally.command, snapshot))).or_default().insert(end, tally.value);
        }
    }
    for ((kind, pid), ends) in counted {
        let mine = |p: &&mut Pile| p.kind == kind && pid.is_none_or(|pid| p.held_by(pid));
        let Some(pile) = piles.iter_mut().filter(mine).max_by_key(|p| p.count) else { continue };
        if pile.traits.remotes.total() > 0 {
            continue;
        }
        let service = |(end, n): &(&End, &u64)| **n >= MANY && (1..CLIENTS).contains(&end.port());
        let opened: u64 = ends.iter().filter(service).map(|(_, n)| *n).sum();
        pile.set_remotes(ends);
        pile.accepted = pile.accepted.or_else(|| (opened * 10 >= pile.count * 9).then_some(false));
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
