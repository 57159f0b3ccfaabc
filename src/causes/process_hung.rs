//! A process that makes no progress.

use super::claim::{Class, Evidence, Strength, Witnessed};
use super::support;
use super::{Case, Claim};
use crate::ledger::Owner;

cause! {
    /// A process (or the thread that matters) waits in one call and does nothing else; its connections pile up on the other side.
    ///
    /// # How it looks
    /// State D or T; strace: one call that never returns, or polls that time out again and again; CLOSE-WAIT with unread requests.
    ///
    /// # Evidence for
    /// The trace; the state.
    ///
    /// # Evidence against
    /// A futex with a thread id and no time limit on the first thread is the launcher of every JVM joining its main thread: no hang.
    ///
    /// # Mistaken for
    /// A healthy JVM.
    ///
    /// # Confirm
    /// `strace -f -p PID`, a thread dump.
    ///
    /// # Now
    /// A thread dump, then restart.
    ///
    /// # For good
    /// Time limits on every wait.
    ///
    /// # References
    /// futex(2), proc(5) State.
    ProcessHung, "process-hung", lookalike, "a process waits for something that does not come", weigh
}

fn weigh(case: &Case<'_>) -> Vec<Claim> {
    let mut claims = Vec::new();
    for (&pid, proc) in &case.snapshot.processes {
        let stopped = match proc.state {
            Some(b'T' | b't') => "is stopped",
            Some(b'D') => "is in uninterruptible sleep",
            _ => continue,
        };
        let holds = case.ledger.holdings.get(&pid).map_or(0, |h| h.sockets());
        if holds == 0 || claims.len() >= 2 {
            continue;
        }
        let mut claim = support::note("process-hung", Class::Note, format!("it {stopped}"));
        claim.owner = Some(Owner {
            command: proc.command.clone(),
            program: proc.program(),
            cmdline: proc.cmdline.clone(),
            user: proc.user.clone(),
            pids: vec![(pid, holds)],
        });
        claim.evidence.push(Evidence::new(Strength::Strong, Witnessed::Listing, format!("pid {pid} {stopped}"), proc.cmdline_at.clone()));
        claim.now =
            vec![format!("see what it waits for: cat /proc/{pid}/wchan /proc/{pid}/stack; a stopped one goes on with kill -CONT {pid}")];
        claims.push(claim);
    }
    claims
}
