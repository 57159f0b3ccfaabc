//! Captures of one host with a leak, made up: a process that connects, is refused and never closes.
//!
//! Every text tells the same story at any size, so that a bundle of them has one true answer.
#![allow(dead_code, reason = "each benchmark uses a part")]

use std::fmt::Write;

/// The process that leaks.
pub const LEAKER: u32 = 4684;
/// Rows of the leak in each four of a listing.
const LEAKED_OF_FOUR: u32 = 3;
/// The first inode.
const INODE: u32 = 675_000_000;

/// One member of the capture.
pub struct Text {
    /// The format that reads it.
    pub format: &'static str,
    /// Its path in the bundle.
    pub path: &'static str,
    /// Its bytes.
    pub text: Vec<u8>,
}

/// Every text, with so many rows each.
pub fn all(rows: u32) -> Vec<Text> {
    [
        ("lsof", "lsof.txt", lsof as fn(u32) -> String),
        ("fd", "proc/4684/fd.txt", fd),
        ("ss", "ss-tanp.txt", ss),
        ("netstat", "netstat-anp.txt", netstat),
        ("proc-net-tcp", "proc/net/tcp", proc_net_tcp),
        ("strace", "strace.4684.txt", strace),
    ]
    .map(|(format, path, make)| Text { format, path, text: make(rows).into_bytes() })
    .into()
}

/// Descriptor `n` of the leaker: whether it is a leaked socket, and its inode.
fn descriptor(n: u32) -> (bool, u32) {
    (n % 4 < LEAKED_OF_FOUR, INODE + n * 7)
}

fn lsof(rows: u32) -> String {
    let mut out = String::from("COMMAND   PID USER   FD      TYPE             DEVICE SIZE/OFF       NODE NAME\n");
    for n in 0..rows {
        let (leaked, inode) = descriptor(n);
        let _ = if leaked {
            writeln!(out, "java    {LEAKER:5} apps {n:4}u     sock                0,6      0t0  {inode:9} can't identify protocol")
        } else {
            let port = 30_000 + n % 30_000;
            writeln!(
                out,
                "java    {LEAKER:5} apps {n:4}u     IPv4          {inode:9}      0t0        TCP 10.0.0.7:{port}->10.0.0.5:9092 (ESTABLISHED)"
            )
        };
    }
    out
}

fn fd(rows: u32) -> String {
    let mut out = String::from("total 0\n");
    for n in 0..rows {
        let _ = writeln!(out, "lrwx------ 1 apps apps 64 Nov 22 14:19 {n} -> socket:[{}]", descriptor(n).1);
    }
    out
}

/// Connections that are in the tables: the fourth of each four descriptors, and TIME-WAIT.
fn ss(rows: u32) -> String {
    let mut out = String::from("State      Recv-Q Send-Q Local Address:Port  Peer Address:Port Process\n");
    for n in 0..rows {
        let (leaked, inode) = descriptor(n);
        let port = 30_000 + n % 30_000;
        let _ = if leaked {
            writeln!(out, "TIME-WAIT  0      0      10.0.0.7:{port}      10.0.0.6:443       timer:(timewait,{}sec,0) ino:0 sk:0", n % 60)
        } else {
            writeln!(
                out,
                "ESTAB      0      0      10.0.0.7:{port}      10.0.0.5:9092      users:((\"java\",pid={LEAKER},fd={n})) ino:{inode} sk:{n:x}"
            )
        };
    }
    out
}

fn netstat(rows: u32) -> String {
    let mut out = String::from(
        "Active Internet connections (servers and established)\nProto Recv-Q Send-Q Local Address           Foreign Address         State       PID/Program name\n",
    );
    for n in 0..rows {
        let port = 30_000 + n % 30_000;
        let _ = if descriptor(n).0 {
            writeln!(out, "tcp        0      0 10.0.0.7:{port:<14} 10.0.0.6:443            TIME_WAIT   -")
        } else {
            writeln!(out, "tcp        0      0 10.0.0.7:{port:<14} 10.0.0.5:9092           ESTABLISHED {LEAKER}/java")
        };
    }
    out
}

fn proc_net_tcp(rows: u32) -> String {
    let mut out = String::from(
        "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode                                                     \n",
    );
    for n in 0..rows {
        let (leaked, inode) = descriptor(n);
        let port = 30_000 + n % 30_000;
        let _ = if leaked {
            writeln!(
                out,
                "{n:4}: 0700000A:{port:04X} 0600000A:01BB 06 00000000:00000000 03:000016C5 00000000     0        0 0 3 0000000000000000                                      "
            )
        } else {
            writeln!(
                out,
                "{n:4}: 0700000A:{port:04X} 0500000A:2384 01 00000000:00000000 00:00000000 00000000  1001        0 {inode} 1 0000000000000000 20 4 30 10 -1                     "
            )
        };
    }
    out
}

/// Lines of four: a socket, its refused connect in two halves with a futex between them; every eighth is closed.
fn strace(rows: u32) -> String {
    let mut out = String::new();
    let mut n = 0;
    while n * 4 < rows {
        let (fd, tid, us) = (100 + n, LEAKER + 1 + n % 16, n % 1_000_000);
        let at = format!("14:{:02}:{:02}.{us:06}", n / 60 % 60, n % 60);
        let _ = writeln!(out, "[pid {tid:5}] {at} socket(AF_INET, SOCK_STREAM, IPPROTO_IP) = {fd} <0.000018>");
        let _ = writeln!(
            out,
            "[pid {tid:5}] {at} connect({fd}, {{sa_family=AF_INET, sin_port=htons(9092), sin_addr=inet_addr(\"10.0.0.5\")}}, 16 <unfinished ...>"
        );
        let _ = writeln!(out, "[pid {LEAKER:5}] {at} futex(0x7f1e4823c990, FUTEX_WAKE_PRIVATE, 1) = 0 <0.000011>");
        let _ = writeln!(out, "[pid {tid:5}] {at} <... connect resumed>) = -1 ECONNREFUSED (Connection refused) <0.000111>");
        if n % 8 == 0 {
            let _ = writeln!(out, "[pid {tid:5}] {at} close({fd})           = 0 <0.000012>");
        }
        n += 1;
    }
    out
}
