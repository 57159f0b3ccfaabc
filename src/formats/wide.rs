//! UTF-16, as Windows terminals and PowerShell redirections save it, made UTF-8 as it streams by.

/// How many letters without a byte-order mark prove it.
const PROOF: usize = 32;

/// A decoder, told by a byte-order mark, or by a line of plain letters that take two bytes each.
#[derive(Debug)]
pub struct Wide {
    big: bool,
    /// The first byte of a unit whose second has not come.
    odd: Option<u8>,
    /// The first half of a pair whose second has not come.
    high: Option<u16>,
}

impl Wide {
    /// The decoder for a text that begins so; `None` if it does not begin with a byte-order mark of UTF-16.
    pub fn of(head: &[u8]) -> Option<Wide> {
        let big = match head {
            [0xff, 0xfe, ..] => false,
            [0xfe, 0xff, ..] => true,
            _ if is_unmarked(head) => false,
            _ => return None,
        };
        Some(Wide { big, odd: None, high: None })
    }

    /// The next bytes as UTF-8; the byte-order mark stays and becomes the one of UTF-8.
    pub fn decode(&mut self, chunk: &[u8]) -> Vec<u8> {
        let mut out = Vec::with_capacity(chunk.len());
        for &byte in chunk {
            let Some(first) = self.odd.take() else {
                self.odd = Some(byte);
                continue;
            };
            let unit = if self.big { u16::from_be_bytes([first, byte]) } else { u16::from_le_bytes([first, byte]) };
            self.unit(unit, &mut out);
        }
        out
    }

    fn unit(&mut self, unit: u16, out: &mut Vec<u8>) {
        if (0xd800..0xdc00).contains(&unit) {
            if self.high.replace(unit).is_some() {
                push(char::REPLACEMENT_CHARACTER, out);
            }
            return;
        }
        let units = [self.high.take().unwrap_or(unit), unit];
        // There are two.
        let whole = if units[0] == unit { &units[1..] } else { &units[..] };
        for c in char::decode_utf16(whole.iter().copied()) {
            push(c.unwrap_or(char::REPLACEMENT_CHARACTER), out);
        }
    }
}

/// Whether a text without a mark begins with letters of two bytes, the second of them 0, and blanks among them.
fn is_unmarked(head: &[u8]) -> bool {
    let units = head.chunks_exact(2).take(PROOF);
    let plain = units.clone().filter(|unit| matches!(unit, [b'\t' | b'\r' | b'\n' | b' '..=b'~', 0])).count();
    plain == PROOF && units.clone().any(|unit| matches!(unit, [b'\n' | b' ', 0]))
}

fn push(c: char, out: &mut Vec<u8>) {
    out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::formats::testing::told_bytes;

    #[test]
    fn both_orders_at_any_cut() {
        let text = "\u{feff}sockets: used 94 \u{1f980}ü\n";
        for big in [false, true] {
            let bytes: Vec<u8> = text.encode_utf16().flat_map(|u| if big { u.to_be_bytes() } else { u.to_le_bytes() }).collect();
            for cut in 0..bytes.len() {
                let mut wide = Wide::of(&bytes).unwrap();
                let mut out = wide.decode(&bytes[..cut]);
                out.extend(wide.decode(&bytes[cut..]));
                assert_eq!(String::from_utf8(out).unwrap(), text);
            }
        }
        assert!(Wide::of(b"\xef\xbb\xbf").is_none());
    }

    #[test]
    fn lone_halves_become_replacements() {
        let mut wide = Wide::of(b"\xff\xfe").unwrap();
        assert_eq!(wide.decode(b"\x00\xdca\0\x3d\xd8b\0"), "\u{fffd}a\u{fffd}b".as_bytes());
    }

    #[test]
    fn a_capture_in_utf_16_without_a_mark_is_read() {
        let bytes: Vec<u8> =
            "sockets: used 94\r\nTCP: inuse 27 orphan 0 tw 8 alloc 60 mem 290\r\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
        let (told, reading) = told_bytes("sockstat.txt", &bytes);
        assert_eq!((told.counters["sockstat.tcp.alloc"], reading.lines, reading.binary), (60, 2, false));
        assert!(Wide::of(&b"a\0b\0c\0".repeat(20)).is_none(), "arguments of one letter");
    }

    #[test]
    fn a_capture_in_utf_16_is_read() {
        let bytes: Vec<u8> = "\u{feff}sockets: used 94\r\nTCP: inuse 27 orphan 0 tw 8 alloc 60 mem 290\r\n"
            .encode_utf16()
            .flat_map(u16::to_le_bytes)
            .collect();
        let (told, reading) = told_bytes("sockstat.txt", &bytes);
        assert_eq!((told.counters["sockstat.tcp.alloc"], reading.lines, reading.binary), (60, 2, false));
    }
}
