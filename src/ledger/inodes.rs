//! Which sockets a pile is made of, by their inodes: what tells the sockets of one snapshot from those of the next.

use super::kind::Kind;
use super::listed::{kind_of_class, tells_inodes_only};
use super::pile::Pile;
use super::sets;
use crate::capture::Snapshot;
use std::collections::BTreeSet;

/// The inodes of a pile's sockets, sorted, as far as tables and listings of its snapshot tell them.
pub fn of_pile(snapshot: &Snapshot, pile: &Pile) -> Vec<u32> {
    of_holders(snapshot, pile.kind, &pile.owner.iter().flat_map(|o| &o.pids).map(|p| p.0).collect())
}

/// The inodes of the sockets of a kind that processes hold, sorted.
pub fn of_holders(snapshot: &Snapshot, kind: Kind, pids: &BTreeSet<u32>) -> Vec<u32> {
    let mut inodes = Vec::new();
    let lists = || pids.iter().filter_map(|pid| snapshot.processes.get(pid)).flat_map(|p| &p.lists);
    for list in lists() {
        inodes.extend(list.sockets().filter(|c| kind_of_class(c, list) == Some(kind)).flat_map(|c| c.inodes()));
    }
    let bare = sets::sorted(lists().flat_map(|l| l.sockets()).filter(|c| tells_inodes_only(c)).flat_map(|c| c.inodes()).collect());
    if kind == Kind::Unidentified && snapshot.tables.is_empty() {
        // Nothing but the listing tells of them.
        inodes.extend(&bare);
    }
    for table in &snapshot.tables {
        for &(inode, number) in &table.rows {
            let Some(group) = table.groups.get(number as usize) else { continue };
            if Kind::of_socket(group.protocol, group.state) != Some(kind) {
                continue;
            }
            // Where a table names no holder, the holder's own listing of inodes does.
            let mine = group.owner.map_or_else(|| bare.binary_search(&inode).is_ok(), |o| pids.contains(&o));
            if mine {
                inodes.push(inode);
            }
        }
    }
    sets::sorted(inodes)
}

/// How many of these sorted inodes a table of another snapshot has, as sockets of a kind, whoever holds them.
pub fn there(snapshot: &Snapshot, kind: Kind, inodes: &[u32]) -> u64 {
    let mut found = Vec::new();
    for table in &snapshot.tables {
        let of_kind: Vec<bool> = table.groups.iter().map(|g| Kind::of_socket(g.protocol, g.state) == Some(kind)).collect();
        let rows = table.rows.iter().filter(|r| of_kind.get(r.1 as usize) == Some(&true));
        found.extend(rows.map(|r| r.0).filter(|inode| inodes.binary_search(inode).is_ok()));
    }
    sets::sorted(found).len() as u64
}
