//! Snapshots of one member that follow each other: what tells that one shows the same once more, and what a later one takes over.

use super::Snapshot;
use crate::capture::holding::FdList;
use crate::capture::process::Proc;
use crate::capture::quote::Quote;
use crate::capture::room::Over;
use crate::capture::table::Table;
use crate::facts::{IdentityKey, MemberId, Protocol, StatesShown};
use std::collections::BTreeSet;

/// A table or listing that a snapshot has, told from others that are no second reading of it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Content {
    /// Format, protocol, whether of listeners alone, and the filter it went through.
    Table(&'static str, Protocol, bool, String),
    /// Format and process.
    List(&'static str, u32),
}

impl Snapshot {
    /// The tables and listings it has.
    pub fn content(&self) -> BTreeSet<Content> {
        self.shown().map(|(content, _)| content).collect()
    }

    /// Each table and listing that it has, with the member that shows it.
    pub(in crate::capture) fn shown(&self) -> impl Iterator<Item = (Content, MemberId)> + '_ {
        let tables = self.tables.iter().flat_map(|t| of_table(t).into_iter().map(|content| (content, t.at.member)));
        let lists = self.processes.iter().flat_map(|(&pid, p)| p.lists.iter().map(move |l| (Content::List(l.format, pid), l.at.member)));
        tables.chain(lists).chain(self.strays.iter().map(|l| (Content::List(l.format, 0), l.at.member)))
    }

    /// Takes over what the next output of the same moment says; of who and when that is said last holds.
    pub(in crate::capture) fn follow(&mut self, mut later: Snapshot) {
        let identity = std::mem::take(&mut later.identity);
        self.merge(later);
        self.identity.extend(identity);
    }

    /// Takes from an earlier sample what this one was not asked for: outputs of other kinds were captured once, and logs, limits, traces and
    /// counts are of no moment.
    pub(in crate::capture) fn inherit(&mut self, earlier: &mut Snapshot) {
        let own = self.content();
        let listed: BTreeSet<&str> =
            own.iter().filter_map(|c| if let Content::List(format, _) = c { Some(*format) } else { None }).collect();
        let of_other = |list: &FdList| !listed.contains(list.format);
        let (tables, kept) = std::mem::take(&mut earlier.tables).into_iter().partition(|t| own.is_disjoint(&of_table(t)));
        earlier.tables = kept;
        let strays = earlier.strays.extract_if(.., |list| of_other(list)).collect::<Vec<_>>();
        let taken = !strays.is_empty() || !Vec::is_empty(&tables);
        prepend(&mut self.tables, tables);
        prepend(&mut self.strays, strays);
        for (pid, process) in &mut earlier.processes {
            let lists = process.lists.extract_if(.., |list| of_other(list)).collect();
            self.processes.entry(*pid).or_default().absorb(Proc { lists, thread_rows: 0, ..process.told() });
        }
        if taken {
            self.remarks.extend(earlier.remarks.iter().cloned());
        }
        for (name, readings) in &mut earlier.counters {
            self.counters.entry(*name).or_insert_with(|| std::mem::take(readings));
        }
        let logs = std::mem::replace(&mut self.logs, std::mem::take(&mut earlier.logs));
        let left = self.logs.merge(logs) + self.stacks.merge(std::mem::take(&mut earlier.stacks));
        self.room.left_out_many(Over::Readings, left);
        for (what, count) in earlier.room.over() {
            self.room.left_out_many(what, count);
        }
        prepend(&mut self.traces, std::mem::take(&mut earlier.traces));
        prepend(&mut self.tallies, std::mem::take(&mut earlier.tallies));
        prepend(&mut self.shell_limits, std::mem::take(&mut earlier.shell_limits));
        prepend(&mut self.nameless_limits, std::mem::take(&mut earlier.nameless_limits));
        prepend(&mut self.asked_limits, std::mem::take(&mut earlier.asked_limits));
        for (key, value) in &earlier.identity {
            self.identity.entry(*key).or_insert_with(|| value.clone());
        }
    }

    /// Says which host it is of, where nothing else does.
    pub(in crate::capture) fn name_host(&mut self, name: &str, quote: &Quote) {
        self.identity.entry(IdentityKey::Hostname).or_insert_with(|| (name.to_string(), quote.clone()));
    }
}

fn prepend<T>(later: &mut Vec<T>, earlier: Vec<T>) {
    let newer = std::mem::replace(later, earlier);
    later.extend(newer);
}

fn of_table(table: &Table) -> BTreeSet<Content> {
    let filter = table.filtered.as_ref().map_or(String::new(), |q| q.text().into_owned());
    let listening = table.shown == StatesShown::Listening;
    // Both versions of IP are in one table.
    let family = |p: Protocol| match p {
        p if p.is_tcp() => Protocol::Tcp,
        p if p.is_udp() => Protocol::Udp,
        p if p.is_raw() => Protocol::Raw,
        p => p,
    };
    table.groups.iter().map(|g| Content::Table(table.format, family(g.protocol), listening, filter.clone())).collect()
}
