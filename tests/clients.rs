//! Connections of a client and of its server: which end has forgotten them, told by what both show.

mod sample;

use sample::{Member, diagnose};
use sockdiag::diagnosis::{Diagnosis, Verdict};

fn member(path: &str, text: &str) -> Member {
    Member { path: path.to_string(), text: text.as_bytes().to_vec() }
}

fn rows(count: usize, row: impl Fn(usize) -> String) -> String {
    (0..count).map(row).collect()
}

const NETSTAT: &str =
    "Active Internet connections (servers and established)\nProto Recv-Q Send-Q Local Address Foreign Address State PID/Program name\n";
const SS: &str = "State Recv-Q Send-Q Local Address:Port Peer Address:Port Process\n";

fn limits(pid: u32, soft: u32) -> Member {
    let head = "Limit                     Soft Limit           Hard Limit           Units\n";
    member(&format!("proc/{pid}/limits"), &format!("{head}Max open files            {soft}                 {soft}                 files\n"))
}

/// The first finding's code and process, where it is a leak.
fn leak(told: &Diagnosis) -> Option<(&str, u32)> {
    let first = told.findings.first().filter(|_| told.verdict == Verdict::Leak)?;
    Some((first.claim.code, first.claim.owner.as_ref()?.pids.first()?.0))
}

/// A store on one port with as many connections of one local client, and others from elsewhere.
fn both_ends(own: usize, others: usize, proxied: usize) -> Diagnosis {
    let listen = "tcp 0 0 127.0.0.1:7100 0.0.0.0:* LISTEN 51/stored\ntcp 0 0 0.0.0.0:443 0.0.0.0:* LISTEN 77/asker\n";
    let pairs = rows(own, |n| {
        let port = 33_000 + n;
        format!(
            "tcp 0 0 127.0.0.1:7100 127.0.0.1:{port} ESTABLISHED 51/stored\ntcp 0 0 127.0.0.1:{port} 127.0.0.1:7100 ESTABLISHED 77/asker\n"
        )
    });
    let others = rows(others, |n| format!("tcp 0 0 127.0.0.1:7100 127.0.0.1:{} ESTABLISHED 51/stored\n", 50_000 + n));
    let proxied = rows(proxied, |n| format!("tcp 0 0 10.0.0.5:443 10.8.{}.1:{} ESTABLISHED 77/asker\n", n / 200, 40_000 + n));
    diagnose(&[member("netstat.txt", &format!("{NETSTAT}{listen}{pairs}{others}{proxied}")), limits(51, 1024), limits(77, 65_536)])
}

#[test]
fn a_server_is_full_of_one_local_client() {
    assert_eq!(leak(&both_ends(1000, 0, 0)), Some(("pool-unbounded", 77)));
    assert_ne!(both_ends(1000, 0, 1000).verdict, Verdict::Leak, "a proxy has as many from its clients");
    assert_ne!(both_ends(300, 700, 0).verdict, Verdict::Leak, "most are of others");
}

/// The descriptors of a client, all but a few connections to so many ends.
fn one_table(ends: usize, soft: u32) -> Diagnosis {
    let listed = rows(1015, |n| {
        format!("asker 77 svc {}u IPv4 {} 0t0 TCP 10.0.0.5:{}->10.9.0.{}:5671 (ESTABLISHED)\n", n + 9, 7000 + n, 33_000 + n, n % ends)
    });
    let head = "COMMAND PID USER FD TYPE DEVICE SIZE/OFF NODE NAME\n";
    let files = rows(9, |n| format!("asker 77 svc {n}u REG 8,1 0 {n} /srv/{n}\n"));
    diagnose(&[member("lsof.txt", &format!("{head}{files}{listed}")), limits(77, soft)])
}

#[test]
fn a_client_is_full_of_its_own_connections_to_one_end() {
    assert_eq!(leak(&one_table(1, 1024)), Some(("pool-unbounded", 77)));
    assert_ne!(one_table(250, 1024).verdict, Verdict::Leak, "a few to each of many ends");
    assert_ne!(one_table(1, 65_536).verdict, Verdict::Leak, "there is room");
}

#[test]
fn no_pool_keeps_what_was_silent_for_an_hour() {
    let with = |count: usize, idle: usize| {
        let table = rows(count, |n| {
            format!(
                "ESTAB 0 0 10.0.0.5:{} 10.9.0.2:6443 users:((\"asker\",pid=77,fd={})) ino:{} sk:{n}\n\t cubic lastsnd:{idle} lastrcv:{idle} lastack:80\n",
                33_000 + n,
                n + 5,
                9000 + n * 40
            )
        });
        diagnose(&[member("ss-tanpoei.txt", &format!("{SS}{table}"))])
    };
    assert_eq!(leak(&with(900, 9_000_000)), Some(("pool-unbounded", 77)));
    assert_ne!(with(900, 20_000).verdict, Verdict::Leak, "used a moment ago");
    assert_ne!(with(120, 9_000_000).verdict, Verdict::Leak, "a pool of a hundred");
}

/// A server's table with connections of a client, and that client's own, which has the first of them and others.
fn two_hosts(at_server: usize, at_client: usize, others: usize, filter: &str) -> Diagnosis {
    let server = rows(at_server, |n| format!("tcp 0 0 10.5.0.9:7200 10.5.3.2:{} ESTABLISHED 51/stored\n", 20_000 + n));
    let listen = "tcp 0 0 0.0.0.0:7200 0.0.0.0:* LISTEN 51/stored\n";
    let ports = (20_000..20_000 + at_client).chain(50_000..50_000 + others);
    let client: String = ports.map(|port| format!("tcp 0 0 10.5.3.2:{port} 10.5.0.9:7200 ESTABLISHED 77/asker\n")).collect();
    diagnose(&[
        member("store/netstat.txt", &format!("[root@store ~]# netstat -antp\n{NETSTAT}{listen}{server}")),
        member("app/netstat.txt", &format!("[root@app ~]# netstat -antp{filter}\n{NETSTAT}{client}")),
    ])
}

#[test]
fn clients_that_are_gone_without_a_word() {
    let gone = two_hosts(300, 2, 0, "");
    assert_eq!(leak(&gone), Some(("idle-not-reaped", 51)), "{}", gone.headline);
    assert_eq!(leak(&two_hosts(300, 2, 0, " | grep 7200")), Some(("idle-not-reaped", 51)));
    assert_ne!(two_hosts(300, 290, 0, "").verdict, Verdict::Leak, "both have them");
    assert_ne!(two_hosts(300, 2, 200, "").verdict, Verdict::Leak, "of different moments");
    assert_ne!(two_hosts(300, 2, 0, " | head -5").verdict, Verdict::Leak, "the first rows");
    assert_ne!(two_hosts(300, 2, 0, " | grep asker").verdict, Verdict::Leak, "one program's");
}

/// Connections that a client opened and its server closed, with so many bytes unread, beside live ones.
fn half_closed(count: usize, unread: usize, live: usize) -> Diagnosis {
    let row = |state: &str, unread: usize, n: usize| {
        format!("{state} {unread} 0 10.0.0.5:{} 10.9.0.2:5666 users:((\"asker\",pid=77,fd={}))\n", 33_000 + n, n + 5)
    };
    let closed = rows(count, |n| row("CLOSE-WAIT", unread, n));
    let live = rows(live, |n| row("ESTAB", 0, n + 5000));
    diagnose(&[member("ss-tanp.txt", &format!("{SS}{closed}{live}"))])
}

#[test]
fn a_few_that_a_client_does_not_use_are_a_question() {
    let asked = |told: &Diagnosis| told.findings.iter().any(|f| f.claim.code == "peer-closed-not-closed");
    assert!(asked(&half_closed(26, 1152, 40)), "answers that nobody read");
    assert!(asked(&half_closed(60, 54, 1)), "hardly any other is live");
    assert!(!asked(&half_closed(26, 1, 40)) && !asked(&half_closed(60, 1, 60)), "idle ones of a pool");
    assert_eq!(half_closed(26, 1152, 40).verdict, Verdict::Inconclusive);
}

/// Refused connects in the last lines of a log, as many lines as were asked for, and a later line of another log.
#[test]
fn the_last_lines_of_a_log_are_few() {
    let listed = rows(900, |n| format!("asker 77 svc {}u sock 0,7 0t0 {} can't identify protocol\n", n + 5, 9000 + n * 7));
    let head = "COMMAND PID USER FD TYPE DEVICE SIZE/OFF NODE NAME\n";
    let refused = rows(6, |n| {
        format!("2026-03-14 07:{:02}:00,752 WARNING asker: connect to 10.4.3.12:5672 failed: [Errno 111] Connection refused\n", n)
    });
    let late = "2026-03-14 11:34:02,118 WARNING asker: reload of the table failed\n";
    let told = |log: &str| diagnose(&[member("paste.txt", &format!("$ lsof -nP -p 77\n{head}{listed}\n{log}"))]);
    let tail = told(&format!("$ tail -6 /var/log/asker.log.1\n{refused}\n$ tail -1 /var/log/asker.log\n{late}"));
    assert_eq!(leak(&tail), Some(("connect-failed-not-closed", 77)), "{}", tail.headline);
    let whole = told(&format!("$ cat /var/log/asker.log\n{refused}{late}"));
    assert_ne!(leak(&whole), Some(("connect-failed-not-closed", 77)), "six in four hours");
}

/// Sockets in a listing without a name, a table of calls, and the number of descriptors before and after it.
fn table_of_calls(after: u32, closes: u32) -> Diagnosis {
    let links = rows(1200, |n| format!("lrwx------ 1 a a 64 Apr  9 10:10 {n} -> socket:[{}]\n", 50_000 + n * 3));
    let counts = format!("$ ls /proc/77/fd | wc -l\n{}\n$ ls /proc/77/fd | wc -l\n1200\n", 1200 - (after - 1000));
    let head =
        "% time     seconds  usecs/call     calls    errors syscall\n------ ----------- ----------- --------- --------- ----------------\n";
    let calls = format!(
        " 60.20    1.204113         412      2920       611 futex\n 14.02    0.275840         457       200       200 connect\n  9.44    0.185733         308       200           socket\n  0.11    0.002164         180      {closes:>4}           close\n"
    );
    diagnose(&[
        member("counts.txt", &counts),
        member("listing.txt", &format!("total 0\n{links}")),
        member("calls.txt", &format!("strace: Process 77 attached\n{head}{calls}")),
        member("ss.txt", &format!("{SS}LISTEN 0 9 127.0.0.1:22 0.0.0.0:* users:((\"sshd\",pid=90,fd=3))\n")),
    ])
}

#[test]
fn a_listing_is_of_the_process_whose_descriptors_were_counted() {
    assert_eq!(leak(&table_of_calls(1200, 12)), Some(("connect-failed-not-closed", 77)));
    assert_ne!(table_of_calls(1000, 200).verdict, Verdict::Leak, "each is closed");
    assert_ne!(table_of_calls(1001, 12).verdict, Verdict::Leak, "their number stays");
}

#[test]
fn reserved_ports_are_no_ephemeral_ones() {
    let told = |ports: usize| {
        let table = rows(ports, |n| format!("tcp 0 0 10.4.0.7:{} 10.4.0.9:{} TIME_WAIT -\n", 665 + n, if n % 2 == 0 { 111 } else { 892 }));
        let log = "2026-11-29 10:00:07 mount.nfs: Cannot assign requested address\n";
        diagnose(&[member("netstat.txt", &format!("$ netstat -antp | grep 10.4.0.9\n{table}")), member("mount.log", log)])
    };
    let says = |told: &Diagnosis| told.findings.iter().map(|f| f.claim.says.clone()).collect::<String>();
    assert!(says(&told(356)).contains("reserved"));
    assert!(!says(&told(120)).contains("reserved"));
}

#[test]
fn one_file_that_is_opened_again_and_again() {
    let told = |names: usize| {
        let files = rows(1018, |n| format!("webd 77 svc {n}r REG 8,1 9 {} /srv/www/{}.html\n", 40 + n % names, n % names));
        let head = "COMMAND PID USER FD TYPE DEVICE SIZE/OFF NODE NAME\n";
        let told = diagnose(&[member("lsof.txt", &format!("{head}{files}")), limits(77, 1024)]);
        told.findings.iter().map(|f| f.claim.says.clone()).collect::<String>()
    };
    assert!(told(1).contains("one file, /srv/www/0.html"), "{}", told(1));
    assert!(!told(900).contains("one file"));
}

/// Closed connections of a server, each with a client's port.
#[test]
fn ports_of_clients_are_no_services() {
    let table = rows(2500, |n| format!("TIME-WAIT 0 0 10.0.0.5:443 10.7.{}.4:{}\n", n % 250, 20_000 + n));
    let told = diagnose(&[ss(&table)]);
    let ends: Vec<_> = told.findings.iter().flat_map(|f| &f.claim.remotes).map(|r| (r.endpoint.as_str(), r.near)).collect();
    assert_eq!(ends, [("10.0.0.5:443", true)]);
}

fn ss(rows: &str) -> Member {
    member("ss-tan.txt", &format!("{SS}{rows}"))
}

#[test]
fn states_that_add_up_leave_no_room_for_a_pile() {
    let told = |estab: u32| {
        let counted =
            format!("$ netstat -ant | awk '{{print $6}}' | sort | uniq -c\n   6211 TIME_WAIT\n     {estab} ESTABLISHED\n     19 LISTEN\n");
        let summary = "$ ss -s\nTotal: 391\nTCP:   6281 (estab 48, closed 6214, orphaned 0, timewait 6211)\n\nTransport Total     IP        IPv6\nRAW\t  0         0         0\nUDP\t  9         6         3\nTCP\t  67        58        9\nINET\t  76        64        12\nFRAG\t  0         0         0\n";
        diagnose(&[member("paste.txt", &format!("{counted}{summary}"))]).verdict
    };
    assert_eq!(told(48), Verdict::Healthy);
    assert_eq!(told(20), Verdict::Inconclusive, "others are in a state that nobody counted");
}
