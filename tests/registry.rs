//! One word everywhere: a file's name, an id and an entry in a registry are the same, and none is forgotten.

mod sample;

use sockdiag::causes::CAUSES;
use sockdiag::checks::CHECKS;
use sockdiag::formats::FORMATS;
use sockdiag::report::RENDERERS;
use sockdiag::signatures::Signatures;
use std::collections::BTreeSet;
use std::fs;

/// Files of `src/causes` that are no cause: what all of them share.
const NO_CAUSES: &[&str] = &[
    "all-taken",
    "balance",
    "bar",
    "by-kind",
    "calls",
    "case",
    "children",
    "claim",
    "clock",
    "course",
    "directions",
    "doubt",
    "fd-limit-room",
    "filled",
    "forecast",
    "half-closed",
    "hoarding",
    "kept-port",
    "limit-by-name",
    "mirror",
    "nameless-limit",
    "one-end",
    "one-use",
    "past",
    "place",
    "reserved-ports",
    "say",
    "selectors",
    "support",
    "suspicion",
    "taken-port",
    "turnover",
    "unix-ends",
    "unowned",
    "vanished",
    "when",
    "writer",
];

/// Files of `src/checks` that are no check.
const NO_CHECKS: &[&str] = &["held", "kernel", "rows", "slack"];

/// Files and folders of `src/formats` that are no format.
const NO_FORMATS: &[&str] = &[
    "again",
    "arguments",
    "choose",
    "counter-names",
    "cwd",
    "essence",
    "host-mark",
    "mend",
    "named",
    "pid",
    "prefix",
    "prompt",
    "reader",
    "reading",
    "run",
    "scan",
    "selection",
    "small-samples",
    "stamped",
    "target",
    "thread",
    "variables",
    "encoding",
    "wide",
    "width",
    "word",
];

/// Formats that live in a file of another name: the id and the file.
const HOUSED: &[(&str, &str)] = &[
    ("ss-s", "ss-summary"),
    ("strace-c", "strace"),
    ("proc-net-netstat", "proc-net-snmp"),
    ("proc-net-tcp", "proc-net"),
    ("proc-net-unix", "proc-net"),
    ("proc-net-netlink", "proc-net"),
    ("proc-net-packet", "proc-net"),
    ("proc-net-protocols", "proc-net"),
];

/// Causes and look-alikes that no sample shows and no test beside them tries, with the reason.
const UNTRIED: &[(&str, &str)] = &[];

#[test]
fn causes() {
    let codes: Vec<String> = CAUSES.iter().map(|c| c.code().to_string()).collect();
    agree(&codes, &stems("src/causes", NO_CAUSES));
    for cause in CAUSES {
        assert!(cause.page().lines().count() > 5, "{} has no page", cause.code());
        assert!(!cause.claim().ends_with('.') && !cause.claim().is_empty(), "{}", cause.code());
    }
}

#[test]
fn checks() {
    let codes: Vec<String> = CHECKS.iter().map(|c| c.code().to_string()).collect();
    agree(&codes, &stems("src/checks", NO_CHECKS));
    for check in CHECKS {
        assert!(check.page().lines().count() > 2, "{} has no page", check.code());
    }
}

#[test]
fn codes_of_causes_and_checks_are_distinct() {
    let all: Vec<&str> = CAUSES.iter().map(|c| c.code()).chain(CHECKS.iter().map(|c| c.code())).collect();
    assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), all.len());
}

#[test]
fn formats() {
    let mut files = stems("src/formats", NO_FORMATS);
    let ids: Vec<String> = FORMATS.iter().map(|f| f.id().to_string()).collect();
    for (id, file) in HOUSED {
        assert!(ids.iter().any(|i| i == id), "{id} is no format any more");
        assert!(files.contains(*file), "{file} is no file any more");
    }
    for (_, file) in HOUSED {
        if !ids.iter().any(|i| i == file) {
            files.remove(*file);
        }
    }
    let own: Vec<String> = ids.into_iter().filter(|i| !HOUSED.iter().any(|h| h.0 == i)).collect();
    agree(&own, &files);
}

#[test]
fn renderers() {
    let files = stems("src/report", &[]);
    for renderer in RENDERERS {
        assert!(files.contains(renderer.id()), "{} has no file", renderer.id());
    }
    let ids: BTreeSet<&str> = RENDERERS.iter().map(|r| r.id()).collect();
    assert_eq!(ids.len(), RENDERERS.len());
}

#[test]
fn signatures() {
    let all = Signatures::builtin().all();
    let read: BTreeSet<String> = all.iter().map(|s| s.file.clone()).collect();
    let files =
        fs::read_dir("src/signatures").expect("src/signatures").map(|e| e.expect("an entry").file_name().into_string().expect("UTF-8"));
    let there: BTreeSet<String> = files.filter(|f| f.ends_with(".yaml")).collect();
    assert_eq!(read, there);
    let ids: BTreeSet<&str> = all.iter().map(|s| s.id.as_str()).collect();
    assert_eq!(ids.len(), all.len(), "an id stands twice");
    for signature in all {
        for code in &signature.points_to {
            assert!(CAUSES.iter().any(|c| c.code() == code), "{} points to {code}", signature.id);
        }
    }
}

/// Each cause is found in a sample or tried by a test beside it.
#[test]
fn every_cause_is_tried() {
    let shown: BTreeSet<String> = sample::all()
        .iter()
        .flat_map(|s| s.expect.findings.iter().filter(|f| !f.optional).flat_map(|f| f.code.values().to_vec()))
        .collect();
    let mut untried = Vec::new();
    for code in CAUSES.iter().map(|c| c.code()) {
        let file = fs::read_to_string(format!("src/causes/{}.rs", code.replace('-', "_"))).unwrap_or_default();
        let tried = shown.contains(code) || file.contains("#[test]");
        match UNTRIED.iter().any(|u| u.0 == code) {
            true => assert!(!tried, "{code} is tried now: take it from the list UNTRIED"),
            false if !tried => untried.push(code),
            false => {}
        }
    }
    assert!(untried.is_empty(), "no sample shows and no test tries: {}", untried.join(", "));
}

/// Ids and files are the same, and no id stands twice.
fn agree(ids: &[String], files: &BTreeSet<String>) {
    let set: BTreeSet<String> = ids.iter().cloned().collect();
    assert_eq!(set.len(), ids.len(), "an id stands twice");
    assert_eq!(&set, files);
}

/// Names of the files and folders below `directory`, with hyphens and without `.rs`, but for `mod.rs`, tests and `but`.
fn stems(directory: &str, but: &[&str]) -> BTreeSet<String> {
    let names = fs::read_dir(directory).expect("a directory").map(|e| e.expect("an entry").file_name().into_string().expect("UTF-8"));
    let stems = names.filter(|n| !n.ends_with(".yaml")).map(|n| n.trim_end_matches(".rs").replace('_', "-"));
    stems.filter(|n| n != "mod" && !n.contains("test") && !but.contains(&n.as_str())).collect()
}
