//! A directory as input: its files in sorted order, archives among them opened; no link is followed, so nothing outside is ever read.

use super::base::Base;
use super::names::plain;
use super::stream::Peek;
use super::walk::{Walk, why};
use super::{MemberEnd, MemberHead, Walked};
use crate::error::Error;
use std::fs::{self, File, Metadata};
use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

/// How deep directories are gone into.
const MAX_DEPTH: usize = 64;
/// The buffer a file is read with; small ones are read at once into the visitor's.
const BUFFER: usize = 256 << 10;

/// Pushes the files below `root`.
pub(super) fn walk(mut walk: Walk<'_>, root: &Path) -> Result<Walked, Error> {
    let entries = sorted(root).map_err(|e| walk.unreadable(&why(&e)))?;
    descend(&mut walk, entries, "", 0)?;
    if walk.delivered == 0 {
        return Err(walk.unreadable("the directory holds no files; give the directory that holds the captures"));
    }
    Ok(walk.finish("directory".into(), None, None))
}

fn descend(walk: &mut Walk<'_>, entries: Vec<PathBuf>, prefix: &str, depth: usize) -> Result<(), Error> {
    for path in entries {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let shown = format!("{prefix}{}", plain(name.as_bytes(), walk.limits.max_path).path);
        walk.count_entry(&shown)?;
        let head = |about: Option<&Metadata>| MemberHead {
            path: shown.clone(),
            size: about.map(Metadata::len),
            modified: about.and_then(|a| a.modified().ok()?.duration_since(UNIX_EPOCH).ok()).and_then(|d| i64::try_from(d.as_secs()).ok()),
        };
        match fs::symlink_metadata(&path) {
            Err(e) => walk.skip(&head(None), &why(&e)),
            Ok(about) if about.is_symlink() => {
                let target = fs::read_link(&path).map(|t| t.to_string_lossy().into_owned()).unwrap_or_default();
                walk.end_at_once(&head(None), MemberEnd::Link(target));
            }
            Ok(about) if about.is_dir() && depth >= MAX_DEPTH => walk.skip(&head(Some(&about)), "too deep a directory"),
            Ok(about) if about.is_dir() => match sorted(&path) {
                Ok(below) => descend(walk, below, &format!("{shown}/"), depth + 1)?,
                Err(e) => walk.skip(&head(Some(&about)), &why(&e)),
            },
            Ok(about) if about.is_file() => file(walk, &path, &head(Some(&about)))?,
            // Opening a fifo would wait for ever.
            Ok(about) => walk.skip(&head(Some(&about)), "a device, socket or fifo"),
        }
    }
    Ok(())
}

fn file(walk: &mut Walk<'_>, path: &Path, head: &MemberHead) -> Result<(), Error> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(e) => {
            walk.skip(head, &why(&e));
            return Ok(());
        }
    };
    let (base, _) = Base::new(Box::new(file), walk.meter.clone(), false);
    let capacity = usize::try_from(head.size.unwrap_or(0).saturating_add(1)).unwrap_or(BUFFER).clamp(512, BUFFER);
    let mut reader = BufReader::with_capacity(capacity, Metered { base, walk: walk.meter.clone() });
    let cut = walk.content(&mut Peek::new(&mut reader), head, 0)?;
    if let Some(reason) = cut {
        walk.notes.add_with(&head.path, "is cut", &format!(": {reason}"));
    }
    Ok(())
}

/// Files of a directory count against the bound on bytes as they are.
struct Metered {
    base: Base,
    walk: std::sync::Arc<super::limits::Meter>,
}

impl Read for Metered {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        let n = self.base.read(into)?;
        self.walk.count(n as u64, 0, u64::MAX)?;
        Ok(n)
    }
}

fn sorted(directory: &Path) -> std::io::Result<Vec<PathBuf>> {
    let mut paths = fs::read_dir(directory)?.map(|entry| entry.map(|e| e.path())).collect::<Result<Vec<_>, _>>()?;
    paths.sort();
    Ok(paths)
}
