//! Small readers of bytes shared by the parsers: fields, numbers, lines. None allocates, none panics on any input.

use crate::facts::digits;

/// Lines of a text without their line ends (`\n` or `\r\n`).
pub fn lines(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = text;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let (line, after) = match memchr::memchr(b'\n', rest) {
            // The line end was found in the rest.
            Some(i) => (&rest[..i], &rest[i + 1..]),
            // The end of a text is a place in it.
            None => (rest, &rest[rest.len()..]),
        };
        rest = after;
        Some(strip_end(line))
    })
}

/// The line without carriage returns and blanks at its end: a terminal pads lines to its width, and a text that was made one of Windows
/// twice has two returns.
#[inline]
pub fn strip_end(line: &[u8]) -> &[u8] {
    match line {
        [.., b'\r' | b' ' | b'\t'] => {
            let end = line.iter().rposition(|b| !matches!(b, b'\r' | b' ' | b'\t')).map_or(0, |last| last + 1);
            // The place is one in the line or its end.
            &line[..end]
        }
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

    /// Takes the next field if it begins with a digit.
    #[inline]
    pub fn next_number(&mut self) -> Option<&'a [u8]> {
        let start = skip_blanks(self.text, self.pos);
        if !self.text.get(start)?.is_ascii_digit() {
            return None;
        }
        self.pos = find_blank(self.text, start);
        self.text.get(start..self.pos)
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
/// Eight times what follows a blank.
const ABOVE_BLANK: u64 = u64::from_ne_bytes([b' ' + 1; 8]);
/// The high bit of each byte.
const HIGH: u64 = u64::from_ne_bytes([0x80; 8]);

/// Eight bytes at once, the first in the lowest byte.
#[inline]
fn eight(text: &[u8], pos: usize) -> Option<u64> {
    text.get(pos..)?.first_chunk().map(|chunk| u64::from_le_bytes(*chunk))
}

/// The offset of the first byte from `pos` on that is no blank. Tables are padded, so that runs of blanks are long.
#[inline]
pub fn skip_blanks(text: &[u8], mut pos: usize) -> usize {
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
pub fn find_blank(text: &[u8], mut pos: usize) -> usize {
    while let Some(bytes) = eight(text, pos) {
        // Control characters are found with the blanks; the few that are no TAB are passed over below.
        let found = bytes.wrapping_sub(ABOVE_BLANK) & !bytes & HIGH;
        if found != 0 {
            pos += (found.trailing_zeros() / 8) as usize;
            break;
        }
        pos += 8;
    }
    while text.get(pos).is_some_and(|b| !is_blank(*b)) {
        pos += 1;
    }
    pos
}

/// A word of at most eight bytes as one number, to be compared with [`code`]s in one step; 0 for an empty or a longer one.
#[inline]
pub fn short(word: &[u8]) -> u64 {
    // A zero at the end would make two words the same.
    if word.last().is_none_or(|&b| b == 0) {
        return 0;
    }
    if let (Some(low), Some(high)) = (word.first_chunk(), word.last_chunk()) {
        let (low, high) = (u64::from(u32::from_le_bytes(*low)), u64::from(u32::from_le_bytes(*high)));
        // What both hold of the middle is the same.
        return if word.len() > 8 { 0 } else { low | high << (8 * (word.len() - 4)) };
    }
    word.iter().rev().fold(0, |code, &b| code << 8 | u64::from(b))
}

/// What [`short`] makes of a word that is known when this program is built.
pub const fn code(word: &[u8]) -> u64 {
    // Of constants: what is wrong would not compile.
    assert!(!word.is_empty() && word.len() <= 8);
    let (mut code, mut i) = (0, word.len());
    while i > 0 {
        i -= 1;
        // Counted down from the length; a constant, besides.
        code = code << 8 | word[i] as u64;
    }
    code
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
    // The last eight digits at once; those in front of them one by one.
    if let (..=19, Some((head, tail))) = (text.len(), text.split_last_chunk()) {
        let low = digits::last(u64::from_le_bytes(*tail), 8)?;
        return Some(one_by_one(head)? * 100_000_000 + low);
    }
    // Nineteen digits always fit; only the twentieth has to be checked.
    let (safe, last) = text.split_at(text.len().min(19));
    let value = one_by_one(safe)?;
    match last {
        [] => Some(value),
        [b @ b'0'..=b'9', ..] => value.checked_mul(10)?.checked_add(u64::from(b - b'0')),
        _ => None,
    }
}

/// Whether a word is of digits only.
#[inline]
pub fn is_digits(word: &[u8]) -> bool {
    match word.split_last_chunk() {
        Some((head, tail)) => digits::last(u64::from_le_bytes(*tail), 8).is_some() && head.iter().all(u8::is_ascii_digit),
        None => word.iter().all(u8::is_ascii_digit),
    }
}

/// The value of up to nineteen digits, 0 of none.
#[inline]
fn one_by_one(text: &[u8]) -> Option<u64> {
    let mut value = 0u64;
    for &b in text {
        let digit = b.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        value = value * 10 + u64::from(digit);
    }
    Some(value)
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
        // The table has a place for every byte.
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
        // A constant: what is wrong would not compile.
        table[b'0' as usize + i] = i as u8;
        i += 1;
    }
    let mut i = 0;
    while i < 6 {
        // A constant: what is wrong would not compile.
        table[b'a' as usize + i] = 10 + i as u8;
        // A constant: what is wrong would not compile.
        table[b'A' as usize + i] = 10 + i as u8;
        i += 1;
    }
    table
};

/// The leading decimal number and what follows it.
#[inline]
pub fn leading_number(text: &[u8]) -> Option<(u64, &[u8])> {
    let (mut value, mut digits) = (0u64, 0);
    if let Some(bytes) = text.first_chunk() {
        match digits::leading(u64::from_le_bytes(*bytes)) {
            (_, 0) => return None,
            (number, count @ 1..8) => return Some((number, text.get(count as usize..)?)),
            (number, _) => (value, digits) = (number, 8),
        }
    }
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

/// `socket:[N]` and `pipe:[N]`: the number between the brackets, if the text is exactly `PREFIX[N]`.
#[inline]
pub fn bracketed(text: &[u8], prefix: &[u8]) -> Option<u64> {
    let inner = text.strip_prefix(prefix)?.strip_prefix(b"[")?.strip_suffix(b"]")?;
    number(inner)
}

/// The bytes of a command line that stand in no quotes, with their places; the quotes themselves are none of them.
pub fn unquoted(text: &[u8]) -> impl Iterator<Item = (usize, u8)> + '_ {
    let mut quote = None;
    text.iter().copied().enumerate().filter(move |&(_, byte)| match quote {
        Some(open) => {
            if open == byte {
                quote = None;
            }
            false
        }
        None if matches!(byte, b'"' | b'\'') => {
            quote = Some(byte);
            false
        }
        None => true,
    })
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
    fn short_words_are_numbers() {
        for word in ["a", "ab", "abc", "abcd", "abcde", "abcdef", "abcdefg", "abcdefgh", "\u{e9}t\u{e9}"] {
            assert_eq!(short(word.as_bytes()), code(word.as_bytes()), "{word}");
        }
        assert_eq!((short(b""), short(b"abcdefghi"), short(b"abc\0"), short(b"\0")), (0, 0, 0, 0));
        assert_ne!(short(b"\0abc"), short(b"abc"));
    }

    #[test]
    fn numbers_are_whole_or_nothing() {
        assert_eq!(number(b"18446744073709551615"), Some(u64::MAX));
        assert_eq!(number(b"18446744073709551616"), None);
        assert_eq!(number(b"12x"), None);
        for (text, want) in [
            ("9999999", 9_999_999),
            ("10000000", 10_000_000),
            ("418672527", 418_672_527),
            ("1234567890123456789", 1_234_567_890_123_456_789),
        ] {
            assert_eq!(number(text.as_bytes()), Some(want));
            assert_eq!(leading_number(format!("{text} x").as_bytes()), Some((want, &b" x"[..])));
            assert_eq!((number(format!("{text}x").as_bytes()), number(format!("x{text}").as_bytes())), (None, None));
        }
        assert_eq!(number(b""), None);
        for (text, want) in [("", true), ("7", true), ("1234567", true), ("12345678", true), ("x12345678", false), ("1234567,8", false)] {
            assert_eq!(is_digits(text.as_bytes()), want, "{text}");
        }
        assert_eq!(signed(b"-5"), Some(-5));
        assert_eq!(hex(b"0A"), Some(10));
        assert_eq!(bracketed(b"socket:[123]", b"socket:"), Some(123));
        assert_eq!(bracketed(b"socket:[123", b"socket:"), None);
    }

    #[test]
    fn what_stands_in_no_quotes() {
        let plain = |text: &str| unquoted(text.as_bytes()).map(|(_, b)| char::from(b)).collect::<String>();
        assert_eq!((plain("a 'b\" c' d"), plain("\"a'b\"c"), plain("a'bc")), ("a  d".to_string(), "c".to_string(), "a".to_string()));
        assert_eq!(unquoted(b"'a'b").next(), Some((3, b'b')));
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
