//! Diagnoses incidents, several at once.

use super::find::Incident;
use super::told::Told;
use crate::bundle::{Input, Limits};
use crate::config::Config;
use crate::error::Error;
use crate::report;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// Status of a bug in sockdiag itself.
const BUG: u8 = 70;

/// With what incidents are diagnosed.
#[derive(Debug, Default)]
pub struct Setup {
    /// What a capture may cost.
    pub limits: Limits,
    /// Thresholds and signatures.
    pub config: Config,
}

/// How an incident's run ended.
#[derive(Clone, Debug, Default)]
pub struct Ran {
    /// The exit status that `analyze` would have ended with.
    pub status: u8,
    /// The error, if one ended it.
    pub error: String,
    /// The report, if one was made.
    pub told: Option<Told>,
    /// How long it took.
    pub took: Duration,
}

/// Diagnoses one incident.
pub fn run(incident: &Incident, setup: &Setup) -> Ran {
    let start = Instant::now();
    let inputs: Vec<Input> = incident.captures.iter().map(|p| Input { path: p.to_string_lossy().into_owned(), format: None }).collect();
    // Opening a fifo would wait for ever, and the other incidents with it.
    let odd = |p: &&PathBuf| p.metadata().is_ok_and(|about| !about.is_file() && !about.is_dir());
    if let Some(path) = incident.captures.iter().find(odd) {
        let error = Error::Unreadable { input: path.display().to_string(), reason: "it is neither a file nor a directory".into() };
        return Ran { status: crate::commands::status(&error), error: error.to_string(), ..Ran::default() };
    }
    let diagnosed = catch_unwind(AssertUnwindSafe(|| {
        crate::diagnose(&inputs, &setup.limits, setup.config.signatures(), &setup.config.thresholds).map(|d| report::json::report(&d))
    }));
    let took = start.elapsed();
    match diagnosed {
        Ok(Ok(report)) => match serde_json::from_value(report) {
            Ok(told) => Ran { told: Some(told), took, ..Ran::default() },
            Err(e) => Ran { status: BUG, error: format!("the report does not follow its schema: {e}"), took, ..Ran::default() },
        },
        Ok(Err(e)) => Ran { status: crate::commands::status(&e), error: e.to_string(), took, ..Ran::default() },
        Err(_) => Ran { status: BUG, error: "sockdiag panicked; this is a bug".into(), took, ..Ran::default() },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_input_that_cannot_be_read_is_a_status_not_a_panic() {
        let gone = Incident { name: "x".into(), path: "x".into(), captures: vec!["/nonexistent/capture.tgz".into()], expected: true };
        let ran = run(&gone, &Setup::default());
        assert_eq!((ran.status, ran.told.is_none()), (3, true));
        assert!(ran.error.contains("/nonexistent/capture.tgz"));
    }
}
