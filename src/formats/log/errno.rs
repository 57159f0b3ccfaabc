//! What a program prints when a call of its own fails for want of a descriptor, a port or a buffer, in a line that no logger dated:
//! `Error connecting: Cannot assign requested address`, `accept4() failed (24: Too many open files)`, `OSError: [Errno 24] ...`.

use std::net::Ipv6Addr;

/// The texts of the C library for such errors, without their first letters, which some programs write small.
const TEXTS: &[&[u8]] = &[
    b"oo many open files",
    b"annot assign requested address",
    b"an't assign requested address",
    b"ddress already in use",
    b"o buffer space available",
];

/// How much of a line is searched, in bytes: a report of an error names it near its beginning.
const SEARCHED: usize = 600;

/// Whether a line reports such an error: something says of what, before a colon or the error's number, and no sentence goes on behind.
pub fn reports_errno(line: &[u8]) -> bool {
    let line = line.trim_ascii();
    let line = line.get(..SEARCHED).unwrap_or(line);
    // Who comments or quotes tells of an error that somebody saw, and what curl tells beside its error is the same once more.
    if matches!(line.first(), Some(b'#' | b'>' | b'$' | b'|' | b'*')) {
        return false;
    }
    TEXTS.iter().any(|text| {
        let Some(place) = memchr::memmem::find(line, text).and_then(|place| place.checked_sub(1)) else { return false };
        let (before, rest) = line.split_at_checked(place).unwrap_or((line, b""));
        introduces(before) && ends(rest.get(1 + text.len()..).unwrap_or(b"")) && !(text.starts_with(b"an") && without_ipv6(line))
    })
}

/// Whether what stands before an error's text says that one follows.
fn introduces(before: &[u8]) -> bool {
    let before = before.trim_ascii_end();
    let before = before.strip_suffix(b"\"").or_else(|| before.strip_suffix(b"'")).unwrap_or(before).trim_ascii_end();
    let numbered = || before.strip_suffix(b"]").is_some_and(|inner| memchr::memmem::rfind(inner, b"[Errno ").is_some());
    let said = before.strip_suffix(b"(").unwrap_or(before).trim_ascii_end();
    numbered() || said.strip_suffix(b":").is_some_and(|name| !name.trim_ascii().is_empty())
}

/// Whether nothing but marks follow, at first, on an error's text.
fn ends(rest: &[u8]) -> bool {
    let rest = rest.strip_prefix(b" in system").unwrap_or(rest);
    rest.trim_ascii_start().first().is_none_or(|b| !b.is_ascii_alphabetic())
}

/// Whether a line names an address of IPv6: on a host without IPv6 each attempt ends so, whatever ports are left.
fn without_ipv6(line: &[u8]) -> bool {
    let words = line.split(|b| !b.is_ascii_alphanumeric() && !matches!(b, b':' | b'.'));
    words.filter(|word| word.windows(2).any(|pair| pair == b"::") || word.iter().filter(|b| **b == b':').count() > 2).any(|word| {
        let word = std::str::from_utf8(word).unwrap_or("").trim_end_matches(['.', ',']);
        word.parse::<Ipv6Addr>().is_ok() || word.strip_suffix(':').is_some_and(|w| w.parse::<Ipv6Addr>().is_ok())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reports_of_errors() {
        for line in [
            "cache connect failed: Cannot assign requested address",
            "feed: PHP Fatal error:  Uncaught Queue\\Client\\LinkException: Cannot assign requested address [tcp://127.0.0.1:11300] in /srv/f.php:12",
            "[crit] 77#0: *91 connect() to 127.0.0.1:8080 failed (99: Cannot assign requested address) while connecting to upstream",
            "error: [Errno 24] Too many open files",
            "Unhandled Exception: A.B.RequestException: failed ---> A.B.SocketException: Too many open files in system",
            "Errno::EADDRNOTAVAIL: Cannot assign requested address - connect(2) for \"10.0.0.1\" port 6000",
            "Cannot open netlink socket : (Too many open files)",
            "[error] socket: -133 address is unavailable.: Cannot assign requested address",
            "open /var/lib/app/x: too many open files",
        ] {
            assert!(reports_errno(line.as_bytes()), "{line}");
        }
    }

    #[test]
    fn what_reports_none() {
        for line in [
            "I read that connect: Cannot assign requested address means that ports are gone",
            "we once saw Too many open files here",
            "Too many open files",
            "# note of last week: Too many open files",
            "* Failed to connect to 10.0.0.8: Cannot assign requested address",
            "connect(3, {sa_family=AF_INET, sin_port=htons(80)}, 16) = -1 EADDRNOTAVAIL (Cannot assign requested address)",
            "Error connecting to ::1:6379: Cannot assign requested address",
            "dial tcp [2001:db8::8]:80: connect: cannot assign requested address",
            "",
        ] {
            assert!(!reports_errno(line.as_bytes()), "{line}");
        }
    }
}
