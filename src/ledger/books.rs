//! The kernel's own counts, with their scope: what must be accounted for.
//!
//! `ss -s` computes `closed` as alloc − (inuse − tw), although inuse does not contain time-wait entries on any 2.6+ kernel
//! (iproute2 `misc/ss.c`, `net/ipv4/inet_timewait_sock.c`). So closed − timewait = alloc − inuse4 − inuse6 is the number of TCP sockets
//! that exist and are in no hash table; `closed` alone is not.

use super::views::{Family, View};
use crate::capture::table::Group;
use crate::capture::{Interner, Quote, Snapshot};
use crate::facts::SocketState;
use std::collections::BTreeMap;

/// A number with the lines it comes from.
#[derive(Clone, Debug, Default)]
pub struct Figure {
    /// The value.
    pub value: i64,
    /// The lines.
    pub at: Vec<Quote>,
}

/// The kernel's counts of one capture. `None` is "not captured", never zero.
#[derive(Clone, Debug, Default)]
pub struct Books {
    /// `sockets: used`; of the host up to Linux 4.15, of the namespace since.
    pub used: Option<Figure>,
    /// TCP sockets allocated on the whole host, by sockstat.
    pub alloc: Option<Figure>,
    /// TCP sockets allocated on the whole host, as `ss -s` implies it.
    pub ss_alloc: Option<Figure>,
    /// Hashed IPv4 TCP sockets of this namespace.
    pub inuse4: Option<Figure>,
    /// Hashed IPv6 TCP sockets of this namespace.
    pub inuse6: Option<Figure>,
    /// Hashed TCP sockets of this namespace by `ss -s`.
    pub ss_hashed: Option<Figure>,
    /// Time-wait entries.
    pub timewait: Option<Figure>,
    /// `closed` of `ss -s`, time-wait entries included.
    pub closed: Option<Figure>,
    /// `estab` of `ss -s`.
    pub estab: Option<Figure>,
    /// TCP sockets without a descriptor that still close, host-wide.
    pub orphan: Option<Figure>,
    /// Pages of buffers charged to all TCP sockets, host-wide.
    pub mem: Option<Figure>,
    /// `ports` of an old `ss -s`: bound local ports.
    pub ports: Option<Figure>,
    /// UDP sockets in use, both families.
    pub udp: Option<Figure>,
    /// TCP sockets that exist and are in no hash table.
    pub unhashed: Option<Figure>,
    /// Whether `unhashed` is only an upper bound, because IPv6 sockets in use were not captured.
    pub unhashed_is_bound: bool,
    /// Whether `used` may be of this network namespace, with all its sockets: false on Linux up to 4.15, where it is of the host and leaves
    /// out orphans and what waits to be accepted.
    pub used_is_ours: bool,
    /// Why `alloc` counts sockets of other namespaces too, if something shows it.
    pub foreign: Option<String>,
    /// The most unhashed TCP sockets that can belong to this namespace, where `alloc` counts others too.
    pub unhashed_here: Option<i64>,
}

impl Figure {
    fn from(reading: &crate::capture::snapshot::Reading) -> Figure {
        Figure { value: reading.value, at: vec![reading.quote.clone()] }
    }

    /// A number computed from several.
    pub fn of(value: i64, parts: &[&Figure]) -> Figure {
        let mut at: Vec<Quote> = Vec::new();
        for quote in parts.iter().flat_map(|p| &p.at) {
            if !at.iter().any(|q| q.at == quote.at) {
                at.push(quote.clone());
            }
        }
        Figure { value, at }
    }
}

/// The last reading of a counter in the capture's own network namespace.
pub fn latest(snapshot: &Snapshot, names: &Interner, name: &str) -> Option<Figure> {
    snapshot.readings(names, name).last().map(Figure::from)
}

/// Whether a bound is so little below a count that both are of the same sockets, read at two moments: 1 %.
fn is_of_another_moment(bound: i64, count: i64) -> bool {
    count.saturating_sub(bound) <= count / 100
}

/// Whether the kernel is at least this release; `None` where it was not captured.
pub fn kernel_at_least(snapshot: &Snapshot, major: u32, minor: u32) -> Option<bool> {
    let (release, _) = snapshot.identity.get(&crate::facts::IdentityKey::Kernel)?;
    let mut numbers = release.split(|c: char| !c.is_ascii_digit()).map(|n| n.parse::<u32>().ok());
    let (a, b) = (numbers.next()??, numbers.next()??);
    Some((a, b) >= (major, minor))
}

impl Books {
    /// TCP sockets of this namespace in a connection state, TIME-WAIT entries not among them.
    pub fn hashed(&self) -> Option<u64> {
        let value = |f: &Option<Figure>| f.as_ref().map(|f| f.value.max(0) as u64);
        value(&self.ss_hashed).or_else(|| Some(value(&self.inuse4)? + value(&self.inuse6).unwrap_or(0)))
    }

    /// Reads the books of a snapshot.
    pub fn open(snapshot: &Snapshot, names: &Interner) -> Books {
        let get = |name: &str| latest(snapshot, names, name);
        let mut books = Books {
            used: get("sockstat.sockets.used").or_else(|| get("ss.total")),
            alloc: get("sockstat.tcp.alloc"),
            inuse4: get("sockstat.tcp.inuse"),
            inuse6: get("sockstat.tcp6.inuse"),
            ss_hashed: get("ss.row.tcp.total"),
            timewait: get("ss.tcp.timewait").or_else(|| get("sockstat.tcp.tw")),
            closed: get("ss.tcp.closed"),
            estab: get("ss.tcp.estab").or_else(|| get("snmp.tcp.curr_estab")),
            orphan: get("sockstat.tcp.orphan").or_else(|| get("ss.tcp.orphaned")),
            mem: get("sockstat.tcp.mem"),
            ports: get("ss.tcp.ports"),
            ..Books::default()
        };
        let (udp4, udp6, ss_udp) = (get("sockstat.udp.inuse"), get("sockstat.udp6.inuse"), get("ss.row.udp.total"));
        books.udp = match (udp4, udp6) {
            (Some(a), Some(b)) => Some(Figure::of(a.value.saturating_add(b.value), &[&a, &b])),
            (a, _) => ss_udp.or(a),
        };
        let (total, synrecv) = (get("ss.tcp.total"), get("ss.tcp.synrecv"));
        if let (Some(total), Some(timewait)) = (total, get("ss.tcp.timewait")) {
            let half_open = synrecv.map_or(0, |s| s.value);
            books.ss_alloc = Some(Figure::of(total.value.saturating_sub(half_open).saturating_sub(timewait.value), &[&total]));
            if let Some(closed) = &books.closed {
                books.unhashed = Some(Figure::of(closed.value.saturating_sub(timewait.value), &[closed, &timewait]));
            }
        }
        books.unhashed_by_sockstat(get("ss.row.tcp.ipv6"));
        books.used_is_ours = kernel_at_least(snapshot, 4, 16) != Some(false);
        if books.used_is_ours {
            books.foreign = books.sees_other_namespaces();
        }
        books
    }

    /// Unhashed TCP sockets that processes of this namespace can hold: the kernel's figure, or less where it counts other namespaces' too.
    pub fn held_unhashed(&self) -> Option<i64> {
        let figure = self.unhashed.as_ref()?.value;
        Some(self.unhashed_here.map_or(figure, |here| here.min(figure)))
    }

    /// Narrows the unhashed figure by `used`, which holds every socket of the namespace: what is listed as something else is not unhashed TCP.
    pub(super) fn narrow(&mut self, listed: i64) {
        let (Some(used), Some(unhashed), true) = (&self.used, &self.unhashed, self.used_is_ours) else { return };
        let hashed = match (&self.ss_hashed, &self.inuse4, &self.inuse6) {
            (_, Some(a), Some(b)) => a.value.saturating_add(b.value),
            (Some(s), ..) => s.value,
            (_, Some(a), None) => a.value,
            _ => return,
        };
        let room = used.value.saturating_sub(hashed).saturating_sub(listed).max(0);
        if room < unhashed.value && !is_of_another_moment(room, unhashed.value) {
            self.unhashed_here = Some(room);
            if unhashed.value.saturating_sub(room) > (used.value / 20).saturating_add(32) && self.foreign.is_none() {
                self.foreign = Some(format!(
                    "the host has {} TCP sockets in no table, but this network namespace has room for only {} among its {} sockets: the others belong elsewhere, or are orphans elsewhere",
                    unhashed.value, room, used.value
                ));
            }
        }
    }

    /// Takes out what the tables of other network namespaces list: the kernel's count of all TCP sockets holds them, that of the hashed ones
    /// does not.
    pub(super) fn listed_elsewhere(&mut self, views: &[View<'_>]) {
        let elsewhere: BTreeMap<&str, u64> = views.iter().filter_map(|v| Some((v.netns.as_deref()?, v.hashed()))).collect();
        let rows = i64::try_from(elsewhere.values().sum::<u64>()).unwrap_or(i64::MAX);
        let Some(unhashed) = self.unhashed.as_ref().map(|f| f.value).filter(|&n| n > 0 && rows > 0) else { return };
        let rest = unhashed.saturating_sub(rows).max(0);
        self.unhashed_here = Some(self.unhashed_here.map_or(rest, |here| here.min(rest)));
        if rows.saturating_mul(2) >= unhashed && self.foreign.is_none() {
            let many = if elsewhere.len() == 1 { "another network namespace" } else { "other network namespaces" };
            self.foreign =
                Some(format!("of {unhashed} TCP sockets of the host in no table of this network namespace {rows} are in those of {many}"));
        }
    }

    /// alloc − inuse4 − inuse6, where `ss -s` was not captured.
    fn unhashed_by_sockstat(&mut self, ss_ipv6: Option<Figure>) {
        if self.unhashed.is_some() {
            return;
        }
        let (Some(alloc), Some(inuse4)) = (&self.alloc, &self.inuse4) else { return };
        let figure = match self.inuse6.as_ref().or(ss_ipv6.as_ref()) {
            Some(inuse6) => Figure::of(alloc.value.saturating_sub(inuse4.value).saturating_sub(inuse6.value), &[alloc, inuse4, inuse6]),
            None => {
                self.unhashed_is_bound = true;
                Figure::of(alloc.value.saturating_sub(inuse4.value), &[alloc, inuse4])
            }
        };
        self.unhashed = Some(figure);
    }

    /// Where IPv6 in use was not captured, a whole table of both IP versions tells how many TCP sockets are hashed.
    pub(super) fn bound_by_rows(&mut self, table: &View<'_>) {
        let (true, Some(alloc), Some(inuse4)) = (self.unhashed_is_bound, &self.alloc, &self.inuse4) else { return };
        let hashed =
            |g: &&Group| !matches!(g.state, SocketState::TimeWait | SocketState::SynRecv | SocketState::Unconn | SocketState::Closed);
        let groups: Vec<&Group> = table.groups(Family::Tcp).filter(hashed).collect();
        let rows: u64 = groups.iter().map(|g| g.count).sum();
        let rows = i64::try_from(rows).unwrap_or(i64::MAX).max(inuse4.value);
        let mut figure = Figure::of(alloc.value.saturating_sub(rows), &[alloc, inuse4]);
        figure.at.extend(groups.iter().find_map(|g| g.quotes.first()));
        (self.unhashed, self.unhashed_is_bound) = (Some(figure), false);
    }

    /// alloc is of the host, used (since Linux 4.16) of the namespace: more TCP sockets than sockets can only be other namespaces'.
    fn sees_other_namespaces(&self) -> Option<String> {
        let alloc = self.alloc.as_ref().or(self.ss_alloc.as_ref())?;
        let used = self.used.as_ref()?;
        // Orphans and moments between the two reads explain a little.
        let slack = (used.value / 20).saturating_add(32).saturating_add(self.orphan.as_ref().map_or(0, |o| o.value));
        // This namespace's own connections are as many: then `used` does not count all of them (before 4.16 only those with a file).
        let own = self.inuse4.as_ref().is_some_and(|inuse| inuse.value >= alloc.value);
        (!own && alloc.value > used.value.saturating_add(slack)).then(|| {
            format!(
                "TCP alloc {} (whole host) exceeds sockets used {} (this network namespace): {} or more belong to other namespaces",
                alloc.value,
                used.value,
                alloc.value.saturating_sub(used.value)
            )
        })
    }
}
