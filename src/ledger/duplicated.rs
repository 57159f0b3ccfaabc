//! Sockets of which one process has several descriptors each.

use super::holding::Holding;
use super::kind::Kind;
use super::views::View;
use crate::capture::holding::Class;
use crate::capture::sockets::NO_FD;
use crate::capture::tops::Tops;
use crate::capture::{End, Quote};
use crate::facts::DescriptorKind;
use std::collections::BTreeMap;

/// Sockets that have several descriptors each.
#[derive(Debug)]
pub struct Duplicated {
    /// Their descriptors.
    pub descriptors: u64,
    /// How many they are.
    pub sockets: u64,
    /// What the one with most descriptors is, where that is told.
    pub kind: Option<Kind>,
    /// Their remote ends, where a row tells both.
    pub remotes: Tops<End>,
    /// A row.
    pub quote: Quote,
}

/// Rows of which one process has many descriptors. Two tables show the same sockets, so the one that shows most counts.
pub(super) fn in_tables(view: &View<'_>, all: &mut BTreeMap<u32, Holding<'_>>) {
    let mut by_pid: BTreeMap<u32, Duplicated> = BTreeMap::new();
    for copied in view.tables.iter().flat_map(|t| &t.copied) {
        let found = by_pid.entry(copied.pid).or_insert_with(|| Duplicated {
            descriptors: 0,
            sockets: 0,
            kind: Kind::of_socket(copied.protocol, copied.state),
            remotes: Tops::default(),
            quote: copied.quote.clone(),
        });
        found.descriptors += copied.descriptors;
        found.sockets += 1;
        if let Some(remote) = copied.remote.filter(|r| !r.is_unset()) {
            found.remotes.add_many(remote, 1);
        }
    }
    for (pid, mut found) in by_pid {
        // A listing of descriptors, which may show as many, does not tell whom they are connected with.
        if let Some(holding) = all.get_mut(&pid)
            && holding.duplicated.as_ref().is_none_or(|d| found.descriptors >= d.descriptors)
        {
            found.remotes.seal();
            holding.duplicated = Some(found);
        }
    }
}

/// Sockets of a listing that have several descriptors each. The listing that shows most counts.
pub(super) fn in_listing(class: &Class, kind_of: impl Fn(u32) -> Option<Kind>, holding: &mut Holding<'_>) {
    // As many sockets as rows: none comes twice.
    if class.kind != DescriptorKind::Socket || class.sockets.distinct() == class.sockets.len() {
        return;
    }
    // A row that repeats number and socket is a listing pasted twice, no second descriptor.
    let mut last = None;
    let descriptors = class.sockets.iter().filter(|&s| last.replace(s) != Some(s) || s.1 == NO_FD);
    let (mut rows, mut distinct, mut most) = (0u64, 0u64, (0u64, 0u32));
    let (mut inode, mut times, mut highest) = (0, 0u64, 0);
    for (next, fd) in descriptors.map(|(inode, fd)| (Some(inode), fd)).chain([(None, 0)]) {
        if next == Some(inode) && times > 0 {
            (times, highest) = (times + 1, fd.max(highest));
            continue;
        }
        // One that has only one descriptor is no copy, whatever others have, and standard output and error are given as two of one.
        if times > 1 && highest > 2 {
            (rows, distinct, most) = (rows + times, distinct + 1, most.max((times, inode)));
        }
        (inode, times, highest) = (next.unwrap_or(0), 1, fd);
    }
    let named = |q: &Quote| q.text().split(|c: char| !c.is_ascii_digit()).any(|word| word.parse() == Ok(most.1));
    if rows >= distinct.saturating_mul(2).max(2)
        && holding.duplicated.as_ref().is_none_or(|d| rows > d.descriptors)
        && let Some(quote) = class.quotes.iter().find(named).or_else(|| class.quotes.first())
    {
        let kind = kind_of(most.1);
        holding.duplicated = Some(Duplicated { descriptors: rows, sockets: distinct, kind, remotes: Tops::default(), quote });
    }
}
