//! Sets of inodes as sorted vectors: four bytes an entry, joined by walking both.

use crate::capture::sockets::Sockets;

/// Listings of so many sockets are not copied to be joined.
const LARGE: usize = 1 << 14;
/// So many of them are read side by side, at most: each is asked at each step.
const STREAMS: usize = 8;

/// Sorts and drops repetitions. What comes here are the sorted lists of many processes one after the other: merging them, which only the
/// stable sort does, takes less than sorting all.
pub fn sorted(mut inodes: Vec<u32>) -> Vec<u32> {
    inodes.sort();
    inodes.dedup();
    inodes.shrink_to_fit();
    inodes
}

/// How many of the sorted `a` are not in the sorted `b`.
pub fn missing(a: impl IntoIterator<Item = u32>, b: &[u32]) -> usize {
    let mut rest = b;
    a.into_iter().filter(|&x| !advance(&mut rest, x)).count()
}

/// The entries of the sorted `a` that are not in the sorted `b`.
pub fn without(a: impl IntoIterator<Item = u32>, b: &[u32]) -> impl Iterator<Item = u32> {
    let mut rest = b;
    a.into_iter().filter(move |&x| !advance(&mut rest, x))
}

/// The different inodes of many listings, in order. Those of the few largest are read as they are needed: copied, and sorted together with
/// all others, they would take more memory than everything that is kept of a capture.
pub fn union<'a>(all: impl IntoIterator<Item = &'a Sockets>) -> impl Iterator<Item = u32> + 'a {
    let (mut large, small): (Vec<_>, Vec<_>) = all.into_iter().partition(|s| s.len() >= LARGE);
    large.sort_unstable_by_key(|s| std::cmp::Reverse(s.len()));
    let others = large.split_off(large.len().min(STREAMS));
    let mut rest = Vec::with_capacity(small.iter().chain(&others).map(|s| s.distinct()).sum());
    small.iter().chain(&others).for_each(|s| rest.extend(s.inodes()));
    let mut rest = sorted(rest).into_iter().peekable();
    let mut streams: Vec<_> = large.into_iter().map(|s| s.inodes().peekable()).collect();
    std::iter::from_fn(move || {
        let next = streams.iter_mut().filter_map(|s| s.peek().copied()).chain(rest.peek().copied()).min()?;
        streams.iter_mut().for_each(|s| {
            s.next_if_eq(&next);
        });
        rest.next_if_eq(&next);
        Some(next)
    })
}

/// Drops what is below `x` from a sorted slice; whether `x` comes first then. The steps double, because a host has thousands of processes
/// with a few sockets each, and walking the whole table for each of them would take their product.
#[inline]
fn advance(rest: &mut &[u32], x: u32) -> bool {
    advance_by(rest, x, |&y| y)
}

/// The same of entries that are sorted by a part of theirs.
#[inline]
pub fn advance_by<T>(rest: &mut &[T], x: u32, by: impl Fn(&T) -> u32) -> bool {
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
        assert!(without(a.iter().copied(), &b).eq([1, 5]));
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
        let all = union(&many);
        assert_eq!(sorted(many.iter().flat_map(Sockets::inodes).collect()), all.collect::<Vec<_>>());
    }

    #[test]
    fn differences_of_any_spacing() {
        let b: Vec<u32> = (0..2000).filter(|n| n % 7 < 3).map(|n| n * 3).collect();
        for stride in 1..200 {
            let a: Vec<u32> = (0..6500).step_by(stride).collect();
            let want: Vec<u32> = a.iter().copied().filter(|x| b.binary_search(x).is_err()).collect();
            assert!(without(a.iter().copied(), &b).eq(want.iter().copied()), "stride {stride}");
            assert_eq!(missing(a, &b), want.len());
        }
    }
}
