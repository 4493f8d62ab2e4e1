//! How long to wait before another attempt.

/// Bounds of a wait that doubles, in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BackOff {
    /// The first wait.
    pub min_ms: u32,
    /// No wait is longer.
    pub max_ms: u32,
}

impl BackOff {
    /// So long to wait after this many attempts that failed, in milliseconds: doubled with each up to the longest, less up
    /// to half of it. What is taken off follows from the seed alone, so that many that failed together do not come back
    /// together, and one that is looked at twice is the same twice.
    #[must_use]
    pub fn wait_ms(self, failed: u32, seed: u64) -> u32 {
        let doubled = 1_u32.checked_shl(failed.saturating_sub(1)).unwrap_or(u32::MAX);
        self.spread(self.min_ms.saturating_mul(doubled).min(self.max_ms), failed, seed)
    }

    /// The longest wait, less up to half of it.
    #[must_use]
    pub fn longest_ms(self, failed: u32, seed: u64) -> u32 {
        self.spread(self.max_ms, failed, seed)
    }

    fn spread(self, whole: u32, failed: u32, seed: u64) -> u32 {
        let half = whole / 2;
        let part = mixed(seed ^ (u64::from(failed) << 48)) % (u64::from(half) + 1);
        whole.saturating_sub(u32::try_from(part).unwrap_or(half))
    }
}

/// The finalizer of SplitMix64 (Steele, Lea, Flood 2014): neighbours come out far apart.
const fn mixed(seed: u64) -> u64 {
    let seed = seed.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let seed = (seed ^ (seed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let seed = (seed ^ (seed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    seed ^ (seed >> 31)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn neighbours_do_not_wait_alike() {
        let back_off = BackOff { min_ms: 1_000, max_ms: 60_000 };
        let mut waits: Vec<u32> = (0..100).map(|seed| back_off.wait_ms(3, seed)).collect();
        waits.sort_unstable();
        waits.dedup();
        assert!(waits.len() > 80, "{waits:?}");
    }

    proptest! {
        #[test]
        fn a_wait_is_within_half_of_its_doubling(min_ms in 1_u32..5_000, more in 0_u32..600_000, failed in 0_u32..100, seed: u64) {
            let back_off = BackOff { min_ms, max_ms: min_ms + more };
            let whole = (u64::from(min_ms) << failed.saturating_sub(1).min(30)).min(u64::from(back_off.max_ms));
            let wait = u64::from(back_off.wait_ms(failed, seed));
            prop_assert!(wait <= whole && wait >= whole / 2, "{wait} of {whole}");
            prop_assert_eq!(back_off.wait_ms(failed, seed), back_off.wait_ms(failed, seed));
            let longest = back_off.longest_ms(failed, seed);
            prop_assert!(longest <= back_off.max_ms && longest >= back_off.max_ms / 2);
        }
    }
}
