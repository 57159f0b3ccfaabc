//! Unix sockets that pile up.

use super::claim::Claim;
use super::support;
use super::{Case, on_piles};
use crate::ledger::Kind;

cause! {
    /// A program connects to a local daemon (or accepts from clients) over a unix socket and never closes.
    ///
    /// # How it looks
    /// ss -x: hundreds of u_str rows of one process, all with the same peer process; the accepted side carries the server\'s path, the
    /// client side none.
    ///
    /// # Evidence for
    /// One client process with most of the connections; growth; a trace.
    ///
    /// # Evidence against
    /// A hub with as many client processes as connections, in use.
    ///
    /// # Mistaken for
    /// A busy message bus.
    ///
    /// # Confirm
    /// `ss -xp` twice, grouped by peer.
    ///
    /// # Now
    /// Restart the program.
    ///
    /// # For good
    /// One connection per client, closed on every path.
    ///
    /// # References
    /// unix(7).
    UnixNotClosed, "unix-not-closed", leak, "unix sockets are opened and never closed", weigh
}

fn weigh(case: &Case<'_>) -> Vec<Claim> {
    on_piles(case, "unix-not-closed", &[Kind::Unix], "opened again and again and never closed", |pile, claim| {
        support::own_remotes(case, pile, claim, pile.accepted == Some(true));
        support::by_trace(case, pile, claim, "a unix socket", |p| super::suspicion::leaves_open(Kind::Unix, p));
        support::by_logs(case, pile, claim, &["unix-not-closed"]);
        support::ask_for_trace(case, pile, claim);
        super::unix_not_closed::by_peers(case, pile, claim);
        claim.now = vec!["restart the program".into()];
        claim.fix = vec!["keep one connection to the daemon, or close each on every path".into()];
    })
}

/// Whom the sockets are connected with: one client process with hundreds of connections to one server has no use for them.
pub(super) fn by_peers(case: &Case<'_>, pile: &crate::ledger::Pile, claim: &mut Claim) {
    let Some((path, n)) = pile.traits.paths.first() else { return };
    let says = format!("{} of them carry the path {}: the accepted side", super::number(n as i64), case.names.text(path));
    claim.evidence.push(super::Evidence::new(
        super::Strength::Weak,
        super::Witnessed::Table,
        says,
        pile.traits.quotes.iter().take(1).cloned(),
    ));
    support::add_remote(claim, case.names.text(path), n, "path of the unix socket");
}
