//! Prefixes of every kind, and texts that have none.

use super::*;
use crate::formats::choose::fitting;
use crate::formats::testing::told_as;

const PLAIN: &str = "sockets: used 94\nTCP: inuse 27 orphan 0 tw 8 alloc 60 mem 290\nUDP: inuse 3 mem 0\nRAW: inuse 1\n";

fn with(prefix: impl Fn(usize) -> String) -> String {
    PLAIN.lines().enumerate().map(|(i, line)| format!("{}{line}\n", prefix(i))).collect()
}

fn counters(text: &str) -> usize {
    let (told, reading) = told_as("paste.txt", text);
    assert_eq!((reading.format(), reading.unparsed()), ("sockstat", 0), "{text}");
    told.counters.len()
}

#[test]
fn every_kind_is_taken_off() {
    let want = counters(PLAIN);
    for text in [
        with(|i| format!("{:4}: ", i + 1)),
        with(|i| format!("{:6}\t", i + 1)),
        with(|i| format!("{}| ", i + 7)) + "11|\n12|\n",
        with(|_| "> ".into()),
        with(|_| ">".into()),
        with(|_| "| ".into()),
        with(|_| "        ".into()),
        with(|_| "2026-11-22 14:19:03 ".into()),
        with(|_| "2026-11-22T14:19:03.123Z ".into()),
        with(|i| format!("[14:19:0{i}] ")),
        with(|i| format!("Nov  2 14:19:0{i}: ")),
        with(|i| format!("[2026-11-22 14:19:0{i}] ")),
        with(|i| format!("2026-11-22T14:19:0{i}+01:00 ")),
        with(|i| format!("1795539265.12345{i} ")),
        with(|i| format!("Nov 22 14:19:0{i} web-1 diag[812]: ")),
        with(|i| format!("2026-11-22T14:19:0{i}.12+01:00 web-1 diag[{i}]: ")),
        with(|i| format!("<30>Nov 22 14:19:0{i} web-1 diag: ")),
        with(|i| format!("<30>1 2026-11-22T14:19:0{i}.123456Z web-1 diag 812 - - ")),
        with(|i| format!("<30>1 2026-11-22T14:19:0{i}Z web-1 diag {i} - [x y=\"z\"] ")),
        with(|i| format!("2026-11-22T14:19:0{i}.123456789Z stdout F ")),
        with(|_| "web-1: ".into()),
        format!("app-1  |\napp-1  |\n{}", with(|_| "app-1  | ".into())),
        with(|_| "[pod/api-7d9f/app] ".into()),
        with(|_| "sockstat.txt:".into()),
        with(|_| "+".into()),
        with(|_| ">     ".into()),
        with(|_| "> > ".into()),
        with(|i| format!("  | 2026-11-22T14:19:0{i}.123+01:00 | ")),
        with(|_| "172.20.1.21   ".into()),
    ] {
        assert_eq!(counters(&text), want, "{text}");
    }
}

/// Each of two outputs in one journal has a second and a process of its own.
#[test]
fn a_logger_is_told_by_its_grammar() {
    let later = |text: &str| text.replace("14:19:0", "15:19:0").replace("[812]", "[997]");
    for prefix in ["Nov 22 14:19:03 web-1 diag[812]: ", "2026-11-22T14:19:03.1Z stdout F "] {
        let text = with(|_| prefix.into());
        let (_, reading) = told_as("journal.txt", &(text.repeat(60) + &later(&text)));
        assert_eq!((reading.format(), reading.unparsed(), reading.rows()), ("sockstat", 0, 4 * 61), "{prefix}");
    }
}

#[test]
fn what_a_daemon_or_the_kernel_logs_stays_a_log() {
    for line in ["daemon[812]: sockets are few", "kernel: TCP: out of memory -- consider tuning tcp_mem"] {
        let text = (0..9).map(|i| format!("Nov 22 14:19:0{i} web-1 {line}\n")).collect::<String>();
        let (told, reading) = told_as("messages", &text);
        assert_eq!((reading.prefix.is_none(), reading.rows()), (true, 9), "{:?}", told.lines);
    }
}

#[test]
fn several_hosts_take_turns() {
    let of = |text: &str| hosts(&Probe { path: "x", command: b"", head: text.as_bytes(), whole: true });
    assert_eq!(of(&with(|i| format!("web{}: ", i % 2))), Some(b':'));
    assert_eq!(of(&with(|i| format!("app-{}  | ", i % 2))), Some(b'|'));
    for text in [PLAIN.into(), with(|_| "web1: ".into()), "TcpExt: A B\nTcpExt: 1 2\nIpExt: A B\nIpExt: 1 2\n".to_string()] {
        assert_eq!(of(&text), None, "{text}");
    }
    assert_eq!(behind_host(b"web-1.example: x: y", b':'), Some((&b"web-1.example"[..], &b"x: y"[..])));
    assert_eq!((behind_host(b"12: x", b':'), behind_host(b"10.0.0.1:80 x", b':'), behind_host(b"a b: c", b':')), (None, None, None));
}

/// With its number in front a row of lsof is still one, of a process called `3<TAB>java`.
#[test]
fn rows_that_fit_with_the_prefix_lose_it_where_prompts_fit_without() {
    let row = "java 4684 apps 280u sock 0,6 0t0 675441359 can't identify protocol";
    let lines = ["[root@host ~]# lsof -p 4684", "COMMAND PID USER FD TYPE DEVICE SIZE/OFF NODE NAME", row, row];
    for prefix in ["{}\t", "[2026-11-22T14:19:0{}.123Z] ", "{}: "] {
        let text: String = lines.iter().enumerate().map(|(n, l)| format!("{}{l}\n", prefix.replace("{}", &(n + 1).to_string()))).collect();
        let (told, reading) = told_as("paste.txt", &text);
        assert_eq!((reading.rows(), reading.unparsed()), (2, 0), "{text}");
        let rows = told.lines.iter().filter(|l| l.starts_with("descriptor "));
        assert!(rows.clone().count() == 2 && rows.clone().all(|l| l.contains(" command=java ")), "{:?}", told.lines);
    }
}

/// With the time in front a row of lsof is still one, of a process called `Nov` with the number of the day.
#[test]
fn rows_that_fit_with_a_date_lose_it() {
    let row = "java 4684 apps 280u sock 0,6 0t0 675441359 can't identify protocol\n";
    for prefix in ["Nov 24 16:54:25 ", "2026-11-24 16:54:25 ", "    ", "> ", "web-1: "] {
        let (told, _) = told_as("paste.txt", &format!("{prefix}{row}").repeat(3));
        let rows = || told.lines.iter().filter(|l| l.starts_with("descriptor "));
        assert!(rows().count() == 3 && rows().all(|l| l.contains(" command=java ")), "{prefix}: {:?}", told.lines);
    }
}

/// Indented rows may be understood; headings far behind them are not.
#[test]
fn a_whole_paste_loses_its_indentation() {
    let row = "    java 4684 apps 280u sock 0,6 0t0 675441359 can't identify protocol\n";
    let text = format!("    $ lsof -p 4684\n{}    $ netstat -s\n    Tcp:\n        5 active connection openings\n", row.repeat(2 * LINES));
    let (told, reading) = told_as("paste.txt", &text);
    assert_eq!((reading.unparsed(), reading.rows()), (0, 2 * LINES as u64 + 1), "{:?}", reading.unknown);
    assert_eq!(told.counters.len(), 1);
}

/// Times that a strace begins with are its own.
#[test]
fn a_strace_keeps_its_times() {
    for time in ["16:54:25.123456", "16:54:25", "1795539265.123456"] {
        let (told, reading) = told_as("strace.txt", &format!("{time} socket(AF_INET, SOCK_STREAM, 0) = 5\n{time} close(5) = 0\n"));
        assert_eq!((reading.rows(), reading.prefix), (2, None), "{:?}", told.lines);
    }
}

#[test]
fn fences_of_markdown_are_no_rows() {
    let (told, reading) = told_as("issue.md", &format!("Here it is\n```text\n{PLAIN}```\n"));
    assert!(told.counters.contains_key("sockstat.tcp.alloc"));
    assert_eq!(reading.unparsed(), 0);
}

#[test]
fn a_text_without_prefix_or_format_is_left_alone() {
    let counts = "     11 socket:[1]\n      9 socket:[2]\n";
    for text in ["", counts, "> \n", "1: a\n2: b\n", "188826\t251770\t377652\n", "14:19:03 up 3 days\n14:19:04 up 3 days\n", PLAIN] {
        let probe = Probe { path: "x", command: b"", head: text.as_bytes(), whole: true };
        assert_eq!(Prefixes::of(&probe, fitting(&probe)), None, "{text}");
    }
}

#[test]
fn a_line_without_it_stays_whole() {
    assert_eq!(Prefix::Number(b':').strip(b"12: a"), b"a");
    assert_eq!(Prefix::Number(b':').strip(b"a: 12"), b"a: 12");
    assert_eq!(Prefix::Time.strip(b"14:19:03.5+01:00 x"), b"x");
    assert_eq!(Prefix::Time.strip(b"1795539265.12 x"), b"x");
    assert_eq!(Prefix::Date.strip(b"14:19:03.5 x"), b"14:19:03.5 x");
    assert_eq!(Prefix::Time.strip(b"14:19:03.5 x"), b"x");
    assert_eq!(Prefix::Indent(4).strip(b"  x"), b"  x");
    assert_eq!(Prefix::Quote(b'>').strip(b" > > x"), b"> x");
}
