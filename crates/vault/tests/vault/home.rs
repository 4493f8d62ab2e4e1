//! A directory with a vault in it, and the cards that go there.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use domain::CardToken;
use tempfile::TempDir;
use vault::{Error, Expiry, KeyEncryptionKey, Opened, Pan, Vault};

/// Public test numbers.
pub(crate) const TEST_CARDS: [&str; 18] = [
    "4242424242424242",
    "4111111111111111",
    "4000000000000002",
    "4000000000009995",
    "5555555555554444",
    "2223003122003222",
    "378282246310005",
    "371449635398431",
    "6011111111111117",
    "6011000990139424",
    "3056930009020004",
    "30569309025904",
    "36227206271667",
    "3566002020360505",
    "3530111333300000",
    "6200000000000005",
    "6200000000000047",
    "6205500000000000004",
];

pub(crate) struct Home {
    pub(crate) directory: TempDir,
    pub(crate) path: PathBuf,
}

impl Home {
    pub(crate) fn new() -> Self {
        let owner_only = Permissions::from_mode(0o700);
        let directory = tempfile::Builder::new().permissions(owner_only).tempdir().unwrap();
        Self { path: directory.path().join("vault"), directory }
    }

    pub(crate) fn open(&self, keys: &[u32]) -> Result<(Vault, Opened), Error> {
        Vault::open(&self.path, &keys.iter().map(|id| key(*id)).collect::<Vec<_>>())
    }

    /// The vault under key 1, with these test cards under the tokens from 1 on; closed again.
    pub(crate) fn bind(&self, cards: &[&str]) {
        let (mut vault, _) = self.open(&[1]).unwrap();
        for (number, digits) in (1..).zip(cards) {
            vault.bind(token(number), &pan(digits), expiry()).unwrap();
        }
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        fs::read(&self.path).unwrap()
    }
}

pub(crate) fn key(id: u32) -> KeyEncryptionKey {
    key_of(id, id)
}

/// The secret of one key under the number of another.
pub(crate) fn key_of(id: u32, secret: u32) -> KeyEncryptionKey {
    let mut bytes = [0; 32];
    bytes[28..].copy_from_slice(&secret.to_be_bytes());
    KeyEncryptionKey::new(id, bytes)
}

/// No two bytes of it are the same, so that no token looks like the digits of a card.
pub(crate) fn token(number: u8) -> CardToken {
    CardToken::from_bytes(std::array::from_fn(|index| number ^ (0xa0 + u8::try_from(index).unwrap())))
}

pub(crate) fn pan(digits: &str) -> Pan {
    Pan::parse(digits).unwrap()
}

pub(crate) fn expiry() -> Expiry {
    Expiry::parse("12/29").unwrap()
}
