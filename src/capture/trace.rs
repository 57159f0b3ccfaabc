//! The lives of descriptors in one system call trace: created by which call, connected where with what result, used, shut down, closed or not.
//!
//! A number is free from the start of `close` (the kernel takes it out of the table before it does anything slow), so a life ends there.
//! Each life is a few words; what can be counted is counted when it ends, and what is still open at the end of the trace is counted then.

use super::end::End;
use super::intern::{Interner, Name};
use super::quote::{Quote, Quotes};
use super::sockaddr;
use super::tops::Tops;
use crate::facts::{At, Citation, Finish, Protocol, Syscall};
use rustc_hash::{FxHashMap, FxHashSet};
use std::collections::BTreeMap;

/// Lives kept at once, at most: more open descriptors than any trace of real length creates.
const MAX_LIVES: usize = 4 << 20;
/// Calls still running at the end that are kept, at most.
const MAX_PENDING: usize = 256;

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
    /// Whether each new number was higher than the one before.
    pub rising: bool,
    /// Lowest and highest number.
    pub numbers: Option<(i32, i32)>,
    /// Calls that tell it: creation of the first, and what failed.
    pub quotes: Quotes,
    /// Threads.
    pub threads: Tops<u32>,
}

/// One call that had not returned when the trace ended.
#[derive(Clone, Debug)]
pub struct Blocked {
    /// The thread, if told.
    pub tid: Option<u32>,
    /// The call.
    pub name: Name,
    /// The descriptor it waits on, if it names one.
    pub fd: Option<i32>,
    /// The line.
    pub quote: Quote,
}

/// One trace.
#[derive(Debug)]
pub struct Trace {
    /// Where it begins.
    pub at: Citation,
    /// The process it was attached to, if the file or a banner says.
    pub pid: Option<u32>,
    /// Threads seen.
    pub threads: FxHashSet<u32>,
    /// Calls read.
    pub calls: u64,
    /// Calls by name, of the few that matter.
    pub by_name: BTreeMap<&'static str, u64>,
    /// Whether calls that no network filter lets through were seen, so that a missing `close` means there was none.
    pub unfiltered: bool,
    /// What lives have in common, after [`Trace::end`].
    pub tales: BTreeMap<Pattern, Tale>,
    /// Failed connects by remote and error.
    pub failed: Tops<(End, Name)>,
    /// The first of them.
    pub failed_quotes: Quotes,
    /// Calls that failed with EMFILE, and the first.
    pub emfile: (u64, Quotes),
    /// Calls that failed with ENFILE.
    pub enfile: (u64, Quotes),
    /// Calls that failed with EADDRNOTAVAIL.
    pub no_address: (u64, Quotes),
    /// Calls still running at the end, the first few hundred.
    pub pending: Vec<Blocked>,
    /// Threads that were in a futex wait at the end.
    pub waiting_on_futex: u64,
    /// `sendmsg` with SCM_RIGHTS, and received ones.
    pub rights: (u64, u64, Quotes),
    /// poll, select, epoll_wait that timed out.
    pub idle_polls: u64,
    /// Reads and writes on descriptors that were open before the trace began: they are in use.
    pub used_before: FxHashSet<i32>,
    /// First and last time as printed.
    pub times: (String, String),
    /// Calls by name, in the order of their first: few, and nearly always the same ones.
    counted: Vec<(&'static str, u64)>,
    /// What becomes `tales`.
    telling: FxHashMap<Pattern, Tale>,
    last_tid: u32,
    lives: FxHashMap<(u32, i32), Life>,
    last_created: u32,
    groups: FxHashMap<u32, u32>,
    remotes: Vec<End>,
    remote_numbers: FxHashMap<End, u32>,
    errnos: Vec<Name>,
}

/// One descriptor's life, packed: a trace of gigabytes may leave a million open.
#[derive(Clone, Copy, Debug)]
struct Life {
    origin: Origin,
    outcome: u8,
    flags: u8,
    errno: u8,
    remote: u32,
    line: u32,
    tid: u32,
}

const EOF: u8 = 1;
const RESET: u8 = 2;
const SHUTDOWN: u8 = 4;
const USED: u8 = 8;
const BOUND: u8 = 16;
const LISTENING: u8 = 32;
const NO_REMOTE: u32 = u32::MAX;

impl Trace {
    /// An empty trace that begins at a place.
    pub fn new(at: Citation, pid: Option<u32>) -> Trace {
        Trace {
            at,
            pid,
            threads: FxHashSet::default(),
            calls: 0,
            by_name: BTreeMap::new(),
            unfiltered: false,
            tales: BTreeMap::new(),
            failed: Tops::default(),
            failed_quotes: Quotes::default(),
            emfile: Default::default(),
            enfile: Default::default(),
            no_address: Default::default(),
            pending: Vec::new(),
            waiting_on_futex: 0,
            rights: Default::default(),
            idle_polls: 0,
            used_before: FxHashSet::default(),
            times: Default::default(),
            counted: Vec::new(),
            telling: FxHashMap::default(),
            last_tid: 0,
            lives: FxHashMap::default(),
            last_created: 0,
            groups: FxHashMap::default(),
            remotes: Vec::new(),
            remote_numbers: FxHashMap::default(),
            errnos: Vec::new(),
        }
    }

    /// Takes one call.
    pub fn add(&mut self, at: &At<'_>, call: &Syscall<'_>, names: &mut Interner) {
        let group = if self.groups.is_empty() { 0 } else { call.tid.map_or(0, |t| self.groups.get(&t).copied().unwrap_or(0)) };
        if call.finish == Finish::Started {
            // From the start of close the number is free, and another thread may be given it before close returns.
            if call.name == b"close"
                && let Some(fd) = call.fd
            {
                self.close(group, fd, at);
            }
            return;
        }
        self.calls += 1;
        if let Some(tid) = call.tid.filter(|&t| t != self.last_tid)
            && self.threads.len() < 65_536
        {
            self.threads.insert(tid);
            self.last_tid = tid;
        }
        if self.times.0.is_empty() && !call.at.is_empty() {
            self.times.0 = String::from_utf8_lossy(call.at).into_owned();
        }
        if call.finish == Finish::Pending {
            self.waiting_on_futex += u64::from(call.name == b"futex");
            if self.pending.len() < MAX_PENDING {
                self.pending.push(Blocked { tid: call.tid, name: names.add(call.name), fd: call.fd, quote: Quote::keep(at) });
            }
            return;
        }
        match call.errno {
            b"" => {}
            b"EMFILE" => note(&mut self.emfile, at),
            b"ENFILE" => note(&mut self.enfile, at),
            b"EADDRNOTAVAIL" => note(&mut self.no_address, at),
            _ => {}
        }
        self.act(group, at, call, names);
        if !call.at.is_empty() && self.calls % 256 == 1 {
            self.times.1.clear();
            self.times.1.push_str(&String::from_utf8_lossy(call.at));
        }
    }

    fn act(&mut self, group: u32, at: &At<'_>, call: &Syscall<'_>, names: &mut Interner) {
        let result = call.result.and_then(|r| i32::try_from(r).ok());
        let created = result.filter(|&r| r >= 0);
        match call.name {
            b"futex" | b"clock_nanosleep" | b"nanosleep" | b"getpid" | b"gettid" | b"mmap" | b"munmap" | b"madvise" | b"sched_yield"
            | b"brk" | b"stat" | b"fstat" | b"lseek" | b"rt_sigprocmask" | b"getrandom" => self.unfiltered = true,
            b"poll" | b"ppoll" | b"select" | b"pselect6" | b"epoll_wait" | b"epoll_pwait" => {
                self.unfiltered = true;
                self.idle_polls += u64::from(call.result == Some(0));
            }
            b"socket" => {
                self.tally("socket");
                if let Some(fd) = created {
                    self.create(group, fd, Origin::Socket(sockaddr::protocol(call.args)), at, call);
                }
            }
            b"connect" => self.connect(group, at, call, names),
            b"accept" | b"accept4" => {
                self.tally("accept");
                if let Some(fd) = created {
                    self.create(group, fd, Origin::Accept, at, call);
                    let remote = sockaddr::end(call.args, names).map(End::host);
                    let remote = self.remote(remote);
                    if let Some(life) = self.lives.get_mut(&(group, fd)) {
                        (life.outcome, life.remote) = (2, remote);
                    }
                }
            }
            b"close" => {
                self.tally("close");
                // A resumed close was handled at its start.
                if call.finish == Finish::Whole
                    && let Some(fd) = call.fd
                {
                    self.close(group, fd, at);
                }
            }
            b"shutdown" => {
                self.tally("shutdown");
                if call.result == Some(0) {
                    self.flag(group, call.fd, SHUTDOWN);
                }
            }
            b"bind" if call.result == Some(0) => self.flag(group, call.fd, BOUND),
            b"listen" if call.result == Some(0) => self.flag(group, call.fd, LISTENING),
            b"getsockopt" => {
                if let Some(errno) = sockaddr::so_error(call.args) {
                    self.so_error(group, at, call, errno, names);
                }
            }
            b"read" | b"recv" | b"recvfrom" | b"recvmsg" | b"readv" | b"recvmmsg" => self.transfer(group, at, call, true),
            b"write" | b"send" | b"sendto" | b"sendmsg" | b"writev" | b"sendfile" | b"sendmmsg" => self.transfer(group, at, call, false),
            b"dup" | b"dup2" | b"dup3" => {
                if let Some(fd) = created.filter(|&fd| Some(fd) != call.fd) {
                    self.tally("dup");
                    self.create(group, fd, Origin::Dup, at, call);
                }
            }
            b"fcntl" | b"fcntl64" if memchr::memmem::find(call.args, b"F_DUPFD").is_some() => {
                if let Some(fd) = created {
                    self.tally("dup");
                    self.create(group, fd, Origin::Dup, at, call);
                }
            }
            b"pipe" | b"pipe2" | b"socketpair" if call.result == Some(0) => {
                let origin = if call.name == b"socketpair" { Origin::Pair } else { Origin::Pipe };
                self.tally(if origin == Origin::Pair { "socketpair" } else { "pipe" });
                for fd in sockaddr::pair(call.args).into_iter().flatten() {
                    self.create(group, fd, origin, at, call);
                }
            }
            b"epoll_create" | b"epoll_create1" | b"eventfd" | b"eventfd2" => {
                if let Some(fd) = created {
                    self.tally("epoll_create");
                    self.create(group, fd, Origin::Poll, at, call);
                }
            }
            b"open" | b"openat" | b"creat" => {
                self.unfiltered = true;
                if let Some(fd) = created {
                    self.tally("open");
                    self.create(group, fd, Origin::File, at, call);
                }
            }
            b"fork" | b"vfork" => self.fork(call),
            b"clone" | b"clone3" if memchr::memmem::find(call.args, b"CLONE_FILES").is_none() => self.fork(call),
            _ => {}
        }
    }

    /// Sockets that the trace shows being created: in all, and still open at its end.
    pub fn sockets(&self) -> (u64, u64) {
        let made = self.tales.iter().filter(|(p, _)| matches!(p.origin, Origin::Socket(_)));
        made.fold((0, 0), |(all, open), (_, tale)| (all + tale.closed + tale.open, open + tale.open))
    }

    /// The trace is over: what is still open is counted.
    pub fn end(&mut self) {
        let lives: Vec<((u32, i32), Life)> = self.lives.drain().collect();
        let last = self.last_created;
        for ((_, fd), life) in lives {
            let pattern = self.pattern(&life);
            let tale = self.telling.entry(pattern).or_default();
            tale.open += 1;
            tale.settled += u64::from(life.line < last);
            let (low, high) = tale.numbers.unwrap_or((fd, fd));
            tale.numbers = Some((low.min(fd), high.max(fd)));
            if life.tid != 0 {
                tale.threads.add(life.tid);
            }
        }
        for (pattern, tale) in self.telling.drain() {
            self.tales.insert(pattern, tale);
        }
        for (name, n) in self.counted.drain(..) {
            *self.by_name.entry(name).or_default() += n;
        }
        self.lives = FxHashMap::default();
        self.remote_numbers = FxHashMap::default();
    }

    fn tally(&mut self, name: &'static str) {
        match self.counted.iter_mut().find(|(n, _)| std::ptr::eq(*n, name)) {
            Some((_, count)) => *count += 1,
            None => self.counted.push((name, 1)),
        }
    }

    fn create(&mut self, group: u32, fd: i32, origin: Origin, at: &At<'_>, call: &Syscall<'_>) {
        if self.lives.len() >= MAX_LIVES {
            return;
        }
        let line = at.citation.line;
        let life = Life { origin, outcome: 0, flags: 0, errno: 0, remote: NO_REMOTE, line, tid: call.tid.unwrap_or(0) };
        // A number that is handed out again was closed where the trace did not see it.
        if let Some(old) = self.lives.insert((group, fd), life)
            && old.origin != Origin::Before
        {
            let pattern = self.pattern(&old);
            self.telling.entry(pattern).or_default().closed += 1;
        }
        self.last_created = line;
        let fresh = Pattern {
            origin,
            outcome: Outcome::NotTried,
            remote: None,
            eof: false,
            reset: false,
            shutdown: false,
            used: false,
            bound: false,
            listening: false,
        };
        let tale = self.telling.entry(fresh).or_insert_with(|| Tale { rising: true, ..Tale::default() });
        tale.quotes.offer(at);
        match tale.numbers {
            Some((low, high)) => {
                tale.rising &= fd > high;
                tale.numbers = Some((low.min(fd), high.max(fd)));
            }
            None => tale.numbers = Some((fd, fd)),
        }
    }

    fn close(&mut self, group: u32, fd: i32, at: &At<'_>) {
        if let Some(life) = self.lives.remove(&(group, fd)) {
            let pattern = self.pattern(&life);
            let tale = self.telling.entry(pattern).or_default();
            tale.closed += 1;
            tale.quotes.offer(at);
        }
    }

    fn connect(&mut self, group: u32, at: &At<'_>, call: &Syscall<'_>, names: &mut Interner) {
        self.tally("connect");
        let Some(fd) = call.fd else { return };
        let end = sockaddr::end(call.args, names);
        let remote = self.remote(end);
        let outcome = match (call.result, call.errno) {
            (Some(0), _) => 2,
            (_, b"EINPROGRESS" | b"EALREADY" | b"EINTR") => 1,
            (_, b"EISCONN") => 2,
            (_, b"") => 0,
            _ => 3,
        };
        let errno = if outcome == 3 { self.errno(names.add(call.errno)) } else { 0 };
        let life = self.lives.entry((group, fd)).or_insert(Life {
            origin: Origin::Before,
            outcome: 0,
            flags: 0,
            errno: 0,
            remote: NO_REMOTE,
            line: at.citation.line,
            tid: call.tid.unwrap_or(0),
        });
        (life.outcome, life.errno) = (outcome, errno);
        if remote != NO_REMOTE {
            life.remote = remote;
        }
        let life = *life;
        if outcome == 3 {
            self.fail(at, end, call.errno, names);
        }
        if outcome != 2 || self.telling.len() < 4096 {
            let pattern = self.pattern(&life);
            self.telling.entry(pattern).or_insert_with(|| Tale { rising: true, ..Tale::default() }).quotes.offer(at);
        }
    }

    fn fail(&mut self, at: &At<'_>, end: Option<End>, errno: &[u8], names: &mut Interner) {
        self.failed_quotes.offer(at);
        self.failed.add((end.unwrap_or(End::Any(0)), names.add(errno)));
    }

    fn so_error(&mut self, group: u32, at: &At<'_>, call: &Syscall<'_>, errno: &[u8], names: &mut Interner) {
        let Some(life) = call.fd.and_then(|fd| self.lives.get_mut(&(group, fd))) else { return };
        if life.outcome != 1 {
            return;
        }
        if errno.is_empty() {
            life.outcome = 2;
            return;
        }
        life.outcome = 3;
        let remote = self.remotes.get(life.remote as usize).copied();
        let fd = call.fd.unwrap_or(-1);
        let number = self.errno(names.add(errno));
        if let Some(life) = self.lives.get_mut(&(group, fd)) {
            life.errno = number;
            let life = *life;
            let pattern = self.pattern(&life);
            self.telling.entry(pattern).or_default().quotes.offer(at);
        }
        self.fail(at, remote, errno, names);
    }

    fn transfer(&mut self, group: u32, at: &At<'_>, call: &Syscall<'_>, reading: bool) {
        let Some(fd) = call.fd else { return };
        if matches!(call.name, b"sendmsg" | b"recvmsg" | b"sendmmsg" | b"recvmmsg")
            && call.result.is_some_and(|r| r >= 0)
            && memchr::memmem::find(call.args, b"SCM_RIGHTS").is_some()
        {
            if reading {
                self.rights.1 += 1
            } else {
                self.rights.0 += 1
            }
            self.rights.2.offer(at);
        }
        let flag = match (call.result, call.errno) {
            (Some(0), _) if reading => EOF,
            (Some(n), b"") if n > 0 => USED,
            (_, b"ECONNRESET" | b"EPIPE") => RESET,
            _ => return,
        };
        match self.lives.get_mut(&(group, fd)) {
            Some(life) => {
                life.flags |= flag;
                if life.outcome == 1 && flag == USED {
                    life.outcome = 2;
                }
            }
            None if flag == USED => {
                if self.used_before.len() < 65_536 {
                    self.used_before.insert(fd);
                }
            }
            // The end of a connection that was open before the trace began: closed after it, or not.
            None => {
                let life = Life {
                    origin: Origin::Before,
                    outcome: 2,
                    flags: flag,
                    errno: 0,
                    remote: NO_REMOTE,
                    line: at.citation.line,
                    tid: call.tid.unwrap_or(0),
                };
                if self.lives.len() < MAX_LIVES {
                    self.lives.insert((group, fd), life);
                    let pattern = self.pattern(&life);
                    self.telling.entry(pattern).or_default().quotes.offer(at);
                }
            }
        }
    }

    fn flag(&mut self, group: u32, fd: Option<i32>, flag: u8) {
        if let Some(life) = fd.and_then(|fd| self.lives.get_mut(&(group, fd))) {
            life.flags |= flag;
        }
    }

    fn fork(&mut self, call: &Syscall<'_>) {
        if let Some(child) = call.result.and_then(|r| u32::try_from(r).ok()).filter(|&c| c > 0)
            && self.groups.len() < 65_536
        {
            self.groups.insert(child, child);
        }
    }

    fn remote(&mut self, end: Option<End>) -> u32 {
        let Some(end) = end else { return NO_REMOTE };
        if let Some(&n) = self.remote_numbers.get(&end) {
            return n;
        }
        if self.remotes.len() >= 65_536 {
            return NO_REMOTE;
        }
        let n = self.remotes.len() as u32;
        self.remotes.push(end);
        self.remote_numbers.insert(end, n);
        n
    }

    fn errno(&mut self, name: Name) -> u8 {
        let n = self.errnos.iter().position(|&e| e == name).unwrap_or_else(|| {
            if self.errnos.len() < 250 {
                self.errnos.push(name);
            }
            self.errnos.len() - 1
        });
        n as u8
    }

    fn pattern(&self, life: &Life) -> Pattern {
        let has = |flag| life.flags & flag != 0;
        Pattern {
            origin: life.origin,
            outcome: match life.outcome {
                0 => Outcome::NotTried,
                1 => Outcome::InProgress,
                2 => Outcome::Connected,
                _ => Outcome::Failed(self.errnos.get(life.errno as usize).copied().unwrap_or_default()),
            },
            // Many different peers would make as many patterns; past a few hundred the peer is dropped.
            remote: self.remotes.get(life.remote as usize).copied().filter(|_| life.remote < 512),
            eof: has(EOF),
            reset: has(RESET),
            shutdown: has(SHUTDOWN),
            used: has(USED),
            bound: has(BOUND),
            listening: has(LISTENING),
        }
    }
}

fn note(counted: &mut (u64, Quotes), at: &At<'_>) {
    counted.0 += 1;
    counted.1.offer(at);
}
