//! The command line: arguments in, one command run, its exit status out.

use clap::{CommandFactory, Parser, Subcommand};
use sockdiag::commands::{self, Exit};
use sockdiag::error::Error;
use std::io::Write;

/// What `--help` says of exit statuses; they are the contract's.
const STATUS: &str = "\
Exit status:
  0   the report was made
  1   a verdict named by --fail-on, or a failed check
  2   bad usage, or a wrong configuration
  3   an input that cannot be read or is refused as unsafe, or a report that cannot be written
  70  a bug in sockdiag";

/// Names the process that leaks sockets, what it leaks, how many and why, from a captured bundle, offline
#[derive(Debug, Parser)]
#[command(version, name = "sockdiag", after_help = STATUS, max_term_width = 120)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// The diagnosis: verdict first, evidence after
    Analyze(commands::analyze::Args),
    /// What the input holds: members, formats, versions, rows read, lines not understood
    Inspect(commands::inspect::Args),
    /// Every row understood, as NDJSON: one object per line with member, line, format and typed fields
    Facts(commands::facts::Args),
    /// The capture again without addresses, names, paths and texts, proved to mean the same
    Redact(commands::redact::Args),
    /// Prints the embedded collect.sh
    Collector(commands::collector::Args),
    /// What a cause, look-alike, check, log signature or word of a report means, how to confirm and mend it
    Explain(commands::explain::Args),
    /// Regression run over archived incidents
    Check(commands::check::Args),
    /// What changed between two captures, and how long each limit lasts
    Diff(commands::diff::Args),
    /// The smallest capture with the same diagnosis
    Minimize(commands::minimize::Args),
    /// Shell completions
    #[command(hide = true)]
    Completions(commands::completions::Args),
    /// Man pages
    #[command(hide = true)]
    Man(commands::man::Args),
}

impl Cli {
    /// Runs the command.
    pub fn run(&self, out: &mut dyn Write) -> Result<Exit, Error> {
        match &self.command {
            Command::Analyze(args) => commands::analyze::run(args, out),
            Command::Inspect(args) => commands::inspect::run(args, out),
            Command::Facts(args) => commands::facts::run(args, out),
            Command::Redact(args) => commands::redact::run(args, out),
            Command::Collector(args) => commands::collector::run(args, out),
            Command::Explain(args) => commands::explain::run(args, out),
            Command::Check(args) => commands::check::run(args, out),
            Command::Diff(args) => commands::diff::run(args, out),
            Command::Minimize(args) => commands::minimize::run(args, out),
            Command::Completions(args) => commands::completions::run(args, Cli::command(), out),
            Command::Man(args) => commands::man::run(args, Cli::command()),
        }
    }
}
