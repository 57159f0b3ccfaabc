//! The command line: arguments in, one command run, its exit status out.

use clap::{CommandFactory, Parser, Subcommand};
use sockdiag::commands::{self, Exit};
use sockdiag::error::Error;
use std::io::Write;

/// Names the process that leaks sockets, what it leaks, how many and why, from a captured bundle, offline
#[derive(Debug, Parser)]
#[command(version, name = "sockdiag")]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// The diagnosis: verdict first, evidence after
    Analyze(commands::analyze::Args),
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
            Command::Explain(args) => commands::explain::run(args, out),
            Command::Check(args) => commands::check::run(args, out),
            Command::Diff(args) => commands::diff::run(args, out),
            Command::Minimize(args) => commands::minimize::run(args, out),
            Command::Completions(args) => commands::completions::run(args, Cli::command(), out),
            Command::Man(args) => commands::man::run(args, Cli::command()),
        }
    }
}
