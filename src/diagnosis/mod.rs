//! Causes held against each other: which explains each pile best, how sure that is, what follows for the host and for all hosts together.

mod compare;
mod counted;
mod coverage;
mod elsewhere;
mod finding;
mod grade;
mod headline;
mod judged;
mod nameless;
mod risen;
mod seen;
mod unjudged;

pub use finding::{Diagnosis, Finding, HostReport, RuledOut, Traced, Verdict};
pub use grade::{Derivation, Grade};
pub use headline::{leak_sentence, note_sentence};
use judged::Judged;
pub use seen::Seen;
pub use unjudged::Unjudged;

use crate::capture::{Interner, Member};
use crate::causes::{Case, Class};
use crate::config::Thresholds;
use crate::host::{Host, Source};
use crate::ledger::Ledger;
use std::sync::OnceLock;

/// Diagnoses all hosts. Cannot fail: what a capture lacks is said, not an error.
pub fn diagnose(sources: Vec<Source>, hosts: &[Host], thresholds: &Thresholds) -> Diagnosis {
    let mut reports = Vec::new();
    let mut findings = Vec::new();
    for (number, host) in hosts.iter().enumerate() {
        let report = one_host(&sources, hosts, host, thresholds);
        findings.extend(report.1.into_iter().map(|mut f| {
            f.hosts = vec![number];
            f
        }));
        reports.push(report.0);
    }
    compare::hosts(&mut findings, &reports);
    compare::ends(hosts, &sources, &mut reports);
    let verdict = verdict(&findings, &reports);
    findings.sort_by_key(|f| (f.claim.class, f.grade.grade == Grade::Weak, std::cmp::Reverse(f.weight())));
    let headline = headline::headline(verdict, &findings, &reports);
    let mut next = coverage::next(&findings, &reports, verdict);
    elsewhere::translate(&mut findings, &reports, &mut next);
    Diagnosis { verdict, headline, findings, reports, sources, next, further: 0 }
}

/// The host's ledger, checks, exclusions and findings.
fn one_host(sources: &[Source], hosts: &[Host], host: &Host, thresholds: &Thresholds) -> (HostReport, Vec<Finding>) {
    with_case(sources, hosts, host, thresholds, |case| {
        let mut judged = Judged::of(case);
        let findings = finding::rank(std::mem::take(&mut judged.claims), case, &judged.checks);
        let input = host.takes.get(host.main).map_or(0, |t| t.input);
        (HostReport::new(case, judged, input), findings)
    })
}

/// Prepares the case of one of the hosts and hands it over: for whoever weighs single causes.
pub fn with_case<T>(sources: &[Source], hosts: &[Host], host: &Host, thresholds: &Thresholds, look: impl FnOnce(&Case<'_>) -> T) -> T {
    let empty = Interner::default();
    let no_members: &[Member] = &[];
    let input = host.takes.get(host.main).map_or(0, |t| t.input);
    let (names, members) = sources.get(input).map_or((&empty, no_members), |s| (&s.names, s.members.as_slice()));
    let blank = crate::capture::Snapshot::default();
    let snapshot = host.snapshot().unwrap_or(&blank);
    let ledger = Ledger::reconcile(snapshot, members, names);
    let earlier: Vec<Ledger<'_>> = host
        .takes
        .iter()
        .take(host.main)
        .filter(|t| t.snapshot.has_rows())
        .filter_map(|t| {
            let source = sources.get(t.input)?;
            let ledger = Ledger::reconcile(&t.snapshot, &source.members, &source.names);
            // Only the diagnosed one is checked.
            Some(Ledger { connected: Vec::new(), ..ledger })
        })
        .collect();
    let histories = ledger.piles.iter().map(|_| OnceLock::new()).collect();
    let case = Case {
        host,
        hosts,
        sources,
        snapshot,
        names,
        members,
        ledger: &ledger,
        earlier: &earlier,
        thresholds,
        histories,
        port_use: OnceLock::new(),
        vanished: OnceLock::new(),
    };
    look(&case)
}

/// The verdict over all hosts: a leak anywhere is a leak.
fn verdict(findings: &[Finding], reports: &[HostReport]) -> Verdict {
    let any = |class| findings.iter().any(|f| f.claim.class == class);
    if findings.iter().any(|f| f.claim.class == Class::Leak && f.grade.grade > Grade::Weak) {
        Verdict::Leak
    } else if findings.iter().any(|f| f.claim.class == Class::Exhaustion && f.grade.grade > Grade::Weak) {
        Verdict::Exhaustion
    } else if any(Class::Leak) {
        Verdict::Inconclusive
    } else if any(Class::Exhaustion) {
        Verdict::Exhaustion
    } else if reports.iter().any(|r| !r.unjudged.is_empty()) {
        Verdict::Inconclusive
    } else if !reports.is_empty() && reports.iter().all(|r| r.coverage.enough_for_health()) {
        Verdict::Healthy
    } else {
        Verdict::Inconclusive
    }
}
