//! Remote ends that `sort | uniq -c` counted, put to the pile whose state the command selects.
//!
//! ```text
//! # ss -tn state close-wait | awk '{print $4}' | sort | uniq -c
//!    1828 10.40.2.15:443
//! ```

use super::kind::Kind;
use super::pile::Pile;
use super::tally::{counts_peers, kind_in};
use crate::capture::End;
use crate::capture::Snapshot;
use crate::facts::{Addr, Endpoint};
use std::collections::BTreeMap;

/// From how many connections with one service on they can only have been opened here: an accepted one has its own port at the far end.
const MANY: u64 = 10;

/// Puts such counts to the largest pile of their kind, where no row tells of its ends.
pub(super) fn apply(snapshot: &Snapshot, piles: &mut [Pile]) {
    let mut counted: BTreeMap<Kind, BTreeMap<End, u64>> = BTreeMap::new();
    for tally in snapshot.tallies.iter().filter(|t| counts_remotes(&t.command)) {
        if let (Some(kind), Some(end)) = (kind_in(&tally.command), end_of(&tally.label)) {
            // Of several counts the last.
            counted.entry(kind).or_default().insert(end, tally.value);
        }
    }
    for (kind, ends) in counted {
        let Some(pile) = piles.iter_mut().filter(|p| p.kind == kind).max_by_key(|p| p.count) else { continue };
        if pile.traits.remotes.total() > 0 {
            continue;
        }
        let most = ends.iter().map(|(end, n)| (*n, *end)).max();
        pile.set_remotes(ends);
        let one_service = most.is_some_and(|(n, end)| n >= MANY && n * 10 >= pile.count * 9 && end.port() > 0);
        pile.accepted = pile.accepted.or_else(|| one_service.then_some(false));
    }
}

/// Whether a pipeline counts by the column of remote ends.
fn counts_remotes(command: &str) -> bool {
    command.contains("uniq -c") && counts_peers(command)
}

/// An end told by numbers.
fn end_of(label: &str) -> Option<End> {
    let end = Endpoint::parse(label.as_bytes()).filter(|end| end.service.is_empty())?;
    match end.addr {
        Addr::V4(address) => Some(End::V4(address, end.port)),
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
        ] {
            assert_eq!(counts_remotes(command), remote, "{command}");
        }
        assert_eq!(end_of("10.40.2.15:443"), Some(End::V4(0x0a28_020f, 443)));
        assert_eq!((end_of("web-1:https"), end_of("")), (None, None));
    }
}
