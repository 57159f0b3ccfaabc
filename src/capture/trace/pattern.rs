//! What the lives of descriptors have in common, and how often each was seen.

use crate::capture::end::End;
use crate::capture::intern::Name;
use crate::capture::quote::Quotes;
use crate::capture::tops::Tops;
use crate::facts::Protocol;

/// How a descriptor came to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Origin {
    /// `socket()`.
    Socket(Protocol),
    /// `accept()` or `accept4()`.
    Accept,
    /// `socketpair()`.
    Pair,
    /// `dup`, `dup2`, `dup3`, `fcntl(F_DUPFD)`.
    Dup,
    /// `pipe()`.
    Pipe,
    /// `epoll_create`, `eventfd`.
    Poll,
    /// `open()` of a file.
    File,
    /// Before the trace began.
    Before,
}

/// What became of a connection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Outcome {
    /// `connect` was never called.
    #[default]
    NotTried,
    /// `connect` is under way.
    InProgress,
    /// Connected (or accepted).
    Connected,
    /// `connect` failed with this error, at once or as `SO_ERROR` told later.
    Failed(Name),
}

/// What lives have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Pattern {
    /// How they began.
    pub origin: Origin,
    /// What became of the connection.
    pub outcome: Outcome,
    /// Where to, or for an accepted socket from where (host only).
    pub remote: Option<End>,
    /// A read returned 0: the peer has closed.
    pub eof: bool,
    /// A call failed with ECONNRESET or EPIPE.
    pub reset: bool,
    /// `shutdown()` was called.
    pub shutdown: bool,
    /// Data was read or written.
    pub used: bool,
    /// `bind()` was called.
    pub bound: bool,
    /// `listen()` was called.
    pub listening: bool,
}

/// How often lives of a pattern were seen.
#[derive(Clone, Debug, Default)]
pub struct Tale {
    /// Closed in the trace.
    pub closed: u64,
    /// Still open at its end.
    pub open: u64,
    /// Still open although the process went on to create further descriptors.
    pub settled: u64,
    /// Of those still open, the ones with data on them after a further socket was created: they are kept for use.
    pub kept: u64,
    /// Of those still open, the ones whose thread has ended.
    pub orphaned: u64,
    /// Created after the program had waited for a time since the socket before.
    pub rested: u64,
    /// Whether each new number was higher than the one before.
    pub rising: bool,
    /// Lowest and highest number.
    pub numbers: Option<(i32, i32)>,
    /// Calls that tell it: creation of the first, and what failed.
    pub quotes: Quotes,
    /// Threads.
    pub threads: Tops<u32>,
}

impl Tale {
    /// Notes the number of a descriptor just created.
    pub fn number(&mut self, fd: i32) {
        self.numbers = Some(match self.numbers {
            Some((low, high)) => {
                self.rising &= fd > high;
                (low.min(fd), high.max(fd))
            }
            None => (fd, fd),
        });
    }
}
