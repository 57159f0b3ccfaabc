//! Sockets that the kernel itself fails to free.

use super::claim::{Claim, Class, Evidence, Missing, Strength, Witnessed};
use super::{Case, number, support};
use crate::capture::logs::Sighting;
use crate::ledger::Kind;

cause! {
    /// A reference in the kernel is lost: sockets stay allocated although no process, namespace, message in flight or kernel user
    /// holds them. Very rare; claimed only when everything else has been excluded.
    ///
    /// # How it looks
    /// - sockstat: alloc grows, and all processes of all namespaces, listed with privilege, do not explain it.
    /// - `ss -s`: closed minus timewait the same. ss, netstat, lsof: nothing for them.
    /// - /proc/slabinfo: TCP and TCPv6 objects as many as alloc. /proc/net/protocols agrees.
    /// - The number survives the end of every suspected program.
    /// - log: kernel lines such as `refcount_t: underflow`, `sk_refcnt`, `unregister_netdevice: waiting for lo to become free`.
    ///
    /// # Evidence for
    /// - Everything else ruled out, by a capture of all namespaces; a reproduction on one kernel version and not on another.
    ///
    /// # Evidence against
    /// - Almost anything: containers, io_uring registered files, SCM_RIGHTS, NFS, RPC and iSCSI in the kernel, BPF sockmaps, MPTCP
    ///   subflows.
    ///
    /// # Mistaken for
    /// - `owner-not-visible` and `in-flight`, which are far more likely.
    ///
    /// # Confirm
    /// - Capture all namespaces as root: `lsns -t net`, `/proc/PID/net/sockstat` of each, `/proc/*/fd`.
    /// - Stop programs one by one and watch `grep TCP: /proc/net/sockstat`.
    /// - Kernel sockets: `nfsstat`, `ss -tanpe | grep -v users:`; `bpftool map`.
    ///
    /// # Now
    /// - Reboot; move the load to another kernel.
    ///
    /// # For good
    /// - A newer kernel, or the distribution's fix; report it with the reproduction.
    /// - Docker: endless create and delete of network namespaces is what such bugs need: reuse them.
    ///
    /// # References
    /// net/core/sock.c `sk_alloc` and `sk_free`; Documentation/networking in the kernel tree.
    KernelLeak, "kernel-leak", leak, "the kernel counts sockets that nobody can hold", weigh
}

/// From how many sockets on the rest is more than races of the capture.
const MANY: i64 = 100;

/// Claimed only where the kernel itself reports a lost reference, and the descriptors of all processes were listed with privilege. Without such
/// a line the candidates that no capture excludes (messages in flight, io_uring, users in the kernel such as NFS) are all more likely, and the
/// rest is `owner-not-visible`.
fn weigh(case: &Case<'_>) -> Vec<Claim> {
    shown(case).map(|(rest, sighting)| claim(case, rest, sighting)).into_iter().collect()
}

/// How many sockets nobody can hold, with the kernel's line on lost references.
pub(super) fn shown<'a>(case: &Case<'a>) -> Option<(i64, &'a Sighting)> {
    let books = &case.ledger.books;
    let rest = case.ledger.unexplained().filter(|&n| n >= MANY)?;
    let here = books.held_unhashed()?;
    let excluded = case.ledger.all_listed && !books.unhashed_is_bound && books.foreign.is_none();
    if !excluded || rest * 10 < here * 8 || case.snapshot.traces.iter().any(|t| t.rights.0 > t.rights.1) {
        return None;
    }
    let says = |s: &&Sighting| s.kernel && s.points_to.iter().any(|p| p == "kernel-leak");
    Some((rest, case.told().find(says)?))
}

fn claim(case: &Case<'_>, rest: i64, sighting: &Sighting) -> Claim {
    let mut claim = support::note("kernel-leak", Class::Leak, "which no process holds, while the kernel reports references that it lost");
    (claim.kind, claim.count) = (Some(Kind::Closed), Some(rest.unsigned_abs()));
    let unhashed = case.ledger.books.unhashed.as_ref();
    let says = format!("{} TCP sockets exist in no table, and the descriptors of all processes were listed: none holds them", number(rest));
    claim.evidence.push(Evidence::new(Strength::Moderate, Witnessed::Books, says, unhashed.into_iter().flat_map(|f| f.at.clone())));
    let says = format!("the kernel says so {}: {}", support::times(sighting.count), sighting.means.trim_end_matches('.'));
    claim.evidence.push(Evidence::new(Strength::Moderate, Witnessed::Kernel, says, [sighting.first.clone()]));
    claim.missing.push(Missing {
        what: "the same count after the suspected programs and containers were stopped".into(),
        would: "tell a lost reference from a holder that is out of sight (io_uring, NFS, another namespace)".into(),
        command: "grep TCP: /proc/net/sockstat; lsns -t net; ls -l /proc/*/fd 2>/dev/null | grep -c io_uring".into(),
    });
    claim.now = vec!["move the load to another kernel; only a reboot gives the sockets back".into()];
    claim.fix = vec!["a kernel with the fix: report the kernel's line with its release and what the host was doing".into()];
    claim
}
