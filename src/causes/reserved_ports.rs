//! Local ports below 1,024 from which a client of RPC connects, such as one that mounts over NFS: of a few hundred, and each is taken for a
//! minute more after its connection has ended.

use super::case::Case;
use super::claim::{Evidence, Strength, Witnessed};
use super::say::number;
use crate::capture::End;
use crate::facts::SocketState;
use std::collections::BTreeMap;

/// The range from which Linux takes them where no setting was captured (`sunrpc.min_resvport`, `sunrpc.max_resvport`).
const RANGE: (i64, i64) = (665, 1023);

/// Reserved ports that are taken toward one host.
pub(super) struct Reserved {
    pub host: End,
    pub taken: usize,
    waiting: usize,
    range: (i64, i64),
}

/// The host toward which nearly all reserved ports are taken, if there is one.
pub(super) fn used_up(case: &Case<'_>) -> Option<Reserved> {
    let bound = |name, otherwise| case.counter(name).map_or(otherwise, |f| f.value);
    let range = (bound("sysctl.sunrpc.min_resvport", RANGE.0), bound("sysctl.sunrpc.max_resvport", RANGE.1));
    let mut taken: BTreeMap<End, BTreeMap<u16, bool>> = BTreeMap::new();
    for (local, remote, state) in case.snapshot.tables.iter().flat_map(|t| &t.connections) {
        let port = local.port();
        if (range.0..=range.1).contains(&i64::from(port)) && !case.ledger.listening.has(port) {
            taken.entry(remote.host()).or_default().insert(port, *state == SocketState::TimeWait);
        }
    }
    let (host, ports) = taken.into_iter().max_by_key(|(_, ports)| ports.len())?;
    let all = range.1.saturating_sub(range.0).saturating_add(1);
    let near = ports.len() as i64 * 100 >= all.saturating_mul(case.thresholds.near_limit as i64);
    near.then(|| Reserved { host, taken: ports.len(), waiting: ports.values().filter(|waits| **waits).count(), range })
}

impl Reserved {
    /// That they are used up.
    pub(super) fn evidence(&self, case: &Case<'_>) -> Evidence {
        let (low, high) = self.range;
        let says = format!(
            "{} of the {} local ports from {} to {}, from which mounts and other RPC clients connect, are taken toward {}, {} of them by TIME-WAIT",
            number(self.taken as i64),
            number(high - low + 1),
            number(low),
            number(high),
            case.show(self.host),
            number(self.waiting as i64)
        );
        let groups = case.snapshot.tables.iter().flat_map(|t| &t.groups);
        let row = groups.filter(|g| g.remotes.iter().any(|(end, _)| end.host() == self.host)).find_map(|g| g.quotes.first());
        Evidence::new(Strength::Strong, Witnessed::Table, says, row)
    }
}
