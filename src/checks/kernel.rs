//! Which kernel a capture is of, where a number's meaning depends on it.

use crate::causes::Case;

/// Whether the kernel is at least this release; `None` where the release was not captured.
///
/// Distributions port single changes to older kernels, so a number that tells its own meaning goes before this.
pub fn at_least(case: &Case<'_>, major: u32, minor: u32) -> Option<bool> {
    crate::ledger::books::kernel_at_least(case.snapshot, major, minor)
}

/// Bytes of a page, at most: architectures that can have pages of 64 KiB are told by the release's suffix.
pub fn page_bytes(case: &Case<'_>) -> i64 {
    use crate::facts::IdentityKey;
    let release = case.snapshot.identity.get(&IdentityKey::Kernel).map_or("", |(r, _)| r.as_str());
    if ["aarch64", "arm64", "ppc64", "64k"].iter().any(|a| release.contains(a)) { 65_536 } else { 4_096 }
}
