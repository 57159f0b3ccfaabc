//! Selectors (epoll, pipes, eventfds) that pile up beside sockets.

use super::claim::Claim;
use super::support;
use super::{Case, on_piles};
use crate::ledger::Kind;

cause! {
    /// A client object with its own selector (Netty EventLoopGroup, NIO transport, HTTP client) is created per call and never shut down.
    ///
    /// # How it looks
    /// lsof: repeating groups pipe, pipe, eventpoll (both pipe rows share an inode), sometimes with TCP rows to one remote between them.
    ///
    /// # Evidence for
    /// Groups by the hundred; a trace with pipe2 and epoll_create before each connect; stack traces that name EPollSelectorImpl.
    ///
    /// # Evidence against
    /// One per thread is how event loops work.
    ///
    /// # Mistaken for
    /// A pipe leak of child processes.
    ///
    /// # Confirm
    /// `ls -l /proc/PID/fd | grep -c eventpoll` twice.
    ///
    /// # Now
    /// Restart the program.
    ///
    /// # For good
    /// One shared client or EventLoopGroup; shut down what you create.
    ///
    /// # References
    /// epoll(7).
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
            support::by_trace(case, pile, claim, "epoll_create()", |p| super::suspicion::leaves_open(Kind::Eventpoll, p));
            support::by_logs(case, pile, claim, &["selector-not-closed"]);
            support::ask_for_trace(case, pile, claim);
            claim.now = vec!["restart the program".into()];
            claim.fix = vec!["share one client or event loop group, and shut down what is created".into()];
        },
    )
}
