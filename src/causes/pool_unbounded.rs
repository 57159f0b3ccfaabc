//! Client side: connections to the same peer grow and none is given back.

use super::claim::{Claim, Evidence, Strength, Witnessed};
use super::support;
use super::{Case, on_piles};
use crate::capture::trace::{Origin, Outcome};
use crate::ledger::Kind;

cause! {
    /// A client opens a new connection for each piece of work and keeps it: a pool without bound, or one client object per call. The
    /// peer has closed nothing, so all of them are ESTABLISHED.
    ///
    /// # How it looks
    /// - ss, netstat: ESTABLISHED rows of one process to one remote service, local ports ephemeral, growing; later CLOSE-WAIT, when
    ///   the peer's idle limit ends them.
    /// - lsof: `TCP a:p->b:9092 (ESTABLISHED)` in unbroken runs of descriptors; runs interleaved with `pipe` and `eventpoll` rows
    ///   mean one client object per call.
    /// - `ss -s`: estab grows, closed minus timewait does not. sockstat: inuse grows with alloc.
    /// - strace: connects that succeed, a little traffic, no close.
    /// - log: `Could not get a resource from the pool`, `LEAK: ... was not released` (Netty), `A connection to ... was leaked`
    ///   (OkHttp), `unclosed client session` (aiohttp). The server may log `too many connections`.
    ///
    /// # Evidence for
    /// - Growth between samples; a trace with connects that succeed and are never closed; a leak detector's line.
    /// - Hundreds, more in a later sample, and none of those before closed: a pool closes what it has not needed for a while.
    /// - Far more connections to one remote than the process has threads or tasks.
    /// - Nearly all of what can be had is taken by connections to few services: its descriptors, the local ports for a remote, most files of
    ///   the host.
    ///
    /// # Evidence against
    /// - A count that stays, or that follows the load both ways.
    /// - Traffic on most of them.
    ///
    /// # Mistaken for
    /// - `busy-not-leaking`: many connections that are used and bounded.
    /// - A slow server: then the pool is full of borrowed ones, and bounded by its maximum.
    /// - `selector-not-closed`: the same mistake, seen in the selectors that each client object brings along.
    ///
    /// # Confirm
    /// - `ss -Htanp 'dport = :PORT' | wc -l`, twice; `ss -tnip 'dport = :PORT'` for idle times.
    /// - The pool's own metrics (active, idle, waiting), and a heap histogram: `jmap -histo PID | grep -i producer`.
    ///
    /// # Now
    /// - Restart; lower the pool's maximum or the work that arrives. The server's idle limit turns them into CLOSE-WAIT and frees
    ///   nothing here.
    ///
    /// # For good
    /// - All: one shared client for the life of the process; close or return what was borrowed on every path; a maximum and an idle
    ///   limit for the pool.
    /// - Java: one HttpClient, OkHttpClient, KafkaProducer; HikariCP maximumPoolSize and leakDetectionThreshold; Jedis in
    ///   try-with-resources. Netty: one EventLoopGroup.
    /// - Kafka: a producer per message, batch or transfer is the usual mistake, in every language.
    /// - Go: one http.Client with one Transport; a Transport per request keeps an idle pool each. Set MaxIdleConnsPerHost,
    ///   IdleConnTimeout; close response bodies.
    /// - Node: one Agent or undici Pool; close database pools on shutdown only. Python: one requests.Session or
    ///   aiohttp.ClientSession; asyncpg and SQLAlchemy pools with a maximum.
    /// - PHP-FPM: persistent connections are per worker: pm.max_children times the hosts. nginx: `keepalive N` in the upstream block
    ///   bounds the idle ones.
    /// - CouchDB/Ektorp: one connector, not one per use.
    ///
    /// # References
    /// github.com/dpkp/kafka-python issue 689; github.com/confluentinc/librdkafka issue 5; github.com/dCache/dcache issue 4199;
    /// github.com/psf/requests issue 4575; github.com/netty/netty issue 3120.
    PoolUnbounded, "pool-unbounded", leak, "connections to the same peer grow and are never given back", weigh
}

fn weigh(case: &Case<'_>) -> Vec<Claim> {
    on_piles(case, "pool-unbounded", &[Kind::Established], "opened to the same peer and never given back", |pile, claim| {
        let rows = || pile.traits.quotes.iter().take(1).cloned();
        support::own_remotes(case, pile, claim, false);
        match pile.accepted {
            Some(true) => claim.against.push(Evidence::new(
                Strength::Strong,
                Witnessed::Table,
                "these were accepted, not opened, by the program",
                rows(),
            )),
            _ => {
                // Those that were accepted come and go.
                if let Some(&opened) = super::directions::opened(case, pile).as_deref().and_then(<[u64]>::last) {
                    claim.count = Some(opened);
                }
                if let Some((_, n)) = pile.top_remote()
                    && n * 10 >= pile.traits.remotes.total() * 8
                {
                    claim.evidence.push(Evidence::new(
                        Strength::Moderate,
                        Witnessed::Table,
                        format!("{} of them go to one remote", super::number(n as i64)),
                        rows(),
                    ));
                    // The others are accepted ones, or to other services, where rows tell of all.
                    if pile.traits.remotes.total() >= pile.count {
                        claim.count = Some(n.min(pile.count));
                    }
                }
            }
        }
        let fits = |p: &crate::capture::trace::Pattern| {
            matches!(p.origin, Origin::Socket(s) if s.is_tcp()) && p.outcome == Outcome::Connected && !p.eof
        };
        support::by_trace(case, pile, claim, "a connect that succeeds", fits);
        support::by_logs(case, pile, claim, &["pool-unbounded"]);
        support::ask_for_trace(case, pile, claim);
        support::ask_for_idle_times(case, pile, claim);
        claim.now = vec!["restart the program, or lower the maximum of its pool".into()];
        claim.fix = vec!["share one client or pool, give each connection back on every path, and bound the pool".into()];
    })
}
