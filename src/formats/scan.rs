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
    pub fn rest(&self) -> &'a [u8] {
        let mut i = self.pos;
        while i < self.text.len() && is_blank(self.text[i]) {
            i += 1;
        }
        &self.text[i..]
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
        let (text, len) = (self.text, self.text.len());
        let mut start = self.pos;
        while start < len && is_blank(text[start]) {
            start += 1;
        }
        if start == len {
            self.pos = len;
            return None;
        }
        let mut end = start + 1;
        while end < len && !is_blank(text[end]) {
            end += 1;
        }
        self.pos = end;
        Some(&text[start..end])
    }
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
    if text.len() < 20 {
        // Nineteen digits always fit.
        for &b in text {
            let digit = b.wrapping_sub(b'0');
            if digit > 9 {
                return None;
            }
            value = value.wrapping_mul(10).wrapping_add(u64::from(digit));
        }
        return Some(value);
    }
    for &b in text {
        let digit = b.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        value = value.checked_mul(10)?.checked_add(u64::from(digit))?;
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
    fn lines_lose_carriage_returns() {
        let all: Vec<_> = lines(b"a\r\n\nb").collect();
        assert_eq!(all, [&b"a"[..], b"", b"b"]);
    }
}
