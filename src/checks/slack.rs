//! How far two readings of the same thing may differ before that means something.

/// A tolerance: so many, and so many percent of the larger side.
///
/// Sources are snapshots of different instants. What changed between them grows with the number (a leaking or busy host), and a few
/// always come and go (a short-lived connection, the capturing tool's own sockets), so both parts are needed.
#[derive(Clone, Copy, Debug)]
pub struct Slack {
    /// So many always.
    pub absolute: i64,
    /// Percent of the larger side.
    pub percent: i64,
}

impl Slack {
    /// The tolerance at a size.
    pub fn at(self, size: i64) -> i64 {
        let share = i128::from(size).abs() * i128::from(self.percent) / 100;
        self.absolute.saturating_add(i64::try_from(share).unwrap_or(i64::MAX))
    }

    /// Whether two numbers are the same within it.
    pub fn covers(self, a: i64, b: i64) -> bool {
        self.covers_range(a, b, b)
    }

    /// Whether a number is within it of a range.
    pub fn covers_range(self, n: i64, low: i64, high: i64) -> bool {
        distance(n, low, high) <= self.at(n.saturating_abs().max(high.saturating_abs()))
    }
}

/// How far a number is from a range; 0 inside of it.
pub fn distance(n: i64, low: i64, high: i64) -> i64 {
    low.saturating_sub(n).max(n.saturating_sub(high)).max(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_parts_count() {
        let slack = Slack { absolute: 10, percent: 5 };
        assert!(slack.covers(0, 10) && !slack.covers(0, 11));
        assert!(slack.covers(1000, 1060) && !slack.covers(1000, 1070));
        assert!(slack.covers_range(5, 7, 9) && slack.covers_range(8, 7, 9) && !slack.covers_range(30, 7, 9));
        assert!(!slack.covers(i64::MIN, i64::MAX));
    }
}
