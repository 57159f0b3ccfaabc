//! Whole incidents: what must be found in each sample is found, and its report reads as it did when somebody last read it.
//!
//! `report.snap` stands beside each sample; `cargo insta review` shows what changed, `INSTA_UPDATE=no` only compares.

mod sample;

use sample::{Sample, all, differences};
use sockdiag::report::{self, Look};
use std::panic::AssertUnwindSafe;

/// Samples whose expectations sockdiag does not meet yet: name, the beginning of the difference, why. A sample that meets them must leave this list.
const SHORT: &[(&str, &str, &str)] = &[];

/// Every sample, so that one that is added or lost by accident is seen.
const LISTED: &[&str] = &[
    "accept-not-closed",
    "accept-not-closed-at-limit",
    "accept-not-closed-both-sides",
    "accept-not-closed-counted",
    "accept-not-closed-traced",
    "accept-not-closed-unread",
    "accept-stalled",
    "accept-stalled-counted",
    "accept-stalled-socket-activated",
    "backlog-overflow",
    "backlog-overflow-listeners-alone",
    "backlog-overflow-netstat",
    "busy-not-leaking",
    "busy-not-leaking-accounted",
    "busy-not-leaking-levelled-off",
    "busy-not-leaking-more-load",
    "connect-burst",
    "connect-failed-not-closed",
    "connect-failed-not-closed-counted",
    "connect-failed-not-closed-in-a-loop",
    "connect-failed-not-closed-in-container",
    "connect-failed-not-closed-java",
    "connect-stuck",
    "conntrack-full",
    "counted-without-states",
    "dup-not-closed",
    "dup-not-closed-by-ss",
    "fd-inherited",
    "fd-inherited-accepted",
    "fd-inherited-by-all-children",
    "fd-limit-by-files",
    "fd-limit-too-low",
    "foreign-namespace",
    "foreign-namespace-from-the-host",
    "foreign-namespace-listed",
    "founding-article",
    "founding-fragments",
    "founding-incident",
    "healthy",
    "healthy-dead-peer-in-log",
    "healthy-jvm-joining",
    "healthy-kept-connections",
    "healthy-new-release",
    "healthy-ports-of-choice",
    "healthy-prefork-listeners",
    "healthy-sessions",
    "healthy-workers-recycled",
    "idle-not-reaped",
    "in-flight",
    "inconclusive-ipv6-unseen",
    "inconclusive-pool-no-root",
    "inotify-instances",
    "kernel-leak",
    "leak-beside-websocket",
    "listener-not-closed",
    "netlink-not-closed",
    "netlink-not-closed-by-inode",
    "never-connected",
    "never-connected-restarted",
    "orphan-buildup",
    "orphan-buildup-out-of-memory-line",
    "owner-not-visible",
    "owner-not-visible-growing",
    "owner-not-visible-metrics",
    "owner-not-visible-no-root",
    "packet-not-closed",
    "peer-closed-not-closed",
    "peer-closed-not-closed-counted",
    "peer-closed-not-closed-in-container",
    "peer-closed-not-closed-no-root",
    "peer-closed-not-closed-pasted",
    "pool-unbounded",
    "pool-unbounded-restarted",
    "port-exhaustion",
    "port-exhaustion-client-refused",
    "raw-not-closed",
    "reset-not-closed",
    "selector-not-closed",
    "shutdown-not-closed",
    "shutdown-not-closed-fin-wait",
    "syn-flood",
    "syn-flood-none-completes",
    "syn-flood-small-queue",
    "system-file-limit",
    "tcp-memory",
    "threads-counted-as-files",
    "threads-counted-by-lines",
    "time-wait-beside-unix",
    "time-wait-buildup",
    "two-leaks",
    "udp-not-closed",
    "udp-not-closed-one-remote",
    "udp-not-closed-repeated",
    "unix-not-closed",
    "unix-not-closed-beside-accepts",
    "unix-not-closed-peers-gone",
    "unknown",
    "unknown-beside-a-message-bus",
    "unknown-counted-again",
    "unknown-log-of-another-pod",
    "unknown-refused-beside-the-growth",
    "workers-waiting-in-recv",
];

#[test]
fn every_directory_is_listed() {
    assert_eq!(sample::names(), LISTED, "one line for each directory of samples/, sorted");
}

#[test]
fn nothing_but_samples_stands_in_them() {
    for name in sample::names() {
        for entry in std::fs::read_dir(format!("{}/{name}", sample::SAMPLES)).expect("a sample") {
            let file = entry.expect("an entry").file_name().into_string().expect("UTF-8");
            let known = ["expect.yaml", "capture", "capture.tgz", "report.snap", "report.snap.new", "make.py"];
            assert!(known.contains(&file.as_str()), "{name}/{file}");
        }
    }
}

#[test]
fn what_is_expected_is_found() {
    let mut wrong = Vec::new();
    for sample in all() {
        let differences = differences(&sample.expect, &sample.diagnosis());
        match SHORT.iter().find(|s| s.0 == sample.name) {
            Some((name, _, _)) if differences.is_empty() => wrong.push(format!("{name} is met now: take it from the list SHORT")),
            Some((_, begins, _)) if differences.len() == 1 && differences[0].starts_with(begins) => {}
            _ => wrong.extend(differences.iter().map(|d| format!("{}: {d}", sample.name))),
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn reports_read_as_before() {
    // All are drawn before the first that differs fails the test, so that one review sees them all.
    let differing: Vec<String> = all().iter().filter(|s| !same_report(s)).map(|s| s.name.clone()).collect();
    assert!(differing.is_empty(), "reports of {} differ; read them: cargo insta review", differing.join(", "));
}

fn same_report(sample: &Sample) -> bool {
    let text = report::by_id("text").expect("the text report").render(&sample.diagnosis(), &Look::default());
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path(sample.directory());
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.set_input_file(&sample.capture);
    std::panic::catch_unwind(AssertUnwindSafe(|| settings.bind(|| insta::assert_snapshot!("report", text)))).is_ok()
}

/// A claim and its exclusion in one report contradict each other.
#[test]
fn nothing_is_both_found_and_ruled_out() {
    for sample in all() {
        let diagnosis = sample.diagnosis();
        for finding in diagnosis.findings.iter().filter(|f| f.claim.class != sockdiag::causes::Class::Note) {
            let hosts = finding.hosts.iter().filter_map(|&h| diagnosis.reports.get(h));
            let out = hosts.flat_map(|r| &r.ruled_out).any(|r| r.code == finding.claim.code && r.exclusion.out);
            assert!(!out, "{}: {} is found and ruled out", sample.name, finding.claim.code);
        }
    }
}
