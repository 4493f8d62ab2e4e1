use alloc::{format, string::String, vec::Vec};

use proptest::prelude::*;

use super::*;
use crate::charset::Charset;
use crate::element::{Kind, Length};
use crate::format::{Encoding, Padding, PrefixEncoding};

/// What no published spec does: binary lengths, a text bitmap of packed digits, bytes where the others have text.
const MIXED: Spec = Spec::BCD
    .with_mti(Encoding::Text(Charset::Ebcdic))
    .with_bitmap(Encoding::Text(Charset::Ebcdic))
    .with(Element::of(2), digits(Length::Ll(19), Padding::Right(0xF), PrefixEncoding::Binary))
    .with(Element::of(24), digits(Length::Fixed(3), Padding::Right(0), PrefixEncoding::Packed))
    .with(Element::of(33), digits(Length::Lll(11), Padding::Left(0xA), PrefixEncoding::Text(Charset::Ebcdic)))
    .with(Element::of(48), bytes(Length::Lll(999), PrefixEncoding::Binary))
    .with(Element::of(60), bytes(Length::Ll(99), PrefixEncoding::Text(Charset::Ascii)))
    .with(
        Element::of(55),
        Format::new(Kind::Binary, Length::Lll(255), Encoding::Text(Charset::Ebcdic), PrefixEncoding::Packed),
    );

const fn digits(length: Length, padding: Padding, prefix: PrefixEncoding) -> Format {
    Format::new(Kind::Numeric, length, Encoding::Packed(padding), prefix)
}

const fn bytes(length: Length, prefix: PrefixEncoding) -> Format {
    Format::new(Kind::Binary, length, Encoding::Binary, prefix)
}

const SPECS: [&Spec; 4] = [&Spec::ASCII, &Spec::EBCDIC, &Spec::BCD, &MIXED];

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn bytes_of(hex: &str) -> Vec<u8> {
    let digits: Vec<char> = hex.chars().filter(|character| !character.is_whitespace()).collect();
    let byte = |pair: &[char]| u8::from_str_radix(&pair.iter().collect::<String>(), 16).expect("hexadecimal");
    digits.chunks(2).map(byte).collect()
}

fn message(mti: Mti, fields: &[(u8, &[u8])]) -> Message {
    let mut message = Message::new(mti);
    for (number, value) in fields {
        message.set(Element::of(*number), value);
    }
    message
}

fn authorization() -> Message {
    message(
        Mti::AUTHORIZATION_REQUEST,
        &[
            (2, b"4242424242424242"),
            (3, b"000000"),
            (4, b"000000025750"),
            (22, b"051"),
            (28, b"D00000150"),
            (32, b"12345"),
            (35, b"4242424242424242=29121010"),
            (41, b"TERM 1  "),
            (49, b"156"),
            (52, &[0x12, 0x34, 0x56, 0x78, 0x9A, 0xBC, 0xDE, 0xF0]),
        ],
    )
}

/// Written out by hand.
#[test]
fn the_bytes_of_an_authorization_stand() {
    let ascii = concat!(
        "0100",
        "7000041120809000",
        "164242424242424242",
        "000000",
        "000000025750",
        "051",
        "D00000150",
        "0512345",
        "254242424242424242=29121010",
        "TERM 1  ",
        "156",
        "123456789ABCDEF0",
    );
    assert_eq!(encode(&Spec::ASCII, &authorization()).as_deref(), Ok(ascii.as_bytes()));
    let bcd = "0100 7000041120809000 16 4242424242424242 000000 000000025750 0051 443030303030313530 05 012345
        25 4242424242424242D29121010F 5445524d20312020 313536 123456789abcdef0";
    assert_eq!(encode(&Spec::BCD, &authorization()), Ok(bytes_of(bcd)));
    let ebcdic =
        "f0f1f0f0 7000041120809000 f1f6f4f2f4f2f4f2f4f2f4f2f4f2f4f2f4f2 f0f0f0f0f0f0 f0f0f0f0f0f0f0f2f5f7f5f0 f0f5f1
        c4f0f0f0f0f0f1f5f0 f0f5f1f2f3f4f5 f2f5f4f2f4f2f4f2f4f2f4f2f4f2f4f2f4f27ef2f9f1f2f1f0f1f0 e3c5d9d440f14040 f1f5f6
        123456789abcdef0";
    assert_eq!(encode(&Spec::EBCDIC, &authorization()), Ok(bytes_of(ebcdic)));
    for spec in SPECS {
        let bytes = encode(spec, &authorization()).expect("every spec takes it");
        assert_eq!(decode(spec, &bytes), Ok(authorization()), "{}", hex(&bytes));
    }
}

#[test]
fn elements_above_64_are_announced_by_the_first_bit() {
    let reversal = message(Mti::NETWORK_REQUEST, &[(11, b"000001"), (70, b"301"), (128, &[0xFF; 8])]);
    let bytes = encode(&Spec::ASCII, &reversal);
    assert_eq!(bytes.as_deref(), Ok(&b"080080200000000000000400000000000001000001301FFFFFFFFFFFFFFFF"[..]));
    let bytes = encode(&Spec::BCD, &reversal).expect("is written");
    assert_eq!(hex(&bytes), "0800802000000000000004000000000000010000010301ffffffffffffffff");
    assert_eq!(decode(&Spec::BCD, &bytes), Ok(reversal));
}

#[test]
fn what_is_not_canonical_is_written_as_it_should_be() {
    for (given, canonical) in [
        ("011000000000200000000912345D789", "011000000000200000000912345=789"),
        ("0800a0000000000000000000000000000000123456", "08002000000000000000123456"),
        ("08000000000000001000abcdef0123456789", "08000000000000001000ABCDEF0123456789"),
    ] {
        let message = decode(&Spec::ASCII, given.as_bytes()).expect(given);
        assert_eq!(encode(&Spec::ASCII, &message).as_deref(), Ok(canonical.as_bytes()));
    }
}

#[test]
fn what_cannot_be_read_is_named() {
    for (spec, bytes, expected) in [
        (&Spec::ASCII, &b""[..], "cannot decode the message type: expected 4 more bytes at byte 0"),
        (&Spec::ASCII, b"010", "cannot decode the message type: expected 1 more byte at byte 3"),
        (&Spec::ASCII, b"01A0", "cannot decode the message type: expected a digit at byte 2"),
        (&Spec::ASCII, b"1100", "cannot decode the message type: expected 0 and three digits at byte 0"),
        (&Spec::BCD, b"\x01\x0A", "cannot decode the message type: expected a digit at byte 1"),
        (&Spec::ASCII, b"010000000000000000", "cannot decode the bitmap: expected 2 more bytes at byte 18"),
        (
            &Spec::ASCII,
            b"01000000G00000000000",
            "cannot decode the bitmap: expected hexadecimal digits, two a byte at byte 8",
        ),
        (
            &Spec::ASCII,
            b"010080000000000000008000000000000000",
            "cannot decode DE 1: expected no third bitmap at byte 20",
        ),
        (&Spec::ASCII, b"01002000000000000000 12345", "cannot decode DE 3: expected a digit at byte 20"),
        (&Spec::ASCII, b"01002000000000000000123456\n", "cannot decode the message: expected the end at byte 26"),
        (&Spec::ASCII, b"010040000000000000001x", "cannot decode DE 2: expected the digits of a length at byte 21"),
        (&Spec::ASCII, b"0100400000000000000020", "cannot decode DE 2: expected a length of at most 19 at byte 20"),
        (
            &Spec::BCD,
            b"\x01\x00\0\0\x04\0\0\0\0\0\x10\x51",
            "cannot decode DE 22: expected the half byte 0 that fills up at byte 10",
        ),
        (
            &Spec::BCD,
            b"\x01\x00\0\0\0\0\x20\0\0\0\x01\x40",
            "cannot decode DE 35: expected the half byte F that fills up at byte 11",
        ),
        (&Spec::ASCII, b"01000000001000000000X00000000", "cannot decode DE 28: expected C or D and digits at byte 20"),
        (
            &Spec::ASCII,
            b"01000000000000000200003ABC",
            "cannot decode DE 55: expected hexadecimal digits, two a byte at byte 25",
        ),
        (
            &Spec::EBCDIC,
            b"\xF0\xF1\xF0\xF0\0\0\0\0\0\x80\0\0TERM 1  ",
            "cannot decode DE 41: expected a printable character at byte 12",
        ),
    ] {
        let error = decode(spec, bytes).expect_err(expected);
        assert_eq!(format!("{error}"), expected);
    }
}

#[test]
fn what_cannot_be_written_is_named() {
    for (fields, expected) in [
        (&[(4, &b"25750"[..])][..], "cannot encode DE 4: expected a length of 12 at byte 0 of it"),
        (&[(2, b"42424242424242424242")], "cannot encode DE 2: expected a length of at most 19 at byte 0 of it"),
        (&[(2, b"4242 4242")], "cannot encode DE 2: expected a digit at byte 4 of it"),
        (&[(35, b"4242D2912")], "cannot encode DE 35: expected a character of a track at byte 4 of it"),
        (&[(37, b"12345-789012")], "cannot encode DE 37: expected a letter, a digit or a blank at byte 5 of it"),
        (&[(42, b"MERCHANT\x0000000 ")], "cannot encode DE 42: expected a printable character at byte 8 of it"),
        (&[(64, b"1234567")], "cannot encode DE 64: expected a length of 8 at byte 0 of it"),
    ] {
        let error = encode(&Spec::ASCII, &message(Mti::FINANCIAL_REQUEST, fields)).expect_err(expected);
        assert_eq!(format!("{error}"), expected);
    }
}

#[test]
fn the_limit_of_a_message_holds_both_ways() {
    let long = vec_of(b' ', 999);
    let mut message = Message::new(Mti::FINANCIAL_REQUEST);
    for number in 105..=120 {
        message.set(Element::of(number), &long);
    }
    // 4 and 32 before sixteen of 1,002.
    let bytes = encode(&Spec::ASCII, &message).expect("within the limit");
    assert_eq!(bytes.len(), 16_068);
    message.set(Element::of(121), &vec_of(b' ', MESSAGE_BYTES_MAX - 16_068 - 3));
    assert_eq!(encode(&Spec::ASCII, &message).map(|bytes| bytes.len()), Ok(MESSAGE_BYTES_MAX));
    message.set(Element::of(11), b"000001");
    let error = EncodeError { place: Place::Message, offset: MESSAGE_BYTES_MAX, expected: Expected::ShorterMessage };
    assert_eq!(encode(&Spec::ASCII, &message), Err(error));
    let error = decode(&Spec::ASCII, &vec_of(b'0', MESSAGE_BYTES_MAX + 1)).expect_err("too long");
    assert_eq!(error.expected, Expected::ShorterMessage);
}

fn vec_of(byte: u8, length: usize) -> Vec<u8> {
    core::iter::repeat_n(byte, length).collect()
}

fn any_value(format: &Format) -> BoxedStrategy<Vec<u8>> {
    let maximum = usize::from(format.length().maximum());
    let length = match format.length() {
        Length::Fixed(_) => maximum..=maximum,
        Length::Ll(_) | Length::Lll(_) => 0..=maximum.min(60),
    };
    let characters: &'static [u8] = match format.kind() {
        Kind::Numeric | Kind::SignedNumeric => b"0123456789",
        Kind::Alphanumeric => b" 0123456789ABCXYZabcxyz",
        Kind::AlphanumericSpecial => br##" 0123456789ABCXYZabcxyz!"#$%&'()*+,-./:;<=>?@[\]^_`{|}~"##,
        Kind::Track => b"0123456789:;<=>?",
        Kind::Binary => return prop::collection::vec(any::<u8>(), length).boxed(),
    };
    let text = prop::collection::vec(prop::sample::select(characters), length);
    if format.kind() != Kind::SignedNumeric {
        return text.boxed();
    }
    let sign = prop::sample::select(&b"CD"[..]);
    (sign, text)
        .prop_map(|(sign, mut text)| {
            text[0] = sign;
            text
        })
        .boxed()
}

/// A spec, and a message that it takes.
fn any_message() -> impl Strategy<Value = (&'static Spec, Message)> {
    let elements: Vec<Element> = Element::all().collect();
    (prop::sample::select(&SPECS[..]), 0..1_000_u16, prop::sample::subsequence(elements, 0..=24)).prop_flat_map(
        |(spec, number, elements)| {
            let mti = format!("{number:04}");
            let values: Vec<_> = elements.iter().map(|element| any_value(spec.format(*element))).collect();
            values.prop_map(move |values| {
                let mti: [u8; 4] = mti.as_bytes().try_into().expect("four digits");
                let mut message = Message::new(Mti::new(&mti).expect("version 0"));
                elements.iter().zip(values).for_each(|(element, value)| message.set(*element, &value));
                (spec, message)
            })
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn a_message_is_read_as_it_was_written((spec, message) in any_message()) {
        let bytes = encode(spec, &message).expect("the spec takes it");
        prop_assert_eq!(decode(spec, &bytes).expect("it was written"), message);
    }

    /// Whatever is read is written in the one canonical form, and cut bytes are never a message.
    #[test]
    fn what_is_read_is_canonical_once_written(
        (spec, message) in any_message(),
        cut in any::<prop::sample::Index>(),
        changed in any::<prop::sample::Index>(),
        byte in any::<u8>(),
    ) {
        let mut bytes = encode(spec, &message).expect("the spec takes it");
        prop_assert!(decode(spec, &bytes[..cut.index(bytes.len())]).is_err());
        *changed.get_mut(&mut bytes) = byte;
        if let Ok(read) = decode(spec, &bytes) {
            let written = encode(spec, &read).expect("it was read");
            prop_assert_eq!(decode(spec, &written).expect("it was written"), read);
        }
    }

    #[test]
    fn no_bytes_make_it_panic(spec in prop::sample::select(&SPECS[..]), bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = decode(spec, &bytes);
    }
}
