//! Bounds on what an input may cost.

/// Bounds on what an input may cost; every one can be raised on the command line.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Bytes after decompression, over the whole input.
    pub max_bytes: u64,
    /// Members, over the whole input.
    pub max_members: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Limits { max_bytes: 64 << 30, max_members: 200_000 }
    }
}
