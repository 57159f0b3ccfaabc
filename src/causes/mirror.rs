//! Connections of which the capture shows both ends: the end that waits for the other is not the one that forgets.

use super::case::Case;
use super::claim::{Evidence, Strength, Witnessed};
use super::say::number;
use super::suspicion::Suspicion;
use crate::capture::End;
use crate::ledger::{Kind, Pile};

/// Fewer are other business.
const SOME: u64 = 20;

/// Weighs what the holder of the other ends says for a server, which has what its clients opened, and for whoever has shut down first.
pub(super) fn weigh(case: &Case<'_>, pile: &Pile, s: &mut Suspicion) {
    if pile.count < SOME || pile.owner.is_none() {
        return;
    }
    let found = match pile.kind {
        Kind::Established if pile.accepted == Some(true) => {
            opener(case, pile).map(|other| (other, "opened them and holds their other ends"))
        }
        Kind::FinWait => waits_for(case, pile).map(|other| (other, "holds their other ends and has not closed them")),
        _ => None,
    };
    let Some((other, does)) = found else { return };
    let whose = other.owner.as_ref().map_or(String::new(), |o| o.named());
    let says = format!("on this host {whose} {does}, {} of them", number(other.count.min(pile.count) as i64));
    s.against.push(Evidence::new(Strength::Decisive, Witnessed::Table, says, other.traits.quotes.iter().take(1).cloned()));
}

/// The pile of a client on the same host that opened what a server has accepted.
pub(super) fn opener<'a>(case: &Case<'a>, pile: &Pile) -> Option<&'a Pile> {
    let service = most(pile.traits.locals.first(), pile)?;
    let from = host_of_all(pile);
    let opened = |p: &&Pile| p.kind == Kind::Established && p.accepted != Some(true) && most(p.top_remote(), p) == Some(service);
    let here = |p: &&Pile| service.is_loopback() || from.is_some_and(|from| p.traits.locals.iter().all(|(end, _)| end.host() == from));
    others(case, pile).filter(opened).find(here)
}

/// The pile in CLOSE-WAIT whose holder has not closed what a peer on the same host has shut down.
fn waits_for<'a>(case: &Case<'a>, pile: &Pile) -> Option<&'a Pile> {
    let accepted_there = |p: &&Pile| {
        let service = most(p.traits.locals.first(), p);
        service.is_some() && service == most(pile.top_remote(), pile)
    };
    let opened_there = |p: &&Pile| {
        let service = most(p.top_remote(), p);
        service.is_some() && service == most(pile.traits.locals.first(), pile)
    };
    others(case, pile).filter(|p| p.kind == Kind::CloseWait).find(|p| accepted_there(p) || opened_there(p))
}

/// Piles of other processes that are about as large.
fn others<'a>(case: &Case<'a>, pile: &Pile) -> impl Iterator<Item = &'a Pile> {
    let count = pile.count;
    let own: Vec<u32> = pile.owner.iter().flat_map(|o| &o.pids).map(|p| p.0).collect();
    let alike = move |p: &&Pile| p.owner.is_some() && p.count * 10 >= count * 9 && p.count * 9 <= count * 10;
    case.ledger.piles.iter().filter(alike).filter(move |p| !own.iter().any(|pid| p.held_by(*pid)))
}

/// An end that nearly all rows of a pile have.
fn most(end: Option<(End, u64)>, pile: &Pile) -> Option<End> {
    end.filter(|(end, n)| end.port() != 0 && n * 10 >= pile.count * 9).map(|(end, _)| end)
}

/// The host that all remote ends of a pile are of.
fn host_of_all(pile: &Pile) -> Option<End> {
    let host = pile.traits.remotes.iter().next()?.0.host();
    pile.traits.remotes.iter().all(|(end, _)| end.host() == host).then_some(host)
}
