//! What can be found in the file by whoever has no key.

use vault::Expiry;

use crate::home::{Home, TEST_CARDS, key, pan, token};

/// The number as bytes, in every form in which card numbers lie about.
fn forms(digits: &str) -> Vec<Vec<u8>> {
    let packed = |nibbles: &str| {
        let values: Vec<u8> = nibbles.chars().map(|c| u8::try_from(c.to_digit(16).unwrap()).unwrap()).collect();
        values.chunks_exact(2).map(|pair| pair[0] << 4 | pair[1]).collect::<Vec<u8>>()
    };
    let odd = digits.len() % 2 == 1;
    let mut forms = vec![
        digits.as_bytes().to_vec(),
        digits.bytes().rev().collect(),
        // Binary-coded decimal: at both alignments, padded as ISO 8583 and as track data are.
        packed(&if odd { format!("0{digits}") } else { digits.to_owned() }),
        packed(&if odd { format!("{digits}f") } else { digits.to_owned() }),
        packed(&digits[1..][..(digits.len() - 1) / 2 * 2]),
        digits.bytes().map(|byte| byte - b'0').collect(),
        digits.parse::<u64>().unwrap().to_be_bytes().to_vec(),
        digits.parse::<u64>().unwrap().to_le_bytes().to_vec(),
        digits.bytes().flat_map(|byte| [byte, 0]).collect(),
        digits.bytes().flat_map(|byte| format!("{byte:02x}").into_bytes()).collect(),
    ];
    forms.extend((0..3).map(|skipped| base64(&digits.as_bytes()[skipped..])));
    let known = forms.clone();
    forms.extend(known.iter().map(|form| base64(form)));
    // Eight digits in a row, whatever is around them.
    forms.extend(digits.as_bytes().windows(8).map(<[u8]>::to_vec));
    // The middle of 6200000000000005, packed, is hardly more than zeros, and so is the end of a record.
    forms.retain(|form| without_outer_zeros(form).len() >= 5);
    forms
}

fn without_outer_zeros(mut bytes: &[u8]) -> &[u8] {
    while let [0, rest @ ..] | [rest @ .., 0] = bytes {
        bytes = rest;
    }
    bytes
}

/// Whole groups of three bytes: what follows them changes no character.
fn base64(bytes: &[u8]) -> Vec<u8> {
    const CHARACTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let character = |group: u32, shift: u32| CHARACTERS[usize::try_from(group >> shift & 63).unwrap()];
    let groups = bytes.chunks_exact(3).map(|three| u32::from_be_bytes([0, three[0], three[1], three[2]]));
    groups.flat_map(|group| [18, 12, 6, 0].map(|shift| character(group, shift))).collect()
}

fn found(bytes: &[u8], form: &[u8]) -> bool {
    bytes.windows(form.len()).any(|window| window == form)
}

#[test]
fn the_forms_are_what_they_are_called() {
    let forms = forms("4242424242424242");
    for expected in [&b"4242424242424242"[..], &[0x42; 8], &[0x24; 7], b"NDI0MjQyNDI0MjQyNDI0"] {
        assert!(forms.iter().any(|form| form == expected), "{expected:?}");
    }
    let odd = self::forms("378282246310005");
    assert!(odd.contains(&vec![0x03, 0x78, 0x28, 0x22, 0x46, 0x31, 0x00, 0x05]));
    assert!(odd.contains(&vec![0x37, 0x82, 0x82, 0x24, 0x63, 0x10, 0x00, 0x5f]));
}

#[test]
fn no_number_is_in_the_file_in_any_form() {
    let home = Home::new();
    home.bind(&TEST_CARDS);
    let bound = home.bytes();
    let (mut vault, _) = home.open(&[1]).unwrap();
    vault.bind(token(2), &pan(TEST_CARDS[1]), Expiry::parse("01/33").unwrap()).unwrap();
    vault.unbind(token(3)).unwrap();
    let unbound = home.bytes();
    vault.rotate(key(2)).unwrap();
    for bytes in [bound, unbound, home.bytes()] {
        for digits in TEST_CARDS {
            for form in forms(digits) {
                assert!(!found(&bytes, &form), "{digits} as {form:?}");
            }
        }
    }
}

#[test]
fn equal_cards_are_sealed_to_unequal_bytes() {
    let home = Home::new();
    home.bind(&[TEST_CARDS[0], TEST_CARDS[0]]);
    let bytes = home.bytes();
    let sealed = |at: usize| [&bytes[at + 36..at + 48], &bytes[at + 48..at + 80], &bytes[at + 96..at + 148]];
    assert!(sealed(256).iter().zip(sealed(512)).all(|(one, other)| **one != *other));
}
