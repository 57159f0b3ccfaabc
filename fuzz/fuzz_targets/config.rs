//! Configurations: thresholds and further signatures.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    if let Ok(text) = std::str::from_utf8(data) {
        let _ = sockdiag::config::Config::parse(text, "config.yaml");
    }
});
