//! What each process holds, by kind: every source's word, and the best estimate of distinct sockets.

use super::books::Books;
use super::duplicated::{self, Duplicated};
use super::kind::Kind;
use super::known::Known;
use super::listed::by_listings;
use super::views::View;
use super::witness::{Part, Witness};
use crate::capture::process::Proc;
use crate::capture::table::Group;
use crate::capture::{Quote, Snapshot};
use crate::facts::SocketState;
use crate::parallel;
use std::collections::BTreeMap;
use std::sync::{Mutex, OnceLock, PoisonError};

/// So many processes are looked at in one go, beside others: fewer are not worth a thread.
const SIDE_BY_SIDE: usize = 1024;

/// What one process holds.
#[derive(Debug, Default)]
pub struct Holding<'a> {
    /// By kind, every source's word.
    pub kinds: BTreeMap<Kind, Vec<Witness<'a>>>,
    /// Open descriptors: the largest whole count, and whether a listing counted them all.
    pub descriptors: Option<(u64, bool, Quote)>,
    /// Descriptors whose target the capture could not read.
    pub opaque: Option<(u64, Quote)>,
    /// Descriptors of which one socket has many, by the source that shows most.
    pub duplicated: Option<Duplicated>,
    /// Highest descriptor number seen.
    pub highest: Option<u32>,
    /// Rows whose number lsof hides: each is at least 10000.
    pub hidden_numbers: u64,
    /// Why its sockets seem to live in another network namespace, if something shows it.
    pub foreign: Option<(String, Quote)>,
    /// Its descriptors at least, once they were asked for: each of its piles does.
    at_least: OnceLock<Option<(u64, Quote)>>,
}

/// What all processes hold.
pub struct Held<'a> {
    /// Of each process.
    pub holdings: BTreeMap<u32, Holding<'a>>,
    /// Inodes that some table lists in a connection state, sorted, where a listing shows sockets that it does not name.
    pub connected: Vec<u32>,
}

/// What every process holds.
pub fn holdings<'a>(snapshot: &'a Snapshot, views: &[View<'a>], books: &Books) -> Held<'a> {
    // One after the other: what is gathered takes room for a moment, which holdings that came beside it would keep from being used again.
    let known = Known::gather(snapshot, views, books);
    let all = Mutex::new(by_tables(views));
    let processes: Vec<(u32, &Proc)> = snapshot.processes.iter().map(|(&pid, proc)| (pid, proc)).collect();
    let jobs: Vec<&[(u32, &Proc)]> = processes.chunks(SIDE_BY_SIDE).collect();
    let work = |job: &&[(u32, &'a Proc)]| -> Vec<(u32, Holding<'a>)> {
        let taken = |pid| all.lock().unwrap_or_else(PoisonError::into_inner).remove(&pid).unwrap_or_default();
        let each = job.iter().map(|&(pid, proc)| (pid, by_listings(snapshot, pid, proc, &known, books, taken(pid))));
        each.filter(|(_, holding)| !holding.kinds.is_empty() || holding.descriptors.is_some()).collect()
    };
    let mut listed = BTreeMap::new();
    parallel::in_order(&jobs, work, |_, done| listed.extend(done));
    // What is left is of processes that only tables name.
    listed.extend(all.into_inner().unwrap_or_else(PoisonError::into_inner));
    Held { holdings: listed, connected: known.into_connected() }
}

/// What each process holds by tables that name holders.
fn by_tables<'a>(views: &[View<'a>]) -> BTreeMap<u32, Holding<'a>> {
    let mut all: BTreeMap<u32, Holding<'a>> = BTreeMap::new();
    for view in views {
        by_owner(view, &mut all);
        numbers(view, &mut all);
        duplicated::in_tables(view, &mut all);
    }
    all
}

impl<'a> Holding<'a> {
    /// The best estimate of distinct sockets of a kind: the largest word of any source, and whether rows may be missing from it.
    pub fn count(&self, kind: Kind) -> Option<(u64, bool)> {
        self.best(kind).map(|w| (w.count, w.partial))
    }

    /// The source with the largest count, whole ones first where they say nearly as much.
    pub fn best(&self, kind: Kind) -> Option<&Witness<'a>> {
        Witness::best(self.kinds.get(&kind)?)
    }

    /// The word of the source that tells most about remotes.
    pub fn telling(&self, kind: Kind) -> Option<&Witness<'a>> {
        Witness::most_telling(self.kinds.get(&kind)?)
    }

    /// Sockets of all kinds, by best estimates.
    pub fn sockets(&self) -> u64 {
        self.kinds
            .keys()
            .filter(|k| !matches!(k, Kind::Eventpoll | Kind::File | Kind::TimeWait))
            .filter_map(|&k| self.count(k))
            .map(|c| c.0)
            .sum()
    }

    /// Open descriptors, at least: what was counted, or the sockets that one source shows, each of which has a descriptor.
    pub fn at_least(&self) -> Option<(u64, Quote)> {
        self.at_least.get_or_init(|| self.count_at_least()).clone()
    }

    fn count_at_least(&self) -> Option<(u64, Quote)> {
        // Three or four at most: a map would ask for more memory than they take.
        let mut by_source: Vec<(&str, u64, Option<Quote>)> = Vec::new();
        for words in self.kinds.iter().filter(|(kind, _)| **kind != Kind::TimeWait).map(|(_, words)| words) {
            for word in largest_of_each_source(words) {
                let at = by_source.iter().position(|s| s.0 == word.source).unwrap_or(by_source.len());
                if at == by_source.len() {
                    by_source.push((word.source, 0, None));
                }
                if let Some((_, sum, quote)) = by_source.get_mut(at) {
                    *sum = sum.saturating_add(word.count);
                    *quote = quote.take().or_else(|| word.quotes().next());
                }
            }
        }
        by_source.sort_by_key(|s| s.0);
        let shown = by_source.into_iter().filter_map(|(_, n, quote)| Some((n, quote?)));
        shown.chain(self.descriptors.iter().map(|(n, _, quote)| (*n, quote.clone()))).max_by_key(|(n, _)| *n)
    }

    /// Adds the word of a source, unless it is that there are none.
    pub(super) fn add(&mut self, kind: Kind, witness: Witness<'a>) {
        if witness.count > 0 {
            let words = self.kinds.entry(kind).or_default();
            // Mostly the only one, or one of a few.
            if words.len() < 4 {
                words.reserve_exact(1);
            }
            words.push(witness);
        }
    }
}

/// Of each source the largest word, the first of equal ones: one that shows a kind twice, at two moments, shows mostly the same sockets.
fn largest_of_each_source<'w, 'a>(words: &'w [Witness<'a>]) -> Vec<&'w Witness<'a>> {
    let mut largest: Vec<&Witness<'a>> = Vec::with_capacity(words.len().min(4));
    for word in words {
        match largest.iter_mut().find(|known| known.source == word.source) {
            Some(known) if word.count > known.count => *known = word,
            Some(_) => {}
            None => largest.push(word),
        }
    }
    largest
}

/// Rows of a table whose holder is named.
fn by_owner<'a>(view: &View<'a>, all: &mut BTreeMap<u32, Holding<'a>>) {
    let mut groups: Vec<((u32, Kind), &'static str, &'a Group)> = Vec::new();
    for &table in &view.tables {
        let told = |g: &Group| Some((g.owner?, Kind::of_socket(g.protocol, g.state)?));
        groups.extend(table.groups.iter().filter_map(|g| Some((told(g)?, table.format, g))));
    }
    groups.sort_by_key(|g| (g.0, g.2.state == SocketState::Listen));
    for same in groups.chunk_by(|a, b| a.0 == b.0) {
        let Some(&((pid, kind), source, _)) = same.first() else { continue };
        let count = same.iter().map(|g| g.2.count).sum();
        let parts = same.iter().map(|g| Part::Group(g.2)).collect();
        all.entry(pid).or_default().add(kind, Witness { source, count, partial: view.lacks(kind), parts });
    }
}

/// The highest descriptor number that rows name of each holder.
fn numbers(view: &View<'_>, all: &mut BTreeMap<u32, Holding<'_>>) {
    for (pid, fd) in view.tables.iter().flat_map(|t| t.highest()) {
        if let Some(holding) = all.get_mut(&pid) {
            holding.highest = holding.highest.max(Some(fd));
        }
    }
}
