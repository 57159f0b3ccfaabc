//! Packet sockets that pile up.

use super::claim::Claim;
use super::support;
use super::{Case, on_piles};
use crate::ledger::Kind;

cause! {
    /// A monitor or DHCP client opens a packet socket per check and never closes it; each one also copies every frame.
    ///
    /// # How it looks
    /// lsof: `pack` rows; ss -0; /proc/net/packet.
    ///
    /// # Evidence for
    /// Growth; a trace.
    ///
    /// # Evidence against
    /// One per interface is normal.
    ///
    /// # Mistaken for
    /// A capture tool at work.
    ///
    /// # Confirm
    /// `ss -0p` twice.
    ///
    /// # Now
    /// Restart the program; each such socket costs CPU for every frame.
    ///
    /// # For good
    /// Close it, or keep one.
    ///
    /// # References
    /// packet(7).
    PacketNotClosed, "packet-not-closed", leak, "packet sockets are opened and never closed", weigh
}

fn weigh(case: &Case<'_>) -> Vec<Claim> {
    on_piles(case, "packet-not-closed", &[Kind::Packet], "opened again and again and never closed", |pile, claim| {
        support::own_remotes(case, pile, claim, pile.accepted == Some(true));
        support::by_trace(case, pile, claim, "a packet socket", |p| super::suspicion::leaves_open(Kind::Packet, p));
        support::by_logs(case, pile, claim, &["packet-not-closed"]);
        support::ask_for_trace(case, pile, claim);
        claim.now = vec!["restart the program; each of these sockets copies every frame".into()];
        claim.fix = vec!["keep one packet socket per interface, and close it".into()];
    })
}
