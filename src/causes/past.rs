//! What earlier samples tell of a pile: how many of its sockets its processes held then, and since when it has grown. A sample in which they did
//! not live, or in which they could not be read, tells nothing of them; it does not tell 0.

use super::case::{Case, same_owner};
use super::course::has_use;
use crate::bundle::{layout, moments};
use crate::capture::process::base_name;
use crate::capture::snapshot::Reading;
use crate::capture::{Quote, Snapshot};
use crate::facts::IdentityKey;
use crate::host::Take;
use crate::ledger::series::{self, Course, Of};
use crate::ledger::{Family, Kind, Ledger, Owner, Pile, View, inodes, repeats};
use std::collections::BTreeSet;
use std::sync::OnceLock;

/// Piles below this size are no growth that a queue would have to explain.
const MANY: u64 = 100;

/// Piles below this size are not looked for in tables that name no holders.
const SOME: u64 = 20;

/// Seconds that a connection must have been there before anybody can say that nothing ends it.
const MINUTE: u64 = 60;

/// From how many counts on they tell a course.
const COUNTS: usize = 3;

/// How many more tell that something gathers, although its kind is of use.
const CLEAR: u64 = 100;

/// How a pile changed between an earlier snapshot and the last.
#[derive(Clone, Debug)]
pub struct Growth {
    /// Sockets in the earlier one.
    pub from: u64,
    /// Sockets in the last.
    pub to: u64,
    /// A row of each.
    pub at: Vec<Quote>,
    /// Seconds between the two, where both tell when they were made.
    pub seconds: Option<u64>,
    /// The number of the earlier one among those with rows: 0 is the first.
    pub since: usize,
    /// How many earlier ones tell of the same processes.
    pub samples: usize,
    /// Whether the earlier one tells of a process in whose place another has come.
    pub replaced: bool,
    /// What was counted, where it is more than the pile, and from how many to how many that grew.
    pub among: Option<(Of, u64, u64)>,
}

/// What earlier samples tell of a pile.
#[derive(Debug, Default)]
pub struct History {
    /// Those that tell of the processes which hold it now, oldest first.
    pub told: Vec<Then>,
    /// The oldest that tells of a process in whose place they came, where none tells of themselves.
    pub predecessor: Option<Then>,
    /// Which of the sockets have stayed, once it was asked for.
    pub(super) stayed: OnceLock<super::turnover::Stayed>,
    /// How it grew from one output of a repeated command to the next, once it was asked for.
    repeated: OnceLock<Option<Growth>>,
}

/// A pile in an earlier sample.
#[derive(Clone, Debug)]
pub struct Then {
    /// The number of the sample among those with rows.
    pub sample: usize,
    /// Sockets.
    pub count: u64,
    /// Of them, those of processes that still hold some: with a worker that ended its sockets have gone.
    pub kept: u64,
    /// The pile among those of its ledger, where that names the holder.
    pub pile: Option<usize>,
    /// Seconds until the diagnosed snapshot, where both tell when they were made.
    pub seconds: Option<u64>,
}

impl Growth {
    /// Whether the number is nearly what it was, or less.
    pub fn hardly(&self) -> bool {
        self.to <= self.from.saturating_add(self.from / 20)
    }

    /// Whether the snapshots are seconds apart.
    pub fn is_sudden(&self) -> bool {
        self.seconds.is_some_and(|s| s < MINUTE)
    }
}

impl<'a> Case<'a> {
    /// The samples with rows before the diagnosed one, oldest first.
    pub(super) fn samples(&self) -> impl Iterator<Item = (&'a Take, &'a Ledger<'a>)> + '_ {
        self.host.takes.iter().take(self.host.main).filter(|t| t.snapshot.has_rows()).zip(self.earlier)
    }

    /// What earlier samples tell of a pile of the ledger.
    pub(super) fn history(&self, pile: &Pile) -> Option<&History> {
        Some(self.histories.get(self.number(pile)?)?.get_or_init(|| history(self, pile)))
    }

    /// How a pile changed since the first snapshot that tells of its processes, or else of those in whose place they came.
    pub fn growth(&self, pile: &Pile) -> Option<Growth> {
        if self.earlier.is_empty() {
            // Each cause asks, and the outputs of a command that ran for hours may hold millions of rows.
            let repeated = || self.history(pile)?.repeated.get_or_init(|| self.growth_by_repeats(pile)).clone();
            let by_books = self.growth_by_books(pile).or_else(|| self.growth_of_datagrams(pile));
            return by_books.or_else(repeated).or_else(|| self.growth_by_counts(pile));
        }
        let history = self.history(pile)?;
        let first = history.told.first().or(history.predecessor.as_ref())?;
        let before = first.pile.and_then(|n| self.earlier.get(first.sample)?.piles.get(n));
        Some(Growth {
            from: first.count,
            to: pile.count,
            at: before.into_iter().chain([pile]).filter_map(|p| p.traits.quotes.first().cloned()).collect(),
            seconds: first.seconds,
            since: first.sample,
            samples: history.told.len(),
            replaced: history.told.is_empty(),
            among: None,
        })
    }

    /// The most that a process held in whose place those of a pile came, and a row of it.
    pub(super) fn most_before(&self, pile: &Pile) -> Option<(u64, Quote)> {
        self.history(pile)?.predecessor.as_ref()?;
        let before =
            self.samples().enumerate().filter_map(|(n, (take, ledger))| came_after(self, pile, n, take, ledger).map(|t| (t, ledger)));
        let (most, ledger) = before.max_by_key(|(then, _)| then.count)?;
        Some((most.count, ledger.piles.get(most.pile?)?.traits.quotes.first()?.clone()))
    }

    /// Whether what a pile's processes came in place of grew too, over the samples before they came.
    pub fn grew_before(&self, pile: &Pile) -> bool {
        let Some(since) = self.history(pile).and_then(|h| h.told.first()).map(|t| t.sample) else { return false };
        let before = self.samples().take(since).enumerate();
        let counts: Vec<u64> = before.filter_map(|(n, (take, ledger))| Some(came_after(self, pile, n, take, ledger)?.count)).collect();
        counts.first().zip(counts.last()).is_some_and(|(first, last)| last * 4 >= first * 5)
    }

    /// Of one snapshot in which the kernel's counts were read more than once: the pile that is nearly all of them grew as they did.
    fn growth_by_books(&self, pile: &Pile) -> Option<Growth> {
        let all = self.ledger.books.held_unhashed().filter(|_| pile.kind == Kind::Closed)?;
        let rise = self.unhashed_rise().filter(|f| f.value > 0 && pile.count as i64 * 10 >= all.saturating_mul(9))?;
        let from = pile.count.checked_sub(rise.value as u64)?;
        Some(Growth { from, to: pile.count, at: rise.at, seconds: None, since: 0, samples: 1, replaced: false, among: None })
    }

    /// Of one snapshot in which the UDP sockets of the host were counted several times: the pile that is nearly all of them grew as they did, a
    /// part each time. A server that was started in between has all of its sockets at once.
    fn growth_of_datagrams(&self, pile: &Pile) -> Option<Growth> {
        let all =
            self.ledger.books.udp.as_ref().filter(|f| pile.kind == Kind::Udp && pile.count as i64 * 10 >= f.value.saturating_mul(9))?;
        let series = self.host.series(self.sources, "ss.row.udp.total");
        let (first, last) = (series.first()?, series.last()?);
        let risen = last.value.saturating_sub(first.value);
        let each = series.windows(2).all(|w| matches!(w, [a, b] if b.value.saturating_sub(a.value) * 8 >= risen));
        let told = last.value == all.value && each && series.len() >= COUNTS && self.are_in_order(&series);
        let from = pile.count.checked_sub(u64::try_from(risen).ok().filter(|&n| n > 0)?).filter(|_| told)?;
        let at = vec![first.quote.clone(), last.quote.clone()];
        Some(Growth { from, to: pile.count, at, seconds: None, since: 0, samples: series.len() - 1, replaced: false, among: None })
    }

    /// Whether readings were made one after the other: in one file, or in files whose names tell their times.
    fn are_in_order(&self, series: &[&Reading]) -> bool {
        let mut files: Vec<&str> = series.iter().map(|r| self.path(&r.quote)).collect();
        files.dedup();
        let alike = files.windows(2).all(|w| matches!(w, [a, b] if moments::pattern(a) == moments::pattern(b)));
        let told = || moments::apart(&files).filter(|(_, kind)| *kind == moments::Kind::Time);
        files.len() == 1 || alike && told().is_some_and(|(names, _)| names.is_sorted_by_key(|name| layout::order(name)))
    }

    /// The numbers of a pile that a pipeline counted again and again, with the line of each; `None` where they are not of the pile.
    pub(super) fn counted(&self, pile: &Pile) -> Option<Course> {
        let course = series::of_pile(self.snapshot, pile)?;
        let ((first, _), (last, _)) = (course.counts.first()?, course.counts.last()?);
        let near = last * 10 >= pile.count * 9 && last * 9 <= pile.count * 10;
        // Two tell that there are more of what has no use left over, or many more after a while of what has, or that most have gone.
        let rose = first < last && (self.tells_by_number(pile) || (course.slept >= MINUTE && is_clear(*first, *last)));
        let enough = course.counts.len() >= COUNTS || (course.counts.len() == 2 && (rose || last * 2 <= *first));
        (enough && near).then_some(course)
    }

    /// Whether more of a kind are more left over: no load brings them and takes them away.
    fn tells_by_number(&self, pile: &Pile) -> bool {
        !has_use(pile.kind) || pile.kind == Kind::Eventpoll
    }

    /// Of one snapshot in which a count was made again and again: it rose and never fell. Clients of a server come with the load.
    fn growth_by_counts(&self, pile: &Pile) -> Option<Growth> {
        let Course { counts, of, slept, .. } = self.counted(pile)?;
        let (first, last) = (counts.first()?, counts.last()?);
        let fell = counts.windows(2).any(|w| matches!(w, [a, b] if b.0 * 10 < a.0 * 9));
        let at = vec![first.1.clone(), last.1.clone()];
        let gained = last.0.checked_sub(first.0).filter(|&n| n > 0)?;
        let of_kind = of == Of::Kind;
        let from = if of_kind { first.0 } else { pile.count.saturating_sub(gained) };
        // The accepting side of a unix socket carries its path.
        let opened = pile.accepted == Some(false) || (pile.kind == Kind::Unix && pile.traits.paths.total() == 0);
        let tells = self.tells_by_number(pile) || opened;
        (tells && !fell).then(|| Growth {
            from,
            to: pile.count,
            at,
            seconds: (counts.len() == 2 && slept > 0).then_some(slept),
            since: 0,
            samples: counts.len() - 1,
            replaced: false,
            among: (!of_kind).then_some((of, first.0, last.0)),
        })
    }

    /// Of one snapshot in which a command was repeated into one file: the pile that has grown from one output to the next, while those that
    /// were there stayed. A few seconds tell that for sockets which have no use when left over; connections at work come and stay too.
    fn growth_by_repeats(&self, pile: &Pile) -> Option<Growth> {
        let left_over =
            matches!(pile.kind, Kind::Closed | Kind::CloseWait | Kind::Udp | Kind::Netlink | Kind::Packet | Kind::Raw | Kind::Unidentified);
        if !left_over {
            return None;
        }
        let samples = repeats::of_pile(self.snapshot, self.members, pile);
        let (first, last) = (samples.first()?, samples.last()?);
        let fell = samples.windows(2).any(|w| matches!(w, [a, b] if b.count * 10 < a.count * 9));
        let stayed = first.stays_in(last) == Some(true);
        let grew = last.count == pile.count && first.count > 0 && first.count < last.count;
        let at = [first, last].into_iter().filter_map(|s| s.quote.clone()).collect();
        let growth = Growth { from: first.count, to: last.count, at, seconds: None, since: 0, samples: 1, replaced: false, among: None };
        (grew && stayed && !fell).then_some(growth)
    }
}

/// Whether a number has risen by more than comes and goes.
fn is_clear(first: u64, last: u64) -> bool {
    let gained = last.saturating_sub(first);
    gained >= CLEAR && gained * 4 >= last
}

/// Whether something says that the first snapshot with rows is older than the diagnosed one: the names of samples, their dates, or the order of
/// the inputs. Two directories of one capture may be of one moment.
pub(super) fn in_order(case: &Case<'_>) -> bool {
    let Some(main) = case.host.takes.get(case.host.main) else { return false };
    let Some((first, _)) = case.samples().next() else { return false };
    let dated = |take: &Take| take.snapshot.identity.contains_key(&IdentityKey::Date);
    first.input != main.input || first.sample.is_some() || main.sample.is_some() || (dated(first) && dated(main))
}

fn history(case: &Case<'_>, pile: &Pile) -> History {
    if !in_order(case) {
        return History::default();
    }
    let mut told = Vec::new();
    for (sample, (take, ledger)) in case.samples().enumerate() {
        if let Some((count, found)) = count(case, take, ledger, pile) {
            let kept = found.and_then(|n| ledger.piles.get(n)).map_or(count, |before| kept(before, pile));
            told.push(Then { sample, count, kept, pile: found, seconds: seconds(case, take) });
        }
    }
    let predecessor = if told.is_empty() { predecessor(case, pile) } else { None };
    History { told, predecessor, ..History::default() }
}

/// How many sockets the processes of a pile held in an earlier sample, and the pile in which they are; `None` where it does not tell.
fn count(case: &Case<'_>, take: &Take, earlier: &Ledger<'_>, pile: &Pile) -> Option<(u64, Option<usize>)> {
    // Of a listing that was cut nobody knows how many more there were.
    if earlier.cut.is_some() || pile.owner.as_ref().is_some_and(|o| !lived(&take.snapshot, earlier, o)) {
        return None;
    }
    let mine = |p: &Pile| p.kind == pile.kind && (p.owner.is_none() && pile.owner.is_none() || shared(p, pile));
    let found = earlier.piles.iter().position(mine);
    let count: u64 = earlier.piles.iter().filter(|p| mine(p)).map(|p| p.count).sum();
    // What another holder had, or one that could not be seen, was there all the same.
    let there = if count == 0 && pile.count >= SOME { nameless(case, take, pile) } else { 0 };
    let there = if there == 0 && pile.accepted == Some(true) && count > 0 && pile.count >= MANY {
        count.saturating_add(queued(take, pile))
    } else {
        there
    };
    if (count == 0 && there == 0 && !covers(earlier, pile)) || (count < pile.count && there == 0 && counted_already(earlier, pile)) {
        return None;
    }
    Some((count.max(there), found))
}

/// Whether one of the holders is among the processes of an earlier sample. Another program may have had its number.
fn lived(then: &Snapshot, earlier: &Ledger<'_>, owner: &Owner) -> bool {
    owner.pids.iter().any(|(pid, _)| match then.processes.get(pid) {
        Some(p) => p.command.is_empty() || owner.command.is_empty() || alike(&p.command, &owner.command),
        None => earlier.holdings.contains_key(pid),
    })
}

/// Whether two names may be one, of which a tool has printed only the first letters.
fn alike(a: &str, b: &str) -> bool {
    a.starts_with(b) || b.starts_with(a)
}

/// Whether two piles have a process in common.
fn shared(a: &Pile, b: &Pile) -> bool {
    a.owner.iter().flat_map(|o| &o.pids).any(|&(pid, _)| b.held_by(pid))
}

/// How many sockets of an earlier pile those of its processes had that hold some now.
fn kept(before: &Pile, pile: &Pile) -> u64 {
    let Some(owner) = &before.owner else { return before.count };
    owner.pids.iter().filter(|p| pile.held_by(p.0)).map(|p| p.1).sum::<u64>().min(before.count)
}

/// Connections that waited in an earlier sample to be accepted where those of a pile were: rows without a holder on its local end.
fn queued(take: &Take, pile: &Pile) -> u64 {
    let Some((local, _)) = pile.traits.locals.first() else { return 0 };
    let waiting =
        |g: &&crate::capture::table::Group| g.owner.is_none() && g.no_holder > 0 && Kind::of_socket(g.protocol, g.state) == Some(pile.kind);
    let on_it = |g: &crate::capture::table::Group| g.locals.iter().find(|(end, _)| *end == local).map_or(0, |(_, n)| n);
    take.snapshot.tables.iter().map(|t| t.groups.iter().filter(waiting).map(on_it).sum()).max().unwrap_or(0)
}

/// How many of a pile's sockets an earlier sample has among those whose holder it does not name.
fn nameless(case: &Case<'_>, take: &Take, pile: &Pile) -> u64 {
    let rows = take.snapshot.tables.iter().flat_map(|t| &t.groups).filter(|g| g.owner.is_none());
    let any = rows.filter(|g| Kind::of_socket(g.protocol, g.state) == Some(pile.kind)).any(|g| g.count >= SOME);
    if any { inodes::there(&take.snapshot, pile.kind, &inodes::of_pile(case.snapshot, pile)) } else { 0 }
}

/// Whether an earlier snapshot would show a pile if it had been there: a whole table that names the holders of all, descriptors of all processes
/// or of a holder; of a pile without a holder the states of all connections. What was not captured was not nothing.
fn covers(earlier: &Ledger<'_>, pile: &Pile) -> bool {
    let Some(owner) = &pile.owner else { return earlier.states_whole };
    let table = family_of(pile.kind).is_some_and(|f| earlier.best(f).is_some_and(|v| v.is_whole() && v.holders_shown()));
    let holding = |pid: &u32| earlier.holdings.get(pid);
    let listed = owner.pids.iter().any(|(pid, _)| holding(pid).is_some_and(|h| h.descriptors.as_ref().is_some_and(|d| d.1)));
    // Without privilege a table names the holders of one user's sockets.
    let named = earlier.unprivileged.is_none() || owner.pids.iter().any(|(pid, _)| holding(pid).is_some_and(|h| !h.kinds.is_empty()));
    (table && named) || earlier.all_listed || listed
}

/// The oldest sample with a pile of a process in whose place the holders came.
fn predecessor(case: &Case<'_>, pile: &Pile) -> Option<Then> {
    case.samples().enumerate().find_map(|(n, (take, ledger))| came_after(case, pile, n, take, ledger))
}

/// The pile in an earlier sample of a process in whose place those of this one came.
fn came_after(case: &Case<'_>, pile: &Pile, sample: usize, take: &Take, earlier: &Ledger<'_>) -> Option<Then> {
    let found = earlier.piles.iter().position(|p| p.kind == pile.kind && (same_owner(p, pile) || succeeds(case, pile, earlier, p)))?;
    let count = earlier.piles.get(found)?.count;
    let told = earlier.cut.is_none() && !(count < pile.count && counted_already(earlier, pile));
    told.then(|| Then { sample, count, kept: 0, pile: Some(found), seconds: seconds(case, take) })
}

/// Whether a program has come in the place of another, whose name differs in a version: the same user, and listening where that did.
fn succeeds(case: &Case<'_>, pile: &Pile, earlier: &Ledger<'_>, old: &Pile) -> bool {
    let (Some(new), Some(owner)) = (&pile.owner, &old.owner) else { return false };
    let unversioned = |o: &Owner| base_name(&o.program).chars().filter(|c| !c.is_ascii_digit()).collect::<String>();
    new.command == owner.command
        && new.user == owner.user
        && unversioned(new) == unversioned(owner)
        && !ports(case.ledger, pile).is_disjoint(&ports(earlier, old))
}

/// The ports on which the holders of a pile listen.
fn ports(ledger: &Ledger<'_>, pile: &Pile) -> BTreeSet<u16> {
    let listeners = ledger.piles.iter().filter(|p| p.kind == Kind::Listen && shared(p, pile));
    listeners.flat_map(|p| p.traits.locals.iter()).map(|(end, _)| end.port()).collect()
}

/// Seconds from an earlier sample to the diagnosed one, where both tell their time.
fn seconds(case: &Case<'_>, take: &Take) -> Option<u64> {
    let time = |take: &Take| take.snapshot.identity.get(&IdentityKey::Date)?.0.parse::<jiff::Timestamp>().ok();
    let main = case.host.takes.get(case.host.main)?;
    match (time(take), time(main)) {
        (Some(then), Some(now)) => u64::try_from(now.as_second() - then.as_second()).ok().filter(|&s| s > 0),
        // Of two captures each may be of another day.
        (None, None) if take.input == main.input => moments::seconds(take.sample.as_deref()?, main.sample.as_deref()?),
        _ => None,
    }
}

/// Whether the kernel counted as many sockets in an earlier snapshot as a pile has now, although its listing, which may have been cut, shows
/// fewer.
fn counted_already(earlier: &Ledger<'_>, pile: &Pile) -> bool {
    let counted = match pile.kind {
        Kind::Established => earlier.books.estab.as_ref().map(|f| f.value),
        Kind::Closed => earlier.books.held_unhashed(),
        _ => None,
    };
    let whole = earlier.best(Family::Tcp).is_some_and(View::is_whole) && pile.kind == Kind::Established;
    let listed: u64 = earlier.piles.iter().filter(|p| p.kind == pile.kind && !same_owner(p, pile)).map(|p| p.count).sum();
    counted.is_some_and(|n| !whole && n.max(0) as u64 >= pile.count.saturating_add(listed))
}

/// The family whose tables list sockets of a kind; those in no connection state are in none.
fn family_of(kind: Kind) -> Option<Family> {
    match kind {
        Kind::Closed | Kind::Eventpoll | Kind::Unidentified | Kind::File => None,
        Kind::Udp => Some(Family::Udp),
        Kind::Unix => Some(Family::Unix),
        Kind::Netlink => Some(Family::Netlink),
        Kind::Packet => Some(Family::Packet),
        Kind::Raw => Some(Family::Raw),
        _ => Some(Family::Tcp),
    }
}
