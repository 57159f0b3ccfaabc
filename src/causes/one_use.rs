//! Listeners that are opened for one connection each, as passive FTP opens one for a transfer: there is no more of them in use than of those
//! who have asked for one.

use super::case::Case;
use super::claim::{Evidence, Strength, Witnessed};
use super::say::{many, number};
use crate::capture::table::Listener;
use crate::ledger::{Kind, Pile};
use rustc_hash::FxHashSet;

/// How many times more of them there must be than of those who may have asked for one.
const TIMES: u64 = 8;
/// The longest queue of a listener that waits for one connection.
const ONE: u64 = 1;

/// How many listeners of one process wait for one connection each, on ports of their own spread over a range, if its clients are far fewer.
pub(super) fn outnumber(case: &Case<'_>, pile: &Pile, least: u64) -> Option<(u64, Evidence)> {
    let [(pid, share)] = pile.owner.as_ref().filter(|_| pile.kind == Kind::Listen && pile.count >= least)?.pids.as_slice() else {
        return None;
    };
    let own = |l: &&Listener| l.owner == Some(*pid);
    // One table tells of each listener once.
    let table = case.snapshot.tables.iter().max_by_key(|t| t.listeners.iter().filter(own).count())?;
    let (once, others): (Vec<&Listener>, Vec<&Listener>) =
        table.listeners.iter().filter(own).partition(|l| l.backlog.is_some_and(|b| b <= ONE));
    let ports: FxHashSet<u16> = once.iter().map(|l| l.local.port()).collect();
    let [service] = others.iter().map(|l| l.local.port()).collect::<FxHashSet<_>>().into_iter().collect::<Vec<_>>()[..] else {
        return None;
    };
    let n = ports.len() as u64;
    let (low, high) = (ports.iter().min()?, ports.iter().max()?);
    // Ports that somebody wrote into a configuration follow one another, or nearly.
    let spread = u64::from(high - low) >= n * 4;
    let clients = clients(case, *pid, service);
    let fits = n >= least && n * 10 >= share * 9 && once.len() as u64 == n && spread && clients > 0 && n >= clients * TIMES;
    fits.then(|| {
        let says = format!(
            "{} listeners take one connection each (a backlog of {ONE}), each on a port of its own, and on port {service} there {} only {}: nobody waits for the others",
            number(n as i64),
            if clients == 1 { "is" } else { "are" },
            many(clients, "client", "clients")
        );
        (n, Evidence::new(Strength::Strong, Witnessed::Table, says, once.first().map(|l| l.quote.clone())))
    })
}

/// How many connections a process has accepted on a port.
fn clients(case: &Case<'_>, pid: u32, port: u16) -> u64 {
    let piles = case.ledger.piles.iter().filter(|p| matches!(p.kind, Kind::Established | Kind::CloseWait) && p.held_by(pid));
    piles.map(|p| p.traits.locals.iter().filter(|(end, _)| end.port() == port).map(|(_, n)| n).sum::<u64>()).sum()
}
