//! `sockdiag analyze`: the diagnosis.

use super::Exit;
use super::inputs::Inputs;
use super::output::Output;
use crate::diagnosis::{self, Diagnosis, Verdict};
use crate::error::Error;
use crate::host;
use crate::report::{self, Detail};
use std::io::Write;
use std::mem::ManuallyDrop;

/// Arguments of `analyze`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    inputs: Inputs,
    /// Format of the report
    #[arg(long, default_value = "text", value_parser = clap::builder::PossibleValuesParser::new(report::ids()))]
    format: String,
    #[command(flatten)]
    output: Output,
    /// End with status 1 if this is the verdict; may be given more than once
    #[arg(long, value_enum, value_name = "VERDICT")]
    fail_on: Vec<FailOn>,
    /// Tell of this process first, guilty or not
    #[arg(long, value_name = "N")]
    pid: Option<u32>,
    /// One line
    #[arg(short, long, conflicts_with = "verbose")]
    quiet: bool,
    /// All evidence, all checks, the whole ledger, all members
    #[arg(short, long)]
    verbose: bool,
}

/// A verdict that fails a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum FailOn {
    /// Sockets pile up and somebody fails to close them
    Leak,
    /// A limit is reached or near
    Exhaustion,
    /// The evidence cannot decide
    Inconclusive,
}

/// Runs the command.
///
/// # Errors
/// The first input that cannot be read or is refused; a report that cannot be written.
pub fn run(args: &Args, out: &mut dyn Write) -> Result<Exit, Error> {
    let config = args.inputs.config()?;
    let (sources, hosts) = host::hosts(args.inputs.read(&config, args.format == "markdown")?);
    // The process ends with this command, and to give back what was kept of millions of rows takes longer than to draw the report.
    let hosts = ManuallyDrop::new(hosts);
    let mut diagnosis = diagnosis::diagnose(sources, &hosts, &config.thresholds);
    if let Some(pid) = args.pid {
        first(&mut diagnosis, pid);
    }
    diagnosis.keep_findings(args.inputs.limits().max_findings);
    let detail = match (args.quiet, args.verbose) {
        (true, _) => Detail::Quiet,
        (_, true) => Detail::Full,
        _ => Detail::Normal,
    };
    let look = args.output.look(detail, args.pid);
    // The parser takes only ids of the registry.
    if let Some(renderer) = report::by_id(&args.format) {
        args.output.write(&renderer.render(&diagnosis, &look), out)?;
    }
    let failed = args.fail_on.iter().any(|f| f.verdict() == diagnosis.verdict);
    // The process ends here; to free all that was read, box by box, takes longer than some of it took to read.
    std::mem::forget(diagnosis);
    Ok(if failed { Exit::Failed } else { Exit::Made })
}

/// Findings about a process go before the others.
fn first(diagnosis: &mut Diagnosis, pid: u32) {
    diagnosis.findings.sort_by_key(|f| !f.claim.owner.as_ref().is_some_and(|o| o.has(pid)));
}

impl FailOn {
    fn verdict(self) -> Verdict {
        match self {
            FailOn::Leak => Verdict::Leak,
            FailOn::Exhaustion => Verdict::Exhaustion,
            FailOn::Inconclusive => Verdict::Inconclusive,
        }
    }
}
