//! Connections of one client to one service that are more than it has a use for: they have filled the table of descriptors of the server on
//! the same host which accepts them, or most have been silent for an hour. A server has as many as its clients want; a client has what it
//! opened itself. What fills the client's own table is told in `all_taken`.

use super::case::Case;
use super::claim::{Evidence, Strength, Witnessed};
use super::course::HOARD;
use super::fd_limit_too_low::{Full, near_the_only};
use super::say::number;
use super::suspicion::Suspicion;
use super::{mirror, support};
use crate::ledger::{Kind, Pile};

/// Weighs what the connections of a client fill.
pub(super) fn weigh(case: &Case<'_>, pile: &Pile, s: &mut Suspicion) {
    if toward_one(case, pile) {
        s.reasons.extend(filled(case, pile));
        s.reasons.extend(forgotten(case, pile));
    }
}

/// The process whose table a client's connections fill from the other side.
pub(super) fn victim(case: &Case<'_>, pile: &Pile) -> Option<u32> {
    if toward_one(case, pile) { Some(server(case, pile)?.1.pid) } else { None }
}

fn filled(case: &Case<'_>, pile: &Pile) -> Option<Evidence> {
    let (end, _) = pile.top_remote()?;
    let (server, full) = server(case, pile)?;
    let (count, open, limit) = (number(pile.count as i64), number(full.descriptors as i64), number(full.limit as i64));
    let end = case.show(end);
    let says = format!(
        "{count} connections of one client to {end} fill the descriptors of {}, which accepts them: {open} of at most {limit} are open",
        named(server)
    );
    Some(Evidence::new(Strength::Moderate, Witnessed::Limit, says, full.at))
}

/// Most of them silent for an hour: a pool closes what it has not needed for so long, or is not so large.
fn forgotten(case: &Case<'_>, pile: &Pile) -> Option<Evidence> {
    let ((end, _), t) = (pile.top_remote()?, &pile.traits);
    (t.idle_known * 10 >= pile.count * 9 && t.idle_hour * 10 >= t.idle_known * 7).then(|| {
        let (idle, known) = (number(t.idle_hour as i64), number(t.idle_known as i64));
        let says = format!(
            "{idle} of {known} connections of one client to {} received nothing for an hour or more: no pool keeps so many that it does not use",
            case.show(end)
        );
        Evidence::new(Strength::Strong, Witnessed::Table, says, t.tabled.clone())
    })
}

/// Whether one process has opened so many to one end, nearly all sockets that it has: a proxy has one from a client for each. A program with
/// a thread for each connection has as many as it is told to have threads.
fn toward_one(case: &Case<'_>, pile: &Pile) -> bool {
    let owner = pile.owner.as_ref().filter(|o| o.pids.len() == 1);
    let Some((pid, _)) = owner.and_then(|o| o.pids.first()) else { return false };
    if pile.kind != Kind::Established || pile.accepted != Some(false) || pile.count < HOARD {
        return false;
    }
    let threads = case.snapshot.processes.get(pid).and_then(|p| p.threads).map_or(0, u64::from);
    let to_one = pile.top_remote().is_some_and(|(_, n)| n * 10 >= pile.count * 9);
    let all: u64 = case.ledger.holdings.get(pid).map_or(0, |h| h.sockets());
    to_one && threads * 2 < pile.count && pile.count * 10 >= all * 9
}

/// Whether so many connections are nearly all that is open.
fn is_most(count: u64, full: &Full) -> bool {
    count * 10 >= full.descriptors * 9
}

/// How full the table of a pile's first holder is, if it is full.
fn full(case: &Case<'_>, pile: &Pile) -> Option<Full> {
    let (pid, _) = *pile.owner.as_ref()?.pids.first()?;
    let Some(((limit, quote), (descriptors, row))) = pile.limit.as_ref().zip(pile.at_least.as_ref()) else {
        return near_the_only(case).filter(|f| f.pid == pid);
    };
    let near = descriptors.saturating_mul(100) >= limit.saturating_mul(case.thresholds.near_limit);
    near.then(|| Full { pid, descriptors: *descriptors, limit: *limit, own: true, at: vec![quote.clone(), row.clone()] })
}

/// The server on the same host that accepts the connections of a client and has no descriptor left beside them.
fn server<'a>(case: &Case<'a>, pile: &Pile) -> Option<(&'a Pile, Full)> {
    let servers = case.ledger.piles.iter().filter(|p| p.kind == Kind::Established && p.accepted == Some(true));
    servers.filter(|p| support::near(p.count, pile.count, 10)).find_map(|p| {
        let full = full(case, p).filter(|full| is_most(pile.count, full))?;
        mirror::opener(case, p).is_some_and(|client| std::ptr::eq(client, pile)).then_some((p, full))
    })
}

fn named(pile: &Pile) -> String {
    pile.owner.as_ref().map_or(String::new(), |o| o.named())
}
