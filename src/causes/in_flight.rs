//! Sockets passed over a unix socket and never received.

use super::Case;
use super::claim::{Claim, Class, Evidence, Strength, Witnessed};
use super::support;
use crate::ledger::{CountIs, Family, Kind, Owner};

cause! {
    /// A process sends descriptors over a unix socket (SCM_RIGHTS), and the receiver never takes them: the sockets exist, no process
    /// holds them.
    ///
    /// # How it looks
    /// ss: rows with an inode and no owner although the capture saw all processes; unix rows with unread bytes; strace: sendmsg with
    /// SCM_RIGHTS.
    ///
    /// # Evidence for
    /// Such rows in numbers; the trace; unread messages on a unix socket.
    ///
    /// # Evidence against
    /// A capture without privilege, or without the other pid namespace: then the owner is only not visible.
    ///
    /// # Mistaken for
    /// owner-not-visible.
    ///
    /// # Confirm
    /// `ss -xp` for unix sockets with Recv-Q; strace of the sender.
    ///
    /// # Now
    /// Restart the receiver: its queue and what is in it are freed.
    ///
    /// # For good
    /// Receive and close, or bound what is sent.
    ///
    /// # References
    /// unix(7) SCM_RIGHTS; net/unix/garbage.c.
    InFlight, "in-flight", leak, "descriptors sent over a unix socket are never received", weigh
}

fn weigh(case: &Case<'_>) -> Vec<Claim> {
    let sent = case.snapshot.traces.iter().find(|t| t.rights.0 > t.rights.1 && t.rights.0 >= 2);
    let unread: u64 = case.ledger.best(Family::Unix).map_or(0, |v| v.groups(Family::Unix).map(|g| g.unread).sum());
    let Some((kind, count, quotes)) = super::owner_not_visible::without_holder(case) else {
        let Some(trace) = sent else { return Vec::new() };
        return vec![sender(case, trace, Kind::Unidentified, None)];
    };
    let Some(trace) = sent else {
        if unread == 0 {
            return Vec::new();
        }
        let mut claim = support::note("in-flight", Class::Leak, "in flight over a unix socket, received by nobody");
        (claim.kind, claim.count, claim.is) = (Some(kind), Some(count), CountIs::AtLeast);
        let says = format!("{} sockets have an inode and no holder, and unix sockets have unread messages", super::number(count as i64));
        claim.evidence.push(Evidence::new(Strength::Moderate, Witnessed::Table, says, quotes));
        return vec![claim];
    };
    let mut claim = sender(case, trace, kind, Some(count));
    let says = format!("{} sockets have an inode and no holder", super::number(count as i64));
    claim.evidence.push(Evidence::new(Strength::Strong, Witnessed::Table, says, quotes));
    vec![claim]
}

fn sender(case: &Case<'_>, trace: &crate::capture::trace::Trace, kind: Kind, count: Option<u64>) -> Claim {
    let mut claim = support::note("in-flight", Class::Leak, "in flight over a unix socket, received by nobody");
    let proc = trace.pid.and_then(|pid| case.snapshot.processes.get(&pid));
    claim.owner = trace.pid.map(|pid| Owner {
        command: proc.map_or(String::new(), |p| p.command.clone()),
        program: proc.map_or(String::new(), |p| p.program()),
        cmdline: proc.map_or(String::new(), |p| p.cmdline.clone()),
        user: proc.map_or(String::new(), |p| p.user.clone()),
        pids: vec![(pid, count.unwrap_or(0))],
    });
    (claim.kind, claim.count, claim.is) = (Some(kind), count, CountIs::AtLeast);
    let says = format!("strace: descriptors were sent with SCM_RIGHTS {} times and received {} times", trace.rights.0, trace.rights.1);
    claim.evidence.push(Evidence::new(Strength::Strong, Witnessed::Trace, says, trace.rights.2.0.clone()));
    claim.now = vec!["restart the receiver of the unix socket: what is queued for it is freed".into()];
    claim.fix = vec!["receive and close what is sent, and bound what may be sent".into()];
    claim
}
