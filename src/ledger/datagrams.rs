//! Unix datagram sockets without a path, by the process that holds them: what is opened to send, as to a log, and one is enough for that.

use super::listed::tells_inodes_only;
use crate::capture::Snapshot;
use crate::capture::table::Table;
use crate::facts::Protocol;
use std::collections::BTreeMap;

/// Fewer are not looked at.
const SOME: usize = 48;

/// Such sockets of one process.
#[derive(Clone, Copy, Debug, Default)]
pub struct Datagrams {
    /// How many it holds.
    pub count: u64,
    /// How many of them were made together with the one before, as the two ends of a pair are.
    pub paired: u64,
    /// How many others hold, at whose ends theirs may be.
    pub others: u64,
}

/// Those of each process that has more than a few.
pub fn datagrams(snapshot: &Snapshot) -> BTreeMap<u32, Datagrams> {
    let mut all = BTreeMap::new();
    for table in snapshot.tables.iter().filter(|t| t.datagrams.len() >= SOME) {
        for (pid, inodes) in by_holder(snapshot, table).into_iter().filter(|(_, inodes)| inodes.len() >= SOME) {
            let others = table.datagrams.len().saturating_sub(inodes.len()) as u64;
            keep(&mut all, pid, Datagrams { count: inodes.len() as u64, paired: paired(inodes), others });
        }
    }
    for (&pid, class) in snapshot.processes.iter().flat_map(|(pid, p)| p.lists.iter().flat_map(move |l| l.sockets().map(move |c| (pid, c))))
    {
        // Where the class has others as well, which of the inodes are these is not told.
        let count = class.unix.as_ref().map_or(0, |ends| ends.datagrams);
        if count >= SOME as u64 && count * 10 >= class.rows * 9 {
            keep(&mut all, pid, Datagrams { count, paired: paired(class.inodes().collect()), others: 0 });
        }
    }
    all
}

fn keep(all: &mut BTreeMap<u32, Datagrams>, pid: u32, found: Datagrams) {
    let known = all.entry(pid).or_default();
    if found.count > known.count {
        *known = found;
    }
}

/// The inodes of each holder, as the table names it, or a listing of the process that prints inodes only.
fn by_holder(snapshot: &Snapshot, table: &Table) -> BTreeMap<u32, Vec<u32>> {
    let mut all: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
    let is_one = |inode: &u32| table.datagrams.binary_search(inode).is_ok();
    for &(inode, group) in &table.rows {
        let owner = table.groups.get(group as usize).filter(|g| g.protocol == Protocol::Unix).and_then(|g| g.owner);
        if let Some(pid) = owner.filter(|_| is_one(&inode)) {
            all.entry(pid).or_default().push(inode);
        }
    }
    for (&pid, proc) in &snapshot.processes {
        let bare = proc.lists.iter().flat_map(|l| l.sockets()).filter(|c| tells_inodes_only(c) && c.sockets.len() >= SOME);
        for class in bare.filter(|_| !all.contains_key(&pid)).collect::<Vec<_>>() {
            all.entry(pid).or_default().extend(class.inodes().filter(is_one));
        }
    }
    all
}

/// How many inodes follow the one before: the kernel numbers both ends of a pair one after the other.
fn paired(mut inodes: Vec<u32>) -> u64 {
    inodes.sort_unstable();
    inodes.dedup();
    inodes.windows(2).filter(|two| matches!(two, [a, b] if a.checked_add(1) == Some(*b))).count() as u64
}

#[cfg(test)]
mod tests {
    use super::paired;

    #[test]
    fn the_ends_of_pairs_have_numbers_in_a_row() {
        assert_eq!(paired(vec![7, 12, 13, 40, 41, 8]), 3);
        assert_eq!(paired(vec![9, 30, 51]), 0);
    }
}
