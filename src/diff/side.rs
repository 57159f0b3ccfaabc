//! One capture of one host, as far as captures are compared.

use crate::capture::Interner;
use crate::capture::tops::Tops;
use crate::facts::{IdentityKey, LimitValue, SocketState};
use crate::host::{Host, Source, Take};
use crate::ledger::{Family, Kind, Ledger};
use std::collections::BTreeMap;

/// Ports of the default range 32768 to 60999.
const DEFAULT_PORTS: (i64, i64) = (32_768, 60_999);

/// One capture of one host.
#[derive(Clone, Debug, Default)]
pub struct Side {
    /// The host's name, or where it comes from.
    pub label: String,
    /// When, as captured.
    pub captured_at: Option<String>,
    /// When, in seconds since the epoch (or since the same unknown moment, where the zone is not told).
    pub time: Option<f64>,
    /// Sockets by program and kind.
    pub piles: Vec<Pile>,
    /// Whether some source says who holds what, so that a pile that is not there has no sockets.
    pub holders_known: bool,
    /// TCP rows by state.
    pub states: BTreeMap<String, i64>,
    /// Whether they are all.
    pub states_whole: bool,
    /// Counters by name, the last reading of each.
    pub counters: BTreeMap<String, i64>,
    /// Names of processes.
    pub processes: BTreeMap<u32, String>,
    /// Open descriptors and their soft limit, by process.
    pub descriptors: BTreeMap<u32, (u64, Option<u64>)>,
    /// The most local ports in use toward one remote, and that remote.
    pub ports: Option<(u64, String)>,
}

/// Sockets of one kind held by one program.
#[derive(Clone, Debug)]
pub struct Pile {
    /// The holder.
    pub command: String,
    /// What it really is.
    pub program: String,
    /// Its processes.
    pub pids: Vec<u32>,
    /// The kind.
    pub kind: Kind,
    /// Distinct sockets.
    pub count: u64,
    /// A line.
    pub at: Option<String>,
}

impl Side {
    /// What a take of a host says.
    pub fn of(host: &Host, take: &Take, sources: &[Source]) -> Option<Side> {
        let source = sources.get(take.input)?;
        let (snapshot, names) = (&take.snapshot, &source.names);
        let ledger = Ledger::reconcile(snapshot, &source.members, names);
        let captured_at = snapshot.identity.get(&IdentityKey::Date).map(|(date, _)| date.clone());
        let place = |q: &crate::capture::Quote| {
            let member = source.members.get(q.at.member.0 as usize)?;
            Some(format!("{}:{}", member.path, q.at.line))
        };
        let piles = ledger.piles.iter().map(|p| Pile {
            command: p.owner.as_ref().map_or(String::new(), |o| o.command.clone()),
            program: p.owner.as_ref().map_or(String::new(), |o| o.program.clone()),
            pids: p.owner.iter().flat_map(|o| o.pids.iter().map(|p| p.0)).collect(),
            kind: p.kind,
            count: p.count,
            at: p.traits.quotes.first().and_then(place),
        });
        let soft = |pid: &u32| match snapshot.processes.get(pid)?.nofile.as_ref()?.0 {
            LimitValue::At(n) => Some(n),
            LimitValue::Unlimited => None,
        };
        let counted = snapshot.processes.iter().filter_map(|(pid, p)| Some((*pid, u64::from(p.fd_count.as_ref()?.0))));
        let listed = ledger.holdings.iter().filter_map(|(pid, h)| Some((*pid, h.descriptors.as_ref()?.0)));
        let mut descriptors: BTreeMap<u32, (u64, Option<u64>)> = BTreeMap::new();
        for (pid, count) in counted.chain(listed) {
            let entry = descriptors.entry(pid).or_insert((0, soft(&pid)));
            entry.0 = entry.0.max(count);
        }
        Some(Side {
            label: host.label.clone(),
            time: captured_at.as_deref().and_then(seconds),
            captured_at,
            piles: piles.collect(),
            holders_known: ledger.piles.iter().any(|p| p.owner.is_some()),
            states: ledger.states.iter().map(|(state, f)| (state.word().to_string(), f.value)).collect(),
            states_whole: ledger.states_whole,
            counters: snapshot.counters.iter().filter_map(|(name, r)| Some((names.text(*name), r.last()?.value))).collect(),
            processes: snapshot.processes.iter().filter(|(_, p)| !p.command.is_empty()).map(|(n, p)| (*n, p.command.clone())).collect(),
            descriptors,
            ports: ports(&ledger, names, low_port(snapshot, names)),
        })
    }

    /// Whether the absence of a pile of this kind means that there are none.
    pub fn covers(&self, kind: Kind) -> bool {
        let in_tables = matches!(kind, Kind::CloseWait | Kind::SynSent | Kind::Established | Kind::Listen | Kind::FinWait | Kind::TimeWait);
        self.holders_known || in_tables && self.states_whole
    }

    /// A counter.
    pub fn counter(&self, name: &str) -> Option<i64> {
        self.counters.get(name).copied()
    }

    /// How many local ports there are.
    pub fn port_range(&self) -> i64 {
        let low = self.counter("sysctl.net.ipv4.ip_local_port_range.low").unwrap_or(DEFAULT_PORTS.0);
        let high = self.counter("sysctl.net.ipv4.ip_local_port_range.high").unwrap_or(DEFAULT_PORTS.1);
        high.saturating_sub(low).saturating_add(1).max(1)
    }
}

/// A date as seconds: of the epoch where it has a zone, else as if it were UTC, which is right for two captures of one host.
fn seconds(date: &str) -> Option<f64> {
    let stamp = date.parse::<jiff::Timestamp>().ok();
    let civil = || date.parse::<jiff::civil::DateTime>().ok()?.to_zoned(jiff::tz::TimeZone::UTC).ok();
    stamp.or_else(|| Some(civil()?.timestamp())).map(|t| t.as_millisecond() as f64 / 1000.0)
}

fn low_port(snapshot: &crate::capture::Snapshot, names: &Interner) -> i64 {
    crate::ledger::books::latest(snapshot, names, "sysctl.net.ipv4.ip_local_port_range.low").map_or(DEFAULT_PORTS.0, |f| f.value)
}

/// The most connections to one remote whose local ports are of the range, live or in TIME-WAIT.
fn ports(ledger: &Ledger<'_>, names: &Interner, low: i64) -> Option<(u64, String)> {
    let view = ledger.best(Family::Tcp)?;
    let mut remotes = Tops::default();
    for group in view.groups(Family::Tcp).filter(|g| g.state != SocketState::Listen) {
        if group.uses_ports_from(low, |port| ledger.listening.has(port)) {
            remotes.merge(&group.remotes);
        }
    }
    remotes.first().map(|(end, n)| (n, end.show(names)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_with_and_without_a_zone() {
        let (a, b) = (seconds("2026-11-22T14:56:52Z").unwrap(), seconds("2026-11-22T14:57:52").unwrap());
        assert!((b - a - 60.0).abs() < 1e-6);
        assert_eq!(seconds("Sun Nov 22 14:56:52 IST 2026"), None);
    }
}
