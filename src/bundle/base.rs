//! The input's own bytes: counted for the ratio bound, and hashed where that is wanted, on whichever thread reads them.

use super::limits::Meter;
use sha2::{Digest, Sha256};
use std::io::{self, Read};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};

/// Reads the input; tells its hash when it is dropped at its end.
pub(super) struct Base {
    file: Box<dyn Read + Send>,
    meter: Arc<Meter>,
    hash: Option<(Sha256, Sender<String>)>,
    ended: bool,
}

/// Where the hash arrives.
pub(super) struct BaseReport(Receiver<String>);

impl Base {
    pub(super) fn new(file: Box<dyn Read + Send>, meter: Arc<Meter>, want_sha256: bool) -> (Base, BaseReport) {
        let (sender, receiver) = channel();
        let hash = want_sha256.then(|| (Sha256::new(), sender));
        (Base { file, meter, hash, ended: false }, BaseReport(receiver))
    }
}

impl Read for Base {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let n = loop {
            match self.file.read(into) {
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                other => break other?,
            }
        };
        self.ended |= n == 0 && !into.is_empty();
        self.meter.feed(n as u64)?;
        if let Some((hash, _)) = &mut self.hash {
            hash.update(into.get(..n).unwrap_or(&[]));
        }
        Ok(n)
    }
}

impl Drop for Base {
    /// A decoder that met damage leaves the rest unread; the hash is told only where all was read.
    fn drop(&mut self) {
        let Some((hash, sender)) = self.hash.take() else { return };
        if self.ended {
            let _ = sender.send(hash.finalize().iter().map(|b| format!("{b:02x}")).collect());
        }
    }
}

impl BaseReport {
    /// The hash, waiting for the reader to be dropped; `None` if it was not wanted or not all was read.
    pub(super) fn sha256(self) -> Option<String> {
        self.0.recv().ok()
    }
}
