//! Finds which of some hundred needles a text holds, without regard to ASCII case, in one pass of a few instructions a byte.
//!
//! Each needle is known by three bytes of it that few other needles have, since what is common among needles is common in logs too. The
//! last three bytes of the text are looked up in a small set of bits at each place; only what is in it is compared.

use rustc_hash::FxHashMap;

/// The bits of the set, as a power of two: so many that a few hundred of them seldom catch a stranger.
const BITS: u32 = 14;
/// The length of what a needle is known by, and so of the shortest needle.
pub const LENGTH: usize = 3;

/// Needles by three of their bytes.
#[derive(Debug)]
pub struct Trigrams {
    /// Whether a needle may be known by three bytes, by their hash.
    bits: Vec<u64>,
    /// The needles that are known by three bytes.
    places: FxHashMap<u32, Vec<Place>>,
}

#[derive(Debug)]
struct Place {
    needle: usize,
    /// Where in it the three bytes begin.
    offset: usize,
    text: Vec<u8>,
}

impl Trigrams {
    /// The needles, in lower case; those too short are never found.
    pub fn of<'a>(needles: impl Iterator<Item = &'a Vec<u8>>) -> Trigrams {
        let needles: Vec<&[u8]> = needles.map(Vec::as_slice).collect();
        let mut common: FxHashMap<u32, usize> = FxHashMap::default();
        for window in needles.iter().flat_map(|n| n.windows(LENGTH)) {
            *common.entry(packed(window)).or_default() += 1;
        }
        let mut trigrams = Trigrams { bits: vec![0; (1 << BITS) / 64], places: FxHashMap::default() };
        for (needle, text) in needles.iter().enumerate() {
            let windows = text.windows(LENGTH).enumerate().map(|(offset, window)| (offset, packed(window)));
            let Some((offset, known)) = windows.min_by_key(|(_, window)| common.get(window)) else { continue };
            let (word, bit) = place_of(known);
            if let Some(word) = trigrams.bits.get_mut(word) {
                *word |= bit;
            }
            trigrams.places.entry(known).or_default().push(Place { needle, offset, text: text.to_vec() });
        }
        trigrams
    }

    /// Calls back with the number of each needle that the text holds, again and again where it stands there more than once.
    #[inline]
    pub fn find(&self, text: &[u8], mut found: impl FnMut(usize)) {
        let mut window = 0u32;
        for (at, b) in text.iter().enumerate() {
            window = (window << 8 | u32::from(b.to_ascii_lowercase())) & 0x00ff_ffff;
            let (word, bit) = place_of(window);
            if self.bits.get(word).is_some_and(|bits| bits & bit != 0) {
                self.compare(text, at + 1, window, &mut found);
            }
        }
    }

    /// The needles that are known by the three bytes in front of `end`, and are there.
    fn compare(&self, text: &[u8], end: usize, window: u32, found: &mut impl FnMut(usize)) {
        for place in self.places.get(&window).into_iter().flatten() {
            let start = end.checked_sub(LENGTH + place.offset);
            let there = start.and_then(|start| text.get(start..start + place.text.len()));
            if there.is_some_and(|there| there.eq_ignore_ascii_case(&place.text)) {
                found(place.needle);
            }
        }
    }
}

/// Three bytes as a number.
fn packed(window: &[u8]) -> u32 {
    window.iter().fold(0, |n, b| n << 8 | u32::from(*b))
}

/// The word and bit of three bytes.
#[inline]
fn place_of(window: u32) -> (usize, u64) {
    // The golden ratio spreads neighbours; the high bits are the well mixed ones.
    let hash = window.wrapping_mul(0x9e37_79b9) >> (32 - BITS);
    ((hash / 64) as usize, 1 << (hash % 64))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_there_is_found_and_nothing_else() {
        let words = ["refused", "connection", "connect", "ion r", "(99", "打开", "e", "used to"];
        let needles: Vec<Vec<u8>> = words.iter().map(|w| w.as_bytes().to_vec()).collect();
        let trigrams = Trigrams::of(needles.iter());
        for text in ["Connection REFUSED", "connectio", "(99)", "打开的", "it used to refuse", "", "co", "errno(99", "refused"] {
            let mut found: Vec<usize> = Vec::new();
            trigrams.find(text.as_bytes(), |n| found.push(n));
            found.sort_unstable();
            found.dedup();
            let lower = text.to_ascii_lowercase();
            let want: Vec<usize> = (0..words.len()).filter(|&n| words[n].len() >= LENGTH && lower.contains(words[n])).collect();
            assert_eq!(found, want, "{text}");
        }
    }
}
