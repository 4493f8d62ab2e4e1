//! A vault does what a list of tokens and cards would do, whatever is asked of it and whenever it is closed.

use std::fs::OpenOptions;
use std::io::Write;

use proptest::prelude::*;
use vault::{BindError, Error, Expiry, Vault};

use crate::home::{Home, TEST_CARDS, key, pan, token};

#[derive(Clone, Debug)]
enum Step {
    Bind {
        token: u8,
        card: usize,
        month: u8,
    },
    Unbind {
        token: u8,
    },
    Rotate,
    Reopen,
    /// The process ends in the middle of a write.
    Tear {
        bytes: Vec<u8>,
    },
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (0..6_u8, 0..2_usize, 1..4_u8).prop_map(|(token, card, month)| Step::Bind { token, card, month }),
        3 => (0..6_u8).prop_map(|token| Step::Unbind { token }),
        1 => Just(Step::Rotate),
        1 => Just(Step::Reopen),
        1 => prop::collection::vec(any::<u8>(), 1..256).prop_map(|bytes| Step::Tear { bytes }),
    ]
}

fn expiry(month: u8) -> Expiry {
    Expiry::new(month, 30).unwrap()
}

/// What is bound, in the order in which it was bound or renewed.
type Model = Vec<(u8, usize, u8)>;

fn take(home: &Home, mut vault: Vault, key_id: &mut u32, model: &mut Model, step: Step) -> Vault {
    let bound = |model: &Model, token: u8| model.iter().find(|(bound, ..)| *bound == token).copied();
    match step {
        Step::Bind { token: number, card, month } => {
            let answer = vault.bind(token(number), &pan(TEST_CARDS[card]), expiry(month));
            match bound(model, number) {
                Some((_, other, _)) if other != card => {
                    assert!(matches!(answer, Err(BindError::TokenTaken { .. })), "{answer:?}");
                }
                Some((_, _, before)) if before != month => {
                    assert!(answer.is_ok(), "{answer:?}");
                    model.retain(|(bound, ..)| *bound != number);
                    model.push((number, card, month));
                }
                Some(_) => assert!(answer.is_ok(), "{answer:?}"),
                None => {
                    assert_eq!(answer.unwrap().fingerprint, vault.fingerprint(&pan(TEST_CARDS[card])));
                    model.push((number, card, month));
                }
            }
            vault
        }
        Step::Unbind { token: number } => {
            let answer = vault.unbind(token(number));
            match bound(model, number) {
                Some(_) => assert!(answer.is_ok(), "{answer:?}"),
                None => assert!(matches!(answer, Err(Error::NoCard { .. })), "{answer:?}"),
            }
            model.retain(|(bound, ..)| *bound != number);
            vault
        }
        Step::Rotate => {
            *key_id += 1;
            vault.rotate(key(*key_id)).unwrap();
            vault
        }
        Step::Reopen => reopened(home, vault, *key_id, model, &[]),
        Step::Tear { bytes } => reopened(home, vault, *key_id, model, &bytes),
    }
}

fn reopened(home: &Home, vault: Vault, key_id: u32, model: &Model, torn: &[u8]) -> Vault {
    drop(vault);
    OpenOptions::new().append(true).open(&home.path).unwrap().write_all(torn).unwrap();
    let (vault, opened) = home.open(&[key_id]).unwrap();
    assert_eq!((opened.cards, usize::try_from(opened.cut_bytes).unwrap()), (model.len(), torn.len()));
    vault
}

fn check(vault: &Vault, model: &Model) {
    for number in 0..6 {
        match (vault.reveal(token(number)), model.iter().find(|(bound, ..)| *bound == number)) {
            (Ok((revealed, until)), Some((_, card, month))) => {
                assert!(revealed == pan(TEST_CARDS[*card]) && until == expiry(*month), "{number}");
            }
            (Err(Error::NoCard { .. }), None) => {}
            (answer, expected) => panic!("{answer:?}, expected {expected:?}"),
        }
    }
    assert_eq!(vault.tokens(), model.iter().map(|bound| token(bound.0)).collect::<Vec<_>>());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_vault_does_what_a_list_would(steps in prop::collection::vec(step(), 1..40)) {
        let home = Home::new();
        let (mut vault, mut model, mut key_id) = (home.open(&[1]).unwrap().0, Model::new(), 1);
        for step in steps {
            vault = take(&home, vault, &mut key_id, &mut model, step);
            check(&vault, &model);
        }
        check(&reopened(&home, vault, key_id, &model, &[]), &model);
    }
}
