//! Addresses in hexadecimal, as `/proc/net/tcp` and its relatives print them.
//!
//! ```text
//!    0: 0100007F:2382 0F05140A:0050 0A 00000000:00000000 00:00000000 00000000     0        0 675441359
//! ```
//!
//! Four bytes of an address are one number in the host's byte order, which is little endian on all but a few machines; an IPv6 address is
//! four such numbers.

use super::mask::{Masks, TABLE, runs};
use std::net::{Ipv4Addr, Ipv6Addr};

/// A row with its two ends replaced; nothing changes its width.
pub fn line(text: &[u8], masks: &mut Masks) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut ends = 0;
    for part in runs(text, |b| b == b' ') {
        match end(part, masks).filter(|_| ends < 2) {
            Some(mapped) => {
                ends += 1;
                out.extend_from_slice(mapped.as_bytes());
            }
            None => masks.text(part, TABLE, &mut out),
        }
    }
    out
}

fn end(part: &[u8], masks: &mut Masks) -> Option<String> {
    let text = std::str::from_utf8(part).ok()?;
    let (address, port) = text.split_once(':')?;
    if port.len() != 4 || !text.bytes().all(|b| b.is_ascii_hexdigit() || b == b':') {
        return None;
    }
    let word = |i: usize| u32::from_str_radix(address.get(i * 8..i * 8 + 8)?, 16).ok().map(u32::swap_bytes);
    let shown = match address.len() {
        8 => {
            let old = Ipv4Addr::from(word(0)?);
            format!("{:08X}", u32::from(masks.addresses.v4(old)).swap_bytes())
        }
        32 => {
            let bits = (0..4).try_fold(0u128, |bits, i| Some(bits << 32 | u128::from(word(i)?)))?;
            let mapped = u128::from(masks.addresses.v6(Ipv6Addr::from(bits)));
            (0..4).map(|i| format!("{:08X}", ((mapped >> (96 - 32 * i)) as u32).swap_bytes())).collect()
        }
        _ => return None,
    };
    if shown != address {
        masks.count("address");
    }
    Some(format!("{shown}:{port}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::redact::key::Key;

    #[test]
    fn the_same_address_in_both_spellings() {
        let mut masks = Masks::new(&Key::of("k"), false);
        let row = line(b"   0: 0F05140A:2382 0100007F:0050 0A 00000000:00000000 00:00000000 00000000     0        0 9", &mut masks);
        let want = u32::from(masks.addresses.v4(Ipv4Addr::new(10, 20, 5, 15))).swap_bytes();
        let want = format!("   0: {want:08X}:2382 0100007F:0050 0A 00000000:00000000 00:00000000 00000000     0        0 9");
        assert_eq!(String::from_utf8_lossy(&row), want);
        let mapped = line(b"   0: 0000000000000000FFFF00000F05140A:2382 00000000000000000000000000000000:0000 0A", &mut masks);
        let mapped = String::from_utf8_lossy(&mapped).into_owned();
        assert!(mapped.contains("0000000000000000FFFF0000") && mapped.get(30..38) == want.get(6..14), "{mapped}");
    }
}
