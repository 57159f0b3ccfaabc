//! A server has stopped accepting.

use super::claim::{Class, Evidence, Strength, Witnessed};
use super::support;
use super::{Case, Claim, number};
use crate::facts::SocketState;
use crate::ledger::Family;

cause! {
    /// Connections wait in the accept queue because the server has stopped accepting: it hangs, is stopped, or is at its descriptor
    /// limit.
    ///
    /// # How it looks
    /// As backlog-overflow, and the waiting clients have given up (CLOSE-WAIT without owner, requests unread); strace without accept, or
    /// accept failing with EMFILE.
    ///
    /// # Evidence for
    /// Ownerless CLOSE-WAIT rows; a stopped process; a trace without accept.
    ///
    /// # Evidence against
    /// Accepts in the trace.
    ///
    /// # Mistaken for
    /// backlog-overflow, where it accepts too slowly; a leak of CLOSE-WAIT.
    ///
    /// # Confirm
    /// `strace -f -e trace=accept,accept4 -p PID` for a few seconds.
    ///
    /// # Now
    /// A thread dump, then restart.
    ///
    /// # For good
    /// Mend what blocks the accepting thread.
    ///
    /// # References
    /// accept(2).
    AcceptStalled, "accept-stalled", lookalike, "a server does not accept at all any more", weigh
}

fn weigh(case: &Case<'_>) -> Vec<Claim> {
    let mut claims = Vec::new();
    if let Some((listener, waiting)) = super::backlog_overflow::fullest(case) {
        let gone = gone(case, listener.local.port());
        let owner = super::backlog_overflow::listener_owner(case, listener);
        let pid = owner.as_ref().and_then(|o| o.pids.first()).map(|p| p.0);
        let stopped = pid.and_then(|p| case.snapshot.processes.get(&p)).is_some_and(|p| matches!(p.state, Some(b'T' | b't' | b'D')));
        let traces: Vec<_> = case.snapshot.traces.iter().filter(|t| t.pid.is_some() && t.pid == pid).collect();
        let silent = !traces.is_empty() && traces.iter().all(|t| !t.by_name.contains_key("accept") && t.emfile.0 == 0);
        if gone * 2 > waiting || stopped || silent {
            let mut claim = support::note("accept-stalled", Class::Exhaustion, "waiting for a server that has stopped accepting");
            claim.owner = owner;
            claim.count = Some(listener.queue.unwrap_or(0).max(waiting));
            let says =
                format!("{} connections wait to be accepted on {}", number(listener.queue.unwrap_or(0) as i64), case.show(listener.local));
            claim.evidence.push(Evidence::new(Strength::Strong, Witnessed::Table, says, [listener.quote.clone()]));
            if gone > 0 {
                let says = format!("{} of the waiting clients have already gone (CLOSE-WAIT without owner)", number(gone as i64));
                claim.evidence.push(Evidence::new(Strength::Strong, Witnessed::Table, says, []));
            }
            if stopped {
                claim.evidence.push(Evidence::new(
                    Strength::Decisive,
                    Witnessed::Listing,
                    "the process is stopped or in uninterruptible sleep",
                    [],
                ));
            }
            if silent {
                claim.evidence.push(Evidence::new(Strength::Strong, Witnessed::Trace, "the trace shows no accept at all", []));
            }
            support::add_remote(&mut claim, case.show(listener.local), listener.queue.unwrap_or(0), "the listener");
            claim.now = vec!["take a thread dump of the server, then restart it".into()];
            claim.fix = vec!["mend what blocks the accepting thread".into()];
            claims.push(claim);
        }
    }
    claims
}

fn gone(case: &Case<'_>, port: u16) -> u64 {
    let Some(view) = case.ledger.best(Family::Tcp) else { return 0 };
    let groups = view.groups(Family::Tcp).filter(|g| g.owner.is_none() && g.state == SocketState::CloseWait);
    groups.map(|g| g.locals.sorted().iter().filter(|(e, _)| e.port() == port).map(|(_, n)| n).sum::<u64>()).sum()
}
