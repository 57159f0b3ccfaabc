//! What lines of a log and calls of a trace are evidence of, tried on captures written for it: a pile of sockets in no table, and a log or a
//! trace beside it.

mod sample;

use sample::{Member, diagnose};
use sockdiag::causes::{Claim, Class};
use sockdiag::diagnosis::Verdict;

fn member(path: &str, text: &str) -> Member {
    Member { path: path.to_string(), text: text.as_bytes().to_vec() }
}

/// A listing of one process that holds sockets in no table, and listens on a port.
fn lsof(command: &str, pid: u32, closed: u32) -> String {
    let mut text = String::from("COMMAND   PID USER   FD   TYPE DEVICE SIZE/OFF   NODE NAME\n");
    let mut row = |fd: u32, kind: &str, name: &str| {
        let inode = 40_000 + 3 * fd;
        text.push_str(&format!("{command} {pid} apps {fd:>4}u {kind:>5} {inode} 0t0 {inode} {name}\n"));
    };
    row(3, "IPv4", "TCP *:9000 (LISTEN)");
    (4..4 + closed).for_each(|fd| row(fd, "sock", "protocol: TCP"));
    text
}

/// `ss -s` of a host whose TCP sockets in no table are these.
fn summary(closed: u32) -> String {
    format!("Total: {}\nTCP:   {} (estab 0, closed {closed}, orphaned 0, timewait 0)\n", closed + 9, closed + 1)
}

fn listing(command: &str, pid: u32, closed: u32) -> Vec<Member> {
    vec![member("lsof.txt", &lsof(command, pid, closed)), member("ss-s.txt", &summary(closed))]
}

/// The first finding of a capture with a log.
fn told(mut members: Vec<Member>, path: &str, log: &str) -> Claim {
    members.push(member(path, log));
    diagnose(&members).findings.into_iter().next().expect("a finding").claim
}

/// So many lines, ten seconds apart.
fn lines(n: u32, line: impl Fn(&str) -> String) -> String {
    (0..n).map(|i| line(&format!("{:02}:{:02}:{:02}", 1 + i * 10 / 3600, i * 10 / 60 % 60, i * 10 % 60)) + "\n").collect()
}

const REFUSED: &str = "dial tcp 10.20.30.90:8086: connect: connection refused";

#[test]
fn a_tag_names_whose_line_it_is() {
    let syslog = |tag: &str| lines(300, |t| format!("Nov 12 {t} app2 {tag}: {REFUSED}"));
    for (tag, code) in [
        ("feedd[4471]", "connect-failed-not-closed"),
        ("feedd[4400]", "connect-failed-not-closed"),
        ("telegraf[1420]", "unknown"),
        ("postfix/smtp[20001]", "unknown"),
        ("curl", "unknown"),
    ] {
        assert_eq!(told(listing("feedd", 4471, 300), "messages", &syslog(tag)).code, code, "{tag}");
    }
    let sudo = lines(300, |t| format!("Nov 12 {t} app2 sudo: unable to resolve host app2: Name or service not known"));
    assert_eq!(told(listing("java", 4471, 300), "secure", &sudo).code, "unknown");
}

#[test]
fn a_layout_and_a_pid_name_whose_line_it_is() {
    let java = || {
        let mut members = listing("java", 4471, 300);
        members.push(member("ps.txt", "  PID COMMAND\n 1711 pgpool\n 4471 java -jar /app/billing.jar\n"));
        members
    };
    let upstream = |end: &str| {
        lines(300, |t| {
            format!(
                "2026/11/12 {t} [error] 1781#1781: *8 connect() failed (111: Connection refused) while connecting to upstream, client: 198.51.100.2, server: shop, upstream: \"http://{end}/api\""
            )
        })
    };
    assert_eq!(told(java(), "error.log", &upstream("10.20.30.41:8000")).code, "unknown");
    let pgpool =
        lines(300, |t| format!("2026-11-12 {t}: pid 1711: LOG:  failed to connect to server on \"10.40.9.5:5432\": Connection refused"));
    assert_eq!(told(java(), "out.log", &pgpool).code, "unknown");
    let own =
        lines(300, |t| format!("2026-11-12 {t}: pid 4471: LOG:  failed to connect to server on \"10.40.9.5:5432\": Connection refused"));
    assert_eq!(told(java(), "out.log", &own).code, "connect-failed-not-closed");
}

#[test]
fn a_file_names_whose_lines_it_holds() {
    let ps = || member("ps.txt", "  PID COMMAND\n 51200 java -jar /app/orders.jar\n 52200 java -jar /app/billing.jar\n");
    let java = || listing("java", 52200, 300).into_iter().chain([ps()]).collect::<Vec<_>>();
    let log = lines(300, |t| format!("2026-11-12T{t}Z ERROR client.go:88 {REFUSED}"));
    for (path, code) in [
        ("pods/shop_orders-6c9f7b_0f1e/orders/0.log", "unknown"),
        ("pods/shop_billing-7d8c5_9a2b/billing/0.log", "connect-failed-not-closed"),
        ("orders-2026.log", "unknown"),
        ("application.log", "connect-failed-not-closed"),
    ] {
        assert_eq!(told(java(), path, &log).code, code, "{path}");
    }
    // The lines name the program of the file too.
    let log = lines(300, |t| format!("2026-11-12T{t}Z ERROR cart-service/client.go:88 {REFUSED}"));
    assert_eq!(told(listing("orders", 4471, 300), "cart-service.log", &log).code, "unknown");
}

#[test]
fn who_is_refused_where_the_holder_listens_is_its_client() {
    let refused =
        |end: &str| lines(300, |t| format!("2026-11-12 {t} WARN connect to {end} failed: java.net.ConnectException: Connection refused"));
    assert_eq!(told(listing("java", 4471, 300), "app.log", &refused("127.0.0.1:9000")).code, "unknown");
    assert_eq!(told(listing("java", 4471, 300), "app.log", &refused("10.0.9.9:9000")).code, "connect-failed-not-closed");
}

fn refused_at(day: &str, n: u32) -> String {
    lines(n, |t| {
        format!(
            "2026-{day} {t},317 WARN  4471 --- [client-1] c.a.Client - connect to 10.40.6.31:7001 failed: java.net.ConnectException: Connection refused"
        )
    })
}

fn settled_at(day: &str, hour: u32) -> String {
    format!("2026-{day} {hour:02}:40:04,201 INFO  4471 --- [exec-3] c.a.Settle - settled batch\n")
}

#[test]
fn lines_older_than_the_process_are_not_its_own() {
    let ps = |day: u32| {
        member("ps.txt", &format!("  PID                  STARTED COMMAND\n 4471 Wed Sep {day:>2} 22:00:14 2026 java -cp /opt/lib Main\n"))
    };
    let java = |day| listing("java", 4471, 300).into_iter().chain([ps(day)]).collect::<Vec<_>>();
    assert_eq!(told(java(2), "app.log", &refused_at("09-01", 300)).code, "unknown");
    assert_eq!(told(java(2), "app.log", &refused_at("09-03", 300)).code, "connect-failed-not-closed");
}

#[test]
fn a_few_lines_leave_no_thousand_sockets() {
    let few = refused_at("09-14", 2) + &settled_at("09-14", 10);
    let told_of = |log: &str| told(listing("java", 4471, 1400), "app.log", log);
    let claim = told_of(&few);
    assert_eq!(claim.code, "unknown");
    assert!(claim.evidence.iter().any(|e| e.says.contains("too few for 1,400 sockets")), "{claim:?}");
    let old = refused_at("07-02", 30) + &settled_at("09-14", 10);
    assert_eq!(told_of(&old).code, "unknown");
    // As many as there are sockets, and nothing that says how long the log is.
    assert_eq!(told_of(&refused_at("09-14", 1400)).code, "connect-failed-not-closed");
    assert_eq!(told_of(&refused_at("09-14", 2)).code, "connect-failed-not-closed");
}

#[test]
fn what_begins_with_the_last_descriptor_follows_from_it() {
    let name = "java.net.UnknownHostException: db1.pay.local: Temporary failure in name resolution";
    let line = |t: &str, text: &str| format!("2026-09-14 {t},201 ERROR 4471 --- [exec-0] c.a.Db - {text}");
    let both = lines(300, |t| format!("{}\n{}", line(t, name), line(t, "java.io.IOException: Too many open files")));
    assert_eq!(told(listing("java", 4471, 300), "app.log", &both).code, "unknown");
    let alone = lines(300, |t| line(t, name));
    assert_eq!(told(listing("java", 4471, 300), "app.log", &alone).code, "never-connected");
}

fn table_of_calls(connects: u32, closes: u32) -> String {
    format!(
        "% time     seconds  usecs/call     calls    errors syscall\n\
         ------ ----------- ----------- --------- --------- ----------------\n \
         61.20    0.402110         335 {connects:>9} {connects:>9} connect\n \
         18.77    0.123307         102 {connects:>9}           socket\n  \
          2.69    0.017651        1471 {closes:>9}           close\n\
         ------ ----------- ----------- --------- --------- ----------------\n\
         100.00    0.657009          60 {:>9} {connects:>9} total\n",
        2 * connects + closes
    )
}

#[test]
fn a_table_of_calls_tells_whether_what_fails_is_closed() {
    let traced = |closes: u32| listing("feedd", 4471, 300).into_iter().chain([member("strace-c-4471.txt", &table_of_calls(1200, closes))]);
    let refused = lines(300, |t| format!("Nov 12 {t} app2 feedd[4471]: {REFUSED}"));
    assert_eq!(told(traced(1200).collect(), "messages", &refused).code, "unknown");
    assert_eq!(told(traced(12).collect(), "messages", "").code, "connect-failed-not-closed");
}

/// Connects that fail and are not closed, of one process.
fn failing(prefix: &str, n: u32) -> String {
    let calls = |i: u32| {
        let (at, fd) = (format!("{prefix}10:12:{i:02}.000100"), 304 + i);
        format!(
            "{at} socket(AF_INET, SOCK_STREAM, IPPROTO_TCP) = {fd}\n{at} connect({fd}, {{sa_family=AF_INET, sin_port=htons(9999), sin_addr=inet_addr(\"10.40.33.2\")}}, 16) = -1 ECONNREFUSED (Connection refused)\n{at} poll([{{fd=3, events=POLLIN}}], 1, 100) = 0 (Timeout)\n"
        )
    };
    (0..n).map(calls).collect()
}

#[test]
fn a_log_tells_nothing_against_what_a_trace_shows() {
    let traced = || listing("feedd", 4471, 300).into_iter().chain([member("strace-4471.txt", &failing("", 15))]).collect();
    let unknown = lines(300, |t| format!("Nov 12 {t} app2 feedd[4471]: getaddrinfo: db1.pay.local: Temporary failure in name resolution"));
    let mut members: Vec<Member> = traced();
    members.push(member("messages", &unknown));
    let finding = diagnose(&members).findings.into_iter().next().expect("a finding");
    assert_eq!((finding.claim.code, finding.grade.grade.word()), ("connect-failed-not-closed", "proved"), "{:?}", finding.grade.because);
    // Another end that the log names is no part of what the trace shows.
    let refused = lines(300, |t| format!("Nov 12 {t} app2 feedd[4471]: {REFUSED}"));
    let remotes: Vec<String> = told(traced(), "messages", &refused).remotes.into_iter().map(|r| r.endpoint).collect();
    assert_eq!(remotes, ["10.40.33.2:9999"]);
}

#[test]
fn a_trace_with_one_number_before_each_line_is_of_that_process() {
    let alone = [member("feedd.strace", &failing("4471 ", 60))];
    let claim = diagnose(&alone).findings.into_iter().next().expect("a finding").claim;
    assert_eq!((claim.code, claim.owner.map(|o| o.pids)), ("connect-failed-not-closed", Some(vec![(4471, 59)])));
}

#[test]
fn one_end_of_each_pair_is_kept() {
    let mut lsof = String::from("COMMAND   PID USER   FD   TYPE DEVICE SIZE/OFF   NODE NAME\n");
    (3..873).for_each(|fd| {
        lsof.push_str(&format!("runnerd 2501 ci {fd:>4}u unix 0xffff0000{fd:08x} 0t0 {} type=STREAM (CONNECTED)\n", 20_000 + fd * 5))
    });
    let trace = |kept: bool| -> String {
        let calls = |i: u32| {
            let (at, fd) = (format!("10:12:{i:02}.000100"), if kept { 873 + i } else { 873 });
            let own = if kept { String::new() } else { format!("{at} close({fd}) = 0\n") };
            format!(
                "{at} socketpair(AF_UNIX, SOCK_STREAM, 0, [{fd}, {}]) = 0\n{at} close({}) = 0\n{at} read({fd}, \"ok\", 64) = 2\n{own}",
                fd + 1,
                fd + 1
            )
        };
        (0..12).map(calls).collect()
    };
    let of = |kept| diagnose(&[member("lsof.txt", &lsof), member("strace-2501.txt", &trace(kept))]);
    assert!(of(true).findings.iter().any(|f| f.claim.code == "unix-not-closed"));
    assert!(!of(false).findings.iter().any(|f| f.claim.code == "unix-not-closed"));
}

/// A listing of a server whose clients have gone.
fn left_by_clients(n: u32) -> Member {
    let mut text = String::from(
        "COMMAND   PID USER   FD   TYPE DEVICE SIZE/OFF   NODE NAME\ntlsgw 1414 gw 3u IPv4 20000 0t0 TCP 10.0.0.5:8883 (LISTEN)\n",
    );
    for fd in 4..4 + n {
        let (inode, port) = (20_000 + fd * 5, 40_000 + fd);
        text.push_str(&format!("tlsgw 1414 gw {fd}u IPv4 {inode} 0t0 TCP 10.0.0.5:8883->203.0.113.{}:{port} (CLOSE_WAIT)\n", fd % 200));
    }
    member("lsof.txt", &text)
}

fn calls(call: impl Fn(u32, &str) -> String) -> Member {
    member("strace-1414.txt", &(0..24).map(|i| call(i, &format!("10:12:{i:02}.000100"))).collect::<String>())
}

#[test]
fn what_one_path_keeps_is_not_refuted_by_another_that_closes() {
    let trace = calls(|i, at| {
        let fd = 304 + i / 2;
        let accepted = format!(
            "{at} accept4(3, {{sa_family=AF_INET, sin_port=htons(50000), sin_addr=inet_addr(\"203.0.113.7\")}}, [16], SOCK_CLOEXEC) = {fd}\n{at} read({fd}, \"\", 5) = 0\n"
        );
        if i % 2 == 0 { format!("{accepted}{at} close({fd}) = 0\n") } else { accepted }
    });
    let claim = diagnose(&[left_by_clients(300), trace]).findings.into_iter().next().expect("a finding").claim;
    assert!(claim.code == "accept-not-closed" && claim.against.is_empty(), "{claim:?}");
}

#[test]
fn what_another_process_accepted_and_passed_on_was_accepted() {
    let trace = calls(|i, at| {
        format!("{at} read({}, \"\", 4096) = 0\n{at} openat(AT_FDCWD, \"/etc/motd\", O_RDONLY) = 900\n{at} close(900) = 0\n", 304 + i)
    });
    let claim = diagnose(&[left_by_clients(300), trace]).findings.into_iter().next().expect("a finding").claim;
    assert_eq!(claim.code, "accept-not-closed", "{claim:?}");
}

#[test]
fn a_detector_of_leaks_is_quoted_where_nothing_leaks() {
    let log = lines(30, |t| {
        format!(
            "2026-09-14 {t}.000 WARN 4471 --- [housekeeper] c.z.h.p.ProxyLeakTask : Connection leak detection triggered for conn0 on thread main, stack trace follows"
        )
    });
    let told = diagnose(&[listing("java", 4471, 0), vec![member("app.log", &log)]].concat());
    let remarks: Vec<&str> = told.reports.iter().flat_map(|r| &r.remarks).map(|(says, _)| says.as_str()).collect();
    assert!(remarks.iter().any(|r| r.starts_with("app.log: 30 lines, which no sockets of this capture bear out")), "{remarks:?}");
}

/// The verdict on a paste, and its findings by code and class.
fn judged(members: &[Member]) -> (Verdict, Vec<(&'static str, Class)>) {
    let told = diagnose(members);
    (told.verdict, told.findings.iter().map(|f| (f.claim.code, f.claim.class)).collect())
}

#[test]
fn an_error_above_a_prompt_is_read() {
    let paste = |error: &str| {
        let rows: String = (0..40).map(|n| format!("tcp 0 0 127.0.0.1:{} 127.0.0.1:11300 TIME_WAIT\n", 33_000 + n * 7)).collect();
        member(
            "note.txt",
            &format!("{error}\n\n$ netstat -n | grep TIME_WAIT | wc -l\n27950\n$ netstat -n | grep TIME_WAIT | head -40\n{rows}"),
        )
    };
    let (verdict, findings) = judged(&[paste("queue: connect failed: Cannot assign requested address [tcp://127.0.0.1:11300]")]);
    assert!(verdict == Verdict::Exhaustion && findings.contains(&("port-exhaustion", Class::Exhaustion)), "{findings:?}");
    let (verdict, findings) = judged(&[paste("somebody asked whether connects say cannot assign requested address here")]);
    assert!(verdict == Verdict::Inconclusive && findings.iter().all(|f| f.1 == Class::Note), "{findings:?}");
}

#[test]
fn few_connections_speak_against_a_line_that_ports_are_gone() {
    let log = "2026-09-14 11:00:01 ERROR feed: connect to 10.20.30.40:8086: cannot assign requested address\n".repeat(9);
    let with = |established: u32| {
        let summary = format!(
            "Total: {0}\nTCP:   {0} (estab {established}, closed 3, orphaned 0, timewait 3)\n\n$ ss -tan | awk '{{print $1}}' | sort | uniq -c\n {established} ESTAB\n 3 TIME-WAIT\n 2 LISTEN\n",
            established + 5
        );
        judged(&[member("feed.log", &log), member("ss-s.txt", &format!("$ ss -s\n{summary}"))])
    };
    let (verdict, findings) = with(28_100);
    assert!(verdict == Verdict::Exhaustion && findings.contains(&("port-exhaustion", Class::Exhaustion)), "{findings:?}");
    let (verdict, findings) = with(90);
    assert!(verdict == Verdict::Inconclusive && findings == [("port-exhaustion", Class::Note)], "{findings:?}");
}

#[test]
fn a_bind_to_any_port_that_is_refused_means_that_none_is_left() {
    let call = |port: u32| {
        let at = "sin_addr=inet_addr(\"10.20.30.41\")";
        member(
            "strace.txt",
            &format!(
                "socket(AF_INET, SOCK_STREAM, IPPROTO_TCP) = 41\nbind(41, {{sa_family=AF_INET, sin_port=htons({port}), {at}}}, 16) = -1 EADDRINUSE (Address already in use)\nclose(41) = 0\n"
            ),
        )
    };
    assert_eq!(judged(&[call(0)]).1, [("port-exhaustion", Class::Exhaustion)]);
    assert_eq!(judged(&[call(8080)]).1, []);
}

#[test]
fn the_kernels_line_on_a_flood_names_its_port() {
    let line = "May  2 10:14:31 web1 kernel: [ 4131.099119] TCP: request_sock_TCP: Possible SYN flooding on port 9443. Sending cookies.  Check SNMP counters.\n";
    let told = diagnose(&[member("kern.log", line)]);
    let claim = &told.findings.first().expect("a note").claim;
    assert_eq!((told.verdict, claim.code, claim.class), (Verdict::Inconclusive, "syn-flood", Class::Note));
    assert_eq!(claim.remotes.first().map(|r| r.endpoint.as_str()), Some("port 9443"));
    let table = "State Recv-Q Send-Q Local Address:Port Peer Address:Port\nLISTEN 0 128 0.0.0.0:9443 0.0.0.0:*\nESTAB 0 0 10.0.0.5:9443 10.0.0.9:40112\n";
    assert_eq!(judged(&[member("kern.log", line), member("ss-tan.txt", table)]).1, [], "the table shows no flood");
}

#[test]
fn a_full_table_of_time_wait_is_a_limit_that_is_reached() {
    let counts = "$ netstat -nat | awk '{print $6}' | sort | uniq -c\n    900 ESTABLISHED\n     46 LISTEN\n  16384 TIME_WAIT\n";
    let log = |more: &str| format!("{counts}$ dmesg | tail -1\n[5093112.660112] TCP: time wait bucket table overflow{more}\n");
    for more in ["", " (CT1)"] {
        let (verdict, findings) = judged(&[member("a.txt", &log(more))]);
        assert_eq!((verdict, findings), (Verdict::Exhaustion, vec![("time-wait-buildup", Class::Exhaustion)]), "{more}");
    }
    let room = format!("{}$ sysctl net.ipv4.tcp_max_tw_buckets\nnet.ipv4.tcp_max_tw_buckets = 262144\n", log(""));
    assert_eq!(judged(&[member("a.txt", &room)]).1, [("time-wait-buildup", Class::Note)]);
}

/// A note with a limit and a count of descriptors, each asked for by the program's name, beside connections without a holder.
fn asked_by_name(open: u32, program: &str) -> Member {
    let rows: String = (0..700).map(|n| format!("ESTAB 0 0 10.0.0.5:{} 10.0.0.9:6000\n", 33_000 + n)).collect();
    member(
        "note.txt",
        &format!(
            "root@relay:~# grep 'open files' /proc/$(pidof -s relayd)/limits\nMax open files            1024                 65536                files     \nroot@relay:~# ls /proc/$(pidof -s {program})/fd | wc -l\n{open}\nroot@relay:~# ss -tn state established\nState Recv-Q Send-Q Local Address:Port Peer Address:Port\n{rows}"
        ),
    )
}

#[test]
fn a_limit_and_a_count_asked_for_by_one_name_are_of_one_process() {
    let told = diagnose(&[asked_by_name(1024, "relayd")]);
    let claim = &told.findings.first().expect("a finding").claim;
    assert_eq!((told.verdict, claim.code, claim.count), (Verdict::Exhaustion, "fd-limit-too-low", Some(1024)));
    assert_eq!(claim.owner.as_ref().map(|o| o.command.as_str()), Some("relayd"));
    assert_eq!(judged(&[asked_by_name(300, "relayd")]).1, []);
    assert_eq!(judged(&[asked_by_name(1024, "other")]).1, [], "of another program");
}

#[test]
fn what_a_limit_is_says_not_that_it_is_reached() {
    let log = |line: &str| member("app.log", &format!("2026-09-14 11:00:01.120 UTC [90] LOG {line}\n"));
    assert_eq!(judged(&[log("max open files: 65536")]).1, []);
    let needs = |n: u32| log(&format!("kernel file descriptor limit: 1024 (hard: 4096); max_client_conn: 500, max expected fd use: {n}"));
    let full = log("accept() failed: Too many open files");
    let with = |n: u32| {
        let mut all = needs(n);
        all.text.extend_from_slice(&full.text);
        judged(&[all])
    };
    assert_eq!(judged(&[needs(5000)]).1, []);
    assert_eq!(with(5000), (Verdict::Exhaustion, vec![("fd-limit-too-low", Class::Exhaustion)]));
    assert_eq!(with(700).1, [("fd-limit-too-low", Class::Note)]);
}

#[test]
fn a_log_that_descriptors_run_out_speaks_against_what_fills_a_usual_limit() {
    let rows = |n: u32| -> String {
        (7..7 + n).map(|fd| format!("shipd 4471 root {fd}u sock 0,7 0t0 {} can't identify protocol\n", 90_000 + fd * 7)).collect()
    };
    let with = |n: u32, log: &str| judged(&[member("lsof.txt", &format!("$ lsof -p 4471\n...\n{}", rows(n))), member("err.txt", log)]).0;
    let full = "System.IO.IOException: Too many open files\n";
    assert_eq!(with(1008, full), Verdict::Leak);
    assert_eq!(with(1008, "System.IO.IOException: No such file or directory\n"), Verdict::Inconclusive);
    assert_eq!(with(700, full), Verdict::Inconclusive, "no usual limit is near");
}

#[test]
fn a_port_that_one_program_wants_and_another_holds_without_accepting() {
    let capture = |holder: &str, wants: &str| {
        let rows: String = (0..6).map(|n| format!("CLOSE-WAIT 1 0 127.0.0.1:2121 127.0.0.1:{}\n", 40_000 + n)).collect();
        [
            member(
                "ps.txt",
                &format!(
                    "USER PID %CPU %MEM VSZ RSS TTY STAT START TIME COMMAND\nroot 648 0.1 0.4 1 1 ? Ss 08:14 0:14 {holder}\nweb 912 0.1 0.4 1 1 ? Ss 09:58 0:14 {wants}\n"
                ),
            ),
            member(
                "ss.txt",
                &format!(
                    "State Recv-Q Send-Q Local Address:Port Peer Address:Port\nLISTEN 5 5 127.0.0.1:2121 *:* users:((\"fwdd\",pid=648,fd=4))\nESTAB 0 0 127.0.0.1:1100 127.0.0.1:3000 users:((\"fwdd\",pid=648,fd=5))\n{rows}"
                ),
            ),
            member(
                "serve.log",
                "2026-05-16 09:58:31,402 ERROR serve: cannot listen on 127.0.0.1:2121: [Errno 98] Address already in use\n",
            ),
        ]
    };
    let notes = |holder: &str, wants: &str| {
        let (_, findings) = judged(&capture(holder, wants));
        findings.contains(&("fd-inherited", Class::Note))
    };
    assert!(notes("/usr/sbin/fwdd", "/opt/app/serve --port 2121"));
    assert!(!notes("/usr/sbin/fwdd --listen 2121", "/opt/app/serve --port 2121"), "two programs were given one port");
    assert!(!notes("/usr/sbin/fwdd", "/opt/app/serve"), "nobody was started for that port");
}

#[test]
fn a_traced_program_that_closes_what_is_refused_explains_its_own_log() {
    let dial = "{sa_family=AF_INET, sin_port=htons(8086), sin_addr=inet_addr(\"10.20.30.90\")}, 16) = -1 ECONNREFUSED (Connection refused)";
    let calls = |end: &str| format!("socket(AF_INET, SOCK_STREAM, IPPROTO_TCP) = 5\nconnect(5, {dial}\n{end}").repeat(20);
    let log = lines(300, |t| format!("2026-11-12 {t} ERROR {REFUSED}"));
    let code = |trace: Option<(&str, String)>, path: &str| {
        let mut members = listing("feedd", 4471, 300);
        members.extend(trace.map(|(path, text)| member(path, &format!("strace: Process 812 attached\n{text}"))));
        // Another program beside it, so that a nameless trace is not the holder's.
        members.push(member("ss.txt", "ESTAB 0 0 10.0.0.5:9999 10.0.0.7:22 users:((\"other\",pid=77,fd=3))\n"));
        told(members, path, &log).code
    };
    let closes = || calls("close(5) = 0\n");
    assert_eq!(code(Some(("strace-shopper.txt", closes())), "out.log"), "unknown", "it dials there and closes");
    assert_eq!(code(Some(("strace-shopper.txt", closes().replace("8086", "8087"))), "shopper.log"), "unknown", "the files are named alike");
    assert_eq!(code(Some(("strace-shopper.txt", closes().replace("8086", "8087"))), "out.log"), "connect-failed-not-closed");
    assert_eq!(code(None, "shopper.log"), "connect-failed-not-closed");
}

#[test]
fn a_table_of_calls_without_close_tells_only_where_all_calls_are_traced() {
    let head =
        "% time     seconds  usecs/call     calls    errors syscall\n------ ----------- ----------- --------- --------- ----------------\n";
    let row = |calls: u32, errors: &str, name: &str| format!(" 25.00    0.000100          10 {calls:9} {errors:>9} {name}\n");
    let with = |rest: &str| {
        let table = format!("{head}{}{}{}", row(9, "9", "connect"), row(9, "", "socket"), row(9, "", rest));
        told([listing("feedd", 4471, 300), vec![member("strace-c-4471.txt", &table)]].concat(), "empty.log", "").code
    };
    assert_eq!(with("clock_nanosleep"), "connect-failed-not-closed");
    assert_eq!(with("sendto"), "unknown", "close may have been left out");
}
