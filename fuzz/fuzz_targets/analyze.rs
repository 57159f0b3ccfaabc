//! The whole of analyze: any bytes as an input, to every report.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sockdiag::bundle::walk_reader;
use sockdiag::capture::Intake;
use sockdiag::signatures::Signatures;
use sockdiag_fuzz::{limits, report};

fuzz_target!(|data: &[u8]| {
    let mut intake = Intake::new(Signatures::builtin(), None);
    if let Ok(walked) = walk_reader(Box::new(std::io::Cursor::new(data.to_vec())), "input", &limits(), &mut intake) {
        report(intake, walked);
    }
});
