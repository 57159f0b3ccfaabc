//! What was captured and what not, and what to capture next.

use super::finding::{Finding, HostReport, Verdict};
use crate::bundle::MemberEnd;
use crate::capture::Quote;
use crate::capture::logs::Sighting;
use crate::capture::trace::Trace;
use crate::causes::{Case, Class, Missing, Witnessed, number};
use crate::facts::{IdentityKey, LimitValue, NoteKind, SocketState};
use crate::ledger::{Family, Kind, Owner, View, counted_descriptors};
use crate::signatures::Weight;

/// Remarks on one host, at most.
const MAX_REMARKS: usize = 24;

/// What a capture of one host covers.
#[derive(Clone, Debug, Default)]
pub struct Coverage {
    /// sockstat or `ss -s`.
    pub books: bool,
    /// A table of TCP sockets.
    pub table: bool,
    /// Some of its rows name a holder.
    pub holders: bool,
    /// Some rows of socket tables, where the table of TCP sockets is not whole.
    pub rows: bool,
    /// Counts that somebody made with a pipeline.
    pub counts: bool,
    /// Whether all of them are of descriptors.
    pub counts_of_descriptors: bool,
    /// Descriptors of processes.
    pub descriptors: bool,
    /// Descriptors of all processes, with privilege.
    pub all_descriptors: bool,
    /// A trace.
    pub trace: bool,
    /// Logs.
    pub logs: bool,
    /// Limits of some process.
    pub limits: bool,
    /// Limits whose file does not say of which process they are.
    pub limits_of_nobody: bool,
    /// More than one snapshot.
    pub growth: bool,
    /// No kind of socket could pile up unseen.
    pub whole: bool,
    /// Something shows that other users' processes could not be looked at.
    pub unprivileged: bool,
}

impl Coverage {
    /// What a case covers.
    pub fn of(case: &Case<'_>) -> Coverage {
        let s = case.snapshot;
        Coverage {
            books: case.ledger.books.unhashed.is_some(),
            table: case.ledger.best(Family::Tcp).is_some_and(View::is_whole),
            holders: case.ledger.best(Family::Tcp).is_some_and(|v| v.groups(Family::Tcp).any(|g| g.owner.is_some())),
            rows: case.ledger.views.iter().any(|v| v.tables.iter().any(|t| !t.groups.is_empty())),
            counts: case.ledger.states.values().any(|f| f.value > 0) || !s.tallies.is_empty(),
            counts_of_descriptors: s.tallies.iter().all(|t| super::counted::what(&t.command) == "descriptors"),
            descriptors: s.processes.values().any(|p| !p.lists.is_empty()),
            all_descriptors: case.ledger.all_listed,
            trace: !s.traces.is_empty(),
            logs: s.logs.lines > 0,
            limits: s.processes.values().any(|p| p.nofile.is_some()),
            limits_of_nobody: !s.nameless_limits.is_empty(),
            growth: !case.earlier.is_empty() || case.host.takes.len() > 1,
            unprivileged: case.ledger.unprivileged.is_some(),
            whole: !s.room.is_over() && !s.is_narrow(|_| true) && unread(case).next().is_none() && sees_all(case),
        }
    }

    /// Whether silence of the evidence means health.
    pub fn enough_for_health(&self) -> bool {
        self.whole
    }
}

/// Whether no kind of socket could pile up unseen: the descriptors of all processes with a second source; or the kernel's count of sockets
/// in no table beside the whole table, and of the other families a table or a total with no room for a pile;
/// or next to no sockets at all.
fn sees_all(case: &Case<'_>) -> bool {
    let (ledger, books, limits) = (case.ledger, &case.ledger.books, case.thresholds);
    let value = |f: &Option<crate::ledger::Figure>| f.as_ref().map(|f| f.value.max(0) as u64);
    let table = |family| ledger.best(family).is_some_and(View::is_whole);
    let unhashed = books.unhashed.is_some();
    let used = value(&books.used);
    // Sockets that no listed process holds and no table shows are of another pid namespace, or in flight.
    let held = ledger.piles.iter().filter(|p| p.foreign.is_none()).map(|p| p.count).sum::<u64>();
    let unseen = !table(Family::Tcp) && books.foreign.is_none() && used.is_some_and(|n| n > held.saturating_mul(2) + limits.close_wait);
    let hashed = books.hashed().unwrap_or(0);
    let others = used.map(|n| n.saturating_sub(hashed).saturating_sub(books.held_unhashed().unwrap_or(0).max(0) as u64));
    let nameless = others.filter(|_| books.used_is_ours).map_or(0, |n| n.saturating_sub(others_shown(case)));
    if ledger.all_listed && (table(Family::Tcp) || unhashed) && !unseen && holders_show(case, hashed) {
        return true;
    }
    // No pile is larger than all there is; descriptors of some process show that it was looked at, and no table that more was cut.
    let listed = case.snapshot.processes.values().any(|p| p.lists.iter().any(|l| !l.headless));
    let cut = ledger.best(Family::Tcp).is_some_and(|v| v.partial);
    if unhashed && listed && !cut && used.is_some_and(|n| n < limits.close_wait) {
        return true;
    }
    let rest = if table(Family::Unix) && table(Family::Udp) {
        nameless < NAMELESS
    } else {
        others.is_some_and(|n| n.saturating_sub(others_shown(case)) < limits.unix)
    };
    // So few TCP sockets that nobody is shown to hold are no pile, whoever holds them; of those that are established more may be. The kernel's
    // counts alone tell too little of that: somebody must have looked at holders or descriptors.
    let opened = counted_descriptors::counts_some(case.snapshot) || !counted_descriptors::descriptors(case.snapshot).is_empty();
    let looked = listed || opened || ledger.views.iter().any(View::holders_shown);
    let estab = value(&books.estab).filter(|&n| n < limits.established).unwrap_or(0).max(held_tcp(case));
    let few = books.hashed().is_some_and(|n| n < limits.close_wait.saturating_add(estab))
        && (looked && !cut || states_add_up(case, hashed))
        && books.foreign.is_none();
    unhashed && !books.unhashed_is_bound && (few || (table(Family::Tcp) && counted(case, shown(case), hashed))) && rest
}

/// Sockets of other families than TCP that tables or holders show.
fn others_shown(case: &Case<'_>) -> u64 {
    let ledger = case.ledger;
    let held = |kind| ledger.piles.iter().filter(|p| p.kind == kind && p.foreign.is_none()).map(|p| p.count).sum::<u64>();
    let rows = |family| ledger.best(family).map_or(0, |v| v.count(family));
    let known = [
        (Family::Udp, Kind::Udp),
        (Family::Unix, Kind::Unix),
        (Family::Netlink, Kind::Netlink),
        (Family::Packet, Kind::Packet),
        (Family::Raw, Kind::Raw),
    ];
    known.into_iter().map(|(family, kind)| rows(family).max(held(kind))).sum::<u64>() + rows(Family::Other) + held(Kind::Unidentified)
}

/// TCP sockets in a connection state that the table of the capture's own namespace lists.
fn shown(case: &Case<'_>) -> u64 {
    case.ledger.best(Family::Tcp).map_or(0, View::hashed)
}

/// Whether about as many sockets are shown as the kernel counts. Where it counts far more, the table is of one IP version, or of another
/// moment or namespace, or was cut.
fn counted(case: &Case<'_>, shown: u64, hashed: u64) -> bool {
    shown.saturating_mul(5) / 4 + case.thresholds.closed >= hashed
}

/// Whether somebody counted all connections by their states, and there are as many as the kernel counts: then there is none in another state.
fn states_add_up(case: &Case<'_>, hashed: u64) -> bool {
    let states = case.ledger.states.iter().filter(|(state, _)| **state != SocketState::TimeWait);
    let counted: u64 = states.map(|(_, figure)| figure.value.max(0) as u64).sum();
    case.ledger.counted.contains(&SocketState::Established) && counted > 0 && counted.abs_diff(hashed) * 20 <= hashed
}

/// Whether the table or the descriptors of all processes show about as many TCP sockets as the kernel counts; orphans are no descriptors.
fn holders_show(case: &Case<'_>, hashed: u64) -> bool {
    let orphans = case.ledger.books.orphan.as_ref().map_or(0, |f| f.value.max(0) as u64);
    counted(case, shown(case).max(held_tcp(case).saturating_add(orphans)), hashed)
}

/// TCP sockets in a connection state that processes are shown to hold.
fn held_tcp(case: &Case<'_>) -> u64 {
    let tcp = |k: Kind| k.is_inet() && !matches!(k, Kind::Closed | Kind::Udp | Kind::TimeWait);
    case.ledger.piles.iter().filter(|p| tcp(p.kind) && p.foreign.is_none()).map(|p| p.count).sum()
}

/// From how many sockets of other families than TCP on that the kernel counts and nothing shows one of them may pile up.
const NAMELESS: u64 = 100;

/// Formats whose rows are sockets and descriptors.
const TABLES: &[&str] = &["fd", "lsof", "netstat", "proc-net-tcp", "ss"];
/// From how many lines that were not understood, and from what share of a table, in percent, rows are missing.
const UNREAD: u32 = 16;
const UNREAD_SHARE: u32 = 25;

/// Tables of which many lines were not understood, as where a terminal broke each in two, with the number of those lines.
fn unread<'a>(case: &'a Case<'_>) -> impl Iterator<Item = (&'a str, u32)> {
    let members = case.members.iter().filter(|m| m.reading.unknown.len() > 1);
    members.filter_map(|m| {
        let broken = |s: &&crate::formats::reading::Section| {
            TABLES.contains(&s.format) && s.unknown >= UNREAD && u64::from(s.unknown) * 100 >= u64::from(s.lines) * u64::from(UNREAD_SHARE)
        };
        let lines: u32 = m.reading.sections.iter().filter(broken).map(|s| s.unknown).sum();
        (lines > 0).then_some((m.path.as_str(), lines))
    })
}

/// What was over a bound of the reading, a sentence each.
pub fn left_out(case: &Case<'_>) -> Vec<String> {
    case.snapshot.room.over().map(|(what, n)| what.says(n, |n| number(i64::try_from(n).unwrap_or(i64::MAX)))).collect()
}

/// What a reader should know of a capture: cut members, missing privilege, filters.
pub fn remarks(case: &Case<'_>) -> Vec<(String, Option<Quote>)> {
    let mut all: Vec<(String, Option<Quote>)> = left_out(case).into_iter().map(|says| (says, None)).collect();
    all.extend(unread(case).take(4).map(|(path, lines)| {
        (format!("{path}: {} lines of a table were not understood: their rows are missing", number(i64::from(lines))), None)
    }));
    all.extend(case.ledger.cut.as_ref().map(|cut| {
        let last = Owner::of(case.snapshot, cut.last, 0).named();
        (format!("{} ends inside a row: it is cut after {last}, and processes behind it are missing; repeat it", cut.path), None)
    }));
    all.extend(case.snapshot.identity.get(&IdentityKey::System).map(|(system, quote)| {
        let says = format!("the host runs {system}, no Linux: of its tools only lsof is read, and its netstat is not");
        (says, Some(quote.clone()))
    }));
    for member in case.members {
        if all.len() >= MAX_REMARKS {
            break;
        }
        let what = match &member.end {
            MemberEnd::Cut(why) => format!("{} is cut: {why}", member.path),
            MemberEnd::Skipped(why) => format!("{} was not read: {why}", member.path),
            MemberEnd::Whole if member.reading.bytes == 0 => format!("{} is empty: that is missing evidence, not zero", member.path),
            _ => continue,
        };
        all.push((what, None));
    }
    let mut seen = std::collections::BTreeSet::new();
    let mut commands = Vec::new();
    for remark in &case.snapshot.remarks {
        // A manifest tells of each command and of each tool that was not there: every one counts, not only the first.
        if remark.format == "manifest" {
            commands.push((format!("{}:{}: {}", case.path(&remark.quote), remark.quote.at.line, remark.text), None));
            continue;
        }
        let telling = !matches!(remark.kind, NoteKind::TableStart | NoteKind::CommandStart | NoteKind::SampleStart | NoteKind::Warning);
        if telling && seen.insert((remark.kind, remark.quote.at.member)) {
            all.push((format!("{}: {}", case.path(&remark.quote), remark.kind.word()), Some(remark.quote.clone())));
        }
    }
    all.extend(case.snapshot.traces.iter().filter_map(joining));
    // What a log names as a cause of something else than sockets.
    let other = case.told().filter(|s| s.weight == Weight::Cause && s.points_to.is_empty());
    all.extend(other.map(|s| (format!("{}: {}", case.path(&s.first), s.means), Some(s.first.clone()))));
    all.extend(detectors(case));
    all.truncate(MAX_REMARKS);
    let more = commands.len().saturating_sub(MAX_REMARKS);
    all.extend(commands.into_iter().take(MAX_REMARKS));
    if more > 0 {
        all.push((format!("{more} more commands gave nothing or not all, as the manifest tells"), None));
    }
    all
}

/// What a program's own leak detector says again and again, where no pile bears it out.
fn detectors(case: &Case<'_>) -> Vec<(String, Option<Quote>)> {
    const LEAKS: &[&str] = &["accept-not-closed", "peer-closed-not-closed", "pool-unbounded"];
    let tells =
        |s: &&Sighting| s.weight == Weight::Cause && s.count > 1 && s.points_to.first().is_some_and(|p| LEAKS.contains(&p.as_str()));
    if case.ledger.piles.iter().any(|pile| crate::causes::suspect(case, pile).is_some()) {
        return Vec::new();
    }
    let mut all: Vec<(&Sighting, u64)> = Vec::new();
    for s in case.told().filter(tells) {
        match all.iter_mut().find(|(first, _)| first.signature == s.signature) {
            Some((_, lines)) => *lines += s.count,
            None => all.push((s, s.count)),
        }
    }
    let says = |(s, lines): (&Sighting, u64)| {
        let (path, means) = (case.path(&s.first), s.means.trim_end_matches('.'));
        let says = format!("{path}: {} lines, which no sockets of this capture bear out: {means}", number(lines as i64));
        (says, Some(s.first.clone()))
    };
    all.into_iter().map(says).collect()
}

/// A trace of a thread that waits for another to end, which looks like a hang and is how every JVM's first thread looks.
///
/// glibc joins on the thread's tid word with a shared `FUTEX_WAIT` (or `_BITSET` with a clock) without a time limit; a lock is `_PRIVATE`.
fn joining(trace: &Trace) -> Option<(String, Option<Quote>)> {
    let blocked = trace.pending.iter().find(|b| {
        let text = b.quote.text();
        let shared = text.contains("FUTEX_WAIT") && !text.contains("_PRIVATE");
        let value = text.split(',').nth(2).and_then(|v| v.trim().parse::<u32>().ok());
        shared && text.contains("NULL") && value.is_some_and(|v| v > 1 && b.tid.or(trace.pid).is_none_or(|t| v > t))
    })?;
    let says = "the futex line of the trace proves no hang: a shared wait on a thread id without a time limit is a thread joining another, as the first thread of every JVM does; strace -f would show the threads that work";
    Some((says.to_string(), Some(blocked.quote.clone())))
}

fn whole_tables() -> Missing {
    Missing {
        what: "the socket tables with holders".into(),
        would: "tell states, remotes and holders".into(),
        command: "sudo ss -tanpoe".into(),
    }
}

fn again() -> Missing {
    Missing {
        what: "a second capture a few minutes later".into(),
        would: "tell growth from a level".into(),
        command: "sh collect.sh".into(),
    }
}

/// From how many sockets of one kind on a question to them comes before those to the whole host.
const SOME: u64 = 8;

/// What would decide on the largest pile, where no finding is about it: whom unix sockets are connected with, whether connections to one remote
/// become more.
fn of_the_largest(report: &HostReport) -> Option<Missing> {
    let (index, pile) = report.piles.iter().enumerate().find(|(_, p)| p.owner.is_some() && p.count >= SOME)?;
    let pid = pile.owner.as_ref()?.pids.first()?.0;
    if pile.kind == Kind::Unix {
        return Some(Missing {
            what: "the unix sockets with their peers".into(),
            would: format!("tell whom those of {pid} are connected with"),
            command: format!("sudo ss -xap; sudo lsof +E -aU -p {pid}"),
        });
    }
    let to_one = report.remotes.get(&index).and_then(|r| r.first()).is_some_and(|(_, n)| n * 10 >= pile.count * 9);
    if pile.kind != Kind::Established || !to_one || report.coverage.growth {
        return None;
    }
    let by_list = pile.words.first().is_some_and(|w| w.source == "lsof");
    Some(Missing {
        what: format!("the same list of {pid} a few minutes later"),
        would: "tell growth from a level".into(),
        command: if by_list { format!("sudo lsof -nP -a -i -p {pid}") } else { "sudo ss -tanpoe".into() },
    })
}

/// Whether no holder is to be found any more: each finding names its own or is about what nobody holds, and no socket is left unexplained.
fn holders_known<'f>(findings: impl Iterator<Item = &'f Finding>, report: &HostReport) -> bool {
    let mut main = findings.filter(|f| f.claim.class != Class::Note).peekable();
    let nobodys = |f: &Finding| matches!(f.claim.kind, Some(Kind::TimeWait));
    let unexplained = report.unexplained.is_some_and(|n| n >= NAMELESS as i64);
    main.peek().is_some() && main.all(|f| f.claim.owner.is_some() || nobodys(f)) && !unexplained
}

/// What lacks of a process's own limit of open files, and of what counts against it.
fn own_limit(pid: u32, report: &HostReport) -> Option<Missing> {
    let seen = report.processes.get(&pid);
    let would = "tell how near the process is to its own limit".to_string();
    let counted = format!("ls /proc/{pid}/fd | wc -l");
    match seen.map(|s| (&s.limit, s.descriptors)) {
        Some((Some(LimitValue::Unlimited), _)) => None,
        Some((Some(LimitValue::At(_)), Some((_, true)))) => None,
        Some((Some(LimitValue::At(_)), _)) => {
            Some(Missing { what: format!("the number of descriptors of {pid}"), would, command: counted })
        }
        _ if report.coverage.limits => None,
        _ if report.coverage.limits_of_nobody => Some(Missing {
            what: format!("the descriptors of {pid}, and of which process the captured limits are"),
            would,
            command: format!("cat /proc/{pid}/limits; {counted}"),
        }),
        _ => {
            Some(Missing { what: format!("limits and descriptors of {pid}"), would, command: format!("cat /proc/{pid}/limits; {counted}") })
        }
    }
}

/// What to capture next, most telling first.
pub fn next(findings: &[Finding], reports: &[HostReport], verdict: Verdict) -> Vec<Missing> {
    let mut next: Vec<Missing> = Vec::new();
    let mut add = |m: Missing| {
        if !next.iter().any(|n| n.what == m.what) && next.len() < 6 {
            next.push(m);
        }
    };
    for finding in findings.iter().filter(|f| f.claim.class != Class::Note) {
        finding.claim.missing.iter().cloned().for_each(&mut add);
        let pid = finding.claim.owner.as_ref().and_then(|o| o.pids.first()).map(|p| p.0);
        if let (Some(pid), Some(report)) = (pid, finding.hosts.first().and_then(|&h| reports.get(h))) {
            own_limit(pid, report).into_iter().for_each(&mut add);
        }
    }
    if verdict == Verdict::Inconclusive {
        let notes = findings.iter().filter(|f| f.claim.class == Class::Note);
        notes.flat_map(|f| &f.claim.missing).cloned().for_each(&mut add);
    }
    if verdict != Verdict::Healthy {
        reports.iter().flat_map(|r| &r.unjudged).map(|u| u.missing.clone()).for_each(&mut add);
        for (number, report) in reports.iter().enumerate() {
            let coverage = &report.coverage;
            if verdict == Verdict::Inconclusive && !findings.iter().any(|f| f.hosts.contains(&number)) {
                of_the_largest(report).into_iter().for_each(&mut add);
            }
            // One that shows growth, as outputs below each other may, needs no second.
            let grew = |f: &Finding| f.hosts.contains(&number) && f.claim.evidence.iter().any(|e| e.by == Witnessed::Growth);
            let course = coverage.growth || findings.iter().any(grew);
            let held = holders_known(findings.iter().filter(|f| f.hosts.contains(&number)), report);
            // Rows that name their holders leave open how many there are, and whether they stay.
            if coverage.rows && coverage.holders && !coverage.table && !course {
                add(whole_tables());
                add(again());
            }
            if !coverage.descriptors && !held {
                add(Missing {
                    what: "the descriptors of all processes".into(),
                    would: "name who holds the sockets".into(),
                    command: "sudo lsof -nP +c0".into(),
                });
            }
            if !coverage.books {
                add(Missing {
                    what: "the kernel's socket counts".into(),
                    would: "tell how many sockets exist in no table".into(),
                    command: "cat /proc/net/sockstat /proc/net/sockstat6; ss -s".into(),
                });
            }
            if !coverage.table {
                add(whole_tables());
            }
            if !course {
                add(again());
            }
        }
    }
    next
}
