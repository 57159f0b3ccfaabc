//! What holds of every ledger, over hosts made at random: no socket is counted twice, the books balance, and order means nothing.

use proptest::prelude::*;
use sockdiag::bundle::{MemberEnd, MemberHead, Visitor, Walked};
use sockdiag::capture::Intake;
use sockdiag::config::Thresholds;
use sockdiag::diagnosis::Diagnosis;
use sockdiag::ledger::Kind;
use sockdiag::signatures::Signatures;
use std::collections::{BTreeMap, BTreeSet};

/// Kinds of sockets that a process may hold, in the order of [`Made::held`].
const KINDS: [Kind; 4] = [Kind::Closed, Kind::CloseWait, Kind::Established, Kind::Unix];

/// A host made at random.
#[derive(Clone, Debug)]
struct Made {
    /// How many sockets of each kind each process holds.
    held: Vec<[u32; 4]>,
    /// How many of its sockets the first process shares with the second.
    shared: u32,
    /// Which sources were captured: lsof, ss, sockstat.
    sources: [bool; 3],
}

/// A socket with whoever holds it.
struct Socket {
    kind: Kind,
    inode: u32,
    holders: Vec<(u32, u32)>,
}

/// What is compared of a diagnosis: nothing that names a line.
type Meaning = (String, Option<i64>, BTreeMap<(Vec<u32>, Kind), u64>, BTreeSet<(String, Vec<u32>, Option<u64>)>);

fn made() -> impl Strategy<Value = Made> {
    let counts = prop_oneof![3 => Just(0u32), 3 => 1..30u32, 1 => 30..400u32];
    let process = [counts.clone(), counts.clone(), counts.clone(), counts];
    (prop::collection::vec(process, 3..8), 0..40u32, [any::<bool>(), any::<bool>(), any::<bool>()])
        .prop_map(|(held, shared, sources)| Made { held, shared, sources: if sources == [false; 3] { [true; 3] } else { sources } })
}

impl Made {
    fn sockets(&self) -> Vec<Socket> {
        let mut all = Vec::new();
        let mut fds = vec![3u32; self.held.len()];
        for (n, held) in self.held.iter().enumerate() {
            for (&kind, &count) in KINDS.iter().zip(held) {
                for _ in 0..count {
                    all.push(Socket { kind, inode: 100_000 + all.len() as u32, holders: vec![(pid(n), fds[n])] });
                    fds[n] += 1;
                }
            }
        }
        for socket in all.iter_mut().filter(|s| s.holders[0].0 == pid(0)).take(self.shared as usize) {
            socket.holders.push((pid(1), fds[1]));
            fds[1] += 1;
        }
        all
    }

    /// The members, each a head that stays and rows that may come in any order.
    fn members(&self) -> Vec<(&'static str, String, Vec<String>)> {
        let sockets = self.sockets();
        let mut members = Vec::new();
        if self.sources[0] {
            let head = "COMMAND PID USER FD TYPE DEVICE SIZE/OFF NODE NAME\n".to_string();
            // Every process has some descriptor, or it would not be listed.
            let mut rows: Vec<String> =
                (0..self.held.len()).map(|n| format!("prog{n} {} app 0u CHR 1,3 0t0 6 /dev/null\n", pid(n))).collect();
            rows.extend(sockets.iter().flat_map(|s| s.holders.iter().map(|h| lsof(s, *h))));
            members.push(("lsof.txt", head, rows));
        }
        if self.sources[1] {
            let head = "Netid State Recv-Q Send-Q Local Address:Port Peer Address:Port Process\n".to_string();
            members.push(("ss.txt", head, sockets.iter().filter_map(ss).collect()));
        }
        if self.sources[2] {
            let of = |kind| sockets.iter().filter(|s| s.kind == kind).count();
            let hashed = of(Kind::CloseWait) + of(Kind::Established);
            // Each unix socket has a peer that nobody lists.
            let (used, alloc) = (sockets.len() + of(Kind::Unix), hashed + of(Kind::Closed));
            let text = format!("sockets: used {used}\nTCP: inuse {hashed} orphan 0 tw 0 alloc {alloc} mem 1\nUDP: inuse 0 mem 0\n");
            members.push(("sockstat", text, Vec::new()));
            members.push(("sockstat6", "TCP6: inuse 0\nUDP6: inuse 0\n".to_string(), Vec::new()));
        }
        members
    }
}

fn pid(n: usize) -> u32 {
    1000 + n as u32 * 7
}

fn ends(s: &Socket) -> (String, String) {
    (format!("10.0.0.1:{}", s.inode % 50_000 + 1024), format!("10.0.1.{}:5432", s.inode % 5 + 1))
}

fn lsof(s: &Socket, (pid, fd): (u32, u32)) -> String {
    let program = (pid - 1000) / 7;
    let (local, remote) = ends(s);
    let inode = s.inode;
    let rest = match s.kind {
        Kind::CloseWait => format!("IPv4 {inode} 0t0 TCP {local}->{remote} (CLOSE_WAIT)"),
        Kind::Established => format!("IPv4 {inode} 0t0 TCP {local}->{remote} (ESTABLISHED)"),
        Kind::Unix => format!("unix 0xffff8800 0t0 {inode} type=STREAM"),
        _ => format!("sock 0,8 0t0 {inode} protocol: TCP"),
    };
    format!("prog{program} {pid} app {fd}u {rest}\n")
}

fn ss(s: &Socket) -> Option<String> {
    let users: Vec<String> = s.holders.iter().map(|(pid, fd)| format!("(\"prog{}\",pid={pid},fd={fd})", (pid - 1000) / 7)).collect();
    let (local, remote) = ends(s);
    let users = users.join(",");
    Some(match s.kind {
        Kind::CloseWait => format!("tcp CLOSE-WAIT 1 0 {local} {remote} users:({users}) ino:{} sk:1\n", s.inode),
        Kind::Established => format!("tcp ESTAB 0 0 {local} {remote} users:({users}) ino:{} sk:1\n", s.inode),
        Kind::Unix => format!("u_str ESTAB 0 0 * {} * {} users:({users})\n", s.inode, s.inode + 500_000),
        _ => return None,
    })
}

fn diagnose(members: &[(&str, String, Vec<String>)]) -> Diagnosis {
    let mut intake = Intake::new(Signatures::builtin(), None);
    for (path, head, rows) in members {
        intake.begin(&MemberHead { path: path.to_string(), size: None, modified: None });
        intake.data(format!("{head}{}", rows.concat()).as_bytes());
        intake.end(MemberEnd::Whole);
    }
    sockdiag::diagnose_read(vec![intake.finish("capture", Walked::default())], &Thresholds::default())
}

fn meaning(diagnosis: &Diagnosis) -> Meaning {
    let report = diagnosis.reports.first().expect("one host");
    let sorted = |pids: &[(u32, u64)]| {
        let mut pids: Vec<u32> = pids.iter().map(|p| p.0).collect();
        pids.sort_unstable();
        pids
    };
    let piles = report.piles.iter().map(|p| ((p.owner.as_ref().map_or(Vec::new(), |o| sorted(&o.pids)), p.kind), p.count)).collect();
    let found = diagnosis
        .findings
        .iter()
        .map(|f| (f.claim.code.to_string(), f.claim.owner.as_ref().map_or(Vec::new(), |o| sorted(&o.pids)), f.claim.count));
    (diagnosis.verdict.word().to_string(), report.unexplained, piles, found.collect())
}

/// Numbers for a shuffle that depends on nothing but a seed.
fn shuffle<T>(items: &mut [T], mut seed: u64) {
    for n in (1..items.len()).rev() {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        items.swap(n, (seed >> 33) as usize % (n + 1));
    }
}

/// How many hosts are made: `PROPTEST_CASES`, or as many as take some seconds.
fn cases() -> u32 {
    std::env::var("PROPTEST_CASES").ok().and_then(|n| n.parse().ok()).unwrap_or(60)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), ..ProptestConfig::default() })]

    /// Whoever shows a socket, and however many hold it, it is one.
    #[test]
    fn no_socket_is_counted_twice(made in made()) {
        let diagnosis = diagnose(&made.members());
        let sockets = made.sockets();
        for kind in KINDS {
            let piles = diagnosis.reports[0].piles.iter().filter(|p| p.kind == kind);
            let counted: u64 = piles.clone().map(|p| p.count).sum();
            // A socket that two processes hold may stand in the piles of both, since each must close it.
            let truth: u64 = sockets.iter().filter(|s| s.kind == kind).map(|s| s.holders.len() as u64).sum();
            prop_assert!(counted <= truth, "{kind:?}: {counted} of {truth} in {:?}", made.sources);
            for pile in piles.filter(|p| p.owner.is_some()) {
                let pids: Vec<u32> = pile.owner.as_ref().map_or(Vec::new(), |o| o.pids.iter().map(|p| p.0).collect());
                let own = sockets.iter().filter(|s| s.kind == kind && s.holders.iter().any(|h| pids.contains(&h.0))).count() as u64;
                prop_assert!(pile.count <= own, "{kind:?} of {pids:?}: {} of {own}", pile.count);
            }
        }
    }

    /// Where all was captured, each process has what it has, and nothing is left over.
    #[test]
    fn the_books_balance(made in made()) {
        let made = Made { sources: [true; 3], shared: 0, ..made };
        let diagnosis = diagnose(&made.members());
        let report = &diagnosis.reports[0];
        prop_assert_eq!(report.unexplained, Some(0));
        for (n, held) in made.held.iter().enumerate() {
            for (kind, &count) in KINDS.iter().zip(held) {
                let pile = report.piles.iter().find(|p| p.kind == *kind && p.owner.as_ref().is_some_and(|o| o.has(pid(n))));
                prop_assert_eq!(pile.map_or(0, |p| p.count), u64::from(count), "{:?} of {}", kind, pid(n));
            }
        }
    }

    /// Rows and members in another order mean the same.
    #[test]
    fn order_means_nothing(made in made(), seed in any::<u64>()) {
        let mut members = made.members();
        let first = meaning(&diagnose(&members));
        members.iter_mut().for_each(|m| shuffle(&mut m.2, seed));
        prop_assert_eq!(&first, &meaning(&diagnose(&members)), "rows");
        shuffle(&mut members, seed);
        prop_assert_eq!(&first, &meaning(&diagnose(&members)), "members");
    }
}
