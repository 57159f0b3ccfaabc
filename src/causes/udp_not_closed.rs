//! UDP sockets that pile up.

use super::claim::Claim;
use super::support;
use super::{Case, on_piles};
use crate::ledger::Kind;

cause! {
    /// A resolver, statsd or syslog client opens a UDP socket for each use and never closes it.
    ///
    /// # How it looks
    /// lsof: `UDP *:port` rows with different ephemeral ports, or connected ones to one server; ss: UNCONN rows; sockstat: UDP inuse
    /// grows.
    ///
    /// # Evidence for
    /// Growth; a trace with socket and sendto and no close; inodes spread over a long time.
    ///
    /// # Evidence against
    /// A constant number: pools of source ports are by design (resolvers, pollers).
    ///
    /// # Mistaken for
    /// Port exhaustion.
    ///
    /// # Confirm
    /// Two samples of `ss -uanp`.
    ///
    /// # Now
    /// Restart the program.
    ///
    /// # For good
    /// One socket per client object; close it. Netty: one resolver, shared.
    ///
    /// # References
    /// udp(7).
    UdpNotClosed, "udp-not-closed", leak, "UDP sockets are opened per use and never closed", weigh
}

fn weigh(case: &Case<'_>) -> Vec<Claim> {
    on_piles(case, "udp-not-closed", &[Kind::Udp], "opened for one use each and never closed", |pile, claim| {
        support::own_remotes(case, pile, claim, pile.accepted == Some(true));
        support::by_trace(case, pile, claim, "a UDP socket", |p| super::suspicion::leaves_open(Kind::Udp, p));
        support::by_logs(case, pile, claim, &["udp-not-closed"]);
        support::ask_for_trace(case, pile, claim);
        claim.now = vec!["restart the program".into()];
        claim.fix = vec!["keep one socket per client, and close it".into()];
    })
}
