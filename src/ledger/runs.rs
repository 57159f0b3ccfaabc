//! What one run of a pipeline printed: rows that are parts of one whole, such as the connections with each peer.
//!
//! ```text
//! # ss -tn state established | grep pid=13973 | awk '{print $4}' | sort | uniq -c
//!      62 192.168.21.40:80
//!      63 192.168.21.41:80
//! ```
//!
//! The process holds 125, and not 63.

use super::command::{state_in, state_of};
use super::labels;
use super::series::{self, Gone};
use crate::capture::Snapshot;
use crate::capture::snapshot::Counted;
use std::borrow::Cow;
use std::collections::BTreeMap;

/// The rows of each run, in the order in which they were printed.
pub(super) fn all(snapshot: &Snapshot) -> Vec<Vec<&Counted>> {
    let mut runs: Vec<Vec<&Counted>> = Vec::new();
    for tally in &snapshot.tallies {
        match runs.last_mut().filter(|run| continues(run, tally)) {
            Some(run) => run.push(tally),
            None => runs.push(vec![tally]),
        }
    }
    runs
}

/// Of several runs of one command the last alone, without parts of what has gone since.
pub(super) fn last(snapshot: &Snapshot) -> Vec<Vec<&Counted>> {
    let runs = all(snapshot);
    let mut last: BTreeMap<&str, usize> = BTreeMap::new();
    for (number, tally) in runs.iter().enumerate().filter_map(|(number, run)| Some((number, run.first()?))) {
        last.insert(&tally.command, number);
    }
    let is_last = |number: usize, run: &[&Counted]| {
        run.first().is_some_and(|t| !series::comes_again(t) || last.get(t.command.as_str()) == Some(&number))
    };
    let gone = Gone::of(snapshot);
    runs.into_iter()
        .enumerate()
        .filter(|(number, run)| is_last(*number, run))
        .map(|(_, run)| run.into_iter().filter(|t| !gone.has(t)).collect())
        .collect()
}

/// Whether a row is of the same run: right below the others, and not the first of them once more.
fn continues(run: &[&Counted], next: &Counted) -> bool {
    let (Some(first), Some(last)) = (run.first(), run.last()) else { return false };
    let (before, at) = (last.quote.at, next.quote.at);
    last.command == next.command
        && before.member == at.member
        && before.line.checked_add(1) == Some(at.line)
        && !next.label.is_empty()
        && next.label != first.label
}

/// Counts as they stand, and of what was counted in parts the sum.
pub(super) fn wholes(snapshot: &Snapshot) -> Vec<Cow<'_, Counted>> {
    let mut wholes = Vec::new();
    for run in last(snapshot) {
        let parts = || run.iter().filter(|t| is_part(t, snapshot));
        if let Some(first) = parts().max_by_key(|t| t.value) {
            let value = parts().map(|t| t.value).fold(0, u64::saturating_add);
            wholes.push(Cow::Owned(Counted {
                command: first.command.clone(),
                label: String::new(),
                value,
                quote: first.quote.clone(),
                slept: 0,
            }));
        }
        wholes.extend(run.iter().filter(|t| !is_part(t, snapshot)).map(|t| Cow::Borrowed(*t)));
    }
    wholes
}

/// Whether a row counts some of the connections that its command selects by their state: those with one peer, on one port.
fn is_part(tally: &Counted, snapshot: &Snapshot) -> bool {
    !tally.label.is_empty()
        && !is_heading(&tally.label)
        && state_of(&tally.label).is_none()
        && state_in(&tally.command).is_some()
        && !labels::name_holder(tally, snapshot)
}

/// Whether a label is of the line above a table, which such a pipeline counts too.
pub(super) fn is_heading(label: &str) -> bool {
    const WORDS: &[&str] = &["Local", "Peer", "Foreign", "Address", "Address:Port", "State", "Recv-Q", "Send-Q"];
    !label.is_empty() && label.split_whitespace().all(|word| WORDS.contains(&word))
}

/// Whether a pipeline prints the first or last of its counts only.
pub(super) fn is_cut(command: &str) -> bool {
    command.rsplit_once("uniq -c").is_some_and(|(_, behind)| behind.contains("head") || behind.contains("tail"))
}

#[cfg(test)]
mod tests {
    use crate::ledger::{Kind, scope_tests::with};

    /// The established connections of all piles: pid, count, whether they were accepted, and how many ends are told.
    fn established(text: &str) -> Vec<(Option<u32>, u64, Option<bool>, u64)> {
        with(&[("ticket.txt", text)], |l| {
            let piles = l.piles.iter().filter(|p| p.kind == Kind::Established);
            let pid = |p: &crate::ledger::Pile| p.owner.as_ref().and_then(|o| Some(o.pids.first()?.0));
            piles.map(|p| (pid(p), p.count, p.accepted, p.traits.remotes.distinct())).collect()
        })
    }

    #[test]
    fn parts_are_summed_up() {
        let by_peer = "$ ss -tnp state established | grep pid=77 | awk '{print $4}' | sort | uniq -c\n     62 10.8.1.40:80\n     63 10.8.1.41:80\n      1 127.0.0.1:9115\n";
        assert_eq!(established(by_peer), [(Some(77), 126, Some(false), 3)]);
        let again = format!("{by_peer}later\n{}", by_peer.replace("63 ", "70 "));
        assert_eq!(established(&again), [(Some(77), 133, Some(false), 3)], "of two runs the last");
        let by_host = "$ netstat -ant | awk '$4 ~ /:5432$/ && $6==\"ESTABLISHED\" {split($5,a,\":\"); print a[1]}' | sort | uniq -c\n    388 10.5.0.21\n    388 10.5.0.22\n";
        assert_eq!(established(by_host), [(None, 776, Some(true), 0)]);
        let listed = "$ ss -tan | grep -v ESTAB | awk '{print $5}' | sort | uniq -c\n   388 10.5.0.21:80\n";
        assert_eq!(established(listed), [], "what a filter takes away is not counted");
    }

    #[test]
    fn a_state_that_is_gone_is_not_counted() {
        let run = |rows: &str| format!("$ ss -tan | awk '{{print $1}}' | sort | uniq -c\n{rows}     12 ESTAB\n");
        let closed = |text: &str| {
            with(&[("ticket.txt", text)], |l| l.piles.iter().filter(|p| p.kind == Kind::CloseWait).map(|p| p.count).collect::<Vec<_>>())
        };
        assert_eq!(closed(&(run("    700 CLOSE-WAIT\n") + &run(""))), Vec::<u64>::new());
        assert_eq!(closed(&(run("") + &run("    700 CLOSE-WAIT\n"))), [700]);
    }

    #[test]
    fn holders_with_their_remotes() {
        let text = "$ date; netstat -ntp | awk '$6==\"ESTABLISHED\" {print $5, $7}' | sort | uniq -c\nFri May 21 14:02:25 CST 2021\n    290 10.7.0.8:70 144/exporter\n     10 10.7.0.9:70 144/exporter\n      9 10.7.0.8:71 145/other\n";
        assert_eq!(established(text), [(Some(144), 300, Some(false), 2), (Some(145), 9, None, 1)]);
    }

    #[test]
    fn ends_that_a_filter_of_ss_names() {
        let text = "$ ss -tnp state established dst 10.1.0.1 dport = :9200 | grep -o 'pid=[0-9]*' | sort | uniq -c\n  281 pid=212\n$ ss -tnp state established sport = :9200 | grep -o 'pid=[0-9]*' | sort | uniq -c\n  281 pid=148\n";
        assert_eq!(established(text), [(Some(212), 281, Some(false), 1), (Some(148), 281, Some(true), 0)]);
        let either =
            "$ ss -tnp state established '( dport = :9200 or sport = :9200 )' | grep -o 'pid=[0-9]*' | sort | uniq -c\n  281 pid=212\n";
        assert_eq!(established(either), [(Some(212), 281, None, 0)]);
    }

    #[test]
    fn the_process_in_whose_namespace_was_counted() {
        let loops = |n: u32| {
            format!(
                "$ for p in /proc/[0-9]*; do echo $(ls $p/fd | wc -l) $(cat $p/comm) ${{p#/proc/}}; done | sort -rn\n{n} relayd 177\n96 systemd 1\n"
            )
        };
        let table = "$ nsenter -t 177 -n ss -tn state established | awk 'NR>1{print $4}' | sort | uniq -c\n  377 20.4.1.1:443\n  511 20.4.1.2:443\n";
        assert_eq!(established(&(loops(912) + table)), [(Some(177), 888, Some(false), 2)]);
        assert_eq!(established(&(loops(112) + table))[0].0, None, "others of the namespace hold them");
    }
}
