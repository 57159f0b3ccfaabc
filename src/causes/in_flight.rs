//! Sockets passed over a unix socket and never received.

use super::Case;
use super::claim::{Claim, Class, Evidence, Strength, Witnessed};
use super::support;
use crate::capture::Quote;
use crate::capture::trace::Trace;
use crate::facts::SocketState;
use crate::ledger::{CountIs, Family, Kind, Owner};

cause! {
    /// A process sends descriptors over a unix socket (SCM_RIGHTS), and the receiver never takes them: the sockets exist and no
    /// process holds them.
    ///
    /// # How it looks
    /// - ss, netstat: rows with an inode and no owner, although the capture saw all processes with privilege.
    /// - `ss -x`: a unix socket of the receiver with Recv-Q above 0.
    /// - lsof: nothing. sockstat: alloc and inuse contain them; `ss -s` too.
    /// - strace of the sender: `sendmsg(N, {... cmsg_type=SCM_RIGHTS ...})` and then `close`; of the receiver: no recvmsg.
    /// - log: the receiver's is silent; it hangs or has ended its loop.
    ///
    /// # Evidence for
    /// - Ownerless rows in numbers, a trace with SCM_RIGHTS, unread messages on a unix socket.
    ///
    /// # Evidence against
    /// - A capture without privilege, or without the other pid namespace: then the owner is only not visible.
    /// - Ownerless rows with inode 0 wait in an accept queue (`accept-stalled`) or are orphans.
    ///
    /// # Mistaken for
    /// - `owner-not-visible`, `kernel-leak`.
    ///
    /// # Confirm
    /// - `ss -xp` for unix sockets with Recv-Q; `strace -f -e trace=sendmsg,recvmsg -p SENDER`.
    /// - io_uring can hold files too: `ls -l /proc/*/fd | grep io_uring`, then `/proc/PID/fdinfo/N`.
    ///
    /// # Now
    /// - Restart the receiver: its queue and what is in it are freed.
    ///
    /// # For good
    /// - C: receive and close, or bound what is sent: check the queue (SO_SNDBUF, RLIMIT_NOFILE bounds descriptors in flight per
    ///   user).
    /// - nginx, HAProxy, Envoy and systemd pass listeners in this way at reload: upgrade the receiver first; the old process must
    ///   end.
    /// - Docker and containerd shims pass consoles and stdio: restart the shim's client, not the daemon.
    /// - Python: `socket.recv_fds` returns numbers that must be closed by hand. Node: cluster workers that are busy for ever keep
    ///   handles queued.
    ///
    /// # References
    /// unix(7) SCM_RIGHTS; net/unix/garbage.c; io_uring_register(2).
    InFlight, "in-flight", leak, "descriptors sent over a unix socket are never received", weigh
}

/// Fewer connections are not told from those of a moment.
const FEW: u64 = 20;

/// The longest message in bytes that comes with a descriptor, as a rule: it only has to be one.
const MESSAGE: u64 = 16;

fn weigh(case: &Case<'_>) -> Vec<Claim> {
    let sent = case.snapshot.traces.iter().find(|t| is_unanswered(t));
    let unread: u64 = case.ledger.best(Family::Unix).map_or(0, |v| v.groups(Family::Unix).map(|g| g.unread).sum());
    let Some((kind, count, quotes)) = super::owner_not_visible::without_holder(case).or_else(|| as_many_as_unread(case)) else {
        // A trace of the sender, or of one of several receivers, does not show what the others took.
        let Some(trace) = sent.filter(|_| unread > 0) else { return Vec::new() };
        return vec![sender(case, trace, Kind::Unidentified, None)];
    };
    let Some(trace) = sent else {
        if unread == 0 {
            return Vec::new();
        }
        let mut claim = support::note("in-flight", Class::Leak, "in flight over a unix socket, received by nobody");
        (claim.kind, claim.count, claim.is) = (Some(kind), Some(count), CountIs::AtLeast);
        let says = format!("{} sockets have no holder, and unix sockets have unread messages", super::number(count as i64));
        claim.evidence.push(Evidence::new(Strength::Moderate, Witnessed::Table, says, quotes));
        super::owner_not_visible::add_remotes(case, kind, &mut claim);
        if let Some((who, bytes, quote)) = only_reader(case) {
            let says = format!("{} bytes wait unread in a unix socket of {}, and in no other", super::number(bytes as i64), who.named());
            claim.evidence.push(Evidence::new(Strength::Moderate, Witnessed::Table, says, quote));
            claim.now = vec![format!("restart {}: what is queued for it is freed", who.named())];
            claim.fix = vec!["receive and close what is sent, and bound what may be sent".into()];
            claim.owner = Some(who);
        }
        return vec![claim];
    };
    let mut claim = sender(case, trace, kind, Some(count));
    super::owner_not_visible::add_remotes(case, kind, &mut claim);
    let says = format!("{} sockets have an inode and no holder", super::number(count as i64));
    claim.evidence.push(Evidence::new(Strength::Strong, Witnessed::Table, says, quotes));
    vec![claim]
}

/// Connections that the table shows without a holder, where one process alone has bytes unread in unix sockets, as many or a small multiple:
/// a message of the same length came with each. Those that wait to be accepted stand in the queue of a listener.
fn as_many_as_unread(case: &Case<'_>) -> Option<(Kind, u64, Vec<Quote>)> {
    let (_, bytes, _) = only_reader(case).filter(|_| case.ledger.unprivileged.is_none())?;
    let view = case.ledger.best(Family::Tcp).filter(|v| v.holders_shown())?;
    let mut queues = view.tables.iter().flat_map(|t| &t.listeners).map(|l| l.queue);
    if queues.any(|queue| queue.is_none_or(|n| n > 0)) {
        return None;
    }
    let group = view.groups(Family::Tcp).filter(|g| g.owner.is_none() && g.no_holder >= FEW).max_by_key(|g| g.no_holder)?;
    let kind = Kind::of_socket(group.protocol, group.state).filter(|k| *k != Kind::TimeWait)?;
    let each = bytes / group.no_holder;
    (bytes % group.no_holder == 0 && (1..=MESSAGE).contains(&each)).then(|| (kind, group.no_holder, group.quotes.iter().collect()))
}

/// Whether a trace shows descriptors being sent that nobody takes, or one process alone has messages waiting: then that no process holds them
/// is no finding of its own.
pub(super) fn shown(case: &Case<'_>) -> bool {
    case.snapshot.traces.iter().any(is_unanswered) || only_reader(case).is_some()
}

/// The only process that has something unread in unix sockets, how many bytes, and its row.
fn only_reader(case: &Case<'_>) -> Option<(Owner, u64, Option<Quote>)> {
    let mut unread = case.ledger.best(Family::Unix)?.groups(Family::Unix).filter(|g| g.state != SocketState::Listen && g.recv_q > 0);
    let (group, None) = (unread.next()?, unread.next()) else { return None };
    let quote = group.quotes.iter().find(|q| unread_in(q.text().as_ref())).or_else(|| group.quotes.first());
    Some((Owner::of(case.snapshot, group.owner?, 0), group.recv_q, quote))
}

/// Whether a row of ss has bytes in its first queue.
fn unread_in(row: &str) -> bool {
    row.split_whitespace().find_map(|word| word.parse::<u64>().ok()).is_some_and(|n| n > 0)
}

/// Whether a trace sends descriptors again and again, and receives fewer.
fn is_unanswered(trace: &Trace) -> bool {
    trace.rights.0 > trace.rights.1 && trace.rights.0 >= 2
}

/// The process at the other end of the sender's unix sockets that leaves most unread, with how many bytes, and its row.
fn receiver(case: &Case<'_>, sender: u32) -> Option<(Owner, u64, Option<Quote>)> {
    let ends = &case.ledger.peers.get(&sender)?.others;
    let groups = case.ledger.best(Family::Unix)?.groups(Family::Unix);
    let unread = groups.filter(|g| g.recv_q > 0 && g.owner.is_some_and(|pid| ends.contains_key(&pid)));
    let most = unread.max_by_key(|g| g.recv_q)?;
    Some((Owner::of(case.snapshot, most.owner?, 0), most.recv_q, most.quotes.first()))
}

fn sender(case: &Case<'_>, trace: &Trace, kind: Kind, count: Option<u64>) -> Claim {
    let mut claim = support::note("in-flight", Class::Leak, "in flight over a unix socket, received by nobody");
    claim.owner = trace.pid.map(|pid| Owner::of(case.snapshot, pid, count.unwrap_or(0)));
    (claim.kind, claim.count, claim.is) = (Some(kind), count, CountIs::AtLeast);
    let says = format!("strace: descriptors were sent with SCM_RIGHTS {} times and received {} times", trace.rights.0, trace.rights.1);
    claim.evidence.push(Evidence::new(Strength::Strong, Witnessed::Trace, says, trace.rights.2.0.clone()));
    let receiver = trace.pid.and_then(|pid| receiver(case, pid));
    claim.now = vec![match &receiver {
        Some((who, ..)) => format!("restart {}, the receiver: what is queued for it is freed", who.named()),
        None => "restart the receiver of the unix socket: what is queued for it is freed".into(),
    }];
    if let (Some((who, bytes, quote)), Some(sender)) = (receiver, &claim.owner) {
        let other = if sender.command.is_empty() { "the sender" } else { &sender.command };
        let says = format!(
            "{} bytes wait unread in a unix socket of {}, the other end of one of {other}'s",
            super::number(bytes as i64),
            who.named()
        );
        claim.evidence.push(Evidence::new(Strength::Moderate, Witnessed::Table, says, quote));
    }
    claim.fix = vec!["receive and close what is sent, and bound what may be sent".into()];
    claim
}
