//! Reads members without an archive, for tests.

use super::{Input, Intake};
use crate::bundle::{MemberEnd, MemberHead, Visitor, Walked};
use crate::signatures::Signatures;

/// An input of these members: path and text of each.
pub(crate) fn read(members: &[(&str, impl AsRef<str>)]) -> Input {
    let mut intake = Intake::new(Signatures::builtin(), None);
    for (path, text) in members {
        intake.begin(&MemberHead { path: path.to_string(), size: None, modified: None });
        intake.data(text.as_ref().as_bytes());
        intake.end(MemberEnd::Whole);
    }
    intake.finish("capture", Walked::default())
}
