//! Many names in little memory.

use alloc::{string::String, sync::Arc, vec::Vec};

use crate::Name;

/// So many names share a [`NameBlock`].
pub const BLOCK_NAMES: u32 = 256;

/// Up to [`BLOCK_NAMES`] names that are kept for ever: the text of one takes its own bytes and two, where a [`Name`] of its own
/// takes forty more. A list of names is a list of blocks, so that it grows by no more than a block at a time.
#[derive(Clone, Debug, Default)]
pub struct NameBlock {
    text: String,
    /// Where each name ends.
    ends: Vec<u16>,
}

/// As a length.
const NAMES_MAX: usize = BLOCK_NAMES as usize;

const _: () = assert!(NAMES_MAX * crate::NAME_CHARS_MAX < 1 << 16, "a name has one byte a character");

impl NameBlock {
    /// How many names it has.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether it has none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// Whether it takes no more.
    #[must_use]
    pub const fn is_full(&self) -> bool {
        self.len() >= NAMES_MAX
    }

    /// Adds a name behind the others.
    ///
    /// # Panics
    /// When it is full.
    pub fn push(&mut self, name: &Name) {
        assert!(!self.is_full(), "a block has {BLOCK_NAMES} names");
        self.text.push_str(name.as_str());
        self.ends.push(u16::try_from(self.text.len()).expect("the longest names fit"));
        if self.is_full() {
            self.text.shrink_to_fit();
        }
    }

    /// The text of the name at this place, counted from 0.
    #[must_use]
    pub fn get(&self, place: usize) -> Option<&str> {
        let end = self.ends.get(place)?;
        let start = place.checked_sub(1).and_then(|before| self.ends.get(before)).unwrap_or(&0);
        self.text.get(usize::from(*start)..usize::from(*end))
    }

    /// The name at this place, as one of its own.
    #[must_use]
    pub fn name(&self, place: usize) -> Option<Name> {
        // It was a name when it came.
        self.get(place).map(|text| Name(Arc::from(text)))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_longest_names_fill_a_block() {
        let mut block = NameBlock::default();
        let longest = Name::new(&"z".repeat(crate::NAME_CHARS_MAX)).unwrap();
        (0..NAMES_MAX).for_each(|_| block.push(&longest));
        assert!(block.is_full());
        assert_eq!(block.name(NAMES_MAX - 1), Some(longest));
    }

    proptest! {
        #[test]
        fn a_block_gives_back_what_it_took(names in proptest::collection::vec("[a-z0-9-]{1,64}", 0..=NAMES_MAX)) {
            let mut block = NameBlock::default();
            for (place, name) in names.iter().enumerate() {
                prop_assert_eq!(block.get(place), None);
                block.push(&Name::new(name).unwrap());
            }
            for (place, name) in names.iter().enumerate() {
                prop_assert_eq!(block.get(place), Some(name.as_str()));
                prop_assert_eq!(block.name(place), Name::new(name).ok());
            }
            prop_assert_eq!((block.len(), block.is_empty()), (names.len(), names.is_empty()));
        }
    }
}
