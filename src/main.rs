//! The binary: runs the command line and turns its result into an exit status.

mod cli;

use clap::Parser;
use std::io::Write;
use std::process::ExitCode;

fn main() -> ExitCode {
    let cli = cli::Cli::parse();
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    match cli.run(&mut out) {
        Ok(exit) => match out.flush() {
            Ok(()) => exit.into(),
            Err(_) => ExitCode::from(3),
        },
        Err(error) => {
            eprintln!("sockdiag: {error}");
            ExitCode::from(sockdiag::commands::status(&error))
        }
    }
}
