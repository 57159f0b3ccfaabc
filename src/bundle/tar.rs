//! The 512-byte headers of tape archives, read by hand because what they say is not to be trusted.
//!
//! ```text
//! name 0..100  mode  uid  gid  size 124..136  mtime 136..148  checksum 148..156  type 156  link 157..257  magic 257..263  prefix 345..500
//! ```
//!
//! Numbers are octal, or base 256 where the first bit is set. A long name is in a member of its own in front: type `L` or `K` (GNU), or
//! among the `LENGTH key=value` records of type `x` (PAX). Where they disagree, PAX wins over GNU and GNU over the header, as in GNU tar.
//! Sources: POSIX pax(1), GNU tar `tar.h` and `xheader.c`, `tar(5)` of libarchive.

/// The size of a header, and of the blocks that data is padded to.
pub(super) const BLOCK: usize = 512;
/// The longest name or PAX header that is read, in bytes.
pub(super) const MAX_EXTENSION: u64 = 1 << 20;

/// What a header says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) name: Vec<u8>,
    pub(super) link: Vec<u8>,
    /// `None` where the field is no number.
    pub(super) size: Option<u64>,
    pub(super) modified: Option<i64>,
    pub(super) kind: EntryKind,
    /// More blocks of a GNU sparse map follow the header.
    pub(super) extended: bool,
}

/// What an entry is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum EntryKind {
    File,
    Directory,
    Symlink,
    Hardlink,
    /// A device, a fifo.
    Device(&'static str),
    Sparse,
    GnuName,
    GnuLink,
    Pax,
    PaxGlobal,
    /// A volume label, part of a multi-volume archive, anything newer than this program.
    Other(u8),
}

/// What the entries in front of an entry said about it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Extensions {
    pub(super) gnu_name: Option<Vec<u8>>,
    pub(super) gnu_link: Option<Vec<u8>>,
    pub(super) pax: Pax,
}

/// The PAX records that matter here.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Pax {
    pub(super) path: Option<Vec<u8>>,
    pub(super) link: Option<Vec<u8>>,
    pub(super) size: Option<u64>,
    pub(super) modified: Option<i64>,
    pub(super) sparse: bool,
    /// A record that could not be read.
    pub(super) damaged: bool,
}

impl Header {
    /// The header in a block; `None` if its checksum is wrong, or it is a block of zeros.
    pub(super) fn parse(block: &[u8]) -> Option<Header> {
        let block: &[u8; BLOCK] = block.get(..BLOCK)?.try_into().ok()?;
        if !checksum_fits(block) {
            return None;
        }
        let field = |from: usize, to: usize| block.get(from..to).unwrap_or(&[]);
        let magic = field(257, 262);
        let mut name = text(field(0, 100)).to_vec();
        // GNU archives ("ustar  ") keep times where POSIX ones ("ustar\0") keep the prefix.
        let prefix = text(field(345, 500));
        // A header is a block of 512 bytes.
        if magic == b"ustar" && block[262] == 0 && !prefix.is_empty() {
            name = [prefix, b"/", &name].concat();
        }
        // A header is a block of 512 bytes.
        let kind = match block[156] {
            0 if name.ends_with(b"/") => EntryKind::Directory,
            0 | b'0' | b'7' => EntryKind::File,
            b'1' => EntryKind::Hardlink,
            b'2' => EntryKind::Symlink,
            b'3' => EntryKind::Device("a character device"),
            b'4' => EntryKind::Device("a block device"),
            b'6' => EntryKind::Device("a fifo"),
            b'5' | b'D' => EntryKind::Directory,
            b'L' => EntryKind::GnuName,
            b'K' => EntryKind::GnuLink,
            b'x' | b'X' => EntryKind::Pax,
            b'g' => EntryKind::PaxGlobal,
            b'S' => EntryKind::Sparse,
            other => EntryKind::Other(other),
        };
        Some(Header {
            name,
            link: text(field(157, 257)).to_vec(),
            size: number(field(124, 136)),
            modified: number(field(136, 148)).and_then(|n| i64::try_from(n).ok()),
            kind,
            // A header is a block of 512 bytes.
            extended: kind == EntryKind::Sparse && block[482] == 1,
        })
    }

    /// How many bytes of data follow; none behind what has no content, whatever the field says (as GNU tar reads it).
    pub(super) fn data(&self) -> u64 {
        match self.kind {
            EntryKind::Directory | EntryKind::Symlink | EntryKind::Hardlink | EntryKind::Device(_) => 0,
            _ => self.size.unwrap_or(0),
        }
    }
}

impl Extensions {
    /// The entry's name, and whether the sources of it disagree.
    pub(super) fn name<'a>(&'a self, header: &'a Header) -> (&'a [u8], bool) {
        pick(self.pax.path.as_deref(), self.gnu_name.as_deref(), &header.name)
    }

    /// The entry's link target, and whether the sources of it disagree.
    pub(super) fn link<'a>(&'a self, header: &'a Header) -> (&'a [u8], bool) {
        pick(self.pax.link.as_deref(), self.gnu_link.as_deref(), &header.link)
    }
}

impl Pax {
    /// Reads `LENGTH key=value\n` records, where LENGTH counts all of the record; stops at the first that is none.
    pub(super) fn parse(records: &[u8]) -> Pax {
        let mut pax = Pax::default();
        let mut rest = records;
        while !rest.is_empty() && rest.iter().any(|&b| b != 0) {
            let Some((key, value, after)) = record(rest) else {
                pax.damaged = true;
                break;
            };
            rest = after;
            match key {
                b"path" | b"GNU.sparse.name" => pax.path = Some(value.to_vec()),
                b"linkpath" => pax.link = Some(value.to_vec()),
                b"size" => {
                    pax.size = decimal(value);
                    pax.damaged |= pax.size.is_none();
                }
                b"mtime" => pax.modified = decimal(value.split(|&b| b == b'.').next().unwrap_or(b"")).and_then(|n| i64::try_from(n).ok()),
                _ => {}
            }
            pax.sparse |= key.starts_with(b"GNU.sparse.") || key == b"SCHILY.realsize";
        }
        pax
    }
}

/// The longest-reaching of the three sources, and whether a shorter one contradicts it. The header's own field is cut at 100 bytes and
/// loses what is not ASCII, so it contradicts only where it could have held the whole.
fn pick<'a>(pax: Option<&'a [u8]>, gnu: Option<&'a [u8]>, own: &'a [u8]) -> (&'a [u8], bool) {
    let trimmed = |name: &'a [u8]| name.strip_suffix(b"/").unwrap_or(name);
    let odd = |long: &'a [u8]| long.len() < 100 && long.is_ascii() && trimmed(long) != trimmed(own);
    match (pax, gnu) {
        (Some(pax), Some(gnu)) => (pax, trimmed(pax) != trimmed(gnu)),
        (Some(pax), None) => (pax, odd(pax)),
        (None, Some(gnu)) => (gnu, odd(gnu)),
        (None, None) => (own, false),
    }
}

fn record(text: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    let blank = memchr::memchr(b' ', text.get(..text.len().min(20))?)?;
    let length = usize::try_from(decimal(text.get(..blank)?)?).ok()?;
    let (whole, after) = text.split_at_checked(length)?;
    let body = whole.get(blank + 1..)?.strip_suffix(b"\n")?;
    let equals = memchr::memchr(b'=', body)?;
    Some((body.get(..equals)?, body.get(equals + 1..)?, after))
}

/// Old writers summed signed bytes; both sums are accepted.
fn checksum_fits(block: &[u8; BLOCK]) -> bool {
    let Some(told) = block.get(148..156).and_then(number) else { return false };
    if told == 0 {
        return false;
    }
    let (mut unsigned, mut signed) = (0i64, 0i64);
    for (i, &byte) in block.iter().enumerate() {
        let byte = if (148..156).contains(&i) { b' ' } else { byte };
        unsigned += i64::from(byte);
        signed += i64::from(byte as i8);
    }
    i64::try_from(told).is_ok_and(|told| told == unsigned || told == signed)
}

/// A field up to its first NUL.
fn text(field: &[u8]) -> &[u8] {
    match memchr::memchr(0, field) {
        // The place was found in the field.
        Some(end) => &field[..end],
        None => field,
    }
}

/// A number field: octal with blanks or NULs around it, or base 256. Blank is zero, as every tar reads it.
fn number(field: &[u8]) -> Option<u64> {
    let first = *field.first()?;
    if first & 0x80 != 0 {
        if first != 0x80 {
            return None;
        }
        let (high, low) = field.split_at_checked(field.len().checked_sub(8)?)?;
        if high.get(1..)?.iter().any(|&b| b != 0) {
            return None;
        }
        return Some(u64::from_be_bytes(low.try_into().ok()?));
    }
    let digits = text(field).trim_ascii();
    digits.iter().try_fold(0u64, |value, &b| match b {
        b'0'..=b'7' => value.checked_mul(8)?.checked_add(u64::from(b - b'0')),
        _ => None,
    })
}

fn decimal(text: &[u8]) -> Option<u64> {
    (!text.is_empty()).then_some(())?;
    text.iter().try_fold(0u64, |value, &b| match b {
        b'0'..=b'9' => value.checked_mul(10)?.checked_add(u64::from(b - b'0')),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(name: &str, kind: u8) -> [u8; BLOCK] {
        super::super::testing::raw_header(name, kind, 5, "")
    }

    #[test]
    fn a_header_is_told_by_its_checksum() {
        let mut block = header("a/ss.txt", b'0');
        let read = Header::parse(&block).unwrap();
        assert_eq!((read.name.as_slice(), read.size, read.kind), (&b"a/ss.txt"[..], Some(5), EntryKind::File));
        block[0] = b'b';
        assert_eq!(Header::parse(&block), None);
        assert_eq!(Header::parse(&[0; BLOCK]), None);
        assert_eq!(Header::parse(&block[..511]), None);
    }

    #[test]
    fn numbers_in_octal_and_base_256() {
        assert_eq!(number(b"0000000017\0 "), Some(15));
        assert_eq!(number(b"  17 "), Some(15));
        assert_eq!(number(b"\x80\0\0\0\0\0\0\x02\0\0\0\0"), Some(2 << 32));
        assert_eq!(number(b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"), None, "negative");
        assert_eq!(number(b"00000009"), None);
        assert_eq!(number(b""), None);
    }

    #[test]
    fn pax_records() {
        let pax = Pax::parse(b"18 path=a/b c.txt\n20 mtime=1700000000.5\n11 size=17\n");
        assert!(pax.damaged, "the second length is wrong");
        let pax = Pax::parse(b"18 path=a/b c.txt\n22 mtime=1700000000.5\n11 size=17\n\0\0");
        assert_eq!((pax.path.as_deref(), pax.size, pax.modified), (Some(&b"a/b c.txt"[..]), Some(17), Some(1_700_000_000)));
        assert!(!pax.damaged);
        for hostile in [&b"99999999999999999999 path=x\n"[..], b"0 path=x\n", b"3 x", b"x", b"5 a=\n", b"-1 path=x\n", b"7 path\n"] {
            let _ = Pax::parse(hostile);
        }
    }

    #[test]
    fn sources_of_a_name_that_disagree() {
        let own = Header::parse(&header("a", b'0')).unwrap();
        let said = |pax: Option<&str>, gnu: Option<&str>| Extensions {
            gnu_name: gnu.map(|n| n.as_bytes().to_vec()),
            pax: Pax { path: pax.map(|n| n.as_bytes().to_vec()), ..Pax::default() },
            ..Extensions::default()
        };
        assert_eq!(said(None, None).name(&own), (&b"a"[..], false));
        assert_eq!(said(Some("b"), None).name(&own), (&b"b"[..], true));
        assert_eq!(said(Some("b"), Some("c")).name(&own), (&b"b"[..], true));
        assert_eq!(said(Some("größe"), None).name(&own), ("größe".as_bytes(), false));
        assert!(!said(Some(&"x".repeat(200)), None).name(&own).1);
    }
}
