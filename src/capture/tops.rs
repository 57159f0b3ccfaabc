//! Counts by key with a bound: which remotes, which ports, how often.
//!
//! A capture has thousands of these, one or two for each group of rows, most with a key or two. What has been read is sealed, after which
//! copies share it.

use super::counts::{Counts, MAX_KEYS};
use std::hash::Hash;
use std::sync::Arc;

/// Counts by key.
#[derive(Clone, Debug)]
pub struct Tops<K>(Shared<K>);

#[derive(Clone, Debug)]
enum Shared<K> {
    /// Nothing yet: most of the counts of a capture stay so, and take no more than this.
    None,
    /// One key and no rest: what most others come to.
    One((K, u32)),
    /// Being added to.
    Own(Box<Counts<K>>),
    /// Sealed; copied when it is added to again.
    Sealed(Arc<Sealed<K>>),
    /// The same, of which some has no key.
    Partly(Arc<Sealed<K>>),
}

#[derive(Debug)]
struct Sealed<K> {
    /// The largest in front, which is asked for most.
    entries: Box<[(K, u32)]>,
    /// All of them together, and what has no key.
    total: u64,
}

impl<K> Default for Tops<K> {
    fn default() -> Self {
        Tops(Shared::None)
    }
}

impl<K: Copy + Eq + Hash + Ord> Tops<K> {
    /// Counts one more of a key.
    #[inline]
    pub fn add(&mut self, key: K) {
        self.add_many(key, 1);
    }

    /// Counts `n` more of a key.
    #[inline]
    pub fn add_many(&mut self, key: K, n: u64) {
        if self.add_only(key, n) {
            return;
        }
        let counts = self.own();
        let left = counts.add(key, n);
        counts.rest = counts.rest.saturating_add(left);
    }

    /// Counts one more of a key, to be put together with equal ones by [`Tops::seal`]: nothing else may be asked before.
    #[inline]
    pub fn defer(&mut self, key: K) {
        self.defer_many(key, 1);
    }

    /// Counts `n` more of a key, as [`Tops::defer`] does.
    #[inline]
    pub fn defer_many(&mut self, key: K, n: u32) {
        if self.add_only(key, u64::from(n)) {
            return;
        }
        let counts = self.own();
        let left = counts.defer_many(key, n);
        counts.rest = counts.rest.saturating_add(left);
    }

    /// Counts `n` more that have no key.
    pub fn add_rest(&mut self, n: u64) {
        if n > 0 {
            let counts = self.own();
            counts.rest = counts.rest.saturating_add(n);
        }
    }

    /// The counts, largest first, equal ones by key.
    pub fn sorted(&self) -> Vec<(K, u64)> {
        let mut all: Vec<_> = self.iter().collect();
        all.sort_unstable_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(&b.0)));
        all
    }

    /// The counts in no order that means anything.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (K, u64)> + '_ {
        self.entries().iter().map(|&(k, n)| (k, u64::from(n)))
    }

    /// The `most` largest counts that pass a test, in the order of [`Tops::sorted`]: one look at each, because few are asked for of thousands.
    pub fn top(&self, most: usize, pass: impl Fn(&K) -> bool) -> Vec<(K, u64)> {
        if most == 1
            && let Some((largest, n)) = self.in_front().filter(|(key, _)| pass(key))
        {
            return vec![(largest, n)];
        }
        let mut top: Vec<(K, u64)> = Vec::with_capacity(most + 1);
        for (key, n) in self.iter().filter(|(key, _)| pass(key)) {
            if top.len() == most && top.last().is_some_and(|&(last, least)| (n, last) < (least, key)) {
                continue;
            }
            let place = top.partition_point(|&(other, m)| (n, other) < (m, key));
            top.insert(place, (key, n));
            top.truncate(most);
        }
        top
    }

    /// The most frequent key with its count.
    pub fn first(&self) -> Option<(K, u64)> {
        self.in_front().or_else(|| largest(self.entries()).map(|(_, &(key, n))| (key, n.into())))
    }

    /// The most frequent key with its count, where it stands in front.
    fn in_front(&self) -> Option<(K, u64)> {
        let (Shared::Sealed(sealed) | Shared::Partly(sealed)) = &self.0 else { return None };
        sealed.entries.first().map(|&(key, n)| (key, n.into()))
    }

    /// How many different keys there are, at least.
    pub fn distinct(&self) -> u64 {
        let rest = match &self.0 {
            Shared::Own(counts) => counts.rest > 0,
            other => matches!(other, Shared::Partly(_)),
        };
        self.entries().len() as u64 + u64::from(rest)
    }

    /// How much was counted in all.
    pub fn total(&self) -> u64 {
        match &self.0 {
            Shared::Sealed(sealed) | Shared::Partly(sealed) => sealed.total,
            _ => sum(self.entries()).saturating_add(self.rest()),
        }
    }

    /// The count of one key.
    pub fn get(&self, key: &K) -> u64 {
        let entry = match &self.0 {
            Shared::Own(counts) => counts.find(key).and_then(|n| counts.entries.get(n)),
            _ => self.entries().iter().find(|e| e.0 == *key),
        };
        entry.map_or(0, |e| u64::from(e.1))
    }

    /// Adds all counts of another.
    pub fn merge(&mut self, other: &Tops<K>) {
        let (mine, others) = (self.entries().len(), other.entries().len());
        if mine == 0 {
            let rest = self.rest();
            self.0 = other.0.clone();
            return self.add_rest(rest);
        }
        if mine >= MAX_KEYS || mine + others <= MAX_KEYS {
            other.iter().for_each(|(key, n)| self.add_many(key, n));
        } else {
            // There may not be room for all: the frequent ones go first.
            other.sorted().into_iter().for_each(|(key, n)| self.add_many(key, n));
        }
        self.add_rest(other.rest());
    }

    /// The same counts under other keys, sealed.
    pub fn renamed(&self, mut name: impl FnMut(K) -> K) -> Tops<K> {
        let mut other = Tops::default();
        self.sorted().into_iter().for_each(|(key, n)| other.add_many(name(key), n));
        other.add_rest(self.rest());
        other.seal();
        other
    }

    /// All has been counted: from now on copies cost nothing.
    pub fn seal(&mut self) {
        if let Shared::Own(counts) = &mut self.0 {
            let left = counts.settle();
            let rest = counts.rest.saturating_add(left);
            if let Some((place, _)) = largest(&counts.entries) {
                counts.entries.swap(0, place);
            }
            // What was reserved and the index go: whoever adds to a copy makes its own.
            self.0 = match (counts.entries.as_slice(), rest) {
                ([], 0) => Shared::None,
                ([only], 0) => Shared::One(*only),
                (entries, rest) => {
                    let sealed = Arc::new(Sealed { entries: entries.into(), total: sum(entries).saturating_add(rest) });
                    if rest == 0 { Shared::Sealed(sealed) } else { Shared::Partly(sealed) }
                }
            };
        }
    }

    /// Counts while there is one key and no rest, as most counts of a capture stay: nothing is allocated. Whether it could.
    #[inline]
    fn add_only(&mut self, key: K, n: u64) -> bool {
        match &mut self.0 {
            Shared::None => {
                let Ok(n) = u32::try_from(n) else { return false };
                self.0 = Shared::One((key, n));
                true
            }
            Shared::One((only, count)) if *only == key && n <= u64::from(u32::MAX - *count) => {
                *count += n as u32;
                true
            }
            _ => false,
        }
    }

    fn rest(&self) -> u64 {
        match &self.0 {
            Shared::None | Shared::One(_) | Shared::Sealed(_) => 0,
            Shared::Own(counts) => counts.rest,
            Shared::Partly(sealed) => sealed.total.saturating_sub(sum(&sealed.entries)),
        }
    }

    #[inline]
    fn entries(&self) -> &[(K, u32)] {
        match &self.0 {
            Shared::None => &[],
            Shared::One(entry) => std::slice::from_ref(entry),
            Shared::Own(counts) => &counts.entries,
            Shared::Sealed(sealed) | Shared::Partly(sealed) => &sealed.entries,
        }
    }

    #[inline]
    fn own(&mut self) -> &mut Counts<K> {
        if !matches!(self.0, Shared::Own(_)) {
            self.make_own();
        }
        match &mut self.0 {
            Shared::Own(counts) => counts,
            // Not reached: it was made its own above.
            _ => unreachable!("counts that are added to are their own"),
        }
    }

    #[cold]
    fn make_own(&mut self) {
        self.0 = Shared::Own(Box::new(Counts::of(self.entries(), self.rest())));
    }
}

/// The largest count with its place, of equal ones that of the first key.
fn largest<K: Ord>(entries: &[(K, u32)]) -> Option<(usize, &(K, u32))> {
    entries.iter().enumerate().max_by(|(_, a), (_, b)| a.1.cmp(&b.1).then_with(|| b.0.cmp(&a.0)))
}

fn sum<K>(entries: &[(K, u32)]) -> u64 {
    entries.iter().map(|entry| u64::from(entry.1)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_of_ends_take_sixteen_bytes() {
        assert_eq!(size_of::<Tops<crate::capture::End>>(), 16);
    }

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

    #[test]
    fn counts_are_those_of_a_map() {
        let mut tops = Tops::default();
        let mut map = std::collections::BTreeMap::new();
        let mut state = 1u64;
        for _ in 0..20_000 {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let key = (state >> 40) as u32 % 3000;
            tops.add(key);
            *map.entry(key).or_insert(0u64) += 1;
        }
        assert!(map.iter().all(|(k, &n)| tops.get(k) == n));
        assert_eq!((tops.get(&4000), tops.distinct()), (0, map.len() as u64));
    }

    #[test]
    fn deferred_counts_are_those_of_a_map_once_sealed() {
        for distinct in [1, 5, 9, 60, 900, 1100, 3000] {
            let (mut tops, mut map, mut state) = (Tops::default(), std::collections::BTreeMap::new(), 1u64);
            for _ in 0..20_000 {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                let key = (state >> 40) as u32 % distinct;
                tops.defer(key);
                *map.entry(key).or_insert(0u64) += 1;
            }
            tops.seal();
            assert!(map.iter().all(|(k, &n)| tops.get(k) == n), "{distinct}");
            assert_eq!((tops.get(&4000), tops.distinct(), tops.total()), (0, map.len() as u64, 20_000));
            assert_eq!(tops.top(3, |k| k % 2 == 0), tops.sorted().into_iter().filter(|(k, _)| k % 2 == 0).take(3).collect::<Vec<_>>());
        }
    }

    #[test]
    fn what_is_sealed_tells_the_largest_at_once() {
        let mut tops = Tops::default();
        for (key, n) in [(5u32, 7), (9, 12), (3, 12), (1, 2)] {
            tops.add_many(key, n);
        }
        tops.add_rest(30);
        let before = (tops.first(), tops.top(1, |k| *k != 3), tops.total());
        tops.seal();
        assert_eq!((tops.first(), tops.top(1, |_| true), tops.total()), (Some((3, 12)), vec![(3, 12)], 63));
        assert_eq!((tops.first(), tops.top(1, |k| *k != 3), tops.total()), before);
    }

    #[test]
    fn deferred_keys_are_bounded() {
        let mut tops = Tops::default();
        for i in 0..50_000u32 {
            tops.defer(i);
            tops.defer(7);
        }
        tops.seal();
        assert_eq!((tops.first(), tops.total()), (Some((7, 50_001)), 100_000));
        assert!(tops.distinct() as usize <= MAX_KEYS + 1);
    }

    #[test]
    fn copies_of_what_is_sealed_are_their_own() {
        let mut first = Tops::default();
        (0..100u32).for_each(|i| first.add(i % 20));
        first.seal();
        let mut second = Tops::default();
        second.merge(&first);
        second.merge(&first);
        second.add(99);
        assert_eq!((first.total(), first.get(&3), first.get(&99)), (100, 5, 0));
        assert_eq!((second.total(), second.get(&3), second.get(&99)), (201, 10, 1));
    }

    #[test]
    fn what_exceeds_a_count_stays_in_the_total() {
        let mut tops = Tops::default();
        tops.add_many(1u32, u64::from(u32::MAX));
        tops.add_many(1, 5);
        assert_eq!(tops.total(), u64::from(u32::MAX) + 5);
    }
}
