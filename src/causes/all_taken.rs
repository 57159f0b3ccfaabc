//! Connections that one program opened to few services and that take nearly all of what can be had: of its own descriptors, of the local ports
//! for a remote, or of the files of the whole host. A pool has a bound of its own, far below.

use super::case::Case;
use super::claim::{Evidence, Strength, Witnessed};
use super::fd_limit_too_low::{errors, near_the_only};
use super::port_exhaustion::ports;
use super::say::number;
use super::support::USUAL_LIMITS;
use super::system_file_limit;
use crate::capture::Quote;
use crate::ledger::{Kind, Pile, counted_descriptors};

/// Smaller limits are reached by ordinary work.
const SMALL: u64 = 512;
/// Services of which a program may have a pool each.
const FEW: u64 = 32;
/// How many connections to each of them on average are more than one for each of some workers.
const MANY_EACH: u64 = 24;

/// How many to each service on average are no pool of anybody's.
const HORDE: u64 = 1000;

/// What is nearly all taken.
struct Taken {
    what: String,
    at: Vec<Quote>,
    /// Whether more was taken as soon as more could be had.
    grew: bool,
}

/// That a pile of live connections has taken nearly all of a limit.
pub(super) fn weigh(case: &Case<'_>, pile: &Pile) -> Option<Evidence> {
    if !is_opened_to_few(case, pile) {
        return None;
    }
    let Taken { what, at, grew } = of_descriptors(case, pile).or_else(|| of_ports(case, pile)).or_else(|| of_system(case, pile))?;
    let one = pile.top_remote().is_some_and(|(_, n)| n * 10 >= pile.count * 9);
    let hordes = pile.count >= HORDE.saturating_mul(pile.traits.remotes.distinct());
    let whom = if one { "to one service".to_string() } else { format!("to {} services", number(pile.traits.remotes.distinct() as i64)) };
    let says = format!("{} connections that it opened {whom} take {what}: a pool has a bound of its own", number(pile.count as i64));
    let strength = if one || hordes || grew { Strength::Strong } else { Strength::Moderate };
    Some(Evidence::new(strength, Witnessed::Limit, says, pile.traits.quotes.iter().take(1).cloned().chain(at)))
}

/// Whether one process opened them, many to each of few services, and has accepted hardly any: what relays has as many of those.
fn is_opened_to_few(case: &Case<'_>, pile: &Pile) -> bool {
    let Some([(pid, _)]) = pile.owner.as_ref().map(|o| o.pids.as_slice()) else { return false };
    let remotes = &pile.traits.remotes;
    let few = (1..=FEW).contains(&remotes.distinct()) && remotes.distinct() * MANY_EACH <= pile.count;
    // An excerpt of rows tells of the others where they are all alike.
    let all = remotes.total() * 10 >= pile.count * 9 || remotes.distinct() == 1;
    // Whoever has so many is rare: only then all piles are looked through.
    let opened = pile.kind == Kind::Established && pile.accepted == Some(false) && pile.count * 10 >= SMALL * 9;
    if !opened || !few || !all {
        return false;
    }
    let accepted = |p: &&Pile| p.kind == Kind::Established && p.accepted != Some(false) && p.held_by(*pid) && !std::ptr::eq(*p, pile);
    let relayed: u64 = case.ledger.piles.iter().filter(accepted).map(|p| p.count).sum();
    relayed * 4 < pile.count
}

/// Nearly all descriptors that the process may have: by its own limit, or by a usual one at which calls fail.
fn of_descriptors(case: &Case<'_>, pile: &Pile) -> Option<Taken> {
    let mostly = |limit: u64| limit >= SMALL && pile.count <= limit && pile.count * 10 >= limit * 9;
    let says = |limit: u64| format!("nearly all of its {} descriptors", number(limit as i64));
    let (pid, _) = *pile.owner.as_ref()?.pids.first()?;
    // A limit that names no process is that of the only one that comes near it.
    let nameless = || near_the_only(case).filter(|f| f.pid == pid).and_then(|f| Some((f.limit, f.at.into_iter().next()?)));
    if let Some((limit, quote)) = pile.limit.clone().or_else(nameless) {
        return mostly(limit).then(|| Taken { what: says(limit), at: vec![quote], grew: false });
    }
    let refused = errors(case).into_iter().find(|(_, whose, _)| *whose == Some(pid))?;
    let counted = counted_descriptors::course(case.snapshot, pid);
    let limit = *USUAL_LIMITS.iter().find(|&&limit| mostly(limit) && counted.contains(&limit))?;
    let later = *counted.last()?;
    let grew = later * 2 >= limit * 3;
    let then = if grew { format!("; later it had {}", number(later as i64)) } else { String::new() };
    Some(Taken { what: format!("{}, and calls fail because none is left{then}", says(limit)), at: refused.2, grew })
}

/// Nearly all local ports for one remote, of a range that was captured.
fn of_ports(case: &Case<'_>, pile: &Pile) -> Option<Taken> {
    let range = case.counter("sysctl.net.ipv4.ip_local_port_range.low")?;
    let (_, n) = pile.top_remote()?;
    let (n, ports) = (n as i64, ports(case));
    (n <= ports && n * 100 >= ports * case.thresholds.near_limit as i64).then(|| Taken {
        what: format!("nearly all of the {} local ports for it", number(ports)),
        at: range.at,
        grew: false,
    })
}

/// Most files of a host that can open no more.
fn of_system(case: &Case<'_>, pile: &Pile) -> Option<Taken> {
    let (open, max) = system_file_limit::numbers(case)?;
    let full = max.value > 0 && open.value.saturating_mul(100) >= max.value.saturating_mul(case.thresholds.near_limit as i64);
    (full && pile.count as i64 * 2 >= open.value).then(|| Taken {
        what: format!("most of the {} files that the whole host may open", number(max.value)),
        at: open.at,
        grew: false,
    })
}
