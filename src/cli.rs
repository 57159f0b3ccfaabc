//! The command line: arguments in, one command run, its exit status out.

use clap::{Parser, Subcommand};
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
}

impl Cli {
    /// Runs the command.
    pub fn run(&self, out: &mut dyn Write) -> Result<Exit, Error> {
        match &self.command {
            Command::Analyze(args) => commands::analyze::run(args, out),
        }
    }
}
