//! A limit of open files that was asked for by a program's name, `/proc/$(pidof NAME)/limits`, where nothing tells the number of its process.

use super::{Case, number};
use crate::capture::Quote;
use crate::facts::LimitValue;
use crate::ledger::{Kind, counted_descriptors, tally};

/// What a program has open of what it may have.
pub struct Asked {
    /// The program.
    pub program: String,
    /// Its soft limit.
    pub limit: (u64, Quote),
    /// Its descriptors, where a command of the same name counted them.
    pub open: Option<(u64, Quote)>,
    /// Its process, where the descriptors of one alone were counted and nothing else names it.
    pub pid: Option<u32>,
}

impl Asked {
    /// Whether its descriptors are near its limit.
    pub fn is_full(&self, case: &Case<'_>) -> bool {
        let open = self.open.as_ref().map_or(0, |o| o.0);
        open.saturating_mul(100) >= self.limit.0.saturating_mul(case.thresholds.near_limit)
    }

    /// `1,024 of at most 1,024`.
    pub fn says(&self) -> String {
        match &self.open {
            Some((n, _)) => {
                format!("{} has {} of at most {} descriptors open", self.program, number(*n as i64), number(self.limit.0 as i64))
            }
            None => format!("the limit of {} is {}, and its descriptors were not counted", self.program, number(self.limit.0 as i64)),
        }
    }

    /// The lines.
    pub fn at(&self) -> Vec<Quote> {
        self.open.iter().map(|o| o.1.clone()).chain([self.limit.1.clone()]).collect()
    }

    /// Whether connections whose holder no table shows are most of the descriptors: the only things the capture has that can be in them.
    pub fn live_fill(&self, case: &Case<'_>) -> bool {
        let nobodys = case.ledger.piles.iter().filter(|p| p.owner.is_none());
        let live: u64 = nobodys.filter(|p| p.kind == Kind::Established).map(|p| p.count).sum();
        self.open.as_ref().is_some_and(|(n, _)| live * 2 >= *n && live <= *n)
    }
}

/// The only process whose descriptors were counted, where nothing names it and the capture asks by name for one program alone.
fn only_counted(case: &Case<'_>, program: &str) -> Option<(u32, (u64, Quote))> {
    let mut counted = counted_descriptors::descriptors(case.snapshot).into_iter();
    let (pid, open) = counted.next().filter(|_| counted.next().is_none())?;
    let asks_for_others = case.snapshot.asked_limits.iter().any(|(other, ..)| other != program);
    let named = !tally::holder(case.snapshot, pid, 0).command.is_empty();
    (!asks_for_others && !named).then_some((pid, open))
}

/// The program that is nearest to its limit.
pub fn nearest(case: &Case<'_>) -> Option<Asked> {
    let of = |(program, limit, quote): &(String, LimitValue, Quote)| {
        let LimitValue::At(limit) = limit else { return None };
        let only = only_counted(case, program);
        let open = counted_descriptors::asked_for(case.snapshot, program).or_else(|| only.clone().map(|(_, open)| open));
        Some(Asked { program: program.clone(), limit: (*limit, quote.clone()), open, pid: only.map(|(pid, _)| pid) })
    };
    let share = |a: &Asked| a.open.as_ref().map_or(0, |o| u128::from(o.0) * 1000 / u128::from(a.limit.0.max(1)));
    case.snapshot.asked_limits.iter().filter_map(of).max_by_key(share)
}
