//! Netlink sockets that pile up.

use super::claim::Claim;
use super::support;
use super::{Case, on_piles};
use crate::ledger::Kind;

cause! {
    /// A daemon opens a netlink socket per reload, poll or request and never closes it.
    ///
    /// # How it looks
    /// lsof: `netlink ... ROUTE` rows; ss -f netlink; old lsof says `can\'t identify protocol` for them.
    ///
    /// # Evidence for
    /// Growth with reloads or polls; a trace.
    ///
    /// # Evidence against
    /// A few per daemon and per container are normal.
    ///
    /// # Mistaken for
    /// TCP leaks, with an old lsof.
    ///
    /// # Confirm
    /// `ss -f netlink -p | wc -l` before and after a reload.
    ///
    /// # Now
    /// Restart the daemon.
    ///
    /// # For good
    /// Close the socket on every path, also when binding or parsing fails.
    ///
    /// # References
    /// netlink(7).
    NetlinkNotClosed, "netlink-not-closed", leak, "netlink sockets are opened and never closed", weigh
}

fn weigh(case: &Case<'_>) -> Vec<Claim> {
    on_piles(case, "netlink-not-closed", &[Kind::Netlink], "opened again and again and never closed", |pile, claim| {
        support::own_remotes(case, pile, claim, pile.accepted == Some(true));
        support::by_trace(case, pile, claim, "a netlink socket", |p| super::suspicion::leaves_open(Kind::Netlink, p));
        support::by_logs(case, pile, claim, &["netlink-not-closed"]);
        support::ask_for_trace(case, pile, claim);
        claim.now = vec!["restart the daemon".into()];
        claim.fix = vec!["close the netlink socket on every path, also after an error".into()];
    })
}
