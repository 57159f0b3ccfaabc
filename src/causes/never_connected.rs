//! TCP sockets that were created (or bound) and never connected.

use super::claim::{Claim, Evidence, Strength, Witnessed};
use super::support;
use super::{Case, on_piles};
use crate::capture::trace::{Origin, Outcome};
use crate::ledger::Kind;

cause! {
    /// A program creates TCP sockets, fails before it connects or uses them, and keeps the descriptors.
    ///
    /// # How it looks
    /// lsof: growing rows `protocol: TCP`, `protocol: TCPv6` or `can't identify protocol`. ss and netstat: nothing, such a socket is in no table.
    /// sockstat: `alloc` grows, `inuse` does not; `ss -s`: closed − timewait grows. strace: `socket()` with rising numbers, no `connect`, no `close`.
    ///
    /// # Evidence for
    /// A trace with `socket()` and neither `connect` nor `close`; fewer active opens in the kernel's counters than sockets; log lines of
    /// unresolvable names.
    ///
    /// # Evidence against
    /// As many active opens or failed attempts as sockets; a trace in which connects fail.
    ///
    /// # Mistaken for
    /// connect-failed-not-closed, which leaves the same sockets; an IPv6 problem, because lsof says TCPv6: that is only a label.
    ///
    /// # Confirm
    /// `strace -f -tt -T -e trace=network,close -p PID` over one retry interval.
    ///
    /// # Now
    /// Restart the program before its limit; repair the name or configuration on which it fails.
    ///
    /// # For good
    /// Resolve names before creating the socket; close it on every path, for every exception class. Java: UnresolvedAddressException is no
    /// IOException; a channel registered with a selector is freed only at the next select.
    ///
    /// # References
    /// socket(2), net/ipv4/af_inet.c `inet_create`; ZooKeeper ZOOKEEPER-4736.
    NeverConnected, "never-connected", leak, "TCP sockets are created, never connected, and never closed", weigh
}

fn weigh(case: &Case<'_>) -> Vec<Claim> {
    on_piles(case, "never-connected", &[Kind::Closed, Kind::Unidentified], "created and never connected or closed", |pile, claim| {
        let fits = |p: &crate::capture::trace::Pattern| {
            matches!(p.origin, Origin::Socket(s) if s.is_tcp()) && p.outcome == Outcome::NotTried && !p.listening && !p.used
        };
        let traced = support::by_trace(case, pile, claim, "socket() without connect()", fits);
        support::by_logs(case, pile, claim, &["never-connected"]);
        if let Some(opens) = case.counter("snmp.tcp.active_opens")
            && pile.count >= 20
            && opens.value >= 0
        {
            let says = format!("the kernel has counted {} connects since it started; {} sockets are left", opens.value, pile.count);
            if (opens.value as u64) * 2 < pile.count {
                claim.evidence.push(Evidence::new(Strength::Strong, Witnessed::Counters, says, opens.at));
            } else if !traced {
                claim.against.push(Evidence::new(Strength::Weak, Witnessed::Counters, says, opens.at));
            }
        }
        support::ask_for_trace(case, pile, claim);
        claim.now = vec!["restart the program before it reaches its descriptor limit; that buys time only".into()];
        claim.fix = vec![
            "close the socket on every path between socket() and connect(), for every exception class".into(),
            "resolve names and check options before the socket is created".into(),
        ];
    })
}
