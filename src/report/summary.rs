//! What several formats say in the same words: who it is, how many, what is ruled out, what was captured.

use super::harmless::columns;
use super::{home, place};
use crate::causes::{Class, number};
use crate::checks::Status;
use crate::diagnosis::{Diagnosis, Finding, HostReport, RuledOut};
use crate::facts::LimitValue;
use crate::host::Source;
use crate::ledger::{CountIs, Kind, Owner, Pile};

/// Columns up to which a reason is short.
const REASON: usize = 34;

/// The process as people know it: program, kernel's name, pids, user, service.
pub fn process(owner: &Owner, report: Option<&HostReport>) -> String {
    let mut said = String::new();
    if !owner.program.is_empty() && owner.program != owner.command {
        said.push_str(&format!("{} = ", owner.program));
    }
    said.push_str(&owner.named());
    if !owner.user.is_empty() {
        let word = if owner.user.bytes().all(|b| b.is_ascii_digit()) { "uid" } else { "user" };
        said.push_str(&format!(", {word} {}", owner.user));
    }
    if let Some(service) = service(owner, report) {
        said.push_str(&format!(", {service}"));
    }
    said
}

/// The systemd unit or the container that a process runs in, where its cgroup tells.
pub fn service<'r>(owner: &Owner, report: Option<&'r HostReport>) -> Option<&'r str> {
    let first = owner.pids.first()?.0;
    report?.processes.get(&first)?.service.as_deref()
}

/// How many of what, and who counted them.
pub fn count(finding: &Finding, report: Option<&HostReport>) -> Option<String> {
    let claim = &finding.claim;
    let n = claim.count?;
    let lead = match claim.is {
        CountIs::Exact => "",
        CountIs::AtLeast => "at least ",
        CountIs::Estimate => "about ",
    };
    let mut said = format!("{lead}{} {}", number(n), claim.kind.map_or(String::new(), |_| claim.noun(n)));
    if let Some(copies) = claim.copies {
        said.push_str(&format!(", by {} descriptors", number(copies)));
    }
    let pile = claim.pile.and_then(|p| report?.piles.get(p));
    let Some(pile) = pile else { return Some(said.trim_end().to_string()) };
    let words = words(pile);
    if !words.is_empty() {
        said.push_str(&format!(" (by {words})"));
    }
    if let Some((open, whole, _)) = &pile.descriptors {
        let lead = if *whole { "" } else { "at least " };
        let limit = match (&pile.limit, &pile.nameless_limit) {
            (Some((l, _)), _) => format!(" of {} allowed", number(*l as i64)),
            (None, Some((l, _))) => format!(", of {} allowed if the captured limit is its own", number(*l as i64)),
            (None, None) => "; its limit was not captured".to_string(),
        };
        said.push_str(&format!("; {lead}{} descriptors open{limit}", number(*open as i64)));
    } else if let (Some((limit, _)), Some((open, _))) = (&pile.limit, &pile.at_least) {
        said.push_str(&format!("; at least {} descriptors open of {} allowed", number(*open as i64), number(*limit as i64)));
    }
    Some(said)
}

/// `lsof 3,305, fd 3,304`: each source's count of a pile.
pub fn words(pile: &Pile) -> String {
    let words: Vec<String> = pile.words.iter().map(|w| format!("{} {}", w.source, number(w.count as i64))).collect();
    words.join(", ")
}

/// What stands in front of a finding's ends.
pub fn whither(finding: &Finding) -> &'static str {
    if finding.claim.remotes.iter().all(|r| r.near) { "local end" } else { "toward" }
}

/// Remote ends, each with its count and why it is named.
pub fn remotes(finding: &Finding, most: usize) -> Option<String> {
    let all = &finding.claim.remotes;
    let shown: Vec<String> = all
        .iter()
        .take(most)
        .map(|r| match (r.count, r.why.is_empty()) {
            (0, true) => r.endpoint.clone(),
            (0, false) => format!("{} ({})", r.endpoint, r.why),
            (n, true) => format!("{} ({})", r.endpoint, number(n as i64)),
            (n, false) => format!("{} ({}, {})", r.endpoint, number(n as i64), r.why),
        })
        .collect();
    let more = if all.len() > most { format!(" and {} more", all.len() - most) } else { String::new() };
    (!shown.is_empty()).then(|| format!("{}{more}", shown.join(", ")))
}

/// Usual suspects that are out, each with its reason where that is short.
pub fn ruled_out(report: &HostReport) -> Option<String> {
    let out: Vec<String> = report.ruled_out.iter().filter(|r| r.exclusion.out).map(with_reason).collect();
    (!out.is_empty()).then(|| out.join(", "))
}

/// A suspect with its reason, where that is short.
fn with_reason(suspect: &RuledOut) -> String {
    match brief(&suspect.exclusion.says) {
        reason if columns(reason) <= REASON => format!("{} ({reason})", suspect.code),
        _ => suspect.code.to_string(),
    }
}

/// Usual suspects that stay open; one that was found is settled.
pub fn open(diagnosis: &Diagnosis, report: &HostReport) -> Option<String> {
    let found = |code: &str| {
        diagnosis.findings.iter().any(|f| f.claim.code == code && home(diagnosis, f).0.is_none_or(|r| std::ptr::eq(r, report)))
    };
    let open = || report.ruled_out.iter().filter(|r| !r.exclusion.out && !found(r.code));
    // What has lines to show is no lack of evidence.
    let is_told = |r: &&RuledOut| !r.exclusion.at.is_empty() && !r.exclusion.says.starts_with("cannot be ruled out");
    let told = open().filter(is_told).map(with_reason);
    let missing: Vec<&str> = open().filter(|r| !is_told(r)).map(|r| r.code).collect();
    let missing = (!missing.is_empty()).then(|| format!("{} (evidence is missing)", missing.join(", ")));
    let all: Vec<String> = told.chain(missing).collect();
    (!all.is_empty()).then(|| all.join(", "))
}

/// The checks that disagree, those that shake conclusions first.
pub fn disagreements(diagnosis: &Diagnosis) -> Option<String> {
    let made = || diagnosis.reports.iter().flat_map(|r| &r.checks).filter(|c| c.status != Status::Skipped);
    let mut wrong: Vec<_> = made().filter(|c| c.status == Status::Disagree).collect();
    wrong.sort_by_key(|c| !c.undermines);
    let first = wrong.first()?;
    Some(format!("{} of {} checks: {}: {}", wrong.len(), made().count(), first.code, first.says))
}

/// What a capture covers.
pub fn covered(report: &HostReport) -> String {
    let c = &report.coverage;
    let mut has: Vec<String> = Vec::new();
    let mut add = |there: bool, what: &str| {
        if there {
            has.push(what.to_string());
        }
    };
    add(c.books, "the kernel's socket counts");
    add(c.table && c.holders, "the TCP table with holders");
    add(c.table && !c.holders, "the TCP table");
    add(c.rows && !c.table && c.holders, "some rows of socket tables, with holders");
    add(c.rows && !c.table && !c.holders, "some rows of socket tables");
    let counts = if c.counts_of_descriptors { "counts of descriptors" } else { "counts of sockets" };
    add(c.counts && !c.rows && !c.books, counts);
    add(c.all_descriptors, "descriptors of all processes");
    add(c.descriptors && !c.all_descriptors, "descriptors of some processes");
    add(c.limits, "limits");
    add(c.trace, "a trace");
    add(c.logs, "logs");
    if report.snapshots > 1 {
        has.push(format!("{} snapshots", report.snapshots));
    }
    if has.is_empty() { "nothing that tells about sockets".to_string() } else { has.join(", ") }
}

/// The largest piles of a host, in a few words.
pub fn largest(report: &HostReport, most: usize) -> Option<String> {
    let shown: Vec<String> = report
        .piles
        .iter()
        .filter(|p| p.kind != Kind::File)
        .take(most)
        .map(|p| format!("{}: {} {}", holder(p), number(p.count as i64), p.kind.noun(p.count)))
        .collect();
    (!shown.is_empty()).then(|| shown.join("; "))
}

/// Who holds a pile.
pub fn holder(pile: &Pile) -> String {
    pile.owner.as_ref().map_or("(holder not shown)".to_string(), Owner::named)
}

/// What each host shows, in a few words.
pub fn hosts(diagnosis: &Diagnosis) -> Vec<(String, String)> {
    diagnosis
        .reports
        .iter()
        .enumerate()
        .map(|(n, report)| {
            let of: Vec<String> = diagnosis
                .findings
                .iter()
                .filter(|f| f.hosts.contains(&n) && f.claim.class != Class::Note)
                .map(|f| format!("{} {}", f.claim.code, f.claim.count.map_or(String::new(), |c| number(c as i64))).trim_end().to_string())
                .collect();
            let says = match (of.is_empty(), report.coverage.enough_for_health()) {
                (false, _) => of.join(", "),
                (true, true) => "nothing found".to_string(),
                (true, false) => "cannot tell".to_string(),
            };
            (report.label.clone(), says)
        })
        .collect()
}

/// What the capture shows of one process, on each host that has it.
pub fn of_pid(diagnosis: &Diagnosis, pid: u32) -> Vec<String> {
    let several = diagnosis.reports.len() > 1;
    let mut said = Vec::new();
    for (n, report) in diagnosis.reports.iter().enumerate() {
        let Some(seen) = report.processes.get(&pid) else { continue };
        let on = if several { format!(" on {}", report.label) } else { String::new() };
        let name = if seen.command.is_empty() { "a process without a name" } else { &seen.command };
        let held: Vec<String> = seen.sockets.iter().map(|&(kind, n)| format!("{} {}", number(n as i64), kind.noun(n))).collect();
        let held = if held.is_empty() { "no socket that the capture shows".to_string() } else { held.join(", ") };
        let open = seen.descriptors.map_or(String::new(), |(n, whole)| {
            let lead = if whole { "" } else { "at least " };
            let limit = match seen.limit {
                Some(LimitValue::At(l)) => format!(" of {} allowed", number(l as i64)),
                _ => String::new(),
            };
            format!("; {lead}{} descriptors open{limit}", number(n as i64))
        });
        let guilty: Vec<&str> = diagnosis
            .findings
            .iter()
            .filter(|f| f.hosts.contains(&n) && f.claim.owner.as_ref().is_some_and(|o| o.has(pid)))
            .map(|f| f.claim.code)
            .collect();
        let findings = if guilty.is_empty() { "; no finding is about it".to_string() } else { format!("; see {}", guilty.join(", ")) };
        said.push(format!("{pid} ({name}){on} holds {held}{open}{findings}"));
    }
    if said.is_empty() {
        said.push(format!("{pid} is not in the capture"));
    }
    said
}

/// Where a finding's input is named: the path, the digest if one is known.
pub fn inputs(sources: &[Source]) -> Vec<String> {
    sources
        .iter()
        .map(|s| if s.walked.sha256.is_empty() { s.name.clone() } else { format!("{} sha256 {}", s.name, s.walked.sha256) })
        .collect()
}

/// Places of the lines of an exclusion, a figure or a check, in a few words.
pub fn places(source: Option<&Source>, quotes: &[crate::capture::Quote], most: usize) -> String {
    let mut shown: Vec<String> = Vec::new();
    for quote in quotes.iter().take(most) {
        let place = place(source, quote);
        if !shown.contains(&place) {
            shown.push(place);
        }
    }
    let more = if quotes.len() > most { format!(" and {} more", quotes.len() - most) } else { String::new() };
    format!("{}{more}", shown.join(", "))
}

/// The label of the host a finding is about, where there are several.
pub fn on_host(diagnosis: &Diagnosis, finding: &Finding) -> String {
    match home(diagnosis, finding).0 {
        Some(report) if diagnosis.reports.len() > 1 => format!(", on {}", report.label),
        _ => String::new(),
    }
}

/// A reason without what stands in brackets at its end.
fn brief(says: &str) -> &str {
    match says.rfind(" (") {
        Some(at) if says.ends_with(')') => says.get(..at).unwrap_or(says),
        _ => says,
    }
}
