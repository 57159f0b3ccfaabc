//! `sockdiag analyze`: the diagnosis.

use super::Exit;
use crate::bundle::{Input, Limits};
use crate::config::Thresholds;
use crate::error::Error;
use crate::formats::by_id;
use crate::report;
use crate::signatures::Signatures;
use std::io::Write;

/// Arguments of `analyze`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Archives, directories, text files, or - for standard input; NAME=PATH forces a format
    #[arg(required = true, value_name = "INPUT")]
    pub inputs: Vec<String>,
    /// Format of the report
    #[arg(long, default_value = "text", value_parser = ["text", "markdown", "json"])]
    pub format: String,
}

/// Runs the command.
///
/// # Errors
/// The first input that cannot be read or is refused.
pub fn run(args: &Args, out: &mut dyn Write) -> Result<Exit, Error> {
    let inputs: Vec<Input> = args.inputs.iter().map(|a| Input::parse(a, |n| by_id(n).is_some())).collect();
    let diagnosis = crate::diagnose(&inputs, &Limits::default(), Signatures::builtin(), &Thresholds::default())?;
    let _ = writeln!(out, "{:#}", report::json::report(&diagnosis));
    Ok(Exit::Made)
}
