//! Counts that are being added to.
//!
//! Keys stand in one plain vector in the order in which they came. Rows only append to it: equal keys are put together when it is full,
//! because a look-up for every row would touch memory that a thousand other counts have driven out of the cache meanwhile. An index of two
//! bytes a slot comes once there are many.

use rustc_hash::FxHasher;
use std::hash::{Hash, Hasher};

/// How many different keys are counted one by one; what comes after shares one count, and the whole is marked inexact.
pub(super) const MAX_KEYS: usize = 4096;
/// Up to so many keys are searched one after the other.
const FEW: usize = 8;
/// How many keys are deferred at most before there is an index.
const DEFERRED: usize = 1024;
/// A slot of the index without a key.
const FREE: u16 = u16::MAX;

/// Counts by key, being added to.
#[derive(Clone, Debug)]
pub(super) struct Counts<K> {
    /// Keys in the order in which they came.
    pub(super) entries: Vec<(K, u32)>,
    /// Numbers of entries by hash, at most half full; empty while there are few, or keys are deferred.
    index: Vec<u16>,
    /// The entry counted last: rows of a kind come in runs.
    last: u32,
    /// Its key, where it can be compared without waiting for the entries: mostly the cache has lost them since.
    latest: Option<K>,
    /// So many entries differ from each other; those behind may repeat them.
    settled: u32,
    /// What has no key, or found no room.
    pub(super) rest: u64,
}

impl<K: Copy> Counts<K> {
    /// What was counted before, to go on from.
    pub(super) fn of(entries: &[(K, u32)], rest: u64) -> Self {
        let mut own = Vec::with_capacity((entries.len() + 1).next_power_of_two().max(4));
        own.extend_from_slice(entries);
        Counts { entries: own, index: Vec::new(), last: 0, latest: None, settled: entries.len() as u32, rest }
    }
}

impl<K: Copy + Eq + Hash> Counts<K> {
    /// Adds to a key; what does not fit is given back.
    #[inline]
    pub(super) fn add(&mut self, key: K, n: u64) -> u64 {
        if self.latest == Some(key) { self.add_latest(n) } else { self.add_other(key, n) }
    }

    #[inline]
    fn add_latest(&mut self, n: u64) -> u64 {
        self.entries.get_mut(self.last as usize).map_or(n, |entry| more(&mut entry.1, n))
    }

    /// Adds to a key by appending it; what does not fit is given back.
    #[inline]
    pub(super) fn defer_many(&mut self, key: K, n: u32) -> u64 {
        if self.latest == Some(key) {
            return self.add_latest(u64::from(n));
        }
        if !self.index.is_empty() {
            return self.add_other(key, u64::from(n));
        }
        let left = if self.entries.len() == self.entries.capacity() { self.make_room() } else { 0 };
        // There may be an index now.
        if !self.index.is_empty() {
            return left + self.add_other(key, u64::from(n));
        }
        (self.last, self.latest) = (self.entries.len() as u32, Some(key));
        self.entries.push((key, n));
        left
    }

    /// Puts equal keys together before the vector would have to grow, and lets it grow where they hardly repeat.
    #[cold]
    fn make_room(&mut self) -> u64 {
        let left = self.settle();
        if self.entries.len() > DEFERRED {
            self.enter_all();
        } else if self.entries.len() * 4 > self.entries.capacity() * 3 {
            self.entries.reserve(self.entries.len().max(FEW));
        }
        left
    }

    /// Puts equal keys together; what does not fit is given back.
    pub(super) fn settle(&mut self) -> u64 {
        let count = self.entries.len();
        if self.settled as usize == count {
            return 0;
        }
        let mask = (count * 2).next_power_of_two() - 1;
        let mut slots = vec![FREE; mask + 1];
        let (mut kept, mut left) = (0, 0);
        for number in 0..count {
            let Some(&(key, n)) = self.entries.get(number) else { break };
            let mut slot = hash(&key) & mask;
            loop {
                match slots.get_mut(slot) {
                    Some(place) if *place == FREE => {
                        *place = kept as u16;
                        if let Some(entry) = self.entries.get_mut(kept) {
                            *entry = (key, n);
                        }
                        kept += 1;
                        break;
                    }
                    Some(place) => match self.entries.get_mut(usize::from(*place)) {
                        Some(entry) if entry.0 == key => {
                            left += more(&mut entry.1, u64::from(n));
                            break;
                        }
                        _ => slot = (slot + 1) & mask,
                    },
                    // Not reached: the mask keeps it inside.
                    None => break,
                }
            }
        }
        self.entries.truncate(kept);
        (self.settled, self.latest) = (kept as u32, None);
        left
    }

    fn add_other(&mut self, key: K, n: u64) -> u64 {
        if self.index.is_empty() && self.entries.len() > FEW {
            self.enter_all();
        }
        match self.find(&key) {
            Some(number) => {
                (self.last, self.latest) = (number as u32, Some(key));
                self.entries.get_mut(number).map_or(n, |entry| more(&mut entry.1, n))
            }
            None if self.entries.len() >= MAX_KEYS => n,
            None => {
                let mut count = 0;
                let left = more(&mut count, n);
                (self.last, self.latest) = (self.entries.len() as u32, Some(key));
                self.entries.push((key, count));
                self.settled = self.entries.len() as u32;
                self.enter();
                left
            }
        }
    }

    /// The number of a key's entry.
    #[inline]
    pub(super) fn find(&self, key: &K) -> Option<usize> {
        if self.index.is_empty() {
            return self.entries.iter().position(|e| e.0 == *key);
        }
        let mask = self.index.len() - 1;
        let mut slot = hash(key) & mask;
        // At most half of the slots are taken, so that a free one is found.
        loop {
            let number = *self.index.get(slot)?;
            if number == FREE {
                return None;
            }
            if self.entries.get(usize::from(number)).is_some_and(|e| e.0 == *key) {
                return Some(usize::from(number));
            }
            slot = (slot + 1) & mask;
        }
    }

    /// Enters the newest key into the index.
    fn enter(&mut self) {
        let count = self.entries.len();
        if count <= FEW {
            return;
        }
        if count * 2 > self.index.len() {
            self.enter_all();
        } else {
            self.enter_one(count - 1);
        }
    }

    /// Makes the index of all keys.
    fn enter_all(&mut self) {
        let count = self.entries.len();
        self.index.clear();
        self.index.resize((count * 4).next_power_of_two(), FREE);
        (0..count).for_each(|n| self.enter_one(n));
    }

    fn enter_one(&mut self, number: usize) {
        let Some(entry) = self.entries.get(number) else { return };
        let mask = self.index.len() - 1;
        let mut slot = hash(&entry.0) & mask;
        while let Some(place) = self.index.get_mut(slot) {
            if *place == FREE {
                *place = number as u16;
                return;
            }
            slot = (slot + 1) & mask;
        }
    }
}

/// Adds to a count; what does not fit is given back.
#[inline]
fn more(count: &mut u32, n: u64) -> u64 {
    let room = u64::from(u32::MAX - *count);
    *count += n.min(room) as u32;
    n.saturating_sub(room)
}

#[inline]
fn hash(key: &impl Hash) -> usize {
    let mut hasher = FxHasher::default();
    key.hash(&mut hasher);
    // The high bits are the well mixed ones.
    (hasher.finish() >> 32) as usize
}
