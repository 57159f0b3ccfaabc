//! Many descriptors of few sockets.

use super::Case;
use super::claim::{Claim, Class, Evidence, Strength, Witnessed};
use super::support;
use crate::capture::trace::Origin;
use crate::ledger::{CountIs, Kind, Owner};

/// Descriptors of one process on the same sockets, from which copies are no habit of a shell.
const MANY: u64 = 64;

cause! {
    /// A program duplicates a descriptor (dup, fcntl F_DUPFD, fdopen on a copy) for each use and never closes the copies: thousands
    /// of descriptors, few sockets.
    ///
    /// # How it looks
    /// - lsof, /proc/PID/fd: many descriptors with one inode.
    /// - ss -p: many `fd=` of one process on one row. netstat: nothing unusual.
    /// - `ss -s`, sockstat: do not grow: no socket is created.
    /// - strace: `dup(N) = M` or `fcntl(N, F_DUPFD_CLOEXEC, ...) = M` with rising results, no `close(M)`.
    /// - log: only `Too many open files` in the end.
    ///
    /// # Evidence for
    /// - The ratio of descriptors to distinct inodes; a trace with dup and no close.
    ///
    /// # Evidence against
    /// - lsof rows of threads repeat descriptors by themselves: `threads-counted-as-files`.
    /// - Anonymous inodes (eventpoll, eventfd, timerfd) all share one number and are still different.
    /// - Two or three copies per socket: stdio streams for reading and writing.
    ///
    /// # Mistaken for
    /// - A socket leak, by the count of descriptors. The peer sees one connection.
    ///
    /// # Confirm
    /// - `ls -l /proc/PID/fd | awk '{print $NF}' | sort | uniq -c | sort -rn | head`.
    /// - `strace -f -e trace=dup,dup2,dup3,fcntl,close -p PID`.
    ///
    /// # Now
    /// - Restart before the descriptor limit.
    ///
    /// # For good
    /// - C: close each copy; with fdopen(dup(fd)), fclose() closes the copy and not the original.
    /// - Python: `sock.makefile()` holds a reference, `socket.dup()` and `os.dup()` a descriptor: close them; `socket.fromfd()`
    ///   duplicates.
    /// - Go: `TCPConn.File()` and `TCPListener.File()` return a copy that needs its own Close(). Java: channels from
    ///   `inheritedChannel` and JNI copies.
    /// - Node: `fd` taken for a new net.Socket is owned twice; destroy both. PHP: `dup` by streams of `php://fd/N`.
    ///
    /// # References
    /// dup(2), fcntl(2) F_DUPFD; golang net documentation of File.
    DupNotClosed, "dup-not-closed", leak, "descriptors are duplicated and never closed", weigh
}

fn weigh(case: &Case<'_>) -> Vec<Claim> {
    let worst = case
        .ledger
        .holdings
        .iter()
        .filter_map(|(&pid, h)| h.duplicated.as_ref().map(|d| (pid, h, d)))
        .max_by_key(|(_, _, d)| d.descriptors);
    let Some((pid, holding, found)) = worst else { return Vec::new() };
    let (rows, distinct) = (found.descriptors, found.sockets);
    if rows < MANY || rows < distinct * 3 {
        return Vec::new();
    }
    let mut claim = support::note("dup-not-closed", Class::Leak, "copies that are made again and again and never closed");
    claim.owner = Some(Owner::of(case.snapshot, pid, rows));
    let largest = || {
        let kinds = holding.kinds.keys().copied().filter(|k| !matches!(k, Kind::File | Kind::Eventpoll | Kind::Closed));
        kinds.max_by_key(|&k| holding.count(k).map(|c| c.0))
    };
    claim.kind = found.kind.or_else(largest);
    (claim.count, claim.is, claim.copies) = (Some(distinct), CountIs::Exact, Some(rows));
    let says = format!(
        "{} descriptors of pid {pid} refer to only {}",
        super::number(rows as i64),
        super::many(distinct, "socket", "different sockets")
    );
    claim.evidence.push(Evidence::new(Strength::Strong, Witnessed::Listing, says, [found.quote.clone()]));
    // Where the process has other sockets of that kind too, their ends are not those of the copies.
    let all = claim.kind.and_then(|k| holding.count(k)).is_some_and(|(n, _)| n <= distinct);
    let told = found.remotes.total() > 0;
    let telling = || Some(claim.kind.filter(|_| all).and_then(|k| holding.telling(k))?.traits().remotes);
    if let Some(remotes) = if told { Some(found.remotes.clone()) } else { telling() } {
        for (end, n) in remotes.sorted().into_iter().filter(|(e, _)| !e.is_unset()).take(3) {
            support::add_remote(&mut claim, case.show(end), n.min(distinct), "the remote end of the duplicated sockets");
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
    if claim.kind == Some(Kind::Unix) && distinct == 1 {
        // What the JDK calls the pre-close marker has no peer and no use.
        claim.fix.push(
            "Java: close() of a channel puts one unix socket in its place (dup2) until no thread or selector has it any more; if those stay, let the selector run, or cancel the key, after each close()".into(),
        );
    }
    vec![claim]
}
