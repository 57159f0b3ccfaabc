//! Sockets without a descriptor that still close.

use super::claim::{Class, Evidence, Strength, Witnessed};
use super::support;
use super::{Case, Claim, Exclusion, number};
use crate::ledger::{CountIs, Kind};

/// Orphans from which they are worth a word where the limit is not known; the kernel's smallest default limit is 4096.
const MANY: i64 = 1000;

cause! {
    /// The program has closed, but data or the FIN is not acknowledged: the kernel keeps the socket for a while. No descriptor is
    /// involved, so this argues against a descriptor leak.
    ///
    /// # How it looks
    /// - sockstat: `orphan`; `ss -s`: `orphaned`. Both are of the whole host.
    /// - ss, netstat: FIN-WAIT-1, FIN-WAIT-2, LAST-ACK, CLOSING rows without owner, with a timer.
    /// - lsof, /proc/PID/fd: nothing. strace: the program closes properly.
    /// - sysctl: net.ipv4.tcp_max_orphans, tcp_orphan_retries.
    /// - log: kernel `too many orphaned sockets`; before Linux 3.3 `Out of socket memory` for the same.
    ///
    /// # Evidence for
    /// - The count near tcp_max_orphans. The kernel may count an orphan double or fourfold, so trouble begins at a quarter of the
    ///   limit.
    ///
    /// # Evidence against
    /// - A small count, far below a quarter of the limit.
    ///
    /// # Mistaken for
    /// - A descriptor leak: orphans have none.
    /// - `tcp-memory`: the old kernel line is the same.
    ///
    /// # Confirm
    /// - `cat /proc/net/sockstat`, twice; `ss -Htano state fin-wait-1 state last-ack | head`.
    ///
    /// # Now
    /// - Find the clients that vanish with data unsent: group the rows by remote.
    /// - net.ipv4.tcp_orphan_retries=1 or 2 shortens FIN-WAIT-1; tcp_fin_timeout shortens FIN-WAIT-2 of orphans.
    ///
    /// # For good
    /// - All: do not send large answers to clients that have stopped reading; TCP_USER_TIMEOUT before close.
    /// - nginx: reset_timedout_connection on, send_timeout, lingering_timeout. HAProxy: option nolinger only where resets are
    ///   harmless.
    /// - Go, Node, Java, Python: write deadlines; SO_LINGER 0 only for peers known to be dead.
    ///
    /// # References
    /// tcp(7) tcp_max_orphans, tcp_orphan_retries; net/ipv4/tcp.c `tcp_check_oom`; github.com/netdata/netdata pull 2975;
    /// blog.tsunanet.net/2011/03/out-of-socket-memory.html.
    OrphanBuildup, "orphan-buildup", lookalike, "closed sockets wait for peers that do not answer", weigh, rule_out
}

fn limit(case: &Case<'_>) -> Option<i64> {
    case.counter("sysctl.net.ipv4.tcp_max_orphans").map(|f| f.value).filter(|&n| n > 0)
}

/// The count of orphans that matters here: the kernel's is of the whole host, so where a whole table shows far fewer, they are elsewhere.
fn orphans(case: &Case<'_>) -> i64 {
    let counted = case.ledger.books.orphan.as_ref().map_or(0, |f| f.value);
    let (rows, _) = orphan_rows(case);
    if case.ledger.states_whole && rows * 4 < counted { rows } else { counted.max(rows) }
}

fn weigh(case: &Case<'_>) -> Vec<Claim> {
    let rows = orphan_rows(case);
    let orphans = orphans(case);
    // The kernel's message may mean buffers alone; counts that rule orphans out settle which.
    let ruled_out = rule_out(case).is_some_and(|e| e.out);
    let kernel = case.told_now("orphan-buildup").find(|_| !ruled_out);
    let near = near_limit(case);
    if !near && kernel.is_none() && orphans < MANY && rows.0 < MANY / 10 {
        return unacknowledged(case).into_iter().collect();
    }
    let class = if near || kernel.is_some() { Class::Exhaustion } else { Class::Note };
    let mut claim = support::note("orphan-buildup", class, "closed by their program, still waiting for their peers, without a descriptor");
    // What the kernel says once was not counted.
    let count = u64::try_from(orphans).ok().filter(|&n| n > 0 || case.ledger.books.orphan.is_some());
    (claim.kind, claim.count, claim.is) = (Some(Kind::FinWait), count, CountIs::Exact);
    if let Some(figure) = &case.ledger.books.orphan {
        claim.evidence.push(Evidence::new(
            Strength::Strong,
            Witnessed::Books,
            format!("the kernel counts {} orphaned TCP sockets on the host", number(figure.value)),
            figure.at.clone(),
        ));
    }
    if let Some(max) = case.counter("sysctl.net.ipv4.tcp_max_orphans").filter(|_| near) {
        let says = format!("the kernel keeps {} orphans at most (tcp_max_orphans)", number(max.value));
        claim.evidence.push(Evidence::new(Strength::Strong, Witnessed::Limit, says, max.at));
    }
    if rows.0 > 0 {
        claim.evidence.push(Evidence::new(
            Strength::Strong,
            Witnessed::Table,
            format!("{} closing rows have no holder", number(rows.0)),
            rows.1,
        ));
    }
    if let Some(s) = kernel {
        claim.evidence.push(Evidence::new(
            Strength::Strong,
            Witnessed::Kernel,
            format!("the kernel says so: {}", s.means),
            [s.first.clone()],
        ));
    }
    claim.now = vec!["find the peers that do not acknowledge; tcp_orphan_retries shortens the wait".into()];
    vec![claim]
}

/// Connections that somebody counted in the states in which a FIN waits for its acknowledgement, where nothing tells of orphans: a program that
/// is done with them has closed them.
fn unacknowledged(case: &Case<'_>) -> Option<Claim> {
    use crate::facts::SocketState as S;
    let known = case.ledger.books.orphan.is_some()
        || case.ledger.best(crate::ledger::Family::Tcp).is_some_and(|v| v.is_whole() && v.holders_shown());
    let figures: Vec<_> = [S::FinWait1, S::LastAck, S::Closing].iter().filter_map(|state| case.ledger.states.get(state)).collect();
    let count: i64 = figures.iter().map(|f| f.value).sum();
    if known || count < MANY {
        return None;
    }
    let mut claim =
        support::note("orphan-buildup", Class::Note, "closed here, and the peers do not acknowledge it; most have no descriptor");
    (claim.kind, claim.count, claim.is) = (Some(Kind::FinWait), Some(count as u64), CountIs::Estimate);
    let says = format!("{} connections wait in FIN-WAIT-1, LAST-ACK or CLOSING for the peer's acknowledgement", number(count));
    let at = figures.iter().flat_map(|f| f.at.first().cloned()).collect::<Vec<_>>();
    claim.evidence.push(Evidence::new(Strength::Moderate, Witnessed::Table, says, at));
    claim.now = vec!["find the peers that do not acknowledge: group the rows by remote".into()];
    Some(claim)
}

/// Whether half of the orphans that the kernel keeps are there: from then on it ends those that retransmit early.
pub(super) fn near_limit(case: &Case<'_>) -> bool {
    limit(case).is_some_and(|l| orphans(case) * 2 >= l)
}

fn orphan_rows(case: &Case<'_>) -> (i64, Vec<crate::capture::Quote>) {
    use crate::facts::SocketState as S;
    let Some(view) = case.ledger.best(crate::ledger::Family::Tcp) else { return (0, Vec::new()) };
    let closing =
        view.groups(crate::ledger::Family::Tcp).filter(|g| matches!(g.state, S::FinWait1 | S::LastAck | S::Closing) && g.owner.is_none());
    let mut sum = (0, Vec::new());
    for group in closing {
        sum.0 += if group.no_file > 0 { group.no_file } else { group.no_holder } as i64;
        sum.1.extend(group.quotes.first());
    }
    sum
}

fn rule_out(case: &Case<'_>) -> Option<Exclusion> {
    let Some(figure) = &case.ledger.books.orphan else {
        return Exclusion::not("cannot be ruled out: neither sockstat nor ss -s was captured", Vec::new());
    };
    let threshold = limit(case).map_or(MANY, |l| (l / 4).max(MANY));
    let of = limit(case).map_or(String::new(), |l| format!(", of {} that it keeps at most", number(l)));
    let says = format!("{} orphaned sockets on the host{of}", number(figure.value));
    // What is told of as a note is not ruled out as well; the kernel's own line is held against the counts alone.
    let noted = orphan_rows(case).0 >= MANY / 10;
    if (figure.value < threshold || orphans(case) < threshold / 4) && !noted {
        Exclusion::out(says, figure.at.clone())
    } else {
        Exclusion::not(says, figure.at.clone())
    }
}
