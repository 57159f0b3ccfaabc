//! Sockets whose holder the capture cannot see.

use super::claim::{Claim, Class, Evidence, Missing, Strength, Witnessed};
use super::support;
use super::{Case, suspect};
use crate::capture::Quote;
use crate::capture::tops::Tops;
use crate::ledger::{CountIs, Family, Kind, Owner, Pile};

/// Sockets that nobody holds, from which they are more than races of the capture.
const MANY: i64 = 100;

cause! {
    /// The kernel counts sockets that no listed process holds: the holder is in another pid or network namespace, or beyond the
    /// capture's privilege. Something piles up, and the capture cannot say whose it is.
    ///
    /// # How it looks
    /// - `ss -s`: closed minus timewait is large, and lsof (if captured) does not explain it. sockstat: alloc minus inuse, both
    ///   families, is the same number.
    /// - ss -p, netstat -p: rows with an inode and without owner; `-` in netstat's column also for LISTEN rows means no privilege.
    /// - lsof: `Permission denied` rows, `WARNING: can't stat`, or only the processes of one user.
    /// - /proc/PID/fd: directories that could not be read.
    /// - strace, log: belong to other processes.
    ///
    /// # Evidence for
    /// - The unexplained rest of the ledger, larger than races between commands explain.
    /// - A capture that was not made by root, or inside a container.
    ///
    /// # Evidence against
    /// - alloc above `sockets: used`: alloc is of the whole host and contains healthy connections of other namespaces: see
    ///   `foreign-namespace`.
    /// - A rest of a few dozen: sockets that came and went while the commands ran.
    ///
    /// # Mistaken for
    /// - `kernel-leak`: first look where nobody looked.
    /// - `in-flight`: no process holds those, but one could receive them.
    ///
    /// # Confirm
    /// - Capture again as root in the initial namespaces: `sudo sh collect.sh`.
    /// - Each network namespace: `lsns -t net`, then `nsenter -t PID -n ss -s` and `cat /proc/PID/net/sockstat`.
    /// - Descriptors of all: `for p in /proc/[0-9]*; do echo $(ls $p/fd 2>/dev/null | wc -l) $p; done | sort -rn | head`.
    ///
    /// # Now
    /// - Name the holder first; nothing can be mended for an unknown one.
    ///
    /// # For good
    /// - Docker, Kubernetes: capture on the node, not in the pod; `docker top`, `crictl inspect` map a pid to its container.
    /// - All: run the collector as root, or with CAP_SYS_PTRACE and CAP_DAC_READ_SEARCH. Mount options `hidepid` hide other users'
    ///   processes.
    /// - Then treat what is found by its own cause.
    ///
    /// # References
    /// namespaces(7), network_namespaces(7), proc(5) hidepid; github.com/canonical/hotsos issue 446.
    OwnerNotVisible, "owner-not-visible", leak, "sockets exist whose holder the capture cannot see", weigh
}

fn weigh(case: &Case<'_>) -> Vec<Claim> {
    // What the kernel's counters tell of them is another cause's.
    let rest = if super::unowned::told(case).is_some() { None } else { unexplained(case) };
    let rows = rows_without_holder(case);
    let larger = rest.into_iter().chain(rows).max_by_key(|c| c.count);
    larger.into_iter().collect()
}

/// From how many readings on they tell of a steady rise.
const READINGS: usize = 6;

/// Unhashed TCP sockets that no listed process holds.
fn unexplained(case: &Case<'_>) -> Option<Claim> {
    let rest = case.ledger.unexplained()?;
    let unhashed = case.ledger.books.unhashed.as_ref()?;
    let here = case.ledger.books.held_unhashed()?;
    if super::kernel_leak::shown(case).is_some() || case.ledger.books.unhashed_is_bound || rest < MANY || rest * 10 < here * 3 {
        return None;
    }
    let grown = grown(case, here);
    if at_most(case).is_some() && grown.is_none() {
        return None;
    }
    let mut claim = support::note("owner-not-visible", Class::Leak, "held by a process that the capture does not show");
    let is = if here < unhashed.value { CountIs::Estimate } else { CountIs::Exact };
    (claim.kind, claim.count, claim.is) = (Some(Kind::Closed), Some(rest as u64), is);
    let bound = if here < unhashed.value { format!(", at most {} of them here", super::number(here)) } else { String::new() };
    let listed = case.snapshot.processes.values().any(|p| !p.lists.is_empty());
    let held = match listed || here > rest {
        true => format!("the listed processes hold {} of them", super::number(here - rest)),
        false => "no descriptors of processes were listed".to_string(),
    };
    let says = format!(
        "{} TCP sockets exist in no table (closed minus timewait, or alloc minus inuse){bound}, and {held}",
        super::number(unhashed.value),
    );
    claim.evidence.push(Evidence::new(Strength::Moderate, Witnessed::Books, says, unhashed.at.clone()));
    claim.evidence.extend(grown);
    if let Some(quote) = &case.ledger.unprivileged {
        claim.evidence.push(Evidence::new(
            Strength::Moderate,
            Witnessed::Listing,
            "the capture was made without the privilege to see all processes",
            [quote.clone()],
        ));
    }
    support_logs(case, &mut claim);
    let whole = |what: &str| Missing {
        what: what.into(),
        would: "name the process that holds them".into(),
        command: "sudo lsof -nP +c0; for p in /proc/[0-9]*; do echo $p $(ls $p/fd | wc -l); done".into(),
    };
    match &case.ledger.cut {
        Some(cut) => {
            claim.missing.push(whole("the listing of descriptors to its end"));
            let last = Owner::of(case.snapshot, cut.last, 0).named();
            claim.now = vec![format!("repeat the listing: {} is cut after {last}, and whoever holds them may stand behind", cut.path)];
        }
        None => {
            claim.missing.push(whole("the descriptors of all processes"));
            claim.now = vec!["capture again as root, in the host's own namespaces".into()];
        }
    }
    Some(claim)
}

/// How many sockets in no table may be of this namespace, of how many on the whole host, where it may as well be none: sockets of other
/// families take the same room, and no table of them was captured.
pub fn at_most(case: &Case<'_>) -> Option<(i64, i64)> {
    let books = &case.ledger.books;
    let (rest, here, all) = (case.ledger.unexplained()?, books.held_unhashed()?, books.unhashed.as_ref()?.value);
    let others = case.ledger.best(Family::Unix).is_some() || case.ledger.piles.iter().any(|p| p.kind == Kind::Unix);
    (here < all && !others && rest > 0).then_some((rest, all))
}

/// How the kernel's count of them rose between its readings, and all sockets of the namespace with it: so they are this namespace's own.
fn grown(case: &Case<'_>, here: i64) -> Option<Evidence> {
    let rise = case.unhashed_rise().filter(|f| f.value >= MANY && f.value * if is_steady(case) { 12 } else { 4 } >= here)?;
    let used = case.delta("sockstat.sockets.used").or_else(|| case.delta("ss.total"))?;
    if used.value * 10 < rise.value * 7 {
        return None;
    }
    // Up to Linux 4.15 `used` is of the whole host, and may have risen with the live connections of its containers.
    let books = &case.ledger.books;
    let ours = books.used_is_ours && books.ports.is_none();
    let says = format!(
        "between the first reading and the last they grew by {}, and all sockets in use by {}",
        super::number(rise.value),
        super::number(used.value)
    );
    Some(Evidence::new(if ours { Strength::Strong } else { Strength::Weak }, Witnessed::Growth, says, rise.at))
}

/// Whether many readings tell that there were more each time: what comes and goes is fewer in between.
fn is_steady(case: &Case<'_>) -> bool {
    let all: Vec<i64> = ["ss.total", "sockstat.sockets.used"]
        .iter()
        .map(|name| case.host.series(case.sources, name))
        .max_by_key(Vec::len)
        .map_or(Vec::new(), |readings| readings.iter().map(|r| r.value).collect());
    all.len() >= READINGS && all.windows(2).all(|w| matches!(w, [a, b] if a <= b))
}

fn support_logs(case: &Case<'_>, claim: &mut Claim) {
    for sighting in case.told().filter(|s| s.weight == crate::signatures::Weight::Cause && s.endpoint.is_some()).take(2) {
        if let Some(endpoint) = &sighting.endpoint {
            support::add_remote(claim, endpoint.clone(), 0, "named by a log of the capture");
        }
    }
}

/// Rows of a table that have an inode and no holder, although holders are shown.
fn rows_without_holder(case: &Case<'_>) -> Option<Claim> {
    if super::in_flight::shown(case) {
        return None;
    }
    let (kind, count, quotes) = without_holder(case)?;
    // Connections may be at work, whoever holds them; what has no use and no holder beside them is the question.
    let idle = |p: &Pile| p.owner.is_none() && !super::course::has_use(p.kind) && suspect(case, p).is_some();
    if super::course::has_use(kind) && case.ledger.piles.iter().any(idle) {
        return None;
    }
    // Those that only a descriptor can keep are a pile of their own.
    if case.ledger.piles.iter().any(|p| p.kind == kind && p.owner.is_none()) {
        return None;
    }
    let mut claim = support::note("owner-not-visible", Class::Leak, "held by a process that the capture does not show");
    (claim.kind, claim.count, claim.is) = (Some(kind), Some(count), CountIs::AtLeast);
    add_remotes(case, kind, &mut claim);
    let says = format!("{} rows have an inode but no holder", super::number(count as i64));
    claim.evidence.push(Evidence::new(Strength::Weak, Witnessed::Table, says, quotes));
    claim.missing.push(Missing {
        what: "the same tables as root, from the host".into(),
        would: "name the process that holds them".into(),
        command: "sudo ss -tanpe".into(),
    });
    Some(claim)
}

/// Names the remote ends of rows without a holder, most first; of clients that are all different their hosts, and where they came to.
pub(super) fn add_remotes(case: &Case<'_>, kind: Kind, claim: &mut Claim) {
    let (mut remotes, mut locals) = (Tops::default(), Tops::default());
    for view in [Family::Tcp, Family::Udp].into_iter().filter_map(|f| case.ledger.best(f)) {
        let groups = view.tables.iter().flat_map(|t| &t.groups);
        for group in groups.filter(|g| g.owner.is_none() && Kind::of_socket(g.protocol, g.state) == Some(kind)) {
            remotes.merge(&group.remotes);
            locals.merge(&group.locals);
        }
    }
    support::ends_of_rows(case, &remotes, &locals, claim);
}

/// The kind, number and first rows of sockets with an inode and no holder, where the capture had the privilege to see holders.
pub(super) fn without_holder(case: &Case<'_>) -> Option<(Kind, u64, Vec<Quote>)> {
    if case.ledger.unprivileged.is_some() {
        return None;
    }
    let mut best: Option<(Kind, u64, Vec<Quote>)> = None;
    for family in [Family::Tcp, Family::Udp] {
        let Some(view) = case.ledger.best(family).filter(|v| v.holders_shown()) else { continue };
        // Rows without an inode may have no file that a process could hold; those of `netstat -anp` show it of unix sockets only.
        for group in view.groups(family).filter(|g| g.owner.is_none() && g.inodes.is_some() && g.no_holder as i64 >= MANY) {
            let Some(kind) = Kind::of_socket(group.protocol, group.state).filter(|k| *k != Kind::TimeWait) else { continue };
            if best.as_ref().is_none_or(|b| b.1 < group.no_holder) {
                best = Some((kind, group.no_holder, group.quotes.iter().collect()));
            }
        }
    }
    best
}
