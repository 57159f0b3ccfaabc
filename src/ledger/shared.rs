//! Sockets that several processes of a program hold, each once: what children inherit they hold beside their parent, and each listing shows it.

use super::holding::{kind_of_class, tells_inodes_only};
use super::kind::Kind;
use super::sets::{self, Union};
use crate::capture::process::Proc;
use crate::capture::sockets::Sockets;
use crate::capture::{Snapshot, table::Table};
use rustc_hash::FxHashSet;
use std::cell::OnceCell;
use std::collections::BTreeMap;

/// What tells the sockets of processes from each other.
pub struct Shared<'a> {
    snapshot: &'a Snapshot,
    /// Inodes that tables list, by kind, sorted.
    listed: OnceCell<BTreeMap<Kind, Vec<u32>>>,
}

/// The sockets of one kind that one process holds, as far as inodes tell them.
struct Held<'a> {
    /// By listings that name what a socket is.
    named: Vec<&'a Sockets>,
    /// The most that one of those shows.
    most: u64,
    /// By what tells inodes only, as tables know them.
    bare: Vec<u32>,
    /// What no inode is known of.
    untold: u64,
}

/// How many different sockets several processes hold.
pub struct Distinct {
    /// All of them, each once.
    pub count: u64,
    /// For each process whether it has any that none before it has.
    pub adds: Vec<bool>,
}

impl<'a> Shared<'a> {
    /// Of this snapshot.
    pub fn of(snapshot: &'a Snapshot) -> Shared<'a> {
        Shared { snapshot, listed: OnceCell::new() }
    }

    /// Different sockets of a kind over processes, each of which holds so many.
    pub fn distinct(&self, kind: Kind, holders: &[(u32, u64)]) -> Distinct {
        let sum = holders.iter().map(|h| h.1).sum();
        let apart = Distinct { count: sum, adds: vec![true; holders.len()] };
        let mut held: Vec<Held<'a>> = holders.iter().map(|&(pid, count)| self.held(kind, pid, count)).collect();
        let untold = |held: &[Held<'_>]| held.iter().map(|h| h.untold).sum::<u64>();
        if untold(&held) == sum {
            return apart;
        }
        if untold(&held) * 16 > sum {
            self.add_tables(kind, holders, &mut held);
        }
        let mut bare = Sockets::default();
        let mut all: Vec<u32> = held.iter().flat_map(|h| h.bare.iter().copied()).collect();
        all.sort_unstable();
        all.into_iter().for_each(|inode| bare.push(inode, 0));
        let union = Union::of(held.iter().flat_map(|h| h.named.iter().copied()).chain([&bare]));
        let count = (union.count() as u64).saturating_add(untold(&held));
        if count >= sum {
            return apart;
        }
        let mut seen = FxHashSet::default();
        let adds = held.iter().map(|h| h.inodes().filter(|&inode| seen.insert(inode)).count() > 0 || h.untold > 0).collect();
        Distinct { count, adds }
    }

    fn held(&self, kind: Kind, pid: u32, count: u64) -> Held<'a> {
        let lists = || self.snapshot.processes.get(&pid).into_iter().flat_map(|p: &Proc| &p.lists);
        let mut held = Held { named: Vec::new(), most: 0, bare: Vec::new(), untold: 0 };
        for list in lists() {
            let from = held.named.len();
            held.named.extend(list.sockets().filter(|c| kind_of_class(c, list) == Some(kind)).map(|c| &c.sockets));
            let shown = held.named.iter().skip(from).map(|s| s.distinct() as u64).sum();
            held.most = held.most.max(shown);
        }
        if held.count() < count {
            let classes = lists().flat_map(|l| l.sockets()).filter(|c| tells_inodes_only(c));
            held.bare = sets::sorted(classes.flat_map(|c| c.inodes()).collect());
            self.keep_of_kind(kind, &mut held.bare);
        }
        held.untold = count.saturating_sub(held.count());
        held
    }

    /// Leaves those that tables list as this kind; what is in no connection state is in none.
    fn keep_of_kind(&self, kind: Kind, inodes: &mut Vec<u32>) {
        if inodes.is_empty() {
            return;
        }
        let listed = self.listed.get_or_init(|| listed(&self.snapshot.tables));
        let has = |kind: &Kind, inode: &u32| listed.get(kind).is_some_and(|l| l.binary_search(inode).is_ok());
        match kind {
            Kind::Closed | Kind::Unidentified => inodes.retain(|inode| !listed.keys().any(|k| *k != Kind::Closed && has(k, inode))),
            kind => inodes.retain(|inode| has(&kind, inode)),
        }
    }

    /// Rows of tables that name the holder, where no listing of it shows as many.
    fn add_tables(&self, kind: Kind, holders: &[(u32, u64)], held: &mut [Held<'a>]) {
        for table in &self.snapshot.tables {
            let number_of = |pid: u32| holders.iter().position(|h| h.0 == pid);
            let of_kind = table.groups.iter().map(|g| g.owner.filter(|_| Kind::of_socket(g.protocol, g.state) == Some(kind)));
            let numbers: Vec<Option<usize>> = of_kind.map(|owner| owner.and_then(number_of)).collect();
            for &(inode, group) in &table.rows {
                let holder = numbers.get(group as usize).copied().flatten();
                if let Some(held) = holder.and_then(|n| held.get_mut(n)).filter(|h| h.untold > 0) {
                    held.bare.push(inode);
                }
            }
        }
        for (held, &(_, count)) in held.iter_mut().zip(holders).filter(|(h, _)| h.untold > 0) {
            held.bare = sets::sorted(std::mem::take(&mut held.bare));
            held.untold = count.saturating_sub(held.count());
        }
    }
}

impl Held<'_> {
    fn inodes(&self) -> impl Iterator<Item = u32> + '_ {
        self.named.iter().flat_map(|s| s.inodes()).chain(self.bare.iter().copied())
    }

    /// How many there are, at least: by the largest listing, or by inodes alone.
    fn count(&self) -> u64 {
        self.most.max(self.bare.len() as u64)
    }
}

/// Inodes that tables list, by kind, sorted.
fn listed(tables: &[Table]) -> BTreeMap<Kind, Vec<u32>> {
    let mut by_kind: BTreeMap<Kind, Vec<u32>> = BTreeMap::new();
    for table in tables {
        let kinds: Vec<Option<Kind>> = table.groups.iter().map(|g| Kind::of_socket(g.protocol, g.state)).collect();
        for &(inode, group) in &table.rows {
            if let Some(kind) = kinds.get(group as usize).copied().flatten() {
                by_kind.entry(kind).or_default().push(inode);
            }
        }
    }
    by_kind.into_iter().map(|(kind, inodes)| (kind, sets::sorted(inodes))).collect()
}
