//! Sets of inodes as sorted vectors: four bytes an entry, joined by walking both.

use crate::capture::sockets::{Inodes, Sockets};
use std::ops::Range;

/// Listings of so many sockets are not copied to be joined.
const LARGE: usize = 1 << 14;
/// So many of them are read side by side, at most: each is asked at each step.
const STREAMS: usize = 8;
/// Fewer entries are sorted by comparing them.
const FEW: usize = 512;
/// Bits of a digit by which more are sorted.
const DIGIT: u32 = 11;

/// Sorts and drops repetitions.
pub fn sorted(mut inodes: Vec<u32>) -> Vec<u32> {
    sort_by_number(&mut inodes, |&inode| inode);
    inodes.dedup();
    inodes.shrink_to_fit();
    inodes
}

/// Sorts by a number of each, equal ones staying in their order: digit by digit, because what comes here are a million numbers of a few
/// thousand listings, which to compare takes ten times as many steps.
pub fn sort_by_number<T: Copy + Default>(all: &mut Vec<T>, number: impl Fn(&T) -> u32) {
    if all.len() < FEW {
        return all.sort_by_key(number);
    }
    let mut next = vec![T::default(); all.len()];
    for shift in (0..u32::BITS).step_by(DIGIT as usize) {
        let digit = |entry: &T| (number(entry) >> shift) as usize % (1 << DIGIT);
        // How many there are of each digit, and then where the next one of it goes.
        let mut places = [0u32; 1 << DIGIT];
        for entry in all.iter() {
            places[digit(entry)] += 1; // a digit is below 1 << DIGIT
        }
        let alike = all.first().is_some_and(|first| places[digit(first)] as usize == all.len()); // a digit
        if alike {
            continue;
        }
        let mut before = 0;
        for place in &mut places {
            before += std::mem::replace(place, before);
        }
        for entry in all.iter() {
            let place = &mut places[digit(entry)]; // a digit
            if let Some(free) = next.get_mut(*place as usize) {
                *free = *entry;
            }
            *place += 1;
        }
        std::mem::swap(all, &mut next);
    }
}

/// How many of the sorted `a` are not in the sorted `b`.
pub fn missing(a: impl IntoIterator<Item = u32>, b: &[u32]) -> usize {
    let mut rest = b;
    a.into_iter().filter(|&x| !advance(&mut rest, x)).count()
}

/// The same of one listing, which is not read where nothing of `b` is near.
pub fn missing_of(sockets: &Sockets, b: &[u32]) -> usize {
    match sockets.span().map(|span| within(b, span)) {
        Some(near) if !near.is_empty() => missing(sockets.inodes(), near),
        _ => sockets.distinct(),
    }
}

/// What of a sorted slice lies between two numbers, both included.
fn within(all: &[u32], (low, high): (u32, u32)) -> &[u32] {
    all.get(range(all, (low, high))).unwrap_or(&[])
}

fn range(all: &[u32], (low, high): (u32, u32)) -> Range<usize> {
    all.partition_point(|&x| x < low)..all.partition_point(|&x| x <= high)
}

/// The different inodes of many listings. Those of the few largest are read as they are needed: copied, and sorted together with all others,
/// they would take more memory than everything that is kept of a capture.
pub struct Union<'a> {
    /// Of all but the largest, sorted.
    rest: Vec<u32>,
    /// Of the largest, and what of `rest` lies among them: in order, and apart from each other.
    stretches: Vec<Stretch<'a>>,
}

/// Large listings of the same range.
struct Stretch<'a> {
    large: Vec<&'a Sockets>,
    span: (u32, u32),
    among: Range<usize>,
}

impl<'a> Union<'a> {
    /// Of these listings.
    pub fn of(all: impl IntoIterator<Item = &'a Sockets>) -> Union<'a> {
        let (mut large, small): (Vec<_>, Vec<_>) = all.into_iter().filter(|s| !s.is_empty()).partition(|s| s.len() >= LARGE);
        large.sort_unstable_by_key(|s| std::cmp::Reverse(s.len()));
        let others = large.split_off(large.len().min(STREAMS));
        let mut rest = Vec::with_capacity(small.iter().chain(&others).map(|s| s.distinct()).sum());
        small.iter().chain(&others).for_each(|s| rest.extend(s.inodes()));
        let rest = sorted(rest);
        let mut stretches: Vec<Stretch<'a>> = Vec::new();
        large.sort_unstable_by_key(|s| s.span());
        for sockets in large {
            let span = sockets.span().unwrap_or_default();
            match stretches.last_mut().filter(|s| span.0 <= s.span.1) {
                Some(stretch) => {
                    stretch.large.push(sockets);
                    stretch.span.1 = stretch.span.1.max(span.1);
                }
                None => stretches.push(Stretch { large: vec![sockets], span, among: 0..0 }),
            }
        }
        stretches.iter_mut().for_each(|s| s.among = range(&rest, s.span));
        Union { rest, stretches }
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.fold(|part| part.len(), |large| large.distinct(), |mixed| mixed.len())
    }

    /// How many of them are not in the sorted `b`.
    pub fn missing(&self, b: &[u32]) -> usize {
        self.fold(|part| missing(part.iter().copied(), b), |large| missing_of(large, b), |mixed| missing(mixed, b))
    }

    /// All of them, sorted.
    pub fn all(&self) -> Vec<u32> {
        let mut all = Vec::new();
        let mut done = 0;
        for stretch in &self.stretches {
            all.extend(self.part(done..stretch.among.start));
            all.extend(self.mixed(stretch));
            done = stretch.among.end;
        }
        all.extend(self.part(done..self.rest.len()));
        all
    }

    /// Adds up what is told of each part: of those that no large listing is near, of a large listing that is near no other, of what is mixed.
    fn fold(&self, apart: impl Fn(&[u32]) -> usize, alone: impl Fn(&'a Sockets) -> usize, mixed: impl Fn(Mixed<'_, 'a>) -> usize) -> usize {
        let (mut sum, mut done) = (0, 0);
        for stretch in &self.stretches {
            sum += apart(self.part(done..stretch.among.start));
            sum += match stretch.large.as_slice() {
                [only] if stretch.among.is_empty() => alone(only),
                _ => mixed(self.mixed(stretch)),
            };
            done = stretch.among.end;
        }
        sum + apart(self.part(done..self.rest.len()))
    }

    fn part(&self, range: Range<usize>) -> &[u32] {
        self.rest.get(range).unwrap_or(&[])
    }

    fn mixed(&self, stretch: &Stretch<'a>) -> Mixed<'_, 'a> {
        let mut large: Vec<Inodes<'a>> = stretch.large.iter().map(|s| s.inodes()).collect();
        let heads = large.iter_mut().map(next_of).collect();
        Mixed { large, heads, rest: self.part(stretch.among.clone()) }
    }
}

/// Several listings, and a sorted slice, walked side by side.
struct Mixed<'u, 'a> {
    large: Vec<Inodes<'a>>,
    /// The next one of each, or `END`.
    heads: Vec<u64>,
    rest: &'u [u32],
}

/// Above all inodes.
const END: u64 = u64::MAX;

fn next_of(inodes: &mut Inodes<'_>) -> u64 {
    inodes.next().map_or(END, u64::from)
}

impl Mixed<'_, '_> {
    /// How many there are. Two large ones are the usual case: what one program holds, by two tools.
    fn len(mut self) -> usize {
        let ([a, b], &[mut x, mut y]) = (self.large.as_mut_slice(), self.heads.as_slice()) else { return self.count() };
        let mut rest = self.rest.iter().map(|&inode| u64::from(inode));
        let mut z = rest.next().unwrap_or(END);
        let mut count = 0;
        loop {
            let least = x.min(y).min(z);
            if least == END {
                return count;
            }
            count += 1;
            if x == least {
                x = next_of(a);
            }
            if y == least {
                y = next_of(b);
            }
            if z == least {
                z = rest.next().unwrap_or(END);
            }
        }
    }
}

impl Iterator for Mixed<'_, '_> {
    type Item = u32;

    #[inline]
    fn next(&mut self) -> Option<u32> {
        let of_rest = self.rest.first().map_or(END, |&inode| inode.into());
        let next = self.heads.iter().fold(of_rest, |least, &head| least.min(head));
        if next == END {
            return None;
        }
        for (head, inodes) in self.heads.iter_mut().zip(&mut self.large).filter(|(head, _)| **head == next) {
            *head = next_of(inodes);
        }
        if of_rest == next {
            self.rest = self.rest.get(1..).unwrap_or(&[]);
        }
        Some(next as u32)
    }
}

/// Large listings that are asked for inodes in order: each is read only where one that is asked for may be in it.
pub struct Asked<'a>(Vec<(Sought<'a>, (u32, u32))>);

struct Sought<'a> {
    inodes: Inodes<'a>,
    head: u64,
}

impl<'a> Asked<'a> {
    /// These listings.
    pub fn of(all: impl IntoIterator<Item = &'a Sockets>) -> Asked<'a> {
        let sought = |s: &'a Sockets| {
            let (mut inodes, span) = (s.inodes(), s.span()?);
            let head = next_of(&mut inodes);
            Some((Sought { inodes, head }, span))
        };
        Asked(all.into_iter().filter_map(sought).collect())
    }

    /// Whether one of them has this inode, which is above all that were asked for before.
    pub fn have(&mut self, inode: u32) -> bool {
        let near = self.0.iter_mut().filter(|(_, span)| span.0 <= inode && inode <= span.1);
        near.fold(false, |found, (sought, _)| sought.has(inode) || found)
    }
}

impl Sought<'_> {
    fn has(&mut self, inode: u32) -> bool {
        while self.head < u64::from(inode) {
            self.head = next_of(&mut self.inodes);
        }
        self.head == u64::from(inode)
    }
}

/// Entries sorted by inode, every so many of which is kept once more, beside the others: where what is asked for lies anywhere among a million,
/// all steps of the search but the last few are made in those, which a cache holds.
#[derive(Debug, Default)]
pub struct Marked<T> {
    all: Vec<T>,
    marks: Vec<u32>,
}

/// How many entries there are to a mark.
const MARKED: usize = 16;

/// Entries that are asked for in order.
pub struct Ordered<'m, T> {
    of: &'m Marked<T>,
    /// The first entry that may be one that is asked for next.
    at: usize,
}

impl<T> Marked<T> {
    /// Of entries that are sorted by this number.
    pub fn of(all: Vec<T>, inode: impl Fn(&T) -> u32) -> Marked<T> {
        let marks = all.iter().step_by(MARKED).map(inode).collect();
        Marked { all, marks }
    }

    /// All of them.
    pub fn all(&self) -> &[T] {
        &self.all
    }

    /// From the first one on.
    pub fn ordered(&self) -> Ordered<'_, T> {
        Ordered { of: self, at: 0 }
    }
}

impl<'m, T> Ordered<'m, T> {
    /// The entry of an inode, which is not below any that was asked for before.
    #[inline]
    pub fn find(&mut self, inode: u32, by: impl Fn(&T) -> u32) -> Option<&'m T> {
        self.first_from(inode, &by).filter(|entry| by(entry) == inode)
    }

    /// The first entry that is not below an inode.
    #[inline]
    pub fn first_from(&mut self, inode: u32, by: impl Fn(&T) -> u32) -> Option<&'m T> {
        // Mostly it is the next one, or there is none before some later one.
        let next = self.of.all.get(self.at)?;
        if by(next) >= inode {
            return Some(next);
        }
        self.go_to(inode, &by);
        self.of.all.get(self.at)
    }

    fn go_to(&mut self, inode: u32, by: &impl Fn(&T) -> u32) {
        // The mark of the entry it stands at is below.
        let mut marks = self.of.marks.get(self.at / MARKED..).unwrap_or(&[]);
        let from = marks.len();
        advance(&mut marks, inode);
        // Where one is equal, the entry of the mark is; else it is among those of the mark before.
        let passed = from - marks.len();
        let start = if passed > 1 { (self.at / MARKED + passed - 1) * MARKED } else { self.at };
        let end = (self.at / MARKED + passed) * MARKED + 1;
        let near = self.of.all.get(start..end.min(self.of.all.len())).unwrap_or(&[]);
        self.at = start + near.partition_point(|entry| by(entry) < inode);
    }
}

/// Drops what is below `x` from a sorted slice; whether `x` comes first then. The steps double, because a host has thousands of processes
/// with a few sockets each, and walking the whole table for each of them would take their product.
#[inline]
pub fn advance(rest: &mut &[u32], x: u32) -> bool {
    advance_by(rest, x, |&y| y)
}

/// The same of entries that are sorted by a part of theirs.
#[inline]
pub fn advance_by<T>(rest: &mut &[T], x: u32, by: impl Fn(&T) -> u32) -> bool {
    // Mostly it is the next one, or there is none before some later one.
    match rest.first().map(&by) {
        None => return false,
        Some(first) if first >= x => return first == x,
        Some(_) => {}
    }
    let mut step = 1;
    while rest.get(step).is_some_and(|y| by(y) < x) {
        *rest = rest.get(step..).unwrap_or(&[]);
        step *= 2;
    }
    let near = rest.get(..=step).unwrap_or(rest);
    let below = near.partition_point(|y| by(y) < x);
    *rest = rest.get(below..).unwrap_or(&[]);
    rest.first().is_some_and(|y| by(y) == x)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn differences() {
        let (a, b) = (sorted(vec![5, 1, 3, 3, 9]), sorted(vec![3, 4, 9]));
        assert_eq!(a, [1, 3, 5, 9]);
        assert_eq!(missing(a.iter().copied(), &b), 2);
        assert_eq!(missing(a, &[]), 4);
    }

    #[test]
    fn each_inode_of_many_listings_once() {
        let listing = |from: u32, count: u32| {
            let mut sockets = Sockets::default();
            (from..from + count).for_each(|n| sockets.push(n * 2, n));
            sockets
        };
        let many: Vec<Sockets> = (0..20).map(|n| listing(n * 9_000, if n % 7 == 6 { 300 } else { 20_000 })).collect();
        let all = sorted(many.iter().flat_map(Sockets::inodes).collect());
        let union = Union::of(&many);
        assert_eq!((union.all(), union.count()), (all.clone(), all.len()));
        for table in [vec![], vec![7], all.iter().copied().step_by(3).collect(), (0..400_000).step_by(5).collect()] {
            assert_eq!(union.missing(&table), missing(all.iter().copied(), &table));
        }
    }

    #[test]
    fn large_listings_apart_from_each_other_and_from_small_ones() {
        let listing = |from: u32, count: u32| {
            let mut sockets = Sockets::default();
            (from..from + count).for_each(|n| sockets.push(n, n));
            sockets
        };
        let many = [listing(100_000, 20_000), listing(300_000, 20_000), listing(5, 10), listing(200_000, 10), listing(310_000, 30_000)];
        let union = Union::of(&many);
        assert_eq!((union.count(), union.all().len()), (60_020, 60_020));
        assert!(union.all().is_sorted());
        assert_eq!(union.missing(&[7, 110_000, 250_000, 339_999, 340_000]), 60_017);
        let two = [listing(0, 20_000), listing(10_000, 20_000)];
        assert_eq!(
            (Union::of(&two).count(), Union::of(two.iter().rev()).count(), Union::of([&two[0], &two[0]]).count()),
            (30_000, 30_000, 20_000)
        );
        let mut asked = Asked::of(&many[..2]);
        assert_eq!([5, 100_000, 119_999, 120_000, 300_007].map(|n| asked.have(n)), [false, true, true, false, true]);
    }

    #[test]
    fn sorted_by_digits_as_by_comparing() {
        let mut state = 1u64;
        let mut random = |bits: u32| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (state >> (64 - bits)) as u32
        };
        for bits in [3, 11, 20, 32] {
            let all: Vec<(u32, u32)> = (0..3000).map(|n| (random(bits), n)).collect();
            let (mut digits, mut compared) = (all.clone(), all);
            sort_by_number(&mut digits, |e| e.0);
            compared.sort_by_key(|e| e.0);
            assert_eq!(digits, compared, "{bits}");
        }
    }

    #[test]
    fn marked_entries_of_any_spacing() {
        for count in [0, 1, 63, 64, 65, 129, 2000] {
            let all: Vec<u32> = (0..count).map(|n| n * 3 + n % 2).collect();
            let marked = Marked::of(all.clone(), |&n| n);
            for stride in [1, 2, 5, 64, 190, 193, 400, 3000] {
                let mut asked = marked.ordered();
                for n in (0..count * 3 + 400).step_by(stride) {
                    let next = all.iter().find(|&&entry| entry >= n);
                    assert_eq!(asked.first_from(n, |&n| n), next, "{n} of {count}, stride {stride}");
                    assert_eq!(asked.find(n, |&n| n), next.filter(|&&entry| entry == n), "{n} of {count}, stride {stride}");
                }
            }
        }
    }

    #[test]
    fn differences_of_any_spacing() {
        let b: Vec<u32> = (0..2000).filter(|n| n % 7 < 3).map(|n| n * 3).collect();
        for stride in 1..200 {
            let a: Vec<u32> = (0..6500).step_by(stride).collect();
            let want = a.iter().filter(|x| b.binary_search(x).is_err()).count();
            assert_eq!(missing(a, &b), want, "stride {stride}");
        }
    }
}
