//! Sockets of which lsof says only "can't identify protocol": what the other sources tell of them.
//!
//! Old lsof looks into the tables of TCP, UDP, raw and unix sockets and of no other family, and newer ones could not read some table either.
//! So these words alone do not say TCP: the socket may be of netlink, of a namespace whose tables lsof did not read, or TCP in no table.

use super::books::Books;
use super::kind::Kind;
use super::sets;
use super::views::Family;
use crate::capture::Snapshot;
use crate::capture::holding::Class;
use crate::facts::DescriptorKind;
use std::collections::BTreeMap;

/// What the capture knows of such sockets, whoever holds them.
#[derive(Default)]
pub(super) struct Unnamed {
    /// Inodes that a table of another family than TCP lists, sorted, with the kind.
    families: Vec<(u32, Kind)>,
    /// TCP sockets in no table, by the kernel's count.
    unhashed: Option<u64>,
}

/// Whether lsof looked a socket up and tells nothing of it.
pub(super) fn is_unnamed(class: &Class) -> bool {
    class.kind == DescriptorKind::Socket && class.unlisted && class.protocol.is_none()
}

impl Unnamed {
    /// Gathers it, where a listing has such a row.
    pub fn gather(snapshot: &Snapshot, books: &Books) -> Unnamed {
        let listed = snapshot.processes.values().flat_map(|p| &p.lists).flat_map(|l| &l.classes);
        if !listed.into_iter().any(is_unnamed) {
            return Unnamed::default();
        }
        let mut families: Vec<(u32, Kind)> = Vec::new();
        for table in &snapshot.tables {
            let kinds: Vec<Option<Kind>> = table.groups.iter().map(|g| Kind::of_socket(g.protocol, g.state)).collect();
            let other = |n: u32| table.groups.get(n as usize).is_some_and(|g| Family::of(g.protocol) != Family::Tcp);
            let of = |&(inode, n): &(u32, u32)| Some((inode, kinds.get(n as usize).copied().flatten().filter(|_| other(n))?));
            families.extend(table.rows.iter().filter_map(of));
        }
        families.sort_unstable();
        families.dedup_by_key(|f| f.0);
        Unnamed { families, unhashed: books.unhashed.as_ref().map(|f| f.value.max(0) as u64) }
    }

    /// How many of a class's sockets a table of another family lists, by kind.
    pub fn of_other_families(&self, class: &Class) -> BTreeMap<Kind, u64> {
        let mut found = BTreeMap::new();
        let mut rest = self.families.as_slice();
        for inode in class.inodes() {
            if sets::advance_by(&mut rest, inode, |f| f.0)
                && let Some((_, kind)) = rest.first()
            {
                *found.entry(*kind).or_default() += 1;
            }
        }
        found
    }

    /// What the others are, of which there are so many: TCP as far as the kernel counts any.
    pub fn others(&self, count: u64) -> [(Kind, u64); 2] {
        let tcp = match self.unhashed {
            // Counts and listing may be of two moments.
            Some(unhashed) if unhashed * 10 >= count * 8 => count,
            // If most are not TCP, nothing tells which are.
            Some(unhashed) if unhashed * 2 >= count => unhashed,
            Some(_) => 0,
            // Nearly always: a program has few sockets of a family that these tools do not know.
            None => count,
        };
        [(Kind::Closed, tcp), (Kind::Unidentified, count - tcp)]
    }
}
