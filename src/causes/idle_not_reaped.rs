//! Server side: live but idle connections that nobody ever ends.

use super::claim::{Claim, Evidence, Strength, Witnessed};
use super::support;
use super::{Case, on_piles};
use crate::ledger::Kind;

cause! {
    /// A server keeps connections of clients that are alive and say nothing, without an idle time limit: their number only grows,
    /// until a limit is reached. Nothing is closed too late by mistake; nothing is ever told to close.
    ///
    /// # How it looks
    /// - ss, netstat: ESTABLISHED rows on the service port, Recv-Q and Send-Q 0. `ss -i` shows long `lastsnd` and `lastrcv`; `ss -o`
    ///   shows no keepalive timer.
    /// - lsof: `TCP server:port->client:port (ESTABLISHED)`, as many as connections. No unidentified rows.
    /// - `ss -s`: estab grows, closed minus timewait does not. sockstat: inuse grows with alloc.
    /// - strace: the descriptors are in the poll set and never become ready.
    /// - log: nothing, until `Too many open files` or `too many connections`.
    ///
    /// # Evidence for
    /// - Growth at constant load.
    /// - Idle times of minutes on most rows.
    /// - A descriptor or connection limit filled by them.
    ///
    /// # Evidence against
    /// - Traffic on them, in the trace or by `lastrcv`.
    /// - A count that stays: a fleet of clients that keep one connection each.
    ///
    /// # Mistaken for
    /// - `accept-not-closed`, where the clients have gone (CLOSE-WAIT).
    /// - `busy-not-leaking`, where the connections are in use.
    /// - `fd-limit-too-low`, where the number of live clients simply is that large.
    /// - Peers that vanished without a FIN (power loss, a NAT that forgot) look alive from here: only keepalive finds them.
    ///
    /// # Confirm
    /// - `ss -tnio 'sport = :PORT'`, twice, some minutes apart; compare `lastrcv`.
    /// - `ss -tn state established 'sport = :PORT' | awk '{print $4}' | cut -d: -f1 | sort | uniq -c | sort -rn | head`.
    ///
    /// # Now
    /// - Set an idle limit in the balancer in front, if there is one. Drain or restart.
    /// - `ss -K state established 'sport = :PORT' dst HOST` ends those of one client.
    ///
    /// # For good
    /// - All: idle and header time limits, TCP keepalive for peers that vanished, limits per client.
    /// - nginx: keepalive_timeout, client_header_timeout, send_timeout, limit_conn. HAProxy: timeout client, timeout http-keep-alive,
    ///   timeout tunnel for WebSockets.
    /// - Go: http.Server IdleTimeout and ReadHeaderTimeout; net.ListenConfig KeepAlive. Node: server.keepAliveTimeout,
    ///   server.timeout.
    /// - Java: Netty IdleStateHandler; Tomcat connectionTimeout, keepAliveTimeout, maxConnections. Kafka: connections.max.idle.ms.
    ///   ZooKeeper: maxClientCnxns.
    /// - Python: gunicorn keepalive, uvicorn --timeout-keep-alive. Databases: idle_session_timeout (PostgreSQL), wait_timeout
    ///   (MySQL), timeout (Redis).
    ///
    /// # References
    /// tcp(7) tcp_keepalive_time, SO_KEEPALIVE, TCP_USER_TIMEOUT; ss(8) `-i`.
    IdleNotReaped, "idle-not-reaped", leak, "idle connections of live clients are never ended", weigh
}

/// A minute in milliseconds.
const MINUTE_MS: u64 = 60_000;

fn weigh(case: &Case<'_>) -> Vec<Claim> {
    on_piles(case, "idle-not-reaped", &[Kind::Established], "alive, idle, and never ended by the server", |pile, claim| {
        let rows = || pile.traits.quotes.iter().take(1).cloned();
        match pile.accepted {
            Some(true) => {
                claim.evidence.push(Evidence::new(Strength::Moderate, Witnessed::Table, support::accepted_says(case, pile), rows()))
            }
            Some(false) => {
                claim.against.push(Evidence::new(Strength::Strong, Witnessed::Table, "the program opened these connections itself", rows()))
            }
            None => {}
        }
        if super::vanished_clients(case, pile).is_some() {
            claim.says = "whose clients are gone without a word, which nothing notices".into();
            let says = "they are established all the same: no end came that the program could have read, and neither keepalive nor an idle limit has found them";
            claim.evidence.push(Evidence::new(Strength::Moderate, Witnessed::Table, says, rows()));
        }
        let t = &pile.traits;
        if t.are_silent(pile.count) {
            let says = format!(
                "{} of {} connections received nothing for an hour or more, and no row shows a keepalive timer: nobody notices a client that is gone",
                super::number(t.idle_hour as i64),
                super::number(t.idle_known as i64)
            );
            claim.evidence.push(Evidence::new(Strength::Strong, Witnessed::Table, says, t.tabled.clone()));
        } else if t.idle_known > 0 {
            let says = format!(
                "{} of {} connections received nothing for a minute or more",
                super::number(t.idle_minute as i64),
                super::number(t.idle_known as i64)
            );
            if t.idle_minute * 10 >= t.idle_known * 7 {
                claim.evidence.push(Evidence::new(Strength::Strong, Witnessed::Table, says, rows()));
            } else if t.idle_max_ms >= MINUTE_MS {
                // Where none is older than a minute none can have been silent for one.
                claim.against.push(Evidence::new(Strength::Moderate, Witnessed::Table, says, rows()));
            }
        }
        if t.unread * 2 > pile.count {
            claim.against.push(Evidence::new(Strength::Moderate, Witnessed::Table, "most have data that the server has not read", rows()));
        }
        support::own_remotes(case, pile, claim, true);
        support::ask_for_idle_times(case, pile, claim);
        claim.now = vec!["restart or drain the server".into()];
        claim.fix = vec!["an idle time limit, TCP keepalive, and a limit of connections per client".into()];
    })
}
