//! Raw sockets that pile up.

use super::claim::Claim;
use super::support;
use super::{Case, on_piles};
use crate::ledger::Kind;

cause! {
    /// A monitor opens a raw (ICMP) socket per probe and never closes it. Each one receives a copy of every packet of its protocol,
    /// so probes become slower as they pile up.
    ///
    /// # How it looks
    /// - lsof: rows of type `raw` or `raw6`, `*:icmp`.
    /// - ss: `ss -wanp` lists them as UNCONN with protocol `icmp` or a number. netstat: `raw` rows, state 7. /proc/net/raw: one row
    ///   each.
    /// - `ss -s`: the RAW row grows. sockstat: `RAW: inuse` grows.
    /// - strace: `socket(AF_INET, SOCK_RAW, IPPROTO_ICMP)`, `sendto`, no `close`.
    /// - Recv-Q above 0 on all of them: copies that nobody reads.
    /// - log: as many checks or time-outs as sockets.
    ///
    /// # Evidence for
    /// - Growth; a trace; full queues on rows of one process.
    ///
    /// # Evidence against
    /// - One or two per prober, routing daemon or VRRP instance are normal.
    /// - Unprivileged ping sockets (`SOCK_DGRAM`, IPPROTO_ICMP) are counted with UDP-like sockets, not here.
    ///
    /// # Mistaken for
    /// - A ping flood.
    /// - A network fault, because late probes time out on a busy host.
    ///
    /// # Confirm
    /// - `ss -wanp`, twice; `grep RAW: /proc/net/sockstat`.
    ///
    /// # Now
    /// - Restart the program.
    ///
    /// # For good
    /// - All: one socket per prober and protocol, with the identifier telling answers apart; else close it after each probe, also on
    ///   time-out.
    /// - Go: `conn.Close()` of icmp.ListenPacket. Python: `with` around the socket. Node: `session.close()` of raw or ping sessions.
    /// - C: close in the branch where the answer never came.
    ///
    /// # References
    /// raw(7), icmp(7); net/ipv4/raw.c.
    RawNotClosed, "raw-not-closed", leak, "raw sockets are opened and never closed", weigh
}

fn weigh(case: &Case<'_>) -> Vec<Claim> {
    on_piles(case, "raw-not-closed", &[Kind::Raw], "opened for one probe each and never closed", |pile, claim| {
        support::own_remotes(case, pile, claim, pile.accepted == Some(true));
        support::by_trace(case, pile, claim, "a raw socket", |p| crate::ledger::leaves_open(Kind::Raw, p));
        support::by_logs(case, pile, claim, &["raw-not-closed"]);
        support::ask_for_trace(case, pile, claim);
        claim.now = vec!["restart the program".into()];
        claim.fix = vec!["keep one raw socket for all probes, or close each".into()];
    })
}
