//! What reports say of captures that lack something, tried on texts written for it: no more than the capture shows, and no less.

mod sample;

use sample::{Member, diagnose};
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
    let mut text = close_wait(4242, 150).replace("LISTEN 0 128", "LISTEN 129 128");
    for n in 0..50 {
        text.push_str(&format!("ESTAB 90 0 10.0.0.5:7443 10.0.8.{n}:{} users:((\"gated\",pid=4242,fd={}))\n", 41_000 + n, 400 + n));
    }
    for n in 0..129 {
        text.push_str(&format!("CLOSE-WAIT 91 0 10.0.0.5:7443 10.0.7.{n}:{}\n", 42_000 + n));
    }
    let table = member("ss-tanp.txt", &text);
    let asked = diagnose(std::slice::from_ref(&table));
    assert!(found(&asked, "accept-stalled").claim.now.iter().any(|n| n.contains("take a thread dump")));
    let told = diagnose(&[table, member("jstack.txt", &jstack(200))]);
    let stalled = found(&told, "accept-stalled");
    assert!(stalled.claim.now.iter().all(|n| !n.contains("take a thread dump")), "{:?}", stalled.claim.now);
    assert!(said(stalled).contains("the thread dump has 200 threads in com.example.Prices.lookup"), "{}", said(stalled));
    // Those whose clients have left and those whose clients still wait are in the same hands.
    let leak = found(&told, "accept-not-closed");
    let want =
        "200 threads in com.example.Prices.lookup(Prices.java:77) (BLOCKED (on object monitor)), as many as the 150 sockets and 50 more";
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
    let told = diagnose(&[member("lsof", &text)]);
    let says = told.findings.iter().map(said).collect::<String>();
    assert!(says.contains("9,958 of them have descriptor numbers in one unbroken run, up to 9,999:"), "{says}");
}
