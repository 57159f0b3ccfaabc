//! Netlink sockets that pile up.

use super::claim::Claim;
use super::support;
use super::{Case, on_piles};
use crate::ledger::Kind;

cause! {
    /// A daemon opens a netlink socket per reload, poll or request and never closes it.
    ///
    /// # How it looks
    /// - lsof: rows of type `netlink` (`ROUTE`, `SOCK_DIAG`, `GENERIC`, `NETFILTER`); lsof that could not read /proc/net/netlink says
    ///   `can't identify protocol`.
    /// - `ss -f netlink -p`: rows of one process in numbers; local port ids are its pid and then negative numbers, because only the
    ///   first may have the pid.
    /// - /proc/net/netlink: one row each.
    /// - `ss -s`: only the total grows. sockstat: `sockets: used` grows, TCP and UDP do not.
    /// - strace: `socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE)`, `bind`, a dump, no `close`.
    /// - log: as many reloads or polls as sockets.
    ///
    /// # Evidence for
    /// - Growth by a fixed number per reload or poll; a trace.
    /// - One process with far more than a few.
    ///
    /// # Evidence against
    /// - A few per daemon are normal, and one or two per container for a container runtime.
    ///
    /// # Mistaken for
    /// - A TCP leak, with an old lsof that cannot name them: then `ss -s` closed minus timewait does not grow.
    /// - Growth of a container host: count per container.
    ///
    /// # Confirm
    /// - `ss -f netlink -p | wc -l` before and after a reload, or twice.
    /// - `strace -f -e trace=socket,bind,close -p PID` over one poll.
    ///
    /// # Now
    /// - Restart the daemon; poll less often until then.
    ///
    /// # For good
    /// - All: close the socket on every path, also when bind or parsing fails; keep one per purpose.
    /// - C: nl_socket_free() (libnl), mnl_socket_close() (libmnl); libc's getifaddrs() and if_nameindex() close their own.
    /// - Go: `Close()` on netlink handles of vishvananda/netlink and mdlayher/netlink; one per process.
    /// - Docker: handles per container namespace are by design; growth per API call is not.
    /// - Python: pyroute2 `IPRoute()` in `with`.
    ///
    /// # References
    /// netlink(7), sock_diag(7); net/netlink/af_netlink.c; github.com/acassen/keepalived issue 114; github.com/raboof/connbeat issue
    /// 350; github.com/ClickHouse/ClickHouse pull 39886; github.com/moby/moby issue 28448.
    NetlinkNotClosed, "netlink-not-closed", leak, "netlink sockets are opened and never closed", weigh
}

fn weigh(case: &Case<'_>) -> Vec<Claim> {
    on_piles(case, "netlink-not-closed", &[Kind::Netlink], "opened again and again and never closed", |pile, claim| {
        support::own_remotes(case, pile, claim, pile.accepted == Some(true));
        support::by_trace(case, pile, claim, "a netlink socket", |p| crate::ledger::leaves_open(Kind::Netlink, p));
        support::by_logs(case, pile, claim, &["netlink-not-closed"]);
        support::ask_for_trace(case, pile, claim);
        claim.now = vec!["restart the daemon".into()];
        claim.fix = vec!["close the netlink socket on every path, also after an error".into()];
    })
}
