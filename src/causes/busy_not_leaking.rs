//! Many live connections in use.

use super::claim::{Class, Evidence, Missing, Strength, Witnessed};
use super::support;
use super::{Case, Claim, innocence, many, number, suspect, unix_ends};
use crate::ledger::{Kind, Pile};

cause! {
    /// A proxy, broker, hub or crawler holds thousands of connections because it has thousands of peers. It holds most sockets of the
    /// host and does nothing wrong.
    ///
    /// # How it looks
    /// - ss, netstat: ESTABLISHED rows with many peers, Recv-Q 0; a proxy shows both sides in equal numbers.
    /// - lsof, /proc/PID/fd: as many sockets as rows, no unidentified ones.
    /// - `ss -s`: large estab, closed minus timewait near 0. sockstat: alloc near inuse of both families.
    /// - strace: reads and writes on many different descriptors, accepts and closes in balance.
    /// - log: nothing about connections.
    ///
    /// # Evidence for
    /// - Traffic in the trace; peers that differ; a count that stays between captures, or follows the load.
    ///
    /// # Evidence against
    /// - Growth at constant load; idle times of hours on most rows.
    /// - Sockets in a state that has no use (CLOSE-WAIT, unidentified).
    ///
    /// # Mistaken for
    /// - A leak, because the process holds most sockets.
    /// - `fd-limit-too-low`, when its limit is near: that is worth mending although nothing leaks.
    ///
    /// # Confirm
    /// - Two samples: `ss -Htanp state established | grep -c pid=PID,`; `ss -tnip` for `lastrcv`.
    ///
    /// # Now
    /// - Nothing. Watch descriptors against the limit.
    ///
    /// # For good
    /// - Limits that fit: LimitNOFILE of two descriptors per proxied connection and some more; an alarm on the share used, not on the
    ///   number.
    /// - nginx worker_rlimit_nofile and worker_connections, HAProxy maxconn, Kafka max.connections: set them on purpose.
    ///
    /// # References
    /// ss(8) `-i`; tcp(7).
    BusyNotLeaking, "busy-not-leaking", lookalike, "many connections, all of them live", weigh
}

fn weigh(case: &Case<'_>) -> Vec<Claim> {
    let piles = case.ledger.piles.iter().enumerate();
    let many = |p: &Pile| match p.kind {
        Kind::Established | Kind::Unix | Kind::Udp => p.count >= case.thresholds.established,
        // These need a reason to be innocent.
        Kind::CloseWait => p.count >= case.thresholds.close_wait && !innocence(case, p).is_empty(),
        _ => false,
    };
    let busy = piles.filter(|(_, p)| p.owner.is_some() && many(p));
    busy.filter(|(_, p)| suspect(case, p).is_none()).take(3).map(|(n, p)| innocent(case, n, p)).collect()
}

fn innocent(case: &Case<'_>, n: usize, pile: &Pile) -> Claim {
    // A listing tells of a unix or UDP socket that it is open, never that anybody is at its other end.
    let says = match pile.kind {
        Kind::Established if pile.accepted == Some(true) && pile.traits.are_silent(pile.count) => {
            "open and silent for an hour or more, and nothing shows whether their clients are still there"
        }
        Kind::Established => "live, and nothing shows that they are left over",
        Kind::CloseWait => "closed by their peers, and not shown to be left over",
        _ => "open, and nothing shows that they are left over",
    };
    let mut claim = support::claim("busy-not-leaking", Class::Note, n, pile, says);
    let rows = || pile.traits.quotes.iter().take(1).cloned();
    // Whose other ends are held by others is in use, as far as a table can tell.
    let live = unix_ends::live(case, pile);
    let strength = if live.is_some_and(|(n, _)| n * 10 >= pile.count * 9) { Strength::Strong } else { Strength::Moderate };
    let whom = live.map_or_else(
        || whom(case, pile),
        |(n, holders)| format!("the other ends of {} of them held by {}", number(n as i64), many(holders as u64, "process", "processes")),
    );
    let says = format!("{} {}, {whom}", number(pile.count as i64), pile.kind.plural());
    claim.evidence.push(Evidence::new(strength, Witnessed::Table, says, rows()));
    // A listing of descriptors tells no queues.
    if let Some(row) = pile.traits.tabled.as_ref().filter(|_| pile.kind == Kind::Established && pile.traits.unread * 10 < pile.count) {
        let says = "nearly all have nothing unread: the program keeps up";
        claim.evidence.push(Evidence::new(Strength::Weak, Witnessed::Table, says, [row.clone()]));
    }
    let t = &pile.traits;
    if t.are_heard(pile.count) && pile.kind != Kind::CloseWait {
        let says = format!(
            "{} of {} received something within the last minute",
            number((t.idle_known - t.idle_minute) as i64),
            number(t.idle_known as i64)
        );
        claim.evidence.push(Evidence::new(Strength::Moderate, Witnessed::Table, says, pile.traits.tabled.clone()));
    }
    // That nothing grew shows no use of any of them.
    let growth = innocence(case, pile).into_iter().filter(|e| e.by == Witnessed::Growth || pile.kind == Kind::CloseWait);
    claim.evidence.extend(growth.map(|e| Evidence { strength: e.strength.min(Strength::Strong), ..e }));
    for (trace, _) in case.traces(pile) {
        if trace.used_before.len() >= 5 {
            let says = format!("the trace shows data on {} descriptors that were open before it began", trace.used_before.len());
            claim.evidence.push(Evidence::new(Strength::Strong, Witnessed::Trace, says, []));
        }
    }
    if claim.evidence.iter().all(|e| e.strength < Strength::Strong) && !t.are_heard(pile.count) {
        claim.missing.push(undecided(pile));
    }
    claim
}

/// What would tell use from oblivion.
fn undecided(pile: &Pile) -> Missing {
    match pile.kind {
        Kind::Unix => Missing {
            what: "the unix sockets with their peers".into(),
            would: "tell whether anybody is at their other ends".into(),
            command: "sudo ss -xanp".into(),
        },
        // Of datagrams ss tells no time.
        Kind::Udp => Missing {
            what: "the UDP sockets again a few minutes later".into(),
            would: "tell growth from a level".into(),
            command: "sudo ss -uanpe".into(),
        },
        _ => super::support::idle_times(),
    }
}

/// With how many ends a pile's sockets are connected: past a bound they are no longer told apart.
fn whom(case: &Case<'_>, pile: &Pile) -> String {
    let remotes = &pile.traits.remotes;
    let told: u64 = remotes.iter().map(|(_, n)| n).sum();
    match remotes.first() {
        None => "whose remote ends are not told".into(),
        Some((end, n)) if remotes.distinct() == 1 && end.is_unset() => format!("{} of them connected to nobody", number(n as i64)),
        Some((end, _)) if remotes.distinct() == 1 => format!("all with {}", case.show(end)),
        // Ports of one client are no clients.
        Some((end, _)) if !end.is_unset() && remotes.iter().all(|(other, _)| other.host() == end.host()) => {
            format!("all with one address, {}", case.show(end.host()))
        }
        Some(_) if told < remotes.total() => format!("with more than {} different remote ends", number(remotes.iter().len() as i64)),
        Some(_) => format!("with {} different remote ends", number(remotes.distinct() as i64)),
    }
}
