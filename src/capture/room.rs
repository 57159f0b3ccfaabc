//! What one input may fill of memory, and what found no room: counted, so that a report can say so instead of being silently short.

use crate::bundle::{HOSTS_OPTION, LINE_OPTION, Limits, PROCESSES_OPTION, SOCKETS_OPTION};
use std::collections::BTreeMap;

/// Classes of descriptors and groups of rows told apart for each process that may be named: kind, protocol and state make some dozens, of
/// which a process has a few.
const CLASSES_EACH: usize = 8;

/// Connections of one input kept for being matched with those of other hosts.
const CONNECTIONS: usize = 1 << 20;

/// What did not fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Over {
    /// Members of hosts past the bound.
    Hosts,
    /// Rows of processes past the bound.
    Processes,
    /// Rows of sockets past the bound.
    Sockets,
    /// Rows of a kind, protocol, state and holder that could not be told apart any more.
    Classes,
    /// Readings of counters, tallies, notes, stacks and what logs say.
    Readings,
    /// Calls of further traces, descriptors and processes of a trace.
    Calls,
    /// Rows of listings and tables past as many as are kept of one host.
    Tables,
    /// Lines cut because they are too long.
    Lines,
    /// Archives inside archives that were not opened.
    Depth,
}

/// Room left of an input, handed from host to host as members come, and what found none.
#[derive(Clone, Debug)]
pub struct Room {
    processes: usize,
    sockets: usize,
    classes: usize,
    connections: usize,
    over: BTreeMap<Over, u64>,
}

impl Over {
    /// What did not fit, in the plural, and the option that makes room, where one does.
    fn words(self) -> (&'static str, Option<&'static str>) {
        match self {
            Over::Hosts => ("members of further hosts", Some(HOSTS_OPTION)),
            Over::Processes => ("rows of further processes", Some(PROCESSES_OPTION)),
            Over::Sockets => ("rows of further sockets", Some(SOCKETS_OPTION)),
            Over::Classes => ("rows of further kinds, states and holders", Some(PROCESSES_OPTION)),
            Over::Readings => ("further counters, notes, stacks and sayings of logs", None),
            Over::Calls => ("further calls, descriptors and processes of traces", None),
            Over::Tables => ("rows of further listings and tables", None),
            Over::Lines => ("ends of lines that are too long", Some(LINE_OPTION)),
            Over::Depth => ("archives inside archives, too deep to be opened", Some(crate::bundle::DEPTH_OPTION)),
        }
    }

    /// `more than fits: 3,000 rows of further processes were left out; --max-processes raises the bound`.
    pub fn says(self, count: u64, number: impl Fn(u64) -> String) -> String {
        let (what, option) = self.words();
        let raise = option.map_or(String::new(), |o| format!("; {o} raises the bound"));
        format!("more than fits: {} {what} were left out{raise}", number(count))
    }

    /// The option that makes room.
    pub fn option(self) -> Option<&'static str> {
        self.words().1
    }
}

impl Default for Room {
    fn default() -> Self {
        Room::of(&Limits::default())
    }
}

impl Room {
    /// The room that limits give to one input.
    pub fn of(limits: &Limits) -> Room {
        let (processes, sockets) = (limits.max_processes, limits.max_sockets);
        Room { processes, sockets, classes: processes.saturating_mul(CLASSES_EACH), connections: CONNECTIONS, over: BTreeMap::new() }
    }

    /// What is left, for the next host; this one keeps what it left out.
    pub fn pass_on(&mut self) -> Room {
        let rest = Room {
            processes: self.processes,
            sockets: self.sockets,
            classes: self.classes,
            connections: self.connections,
            over: BTreeMap::new(),
        };
        (self.processes, self.sockets, self.classes, self.connections) = (0, 0, 0, 0);
        rest
    }

    /// Takes the room that another has left.
    pub fn receive(&mut self, rest: Room) {
        (self.processes, self.sockets, self.classes, self.connections) = (rest.processes, rest.sockets, rest.classes, rest.connections);
    }

    /// Room for one more process.
    pub fn process(&mut self) -> bool {
        take(&mut self.processes)
    }

    /// Room for one more socket row.
    #[inline]
    pub fn socket(&mut self) -> bool {
        take(&mut self.sockets) || self.left_out(Over::Sockets)
    }

    /// Room for one more socket row that is told again if there is none, and is counted only then.
    #[inline]
    pub fn another_socket(&mut self) -> bool {
        take(&mut self.sockets)
    }

    /// Room for one more class of descriptors or group of rows.
    pub fn class(&mut self) -> bool {
        take(&mut self.classes)
    }

    /// Room for one more connection that may be matched with another host's. Without it nothing is lost but the remark.
    pub fn connection(&mut self) -> bool {
        take(&mut self.connections)
    }

    /// Counts what found no room; always false.
    pub fn left_out(&mut self, what: Over) -> bool {
        self.left_out_many(what, 1);
        false
    }

    /// Counts much that found no room.
    pub fn left_out_many(&mut self, what: Over, count: u64) {
        if count > 0 {
            let all = self.over.entry(what).or_default();
            *all = all.saturating_add(count);
        }
    }

    /// All that found no room.
    pub fn over(&self) -> impl Iterator<Item = (Over, u64)> + '_ {
        self.over.iter().map(|(&what, &count)| (what, count))
    }

    /// Whether anything found no room.
    pub fn is_over(&self) -> bool {
        !self.over.is_empty()
    }
}

#[inline]
fn take(left: &mut usize) -> bool {
    match left.checked_sub(1) {
        Some(rest) => {
            *left = rest;
            true
        }
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn room_is_handed_on_and_what_found_none_stays() {
        let mut first = Room::of(&Limits { max_processes: 2, max_sockets: 1, ..Limits::default() });
        assert!(first.process() && first.socket() && !first.socket());
        let mut second = Room::default();
        second.receive(first.pass_on());
        assert!(second.process() && !second.process() && !first.process());
        assert_eq!(first.over().collect::<Vec<_>>(), [(Over::Sockets, 1)]);
        assert!(!second.is_over());
        assert_eq!(
            Over::Sockets.says(3, |n| n.to_string()),
            "more than fits: 3 rows of further sockets were left out; --max-sockets raises the bound"
        );
    }
}
