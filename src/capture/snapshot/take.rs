//! How a snapshot takes each fact, and what it bounds.

use super::{Counted, Reading, Remark, Snapshot};
use crate::capture::holding::FdList;
use crate::capture::hot::{Hot, same};
use crate::capture::intern::Interner;
use crate::capture::logs::Plain;
use crate::capture::naming::{self, ARGUMENT, KERNEL, LISTED, name_it};
use crate::capture::process::{Proc, base_name, give_limit};
use crate::capture::quote::Quote;
use crate::capture::room::{Over, Room};
use crate::capture::table::Table;
use crate::capture::trace::Trace;
use crate::facts::*;
use crate::formats::{by_id, selection};
use crate::signatures::Signatures;
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

/// Readings kept of counters, tallies and notes, at most.
const MAX_READINGS: usize = 20_000;
/// Descriptor listings kept, at most: one for each process and member, or each time a header comes again.
const MAX_LISTS: usize = 150_000;
/// Threads whose process is kept, at most: it says whose a trace of one of them is.
const MAX_THREADS: usize = 65_536;
/// Traces kept, at most: `strace -ff` writes one for each thread.
const MAX_TRACES: usize = 20_000;
/// Limits kept of processes that their files do not name, at most.
const MAX_NAMELESS: usize = 100;
/// Socket tables kept, at most.
const MAX_TABLES: usize = 10_000;
/// Bytes of one text that is kept. Command lines of Java hold whole class paths in front of the class that tells the program.
const MAX_TEXT: usize = 64 << 10;
/// Bytes of all texts of processes together, past which each is cut short: a capture can claim 200,000 processes with long command lines.
const MAX_TEXTS: usize = 32 << 20;
/// Members kept whose trace says which process it is attached to, at most.
const MAX_ATTACHED: usize = 1000;
/// Bytes kept of a note.
const MAX_NOTE: usize = 1024;
/// What is kept of a text then.
const SHORT_TEXT: usize = 64;

/// The largest count that is believed. No machine holds as many of anything that is compared or multiplied; a larger number is a damaged
/// row, and within this bound no product of the reasoning leaves 64 bits. Limits of files may be larger: they mean "no limit".
const MAX_COUNT: i64 = 1 << 53;

impl Snapshot {
    /// A member begins.
    pub fn begin_member(&mut self, path: &str) {
        let of_process = || super::process_of_net(path).map(|pid| super::netns_of_pid(pid).into());
        self.member_netns = super::netns_of(path).map(Into::into).or_else(of_process);
    }

    /// Takes one descriptor.
    pub fn descriptor(&mut self, at: &At<'_>, d: &Descriptor<'_>, names: &mut Interner) {
        self.facts += 1;
        let Some(pid) = d.pid else { return self.stray(at, d, names) };
        if self.hot.as_mut().is_some_and(|hot| hot.fits(pid, at, d) && hot.list.begins_anew(d)) {
            self.list_epoch += 1;
            self.cool();
        }
        if let Some(hot) = &mut self.hot {
            if hot.fits(pid, at, d) {
                return hot.list.add(at, d, names, &mut self.room);
            }
            if hot.repeats(pid, at, d) {
                hot.list.thread_rows += 1;
                return;
            }
        }
        let filtered = self.filtered_in(at.citation.member, at.format).is_some();
        self.cool();
        let (headless, beheaded) = self.head_of_list(at, pid, d);
        let filtered = filtered || beheaded;
        let Some(proc) = process(&mut self.processes, &mut self.room, pid) else { return };
        if d.tid.is_none() || proc.command.is_empty() {
            name_it(proc, &naming::unescape(d.command), LISTED);
        }
        if proc.user.is_empty() {
            proc.user = naming::kept(d.user);
        }
        if d.kind == DescriptorKind::Denied {
            proc.denied.get_or_insert_with(|| Quote::keep(at));
            return;
        }
        let key = (pid, at.citation.member, self.list_epoch, at.format);
        if self.lists >= MAX_LISTS && !self.list_keys.contains_key(&key) {
            self.room.left_out(Over::Tables);
            return;
        }
        let number = *self.list_keys.entry(key).or_insert_with(|| {
            // Most processes have one listing: room for four of them is not asked for.
            proc.lists.reserve_exact(usize::from(proc.lists.is_empty()));
            let mut list = FdList::new(at.format, at.citation, filtered);
            list.headless = headless;
            proc.lists.push(list);
            self.lists += 1;
            proc.lists.len() - 1
        });
        let Some(list) = proc.lists.get_mut(number) else { return };
        list.add(at, d, names, &mut self.room);
        // Rows of threads are few or looked at one by one.
        if d.tid.is_none() {
            let list = std::mem::replace(list, FdList::new(at.format, at.citation, filtered));
            self.hot = Some(Hot { pid, number, list, command: d.command.to_vec(), user: !proc.user.is_empty() });
        }
    }

    /// Takes the descriptor taken just before once more, with another number and inode; `false` if it must be told in full.
    #[inline]
    pub fn again(&mut self, fd: u32, inode: u64) -> bool {
        let taken = self.hot.as_mut().is_some_and(|hot| hot.list.again(fd, inode, &mut self.room));
        self.facts += u64::from(taken);
        taken
    }

    /// Takes a descriptor whose process is not told.
    fn stray(&mut self, at: &At<'_>, d: &Descriptor<'_>, names: &mut Interner) {
        if self.strays.last().is_none_or(|l| l.at.member != at.citation.member) && self.strays.len() < 1000 {
            let filtered = self.filtered_in(at.citation.member, at.format).is_some();
            self.strays.push(FdList::new(at.format, at.citation, filtered));
        }
        if let Some(list) = self.strays.last_mut() {
            list.add(at, d, names, &mut self.room);
        }
    }

    /// Takes one row of a socket table.
    pub fn socket(&mut self, at: &At<'_>, s: &Socket<'_>, names: &mut Interner) {
        self.facts += 1;
        let member = at.citation.member;
        let fits =
            self.open_table == Some(member) && self.tables.last().is_some_and(|t| same(t.format, at.format) && t.at.member == member);
        if !fits && self.tables.len() < MAX_TABLES {
            let filtered = self.filtered_in(member, at.format).cloned();
            // Rows go to the last table only.
            self.tables.last_mut().into_iter().for_each(Table::seal);
            let headless = self.is_headless(at);
            let mut table = Table::new(at.format, at.citation, filtered);
            table.headless = headless;
            self.tables.push(table);
            self.open_table = Some(member);
        } else if !fits {
            self.room.left_out(Over::Tables);
        }
        let known = self.tables.last_mut().is_some_and(|table| table.add(at, s, names, &mut self.room));
        // A group's first row has introduced its holder.
        if !known || s.holders.len() > 1 {
            for holder in s.holders {
                if let Some(proc) = process(&mut self.processes, &mut self.room, holder.pid) {
                    name_it(proc, holder.command, if at.format == "netstat" { ARGUMENT } else { KERNEL });
                }
            }
        }
    }

    /// Takes one counter.
    pub fn counter(&mut self, at: &At<'_>, c: &Counter<'_>, names: &mut Interner) {
        self.facts += 1;
        if !matches!(c.unit, Unit::Files | Unit::None) && c.value.unsigned_abs() > MAX_COUNT.unsigned_abs() {
            return;
        }
        let name = names.add(c.name.as_bytes());
        if self.counters.len() >= MAX_READINGS && !self.counters.contains_key(&name) {
            self.room.left_out(Over::Readings);
            return;
        }
        let readings = self.counters.entry(name).or_default();
        if readings.len() < MAX_READINGS && self.readings < MAX_READINGS * 4 {
            self.readings += 1;
            readings.push(Reading { value: c.value, scope: c.scope, netns: self.member_netns.clone(), quote: Quote::keep(at) });
        } else {
            self.room.left_out(Over::Readings);
        }
    }

    /// Takes what a source says of a process.
    pub fn process(&mut self, at: &At<'_>, p: &Process<'_>) {
        self.facts += 1;
        if at.format == "strace" {
            return self.trace_of(at.citation.member, p.pid);
        }
        let Some(proc) = process(&mut self.processes, &mut self.room, p.pid) else { return };
        if let Some(tid) = p.tid.filter(|&t| t != p.pid) {
            proc.thread_rows += 1;
            if self.thread_of.len() < MAX_THREADS {
                self.thread_of.insert(tid, p.pid);
            }
            return;
        }
        name_it(proc, p.command, KERNEL);
        if p.cmdline.len() > proc.cmdline.len() {
            let room = if self.texts < MAX_TEXTS { MAX_TEXT } else { SHORT_TEXT };
            let cmdline = p.cmdline.get(..room).unwrap_or(p.cmdline);
            self.texts += cmdline.len();
            proc.cmdline = text(cmdline).replace('\0', " ").trim_end().to_string();
            proc.cmdline_at = Some(Quote::keep(at));
            name_it(proc, naming::argument(p.cmdline), ARGUMENT);
        }
        if !p.user.is_empty() && (proc.user.is_empty() || p.user.len() > proc.user.len()) {
            proc.user = naming::kept(p.user);
        }
        proc.ppid = p.ppid.or(proc.ppid);
        proc.threads = p.threads.or(proc.threads);
        proc.state = p.state.or(proc.state);
        if !p.started.is_empty() {
            proc.started = naming::kept(p.started);
        }
        if let Some(n) = p.fd_size {
            proc.fd_size = Some((n, Quote::keep(at)));
        }
        if let Some(n) = p.fd_count {
            proc.fd_count = Some((n, Quote::keep(at)));
        }
    }

    /// Takes a limit.
    pub fn limit(&mut self, at: &At<'_>, l: &Limit<'_>) {
        self.facts += 1;
        let of_files = l.name.eq_ignore_ascii_case("Max open files");
        match l.pid {
            Some(pid) => {
                if of_files && let (Some(proc), Some(soft)) = (process(&mut self.processes, &mut self.room, pid), l.soft.or(l.hard)) {
                    proc.nofile = Some((soft, l.hard.unwrap_or(soft), Quote::keep(at)));
                }
            }
            // A file of `/proc/PID/limits` is of some process, only its name does not tell of which; it is no shell's.
            None if at.format == "limits" => {
                let room = self.nameless_limits.len() + self.asked_limits.len() < MAX_NAMELESS;
                if let Some(soft) = l.soft.or(l.hard).filter(|_| of_files && room) {
                    match l.program {
                        b"" => self.nameless_limits.push((soft, Quote::keep(at))),
                        program => self.asked_limits.push((String::from_utf8_lossy(program).into_owned(), soft, Quote::keep(at))),
                    }
                }
            }
            None if self.shell_limits.len() < 100 => self.shell_limits.push((l.name.to_string(), l.soft, Quote::keep(at))),
            None => {}
        }
    }

    /// Takes a system call; `pid` is what the trace's file or command names.
    pub fn syscall(&mut self, at: &At<'_>, call: &Syscall<'_>, pid: Option<u32>, names: &mut Interner) {
        self.facts += 1;
        if self.new_trace || self.traces.last().is_none_or(|t| t.at.member != at.citation.member) {
            self.end_trace();
            self.new_trace = false;
            if self.traces.len() >= MAX_TRACES {
                self.room.left_out(Over::Calls);
                return;
            }
            let traced = self.traced.filter(|(m, _)| *m == at.citation.member).map(|(_, pid)| pid);
            self.traces.push(Trace::new(at.citation, traced.or(pid)));
        }
        if let Some(trace) = self.traces.last_mut() {
            trace.add(at, call, names);
        }
    }

    /// Takes a log line.
    pub fn message(&mut self, at: &At<'_>, m: &Message<'_>, signatures: &Signatures, plain: &mut Plain) {
        self.facts += 1;
        self.logs.add(at, m, signatures, plain);
    }

    /// Takes a stack.
    pub fn stack(&mut self, at: &At<'_>, s: &Stack<'_>) {
        if !self.stacks.add(at, s) {
            self.room.left_out(Over::Readings);
        }
    }

    /// Takes a count.
    pub fn tally(&mut self, at: &At<'_>, t: &Tally<'_>) {
        self.facts += 1;
        // Entries of the connection tracker outlive their connections, and are of other hosts' too.
        if selection::tracks(t.command) {
            return;
        }
        if self.tallies.len() < MAX_READINGS && t.value <= MAX_COUNT.unsigned_abs() {
            let (command, label, quote) = (note(t.command), note(t.label), Quote::keep(at));
            self.tallies.push(Counted { command, label, value: t.value, slept: t.slept, quote });
        }
    }

    /// Takes an identity.
    pub fn identity(&mut self, at: &At<'_>, i: &Identity<'_>) {
        self.facts += 1;
        let value = if i.pid.is_some() { note(i.value) } else { text(i.value) };
        match (i.pid, i.key) {
            (Some(pid), key) => {
                let Some(proc) = process(&mut self.processes, &mut self.room, pid) else { return };
                match key {
                    IdentityKey::Netns => proc.netns = Some((value, Quote::keep(at))),
                    IdentityKey::Cgroup => proc.cgroup = Some(value),
                    IdentityKey::Exe => proc.exe = Some(value),
                    IdentityKey::Wchan => proc.wchan = Some((value, Quote::keep(at))),
                    _ => {}
                }
            }
            (None, key) => {
                self.identity.insert(key, (value, Quote::keep(at)));
            }
        }
    }

    /// Takes a note.
    pub fn note(&mut self, at: &At<'_>, n: &Note<'_>) {
        match n.kind {
            NoteKind::TableStart | NoteKind::CommandStart => {
                self.open_table = None;
                if n.kind == NoteKind::CommandStart {
                    self.logs.begin();
                }
                let here = (at.citation.member, at.format);
                // Rows that follow a command without a header were pasted without it, and maybe without others.
                let headed = n.kind == NoteKind::TableStart || prints_no_header(n.text);
                self.headed = headed.then_some(here);
                self.headless.take_if(|headless| n.kind == NoteKind::CommandStart && *headless == here);
                self.list_epoch += 1;
                self.cool();
                if at.format == "strace" {
                    self.new_trace = true;
                    self.traced = None;
                }
                return;
            }
            NoteKind::Filtered => self.filtered = Some((at.citation.member, at.format, Quote::keep(at))),
            NoteKind::NoPrivilege => {
                if let Some(proc) = n.pid.and_then(|pid| process(&mut self.processes, &mut self.room, pid)) {
                    proc.denied.get_or_insert_with(|| Quote::keep(at));
                }
            }
            _ => {}
        }
        if self.remarks.len() < MAX_READINGS {
            self.remarks.push(Remark { kind: n.kind, pid: n.pid, format: at.format, quote: Quote::keep(at), text: note(n.text) });
        }
    }

    /// A member is over: nothing that follows continues its tables and listings, so that they are packed before others grow.
    pub fn end_member(&mut self) {
        self.cool();
        self.list_epoch += 1;
        if self.open_table.take().is_some() {
            self.tables.last_mut().into_iter().for_each(Table::seal);
        }
        for ((pid, ..), number) in std::mem::take(&mut self.list_keys) {
            if let Some(list) = self.processes.get_mut(&pid).and_then(|p| p.lists.get_mut(number)) {
                list.seal();
            }
        }
        self.end_trace();
    }

    /// The input is over: what was counted is packed, so that the ledger can share it.
    pub fn seal(&mut self) {
        self.end_member();
        crate::capture::trace::drop_repeated(&mut self.traces);
        self.name_traces();
        self.name_limits();
        self.logs.seal();
        self.tables.iter_mut().for_each(Table::seal);
        let lists = self.processes.values_mut().flat_map(|p| &mut p.lists).chain(&mut self.strays);
        lists.for_each(FdList::seal);
    }

    /// A trace says which process it is attached to; the first one named is the process, later ones are its threads.
    fn trace_of(&mut self, member: MemberId, pid: u32) {
        if self.traced.is_none_or(|(m, _)| m != member) {
            self.traced = Some((member, pid));
            if self.attached.len() < MAX_ATTACHED {
                self.attached.push((member, pid));
            }
        }
        if let Some(trace) = self.traces.last_mut().filter(|t| t.at.member == member && !self.new_trace) {
            trace.pid = trace.pid.or(Some(pid));
        }
    }

    /// A trace whose every line begins with one and the same number is of that process, if the capture lists it, or no other.
    fn name_traces(&mut self) {
        let alone = self.processes.is_empty();
        for trace in self.traces.iter_mut().filter(|t| t.pid.is_none()) {
            trace.pid = trace.only_thread().filter(|pid| alone || self.processes.contains_key(pid));
        }
    }

    /// A limit that was asked for by a program's name is of the one process of that name.
    pub fn name_limits(&mut self) {
        let processes = &mut self.processes;
        self.asked_limits.retain(|(program, soft, quote)| {
            let named = |p: &Proc| p.command == *program || base_name(&p.program()) == program;
            !give_limit(processes, named, *soft, quote)
        });
    }

    /// Puts the listing being read back to its process.
    fn cool(&mut self) {
        let Some(hot) = self.hot.take() else { return };
        if let Some(place) = self.processes.get_mut(&hot.pid).and_then(|p| p.lists.get_mut(hot.number)) {
            *place = hot.list;
        }
    }

    fn end_trace(&mut self) {
        if let Some(trace) = self.traces.last_mut() {
            trace.end();
            self.room.left_out_many(Over::Calls, std::mem::take(&mut trace.left_out));
        }
    }

    /// Whether a row is of a table that has lost its header, and whether rows of its own process are lost with it: each begins with its
    /// directory, or with what it reads from where that was not asked for.
    fn head_of_list(&mut self, at: &At<'_>, pid: u32, d: &Descriptor<'_>) -> (bool, bool) {
        let begins = matches!(d.fd, FdRef::Name(b"cwd") | FdRef::Number(0));
        if begins && pid == 1 {
            // In front of the first process there was nothing but the header.
            self.headed = Some((at.citation.member, at.format));
        }
        let before = self.headless;
        let headless = self.is_headless(at);
        (headless, before != self.headless && !begins)
    }

    /// Whether a table or listing that begins here has lost its header, and with it nobody knows how many rows.
    fn is_headless(&mut self, at: &At<'_>) -> bool {
        let here = Some((at.citation.member, at.format));
        if self.headed == here || self.headless == here || !by_id(at.format).is_some_and(|format| format.has_header()) {
            return self.headless == here;
        }
        self.headless = here;
        // A filter has taken it, which is told already.
        if self.filtered_in(at.citation.member, at.format).is_none() {
            self.note(at, &Note { kind: NoteKind::NoHeader, pid: None, text: at.text });
        }
        true
    }

    /// What filters the outputs of this format in the member; what only counts is no output of it.
    fn filtered_in(&self, member: MemberId, format: &str) -> Option<&Quote> {
        self.filtered.as_ref().filter(|(m, of, _)| *m == member && (*of != "tally" || format == *of)).map(|(.., q)| q)
    }
}

/// Whether a command was asked to leave the header out: `ss -H`.
fn prints_no_header(command: &[u8]) -> bool {
    command
        .split(|b| b.is_ascii_whitespace())
        .any(|word| matches!(word, [b'-', letters @ ..] if letters.contains(&b'H') && letters.first() != Some(&b'-')))
        || command.windows(11).any(|word| word == b"--no-header")
}

fn process<'p>(processes: &'p mut BTreeMap<u32, Proc>, room: &mut Room, pid: u32) -> Option<&'p mut Proc> {
    match processes.entry(pid) {
        Entry::Occupied(known) => Some(known.into_mut()),
        Entry::Vacant(new) if room.process() => Some(new.insert(Proc::default())),
        Entry::Vacant(_) => {
            room.left_out(Over::Processes);
            None
        }
    }
}

fn note(bytes: &[u8]) -> String {
    text(bytes.get(..MAX_NOTE).unwrap_or(bytes))
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes.get(..MAX_TEXT).unwrap_or(bytes)).into_owned()
}
