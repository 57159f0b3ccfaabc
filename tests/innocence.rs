//! Piles that look like leaks and are none, each beside one that is.

mod sample;

use sample::{Member, diagnose};
use sockdiag::diagnosis::{Diagnosis, Verdict};

fn member(path: &str, text: &str) -> Member {
    Member { path: path.to_string(), text: text.as_bytes().to_vec() }
}

fn rows(count: usize, row: impl Fn(usize) -> String) -> String {
    (0..count).map(row).collect()
}

/// `ss -tanpoei` of some rows, one line each.
fn ss(path: &str, rows: &str) -> Member {
    member(path, &format!("State Recv-Q Send-Q Local Address:Port Peer Address:Port Process\n{rows}"))
}

fn blames(diagnosis: &Diagnosis, command: &str) -> bool {
    diagnosis.headline.contains(command) && !matches!(diagnosis.verdict, Verdict::Healthy)
}

/// Connections in CLOSE-WAIT that a server accepted, with queues, a timer and the time since something came.
fn closed(unread: usize, unsent: usize, timer: &str, idle_ms: usize) -> String {
    rows(160, |n| {
        format!(
            "CLOSE-WAIT {unread} {unsent} 10.0.0.5:8080 10.0.{}.9:{} users:((\"served\",pid=90,fd={})) {timer}ino:{} sk:{n} cubic lastsnd:80 lastrcv:{idle_ms} lastack:80\n",
            n / 100,
            40_000 + n,
            n + 5,
            7000 + n * 3
        )
    })
}

#[test]
fn connections_closed_by_their_peers_may_be_at_work() {
    let verdict = |rows: &str| diagnose(&[ss("ss-tanpoei.txt", rows)]).verdict;
    assert_eq!(verdict(&closed(1, 0, "", 9_000_000)), Verdict::Leak, "for hours");
    assert_ne!(verdict(&closed(1, 0, "", 700)), Verdict::Leak, "closed a moment ago");
    assert_ne!(verdict(&closed(1, 90_000, "timer:(on,200ms,0) ", 9_000_000)), Verdict::Leak, "still sending");
}

#[test]
fn what_is_read_off_is_not_forgotten() {
    let at = |sample: &str, unread: usize| {
        let table = closed(unread, 0, "", 100_000);
        [ss(&format!("{sample}/ss-tanpoei.txt"), &table), member(&format!("{sample}/date.txt"), "Wed Nov 18 14:05:00 UTC 2026\n")]
    };
    let two = |then: usize, now: usize| diagnose(&[at("1", then), at("2", now)].concat()).verdict;
    assert_ne!(two(900_000, 500_000), Verdict::Leak);
    assert_eq!(two(900_000, 900_000), Verdict::Leak);
}

#[test]
fn a_stopped_server_closes_nothing() {
    let state = |state: &str| {
        let listener = "LISTEN 129 128 0.0.0.0:8080 0.0.0.0:* users:((\"served\",pid=90,fd=3))\n";
        let table = ss("ss-tanpoei.txt", &format!("{listener}{}", closed(1, 0, "", 100_000)));
        let ps =
            format!("USER PID %CPU %MEM VSZ RSS TTY STAT START TIME COMMAND\nsvc 90 0.0 0.1 900 800 ? {state} 10:00 0:00 /opt/served\n");
        diagnose(&[table, member("ps-aux.txt", &ps)])
    };
    let stopped = state("T");
    assert_eq!(stopped.verdict, Verdict::Exhaustion, "{}", stopped.headline);
    assert!(stopped.findings.iter().any(|f| f.claim.now.iter().any(|now| now.contains("kill -CONT 90"))));
}

/// 8,000 live connections and 90 that are closed.
#[test]
fn a_hundredth_of_a_busy_server_is_a_question() {
    let live = rows(9200, |n| {
        format!("ESTAB 0 0 10.0.0.5:443 10.{}.{}.1:{} users:((\"served\",pid=90,fd={}))\n", n / 200, n % 200, 20_000 + n, n + 5)
    });
    let closed = rows(90, |n| format!("CLOSE-WAIT 1 0 10.0.0.5:443 10.99.{n}.1:30000 users:((\"served\",pid=90,fd={}))\n", n + 9500));
    assert_ne!(diagnose(&[ss("ss-tanp.txt", &format!("{live}{closed}"))]).verdict, Verdict::Leak);
    assert_eq!(diagnose(&[ss("ss-tanp.txt", &closed)]).verdict, Verdict::Leak);
}

/// TIME-WAIT of a service's port uses one local port, however many clients there are.
#[test]
fn closed_connections_of_a_service_use_no_port() {
    let table = |row: &dyn Fn(usize) -> String| ss("ss-tan.txt", &rows(28_100, row));
    let served = table(&|n| format!("TIME-WAIT 0 0 10.0.0.5:443 10.{}.{}.7:{}\n", n / 200, n % 200, 1024 + n));
    let opened = table(&|n| format!("TIME-WAIT 0 0 10.0.0.5:{} 10.0.9.9:80\n", 32_768 + n));
    assert_ne!(diagnose(&[served]).verdict, Verdict::Exhaustion);
    assert_eq!(diagnose(&[opened]).verdict, Verdict::Exhaustion);
}

#[test]
fn a_datagram_socket_for_each_peer_is_no_leak() {
    let table = |row: &dyn Fn(usize) -> String| diagnose(&[ss("ss-uanp.txt", &rows(1500, row))]);
    let who = |n: usize| format!("users:((\"polld\",pid=90,fd={}))\n", n + 3);
    let one = table(&|n| format!("ESTAB 0 0 10.0.0.5:{} 10.0.0.2:53 {}", 33_000 + n, who(n)));
    let each = table(&|n| format!("ESTAB 0 0 10.0.0.5:{} 10.9.{}.{}:161 {}", 33_000 + n, n / 200, n % 200 + 1, who(n)));
    let relay = table(&|n| format!("UNCONN 0 0 10.0.0.5:{} 0.0.0.0:* {}", 49_152 + n, who(n)));
    let bound = table(&|n| format!("UNCONN 0 0 0.0.0.0:{} 0.0.0.0:* {}", 33_000 + n, who(n)));
    assert_eq!((one.verdict, bound.verdict), (Verdict::Leak, Verdict::Leak));
    assert_eq!((each.verdict, relay.verdict), (Verdict::Inconclusive, Verdict::Inconclusive));
    assert!(!each.headline.contains("may leak") && each.headline.contains("one sample"), "{}", each.headline);
}

/// A daemon of networks has a socket for each interface, group or thread.
#[test]
fn dozens_of_packet_sockets_are_a_daemons_work() {
    let table = |count: usize| {
        let rows = rows(count, |n| format!("p_raw UNCONN 0 0 lldp:eth{n} * users:((\"lldpd\",pid=90,fd={}))\n", n + 3));
        diagnose(&[member("ss-0p.txt", &format!("Netid State Recv-Q Send-Q Local Address:Port Peer Address:Port Process\n{rows}"))])
    };
    assert!(!blames(&table(48), "lldpd"));
    assert!(blames(&table(300), "lldpd"));
}

/// The server on a host has what a client there has opened.
#[test]
fn of_both_ends_the_one_that_waits_is_not_blamed() {
    let server =
        rows(820, |n| format!("FIN-WAIT-2 0 0 127.0.0.1:{} 127.0.0.1:8080 users:((\"proxyd\",pid=70,fd={}))\n", 33_000 + n, n + 5));
    let client =
        rows(820, |n| format!("CLOSE-WAIT 1 0 127.0.0.1:8080 127.0.0.1:{} users:((\"served\",pid=90,fd={}))\n", 33_000 + n, n + 5));
    let both = diagnose(&[ss("ss-tanp.txt", &format!("{server}{client}"))]);
    assert_eq!(both.verdict, Verdict::Leak);
    let leaks: Vec<String> = both.findings.iter().filter_map(|f| f.claim.owner.as_ref().map(|o| o.command.clone())).collect();
    assert!(leaks.contains(&"served".to_string()) && !leaks.contains(&"proxyd".to_string()), "{leaks:?}");
    assert!(blames(&diagnose(&[ss("ss-tanp.txt", &server)]), "proxyd"), "where nothing shows who does not close");
}

/// Who waits in the queue of a unix socket has no peer yet.
#[test]
fn clients_of_a_full_unix_queue_leak_nothing() {
    let table = |queue: usize| {
        let listener = format!("u_str LISTEN {queue} 128 /run/app.sock 500 * 0 users:((\"appd\",pid=90,fd=3))\n");
        let clients = rows(129, |n| format!("u_str ESTAB 0 0 * {} * 0 users:((\"webd\",pid=70,fd={}))\n", 600 + n, n + 5));
        let others = rows(2, |n| format!("u_str ESTAB 0 0 * {} * {} users:((\"other\",pid=71,fd={}))\n", 400 + n, 401 - n, n + 5));
        let header = "Netid State Recv-Q Send-Q Local Address:Port Peer Address:Port Process\n";
        diagnose(&[member("ss-xanp.txt", &format!("{header}{listener}{clients}{others}"))])
    };
    let full = table(129);
    assert_eq!(full.verdict, Verdict::Exhaustion, "{}", full.headline);
    assert!(full.headline.contains("/run/app.sock"), "{}", full.headline);
    assert!(blames(&table(0), "webd"));
}

/// Clients that have said nothing for hours may be gone; that their number stays is no sign of life.
#[test]
fn silence_for_hours_is_not_life() {
    let table = |sample: &str, count: usize, idle_ms: usize, timer: &str| {
        let rows = rows(count, |n| {
            format!(
                "ESTAB 0 0 10.0.0.5:5222 10.0.{}.9:{} users:((\"chatd\",pid=90,fd={})) {timer}ino:{} sk:{n} cubic lastsnd:{idle_ms} lastrcv:{idle_ms}\n",
                n / 100,
                40_000 + n,
                n + 5,
                7000 + n * 3
            )
        });
        ss(&format!("{sample}/ss-tanpoei.txt"), &rows)
    };
    let two = |idle: usize, timer: &str, more: usize| diagnose(&[table("1", 3000, idle, timer), table("2", 3000 + more, idle, timer)]);
    let silent = two(9_000_000, "", 0);
    assert!(silent.verdict == Verdict::Inconclusive && silent.headline.contains("for an hour"), "{}", silent.headline);
    assert_eq!(two(9_000_000, "", 200).verdict, Verdict::Leak);
    let heard = two(20_000, "timer:(keepalive,15sec,0) ", 0);
    assert!(heard.verdict != Verdict::Leak && !heard.headline.contains("for an hour"), "{}", heard.headline);
}

/// Ports of many services in one process, and the shards of threads that share one, are listeners as configured.
#[test]
fn listeners_on_many_ports_are_services() {
    let table = |port: &dyn Fn(usize) -> usize| {
        let rows = rows(820, |n| format!("LISTEN 0 128 *:{} *:* users:((\"proxyd\",pid=90,fd={}))\n", port(n), n + 3));
        diagnose(&[ss("ss-ltnp.txt", &rows)])
    };
    assert!(!blames(&table(&|n| 30_000 + n), "proxyd"));
    assert!(blames(&table(&|_| 853), "proxyd"));
}

#[test]
fn what_is_in_the_tables_of_its_own_namespace_is_not_left_over() {
    let lsof = rows(400, |n| format!("shop 2100 svc {}u sock 0,8 0t0 {} protocol: TCP\n", n + 5, 70_000 + 3 * n));
    let header = "COMMAND PID USER FD TYPE DEVICE SIZE/OFF NODE NAME\nsystemd 1 root 3u unix 0xffff 0t0 900 type=STREAM\n";
    let links = "lrwxrwxrwx 1 root root 0 May 16 10:00 /proc/1/ns/net -> net:[4026531840]\n\
        lrwxrwxrwx 1 svc svc 0 May 16 10:00 /proc/2100/ns/net -> net:[4026532871]\n";
    let host = "sockets: used 520\nTCP: inuse 9 orphan 0 tw 0 alloc 412 mem 9\n";
    let told = |path: &str, inuse: u32| {
        let own = format!("sockets: used 420\nTCP: inuse {inuse} orphan 0 tw 0 alloc 412 mem 9\n");
        let lists = [member("lsof.txt", &format!("{header}{lsof}")), member("ns-net.txt", links), member("sockstat", host)];
        diagnose(&[&lists[..], &[member("sockstat6", "TCP6: inuse 3\n"), member(path, &own)]].concat()).verdict
    };
    for path in ["proc/2100/net/sockstat", "proc_2100_net_sockstat.txt", "proc/2100/net_sockstat"] {
        assert_eq!((told(path, 398), told(path, 40)), (Verdict::Healthy, Verdict::Inconclusive), "{path}");
    }
}

#[test]
fn one_of_several_listeners_of_a_port_stands_still() {
    let with = |others: u32| {
        let listener = |queue: u32| format!("LISTEN {queue} 4096 0.0.0.0:443 0.0.0.0:*\n");
        let table = [listener(others), listener(4097), listener(others)].concat();
        diagnose(&[ss("ss-ltn.txt", &table)]).findings.into_iter().flat_map(|f| f.claim.now).collect::<String>()
    };
    assert!(with(0).contains("one thread or worker"), "{}", with(0));
    assert!(!with(3000).contains("one thread or worker"), "all are behind");
}

#[test]
fn timers_beside_pipes_are_no_selectors() {
    let with = |name: &str| {
        let timers = rows(600, |n| {
            let (read, write, timer) = (3 * n + 5, 3 * n + 6, 3 * n + 7);
            format!(
                "lrwx------ 1 app app 64 Nov 22 14:19 {read} -> pipe:[{0}]\nl-wx------ 1 app app 64 Nov 22 14:19 {write} -> pipe:[{0}]\nlrwx------ 1 app app 64 Nov 22 14:19 {timer} -> {name}\n",
                90_000 + n
            )
        });
        diagnose(&[member("proc/1402/fd", &format!("total 0\n{timers}"))]).findings.iter().any(|f| f.claim.code == "selector-not-closed")
    };
    assert_eq!((with("anon_inode:[timerfd]"), with("anon_inode:inotify"), with("anon_inode:[eventpoll]")), (false, false, true));
}

/// A trace alone, of a program that opens unix sockets: in each round of its work, and with data on those of earlier rounds or not.
fn rounds(count: usize, wait: &str, again: bool) -> Verdict {
    let round = |n: usize| {
        let fd = 9 + n;
        let old = if again { format!("write({}, \"ping\\n\", 5) = 5\n", 9 + n / 2) } else { String::new() };
        format!(
            "socket(AF_UNIX, SOCK_STREAM, 0) = {fd}\nconnect({fd}, {{sa_family=AF_UNIX, sun_path=\"/run/store.sock\"}}, 110) = 0\nwrite({fd}, \"hello\\n\", 6) = 6\nread({fd}, \"ok\\n\", 64) = 3\n{old}{wait}"
        )
    };
    diagnose(&[member("strace.4711", &rows(count, round))]).verdict
}

#[test]
fn unix_sockets_of_a_pool_are_used_again() {
    let sleep = "nanosleep({tv_sec=10, tv_nsec=0}, NULL) = 0\n";
    assert_eq!(rounds(14, sleep, false), Verdict::Leak, "one in each round, and none used again");
    assert_ne!(rounds(14, sleep, true), Verdict::Leak, "used again");
    assert_ne!(rounds(30, "", false), Verdict::Leak, "opened at once, as a pool is");
    assert_ne!(rounds(6, sleep, false), Verdict::Leak, "too few");
}

/// Threads that open a unix socket each: those that end take no socket with them.
#[test]
fn threads_that_live_hold_what_they_opened() {
    let threads = |last: &str| {
        let thread = |n: usize| {
            let (tid, fd) = (6000 + n, 9 + n);
            format!(
                "{tid} socket(AF_UNIX, SOCK_STREAM|SOCK_CLOEXEC, 0) = {fd}\n{tid} connect({fd}, {{sa_family=AF_UNIX, sun_path=\"/run/names.sock\"}}, 110) = 0\n{tid} {last}\n"
            )
        };
        diagnose(&[member("trace.txt", &rows(24, thread))]).verdict
    };
    assert_eq!(threads("exit(0) = ?"), Verdict::Leak);
    assert_ne!(threads("getpid() = 6000"), Verdict::Leak);
}

/// `lsof -E` of a client with unix sockets under numbers up to one, whose other ends so many processes hold.
fn with_other_ends(first: usize, last: usize, holders: usize) -> Verdict {
    let row = |n: usize| {
        let (fd, inode) = (first + n, 90_000 + n * 9);
        format!(
            "client 5120 svc {fd}u unix 0xffff9237{inode:08x} 0t0 {inode} type=STREAM ->INO={} {},hub,{}u\n",
            inode + 1,
            700 + n % holders,
            10 + n
        )
    };
    diagnose(&[member("lsof-E.txt", &format!("$ lsof -E -p 5120\n{}", rows(last + 1 - first, row)))]).verdict
}

#[test]
fn a_client_that_fills_its_table_with_one_server_hoards() {
    assert_eq!(with_other_ends(40, 1023, 1), Verdict::Leak);
    assert_ne!(with_other_ends(40, 600, 1), Verdict::Leak, "hundreds may be a pool");
    assert_ne!(with_other_ends(40, 1023, 30), Verdict::Leak, "with many servers");
}

/// UDP sockets of one process in an lsof, from these numbers on, to one peer or to none.
fn datagrams(count: usize, peer: &str, log: bool) -> Diagnosis {
    let row = |n: usize| {
        format!(
            "app 5120 svc {}u IPv4 {} 0t0 UDP {}{peer}\n",
            4 + n,
            30_000 + n * 7,
            if peer.is_empty() { format!("*:{}", 40_001 + n * 13) } else { format!("10.0.0.5:{}", 40_001 + n * 13) }
        )
    };
    let emfile = member("app.log", "2026-04-01 10:00:00 ERROR Errno::EMFILE - Too many open files - socket(2)\n");
    let listing = member("lsof.txt", &format!("$ lsof -p 5120\n{}", rows(count, row)));
    diagnose(&if log { vec![listing, emfile] } else { vec![listing] })
}

#[test]
fn datagram_sockets_to_one_peer_leave_no_room() {
    assert_eq!(datagrams(60, "->10.0.0.9:5228", true).verdict, Verdict::Leak);
    assert_ne!(datagrams(60, "->10.0.0.9:5228", false).verdict, Verdict::Leak, "one for each thread");
    let run = |count| datagrams(count, "", false);
    assert_eq!((run(120).verdict, run(120).headline.contains("may leak at least 120 UDP")), (Verdict::Inconclusive, true));
    assert!(!run(20).headline.contains("may leak"));
}

/// Connects under way of one process to one remote, with so many inodes between two, by lsof.
fn connecting(count: usize, apart: usize, remotes: usize) -> Diagnosis {
    let row = |n: usize| {
        format!(
            "poller 5120 svc {}u IPv4 {} 0t0 TCP 10.0.0.5:{}->10.0.9.{}:2113 (SYN_SENT)\n",
            8 + n,
            70_000 + n * apart,
            40_001 + n * 60,
            n % remotes
        )
    };
    diagnose(&[member("lsof.txt", &format!("$ lsof -nP -p 5120\n{}", rows(count, row)))])
}

#[test]
fn connects_begun_one_by_one_are_no_burst() {
    let stuck = |told: Diagnosis| told.headline.contains("may leak");
    assert!(stuck(connecting(60, 40, 1)));
    assert!(!stuck(connecting(60, 1, 1)), "all at once");
    assert!(!stuck(connecting(60, 40, 30)), "to many");
    assert!(!stuck(connecting(12, 40, 1)), "a few");
    let counted = diagnose(&[member(
        "states.txt",
        "$ netstat -ant | awk '{print $6}' | sort | uniq -c\n    506 SYN_SENT\n     40 ESTABLISHED\n      9 LISTEN\n",
    )]);
    assert!(!stuck(counted), "a count tells no remote");
}

/// One listener in several programs was left to them by what started them; in workers of one it is shared on purpose.
#[test]
fn a_listener_in_several_programs_is_told() {
    let listing = |commands: [&str; 4]| {
        let row = |n: usize| format!("{} {} root 5u IPv4 23318 0t0 TCP *:5099 (LISTEN)\n", commands[n], 2200 + n);
        let diagnosis = diagnose(&[member("lsof.txt", &format!("$ lsof -nP -iTCP:5099\n{}", rows(4, row)))]);
        (diagnosis.findings.iter().any(|f| f.claim.code == "fd-inherited"), diagnosis.verdict == Verdict::Leak)
    };
    assert_eq!(listing(["initd", "nrped", "statd", "pathd"]), (true, false));
    assert_eq!(listing(["served", "served", "served", "served"]), (false, false));
}

/// A trace of a program that opens a socket in each round and closes one that it had opened before the trace began, or another kind of file.
fn traced_rounds(count: usize, old: impl Fn(usize) -> String) -> Member {
    let dial = "sa_family=AF_INET, sin_port=htons(9090), sin_addr=inet_addr(\"10.0.8.8\")";
    let round = |n: usize| {
        let fd = 20 + n;
        let end = old(n);
        format!(
            "nanosleep({{tv_sec=0, tv_nsec=9}}, NULL) = 0\nsocket(AF_INET, SOCK_STREAM|SOCK_CLOEXEC, IPPROTO_TCP) = {fd}\nconnect({fd}, {{{dial}}}, 16) = 0\nsendto({fd}, \"ask\", 3, 0, NULL, 0) = 3\n{end}"
        )
    };
    member("strace-90.txt", &rows(count, round))
}

#[test]
fn one_older_socket_closed_for_each_new_one_is_no_leak() {
    let table = rows(120, |n| format!("ESTAB 0 0 10.0.0.5:{} 10.0.8.8:9090 users:((\"feed\",pid=90,fd={}))\n", 40_000 + n, n + 6));
    let with = |old: &dyn Fn(usize) -> String| diagnose(&[ss("ss-tanp.txt", &table), traced_rounds(40, old)]).verdict;
    assert_ne!(with(&|n| format!("close({}) = 0\n", 21 + n)), Verdict::Leak, "the number of sockets stays");
    assert_eq!(with(&|_| String::new()), Verdict::Leak);
    let file = |n: usize| format!("openat(AT_FDCWD, \"/etc/hosts\", O_RDONLY) = {0}\nclose({0}) = 0\n", 21 + n);
    assert_eq!(with(&file), Verdict::Leak, "what is closed is a file");
    let seldom = |n: usize| if n.is_multiple_of(8) { format!("close({}) = 0\n", 100 + n) } else { String::new() };
    assert_eq!(with(&seldom), Verdict::Leak, "a few older ones go");
}

#[test]
fn a_backlog_whose_descriptors_are_closed_is_no_leak() {
    let listener = "LISTEN 0 128 0.0.0.0:8080 0.0.0.0:* users:((\"served\",pid=90,fd=3))\n";
    let table = ss("ss-tanp.txt", &format!("{listener}{}", closed(300, 0, "", 9_000_000)));
    let with = |call: &dyn Fn(usize) -> String| diagnose(&[table.clone(), member("strace-90.txt", &rows(40, call))]).verdict;
    let taken = |n: usize| format!("recvfrom({0}, \"GET /\", 300, 0, NULL, NULL) = 300\nclose({0}) = 0\n", n + 5);
    assert_ne!(with(&taken), Verdict::Leak);
    let others = |n: usize| format!("recvfrom({0}, \"GET /\", 300, 0, NULL, NULL) = 300\nclose({0}) = 0\n", n + 400);
    assert_eq!(with(&others), Verdict::Leak, "of other connections");
    let replaced = |n: usize| format!("{}accept4(3, NULL, NULL, SOCK_CLOEXEC) = {}\n", taken(n), n + 5);
    assert_eq!(with(&replaced), Verdict::Leak, "the rows may be of those that came");
}

/// Rows of `/proc/net/tcp` of accepted connections, one for each inode.
fn kernel_rows(inodes: impl Iterator<Item = usize>) -> String {
    let head = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n";
    let row = |(n, inode): (usize, usize)| {
        format!("{n:4}: 0300580A:1F90 0900580A:{:04X} 01 00000000:00000000 00:00000000 00000000  1000        0 {inode} 1 0\n", 40_000 + n)
    };
    head.to_string() + &inodes.enumerate().map(row).collect::<String>()
}

/// A host's directory lists the descriptors of a container's process, and beside it one has the tables of its namespace.
#[test]
fn a_directory_seen_inside_of_a_container_is_of_its_host() {
    let with = |inner: &str, inodes: fn(usize) -> usize| {
        let links = rows(120, |n| format!("lrwx------ 1 root root 64 Nov 20 10:00 {} -> socket:[{}]\n", n + 4, 60_000 + 3 * n));
        let unlisted = rows(120, |n| format!("shop 2100 svc {}u sock 0,8 0t0 {} protocol: TCP\n", n + 4, 60_000 + 3 * n));
        diagnose(&[
            member("node/fd_2100.txt", &format!("total 0\n{links}")),
            member("node/lsof.txt", &format!("COMMAND PID USER FD TYPE DEVICE SIZE/OFF NODE NAME\n{unlisted}")),
            member("node/proc_net_tcp.txt", &kernel_rows((0..9).map(|n| 900 + n))),
            member("node/hostname.txt", "node-4\n"),
            member(&format!("pod/{inner}"), &kernel_rows((0..120).map(inodes))),
            member("pod/hostname.txt", "shop-7d9f\n"),
        ])
    };
    let told = with("proc_2100_net_tcp.txt", |n| 60_000 + 3 * n);
    assert_ne!(told.verdict, Verdict::Leak, "{}", told.headline);
    assert_eq!(told.reports.len(), 1, "{}", told.headline);
    assert_eq!(with("proc_2100_net_tcp.txt", |n| 90_000 + n).reports.len(), 2, "other sockets, and another name");
    assert_eq!(with("proc_1_net_tcp.txt", |n| 60_000 + 3 * n).reports.len(), 2, "no process is named");
}

/// Sockets of one process to one end, for which one would do, are a question; those of many workers are not.
#[test]
fn datagram_sockets_to_one_end_are_a_question() {
    let sockstat = member("sockstat", "sockets: used 190\nTCP: inuse 5 orphan 0 tw 0 alloc 6 mem 1\nUDP: inuse 150 mem 2\n");
    let with = |pids: usize, peers: usize| {
        let row = |n: usize| {
            let users = format!("users:((\"lookd\",pid={},fd={}))", 300 + n % pids, 5 + n);
            format!("udp ESTAB 0 0 10.0.0.5:{} 10.0.{}.53:53 {users}\n", 33_000 + 7 * n, n % peers)
        };
        let table = format!("Netid State Recv-Q Send-Q Local Address:Port Peer Address:Port Process\n{}", rows(150, row));
        let quiet = "tcp LISTEN 0 128 0.0.0.0:22 0.0.0.0:* users:((\"sshd\",pid=80,fd=3))\n";
        let unix = "u_str LISTEN 0 128 /run/bus 812 * 0 users:((\"busd\",pid=81,fd=3))\n";
        diagnose(&[
            member("ss-anp.txt", &format!("{table}{quiet}{unix}")),
            sockstat.clone(),
            member("sockstat6", "TCP6: inuse 0\nUDP6: inuse 0\n"),
        ])
    };
    let open = |told: Diagnosis| told.reports.iter().flat_map(|r| &r.unjudged).any(|u| u.says.contains("UDP sockets connected to"));
    assert!(open(with(1, 1)));
    assert!(!open(with(30, 1)), "a few in each of many");
    assert!(!open(with(1, 75)), "to many ends");
}

/// Two descriptors a turn that are no sockets, closed or not, and those that the process has open.
fn turns(close: bool) -> Member {
    let turn = |n: usize| {
        let (a, at) = (450 + 2 * n, 10 + n);
        let closes = if close { format!("10:00:{at}.3 close({a}) = 0\n10:00:{at}.4 close({}) = 0\n", a + 1) } else { String::new() };
        format!("10:00:{at}.1 eventfd2(0, EFD_NONBLOCK) = {a}\n10:00:{at}.2 timerfd_create(CLOCK_MONOTONIC, 0) = {}\n{closes}", a + 1)
    };
    member("strace-77.txt", &format!("strace: Process 77 attached\n{}", rows(8, turn)))
}

#[test]
fn what_is_no_socket_piles_up_too() {
    let open = |count: usize, close: bool| {
        let row =
            |n: usize| format!("tickd 77 svc {}u a_inode 0,14 0 10 [{}]\n", n + 4, if n.is_multiple_of(2) { "eventfd" } else { "timerfd" });
        let head = "COMMAND PID USER FD TYPE DEVICE SIZE/OFF NODE NAME\nsystemd 1 root 3u unix 0xffff 0t0 900 type=STREAM\n";
        let told = diagnose(&[member("lsof.txt", &format!("{head}{}", rows(count, row))), turns(close)]);
        told.reports.iter().flat_map(|r| &r.unjudged).any(|u| u.says.contains("are no sockets"))
    };
    assert!(open(400, false));
    assert!(!open(400, true), "each is closed");
    assert!(!open(40, false), "a few");
}

/// No inotify instance is left, in the words of a full descriptor table.
#[test]
fn another_limit_than_that_of_descriptors() {
    let lsof = rows(110, |n| format!("seed 61 svc {}r a_inode 0,14 0 10 inotify\n", n + 4));
    let told = |line: &str| {
        diagnose(&[
            member("lsof.txt", &format!("COMMAND PID USER FD TYPE DEVICE SIZE/OFF NODE NAME\n{lsof}")),
            member(
                "proc/61/limits",
                "Limit                     Soft Limit           Hard Limit           Units\nMax open files            9000                 9000                 files\n",
            ),
            member("seed.log", &format!("2026-11-29 10:00:07 seed[61]: {line}\n")),
        ])
    };
    let full = told("fsnotify: too many open files");
    assert_eq!(full.verdict, Verdict::Inconclusive);
    assert!(full.headline.contains("110 of 9,000 descriptors"), "{}", full.headline);
    assert!(!told("watching 110 directories").headline.contains("inotify"));
}

/// A listener for each session that a trace does not see closed: perhaps a leak, perhaps sessions that last.
#[test]
fn a_listener_for_each_session() {
    let turn = |n: usize| {
        let (fd, at) = (124 + n, 10 + n);
        format!(
            "10:00:{at}.1 socket(AF_UNIX, SOCK_STREAM|SOCK_CLOEXEC, 0) = {fd}\n10:00:{at}.2 bind({fd}, {{sa_family=AF_UNIX, sun_path=\"/run/talk/{n}\"}}, 15) = 0\n10:00:{at}.3 listen({fd}, 4) = 0\n"
        )
    };
    let with = |close: bool| {
        let close = |n: usize| if close { format!("10:00:{}.4 close({}) = 0\n", 10 + n, 124 + n) } else { String::new() };
        let listed =
            rows(120, |n| format!("talkd 88 svc {}u unix 0xff{n:04} 0t0 {} /run/talk/a{n} type=STREAM (LISTEN)\n", n + 4, 7000 + n));
        diagnose(&[
            member("lsof.txt", &format!("COMMAND PID USER FD TYPE DEVICE SIZE/OFF NODE NAME\n{listed}")),
            member("strace-88.txt", &format!("strace: Process 88 attached\n{}", rows(8, |n| turn(n) + &close(n)))),
        ])
    };
    let open = with(false);
    assert_eq!((open.verdict, blames(&open, "talkd")), (Verdict::Inconclusive, true), "{}", open.headline);
    assert!(!blames(&with(true), "talkd"));
}

/// Connections of a hidden holder may be at work; what their peers have closed comes first.
#[test]
fn connections_at_work_do_not_hide_what_is_left_over() {
    let table = |gone: usize| {
        let live = rows(400, |n| format!("ESTAB 0 0 10.0.0.5:443 10.7.{}.4:{} uid:1002 ino:{} sk:{n}\n", n % 90, 30_000 + n, 7000 + n));
        let left = rows(gone, |n| format!("CLOSE-WAIT 1 0 10.0.0.5:{} 10.9.0.2:8443 uid:1001 ino:{} sk:{n}\n", 40_000 + n, 9000 + n));
        let own = "LISTEN 0 9 127.0.0.1:99 0.0.0.0:* users:((\"sh\",pid=90,fd=3)) ino:12 sk:1\n";
        diagnose(&[ss("ss-tanpe.txt", &format!("{own}{live}{left}"))])
    };
    assert!(table(150).headline.contains("150 TCP sockets in CLOSE-WAIT"), "{}", table(150).headline);
}

#[test]
fn orphans_at_their_limit_are_no_want_of_buffers() {
    let with = |orphans: u32, pages: u32| {
        let sockstat = format!("sockets: used 900\nTCP: inuse 800 orphan {orphans} tw 9 alloc 900 mem {pages}\n");
        let sysctl = "net.ipv4.tcp_mem = 21182 28243 42360\nnet.ipv4.tcp_max_orphans = 65536\n";
        let log = "[7745513.118034] Out of socket memory\n";
        let told = diagnose(&[member("sockstat.txt", &sockstat), member("sysctl.txt", sysctl), member("dmesg.txt", log)]);
        told.reports.iter().flat_map(|r| &r.ruled_out).any(|r| r.code == "tcp-memory" && r.exclusion.out)
    };
    assert_eq!((with(65_738, 22_016), with(65_738, 28_500), with(900, 22_016)), (true, false, false));
}

#[test]
fn what_a_table_of_the_container_lists_is_not_left_over() {
    let lsof = format!(
        "COMMAND PID USER FD TYPE DEVICE SIZE/OFF NODE NAME\n{}",
        rows(60, |n| format!("shopd 795 root {}u sock 0,9 0t0 {} protocol: TCP\n", n + 3, 351_000 + n))
    );
    let inside = |count: usize| {
        format!(
            "Active Internet connections (servers and established)\nProto Recv-Q Send-Q Local Address Foreign Address State PID/Program name\n{}",
            rows(count, |n| format!("tcp 0 0 172.17.0.3:8080 172.17.0.9:{} ESTABLISHED 795/shopd\n", 40_000 + n))
        )
    };
    let with = |count: usize| diagnose(&[member("lsof.txt", &lsof), member("netstat-in-container.txt", &inside(count))]).verdict;
    assert_ne!(with(60), Verdict::Leak, "these are its connections");
    assert_eq!(with(1), Verdict::Leak, "one of 60 is not");
}

/// A trace of a program that opens connections to one end and closes them, but for those that `left` tells.
fn requests(left: impl Fn(usize) -> bool, older: usize) -> String {
    let mut text = String::new();
    let mut open = 40;
    for n in 0..40 {
        text.push_str(&format!("10:00:0{}.000000 socket(AF_INET, SOCK_STREAM|SOCK_CLOEXEC, IPPROTO_IP) = {open}\n", n / 10));
        text.push_str(&format!(
            "10:00:0{}.100000 connect({open}, {{sa_family=AF_INET, sin_port=htons(8000), sin_addr=inet_addr(\"10.3.6.6\")}}, 16) = 0\n",
            n / 10
        ));
        text.push_str(&format!("10:00:0{}.200000 write({open}, \"GET /\", 5) = 5\n", n / 10));
        if n < older {
            text.push_str(&format!("10:00:0{}.300000 close({}) = 0\n", n / 10, 20 + n));
        }
        match left(n) {
            true => open += 1,
            false => text.push_str(&format!("10:00:0{}.300000 close({open}) = 0\n", n / 10)),
        }
    }
    text
}

#[test]
fn requests_under_way_are_not_forgotten() {
    let table = rows(37, |n| format!("ESTAB 0 0 10.0.0.5:{} 10.3.6.6:8000 users:((\"ratesd\",pid=90,fd={}))\n", 41_000 + n * 2, n + 3));
    let with = |trace: &str| diagnose(&[ss("ss-tanp.txt", &table), member("strace-90.txt", trace)]);
    let told = with(&requests(|n| n % 5 == 4, 0));
    assert_eq!(told.verdict, Verdict::Leak, "every fifth is forgotten: {}", told.headline);
    let told = with(&requests(|n| n % 5 == 4, 8));
    assert_ne!(told.verdict, Verdict::Leak, "as many older ones were closed: {}", told.headline);
    let told = with(&requests(|_| false, 0));
    assert_ne!(told.verdict, Verdict::Leak, "all are closed: {}", told.headline);
}
