//! sockdiag reads what was captured on a host whose sockets pile up and says which process leaks, what, how many and why.
//!
//! The modules are the path of the data, in this order; each uses only those above it, which `tests/layers.rs` sees to. (The empty lines
//! keep rustfmt from sorting them.)

pub mod error;

pub mod parallel;

pub mod facts;

pub mod bundle;

pub mod formats;

pub mod signatures;

pub mod nearest;

pub mod config;

pub mod capture;

pub mod host;

pub mod read;

pub mod ledger;

pub mod causes;

pub mod checks;

pub mod diagnosis;

pub mod report;

pub mod pages;

pub mod diff;

pub mod archive;

pub mod redact;

pub mod commands;

use bundle::{Input, Limits};
use config::Thresholds;
use diagnosis::Diagnosis;
use error::Error;
use signatures::Signatures;

/// The whole path: inputs are read, sorted into hosts, and diagnosed. Reading can fail, diagnosing cannot.
///
/// # Errors
/// The first input that cannot be read at all or is refused as unsafe.
pub fn diagnose(inputs: &[Input], limits: &Limits, signatures: &Signatures, thresholds: &Thresholds) -> Result<Diagnosis, Error> {
    let read = read::inputs(inputs, limits, signatures, None)?;
    let mut diagnosis = diagnose_read(read, thresholds);
    diagnosis.keep_findings(limits.max_findings);
    Ok(diagnosis)
}

/// Diagnoses what was read.
pub fn diagnose_read(read: Vec<capture::Input>, thresholds: &Thresholds) -> Diagnosis {
    let (sources, hosts) = host::hosts(read);
    diagnosis::diagnose(sources, &hosts, thresholds)
}
