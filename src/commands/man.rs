//! `sockdiag man --out DIR`: a man page for the tool and for each of its commands.

use super::Exit;
use crate::error::Error;
use std::fs;
use std::path::{Path, PathBuf};

/// Arguments of `man`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Directory to write the pages to; it is made if it is not there
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
}

/// Runs the command on the whole command line's definition.
///
/// # Errors
/// A page cannot be written.
pub fn run(args: &Args, command: clap::Command) -> Result<Exit, Error> {
    let failed = |path: &Path| {
        let path = path.to_path_buf();
        move |source| Error::Write { path, source }
    };
    fs::create_dir_all(&args.out).map_err(failed(&args.out))?;
    for (name, command) in pages(command) {
        let path = args.out.join(format!("{name}.1"));
        let mut page = Vec::new();
        clap_mangen::Man::new(command).render(&mut page).map_err(failed(&path))?;
        fs::write(&path, page).map_err(failed(&path))?;
    }
    Ok(Exit::Made)
}

/// The tool and its commands that are not hidden, with the names of their pages.
fn pages(mut command: clap::Command) -> Vec<(String, clap::Command)> {
    command.build();
    let name = command.get_name().to_string();
    let mut pages = vec![(name.clone(), command.clone())];
    for sub in command.get_subcommands().filter(|c| !c.is_hide_set() && c.get_name() != "help") {
        let page = format!("{name}-{}", sub.get_name());
        let sub = sub.clone().display_name(page.clone());
        pages.push((page, sub));
    }
    pages
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_for_the_tool_and_for_each_visible_command() {
        let dir = tempfile::tempdir().unwrap();
        let sub = |name: &'static str| clap::Command::new(name).about("does a thing");
        let command = clap::Command::new("sockdiag").subcommand(sub("analyze")).subcommand(sub("man").hide(true));
        run(&Args { out: dir.path().join("man") }, command).unwrap();
        let mut names: Vec<_> = fs::read_dir(dir.path().join("man")).unwrap().map(|e| e.unwrap().file_name()).collect();
        names.sort();
        assert_eq!(names, ["sockdiag-analyze.1", "sockdiag.1"]);
        let page = fs::read_to_string(dir.path().join("man/sockdiag-analyze.1")).unwrap();
        assert!(page.contains("sockdiag\\-analyze") && page.contains("does a thing"), "{page}");
    }
}
