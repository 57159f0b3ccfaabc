//! A listing of descriptors that does not say whose it is: it is one process's all the same, the one that a table or a count tells, or, where
//! nothing names any, one without a number.

use super::{Counted, Snapshot};
use crate::capture::holding::FdList;
use crate::capture::process::UNNAMED;
use crate::formats::pid::pid_of;
use crate::formats::tally::descriptors_of;
use std::collections::{BTreeMap, BTreeSet};

/// Fewer sockets are no matter.
const MANY: usize = 100;

impl Snapshot {
    /// Puts the only such listing to a process, unless it repeats what another listing shows or is of several.
    pub fn name_stray(&mut self) {
        let [stray] = self.strays.as_slice() else { return };
        if sockets(stray) < MANY || !is_of_one(stray) || self.is_listed(stray) {
            return;
        }
        let told = self.held(stray).or_else(|| counted(&self.tallies, stray.descriptors));
        // Where others are named, whose it is may be told by more than numbers.
        let Some(pid) = told.or_else(|| self.names_nobody().then_some(UNNAMED)) else { return };
        self.processes.entry(pid).or_default().lists.append(&mut self.strays);
    }

    /// The only process that tables name as the holder of most of its numbers, and of hardly any that it does not show as a socket.
    fn held(&self, stray: &FdList) -> Option<u32> {
        let own: BTreeSet<u32> = stray.sockets().flat_map(|c| c.sockets.iter()).map(|(_, fd)| fd).collect();
        let mut by_pid: BTreeMap<u32, BTreeSet<u32>> = BTreeMap::new();
        self.tables.iter().flat_map(|t| t.held()).for_each(|(pid, fd)| {
            by_pid.entry(pid).or_default().insert(fd);
        });
        let fits = |fds: &BTreeSet<u32>| {
            let shown = fds.intersection(&own).count();
            shown * 10 >= fds.len() * 9 && shown * 2 > own.len()
        };
        let mut fitting = by_pid.iter().filter(|(_, fds)| fits(fds)).map(|(&pid, _)| pid);
        fitting.next().filter(|_| fitting.next().is_none())
    }

    /// Whether neither a table nor a trace nor a list says of any process that there is one.
    fn names_nobody(&self) -> bool {
        self.processes.is_empty() && self.traces.is_empty() && self.tables.iter().flat_map(|t| &t.groups).all(|g| g.owner.is_none())
    }

    /// Whether listings of known processes show most of its sockets.
    fn is_listed(&self, stray: &FdList) -> bool {
        let own: BTreeSet<u32> = stray.sockets().flat_map(|c| c.inodes()).collect();
        let classes = self.processes.values().flat_map(|p| &p.lists).flat_map(|l| l.sockets());
        let known = classes.flat_map(|c| c.inodes()).filter(|inode| own.contains(inode)).take(own.len() / 2 + 1).count();
        known * 2 > own.len()
    }
}

fn sockets(list: &FdList) -> usize {
    list.sockets().map(|c| c.sockets.len()).sum()
}

/// Whether no descriptor number comes twice.
fn is_of_one(list: &FdList) -> bool {
    let mut numbers: Vec<u32> = list.sockets().flat_map(|c| c.sockets.iter()).map(|(_, fd)| fd).collect();
    numbers.sort_unstable();
    numbers.windows(2).all(|two| !matches!(two, [a, b] if a == b))
}

/// The only process of which somebody has counted about as many descriptors.
fn counted(tallies: &[Counted], open: u64) -> Option<u32> {
    let whose = |t: &Counted| {
        let named = || pid_of("", t.command.as_bytes()).filter(|_| t.command.contains("/fd") && t.label.is_empty());
        descriptors_of(t.label.as_bytes()).or_else(named)
    };
    let near = |t: &&Counted| t.value.abs_diff(open) * 50 <= open;
    let pids: BTreeSet<u32> = tallies.iter().filter(near).filter_map(whose).collect();
    pids.first().copied().filter(|_| pids.len() == 1)
}
