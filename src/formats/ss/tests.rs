//! The quirks of ss's tables, each in the shortest text that shows it.

use crate::facts::*;
use crate::formats::testing::{facts, told_as};

/// The facts of sockets only.
fn sockets(text: &str) -> Vec<String> {
    sockets_of("capture.txt", text)
}

fn sockets_of(path: &str, text: &str) -> Vec<String> {
    let (told, reading) = told_as(path, text);
    assert_eq!((reading.format(), reading.unparsed()), ("ss", 0), "{:?}", reading.unknown);
    told.lines.into_iter().filter_map(|l| l.strip_prefix("socket ").map(String::from)).collect()
}

/// The first fields of a socket's line: protocol, state, ends.
fn ends(text: &str) -> Vec<String> {
    sockets(text).iter().map(|l| l.split(" recv_q").next().unwrap_or("").to_string()).collect()
}

#[test]
fn a_row_with_everything() {
    let text = "State      Recv-Q Send-Q Local Address:Port  Peer Address:Port Process\n\
                SYN-SENT   0      1             127.0.0.1:35122          127.0.0.1:9094  users:((\"java\",pid=29956,fd=42)) timer:(on,4.328sec,9) uid:33 ino:133927 sk:1074 cgroup:/ <->\n";
    assert_eq!(
        sockets(text),
        [
            "tcp SYN-SENT local=127.0.0.1:35122 remote=127.0.0.1:9094 recv_q=0 send_q=1 inode=133927 uid=33 timer=On,4.328,9 holders=java/29956/42 name=-"
        ]
    );
}

#[test]
fn columns_glued_together() {
    let text = "NetidState  Recv-Q Send-Q            Local Address:Port     Peer Address:Port\n\
                u_strESTAB  5      0                             * 133941              * 133940  users:((\"java\",pid=29956,fd=54))\n\
                tcp  FIN-WAIT-20      0                           127.0.0.1:40162          127.0.0.1:9092\n\
                tcp  CLOSE-WAIT17     0                           127.0.0.1:40112          127.0.0.1:9092\n";
    let rows = sockets(text);
    assert_eq!(rows[0], "unix ESTAB local=- remote=- recv_q=5 send_q=0 inode=133941 uid=- timer=- holders=java/29956/54 name=-");
    assert!(rows[1].starts_with("tcp FIN-WAIT-2 local=127.0.0.1:40162 remote=127.0.0.1:9092 recv_q=0 send_q=0"), "{}", rows[1]);
    assert!(rows[2].starts_with("tcp CLOSE-WAIT local=127.0.0.1:40112 remote=127.0.0.1:9092 recv_q=17 "), "{}", rows[2]);
}

#[test]
fn wildcards_of_old_and_new_versions() {
    let old = "State      Recv-Q Send-Q        Local Address:Port          Peer Address:Port \n\
               LISTEN     0      50                        *:22                       *:*     \n\
               LISTEN     0      7                        :::9093                    :::*     \n\
               ESTAB      0      0          ::ffff:127.0.0.1:9093     ::ffff:127.0.0.1:58580 \n";
    assert_eq!(
        ends(old),
        [
            "tcp LISTEN local=*:22 remote=*:*",
            "tcp6 LISTEN local=*:9093 remote=*:*",
            "tcp6 ESTAB local=127.0.0.1:9093 remote=127.0.0.1:58580"
        ]
    );
    let new = "State     Recv-Q Send-Q                  Local Address:Port        Peer Address:Port\n\
               LISTEN    0      50                          127.0.0.1:9092             0.0.0.0:*\n\
               LISTEN    0      7                                   *:9093                   *:*\n\
               LISTEN    0      5       [fe80::5c7c:16ff:fe05:90e]%v0:9095                [::]:*\n";
    assert_eq!(
        ends(new),
        [
            "tcp LISTEN local=127.0.0.1:9092 remote=*:*",
            "tcp6 LISTEN local=*:9093 remote=*:*",
            "tcp6 LISTEN local=[fe80::5c7c:16ff:fe05:90e]:9095 remote=*:*"
        ]
    );
}

#[test]
fn a_state_that_only_the_command_tells() {
    let text =
        "$ ss -ant state close-wait\nRecv-Q Send-Q Local Address:Port Peer Address:Port\n1      0      10.0.0.1:443  10.0.0.2:5000\n";
    assert_eq!(ends(text), ["tcp CLOSE-WAIT local=10.0.0.1:443 remote=10.0.0.2:5000"]);
    assert!(facts(text).iter().any(|l| l == "note filtered pid=- ss -ant state close-wait"), "{:?}", facts(text));

    let without_header = "$ ss -Hant state time-wait\n0      0      10.0.0.1:443  10.0.0.2:5000\n";
    assert_eq!(ends(without_header), ["tcp TIME-WAIT local=10.0.0.1:443 remote=10.0.0.2:5000"]);

    let nobody_tells = "Recv-Q Send-Q Local Address:Port Peer Address:Port\n1 0 10.0.0.1:443 10.0.0.2:5000\n";
    assert_eq!(ends(nobody_tells), ["tcp UNKNOWN local=10.0.0.1:443 remote=10.0.0.2:5000"]);
    assert!(facts(nobody_tells).iter().any(|l| l.starts_with("note filtered")));

    let by_name = sockets_of("ss-syn-sent.txt", nobody_tells);
    assert!(by_name[0].starts_with("tcp SYN-SENT "), "{by_name:?}");
}

#[test]
fn a_kind_that_only_the_command_or_the_name_tells() {
    let rows = "State  Recv-Q Send-Q Local Address:Port Peer Address:PortProcess\nESTAB 0 0 10.0.0.1:47372 10.0.0.53:53\n";
    assert!(sockets_of("ss-uanp.txt", rows)[0].starts_with("udp ESTAB "));
    assert!(sockets_of("ss-tanp.txt", rows)[0].starts_with("tcp ESTAB "));
    let prompt = format!("# ss -uan\n{rows}");
    assert!(sockets(&prompt)[0].starts_with("udp ESTAB "));
    assert!(
        sockets_of("ss-wanp.txt", "State Recv-Q Send-Q Local Address:Port Peer Address:Port\nUNCONN 0 0 *:58 *:*\n")[0].starts_with("raw")
    );
}

#[test]
fn bound_only_tcp_rows_of_6_8() {
    let text =
        "State  Recv-Q Send-Q Local Address:Port Peer Address:Port\nLISTEN 0 5 0.0.0.0:22 0.0.0.0:*\nUNCONN 0 0 127.0.0.1:7777 0.0.0.0:*\n";
    assert_eq!(ends(text)[1], "tcp UNCONN local=127.0.0.1:7777 remote=*:*");
}

#[test]
fn udp_rows_that_3_10_labels_tcp() {
    let rows = "Netid  State      Recv-Q Send-Q     Local Address:Port       Peer Address:Port \n\
                tcp    UNCONN     0      0                      *:5353                  *:*      users:((\"java\",29956,47))\n\
                tcp    ESTAB      0      0              127.0.0.1:5354          127.0.0.1:53     users:((\"java\",29956,48))\n\
                tcp    LISTEN     2      1                      *:9094                  *:*      users:((\"srv\",29908,5))\n\
                tcp    ESTAB      0      0              127.0.0.1:9094          127.0.0.1:35112 \n";
    let words = |text: &str| ends(text).iter().map(|l| l.split(" local").next().unwrap_or("").to_string()).collect::<Vec<_>>();
    assert_eq!(words(rows), ["udp UNCONN", "tcp ESTAB", "tcp LISTEN", "tcp ESTAB"]);
    assert_eq!(words(&format!("$ ss -anp\n{rows}")), ["udp UNCONN", "udp ESTAB", "tcp LISTEN", "tcp ESTAB"], "-a lists listeners first");
    let new = "Netid State  Recv-Q Send-Q Local Address:Port Peer Address:Port Process\ntcp UNCONN 0 0 127.0.0.1:7777 0.0.0.0:*\n";
    assert_eq!(words(new), ["tcp UNCONN"]);
}

#[test]
fn holders_are_shown_from_the_first_row_that_has_some() {
    let text = "State  Recv-Q Send-Q Local Address:Port Peer Address:Port Process\n\
                ESTAB 0 0 10.0.0.1:1 10.0.0.2:2\n\
                ESTAB 0 0 10.0.0.1:3 10.0.0.2:2 users:((\"a\",pid=1,fd=3),(\"b\",pid=2,fd=3))\n\
                ESTAB 0 0 10.0.0.1:5 10.0.0.2:2\n";
    let holders =
        |path: &str| sockets_of(path, text).iter().map(|l| l.split("holders=").nth(1).unwrap().replace(" name=-", "")).collect::<Vec<_>>();
    assert_eq!(holders("capture.txt"), ["?", "a/1/3,b/2/3", ""], "`?` stands for not shown");
    assert_eq!(holders("ss-tanp.txt"), ["", "a/1/3,b/2/3", ""]);
}

#[test]
fn a_name_with_a_newline_breaks_the_row() {
    let text = "State  Recv-Q Send-Q Local Address:Port Peer Address:Port\n\
                LISTEN 0      5          127.0.0.1:9200      0.0.0.0:*    users:((\"tab\tnl\n\
                x\",pid=14997,fd=3),(\"My App (1\",pid=14830,fd=3))\n\
                LISTEN 0      5          127.0.0.1:9201      0.0.0.0:*    users:((\"python3\",pid=14831,fd=3))\n";
    let rows = sockets(text);
    assert!(rows[0].ends_with("holders=tab\tnl\nx/14997/3,My App (1/14830/3 name=-"), "{}", rows[0]);
    assert_eq!(rows.len(), 2);
}

#[test]
fn a_row_cut_inside_its_holders_says_nothing_of_them() {
    let text = "State  Recv-Q Send-Q Local Address:Port Peer Address:Port\n\
                LISTEN 0      5          127.0.0.1:9200      0.0.0.0:*    users:((\"tab\tnl\n\
                LISTEN 0      5          127.0.0.1:9201      0.0.0.0:*    users:((\"python3\",pid=14831,fd=3))\n";
    let rows = sockets(text);
    assert!(rows[0].ends_with("holders=? name=-"), "{}", rows[0]);
    assert!(rows[1].ends_with("holders=python3/14831/3 name=-"));
}

/// Keeps when data last moved, which the shared helper does not print.
#[derive(Default)]
struct Times(Vec<(u32, Option<u64>, Option<u64>)>);

impl Sink for Times {
    fn socket(&mut self, at: At<'_>, socket: &Socket<'_>) {
        self.0.push((at.citation.line, socket.last_sent_ms, socket.last_received_ms));
    }
}

fn times(text: &str) -> Vec<(u32, Option<u64>, Option<u64>)> {
    let mut times = Times::default();
    crate::formats::reader::read_text(MemberId(0), "ss.txt", text.as_bytes(), &mut times);
    times.0
}

#[test]
fn second_lines_belong_to_the_row_above() {
    let text = "State  Recv-Q Send-Q Local Address:Port Peer Address:Port\n\
                ESTAB 0 0 10.0.0.1:1 10.0.0.2:2\n\
                \t cubic rto:204 lastsnd:10 lastrcv:20 lastack:10\n\
                TIME-WAIT 0 0 10.0.0.1:3 10.0.0.2:2\n\
                \t\n\
                ESTAB 0 0 10.0.0.1:5 10.0.0.2:2\n\
                \t cubic cwnd:10 lastsnd:30 lastrcv:40 lastack:10\n";
    assert_eq!(times(text), [(2, Some(10), Some(20)), (4, None, None), (6, Some(30), Some(40))]);
    assert_eq!(sockets(text).len(), 3);
}

#[test]
fn data_of_oneline_mode_stands_on_the_row() {
    let text = "State Recv-Q Send-Q Local Address:Port Peer Address:Port\nESTAB 0 0 10.0.0.1:1 10.0.0.2:2 users:((\"a\",pid=1,fd=3)) cubic lastsnd:7 lastrcv:8\n";
    assert_eq!(times(text), [(2, Some(7), Some(8))]);
}

#[test]
fn rows_without_second_lines_are_not_delayed() {
    let text =
        "State  Recv-Q Send-Q Local Address:Port Peer Address:Port\nESTAB 0 0 10.0.0.1:1 10.0.0.2:2\nESTAB 0 0 10.0.0.1:3 10.0.0.2:2\n";
    assert_eq!(times(text), [(2, None, None), (3, None, None)]);
}

#[test]
fn a_narrow_terminal_wraps_what_follows_the_addresses() {
    let text = "State  Recv-Q Send-Q Local Address:Port Peer Address:Port\n\
                ESTAB 0 0 10.0.0.1:1 10.0.0.2:2\n    users:((\"a\",pid=1,fd=3)) ino:7\n\
                ESTAB 0 0 10.0.0.1:3 10.0.0.2:2\n    users:((\"b\",pid=2,fd=4)) ino:8\n";
    let rows = sockets(text);
    assert!(rows[0].contains("inode=7") && rows[0].contains("holders=a/1/3"), "{rows:?}");
    assert!(rows[1].contains("inode=8") && rows[1].contains("holders=b/2/4"), "{rows:?}");
}

#[test]
fn unix_paths_and_peers() {
    let text = "Netid State  Recv-Q Send-Q Local Address:Port Peer Address:Port Process\n\
                u_str LISTEN 1 3 /tmp/sd/with space.sock 133950 * 0 users:((\"java\",pid=1,fd=63))\n\
                u_str LISTEN 0 3 @abstract 12 name 133952 * 0\n\
                u_dgr ESTAB 0 0 * -5 * 133942 <->\n";
    let rows = sockets(text);
    assert!(rows[0].contains(" inode=133950 ") && rows[0].ends_with("name=/tmp/sd/with space.sock"), "{}", rows[0]);
    assert!(rows[1].contains(" inode=133952 ") && rows[1].ends_with("name=@abstract 12 name"), "{}", rows[1]);
    assert!(rows[2].contains(" inode=4294967291 "), "an inode above 2^31 can be printed negative: {}", rows[2]);
}

#[test]
fn netlink_packet_and_others() {
    let text = "Netid State  Recv-Q Send-Q Local Address:Port Peer Address:Port\n\
                nl    UNCONN 832    0      rtnl:My App/1             *\n\
                nl    UNCONN 0      0      4:-3041                   *\n\
                p_dgr UNCONN 9      0      [0]:*                     *      users:((\"java\",pid=29956,fd=70))\n\
                v_str ESTAB  0      0      2:1234                    3:5678\n\
                ???   UNCONN 0      0      *:*                       *:*\n";
    let rows = sockets(text);
    let short: Vec<_> = rows.iter().map(|l| (l.split(' ').next().unwrap(), l.rsplit("name=").next().unwrap())).collect();
    assert_eq!(short, [("netlink", "rtnl:My App/1"), ("netlink", "4:-3041"), ("packet", "[0]:*"), ("vsock", "-"), ("other", "*:*")]);
}

#[test]
fn an_unknown_state_keeps_its_row() {
    let text = "State  Recv-Q Send-Q Local Address:Port Peer Address:Port\nNEW-STATE 0 0 10.0.0.1:1 10.0.0.2:2\n";
    assert_eq!(ends(text), ["tcp UNKNOWN local=10.0.0.1:1 remote=10.0.0.2:2"]);
}

#[test]
fn without_header_and_queues() {
    assert_eq!(ends("LISTEN 0 128 0.0.0.0:22 0.0.0.0:*\n"), ["tcp LISTEN local=*:22 remote=*:*"]);
    let quiet = "State  Local Address:Port Peer Address:Port\nESTAB 10.0.0.1:1 10.0.0.2:2\n";
    assert!(sockets(quiet)[0].contains("recv_q=- send_q=-"));
}

#[test]
fn names_instead_of_numbers() {
    assert_eq!(
        ends("LISTEN 0 128 *:ssh *:*\nESTAB 0 0 localhost:XmlIpcRegSvc db.example:5432\n")[1],
        "tcp ESTAB local=localhost:XmlIpcRegSvc remote=db.example:5432"
    );
}

#[test]
fn each_header_starts_a_table_and_warnings_are_told() {
    let text = "RTNETLINK answers: Invalid argument\nState Recv-Q Send-Q Local Address:Port Peer Address:Port\nLISTEN 0 1 *:1 *:*\nState Recv-Q Send-Q Local Address:Port Peer Address:Port\nLISTEN 0 1 *:1 *:*\n";
    let told = facts(text);
    assert_eq!(told.iter().filter(|l| l.starts_with("note table")).count(), 2);
    assert!(told.iter().any(|l| l.starts_with("note warning")));
    assert!(facts("Cannot open netlink socket: Protocol not supported\n")[0].starts_with("note table unreadable"));
}

#[test]
fn rows_of_others_are_left_to_them() {
    let text = "$ ss -tan\nState Recv-Q Send-Q Local Address:Port Peer Address:Port\nLISTEN 0 1 *:1 *:*\nProto Recv-Q Send-Q Local Address           Foreign Address         State\ntcp        0      0 127.0.0.1:9094          127.0.0.1:35112         ESTABLISHED\n";
    let (_, reading) = told_as("paste.txt", text);
    let formats: Vec<_> = reading.sections.iter().filter(|s| s.rows > 0).map(|s| s.format).collect();
    assert_eq!(formats, ["ss", "netstat"]);
}

#[test]
fn nothing_panics_on_cut_lines() {
    let whole =
        "u_str LISTEN 1 3 /tmp/with space.sock 133950 * 0 users:((\"we\"ird\",pid=1,fd=63),(\"b\",2,3)) timer:(on,4.3ms,9) ino:1 <->";
    let tcp = "tcp FIN-WAIT-20 0 [fe80::1]%v0:9095 [::]:* users:((\"a\",pid=1,fd=3)) timer:(keepalive,1min2sec,0) lastsnd:1 lastrcv:2";
    for text in [whole, tcp] {
        for end in 0..=text.len() {
            told_as(
                "ss.txt",
                &format!("Netid State Recv-Q Send-Q Local Address:Port Peer Address:Port\n{}\n{}", &text[..end], &text[end..]),
            );
        }
    }
}
