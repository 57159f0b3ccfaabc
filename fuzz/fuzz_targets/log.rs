//! Logs and dumps of threads, with the signatures searched in them.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sockdiag_fuzz::read_as;

fuzz_target!(|data: &[u8]| {
    read_as(&["log", "dmesg", "jstack", "goroutines"], data);
});
