//! Captures that are worse than the sample: a member gone or cut, names lost, rows in another order, a busy neighbour.
//!
//! With less to go by the verdict may weaken. It must never turn on somebody else, on sockets of another kind, or on a healthy host; and one source alone never makes
//! a leaking host healthy.

mod sample;

use sample::{Member, Sample};
use sockdiag::causes::Class;
use sockdiag::diagnosis::{Diagnosis, Grade, Verdict};
use sockdiag::ledger::{Kind, Owner};
use std::collections::BTreeSet;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Bytes of a sample from which only a few mutations are tried, so that the whole takes little more than a minute without optimisation.
const LARGE: usize = 1 << 20;

/// Bytes of a member from which it is cut at two places rather than one; below the second it is cut nowhere, for it is only a few lines.
const LONG: usize = 8 << 10;
const SHORT: usize = 256;

/// The mutation of a narrow terminal.
const BROKEN: &str = "lines broken at 80 columns";

/// That of a window that shows no more, as `less -S` and `cut -c` do.
const NARROW: &str = "lines cut at 80 columns";

/// What is left of long tables in a window: their ends, without a header.
const ENDS: &str = "the last 100 lines of each table";

/// A leak that a diagnosis claims, and stands by: a weak claim is a question.
#[derive(Clone, Debug)]
struct Accused {
    kind: Option<Kind>,
    owner: Option<Owner>,
}

/// A capture that was changed, and how.
struct Mutation {
    what: String,
    members: Vec<Member>,
}

#[test]
fn a_worse_capture_accuses_nobody_else() {
    let samples = sample::all();
    let next = AtomicUsize::new(0);
    let wrong = Mutex::new(Vec::new());
    let work = || {
        while let Some(sample) = samples.get(next.fetch_add(1, Ordering::Relaxed)) {
            let found = violations(sample);
            wrong.lock().expect("no test thread panics").extend(found);
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(work);
        }
    });
    let mut wrong = wrong.into_inner().expect("no test thread panics");
    wrong.sort();
    let wrong: Vec<String> = wrong.iter().map(|(sample, what, why)| format!("{sample}, {what}: {why}")).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The order of members is the accident of whoever packed them.
#[test]
fn the_order_of_members_changes_no_finding() {
    for sample in sample::all() {
        let mut members = sample.members();
        let before = sample::diagnose(&members);
        members.reverse();
        let after = sample::diagnose(&members);
        let codes = |d: &Diagnosis| d.findings.iter().map(|f| (f.claim.code, f.claim.count, f.grade.grade)).collect::<Vec<_>>();
        assert_eq!(codes(&before), codes(&after), "{}", sample.name);
        assert_eq!(before.verdict, after.verdict, "{}", sample.name);
    }
}

/// A mutation that does nothing proves nothing.
#[test]
fn mutations_do_what_they_say() {
    let members = Sample::open("connect-failed-not-closed").members();
    let all = mutations(&members);
    assert!(all.len() > 2 * members.len(), "{}", all.len());
    for mutation in &all {
        assert_ne!(mutation.members, members, "{}", mutation.what);
    }
    let older = all.iter().find(|m| m.what == "output of older tools").expect("the sample is of newer ones");
    assert!(older.members.iter().any(|m| String::from_utf8_lossy(&m.text).contains("can't identify protocol")));
    let neighbour = sample::diagnose(&with_neighbour(&members));
    let piles = || neighbour.reports.iter().flat_map(|r| r.piles.iter());
    let busy = piles().find(|p| p.held_by(77777)).expect("the neighbour is seen");
    assert_eq!((busy.count, busy.kind), (320, Kind::Established));
    let words: Vec<&str> = busy.words.iter().map(|w| w.source).collect();
    assert!(words.contains(&"lsof") && words.contains(&"ss"), "{words:?}");
    assert!(shuffled(&members).iter().zip(&members).filter(|(a, b)| a.text != b.text).count() >= 2);
}

/// The sample, the mutation and what is wrong with what is said then.
fn violations(sample: &Sample) -> Vec<(String, String, String)> {
    let members = sample.members();
    let original = sample::diagnose(&members);
    let mut out = Vec::new();
    for mutation in mutations(&members) {
        let diagnosis = sample::diagnose(&mutation.members);
        // One source of many says too little for health.
        let alone = mutation.what.ends_with(" alone") && members.len() > 1 && original.reports.len() == 1;
        let silent = alone || [BROKEN, NARROW, ENDS].contains(&mutation.what.as_str());
        if silent && original.verdict == Verdict::Leak && diagnosis.verdict == Verdict::Healthy {
            out.push((sample.name.clone(), mutation.what.clone(), format!("a leak became: {}", diagnosis.headline)));
        }
        if let Some(why) = flipped(sample, &original, &diagnosis) {
            out.push((sample.name.clone(), mutation.what, why));
        }
    }
    out
}

/// How a diagnosis turned on somebody else, if it did.
fn flipped(sample: &Sample, original: &Diagnosis, mutated: &Diagnosis) -> Option<String> {
    if original.verdict != Verdict::Leak && mutated.verdict == Verdict::Leak {
        return Some(format!("{} became: {}", original.verdict.word(), mutated.headline));
    }
    // Like a weak claim of anybody else: a question, as long as the verdict is one.
    let sure = mutated.verdict == Verdict::Leak || accused(mutated, false).iter().any(|a| a.owner.is_some());
    if let Some(blamed) = sample::false_claims(&sample.expect, mutated).into_iter().find(|c| sure && c.contains("is blamed for")) {
        return Some(format!("{blamed}: {}", mutated.headline));
    }
    let guilty = accused(original, true);
    let stranger = accused(mutated, false).into_iter().find(|a| !guilty.iter().any(|g| g.covers(a)))?;
    (original.verdict == Verdict::Leak).then(|| {
        let owner = stranger.owner.as_ref().map_or("nobody known".to_string(), Owner::named);
        format!("accuses {owner} of {}: {}", stranger.kind.map_or("-", |k| k.word()), mutated.headline)
    })
}

/// What a diagnosis accuses of leaking; `weak` tells whether a weak claim counts.
fn accused(diagnosis: &Diagnosis, weak: bool) -> Vec<Accused> {
    let leaks = diagnosis.findings.iter().filter(|f| f.claim.class == Class::Leak && (weak || f.grade.grade > Grade::Weak));
    leaks.map(|f| Accused { kind: f.claim.kind, owner: f.claim.owner.clone() }).collect()
}

impl Accused {
    /// Whether the other is the same, or the same seen less clearly: the process unknown, the protocol untold.
    fn covers(&self, other: &Accused) -> bool {
        let same_kind = self.kind == other.kind || other.kind == Some(Kind::Unidentified);
        let same_process = match (&self.owner, &other.owner) {
            (_, None) => true,
            (Some(a), Some(b)) => a.pids.iter().any(|&(pid, _)| b.has(pid)) || sample::is_command(&a.command, &b.command),
            (None, Some(_)) => false,
        };
        same_kind && same_process
    }
}

/// The mutations of a capture.
fn mutations(members: &[Member]) -> Vec<Mutation> {
    let older = of_older_tools(members);
    let old = (older != members).then(|| Mutation { what: "output of older tools".to_string(), members: older });
    let mut out = vec![
        Mutation { what: "names lost".to_string(), members: without_names(members) },
        Mutation { what: "rows shuffled".to_string(), members: shuffled(members) },
        Mutation { what: "a busy neighbour".to_string(), members: with_neighbour(members) },
        Mutation { what: BROKEN.to_string(), members: broken(members) },
        Mutation { what: NARROW.to_string(), members: narrow(members) },
    ];
    let ends = ends(members);
    out.extend((ends != members).then(|| Mutation { what: ENDS.to_string(), members: ends }));
    out.extend(old);
    if members.iter().map(|m| m.text.len()).sum::<usize>() > LARGE {
        return out;
    }
    for (n, member) in members.iter().enumerate() {
        let mut fewer = members.to_vec();
        fewer.remove(n);
        if !fewer.is_empty() {
            out.push(Mutation { what: format!("without {}", member.path), members: fewer });
        }
        out.push(Mutation { what: format!("{} alone", member.path), members: vec![member.clone()] });
        for (share, text) in cuts(&member.text) {
            let mut cut = members.to_vec();
            cut[n].text = text;
            out.push(Mutation { what: format!("{} cut at {share} %", member.path), members: cut });
        }
    }
    out
}

/// What lsof before 4.87 and ss before iproute2 4.0 would have printed: no protocol of sockets in no table, holders without `pid=` and `fd=`.
fn of_older_tools(members: &[Member]) -> Vec<Member> {
    let formats = formats(members);
    let mut out = members.to_vec();
    for (member, format) in out.iter_mut().zip(&formats) {
        let text = String::from_utf8_lossy(&member.text).into_owned();
        let older = match format.as_str() {
            "lsof" => text.replace("protocol: TCPv6", "can't identify protocol").replace("protocol: TCP", "can't identify protocol"),
            "ss" => text.replace(",pid=", ",").replace(",fd=", ","),
            _ => continue,
        };
        if older != text {
            member.text = older.into_bytes();
        }
    }
    out
}

/// Lines as a terminal of 80 columns breaks them.
fn broken(members: &[Member]) -> Vec<Member> {
    let lines = |text: &[u8]| {
        let parts = text.split_inclusive(|&b| b == b'\n').flat_map(|line| line.chunks(80));
        parts.map(|part| if part.ends_with(b"\n") { part.to_vec() } else { [part, b"\n"].concat() }).collect::<Vec<_>>().concat()
    };
    members
        .iter()
        .map(|m| Member { path: m.path.clone(), text: if m.text.contains(&0) { m.text.clone() } else { lines(&m.text) } })
        .collect()
}

/// Lines of which 80 bytes are left.
fn narrow(members: &[Member]) -> Vec<Member> {
    let cut = |text: &[u8]| {
        text.split_inclusive(|&b| b == b'\n').flat_map(|l| if l.len() > 81 { [&l[..80], b"\n"].concat() } else { l.to_vec() }).collect()
    };
    members.iter().map(|m| Member { path: m.path.clone(), text: if m.text.contains(&0) { m.text.clone() } else { cut(&m.text) } }).collect()
}

/// The last lines of tables; a member that begins with a prompt is left as it is.
fn ends(members: &[Member]) -> Vec<Member> {
    let tables = formats(members);
    let mut out = members.to_vec();
    for (member, format) in out.iter_mut().zip(&tables) {
        let lines: Vec<&[u8]> = member.text.split_inclusive(|&b| b == b'\n').collect();
        if ["lsof", "ss", "netstat", "proc-net-tcp"].contains(&format.as_str()) && lines.len() > 101 && lines[0].len() > 40 {
            member.text = lines[lines.len() - 100..].concat();
        }
    }
    out
}

/// `a.txt`, `b.txt` and so on, in the order of the capture. Where several samples hold files of the same names, each keeps its directory.
fn without_names(members: &[Member]) -> Vec<Member> {
    let leaf = |path: &str| path.rsplit('/').next().unwrap_or(path).to_string();
    let leaves: BTreeSet<String> = members.iter().map(|m| leaf(&m.path)).collect();
    let name = |n: usize, path: &str| {
        let root = path.split_once('/').filter(|_| leaves.len() < members.len()).map_or(String::new(), |(root, _)| format!("{root}/"));
        format!("{root}{}{}.txt", if n < 26 { "" } else { "z" }, char::from(b'a' + (n % 26) as u8))
    };
    members.iter().enumerate().map(|(n, m)| Member { path: name(n, &m.path), text: m.text.clone() }).collect()
}

/// A text cut after a line, with the percentage.
fn cuts(text: &[u8]) -> Vec<(usize, Vec<u8>)> {
    let shares: &[usize] = match text.len() {
        0..SHORT => &[],
        SHORT..LONG => &[50],
        _ => &[30, 70],
    };
    let cut = |share: usize| {
        let end = text[..text.len() * share / 100].iter().rposition(|&b| b == b'\n').map_or(0, |n| n + 1);
        (share, text[..end].to_vec())
    };
    shares.iter().map(|&s| cut(s)).filter(|(_, t)| !t.is_empty()).collect()
}

/// Tables with their rows in another order, their headers where they were.
fn shuffled(members: &[Member]) -> Vec<Member> {
    let formats = formats(members);
    let mut out = members.to_vec();
    for (member, format) in out.iter_mut().zip(&formats) {
        let header = match format.as_str() {
            "lsof" | "ss" | "fd" | "ps" => 1,
            "netstat" => 2,
            _ => continue,
        };
        // Rows of `ss -i` are two lines each; a paste holds more than a table.
        if member.text.windows(2).any(|w| w == b"\n\t") || member.text.windows(2).any(|w| w == b"$ ") {
            continue;
        }
        let mut lines: Vec<&[u8]> = member.text.split_inclusive(|&b| b == b'\n').collect();
        // A fixed multiplicative walk: the same shuffle each time.
        let rows = lines.split_off(header.min(lines.len()));
        let mut order: Vec<usize> = (0..rows.len()).collect();
        order.sort_by_key(|n| (*n as u64 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15));
        lines.extend(order.into_iter().map(|n| rows[n]));
        member.text = lines.concat();
    }
    out
}

/// 320 live connections of a healthy proxy that nobody thought of, in the tables that have holders.
fn with_neighbour(members: &[Member]) -> Vec<Member> {
    let formats = formats(members);
    let mut out = members.to_vec();
    for (member, format) in out.iter_mut().zip(&formats) {
        let head = String::from_utf8_lossy(&member.text[..member.text.len().min(4096)]).into_owned();
        let row: fn(usize, bool) -> String = match format.as_str() {
            "lsof" if head.starts_with("COMMAND") => lsof_row,
            "ss" if head.contains("users:((") && !head.contains("\n\t") && head.starts_with("State") && head.contains("\nLISTEN") => ss_row,
            _ => continue,
        };
        let variant = if format == "lsof" { head.lines().next().is_some_and(|l| l.contains("TID")) } else { head.contains("pid=") };
        for n in 0..320 {
            member.text.extend_from_slice(row(n, variant).as_bytes());
        }
    }
    out
}

fn lsof_row(n: usize, has_tid: bool) -> String {
    let tid = if has_tid { "               " } else { "" };
    let inode = 99_000_000 + n;
    format!(
        "proxyd    77777 {tid} nobody {:>4}u     IPv4           {inode}      0t0      TCP 10.9.9.1:8443->10.9.8.{}:{} (ESTABLISHED)\n",
        n + 9,
        n % 200,
        40_000 + n
    )
}

fn ss_row(n: usize, names_pid: bool) -> String {
    let (fd, inode) = (n + 9, 99_000_000 + n);
    let users = if names_pid { format!("(\"proxyd\",pid=77777,fd={fd})") } else { format!("(\"proxyd\",77777,{fd})") };
    format!("ESTAB      0      0      10.9.9.1:8443      10.9.8.{}:{} users:({users}) ino:{inode} sk:{n}\n", n % 200, 40_000 + n)
}

/// The format each member was read as.
fn formats(members: &[Member]) -> Vec<String> {
    sample::read(members).members.iter().map(|m| m.reading.format().to_string()).collect()
}
