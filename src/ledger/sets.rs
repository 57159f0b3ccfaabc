//! Sets of inodes as sorted vectors: four bytes an entry, joined by walking both.

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
pub fn without(a: impl IntoIterator<Item = u32>, b: &[u32]) -> Vec<u32> {
    let mut rest = b;
    a.into_iter().filter(|&x| !advance(&mut rest, x)).collect()
}

/// Drops what is below `x` from a sorted slice; whether `x` comes first then. The steps double, because a host has thousands of processes
/// with a few sockets each, and walking the whole table for each of them would take their product.
#[inline]
pub fn advance(rest: &mut &[u32], x: u32) -> bool {
    let mut step = 1;
    while rest.get(step).is_some_and(|&y| y < x) {
        *rest = rest.get(step..).unwrap_or(&[]);
        step *= 2;
    }
    let near = rest.get(..=step).unwrap_or(rest);
    let below = near.partition_point(|&y| y < x);
    *rest = rest.get(below..).unwrap_or(&[]);
    rest.first() == Some(&x)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn differences() {
        let (a, b) = (sorted(vec![5, 1, 3, 3, 9]), sorted(vec![3, 4, 9]));
        assert_eq!(a, [1, 3, 5, 9]);
        assert_eq!(missing(a.iter().copied(), &b), 2);
        assert_eq!(without(a.iter().copied(), &b), [1, 5]);
        assert_eq!(missing(a, &[]), 4);
    }

    #[test]
    fn differences_of_any_spacing() {
        let b: Vec<u32> = (0..2000).filter(|n| n % 7 < 3).map(|n| n * 3).collect();
        for stride in 1..200 {
            let a: Vec<u32> = (0..6500).step_by(stride).collect();
            let want: Vec<u32> = a.iter().copied().filter(|x| b.binary_search(x).is_err()).collect();
            assert_eq!(without(a.iter().copied(), &b), want, "stride {stride}");
            assert_eq!(missing(a, &b), want.len());
        }
    }
}
