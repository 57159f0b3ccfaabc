//! A directory of what was seen inside of a container, beside that of its host: the tables of the namespace of one process, whose descriptors
//! the other directory lists.

use super::{Take, agree, host_name};
use crate::capture::snapshot::{netns_of_pid, process_of_net};
use crate::capture::{Member, Snapshot};
use crate::facts::IdentityKey;
use std::collections::{BTreeMap, BTreeSet};

/// So many inodes of a process in the table of another directory are no accident, whatever the directories are called.
const SEVERAL: usize = 8;
/// Directories of containers that are looked for, at most: each is compared with all others.
const MOST: usize = 64;

/// Puts such directories together with that of their host. What they say remains that of their namespace.
pub fn join(roots: &mut BTreeMap<String, Vec<Take>>, members: &[Member]) {
    if roots.len() < 2 || !members.iter().any(|m| process_of_net(&m.path).is_some()) {
        return;
    }
    let inner = roots.iter().filter_map(|(root, takes)| Some((root.clone(), namespace(root, only(takes)?, members)?)));
    let inner: Vec<(String, u32)> = inner.take(MOST).collect();
    for (root, pid) in inner {
        let Some(home) = home(roots, &root, pid) else { continue };
        let Some(Take { snapshot: mut inside, .. }) = roots.remove(&root).and_then(|mut takes| takes.pop()) else { continue };
        let Some(outside) = roots.get_mut(&home).and_then(|takes| takes.first_mut()) else { continue };
        inside.identity.retain(|key, _| !matches!(key, IdentityKey::Hostname | IdentityKey::Netns));
        // A container numbers its processes anew.
        inside.processes.retain(|other, _| *other == pid);
        inside.place_in(&netns_of_pid(pid));
        outside.snapshot.merge(inside);
    }
}

fn only(takes: &[Take]) -> Option<&Snapshot> {
    let [take] = takes else { return None };
    Some(&take.snapshot)
}

/// The process whose `/proc/PID/net` all `/proc/net` files of a directory are, where it lists no descriptors and names no holders.
fn namespace(root: &str, snapshot: &Snapshot, members: &[Member]) -> Option<u32> {
    let listed = snapshot.processes.values().any(|p| !p.lists.is_empty());
    let held = snapshot.tables.iter().flat_map(|t| &t.groups).any(|g| g.owner.is_some());
    if listed || held {
        return None;
    }
    // Those without a row are tables too.
    let tables = members.iter().filter(|m| m.place.root == root && m.reading.format().starts_with("proc-net-tcp"));
    let mut pids = tables.map(|m| process_of_net(&m.path));
    let first = pids.next()??;
    pids.all(|pid| pid == Some(first)).then_some(first)
}

/// The only other directory that lists the descriptors of a process, if its sockets are in the tables or no name contradicts.
fn home(roots: &BTreeMap<String, Vec<Take>>, inner: &str, pid: u32) -> Option<String> {
    let inside = roots.get(inner)?;
    let lists = |takes: &[Take]| only(takes).and_then(|s| s.processes.get(&pid)).is_some_and(|p| !p.lists.is_empty());
    let mut homes = roots.iter().filter(|(root, takes)| *root != inner && lists(takes));
    let (Some((root, outside)), None) = (homes.next(), homes.next()) else { return None };
    let process = only(outside)?.processes.get(&pid)?;
    let open: BTreeSet<u32> = process.lists.iter().flat_map(|l| l.sockets()).flat_map(|c| c.inodes()).collect();
    let rows = only(inside)?.tables.iter().flat_map(|t| &t.rows);
    let here = rows.filter(|row| open.contains(&row.0)).count();
    let theirs = here >= SEVERAL && here * 2 >= open.len();
    (theirs || agree(&host_name(inside), &host_name(outside))).then(|| root.clone())
}
