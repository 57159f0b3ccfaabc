//! Decimal digits, eight at a time: the numbers of a table are a third of its bytes.

/// Eight times the digit 0.
const ZEROS: u64 = u64::from_ne_bytes([b'0'; 8]);
/// Lifts any byte above 9 to the high bit.
const ABOVE: u64 = u64::from_ne_bytes([0x80 - 10; 8]);
/// The high bit of each byte.
const HIGH: u64 = u64::from_ne_bytes([0x80; 8]);

/// The number at the beginning of eight bytes (the first in the lowest), and how many digits it has; eight mean that more may follow.
#[inline]
pub(crate) fn leading(bytes: u64) -> (u64, u32) {
    let digits = bytes ^ ZEROS;
    let count = others(digits).trailing_zeros() / 8;
    // Digits that are missing in front count as zeros.
    let aligned = if count == 0 { 0 } else { digits << (64 - 8 * count) };
    (value(aligned), count)
}

/// The number in the last `count` of eight bytes; `None` if one of them is no digit.
#[inline]
pub(crate) fn last(bytes: u64, count: u32) -> Option<u64> {
    let unused = 64 - 8 * count.min(8);
    let digits = (bytes ^ ZEROS).checked_shr(unused).unwrap_or(0).checked_shl(unused).unwrap_or(0);
    (others(digits) == 0).then(|| value(digits))
}

/// The number at the end of eight bytes (the first in the lowest), and how many digits it has.
#[inline]
pub(crate) fn trailing(bytes: u64) -> (u64, usize) {
    const LOW: u64 = !HIGH;
    let digits = bytes ^ ZEROS;
    // Without its high bit no byte carries into the one behind it.
    let others = ((digits & LOW).wrapping_add(ABOVE) | digits) & HIGH;
    let count = others.leading_zeros() / 8;
    let unused = 64 - 8 * count;
    // All eight bytes are used, or none.
    (value(digits.checked_shr(unused).unwrap_or(0).checked_shl(unused).unwrap_or(0)), count as usize)
}

/// The number of up to three digits and 255 at the beginning of four bytes (the first in the lowest), and how many digits it has.
/// Neighbouring addresses differ in their lengths, so that looking for the end digit by digit would be guessed wrong all the time.
#[inline]
pub(crate) fn octet(bytes: u32) -> Option<(u32, usize)> {
    const ZEROS: u32 = u32::from_ne_bytes([b'0'; 4]);
    const ABOVE: u32 = u32::from_ne_bytes([0x80 - 10; 4]);
    const HIGH: u32 = u32::from_ne_bytes([0x80; 4]);
    const LARGEST: u32 = u32::from_be_bytes([0, 2, 5, 5]);
    /// Adds up hundreds, tens and ones in the highest byte.
    const WEIGHTS: u32 = 100 << 16 | 10 << 8 | 1;
    let digits = bytes ^ ZEROS;
    let count = ((digits.wrapping_add(ABOVE) | digits) & HIGH).trailing_zeros() / 8;
    if !matches!(count, 1..=3) {
        return None;
    }
    // Digits that are missing in front count as zeros.
    let aligned = digits << (32 - 8 * count);
    (aligned.swap_bytes() <= LARGEST).then(|| (aligned.wrapping_mul(WEIGHTS) >> 24, count as usize))
}

/// The high bit of the first byte that is no digit, and perhaps of bytes behind it.
#[inline]
fn others(digits: u64) -> u64 {
    (digits.wrapping_add(ABOVE) | digits) & HIGH
}

/// The value of eight digits: neighbours are joined to twos, fours and eights.
#[inline]
fn value(digits: u64) -> u64 {
    const TWOS: u64 = 0x00ff_00ff_00ff_00ff;
    const FOURS: u64 = 0x0000_ffff_0000_ffff;
    let twos = digits.wrapping_mul(10).wrapping_add(digits >> 8) & TWOS;
    let fours = twos.wrapping_mul(100).wrapping_add(twos >> 16) & FOURS;
    fours.wrapping_mul(10_000).wrapping_add(fours >> 32) & 0xffff_ffff
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(text: &str) -> u64 {
        u64::from_le_bytes(text.as_bytes().try_into().expect("eight bytes"))
    }

    #[test]
    fn numbers_at_the_beginning() {
        for (text, want) in [
            ("12345678", (12_345_678, 8)),
            ("99999999", (99_999_999, 8)),
            ("0       ", (0, 1)),
            ("255.10.0", (255, 3)),
            ("07:00:00", (7, 2)),
            (":2345678", (0, 0)),
            ("1234567/", (1_234_567, 7)),
            ("12\u{ff}\u{e9}ab", (12, 2)),
        ] {
            assert_eq!(leading(bytes(text)), want, "{text}");
        }
    }

    #[test]
    fn numbers_at_the_end() {
        assert_eq!(last(bytes("17:44201"), 5), Some(44_201));
        assert_eq!(last(bytes("17:44201"), 6), None);
        assert_eq!(last(bytes("12345678"), 8), Some(12_345_678));
        assert_eq!(last(bytes("abcdefgh"), 0), Some(0));
        assert_eq!(last(bytes("17:4420x"), 5), None);
        for (text, want) in [
            ("17:44201", (44_201, 5)),
            ("17:4420x", (0, 0)),
            ("12345678", (12_345_678, 8)),
            ("\u{ff}\u{e9}1234", (1234, 4)),
            ("x0000007", (7, 7)),
        ] {
            assert_eq!(trailing(bytes(text)), want, "{text}");
        }
    }

    #[test]
    fn octets_up_to_255() {
        for (text, want) in [
            ("0.10", Some((0, 1))),
            ("10.0", Some((10, 2))),
            ("007.", Some((7, 3))),
            ("199:", Some((199, 3))),
            ("255.", Some((255, 3))),
            ("256.", None),
            ("300.", None),
            ("1000", None),
            (".255", None),
            ("\u{ff}12", None),
        ] {
            assert_eq!(octet(u32::from_le_bytes(text.as_bytes().try_into().expect("four bytes"))), want, "{text}");
        }
        for n in 0..1000u32 {
            let text = format!("{n}\0\0\0");
            let bytes = u32::from_le_bytes(text.as_bytes()[..4].try_into().expect("four bytes"));
            assert_eq!(octet(bytes), (n <= 255).then(|| (n, n.to_string().len())), "{n}");
        }
    }

    #[test]
    fn every_byte_but_a_digit_ends_a_number() {
        for b in 0..=255u8 {
            let mut text = *b"11111111";
            text[3] = b;
            let want = if b.is_ascii_digit() { 8 } else { 3 };
            assert_eq!(leading(u64::from_le_bytes(text)).1, want, "{b}");
            assert_eq!(last(u64::from_le_bytes(text), 8).is_some(), b.is_ascii_digit(), "{b}");
            assert_eq!(trailing(u64::from_le_bytes(text)).1, if b.is_ascii_digit() { 8 } else { 4 }, "{b}");
        }
    }
}
