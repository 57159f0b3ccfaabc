//! Walks over the sample outputs of every tool version: each small format is told, and no line of it stays unread. Skips what is absent.

use super::testing::told_bytes;
use std::path::{Path, PathBuf};

/// The samples' folder; a worktree elsewhere names it in the environment.
fn shared() -> PathBuf {
    std::env::var_os("SOCKDIAG_SHARED").map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared"), PathBuf::from)
}

/// Reads each of these samples under its own name and compares the format told; lines not understood fail.
fn walk(folder: &str, wanted: &[(&str, &str)]) {
    for (name, format) in wanted {
        let Ok(text) = std::fs::read(shared().join("formats").join(folder).join(name)) else { continue };
        let (_, reading) = told_bytes(name, &text);
        assert_eq!(reading.format(), *format, "{folder}/{name}");
        assert!(reading.unknown.is_empty(), "{folder}/{name}: {:?}", reading.unknown);
    }
}

#[test]
fn files_of_proc() {
    walk(
        "proc",
        &[
            ("cmdline-catv.txt", "cmdline"),
            ("limits.txt", "limits"),
            ("net_netstat-k6.18.txt", "proc-net-netstat"),
            ("net_snmp-k6.18.txt", "proc-net-snmp"),
            ("net_snmp6-k6.18.txt", "proc-net-snmp"),
            ("ns.txt", "ns"),
            ("slabinfo-sock.txt", "slabinfo"),
            ("stat-spaces.txt", "stat"),
            ("stat.txt", "stat"),
            ("status-spaces.txt", "status"),
            ("status.txt", "status"),
            ("sysctls-k6.18.txt", "sysctl"),
            ("ulimit-a-bash.txt", "ulimit"),
            ("ulimit-a-dash.txt", "ulimit"),
            ("wchan.txt", "wchan"),
        ],
    );
}

#[test]
fn every_version_of_a_tool() {
    for (folder, part, format) in [
        ("ps", "ps-", "ps"),
        ("busybox", "ps-", "ps"),
        ("nstat", "-az", "nstat"),
        ("netstat", "-s.txt", "netstat-s"),
        ("netstat", "-s-", "netstat-s"),
    ] {
        let Ok(listing) = std::fs::read_dir(shared().join("formats").join(folder)) else { continue };
        let names: Vec<String> =
            listing.flatten().map(|e| e.file_name().to_string_lossy().into_owned()).filter(|n| n.contains(part)).collect();
        assert!(!names.is_empty(), "{folder} has no {part}");
        for name in names {
            walk(folder, &[(&name, format)]);
        }
    }
}

#[test]
fn locales_tell_the_same_counters() {
    let read = |name: &str| std::fs::read(shared().join("formats/netstat").join(name)).ok().map(|text| told_bytes(name, &text).0.counters);
    let Some(english) = read("2.10-s.txt") else { return };
    assert!(english.contains_key("tcpext.listen_overflows") && english.contains_key("snmp.tcp.attempt_fails"));
    for locale in ["de_DE", "es_ES", "fr_FR", "ja_JP", "pt_BR", "zh_CN"] {
        let Some(other) = read(&format!("2.10-s-{locale}.txt")) else { continue };
        assert!(other.keys().eq(english.keys()), "{locale}");
    }
}

#[test]
fn words_and_kernel_names_meet() {
    let read = |path: &str| std::fs::read(shared().join("formats").join(path)).ok().map(|text| told_bytes(path, &text).0.counters);
    let (Some(words), Some(mut kernel), Some(extended)) =
        (read("netstat/2.10-s.txt"), read("proc/net_snmp-k6.18.txt"), read("proc/net_netstat-k6.18.txt"))
    else {
        return;
    };
    kernel.extend(extended);
    let strange: Vec<&String> = words.keys().filter(|k| !kernel.contains_key(*k)).collect();
    assert!(strange.is_empty(), "names that no kernel has: {strange:?}");
}

#[test]
fn names_of_hand_saved_members() {
    let cases: &[(&str, &[u8], &str)] = &[
        ("front-1/date.txt", b"Sun Nov 22 14:56:52 UTC 2026\n", "date"),
        ("hook-4/00_date.log", b"Sun Nov 22 14:56:52 UTC 2026\n", "date"),
        ("front-1/file-nr.txt", b"8010\t0\t2466177\n", "file-nr"),
        ("hook-4/12_file_nr.log", b"8010\t0\t2466177\n", "file-nr"),
        ("feed-01/filenr.out", b"8010\t0\t2466177\n", "file-nr"),
        ("front-1/hostname.txt", b"front-1\r\n", "hostname"),
        ("front-1/uname-a.txt", b"Linux front-1 6.18.44 #1 SMP x86_64 GNU/Linux\n", "uname"),
        ("front-1/pid-7629-cmdline.txt", b"python3\0x.py\0", "cmdline"),
        ("feed-01/cmdline.26372", b"python3 x.py ", "cmdline"),
        ("front-1/pid-7629-wchan.txt", b"do_epoll_wait", "wchan"),
        ("feed-01/wchan.26372", b"hrtimer_nanosleep", "wchan"),
        ("app-07/proc_17112/wchan", b"0", "wchan"),
        // A name alone is no reason to believe a text.
        ("front-1/notes.txt", b"front-1\n", "unknown"),
        ("front-1/candidate.txt", b"8010\t0\t2466177\n", "unknown"),
        ("front-1/hostname.txt", b"no host has this name\n", "unknown"),
    ];
    for (path, text, format) in cases {
        assert_eq!(told_bytes(path, text).1.format(), *format, "{path}");
    }
}

#[test]
fn an_article_with_pastes() {
    let Ok(text) = std::fs::read(shared().join("founding-incident.txt")) else { return };
    let (told, _) = told_bytes("article.txt", &text);
    let tallies: Vec<&str> = told.lines.iter().filter(|l| l.starts_with("tally ")).filter_map(|l| l.rsplit(' ').next()).collect();
    assert_eq!(tallies, ["TIME_WAIT=221", "ESTABLISHED=103", "-=368", "-=158391", "-=10201"]);
    let limits: Vec<&String> = told.lines.iter().filter(|l| l.starts_with("limit ")).collect();
    assert_eq!(limits, ["limit pid=- Max open files soft=Some(At(131072)) hard=None"]);
    assert!(told.lines.iter().all(|l| !l.starts_with("identity ")), "prose is no fact");
    let processes: Vec<&String> = told.lines.iter().filter(|l| l.starts_with("process ")).collect();
    assert!(processes.iter().all(|p| p.starts_with("process pid=36111 ")), "only the trace names one: {processes:?}");
}

mod damage {
    use super::told_bytes;
    use crate::facts::{At, Citation, Discard};
    use crate::formats::FORMATS;
    use crate::formats::{Hint, Taken};
    use proptest::prelude::*;

    /// Pieces of real lines, so that damage reaches deep into the parsers.
    fn piece() -> impl Strategy<Value = String> {
        prop_oneof![
            Just("USER PID %CPU %MEM VSZ RSS TTY STAT START TIME COMMAND\n".to_string()),
            Just("root 9 0.0 0.0 1 1 ? S 14:19 0:00 {a} b\n".to_string()),
            Just("  PID COMMAND  COMMAND\n".to_string()),
            Just("Tcp: ActiveOpens MaxConn\nTcp: 1 -1\n".to_string()),
            Just("Name:\ta\\n\nPid:\t7\nFDSize:\t64\n".to_string()),
            Just("Max open files 1 2 files\n".to_string()),
            Just("7 (a) b) S 1 1 1 1 -1 1 1 1 1 1 1 1 1 1 1 1 4 0\n".to_string()),
            Just("Sun Nov 22 14:56:52 UTC 2026\n".to_string()),
            Just("/proc/sys/a: /proc/sys/b: 1\n".to_string()),
            Just("$ cat /proc/7/cmdline\n".to_string()),
            Just("run id=1 status=failed argv=\"a\\\"b\"\n".to_string()),
            "[ -~\\t\\n\u{e4}\u{2500}]{0,24}",
            "[0-9:.\\-+ ]{0,24}",
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(300))]

        #[test]
        fn no_text_makes_a_parser_stumble(pieces in prop::collection::vec(piece(), 0..8), cut in 0usize..400) {
            let text = pieces.concat();
            let text = text.as_bytes();
            let text = text.get(..cut).unwrap_or(text);
            told_bytes("proc/7/status", text);
            for format in FORMATS {
                let hint = Hint { path: "proc/7/x", command: text, pid: Some(7) };
                let mut parser = format.parser(&hint);
                format.printed_by(text);
                for line in text.split(|&b| b == b'\n') {
                    format.opens(line);
                    let at = At { citation: Citation::default(), format: format.id(), text: line };
                    let taken = parser.line(at, &mut Discard);
                    prop_assert!(matches!(taken, Taken::Row | Taken::Noise | Taken::Unknown));
                }
                parser.end(At { citation: Citation::default(), format: format.id(), text: b"" }, &mut Discard);
            }
        }
    }
}
