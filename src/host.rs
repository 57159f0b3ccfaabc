//! Hosts: which snapshots are one host at several times, and which are different hosts. Hosts are never added up as if one.

mod beside;
mod inside;
mod kept;

use crate::bundle::layout;
use crate::capture::snapshot::Reading;
use crate::capture::{Input, Interner, Member, Over, Snapshot};
use crate::facts::IdentityKey;
use beside::Stray;
use rustc_hash::FxBuildHasher;
use std::collections::{BTreeMap, BTreeSet};
use std::hash::BuildHasher;

/// One snapshot with where it comes from.
#[derive(Debug)]
pub struct Take {
    /// Index of the input it comes from.
    pub input: usize,
    /// Its root directory inside the input.
    pub root: String,
    /// Its sample directory, if it is one of several.
    pub sample: Option<String>,
    /// What was captured.
    pub snapshot: Snapshot,
}

/// One host, with its snapshots in time order; the last one that holds rows is the one that is diagnosed.
#[derive(Debug)]
pub struct Host {
    /// Its name, or the directory or input it comes from.
    pub label: String,
    /// Its snapshots, oldest first.
    pub takes: Vec<Take>,
    /// Index of the snapshot that is diagnosed.
    pub main: usize,
}

/// The inputs without their snapshots: members and names, to which citations and rows point.
#[derive(Debug)]
pub struct Source {
    /// As named on the command line.
    pub name: String,
    /// How the walk went.
    pub walked: crate::bundle::Walked,
    /// Members in order.
    pub members: Vec<Member>,
    /// Names of all rows.
    pub names: Interner,
}

impl Host {
    /// Its own name, where a snapshot tells it.
    pub fn name(&self) -> Option<String> {
        host_name(&self.takes)
    }
}

/// Sorts the snapshots of all inputs into hosts.
pub fn hosts(inputs: Vec<Input>) -> (Vec<Source>, Vec<Host>) {
    let mut sources = Vec::new();
    let mut found: Vec<Known> = Vec::new();
    let (mut most, mut beyond, mut strays) = (0, 0u64, Vec::new());
    for (number, input) in inputs.into_iter().enumerate() {
        let Input { name, walked, members, snapshots, names, max_hosts, beyond: left_out } = input;
        let source = Source { name, walked, members, names };
        let (roots, around) = roots(number, snapshots, &source);
        strays.extend(around);
        for takes in roots {
            let label = label(&takes, &source);
            join(&mut found, Host { label, takes, main: 0 });
        }
        most = most.max(max_hosts);
        beyond = beyond.saturating_add(left_out);
        sources.push(source);
    }
    let mut found: Vec<Host> = found.into_iter().map(|k| k.host).collect();
    let further = found.split_off(most.max(1).min(found.len()));
    beyond = beyond.saturating_add(members_of(&further, &sources));
    for host in &mut found {
        in_time(&mut host.takes);
        host.main = host.takes.iter().rposition(|t| t.snapshot.has_rows()).unwrap_or(host.takes.len().saturating_sub(1));
    }
    beside::give(&mut found, strays);
    for host in &mut found {
        widen(host);
        // The count that tells whose a listing is may be of another file.
        host.takes.iter_mut().for_each(|take| take.snapshot.name_stray());
        let Some(take) = host.takes.get_mut(host.main) else { continue };
        if let Some(source) = sources.get(take.input) {
            beside::name_limits(&mut take.snapshot, source);
        }
    }
    // It is said where the reader looks first.
    if let Some(take) = found.first_mut().and_then(|h| h.takes.get_mut(h.main)) {
        take.snapshot.room.left_out_many(Over::Hosts, beyond);
    }
    (sources, found)
}

/// Sorts takes, oldest first: by their dates where all with rows have one, else by the order of the inputs and by their names.
fn in_time(takes: &mut [Take]) {
    let dated = takes.iter().filter(|t| t.snapshot.has_rows()).all(|t| !when(&t.snapshot).is_empty());
    takes.sort_by_cached_key(|t| {
        let date = if dated { when(&t.snapshot) } else { String::new() };
        (date, t.input, layout::order(t.sample.as_deref().unwrap_or("")), layout::order(&t.root))
    });
}

/// How many members the hosts have.
fn members_of(hosts: &[Host], sources: &[Source]) -> u64 {
    let roots: BTreeSet<(usize, &str)> = hosts.iter().flat_map(|h| &h.takes).map(|t| (t.input, t.root.as_str())).collect();
    let members = |n: usize, s: &Source| s.members.iter().filter(|m| roots.contains(&(n, m.place.root.as_str()))).count();
    sources.iter().enumerate().map(|(n, s)| members(n, s) as u64).sum()
}

/// A host with what tells it from others, worked out once.
struct Known {
    host: Host,
    name: Option<String>,
    processes: Vec<u64>,
    /// Sockets of its small processes, by hashes, sorted; none where names tell hosts apart.
    sockets: Vec<u64>,
}

impl Host {
    /// The snapshot that is diagnosed.
    pub fn snapshot(&self) -> Option<&Snapshot> {
        self.takes.get(self.main).map(|t| &t.snapshot)
    }

    /// Every reading of a counter over all snapshots, oldest first.
    pub fn series<'a>(&'a self, sources: &'a [Source], name: &str) -> Vec<&'a Reading> {
        let of = |t: &'a Take| {
            let names = &sources.get(t.input)?.names;
            Some(t.snapshot.readings(names, name))
        };
        self.takes.iter().filter_map(of).flatten().collect()
    }
}

/// The takes of each root directory of one input, and what lies around several of them.
fn roots(input: usize, snapshots: BTreeMap<(String, Option<String>), Snapshot>, source: &Source) -> (Vec<Vec<Take>>, Vec<Stray>) {
    let mut roots: BTreeMap<String, Vec<Take>> = BTreeMap::new();
    for ((root, sample), snapshot) in snapshots {
        let sample = sample.filter(|name| !is_of_a_process(name, &snapshot));
        if snapshot.facts > 0 || !snapshot.remarks.is_empty() || sample.is_none() {
            merge_into(Some(roots.entry(root.clone()).or_default()), vec![Take { input, root, sample, snapshot }]);
        }
    }
    let substantial = |takes: &[Take]| takes.iter().any(|t| t.snapshot.has_rows() || has_books(&t.snapshot, &source.names));
    let homes: Vec<String> = roots.iter().filter(|(_, t)| substantial(t)).map(|(r, _)| r.clone()).collect();
    // Directories with logs or a host name only belong to the capture around, above or below them.
    let mut strays: Vec<String> = roots.keys().filter(|r| !homes.contains(r)).cloned().collect();
    let around = beside::around(input, &mut roots, &source.names);
    strays.retain(|stray| roots.contains_key(stray));
    for stray in strays {
        let Some(takes) = roots.remove(&stray) else { continue };
        let home =
            homes.iter().filter(|h| related(h, &stray)).max_by_key(|h| h.len()).or(if homes.len() == 1 { homes.first() } else { None });
        match home {
            // What lies beside samples is no sample of its own.
            Some(home) => merge_into(roots.get_mut(home), takes.into_iter().map(|t| Take { root: home.clone(), ..t }).collect()),
            None if homes.is_empty() => merge_into(Some(roots.entry(String::new()).or_default()), takes),
            None => {}
        }
    }
    nested(&mut roots, &source.names);
    inside::join(&mut roots, &source.members);
    (roots.into_values().filter(|t| !t.is_empty()).collect(), around)
}

/// Whether a sample named like a time of day is of the process with that number, of which alone it tells.
fn is_of_a_process(sample: &str, snapshot: &Snapshot) -> bool {
    let Ok(pid) = sample.parse::<u32>() else { return false };
    let of_the_host = !snapshot.tables.is_empty() || !snapshot.counters.is_empty() || !snapshot.tallies.is_empty();
    matches!(sample.len(), 4 | 6) && !of_the_host && snapshot.processes.keys().all(|p| *p == pid)
}

/// A directory inside or beside another that adds what the other lacks is the same capture; one that repeats it is another.
fn nested(roots: &mut BTreeMap<String, Vec<Take>>, names: &Interner) {
    let mut homes = Homes::default();
    for (root, takes) in roots.iter() {
        homes.add(root, Says::of(takes, names));
    }
    let inners: Vec<String> = roots.keys().rev().cloned().collect();
    for inner in inners {
        let Some(home) = homes.of(&inner) else { continue };
        homes.remove(&inner);
        homes.remove(&home);
        if let Some(takes) = roots.remove(&inner) {
            merge_into(roots.get_mut(&home), takes);
        }
        if let Some(takes) = roots.get(&home) {
            homes.add(&home, Says::of(takes, names));
        }
    }
}

/// Directories that others may belong to. Those beside each other that say the same are compared as one: of a fleet there are thousands.
#[derive(Default)]
struct Homes {
    says: BTreeMap<String, Says>,
    /// Of each directory around: what those in it say, and which say it, the longest names last.
    beside: BTreeMap<String, BTreeMap<Says, BTreeSet<(usize, String)>>>,
}

impl Homes {
    fn add(&mut self, root: &str, says: Says) {
        self.beside.entry(around(root)).or_default().entry(says.clone()).or_default().insert((root.len(), root.to_string()));
        self.says.insert(root.to_string(), says);
    }

    fn remove(&mut self, root: &str) {
        let Some(says) = self.says.remove(root) else { return };
        let Some(beside) = self.beside.get_mut(&around(root)) else { return };
        if let Some(same) = beside.get_mut(&says) {
            same.remove(&(root.len(), root.to_string()));
            if same.is_empty() {
                beside.remove(&says);
            }
        }
    }

    /// The directory that this one adds to: the nearest above it, else of those beside it one with the longest name.
    fn of(&self, inner: &str) -> Option<String> {
        let mine = self.says.get(inner)?;
        let above = inner.rmatch_indices('/').map(|(end, _)| inner.get(..end).unwrap_or("")).chain([""]).filter(|root| *root != inner);
        let home = above.map(String::from).find(|root| self.says.get(root).is_some_and(|other| mine.adds_to(other)));
        home.or_else(|| {
            let fits = self.beside.get(&around(inner))?.iter().filter(|(other, _)| mine.adds_to(other));
            let longest = fits.filter_map(|(_, same)| same.iter().rev().find(|(_, root)| root != inner));
            longest.max().map(|(_, root)| root.clone())
        })
    }
}

/// The directory that a directory is in.
fn around(root: &str) -> String {
    root.rsplit_once('/').map_or("", |(parent, _)| parent).to_string()
}

/// What tells whether two directories are one capture.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Says {
    /// Hashes of words, sorted.
    content: Vec<u64>,
    name: Option<String>,
}

impl Says {
    fn of(takes: &[Take], names: &Interner) -> Says {
        Says { content: content(takes, names), name: host_name(takes) }
    }

    /// Whether it has nothing that the other has too, and no other name.
    fn adds_to(&self, other: &Says) -> bool {
        agree(&self.name, &other.name) && self.content.iter().all(|word| other.content.binary_search(word).is_err())
    }
}

/// Whether no two host names contradict each other.
fn agree(a: &Option<String>, b: &Option<String>) -> bool {
    match (a, b) {
        (Some(a), Some(b)) => a == b,
        _ => true,
    }
}

fn host_name(takes: &[Take]) -> Option<String> {
    takes.iter().find_map(|t| t.snapshot.identity.get(&IdentityKey::Hostname).map(|(n, _)| n.clone()))
}

/// Which tables, listings and families of counters there are, by hashes, sorted.
fn content(takes: &[Take], names: &Interner) -> Vec<u64> {
    let mut words = BTreeSet::new();
    let hash = |word: &str| FxBuildHasher.hash_one(word);
    for take in takes {
        words.extend(take.snapshot.tables.iter().map(|t| hash(t.format)));
        words.extend(take.snapshot.counters.keys().map(|&n| hash(names.text(n).split('.').next().unwrap_or(""))));
        words.extend(take.snapshot.processes.values().flat_map(|p| &p.lists).map(|l| hash(l.format)));
    }
    words.into_iter().collect()
}

fn merge_into(home: Option<&mut Vec<Take>>, takes: Vec<Take>) {
    let Some(home) = home else { return };
    for take in takes {
        match home.iter_mut().find(|t| t.sample == take.sample) {
            Some(mine) => mine.snapshot.merge(take.snapshot),
            None => home.push(take),
        }
    }
}

fn related(a: &str, b: &str) -> bool {
    is_above(a, b) || is_above(b, a)
}

fn is_above(outer: &str, inner: &str) -> bool {
    outer.is_empty() || inner.strip_prefix(outer).is_some_and(|rest| rest.starts_with('/'))
}

fn has_books(snapshot: &Snapshot, names: &Interner) -> bool {
    has_counts(snapshot, names) || snapshot.logs.lines > 0 && !snapshot.logs.sightings.is_empty()
}

/// Whether it counts sockets.
fn has_counts(snapshot: &Snapshot, names: &Interner) -> bool {
    ["sockstat.tcp.alloc", "sockstat.sockets.used", "ss.tcp.total"]
        .iter()
        .any(|n| names.find(n.as_bytes()).is_some_and(|n| snapshot.counters.contains_key(&n)))
        || !snapshot.tallies.is_empty()
}

fn label(takes: &[Take], source: &Source) -> String {
    if let Some(name) = takes.iter().find_map(|t| t.snapshot.identity.get(&IdentityKey::Hostname)) {
        return name.0.clone();
    }
    let root = takes.first().map_or("", |t| t.root.as_str());
    let last = root.rsplit('/').find(|p| !p.is_empty());
    last.unwrap_or(source.name.rsplit('/').next().unwrap_or(&source.name)).to_string()
}

/// Adds takes to the host they belong to: the same host name, or no name but the same processes, or the same sockets in the same processes.
fn join(hosts: &mut Vec<Known>, new: Host) {
    let (name, processes) = (host_name(&new.takes), processes(&new.takes));
    let sockets = if name.is_none() { kept::sockets(&new.takes) } else { Vec::new() };
    let same = hosts.iter_mut().find(|h| match (&h.name, &name) {
        (Some(a), Some(b)) => a == b,
        _ => same_processes(&h.processes, &processes) || kept::are_same(&h.sockets, &sockets),
    });
    match same {
        Some(known) => {
            known.host.takes.extend(new.takes);
            known.name = known.name.take().or(name);
            known.processes.extend(processes);
            known.processes.sort_unstable();
            known.processes.dedup();
            // Of several times the last is nearest to what comes.
            known.sockets = sockets;
        }
        None => hosts.push(Known { host: new, name, processes, sockets }),
    }
}

fn when(snapshot: &Snapshot) -> String {
    snapshot.identity.get(&IdentityKey::Date).map_or(String::new(), |(d, _)| d.clone())
}

/// The named processes, by hashes of pid and name, sorted.
fn processes(takes: &[Take]) -> Vec<u64> {
    let named = takes.iter().flat_map(|t| &t.snapshot.processes).filter(|(_, p)| !p.command.is_empty());
    let mut all: Vec<u64> = named.map(|(pid, p)| FxBuildHasher.hash_one((pid, p.command.as_str()))).collect();
    all.sort_unstable();
    all.dedup();
    all
}

/// Whether most processes of the smaller one are in the other, by pid and name.
fn same_processes(a: &[u64], b: &[u64]) -> bool {
    let (few, many) = if a.len() <= b.len() { (a, b) } else { (b, a) };
    let common = common(few, many);
    common > 0 && common * 3 >= few.len() * 2
}

/// How many of a few sorted hashes are among many.
fn common(few: &[u64], many: &[u64]) -> usize {
    let mut rest = many;
    let mut common = 0;
    for hash in few {
        rest = rest.get(rest.partition_point(|p| p < hash)..).unwrap_or(&[]);
        common += usize::from(rest.first() == Some(hash));
    }
    common
}

/// What lies beside the samples (limits, command lines, logs, the directory's own files) belongs to the diagnosed snapshot too.
fn widen(host: &mut Host) {
    let main = host.main;
    let Some(take) = host.takes.get(main) else { return };
    let (input, root) = (take.input, take.root.clone());
    if take.sample.is_none() {
        return;
    }
    if let Some(n) = host.takes.iter().position(|t| t.sample.is_none() && t.input == input && t.root == root) {
        let mut aside = host.takes.remove(n);
        // What lies around a directory called `later`, or has no number where others have 2 and 3, and shows the same, was before them.
        let second = |name: &str| layout::is_later(name) || name.parse::<u32>().is_ok_and(|n| (2..10).contains(&n));
        let later = |t: &Take| t.sample.as_deref().is_some_and(second);
        let same = |t: &Take| !t.snapshot.content().is_disjoint(&aside.snapshot.content());
        if host.takes.iter().all(|t| t.input == input && t.root == root && later(t) && same(t)) {
            aside.sample = Some("first".to_string());
            host.takes.insert(0, aside);
            host.main = host.takes.len() - 1;
            return;
        }
        if n < main {
            host.main -= 1;
        }
        if let Some(take) = host.takes.get_mut(host.main) {
            take.snapshot.merge(aside.snapshot);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capture::testing::read;

    const LISTING: &str = "COMMAND PID USER FD TYPE DEVICE SIZE/OFF NODE NAME\ngated 2213 svc 5u IPv4 812 0t0 TCP *:80 (LISTEN)\n";
    const OTHERS: &str = "sshd 900 root 3u IPv4 813 0t0 TCP *:22 (LISTEN)\n";
    const TABLE: &str = "State Recv-Q Send-Q Local Address:Port Peer Address:Port\nESTAB 0 0 10.0.0.1:80 10.0.0.2:4000\n";

    /// The samples of the only host in an input of these members.
    fn samples(members: &[(&str, &str)]) -> Vec<Option<String>> {
        let (_, hosts) = hosts(vec![read(members)]);
        assert_eq!(hosts.len(), 1, "{members:?}");
        hosts.into_iter().flat_map(|h| h.takes).map(|t| t.sample).collect()
    }

    #[test]
    fn a_directory_named_like_a_time_of_day_is_a_sample_unless_it_tells_of_that_process_alone() {
        let all = format!("{LISTING}{OTHERS}");
        assert_eq!(samples(&[("2200/lsof", &all), ("2213/lsof", &all)]), [Some("2200".to_string()), Some("2213".to_string())]);
        assert_eq!(samples(&[("2213/ss", TABLE)]), [Some("2213".to_string())]);
        assert_eq!(samples(&[("ss", TABLE), ("2213/lsof", LISTING), ("2213/limits", "")]), [None]);
        assert_eq!(samples(&[("ss-2200", TABLE), ("ss-2213", TABLE)]), [Some("2200".to_string()), Some("2213".to_string())]);
        assert_eq!(samples(&[("ss", TABLE), ("lsof-2213", LISTING)]), [None]);
    }
}
