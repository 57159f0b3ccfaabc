//! Piles: sockets of one kind held by one program, each socket counted once however many of its processes hold it.

use super::holding::Holding;
use super::kind::Kind;
use super::shared::{Distinct, Holder, Shared};
use super::witness::{Traits, Witness};
use crate::capture::process::{Proc, UNNAMED, base_name};
use crate::capture::tops::Tops;
use crate::capture::trace::Trace;
use crate::capture::{End, Quote, Snapshot};
use crate::facts::{LimitValue, SocketState};
use crate::parallel;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;

/// So many shares are put together in one go, beside others: fewer are not worth a thread.
const SIDE_BY_SIDE: usize = 1024;

/// How sure a count is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum CountIs {
    /// Every row was seen.
    Exact,
    /// Rows may be missing.
    AtLeast,
    /// Inferred.
    Estimate,
}

/// Who holds a pile.
#[derive(Clone, Debug, Default)]
pub struct Owner {
    /// The kernel's name.
    pub command: String,
    /// What it really is.
    pub program: String,
    /// The command line.
    pub cmdline: String,
    /// The user.
    pub user: String,
    /// Each process with its share, largest first.
    pub pids: Vec<(u32, u64)>,
}

/// Sockets of one kind held by one program.
#[derive(Clone, Debug)]
pub struct Pile {
    /// The holder; `None` where the capture names none.
    pub owner: Option<Owner>,
    /// The kind.
    pub kind: Kind,
    /// Distinct sockets.
    pub count: u64,
    /// How sure the count is.
    pub is: CountIs,
    /// Each source's word, largest first.
    pub words: Vec<Word>,
    /// What the rows have in common.
    pub traits: Traits,
    /// Whether local ports of the rows are listened on: the accepting side. `None` where ports are not told.
    pub accepted: Option<bool>,
    /// Descriptors of the process that holds most, and whether the count is whole.
    pub descriptors: Option<(u64, bool, Quote)>,
    /// Its descriptors, at least: what was counted, or the sockets that are seen.
    pub at_least: Option<(u64, Quote)>,
    /// The soft limit of open files of the process that holds most.
    pub limit: Option<(u64, Quote)>,
    /// A limit of open files that may be its: the only one captured of a process that the file does not name.
    pub nameless_limit: Option<(u64, Quote)>,
    /// The longest unbroken run of descriptor numbers.
    pub longest_run: u64,
    /// Why the sockets may live in another network namespace.
    pub foreign: Option<(String, Quote)>,
    /// Whether a trace of the holder shows data on most of its descriptors.
    pub in_use: bool,
    /// The row of a table of all families in which its holder has others and these are not.
    pub untabled: Option<Quote>,
    top_remote: OnceLock<Option<(End, u64)>>,
}

/// One source's count.
#[derive(Clone, Debug)]
pub struct Word {
    /// The format's id, or `tally` for a count made by a pipeline.
    pub source: &'static str,
    /// The count.
    pub count: u64,
    /// A row.
    pub quote: Option<Quote>,
}

impl CountIs {
    /// The contract's word.
    pub fn word(self) -> &'static str {
        match self {
            CountIs::Exact => "exact",
            CountIs::AtLeast => "at-least",
            CountIs::Estimate => "estimate",
        }
    }
}

impl Pile {
    /// A pile that no listing shows: its count is told by one source.
    pub(super) fn told(owner: Option<Owner>, kind: Kind, word: Word, is: CountIs, traits: Traits) -> Pile {
        Pile {
            owner,
            kind,
            count: word.count,
            is,
            words: vec![word],
            traits,
            accepted: None,
            descriptors: None,
            at_least: None,
            limit: None,
            nameless_limit: None,
            longest_run: 0,
            foreign: None,
            in_use: false,
            untabled: None,
            top_remote: OnceLock::new(),
        }
    }
}

impl Owner {
    /// A process as its snapshot names it, with how many sockets it holds.
    pub fn of(snapshot: &Snapshot, pid: u32, count: u64) -> Owner {
        let proc = snapshot.processes.get(&pid);
        Owner {
            command: proc.map_or(String::new(), |p| p.command.clone()),
            program: proc.map_or(String::new(), |p| p.program()),
            cmdline: proc.map_or(String::new(), |p| p.cmdline.clone()),
            user: proc.map_or(String::new(), |p| p.user.clone()),
            pids: vec![(pid, count)],
        }
    }

    /// `java (pid 4684)`, or the first pids and how many more.
    pub fn named(&self) -> String {
        let name = if self.command.is_empty() { "a process" } else { &self.command };
        match self.pids.as_slice() {
            [] => name.to_string(),
            [(pid, _)] => format!("{name} (pid {pid})"),
            many => {
                let shown: Vec<String> = many.iter().take(3).map(|(p, _)| p.to_string()).collect();
                let more = if many.len() > 3 { format!(" and {} more", many.len() - 3) } else { String::new() };
                format!("{name} (pids {}{more})", shown.join(", "))
            }
        }
    }

    /// Whether a process is one of the holders.
    pub fn has(&self, pid: u32) -> bool {
        self.pids.iter().any(|&(p, _)| p == pid)
    }
}

impl Pile {
    /// The most frequent remote end and its count.
    pub fn top_remote(&self) -> Option<(End, u64)> {
        // Each cause asks for it, of thousands of ends.
        *self.top_remote.get_or_init(|| self.traits.top_remotes(1).into_iter().next())
    }

    /// Its remote ends, as another source has counted them.
    pub(super) fn set_remotes(&mut self, ends: impl IntoIterator<Item = (End, u64)>) {
        ends.into_iter().for_each(|(end, n)| self.traits.remotes.add_many(end, n));
        self.traits.remotes.seal();
        self.top_remote = OnceLock::new();
    }

    /// How many of its rows hold more unread than the end of the connection: whole requests that nobody has read.
    pub fn unheard(&self) -> u64 {
        self.traits.unread.saturating_sub(self.traits.unread_one)
    }

    /// Whether one of its holders is this process.
    pub fn held_by(&self, pid: u32) -> bool {
        self.owner.as_ref().is_some_and(|o| o.has(pid))
    }

    /// How full the descriptor table of the first holder is, in percent of the soft limit.
    pub fn fill(&self) -> Option<u64> {
        let (limit, _) = self.limit.as_ref()?;
        let (descriptors, ..) = self.descriptors.as_ref()?;
        (descriptors * 100).checked_div(*limit)
    }
}

/// What one process holds of a kind.
struct Share<'h> {
    kind: Kind,
    /// The number of its program.
    program: usize,
    pid: u32,
    count: u64,
    proc: Option<&'h Proc>,
    holding: &'h Holding<'h>,
    words: &'h [Witness<'h>],
}

impl Share<'_> {
    /// Whether it is of the same pile as another.
    fn is_with(&self, other: &Share<'_>) -> bool {
        (self.kind, self.program) == (other.kind, other.program)
    }
}

/// All piles of a snapshot, largest first.
pub fn piles(snapshot: &Snapshot, holdings: &BTreeMap<u32, Holding<'_>>, listening: &Ports) -> Vec<Pile> {
    let in_use = in_use(snapshot);
    let shared = Shared::of(snapshot);
    let shares = shares(snapshot, holdings);
    let work = |job: &&[Share<'_>]| -> Vec<Pile> {
        job.chunk_by(Share::is_with).filter_map(|shares| one_pile(snapshot, shares, &shared, (listening, &in_use))).collect()
    };
    // Exactly as much room as is needed: a pile is large, and growing would ask for three times as much meanwhile.
    let mut piles: Vec<Pile> = Vec::with_capacity(shares.chunk_by(Share::is_with).count());
    parallel::in_order(&jobs(&shares), work, |_, done| piles.extend(done));
    // Numbers are put in order, and not the piles with each step.
    piles.sort_by_cached_key(|p| (Reverse(p.count), p.kind, first_pid(p)));
    piles
}

/// What each process holds of each kind, the shares of one pile together, the largest first.
fn shares<'h>(snapshot: &'h Snapshot, holdings: &'h BTreeMap<u32, Holding<'h>>) -> Vec<Share<'h>> {
    let mut programs: BTreeMap<(String, String), usize> = BTreeMap::new();
    let mut shares = Vec::with_capacity(holdings.values().map(|h| h.kinds.len()).sum());
    for (&pid, holding) in holdings {
        let proc = snapshot.processes.get(&pid);
        let program = proc.map_or(String::new(), Proc::program);
        let command = proc.map_or("", |p| &p.command);
        // Processes of a program that is known only by a short name may be strangers to each other; interpreters certainly may.
        let known = proc.is_some_and(|p| !p.cmdline.is_empty());
        let key = if known || is_pool(command) { base_name(&program).to_string() } else { format!("{program}#{pid}") };
        let next = programs.len();
        let program = *programs.entry((key, command.to_string())).or_insert(next);
        let told = holding.kinds.iter().filter_map(|(&kind, words)| Some((kind, words, Witness::best(words)?.count)));
        shares.extend(told.map(|(kind, words, count)| Share { kind, program, pid, count, proc, holding, words }));
    }
    shares.sort_unstable_by_key(|s| (s.kind, s.program, Reverse(s.count), s.pid));
    shares
}

/// Shares of whole piles, some at a time.
fn jobs<'s, 'h>(mut shares: &'s [Share<'h>]) -> Vec<&'s [Share<'h>]> {
    let mut jobs = Vec::new();
    while !shares.is_empty() {
        let mut piles = shares.chunk_by(Share::is_with);
        let mut size = 0;
        while size < SIDE_BY_SIDE
            && let Some(pile) = piles.next()
        {
            size += pile.len();
        }
        let (job, rest) = shares.split_at_checked(size).unwrap_or((shares, &[]));
        jobs.push(job);
        shares = rest;
    }
    jobs
}

/// A set of ports, a bit for each: it is asked for each local end of a capture.
#[derive(Debug)]
pub struct Ports(Vec<u64>);

impl Ports {
    /// Whether a port is one of them.
    pub fn has(&self, port: u16) -> bool {
        self.0.get(usize::from(port / 64)).is_some_and(|bits| bits >> (port % 64) & 1 == 1)
    }
}

impl FromIterator<u16> for Ports {
    fn from_iter<I: IntoIterator<Item = u16>>(ports: I) -> Ports {
        let mut bits = vec![0; 1 + usize::from(u16::MAX / 64)];
        for port in ports {
            if let Some(bits) = bits.get_mut(usize::from(port / 64)) {
                *bits |= 1 << (port % 64);
            }
        }
        Ports(bits)
    }
}

/// Ports that something listens on, by tables and by listings.
pub(super) fn listening_ports(snapshot: &Snapshot) -> Ports {
    let tables = snapshot.tables.iter().flat_map(|t| &t.listeners).map(|l| l.local.port());
    let classes =
        snapshot.processes.values().flat_map(|p| &p.lists).flat_map(|l| l.sockets()).filter(|c| c.state == Some(SocketState::Listen));
    let listed = classes.flat_map(|c| c.locals.iter()).map(|(e, _)| e.port());
    tables.chain(listed).filter(|&p| p != 0).collect()
}

fn first_pid(pile: &Pile) -> u32 {
    pile.owner.as_ref().and_then(|o| o.pids.first()).map_or(0, |p| p.0)
}

/// Servers that run as a pool of equal workers, so that the same name is the same program even without a command line.
pub fn is_pool(command: &str) -> bool {
    !command.is_empty()
        && !matches!(
            command,
            "java" | "node" | "python" | "python2" | "python3" | "ruby" | "perl" | "php" | "sh" | "bash" | "dotnet" | "mono"
        )
}

/// The pile of these shares, the largest of which comes first.
fn one_pile(snapshot: &Snapshot, shares: &[Share<'_>], shared: &Shared<'_>, (listening, in_use): (&Ports, &BTreeSet<u32>)) -> Option<Pile> {
    let first = shares.first()?;
    let kind = first.kind;
    // A worker that holds next to nothing beside the others is no part of the pile.
    let shares = shares.get(..shares.partition_point(|s| s.count * 20 >= first.count))?;
    let mut traits: Option<Traits> = None;
    let (mut partial, mut longest_run) = (false, 0);
    let distinct = match shares {
        [only] => Distinct { count: only.count, adds: vec![true] },
        several => {
            let holders: Vec<Holder<'_>> = several.iter().map(|s| Holder { pid: s.pid, count: s.count, words: s.words }).collect();
            shared.distinct(kind, &holders)
        }
    };
    for (share, adds) in shares.iter().zip(distinct.adds) {
        let Some(best) = Witness::best(share.words) else { continue };
        partial |= best.partial;
        longest_run = share.words.iter().map(Witness::longest_run).fold(longest_run, u64::max);
        match (&mut traits, share.words) {
            // What others before it hold too was told of them.
            (Some(_), _) if !adds => {}
            (None, _) => traits = Some(told(share.words, best)),
            (Some(traits), [only]) => traits.add(only),
            (Some(traits), _) => traits.merge(told(share.words, best)),
        }
    }
    let mut traits = traits.unwrap_or_default();
    traits.seal();
    let count = distinct.count;
    let words = words_of(shares, count);
    // Only a table tells a state, also where a listing was joined with it by inodes.
    let in_a_state = matches!(kind, Kind::CloseWait | Kind::Established | Kind::Listen | Kind::FinWait | Kind::SynSent);
    let tabled = in_a_state || words.iter().any(|w| matches!(w.source, "ss" | "netstat") || w.source.starts_with("proc-net"));
    Some(Pile {
        owner: Some(owner(snapshot, shares)),
        kind,
        count,
        is: if partial { CountIs::AtLeast } else { CountIs::Exact },
        accepted: accepted(&traits, listening),
        traits,
        words,
        descriptors: first.holding.descriptors.clone(),
        at_least: first.holding.at_least(),
        limit: first.proc.and_then(own_limit),
        nameless_limit: None,
        longest_run,
        // What a table lists in a state is in the table of its own namespace, whichever that is.
        foreign: first.holding.foreign.clone().filter(|_| matches!(kind, Kind::Closed | Kind::Unidentified) || !tabled),
        in_use: in_use.contains(&first.pid),
        untabled: None,
        top_remote: OnceLock::new(),
    })
}

/// The one limit of open files that the capture has of a process which its file does not name.
pub(super) fn nameless_limit(snapshot: &Snapshot) -> Option<(u64, Quote)> {
    match snapshot.nameless_limits.as_slice() {
        [(LimitValue::At(n), quote)] => Some((*n, quote.clone())),
        _ => None,
    }
}

/// The soft limit of open files of a process, where it has one.
pub(super) fn own_limit(proc: &Proc) -> Option<(u64, Quote)> {
    match proc.nofile.as_ref()? {
        (LimitValue::At(n), _, quote) => Some((*n, quote.clone())),
        (LimitValue::Unlimited, ..) => None,
    }
}

/// What the sources tell of one process's rows of a kind.
fn told(words: &[Witness<'_>], best: &Witness<'_>) -> Traits {
    // One source is the best, the most telling, and knows no more than itself.
    if let [only] = words {
        return only.traits();
    }
    let mut told = Witness::most_telling(words).map(Witness::traits).unwrap_or_default();
    if told.quotes.is_empty() {
        told.quotes = best.quotes().collect();
    }
    // Queues, timers and idle times may stand in another source (`ss -o`, `ss -i`) than the one with most rows.
    words.iter().for_each(|w| told.learn(&w.figures()));
    told
}

/// Processes whose trace shows data on at least half of the descriptors that lsof could not place.
fn in_use(snapshot: &Snapshot) -> BTreeSet<u32> {
    let mut first_traces: BTreeMap<u32, &Trace> = BTreeMap::new();
    for trace in &snapshot.traces {
        if let Some(pid) = trace.pid {
            first_traces.entry(pid).or_insert(trace);
        }
    }
    let shows = |pid: u32, trace: &Trace| {
        let lists = snapshot.processes.get(&pid).into_iter().flat_map(|p| &p.lists);
        let unlisted: Vec<_> = lists.flat_map(|l| l.sockets()).filter(|c| c.unlisted).map(|c| &c.sockets).collect();
        let all: usize = unlisted.iter().map(|s| s.len()).sum();
        let data = |fd: u32| i32::try_from(fd).is_ok_and(|fd| trace.used_before.contains(&fd));
        // Of a million the second half is not looked at where the first has shown enough without.
        let mut without = unlisted.iter().flat_map(|s| s.iter()).filter(|s| !data(s.1));
        all > 0 && without.nth(all / 2).is_none()
    };
    first_traces.into_iter().filter(|(pid, trace)| !trace.used_before.is_empty() && shows(*pid, trace)).map(|(pid, _)| pid).collect()
}

/// Each source's word on what processes hold together, largest first. A source that shows a process at two moments shows mostly the same
/// sockets, and of what they share no more than there is.
fn words_of(shares: &[Share<'_>], count: u64) -> Vec<Word> {
    let mut words: Vec<Word> = Vec::new();
    for share in shares {
        let mut own: Vec<Word> = Vec::new();
        for witness in share.words {
            match own.iter_mut().find(|w| w.source == witness.source) {
                Some(word) => word.count = word.count.max(witness.count),
                None => own.push(word_of(witness)),
            }
        }
        for word in own {
            match words.iter_mut().find(|w| w.source == word.source) {
                Some(sum) => sum.count += word.count,
                None => words.push(word),
            }
        }
    }
    if shares.len() > 1 {
        words.iter_mut().for_each(|w| w.count = w.count.min(count));
    }
    words.sort_by(|a, b| b.count.cmp(&a.count).then(a.source.cmp(b.source)));
    words
}

fn word_of(witness: &Witness<'_>) -> Word {
    Word { source: witness.source, count: witness.count, quote: witness.quotes().next() }
}

fn owner(snapshot: &Snapshot, shares: &[Share<'_>]) -> Owner {
    let first = shares.first().map(|s| Owner::of(snapshot, s.pid, s.count)).unwrap_or_default();
    Owner { pids: shares.iter().filter(|s| s.pid != UNNAMED).map(|s| (s.pid, s.count)).collect(), ..first }
}

/// Whether most rows' local ports are ports that something listens on.
pub(super) fn accepted(traits: &Traits, listening: &Ports) -> Option<bool> {
    let total = traits.locals.total();
    if total == 0 {
        return None;
    }
    let on_listeners: u64 = traits.locals.iter().filter(|(e, _)| listening.has(e.port())).map(|(_, n)| n).sum();
    if on_listeners * 2 > total {
        return Some(true);
    }
    // Without the listener's row: one low local port under all rows, and remote ports all different, is the accepting side too.
    if total >= 3 && ports_differ(&traits.locals) == Some(false) && ports_differ(&traits.remotes) == Some(true) {
        return Some(true);
    }
    Some(few_local_ports(traits, total))
}

/// Whether each local port is under many rows and nearly every row has a remote port of its own: services of this host and their clients. A
/// connection that was opened here has the local port to itself, more or less.
fn few_local_ports(traits: &Traits, total: u64) -> bool {
    let ports = |ends: &Tops<End>| ends.iter().map(|(e, _)| e.port()).collect::<BTreeSet<u16>>().len() as u64;
    // Each that was not kept may be of a port of its own.
    let rest = total.saturating_sub(traits.locals.iter().map(|(_, n)| n).sum());
    (ports(&traits.locals) + rest) * 8 <= total && ports(&traits.remotes) * 4 >= total * 3
}

/// Whether ends have more than one port; `None` where there are no ends.
fn ports_differ(ends: &Tops<End>) -> Option<bool> {
    let mut ports = ends.iter().map(|(e, _)| e.port());
    let first = ports.next()?;
    Some(ports.any(|p| p != first))
}
