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
