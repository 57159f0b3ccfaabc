//! Finds addresses in text: dotted and dashed IPv4, IPv6 with or without a port behind, hardware addresses.

use std::net::{Ipv4Addr, Ipv6Addr};

/// What was found, with its length in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found {
    /// An IPv4 address and what parts its octets (`ip-10-0-0-5` has dashes).
    V4(Ipv4Addr, u8, usize),
    /// An IPv6 address, and whether it was written out in full.
    V6(Ipv6Addr, bool, usize),
    /// A hardware address.
    Hardware(usize),
}

/// The address that begins at `at`; `split` tells that unbracketed IPv6 addresses have a port behind their last colon.
pub fn address(text: &[u8], at: usize, split: bool) -> Option<Found> {
    let before = at.checked_sub(1).and_then(|i| text.get(i)).copied();
    let rest = text.get(at..)?;
    let first = *rest.first()?;
    if first.is_ascii_digit()
        && let Some(found) = v4(rest, before)
    {
        return Some(found);
    }
    if (first.is_ascii_hexdigit() || first == b':') && before.is_none_or(|b| !b.is_ascii_alphanumeric() && b != b':' && b != b'.') {
        return v6(rest, before == Some(b'['), split);
    }
    None
}

fn v4(text: &[u8], before: Option<u8>) -> Option<Found> {
    if before.is_some_and(|b| b.is_ascii_digit() || b == b'.') {
        return None;
    }
    let mut octets = [0u8; 4];
    let mut at = 0;
    let mut mark = 0;
    for (i, octet) in octets.iter_mut().enumerate() {
        if i > 0 {
            let b = *text.get(at)?;
            if i == 1 {
                mark = b;
            }
            if b != mark || !matches!(b, b'.' | b'-') {
                return None;
            }
            at += 1;
        }
        let digits = text.get(at..)?.iter().take(4).take_while(|b| b.is_ascii_digit()).count();
        let figure = text.get(at..at + digits)?;
        // Dates and times with dashes have zeros in front.
        if digits == 0 || digits > 3 || (mark == b'-' && digits > 1 && figure.starts_with(b"0")) {
            return None;
        }
        let value = figure.iter().fold(0u32, |v, b| v * 10 + u32::from(b - b'0'));
        *octet = u8::try_from(value).ok()?;
        at += digits;
    }
    let after = (text.get(at), text.get(at + 1));
    let goes_on = match after {
        (Some(b), _) if b.is_ascii_digit() => true,
        (Some(&b), Some(next)) => b == mark && next.is_ascii_digit(),
        _ => false,
    };
    (!goes_on).then_some(Found::V4(octets.into(), mark, at))
}

fn v6(text: &[u8], bracketed: bool, split: bool) -> Option<Found> {
    let len = text.iter().take(64).take_while(|b| b.is_ascii_hexdigit() || **b == b':').count();
    let run = std::str::from_utf8(text.get(..len)?).ok()?;
    // `std::foo` is no address, and what carries an IPv4 address is read as that.
    let after = text.get(len).copied().unwrap_or(b' ');
    let mapped = after == b'.' && text.get(len + 1).is_some_and(u8::is_ascii_digit);
    if run.matches(':').count() < 2 || after.is_ascii_alphanumeric() || after == b'_' || mapped {
        return None;
    }
    let whole = |run: &str| run.parse::<Ipv6Addr>().ok().map(|a| Found::V6(a, run.len() == 39, run.len()));
    let before_port = || {
        let (address, port) = run.rsplit_once(':')?;
        let ported = port.bytes().all(|b| b.is_ascii_digit()) && port.len() <= 5;
        ported.then(|| whole(address)).flatten()
    };
    let found = if split && !bracketed { before_port().or_else(|| whole(run)) } else { whole(run).or_else(before_port) };
    found.or_else(|| is_hardware(run).then_some(Found::Hardware(run.len())))
}

fn is_hardware(run: &str) -> bool {
    run.len() == 17 && run.split(':').count() == 6 && run.split(':').all(|g| g.len() == 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn first(text: &str, split: bool) -> Option<(usize, Found)> {
        (0..text.len()).find_map(|i| address(text.as_bytes(), i, split).map(|f| (i, f)))
    }

    fn v4(text: &str) -> Option<String> {
        match first(text, false) {
            Some((_, Found::V4(a, _, _))) => Some(a.to_string()),
            _ => None,
        }
    }

    fn v6(text: &str, split: bool) -> Option<String> {
        match first(text, split) {
            Some((_, Found::V6(a, _, _))) => Some(a.to_string()),
            _ => None,
        }
    }

    #[test]
    fn ipv4_among_other_figures() {
        for (text, want) in [
            ("to 10.0.0.5:9092", Some("10.0.0.5")),
            ("/10.0.0.5:9092", Some("10.0.0.5")),
            ("ip-10-0-0-5.ec2", Some("10.0.0.5")),
            ("::ffff:10.0.0.5:80", Some("10.0.0.5")),
            ("10.0.0.5.", Some("10.0.0.5")),
            ("1.2.3.4.5", None),
            ("4.95.0", None),
            ("256.1.1.1", None),
            ("2026-11-22-15", None),
            ("15-02-03-04", None),
            ("", None),
        ] {
            assert_eq!(v4(text).as_deref(), want, "{text}");
        }
    }

    #[test]
    fn ipv6_with_and_without_port() {
        for (text, split, want) in [
            ("[fe80::1]:80", true, Some("fe80::1")),
            ("fe80::1:80", true, Some("fe80::1")),
            ("fe80::1:80", false, Some("fe80::1:80")),
            (":::22", true, Some("::")),
            (":::*", true, Some("::")),
            ("src=fd00:0000:0000:0000:0000:0000:0000:0007 x", false, Some("fd00::7")),
            ("1:2:3:4:5:6:7:8:443", false, Some("1:2:3:4:5:6:7:8")),
            ("14:53:06.446103", false, None),
            ("java.lang.Foo::bar", false, None),
        ] {
            assert_eq!(v6(text, split).as_deref(), want, "{text}");
        }
        assert_eq!(first("at 02:42:ac:11:00:02", false), Some((3, Found::Hardware(17))));
    }
}
