//! Whose a line of a log is. A host's logs tell of all its programs, and a failure of one is no evidence of what another keeps: a line is
//! held against the holder of a pile only if neither its process, its tag, its layout nor its file names somebody else.

use super::case::{Case, Tie, same_owner};
use crate::capture::logs::Sighting;
use crate::capture::process::{base_name, is_interpreter};
use crate::capture::trace::{Outcome, Pattern, Trace};
use crate::capture::{End, Quote};
use crate::ledger::{Kind, Owner, Pile, leaves_open};

/// Letters from which on a word in the name of a file or program tells one from another.
const TELLING: usize = 3;
/// What lsof keeps of a name.
const LSOF_NAME: usize = 9;

/// So many closes after a failed connect are a program that closes what fails.
const CLOSED: u64 = 3;

/// Words that files, directories and programs of all kinds have in their names.
const GENERAL: &[&str] = &[
    "access",
    "agent",
    "api",
    "app",
    "application",
    "apps",
    "bin",
    "capture",
    "client",
    "com",
    "console",
    "container",
    "containers",
    "current",
    "daemon",
    "debug",
    "default",
    "docker",
    "err",
    "error",
    "errors",
    "etc",
    "host",
    "info",
    "io",
    "jar",
    "journal",
    "journalctl",
    "kubectl",
    "lib",
    "local",
    "log",
    "logs",
    "main",
    "messages",
    "net",
    "node",
    "opt",
    "org",
    "out",
    "output",
    "pod",
    "pods",
    "previous",
    "root",
    "run",
    "script",
    "server",
    "service",
    "services",
    "share",
    "slice",
    "srv",
    "stderr",
    "stdout",
    "strace",
    "syslog",
    "system",
    "systemd",
    "tail",
    "tmp",
    "trace",
    "txt",
    "user",
    "users",
    "usr",
    "var",
    "warn",
    "worker",
];

/// How surely a line is a pile's holder's; `None` if it is somebody else's.
pub(super) fn tie(case: &Case<'_>, sighting: &Sighting, pile: &Pile) -> Option<Tie> {
    let Some(owner) = pile.owner.as_ref() else { return Some(Tie::Loose) };
    let known = |pid| case.snapshot.processes.contains_key(&pid);
    match sighting.pid {
        Some(pid) if owner.has(pid) => return Some(Tie::Process),
        // A pid that is another process's rules the line out; one that nothing knows (another pid namespace) does not.
        Some(pid) if known(pid) => return None,
        _ => {}
    }
    if is_own_listener(case, sighting, pile) || is_of_others_file(case, sighting, pile, owner) {
        return None;
    }
    if sighting.program.is_empty() && is_dialled_by_other(case, sighting, pile) {
        return None;
    }
    if sighting.program.is_empty() { Some(Tie::Loose) } else { by_tag(case, sighting, owner) }
}

/// The line that says that a pile's holder, or the same program before, had no descriptor left.
pub(super) fn refused_line(case: &Case<'_>, pile: &Pile) -> Option<Quote> {
    let full = |s: &&Sighting| s.points_to.iter().any(|p| p == "fd-limit-too-low");
    case.sightings(pile).into_iter().map(|(s, _)| s).find(full).map(|s| s.first.clone())
}

/// What the tag of a line says, or the layout that only one program prints.
fn by_tag(case: &Case<'_>, sighting: &Sighting, owner: &Owner) -> Option<Tie> {
    let tag = sighting.program.to_lowercase();
    if [&owner.command, &owner.program].iter().any(|n| !n.is_empty() && base_name(n).to_lowercase().starts_with(&tag)) {
        return Some(Tie::Program);
    }
    if [&owner.command, &owner.program].iter().any(|n| n.len() == LSOF_NAME && tag.starts_with(&n.to_lowercase())) {
        return Some(Tie::Loose);
    }
    let own = names_of(case, owner);
    if words(&tag).iter().any(|word| own.contains(word)) {
        return Some(Tie::Loose);
    }
    // Syslog tags a line with the program that hands it over, and a layout is its program's; a field of a line may be any name.
    let certain = sighting.by_layout || !sighting.host.is_empty();
    (!certain && !is_other(case, owner, &tag)).then_some(Tie::Loose)
}

/// Whether the files that a line stands in are all named after another program: one that is listed, or one that their lines name too.
fn is_of_others_file(case: &Case<'_>, sighting: &Sighting, pile: &Pile, owner: &Owner) -> bool {
    let own = names_of(case, owner);
    let nameless = is_interpreter(&owner.command) && owner.cmdline.is_empty();
    let line = sighting.first.text();
    let others = |path: &str| {
        let (stem, telling) = named_after(path);
        let listed = || is_other(case, owner, &stem) || telling.iter().any(|word| is_other(case, owner, word));
        // `cart-service/client.go:88` in cart-service.log.
        let repeated = || !nameless && stem.len() > TELLING && line.contains(&format!(" {stem}/"));
        let traced = || !nameless && telling.iter().any(|word| is_traced_other(case, pile, word));
        !telling.is_empty() && !telling.iter().any(|word| own.contains(word)) && (listed() || repeated() || traced())
    };
    let mut paths = sighting.members().filter_map(|m| case.members.get(m.0 as usize)).map(|m| m.path.as_str()).peekable();
    paths.peek().is_some() && paths.all(others)
}

/// The name of a log's file without its endings, and what in it tells one program from another; of `orders/0.log` that of the directory.
fn named_after(path: &str) -> (String, Vec<String>) {
    for part in path.rsplit('/').take(2) {
        let stem = part.split('.').next().unwrap_or("").to_lowercase();
        let telling = words(&stem);
        if !telling.is_empty() {
            return (stem, telling);
        }
    }
    (String::new(), Vec::new())
}

/// Whether a process that is not the holder's has this name.
fn is_other(case: &Case<'_>, owner: &Owner, name: &str) -> bool {
    let is = |full: &str| {
        let base = base_name(full);
        base.eq_ignore_ascii_case(name) || base.split('.').next().is_some_and(|stem| stem.eq_ignore_ascii_case(name))
    };
    let others = case.snapshot.processes.iter().filter(|(pid, _)| !owner.has(**pid));
    others.map(|(_, p)| p).any(|p| is(&p.command) || is(&p.program()))
}

/// Traces of processes that are not the holder's, and that leave no such sockets open as it has: what does may be the holder by the number
/// that it has in another namespace.
fn traces_of_others<'a>(case: &Case<'a>, pile: &Pile) -> impl Iterator<Item = &'a Trace> {
    let own: Vec<_> = case.traces(pile).into_iter().map(|(t, _)| t.at).collect();
    let kind = pile.kind;
    let leaves = move |t: &Trace| t.tales.iter().filter(|(p, _)| leaves_open(kind, p)).map(|(_, t)| t.settled).sum::<u64>() >= 2;
    case.snapshot.traces.iter().filter(move |t| t.pid.is_some() && !own.contains(&t.at) && !leaves(t))
}

/// Whether a trace of another process than the holder's is in a file of this name: `strace-orders.txt` beside `orders.log`.
fn is_traced_other(case: &Case<'_>, pile: &Pile, name: &str) -> bool {
    let mut paths = traces_of_others(case, pile).filter_map(|t| case.members.get(t.at.member.0 as usize));
    paths.any(|m| named_after(&m.path).1.iter().any(|word| word == name))
}

/// Whether a trace shows another process being refused at the end that a line names, and closing its sockets, while nothing shows the holder
/// dialling there: the line is most likely that one's.
fn is_dialled_by_other(case: &Case<'_>, sighting: &Sighting, pile: &Pile) -> bool {
    let Some(endpoint) = sighting.endpoint.as_deref() else { return false };
    let Some(port) = endpoint.rsplit_once(':').and_then(|(_, port)| port.parse::<u16>().ok()) else { return false };
    let is_there =
        |end: Option<End>| end.is_some_and(|end| !matches!(end, End::Text(_)) && end.port() == port && case.show(end) == endpoint);
    let closes = |t: &Trace| {
        let fails = |p: &Pattern| matches!(p.outcome, Outcome::Failed(_)) && is_there(p.remote);
        case.tales(t, fails).iter().map(|(_, t)| t.closed).sum::<u64>() >= CLOSED
    };
    let shows = |p: &Pile| same_owner(p, pile) && p.traits.remotes.iter().any(|(end, _)| is_there(Some(end)));
    let dials = |t: &Trace| t.tales.keys().any(|p| is_there(p.remote));
    traces_of_others(case, pile).any(closes) && !case.ledger.piles.iter().any(shows) && !case.traces(pile).iter().any(|(t, _)| dials(t))
}

/// The words in all that names a holder: its command, its command line, its user, its service.
fn names_of(case: &Case<'_>, owner: &Owner) -> Vec<String> {
    let groups = owner.pids.iter().take(8).filter_map(|(pid, _)| case.snapshot.processes.get(pid)?.cgroup.as_deref());
    let mut own = Vec::new();
    for name in [owner.command.as_str(), &owner.program, &owner.cmdline, &owner.user].into_iter().chain(groups) {
        own.extend(words(&name.to_lowercase()));
    }
    own
}

/// The words of a name that tell one program from another.
fn words(name: &str) -> Vec<String> {
    let parts = name.split(|c: char| !c.is_ascii_alphanumeric());
    let telling = |w: &&str| w.len() >= TELLING && !w.starts_with(|c: char| c.is_ascii_digit()) && !GENERAL.contains(w);
    parts.filter(telling).map(str::to_string).collect()
}

/// Whether a line tells of an end that the holder itself listens on: whoever was refused there is its client.
fn is_own_listener(case: &Case<'_>, sighting: &Sighting, pile: &Pile) -> bool {
    let Some((host, port)) = sighting.endpoint.as_deref().and_then(|e| e.rsplit_once(':')) else { return false };
    let Ok(port) = port.parse::<u16>() else { return false };
    let here = || {
        let loopback = matches!(host, "127.0.0.1" | "localhost" | "[::1]" | "0.0.0.0");
        let local = |p: &Pile| p.traits.locals.iter().any(|(end, _)| case.show(end.host()).trim_start_matches("::ffff:") == host);
        loopback || case.ledger.piles.iter().any(local)
    };
    let listens = |p: &&Pile| p.kind == Kind::Listen && p.owner.is_some() && same_owner(p, pile);
    let ends = case.ledger.piles.iter().filter(listens).flat_map(|p| p.traits.locals.iter());
    ends.map(|(end, _)| end).any(|end| end.port() == port && (case.show(end.host()) == host || is_any(&case.show(end.host())) && here()))
}

/// Whether a listener's address stands for all of the host's.
fn is_any(address: &str) -> bool {
    matches!(address, "*" | "0.0.0.0" | "::" | "[::]")
}
