//! Many TIME-WAIT entries: closed connections, no leak.

use super::claim::{Class, Evidence, Strength, Witnessed};
use super::support;
use super::{Case, Claim, Exclusion, number};
use crate::capture::End;
use crate::capture::logs::Sighting;
use crate::capture::tops::Tops;
use crate::facts::SocketState;
use crate::ledger::{CountIs, Figure, Kind};

cause! {
    /// The side that closes first keeps each connection in TIME-WAIT for 60 seconds. Such entries hold no descriptor, belong to no
    /// process and end by themselves: many of them mean that many connections were closed, properly, within the last minute.
    ///
    /// # How it looks
    /// - ss, netstat: TIME-WAIT rows without owner, with a timer of at most a minute.
    /// - `ss -s`: timewait N, and the same N inside `closed`, so that closed minus timewait is near 0.
    /// - sockstat: `tw`; alloc and inuse contain none of them.
    /// - lsof, /proc/PID/fd, strace: nothing.
    /// - log: `TCP: time wait bucket table overflow` when tcp_max_tw_buckets is reached, which is harmless.
    ///
    /// # Evidence for
    /// - The count itself; rows to one remote and port name the client that does not reuse connections.
    ///
    /// # Evidence against
    /// - Few of them beside the sockets in question.
    ///
    /// # Mistaken for
    /// - A leak: `closed` of ss -s contains every TIME-WAIT entry.
    /// - The cause of EMFILE: they hold no descriptor.
    /// - `port-exhaustion`, which they become when all go to one remote and are as many as the port range.
    ///
    /// # Confirm
    /// - `ss -Htan state time-wait | wc -l`, now and in two minutes; `ss -Htan state time-wait | awk '{print $4}' | sort | uniq -c |
    ///   sort -rn | head`.
    ///
    /// # Now
    /// - Nothing, unless local ports run out.
    /// - Not tcp_fin_timeout, which does not set this time, and not tcp_tw_recycle, which broke clients behind NAT and was removed in
    ///   Linux 4.12.
    ///
    /// # For good
    /// - Keep connections open and reuse them: HTTP keep-alive, pools.
    /// - nginx: `keepalive` in the upstream with `proxy_http_version 1.1` and an empty Connection header. HAProxy: http-reuse. PHP:
    ///   persistent connections. Python: Session; Go: read bodies to the end, so that connections are reused; Node: Agent with
    ///   keepAlive.
    /// - `net.ipv4.tcp_tw_reuse=1` on the connecting side, with timestamps.
    ///
    /// # References
    /// RFC 9293 section 3.6.1; net/ipv4/inet_timewait_sock.c; vincent.bernat.ch/en/blog/2014-tcp-time-wait-state-linux.
    TimeWaitBuildup, "time-wait-buildup", lookalike, "many connections were closed here lately, each properly", weigh, rule_out
}

/// An end that fewer than one in so many share is no service that is worth a name.
const ONE_OF_MANY: u64 = 20;

/// The larger of what rows or pipelines and what the kernel counted.
fn larger(rows: Option<Figure>, case: &Case<'_>) -> Option<Figure> {
    match (rows, case.ledger.books.timewait.clone()) {
        (Some(a), Some(b)) => Some(if a.value >= b.value { a } else { b }),
        (a, b) => a.or(b),
    }
}

/// Entries that are shown: more may be there.
fn shown(case: &Case<'_>) -> Option<Figure> {
    larger(case.ledger.states.get(&SocketState::TimeWait).cloned(), case)
}

/// All entries, where something lists or counts all.
fn all(case: &Case<'_>) -> Option<Figure> {
    larger(case.ledger.all_in(SocketState::TimeWait), case)
}

fn weigh(case: &Case<'_>) -> Vec<Claim> {
    let Some(figure) = shown(case).filter(|f| f.value >= case.thresholds.time_wait as i64) else { return Vec::new() };
    let is = if all(case).is_some() { CountIs::Exact } else { CountIs::AtLeast };
    let mut claim = support::note("time-wait-buildup", Class::Note, "closed properly; they hold no descriptor and end by themselves");
    (claim.kind, claim.count, claim.is) = (Some(Kind::TimeWait), Some(figure.value as u64), is);
    claim.evidence.push(Evidence::new(
        Strength::Strong,
        Witnessed::Table,
        format!("{} entries are in TIME-WAIT: closed connections, without descriptor or owner", number(figure.value)),
        figure.at,
    ));
    if let Some(unhashed) = &case.ledger.books.unhashed
        && unhashed.value * 10 < figure.value
        && unhashed.value * 100 >= -figure.value
    {
        let says = match &case.ledger.books.closed {
            Some(_) => format!("closed minus timewait is {}: what ss calls closed is these entries", number(unhashed.value)),
            None => format!("only {} TCP sockets are in no table: no descriptor holds these entries", number(unhashed.value.max(0))),
        };
        claim.evidence.push(Evidence::new(Strength::Strong, Witnessed::Books, says, unhashed.at.clone()));
    }
    if let Some(full) = full(case) {
        claim.class = Class::Exhaustion;
        claim.says = "as many as the kernel keeps (net.ipv4.tcp_max_tw_buckets): further ones end at once, which harms nothing".into();
        let says = format!("the kernel says {} that its table of these entries is full", support::times(full.count));
        claim.evidence.push(Evidence::new(Strength::Strong, Witnessed::Kernel, says, [full.first.clone()]));
    }
    ends(case, &mut claim);
    claim.now = vec![match super::port_exhaustion::shown(case) {
        true => "free the local ports that they hold: see port-exhaustion".into(),
        false => "nothing; watch the local ports (ip_local_port_range) if all go to one remote".into(),
    }];
    claim.fix = vec!["keep connections open and reuse them".into()];
    vec![claim]
}

/// The kernel's line on a full table, where no captured limit says that there is room.
fn full<'a>(case: &Case<'a>) -> Option<&'a Sighting> {
    let room = case.counter("sysctl.net.ipv4.tcp_max_tw_buckets").zip(shown(case)).is_some_and(|(max, n)| n.value * 10 < max.value * 9);
    case.told_now("time-wait-buildup").find(|s| !room && s.kernel && s.points_to.first().is_some_and(|p| p == "time-wait-buildup"))
}

/// Names the services that the closed connections were with: an end that several of them share. A port of one connection alone is a client's.
fn ends(case: &Case<'_>, claim: &mut Claim) {
    let Some(view) = case.ledger.best(crate::ledger::Family::Tcp) else { return };
    let (mut remotes, mut locals) = (Tops::default(), Tops::default());
    for group in view.groups(crate::ledger::Family::Tcp).filter(|g| g.state == SocketState::TimeWait) {
        remotes.merge(&group.remotes);
        locals.merge(&group.locals);
    }
    let told = remotes.total();
    let shared = |ends: &Tops<End>| -> Vec<(End, u64)> {
        ends.top(2, |end| !end.is_unset()).into_iter().filter(|(_, n)| *n > 1 && n * ONE_OF_MANY >= told).collect()
    };
    for (end, n) in shared(&remotes) {
        support::add_remote(claim, case.show(end), n, "where the closed connections went");
    }
    if claim.remotes.is_empty() {
        for (end, n) in shared(&locals) {
            support::add_listener(claim, case.show(end), n, "where the closed connections had arrived");
        }
    }
}

fn rule_out(case: &Case<'_>) -> Option<Exclusion> {
    let Some(figure) = shown(case).or_else(|| all(case)) else {
        let why = support::unlisted(case, SocketState::TimeWait).unwrap_or_else(|| "no table of states and no ss -s was captured".into());
        return Exclusion::not(format!("cannot be ruled out: {why}"), Vec::new());
    };
    let says = format!("{} entries in TIME-WAIT", number(figure.value));
    if figure.value >= case.thresholds.time_wait as i64 {
        return Exclusion::not(says, figure.at);
    }
    if all(case).is_none() {
        return Exclusion::not(format!("cannot be ruled out: {says} are shown, and more may be there"), figure.at);
    }
    Exclusion::out(format!("{says} (threshold {})", number(case.thresholds.time_wait as i64)), figure.at)
}
