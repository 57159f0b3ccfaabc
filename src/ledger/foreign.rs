//! Signs that the sockets of a process live in another network namespace than the captured tables.

use crate::capture::process::Proc;
use crate::capture::{Quote, Snapshot};
use crate::facts::{IdentityKey, Protocol};

/// Signs that a process's sockets live in another network namespace than the tables: its namespace differs from the collector's, or lsof
/// found even its unix sockets in no table, which are always in the table of their own namespace.
pub(super) fn shown(proc: &Proc, snapshot: &Snapshot) -> Option<(String, Quote)> {
    let quote = || proc.lists.iter().flat_map(|l| &l.classes).find_map(|c| c.quotes.first());
    if let (Some((theirs, _)), Some((ours, at))) = (&proc.netns, snapshot.identity.get(&IdentityKey::Netns))
        && namespace_inode(theirs) != namespace_inode(ours)
    {
        return Some((format!("its network namespace {theirs} is not the collector's {ours}"), at.clone()));
    }
    // Whoever captures stands where pid 1 of what is listed stands, if nothing else says where.
    if let (Some((theirs, at)), None, Some((ours, _))) =
        (&proc.netns, snapshot.identity.get(&IdentityKey::Netns), snapshot.processes.get(&1).and_then(|p| p.netns.as_ref()))
        && namespace_inode(theirs) != namespace_inode(ours)
    {
        return Some((format!("its network namespace {theirs} is not that of pid 1, {ours}"), at.clone()));
    }
    let unlisted_unix = proc.lists.iter().flat_map(|l| l.sockets()).find(|c| c.unlisted && c.protocol == Some(Protocol::Unix));
    let listed = proc.lists.iter().flat_map(|l| l.sockets()).any(|c| !c.unlisted && c.state.is_some());
    match unlisted_unix {
        Some(class) if !listed && class.rows > 0 => Some((
            "lsof found even its unix sockets in no table, so it read the tables of another network namespace".into(),
            class.quotes.first().or_else(quote)?,
        )),
        _ => None,
    }
}

/// `net:[4026531992]` and `4026531992` are the same namespace, spelled by a link and by a manifest.
fn namespace_inode(text: &str) -> &str {
    text.trim_start_matches("net:").trim_matches(['[', ']'])
}

#[cfg(test)]
mod tests {
    use super::namespace_inode;

    #[test]
    fn a_link_and_a_manifest_name_the_same_namespace() {
        assert_eq!(namespace_inode("net:[4026531992]"), namespace_inode("4026531992"));
        assert_ne!(namespace_inode("net:[4026531992]"), namespace_inode("4026532180"));
    }
}
