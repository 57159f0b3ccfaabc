//! Whether a limit of open files is ruled out: how much of it the process in question uses.

use super::fd_limit_too_low::{errors, full, owner};
use super::{Case, Exclusion, limit_by_name, number, suspect};
use crate::capture::Quote;
use crate::capture::process::Proc;
use crate::facts::LimitValue;
use crate::ledger::{Kind, Pile, counted_descriptors};

/// Why a limit of open files is not it, or why that cannot be said.
pub(super) fn rule_out(case: &Case<'_>) -> Option<Exclusion> {
    if full(case).is_some() || !errors(case).is_empty() {
        let at = full(case).map(|f| f.at).into_iter().flatten().chain(errors(case).into_iter().flat_map(|e| e.2)).take(2).collect();
        return Exclusion::not("a limit of open files is reached", at);
    }
    // The process in question is the one with the largest pile; its own limit counts, never the shell's.
    let suspect = case.ledger.piles.iter().filter(|p| p.kind != Kind::File && p.owner.is_some()).find(|p| suspect(case, p).is_some());
    let known = match suspect {
        Some(pile) => Room::of_pile(pile),
        None => nearest(case),
    };
    let Some(room) = known else {
        if let Some(told) = by_name(case, suspect).or_else(|| nameless(case, suspect)) {
            return Some(told);
        }
        return Exclusion::not(
            "cannot be ruled out: /proc/PID/limits of the process in question was not captured; a shell's ulimit is not it",
            Vec::new(),
        );
    };
    let (name, limit) = (&room.name, number(room.limit.0 as i64));
    match room.open {
        Some((n, true)) => {
            Exclusion::out(format!("{name} has {} of at most {limit} descriptors open", number(n as i64)), vec![room.limit.1])
        }
        Some((n, false)) => Exclusion::not(
            format!("{name} has at least {} of at most {limit} descriptors open; how many in all was not counted", number(n as i64)),
            vec![room.limit.1],
        ),
        None => Exclusion::not(
            format!("cannot be ruled out: the limit of {name} is {limit}, and its descriptors were not counted"),
            vec![room.limit.1],
        ),
    }
}

/// What a limit says that was asked for by a program's name, which is that of the process in question or of the only one that was looked at.
fn by_name(case: &Case<'_>, suspect: Option<&Pile>) -> Option<Exclusion> {
    let asked = limit_by_name::nearest(case)?;
    let other = suspect.and_then(|p| p.owner.as_ref()).is_some_and(|o| o.command != asked.program && o.program != asked.program);
    match asked.open {
        _ if other => None,
        Some(_) if asked.is_full(case) => Exclusion::not(asked.says(), asked.at()),
        Some(_) => Exclusion::out(asked.says(), asked.at()),
        None => Exclusion::not(format!("cannot be ruled out: {}", asked.says()), asked.at()),
    }
}

/// What limits say that do not tell whose they are: nothing is ruled out by them, and nobody has to look for them either.
fn nameless(case: &Case<'_>, suspect: Option<&Pile>) -> Option<Exclusion> {
    let all = &case.snapshot.nameless_limits;
    let (limit, quote) = all.first()?;
    if all.len() > 1 {
        let says = format!("cannot be ruled out: {} captured limits name no process", number(all.len() as i64));
        return Exclusion::not(says, all.iter().take(2).map(|(_, q)| q.clone()).collect());
    }
    let file = case.path(quote);
    let LimitValue::At(limit) = limit else {
        return Exclusion::not(format!("cannot be ruled out: the limits in {file} name no process"), vec![quote.clone()]);
    };
    let says = match suspect.and_then(open_of_pile).or_else(|| open_of_only(case)) {
        Some((name, n, whole)) => {
            let lead = if whole { "" } else { "at least " };
            format!("if they are of {name}, {lead}{} of at most {} descriptors are open", number(n as i64), number(*limit as i64))
        }
        None => format!("whose limit of open files is {}, the capture does not tell", number(*limit as i64)),
    };
    Exclusion::not(format!("cannot be ruled out: the limits in {file} name no process; {says}"), vec![quote.clone()])
}

/// The holder of a pile and its open descriptors, and whether they were all counted.
fn open_of_pile(pile: &Pile) -> Option<(String, u64, bool)> {
    let counted = pile.descriptors.as_ref().filter(|d| d.1).map(|(n, ..)| (*n, true));
    let (n, whole) = counted.or_else(|| pile.at_least.as_ref().map(|(n, _)| (*n, false)))?;
    Some((pile.owner.as_ref()?.named(), n, whole))
}

/// The same of the only process whose descriptors were listed.
fn open_of_only(case: &Case<'_>) -> Option<(String, u64, bool)> {
    let mut listed = case.snapshot.processes.iter().filter(|(_, p)| !p.lists.is_empty());
    let (&pid, _) = listed.next().filter(|_| listed.next().is_none())?;
    let (n, whole, _) = case.ledger.holdings.get(&pid)?.descriptors.as_ref()?;
    Some((owner(case, pid).named(), *n, *whole))
}

/// What a process has open of what it may have.
struct Room {
    name: String,
    limit: (u64, Quote),
    /// Open descriptors, and whether they were all counted.
    open: Option<(u64, bool)>,
}

impl Room {
    fn of_pile(pile: &Pile) -> Option<Room> {
        let open = open_of_pile(pile).map(|(_, n, whole)| (n, whole));
        Some(Room { name: pile.owner.as_ref()?.named(), limit: pile.limit.clone()?, open })
    }

    /// Whether all was counted, and how full it is.
    fn rank(&self) -> (bool, u128) {
        let (n, whole) = self.open.unwrap_or_default();
        (whole, u128::from(n) * 1000 / u128::from(self.limit.0.max(1)))
    }
}

/// The process that is nearest to its own limit of those whose limit is known, the ones whose descriptors were counted first.
fn nearest(case: &Case<'_>) -> Option<Room> {
    let counted = counted_descriptors::descriptors(case.snapshot);
    let of = |(&pid, proc): (&u32, &Proc)| {
        let Some((LimitValue::At(limit), _, quote)) = &proc.nofile else { return None };
        let holding = case.ledger.holdings.get(&pid);
        let listed = holding.and_then(|h| h.descriptors.as_ref()).map(|(n, whole, _)| (*n, *whole));
        let told = counted.get(&pid).map(|(n, _)| (*n, true));
        let seen = holding.and_then(|h| h.at_least()).map(|(n, _)| (n, false));
        let open = told.into_iter().chain(listed).chain(seen).max_by_key(|(n, whole)| (*whole, *n));
        Some(Room { name: owner(case, pid).named(), limit: (*limit, quote.clone()), open })
    };
    case.snapshot.processes.iter().filter_map(of).max_by_key(Room::rank)
}
