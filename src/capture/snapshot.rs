//! What one host said at one time: everything kept of the facts of one directory of a capture.

mod follow;
mod part;
mod stray;
mod take;

pub use follow::Content;
pub(in crate::capture) use part::Marks;

use super::holding::FdList;
use super::hot::Hot;
use super::intern::{Interner, Name};
use super::logs::Logs;
use super::process::Proc;
use super::quote::Quote;
use super::room::{Over, Room};
use super::stacks::Stacks;
use super::table::Table;
use super::trace::Trace;
use crate::facts::*;
use std::collections::BTreeMap;

/// One reading of a counter.
#[derive(Clone, Debug)]
pub struct Reading {
    /// The value.
    pub value: i64,
    /// Over what it counts.
    pub scope: Scope,
    /// The network namespace that the member's path names (`netns/4026532177/sockstat`); `None` for the capture's own.
    pub netns: Option<Box<str>>,
    /// The line it stands in.
    pub quote: Quote,
}

/// A count somebody made with a pipeline.
#[derive(Clone, Debug)]
pub struct Counted {
    /// The command line, empty if not shown.
    pub command: String,
    /// The label, empty for a bare number.
    pub label: String,
    /// The number.
    pub value: u64,
    /// Seconds that were slept before it was counted.
    pub slept: u64,
    /// The line.
    pub quote: Quote,
}

/// A note on what the capture can prove.
#[derive(Clone, Debug)]
pub struct Remark {
    /// What it is.
    pub kind: NoteKind,
    /// The process it concerns.
    pub pid: Option<u32>,
    /// The format that noticed it.
    pub format: &'static str,
    /// The line.
    pub quote: Quote,
    /// What was noticed.
    pub text: String,
}

/// Facts of a snapshot that is large.
const LARGE: u64 = 1 << 14;

/// What one host said at one time.
#[derive(Debug, Default)]
pub struct Snapshot {
    /// Counters by name, in the order they were read; several readings are several samples.
    pub counters: BTreeMap<Name, Vec<Reading>>,
    /// Socket tables.
    pub tables: Vec<Table>,
    /// Processes by pid.
    pub processes: BTreeMap<u32, Proc>,
    /// Descriptor listings that do not say whose they are.
    pub strays: Vec<FdList>,
    /// Limits of the shell that captured.
    pub shell_limits: Vec<(String, Option<LimitValue>, Quote)>,
    /// Limits of open files of processes that their files do not name.
    pub nameless_limits: Vec<(LimitValue, Quote)>,
    /// Those whose command asked for a process by its program's name, which may run more than once or be in no list.
    pub asked_limits: Vec<(String, LimitValue, Quote)>,
    /// The process of each thread that a listing has a row of, bounded.
    pub thread_of: BTreeMap<u32, u32>,
    /// Traces.
    pub traces: Vec<Trace>,
    /// The member and the process that strace says it is attached to, whether it prints calls or a table of their numbers.
    pub attached: Vec<(MemberId, u32)>,
    /// Logs.
    pub logs: Logs,
    /// Thread dumps.
    pub stacks: Stacks,
    /// Counts made by pipelines.
    pub tallies: Vec<Counted>,
    /// Notes.
    pub remarks: Vec<Remark>,
    /// Who and when.
    pub identity: BTreeMap<IdentityKey, (String, Quote)>,
    /// Facts taken, to tell an empty snapshot.
    pub facts: u64,
    /// Room left for what is read, and what found none.
    pub room: Room,
    open_table: Option<MemberId>,
    member_netns: Option<Box<str>>,
    list_epoch: u32,
    /// Bytes of texts kept of processes.
    texts: usize,
    /// Counter readings kept.
    readings: usize,
    filtered: Option<(MemberId, &'static str, Quote)>,
    /// Of which member and format a header was last seen, and of which rows came without.
    headed: Option<(MemberId, &'static str)>,
    headless: Option<(MemberId, &'static str)>,
    hot: Option<Hot>,
    /// Descriptor listings kept.
    lists: usize,
    /// The number of each listing of the member at hand among its process's.
    list_keys: BTreeMap<(u32, MemberId, u32, &'static str), usize>,
    traced: Option<(MemberId, u32)>,
    /// Whether the next call begins a trace, of whichever member it is.
    new_trace: bool,
}

impl Snapshot {
    /// Whether rows of such a member were cut at the width of a window.
    pub fn is_narrow(&self, which: impl Fn(MemberId) -> bool) -> bool {
        self.remarks.iter().any(|r| r.kind == NoteKind::Narrow && which(r.quote.at.member))
    }

    /// Takes over all that another part of the same capture said.
    pub fn merge(&mut self, mut other: Snapshot) {
        self.facts += other.facts;
        for (what, count) in other.room.over() {
            self.room.left_out_many(what, count);
        }
        for (name, readings) in other.counters {
            self.counters.entry(name).or_default().extend(readings);
        }
        self.tables.append(&mut other.tables);
        for (pid, proc) in other.processes {
            self.processes.entry(pid).or_default().absorb(proc);
        }
        self.strays.append(&mut other.strays);
        self.attached.append(&mut other.attached);
        self.shell_limits.append(&mut other.shell_limits);
        self.nameless_limits.append(&mut other.nameless_limits);
        self.asked_limits.append(&mut other.asked_limits);
        self.thread_of.append(&mut other.thread_of);
        self.traces.append(&mut other.traces);
        super::trace::drop_repeated(&mut self.traces);
        let left = self.logs.merge(other.logs) + self.stacks.merge(other.stacks);
        self.room.left_out_many(Over::Readings, left);
        self.tallies.append(&mut other.tallies);
        self.remarks.append(&mut other.remarks);
        for (key, value) in other.identity {
            self.identity.entry(key).or_insert(value);
        }
    }

    /// How many tables and listings there are.
    pub(in crate::capture) fn outputs(&self) -> usize {
        self.tables.len() + self.lists + self.strays.len()
    }

    /// Makes all tables and counters those of another network namespace than the capture's own.
    pub fn place_in(&mut self, netns: &str) {
        self.tables.iter_mut().for_each(|t| t.netns = Some(netns.into()));
        self.counters.values_mut().flatten().for_each(|r| r.netns = Some(netns.into()));
    }

    /// Readings of a counter in the capture's own network namespace, in the order they were read: those of other namespaces are not its books.
    pub fn readings<'a>(&'a self, names: &Interner, name: &str) -> impl DoubleEndedIterator<Item = &'a Reading> + use<'a> {
        let all = names.find(name.as_bytes()).and_then(|n| self.counters.get(&n)).map_or(&[][..], |r| r);
        let own = |r: &Reading| r.netns.as_ref().is_none_or(|n| self.is_own_netns(n));
        // What was read in the directory of a process counts where nothing else was.
        let others = !all.iter().any(own);
        all.iter().filter(move |r| own(r) || (others && r.netns.as_ref().is_some_and(|n| n.starts_with(OF_PROCESS))))
    }

    /// Whether a namespace that a path names is the capture's own. A collector lists its own namespace among the others.
    pub fn is_own_netns(&self, named: &str) -> bool {
        self.identity.get(&IdentityKey::Netns).is_some_and(|(own, _)| digits(own) == digits(named) && !digits(named).is_empty())
    }

    /// Whether there is so much of it that work on it is shared among all cores: of a small one all is done before a thread has begun.
    pub fn is_large(&self) -> bool {
        self.facts >= LARGE
    }

    /// Whether it holds more than counters and identity: rows that name sockets, descriptors or calls.
    pub fn has_rows(&self) -> bool {
        !self.tables.is_empty()
            || !self.traces.is_empty()
            || !self.strays.is_empty()
            || self.processes.values().any(|p| !p.lists.is_empty())
    }
}

/// `netns/4026532177/tcp`, `namespaces/NAME/ss...`: the network namespace that a path names.
pub fn netns_of(path: &str) -> Option<&str> {
    let mut parts = path.split('/');
    while let Some(part) = parts.next() {
        if part == "netns" || part == "namespaces" {
            return parts.next();
        }
    }
    None
}

/// How a namespace is called that is known as that of a process.
const OF_PROCESS: &str = "of pid ";

/// The name of the network namespace of a process.
pub fn netns_of_pid(pid: u32) -> String {
    format!("{OF_PROCESS}{pid}")
}

/// The process in whose `/proc/PID/net` a file lies, however its path was made one name: `proc/4684/net/tcp`, `4684/net_sockstat`,
/// `proc_4684_net_tcp6.txt`. That of process 1 is the host's.
pub fn process_of_net(path: &str) -> Option<u32> {
    let (directory, name) = path.rsplit_once('/').unwrap_or(("", path));
    let mut words = name.split(['_', '-']);
    let before = match words.by_ref().take_while(|word| *word != "net").last() {
        // `net` is the name of the directory, or the first word of the file's.
        _ if directory.ends_with("/net") => directory.strip_suffix("/net"),
        None => Some(directory),
        Some(word) => words.next().is_some().then_some(word),
    };
    let last = before?.rsplit(['/', '_']).next()?;
    let pid = last.strip_prefix("pid").map_or(last, |rest| rest.trim_start_matches('-'));
    pid.parse().ok().filter(|&pid| pid > 1 && name != "net")
}

/// The number in `net:[4026531992]` or `4026531992`.
fn digits(netns: &str) -> &str {
    netns.trim_matches(|c: char| !c.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_of_a_process_s_namespace() {
        for (path, pid) in [
            ("proc/4684/net/tcp", Some(4684)),
            ("host/4684/net_sockstat6", Some(4684)),
            ("b/proc_4684_net_tcp6.txt", Some(4684)),
            ("pid-4684-net-unix", Some(4684)),
            ("proc/1/net/tcp", None),
            ("proc/net/tcp", None),
            ("proc/self/net/tcp", None),
            ("2026-11-29/net/tcp", None),
            ("4684/limits", None),
            ("4684/netstat-anp.txt", None),
        ] {
            assert_eq!(process_of_net(path), pid, "{path}");
        }
    }
}
