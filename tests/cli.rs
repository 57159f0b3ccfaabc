//! The command line as scripts see it: exit statuses, where output goes, what stands on standard error.

use std::fs;
use std::io::{Read, Write};
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use tempfile::TempDir;

/// 200 sockets that old lsof cannot identify, and the kernel's counts that agree.
fn leaking(dir: &TempDir, name: &str) -> String {
    let mut lsof = String::from("COMMAND     PID      USER   FD      TYPE             DEVICE SIZE/OFF      NODE NAME\n");
    for n in 0..200 {
        let (fd, inode) = (n + 5, 675_441_359 + n * 7);
        lsof.push_str(&format!(
            "{name:<9}  4684      apps {fd:>4}u     sock                0,6      0t0 {inode} can't identify protocol\n"
        ));
    }
    let sockstat = "sockets: used 260\nTCP: inuse 5 orphan 0 tw 3 alloc 205 mem 2\nUDP: inuse 2 mem 0\n";
    capture(dir, "capture", &[("lsof.txt", &lsof), ("sockstat.txt", sockstat)])
}

/// Counts in which nothing is left over.
fn healthy(dir: &TempDir) -> String {
    let sockstat = "sockets: used 60\nTCP: inuse 5 orphan 0 tw 3 alloc 6 mem 2\nUDP: inuse 2 mem 0\n";
    capture(dir, "healthy", &[("sockstat.txt", sockstat), ("sockstat6.txt", "TCP6: inuse 1\nUDP6: inuse 1\n")])
}

fn capture(dir: &TempDir, name: &str, members: &[(&str, &str)]) -> String {
    let capture = dir.path().join(name);
    fs::create_dir_all(&capture).expect("a directory");
    for (member, text) in members {
        fs::write(capture.join(member), text).expect("a member");
    }
    capture.to_string_lossy().into_owned()
}

fn temporary() -> TempDir {
    TempDir::new().expect("a directory")
}

fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sockdiag"));
    command.args(arguments).env_remove("NO_COLOR").env_remove("CLICOLOR_FORCE");
    command
}

fn run(arguments: &[&str]) -> Output {
    command(arguments).output().expect("the binary runs")
}

fn status(arguments: &[&str]) -> i32 {
    run(arguments).status.code().expect("an exit status")
}

fn stdout(arguments: &[&str]) -> String {
    String::from_utf8(run(arguments).stdout).expect("UTF-8")
}

/// Asserts one line `sockdiag: ...` on standard error, and returns it.
fn complaint(arguments: &[&str]) -> String {
    let output = run(arguments);
    let text = String::from_utf8(output.stderr).expect("UTF-8");
    assert_eq!(text.lines().count(), 1, "{text}");
    assert!(text.starts_with("sockdiag: "), "{text}");
    assert!(output.stdout.is_empty());
    text
}

#[test]
fn a_report_is_status_0_whatever_it_says() {
    let dir = temporary();
    assert_eq!(status(&["analyze", &leaking(&dir, "java")]), 0);
    for name in ["analyze", "inspect", "facts"] {
        assert_eq!(status(&[name, &healthy(&dir)]), 0, "{name}");
    }
    assert!(stdout(&["collector"]).starts_with("#!/bin/sh"));
}

#[test]
fn fail_on_names_verdicts() {
    let dir = temporary();
    let leak = leaking(&dir, "java");
    assert_eq!(status(&["analyze", "--fail-on", "leak", &leak]), 1);
    assert_eq!(status(&["analyze", "--fail-on", "exhaustion", "--fail-on", "leak", &leak]), 1);
    assert_eq!(status(&["analyze", "--fail-on", "exhaustion", "--fail-on", "inconclusive", &leak]), 0);
    assert_eq!(status(&["analyze", "--fail-on", "leak", &healthy(&dir)]), 0);
    assert!(stdout(&["analyze", "--fail-on", "leak", &leak]).starts_with("leak: java (pid 4684)"));
}

#[test]
fn bad_usage_is_status_2() {
    let dir = temporary();
    let capture = healthy(&dir);
    let capture = capture.as_str();
    for arguments in [
        &["analyze"][..],
        &[],
        &["analyse", capture],
        &["analyze", "--format", "html", capture],
        &["analyze", "--fail-on", "healthy", capture],
        &["analyze", "--max-bytes", "5q", capture],
        &["analyze", "-q", "-v", capture],
        &["analyze", "-", "-"],
    ] {
        assert_eq!(status(arguments), 2, "{arguments:?}");
    }
}

#[test]
fn what_cannot_be_read_is_status_3_and_one_line() {
    let dir = temporary();
    let missing = dir.path().join("missing.tgz");
    let missing = missing.to_string_lossy();
    for name in ["analyze", "inspect", "facts"] {
        assert_eq!(status(&[name, &missing]), 3);
        assert!(complaint(&[name, &missing]).contains("missing.tgz"));
    }
    assert_eq!(status(&["analyze", &healthy(&dir), &missing]), 3);
}

#[test]
fn a_bound_that_is_broken_is_refused() {
    let dir = temporary();
    let capture = healthy(&dir);
    assert_eq!(status(&["analyze", "--max-bytes", "10", &capture]), 3);
    assert_eq!(status(&["analyze", "--max-bytes", "1M", &capture]), 0);
    assert!(complaint(&["analyze", "--max-members", "1", &capture]).contains("--max-members"));
}

#[test]
fn a_wrong_configuration_is_status_2_and_names_its_line() {
    let dir = temporary();
    let file = dir.path().join("c.yaml");
    fs::write(&file, "thresholds:\n  closd: 5\n").expect("a file");
    let name = file.to_string_lossy();
    let leak = leaking(&dir, "java");
    assert_eq!(status(&["analyze", "--config", &name, &leak]), 2);
    assert!(complaint(&["analyze", "--config", &name, &leak]).contains("c.yaml:2"));
    fs::write(&file, "thresholds:\n  closed: 5000\n").expect("a file");
    assert_eq!(status(&["analyze", "--config", &name, &leak]), 0);
}

#[test]
fn help_lists_commands_and_exit_statuses() {
    let help = stdout(&["--help"]);
    for word in ["analyze", "inspect", "facts", "collector", "Exit status:", "70"] {
        assert!(help.contains(word), "{word}");
    }
    assert!(stdout(&["analyze", "--help"]).contains("--fail-on"));
    assert!(stdout(&["--version"]).starts_with("sockdiag "));
}

#[test]
fn quiet_is_one_line() {
    let dir = temporary();
    let capture = leaking(&dir, "java");
    for format in ["text", "markdown", "json"] {
        assert_eq!(stdout(&["analyze", "-q", "--format", format, &capture]).lines().count(), 1, "{format}");
    }
}

#[test]
fn a_file_takes_what_standard_output_would() {
    let dir = temporary();
    let capture = leaking(&dir, "java");
    let file = dir.path().join("report.txt");
    let output = run(&["analyze", "-o", &file.to_string_lossy(), &capture]);
    assert!(output.status.success() && output.stdout.is_empty());
    assert_eq!(fs::read_to_string(&file).expect("a report"), stdout(&["analyze", &capture]));
    let nowhere = dir.path().join("no/such/report.txt");
    assert_eq!(status(&["analyze", "-o", &nowhere.to_string_lossy(), &capture]), 3);
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_an_error() {
    let dir = temporary();
    let capture = leaking(&dir, "java");
    assert_eq!(status(&["analyze", "-o", "/dev/full", &capture]), 3);
    for name in ["analyze", "inspect", "facts"] {
        let full = fs::OpenOptions::new().write(true).open("/dev/full").expect("a full device");
        let output = command(&[name, &capture]).stdout(full).output().expect("the binary runs");
        assert_eq!(output.status.code(), Some(3), "{name}");
        assert!(String::from_utf8_lossy(&output.stderr).contains("cannot write"), "{name}");
    }
}

#[test]
fn a_closed_pipe_ends_quietly() {
    let dir = temporary();
    let capture = leaking(&dir, "java");
    for arguments in [&["analyze", capture.as_str()][..], &["inspect", &capture], &["facts", &capture], &["collector"]] {
        let mut child = command(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the binary runs");
        drop(child.stdout.take());
        let mut errors = String::new();
        child.stderr.take().expect("a pipe").read_to_string(&mut errors).expect("UTF-8");
        assert_eq!((child.wait().expect("an end").code(), errors.as_str()), (Some(0), ""), "{arguments:?}");
    }
}

#[test]
fn standard_input_is_an_input() {
    let dir = temporary();
    let lsof = fs::read(PathBuf::from(leaking(&dir, "java")).join("lsof.txt")).expect("a listing");
    let mut child = command(&["facts", "-"]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("the binary runs");
    child.stdin.take().expect("a pipe").write_all(&lsof).expect("it reads all");
    let output = child.wait_with_output().expect("an end");
    assert!(output.status.success());
    let facts = String::from_utf8(output.stdout).expect("UTF-8");
    assert_eq!(facts.lines().filter(|l| l.contains("\"fact\":\"descriptor\"")).count(), 200);
}

#[test]
fn several_inputs_keep_their_order_and_give_the_same_bytes() {
    let dir = temporary();
    let (leak, healthy) = (leaking(&dir, "java"), healthy(&dir));
    let first = stdout(&["analyze", "--format", "json", &healthy, &leak]);
    let report: serde_json::Value = serde_json::from_str(&first).expect("JSON");
    let inputs: Vec<&str> = report["captures"].as_array().expect("a list").iter().filter_map(|c| c["input"].as_str()).collect();
    assert_eq!(inputs, [healthy.as_str(), leak.as_str()]);
    for _ in 0..4 {
        assert_eq!(stdout(&["analyze", "--format", "json", &healthy, &leak]), first);
    }
}

#[test]
fn the_service_is_named_where_the_cgroup_tells() {
    let dir = temporary();
    let leaking = leaking(&dir, "java");
    let report = |path: &str| -> serde_json::Value { serde_json::from_str(&stdout(&["analyze", "--format", "json", path])).expect("JSON") };
    assert!(report(&leaking)["findings"][0]["process"].get("service").is_none());
    fs::create_dir_all(dir.path().join("capture/proc/4684")).expect("a directory");
    capture(&dir, "capture", &[("proc/4684/cgroup", "0::/system.slice/flume.service\n")]);
    let process = &report(&leaking)["findings"][0]["process"];
    assert_eq!((&process["pids"][0], &process["service"]), (&4684.into(), &"flume.service".into()), "{process:#}");
    assert!(stdout(&["analyze", &leaking]).contains("flume.service"));
}

/// A time in the directory's name is no part of the host it is sorted to.
#[test]
fn inspect_tells_of_each_member_of_a_dated_bundle() {
    let dir = temporary();
    for directory in ["samples/01", "stderr", "netns/4026531992"] {
        fs::create_dir_all(dir.path().join("b/sockdiag-web1-20261124T175312Z").join(directory)).expect("a directory");
    }
    let members = [
        ("MANIFEST", "format=sockdiag.manifest/1\nhost=web1\n"),
        ("ss_-s", "Total: 9\nTCP:   5 (estab 1, closed 2, orphaned 0, timewait 1)\n"),
        ("samples/01/sockstat", "sockets: used 60\nTCP: inuse 5 orphan 0 tw 3 alloc 6 mem 2\n"),
        ("stderr/007", "ls: cannot read symbolic link '/proc/812/fd/7': No such file or directory\n"),
        ("netns/4026531992/pids", "1\n812\n"),
    ];
    let names: Vec<String> = members.iter().map(|(name, _)| format!("b/sockdiag-web1-20261124T175312Z/{name}")).collect();
    let texts: Vec<(&str, &str)> = names.iter().map(String::as_str).zip(members.iter().map(|(_, text)| *text)).collect();
    capture(&dir, ".", &texts);
    let captures: serde_json::Value =
        serde_json::from_str(&stdout(&["inspect", "--format", "json", &dir.path().join("b").to_string_lossy()])).expect("JSON");
    let told = captures[0]["members"].as_array().expect("members");
    assert_eq!((captures.as_array().map(Vec::len), told.len()), (Some(1), members.len()), "{captures:#}");
    for member in told {
        assert!(member["format"] != "unknown" && member["unparsed"] == 0 && member["complete"] == true, "{member}");
    }
}

#[test]
fn inspect_gives_the_captures_of_a_report() {
    let dir = temporary();
    let capture = leaking(&dir, "java");
    let captures: serde_json::Value = serde_json::from_str(&stdout(&["inspect", "--format", "json", &capture])).expect("JSON");
    let report: serde_json::Value = serde_json::from_str(&stdout(&["analyze", "--format", "json", &capture])).expect("JSON");
    assert_eq!(captures, report["captures"]);
    assert!(stdout(&["inspect", &capture]).contains("lsof.txt: lsof, 200 rows"));
}

#[test]
fn a_process_is_told_of_even_if_innocent() {
    let dir = temporary();
    let capture = leaking(&dir, "java");
    assert!(stdout(&["analyze", "--pid", "4684", &capture]).contains("4684 (java) holds 200 TCP sockets"));
    assert!(stdout(&["analyze", "--pid", "77", &capture]).contains("77 is not in the capture"));
}

#[test]
fn colours_only_where_asked() {
    let dir = temporary();
    let capture = leaking(&dir, "java");
    assert!(!stdout(&["analyze", &capture]).contains('\u{1b}'));
    assert!(stdout(&["analyze", "--color", "always", &capture]).contains('\u{1b}'));
    assert!(!stdout(&["analyze", "--color", "never", &capture]).contains('\u{1b}'));
}

#[test]
fn no_report_hands_on_what_would_act() {
    let dir = temporary();
    // A process may call itself anything: controls, a right-to-left override, a joiner, HTML, a mention.
    let capture = leaking(&dir, "\u{7}\u{9b}\u{202e}\u{200d}<b>@x|`#1");
    let acts = |c: char| {
        let turns = matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}');
        turns || c.is_control() && c != '\n'
    };
    for arguments in [
        &["analyze", "--color", "never"][..],
        &["analyze", "-v", "--pid", "4684"],
        &["analyze", "-q"],
        &["analyze", "--format", "markdown"],
        &["analyze", "--format", "json"],
        &["inspect"],
        &["inspect", "--format", "json"],
        &["facts"],
    ] {
        let text = stdout(&[arguments, &[capture.as_str()]].concat());
        assert!(text.contains("4684"), "{arguments:?}");
        assert_eq!(text.chars().find(|&c| acts(c)), None, "{arguments:?}");
    }
}

#[test]
fn markdown_keeps_names_in_code_spans() {
    let dir = temporary();
    let markdown = stdout(&["analyze", "--format", "markdown", &leaking(&dir, "<b>@x#1")]);
    assert!(markdown.contains("`<b>@x#1`"), "{markdown}");
    let prose: String = markdown.split("```").step_by(2).flat_map(|text| text.split('`').step_by(2)).collect();
    assert!(!prose.contains("<b>") && !prose.contains("@x"), "{prose}");
    assert!(markdown.lines().take_while(|l| !l.starts_with("<details>")).count() <= 14, "{markdown}");
}
