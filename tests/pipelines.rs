//! What pipelines counted is put to the process that the command, or the label of a count, names.

mod sample;

use sample::{Member, diagnose};
use sockdiag::diagnosis::Verdict;

/// The verdict on a paste, and of its first finding the pid and the count.
fn told(text: &str) -> (Verdict, Option<u32>, Option<u64>) {
    let diagnosis = diagnose(&[Member { path: "paste.txt".into(), text: text.into() }]);
    let first = diagnosis.findings.first().map(|f| &f.claim);
    let pid = first.and_then(|c| c.owner.as_ref()?.pids.first().map(|p| p.0));
    (diagnosis.verdict, pid, first.and_then(|c| c.count))
}

#[test]
fn the_process_is_named() {
    let of_type = "$ lsof -p 28191 | awk '{print $5}' | sort | uniq -c | sort -rn\n   6486 sock\n    212 REG\n     98 IPv6\n      1 TYPE\n";
    let by_pid = "$ lsof | grep \"can't identify protocol\" | awk '{print $2}' | sort | uniq -c | sort -rn\n   6486 28191\n      3 1020\n";
    let by_holder = "$ ss -tanp state close-wait | grep -o 'pid=[0-9]*' | sort | uniq -c\n   6486 pid=28191\n";
    let by_program = "$ netstat -anp | awk '/CLOSE_WAIT/{print $7}' | sort | uniq -c | sort -rn\n   6486 28191/node\n      4 1290/java\n";
    for text in [of_type, by_pid, by_holder, by_program] {
        assert_eq!(told(text), (Verdict::Leak, Some(28191), Some(6486)), "{text}");
    }
}

#[test]
fn a_column_that_names_nobody() {
    let peers = "$ ss -tan state close-wait | awk '{print $4}' | sort | uniq -c\n   6486 28191\n";
    assert_eq!(told(peers).1, None);
    let rows = "$ lsof -n | awk '{print $2\" \"$1}' | sort | uniq -c | sort -rn | head\n   6911 28191 java\n    312 1020 nginx\n";
    assert_eq!(told(rows), (Verdict::Inconclusive, None, None), "rows of lsof are files and libraries too");
}

#[test]
fn each_number_of_a_list_of_commands_is_of_one_of_them() {
    let round = |hour: u32, all: u32, closed: u32| {
        let command = "date; ls /proc/512/fd | wc -l; lsof -nP -p 512 | grep -c 'protocol: TCP'";
        format!("[root@gw ~]# {command}\nThu Nov 12 {hour}:00:01 CET 2026\n{all}\n{closed}\n")
    };
    assert_eq!(told(&(round(10, 812, 604) + &round(11, 1390, 1183))), (Verdict::Leak, Some(512), Some(1183)));
    assert_eq!(told(&(round(10, 812, 4) + &round(11, 1390, 4))).0, Verdict::Inconclusive, "other descriptors");
    let unsure = "$ cat /proc/sys/fs/nr_open; ls /proc/512/fd | wc -l; lsof -p 512 | grep -c CLOSE_WAIT\n1048576\n9000\n3\n";
    assert_eq!(told(unsure).2, None, "the first number is of neither");
}

#[test]
fn a_time_of_day_is_no_count() {
    let looped = "# for i in 1 2 3; do date +%T; ls -l /proc/$(pidof relayd)/fd | grep -c eventpoll; sleep 600; done\n";
    let listed: String = (3..390).map(|n| format!("lrwx------ 1 a a 64 Nov 12 11:20 {n} -> anon_inode:[eventpoll]\n")).collect();
    let text = |counts: [u32; 3]| {
        let rounds: String = (0..3).zip(counts).map(|(n, count)| format!("11:{n}0:04\n{count}\n")).collect();
        format!("{looped}{rounds}# ls -l /proc/77/fd\ntotal 0\n{listed}")
    };
    assert_eq!(told(&text([301, 344, 387])), (Verdict::Leak, Some(77), Some(387)));
    assert_ne!(told(&text([387, 387, 387])).0, Verdict::Leak);
}

#[test]
fn what_is_counted_in_the_listing_of_one_process_is_its_own() {
    for (count, number) in [
        ("lsof -n -p 512 | grep CLOSE_WAIT -c", "1229\n"),
        ("lsof -n -p 512 | grep -Eo '\\(.*\\)$' | sort | uniq -c", "   1229 (CLOSE_WAIT)\n    190 (ESTABLISHED)\n"),
        ("ss -tanp | grep CLOSE-WAIT | grep -c 'pid=512,'", "1229\n"),
    ] {
        assert_eq!(told(&format!("$ {count}\n{number}")), (Verdict::Leak, Some(512), Some(1229)), "{count}");
    }
    let few = "$ lsof -n -p 512 | grep CLOSE_WAIT -c\n12\n";
    assert_ne!(told(few).0, Verdict::Leak);
    let live = "$ lsof -n -p 512 | grep -c ESTABLISHED\n1229\n";
    assert_ne!(told(live).0, Verdict::Leak);
}

#[test]
fn a_port_behind_the_arrow_is_the_far_end() {
    let text = "$ lsof -nP -p 512 | grep -c CLOSE_WAIT\n1229\n$ lsof -nP -p 512 | grep CLOSE_WAIT | sed 's/.*->//' | sed 's/.*://' | sort | uniq -c\n   1104 443 (CLOSE_WAIT)\n    125 80 (CLOSE_WAIT)\n";
    let diagnosis = diagnose(&[Member { path: "paste.txt".into(), text: text.into() }]);
    let first = &diagnosis.findings.first().unwrap().claim;
    assert_eq!((first.code, first.count), ("peer-closed-not-closed", Some(1229)));
}

#[test]
fn counts_of_workers_are_added() {
    let row = |pid: u32, fd: u32| {
        format!("CLOSE-WAIT 1 0 10.0.0.5:8000 10.0.0.6:{} users:((\"gunicorn\",pid={pid},fd={fd}))\n", 40000 + pid % 10 * 100 + fd)
    };
    let rows: String = (10..15).flat_map(|fd| [row(2141, fd), row(2144, fd)]).collect();
    let text = format!(
        "# ss -tanp state close-wait | grep -o 'pid=[0-9]*' | sort | uniq -c\n    453 pid=2141\n    452 pid=2144\n# ss -tanp | grep CLOSE-WAIT | head -10\n{rows}"
    );
    assert_eq!(told(&text), (Verdict::Leak, Some(2141), Some(905)));
}

#[test]
fn lines_of_threads_are_not_sockets() {
    let row = |tid: &str, fd: u32| format!("ruby 616 {tid} app {fd}u IPv4 88{fd} 0t0 TCP 10.0.0.1:41{fd}->10.0.0.2:443 (CLOSE_WAIT)\n");
    let rows: String = ["", "620", "621", "622"].iter().flat_map(|tid| (17..23).map(move |fd| row(tid, fd))).collect();
    let text = format!("$ sudo lsof | grep CLOSE_WAIT | wc -l\n1200\n$ sudo lsof | grep CLOSE_WAIT | head -24\n{rows}");
    assert_eq!(told(&text), (Verdict::Leak, Some(616), Some(300)), "four lines of each");
}

#[test]
fn entries_of_the_connection_tracker_are_no_sockets() {
    let tracked = "# conntrack -L 2>/dev/null | awk '$1==\"tcp\"{print $4}' | sort | uniq -c\n 98221 CLOSE_WAIT\n  1043 ESTABLISHED\n";
    assert_eq!(told(tracked), (Verdict::Inconclusive, None, None));
    let table = "# netstat -tan | awk '{print $6}' | sort | uniq -c\n 98221 CLOSE_WAIT\n  1043 ESTABLISHED\n";
    assert_eq!(told(table).2, Some(98221));
}

#[test]
fn connects_that_were_only_counted_may_be_a_burst() {
    let text = "$ netstat -n | awk '/^tcp/ {++S[$NF]} END {for (s in S) print s,S[s]}'\nESTABLISHED 3451\nSYN_SENT 506\n";
    let diagnosis = diagnose(&[Member { path: "paste.txt".into(), text: text.into() }]);
    assert!(diagnosis.findings.iter().all(|f| f.claim.code != "connect-stuck"));
}

#[test]
fn listeners_by_the_thousand() {
    let rows = |first: u32| -> String {
        (0..40)
            .map(|n| format!("LISTEN 0 128 127.0.0.1:{} 0.0.0.0:* users:((\"python\",pid=61,fd={}))\n", first + n * 37, 20 + n))
            .collect()
    };
    let text = |n: u32, first: u32| format!("# ss -tlnp | grep -c 'pid=61,'\n{n}\n# ss -tlnp | head -40\n{}", rows(first));
    assert_eq!(told(&text(20209, 33000)), (Verdict::Leak, Some(61), Some(20209)));
    assert_ne!(told(&text(900, 33000)).0, Verdict::Leak, "ports of transfers under way");
    assert_ne!(told(&text(20209, 5000)).0, Verdict::Leak, "ports that somebody chose");
}

#[test]
fn names_of_one_pid_that_list_the_same_descriptors_are_threads() {
    let counts = |event: u32, flush: u32| {
        let text = format!(
            "$ lsof | awk '{{print $1\" \"$2}}' | sort | uniq -c | sort -rn | head\n  {event} event_lo 15244\n  {flush} flush_th 15244\n    984 dockerd 4312\n    407 ruby 15244\n"
        );
        let diagnosis = diagnose(&[Member { path: "paste.txt".into(), text: text.into() }]);
        diagnosis
            .findings
            .iter()
            .map(|f| (f.claim.code, f.claim.owner.as_ref().and_then(|o| o.pids.first()).map(|p| p.0)))
            .collect::<Vec<_>>()
    };
    assert_eq!(counts(407 * 166, 407 * 129), [("threads-counted-as-files", Some(15244))]);
    assert_eq!(counts(67_000, 52_000), [], "no multiples");
}

#[test]
fn what_no_table_of_all_families_lists() {
    let counted = "# cat /proc/9801/comm\ncollector\n# ls -l /proc/$(pidof collector)/fd | grep socket | wc -l\n1018\n";
    let row = "tcp LISTEN 0 128 127.0.0.1:9100 *:* users:((\"collector\",pid=9801,fd=4))\n";
    assert_eq!(told(&format!("{counted}# ss -anp | grep collector\n{row}")), (Verdict::Leak, Some(9801), Some(1017)));
    let tcp_only = told(&format!("{counted}# ss -tanp | grep collector\n{row}"));
    assert_eq!(tcp_only.0, Verdict::Inconclusive, "they may be unix sockets");
    let live: String =
        (0..900).map(|n| format!("tcp ESTAB 0 0 10.0.0.1:9100 10.0.1.1:{} users:((\"collector\",pid=9801,fd={n}))\n", 2000 + n)).collect();
    assert_ne!(told(&format!("{counted}# ss -anp | grep collector\n{row}{live}")).0, Verdict::Leak);
}

#[test]
fn counts_typed_again_and_again_are_samples() {
    let row = |n: u32| format!("python3 374 kb {}u IPv4 41{n} 0t0 TCP 10.0.0.1:{}->10.0.0.2:443 (CLOSE_WAIT)\n", 9 + n, 40000 + n);
    let rows: String = (10..62).map(row).collect();
    let text = |counts: [u32; 4]| {
        let typed: String = counts.iter().map(|n| format!("$ ls -l | grep socket | wc -l\n{n}\n")).collect();
        format!("$ pwd\n/proc/374/fd\n{typed}$ lsof -p 374 -n|grep CLOSE_WAIT\n{rows}")
    };
    assert_eq!(told(&text([16, 29, 40, 55])), (Verdict::Leak, Some(374), Some(52)));
    assert_ne!(told(&text([55, 54, 56, 55])).0, Verdict::Leak);
}

/// Rows of one process as lsof shows them.
fn listed(rows: impl Iterator<Item = String>) -> String {
    let head = "COMMAND PID USER FD TYPE DEVICE SIZE/OFF NODE NAME\n".to_string();
    rows.zip(40..).fold(head, |text, (row, fd)| text + &format!("relayd 512 svc {fd}u {row}\n"))
}

#[test]
fn a_comment_behind_a_count_makes_no_other_count() {
    let rows = listed((0..20).map(|n| format!("unix 0xffff88{n:02} 0t0 {} type=STREAM (CONNECTED)", 41_200 + n * 7)));
    let text = |counts: [u32; 3]| {
        let typed: String = counts
            .iter()
            .zip(["at start", "an hour later", "now"])
            .fold(String::new(), |text, (n, when)| text + &format!("$ lsof -c relayd | grep unix|wc -l     # {when}\n{n}\n"));
        format!("{typed}$ lsof -c relayd | grep unix | tail -20\n{rows}")
    };
    assert_eq!(told(&text([24, 310, 611])), (Verdict::Leak, Some(512), Some(611)));
    for healthy in [[611, 608, 611], [240, 611, 242], [610, 24, 611]] {
        assert_ne!(told(&text(healthy)).0, Verdict::Leak, "{healthy:?}");
    }
}

#[test]
fn selectors_that_have_doubled() {
    let links: String = (3..420).map(|n| format!("lrwx------ 1 a a 64 Nov 12 11:20 {n} -> anon_inode:[eventpoll]\n")).collect();
    let text = |then: u32| {
        let count = |when: &str, n: u32| format!("# ls -l /proc/77/fd | grep -c eventpoll   # {when}\n{n}\n");
        format!("{}{}# ls -l /proc/77/fd\ntotal 0\n{links}", count("yesterday", then), count("today", 417))
    };
    assert_eq!(told(&text(190)), (Verdict::Leak, Some(77), Some(417)));
    assert_ne!(told(&text(415)).0, Verdict::Leak);
}

#[test]
fn a_loop_that_echoes_the_time_and_a_count() {
    let rows = |local: fn(u32) -> String, remote: fn(u32) -> String| {
        listed((0..9).map(|n| format!("IPv4 {} 0t0 TCP {}->{} (ESTABLISHED)", 41_200 + n * 7, local(n), remote(n))))
    };
    let opened = rows(|n| format!("10.0.0.1:{}", 40_100 + n * 13), |_| "10.0.0.9:9042".into());
    let text = |counts: &[u32], rows: &str| {
        let said: String = counts.iter().zip(0..).map(|(n, minute)| format!("14:0{minute}:30 {n}\n")).collect();
        let count = "$(lsof -nP -p 512 | grep -c ESTABLISHED)";
        format!("$ while sleep 60; do echo $(date +%T) {count}; done\n{said}$ lsof -nP -a -i -p 512 | head\n{rows}")
    };
    assert_eq!(told(&text(&[20, 71, 118, 169, 221], &opened)), (Verdict::Leak, Some(512), Some(221)));
    for healthy in [&[220, 219, 222, 221, 221][..], &[20, 221, 220, 221, 221], &[150, 221, 90, 160, 221], &[20, 221]] {
        assert_ne!(told(&text(healthy, &opened)).0, Verdict::Leak, "{healthy:?}");
    }
    let accepted = rows(|_| "10.0.0.1:80".into(), |n| format!("10.0.7.{n}:{}", 40_100 + n * 13));
    assert_ne!(told(&text(&[20, 71, 118, 169, 221], &accepted)).0, Verdict::Leak, "clients come with the load");
}

#[test]
fn all_that_a_process_has_open_tells_of_what_is_nearly_all_of_it() {
    let rows = listed((0..14).map(|n| format!("sock 0,7 0t0 {} can't identify protocol", 41_200 + n * 70)));
    let text = |then: u32, closed: u32| {
        let count = |hour: u32, n: u32| format!("# date && lsof -p 512 |wc -l\nThu Aug 25 {hour:02}:53:01 EDT 2016\n{n}\n");
        let both = format!("{}{}", count(8, then), count(10, 1342));
        format!("{both}# lsof -p 512 | tail -14\n{rows}# lsof -p 512 | grep -c \"can't identify\"\n{closed}\n")
    };
    let said = |text: &str| {
        let diagnosis = diagnose(&[Member { path: "paste.txt".into(), text: text.into() }]);
        let first = &diagnosis.findings.first().unwrap().claim;
        first.evidence.iter().any(|e| e.says.contains("grew from 907 to 1,342"))
    };
    assert!(said(&text(907, 1308)), "{:?}", told(&text(907, 1308)));
    assert!(!said(&text(907, 700)), "others have come");
    assert!(!said(&text(1342, 1308)));
}

#[test]
fn counts_that_were_written_down_with_their_day() {
    let row = |n: u32| format!("tcp6 1 0 10.1.0.25:5667 10.1.0.{}:{} CLOSE_WAIT 727/nscad\n", 10 + n % 9, 40_000 + n * 31);
    let rows: String = (0..70).map(row).collect();
    let text = |counts: [u32; 4]| {
        let kept: String = counts
            .iter()
            .zip(9..)
            .fold(String::new(), |text, (n, day)| text + &format!("2026-08-{day:02} 12:00 netstat -tn | grep -c CLOSE_WAIT : {n}\n"));
        format!("# cat counts\n{kept}# netstat -tnp | grep nscad\n{rows}")
    };
    assert_eq!(told(&text([4, 25, 48, 70])), (Verdict::Leak, Some(727), Some(70)));
    assert_ne!(told(&text([70, 12, 40, 70])).0, Verdict::Leak);
}

#[test]
fn a_sentence_names_the_command_of_the_numbers_below() {
    let fds: String = (9..400).map(|n| format!("67\t/usr/local/bin/hub\t{n}\tsocket:[{}]\n", 402_000 + n * 170)).collect();
    let told = |counts: [u32; 3]| {
        let rows: String = counts.iter().zip(8..).map(|(n, hour)| format!("2026-09-12 {hour:02}:00  {n}\n")).collect();
        let text = format!("Counts of `docker exec hub lsof -Ki | wc -l`, from the host:\n\n{rows}\nThen it dies.\n");
        let members = [("README.txt", text), ("lsof.txt", fds.clone())];
        diagnose(&members.map(|(path, text)| Member { path: path.into(), text: text.into() }))
    };
    let grew = |d: &sockdiag::diagnosis::Diagnosis| d.findings.first().is_some_and(|f| f.claim.owner.as_ref().is_some_and(|o| o.has(67)));
    assert!(grew(&told([210, 300, 391])) && !grew(&told([391, 390, 391])));
}

#[test]
fn a_busy_hub_of_unix_sockets_follows_its_clients() {
    let row = |n: u32| format!("unix 0xffff88{n:02} 0t0 {} /run/hub/bus type=STREAM (CONNECTED)", 41_200 + n * 7);
    let typed: String = [220, 415, 640].iter().map(|n| format!("$ lsof -p 512 | grep unix | wc -l\n{n}\n")).collect();
    let text = format!("{typed}$ lsof -p 512 | grep unix | tail -20\n{}", listed((0..20).map(row)));
    assert_ne!(told(&text).0, Verdict::Leak);
}

#[test]
fn what_a_load_left_is_gone_and_somebody_has_looked() {
    let states = "ss -Htan | awk '{print $1}' | sort | uniq -c | sort -rn";
    let text = |then: u32, now: u32, looked: &str| {
        format!(
            "$ {states}\n   {then} TIME-WAIT\n     46 ESTAB\n      9 LISTEN\n$ sleep 180; {states}\n     41 ESTAB\n     {now} TIME-WAIT\n      9 LISTEN\n$ ss -s\nTotal: 402\nTCP:   70 (estab 41, closed 20, orphaned 0, timewait 17)\n\nTransport Total     IP        IPv6\nRAW       0         0         0\nUDP       5         3         2\nTCP       50        43        7\nINET      55        46        9\nFRAG      0         0         0\n\n{looked}"
        )
    };
    let looked = "$ ls /proc/$(pgrep -f gated)/fd | wc -l\n71\n";
    assert_eq!(told(&text(1904, 17, looked)), (Verdict::Healthy, None, None));
    assert_ne!(told(&text(1904, 17, "")).0, Verdict::Leak);
}

#[test]
fn readings_that_rise_each_time() {
    let text = |closed: &[u32]| {
        let round = |(n, minute): (&u32, u32)| {
            format!(
                "Sat Jun 22 14:{minute:02}:00 UTC 2024\nTotal: {}\nTCP:   {} (estab 140, closed {n}, orphaned 0, timewait 20)\n\nTransport Total     IP        IPv6\nRAW       0         0         0\nUDP       5         3         2\nTCP       160       117       43\nINET      165       120       45\nFRAG      0         0         0\n\n",
                n + 700,
                n + 160
            )
        };
        let rounds: String = closed.iter().zip(10..).map(round).collect();
        let text = format!("$ while sleep 60; do date; ss -s; done\n{rounds}");
        let diagnosis = diagnose(&[Member { path: "loop.txt".into(), text: text.into() }]);
        diagnosis.findings.iter().flat_map(|f| &f.claim.evidence).any(|e| e.says.contains("they grew by"))
    };
    assert!(text(&[3000, 3070, 3140, 3210, 3280, 3350, 3420]));
    assert!(!text(&[3000, 3370, 3040, 3410, 3080, 3350, 3420]), "they come and go");
    assert!(!text(&[3420, 3421, 3420, 3421, 3421, 3421, 3420]));
}

#[test]
fn one_filter_typed_after_each_call() {
    let row = |n: u32| format!("tcp 0 0 10.0.42.5:{} 10.0.42.6:636 ESTABLISHED 912/java\n", 36_000 + n * 8);
    let text = |shown: [std::ops::Range<u32>; 3], later: u32| {
        let typed: String = shown
            .into_iter()
            .map(|rows| format!("# netstat -antp | grep :636\n{}# curl -s localhost:9200\n", rows.map(row).collect::<String>()))
            .collect();
        let count = "# date; netstat -antp | grep :636 | awk '{print $6, $7}' | sort | uniq -c\nFri Oct 25 09:30:12 UTC 2019\n";
        format!("{typed}{count}    {later} ESTABLISHED 912/java\n")
    };
    assert_eq!(told(&text([0..2, 0..4, 0..6], 864)), (Verdict::Leak, Some(912), Some(864)));
    assert_ne!(told(&text([0..2, 2..6, 6..12], 864)).0, Verdict::Leak, "each is closed");
    assert_ne!(told(&text([0..4, 0..4, 0..4], 864)).0, Verdict::Leak, "a pool of four then");
    assert_ne!(told(&text([0..2, 0..4, 0..6], 6)).0, Verdict::Leak, "a pool that opens as it is used");
}

#[test]
fn what_has_gone_since_it_was_counted_first() {
    let by_state = "netstat -antp 2>/dev/null | grep 14021/java | awk '{print $6}' | sort | uniq -c";
    let text = |now: u32| {
        format!(
            "$ date; {by_state}\nTue Apr  4 09:00:01 UTC 2023\n   1893 CLOSE_WAIT\n    144 ESTABLISHED\n$ netstat -antp 2>/dev/null | grep 14021/java | grep CLOSE_WAIT | awk '{{print $5}}' | sort | uniq -c\n    950 10.19.0.31:9866\n    943 10.19.0.32:9866\n$ sleep 5400; date; {by_state}\nTue Apr  4 10:41:12 UTC 2023\n    {now} CLOSE_WAIT\n    139 ESTABLISHED\n"
        )
    };
    assert_ne!(told(&text(214)).0, Verdict::Leak, "something closes them");
    assert_eq!(told(&text(2210)), (Verdict::Leak, Some(14021), Some(2210)));
    // By a name it may be another process that has them now.
    let by_name = |counts: [u32; 2]| -> String {
        counts.iter().map(|n| format!("$ lsof -nP -p $(pidof relayd) | grep -c CLOSE_WAIT\n{n}\n")).collect::<String>()
            + "$ cat /proc/512/comm\nrelayd\n"
    };
    assert_ne!(told(&by_name([900, 120])).0, Verdict::Leak);
    assert_eq!(told(&by_name([120, 900])), (Verdict::Leak, Some(512), Some(900)));
}

#[test]
fn a_limit_of_a_process_that_only_its_name_tells() {
    let text = |open: u32, live: u32| {
        format!(
            "# grep 'open files' /proc/$(pidof -s poold)/limits\nMax open files            1024                 102400               files\n# ls /proc/$(pidof -s poold)/fd | wc -l\n{open}\n# ss -tn state established '( dport = :3306 )' | awk 'NR>1{{print $4}}' | sort | uniq -c\n    {live} 10.9.0.11:3306\n"
        )
    };
    let verdict = |open, live| told(&text(open, live)).0;
    assert_eq!(
        (verdict(1024, 812), verdict(300, 212), verdict(1024, 12)),
        (Verdict::Exhaustion, Verdict::Inconclusive, Verdict::Inconclusive)
    );
}

#[test]
fn a_lone_count_beside_the_limits() {
    let limits = "Limit                     Soft Limit           Hard Limit           Units     \nMax open files            16384                16384                files     \n";
    let out = |name: &str, count: &str| {
        let members = [("limits.5020.txt", limits), (name, count)];
        let members: Vec<Member> =
            members.iter().map(|(path, text)| Member { path: path.to_string(), text: text.as_bytes().to_vec() }).collect();
        diagnose(&members).reports.iter().flat_map(|r| &r.ruled_out).any(|r| r.code == "fd-limit-too-low" && r.exclusion.out)
    };
    assert!(out("fd-count.5020", "119\n") && out("fdcount.txt", "119\n"));
    assert!(!out("fd-count.77", "119\n") && !out("count.txt", "119\n"));
}

/// What a client has open to one service, counted, with the limit of its process and how many it has accepted itself.
fn client(count: u64, limit: u64, accepted: u64) -> String {
    format!(
        "$ grep 'open files' /proc/77/limits\nMax open files            {limit}                 65536                files\n\
         $ ss -tnp state established dst 10.1.0.9 dport = :9200 | grep -c pid=77\n{count}\n\
         $ ss -tnp state established sport = :80 | grep -c pid=77\n{accepted}\n"
    )
}

#[test]
fn a_client_that_takes_all_there_is() {
    assert_eq!(told(&client(1010, 1024, 0)), (Verdict::Leak, Some(77), Some(1010)));
    assert_ne!(told(&client(1010, 4096, 0)).0, Verdict::Leak, "room is left");
    assert_ne!(told(&client(250, 256, 0)).0, Verdict::Leak, "a small table is full of ordinary work");
    let many: String = (0..90).map(|n| format!("     11 10.1.{n}.9:443\n")).collect();
    let limit = "$ grep 'open files' /proc/77/limits\nMax open files            1024                 65536                files\n";
    let crawler = format!("{limit}$ ss -tnp state established | grep pid=77 | awk '{{print $4}}' | sort | uniq -c\n{many}");
    assert_ne!(told(&crawler).0, Verdict::Leak, "to each of many a few");
}

#[test]
fn what_another_process_of_the_program_needs() {
    let text = |other: u32| {
        format!(
            "Mar 03 10:47:41 gw relayd[512]: accept() failed: Too many open files\n\n\
             $ ps -eo pid,lstart,cmd | grep [r]elayd\n  512 Thu Mar  3 09:31:20 2016 /usr/sbin/relayd a\n  540 Tue Jan 12 22:04:51 2016 /usr/sbin/relayd b\n\
             $ grep files /proc/540/limits\nMax open files            32768                32768                files\n\
             $ grep files /proc/512/limits\nMax open files            1024                 4096                 files\n\
             $ for p in 512 540; do echo $p $(ls /proc/$p/fd | wc -l); done\n512 1024\n540 {other}\n"
        )
    };
    assert_eq!(told(&text(1377)), (Verdict::Exhaustion, Some(512), Some(1024)));
    assert_eq!(told(&text(377)).0, Verdict::Inconclusive, "it has fewer than the limit of the first");
}

#[test]
fn the_only_program_that_was_asked_for() {
    let text = |more: &str| {
        format!(
            "$ grep files /proc/`pgrep relayd`/limits\nMax open files            1024                 4096                 files\n$ ls /proc/512/fd | wc -l\n1023\n{more}"
        )
    };
    let owner = |text: &str| {
        let diagnosis = diagnose(&[Member { path: "paste.txt".into(), text: text.into() }]);
        diagnosis.findings.first().and_then(|f| f.claim.owner.as_ref().map(|o| o.named()))
    };
    assert_eq!(owner(&text("")).as_deref(), Some("relayd (pid 512)"));
    assert_eq!(owner(&text("$ ls /proc/540/fd | wc -l\n12\n")), None, "two processes, and nothing tells which it is");
}

#[test]
fn a_dash_without_privilege_is_somebodys() {
    let row = |n: u32| format!("tcp      309      0 10.9.1.9:5665       10.9.{}.28:{}       CLOSE_WAIT  -\n", n % 200, 40_000 + n);
    let rows: String = (0..12).map(row).collect();
    let text = |lines: u32| {
        format!(
            "$ sudo lsof -p 3197 | wc -l\n{lines}\n$ netstat -tnp | grep CLOSE_WAIT | wc -l\n(No info could be read for \"-p\": geteuid()=45 but you should be root.)\n6305\n{rows}"
        )
    };
    assert_eq!(told(&text(6433)), (Verdict::Leak, Some(3197), Some(6305)));
    assert_eq!(told(&text(433)).1, None, "it cannot hold them");
}

#[test]
fn what_all_of_the_host_have_is_not_one_processs() {
    let row = |fd: u32| format!("relayd 77 ops {fd}u IPv4 {fd}00 0t0 TCP 10.5.1.8:24224->10.5.2.31:41{fd} (CLOSE_WAIT)\n");
    let rows: String = (100..105).map(row).collect();
    let text = format!(
        "$ netstat -an | awk '/tcp/ {{print $6}}' | sort | uniq -c\n   1067 CLOSE_WAIT\n      3 LISTEN\n\
         $ lsof -nP -p 77 | grep -c CLOSE_WAIT\n906\n$ lsof -nP -p 77 | grep CLOSE_WAIT | head -5\n{rows}"
    );
    assert_eq!(told(&text), (Verdict::Leak, Some(77), Some(906)));
}
