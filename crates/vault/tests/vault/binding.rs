//! What is bound is found and revealed, and what is unbound is not.

use domain::{CardBin, LastFour, Scheme};
use vault::{BindError, Bound, Error, Expiry, Opened};

use crate::home::{Home, TEST_CARDS, expiry, key, pan, token};

#[test]
fn every_test_card_is_bound_and_revealed_after_a_start_too() {
    let home = Home::new();
    home.bind(&TEST_CARDS);
    let (vault, opened) = home.open(&[1]).unwrap();
    assert_eq!(opened, Opened { cards: 18, cut_bytes: 0 });
    for (number, digits) in (1..).zip(TEST_CARDS) {
        assert_eq!(vault.reveal(token(number)).unwrap(), (pan(digits), expiry()));
    }
    assert_eq!(vault.tokens(), (1..=18).map(token).collect::<Vec<_>>());
}

#[test]
fn a_bound_card_tells_its_scheme_and_few_digits() {
    let (mut vault, opened) = Home::new().open(&[1]).unwrap();
    assert_eq!(opened, Opened { cards: 0, cut_bytes: 0 });
    let bound = vault.bind(token(1), &pan("378282246310005"), expiry()).unwrap();
    let expected = Bound {
        scheme: Scheme::Amex,
        bin: CardBin::new("378282").unwrap(),
        last_four: LastFour::new("0005").unwrap(),
        fingerprint: vault.fingerprint(&pan("378282246310005")),
    };
    assert_eq!(bound, expected);
}

#[test]
fn the_same_card_again_changes_nothing_and_another_is_refused() {
    let home = Home::new();
    let (mut vault, _) = home.open(&[1]).unwrap();
    let bound = vault.bind(token(1), &pan("4242424242424242"), expiry()).unwrap();
    let before = home.bytes();
    assert_eq!(vault.bind(token(1), &pan("4242424242424242"), expiry()).unwrap(), bound);
    let refused = vault.bind(token(1), &pan("4111111111111111"), expiry());
    assert!(matches!(refused, Err(BindError::TokenTaken { token: taken }) if taken == token(1)), "{refused:?}");
    assert_eq!(home.bytes(), before);
}

#[test]
fn the_same_number_with_another_expiry_is_kept_with_that_and_nothing_stays_of_the_old() {
    let home = Home::new();
    home.bind(&["4242424242424242", "4111111111111111"]);
    let before = home.bytes();
    let (mut vault, _) = home.open(&[1]).unwrap();
    let renewed = ["12/30", "01/34", "12/29"].map(|text| Expiry::parse(text).unwrap());
    for expiry in renewed {
        let bound = vault.bind(token(1), &pan("4242424242424242"), expiry).unwrap();
        assert_eq!(bound.fingerprint, vault.fingerprint(&pan("4242424242424242")));
        assert_eq!(vault.reveal(token(1)).unwrap(), (pan("4242424242424242"), expiry));
        drop(vault);
        let (opened, found) = home.open(&[1]).unwrap();
        assert_eq!(found, Opened { cards: 2, cut_bytes: 0 });
        assert_eq!(opened.reveal(token(1)).unwrap(), (pan("4242424242424242"), expiry));
        vault = opened;
    }
    assert_eq!(vault.tokens(), [token(2), token(1)]);
    let after = home.bytes();
    assert_eq!(after.len(), before.len() + 3 * 256, "a record for each");
    assert_eq!(after[512..768], before[512..768]);
    for old in [256, 768, 1_024] {
        assert!(after[old + 1..old + 240].iter().all(|byte| *byte == 0), "neither number nor key is left at {old}");
    }
    vault.rotate(key(2)).unwrap();
    assert_eq!(home.bytes().len(), before.len(), "a rotation leaves one record of it");
    assert_eq!(vault.reveal(token(1)).unwrap(), (pan("4242424242424242"), renewed[2]));
}

#[test]
fn a_refused_number_leaves_no_trace() {
    let home = Home::new();
    let (mut vault, _) = home.open(&[1]).unwrap();
    let before = home.bytes();
    let mut refused = |digits| vault.bind(token(1), &pan(digits), expiry()).unwrap_err();
    assert!(matches!(refused("6304000000000000"), BindError::SchemeNotAccepted { brand: "Maestro" }));
    assert!(matches!(refused("1000000000000000"), BindError::SchemeUnknown));
    assert!(matches!(refused("424242424242"), BindError::Length { scheme: Scheme::Visa, found: 12 }));
    assert!(matches!(refused("4242424242424241"), BindError::CheckDigit { scheme: Scheme::Visa }));
    assert_eq!(home.bytes(), before);
}

#[test]
fn tokens_are_told_in_the_order_they_were_bound_and_equal_cards_have_one_fingerprint() {
    let home = Home::new();
    home.bind(&["4242424242424242", "4111111111111111", "4242424242424242"]);
    let (mut vault, _) = home.open(&[1]).unwrap();
    assert_eq!(vault.tokens(), [token(1), token(2), token(3)]);
    vault.unbind(token(1)).unwrap();
    let bound = vault.bind(token(1), &pan("4242424242424242"), expiry()).unwrap();
    assert_eq!(bound.fingerprint, vault.fingerprint(&pan("4242424242424242")));
    assert_ne!(bound.fingerprint, vault.fingerprint(&pan("4111111111111111")));
    assert_eq!(vault.tokens(), [token(2), token(3), token(1)]);
}

#[test]
fn two_vaults_have_unrelated_fingerprints() {
    let fingerprint = || Home::new().open(&[1]).unwrap().0.fingerprint(&pan("4242424242424242"));
    assert_ne!(fingerprint(), fingerprint());
}

#[test]
fn an_unbound_card_is_gone() {
    let home = Home::new();
    home.bind(&["4242424242424242", "4111111111111111"]);
    let before = home.bytes();
    let (mut vault, _) = home.open(&[1]).unwrap();
    vault.unbind(token(1)).unwrap();
    assert!(matches!(vault.reveal(token(1)), Err(Error::NoCard { .. })));
    assert!(matches!(vault.unbind(token(1)), Err(Error::NoCard { token: none }) if none == token(1)));
    assert_eq!(vault.tokens(), [token(2)]);
    drop(vault);
    let after = home.bytes();
    assert!(after[256..512].iter().all(|byte| *byte == 0), "neither sealed number nor key nor fingerprint is left");
    assert_eq!((&after[..256], &after[512..768]), (&before[..256], &before[512..768]));
    let (vault, opened) = home.open(&[1]).unwrap();
    assert_eq!(opened, Opened { cards: 1, cut_bytes: 0 });
    assert!(vault.reveal(token(2)).is_ok() && vault.reveal(token(1)).is_err());
}

#[test]
fn a_vault_prints_nothing_of_its_keys() {
    let (vault, _) = Home::new().open(&[1]).unwrap();
    let shown = format!("{vault:?}");
    assert!(shown.starts_with("Vault { path: ") && shown.ends_with("key_id: 1, cards: 0, .. }"), "{shown}");
}
