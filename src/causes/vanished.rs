//! Connections that a server has and its clients have no longer, where tables of both hosts were captured: a client that was cut off, or whose
//! balancer forgot the connection, has sent no FIN, and the server keeps its end until keepalive or an idle limit finds it.

use super::case::Case;
use super::claim::{Evidence, Strength, Witnessed};
use super::say::{many, number};
use super::suspicion::Suspicion;
use crate::capture::table::Table;
use crate::capture::{End, Quote};
use crate::facts::SocketState;
use crate::ledger::{Kind, Pile};
use std::collections::{BTreeMap, BTreeSet};

/// From how many such connections on it is no accident of two captures that are not of one moment.
const SOME: usize = 64;
/// Past so many hosts nobody compares each with all others.
const MOST_HOSTS: usize = 64;
/// Ends that a server accepts on which are looked at, at most.
const MOST_ENDS: usize = 16;

/// What the tables of clients say of a server's connections with them.
#[derive(Debug, Default)]
pub struct Vanished {
    /// Connections with these clients that the server has.
    open: usize,
    /// Of them, those that the clients have too.
    both: usize,
    /// The client with the most of them.
    most: Option<(End, usize, usize)>,
    clients: usize,
    at: Vec<Quote>,
}

/// Local ports of a client, by its address.
type Ports = BTreeMap<End, BTreeSet<u16>>;

/// Weighs whether a server's clients are still there.
pub(super) fn weigh(case: &Case<'_>, pile: &Pile, s: &mut Suspicion) {
    s.reasons.extend(of(case, pile).map(|v| Evidence::new(Strength::Strong, Witnessed::Table, v.says(case), v.at.clone())));
}

/// What other tables say of a pile's clients, where most of its connections with them are gone there.
pub fn of<'c>(case: &'c Case<'_>, pile: &Pile) -> Option<&'c Vanished> {
    let all = case.vanished.get_or_init(|| {
        let piles = case.ledger.piles.iter().enumerate();
        piles.filter_map(|(n, pile)| Some((n, compare(case, pile)?))).collect()
    });
    all.get(&case.number(pile)?)
}

impl Vanished {
    fn says(&self, case: &Case<'_>) -> String {
        let (open, both) = (number(self.open as i64), number(self.both as i64));
        match self.most {
            Some((client, ..)) if self.clients == 1 => {
                format!(
                    "of its {open} connections with {} the table of that host has {both}: the others have no other end there",
                    case.show(client)
                )
            }
            Some((client, most, left)) => format!(
                "of its {open} connections with {} their own tables have {both} (with {} {} and {}): the others have no other end there",
                many(self.clients as u64, "client", "clients"),
                case.show(client),
                number(most as i64),
                number(left as i64)
            ),
            None => String::new(),
        }
    }
}

fn compare(case: &Case<'_>, pile: &Pile) -> Option<Vanished> {
    if pile.kind != Kind::Established || pile.accepted != Some(true) || pile.owner.is_none() || pile.count < SOME as u64 {
        return None;
    }
    // Beside what a proxy has accepted are its connections to other servers, each from a port of its own.
    let ends = pile.traits.locals.top(MOST_ENDS, |end| !end.is_loopback() && end.port() != 0).into_iter();
    let services: BTreeSet<End> = ends.filter(|(_, n)| *n >= SOME as u64).map(|(end, _)| end).collect();
    if services.is_empty() || case.hosts.len() > MOST_HOSTS {
        return None;
    }
    let (there, quotes) = clients(case, &services);
    if there.is_empty() {
        return None;
    }
    let mut here = Ports::new();
    for (local, remote, state) in case.snapshot.tables.iter().flat_map(|t| &t.connections) {
        if *state == SocketState::Established && services.contains(local) && there.contains_key(&remote.host()) {
            here.entry(remote.host()).or_default().insert(remote.port());
        }
    }
    let mut found = Vanished { at: pile.traits.tabled.iter().cloned().collect(), ..Vanished::default() };
    for (client, theirs) in &there {
        let Some(ours) = here.get(client) else { continue };
        let both = theirs.intersection(ours).count();
        // Ends that the server lacks in turn are of another moment, or of another host with this address.
        if both * 10 < theirs.len() * 8 {
            continue;
        }
        (found.open, found.both, found.clients) = (found.open + ours.len(), found.both + both, found.clients + 1);
        if found.most.is_none_or(|(_, most, _)| ours.len() > most) {
            found.most = Some((*client, ours.len(), both));
        }
        found.at.extend(quotes.get(client).cloned());
    }
    found.at.truncate(3);
    let gone = found.open - found.both;
    (gone >= SOME && gone > found.both).then_some(found)
}

/// What the tables of all hosts show of connections that were opened to these ends, and a row of each client.
fn clients(case: &Case<'_>, services: &BTreeSet<End>) -> (Ports, BTreeMap<End, Quote>) {
    let (mut ports, mut quotes) = (Ports::new(), BTreeMap::new());
    for take in case.hosts.iter().filter_map(|h| h.takes.get(h.main)) {
        // Numbers of names are those of one input.
        let comparable = |end: &End| take.input == case.input() || matches!(end, End::V4(..));
        for table in take.snapshot.tables.iter().filter(|t| shows_all_toward(t, services)) {
            let toward = table.connections.iter().filter(|(local, remote, _)| comparable(local) && services.contains(remote));
            toward.for_each(|(local, ..)| {
                ports.entry(local.host()).or_default().insert(local.port());
            });
            // A row of another input is cited from there alone.
            let groups = table.groups.iter().filter(|_| take.input == case.input());
            let groups = groups.filter(|g| g.remotes.iter().any(|(end, _)| services.contains(&end)));
            for (client, quote) in groups.filter_map(|g| Some((g.locals.iter().next()?.0.host(), g.quotes.first()?))) {
                quotes.entry(client).or_insert(quote);
            }
        }
    }
    (ports, quotes)
}

/// Whether a table lists all connections toward a service: nothing was left out of it, or it was asked for the service's port.
fn shows_all_toward(table: &Table, services: &BTreeSet<End>) -> bool {
    let whole = table.connections.len() < Table::MOST_CONNECTIONS;
    whole
        && table.filtered.as_ref().is_none_or(|filter| {
            let text = filter.text();
            let cut = ["head", "tail", "sed ", "more", "grep -m"].iter().any(|word| text.contains(word));
            !cut && services.iter().any(|end| text.contains(&end.port().to_string()))
        })
}
