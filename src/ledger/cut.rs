//! Listings of descriptors that end inside a row: the processes behind it are missing, which is not that they hold nothing.

use crate::bundle::MemberEnd;
use crate::capture::holding::FdList;
use crate::capture::{Member, Snapshot};

/// Formats that list the descriptors of all processes, one process after the other.
const OF_ALL: &[&str] = &["lsof", "lsfd", "busybox-lsof"];

/// A listing that is cut.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cut {
    /// The member's path.
    pub path: String,
    /// The last process of which rows are there.
    pub last: u32,
}

/// Whether a listing is one of all processes.
pub fn of_all(list: &FdList) -> bool {
    OF_ALL.contains(&list.format)
}

/// Whether the member of a listing is cut. A text may lack its last line end and be whole, as pastes do; a last line that is no row is half of one.
pub fn is_cut(members: &[Member], list: &FdList) -> bool {
    members.get(list.at.member.0 as usize).is_some_and(|m| {
        let half = m.reading.cut_line && m.reading.unknown.last().is_some_and(|(line, _)| *line == m.reading.lines);
        matches!(m.end, MemberEnd::Cut(_)) || half
    })
}

/// The listing of all processes that is cut, where there is one and no whole one beside it.
pub fn cut(snapshot: &Snapshot, members: &[Member]) -> Option<Cut> {
    let lists = || snapshot.processes.iter().flat_map(|(pid, p)| p.lists.iter().map(move |l| (*pid, l))).filter(|(_, l)| of_all(l));
    let (last, list) = lists().filter(|(_, l)| is_cut(members, l)).max_by_key(|(_, l)| (l.at.member.0, l.at.line))?;
    Some(Cut { path: members.get(list.at.member.0 as usize)?.path.clone(), last })
}
