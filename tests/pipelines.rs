//! What pipelines counted is put to the process that the command, or the label of a count, names.

mod sample;

use sample::{Member, diagnose};
use sockdiag::diagnosis::Verdict;

/// The verdict on a paste, and of its first finding the pid and the count.
fn told(text: &str) -> (Verdict, Option<u32>, Option<u64>) {
    let diagnosis = diagnose(&[Member { path: "paste.txt".into(), text: text.into() }]);
    let first = diagnosis.findings.first().map(|f| &f.claim);
    let pid = first.and_then(|c| c.owner.as_ref()?.pids.first().map(|p| p.0));
    (diagnosis.verdict, pid, first.and_then(|c| c.count))
}

#[test]
fn the_process_is_named() {
    let of_type = "$ lsof -p 28191 | awk '{print $5}' | sort | uniq -c | sort -rn\n   6486 sock\n    212 REG\n     98 IPv6\n      1 TYPE\n";
    let by_pid = "$ lsof | grep \"can't identify protocol\" | awk '{print $2}' | sort | uniq -c | sort -rn\n   6486 28191\n      3 1020\n";
    let by_holder = "$ ss -tanp state close-wait | grep -o 'pid=[0-9]*' | sort | uniq -c\n   6486 pid=28191\n";
    let by_program = "$ netstat -anp | awk '/CLOSE_WAIT/{print $7}' | sort | uniq -c | sort -rn\n   6486 28191/node\n      4 1290/java\n";
    for text in [of_type, by_pid, by_holder, by_program] {
        assert_eq!(told(text), (Verdict::Leak, Some(28191), Some(6486)), "{text}");
    }
}

#[test]
fn a_column_that_names_nobody() {
    let peers = "$ ss -tan state close-wait | awk '{print $4}' | sort | uniq -c\n   6486 28191\n";
    assert_eq!(told(peers).1, None);
    let rows = "$ lsof -n | awk '{print $2\" \"$1}' | sort | uniq -c | sort -rn | head\n   6911 28191 java\n    312 1020 nginx\n";
    assert_eq!(told(rows), (Verdict::Inconclusive, None, None), "rows of lsof are files and libraries too");
}
