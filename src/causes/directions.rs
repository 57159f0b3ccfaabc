//! Connections of one program that it accepted, beside others that it opened: clients come and go, and their number says nothing of a pool.

use super::case::Case;
use crate::capture::{End, Snapshot};
use crate::ledger::{Kind, Pile, Ports};
use std::collections::BTreeSet;

/// Fewer of a direction are no side of a pile.
const SOME: u64 = 20;

/// How many connections a program had opened itself in each sample that tells, with that of now, where those that it accepted are others in
/// each; `None` where all are of one direction, or where the accepted ones stay.
pub fn opened(case: &Case<'_>, pile: &Pile) -> Option<Vec<u64>> {
    if pile.kind != Kind::Established || pile.count < SOME * 2 {
        return None;
    }
    let (now, opened) = sides(case.snapshot, &case.ledger.listening, pile);
    if (now.len() as u64) < SOME || opened < SOME {
        return None;
    }
    let mut counts = Vec::new();
    let mut renewed = false;
    for then in &case.history(pile)?.told {
        let (take, earlier) = case.samples().nth(then.sample)?;
        let before = earlier.piles.get(then.pile?)?;
        let (accepted, opened) = sides(&take.snapshot, &earlier.listening, before);
        if accepted.len() as u64 >= SOME {
            let still = accepted.intersection(&now).count();
            renewed = true;
            if still * 5 >= accepted.len() {
                return None;
            }
        }
        counts.push(opened);
    }
    counts.push(opened);
    renewed.then_some(counts)
}

/// The ends of a pile's connections on ports that something listens on, and how many others there are.
fn sides(snapshot: &Snapshot, listening: &Ports, pile: &Pile) -> (BTreeSet<(End, End)>, u64) {
    let on_listeners: u64 = pile.traits.locals.iter().filter(|(end, _)| listening.has(end.port())).map(|(_, n)| n).sum();
    let own: BTreeSet<u16> = pile.traits.locals.iter().map(|(end, _)| end.port()).filter(|&port| listening.has(port)).collect();
    let rows = snapshot.tables.iter().flat_map(|t| &t.connections).filter(|(local, ..)| own.contains(&local.port()));
    (rows.map(|(local, remote, _)| (*local, *remote)).collect(), pile.count.saturating_sub(on_listeners))
}
