//! expect.yaml of archived incidents.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    if let Ok(text) = std::str::from_utf8(data) {
        let _ = sockdiag::archive::Expect::parse(text, "expect.yaml");
    }
});
