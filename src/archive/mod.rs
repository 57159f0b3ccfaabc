//! Archived incidents: a capture with what a report on it must say, run again at every release.
//!
//! ```text
//! 2024-11-flume-broker-gone/
//!   expect.yaml        verdict, findings, what must never be claimed
//!   capture.tgz        or capture/ with loose files, or several capture-* that are analyzed together
//!   notes.md           anything else is notes
//! ```

pub mod bless;
pub mod expect;
mod find;
pub mod judge;
pub mod junit;
mod run;
pub mod shrink;
pub mod told;
pub mod words;

pub use expect::Expect;
pub use find::{Incident, find};
pub use judge::{Difference, judge};
pub use run::{Ran, Setup, run};
