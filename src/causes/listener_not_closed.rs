//! Listening sockets that pile up.

use super::claim::{Claim, Evidence, Strength, Witnessed};
use super::support;
use super::{Case, on_piles};
use crate::ledger::Kind;

cause! {
    /// A program opens its listener again at each reload (SO_REUSEPORT lets it) and never closes the old one. New connections are
    /// spread over all of them, and those that land on a forgotten one are never accepted.
    ///
    /// # How it looks
    /// - ss, netstat: many LISTEN rows of one process on one address and port; the forgotten ones have a Recv-Q that only rises.
    /// - lsof: `TCP *:8080 (LISTEN)` again and again under one pid.
    /// - `ss -s`: neither estab nor closed shows it. sockstat: inuse and alloc grow by one per reload.
    /// - /proc/net/tcp: state 0A, the same local address, different inodes.
    /// - strace: `socket`, `setsockopt(SO_REUSEPORT)`, `bind`, `listen` at each reload, no `close` of the old number.
    /// - log: as many reloads as listeners; clients see time-outs for a fixed share of connections.
    ///
    /// # Evidence for
    /// - The rows, on one address, more than cores or workers.
    /// - Growth by one (or one per worker) per reload; a trace.
    ///
    /// # Evidence against
    /// - As many listeners as cores or workers: SO_REUSEPORT by design.
    /// - Different addresses: many services or virtual hosts.
    /// - The same inode in several processes: one listener, inherited by workers.
    ///
    /// # Mistaken for
    /// - `backlog-overflow`: the queue of a forgotten listener is full as well.
    /// - A network fault, because only some connections hang.
    ///
    /// # Confirm
    /// - `ss -ltnp 'sport = :PORT'` before and after a reload.
    /// - `grep -c ' 0A ' /proc/net/tcp`, twice.
    ///
    /// # Now
    /// - Restart the program; a reload adds one more.
    ///
    /// # For good
    /// - All: close the old listener when the new one is up, or keep the one there is.
    /// - C: listeners belong to the reload's diff of configurations, not to a new start. Python: `server_close()`, not only
    ///   `shutdown()`.
    /// - Go: `Listener.Close()` (or `Server.Shutdown`) before the reference is overwritten. Node: `server.close()`.
    /// - Java: close the ServerSocketChannel and let its selector run once; Netty: keep the Channel that bind() returned and close
    ///   it.
    /// - nginx, HAProxy: master processes hand listeners on; old workers must end, so watch `worker_shutdown_timeout` and
    ///   `hard-stop-after`.
    ///
    /// # References
    /// socket(7) SO_REUSEPORT; listen(2); net/core/sock_reuseport.c; github.com/haproxy/haproxy issue 1985 (old workers that drain).
    ListenerNotClosed, "listener-not-closed", leak, "listening sockets on one address pile up", weigh
}

fn weigh(case: &Case<'_>) -> Vec<Claim> {
    on_piles(case, "listener-not-closed", &[Kind::Listen], "opened at each reload and never closed", |pile, claim| {
        support::own_remotes(case, pile, claim, pile.accepted == Some(true));
        support::by_trace(case, pile, claim, "listen() on a new socket", |p| crate::ledger::leaves_open(Kind::Listen, p));
        support::by_logs(case, pile, claim, &["listener-not-closed"]);
        if let Some((local, rows)) = pile.traits.locals.first().filter(|(_, rows)| *rows > 1) {
            let forgotten = super::number(rows.min(pile.count).saturating_sub(1) as i64);
            let says = format!("of those on {} one is enough to serve: {forgotten} are forgotten", case.show(local));
            claim.evidence.push(Evidence::new(Strength::Weak, Witnessed::Table, says, []));
        }
        support::ask_for_trace(case, pile, claim);
        claim.now = vec!["restart the program".into()];
        claim.fix = vec!["close the old listener at a reload, or keep it".into()];
        if let Some((n, _)) = super::one_use::outnumber(case, pile, case.thresholds.listen) {
            claim.count = Some(n);
            claim.says = "opened for one connection each and never closed".into();
            claim.fix = vec!["close each when its connection has come, when its client has gone, and after a time".into()];
        }
    })
}
