//! Which sockets a pile is made of, by their inodes: what tells the sockets of one snapshot from those of the next.

use super::holding::{kind_of_class, tells_inodes_only};
use super::kind::Kind;
use super::pile::Pile;
use super::sets;
use crate::capture::Snapshot;
use std::collections::BTreeSet;

/// The inodes of a pile's sockets, sorted, as far as tables and listings of its snapshot tell them.
pub fn of_pile(snapshot: &Snapshot, pile: &Pile) -> Vec<u32> {
    let pids: BTreeSet<u32> = pile.owner.iter().flat_map(|o| &o.pids).map(|p| p.0).collect();
    let mut inodes = Vec::new();
    let lists = || pids.iter().filter_map(|pid| snapshot.processes.get(pid)).flat_map(|p| &p.lists);
    for list in lists() {
        inodes.extend(list.sockets().filter(|c| kind_of_class(c, list) == Some(pile.kind)).flat_map(|c| c.inodes()));
    }
    let bare = sets::sorted(lists().flat_map(|l| l.sockets()).filter(|c| tells_inodes_only(c)).flat_map(|c| c.inodes()).collect());
    for table in &snapshot.tables {
        for &(inode, number) in &table.rows {
            let Some(group) = table.groups.get(number as usize) else { continue };
            if Kind::of_socket(group.protocol, group.state) != Some(pile.kind) {
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
