//! Redaction: the capture again, with addresses, names, paths, arguments and texts replaced, and proof that it still means the same.
//!
//! Each member is read by the parsers as for a diagnosis, and each line is written again by what its parts are; what no parser understood
//! is left out. The same key gives the same replacements in every capture. What is written is diagnosed, and kept only if verdict,
//! findings, counts and grades are those of the original.
//!
//! Kept: names of processes (unless hidden), ports, pids, descriptors, inodes, counters, states, errors, times, versions.

pub mod addresses;
mod collect;
mod find;
mod hex;
pub mod key;
mod lines;
mod logs;
pub mod mask;
mod members;
mod names;
mod output;
mod rewrite;
mod spans;
mod strace;
mod verify;
mod words;

pub use rewrite::Dropped;

use crate::bundle::{self, Input, Limits};
use crate::config::Thresholds;
use crate::error::Error;
use crate::read;
use crate::signatures::Signatures;
use collect::Collector;
use key::Key;
use mask::Masks;
use output::{Output, Sizes};
use rewrite::Rewriter;
use serde::Serialize;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// How a capture is redacted.
#[derive(Clone, Debug)]
pub struct Options {
    /// What everything is replaced by.
    pub key: Key,
    /// Whether names of processes are replaced too.
    pub hide_commands: bool,
    /// Whether lines that no parser understood stay, with every letter an `x`.
    pub mask_unparsed: bool,
}

/// What was done.
#[derive(Clone, Debug, Serialize)]
pub struct Redacted {
    /// Replacements by kind.
    pub replaced: BTreeMap<&'static str, u64>,
    /// What was left out.
    pub dropped: Dropped,
    /// Members written.
    pub members: usize,
    /// How the meaning changed, if it did: then nothing is left of the output.
    pub changed: Option<String>,
}

/// Redacts an input into a new directory or archive.
///
/// # Errors
/// An input that cannot be read, an output that exists or cannot be written.
pub fn redact(
    input: &Input,
    out: &Path,
    options: &Options,
    limits: &Limits,
    signatures: &Signatures,
    thresholds: &Thresholds,
) -> Result<Redacted, Error> {
    let format = input.format.as_deref();
    let mut collector = Collector::new(format);
    bundle::walk(input, limits, &mut collector)?;
    let mut masks = Masks::new(&options.key, options.hide_commands);
    masks.names.learn(&collector.names());
    masks.commands = collector.commands.into_iter().collect();

    let mut sizing = Rewriter::new(options, &mut masks, signatures, format, Sizes::default());
    bundle::walk(input, limits, &mut sizing)?;
    let sizes = sizing.receiver.0;
    masks.replaced.clear();

    let members = sizes.len();
    let part = partial(out)?;
    let written = Output::create(&part, sizes)?;
    let mut writing = Rewriter::new(options, &mut masks, signatures, format, written);
    let walked = bundle::walk(input, limits, &mut writing);
    let (receiver, dropped) = (writing.receiver, writing.dropped);
    let replaced = masks.replaced.clone();
    let finished = walked.and_then(|_| receiver.finish());
    let changed = finished.and_then(|()| compare(input, &part, limits, signatures, thresholds, &mut masks)).and_then(|changed| {
        if changed.is_none() {
            std::fs::rename(&part, out).map_err(|source| Error::Write { path: out.to_path_buf(), source })?;
        }
        Ok(changed)
    });
    if !matches!(changed, Ok(None)) {
        remove(&part);
    }
    let changed = changed?;
    Ok(Redacted { replaced, dropped, members, changed })
}

/// What the redacted capture says otherwise than the original.
fn compare(
    input: &Input,
    out: &Path,
    limits: &Limits,
    signatures: &Signatures,
    thresholds: &Thresholds,
    masks: &mut Masks,
) -> Result<Option<String>, Error> {
    let one = |input: &Input| -> Result<_, Error> {
        Ok(crate::diagnose_read(read::inputs(std::slice::from_ref(input), limits, signatures, None)?, thresholds))
    };
    let before = verify::meaning(&one(input)?, Some(masks));
    let written = Input { path: out.display().to_string(), format: input.format.clone() };
    let after = match one(&written) {
        Ok(diagnosis) => verify::meaning(&diagnosis, None),
        Err(error) => return Ok(Some(format!("what was written cannot be read: {error}"))),
    };
    Ok(verify::difference(&before, &after))
}

/// Where the output grows until it is proved: beside its place, so that what is interrupted does not look finished.
fn partial(out: &Path) -> Result<PathBuf, Error> {
    if out.symlink_metadata().is_ok() {
        let source = std::io::Error::from(std::io::ErrorKind::AlreadyExists);
        return Err(Error::Write { path: out.to_path_buf(), source });
    }
    let mut name = std::ffi::OsString::from(".unproved-");
    name.push(out.file_name().unwrap_or_default());
    Ok(out.with_file_name(name))
}

/// Takes back what this run created.
fn remove(out: &Path) {
    let _ = if output::is_archive(out) { std::fs::remove_file(out) } else { std::fs::remove_dir_all(out) };
}
