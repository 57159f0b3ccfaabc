//! An accept queue overflows.

use super::claim::{Class, Evidence, Strength, Witnessed};
use super::support;
use super::{Case, Claim, number};
use crate::capture::table::Listener;
use crate::facts::IdentityKey;
use crate::host::Take;
use crate::ledger::{CountIs, Family, Owner};

/// net.core.somaxconn until Linux 5.4, and the backlog that many programs ask for: a queue holds one more.
const USUAL: u64 = 128;
/// A queue that holds fewer is full before anybody notices.
const FULL: u64 = 5;

cause! {
    /// Connections complete and wait to be accepted; when the queue is full, further ones are dropped. Nothing leaks: what waits has
    /// no descriptor.
    ///
    /// # How it looks
    /// - ss: LISTEN rows with Recv-Q (waiting) at or above Send-Q (the bound). netstat shows the same Recv-Q without the bound.
    /// - ss, netstat: ESTAB or CLOSE-WAIT rows on that port without owner, inode 0.
    /// - `netstat -s`, nstat: `times the listen queue of a socket overflowed` (ListenOverflows) and `SYNs to LISTEN sockets dropped`
    ///   (ListenDrops) rise.
    /// - lsof, /proc/PID/fd: only the listener and what was accepted. `ss -s`, sockstat: the waiting ones count in alloc and inuse.
    /// - strace: accept called seldom. log: kernel `Possible SYN flooding on port`; clients report time-outs.
    ///
    /// # Evidence for
    /// - The full queue; the counter rising between captures; ownerless rows on the port.
    /// - netstat: 128 or more waiting, which is the usual bound.
    ///
    /// # Evidence against
    /// - An empty queue now and a counter that has not moved since boot time.
    ///
    /// # Mistaken for
    /// - `accept-not-closed`: those rows have an owner.
    /// - `syn-flood`: the kernel prints the same line for a slow server.
    /// - `accept-stalled`: there the server accepts nothing at all.
    ///
    /// # Confirm
    /// - `ss -ltn` and `nstat -az TcpExtListenOverflows TcpExtListenDrops`, twice.
    ///
    /// # Now
    /// - Find out why the server does not accept: busy, blocked, at its descriptor limit.
    ///
    /// # For good
    /// - All: more workers or an event loop that only accepts; a larger backlog in listen() and a larger net.core.somaxconn: the
    ///   smaller one counts.
    /// - nginx: `listen ... backlog=`, `reuseport`. PHP-FPM: pm.max_children, listen.backlog. Python: gunicorn --backlog and workers.
    ///   HAProxy: `backlog`, `maxconn`.
    /// - Java: the backlog argument of ServerSocket (50 by default); Tomcat acceptCount. Node: server.listen backlog (511). Go reads
    ///   somaxconn at start.
    ///
    /// # References
    /// listen(2); net/ipv4/tcp_ipv4.c `tcp_v4_syn_recv_sock`; net/ipv4/proc.c.
    BacklogOverflow, "backlog-overflow", lookalike, "connections arrive faster than the server accepts them", weigh
}

fn weigh(case: &Case<'_>) -> Vec<Claim> {
    let mut now = full_now(case);
    now.extend(unix_full(case));
    if now.is_empty() { full_before(case).into_iter().collect() } else { now }
}

/// A queue that was full in an earlier snapshot and is not any more.
fn full_before(case: &Case<'_>) -> Option<Claim> {
    let full = |l: &&Listener| l.backlog.is_some_and(|b| b > 0 && l.queue.unwrap_or(0) >= b.max(FULL));
    let queues = |take: &'_ Take| take.snapshot.tables.iter().flat_map(|t| &t.listeners).find(full).cloned();
    let (take, listener) = case.host.takes.iter().take(case.host.main).rev().find_map(|t| Some((t, queues(t)?)))?;
    let names = &case.sources.get(take.input)?.names;
    let date = take.snapshot.identity.get(&IdentityKey::Date).map(|d| d.0.as_str());
    let when = date.or(take.sample.as_deref()).unwrap_or("an earlier snapshot");
    let (queue, backlog) = (listener.queue.unwrap_or(0), listener.backlog.unwrap_or(0));
    let address = listener.local.show(names);
    // What the kernel has turned away since is no thing of the past.
    let turned_away = case.step("tcpext.listen_overflows").filter(|f| f.value > 0);
    let class = if turned_away.is_some() { Class::Exhaustion } else { Class::Note };
    let mut claim = support::note("backlog-overflow", class, format!("full before ({when}), and not in the last snapshot"));
    claim.owner = listener.owner.map(|pid| Owner::of(&take.snapshot, pid, queue)).filter(|o| !o.command.is_empty());
    let says = format!("{} of {} connections waited to be accepted on {address}", number(queue as i64), number(backlog as i64));
    // A quote is of a member of the diagnosed input.
    let here = case.host.takes.get(case.host.main).is_some_and(|main| main.input == take.input);
    claim.evidence.push(Evidence::new(Strength::Strong, Witnessed::Table, says, Some(listener.quote).filter(|_| here)));
    if let Some(f) = turned_away {
        let says = format!("the kernel counted {} overflows of listen queues between the last two readings", number(f.value));
        claim.evidence.push(Evidence::new(Strength::Moderate, Witnessed::Counters, says, f.at));
    }
    support::add_listener(&mut claim, address, queue, "the listener whose queue was full");
    if class == Class::Exhaustion {
        advise(&mut claim);
    }
    Some(claim)
}

/// A unix socket on which as many connections wait as may: connect(2) to it fails with EAGAIN, or waits.
fn unix_full(case: &Case<'_>) -> Option<Claim> {
    let full = |l: &&Listener| l.backlog.is_some_and(|b| b > 0 && l.queue >= Some(b.max(FULL)));
    let listener = case.snapshot.tables.iter().flat_map(|t| &t.unix_queues).filter(full).max_by_key(|l| l.queue)?;
    let (queue, path) = (listener.queue.unwrap_or(0), case.show(listener.local));
    let mut claim = support::note("backlog-overflow", Class::Exhaustion, "waiting in the accept queue of a unix socket, not accepted yet");
    claim.owner = listener.owner.map(|pid| Owner::of(case.snapshot, pid, queue)).filter(|o| !o.command.is_empty());
    (claim.count, claim.is) = (Some(queue), CountIs::Exact);
    let says =
        format!("{} of {} connections wait to be accepted on {path}", number(queue as i64), number(listener.backlog.unwrap_or(0) as i64));
    claim.evidence.push(Evidence::new(Strength::Strong, Witnessed::Table, says, [listener.quote.clone()]));
    support::add_listener(&mut claim, path, queue, "the listener whose queue is full");
    claim.now = vec!["find out what keeps the server from accepting: load, a blocked worker, its number of workers".into()];
    claim.fix = vec!["accept faster (more workers, a time limit for each request), then a larger backlog".into()];
    Some(claim)
}

/// How many connections to unix sockets wait to be accepted: their clients' sockets have no peer that anybody holds.
pub(super) fn unix_waiting(case: &Case<'_>) -> u64 {
    let tables = case.snapshot.tables.iter();
    tables.map(|t| t.unix_queues.iter().filter_map(|l| l.queue).sum::<u64>()).max().unwrap_or(0)
}

/// The fullest queue of the last snapshot, where it is full or has overflown.
fn full_now(case: &Case<'_>) -> Vec<Claim> {
    let Some((listener, waiting)) = fullest(case) else { return Vec::new() };
    // Where no holder is shown, rows without one may have been accepted long ago.
    let waiting = if shows_holders(case, listener) { waiting } else { 0 };
    let overflows = case.counter("tcpext.listen_overflows").filter(|f| f.value > 0);
    let full = listener.backlog.is_some_and(|b| b > 0 && listener.queue.unwrap_or(0).saturating_mul(10) >= b.saturating_mul(7));
    if !full && !over_the_usual(listener) && overflows.is_none() && waiting < 5 {
        return Vec::new();
    }
    let mut claim = support::note("backlog-overflow", Class::Exhaustion, "waiting in the accept queue, held by no descriptor yet");
    claim.owner = listener_owner(case, listener);
    (claim.count, claim.is) = (Some(listener.queue.unwrap_or(0).max(waiting)), CountIs::AtLeast);
    let address = case.show(listener.local);
    let limit = listener.backlog.filter(|&b| b > 0).map_or(String::new(), |b| format!(" of {}", number(b as i64)));
    let says = format!("{}{limit} connections wait to be accepted on {address}", number(listener.queue.unwrap_or(0) as i64));
    claim.evidence.push(Evidence::new(Strength::Strong, Witnessed::Table, says, [listener.quote.clone()]));
    if waiting > 0 {
        claim.evidence.push(Evidence::new(
            Strength::Moderate,
            Witnessed::Table,
            format!("{} connections on that port have no owner: not accepted yet", number(waiting as i64)),
            [],
        ));
    }
    if let Some(f) = overflows {
        claim.evidence.push(Evidence::new(
            Strength::Moderate,
            Witnessed::Counters,
            format!("the kernel has counted {} overflows of listen queues", number(f.value)),
            f.at,
        ));
    }
    advise(&mut claim);
    if let Some(says) = alone(case, listener) {
        claim.evidence.push(Evidence::new(Strength::Moderate, Witnessed::Table, format!("{says} empty: load is not the matter"), []));
        claim.now = vec!["find the one thread or worker that does not accept: the others of this port keep up".into()];
    }
    if let Some(kept) = super::kept_port::find(case).filter(|k| k.port == listener.local.port()) {
        claim.now = vec![kept.advice(case)];
        claim.fix = vec!["see fd-inherited: its holders were started with the listener and do not accept".into()];
    }
    support::add_listener(&mut claim, address, listener.queue.unwrap_or(0), "the listener whose queue is full");
    vec![claim]
}

/// What the queues of other listeners on the same address say (SO_REUSEPORT: the kernel deals connections out to each alike), where all are empty.
fn alone(case: &Case<'_>, full: &Listener) -> Option<String> {
    let member = full.quote.at.member;
    let listeners = case.snapshot.tables.iter().flat_map(|t| &t.listeners);
    let beside = listeners.filter(|l| l.local == full.local && l.quote.at.member == member && l.quote.at.line != full.quote.at.line);
    let queues: Vec<u64> = beside.filter_map(|l| l.queue).collect();
    let one = queues.len() == 1;
    let words =
        if one { "queue of the other listener is".to_string() } else { format!("queues of the other {} listeners are", queues.len()) };
    (!queues.is_empty() && queues.iter().all(|&q| q == 0)).then(|| format!("on the same address the {words}"))
}

fn advise(claim: &mut Claim) {
    claim.now = vec!["find out what keeps the server from accepting: load, a blocked thread, its descriptor limit".into()];
    claim.fix = vec!["accept faster (workers), then a larger backlog and net.core.somaxconn".into()];
}

/// Whether as many wait as the usual bound allows, where the tool does not print the bound (netstat).
fn over_the_usual(listener: &Listener) -> bool {
    listener.backlog.unwrap_or(0) == 0 && listener.queue.unwrap_or(0) >= USUAL
}

/// Whether a row on a listener's port that names no holder has none: its holder would be shown, as the listener's own is, or as root sees all.
pub(super) fn shows_holders(case: &Case<'_>, listener: &Listener) -> bool {
    let some = case.ledger.best(Family::Tcp).is_some_and(|v| v.groups(Family::Tcp).any(|g| g.owner.is_some()));
    some && (case.ledger.unprivileged.is_none() || listener_owner(case, listener).is_some())
}

/// The listener with the most connections waiting relative to its backlog, and the ownerless connections on its port.
pub(super) fn fullest<'a>(case: &Case<'a>) -> Option<(&'a Listener, u64)> {
    let tables = case.snapshot.tables.iter();
    let queued = tables
        .flat_map(|t| &t.listeners)
        .filter(|l| l.queue.unwrap_or(0) >= 5 && l.queue.unwrap_or(0).saturating_mul(2) >= l.backlog.unwrap_or(0));
    let listener = queued.max_by_key(|l| (l.queue, l.backlog, l.owner))?;
    let port = listener.local.port();
    let view = case.ledger.best(Family::Tcp)?;
    let waiting = view
        .groups(Family::Tcp)
        .filter(|g| g.owner.is_none() && matches!(g.state, crate::facts::SocketState::Established | crate::facts::SocketState::CloseWait))
        .map(|g| g.locals.iter().filter(|(e, _)| e.port() == port).map(|(_, n)| n).sum::<u64>())
        .sum();
    Some((listener, waiting))
}

/// Who holds a listener, by its row.
pub(super) fn listener_owner(case: &Case<'_>, listener: &Listener) -> Option<Owner> {
    let same = case.snapshot.tables.iter().flat_map(|t| &t.listeners).filter(|l| l.local.port() == listener.local.port());
    let pid = listener.owner.or_else(|| same.clone().find_map(|l| l.owner))?;
    let owner = Owner::of(case.snapshot, pid, listener.queue.unwrap_or(0));
    let unknown = !case.snapshot.processes.contains_key(&pid);
    Some(if unknown { Owner { command: case.names.text(listener.command), ..owner } } else { owner })
}
