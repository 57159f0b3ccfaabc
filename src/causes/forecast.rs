//! When a pile that grows will reach the limit of its process: a range, since a capture knows two points of the curve.

use super::case::Case;
use super::claim::{Evidence, Strength, Witnessed};
use super::say::number;
use crate::ledger::Pile;

/// The rate of growth, and how long until the process is at its limit of open files. Nothing where no two dated snapshots show growth.
pub fn forecast(case: &Case<'_>, pile: &Pile) -> Option<Evidence> {
    let growth = case.growth(pile)?;
    let seconds = growth.seconds?;
    let gained = growth.to.checked_sub(growth.from).filter(|&g| g >= 10)?;
    let per_minute = gained * 60 / seconds;
    let mut says = format!("{} more in {} s: about {} a minute", number(gained as i64), number(seconds as i64), number(per_minute as i64));
    if let (Some((limit, _)), Some((descriptors, ..))) = (&pile.limit, &pile.descriptors)
        && limit > descriptors
    {
        let (low, high) = range(limit - descriptors, gained, seconds);
        says.push_str(&format!(
            "; at that rate the limit of {} open files is reached in {} to {}",
            number(*limit as i64),
            span(low),
            span(high)
        ));
    }
    Some(Evidence::new(Strength::Weak, Witnessed::Growth, says, growth.at))
}

/// Seconds until `left` more are open, at the rate seen, a quarter faster or slower.
fn range(left: u64, gained: u64, seconds: u64) -> (u64, u64) {
    let at = left.saturating_mul(seconds) / gained.max(1);
    (at.saturating_mul(4) / 5, at.saturating_mul(4) / 3)
}

/// `40 s`, `12 min`, `5 h`, `3 days`.
fn span(seconds: u64) -> String {
    match seconds {
        0..=119 => format!("{seconds} s"),
        120..=7199 => format!("{} min", seconds / 60),
        7200..=172_799 => format!("{} h", seconds / 3600),
        _ => format!("{} days", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_around_the_rate_seen() {
        // 100 in 50 s, 1000 left: 500 s, a quarter faster or slower.
        assert_eq!(range(1000, 100, 50), (400, 666));
        assert_eq!(span(500), "8 min");
        assert_eq!(span(200_000), "2 days");
    }
}
