//! A descriptor limit too low for the load.

use super::claim::{Class, Evidence, Strength, Witnessed};
use super::fd_limit_room::rule_out;
use super::support;
use super::{Case, Claim, limit_by_name, number, suspect};
use crate::capture::Quote;
use crate::capture::logs::Sighting;
use crate::capture::process::base_name;
use crate::facts::LimitValue;
use crate::ledger::{CountIs, Kind, Owner, Pile, counted_descriptors};
use crate::signatures::Weight;
use std::collections::BTreeMap;

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

/// What the capture tells of a limit that was reached.
struct Found<'c> {
    errors: Vec<(String, Option<u32>, Vec<Quote>)>,
    full: Option<Full>,
    /// A limit that was asked for by the name of a program.
    asked: Option<limit_by_name::Asked>,
    /// The connects under way that fill it.
    filling: Option<&'c Pile>,
    need: Option<Need>,
    /// What another process of the same program has open, if that is more than this one may.
    twin: Option<Evidence>,
    /// Whether what fills the table is told: that decides between a limit that is too low and a leak.
    known: bool,
    /// What most of the captured sockets are, where nothing tells what fills the table.
    most: Option<&'c Pile>,
}

impl<'c> Found<'c> {
    fn of(case: &'c Case<'_>) -> Option<Self> {
        let (errors, full) = (errors(case), full(case));
        let asked = limit_by_name::nearest(case).filter(|_| full.is_none());
        let by_name = asked.as_ref().filter(|a| a.is_full(case));
        if full.is_none() && by_name.is_none() && errors.is_empty() {
            return None;
        }
        let filling = filling(case).filter(|_| full.is_none() && by_name.is_none() && !errors.is_empty());
        let need = need(case).filter(|_| !errors.is_empty());
        let known =
            full.as_ref().is_some_and(|f| knows_content(case, f)) || by_name.is_some_and(|a| a.live_fill(case)) || filling.is_some();
        let twin = full.as_ref().and_then(|full| twin(case, full));
        let mut found = Found { errors, full, asked, filling, need, twin, known, most: None };
        if !found.known && found.need.is_none() && found.twin.is_none() {
            found.most = most_of(case, found.pid());
        }
        Some(found)
    }

    /// Whether the limit is the effect of something else: a leak that fills the table, or files.
    fn is_effect(&self, case: &Case<'_>) -> bool {
        let full = self.full.as_ref();
        let fills = |p: &Pile, f: &Full| p.held_by(f.pid) || super::hoarding::victim(case, p) == Some(f.pid);
        let leaking = case.ledger.piles.iter().any(|p| suspect(case, p).is_some() && full.is_none_or(|f| fills(p, f)));
        let files = full.is_some_and(|f| super::fd_limit_by_files::mostly_files(case, f.pid));
        leaking || files || !super::fd_limit_by_files::weigh(case).is_empty()
    }

    fn pid(&self) -> Option<u32> {
        self.full.as_ref().map(|f| f.pid).or_else(|| self.errors.iter().find_map(|e| e.1))
    }

    /// A limit asked for by name that is reached.
    fn by_name(&self, case: &Case<'_>) -> Option<&limit_by_name::Asked> {
        self.asked.as_ref().filter(|a| a.is_full(case))
    }

    fn headline(&self, case: &Case<'_>) -> (Class, String) {
        match (self.known, self.most) {
            (true, _) => (Class::Exhaustion, "at the limit of open files, without a sign of a leak".into()),
            _ if self.need.is_some() => {
                (Class::Exhaustion, "at a limit of open files that is lower than what the program itself says it needs".into())
            }
            _ if self.twin.is_some() => {
                (Class::Exhaustion, "at a limit of open files that is lower than what another process of the same program has open".into())
            }
            (_, Some(pile)) => (Class::Note, format!("a limit of open files was reached, and {}", undecided_pile(case, pile, true))),
            _ => (Class::Note, "a limit of open files was reached, and nothing captured says what fills it".into()),
        }
    }

    fn owner(&self, case: &Case<'_>) -> Option<Owner> {
        let pids = |a: &limit_by_name::Asked| a.pid.map(|pid| (pid, 0)).into_iter().collect();
        let asked = self.by_name(case).map(|a| Owner { command: a.program.clone(), pids: pids(a), ..Owner::default() });
        let filler = self.filling.and_then(|pile| pile.owner.clone());
        // The number in the log may be of the program that was asked for.
        let same = asked.clone().filter(|o| o.pids.first().is_some_and(|(pid, _)| self.pid() == Some(*pid)));
        let told = filler.or(same).or_else(|| self.pid().map(|pid| owner(case, pid))).or(asked).or_else(|| named_by_log(case));
        told.or_else(|| self.most?.owner.clone())
    }

    /// The kind, number and exactness of what fills the table, or the number of descriptors alone.
    fn count(&self, case: &Case<'_>) -> (Option<Kind>, Option<u64>, CountIs) {
        let mut all = self.most.map_or((None, None, CountIs::Exact), |pile| (Some(pile.kind), Some(pile.count), pile.is));
        if let Some(f) = &self.full {
            (all.1, all.2) = (Some(f.descriptors), CountIs::Exact);
        }
        if let Some(a) = self.by_name(case) {
            all.1 = a.open.as_ref().map(|o| o.0);
        }
        all
    }

    fn evidence(&self, case: &Case<'_>) -> Vec<Evidence> {
        let mut all = Vec::new();
        if let Some(f) = &self.full {
            let whose = if f.own { "" } else { ", if the only captured limit is its own: no other process comes near it" };
            let says = format!("{} of at most {} descriptors are open{whose}", number(f.descriptors as i64), number(f.limit as i64));
            all.push(Evidence::new(Strength::Strong, Witnessed::Limit, says, f.at.clone()));
        }
        if let Some(a) = self.by_name(case) {
            all.push(Evidence::new(Strength::Strong, Witnessed::Limit, a.says(), a.at()));
        }
        if let Some(need) = &self.need {
            all.push(Evidence::new(Strength::Strong, Witnessed::Limit, need.says(), [need.quote.clone()]));
        }
        all.extend(self.twin.iter().cloned());
        if let Some(pile) = self.filling {
            let says = format!("{} of its descriptors are {}", number(pile.count as i64), pile.kind.noun(pile.count));
            all.push(Evidence::new(Strength::Moderate, Witnessed::Table, says, pile.traits.quotes.iter().take(1).cloned()));
        }
        let log = |(says, _, quotes): &(String, Option<u32>, Vec<Quote>)| {
            Evidence::new(Strength::Moderate, Witnessed::Log, says.clone(), quotes.clone())
        };
        all.extend(self.errors.iter().map(log));
        all
    }
}

fn weigh(case: &Case<'_>) -> Vec<Claim> {
    let Some(found) = Found::of(case).filter(|found| !found.is_effect(case)) else { return Vec::new() };
    let (class, says) = found.headline(case);
    let mut claim = support::note("fd-limit-too-low", class, says);
    claim.owner = found.owner(case);
    (claim.kind, claim.count, claim.is) = found.count(case);
    claim.evidence = found.evidence(case);
    let pid = found.pid();
    if let Some(a) = found.asked.as_ref().filter(|a| a.open.is_none() && claim.class == Class::Note) {
        claim.evidence.push(Evidence::new(Strength::Weak, Witnessed::Limit, a.says(), [a.limit.1.clone()]));
        claim.missing.push(descriptors(&a.program));
    } else if claim.class == Class::Note {
        claim.missing.push(content(case, pid));
    }
    claim.now = vec![match pid {
        Some(pid) => format!("prlimit --pid {pid} --nofile=SOFT:HARD raises it at once"),
        None => "prlimit --pid PID --nofile=SOFT:HARD raises it at once; a process in a container has another PID on the node".into(),
    }];
    claim.fix = vec!["LimitNOFILE in the service's unit, sized for its connections and files (a proxy has two descriptors for each connection); /etc/security/limits.conf does not apply to units".into()];
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
    let told = |kind: &Kind| *kind != Kind::Unidentified && *kind != Kind::TimeWait;
    let known: u64 = case
        .ledger
        .holdings
        .get(&full.pid)
        .map_or(0, |holding| holding.kinds.keys().filter(|kind| told(kind)).filter_map(|&k| holding.count(k)).map(|c| c.0).sum());
    let mine = |p: &&Pile| told(&p.kind) && p.owner.as_ref().is_some_and(|o| matches!(o.pids.as_slice(), [(pid, _)] if *pid == full.pid));
    let counted: u64 = case.ledger.piles.iter().filter(mine).map(|p| p.count).sum();
    known.max(counted) * 2 >= full.descriptors
}

fn content(case: &Case<'_>, pid: Option<u32>) -> super::Missing {
    let pid = pid.or_else(|| only_of_its_name(case));
    let limited = pid.and_then(|pid| case.snapshot.processes.get(&pid)?.nofile.as_ref()).is_some();
    let (what, command) = match pid {
        Some(pid) if limited => ("the descriptors of the process", format!("ls -l /proc/{pid}/fd")),
        Some(pid) => ("the limit and the descriptors of the process", format!("cat /proc/{pid}/limits; ls -l /proc/{pid}/fd")),
        None => ("the limit and the descriptors of the process", "cat /proc/PID/limits; ls -l /proc/PID/fd".into()),
    };
    super::Missing { what: what.into(), would: "tell a limit that is too low from a leak that fills it".into(), command }
}

/// The one process of the name under which a log tells of a limit that was reached.
fn only_of_its_name(case: &Case<'_>) -> Option<u32> {
    let program = &reached(case).find(|s| !s.program.is_empty())?.program;
    let mut named = case.snapshot.processes.iter().filter(|(_, p)| p.command == *program || base_name(&p.program()) == program);
    let (&pid, _) = named.next()?;
    named.next().is_none().then_some(pid)
}

/// That another process of the same program has more descriptors open than this one may, and far less than it may itself: so many are its
/// ordinary load.
fn twin(case: &Case<'_>, full: &Full) -> Option<Evidence> {
    let own = case.snapshot.processes.get(&full.pid).filter(|p| full.own && !p.program().is_empty())?;
    let counted = counted_descriptors::descriptors(case.snapshot);
    let open = |pid: u32| {
        let listed = case.ledger.holdings.get(&pid).and_then(|h| h.at_least());
        listed.into_iter().chain(counted.get(&pid).cloned()).max_by_key(|(n, _)| *n)
    };
    let same = |p: &crate::capture::process::Proc| p.command == own.command && base_name(&p.program()) == base_name(&own.program());
    case.snapshot.processes.iter().filter(|(pid, p)| **pid != full.pid && same(p)).find_map(|(&pid, p)| {
        let (LimitValue::At(limit), _, quote) = p.nofile.as_ref()? else { return None };
        let (n, row) = open(pid).filter(|(n, _)| *n > full.limit && n.saturating_mul(2) <= *limit)?;
        let says = format!(
            "pid {pid}, of the same program, has {} of at most {} descriptors open: more than the {} that this one may have",
            number(n as i64),
            number(*limit as i64),
            number(full.limit as i64)
        );
        Some(Evidence::new(Strength::Strong, Witnessed::Limit, says, [row, quote.clone()]))
    })
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
pub(super) fn near_the_only(case: &Case<'_>) -> Option<Full> {
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
    let mut limited = case.snapshot.processes.iter().filter_map(|(&pid, p)| Some((pid, p.nofile.as_ref()?))).peekable();
    let counted = if limited.peek().is_some() { counted_descriptors::descriptors(case.snapshot) } else { BTreeMap::new() };
    let by_tally = if limited.peek().is_some() { in_counted_piles(case) } else { BTreeMap::new() };
    for (pid, (limit, _, quote)) in limited {
        let LimitValue::At(limit) = limit else { continue };
        let piles = by_tally.get(&pid).cloned();
        let listed = case.ledger.holdings.get(&pid).and_then(|h| h.at_least());
        let open = listed.into_iter().chain(counted.get(&pid).cloned()).chain(piles).max_by_key(|(n, _)| *n);
        // What was counted when the limit was another one tells nothing of this one.
        let Some((descriptors, row)) = open.filter(|(n, _)| n <= limit || !counted.contains_key(&pid)) else { continue };
        if descriptors.saturating_mul(100) >= limit.saturating_mul(case.thresholds.near_limit)
            && best.as_ref().is_none_or(|b| descriptors > b.descriptors)
        {
            best = Some(Full { pid, descriptors, limit: *limit, own: true, at: vec![quote.clone(), row] });
        }
    }
    best
}

/// How many descriptors the first holder of each pile has at least whose sockets a pipeline counted.
fn in_counted_piles(case: &Case<'_>) -> BTreeMap<u32, (u64, Quote)> {
    let mut most: BTreeMap<u32, (u64, Quote)> = BTreeMap::new();
    for pile in case.ledger.piles.iter().filter(|p| p.words.iter().any(|w| w.source == "tally")) {
        if let (Some(owner), Some(open)) = (&pile.owner, &pile.at_least)
            && let Some((pid, _)) = owner.pids.first()
            && most.get(pid).is_none_or(|(n, _)| *n < open.0)
        {
            most.insert(*pid, open.clone());
        }
    }
    most
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

/// Who a process is, by what was captured of it or by its log.
pub(super) fn owner(case: &Case<'_>, pid: u32) -> Owner {
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
