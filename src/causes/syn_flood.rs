//! Half-open connections flood a listener.

use super::claim::{Class, Evidence, Strength, Witnessed};
use super::support;
use super::{Case, Claim, Exclusion, number};
use crate::capture::logs::Sighting;
use crate::facts::SocketState;

/// Half-open connections from which a flood is worth a word: far above what round trips explain.
const MANY: i64 = 256;
/// The same where the kernel has reported a flood: the queue of a listener, 128 until Linux 5.4, may hold no more than these.
const REPORTED: i64 = 64;

cause! {
    /// Many SYNs arrive whose connections never complete. Half-open connections are requests, not sockets: they hold no descriptor
    /// and are in SYN-RECV.
    ///
    /// # How it looks
    /// - ss, netstat: SYN-RECV rows in numbers, without owner, often from addresses that do not repeat.
    /// - `netstat -s`, nstat: SYN cookies sent (TCPReqQFullDoCookies), ListenDrops rising.
    /// - log: kernel `Possible SYN flooding on port N. Sending cookies.`
    /// - lsof, /proc/PID/fd, strace: nothing. sockstat: does not count them.
    /// - `ss -s`: `synrecv` is always 0 since Linux 2.6 and proves nothing.
    ///
    /// # Evidence for
    /// - The rows, hundreds or more; the counters rising; cookies that are never answered.
    /// - Next to no established connection beside dozens of half-open ones: none of them completes.
    ///
    /// # Evidence against
    /// - None in SYN-RECV.
    /// - A listener whose accept queue is full: then the kernel's line is about the slow server.
    ///
    /// # Mistaken for
    /// - `backlog-overflow`, `accept-stalled`: the same kernel line.
    /// - `connect-stuck`, which leaves (SYN-SENT) instead of arriving.
    /// - A burst of honest clients after an outage.
    ///
    /// # Confirm
    /// - `ss -Htan state syn-recv | wc -l`; `nstat -az | grep -i -e Cookies -e ListenDrops`, twice.
    /// - `tcpdump -ni any 'tcp[tcpflags] == tcp-syn and dst port PORT' -c 100`.
    ///
    /// # Now
    /// - net.ipv4.tcp_syncookies=1 (the default); filter upstream.
    ///
    /// # For good
    /// - A filter in front (provider, XDP, SYNPROXY); net.ipv4.tcp_max_syn_backlog and somaxconn for honest bursts.
    /// - nginx, HAProxy: rate limits help only after the handshake.
    ///
    /// # References
    /// tcp(7) tcp_syncookies, tcp_max_syn_backlog; net/ipv4/tcp_input.c `tcp_syn_flood_action`.
    SynFlood, "syn-flood", lookalike, "half-open connections arrive faster than they complete", weigh, rule_out
}

fn weigh(case: &Case<'_>) -> Vec<Claim> {
    let now = half_open(case);
    if now.is_empty() { told_alone(case).into_iter().collect() } else { now }
}

/// The kernel's line where nothing of the capture shows the queue it is of: it says so once for each listener, and that is worth knowing.
fn told_alone(case: &Case<'_>) -> Option<Claim> {
    // A table of connections tells what is half open, and one of listeners whose queue is full.
    let first = reported(case).filter(|_| case.ledger.best(crate::ledger::Family::Tcp).is_none())?;
    let mut claim = support::note(
        "syn-flood",
        Class::Note,
        "the kernel found the queue of a listener full of half-open connections: of a flood, or of a server that accepts too slowly",
    );
    for sighting in all_reported(case).take(3) {
        let on = sighting.endpoint.as_ref().map_or(String::new(), |port| format!(" on {port}"));
        let says = format!("the kernel reported possible SYN flooding{on} {}", support::times(sighting.count));
        claim.evidence.push(Evidence::new(Strength::Moderate, Witnessed::Log, says, [sighting.first.clone()]));
        if let Some(port) = &sighting.endpoint {
            support::add_listener(&mut claim, port.clone(), 0, "the listener whose queue was full");
        }
    }
    let port = first.endpoint.as_deref().and_then(|port| port.strip_prefix("port ")).unwrap_or("PORT");
    claim.missing.push(super::Missing {
        what: "the listener's queue and the half-open connections".into(),
        would: "tell a flood from a server that accepts too slowly or whose backlog is short".into(),
        command: format!("ss -ltn 'sport = :{port}'; ss -Htan state syn-recv 'sport = :{port}' | wc -l; nstat -az TcpExtListenOverflows TcpExtTCPReqQFullDoCookies"),
    });
    claim.now =
        vec!["look whether the server on that port keeps up; its backlog is the smaller of what it asks for and net.core.somaxconn".into()];
    Some(claim)
}

fn half_open(case: &Case<'_>) -> Vec<Claim> {
    let said = reported(case);
    let many = if said.is_some() || none_completes(case) { REPORTED } else { MANY };
    let Some(figure) = case.ledger.states.get(&SocketState::SynRecv).filter(|f| f.value >= many) else { return Vec::new() };
    let mut claim = support::note("syn-flood", Class::Exhaustion, "half open, held by no descriptor");
    claim.count = Some(figure.value as u64);
    claim.evidence.push(Evidence::new(
        Strength::Strong,
        Witnessed::Table,
        format!("{} connections are half open (SYN-RECV)", number(figure.value)),
        figure.at.clone(),
    ));
    if none_completes(case) {
        let established = case.ledger.state(SocketState::Established).unwrap_or(0);
        let says = match established {
            0 => "none is established beside them: their clients do not answer".to_string(),
            n => format!("only {} are established beside them: their clients do not answer", number(n)),
        };
        claim.evidence.push(Evidence::new(Strength::Moderate, Witnessed::Table, says, []));
    }
    if let Some(cookies) = case.counter("tcpext.syncookies_sent").filter(|f| f.value > 0) {
        claim.evidence.push(Evidence::new(
            Strength::Moderate,
            Witnessed::Counters,
            format!("{} SYN cookies were sent", number(cookies.value)),
            cookies.at,
        ));
    }
    if let Some(sighting) = said {
        let says = format!("the kernel reported possible SYN flooding {}", support::times(sighting.count));
        claim.evidence.push(Evidence::new(Strength::Moderate, Witnessed::Log, says, [sighting.last.clone()]));
    }
    claim.now = vec!["check that net.ipv4.tcp_syncookies is on; filter the sources upstream".into()];
    vec![claim]
}

/// Whether a whole table shows next to no connection beside the half-open ones: round trips would leave more of them completed than under way.
fn none_completes(case: &Case<'_>) -> bool {
    let state = |s| case.ledger.state(s).unwrap_or(0);
    case.ledger.states_whole && state(SocketState::Established) * 4 <= state(SocketState::SynRecv)
}

/// The kernel's line on a flood; it says so once for each listener, and means any overflow of SYNs.
pub fn reported<'a>(case: &Case<'a>) -> Option<&'a Sighting> {
    all_reported(case).next()
}

/// The same of each port.
fn all_reported<'a>(case: &Case<'a>) -> impl Iterator<Item = &'a Sighting> {
    case.told_now("syn-flood").filter(|s| s.kernel && s.points_to.first().is_some_and(|p| p == "syn-flood"))
}

fn rule_out(case: &Case<'_>) -> Option<Exclusion> {
    let few = |n: i64| n < REPORTED || (n < MANY && reported(case).is_none() && !none_completes(case));
    match case.ledger.all_in(SocketState::SynRecv) {
        Some(figure) if few(figure.value) => {
            Exclusion::out(format!("{} half-open connections (SYN-RECV) in the table", number(figure.value)), figure.at)
        }
        Some(figure) => Exclusion::not(format!("{} half-open connections", number(figure.value)), Vec::new()),
        None if let Some(sighting) = reported(case) => Exclusion::not(
            format!("the kernel reported it {}, and no table of connections shows whether it goes on", support::times(sighting.count)),
            vec![sighting.last.clone()],
        ),
        None if let Some(why) = support::unlisted(case, SocketState::SynRecv) => {
            Exclusion::not(format!("cannot be ruled out: {why}"), Vec::new())
        }
        None => Exclusion::not("cannot be ruled out: no table of connections was captured (synrecv of ss -s is always 0)", Vec::new()),
    }
}
