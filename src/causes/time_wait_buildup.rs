//! Many TIME-WAIT entries: closed connections, no leak.

use super::claim::{Class, Evidence, Strength, Witnessed};
use super::support;
use super::{Case, Claim, Exclusion, number};
use crate::facts::SocketState;
use crate::ledger::{CountIs, Figure, Kind};

cause! {
    /// The side that closes first keeps each connection in TIME-WAIT for a minute. Such entries hold no descriptor and end by themselves.
    ///
    /// # How it looks
    /// ss, netstat: TIME-WAIT rows without owner; `ss -s` adds them to `closed`, so that closed − timewait is near 0.
    ///
    /// # Evidence for
    /// The count itself.
    ///
    /// # Evidence against
    /// Few of them beside the sockets in question.
    ///
    /// # Mistaken for
    /// A leak: `closed` of ss -s contains every TIME-WAIT entry.
    ///
    /// # Confirm
    /// `ss -tan state time-wait | wc -l` now and in two minutes.
    ///
    /// # Now
    /// Nothing, unless local ports run out (port-exhaustion).
    ///
    /// # For good
    /// Keep connections open and reuse them.
    ///
    /// # References
    /// RFC 9293 section 3.6.1; net/ipv4/inet_timewait_sock.c.
    TimeWaitBuildup, "time-wait-buildup", lookalike, "many connections were closed here lately, each properly", weigh, rule_out
}

fn entries(case: &Case<'_>) -> Option<Figure> {
    let rows = case.ledger.states.get(&SocketState::TimeWait).cloned();
    let counted = case.ledger.books.timewait.clone();
    match (rows, counted) {
        (Some(a), Some(b)) => Some(if a.value >= b.value { a } else { b }),
        (a, b) => a.or(b).or_else(|| case.ledger.states_whole.then(Figure::default)),
    }
}

fn weigh(case: &Case<'_>) -> Vec<Claim> {
    let Some(figure) = entries(case).filter(|f| f.value >= case.thresholds.time_wait as i64) else { return Vec::new() };
    let mut claim = support::note("time-wait-buildup", Class::Note, "closed properly; they hold no descriptor and end by themselves");
    (claim.kind, claim.count, claim.is) = (Some(Kind::TimeWait), Some(figure.value as u64), CountIs::Exact);
    claim.evidence.push(Evidence::new(
        Strength::Strong,
        Witnessed::Table,
        format!("{} entries are in TIME-WAIT: closed connections, without descriptor or owner", number(figure.value)),
        figure.at,
    ));
    if let Some(unhashed) = &case.ledger.books.unhashed
        && unhashed.value * 10 < figure.value
    {
        let says = format!("closed minus timewait is {}: what ss calls closed is these entries", number(unhashed.value));
        claim.evidence.push(Evidence::new(Strength::Strong, Witnessed::Books, says, unhashed.at.clone()));
    }
    for (end, n) in remotes(case) {
        support::add_remote(&mut claim, end, n, "where the closed connections went");
    }
    claim.now = vec!["nothing; watch the local ports (ip_local_port_range) if all go to one remote".into()];
    claim.fix = vec!["keep connections open and reuse them".into()];
    vec![claim]
}

fn remotes(case: &Case<'_>) -> Vec<(String, u64)> {
    let Some(view) = case.ledger.best(crate::ledger::Family::Tcp) else { return Vec::new() };
    let mut tops = crate::capture::tops::Tops::default();
    for group in view.groups(crate::ledger::Family::Tcp).filter(|g| g.state == SocketState::TimeWait) {
        tops.merge(&group.remotes);
    }
    tops.sorted().into_iter().take(2).map(|(e, n)| (case.show(e), n)).collect()
}

fn rule_out(case: &Case<'_>) -> Option<Exclusion> {
    let Some(figure) = entries(case) else {
        return Exclusion::not("cannot be ruled out: no table of states and no ss -s was captured", Vec::new());
    };
    let says = format!("{} entries in TIME-WAIT", number(figure.value));
    if figure.value < case.thresholds.time_wait as i64 {
        return Exclusion::out(format!("{says} (threshold {})", number(case.thresholds.time_wait as i64)), figure.at);
    }
    Exclusion::not(says, figure.at)
}
