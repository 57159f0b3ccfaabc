//! Server side: live but idle connections that nobody ever ends.

use super::claim::{Claim, Evidence, Strength, Witnessed};
use super::support;
use super::{Case, on_piles};
use crate::ledger::Kind;

cause! {
    /// A server keeps connections of clients that are alive and say nothing, without an idle time limit: their number only grows.
    ///
    /// # How it looks
    /// ESTABLISHED rows on the service port, Recv-Q 0, long `lastrcv` in `ss -i`; descriptors as many as connections; no unlisted sockets.
    ///
    /// # Evidence for
    /// Growth at constant load; idle times of minutes on most rows; a descriptor limit filled by them.
    ///
    /// # Evidence against
    /// Traffic on them; a count that stays.
    ///
    /// # Mistaken for
    /// accept-not-closed, where the clients have gone; busy-not-leaking, where they are in use.
    ///
    /// # Confirm
    /// `ss -tnio 'sport = :PORT'`, twice.
    ///
    /// # Now
    /// Restart or drain; an idle time limit in the balancer in front, if there is one.
    ///
    /// # For good
    /// Idle and header time limits, keepalive for peers that vanished, limits per client.
    ///
    /// # References
    /// tcp(7) keepalive.
    IdleNotReaped, "idle-not-reaped", leak, "idle connections of live clients are never ended", weigh
}

fn weigh(case: &Case<'_>) -> Vec<Claim> {
    on_piles(case, "idle-not-reaped", &[Kind::Established], "alive, idle, and never ended by the server", |pile, claim| {
        let rows = || pile.traits.quotes.iter().take(1).cloned();
        match pile.accepted {
            Some(true) => claim.evidence.push(Evidence::new(
                Strength::Moderate,
                Witnessed::Table,
                "the local port is the server's own: these were accepted",
                rows(),
            )),
            Some(false) => {
                claim.against.push(Evidence::new(Strength::Strong, Witnessed::Table, "the program opened these connections itself", rows()))
            }
            None => {}
        }
        let t = &pile.traits;
        if t.idle_known > 0 {
            let says = format!(
                "{} of {} connections received nothing for a minute or more",
                super::number(t.idle_minute as i64),
                super::number(t.idle_known as i64)
            );
            if t.idle_minute * 10 >= t.idle_known * 7 {
                claim.evidence.push(Evidence::new(Strength::Strong, Witnessed::Table, says, rows()));
            } else {
                claim.against.push(Evidence::new(Strength::Moderate, Witnessed::Table, says, rows()));
            }
        }
        if t.unread * 2 > pile.count {
            claim.against.push(Evidence::new(Strength::Moderate, Witnessed::Table, "most have data that the server has not read", rows()));
        }
        support::own_remotes(case, pile, claim, true);
        claim.now = vec!["restart or drain the server".into()];
        claim.fix = vec!["an idle time limit, TCP keepalive, and a limit of connections per client".into()];
    })
}
