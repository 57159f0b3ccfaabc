//! TCP sockets whose connection was reset and whose descriptor is kept.

use super::claim::Claim;
use super::support;
use super::{Case, on_piles};
use crate::ledger::Kind;

cause! {
    /// A connection is reset by the peer, the program notes the error (or not) and never closes the descriptor.
    ///
    /// # How it looks
    /// In no table, counted in `alloc`, as never-connected; `Tcp: EstabResets` grows with the sockets. strace: `read = -1 ECONNRESET` or
    /// `write = -1 EPIPE`, and no close.
    ///
    /// # Evidence for
    /// The trace; EstabResets as large as the number of sockets; log lines `connection reset`.
    ///
    /// # Evidence against
    /// Fewer EstabResets since boot than sockets.
    ///
    /// # Mistaken for
    /// connect-failed-not-closed and never-connected: the same sockets, other counters.
    ///
    /// # Confirm
    /// Two readings of `/proc/net/snmp`; `strace -f -tt -T -e trace=network,read,write,close -p PID`.
    ///
    /// # Now
    /// Find out why the peer resets (its limit, a balancer's idle time); restart before the descriptor limit.
    ///
    /// # For good
    /// Treat every error of read and write as the end of the descriptor: close it.
    ///
    /// # References
    /// RFC 9293 section 3.10.7; net/ipv4/tcp_input.c `tcp_reset`.
    ResetNotClosed, "reset-not-closed", leak, "connections are reset and their descriptors kept", weigh
}

fn weigh(case: &Case<'_>) -> Vec<Claim> {
    on_piles(case, "reset-not-closed", &[Kind::Closed, Kind::Unidentified], "left over by connections that were reset", |pile, claim| {
        support::by_trace(case, pile, claim, "a connection that is reset", |p| p.reset);
        support::by_logs(case, pile, claim, &["reset-not-closed"]);
        support::by_counter(case, pile, claim, "snmp.tcp.estab_resets", "resets of established connections");
        support::ask_for_trace(case, pile, claim);
        claim.now = vec!["find out why the peer resets its connections; restart the program before its descriptor limit".into()];
        claim.fix = vec!["close the descriptor after any error of read or write (ECONNRESET, EPIPE)".into()];
    })
}
