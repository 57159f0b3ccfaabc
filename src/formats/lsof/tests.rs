//! Tests of lsof: one line for each quirk, then every version on the same processes.

use crate::facts::{At, Descriptor, FdRef, MemberId, Protocol, Sink, SocketState};
use crate::formats::reader::read_text;
use crate::formats::testing::{facts, told_as, told_bytes};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The only fact of one row.
fn one(line: &str) -> String {
    let read = facts(line);
    assert_eq!(read.len(), 1, "{line}: {read:?}");
    read.into_iter().next().unwrap_or_default()
}

fn short(d: &str) -> String {
    d.trim_start_matches("descriptor ").replace(" user=root", "").replace(" command=java", "")
}

#[test]
fn sockets_in_no_table() {
    for (line, want) in [
        (
            "java 29956 root 4u sock 0,9 0t0 133868 protocol: TCPv6",
            "pid=29956 tid=- fd=4 kind=socket protocol=tcp6 state=- local=- remote=- inode=133868 unlisted=true name=protocol: TCPv6",
        ),
        (
            "java 4684 root *280u sock 0,6 0t0 675441359 can't identify protocol",
            "pid=4684 tid=- fd=*280 kind=socket protocol=- state=- local=- remote=- inode=675441359 unlisted=true \
             name=can't identify protocol",
        ),
        (
            "java 4684 root 17u sock 0,6 675441359 can't identify protocol (-X specified)",
            "pid=4684 tid=- fd=17 kind=socket protocol=- state=- local=- remote=- inode=675441359 unlisted=true \
             name=can't identify protocol (-X specified)",
        ),
        (
            "java 1 root 4u sock 0,9 0t0 2 protocol: UNIX-STREAM",
            "pid=1 tid=- fd=4 kind=socket protocol=unix state=- local=- remote=- inode=2 unlisted=true name=protocol: UNIX-STREAM",
        ),
    ] {
        assert_eq!(short(&one(line)), want, "{line}");
    }
}

#[test]
fn each_kind_has_its_inode_elsewhere() {
    for (line, want) in [
        (
            "java 1 root 24u IPv4 133909 0t0 TCP 127.0.0.1:40112->127.0.0.1:9092 (CLOSE_WAIT QR=0 QS=0)",
            "kind=socket protocol=tcp state=CLOSE-WAIT local=127.0.0.1:40112 remote=127.0.0.1:9092 inode=133909 unlisted=false \
             name=127.0.0.1:40112->127.0.0.1:9092",
        ),
        (
            "java 1 root 24u IPv6 133909 TCP *:9093 (LISTEN)",
            "kind=socket protocol=tcp6 state=LISTEN local=*:9093 remote=- inode=133909 unlisted=false name=*:9093",
        ),
        (
            "java 1 root 48u IPv4 133933 0t0 UDP 127.0.0.1:5354->127.0.0.1:53 (QR=0 QS=0)",
            "kind=socket protocol=udp state=- local=127.0.0.1:5354 remote=127.0.0.1:53 inode=133933 unlisted=false \
             name=127.0.0.1:5354->127.0.0.1:53",
        ),
        (
            "java 1 root 9u IPv4 135500 0t0 TCP localhost:XmlIpcRegSvc (LISTEN)",
            "kind=socket protocol=tcp state=LISTEN local=localhost:XmlIpcRegSvc remote=- inode=135500 unlisted=false \
             name=localhost:XmlIpcRegSvc",
        ),
        (
            "java 1 root 61u unix 0x00000000be8203d3 0t0 133948 /tmp/sd/u.sock type=STREAM (LISTEN)",
            "kind=socket protocol=unix state=LISTEN local=- remote=- inode=133948 unlisted=false name=/tmp/sd/u.sock type=STREAM",
        ),
        (
            "java 1 root 66u netlink 0t0 133953 ROUTE",
            "kind=socket protocol=netlink state=- local=- remote=- inode=133953 unlisted=false name=ROUTE",
        ),
        (
            "java 1 root 69u pack 133965 0t0 0 type=SOCK_DGRAM",
            "kind=socket protocol=packet state=- local=- remote=- inode=133965 unlisted=false name=type=SOCK_DGRAM",
        ),
        (
            "java 1 root 73u icmp 0t0 133970 0100007F:004D->00000000:0000",
            "kind=socket protocol=icmp state=- local=- remote=- inode=133970 unlisted=false name=0100007F:004D->00000000:0000",
        ),
        (
            "java 1 root 83u a_inode 0,16 0 26 [eventpoll:58]",
            "kind=eventpoll protocol=- state=- local=- remote=- inode=26 unlisted=false name=[eventpoll:58]",
        ),
        (
            "java 1 root 83u 0000 0,16 0 26 anon_inode",
            "kind=anon protocol=- state=- local=- remote=- inode=26 unlisted=false name=anon_inode",
        ),
        (
            "java 1 root 72u REG 0,9 0 4031 anon_inode",
            "kind=anon protocol=- state=- local=- remote=- inode=4031 unlisted=false name=anon_inode",
        ),
        (
            "java 1 root 81r FIFO 0,15 0t0 133984 pipe",
            "kind=pipe protocol=- state=- local=- remote=- inode=133984 unlisted=false name=pipe",
        ),
        (
            "java 1 root 4uW REG W,LG,0x80000 254,0 100 10512262 /tmp/we ird (deleted)",
            "kind=file protocol=- state=- local=- remote=- inode=10512262 unlisted=false name=/tmp/we ird (deleted)",
        ),
    ] {
        let got = one(line);
        assert_eq!(got.split_once(" kind=").map(|(_, rest)| format!("kind={rest}")).as_deref(), Some(want), "{line}");
    }
}

#[test]
fn descriptors_that_are_no_plain_number() {
    for (line, want) in [
        ("java 1 root mem-W REG 0,48 32768 3 /tmp/x", "fd=mem kind=file"),
        ("java 1 root DEL REG 254,0 10510372 /tmp/sd/map.bin", "fd=DEL kind=file"),
        ("java 1 root 5uw REG 254,0 100 3 /tmp/x", "fd=5 kind=file"),
        ("java 1 root 12 CHR 1,3 0t0 3 /dev/null", "fd=12 kind=device"),
        ("java 1 100 8u sock 0,7 0t0 21047443 protocol: TCP", "user=100 fd=8 kind=socket"),
        ("java 1 root 12345u IPv4 3 0t0 UDP *:46029 ", "fd=12345 kind=socket"),
    ] {
        assert!(one(line).contains(want), "{line}: {}", one(line));
    }
    assert!(facts("java 1 root *28u sock 0,6 0t0 675441359 can't identify protocol").is_empty(), "a tail has three digits");
}

#[test]
fn thread_rows() {
    let tids = |text: &str| -> Vec<String> {
        let told = told_as("capture.txt", text).0.lines;
        told.iter().filter(|l| l.starts_with("descriptor")).map(|l| l.split(' ').nth(2).unwrap_or("").to_string()).collect()
    };
    let task = "COMMAND PID TID TASKCMD USER FD TYPE DEVICE SIZE/OFF NODE NAME\n\
                java 29956 root 4u sock 0,9 0t0 133868 protocol: TCP\n\
                java 29956 30080 GC\\x20Thr root 4u sock 0,9 0t0 133868 protocol: TCP\n\
                java 29956 30080 1000 4u sock 0,9 0t0 133868 protocol: TCP\n";
    assert_eq!(tids(task), ["tid=-", "tid=30080", "tid=30080"]);
    let group = "COMMAND PID PPID PGID USER FD TYPE DEVICE SIZE/OFF NODE NAME\njava 29956 77 88 0 4u sock 0,9 0t0 133868 protocol: TCP\n";
    assert_eq!(tids(group), ["tid=-"]);
    let both = "COMMAND PID TID PPID USER FD TYPE DEVICE SIZE/OFF NODE NAME\n\
                java 29956 77 0 4u sock 0,9 0t0 133868 protocol: TCP\njava 29956 30080 77 0 4u sock 0,9 0t0 133868 protocol: TCP\n";
    assert_eq!(tids(both), ["tid=-", "tid=30080"]);
    // Without a header: plain lsof prints TIDs, `-R` parents.
    assert_eq!(tids("$ lsof | grep sock\nGC 29956 30080 root 4u sock 0,9 0t0 133868 protocol: TCP\n"), ["tid=30080"]);
    assert_eq!(tids("$ lsof -R | grep sock\nGC 29956 30080 root 4u sock 0,9 0t0 133868 protocol: TCP\n"), ["tid=-"]);
}

#[test]
fn a_header_edited_by_hand_does_not_mislead() {
    let read = facts(
        "COMMAND      PID         PPID      USER       PGID      FD          DEVICE       SIZE     NODE     NAME\n\
         bsc-wallet  3092       3112        root      1872u      sock       0,7           0t0    4058703 protocol: TCPv\n",
    );
    assert_eq!(read.len(), 2);
    assert!(read[0].starts_with("note table"), "{}", read[0]);
    assert!(read[1].contains("pid=3092 tid=- command=bsc-wallet user=root fd=1872 kind=socket protocol=- "), "cut name: {}", read[1]);
    assert!(read[1].contains("inode=4058703 unlisted=true"), "{}", read[1]);
}

#[test]
fn a_row_cut_in_its_inode_has_none() {
    assert!(one("java 1 root 4u sock 0,9 0t0 1338").contains("kind=socket protocol=- state=- local=- remote=- inode=- unlisted=false"));
    assert!(one("java 1 root 4u IPv4 1338").contains("inode=- unlisted=false"));
}

#[test]
fn a_command_printed_with_its_blanks() {
    assert!(one("My App (1) 14830 root 3u IPv4 1578508 0t0 TCP 127.0.0.1:9200 (LISTEN)").contains("pid=14830 tid=- command=My App (1) "));
}

#[test]
fn lack_of_privilege_is_noted_once_a_process() {
    let read = facts(
        "systemd 1 root  cwd   unknown /proc/1/cwd (readlink: Permission denied)\n\
         systemd 1 root NOFD           /proc/1/fd (opendir: Permission denied)\n\
         sshd    9 root NOFD      0000 /proc/9/fd (opendir: Permission denied)\n",
    );
    let notes: Vec<_> = read.iter().filter(|l| l.starts_with("note without privilege")).collect();
    assert_eq!(notes.len(), 2, "{read:#?}");
    assert!(notes[1].contains("pid=9"));
    assert_eq!(read.iter().filter(|l| l.contains("fd=NOFD kind=denied")).count(), 2);
    assert!(read[1].contains("fd=cwd kind=other"), "{}", read[1]);
}

#[test]
fn remarks_between_rows() {
    let (told, reading) = told_as(
        "lsof.txt",
        "lsof: WARNING: can't stat() tmpfs file system /run/x\n      Output information may be incomplete.\n\
         lsof: no pwd entry for UID 54321\n/usr/sbin/lsof: WARNING: unsupported format: /proc/net/tcp\n...\n\
         java 1 54321 4u sock 0,9 0t0 133868 protocol: TCP\n=======\n",
    );
    assert_eq!((reading.format(), reading.rows(), reading.unparsed()), ("lsof", 1, 0));
    assert!(told.lines[0].starts_with("note warning"));
    assert!(told.lines[1].starts_with("note table unreadable"));
    let (told, reading) = told_as("x", "/usr/local/bin/collect: line 12: lsof: command not found\n");
    assert_eq!(reading.format(), "lsof");
    assert!(told.lines[0].starts_with("note failed"));
}

#[test]
fn fields_tell_the_same_as_the_table() {
    let table = "COMMAND PID USER FD TYPE DEVICE SIZE/OFF NODE NAME\n\
                 java 29956 root 24u IPv4 133909 0t0 TCP 127.0.0.1:40112->127.0.0.1:9092 (CLOSE_WAIT)\n\
                 java 29956 root 4u sock 0,9 0t0 133868 protocol: TCP\n\
                 java 29956 root *280u sock 0,9 0t0 133869 protocol: TCP\n\
                 java 29956 30080 GC root 4u sock 0,9 0t0 133868 protocol: TCP\n\
                 java 29956 root NOFD /proc/29956/fd (opendir: Permission denied)\n"
        .replace("PID USER", "PID TID TASKCMD USER");
    let fields = "p29956\ng29956\ncjava\nu0\nLroot\nf24\nau\nl \ntIPv4\nd133909\no0t0\nPTCP\nn127.0.0.1:40112->127.0.0.1:9092\n\
                  TST=CLOSE_WAIT\nTQR=1\nf4\ntsock\nD0x9\no0t0\ni133868\nnprotocol: TCP\nf*280\ntsock\ni133869\nnprotocol: TCP\n\
                  p29956\nK30080\nMGC\ncjava\nLroot\nf4\ntsock\ni133868\nnprotocol: TCP\n\
                  p29956\ncjava\nLroot\nfNOFD\nn/proc/29956/fd (opendir: Permission denied)\n";
    let rows = |text: &str| -> Vec<String> { facts(text).into_iter().filter(|l| !l.starts_with("note table")).collect() };
    assert_eq!(rows(fields), rows(&table));
    assert_eq!(rows(fields).len(), 6);
}

#[test]
fn fields_separated_by_nul() {
    let (told, reading) = told_bytes("x", b"p7\0cjava\0Lroot\0\nf4\0au\0tsock\0i133868\0nprotocol: TCP\0\nf5\0tFIFO\0i9\0npipe\0\n");
    assert_eq!((reading.format(), reading.rows(), reading.unparsed()), ("lsof", 2, 0));
    assert_eq!(told.lines.iter().filter(|l| l.starts_with("descriptor")).count(), 2);
    assert!(told.lines[1].contains("pid=7 tid=- command=java user=root fd=4 kind=socket protocol=tcp"), "{}", told.lines[1]);
    assert!(told.lines[2].contains("fd=5 kind=pipe"), "{}", told.lines[2]);
}

#[test]
fn a_file_set_cites_its_own_line() {
    struct Lines(Vec<(u32, String)>);
    impl Sink for Lines {
        fn descriptor(&mut self, at: At<'_>, _fact: &Descriptor<'_>) {
            self.0.push((at.citation.line, String::from_utf8_lossy(at.text).into_owned()));
        }
    }
    let mut lines = Lines(Vec::new());
    read_text(MemberId(0), "x", b"p7\nf4\ntsock\nf5\ntFIFO\n", &mut lines);
    assert_eq!(lines.0, [(2, "f4".to_string()), (4, "f5".to_string())]);
}

#[test]
fn prompts_end_the_fields() {
    let (_, reading) =
        told_as("x", "$ lsof -p 7 -F\np7\nf4\ntsock\ni3\nnprotocol: TCP\nroot@host:~# cat /proc/net/sockstat\nsockets: used 94\n");
    let formats: Vec<_> = reading.sections.iter().filter(|s| s.rows > 0).map(|s| (s.format, s.rows)).collect();
    assert_eq!(formats, [("lsof", 1), ("sockstat", 1)]);
}

// ---- the sample outputs of every version

/// Where the sample outputs are, if they are here.
fn samples() -> Option<PathBuf> {
    let root = std::env::var_os("SOCKDIAG_SHARED")
        .map_or_else(|| PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../shared")), PathBuf::from)
        .join("formats");
    root.is_dir().then_some(root)
}

fn read(path: &Path) -> Vec<u8> {
    std::fs::read(path).unwrap_or_default()
}

/// What every version tells of a descriptor: kind, state of TCP, ends, inode, and whether it is in no table.
type Told = (String, Option<SocketState>, String, Option<u64>, bool);

/// Descriptors by process, thread and number, in the words that all versions share.
#[derive(Default)]
struct Shared(BTreeMap<(Option<u32>, Option<u32>, String), Vec<Told>>);

impl Sink for Shared {
    fn descriptor(&mut self, _at: At<'_>, d: &Descriptor<'_>) {
        let fd = match d.fd {
            // Before 4.99.7 the high digits are missing.
            FdRef::Number(n) if n >= 10_000 => format!("*{:03}", n % 1000),
            FdRef::Tail(n) => format!("*{n:03}"),
            FdRef::Number(n) => n.to_string(),
            FdRef::Name(n) => String::from_utf8_lossy(n).into_owned(),
            FdRef::Unknown => String::new(),
        };
        // 4.85 does not say which anonymous inode it is.
        let kind = match d.kind.word() {
            "eventpoll" | "eventfd" => "anon",
            word => word,
        };
        let tcp = d.protocol.is_some_and(|p| p.is_tcp());
        let ends = format!("{:?}->{:?}", d.local, d.remote);
        // 4.85 does not read /proc/net/icmp: there, a ping socket is in no table.
        let unlisted = d.unlisted || d.protocol == Some(Protocol::Icmp);
        let told = (kind.to_string(), d.state.filter(|_| tcp), ends, d.inode, unlisted);
        self.0.entry((d.pid, d.tid, fd)).or_default().push(told);
    }
}

fn shared(path: &Path) -> Shared {
    let mut shared = Shared::default();
    read_text(MemberId(0), "capture.txt", &read(path), &mut shared);
    shared
}

#[test]
fn all_versions_tell_the_same() {
    let Some(root) = samples() else { return };
    for variants in [
        &["lsof/4.85-nP.txt", "lsof/4.93.2-nP.txt", "lsof/4.95.0-nP.txt", "lsof/4.96.5-nP.txt", "lsof/4.99.7-nP.txt"][..],
        &["lsof/4.85-K-tasks.txt", "lsof/4.95.0-K-tasks.txt", "lsof/4.99.7-K-tasks.txt"],
        &["lsof/4.85-i.txt", "lsof/4.95.0-i.txt", "lsof/4.99.7-i.txt", "lsof/4.85-Tqs.txt", "lsof/4.99.7-Tqs.txt"],
        &["lsof/4.85-fg.txt", "lsof/4.95.0-fg.txt", "lsof/4.99.7-fg.txt", "lsof/4.85-s.txt", "lsof/4.95.0-o.txt", "lsof/4.99.7-s.txt"],
        &["lsof/4.85-from-other-netns.txt", "lsof/4.95.0-from-other-netns.txt", "lsof/4.99.7-from-other-netns.txt"],
        &["lsof/4.85-bigfd-locks.txt", "lsof/4.95.0-bigfd-locks.txt", "lsof/4.99.7-bigfd-locks.txt"],
        &["lsof/4.85-F.txt", "lsof/4.95.0-F.txt", "lsof/4.99.7-F.txt"],
        &["lsof/4.85-F0.txt", "lsof/4.95.0-F0.txt", "lsof/4.99.7-F0.txt"],
        &["lsof/4.85-unpriv.txt", "lsof/4.95.0-unpriv.txt", "lsof/4.99.7-unpriv.txt"],
        &["lsof/4.85-nopwd.txt", "lsof/4.95.0-nopwd.txt", "lsof/4.99.7-nopwd.txt"],
        &["lsof/4.85-Rgl.txt", "lsof/4.95.0-Rgl.txt", "lsof/4.99.7-Rgl.txt"],
        &["lsof/4.85-weirdnames.txt", "lsof/4.95.0-weirdnames.txt", "lsof/4.99.7-weirdnames.txt"],
        &["scenario-refused-leak/lsof-4.85.txt", "scenario-refused-leak/lsof-4.99.7.txt"],
    ] {
        let want = shared(&root.join(variants[0])).0;
        assert!(!want.is_empty(), "{}", variants[0]);
        for other in &variants[1..] {
            let got = shared(&root.join(other)).0;
            for (key, told) in &want {
                assert_eq!(got.get(key), Some(told), "{} and {other} differ on {key:?}", variants[0]);
            }
            assert_eq!(got.len(), want.len(), "{other}");
        }
    }
}

#[test]
fn every_sample_is_recognised_and_read() {
    let Some(root) = samples() else { return };
    let mut seen = 0;
    for (directory, start, format) in [
        ("lsof", "", "lsof"),
        ("lsfd", "", "lsfd"),
        ("busybox", "lsof", "busybox-lsof"),
        ("proc", "fd", "fd"),
        ("scenario-refused-leak", "fd", "fd"),
        ("scenario-refused-leak", "lsof", "lsof"),
    ] {
        for entry in std::fs::read_dir(root.join(directory)).into_iter().flatten().flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            if !name.starts_with(start) {
                continue;
            }
            seen += 1;
            // The name must not be needed.
            let (told, reading) = told_bytes("capture.txt", &read(&entry.path()));
            assert_eq!(reading.format(), format, "{directory}/{name}");
            assert_eq!(reading.unknown, [], "{directory}/{name}");
            assert_eq!(reading.sections.len(), 1, "{directory}/{name}: {:?}", reading.sections);
            let silent = name == "fdinfo.txt" || name.ends_with("-i.txt") || name.ends_with("-Tfqsw.txt");
            assert!(silent || told.lines.iter().any(|l| l.starts_with("descriptor")), "{directory}/{name}");
        }
    }
    assert!(seen > 60, "{seen} samples");
}

#[test]
fn lsof_and_the_listing_name_the_same_sockets() {
    let Some(root) = samples() else { return };
    let inodes = |name: &str| -> Vec<u64> {
        let all = shared(&root.join("scenario-refused-leak").join(name)).0;
        let mut inodes: Vec<u64> = all.into_values().flatten().filter(|t| t.0 == "socket").filter_map(|t| t.3).collect();
        inodes.sort_unstable();
        inodes
    };
    let listed = inodes("fd-ls-l.txt");
    assert!(listed.len() > 300);
    let table = inodes("lsof-4.99.7.txt");
    assert!(listed.iter().all(|inode| table.binary_search(inode).is_ok()));
}

#[test]
fn repeated_rows_are_read_like_the_first() {
    let rows = [
        "java 29956 root 9998u sock 0,9 0t0 133868 protocol: TCP",
        "java 29956 root 9999u sock 0,9 0t0 133869 protocol: TCP ",
        "java 29956 root 99999999999u sock 0,9 0t0 133869 protocol: TCP",
        "java 29956 root 10000uW sock 0,9 0t0 133869 protocol: TCP",
        "java 29956 root *000u sock 0,9 0t0 133870 protocol: TCP",
        "java 29956 root *0000u sock 0,9 0t0 133870 protocol: TCP",
        "java 29956 root  *00u sock 0,9 0t0 133870 protocol: TCP",
        "java 29956 root *001u sock 0,9 0t0 133871 protocol: TCPv6",
        "java 29956 root *002u sock 0,9 0t0 133872 protocol: TCPv6",
        "java 29956 root *003u sock 0,9 0t0 13",
        "java 29956 root *004u sock 0,9 0t0  can't identify protocol",
        "java 29956 root *005u sock 0,9     133873 can't identify protocol",
        "java 29956 root *006u IPv4 133874 0t0 TCP *:1 (LISTEN)",
        "java 29956 root *007u sock 0,9     133875 can't identify protocol",
        "java 29956 4u   12r  sock 0,9     133876 can't identify protocol",
        "java 29956 4u   sock 0,9     133876 can't identify protocol",
        "java 29957 root *007u sock 0,9     133875 can't identify protocol",
    ];
    let alone: Vec<String> = rows.iter().flat_map(|row| facts(row)).collect();
    assert_eq!(facts(&rows.join("\n")), alone);
}

#[test]
fn no_damage_panics() {
    let rows: &[&[u8]] = &[
        b"COMMAND PID TID TASKCMD USER FD TYPE FILE-FLAG DEVICE SIZE/OFF NODE NAME",
        b"java 29956 30080 GC root *280u sock RW,CX 0,9 0t0 133868 protocol: TCPv6",
        b"java 1 root 24u IPv6 133909 0t0 TCP [::1]:40112->127.0.0.1:9092 (CLOSE_WAIT QR=0 QS=0)",
        b"java 1 root 69u pack 133965 0t0 0 type=SOCK_DGRAM",
        b"p7\0cjava\0f*280\0tsock\0i133868\0nprotocol: TCP\0TST=LISTEN\0",
        b"lsof: WARNING: unsupported format: /proc/net/tcp",
        b"/proc/13/task/14/fd:",
        b"lrwx------ 1 apps apps 64 Nov 22 14:19 /proc/4684/fd/11 -> 'socket:[133874]'",
        b"ls: cannot read symbolic link '/proc/2710/fd/0': Permission denied",
        b"My App 29957 30080 1000 83 rw-D-m TCP sockfs 10 133909 state=close-wait laddr=[::1]:1 raddr=2:3",
        b"29956\t/usr/bin/python3.11\t4\tsocket:[133868]",
    ];
    let mut rounds = 0;
    for row in rows {
        for at in 0..row.len() {
            for with in [&b""[..], b" ", b"\0", b"\xff", b"99999999999999999999", b"-", b"]", b"/", b">", b"\n", b":"] {
                let (before, after) = row.split_at(at);
                let damaged = [before, with, after.get(1..).unwrap_or(b"")].concat();
                // Behind a whole row, so that every parser meets the damage in the middle of its work too.
                told_bytes("proc/1/fd", &[row, &b"\n"[..], &damaged, b"\n", row, b"\n", before].concat());
                told_bytes("x", &damaged);
                rounds += 1;
            }
        }
    }
    assert!(rounds > 5000);
}

/// `-r` prints a marker below each listing.
#[test]
fn what_stands_between_the_listings_of_a_repeat() {
    let listing = "COMMAND PID USER FD TYPE DEVICE SIZE/OFF NODE NAME\nsnmpd 7 snmp 5u IPv4 808955 0t0 UDP *:51889\n";
    for marker in ["=======", "=======10:14:03=======", "==== Sat Nov 28 10:14:03 2026 ====", "====10:14:03===="] {
        let (told, reading) = told_as("lsof.txt", &format!("{listing}{marker}\n{listing}"));
        assert_eq!((reading.rows(), reading.unparsed(), reading.sections.len()), (2, 0, 1), "{marker}: {:?}", told.lines);
    }
    let (_, reading) = told_as("lsof.txt", &format!("{listing}==== after the restart at 10:14:03 ====\n{listing}"));
    assert_eq!(reading.unparsed(), 1);
}
