//! `sockdiag inspect`: what the input holds, what was understood and what not.

use super::Exit;
use super::inputs::Inputs;
use super::output::Output;
use crate::error::Error;
use crate::report::{self, Detail};
use std::io::Write;

/// Arguments of `inspect`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    inputs: Inputs,
    /// Format of the listing; json is the `captures` part of a report
    #[arg(long, default_value = "text", value_parser = ["text", "json"])]
    format: String,
    #[command(flatten)]
    output: Output,
}

/// Runs the command.
///
/// # Errors
/// The first input that cannot be read or is refused; a listing that cannot be written.
pub fn run(args: &Args, out: &mut dyn Write) -> Result<Exit, Error> {
    let config = args.inputs.config()?;
    let diagnosis = crate::diagnose_read(args.inputs.read(&config, true)?, &config.thresholds);
    let look = args.output.look(Detail::Normal, None);
    let text = match args.format.as_str() {
        "json" => report::json::print(&report::json::captures(&diagnosis)),
        _ => report::inspect::text(&diagnosis, &look),
    };
    args.output.write(&text, out)?;
    Ok(Exit::Made)
}
