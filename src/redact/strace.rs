//! Lines of strace: what stands in quotes is data of the host, everything else strace's own words.
//!
//! A quoted address is replaced by the address that stands for it, a path by its path, other strings by as many `x`. What is sent and
//! received is never kept. The decorations of `-y` and `-yy` are addresses and paths like any.

use super::find::{self, Found};
use super::mask::{Manner, Masks, TABLE};
use std::net::Ipv4Addr;

/// A line.
pub fn line(text: &[u8], masks: &mut Masks, out: &mut Vec<u8>) {
    let mut rest = text;
    let execve = memchr::memmem::find(text, b"execve").is_some();
    while let Some(open) = memchr::memchr(b'"', rest) {
        let (before, quoted) = rest.split_at_checked(open + 1).unwrap_or((rest, b""));
        plain(before, masks, out);
        let close = closing(quoted);
        let (string, after) = quoted.split_at_checked(close).unwrap_or((quoted, b""));
        self::string(string, execve, masks, out);
        rest = after;
        if let Some(after) = rest.strip_prefix(b"\"") {
            out.push(b'"');
            rest = after;
        }
    }
    plain(rest, masks, out);
}

/// What is not quoted: addresses as numbers, decorations, and strace's own words.
fn plain(text: &[u8], masks: &mut Masks, out: &mut Vec<u8>) {
    let mut rest = text;
    while let Some((at, len, order)) = raw_address(rest) {
        let (before, after) = rest.split_at_checked(at).unwrap_or((rest, b""));
        let (figures, after) = after.split_at_checked(len).unwrap_or((after, b""));
        masks.text(before, TABLE, out);
        match order.number(figures) {
            Some(old) => {
                let new = u32::from(masks.addresses.v4(Ipv4Addr::from(old)));
                if new != old {
                    masks.count("address");
                }
                out.extend_from_slice(order.figures(new).as_bytes());
            }
            // A number of 32 bits was expected; whatever it is, it does not stay.
            None => out.extend(std::iter::repeat_n(b'x', figures.len())),
        }
        rest = after;
    }
    masks.text(rest, TABLE, out);
}

/// In which order the bytes of a raw address are printed.
#[derive(Clone, Copy)]
enum Order {
    /// As a number of the host: `htonl(0x7f000001)` is 127.0.0.1.
    Host,
    /// As they lie in memory, read as a number by a little-endian host: `sin_addr=0x100007f` is 127.0.0.1.
    Memory,
}

impl Order {
    fn number(self, figures: &[u8]) -> Option<u32> {
        let value = u32::from_str_radix(std::str::from_utf8(figures).ok()?, 16).ok()?;
        Some(if matches!(self, Order::Host) { value } else { value.swap_bytes() })
    }

    fn figures(self, address: u32) -> String {
        format!("{:x}", if matches!(self, Order::Host) { address } else { address.swap_bytes() })
    }
}

/// Where the hexadecimal figures of the next raw address stand (`-X raw` prints such), how many they are, and their order.
fn raw_address(text: &[u8]) -> Option<(usize, usize, Order)> {
    const MARKS: [(&[u8], Order); 4] =
        [(b"addr=htonl(0x", Order::Host), (b"inet_addr(0x", Order::Host), (b"addr=0x", Order::Memory), (b"addr={s_addr=0x", Order::Memory)];
    let found = MARKS.iter().filter_map(|&(mark, order)| Some((memchr::memmem::find(text, mark)? + mark.len(), order)));
    let (at, order) = found.min_by_key(|(at, _)| *at)?;
    let len = text.get(at..)?.iter().take_while(|b| b.is_ascii_hexdigit()).count();
    Some((at, len, order))
}

/// Where a string ends: at a quote that no odd number of backslashes escapes.
fn closing(text: &[u8]) -> usize {
    let mut escaped = false;
    for (i, &b) in text.iter().enumerate() {
        match b {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return i,
            _ => {}
        }
    }
    text.len()
}

fn string(text: &[u8], execve: bool, masks: &mut Masks, out: &mut Vec<u8>) {
    let whole = match find::address(text, 0, false) {
        Some(Found::V4(_, _, len) | Found::V6(_, _, len) | Found::Hardware(len)) => len == text.len(),
        None => text.starts_with(b"::ffff:") && matches!(find::address(text, 7, false), Some(Found::V4(..))),
    };
    let printable = !text.contains(&b'\\');
    if whole {
        masks.text(text, TABLE, out);
    } else if text.starts_with(b"/") && printable && !text.contains(&b' ') {
        masks.path(text, out);
    } else if execve && printable {
        masks.text(text, Manner { words: Some(&|_| false), kind: "argument", split: false }, out);
    } else if !text.is_empty() {
        masks.count("string");
        out.extend(std::iter::repeat_n(b'x', text.len()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::redact::key::Key;

    fn shown(text: &str) -> String {
        let mut out = Vec::new();
        line(text.as_bytes(), &mut Masks::new(&Key::of("k"), false), &mut out);
        String::from_utf8(out).expect("text")
    }

    #[test]
    fn data_goes_and_calls_stay() {
        for text in [
            r#"14:53:06 connect(5, {sa_family=AF_INET, sin_port=htons(80), sin_addr=inet_addr("127.0.0.1")}, 16) = -1 ECONNREFUSED (Connection refused)"#,
            r#"[pid  8547] read(5, "", 4096) = 0"#,
            r#"openat(AT_FDCWD, "/etc/hosts", O_RDONLY) = 3</etc/hosts>"#,
            r#"close(5<socket:[133868]>) = 0"#,
        ] {
            assert_eq!(shown(text), text);
        }
        for (text, gone) in [
            (r#"connect(5, {sin_addr=inet_addr("10.20.5.15")}, 16) = 0"#, "10.20.5.15"),
            (r#"inet_pton(AF_INET6, "::ffff:10.20.5.15", &sin6_addr)"#, "10.20.5.15"),
            (r#"write(5, "GET /secret \"a\" HTTP", 20) = 20"#, "secret"),
            (r#"write(5, "cut secret"#, "secret"),
            (r#"close(5<TCP:[10.20.5.15:80->10.20.5.16:90]>) = 0"#, "10.20.5.1"),
            (r#"execve("/opt/acme/run", ["run", "--token=secret"], 0x7 /* 9 vars */) = 0"#, "secret"),
            (r#"sendto(5, "\3www\4acme\3com", 12) = 12"#, "acme"),
        ] {
            assert!(!shown(text).contains(gone), "{}", shown(text));
        }
        for (text, gone) in [
            ("connect(0x5, {sa_family=0x2, sin_port=htons(80), sin_addr=htonl(0xa14050f)}, 0x10) = 0", "a14050f"),
            ("connect(0x5, {sa_family=0x2, sin_port=htons(80), sin_addr=0xf05140a}, 0x10) = 0", "f05140a"),
            (
                "setsockopt(5, SOL_IP, IP_ADD_MEMBERSHIP, {imr_multiaddr={s_addr=0xfb0000e0}, imr_interface={s_addr=0xf05140a}}, 8) = 0",
                "f05140a",
            ),
            ("bind(5, {sin_addr=inet_addr(0xa14050f)}, 16) = 0", "a14050f"),
            ("bind(5, {sin_addr=0xffffffffffff}, 16) = 0", "ffff"),
        ] {
            assert!(!shown(text).contains(gone), "{}", shown(text));
        }
        let same = Masks::new(&Key::of("k"), false).addresses.v4(Ipv4Addr::new(10, 20, 5, 15));
        let raw = format!("sin_addr=htonl(0x{:x})", u32::from(same));
        assert_eq!(shown("sin_addr=htonl(0xa14050f)"), raw, "the same address in every spelling");
        assert_eq!(shown("sin_addr=htonl(0x7f000001), sin_addr=0x100007f"), "sin_addr=htonl(0x7f000001), sin_addr=0x100007f");
        assert!(shown(r#"write(5, "GET", 3) = 3"#).ends_with(r#""xxx", 3) = 3"#));
    }
}
