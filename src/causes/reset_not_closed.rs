//! TCP sockets whose connection was reset and whose descriptor is kept.

use super::claim::Claim;
use super::support;
use super::{Case, on_piles, unowned};
use crate::ledger::Kind;

cause! {
    /// A connection is reset by the peer, the program notes the error (or does not) and never closes the descriptor. The kernel has
    /// finished with the socket; only the program's number keeps it.
    ///
    /// # How it looks
    /// - lsof: as `never-connected`: `protocol: TCP`, `protocol: TCPv6` or `can't identify protocol`, because the socket has left all
    ///   tables.
    /// - ss, netstat: nothing for the leaked ones; other connections to the same peer are ESTABLISHED.
    /// - `ss -s`: closed minus timewait grows. sockstat: alloc grows, inuse does not.
    /// - /proc/net/snmp: `Tcp: EstabResets` rises as fast as the sockets.
    /// - strace: `read(N) = -1 ECONNRESET`, `write(N) = -1 EPIPE` or `epoll_wait` with EPOLLERR|EPOLLHUP, and no `close(N)`.
    /// - log: `Connection reset by peer`, `Broken pipe`.
    ///
    /// # Evidence for
    /// - A trace with the error and no close of its number.
    /// - EstabResets at least as large as the number of sockets, or rising with it.
    /// - Log lines of resets, in numbers that fit.
    ///
    /// # Evidence against
    /// - Fewer EstabResets since boot than sockets: they cannot all have been reset.
    /// - A trace that closes after each error.
    ///
    /// # Mistaken for
    /// - `connect-failed-not-closed` and `never-connected`: the same sockets, other counters.
    /// - A fault of the peer: resetting is its right (an idle limit, a deploy, a full queue). The leak is here.
    ///
    /// # Confirm
    /// - `grep Tcp: /proc/net/snmp`, twice, beside `ls /proc/PID/fd | wc -l`.
    /// - `strace -f -tt -T -e trace=network,read,write,close -p PID` until one reset is seen.
    ///
    /// # Now
    /// - Find out why the peer resets: its connection limit, a balancer's idle time, a restart loop.
    /// - Restart before the descriptor limit.
    ///
    /// # For good
    /// - All: every error of read and write other than EAGAIN and EINTR is the end of the descriptor: close it.
    /// - epoll programs: handle EPOLLERR and EPOLLHUP also where no read was asked for.
    /// - Java NIO: close the channel when read or write throws, and cancel nothing by hand; Grizzly lost such events and left
    ///   CLOSE_WAIT beside unidentified sockets.
    /// - Netty: `exceptionCaught` must end in `ctx.close()`. Kafka: an exception while sending the TLS close message skipped the
    ///   close (KAFKA-2779).
    /// - Go: close in `defer` right after the dial or accept. Node: `error` is followed by `close` only if nothing holds the socket
    ///   back; destroy it. Python: `with closing(sock)`.
    ///
    /// # References
    /// RFC 9293 section 3.10.7; net/ipv4/tcp_input.c `tcp_reset`; github.com/apache/kafka pull 460;
    /// github.com/eclipse-ee4j/glassfish-grizzly issue 1789.
    ResetNotClosed, "reset-not-closed", leak, "connections are reset and their descriptors kept", weigh
}

/// What is said of them, and what mends it.
const SAYS: &str = "left over by connections that were reset";
const FIX: &str = "close the descriptor after any error of read or write (ECONNRESET, EPIPE)";

fn weigh(case: &Case<'_>) -> Vec<Claim> {
    let mut claims = on_piles(case, "reset-not-closed", &[Kind::Closed, Kind::Unidentified], SAYS, |pile, claim| {
        support::by_trace(case, pile, claim, "a connection that is reset", |p| p.reset);
        support::by_logs(case, pile, claim, &["reset-not-closed"]);
        support::by_counter(case, pile, claim, "snmp.tcp.estab_resets", "resets of established connections");
        support::ask_for_trace(case, pile, claim);
        claim.now = vec!["find out why the peer resets its connections; restart the program before its descriptor limit".into()];
        claim.fix = vec![FIX.into()];
    });
    claims.extend(unowned::claim(case, unowned::End::Reset, "reset-not-closed", SAYS, FIX));
    claims
}
