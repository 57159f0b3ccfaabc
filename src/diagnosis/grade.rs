//! How sure a claim is, derived from listed facts, each of which is printed.

use crate::causes::{Case, Claim, Class, Strength, Witnessed, number};
use crate::checks::{Checked, Status};
use crate::ledger::{CountIs, Kind};
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

/// Derives the grade of a claim.
pub fn grade(claim: &Claim, rivals: &[Claim], case: &Case<'_>, checks: &[Checked]) -> Derivation {
    let mut because = Vec::new();
    let sources: BTreeSet<Witnessed> = claim.evidence.iter().filter(|e| e.strength >= Strength::Moderate).map(|e| e.by).collect();
    let decisive = claim.evidence.iter().any(|e| e.strength == Strength::Decisive);
    let strong = claim.evidence.iter().filter(|e| e.strength >= Strength::Strong).count();
    let mut grade = match (decisive, strong, sources.len()) {
        (true, _, 2..) => Grade::Proved,
        (true, _, _) => Grade::Strong,
        (_, 2.., 2..) => Grade::Strong,
        (_, 1.., _) => Grade::Moderate,
        (_, 0, 2..) => Grade::Moderate,
        _ => Grade::Weak,
    };
    because.push(format!(
        "{}{}",
        match sources.len() {
            0 => "no source speaks for it clearly".to_string(),
            1 => "one kind of source speaks for it".to_string(),
            n => format!("{n} independent kinds of source speak for it"),
        },
        if decisive { ", one of them shows the mechanism itself" } else { "" }
    ));
    let mut cap = |to: Grade, why: String| {
        if grade > to {
            grade = to;
        }
        because.push(why);
    };
    if claim.class == Class::Leak {
        agreement(claim, case, &mut cap);
        if claim.code == "unknown" || claim.code == "owner-not-visible" {
            cap(Grade::Moderate, "the capture does not show the cause".into());
        }
        if claim.code == "idle-not-reaped" && !sources.contains(&Witnessed::Growth) {
            cap(Grade::Weak, "one sample cannot tell forgotten connections from clients that have nothing to say".into());
        }
        if claim.owner.is_none() {
            cap(Grade::Moderate, "the capture does not name the process".into());
        }
    }
    if let Some(rival) = rivals.first() {
        cap(Grade::Moderate, format!("{} fits nearly as well", rival.code));
    }
    let against = claim.against.iter().filter(|e| e.strength >= Strength::Strong).count();
    if against > 0 {
        cap(Grade::Moderate, format!("{against} strong piece(s) of evidence speak against it"));
    }
    if claim.is == CountIs::Estimate && claim.class != Class::Leak {
        cap(Grade::Moderate, "the count is inferred, not listed".into());
    }
    let broken: Vec<&str> = checks.iter().filter(|c| c.status == Status::Disagree && c.undermines).map(|c| c.code).collect();
    if !broken.is_empty() && claim.class == Class::Leak {
        cap(Grade::Strong, format!("sources contradict each other ({})", broken.join(", ")));
    }
    Derivation { grade, because }
}

/// From how many on sockets in no table are a leak whatever namespace they live in.
const BEYOND_CONCURRENCY: u64 = 5_000;

/// Whether only a listing speaks of sockets in no table, of a process none of whose sockets it found in a table: so would a container's look.
fn listing_alone(claim: &Claim, case: &Case<'_>) -> bool {
    let Some(owner) = &claim.owner else { return false };
    let identified = |h: &crate::ledger::Holding| h.kinds.keys().any(|k| k.is_inet() && *k != Kind::Closed);
    claim.kind == Some(Kind::Closed)
        && claim.count.is_some_and(|n| n < BEYOND_CONCURRENCY)
        && case.ledger.best(crate::ledger::Family::Tcp).is_none()
        && claim.evidence.iter().all(|e| e.by == Witnessed::Listing || e.strength == Strength::Weak)
        && !owner.pids.iter().filter_map(|(pid, _)| case.ledger.holdings.get(pid)).any(identified)
}

/// Whether several sources counted the pile, and agree.
fn agreement(claim: &Claim, case: &Case<'_>, cap: &mut impl FnMut(Grade, String)) {
    let Some(pile) = claim.pile.and_then(|n| case.ledger.piles.get(n)) else { return };
    let near = |a: u64, b: u64| a.abs_diff(b) * 10 <= a.max(b) || a.abs_diff(b) <= 100.min(b / 2 + 5);
    let agreeing: Vec<&str> = pile.words.iter().filter(|w| near(w.count, pile.count)).map(|w| w.source).collect();
    let books = matches!(pile.kind, Kind::Closed | Kind::Unidentified);
    let by_books = case.ledger.books.held_unhashed().filter(|_| books).map(|n| n.max(0) as u64);
    if pile.is == CountIs::Estimate && by_books == Some(pile.count) {
        return cap(Grade::Moderate, "the count is the kernel's, the listing shows an excerpt".into());
    }
    match by_books {
        Some(n) if near(n, pile.count) => cap(
            Grade::Proved,
            format!(
                "the kernel counts {} such sockets, {} are held: nearly all are explained",
                number(n as i64),
                number(pile.count as i64)
            ),
        ),
        Some(n) if n * 10 >= pile.count * 9 => cap(
            Grade::Proved,
            format!("the kernel counts {} such sockets, of which these are {}", number(n as i64), number(pile.count as i64)),
        ),
        Some(n) if !case.ledger.books.unhashed_is_bound => cap(
            Grade::Moderate,
            format!("the kernel counts only {} such sockets, fewer than the {} listed", number(n as i64), number(pile.count as i64)),
        ),
        None if listing_alone(claim, case) => {
            cap(Grade::Weak, "a listing alone cannot tell live sockets of another network namespace from sockets in no table".into())
        }
        _ if agreeing.len() >= 2 => cap(Grade::Proved, format!("{} agree on their number", agreeing.join(" and "))),
        _ => cap(Grade::Strong, format!("only {} counted them", agreeing.first().copied().unwrap_or("one source"))),
    }
    if pile.is == CountIs::AtLeast {
        cap(Grade::Strong, "rows may be missing from the listing: the count is a lower bound".into());
    }
}
