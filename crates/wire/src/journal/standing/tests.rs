use proptest::prelude::*;

use super::{decode, encode};
use crate::journal::tests::arbitrary::standing::standing;

fn encoded(standing: &domain::Standing) -> Vec<u8> {
    let mut bytes = Vec::new();
    encode(standing, &mut bytes);
    bytes
}

proptest! {
    #[test]
    fn what_stands_is_itself_again(standing in standing()) {
        prop_assert_eq!(decode(&encoded(&standing)), Ok(standing));
    }

    #[test]
    fn arbitrary_bytes_do_no_harm(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = decode(&bytes);
    }

    /// Flipped bits are refused, or are something that could have been written.
    #[test]
    fn damaged_bytes_do_no_harm(
        standing in standing(),
        damages in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
    ) {
        let mut bytes = encoded(&standing);
        for (index, damage) in damages {
            let index = index.index(bytes.len());
            bytes[index] ^= damage;
        }
        if let Ok(read) = decode(&bytes) {
            prop_assert_eq!(decode(&encoded(&read)), Ok(read));
        }
    }
}
