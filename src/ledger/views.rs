//! Socket tables put together: which tables are one reading, which reading is best for a family, what state each inode is in.

use super::Kind;
use super::books::Books;
use super::command;
use crate::bundle::MemberEnd;
use crate::capture::End;
use crate::capture::process::base_name;
use crate::capture::snapshot::{Remark, netns_of, netns_of_pid, process_of_net};
use crate::capture::table::{Group, Table};
use crate::capture::{Member, Snapshot};
use crate::facts::{NoteKind, Protocol, SocketState, StatesShown};
use std::collections::{BTreeMap, BTreeSet};

/// A family of sockets that a table covers as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[expect(missing_docs, reason = "each variant is the family it is named after")]
pub enum Family {
    Tcp,
    Udp,
    Raw,
    Unix,
    Netlink,
    Packet,
    Other,
}

/// Tables that together are one reading of one network namespace.
#[derive(Debug)]
pub struct View<'a> {
    /// The tables.
    pub tables: Vec<&'a Table>,
    /// The inode of the namespace where the path names one (`netns/4026532177/tcp`); `None` for the capture's own.
    pub netns: Option<String>,
    /// Whether it lacks rows: filtered, or head or tail lost.
    pub partial: bool,
    /// The states of which a filter kept every row.
    kept: Vec<SocketState>,
    /// Rows of each family.
    counts: BTreeMap<Family, u64>,
    /// Whether the kernel counts no more TCP sockets than it lists.
    counted: bool,
    /// Whether a table of IPv6 was read that has no row.
    no_ipv6: bool,
}

impl Family {
    /// The family of a protocol.
    pub fn of(protocol: Protocol) -> Family {
        match protocol {
            p if p.is_tcp() => Family::Tcp,
            p if p.is_udp() => Family::Udp,
            p if p.is_raw() => Family::Raw,
            Protocol::Unix => Family::Unix,
            Protocol::Netlink => Family::Netlink,
            Protocol::Packet => Family::Packet,
            _ => Family::Other,
        }
    }
}

impl<'a> View<'a> {
    /// Groups of a family.
    pub fn groups(&self, family: Family) -> impl Iterator<Item = &'a Group> + '_ {
        self.tables.iter().flat_map(|t| &t.groups).filter(move |g| Family::of(g.protocol) == family)
    }

    /// Rows of a family.
    pub fn count(&self, family: Family) -> u64 {
        self.counts.get(&family).copied().unwrap_or(0)
    }

    /// Whether rows of TCP in this state may be missing.
    pub fn lacks(&self, kind: Kind) -> bool {
        self.partial && !self.kept.iter().any(|&state| Kind::of_socket(Protocol::Tcp, state) == Some(kind))
    }

    /// Adds a table.
    fn add(&mut self, table: &'a Table, partial: bool) {
        for group in &table.groups {
            *self.counts.entry(Family::of(group.protocol)).or_default() += group.count;
        }
        self.tables.push(table);
        self.partial |= partial;
    }

    /// Rows of TCP in a state.
    pub fn tcp(&self, state: SocketState) -> u64 {
        self.groups(Family::Tcp).filter(|g| g.state == state).map(|g| g.count).sum()
    }

    /// TCP rows that the kernel counts as sockets in use: TIME-WAIT and SYN-RECV entries are none.
    pub fn hashed(&self) -> u64 {
        self.count(Family::Tcp).saturating_sub(self.tcp(SocketState::TimeWait)).saturating_sub(self.tcp(SocketState::SynRecv))
    }

    /// Whether it names holders.
    pub fn holders_shown(&self) -> bool {
        self.tables.iter().any(|t| t.holders_shown)
    }

    /// Whether it is a whole reading of IPv4 and IPv6 TCP: `/proc/net` has a file for each, ss and netstat list both unless they are told
    /// not to (`-4`, `--inet`), which the option alone may say that was not captured.
    pub fn covers_both_ip_versions(&self) -> bool {
        let has = |protocol| self.groups(Family::Tcp).any(|g| g.protocol == protocol);
        let tool = self.tables.iter().any(|t| !t.format.starts_with("proc-net"));
        !self.partial && ((tool && has(Protocol::Tcp6)) || (has(Protocol::Tcp) && (has(Protocol::Tcp6) || self.no_ipv6)))
    }

    /// The addresses that its TCP connections have on this side, and how many connections tell them.
    fn addresses(&self) -> (BTreeSet<End>, u64) {
        let connected = self.groups(Family::Tcp).filter(|g| g.state != SocketState::Listen);
        let told = connected.flat_map(|g| g.locals.iter()).filter(|(end, _)| !end.is_unset() && !end.is_loopback());
        let (mut all, mut last, mut rows) = (BTreeSet::new(), None, 0);
        for (end, n) in told {
            // A million ends are of a few addresses, one after the other of the same.
            if last.replace(end.host()) != Some(end.host()) {
                all.insert(end.host());
            }
            rows += n;
        }
        (all, rows)
    }

    /// Whether its rows carry inodes.
    pub fn has_inodes(&self) -> bool {
        self.tables.iter().any(|t| !t.rows.is_empty())
    }

    /// Whether each TCP socket in a state would be in it.
    pub fn shows(&self, state: SocketState) -> bool {
        let mut tables = self.tables.iter().filter(|t| t.covers(Protocol::is_tcp)).peekable();
        !self.partial && tables.peek().is_some() && tables.all(|t| t.lists(state, self.counted))
    }

    /// Whether it was asked for listeners alone.
    pub fn leaves_connections_out(&self) -> bool {
        self.tables.iter().all(|t| t.shown == StatesShown::Listening)
    }

    /// Whether no row of a connection is missing from it.
    pub fn is_whole(&self) -> bool {
        !self.partial && !self.leaves_connections_out()
    }

    /// How good a reading of a family it is: one with connections before one of listeners, whole before partial, with holders, with inodes, then the larger one.
    fn rank(&self, family: Family) -> (bool, bool, bool, bool, u64) {
        (!self.leaves_connections_out(), !self.partial, self.holders_shown(), self.has_inodes(), self.count(family))
    }
}

/// All readings of a snapshot.
pub fn views<'a>(snapshot: &'a Snapshot, members: &[Member], books: &Books) -> Vec<View<'a>> {
    let mut views: Vec<(String, View<'a>)> = Vec::new();
    // All members are looked through only where it matters: there may be thousands of snapshots of thousands of members.
    let of_kernel = snapshot.tables.iter().any(|t| t.format.starts_with("proc-net"));
    let no_tcp6: BTreeSet<String> = members.iter().filter(|m| of_kernel && has_no_tcp6(m)).map(|m| reading_of(&m.path)).collect();
    for table in &snapshot.tables {
        let path = members.get(table.at.member.0 as usize).map_or("", |m| m.path.as_str());
        // The files of one /proc/net directory are one reading; any other member is one for itself.
        let key = if table.format.starts_with("proc-net") { reading_of(path) } else { format!("#{}", table.at.member.0) };
        let partial = table.filtered.is_some() || is_partial(snapshot, table);
        let same = views.iter_mut().rev().find(|(k, v)| *k == key && v.tables.iter().all(|t| !overlap(t, table)));
        match same {
            Some((_, view)) => view.add(table, partial),
            None => {
                let named = netns_of(path).filter(|n| !snapshot.is_own_netns(n));
                let netns = named.or(table.netns.as_deref()).map(str::to_string);
                let no_ipv6 = table.format.starts_with("proc-net") && no_tcp6.contains(&key);
                let kept = kept(snapshot, table);
                let mut view = View { tables: Vec::new(), netns, partial, kept, counts: BTreeMap::new(), counted: false, no_ipv6 };
                view.add(table, partial);
                views.push((key, view));
            }
        }
    }
    let mut views: Vec<View<'a>> = views.into_iter().map(|(_, v)| v).collect();
    let counted = super::tally::tcp_rows(snapshot);
    for view in &mut views {
        view.netns = view.netns.take().or_else(|| netns_of_process(view, members, snapshot));
        view.counted = is_counted(view, books);
        view.partial |= view.tables.iter().any(|t| t.headless) && !view.counted;
        view.partial |= view.netns.is_none() && counted.as_ref().is_some_and(|(n, _)| is_excerpt_of(*n, view.count(Family::Tcp)));
    }
    set_apart(&mut views);
    views
}

/// How many connections must tell the addresses of a namespace.
const SEVERAL: u64 = 5;

/// What a tool printed without holders is of another network namespace (`kubectl exec`, `ip netns exec`) than a table with holders where no
/// address of its connections is one of that table's: two whole tables of one namespace show the same host.
fn set_apart(views: &mut [View<'_>]) {
    let whole = |v: &View<'_>| v.netns.is_none() && !v.partial && v.tables.iter().all(|t| !t.format.starts_with("proc-net"));
    if !views.iter().any(|v| whole(v) && !v.holders_shown()) {
        return;
    }
    let own: BTreeSet<End> = views.iter().filter(|v| whole(v) && v.holders_shown()).flat_map(|v| v.addresses().0).collect();
    if own.is_empty() {
        return;
    }
    for view in views.iter_mut().filter(|v| whole(v) && !v.holders_shown()) {
        let (addresses, rows) = view.addresses();
        if rows >= SEVERAL && addresses.is_disjoint(&own) {
            view.netns = Some("of other addresses".to_string());
        }
    }
}

/// The namespace of the process whose `/proc/PID/net` a reading is, where lsof, which looks into the tables of its own namespace alone, found
/// most of that process's sockets in no table, and this one lists them.
fn netns_of_process(view: &View<'_>, members: &[Member], snapshot: &Snapshot) -> Option<String> {
    let table = view.tables.first().filter(|t| t.format.starts_with("proc-net"))?;
    let path = members.get(table.at.member.0 as usize).map(|m| m.path.as_str())?;
    let pid = process_of_net(path)?;
    let sockets = || snapshot.processes.get(&pid).into_iter().flat_map(|p| &p.lists).flat_map(|l| l.sockets());
    let unlisted: BTreeSet<u32> = sockets().filter(|c| c.unlisted).flat_map(|c| c.inodes()).collect();
    let here = view.tables.iter().flat_map(|t| &t.rows).filter(|row| unlisted.contains(&row.0)).count();
    (here > 0 && here * 2 >= unlisted.len()).then(|| netns_of_pid(pid))
}

/// Whether the kernel counts no more TCP sockets than a view lists, so that nothing stood in front of its first row.
fn is_counted(view: &View<'_>, books: &Books) -> bool {
    let rows = view.hashed();
    view.netns.is_none() && rows > 0 && books.hashed().is_some_and(|hashed| hashed <= rows + rows / 20)
}

/// Whether so few rows are an excerpt of a table of so many: two lines of it are its head, and others have come in between.
fn is_excerpt_of(lines: u64, rows: u64) -> bool {
    rows > 0 && lines > rows.saturating_mul(3) / 2 + 64
}

/// The reading that a file of `/proc/net` is of: its directory, and the process whose namespace its name tells.
fn reading_of(path: &str) -> String {
    let directory = path.rsplit_once('/').map_or("", |(directory, _)| directory);
    process_of_net(path).map_or_else(|| directory.to_string(), |pid| format!("{directory}#{pid}"))
}

/// Whether a member is the IPv6 table of TCP, read to its end, with a header and no row. An empty file would be one that was not captured.
fn has_no_tcp6(member: &Member) -> bool {
    let reading = &member.reading;
    if reading.rows() > 0 || member.end != MemberEnd::Whole || !reading.format().starts_with("proc-net") {
        return false;
    }
    let name = member.path.rsplit('/').next().unwrap_or("");
    name.split(|c: char| !c.is_ascii_alphanumeric()).any(|word| word == "tcp6")
}

/// The best reading of a family in the capture's own namespace.
pub fn best<'v, 'a>(views: &'v [View<'a>], family: Family) -> Option<&'v View<'a>> {
    views.iter().filter(|v| v.netns.is_none() && v.count(family) > 0).max_by_key(|v| v.rank(family))
}

fn overlap(a: &Table, b: &Table) -> bool {
    a.groups.iter().any(|g| b.groups.iter().any(|h| h.protocol == g.protocol))
}

/// What says that a table is not whole.
fn losses<'s>(snapshot: &'s Snapshot, table: &Table) -> impl Iterator<Item = &'s Remark> + use<'s> {
    let (member, format, line) = (table.at.member, table.format, table.at.line);
    // What another command of the file filtered was not lost here.
    let own = move |r: &Remark| r.kind != NoteKind::Filtered || (r.format == format && r.quote.at.line <= line);
    snapshot.remarks.iter().filter(move |r| {
        r.quote.at.member == member
            && own(r)
            && matches!(r.kind, NoteKind::Filtered | NoteKind::HeadLost | NoteKind::TailLost | NoteKind::Narrow | NoteKind::TimedOut)
    })
}

fn is_partial(snapshot: &Snapshot, table: &Table) -> bool {
    losses(snapshot, table).next().is_some()
}

/// The states of which nothing was lost, where a filter that lets them through is all that took rows away.
fn kept(snapshot: &Snapshot, table: &Table) -> Vec<SocketState> {
    let mut losses = losses(snapshot, table);
    match (losses.next(), losses.next()) {
        (Some(only), None) if only.kind == NoteKind::Filtered && !table.headless && !snapshot.room.is_over() => let_through(&only.text),
        _ => Vec::new(),
    }
}

/// The states whose every row a command line lets through: `ss -tanp | grep -E "State|CLOSE-WAIT"`.
fn let_through(command: &str) -> Vec<SocketState> {
    let Some((table, filter)) = command.split_once('|') else { return Vec::new() };
    let mut asked = table.split_whitespace().skip_while(|w| !matches!(base_name(w), "ss" | "netstat")).skip(1).peekable();
    let whole = asked.peek().is_some() && asked.all(|w| w.starts_with('-') && !w.contains(['4', '6']) && !w.starts_with("--in"));
    let mut words = filter.split_whitespace();
    let greps = words.next().is_some_and(|w| matches!(w, "grep" | "egrep"));
    let mut pattern = words.skip_while(|w| w.starts_with("--color") || matches!(*w, "-E" | "-i" | "-w" | "-e" | "-F" | "-iE" | "-Ei"));
    let (Some(pattern), None) = (pattern.next(), pattern.next()) else { return Vec::new() };
    let pattern = pattern.trim_matches(['"', '\'']);
    let words = || pattern.split('|').map(|w| w.trim_end_matches('\\'));
    // Of a word that is none the pattern may be anything.
    if !whole || !greps || !words().all(|w| matches!(w, "State" | "^State") || command::state_of(w).is_some()) {
        return Vec::new();
    }
    words().filter_map(command::state_of).collect()
}

#[cfg(test)]
mod tests {
    use super::{SocketState, let_through};

    #[test]
    fn what_a_filter_keeps_every_row_of() {
        for command in [
            "ss -tanp | grep CLOSE-WAIT",
            "sudo ss -tanp | grep --color=always -E \"State|CLOSE-WAIT\"",
            "netstat -antp | grep CLOSE_WAIT",
            "netstat -antp | egrep -i 'close_wait'",
        ] {
            assert_eq!(let_through(command), [SocketState::CloseWait], "{command}");
        }
        for command in [
            "ss -tanp",
            "ss -tanp | grep CLOSE-WAIT | head -50",
            "ss -tanp | grep -v CLOSE-WAIT",
            "ss -tanp | grep CLOSE-WAIT.*6379",
            "ss -tanp dst 10.0.0.1 | grep CLOSE-WAIT",
            "ss -4tanp | grep CLOSE-WAIT",
            "ss -tanp | grep 6379",
            "cat x | grep CLOSE-WAIT",
            "ss -tanp | awk '/CLOSE-WAIT/'",
        ] {
            assert_eq!(let_through(command), [], "{command}");
        }
    }
}
