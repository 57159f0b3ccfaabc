//! What all listings together hold: each socket once, however many processes or sources show it.

use crate::capture::holding::FdList;
use crate::capture::process::Proc;
use crate::capture::{Quote, Snapshot};
use crate::facts::DescriptorKind;
use crate::ledger::{Holding, sets};
use std::collections::BTreeMap;

/// Sockets that the listings show.
#[derive(Debug, Default)]
pub struct Held {
    /// Different sockets.
    pub sockets: i64,
    /// Processes whose descriptors were listed.
    pub processes: u64,
    /// Of them, those whose sockets seem to live in another network namespace.
    pub foreign: u64,
    /// The first rows.
    pub at: Vec<Quote>,
}

/// Whether a listing comes from a tool that looks sockets up.
pub fn looks_up(list: &FdList) -> bool {
    matches!(list.format, "lsof" | "lsfd")
}

/// Different sockets over all processes; `own` leaves out processes of other network namespaces.
pub fn sockets(snapshot: &Snapshot, holdings: &BTreeMap<u32, Holding<'_>>, own: bool) -> Held {
    let mut held = Held::default();
    let mut sockets = Vec::new();
    let mut unnumbered = 0;
    for (pid, proc) in snapshot.processes.iter().filter(|(_, p)| !p.lists.is_empty()) {
        let foreign = holdings.get(pid).is_some_and(|h| h.foreign.is_some());
        held.processes += 1;
        held.foreign += u64::from(foreign);
        if foreign && own {
            continue;
        }
        let mut hidden = 0;
        for class in proc.lists.iter().flat_map(|l| l.sockets()) {
            sockets.push(&class.sockets);
            hidden = super::rows::signed(class.rows).saturating_sub(super::rows::signed(class.sockets.len() as u64)).max(hidden);
        }
        unnumbered += hidden;
        if held.at.len() < 2 {
            held.at.extend(row_of(proc, DescriptorKind::Socket));
        }
    }
    held.sockets = super::rows::signed(sets::Union::of(sockets).count() as u64).saturating_add(unnumbered);
    held
}

/// A row of a process's listings, of a kind if it has one.
pub fn row_of(proc: &Proc, kind: DescriptorKind) -> Option<Quote> {
    let classes = || proc.lists.iter().flat_map(|l| &l.classes);
    classes().find(|c| c.kind == kind).or_else(|| classes().next()).and_then(|c| c.quotes.first())
}

/// `java (pid 4684)`.
pub fn name_of(snapshot: &Snapshot, pid: u32) -> String {
    match snapshot.processes.get(&pid).map(|p| p.command.as_str()).filter(|c| !c.is_empty()) {
        Some(command) => format!("{command} (pid {pid})"),
        None => format!("pid {pid}"),
    }
}
