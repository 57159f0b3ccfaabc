//! Client side: the peer has closed, this program has not.

use super::claim::{Claim, Evidence, Strength, Witnessed};
use super::support;
use super::{Case, on_piles};
use crate::ledger::Kind;

cause! {
    /// Connections that this program opened were closed by the peer, and the program does not close its end: CLOSE-WAIT piles up.
    ///
    /// # How it looks
    /// ss, netstat, lsof: CLOSE-WAIT rows with an owner, local port ephemeral, remote port a service. Recv-Q 1 is the FIN alone.
    /// CLOSE-WAIT has no time limit; only close() by the owner ends it.
    ///
    /// # Evidence for
    /// The rows themselves; a trace with `read = 0` and no close; growth.
    ///
    /// # Evidence against
    /// Few, bounded by a pool's size, and cleaned at the next use; rows without owner, which wait in an accept queue.
    ///
    /// # Mistaken for
    /// TIME-WAIT tuning and keepalive settings, which do not touch CLOSE-WAIT; a leak of the remote.
    ///
    /// # Confirm
    /// `ss -tanp state close-wait` twice.
    ///
    /// # Now
    /// Restart, or reload the pool; `ss -K` can end such connections.
    ///
    /// # For good
    /// Treat read() == 0 as the end and close. HTTP clients: read or discard the body and close the response; Go: `defer resp.Body.Close()`;
    /// Java: return the connection in finally; Node: do not set allowHalfOpen without ending the socket.
    ///
    /// # References
    /// RFC 9293 section 3.6.
    PeerClosedNotClosed, "peer-closed-not-closed", leak, "peers have closed, the program keeps its end open", weigh
}

fn weigh(case: &Case<'_>) -> Vec<Claim> {
    on_piles(case, "peer-closed-not-closed", &[Kind::CloseWait], "closed by the peer and kept open by the program", |pile, claim| {
        support::own_remotes(case, pile, claim, pile.accepted == Some(true));
        let rows = || pile.traits.quotes.iter().take(1).cloned();
        match pile.accepted {
            Some(true) => claim.against.push(Evidence::new(
                Strength::Strong,
                Witnessed::Table,
                "the local port is one the host listens on: these were accepted, not opened",
                rows(),
            )),
            Some(false) => claim.evidence.push(Evidence::new(
                Strength::Moderate,
                Witnessed::Table,
                "the local ports are ephemeral and the remote is a service: the program opened them",
                rows(),
            )),
            None => {}
        }
        if pile.traits.unread_one * 2 > pile.count {
            let says = format!(
                "{} of them have exactly the FIN unread: the program does not look at them any more",
                super::number(pile.traits.unread_one as i64)
            );
            claim.evidence.push(Evidence::new(Strength::Weak, Witnessed::Table, says, rows()));
        }
        support::by_trace(case, pile, claim, "a read that returns 0 (the peer has closed)", |p| {
            p.eof && p.origin != crate::capture::trace::Origin::Accept
        });
        support::by_logs(case, pile, claim, &["peer-closed-not-closed"]);
        support::ask_for_trace(case, pile, claim);
        claim.now = vec!["restart the program or reload its pool; nothing else ends CLOSE-WAIT".into()];
        claim.fix = vec!["close when a read returns 0, and close or return each connection on every path".into()];
    })
}
