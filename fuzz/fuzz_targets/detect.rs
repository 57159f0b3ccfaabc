//! Format detection and the reader: what is read does not depend on how the bytes come in pieces.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sockdiag::formats::reader::HEAD;
use sockdiag_fuzz::read;

fuzz_target!(|data: &[u8]| {
    if data.is_empty() {
        return;
    }
    // Beyond the head, so that the pieces are seen as pieces.
    let mut text = data.to_vec();
    while text.len() <= HEAD {
        text.extend_from_within(..data.len().min(text.len()));
    }
    let whole = read("a/member.txt", None, &text, usize::MAX);
    let pieces = read("a/member.txt", None, &text, 4093);
    assert!(whole.0 == pieces.0, "facts depend on the pieces");
    assert_eq!(format!("{:?}", whole.1), format!("{:?}", pieces.1));
});
