//! `sockdiag completions SHELL`: what makes a shell complete the command line.

use super::{Exit, output};
use crate::error::Error;
use clap_complete::Shell;
use std::io::Write;

/// Arguments of `completions`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The shell
    #[arg(value_name = "SHELL")]
    pub shell: Shell,
}

/// Runs the command on the whole command line's definition.
///
/// # Errors
/// Standard output is closed.
pub fn run(args: &Args, mut command: clap::Command, out: &mut dyn Write) -> Result<Exit, Error> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut command, "sockdiag", &mut script);
    output::write(out, &script)?;
    Ok(Exit::Made)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_shell_completes_the_commands() {
        for shell in [Shell::Bash, Shell::Zsh, Shell::Fish, Shell::PowerShell, Shell::Elvish] {
            let command = clap::Command::new("sockdiag").subcommand(clap::Command::new("analyze"));
            let mut out = Vec::new();
            run(&Args { shell }, command, &mut out).unwrap();
            assert!(String::from_utf8(out).unwrap().contains("analyze"), "{shell}");
        }
    }
}
