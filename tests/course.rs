//! What is said of one host at several times: a leak keeps its sockets and adds to them, and a sample that cannot tell tells nothing.

mod sample;

use sample::{Member, diagnose};
use sockdiag::causes::Class;
use sockdiag::diagnosis::{Diagnosis, Verdict};

/// Rows of one kind of socket that a process holds, for each inode.
type Rows = fn(u32) -> String;

/// A sample of a host: a process with these sockets, at this hour of the first days of a month.
fn taken(hour: u32, name: &str, rows: Rows, inodes: impl IntoIterator<Item = u32>) -> Vec<Member> {
    let mut text = String::from("COMMAND PID USER FD TYPE DEVICE SIZE/OFF NODE NAME\n");
    text.push_str("sshd 801 root 3u IPv4 811 0t0 TCP *:22 (LISTEN)\nchronyd 622 root 5u IPv4 812 0t0 UDP 127.0.0.1:323\n");
    text.push_str(&format!("{name} 2700 svc 3u IPv4 813 0t0 TCP *:7000 (LISTEN)\n"));
    for (n, inode) in inodes.into_iter().enumerate() {
        text.push_str(&format!("{name} 2700 svc {}u {}\n", 4 + n, rows(inode)));
    }
    let at = |file: &str, text: String| Member { path: format!("t{hour:03}/{file}"), text: text.into_bytes() };
    let date = format!("Mon Jun {:>2} {:02}:00:00 UTC 2026\n", 1 + hour / 24, hour % 24);
    let ps = format!("USER PID %CPU %MEM VSZ RSS TTY STAT START TIME COMMAND\nsvc 2700 1.0 1.0 9 9 ? Ss May01 0:01 /usr/sbin/{name} -f\n");
    vec![at("lsof.txt", text), at("date.txt", date), at("ps.txt", ps)]
}

fn closed(inode: u32) -> String {
    format!("sock 0,8 0t0 {inode} protocol: TCP")
}

fn close_wait(inode: u32) -> String {
    format!("IPv4 {inode} 0t0 TCP 10.0.0.5:{}->10.9.9.9:8080 (CLOSE_WAIT)", 10_000 + inode % 50_000)
}

fn fin_wait(inode: u32) -> String {
    format!("IPv4 {inode} 0t0 TCP 10.0.0.5:7000->10.9.9.9:{} (FIN_WAIT2)", 10_000 + inode % 50_000)
}

fn udp(inode: u32) -> String {
    format!("IPv4 {inode} 0t0 UDP *:{}", 10_000 + inode % 50_000)
}

fn netlink(inode: u32) -> String {
    format!("netlink 0t0 {inode} ROUTE")
}

fn packet(inode: u32) -> String {
    format!("pack {inode} 0t0 ALL type=SOCK_RAW")
}

fn leaks(told: &Diagnosis) -> Vec<&str> {
    told.findings.iter().filter(|f| f.claim.class == Class::Leak).map(|f| f.claim.code).collect()
}

/// All that is said of findings.
fn said(told: &Diagnosis) -> String {
    told.findings.iter().flat_map(|f| &f.claim.evidence).map(|e| e.says.as_str()).collect::<Vec<_>>().join("\n")
}

/// Sockets none of which is in two samples were closed each time, however many there are.
#[test]
fn what_comes_and_goes_is_no_leak() {
    for rows in [closed as Rows, close_wait, fin_wait, udp, netlink, packet] {
        for counts in [[150, 285, 210, 165], [150, 190, 240, 300], [1500, 1590, 1425, 1545]] {
            let samples = counts.iter().zip(0..).flat_map(|(&n, t)| taken(t, "svcd", rows, (0..n).map(|i| 40_000 + t * 5000 + i * 3)));
            let told = diagnose(&samples.collect::<Vec<_>>());
            assert!(leaks(&told).is_empty(), "{} {counts:?}: {}", rows(1), told.headline);
        }
    }
}

/// Of the few that were there before a leak began none may be left.
#[test]
fn a_leak_that_begins_later_is_one() {
    for rows in [closed as Rows, close_wait, fin_wait, udp, netlink, packet] {
        let samples = (0..4u32).flat_map(|t| {
            let passing = (0..60).map(move |i| 40_000 + t * 5000 + i);
            let kept = (2..=t).flat_map(|from| (0..400).map(move |i| 41_000 + from * 5000 + i));
            taken(t, "svcd", rows, passing.chain(kept))
        });
        let told = diagnose(&samples.collect::<Vec<_>>());
        assert_eq!(told.verdict, Verdict::Leak, "{}: {}", rows(1), told.headline);
    }
}

/// What is the same for days was not opened since: at work if it may be of use, left over if its peers have gone or nobody has a use for so
/// many, a question if they are few.
#[test]
fn the_same_sockets_for_days() {
    let some = |rows: Rows, n: u32| (0..3).flat_map(|day| taken(day * 24, "svcd", rows, 40_000..40_000 + n)).collect::<Vec<_>>();
    let days = |rows: Rows| some(rows, 500);
    for rows in [udp as Rows, netlink, packet] {
        let told = diagnose(&days(rows));
        assert!(leaks(&told).is_empty() && told.verdict != Verdict::Leak, "{}", told.headline);
    }
    let told = diagnose(&some(closed, 40));
    assert_eq!((told.verdict, leaks(&told)), (Verdict::Inconclusive, vec![]), "{}", told.headline);
    assert!(told.headline.contains("the same 40 were there 2 days before, and none was opened since"), "{}", told.headline);
    for rows in [closed as Rows, close_wait] {
        assert_eq!(diagnose(&days(rows)).verdict, Verdict::Leak, "{}", rows(1));
    }
    // A leak that has filled its limit has come to an end too.
    let limit = "Limit Soft Limit Hard Limit Units\nMax open files            510                  510                  files\n";
    let mut full = days(closed);
    full.push(Member { path: "t048/limits-2700.txt".to_string(), text: limit.as_bytes().to_vec() });
    assert_eq!(diagnose(&full).verdict, Verdict::Leak);
}

/// Minutes apart the same sockets tell nothing: the next attempt may be due later.
#[test]
fn the_same_sockets_for_minutes() {
    let mut samples = [taken(1, "svcd", closed, 40_000..40_500), taken(2, "svcd", closed, 40_000..40_500)].concat();
    for member in samples.iter_mut().filter(|m| m.path == "t002/date.txt") {
        member.text = b"Mon Jun  1 01:10:00 UTC 2026\n".to_vec();
    }
    assert_eq!(diagnose(&samples).verdict, Verdict::Leak);
}

const SS: &str = "State Recv-Q Send-Q Local Address:Port Peer Address:Port Process\n";

/// A table of a server's connections in a sample, and what else was captured of it.
fn served(hour: u32, pid: Option<u32>, count: u32, idle: Option<u32>) -> Vec<Member> {
    let users = |fd: u32| pid.map_or(String::new(), |pid| format!("users:((\"java\",pid={pid},fd={fd})) "));
    let mut text = format!("{SS}LISTEN 0 128 0.0.0.0:8443 0.0.0.0:* {}ino:900\n", users(9));
    for n in 0..count {
        let users = users(n + 10);
        text.push_str(&format!("ESTAB 0 0 10.0.0.5:8443 10.9.{}.7:{} {users}ino:{}\n", n % 200, 20_000 + n, 50_000 + n));
        if let Some(idle) = idle {
            text.push_str(&format!("\t cubic rto:204 lastsnd:{idle} lastrcv:{idle} lastack:{idle}\n"));
        }
    }
    let at = |file: &str, text: String| Member { path: format!("t{hour:03}/{file}"), text: text.into_bytes() };
    let date = format!("Mon Jun {:>2} {:02}:00:00 UTC 2026\n", 1 + hour / 24, hour % 24);
    vec![at("ss-tanpe.txt", text), at("date.txt", date)]
}

fn started(hour: u32, pid: u32, jar: &str) -> Member {
    let text =
        format!("USER PID %CPU %MEM VSZ RSS TTY STAT START TIME COMMAND\napi {pid} 1.0 1.0 9 9 ? Ssl May01 0:01 java -jar /srv/{jar}\n");
    Member { path: format!("t{hour:03}/ps.txt"), text: text.into_bytes() }
}

/// What a process holds that was not there before did not grow from nothing.
#[test]
fn a_new_release_is_no_growth() {
    let mut samples = [served(0, Some(4100), 420, None), served(1, Some(9120), 610, None), served(2, Some(9120), 590, None)].concat();
    samples.extend([started(0, 4100, "api-3.8.0.jar"), started(1, 9120, "api-3.9.0.jar"), started(2, 9120, "api-3.9.0.jar")]);
    let told = diagnose(&samples);
    assert!(leaks(&told).is_empty(), "{}", told.headline);
    assert!(said(&told).contains("the same 590 were there 60 min before"), "{}", said(&told));
    // With the first sample of it alone, it has what the one before had.
    let mut two = [served(0, Some(4100), 430, None), served(1, Some(9120), 426, None)].concat();
    two.extend([started(0, 4100, "api-3.8.0.jar"), started(1, 9120, "api-3.9.0.jar")]);
    let told = diagnose(&two);
    assert!(leaks(&told).is_empty(), "{}", told.headline);
}

/// A table that was taken without privilege names no holder of them, and has them all the same.
#[test]
fn unreadable_is_not_nothing() {
    let mut samples = [served(0, None, 520, None), served(1, Some(2800), 520, None)].concat();
    let denied = "COMMAND PID USER FD TYPE DEVICE SIZE/OFF NODE NAME\njava 2800 api NOFD /proc/2800/fd (opendir: Permission denied)\n";
    samples.push(Member { path: "t000/lsof.txt".to_string(), text: denied.as_bytes().to_vec() });
    let told = diagnose(&samples);
    assert!(leaks(&told).is_empty(), "{}", told.headline);
    assert!(said(&told).contains("the same 520 were there 60 min before"), "{}", said(&told));
}

/// Clients of which each was heard in the last minute are no leak, unless all of them have come in it.
#[test]
fn connections_that_are_heard() {
    let fleet = |idle| (0..4).flat_map(|day| served(day * 24, Some(2400), 1000 + day * 160, Some(idle))).collect::<Vec<_>>();
    let told = diagnose(&fleet(20_000));
    assert!(leaks(&told).is_empty(), "{}", told.headline);
    assert!(!leaks(&diagnose(&fleet(900_000))).is_empty());
    let mut new: Vec<Member> = (0..4).flat_map(|n| served(n, Some(2400), 200 + n * 900, Some(20_000))).collect();
    for (n, member) in new.iter_mut().filter(|m| m.path.ends_with("date.txt")).enumerate() {
        member.text = format!("Mon Jun  1 00:00:{:02} UTC 2026\n", n * 20).into_bytes();
    }
    assert!(!leaks(&diagnose(&new)).is_empty());
}

/// A queue that was full at some time is told of with that time, and is no limit that is reached.
#[test]
fn a_queue_that_was_full() {
    let queue = |hour: u32, queue: u32| {
        let text = format!("{SS}LISTEN {queue} 128 127.0.0.1:9000 0.0.0.0:* users:((\"gated\",pid=1300,fd=3))\n");
        Member { path: format!("t{hour:03}/ss-tanp.txt"), text: text.into_bytes() }
    };
    let mut samples = taken(0, "svcd", udp, []);
    samples.extend(taken(1, "svcd", udp, []));
    samples.extend([queue(0, 129), queue(1, 0)]);
    let told = diagnose(&samples);
    let finding = told.findings.iter().find(|f| f.claim.code == "backlog-overflow").expect("a finding");
    assert_eq!(finding.claim.class, Class::Note);
    assert!(finding.claim.says.contains("full before (2026-06-01T00:00:00Z)"), "{}", finding.claim.says);
    assert!(!told.headline.contains("no limit reached,"), "{}", told.headline);
}

/// Connections of a server to its own store are not called accepted.
#[test]
fn what_a_server_has_opened_itself() {
    let mut samples: Vec<Member> = (0..4).flat_map(|t| served(t, Some(2400), 300 + t * 200, Some(900_000))).collect();
    for member in samples.iter_mut().filter(|m| m.path.ends_with("ss-tanpe.txt")) {
        for n in 0..150 {
            let users = format!("users:((\"java\",pid=2400,fd={}))", n + 5000);
            let row = format!("ESTAB 0 0 10.0.0.5:{} 10.3.3.3:5432 {users} ino:{}\n", 40_000 + n, 90_000 + n);
            member.text.extend(row.into_bytes());
        }
    }
    let told = diagnose(&samples);
    let finding = told.findings.iter().find(|f| f.claim.class == Class::Leak).expect("a leak");
    let says = finding.claim.remotes.iter().find(|r| r.endpoint == "10.3.3.3:5432").map(|r| (r.count, r.why.as_str()));
    assert_eq!(says, Some((150, "opened by the program itself")), "{:?}", finding.claim.remotes);
    assert!(said(&told).contains("900 of them are on the server's own port"), "{}", said(&told));
}

/// A sample of a host at a minute: a server that starts a process for each connection, whose client has closed.
fn children(minute: u32, pids: impl IntoIterator<Item = u32>) -> Vec<Member> {
    let mut text = String::from("COMMAND PID USER FD TYPE DEVICE SIZE/OFF NODE NAME\n");
    text.push_str("sshd 801 root 3u IPv4 811 0t0 TCP *:22 (LISTEN)\nchronyd 622 root 5u IPv4 812 0t0 UDP 127.0.0.1:323\n");
    text.push_str("xferd 2700 svc 3u IPv4 813 0t0 TCP *:7000 (LISTEN)\n");
    for pid in pids {
        text.push_str(&format!("xferd {pid} svc 4u IPv4 {} 0t0 TCP 10.0.0.5:7000->10.9.9.9:{} (CLOSE_WAIT)\n", 40_000 + pid, 10_000 + pid));
    }
    let at = |file: &str, text: String| Member { path: format!("m{minute:02}/{file}"), text: text.into_bytes() };
    vec![at("lsof.txt", text), at("date.txt", format!("Mon Jun  1 08:{minute:02}:00 UTC 2026\n"))]
}

/// No child holds more than one: what tells a leak is that none of them ends.
#[test]
fn children_that_stay() {
    let told = diagnose(&[children(0, 3000..3100), children(15, 3000..3140)].concat());
    assert_eq!(leaks(&told), ["accept-not-closed"], "{}", told.headline);
    assert!(said(&told).contains("the first 100 are still there 15 min later, and 40 more came"), "{}", said(&told));
    let renewed = diagnose(&[children(0, 3000..3100), children(15, 4000..4140)].concat());
    assert!(leaks(&renewed).is_empty(), "{}", renewed.headline);
    let few = diagnose(&[children(0, 3000..3010), children(15, 3000..3012)].concat());
    assert!(leaks(&few).is_empty(), "{}", few.headline);
}

/// A sample of a server that has opened so many connections, and has so many of clients, others in each.
fn both_ways(sample: u32, opened: u32, clients: u32) -> Vec<Member> {
    let mut text = String::from("State Recv-Q Send-Q Local Address:Port Peer Address:Port Process\n");
    text.push_str("LISTEN 0 128 0.0.0.0:7000 0.0.0.0:* users:((\"shopd\",pid=2700,fd=3)) ino:813 sk:1\n");
    let mut row = |ends: String, inode: u32| {
        text.push_str(&format!("ESTAB 0 0 {ends} users:((\"shopd\",pid=2700,fd={})) ino:{inode} sk:1\n", inode - 39_000));
    };
    (0..opened).for_each(|n| row(format!("10.0.0.5:{} 10.9.0.{}:9042", 33_000 + n, 1 + n % 3), 40_000 + n));
    (0..clients).for_each(|n| row(format!("10.0.0.5:7000 10.9.1.{}:{}", n % 9, 10_000 + sample * 1000 + n), 60_000 + sample * 1000 + n));
    let at = |file: &str, text: String| Member { path: format!("m{:02}/{file}", sample * 5), text: text.into_bytes() };
    vec![at("ss-tanpe.txt", text), at("date.txt", format!("Mon Jun  1 08:{:02}:00 UTC 2026\n", sample * 5))]
}

/// Clients that come and go say nothing of a pool, neither that it grows nor how many it has.
#[test]
fn what_was_opened_beside_clients() {
    let told = |samples: &[(u32, u32)]| {
        let all = samples.iter().zip(0..).flat_map(|(&(opened, clients), n)| both_ways(n, opened, clients));
        diagnose(&all.collect::<Vec<_>>())
    };
    let full = told(&[(4, 40), (96, 100), (300, 200), (300, 340), (300, 340)]);
    assert!(leaks(&full).is_empty(), "{}", full.headline);
    let grows = told(&[(4, 40), (96, 100), (300, 200), (520, 340), (745, 340)]);
    assert_eq!(leaks(&grows), ["pool-unbounded"], "{}", grows.headline);
    assert!(grows.headline.contains("745"), "{}", grows.headline);
    assert!(said(&grows).contains("those that it opened grew from 4 to 745"), "{}", said(&grows));
}

/// The ends of two long listings show other sockets, whatever became of the first ones.
#[test]
fn ends_of_listings_are_no_turnover() {
    let end = |minute: u32, last: u32| {
        let mut text = String::new();
        for n in last - 90..last {
            text.push_str(&format!("java 8913 pay {n}u sock 0,8 0t0 {} protocol: TCP\n", 39_000 + n * 2));
        }
        let at = |file: &str, text: String| Member { path: format!("m{minute:02}/{file}"), text: text.into_bytes() };
        let summary = format!("Total: 2000\nTCP:   {} (estab 2, closed {last}, orphaned 0, timewait 0)\n", last + 6);
        vec![at("lsof.txt", text), at("ss-s.txt", summary), at("date.txt", format!("Mon Jun  1 08:{minute:02}:00 UTC 2026\n"))]
    };
    let told = diagnose(&[end(0, 910), end(30, 1510)].concat());
    assert_eq!(told.verdict, Verdict::Leak, "{}", told.headline);
}

/// Two samples some seconds apart of sockets of one process, one row for each inode.
fn seconds_apart(row: Rows, counts: [u32; 2], seconds: u32, moved: u32) -> Diagnosis {
    let sample = |n: u32, count: u32, second: u32| {
        let inodes = (0..count).map(|i| 40_000 + i * 3 + n * moved);
        taken(n, "svcd", row, inodes).into_iter().map(move |mut m| {
            if m.path.ends_with("date.txt") {
                m.text = format!("Mon Jun  1 00:00:{second:02} UTC 2026\n").into_bytes();
            }
            m
        })
    };
    let [then, now] = counts;
    diagnose(&sample(0, then, 0).chain(sample(1, now, seconds)).collect::<Vec<_>>())
}

/// A few more tell of a growth where none of those before has gone; seconds prove none.
#[test]
fn a_few_more_of_what_has_no_use() {
    let told = seconds_apart(close_wait, [45, 56], 9, 0);
    assert_eq!((told.verdict, leaks(&told)), (Verdict::Inconclusive, vec!["peer-closed-not-closed"]), "{}", told.headline);
    assert!(said(&told).contains("none of those 45 was closed since"), "{}", said(&told));
    assert!(leaks(&seconds_apart(close_wait, [45, 47], 9, 0)).is_empty(), "hardly more");
    assert!(leaks(&seconds_apart(close_wait, [45, 56], 9, 90)).is_empty(), "some have gone");
}

fn client(inode: u32) -> String {
    format!("IPv4 {inode} 0t0 TCP 10.0.0.5:7000->10.9.9.9:{} (ESTABLISHED)", 10_000 + inode % 50_000)
}

/// Clients of a few seconds are no clients that nobody ends.
#[test]
fn a_load_that_grows_within_seconds() {
    let told = seconds_apart(client, [100, 540], 5, 0);
    assert!(leaks(&told).is_empty(), "{}", told.headline);
    assert!(told.headline.contains("440 more than 5 s before"), "{}", told.headline);
}

/// Daemons that keep their sockets tell that two directories without a name are one host, even where all other processes are new.
#[test]
fn a_host_is_known_by_the_sockets_that_it_keeps() {
    let at = |name: &str, second: u32, base: u32, shell: u32| {
        let mut text = String::from("COMMAND PID USER FD TYPE DEVICE SIZE/OFF NODE NAME\n");
        for n in 0..4 {
            text.push_str(&format!("keepd{n} {} root 3u unix 0xff{n} 0t0 {} type=DGRAM\n", 500 + n, base + 9 * n));
            text.push_str(&format!("keepd{n} {} root 4u unix 0xfe{n} 0t0 {} type=STREAM\n", 500 + n, base + 9 * n + 1));
            text.push_str(&format!("sh{n} {} root 0u CHR 1,3 0t0 5 /dev/null\n", shell + n));
        }
        let file = |file: &str, text: String| Member { path: format!("{name}/{file}"), text: text.into_bytes() };
        [file("lsof.txt", text), file("date.txt", format!("Mon Jun  1 00:00:{second:02} UTC 2026\n"))]
    };
    let hosts = |base: u32| diagnose(&[at("blue", 1, 300_000, 4000), at("green", 9, base, 5000)].concat()).reports.len();
    assert_eq!((hosts(300_000), hosts(400_000)), (1, 2));
}

/// A step of the load after which nothing more comes, of clients that were all heard a moment ago.
#[test]
fn a_load_that_grew_and_stays() {
    let step = |idle| [80, 340, 340].iter().zip(0..).flat_map(|(&n, t)| served(t, Some(2400), n, idle)).collect::<Vec<_>>();
    let told = diagnose(&step(Some(3000)));
    assert!(leaks(&told).is_empty(), "{}", told.headline);
    assert!(said(&told).contains("have stayed near 340"), "{}", said(&told));
    assert!(!leaks(&diagnose(&step(Some(900_000)))).is_empty(), "of clients that have said nothing for long");
}

/// A restart ends what has piled up, and not what piles it up.
#[test]
fn what_a_restart_has_ended_comes_again() {
    let sample = |hour: u32, pid: u32, count: u32| {
        let rows = taken(hour, "payq", close_wait, (0..count).map(|i| 40_000 + pid + i * 3));
        let renamed = |m: Member| Member { text: String::from_utf8(m.text).unwrap().replace("2700", &pid.to_string()).into_bytes(), ..m };
        rows.into_iter().map(renamed).collect::<Vec<_>>()
    };
    let told = diagnose(&[sample(0, 2700, 90), sample(1, 2700, 150), sample(2, 2900, 45)].concat());
    assert_eq!((told.verdict, leaks(&told)), (Verdict::Leak, vec!["peer-closed-not-closed"]), "{}", told.headline);
    assert!(said(&told).contains("the same program held 150 of them"), "{}", said(&told));
    let told = diagnose(&[sample(0, 2700, 20), sample(1, 2700, 22), sample(2, 2900, 18)].concat());
    assert!(leaks(&told).is_empty(), "a level: {}", told.headline);
}

/// A few that become more in each sample, of which none goes, are worth a word.
#[test]
fn a_few_that_become_more_each_time() {
    let over = |counts: [u32; 3], moved: u32| {
        let samples = counts.iter().zip(0..).flat_map(|(&n, t)| taken(t, "certd", close_wait, (0..n).map(|i| 40_000 + i * 3 + t * moved)));
        diagnose(&samples.collect::<Vec<_>>())
    };
    let told = over([4, 7, 9], 0);
    assert_eq!(leaks(&told), ["peer-closed-not-closed"], "{}", told.headline);
    assert!(said(&told).contains("became more in each sample, 4 to 9"), "{}", said(&told));
    assert!(leaks(&over([4, 7, 7], 0)).is_empty(), "no more come");
    assert!(leaks(&over([4, 7, 9], 60)).is_empty(), "they come and go");
}

/// A table of UDP sockets that a process has bound to an address, each on a port that it chose.
fn bound(ports: impl IntoIterator<Item = u32>) -> String {
    let mut text = String::from("$ ss -uanp\nState Recv-Q Send-Q Local Address:Port Peer Address:Port\n");
    for (n, port) in ports.into_iter().enumerate() {
        text.push_str(&format!("UNCONN 0 0 10.0.0.5:{port} *:* users:((\"mediad\",2700,{}))\n", 4 + n));
    }
    text
}

fn file(path: &str, text: String) -> Member {
    Member { path: path.to_string(), text: text.into_bytes() }
}

/// Files whose names differ in a time are samples: a relay ends some calls in four hours.
#[test]
fn ports_that_a_program_chose_and_never_gives_back() {
    let told = diagnose(&[file("udp_10h.txt", bound(10_000..10_290)), file("udp_14h.txt", bound(10_000..10_610))]);
    assert!(leaks(&told).contains(&"udp-not-closed"), "{}", told.headline);
    assert!(said(&told).contains("they grew from 290 to 610 between the first and the last snapshot; none of those 290 was closed since"));
    for (first, second) in [("udp_10h.txt", "udp_14h.txt"), ("udp_t0.txt", "udp_t0+5min.txt")] {
        let second_ports = if first.contains("10h") { 10_200..10_810 } else { 10_000..10_610 };
        let told = diagnose(&[file(first, bound(10_000..10_290)), file(second, bound(second_ports))]);
        assert!(leaks(&told).is_empty(), "{first}: {}", told.headline);
    }
}

/// The kernel's counts of three moments, and one table: they grew a part each time. What a server opens as it starts it opens at once.
#[test]
fn counts_at_several_times_beside_one_table() {
    let summary = |udp: u32| {
        format!(
            "Total: {}\nTCP:   24 (estab 9, closed 2, orphaned 0, timewait 2)\n\nTransport Total IP IPv6\nRAW 0 0 0\nUDP {udp} {udp} 0\nTCP 22 18 4\nINET {} {} 4\nFRAG 0 0 0\n",
            udp + 400,
            udp + 22,
            udp + 18
        )
    };
    let mut table = String::from("State Recv-Q Send-Q Local Address:Port Peer Address:Port Process\n");
    for n in 0..900 {
        table.push_str(&format!(
            "UNCONN 0 0 239.0.0.9:4000 0.0.0.0:* users:((\"waitd\",pid=2700,fd={})) ino:{} sk:{n}\n",
            5 + n,
            880_000 + n
        ));
    }
    let of = |counts: [u32; 3]| {
        let names = ["1-before-ss-s.txt", "2-during-ss-s.txt", "3-end-ss-s.txt"];
        let mut all: Vec<Member> = names.iter().zip(counts).map(|(name, n)| file(name, summary(n))).collect();
        all.push(file("4-ss-uanpe.txt", table.clone()));
        diagnose(&all)
    };
    assert_eq!(leaks(&of([3, 404, 903])), ["udp-not-closed"]);
    assert!(leaks(&of([3, 903, 903])).is_empty(), "it was started");
}

/// A command that is run again in one paste shows what is now, unless it is of another namespace or the same once more.
#[test]
fn a_command_that_is_run_again() {
    let listing = |sockets: u32| {
        let rows: String =
            (0..sockets).map(|n| format!("lrwx------ 1 svc svc 64 Aug 14 16:22 {} -> socket:[{}]\n", 4 + n, 90_000 + n * 7)).collect();
        format!("$ ls -l /proc/2700/fd\ntotal 0\nlrwx------ 1 svc svc 64 Aug 14 16:22 3 -> anon_inode:[eventpoll]\n{rows}")
    };
    let told = diagnose(&[file("steps.txt", listing(1) + &listing(3) + &listing(6))]);
    assert_eq!(told.reports[0].snapshots, 3);
    let table = |pid: u32, ports: std::ops::Range<u32>| {
        let row =
            |port: u32| format!("CLOSE-WAIT 1 0 10.0.0.5:{port} 10.9.9.9:80 users:((\"gated\",pid={pid},fd={}))\n", port - 40_000 + 5);
        let rows: String = ports.map(row).collect();
        format!("$ ss -tanp\nState Recv-Q Send-Q Local Address:Port Peer Address:Port Process\n{rows}")
    };
    let samples = |text: String| diagnose(&[file("paste.txt", text)]).reports[0].snapshots;
    assert_eq!(samples(table(2700, 40_000..40_100) + &table(2700, 40_000..40_300)), 2);
    assert_eq!(samples(table(2700, 40_000..40_100) + &table(2700, 40_000..40_100)), 1, "the same once more");
    assert_eq!(samples(table(2700, 40_000..40_100) + "$ nsenter -n -t 9\n" + &table(3900, 50_000..50_100)), 1, "of another namespace");
}

/// A server that notices clients which vanish is full of those that are there.
#[test]
fn a_limit_that_clients_fill() {
    let table = |ports: std::ops::Range<u32>| {
        let row = |port: u32| {
            let client = format!("10.7.{}.{}", port / 250 % 250, port % 250);
            let inode = 5_000_000 + port * 3;
            format!(
                "ESTAB 0 0 10.0.0.5:389 {client}:{port} users:((\"dird\",pid=2700,fd={})) timer:(keepalive,40min,0) uid:55 ino:{inode} sk:1 <->\n",
                port % 2000 + 9
            )
        };
        let head = "State Recv-Q Send-Q Local Address:Port Peer Address:Port\nLISTEN 0 128 0.0.0.0:389 0.0.0.0:* users:((\"dird\",pid=2700,fd=8)) uid:55 ino:5012 sk:2 <->\n";
        format!("{head}{}", ports.map(row).collect::<String>())
    };
    let limits = "Limit                     Soft Limit           Hard Limit           Units\nMax open files            1024                 4096                 files\n";
    let of = |day: std::ops::Range<u32>| {
        diagnose(&[
            file("night/date", "Tue Sep 14 02:00:01 UTC 2021\n".into()),
            file("night/ss_-peaonmi.txt", table(20_000..20_212)),
            file("day/date", "Tue Sep 14 10:04:50 UTC 2021\n".into()),
            file("day/ss_-peaonmi.txt", table(day)),
            file("proc_2700_limits", limits.into()),
            file("journal.txt", "Sep 14 10:02:07 dir1 dird[2700]: accept(8) failed errno=24 (Too many open files)\n".repeat(3)),
        ])
    };
    let told = of(22_000..23_012);
    assert_eq!(told.verdict, Verdict::Exhaustion, "{}", told.headline);
    assert!(told.findings.iter().any(|f| f.claim.code == "fd-limit-too-low"), "{}", told.headline);
    let told = of(20_000..21_012);
    assert_ne!(told.verdict, Verdict::Healthy, "{}", told.headline);
}

/// What was in no table at the first reading and is gone at the last was somebody's who has ended: no host that was healthy all along.
#[test]
fn counts_that_have_fallen() {
    let of = |first: u32| {
        let summary = |closed: u32| {
            format!(
                "Total: {}\nTCP:   {} (estab 70, closed {closed}, orphaned 1, timewait 100)\n\nTransport Total IP IPv6\nRAW 0 0 0\nUDP 9 9 0\nTCP 90 80 10\nINET 99 89 10\nFRAG 0 0 0\n",
                closed + 200,
                closed + 90
            )
        };
        let date = |minute: u32| format!("# date; ss -s\nTue Jun 22 08:{minute:02}:11 UTC 2021\n");
        diagnose(&[file("mail.txt", date(2) + &summary(first) + &date(5) + &summary(108))])
    };
    assert!(
        of(2108).headline.contains("2,008 TCP sockets were in no table at the first reading and 8 at the last"),
        "{}",
        of(2108).headline
    );
    assert!(!of(130).headline.contains("at the first reading"), "{}", of(130).headline);
}

/// Connections that waited to be accepted were there before somebody held them.
#[test]
fn a_queue_that_is_worked_off_is_no_growth() {
    let sample = |n: u32, accepted: u32, queue: u32| {
        let mut text = format!("{SS}LISTEN {queue} 512 0.0.0.0:7000 0.0.0.0:* users:((\"svcd\",pid=59,fd=3))\n");
        for c in 0..240 {
            let held = if c < accepted { format!("users:((\"svcd\",pid=59,fd={}))", c + 4) } else { String::new() };
            text.push_str(&format!("ESTAB 0 0 10.0.0.5:7000 10.9.{}.7:{} {held}\n", c % 200, 20_000 + c));
        }
        Member { path: format!("t{n}/ss-tanp.txt"), text: text.into_bytes() }
    };
    let told = diagnose(&[sample(1, 40, 200), sample(2, 140, 100), sample(3, 240, 0)]);
    assert!(leaks(&told).is_empty(), "{}", told.headline);
}

/// Names that tell a second time only beside a first: a directory called `later`, a number behind the name.
#[test]
fn a_second_time_beside_a_first() {
    let listing = |path: &str, count: u32| {
        let text = taken(0, "svcd", close_wait, (0..count).map(|i| 40_000 + i * 3)).swap_remove(0).text;
        Member { path: path.to_string(), text }
    };
    for (first, second) in [("lsof.txt", "later/lsof.txt"), ("lsof.txt", "lsof2.txt"), ("lsof.txt", "lsof-later.txt"), ("lsof", "lsof.2")] {
        let told = diagnose(&[listing(first, 100), listing(second, 180)]);
        assert!(said(&told).contains("grew from 100 to 180"), "{second}: {}", said(&told));
    }
    // What shows something else is of the same time.
    let ss = Member { path: "ss.txt".to_string(), text: format!("{SS}LISTEN 0 9 0.0.0.0:22 0.0.0.0:*\n").into_bytes() };
    let told = diagnose(&[ss, listing("after/lsof.txt", 180)]);
    assert!(!said(&told).contains("grew"), "{}", said(&told));
}
