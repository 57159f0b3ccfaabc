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

use crate::bundle::{self, Input, Limits, Visitor, Walked};
use crate::capture::Intake;
use crate::config::Thresholds;
use crate::diagnosis::Diagnosis;
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
use std::io::{Cursor, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Bytes of standard input that are kept, as they come: compressed, where they are.
const MAX_HELD: u64 = 1 << 30;

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
    let source = Source::of(input)?;
    let mut collector = Collector::new(format);
    source.walk(limits, &mut collector)?;
    let mut masks = Masks::new(&options.key, options.hide_commands);
    masks.names.learn(&collector.names());
    masks.commands = collector.commands.into_iter().collect();

    let mut sizing = Rewriter::new(options, &mut masks, signatures, format, Sizes::default());
    source.walk(limits, &mut sizing)?;
    let sizes = sizing.receiver.0;
    masks.replaced.clear();

    let members = sizes.len();
    let part = partial(out)?;
    let written = Output::create(&part, sizes)?;
    let mut writing = Rewriter::new(options, &mut masks, signatures, format, written);
    let walked = source.walk(limits, &mut writing);
    let (receiver, dropped) = (writing.receiver, writing.dropped);
    let replaced = masks.replaced.clone();
    let finished = walked.and_then(|_| receiver.finish());
    let changed = finished.and_then(|()| compare(&source, &part, limits, signatures, thresholds, &mut masks)).and_then(|changed| {
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

/// What is read, several times over.
enum Source<'a> {
    Named(&'a Input),
    /// Standard input comes but once: its bytes are kept, in memory, for they are secret.
    Held(&'a Input, Arc<[u8]>),
}

impl<'a> Source<'a> {
    fn of(input: &'a Input) -> Result<Source<'a>, Error> {
        if input.path != "-" {
            return Ok(Source::Named(input));
        }
        let unreadable = |reason: String| Error::Unreadable { input: "-".into(), reason };
        let mut bytes = Vec::new();
        std::io::stdin().take(MAX_HELD + 1).read_to_end(&mut bytes).map_err(|e| unreadable(e.to_string()))?;
        if bytes.len() as u64 > MAX_HELD {
            return Err(unreadable("it is read several times and too large to be kept in memory; save it to a file first".into()));
        }
        Ok(Source::Held(input, bytes.into()))
    }

    fn walk(&self, limits: &Limits, visitor: &mut dyn Visitor) -> Result<Walked, Error> {
        match self {
            Source::Named(input) => bundle::walk(input, limits, visitor),
            Source::Held(input, bytes) => bundle::walk_reader(Box::new(Cursor::new(bytes.clone())), &input.path, limits, visitor),
        }
    }

    fn input(&self) -> &Input {
        match self {
            Source::Named(input) | Source::Held(input, _) => input,
        }
    }

    fn diagnose(&self, limits: &Limits, signatures: &Signatures, thresholds: &Thresholds) -> Result<Diagnosis, Error> {
        let mut intake = Intake::new(signatures, self.input().format.as_deref()).within(limits);
        let walked = self.walk(limits, &mut intake)?;
        let read = read::known(intake.finish(&self.input().path, walked))?;
        Ok(crate::diagnose_read(vec![read], thresholds))
    }
}

/// What the redacted capture says otherwise than the original.
fn compare(
    source: &Source<'_>,
    out: &Path,
    limits: &Limits,
    signatures: &Signatures,
    thresholds: &Thresholds,
    masks: &mut Masks,
) -> Result<Option<String>, Error> {
    let before = verify::meaning(&source.diagnose(limits, signatures, thresholds)?, Some(masks));
    let written = Input { path: out.display().to_string(), format: source.input().format.clone() };
    let after = match Source::Named(&written).diagnose(limits, signatures, thresholds) {
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
