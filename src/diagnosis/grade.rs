//! How sure a claim is, derived from listed facts, each of which is printed.

use crate::causes::{
    Case, Claim, Class, Missing, Strength, Witnessed, few_beside_live, hoards, left_before, listens_on_paths, number, trace_command,
    vanished_clients,
};
use crate::checks::{Checked, Status};
use crate::facts::SocketState;
use crate::ledger::{CountIs, Family, Kind, Pile};
use std::collections::BTreeSet;

/// The grade of the contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[expect(missing_docs, reason = "each variant is the contract's word of section 3")]
pub enum Grade {
    Weak,
    Moderate,
    Strong,
    Proved,
}

/// A grade with the facts it is derived from.
#[derive(Clone, Debug)]
pub struct Derivation {
    /// The grade.
    pub grade: Grade,
    /// Why not lower, and why not higher, in sentences.
    pub because: Vec<String>,
    /// The one capture that would lift it most, and to what; `None` where no single one would.
    pub lift: Option<(Missing, Grade)>,
}

impl Grade {
    /// The contract's word.
    pub fn word(self) -> &'static str {
        match self {
            Grade::Weak => "weak",
            Grade::Moderate => "moderate",
            Grade::Strong => "strong",
            Grade::Proved => "proved",
        }
    }
}

/// So few connections that their peers have closed a small pool may keep until their next use.
const HARDLY: u64 = 20;
/// An hour in seconds.
const HOUR: u64 = 3600;

/// Derives the grade of a claim.
pub fn grade(claim: &Claim, rivals: &[Claim], case: &Case<'_>, checks: &[Checked]) -> Derivation {
    let mut weighed = Weighed::of(claim);
    if claim.class == Class::Leak {
        agreement(claim, case, &mut weighed);
        if claim.code == "unknown" || claim.code == "owner-not-visible" {
            weighed.cap(Lack::Mechanism, Grade::Moderate, "the capture does not show the cause");
        }
        let pile = || claim.pile.and_then(|n| case.ledger.piles.get(n));
        let vanished = || pile().is_some_and(|p| vanished_clients(case, p).is_some());
        if claim.code == "idle-not-reaped" && !weighed.sources.contains(&Witnessed::Growth) && !vanished() {
            let why = "one sample cannot tell forgotten connections from clients that have nothing to say";
            weighed.cap(Lack::Growth, Grade::Weak, why);
        }
        if only_grew(claim, case, &weighed) && !vanished() {
            let why = "of two samples that do not tell how long connections have been idle, a leak looks like a load that grew";
            weighed.cap(Lack::Mechanism, Grade::Weak, why);
        }
        let few = claim.kind == Some(Kind::CloseWait) && claim.count.is_some_and(|n| n < case.thresholds.close_wait);
        if few && weighed.sources.iter().all(|s| *s == Witnessed::Table) {
            let why = match pile().and_then(|p| p.accepted) {
                Some(false) => "so few may be what a pool finds closed at its next use: one sample cannot tell",
                _ => "so few may be requests that a slow server has not come to yet: one sample cannot tell",
            };
            weighed.cap(Lack::Growth, Grade::Weak, why);
        }
        let number_alone = weighed.sources.iter().all(|s| matches!(s, Witnessed::Table | Witnessed::Listing | Witnessed::Growth));
        let sudden = || pile().is_some_and(|p| case.growth(p).is_some_and(|g| g.is_sudden()) && !left_before(case, p));
        let hardly = claim.count.is_some_and(|n| n < HARDLY) && pile().and_then(|p| case.growth(p)?.seconds).is_none_or(|s| s < HOUR);
        if few && number_alone && (sudden() || hardly) {
            let why = "of so few a pool may close all at its next use";
            weighed.cap(Lack::Growth, Grade::Weak, why);
        }
        if claim.code == "unix-not-closed" && pile().is_some_and(|p| listens_on_paths(case, p)) {
            let why = "a program may listen for each session, and a session may last longer than the trace";
            weighed.cap(Lack::Growth, Grade::Weak, why);
        }
        let beside = claim.owner.as_ref().filter(|_| claim.kind == Some(Kind::CloseWait)).zip(claim.count);
        if let Some(live) = beside.and_then(|(owner, n)| few_beside_live(case, owner, n))
            && weighed.sources.iter().all(|s| *s == Witnessed::Table)
        {
            let why = format!("beside {} live connections so few may be about to be closed: one sample cannot tell", number(live as i64));
            weighed.cap(Lack::Growth, Grade::Weak, why);
        }
        if claim.kind == Some(Kind::Unidentified)
            && claim.copies.is_none()
            && claim.pile.and_then(|n| case.ledger.piles.get(n)).is_none_or(|p| p.untabled.is_none())
            && ![Witnessed::Trace, Witnessed::Growth].iter().any(|w| weighed.sources.contains(w))
        {
            let why = "no table tells what they are: they may be sockets of another kind, and in use";
            weighed.cap(Lack::Count, Grade::Weak, why);
        }
        if claim.code == "kernel-leak" {
            weighed.cap(Lack::Nothing, Grade::Weak, "a holder that is out of sight looks the same");
        } else if claim.owner.is_none() {
            weighed.cap(Lack::Owner, Grade::Moderate, "the capture does not name the process");
            if case.snapshot.is_narrow(|_| true) {
                weighed.cap(
                    Lack::Owner,
                    Grade::Weak,
                    "rows were cut at the width of a window: who holds the sockets, and what they do, may have stood there",
                );
            }
        }
    }
    if let Some(rival) = rivals.first() {
        weighed.cap(Lack::Mechanism, Grade::Moderate, format!("{} fits nearly as well", rival.code));
    }
    let against = claim.against.iter().filter(|e| e.strength >= Strength::Strong).count();
    if against > 0 {
        weighed.cap(Lack::Nothing, Grade::Moderate, format!("{against} strong piece(s) of evidence speak against it"));
    }
    if claim.is == CountIs::Estimate && claim.class != Class::Leak {
        weighed.cap(Lack::Count, Grade::Moderate, "the count is inferred, not listed");
    }
    let broken: Vec<&str> = checks.iter().filter(|c| c.status == Status::Disagree && c.undermines).map(|c| c.code).collect();
    if !broken.is_empty() && claim.class == Class::Leak {
        weighed.cap(Lack::Nothing, Grade::Strong, format!("sources contradict each other ({})", broken.join(", ")));
    }
    let lift = if claim.class == Class::Note { None } else { lift(claim, case, &weighed) };
    Derivation { grade: weighed.grade(None), because: weighed.because, lift }
}

/// What a capture would have to have for a cap to go away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Lack {
    /// A trace that shows the calls.
    Mechanism,
    /// A second source that counts the sockets.
    Count,
    /// A second capture, later.
    Growth,
    /// The descriptors of all processes.
    Owner,
    /// Nothing that could be captured.
    Nothing,
}

/// The pieces a grade is made of.
struct Weighed {
    sources: BTreeSet<Witnessed>,
    decisive: bool,
    strong: usize,
    caps: Vec<(Lack, Grade)>,
    because: Vec<String>,
}

impl Weighed {
    fn of(claim: &Claim) -> Weighed {
        let sources: BTreeSet<Witnessed> = claim.evidence.iter().filter(|e| e.strength >= Strength::Moderate).map(|e| e.by).collect();
        let decisive = claim.evidence.iter().any(|e| e.strength == Strength::Decisive);
        let strong = claim.evidence.iter().filter(|e| e.strength >= Strength::Strong).count();
        let speak = match sources.len() {
            0 => "no source speaks for it clearly".to_string(),
            1 => "one kind of source speaks for it".to_string(),
            n => format!("{n} independent kinds of source speak for it"),
        };
        let shown = if decisive { ", one of them shows the mechanism itself" } else { "" };
        Weighed { sources, decisive, strong, caps: Vec::new(), because: vec![format!("{speak}{shown}")] }
    }

    fn cap(&mut self, lack: Lack, to: Grade, why: impl Into<String>) {
        self.caps.push((lack, to));
        self.because.push(why.into());
    }

    /// The grade as it is, or as it would be with something more captured.
    fn grade(&self, more: Option<Lack>) -> Grade {
        let new = |w, lack| usize::from(more == Some(lack) && !self.sources.contains(&w));
        let sources = self.sources.len() + new(Witnessed::Trace, Lack::Mechanism) + new(Witnessed::Growth, Lack::Growth);
        let strong = self.strong + new(Witnessed::Growth, Lack::Growth);
        let base = match (self.decisive || more == Some(Lack::Mechanism), strong, sources) {
            (true, _, 2..) => Grade::Proved,
            (true, _, _) => Grade::Strong,
            (_, 2.., 2..) => Grade::Strong,
            (_, 1.., _) => Grade::Moderate,
            (_, 0, 2..) => Grade::Moderate,
            _ => Grade::Weak,
        };
        self.caps.iter().filter(|(lack, _)| Some(*lack) != more).map(|c| c.1).fold(base, Grade::min)
    }
}

/// The one capture that would lift the grade most, with the grade it would lift it to.
fn lift(claim: &Claim, case: &Case<'_>, weighed: &Weighed) -> Option<(Missing, Grade)> {
    let pid = claim.owner.as_ref().and_then(|o| o.pids.first()).map(|p| p.0);
    let trace = pid.filter(|_| !weighed.decisive).map(|pid| {
        let traced = case.snapshot.traces.iter().any(|t| t.pid == Some(pid));
        (Lack::Mechanism, format!("{} of all threads of {pid}", if traced { "a longer strace" } else { "strace" }), trace_command(pid))
    });
    let count = ("a second count of the sockets", "cat /proc/net/sockstat /proc/net/sockstat6; sudo ss -tanpe; sudo lsof -nP +c0");
    let later = pid.map_or("sudo sh collect.sh".to_string(), |pid| format!("sudo sh collect.sh --pid {pid}"));
    let candidates = [
        trace,
        Some((Lack::Count, count.0.to_string(), count.1.to_string())),
        Some((Lack::Owner, "the descriptors of all processes".to_string(), "sudo lsof -nP +c0".to_string())),
        Some((Lack::Growth, "a second capture a few minutes later".to_string(), later)),
    ];
    let now = weighed.grade(None);
    let better = candidates.into_iter().flatten().map(|(lack, what, command)| (weighed.grade(Some(lack)), what, command));
    // The first of equals: a trace tells more than its grade.
    let (to, what, command) = better.rev().max_by_key(|b| b.0).filter(|b| b.0 > now)?;
    let would = format!("lift the grade to {}", to.word());
    Some((Missing { what, would, command }, to))
}

/// From how many connections on a client's are more than a pool under load opens toward one remote.
const POOL: u64 = 500;

/// Whether nothing but two numbers speak for a leak of live connections: no call, line or limit, and no silence of the connections.
fn only_grew(claim: &Claim, case: &Case<'_>, weighed: &Weighed) -> bool {
    let Some(pile) = claim.pile.and_then(|n| case.ledger.piles.get(n)).filter(|p| p.kind == Kind::Established) else { return false };
    let t = &pile.traits;
    let told = [Witnessed::Trace, Witnessed::Log, Witnessed::Dump, Witnessed::Limit, Witnessed::Kernel];
    let idle = t.idle_known * 2 >= pile.count && t.idle_minute * 10 >= t.idle_known * 7;
    let full = pile.fill().is_some_and(|full| full >= case.thresholds.near_limit);
    // A server has as many as its clients want. A client has what it opened itself: twice as many hundreds, none of them given back, is no load.
    let grown = case.growth(pile);
    let doubled = || grown.as_ref().is_some_and(|g| g.to >= g.from.saturating_mul(2));
    let opened = pile.accepted != Some(true) && pile.count >= POOL && doubled();
    let by_number = matches!(claim.code, "pool-unbounded" | "idle-not-reaped" | "accept-not-closed" | "unknown");
    by_number
        && grown.as_ref().is_none_or(|g| g.samples < 2)
        && !case.grew_before(pile)
        && !opened
        && !hoards(case, pile)
        && !idle
        && !full
        && t.unread * 2 < pile.count
        && !told.iter().any(|w| weighed.sources.contains(w))
}

/// From how many on sockets in no table are a leak whatever namespace they live in.
const BEYOND_CONCURRENCY: u64 = 5_000;

/// Whether only a listing speaks of sockets in no table, of a process none of whose sockets it found in a table: so would a container's look.
fn listing_alone(claim: &Claim, case: &Case<'_>) -> bool {
    let Some(owner) = &claim.owner else { return false };
    // A pipeline may have counted rows that the listing does not have any more.
    let counted = |p: &Pile| p.kind.is_inet() && p.kind != Kind::Closed;
    let identified = |h: &crate::ledger::Holding<'_>| h.kinds.keys().any(|k| k.is_inet() && *k != Kind::Closed);
    claim.kind == Some(Kind::Closed)
        && claim.count.is_some_and(|n| n < BEYOND_CONCURRENCY)
        && case.ledger.best(crate::ledger::Family::Tcp).is_none()
        && claim.evidence.iter().all(|e| e.by == Witnessed::Listing || e.strength == Strength::Weak)
        && !owner.pids.iter().filter_map(|(pid, _)| case.ledger.holdings.get(pid)).any(identified)
        && !case.ledger.piles.iter().any(|p| counted(p) && owner.pids.iter().any(|(pid, _)| p.held_by(*pid)))
}

/// Whether several sources counted the pile, and agree.
fn agreement(claim: &Claim, case: &Case<'_>, weighed: &mut Weighed) {
    let Some(pile) = claim.pile.and_then(|n| case.ledger.piles.get(n)) else { return };
    let near = |a: u64, b: u64| a.abs_diff(b) * 10 <= a.max(b) || a.abs_diff(b) <= 100.min(b / 2 + 5);
    let mut agreeing: Vec<&str> = pile.words.iter().filter(|w| near(w.count, pile.count)).map(|w| w.source).collect();
    if let Some(table) = tabled(case, pile).filter(|table| !agreeing.contains(table)) {
        agreeing.push(table);
    }
    // A count that was made twice is one source.
    agreeing.dedup();
    let books = matches!(pile.kind, Kind::Closed | Kind::Unidentified);
    let by_books = case.ledger.books.held_unhashed().filter(|_| books).map(|n| n.max(0) as u64);
    if books && pile.foreign.is_some() {
        let why = "the tables of its own network namespace were not captured, so that some of these may be live connections";
        return weighed.cap(Lack::Count, Grade::Moderate, why);
    }
    if pile.is == CountIs::Estimate && by_books == Some(pile.count) {
        let why = match pile.words.first() {
            Some(word) if word.source == "tally" => "the count is the kernel's; of the process only the number of descriptors was captured",
            _ => "the count is the kernel's, the listing shows an excerpt",
        };
        return weighed.cap(Lack::Count, Grade::Moderate, why);
    }
    match by_books {
        // That they fit the count proves nothing where it is known to count other namespaces.
        Some(_) if case.ledger.books.foreign.is_some() && listing_alone(claim, case) => {
            let why = "a listing alone cannot tell live sockets of another network namespace, which the kernel counts too, from sockets in no table";
            weighed.cap(Lack::Count, Grade::Weak, why)
        }
        Some(n) if near(n, pile.count) => weighed.cap(
            Lack::Nothing,
            Grade::Proved,
            format!(
                "the kernel counts {} such sockets, {} are held: nearly all are explained",
                number(n as i64),
                number(pile.count as i64)
            ),
        ),
        Some(n) if n * 10 >= pile.count * 9 => weighed.cap(
            Lack::Nothing,
            Grade::Proved,
            format!("the kernel counts {} such sockets, of which these are {}", number(n as i64), number(pile.count as i64)),
        ),
        Some(n) if pile.kind == Kind::Unidentified && !case.ledger.books.unhashed_is_bound => weighed.cap(
            Lack::Count,
            Grade::Moderate,
            format!("the kernel counts only {} TCP sockets in no table: most of these are of another family", number(n as i64)),
        ),
        Some(n) if !case.ledger.books.unhashed_is_bound => weighed.cap(
            Lack::Nothing,
            Grade::Moderate,
            format!("the kernel counts only {} such sockets, fewer than the {} listed", number(n as i64), number(pile.count as i64)),
        ),
        None if listing_alone(claim, case) => {
            let why = "a listing alone cannot tell live sockets of another network namespace from sockets in no table";
            weighed.cap(Lack::Count, Grade::Weak, why)
        }
        _ if agreeing.len() >= 2 => weighed.cap(Lack::Nothing, Grade::Proved, format!("{} agree on their number", agreeing.join(" and "))),
        _ => weighed.cap(Lack::Count, Grade::Strong, format!("only {} counted them", agreeing.first().copied().unwrap_or("one source"))),
    }
    if pile.is == CountIs::AtLeast {
        weighed.cap(Lack::Count, Grade::Strong, "rows may be missing from the listing: the count is a lower bound");
    }
}

/// The table that has as many connections in the state of a pile as there are in it, whoever holds them: then there are no others.
fn tabled(case: &Case<'_>, pile: &Pile) -> Option<&'static str> {
    let state = match pile.kind {
        Kind::CloseWait => SocketState::CloseWait,
        Kind::SynSent => SocketState::SynSent,
        Kind::Established => SocketState::Established,
        _ => return None,
    };
    // What was counted in the table says nothing twice.
    let view = case.ledger.best(Family::Tcp).filter(|_| pile.words.iter().all(|w| w.source != "table"))?;
    (view.tcp(state) == pile.count).then(|| view.tables.first().map(|t| t.format))?
}
