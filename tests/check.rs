//! `check`, `minimize`, `diff`, `explain` and the hidden commands, run as a user runs them, on small captures written here.

use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use tempfile::TempDir;

fn sockdiag(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_sockdiag")).args(args).env("COLUMNS", "100").output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn path(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// A capture in which java (pid 4684) holds `sockets` in CLOSE-WAIT toward one database, among rows of others.
fn capture(dir: &Path, sockets: u32, date: &str) {
    fs::create_dir_all(dir).unwrap();
    let mut ss = String::from("State      Recv-Q Send-Q Local Address:Port  Peer Address:Port Process\n");
    ss.push_str("LISTEN     0      128    0.0.0.0:22          0.0.0.0:*         users:((\"sshd\",pid=812,fd=3)) ino:101 sk:1\n");
    for n in 0..sockets {
        let port = 40_000 + n;
        ss.push_str(&format!(
            "CLOSE-WAIT 1      0      10.0.0.9:{port}      10.0.0.5:5432     users:((\"java\",pid=4684,fd={})) ino:{} sk:{n}\n",
            n + 20,
            50_000 + n
        ));
    }
    fs::write(dir.join("ss-tanpe.txt"), ss).unwrap();
    let inuse = sockets + 1;
    let sockstat = format!(
        "sockets: used {}\nTCP: inuse {inuse} orphan 0 tw 0 alloc {inuse} mem 3\nUDP: inuse 2 mem 1\nRAW: inuse 0\nFRAG: inuse 0 memory 0\n",
        sockets + 40
    );
    fs::write(dir.join("sockstat"), sockstat).unwrap();
    fs::write(dir.join("sockstat6"), "TCP6: inuse 0\nUDP6: inuse 0\nRAW6: inuse 0\nFRAG6: inuse 0 memory 0\n").unwrap();
    fs::write(dir.join("date.txt"), format!("{date}\n")).unwrap();
    fs::write(dir.join("hostname.txt"), "app-7\n").unwrap();
}

/// An incident with the capture and an expectation.
fn incident(root: &TempDir, name: &str, expect: &str) -> PathBuf {
    let dir = root.path().join(name);
    capture(&dir.join("capture"), 300, "2026-11-22T14:00:00+00:00");
    fs::write(dir.join("expect.yaml"), expect).unwrap();
    dir
}

const RIGHT: &str = "verdict: leak\nfindings:\n- code: peer-closed-not-closed\n  class: leak\n  process: {command: java, pid: 4684}\n  socket_kind: close-wait\n  count: {about: 300, within: 1%}\n  remote: '10.0.0.5:5432'\nnever: [closed]\nnever_process: [sshd]\nnotes: the pool keeps what the database has closed\n";
const WRONG: &str = "verdict: healthy\nfindings:\n- code: udp-not-closed\n  process: {command: java}\nnever_process: [4684]\n";

#[test]
fn one_line_each_in_order_a_difference_for_each_failure_and_a_total() {
    let root = TempDir::new().unwrap();
    incident(&root, "z/right", RIGHT);
    incident(&root, "a/wrong", WRONG);
    let out = sockdiag(&["check", path(root.path())]);
    let said = text(&out.stdout);
    assert_eq!(out.status.code(), Some(1), "{said}{}", text(&out.stderr));
    let lines: Vec<&str> = said.lines().collect();
    assert!(lines[0].starts_with("FAIL  ") && lines[0].contains("a/wrong") && lines[0].ends_with("verdict, cause, false-claim"), "{said}");
    for part in [
        "expected healthy, found leak",
        "expected udp-not-closed, found peer-closed-not-closed",
        "never blame 4684",
        "ss-tanpe.txt:3: CLOSE-WAIT",
    ] {
        assert!(said.contains(part), "{part}: {said}");
    }
    assert!(lines.iter().any(|l| l.starts_with("pass  ") && l.contains("z/right")), "{said}");
    assert!(lines.last().unwrap().starts_with("2 incidents, 1 passed, 1 failed, in "), "{said}");
}

#[test]
fn all_pass_is_status_0_and_filter_takes_some() {
    let root = TempDir::new().unwrap();
    incident(&root, "right", RIGHT);
    incident(&root, "wrong", WRONG);
    let out = sockdiag(&["check", path(root.path()), "--filter", "right"]);
    assert_eq!(out.status.code(), Some(0), "{}", text(&out.stdout));
    assert!(text(&out.stdout).contains("1 incident, 1 passed"));
    let none = sockdiag(&["check", path(root.path()), "--filter", "nothing-like-it"]);
    assert_eq!(none.status.code(), Some(3));
    assert!(text(&none.stderr).contains("nothing-like-it"));
}

/// A fifo that nobody writes to, a bomb, links in a ring, noise: each is an incident of its own, and the others are judged all the same.
#[cfg(unix)]
#[test]
fn a_hostile_incident_does_not_hold_up_the_others() {
    use std::io::Write;
    let root = TempDir::new().unwrap();
    let dir = |name: &str| {
        let dir = root.path().join(name);
        fs::create_dir_all(&dir).unwrap();
        fs::write(dir.join("expect.yaml"), "exit: 3\n").unwrap();
        dir
    };
    let fifo = dir("fifo").join("capture.tgz");
    assert!(Command::new("mkfifo").arg(&fifo).status().unwrap().success());
    let mut block = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    block.write_all(&vec![b'a'; 1 << 20]).unwrap();
    fs::write(dir("bomb").join("capture.tgz"), block.finish().unwrap().repeat(700)).unwrap();
    std::os::unix::fs::symlink("capture.tgz", dir("ring").join("capture.tgz")).unwrap();
    fs::write(dir("noise").join("capture.tgz"), [0x9c, 0, 0xff, 7].repeat(10_000)).unwrap();
    incident(&root, "right", RIGHT);
    let out = sockdiag(&["check", path(root.path())]);
    let shown = text(&out.stdout);
    assert!(shown.lines().any(|l| l.starts_with("pass") && l.contains("/right")), "{shown}");
    assert!(["fifo", "bomb", "noise"].iter().all(|n| shown.lines().any(|l| l.starts_with("pass") && l.contains(n))), "{shown}");
}

#[test]
fn json_and_junit_say_the_same() {
    let root = TempDir::new().unwrap();
    incident(&root, "right", RIGHT);
    incident(&root, "wrong", WRONG);
    let junit = root.path().join("junit.xml");
    let out = sockdiag(&["check", path(root.path()), "--format", "json", "--junit", path(&junit)]);
    assert_eq!(out.status.code(), Some(1));
    let json: Value = serde_json::from_slice(&out.stdout).unwrap();
    assert_eq!((json["total"]["passed"].as_u64(), json["total"]["failed"].as_u64()), (Some(1), Some(1)));
    assert_eq!(json["incidents"][1]["failed"], serde_json::json!(["verdict", "cause", "false-claim"]));
    let xml = fs::read_to_string(&junit).unwrap();
    assert!(xml.contains("tests=\"2\"") && xml.contains("failures=\"1\"") && xml.contains("expected healthy, found leak"), "{xml}");
}

#[test]
fn a_misspelt_key_is_bad_usage_with_file_and_line() {
    let root = TempDir::new().unwrap();
    incident(&root, "x", "verdict: leak\nfindings:\n- code: never-connected\n  proces: {command: java}\n");
    let out = sockdiag(&["check", path(root.path())]);
    let says = text(&out.stderr);
    assert_eq!((out.status.code(), out.stdout.len()), (Some(2), 0), "{says}");
    assert!(says.contains("expect.yaml:4: ") && says.contains("proces"), "{says}");
}

#[test]
fn bless_writes_what_is_missing_and_leaves_what_is_there() {
    let root = TempDir::new().unwrap();
    let wrong = incident(&root, "wrong", WRONG);
    let new = root.path().join("new");
    capture(&new.join("capture"), 300, "2026-11-22T14:00:00+00:00");
    let unblessed = sockdiag(&["check", path(root.path())]);
    assert!(!text(&unblessed.stdout).contains("/new"), "without an expectation it is no incident yet");
    let out = sockdiag(&["check", "--bless", path(root.path())]);
    assert_eq!(out.status.code(), Some(1), "the wrong one still fails");
    assert!(text(&out.stdout).contains("--overwrite replaces it"));
    assert_eq!(fs::read_to_string(wrong.join("expect.yaml")).unwrap(), WRONG);
    let written = fs::read_to_string(new.join("expect.yaml")).unwrap();
    assert!(written.contains("code: peer-closed-not-closed") && written.contains("pid: [4684]"), "{written}");
    let out = sockdiag(&["check", "--bless", "--overwrite", path(root.path())]);
    assert_eq!(out.status.code(), Some(0), "{}", text(&out.stdout));
    assert_ne!(fs::read_to_string(wrong.join("expect.yaml")).unwrap(), WRONG);
    assert_eq!(sockdiag(&["check", path(root.path())]).status.code(), Some(0), "what is blessed is met");
}

#[test]
fn overwrite_needs_bless_and_an_incident_needs_a_capture() {
    let root = TempDir::new().unwrap();
    let dir = root.path().join("empty");
    fs::create_dir_all(&dir).unwrap();
    fs::write(dir.join("expect.yaml"), "verdict: leak\n").unwrap();
    assert_eq!(sockdiag(&["check", "--overwrite", path(root.path())]).status.code(), Some(2));
    let out = sockdiag(&["check", path(root.path())]);
    assert_eq!(out.status.code(), Some(1));
    assert!(text(&out.stdout).contains("expected a capture"), "{}", text(&out.stdout));
}

#[test]
fn several_captures_are_analyzed_together() {
    let root = TempDir::new().unwrap();
    let dir = root.path().join("two");
    capture(&dir.join("capture-1"), 200, "2026-11-22T14:00:00+00:00");
    capture(&dir.join("capture-2"), 300, "2026-11-22T14:10:00+00:00");
    fs::write(dir.join("expect.yaml"), RIGHT).unwrap();
    let out = sockdiag(&["check", path(root.path())]);
    assert_eq!(out.status.code(), Some(0), "{}", text(&out.stdout));
}

#[test]
fn minimize_keeps_the_diagnosis_in_a_fraction_of_the_bytes() {
    let root = TempDir::new().unwrap();
    let dir = root.path().join("big");
    capture(&dir, 3000, "2026-11-22T14:00:00+00:00");
    fs::write(dir.join("noise.txt"), "nothing to see here\n".repeat(20_000)).unwrap();
    for out in [root.path().join("small"), root.path().join("small.tgz")] {
        let run = sockdiag(&["minimize", path(&dir), "-o", path(&out)]);
        assert_eq!(run.status.code(), Some(0), "{}", text(&run.stderr));
        assert!(!run.stderr.is_empty(), "progress goes to standard error");
        let report: Value = serde_json::from_slice(&sockdiag(&["analyze", "--format", "json", path(&out)]).stdout).unwrap();
        assert_eq!(report["verdict"], "leak");
        let first = &report["findings"][0];
        assert_eq!((&first["code"], &first["process"]["pids"][0]), (&"peer-closed-not-closed".into(), &4684.into()));
        assert_eq!(first["socket_kind"], "close-wait");
        let members = report["captures"][0]["members"].as_array().unwrap();
        let lines: u64 = members.iter().filter_map(|m| m["lines"].as_u64()).sum();
        assert!(lines < 200, "{lines} lines of 23,000");
    }
    let again = sockdiag(&["minimize", path(&dir), "-o", path(&root.path().join("small"))]);
    assert_eq!(again.status.code(), Some(2));
    assert!(text(&again.stderr).contains("exists"));
}

#[test]
fn minimize_writes_nowhere_but_out() {
    let root = TempDir::new().unwrap();
    let evil = root.path().join("evil.tar");
    let mut tar = tar::Builder::new(fs::File::create(&evil).unwrap());
    let inner = root.path().join("inner");
    capture(&inner, 300, "2026-11-22T14:00:00+00:00");
    let data = fs::read(inner.join("ss-tanpe.txt")).unwrap();
    let mut header = tar::Header::new_gnu();
    // A path that climbs out is written into the header by hand: the library refuses to.
    header.as_old_mut().name[..21].copy_from_slice(b"../../escaped/ss.txt\0");
    header.set_size(data.len() as u64);
    header.set_mode(0o644);
    header.set_cksum();
    tar.append(&header, data.as_slice()).unwrap();
    tar.finish().unwrap();
    let out = root.path().join("deep/er/out");
    sockdiag(&["minimize", path(&evil), "-o", path(&out)]);
    let mut names: Vec<String> = fs::read_dir(root.path()).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    assert!(names == ["deep", "evil.tar", "inner"] || names == ["evil.tar", "inner"], "{names:?}");
    assert!(!root.path().join("deep/escaped").exists() && !root.path().join("deep/er/escaped").exists());
}

#[test]
fn diff_tells_growth_and_the_time_that_is_left() {
    let root = TempDir::new().unwrap();
    let (old, new) = (root.path().join("old"), root.path().join("new"));
    capture(&old, 100, "2026-11-22T14:00:00+00:00");
    capture(&new, 700, "2026-11-22T14:01:00+00:00");
    let out = sockdiag(&["diff", path(&old), path(&new)]);
    let said = text(&out.stdout);
    assert_eq!(out.status.code(), Some(0), "{said}{}", text(&out.stderr));
    assert!(said.contains("java (pid 4684)  close-wait  100 -> 700  +600  +10/s"), "{said}");
    assert!(said.contains("sockstat.tcp.alloc  101 -> 701  +600  +10/s"), "{said}");
    assert!(said.contains("local ports toward 10.0.0.5:5432  100 -> 700 of 28,232"), "{said}");
    let json: Value = serde_json::from_slice(&sockdiag(&["diff", path(&old), path(&new), "--format", "json"]).stdout).unwrap();
    let host = &json["hosts"][0];
    assert_eq!((&host["seconds"], &host["sockets"][0]["change"]), (&60.0.into(), &600.into()));
    let ports = host["limits"].as_array().unwrap().iter().find(|l| l["limit_name"] == "net.ipv4.ip_local_port_range").unwrap();
    let (from, to) = (ports["reached_in"]["from"].as_f64().unwrap(), ports["reached_in"]["to"].as_f64().unwrap());
    assert!(from < 2753.2 && 2753.2 < to, "{from} {to}: (28232 - 700) / 10 lies between");
}

#[test]
fn diff_of_one_sample_says_that_it_needs_two() {
    let root = TempDir::new().unwrap();
    capture(&root.path().join("one"), 100, "2026-11-22T14:00:00+00:00");
    let out = sockdiag(&["diff", path(&root.path().join("one"))]);
    assert_eq!(out.status.code(), Some(3));
    assert!(text(&out.stderr).contains("second capture"));
}

#[test]
fn explain_pages_and_the_nearest_name() {
    let page = text(&sockdiag(&["explain", "peer-closed-not-closed"]).stdout);
    for heading in ["HOW IT LOOKS", "EVIDENCE FOR", "EVIDENCE AGAINST", "MISTAKEN FOR", "CONFIRM", "NOW", "FOR GOOD", "REFERENCES"] {
        assert!(page.contains(&format!("\n{heading}\n")), "{heading}");
    }
    assert!(page.lines().all(|l| l.chars().count() <= 100 || l.starts_with("      ")));
    let wrong = sockdiag(&["explain", "peer-closed"]);
    assert_eq!(wrong.status.code(), Some(2));
    assert!(text(&wrong.stderr).contains("did you mean peer-closed-not-closed?"), "{}", text(&wrong.stderr));
}

#[test]
fn configuration_changes_thresholds_and_adds_signatures() {
    let root = TempDir::new().unwrap();
    let config = root.path().join("my.yaml");
    fs::write(&config, "thresholds:\n  close_wait: 5000\nsignatures:\n- id: our-broker-gone\n  title: Ours\n  pattern: 'OurClient: giving up on (?&addr)'\n  means: It failed.\n  points_to: [connect-failed-not-closed]\n  weight: cause\n").unwrap();
    incident(&root, "right", RIGHT);
    assert_eq!(sockdiag(&["check", path(root.path())]).status.code(), Some(0));
    let out = sockdiag(&["check", path(root.path()), "--config", path(&config)]);
    assert_eq!(out.status.code(), Some(1), "300 are no longer suspect: {}", text(&out.stdout));
    let page = sockdiag(&["explain", "our-broker-gone", "--config", path(&config)]);
    assert!(text(&page.stdout).contains("It failed."), "{}", text(&page.stderr));
    fs::write(&config, "thresholds:\n  udp: 5\nsignatures:\n- id: a\n  title: t\n  patern: x\n  means: m\n  weight: cause\n").unwrap();
    let wrong = sockdiag(&["explain", "--config", path(&config)]);
    assert_eq!(wrong.status.code(), Some(2));
    let says = text(&wrong.stderr);
    assert!(says.contains("my.yaml:6") && says.contains("patern"), "{says}");
}

#[test]
fn completions_and_man_pages_know_every_command() {
    let root = TempDir::new().unwrap();
    let script = text(&sockdiag(&["completions", "bash"]).stdout);
    for command in ["analyze", "check", "diff", "explain", "minimize"] {
        assert!(script.contains(command), "{command}");
    }
    assert_eq!(sockdiag(&["man", "--out", path(root.path())]).status.code(), Some(0));
    for page in ["sockdiag.1", "sockdiag-check.1", "sockdiag-minimize.1"] {
        assert!(fs::read_to_string(root.path().join(page)).unwrap().contains("sockdiag"), "{page}");
    }
}
