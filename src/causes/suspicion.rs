//! Whether a pile is a leak at all, before anybody asks for its cause.
//!
//! Holding many sockets is no fault. A pile is suspect where its kind has no use (a TCP socket in no connection, a peer that has closed),
//! where it grows, where a trace shows it being left open, or where it has filled a limit; and it is innocent where the capture shows it in use.

use super::balance::{self, Balance};
use super::bar::Bar;
use super::case::{Case, Tie};
use super::claim::{Evidence, Strength, Witnessed};
use super::say::{many, number};
use crate::capture::Quote;
use crate::capture::trace::{Origin, Pattern, Tale};
use crate::ledger::{Kind, Pile, leaves_open};

/// Seconds from which on what was there before is older than the minute in which it was heard.
const OLDER: u64 = 120;

/// From this part of a pile on closes of older descriptors tell of the pile, which has no use: fewer may be of others.
const TURNOVER: u64 = 4;
/// From how many connections on it is no accident that a trace shows them left open after their use.
const FORGOTTEN: u64 = 3;

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
    if super::fd_inherited::kept_by_parent(case, pile).is_some() {
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
    super::by_kind::weigh(case, pile, &bar, &mut s);
    super::half_closed::weigh(case, pile, &bar, &mut s);
    super::mirror::weigh(case, pile, &mut s);
    super::course::weigh(case, pile, bar.count, &mut s);
    left_open(case, pile, &mut s);
    s.against.extend(balance::drained(case, pile));
    s.against.extend(super::foreign_namespace::listed_inside(case, pile));
    super::filled::weigh(case, pile, &mut s);
    super::hoarding::weigh(case, pile, &mut s);
    super::vanished::weigh(case, pile, &mut s);
    unbroken_run(case, pile, &mut s);
    kernel_side(case, pile, &mut s);
    stuck_handlers(case, pile, &mut s);
    in_use(case, pile, &mut s);
    heard(case, pile, &mut s);
    super::by_kind::take_back(pile, &bar, &mut s);
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

/// What a trace of the holder shows: left open again and again, or closed each time.
fn left_open(case: &Case<'_>, pile: &Pile, s: &mut Suspicion) {
    abandoned(case, pile, s);
    // A few live connections that a short trace does not see closed are a server at work.
    if pile.kind == Kind::Established && pile.count * 4 < case.thresholds.established {
        return;
    }
    for (trace, tie) in case.traces(pile) {
        let mut tales: Vec<(&Pattern, &Tale)> = case.tales(trace, |p| leaves_open(pile.kind, p));
        // What accept() returned may be of another family: beside unix sockets that were opened here and stay, accepted ones that were
        // closed tell nothing of those. A relay keeps both.
        let stay = |opened: bool| tales.iter().filter(|(p, _)| (p.origin != Origin::Accept) == opened).map(|(_, t)| t.settled).sum::<u64>();
        if pile.kind == Kind::Unix && stay(true) >= 2 && stay(false) * 2 < stay(true) {
            tales.retain(|(p, _)| p.origin != Origin::Accept);
        }
        let balance = balance::of(case, trace, &tales);
        let left: u64 = match balance {
            Balance::Grows => tales.iter().map(|(_, t)| t.settled).sum(),
            Balance::Partly(left) => left,
            Balance::Even | Balance::Open => 0,
        };
        let closed = super::unix_ends::closed(&tales);
        let ends = if super::unix_ends::keeps_one_end(&tales) { ", one end of each pair" } else { "" };
        let quotes = || tales.iter().filter(|(_, t)| t.settled > 0).flat_map(|(_, t)| t.quotes.0.first().cloned()).take(3);
        if balance == Balance::Even && tie == Tie::Process {
            let useless = matches!(pile.kind, Kind::Closed | Kind::CloseWait) && trace.older() * TURNOVER < pile.count;
            let strength = if useless { Strength::Moderate } else { Strength::Strong };
            s.against.push(balance::even(trace, "sockets of this kind created and left open", &tales, strength));
        } else if left >= 2 && left > closed {
            // A server keeps what its clients keep: accepting without closing for a few seconds is its work.
            let forgotten: u64 = tales.iter().filter(|(p, _)| p.eof || p.reset).map(|(_, t)| t.settled).sum();
            let accepted: u64 = tales.iter().filter(|(p, _)| p.origin == Origin::Accept).map(|(_, t)| t.settled).sum();
            let listens: u64 = tales.iter().filter(|(p, _)| p.listening).map(|(_, t)| t.settled).sum();
            // What was bound and listens is no client that may stay.
            let listens = pile.kind == Kind::Unix && listens * 2 > left;
            let serves = (super::unix_ends::carries_path(pile) && !listens) || (pile.kind == Kind::Unix && accepted * 2 > left);
            let served = (pile.kind == Kind::Established && pile.accepted == Some(true)) || (serves && forgotten < 2);
            // So many more than the pile has are mostly sockets of another kind.
            let others = pile.count * 2 < left;
            let strength = match tie {
                _ if served || others => Strength::Weak,
                // A session may end after the trace, and its listener with it.
                _ if listens => Strength::Moderate,
                Tie::Loose => Strength::Moderate,
                _ => Strength::Strong,
            };
            // The last one may be closed after the trace.
            let open: u64 = tales.iter().map(|(_, t)| t.open).sum();
            let all = if balance == Balance::Grows && open > left {
                format!("{} created and left open, ", number(open as i64))
            } else {
                String::new()
            };
            let first = if all.is_empty() { "created and left open" } else { "of them" };
            let says = format!(
                "the trace shows {all}{} {first} while the process went on to create more{ends}; {} closed",
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

/// Connections that were opened, used and then neither used again nor closed, while the program went on to open others to the same end and
/// closed those: a pool would have taken one that is there, and a path that only some calls take forgets them.
fn abandoned(case: &Case<'_>, pile: &Pile, s: &mut Suspicion) {
    if pile.kind != Kind::Established || pile.accepted == Some(true) {
        return;
    }
    for (trace, tie) in case.traces(pile).into_iter().filter(|(_, tie)| *tie > Tie::Loose) {
        let forgotten = |p: &Pattern, t: &Tale| p.used && t.settled >= FORGOTTEN && t.kept == 0 && t.closed > 0;
        let to_it = |p: &Pattern| p.remote.is_some() && p.remote == pile.top_remote().map(|(end, _)| end);
        let tales = case.tales(trace, |p| matches!(p.origin, Origin::Socket(_)) && leaves_open(pile.kind, p) && to_it(p));
        let left: u64 = tales.iter().filter(|(p, t)| forgotten(p, t)).map(|(_, t)| t.settled).sum();
        // As many are under way at any moment where nothing is forgotten: then the numbers do not rise.
        if left == 0 || trace.growth() * 4 < left * 3 {
            continue;
        }
        let closed: u64 = tales.iter().map(|(_, t)| t.closed).sum();
        let says = format!(
            "the trace shows {} connections to {} left open after their use and not used again, while {} others to it were opened and closed: the numbers of its descriptors rise with them",
            number(left as i64),
            pile.top_remote().map_or(String::new(), |(end, _)| case.show(end)),
            number(closed as i64)
        );
        let quotes = tales.iter().filter(|(p, t)| forgotten(p, t)).flat_map(|(_, t)| t.quotes.0.first().cloned()).take(2);
        let strength = if left >= 2 * FORGOTTEN && tie == Tie::Process { Strength::Strong } else { Strength::Moderate };
        s.reasons.push(Evidence::new(strength, Witnessed::Trace, says, quotes));
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
    // Live connections and the listeners of a server have such numbers too, and sockets that are not identified may be live.
    let live = matches!(pile.kind, Kind::Established | Kind::SynSent | Kind::Unix | Kind::Listen | Kind::Unidentified);
    if live || pile.owner.is_none() || run < 32 || high < 512 || !is_of_pile(run, pile.count) {
        return;
    }
    // Where some went and others came, the numbers of those that went were given to others.
    if super::course::closes(case, pile) {
        return;
    }
    let excerpt = pile.is == crate::ledger::CountIs::AtLeast;
    let strength = if excerpt { Strength::Strong } else { Strength::Moderate };
    // The run may begin with a few sockets of another kind.
    let all = run > pile.count;
    let whose = if all { "their".to_string() } else { format!("{} of them have", number(run as i64)) };
    let of = if all { format!("are within one unbroken run of {}", number(run as i64)) } else { "in one unbroken run".to_string() };
    let says = format!(
        "{whose} descriptor numbers {of}, up to {}: created in a loop, none closed in between",
        number(last_plain(case, pile, high) as i64)
    );
    s.reasons.push(Evidence::new(strength, Witnessed::Listing, says, pile.traits.quotes.iter().take(1).cloned()));
}

/// The last number that a run of whole numbers may reach: of 10,000 and more lsof prints only the last digits.
fn last_plain(case: &Case<'_>, pile: &Pile, high: u64) -> u64 {
    let first = pile.owner.as_ref().and_then(|o| o.pids.first());
    let hidden = first.and_then(|(pid, _)| case.ledger.holdings.get(pid)).is_some_and(|h| h.hidden_numbers > 0);
    if hidden { (high - 1).min(9999) } else { high - 1 }
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

/// Accepted connections nearly all of whose clients have just sent something that was read: neither forgotten nor idle. Of those that a program
/// has opened itself a forgotten one may be kept alive by the other side; and what was accepted in the last minute was heard in it, whatever
/// becomes of it.
fn heard(case: &Case<'_>, pile: &Pile, s: &mut Suspicion) {
    let t = &pile.traits;
    let accepted = pile.kind == Kind::Established && pile.accepted == Some(true);
    let older = || case.growth(pile).is_some_and(|g| g.from * 2 >= g.to && g.seconds.is_some_and(|s| s >= OLDER));
    if accepted && t.are_heard(pile.count) && t.unread * 10 < pile.count && older() {
        let (heard, known) = (number((t.idle_known - t.idle_minute) as i64), number(t.idle_known as i64));
        let says = format!("{heard} of {known} received something within the last minute: they are in use");
        s.against.push(Evidence::new(Strength::Strong, Witnessed::Table, says, pile.traits.tabled.clone()));
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
