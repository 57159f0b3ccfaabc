//! What each call does to the descriptors.

use super::life::{BOUND, CLOEXEC, EOF, KEPT, LISTENING, Life, NO_REMOTE, RESET, SHUTDOWN, Stage, USED};
use super::pattern::{Origin, Tale};
use super::{MAX_NUMBERS, Trace};
use crate::capture::end::End;
use crate::capture::intern::Interner;
use crate::capture::sockaddr;
use crate::facts::{At, Finish, Syscall};
use crate::formats::scan;
use memchr::memmem::Finder;
use std::sync::LazyLock;

/// Words among the arguments of calls of which a trace has many: making ready to look for one takes longer than looking.
struct Words {
    cloexec: Finder<'static>,
    clone_files: Finder<'static>,
    dupfd: Finder<'static>,
    rights: Finder<'static>,
    set_cloexec: Finder<'static>,
}

static WORDS: LazyLock<Words> = LazyLock::new(|| Words {
    cloexec: Finder::new(b"CLOEXEC"),
    clone_files: Finder::new(b"CLONE_FILES"),
    dupfd: Finder::new(b"F_DUPFD"),
    rights: Finder::new(b"SCM_RIGHTS"),
    set_cloexec: Finder::new(b"F_SETFD, FD_CLOEXEC"),
});

/// Patterns past which the first connect of a further one is no longer quoted.
const MAX_QUOTED: usize = 4096;

impl Trace {
    /// Takes what a finished call did.
    pub(super) fn act(&mut self, group: u32, at: &At<'_>, call: &Syscall<'_>, names: &mut Interner) {
        let result = call.result.and_then(|r| i32::try_from(r).ok());
        let created = result.filter(|&r| r >= 0);
        match call.name {
            b"futex" | b"clock_nanosleep" | b"nanosleep" | b"getpid" | b"gettid" | b"mmap" | b"munmap" | b"madvise" | b"sched_yield"
            | b"brk" | b"stat" | b"fstat" | b"lseek" | b"rt_sigprocmask" | b"getrandom" => {
                (self.unfiltered, self.shows_files) = (true, true);
                if call.name.ends_with(b"nanosleep") {
                    self.rest.sleep();
                }
            }
            b"poll" | b"ppoll" | b"select" | b"pselect6" | b"epoll_wait" | b"epoll_pwait" => {
                self.unfiltered = true;
                if call.result == Some(0) {
                    self.idle_polls += 1;
                    self.rest.sleep();
                }
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
                    self.accept(group, fd, at, call, names);
                }
            }
            b"close" => {
                self.tally("close");
                // A resumed close was handled at its start.
                match call.fd {
                    Some(fd) if call.finish == Finish::Whole && call.errno != b"EBADF" => self.close(group, fd, at),
                    Some(fd) if call.errno == b"EBADF" => self.before.was_free(fd),
                    _ => {}
                }
            }
            b"shutdown" => {
                self.tally("shutdown");
                if call.result == Some(0) {
                    self.flag(group, call.fd, SHUTDOWN);
                }
            }
            b"bind" if call.result == Some(0) => self.flag(group, call.fd, BOUND),
            b"bind" if call.errno == b"EADDRNOTAVAIL" => {
                if let Some(end) = sockaddr::end(call.args, names) {
                    self.not_local.0.add(end);
                    self.not_local.1.offer(at);
                }
            }
            b"bind" if call.errno == b"EADDRINUSE" && asks_for_any_port(call, names) => {
                self.no_port.0 += 1;
                self.no_port.1.offer(at);
            }
            b"listen" if call.result == Some(0) => self.flag(group, call.fd, LISTENING),
            b"getsockopt" => {
                if let Some(errno) = sockaddr::so_error(call.args) {
                    self.so_error(group, at, call, errno, names);
                }
            }
            b"read" | b"recv" | b"recvfrom" | b"recvmsg" | b"readv" | b"recvmmsg" => self.transfer(group, at, call, true, names),
            b"write" | b"send" | b"sendto" | b"sendmsg" | b"writev" | b"sendfile" | b"sendmmsg" => {
                self.transfer(group, at, call, false, names)
            }
            b"dup" | b"dup2" | b"dup3" => {
                if let Some(fd) = created.filter(|&fd| Some(fd) != call.fd) {
                    self.tally("dup");
                    self.create(group, fd, Origin::Dup, at, call);
                }
            }
            b"fcntl" | b"fcntl64" if WORDS.dupfd.find(call.args).is_some() => {
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
                (self.unfiltered, self.shows_files) = (true, true);
                if let Some(fd) = created {
                    self.tally("open");
                    self.create(group, fd, Origin::File, at, call);
                }
            }
            b"openat2" | b"timerfd_create" | b"signalfd" | b"signalfd4" | b"inotify_init" | b"inotify_init1" | b"memfd_create"
            | b"pidfd_open" | b"pidfd_getfd" | b"perf_event_open" | b"io_uring_setup" | b"bpf" | b"mq_open" | b"userfaultfd"
            | b"fanotify_init" => {
                if let Some(fd) = created {
                    self.create(group, fd, Origin::File, at, call);
                }
            }
            b"close_range" if call.result == Some(0) => self.close_range(group, at, call),
            b"execve" | b"execveat" if call.result == Some(0) => self.close_those(group, at, |_, life| life.has(CLOEXEC)),
            // What the traced process itself held until its end it did not close; a child of it is gone with all that it had.
            b"exit_group" if group != 0 => self.close_those(group, at, |_, _| true),
            b"exit_group" if self.is_beside(call.tid) => self.close_those(group, at, |_, life| Some(life.tid) == call.tid),
            b"fcntl" | b"fcntl64" if WORDS.set_cloexec.find(call.args).is_some() => {
                self.flag(group, call.fd, CLOEXEC);
            }
            b"fork" | b"vfork" => self.fork(call, None),
            b"clone" | b"clone3" if WORDS.clone_files.find(call.args).is_none() => self.fork(call, None),
            b"clone" | b"clone3" if group != 0 => self.fork(call, Some(group)),
            _ => {}
        }
    }

    fn tally(&mut self, name: &'static str) {
        match self.counted.iter_mut().find(|(n, _)| std::ptr::eq(*n, name)) {
            Some((_, count)) => *count += 1,
            None => self.counted.push((name, 1)),
        }
    }

    fn create(&mut self, group: u32, fd: i32, origin: Origin, at: &At<'_>, call: &Syscall<'_>) {
        let mut life = Life::begin(origin, at, call);
        if WORDS.cloexec.find(call.args).is_some() {
            life.flags |= CLOEXEC;
        }
        // A number that is handed out again was closed where the trace did not see it.
        if let Some(old) = self.lives.insert(group, fd, life).filter(|old| old.origin != Origin::Before) {
            self.tale(&old, false).closed += 1;
        }
        self.last_created = life.line;
        if group == 0 {
            self.before.hand_out(fd);
        }
        let mut rested = false;
        if matches!(origin, Origin::Socket(_)) {
            self.last_socket = life.line;
            rested = self.rest.ends(call.at);
        }
        let tale = self.tale(&life, true);
        tale.rested += u64::from(rested);
        tale.quotes.offer(at);
        tale.number(fd);
    }

    /// A descriptor is closed, whatever `close` returns later.
    pub(super) fn close(&mut self, group: u32, fd: i32, at: &At<'_>) {
        let life = self.lives.remove(group, fd);
        // A child closes what it was given, and its parent keeps it.
        if group == 0 && life.is_none_or(|life| life.origin == Origin::Before) {
            self.before.close(fd, at);
        }
        if let Some(life) = life {
            let tale = self.tale(&life, false);
            tale.closed += 1;
            tale.quotes.offer(at);
        }
    }

    /// Several descriptors are closed at once.
    fn close_those(&mut self, group: u32, at: &At<'_>, fits: impl Fn(i32, &Life) -> bool) {
        for fd in self.lives.of(group, fits) {
            self.close(group, fd, at);
        }
    }

    /// `close_range(4, 4294967295, 0)`; with CLOSE_RANGE_CLOEXEC they are closed later.
    fn close_range(&mut self, group: u32, at: &At<'_>, call: &Syscall<'_>) {
        let mut args = call.args.split(|&b| b == b',').map(|a| scan::number(a.trim_ascii()));
        let (Some(Some(first)), Some(last)) = (args.next(), args.next()) else { return };
        // `~0U` is printed as a word by some versions.
        let (first, last) = (i32::try_from(first).unwrap_or(i32::MAX), last.and_then(|n| i32::try_from(n).ok()).unwrap_or(i32::MAX));
        if WORDS.cloexec.find(call.args).is_some() {
            self.lives.of(group, |fd, _| (first..=last).contains(&fd)).into_iter().for_each(|fd| self.flag(group, Some(fd), CLOEXEC));
        } else {
            self.close_those(group, at, |fd, _| (first..=last).contains(&fd));
        }
    }

    /// Whether a thread that ends its process is not of the process that the trace began with, whose start was not seen.
    fn is_beside(&self, tid: Option<u32>) -> bool {
        tid.is_some() && self.first_tid.is_some() && self.first_tid != tid && self.pid != tid
    }

    fn accept(&mut self, group: u32, fd: i32, at: &At<'_>, call: &Syscall<'_>, names: &mut Interner) {
        self.create(group, fd, Origin::Accept, at, call);
        let remote = self.peers.number(sockaddr::end(call.args, names).map(End::host));
        if let Some(life) = self.lives.get_mut(group, fd) {
            (life.stage, life.remote) = (Stage::Connected, remote);
        }
    }

    fn connect(&mut self, group: u32, at: &At<'_>, call: &Syscall<'_>, names: &mut Interner) {
        self.tally("connect");
        let Some(fd) = call.fd else { return };
        let end = sockaddr::end(call.args, names);
        let stage = match (call.result, call.errno) {
            (Some(0), _) | (_, b"EISCONN") => Stage::Connected,
            (_, b"EINPROGRESS" | b"EALREADY" | b"EINTR") => Stage::InProgress,
            (_, b"") => Stage::NotTried,
            _ => Stage::Failed,
        };
        let mut life = self.lives.get_mut(group, fd).map_or_else(|| Life::begin(Origin::Before, at, call), |life| *life);
        life.stage = stage;
        life.errno = if stage == Stage::Failed { self.peers.errno(names.add(call.errno)) } else { 0 };
        let remote = self.peers.number(end);
        if remote != NO_REMOTE {
            life.remote = remote;
        }
        self.lives.insert(group, fd, life);
        if stage == Stage::Failed {
            self.fail(at, end, call.errno, names);
        }
        if stage != Stage::Connected || self.telling.len() < MAX_QUOTED {
            self.tale(&life, true).quotes.offer(at);
        }
    }

    fn fail(&mut self, at: &At<'_>, end: Option<End>, errno: &[u8], names: &mut Interner) {
        self.failed_quotes.offer(at);
        self.failed.add((end.unwrap_or(End::Any(0)), names.add(errno)));
    }

    fn so_error(&mut self, group: u32, at: &At<'_>, call: &Syscall<'_>, errno: &[u8], names: &mut Interner) {
        let Some(life) = call.fd.and_then(|fd| self.lives.get_mut(group, fd)) else { return };
        if life.stage != Stage::InProgress {
            return;
        }
        if errno.is_empty() {
            life.stage = Stage::Connected;
            return;
        }
        (life.stage, life.errno) = (Stage::Failed, self.peers.errno(names.add(errno)));
        let life = *life;
        self.tale(&life, false).quotes.offer(at);
        self.fail(at, self.peers.end(life.remote), errno, names);
    }

    fn transfer(&mut self, group: u32, at: &At<'_>, call: &Syscall<'_>, reading: bool, names: &mut Interner) {
        let Some(fd) = call.fd else { return };
        if matches!(call.name, b"sendmsg" | b"recvmsg" | b"sendmmsg" | b"recvmmsg")
            && call.result.is_some_and(|r| r >= 0)
            && WORDS.rights.find(call.args).is_some()
        {
            if reading {
                self.rights.1 += 1;
                self.before.receive();
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
        // A socket without a connection names its peer with each datagram.
        let far =
            |life: &Life| life.remote == NO_REMOTE && call.name == b"sendto" && matches!(life.origin, Origin::Socket(p) if p.is_udp());
        if let Some(life) = self.lives.get_mut(group, fd).filter(|life| far(life)) {
            life.remote = self.peers.number(sockaddr::end(call.args, names));
            life.flags |= flag;
            let life = *life;
            if self.telling.len() < MAX_QUOTED {
                self.tale(&life, true).quotes.offer(at);
            }
        }
        match self.lives.get_mut(group, fd) {
            Some(life) => {
                let news = flag != USED && life.flags & flag == 0;
                life.flags |= flag | if life.line < self.last_socket { KEPT } else { 0 };
                if life.stage == Stage::InProgress && flag == USED {
                    life.stage = Stage::Connected;
                }
                // That the peer has gone is what makes a descriptor left over: the line that shows it is worth a quote.
                if news {
                    let life = *life;
                    self.tale(&life, false).quotes.offer(at);
                }
            }
            None if flag == USED => {
                if self.recently_used.is_new(fd as u32) && self.used_before.len() < MAX_NUMBERS {
                    self.used_before.insert(fd);
                }
            }
            // The end of a connection that was open before the trace began: closed after it, or not.
            None => {
                let life = Life { stage: Stage::Connected, flags: flag, ..Life::begin(Origin::Before, at, call) };
                self.lives.insert(group, fd, life);
                self.tale(&life, false).quotes.offer(at);
            }
        }
    }

    fn flag(&mut self, group: u32, fd: Option<i32>, flag: u8) {
        if let Some(life) = fd.and_then(|fd| self.lives.get_mut(group, fd)) {
            life.flags |= flag;
        }
    }

    /// A child begins with a table of its own, a thread shares that of its group.
    fn fork(&mut self, call: &Syscall<'_>, group: Option<u32>) {
        let Some(child) = call.result.and_then(|r| u32::try_from(r).ok()).filter(|&c| c > 0) else { return };
        if self.groups.len() < MAX_NUMBERS {
            self.groups.insert(child, group.unwrap_or(child));
        } else {
            self.left_out += 1;
        }
    }

    /// What is told of lives like this one; `rising` is what a new tale holds of its numbers.
    fn tale(&mut self, life: &Life, rising: bool) -> &mut Tale {
        let key = self.peers.key(life);
        self.telling.entry(key).or_insert_with(|| Tale { rising, ..Tale::default() })
    }
}

/// Whether a call names an address and leaves the port to the kernel.
fn asks_for_any_port(call: &Syscall<'_>, names: &mut Interner) -> bool {
    sockaddr::end(call.args, names).is_some_and(|end| !matches!(end, End::Text(_)) && end.port() == 0)
}
