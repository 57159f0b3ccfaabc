//! Redaction: any text again without its names, which must mean the same or be refused.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sockdiag::bundle::Input;
use sockdiag::config::Thresholds;
use sockdiag::redact::key::Key;
use sockdiag::redact::{Options, redact};
use sockdiag::signatures::Signatures;
use sockdiag_fuzz::limits;
use std::fs;

fuzz_target!(|data: &[u8]| {
    let Some((&how, text)) = data.split_first() else { return };
    let dir = std::env::temp_dir().join(format!("sockdiag-fuzz-redact-{}", std::process::id()));
    let (from, to) = (dir.join("capture"), dir.join("redacted"));
    let _ = fs::remove_dir_all(&dir);
    fs::create_dir_all(&dir).expect("a directory");
    fs::write(&from, text).expect("a file");
    let options = Options { key: Key::of("fuzz"), hide_commands: how & 1 == 1, mask_unparsed: how & 2 == 2 };
    let input = Input { path: from.display().to_string(), format: None };
    let done = redact(&input, &to, &options, &limits(), Signatures::builtin(), &Thresholds::default());
    assert_eq!(done.is_ok_and(|d| d.changed.is_none()), to.exists(), "an output is there if it is proved, and only then");
    let left = fs::read_dir(&dir).expect("a directory").count();
    assert_eq!(left, 1 + usize::from(to.exists()), "nothing half done is left");
    let _ = fs::remove_dir_all(&dir);
});
