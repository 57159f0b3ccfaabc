//! Which known names a misspelt one may have meant.

/// The known names nearest to a word, best first: those within a third of its letters by edit distance, and those that contain it.
pub fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
    let word = word.to_lowercase();
    let mut near: Vec<(usize, &str)> = known
        .into_iter()
        .filter_map(|name| {
            let distance = distance(&word, name);
            let contained = word.len() >= 3 && name.contains(word.as_str());
            (contained || distance * 3 <= word.chars().count().max(3)).then_some((if contained { 1 } else { distance }, name))
        })
        .collect();
    near.sort_unstable();
    near.dedup();
    near.into_iter().map(|(_, name)| name).take(5).collect()
}

/// `; did you mean X or Y?`, or nothing.
pub fn hint<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    match nearest(word, known).as_slice() {
        [] => String::new(),
        near => format!("; did you mean {}?", near.join(" or ")),
    }
}

/// Letters to insert, drop or change to get from one word to the other.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().take(128).enumerate() {
        let mut diagonal = i;
        let mut left = i + 1;
        for (cell, y) in row.iter_mut().skip(1).zip(&b) {
            let up = *cell;
            let best = (diagonal + usize::from(x != *y)).min(up + 1).min(left + 1);
            (diagonal, left, *cell) = (up, best, best);
        }
        if let Some(first) = row.first_mut() {
            *first = i + 1;
        }
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nearest_names() {
        let known = ["close-wait", "closed", "time-wait", "udp"];
        assert_eq!(nearest("close-wiat", known), ["close-wait"]);
        assert_eq!(nearest("wait", known), ["close-wait", "time-wait"]);
        assert!(nearest("xylophone", known).is_empty());
        assert_eq!(hint("closd", known), "; did you mean closed?");
    }

    #[test]
    fn distances() {
        for (a, b, want) in [("kitten", "sitting", 3), ("", "abc", 3), ("abc", "", 3), ("same", "same", 0)] {
            assert_eq!(distance(a, b), want, "{a} {b}");
        }
    }
}
