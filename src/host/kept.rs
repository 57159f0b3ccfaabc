//! Sockets that processes keep from one snapshot to the next: the same process with the same inode is no accident of two hosts.

use super::{Take, common};
use rustc_hash::FxBuildHasher;
use std::hash::BuildHasher;

/// Processes with more descriptors are not asked: daemons have a few sockets, which they keep for as long as they run.
const SMALL: u64 = 64;
/// How many such sockets two snapshots of one host have in common. The first sockets of a boot may have the same numbers on two hosts.
const SEVERAL: usize = 5;
/// What the kernel hands out in the first seconds of a boot, in the same order on hosts of one image.
const FIRST_INODES: u32 = 100_000;

/// The sockets of the small processes, by hashes of process and inode, sorted.
pub fn sockets(takes: &[Take]) -> Vec<u64> {
    let processes = takes.iter().flat_map(|t| &t.snapshot.processes).filter(|(pid, p)| **pid > 1 && !p.command.is_empty());
    let lists = processes.flat_map(|(pid, p)| p.lists.iter().map(move |l| (*pid, p.command.as_str(), l)));
    let small = lists.filter(|(_, _, l)| l.descriptors <= SMALL);
    let inodes = small.flat_map(|(pid, command, l)| l.sockets().flat_map(|c| c.inodes()).map(move |inode| (pid, command, inode)));
    let mut all: Vec<u64> = inodes.filter(|row| row.2 > FIRST_INODES).map(|row| FxBuildHasher.hash_one(row)).collect();
    all.sort_unstable();
    all.dedup();
    all
}

/// Whether most sockets of the smaller one are in the other.
pub fn are_same(a: &[u64], b: &[u64]) -> bool {
    let (few, many) = if a.len() <= b.len() { (a, b) } else { (b, a) };
    let kept = common(few, many);
    kept >= SEVERAL && kept * 3 >= few.len() * 2
}

#[cfg(test)]
mod tests {
    use super::are_same;

    #[test]
    fn a_few_sockets_in_common_are_an_accident() {
        assert!(are_same(&[1, 2, 3, 4, 5, 6], &[0, 1, 2, 3, 4, 5, 8, 9]));
        assert!(!are_same(&[1, 2, 3, 4], &[1, 2, 3, 4]));
        assert!(!are_same(&[1, 2, 3, 4, 5, 20, 21, 22, 23], &[1, 2, 3, 4, 5, 8, 9, 10, 11, 12]));
        assert!(!are_same(&[], &[]));
    }
}
