//! One command that was repeated into one file (`netstat -c`, `lsof -r`, `ss` under `watch`): each of its outputs is a sample.
//!
//! ```text
//! Active Internet connections ...      120 in CLOSE-WAIT
//! Active Internet connections ...      131 in CLOSE-WAIT: the 120, and 11 more
//! ```
//!
//! Outputs count as repeats only where no other output and no prompt stands between them. That they are of one host, and that what is counted
//! stays, only the sockets themselves can tell.

use super::kind::Kind;
use super::listed::kind_of_class;
use super::pile::Pile;
use crate::capture::holding::FdList;
use crate::capture::table::{Group, Table};
use crate::capture::{End, Member, Quote, Snapshot};
use crate::facts::{Citation, MemberId, Protocol};
use std::collections::BTreeSet;

/// What one output shows of a pile.
#[derive(Clone, Debug, Default)]
pub struct Sample {
    /// Sockets.
    pub count: u64,
    /// A row.
    pub quote: Option<Quote>,
    /// What tells each from the others, as far as the output does.
    sockets: BTreeSet<Socket>,
}

/// What tells a socket from others of the same pile.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Socket {
    Inode(u32),
    Ends(End, End),
}

impl Sample {
    /// Whether nearly all of its sockets are in another output too; `None` where they are not told apart.
    pub fn stays_in(&self, later: &Sample) -> Option<bool> {
        self.still_in(later).map(|still| still * 10 >= self.sockets.len() * 8)
    }

    /// Whether hardly one of its sockets is in the next output, which has others.
    pub fn is_gone_in(&self, later: &Sample) -> bool {
        !self.sockets.is_empty() && !later.sockets.is_empty() && self.still_in(later).is_some_and(|still| still * 5 < self.sockets.len())
    }

    fn still_in(&self, later: &Sample) -> Option<usize> {
        let told = |s: &Sample| s.sockets.len() as u64 * 10 >= s.count * 9;
        (told(self) && told(later)).then(|| self.sockets.intersection(&later.sockets).count())
    }
}

/// The samples of a pile in the file that its rows stand in, in order; empty where there is only one.
pub fn of_pile(snapshot: &Snapshot, members: &[Member], pile: &Pile) -> Vec<Sample> {
    let Some(place) = pile.traits.quotes.first().map(|q| q.at) else { return Vec::new() };
    let Some(member) = members.get(place.member.0 as usize) else { return Vec::new() };
    let sections = &member.reading.sections;
    let section = |at: Citation| sections.partition_point(|s| s.first_line <= at.line);
    let own = section(place);
    let beside = |at: Citation, member: MemberId| at.member == member && section(at) == own;
    let tables: Vec<&Table> = snapshot.tables.iter().filter(|t| beside(t.at, place.member)).collect();
    let mut samples: Vec<Sample> = match tables.len() {
        0 | 1 => Vec::new(),
        _ => tables.into_iter().map(|table| in_table(table, pile)).collect(),
    };
    // Of several processes each would have to be in every listing.
    let only = pile.owner.as_ref().and_then(|o| <[_; 1]>::try_from(o.pids.as_slice()).ok());
    if let (true, Some([(pid, _)])) = (samples.is_empty(), only) {
        let lists = snapshot.processes.get(&pid).into_iter().flat_map(|p| &p.lists).filter(|l| beside(l.at, place.member));
        let lists: Vec<&FdList> = lists.collect();
        // Nearly always there is one, of perhaps a million sockets: they are not gone through.
        if lists.len() > 1 {
            samples = lists.into_iter().map(|list| in_list(list, pile.kind)).collect();
        }
    }
    samples
}

fn in_table(table: &Table, pile: &Pile) -> Sample {
    let mine = |owner: Option<u32>| match &pile.owner {
        Some(o) => owner.is_some_and(|pid| o.has(pid)),
        None => owner.is_none(),
    };
    let of_pile = |g: &Group| Kind::of_socket(g.protocol, g.state) == Some(pile.kind) && mine(g.owner);
    let mut sample = Sample::default();
    for group in table.groups.iter().filter(|g| of_pile(g)) {
        sample.count += group.count;
        sample.quote = sample.quote.or_else(|| group.quotes.first());
    }
    let inodes = table.rows.iter().filter(|row| table.groups.get(row.1 as usize).is_some_and(of_pile)).map(|row| Socket::Inode(row.0));
    sample.sockets.extend(inodes);
    if sample.sockets.is_empty() {
        // Without inodes those of other processes in the same state are among them: they have to stay too.
        let same = table.connections.iter().filter(|c| Kind::of_socket(Protocol::Tcp, c.2) == Some(pile.kind));
        sample.sockets.extend(same.map(|&(local, remote, _)| Socket::Ends(local, remote)));
    }
    sample
}

fn in_list(list: &FdList, kind: Kind) -> Sample {
    let mut sample = Sample::default();
    for class in list.sockets().filter(|c| kind_of_class(c, list) == Some(kind)) {
        sample.count += class.rows;
        sample.quote = sample.quote.or_else(|| class.quotes.first());
        sample.sockets.extend(class.inodes().map(Socket::Inode));
    }
    sample
}
