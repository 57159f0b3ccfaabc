//! Hosts compared: the same program leaking toward the same remote on several hosts has its cause outside of each of them.

use super::finding::{Finding, HostReport};
use crate::causes::{Class, Evidence, Strength, Witnessed, number};
use crate::facts::SocketState;
use crate::host::{Host, Source};
use std::collections::BTreeMap;

/// Adds to each leak what the other hosts say of it.
pub fn hosts(findings: &mut [Finding], reports: &[HostReport]) {
    if reports.len() < 2 {
        return;
    }
    let keys: Vec<Option<(String, String, usize)>> = findings.iter().map(key).collect();
    for (n, finding) in findings.iter_mut().enumerate() {
        let Some(Some((code, command, host))) = keys.get(n) else { continue };
        let others: Vec<&str> = keys
            .iter()
            .flatten()
            .filter(|(c, p, h)| c == code && p == command && h != host)
            .filter_map(|(_, _, h)| reports.get(*h))
            .map(|r| r.label.as_str())
            .collect();
        if !others.is_empty() {
            let says = format!(
                "the same program shows the same on {}: the cause lies outside of this host, such as a remote that changed",
                others.join(", ")
            );
            finding.claim.evidence.push(Evidence::new(Strength::Moderate, Witnessed::Listing, says, []));
        }
    }
}

fn key(finding: &Finding) -> Option<(String, String, usize)> {
    let owner = finding.claim.owner.as_ref()?;
    (finding.claim.class == Class::Leak)
        .then(|| (finding.claim.code.to_string(), owner.command.clone(), finding.hosts.first().copied().unwrap_or(0)))
}

/// Matches the two ends of connections that were captured on both hosts, and says what their states mean together.
pub fn ends(hosts: &[Host], sources: &[Source], reports: &mut [HostReport]) {
    if hosts.len() < 2 {
        return;
    }
    let all: Vec<BTreeMap<(String, String), SocketState>> = hosts.iter().map(|h| connections(h, sources)).collect();
    for (a, mine) in all.iter().enumerate() {
        for (b, theirs) in all.iter().enumerate().skip(a + 1) {
            let mut pairs: BTreeMap<(SocketState, SocketState), i64> = BTreeMap::new();
            for ((local, remote), state) in mine {
                // A loopback connection has both ends on its own host, and the same names on any other.
                if local.starts_with("127.") || local.starts_with("[::1]") {
                    continue;
                }
                if let Some(other) = theirs.get(&(remote.clone(), local.clone())) {
                    *pairs.entry((*state, *other)).or_default() += 1;
                }
            }
            let Some((&(here, there), &count)) = pairs.iter().max_by_key(|(_, n)| **n) else { continue };
            let label = |n: usize| reports.get(n).map_or(String::new(), |r| r.label.clone());
            let (a_label, b_label) = (label(a), label(b));
            let says = format!(
                "{} connections are in the captures of both {a_label} and {b_label}: {} there, {} here{}",
                number(count),
                there.word(),
                here.word(),
                meaning(here, there, &a_label, &b_label)
            );
            for n in [a, b] {
                if let Some(report) = reports.get_mut(n) {
                    report.remarks.push((says.clone(), None));
                }
            }
        }
    }
}

/// What the states of both ends say about who must act.
fn meaning(here: SocketState, there: SocketState, a: &str, b: &str) -> String {
    use SocketState::{CloseWait, FinWait2};
    match (here, there) {
        (CloseWait, FinWait2) => format!("; {b} has closed, {a} must close"),
        (FinWait2, CloseWait) => format!("; {a} has closed, {b} must close"),
        _ => String::new(),
    }
}

fn connections(host: &Host, sources: &[Source]) -> BTreeMap<(String, String), SocketState> {
    let mut all = BTreeMap::new();
    let Some(take) = host.takes.get(host.main) else { return all };
    let Some(source) = sources.get(take.input) else { return all };
    for (local, remote, state) in take.snapshot.tables.iter().flat_map(|t| &t.connections) {
        all.entry((local.show(&source.names), remote.show(&source.names))).or_insert(*state);
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_side_that_must_close_is_named() {
        assert_eq!(meaning(SocketState::CloseWait, SocketState::FinWait2, "a", "b"), "; b has closed, a must close");
        assert_eq!(meaning(SocketState::Established, SocketState::Established, "a", "b"), "");
    }
}
