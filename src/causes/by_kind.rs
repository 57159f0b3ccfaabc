//! What the mere number of a pile says: of some kinds no program has a use for more than a few.

use super::bar::{Bar, ordinary};
use super::case::{Case, Tie};
use super::children;
use super::claim::{Evidence, Strength, Witnessed};
use super::say::number;
use super::suspicion::Suspicion;
use super::unix_ends;
use crate::capture::End;
use crate::ledger::{CountIs, Family, Kind, Pile};

/// Accepted connections in CLOSE-WAIT with unread data, from which they are no requests that are being served this moment.
const ACCEPTED: u64 = 32;

/// So few sockets in no table are a rule of their holder, if they are most of what it holds, and no accident of the listing.
const FEW: u64 = 5;

/// Times the threshold up to which sockets of the kernel's interfaces are a matter of what a daemon is for.
const DOZENS: u64 = 4;

/// Times the threshold from which listeners on different ports are more than any use.
const HORDE: u64 = 32;
/// Connects under way to one remote from which on they are no few retries.
const SOME_CONNECTS: u64 = 48;

/// Inodes between one connect and the next that a burst does not have.
const AMONG_OTHERS: u64 = 8;

/// UDP sockets of one process on one end from which they are more than one for each thread of a large machine.
const HEAP: u64 = 512;

/// UDP sockets of one process from which they are more than one for each thread.
const SOME_DATAGRAMS: u64 = 48;

/// Sockets of an unknown kind from which they are worth a question.
const MANY: u64 = 100;

/// Weighs the number of a pile against what is ordinary for its kind.
pub(super) fn weigh(case: &Case<'_>, pile: &Pile, bar: &Bar, s: &mut Suspicion) {
    if super::one_end::of_pile(case, pile).is_some() {
        return super::one_end::weigh(case, pile, s);
    }
    s.against.extend(ports_of_choice(case, pile));
    s.against.extend(peer_for_each(pile));
    s.against.extend(address_of_choice(case, pile));
    let reason = match pile.kind {
        Kind::Unix => return unix_ends::weigh(case, pile, bar.count, s),
        Kind::Closed => return closed(case, pile, bar, s),
        Kind::CloseWait => {
            close_wait(pile, bar).or_else(|| in_children(case, pile)).or_else(|| super::half_closed::unused(case, pile, bar))
        }
        Kind::SynSent => syn_sent(pile, bar).or_else(|| syn_sent_one_by_one(case, pile)),
        Kind::Listen => listen(pile, bar).or_else(|| one_use(case, pile, bar)).or_else(|| listens_everywhere(case, pile, bar)),
        Kind::FinWait => fin_wait(pile, bar),
        Kind::Established => silent(pile, bar),
        Kind::Unidentified => super::calls::fills_up(case, pile)
            .or_else(|| untabled(pile))
            .or_else(|| unnamed(case, pile))
            .or_else(|| unidentified(case, pile)),
        // A socket for each peer, or for each of the ports that are offered, is how some protocols work, however many there are.
        Kind::Udp if has_peer_for_each(pile) || mostly_chosen(case, pile) || is_bound_to_address(pile) || is_heaped(pile) => None,
        Kind::Udp | Kind::Netlink | Kind::Packet | Kind::Raw | Kind::Eventpoll if pile.count >= bar.count => {
            Some(many_of_a_kind(case, pile, bar))
        }
        Kind::Udp => datagrams_at_limit(case, pile).or_else(|| datagrams_in_a_run(case, pile)),
        _ => None,
    };
    s.reasons.extend(super::selectors::nearly_all(case, pile));
    s.reasons.extend(reason);
}

/// Takes back what a number said by itself: daemons of networks have a socket for each interface, group or thread, some dozens.
pub(super) fn take_back(pile: &Pile, bar: &Bar, s: &mut Suspicion) {
    let dozens = matches!(pile.kind, Kind::Netlink | Kind::Packet | Kind::Raw) && pile.count < bar.count.saturating_mul(DOZENS);
    if dozens && s.reasons.len() == 1 {
        s.reasons.retain(|reason| reason.by != Witnessed::Listing);
    }
}

/// TCP sockets in no connection state, of which a healthy program keeps none.
fn closed(case: &Case<'_>, pile: &Pile, bar: &Bar, s: &mut Suspicion) {
    let (owner, count) = (owner(pile), number(pile.count as i64));
    if pile.count < bar.count {
        if pile.count >= FEW && mostly_unhashed(case, pile) && !super::turnover::few_renewed(case, pile) {
            let says = format!("{count} TCP sockets of {owner} are in no connection state, most of what it holds");
            s.reasons.push(reason(pile, Strength::Moderate, Witnessed::Listing, says));
        }
    } else if pile.words.iter().all(|w| w.source == "tally") && case.ledger.books.unhashed.is_some() && pile.is != CountIs::Exact {
        let says = format!(
            "the kernel counts {count} TCP sockets in no connection state, and of the processes whose descriptors were counted only {owner} has about as many open"
        );
        s.reasons.push(Evidence::new(Strength::Strong, Witnessed::Books, says, pile.traits.quotes.iter().cloned()));
    } else if pile.is == CountIs::Estimate && pile.words.iter().any(|w| w.source == "kernel") {
        let says = format!("only {owner} shows such sockets in the listing, which is an excerpt; the kernel counts about {count} of them");
        let ends = pile.traits.quotes.iter().take(1).chain(pile.traits.quotes.last());
        s.reasons.push(Evidence::new(Strength::Strong, Witnessed::Books, says, ends.cloned()));
        let rows = pile.words.iter().filter(|w| w.source != "kernel").filter_map(|w| w.quote.clone());
        let says = format!("rows of {owner} are TCP sockets in no connection state, its descriptor numbers follow one another");
        s.reasons.push(Evidence::new(Strength::Moderate, Witnessed::Listing, says, rows));
    } else {
        let says = format!("{owner} holds {count} TCP sockets that are in no connection state; a healthy program keeps none ({bar})");
        s.reasons.push(reason(pile, Strength::Strong, Witnessed::Listing, says));
    }
}

/// Connections that their peers have closed: a pool keeps some of those that it opened.
fn close_wait(pile: &Pile, bar: &Bar) -> Option<Evidence> {
    let (owner, count) = (owner(pile), number(pile.count as i64));
    let held = pile.traits.no_file * 2 < pile.count;
    let (strength, says) = if pile.owner.is_some() && pile.count >= bar.count {
        (Strength::Strong, format!("the peers of {count} connections of {owner} have closed; only it can end them ({bar})"))
    } else if pile.owner.is_some() && left_by_clients(pile, bar) {
        let says = format!("the clients of {count} connections that {owner} accepted have closed, and {}", unread(pile));
        (Strength::Moderate, says)
    } else if pile.count >= bar.count && held && pile.traits.opened_here() {
        // Fewer may be one or two in each of many workers.
        let strength = if pile.count >= bar.count * 4 { Strength::Strong } else { Strength::Moderate };
        let says = format!(
            "the peers of {count} connections have closed; they were opened here, each from its own port to one service, so none waits to be accepted: a process holds each, and only it can end them ({bar})"
        );
        (strength, says)
    } else if pile.count >= bar.count && held && !(pile.accepted == Some(true) && pile.unheard() * 2 > pile.count) {
        // What has come for a service and was not read may wait to be accepted: then no process holds it. Without holders shown the count alone is evidence, if nothing shows that they wait in an accept queue.
        (Strength::Moderate, format!("{count} connections are in CLOSE-WAIT; the capture does not name who holds them"))
    } else {
        return None;
    };
    Some(reason(pile, strength, Witnessed::Table, says))
}

/// What nobody has read of connections whose peers have closed: of many only their end, which counts as one byte.
fn unread(pile: &Pile) -> String {
    let (all, more) = (number(pile.traits.unread as i64), pile.unheard());
    match more {
        0 => format!("{all} of them hold an end that was never read"),
        more if more == pile.traits.unread => format!("{all} of them hold what was never read"),
        more => format!("{all} of them hold what was never read, {} of them more than the end", number(more as i64)),
    }
}

/// Such connections of a program with a child for each, which nothing ends: the number of one process says nothing.
fn in_children(case: &Case<'_>, pile: &Pile) -> Option<Evidence> {
    let staying = children::staying(case, pile)?;
    let says = format!("the clients of {} connections of {} have closed; {}", number(pile.count as i64), owner(pile), staying.says);
    Some(Evidence::new(Strength::Strong, Witnessed::Growth, says, staying.at))
}

/// What a server has accepted and its client has closed is of no use to it, least of all with what it has not read.
fn left_by_clients(pile: &Pile, bar: &Bar) -> bool {
    pile.accepted == Some(true)
        && pile.count >= ACCEPTED + ordinary(pile.kind) * (bar.processes - 1)
        && pile.traits.unread * 4 >= pile.count * 3
}

/// Connects under way.
fn syn_sent(pile: &Pile, bar: &Bar) -> Option<Evidence> {
    // A number alone tells neither how long they have waited nor for how many.
    let told = pile.owner.is_some() || pile.traits.remotes.total() > 0;
    (pile.count >= bar.count && told).then(|| {
        let (strength, whose) = waits(pile);
        let says = format!("{} connects of {} wait for an answer, {whose}", number(pile.count as i64), owner(pile));
        reason(pile, strength, Witnessed::Table, says)
    })
}

/// Fewer than that, of one process to one remote that does not answer, among whose inodes are many of others: no burst, one began after the other.
fn syn_sent_one_by_one(case: &Case<'_>, pile: &Pile) -> Option<Evidence> {
    let (end, n) = pile.top_remote().filter(|&(_, n)| pile.owner.is_some() && n >= SOME_CONNECTS && n * 10 >= pile.count * 9)?;
    let (low, high) = pile.traits.inodes?;
    let apart = high.saturating_sub(low) / n;
    (apart >= AMONG_OTHERS).then(|| {
        let says = format!(
            "{} connects of {} to {} wait for an answer, begun one by one: about {} other sockets and pipes came between two of them",
            number(n as i64),
            owner(pile),
            case.show(end),
            number(apart as i64)
        );
        reason(pile, Strength::Moderate, Witnessed::Listing, says)
    })
}

/// Listeners on one address. One that a hundred workers have inherited is one listener, in a hundred rows.
fn listen(pile: &Pile, bar: &Bar) -> Option<Evidence> {
    let most = pile.traits.locals.first().map_or(0, |(_, rows)| rows.min(pile.count));
    (most >= bar.count).then(|| {
        let says = format!("{} listeners of {} are on one address ({bar})", number(most as i64), owner(pile));
        reason(pile, Strength::Strong, Witnessed::Table, says)
    })
}

/// Listeners for one connection each, many more than there are clients.
fn one_use(case: &Case<'_>, pile: &Pile, bar: &Bar) -> Option<Evidence> {
    super::one_use::outnumber(case, pile, bar.count).map(|(_, evidence)| evidence)
}

/// Listeners on thousands of ports that the kernel hands out, as for one use each: nobody uses so many at a time.
fn listens_everywhere(case: &Case<'_>, pile: &Pile, bar: &Bar) -> Option<Evidence> {
    let locals = &pile.traits.locals;
    let own = pile.owner.as_ref().filter(|o| o.pids.len() == 1)?;
    // Of ports that the kernel hands out not all are kept, of the others nearly all.
    let programs: u64 = locals.iter().filter(|(end, _)| i64::from(end.port()) < case.first_port()).map(|(_, n)| n).sum();
    let most = locals.first().map_or(0, |(_, n)| n);
    let (all, few) = (locals.total(), programs.max(most.saturating_mul(2)));
    (pile.count >= bar.count.saturating_mul(HORDE) && all > 0 && few.saturating_mul(10) <= all).then(|| {
        let says = format!(
            "{} listens on {} ports; those that are listed are of the range that the kernel hands out, as for one use each, and nobody uses so many at a time",
            own.named(),
            number(pile.count as i64)
        );
        reason(pile, Strength::Strong, Witnessed::Table, says)
    })
}

/// Connections that the program has shut down and not closed.
fn fin_wait(pile: &Pile, bar: &Bar) -> Option<Evidence> {
    (pile.owner.is_some() && pile.count >= bar.count && pile.traits.no_file * 2 < pile.count).then(|| {
        let (count, owner) = (number(pile.count as i64), owner(pile));
        let says = format!("{count} connections of {owner} are shut down on its side, and a descriptor still holds each");
        reason(pile, Strength::Moderate, Witnessed::Table, says)
    })
}

/// Accepted connections that say nothing.
fn silent(pile: &Pile, bar: &Bar) -> Option<Evidence> {
    let t = &pile.traits;
    let mostly = t.idle_known * 2 >= pile.count && t.idle_minute * 10 >= t.idle_known * 9;
    (pile.accepted == Some(true) && pile.count >= bar.count && mostly).then(|| {
        let silent = number(t.idle_minute as i64);
        let says = format!("{silent} accepted connections of {} have been silent for a minute or more", owner(pile));
        reason(pile, Strength::Moderate, Witnessed::Table, says)
    })
}

/// Sockets that a table of all families does not list among those of their holder: most are TCP sockets in no connection state.
fn untabled(pile: &Pile) -> Option<Evidence> {
    let row = pile.untabled.as_ref()?;
    let says = format!(
        "{} sockets of {} are in no table: ss was asked for those of all families, and lists hardly one of it",
        number(pile.count as i64),
        owner(pile)
    );
    Some(Evidence::new(Strength::Strong, Witnessed::Table, says, pile.traits.quotes.iter().take(1).cloned().chain([row.clone()])))
}

/// Sockets that lsof looked up in the tables of TCP, UDP, raw and unix and found in none, most of what their holder has.
fn unnamed(case: &Case<'_>, pile: &Pile) -> Option<Evidence> {
    let pids = pile.owner.iter().flat_map(|o| &o.pids).filter_map(|(pid, _)| case.snapshot.processes.get(pid));
    let looked_up = pids.flat_map(|p| &p.lists).flat_map(|l| l.sockets()).any(|c| c.unlisted && c.protocol.is_none());
    (looked_up && pile.count >= FEW && !pile.in_use && mostly_unhashed(case, pile)).then(|| {
        let says = format!(
            "lsof found {} sockets of {} in none of the tables that it reads, most of what it holds: TCP sockets in no connection state, or of a family such as netlink",
            number(pile.count as i64),
            owner(pile)
        );
        reason(pile, Strength::Moderate, Witnessed::Listing, says)
    })
}

/// Sockets of which a listing shows only inodes. If they are in no TCP table, nearly all that the process has, and its log tells of failures
/// that leave sockets behind, they are probably those.
fn unidentified(case: &Case<'_>, pile: &Pile) -> Option<Evidence> {
    let whole = case.ledger.best(Family::Tcp).is_some_and(|table| table.covers_both_ip_versions());
    if pile.owner.is_none() || pile.count < MANY || pile.in_use || !whole || !mostly_unhashed(case, pile) {
        return None;
    }
    let (sighting, tie) = case.told_by_cause(pile)?;
    let whose = if tie == Tie::Loose { "the log of the capture" } else { "its log" };
    let says = format!(
        "{} sockets of {} are in no TCP table, most of what it holds, and {whose} tells of failures that leave some behind",
        number(pile.count as i64),
        owner(pile)
    );
    Some(Evidence::new(Strength::Moderate, Witnessed::Log, says, [sighting.first.clone()]))
}

/// Sockets of which one serves many peers, and selectors.
fn many_of_a_kind(case: &Case<'_>, pile: &Pile, bar: &Bar) -> Evidence {
    let count = number(pile.count as i64);
    if pile.kind == Kind::Udp && pile.owner.is_none() {
        let whom = pile
            .top_remote()
            .filter(|(_, n)| n * 10 >= pile.count * 9)
            .map_or(String::new(), |(e, _)| format!(", nearly all with {}", case.show(e)));
        let says = format!("{count} UDP sockets are open{whom}; the capture does not name who holds them ({bar})");
        // A few hundred may be one in each of many workers.
        let many = pile.count >= bar.count.saturating_mul(5) && one_peer(case, pile).is_some();
        return reason(pile, if many { Strength::Strong } else { Strength::Moderate }, Witnessed::Table, says);
    }
    let one = one_peer(case, pile);
    let strength = if pile.count >= bar.count * 5 || one.is_some() { Strength::Strong } else { Strength::Moderate };
    let toward = one.map_or(String::new(), |end| format!(", nearly all connected to {}, which one socket can serve", case.show(end)));
    let says = format!("{} holds {count} {}{toward} ({bar})", owner(pile), pile.kind.plural());
    reason(pile, strength, Witnessed::Listing, says)
}

/// UDP sockets to one peer, in the rows that were captured of a process which has no descriptor left.
fn datagrams_at_limit(case: &Case<'_>, pile: &Pile) -> Option<Evidence> {
    let end = one_peer(case, pile).filter(|_| pile.count >= SOME_DATAGRAMS)?;
    let shown = pile.descriptors.as_ref().map(|d| d.0)?;
    if pile.count * 3 < shown || !super::course::limited(case, pile) {
        return None;
    }
    let says = format!(
        "{} of the {} descriptors that are shown of {} are UDP sockets connected to {}, which one can serve, and calls fail because none is left",
        number(pile.count as i64),
        number(shown as i64),
        owner(pile),
        case.show(end)
    );
    Some(reason(pile, Strength::Strong, Witnessed::Listing, says))
}

/// UDP sockets without a peer and each on a port of its own, under numbers that follow one another, nearly all that a process holds: none
/// was closed while the others came.
fn datagrams_in_a_run(case: &Case<'_>, pile: &Pile) -> Option<Evidence> {
    let t = &pile.traits;
    // Ports that the kernel hands out are not told apart, of others no two are the same.
    let same = |end: End, n: u64| n > 1 && (1..case.first_port()).contains(&i64::from(end.port()));
    let apart = t.remotes.iter().all(|(end, _)| end.is_unset()) && !t.locals.iter().any(|(end, n)| same(end, n));
    let run = pile.longest_run;
    (pile.count >= SOME_DATAGRAMS && run * 10 >= pile.count * 9 && apart && mostly_its(case, pile, 9)).then(|| {
        let which = if run >= pile.count { String::new() } else { format!("{} of them ", number(run as i64)) };
        let says = format!(
            "{} UDP sockets of {} are connected to nobody, each on a port of its own, {which}under numbers that follow one another: none was closed while the others came",
            number(pile.count as i64),
            owner(pile),
        );
        reason(pile, Strength::Moderate, Witnessed::Listing, says)
    })
}

fn owner(pile: &Pile) -> String {
    pile.owner.as_ref().map_or("nobody known".to_string(), |o| o.named())
}

fn reason(pile: &Pile, strength: Strength, by: Witnessed, says: String) -> Evidence {
    Evidence::new(strength, by, says, pile.traits.quotes.iter().take(1).cloned())
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
    (pile.kind == Kind::Udp && mostly_chosen(case, pile) && !super::course::only_gathers(case, pile)).then(|| {
        let chosen = chosen_ports(case, pile);
        let says = format!(
            "{} of them are bound to ports below {}, from which on the kernel hands them out: the program chose them, to be reached there",
            number(chosen as i64),
            number(case.first_port())
        );
        Evidence::new(Strength::Strong, Witnessed::Listing, says, pile.traits.quotes.iter().take(1).cloned())
    })
}

fn mostly_chosen(case: &Case<'_>, pile: &Pile) -> bool {
    chosen_ports(case, pile) * 10 >= pile.count * 9 && !is_heaped(pile)
}

/// Whether hundreds of UDP sockets are bound to one end: to be reached there one for each thread would do.
fn is_heaped(pile: &Pile) -> bool {
    pile.owner.as_ref().is_some_and(|o| o.pids.len() == 1)
        && pile.traits.locals.first().is_some_and(|(_, n)| n >= HEAP && n * 10 >= pile.count * 9)
}

/// UDP sockets that are connected each to a peer of its own: one for each device, caller or client.
fn peer_for_each(pile: &Pile) -> Option<Evidence> {
    (pile.kind == Kind::Udp && has_peer_for_each(pile)).then(|| {
        let says = "they are connected, each to a peer of its own: one socket for each of many peers";
        Evidence::new(Strength::Strong, Witnessed::Listing, says, pile.traits.quotes.iter().take(1).cloned())
    })
}

/// Whether nearly all sockets of a pile are connected, hardly two of them to the same end.
pub(super) fn has_peer_for_each(pile: &Pile) -> bool {
    let remotes = &pile.traits.remotes;
    let unset: u64 = remotes.iter().filter(|(end, _)| end.is_unset()).map(|(_, n)| n).sum();
    let connected = remotes.total().saturating_sub(unset);
    let most = pile.top_remote().map_or(0, |(_, n)| n);
    connected * 10 >= pile.count * 9 && most > 0 && most * 20 <= pile.count
}

/// UDP sockets without a peer that are bound to an address of the host.
fn address_of_choice(case: &Case<'_>, pile: &Pile) -> Option<Evidence> {
    (pile.kind == Kind::Udp && is_bound_to_address(pile) && !super::course::only_gathers(case, pile)).then(|| {
        let says = "they are bound to an address of the host and have no peer, as those of a relay: one for each of its clients";
        Evidence::new(Strength::Strong, Witnessed::Listing, says, pile.traits.quotes.iter().take(1).cloned())
    })
}

/// Whether UDP sockets without a peer are bound to an address of the host, as a relay binds one for each of its clients: what is opened for a
/// question and forgotten is bound to none.
fn is_bound_to_address(pile: &Pile) -> bool {
    let t = &pile.traits;
    let connected = t.remotes.iter().any(|(end, _)| !end.is_unset());
    let told = t.locals.iter().len() > 0 && t.locals.total() * 10 >= pile.count * 9;
    told && !connected && !is_heaped(pile) && t.locals.iter().all(|(end, _)| !end.host().is_unset())
}

/// How many sockets of a pile are bound to ports below those that the kernel hands out.
pub(super) fn chosen_ports(case: &Case<'_>, pile: &Pile) -> u64 {
    let low = case.first_port();
    pile.traits.locals.iter().filter(|(e, _)| (1..low).contains(&i64::from(e.port()))).map(|(_, n)| n).sum()
}

/// How suspect connects under way are: a burst goes to many remotes and ends in time; what waits for a few has been given up on by nobody.
fn waits(pile: &Pile) -> (Strength, String) {
    let t = &pile.traits;
    if t.remotes.total() == 0 {
        return (Strength::Weak, "toward whom is not told".into());
    }
    let one = pile.top_remote().is_some_and(|(_, n)| n * 10 >= t.remotes.total().max(1) * 7);
    let remotes = t.remotes.distinct().max(1);
    // The rows that are listed may be few of those that were counted.
    let each = t.remotes.total() / remotes;
    // The third retransmission goes out seven seconds after the first SYN.
    let old = t.max_retries >= 3 && t.retransmitting * 2 > pile.count;
    match (one, each) {
        (true, _) => (Strength::Strong, "nearly all of the same remote".into()),
        (_, 25..) if old => (Strength::Strong, format!("of {remotes} remotes, retransmitted up to {} times", t.max_retries)),
        (_, 25..) if t.retransmitting == 0 => (Strength::Moderate, format!("of {remotes} remotes")),
        _ => (Strength::Weak, "of many remotes".into()),
    }
}

/// Whether unhashed sockets are most of what the holder has, so that even a few are its rule and no race of the capture.
fn mostly_unhashed(case: &Case<'_>, pile: &Pile) -> bool {
    mostly_its(case, pile, 6)
}

/// Whether a pile is so many tenths of the sockets that its holders have.
fn mostly_its(case: &Case<'_>, pile: &Pile, tenths: u64) -> bool {
    let Some(owner) = &pile.owner else { return false };
    let all: u64 = owner.pids.iter().filter_map(|(pid, _)| case.ledger.holdings.get(pid)).map(|h| h.sockets()).sum();
    pile.count * 10 >= all * tenths
}
