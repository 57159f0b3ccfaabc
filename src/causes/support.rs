//! Evidence that several causes ask for: what a trace, the logs, the counters and the tables say of a pile.

use super::balance::{self, Balance};
use super::case::{Case, Tie};
use super::claim::{Claim, Class, Evidence, Missing, Remote, Strength, Witnessed};
use super::say::number;
use crate::capture::End;
use crate::capture::logs::Sighting;
use crate::capture::tops::Tops;
use crate::capture::trace::{Pattern, Tale};
use crate::facts::SocketState;
use crate::ledger::{CountIs, Family, Kind, Pile};
use crate::signatures::Weight;

/// A client with a smaller share of the accepted connections than one in so many is one of many.
const ONE_OF_MANY: u64 = 20;

/// A claim on a pile without evidence yet.
pub fn claim(code: &'static str, class: Class, number: usize, pile: &Pile, says: impl Into<String>) -> Claim {
    Claim {
        code,
        class,
        pile: Some(number),
        owner: pile.owner.clone(),
        kind: Some(pile.kind),
        count: Some(pile.count),
        is: pile.is,
        remotes: Vec::new(),
        remotes_told: 0,
        says: says.into(),
        copies: None,
        evidence: Vec::new(),
        against: Vec::new(),
        missing: Vec::new(),
        now: Vec::new(),
        fix: Vec::new(),
    }
}

/// A claim that is about no pile.
pub fn note(code: &'static str, class: Class, says: impl Into<String>) -> Claim {
    Claim {
        code,
        class,
        pile: None,
        owner: None,
        kind: None,
        count: None,
        is: CountIs::Exact,
        remotes: Vec::new(),
        remotes_told: 0,
        says: says.into(),
        copies: None,
        evidence: Vec::new(),
        against: Vec::new(),
        missing: Vec::new(),
        now: Vec::new(),
        fix: Vec::new(),
    }
}

/// What traces of the holder say of a pattern: left open for, closed against. Returns whether any trace shows the pattern.
pub fn by_trace(case: &Case<'_>, pile: &Pile, claim: &mut Claim, what: &str, fits: impl Fn(&Pattern) -> bool) -> bool {
    let mut seen = false;
    for (trace, tie) in case.traces(pile) {
        let tales: Vec<(&Pattern, &Tale)> = case.tales(trace, &fits);
        let left: u64 = tales.iter().map(|(_, t)| t.settled).sum();
        let closed = super::unix_ends::closed(&tales);
        let last_open: u64 = tales.iter().map(|(_, t)| t.open - t.settled.min(t.open)).sum();
        let quotes: Vec<_> =
            tales.iter().filter(|(_, t)| t.open > 0).flat_map(|(_, t)| t.quotes.0.iter().take(2).cloned()).take(4).collect();
        if left + closed + last_open == 0 {
            continue;
        }
        seen = true;
        let balance = balance::of(case, trace, &tales);
        let strength = match (left, tie) {
            _ if balance == Balance::Open => continue,
            _ if balance == Balance::Even => {
                claim.against.push(balance::even(trace, what, &tales, Strength::Strong));
                continue;
            }
            (5.., _) if balance != Balance::Grows => Strength::Moderate,
            (2.., Tie::Process | Tie::Program) if left > closed * 2 => Strength::Decisive,
            (2.., _) if left > closed => Strength::Strong,
            (1, _) if closed == 0 => Strength::Strong,
            (0, _) if closed == 0 => Strength::Moderate,
            // One path closes, another does not.
            (5.., Tie::Process | Tie::Program) if left * 2 >= closed => Strength::Moderate,
            _ => {
                // Another worker may come by where the holder does not: the holder's own trace tells of the holder.
                let another = |pid: u32| tie == Tie::Program && case.snapshot.processes.contains_key(&pid);
                let another = trace.pid.filter(|&pid| another(pid));
                if another.is_some() && case.traces(pile).iter().any(|(_, tie)| *tie == Tie::Process) {
                    continue;
                }
                let whose = another.map_or(String::new(), |pid| format!(" of pid {pid}, another process of the program,"));
                let says = format!(
                    "the trace{whose} shows {what} {} times, and the descriptor closed {} times",
                    number((left + closed) as i64),
                    number(closed as i64)
                );
                claim.against.push(Evidence::new(Strength::Strong, Witnessed::Trace, says, quotes));
                continue;
            }
        };
        let whose = if tie == Tie::Loose { " (of a process that the other files do not name)" } else { "" };
        let older = match balance {
            Balance::Partly(_) => format!(", and {} closed that were open before", number(trace.older() as i64)),
            _ => String::new(),
        };
        let says =
            format!("strace{whose}: {what}, {} with no close afterwards, {} closed{older}", times(left + last_open), number(closed as i64));
        claim.evidence.push(Evidence::new(strength, Witnessed::Trace, says, quotes));
        for (pattern, tale) in tales.iter().filter(|(_, t)| t.open > 0) {
            if let Some(remote) = pattern.remote {
                let why = match case.errno(pattern.outcome) {
                    Some(errno) => format!("connect fails with {errno}"),
                    None => "in the trace".to_string(),
                };
                add_remote(claim, case.show(remote), tale.open, &why);
            }
        }
    }
    seen
}

/// Log lines whose signature points to the claim's cause, and the endpoints they name.
pub fn by_logs(case: &Case<'_>, pile: &Pile, claim: &mut Claim, codes: &[&str]) {
    let mut found: Vec<(&Sighting, Tie)> = case
        .sightings(pile)
        .into_iter()
        .filter(|(s, _)| s.weight != Weight::Context && s.points_to.iter().any(|p| codes.contains(&p.as_str())))
        .collect();
    // A trace that shows sockets being left open shows where to: what another end did is no part of it.
    if claim.evidence.iter().any(|e| e.by == Witnessed::Trace && e.strength >= Strength::Strong) && !claim.remotes.is_empty() {
        let address = |e: &str| e.starts_with(|c: char| c.is_ascii_digit() || c == '[') && e.contains(':');
        found.retain(|(s, _)| s.endpoint.as_ref().is_none_or(|e| !address(e) || claim.remotes.iter().any(|r| r.endpoint == *e)));
    }
    found.sort_by_key(|(s, tie)| (std::cmp::Reverse(*tie), std::cmp::Reverse(s.count)));
    for (sighting, tie) in found.iter().take(3) {
        let likeliest = sighting.points_to.first().is_some_and(|p| codes.contains(&p.as_str()));
        let attempts = sighting.attempts.unwrap_or(0).max(sighting.count);
        let matches_count = near(attempts, pile.count, 20) && pile.count >= 10;
        let strength = match (sighting.weight, tie) {
            (Weight::Cause, Tie::Process | Tie::Program) if likeliest => Strength::Strong,
            (Weight::Cause, Tie::Loose) if matches_count && likeliest => Strength::Strong,
            (Weight::Cause, _) if likeliest => Strength::Moderate,
            (Weight::Cause, _) => Strength::Weak,
            _ => Strength::Weak,
        };
        let extent = match sighting.attempts {
            Some(n) if matches_count => format!(", attempt {} for {} leaked sockets", number(n as i64), number(pile.count as i64)),
            Some(n) => format!(", up to attempt {}", number(n as i64)),
            None => String::new(),
        };
        let whose = if *tie == Tie::Loose { "the log" } else { "its log" };
        let where_to = sighting.endpoint.as_ref().map_or(String::new(), |e| format!(" ({e})"));
        let says = format!("{whose} says so {}{where_to}{extent}: {}", times(sighting.count), sighting.means.trim_end_matches('.'));
        let at = if sighting.count > 1 { vec![sighting.first.clone(), sighting.last.clone()] } else { vec![sighting.first.clone()] };
        claim.evidence.push(Evidence::new(strength, Witnessed::Log, says, at));
    }
    for (sighting, doubt) in case.doubted(pile).into_iter().filter(|(s, _)| s.points_to.iter().any(|p| codes.contains(&p.as_str()))).take(2)
    {
        claim.against.push(Evidence::new(doubt.strength, Witnessed::Log, doubt.says, [sighting.last.clone()]));
    }
    for (sighting, _) in found.iter().take(4) {
        let named = sighting
            .endpoint
            .clone()
            .into_iter()
            .chain(sighting.broker.as_ref().map(|b| if b.starts_with("broker") { b.clone() } else { format!("broker {b}") }));
        for endpoint in named {
            let why = match (&sighting.endpoint, endpoint.contains(':')) {
                (Some(known), false) if known.contains(':') => format!("the log's name for {known}"),
                (_, false) if sighting.broker.is_some() => {
                    "named by the log, which gives only its id: the port is not in the capture (9092 would be Kafka's default, an inference)".to_string()
                }
                _ => "named by the log".to_string(),
            };
            add_remote(claim, endpoint, 0, &why);
        }
    }
}

/// How a total since boot (or its rise between samples) compares with the pile: as many events as sockets, or too few to explain them.
pub fn by_counter(case: &Case<'_>, pile: &Pile, claim: &mut Claim, name: &str, what: &str) {
    // Of a program that was restarted in between, which has begun anew, the last two samples tell.
    let since_first = || case.growth(pile).filter(|g| g.since == 0).map(|g| g.to.saturating_sub(g.from));
    let grown = || Some((since_first().filter(|&n| n >= 10)?, case.delta(name)?));
    let lately = || Some((case.gained(pile).filter(|&n| n >= 10)?, case.step(name)?));
    if let Some((gained, delta)) = grown().or_else(lately) {
        let rose = delta.value.max(0) as u64;
        if near(rose, gained, 15) {
            let says =
                format!("between the samples {what} rose by {} while the sockets grew by {}", number(rose as i64), number(gained as i64));
            claim.evidence.push(Evidence::new(Strength::Strong, Witnessed::Counters, says, delta.at));
        } else if rose * 2 < gained {
            let says = format!(
                "between the samples {what} rose by only {} while the sockets grew by {}",
                number(rose as i64),
                number(gained as i64)
            );
            claim.against.push(Evidence::new(Strength::Strong, Witnessed::Counters, says, delta.at));
        }
        return;
    }
    let Some(total) = case.counter(name) else { return };
    if pile.count < 20 || total.value < 0 {
        return;
    }
    let total_value = total.value as u64;
    if total_value * 2 < pile.count {
        let says = format!(
            "the kernel has counted only {} {what} since it started, too few for {} sockets",
            number(total.value),
            number(pile.count as i64)
        );
        claim.against.push(Evidence::new(Strength::Strong, Witnessed::Counters, says, total.at));
    } else if near(total_value, pile.count, 20) {
        let says = format!("the kernel has counted {} {what}, as many as the {} sockets", number(total.value), number(pile.count as i64));
        claim.evidence.push(Evidence::new(Strength::Strong, Witnessed::Counters, says, total.at));
    } else {
        let says = format!("the kernel has counted {} {what}, enough for {} sockets", number(total.value), number(pile.count as i64));
        claim.evidence.push(Evidence::new(Strength::Weak, Witnessed::Counters, says, total.at));
    }
}

/// Connects of the same program that still wait for an answer.
pub fn by_pending_connects(case: &Case<'_>, pile: &Pile, claim: &mut Claim) {
    let waiting = case.ledger.piles.iter().find(|p| p.kind == Kind::SynSent && super::case::same_owner(p, pile) && p.owner.is_some());
    let Some(waiting) = waiting else { return };
    let Some((remote, n)) = waiting.top_remote() else { return };
    let says = format!("{} connects of the same program to {} wait in SYN-SENT", number(n as i64), case.show(remote));
    claim.evidence.push(Evidence::new(Strength::Moderate, Witnessed::Table, says, waiting.traits.quotes.iter().take(1).cloned()));
    add_remote(claim, case.show(remote), n, "attempts to it are under way (SYN-SENT)");
}

/// The remotes that the rows of a pile themselves name.
pub fn own_remotes(case: &Case<'_>, pile: &Pile, claim: &mut Claim, accepted: bool) {
    let remotes = &pile.traits.remotes;
    let nobody: u64 = remotes.iter().filter(|(end, _)| end.is_unset()).map(|(_, n)| n).sum();
    claim.remotes_told = remotes.total().saturating_sub(nobody);
    let spread = accepted || (remotes.iter().len() > 8 && remotes.first().is_some_and(|(_, n)| n * 4 < remotes.total()));
    if spread {
        // Peers of a server differ in their ports: their hosts are what tells.
        let mut hosts = Tops::default();
        let outgoing = if accepted { outgoing(pile) } else { Vec::new() };
        for (end, n) in remotes.iter().filter(|(end, _)| !outgoing.iter().any(|(service, _)| service == end)) {
            hosts.add_many(end.host(), n);
        }
        // Of clients that are all different none is worth a name.
        let stands_out = |n: u64| !accepted || n * ONE_OF_MANY >= remotes.total();
        for (host, n) in hosts.top(3, |_| true) {
            if !host.is_unset() && stands_out(n) {
                let why = if accepted { "peers of the accepted connections" } else { "a host at the remote ends of the rows" };
                add_remote(claim, case.show(host), n, why);
            }
        }
        for (service, n) in outgoing {
            add_remote(claim, case.show(service), n, "opened by the program itself");
        }
        if let Some((local, n)) = pile.traits.locals.first()
            && accepted
        {
            let why = if pile.kind == Kind::Listen { "the local end they listen on" } else { "the local end they were accepted on" };
            // Rows of a socket that several processes share are counted for each.
            let count = n.min(pile.count);
            add_end(claim, Remote { endpoint: case.show(local), count, why: why.to_string(), near: true });
        }
        return;
    }
    let top = pile.traits.top_remotes(3);
    let most = top.first().map_or(0, |t| t.1);
    // Beside one that has hundreds those with a handful are other business of the program.
    for (end, n) in top.into_iter().filter(|(_, n)| n * BESIDE >= most) {
        add_remote(claim, case.show(end), n, "the remote end of the rows");
    }
}

/// The remotes of rows that no pile has: the most frequent, or their hosts and the local end they came to, where each has a few.
pub fn ends_of_rows(case: &Case<'_>, remotes: &Tops<End>, locals: &Tops<End>, claim: &mut Claim) {
    let spread = remotes.iter().len() > 8 && remotes.first().is_some_and(|(_, n)| n * 4 < remotes.total());
    claim.remotes_told = remotes.iter().filter(|(end, _)| !end.is_unset()).map(|(_, n)| n).sum();
    if !spread {
        for (end, n) in remotes.top(3, |end| !end.is_unset()) {
            add_remote(claim, case.show(end), n, "the remote end of the rows");
        }
        return;
    }
    let mut hosts = Tops::default();
    remotes.iter().for_each(|(end, n)| hosts.add_many(end.host(), n));
    for (host, n) in hosts.top(3, |host| !host.is_unset()).into_iter().filter(|(_, n)| n * ONE_OF_MANY >= remotes.total()) {
        add_remote(claim, case.show(host), n, "a host at the remote ends of the rows");
    }
    if let Some((local, n)) = locals.first().filter(|(_, n)| n * 2 > locals.total()) {
        add_end(claim, Remote { endpoint: case.show(local), count: n, why: "the local end of the rows".to_string(), near: true });
    }
}

/// The ends to which a program that accepts most of its connections has opened others itself: each has many rows, where a client's port is
/// its connection's own.
fn outgoing(pile: &Pile) -> Vec<(End, u64)> {
    // Rows of a socket that several processes share are counted for each.
    let copies = (pile.traits.remotes.total() / pile.count.max(1)).max(1);
    let services = pile.traits.top_remotes(MOST_OUTGOING).into_iter();
    services.map(|(end, n)| (end, n / copies)).filter(|&(end, n)| n >= MANY_OUTGOING && end.port() != 0).collect()
}

/// What is said of connections on the server's own ports, and of others that it has opened itself.
pub fn accepted_says(case: &Case<'_>, pile: &Pile) -> String {
    let opened = outgoing(pile);
    let Some((first, _)) = opened.first() else { return "the local port is the server's own: these were accepted".into() };
    let n: u64 = opened.iter().map(|(_, n)| n).sum();
    let accepted = number(pile.count.saturating_sub(n) as i64);
    let (n, whom) = (number(n as i64), case.show(*first));
    format!("{accepted} of them are on the server's own port: these were accepted; {n} it has opened itself (toward {whom})")
}

/// From how many connections on an end is a service of others.
const MANY_OUTGOING: u64 = 8;
/// Such ends that are told, at most.
const MOST_OUTGOING: usize = 3;

/// The share of the most frequent remote end, as a fraction of it, from which on another is named beside it.
const BESIDE: u64 = 50;

/// Adds a remote, or its count to one already named.
pub fn add_remote(claim: &mut Claim, endpoint: String, count: u64, why: &str) {
    add_end(claim, Remote { endpoint, count, why: why.to_string(), near: false });
}

/// Adds the near end that connections arrive at.
pub fn add_listener(claim: &mut Claim, endpoint: String, count: u64, why: &str) {
    add_end(claim, Remote { endpoint, count, why: why.to_string(), near: true });
}

fn add_end(claim: &mut Claim, end: Remote) {
    let room = claim.remotes.len() < 8;
    match claim.remotes.iter_mut().find(|r| r.endpoint == end.endpoint) {
        Some(known) => {
            known.count = known.count.max(end.count);
            if !known.why.contains(&end.why) {
                known.why = format!("{}; {}", known.why, end.why);
            }
        }
        None if room => claim.remotes.push(end),
        None => {}
    }
}

/// The command that traces the life of a process's sockets.
pub fn trace_command(pid: u32) -> String {
    format!("strace -f -tt -T -e trace=network,close,dup,dup2,dup3 -p {pid}")
}

/// The trace that would show the mechanism, if no trace of the holder shows anything.
pub fn ask_for_trace(case: &Case<'_>, pile: &Pile, claim: &mut Claim) {
    let Some(pid) = pile.owner.as_ref().and_then(|o| o.pids.first()).map(|p| p.0) else { return };
    let shown = case.traces(pile).iter().any(|(t, _)| t.tales.values().any(|t| t.open + t.closed > 0));
    if !shown {
        claim.missing.push(Missing {
            what: format!("strace of all threads of {pid}"),
            would: "show the calls that create the sockets, and whether they are closed".into(),
            command: trace_command(pid),
        });
    }
}

/// Where each thread of a process stands.
pub fn threads(pid: u32) -> Missing {
    Missing {
        what: format!("a dump of the threads of {pid}"),
        would: "show what they wait for".into(),
        command: format!(
            "jstack {pid} (Java), kill -QUIT {pid} (Go, Java: to its log), py-spy dump --pid {pid} (Python), gdb -p {pid} -batch -ex 'thread apply all bt'"
        ),
    }
}

/// What tells connections in use from those that were forgotten, where a table does not.
pub fn idle_times() -> Missing {
    Missing {
        what: "the same rows a few minutes later, with their idle times".into(),
        would: "tell connections in use from those that were forgotten".into(),
        command: "sudo ss -tuanpoi".into(),
    }
}

/// Asks for the idle times of connections that grew, where none are told and no trace shows what becomes of them.
pub fn ask_for_idle_times(case: &Case<'_>, pile: &Pile, claim: &mut Claim) {
    let traced = claim.evidence.iter().any(|e| e.by == Witnessed::Trace);
    if pile.traits.idle_known == 0 && !traced && case.growth(pile).is_some() {
        claim.missing.push(idle_times());
    }
}

/// The user whose rows a pile without a holder is made of, the best lead to it.
pub fn user_of_rows(pile: &Pile) -> Option<Evidence> {
    let quotes = pile.traits.quotes.iter().filter(|_| pile.owner.is_none());
    let mut users = quotes.clone().map(|q| user(&q.text()));
    let uid = users.next()??;
    let says = format!("the rows are of uid {uid}: a process of that user holds them");
    users.all(|other| other == Some(uid)).then(|| Evidence::new(Strength::Weak, Witnessed::Table, says, quotes.take(1).cloned()))
}

/// What would name the holder of a pile that has none, where holders of other rows are shown.
pub fn holder(case: &Case<'_>, pile: &Pile) -> Option<Missing> {
    let rows = case.ledger.best(Family::Tcp)?.groups(Family::Tcp);
    (pile.owner.is_none() && rows.into_iter().any(|g| g.owner.is_some())).then(|| Missing {
        what: "the same tables as root, from the host".into(),
        would: "name the process that holds them".into(),
        command: "sudo ss -tanpe".into(),
    })
}

/// The user of a row of `ss -e` (`uid:1000`) or of `/proc/net/tcp`, whose eighth column it is.
fn user(row: &str) -> Option<u32> {
    let mut words = row.split_whitespace();
    if let Some(uid) = words.clone().find_map(|w| w.strip_prefix("uid:")) {
        return uid.parse().ok();
    }
    let numbered = words.next()?.strip_suffix(':').is_some_and(|n| n.parse::<u32>().is_ok());
    words.nth(6).filter(|_| numbered)?.parse().ok()
}

/// Whether a listener of the same process exists.
pub fn listens(case: &Case<'_>, pile: &Pile) -> bool {
    let Some(owner) = &pile.owner else { return false };
    owner.pids.iter().any(|(pid, _)| case.ledger.holdings.get(pid).is_some_and(|h| h.kinds.contains_key(&Kind::Listen)))
}

/// Whether two numbers differ by at most `percent` of the second.
pub fn near(a: u64, b: u64, percent: u64) -> bool {
    a.abs_diff(b) * 100 <= b * percent
}

/// `once`, `3 times`.
pub fn times(n: u64) -> String {
    if n == 1 { "once".into() } else { format!("{} times", number(n as i64)) }
}

/// Why rows of a state may be missing though connections were listed or counted; `None` where neither was.
pub fn unlisted(case: &Case<'_>, state: SocketState) -> Option<String> {
    match case.ledger.best(Family::Tcp) {
        Some(view) if view.leaves_connections_out() => Some(format!("the table lists listeners alone, not {}", state.word())),
        Some(_) => Some(format!("the captured rows may leave {} out", state.word())),
        None if case.ledger.states.is_empty() => None,
        None => Some(format!("the captured counts may leave {} out", state.word())),
    }
}

/// Limits of open files that systems hand out: by default, to services, to what asked for many.
pub const USUAL_LIMITS: &[u64] = &[1024, 4096, 65_536];

/// To restart the program, and why: its limit is ahead of it, unless as many descriptors as a usual limit allows are taken.
pub fn restart(pile: &Pile) -> String {
    let reached = pile.limit.is_none() && pile.descriptors.as_ref().is_some_and(|(n, whole, _)| *whole && USUAL_LIMITS.contains(n));
    match &pile.descriptors {
        Some((n, ..)) if reached => {
            format!(
                "restart the program: its {} descriptors are as many as a usual limit allows",
                number(i64::try_from(*n).unwrap_or(i64::MAX))
            )
        }
        Some(_) if pile.fill().is_some_and(|full| full >= 100) => "restart the program: it has reached its descriptor limit".to_string(),
        _ => "restart the program before it reaches its descriptor limit".to_string(),
    }
}
