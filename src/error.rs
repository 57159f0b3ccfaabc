//! What can stop a run. Anything odd inside a capture is data, never an error.

use std::path::PathBuf;

/// An error that ends the run, with what it is about and what to do.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The input cannot be opened or read at all.
    #[error("cannot read {input}: {reason}")]
    Unreadable {
        /// The input as given.
        input: String,
        /// Why, and what to do.
        reason: String,
    },
    /// The input is refused as unsafe.
    #[error("refused {input}: {reason}")]
    Unsafe {
        /// The input, with the member where there is one.
        input: String,
        /// Which bound it breaks, and how to raise it.
        reason: String,
    },
    /// A file of ours (configuration, `expect.yaml`) is wrong.
    #[error("{file}: {reason}")]
    Invalid {
        /// The file, with its line where one is known.
        file: String,
        /// What is wrong and what to do.
        reason: String,
    },
    /// The report cannot be written.
    #[error("cannot write {}: {source}", path.display())]
    Write {
        /// Where to.
        path: PathBuf,
        /// The system's error.
        source: std::io::Error,
    },
}
