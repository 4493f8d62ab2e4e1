use proptest::prelude::*;
use prost::encoding::encode_varint;

use super::{Canonical, Fields};

fn written(write: impl FnOnce(&mut Fields<'_>)) -> Vec<u8> {
    let mut bytes = Vec::new();
    write(&mut Fields::of(&mut bytes));
    bytes
}

/// Of any length in bits.
fn number() -> impl Strategy<Value = u64> {
    (any::<u64>(), 0..=u64::BITS).prop_map(|(number, shift)| number.checked_shr(shift).unwrap_or(0))
}

proptest! {
    #[test]
    fn an_integer_is_written_as_prost_writes_it_and_read_again(value in number(), behind in prop::collection::vec(any::<u8>(), 0..9)) {
        let mut bytes = written(|fields| fields.told(1, value.cast_signed()));
        let mut expected = vec![0x08];
        encode_varint(value, &mut expected);
        prop_assert_eq!(&bytes, &expected);
        bytes.extend_from_slice(&behind);
        let mut message = Canonical::of(&bytes);
        prop_assert_eq!(message.told(1), Some(Some(value.cast_signed())));
        prop_assert_eq!(message.is_empty(), behind.is_empty());
    }

    #[test]
    fn a_signed_integer_is_itself_again(value in any::<i64>(), shift in 0..64_u32) {
        let value = value >> shift;
        let bytes = written(|fields| {
            fields.signed(1, value);
            fields.zigzag(2, value);
        });
        let mut message = Canonical::of(&bytes);
        prop_assert_eq!((message.signed(1), message.zigzag(2), message.end()), (Some(value), Some(value), Some(())));
    }

    #[test]
    fn a_message_of_any_length_is_itself_again(length in prop_oneof![0..300_usize, 16_000..17_000_usize]) {
        let content = vec![7; length];
        let bytes = written(|fields| {
            fields.message(1, |fields| fields.message(2, |fields| fields.bytes(3, &content)));
            fields.unsigned(4, 9);
        });
        let mut message = Canonical::of(&bytes);
        let (_, mut inner) = message.message(1).unwrap().unwrap().one_of().unwrap();
        prop_assert_eq!(inner.bytes(3), Some(content.as_slice()));
        prop_assert_eq!((inner.end(), message.unsigned(4), message.end()), (Some(()), Some(9), Some(())));
    }
}

/// Field 1 as an integer, and nothing behind it.
fn integer(bytes: &[u8]) -> Option<u64> {
    let mut message = Canonical::of(bytes);
    let value = message.unsigned(1)?;
    message.end()?;
    Some(value)
}

#[test]
fn only_one_form_of_an_integer_is_read() {
    assert_eq!(integer(&[]), Some(0));
    assert_eq!(integer(&[0x08, 0x01]), Some(1));
    assert_eq!(integer(&[0x08, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01]), Some(u64::MAX));
    let others: [&[u8]; 9] = [
        // No integer, or half of one.
        &[0x08],
        &[0x08, 0x80],
        // Zero is not written, and nothing is written in more bytes than it takes.
        &[0x08, 0x00],
        &[0x08, 0x81, 0x00],
        &[0x08, 0x81, 0x00, 0, 0, 0, 0, 0, 0, 0],
        &[0x08, 0x81, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x00],
        // More than 64 bits.
        &[0x08, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02],
        // Twice, and another field.
        &[0x08, 0x01, 0x08, 0x01],
        &[0x10, 0x01],
    ];
    for bytes in others {
        assert_eq!(integer(bytes), None, "{bytes:02x?}");
    }
}

#[test]
fn bytes_that_say_nothing_or_reach_beyond_the_end_are_given_up() {
    let empty: [&[u8]; 3] = [&[0x0a, 0x00], &[0x0a, 0x02, 0x01], &[0x0a]];
    for bytes in empty {
        assert_eq!(Canonical::of(bytes).bytes(1), None, "{bytes:02x?}");
    }
    assert_eq!(Canonical::of(&[0x0a, 0x01, 0xff]).text(1), None);
    assert_eq!(Canonical::of(&[0x0a, 0x01, 0x01]).array::<2>(1), None);
    assert!(Canonical::of(&[0x0a, 0x00, 0x10, 0x01]).one_of().is_none());
}
