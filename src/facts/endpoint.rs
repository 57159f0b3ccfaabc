//! One end of a connection, compact and comparable whatever tool printed it.

use super::digits;
use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};

/// An address as a tool printed it. IPv4-mapped IPv6 addresses are normalised to IPv4, because tools disagree on which they print.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Addr<'a> {
    /// The wildcard: `*`, `0.0.0.0` or `::`.
    Any,
    /// An IPv4 address.
    V4(u32),
    /// An IPv6 address.
    V6(u128),
    /// A name, or anything that is no number (a resolved host, a device, an address cut by the tool).
    Name(&'a [u8]),
}

/// An address and a port; port 0 stands for the wildcard `*`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Endpoint<'a> {
    /// The address.
    pub addr: Addr<'a>,
    /// The port in host order, 0 for `*`. A service name that cannot be resolved is kept in `service`.
    pub port: u16,
    /// The port as printed where it is a name (`XmlIpcRegSvc`), else empty.
    pub service: &'a [u8],
}

impl<'a> Endpoint<'a> {
    /// An endpoint with a numeric port.
    pub fn new(addr: Addr<'a>, port: u16) -> Self {
        Endpoint { addr, port, service: b"" }
    }

    /// Reads `ADDR:PORT` as ss, netstat and lsof print it: split at the last colon, brackets and `%interface` stripped.
    /// `None` where there is no colon at all.
    #[inline]
    pub fn parse(text: &'a [u8]) -> Option<Self> {
        // Mapped addresses are normalised to the IPv4 they carry, so that all forms are read alike.
        let v4_end = match text {
            [b'0'..=b'9', ..] => parse_ipv4_end(text, false),
            [b':', ..] => text.strip_prefix(b"::ffff:").and_then(|v4| parse_ipv4_end(v4, false)),
            [b'[', ..] => text.strip_prefix(b"[::ffff:").and_then(|v4| parse_ipv4_end(v4, true)),
            _ => None,
        };
        if let Some((v4, port)) = v4_end {
            return Some(Endpoint::new(if v4 == 0 { Addr::Any } else { Addr::V4(v4) }, port));
        }
        let colon = memchr::memrchr(b':', text)?;
        // The colon was found in the text.
        let (host, port) = (&text[..colon], &text[colon + 1..]);
        let addr = Addr::parse(host);
        match parse_port(port) {
            Some(port) => Some(Endpoint { addr, port, service: b"" }),
            None => Some(Endpoint { addr, port: 0, service: port }),
        }
    }

    /// Whether this is the wildcard with no port, as the peer of a listener is printed.
    pub fn is_unset(&self) -> bool {
        self.addr == Addr::Any && self.port == 0 && self.service.is_empty()
    }

    /// Whether the address is of the loopback network.
    pub fn is_loopback(&self) -> bool {
        match self.addr {
            Addr::V4(a) => a >> 24 == 127,
            Addr::V6(a) => a == 1,
            Addr::Name(n) => n.starts_with(b"localhost"),
            Addr::Any => false,
        }
    }
}

impl<'a> Addr<'a> {
    /// Reads an address: IPv4 dotted, IPv6 with or without brackets, `*`, or a name.
    pub fn parse(text: &'a [u8]) -> Self {
        let text = strip_device(text);
        if let Some(v4) = parse_ipv4(text) {
            return if v4 == 0 { Addr::Any } else { Addr::V4(v4) };
        }
        if text == b"*" || text.is_empty() || text == b"::" {
            return Addr::Any;
        }
        if memchr::memchr(b':', text).is_some()
            && let Ok(s) = std::str::from_utf8(text)
            && let Ok(v6) = s.parse::<Ipv6Addr>()
        {
            return Addr::from_v6(u128::from(v6));
        }
        Addr::Name(text)
    }

    /// An IPv6 address, with the wildcard and the IPv4-mapped range normalised.
    pub fn from_v6(v6: u128) -> Self {
        if v6 == 0 {
            Addr::Any
        } else if v6 >> 32 == 0xffff {
            match v6 as u32 {
                0 => Addr::Any,
                v4 => Addr::V4(v4),
            }
        } else {
            Addr::V6(v6)
        }
    }
}

impl fmt::Display for Addr<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Addr::Any => f.write_str("*"),
            Addr::V4(a) => write!(f, "{}", Ipv4Addr::from(*a)),
            Addr::V6(a) => write!(f, "[{}]", Ipv6Addr::from(*a)),
            Addr::Name(n) => f.write_str(&String::from_utf8_lossy(n)),
        }
    }
}

impl fmt::Display for Endpoint<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.addr.fmt(f)?;
        match (self.port, self.service.is_empty()) {
            (0, true) => f.write_str(":*"),
            (0, false) => write!(f, ":{}", String::from_utf8_lossy(self.service)),
            (p, _) => write!(f, ":{p}"),
        }
    }
}

/// `[::1]%eth0` and `fe80::1%eth0` without their device and brackets.
fn strip_device(text: &[u8]) -> &[u8] {
    let text = match memchr::memchr(b'%', text) {
        // The place was found in the text.
        Some(i) => &text[..i],
        None => text,
    };
    match text {
        [b'[', inner @ .., b']'] => inner,
        _ => text,
    }
}

/// A dotted quad, strictly: four decimal parts of at most 255.
fn parse_ipv4(text: &[u8]) -> Option<u32> {
    if text.len() < 7 || text.len() > 15 {
        return None;
    }
    let (mut value, mut part, mut digits, mut dots) = (0u32, 0u32, 0u8, 0u8);
    for &b in text {
        match b {
            b'0'..=b'9' => {
                part = part * 10 + u32::from(b - b'0');
                digits += 1;
                if digits > 3 || part > 255 {
                    return None;
                }
            }
            b'.' if digits > 0 && dots < 3 => {
                value = value << 8 | part;
                (part, digits, dots) = (0, 0, dots + 1);
            }
            _ => return None,
        }
    }
    (dots == 3 && digits > 0).then_some(value << 8 | part)
}

/// A dotted quad, `:` (`]:` where it stands in brackets) and a port or `*`, which most ends of most tables are: one pass instead of several.
/// `None` leaves the text to the general reader.
#[inline]
fn parse_ipv4_end(text: &[u8], bracketed: bool) -> Option<(u32, u16)> {
    let (mut address, mut rest) = (0, text);
    for number in 0..4 {
        // Only behind the last number there may be less than four bytes.
        let bytes = match rest.first_chunk() {
            Some(four) => u32::from_le_bytes(*four),
            None => rest.iter().rev().fold(0, |bytes, &b| bytes << 8 | u32::from(b)),
        };
        let (octet, length) = digits::octet(bytes)?;
        address = address << 8 | octet;
        rest = rest.get(length..)?;
        if number < 3 {
            let [b'.', behind @ ..] = rest else { return None };
            rest = behind;
        }
    }
    let port = match (rest, bracketed) {
        ([b':'] | [b':', b'*'], false) | ([b']', b':'] | [b']', b':', b'*'], true) => 0,
        // An address in front makes eight bytes at least.
        ([b':', port @ ..], false) | ([b']', b':', port @ ..], true) if port.len() <= 5 => {
            digits::last(u64::from_le_bytes(*text.last_chunk()?), port.len() as u32)?
        }
        _ => return None,
    };
    Some((address, u16::try_from(port).ok()?))
}

/// A decimal port, or the wildcard as 0. `None` for a service name.
#[inline]
fn parse_port(text: &[u8]) -> Option<u16> {
    if text == b"*" || text.is_empty() {
        return Some(0);
    }
    if text.len() > 5 {
        return None;
    }
    let bytes = text.iter().fold(0, |bytes, &b| bytes >> 8 | u64::from(b) << 56);
    u16::try_from(digits::last(bytes, text.len() as u32)?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> String {
        Endpoint::parse(text.as_bytes()).expect("has a colon").to_string()
    }

    #[test]
    fn one_spelling_for_every_tool() {
        for (text, want) in [
            ("127.0.0.1:9092", "127.0.0.1:9092"),
            ("*:9094", "*:9094"),
            ("0.0.0.0:9094", "*:9094"),
            (":::9093", "*:9093"),
            ("[::]:9093", "*:9093"),
            ("::1:38870", "[::1]:38870"),
            ("[::1]:38870", "[::1]:38870"),
            ("[::ffff:127.0.0.1]:9093", "127.0.0.1:9093"),
            ("[::ffff:0.0.0.0]:9093", "*:9093"),
            ("[::ffff:10.0.0.1]%v0:9093", "10.0.0.1:9093"),
            ("10.0.0.256:80", "10.0.0.256:80"),
            ("10.0.0.1000:80", "10.0.0.1000:80"),
            ("10.0.0.1:http", "10.0.0.1:http"),
            ("::ffff:127.0.0.1:9093", "127.0.0.1:9093"),
            ("[fe80::5c7c:16ff:fe05:90e]%v0:5357", "[fe80::5c7c:16ff:fe05:90e]:5357"),
            ("0.0.0.0%v0:5356", "*:5356"),
            ("localhost:ssh", "localhost:ssh"),
            ("*:*", "*:*"),
        ] {
            assert_eq!(shown(text), want, "{text}");
        }
    }

    #[test]
    fn no_colon_is_no_endpoint() {
        assert_eq!(Endpoint::parse(b"protocol"), None);
    }
}
