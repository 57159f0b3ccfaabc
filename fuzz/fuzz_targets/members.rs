//! The whole of analyze behind the archive reader: a text cut into members, to every report.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sockdiag::bundle::{MemberEnd, MemberHead, Visitor, Walked};
use sockdiag::capture::Intake;
use sockdiag::signatures::Signatures;
use sockdiag_fuzz::{members, report};

fuzz_target!(|data: &[u8]| {
    let mut intake = Intake::new(Signatures::builtin(), None);
    for (path, text) in members(data) {
        intake.begin(&MemberHead { path, size: None, modified: None });
        if !text.is_empty() {
            intake.data(text);
        }
        intake.end(MemberEnd::Whole);
    }
    report(intake, Walked::default());
});
