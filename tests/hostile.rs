//! Inputs made by an enemy, through the whole of `analyze`: each ends in bounded memory with a report, or with status 3 and one line.
//!
//! All are made here, small enough for a build without optimisation; the bounds are the same for large ones.

use std::io::Write;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// What one run may take of memory, in KiB.
const MEMORY: u64 = 512 << 10;
/// What one run may take of time, on a busy machine and without optimisation.
const TIME: Duration = Duration::from_secs(120);

/// A run that has ended.
struct Ran {
    status: i32,
    stdout: String,
    stderr: String,
    /// The largest resident size seen, in KiB.
    peak: u64,
}

fn analyze(arguments: &[&str]) -> Ran {
    let since = Instant::now();
    let mut child = Command::new(env!("CARGO_BIN_EXE_sockdiag"))
        .arg("analyze")
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary runs");
    let status = format!("/proc/{}/status", child.id());
    let watcher = std::thread::spawn(move || {
        let mut peak = 0;
        while let Some(now) = std::fs::read_to_string(&status).ok().and_then(|text| resident(&text)) {
            peak = peak.max(now);
            std::thread::sleep(Duration::from_millis(5));
        }
        peak
    });
    let stdout = child.stdout.take().map(std::io::read_to_string).expect("a pipe").expect("UTF-8");
    let stderr = child.stderr.take().map(std::io::read_to_string).expect("a pipe").expect("UTF-8");
    let status = child.wait().expect("it ends").code().expect("no signal ended it");
    let ran = Ran { status, stdout, stderr, peak: watcher.join().expect("the watcher ends") };
    assert!(ran.peak < MEMORY, "{arguments:?}: {} KiB", ran.peak);
    assert!(since.elapsed() < TIME, "{arguments:?}: {:?}", since.elapsed());
    ran
}

fn resident(status: &str) -> Option<u64> {
    status.lines().find_map(|l| l.strip_prefix("VmHWM:"))?.trim().strip_suffix("kB")?.trim().parse().ok()
}

/// A report was made, and it has a verdict.
fn survives(path: &str) -> Ran {
    let ran = analyze(&["--format", "json", path]);
    assert_eq!(ran.status, 0, "{}", ran.stderr);
    let report: serde_json::Value = serde_json::from_str(&ran.stdout).expect("a whole report");
    assert!(report["verdict"].is_string());
    assert_eq!(ran.stderr, "");
    ran
}

/// It was refused with one line that says what to do.
fn refused(arguments: &[&str]) -> String {
    let ran = analyze(arguments);
    assert_eq!((ran.status, ran.stdout.as_str()), (3, ""), "{}", ran.stderr);
    assert_eq!(ran.stderr.matches('\n').count(), 1, "{}", ran.stderr);
    ran.stderr
}

fn temporary() -> TempDir {
    TempDir::new().expect("a directory")
}

fn file(dir: &TempDir, name: &str, bytes: &[u8]) -> String {
    let path = dir.path().join(name);
    std::fs::write(&path, bytes).expect("room for a file");
    path.to_string_lossy().into_owned()
}

fn text(dir: &TempDir, head: &str, rows: u32, row: impl Fn(u32) -> String) -> String {
    let all: String = std::iter::once(head.to_string()).chain((0..rows).map(row)).collect();
    file(dir, "member.txt", all.as_bytes())
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut out = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::new(6));
    out.write_all(bytes).and_then(|()| out.finish()).expect("gzip in memory")
}

/// A tar header with its sum.
fn header(name: &str, kind: u8, size: u64, link: &str) -> Vec<u8> {
    let mut block = vec![0u8; 512];
    let mut put = |at: usize, text: &str| block[at..at + text.len()].copy_from_slice(text.as_bytes());
    put(0, name);
    put(100, "0000644\0");
    put(124, &format!("{size:011o}\0"));
    put(136, "14524613400\0");
    put(157, link);
    put(257, "ustar\0");
    put(148, "        ");
    block[156] = kind;
    let sum: u32 = block.iter().map(|&b| u32::from(b)).sum();
    block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    block
}

fn entry(name: &str, data: &[u8]) -> Vec<u8> {
    let mut out = header(name, b'0', data.len() as u64, "");
    out.extend_from_slice(data);
    out.resize(out.len().next_multiple_of(512), 0);
    out
}

fn tar(entries: impl Iterator<Item = Vec<u8>>) -> Vec<u8> {
    let mut out: Vec<u8> = entries.flatten().collect();
    out.resize(out.len() + 1024, 0);
    out
}

const LSOF: &str = "COMMAND PID USER FD TYPE DEVICE SIZE/OFF NODE NAME\n";

#[test]
fn bombs_are_refused() {
    let dir = temporary();
    let zeros = gzip(&vec![0u8; 1 << 20]).repeat(640);
    assert!(refused(&[&file(&dir, "zeros.gz", &zeros)]).contains("zeros"));
    // Members of gzip one after the other are one stream: 640 MiB at 1000:1.
    let bomb = gzip(&b"a".repeat(1 << 20)).repeat(640);
    let said = refused(&[&file(&dir, "bomb.gz", &bomb)]);
    assert!(said.contains("bomb") && said.contains("--max-bytes"), "{said}");
    let nested = gzip(&tar(std::iter::once(entry("inner.gz", &bomb))));
    let said = refused(&[&file(&dir, "nested.tgz", &nested)]);
    assert!(said.contains("inner.gz"), "{said}");
}

#[test]
fn bounds_are_told_with_the_option_that_raises_them() {
    let dir = temporary();
    let path = file(&dir, "a.tar", &tar((0..1001).map(|n| entry(&format!("m{n}"), b"x\n"))));
    assert!(refused(&["--max-members", "1000", &path]).contains("--max-members"));
    assert_eq!(analyze(&["--max-members", "1001", &path]).status, 0);
    assert!(refused(&["--max-bytes", "4K", &path]).contains("--max-bytes"));
}

#[test]
fn a_hundred_thousand_members() {
    let dir = temporary();
    survives(&file(&dir, "a.tar", &tar((0..100_000).map(|n| header(&format!("host/m{n}.txt"), b'0', 0, "")))));
}

#[test]
fn many_hosts_in_one_archive() {
    let dir = temporary();
    let row = b"java 7 u 5u sock 0,6 0t0 77 can't identify protocol\n";
    survives(&file(&dir, "a.tar", &tar((0..20_000).map(|n| entry(&format!("host{n}/lsof.txt"), row)))));
    let hosts = (0..10_000).flat_map(|n| {
        let name = format!("host{n}\n");
        [entry(&format!("host{n}/hostname.txt"), name.as_bytes()), entry(&format!("host{n}/lsof.txt"), row)]
    });
    let ran = survives(&file(&dir, "b.tar", &tar(hosts)));
    assert_eq!(left_out(&ran), ["more than fits: 18,000 members of further hosts were left out; --max-hosts raises the bound"]);
}

/// What the report says was left out.
fn left_out(ran: &Ran) -> Vec<String> {
    let report: serde_json::Value = serde_json::from_str(&ran.stdout).expect("a whole report");
    let captures = report["captures"].as_array().expect("captures");
    captures.iter().filter_map(|c| c["left_out"].as_array()).flatten().filter_map(|s| s.as_str()).map(String::from).collect()
}

#[test]
fn what_is_over_a_bound_is_counted_and_said() {
    let dir = temporary();
    let rows = |n: u32| format!("c{n} {} u {n}u IPv4 {} 0t0 TCP 10.0.0.1:{}->10.0.0.2:80 (CLOSE_WAIT)\n", n / 50 + 1, n + 7, n + 1024);
    let path = text(&dir, LSOF, 1000, rows);
    let inner = tar(std::iter::once(entry("ss.txt", b"TCP:   5\n")));
    let nested = file(&dir, "n.tar", &tar([entry("lsof.txt", b"x\n"), entry("inner.tar", &inner)].into_iter()));
    let long = file(&dir, "long.txt", format!("{LSOF}java 7 u 4u sock 0,6 0t0 7 {}\n", "x".repeat(9000)).as_bytes());
    for (option, bound, path, said) in [
        ("--max-processes", "5", &path, "750 rows of further processes"),
        ("--max-sockets", "100", &path, "900 rows of further sockets"),
        ("--max-depth", "0", &nested, "1 archives inside archives, too deep to be opened"),
        ("--max-line", "1K", &long, "1 ends of lines that are too long"),
    ] {
        let ran = analyze(&["--format", "json", option, bound, path]);
        assert_eq!(ran.status, 0, "{}", ran.stderr);
        assert_eq!(left_out(&ran), [format!("more than fits: {said} were left out; {option} raises the bound")]);
        let ran = analyze(&[option, bound, path]);
        assert!(ran.stdout.split_whitespace().collect::<Vec<_>>().join(" ").contains(said), "{option}: {}", ran.stdout);
        assert_eq!(left_out(&analyze(&["--format", "json", path])), [""; 0], "{option}");
    }
    let ran = analyze(&["--format", "json", "--max-findings", "1", &path]);
    let report: serde_json::Value = serde_json::from_str(&ran.stdout).expect("a whole report");
    assert_eq!((report["findings"].as_array().map(Vec::len), report["findings_left_out"].as_u64().is_some()), (Some(1), true));
}

#[test]
fn what_does_not_fit_is_never_called_healthy() {
    let healthy = concat!(env!("CARGO_MANIFEST_DIR"), "/samples/healthy/capture");
    assert!(analyze(&["-q", healthy]).stdout.starts_with("healthy"));
    for (option, bound) in [("--max-processes", "3"), ("--max-sockets", "10")] {
        let said = analyze(&["-q", option, bound, healthy]).stdout;
        assert!(said.starts_with("inconclusive") && said.contains(option), "{option}: {said}");
    }
}

#[test]
fn names_links_devices_and_sizes_that_lie() {
    let dir = temporary();
    let mut entries = vec![
        entry("../../etc/passwd", b"root\n"),
        entry("/etc/shadow", b"root\n"),
        entry("", b"nameless\n"),
        entry("sockstat.txt", b"sockets: used 5\nTCP: inuse 1 orphan 0 tw 0 alloc 1 mem 0\n"),
        entry("sockstat.txt", b"sockets: used 6\n"),
        header("dev", b'3', 0, ""),
        header("fifo", b'6', 0, ""),
        header("out", b'2', 0, "../../../../etc/passwd"),
        header("hard", b'1', 0, "/etc/passwd"),
        header("sparse", b'S', 1 << 40, ""),
    ];
    entries.extend((0..1000).map(|n| header(&format!("l{n}"), b'2', 0, &format!("l{}", (n + 1) % 1000))));
    let ran = survives(&file(&dir, "a.tar", &tar(entries.clone().into_iter())));
    assert!(!ran.stdout.contains("root:"), "a link was followed");
    // The last member claims a terabyte that does not come.
    entries.insert(3, header("lies", b'0', 1 << 40, ""));
    survives(&file(&dir, "lies.tar", &entries.concat()));
}

#[test]
fn one_line_without_an_end() {
    let dir = temporary();
    let line = gzip(&vec![b'a'; 1 << 20]).repeat(200);
    survives(&file(&dir, "line.gz", &line));
}

#[test]
fn as_many_processes_as_rows() {
    let dir = temporary();
    survives(&text(&dir, LSOF, 50_000, |n| format!("j{n} {} u{n} 4u sock 0,6 0t0 {} can't identify protocol\n", n + 1, n + 7)));
    survives(&text(&dir, "State Recv-Q Send-Q Local Address:Port Peer Address:Port Process\n", 50_000, |n| {
        let (a, b, c) = (n >> 16 & 255, n >> 8 & 255, n & 255);
        format!("ESTAB 0 0 10.{a}.{b}.{c}:{} 11.{a}.{b}.{c}:443 users:((\"c{n}\",pid={},fd=4)) ino:{}\n", n % 60_000 + 1, n + 1, n + 9)
    }));
}

#[test]
fn headers_that_come_again_and_again() {
    let dir = temporary();
    survives(&text(&dir, "", 100_000, |n| format!("{LSOF}java 7 u 4u sock 0,6 0t0 {n} can't identify protocol\n")));
}

#[test]
fn formats_that_change_with_each_line() {
    let dir = temporary();
    survives(&text(&dir, "", 20_000, |n| format!("sockets: used {n}\n12:00:00.1 close({n}) = 0\njava 7 u 5u sock 0,6 0t0 7 x\n")));
}

#[test]
fn as_many_threads_as_calls() {
    let dir = temporary();
    survives(&text(&dir, "", 150_000, |n| format!("[pid {}] 12:00:00 connect({n}, {{sa_family=AF_INET}}, 16 <unfinished ...>\n", n + 1)));
}

#[test]
fn logs_made_against_regular_expressions() {
    let dir = temporary();
    let words = ["connect", "refused", "broker", "too many open files", "timeout", "could not be", "10.0.0.1:9092", "retry", "node 5 ("];
    survives(&text(&dir, "", 150, |n| {
        let line: Vec<&str> = (0..900).map(|i| words[(i * i + n as usize * 31) % words.len()]).collect();
        format!("2026-11-24 10:00:00 ERROR {}\n", line.join(" "))
    }));
    survives(&text(&dir, "", 20_000, |n| {
        format!(
            "2026-11-24 10:00:00 WARN Connection to node {n} (h{n}/10.0.0.1:9092) could not be established. Broker may not be available.\n"
        )
    }));
}

#[test]
fn objects_in_objects() {
    let dir = temporary();
    // No line of it is a whole object, so one loose file of them is refused as no capture.
    refused(&[&text(&dir, "", 10, |_| format!("{{\"time\":\"2026-11-24T10:00:00Z\",\"msg\":{}\n", "{\"a\":[".repeat(50_000)))]);
}

/// The same bytes cut at many places: a report or a refusal, never a bug.
#[test]
fn an_input_that_ends_anywhere() {
    let dir = temporary();
    let rows: String = (0..200).map(|n| format!("java 7 u {n}u sock 0,6 0t0 {n} can't identify protocol\n")).collect();
    let whole = gzip(&tar([entry("h/lsof.txt", format!("{LSOF}{rows}").as_bytes()), entry("h/ss.txt", b"TCP:   5\n")].into_iter()));
    for at in (0..whole.len()).step_by(whole.len() / 24) {
        let ran = analyze(&["-q", &file(&dir, "cut.tgz", &whole[..at])]);
        assert!(matches!(ran.status, 0 | 3), "cut at {at}: {} {}", ran.status, ran.stderr);
        assert_eq!(ran.stderr.matches('\n').count(), usize::from(ran.status == 3), "{}", ran.stderr);
    }
}

fn into(out: Stdio, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_sockdiag")).args(arguments).stdout(out).stderr(Stdio::piped()).output().expect("the binary runs")
}

#[test]
fn a_full_disk_is_told_and_a_closed_pipe_is_not() {
    let dir = temporary();
    let path = text(&dir, LSOF, 2000, |n| format!("java 7 u {n}u sock 0,6 0t0 {n} can't identify protocol\n"));
    if let Ok(full) = std::fs::OpenOptions::new().write(true).open("/dev/full") {
        for command in ["analyze", "facts", "inspect"] {
            let ran = into(full.try_clone().expect("a handle").into(), &[command, &path]);
            assert_eq!(ran.status.code(), Some(3), "{command}");
            assert_eq!(ran.stderr.iter().filter(|&&b| b == b'\n').count(), 1, "{command}");
        }
    }
    let (reader, writer) = std::io::pipe().expect("a pipe");
    drop(reader);
    let ran = into(writer.into(), &["facts", &path]);
    assert_eq!((ran.status.code(), ran.stderr.len()), (Some(0), 0));
}
