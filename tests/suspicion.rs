//! From where on a number is suspect, tried on texts written for it.

mod sample;

use sample::{Member, diagnose};
use sockdiag::diagnosis::{Diagnosis, Finding, Verdict};

fn member(path: &str, text: &str) -> Member {
    Member { path: path.to_string(), text: text.as_bytes().to_vec() }
}

/// A listing in which each process of a program holds sockets of the given rows.
fn lsof(command: &str, processes: impl IntoIterator<Item = Vec<String>>) -> Member {
    let mut text = String::from("COMMAND     PID   USER   FD      TYPE     DEVICE SIZE/OFF       NODE NAME\n");
    let mut inode = 30_000;
    for (n, names) in processes.into_iter().enumerate() {
        let pid = 4000 + n;
        text.push_str(&format!("{command:9} {pid:>5} svc   cwd       DIR        8,1     4096          2 /\n"));
        for (fd, name) in names.iter().enumerate() {
            inode += 3;
            text.push_str(&format!("{command:9} {pid:>5} svc {:>4}u     IPv4 {inode:>10}      0t0        {name}\n", fd + 3));
        }
    }
    member("lsof.txt", &text)
}

fn leaks(diagnosis: &Diagnosis) -> bool {
    diagnosis.verdict == Verdict::Leak
}

fn closed_by_peer(count: usize, from: usize) -> Vec<String> {
    (from..from + count).map(|n| format!("TCP 10.0.0.5:{}->10.0.9.7:443 (CLOSE_WAIT)", 33_000 + n)).collect()
}

#[test]
fn a_threshold_is_for_one_process() {
    let workers = |each: usize| diagnose(&[lsof("worker", (0..40).map(|n| closed_by_peer(each, n * each)))]);
    assert!(!leaks(&workers(2)), "80 in all, two in each");
    assert!(leaks(&workers(20)), "800 in all, twenty in each");
    assert!(leaks(&diagnose(&[lsof("worker", [closed_by_peer(80, 0)])])), "80 in one");
}

/// Where the kernel hands ports out from 1024 on, a port of 2,000 is no choice of the program's.
#[test]
fn ports_are_handed_out_from_where_the_host_says() {
    let to_one = |first: usize| (0..700).map(|n| format!("UDP 10.0.0.5:{}->10.0.0.2:53", first + n)).collect::<Vec<_>>();
    let range = || member("sys/net/ipv4/ip_local_port_range", "1024\t65000\n");
    assert!(leaks(&diagnose(&[lsof("app", [to_one(33_000)])])));
    assert!(leaks(&diagnose(&[lsof("app", [to_one(2000)]), range()])));
    assert!(!leaks(&diagnose(&[lsof("app", [to_one(2000)])])), "bound where the program chose");
}

/// A count by process is one of a socket table only if ss or netstat printed the rows.
#[test]
fn a_count_of_log_lines_is_none_of_sockets() {
    let counted = |command: &str| {
        let text = format!("$ {command} | awk '{{print $7}}' | sort | uniq -c | sort -rn\n   1840 4242/worker\n     12 811/nginx\n");
        diagnose(&[member("notes.txt", &text)]).headline.contains("4242")
    };
    assert!(counted("netstat -anp"));
    assert!(!counted("cat access log"));
}

/// Each client of a server has one of its connections: none of them is where they go. A server that is the same on two hosts listens on the
/// same address of both, which says nothing of what they share.
#[test]
fn of_many_clients_none_is_named() {
    let host = |name: &str, first: usize| {
        let rows: Vec<String> =
            (0..80).map(|n| format!("TCP 127.0.0.1:8080->10.{}.{n}.9:{} (CLOSE_WAIT)", first + n % 7, 40_000 + n)).collect();
        let mut listing = lsof("gated", [std::iter::once("TCP 127.0.0.1:8080 (LISTEN)".to_string()).chain(rows).collect()]);
        listing.path = format!("{name}/lsof.txt");
        [listing, member(&format!("{name}/hostname"), &format!("{name}\n"))]
    };
    let diagnosis = diagnose(&[host("web1", 0), host("web2", 100)].concat());
    assert!(leaks(&diagnosis));
    let (shared, leaks): (Vec<_>, Vec<_>) = diagnosis.findings.iter().partition(|f| f.hosts.len() > 1);
    let ends = |f: &Finding| f.claim.remotes.iter().map(|r| (r.endpoint.clone(), r.near)).collect::<Vec<_>>();
    assert_eq!(leaks.iter().map(|f| ends(f)).collect::<Vec<_>>(), vec![vec![("127.0.0.1:8080".to_string(), true)]; 2]);
    assert_eq!(shared.iter().map(|f| ends(f)).collect::<Vec<_>>(), [vec![]]);
}

/// A listing of descriptors, with the kernel's counts and as many rows of the table of 600 connections as are kept.
fn with_rows(kept: usize) -> Vec<Member> {
    let fds: String = (0..300).map(|n| format!("lrwx------ 1 a a 64 Nov 22 14:19 {} -> socket:[{}]\n", n + 3, 70_000 + n)).collect();
    let rows: String = (0..kept)
        .map(|n| format!("ESTAB 0 0 10.0.0.1:80 10.0.0.2:{} users:((\"proxy\",pid=9,fd={})) ino:{}\n", 20_000 + n, n + 3, 80_000 + n))
        .collect();
    vec![
        member("proc/7/fd", &format!("total 0\n{fds}")),
        member("sockstat", "sockets: used 1100\nTCP: inuse 600 orphan 0 tw 0 alloc 1000 mem 9\nUDP: inuse 0 mem 0\n"),
        member("sockstat6", "TCP6: inuse 0\nUDP6: inuse 0\n"),
        member("ss", &format!("State Recv-Q Send-Q Local Address:Port Peer Address:Port Process\n{rows}")),
        member("ss-x", "Netid State Recv-Q Send-Q Local Address:Port Peer Address:Port\nu_str ESTAB 0 0 * 5 * 6\n"),
    ]
}

/// What a cut table does not list may well be connected.
#[test]
fn a_cut_table_proves_no_socket_closed() {
    assert!(leaks(&diagnose(&with_rows(600))), "{}", diagnose(&with_rows(600)).headline);
    assert!(!leaks(&diagnose(&with_rows(20))), "{}", diagnose(&with_rows(20)).headline);
}

/// A peer that is closed has no inode; one with an inode that is not listed may be of another namespace.
#[test]
fn unlisted_peers_of_unix_sockets_are_not_gone() {
    let row = |n: usize| format!("u_str ESTAB 0 0 * {} * {} users:((\"app\",pid=7,fd={}))\n", 70_000 + n, 90_000 + n, n + 3);
    let rows: String = (0..120).map(row).collect();
    let told = diagnose(&[member("ss-x", &format!("Netid State Recv-Q Send-Q Local Address:Port Peer Address:Port Process\n{rows}"))]);
    assert!(!leaks(&told), "{}", told.headline);
}

/// A host of three programs without a fault, of whose descriptors so many of the first lines are gone.
fn idle_host(first: usize, gone: usize) -> Vec<Member> {
    let mut text = String::from("COMMAND     PID   USER   FD      TYPE     DEVICE SIZE/OFF       NODE NAME\n");
    for (n, command) in ["init", "sshd", "cron"].iter().enumerate() {
        let pid = first + n;
        text.push_str(&format!("{command:9} {pid:>5} root   cwd       DIR        8,1     4096          2 /\n"));
        text.push_str(&format!("{command:9} {pid:>5} root     3u     IPv4 {:>10}      0t0        TCP *:{} (LISTEN)\n", 500 + n, 20 + n));
    }
    let lsof: String = text.split_inclusive('\n').skip(gone).collect();
    vec![
        member("lsof.txt", &lsof),
        member("sockstat", "sockets: used 40\nTCP: inuse 3 orphan 0 tw 0 alloc 4 mem 0\nUDP: inuse 0 mem 0\n"),
        member("sockstat6", "TCP6: inuse 0\nUDP6: inuse 0\n"),
    ]
}

/// What a table that begins in its middle does not list proves nothing. In front of the first process there was nothing but the header.
#[test]
fn a_table_without_its_header_proves_no_health() {
    let verdict = |first, gone| diagnose(&idle_host(first, gone)).verdict;
    assert_eq!(verdict(100, 0), Verdict::Healthy);
    assert_eq!(verdict(100, 1), Verdict::Inconclusive);
    assert_eq!(verdict(1, 1), Verdict::Healthy);
    assert_eq!(verdict(1, 2), Verdict::Inconclusive);
    let told = diagnose(&idle_host(100, 1));
    let remarks: Vec<&String> = told.reports.iter().flat_map(|r| &r.remarks).map(|r| &r.0).collect();
    assert_eq!(remarks, ["lsof.txt: begins without its header"]);
}

/// Two samples of the connections of one program, none of which has gone: of a server's clients, or of its own to one remote.
fn grown(accepted: bool, from: usize, to: usize, idle: bool) -> Diagnosis {
    let table = |count: usize| {
        let row = |n: usize| {
            let (ours, theirs) = if accepted { (443, 20_000 + n) } else { (20_000 + n, 5672) };
            let other = if accepted { n % 250 } else { 3 };
            let idle = if idle { format!(" rto:204 lastsnd:{0} lastrcv:{0}", 7_200_000 + n) } else { String::new() };
            format!("ESTAB 0 0 10.0.0.9:{ours} 10.7.1.{other}:{theirs} users:((\"app\",pid=33,fd={})) ino:{}{idle}\n", n + 9, 62_000 + n)
        };
        let listener = "LISTEN 0 511 0.0.0.0:443 0.0.0.0:* users:((\"app\",pid=33,fd=6)) ino:61000\n";
        let rows: String = (0..count).map(row).collect();
        format!("State Recv-Q Send-Q Local Address:Port Peer Address:Port Process\n{listener}{rows}")
    };
    diagnose(&[
        member("0900/ss.txt", &table(from)),
        member("0900/date.txt", "Tue Nov 24 09:00:00 UTC 2026\n"),
        member("1000/ss.txt", &table(to)),
        member("1000/date.txt", "Tue Nov 24 10:00:00 UTC 2026\n"),
    ])
}

/// Two numbers cannot tell a leak from a load that grew: idle times do, and so does a client that has opened hundreds more to one remote.
#[test]
fn a_load_that_grew_is_a_question() {
    let load = grown(true, 400, 1300, false);
    assert!(!leaks(&load), "{}", load.headline);
    assert!(load.next.iter().any(|m| m.command.contains("ss -tuanpoi")), "{:?}", load.next);
    assert!(leaks(&grown(true, 400, 1300, true)));
    assert!(leaks(&grown(false, 400, 1300, false)));
    assert!(!leaks(&grown(false, 100, 300, false)));
}

/// A pool closes what it has not needed for a while: a client with hundreds that adds some and closes none has lost them.
#[test]
fn none_of_hundreds_is_given_back() {
    let told = grown(false, 800, 850, false);
    assert!(leaks(&told), "{}", told.headline);
    assert!(!leaks(&grown(false, 800, 810, false)), "hardly more");
    assert!(!leaks(&grown(false, 200, 230, false)), "a pool");
    assert!(!leaks(&grown(true, 800, 850, false)), "clients that stay");
}

/// A trace of a thread, whose number no listing has, goes on where the listing of its process ends.
#[test]
fn a_trace_goes_on_where_a_listing_ends() {
    let call = |fd: usize| {
        format!(
            "accept(3, {{sa_family=AF_INET, sin_port=htons(4{fd}), sin_addr=inet_addr(\"10.0.9.2\")}}, [16]) = {fd}\nshutdown({fd}, SHUT_RDWR) = 0\n"
        )
    };
    let trace = |first: usize| member("strace-5133.txt", &format!("Process 5133 attached\n{}", rows(4, |n| call(first + n))));
    let cause = |first: usize| {
        let diagnosis = diagnose(&[
            unplaced(3..700),
            member("sockstat", "sockets: used 900\nTCP: inuse 9 orphan 0 tw 0 alloc 706 mem 4\n"),
            member("sockstat6", "TCP6: inuse 0\n"),
            member("lsof-b.txt", "sshd 811 root 3u IPv4 5512 0t0 TCP *:22 (LISTEN)\n"),
            trace(first),
        ]);
        diagnosis.findings.first().map(|f| f.claim.code)
    };
    assert_eq!(cause(700), Some("shutdown-not-closed"));
    assert_eq!(cause(40), Some("unknown"), "of whatever other process");
}

/// What a server holds in no state may be left of what it accepted, where the kernel counts few connects and many accepts.
#[test]
fn few_connects_of_a_server_are_no_sockets_never_connected() {
    let listed = |listens: bool| {
        let listener = if listens { "agent 5120 svc 900u IPv4 5512 0t0 TCP *:2514 (LISTEN)\n" } else { "" };
        let mut listing = unplaced(3..700);
        listing.text.extend_from_slice(listener.as_bytes());
        let counters = "Tcp:\n    150 active connection openings\n    9000 passive connection openings\n    3 failed connection attempts\n    2 connection resets received\n";
        let diagnosis = diagnose(&[
            listing,
            member("netstat-s.txt", counters),
            member("sockstat", "sockets: used 900\nTCP: inuse 9 orphan 0 tw 0 alloc 706 mem 4\n"),
            member("sockstat6", "TCP6: inuse 0\n"),
        ]);
        diagnosis.findings.first().map(|f| f.claim.code)
    };
    assert_ne!(listed(true), Some("never-connected"));
    assert_eq!(listed(false), Some("never-connected"));
}

/// Rows of a table: state, bytes unread, both ends and what stands behind.
fn rows(count: usize, row: impl Fn(usize) -> String) -> String {
    (0..count).map(row).collect()
}

/// Whole requests that nobody has read may wait to be accepted: without a holder shown they are no leak of anybody.
#[test]
fn unread_requests_without_a_holder_may_wait_to_be_accepted() {
    let table = |unread: usize| {
        let rows = rows(900, |n| format!("tcp {unread} 0 10.0.0.5:8000 10.0.9.7:{} CLOSE_WAIT\n", 33_000 + n));
        diagnose(&[member(
            "netstat.txt",
            &format!(
                "$ netstat -ant\nProto Recv-Q Send-Q Local Address Foreign Address State\ntcp 0 0 0.0.0.0:8000 0.0.0.0:* LISTEN\n{rows}"
            ),
        )])
    };
    assert_eq!(table(251).verdict, Verdict::Inconclusive);
    assert!(leaks(&table(1)));
}

/// Descriptors that several processes hold, none of which listens where they were accepted.
#[test]
fn connections_that_siblings_share_were_given_to_them() {
    let shared = rows(70, |n| {
        let holders = [910, 911, 912].map(|pid| format!("(\"copier\",pid={pid},fd={})", n + 3)).join(",");
        format!("CLOSE-WAIT 1 0 10.0.0.5:9001 10.0.9.7:{} users:({holders}) ino:{}\n", 33_000 + n, 50_000 + n)
    });
    let text = format!(
        "State Recv-Q Send-Q Local Address:Port Peer Address:Port Process\n\
         LISTEN 0 128 0.0.0.0:9001 0.0.0.0:* users:((\"keeper\",pid=900,fd=3)) ino:40000\n{shared}"
    );
    let told = diagnose(&[member("ss-tanpe.txt", &text)]);
    assert_eq!(
        told.findings.iter().map(|f| f.claim.code).collect::<Vec<_>>(),
        ["fd-inherited"],
        "{:?}",
        told.findings.iter().map(|f| (f.claim.code, f.claim.kind)).collect::<Vec<_>>()
    );
}

fn table_in_use() -> Member {
    let text = "State Recv-Q Send-Q Local Address:Port Peer Address:Port Process\n\
        LISTEN 0 128 0.0.0.0:22 0.0.0.0:* users:((\"sshd\",pid=812,fd=3))\n\
        ESTAB 0 0 10.0.0.5:22 10.0.9.7:51022 users:((\"sshd\",pid=2041,fd=3))\n";
    member("ss-tanp.txt", text)
}

/// A limit that was reached months ago, or on another host, is none that is reached.
#[test]
fn lines_of_another_time_or_host_reach_no_limit_here() {
    let with = |log: &str| {
        let told = diagnose(&[
            table_in_use(),
            member("date.txt", "Fri Oct  2 10:40:00 UTC 2026\n"),
            member("hostname.txt", "gw1\n"),
            member("messages", log),
        ]);
        told.verdict == Verdict::Exhaustion
    };
    let line = |at: &str, host: &str| format!("{at} {host} kernel: nf_conntrack: nf_conntrack: table full, dropping packet\n");
    let own = "Oct  2 10:00:00 gw1 cron[77]: started\n";
    assert!(with(&format!("{own}{}", line("Oct  2 10:30:00", "gw1"))));
    assert!(!with(&format!("{own}{}", line("Mar 17 10:30:00", "gw1"))), "of March");
    assert!(!with(&format!("{own}{}", line("Oct  2 10:30:00", "fw9"))), "of another host");
    assert!(with(&line("Oct  2 10:30:00", "gw1.example.org")), "the same host by its whole name");
}

/// Four files of a logger are not what filled the limit of somebody else.
#[test]
fn a_handful_of_files_fills_no_limit() {
    let files = "COMMAND PID USER FD TYPE DEVICE SIZE/OFF NODE NAME\nlogger 640 syslog 3w REG 253,0 88 401465 /var/log/a\nlogger 640 syslog 4w REG 253,0 88 401466 /var/log/b\n";
    let log = "2026-10-02 10:30:00,120 ERROR [x] app - java.io.IOException: Too many open files\n";
    let told = diagnose(&[member("lsof.txt", files), member("app.log", log)]);
    assert!(told.findings.iter().all(|f| f.claim.code != "fd-limit-by-files"), "{told:?}");
}

/// A trace of whoever sends descriptors does not show that nobody took them.
#[test]
fn what_is_sent_is_in_flight_only_where_it_is_missing() {
    let sent = rows(20, |n| {
        format!(
            "77 sendmsg(7, {{msg_controllen=24, msg_control=[{{cmsg_len=20, cmsg_level=SOL_SOCKET, cmsg_type=SCM_RIGHTS, cmsg_data=[{n}]}}]}}, 0) = 1\n"
        )
    });
    assert!(!leaks(&diagnose(&[member("strace.txt", &sent)])));
}

/// What a child closes by ending, by becoming another program or by a range of numbers is closed.
#[test]
fn descriptors_close_without_close() {
    let left = |end: &str| {
        let child = rows(12, |n| {
            format!(
                "99 clone(child_stack=NULL, flags=SIGCHLD) = {0}\n{0} socket(AF_INET, SOCK_STREAM|SOCK_CLOEXEC, 0) = 10\n{0} socket(AF_INET, SOCK_STREAM|SOCK_CLOEXEC, 0) = 11\n{0} {end}\n",
                100 + n
            )
        });
        let told = diagnose(&[member("strace.txt", &format!("99 read(0, \"a\", 1) = 1\n{child}99 read(0, \"a\", 1) = 1\n"))]);
        told.headline.contains("23 sockets")
    };
    assert!(left("getpid() = 7"));
    for end in [
        "exit_group(0) = ?",
        "execve(\"/bin/true\", [\"true\"], 0x55d0c8 /* 11 vars */) = 0",
        "close_range(3, 4294967295, 0) = 0",
        "close_range(3, ~0U, 0) = 0",
    ] {
        assert!(!left(end), "{end}");
    }
    assert!(left("close_range(3, 9, 0) = 0"));
}

/// The table of a pod, which names no holders, beside the node's.
#[test]
fn a_table_of_other_addresses_is_another_namespaces() {
    let pod = rows(300, |n| format!("CLOSE-WAIT 1 0 10.244.3.7:{} 10.96.0.77:9200\n", 33_000 + n));
    let pod = member("pod-ss-tan.txt", &format!("State Recv-Q Send-Q Local Address:Port Peer Address:Port\n{pod}"));
    let told = diagnose(&[table_in_use(), pod]);
    assert!(leaks(&told) && told.headline.contains("10.96.0.77:9200"), "{told:?}");
}

/// As many listeners as ports that the kernel handed out: one capture cannot tell whether each is used once and closed.
#[test]
fn listeners_on_ports_of_the_kernels_choice_are_a_question() {
    let lsof_of =
        |first: usize, by: usize| diagnose(&[lsof("ftpd", [(0..300).map(|n| format!("TCP *:{} (LISTEN)", first + n * by)).collect()])]);
    assert_eq!(lsof_of(33_000, 7).verdict, Verdict::Inconclusive);
    assert!(lsof_of(33_000, 7).headline.contains("that the kernel chose"));
    assert!(!lsof_of(20_000, 7).headline.contains("that the kernel chose"));
}

/// Sockets that a pipeline counted, of a process that pidof names, and of which a table of all families lists one.
#[test]
fn sockets_counted_in_a_listing_are_their_process() {
    let told = diagnose(&[member(
        "ticket.txt",
        "# ls -l /proc/$(pidof collector)/fd | grep socket | wc -l\n1018\n# ss -anp | grep collector\n\
         tcp LISTEN 0 128 127.0.0.1:9100 *:* users:((\"collector\",pid=9801,fd=4))\n",
    )]);
    assert!(leaks(&told) && told.headline.contains("collector (pid 9801) leaks at least 1,017 sockets"), "{}", told.headline);
}

/// Rows of one family that were counted for one program, of which only some are shown.
#[test]
fn a_count_of_one_family_for_one_program() {
    let shown = rows(40, |n| format!("ESTAB 0 0 10.9.0.5:{} 1.1.1.1:53 users:((\"relay\",pid=1931,fd={}))\n", 33_000 + n, n + 3));
    let told =
        diagnose(&[member("ticket.txt", &format!("# ss -unp | grep relay | wc -l\n28232\n# ss -unp | grep relay | head -40\n{shown}"))]);
    assert!(leaks(&told) && told.headline.contains("28,232 UDP sockets"), "{}", told.headline);
}

/// Sockets of a container that its own table lists in a state are judged by it, though the collector stood in another namespace.
#[test]
fn a_state_is_told_by_the_table_of_its_own_namespace() {
    let fds = rows(118, |n| format!("lrwx------ 1 app app 64 Nov 22 14:19 {} -> socket:[{}]\n", n + 5, 50_000 + n));
    let table = rows(118, |n| {
        format!(
            "{n:4}: 0711140A:{:04X} 2207140A:2454 08 00000000:00000001 00:00000000 00000000  1000        0 {} 1 0000000000000000 20 4 30 10 -1\n",
            33_000 + n,
            50_000 + n
        )
    });
    let head = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n";
    let link = |pid: u32, inode: u64| {
        member(&format!("proc/{pid}/ns.txt"), &format!("lrwxrwxrwx 1 root root 0 Nov 22 14:19 net -> net:[{inode}]\n"))
    };
    let told = diagnose(&[
        member("proc/9310/fd.txt", &fds),
        member("proc/9310/net/tcp", &format!("{head}{table}")),
        member("proc/9310/status", "Name:\tingestd\nPid:\t9310\n"),
        link(1, 4_026_531_840),
        link(9310, 4_026_532_177),
    ]);
    assert!(leaks(&told), "{}", told.headline);
}

/// An old lsof of sockets that it cannot place, under these numbers, with the standard descriptors in front.
fn unplaced(numbers: std::ops::Range<usize>) -> Member {
    let socket =
        |fd| format!("agent     5120  svc {fd:>4}u     sock        0,6      0t0 {:>10} can't identify protocol\n", 70_000 + fd * 7);
    let file = |fd| format!("agent     5120  svc {fd:>4}u      CHR        1,3      0t0          6 /dev/null\n");
    let head = "COMMAND    PID USER   FD     TYPE     DEVICE SIZE/OFF       NODE NAME\n".to_string();
    member("lsof.txt", &(head + &rows(3, file) + &numbers.map(socket).collect::<String>()))
}

/// Sockets that lsof cannot place may be live ones of a container, whose number ends at no limit by chance.
#[test]
fn a_table_that_is_full_to_a_limit_was_filled() {
    let told = || member("agent.log", "2026-04-01 10:00:00 ERROR accept failed: Too many open files\n");
    assert!(leaks(&diagnose(&[unplaced(3..1024)])), "up to the last number");
    assert!(!leaks(&diagnose(&[unplaced(3..1011)])), "near a limit that may be another");
    assert!(leaks(&diagnose(&[unplaced(3..1011), told()])), "near it, and calls fail");
    assert!(!leaks(&diagnose(&[unplaced(3..700), told()])), "far from any");
    assert!(!leaks(&diagnose(&[unplaced(3..2300)])));
}

/// Links of `ls -l /proc/PID/fd`.
fn links(targets: impl Iterator<Item = String>) -> Member {
    let link = |(fd, to): (usize, String)| format!("lrwx------ 1 svc svc 64 Apr  1 10:00 {fd} -> {to}\n");
    member("proc/5120/fd.txt", &format!("$ ls -l /proc/5120/fd\ntotal 0\n{}", targets.enumerate().map(link).collect::<String>()))
}

fn loops(count: usize) -> impl Iterator<Item = String> {
    (0..count).flat_map(|n| [format!("pipe:[{}]", 8000 + n), format!("pipe:[{}]", 8000 + n), "anon_inode:[eventpoll]".to_string()])
}

fn files(count: usize) -> impl Iterator<Item = String> {
    (0..count).map(|n| format!("/srv/app/lib/part-{n}.jar"))
}

/// A program of many threads has a selector for each, beside its files.
#[test]
fn selectors_are_left_over_where_they_are_nearly_all() {
    let status = |threads: usize| member("proc/5120/status", &format!("Name:\tapp\nPid:\t5120\nThreads:\t{threads}\n"));
    assert!(leaks(&diagnose(&[links(files(20).chain(loops(260)))])));
    assert!(!leaks(&diagnose(&[links(files(200).chain(loops(200)))])), "beside many files");
    assert!(!leaks(&diagnose(&[links(files(20).chain(loops(260))), status(300)])), "a thread for each");
    assert!(leaks(&diagnose(&[links(files(20).chain(loops(260))), status(12)])), "a dozen threads");
}

/// The last rows of a long listing tell what the numbers below them are taken by.
#[test]
fn selectors_without_a_gap_at_high_numbers_were_made_in_a_loop() {
    let row = |fd: usize| match fd % 3 {
        0 => format!("app 5120 svc {fd}r FIFO 0,9 0t0 {} pipe\n", 60_000 + fd / 3),
        1 => format!("app 5120 svc {fd}w FIFO 0,9 0t0 {} pipe\n", 60_000 + fd / 3),
        _ => format!("app 5120 svc {fd}u a_inode 0,10 0 8506 [eventpoll]\n"),
    };
    let tail = |from: usize| diagnose(&[member("tail.txt", &format!("$ lsof -p 5120 | tail -60\n{}", rows(60, |n| row(from + n))))]);
    assert!(leaks(&tail(7002)));
    assert!(!leaks(&tail(600)), "as of a program with two hundred event loops");
}

/// A limits file that does not say whose it is, beside the one listing that comes near it, whatever the limit is.
#[test]
fn a_small_limit_that_files_fill() {
    let files: String = (0..508).map(|n| format!("indexd 676 app {}u REG 0,55 0 {} /srv/idx/seg-{n:05}.idx\n", n + 2, 500 + n)).collect();
    let lsof = format!("COMMAND PID USER FD TYPE DEVICE SIZE/OFF NODE NAME\nindexd 676 app 0u CHR 1,3 0t0 3 /dev/null\n{files}");
    let limits = "Limit Soft Limit Hard Limit Units\nMax open files            512                  512                  files     \n";
    let member = |path: &str, text: &str| Member { path: path.to_string(), text: text.as_bytes().to_vec() };
    let told = diagnose(&[member("lsof.txt", &lsof), member("limits.txt", limits)]);
    assert_eq!(told.verdict, Verdict::Exhaustion, "{}", told.headline);
    assert!(told.findings.iter().any(|f| f.claim.code == "fd-limit-by-files"), "{}", told.headline);
}

/// Connections without a holder, one for each byte that one process leaves unread in a unix socket: they were sent to it and not taken.
#[test]
fn as_many_unread_messages_as_connections_without_a_holder() {
    let waiting: String = (0..60).map(|n| format!("CLOSE-WAIT 60 0 10.0.0.5:8088 10.41.9.{}:{}\n", n % 5, 20_000 + n)).collect();
    let tcp = |queue: u32| {
        format!(
            "State Recv-Q Send-Q Local Address:Port Peer Address:Port Process\n\
             LISTEN {queue} 128 0.0.0.0:8088 0.0.0.0:* users:((\"front\",pid=31,fd=3))\n\
             LISTEN 0 128 0.0.0.0:22 0.0.0.0:* users:((\"sshd\",pid=6,fd=3))\n{waiting}"
        )
    };
    let unix = |unread: u32| {
        format!(
            "Netid State Recv-Q Send-Q Local Address:Port Peer Address:Port Process\n\
             u_str ESTAB {unread} 0 /run/w 34715 * 34716 users:((\"worker\",pid=32,fd=4))\n\
             u_str ESTAB 0 900 * 34716 * 34715 users:((\"front\",pid=31,fd=4))\n"
        )
    };
    let member = |path: &str, text: String| Member { path: path.to_string(), text: text.into_bytes() };
    let with = |queue, unread| {
        let told = diagnose(&[member("ss-tanp.txt", tcp(queue)), member("ss-xap.txt", unix(unread))]);
        told.findings
            .iter()
            .find(|f| f.claim.code == "in-flight")
            .map(|f| (f.claim.count, f.claim.remotes.first().map(|r| r.endpoint.clone())))
    };
    assert_eq!(with(0, 60).map(|f| f.0), Some(Some(60)));
    assert_eq!(with(0, 60).and_then(|f| f.1).as_deref(), Some("10.41.9.0"), "no one of many ports");
    assert_eq!(with(0, 77), None, "another number");
    assert_eq!(with(60, 60), None, "they wait to be accepted");
}

/// Datagram sockets without a path are opened to send, for which one is enough; two inodes in a row are the ends of a pair.
#[test]
fn a_program_sends_with_one_datagram_socket() {
    let unix = |count: usize, kind: &str, apart: usize| {
        let row = |n: usize| format!("{kind} UNCONN 0 0 * {} * 0 users:((\"noted\",pid=700,fd={}))\n", 50_000 + n * apart, n + 5);
        let table = format!("Netid State Recv-Q Send-Q Local Address:Port Peer Address:Port Process\n{}", rows(count, row));
        diagnose(&[member("ss-xap.txt", &table)])
    };
    assert!(leaks(&unix(500, "u_dgr", 7)));
    assert!(!leaks(&unix(60, "u_dgr", 7)));
    assert!(!leaks(&unix(500, "u_str", 7)));
    assert!(!leaks(&unix(500, "u_dgr", 1)), "both ends of pairs");
}

/// `lsof +E` names the other end of each unix socket that has one.
#[test]
fn a_connected_socket_without_another_end_is_left() {
    let listed = |told: usize, untold: usize, end: &str| {
        let row = |n: usize| {
            let end = if n < told { end } else { "" };
            format!("brokerd 88 root {}u unix 0x{n:08x} 0t0 {} /run/b.sock type=STREAM{end} (CONNECTED)\n", n + 5, 9000 + n * 3)
        };
        diagnose(&[member("lsof.txt", &format!("COMMAND PID USER FD TYPE DEVICE SIZE/OFF NODE NAME\n{}", rows(told + untold, row)))])
    };
    let end = " ->INO=9001 91,client,4u";
    assert!(leaks(&listed(9, 500, end)));
    assert!(!leaks(&listed(509, 0, end)));
    assert!(!leaks(&listed(9, 500, "")), "no other end is told of any");
}

/// Passive FTP opens a listener for each transfer: there are no more transfers than clients.
#[test]
fn listeners_for_one_connection_are_no_more_than_clients() {
    let table = |clients: usize, by: usize, backlog: usize| {
        let mut ss = String::from("State Recv-Q Send-Q Local Address:Port Peer Address:Port Process\n");
        ss.push_str("LISTEN 0 32 0.0.0.0:21 0.0.0.0:* users:((\"filed\",pid=44,fd=3))\n");
        ss.push_str(&rows(300, |n| {
            format!("LISTEN 0 {backlog} 192.0.2.7:{} 0.0.0.0:* users:((\"filed\",pid=44,fd={}))\n", 49_200 + n * by, n + 9)
        }));
        ss.push_str(&rows(clients, |n| {
            format!("ESTAB 0 0 192.0.2.7:21 198.51.100.9:{} users:((\"filed\",pid=44,fd={}))\n", 30_000 + n, n + 400)
        }));
        diagnose(&[member("ss-tanp.txt", &ss)])
    };
    assert!(leaks(&table(5, 41, 1)));
    assert!(!leaks(&table(5, 1, 1)), "a range that somebody set up");
    assert!(!leaks(&table(5, 41, 64)), "listeners for many");
    assert!(!leaks(&table(0, 41, 1)), "who asked for them is not told");
    assert!(!leaks(&table(290, 41, 1)), "one for each client");
    assert!(!table(0, 41, 1).headline.contains("kernel chose"), "they are beyond its range");
}

/// A server hears all its clients with one socket; what is connected, or on a port of its own, is another matter.
#[test]
fn udp_sockets_on_one_local_end() {
    let listed = |count: usize, name: &dyn Fn(usize) -> String, log: &str| {
        let row = |n: usize| format!("leased 51 net {}u IPv6 {} 0t0 UDP {}\n", n + 9, 70_000 + n * 5, name(n));
        let lsof = format!("COMMAND PID USER FD TYPE DEVICE SIZE/OFF NODE NAME\n{}", rows(count, row));
        diagnose(&[member("lsof.txt", &lsof), member("messages", log)])
    };
    let log = "Nov  3 06:00:06 h1 leased[51]: cannot renew: Too many open files\n";
    assert!(leaks(&listed(300, &|_| "gw1:dhcpv6-client".into(), log)));
    assert!(!leaks(&listed(300, &|_| "gw1:dhcpv6-client".into(), "")));
    assert!(!leaks(&listed(64, &|_| "*:443".into(), log)), "one for each core");
    assert!(!leaks(&listed(300, &|n| format!("192.0.2.1:5060->198.51.100.9:{}", 10_000 + n), log)), "one for each client");
    assert!(!leaks(&listed(300, &|n| format!("192.0.2.1:{}", 10_000 + n), log)), "one for each call");
}

/// A listing of descriptors that does not say whose it is, beside the table of unix sockets, of which others have so many.
#[test]
fn a_listing_without_a_name_is_one_process_s() {
    let listed = |count: usize, first: usize| -> String {
        rows(count, |n| format!("lrwx------ 1 svc svc 64 Oct  2 10:40 {} -> socket:[{}]\n", first + n, 40_000 + n * 3))
    };
    let table = |count: usize, others: usize| {
        let row = |n: usize, by: usize| format!("00000000{n:08x}: 00000003 00000000 00000000 0001 03 {}\n", 40_000 + by + n * 3);
        let all = rows(count, |n| row(n, 0)) + &rows(others, |n| row(n, 1));
        member("proc_net_unix", &format!("Num       RefCount Protocol Flags    Type St Inode Path\n{all}"))
    };
    let with = |listing: &str, table: Member| diagnose(&[member("fd.txt", &format!("total 0\n{listing}")), table]);
    let told = with(&listed(2500, 3), table(2500, 20));
    assert!(leaks(&told) && told.headline.starts_with("a process leaks 2,500 unix sockets"), "{}", told.headline);
    assert!(!leaks(&with(&listed(2500, 3), table(2500, 2500))), "others hold as many");
    let twice = listed(1300, 3) + &listed(2500, 3);
    assert!(!leaks(&with(&twice, table(2500, 20))), "of several processes");
    let counted = member("count.txt", "$ ls /proc/640/fd | wc -l\n2500\n");
    let named = diagnose(&[member("fd.txt", &format!("total 0\n{}", listed(2500, 3))), table(2500, 20), counted]);
    assert!(named.headline.contains("pid 640"), "{}", named.headline);
    let row = |n: usize| format!("ESTAB 0 0 10.0.0.5:9000 10.0.9.9:{} users:((\"served\",pid=88,fd={}))\n", 20_000 + n, 3 + n);
    let ss = member("ss-tanp.txt", &format!("State Recv-Q Send-Q Local Address:Port Peer Address:Port Process\n{}", rows(300, row)));
    let limit =
        member("limits", "Limit Soft Limit Hard Limit Units\nMax open files            303                  303                  files\n");
    let held = diagnose(&[member("fd.txt", &format!("total 0\n{}", listed(300, 3))), ss, limit]);
    assert!(!held.headline.contains("a process"), "whose numbers a table has: {}", held.headline);
    let unknown = diagnose(&[member("fd.txt", &format!("total 0\n{}", listed(2500, 3)))]);
    assert!(unknown.headline.contains("2,500 sockets") && !unknown.headline.contains("pid 0"), "{}", unknown.headline);
}
