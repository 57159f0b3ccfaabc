//! What bytes are, told from the first 512 of them and never from a name.
//!
//! ```text
//! 1f 8b 08           gzip            28 b5 2f fd   zstd (and 5? 2a 4d 18, a frame to skip)
//! fd 37 7a 58 5a 00  xz              a 512-byte block whose checksum is right: tar (also old ones without "ustar")
//! ```

use super::tar::Header;

/// How many bytes are looked at.
pub const SNIFF: usize = 512;

/// What the bytes are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// gzip, RFC 1952.
    Gzip,
    /// Zstandard, RFC 8878.
    Zstd,
    /// xz.
    Xz,
    /// A tape archive, any dialect.
    Tar,
    /// Something that we cannot read, and what it is.
    Foreign(&'static str),
    /// Text, or bytes of no known kind (see [`is_binary`]).
    Text,
}

impl Kind {
    /// The kind of a text or archive that begins so.
    pub fn of(head: &[u8]) -> Kind {
        const FOREIGN: &[(&[u8], &str)] = &[
            (b"PK\x03\x04", "a zip archive"),
            (b"PK\x05\x06", "an empty zip archive"),
            (b"BZh", "bzip2 data"),
            (b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
            (b"Rar!\x1a\x07", "a rar archive"),
            (b"\x04\x22\x4d\x18", "lz4 data"),
            (b"\x89LZO", "lzop data"),
            (b"LZIP", "lzip data"),
            (b"\x7fELF", "an ELF executable or core"),
            (b"\xd4\xc3\xb2\xa1", "a packet capture"),
            (b"\xa1\xb2\xc3\xd4", "a packet capture"),
            (b"\x0a\x0d\x0d\x0a", "a packet capture"),
            (b"%PDF-", "a PDF document"),
            (b"\x89PNG\r\n", "a picture"),
            (b"\xff\xd8\xff", "a picture"),
            (b"-----BEGIN PGP MESSAGE", "an encrypted message"),
        ];
        match head {
            [0x1f, 0x8b, 8, ..] => return Kind::Gzip,
            [0x28, 0xb5, 0x2f, 0xfd, ..] => return Kind::Zstd,
            [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => return Kind::Zstd,
            [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => return Kind::Xz,
            _ => {}
        }
        // A file cut inside its magic is a cut archive, not a text of four odd bytes.
        for (magic, kind) in [(&b"\x1f\x8b\x08"[..], Kind::Gzip), (b"\x28\xb5\x2f\xfd", Kind::Zstd), (b"\xfd7zXZ\x00", Kind::Xz)] {
            if head.len() > 1 && magic.starts_with(head) {
                return kind;
            }
        }
        if Header::parse(head).is_some() {
            return Kind::Tar;
        }
        FOREIGN.iter().find(|(magic, _)| head.starts_with(magic)).map_or(Kind::Text, |(_, what)| Kind::Foreign(what))
    }

    /// The suffix that says it.
    pub fn word(self) -> &'static str {
        match self {
            Kind::Gzip => "gz",
            Kind::Zstd => "zst",
            Kind::Xz => "xz",
            Kind::Tar => "tar",
            Kind::Foreign(_) => "binary",
            Kind::Text => "text",
        }
    }

    /// What holds files or text that we cannot read.
    pub fn packed(self) -> Option<&'static str> {
        const WORDS: [&str; 2] = [" archive", " data"];
        match self {
            Kind::Foreign(what) => WORDS.iter().any(|word| what.ends_with(word)).then_some(what),
            _ => None,
        }
    }

    /// Whether it has to be decompressed.
    pub fn is_compressed(self) -> bool {
        matches!(self, Kind::Gzip | Kind::Zstd | Kind::Xz)
    }
}

/// Whether the bytes are no text: more than one in twenty is a control byte that texts do not have, or more than one in ten is a NUL
/// beside a NUL. Single NULs are in `/proc/PID/cmdline`, `environ` and `lsof -F0`; a process that writes its own title leaves a whole
/// tail of them, and a crash leaves them in front of what a log went on with. UTF-16 is text by its byte-order mark.
pub fn is_binary(head: &[u8]) -> bool {
    if head.starts_with(b"\xff\xfe") || head.starts_with(b"\xfe\xff") {
        return false;
    }
    let start = head.iter().position(|&b| b != 0).unwrap_or(head.len());
    let end = head.iter().rposition(|&b| b != 0).map_or(start, |last| last + 1);
    let text = head.get(start..end).unwrap_or(&[]);
    let double = if memchr::memchr(0, text).is_none() { 0 } else { text.windows(2).filter(|pair| pair == b"\0\0").count() };
    let control = controls(text);
    text.is_empty() && !head.is_empty() || control.saturating_mul(20) > text.len() || double.saturating_mul(10) > text.len()
}

/// How many control bytes there are that texts do not have.
fn controls(text: &[u8]) -> usize {
    // Without branches and with counts of a byte, so that the compiler can take many bytes at once.
    let is_control = |b: u8| (b < 0x20) & (b != 0) & (b.wrapping_sub(9) > 4) & (b != 0x1b) | (b == 0x7f);
    text.chunks(u8::MAX as usize).map(|part| usize::from(part.iter().fold(0u8, |n, &b| n + u8::from(is_control(b))))).sum()
}

/// An archive of nothing is blocks of zeros. Asked of whole inputs only: a member that begins with zeros is a log after a crash.
pub fn is_empty_tar(head: &[u8]) -> bool {
    head.len() >= SNIFF && head.iter().all(|&b| b == 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_packed_so_that_we_cannot_read_it() {
        assert_eq!(Kind::of(b"PK\x03\x04rest").packed(), Some("a zip archive"));
        assert_eq!(Kind::of(b"BZh91AY").packed(), Some("bzip2 data"));
        assert_eq!((Kind::of(b"%PDF-1.4").packed(), Kind::of(b"\x1f\x8b\x08").packed()), (None, None));
    }

    #[test]
    fn kinds() {
        assert_eq!(Kind::of(b"\x1f\x8b\x08\x00"), Kind::Gzip);
        assert_eq!(Kind::of(b"\x28\xb5\x2f\xfd"), Kind::Zstd);
        assert_eq!(Kind::of(b"\xfd7zXZ\x00"), Kind::Xz);
        assert!(is_empty_tar(&[0; 1024]) && !is_empty_tar(&[0; 511]) && Kind::of(&[0; 512]) == Kind::Text);
        assert_eq!(Kind::of(b"PK\x03\x04abc"), Kind::Foreign("a zip archive"));
        assert_eq!(Kind::of(b"sockets: used 1\n"), Kind::Text);
        assert_eq!(Kind::of(b""), Kind::Text);
    }

    #[test]
    fn cmdline_is_text_a_picture_of_bytes_is_not() {
        assert!(!is_binary(b"java\0-Xmx1g\0Main\0"));
        assert!(!is_binary(b"nginx: worker process\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"));
        assert!(!is_binary(&[&[0; 4096][..], b"Nov 22 14:00:00 up\n"].concat()));
        assert!(is_binary(b"ab\0\0\0\0cd\0\0\0\0e"));
        assert!(!is_binary(b"\xff\xfes\0s\0"));
        assert!(!is_binary("größe\n".as_bytes()));
        assert!(is_binary(&[0, 1, 2, 3, 4, 5, 200, 201]));
        assert!(is_binary(&[0; 100]));
        assert!(!is_binary(b""));
    }
}
