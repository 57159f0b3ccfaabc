//! One line of a log.

/// A log line, split as far as its framework's layout is known.
#[derive(Clone, Copy, Debug)]
pub struct Message<'a> {
    /// The time as printed, empty if none.
    pub at: &'a [u8],
    /// The level, `None` if not told.
    pub level: Option<Level>,
    /// The text after time, level and source.
    pub text: &'a [u8],
    /// The host that a line of syslog names, empty if none.
    pub host: &'a [u8],
    /// The program that wrote it (`kube-apiserver` of a syslog line), empty if not told.
    pub program: &'a [u8],
    /// The process that wrote it, where the line says (`kube-apiserver[71042]`, a JSON `pid`).
    pub pid: Option<u32>,
    /// The thread as the framework names it, empty if not told.
    pub thread: &'a [u8],
    /// Whether it comes from the kernel (dmesg, `kernel:`).
    pub kernel: bool,
    /// Whether `program` is told by the layout of the line, which only that program prints.
    pub by_layout: bool,
}

/// What a thread, or several in one place, was doing when it was dumped.
#[derive(Clone, Copy, Debug)]
pub struct Stack<'a> {
    /// Its name, empty if not told.
    pub thread: &'a [u8],
    /// The kernel's number of it, where the runtime tells.
    pub tid: Option<u32>,
    /// Its state as printed, empty if not told.
    pub state: &'a [u8],
    /// The innermost frame outside of the language's own library, else the innermost; empty if there is none.
    pub place: &'a [u8],
    /// How many threads stand there.
    pub count: u64,
}

/// How serious a log line says it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[expect(missing_docs, reason = "each variant is the level it is named after")]
pub enum Level {
    Trace,
    Debug,
    Info,
    Warn,
    Error,
    Fatal,
}

impl Level {
    /// The word used in facts.
    pub fn word(self) -> &'static str {
        match self {
            Level::Trace => "trace",
            Level::Debug => "debug",
            Level::Info => "info",
            Level::Warn => "warn",
            Level::Error => "error",
            Level::Fatal => "fatal",
        }
    }
}
