//! The quirks of the tables of `/proc/net`, each in the shortest text that shows it.

use crate::formats::testing::{counters, facts, told_as};

const TCP: &str = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode                                                     \n";
const TCP6: &str = "  sl  local_address                         remote_address                        st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n";
const UDP: &str =
    "   sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops            \n";

fn sockets(path: &str, text: &str) -> Vec<String> {
    let (told, reading) = told_as(path, text);
    assert_eq!(reading.unparsed(), 0, "{:?}", reading.unknown);
    told.lines.into_iter().filter_map(|l| l.strip_prefix("socket ").map(String::from)).collect()
}

#[test]
fn tcp_rows() {
    let text = format!(
        "{TCP}   0: 00000000:2386 00000000:0000 0A 00000000:00000002 00:00000000 00000000     0        0 135502 3 00000000cea632f2 100 0 0 10 0\n\
         \x20  9: 0100007F:9A5A 0100007F:2384 06 00000000:00000000 03:00000EE6 00000000     0        0 0 3 00000000b4d50836\n\
         \x20 10: 0100090A:B8C6 0900090A:2384 02 00000001:00000000 01:000001F4 00000009  1000        0 133922 2 00000000b4d50836\n"
    );
    assert_eq!(
        sockets("proc/net/tcp", &text),
        [
            "tcp LISTEN local=*:9094 remote=*:* recv_q=2 send_q=- inode=135502 uid=0 timer=- holders=? name=-",
            "tcp TIME-WAIT local=127.0.0.1:39514 remote=127.0.0.1:9092 recv_q=0 send_q=0 inode=0 uid=- timer=Timewait,38.14,0 holders=? name=-",
            "tcp SYN-SENT local=10.9.0.1:47302 remote=10.9.0.9:9092 recv_q=0 send_q=1 inode=133922 uid=1000 timer=On,5,9 holders=? name=-",
        ]
    );
}

#[test]
fn rows_without_their_padding() {
    let row = "   9: 0100007F:9A5A 0100007F:2384 06 00000000:00000000 03:00000EE6 00000000     0        0 77 3 00000000b4d50836";
    let bare = row.split_whitespace().collect::<Vec<_>>().join(" ");
    let wide = row.replace(' ', "   ");
    let all: Vec<_> = [row, &bare, &wide].iter().map(|row| sockets("proc/net/tcp", &format!("{TCP}{row}\n"))).collect();
    assert_eq!((&all[0], &all[0], all[0].len()), (&all[1], &all[2], 1));
}

#[test]
fn ipv6_words_are_little_endian_each() {
    let text = format!(
        "{TCP6}   1: 000080FE00000000FF167C5C0E0905FE:2387 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 133939 1 0\n\
         \x20  2: 0000000000000000FFFF00000100007F:2385 0000000000000000FFFF00000100007F:EB1C 08 00000000:00000005 00:00000000 00000000     0        0 153198 1 0\n"
    );
    let rows = sockets("tcp6", &text);
    assert!(rows[0].starts_with("tcp6 LISTEN local=[fe80::5c7c:16ff:fe05:90e]:9095 "), "{}", rows[0]);
    assert!(rows[1].starts_with("tcp6 CLOSE-WAIT local=127.0.0.1:9093 remote=127.0.0.1:60188 recv_q=5 "), "{}", rows[1]);
}

#[test]
fn a_big_endian_host_is_told_by_its_loopback() {
    let text = format!(
        "{TCP}   0: 7F000001:2386 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1 1 0\n\
         \x20  1: 0A090001:B8C6 0A090009:2384 01 00000000:00000000 00:00000000 00000000     0        0 2 1 0\n"
    );
    let rows = sockets("tcp", &text);
    assert!(rows[0].starts_with("tcp LISTEN local=127.0.0.1:9094 "));
    assert!(rows[1].starts_with("tcp ESTAB local=10.9.0.1:47302 remote=10.9.0.9:9092 "));
}

#[test]
fn the_protocol_comes_from_the_name_or_the_header() {
    let row = "  52: 0100007F:004D 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 133970 2 00000000460a5038 0\n";
    let first = |path: &str, head: &str| sockets(path, &format!("{head}{row}"))[0].split(" local").next().unwrap().to_string();
    assert_eq!(first("proc/net/icmp", UDP), "icmp UNCONN");
    assert_eq!(first("net_udplite-k6.18.txt", UDP), "udplite UNCONN");
    assert_eq!(first("net_raw.txt", UDP), "raw UNCONN");
    assert_eq!(first("paste.txt", UDP), "udp UNCONN");
    assert_eq!(first("paste.txt", TCP), "tcp CLOSE");
    assert_eq!(first("tcp.txt", &format!("{TCP}{UDP}")), "udp UNCONN", "the header knows better than the name");
}

#[test]
fn files_one_after_the_other() {
    let row = "   0: 0100007F:0016 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1 1 0\n";
    let row6 = "   0: 00000000000000000000000001000000:0016 00000000000000000000000000000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 2 1 0 0\n";
    let raw6 = TCP6.trim_end().to_string() + " ref pointer drops\n";
    let text = format!("$ cat /proc/net/tcp /proc/net/tcp6 /proc/net/raw6\n{TCP}{row}{TCP6}{row6}{raw6}{row6}");
    let protocols: Vec<_> = sockets("paste.txt", &text).iter().map(|l| l.split(" local").next().unwrap().to_string()).collect();
    assert_eq!(protocols, ["tcp LISTEN", "tcp6 CLOSE", "raw6 UNCONN"]);
    let tables = |text: &str| facts(text).iter().filter(|l| l.starts_with("note table")).count();
    assert_eq!(tables(&text), 1, "three tables of one reading");
    assert_eq!(tables(&format!("{TCP}{row}{TCP}{row}")), 2, "the same table again is a new reading");
}

#[test]
fn rows_without_a_header() {
    let rows = sockets(
        "grep.txt",
        "   2: 0100007F:2384 0100007F:C584 08 00000000:00000001 00:00000000 00000000     0        0 165941 1 000000007752cb6a 20 4 28 10 -1\n",
    );
    assert!(rows[0].starts_with("tcp CLOSE-WAIT local=127.0.0.1:9092 "));
}

#[test]
fn unix_rows() {
    let text = "Num       RefCount Protocol Flags    Type St Inode Path\n\
                00000000be8203d3: 00000002 00000000 00010000 0001 01 133948 /tmp/sd/with space.sock\n\
                00000000be8203d4: 00000003 00000000 00000000 0001 02 0 @a\n\
                ffff880000000000: 00000003 00000000 00000000 0002 03 7\n";
    let rows = sockets("unix", text);
    assert!(rows[0].starts_with("unix LISTEN ") && rows[0].ends_with("name=/tmp/sd/with space.sock"));
    assert!(rows[1].starts_with("unix SYN-SENT ") && rows[1].contains(" inode=0 "));
    assert!(rows[2].starts_with("unix ESTAB ") && rows[2].contains(" inode=7 ") && rows[2].ends_with("name=-"));
}

#[test]
fn netlink_and_packet_rows() {
    let text = "sk               Eth Pid        Groups   Rmem     Wmem     Dump  Locks    Drops    Inode\n\
                0000000013bd664b 0   29956      00000001 832      0        0     2        0        133953  \n\
                0000000013bd664c 15  -4116      00000001 0        0        0     2        0        133954\n\
                ffff880000000000 4   0          00000000 0        0        0000000000000000 2\n";
    let rows = sockets("netlink", text);
    assert_eq!(rows[0], "netlink UNCONN local=- remote=- recv_q=832 send_q=0 inode=133953 uid=- timer=- holders=? name=0:29956");
    assert!(rows[1].ends_with("name=15:4294963180"), "{}", rows[1]);
    assert!(rows[2].contains(" inode=- "), "old kernels print none: {}", rows[2]);
    let text = "sk               RefCnt Type Proto  Iface R Rmem   User   Inode\n000000003dea24dd 3      3    0003   2     1 213190 33     133964\n";
    assert_eq!(
        sockets("packet", text),
        ["packet UNCONN local=- remote=- recv_q=213190 send_q=- inode=133964 uid=33 timer=- holders=? name=2"]
    );
}

#[test]
fn the_census() {
    let text = "protocol  size sockets  memory press maxhdr  slab module     cl co di ac\nPACKET    1600      2      -1   NI       0   no   kernel      n  n  n  n\nTCPv6     2432     71     540   no     192   yes  kernel      y  y  y  y\n";
    let read = counters(text);
    assert_eq!((read["protocols.PACKET"], read["protocols.TCPv6"], read.len()), (2, 71, 2));
}

#[test]
fn nothing_panics_on_cut_lines() {
    for text in [
        "   9: 0100007F:9A5A 0100007F:2384 06 00000000:00000000 03:00000EE6 00000000     0        0 0 3 00000000b4d50836",
        "00000000be8203d3: 00000002 00000000 00010000 0001 01 133948 /tmp/sd/u.sock",
    ] {
        for end in 0..=text.len() {
            told_as("tcp", &format!("{TCP}{}\n{}", &text[..end], &text[end..]));
            told_as("unix", &format!("Num       RefCount Protocol Flags    Type St Inode Path\n{}", &text[..end]));
        }
    }
}

#[test]
fn commands_that_print_a_table() {
    assert!(super::prints(b"cat /proc/net/tcp /proc/net/tcp6", b"tcp6"));
    assert!(super::prints(b"grep 1F90 /proc/4684/net/tcp*", b"tcp"));
    assert!(!super::prints(b"cat /proc/sys/net/ipv4/tcp_mem", b"tcp"));
    assert!(!super::prints(b"cat /proc/net/tcp | wc -l", b"tcp"));
}
