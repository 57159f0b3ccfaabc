//! What reports say of captures that lack something, tried on texts written for it: no more than the capture shows, and no less.

mod sample;

use sample::{Member, diagnose};
use sockdiag::causes::Class;
use sockdiag::diagnosis::{Diagnosis, Finding};
use sockdiag::ledger::Kind;

fn member(path: &str, text: &str) -> Member {
    Member { path: path.to_string(), text: text.as_bytes().to_vec() }
}

/// What is said of a usual suspect, and whether it is ruled out.
fn suspected<'d>(diagnosis: &'d Diagnosis, code: &str) -> (bool, &'d str) {
    let told = diagnosis.reports.iter().flat_map(|r| &r.ruled_out).find(|r| r.code == code).expect("a usual suspect");
    (told.exclusion.out, &told.exclusion.says)
}

fn limits(soft: u32) -> String {
    format!(
        "Limit                     Soft Limit           Hard Limit           Units     \n\
         Max processes             127187               127187               processes \n\
         Max open files            {soft:<20} 524288               files     \n"
    )
}

/// Rows of ss with holders: a listener, and connections that their peers have closed.
fn close_wait(pid: u32, count: u32) -> String {
    let mut text = String::from("State Recv-Q Send-Q Local Address:Port Peer Address:Port Process\n");
    text.push_str(&format!("LISTEN 0 128 0.0.0.0:7443 0.0.0.0:* users:((\"gated\",pid={pid},fd=3))\n"));
    for n in 0..count {
        text.push_str(&format!(
            "CLOSE-WAIT 1 0 10.0.0.5:7443 10.0.9.{}:{} users:((\"gated\",pid={pid},fd={}))\n",
            n % 250,
            20_000 + n,
            4 + n
        ));
    }
    text
}

/// The limit is there: what lacks is how many descriptors the process has, and each socket is one.
#[test]
fn a_limit_without_a_count_of_descriptors() {
    let table = member("ss-tanp.txt", &close_wait(4242, 300));
    let told = diagnose(&[table.clone(), member("limits-4242.txt", &limits(4096))]);
    let (out, says) = suspected(&told, "fd-limit-too-low");
    assert!(!out && says.contains("gated (pid 4242) has at least 301 of at most 4,096"), "{says}");
    assert!(!says.contains("limits"), "{says}");
    let alone = diagnose(std::slice::from_ref(&table));
    let (_, says) = suspected(&alone, "fd-limit-too-low");
    assert!(says.contains("/proc/PID/limits"), "{says}");
    // So few that are left make the limit near, whatever else is open.
    let near = diagnose(&[table, member("limits-4242.txt", &limits(310))]);
    assert!(suspected(&near, "fd-limit-too-low").1.contains("is reached"), "{near:?}");
}

/// A count that somebody made with a pipeline, of a process that nothing else shows.
#[test]
fn descriptors_counted_by_a_pipeline() {
    let paste =
        format!("$ ls /proc/18244/fd | wc -l\n587\n$ grep 'open files' /proc/18244/limits\n{}", limits(65_535).lines().last().unwrap());
    let told = diagnose(&[member("thread.md", &paste)]);
    let (out, says) = suspected(&told, "fd-limit-too-low");
    assert!(out && says.contains("587 of at most 65,535"), "{says}");
}

/// `lsof -i` shows no files: how many descriptors there are, it does not say.
#[test]
fn sockets_alone_are_not_all_descriptors() {
    let mut text = String::from("COMMAND PID USER FD TYPE DEVICE SIZE/OFF NODE NAME\n");
    for n in 0..300 {
        text.push_str(&format!(
            "java 15201 svc {}u IPv6 {} 0t0 TCP 10.0.0.5:{}->10.0.9.7:443 (CLOSE_WAIT)\n",
            7 + n,
            70_000 + n,
            33_000 + n
        ));
    }
    let told = diagnose(&[member("lsof.txt", &text), member("ulimit-15201.txt", &limits(16_384))]);
    let (out, says) = suspected(&told, "fd-limit-too-low");
    assert!(!out && says.contains("at least 300 of at most 16,384"), "{says}");
}

fn found<'d>(diagnosis: &'d Diagnosis, code: &str) -> &'d Finding {
    diagnosis.findings.iter().find(|f| f.claim.code == code).unwrap_or_else(|| panic!("{code}: {}", diagnosis.headline))
}

/// All that is said for a finding.
fn said(finding: &Finding) -> String {
    finding.claim.evidence.iter().map(|e| e.says.as_str()).collect::<Vec<_>>().join("\n")
}

const SS: &str = "State Recv-Q Send-Q Local Address:Port Peer Address:Port Process\n";

/// Rows of connections from ports of the default range to one remote.
fn opened(state: &str, count: u32, from: u32) -> String {
    (from..from + count).map(|n| format!("{state} 0 0 10.0.0.5:{} 10.4.4.4:8080\n", 32_768 + n)).collect()
}

/// What takes the ports is said as it is, with the remote: connections in use, TIME-WAIT entries, or both.
#[test]
fn ports_are_taken_by_what_the_rows_say() {
    let taken = |rows: String| diagnose(&[member("ss-tan.txt", &format!("{SS}{rows}"))]);
    let live = taken(opened("ESTAB", 27_900, 0));
    let exhausted = found(&live, "port-exhaustion");
    assert_eq!((exhausted.claim.kind, exhausted.claim.count), (Some(Kind::Established), Some(27_900)));
    assert!(live.headline.contains("toward 10.4.4.4:8080"), "{}", live.headline);
    let both = taken(opened("ESTAB", 20_000, 0) + &opened("TIME-WAIT", 7900, 20_000));
    let exhausted = found(&both, "port-exhaustion");
    assert_eq!(exhausted.claim.kind, None);
    assert!(said(exhausted).contains(": 20,000 ESTAB, 7,900 TIME-WAIT"), "{}", said(exhausted));
    let waiting = taken(opened("TIME-WAIT", 27_900, 0));
    assert_eq!(found(&waiting, "port-exhaustion").claim.kind, Some(Kind::TimeWait));
    assert!(found(&waiting, "time-wait-buildup").claim.now.iter().all(|n| !n.starts_with("nothing")));
    assert!(waiting.next.iter().all(|m| !m.command.contains("lsof")), "nobody holds them: {:?}", waiting.next);
}

/// A count by peer names the remote as rows would.
#[test]
fn the_remote_of_a_count_by_peer() {
    let counted = "$ ss -tan state time-wait | awk 'NR>1{print $4}' | sort | uniq -c | sort -rn | head -3\n  28085 10.4.4.4:8080\n      2 10.9.9.9:40112\n";
    let told = diagnose(&[member("session.txt", counted)]);
    assert_eq!(found(&told, "port-exhaustion").claim.remotes.first().map(|r| r.endpoint.as_str()), Some("10.4.4.4:8080"));
    assert!(!told.headline.contains("no leak"), "nothing shows that: {}", told.headline);
}

/// A proxy that listens on many ports has as many local ends of clients as of upstreams: those it listens on were accepted.
#[test]
fn upstreams_of_a_proxy_with_many_listeners() {
    let mut rows = String::from(SS);
    for n in 0..20 {
        rows.push_str(&format!("LISTEN 0 511 0.0.0.0:{} 0.0.0.0:* users:((\"edge\",pid=77,fd={}))\n", 9400 + n, 3 + n));
        let client = format!("10.0.7.{n}:{}", 50_000 + n);
        rows.push_str(&format!("ESTAB 0 0 10.0.0.5:{} {client} users:((\"edge\",pid=77,fd={}))\n", 9400 + n, 30 + n));
    }
    for n in 0..6 {
        rows.push_str(&format!("ESTAB 0 0 10.0.0.5:{} 10.4.4.4:8080 users:((\"edge\",pid=77,fd={}))\n", 40_000 + n, 60 + n));
    }
    let told = diagnose(&[member("ss-tanp.txt", &rows)]);
    let (out, says) = suspected(&told, "port-exhaustion");
    assert!(out && says.contains("at most 6 local ports are used to 10.4.4.4:8080"), "{says}");
}

/// A line of the kernel's log tells of one limit, and nothing of leaks.
#[test]
fn a_limit_alone_does_not_say_that_nothing_leaks() {
    let line = "[12345.678901] nf_conntrack: nf_conntrack: table full, dropping packet\n";
    let told = diagnose(&[member("dmesg.txt", &line.repeat(40))]);
    assert!(told.headline.contains("table of connections is full") && !told.headline.contains("no leak"), "{}", told.headline);
}

/// Without the privilege to see holders every row lacks one, accepted or not.
#[test]
fn a_queue_seen_by_a_user() {
    let mut table = String::from(
        "(Not all processes could be identified, non-owned process info\n will not be shown, you would have to be root to see it all.)\n\
         Active Internet connections (servers and established)\n\
         Proto Recv-Q Send-Q Local Address           Foreign Address         State       PID/Program name\n\
         tcp      200      0 0.0.0.0:8000            0.0.0.0:*               LISTEN      -\n",
    );
    for n in 0..204 {
        let peer = format!("10.0.9.{n}:50000");
        table.push_str(&format!("tcp        0      0 10.0.0.5:8000           {peer:<23} ESTABLISHED -\n"));
    }
    let readings = |from: u32| {
        format!("$ nstat -az TcpPassiveOpens TcpExtListenOverflows\n#kernel\nTcpPassiveOpens 88121 0.0\nTcpExtListenOverflows {from} 0.0\n")
    };
    let told = diagnose(&[member("netstat-anp.txt", &table)]);
    let full = found(&told, "backlog-overflow");
    assert!(!said(full).contains("no owner") && full.claim.count == Some(200), "{}", said(full));
    let twice = member("session.txt", &format!("{}$ sleep 60\n{}", readings(20_417), readings(21_088)));
    let told = diagnose(&[member("netstat-anp.txt", &table), twice]);
    assert!(said(found(&told, "accept-stalled")).contains("overflowed 671 times"), "{}", told.headline);
}

fn lsof_of_three() -> String {
    let mut text = String::from("COMMAND PID USER FD TYPE DEVICE SIZE/OFF NODE NAME\n");
    for (pid, name) in [(1, "init"), (2, "sshd"), (3, "cron"), (40, "gated")] {
        text.push_str(&format!("{name:8} {pid} root 0u CHR 1,3 0t0 4 /dev/null\n"));
    }
    text
}

fn books(closed: u32) -> Member {
    let text = format!("Total: {}\nTCP:   {} (estab 22, closed {closed}, orphaned 0, timewait 0)\n", closed + 60, closed + 40);
    member("ss-s.txt", &text)
}

/// Whoever stands behind the cut of a listing was not looked at, which no privilege mends.
#[test]
fn a_listing_that_ends_inside_a_row() {
    let whole = diagnose(&[member("lsof.txt", &lsof_of_three()), books(5429)]);
    assert!(whole.reports[0].coverage.all_descriptors);
    let told = diagnose(&[member("lsof.txt", &(lsof_of_three() + "gated    4")), books(5429)]);
    let report = &told.reports[0];
    assert!(!report.coverage.all_descriptors);
    assert!(report.remarks.iter().any(|(says, _)| says.contains("lsof.txt ends inside a row: it is cut after gated (pid 40)")));
    let now = &found(&told, "owner-not-visible").claim.now;
    assert!(now.iter().any(|n| n.starts_with("repeat the listing")) && now.iter().all(|n| !n.contains("root")), "{now:?}");
    // A paste without its last line end is whole.
    assert!(diagnose(&[member("lsof.txt", lsof_of_three().trim_end()), books(5429)]).reports[0].coverage.all_descriptors);
}

/// What a sentence counts stands in the line it quotes: a bound of another moment, a few below, is no better count.
#[test]
fn the_count_of_a_sentence_is_that_of_its_line() {
    let told = diagnose(&[
        member("lsof.txt", &lsof_of_three()),
        member(
            "ss-s.txt",
            "Total: 14190\nTCP:   14177 (estab 27, closed 14146, orphaned 0, timewait 0)\n\nTransport Total     IP        IPv6\nTCP\t  31        28        3\nUDP\t  16        16        0\n",
        ),
    ]);
    let hidden = found(&told, "owner-not-visible");
    assert!(said(hidden).starts_with("14,146 TCP sockets exist in no table"), "{}", said(hidden));
    assert_eq!(hidden.claim.count, Some(14_146));
}

/// Rows that name their holder leave nothing for another tool to name; and a SYN that nobody answers is given up after two minutes, so that a
/// rise of half a minute does not go on.
#[test]
fn connects_that_wait() {
    let sample = |at: &str, count: u32| {
        let rows: String = (0..count)
            .map(|n| {
                format!(
                    "SYN-SENT 0 1 10.0.0.5:{} 10.66.1.20:2003 users:((\"relay\",pid=4242,fd={})) timer:(on,15sec,3)\n",
                    33_000 + n,
                    10 + n
                )
            })
            .collect();
        [
            member(&format!("{at}/ss-tanpo.txt"), &format!("{SS}{rows}")),
            member(&format!("{at}/date.txt"), &format!("2026-11-24T03:40:{at}Z\n")),
        ]
    };
    let told = diagnose(&[sample("00", 212), sample("30", 332)].concat());
    let stuck = found(&told, "connect-stuck");
    assert!(said(stuck).contains("120 more in 30 s") && !said(stuck).contains("is reached"), "{}", said(stuck));
    assert!(told.next.iter().all(|m| !m.command.contains("lsof")), "{:?}", told.next);
}

/// A file of limits that names no process is no shell's, and is not lost: whose it is stays open.
#[test]
fn limits_of_a_process_that_the_file_does_not_name() {
    let table = member("ss-tanp.txt", &close_wait(4242, 300));
    let told = diagnose(&[table.clone(), member("limits.txt", &limits(4096))]);
    let (out, says) = suspected(&told, "fd-limit-too-low");
    let want =
        "the limits in limits.txt name no process; if they are of gated (pid 4242), at least 301 of at most 4,096 descriptors are open";
    assert!(!out && says.contains(want), "{says}");
    let shell = told.reports.iter().flat_map(|r| &r.checks).find(|c| c.code == "shell-limit-vs-descriptors").expect("a check");
    assert_eq!(shell.status, sockdiag::checks::Status::Skipped, "{}", shell.says);
    // Two that differ are of two processes, of which either may be the one.
    let two = diagnose(&[table, member("a/limits", &limits(4096)), member("b/limits", &limits(1024))]);
    let (_, says) = suspected(&two, "fd-limit-too-low");
    assert!(says.contains("2 captured limits name no process"), "{says}");
}

/// Unowned connections, the unix sockets between a sender and a receiver that never takes them, and the sender's trace.
fn in_flight() -> [Member; 3] {
    let mut tcp = String::from(SS);
    tcp.push_str("LISTEN 0 128 10.0.0.5:7000 0.0.0.0:* users:((\"frontd\",pid=2210,fd=3)) uid:120 ino:400001 sk:1 <->\n");
    tcp.push_str("ESTAB 0 0 10.0.0.5:22 10.0.9.9:51822 users:((\"sshd\",pid=3107,fd=4)) ino:400002 sk:2 <->\n");
    for n in 0..250 {
        tcp.push_str(&format!("ESTAB 44 0 10.0.0.5:7000 10.0.9.{n}:{} uid:120 ino:{} sk:{:x} <->\n", 40_000 + n, 410_000 + n, 16 + n));
    }
    let unix = "Netid State Recv-Q Send-Q Local Address:Port Peer Address:Port Process\n\
        u_str ESTAB 0 0 * 409001 * 409002 users:((\"frontd\",pid=2210,fd=5))\n\
        u_str ESTAB 250 0 * 409002 * 409001 users:((\"backd\",pid=2215,fd=3))\n";
    let mut trace = String::new();
    for n in 0..6 {
        trace.push_str(&format!(
            "07:07:0{n}.1 accept4(3, {{sa_family=AF_INET, sin_port=htons(4{n}000), sin_addr=inet_addr(\"10.0.9.3\")}}, [128 => 16], SOCK_CLOEXEC) = 4\n\
             07:07:0{n}.2 sendmsg(5, {{msg_name=NULL, msg_namelen=0, msg_iov=[{{iov_base=\"C\", iov_len=1}}], msg_iovlen=1, msg_control=[{{cmsg_len=20, \
             cmsg_level=SOL_SOCKET, cmsg_type=SCM_RIGHTS, cmsg_data=[4]}}], msg_controllen=24, msg_flags=0}}, MSG_NOSIGNAL) = 1\n\
             07:07:0{n}.3 close(4) = 0\n"
        ));
    }
    [member("ss-tanpe.txt", &tcp), member("ss-xanp.txt", unix), member("strace-2210.txt", &trace)]
}

/// Sockets in flight are one finding: that nobody holds them is what in flight means. Who should receive them is named.
#[test]
fn sockets_in_flight_are_told_once() {
    let told = diagnose(&in_flight());
    let codes: Vec<&str> = told.findings.iter().map(|f| f.claim.code).collect();
    assert_eq!(codes, ["in-flight"], "{}", told.headline);
    let finding = found(&told, "in-flight");
    assert!(
        said(finding).contains("250 bytes wait unread in a unix socket of backd (pid 2215), the other end of one of frontd's"),
        "{}",
        said(finding)
    );
    assert!(finding.claim.now.iter().any(|n| n.contains("restart backd (pid 2215)")), "{:?}", finding.claim.now);
    let [tcp, _, _] = in_flight();
    assert!(diagnose(&[tcp]).findings.iter().any(|f| f.claim.code == "owner-not-visible"));
}

/// Handlers of a Go program in one place, the first of which came last.
fn goroutines(count: u32) -> String {
    let mut text = String::new();
    for n in 0..count {
        text.push_str(&format!(
            "goroutine {} [chan receive, {} minutes]:\nmain.(*renderers).acquire(0xc0000b6230)\n\t/src/pool.go:44 +0x9a\n\
             net/http.(*conn).serve(0xc000000000)\n\t/usr/go/src/net/http/server.go:2009 +0x612\n\n",
            40 + n,
            2 + n % 128
        ));
    }
    text
}

/// As many handlers in one place as connections they hold tell why these stay: no trace would tell more.
#[test]
fn a_dump_of_the_handlers_that_hold_the_connections() {
    let table = member("ss-tanp.txt", &close_wait(4242, 300));
    let told = diagnose(&[table.clone(), member("goroutines.txt", &goroutines(303))]);
    let finding = found(&told, "accept-not-closed");
    let want =
        "a thread dump has 303 goroutines in main.(*renderers).acquire (chan receive, up to 129 minutes), as many as the 300 sockets";
    assert!(said(finding).contains(want), "{}", said(finding));
    assert_eq!(finding.grade.grade.word(), "strong", "{:?}", finding.grade.because);
    assert!(finding.claim.missing.iter().all(|m| !m.command.contains("strace")), "{:?}", finding.claim.missing);
    assert!(finding.claim.fix.iter().any(|f| f.contains("main.(*renderers).acquire")), "{:?}", finding.claim.fix);
    // A number that is merely near may be chance.
    let near = diagnose(&[table, member("goroutines.txt", &goroutines(335))]);
    assert!(found(&near, "accept-not-closed").claim.missing.iter().any(|m| m.command.contains("strace")));
}

fn jstack(blocked: u32) -> String {
    let mut text = String::from("Full thread dump OpenJDK 64-Bit Server VM (25.352-b08 mixed mode):\n\n");
    for n in 0..blocked {
        text.push_str(&format!(
            "\"exec-{n}\" #{} daemon prio=5 os_prio=0 tid=0x00007f9d50000000 nid=0x{:x} waiting for monitor entry [0x00007f9d10000000]\n   \
             java.lang.Thread.State: BLOCKED (on object monitor)\n\tat com.example.Prices.lookup(Prices.java:77)\n\
             \tat java.lang.Thread.run(Thread.java:750)\n\n",
            60 + n,
            0x4300 + n
        ));
    }
    text
}

/// A dump that is there is not asked for, and the place where the handlers stand is named.
#[test]
fn a_thread_dump_that_was_captured_is_not_asked_for() {
    let mut text = close_wait(4242, 300).replace("LISTEN 0 128", "LISTEN 129 128");
    for n in 0..50 {
        text.push_str(&format!("ESTAB 90 0 10.0.0.5:7443 10.0.8.{n}:{} users:((\"gated\",pid=4242,fd={}))\n", 41_000 + n, 400 + n));
    }
    for n in 0..129 {
        text.push_str(&format!("CLOSE-WAIT 91 0 10.0.0.5:7443 10.0.7.{n}:{}\n", 42_000 + n));
    }
    let table = member("ss-tanp.txt", &text);
    let asked = diagnose(std::slice::from_ref(&table));
    assert!(found(&asked, "accept-stalled").claim.now.iter().any(|n| n.contains("take a thread dump")));
    let told = diagnose(&[table, member("jstack.txt", &jstack(350))]);
    let stalled = found(&told, "accept-stalled");
    assert!(stalled.claim.now.iter().all(|n| !n.contains("take a thread dump")), "{:?}", stalled.claim.now);
    assert!(said(stalled).contains("the thread dump has 350 threads in com.example.Prices.lookup"), "{}", said(stalled));
    // Those whose clients have left and those whose clients still wait are in the same hands.
    let leak = found(&told, "accept-not-closed");
    let want =
        "350 threads in com.example.Prices.lookup(Prices.java:77) (BLOCKED (on object monitor)), as many as the 300 sockets and 50 more";
    assert!(said(leak).contains(want), "{}", said(leak));
}

/// What is counted is named by what it is.
#[test]
fn what_a_count_counts_is_named() {
    let mut text = close_wait(4242, 150).replace("LISTEN 0 128", "LISTEN 129 128");
    for n in 0..129 {
        text.push_str(&format!("CLOSE-WAIT 91 0 10.0.0.5:7443 10.0.7.{n}:{}\n", 42_000 + n));
    }
    let told = diagnose(&[member("ss-tanp.txt", &text)]);
    let says = sockdiag::diagnosis::note_sentence(found(&told, "accept-stalled"));
    assert!(says.contains("(129 connections)"), "{says}");
}

/// Where connects fail for want of a port, the range that was captured and the kernel's count of what takes it are set beside each other.
#[test]
fn ports_that_a_trace_says_are_used_up() {
    let mut trace = String::new();
    for n in 0..6 {
        trace.push_str(&format!(
            "17:31:4{n}.1 socket(AF_INET, SOCK_STREAM, IPPROTO_TCP) = 49\n17:31:4{n}.2 connect(49, {{sa_family=AF_INET, sin_port=htons(6379), \
             sin_addr=inet_addr(\"10.6.0.9\")}}, 16) = -1 EADDRNOTAVAIL (Cannot assign requested address)\n17:31:4{n}.3 close(49) = 0\n"
        ));
    }
    let ss = "Total: 201\nTCP:   10033 (estab 31, closed 9999, orphaned 0, timewait 9999)\n";
    let members = [
        member("strace-5150.txt", &trace),
        member("ss-s.txt", ss),
        member("ip_local_port_range", "50000\t59999\n"),
        member("comm-5150", "cart\n"),
    ];
    let told = diagnose(&members);
    let finding = found(&told, "port-exhaustion");
    assert!(said(finding).contains("9,999 entries in TIME-WAIT, of 10,000 local ports (50000 to 59999)"), "{}", said(finding));
    assert!(told.headline.contains("cart (pid 5150): local ports toward 10.6.0.9:6379 are used up"), "{}", told.headline);
}

/// A logger's name is no program's; a pod's is who it was.
#[test]
fn a_logger_is_no_program() {
    let line = |more: &str| {
        format!(
            "{{\"ts\": \"2026-04-14T09:03:54.400Z\", \"level\": \"error\", \"logger\": \"http\", \"msg\": \"http: Accept error: accept tcp \
             [::]:8080: accept4: too many open files; retrying in 1s\"{more}}}\n"
        )
    };
    let nobody = diagnose(&[member("app.log", &line("").repeat(9))]);
    assert!(nobody.headline.contains("a process reached its limit"), "{}", nobody.headline);
    let pod = diagnose(&[member("app.log", &line(", \"pod\": \"orders-6c9f-x2k\"").repeat(9))]);
    assert!(pod.headline.contains("orders-6c9f-x2k reached its limit"), "{}", pod.headline);
    assert!(found(&pod, "fd-limit-too-low").claim.fix.iter().any(|f| f.contains("container")));
}

/// An upper bound that may be nothing is no leak, and is said to be one.
#[test]
fn at_most_so_many_of_this_namespace() {
    let sockstat = "sockets: used 905\nTCP: inuse 2 orphan 0 tw 140 alloc 2620 mem 9\nUDP: inuse 0 mem 0\n";
    let told = diagnose(&[member("sockstat", sockstat), member("sockstat6", "TCP6: inuse 1\nUDP6: inuse 0\n")]);
    assert!(told.findings.iter().all(|f| f.claim.code != "owner-not-visible"), "{}", told.headline);
    assert!(told.headline.contains("at most 902 of the 2,617 TCP sockets in no table"), "{}", told.headline);
    assert_eq!(told.verdict.word(), "inconclusive");
}

/// A trace that names no process is its whose rows lead to the same remote, where nobody else's do.
#[test]
fn a_trace_without_a_pid_to_the_same_remote() {
    let mut rows = String::from(SS);
    rows.push_str("LISTEN 0 128 0.0.0.0:22 0.0.0.0:* users:((\"sshd\",pid=912,fd=3))\n");
    let (mut trace, mut elsewhere) = (String::new(), String::new());
    for n in 0..300 {
        rows.push_str(&format!("CLOSE-WAIT 25 0 10.0.0.5:{} 10.8.1.4:443 users:((\"taskd\",pid=918,fd={}))\n", 33_000 + n, 6 + n));
    }
    for n in 300..304 {
        let calls = |to: &str| {
            format!(
                "0.1 socket(AF_INET, SOCK_STREAM, IPPROTO_TCP) = {n}\n0.2 connect({n}, {{sa_family=AF_INET, sin_port=htons(443), \
                 sin_addr=inet_addr(\"{to}\")}}, 16) = 0\n0.3 write({n}, \"x\", 1) = 1\n0.4 read({n}, \"y\", 5) = 1\n"
            )
        };
        trace.push_str(&calls("10.8.1.4"));
        elsewhere.push_str(&calls("10.8.1.5"));
    }
    let table = member("ss.txt", &rows);
    let asks = |told: &Diagnosis| found(told, "peer-closed-not-closed").claim.missing.iter().any(|m| m.command.contains("strace"));
    let told = diagnose(&[table.clone(), member("strace-r.txt", &trace)]);
    assert!(!asks(&told), "{:?}", found(&told, "peer-closed-not-closed").claim.missing);
    let shown = "the trace shows 4 connections opened to 10.8.1.4:443 and left open, 0 closed";
    assert!(said(found(&told, "peer-closed-not-closed")).contains(shown));
    assert!(asks(&diagnose(&[table, member("strace-r.txt", &elsewhere)])));
}

/// lsof hides the digits of numbers from 10,000 on: a run of plain ones ends before.
#[test]
fn a_run_ends_at_its_last_number() {
    let mut text = String::from("COMMAND PID USER FD TYPE DEVICE SIZE/OFF NODE NAME\n");
    for n in 42..10_300 {
        let fd = if n < 10_000 { n.to_string() } else { format!("*{:03}", n % 1000) };
        text.push_str(&format!("java 15822 jboss {fd}u sock 0,6 0t0 {} can't identify protocol\n", 88_000_000 + n));
    }
    let told = diagnose(&[member("lsof", &text), books(10_258)]);
    let says = told.findings.iter().map(said).collect::<String>();
    assert!(says.contains("9,958 of them have descriptor numbers in one unbroken run, up to 9,999:"), "{says}");
}

/// Rows of a table of connections, all of one state and one holder.
fn rows_of_one(count: u32) -> String {
    let row = |n: u32| {
        format!("tcp 32 0 10.90.1.24:{} 54.10.86.171:9443 CLOSE_WAIT 1001 {} 9337/feeder off (0.00/0/0)\n", 33_000 + n, 70_000 + n)
    };
    (0..count).map(row).collect()
}

/// What a table was not asked for it does not rule out, however whole it is.
#[test]
fn a_table_of_some_states_rules_out_no_other() {
    let usual = ["time-wait-buildup", "syn-flood", "port-exhaustion"];
    let listeners = "$ ss -ltn\nState Recv-Q Send-Q Local Address:Port Peer Address:Port\nLISTEN 0 511 *:8080 *:*\nLISTEN 0 128 *:22 *:*\n";
    let told = diagnose(&[member("ticket.txt", listeners)]);
    for code in usual {
        let (out, says) = suspected(&told, code);
        assert!(!out && says.contains("listeners alone"), "{says}");
    }
    assert!(!told.reports[0].coverage.table, "no table of connections");
    let connected = "$ ss -tn\nState Recv-Q Send-Q Local Address:Port Peer Address:Port\nESTAB 0 0 10.0.0.5:22 10.0.0.9:40000\nESTAB 0 0 10.0.0.5:40000 10.0.0.7:443\n";
    for code in usual {
        assert!(!suspected(&diagnose(&[member("ticket.txt", connected)]), code).0, "{code}");
        assert!(suspected(&diagnose(&[member("ticket.txt", &connected.replace("-tn", "-tan"))]), code).0, "{code}");
    }
    // The kernel's own count of what the table leaves out settles the rest.
    let counted = format!("{connected}$ ss -s\nTotal: 9\nTCP:   2 (estab 2, closed 0, orphaned 0, timewait 0)\n");
    assert!(["time-wait-buildup", "port-exhaustion"].iter().all(|code| suspected(&diagnose(&[member("ticket.txt", &counted)]), code).0));
}

/// Rows of one holder and one state that lost their header are what somebody cut out, whatever command stands above.
#[test]
fn rows_without_their_header_are_a_part() {
    let header = "Active Internet connections (servers and established)\nProto Recv-Q Send-Q Local Address Foreign Address State User Inode PID/Program name Timer\n";
    let pasted = |header: &str| diagnose(&[member("ticket.txt", &format!("netstat -neopa\n\n{header}{}", rows_of_one(87)))]);
    let (cut, whole) = (pasted(""), pasted(header));
    assert!(cut.headline.contains("at least 87") && !whole.headline.contains("at least"), "{}", cut.headline);
    for code in ["time-wait-buildup", "syn-flood", "port-exhaustion"] {
        assert_eq!((suspected(&cut, code).0, suspected(&whole, code).0), (false, true), "{code}");
    }
}

/// Counts of the rows of one port say nothing of the others.
#[test]
fn counts_behind_a_filter_rule_nothing_out() {
    let counts = "6038 CLOSE_WAIT\n4794 ESTABLISHED\n1 LISTEN\n148 TIME_WAIT\n";
    let by =
        |filter: &str| diagnose(&[member("ticket.txt", &format!("$ netstat -na {filter}| awk '{{print $6}}' | sort | uniq -c\n{counts}"))]);
    for code in ["time-wait-buildup", "port-exhaustion"] {
        assert!(!suspected(&by("| grep \":443\" "), code).0, "{code}");
        assert!(suspected(&by("| grep ^tcp "), code).0, "{code}");
    }
}

/// A client that finds no port outweighs an excerpt that shows few, and a count of its lines tells that it is one.
#[test]
fn a_client_without_a_port() {
    let mut rows =
        String::from("$ netstat -t\nActive Internet connections (w/o servers)\nProto Recv-Q Send-Q Local Address Foreign Address State\n");
    (0..60).for_each(|n| rows.push_str(&format!("tcp 0 0 10.0.0.5:{} 10.0.0.7:10250 ESTABLISHED\n", 40_000 + n)));
    let counted = format!("{rows}$ netstat -t | wc -l\n36194\n");
    assert!(suspected(&diagnose(&[member("ticket.txt", &rows)]), "port-exhaustion").0);
    assert!(!suspected(&diagnose(&[member("ticket.txt", &counted)]), "port-exhaustion").0);
    let refused = format!("{counted}$ curl 10.0.0.7:10250\ncurl: (7) Failed to connect to 10.0.0.7: Cannot assign requested address\n");
    let told = diagnose(&[member("ticket.txt", &refused)]);
    let finding = told.findings.iter().find(|f| f.claim.code == "port-exhaustion").expect("ports are gone");
    assert!(finding.claim.evidence.iter().any(|e| e.says.contains("36,194 lines")), "{finding:?}");
}

/// What a pipeline counted is told in its own words where nothing else is, and by what it counts.
#[test]
fn counts_are_told_where_nothing_else_is() {
    let told = |text: &str| diagnose(&[member("ticket.txt", text)]);
    let clients = told(
        "$ lsof -U +c 15 | cut -f1 -d' ' | sort | uniq -c | sort -rn | head -3\n 259 Xorg\n 213 plotter\n$ lsof -U +c 15 | cut -f1 -d' ' | sort | uniq -c | sort -rn | head -3\n  53 plotter\n",
    );
    assert!(clients.reports[0].counted[0].starts_with("rows of lsof: 259 Xorg, 213 plotter; later 53 plotter (lsof -U"), "{clients:?}");
    let grows = told("$ ls /proc/77/fd | wc -l\n1079\n$ ls /proc/77/fd | wc -l\n1082\n");
    assert_eq!(grows.reports[0].counted, ["descriptors: 1,079, 1,082 (ls /proc/77/fd | wc -l)"]);
    assert!(grows.reports[0].coverage.counts_of_descriptors && !clients.reports[0].coverage.counts_of_descriptors);
    let bare = told("netstat -tn|grep 6379|wc -l\n6008\nnetstat -tn|grep 6379|wc -l\n10\n");
    assert_eq!(bare.reports[0].counted, ["rows of a socket table: 6,008, 10 (netstat -tn | grep 6379 | wc -l)"]);
}

/// The first thing to capture is what would decide on what was captured.
#[test]
fn what_would_decide_comes_first() {
    let first = |text: &str| diagnose(&[member("ticket.txt", text)]).next.first().map(|m| m.command.clone()).unwrap_or_default();
    let unread = |n: u32| format!("tcp 1040 0 10.0.0.5:5044 10.0.9.{}:{} CLOSE_WAIT -\n", n % 250, 20_000 + n);
    let waiting: String = (0..96).map(unread).collect();
    assert_eq!(first(&waiting), "sudo ss -tlnp");
    let told = diagnose(&[member("ticket.txt", &waiting)]);
    assert!(!told.reports[0].coverage.holders, "each row has a dash for its holder");
    let lsof = |row: &dyn Fn(u32) -> String| {
        format!("COMMAND PID USER FD TYPE DEVICE SIZE/OFF NODE NAME\n{}", (0..40).map(row).collect::<String>())
    };
    let unix = lsof(&|n| format!("dird 77 svc {}u unix 0xffff9d5d287b{:04x} 0t0 {} type=STREAM\n", 3 + n, n, 9_000 + n));
    assert!(first(&unix).contains("ss -xap"), "{}", first(&unix));
    let pool =
        lsof(&|n| format!("node 77 svc {}u IPv4 {} 0t0 TCP 10.0.0.5:{}->10.0.0.7:6379 (ESTABLISHED)\n", 3 + n, 9_000 + n, 40_000 + n));
    assert_eq!(first(&pool), "sudo lsof -nP -a -i -p 77");
}

/// Sockets that come and go beside those of TCP are of a family whose tables somebody must capture while they are there.
#[test]
fn sockets_of_another_family_between_samples() {
    let sample = |day: u32, used: u32, alloc: u32| {
        let text = format!(
            "Mon Mar {day} 06:12:01 UTC 2026\n# cat /proc/net/sockstat\nsockets: used {used}\nTCP: inuse 21 orphan 0 tw 3 alloc {alloc} mem 4\nUDP: inuse 6 mem 2\n"
        );
        member(&format!("sample-{day}.txt"), &format!("# date\n{text}"))
    };
    let told = diagnose(&[sample(18, 312, 58), sample(20, 4127, 61), sample(22, 309, 59)]);
    assert!(told.headline.contains("309 to 4,127 in 3 samples and those of TCP 58 to 61"), "{}", told.headline);
    assert!(told.next.first().is_some_and(|m| m.command.contains("ss -xap")), "{:?}", told.next);
    let level = diagnose(&[sample(18, 312, 58), sample(20, 330, 61)]);
    assert!(!level.headline.contains("samples"), "{}", level.headline);
}

/// Counted entries in TIME-WAIT are evidence of ports that are used up, and what two workers log is one message.
#[test]
fn ports_that_time_wait_takes() {
    let refused = |worker: u32| {
        format!(
            "2014/12/04 03:39:31 [crit] {worker}#0: *9 connect() to 127.0.0.1:4567 failed (99: Cannot assign requested address) while connecting to upstream\n"
        )
    };
    let excerpt = "State Recv-Q Send-Q Local Address:Port Peer Address:Port\nTIME-WAIT 0 0 127.0.0.1:42939 127.0.0.1:4567\n";
    let counted = "$ ss -tan | grep TIME-WAIT | wc -l\n28019\n";
    let log = format!("$ cat /var/log/nginx/error.log\n{}{}", refused(24_383), refused(24_381));
    let text = format!("{counted}$ ss -tan | head -2\n{excerpt}{log}");
    let told = diagnose(&[member("ticket.txt", &text)]);
    let finding = told.findings.iter().find(|f| f.claim.code == "port-exhaustion").expect("ports are gone");
    let says: Vec<&str> = finding.claim.evidence.iter().map(|e| e.says.as_str()).collect();
    assert!(says.iter().any(|s| s.contains("28,019 entries in TIME-WAIT")), "{says:?}");
    assert!(says.iter().any(|s| s.starts_with("the log says so 2 times")) && says.len() == 2, "{says:?}");
}

/// Rows of an old lsof, which knows neither netlink nor TCP sockets that are in no table, and names both alike.
fn unnamed(count: u32) -> Member {
    let mut text = String::from("COMMAND PID USER FD TYPE DEVICE SIZE NODE NAME\n");
    for (pid, name) in [(1, "init"), (2, "crond"), (900, "routed")] {
        text.push_str(&format!("{name} {pid} root 0r CHR 1,3 0t0 1027 /dev/null\n"));
    }
    for n in 0..count {
        text.push_str(&format!("routed 900 root {}u sock 0,6 0t0 {} can't identify protocol\n", 3 + n, 31_000 + n));
    }
    member("lsof", &text)
}

fn netlink(count: u32) -> Member {
    let mut text = String::from("sk       Eth Pid    Groups   Rmem     Wmem     Dump     Locks     Drops     Inode\n");
    for n in 0..count {
        text.push_str(&format!("0000000000000000 0 {} 00000001 0 0 0 2 0 {}\n", 4_294_960_000u32 + n, 31_000 + n));
    }
    member("netlink", &text)
}

/// What lsof cannot identify is what a table of another family says of its inode, and TCP only as far as the kernel counts any.
#[test]
fn what_lsof_cannot_identify_is_not_always_tcp() {
    let by_inode = diagnose(&[unnamed(300), books(0), netlink(300)]);
    assert_eq!(found(&by_inode, "netlink-not-closed").claim.count, Some(300));
    let told = diagnose(&[unnamed(300), books(0)]);
    assert!(told.headline.starts_with("cannot tell for sure: routed (pid 900) may leak 300 sockets of a kind"), "{}", told.headline);
    for capture in [vec![unnamed(300), books(300)], vec![unnamed(300)]] {
        assert_eq!(found(&diagnose(&capture), "unknown").claim.kind, Some(Kind::Closed));
    }
}

/// That a program listens does not say that what it forgets was accepted: accepted and forgotten it would be in CLOSE-WAIT.
#[test]
fn a_listener_accepts_no_sockets_that_are_in_no_table() {
    let mut lsof = unnamed(300);
    lsof.text.extend_from_slice(b"routed 900 root 999u IPv4 9001 0t0 TCP *:520 (LISTEN)\n");
    let told = diagnose(&[lsof, books(300)]);
    let finding = found(&told, "unknown");
    assert!(finding.claim.fix[0].contains("never connected, failed to, were reset, or were shut down"), "{:?}", finding.claim.fix);
    assert!(finding.rivals.iter().all(|r| r.code != "accept-not-closed"), "{:?}", finding.rivals);
}

/// bind() of an address that has moved to another host fails with the error that connect() has where no port is left.
#[test]
fn an_address_that_cannot_be_bound() {
    let mut trace = String::from("strace: Process 900 attached\n");
    for n in 0..12 {
        let fd = 300 + n;
        trace.push_str(&format!(
            "10:00:{n:02}.100000 socket(AF_INET, SOCK_STREAM, IPPROTO_TCP) = {fd}\n\
             10:00:{n:02}.100100 bind({fd}, {{sa_family=AF_INET, sin_port=htons(0), sin_addr=inet_addr(\"10.4.1.200\")}}, 16) = -1 EADDRNOTAVAIL (Cannot assign requested address)\n"
        ));
    }
    let snmp = "Tcp: RtoAlgorithm RtoMin RtoMax MaxConn ActiveOpens PassiveOpens AttemptFails EstabResets CurrEstab InSegs OutSegs RetransSegs InErrs OutRsts InCsumErrors\n\
                Tcp: 1 200 120000 -1 5000 4000 3 2 4 90000 80000 10 0 50 0\n";
    let log = "Nov 28 09:58:00 routed[900]: cannot bind 10.4.1.200: Cannot assign requested address\n".repeat(5);
    let told = diagnose(&[unnamed(300), books(300), member("strace", &trace), member("snmp", snmp), member("routed.log", &log)]);
    let finding = found(&told, "never-connected");
    assert!(finding.claim.remotes.iter().any(|r| r.endpoint == "10.4.1.200" && r.near), "{:?}", finding.claim.remotes);
    assert!(finding.rivals.is_empty(), "{:?}", finding.rivals);
    assert!(told.findings.iter().all(|f| f.claim.code != "port-exhaustion"), "{}", told.headline);
    assert!(!suspected(&told, "port-exhaustion").1.contains("connects fail"), "{:?}", suspected(&told, "port-exhaustion"));
}

/// Of a host whose containers gain thousands of TCP sockets nobody knows that it is healthy.
#[test]
fn growth_in_namespaces_that_were_not_captured() {
    let sample = |directory: &str, alloc: u32| {
        let ss = "State Recv-Q Send-Q Local Address:Port Peer Address:Port Process\nLISTEN 0 128 0.0.0.0:22 0.0.0.0:* users:((\"sshd\",pid=1201,fd=3))\n";
        [
            member(
                &format!("{directory}/sockstat"),
                &format!("sockets: used 64\nTCP: inuse 1 orphan 0 tw 0 alloc {alloc} mem 4\nUDP: inuse 0 mem 0\n"),
            ),
            member(&format!("{directory}/sockstat6"), "TCP6: inuse 0\nUDP6: inuse 0\n"),
            member(&format!("{directory}/ss-tanp"), ss),
            member(&format!("{directory}/uname"), "Linux node1 5.14.0-70.el9.x86_64 #1 SMP x86_64 GNU/Linux\n"),
        ]
    };
    let told = |now| diagnose(&[sample("s1", 3123), sample("s2", now)].concat()).headline;
    assert!(told(9123).contains("TCP sockets of other network namespaces grew by 6,000 to 9,122"), "{}", told(9123));
    assert!(!told(3150).contains("grew"), "{}", told(3150));
}

/// Children that hold copies of what their parent accepted and forgets are no leak of their own.
#[test]
fn copies_of_what_a_parent_forgets() {
    let mut lsof = String::from("COMMAND PID USER FD TYPE DEVICE SIZE/OFF NODE NAME\n");
    for (pid, name) in [(310, "backupd"), (320, "rsync"), (321, "rsync")] {
        lsof.push_str(&format!("{name} {pid} root 3u IPv4 560113 0t0 TCP *:9102 (LISTEN)\n"));
        for n in 0..120 {
            let (fd, inode, port) = (5 + n, 560_200 + n, 20_000 + n);
            lsof.push_str(&format!("{name} {pid} root {fd}u IPv4 {inode} 0t0 TCP 10.3.0.1:9102->10.3.2.{n}:{port} (CLOSE_WAIT)\n"));
        }
    }
    let ps = "UID PID PPID C STIME TTY TIME CMD\nroot 310 1 0 Nov25 ? 00:00:40 /usr/sbin/backupd\n\
              root 320 310 0 10:00 ? 00:00:20 /usr/bin/rsync -a /a /b\nroot 321 310 0 10:00 ? 00:00:20 /usr/bin/rsync -a /c /d\n";
    let told = diagnose(&[member("lsof", &lsof), member("ps-ef", ps)]);
    assert_eq!(
        told.headline,
        "backupd (pid 310), /usr/sbin/backupd, leaks 120 TCP sockets in CLOSE-WAIT, accepted and never closed by the program (on 10.3.0.1:9102)"
    );
    assert!(said(found(&told, "fd-inherited")).contains("backupd (pid 310), which started the others"));
}

/// Who has as many descriptors as a usual limit allows has no limit ahead.
#[test]
fn as_many_descriptors_as_a_usual_limit() {
    let lsof = |n: u32| {
        let row = |fd: u32| format!("metricd 77 svc {fd}u sock 0,7 0t0 {} can't identify protocol\n", 80_000 + fd);
        format!("COMMAND PID USER FD TYPE DEVICE SIZE/OFF NODE NAME\n{}", (0..n).map(row).collect::<String>())
    };
    let now = |n: u32| diagnose(&[member("lsof.txt", &lsof(n))]).findings[0].claim.now.join("; ");
    assert!(now(1024).contains("its 1,024 descriptors are as many as a usual limit allows"), "{}", now(1024));
    assert!(now(900).contains("before it reaches its descriptor limit"), "{}", now(900));
}

/// One output of `netstat -c`: connections to one service that have been closed there.
fn once(first: u32, count: u32) -> String {
    let mut text = String::from(
        "Active Internet connections (servers and established)\n\
         Proto Recv-Q Send-Q Local Address           Foreign Address         State       PID/Program name\n",
    );
    for n in first..first + count {
        text.push_str(&format!("tcp 1 0 10.0.0.5:{} 10.0.9.7:6379 CLOSE_WAIT 3901/unicorn\n", 40_000 + n));
    }
    text
}

/// Outputs of a repeated command are samples, as long as they show the same sockets and more.
#[test]
fn a_command_repeated_into_one_file_shows_growth() {
    let told = |texts: &[String]| diagnose(&[member("netstat.txt", &texts.concat())]);
    let asks_again = |d: &Diagnosis| d.next.iter().any(|m| m.what.contains("second capture"));
    let grown = told(&[once(0, 120), once(0, 131), once(0, 164)]);
    let says = said(found(&grown, "peer-closed-not-closed"));
    assert!(says.contains("grew from 120 to 164 between the first and the last reading") && !asks_again(&grown), "{says}");
    for other in [vec![once(0, 164), once(0, 164)], vec![once(0, 120), once(500, 164)], vec![once(0, 120), once(0, 60), once(0, 164)]] {
        let told = told(&other);
        let says = said(found(&told, "peer-closed-not-closed"));
        assert!(!says.contains("grew") && asks_again(&told), "{says}");
    }
}

/// Hosts whose lines take turns are never added up as one.
#[test]
fn several_hosts_in_one_text() {
    let rows = |pid: u32, count: u32| close_wait(pid, count).lines().map(str::to_string).collect::<Vec<_>>();
    let (one, other) = (rows(77, 90), rows(77, 40));
    let mut text = String::new();
    for n in 0..one.len() {
        for (host, lines) in [("web1", &one), ("web2", &other)] {
            text.extend(lines.get(n).map(|line| format!("{host}: {line}\n")));
        }
    }
    let told = diagnose(&[member("pdsh.txt", &text)]);
    let counts: Vec<Option<u64>> = told.findings.iter().filter(|f| f.claim.kind == Some(Kind::CloseWait)).map(|f| f.claim.count).collect();
    let hosts: Vec<&str> = told.reports.iter().map(|r| r.label.as_str()).collect();
    assert_eq!((counts, hosts), (vec![Some(90), Some(40)], vec!["web1", "web2"]));
    let finding = found(&told, "accept-not-closed");
    let line = finding.claim.evidence.iter().flat_map(|e| &e.at).next().map_or(0, |q| q.at.line as usize);
    assert!(text.lines().nth(line - 1).is_some_and(|l| l.starts_with("web1: CLOSE-WAIT")), "{line}");
}

/// On the node pid 1 is another process than in the container.
#[test]
fn the_first_process_of_a_container_is_looked_at_inside() {
    let strace = |pid: u32| {
        let told = diagnose(&[member("ss-tanp.txt", &close_wait(pid, 300))]);
        let missing = found(&told, "accept-not-closed").claim.missing.clone();
        let lines = missing.into_iter().chain(told.next).filter(|m| m.command.contains(&format!(" -p {pid}")));
        lines.map(|m| m.what).collect::<Vec<_>>()
    };
    assert!(strace(1).len() == 2 && strace(1).iter().all(|what| what.contains("inside the container")), "{:?}", strace(1));
    assert!(strace(4242).iter().all(|what| !what.contains("container")));
}

/// What a system lacks is not asked for.
#[test]
fn another_system_than_linux_is_named() {
    let netstat = "Active Internet connections (including servers)\n\
        Proto Recv-Q Send-Q  Local Address          Foreign Address        (state)\n";
    let rows: String = (0..300).map(|n| format!("tcp4 1 0 10.0.0.5.{} 10.0.0.9.3306 CLOSE_WAIT\n", 40_000 + n)).collect();
    let uname = "FreeBSD web3 13.2-RELEASE FreeBSD 13.2-RELEASE releng/13.2 GENERIC amd64\n";
    let told = diagnose(&[member("netstat-an.txt", &format!("{netstat}{rows}")), member("uname-a.txt", uname)]);
    let commands: Vec<&str> = told.next.iter().map(|m| m.command.as_str()).collect();
    assert_eq!(commands, ["sockstat -4; sockstat -6", "procstat -fa", "netstat -an"]);
    let remarks: Vec<&String> = told.reports.iter().flat_map(|r| &r.remarks).map(|r| &r.0).collect();
    assert!(remarks.iter().any(|r| r.contains("runs FreeBSD 13.2-RELEASE")), "{remarks:?}");
    assert!(remarks.iter().all(|r| !r.contains("width of a window")), "{remarks:?}");
}

/// A big-endian machine prints addresses as they are read; the file that names it may come behind the table.
#[test]
fn addresses_of_a_big_endian_machine() {
    let mut table = String::from("  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n");
    for n in 0..100 {
        table.push_str(&format!(
            "{n:4}: 0A140411:{:04X} 0A14071F:2454 08 00000000:00000001 00:00000000 00000000  1061        0 {} 1 0000000000000000 20 4 30 10 -1\n",
            40_000 + n,
            700_000 + n
        ));
    }
    let uname = |machine: &str| member("uname", &format!("Linux app17 5.14.0-427 #1 SMP Thu Mar 7 2024 {machine} {machine} GNU/Linux\n"));
    let remote = |members: &[Member]| {
        let told = diagnose(members);
        let finding = told.findings.iter().find(|f| f.claim.kind == Some(Kind::CloseWait)).expect("a finding");
        finding.claim.remotes.first().map(|r| r.endpoint.clone())
    };
    let table = member("proc/net/tcp", &table);
    assert_eq!(remote(&[table.clone(), uname("s390x")]).as_deref(), Some("10.20.7.31:9300"));
    assert_eq!(remote(&[table, uname("x86_64")]).as_deref(), Some("31.7.20.10:9300"));
}

/// A filter that lets a state through keeps every row of it.
#[test]
fn rows_that_a_filter_lets_through_are_all_there() {
    let rows: String = close_wait(4242, 300).lines().filter(|l| !l.starts_with("LISTEN")).map(|l| format!("{l}\n")).collect();
    let says = |command: &str| {
        let told = diagnose(&[member("paste.txt", &format!("root@app17:~# {command}\n{rows}"))]);
        told.headline.clone()
    };
    assert!(!says("ss -tanp | grep -E \"State|CLOSE-WAIT\"").contains("at least"), "{}", says("ss -tanp | grep -E \"State|CLOSE-WAIT\""));
    assert!(says("ss -tanp | grep 7443").contains("at least"), "{}", says("ss -tanp | grep 7443"));
}

/// A proxy that forgets what it accepted and what it opened forgets both: each by its number, with its own end.
#[test]
fn both_sides_of_a_proxy() {
    let mut text = String::from(SS);
    text.push_str("LISTEN 0 128 0.0.0.0:3128 0.0.0.0:* users:((\"pxd\",pid=88,fd=4))\n");
    for n in 0..150 {
        let row = |local: String, remote: String, fd: u32| format!("CLOSE-WAIT 1 0 {local} {remote} users:((\"pxd\",pid=88,fd={fd}))\n");
        text.push_str(&row("10.5.0.4:3128".into(), format!("10.5.1.{n}:{}", 40_000 + n), 10 + 2 * n));
        if n < 120 {
            text.push_str(&row(format!("10.5.0.4:{}", 33_000 + n), "10.5.3.8:8080".into(), 11 + 2 * n));
        }
    }
    let told = diagnose(&[member("ss-tanp.txt", &text)]);
    let (accepted, opened) = (found(&told, "accept-not-closed"), found(&told, "peer-closed-not-closed"));
    assert_eq!((accepted.claim.count, opened.claim.count), (Some(150), Some(120)));
    let ends = |f: &Finding| f.claim.remotes.iter().map(|r| (r.endpoint.clone(), r.count)).collect::<Vec<_>>();
    assert_eq!(ends(accepted), [("10.5.0.4:3128".to_string(), 150)]);
    assert_eq!(ends(opened), [("10.5.3.8:8080".to_string(), 120)]);
    let quoted = |f: &Finding| f.claim.evidence.iter().flat_map(|e| &e.at).map(|q| q.text().into_owned()).collect::<String>();
    assert!(!quoted(opened).contains("3128") && !quoted(accepted).contains("8080"), "{}", quoted(opened));
}

/// Two readings of the kernel's counters, between which sockets in no table rose by 300 and these by so many.
fn counted(active: u32, fails: u32, resets: u32) -> Vec<Member> {
    let sample = |directory: &str, more: u32, active: u32, fails: u32, resets: u32| {
        let snmp = format!(
            "Tcp: RtoAlgorithm RtoMin RtoMax MaxConn ActiveOpens PassiveOpens AttemptFails EstabResets CurrEstab InSegs OutSegs RetransSegs InErrs OutRsts InCsumErrors\n\
             Tcp: 1 200 120000 -1 {} 4000 {} {} 4 90000 80000 10 0 50 0\n",
            90_000 + active,
            8000 + fails,
            700 + resets
        );
        let sockstat =
            format!("sockets: used {}\nTCP: inuse 4 orphan 0 tw 0 alloc {} mem 4\nUDP: inuse 0 mem 0\n", 1200 + more, 1004 + more);
        [
            member(&format!("{directory}/snmp"), &snmp),
            member(&format!("{directory}/sockstat"), &sockstat),
            member(&format!("{directory}/sockstat6"), "TCP6: inuse 0\nUDP6: inuse 0\n"),
        ]
    };
    [sample("s1", 0, 0, 0, 0), sample("s2", 300, active, fails, resets)].concat()
}

/// What rises with the sockets tells how they end, whoever holds them.
#[test]
fn counters_tell_the_cause_without_an_owner() {
    let fails = diagnose(&counted(310, 300, 1));
    assert_eq!(
        fails.headline,
        "a process that the capture does not name leaks 1,300 TCP sockets in no connection state, left over by failed connects that nobody closes"
    );
    let says = said(found(&fails, "connect-failed-not-closed"));
    assert!(says.contains("rose by 300 to 1,300") && says.contains("failed connection attempts rose by 300"), "{says}");
    assert_eq!(fails.findings.len(), 1, "{}", fails.headline);
    found(&diagnose(&counted(310, 2, 295)), "reset-not-closed");
    found(&diagnose(&counted(3, 2, 1)), "never-connected");
    // Sockets that this namespace does not count are connections of another one, whatever is counted here.
    let mut elsewhere = counted(3, 2, 1);
    for sockstat in elsewhere.iter_mut().filter(|m| m.path.ends_with("/sockstat")) {
        sockstat.text = String::from_utf8_lossy(&sockstat.text).replace("used 1500", "used 1200").into_bytes();
    }
    assert!(diagnose(&elsewhere).findings.iter().all(|f| f.claim.code != "never-connected"));
    // As many opened, neither failed nor reset: nothing tells these from connections of another namespace.
    let says = said(found(&diagnose(&counted(310, 2, 1)), "owner-not-visible"));
    assert!(says.contains("no descriptors of processes were listed"), "{says}");
}

/// Numbers that follow one another are proof that nobody closed any of them, also in a trace of one thread.
#[test]
fn a_trace_alone_of_one_thread() {
    let (mut udp, mut accepted) = (String::new(), String::new());
    for n in 0..30 {
        let fd = 91 + n;
        udp.push_str(&format!(
            "10:14:{n:02}.000 socket(AF_INET, SOCK_DGRAM, IPPROTO_IP) = {fd}\n\
             10:14:{n:02}.001 sendto({fd}, \"a:1|c\", 5, 0, {{sa_family=AF_INET, sin_port=htons(8125), sin_addr=inet_addr(\"10.0.0.7\")}}, 16) = 5\n"
        ));
        accepted.push_str(&format!(
            "10:14:{n:02}.000 accept4(21, NULL, NULL, SOCK_CLOEXEC) = {fd}\n10:14:{n:02}.001 read({fd}, \"GET\", 99) = 3\n\
             10:14:{n:02}.002 write({fd}, \"OK\", 2) = 2\n10:14:{n:02}.003 shutdown({fd}, SHUT_WR) = 0\n10:14:{n:02}.004 read({fd}, \"\", 99) = 0\n"
        ));
    }
    let attached = |trace: &str| member("t.strace", &format!("strace: Process 4410 attached\n{trace}"));
    let told = diagnose(&[attached(&udp)]);
    let finding = found(&told, "udp-not-closed");
    assert_eq!(finding.claim.remotes.first().map(|r| r.endpoint.as_str()), Some("10.0.0.7:8125"));
    assert!(finding.claim.evidence.iter().any(|e| !e.at.is_empty()), "{finding:?}");
    assert_eq!(found(&diagnose(&[attached(&accepted)]), "shutdown-not-closed").claim.count, Some(29));
    // With gaps another thread may have closed some.
    let gaps = accepted.replace("= 9", "= 19").replace("(9", "(19");
    assert!(diagnose(&[attached(&gaps)]).findings.is_empty());
}

/// Connections that were opened here wait in no queue: who holds them is out of sight, of which user is not.
#[test]
fn close_wait_of_a_user_out_of_sight() {
    let mut text = String::from(SS);
    text.push_str("LISTEN 0 128 0.0.0.0:15090 0.0.0.0:* users:((\"envoy\",pid=12,fd=3)) ino:8001 sk:1\n");
    for n in 0..300 {
        text.push_str(&format!("CLOSE-WAIT 1 0 10.42.3.17:{} 10.100.7.7:8200 uid:1000 ino:{} sk:{n}\n", 33_000 + n, 9000 + n));
    }
    let told = diagnose(&[member("ss-tanpe.txt", &text)]);
    let says = said(found(&told, "peer-closed-not-closed"));
    assert!(says.contains("the rows are of uid 1000"), "{says}");
    assert_eq!(told.findings.len(), 1);
}

/// Where nobody is shown to hold anything the largest pile is named all the same.
#[test]
fn the_largest_pile_of_nobody() {
    let rows = |state: &str, ends: &dyn Fn(u32) -> String| {
        let rows: String = (0..300).map(|n| format!("{state} 0 1 {}\n", ends(n))).collect();
        diagnose(&[member("ss-tanp.txt", &format!("{SS}{rows}"))])
    };
    let syn = rows("SYN-SENT", &|n| format!("10.0.0.5:{} 192.0.2.44:443", 33_000 + n));
    assert_eq!(
        syn.headline,
        "cannot tell: 300 TCP sockets in SYN-SENT are toward 192.0.2.44:443, and the capture does not show who holds them"
    );
    assert!(!syn.reports[0].coverage.holders);
    let listen = rows("LISTEN", &|_| "0.0.0.0:8080 0.0.0.0:*".to_string());
    assert!(listen.headline.contains("300 listening TCP sockets are on"), "{}", listen.headline);
}

/// What has no file behind it is named as the kernel names it, and fills a limit as files do.
#[test]
fn a_limit_filled_by_what_has_no_file() {
    let mut fd = String::from("total 0\n");
    (3..1018).for_each(|n| fd.push_str(&format!("lrwx------ 1 sync sync 64 Nov 18 14:05 {n} -> anon_inode:inotify\n")));
    let told = diagnose(&[member("proc/5400/fd", &fd), member("proc/5400/limits", &limits(1024))]);
    let filled = found(&told, "fd-limit-by-files");
    assert!(said(filled).contains("1,015 descriptors of pid 5400 are inotify descriptors"), "{}", said(filled));
}

/// A count that was made again and again: one that falls is of sockets that something closes, one that only rises is growth.
#[test]
fn counts_of_a_loop_are_a_course() {
    let of = |counts: &[u32]| {
        let rows: String = counts.iter().map(|n| format!("{n}\n")).collect();
        diagnose(&[member("cw.txt", &format!("$ while sleep 300; do ss -tan | grep -c CLOSE-WAIT; done\n{rows}"))])
    };
    let leaks = |told: &Diagnosis| told.findings.iter().any(|f| f.claim.code == "peer-closed-not-closed");
    let rising = of(&[118, 142, 310, 560, 937]);
    let says = format!("{:?}", found(&rising, "peer-closed-not-closed").claim);
    assert!(says.contains("they grew from 118 to 937 between the first and the last reading"), "{says}");
    for counts in [&[12, 88, 5, 310, 9][..], &[22, 310, 18, 288, 310]] {
        assert!(!leaks(&of(counts)), "{counts:?}");
    }
}

/// Rounds with a date in front are moments: what is gone in the next was closed, what stays and grows was not.
#[test]
fn dated_rounds_are_compared_and_not_added_up() {
    let rounds = |renewed: bool| {
        let mut text = String::from("[root@web8 ~]# while sleep 300; do date; ss -tanp | grep CLOSE-WAIT; done\n");
        for round in 0..6 {
            text.push_str(&format!("Thu Nov 12 09:{:02}:01 UTC 2026\n", round * 5));
            let count = if renewed { 70 } else { 70 + round * 60 };
            for n in 0..count {
                let port = 20_000 + n + if renewed { round * 100 } else { 0 };
                let fd = 10 + n;
                text.push_str(&format!("CLOSE-WAIT 1 0 10.0.0.5:8000 10.0.9.9:{port} users:((\"gated\",pid=7,fd={fd}))\n"));
            }
        }
        diagnose(&[member("ss.log", &text)])
    };
    let renewed = rounds(true);
    assert!(renewed.findings.iter().all(|f| f.claim.class != Class::Leak), "{}", renewed.headline);
    let kept = rounds(false);
    assert!(kept.headline.contains("gated (pid 7) leaks at least 370"), "{}", kept.headline);
    let says = format!("{:?}", kept.findings[0].claim);
    assert!(says.contains("they grew from 70 to 370 between the first and the last snapshot"), "{says}");
}
