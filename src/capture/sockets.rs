//! Inodes and descriptor numbers of a listing's sockets, packed: a program opens its sockets one after the other, so that most rows differ
//! from the one before by little, and take two to four bytes instead of eight.

use super::varint;

/// Bytes of a row, at most.
const MOST: usize = 10;
/// Bytes asked for with the first row.
const START: usize = 32;

/// Stands for a number that is not shown; the kernel gives it to no descriptor.
pub const NO_FD: u32 = u32::MAX;

/// Inode and descriptor number of each row.
#[derive(Clone, Debug, Default)]
pub struct Sockets {
    /// For each row how far both are from those of the row before.
    bytes: Vec<u8>,
    rows: u32,
    distinct: u32,
    first: u32,
    last: (u32, u32),
    unsorted: bool,
}

/// Inode and descriptor number of each row.
#[derive(Clone, Debug)]
pub struct Rows<'a> {
    bytes: &'a [u8],
    row: (u32, u32),
    left: u32,
}

/// Inodes, each once where they are in order.
#[derive(Clone, Debug)]
pub struct Inodes<'a> {
    rows: Rows<'a>,
    last: Option<u32>,
    distinct: u32,
}

impl Sockets {
    /// Adds a row.
    #[inline]
    pub fn push(&mut self, inode: u32, fd: u32) {
        let (last, last_fd) = self.last;
        self.unsorted |= (inode, fd) < self.last;
        self.distinct += u32::from(inode != last || self.rows == 0);
        if self.rows == 0 {
            self.first = inode;
        }
        let (inode_by, fd_by) = (folded(inode.wrapping_sub(last)), folded(fd.wrapping_sub(last_fd)));
        if self.bytes.capacity() - self.bytes.len() < MOST {
            // Not from eight bytes on: most listings have a handful of sockets.
            self.bytes.reserve(self.bytes.len().max(START));
        }
        if (inode_by | fd_by) < 0x80 {
            self.bytes.extend_from_slice(&[inode_by as u8, fd_by as u8]);
        } else {
            varint::put(inode_by, &mut self.bytes);
            varint::put(fd_by, &mut self.bytes);
        }
        self.last = (inode, fd);
        self.rows += 1;
    }

    /// All rows have come: they are put in order, which most are in already.
    pub fn seal(&mut self) {
        if self.unsorted {
            // As one number each they are compared in one step.
            let mut rows: Vec<u64> = self.iter().map(|(inode, fd)| u64::from(inode) << 32 | u64::from(fd)).collect();
            rows.sort_unstable();
            *self = Sockets { bytes: std::mem::take(&mut self.bytes), ..Sockets::default() };
            self.bytes.clear();
            rows.into_iter().for_each(|row| self.push((row >> 32) as u32, row as u32));
        }
        self.bytes.shrink_to_fit();
    }

    /// How many rows there are.
    pub fn len(&self) -> usize {
        self.rows as usize
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.rows == 0
    }

    /// Inode and descriptor number ([`NO_FD`] where hidden) of each row, in order once sealed.
    pub fn iter(&self) -> Rows<'_> {
        Rows { bytes: &self.bytes, row: (0, 0), left: self.rows }
    }

    /// The inodes, each once where they are in order.
    pub fn inodes(&self) -> Inodes<'_> {
        Inodes { rows: self.iter(), last: None, distinct: self.distinct }
    }

    /// How many different inodes there are.
    pub fn distinct(&self) -> usize {
        self.distinct as usize
    }

    /// The lowest and the highest inode.
    pub fn span(&self) -> Option<(u32, u32)> {
        (self.rows > 0).then_some((self.first, self.last.0))
    }
}

impl Iterator for Rows<'_> {
    type Item = (u32, u32);

    #[inline]
    fn next(&mut self) -> Option<(u32, u32)> {
        let (inode, fd) = match *self.bytes {
            // In a run of sockets each differs from the one before by a byte.
            [inode, fd, ref rest @ ..] if (inode | fd) < 0x80 => {
                self.bytes = rest;
                (inode.into(), fd.into())
            }
            _ => (varint::take(&mut self.bytes)?, varint::take(&mut self.bytes)?),
        };
        self.row = (self.row.0.wrapping_add(unfolded(inode)), self.row.1.wrapping_add(unfolded(fd)));
        self.left = self.left.saturating_sub(1);
        Some(self.row)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left as usize, Some(self.left as usize))
    }
}

impl ExactSizeIterator for Rows<'_> {}

impl Iterator for Inodes<'_> {
    type Item = u32;

    #[inline]
    fn next(&mut self) -> Option<u32> {
        loop {
            let inode = self.rows.next()?.0;
            if self.last.replace(inode) != Some(inode) {
                return Some(inode);
            }
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (0, Some(self.distinct as usize))
    }
}

/// A difference of either sign as a number that is small where the difference is.
#[inline]
fn folded(difference: u32) -> u32 {
    let signed = difference.cast_signed();
    ((signed << 1) ^ (signed >> 31)).cast_unsigned()
}

/// The difference that was [`folded`].
#[inline]
fn unfolded(n: u32) -> u32 {
    (n >> 1) ^ (n & 1).wrapping_neg()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn packed(rows: &[(u32, u32)]) -> Sockets {
        let mut sockets = Sockets::default();
        rows.iter().for_each(|&(inode, fd)| sockets.push(inode, fd));
        sockets.seal();
        sockets
    }

    #[test]
    fn a_run_of_sockets_takes_three_bytes_each() {
        let rows: Vec<(u32, u32)> = (0..1000).map(|n| (674_209_205 + n * 70, 61 + n)).collect();
        assert!(packed(&rows).bytes.len() < 3 * 1000 + 16);
    }

    proptest! {
        #[test]
        fn rows_come_back_in_order(mut rows in prop::collection::vec((any::<u32>(), prop_oneof![0..50u32, Just(u32::MAX)]), 0..60)) {
            rows.extend(rows.clone().iter().take(3));
            let sockets = packed(&rows);
            rows.sort_unstable();
            prop_assert_eq!(sockets.iter().collect::<Vec<_>>(), rows.clone());
            prop_assert_eq!(sockets.span(), rows.first().zip(rows.last()).map(|(a, b)| (a.0, b.0)));
            rows.dedup_by_key(|r| r.0);
            prop_assert_eq!(sockets.inodes().collect::<Vec<_>>(), rows.iter().map(|r| r.0).collect::<Vec<_>>());
            prop_assert_eq!((sockets.distinct(), sockets.is_empty()), (rows.len(), rows.is_empty()));
        }
    }
}
