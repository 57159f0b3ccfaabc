//! Processes and their limits.

/// What one source says of one process; fields it does not tell are `None` or empty.
#[derive(Clone, Copy, Debug, Default)]
pub struct Process<'a> {
    /// The process.
    pub pid: u32,
    /// Its parent.
    pub ppid: Option<u32>,
    /// The user as printed.
    pub user: &'a [u8],
    /// The kernel's name (`comm`, at most 15 bytes), where the source prints it.
    pub command: &'a [u8],
    /// The whole command line, arguments separated by blanks or NULs.
    pub cmdline: &'a [u8],
    /// Number of threads.
    pub threads: Option<u32>,
    /// When it was started, as printed.
    pub started: &'a [u8],
    /// State letter (`S`, `D`, `Z`, `T`).
    pub state: Option<u8>,
    /// `FDSize` of `/proc/PID/status`: slots of the descriptor table, which never shrinks.
    pub fd_size: Option<u32>,
    /// Number of open descriptors where a source counts them.
    pub fd_count: Option<u32>,
    /// The thread this row is about, if it is a thread's row (`ps -eLf`).
    pub tid: Option<u32>,
    /// pid that traces it (`TracerPid`), if not 0.
    pub tracer: Option<u32>,
    /// Its pid in its own (innermost) pid namespace, where that is another number.
    pub inner_pid: Option<u32>,
}

/// One resource limit.
#[derive(Clone, Copy, Debug)]
pub struct Limit<'a> {
    /// The process; `None` for the shell that ran `ulimit`, which says little about any other process, and for a file that does not name its
    /// process.
    pub pid: Option<u32>,
    /// The limit's name as `/proc/PID/limits` spells it: `Max open files`.
    pub name: &'a str,
    /// The soft limit, `None` if not told.
    pub soft: Option<LimitValue>,
    /// The hard limit, `None` if not told.
    pub hard: Option<LimitValue>,
    /// The program by whose name the command asked for it (`/proc/$(pidof NAME)/limits`), else empty.
    pub program: &'a [u8],
}

/// A limit's value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum LimitValue {
    /// A number.
    At(u64),
    /// `unlimited`.
    Unlimited,
}
