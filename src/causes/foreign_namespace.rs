//! Healthy sockets of another network namespace.

use super::claim::{Class, Evidence, Strength, Witnessed};
use super::support;
use super::{Case, Claim, number};
use crate::capture::Quote;
use crate::capture::snapshot::netns_of_pid;
use crate::facts::{DescriptorKind, Protocol};
use crate::ledger::{CountIs, Kind, Pile};

cause! {
    /// lsof on a host cannot find a container's sockets in the host's tables, and inside a container the kernel's alloc counts the
    /// whole host. Both look like a leak and are none.
    ///
    /// # How it looks
    /// - lsof on the host: all sockets of a process unidentified (`protocol: TCP`, `protocol: UNIX-STREAM`, `protocol: NETLINK`,
    ///   `can't identify protocol`), not only TCP, and their number constant.
    /// - sockstat: TCP alloc far above `sockets: used`: alloc is of the host, used (since Linux 4.16) of the network namespace, and
    ///   so are inuse and tw.
    /// - `ss -s` in a container: closed is large by the same surplus.
    /// - ss, netstat on the host: nothing of the container. /proc/PID/net/tcp of the process itself: all its connections.
    /// - /proc/PID/ns/net: another number than that of the collector; cgroup paths name docker, containerd, kubepods, lxc.
    /// - strace: the descriptors are read and written. log: nothing.
    ///
    /// # Evidence for
    /// - Those signs; the descriptor in use in a trace; a count that stays.
    ///
    /// # Evidence against
    /// - The process shares the collector's namespace.
    /// - Growth: a container can leak as well, then its own tables decide.
    ///
    /// # Mistaken for
    /// - A leak of `closed` sockets: `never-connected`, `owner-not-visible`.
    ///
    /// # Confirm
    /// - `readlink /proc/PID/ns/net /proc/self/ns/net`; `cat /proc/PID/net/sockstat`.
    /// - `nsenter -t PID -n ss -tanp`, or `docker exec ID ss -s`.
    ///
    /// # Now
    /// - Read the tables of the process's own namespace before saying anything about it.
    ///
    /// # For good
    /// - Docker, Kubernetes: collect on the node as root with one pass per network namespace (collect.sh does); alarms on closed
    ///   minus timewait only where all sockets live in one namespace, or on its growth.
    /// - lsof inside the container, or with nsenter.
    ///
    /// # References
    /// network_namespaces(7); net/ipv4/proc.c `sockstat_seq_show`; github.com/canonical/hotsos issue 446; lsof FAQ section 10.2.2.
    ForeignNamespace, "foreign-namespace", lookalike, "sockets of another network namespace look unidentified or surplus", weigh
}

fn weigh(case: &Case<'_>) -> Vec<Claim> {
    let mut claims: Vec<Claim> = Vec::new();
    for (n, pile) in case.ledger.piles.iter().enumerate().filter(|(_, p)| matches!(p.kind, Kind::Closed | Kind::Unidentified)) {
        let Some((why, quote)) = pile.foreign.clone().or_else(|| in_use(case, pile)) else { continue };
        let mut claim = support::claim("foreign-namespace", Class::Note, n, pile, "of another network namespace, healthy or not");
        claim.evidence.push(Evidence::new(Strength::Strong, Witnessed::Listing, why, [quote]));
        let pid = pile.owner.as_ref().and_then(|o| o.pids.first()).map_or(0, |p| p.0);
        if let Some((there, at)) = hashed_there(case, pile) {
            claim.says = "of another network namespace, in its own connection tables".into();
            let says =
                format!("the counts of its namespace have {} TCP sockets in connection tables: none of them is left over", number(there));
            claim.evidence.push(Evidence::new(Strength::Strong, Witnessed::Books, says, at));
        } else {
            claim.missing.push(super::Missing {
                what: format!("the tables of the namespace of {pid}"),
                would: "tell what its sockets are".into(),
                command: format!("cat /proc/{pid}/net/sockstat /proc/{pid}/net/tcp /proc/{pid}/net/tcp6"),
            });
        }
        claims.push(claim);
        if claims.len() == 3 {
            break;
        }
    }
    if let Some(says) = &case.ledger.books.foreign
        && claims.is_empty()
    {
        let mut claim =
            support::note("foreign-namespace", Class::Note, "TCP sockets of other network namespaces, counted for the whole host");
        let alloc = case.ledger.books.alloc.as_ref().or(case.ledger.books.ss_alloc.as_ref());
        claim.count = case.ledger.books.unhashed.as_ref().map(|f| f.value.max(0) as u64);
        claim.is = CountIs::Estimate;
        claim.evidence.push(Evidence::new(Strength::Strong, Witnessed::Books, says.clone(), alloc.into_iter().flat_map(|f| f.at.clone())));
        claims.push(claim);
    }
    claims
}

/// How many sockets the connection tables of a process's own namespace have, by `/proc/PID/net/sockstat`, where that is as many as it holds:
/// a socket that is left over is in none.
pub fn hashed_there(case: &Case<'_>, pile: &Pile) -> Option<(i64, Vec<Quote>)> {
    let (pid, _) = *pile.owner.as_ref()?.pids.first()?;
    let netns = netns_of_pid(pid);
    let counted = |name: &str| {
        let readings = case.snapshot.counters.get(&case.names.find(name.as_bytes())?)?;
        readings.iter().rfind(|r| r.netns.as_deref() == Some(&netns))
    };
    let counts = [counted("sockstat.tcp.inuse"), counted("sockstat.tcp6.inuse")];
    let there: i64 = counts.iter().flatten().map(|r| r.value).sum();
    let at = counts.iter().flatten().map(|r| r.quote.clone()).collect();
    (there > 0 && there.saturating_mul(100) >= (pile.count as i64).saturating_mul(95)).then_some((there, at))
}

/// Connections that a table names a process for, as many as its listing has sockets without a name, while that lists none of them: whoever
/// lists the descriptors from outside reads the tables of another namespace, and these are the same sockets.
pub(super) fn listed_inside(case: &Case<'_>, pile: &Pile) -> Option<Evidence> {
    // A few are no leak, and all piles are looked through for each.
    let asked = matches!(pile.kind, Kind::Closed | Kind::Unidentified) && pile.count >= case.thresholds.closed;
    let owner = pile.owner.as_ref().filter(|_| asked)?;
    let hashed = |k: Kind| matches!(k, Kind::Established | Kind::Listen | Kind::CloseWait | Kind::SynSent | Kind::FinWait);
    let own = |p: &&Pile| hashed(p.kind) && owner.pids.iter().any(|(pid, _)| p.held_by(*pid));
    let told: Vec<&Pile> = case.ledger.piles.iter().filter(own).collect();
    let tables_alone = |p: &&Pile| p.words.iter().all(|w| matches!(w.source, "ss" | "netstat"));
    let there: u64 = told.iter().map(|p| p.count).sum();
    // A listing that has both has room for both.
    let lists = owner.pids.iter().filter_map(|(pid, _)| case.snapshot.processes.get(pid)).flat_map(|p| &p.lists);
    let all = lists.map(|l| l.sockets().filter(|c| c.protocol != Some(Protocol::Unix)).map(|c| c.rows).sum::<u64>()).max()?;
    (there > 0 && all * 10 < (there + pile.count) * 8 && told.iter().all(tables_alone) && super::support::near(there, pile.count, 10)).then(|| {
        let says = format!(
            "a table lists {} TCP sockets of {} in a connection state, of which its listing names none: they are these, listed from another network namespace",
            number(there as i64),
            owner.named()
        );
        Evidence::new(Strength::Decisive, Witnessed::Table, says, told.iter().filter_map(|p| p.traits.quotes.first().cloned()).take(2))
    })
}

/// A few unidentified sockets of a process whose trace shows data on them: alive, so their table is elsewhere.
fn in_use(case: &Case<'_>, pile: &Pile) -> Option<(String, Quote)> {
    let owner = pile.owner.as_ref()?;
    let (pid, _) = *owner.pids.first()?;
    let trace = case.snapshot.traces.iter().find(|t| t.pid == Some(pid))?;
    let lists = case.snapshot.processes.get(&pid)?.lists.iter();
    let class = lists.flat_map(|l| &l.classes).find(|c| c.kind == DescriptorKind::Socket && c.unlisted)?;
    let used = class.sockets.iter().filter(|(_, fd)| i32::try_from(*fd).is_ok_and(|fd| trace.used_before.contains(&fd))).count();
    (used * 2 >= class.sockets.len().max(1))
        .then(|| {
            (
                format!("the trace shows data on {} of the unidentified descriptors: they are connections in use", number(used as i64)),
                class.quotes.first(),
            )
        })
        .and_then(|(s, q)| Some((s, q?)))
}
