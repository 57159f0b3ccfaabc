//! Unix sockets that pile up.

use super::claim::{Claim, Evidence, Strength, Witnessed};
use super::{Case, on_piles, support, unix_ends};
use crate::capture::trace::{Origin, Pattern};
use crate::ledger::{Kind, Pile};

cause! {
    /// A program connects to a local daemon (or accepts from local clients) over a unix socket and never closes.
    ///
    /// # How it looks
    /// - ss -x: many `u_str ESTAB` rows of one process, all with the same peer process. The accepted side carries the server's path,
    ///   the connecting side `*`.
    /// - lsof: rows of type `unix`; newer versions add `type=STREAM (CONNECTED)` and, with `+E`, the peer.
    /// - netstat -x: CONNECTED rows. /proc/net/unix: state 03.
    /// - `ss -s`: only the total grows. sockstat: `sockets: used` grows, TCP does not.
    /// - strace: `connect(N, {sa_family=AF_UNIX, ...}) = 0`, or accept4, no `close(N)`; socketpair() whose other end is lost.
    /// - log: often the daemon's: `too many connections`, `accept: too many open files`.
    ///
    /// # Evidence for
    /// - One client process with most of a daemon's connections.
    /// - Growth between captures; a trace.
    /// - A trace alone: one in each round, or by threads that ended, and none used once there was a further one.
    /// - `lsof -E`: nearly all with one process, and the table full.
    /// - A dead peer: rows whose peer inode is 0 and which the owner keeps.
    ///
    /// # Evidence against
    /// - A hub (message bus, display server, container runtime) with as many client processes as connections, in use.
    /// - A constant number.
    ///
    /// # Mistaken for
    /// - A busy message bus.
    /// - A leak of the daemon, when its client forgets: each connection shows twice, once per side. Whoever should close first is the
    ///   leak.
    ///
    /// # Confirm
    /// - `ss -xp`, twice, grouped by process and path.
    /// - `strace -f -e trace=network,close -p PID`.
    ///
    /// # Now
    /// - Restart the side that forgets. Ending the client frees both.
    ///
    /// # For good
    /// - All: one connection per client, closed on every path; the server closes when read returns 0.
    /// - Docker and container runtimes: clients of docker.sock need `Close()` on the response and one client object. systemd: close
    ///   sd_bus with `sd_bus_flush_close_unref`.
    /// - PHP-FPM over unix sockets: the web server's keep-alive to FPM holds a worker each; mono FastCGI leaked accepted rows per
    ///   request.
    /// - Go: one http.Transport with a unix DialContext. Node: destroy in `error`. Python: `with`; MySQL and PostgreSQL on local
    ///   sockets: return connections to the pool.
    /// - C: close both ends of a socketpair that the child has taken over; SOCK_CLOEXEC on both.
    ///
    /// # References
    /// unix(7), ss(8) `-x`; net/unix/af_unix.c; github.com/xplicit/HyperFastCgi issue 23; github.com/hollodotme/fast-cgi-client pull
    /// 42.
    UnixNotClosed, "unix-not-closed", leak, "unix sockets are opened and never closed", weigh
}

fn weigh(case: &Case<'_>) -> Vec<Claim> {
    on_piles(case, "unix-not-closed", &[Kind::Unix], "opened again and again and never closed", |pile, claim| {
        support::own_remotes(case, pile, claim, pile.accepted == Some(true));
        let one_end = |(trace, _): &(&crate::capture::trace::Trace, _)| unix_ends::keeps_one_end(&case.tales(trace, forgotten));
        let listens = unix_ends::listens(case, pile);
        let what = if listens {
            "a unix socket bound and listening"
        } else if case.traces(pile).iter().any(one_end) {
            "one end of a socketpair()"
        } else {
            "a unix socket"
        };
        support::by_trace(case, pile, claim, what, forgotten);
        support::by_logs(case, pile, claim, &["unix-not-closed"]);
        support::ask_for_trace(case, pile, claim);
        if !listens {
            by_peers(case, pile, claim);
        }
        // A path is bound to the accepting side.
        if listens {
            claim.says = "each listening on a path of its own and none closed".into();
        } else if pile.traits.paths.total() * 2 > pile.count {
            claim.says = "accepted and never closed".into();
        }
        claim.count = Some(left_open(case, pile));
        claim.now = vec!["restart the program".into()];
        claim.fix = vec![if listens {
            "close each listener, and remove its path, when what it was opened for has ended".into()
        } else if unix_ends::mostly_gone(case, pile) {
            "close each connection when a read returns 0: its other end has gone".into()
        } else if both_ends(case, pile) {
            "close both ends of each pair when what they were made for has ended".into()
        } else {
            "keep one connection to the daemon, or close each on every path".into()
        }];
    })
}

/// How many of them were left open: those whose other ends are gone, where these are what it is about, and never those that the process was
/// started with.
fn left_open(case: &Case<'_>, pile: &Pile) -> u64 {
    let own = if unix_ends::listens(case, pile) { 0 } else { pile.traits.listening };
    let opened = pile.count.saturating_sub(pile.traits.given + own);
    let peers = pile.owner.iter().flat_map(|o| &o.pids).filter_map(|(pid, _)| case.ledger.peers.get(pid));
    let gone = peers.map(|p| p.gone).sum::<u64>().min(opened);
    if unix_ends::mostly_gone(case, pile) && gone * 10 >= opened * 9 { gone } else { opened }
}

/// Whether most of them are connected with each other.
fn both_ends(case: &Case<'_>, pile: &Pile) -> bool {
    let pids = pile.owner.iter().flat_map(|o| &o.pids);
    pids.filter_map(|(pid, _)| case.ledger.peers.get(pid)).map(|p| p.own).sum::<u64>() * 2 > pile.count
}

/// A unix socket that was opened here, or accepted from a client that is gone: one of a live client is the client's to end.
fn forgotten(pattern: &Pattern) -> bool {
    crate::ledger::leaves_open(Kind::Unix, pattern) && (pattern.origin != Origin::Accept || pattern.eof || pattern.reset)
}

/// Whom the sockets are connected with: one client process with hundreds of connections to one server has no use for them.
fn by_peers(case: &Case<'_>, pile: &Pile, claim: &mut Claim) {
    // Rows that are a process's by their inodes alone do not tell their paths apart from others'.
    let mixed = !pile.traits.lent.is_empty();
    if let Some((path, n)) = pile.traits.paths.first().filter(|(_, n)| !mixed || n * 2 > pile.count) {
        // The listener carries it too.
        let n = n - pile.traits.listening.min(n);
        let says = format!("{} of them carry the path {}: the accepted side", super::number(n as i64), case.names.text(path));
        let at = pile.traits.quotes.iter().take(1).cloned();
        claim.evidence.push(Evidence::new(Strength::Weak, Witnessed::Table, says, at));
        support::add_remote(claim, case.names.text(path), n, "path of the unix socket");
    } else if let Some(other) = unix_ends::other_ends(case, pile)
        && let Some((path, n)) = other.traits.paths.first()
    {
        let name = other.owner.as_ref().map_or(String::new(), |o| o.named());
        let says = format!(
            "{name} holds {} accepted ones of {}, as many: the other ends, open as long as these are",
            super::number(n as i64),
            case.names.text(path)
        );
        let at = other.traits.quotes.iter().take(1).cloned();
        claim.evidence.push(Evidence::new(Strength::Moderate, Witnessed::Listing, says, at));
        support::add_remote(claim, case.names.text(path), n, "path of the other ends");
    }
}
