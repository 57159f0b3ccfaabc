//! The quirks of netstat's tables, each in the shortest text that shows it.

use crate::formats::testing::{facts, told_as};

const HEAD: &str = "Active Internet connections (servers and established)\nProto Recv-Q Send-Q Local Address           Foreign Address         State      ";

fn sockets_of(path: &str, text: &str) -> Vec<String> {
    let (told, reading) = told_as(path, text);
    assert_eq!((reading.format(), reading.unparsed()), ("netstat", 0), "{:?}", reading.unknown);
    told.lines.into_iter().filter_map(|l| l.strip_prefix("socket ").map(String::from)).collect()
}

fn sockets(text: &str) -> Vec<String> {
    sockets_of("capture.txt", text)
}

#[test]
fn all_columns() {
    let text = format!(
        "{HEAD} User       Inode      PID/Program name     Timer\n\
         tcp        0      1 127.0.0.1:35122         127.0.0.1:9094          SYN_SENT    33         133927     29956/nginx: worker  on (3.18/2/0)\n\
         tcp6       2      0 ::1:9094                :::*                    LISTEN      0          135502     29908/python3        off (0.00/0/0)\n\
         tcp        0      0 127.0.0.1:9092          127.0.0.1:40142         TIME_WAIT   0          0          -                    timewait (59.41/0/0)\n\
         udp        0      0 0.0.0.0:5353            0.0.0.0:*                           0          133932     29956/python3        off (0.00/0/0)\n"
    );
    assert_eq!(
        sockets(&text),
        [
            "tcp SYN-SENT local=127.0.0.1:35122 remote=127.0.0.1:9094 recv_q=0 send_q=1 inode=133927 uid=33 timer=On,3.18,2 holders=nginx: worker/29956/- name=-",
            "tcp6 LISTEN local=[::1]:9094 remote=*:* recv_q=2 send_q=- inode=135502 uid=0 timer=- holders=python3/29908/- name=-",
            "tcp TIME-WAIT local=127.0.0.1:9092 remote=127.0.0.1:40142 recv_q=0 send_q=0 inode=0 uid=- timer=Timewait,59.41,0 holders= name=-",
            "udp UNCONN local=*:5353 remote=*:* recv_q=0 send_q=0 inode=133932 uid=0 timer=- holders=python3/29956/- name=-",
        ]
    );
}

#[test]
fn timers_without_owners() {
    let text = format!(
        "{HEAD} Timer\ntcp 0 0 10.0.0.1:1 10.0.0.2:2 ESTABLISHED keepalive (7151.91/0/3)\ntcp 0 9 10.0.0.1:1 10.0.0.2:2 ESTABLISHED unkn-4 (1.50/0/4)\n"
    );
    let rows = sockets(&text);
    assert!(rows[0].contains("timer=Keepalive,7151.91,3 holders=? "), "{}", rows[0]);
    assert!(rows[1].contains("timer=Persist,1.5,4 "), "1.60 has no word for the probe timer: {}", rows[1]);
}

#[test]
fn a_security_context_behind_a_name_with_blanks() {
    let text = format!(
        "{HEAD} PID/Program name    Security Context\ntcp 0 0 10.0.0.1:1 10.0.0.2:2 ESTABLISHED 702/sshd: root@pts system_u:system_r:sshd_t:s0\n"
    );
    assert!(sockets(&text)[0].ends_with("holders=sshd: root@pts/702/- name=-"));
}

#[test]
fn an_owner_column_that_is_absent_says_nothing() {
    let row = "tcp        0      0 127.0.0.1:9094          127.0.0.1:35112         ESTABLISHED";
    assert!(sockets(&format!("{HEAD}\n{row}\n"))[0].ends_with("holders=? name=-"));
    assert!(sockets(&format!("{HEAD} PID/Program name\n{row} -\n"))[0].ends_with("holders= name=-"));
}

#[test]
fn pastes_without_a_header() {
    let text = "root@host-a:~# netstat -apn | grep 8080\n\
                tcp        6      0 0.0.0.0:8080            0.0.0.0:*               LISTEN      6562/./server       \n\
                tcp       11      0 172.27.18.100:8080      172.27.18.200:43752     CLOSE_WAIT  -                   \n\
                udp        0      0 0.0.0.0:9923            0.0.0.0:*                           3135225/bin/gshell\n\
                unix  2      [ ACC ]     STREAM     LISTENING     1203869371 3135225/bin/gshell   @adaptive/a.sock\n";
    let rows = sockets(text);
    assert!(rows[0].ends_with("holders=./server/6562/- name=-"), "{}", rows[0]);
    assert!(rows[1].starts_with("tcp CLOSE-WAIT") && rows[1].ends_with("holders= name=-"), "{}", rows[1]);
    assert!(rows[2].starts_with("udp UNCONN") && rows[2].ends_with("holders=bin/gshell/3135225/- name=-"), "{}", rows[2]);
    assert!(rows[3].ends_with("inode=1203869371 uid=- timer=- holders=bin/gshell/3135225/- name=@adaptive/a.sock"), "{}", rows[3]);
    assert!(facts(text)[0].starts_with("note filtered"));
    // The same with user and inode.
    let extended = sockets("tcp 0 0 10.0.0.1:1 10.0.0.2:2 ESTABLISHED 1000 135502 -\n");
    assert!(extended[0].contains("inode=135502 uid=1000 timer=- holders= "), "{}", extended[0]);
}

#[test]
fn an_address_that_was_cut_is_no_address() {
    let row = "tcp6       0      0 fe80::5c7c:16ff:fe:9095 :::*                    LISTEN\n";
    assert_eq!("fe80::5c7c:16ff:fe:9095".len(), 23);
    let cut = sockets(&format!("{HEAD}\n{row}"));
    assert!(cut[0].starts_with("tcp6 LISTEN local=fe80::5c7c:16ff:fe:9095 "), "no brackets, as it is kept as a name: {}", cut[0]);
    let wide = sockets(&format!("$ netstat -natW\n{HEAD}\n{row}"));
    assert!(wide[0].starts_with("tcp6 LISTEN local=[fe80::5c7c:16ff:fe]:9095 "), "{}", wide[0]);
    let short = sockets(&format!("{HEAD}\ntcp 0 0 fe80::1:16ff:fe:9095 :::* LISTEN\n"));
    assert!(short[0].starts_with("tcp6 LISTEN local=[fe80::1:16ff:fe]:9095 "), "{}", short[0]);
}

#[test]
fn ipv6_under_the_old_label() {
    let rows = sockets(&format!(
        "{HEAD}\ntcp 0 0 :::22 :::* LISTEN\ntcp 0 0 ::ffff:127.0.0.1:9093 ::ffff:127.0.0.1:5 ESTABLISHED\nudp 0 0 ::1:5355 :::*\n"
    ));
    assert!(rows[0].starts_with("tcp6 LISTEN local=*:22 "));
    assert!(rows[1].starts_with("tcp6 ESTAB local=127.0.0.1:9093 "));
    assert!(rows[2].starts_with("udp6 UNCONN "));
}

#[test]
fn raw_prints_the_number_of_its_state() {
    let rows = sockets(&format!("{HEAD} PID/Program name\nraw 0 0 0.0.0.0:1 0.0.0.0:* 7 29956/python3\nraw6 0 0 :::58 :::* 7 -\n"));
    assert!(rows[0].starts_with("raw UNCONN local=*:1 ") && rows[0].ends_with("holders=python3/29956/- name=-"), "{}", rows[0]);
    assert!(rows[1].starts_with("raw6 UNCONN "), "{}", rows[1]);
}

#[test]
fn languages() {
    let text = "Conexões Internet Ativas (servidores e estabelecidas)\n\
                Proto Recv-Q Send-Q Endereço Local          Endereço Remoto         Estado      PID/Program name    \n\
                tcp        2      0 0.0.0.0:9094            0.0.0.0:*               OUÇA       29908/python3\n\
                tcp        1      0 127.0.0.1:9092          127.0.0.1:50564         ESPERANDO_FECHAR 29908/python3\n\
                tcp        1      0 127.0.0.1:9092          127.0.0.1:50564         NUNCA_VISTO 29908/python3\n";
    let rows = sockets(text);
    let states: Vec<_> = rows.iter().map(|l| l.split(' ').nth(1).unwrap()).collect();
    assert_eq!(states, ["LISTEN", "CLOSE-WAIT", "UNKNOWN"]);
    assert!(rows.iter().all(|l| l.contains("holders=python3/29908/-")), "{rows:?}");
    let german = "Aktive Sockets in der UNIX-Domäne (Server und stehende Verbindungen)\nProto RefCnt Flags       Type       State         I-Node   PID/Program name     Pfad\nunix  2      [ ACC ]     STREAM     HÖRT         133948   29956/python3        /tmp/sd/u.sock\n";
    assert_eq!(
        sockets(german),
        ["unix LISTEN local=- remote=- recv_q=- send_q=- inode=133948 uid=- timer=- holders=python3/29956/- name=/tmp/sd/u.sock"]
    );
}

#[test]
fn unix_rows() {
    let head = "Active UNIX domain sockets (servers and established)\nProto RefCnt Flags       Type       State         I-Node   PID/Program name     Path\n";
    let text = format!(
        "{head}unix  2      [ ]         DGRAM                    133947   29956/nginx: worker  private/a b\n\
         unix  3      [ ]         STREAM     CONNECTING    0        -                    /tmp/sd/u.sock\n\
         unix  3      [ ]         STREAM     NEVERSEEN     7        -\n"
    );
    let rows = sockets(&text);
    assert!(rows[0].starts_with("unix UNCONN ") && rows[0].ends_with("holders=nginx: worker/29956/- name=private/a b"), "{}", rows[0]);
    assert!(
        rows[1].starts_with("unix SYN-SENT ") && rows[1].contains(" inode=0 ") && rows[1].ends_with("holders= name=/tmp/sd/u.sock"),
        "{}",
        rows[1]
    );
    assert!(rows[2].starts_with("unix UNKNOWN ") && rows[2].contains(" inode=7 "), "{}", rows[2]);
    // Without -p the path follows the inode, blanks and all (BusyBox).
    let plain = "Active UNIX domain sockets (servers and established)\nProto RefCnt Flags       Type       State         I-Node Path\nunix  2      [ ACC ]     STREAM     LISTENING     133950 /tmp/sd/with space.sock\n";
    assert!(sockets(plain)[0].ends_with("holders=? name=/tmp/sd/with space.sock"));
}

#[test]
fn no_privilege_is_noted_once() {
    let two_lines = format!(
        "(Not all processes could be identified, non-owned process info\n will not be shown, you would have to be root to see it all.)\n{HEAD} PID/Program name\ntcp 0 0 0.0.0.0:22 0.0.0.0:* LISTEN -\n"
    );
    let told = facts(&two_lines);
    assert_eq!(told.iter().filter(|l| l.starts_with("note without privilege")).count(), 1, "{told:?}");
    let (_, reading) = told_as("x", &two_lines);
    assert_eq!(reading.unparsed(), 0);
    let one_line = format!(
        "(No info could be read for \"-p\": geteuid()=65534 but you should be root.)\n{HEAD} PID/Program name\ntcp 0 0 0.0.0.0:22 0.0.0.0:* LISTEN -\n"
    );
    assert!(facts(&one_line)[0].starts_with("note without privilege"));
}

#[test]
fn both_tables_are_one_reading() {
    let unix = "Active UNIX domain sockets (servers and established)\nProto RefCnt Flags       Type       State         I-Node   Path\nunix  2      [ ]         DGRAM                    1\n";
    let reading = format!("{HEAD}\ntcp 0 0 0.0.0.0:22 0.0.0.0:* LISTEN\n{unix}");
    let tables = |text: &str| facts(text).iter().filter(|l| l.starts_with("note table")).count();
    assert_eq!(tables(&reading), 1);
    assert_eq!(tables(&format!("{reading}{reading}")), 2);
    assert_eq!(tables(&format!("{unix}{unix}")), 2);
}

#[test]
fn usage_instead_of_data() {
    let text = "netstat: invalid option -- 'p'\nBusyBox v1.30.1 (Debian) multi-call binary.\n\nUsage: netstat [-ral] [-tuwx] [-en]\n";
    let (told, reading) = told_as("netstat.txt", text);
    assert_eq!((reading.format(), reading.rows(), reading.unparsed()), ("netstat", 0, 0), "{:?}", reading.unknown);
    assert!(told.lines[0].starts_with("note failed"));
}

#[test]
fn nothing_panics_on_cut_lines() {
    for text in [
        "tcp 0 1 127.0.0.1:35122 127.0.0.1:9094 SYN_SENT 33 133927 29956/nginx: worker on (3.18/2/0)",
        "unix  2      [ ACC ]     STREAM     LISTENING     133948   29956/python3        /tmp/sd/u.sock",
    ] {
        for end in 0..=text.len() {
            told_as("netstat.txt", &text[..end]);
            told_as("netstat.txt", &text[end..]);
        }
    }
}
