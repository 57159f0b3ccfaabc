//! The key that everything is replaced by: the same key gives the same replacements in every bundle.

use sha2::{Digest, Sha256};
use std::hash::{BuildHasher, RandomState};
use std::io::Read;

/// A key.
#[derive(Clone)]
pub struct Key([u8; 32]);

impl Key {
    /// The key that a text stands for.
    pub fn of(text: &str) -> Key {
        Key(Sha256::digest(text.as_bytes()).into())
    }

    /// A key that nobody knows.
    pub fn random() -> Key {
        let mut bytes = [0; 32];
        let read = std::fs::File::open("/dev/urandom").and_then(|mut f| f.read_exact(&mut bytes));
        if read.is_err() {
            // The seeds of hash tables are random too.
            for slot in bytes.chunks_mut(8) {
                slot.copy_from_slice(&RandomState::new().hash_one(0u8).to_le_bytes());
            }
        }
        Key(Sha256::digest(bytes).into())
    }

    /// 32 bytes that only the key, the purpose and the data determine.
    pub fn digest(&self, purpose: &[u8], data: &[u8]) -> [u8; 32] {
        let mut hash = Sha256::new();
        hash.update(self.0);
        hash.update([purpose.len() as u8]);
        hash.update(purpose);
        hash.update(data);
        hash.finalize().into()
    }
}

impl std::fmt::Debug for Key {
    // A key is not to be found in any output.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Key")
    }
}
