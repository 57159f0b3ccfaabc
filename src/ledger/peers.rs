//! Whom unix sockets are connected with: the two ends of each pair, and the processes that hold them.

use crate::capture::holding::Class;
use crate::capture::{Quote, Snapshot};
use crate::facts::{MemberId, Protocol};
use rustc_hash::FxHashMap;
use std::collections::{BTreeMap, BTreeSet};

/// The other ends of one process's connected unix sockets.
#[derive(Clone, Debug, Default)]
pub struct Peers {
    /// Sockets whose peer another process holds, by that process.
    pub others: BTreeMap<u32, u64>,
    /// Sockets whose peer the same process holds.
    pub own: u64,
    /// Connected sockets whose peer nobody holds.
    pub gone: u64,
    /// Sockets that carry a path: the accepted side.
    pub with_path: u64,
    /// All rows.
    pub rows: u64,
    /// A row whose peer is gone.
    pub gone_at: Option<Quote>,
}

impl Peers {
    /// The process that holds most peers, and how many.
    pub fn top(&self) -> Option<(u32, u64)> {
        self.others.iter().map(|(&p, &n)| (p, n)).max_by_key(|&(p, n)| (n, std::cmp::Reverse(p)))
    }

    /// Sockets whose peer is held by a process.
    pub fn live(&self) -> u64 {
        self.own + self.others.values().sum::<u64>()
    }

    /// Whether anything is known of peers.
    pub fn known(&self) -> bool {
        self.gone + self.live() > 0
    }
}

/// The peers of every process's unix sockets, by the tables that print peer inodes (ss).
pub fn peers(snapshot: &Snapshot) -> BTreeMap<u32, Peers> {
    let mut all: BTreeMap<u32, Peers> = BTreeMap::new();
    // Before Linux 3.3 no peer was told, and each printed as 0.
    for table in snapshot.tables.iter().filter(|t| t.pairs.iter().any(|p| p.1 != 0)) {
        let mut owner: FxHashMap<u32, (u32, bool)> = FxHashMap::default();
        for &(inode, group) in &table.rows {
            if let Some(g) = table.groups.get(group as usize).filter(|g| g.protocol == Protocol::Unix) {
                owner.insert(inode, (g.owner.unwrap_or(0), g.paths.total() > 0));
            }
        }
        // Where rows lost their ends, a row without a holder may have lost it there.
        let whole = !snapshot.is_narrow(|member| member == table.at.member);
        let peer_of: FxHashMap<u32, u32> = table.pairs.iter().copied().collect();
        for (&inode, &(pid, _)) in &owner {
            if pid == 0 {
                continue;
            }
            let peers = all.entry(pid).or_default();
            peers.rows += 1;
            // A peer that is not listed may be of another namespace, or the table was cut: one that is closed has no inode any more.
            let peer = peer_of.get(&inode);
            match peer.and_then(|p| owner.get(p)).map(|o| o.0) {
                None => peers.gone += u64::from(peer == Some(&0)),
                Some(0) => peers.gone += u64::from(whole),
                Some(other) if other == pid => peers.own += 1,
                Some(other) => *peers.others.entry(other).or_default() += 1,
            }
        }
        for (pid, row) in &table.alone {
            all.entry(*pid).or_default().gone_at.get_or_insert_with(|| row.clone());
        }
        for group in table.groups.iter().filter(|g| g.protocol == Protocol::Unix) {
            if let Some(pid) = group.owner {
                all.entry(pid).or_default().with_path += group.paths.total();
            }
        }
    }
    by_listings(snapshot, &mut all);
    all
}

/// The same by listings that name who holds the other ends, of processes of which no table tells it.
fn by_listings(snapshot: &Snapshot, all: &mut BTreeMap<u32, Peers>) {
    let lists = || snapshot.processes.values().flat_map(|p| &p.lists);
    // Where `lsof +E` told any other end, it told all that there are.
    let asked: BTreeSet<MemberId> =
        lists().filter(|l| l.sockets().any(|c| c.unix.as_ref().is_some_and(|ends| ends.told > 0))).map(|l| l.at.member).collect();
    for (&pid, proc) in &snapshot.processes {
        let unix = |c: &&Class| c.protocol == Some(Protocol::Unix);
        let told = |c: &Class| c.unix.as_ref().map_or(0, |ends| ends.peers.total() + ends.alone.0);
        let most = proc.lists.iter().filter(|l| asked.contains(&l.at.member));
        let most = most.max_by_key(|l| l.sockets().filter(unix).map(told).sum::<u64>());
        let classes = || most.iter().flat_map(|l| l.sockets()).filter(unix);
        if classes().all(|c| told(c) == 0) || all.get(&pid).is_some_and(Peers::known) {
            continue;
        }
        let peers = all.entry(pid).or_default();
        for class in classes() {
            (peers.rows, peers.with_path) = (peers.rows + class.rows, peers.with_path + class.names.total());
            let Some(ends) = &class.unix else { continue };
            peers.gone += ends.alone.0;
            peers.gone_at = peers.gone_at.take().or_else(|| ends.alone.1.clone());
            for (holder, n) in ends.peers.iter() {
                *(if holder == pid { &mut peers.own } else { peers.others.entry(holder).or_default() }) += n;
            }
        }
    }
}
