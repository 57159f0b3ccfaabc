//! ss, its rows and its summary.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sockdiag_fuzz::read_as;

fuzz_target!(|data: &[u8]| {
    read_as(&["ss", "ss-s"], data);
});
