//! Under which keys a vault opens.

use std::fs;

use vault::{Error, KeyEncryptionKey, Opened, Vault};

use crate::home::{Home, TEST_CARDS, expiry, key, key_of, pan, token};

#[test]
fn a_vault_opens_under_its_own_key_only() {
    let home = Home::new();
    home.bind(&TEST_CARDS[..1]);
    let before = home.bytes();
    assert!(home.open(&[2, 1]).is_ok());
    assert!(matches!(home.open(&[2, 3]).unwrap_err(), Error::UnknownKey { id: 1, .. }));
    assert!(matches!(home.open(&[]).unwrap_err(), Error::UnknownKey { id: 1, .. }));
    let wrong = KeyEncryptionKey::new(1, [0x99; 32]);
    let error = Vault::open(&home.path, &[wrong]).unwrap_err();
    assert!(matches!(error, Error::WrongKey { id: 1, .. }), "{error}");
    assert!(error.to_string().ends_with("is sealed under another key than the one given as key-encryption key 1"));
    assert_eq!(home.bytes(), before);
}

#[test]
fn a_new_vault_is_sealed_under_the_first_key() {
    let home = Home::new();
    assert!(matches!(home.open(&[]), Err(Error::NoKey { .. })));
    assert!(!home.path.exists());
    assert!(matches!(home.open(&[1, 2, 1]), Err(Error::RepeatedKey { id: 1 })));
    drop(home.open(&[2, 1]).unwrap());
    assert!(matches!(home.open(&[1]), Err(Error::UnknownKey { id: 2, .. })));
}

#[test]
fn a_rotation_keeps_cards_and_fingerprints_and_leaves_the_old_key_nothing() {
    let home = Home::new();
    home.bind(&TEST_CARDS);
    let (mut vault, _) = home.open(&[1]).unwrap();
    vault.unbind(token(7)).unwrap();
    let old = home.bytes();
    let fingerprints = TEST_CARDS.map(|digits| vault.fingerprint(&pan(digits)));
    vault.rotate(key(2)).unwrap();
    // The vault goes on with the new file.
    vault.bind(token(40), &pan(TEST_CARDS[6]), expiry()).unwrap();
    vault.unbind(token(1)).unwrap();
    drop(vault);

    assert!(matches!(home.open(&[1]), Err(Error::UnknownKey { id: 2, .. })));
    let old_under_new_number = key_of(2, 1);
    assert!(matches!(Vault::open(&home.path, &[old_under_new_number]), Err(Error::WrongKey { id: 2, .. })));

    let (vault, opened) = home.open(&[2]).unwrap();
    assert_eq!(opened, Opened { cards: 17, cut_bytes: 0 });
    assert_eq!(TEST_CARDS.map(|digits| vault.fingerprint(&pan(digits))), fingerprints);
    for (number, digits) in (1..).zip(TEST_CARDS).filter(|(number, _)| ![1, 7].contains(number)) {
        assert_eq!(vault.reveal(token(number)).unwrap(), (pan(digits), expiry()));
    }
    assert_eq!(vault.reveal(token(40)).unwrap(), (pan(TEST_CARDS[6]), expiry()));
    // What was unbound before took no place in the new file, and no sealed key is in both.
    let new = home.bytes();
    assert_eq!(new.len(), 256 * (1 + 17 + 1 + 1));
    let wrapped = |bytes: &[u8]| bytes.chunks(256).map(|record| record[48..80].to_vec()).collect::<Vec<_>>();
    let known = wrapped(&old);
    assert!(wrapped(&new).iter().all(|key| key.iter().all(|byte| *byte == 0) || !known.contains(key)));
}

#[test]
fn a_vault_is_not_rotated_to_the_key_it_has() {
    let home = Home::new();
    home.bind(&TEST_CARDS[..1]);
    let (mut vault, _) = home.open(&[1]).unwrap();
    let before = home.bytes();
    let same_number = KeyEncryptionKey::new(1, [0x99; 32]);
    assert!(matches!(vault.rotate(same_number), Err(Error::NotNewKey { id: 1 })));
    let same_key = key_of(5, 1);
    assert!(matches!(vault.rotate(same_key), Err(Error::NotNewKey { id: 5 })));
    assert_eq!(home.bytes(), before);
    vault.bind(token(2), &pan(TEST_CARDS[1]), expiry()).unwrap();
}

/// What a copy holds of a card that was unbound since does not open with what is there after a rotation.
#[test]
fn an_unbound_card_of_an_old_copy_is_lost_with_the_old_key() {
    let home = Home::new();
    home.bind(&TEST_CARDS[..2]);
    let copy = home.bytes();
    let (mut vault, _) = home.open(&[1]).unwrap();
    vault.unbind(token(1)).unwrap();
    vault.rotate(key(2)).unwrap();
    drop(vault);
    // The new header before the old records, whose checks still hold: the cards are there again, and do not open.
    fs::write(&home.path, [&home.bytes()[..256], &copy[256..]].concat()).unwrap();
    let (vault, opened) = home.open(&[2]).unwrap();
    assert_eq!(opened, Opened { cards: 2, cut_bytes: 0 });
    for number in [1, 2] {
        assert!(matches!(vault.reveal(token(number)), Err(Error::Damaged { .. })));
    }
}
