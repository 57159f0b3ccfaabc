//! Selectors (epoll, pipes, eventfds) that pile up beside sockets.

use super::claim::Claim;
use super::support;
use super::{Case, on_piles};
use crate::ledger::Kind;

cause! {
    /// A client object with its own selector (Netty EventLoopGroup, NIO transport, HTTP client) is created per call and never shut
    /// down. What piles up are epoll instances, eventfds and pipes; sockets come along or not.
    ///
    /// # How it looks
    /// - lsof: groups that repeat: `FIFO pipe` read end, `FIFO pipe` write end (both with the same inode) and `a_inode [eventpoll]`;
    ///   newer JVMs have `[eventfd]` in place of the pipes. Sometimes a TCP row to one remote in between.
    /// - /proc/PID/fd: `pipe:[N]` twice, then `anon_inode:[eventpoll]`, over and over.
    /// - ss, netstat: little or nothing, so the sockets do not explain the descriptors. sockstat and `ss -s` do not grow.
    /// - strace: `pipe2` or `eventfd2`, and `epoll_create1`, before each connect; no close.
    /// - log: `failed to open a new selector`, stack traces that name EPollSelectorImpl or EPollArrayWrapper; a thread per group in
    ///   the dump.
    ///
    /// # Evidence for
    /// - Groups by the hundred; a trace.
    /// - Selectors with what wakes them are nearly all that the process has open, and more than it has threads.
    /// - An excerpt at high numbers without a gap: the numbers below are taken too.
    /// - As many idle event loop threads as groups in a thread dump.
    ///
    /// # Evidence against
    /// - One per event loop thread is how event loops work: a few per core.
    /// - A constant number.
    ///
    /// # Mistaken for
    /// - `pool-unbounded`, where the connections are what grows; here they may all be closed.
    /// - Pipes of child processes: those come without eventpoll rows.
    ///
    /// # Confirm
    /// - `ls -l /proc/PID/fd | grep -c eventpoll`, twice.
    /// - `jstack PID | grep -c 'nioEventLoopGroup\|HttpClient-.*-SelectorManager'`.
    ///
    /// # Now
    /// - Restart the program; garbage collection closes none or only some of them.
    ///
    /// # For good
    /// - Netty: one EventLoopGroup per process, shared by all bootstraps; `shutdownGracefully()` on what you create. Grizzly: one
    ///   transport.
    /// - Java: one java.net.http.HttpClient (each has a selector thread; from 21 on it is AutoCloseable), one OkHttpClient, one
    ///   AsyncHttpClient, one KafkaProducer or AdminClient.
    /// - ZooKeeper, CouchDB and gRPC clients: one per process; close channels with `shutdown()`.
    /// - Python: one asyncio loop per thread, `loop.close()`; `asyncio.run` per call is right, new_event_loop per call without close
    ///   is not.
    /// - Node and Go: the runtime has one poller; if eventpolls grow, a native module or cgo library creates them.
    ///
    /// # References
    /// epoll(7), eventfd(2); github.com/netty/netty issue 3120 and 5653; github.com/eclipse-ee4j/glassfish-grizzly issue 1797.
    SelectorNotClosed, "selector-not-closed", leak, "client objects with their own selector are created per call", weigh
}

fn weigh(case: &Case<'_>) -> Vec<Claim> {
    on_piles(
        case,
        "selector-not-closed",
        &[Kind::Eventpoll],
        "each a selector of a client object that is created per call and never shut down",
        |pile, claim| {
            support::own_remotes(case, pile, claim, pile.accepted == Some(true));
            support::by_trace(case, pile, claim, "epoll_create() or eventfd()", |p| crate::ledger::leaves_open(Kind::Eventpoll, p));
            support::by_logs(case, pile, claim, &["selector-not-closed"]);
            support::ask_for_trace(case, pile, claim);
            claim.now = vec!["restart the program".into()];
            claim.fix = vec!["share one client or event loop group, and shut down what is created".into()];
        },
    )
}
