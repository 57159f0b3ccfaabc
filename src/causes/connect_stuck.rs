//! Connects that wait for an answer that never comes.

use super::claim::{Claim, Evidence, Strength, Witnessed};
use super::support;
use super::{Case, on_piles};
use crate::capture::trace::Outcome;
use crate::ledger::Kind;

cause! {
    /// A program opens connection after connection to a peer that never answers, sets no time limit, and gives none up: SYN-SENT
    /// piles up. The packets are dropped on the way (a firewall, a dead host behind a router), because a live host would refuse.
    ///
    /// # How it looks
    /// - ss: SYN-SENT rows to one remote, with `timer:(on,...,n)` where n counts retransmits. netstat: SYN_SENT, with `-o` the same
    ///   timer.
    /// - lsof: `TCP a:p->b:q (SYN_SENT)`.
    /// - `ss -s` does not show them apart; sockstat: both alloc and inuse grow, because a connecting socket is hashed.
    /// - /proc/net/tcp: state 02.
    /// - strace: `connect(N) = -1 EINPROGRESS`, no `close(N)`; blocking programs show one unfinished connect per thread.
    /// - log: `i/o timeout`, `connect timed out`, or nothing at all for two minutes at a time.
    ///
    /// # Evidence for
    /// - Hundreds of SYN-SENT rows of one process, nearly all to one remote.
    /// - Retransmits above zero: the SYNs are lost, not just young.
    /// - Dozens to one remote, with other inodes in between: begun one by one, no burst.
    /// - A trace that never closes them; growth between two captures.
    ///
    /// # Evidence against
    /// - Many different remotes and no retransmits: a crawler's burst.
    /// - A trace that closes them in time, or a later sample without them.
    ///
    /// # Mistaken for
    /// - `connect-burst`, which ends by itself.
    /// - `syn-flood`, which arrives (SYN-RECV) instead of leaving.
    /// - `conntrack-full` on this host drops SYNs too: look for the kernel's line.
    /// - `connect-failed-not-closed`: what these become after tcp_syn_retries, about two minutes.
    ///
    /// # Confirm
    /// - `ss -tanpo state syn-sent`, twice, ten seconds apart.
    /// - `traceroute -T -p PORT HOST`, or `tcpdump -ni any 'host HOST and tcp[tcpflags] & tcp-syn != 0'`.
    ///
    /// # Now
    /// - Restore the route or the firewall rule to the remote, or take the endpoint out of the configuration. A REJECT instead of a
    ///   DROP ends each attempt at once.
    /// - Restart if the descriptor limit is near.
    ///
    /// # For good
    /// - All: a connect time limit well below a minute, a bound on attempts under way, back-off, a circuit breaker.
    /// - Java: `Socket.connect(addr, timeout)`; HTTP clients: set the connect timeout apart from the response timeout. Netty:
    ///   CONNECT_TIMEOUT_MILLIS.
    /// - Go: `net.Dialer{Timeout: ...}` or a context with a deadline. Node: `socket.setTimeout` and destroy in its handler; undici
    ///   `connect.timeout`.
    /// - Python: `timeout=` in every call (requests has none by default). PHP: `default_socket_timeout`, CURLOPT_CONNECTTIMEOUT.
    /// - nginx `proxy_connect_timeout`, HAProxy `timeout connect`. The kernel's last resort is `net.ipv4.tcp_syn_retries`.
    ///
    /// # References
    /// connect(2), tcp(7) tcp_syn_retries; net/ipv4/tcp_timer.c `tcp_write_timeout`.
    ConnectStuck, "connect-stuck", leak, "connects to a peer that never answers pile up", weigh
}

fn weigh(case: &Case<'_>) -> Vec<Claim> {
    on_piles(case, "connect-stuck", &[Kind::SynSent], "waiting for a peer that never answers, without a time limit", |pile, claim| {
        support::own_remotes(case, pile, claim, false);
        if pile.traits.max_retries >= 1 {
            let says = format!("SYNs are retransmitted, up to {} times for one connection", pile.traits.max_retries);
            claim.evidence.push(Evidence::new(Strength::Moderate, Witnessed::Table, says, pile.traits.quotes.iter().take(1).cloned()));
        }
        support::by_trace(case, pile, claim, "a connect that is still in progress", |p| p.outcome == Outcome::InProgress);
        support::by_logs(case, pile, claim, &["connect-stuck"]);
        support::ask_for_trace(case, pile, claim);
        let target = claim.remotes.first().map_or("the remote".to_string(), |r| r.endpoint.clone());
        claim.now = vec![format!("restore the way to {target} (route, firewall), or take it out of the configuration")];
        claim.fix = vec!["set a connect time limit, bound the attempts under way, close those that are given up".into()];
    })
}
