//! Which members are only a part of what was printed, and the tables and listings in them that therefore show fewer rows than there were.
//!
//! The layout of an archive says it (sos keeps the ends of large outputs), the line that our collector leaves where it cut says it, and its
//! manifest says of a command that it ran into its limit. What is read of such a member is a lower bound.

use super::{Member, Quote, Snapshot};
use crate::facts::{MemberId, NoteKind};
use std::collections::BTreeMap;

/// Marks the tables and listings of members that are not whole.
pub(super) fn mark(snapshots: &mut [Snapshot], members: &[Member]) {
    let lost = lost(snapshots, members);
    if lost.is_empty() {
        return;
    }
    for snapshot in snapshots {
        for table in &mut snapshot.tables {
            if let Some(why) = lost.get(&table.at.member) {
                table.filtered.get_or_insert_with(|| why.clone());
            }
        }
        let lists = snapshot.processes.values_mut().flat_map(|p| &mut p.lists).chain(&mut snapshot.strays);
        for list in lists.filter(|l| lost.contains_key(&l.at.member)) {
            list.filtered = true;
        }
    }
}

/// The members that are not whole, each with the line that says so.
fn lost(snapshots: &[Snapshot], members: &[Member]) -> BTreeMap<MemberId, Quote> {
    let mut lost = BTreeMap::new();
    let mut numbers = BTreeMap::new();
    let remarks = snapshots.iter().flat_map(|s| &s.remarks);
    for remark in remarks.filter(|r| matches!(r.kind, NoteKind::HeadLost | NoteKind::TailLost | NoteKind::Narrow | NoteKind::TimedOut)) {
        let manifest = remark.quote.at.member;
        let member = if remark.format != "manifest" {
            Some(manifest)
        } else {
            if numbers.is_empty() {
                numbers.extend(members.iter().enumerate().map(|(n, m)| (m.path.as_str(), MemberId(n as u32))));
            }
            told_of(&remark.text, members.get(manifest.0 as usize)).and_then(|path| numbers.get(path.as_str()).copied())
        };
        if let Some(member) = member {
            lost.entry(member).or_insert_with(|| remark.quote.clone());
        }
    }
    lost
}

/// The member that a manifest's remark speaks of: its path is the first word, counted from the manifest's directory.
fn told_of(text: &str, manifest: Option<&Member>) -> Option<String> {
    let (path, _) = text.split_once(": ")?;
    let directory = manifest?.path.rsplit_once('/').map_or(String::new(), |(directory, _)| format!("{directory}/"));
    Some(format!("{directory}{path}"))
}

#[cfg(test)]
mod tests {
    use crate::capture::testing::read;

    /// Whether the table and the listing of a bundle count as parts.
    fn parts(manifest: &str, table: &str, listing: &str) -> (bool, bool) {
        let members = [
            ("b/MANIFEST", format!("format=sockdiag.manifest/1\n{manifest}")),
            (
                "b/ss_-tan",
                format!("State Recv-Q Send-Q Local Address:Port Peer Address:Port\n{table}ESTAB 0 0 10.0.0.1:80 10.0.0.2:4000\n"),
            ),
            ("b/proc/7/fd", format!("total 0\n{listing}lrwx------ 1 0 0 64 Nov 22 14:19 3 -> socket:[812]\n")),
        ];
        let input = read(&members);
        assert!(input.members.iter().all(|m| m.reading.unparsed() == 0), "{:?}", input.members);
        let snapshot = input.snapshots.values().next().expect("a snapshot");
        (snapshot.tables[0].filtered.is_some(), snapshot.processes[&7].lists[0].filtered)
    }

    #[test]
    fn what_was_cut_or_timed_out_is_a_part() {
        let marker = "[sockdiag: 1234 bytes removed here]\n";
        let timeout = |path: &str| format!("run id=1 status=timeout rc=- path={path} argv=\"x\"\n");
        assert_eq!(parts("", "", ""), (false, false));
        assert_eq!(parts("complete=no\n", "", ""), (false, false), "what is there may still be whole");
        assert_eq!(parts(&timeout("ss_-tan"), "", ""), (true, false));
        assert_eq!(parts(&timeout("proc/7/fd"), "", ""), (false, true));
        assert_eq!(parts("", marker, ""), (true, false));
        assert_eq!(parts("", "", marker), (false, true));
    }
}
