//! Hosts: which snapshots are one host at several times, and which are different hosts. Hosts are never added up as if one.

use crate::capture::snapshot::Reading;
use crate::capture::{Input, Interner, Member, Snapshot};
use crate::facts::IdentityKey;
use std::collections::{BTreeMap, BTreeSet};

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

/// Sorts the snapshots of all inputs into hosts.
pub fn hosts(inputs: Vec<Input>) -> (Vec<Source>, Vec<Host>) {
    let mut sources = Vec::new();
    let mut found: Vec<Host> = Vec::new();
    for (number, input) in inputs.into_iter().enumerate() {
        let Input { name, walked, members, snapshots, names } = input;
        let source = Source { name, walked, members, names };
        for takes in roots(number, snapshots, &source) {
            let label = label(&takes, &source);
            join(&mut found, Host { label, takes, main: 0 });
        }
        sources.push(source);
    }
    for host in &mut found {
        host.main = host.takes.iter().rposition(|t| t.snapshot.has_rows()).unwrap_or(host.takes.len().saturating_sub(1));
        widen(host);
    }
    (sources, found)
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

/// The takes of each root directory of one input.
fn roots(input: usize, snapshots: BTreeMap<(String, Option<String>), Snapshot>, source: &Source) -> Vec<Vec<Take>> {
    let mut roots: BTreeMap<String, Vec<Take>> = BTreeMap::new();
    for ((root, sample), snapshot) in snapshots {
        if snapshot.facts > 0 || !snapshot.remarks.is_empty() || sample.is_none() {
            roots.entry(root.clone()).or_default().push(Take { input, root, sample, snapshot });
        }
    }
    let substantial = |takes: &[Take]| takes.iter().any(|t| t.snapshot.has_rows() || has_books(&t.snapshot, &source.names));
    let homes: Vec<String> = roots.iter().filter(|(_, t)| substantial(t)).map(|(r, _)| r.clone()).collect();
    // Directories with logs or a host name only belong to the capture around, above or below them.
    let strays: Vec<String> = roots.keys().filter(|r| !homes.contains(r)).cloned().collect();
    for stray in strays {
        let Some(takes) = roots.remove(&stray) else { continue };
        let home =
            homes.iter().filter(|h| related(h, &stray)).max_by_key(|h| h.len()).or(if homes.len() == 1 { homes.first() } else { None });
        match home {
            Some(home) => merge_into(roots.get_mut(home), takes),
            None if homes.is_empty() => merge_into(Some(roots.entry(String::new()).or_default()), takes),
            None => {}
        }
    }
    nested(&mut roots, &source.names);
    roots.into_values().filter(|t| !t.is_empty()).collect()
}

/// A directory inside or beside another that adds what the other lacks is the same capture; one that repeats it is another.
fn nested(roots: &mut BTreeMap<String, Vec<Take>>, names: &Interner) {
    let keys: Vec<String> = roots.keys().cloned().collect();
    for inner in keys.iter().rev() {
        let parent = inner.rsplit_once('/').map_or("", |(p, _)| p);
        let beside = |o: &String| o.rsplit_once('/').map_or("", |(p, _)| p) == parent;
        let candidates = keys.iter().filter(|o| *o != inner && roots.contains_key(*o) && (is_above(o, inner) || beside(o)));
        let fits = |o: &&String| match (roots.get(*o), roots.get(inner)) {
            (Some(a), Some(b)) => content(a, names).is_disjoint(&content(b, names)) && same_name(a, b),
            _ => false,
        };
        let home = candidates.filter(fits).max_by_key(|o| (is_above(o, inner), o.len())).cloned();
        if let Some(home) = home
            && let Some(takes) = roots.remove(inner)
        {
            merge_into(roots.get_mut(&home), takes);
        }
    }
}

/// Whether no two host names contradict each other.
fn same_name(a: &[Take], b: &[Take]) -> bool {
    let name = |t: &[Take]| t.iter().find_map(|t| t.snapshot.identity.get(&IdentityKey::Hostname).map(|(n, _)| n.clone()));
    match (name(a), name(b)) {
        (Some(a), Some(b)) => a == b,
        _ => true,
    }
}

fn content(takes: &[Take], names: &Interner) -> BTreeSet<String> {
    let mut words = BTreeSet::new();
    for take in takes {
        words.extend(take.snapshot.tables.iter().map(|t| t.format.to_string()));
        words.extend(take.snapshot.counters.keys().map(|&n| names.text(n).split('.').next().unwrap_or("").to_string()));
        words.extend(take.snapshot.processes.values().flat_map(|p| &p.lists).map(|l| l.format.to_string()));
    }
    words
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
    ["sockstat.tcp.alloc", "sockstat.sockets.used", "ss.tcp.total"]
        .iter()
        .any(|n| names.find(n.as_bytes()).is_some_and(|n| snapshot.counters.contains_key(&n)))
        || !snapshot.tallies.is_empty()
        || snapshot.logs.lines > 0 && !snapshot.logs.sightings.is_empty()
}

fn label(takes: &[Take], source: &Source) -> String {
    if let Some(name) = takes.iter().find_map(|t| t.snapshot.identity.get(&IdentityKey::Hostname)) {
        return name.0.clone();
    }
    let root = takes.first().map_or("", |t| t.root.as_str());
    let last = root.rsplit('/').find(|p| !p.is_empty());
    last.unwrap_or(source.name.rsplit('/').next().unwrap_or(&source.name)).to_string()
}

/// Adds takes to the host they belong to: the same host name, or no name but the same processes.
fn join(hosts: &mut Vec<Host>, new: Host) {
    let named = |h: &Host| h.takes.iter().find_map(|t| t.snapshot.identity.get(&IdentityKey::Hostname).map(|(n, _)| n.clone()));
    let mine = named(&new);
    let same = hosts.iter_mut().find(|h| match (named(h), &mine) {
        (Some(a), Some(b)) => a == *b,
        _ => same_processes(h, &new),
    });
    match same {
        Some(host) => {
            host.takes.extend(new.takes);
            host.takes.sort_by_cached_key(|t| (when(&t.snapshot), t.input, t.sample.clone()));
        }
        None => hosts.push(new),
    }
}

fn when(snapshot: &Snapshot) -> String {
    snapshot.identity.get(&IdentityKey::Date).map_or(String::new(), |(d, _)| d.clone())
}

/// Whether most processes of the smaller one are in the other, by pid and name.
fn same_processes(a: &Host, b: &Host) -> bool {
    let set = |h: &Host| -> BTreeSet<(u32, String)> {
        h.takes
            .iter()
            .flat_map(|t| &t.snapshot.processes)
            .filter(|(_, p)| !p.command.is_empty())
            .map(|(&pid, p)| (pid, p.command.clone()))
            .collect()
    };
    let (a, b) = (set(a), set(b));
    let common = a.intersection(&b).count();
    common > 0 && common * 3 >= a.len().min(b.len()) * 2
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
        let aside = host.takes.remove(n);
        if n < main {
            host.main -= 1;
        }
        if let Some(take) = host.takes.get_mut(host.main) {
            take.snapshot.merge(aside.snapshot);
        }
    }
}
