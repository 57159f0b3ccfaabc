//! Piles of sockets that are neither shown to be left over nor shown to be in use.

use super::{MANY, POOL, Unjudged};
use crate::causes::foreign_namespace::hashed_there;
use crate::causes::{Case, Missing, left_standing, near, number, silent_children, suspect, trace_command};
use crate::diagnosis::risen;
use crate::facts::DescriptorKind;
use crate::ledger::{CountIs, Kind, Pile};

/// The last port that the kernel hands out by itself, where the host does not say.
const LAST_PORT: i64 = 60_999;
/// From how many descriptors of a kind on an excerpt is worth a question.
const SOME: u64 = 8;

/// What a pile leaves open; the first that applies.
pub(super) fn unjudged(case: &Case<'_>, p: &Pile) -> Option<Unjudged> {
    foreign(case, p)
        .or_else(|| unknown_kind(case, p))
        .or_else(|| excerpt(p))
        .or_else(|| pool(case, p))
        .or_else(|| listeners_of_one_use(case, p))
        .or_else(|| datagrams(case, p))
        .or_else(|| of_children(case, p))
        .or_else(|| silent(case, p))
        .or_else(|| risen::unjudged(case, p))
        .or_else(|| standing(case, p))
}

/// Listeners on ports that the kernel hands out: a program asks for such a port for one use, as passive FTP does, and has few at a time.
fn listeners_of_one_use(case: &Case<'_>, pile: &Pile) -> Option<Unjudged> {
    let owner = pile.owner.as_ref().filter(|_| pile.kind == Kind::Listen && pile.count >= MANY)?;
    let locals = &pile.traits.locals;
    let handed_out = |port: u16| i64::from(port) >= case.first_port();
    let chosen: u64 = locals.iter().filter(|(end, _)| !handed_out(end.port())).map(|(_, n)| n).sum();
    let most = locals.iter().filter(|(end, _)| handed_out(end.port())).map(|(_, n)| n).max().unwrap_or(0);
    let ports = locals.total().saturating_sub(chosen).min(pile.count);
    let range = case.counter("sysctl.net.ipv4.ip_local_port_range.high").map_or(LAST_PORT, |f| f.value);
    // A range of its own may lie within the kernel's, and what lies beyond is not of the kernel's choice.
    let beyond = locals.iter().any(|(end, _)| i64::from(end.port()) > range);
    let whose = if beyond { ", each another one" } else { " that the kernel chose" };
    // Many on one port are another matter: workers share it, or it was opened again and again.
    let per_process = ports / (owner.pids.len() as u64).max(1);
    (per_process >= MANY && most * 10 <= ports && suspect(case, pile).is_none()).then(|| Unjudged {
        says: format!(
            "{} listens on {} ports{whose}, as for one use each, and one capture cannot tell whether they are closed again",
            owner.named(),
            number(ports as i64)
        ),
        missing: Missing {
            what: "the listeners a few minutes later".into(),
            would: "tell ports in use from those that are never closed".into(),
            command: "sudo ss -tlnp".into(),
        },
    })
}

/// Accepted connections that have been silent for hours: their number may stay while nobody is at the other end.
fn silent(case: &Case<'_>, pile: &Pile) -> Option<Unjudged> {
    let t = &pile.traits;
    let accepted = pile.kind == Kind::Established && pile.accepted == Some(true) && pile.count >= case.thresholds.established;
    let owner = pile.owner.as_ref().filter(|_| accepted && t.are_silent(pile.count) && suspect(case, pile).is_none())?;
    Some(Unjudged {
        says: format!(
            "{} of the {} connections that {} accepted received nothing for an hour or more, no row shows a keepalive timer, and nothing tells whether their clients are still there",
            number(t.idle_hour as i64),
            number(pile.count as i64),
            owner.named()
        ),
        missing: Missing {
            what: "the same rows an hour later, and the log of the server".into(),
            would: "tell clients that have nothing to say from clients that are gone".into(),
            command: "sudo ss -tanpoei".into(),
        },
    })
}

/// UDP sockets by the thousand in one sample, or some hundred of one process that are all connected to one end, for which one would do:
/// calls in progress and calls long ended look alike.
fn datagrams(case: &Case<'_>, pile: &Pile) -> Option<Unjudged> {
    let owner = pile.owner.as_ref().filter(|_| pile.kind == Kind::Udp && case.earlier.is_empty())?;
    let one = pile.top_remote().filter(|&(end, n)| end.port() != 0 && n * 10 >= pile.count * 9).map(|(end, _)| end);
    let most = owner.pids.first().map_or(0, |p| p.1);
    let many = pile.count >= case.thresholds.udp.saturating_mul(5) || (one.is_some() && most * 2 >= case.thresholds.udp);
    let whom = one.map_or(String::new(), |end| format!(" connected to {}", case.show(end)));
    (many && suspect(case, pile).is_none()).then(|| Unjudged {
        says: format!(
            "{} holds {} UDP sockets{whom}, and one sample cannot tell those in use from those left over",
            owner.named(),
            number(pile.count as i64)
        ),
        missing: Missing {
            what: "the UDP sockets again a few minutes later".into(),
            would: "tell growth from a level".into(),
            command: "sudo ss -uanpe".into(),
        },
    })
}

/// Sockets of a namespace whose tables were not captured, and nothing shows them in use.
fn foreign(case: &Case<'_>, pile: &Pile) -> Option<Unjudged> {
    let asked = pile.foreign.is_some() && pile.kind == Kind::Closed && pile.count >= MANY && !pile.in_use;
    let owner = pile.owner.as_ref().filter(|_| asked && hashed_there(case, pile).is_none())?;
    let pid = owner.pids.first()?.0;
    Some(Unjudged {
        says: format!(
            "{} holds {} sockets of another network namespace, whose tables were not captured",
            owner.named(),
            number(pile.count as i64)
        ),
        missing: Missing {
            what: format!("the tables of the namespace of {pid}"),
            would: "tell what its sockets are".into(),
            command: format!("cat /proc/{pid}/net/sockstat /proc/{pid}/net/tcp /proc/{pid}/net/tcp6"),
        },
    })
}

/// Sockets that have no use, of which none has come for long.
fn standing(case: &Case<'_>, pile: &Pile) -> Option<Unjudged> {
    let owner = pile.owner.as_ref()?;
    let (pid, why) = (owner.pids.first()?.0, left_standing(case, pile)?);
    Some(Unjudged {
        says: format!(
            "{} holds {} {}, and nothing captured says whether they are left over or kept on purpose ({why})",
            owner.named(),
            number(pile.count as i64),
            pile.kind.noun(pile.count)
        ),
        missing: Missing {
            what: format!("the same rows at a later time, and strace of {pid}"),
            would: "tell whether more are left open".into(),
            command: trace_command(pid),
        },
    })
}

/// Connections of a program with a child for each, none of which ends.
fn of_children(case: &Case<'_>, pile: &Pile) -> Option<Unjudged> {
    let owner = pile.owner.as_ref()?;
    let why = silent_children(case, pile)?;
    Some(Unjudged {
        says: format!("{} holds {} {}: {why}", owner.named(), number(pile.count as i64), pile.kind.noun(pile.count)),
        missing: Missing {
            what: "a look at the other end of some of the oldest".into(),
            would: "tell whether a client is still there".into(),
            command: "sudo ss -tanpoi, and at a client: ss -tanp".into(),
        },
    })
}

/// Sockets of which only the inode is known.
fn unknown_kind(case: &Case<'_>, pile: &Pile) -> Option<Unjudged> {
    let owner =
        pile.owner.as_ref().filter(|_| pile.kind == Kind::Unidentified && pile.count >= MANY && !pile.in_use && pile.untabled.is_none())?;
    Some(Unjudged {
        says: format!(
            "{} holds {} sockets{}, and no table says what they are",
            owner.named(),
            number(pile.count as i64),
            beside(case, pile)
        ),
        missing: Missing {
            what: "the socket tables of all families".into(),
            would: "tell what each inode is".into(),
            command: "sudo ss -tanpoe; sudo ss -uanpe; sudo ss -xanp; cat /proc/net/netlink".into(),
        },
    })
}

/// As many eventfds as sockets, of the same process: an object may have one of each.
fn beside(case: &Case<'_>, pile: &Pile) -> String {
    let first = pile.owner.as_ref().and_then(|o| o.pids.first());
    let lists = first.and_then(|(pid, _)| case.snapshot.processes.get(pid)).map_or(&[][..], |p| &p.lists);
    let eventfds = lists.iter().map(|l| l.rows_of(DescriptorKind::Eventfd)).max().unwrap_or(0);
    if near(eventfds, pile.count, 10) { format!(" and {} eventfds", number(eventfds as i64)) } else { String::new() }
}

/// What no table counts, in a part of a listing that is full of it: the rest may be, too.
fn excerpt(pile: &Pile) -> Option<Unjudged> {
    let untold = matches!(pile.kind, Kind::Eventpoll | Kind::Netlink | Kind::Packet | Kind::Raw);
    let owner = pile.owner.as_ref().filter(|_| untold && pile.is == CountIs::AtLeast && pile.count >= SOME)?;
    let (shown, ..) = pile.descriptors.as_ref().filter(|(shown, ..)| pile.count * 3 >= *shown)?;
    let pid = owner.pids.first()?.0;
    Some(Unjudged {
        says: format!(
            "of {} only a part was listed: of {} descriptors {} are {}, and how many the rest has is not known",
            owner.named(),
            number(*shown as i64),
            number(pile.count as i64),
            pile.kind.plural()
        ),
        missing: Missing {
            what: format!("all descriptors of {pid}"),
            would: format!("tell how many {} it has", pile.kind.plural()),
            command: format!("sudo ls -l /proc/{pid}/fd"),
        },
    })
}

/// Connections of one client to one remote, in one sample, that no trace shows in use: a level and a leak look alike.
fn pool(case: &Case<'_>, pile: &Pile) -> Option<Unjudged> {
    let client = pile.kind == Kind::Established && pile.accepted != Some(true) && pile.count >= POOL;
    if !client || !case.earlier.is_empty() {
        return None;
    }
    let holds = |pile: &Pile, other: &Pile| match &pile.owner {
        Some(owner) => owner.pids.iter().any(|(pid, _)| other.held_by(*pid)),
        None => other.owner.is_none(),
    };
    let (remote, n) = pile.top_remote().filter(|(_, n)| n * 10 >= pile.count * 9)?;
    // A proxy has as many clients as upstream connections.
    let serves = case
        .ledger
        .piles
        .iter()
        .any(|p| p.kind == Kind::Established && p.accepted == Some(true) && p.count * 2 >= pile.count && holds(pile, p));
    let used = case.traces(pile).iter().any(|(t, _)| t.used_before.len() >= 10);
    if serves || used {
        return None;
    }
    let (name, command) = match &pile.owner {
        Some(owner) => (owner.named(), format!("sh collect.sh --pid {}", owner.pids.first()?.0)),
        None => ("a process that the capture does not name".to_string(), "sudo sh collect.sh".to_string()),
    };
    Some(Unjudged {
        says: format!(
            "{name} holds {} connections to {}, and one sample cannot tell a pool from a leak",
            number(n as i64),
            case.show(remote)
        ),
        missing: Missing { what: "a second capture a few minutes later".into(), would: "tell growth from a level".into(), command },
    })
}
