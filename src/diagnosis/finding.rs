//! Findings: the claim that explains a pile best, with its rivals and its grade.

use super::coverage::Coverage;
use super::grade::{Derivation, grade};
use super::judged::Judged;
use super::seen::Seen;
use super::unjudged::Unjudged;
use crate::capture::Quote;
use crate::causes::{Case, Claim, Class, Evidence, Exclusion, Missing, Strength, Witnessed, near, number};
use crate::checks::Checked;
use crate::facts::{IdentityKey, SocketState};
use crate::host::Source;
use crate::ledger::{Books, Kind, Pile};
use std::collections::BTreeMap;
use std::sync::Arc;

/// The verdict of the contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[expect(missing_docs, reason = "each variant is the contract's word of section 3")]
pub enum Verdict {
    Leak,
    Exhaustion,
    Healthy,
    Inconclusive,
}

/// One finding.
#[derive(Clone, Debug)]
pub struct Finding {
    /// What is claimed.
    pub claim: Claim,
    /// How sure, and why.
    pub grade: Derivation,
    /// Claims on the same pile that the evidence does not beat clearly, best first.
    pub rivals: Vec<Claim>,
    /// Hosts it is about, as indexes into the reports.
    pub hosts: Vec<usize>,
}

/// A usual suspect and whether it is ruled out.
#[derive(Clone, Debug)]
pub struct RuledOut {
    /// Its code.
    pub code: &'static str,
    /// Whether, and by what.
    pub exclusion: Exclusion,
}

/// What a report tells of one host besides findings.
#[derive(Clone, Debug)]
pub struct HostReport {
    /// The host's name, or its directory or input.
    pub label: String,
    /// Index of the input its diagnosed snapshot comes from.
    pub input: usize,
    /// The root directory of that snapshot.
    pub root: String,
    /// The host name, where captured.
    pub host: Option<String>,
    /// The kernel, where captured.
    pub kernel: Option<String>,
    /// The system, where it is not Linux.
    pub system: Option<String>,
    /// When it was captured, RFC 3339 where that could be told.
    pub captured_at: Option<String>,
    /// How many snapshots of it there are.
    pub snapshots: usize,
    /// The kernel's counts.
    pub books: Books,
    /// TCP rows by state.
    pub states: BTreeMap<SocketState, i64>,
    /// Whether they come from a whole table.
    pub states_whole: bool,
    /// Sockets by program and kind, largest first.
    pub piles: Arc<Vec<Pile>>,
    /// TCP sockets in no table that no pile explains.
    pub unexplained: Option<i64>,
    /// Traces of system calls.
    pub traces: Vec<Traced>,
    /// Cross-checks.
    pub checks: Vec<Checked>,
    /// Usual suspects.
    pub ruled_out: Vec<RuledOut>,
    /// What was captured and what not.
    pub coverage: Coverage,
    /// What pipelines counted, where no socket is listed, a sentence each.
    pub counted: Vec<String>,
    /// What the capture shows and cannot settle.
    pub unjudged: Vec<Unjudged>,
    /// What was over a bound of the reading, a sentence each.
    pub left_out: Vec<String>,
    /// Names of endpoints, resolved: the most frequent remotes of each pile, by pile index.
    pub remotes: BTreeMap<usize, Vec<(String, u64)>>,
    /// Things a reader should know of the capture.
    pub remarks: Vec<(String, Option<Quote>)>,
    /// Every process, for whoever asks about one.
    pub processes: BTreeMap<u32, Seen>,
}

/// What a trace of system calls shows of sockets, whoever's it is.
#[derive(Clone, Debug)]
pub struct Traced {
    /// Where it begins.
    pub at: crate::facts::Citation,
    /// The process, if told.
    pub pid: Option<u32>,
    /// Calls read.
    pub calls: u64,
    /// Sockets created in it.
    pub created: u64,
    /// Those of them that are open at its end.
    pub open: u64,
}

/// The whole diagnosis.
#[derive(Debug)]
pub struct Diagnosis {
    /// The verdict.
    pub verdict: Verdict,
    /// One sentence: who, what, how many, why.
    pub headline: String,
    /// Findings, the one that explains most first.
    pub findings: Vec<Finding>,
    /// Hosts.
    pub reports: Vec<HostReport>,
    /// Inputs.
    pub sources: Vec<Source>,
    /// What to capture next.
    pub next: Vec<Missing>,
    /// Findings left out because there are too many to be read.
    pub further: usize,
}

impl Diagnosis {
    /// Keeps the first findings; the verdict and the headline were drawn from all of them.
    pub fn keep_findings(&mut self, most: usize) {
        let further = self.findings.len().saturating_sub(most);
        self.findings.truncate(most);
        self.further += further;
    }

    /// What is to be said of findings left out.
    pub fn left_out(&self) -> Option<String> {
        (self.further > 0).then(|| {
            let (n, option) = (number(self.further as i64), crate::bundle::FINDINGS_OPTION);
            format!("more than fits: {n} further findings were left out; {option} raises the bound")
        })
    }
}

impl Verdict {
    /// The contract's word.
    pub fn word(self) -> &'static str {
        match self {
            Verdict::Leak => "leak",
            Verdict::Exhaustion => "exhaustion",
            Verdict::Healthy => "healthy",
            Verdict::Inconclusive => "inconclusive",
        }
    }
}

impl Finding {
    /// How much it explains: its sockets (or their copies), then the weight of its evidence.
    pub fn weight(&self) -> (u64, i32) {
        (self.claim.copies.or(self.claim.count).unwrap_or(0), self.claim.score())
    }
}

impl HostReport {
    /// What the case tells besides findings.
    pub(super) fn new(case: &Case<'_>, judged: Judged, input: usize) -> HostReport {
        let identity = |key| case.host.takes.iter().rev().find_map(|t| t.snapshot.identity.get(&key)).map(|(v, _)| v.clone());
        let ledger = case.ledger;
        let mut remotes = BTreeMap::new();
        for (n, pile) in ledger.piles.iter().enumerate().take(64) {
            let mut top: Vec<(String, u64)> = Vec::new();
            // Of rows that name no holder a pile has only some, and copies show one row many times: an end of more than it has is not its own.
            top.extend(pile.traits.top_remotes(3).into_iter().filter(|(_, n)| *n <= pile.count).map(|(e, n)| (case.show(e), n)));
            if !top.is_empty() {
                remotes.insert(n, top);
            }
        }
        HostReport {
            label: case.host.label.clone(),
            input,
            root: case.host.takes.get(case.host.main).map_or(String::new(), |t| t.root.clone()),
            host: identity(IdentityKey::Hostname),
            kernel: identity(IdentityKey::Kernel),
            system: identity(IdentityKey::System),
            captured_at: identity(IdentityKey::Date),
            snapshots: case.host.takes.len(),
            books: ledger.books.clone(),
            states: ledger.states.iter().map(|(&s, f)| (s, f.value)).collect(),
            states_whole: ledger.states_whole,
            piles: ledger.piles.clone(),
            unexplained: ledger.unexplained(),
            traces: case.snapshot.traces.iter().map(traced).collect(),
            checks: judged.checks,
            ruled_out: judged.ruled_out,
            coverage: Coverage::of(case),
            counted: super::counted::counted(case),
            unjudged: super::unjudged::unjudged(case),
            left_out: super::coverage::left_out(case),
            remotes,
            remarks: super::coverage::remarks(case),
            processes: judged.processes,
        }
    }
}

fn traced(trace: &crate::capture::trace::Trace) -> Traced {
    let (created, open) = trace.sockets();
    Traced { at: trace.at, pid: trace.pid, calls: trace.calls, created, open }
}

/// Sorts claims into findings: of claims on one pile the best supported wins, and the others are its rivals.
pub fn rank(claims: Vec<Claim>, case: &Case<'_>, checks: &[Checked]) -> Vec<Finding> {
    let mut by_pile: BTreeMap<(usize, bool), Vec<Claim>> = BTreeMap::new();
    let mut findings = Vec::new();
    for claim in claims {
        match claim.pile {
            Some(pile) if claim.class == Class::Leak => by_pile.entry((pile, true)).or_default().push(claim),
            _ => findings.push(Finding { grade: grade(&claim, &[], case, checks), claim, rivals: Vec::new(), hosts: Vec::new() }),
        }
    }
    for (_, mut rivals) in by_pile {
        rivals.sort_by_key(|c| (std::cmp::Reverse(c.score()), c.code == "unknown"));
        let base = rivals.iter().find(|c| c.code == "unknown").map_or(i32::MIN, Claim::score);
        let claim = settle(&mut rivals);
        let Some(claim) = claim else { continue };
        let top = claim.score();
        rivals.retain(|r| r.code != "unknown" && r.score() > base && r.score() * 4 >= top * 3);
        rivals.retain(|r| !is_only_told(r, &claim));
        let mut claim = claim;
        if let Some(rival) = rivals.iter().find(|r| is_shown(r)).filter(|_| is_shown(&claim)) {
            claim.says = format!("{}, and others {}", claim.says, rival.says);
        }
        findings.push(Finding { grade: grade(&claim, &rivals, case, checks), claim, rivals, hosts: Vec::new() });
    }
    join_client_objects(&mut findings);
    drop_effects(&mut findings);
    findings.sort_by_key(|f| (f.claim.class, std::cmp::Reverse(f.weight())));
    findings
}

/// Whether a rival of a claim whose mechanism a trace shows rests on lines of a log alone: the trace would show its mechanism too.
fn is_only_told(rival: &Claim, claim: &Claim) -> bool {
    let common = |e: &Evidence| claim.evidence.iter().any(|other| other.says == e.says);
    let mut own = rival.evidence.iter().filter(|e| e.strength >= Strength::Moderate && !common(e));
    is_shown(claim) && own.all(|e| e.by == Witnessed::Log)
}

/// Whether a trace shows a claim's mechanism.
fn is_shown(claim: &Claim) -> bool {
    claim.evidence.iter().any(|e| e.strength == Strength::Decisive && e.by == Witnessed::Trace)
}

/// The winner. What all claims on a pile share (the suspicion) decides nothing, so a cause that adds nothing to it is `unknown`.
fn settle(rivals: &mut Vec<Claim>) -> Option<Claim> {
    if rivals.is_empty() {
        return None;
    }
    let base = rivals.iter().find(|c| c.code == "unknown").map(Claim::score);
    let first = rivals.first()?;
    if let Some(base) = base
        && first.score() <= base
        && let Some(n) = rivals.iter().position(|c| c.code == "unknown")
    {
        return Some(rivals.remove(n));
    }
    Some(rivals.remove(0))
}

/// A client object per call leaves a selector and a connection each time: as many of both in one process are one leak, the selector's.
fn join_client_objects(findings: &mut Vec<Finding>) {
    let Some(n) = findings.iter().position(|f| f.claim.code == "selector-not-closed") else { return };
    let (count, owner) = match findings.get(n) {
        Some(f) => (f.claim.count.unwrap_or(0), f.claim.owner.clone()),
        None => return,
    };
    let same = |f: &Finding| {
        let pids = f.claim.owner.as_ref().zip(owner.as_ref()).is_some_and(|(a, b)| a.pids.iter().any(|p| b.has(p.0)));
        f.claim.code == "pool-unbounded" && pids && near(f.claim.count.unwrap_or(0), count, 15)
    };
    let Some(m) = findings.iter().position(same) else { return };
    let pool = findings.remove(m);
    let n = if m < n { n - 1 } else { n };
    if let Some(selector) = findings.get_mut(n) {
        selector.claim.remotes.extend(pool.claim.remotes);
        selector.claim.evidence.extend(pool.claim.evidence);
    }
}

/// Findings that are only the effect of another are dropped: unix or epoll piles of a process whose TCP pile already explains them,
/// exhaustion of a limit that a leak fills.
fn drop_effects(findings: &mut Vec<Finding>) {
    let leaks: Vec<(u64, Option<Kind>, Vec<u32>)> = findings
        .iter()
        .filter(|f| f.claim.class == Class::Leak)
        .map(|f| {
            (f.claim.count.unwrap_or(0), f.claim.kind, f.claim.owner.as_ref().map_or(Vec::new(), |o| o.pids.iter().map(|p| p.0).collect()))
        })
        .collect();
    let inherited: Vec<u32> = findings
        .iter()
        .filter(|f| f.claim.code == "fd-inherited")
        .flat_map(|f| f.claim.owner.iter().flat_map(|o| o.pids.iter().map(|p| p.0)).collect::<Vec<_>>())
        .collect();
    findings.retain(|f| {
        let Some(owner) = &f.claim.owner else { return true };
        let count = f.claim.count.unwrap_or(0);
        let mine = |pids: &[u32]| pids.iter().any(|&p| owner.has(p));
        if f.claim.class == Class::Leak && f.claim.code != "fd-inherited" && mine(&inherited) {
            return false;
        }
        // A proxy that forgets its clients' connections keeps their upstreams with them.
        let forgets = |l: &(u64, Option<Kind>, Vec<u32>)| l.1 == Some(Kind::CloseWait) && l.0 * 2 >= count && mine(&l.2);
        if f.claim.code == "pool-unbounded" && leaks.iter().any(forgets) {
            return false;
        }
        if f.claim.class == Class::Leak && f.claim.code != "dup-not-closed" && leaks.iter().any(|l| l.0 > count * 20 && mine(&l.2)) {
            return false;
        }
        !(f.claim.code == "busy-not-leaking" && leaks.iter().any(|l| l.1 == f.claim.kind && mine(&l.2)))
    });
}
