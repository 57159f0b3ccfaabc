//! Local ports run out.

use super::claim::{Class, Evidence, Strength, Witnessed};
use super::support;
use super::{Case, Claim, Exclusion, number};
use crate::capture::Quote;
use crate::capture::logs::Sighting;
use crate::capture::table::Group;
use crate::capture::tops::Tops;
use crate::capture::trace::Trace;
use crate::facts::{Protocol, SocketState};
use crate::ledger::{CountIs, Family, Figure, Kind, Owner, tally};
use std::collections::BTreeMap;

/// Ports of the default range 32768 to 60999 (`net/ipv4/af_inet.c`).
const DEFAULT_PORTS: i64 = 28_232;

cause! {
    /// Each connection to one remote address and port needs a local port of its own; when the range is used up, connect fails with
    /// EADDRNOTAVAIL, although descriptors are free.
    ///
    /// # How it looks
    /// - ss, netstat: TIME-WAIT (or live) rows to one remote, as many as the range has ports: 28,232 for the default 32768 to 60999.
    /// - strace: `connect(N) = -1 EADDRNOTAVAIL`; after `bind` to port 0, `bind = -1 EADDRINUSE`.
    /// - log: `cannot assign requested address`, errno 99, NoRouteToHostException with that text.
    /// - lsof, /proc/PID/fd: few descriptors. `ss -s`: large timewait or estab. sockstat: large tw.
    /// - sysctl: net.ipv4.ip_local_port_range, ip_local_reserved_ports.
    ///
    /// # Evidence for
    /// - The error; a count near the size of the range toward one remote.
    ///
    /// # Evidence against
    /// - Few ports in use: half of the range or less toward every remote.
    ///
    /// # Mistaken for
    /// - A fault of the remote, which never sees the attempt.
    /// - `fd-limit-too-low`: that is EMFILE, errno 24.
    /// - A leak, where failed attempts are not closed either: `connect-failed-not-closed` is then the effect.
    ///
    /// # Confirm
    /// - `ss -Htan | awk '{print $5}' | sort | uniq -c | sort -rn | head`; `cat /proc/sys/net/ipv4/ip_local_port_range`.
    ///
    /// # Now
    /// - Widen ip_local_port_range; `net.ipv4.tcp_tw_reuse=1` on the connecting side. Slow the client down.
    ///
    /// # For good
    /// - All: a connection pool; HTTP keep-alive. More remote addresses or ports multiply the range.
    /// - nginx: upstream keepalive, several `proxy_bind` addresses. HAProxy: `source` with several addresses, http-reuse. Docker and
    ///   Kubernetes: SNAT shares the node's range.
    /// - Python, PHP: a database connection per query is the usual origin: use a pool or persistent connections. Go: raise
    ///   MaxIdleConnsPerHost from 2.
    /// - Java, Node: keep-alive agents; IP_BIND_ADDRESS_NO_PORT where the program binds a source address.
    ///
    /// # References
    /// ip(7) ip_local_port_range, connect(2) EADDRNOTAVAIL; net/ipv4/inet_hashtables.c `__inet_hash_connect`;
    /// vincent.bernat.ch/en/blog/2014-tcp-time-wait-state-linux.
    PortExhaustion, "port-exhaustion", lookalike, "local ports toward one remote are used up", weigh, rule_out
}

fn weigh(case: &Case<'_>) -> Vec<Claim> {
    let errors = errors(case);
    let used = used(case);
    let ports = ports(case);
    let near = used.is_some_and(|u| u.count * 100 >= ports * case.thresholds.near_limit as i64);
    let half = used.is_some_and(|u| u.count * 2 >= ports);
    if errors.is_empty() && !near {
        return Vec::new();
    }
    let reserved = super::reserved_ports::used_up(case).filter(|_| !errors.is_empty());
    let past = denied(case, &errors).filter(|_| reserved.is_none());
    let (class, says) = match past {
        _ if reserved.is_some() => (Class::Exhaustion, "no reserved local port is left toward the remote, so mounts fail"),
        None => (Class::Exhaustion, "no local port is left toward the remote, so connects fail"),
        Some(_) => (Class::Note, "a log says that no local port was left, and few are in use now"),
    };
    let mut claim = support::note("port-exhaustion", class, says);
    if let Some(used) = used.filter(|_| near || half) {
        (claim.kind, claim.count, claim.is) = (used.kind(), Some(used.count as u64), CountIs::Exact);
        claim.evidence.push(Evidence::new(
            Strength::Strong,
            Witnessed::Table,
            format!("{} connections use local ports, of {} in the range{}", number(used.count), number(ports), used.by_state()),
            used.at.clone(),
        ));
        if let Some(remote) = used.remote.clone() {
            support::add_remote(&mut claim, remote, used.count as u64, "the remote that most local ports are used for");
        }
    } else if !errors.is_empty() {
        claim.evidence.extend(waiting(case));
        claim.evidence.extend(lines_counted(case));
    }
    claim.owner = failing(case, &errors);
    for error in errors {
        claim.evidence.push(Evidence::new(error.strength, error.by, error.says, error.at));
        // Who binds to any port names its own address.
        if let Some(remote) = error.remote.filter(|r| !r.ends_with(":0")) {
            support::add_remote(&mut claim, remote, 0, "connects to it fail");
        }
    }
    if let Some(Extent { says, at, .. }) = past {
        claim.against.push(Evidence::new(Strength::Strong, Witnessed::Table, says, at));
        claim.missing.push(when_it_fails());
        return vec![claim];
    }
    if let Some(reserved) = reserved {
        claim.evidence.insert(0, reserved.evidence(case));
        support::add_remote(&mut claim, case.show(reserved.host), reserved.taken as u64, "toward which the reserved ports are taken");
        claim.now =
            vec!["mount fewer at a time: TIME-WAIT frees its ports after a minute; net.ipv4.ip_local_port_range is not theirs".into()];
        claim.fix = vec!["mount with noresvport where the server allows it (insecure in its exports), or lower sunrpc.min_resvport".into()];
        return vec![claim];
    }
    claim.now = vec!["widen net.ipv4.ip_local_port_range, and reuse connections".into()];
    claim.fix = vec!["a connection pool; tcp_tw_reuse on the connecting side; more addresses on either side".into()];
    vec![claim]
}

/// What speaks against lines of a log: counts of all connections that leave most ports free. The same text stands for an address that is not
/// of this host, and what had used the ports may have ended since.
fn denied(case: &Case<'_>, errors: &[Error]) -> Option<Extent> {
    let said = !errors.is_empty() && errors.iter().all(|e| e.by == Witnessed::Log);
    extent(case).filter(|e| said && e.few)
}

fn when_it_fails() -> super::Missing {
    super::Missing {
        what: "the connections at a time when connects fail".into(),
        would: "tell ports that run out for a while from an address that is not of this host".into(),
        command: "ss -tan | awk '{print $1, $5}' | sort | uniq -c | sort -rn | head; cat /proc/sys/net/ipv4/ip_local_port_range".into(),
    }
}

/// Connects that are said to have failed for want of a port, where the counts of the capture show none.
pub fn undecided(case: &Case<'_>) -> Option<(String, super::Missing)> {
    let claim = weigh(case).into_iter().find(|c| c.class == Class::Note)?;
    let says = "connects failed for want of a local port or of an address, and at the capture few ports were in use".to_string();
    Some((says, claim.missing.into_iter().next()?))
}

/// Whether local ports are found to run out.
pub(super) fn shown(case: &Case<'_>) -> bool {
    weigh(case).iter().any(|claim| claim.class == Class::Exhaustion)
}

/// A line that says that no address was left.
struct Error {
    says: String,
    at: Vec<Quote>,
    strength: Strength,
    /// Where the connect was to go, if told.
    remote: Option<String>,
    /// What says so.
    by: Witnessed,
    /// Whose connect it was, if told.
    pid: Option<u32>,
}

/// What says that no address was left: logs and traces.
fn errors(case: &Case<'_>) -> Vec<Error> {
    let logs = case.told_now("port-exhaustion");
    // Workers of one server say the same, each by itself.
    let mut said: Vec<(&Sighting, u64, Option<u32>)> = Vec::new();
    for sighting in logs {
        match said.iter_mut().find(|(first, ..)| (&first.means, &first.endpoint) == (&sighting.means, &sighting.endpoint)) {
            Some((_, times, pid)) => {
                *times += sighting.count;
                *pid = pid.filter(|pid| Some(*pid) == sighting.pid);
            }
            None => said.push((sighting, sighting.count, sighting.pid)),
        }
    }
    let mut all: Vec<Error> = said
        .into_iter()
        .map(|(s, times, pid)| Error {
            says: format!("the log says so {}: {}", support::times(times), s.means.trim_end_matches('.')),
            at: vec![s.first.clone()],
            strength: Strength::Strong,
            remote: s.endpoint.clone(),
            by: Witnessed::Log,
            pid,
        })
        .take(2)
        .collect();
    for trace in case.snapshot.traces.iter().filter(|t| t.no_port.0 > 0) {
        all.push(Error {
            says: format!(
                "strace: bind to any port fails with EADDRINUSE {}: none is left for that address",
                support::times(trace.no_port.0)
            ),
            at: trace.no_port.1.0.clone(),
            strength: Strength::Decisive,
            remote: None,
            by: Witnessed::Trace,
            pid: trace.pid,
        });
    }
    for trace in case.snapshot.traces.iter().filter(|t| t.no_address.0 > 0) {
        all.push(Error {
            says: format!("strace: connect fails with EADDRNOTAVAIL {} times", trace.no_address.0),
            at: trace.no_address.1.0.clone(),
            strength: Strength::Decisive,
            remote: refused_address(case, trace),
            by: Witnessed::Trace,
            pid: trace.pid,
        });
    }
    all
}

/// The remote that most connects of a trace without an address left were to go to.
fn refused_address(case: &Case<'_>, trace: &Trace) -> Option<String> {
    let failed = trace.failed.top(1, |(end, errno)| !end.is_unset() && case.names.bytes(*errno) == b"EADDRNOTAVAIL");
    failed.first().map(|((end, _), _)| case.show(*end))
}

/// The process whose connects fail, where all that says so names the same.
fn failing(case: &Case<'_>, errors: &[Error]) -> Option<Owner> {
    let mut pids = errors.iter().filter_map(|e| e.pid);
    let pid = pids.next()?;
    pids.all(|p| p == pid).then(|| Owner::of(case.snapshot, pid, 0)).filter(|o| !o.command.is_empty())
}

/// Entries in TIME-WAIT that take the ports of the range, by the kernel's count or a pipeline's, where no table shows what takes them.
fn waiting(case: &Case<'_>) -> Option<Evidence> {
    let counted = [case.ledger.books.timewait.as_ref(), case.ledger.states.get(&SocketState::TimeWait)];
    let entries = counted.into_iter().flatten().max_by_key(|f| f.value)?;
    if entries.value * 100 < ports(case) * case.thresholds.near_limit as i64 {
        return None;
    }
    let (range, mut at) = match range(case) {
        Some((low, high)) => (format!("({} to {})", low.value, high.value), low.at),
        None => ("of the default range".to_string(), Vec::new()),
    };
    let says = format!("{} entries in TIME-WAIT, of {} local ports {range}", number(entries.value), number(ports(case)));
    at.extend(entries.at.iter().cloned());
    Some(Evidence::new(Strength::Moderate, Witnessed::Books, says, at))
}

/// Lines of a table of which an excerpt is shown, where a pipeline counted as many as there are ports.
fn lines_counted(case: &Case<'_>) -> Option<Evidence> {
    let (lines, quote) = tally::tcp_rows(case.snapshot)?;
    let lines = i64::try_from(lines).ok().filter(|n| n * 100 >= ports(case) * case.thresholds.near_limit as i64)?;
    let says = format!("the table of connections has {} lines, and {} local ports are in the range", number(lines), number(ports(case)));
    Some(Evidence::new(Strength::Moderate, Witnessed::Table, says, [quote]))
}

/// The most connections to one remote (or in all, where remotes are not told), live or in TIME-WAIT, that use a local port of the range.
#[derive(Debug)]
pub struct PortUse {
    count: i64,
    remote: Option<String>,
    /// How many are in which state, most first; empty where it is not told.
    states: Vec<(SocketState, u64)>,
    at: Vec<Quote>,
}

impl PortUse {
    /// The kind of all of them, if it is one.
    fn kind(&self) -> Option<Kind> {
        match self.states.as_slice() {
            [(state, _)] => Kind::of_socket(Protocol::Tcp, *state),
            _ => None,
        }
    }

    /// `: 20,000 ESTAB, 7,900 TIME-WAIT`, where there is more than one state.
    fn by_state(&self) -> String {
        if self.states.len() < 2 {
            return String::new();
        }
        let each: Vec<String> = self.states.iter().map(|(state, n)| format!("{} {}", number(*n as i64), state.word())).collect();
        format!(": {}", each.join(", "))
    }
}

fn used<'a>(case: &'a Case<'_>) -> Option<&'a PortUse> {
    case.port_use.get_or_init(|| count_used(case)).as_ref()
}

fn count_used(case: &Case<'_>) -> Option<PortUse> {
    let mut tops = Tops::default();
    let mut quotes = Vec::new();
    let (low, listened) = (case.first_port(), &case.ledger.listening);
    let uses = |g: &&Group| g.state != SocketState::Listen && g.uses_ports_from(low, |port| listened.has(port));
    let view = case.ledger.best(Family::Tcp);
    let users: Vec<&Group> = view.iter().flat_map(|v| v.groups(Family::Tcp)).filter(uses).collect();
    for group in &users {
        tops.merge(&group.remotes);
        if quotes.len() < 2 {
            quotes.extend(group.quotes.first());
        }
    }
    if let Some((end, n)) = tops.first() {
        let mut by_state: BTreeMap<SocketState, u64> = BTreeMap::new();
        for group in users {
            *by_state.entry(group.state).or_default() += group.remotes.get(&end);
        }
        let mut states: Vec<(SocketState, u64)> = by_state.into_iter().filter(|(_, n)| *n > 0).collect();
        states.sort_by_key(|(_, n)| std::cmp::Reverse(*n));
        return Some(PortUse { count: n as i64, remote: Some(case.show(end)), states, at: quotes });
    }
    let waiting = |count: i64, remote, at| PortUse { count, remote, states: vec![(SocketState::TimeWait, count.max(0) as u64)], at };
    let figure = case.ledger.states.get(&SocketState::TimeWait)?;
    // Rows that tell their ends were judged above: those of a service's port take none of the range.
    let told: u64 =
        view.iter().flat_map(|v| v.groups(Family::Tcp)).filter(|g| g.state == SocketState::TimeWait && !uses(g)).map(with_ends).sum();
    if told as i64 * 2 > figure.value {
        return None;
    }
    // Ports are taken for each peer by itself, and a pipeline may have counted by them.
    let peer = tally::peers(case.snapshot, SocketState::TimeWait).into_iter().next();
    match peer.filter(|(_, n)| n.saturating_mul(10) >= figure.value.max(0) as u64 * 9) {
        Some((peer, n)) => Some(waiting(n as i64, Some(peer), figure.at.clone())),
        None => Some(waiting(figure.value, None, figure.at.clone())),
    }
}

/// Rows that tell their local ends.
fn with_ends(group: &Group) -> u64 {
    group.locals.total()
}

/// At most how many connections of a table were opened here: all that share state and holder with one from a port of the range.
fn opened(case: &Case<'_>) -> i64 {
    let (low, listened) = (case.first_port(), &case.ledger.listening);
    let from_range = |g: &&Group| g.locals.iter().any(|(end, _)| i64::from(end.port()) >= low && !listened.has(end.port()));
    let groups = case.ledger.best(Family::Tcp).into_iter().flat_map(|v| v.groups(Family::Tcp));
    groups.filter(|g| g.state != SocketState::Listen).filter(from_range).map(|g| g.count as i64).sum()
}

/// All connections by counts of their states, where those were made: live and in TIME-WAIT.
fn all_connections(case: &Case<'_>) -> Option<(i64, Vec<Quote>)> {
    let states = || case.ledger.states.iter().filter(|(state, _)| !matches!(state, SocketState::Listen));
    let counted = |s: &SocketState| case.ledger.states.contains_key(s) && case.ledger.all_in(*s).is_some();
    let whole = [SocketState::Established, SocketState::TimeWait].iter().all(counted)
        && case.ledger.best(Family::Tcp).is_none_or(|v| v.groups(Family::Tcp).all(|g| more_than_listed(case, g)));
    whole.then(|| (states().map(|(_, f)| f.value).sum(), states().flat_map(|(_, f)| f.at.iter().take(1).cloned()).take(2).collect()))
}

/// Whether the count of a state is not just that of the excerpt's rows.
fn more_than_listed(case: &Case<'_>, group: &Group) -> bool {
    case.ledger.states.get(&group.state).is_some_and(|f| f.value > group.count as i64 || group.state == SocketState::Listen)
}

/// The captured bounds of the range of local ports.
fn range(case: &Case<'_>) -> Option<(Figure, Figure)> {
    let (low, high) = (case.counter("sysctl.net.ipv4.ip_local_port_range.low")?, case.counter("sysctl.net.ipv4.ip_local_port_range.high")?);
    Some((low, high)).filter(|(low, high)| high.value >= low.value)
}

/// Local ports of the range.
pub(super) fn ports(case: &Case<'_>) -> i64 {
    range(case).map_or(DEFAULT_PORTS, |(low, high)| high.value - low.value + 1)
}

/// How many local ports are in use at most, by what lists or counts all connections.
struct Extent {
    /// Less than half of the range.
    few: bool,
    says: String,
    at: Vec<Quote>,
}

/// What the capture tells of the ports in use; `None` where it may leave some out.
fn extent(case: &Case<'_>) -> Option<Extent> {
    let ports = ports(case);
    let told = |n: i64, says: String, at: Vec<Quote>| Some(Extent { few: n * 2 < ports, says, at });
    let hidden = hidden(case);
    if let Some((n, at)) = all_connections(case).filter(|_| hidden.is_none()) {
        return told(n, format!("{} connections in all, of {} local ports", number(n), number(ports)), at);
    }
    if let (Some(PortUse { count, remote, at, .. }), Some(hidden)) = (used(case), hidden) {
        let n = count + hidden;
        let to = remote.as_ref().map_or(String::new(), |r| format!(" to {r}"));
        return told(n, format!("at most {} local ports are used{to}, of {}", number(n), number(ports)), at.clone());
    }
    if let Some(figure) = case.ledger.books.ports.as_ref().filter(|f| f.value > 0) {
        return told(figure.value, format!("{} local ports are in use", number(figure.value)), figure.at.clone());
    }
    let n = opened(case) + hidden?;
    let says = match n {
        0 => "the table of connections shows no local port toward a remote in use".to_string(),
        _ => format!("at most {} local ports are used, of {}", number(n), number(ports)),
    };
    told(n, says, Vec::new())
}

/// Entries in TIME-WAIT that a table of the others leaves out, which take ports too; `None` where more may be missing: an excerpt's rows say
/// nothing of the others.
fn hidden(case: &Case<'_>) -> Option<i64> {
    let shows = |state| case.ledger.best(Family::Tcp).is_some_and(|v| v.shows(state));
    let hidden = match shows(SocketState::TimeWait) {
        true => Some(0),
        false => case.ledger.books.timewait.as_ref().map(|f| f.value),
    };
    hidden.filter(|_| shows(SocketState::Established))
}

fn rule_out(case: &Case<'_>) -> Option<Exclusion> {
    if !errors(case).is_empty() {
        return Exclusion::not("connects fail for want of a local port", errors(case).into_iter().flat_map(|e| e.at).take(2).collect());
    }
    if let Some(Extent { few, says, at }) = extent(case) {
        return if few { Exclusion::out(says, at) } else { Exclusion::not(says, at) };
    }
    let lacks = if case.ledger.all_in(SocketState::Established).is_none() { SocketState::Established } else { SocketState::TimeWait };
    let why = support::unlisted(case, lacks).unwrap_or_else(|| "no table of connections was captured".into());
    Exclusion::not(format!("cannot be ruled out: {why}"), Vec::new())
}
