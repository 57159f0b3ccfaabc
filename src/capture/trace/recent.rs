//! The numbers seen last, so that a set is not asked for each row.

/// How many there are room for.
const SLOTS: usize = 256;

/// Numbers by their lowest bits, each until another one takes its place.
#[derive(Debug, Default)]
pub struct Recent(Option<Box<[u32; SLOTS]>>);

impl Recent {
    /// Whether a number was not seen lately; now it was.
    #[inline]
    pub fn is_new(&mut self, number: u32) -> bool {
        // In each slot a number that belongs into another.
        let slots = self.0.get_or_insert_with(|| Box::new(std::array::from_fn(|slot| u32::from(slot == 0))));
        // The remainder is below the length.
        let slot = &mut slots[number as usize % SLOTS];
        std::mem::replace(slot, number) != number
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_new_once_until_another_takes_its_place() {
        let mut recent = Recent::default();
        for number in [0, 1, 255, 256, 1 << 31] {
            assert!(recent.is_new(number) && !recent.is_new(number), "{number}");
        }
        assert!(recent.is_new(0));
    }
}
