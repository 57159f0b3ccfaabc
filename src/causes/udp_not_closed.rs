//! UDP sockets that pile up.

use super::claim::Claim;
use super::support;
use super::{Case, on_piles};
use crate::ledger::{Kind, Pile};

cause! {
    /// A resolver, statsd, syslog or SNMP client opens a UDP socket for each use and never closes it.
    ///
    /// # How it looks
    /// - lsof: `UDP *:46123` rows with different ephemeral ports, or `UDP a:p->b:53` where the client connects the socket first.
    /// - ss, netstat: UNCONN rows (ESTAB for connected ones) of one process, Recv-Q 0 or the bytes of one late answer.
    /// - `ss -s`: the UDP row of the table grows. sockstat: UDP inuse grows.
    /// - /proc/net/udp: one row each, state 07 (or 01 when connected).
    /// - A socket that was never bound nor used is in no table: lsof then says `protocol: UDP`.
    /// - strace: `socket(AF_INET, SOCK_DGRAM)`, `sendto` or `connect`, perhaps `recvfrom`, no `close`.
    /// - log: mostly silent; late, `Too many open files`.
    ///
    /// # Evidence for
    /// - Growth; a trace with socket and no close.
    /// - One socket per flush, query or message, so that rate times time fits the count.
    /// - Descriptor numbers in one run, of sockets without a peer: none was closed while the others came.
    /// - Inodes spread over a long time.
    /// - Hundreds on one and the same local end, connected to nobody: one hears all.
    ///
    /// # Evidence against
    /// - A constant number: resolvers keep pools of source ports on purpose, and pollers keep one socket per device.
    /// - A trace that shows data on many of them.
    ///
    /// # Mistaken for
    /// - `port-exhaustion`: UDP ports have their own space, and the descriptor limit comes first.
    /// - A DNS fault, because lookups fail once no descriptor is left.
    ///
    /// # Confirm
    /// - `ss -uanp`, twice, counted by process; `grep UDP: /proc/net/sockstat`.
    /// - `strace -f -e trace=network,close -p PID` over one flush interval.
    ///
    /// # Now
    /// - Restart the program.
    ///
    /// # For good
    /// - All: one socket per client object, made once; close it when the object goes.
    /// - Java: one DatagramSocket per reporter; Netty: one DnsNameResolver, shared, not one per request.
    /// - Go: `defer conn.Close()` after net.DialUDP; statsd libraries: one client. Node: `dgram` sockets need `close()`; one for all
    ///   sends.
    /// - Python: keep the socket in the handler; logging.handlers.SysLogHandler must be closed when loggers are rebuilt. PHP:
    ///   persistent `pfsockopen`, or one socket per request closed at its end.
    /// - C: res_nclose() after res_ninit() in every thread; close in the branch where sendto fails.
    ///
    /// # References
    /// udp(7), resolver(3); github.com/netty/netty issue 13013; by design: github.com/TechnitiumSoftware/DnsServer issue 854,
    /// github.com/rspamd/rspamd issue 2148.
    UdpNotClosed, "udp-not-closed", leak, "UDP sockets are opened per use and never closed", weigh
}

fn weigh(case: &Case<'_>) -> Vec<Claim> {
    on_piles(case, "udp-not-closed", &[Kind::Udp], "opened for one use each and never closed", |pile, claim| {
        support::own_remotes(case, pile, claim, pile.accepted == Some(true));
        support::by_trace(case, pile, claim, "a UDP socket", |p| crate::ledger::leaves_open(Kind::Udp, p));
        support::by_logs(case, pile, claim, &["udp-not-closed"]);
        support::ask_for_trace(case, pile, claim);
        claim.count = Some(opened(case, pile));
        claim.now = vec!["restart the program".into()];
        claim.fix = vec!["keep one socket per client, and close it".into()];
        if super::one_end::of_pile(case, pile).is_some() {
            claim.says = "opened on one local end again and again and never closed".into();
            claim.fix = vec!["keep one socket for each local end, and close it before it is opened anew".into()];
        }
    })
}

/// How many were opened for a use: those on the few ports that the program chose are its own.
fn opened(case: &Case<'_>, pile: &Pile) -> u64 {
    if let Some((_, n)) = super::one_end::of_pile(case, pile) {
        return n;
    }
    let own = super::by_kind::chosen_ports(case, pile);
    if own * 20 <= pile.count { pile.count - own } else { pile.count }
}
