//! Whether a program waits between one socket and the next: what is opened once in each round of its work is opened after a rest.

use crate::formats::scan;

/// Seconds from which on a pause is a rest.
const LONG: u64 = 1;

/// What is known of pauses since the socket before.
#[derive(Debug, Default)]
pub struct Rest {
    /// A call that waits came back.
    slept: bool,
    /// When the socket before was created, in whole seconds.
    before: Option<u64>,
}

impl Rest {
    /// A call that only waits has returned.
    pub fn sleep(&mut self) {
        self.slept = true;
    }

    /// A socket is created at a time as printed; whether there was a rest since the one before.
    pub fn ends(&mut self, at: &[u8]) -> bool {
        let now = seconds(at);
        let passed = self.before.zip(now).is_some_and(|(before, now)| now > before + LONG);
        self.before = now;
        std::mem::take(&mut self.slept) || passed
    }
}

/// Whole seconds of `15:54:27.121233` or `1591273801.550812`.
fn seconds(at: &[u8]) -> Option<u64> {
    let whole = at.split(|&b| b == b'.').next()?;
    whole.split(|&b| b == b':').try_fold(0u64, |sum, part| sum.checked_mul(60)?.checked_add(scan::number(part)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pause_is_told_by_a_call_or_by_the_clock() {
        let mut rest = Rest::default();
        assert!(!rest.ends(b"15:54:27.1") && !rest.ends(b"15:54:28.0"));
        assert!(rest.ends(b"15:54:31.0"));
        rest.sleep();
        assert!(rest.ends(b"") && !rest.ends(b""));
        assert_eq!((seconds(b"1591273801.55"), seconds(b"")), (Some(1_591_273_801), None));
    }
}
