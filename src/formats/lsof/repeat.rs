//! Rows that repeat the one before but for descriptor and inode: what a leak of a hundred thousand sockets looks like.
//!
//! ```text
//! java    29956 root 10280u     sock                0,9      0t0   133868 protocol: TCP
//! java    29956 root 10281u     sock                0,9      0t0   133869 protocol: TCP
//!                    FD-><-------------- middle ---------------><-NODE-><--- tail --->
//! ```
//!
//! Such rows are compared, not read again. It is only a short cut: whatever does not match is read from its beginning.

use crate::facts::{Descriptor, DescriptorKind, FdRef, Protocol};
use crate::formats::run::Shape;
use crate::formats::scan::{self, Fields};

/// Digits of a number that is shown as its end behind a star.
const TAIL_DIGITS: usize = 3;

/// What stood around the numbers of the last socket that is in no table.
#[derive(Default)]
pub(super) struct Repeat {
    /// Whether only the end of the descriptor's number is shown.
    star: bool,
    /// From the access letter to the inode.
    middle: Vec<u8>,
    tail: Vec<u8>,
    /// Where the name begins in the tail, and how long it is.
    name: (usize, usize),
    protocol: Option<Protocol>,
}

impl Repeat {
    /// Reads a row from its FD on into a descriptor, if only descriptor and inode differ from the row that was kept.
    #[inline]
    pub(super) fn read<'a>(&self, row: &'a [u8], d: &mut Descriptor<'a>) -> bool {
        if self.middle.is_empty() {
            return false;
        }
        let Some((fd, rest)) = self.fd(Fields::new(row).rest()) else { return false };
        let Some((inode, tail)) = rest.strip_prefix(self.middle.as_slice()).and_then(scan::leading_number) else { return false };
        if tail != self.tail.as_slice() {
            return false;
        }
        let (start, length) = self.name;
        d.fd = fd;
        d.kind = DescriptorKind::Socket;
        d.protocol = self.protocol;
        d.inode = Some(inode);
        d.unlisted = true;
        d.name = tail.get(start..start + length).unwrap_or(b"");
        true
    }

    /// Rows of this shape behind a head, if their descriptors are shown whole.
    #[inline]
    pub(super) fn shape<'a>(&'a self, head: &'a [u8]) -> Option<Shape<'a>> {
        (!self.star && !self.middle.is_empty()).then_some(Shape { head, middle: &self.middle, tail: &self.tail })
    }

    /// The number of the descriptor, shown as that of the row that was kept, and what follows its digits.
    #[inline]
    fn fd<'a>(&self, word: &'a [u8]) -> Option<(FdRef<'static>, &'a [u8])> {
        if !self.star {
            let (fd, rest) = scan::leading_number(word)?;
            return Some((FdRef::Number(u32::try_from(fd).ok()?), rest));
        }
        let word = word.strip_prefix(b"*")?;
        let (fd, rest) = scan::leading_number(word)?;
        (word.len() - rest.len() == TAIL_DIGITS).then_some((FdRef::Tail(fd as u16), rest))
    }

    /// Keeps a row that was read, from its FD on, if it is a socket in no table.
    pub(super) fn keep(&mut self, row: &[u8], d: &Descriptor<'_>) {
        if !d.unlisted || d.inode.is_none() {
            return;
        }
        self.middle.clear();
        self.tail.clear();
        self.star = matches!(d.fd, FdRef::Tail(_));
        let Some((_, rest)) = self.fd(Fields::new(row).rest()) else { return };
        let before_name = rest.trim_ascii_end().strip_suffix(d.name).unwrap_or(b"").trim_ascii_end();
        let digits = before_name.iter().rev().take_while(|b| b.is_ascii_digit()).count();
        let (middle, _) = before_name.split_at(before_name.len() - digits);
        let (_, tail) = rest.split_at(before_name.len());
        // Without a blank in front the digits would be the end of something else.
        if digits > 0 && middle.last().is_some_and(|b| scan::is_blank(*b)) {
            self.middle.extend_from_slice(middle);
            self.tail.extend_from_slice(tail);
            self.name = (tail.len() - tail.trim_ascii_start().len(), d.name.len());
            self.protocol = d.protocol;
        }
    }
}
