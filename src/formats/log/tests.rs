//! One line of each layout, and the texts that are no logs.

use super::super::testing::{facts, told_as};
use super::*;

#[test]
fn layouts() {
    for (line, at, level, program, pid, text) in [
        ("2026-11-22 14:56:05.803 WARN [s-0] Connection lost", "2026-11-22 14:56:05.803", "warn", "-", "-", "Connection lost"),
        ("2026-11-22 14:56:05 [main] ERROR c.f.Bar - it", "2026-11-22 14:56:05", "error", "-", "-", "c.f.Bar - it"),
        ("14:56:05.803 [main] ERROR c.f.Bar - it", "14:56:05.803", "error", "-", "-", "c.f.Bar - it"),
        ("2026-11-22 14:56:05.803  WARN 12345 --- [  main] c.f.Bar : it", "2026-11-22 14:56:05.803", "warn", "-", "12345", "c.f.Bar : it"),
        ("2026-11-22 14:56:30,850 [18583] ERROR jobq.d: it", "2026-11-22 14:56:30,850", "error", "-", "18583", "jobq.d: it"),
        ("2026-11-22T14:56:57.507Z INFO  started", "2026-11-22T14:56:57.507Z", "info", "-", "-", "started"),
        ("2026-11-22T14:56:57+01:00 error: it", "2026-11-22T14:56:57+01:00", "error", "-", "-", "it"),
        ("2022/09/19 02:22:53 http: panic serving", "2022/09/19 02:22:53", "-", "-", "-", "http: panic serving"),
        ("[2023/09/05 20:02:50.727067][daemon][WARN] it", "2023/09/05 20:02:50.727067", "warn", "-", "-", "it"),
        ("[2026-11-22T14:56:05,803][WARN ][o.e.t] [n1] it", "2026-11-22T14:56:05,803", "warn", "-", "-", "it"),
        ("2026/11/22 14:56:05 [error] 71#73: *9 connect() failed", "2026/11/22 14:56:05", "error", "nginx", "71", "*9 connect() failed"),
        ("[Sun Nov 22 14:56:05.123456 2026] [core:error] [pid 12:tid 34] it", "Sun Nov 22 14:56:05.123456 2026", "error", "-", "12", "it"),
        ("Nov  8 02:18:41 h prog[71042]: it", "Nov  8 02:18:41", "-", "prog", "71042", "it"),
        ("Nov  8 02:18:41 h a[7]: I1108 02:18:41.255220   7 l.go:41] it", "Nov  8 02:18:41", "info", "a", "7", "it"),
        ("Nov  8 02:18:41 h kernel: [12345.678901] TCP: x", "Nov  8 02:18:41", "-", "kernel", "-", "TCP: x"),
        ("2026-11-22T14:56:05.1+00:00 h kernel: TCP: x", "2026-11-22T14:56:05.1+00:00", "-", "kernel", "-", "TCP: x"),
        ("<27>Nov  8 02:18:41 h a[7]: it", "Nov  8 02:18:41", "error", "a", "7", "it"),
        ("<11>1 2026-11-22T14:56:05Z h app 42 - [x y=\"z\"] it", "2026-11-22T14:56:05Z", "error", "app", "42", "it"),
        ("E1108 02:18:41.255220   71042 logs.go:41] it", "1108 02:18:41.255220", "error", "-", "71042", "it"),
        ("Keepalived_vrrp[6120]: Netlink: it", "-", "-", "Keepalived_vrrp", "6120", "Netlink: it"),
        ("1234:M 22 Nov 2026 14:56:05.803 # it", "22 Nov 2026 14:56:05.803", "warn", "redis", "1234", "it"),
        ("2026-11-22 14:56:05.803 UTC [12] FATAL:  sorry", "2026-11-22 14:56:05.803 UTC", "fatal", "-", "12", "sorry"),
        ("22 Nov 2026 14:56:05,803 WARN  [S] (k.L$class.warn:89)  - it", "22 Nov 2026 14:56:05,803", "warn", "-", "-", "it"),
        (" [S-P-D] (kafka.utils.Logging$class.warn:89)  - it", "-", "warn", "-", "-", "it"),
        ("[WARNING] 326/145605 (1234) : it", "326/145605", "warn", "-", "1234", "it"),
        ("time=\"2026-11-22T14:56:05Z\" level=error msg=\"it\" x=1", "2026-11-22T14:56:05Z", "error", "-", "-", "\"it\" x=1"),
    ] {
        assert_eq!(facts(line), [format!("message at={at} level={level} program={program} pid={pid} {text}")], "{line}");
        assert!(Log.opens(line.as_bytes()), "{line}");
    }
}

#[test]
fn json_lines() {
    for (line, want) in [
        (
            r#"{"level":50,"time":"T","pid":3,"name":"a","msg":"failed \"x\"","err":{"message":"connect ECONNREFUSED 10.0.0.1:80","code":"E"}}"#,
            "message at=T level=error program=a pid=3 failed \"x\": connect ECONNREFUSED 10.0.0.1:80",
        ),
        (r#"{"level":"info","ts":1.5,"a":[{"msg":1},"]"],"msg":"it"}"#, "message at=1.5 level=info program=- pid=- it"),
        (r#"{"log":"2026-11-22 14:56:05 ERROR it\n","stream":"stderr","time":"T"}"#, "message at=T level=error program=- pid=- it"),
        (r#"{"t":{"$date":"D"},"s":"E","c":"NETWORK","msg":"it"}"#, "message at=D level=error program=- pid=- it"),
        (r#"{"PRIORITY":"3","_PID":"7","SYSLOG_IDENTIFIER":"a","MESSAGE":"it"}"#, "message at=- level=error program=a pid=7 it"),
    ] {
        assert_eq!(facts(line), [want], "{line}");
    }
    for line in ["{", "{}", r#"{"a":1}"#, r#"{"msg":"x"#, "{\"a\":[[[[", "{\"\\"] {
        assert!(json::object(line.as_bytes()).is_none(), "{line}");
    }
}

#[test]
fn stack_traces_belong_to_their_message() {
    let text =
        "2026-11-22 14:56:05 ERROR it\njava.net.ConnectException: Connection refused\n\tat a.b.C(D.java:1)\nCaused by: x\n\t... 3 more\n";
    let (told, reading) = told_as("paste.txt", text);
    assert_eq!((reading.format(), told.lines.len(), reading.unparsed()), ("log", 5, 0));
    let python = "Traceback (most recent call last):\n  File \"x.py\", line 3, in f\nOperationalError: (2003, \"no\")\n";
    assert_eq!(told_as("paste.txt", python).0.lines.len(), 3);
}

#[test]
fn bare_lines_are_messages_only_in_a_file_named_so() {
    assert_eq!(told_as("app.log", "it failed\n").0.lines.len(), 1);
    assert_eq!(told_as("notes.txt", "it failed\n").0.lines.len(), 0);
}

#[test]
fn prose_around_a_message_stays_unread() {
    let text = "今天发现有台机器上出现告警。\nWe saw this:\n [S] (kafka.utils.Logging$class.warn:89)  - to broker 5\n所以是它。\nAnd so on: see above.\n";
    let (told, _) = told_as("incident.txt", text);
    assert_eq!(told.lines, ["message at=- level=warn program=- pid=- to broker 5"]);
}

#[test]
fn other_texts_are_no_logs() {
    for line in [
        "Sun Nov 22 14:56:32 UTC 2026",
        "2026-11-22 14:56:32",
        "TCP:   6486 (estab 0, closed 6483, orphaned 0, timewait 0)",
        "    17 times the listen queue of a socket overflowed",
        "Error: a word and a colon",
        "[root@host ~]# ls",
        "1 2026-11-22",
        "14:56:05 up 18 min,  0 user,  load average: 1.28, 0.70, 0.49",
        "tcp        0      0 0.0.0.0:22              0.0.0.0:*               LISTEN",
        "Note that this happened: today",
    ] {
        assert!(!Log.opens(line.as_bytes()), "{line}");
    }
}

#[test]
fn wrapped_lines_end() {
    let deep = "Nov  8 02:18:41 h a[1]: ".repeat(20_000);
    assert!(split(deep.as_bytes()).is_some());
    assert!(split("<1>".repeat(20_000).as_bytes()).is_none());
}

#[test]
fn cut_lines_do_no_harm() {
    for line in [
        "[2023/09/05 20:02:50.727067][daemon][WARN] it",
        "<11>1 2026-11-22T14:56:05Z h app 42 - [x] it",
        "E1108 02:18:41.255220   7 l.go:41] it",
    ] {
        for end in 0..line.len() {
            split(&line.as_bytes()[..end]);
        }
    }
}

/// Each record is one message, whatever the order of its fields.
#[test]
fn records_of_the_journal() {
    let want = "message at=2026-11-28T10:00:00Z level=error program=order-sync pid=17702 publish failed";
    let fields = ["_BOOT_ID=7e6c", "PRIORITY=3", "SYSLOG_IDENTIFIER=order-sync", "_COMM=sync", "_PID=17702", "MESSAGE=publish failed"];
    let mut turned = fields;
    turned.reverse();
    for fields in [fields, turned] {
        let record = format!("__REALTIME_TIMESTAMP=1795860000000000\n{}\n", fields.join("\n"));
        let (told, reading) = told_as("x.txt", &format!("{record}\n{record}"));
        assert_eq!((told.lines, reading.rows(), reading.unparsed()), (vec![want.to_string(); 2], 2, 0));
    }
    let json = r#"{"__REALTIME_TIMESTAMP":"1795860000000000","SYSLOG_IDENTIFIER":"order-sync","_PID":"17702","PRIORITY":"3","MESSAGE":"publish failed"}"#;
    assert_eq!(told_as("x.txt", json).0.lines, [want]);
}

#[test]
fn a_container_runtime_names_the_stream() {
    let line = "2026-11-28T10:00:00.5Z stderr F 2026-11-28 10:00:00 ERROR publish failed\n";
    assert_eq!(told_as("0.log", line).0.lines, ["message at=2026-11-28T10:00:00.5Z level=error program=- pid=- publish failed"]);
}
