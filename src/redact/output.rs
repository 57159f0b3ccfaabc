//! Where a redacted capture goes: a new directory, or a new `.tgz`. Nothing else is ever written, and nothing that exists is overwritten.

use super::rewrite::Receiver;
use crate::error::Error;
use flate2::Compression;
use flate2::write::GzEncoder;
use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

/// Counts what each member will have, because a tar tells sizes first.
#[derive(Default)]
pub struct Sizes(pub Vec<u64>);

/// The place that is written to.
pub struct Output {
    path: PathBuf,
    kind: Kind,
    sizes: std::vec::IntoIter<u64>,
    failed: Option<io::Error>,
}

enum Kind {
    Directory(Option<BufWriter<File>>),
    /// The archive, what is left of the member at work, and its size.
    Archive(Box<GzEncoder<BufWriter<File>>>, u64, u64),
}

/// Whether this path asks for an archive.
pub fn is_archive(path: &Path) -> bool {
    let name = path.to_string_lossy().to_ascii_lowercase();
    name.ends_with(".tgz") || name.ends_with(".tar.gz")
}

impl Receiver for Sizes {
    fn begin(&mut self, _name: &str, _modified: Option<i64>) {
        self.0.push(0);
    }

    fn data(&mut self, bytes: &[u8]) {
        if let Some(size) = self.0.last_mut() {
            *size += bytes.len() as u64;
        }
    }

    fn end(&mut self) {}
}

impl Output {
    /// Creates the directory or the archive.
    ///
    /// # Errors
    /// A path that exists already, or cannot be created.
    pub fn create(path: &Path, sizes: Vec<u64>) -> Result<Output, Error> {
        let failed = |source| Error::Write { path: path.to_path_buf(), source };
        let kind = if is_archive(path) {
            let file = OpenOptions::new().write(true).create_new(true).open(path).map_err(failed)?;
            Kind::Archive(Box::new(GzEncoder::new(BufWriter::new(file), Compression::default())), 0, 0)
        } else {
            std::fs::create_dir(path).map_err(failed)?;
            Kind::Directory(None)
        };
        Ok(Output { path: path.to_path_buf(), kind, sizes: sizes.into_iter(), failed: None })
    }

    /// All is written.
    ///
    /// # Errors
    /// The first thing that could not be written.
    pub fn finish(self) -> Result<(), Error> {
        let ended = match (self.failed, self.kind) {
            (Some(e), _) => Err(e),
            (None, Kind::Directory(_)) => Ok(()),
            (None, Kind::Archive(mut gz, ..)) => gz
                .write_all(&[0; 1024])
                .and_then(|()| gz.finish())
                .and_then(|file| file.into_inner().map_err(io::IntoInnerError::into_error))
                .map(drop),
        };
        ended.map_err(|source| Error::Write { path: self.path, source })
    }

    fn attempt(&mut self, work: impl FnOnce(&mut Kind) -> io::Result<()>) {
        if self.failed.is_none() {
            self.failed = work(&mut self.kind).err();
        }
    }
}

impl Receiver for Output {
    fn begin(&mut self, name: &str, modified: Option<i64>) {
        let size = self.sizes.next().unwrap_or(0);
        let path = self.path.join(name);
        self.attempt(|kind| match kind {
            Kind::Directory(file) => {
                if let Some(parent) = path.parent() {
                    std::fs::create_dir_all(parent)?;
                }
                *file = Some(BufWriter::new(OpenOptions::new().write(true).create_new(true).open(&path)?));
                Ok(())
            }
            Kind::Archive(gz, left, whole) => {
                (*left, *whole) = (size, size);
                let mut header = tar::Header::new_gnu();
                header.set_size(size);
                header.set_mode(0o644);
                header.set_mtime(modified.and_then(|m| u64::try_from(m).ok()).unwrap_or(0));
                header.set_entry_type(tar::EntryType::Regular);
                if header.set_path(name).is_err() {
                    long_name(gz, name)?;
                    header.set_path("long")?;
                }
                header.set_cksum();
                gz.write_all(header.as_bytes())
            }
        });
    }

    fn data(&mut self, bytes: &[u8]) {
        self.attempt(|kind| match kind {
            Kind::Directory(Some(file)) => file.write_all(bytes),
            Kind::Directory(None) => Ok(()),
            Kind::Archive(gz, left, _) => {
                *left = left.checked_sub(bytes.len() as u64).ok_or_else(|| io::Error::other("the input changed while it was read"))?;
                gz.write_all(bytes)
            }
        });
    }

    fn end(&mut self) {
        self.attempt(|kind| match kind {
            Kind::Directory(file) => file.take().map_or(Ok(()), |mut f| f.flush()),
            Kind::Archive(_, left, _) if *left > 0 => Err(io::Error::other("the input changed while it was read")),
            // Members of a tar fill whole blocks.
            Kind::Archive(gz, _, whole) => {
                let rest = usize::try_from(*whole % 512).unwrap_or(0);
                if rest == 0 { Ok(()) } else { gz.write_all(&vec![0; 512 - rest]) }
            }
        });
    }
}

/// GNU's header for a name of more than 100 bytes.
fn long_name(out: &mut dyn Write, name: &str) -> io::Result<()> {
    let mut header = tar::Header::new_gnu();
    header.set_path("././@LongLink")?;
    header.set_size(name.len() as u64 + 1);
    header.set_mode(0o644);
    header.set_entry_type(tar::EntryType::GNULongName);
    header.set_cksum();
    out.write_all(header.as_bytes())?;
    out.write_all(name.as_bytes())?;
    out.write_all(&vec![0; 512 - name.len() % 512])
}
