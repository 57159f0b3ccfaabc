//! Sockets held by a process that inherited them.

use super::Case;
use super::claim::{Claim, Class, Evidence, Strength, Witnessed};
use super::support;
use crate::capture::Quote;
use crate::capture::holding::Class as Rows;
use crate::capture::process::Proc;
use crate::facts::SocketState;
use crate::ledger::{CountIs, Kind, Owner, Pile, inodes, sets};
use std::collections::{BTreeMap, BTreeSet};

/// Shared sockets from which it is no chance: a shell that inherits a few descriptors is common.
const MANY: usize = 20;
/// So many sockets of all processes but the one that holds most are compared, at eight bytes each.
const MOST: usize = 4 << 20;
/// Listings of so many sockets of the process that holds most are not copied for that.
const LARGE: usize = 1 << 10;

cause! {
    /// A program starts a child without close-on-exec: the child holds the parent's sockets, so they live on when the parent closes
    /// them or ends. Peers see no FIN, ports stay taken.
    ///
    /// # How it looks
    /// - lsof, /proc/PID/fd: the same inodes under two different programs; CLOSE-WAIT, ESTABLISHED or LISTEN rows of a helper (shell,
    ///   sleep, backup script) that does no network I/O.
    /// - ss: rows with two names in `users:(...)`. netstat shows only one of the holders, often the wrong one.
    /// - `ss -s`, sockstat: each socket counts once, however many hold it.
    /// - strace: `socket` or `accept4` without SOCK_CLOEXEC in the parent; `execve` in the child with those numbers open.
    /// - log: `Address already in use` after a restart of the parent.
    ///
    /// # Evidence for
    /// - Many sockets shared by different programs.
    /// - A child whose program opens no sockets of its own.
    /// - LISTEN rows of a service's port owned by something else.
    /// - The same listener under the same number in two processes that serve nobody, and a log that says that its port is taken.
    ///
    /// # Evidence against
    /// - Workers of one program share their listeners by design (nginx, php-fpm, gunicorn, postgres).
    /// - Descriptors handed over on purpose (systemd socket activation, a reload that passes listeners on).
    ///
    /// # Mistaken for
    /// - A leak of the parent: it has closed, and the count is the child's.
    /// - `dup-not-closed`, where one process holds copies.
    ///
    /// # Confirm
    /// - `lsof -nP -p PARENT,CHILD`, inodes compared; `grep flags: /proc/PID/fdinfo/N`: the octal bit 02000000 is close-on-exec.
    /// - `strace -f -e trace=execve,socket,accept4 -p PARENT`.
    ///
    /// # Now
    /// - End the child, or restart it with its descriptors closed.
    ///
    /// # For good
    /// - C: SOCK_CLOEXEC, O_CLOEXEC, accept4(), pipe2() everywhere; close_range(3, ~0U, 0) between fork and exec. posix_spawn with
    ///   close actions.
    /// - Python: not inheritable since 3.4 unless `close_fds=False` or set_inheritable(True) (PEP 446).
    /// - Go: os/exec closes all but ExtraFiles; cgo and raw syscalls need O_CLOEXEC. Node: child_process passes only `stdio`; sockets
    ///   of native addons may leak.
    /// - Java: ProcessBuilder closes in its helper; JNI libraries may not set the flag. PHP: exec() and proc_open() from php-fpm pass
    ///   the listener on: close it in the child.
    /// - Daemons: systemd units instead of `&`; `ssh host cmd` with redirected stdio.
    ///
    /// # References
    /// open(2) O_CLOEXEC, close_range(2), PEP 446, socket(2) SOCK_CLOEXEC.
    FdInherited, "fd-inherited", leak, "a child process holds sockets it inherited and never uses", weigh
}

/// Sockets by inode with their holders, where holders of different programs share them.
fn weigh(case: &Case<'_>) -> Vec<Claim> {
    if let Some(claim) = copies(case) {
        return vec![claim];
    }
    let found = shared_by_two(case);
    if !found.is_empty() {
        return found;
    }
    if let Some(claim) = super::kept_port::claim(case) {
        return vec![claim];
    }
    let accepted = || with_the_listener(case).or_else(|| without_listener(case)).or_else(|| among_siblings(case));
    let given = || held_by_a_tool(case).or_else(accepted).or_else(|| made_before(case));
    given().or_else(|| super::taken_port::note(case)).or_else(|| one_listener(case)).into_iter().collect()
}

/// Programs that have one listener between them from which on not all can have been given it to serve.
const PROGRAMS: usize = 3;

/// One listening socket in several programs: what started them left it to them, and while one of them lives its port is taken.
fn one_listener(case: &Case<'_>) -> Option<Claim> {
    let lists = case.snapshot.processes.iter().flat_map(|(&pid, p)| p.lists.iter().map(move |l| (pid, &p.command, l)));
    let classes = lists.flat_map(|(pid, command, l)| l.sockets().map(move |c| (pid, command, c)));
    let mut holders: Vec<(u32, u32, &str, &Rows)> = classes
        .filter(|(pid, _, c)| *pid > 1 && c.state == Some(SocketState::Listen))
        .flat_map(|(pid, command, c)| c.inodes().map(move |inode| (inode, pid, command.as_str(), c)))
        .collect();
    holders.sort_unstable_by_key(|h| (h.0, h.1));
    let programs = |same: &[(u32, u32, &str, &Rows)]| same.iter().map(|h| h.2).collect::<BTreeSet<_>>().len();
    let same = holders.chunk_by(|a, b| a.0 == b.0).filter(|same| same.len() >= PROGRAMS).max_by_key(|same| programs(same))?;
    let several = programs(same);
    if several < PROGRAMS {
        return None;
    }
    let says = "one listening socket in several programs: inherited by those that do not serve it";
    let mut claim = support::note("fd-inherited", Class::Note, says);
    let (_, first, ..) = same.first()?;
    claim.owner = Some(Owner { pids: same.iter().map(|h| (h.1, 1)).collect(), ..Owner::of(case.snapshot, *first, 1) });
    (claim.kind, claim.count, claim.is) = (Some(Kind::Listen), Some(1), CountIs::Exact);
    let says = format!("{several} programs hold the socket with inode {}", same.first()?.0);
    let rows = same.iter().filter_map(|h| h.3.quotes.first()).take(PROGRAMS);
    claim.evidence.push(Evidence::new(Strength::Strong, Witnessed::Listing, says, rows));
    if let Some((local, _)) = same.first()?.3.locals.first() {
        support::add_listener(&mut claim, case.show(local), 1, "the address it listens on");
    }
    claim.now = vec![
        "restart those that were started while it was open and do not serve it: its port is taken as long as one of them lives".into(),
    ];
    claim.fix = vec!["create sockets with SOCK_CLOEXEC, or close all descriptors before exec".into()];
    Some(claim)
}

/// Programs that never open a network connection themselves: what they hold they were given.
const TOOLS: &[&str] = &[
    "sleep",
    "tail",
    "cat",
    "tee",
    "sh",
    "bash",
    "dash",
    "ksh",
    "zsh",
    "less",
    "more",
    "grep",
    "awk",
    "gawk",
    "mawk",
    "sed",
    "find",
    "sort",
    "logger",
    "cron",
    "crond",
    "gzip",
    "xz",
    "tar",
    "dd",
    "watch",
    "xargs",
    "env",
    "nohup",
    "timeout",
    "head",
    "cut",
    "tr",
    "wc",
    "yes",
    "inotifywait",
    "logrotate",
    "flock",
];

fn held_by_a_tool(case: &Case<'_>) -> Option<Claim> {
    let tool = |p: &&(usize, &Pile)| {
        let command = p.1.owner.as_ref().map_or("", |o| o.command.as_str());
        matches!(p.1.kind, Kind::Established | Kind::CloseWait | Kind::Listen | Kind::FinWait | Kind::Closed) && TOOLS.contains(&command)
    };
    let piles: Vec<(usize, &Pile)> = case.ledger.piles.iter().enumerate().collect();
    let (n, pile) = piles.iter().filter(tool).find(|p| p.1.count as usize >= MANY)?;
    let mut claim =
        support::claim("fd-inherited", Class::Leak, *n, pile, "inherited from the process that started it, and never used or closed");
    if let Some(suspicion) = super::suspect(case, pile) {
        claim.evidence = suspicion.reasons;
    }
    let name = pile.owner.as_ref().map_or(String::new(), |o| o.named());
    let says =
        format!("{name} holds {} {}, and such a program opens no connection itself", super::number(pile.count as i64), pile.kind.plural());
    claim.evidence.push(Evidence::new(Strength::Strong, Witnessed::Table, says, pile.traits.quotes.iter().take(1).cloned()));
    if pile.words.len() > 1 {
        claim.evidence.push(Evidence::new(
            Strength::Moderate,
            Witnessed::Listing,
            "its descriptors show the same sockets",
            pile.words.iter().filter_map(|w| w.quote.clone()).take(1),
        ));
    }
    support::own_remotes(case, pile, &mut claim, false);
    claim.now = vec![format!("end {name}: the sockets live as long as it does")];
    claim.fix = vec!["create sockets with SOCK_CLOEXEC, or close all descriptors before exec".into()];
    Some(claim)
}

/// Connections that a server accepted and closed, and that children of it keep: they were given its listening socket with them, which such
/// a program has no use for. A supervisor that hands over a listener accepts nothing itself.
fn with_the_listener(case: &Case<'_>) -> Option<Claim> {
    of_parent(case, given, |parent, child, port| {
        format!(
            "port {port} is listened on by {parent}, which accepts there, and by {child}, which it started: what the child holds it was given"
        )
    })
}

/// Connections whose peers have closed, on a port that only the process listens on which started their holder, another program: it accepted
/// them, and has closed its own.
fn without_listener(case: &Case<'_>) -> Option<Claim> {
    of_parent(case, taken_over, |parent, child, port| {
        format!(
            "port {port} is listened on by {parent} alone, which started {child}: what the child holds of it was accepted by the parent"
        )
    })
}

/// The first pile that a process handed on to a child of it, and how that is said of their names and the port.
fn of_parent(
    case: &Case<'_>,
    found: impl Fn(&Case<'_>, &Pile) -> Option<(u32, u32, u16)>,
    says: impl Fn(&str, &str, u16) -> String,
) -> Option<Claim> {
    accepted(case).find_map(|(n, pile)| {
        let (parent, child, port) = found(case, pile)?;
        let at = case.snapshot.processes.get(&child).and_then(|p| p.cmdline_at.clone());
        Some(handed_on(case, n, pile, parent, says(&named(case, parent), &named(case, child), port), at))
    })
}

/// The only listener on the port of a pile, which started its holder, another program, and that holder.
pub(super) fn taken_over(case: &Case<'_>, pile: &Pile) -> Option<(u32, u32, u16)> {
    let ended = pile.accepted == Some(true) && matches!(pile.kind, Kind::CloseWait | Kind::FinWait) && pile.count as usize >= MANY;
    let owner = pile.owner.as_ref().filter(|_| ended)?;
    let port = pile.traits.locals.first().filter(|(_, n)| n * 2 > pile.traits.locals.total())?.0.port();
    let [(child, _)] = owner.pids.as_slice() else { return None };
    let parent = parent_of(case, *child).filter(|&p| p > 1 && differ(case, p, *child))?;
    let mut servers = case.snapshot.processes.keys().copied().filter(|&pid| listens(case, pid, port));
    (servers.next() == Some(parent) && servers.next().is_none()).then_some((parent, *child, port))
}

/// Sockets of which several children of a process hold the same ones: it made them before it started these, and holds none any more.
fn made_before(case: &Case<'_>) -> Option<Claim> {
    let piles = case.ledger.piles.iter().enumerate().filter(|(_, p)| !p.accepted.unwrap_or(false));
    piles.filter_map(|(n, pile)| Some((n, pile, same_block(case, pile)?))).find_map(|(n, pile, parent)| {
        super::suspect(case, pile)?;
        let says = format!(
            "each of the {} processes holds the same {} sockets, and {} started them all: it made the sockets before",
            pile.owner.as_ref()?.pids.len(),
            super::number(pile.count as i64),
            named(case, parent)
        );
        let at = pile.owner.iter().flat_map(|o| &o.pids).find_map(|(pid, _)| case.snapshot.processes.get(pid)?.cmdline_at.clone());
        let mut claim = handed_on(case, n, pile, parent, says, at);
        // What the holders did not make they did not fail to connect either.
        claim.evidence.iter_mut().filter(|e| e.by == Witnessed::Table).for_each(|e| e.by = Witnessed::Listing);
        Some(claim)
    })
}

/// The process that started all holders of a pile, each of which holds the whole of it, while it holds none of it itself.
pub(super) fn same_block(case: &Case<'_>, pile: &Pile) -> Option<u32> {
    let block = matches!(pile.kind, Kind::Closed | Kind::CloseWait | Kind::SynSent | Kind::FinWait) && pile.count as usize >= MANY;
    let owner = pile.owner.as_ref().filter(|o| block && o.pids.len() >= 2)?;
    let mut parents = owner.pids.iter().map(|(pid, _)| parent_of(case, *pid).filter(|&p| p > 1 && !owner.has(p) && differ(case, p, *pid)));
    let parent = parents.next()??;
    let one = parents.all(|p| p == Some(parent));
    (one && owner.pids.iter().all(|(_, n)| n * 10 >= pile.count * 9)).then_some(parent)
}

/// Connections that a server accepted and closed, and that several children of it keep, each the same ones.
fn among_siblings(case: &Case<'_>) -> Option<Claim> {
    accepted(case).find_map(|(n, pile)| {
        let (server, port) = siblings(case, pile)?;
        let says = format!(
            "port {port} is listened on by {} alone, and several processes hold the same connections: they were given them",
            named(case, server)
        );
        Some(handed_on(case, n, pile, server, says, None))
    })
}

/// Piles of connections that were accepted.
fn accepted<'a>(case: &Case<'a>) -> impl Iterator<Item = (usize, &'a Pile)> {
    let kinds = |p: &Pile| matches!(p.kind, Kind::CloseWait | Kind::Established | Kind::FinWait);
    case.ledger.piles.iter().enumerate().filter(move |(_, p)| p.accepted == Some(true) && kinds(p) && p.count as usize >= MANY)
}

fn handed_on(case: &Case<'_>, n: usize, pile: &Pile, by: u32, says: String, at: Option<Quote>) -> Claim {
    let mut claim =
        support::claim("fd-inherited", Class::Leak, n, pile, "inherited from the process that started it, and never used or closed");
    if let Some(suspicion) = super::suspect(case, pile) {
        claim.evidence = suspicion.reasons;
    }
    claim.evidence.push(Evidence::new(Strength::Strong, Witnessed::Table, says, pile.traits.quotes.iter().take(1).cloned().chain(at)));
    support::own_remotes(case, pile, &mut claim, true);
    let holders = pile.owner.as_ref().map_or(String::new(), Owner::named);
    claim.now = vec![format!("end {holders}: the sockets live as long as it does")];
    claim.fix = vec![format!("in {}: create sockets with SOCK_CLOEXEC, or close all descriptors before exec", named(case, by))];
    claim
}

/// The process that alone listens on the port on which a pile was accepted, another program than the several that each hold all of it.
pub(super) fn siblings(case: &Case<'_>, pile: &Pile) -> Option<(u32, u16)> {
    let owner = pile.owner.as_ref().filter(|_| pile.accepted == Some(true) && pile.count as usize >= MANY)?;
    let port = pile.traits.locals.first().filter(|(_, n)| n * 2 > pile.traits.locals.total())?.0.port();
    let mut servers = case.snapshot.processes.keys().copied().filter(|&pid| listens(case, pid, port));
    let server = servers.next().filter(|&pid| pid > 1 && !owner.has(pid) && owner.pids.iter().all(|(p, _)| differ(case, pid, *p)))?;
    let whole = |n: u64| n * 10 >= pile.count * 9;
    (servers.next().is_none() && held_by_several(case, owner, server, whole)).then_some((server, port))
}

/// Whether several processes each hold the whole of a pile, none of them the server.
fn held_by_several(case: &Case<'_>, owner: &Owner, server: u32, whole: impl Fn(u64) -> bool) -> bool {
    if let [(only, _)] = owner.pids.as_slice() {
        let with = |(a, b): &(u32, u32)| (a == only || b == only) && *a != server && *b != server;
        return shared_sockets(case).iter().any(|(pair, n)| with(pair) && whole(*n));
    }
    owner.pids.iter().all(|(_, n)| whole(*n))
}

/// The process that started the holders of a pile, another program, if it accepted these connections, whose peers have closed, and still holds
/// them itself: the others only have copies, and it is the one that forgets them.
pub(super) fn kept_by_parent(case: &Case<'_>, pile: &Pile) -> Option<u32> {
    let owner = pile.owner.as_ref().filter(|_| pile.accepted == Some(true) && pile.kind == Kind::CloseWait)?;
    let mut parents = owner.pids.iter().map(|&(pid, _)| parent_of(case, pid).filter(|&p| p > 1 && !owner.has(p) && differ(case, p, pid)));
    let parent = parents.next()??;
    if parents.any(|other| other != Some(parent)) {
        return None;
    }
    let of_parent = |p: &&Pile| p.kind == pile.kind && p.accepted == Some(true) && p.held_by(parent) && p.count * 10 >= pile.count * 9;
    let kept = case.ledger.piles.iter().find(of_parent)?;
    let copies = inodes::of_pile(case.snapshot, pile);
    let apart = sets::missing(copies.iter().copied(), &inodes::of_pile(case.snapshot, kept));
    (!copies.is_empty() && apart * 10 <= copies.len()).then_some(parent)
}

/// Copies of what a server forgets, in children of it: worth knowing, as the sockets outlive the server.
fn copies(case: &Case<'_>) -> Option<Claim> {
    accepted(case).find_map(|(n, pile)| {
        let parent = named(case, kept_by_parent(case, pile)?);
        let mut claim = support::claim("fd-inherited", Class::Note, n, pile, format!("copies of what {parent} accepted and holds itself"));
        let says = format!("the same sockets are held by {parent}, which started the others");
        claim.evidence.push(Evidence::new(Strength::Strong, Witnessed::Listing, says, pile.traits.quotes.iter().take(1).cloned()));
        claim.fix = vec![format!("in {parent}: create sockets with SOCK_CLOEXEC, or close all descriptors before exec")];
        Some(claim)
    })
}

/// A server and a child of it, another program, that holds accepted connections of a pile because it was given them, and their port.
pub(super) fn given(case: &Case<'_>, pile: &Pile) -> Option<(u32, u32, u16)> {
    let owner = pile.owner.as_ref().filter(|_| pile.accepted == Some(true))?;
    let port = pile.traits.locals.first().filter(|(_, n)| n * 2 > pile.traits.locals.total())?.0.port();
    owner.pids.iter().find_map(|&(pid, _)| {
        let parent = parent_of(case, pid).filter(|&p| p > 1 && !owner.has(p) && differ(case, p, pid))?;
        (accepts(case, parent, port) && listens(case, parent, port) && listens(case, pid, port)).then_some((parent, pid, port))
    })
}

/// Whether a process holds connections on a local port.
fn accepts(case: &Case<'_>, pid: u32, port: u16) -> bool {
    let mut piles = case.ledger.piles.iter().filter(|p| p.kind == Kind::Established && p.held_by(pid));
    piles.any(|p| p.traits.locals.iter().any(|(end, _)| end.port() == port))
}

/// Whether a process holds a socket that listens on a port.
fn listens(case: &Case<'_>, pid: u32, port: u16) -> bool {
    let mut piles = case.ledger.piles.iter().filter(|p| p.kind == Kind::Listen && p.held_by(pid));
    let mut rows = case.snapshot.tables.iter().flat_map(|t| &t.listeners).filter(|l| l.local.port() == port);
    piles.any(|p| p.traits.locals.iter().any(|(end, _)| end.port() == port))
        || rows.any(|l| l.owner == Some(pid) || l.others.contains(&pid))
}

fn shared_by_two(case: &Case<'_>) -> Vec<Claim> {
    let by_pair = shared_sockets(case);
    let Some((&(a, b), &count)) = by_pair.iter().filter(|((a, b), _)| differ(case, *a, *b)).max_by_key(|(_, n)| **n) else {
        return Vec::new();
    };
    if (count as usize) < MANY {
        return Vec::new();
    }
    // The one that was started by the other, or later, inherited.
    let child = if parent_of(case, a) == Some(b) { a } else { b };
    let parent = if child == a { b } else { a };
    let heirs: Vec<(u32, u64)> = by_pair
        .iter()
        .filter(|((x, y), n)| (*x == parent || *y == parent) && differ(case, *x, *y) && **n * 2 >= count)
        .map(|((x, y), n)| (if *x == parent { *y } else { *x }, *n))
        .collect();
    let mut claim = support::note("fd-inherited", Class::Leak, "inherited from the process that started it, and never used or closed");
    let owner = Owner::of(case.snapshot, child, count);
    claim.owner = Some(if heirs.is_empty() { owner } else { Owner { pids: heirs, ..owner } });
    claim.kind = main_kind(case, child);
    claim.pile = case.ledger.piles.iter().position(|p| Some(p.kind) == claim.kind && p.held_by(child));
    claim.count = Some(count);
    claim.is = CountIs::Exact;
    let rows = |pid: u32| {
        case.snapshot.processes.get(&pid).into_iter().flat_map(|p| &p.lists).flat_map(|l| l.sockets()).find_map(|c| c.quotes.first())
    };
    let name = |pid: u32| named(case, pid);
    let says = format!(
        "{} sockets have the same inode under {} and under {}: one socket, two holders",
        super::number(count as i64),
        name(parent),
        name(child)
    );
    claim.evidence.push(Evidence::new(Strength::Strong, Witnessed::Listing, says, rows(parent).into_iter().chain(rows(child))));
    if parent_of(case, child) == Some(parent) {
        let at = case.snapshot.processes.get(&child).and_then(|p| p.cmdline_at.clone());
        claim.evidence.push(Evidence::new(
            Strength::Strong,
            Witnessed::Listing,
            format!("{} was started by {}", name(child), name(parent)),
            at,
        ));
    }
    if let Some(pile) = claim.pile.and_then(|n| case.ledger.piles.get(n)) {
        support::own_remotes(case, pile, &mut claim, false);
    }
    claim.now = vec![format!("end {} once it is known not to need them: the sockets live as long as it does", name(child))];
    claim.fix = vec!["create sockets with SOCK_CLOEXEC, or close all descriptors before exec".into()];
    vec![claim]
}

/// How many sockets each two processes have in common.
fn shared_sockets(case: &Case<'_>) -> BTreeMap<(u32, u32), u64> {
    let sockets = |proc: &'_ Proc| proc.lists.iter().flat_map(|l| l.sockets()).map(|c| c.sockets.len()).sum::<usize>();
    // What the one that holds most lists in many rows is looked up in the others, and not sorted in with them.
    let largest = case.snapshot.processes.iter().max_by_key(|(_, p)| sockets(p)).map(|(&pid, _)| pid);
    let all = || {
        case.snapshot.processes.iter().flat_map(|(&pid, p)| p.lists.iter().flat_map(move |l| l.sockets().map(move |c| (pid, &c.sockets))))
    };
    let (asked, copied): (Vec<_>, Vec<_>) = all().partition(|(pid, s)| Some(*pid) == largest && s.len() >= LARGE);
    // As much room as is needed at most: growing would ask for three times as much meanwhile.
    let mut others = Vec::with_capacity(copied.iter().map(|(_, s)| s.distinct()).sum::<usize>().min(MOST));
    let mut own: Vec<u32> = Vec::new();
    for listings in copied.chunk_by(|a, b| a.0 == b.0) {
        let Some(&(pid, _)) = listings.first().filter(|_| others.len() < MOST) else { continue };
        // Two tools list the same sockets of a process.
        own.clear();
        own.extend(listings.iter().flat_map(|(_, sockets)| sockets.inodes()));
        // Each listing is in order, which this sort makes use of.
        own.sort();
        own.dedup();
        others.extend(own.iter().map(|&inode| (inode, pid)));
    }
    others.extend(case.snapshot.tables.iter().flat_map(|t| &t.shared));
    let mut asked = sets::Asked::of(asked.into_iter().map(|(_, s)| s));
    sets::sort_by_number(&mut others, |o| o.0);
    let mut by_pair: BTreeMap<(u32, u32), u64> = BTreeMap::new();
    let mut holders: Vec<u32> = Vec::new();
    for same in others.chunk_by(|a, b| a.0 == b.0) {
        let Some(&(inode, first)) = same.first() else { continue };
        let held = asked.have(inode);
        if !held && same.iter().all(|&(_, pid)| pid == first) {
            continue;
        }
        holders.clear();
        holders.extend(largest.filter(|_| held));
        holders.extend(same.iter().map(|&(_, pid)| pid));
        holders.sort_unstable();
        holders.dedup();
        for (i, &a) in holders.iter().enumerate() {
            for &b in holders.iter().skip(i + 1).take(8) {
                *by_pair.entry((a, b)).or_default() += 1;
            }
        }
    }
    by_pair
}

/// Different programs, or one that a command line tells to be started by the other for another job.
pub(super) fn differ(case: &Case<'_>, a: u32, b: u32) -> bool {
    match (case.snapshot.processes.get(&a), case.snapshot.processes.get(&b)) {
        (Some(a), Some(b)) => a.command != b.command || (!a.cmdline.is_empty() && !b.cmdline.is_empty() && a.program() != b.program()),
        _ => false,
    }
}

pub(super) fn named(case: &Case<'_>, pid: u32) -> String {
    case.snapshot.processes.get(&pid).map_or(pid.to_string(), |p| format!("{} (pid {pid})", p.command))
}

pub(super) fn parent_of(case: &Case<'_>, pid: u32) -> Option<u32> {
    case.snapshot.processes.get(&pid)?.ppid
}

fn main_kind(case: &Case<'_>, pid: u32) -> Option<Kind> {
    let holding = case.ledger.holdings.get(&pid)?;
    holding.kinds.keys().copied().filter(|k| !matches!(k, Kind::File | Kind::Eventpoll)).max_by_key(|&k| holding.count(k).map(|c| c.0))
}
