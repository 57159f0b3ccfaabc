//! What goes wrong around the tool: a reader that fails at any offset, a full disk, a reader that has gone, an interrupt.

#![cfg(unix)]

mod sample;

use sample::Sample;
use sockdiag::bundle::{Limits, MemberEnd, MemberHead, Visitor, walk_reader};
use sockdiag::capture::Intake;
use sockdiag::config::Thresholds;
use sockdiag::error::Error;
use sockdiag::signatures::Signatures;
use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Read, Write};
use std::process::{Child, Command, Output, Stdio};
use tempfile::TempDir;

/// The sample that is read: a small one with several members and a leak.
const SAMPLE: &str = "accept-not-closed";

/// What the kernel says of a broken disk.
const EIO: i32 = 5;

/// How a reader misbehaves.
#[derive(Clone, Copy)]
enum Fault {
    /// It fails at this offset, for good.
    FailsAt(usize),
    /// It gives a byte at a time, and is interrupted before each.
    Stutters,
}

/// Bytes that come as a bad disk or a slow pipe gives them.
struct Faulty {
    bytes: Vec<u8>,
    at: usize,
    fault: Fault,
    interrupted: bool,
}

impl Read for Faulty {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let room = match self.fault {
            Fault::FailsAt(at) if self.at >= at => return Err(io::Error::from_raw_os_error(EIO)),
            Fault::FailsAt(at) => into.len().min(at - self.at),
            Fault::Stutters => {
                self.interrupted = !self.interrupted;
                if self.interrupted {
                    return Err(io::ErrorKind::Interrupted.into());
                }
                into.len().min(1)
            }
        };
        let n = (&self.bytes[self.at..]).read(&mut into[..room])?;
        self.at += n;
        Ok(n)
    }
}

/// Members with their bytes and ends.
#[derive(Default)]
struct Kept(Vec<(String, Vec<u8>, Option<MemberEnd>)>);

impl Visitor for Kept {
    fn begin(&mut self, head: &MemberHead) {
        self.0.push((head.path.clone(), Vec::new(), None));
    }

    fn data(&mut self, chunk: &[u8]) {
        self.0.last_mut().expect("begun").1.extend_from_slice(chunk);
    }

    fn end(&mut self, end: MemberEnd) {
        self.0.last_mut().expect("begun").2 = Some(end);
    }
}

/// The sample in every form that is read: text, tar, and that compressed.
fn forms() -> BTreeMap<&'static str, Vec<u8>> {
    let members = Sample::open(SAMPLE).members();
    let mut builder = tar::Builder::new(Vec::new());
    for member in &members {
        let mut header = tar::Header::new_gnu();
        header.set_size(member.text.len() as u64);
        header.set_mode(0o644);
        header.set_cksum();
        builder.append_data(&mut header, &member.path, member.text.as_slice()).expect("a tar in memory");
    }
    let plain = builder.into_inner().expect("a tar in memory");
    let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    gz.write_all(&plain).expect("gzip in memory");
    let mut xz = lzma_rust2::XzWriter::new(Vec::new(), lzma_rust2::XzOptions::with_preset(1)).expect("xz in memory");
    xz.write_all(&plain).expect("xz in memory");
    BTreeMap::from([
        ("gzip", gz.finish().expect("gzip in memory")),
        ("xz", xz.finish().expect("xz in memory")),
        ("zstd", zstd::encode_all(plain.as_slice(), 3).expect("zstd in memory")),
        ("text", members.into_iter().max_by_key(|m| m.text.len()).expect("a member").text),
        ("tar", plain),
    ])
}

fn read(bytes: &[u8], fault: Fault, visitor: &mut dyn Visitor) -> Result<sockdiag::bundle::Walked, Error> {
    let reader = Faulty { bytes: bytes.to_vec(), at: 0, fault, interrupted: false };
    walk_reader(Box::new(reader), "input", &Limits::default(), visitor)
}

#[test]
fn a_reader_that_fails_at_any_offset_ends_in_a_report_or_one_reason() {
    for (form, bytes) in forms() {
        let mut whole = Kept::default();
        read(&bytes, Fault::FailsAt(usize::MAX), &mut whole).expect("no fault");
        // Every offset of the beginning, where headers are, then a prime step.
        let offsets = (0..bytes.len().min(300)).chain((300..bytes.len()).step_by((bytes.len() / 150).max(1) | 1));
        for at in offsets {
            let mut part = Kept::default();
            let walked = read(&bytes, Fault::FailsAt(at), &mut part);
            for ((path, text, end), (full_path, full, _)) in part.0.iter().zip(&whole.0) {
                assert!(path == full_path && full.starts_with(text), "{form} failed at {at}: {path} is not what it was");
                assert!(end.is_some(), "{form} failed at {at}: {path} never ended");
                assert!(*end != Some(MemberEnd::Whole) || text == full, "{form} failed at {at}: {path} is said to be whole");
            }
            match walked {
                Ok(walked) => assert!(walked.cut.is_some() || part.0.len() == whole.0.len(), "{form} failed at {at}: nobody says so"),
                Err(Error::Unreadable { reason, .. }) => assert!(reason.contains("Input/output error"), "{form} failed at {at}: {reason}"),
                Err(e) => panic!("{form} failed at {at}: {e}"),
            }
            let mut intake = Intake::new(Signatures::builtin(), None);
            if let Ok(walked) = read(&bytes, Fault::FailsAt(at), &mut intake) {
                sockdiag::diagnose_read(vec![intake.finish("input", walked)], &Thresholds::default());
            }
        }
    }
}

#[test]
fn a_byte_at_a_time_and_interrupts_change_nothing() {
    for (form, bytes) in forms() {
        let (mut whole, mut slow) = (Kept::default(), Kept::default());
        let walked = read(&bytes, Fault::FailsAt(usize::MAX), &mut whole).expect("no fault");
        let again = read(&bytes, Fault::Stutters, &mut slow).expect("no fault");
        assert!(whole.0 == slow.0, "{form}");
        assert_eq!((walked.cut, walked.notes, walked.bytes), (again.cut, again.notes, again.bytes), "{form}");
    }
}

/// A leak of some size, as a file.
fn capture(dir: &TempDir) -> String {
    let rows: String = (0..3000).map(|n| format!("java 7 u {n}u sock 0,6 0t0 {n} can't identify protocol\n")).collect();
    let path = dir.path().join("lsof.txt");
    fs::write(&path, format!("COMMAND PID USER FD TYPE DEVICE SIZE/OFF NODE NAME\n{rows}")).expect("room for a file");
    path.to_string_lossy().into_owned()
}

fn temporary() -> TempDir {
    TempDir::new().expect("a directory")
}

/// Every command that writes something, with what it needs.
fn commands(path: &str) -> Vec<Vec<&str>> {
    let samples = concat!(env!("CARGO_MANIFEST_DIR"), "/samples");
    vec![
        vec!["analyze", path],
        vec!["analyze", "-v", path],
        vec!["analyze", "-q", path],
        vec!["analyze", "--format", "markdown", path],
        vec!["analyze", "--format", "json", path],
        vec!["inspect", path],
        vec!["inspect", "--format", "json", path],
        vec!["facts", path],
        vec!["diff", path, path],
        vec!["explain"],
        vec!["explain", "never-connected"],
        vec!["collector"],
        vec!["check", "--filter", "never-connected", samples],
        vec!["completions", "bash"],
        vec!["--help"],
        vec!["--version"],
    ]
}

fn into(out: Stdio, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_sockdiag")).args(arguments).stdin(Stdio::null()).stdout(out).output().expect("the binary runs")
}

#[test]
fn a_full_disk_is_told_in_one_line() {
    let dir = temporary();
    let path = capture(&dir);
    let Ok(full) = fs::OpenOptions::new().write(true).open("/dev/full") else { return };
    for arguments in commands(&path).into_iter().filter(|a| !a[0].starts_with("--")) {
        let ran = into(full.try_clone().expect("a handle").into(), &arguments);
        let said = String::from_utf8_lossy(&ran.stderr).into_owned();
        assert_eq!(ran.status.code(), Some(3), "{arguments:?}: {said}");
        assert!(said.matches('\n').count() == 1 && said.contains("No space left"), "{arguments:?}: {said}");
    }
    for arguments in [
        vec!["analyze", "-o", "/dev/full", &path],
        vec!["analyze", "-o", "/nonexistent/report", &path],
        vec!["check", "--filter", "never-connected", "--junit", "/dev/full", concat!(env!("CARGO_MANIFEST_DIR"), "/samples")],
    ] {
        let ran = into(Stdio::piped(), &arguments);
        let said = String::from_utf8_lossy(&ran.stderr).into_owned();
        assert_eq!((ran.status.code(), said.matches('\n').count()), (Some(3), 1), "{arguments:?}: {said}");
    }
}

#[test]
fn a_reader_that_has_gone_has_seen_enough() {
    let dir = temporary();
    let path = capture(&dir);
    for arguments in commands(&path) {
        let (reader, writer) = io::pipe().expect("a pipe");
        drop(reader);
        let ran = into(writer.into(), &arguments);
        assert_eq!((ran.status.code(), String::from_utf8_lossy(&ran.stderr).as_ref()), (Some(0), ""), "{arguments:?}");
    }
}

/// Starts a run whose input never ends, and waits until it reads.
fn endless(arguments: &[&str]) -> (Child, impl Write + use<>) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_sockdiag"))
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary runs");
    let mut stdin = child.stdin.take().expect("a pipe");
    // More than a pipe holds: once it is written, somebody reads.
    stdin.write_all(&b"java 7 u 5u sock 0,6 0t0 77 can't identify protocol\n".repeat(20_000)).expect("it reads");
    (child, stdin)
}

/// Whether this process ignores a signal, which its children inherit.
fn is_ignored(number: u32) -> bool {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|l| u64::from_str_radix(l.strip_prefix("SigIgn:")?.trim(), 16).ok());
    mask.is_some_and(|mask| mask >> (number - 1) & 1 == 1)
}

#[test]
fn an_interrupt_ends_it_at_once_and_leaves_nothing_half_done() {
    use std::os::unix::process::ExitStatusExt;
    let dir = temporary();
    let report = dir.path().join("report");
    let report = report.to_string_lossy();
    for arguments in [vec!["analyze", "-"], vec!["analyze", "-o", &report, "-"], vec!["inspect", "-"]] {
        // A shell starts what runs in its background with SIGINT ignored, and so would be the child of a test there.
        for (signal, number) in [("-INT", 2), ("-TERM", 15)].into_iter().filter(|s| !is_ignored(s.1)) {
            let (child, stdin) = endless(&arguments);
            let sent = Command::new("kill").args([signal, &child.id().to_string()]).status().expect("kill runs");
            assert!(sent.success());
            let ran = child.wait_with_output().expect("it ends");
            drop(stdin);
            assert_eq!((ran.status.signal(), ran.stdout.len(), ran.stderr.len()), (Some(number as i32), 0, 0), "{arguments:?} {signal}");
        }
    }
    assert_eq!(fs::read_dir(dir.path()).expect("a directory").count(), 0, "a report was left behind");
}
