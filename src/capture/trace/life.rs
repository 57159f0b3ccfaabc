//! The descriptors open at one point of a trace.

use super::pattern::Origin;
use crate::facts::{At, Syscall};
use rustc_hash::FxHashMap;

/// Lives kept at once, at most: more open descriptors than any trace of real length creates.
const MAX_LIVES: usize = 4 << 20;
/// Numbers up to this one, of the traced process itself, are found without hashing: the kernel hands out the lowest free one.
const NEAR: usize = 1 << 20;
/// Numbers that share one allocation.
const PAGE: usize = 64;

/// One descriptor's life, packed: a trace of gigabytes may leave a million open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Life {
    /// How it began.
    pub origin: Origin,
    /// What became of its connection.
    pub stage: Stage,
    /// What happened to it, as the constants below.
    pub flags: u8,
    /// The error of a failed connect, as the trace numbers errors.
    pub errno: u8,
    /// The peer as the trace numbers peers.
    pub remote: u32,
    /// The line it began in.
    pub line: u32,
    /// The thread it began in, 0 if not told.
    pub tid: u32,
}

/// What became of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Stage {
    /// `connect` was never called.
    NotTried,
    /// `connect` is under way.
    InProgress,
    /// Connected or accepted.
    Connected,
    /// `connect` failed.
    Failed,
}

/// A read returned 0.
pub const EOF: u8 = 1;
/// A call failed with ECONNRESET or EPIPE.
pub const RESET: u8 = 2;
/// `shutdown()` was called.
pub const SHUTDOWN: u8 = 4;
/// Data was read or written.
pub const USED: u8 = 8;
/// `bind()` was called.
pub const BOUND: u8 = 16;
/// `listen()` was called.
pub const LISTENING: u8 = 32;
/// It is closed when the process becomes another program.
pub const CLOEXEC: u8 = 64;
/// Data was read or written after a further socket was created.
pub const KEPT: u8 = 128;
/// Stands for no peer.
pub const NO_REMOTE: u32 = u32::MAX;

/// Open descriptors by group (processes that share a table) and number.
#[derive(Debug, Default)]
pub struct Lives {
    near: Vec<Option<Box<[Option<Life>; PAGE]>>>,
    far: FxHashMap<(u32, i32), Life>,
    count: usize,
    /// Descriptors that began when there was no more room.
    pub left_out: u64,
}

impl Life {
    /// A life that begins with a call.
    pub fn begin(origin: Origin, at: &At<'_>, call: &Syscall<'_>) -> Life {
        let tid = call.tid.unwrap_or(0);
        Life { origin, stage: Stage::NotTried, flags: 0, errno: 0, remote: NO_REMOTE, line: at.citation.line, tid }
    }

    /// Whether something happened to it.
    pub fn has(&self, flag: u8) -> bool {
        self.flags & flag != 0
    }
}

impl Lives {
    /// The life of a descriptor.
    #[inline]
    pub fn get_mut(&mut self, group: u32, fd: i32) -> Option<&mut Life> {
        match near(group, fd) {
            Some((page, slot)) => self.near.get_mut(page)?.as_mut()?.get_mut(slot)?.as_mut(),
            None => self.far.get_mut(&(group, fd)),
        }
    }

    /// A descriptor begins, or goes on; the life that its number had before. Past the bound a new one is counted and not kept.
    pub fn insert(&mut self, group: u32, fd: i32, life: Life) -> Option<Life> {
        if self.count >= MAX_LIVES && self.get_mut(group, fd).is_none() {
            self.left_out += 1;
            return None;
        }
        let old = match near(group, fd) {
            Some((page, slot)) => {
                if self.near.len() <= page {
                    self.near.resize_with(page + 1, || None);
                }
                let page = self.near.get_mut(page)?.get_or_insert_with(|| Box::new([None; PAGE]));
                page.get_mut(slot)?.replace(life)
            }
            None => self.far.insert((group, fd), life),
        };
        self.count += usize::from(old.is_none());
        old
    }

    /// A descriptor ends.
    #[inline]
    pub fn remove(&mut self, group: u32, fd: i32) -> Option<Life> {
        let life = match near(group, fd) {
            Some((page, slot)) => self.near.get_mut(page)?.as_mut()?.get_mut(slot)?.take(),
            None => self.far.remove(&(group, fd)),
        };
        self.count -= usize::from(life.is_some());
        life
    }

    /// Numbers of a group's open descriptors that pass a test.
    pub fn of(&self, group: u32, fits: impl Fn(i32, &Life) -> bool) -> Vec<i32> {
        let near = self.near.iter().enumerate().filter(|_| group == 0).filter_map(|(number, page)| Some((number, page.as_ref()?)));
        let near =
            near.flat_map(|(number, page)| (number * PAGE..).zip(page.iter()).filter_map(|(fd, life)| Some((fd as i32, life.as_ref()?))));
        let far = self.far.iter().filter(|((g, _), _)| *g == group).map(|((_, fd), life)| (*fd, life));
        let mut numbers: Vec<i32> = near.chain(far).filter(|(fd, life)| fits(*fd, life)).map(|(fd, _)| fd).collect();
        numbers.sort_unstable();
        numbers
    }

    /// All that are open, with their numbers.
    pub fn into_all(self) -> impl Iterator<Item = (i32, Life)> {
        let near = self.near.into_iter().enumerate().filter_map(|(number, page)| Some((number, page?)));
        let near = near.flat_map(|(number, page)| (number * PAGE..).zip(*page).filter_map(|(fd, life)| Some((fd as i32, life?))));
        near.chain(self.far.into_iter().map(|((_, fd), life)| (fd, life)))
    }
}

/// The page and slot of a low number of the traced process.
#[inline]
fn near(group: u32, fd: i32) -> Option<(usize, usize)> {
    let fd = usize::try_from(fd).ok().filter(|&fd| group == 0 && fd < NEAR)?;
    Some((fd / PAGE, fd % PAGE))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lives_are_those_of_a_map() {
        let (mut lives, mut map) = (Lives::default(), FxHashMap::default());
        let mut state = 1u64;
        for line in 0..20_000 {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let group = (state >> 33) as u32 % 2;
            let fd = [(state >> 40) as i32 % 300, NEAR as i32 - 1 + (state >> 40) as i32 % 3, -1][(state >> 60) as usize % 3];
            let life = Life { origin: Origin::Accept, stage: Stage::NotTried, flags: 0, errno: 0, remote: 0, line, tid: 0 };
            match state >> 20 & 3 {
                0 => assert_eq!(lives.remove(group, fd), map.remove(&(group, fd))),
                1 => assert_eq!(lives.get_mut(group, fd), map.get_mut(&(group, fd))),
                _ => assert_eq!(lives.insert(group, fd, life), map.insert((group, fd), life)),
            }
            assert_eq!(lives.count, map.len());
        }
        let mut left: Vec<(i32, u32)> = lives.into_all().map(|(fd, life)| (fd, life.line)).collect();
        let mut right: Vec<(i32, u32)> = map.iter().map(|((_, fd), life)| (*fd, life.line)).collect();
        left.sort_unstable();
        right.sort_unstable();
        assert_eq!(left, right);
    }

    #[test]
    fn past_the_bound_new_lives_are_counted_and_old_ones_go_on() {
        let life = Life { origin: Origin::Accept, stage: Stage::NotTried, flags: 0, errno: 0, remote: 0, line: 1, tid: 0 };
        let mut lives = Lives::default();
        lives.insert(0, 3, life);
        lives.count = MAX_LIVES;
        assert_eq!(lives.insert(0, 4, life), None);
        assert_eq!(lives.insert(0, 3, Life { line: 2, ..life }), Some(life));
        assert_eq!((lives.get_mut(0, 4).copied(), lives.get_mut(0, 3).map(|l| l.line)), (None, Some(2)));
        assert_eq!(lives.left_out, 1);
    }

    #[test]
    fn one_life_is_four_words() {
        assert_eq!((size_of::<Life>(), size_of::<Option<Life>>()), (16, 16));
    }
}
