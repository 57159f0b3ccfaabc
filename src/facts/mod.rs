//! What captures say, in one vocabulary: the rows of every format become these facts, borrowed from the line they were read from.
//!
//! A parser never stores anything: it hands each fact to a [`Sink`] together with the place ([`At`]) it was read from.
//! Sinks decide what to keep: the ledger keeps a few machine words a row, `sockdiag facts` writes each as a line of JSON.

mod counter;
mod descriptor;
pub(crate) mod digits;
mod endpoint;
mod message;
mod process;
mod socket;
mod syscall;

pub use counter::{Counter, Identity, IdentityKey, Note, NoteKind, Scope, Tally, Unit};
pub use descriptor::{Descriptor, DescriptorKind, FdRef};
pub use endpoint::{Addr, Endpoint};
pub use message::{Level, Message, Stack};
pub use process::{Limit, LimitValue, Process};
pub use socket::{Holder, Protocol, Socket, SocketState, StatesShown, Timer, TimerKind};
pub use syscall::{Finish, Syscall};

/// The number of a member in the order of the input; resolved to its path only when a report is drawn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct MemberId(pub u32);

/// A place in a capture: one line (from 1) of one member. Eight bytes, so that every fact can carry one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Citation {
    /// The member the line is in.
    pub member: MemberId,
    /// The line's number, from 1.
    pub line: u32,
}

/// Where a fact is being read: the citation, the format that reads it, and the line itself for whoever wants to quote it.
#[derive(Clone, Copy, Debug)]
pub struct At<'a> {
    /// The place.
    pub citation: Citation,
    /// The id of the format that reads the line (`lsof`, `ss`, ...).
    pub format: &'static str,
    /// The raw line without its line end.
    pub text: &'a [u8],
}

/// Receives facts in the order they stand in the input. Every method has an empty default, so that a sink names only what it wants.
pub trait Sink {
    /// Whether of a file without a descriptor number (`cwd`, `mem`), of which a listing has more than of all others, it is enough to be
    /// told whose it is: such rows need not be read to their ends.
    fn skims(&self) -> bool {
        false
    }
    /// One open descriptor of one process (lsof, `/proc/PID/fd`, lsfd).
    fn descriptor(&mut self, _at: At<'_>, _fact: &Descriptor<'_>) {}
    /// The socket told just before once more, but with another number and inode, on the next line; it has neither ends nor a thread.
    /// Whether it was taken: if not, it is told in full.
    fn again(&mut self, _fd: u32, _inode: u64) -> bool {
        false
    }
    /// One socket of a protocol table (ss, netstat, `/proc/net/*`).
    fn socket(&mut self, _at: At<'_>, _fact: &Socket<'_>) {}
    /// One number with a name, a unit and a scope.
    fn counter(&mut self, _at: At<'_>, _fact: &Counter<'_>) {}
    /// One process, or what one source says of it.
    fn process(&mut self, _at: At<'_>, _fact: &Process<'_>) {}
    /// One resource limit of a process, or of the shell that captured.
    fn limit(&mut self, _at: At<'_>, _fact: &Limit<'_>) {}
    /// One system call of a trace; a call that was interrupted in the listing is joined before it arrives here.
    fn syscall(&mut self, _at: At<'_>, _fact: &Syscall<'_>) {}
    /// One line of a log.
    fn message(&mut self, _at: At<'_>, _fact: &Message<'_>) {}
    /// One thread of a dump, which is a message too.
    fn stack(&mut self, at: At<'_>, _fact: &Stack<'_>, message: &Message<'_>) {
        self.message(at, message);
    }
    /// One count that somebody made with a pipeline (`lsof | wc -l`).
    fn tally(&mut self, _at: At<'_>, _fact: &Tally<'_>) {}
    /// Whose capture it is and when it was made.
    fn identity(&mut self, _at: At<'_>, _fact: &Identity<'_>) {}
    /// Something that limits what the rows around it can prove: no privilege, a table that starts again, a cut.
    fn note(&mut self, _at: At<'_>, _fact: &Note<'_>) {}
}

/// Drops everything; for measuring parsers and for counting rows.
#[derive(Debug, Default)]
pub struct Discard;

impl Sink for Discard {}
