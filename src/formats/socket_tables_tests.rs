//! Every sample of the socket tables is read whole, and the tables of one host agree whichever tool and version printed them.

use super::reader::read_text;
use super::testing::told_bytes;
use crate::facts::*;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// The samples of formats, if they are there.
fn formats() -> Option<PathBuf> {
    let root = std::env::var_os("SOCKDIAG_SHARED").map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared"), PathBuf::from);
    let formats = root.join("formats");
    formats.is_dir().then_some(formats)
}

fn files(directory: &Path, wanted: impl Fn(&str) -> bool) -> Vec<(String, Vec<u8>)> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(directory).into_iter().flatten().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        if wanted(&name) {
            files.push((name, std::fs::read(entry.path()).expect("a sample can be read")));
        }
    }
    files.sort();
    files
}

/// What a tool can tell of a TCP socket, in a form that can be compared.
type TcpRow = (bool, &'static str, String, String, Option<u64>, Option<u64>, BTreeSet<(u32, Option<u32>)>);

#[derive(Default)]
struct Tcp {
    rows: Vec<TcpRow>,
    inodes: BTreeMap<u64, (String, String, &'static str)>,
}

impl Sink for Tcp {
    fn socket(&mut self, _at: At<'_>, s: &Socket<'_>) {
        let (true, Some(local), Some(remote)) = (s.protocol.is_tcp(), s.local, s.remote) else { return };
        let holders = s.holders.iter().map(|h| (h.pid, h.fd)).collect();
        self.rows.push((s.protocol == Protocol::Tcp6, s.state.word(), local.to_string(), remote.to_string(), s.recv_q, s.send_q, holders));
        if let Some(inode) = s.inode.filter(|&n| n != 0) {
            self.inodes.insert(inode, (local.to_string(), remote.to_string(), s.state.word()));
        }
    }
}

fn tcp(path: &str, text: &[u8]) -> Tcp {
    let mut tcp = Tcp::default();
    read_text(MemberId(0), path, text, &mut tcp);
    tcp.rows.sort();
    tcp
}

#[test]
fn every_sample_is_read_whole() {
    let Some(root) = formats() else { return };
    let tables = ["tcp", "tcp6", "udp", "udp6", "udplite", "raw", "raw6", "icmp", "icmp6"];
    let is_inet = |name: &str| tables.iter().any(|t| name.starts_with(&format!("net_{t}-")));
    let mut seen = 0;
    let mut check = |directory: &str, wanted: &dyn Fn(&str) -> bool, format: &str| {
        for (name, text) in files(&root.join(directory), wanted) {
            let path = format!("{directory}/{name}");
            let (told, reading) = told_bytes(&path, &text);
            assert_eq!((reading.format(), reading.unparsed()), (format, 0), "{path}: {:?}", reading.unknown);
            // A table that has rows gives as many facts as rows.
            let facts = told.lines.iter().filter(|l| l.starts_with("socket") || l.starts_with("counter protocols")).count() as u64;
            assert!(format == "ss-s" || facts == reading.rows(), "{path}: {facts} facts of {} rows", reading.rows());
            seen += 1;
        }
    };
    let is_summary = |name: &str| name.contains("-s.txt") || name.contains("-s-");
    check("ss", &is_summary, "ss-s");
    check("ss", &|name| !is_summary(name), "ss");
    check("netstat", &|name| !is_summary(name), "netstat");
    check("busybox", &|name| name.starts_with("netstat"), "netstat");
    check("proc", &is_inet, "proc-net-tcp");
    for table in ["unix", "netlink", "packet", "protocols"] {
        check("proc", &|name| name.starts_with(&format!("net_{table}-")), &format!("proc-net-{table}"));
    }
    assert!(seen > 120, "only {seen} samples were found");
}

#[test]
fn all_versions_of_ss_show_the_same_tcp_sockets() {
    let Some(root) = formats() else { return };
    let mut first: Option<(String, Vec<TcpRow>)> = None;
    // `-tanp` at any width and `-tanpeoim`; rows in UNCONN are listed since 6.8 only.
    for (name, text) in files(&root.join("ss"), |n| n.contains("-tanp")) {
        let rows: Vec<_> = tcp(&format!("ss/{name}"), &text).rows.into_iter().filter(|r| r.1 != "UNCONN").collect();
        if text.iter().filter(|&&b| b == b'\n').count() == 1 {
            // One sample is a header alone.
            continue;
        }
        assert!(rows.len() > 20, "{name}");
        match &first {
            None => first = Some((name, rows)),
            Some((other, want)) => assert_eq!(&rows, want, "{name} and {other} differ"),
        }
    }
    assert!(first.is_some());
}

#[test]
fn a_table_of_all_families_shows_the_same_tcp_sockets() {
    let Some(root) = formats() else { return };
    for version in ["3.10.0", "4.4.0", "4.15.0", "6.1.0", "7.3.0"] {
        let read = |variant: &str| {
            let name = format!("ss/{version}-{variant}.txt");
            let text = std::fs::read(root.join(&name)).expect("a sample");
            let rows = tcp(&name, &text).rows;
            rows.into_iter().filter(|r| r.1 != "UNCONN" && !r.3.ends_with(":53")).collect::<Vec<_>>()
        };
        assert_eq!(read("anp-full"), read("tanp"), "{version}");
    }
}

#[test]
fn all_versions_of_netstat_show_the_same_tcp_sockets() {
    let Some(root) = formats() else { return };
    // Queues of listeners are 0 in 1.60; addresses of IPv6 are cut in the same places by all.
    let plain = |row: TcpRow| (row.0, row.1, row.2, row.3, row.6);
    let read = |name: &str| {
        let text = std::fs::read(root.join("netstat").join(name)).expect("a sample");
        tcp(&format!("netstat/{name}"), &text).rows.into_iter().map(plain).collect::<Vec<_>>()
    };
    let want = read("2.10-natp.txt");
    assert!(want.len() > 20);
    for name in
        ["1.60-natp.txt", "head2026-natp.txt", "1.60-anpeo.txt", "2.10-anpeo.txt", "head2026-anpeo.txt", "2.10-natup.txt", "2.10-anp.txt"]
    {
        assert_eq!(read(name), want, "{name}");
    }
}

#[test]
fn ss_and_netstat_agree() {
    let Some(root) = formats() else { return };
    let read = |name: &str| tcp(name, &std::fs::read(root.join(name)).expect("a sample")).rows;
    let pids = |holders: &BTreeSet<(u32, Option<u32>)>| holders.iter().map(|h| h.0).collect::<BTreeSet<_>>();
    let plain = |row: &TcpRow| {
        let send_q = if row.1 == "LISTEN" { None } else { row.5 };
        (row.0, row.1, row.2.clone(), row.3.clone(), row.4, send_q, pids(&row.6))
    };
    // The connections that were being tried when ss ran had been given up when netstat did.
    let mut ss: Vec<_> = read("ss/6.1.0-tanp.txt").iter().filter(|row| row.1 != "SYN-SENT").map(plain).collect();
    let mut netstat: Vec<_> = read("netstat/2.10-natpW.txt").iter().map(plain).collect();
    ss.sort();
    netstat.sort();
    assert_eq!(ss, netstat);
}

#[test]
fn ss_netstat_and_proc_agree_by_inode() {
    let Some(root) = formats() else { return };
    let read = |name: &str| tcp(name, &std::fs::read(root.join(name)).expect("a sample")).inodes;
    // The tables of /proc were saved later on the same host: what lived through both must look the same in them.
    let mut proc = read("proc/net_tcp-k6.18.txt");
    proc.extend(read("proc/net_tcp6-k6.18.txt"));
    let netstat = read("netstat/2.10-anpeo.txt");
    let ss = read("ss/6.1.0-tanpeoim.txt");
    let common = |a: &BTreeMap<u64, (String, String, &'static str)>, b: &BTreeMap<u64, (String, String, &'static str)>| {
        let both: Vec<_> = a.iter().filter(|(inode, _)| b.contains_key(inode)).map(|(i, v)| (*i, v.clone())).collect();
        let cut = |v: &(String, String, &'static str)| v.0.starts_with("fe80") || v.0.starts_with("[fe80");
        for (inode, seen) in both.iter().filter(|(i, v)| !cut(v) && !cut(&b[i])) {
            assert_eq!(seen, &b[inode], "inode {inode}");
        }
        both.len()
    };
    assert!(common(&ss, &netstat) > 20);
    assert!(common(&ss, &proc) > 2);
    assert!(common(&netstat, &proc) > 2);
}

#[test]
fn no_damaged_sample_panics() {
    let Some(root) = formats() else { return };
    let mut random = 0x2545_f491_4f6c_dd1du64;
    let mut next = move |below: usize| {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (random >> 33) as usize % below.max(1)
    };
    let odd = b"\0\t\n \"(),:[]%/*-0123456789UuTt\xff";
    for directory in ["ss", "netstat", "busybox", "proc"] {
        for (name, text) in files(&root.join(directory), |n| n.contains("net") || directory == "ss" || directory == "netstat") {
            for _ in 0..6 {
                let start = next(text.len().saturating_sub(4000));
                let mut damaged: Vec<u8> = text.iter().skip(start).take(4000).copied().collect();
                for _ in 0..60 {
                    let at = next(damaged.len());
                    match next(3) {
                        0 => damaged.truncate(damaged.len().saturating_sub(next(40))),
                        1 if at < damaged.len() => drop(damaged.remove(at)),
                        _ if at < damaged.len() => damaged[at] = odd[next(odd.len())],
                        _ => {}
                    }
                }
                tcp(&format!("{directory}/{name}"), &damaged);
            }
        }
    }
}
