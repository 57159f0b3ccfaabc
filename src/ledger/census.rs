//! What a count of a pipeline is of: sockets of which kind, and of which process.
//!
//! ```text
//! # lsof -nP -p 28191 | grep -c CLOSE_WAIT            the connections of one process in a state
//! # lsof -p $(pidof relayd) | grep eventpoll | wc -l  a process told by its name
//! # ss -tlnp | grep -c 'pid=28191,'                   its listeners
//! ```

use super::command::{asks, family_in, kind_in, prints_of, process_in, state_of, table_of};
use super::kind::Kind;
use super::labels;
use crate::capture::Snapshot;
use crate::capture::snapshot::Counted;
use crate::facts::Protocol;
use crate::formats::pid::pid_of;
use crate::formats::selection;

/// Counts times processes up to which names are looked for among processes: more are no capture that somebody typed.
const LOOKED: usize = 1 << 22;

/// What was counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Census {
    /// The kind of sockets.
    pub kind: Kind,
    /// The process, where the command names one.
    pub pid: Option<u32>,
}

/// What a count is of; `None` where it is not of one kind: a label that is no state is one of the parts in which rows were counted.
pub(super) fn of(tally: &Counted, snapshot: &Snapshot) -> Option<Census> {
    let pid = holder(&tally.command, snapshot).or_else(|| super::counted_descriptors::in_namespace(tally, snapshot));
    let kind = match tally.label.as_str() {
        "" => kind_in(&tally.command).or_else(|| family_in(tally)).or_else(|| listeners(tally).filter(|_| pid.is_some())),
        label => match state_of(label) {
            Some(state) => Kind::of_socket(Protocol::Tcp, state),
            None => return labels::census(tally, snapshot),
        },
    };
    Some(Census { kind: kind?, pid })
}

/// The process whose sockets a command line counts: one that its tool was asked for, or whose pid a filter looks for.
pub(super) fn holder(command: &str, snapshot: &Snapshot) -> Option<u32> {
    process_in(command, snapshot)
        .or_else(|| filtered(command))
        .or_else(|| printed(command).map(|p| p.0))
        .or_else(|| sought(command, snapshot))
}

/// The one process of a name that a filter looks for among rows with their holders: `ss -uanp | grep -c relayd`.
fn sought(command: &str, snapshot: &Snapshot) -> Option<u32> {
    let (table, _) = command.split_once('|')?;
    let steps = snapshot.tallies.len().saturating_mul(snapshot.processes.len());
    if steps > LOOKED {
        return None;
    }
    if !prints_of(table, "lsof") && !table_of(table).is_some_and(|options| options.contains('p')) {
        return None;
    }
    let words = selection::sought(command.as_bytes()).into_iter().filter_map(|word| std::str::from_utf8(word).ok());
    let mut names = words.map(|word| word.trim_matches(['^', '"', ' ', '/'])).filter(|word| word.len() > 1);
    names.find_map(|name| only_of_name(name, snapshot))
}

/// The one process that has a name, as a listing of processes or its own log tells.
fn only_of_name(name: &str, snapshot: &Snapshot) -> Option<u32> {
    let mut named = snapshot.processes.iter().filter(|(_, p)| p.command == name).map(|(&pid, _)| pid);
    match (named.next(), named.next()) {
        (only, None) => only.or_else(|| logged(name, snapshot)),
        _ => None,
    }
}

/// The one process of a name that wrote to a log.
fn logged(name: &str, snapshot: &Snapshot) -> Option<u32> {
    let mut pids = snapshot.logs.sightings.iter().filter(|s| s.program == name).filter_map(|s| s.pid);
    let first = pids.next()?;
    pids.all(|pid| pid == first).then_some(first)
}

/// A process that a filter looks for as netstat prints it: `grep 28191/node`.
pub(super) fn printed(command: &str) -> Option<(u32, &str)> {
    let (table, filters) = command.split_once('|')?;
    let mut words = filters.split('|').filter_map(|part| part.trim_start().strip_prefix("grep ")?.split_whitespace().last());
    words.find_map(sought_word).filter(|_| prints_of(table, "netstat"))
}

/// `28191/node`.
fn sought_word(word: &str) -> Option<(u32, &str)> {
    let (pid, name) = word.trim_matches(['"', '\'']).split_once('/')?;
    let plain =
        name.starts_with(|c: char| c.is_ascii_alphabetic()) && name.chars().all(|c| c.is_ascii_alphanumeric() || "-_.:".contains(c));
    Some((pid.parse().ok().filter(|_| plain)?, name))
}

/// Whether a command line names a process by its pid.
pub(super) fn names_pid(command: &str) -> bool {
    pid_of("", command.as_bytes()).is_some() || filtered(command).is_some() || printed(command).is_some()
}

/// `grep -c 'pid=28191,'`.
fn filtered(command: &str) -> Option<u32> {
    let (_, filters) = command.split_once('|')?;
    let digits = filters.split_once("pid=")?.1;
    digits.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}

/// Listeners, where the table was asked for those of TCP alone.
fn listeners(tally: &Counted) -> Option<Kind> {
    let (table, _) = tally.command.split_once('|')?;
    let options = table_of(table)?;
    let tcp_only = asks(&options, ['t', 't']) && !asks(&options, ['u', 'U']) && !asks(&options, ['x', 'w']);
    (tcp_only && asks(&options, ['l', 'l']) && !asks(&options, ['a', 'a'])).then_some(Kind::Listen)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_and_processes() {
        for (command, label, want) in [
            ("lsof -nP -p 28191 | grep -c CLOSE_WAIT", "", Some((Kind::CloseWait, Some(28191)))),
            ("lsof -p 28191 | grep TCPv6 | wc -l", "", Some((Kind::Closed, Some(28191)))),
            ("lsof -p 28191 | grep TCP | wc -l", "", None),
            ("lsof -n -p 28191 | grep -Eo '\\(.*\\)$' | sort | uniq -c", "(CLOSE_WAIT)", Some((Kind::CloseWait, Some(28191)))),
            ("lsof -p 28191 | grep CLOSE_WAIT | sed 's/.*://' | sort | uniq -c", "443 (CLOSE_WAIT)", None),
            ("ss -tlnp | grep -c 'pid=28191,'", "", Some((Kind::Listen, Some(28191)))),
            ("ss -tanp | grep -c 'pid=28191,'", "", None),
            ("ss | grep CLOSE | wc -l", "", Some((Kind::CloseWait, None))),
            ("netstat -antp | grep 28191/node | awk '{print $6}' | sort | uniq -c", "CLOSE_WAIT", Some((Kind::CloseWait, Some(28191)))),
            ("netstat -ant | grep 10.0.0.0/24 | awk '{print $6}' | sort | uniq -c", "CLOSE_WAIT", Some((Kind::CloseWait, None))),
            ("lsof -p 28191 | grep 'type=STREAM' | wc -l", "", Some((Kind::Unix, Some(28191)))),
            ("ss -tan | grep -c ESTAB", "", Some((Kind::Established, None))),
        ] {
            let at = crate::facts::At {
                citation: crate::facts::Citation { member: crate::facts::MemberId(0), line: 1 },
                format: "tally",
                text: b"",
            };
            let quote = crate::capture::Quote::keep(&at);
            let tally = Counted { command: command.into(), label: label.into(), value: 9, slept: 0, quote };
            assert_eq!(of(&tally, &Snapshot::default()).map(|c| (c.kind, c.pid)), want, "{command}");
        }
    }
}
