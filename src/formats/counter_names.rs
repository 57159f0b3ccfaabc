//! One spelling for the kernel's SNMP counters, whoever prints them: `/proc/net/snmp`, `/proc/net/netstat`, `/proc/net/snmp6`, nstat.
//!
//! `Tcp` `AttemptFails` becomes `snmp.tcp.attempt_fails`, `TcpExt` `TCPAbortOnMemory` becomes `tcpext.tcp_abort_on_memory`. The kernel's
//! own names are in `net/ipv4/proc.c` and `net/ipv6/proc.c`.

use super::scan;

/// The kernel's groups and ours, longest first where one begins another.
const GROUPS: &[(&str, &str)] = &[
    ("MPTcpExt", "mptcpext"),
    ("TcpExt", "tcpext"),
    ("IpExt", "ipext"),
    ("IcmpMsg", "snmp.icmp_msg"),
    ("Icmp6", "snmp.icmp6"),
    ("Icmp", "snmp.icmp"),
    ("UdpLite6", "snmp.udp_lite6"),
    ("UdpLite", "snmp.udp_lite"),
    ("Udp6", "snmp.udp6"),
    ("Udp", "snmp.udp"),
    ("Ip6", "snmp.ip6"),
    ("Ip", "snmp.ip"),
    ("Tcp", "snmp.tcp"),
    ("Sctp", "snmp.sctp"),
];

/// Our prefix for the kernel's group (`TcpExt`).
pub fn prefix(group: &[u8]) -> Option<&'static str> {
    GROUPS.iter().find(|(theirs, _)| theirs.as_bytes() == group).map(|(_, ours)| *ours)
}

/// Our prefix and the kernel's name of a counter printed in one word, as nstat and `/proc/net/snmp6` do: `TcpExtListenOverflows`.
pub fn split(word: &[u8]) -> Option<(&'static str, &[u8])> {
    GROUPS.iter().find_map(|(theirs, ours)| {
        let name = word.strip_prefix(theirs.as_bytes())?;
        name.first().is_some_and(u8::is_ascii_uppercase).then_some((*ours, name))
    })
}

/// Writes `prefix.name_in_snake_case` into a buffer that is used again for each counter.
pub fn write(buffer: &mut String, prefix: &str, name: &[u8]) {
    buffer.clear();
    buffer.push_str(prefix);
    buffer.push('.');
    let rest = match name.strip_prefix(b"TCP") {
        // `TCPSACKReneging` is not one run of capitals.
        Some(rest) if rest.first().is_some_and(u8::is_ascii_uppercase) => {
            buffer.push_str("tcp_");
            rest
        }
        _ => name,
    };
    for (i, &b) in rest.iter().enumerate() {
        if b.is_ascii_uppercase() && i > 0 && begins_word(rest, i) {
            buffer.push('_');
        }
        let b = b.to_ascii_lowercase();
        buffer.push(if b.is_ascii_alphanumeric() || b == b'_' { char::from(b) } else { '_' });
    }
}

/// Whether the capital at `i` begins a word: after a small letter or digit, or before a small letter that is no plural (`ACKs`).
fn begins_word(name: &[u8], i: usize) -> bool {
    let at = |k: usize| name.get(k).copied().unwrap_or(0);
    if !at(i.saturating_sub(1)).is_ascii_uppercase() {
        return true;
    }
    let plural = at(i + 1) == b's' && !at(i + 2).is_ascii_lowercase();
    at(i + 1).is_ascii_lowercase() && !plural
}

/// The value of a counter; those above `i64::MAX` are capped.
pub fn value(text: &[u8]) -> Option<i64> {
    scan::signed(text).or_else(|| scan::number(text).map(|n| i64::try_from(n).unwrap_or(i64::MAX)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings() {
        for (group, name, want) in [
            ("Tcp", "ActiveOpens", "snmp.tcp.active_opens"),
            ("Tcp", "EstabResets", "snmp.tcp.estab_resets"),
            ("Tcp", "OutRsts", "snmp.tcp.out_rsts"),
            ("Udp", "InDatagrams", "snmp.udp.in_datagrams"),
            ("TcpExt", "TW", "tcpext.tw"),
            ("TcpExt", "TWKilled", "tcpext.tw_killed"),
            ("TcpExt", "TCPTimeWaitOverflow", "tcpext.tcp_time_wait_overflow"),
            ("TcpExt", "TCPReqQFullDoCookies", "tcpext.tcp_req_q_full_do_cookies"),
            ("TcpExt", "TCPSACKReneging", "tcpext.tcp_sack_reneging"),
            ("TcpExt", "DelayedACKs", "tcpext.delayed_acks"),
            ("TcpExt", "DelayedACKLocked", "tcpext.delayed_ack_locked"),
            ("TcpExt", "TcpTimeoutRehash", "tcpext.tcp_timeout_rehash"),
            ("TcpExt", "PAWSEstab", "tcpext.paws_estab"),
            ("IpExt", "InNoECTPkts", "ipext.in_no_ect_pkts"),
        ] {
            let mut buffer = String::new();
            write(&mut buffer, prefix(group.as_bytes()).unwrap(), name.as_bytes());
            assert_eq!(buffer, want);
            let word = format!("{group}{name}");
            assert_eq!(split(word.as_bytes()), Some((prefix(group.as_bytes()).unwrap(), name.as_bytes())), "{word}");
        }
        assert_eq!(split(b"Tcpdump"), None);
    }
}
