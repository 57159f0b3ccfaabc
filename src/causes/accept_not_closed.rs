//! Server side: accepted connections that the program never closes.

use super::claim::{Claim, Evidence, Strength, Witnessed};
use super::support;
use super::{Case, on_piles};
use crate::capture::trace::Origin;
use crate::ledger::Kind;

cause! {
    /// A server accepts connections and never closes them: its clients leave, its descriptors stay.
    ///
    /// # How it looks
    /// CLOSE-WAIT rows (or ESTABLISHED ones with unread data, or unlisted ones once reset) whose local port is the server's own, many client
    /// ports; at the limit `accept4 = -1 EMFILE` in a loop, and more connections without owner in the accept queue.
    ///
    /// # Evidence for
    /// The rows; a trace with accept and no close; handlers stuck (goroutines, threads) as many as sockets.
    ///
    /// # Evidence against
    /// Rows without owner: never accepted, so nothing that could be closed (backlog-overflow, accept-stalled).
    ///
    /// # Mistaken for
    /// A limit that is too low: raising it delays the end. A SYN flood.
    ///
    /// # Confirm
    /// `ss -tanp 'sport = :PORT'` twice; a thread or goroutine dump at the same time.
    ///
    /// # Now
    /// Restart; a lower idle time limit on the balancer in front does not help.
    ///
    /// # For good
    /// Close when the client has gone (read returns 0 or an error); deadlines for handlers shorter than the clients' patience.
    ///
    /// # References
    /// accept(2); net/http Server.Serve backs off on EMFILE and hides it.
    AcceptNotClosed, "accept-not-closed", leak, "accepted connections are never closed", weigh
}

fn weigh(case: &Case<'_>) -> Vec<Claim> {
    let kinds = [Kind::CloseWait, Kind::Established, Kind::Closed, Kind::Unidentified];
    on_piles(case, "accept-not-closed", &kinds, "accepted and never closed by the program", |pile, claim| {
        let rows = || pile.traits.quotes.iter().take(1).cloned();
        let accepted = pile.accepted == Some(true);
        match (pile.kind, pile.accepted) {
            (Kind::CloseWait, Some(true)) => claim.evidence.push(Evidence::new(
                Strength::Strong,
                Witnessed::Table,
                "the local port is the server's own: these were accepted, and their clients have gone",
                rows(),
            )),
            (Kind::Established, Some(true)) if pile.traits.unread * 2 > pile.count => {
                let says = format!("{} of them have requests that nobody reads", super::number(pile.traits.unread as i64));
                claim.evidence.push(Evidence::new(Strength::Strong, Witnessed::Table, says, rows()));
            }
            (Kind::Established, Some(true)) if claim.evidence.iter().any(|e| e.says.contains("handlers are stuck")) => {
                let says = "the local port is the server's own, and its handlers do not come back";
                claim.evidence.push(Evidence::new(Strength::Strong, Witnessed::Table, says, rows()));
            }
            (Kind::Closed | Kind::Unidentified, _) => server_only(case, pile, claim),
            (_, Some(false)) => claim.against.push(Evidence::new(
                Strength::Strong,
                Witnessed::Table,
                "the local ports are not listened on: the program opened these itself",
                rows(),
            )),
            _ => {}
        }
        if accepted || pile.kind != Kind::Closed {
            support::own_remotes(case, pile, claim, accepted);
        }
        // How an unlisted socket ended is another cause's matter where the trace tells it.
        let ended = |p: &crate::capture::trace::Pattern| p.reset || p.shutdown;
        let fits = |p: &crate::capture::trace::Pattern| match pile.kind {
            Kind::CloseWait => p.origin == Origin::Accept && (p.eof || !p.used),
            Kind::Closed | Kind::Unidentified => p.origin == Origin::Accept && !ended(p),
            _ => p.origin == Origin::Accept,
        };
        support::by_trace(case, pile, claim, "accept() of a connection", fits);
        support::by_logs(case, pile, claim, &["accept-not-closed"]);
        support::ask_for_trace(case, pile, claim);
        claim.now = vec!["restart the server; a higher descriptor limit only delays the end".into()];
        claim.fix = vec!["close each accepted connection when its client has gone, and give handlers a deadline".into()];
    })
}

/// Unlisted sockets of a program that only listens can only have been accepted.
fn server_only(case: &Case<'_>, pile: &crate::ledger::Pile, claim: &mut Claim) {
    if !support::listens(case, pile) {
        let says = "nothing shows the program listening";
        claim.against.push(Evidence::new(Strength::Moderate, Witnessed::Table, says, []));
        return;
    }
    let connects = case.ledger.piles.iter().any(|p| {
        super::case::same_owner(p, pile)
            && matches!(p.kind, Kind::Established | Kind::SynSent | Kind::CloseWait)
            && p.accepted == Some(false)
    });
    if connects {
        return;
    }
    claim.evidence.push(Evidence::new(
        Strength::Moderate,
        Witnessed::Table,
        "the program listens and shows no connection that it opened itself",
        [],
    ));
    let before = claim.evidence.len();
    support::by_counter(case, pile, claim, "snmp.tcp.passive_opens", "accepted connections");
    // As many accepts as sockets say which side they are of, not how they ended; another cause may tell that.
    for evidence in claim.evidence.iter_mut().skip(before) {
        evidence.strength = evidence.strength.min(Strength::Moderate);
    }
}
