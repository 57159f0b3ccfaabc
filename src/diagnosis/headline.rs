//! One sentence: who, what, how many, why.

use super::finding::{Finding, HostReport, Verdict};
use super::grade::Grade;
use crate::causes::{Claim, Class, Remote, number};
use crate::ledger::{CountIs, Kind};

/// The headline of a diagnosis.
pub fn headline(verdict: Verdict, findings: &[Finding], reports: &[HostReport]) -> String {
    let limit = findings.iter().find(|f| verdict == Verdict::Exhaustion && f.claim.class == Class::Exhaustion);
    let first = limit.or_else(|| findings.first());
    match (verdict, first) {
        (Verdict::Leak, Some(f)) => {
            let more = findings.iter().skip(1).filter(|f| f.claim.class == Class::Leak).count();
            let hosts = hosts_of(findings, reports);
            let tail = match more {
                0 => String::new(),
                n => format!(" ({n} more leak{} below)", if n == 1 { "" } else { "s" }),
            };
            format!("{}{hosts}{tail}", leak_sentence(f))
        }
        (Verdict::Exhaustion, Some(f)) if shows_no_leak(findings, reports) => {
            format!("no leak, but a limit: {}{}", limit_sentence(f), on_host(f, reports))
        }
        (Verdict::Exhaustion, Some(f)) => {
            format!("a limit is reached: {}{}; whether anything leaks, the capture cannot tell", limit_sentence(f), on_host(f, reports))
        }
        (Verdict::Healthy, _) => {
            let note = findings.first().map_or(String::new(), |f| match on_host(f, reports) {
                host if host.is_empty() => format!("; {}", note_sentence(f)),
                host => format!(";{host}: {}", note_sentence(f)),
            });
            // What only an earlier snapshot shows is over.
            let over = findings.iter().any(|f| f.claim.code == "backlog-overflow");
            let when = if over { " in the last snapshot" } else { "" };
            format!("no socket leak and no limit reached{when}, on what was captured{note}")
        }
        (_, Some(f)) if f.claim.class == Class::Leak => format!("cannot tell for sure: {}{}", leak_sentence(f), on_host(f, reports)),
        _ => match reports.iter().flat_map(|r| &r.unjudged).next() {
            Some(open) => format!("cannot tell: {}", open.says),
            None => "cannot tell: the capture lacks what would decide".to_string(),
        },
    }
}

/// Whether silence of the evidence means that nothing leaks: all was captured that would show it, by someone who may see it.
fn shows_no_leak(findings: &[Finding], reports: &[HostReport]) -> bool {
    let covered = |r: &HostReport| r.coverage.enough_for_health() && r.unjudged.is_empty() && !r.coverage.unprivileged;
    findings.iter().all(|f| f.claim.class != Class::Leak) && reports.iter().all(covered)
}

/// `java (pid 4684), com.acme.Main, leaks 157,624 TCP sockets in no connection state: left over by failed connects to 10.0.0.5:9092`.
pub fn leak_sentence(finding: &Finding) -> String {
    let claim = &finding.claim;
    let who = match &claim.owner {
        Some(owner) => {
            let program =
                if owner.program.is_empty() || owner.program == owner.command { String::new() } else { format!(", {},", owner.program) };
            format!("{}{program}", owner.named())
        }
        None if claim.code == "kernel-leak" => "the kernel".to_string(),
        None => "a process that the capture does not name".to_string(),
    };
    let kind = claim.kind.map_or("sockets".to_string(), |_| claim.noun(claim.count.unwrap_or(0)));
    let count = match (claim.count, claim.is) {
        (None, _) => String::new(),
        (Some(n), CountIs::Exact) => format!("{} ", number(n as i64)),
        (Some(n), CountIs::AtLeast) => format!("at least {} ", number(n as i64)),
        (Some(n), CountIs::Estimate) => format!("about {} ", number(n as i64)),
    };
    let count = claim.copies.map_or(count.clone(), |n| format!("{} descriptors of {count}", number(n as i64)));
    let verb = if finding.grade.grade >= Grade::Moderate { "leaks" } else { "may leak" };
    let remote = claim.remotes.first().filter(|r| !is_one_of_many(r, claim));
    let remote = remote.map_or(String::new(), |r| format!(" ({}{})", if r.near { "on " } else { "" }, r.endpoint));
    format!("{who} {verb} {count}{kind}, {}{remote}", claim.says)
}

/// Whether rows are with many ends of which this has less than half: to name it would be an accident.
fn is_one_of_many(remote: &Remote, claim: &Claim) -> bool {
    let alike: u64 = claim.remotes.iter().filter(|r| r.near == remote.near).map(|r| r.count).sum();
    let told = claim.remotes_told.max(alike);
    told > 0 && remote.count > 0 && remote.count.saturating_mul(2) < told
}

fn limit_sentence(finding: &Finding) -> String {
    let claim = &finding.claim;
    let who = claim.owner.as_ref().map_or(String::new(), |o| format!("{}: ", o.named()));
    let what = crate::causes::by_code(claim.code).map_or(claim.code, |c| c.claim());
    // Which remote that is, where it is known.
    let far = claim.remotes.first().filter(|r| !r.near).filter(|_| what.contains("toward one remote"));
    if let Some(remote) = far {
        let count = claim.count.map_or(String::new(), |n| format!(" ({} {})", number(n as i64), claim.noun(n)));
        return format!("{who}{}{count}", what.replace("one remote", &remote.endpoint));
    }
    // Without a remote nothing tells that it is one.
    let what = if claim.remotes.is_empty() { what.replace(" toward one remote", "") } else { what.to_string() };
    let where_to = claim.remotes.first().map(|r| format!("{} {}", if r.near { "on" } else { "toward" }, r.endpoint));
    let extent: Vec<String> = claim.count.map(|n| number(n as i64)).into_iter().chain(where_to).collect();
    let extent = if extent.is_empty() { String::new() } else { format!(" ({})", extent.join(" ")) };
    format!("{who}{what}{extent}")
}

/// What a note says, in a few words.
pub fn note_sentence(finding: &Finding) -> String {
    let claim = &finding.claim;
    // Nobody holds what waits to time out, even where it is known who left it.
    let held = claim.kind.filter(|k| claim.owner.is_none() || *k != Kind::TimeWait);
    if held.is_none() {
        let whose = claim.owner.as_ref().map_or(String::new(), |o| format!(" of {}", o.named()));
        let count = claim.count.map_or(String::new(), |n| format!(" ({} {})", number(n as i64), claim.noun(n)));
        return format!("{}{whose}: {}{count}", claim.code, claim.says);
    }
    let who = claim.owner.as_ref().map_or(String::new(), |o| format!("{} holds ", o.named()));
    let kind = claim.kind.map_or(String::new(), |_| format!("{} ", claim.noun(claim.count.unwrap_or(0))));
    let least = if claim.is == CountIs::AtLeast { "at least " } else { "" };
    let count = claim.count.map_or(String::new(), |n| format!("{least}{} ", number(n as i64)));
    format!("{who}{count}{kind}({}): {}", claim.code, claim.says)
}

/// The host of a finding, where there are several hosts and it is of one.
fn on_host(finding: &Finding, reports: &[HostReport]) -> String {
    let only = match finding.hosts.as_slice() {
        [host] if reports.len() > 1 => reports.get(*host),
        _ => None,
    };
    only.map_or(String::new(), |r| format!(" on {}", r.label))
}

/// The hosts of the first leak, where there are several hosts.
fn hosts_of(findings: &[Finding], reports: &[HostReport]) -> String {
    if reports.len() < 2 {
        return String::new();
    }
    let Some(first) = findings.first() else { return String::new() };
    let same = |f: &&Finding| {
        f.claim.class == Class::Leak
            && f.claim.code == first.claim.code
            && f.claim.owner.as_ref().map(|o| &o.command) == first.claim.owner.as_ref().map(|o| &o.command)
    };
    let hosts: Vec<&str> =
        findings.iter().filter(same).flat_map(|f| &f.hosts).filter_map(|&h| reports.get(h)).map(|r| r.label.as_str()).collect();
    if hosts.len() > 1 {
        format!("; the same on {} of {} hosts", hosts.len(), reports.len())
    } else {
        hosts.first().map_or(String::new(), |h| format!(" on {h}"))
    }
}
