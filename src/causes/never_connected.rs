//! TCP sockets that were created (or bound) and never connected.

use super::claim::{Claim, Evidence, Strength, Witnessed};
use super::support;
use super::{Case, on_piles, unowned};
use crate::capture::trace::{Origin, Outcome};
use crate::ledger::{Kind, Pile};

cause! {
    /// A program creates TCP sockets, fails before it connects or uses them, and keeps the descriptors. Nothing was ever sent: the
    /// failure is inside the program, most often a name that does not resolve or an option that cannot be set.
    ///
    /// # How it looks
    /// - lsof: growing rows `protocol: TCP` or `protocol: TCPv6`; older lsof says `can't identify protocol`. Descriptor numbers form
    ///   unbroken runs.
    /// - ss, netstat: nothing. A socket that was never connected is in no table, and so is one that is only bound; ss from 6.8 on can
    ///   list bound ones with `-B`.
    /// - `ss -s`: closed minus timewait grows. `/proc/net/sockstat`: TCP alloc grows, inuse does not.
    /// - /proc/PID/fd: `socket:[N]` links whose inodes are in no file of /proc/PID/net.
    /// - strace: `socket(AF_INET6, SOCK_STREAM...)` with rising results, perhaps `bind` or `setsockopt`, neither `connect` nor
    ///   `close`; near it, UDP sockets to port 53 that are closed properly.
    /// - log: UnknownHostException, UnresolvedAddressException, `no such host`, `Name or service not known`, at the same pace as the
    ///   sockets.
    ///
    /// # Evidence for
    /// - A trace with socket() and neither connect nor close on that number.
    /// - Fewer active opens and failed attempts in the kernel's counters since boot than sockets held: they cannot have connected.
    /// - Log lines of unresolvable names whose number or interval fits the count.
    ///
    /// # Evidence against
    /// - A server with more passive opens than sockets: they may be what is left of those.
    /// - As many `AttemptFails` as sockets: the connects were made and failed.
    /// - A trace in which every socket() is followed by connect(), or by close().
    ///
    /// # Mistaken for
    /// - `connect-failed-not-closed` and `reset-not-closed`: the same sockets in lsof, other counters.
    /// - An IPv6 problem, because lsof says TCPv6. That only tells how the socket was created; switching IPv6 off changes the label.
    /// - `foreign-namespace`: lsof prints the same words for healthy sockets of a container.
    ///
    /// # Confirm
    /// - `strace -f -tt -T -e trace=network,close -p PID` over one retry interval.
    /// - `ls -l /proc/PID/fd | grep -c socket:`, twice, beside `grep TCP: /proc/net/sockstat`.
    ///
    /// # Now
    /// - Repair the name, or take it out of the configuration: that stops the leak at once.
    /// - Restart before the descriptor limit; `prlimit --pid PID --nofile=SOFT:HARD` buys time.
    ///
    /// # For good
    /// - All: resolve names before creating the socket; close it on every path out of the function.
    /// - Java NIO: UnresolvedAddressException is a RuntimeException, so `catch (IOException)` misses it; close in finally or on
    ///   Throwable. A channel that is registered with a selector is freed only at its next select().
    /// - ZooKeeper and Ignite clients: versions that create the channel first leak one per reconnect while the name is unknown;
    ///   upgrade.
    /// - C: close(fd) in every error branch after socket(); goto-cleanup or RAII. Python: create sockets in `with`.
    ///
    /// # References
    /// socket(2), bind(2); net/ipv4/af_inet.c `inet_create`; github.com/apache/zookeeper pull 1410 and 592; github.com/zeromq/jeromq
    /// issue 678.
    NeverConnected, "never-connected", leak, "TCP sockets are created, never connected, and never closed", weigh
}

/// What is said of them, and what mends it.
const SAYS: &str = "created and never connected or closed";
const FIX: &str = "close the socket on every path between socket() and connect(), for every exception class";

fn weigh(case: &Case<'_>) -> Vec<Claim> {
    let mut claims = on_piles(case, "never-connected", &[Kind::Closed, Kind::Unidentified], SAYS, |pile, claim| {
        let fits = |p: &crate::capture::trace::Pattern| {
            matches!(p.origin, Origin::Socket(s) if s.is_tcp()) && p.outcome == Outcome::NotTried && !p.listening && !p.used
        };
        let traced = support::by_trace(case, pile, claim, "socket() without connect()", fits);
        not_local(case, pile, claim);
        support::by_logs(case, pile, claim, &["never-connected"]);
        by_opens(case, pile, claim, traced);
        support::ask_for_trace(case, pile, claim);
        claim.now = vec![format!("{}; that buys time only", support::restart(pile))];
        claim.fix = vec![FIX.into(), "resolve names and check options before the socket is created".into()];
    });
    claims.extend(unowned::claim(case, unowned::End::Never, "never-connected", SAYS, FIX));
    claims
}

/// How many connections the kernel counts: between the samples, or else since it started.
fn by_opens(case: &Case<'_>, pile: &Pile, claim: &mut Claim, traced: bool) {
    let step = |name| case.step(name).filter(|f| f.value >= 0);
    if let Some(gained) = case.gained(pile).filter(|&n| n >= 20)
        && let (Some(active), Some(passive)) = (step("snmp.tcp.active_opens"), step("snmp.tcp.passive_opens"))
    {
        let opened = active.value.saturating_add(passive.value).unsigned_abs();
        let says = format!(
            "between the last samples {} connects and {} accepted connections were counted while the sockets grew by {}",
            super::number(active.value),
            super::number(passive.value),
            super::number(gained as i64)
        );
        let at = active.at.into_iter().chain(passive.at);
        if opened * 2 < gained {
            claim.evidence.push(Evidence::new(Strength::Strong, Witnessed::Counters, says, at));
        } else if opened * 10 >= gained * 8 && !traced {
            claim.against.push(Evidence::new(Strength::Moderate, Witnessed::Counters, says, at));
        }
        return;
    }
    if let Some(opens) = case.counter("snmp.tcp.active_opens")
        && pile.count >= 20
        && opens.value >= 0
    {
        let says = format!("the kernel has counted {} connects since it started; {} sockets are left", opens.value, pile.count);
        if (opens.value as u64) * 2 < pile.count
            && !traced
            && let Some(accepted) = accepted(case, pile)
        {
            claim.against.push(accepted);
        } else if (opens.value as u64) * 2 < pile.count {
            claim.evidence.push(Evidence::new(Strength::Strong, Witnessed::Counters, says, opens.at));
        } else if !traced {
            claim.against.push(Evidence::new(Strength::Weak, Witnessed::Counters, says, opens.at));
        }
    }
}

/// That a server has accepted more connections than it has sockets left: they may as well be what is left of those.
fn accepted(case: &Case<'_>, pile: &Pile) -> Option<Evidence> {
    let passive = case.counter("snmp.tcp.passive_opens").filter(|f| f.value >= 0 && f.value as u64 >= pile.count)?;
    support::listens(case, pile).then(|| {
        let says = format!(
            "it listens, and the kernel has counted {} accepted connections since it started: the {} sockets may be what is left of those",
            super::number(passive.value),
            super::number(pile.count as i64)
        );
        Evidence::new(Strength::Moderate, Witnessed::Counters, says, passive.at)
    })
}

/// The address that a trace shows bind() failing for, because it is not of this host: it may have moved to another one.
fn not_local(case: &Case<'_>, pile: &Pile, claim: &mut Claim) {
    for (trace, _) in case.traces(pile) {
        let Some((end, n)) = trace.not_local.0.first() else { continue };
        let address = case.show(end);
        let says = format!("strace: bind() to {address} fails with EADDRNOTAVAIL {}: that is no address of this host", support::times(n));
        claim.evidence.push(Evidence::new(Strength::Moderate, Witnessed::Trace, says, trace.not_local.1.0.iter().take(2).cloned()));
        support::add_listener(claim, address, n, "bind to it fails: it is no address of this host");
    }
}
