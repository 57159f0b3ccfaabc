//! Scope and double counting: whose numbers the books are, and each socket once.

use super::{Kind, Ledger};
use crate::capture::testing::read;

/// What `look` finds in the ledger of the members' snapshot.
pub(super) fn with<T>(members: &[(&str, &str)], look: impl Fn(&Ledger<'_>) -> T) -> T {
    let (sources, hosts) = crate::host::hosts(vec![read(members)]);
    let (source, host) = (sources.first().unwrap(), hosts.first().unwrap());
    look(&Ledger::reconcile(host.snapshot().unwrap(), &source.members, &source.names))
}

fn sockstat(used: u32, inuse: u32, alloc: u32) -> String {
    format!("sockets: used {used}\nTCP: inuse {inuse} orphan 0 tw 0 alloc {alloc} mem 1\nTCP6: inuse 0\n")
}

const LSOF: &str = "COMMAND PID USER FD TYPE DEVICE SIZE/OFF NODE NAME\n";

#[test]
fn counters_of_another_namespace_are_not_the_books() {
    let own = sockstat(500, 20, 400);
    let other = sockstat(7, 3, 400);
    let inuse = |l: &Ledger<'_>| l.books.inuse4.as_ref().map(|f| f.value);
    assert_eq!(with(&[("sockstat", &own), ("netns/4026532177/sockstat", &other)], inuse), Some(20));
    let mine = "lrwxrwxrwx 1 root root 0 Nov 22 14:19 net -> net:[4026532177]\n";
    let members = [("self/ns", mine), ("netns/4026532177/sockstat", own.as_str()), ("netns/4026532999/sockstat", other.as_str())];
    assert_eq!(with(&members, inuse), Some(20), "a collector lists its own namespace among the others");
}

#[test]
fn before_4_16_used_tells_nothing_of_other_namespaces() {
    let books = sockstat(100, 20, 4000);
    let foreign = |l: &Ledger<'_>| l.books.foreign.is_some();
    assert!(with(&[("sockstat", &books), ("uname", "Linux a 6.1.0-28-amd64 #1 SMP x86_64 GNU/Linux\n")], foreign));
    assert!(with(&[("sockstat", &books)], foreign));
    assert!(!with(&[("sockstat", &books), ("uname", "Linux a 3.10.0-1160.el7.x86_64 #1 SMP x86_64 GNU/Linux\n")], foreign));
}

#[test]
fn hostile_numbers_do_not_overflow() {
    let books = format!("sockets: used {0}\nTCP: inuse -{0} orphan {0} tw -{0} alloc {0} mem {0}\nTCP6: inuse -{0}\n", i64::MAX);
    let summary = format!("Total: {0}\nTCP:   -{0} (estab {0}, closed {0}, orphaned {0}, timewait {0})\nTCP\t -{0} {0} {0}\n", i64::MAX);
    // No machine has so many of anything: such numbers are not believed.
    assert!(with(&[("sockstat", &books)], |l| l.books.unhashed.is_none()));
    assert!(with(&[("ss-s", &summary)], |l| l.books.unhashed.is_none()));
    crate::checks::tests::every_check_survives(&[("sockstat", &books), ("ss-s", &summary)]);
}

#[test]
fn bound_sockets_that_ss_lists_are_in_no_connection_state_all_the_same() {
    let mut ss = String::from("State Recv-Q Send-Q Local Address:Port Peer Address:Port Process\n");
    let mut lsof = String::from(LSOF);
    for n in 0..60 {
        if n < 30 {
            ss.push_str(&format!("UNCONN 0 0 10.0.0.1:{} 0.0.0.0:* users:((\"java\",pid=7,fd={n})) ino:{} sk:1\n", 3000 + n, 500 + n));
        }
        lsof.push_str(&format!("java 7 apps {n}u sock 0,8 0t0 {} protocol: TCP\n", 500 + n));
    }
    let closed = with(&[("ss-tanpe", &ss), ("lsof", &lsof)], |l| l.holdings.get(&7).and_then(|h| h.count(Kind::Closed)));
    assert_eq!(closed.map(|c| c.0), Some(60));
}

#[test]
fn what_a_child_inherits_is_counted_once_and_by_its_kind() {
    let mut lsof = String::from(LSOF);
    for pid in [7, 8] {
        for n in 0..60 {
            lsof.push_str(&format!("httpd {pid} apps {n}u sock 0,8 0t0 {} protocol: TCP\n", 500 + n));
            lsof.push_str(&format!("httpd {pid} apps {}u sock 0,8 0t0 {} protocol: UDP\n", 100 + n, 900 + n));
        }
    }
    let count = |kind: Kind| with(&[("lsof", &lsof)], |l| l.piles.iter().find(|p| p.kind == kind).map(|p| p.count));
    assert_eq!((count(Kind::Closed), count(Kind::Udp)), (Some(60), Some(60)));
}

#[test]
fn rows_of_threads_only_are_no_count_of_descriptors() {
    let mut lsof = String::from("COMMAND PID TID TASKCMD USER FD TYPE DEVICE SIZE/OFF NODE NAME\n");
    for tid in 10..15 {
        lsof.push_str(&format!("java 7 {tid} worker apps 3u sock 0,8 0t0 500 protocol: TCP\n"));
    }
    let descriptors = with(&[("lsof", &lsof)], |l| l.holdings.get(&7).map(|h| h.descriptors.is_some()));
    assert_eq!(descriptors, Some(false));
}

#[test]
fn rows_that_repeat_are_no_duplicated_descriptors() {
    let row = |fd: u32| format!("java 7 u {fd}u sock 0,6 0t0 77 can't identify protocol\n");
    let duplicated = |l: &Ledger<'_>| l.holdings.get(&7).and_then(|h| h.duplicated.as_ref()).map(|d| d.descriptors);
    let same: String = (0..400).map(|_| row(5)).collect();
    assert_eq!(with(&[("lsof", &format!("{LSOF}{same}"))], duplicated), None);
    let other: String = (0..400).map(row).collect();
    assert_eq!(with(&[("lsof", &format!("{LSOF}{other}"))], duplicated), Some(400));
}

#[test]
fn what_workers_share_is_counted_once_whoever_shows_it() {
    let mut lsof = String::from(LSOF);
    for pid in 7..27 {
        lsof.push_str(&format!("nginx {pid} web 3u IPv4 900 0t0 TCP *:80 (LISTEN)\nnginx {pid} web 4u IPv4 {} 0t0 TCP 10.0.0.1:80->10.0.0.2:{} (ESTABLISHED)\n", 1000 + pid, 40_000 + pid));
    }
    // A listing of one worker that ties with the lsof of it and tells inodes only.
    let fd = "lrwx------ 1 web web 64 Nov 22 14:19 3 -> socket:[900]\nlrwx------ 1 web web 64 Nov 22 14:19 4 -> socket:[1007]\n";
    let ss = "State Recv-Q Send-Q Local Address:Port Peer Address:Port Process\nLISTEN 0 511 0.0.0.0:80 0.0.0.0:* users:((\"nginx\",pid=7,fd=3)) ino:900 sk:1\n";
    let counts = |l: &Ledger<'_>| {
        let of = |kind| {
            l.piles
                .iter()
                .filter(|p| p.kind == kind)
                .map(|p| (p.count, p.words.iter().map(|w| (w.source, w.count)).collect::<Vec<_>>()))
                .collect::<Vec<_>>()
        };
        (of(Kind::Listen), of(Kind::Established))
    };
    let (listen, established) = with(&[("lsof", &lsof), ("proc/7/fd", fd), ("ss", ss)], counts);
    assert_eq!(listen, [(1, vec![("lsof", 1), ("ss", 1)])]);
    assert_eq!(established, [(20, vec![("lsof", 20)])], "each worker's own, by what lsof shows of all of them");
}

#[test]
fn a_table_of_unix_sockets_has_their_peers_too() {
    let mut fd = String::new();
    let mut unix = String::from("Num       RefCount Protocol Flags    Type St Inode Path\n");
    for n in 0..300 {
        unix.push_str(&format!("0000000000000000: 00000003 00000000 00000000 0001 03 {} \n", 5000 + n));
        fd.push_str(&format!("lrwx------ 1 a a 64 Nov 22 14:19 {} -> socket:[{}]\n", 10 + n, 5000 + n));
        fd.push_str(&format!("lrwx------ 1 a a 64 Nov 22 14:19 {} -> socket:[{}]\n", 400 + n, 7000 + n));
    }
    let tcp = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4000 1 0000000000000000 100 0 0 10 0\n";
    let members = [("proc/7/fd", fd.as_str()), ("net_unix", &unix), ("net_tcp", tcp), ("sockstat", &sockstat(620, 1, 301))];
    assert_eq!(with(&members, |l| (l.books.held_unhashed(), l.piles.iter().any(|p| p.foreign.is_some()))), (Some(300), false));
}

#[test]
fn copies_are_of_what_is_copied_and_not_of_the_journal() {
    let mut fd = String::from("lrwx------ 1 a a 64 Nov 22 14:19 1 -> socket:[600]\nlrwx------ 1 a a 64 Nov 22 14:19 2 -> socket:[600]\n");
    (3..203).for_each(|n| fd.push_str(&format!("lrwx------ 1 a a 64 Nov 22 14:19 {n} -> socket:[700]\n")));
    let tcp = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n   0: 0100007F:9F90 0200007F:0CEA 01 00000000:00000000 00:00000000 00000000     0        0 700 1 0000000000000000 100 0 0 10 0\n";
    let unix = "Num       RefCount Protocol Flags    Type St Inode Path\n0000000000000000: 00000003 00000000 00000000 0001 03 600 \n";
    let copied = |l: &Ledger<'_>| {
        let found = l.holdings.get(&7).and_then(|h| h.duplicated.as_ref()).unwrap();
        (found.descriptors, found.sockets, found.kind, found.quote.text().contains("socket:[700]"))
    };
    let members = [("proc/7/fd", fd.as_str()), ("net_unix", unix), ("net_tcp", tcp)];
    assert_eq!(with(&members, copied), (200, 1, Some(Kind::Established), true));
}
