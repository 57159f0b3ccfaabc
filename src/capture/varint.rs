//! Numbers in as many bytes as they need, seven bits in each, the lowest first.

/// Adds a number.
#[inline]
pub fn put(mut n: u32, out: &mut Vec<u8>) {
    while n >= 0x80 {
        out.push(n as u8 | 0x80);
        n >>= 7;
    }
    out.push(n as u8);
}

/// Takes a number from the front; `None` where there is none.
#[inline]
pub fn take(bytes: &mut &[u8]) -> Option<u32> {
    let (&first, rest) = bytes.split_first()?;
    *bytes = rest;
    // Most numbers have one byte.
    if first < 0x80 { Some(first.into()) } else { take_more(first, bytes) }
}

#[inline]
fn take_more(first: u8, bytes: &mut &[u8]) -> Option<u32> {
    let (mut n, mut shift) = (u32::from(first & 0x7f), 7);
    loop {
        let (&byte, rest) = bytes.split_first()?;
        *bytes = rest;
        n |= u32::from(byte & 0x7f).checked_shl(shift)?;
        shift += 7;
        if byte < 0x80 {
            return Some(n);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_come_back_in_as_few_bytes_as_they_need() {
        for (n, bytes) in [(0, 1), (127, 1), (128, 2), (1 << 14, 3), (u32::MAX, 5)] {
            let mut out = Vec::new();
            put(n, &mut out);
            assert_eq!((out.len(), take(&mut out.as_slice())), (bytes, Some(n)));
            out.pop();
            assert_eq!(take(&mut out.as_slice()), None, "{n}, cut");
        }
        assert_eq!(take(&mut [0xff; 9].as_slice()), None);
    }
}
