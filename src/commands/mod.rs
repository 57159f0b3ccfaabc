//! One file per command of the binary: its arguments, and what it does with them.

pub mod analyze;
pub mod caps;
pub mod check;
pub mod collector;
pub mod completions;
pub mod diff;
pub mod explain;
pub mod facts;
pub mod inputs;
pub mod inspect;
pub mod man;
pub mod minimize;
pub mod output;
pub mod progress;
pub mod redact;

use crate::error::Error;
use std::process::ExitCode;

/// How a run ends; the numbers are the contract's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// The report was made.
    Made,
    /// A verdict named by `--fail-on`, or a failed `check`.
    Failed,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> ExitCode {
        ExitCode::from(match exit {
            Exit::Made => 0,
            Exit::Failed => 1,
        })
    }
}

/// The exit status of an error: 3, the input could not be read or is refused; 2 for a wrong file of ours.
pub fn status(error: &Error) -> u8 {
    match error {
        Error::Invalid { .. } => 2,
        Error::Unreadable { .. } | Error::Unsafe { .. } | Error::Write { .. } => 3,
    }
}
