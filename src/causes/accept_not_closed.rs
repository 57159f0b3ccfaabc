//! Server side: accepted connections that the program never closes.

use super::claim::{Claim, Evidence, Strength, Witnessed};
use super::support;
use super::{Case, on_piles};
use crate::capture::trace::Origin;
use crate::ledger::{Kind, Pile};

cause! {
    /// A server accepts connections and never closes them: its clients leave, its descriptors stay. Either a path lacks the close, or
    /// the handler that would close is blocked for ever.
    ///
    /// # How it looks
    /// - ss, netstat: CLOSE-WAIT rows (or ESTABLISHED with unread data) whose local port is the server's own, with many client ports.
    ///   Recv-Q is the request that nobody read.
    /// - lsof: `TCP server:port->client:port (CLOSE_WAIT)`; once the client's kernel has reset it, `protocol: TCP` or `can't identify
    ///   protocol`.
    /// - `ss -s`: closed minus timewait grows only for those that were reset. sockstat: inuse grows with alloc.
    /// - /proc/PID/fd: as many `socket:` links as stuck handlers; at the limit, `accept4() = -1 EMFILE` in a loop, and ownerless rows
    ///   beside it.
    /// - strace: `accept4(L) = N`, reads, no `close(N)`.
    /// - log: `accept: too many open files; retrying in 1s` (Go hides it and backs off), TLS handshake errors, handler time-outs.
    ///
    /// # Evidence for
    /// - The rows; a trace with accept and no close.
    /// - Handlers stuck (goroutines, threads) as many as sockets, all in the same place.
    /// - Growth with the churn of clients, not with their number.
    ///
    /// # Evidence against
    /// - Rows without owner and inode: never accepted, so nothing that could be closed (`backlog-overflow`, `accept-stalled`).
    /// - Clients alive and idle: `idle-not-reaped`.
    ///
    /// # Mistaken for
    /// - `fd-limit-too-low`: raising the limit delays the end.
    /// - `syn-flood`: those are in SYN-RECV and hold no descriptor.
    /// - Impatient clients: a slow handler that does end shows the same rows for a while. Two captures tell.
    ///
    /// # Confirm
    /// - `ss -tanp 'sport = :PORT'`, twice; `strace -f -e trace=accept4,shutdown,close -p PID`.
    /// - A dump at the same time: `jstack PID`; Go: `curl localhost:PORT/debug/pprof/goroutine?debug=2` or SIGQUIT.
    ///
    /// # Now
    /// - Take the dump, then restart. A lower idle limit on the balancer in front does not help: the clients are already gone.
    ///
    /// # For good
    /// - All: close when the client has gone (read returns 0 or an error), also in the branches of failed TLS handshakes and refused
    ///   requests; deadlines for handlers shorter than the clients' patience.
    /// - Go: `defer conn.Close()` right after Accept; contexts with deadlines; no send on a channel nobody reads. Set
    ///   ReadHeaderTimeout, ReadTimeout, IdleTimeout.
    /// - Java: try-with-resources around the accepted socket; Netty: IdleStateHandler and close in exceptionCaught; Kafka broker:
    ///   releases with KAFKA-6529 and KAFKA-2779.
    /// - Node: destroy in `tlsClientError` and `timeout`; set `requestTimeout` and `headersTimeout`.
    /// - Python: `with conn:` in each handler; gunicorn `timeout`. PHP-FPM: `request_terminate_timeout`.
    /// - C: store the descriptor in its context before anything can fail; drop every reference on hang-up. nginx modules: the alert
    ///   `open socket #N left in connection M` names the leak.
    ///
    /// # References
    /// accept(2); github.com/CESNET/libnetconf2 issue 313; github.com/apache/kafka pull 4517;
    /// github.com/wandenberg/nginx-push-stream-module issue 113; github.com/haproxy/haproxy issue 2249.
    AcceptNotClosed, "accept-not-closed", leak, "accepted connections are never closed", weigh
}

/// How many times more accepted connections a trace shows ended and left open than not ended yet, from which on the latter are being served.
const SERVED: u64 = 4;

/// Whether what a trace shows accepted and open is in use at its end: of sockets in no table others are left, by an end that it shows.
fn served(case: &Case<'_>, pile: &Pile) -> bool {
    let unlisted = matches!(pile.kind, Kind::Closed | Kind::Unidentified);
    let left = |ended: bool| {
        let traces = case.traces(pile).into_iter().flat_map(|(trace, _)| &trace.tales);
        traces.filter(|(p, _)| p.origin == Origin::Accept && (p.reset || p.shutdown) == ended).map(|(_, t)| t.settled).sum::<u64>()
    };
    unlisted && left(true) > 0 && left(true) >= left(false) * SERVED
}

fn weigh(case: &Case<'_>) -> Vec<Claim> {
    let kinds = [Kind::CloseWait, Kind::Established, Kind::Closed, Kind::Unidentified];
    on_piles(case, "accept-not-closed", &kinds, "accepted and never closed by the program", |pile, claim| {
        let rows = || pile.traits.quotes.iter().take(1).cloned();
        let accepted = pile.accepted == Some(true);
        match (pile.kind, pile.accepted) {
            (Kind::CloseWait, Some(true)) => claim.evidence.push(Evidence::new(
                Strength::Strong,
                Witnessed::Table,
                "the local port is the server's own: these were accepted, and their clients have gone",
                rows(),
            )),
            (Kind::Established, Some(true)) if pile.traits.unread * 2 > pile.count => {
                let says = format!("{} of them have requests that nobody reads", super::number(pile.traits.unread as i64));
                claim.evidence.push(Evidence::new(Strength::Strong, Witnessed::Table, says, rows()));
            }
            (Kind::Established, Some(true)) if claim.evidence.iter().any(|e| e.says.contains("handlers are stuck")) => {
                let says = "the local port is the server's own, and its handlers do not come back";
                claim.evidence.push(Evidence::new(Strength::Strong, Witnessed::Table, says, rows()));
            }
            (Kind::Closed | Kind::Unidentified, _) => server_only(case, pile, claim),
            (_, Some(false)) => claim.against.push(Evidence::new(
                Strength::Strong,
                Witnessed::Table,
                "the local ports are not listened on: the program opened these itself",
                rows(),
            )),
            _ => {}
        }
        if super::vanished_clients(case, pile).is_some() {
            let says = "their clients have vanished, and nothing told the program to close";
            claim.against.push(Evidence::new(Strength::Moderate, Witnessed::Table, says, rows()));
        }
        if let Some((server, child, port)) = super::fd_inherited::given(case, pile) {
            let says =
                format!("pid {child} did not accept them: pid {server}, which listens on port {port} too, started it and accepts there");
            claim.against.push(Evidence::new(Strength::Decisive, Witnessed::Table, says, rows()));
        }
        if let Some((server, child, port)) = super::fd_inherited::taken_over(case, pile) {
            let says = format!("pid {server} alone listens on port {port} and started pid {child}: it accepted what that one holds");
            claim.against.push(Evidence::new(Strength::Strong, Witnessed::Table, says, []));
        }
        if let Some((server, port)) = super::fd_inherited::siblings(case, pile) {
            let says =
                format!("only pid {server} listens on port {port}: the processes that all hold the same connections did not accept them");
            claim.against.push(Evidence::new(Strength::Decisive, Witnessed::Table, says, rows()));
        }
        if let Some(kept) = super::kept_port::of_pile(case, pile) {
            let says = format!(
                "pid {} and pid {} hold all of them under the same numbers, and port {} is another program's: neither accepted them",
                kept.pids.0, kept.pids.1, kept.port
            );
            claim.against.push(Evidence::new(Strength::Decisive, Witnessed::Table, says, rows()));
        }
        if accepted || pile.kind != Kind::Closed {
            support::own_remotes(case, pile, claim, accepted);
        }
        // How an unlisted socket ended is another cause's matter where the trace tells it.
        let ended = |p: &crate::capture::trace::Pattern| p.reset || p.shutdown;
        let fits = |p: &crate::capture::trace::Pattern| match pile.kind {
            Kind::CloseWait => p.origin == Origin::Accept && (p.eof || !p.used),
            Kind::Closed | Kind::Unidentified => p.origin == Origin::Accept && !ended(p),
            _ => p.origin == Origin::Accept,
        };
        if !served(case, pile) {
            support::by_trace(case, pile, claim, "accept() of a connection", fits);
        }
        if accepted && pile.kind == Kind::CloseWait {
            // Those that another process has passed on, or that were open before the trace began.
            let before = |p: &crate::capture::trace::Pattern| p.origin == Origin::Before && p.eof;
            support::by_trace(case, pile, claim, "a read that returns 0 on a connection that was open before", before);
        }
        support::by_logs(case, pile, claim, &["accept-not-closed"]);
        support::ask_for_trace(case, pile, claim);
        unheard(pile, claim);
        claim.evidence.extend(support::user_of_rows(pile));
        claim.now = vec!["restart the server; a higher descriptor limit only delays the end".into()];
        claim.fix = vec!["close each accepted connection when its client has gone, and give handlers a deadline".into()];
    })
}

/// Connections whose requests nobody has read: what should read and close them is probably stuck, which a dump of the threads tells.
fn unheard(pile: &Pile, claim: &mut Claim) {
    let Some(pid) = pile.owner.as_ref().and_then(|o| o.pids.first()).map(|p| p.0) else { return };
    if pile.kind != Kind::CloseWait || pile.accepted != Some(true) || pile.unheard() * 2 <= pile.count {
        return;
    }
    let says = format!(
        "{} of them hold a request that was never read: what should take them up is stuck, or does not come back to them",
        super::number(pile.unheard() as i64)
    );
    claim.evidence.push(Evidence::new(Strength::Weak, Witnessed::Table, says, pile.traits.quotes.iter().take(1).cloned()));
    claim.missing.push(support::threads(pid));
}

/// Sockets in no table of a program that only listens were accepted, if as many were: they may as well have failed, never been connected, or
/// ended in a way that another cause is for. Those that were only forgotten are in CLOSE-WAIT.
fn server_only(case: &Case<'_>, pile: &Pile, claim: &mut Claim) {
    if !support::listens(case, pile) {
        let says = "nothing shows the program listening";
        claim.against.push(Evidence::new(Strength::Moderate, Witnessed::Table, says, []));
        return;
    }
    let connects = case.ledger.piles.iter().any(|p| {
        super::case::same_owner(p, pile)
            && matches!(p.kind, Kind::Established | Kind::SynSent | Kind::CloseWait)
            && p.accepted == Some(false)
    });
    if connects {
        return;
    }
    let before = claim.evidence.len();
    support::by_counter(case, pile, claim, "snmp.tcp.passive_opens", "accepted connections");
    // That it listens says nothing of how these came to be, and a total that is large enough fits everything. As many accepts as sockets
    // say which side they are of, not how they ended; another cause may tell that.
    let mut counted = claim.evidence.split_off(before);
    counted.retain(|e| e.strength >= Strength::Moderate);
    for evidence in &mut counted {
        evidence.strength = Strength::Moderate;
    }
    let says = "the program listens and shows no connection that it opened itself";
    claim.evidence.extend(counted.first().map(|_| Evidence::new(Strength::Weak, Witnessed::Table, says, [])));
    claim.evidence.extend(counted);
}
