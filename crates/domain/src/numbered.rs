//! Things with numbers, found again by what they are.

use alloc::{vec, vec::Vec};
use core::mem;

/// The fewest slots, but for none.
const SLOTS_MIN: usize = 8;
/// So many old slots are moved with each thing that comes. Two would be enough to be done before the next growth.
const MOVED_A_PUSH: usize = 4;

/// The numbers 0, 1, 2 … of things, in the order in which they came, by a hash of each that whoever asks gives: four bytes a
/// slot, of which between three eighths and three quarters are taken. What the things are is kept elsewhere, by number.
///
/// It grows without a pause: after a growth the old slots are moved a few with each thing that comes, and looked into as long
/// as that takes. Nothing leaves it.
///
/// Whoever names the things must not be able to choose the hashes: many of one hash are looked at one after the other.
#[derive(Clone, Debug, Default)]
pub struct Numbered {
    /// 0 is free. Else the low bits, as many as tell the slots apart, are the number and one; those above are as in the upper
    /// half of the hash, so that few others are looked at.
    slots: Vec<u32>,
    count: u32,
    /// The slots before the last growth, until all have moved, and how many have.
    before: Vec<u32>,
    moved: usize,
}

impl Numbered {
    /// How many things there are.
    #[must_use]
    pub const fn len(&self) -> u32 {
        self.count
    }

    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// The number of the thing with this hash that is the one sought.
    pub fn find(&self, hash: u64, mut is_sought: impl FnMut(u32) -> bool) -> Option<u32> {
        seek(&self.slots, hash, &mut is_sought).or_else(|| seek(&self.before, hash, is_sought))
    }

    /// Gives a thing with this hash the next number. `hash_of` tells the hashes of earlier ones.
    ///
    /// # Panics
    /// After more than 2^30 things, each of which takes a record and memory.
    pub fn push(&mut self, hash: u64, mut hash_of: impl FnMut(u32) -> u64) -> u32 {
        let (taken, slots) = (index(self.count), self.slots.len());
        if taken >= slots / 4 * 3 {
            assert!(self.before.is_empty(), "all have moved long before the next growth");
            let grown = slots.saturating_mul(2).max(SLOTS_MIN);
            assert!(grown <= 1 << 31, "fewer than 2^30 of a kind");
            self.before = mem::replace(&mut self.slots, vec![0; grown]);
            self.moved = 0;
        }
        let number = self.count;
        put(&mut self.slots, hash, number);
        self.count = number.saturating_add(1);
        self.move_some(&mut hash_of);
        number
    }

    fn move_some(&mut self, hash_of: &mut impl FnMut(u32) -> u64) {
        if self.before.is_empty() {
            return;
        }
        let mask = mask(&self.before);
        let end = self.moved.saturating_add(MOVED_A_PUSH).min(self.before.len());
        for slot in self.before.get(self.moved..end).unwrap_or_default() {
            if let Some(number) = (slot & mask).checked_sub(1) {
                put(&mut self.slots, hash_of(number), number);
            }
        }
        self.moved = end;
        if end == self.before.len() {
            self.before = Vec::new();
        }
    }
}

/// The bits of a slot that are a number, for a table that is not empty. There are fewer numbers than slots.
fn mask(slots: &[u32]) -> u32 {
    u32::try_from(slots.len().saturating_sub(1)).expect("a table has at most 2^31 slots")
}

/// The first slot to look at for this hash, and the upper bits of slots that may be of it.
fn begin(hash: u64, mask: u32) -> (u32, u32) {
    let low = u32::try_from(hash & u64::from(u32::MAX)).expect("32 bits");
    let high = u32::try_from(hash >> 32).expect("32 bits");
    (low & mask, high & !mask)
}

fn seek(slots: &[u32], hash: u64, mut is_sought: impl FnMut(u32) -> bool) -> Option<u32> {
    if slots.is_empty() {
        return None;
    }
    let mask = mask(slots);
    let (mut place, upper) = begin(hash, mask);
    // It ends: a quarter of the slots is free.
    loop {
        let slot = *slots.get(index(place))?;
        let number = (slot & mask).checked_sub(1)?;
        if slot & !mask == upper && is_sought(number) {
            return Some(number);
        }
        place = place.wrapping_add(1) & mask;
    }
}

fn put(slots: &mut [u32], hash: u64, number: u32) {
    let mask = mask(slots);
    let (mut place, upper) = begin(hash, mask);
    // It ends: a quarter of the slots is free.
    while slots[index(place)] != 0 {
        place = place.wrapping_add(1) & mask;
    }
    slots[index(place)] = upper | number.saturating_add(1);
}

fn index(number: u32) -> usize {
    usize::try_from(number).expect("an index in memory fits usize")
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use proptest::prelude::*;

    use super::*;

    /// Well spread, and not choosable: what the test wants hashes to be.
    fn spread(text: u32) -> u64 {
        u64::from(text).wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15)
    }

    fn check(things: &[u32], hash: impl Fn(u32) -> u64) {
        let mut numbered = Numbered::default();
        let mut known: Vec<u32> = Vec::new();
        for thing in things {
            let find = |numbered: &Numbered, thing: u32| {
                numbered.find(hash(thing), |number| known[usize::try_from(number).unwrap()] == thing)
            };
            let expected = known.iter().position(|known| known == thing);
            assert_eq!(find(&numbered, *thing).map(|number| usize::try_from(number).unwrap()), expected);
            if expected.is_none() {
                let number = numbered.push(hash(*thing), |number| hash(known[usize::try_from(number).unwrap()]));
                assert_eq!(usize::try_from(number).unwrap(), known.len());
                known.push(*thing);
            }
        }
        assert_eq!(usize::try_from(numbered.len()).unwrap(), known.len());
        for (number, thing) in known.iter().enumerate() {
            let found = numbered.find(hash(*thing), |number| known[usize::try_from(number).unwrap()] == *thing);
            assert_eq!(found.map(|found| usize::try_from(found).unwrap()), Some(number));
        }
    }

    #[test]
    fn everything_is_found_before_during_and_after_each_growth() {
        check(&(0..5_000).collect::<Vec<_>>(), spread);
    }

    #[test]
    fn old_slots_are_gone_before_the_next_growth() {
        let mut numbered = Numbered::default();
        for thing in 0..140_000 {
            numbered.push(spread(thing), spread);
            let (slots, taken) = (numbered.slots.len(), usize::try_from(numbered.len()).unwrap());
            assert!(taken * 4 <= slots * 3 && (slots == SLOTS_MIN || taken * 8 > slots * 3));
        }
        assert!(numbered.before.is_empty());
    }

    proptest! {
        #[test]
        fn each_thing_has_the_number_it_came_with(things in proptest::collection::vec(0..200_u32, 0..400)) {
            check(&things, spread);
        }

        /// Hashes that collide cost time, never an answer.
        #[test]
        fn equal_hashes_are_told_apart(things in proptest::collection::vec(0..200_u32, 0..200), kinds in 1..4_u32) {
            check(&things, |thing| spread(thing % kinds));
        }
    }
}
