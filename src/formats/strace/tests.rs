//! The forms of a listing one by one, then every sample of every version.

use super::super::testing::{told_as, told_bytes};
use super::line;
use super::prefix::prefix;
use super::tail::{Return, Tail, tail};
use crate::facts::*;
use crate::formats::reader::read_text;
use std::collections::BTreeMap;

/// The facts of a text, for a listing of process 9.
fn facts(text: &str) -> Vec<String> {
    let (told, reading) = told_as("strace.9.out", text);
    assert_eq!((reading.format(), reading.unparsed()), ("strace", 0), "{text}");
    told.lines.into_iter().filter(|l| !l.starts_with("process pid=9 ")).collect()
}

#[test]
fn prefixes_of_all_kinds() {
    for (text, tid, at) in [
        ("close(3) = 0", None, ""),
        ("[pid  6006] close(3) = 0", Some(6006), ""),
        ("[pid 16006] close(3) = 0", Some(16006), ""),
        ("6015  close(3) = 0", Some(6015), ""),
        ("14:24:58 close(3) = 0", None, "14:24:58"),
        ("14:24:58.424458 close(3) = 0", None, "14:24:58.424458"),
        ("1795357497.126100 close(3) = 0", None, "1795357497.126100"),
        ("     0.000142 close(3) = 0", None, "0.000142"),
        ("14:24:58 (+     0.000142) close(3) = 0", None, "14:24:58"),
        ("[pid  6890]      0.000041 close(3) = 0", Some(6890), "0.000041"),
        ("6867  14:25:12.354794 close(3) = 0", Some(6867), "14:25:12.354794"),
        ("[pid 6006<My App (1) x>] close(3) = 0", Some(6006), ""),
        ("6006<java> 14:24:58 close(3) = 0", Some(6006), "14:24:58"),
        ("[   3] close(3) = 0", None, ""),
        ("[pid  6006] 14:24:58 [  3] [00007f1e4823c990] close(3) = 0", Some(6006), "14:24:58"),
        ("[????????????????] close(3) = 0", None, ""),
    ] {
        let front = prefix(text.as_bytes());
        assert_eq!((front.tid, front.at, front.body), (tid, at.as_bytes(), &b"close(3) = 0"[..]), "{text}");
        assert!(line::is_unmistakable(text.as_bytes()), "{text}");
    }
}

#[test]
fn results_of_all_kinds() {
    let of = |result, errno: &'static str, comment: &'static str, duration: &'static str| Return {
        result,
        errno: errno.as_bytes(),
        comment: comment.as_bytes(),
        duration: duration.as_bytes(),
    };
    for (text, args, want) in [
        ("3) = 0", "3", of(Some(0), "", "", "")),
        ("3)                = 0 <0.000063>", "3", of(Some(0), "", "", "0.000063")),
        (") = -1 ECONNREFUSED (Connection refused)", "", of(Some(-1), "ECONNREFUSED", "Connection refused", "")),
        ("1, 100) = 0 (Timeout) <1.5>", "1, 100", of(Some(0), "", "Timeout", "1.5")),
        ("1, 1) = 1 ([{fd=11, revents=POLLOUT}])", "1, 1", of(Some(1), "", "[{fd=11, revents=POLLOUT}]", "")),
        ("6) = 1 (in [5], left {tv_sec=0})", "6", of(Some(1), "", "in [5], left {tv_sec=0}", "")),
        ("0) = ?", "0", of(None, "", "", "")),
        (") = ? ERESTARTSYS (To be restarted)", "", of(None, "ERESTARTSYS", "To be restarted", "")),
        ("0x1) = 0x17a1", "0x1", of(Some(0x17a1), "", "", "")),
        ("A) = 0xffffffffff600000", "A", of(Some(-10_485_760), "", "", "")),
        ("A) = 5<TCP:[10.9.0.1:40->10.9.0.9:9092]>", "A", of(Some(5), "", "", "")),
        ("A) = 3<TCPv6:[[::1]:60722->[::1]:9093]> <0.000001>", "A", of(Some(3), "", "", "0.000001")),
        ("A) = 1</dev/pts/0<char 136:0>>", "A", of(Some(1), "", "", "")),
        ("1, \"a) = 3\", 6) = 6", "1, \"a) = 3\", 6", of(Some(6), "", "", "")),
    ] {
        assert_eq!(tail(text.as_bytes()), Tail::Returned(args.as_bytes(), want), "{text}");
    }
}

#[test]
fn descriptors_are_told_from_other_numbers() {
    for (name, args, fd) in [
        ("close", "3", Some(3)),
        ("read", "3<TCP:[1]>, \"\", 4", Some(3)),
        ("mmap", "0, 4096", None),
        ("kill", "3, SIGTERM", None),
        ("select", "6, [5], NULL", None),
        ("socket", "AF_INET, SOCK_STREAM, 0", None),
        ("getsockopt", "8, SOL_SOCKET", Some(8)),
        ("setns", "4, CLONE_NEWNET", Some(4)),
        ("close", "99999999999", None),
    ] {
        assert_eq!(line::descriptor(name.as_bytes(), args.as_bytes()), fd, "{name}({args})");
    }
}

#[test]
fn halves_are_joined_by_thread_and_name() {
    for (first, second, args) in [
        ("read(3,  <unfinished ...>", "<... read resumed> \"x\", 5) = 1", "3, \"x\", 5"),
        ("epoll_wait(4,  <unfinished ...>", "<... epoll_wait resumed>[], 4, 30) = 1", "4, [], 4, 30"),
        ("epoll_wait(4 <unfinished ...>", "<... epoll_wait resumed>, [], 4, 30) = 1", "4, [], 4, 30"),
        ("close(4 <unfinished ...>", "<... close resumed> )       = 1", "4"),
    ] {
        let name = first.split('(').next().unwrap();
        let got = facts(&format!("[pid 7] 01:00:00 {first}\n[pid 8] 01:00:01 {first}\n[pid 7] 01:00:02 {second}\n"));
        let fd = &args[..1];
        assert_eq!(got[2], format!("syscall tid=7 at=01:00:00 {name} fd={fd} ({args}) = 1 - Resumed"), "{first}");
        assert!(got[0].ends_with("Started") && got[1].ends_with("Started") && got[3].ends_with("Pending"), "{got:?}");
        assert_eq!(got.len(), 4);
    }
}

#[test]
fn a_prefix_may_come_between_the_halves() {
    let got = facts("poll([{fd=1}], 1, 100 <unfinished ...>\n[pid 7] close(3) = 0\n[pid 6] <... poll resumed>) = 0 (Timeout)\n");
    assert_eq!(got[2], "syscall tid=6 at=- poll fd=- ([{fd=1}], 1, 100) = 0 - Resumed");
    let got = facts("[pid 7] close(3 <unfinished ...>\n<... close resumed>) = 0\n");
    assert_eq!(got[1], "syscall tid=7 at=- close fd=3 (3) = 0 - Resumed");
}

#[test]
fn a_second_half_alone_is_still_a_return() {
    assert_eq!(facts("[pid 7] <... socket resumed>) = 12\n"), ["syscall tid=7 at=- socket fd=- (-) = 12 - Resumed"]);
}

#[test]
fn a_banner_in_the_middle_of_a_line() {
    for (text, args, last) in [
        ("poll([{fd=11}], 1, 100Process 6095 attached\n) = 0 (Timeout)\n", "[{fd=11}], 1, 100", "= 0 - Resumed"),
        ("poll([{fd=11}], 1, 100Process 6095 attached\nProcess 6096 attached\n) = 0\n", "[{fd=11}], 1, 100", "= 0 - Resumed"),
        ("poll(0x1, 1, 100strace: Process 6095 attached\n <unfinished ...>\n<... poll resumed>) = 0\n", "0x1, 1, 100", "= 0 - Resumed"),
        ("poll(0x1, 1, NULL/usr/bin/strace-6.1: Process 7 detached\n <detached ...>\n", "0x1, 1, NULL", "= - - Pending"),
        ("poll(5, strace: Process 7 detached\n <detached ...>\n", "5,", "= - - Pending"),
        ("poll(5, Process 7 attached\n[], 3) = 0\n", "5, [], 3", "= 0 - Resumed"),
    ] {
        let got = facts(text);
        let started = got.iter().filter(|l| l.ends_with("Started")).count();
        assert_eq!(started, 1, "{text} {got:?}");
        let line = got.last().unwrap();
        assert!(line.contains(&format!("({args})")) && line.ends_with(last), "{text} {line}");
    }
}

#[test]
fn a_cut_line_is_a_call_in_progress() {
    let (told, reading) = told_as("x.txt", "Process 36111 attached - interrupt to quit\nfutex(0x2b80e2c2e9d0, FUTEX_WAIT, 36120, NULL");
    assert_eq!(reading.unparsed(), 0);
    assert_eq!(
        told.lines[1..],
        [
            "syscall tid=- at=- futex fd=- (0x2b80e2c2e9d0, FUTEX_WAIT, 36120, NULL) = - - Started",
            "syscall tid=- at=- futex fd=- (0x2b80e2c2e9d0, FUTEX_WAIT, 36120, NULL) = - - Pending",
        ]
    );
    assert_eq!(told.lines[0], "process pid=36111 ppid=- user=- command=- cmdline=- threads=- tid=-");
}

#[test]
fn a_pending_call_is_cited_where_it_began() {
    struct Cited(Vec<(u32, String)>);
    impl Sink for Cited {
        fn syscall(&mut self, at: At<'_>, call: &Syscall<'_>) {
            if call.finish == Finish::Pending {
                self.0.push((at.citation.line, String::from_utf8_lossy(at.text).into_owned()));
            }
        }
    }
    let mut cited = Cited(Vec::new());
    read_text(MemberId(0), "x", b"[pid 7] close(3) = 0\n[pid 7] read(3,  <unfinished ...>\n[pid 8] close(1) = 0\n", &mut cited);
    assert_eq!(cited.0, [(2, "[pid 7] read(3,  <unfinished ...>".to_string())]);
}

#[test]
fn an_ended_thread_waits_in_nothing() {
    assert_eq!(facts("[pid 7] exit(0 <unfinished ...>\n[pid 7] +++ exited with 0 +++\n").len(), 1);
    assert_eq!(facts("restart_syscall(<... resuming interrupted call ...> <unfinished ...>\n+++ killed by SIGKILL +++\n").len(), 2);
    assert!(facts("exit_group(0 <unfinished ... exit status 0>\n")[0].ends_with("(0) = - - Whole"));
    assert!(
        facts("[pid 7] read(3, <unfinished ...>\n[pid 7] <... read resumed> <unfinished ...>) = ?\n")[1].ends_with("(3,) = - - Resumed")
    );
}

#[test]
fn what_strace_says_of_itself() {
    for text in [
        "attach: ptrace(PTRACE_ATTACH, ...): Operation not permitted\n",
        "strace: attach: ptrace(PTRACE_SEIZE, 29956): Operation not permitted\n",
        "strace: Could not attach to process. If your uid matches ... ptrace_scope ...: Operation not permitted\n",
        "strace: process 29956 may be owned by a different user\n",
    ] {
        let got = facts(text);
        assert!(got.len() == 1 && got[0].starts_with("note without privilege pid="), "{text} {got:?}");
    }
    assert!(facts("strace: attach: ptrace(PTRACE_SEIZE, 99): No such process\n")[0].starts_with("note failed pid=99"));
    let usage = "usage: strace [-CdDffhiqrtttTvVxx]\n  or: strace -c\n -c -- count time\n";
    assert!(facts(usage)[0].starts_with("note failed"));
    let noise = "close(3) = 0\n[ Process PID=4684 runs in 64 bit mode. ]\n+++ superseded by execve in pid 7 +++\n--- SIGINT {si_signo=SIGINT} ---\n...\n > /lib/x.so(__connect+0x4b) [0x10a7fb]\n\n";
    assert_eq!(facts(noise).len(), 1);
}

#[test]
fn only_the_first_attached_is_the_process() {
    let of = |text: &str| told_as("x", text).0.lines.iter().filter(|l| l.starts_with("process")).count();
    assert_eq!(of("strace: Process 1 attached\nclone() = 2\nstrace: Process 2 attached\n"), 1);
    assert_eq!(of("Process 1 attached with 2 threads\nProcess 5 attached with 3 threads\n"), 2);
}

#[test]
fn tables_of_counts() {
    let text = "% time     seconds  usecs/call     calls    errors syscall\n\
                ------ ----------- ----------- --------- --------- ----------------\n\
                \u{20}53.03    0.001663         277         6           clock_nanosleep\n\
                \u{20} 4.62    0.000145          13        11         6 connect\n\
                ------ ----------- ----------- --------- --------- ----------------\n\
                100.00    0.003136                   135        11 total\n";
    let (told, reading) = told_as("x", text);
    assert_eq!((reading.format(), reading.rows(), reading.unparsed()), ("strace-c", 3, 0));
    assert_eq!((told.counters["strace.calls.connect"], told.counters["strace.errors.connect"]), (11, 6));
    assert_eq!((told.counters["strace.calls.clock_nanosleep"], told.counters["strace.errors.clock_nanosleep"]), (6, 0));
    assert_eq!((told.counters["strace.calls.total"], told.counters["strace.errors.total"]), (135, 11));
}

#[test]
fn other_texts_are_no_traces() {
    for text in ["main(argc, argv)", "see close(2) for more", "foo(bar)", "Process the queue", "a = b", "strace is a tool", "[pid 7]"] {
        assert!(!line::is_unmistakable(text.as_bytes()), "{text}");
    }
}

/// The shared samples, where the checkout stands beside them or `SOCKDIAG_SHARED` says where they are.
fn samples() -> Vec<(String, Vec<u8>)> {
    let beside = concat!(env!("CARGO_MANIFEST_DIR"), "/../shared").to_string();
    let shared = std::env::var("SOCKDIAG_SHARED").unwrap_or(beside);
    let Ok(directory) = std::fs::read_dir(format!("{shared}/formats/strace")) else { return Vec::new() };
    let mut all: Vec<_> =
        directory.flatten().map(|entry| (entry.file_name().to_string_lossy().into_owned(), std::fs::read(entry.path()).unwrap())).collect();
    all.sort();
    all
}

#[test]
fn every_sample_is_read_whole() {
    for (name, text) in samples() {
        let (told, reading) = told_bytes(&name, &text);
        assert_eq!(reading.unparsed(), 0, "{name}: {:?}", reading.unknown);
        let table = name.ends_with("-c.txt") || name.ends_with("-C.txt");
        let formats: Vec<_> = reading.sections.iter().map(|s| s.format).collect();
        assert!(formats.iter().all(|f| *f == "strace" || table && *f == "strace-c"), "{name}: {formats:?}");
        assert_eq!(table, told.counters.keys().any(|k| k.starts_with("strace.calls.")), "{name}");
        let calls = told.lines.iter().filter(|l| l.starts_with("syscall")).count();
        assert!(calls > 0 || table || name.contains("attach-errors"), "{name}");
    }
}

#[test]
fn versions_agree_on_the_calls_of_one_program() {
    const CALLS: [&str; 6] = ["socket", "connect", "bind", "listen", "dup2", "shutdown"];
    let mut by_variant: BTreeMap<String, Vec<(String, Vec<String>)>> = BTreeMap::new();
    for (name, text) in samples() {
        let Some((version, variant)) = name.split_once('-') else { continue };
        if !["f-ttt-net.txt", "f-tt-T-ofile.txt"].contains(&variant) {
            continue;
        }
        let mut per_thread: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for line in told_bytes(&name, &text).0.lines {
            let words: Vec<&str> = line.split(' ').collect();
            if words[0] != "syscall" || !CALLS.contains(&words[3]) || line.ends_with("Started") || line.ends_with("Pending") {
                continue;
            }
            let errno = line.rsplit(' ').nth(1).unwrap_or("-");
            per_thread.entry(words[1].to_string()).or_default().push(format!("{} {errno}", words[3]));
        }
        // The thread that connects most is the same program in each; how long the others ran differs from run to run.
        let main = per_thread.into_values().max_by_key(Vec::len).unwrap_or_default();
        by_variant.entry(variant.to_string()).or_default().push((format!("{version} {variant}"), main));
    }
    for runs in by_variant.values() {
        let (first, want) = &runs[0];
        assert!(want.len() > 5, "{first}: {want:?}");
        for (name, got) in runs {
            let both = want.len().min(got.len());
            assert_eq!(got[..both], want[..both], "{name} and {first}");
        }
    }
}

/// Texts made of pieces that mean something to the parser, in any order.
fn pieces() -> impl proptest::strategy::Strategy<Value = Vec<u8>> {
    use proptest::prelude::*;
    const PIECES: &[&str] = &[
        "[pid ",
        "7",
        "]",
        " ",
        "<",
        ">",
        "(",
        ")",
        " = ",
        "-1",
        "?",
        "0x",
        "E",
        "...",
        "<unfinished ...>",
        "<... read resumed>",
        "read(",
        "Process ",
        " attached",
        "strace: ",
        "/strace",
        "+++ exited with 0 +++",
        "\n",
        "12:00:00",
        ".",
        "{\"",
        "\":",
        "\\",
        "[",
        "Nov  8 ",
        "a[1]: ",
        "goroutine 1 [",
        "\"t\" nid=",
        "└─",
        "● a.service",
        "% time calls syscall",
        "\u{7f}",
        "é",
        "<1>",
        "99999999999999999999",
    ];
    let known = proptest::sample::select(PIECES).prop_map(|p| p.as_bytes().to_vec());
    let any = proptest::collection::vec(any::<u8>(), 0..4);
    proptest::collection::vec(prop_oneof![4 => known, 1 => any], 0..40).prop_map(|parts| parts.concat())
}

proptest::proptest! {
    #[test]
    fn no_text_panics_in_any_format(text in pieces()) {
        for format in crate::formats::FORMATS {
            let mut reader = crate::formats::reader::Reader::new(MemberId(0), "strace.9.log", b"", Some(*format));
            reader.feed(&text, &mut Discard);
            let reading = reader.finish(&mut Discard);
            let counted: u32 = reading.sections.iter().map(|s| s.lines).sum();
            proptest::prop_assert_eq!(counted, reading.lines, "a line was lost");
        }
        told_bytes("paste.txt", &text);
    }
}

/// A call that an earlier line has left unfinished ends in a mark of its own when strace lets go.
#[test]
fn a_mark_of_detaching_alone() {
    let text = "[pid 7] 1.0 futex(0x1, FUTEX_WAIT, 2, NULL <unfinished ...>\nstrace: Process 7 detached\n <detached ...>\n";
    let (_, reading) = crate::formats::testing::told_as("strace", text);
    assert_eq!((reading.format(), reading.unparsed()), ("strace", 0));
}
