//! Small readers of bytes shared by the parsers: fields, numbers, lines. None allocates, none panics on any input.

/// Lines of a text without their line ends (`\n` or `\r\n`).
pub fn lines(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = text;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let (line, after) = match memchr::memchr(b'\n', rest) {
            Some(i) => (&rest[..i], &rest[i + 1..]),
            None => (rest, &rest[rest.len()..]),
        };
        rest = after;
        Some(strip_cr(line))
    })
}

/// The line without a trailing carriage return.
pub fn strip_cr(line: &[u8]) -> &[u8] {
    match line {
        [head @ .., b'\r'] => head,
        _ => line,
    }
}

/// Fields separated by blanks and tabs, with the offset of each.
#[derive(Clone, Debug)]
pub struct Fields<'a> {
    text: &'a [u8],
    pos: usize,
}

impl<'a> Fields<'a> {
    /// Fields of a line.
    pub fn new(text: &'a [u8]) -> Self {
        Fields { text, pos: 0 }
    }

    /// What has not been read yet, leading blanks stripped.
    #[inline]
    pub fn rest(&self) -> &'a [u8] {
        self.text.get(skip_blanks(self.text, self.pos)..).unwrap_or(b"")
    }

    /// The offset at which the next field is searched.
    pub fn offset(&self) -> usize {
        self.pos
    }

    /// The next field without taking it.
    pub fn peek(&self) -> Option<&'a [u8]> {
        self.clone().next()
    }
}

impl<'a> Iterator for Fields<'a> {
    type Item = &'a [u8];

    #[inline]
    fn next(&mut self) -> Option<&'a [u8]> {
        let start = skip_blanks(self.text, self.pos);
        if start >= self.text.len() {
            self.pos = self.text.len();
            return None;
        }
        let end = find_blank(self.text, start);
        self.pos = end;
        self.text.get(start..end)
    }
}

/// Eight blanks.
const BLANKS: u64 = u64::from_ne_bytes([b' '; 8]);
/// Eight tabs.
const TABS: u64 = u64::from_ne_bytes([b'\t'; 8]);

/// Eight bytes at once, the first in the lowest byte.
#[inline]
fn eight(text: &[u8], pos: usize) -> Option<u64> {
    text.get(pos..)?.first_chunk().map(|chunk| u64::from_le_bytes(*chunk))
}

/// The offset of the first byte from `pos` on that is no blank. Tables are padded, so that runs of blanks are long.
#[inline]
fn skip_blanks(text: &[u8], mut pos: usize) -> usize {
    while let Some(bytes) = eight(text, pos) {
        let other = bytes ^ BLANKS;
        if other != 0 {
            pos += (other.trailing_zeros() / 8) as usize;
            break;
        }
        pos += 8;
    }
    while text.get(pos).is_some_and(|b| is_blank(*b)) {
        pos += 1;
    }
    pos
}

/// The offset of the first blank from `pos` on, or the length.
#[inline]
fn find_blank(text: &[u8], mut pos: usize) -> usize {
    while let Some(bytes) = eight(text, pos) {
        let found = zero_bytes(bytes ^ BLANKS) | zero_bytes(bytes ^ TABS);
        if found != 0 {
            return pos + (found.trailing_zeros() / 8) as usize;
        }
        pos += 8;
    }
    while text.get(pos).is_some_and(|b| !is_blank(*b)) {
        pos += 1;
    }
    pos
}

/// The high bit of the lowest zero byte, and perhaps of bytes above it; 0 if there is none.
#[inline]
fn zero_bytes(bytes: u64) -> u64 {
    const ONES: u64 = u64::from_ne_bytes([1; 8]);
    const HIGH: u64 = u64::from_ne_bytes([0x80; 8]);
    bytes.wrapping_sub(ONES) & !bytes & HIGH
}

/// Whether a byte separates fields.
#[inline]
pub fn is_blank(b: u8) -> bool {
    b == b' ' || b == b'\t'
}

/// A whole decimal number; `None` if there is anything else, or it does not fit.
#[inline]
pub fn number(text: &[u8]) -> Option<u64> {
    if text.is_empty() || text.len() > 20 {
        return None;
    }
    let mut value = 0u64;
    // Nineteen digits always fit; only the twentieth has to be checked.
    let (safe, last) = text.split_at(text.len().min(19));
    for &b in safe {
        let digit = b.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        value = value * 10 + u64::from(digit);
    }
    match last {
        [] => Some(value),
        [b @ b'0'..=b'9', ..] => value.checked_mul(10)?.checked_add(u64::from(b - b'0')),
        _ => None,
    }
}

/// A whole decimal number of 32 bits.
#[inline]
pub fn number32(text: &[u8]) -> Option<u32> {
    u32::try_from(number(text)?).ok()
}

/// A whole decimal number with an optional sign.
#[inline]
pub fn signed(text: &[u8]) -> Option<i64> {
    match text {
        [b'-', digits @ ..] => i64::try_from(number(digits)?).ok().map(|n| -n),
        _ => i64::try_from(number(text)?).ok(),
    }
}

/// A whole hexadecimal number, without prefix.
#[inline]
pub fn hex(text: &[u8]) -> Option<u64> {
    if text.is_empty() || text.len() > 16 {
        return None;
    }
    let mut value = 0u64;
    for &b in text {
        let digit = HEX[usize::from(b)];
        if digit > 15 {
            return None;
        }
        value = value << 4 | u64::from(digit);
    }
    Some(value)
}

/// The value of each hexadecimal digit, 255 for any other byte.
const HEX: [u8; 256] = {
    let mut table = [255u8; 256];
    let mut i = 0;
    while i < 10 {
        table[b'0' as usize + i] = i as u8;
        i += 1;
    }
    let mut i = 0;
    while i < 6 {
        table[b'a' as usize + i] = 10 + i as u8;
        table[b'A' as usize + i] = 10 + i as u8;
        i += 1;
    }
    table
};

/// The leading decimal number and what follows it.
#[inline]
pub fn leading_number(text: &[u8]) -> Option<(u64, &[u8])> {
    if let Some(bytes) = eight(text, 0) {
        let digits = leading_digits(bytes);
        if digits < 8 {
            return if digits == 0 { None } else { Some((of_digits(bytes, digits), text.get(digits..)?)) };
        }
    }
    let mut value = 0u64;
    let mut digits = 0;
    while let Some(digit) = text.get(digits).map(|b| b.wrapping_sub(b'0')).filter(|&d| d <= 9) {
        value = value.wrapping_mul(10).wrapping_add(u64::from(digit));
        digits += 1;
    }
    let (head, rest) = text.split_at_checked(digits)?;
    match digits {
        0 => None,
        1..20 => Some((value, rest)),
        _ => Some((number(head)?, rest)),
    }
}

/// How many of eight bytes are digits before one that is none.
#[inline]
fn leading_digits(bytes: u64) -> usize {
    let other = bytes ^ u64::from_ne_bytes([b'0'; 8]);
    // A digit differs from zero by at most 9; what a sum carries only reaches bytes behind the first that is none.
    let none = (other | other.wrapping_add(u64::from_ne_bytes([0x7f - 9; 8]))) & u64::from_ne_bytes([0x80; 8]);
    (none.trailing_zeros() / 8) as usize
}

/// The number that the first of eight bytes are the digits of; there is at least one.
#[inline]
fn of_digits(bytes: u64, digits: usize) -> u64 {
    // Zeros are put in front, then neighbours are joined: digits to pairs, pairs to fours, fours to the number.
    let eight = (bytes & 0x0f0f_0f0f_0f0f_0f0f) << (64 - 8 * digits.clamp(1, 8));
    let pairs = eight.wrapping_mul(10).wrapping_add(eight >> 8) & 0x00ff_00ff_00ff_00ff;
    let fours = pairs.wrapping_mul(100).wrapping_add(pairs >> 16) & 0x0000_ffff_0000_ffff;
    fours.wrapping_mul(10_000).wrapping_add(fours >> 32) & 0xffff_ffff
}

/// `socket:[N]` and `pipe:[N]`: the number between the brackets, if the text is exactly `PREFIX[N]`.
#[inline]
pub fn bracketed(text: &[u8], prefix: &[u8]) -> Option<u64> {
    let inner = text.strip_prefix(prefix)?.strip_prefix(b"[")?.strip_suffix(b"]")?;
    number(inner)
}

/// Whether `needle` occurs in `text`.
pub fn contains(text: &[u8], needle: &[u8]) -> bool {
    memchr::memmem::find(text, needle).is_some()
}

/// Text for a message or report: lossy UTF-8.
pub fn lossy(text: &[u8]) -> String {
    String::from_utf8_lossy(text).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_keep_their_rest() {
        let mut f = Fields::new(b"  a\tbc   d e");
        assert_eq!(f.next(), Some(&b"a"[..]));
        assert_eq!(f.next(), Some(&b"bc"[..]));
        assert_eq!(f.rest(), b"d e");
        assert_eq!(f.by_ref().count(), 2);
        assert_eq!(f.next(), None);
    }

    #[test]
    fn fields_of_any_length_and_padding() {
        for pad in 0..20 {
            for len in 1..20 {
                for blank in [" ", "\t"] {
                    let (word, gap) = ("\u{a0}".repeat(len), blank.repeat(pad + 1));
                    let line = format!("{gap}{word}{gap}x");
                    let fields: Vec<_> = Fields::new(line.as_bytes()).collect();
                    assert_eq!(fields, [word.as_bytes(), b"x"], "{line:?}");
                }
            }
        }
    }

    #[test]
    fn numbers_are_whole_or_nothing() {
        assert_eq!(number(b"18446744073709551615"), Some(u64::MAX));
        assert_eq!(number(b"18446744073709551616"), None);
        assert_eq!(number(b"12x"), None);
        assert_eq!(number(b""), None);
        assert_eq!(signed(b"-5"), Some(-5));
        assert_eq!(hex(b"0A"), Some(10));
        assert_eq!(bracketed(b"socket:[123]", b"socket:"), Some(123));
        assert_eq!(bracketed(b"socket:[123", b"socket:"), None);
    }

    #[test]
    fn leading_numbers_of_any_length() {
        for n in [0u64, 7, 42, 999, 1234, 65_535, 100_000, 1_234_567, 12_345_678, 987_654_321, 1 << 40, u64::MAX] {
            for rest in ["", ",", ") = 3", "x and more", ":00000000", "/", "\u{80}\u{ff}abcdef"] {
                let text = format!("{n}{rest}");
                assert_eq!(leading_number(text.as_bytes()), Some((n, rest.as_bytes())), "{text}");
            }
        }
        assert_eq!(leading_number(b"00000017 x"), Some((17, &b" x"[..])));
        assert_eq!(leading_number(b"18446744073709551616"), None);
        assert_eq!((leading_number(b""), leading_number(b"x1234567890"), leading_number(b"/1")), (None, None, None));
    }

    #[test]
    fn lines_lose_carriage_returns() {
        let all: Vec<_> = lines(b"a\r\n\nb").collect();
        assert_eq!(all, [&b"a"[..], b"", b"b"]);
    }
}
