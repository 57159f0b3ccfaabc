//! Rows that repeat the one before but for descriptor and inode: what a leak of a hundred thousand sockets looks like.
//!
//! ```text
//! java    29956 root 10280u     sock                0,9      0t0   133868 protocol: TCP
//! java    29956 root 10281u     sock                0,9      0t0   133869 protocol: TCP
//!                          <------------- middle --------------><-NODE-><--- tail --->
//! ```
//!
//! Such rows are compared, not read again. It is only a short cut: whatever does not match is read from its beginning.

use crate::facts::{Descriptor, DescriptorKind, Protocol};
use crate::formats::scan;

/// What stood around the inode of the last socket that is in no table.
#[derive(Default)]
pub(super) struct Repeat {
    middle: Vec<u8>,
    tail: Vec<u8>,
    /// Where the name begins in the tail, and how long it is.
    name: (usize, usize),
    protocol: Option<Protocol>,
}

impl Repeat {
    /// Reads what follows the FD into a descriptor, if only the inode differs from the row that was kept.
    #[inline]
    pub(super) fn read<'a>(&self, behind_fd: &'a [u8], d: &mut Descriptor<'a>) -> bool {
        if self.middle.is_empty() {
            return false;
        }
        let Some((inode, tail)) = behind_fd.strip_prefix(self.middle.as_slice()).and_then(scan::leading_number) else { return false };
        if tail != self.tail.as_slice() {
            return false;
        }
        let (start, length) = self.name;
        d.kind = DescriptorKind::Socket;
        d.protocol = self.protocol;
        d.inode = Some(inode);
        d.unlisted = true;
        d.name = tail.get(start..start + length).unwrap_or(b"");
        true
    }

    /// Keeps a row that was read, if it is a socket in no table.
    pub(super) fn keep(&mut self, behind_fd: &[u8], d: &Descriptor<'_>) {
        if !d.unlisted || d.inode.is_none() {
            return;
        }
        let before_name = behind_fd.trim_ascii_end().strip_suffix(d.name).unwrap_or(b"").trim_ascii_end();
        let digits = before_name.iter().rev().take_while(|b| b.is_ascii_digit()).count();
        let (middle, _) = before_name.split_at(before_name.len() - digits);
        let (_, tail) = behind_fd.split_at(before_name.len());
        self.middle.clear();
        self.tail.clear();
        // Without a blank in front the digits would be the end of something else.
        if digits > 0 && middle.last().is_some_and(|b| scan::is_blank(*b)) {
            self.middle.extend_from_slice(middle);
            self.tail.extend_from_slice(tail);
            self.name = (tail.len() - tail.trim_ascii_start().len(), d.name.len());
            self.protocol = d.protocol;
        }
    }
}
