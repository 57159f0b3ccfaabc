//! Names once: commands, paths and resolved hosts recur in millions of rows, so rows keep a number.

use super::lines::Lines;
use rustc_hash::FxHashMap;
use std::sync::Arc;

/// The number of an interned name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Name(pub u32);

/// The number of an IPv6 address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Wide(u32);

/// How many different names are kept; later ones share one placeholder, so that a hostile capture cannot fill the memory.
const MAX_NAMES: usize = 1 << 18;
/// How many different IPv6 addresses are kept; later ones share the placeholder of names.
const MAX_WIDE: usize = 1 << 20;
/// Bytes kept of one name.
const MAX_NAME: usize = 512;

/// Gives each different name a number.
#[derive(Debug, Default)]
pub struct Interner {
    numbers: FxHashMap<Box<[u8]>, u32>,
    names: Vec<Box<[u8]>>,
    /// The number of the empty name, which most rows have, once it has one.
    empty: Option<u32>,
    /// Numbers of IPv6 addresses, but for `::1`: each stands one before its number in `wide`.
    wide_numbers: FxHashMap<u128, u32>,
    wide: Vec<u128>,
    /// Lines that may be quoted.
    pub(super) lines: Arc<Lines>,
}

impl Wide {
    /// `::1`, whose number is the same everywhere.
    pub const LOOPBACK: Wide = Wide(0);
}

/// `::1` as a number.
const LOOPBACK: u128 = 1;

impl Interner {
    /// The number of a name.
    pub fn add(&mut self, name: &[u8]) -> Name {
        let name = name.get(..MAX_NAME).unwrap_or(name);
        if let Some(n) = self.empty.filter(|_| name.is_empty()) {
            return Name(n);
        }
        if let Some(&n) = self.numbers.get(name) {
            return Name(n);
        }
        if self.names.len() >= MAX_NAMES {
            return self.add_placeholder();
        }
        let n = self.names.len() as u32;
        self.numbers.insert(name.into(), n);
        self.names.push(name.into());
        if name.is_empty() {
            self.empty = Some(n);
        }
        Name(n)
    }

    /// The number of a name that was added before.
    pub fn find(&self, name: &[u8]) -> Option<Name> {
        self.numbers.get(name).copied().map(Name)
    }

    /// The bytes of a name.
    pub fn bytes(&self, name: Name) -> &[u8] {
        self.names.get(name.0 as usize).map_or(b"", |n| n)
    }

    /// The text of a name.
    pub fn text(&self, name: Name) -> String {
        String::from_utf8_lossy(self.bytes(name)).into_owned()
    }

    /// The number of an IPv6 address; `None` where there are too many.
    pub fn add_wide(&mut self, address: u128) -> Option<Wide> {
        if address == LOOPBACK {
            return Some(Wide::LOOPBACK);
        }
        if let Some(&n) = self.wide_numbers.get(&address) {
            return Some(Wide(n));
        }
        if self.wide.len() >= MAX_WIDE {
            return None;
        }
        self.wide.push(address);
        let n = self.wide.len() as u32;
        self.wide_numbers.insert(address, n);
        Some(Wide(n))
    }

    /// The IPv6 address with a number.
    pub fn wide(&self, number: Wide) -> u128 {
        (number.0 as usize).checked_sub(1).and_then(|n| self.wide.get(n).copied()).unwrap_or(LOOPBACK)
    }

    /// The name that all share for which there is no room.
    pub fn add_placeholder(&mut self) -> Name {
        const MANY: &[u8] = b"(one of very many names)";
        if let Some(&n) = self.numbers.get(MANY) {
            return Name(n);
        }
        let n = self.names.len() as u32;
        self.numbers.insert(MANY.into(), n);
        self.names.push(MANY.into());
        Name(n)
    }
}
