//! A descriptor limit too low for the load.

use super::claim::{Class, Evidence, Strength, Witnessed};
use super::support;
use super::{Case, Claim, Exclusion, number, suspect};
use crate::capture::Quote;
use crate::capture::process::Proc;
use crate::facts::LimitValue;
use crate::ledger::{CountIs, Kind, Owner, Pile, tally};

cause! {
    /// A process reaches its soft limit of open files although nothing leaks: its load simply needs more.
    ///
    /// # How it looks
    /// - strace: `accept4`, `socket` or `open` = -1 EMFILE at exactly the limit; often a loop at 100% CPU, since the connection stays
    ///   acceptable.
    /// - log: `Too many open files`, errno 24; Go: `accept: too many open files; retrying in 1s`.
    /// - /proc/PID/limits: `Max open files` 1024 or 4096; /proc/PID/fd: as many entries.
    /// - lsof: descriptors spread over live peers, files and libraries; no pile of one useless kind.
    /// - ss, netstat: ESTABLISHED rows; a full accept queue on the listener. `ss -s`, sockstat: closed minus timewait near 0.
    ///
    /// # Evidence for
    /// - A limit of 1024 or so, filled by live connections; a count that tracks the load and stays.
    ///
    /// # Evidence against
    /// - A pile of one kind that has no use: then the leak is the cause and the limit its effect.
    /// - Room between descriptors and the process's own limit.
    ///
    /// # Mistaken for
    /// - A leak; and a leak for it: raising the limit only delays a leak.
    /// - The shell's `ulimit -n`, which is not the limit of a service. /proc/PID/limits is.
    /// - `system-file-limit`: that is ENFILE, errno 23.
    /// - A kernel ceiling on sockets at 1024: there is none.
    ///
    /// # Confirm
    /// - `grep 'open files' /proc/PID/limits`; `ls /proc/PID/fd | wc -l`, twice under load.
    ///
    /// # Now
    /// - `prlimit --pid PID --nofile=SOFT:HARD`: takes effect at once, without a restart.
    ///
    /// # For good
    /// - systemd: LimitNOFILE= in the unit; limits.conf does not apply to units. Docker: `--ulimit nofile=` or the daemon's default.
    /// - nginx: worker_rlimit_nofile. HAProxy computes its own from maxconn. PHP-FPM: rlimit_files. Java: -XX:-MaxFDLimit matters on
    ///   macOS only.
    /// - Go 1.19 and later raise the soft limit to the hard one by themselves. Node, Python: start with a higher soft limit. Redis
    ///   and Kafka: maxclients and the unit's limit.
    /// - Programs that use select(2) break above 1024 whatever the limit is.
    ///
    /// # References
    /// getrlimit(2) RLIMIT_NOFILE, prlimit(1), systemd.exec(5) LimitNOFILE; github.com/nodejs/node issue 45242.
    FdLimitTooLow, "fd-limit-too-low", lookalike, "the limit of open files is lower than the load needs", weigh, rule_out
}

/// A process near its limit.
pub(super) struct Full {
    pub pid: u32,
    pub descriptors: u64,
    pub limit: u64,
    pub at: Vec<Quote>,
}

fn weigh(case: &Case<'_>) -> Vec<Claim> {
    let errors = errors(case);
    let full = full(case);
    if full.is_none() && errors.is_empty() {
        return Vec::new();
    }
    // A leak that fills the table makes the limit its effect, and files that fill it are another finding.
    let leaking = case.ledger.piles.iter().any(|p| suspect(case, p).is_some() && full.as_ref().is_none_or(|f| p.held_by(f.pid)));
    let files = full.as_ref().is_some_and(|f| super::fd_limit_by_files::mostly_files(case, f.pid));
    if leaking || files || !super::fd_limit_by_files::weigh(case).is_empty() {
        return Vec::new();
    }
    // What fills the table decides between a limit that is too low and a leak.
    let known = full.as_ref().is_some_and(|f| knows_content(case, f));
    let (class, says) = match known {
        true => (Class::Exhaustion, "at the limit of open files, without a sign of a leak"),
        false => (Class::Note, "a limit of open files was reached, and nothing captured says what fills it"),
    };
    let mut claim = support::note("fd-limit-too-low", class, says);
    let pid = full.as_ref().map(|f| f.pid).or_else(|| errors.iter().find_map(|e| e.1));
    claim.owner = pid.map(|pid| owner(case, pid)).or_else(|| named_by_log(case));
    claim.is = CountIs::Exact;
    if let Some(f) = &full {
        claim.count = Some(f.descriptors);
        let says = format!("{} of at most {} descriptors are open", number(f.descriptors as i64), number(f.limit as i64));
        claim.evidence.push(Evidence::new(Strength::Strong, Witnessed::Limit, says, f.at.clone()));
    }
    for (says, _, quotes) in errors {
        claim.evidence.push(Evidence::new(Strength::Moderate, Witnessed::Log, says, quotes));
    }
    if !known {
        claim.missing.push(content(pid));
    }
    claim.now = vec![match pid {
        Some(pid) => format!("prlimit --pid {pid} --nofile=SOFT:HARD raises it at once"),
        None => "prlimit --pid PID --nofile=SOFT:HARD raises it at once; a process in a container has another PID on the node".into(),
    }];
    claim.fix = vec!["LimitNOFILE in the service's unit, sized for two descriptors per proxied connection; /etc/security/limits.conf does not apply to units".into()];
    if pid.is_none() {
        claim.fix.push(
            "in a container the runtime sets it: docker run --ulimit nofile=, or LimitNOFILE of containerd's unit on the node".into(),
        );
    }
    vec![claim]
}

/// A limit that was reached, where the capture does not say by what: neither a leak nor a limit that is too low.
pub fn undecided(case: &Case<'_>) -> Option<(String, super::Missing)> {
    let claim = weigh(case).into_iter().find(|c| c.class == Class::Note)?;
    let who = claim.owner.as_ref().map_or("a process".to_string(), Owner::named);
    Some((format!("{who} reached its limit of open files, and nothing captured says what fills it"), claim.missing.into_iter().next()?))
}

/// Whether the capture tells what most of the open descriptors are.
fn knows_content(case: &Case<'_>, full: &Full) -> bool {
    let Some(holding) = case.ledger.holdings.get(&full.pid) else { return false };
    let told = |kind: &&Kind| **kind != Kind::Unidentified && **kind != Kind::TimeWait;
    let known: u64 = holding.kinds.keys().filter(told).filter_map(|&k| holding.count(k)).map(|c| c.0).sum();
    known * 2 >= full.descriptors
}

fn content(pid: Option<u32>) -> super::Missing {
    super::Missing {
        what: "the limit and the descriptors of the process".into(),
        would: "tell a limit that is too low from a leak that fills it".into(),
        command: match pid {
            Some(pid) => format!("cat /proc/{pid}/limits; ls -l /proc/{pid}/fd"),
            None => "cat /proc/PID/limits; ls -l /proc/PID/fd".into(),
        },
    }
}

/// The process that is nearest to its own limit, if one is near.
pub(super) fn full(case: &Case<'_>) -> Option<Full> {
    let mut best: Option<Full> = None;
    for (&pid, proc) in &case.snapshot.processes {
        let Some((LimitValue::At(limit), _, quote)) = &proc.nofile else { continue };
        let Some((descriptors, row)) = case.ledger.holdings.get(&pid).and_then(|h| h.at_least()) else { continue };
        if descriptors.saturating_mul(100) >= limit.saturating_mul(case.thresholds.near_limit)
            && best.as_ref().is_none_or(|b| descriptors > b.descriptors)
        {
            best = Some(Full { pid, descriptors, limit: *limit, at: vec![quote.clone(), row] });
        }
    }
    best
}

/// EMFILE in traces and logs: what says so, whose, where.
pub(super) fn errors(case: &Case<'_>) -> Vec<(String, Option<u32>, Vec<Quote>)> {
    let mut all = Vec::new();
    for trace in case.snapshot.traces.iter().filter(|t| t.emfile.0 > 0) {
        all.push((format!("strace: calls fail with EMFILE {} times", number(trace.emfile.0 as i64)), trace.pid, trace.emfile.1.0.clone()));
    }
    for s in case.told_now("fd-limit-too-low") {
        all.push((format!("the log says so {}: {}", support::times(s.count), s.means.trim_end_matches('.')), s.pid, vec![s.first.clone()]));
    }
    all.truncate(4);
    all
}

fn owner(case: &Case<'_>, pid: u32) -> Owner {
    let owner = Owner::of(case.snapshot, pid, 0);
    if !owner.command.is_empty() {
        return owner;
    }
    let logged = case.told().find(|s| s.pid == Some(pid)).map(|s| s.program.clone());
    Owner { command: logged.unwrap_or_default(), ..owner }
}

fn named_by_log(case: &Case<'_>) -> Option<Owner> {
    let s = case.told_now("fd-limit-too-low").find(|s| !s.program.is_empty())?;
    Some(Owner { command: s.program.clone(), ..Owner::default() })
}

fn rule_out(case: &Case<'_>) -> Option<Exclusion> {
    if full(case).is_some() || !errors(case).is_empty() {
        let at = full(case).map(|f| f.at).into_iter().flatten().chain(errors(case).into_iter().flat_map(|e| e.2)).take(2).collect();
        return Exclusion::not("a limit of open files is reached", at);
    }
    // The process in question is the one with the largest pile; its own limit counts, never the shell's.
    let suspect = case.ledger.piles.iter().filter(|p| p.kind != Kind::File && p.owner.is_some()).find(|p| suspect(case, p).is_some());
    let known = match suspect {
        Some(pile) => Room::of_pile(pile),
        None => nearest(case),
    };
    let Some(room) = known else {
        if let Some(told) = nameless(case, suspect) {
            return Some(told);
        }
        return Exclusion::not(
            "cannot be ruled out: /proc/PID/limits of the process in question was not captured; a shell's ulimit is not it",
            Vec::new(),
        );
    };
    let (name, limit) = (&room.name, number(room.limit.0 as i64));
    match room.open {
        Some((n, true)) => {
            Exclusion::out(format!("{name} has {} of at most {limit} descriptors open", number(n as i64)), vec![room.limit.1])
        }
        Some((n, false)) => Exclusion::not(
            format!("{name} has at least {} of at most {limit} descriptors open; how many in all was not counted", number(n as i64)),
            vec![room.limit.1],
        ),
        None => Exclusion::not(
            format!("cannot be ruled out: the limit of {name} is {limit}, and its descriptors were not counted"),
            vec![room.limit.1],
        ),
    }
}

/// What limits say that do not tell whose they are: nothing is ruled out by them, and nobody has to look for them either.
fn nameless(case: &Case<'_>, suspect: Option<&Pile>) -> Option<Exclusion> {
    let all = &case.snapshot.nameless_limits;
    let (limit, quote) = all.first()?;
    if all.len() > 1 {
        let says = format!("cannot be ruled out: {} captured limits name no process", number(all.len() as i64));
        return Exclusion::not(says, all.iter().take(2).map(|(_, q)| q.clone()).collect());
    }
    let file = case.path(quote);
    let LimitValue::At(limit) = limit else {
        return Exclusion::not(format!("cannot be ruled out: the limits in {file} name no process"), vec![quote.clone()]);
    };
    let says = match suspect.and_then(open_of_pile).or_else(|| open_of_only(case)) {
        Some((name, n, whole)) => {
            let lead = if whole { "" } else { "at least " };
            format!("if they are of {name}, {lead}{} of at most {} descriptors are open", number(n as i64), number(*limit as i64))
        }
        None => format!("whose limit of open files is {}, the capture does not tell", number(*limit as i64)),
    };
    Exclusion::not(format!("cannot be ruled out: the limits in {file} name no process; {says}"), vec![quote.clone()])
}

/// The holder of a pile and its open descriptors, and whether they were all counted.
fn open_of_pile(pile: &Pile) -> Option<(String, u64, bool)> {
    let counted = pile.descriptors.as_ref().filter(|d| d.1).map(|(n, ..)| (*n, true));
    let (n, whole) = counted.or_else(|| pile.at_least.as_ref().map(|(n, _)| (*n, false)))?;
    Some((pile.owner.as_ref()?.named(), n, whole))
}

/// The same of the only process whose descriptors were listed.
fn open_of_only(case: &Case<'_>) -> Option<(String, u64, bool)> {
    let mut listed = case.snapshot.processes.iter().filter(|(_, p)| !p.lists.is_empty());
    let (&pid, _) = listed.next().filter(|_| listed.next().is_none())?;
    let (n, whole, _) = case.ledger.holdings.get(&pid)?.descriptors.as_ref()?;
    Some((owner(case, pid).named(), *n, *whole))
}

/// What a process has open of what it may have.
struct Room {
    name: String,
    limit: (u64, Quote),
    /// Open descriptors, and whether they were all counted.
    open: Option<(u64, bool)>,
}

impl Room {
    fn of_pile(pile: &Pile) -> Option<Room> {
        let open = open_of_pile(pile).map(|(_, n, whole)| (n, whole));
        Some(Room { name: pile.owner.as_ref()?.named(), limit: pile.limit.clone()?, open })
    }

    /// Whether all was counted, and how full it is.
    fn rank(&self) -> (bool, u128) {
        let (n, whole) = self.open.unwrap_or_default();
        (whole, u128::from(n) * 1000 / u128::from(self.limit.0.max(1)))
    }
}

/// The process that is nearest to its own limit of those whose limit is known, the ones whose descriptors were counted first.
fn nearest(case: &Case<'_>) -> Option<Room> {
    let counted = tally::descriptors(case.snapshot);
    let of = |(&pid, proc): (&u32, &Proc)| {
        let Some((LimitValue::At(limit), _, quote)) = &proc.nofile else { return None };
        let holding = case.ledger.holdings.get(&pid);
        let listed = holding.and_then(|h| h.descriptors.as_ref()).map(|(n, whole, _)| (*n, *whole));
        let told = counted.get(&pid).map(|(n, _)| (*n, true));
        let seen = holding.and_then(|h| h.at_least()).map(|(n, _)| (n, false));
        let open = told.into_iter().chain(listed).chain(seen).max_by_key(|(n, whole)| (*whole, *n));
        Some(Room { name: owner(case, pid).named(), limit: (*limit, quote.clone()), open })
    };
    case.snapshot.processes.iter().filter_map(of).max_by_key(Room::rank)
}
