//! Whether a pile is a leak at all, before anybody asks for its cause.
//!
//! Holding many sockets is no fault. A pile is suspect where its kind has no use (a TCP socket in no connection, a peer that has closed),
//! where it grows, where a trace shows it being left open, or where it has filled a limit; and it is innocent where the capture shows it in use.

use super::bar::{Bar, ordinary};
use super::case::{Case, Tie};
use super::claim::{Evidence, Strength, Witnessed};
use super::say::{many, number};
use crate::capture::trace::{Pattern, Tale};
use crate::capture::{End, Quote};
use crate::ledger::{Kind, Pile, leaves_open};

/// Why a pile is suspect.
#[derive(Clone, Debug, Default)]
pub struct Suspicion {
    /// The reasons.
    pub reasons: Vec<Evidence>,
    /// What speaks for its innocence.
    pub against: Vec<Evidence>,
}

/// Reasons to take a pile for a leak; `None` if there are too few.
pub fn suspect(case: &Case<'_>, pile: &Pile) -> Option<Suspicion> {
    if pile.kind == Kind::TimeWait || pile.kind == Kind::File {
        return None;
    }
    if pile.foreign.is_some() {
        return abroad(case, pile);
    }
    let s = both_sides(case, pile);
    let sum = |all: &[Evidence]| all.iter().map(|e| e.strength.weight()).sum::<i32>();
    (sum(&s.reasons) - sum(&s.against) >= Strength::Moderate.weight()).then_some(s)
}

/// What speaks for the innocence of a pile that is not suspect.
pub fn innocence(case: &Case<'_>, pile: &Pile) -> Vec<Evidence> {
    if pile.foreign.is_some() { Vec::new() } else { both_sides(case, pile).against }
}

/// All that speaks for a leak and against it.
fn both_sides(case: &Case<'_>, pile: &Pile) -> Suspicion {
    let mut s = Suspicion::default();
    let bar = Bar::of(case, pile);
    useless_by_kind(case, pile, &bar, &mut s);
    super::course::growing(case, pile, bar.count, &mut s);
    left_open(case, pile, &mut s);
    fills_limit(case, pile, &mut s);
    unbroken_run(case, pile, &mut s);
    kernel_side(case, pile, &mut s);
    stuck_handlers(case, pile, &mut s);
    in_use(case, pile, &mut s);
    s
}

/// Sockets of another network namespace: their number says nothing, what a trace shows or a log counts does.
fn abroad(case: &Case<'_>, pile: &Pile) -> Option<Suspicion> {
    let mut s = Suspicion::default();
    left_open(case, pile, &mut s);
    for (sighting, tie) in case.sightings(pile) {
        let attempts = sighting.attempts.unwrap_or(0).max(sighting.count);
        if sighting.weight == crate::signatures::Weight::Cause && super::near(attempts, pile.count, 20) && pile.count >= 100 {
            let strength = if tie >= Tie::Program { Strength::Strong } else { Strength::Moderate };
            let says = format!("a log counts {} attempts, as many as the {} sockets", number(attempts as i64), number(pile.count as i64));
            s.reasons.push(Evidence::new(strength, Witnessed::Log, says, [sighting.last.clone()]));
        }
    }
    (!s.reasons.is_empty() && s.against.is_empty()).then_some(s)
}

/// Accepted connections in CLOSE-WAIT with unread data, from which they are no requests that are being served this moment.
const ACCEPTED: u64 = 32;

/// Kinds that no program has a use for in numbers.
fn useless_by_kind(case: &Case<'_>, pile: &Pile, bar: &Bar, s: &mut Suspicion) {
    let threshold = bar.count;
    let rows = || pile.traits.quotes.iter().take(1).cloned();
    let owner = pile.owner.as_ref().map_or("nobody known".to_string(), |o| o.named());
    let count = number(pile.count as i64);
    let reason = |strength, by, says: String| Evidence::new(strength, by, says, rows());
    match pile.kind {
        Kind::Closed if pile.count >= threshold && pile.words.iter().all(|w| w.source == "tally") => {
            let says = format!(
                "the kernel counts {count} TCP sockets in no connection state, and of the processes whose descriptors were counted only {owner} has about as many open"
            );
            let at = pile.traits.quotes.iter().cloned();
            s.reasons.push(Evidence::new(Strength::Strong, Witnessed::Books, says, at));
        }
        Kind::Closed if pile.count >= threshold && pile.is == crate::ledger::CountIs::Estimate => {
            let says =
                format!("only {owner} shows such sockets in the listing, which is an excerpt; the kernel counts about {count} of them");
            s.reasons.push(Evidence::new(
                Strength::Strong,
                Witnessed::Books,
                says,
                pile.traits.quotes.iter().take(1).cloned().chain(pile.traits.quotes.last().cloned()),
            ));
            let rows = pile.words.iter().filter(|w| w.source != "kernel").filter_map(|w| w.quote.clone());
            let says = format!("rows of {owner} are TCP sockets in no connection state, its descriptor numbers follow one another");
            s.reasons.push(Evidence::new(Strength::Moderate, Witnessed::Listing, says, rows));
        }
        Kind::Closed if pile.count >= threshold => {
            s.reasons.push(reason(
                Strength::Strong,
                Witnessed::Listing,
                format!("{owner} holds {count} TCP sockets that are in no connection state; a healthy program keeps none ({bar})"),
            ));
        }
        Kind::Closed if pile.count >= 5 && mostly_unhashed(case, pile) => {
            s.reasons.push(reason(
                Strength::Moderate,
                Witnessed::Listing,
                format!("{count} TCP sockets of {owner} are in no connection state, most of what it holds"),
            ));
        }
        Kind::CloseWait if pile.count >= threshold && pile.owner.is_some() => {
            s.reasons.push(reason(
                Strength::Strong,
                Witnessed::Table,
                format!("the peers of {count} connections of {owner} have closed; only it can end them ({bar})"),
            ));
        }
        // A pool keeps connections that it opened; what a server has accepted and its client has closed is of no use to it.
        Kind::CloseWait
            if pile.accepted == Some(true)
                && pile.owner.is_some()
                && pile.count >= ACCEPTED + ordinary(pile.kind) * (bar.processes - 1)
                && pile.traits.unread * 4 >= pile.count * 3 =>
        {
            let unread = number(pile.traits.unread as i64);
            let says = format!(
                "the clients of {count} connections that {owner} accepted have closed, and {unread} of them hold what was never read"
            );
            s.reasons.push(reason(Strength::Moderate, Witnessed::Table, says));
        }
        // Without holders shown the count alone is evidence, if nothing shows that they wait in an accept queue.
        Kind::CloseWait if pile.count >= threshold && pile.traits.opened_here() && pile.traits.no_file * 2 < pile.count => {
            let says = format!(
                "the peers of {count} connections have closed; they were opened here, each from its own port to one service, so none waits to be accepted: a process holds each, and only it can end them ({bar})"
            );
            // Fewer may be one or two in each of many workers.
            let strength = if pile.count >= threshold * 4 { Strength::Strong } else { Strength::Moderate };
            s.reasons.push(reason(strength, Witnessed::Table, says));
        }
        Kind::CloseWait if pile.count >= threshold && pile.traits.no_file * 2 < pile.count => {
            s.reasons.push(reason(
                Strength::Moderate,
                Witnessed::Table,
                format!("{count} connections are in CLOSE-WAIT; the capture does not name who holds them"),
            ));
        }
        Kind::SynSent if pile.count >= threshold => {
            let (strength, whose) = waits(pile);
            s.reasons.push(reason(strength, Witnessed::Table, format!("{count} connects of {owner} wait for an answer, {whose}")));
        }
        Kind::Listen => {
            // A listener that a hundred workers have inherited is one listener, in a hundred rows.
            let most = pile.traits.locals.first().map_or(0, |(_, rows)| rows.min(pile.count));
            if most >= threshold {
                s.reasons.push(reason(
                    Strength::Strong,
                    Witnessed::Table,
                    format!("{} listeners of {owner} are on one address ({bar})", number(most as i64)),
                ));
            }
        }
        Kind::FinWait if pile.owner.is_some() && pile.count >= threshold && pile.traits.no_file * 2 < pile.count => {
            s.reasons.push(reason(
                Strength::Moderate,
                Witnessed::Table,
                format!("{count} connections of {owner} are shut down on its side, and a descriptor still holds each"),
            ));
        }
        Kind::Udp if pile.count >= threshold && pile.owner.is_none() => {
            let whom = pile
                .top_remote()
                .filter(|(_, n)| n * 10 >= pile.count * 9)
                .map_or(String::new(), |(e, _)| format!(", nearly all with {}", case.show(e)));
            let says = format!("{count} UDP sockets are open{whom}; the capture does not name who holds them ({bar})");
            s.reasons.push(reason(Strength::Moderate, Witnessed::Table, says));
        }
        Kind::Udp | Kind::Netlink | Kind::Packet | Kind::Raw | Kind::Eventpoll if pile.count >= threshold => {
            let one = one_peer(case, pile);
            let strength = if pile.count >= threshold * 5 || one.is_some() { Strength::Strong } else { Strength::Moderate };
            let toward =
                one.map_or(String::new(), |end| format!(", nearly all connected to {}, which one socket can serve", case.show(end)));
            s.reasons.push(reason(strength, Witnessed::Listing, format!("{owner} holds {count} {}{toward} ({bar})", pile.kind.plural())));
            s.against.extend(ports_of_choice(case, pile));
        }
        Kind::Established if pile.accepted == Some(true) && pile.count >= threshold && mostly_silent(pile) => {
            let silent = number(pile.traits.idle_minute as i64);
            s.reasons.push(reason(
                Strength::Moderate,
                Witnessed::Table,
                format!("{silent} accepted connections of {owner} have been silent for a minute or more"),
            ));
        }
        Kind::Unix => unix_peers(case, pile, threshold, s),
        _ => {}
    }
}

/// The one remote that nearly all UDP sockets of a program are connected to. A relay has one for each of its clients, which it hears on a
/// port of its own.
fn one_peer(case: &Case<'_>, pile: &Pile) -> Option<End> {
    let (end, n) = pile.top_remote().filter(|_| pile.kind == Kind::Udp)?;
    (n * 10 >= pile.count * 9 && end.port() != 0 && chosen_ports(case, pile) == 0).then_some(end)
}

/// UDP sockets bound to ports that the kernel does not hand out by itself: the program chose them to be reached there, one for each
/// address, service or call.
fn ports_of_choice(case: &Case<'_>, pile: &Pile) -> Option<Evidence> {
    let chosen = chosen_ports(case, pile);
    (pile.kind == Kind::Udp && chosen * 10 >= pile.count * 9).then(|| {
        let says = format!(
            "{} of them are bound to ports below {}, from which on the kernel hands them out: the program chose them, to be reached there",
            number(chosen as i64),
            number(case.first_port())
        );
        Evidence::new(Strength::Strong, Witnessed::Listing, says, pile.traits.quotes.iter().take(1).cloned())
    })
}

/// How many sockets of a pile are bound to ports below those that the kernel hands out.
fn chosen_ports(case: &Case<'_>, pile: &Pile) -> u64 {
    let low = case.first_port();
    pile.traits.locals.iter().filter(|(e, _)| (1..low).contains(&i64::from(e.port()))).map(|(_, n)| n).sum()
}

/// How suspect connects under way are: a burst goes to many remotes and ends in time; what waits for a few has been given up on by nobody.
fn waits(pile: &Pile) -> (Strength, String) {
    let t = &pile.traits;
    let one = pile.top_remote().is_some_and(|(_, n)| n * 10 >= t.remotes.total().max(1) * 7);
    let remotes = t.remotes.distinct().max(1);
    // The third retransmission goes out seven seconds after the first SYN.
    let old = t.max_retries >= 3 && t.retransmitting * 2 > pile.count;
    match (one, pile.count / remotes) {
        (true, _) => (Strength::Strong, "nearly all of the same remote".into()),
        (_, 25..) if old => (Strength::Strong, format!("of {remotes} remotes, retransmitted up to {} times", t.max_retries)),
        (_, 25..) if t.retransmitting == 0 => (Strength::Moderate, format!("of {remotes} remotes")),
        _ => (Strength::Weak, "of many remotes".into()),
    }
}

/// Whether most connections that tell their idle time received nothing for a minute.
fn mostly_silent(pile: &Pile) -> bool {
    let t = &pile.traits;
    t.idle_known * 2 >= pile.count && t.idle_minute * 10 >= t.idle_known * 9
}

/// A unix socket is as innocent as its peers: many clients make a hub, one client with hundreds of connections to one server a hoard,
/// a peer that is gone a socket that nobody closed.
fn unix_peers(case: &Case<'_>, pile: &Pile, threshold: u64, s: &mut Suspicion) {
    let Some(owner) = &pile.owner else { return };
    let Some((pid, share)) = owner.pids.first().copied() else { return };
    let at = || pile.traits.quotes.iter().take(1).cloned();
    let Some(peers) = case.ledger.peers.get(&pid).filter(|p| p.known()) else {
        if share >= threshold {
            s.reasons.push(Evidence::new(
                Strength::Weak,
                Witnessed::Listing,
                format!("pid {pid} holds {} unix sockets (threshold {threshold})", number(share as i64)),
                at(),
            ));
        }
        mirrored(case, pile, s);
        return;
    };
    let connected = peers.own + peers.gone + peers.others.values().sum::<u64>();
    let accepted = peers.with_path * 2 > peers.rows;
    let name = |p: u32| case.snapshot.processes.get(&p).map_or(String::new(), |p| p.command.clone());
    if peers.gone >= 50 && peers.gone * 2 > connected {
        s.reasons.push(Evidence::new(
            Strength::Strong,
            Witnessed::Table,
            format!("the peers of {} of its unix sockets are gone", number(peers.gone as i64)),
            at(),
        ));
    } else if peers.own >= 100 && peers.own * 2 > connected {
        let says = format!("both ends of {} unix sockets are held by the same process", number(peers.own as i64));
        s.reasons.push(Evidence::new(Strength::Strong, Witnessed::Table, says, at()));
    } else if let Some((other, n)) = peers.top() {
        let says =
            format!("{} of its {} unix connections are with {} (pid {other})", number(n as i64), number(connected as i64), name(other));
        if n * 10 >= connected * 9 && n >= threshold / 2 && !accepted {
            // Hundreds of connections from one client to one server are odd, but a client library may want them; thousands it does not.
            let strength = if n >= threshold * 5 { Strength::Moderate } else { Strength::Weak };
            s.reasons.push(Evidence::new(strength, Witnessed::Table, says, at()));
        } else if n * 10 >= connected * 9 && accepted {
            s.against.push(Evidence::new(Strength::Decisive, Witnessed::Table, format!("{says}, which keeps them open"), at()));
        } else {
            let says = format!(
                "its {} unix connections are with {} different processes, none of them with most",
                number(connected as i64),
                peers.others.len()
            );
            s.against.push(Evidence::new(Strength::Strong, Witnessed::Table, says, at()));
        }
    }
}

/// Without peer inodes: as many sockets of another program without a path are the other ends of those that carry one, which it keeps open.
fn mirrored(case: &Case<'_>, pile: &Pile, s: &mut Suspicion) {
    if !carries_path(pile) {
        return;
    }
    let Some(other) = other_ends(case, pile) else { return };
    let name = other.owner.as_ref().map_or(String::new(), |o| o.named());
    let says = format!(
        "{} unix sockets without a path are held by {name}: the other ends of these accepted ones, which it keeps open",
        number(other.count as i64)
    );
    s.against.push(Evidence::new(Strength::Decisive, Witnessed::Listing, says, other.traits.quotes.iter().take(1).cloned()));
}

/// Whether most sockets of a unix pile carry a path: the accepted side.
pub fn carries_path(pile: &Pile) -> bool {
    pile.kind == Kind::Unix && pile.traits.paths.total() * 2 > pile.count
}

/// The pile of another program that is as large as this one of unix sockets and is of the other side: with a path where this has none.
pub fn other_ends<'a>(case: &Case<'a>, pile: &Pile) -> Option<&'a Pile> {
    let fits = |p: &&Pile| {
        p.kind == Kind::Unix
            && carries_path(p) != carries_path(pile)
            && !super::case::same_owner(p, pile)
            && super::near(p.count, pile.count, 5)
    };
    case.ledger.piles.iter().find(fits).filter(|_| pile.count >= 50)
}

/// Whether unhashed sockets are most of what the holder has, so that even a few are its rule and no race of the capture.
fn mostly_unhashed(case: &Case<'_>, pile: &Pile) -> bool {
    let Some(owner) = &pile.owner else { return false };
    let all: u64 = owner.pids.iter().filter_map(|(pid, _)| case.ledger.holdings.get(pid)).map(|h| h.sockets()).sum();
    pile.count * 10 >= all * 6
}

/// What a trace of the holder shows: left open again and again, or closed each time.
fn left_open(case: &Case<'_>, pile: &Pile, s: &mut Suspicion) {
    // A few live connections that a short trace does not see closed are a server at work.
    if pile.kind == Kind::Established && pile.count * 4 < case.thresholds.established {
        return;
    }
    for (trace, tie) in case.traces(pile) {
        let tales: Vec<(&Pattern, &Tale)> = case.tales(trace, |p| leaves_open(pile.kind, p));
        let left: u64 = tales.iter().map(|(_, t)| t.settled).sum();
        let closed: u64 = tales.iter().map(|(_, t)| t.closed).sum();
        let quotes = || tales.iter().filter(|(_, t)| t.settled > 0).flat_map(|(_, t)| t.quotes.0.first().cloned()).take(3);
        if left >= 2 && left > closed {
            // A server keeps what its clients keep: accepting without closing for a few seconds is its work.
            let forgotten: u64 = tales.iter().filter(|(p, _)| p.eof || p.reset).map(|(_, t)| t.settled).sum();
            let served = (pile.kind == Kind::Established && pile.accepted == Some(true)) || (carries_path(pile) && forgotten < 2);
            let strength = match tie {
                _ if served => Strength::Weak,
                Tie::Loose => Strength::Moderate,
                _ => Strength::Strong,
            };
            let says = format!(
                "the trace shows {} created and left open while the process went on to create more; {} closed",
                number(left as i64),
                number(closed as i64)
            );
            s.reasons.push(Evidence::new(strength, Witnessed::Trace, says, quotes()));
        } else if closed >= 3 && (left * 4 <= closed || (pile.kind == Kind::SynSent && left <= closed)) && tie == Tie::Process {
            let at = tales.iter().filter(|(_, t)| t.closed > 0).flat_map(|(_, t)| t.quotes.0.first().cloned()).take(2);
            let strength = if pile.kind == Kind::Closed || pile.kind == Kind::CloseWait { Strength::Moderate } else { Strength::Strong };
            s.against.push(Evidence::new(
                strength,
                Witnessed::Trace,
                format!("the trace shows {} of them created and closed again, {} left open", number(closed as i64), number(left as i64)),
                at,
            ));
        }
    }
}

/// A process at its descriptor limit, mostly filled by the pile.
fn fills_limit(case: &Case<'_>, pile: &Pile, s: &mut Suspicion) {
    let (Some((limit, quote)), Some((descriptors, ..))) = (&pile.limit, &pile.descriptors) else { return };
    let first = pile.owner.as_ref().and_then(|o| o.pids.first()).map_or(pile.count, |p| p.1);
    if *limit >= 256
        && descriptors.saturating_mul(100) >= limit.saturating_mul(case.thresholds.near_limit)
        && first * 2 >= *descriptors
        && pile.kind != Kind::Established
    {
        let says = format!(
            "{} of its {} descriptors are these, at a limit of {}",
            number(first as i64),
            number(*descriptors as i64),
            number(*limit as i64)
        );
        s.reasons.push(Evidence::new(Strength::Moderate, Witnessed::Limit, says, [quote.clone()]));
    }
}

/// Descriptors that must have been open below the highest number seen, by the kernel's rule of handing out the lowest free one.
fn highest(case: &Case<'_>, pile: &Pile) -> u64 {
    let first = pile.owner.as_ref().and_then(|o| o.pids.first());
    let holding = first.and_then(|(pid, _)| case.ledger.holdings.get(pid));
    holding.and_then(|h| h.highest).map_or(0, |h| u64::from(h) + 1)
}

/// What the kernel's own numbers say of unhashed sockets: no local ports, no queued data, more than ten thousand descriptors.
fn kernel_side(case: &Case<'_>, pile: &Pile, s: &mut Suspicion) {
    if pile.kind != Kind::Closed || s.reasons.is_empty() {
        return;
    }
    let books = &case.ledger.books;
    let weak = |says: String, at: Vec<crate::capture::Quote>| Evidence::new(Strength::Weak, Witnessed::Books, says, at);
    if let Some(ports) = books.ports.as_ref().filter(|f| f.value > 0 && (f.value as u64) * 10 < pile.count) {
        let says = format!(
            "only {} local ports are in use: these sockets hold none, so they never were, or are no longer, connected",
            number(ports.value)
        );
        s.reasons.push(weak(says, ports.at.clone()));
    }
    if let Some(mem) = books.mem.as_ref().filter(|f| f.value >= 0 && (f.value as u64) * 20 < pile.count && pile.count >= 1000) {
        let says = format!("TCP buffers take only {} pages: no data is queued on these sockets", number(mem.value));
        s.reasons.push(weak(says, mem.at.clone()));
    }
    let hidden =
        pile.owner.iter().flat_map(|o| &o.pids).any(|(pid, _)| case.ledger.holdings.get(pid).is_some_and(|h| h.hidden_numbers > 0));
    let starred = |q: &Quote| q.text().split_whitespace().find(|w| w.starts_with('*') && w.len() >= 4).map(str::to_string);
    let star = pile.traits.quotes.iter().filter(|_| hidden).find_map(|q| Some((q, starred(q)?)));
    if let Some((quote, word)) = star {
        let digits: String = word.chars().filter(char::is_ascii_digit).collect();
        let says = format!(
            "{word} is not descriptor {digits}: lsof prints a number of 10,000 or more as a star and its last three digits, so the process holds more than 10,000 descriptors"
        );
        s.reasons.push(weak(says, vec![quote.clone()]));
    }
}

/// An unbroken run of descriptor numbers of one kind was created in a loop with nothing closed in between.
fn unbroken_run(case: &Case<'_>, pile: &Pile, s: &mut Suspicion) {
    let run = pile.longest_run;
    let high = highest(case, pile);
    // Live connections of a server have such numbers too, and sockets that are not identified may be live.
    let live = matches!(pile.kind, Kind::Established | Kind::SynSent | Kind::Unidentified);
    if live || pile.owner.is_none() || run < 32 || high < 512 || !is_of_pile(run, pile.count) {
        return;
    }
    let excerpt = pile.is == crate::ledger::CountIs::AtLeast;
    let strength = if excerpt { Strength::Strong } else { Strength::Moderate };
    let says = format!(
        "{} of them have descriptor numbers in one unbroken run, up to {}: created in a loop, none closed in between",
        number(run as i64),
        number(high as i64 - 1)
    );
    s.reasons.push(Evidence::new(strength, Witnessed::Listing, says, pile.traits.quotes.iter().take(1).cloned()));
}

/// Whether a run is most of a pile, and not that of the sockets from which a table has taken all but a few.
fn is_of_pile(run: u64, count: u64) -> bool {
    run * 10 >= count * 8 && run * 10 <= count * 11
}

/// As many threads wait for a lock as there are accepted connections: their handlers are stuck.
fn stuck_handlers(case: &Case<'_>, pile: &Pile, s: &mut Suspicion) {
    if pile.kind != Kind::Established || pile.accepted != Some(true) || pile.count < 100 {
        return;
    }
    for (trace, tie) in case.traces(pile) {
        let waiting: Vec<_> = trace.pending.iter().filter(|b| case.names.bytes(b.name) == b"futex").collect();
        let n = trace.waiting_on_futex;
        if tie == Tie::Process && n * 10 >= pile.count * 9 && n * 10 <= pile.count * 12 {
            let says = format!(
                "{} threads wait for a lock (futex), one for each of the {} connections: their handlers are stuck",
                number(n as i64),
                number(pile.count as i64)
            );
            let at = waiting.iter().take(2).map(|b| b.quote.clone());
            s.reasons.push(Evidence::new(Strength::Strong, Witnessed::Trace, says, at));
        }
    }
}

/// Signs of use: a trace that reads and writes on descriptors that were open before, queues that move.
fn in_use(case: &Case<'_>, pile: &Pile, s: &mut Suspicion) {
    if !matches!(pile.kind, Kind::Udp | Kind::Unix | Kind::Established | Kind::Netlink | Kind::Raw | Kind::Packet) {
        return;
    }
    for (trace, tie) in case.traces(pile) {
        let used = trace.used_before.len() as u64;
        if tie == Tie::Process && used >= 10 {
            s.against.push(Evidence::new(
                Strength::Strong,
                Witnessed::Trace,
                format!("the trace shows data on {} that were open before it began", many(used, "descriptor", "different descriptors")),
                [],
            ));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::is_of_pile;

    #[test]
    fn a_run_longer_than_the_pile_is_of_other_sockets() {
        assert!(is_of_pile(990, 1000) && is_of_pile(1000, 993));
        // 11 sockets that no table explains, out of 993 with numbers in one run.
        assert!(!is_of_pile(993, 11) && !is_of_pile(500, 1000));
    }
}
