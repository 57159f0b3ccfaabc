//! Hosts compared: the same program leaking toward the same remote on several hosts has its cause outside of each of them.

use super::finding::{Finding, HostReport};
use super::grade::{Derivation, Grade};
use crate::causes::{Claim, Class, Evidence, Strength, Witnessed, number};
use crate::facts::SocketState;
use crate::host::{Host, Source};
use std::collections::{BTreeMap, BTreeSet};

/// Other hosts named by name, at most.
const NAMED: usize = 12;
/// Pairs of hosts told of, at most.
const MAX_MEETINGS: usize = 10_000;
/// Hosts that show the same two ends of a connection, at most: more than one do not, unless networks share addresses.
const MAX_SAME: usize = 4;
/// Connections compared, at most.
const MAX_ENDS: usize = 1 << 19;
/// Remarks on one host, at most.
const MAX_REMARKS: usize = 48;

/// How many connections have which states at both ends.
type Pairs = BTreeMap<(SocketState, SocketState), i64>;
/// Local and remote end, and the hosts that show them.
type Seen = BTreeMap<(String, String), Vec<(usize, SocketState)>>;

/// Adds to each leak what the other hosts say of it, and a finding of its own for what several hosts share.
pub fn hosts(findings: &mut Vec<Finding>, reports: &[HostReport]) {
    if reports.len() < 2 {
        return;
    }
    let mut shared: BTreeMap<(&'static str, String), Vec<usize>> = BTreeMap::new();
    for (n, finding) in findings.iter().enumerate() {
        if let Some(key) = key(finding) {
            shared.entry(key).or_default().push(n);
        }
    }
    for members in shared.into_values() {
        let hosts: BTreeSet<usize> = members.iter().filter_map(|&n| findings.get(n)?.hosts.first().copied()).collect();
        if hosts.len() < 2 {
            continue;
        }
        let all: Vec<&Finding> = members.iter().filter_map(|&n| findings.get(n)).collect();
        let Some(summary) = summary(&all, &hosts, reports) else { continue };
        for n in members {
            let Some(finding) = findings.get_mut(n) else { continue };
            let others = hosts.iter().filter(|h| !finding.hosts.contains(h)).filter_map(|&h| reports.get(h));
            let mut labels: Vec<String> = others.take(NAMED).map(|r| r.label.clone()).collect();
            if hosts.len() > NAMED + 1 {
                labels.push(format!("{} more", number((hosts.len() - NAMED - 1) as i64)));
            }
            let says = format!("the same program shows the same on {}: {}", labels.join(", "), outside(&summary));
            finding.claim.evidence.push(Evidence::new(Strength::Moderate, Witnessed::Listing, says, []));
        }
        findings.push(summary);
    }
}

/// What several hosts share, as a note: hosts are never added up.
fn summary(all: &[&Finding], hosts: &BTreeSet<usize>, reports: &[HostReport]) -> Option<Finding> {
    let first = all.first()?;
    let owner = first.claim.owner.as_ref()?;
    let label = |f: &Finding| f.hosts.first().and_then(|&h| reports.get(h)).map_or("?", |r| r.label.as_str()).to_string();
    let toward = first
        .claim
        .remotes
        .iter()
        .filter(|r| !r.near)
        .find(|r| all.iter().all(|f| f.claim.remotes.iter().any(|o| o.endpoint == r.endpoint)));
    let program = if owner.program.is_empty() { &owner.command } else { &owner.program };
    let to = toward.map_or(String::new(), |r| format!(" toward {}", r.endpoint));
    let mut claim = Claim {
        pile: None,
        owner: None,
        kind: None,
        count: None,
        copies: None,
        class: Class::Note,
        remotes: toward.into_iter().cloned().collect(),
        says: String::new(),
        evidence: Vec::new(),
        against: Vec::new(),
        missing: Vec::new(),
        now: Vec::new(),
        fix: Vec::new(),
        ..first.claim.clone()
    };
    claim.says = format!("{program} leaks in the same way{to} on {} of {} hosts", hosts.len(), reports.len());
    for finding in all {
        let kind = finding.claim.kind.map_or("sockets", |k| k.plural());
        let count = finding.claim.count.map_or(String::new(), |n| format!("{} ", number(n as i64)));
        let says = format!("{}: {count}{kind}", label(finding));
        claim.evidence.push(Evidence::new(Strength::Moderate, Witnessed::Listing, says, []));
    }
    let grade = all.iter().map(|f| f.grade.grade).min().unwrap_or(Grade::Weak);
    let because = vec!["it is as sure as the least sure of the hosts' findings".to_string()];
    Some(Finding { claim, grade: Derivation { grade, because, lift: None }, rivals: Vec::new(), hosts: hosts.iter().copied().collect() })
}

/// Where the cause of a leak lies that several hosts share.
fn outside(summary: &Finding) -> String {
    match summary.claim.remotes.first() {
        Some(remote) => format!("they share {} and the program, so no single host is to blame", remote.endpoint),
        None => "they share the program, so no single host is to blame".to_string(),
    }
}

fn key(finding: &Finding) -> Option<(&'static str, String)> {
    let owner = finding.claim.owner.as_ref()?;
    let name = if owner.program.is_empty() { &owner.command } else { &owner.program };
    (finding.claim.class == Class::Leak).then(|| (finding.claim.code, name.clone()))
}

/// Matches the two ends of connections that were captured on both hosts, and says what their states mean together.
pub fn ends(hosts: &[Host], sources: &[Source], reports: &mut [HostReport]) {
    if hosts.len() < 2 {
        return;
    }
    let mut seen: Seen = BTreeMap::new();
    let mut met: BTreeMap<(usize, usize), Pairs> = BTreeMap::new();
    for (here, host) in hosts.iter().enumerate() {
        let mine = connections(host, sources);
        for ((local, remote), state) in &mine {
            // A loopback connection has both ends on its own host, and the same names on any other.
            if local.starts_with("127.") || local.starts_with("[::1]") {
                continue;
            }
            for (there, other) in seen.get(&(remote.clone(), local.clone())).into_iter().flatten() {
                if met.len() < MAX_MEETINGS || met.contains_key(&(*there, here)) {
                    *met.entry((*there, here)).or_default().entry((*other, *state)).or_default() += 1;
                }
            }
        }
        for (ends, state) in mine {
            if seen.len() >= MAX_ENDS && !seen.contains_key(&ends) {
                continue;
            }
            let at = seen.entry(ends).or_default();
            if at.len() < MAX_SAME {
                at.push((here, state));
            }
        }
    }
    for ((a, b), pairs) in met {
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
            if let Some(report) = reports.get_mut(n).filter(|r| r.remarks.len() < MAX_REMARKS) {
                report.remarks.push((says.clone(), None));
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
