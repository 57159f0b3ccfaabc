//! Rows of lsof that a pipeline counted with those of all threads: without a selection lsof shows each descriptor again for each thread.
//!
//! ```text
//! # lsof | grep java | grep CLOSE_WAIT | wc -l
//! 4530
//! # lsof -nP -p 3140 | grep CLOSE_WAIT | wc -l
//! 30
//! ```
//!
//! Such a number is no count of sockets. It may be near one, where processes have one thread, so it is believed until another count, of what
//! threads do not repeat, is smaller.

use super::command::{kind_in, process_in};
use super::counted_descriptors::descriptors;
use super::pile::Pile;
use crate::capture::Snapshot;
use crate::capture::snapshot::Counted;
use crate::formats::prompt;
use crate::formats::selection;

/// Whether a count is one of lsof's rows with those of threads, and another is smaller.
pub fn repeats(t: &Counted, snapshot: &Snapshot) -> bool {
    shows_threads(t) && (of_a_table(t, snapshot) || of_its_process(t, snapshot))
}

/// Whether a count is one of lsof's rows with those of threads, as rows that the capture lists show: of more than there are sockets.
pub(super) fn are_lines(t: &Counted, snapshot: &Snapshot) -> bool {
    shows_threads(t) && snapshot.processes.values().flat_map(|p| &p.lists).any(|l| l.thread_rows > 0)
}

/// How many lines lsof printed of each descriptor of the holder of a pile, as its rows show it, where a count is one of lines with those of
/// threads.
pub(super) fn per_descriptor(snapshot: &Snapshot, pile: &Pile, t: &Counted) -> Option<u64> {
    let (pid, _) = pile.owner.as_ref()?.pids.first().filter(|_| shows_threads(t))?;
    let lists = &snapshot.processes.get(pid)?.lists;
    let threads: u64 = lists.iter().map(|l| l.thread_rows).sum();
    let own: u64 = lists.iter().flat_map(|l| l.sockets()).map(|c| c.sockets.len() as u64).sum();
    (threads > 0 && own > 0).then(|| 1 + threads / own)
}

/// Whether a pipeline begins with an lsof that selects nothing.
pub(super) fn shows_threads(t: &Counted) -> bool {
    let lsof = t.command.split('|').next().unwrap_or("");
    if !t.label.is_empty() || prompt::program(lsof.as_bytes()) != b"lsof" {
        return false;
    }
    let mut options = lsof.split_whitespace().skip_while(|w| w.rsplit('/').next() != Some("lsof")).skip(1);
    options.all(|w| {
        w.starts_with("+c") || w.starts_with("2>") || w.strip_prefix('-').is_some_and(|o| o.chars().all(|c| "nPlwbOMRV".contains(c)))
    })
}

/// Whether a table of all connections, which has no threads, was counted to have fewer of the kind.
fn of_a_table(t: &Counted, snapshot: &Snapshot) -> bool {
    let kind = kind_in(&t.command);
    let table =
        |o: &&Counted| matches!(prompt::program(o.command.as_bytes()), b"ss" | b"netstat") && !selection::narrows(o.command.as_bytes());
    kind.is_some() && snapshot.tallies.iter().filter(table).any(|o| o.value < t.value && o.label.is_empty() && kind_in(&o.command) == kind)
}

/// Whether the one process whose name the pipeline looks for was counted to have fewer, or fewer descriptors in all. A process that nothing
/// names is it where no other's descriptors were counted.
fn of_its_process(t: &Counted, snapshot: &Snapshot) -> bool {
    let word = |f: &str| Some(f.trim_start().strip_prefix("grep ")?.split_whitespace().last()?.trim_matches(['"', '\'', '^']).to_string());
    let words: Vec<String> = t.command.split('|').skip(1).filter_map(word).filter(|w| kind_in(w).is_none()).collect();
    let kind = kind_in(&t.command);
    let counted = descriptors(snapshot);
    let mut named = snapshot.processes.iter().filter(|(_, p)| words.contains(&p.command)).map(|(&pid, _)| pid);
    let pid = match (named.next(), named.next(), counted.keys().next()) {
        (Some(pid), None, _) => pid,
        (None, None, Some(&only)) if counted.len() == 1 && !words.is_empty() && !is_named(snapshot, only) => only,
        _ => return false,
    };
    let fewer = |o: &Counted| {
        o.value < t.value
            && o.label.is_empty()
            && !shows_threads(o)
            && kind_in(&o.command) == kind
            && process_in(&o.command, snapshot) == Some(pid)
    };
    (kind.is_some() && snapshot.tallies.iter().any(fewer)) || counted.get(&pid).is_some_and(|(n, _)| *n < t.value)
}

fn is_named(snapshot: &Snapshot, pid: u32) -> bool {
    snapshot.processes.get(&pid).is_some_and(|p| !p.command.is_empty())
}

#[cfg(test)]
mod tests {
    use crate::ledger::{Kind, scope_tests::with};

    const LISTED: &str = "$ lsof -nP -p 7\nCOMMAND PID USER FD TYPE DEVICE SIZE/OFF NODE NAME\njava 7 apps 9u IPv4 900 0t0 TCP 10.0.0.1:40000->10.0.0.2:1433 (CLOSE_WAIT)\n";

    fn close_wait(text: &str) -> Option<u64> {
        with(&[("ticket.txt", text)], |l| l.piles.iter().filter(|p| p.kind == Kind::CloseWait).map(|p| p.count).max())
    }

    #[test]
    fn rows_of_threads_are_no_sockets() {
        let own = format!("$ lsof | grep java | grep CLOSE_WAIT | wc -l\n4530\n$ lsof -p 7 | grep CLOSE_WAIT | wc -l\n30\n{LISTED}");
        assert_eq!(close_wait(&own), Some(30));
        let all = "$ lsof | grep -c CLOSE_WAIT\n4800\n$ ss -tan | grep -c CLOSE-WAIT\n32\n";
        assert_eq!(close_wait(all), Some(32));
        let descriptors =
            "$ lsof | grep java | grep -c CLOSE_WAIT\n4800\n$ ls /proc/7/fd | wc -l\n411\n$ pgrep -a java\n7 java -jar x.jar\n";
        assert_eq!(close_wait(descriptors), None);
    }

    #[test]
    fn what_nothing_speaks_against_is_believed() {
        assert_eq!(close_wait("$ lsof | grep -c CLOSE_WAIT\n4800\n"), Some(4800));
        assert_eq!(close_wait("$ lsof -i | grep -c CLOSE_WAIT\n4800\n$ ss -tan | grep -c CLOSE-WAIT\n32\n"), Some(4800));
    }
}
