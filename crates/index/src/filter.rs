//! What an index surely does not hold, without looking into it.
//!
//! Nearly every request to be paid comes with a key and an order that nobody has used before, and to find that out in the
//! store costs more than to decide the payment. A filter in memory knows it: a Bloom filter in blocks of one cache line
//! (Putze, Sanders, Singler: "Cache-, Hash- and Space-Efficient Bloom Filters", 2007). It errs on one side only: what it
//! holds for possible is looked up. What it is asked about are keyed digests, which nobody can aim.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// Bits set for each thing in a block of 512: at twelve bits a thing one question in about a hundred is looked up in vain.
const BITS_A_THING: u32 = 6;
const WORDS_A_BLOCK: usize = 8;
const BLOCK_BYTES: usize = WORDS_A_BLOCK * size_of::<u64>();
/// Nine bits of a hash name one of the 512 bits of a block.
const BITS_A_PLACE: u32 = 9;

/// Things are told by one thread or several, and asked for by any number.
#[derive(Debug)]
pub(crate) struct Filter {
    blocks: Box<[Block]>,
    /// Before that, anything may be in the index.
    is_whole: AtomicBool,
}

#[derive(Debug, Default)]
#[repr(align(64))]
struct Block([AtomicU64; WORDS_A_BLOCK]);

impl Filter {
    /// A filter of about so many bytes, at least one block, that has been told nothing.
    pub(crate) fn new(bytes: usize) -> Self {
        let blocks = (bytes / BLOCK_BYTES).max(1);
        Self { blocks: (0..blocks).map(|_| Block::default()).collect(), is_whole: AtomicBool::new(false) }
    }

    /// Tells of a thing that is, or will be, in the index.
    pub(crate) fn tell(&self, hash: u128) {
        let block = self.block(hash);
        for (word, bit) in places(hash) {
            // Whoever must see it does so by what the store does afterwards.
            block.0[word].fetch_or(bit, Ordering::Relaxed);
        }
    }

    /// From now on it was told of everything that is in the index.
    pub(crate) fn is_told_all(&self) {
        self.is_whole.store(true, Ordering::Release);
    }

    /// Whether this may be in the index.
    pub(crate) fn may_hold(&self, hash: u128) -> bool {
        if !self.is_whole.load(Ordering::Acquire) {
            return true;
        }
        let block = self.block(hash);
        places(hash).all(|(word, bit)| block.0[word].load(Ordering::Relaxed) & bit != 0)
    }

    fn block(&self, hash: u128) -> &Block {
        let blocks = self.blocks.len() as u128;
        // The upper half chooses the block, as a fraction of all.
        let place = ((hash >> 64) * blocks) >> 64;
        &self.blocks[usize::try_from(place).expect("it is below the number of blocks")]
    }
}

/// The bits of a thing within its block, from the lower half of its hash.
fn places(hash: u128) -> impl Iterator<Item = (usize, u64)> {
    (0..BITS_A_THING).map(move |number| {
        let place = (hash >> (number * BITS_A_PLACE)) & 511;
        let place = usize::try_from(place).expect("nine bits");
        (place >> 6, 1 << (place & 63))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Numbers as even as digests (SplitMix64).
    fn hashes(seed: u64) -> impl Iterator<Item = u128> {
        let mut state = seed;
        let mut next = move || {
            state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            mixed ^ (mixed >> 31)
        };
        std::iter::repeat_with(move || u128::from(next()) << 64 | u128::from(next()))
    }

    #[test]
    fn what_was_told_may_be_there_and_most_else_is_not() {
        const THINGS: usize = 20_000;
        let filter = Filter::new(THINGS * 12 / 8);
        hashes(1).take(THINGS).for_each(|hash| filter.tell(hash));
        assert!(hashes(2).take(THINGS).all(|hash| filter.may_hold(hash)), "it does not know all yet");
        filter.is_told_all();
        assert!(hashes(1).take(THINGS).all(|hash| filter.may_hold(hash)));
        let in_vain = hashes(2).take(THINGS).filter(|hash| filter.may_hold(*hash)).count();
        assert!(in_vain < THINGS / 40, "{in_vain} of {THINGS} would be looked up in vain");
    }

    #[test]
    fn a_filter_that_is_too_small_still_misses_nothing() {
        let filter = Filter::new(0);
        hashes(1).take(1_000).for_each(|hash| filter.tell(hash));
        filter.is_told_all();
        assert!(hashes(1).take(1_000).all(|hash| filter.may_hold(hash)));
    }
}
