//! UDP sockets that are all bound to one local end: a server hears all its clients with one, and each that is opened beside it takes what the
//! one before would have got.

use super::case::Case;
use super::claim::{Evidence, Strength, Witnessed};
use super::course::limited;
use super::say::number;
use super::suspicion::Suspicion;
use super::writer::refused_line;
use crate::capture::End;
use crate::ledger::{Kind, Pile};

/// From how many on they are more than one for each core or interface.
const MANY: u64 = 256;

/// The end that nearly all UDP sockets of one process are bound to, none of them connected, and how many are.
pub(super) fn of_pile(case: &Case<'_>, pile: &Pile) -> Option<(End, u64)> {
    let one = pile.owner.as_ref().is_some_and(|o| o.pids.len() == 1);
    if pile.kind != Kind::Udp || !one || pile.count < MANY || pile.traits.remotes.iter().any(|(end, _)| !end.is_unset()) {
        return None;
    }
    let (end, rows) = pile.traits.locals.first()?;
    let n = rows.min(pile.count);
    let told = end.port() != 0 || matches!(end, End::Text(_));
    // Each group that is heard asks for a socket of its own where another one's data is not wanted.
    let group = || case.show(end).starts_with("[ff") || matches!(end, End::V4(address, _) if address >> 28 == 14);
    (n >= MANY.max(case.thresholds.listen) && n * 10 >= pile.count * 9 && told && !group()).then_some((end, n))
}

/// Weighs them.
pub(super) fn weigh(case: &Case<'_>, pile: &Pile, s: &mut Suspicion) {
    let Some((end, n)) = of_pile(case, pile) else { return };
    let owner = pile.owner.as_ref().map_or(String::new(), |o| o.named());
    let says = format!(
        "{} UDP sockets of {owner} are bound to {} alike and connected to nobody: a server hears all its clients with one",
        number(n as i64),
        case.show(end)
    );
    let rows = &pile.traits.quotes;
    let row = rows.iter().find(|q| q.text().contains(&case.show(end))).or(rows.first());
    s.reasons.push(Evidence::new(Strength::Moderate, Witnessed::Table, says, row.cloned()));
    if limited(case, pile)
        && let Some(line) = refused_line(case, pile)
    {
        let says = "a log tells of calls that failed because no descriptor was left: something fills the table";
        s.reasons.push(Evidence::new(Strength::Moderate, Witnessed::Log, says, [line]));
    }
}
