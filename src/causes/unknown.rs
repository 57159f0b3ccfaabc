//! Sockets leak and the capture does not show why.

use super::claim::{Claim, Evidence, Strength, Witnessed};
use super::support;
use super::{Case, on_piles};
use crate::ledger::Kind;

cause! {
    /// The capture shows that sockets are left open and who holds them, but nothing that tells which mistake leaves them open.
    ///
    /// # How it looks
    /// - lsof, /proc/PID/fd: a pile of one kind under one program.
    /// - ss, netstat, `ss -s`, sockstat: agree on the number, or cannot see it.
    /// - strace: absent, too short, or of another process.
    /// - log: absent, or without a line about connections.
    ///
    /// # Evidence for
    /// - The pile, its growth, or the limit it fills: one that was captured, or a usual one at which the numbers end.
    ///
    /// # Evidence against
    /// - Any evidence for another cause: then that one is named.
    ///
    /// # Mistaken for
    /// - Nothing: it is what remains. It does not say that the cause is exotic.
    ///
    /// # Confirm
    /// - The commands listed in the report under what is missing; first of all `strace -f -tt -T -e trace=network,close -p PID` over
    ///   one period of the leak.
    /// - Two captures of `/proc/net/snmp` beside the sockets: AttemptFails, EstabResets and ActiveOpens tell failed, reset and never
    ///   connected apart.
    ///
    /// # Now
    /// - Restart before the descriptor limit; `prlimit --pid PID --nofile=SOFT:HARD` buys time.
    /// - Capture before the restart: it destroys the evidence.
    ///
    /// # For good
    /// - Java: `jstack` for threads, `jmap -histo` for client objects; Go: pprof goroutine; Node: `process._getActiveHandles()`;
    ///   Python: `gc.get_objects()` filtered by socket, `-X dev` for ResourceWarning.
    /// - Then mend the cause that the new capture shows.
    ///
    /// # References
    /// strace(1), proc(5).
    Unknown, "unknown", leak, "a leak whose cause the capture does not show", weigh
}

fn weigh(case: &Case<'_>) -> Vec<Claim> {
    on_piles(case, "unknown", &[Kind::Closed, Kind::Unidentified], "left open for a reason the capture does not show", |pile, claim| {
        for (sighting, doubt) in case.doubted(pile).into_iter().take(2) {
            let at = [sighting.first.clone(), sighting.last.clone()].into_iter().take(if sighting.count > 1 { 2 } else { 1 });
            claim.evidence.push(Evidence::new(Strength::Weak, Witnessed::Log, doubt.says, at));
        }
        support::ask_for_trace(case, pile, claim);
        claim.now = vec![support::restart(pile)];
        let shows = match pile.kind {
            Kind::Closed => "the trace shows whether they were never connected, failed to, were reset, or were shut down on both sides",
            _ => "the trace shows which call leaves the sockets open",
        };
        claim.fix = vec![format!("capture what is missing; {shows}")];
    })
}
