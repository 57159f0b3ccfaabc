//! Counts by key with a bound: which remotes, which ports, how often.

use rustc_hash::FxHashMap;
use std::hash::Hash;

/// How many different keys are counted one by one; what comes after shares one count, and the whole is marked inexact.
const MAX_KEYS: usize = 4096;

/// Counts by key.
#[derive(Clone, Debug)]
pub struct Tops<K> {
    counts: FxHashMap<K, u64>,
    rest: u64,
}

impl<K> Default for Tops<K> {
    fn default() -> Self {
        Tops { counts: FxHashMap::default(), rest: 0 }
    }
}

impl<K: Copy + Eq + Hash + Ord> Tops<K> {
    /// Counts one more of a key.
    pub fn add(&mut self, key: K) {
        self.add_many(key, 1);
    }

    /// Counts `n` more of a key.
    pub fn add_many(&mut self, key: K, n: u64) {
        if let Some(count) = self.counts.get_mut(&key) {
            *count += n;
        } else if self.counts.len() < MAX_KEYS {
            self.counts.insert(key, n);
        } else {
            self.rest += n;
        }
    }

    /// The counts, largest first, equal ones by key.
    pub fn sorted(&self) -> Vec<(K, u64)> {
        let mut all: Vec<_> = self.counts.iter().map(|(&k, &n)| (k, n)).collect();
        all.sort_unstable_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(&b.0)));
        all
    }

    /// The most frequent key with its count.
    pub fn first(&self) -> Option<(K, u64)> {
        self.counts.iter().map(|(&k, &n)| (k, n)).max_by(|a, b| a.1.cmp(&b.1).then(b.0.cmp(&a.0)))
    }

    /// How many different keys there are, at least.
    pub fn distinct(&self) -> u64 {
        self.counts.len() as u64 + u64::from(self.rest > 0)
    }

    /// How much was counted in all.
    pub fn total(&self) -> u64 {
        self.counts.values().sum::<u64>() + self.rest
    }

    /// The count of one key.
    pub fn get(&self, key: &K) -> u64 {
        self.counts.get(key).copied().unwrap_or(0)
    }

    /// Adds all counts of another.
    pub fn merge(&mut self, other: &Tops<K>) {
        for (key, n) in other.sorted() {
            self.add_many(key, n);
        }
        self.rest += other.rest;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounded_but_nothing_is_lost_from_the_total() {
        let mut tops = Tops::default();
        for i in 0..10_000u32 {
            tops.add(i);
            tops.add(7);
        }
        assert_eq!(tops.first(), Some((7, 10_001)));
        assert_eq!(tops.total(), 20_000);
        assert!(tops.distinct() as usize <= MAX_KEYS + 1);
    }
}
