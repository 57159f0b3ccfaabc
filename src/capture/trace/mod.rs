//! The lives of descriptors in one system call trace: created by which call, connected where with what result, used, shut down, closed or not.
//!
//! A number is free from the start of `close` (the kernel takes it out of the table before it does anything slow), so a life ends there.
//! Each life is a few words; what can be counted is counted when it ends, and what is still open at the end of the trace is counted then.

mod again;
mod calls;
mod life;
mod older;
mod pattern;
mod peers;
mod recent;
mod rest;

pub use again::drop_repeated;
pub use older::Older;
pub use pattern::{Origin, Outcome, Pattern, Tale};

use super::end::End;
use super::intern::{Interner, Name};
use super::quote::{Quote, Quotes};
use super::tops::Tops;
use crate::facts::{At, Citation, Finish, Syscall};
use life::{KEPT, Life, Lives};
use peers::Peers;
use recent::Recent;
use rest::Rest;
use rustc_hash::{FxHashMap, FxHashSet, FxHasher};
use std::collections::BTreeMap;
use std::hash::Hasher;

/// Calls still running at the end that are kept, at most.
const MAX_PENDING: usize = 256;
/// Threads, processes and descriptors told apart, at most.
const MAX_NUMBERS: usize = 65_536;

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
    /// What the line of the first of them hashes to.
    first: u64,
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
    /// Connects that failed with EADDRNOTAVAIL: no local port was left.
    pub no_address: (u64, Quotes),
    /// Binds to any port (0) that failed with EADDRINUSE: none was left for that address.
    pub no_port: (u64, Quotes),
    /// Addresses that `bind` found not to be of this host, which it says in the same words, and the first such calls.
    pub not_local: (Tops<End>, Quotes),
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
    /// Closed ones that were open before the trace began.
    pub before: Older,
    /// Whether it shows the calls that open files: one that no filter for sockets and descriptors lets through was seen.
    shows_files: bool,
    /// Descriptors and processes that found no room.
    pub left_out: u64,
    /// First and last time as printed.
    pub times: (String, String),
    /// Calls by name, in the order of their first: few, and nearly always the same ones.
    counted: Vec<(&'static str, u64)>,
    /// What becomes `tales`.
    telling: FxHashMap<Life, Tale>,
    lives: Lives,
    /// The thread of the first call.
    first_tid: Option<u32>,
    last_created: u32,
    last_socket: u32,
    rest: Rest,
    /// Threads that have ended.
    ended: FxHashSet<u32>,
    groups: FxHashMap<u32, u32>,
    peers: Peers,
    recent_threads: Recent,
    recently_used: Recent,
}

impl Trace {
    /// An empty trace that begins at a place.
    pub fn new(at: Citation, pid: Option<u32>) -> Trace {
        Trace {
            at,
            pid,
            threads: FxHashSet::default(),
            calls: 0,
            first: 0,
            by_name: BTreeMap::new(),
            unfiltered: false,
            tales: BTreeMap::new(),
            failed: Tops::default(),
            failed_quotes: Quotes::default(),
            emfile: Default::default(),
            enfile: Default::default(),
            no_address: Default::default(),
            no_port: Default::default(),
            not_local: Default::default(),
            pending: Vec::new(),
            waiting_on_futex: 0,
            rights: Default::default(),
            idle_polls: 0,
            used_before: FxHashSet::default(),
            before: Older::default(),
            shows_files: false,
            left_out: 0,
            times: Default::default(),
            counted: Vec::new(),
            telling: FxHashMap::default(),
            lives: Lives::default(),
            first_tid: None,
            last_created: 0,
            last_socket: 0,
            rest: Rest::default(),
            ended: FxHashSet::default(),
            groups: FxHashMap::default(),
            peers: Peers::default(),
            recent_threads: Recent::default(),
            recently_used: Recent::default(),
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
        if self.calls == 1 {
            self.first = hash(at.text);
            self.first_tid = call.tid;
        }
        if let Some(tid) = call.tid.filter(|&t| self.recent_threads.is_new(t))
            && self.threads.len() < MAX_NUMBERS
        {
            self.threads.insert(tid);
        }
        if self.times.0.is_empty() && !call.at.is_empty() {
            self.times.0 = String::from_utf8_lossy(call.at).into_owned();
        }
        if call.name == b"exit"
            && let Some(tid) = call.tid.filter(|_| self.ended.len() < MAX_NUMBERS)
        {
            self.ended.insert(tid);
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
            b"EADDRNOTAVAIL" if call.name == b"connect" => note(&mut self.no_address, at),
            _ => {}
        }
        self.act(group, at, call, names);
        if !call.at.is_empty() && self.calls % 256 == 1 {
            self.times.1.clear();
            self.times.1.push_str(&String::from_utf8_lossy(call.at));
        }
    }

    /// Sockets that the trace shows being created: in all, and still open at its end.
    pub fn sockets(&self) -> (u64, u64) {
        let made = self.tales.iter().filter(|(p, _)| matches!(p.origin, Origin::Socket(_)));
        made.fold((0, 0), |(all, open), (_, tale)| (all + tale.closed + tale.open, open + tale.open))
    }

    /// Descriptors that were open before the trace began and that it shows being closed.
    pub fn older(&self) -> u64 {
        self.before.count(self.shows_files)
    }

    /// By how many its descriptors grew: those that it created and left open, beyond as many older ones as it closed.
    pub fn growth(&self) -> u64 {
        self.opened().saturating_sub(self.older())
    }

    /// Of so many that it left open those that came on top of what was open before, where it closed so many older ones that it matters.
    pub fn on_top(&self, left: u64) -> u64 {
        if self.older() * 2 >= left { left.min(self.growth()) } else { left }
    }

    /// Descriptors of all kinds that it created and left open.
    pub fn opened(&self) -> u64 {
        self.tales.iter().filter(|(p, _)| p.origin != Origin::Before).map(|(_, t)| t.open).sum()
    }

    /// The only thread that it names, if its first line does.
    pub fn only_thread(&self) -> Option<u32> {
        self.first_tid.filter(|_| self.threads.len() == 1)
    }

    /// The trace is over: what is still open is counted.
    pub fn end(&mut self) {
        self.left_out += self.lives.left_out;
        for (fd, life) in std::mem::take(&mut self.lives).into_all() {
            let tale = self.telling.entry(self.peers.key(&life)).or_default();
            tale.open += 1;
            tale.settled += u64::from(life.line < self.last_created);
            tale.kept += u64::from(life.has(KEPT));
            tale.orphaned += u64::from(self.ended.contains(&life.tid));
            let (low, high) = tale.numbers.unwrap_or((fd, fd));
            tale.numbers = Some((low.min(fd), high.max(fd)));
            if life.tid != 0 {
                tale.threads.add(life.tid);
            }
        }
        for (life, tale) in self.telling.drain() {
            self.tales.insert(self.peers.pattern(&life), tale);
        }
        for (name, n) in self.counted.drain(..) {
            *self.by_name.entry(name).or_default() += n;
        }
        // A member's trace may be ended twice; nothing of it is kept but what was counted.
        (self.telling, self.peers) = Default::default();
        (self.recent_threads, self.recently_used, self.counted) = Default::default();
    }
}

fn hash(text: &[u8]) -> u64 {
    let mut hasher = FxHasher::default();
    hasher.write(text);
    hasher.finish()
}

fn note(counted: &mut (u64, Quotes), at: &At<'_>) {
    counted.0 += 1;
    counted.1.offer(at);
}
