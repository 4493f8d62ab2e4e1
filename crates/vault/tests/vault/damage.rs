//! A file that is shorter than it was, or has other bytes.

use std::fs;

use vault::{Error, Expiry, Opened};

use crate::home::{Home, TEST_CARDS, expiry, pan, token};

const RECORD: usize = 256;

#[test]
fn a_file_that_ends_anywhere_opens_with_the_cards_that_are_whole() {
    let home = Home::new();
    home.bind(&TEST_CARDS[..3]);
    let whole = home.bytes();
    assert_eq!(whole.len(), 4 * RECORD);
    for length in RECORD..=whole.len() {
        fs::write(&home.path, &whole[..length]).unwrap();
        let (mut vault, opened) = home.open(&[1]).unwrap();
        let (cards, cut) = (length / RECORD - 1, length % RECORD);
        assert_eq!(opened, Opened { cards, cut_bytes: u64::try_from(cut).unwrap() }, "{length}");
        assert_eq!(home.bytes(), whole[..length - cut], "{length}");
        // Where the torn record was, a new one goes.
        vault.bind(token(3), &pan(TEST_CARDS[2]), expiry()).unwrap();
        drop(vault);
        let (vault, _) = home.open(&[1]).unwrap();
        assert!(vault.reveal(token(3)).is_ok(), "{length}");
    }
}

/// A file whose length is on disk before its last bytes are.
#[test]
fn a_last_record_that_ends_in_zeros_was_never_whole() {
    let home = Home::new();
    home.bind(&TEST_CARDS[..2]);
    let whole = home.bytes();
    for written in [0, 1, 100, 239, 240] {
        let mut bytes = whole.clone();
        bytes[2 * RECORD + written..].fill(0);
        fs::write(&home.path, &bytes).unwrap();
        let (vault, opened) = home.open(&[1]).unwrap();
        assert_eq!(opened, Opened { cards: 1, cut_bytes: 256 }, "{written}");
        assert!(vault.reveal(token(1)).is_ok() && vault.reveal(token(2)).is_err());
        assert_eq!(home.bytes(), whole[..2 * RECORD]);
    }
}

#[test]
fn a_header_that_is_not_whole_is_damage() {
    let home = Home::new();
    home.bind(&[]);
    let whole = home.bytes();
    for length in 0..RECORD {
        fs::write(&home.path, &whole[..length]).unwrap();
        let error = home.open(&[1]).unwrap_err();
        assert!(matches!(error, Error::Damaged { offset: 0, .. }), "{length}: {error}");
    }
}

/// Cards at 256, 512 and 768, a destroyed one at 512 as the record at 1,024 says, and a card at 1,280.
#[test]
fn one_other_bit_anywhere_stops_the_opening_and_changes_nothing() {
    let home = Home::new();
    home.bind(&TEST_CARDS[..3]);
    let (mut vault, _) = home.open(&[1]).unwrap();
    vault.unbind(token(2)).unwrap();
    vault.bind(token(4), &pan(TEST_CARDS[3]), expiry()).unwrap();
    drop(vault);
    let whole = home.bytes();
    assert_eq!(whole.len(), 6 * RECORD);
    for place in 0..whole.len() {
        for bit in [0, 3, 7] {
            let mut bytes = whole.clone();
            bytes[place] ^= 1 << bit;
            fs::write(&home.path, &bytes).unwrap();
            match (place / RECORD, home.open(&[1])) {
                (0, Err(Error::NotAVault { .. })) => assert!(place < 8, "{place}"),
                (0, Err(Error::Damaged { offset: 0, .. }))
                | (1, Err(Error::Damaged { offset: 256, .. }))
                | (3, Err(Error::Damaged { offset: 768, .. }))
                // Nothing says any longer why there is no record at 512.
                | (4, Err(Error::Damaged { offset: 512, .. }))
                | (5, Err(Error::Damaged { offset: 1280, .. })) => {}
                (2, Ok((_, opened))) => {
                    assert_eq!(opened, Opened { cards: 3, cut_bytes: 0 });
                    bytes[place] = 0;
                }
                (_, other) => panic!("{place}: {other:?}"),
            }
            assert_eq!(home.bytes(), bytes, "{place}");
        }
    }
}

/// A card that was renewed twice: at 256 and 768 it was, at 1,024 it is. Another is at 512.
#[test]
fn another_bit_in_what_renewed_or_was_replaced_stops_the_opening_unless_the_card_is_there_whole() {
    let home = Home::new();
    home.bind(&TEST_CARDS[..2]);
    let (mut vault, _) = home.open(&[1]).unwrap();
    for later in ["01/33", "02/34"] {
        vault.bind(token(1), &pan(TEST_CARDS[0]), Expiry::parse(later).unwrap()).unwrap();
    }
    drop(vault);
    let whole = home.bytes();
    assert_eq!(whole.len(), 5 * RECORD);
    for place in RECORD..whole.len() {
        let mut bytes = whole.clone();
        bytes[place] ^= 1;
        fs::write(&home.path, &bytes).unwrap();
        match (place / RECORD, home.open(&[1])) {
            (1, Err(Error::Damaged { offset: 256, .. }))
            | (2, Err(Error::Damaged { offset: 512, .. }))
            | (4, Err(Error::Damaged { offset: 1024, .. })) => assert_eq!(home.bytes(), bytes, "{place}"),
            // What stands behind it says what was there.
            (3, Ok((_, opened))) => {
                assert_eq!(opened, Opened { cards: 2, cut_bytes: 0 });
                assert_eq!(home.bytes(), whole, "{place}");
            }
            (_, other) => panic!("{place}: {other:?}"),
        }
    }
}

#[test]
fn a_record_at_another_place_or_of_another_vault_is_damage() {
    let (home, other) = (Home::new(), Home::new());
    home.bind(&TEST_CARDS[..3]);
    other.bind(&TEST_CARDS[..3]);
    let (whole, foreign) = (home.bytes(), other.bytes());
    let record = |bytes: &[u8], index: usize| bytes[index * RECORD..][..RECORD].to_vec();
    let with = |first: Vec<u8>, second: Vec<u8>| [&whole[..RECORD], &first, &second, &whole[3 * RECORD..]].concat();
    for (bytes, expected) in [
        (with(record(&whole, 2), record(&whole, 1)), 256),
        (with(record(&whole, 1), record(&whole, 1)), 512),
        (with(record(&whole, 1), record(&foreign, 2)), 512),
        (with(record(&whole, 1), vec![0; RECORD]), 512),
        ([&whole[..], &record(&whole, 1)].concat(), 1_024),
        ([&whole[..RECORD], &whole[2 * RECORD..]].concat(), 256),
        ([&foreign[..RECORD], &whole[RECORD..]].concat(), 256),
    ] {
        fs::write(&home.path, &bytes).unwrap();
        let error = home.open(&[1]).unwrap_err();
        assert!(matches!(error, Error::Damaged { offset, .. } if offset == expected), "{expected}: {error}");
        assert_eq!(home.bytes(), bytes);
    }
}

/// What is damaged while the vault is open is found when it is read.
#[test]
fn a_card_that_was_damaged_since_the_opening_is_not_revealed() {
    let home = Home::new();
    home.bind(&TEST_CARDS[..1]);
    let (mut vault, _) = home.open(&[1]).unwrap();
    let mut bytes = home.bytes();
    bytes[RECORD + 110] ^= 1;
    fs::write(&home.path, &bytes).unwrap();
    assert!(matches!(vault.reveal(token(1)), Err(Error::Damaged { offset: 256, .. })));
    assert!(vault.bind(token(1), &pan(TEST_CARDS[0]), expiry()).is_err());
    assert!(matches!(vault.rotate(crate::home::key(2)), Err(Error::Damaged { offset: 256, .. })));
}

#[test]
fn an_error_names_file_offset_and_reason() {
    let home = Home::new();
    home.bind(&TEST_CARDS[..1]);
    let mut bytes = home.bytes();
    bytes[300] ^= 1;
    fs::write(&home.path, &bytes).unwrap();
    let expected = format!("{} is damaged at offset 256: the record does not match its check", home.path.display());
    assert_eq!(home.open(&[1]).unwrap_err().to_string(), expected);
}
