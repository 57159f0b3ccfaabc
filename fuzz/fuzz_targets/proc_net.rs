//! The tables of /proc/net.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sockdiag_fuzz::{proc_net_formats, read_as};

fuzz_target!(|data: &[u8]| {
    read_as(&proc_net_formats(), data);
});
