//! Sets of inodes as sorted vectors: four bytes an entry, joined by walking both.

/// Sorts and drops repetitions.
pub fn sorted(mut inodes: Vec<u32>) -> Vec<u32> {
    inodes.sort_unstable();
    inodes.dedup();
    inodes
}

/// How many of the sorted `a` are not in the sorted `b`.
pub fn missing(a: &[u32], b: &[u32]) -> usize {
    let mut b = b.iter().copied().peekable();
    let mut count = 0;
    for &x in a {
        while b.next_if(|&y| y < x).is_some() {}
        count += usize::from(b.peek() != Some(&x));
    }
    count
}

/// The entries of the sorted `a` that are not in the sorted `b`.
pub fn without(a: &[u32], b: &[u32]) -> Vec<u32> {
    let mut b = b.iter().copied().peekable();
    a.iter()
        .copied()
        .filter(|&x| {
            while b.next_if(|&y| y < x).is_some() {}
            b.peek() != Some(&x)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn differences() {
        let (a, b) = (sorted(vec![5, 1, 3, 3, 9]), sorted(vec![3, 4, 9]));
        assert_eq!(a, [1, 3, 5, 9]);
        assert_eq!(missing(&a, &b), 2);
        assert_eq!(without(&a, &b), [1, 5]);
        assert_eq!(missing(&a, &[]), 4);
    }
}
