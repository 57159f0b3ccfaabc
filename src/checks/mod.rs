//! Cross-checks between sources that should agree. Each agrees, disagrees or could not be made, with lines of both sides.
//!
//! A new check is one file here and one line in [`CHECKS`].

mod identities;

use crate::capture::Quote;
use crate::causes::Case;

/// How a check came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// Both sides say the same, within the tolerance.
    Agree,
    /// They do not.
    Disagree,
    /// One side was not captured.
    Skipped,
}

/// A check that was made.
#[derive(Clone, Debug)]
pub struct Checked {
    /// Its code.
    pub code: &'static str,
    /// How it came out.
    pub status: Status,
    /// Both numbers and, where they disagree, what that means.
    pub says: String,
    /// The lines of both sides.
    pub at: Vec<Quote>,
    /// Whether a disagreement shakes conclusions, rather than only dating the captures.
    pub undermines: bool,
}

/// A cross-check.
pub trait Check: Sync {
    /// Its code.
    fn code(&self) -> &'static str;
    /// What is compared, with the tolerance and its reason.
    fn page(&self) -> &'static str;
    /// Makes the check.
    fn check(&self, case: &Case<'_>) -> Checked;
}

/// Every check, in the order in which they are printed.
pub static CHECKS: &[&dyn Check] = identities::ALL;

/// The check with this code.
pub fn by_code(code: &str) -> Option<&'static dyn Check> {
    CHECKS.iter().copied().find(|c| c.code() == code)
}

/// Makes every check.
pub fn run(case: &Case<'_>) -> Vec<Checked> {
    CHECKS.iter().map(|c| c.check(case)).collect()
}

impl Status {
    /// The contract's word.
    pub fn word(self) -> &'static str {
        match self {
            Status::Agree => "agree",
            Status::Disagree => "disagree",
            Status::Skipped => "skipped",
        }
    }
}
