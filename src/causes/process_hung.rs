//! A process that makes no progress.

use super::claim::{Class, Evidence, Strength, Witnessed};
use super::support;
use super::{Case, Claim};
use crate::ledger::Owner;

cause! {
    /// A process (or the thread that matters) waits in one call and does nothing else; its connections pile up on the other side, or
    /// in its own queues.
    ///
    /// # How it looks
    /// - /proc/PID/status: state D or T; /proc/PID/wchan and stack: where in the kernel it sleeps.
    /// - strace: one call that never returns (`futex`, `read`, `fcntl(F_SETLKW)`), or polls that time out again and again.
    /// - ss, netstat: CLOSE-WAIT or ESTABLISHED rows with unread requests (Recv-Q above 0); a listener with a queue.
    /// - lsof: sockets of the process do not change between two listings.
    /// - `ss -s`, sockstat: slow growth by what clients abandon.
    /// - log: the last line is old; kernel `task ... blocked for more than 120 seconds`.
    ///
    /// # Evidence for
    /// - The trace; the state; queues that do not move between captures.
    ///
    /// # Evidence against
    /// - A futex with a thread id and no time limit on the first thread is the launcher of every JVM joining its main thread: no
    ///   hang.
    /// - Other threads that work.
    ///
    /// # Mistaken for
    /// - A healthy JVM, Go program or thread pool at rest: idle threads wait too.
    /// - A leak: it will close when it goes on.
    ///
    /// # Confirm
    /// - `strace -f -p PID` for a few seconds; `cat /proc/PID/stack /proc/PID/wchan`; a thread dump, twice, and compare.
    ///
    /// # Now
    /// - Take the dump, then restart. State D does not end by a signal: look at the disk, NFS server or device it waits for.
    ///
    /// # For good
    /// - Time limits on every wait: locks, pools, DNS, databases, HTTP.
    /// - Java: lock with tryLock(timeout), pool with a maximum wait; Go: contexts; Python: timeout= everywhere; Node: no synchronous
    ///   calls in handlers.
    /// - A watchdog: systemd WatchdogSec, liveness probes in Kubernetes.
    ///
    /// # References
    /// futex(2), proc(5) State and wchan; Documentation/admin-guide/sysctl/kernel.rst hung_task_timeout_secs.
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
