//! What was captured and what not, and what to capture next.

use super::finding::{Finding, HostReport, Verdict};
use crate::bundle::MemberEnd;
use crate::capture::Quote;
use crate::capture::trace::Trace;
use crate::causes::{Case, Class, Missing};
use crate::facts::NoteKind;
use crate::ledger::Family;

/// What a capture of one host covers.
#[derive(Clone, Debug, Default)]
pub struct Coverage {
    /// sockstat or `ss -s`.
    pub books: bool,
    /// A table of TCP sockets.
    pub table: bool,
    /// Its rows name holders.
    pub holders: bool,
    /// Descriptors of processes.
    pub descriptors: bool,
    /// Descriptors of all processes, with privilege.
    pub all_descriptors: bool,
    /// A trace.
    pub trace: bool,
    /// Logs.
    pub logs: bool,
    /// Limits of some process.
    pub limits: bool,
    /// More than one snapshot.
    pub growth: bool,
}

impl Coverage {
    /// What a case covers.
    pub fn of(case: &Case<'_>) -> Coverage {
        let s = case.snapshot;
        Coverage {
            books: case.ledger.books.unhashed.is_some(),
            table: case.ledger.best(Family::Tcp).is_some_and(|v| !v.partial),
            holders: case.ledger.best(Family::Tcp).is_some_and(|v| v.holders_shown()),
            descriptors: s.processes.values().any(|p| !p.lists.is_empty()),
            all_descriptors: case.ledger.all_listed,
            trace: !s.traces.is_empty(),
            logs: s.logs.lines > 0,
            limits: s.processes.values().any(|p| p.nofile.is_some()),
            growth: !case.earlier.is_empty() || case.host.takes.len() > 1,
        }
    }

    /// Whether silence of the evidence means health: the kernel's own counts, or a whole table with the descriptors of all processes.
    pub fn enough_for_health(&self) -> bool {
        self.books || (self.table && self.all_descriptors)
    }
}

/// What a reader should know of a capture: cut members, missing privilege, filters.
pub fn remarks(case: &Case<'_>) -> Vec<(String, Option<Quote>)> {
    let mut all = Vec::new();
    for member in case.members {
        let what = match &member.end {
            MemberEnd::Cut(why) => format!("{} is cut: {why}", member.path),
            MemberEnd::Skipped(why) => format!("{} was not read: {why}", member.path),
            MemberEnd::Whole if member.reading.bytes == 0 => format!("{} is empty: that is missing evidence, not zero", member.path),
            _ => continue,
        };
        all.push((what, None));
    }
    let mut seen = std::collections::BTreeSet::new();
    for remark in &case.snapshot.remarks {
        let telling = !matches!(remark.kind, NoteKind::TableStart | NoteKind::SampleStart | NoteKind::Warning);
        if telling && seen.insert((remark.kind, remark.quote.at.member)) {
            all.push((format!("{}: {}", case.path(&remark.quote), remark.kind.word()), Some(remark.quote.clone())));
        }
    }
    all.extend(case.snapshot.traces.iter().filter_map(joining));
    all.truncate(24);
    all
}

/// A trace of a thread that waits for another to end, which looks like a hang and is how every JVM's first thread looks.
///
/// glibc joins on the thread's tid word with a shared `FUTEX_WAIT` (or `_BITSET` with a clock) without a time limit; a lock is `_PRIVATE`.
fn joining(trace: &Trace) -> Option<(String, Option<Quote>)> {
    let blocked = trace.pending.iter().find(|b| {
        let text = &b.quote.text;
        let shared = text.contains("FUTEX_WAIT") && !text.contains("_PRIVATE");
        let value = text.split(',').nth(2).and_then(|v| v.trim().parse::<u32>().ok());
        shared && text.contains("NULL") && value.is_some_and(|v| v > 1 && b.tid.or(trace.pid).is_none_or(|t| v > t))
    })?;
    let says = "the futex line of the trace proves no hang: a shared wait on a thread id without a time limit is a thread joining another, as the first thread of every JVM does; strace -f would show the threads that work";
    Some((says.to_string(), Some(blocked.quote.clone())))
}

/// What to capture next, most telling first.
pub fn next(findings: &[Finding], reports: &[HostReport], verdict: Verdict) -> Vec<Missing> {
    let mut next: Vec<Missing> = Vec::new();
    let mut add = |m: Missing| {
        if !next.iter().any(|n| n.what == m.what) && next.len() < 6 {
            next.push(m);
        }
    };
    for finding in findings.iter().filter(|f| f.claim.class != Class::Note) {
        finding.claim.missing.iter().cloned().for_each(&mut add);
        let pid = finding.claim.owner.as_ref().and_then(|o| o.pids.first()).map(|p| p.0);
        if let (Some(pid), Some(report)) = (pid, finding.hosts.first().and_then(|&h| reports.get(h)))
            && !report.coverage.limits
        {
            add(Missing {
                what: format!("limits and descriptors of {pid}"),
                would: "tell how near the process is to its own limit".into(),
                command: format!("cat /proc/{pid}/limits; ls /proc/{pid}/fd | wc -l"),
            });
        }
    }
    if verdict != Verdict::Healthy {
        for coverage in reports.iter().map(|r| &r.coverage) {
            if !coverage.descriptors {
                add(Missing {
                    what: "the descriptors of all processes".into(),
                    would: "name who holds the sockets".into(),
                    command: "sudo lsof -nP +c0".into(),
                });
            }
            if !coverage.books {
                add(Missing {
                    what: "the kernel's socket counts".into(),
                    would: "tell how many sockets exist in no table".into(),
                    command: "cat /proc/net/sockstat /proc/net/sockstat6; ss -s".into(),
                });
            }
            if !coverage.table {
                add(Missing {
                    what: "the socket tables with holders".into(),
                    would: "tell states, remotes and holders".into(),
                    command: "sudo ss -tanpoe".into(),
                });
            }
            if !coverage.growth {
                add(Missing {
                    what: "a second capture a few minutes later".into(),
                    would: "tell growth from a level".into(),
                    command: "sh collect.sh".into(),
                });
            }
        }
    }
    next
}
