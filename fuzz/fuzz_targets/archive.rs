//! The archive reader: any bytes as an input.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sockdiag::bundle::walk_reader;
use sockdiag_fuzz::{Strict, limits};

fuzz_target!(|data: &[u8]| {
    let mut seen = Strict::default();
    let _ = walk_reader(Box::new(std::io::Cursor::new(data.to_vec())), "input", &limits(), &mut seen);
    assert!(seen.bytes <= limits().max_bytes, "more bytes than the bound");
    assert!(seen.members <= limits().max_members, "more members than the bound");
});
