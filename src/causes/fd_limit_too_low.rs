//! A descriptor limit too low for the load.

use super::claim::{Class, Evidence, Strength, Witnessed};
use super::support;
use super::{Case, Claim, Exclusion, limit_by_name, number, suspect};
use crate::capture::Quote;
use crate::capture::logs::Sighting;
use crate::capture::process::Proc;
use crate::facts::LimitValue;
use crate::ledger::{CountIs, Kind, Owner, Pile, tally};
use crate::signatures::Weight;

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

/// Fewer sockets are no part of a full table that is worth a word.
const SOME: u64 = 40;
/// From how many connects on they may be what fills a limit that was not captured: hardly a service has one below 1024.
const MANY_CONNECTS: u64 = 900;

/// A process near its limit.
pub(super) struct Full {
    pub pid: u32,
    pub descriptors: u64,
    pub limit: u64,
    /// Whether the limit is its own, or of a file that does not say whose it is.
    pub own: bool,
    pub at: Vec<Quote>,
}

fn weigh(case: &Case<'_>) -> Vec<Claim> {
    let errors = errors(case);
    let full = full(case);
    let asked = limit_by_name::nearest(case).filter(|_| full.is_none());
    let by_name = asked.as_ref().filter(|a| a.is_full(case));
    if full.is_none() && by_name.is_none() && errors.is_empty() {
        return Vec::new();
    }
    let filling = filling(case).filter(|_| full.is_none() && by_name.is_none() && !errors.is_empty());
    // A leak that fills the table makes the limit its effect, and files that fill it are another finding.
    let leaking = case.ledger.piles.iter().any(|p| suspect(case, p).is_some() && full.as_ref().is_none_or(|f| p.held_by(f.pid)));
    let need = need(case).filter(|_| !errors.is_empty());
    let files = full.as_ref().is_some_and(|f| super::fd_limit_by_files::mostly_files(case, f.pid));
    if leaking || files || !super::fd_limit_by_files::weigh(case).is_empty() {
        return Vec::new();
    }
    // What fills the table decides between a limit that is too low and a leak.
    let known = full.as_ref().is_some_and(|f| knows_content(case, f)) || by_name.is_some_and(|a| a.live_fill(case)) || filling.is_some();
    let pid = full.as_ref().map(|f| f.pid).or_else(|| errors.iter().find_map(|e| e.1));
    let most = if known || need.is_some() { None } else { most_of(case, pid) };
    let (class, says) = match (known, most) {
        (true, _) => (Class::Exhaustion, "at the limit of open files, without a sign of a leak".to_string()),
        _ if need.is_some() => {
            (Class::Exhaustion, "at a limit of open files that is lower than what the program itself says it needs".to_string())
        }
        (_, Some(pile)) => (Class::Note, format!("a limit of open files was reached, and {}", undecided_pile(case, pile, true))),
        _ => (Class::Note, "a limit of open files was reached, and nothing captured says what fills it".to_string()),
    };
    let mut claim = support::note("fd-limit-too-low", class, says);
    let asked_for = by_name.map(|a| Owner { command: a.program.clone(), ..Owner::default() });
    let filler = filling.and_then(|pile| pile.owner.clone());
    claim.owner = filler.or_else(|| pid.map(|pid| owner(case, pid))).or(asked_for).or_else(|| named_by_log(case));
    claim.is = CountIs::Exact;
    if let Some(pile) = most {
        claim.owner = claim.owner.or_else(|| pile.owner.clone());
        (claim.kind, claim.count, claim.is) = (Some(pile.kind), Some(pile.count), pile.is);
    }
    if let Some(f) = &full {
        claim.is = CountIs::Exact;
        claim.count = Some(f.descriptors);
        let whose = if f.own { "" } else { ", if the only captured limit is its own: no other process comes near it" };
        let says = format!("{} of at most {} descriptors are open{whose}", number(f.descriptors as i64), number(f.limit as i64));
        claim.evidence.push(Evidence::new(Strength::Strong, Witnessed::Limit, says, f.at.clone()));
    }
    if let Some(a) = by_name {
        claim.count = a.open.as_ref().map(|o| o.0);
        claim.evidence.push(Evidence::new(Strength::Strong, Witnessed::Limit, a.says(), a.at()));
    }
    if let Some(need) = &need {
        claim.evidence.push(Evidence::new(Strength::Strong, Witnessed::Limit, need.says(), [need.quote.clone()]));
    }
    if let Some(pile) = filling {
        let says = format!("{} of its descriptors are {}", number(pile.count as i64), pile.kind.noun(pile.count));
        claim.evidence.push(Evidence::new(Strength::Moderate, Witnessed::Table, says, pile.traits.quotes.iter().take(1).cloned()));
    }
    for (says, _, quotes) in errors {
        claim.evidence.push(Evidence::new(Strength::Moderate, Witnessed::Log, says, quotes));
    }
    if let Some(a) = asked.as_ref().filter(|a| a.open.is_none() && claim.class == Class::Note) {
        claim.evidence.push(Evidence::new(Strength::Weak, Witnessed::Limit, a.says(), [a.limit.1.clone()]));
        claim.missing.push(descriptors(&a.program));
    } else if claim.class == Class::Note {
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
    let pid = claim.owner.as_ref().and_then(|o| o.pids.first()).map(|p| p.0);
    let what =
        most_of(case, pid).map_or("nothing captured says what fills it".into(), |pile| undecided_pile(case, pile, claim.owner.is_none()));
    Some((format!("{who} reached its limit of open files, and {what}"), claim.missing.into_iter().next()?))
}

/// The pile that is most of what the capture shows of the process at its limit, or, where nothing tells which it is, of all.
fn most_of<'a>(case: &Case<'a>, pid: Option<u32>) -> Option<&'a Pile> {
    let mut piles = case
        .ledger
        .piles
        .iter()
        .filter(|p| p.kind != Kind::TimeWait && p.count >= SOME && pid.is_none_or(|pid| p.owner.as_ref().is_none_or(|o| o.has(pid))));
    let first = piles.next()?;
    piles.all(|next| next.count * 2 <= first.count).then_some(first)
}

/// What is said of it: that it is there, and no more.
fn undecided_pile(case: &Case<'_>, pile: &Pile, named: bool) -> String {
    let whose = pile.owner.as_ref().filter(|_| named).map_or(String::new(), |o| format!(" of {}", o.named()));
    let toward = pile.top_remote().filter(|(end, n)| n * 10 >= pile.count * 9 && !end.is_unset());
    let toward = toward.map_or(String::new(), |(end, _)| format!(" with {}", case.show(end)));
    let (count, kind) = (number(pile.count as i64), pile.kind.plural());
    format!("most of what was captured are {count} {kind}{whose}{toward}: in use, or left over")
}

/// The connects under way that fill a limit which a log says is reached, where no other program is in question: they are given up in time, and
/// make no leak.
fn filling<'c>(case: &'c Case<'_>) -> Option<&'c Pile> {
    let pile = case.ledger.piles.iter().find(|p| p.kind == Kind::SynSent && p.owner.is_some() && p.count >= MANY_CONNECTS)?;
    (case.is_only_program(pile) && suspect(case, pile).is_none()).then_some(pile)
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

/// What is missing where the limit is known.
fn descriptors(program: &str) -> super::Missing {
    super::Missing {
        what: format!("the descriptors of {program}"),
        would: "tell a limit that is too low from a leak that fills it".into(),
        command: format!("ls -l /proc/$(pidof -s {program})/fd"),
    }
}

/// What a program says at its start of how many descriptors it may have, and how many it may come to need.
struct Need {
    limit: i64,
    need: i64,
    quote: Quote,
}

impl Need {
    fn says(&self) -> String {
        format!("the program itself says that it may need {} descriptors, and that its limit is {}", number(self.need), number(self.limit))
    }
}

/// Such a statement, where it says that the limit does not do.
fn need(case: &Case<'_>) -> Option<Need> {
    case.told_now("fd-limit-too-low").filter(|s| s.signature == "descriptors-needed").find_map(|s| {
        let text = s.last.text().to_ascii_lowercase();
        let number_behind = |words: &str| {
            let rest = text.split_once(words)?.1.trim_start_matches([':', ' ', '=']);
            rest.split(|c: char| !c.is_ascii_digit()).next()?.parse::<i64>().ok()
        };
        let (limit, need) = (number_behind("descriptor limit")?, number_behind("expected fd use")?);
        (need > limit).then(|| Need { limit, need, quote: s.last.clone() })
    })
}

/// The process that is nearest to its own limit, if one is near.
pub(super) fn full(case: &Case<'_>) -> Option<Full> {
    near_its_own(case).or_else(|| near_the_only(case))
}

/// The only process that can be at the only limit of a file that does not say whose it is: it has nearly as many descriptors open, and all
/// others whose descriptors are known have few.
fn near_the_only(case: &Case<'_>) -> Option<Full> {
    let [(LimitValue::At(limit), quote)] = case.snapshot.nameless_limits.as_slice() else { return None };
    let open = |(&pid, holding): (&u32, &crate::ledger::Holding)| {
        let own = case.snapshot.processes.get(&pid).is_some_and(|p| p.nofile.is_some());
        holding.at_least().filter(|_| !own).map(|(n, row)| (pid, n, row))
    };
    let mut near = case.ledger.holdings.iter().filter_map(open).filter(|(_, n, _)| n.saturating_mul(2) >= *limit);
    let (pid, descriptors, row) =
        near.next().filter(|(_, n, _)| n <= limit && n.saturating_mul(100) >= limit.saturating_mul(case.thresholds.near_limit))?;
    near.next().is_none().then(|| Full { pid, descriptors, limit: *limit, own: false, at: vec![quote.clone(), row] })
}

fn near_its_own(case: &Case<'_>) -> Option<Full> {
    let mut best: Option<Full> = None;
    for (&pid, proc) in &case.snapshot.processes {
        let Some((LimitValue::At(limit), _, quote)) = &proc.nofile else { continue };
        let Some((descriptors, row)) = case.ledger.holdings.get(&pid).and_then(|h| h.at_least()) else { continue };
        if descriptors.saturating_mul(100) >= limit.saturating_mul(case.thresholds.near_limit)
            && best.as_ref().is_none_or(|b| descriptors > b.descriptors)
        {
            best = Some(Full { pid, descriptors, limit: *limit, own: true, at: vec![quote.clone(), row] });
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
    for s in reached(case) {
        all.push((format!("the log says so {}: {}", support::times(s.count), s.means.trim_end_matches('.')), s.pid, vec![s.first.clone()]));
    }
    all.truncate(4);
    all
}

/// Lines that say that a limit is reached; a circumstance, such as what the limit is, says nothing of the kind.
fn reached<'a>(case: &Case<'a>) -> impl Iterator<Item = &'a Sighting> {
    case.told_now("fd-limit-too-low").filter(|s| is_reached(s))
}

/// Whether a line says so.
pub(super) fn is_reached(sighting: &Sighting) -> bool {
    sighting.weight > Weight::Context && sighting.points_to.iter().any(|p| p == "fd-limit-too-low")
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
    let s = reached(case).find(|s| !s.program.is_empty())?;
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
        if let Some(told) = by_name(case, suspect).or_else(|| nameless(case, suspect)) {
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

/// What a limit says that was asked for by a program's name, which is that of the process in question or of the only one that was looked at.
fn by_name(case: &Case<'_>, suspect: Option<&Pile>) -> Option<Exclusion> {
    let asked = limit_by_name::nearest(case)?;
    let other = suspect.and_then(|p| p.owner.as_ref()).is_some_and(|o| o.command != asked.program && o.program != asked.program);
    match asked.open {
        _ if other => None,
        Some(_) if asked.is_full(case) => Exclusion::not(asked.says(), asked.at()),
        Some(_) => Exclusion::out(asked.says(), asked.at()),
        None => Exclusion::not(format!("cannot be ruled out: {}", asked.says()), asked.at()),
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
