//! Socket arguments as strace prints them.

use super::end::End;
use super::intern::Interner;
use crate::facts::{Addr, Endpoint, Protocol};
use crate::formats::scan;
use memchr::memmem::{Finder, find};
use std::sync::LazyLock;

/// What is searched in every address, prepared once.
struct Keys {
    sun_path: Finder<'static>,
    file_path: Finder<'static>,
    port: Finder<'static>,
    inet: Finder<'static>,
    inet6: Finder<'static>,
    so_error: Finder<'static>,
}

static KEYS: LazyLock<Keys> = LazyLock::new(|| Keys {
    sun_path: Finder::new(b"sun_path="),
    file_path: Finder::new(b"AF_FILE, path="),
    port: Finder::new(b"port=htons("),
    inet: Finder::new(b"inet_addr(\""),
    inet6: Finder::new(b"inet_pton(AF_INET6, \""),
    so_error: Finder::new(b"SO_ERROR, ["),
});

/// The protocol of `socket(AF_INET, SOCK_STREAM|SOCK_CLOEXEC, IPPROTO_IP)`; strace before 4.15 spells `PF_INET`.
pub fn protocol(args: &[u8]) -> Protocol {
    let mut parts = args.splitn(3, |&b| b == b',');
    let family = parts.next().unwrap_or(b"").trim_ascii();
    let kind = parts.next().unwrap_or(b"").trim_ascii();
    let rest = parts.next().unwrap_or(b"");
    let family = family.get(3..).unwrap_or(b"");
    let stream = kind.starts_with(b"SOCK_STREAM");
    let datagram = kind.starts_with(b"SOCK_DGRAM");
    let icmp = find(rest, b"ICMP").is_some();
    match family {
        b"INET" if stream => Protocol::Tcp,
        b"INET6" if stream => Protocol::Tcp6,
        b"INET" if datagram && !icmp => Protocol::Udp,
        b"INET6" if datagram && !icmp => Protocol::Udp6,
        b"INET" if datagram => Protocol::Icmp,
        b"INET6" if datagram => Protocol::Icmp6,
        b"INET" => Protocol::Raw,
        b"INET6" => Protocol::Raw6,
        b"UNIX" | b"LOCAL" | b"FILE" => Protocol::Unix,
        b"NETLINK" | b"ROUTE" => Protocol::Netlink,
        b"PACKET" => Protocol::Packet,
        b"VSOCK" => Protocol::Vsock,
        _ => Protocol::Other,
    }
}

/// The address in `{sa_family=AF_INET, sin_port=htons(9092), sin_addr=inet_addr("10.0.0.5")}` and its relatives.
pub fn end(args: &[u8], names: &mut Interner) -> Option<End> {
    let keys = &*KEYS;
    // Nearly all are of the internet; only a path can hold such a word too, and it is behind its own key then.
    let host = after(args, &keys.inet).or_else(|| after(args, &keys.inet6));
    let path = after(args, &keys.sun_path).or_else(|| after(args, &keys.file_path));
    if let Some(path) = path {
        let path = path.strip_prefix(b"@").unwrap_or(path).strip_prefix(b"\"")?;
        let close = memchr::memchr(b'"', path)?;
        return Some(End::Text(names.add(path.get(..close)?)));
    }
    let port = after(args, &keys.port).and_then(scan::leading_number).map_or(0, |(p, _)| p as u16);
    let host = host?;
    let host = host.get(..memchr::memchr(b'"', host)?)?;
    Some(End::keep(&Endpoint::new(Addr::parse(host), port), names))
}

/// The error in `getsockopt(5, SOL_SOCKET, SO_ERROR, [111], [4])`: empty for none, `None` if the call asks for something else.
pub fn so_error(args: &[u8]) -> Option<&[u8]> {
    let value = after(args, &KEYS.so_error)?;
    let value = value.get(..memchr::memchr(b']', value)?)?;
    Some(match value {
        b"0" => b"",
        b"111" => b"ECONNREFUSED",
        b"110" => b"ETIMEDOUT",
        b"113" => b"EHOSTUNREACH",
        b"101" => b"ENETUNREACH",
        b"104" => b"ECONNRESET",
        b"99" => b"EADDRNOTAVAIL",
        other => other,
    })
}

/// Both descriptors of `pipe([3, 4])` or `socketpair(AF_UNIX, SOCK_STREAM, 0, [3, 4])`, decorated or not.
pub fn pair(args: &[u8]) -> [Option<i32>; 2] {
    let Some(open) = memchr::memrchr(b'[', args).filter(|_| !args.contains(&b'<')).or_else(|| memchr::memchr(b'[', args)) else {
        return [None, None];
    };
    let inner = args.get(open + 1..).unwrap_or(b"");
    let mut numbers =
        inner.split(|&b| b == b',').filter_map(|p| scan::leading_number(p.trim_ascii()).and_then(|(n, _)| i32::try_from(n).ok()));
    [numbers.next(), numbers.next()]
}

fn after<'a>(args: &'a [u8], key: &Finder<'_>) -> Option<&'a [u8]> {
    args.get(key.find(args)? + key.needle().len()..)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_all_versions() {
        let mut names = Interner::default();
        for (args, want) in [
            (r#"5, {sa_family=AF_INET, sin_port=htons(9092), sin_addr=inet_addr("10.0.0.5")}, 16"#, "10.0.0.5:9092"),
            (r#"5, {sa_family=AF_INET6, sin6_port=htons(80), inet_pton(AF_INET6, "::1", &sin6_addr), sin6_flowinfo=0}, 28"#, "[::1]:80"),
            (
                r#"5, {sa_family=AF_INET6, sin6_port=htons(80), sin6_flowinfo=htonl(0), inet_pton(AF_INET6, "::ffff:10.0.0.5", &sin6_addr)}, 28"#,
                "10.0.0.5:80",
            ),
            (r#"3, {sa_family=AF_UNIX, sun_path="/run/x.sock"}, 110"#, "/run/x.sock"),
            (r#"3, {sa_family=AF_FILE, path="/run/x.sock"}, 110"#, "/run/x.sock"),
        ] {
            assert_eq!(end(args.as_bytes(), &mut names).map(|e| e.show(&names)).as_deref(), Some(want));
        }
    }

    #[test]
    fn kinds_and_errors() {
        assert_eq!(protocol(b"PF_INET, SOCK_STREAM, IPPROTO_IP"), Protocol::Tcp);
        assert_eq!(protocol(b"AF_INET6, SOCK_DGRAM|SOCK_NONBLOCK, IPPROTO_IP"), Protocol::Udp6);
        assert_eq!(protocol(b"AF_NETLINK, SOCK_RAW|SOCK_CLOEXEC, NETLINK_ROUTE"), Protocol::Netlink);
        assert_eq!(so_error(b"5, SOL_SOCKET, SO_ERROR, [111], [4]"), Some(&b"ECONNREFUSED"[..]));
        assert_eq!(so_error(b"5, SOL_SOCKET, SO_ERROR, [0], [4]"), Some(&b""[..]));
        assert_eq!(so_error(b"5, SOL_SOCKET, SO_SNDBUF, [0], [4]"), None);
        assert_eq!(pair(b"AF_UNIX, SOCK_STREAM, 0, [3, 4]"), [Some(3), Some(4)]);
    }
}
