//! Finds incidents below a directory.

use super::expect;
use crate::error::Error;
use std::path::{Path, PathBuf};

/// Directories below each other, at most: deeper ones are no archive but a loop.
const MAX_DEPTH: usize = 32;

/// An incident.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Incident {
    /// Its directory relative to the one that was named, with that one's name in front.
    pub name: String,
    /// Its directory.
    pub path: PathBuf,
    /// Its captures, in sorted order; several are analyzed together.
    pub captures: Vec<PathBuf>,
    /// Whether it has an `expect.yaml`.
    pub expected: bool,
}

/// All incidents below a directory, sorted by name: every directory with an `expect.yaml`, or with a capture.
///
/// # Errors
/// The directory cannot be read, or an incident has more than one capture.
pub fn find(root: &Path) -> Result<Vec<Incident>, Error> {
    if !root.is_dir() {
        let reason = if root.exists() { "not a directory; name a directory of archived incidents" } else { "no such directory" };
        return Err(Error::Unreadable { input: root.display().to_string(), reason: reason.into() });
    }
    let mut incidents = Vec::new();
    let whole = std::fs::canonicalize(root).unwrap_or_else(|_| root.to_path_buf());
    let name = whole.file_name().map_or_else(|| "/".to_string(), |n| n.to_string_lossy().into_owned());
    visit(root, &name, 0, &mut incidents)?;
    incidents.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(incidents)
}

fn visit(path: &Path, name: &str, depth: usize, incidents: &mut Vec<Incident>) -> Result<(), Error> {
    let unreadable = |e: std::io::Error| Error::Unreadable { input: path.display().to_string(), reason: e.to_string() };
    let mut entries: Vec<std::fs::DirEntry> = std::fs::read_dir(path).map_err(unreadable)?.collect::<Result<_, _>>().map_err(unreadable)?;
    entries.sort_by_key(|e| e.file_name());
    let names = |e: &std::fs::DirEntry| e.file_name().to_string_lossy().into_owned();
    let expected = entries.iter().any(|e| names(e) == expect::FILE && e.path().is_file());
    let captures = captures(path, &entries)?;
    if expected || !captures.is_empty() {
        incidents.push(Incident { name: name.to_string(), path: path.to_path_buf(), captures: captures.clone(), expected });
    }
    for entry in &entries {
        // Links are not followed, so that a link upwards is no endless archive.
        let is_dir = entry.file_type().is_ok_and(|t| t.is_dir());
        if is_dir && depth < MAX_DEPTH && !captures.contains(&entry.path()) && !names(entry).starts_with('.') {
            visit(&entry.path(), &format!("{name}/{}", names(entry)), depth + 1, incidents)?;
        }
    }
    Ok(())
}

/// `capture`, one `capture.*`, or all `capture-*`.
fn captures(path: &Path, entries: &[std::fs::DirEntry]) -> Result<Vec<PathBuf>, Error> {
    let named = |fits: &dyn Fn(&str) -> bool| -> Vec<PathBuf> {
        entries.iter().filter(|e| fits(&e.file_name().to_string_lossy())).map(|e| e.path()).collect()
    };
    let many = named(&|n| n.starts_with("capture-"));
    let one = named(&|n| n == "capture" || n.starts_with("capture."));
    match (one.len(), many.len()) {
        (0, _) => Ok(many),
        (1, 0) => Ok(one),
        _ => {
            let all: Vec<String> = one.iter().chain(&many).filter_map(|p| Some(p.file_name()?.to_string_lossy().into_owned())).collect();
            let reason = format!("more than one capture ({}); name them capture-1, capture-2 ... to analyze them together", all.join(", "));
            Err(Error::Invalid { file: path.display().to_string(), reason })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn tree(paths: &[&str]) -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        for path in paths {
            let path = dir.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "").unwrap();
        }
        dir
    }

    fn names(dir: &Path) -> Vec<String> {
        find(dir).unwrap().into_iter().map(|i| i.name.split_once('/').map_or(String::new(), |n| n.1.to_string())).collect()
    }

    #[test]
    fn at_any_depth_in_sorted_order() {
        let dir = tree(&[
            "z/expect.yaml",
            "z/capture/ss.txt",
            "a/b/c/expect.yaml",
            "a/b/c/capture.tgz",
            "m/notes.md",
            "n/capture-2",
            "n/capture-1",
        ]);
        assert_eq!(names(dir.path()), ["a/b/c", "n", "z"]);
        let found = find(dir.path()).unwrap();
        assert!(found[0].expected && !found[1].expected);
        let captures: Vec<_> = found[1].captures.iter().map(|p| p.file_name().unwrap().to_owned()).collect();
        assert_eq!(captures, ["capture-1", "capture-2"]);
    }

    #[test]
    fn what_lies_inside_a_capture_is_no_incident() {
        let dir = tree(&["a/expect.yaml", "a/capture/inner/expect.yaml", "a/capture/inner/capture.tgz"]);
        assert_eq!(names(dir.path()), ["a"]);
    }

    #[test]
    fn the_directory_itself_may_be_one() {
        let dir = tree(&["expect.yaml", "capture.tar.zst"]);
        assert_eq!(find(dir.path()).unwrap().len(), 1);
    }

    #[test]
    fn two_captures_are_an_error_that_says_what_to_do() {
        let dir = tree(&["a/expect.yaml", "a/capture.tgz", "a/capture/ss.txt"]);
        assert!(find(dir.path()).unwrap_err().to_string().contains("capture-1"));
        assert!(find(&dir.path().join("none")).unwrap_err().to_string().contains("no such directory"));
    }
}
