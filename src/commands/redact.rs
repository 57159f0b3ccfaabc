//! `sockdiag redact`: the capture without what identifies its host, proved to mean the same.

use super::Exit;
use super::inputs::Inputs;
use super::output;
use crate::error::Error;
use crate::redact::key::Key;
use crate::redact::{Options, Redacted, redact};
use std::fmt::Write as _;
use std::io::Write;
use std::path::PathBuf;

/// Arguments of `redact`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    inputs: Inputs,
    /// New directory, or new .tgz, to write to
    #[arg(short, long, value_name = "OUT")]
    output: PathBuf,
    /// Replace by this key: the same text gives the same names in every bundle (default: a random key nobody knows)
    #[arg(long, value_name = "TEXT")]
    key: Option<String>,
    /// Replace names of processes too, but those of runtimes; refused where a name carries the diagnosis
    #[arg(long)]
    hide_commands: bool,
    /// Keep lines that are not understood, with every character an x, instead of dropping them
    #[arg(long)]
    mask_unparsed: bool,
    /// Write what was replaced and dropped to FILE as JSON
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
}

/// Runs the command.
///
/// # Errors
/// An input that cannot be read, an output that exists or cannot be written.
pub fn run(args: &Args, out: &mut dyn Write) -> Result<Exit, Error> {
    let config = args.inputs.config()?;
    let inputs = args.inputs.list()?;
    let wrong = |file: &str, reason: &str| Err(Error::Invalid { file: file.to_string(), reason: reason.to_string() });
    let [input] = inputs.as_slice() else {
        return wrong("redact", "takes one INPUT at a time; give --key for the same names in several");
    };
    let options = Options {
        key: args.key.as_deref().map_or_else(Key::random, Key::of),
        hide_commands: args.hide_commands,
        mask_unparsed: args.mask_unparsed,
    };
    let done = redact(input, &args.output, &options, &args.inputs.limits(), config.signatures(), &config.thresholds)?;
    if let Some(path) = &args.report {
        let json = serde_json::to_string_pretty(&done).unwrap_or_default() + "\n";
        std::fs::write(path, json).map_err(|source| Error::Write { path: path.clone(), source })?;
    }
    if let Some(changed) = &done.changed {
        eprintln!(
            "sockdiag: the redacted capture would not mean the same, nothing was kept: {}",
            crate::report::harmless::harmless(changed)
        );
        return Ok(Exit::Failed);
    }
    output::write(out, told(&done, &args.output.display().to_string()).as_bytes())?;
    Ok(Exit::Made)
}

/// What was done, for people.
fn told(done: &Redacted, out: &str) -> String {
    let mut text = format!("{out}: {} members written; verdict, findings, counts and grades are those of the original\n", done.members);
    let mut list = |title: &str, rows: Vec<(String, u64)>| {
        let rows: Vec<_> = rows.into_iter().filter(|(_, n)| *n > 0).collect();
        if !rows.is_empty() {
            let _ = writeln!(text, "{title}");
            for (what, n) in rows {
                let _ = writeln!(text, "  {n:>9}  {what}");
            }
        }
    };
    list("Replaced", done.replaced.iter().map(|(k, n)| ((*k).to_string(), *n)).collect());
    let dropped = &done.dropped;
    let mut rows: Vec<(String, u64)> = dropped.lines.iter().map(|(f, n)| (format!("lines not understood, in {f}"), *n)).collect();
    rows.push(("members of which nothing was understood".into(), dropped.members));
    rows.push(("links".into(), dropped.links));
    rows.push(("members not read to their end".into(), dropped.cut));
    list("Dropped", rows);
    list("Masked", vec![("lines not understood".into(), dropped.masked_lines)]);
    text
}
