//! Reads inputs side by side, one thread for each as far as there are cores; results stay in the order of the command line.

use crate::bundle::{self, Input, Limits, MemberEnd, MemberHead, Visitor};
use crate::capture::{self, Intake};
use crate::error::Error;
use crate::parallel;
use crate::signatures::Signatures;

/// Is told how far reading has come, from any thread.
pub trait Progress: Sync {
    /// A member begins.
    fn member(&self, path: &str);
    /// So many bytes more were read.
    fn bytes(&self, count: usize);
}

/// A visitor that tells how far it is.
pub struct Watched<'a, V> {
    /// Who takes the members.
    pub inner: V,
    /// Who is told.
    pub progress: Option<&'a dyn Progress>,
}

impl<V: Visitor> Visitor for Watched<'_, V> {
    fn begin(&mut self, head: &MemberHead) {
        if let Some(progress) = self.progress {
            progress.member(&head.path);
        }
        self.inner.begin(head);
    }

    fn wants(&mut self, head: &MemberHead) -> bool {
        self.inner.wants(head)
    }

    fn data(&mut self, chunk: &[u8]) {
        if let Some(progress) = self.progress {
            progress.bytes(chunk.len());
        }
        self.inner.data(chunk);
    }

    fn end(&mut self, end: MemberEnd) {
        self.inner.end(end);
    }
}

/// Reads all inputs.
///
/// # Errors
/// The first input, in their order, that cannot be read at all or is refused as unsafe.
pub fn inputs(
    inputs: &[Input],
    limits: &Limits,
    signatures: &Signatures,
    progress: Option<&dyn Progress>,
) -> Result<Vec<capture::Input>, Error> {
    let mut read = Vec::new();
    parallel::in_order(inputs, |input| one(input, limits, signatures, progress), |_, one| read.push(one));
    read.into_iter().collect()
}

fn one(input: &Input, limits: &Limits, signatures: &Signatures, progress: Option<&dyn Progress>) -> Result<capture::Input, Error> {
    let mut watched = Watched { inner: Intake::new(signatures, input.format.as_deref()).within(limits), progress };
    let walked = bundle::walk(input, limits, &mut watched)?;
    known(watched.inner.finish(&input.path, walked))
}

/// What was read, unless it is a file of another kind.
///
/// # Errors
/// One loose text in which no line is known; in an archive such a member is only listed as unknown.
pub fn known(read: capture::Input) -> Result<capture::Input, Error> {
    match read.members.as_slice() {
        [only] if read.walked.kind == "text" && only.reading.rows() == 0 => Err(Error::Unreadable {
            input: read.name,
            reason: "no line of it is in a format sockdiag knows; give a capture, or force a format with NAME=PATH".into(),
        }),
        _ => Ok(read),
    }
}
