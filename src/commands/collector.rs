//! `sockdiag collector`: prints the collector, so that the binary is all that has to be at hand.

use super::Exit;
use super::output::write;
use crate::error::Error;
use std::io::Write;

/// The collector as it stands in the repository.
const COLLECT: &str = include_str!("../../collect.sh");

/// Arguments of `collector`.
#[derive(Debug, clap::Args)]
pub struct Args {}

/// Runs the command.
///
/// # Errors
/// A script that cannot be written.
pub fn run(_args: &Args, out: &mut dyn Write) -> Result<Exit, Error> {
    write(out, COLLECT.as_bytes())?;
    Ok(Exit::Made)
}
