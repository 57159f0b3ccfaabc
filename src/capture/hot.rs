//! The listing at hand: rows of one process stand together, and most tell nothing new of it.

use super::holding::FdList;
use crate::facts::{At, Descriptor, DescriptorKind};

/// The listing being read, taken out of its process: rows of one process stand together, so that it is looked up once.
#[derive(Debug)]
pub(super) struct Hot {
    /// Its process.
    pub pid: u32,
    /// Its place among the process's listings, where an empty one stands for it meanwhile.
    pub number: usize,
    /// Its rows so far.
    pub list: FdList,
    /// The command of its rows as printed.
    pub command: Vec<u8>,
    /// Whether the process's user is known.
    pub user: bool,
}

impl Hot {
    /// Whether a row belongs to it and tells nothing new of the process.
    #[inline]
    pub fn fits(&self, pid: u32, at: &At<'_>, d: &Descriptor<'_>) -> bool {
        pid == self.pid
            && d.tid.is_none()
            && d.kind != DescriptorKind::Denied
            && at.citation.member == self.list.at.member
            && same(at.format, self.list.format)
            // To compare nothing with nothing where neither has an address costs some processors more than all the rest.
            && (d.command.is_empty() && self.command.is_empty() || d.command == self.command)
            && (self.user || d.user.is_empty())
    }

    /// Whether a row is one of a thread that repeats what its process shows: of a listing by threads nearly all rows are.
    #[inline]
    pub fn repeats(&self, pid: u32, at: &At<'_>, d: &Descriptor<'_>) -> bool {
        pid == self.pid
            && d.tid.is_some_and(|tid| tid != pid && self.list.is_repeated_by(tid))
            && d.kind != DescriptorKind::Denied
            && at.citation.member == self.list.at.member
            && same(at.format, self.list.format)
            && self.user
    }
}

/// Whether two ids are one format's: most often it is the same text in memory.
#[inline]
pub(super) fn same(a: &'static str, b: &'static str) -> bool {
    std::ptr::eq(a, b) || a == b
}
