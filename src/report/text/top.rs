//! The first screen: 24 lines that are enough at three in the morning.

use super::super::page::{Ink, Page};
use super::super::{Detail, Look, advice, home, sentence, summary};
use crate::causes::Class;
use crate::diagnosis::{Diagnosis, Finding, Verdict};

/// The verdict, who and how many, what to do, what it is not.
pub fn first_screen(page: &mut Page, diagnosis: &Diagnosis, look: &Look) {
    let ink = match diagnosis.verdict {
        Verdict::Leak => Ink::Bad,
        Verdict::Exhaustion | Verdict::Inconclusive => Ink::Warn,
        Verdict::Healthy => Ink::Good,
    };
    page.headline(ink, diagnosis.verdict.word(), &diagnosis.headline, 3);
    if let Some(pid) = look.pid {
        for line in summary::of_pid(diagnosis, pid) {
            page.label("pid", &line, 2);
        }
    }
    match accused_one(diagnosis) {
        Some(finding) => accused(page, diagnosis, finding),
        None => nobody(page, diagnosis),
    }
    several_hosts(page, diagnosis);
    suspects(page, diagnosis);
    if look.detail == Detail::Normal {
        page.label("more", "evidence below; -v for every check, member and row; sockdiag explain CODE", 1);
    }
}

/// The finding that the first screen is about.
pub fn accused_one(diagnosis: &Diagnosis) -> Option<&Finding> {
    diagnosis.findings.iter().find(|f| f.claim.class != Class::Note)
}

/// That finding in labels.
fn accused(page: &mut Page, diagnosis: &Diagnosis, finding: &Finding) {
    let claim = &finding.claim;
    let (report, _) = home(diagnosis, finding);
    page.label("cause", &format!("{}: {}", claim.code, claim.says), 2);
    let because = finding.grade.because.join("; ");
    page.label("grade", &format!("{}: {because}", finding.grade.grade.word()), 3);
    if let Some(owner) = &claim.owner {
        page.label("process", &format!("{}{}", summary::process(owner, report), summary::on_host(diagnosis, finding)), 2);
    }
    if let Some(count) = summary::count(finding, report) {
        page.label("count", &count, 2);
    }
    if let Some(remotes) = summary::remotes(finding, 3) {
        page.label(summary::whither(finding), &remotes, 2);
    }
    if !claim.now.is_empty() {
        page.label("do now", &claim.now.join("; "), 2);
    }
    if !claim.fix.is_empty() {
        page.label("fix", &claim.fix.join("; "), 2);
    }
    let avoid = advice::avoid(claim);
    if !avoid.is_empty() {
        page.label("do not", &avoid.iter().map(|a| a.strip_prefix("do not ").unwrap_or(a)).collect::<Vec<_>>().join("; "), 2);
    }
    others(page, diagnosis, Some(finding));
}

/// Nothing is accused: what was looked at.
fn nobody(page: &mut Page, diagnosis: &Diagnosis) {
    if let [report] = diagnosis.reports.as_slice() {
        page.label("captured", &summary::covered(report), 2);
        if let Some(largest) = summary::largest(report, 3) {
            page.label("most", &largest, 2);
        }
        for counted in &report.counted {
            page.label("counted", counted, 3);
        }
    }
    others(page, diagnosis, None);
    if diagnosis.verdict == Verdict::Inconclusive
        && let Some(missing) = diagnosis.next.first()
    {
        page.label("capture", &format!("{}: {}", missing.what, missing.command), 2);
    }
}

/// The findings that the headline is not about.
fn others(page: &mut Page, diagnosis: &Diagnosis, told: Option<&Finding>) {
    // On several hosts the same finding is told by the list of hosts.
    let several = diagnosis.reports.len() > 1;
    let same = |f: &&Finding| told.is_some_and(|t| std::ptr::eq(t, *f) || several && t.claim.code == f.claim.code);
    let rest: Vec<&Finding> = diagnosis.findings.iter().filter(|f| !same(f)).collect();
    let most = if several { 1 } else { 2 };
    for finding in rest.iter().take(most) {
        let lines = if finding.claim.class == Class::Note { 1 } else { 2 };
        page.label("also", &format!("{}{}", sentence(finding), summary::on_host(diagnosis, finding)), lines);
    }
    if rest.len() > most {
        page.label("", &format!("and {} more below", rest.len() - most), 1);
    }
}

fn several_hosts(page: &mut Page, diagnosis: &Diagnosis) {
    if diagnosis.reports.len() < 2 {
        return;
    }
    let hosts: Vec<String> = summary::hosts(diagnosis).into_iter().map(|(host, says)| format!("{host}: {says}")).collect();
    page.label("hosts", &hosts.join("; "), 3);
}

/// What is ruled out, what is not, and which sources contradict each other.
fn suspects(page: &mut Page, diagnosis: &Diagnosis) {
    if let Some(report) = super::super::worst(diagnosis) {
        if let Some(out) = summary::ruled_out(report) {
            page.label("ruled out", &out, 3);
        }
        if let Some(open) = summary::open(diagnosis, report) {
            page.label("unsettled", &open, 1);
        }
    }
    if let Some(disagree) = summary::disagreements(diagnosis) {
        page.label("disagree", &disagree, 2);
    }
}
