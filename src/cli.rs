//! The command line: arguments in, one command run, its exit status out.

use clap::{Parser, Subcommand};
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
        }
    }
}
