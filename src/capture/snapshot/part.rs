//! What some members told of a snapshot, taken out of it, and what tells that two such parts are of one host.

use super::Snapshot;
use crate::capture::holding::FdList;
use crate::capture::process::Proc;
use crate::capture::quote::Quote;
use crate::capture::table::Table;
use crate::facts::{IdentityKey, MemberId};
use rustc_hash::{FxBuildHasher, FxHashSet};
use std::collections::BTreeMap;
use std::hash::BuildHasher;

/// Rows of a part that are compared, at most: a host's own come among the first of them.
const MOST: usize = 1 << 17;
/// Numbers that the first processes of any container have.
const FIRST_PIDS: u32 = 100;
/// What the kernel hands out in the first seconds of a boot, in the same order on hosts of one image.
const FIRST_INODES: u32 = 100_000;
/// So many sockets in common are no accident.
const SEVERAL: usize = 3;

/// What tells one host from another: its sockets and its processes, by hashes.
#[derive(Debug, Default)]
pub(in crate::capture) struct Marks {
    sockets: FxHashSet<u64>,
    processes: FxHashSet<u64>,
}

impl Marks {
    /// Whether most processes of the smaller one are in the other.
    pub fn same_processes(&self, other: &Marks) -> bool {
        let common = self.processes.intersection(&other.processes).count();
        common > 0 && common * 3 >= self.processes.len().min(other.processes.len()) * 2
    }

    /// Whether some sockets of one are in the other.
    pub fn same_sockets(&self, other: &Marks) -> bool {
        let few = self.sockets.len().min(other.sockets.len());
        few > 0 && self.sockets.intersection(&other.sockets).take(SEVERAL).count() >= few.min(SEVERAL)
    }

    /// Whether both name processes, of which they have none in common, and no socket either.
    pub fn contradict(&self, other: &Marks) -> bool {
        let named = !self.processes.is_empty() && !other.processes.is_empty();
        named && self.processes.is_disjoint(&other.processes) && self.sockets.is_disjoint(&other.sockets)
    }
}

impl Snapshot {
    /// Takes out the tables, listings, counts and remarks of some members. What is said of processes is said of both parts.
    pub(in crate::capture) fn part(&mut self, which: impl Fn(MemberId) -> bool) -> Snapshot {
        self.end_member();
        let of = |quote: &Quote| which(quote.at.member);
        let mut part = Snapshot { tables: self.tables.extract_if(.., |t| which(t.at.member)).collect(), ..Snapshot::default() };
        part.strays = self.strays.extract_if(.., |l| which(l.at.member)).collect();
        part.tallies = self.tallies.extract_if(.., |t| of(&t.quote)).collect();
        part.remarks = self.remarks.extract_if(.., |r| of(&r.quote)).collect();
        part.traces = self.traces.extract_if(.., |t| which(t.at.member)).collect();
        for (&name, readings) in &mut self.counters {
            let mine: Vec<_> = readings.extract_if(.., |r| of(&r.quote)).collect();
            if !mine.is_empty() {
                part.counters.insert(name, mine);
            }
        }
        self.counters.retain(|_, readings| !readings.is_empty());
        let held: FxHashSet<u32> = part.tables.iter().flat_map(|t| &t.groups).filter_map(|g| g.owner).collect();
        for (&pid, process) in &mut self.processes {
            let lists: Vec<FdList> = process.lists.extract_if(.., |l| which(l.at.member)).collect();
            (self.lists, part.lists) = (self.lists.saturating_sub(lists.len()), part.lists + lists.len());
            if !lists.is_empty() || held.contains(&pid) {
                part.processes.insert(pid, Proc { lists, thread_rows: 0, ..process.told() });
            }
        }
        for (&key, value) in self.identity.iter().filter(|(_, value)| of(&value.1)) {
            part.identity.insert(key, value.clone());
        }
        self.identity.retain(|key, value| *key != IdentityKey::Date || !of(&value.1));
        part.facts = part.rows().saturating_add(part.identity.len() as u64).max(1);
        self.facts = self.facts.saturating_sub(part.facts);
        part
    }

    /// How many rows and readings there are.
    fn rows(&self) -> u64 {
        let tables = self.tables.iter().flat_map(|t| &t.groups).map(|g| g.count);
        let lists = self.processes.values().flat_map(|p| &p.lists).chain(&self.strays).map(|l| l.descriptors);
        let readings = self.counters.values().map(|r| r.len() as u64);
        tables.chain(lists).chain(readings).sum::<u64>().saturating_add(self.tallies.len() as u64)
    }

    /// What tells the host that some members are of.
    pub(in crate::capture) fn marks(&self, which: impl Fn(MemberId) -> bool) -> Marks {
        let hash = FxBuildHasher;
        let mut marks = Marks::default();
        for table in self.tables.iter().filter(|t| which(t.at.member)) {
            let inodes = table.rows.iter().filter(|row| row.0 > FIRST_INODES).map(|row| hash.hash_one(row.0));
            let far = table.connections.iter().filter(|c| !c.1.is_loopback()).map(|c| hash.hash_one((c.0, c.1)));
            let room = MOST.saturating_sub(marks.sockets.len());
            marks.sockets.extend(inodes.chain(far).take(room));
            let owners = table.groups.iter().filter_map(|g| Some((g.owner.filter(|&pid| pid > FIRST_PIDS)?, g.command)));
            marks.processes.extend(owners.map(|owner| hash.hash_one(owner)));
        }
        for (&pid, process) in &self.processes {
            for list in process.lists.iter().filter(|l| which(l.at.member)) {
                let room = MOST.saturating_sub(marks.sockets.len());
                let inodes = list.sockets().flat_map(|c| c.inodes()).filter(|&i| i > FIRST_INODES);
                marks.sockets.extend(inodes.take(room).map(|inode| hash.hash_one(inode)));
                // A directory of descriptors does not say what the process is called.
                let command = if list.format == "fd" { "" } else { process.command.as_str() };
                if pid > FIRST_PIDS {
                    marks.processes.insert(hash.hash_one((pid, command)));
                }
            }
        }
        marks
    }

    /// Whether a later part shows the very same rows wherever it shows the same table or listing: a text that was pasted twice.
    pub(in crate::capture) fn is_copied_in(&self, later: &Snapshot) -> bool {
        let tables = by_content(&self.tables);
        let same_tables = later.tables.iter().all(|t| tables.get(&key(t)).is_none_or(|known| are_alike(known, t)));
        let same_lists = later.processes.iter().all(|(pid, p)| {
            let known = self.processes.get(pid).map_or(&[][..], |p| &p.lists);
            p.lists.iter().all(|l| known.iter().find(|k| k.format == l.format).is_none_or(|k| are_listed_alike(k, l)))
        });
        let strays = |s: &Snapshot| s.strays.iter().map(|l| (l.format, l.descriptors)).collect::<Vec<_>>();
        same_tables && same_lists && (later.strays.is_empty() || self.strays.is_empty() || strays(self) == strays(later))
    }
}

type Key = (&'static str, Option<u8>, usize);

fn key(table: &Table) -> Key {
    (table.format, table.groups.first().map(|g| g.protocol as u8), table.groups.iter().filter(|g| g.owner.is_some()).count().min(1))
}

fn by_content(tables: &[Table]) -> BTreeMap<Key, &Table> {
    tables.iter().map(|t| (key(t), t)).collect()
}

fn are_alike(a: &Table, b: &Table) -> bool {
    let counts = |t: &Table| t.groups.iter().map(|g| (g.protocol, g.state, g.owner, g.count)).collect::<Vec<_>>();
    a.rows == b.rows && a.connections == b.connections && counts(a) == counts(b)
}

fn are_listed_alike(a: &FdList, b: &FdList) -> bool {
    let same = |x: &crate::capture::holding::Class, y: &crate::capture::holding::Class| {
        (x.kind, x.state, x.rows) == (y.kind, y.state, y.rows) && x.inodes().eq(y.inodes())
    };
    a.descriptors == b.descriptors && a.classes.len() == b.classes.len() && a.classes.iter().zip(&b.classes).all(|(x, y)| same(x, y))
}
