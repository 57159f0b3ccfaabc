//! Many descriptors of few sockets.

use super::Case;
use super::claim::{Claim, Class, Evidence, Strength, Witnessed};
use super::support;
use crate::capture::trace::Origin;
use crate::ledger::{CountIs, Kind, Owner};

/// Descriptors of one process on the same sockets, from which copies are no habit of a shell.
const MANY: u64 = 64;

cause! {
    /// A program duplicates a descriptor (dup, fcntl F_DUPFD) for each use and never closes the copies: thousands of descriptors, few
    /// sockets.
    ///
    /// # How it looks
    /// lsof and /proc/PID/fd: many descriptors with one inode; sockstat does not grow.
    ///
    /// # Evidence for
    /// The ratio of descriptors to distinct inodes; a trace with dup and no close.
    ///
    /// # Evidence against
    /// Thread rows of lsof, which repeat descriptors by themselves; anonymous inodes, which share one number.
    ///
    /// # Mistaken for
    /// A socket leak.
    ///
    /// # Confirm
    /// `ls -l /proc/PID/fd | awk '{print $NF}' | sort | uniq -c | sort -rn | head`.
    ///
    /// # Now
    /// Restart before the descriptor limit.
    ///
    /// # For good
    /// Close each copy; with fdopen, close the file object, which closes the copy.
    ///
    /// # References
    /// dup(2).
    DupNotClosed, "dup-not-closed", leak, "descriptors are duplicated and never closed", weigh
}

fn weigh(case: &Case<'_>) -> Vec<Claim> {
    let worst = case.ledger.holdings.iter().filter_map(|(&pid, h)| h.duplicated.as_ref().map(|d| (pid, h, d))).max_by_key(|(_, _, d)| d.0);
    let Some((pid, holding, (rows, distinct, quote))) = worst else { return Vec::new() };
    if *rows < MANY || *rows < distinct * 3 {
        return Vec::new();
    }
    let mut claim = support::note("dup-not-closed", Class::Leak, "copies of few sockets that are never closed");
    let proc = case.snapshot.processes.get(&pid);
    claim.owner = Some(Owner {
        command: proc.map_or(String::new(), |p| p.command.clone()),
        program: proc.map_or(String::new(), |p| p.program()),
        cmdline: proc.map_or(String::new(), |p| p.cmdline.clone()),
        user: proc.map_or(String::new(), |p| p.user.clone()),
        pids: vec![(pid, *rows)],
    });
    claim.kind = holding
        .kinds
        .keys()
        .copied()
        .filter(|k| !matches!(k, Kind::File | Kind::Eventpoll | Kind::Closed))
        .max_by_key(|&k| holding.count(k).map(|c| c.0));
    claim.count = Some(*rows);
    claim.is = CountIs::Exact;
    let says = format!(
        "{} descriptors of pid {pid} refer to only {} different sockets",
        super::number(*rows as i64),
        super::number(*distinct as i64)
    );
    claim.evidence.push(Evidence::new(Strength::Strong, Witnessed::Listing, says, [quote.clone()]));
    if let Some(traits) = claim.kind.and_then(|k| holding.telling(k)) {
        for (end, n) in traits.remotes.sorted().into_iter().filter(|(e, _)| !e.is_unset()).take(3) {
            support::add_remote(&mut claim, case.show(end), n, "the remote end of the duplicated sockets");
        }
    }
    for trace in case.snapshot.traces.iter().filter(|t| t.pid == Some(pid)) {
        let open: u64 = trace.tales.iter().filter(|(p, _)| p.origin == Origin::Dup).map(|(_, t)| t.settled).sum();
        let at = trace.tales.iter().filter(|(p, _)| p.origin == Origin::Dup).flat_map(|(_, t)| t.quotes.0.iter().take(2).cloned());
        if open >= 2 {
            claim.evidence.push(Evidence::new(
                Strength::Decisive,
                Witnessed::Trace,
                format!("strace: dup() {open} times with no close afterwards"),
                at,
            ));
        }
    }
    claim.now = vec!["restart the program before its descriptor limit".into()];
    claim.fix = vec!["close each duplicate; a file object made of a descriptor closes only its own copy".into()];
    vec![claim]
}
