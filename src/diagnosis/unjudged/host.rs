//! What the counts, tables and traces of a host leave open, whoever holds the sockets.

use super::{MANY, POOL, Unjudged};
use crate::capture::tops::Tops;
use crate::capture::trace::{Origin, Pattern};
use crate::causes::{Case, Missing, flood_reported, namespace_at_most, number};
use crate::diagnosis::nameless;
use crate::facts::SocketState;
use crate::ledger::{Family, Kind, tally};
use std::collections::BTreeMap;

/// From how many slots on a descriptor table tells of thousands.
const MANY_SLOTS: u32 = 4096;

/// How many descriptors a trace must leave open that does not say whose they are.
const NAMELESS: u64 = 10;

/// What a host leaves open, in the order in which it is told.
pub(super) fn unjudged(case: &Case<'_>) -> Vec<Unjudged> {
    let mut all: Vec<Unjudged> = left_out(case).collect();
    all.extend(nameless_pool(case));
    all.extend(bound(case));
    all.extend(grown_elsewhere(case));
    all.extend(gone(case));
    all.extend(nobodys(case));
    all.extend(traced(case));
    all.extend(nameless::unjudged(case));
    all.extend(overflows(case));
    all.extend(unheld(case));
    all.extend(others_moved(case));
    all.extend(states_unknown(case));
    all.extend(slots(case));
    all.extend(crowd(case));
    all
}

/// What was over a bound of the reading: nobody knows what it would have shown.
fn left_out(case: &Case<'_>) -> impl Iterator<Item = Unjudged> {
    case.snapshot.room.over().map(|(what, n)| {
        let option = what.option();
        Unjudged {
            says: what.says(n, |n| number(i64::try_from(n).unwrap_or(i64::MAX))),
            missing: Missing {
                what: "what was left out of this capture".into(),
                would: "tell whether anything in it piles up".into(),
                command: option.map_or("sockdiag analyze of each part by itself".into(), |o| format!("sockdiag analyze {o} N CAPTURE")),
            },
        }
    })
}

/// A count of sockets in no table that may all be IPv6 connections in use.
fn bound(case: &Case<'_>) -> Option<Unjudged> {
    let books = &case.ledger.books;
    let rest = case.ledger.unexplained().filter(|&n| books.unhashed_is_bound && books.foreign.is_none() && n >= MANY as i64)?;
    Some(Unjudged {
        says: format!("up to {} TCP sockets are in no table, or are IPv6 connections: those in use were not captured", number(rest)),
        missing: Missing {
            what: "the IPv6 counts of the kernel".into(),
            would: "tell sockets in no table from IPv6 sockets in use".into(),
            command: "cat /proc/net/sockstat6; ss -s".into(),
        },
    })
}

/// TCP sockets of other network namespaces that became more, while nothing of those was captured: whether they are in use only their own tables
/// tell.
fn grown_elsewhere(case: &Case<'_>) -> Option<Unjudged> {
    let books = &case.ledger.books;
    let (rise, now) = (case.unhashed_rise()?.value, books.unhashed.as_ref()?.value);
    if books.foreign.is_none() || rise < MANY as i64 || rise * 10 < now {
        return None;
    }
    Some(Unjudged {
        says: format!(
            "TCP sockets of other network namespaces grew by {} to {} between the readings, and nothing captured tells whether they are in use",
            number(rise),
            number(now)
        ),
        missing: Missing {
            what: "the tables of the other network namespaces".into(),
            would: "tell what grows there, and who holds it".into(),
            command: "sudo lsns -t net; for each PID of it: sudo nsenter -t PID -n ss -tanpoe".into(),
        },
    })
}

/// TCP sockets in no table of which most are gone at the last reading: whoever held them has ended since, or closed them.
fn gone(case: &Case<'_>) -> Option<Unjudged> {
    let (rise, now) = (case.unhashed_rise()?.value, case.ledger.books.held_unhashed()?.max(0));
    let before = now.saturating_sub(rise);
    let many = before >= i64::try_from(case.thresholds.closed).unwrap_or(i64::MAX) && now.saturating_mul(10) < before;
    let told = case.ledger.piles.iter().any(|p| p.kind == Kind::Closed);
    (many && !told && case.ledger.books.foreign.is_none()).then(|| Unjudged {
        says: format!(
            "{} TCP sockets were in no table at the first reading and {} at the last: who held them has ended or closed them since, and nothing captured says who that was",
            number(before),
            number(now)
        ),
        missing: Missing {
            what: "the descriptors of all processes, once there are many again,".into(),
            would: "name who leaves them behind".into(),
            command: "sudo lsof -nP +c0".into(),
        },
    })
}

/// Sockets in no table that no listed process holds, where not all processes were listed.
fn nobodys(case: &Case<'_>) -> Option<Unjudged> {
    let ledger = case.ledger;
    if let Some((here, all)) = namespace_at_most(case).filter(|(here, _)| *here >= MANY as i64) {
        return Some(Unjudged {
            says: format!(
                "at most {} of the {} TCP sockets in no table are of this network namespace, perhaps none, and nothing shows who holds them",
                number(here),
                number(all)
            ),
            missing: all_descriptors(case),
        });
    }
    if ledger.all_listed || ledger.books.unhashed_is_bound || ledger.books.foreign.is_some() {
        return None;
    }
    let rest = ledger.unexplained().filter(|&n| n >= i64::try_from(case.thresholds.closed).unwrap_or(i64::MAX))?;
    Some(Unjudged {
        says: format!("{} TCP sockets are in no table, and no descriptor listing shows who holds them", number(rest)),
        missing: all_descriptors(case),
    })
}

/// A trace that leaves descriptors open of a process whose descriptors were not listed.
fn traced(case: &Case<'_>) -> Option<Unjudged> {
    let listed = |pid: u32| case.snapshot.processes.get(&pid).is_some_and(|p| !p.lists.is_empty());
    let own = |o: Origin| matches!(o, Origin::Socket(_) | Origin::Pair | Origin::Poll);
    case.snapshot.traces.iter().find_map(|trace| {
        if trace.pid.is_some_and(listed) {
            return None;
        }
        // An accepted connection is in use until its end shows.
        let ended = |p: &Pattern| p.origin == Origin::Accept && (p.eof || p.reset || p.shutdown);
        let tales = || trace.tales.iter().filter(|(p, _)| own(p.origin) || ended(p)).map(|(_, t)| t);
        let left = trace.on_top(tales().map(|t| t.settled).sum::<u64>());
        let closed: u64 = tales().map(|t| t.closed).sum();
        // A trace that does not say of which process it is may be of any that the capture lists.
        let (enough, whose) = match trace.pid {
            Some(pid) => (3, format!("the trace of pid {pid}")),
            None => (NAMELESS, "a trace that names no process".to_string()),
        };
        (left >= enough && closed * 4 <= left).then(|| Unjudged {
            says: format!("{whose} leaves {} sockets or selectors open, and its descriptors were not listed", number(left as i64)),
            missing: all_descriptors(case),
        })
    })
}

/// Connections that listeners turned away since boot, where no table shows whether they do now.
fn overflows(case: &Case<'_>) -> Option<Unjudged> {
    if case.ledger.best(Family::Tcp).is_some() {
        return None;
    }
    if flood_reported(case).is_some() {
        let says = "the kernel reported possible SYN flooding, and no table shows whether it goes on".into();
        return Some(Unjudged { says, missing: listeners() });
    }
    let many = |name| case.counter(name).map(|f| f.value).filter(|&n| n >= MANY as i64);
    let n = many("tcpext.listen_overflows").or_else(|| many("tcpext.syncookies_sent"))?;
    Some(Unjudged {
        says: format!("listeners turned connections away {} times since boot, and no table shows whether they do now", number(n)),
        missing: listeners(),
    })
}

fn listeners() -> Missing {
    Missing {
        what: "the listeners and their queues".into(),
        would: "tell a backlog that is full now from one that was".into(),
        command: "sudo ss -tlnp; ss -tan state syn-recv | wc -l; nstat -az TcpExtListenOverflows".into(),
    }
}

/// Connections that the peer has closed and that no process of the capture holds.
fn unheld(case: &Case<'_>) -> Option<Unjudged> {
    let all = case.ledger.state(SocketState::CloseWait)?;
    let held: u64 = case.ledger.piles.iter().filter(|p| p.kind == Kind::CloseWait && p.owner.is_some()).map(|p| p.count).sum();
    let rest = u64::try_from(all).ok()?.checked_sub(held).filter(|&n| n >= case.thresholds.close_wait)?;
    Some(Unjudged {
        says: format!("the peers of {} connections have closed, and the capture does not show who holds them", number(rest as i64)),
        missing: if may_wait(case) { accept_queues() } else { all_descriptors(case) },
    })
}

/// Sockets of the kernel's total that differ between samples while those of TCP and UDP stay: another family's, whose tables were not captured.
fn others_moved(case: &Case<'_>) -> Option<Unjudged> {
    let values = |name: &str| case.host.series(case.sources, name).into_iter().map(|r| r.value).collect::<Vec<i64>>();
    let span = |all: &[i64]| Some((*all.iter().min()?, *all.iter().max()?));
    let (used, alloc) = (values("sockstat.sockets.used"), values("sockstat.tcp.alloc"));
    let ((least, most), (few, many)) = (span(&used)?, span(&alloc)?);
    let (fewest, udp) = span(&values("sockstat.udp.inuse")).unwrap_or((0, 0));
    let known = (many - few).saturating_add(udp - fewest);
    let rest = most.saturating_sub(least).saturating_sub(known);
    let shown = [Family::Unix, Family::Netlink, Family::Packet].iter().any(|f| case.ledger.best(*f).is_some()) || case.ledger.all_listed;
    let held: u64 = case.ledger.piles.iter().filter(|p| p.kind != Kind::File).map(|p| p.count).sum();
    let shown = shown || held.saturating_mul(2) >= u64::try_from(rest).unwrap_or(0);
    let moved = rest >= i64::try_from(case.thresholds.unix).unwrap_or(i64::MAX) && most >= least.saturating_mul(2) && !shown;
    (moved && used.len() == alloc.len()).then(|| Unjudged {
        says: format!(
            "the sockets in use were {} to {} in {} samples and those of TCP {} to {}: the others are of another family (unix, netlink, packet), whose tables were not captured",
            number(least),
            number(most),
            used.len(),
            number(few),
            number(many)
        ),
        missing: Missing {
            what: "the tables of the other families, while they are many".into(),
            would: "tell which family it is and who holds them".into(),
            command: "sudo ss -xap; sudo ss -0ap; wc -l /proc/net/unix /proc/net/netlink /proc/net/packet".into(),
        },
    })
}

/// Whether connections without a holder may wait in an accept queue that no table shows: most of them came to one local port.
fn may_wait(case: &Case<'_>) -> bool {
    let queues = case.ledger.views.iter().flat_map(|v| &v.tables).flat_map(|t| &t.listeners).any(|l| l.backlog.is_some());
    let view = case.ledger.best(Family::Tcp);
    let rows = || view.iter().flat_map(|v| v.groups(Family::Tcp)).filter(|g| g.state == SocketState::CloseWait && g.owner.is_none());
    let mut ports: BTreeMap<u16, u64> = BTreeMap::new();
    rows().flat_map(|g| g.locals.iter()).for_each(|(end, n)| *ports.entry(end.port()).or_default() += n);
    let all: u64 = rows().map(|g| g.count).sum();
    !queues && ports.values().any(|&n| n * 2 >= all.max(2))
}

fn accept_queues() -> Missing {
    Missing {
        what: "the listeners and their accept queues".into(),
        would: "tell connections that nobody has accepted yet from connections that somebody holds".into(),
        command: "sudo ss -tlnp".into(),
    }
}

/// Connections of one process that somebody counted without their states.
fn states_unknown(case: &Case<'_>) -> Option<Unjudged> {
    let tallies = case.snapshot.tallies.iter().filter(|t| t.value >= POOL);
    let (n, pid, name) = tallies.filter_map(tally::connections).max_by_key(|c| c.0)?;
    let name = if name.is_empty() { "a process" } else { name };
    (!case.ledger.piles.iter().any(|p| p.held_by(pid))).then(|| Unjudged {
        says: format!("{name} (pid {pid}) has {} sockets in the table, and nothing captured tells their states", number(n as i64)),
        missing: Missing {
            what: format!("the states of the connections of {pid}"),
            would: "tell connections in use from those left over".into(),
            command: format!("sudo ss -Htanp | grep pid={pid}, | awk '{{print $1}}' | sort | uniq -c"),
        },
    })
}

/// A table of descriptors that was made for thousands, of a process whose descriptors were not listed: FDSize doubles and never shrinks.
fn slots(case: &Case<'_>) -> Option<Unjudged> {
    let unlisted = case.snapshot.processes.iter().filter(|(_, p)| p.lists.is_empty() && p.fd_count.is_none());
    let (pid, slots) = unlisted.filter_map(|(pid, p)| Some((*pid, p.fd_size.as_ref()?.0))).max_by_key(|p| p.1)?;
    (slots >= MANY_SLOTS).then(|| Unjudged {
        says: format!(
            "pid {pid} has had {} or more descriptors open at some time (FDSize), and they were not listed",
            number(i64::from(slots / 2))
        ),
        missing: all_descriptors(case),
    })
}

fn all_descriptors(case: &Case<'_>) -> Missing {
    let what = if case.ledger.cut.is_some() { "the listing of descriptors to its end" } else { "the descriptors of all processes" };
    Missing { what: what.into(), would: "name who holds the sockets".into(), command: "sudo lsof -nP +c0".into() }
}

/// The largest pile of rows of one end that no holder is shown for, of a state that no healthy host has in such numbers.
fn crowd(case: &Case<'_>) -> Option<Unjudged> {
    let nobodys = |family| case.ledger.best(family).into_iter().flat_map(move |v| v.groups(family)).filter(|g| g.owner.is_none());
    let ends = |state, far: bool| {
        let mut ends = Tops::default();
        nobodys(Family::Tcp).filter(|g| g.state == state).for_each(|g| ends.merge(if far { &g.remotes } else { &g.locals }));
        ends.first().filter(|(end, _)| !end.is_unset())
    };
    let t = case.thresholds;
    let syn = ends(SocketState::SynSent, true).filter(|e| e.1 >= t.syn_sent).map(|(end, n)| (n, Kind::SynSent, case.show(end)));
    let listen = ends(SocketState::Listen, false).filter(|e| e.1 >= t.listen).map(|(end, n)| (n, Kind::Listen, case.show(end)));
    let mut paths = Tops::default();
    nobodys(Family::Unix).for_each(|g| paths.merge(&g.paths));
    let unix = paths.first().filter(|p| p.1 >= POOL).map(|(path, n)| (n, Kind::Unix, case.names.text(path)));
    let (n, kind, end) = [syn, listen, unix].into_iter().flatten().max_by_key(|c| c.0)?;
    if case.ledger.piles.iter().any(|p| p.kind == kind && p.count * 2 >= n) {
        return None;
    }
    let whose = if kind == Kind::SynSent { "toward" } else { "on" };
    Some(Unjudged {
        says: format!("{} {} are {whose} {end}, and the capture does not show who holds them", number(n as i64), kind.plural()),
        missing: all_descriptors(case),
    })
}

/// Connections with one remote whose holder could not be seen, in one sample.
fn nameless_pool(case: &Case<'_>) -> Option<Unjudged> {
    case.ledger.unprivileged.as_ref().filter(|_| case.earlier.is_empty())?;
    let mut remotes = Tops::default();
    let groups = case.ledger.best(Family::Tcp)?.groups(Family::Tcp);
    groups.filter(|g| g.state == SocketState::Established && g.owner.is_none()).for_each(|g| remotes.merge(&g.remotes));
    let (remote, n) = remotes.first().filter(|(_, n)| *n >= POOL)?;
    Some(Unjudged {
        says: format!(
            "{} connections to {} have no owner in a capture without privilege, and one sample cannot tell a pool from a leak",
            number(n as i64),
            case.show(remote)
        ),
        missing: Missing {
            what: "the same table as root, and again a few minutes later".into(),
            would: "name the process and tell growth from a level".into(),
            command: "sudo ss -tanpoi".into(),
        },
    })
}
