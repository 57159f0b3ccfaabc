//! A port that a program cannot listen on any more, because what it once started still holds its listening socket: two processes that have it
//! under the same number, and serve nobody there.

use super::Case;
use super::claim::{Claim, Class, Evidence, Strength, Witnessed};
use super::fd_inherited::{differ, named, parent_of};
use super::support;
use super::taken_port::names;
use crate::capture::Quote;
use crate::capture::logs::Sighting;
use crate::capture::table::{Listener, Table};
use crate::capture::twins::Twins;
use crate::ledger::{Kind, Owner, Pile};

/// Connections that both hold and their peers have closed, from which nobody serves them.
const MANY: u64 = 20;
/// A queue that holds fewer is full before anybody notices.
const FULL: u64 = 5;

/// Such a port.
pub struct Kept<'a> {
    /// The port.
    pub port: u16,
    /// Both holders.
    pub pids: (u32, u32),
    twins: &'a Twins,
    listener: &'a Listener,
    line: Quote,
    times: u64,
}

/// The port that a log says is taken to a program which is none of its two holders, and where neither of these takes part.
pub fn find<'a>(case: &Case<'a>) -> Option<Kept<'a>> {
    let pairs = case.snapshot.tables.iter().flat_map(|t| t.twins.iter().map(move |(pids, twins)| (t, *pids, twins)));
    pairs.filter(|(_, _, twins)| twins.listeners > 0).find_map(|(table, pids, twins)| {
        twins.ports.iter().find_map(|&port| {
            let listener = fullest(table, pids, port)?;
            let (line, times) = refused(case, pids, port)?;
            is_idle(case, pids, port, twins, listener).then_some(Kept { port, pids, twins, listener, line, times })
        })
    })
}

/// The listener on a port that both hold, the one on which most wait.
fn fullest(table: &Table, (a, b): (u32, u32), port: u16) -> Option<&Listener> {
    let holds = |l: &Listener, pid: u32| l.owner == Some(pid) || l.others.contains(&pid);
    table.listeners.iter().filter(|l| l.local.port() == port && holds(l, a) && holds(l, b)).max_by_key(|l| l.queue)
}

/// Whether nobody serves there: all connections that either holds are held by both, and either a queue is full from which no connection was
/// taken, or many have been closed by their peers long since.
fn is_idle(case: &Case<'_>, (a, b): (u32, u32), port: u16, twins: &Twins, listener: &Listener) -> bool {
    let kinds = |p: &&Pile| matches!(p.kind, Kind::Established | Kind::CloseWait | Kind::FinWait) && (p.held_by(a) || p.held_by(b));
    let on_port = |p: &Pile| p.traits.locals.iter().filter(|(end, _)| end.port() == port).map(|(_, n)| n).sum::<u64>();
    let connections: u64 = case.ledger.piles.iter().filter(kinds).map(on_port).sum();
    if connections == 0 {
        // Two workers of one program are what most servers are.
        return differ(case, a, b) && listener.queue >= Some(listener.backlog.unwrap_or(FULL).max(FULL));
    }
    let related = parent_of(case, a) == Some(b) || parent_of(case, b) == Some(a);
    connections == twins.closed && twins.closed >= MANY && !related
}

/// The line that says that the port is taken, of a program that is neither holder, and how often it came.
fn refused(case: &Case<'_>, (a, b): (u32, u32), port: u16) -> Option<(Quote, u64)> {
    let of_holder = |s: &Sighting, pid: u32| {
        let Some(proc) = case.snapshot.processes.get(&pid) else { return true };
        let name = proc.command.to_lowercase();
        s.pid == Some(pid) || s.program.to_lowercase() == name || words(&s.first.text()).any(|word| word == name)
    };
    let fits = |s: &&Sighting| s.signature == "eaddrinuse" && names(&s.first.text(), port) && !of_holder(s, a) && !of_holder(s, b);
    let all = || case.told_lately().filter(fits);
    Some((all().next()?.first.clone(), all().map(|s| s.count).sum()))
}

fn words(line: &str) -> impl Iterator<Item = String> + '_ {
    line.split(|c: char| !(c.is_alphanumeric() || matches!(c, '-' | '_' | '.'))).map(str::to_lowercase)
}

impl Kept<'_> {
    /// What to do about it.
    pub fn advice(&self, case: &Case<'_>) -> String {
        let (a, b) = self.holders(case);
        format!("end {a} and {b}: port {} is free once both have ended", self.port)
    }

    fn holders(&self, case: &Case<'_>) -> (String, String) {
        (named(case, self.pids.0), named(case, self.pids.1))
    }
}

/// The same, if a pile is made of the connections that both hold.
pub fn of_pile<'a>(case: &Case<'a>, pile: &Pile) -> Option<Kept<'a>> {
    // Many piles are asked for, and few have such holders.
    let all = case.snapshot.tables.iter().flat_map(|t| t.twins.values());
    let fits = |twins: &Twins| twins.closed >= MANY && twins.closed == pile.count;
    if pile.kind != Kind::CloseWait || !all.into_iter().any(fits) {
        return None;
    }
    find(case).filter(|k| k.twins.closed == pile.count && (pile.held_by(k.pids.0) || pile.held_by(k.pids.1)))
}

/// What leaks.
pub fn claim(case: &Case<'_>) -> Option<Claim> {
    let kept = find(case)?;
    let Kept { port, pids: (a, b), twins, listener, .. } = kept;
    let kind = if twins.closed >= MANY { Kind::CloseWait } else { Kind::Listen };
    let mut piles = case.ledger.piles.iter().enumerate();
    let (n, pile) = piles.find(|(_, p)| p.kind == kind && (p.held_by(a) || p.held_by(b)))?;
    let says = "inherited from the program that opened them, and never used or closed";
    let mut claim = support::claim("fd-inherited", Class::Leak, n, pile, says);
    claim.count = Some(if kind == Kind::Listen { twins.listeners } else { twins.closed });
    if let Some(owner) = claim.owner.as_mut().filter(|_| !differ(case, a, b)) {
        let share = claim.count.unwrap_or(pile.count);
        *owner = Owner { pids: vec![(a, share), (b, share)], ..owner.clone() };
    }
    let (first, second) = kept.holders(case);
    let says = format!(
        "{first} and {second} hold the listener of port {port} and {} under the same descriptor numbers, as what was started with them does",
        super::many(twins.sockets - 1, "other socket", "other sockets")
    );
    claim.evidence.push(Evidence::new(Strength::Strong, Witnessed::Table, says, [listener.quote.clone(), twins.quote.clone()]));
    let says = format!("the log says {} that port {port} is taken: another program is to listen there", support::times(kept.times));
    claim.evidence.push(Evidence::new(Strength::Strong, Witnessed::Log, says, [kept.line.clone()]));
    if let Some(queue) = listener.queue.filter(|&queue| queue > 0) {
        let says = format!("{} wait on port {port}, and neither takes them", super::many(queue, "connection", "connections"));
        claim.evidence.push(Evidence::new(Strength::Moderate, Witnessed::Table, says, [listener.quote.clone()]));
    }
    support::own_remotes(case, pile, &mut claim, true);
    claim.now = vec![kept.advice(case)];
    claim.fix = vec!["in the program that opened them: create sockets with SOCK_CLOEXEC, or close all descriptors before exec".into()];
    Some(claim)
}
