//! Every format without a target of its own.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sockdiag_fuzz::{read_as, small_formats};

fuzz_target!(|data: &[u8]| {
    read_as(&small_formats(), data);
});
