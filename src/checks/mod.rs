//! Cross-checks between sources that should agree. Each agrees, disagrees or could not be made, with lines of both sides.
//!
//! A new check is one file here and one line in [`CHECKS`]. The doc comment of its type is the page that `sockdiag explain` prints.

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
    /// Its code, which is the file's name with hyphens.
    fn code(&self) -> &'static str;
    /// The page `explain` prints: what is compared, with the tolerance and its reason.
    fn page(&self) -> &'static str;
    /// Makes the check.
    fn check(&self, case: &Case<'_>) -> Checked;
}

/// Defines a check: its page, its type, its code and the function that makes it.
macro_rules! check {
    ($(#[doc = $doc:literal])+ $name:ident, $code:literal, $make:path) => {
        $(#[doc = $doc])+
        pub struct $name;

        impl $crate::checks::Check for $name {
            fn code(&self) -> &'static str {
                $code
            }

            fn page(&self) -> &'static str {
                concat!($($doc, "\n"),+)
            }

            fn check(&self, case: &$crate::causes::Case<'_>) -> $crate::checks::Checked {
                $crate::checks::Checked { code: $code, ..$make(case) }
            }
        }
    };
}

mod accept_queue_vs_unowned;
mod capture_processes;
mod closed_vs_alloc;
mod dead_counters;
mod descriptors_vs_limit;
mod estab_vs_rows;
mod file_nr_vs_held;
#[cfg(test)]
mod founding_tests;
mod hashed_vs_rows;
mod held;
mod hidden_numbers_vs_limit;
mod kernel;
mod lsof_threads_vs_fd;
mod lsof_vs_ss;
mod memory_vs_queues;
mod netstat_vs_ss;
mod orphans_vs_rows;
mod ports_vs_unhashed;
mod rows;
mod shell_limit_vs_descriptors;
mod slab_vs_alloc;
mod slack;
mod ss_summary_sums;
mod ss_vs_sockstat_alloc;
#[cfg(test)]
mod testing;
mod time_wait_vs_rows;
mod unhashed_vs_held;
mod used_vs_held;

/// Every check, in the order in which they are printed: the books with themselves, with the tables, with what processes hold, with limits.
pub static CHECKS: &[&dyn Check] = &[
    &ss_summary_sums::SsSummarySums,
    &dead_counters::DeadCounters,
    &ss_vs_sockstat_alloc::SsVsSockstatAlloc,
    &closed_vs_alloc::ClosedVsAlloc,
    &slab_vs_alloc::SlabVsAlloc,
    &ports_vs_unhashed::PortsVsUnhashed,
    &hashed_vs_rows::HashedVsRows,
    &time_wait_vs_rows::TimeWaitVsRows,
    &estab_vs_rows::EstabVsRows,
    &orphans_vs_rows::OrphansVsRows,
    &accept_queue_vs_unowned::AcceptQueueVsUnowned,
    &memory_vs_queues::MemoryVsQueues,
    &netstat_vs_ss::NetstatVsSs,
    &unhashed_vs_held::UnhashedVsHeld,
    &used_vs_held::UsedVsHeld,
    &file_nr_vs_held::FileNrVsHeld,
    &lsof_vs_ss::LsofVsSs,
    &lsof_threads_vs_fd::LsofThreadsVsFd,
    &descriptors_vs_limit::DescriptorsVsLimit,
    &hidden_numbers_vs_limit::HiddenNumbersVsLimit,
    &shell_limit_vs_descriptors::ShellLimitVsDescriptors,
    &capture_processes::CaptureProcesses,
];

/// The check with this code.
pub fn by_code(code: &str) -> Option<&'static dyn Check> {
    CHECKS.iter().copied().find(|c| c.code() == code)
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

/// What a check's function returns; the macro adds the code.
impl Checked {
    /// One side is not there, or cannot be compared.
    fn skipped(says: impl Into<String>) -> Checked {
        Checked { code: "", status: Status::Skipped, says: says.into(), at: Vec::new(), undermines: false }
    }

    /// Both sides say the same.
    fn agree(says: impl Into<String>, at: Vec<Quote>) -> Checked {
        Checked { status: Status::Agree, at: once(at), ..Checked::skipped(says) }
    }

    /// They do not; the sentence says what that means.
    fn disagree(says: impl Into<String>, at: Vec<Quote>) -> Checked {
        Checked { status: Status::Disagree, at: once(at), ..Checked::skipped(says) }
    }

    /// A disagreement that shakes conclusions.
    fn undermining(self) -> Checked {
        Checked { undermines: self.status == Status::Disagree, ..self }
    }
}

/// Each line once, in the order in which it was named.
fn once(at: Vec<Quote>) -> Vec<Quote> {
    let mut kept: Vec<Quote> = Vec::new();
    for quote in at {
        if !kept.iter().any(|k| k.at == quote.at) {
            kept.push(quote);
        }
    }
    kept
}

#[cfg(test)]
pub(crate) mod tests {
    use super::CHECKS;

    /// Makes every check of members that no check may stumble over.
    pub fn every_check_survives(members: &[(&str, &str)]) {
        assert_eq!(super::testing::checks(members).len(), CHECKS.len());
    }

    #[test]
    fn every_check_has_a_page_and_a_code_of_its_own() {
        for (n, check) in CHECKS.iter().enumerate() {
            let (code, page) = (check.code(), check.page());
            assert!(code.bytes().all(|b| b.is_ascii_lowercase() || b == b'-'), "{code}");
            assert!(CHECKS.iter().skip(n + 1).all(|c| c.code() != code), "{code} twice");
            for heading in ["# Compared", "# Tolerance", "# When they agree", "# When they disagree", "# Source"] {
                assert!(page.contains(heading), "{code} lacks {heading}");
            }
        }
    }
}
