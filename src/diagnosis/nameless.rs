//! Descriptors without a file that are no sockets: eventfds, timers, inotify instances. No socket table tells of them.

use super::unjudged::Unjudged;
use crate::capture::holding::{Class, FdList};
use crate::capture::trace::{Origin, Trace};
use crate::causes::{Case, Missing, number, suspect, trace_command};
use crate::facts::{DescriptorKind, LimitValue};
use crate::ledger::{Kind, Owner};

/// From how many on they are more than event loops need.
const MANY: u64 = 100;
/// How many a trace must leave open.
const LEFT: u64 = 3;

/// What the capture leaves open of them.
pub fn unjudged(case: &Case<'_>) -> impl Iterator<Item = Unjudged> {
    piling_up(case).into_iter().chain(instances(case))
}

/// Eventfds and timers that are nearly all that a process has open, and a trace that shows more being made and none closed.
fn piling_up(case: &Case<'_>) -> Option<Unjudged> {
    case.snapshot.traces.iter().find_map(|trace| {
        let pid = trace.pid?;
        let list = case.snapshot.processes.get(&pid)?.lists.iter().max_by_key(|l| l.descriptors)?;
        let these = list.rows_of(DescriptorKind::Eventfd) + list.rows_of(DescriptorKind::Anon);
        let (made, closed) = made(trace);
        let fits = these >= MANY && these * 10 >= list.descriptors * 8 && made >= LEFT && closed * 4 <= made;
        let blamed = || case.ledger.piles.iter().any(|p| p.kind == Kind::Eventpoll && p.held_by(pid) && suspect(case, p).is_some());
        (fits && !blamed()).then(|| Unjudged {
            says: format!(
                "{} has {} descriptors open that are no sockets (eventfds, timers and the like), and its trace shows {made} more made and {closed} closed",
                Owner::of(case.snapshot, pid, 0).named(),
                number(these as i64)
            ),
            missing: Missing {
                what: format!("the descriptors of {pid} a few minutes later, and a longer trace"),
                would: "tell whether they become more".into(),
                command: format!("sudo ls -l /proc/{pid}/fd | awk '{{print $NF}}' | sort | uniq -c; {}", trace_command(pid)),
            },
        })
    })
}

/// How many a trace shows made and left open, and how many closed.
fn made(trace: &Trace) -> (u64, u64) {
    let tales = || trace.tales.iter().filter(|(p, _)| p.origin == Origin::Poll).map(|(_, t)| t);
    (tales().map(|t| t.open).sum(), tales().map(|t| t.closed).sum())
}

/// A user has no inotify instance left, as a log says with the words of a full descriptor table.
fn instances(case: &Case<'_>) -> Option<Unjudged> {
    let line = case.told_lately().find(|s| s.signature == "inotify-emfile")?;
    let whose = line.pid.or_else(|| most_instances(case));
    let process = whose.and_then(|pid| Some((pid, case.snapshot.processes.get(&pid)?)));
    let open = process.and_then(|(_, p)| p.lists.iter().map(|l| l.descriptors).max());
    let limit = process.and_then(|(_, p)| p.nofile.as_ref()).map(|(soft, ..)| *soft);
    let far = match (process, open, limit) {
        (Some((pid, _)), Some(open), Some(LimitValue::At(limit))) if open.saturating_mul(2) < limit => {
            let name = Owner::of(case.snapshot, pid, 0).named();
            format!("; {name} has {} of {} descriptors open, which is another limit", number(open as i64), number(limit as i64))
        }
        _ => String::new(),
    };
    Some(Unjudged {
        says: format!(
            "the log says that no inotify instance is left: fs.inotify.max_user_instances is reached, of all processes of the user together{far}"
        ),
        missing: Missing {
            what: "the inotify instances of each process, and what is allowed".into(),
            would: "tell who holds them".into(),
            command: "sysctl fs.inotify; sudo find /proc/[0-9]*/fd -lname '*inotify' 2>/dev/null | cut -d/ -f3 | sort | uniq -c | sort -rn"
                .into(),
        },
    })
}

/// The process with the most inotify instances, if it has many.
fn most_instances(case: &Case<'_>) -> Option<u32> {
    let instances = |c: &&Class| c.kind == DescriptorKind::Anon && c.quotes.iter().any(|q| q.text().contains("inotify"));
    let most = |lists: &[FdList]| lists.iter().flat_map(|l| &l.classes).filter(instances).map(|c| c.rows).max().unwrap_or(0);
    let all = case.snapshot.processes.iter().map(|(pid, p)| (most(&p.lists), *pid));
    all.filter(|(rows, _)| *rows >= MANY).max().map(|(_, pid)| pid)
}
