//! Sockets that several processes of a program hold, each once: what children inherit they hold beside their parent, and each listing shows it.

use super::kind::Kind;
use super::listed::{kind_of_socket, tells_inodes_only};
use super::sets::{self, Union};
use super::witness::Witness;
use crate::capture::process::Proc;
use crate::capture::sockets::Sockets;
use crate::capture::{Snapshot, table::Table};
use rustc_hash::{FxHashMap, FxHashSet};
use std::collections::BTreeMap;
use std::sync::OnceLock;

/// What tells the sockets of processes from each other.
pub struct Shared<'a> {
    snapshot: &'a Snapshot,
    /// Inodes that tables list, by kind, sorted.
    listed: OnceLock<BTreeMap<Kind, sets::Marked<u32>>>,
}

/// A process that holds sockets of a kind.
pub struct Holder<'a> {
    /// The process.
    pub pid: u32,
    /// How many.
    pub count: u64,
    /// What each source says of it.
    pub words: &'a [Witness<'a>],
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
        Shared { snapshot, listed: OnceLock::new() }
    }

    /// Different sockets of a kind over processes.
    pub fn distinct(&self, kind: Kind, holders: &[Holder<'a>]) -> Distinct {
        let sum = holders.iter().map(|h| h.count).sum();
        let apart = Distinct { count: sum, adds: vec![true; holders.len()] };
        let mut held: Vec<Held<'a>> = holders.iter().map(|holder| self.held(kind, holder)).collect();
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

    fn held(&self, kind: Kind, &Holder { pid, count, words }: &Holder<'a>) -> Held<'a> {
        let mut held = Held { named: Vec::new(), most: 0, bare: Vec::new(), untold: 0 };
        for word in words {
            let from = held.named.len();
            held.named.extend(word.classes().filter(|c| kind_of_socket(c) == Some(kind)).map(|c| &c.sockets));
            let shown = held.named.iter().skip(from).map(|s| s.distinct() as u64).sum();
            held.most = held.most.max(shown);
        }
        if held.count() < count {
            let lists = self.snapshot.processes.get(&pid).into_iter().flat_map(|p: &Proc| &p.lists);
            let classes = lists.flat_map(|l| l.sockets()).filter(|c| tells_inodes_only(c));
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
        let keep = |inodes: &mut Vec<u32>, listed: &sets::Marked<u32>, there: bool| {
            let mut listed = listed.ordered();
            inodes.retain(|&inode| listed.find(inode, |&other| other).is_some() == there);
        };
        match (kind, listed.get(&kind)) {
            (Kind::Closed | Kind::Unidentified, _) => {
                listed.iter().filter(|(kind, _)| **kind != Kind::Closed).for_each(|(_, listed)| keep(inodes, listed, false));
            }
            (_, Some(listed)) => keep(inodes, listed, true),
            (_, None) => inodes.clear(),
        }
    }

    /// Rows of tables that name the holder, where no listing of it shows as many.
    fn add_tables(&self, kind: Kind, holders: &[Holder<'a>], held: &mut [Held<'a>]) {
        let numbers: FxHashMap<u32, usize> = holders.iter().zip(0..).map(|(holder, number)| (holder.pid, number)).collect();
        for table in &self.snapshot.tables {
            let number_of = |pid: u32| numbers.get(&pid).copied();
            let of_kind = table.groups.iter().map(|g| g.owner.filter(|_| Kind::of_socket(g.protocol, g.state) == Some(kind)));
            let numbers: Vec<Option<usize>> = of_kind.map(|owner| owner.and_then(number_of)).collect();
            for &(inode, group) in &table.rows {
                let holder = numbers.get(group as usize).copied().flatten();
                if let Some(held) = holder.and_then(|n| held.get_mut(n)).filter(|h| h.untold > 0) {
                    held.bare.push(inode);
                }
            }
        }
        for (held, holder) in held.iter_mut().zip(holders).filter(|(h, _)| h.untold > 0) {
            held.bare = sets::sorted(std::mem::take(&mut held.bare));
            held.untold = holder.count.saturating_sub(held.count());
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
fn listed(tables: &[Table]) -> BTreeMap<Kind, sets::Marked<u32>> {
    let mut by_kind: BTreeMap<Kind, Vec<u32>> = BTreeMap::new();
    for table in tables {
        let kinds: Vec<Option<Kind>> = table.groups.iter().map(|g| Kind::of_socket(g.protocol, g.state)).collect();
        for &(inode, group) in &table.rows {
            if let Some(kind) = kinds.get(group as usize).copied().flatten() {
                by_kind.entry(kind).or_default().push(inode);
            }
        }
    }
    by_kind.into_iter().map(|(kind, inodes)| (kind, sets::Marked::of(sets::sorted(inodes), |&inode| inode))).collect()
}
