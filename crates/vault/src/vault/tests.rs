//! What takes a look inside: the file of a crash, of a disk that fails, and of whoever has the check key.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use tempfile::TempDir;

use super::*;

const VISA: &str = "4242424242424242";
const JCB: &str = "3566002020360505";

struct Home {
    _directory: TempDir,
    path: PathBuf,
}

impl Home {
    fn new() -> Self {
        let owner_only = Permissions::from_mode(0o700);
        let directory = tempfile::Builder::new().permissions(owner_only).tempdir().unwrap();
        Self { path: directory.path().join("vault"), _directory: directory }
    }

    fn open(&self) -> Result<(Vault, Opened), Error> {
        Vault::open(&self.path, &[key(1)])
    }

    /// What the file with these bytes opens as.
    fn open_bytes(&self, bytes: &[u8]) -> Result<(Vault, Opened), Error> {
        fs::write(&self.path, bytes).unwrap();
        self.open()
    }

    fn bytes(&self) -> Vec<u8> {
        fs::read(&self.path).unwrap()
    }

    /// A vault with a card under each token from 1 on.
    fn with(&self, cards: &[&str]) -> Vault {
        let (mut vault, _) = self.open().unwrap();
        for (number, digits) in (1..).zip(cards) {
            vault.bind(token(number), &pan(digits), expiry()).unwrap();
        }
        vault
    }
}

fn key(id: u32) -> KeyEncryptionKey {
    let mut bytes = [0; 32];
    bytes[28..].copy_from_slice(&id.to_be_bytes());
    KeyEncryptionKey::new(id, bytes)
}

fn token(number: u8) -> CardToken {
    CardToken::from_bytes([number; 16])
}

fn pan(digits: &str) -> Pan {
    Pan::parse(digits).unwrap()
}

fn expiry() -> Expiry {
    Expiry::new(12, 29).unwrap()
}

fn card_at(vault: &Vault, number: u8) -> CardRecord {
    vault.card_at(vault.index.offset(token(number)).unwrap(), token(number)).unwrap()
}

/// Whoever could make a record's check still cannot have a card open as another's.
#[test]
fn a_sealed_card_opens_beside_its_own_token_scheme_fingerprint_and_key_only() {
    let home = Home::new();
    let vault = home.with(&[VISA, JCB]);
    let (one, other) = (card_at(&vault, 1), card_at(&vault, 2));
    drop(vault);
    let binding = one.binding;
    let forged = [
        CardRecord { binding: Binding { token: token(9), ..binding }, ..one.clone() },
        CardRecord { binding: Binding { scheme: Scheme::Amex, ..binding }, ..one.clone() },
        CardRecord { binding: Binding { fingerprint: other.binding.fingerprint, ..binding }, ..one.clone() },
        CardRecord { binding: other.binding, ..one.clone() },
        CardRecord { key: other.key.clone(), ..one.clone() },
        CardRecord { card: other.card.clone(), ..one.clone() },
        CardRecord { key: other.key, card: other.card, ..one.clone() },
    ];
    let before = home.bytes();
    for forged in forged {
        let (vault, _) = home.open_bytes(&before).unwrap();
        vault.file.write_all_at(&Record::Card(forged.clone()).encode(RECORD_STEP, &vault.keys), RECORD_STEP).unwrap();
        drop(vault);
        match home.open() {
            Ok((mut vault, _)) => {
                let revealed = vault.reveal(forged.binding.token);
                assert!(matches!(revealed, Err(Error::Damaged { offset: RECORD_STEP, .. })), "{revealed:?}");
                if forged.key != one.key || forged.binding != one.binding {
                    assert!(matches!(vault.rotate(key(2)), Err(Error::Damaged { offset: RECORD_STEP, .. })));
                }
            }
            // Of two records under one token the second is the one that must not be.
            Err(error) => assert!(matches!(error, Error::Damaged { offset: 512, .. }), "{error:?}"),
        }
    }
}

/// The destruction comes in two writes: what is to be done, then the doing. Of each any part may have reached the disk.
#[test]
fn an_unbinding_that_was_torn_anywhere_is_whole_after_the_next_opening_or_never_was() {
    let home = Home::new();
    let mut vault = home.with(&[VISA, JCB]);
    let before = home.bytes();
    vault.unbind(token(1)).unwrap();
    drop(vault);
    let after = home.bytes();
    let appended = &after[before.len()..];
    let state = |home: &Home, bytes: &[u8]| {
        let (vault, opened) = home.open_bytes(bytes).unwrap();
        assert!(vault.reveal(token(2)).is_ok());
        (vault.reveal(token(1)).is_ok(), opened)
    };
    for written in 0..RECORD_BYTES {
        let bytes = [&before[..], &appended[..written]].concat();
        let cut_bytes = u64::try_from(written).unwrap();
        assert_eq!(state(&home, &bytes), (true, Opened { cards: 2, cut_bytes }), "{written}");
        assert_eq!(home.bytes(), before);
    }
    for zeroed in 0..=RECORD_BYTES {
        for place in [256..256 + zeroed, 512 - zeroed..512] {
            let mut bytes = [&before[..], appended].concat();
            bytes[place].fill(0);
            assert_eq!(state(&home, &bytes), (false, Opened { cards: 1, cut_bytes: 0 }), "{zeroed}");
            assert_eq!(home.bytes(), after);
        }
    }
}

/// The same of a card that is bound again with another expiry, and of one that was renewed before.
#[test]
fn a_renewal_that_was_torn_anywhere_leaves_the_old_expiry_or_the_new() {
    let home = Home::new();
    let mut vault = home.with(&[VISA, JCB]);
    let expiries = [expiry(), Expiry::new(1, 33).unwrap(), Expiry::new(2, 34).unwrap()];
    for (turn, (old, new)) in expiries.into_iter().zip(expiries.into_iter().skip(1)).enumerate() {
        let before = home.bytes();
        let at = usize::try_from(vault.index.offset(token(1)).unwrap()).unwrap();
        vault.bind(token(1), &pan(VISA), new).unwrap();
        drop(vault);
        let after = home.bytes();
        let appended = &after[before.len()..];
        assert_eq!(appended.len(), RECORD_BYTES);
        let state = |bytes: &[u8]| {
            let (vault, opened) = home.open_bytes(bytes).unwrap();
            assert_eq!(opened.cards, 2);
            assert!(vault.reveal(token(2)).is_ok());
            (vault.reveal(token(1)).unwrap(), opened.cut_bytes)
        };
        for written in 0..RECORD_BYTES {
            let bytes = [&before[..], &appended[..written]].concat();
            let cut_bytes = u64::try_from(written).unwrap();
            assert_eq!(state(&bytes), ((pan(VISA), old), cut_bytes), "{turn}: {written}");
            assert_eq!(home.bytes(), before);
        }
        for written in 0..=RECORD_BYTES {
            for place in [at..at + written, at + RECORD_BYTES - written..at + RECORD_BYTES] {
                let mut bytes = [&before[..], appended].concat();
                bytes[place.clone()].copy_from_slice(&after[place]);
                assert_eq!(state(&bytes), ((pan(VISA), new), 0), "{turn}: {written}");
                assert_eq!(home.bytes(), after);
            }
        }
        vault = home.open_bytes(&after).unwrap().0;
    }
    vault.unbind(token(1)).unwrap();
    drop(vault);
    let (vault, opened) = home.open().unwrap();
    assert_eq!((opened, vault.tokens()), (Opened { cards: 1, cut_bytes: 0 }, vec![token(2)]));
}

#[test]
fn a_renewal_whose_first_write_fails_leaves_the_old_expiry() {
    let home = Home::new();
    let mut vault = home.with(&[VISA]);
    let later = Expiry::new(1, 33).unwrap();
    vault.file = File::open(&home.path).unwrap();
    let failed = vault.bind(token(1), &pan(VISA), later);
    assert!(matches!(failed, Err(BindError::Vault(Error::Io { tried: "write", .. }))), "{failed:?}");
    assert_eq!(vault.reveal(token(1)).unwrap(), (pan(VISA), expiry()));
    assert!(matches!(vault.bind(token(1), &pan(VISA), later), Err(BindError::Vault(Error::Stopped { .. }))));
    assert!(vault.bind(token(1), &pan(VISA), expiry()).is_ok(), "nothing is to be written");
}

/// The second write goes where no file can have anything.
#[test]
fn a_renewal_whose_second_write_fails_has_the_new_expiry() {
    let home = Home::new();
    let mut vault = home.with(&[VISA]);
    let later = Expiry::new(1, 33).unwrap();
    let binding = card_at(&vault, 1).binding;
    let card = vault.sealed(binding, &pan(VISA), later).unwrap();
    let failed = vault.renew(card, u64::MAX);
    assert!(matches!(failed, Err(Error::Io { tried: "write", .. })), "{failed:?}");
    assert_eq!(vault.reveal(token(1)).unwrap(), (pan(VISA), later));
}

#[test]
fn a_rotation_that_was_torn_anywhere_leaves_the_old_vault() {
    let home = Home::new();
    let mut vault = home.with(&[VISA, JCB]);
    let before = home.bytes();
    vault.rotate(key(2)).unwrap();
    drop(vault);
    let (after, next) = (home.bytes(), home.path.with_extension("next"));
    assert!(!next.exists());
    for written in 0..=after.len() {
        fs::write(&next, &after[..written]).unwrap();
        let (vault, opened) = home.open_bytes(&before).unwrap();
        assert_eq!(opened, Opened { cards: 2, cut_bytes: 0 });
        assert!(vault.reveal(token(1)).is_ok() && !next.exists());
    }
}

/// A file of the same vault with other cards at the same places, put under the one that is open.
#[test]
fn a_card_is_revealed_to_its_own_token_only() {
    let home = Home::new();
    let empty = home.with(&[]);
    drop(empty);
    let start = home.bytes();
    let (mut vault, _) = home.open().unwrap();
    vault.bind(token(2), &pan(JCB), expiry()).unwrap();
    drop(vault);
    let other = home.bytes();
    let (mut vault, _) = home.open_bytes(&start).unwrap();
    vault.bind(token(1), &pan(VISA), expiry()).unwrap();
    fs::write(&home.path, other).unwrap();
    assert!(matches!(vault.reveal(token(1)), Err(Error::Damaged { offset: RECORD_STEP, .. })));
    assert!(matches!(vault.rotate(key(2)), Err(Error::Damaged { offset: RECORD_STEP, .. })));
}

#[test]
fn after_a_failed_write_nothing_more_is_written_and_reads_go_on() {
    let home = Home::new();
    let mut vault = home.with(&[VISA]);
    let before = home.bytes();
    vault.file = File::open(&home.path).unwrap();
    let failed = vault.bind(token(2), &pan(JCB), expiry());
    assert!(matches!(failed, Err(BindError::Vault(Error::Io { tried: "write", .. }))), "{failed:?}");
    let again = vault.bind(token(2), &pan(JCB), expiry());
    assert!(matches!(again, Err(BindError::Vault(Error::Stopped { .. }))), "{again:?}");
    assert!(matches!(vault.unbind(token(1)), Err(Error::Stopped { .. })));
    assert!(matches!(vault.rotate(key(2)), Err(Error::Stopped { .. })));
    assert_eq!(vault.reveal(token(1)).unwrap(), (pan(VISA), expiry()));
    assert_eq!(vault.tokens(), [token(1)]);
    assert_eq!(home.bytes(), before);
}

#[test]
fn a_rotation_that_fails_leaves_the_old_vault() {
    let home = Home::new();
    let mut vault = home.with(&[VISA]);
    let before = home.bytes();
    fs::create_dir(home.path.with_extension("next")).unwrap();
    assert!(matches!(vault.rotate(key(2)), Err(Error::Io { .. })));
    assert_eq!(vault.reveal(token(1)).unwrap(), (pan(VISA), expiry()));
    assert!(matches!(vault.unbind(token(1)), Err(Error::Stopped { .. })));
    assert_eq!(home.bytes(), before);
}

#[test]
fn a_full_vault_takes_no_more_cards_but_gives_them_up() {
    let home = Home::new();
    let mut vault = home.with(&[VISA]);
    vault.end = RECORDS_MAX * RECORD_STEP;
    assert!(matches!(vault.bind(token(2), &pan(JCB), expiry()), Err(BindError::Full)));
    assert!(vault.bind(token(1), &pan(VISA), expiry()).is_ok());
    assert!(matches!(vault.bind(token(1), &pan(VISA), Expiry::new(1, 33).unwrap()), Err(BindError::Full)));
    assert!(vault.unbind(token(1)).is_ok());
}
