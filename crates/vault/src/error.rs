//! What can go wrong. No error quotes a card number, or any part of one.

use std::io;
use std::path::PathBuf;

use domain::{CardToken, Scheme};

/// Why a vault could not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The disk refused an operation.
    #[error("cannot {tried} {}", path.display())]
    Io {
        /// What was tried, as a verb.
        tried: &'static str,
        /// The file or directory.
        path: PathBuf,
        /// What the disk said.
        source: io::Error,
    },
    /// Others than the owner may read or write it.
    #[error("{} is open to others (mode {mode:o}): take their rights away", path.display())]
    OpenToOthers {
        /// The file or directory.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// Another process has the vault open.
    #[error("{} is in use by another process", path.display())]
    InUse {
        /// The vault.
        path: PathBuf,
    },
    /// The file is something else.
    #[error("{} is no vault", path.display())]
    NotAVault {
        /// The file.
        path: PathBuf,
    },
    /// The file was written by a later version of this program.
    #[error("{} has format version {found}, this program reads version {supported}", path.display())]
    NewerFormat {
        /// The vault.
        path: PathBuf,
        /// The version it says it has.
        found: u16,
        /// The version this program reads.
        supported: u16,
    },
    /// The stored bytes are not those that were written there. Nothing was changed.
    #[error("{} is damaged at offset {offset}: {what}", path.display())]
    Damaged {
        /// The vault.
        path: PathBuf,
        /// The byte where the damaged part begins.
        offset: u64,
        /// What is wrong there.
        what: &'static str,
    },
    /// A new vault was to be made, and no key was given to seal it under.
    #[error("no key-encryption key was given to make {} under", path.display())]
    NoKey {
        /// The vault.
        path: PathBuf,
    },
    /// Two keys were given under one number.
    #[error("two key-encryption keys have the number {id}")]
    RepeatedKey {
        /// The number.
        id: u32,
    },
    /// The vault is sealed under a key that was not given.
    #[error("{} is sealed under key-encryption key {id}, which was not given", path.display())]
    UnknownKey {
        /// The vault.
        path: PathBuf,
        /// The number of the key.
        id: u32,
    },
    /// The key with the right number is another key.
    #[error("{} is sealed under another key than the one given as key-encryption key {id}", path.display())]
    WrongKey {
        /// The vault.
        path: PathBuf,
        /// The number of the key.
        id: u32,
    },
    /// The vault was to be rotated to a key it is sealed under already, or to another with that key's number.
    #[error("key-encryption key {id} is no new key")]
    NotNewKey {
        /// The number of the key that was given.
        id: u32,
    },
    /// No card is bound to the token.
    #[error("no card is bound to {token}")]
    NoCard {
        /// The token.
        token: CardToken,
    },
    /// A write has failed before, so nothing more is written by this process. Opening the vault again mends it.
    #[error("{} takes no more changes since a write failed: open it again", path.display())]
    Stopped {
        /// The vault.
        path: PathBuf,
    },
    /// The operating system gave no random bytes.
    #[error("the operating system gives no random bytes")]
    NoRandomness,
}

/// Why a card was not bound. Nothing was stored.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    /// The number begins as no card's that is known.
    #[error("the number is of no known card scheme")]
    SchemeUnknown,
    /// The number is of a brand that cannot be bound.
    #[error("{brand} cards are not accepted")]
    SchemeNotAccepted {
        /// The brand's name.
        brand: &'static str,
    },
    /// The scheme has no numbers of that length.
    #[error("{} has no card numbers of {found} digits", scheme.as_str())]
    Length {
        /// The scheme.
        scheme: Scheme,
        /// The digits found.
        found: usize,
    },
    /// One digit is wrong, or two are swapped.
    #[error("the check digit of the {} card number is wrong", scheme.as_str())]
    CheckDigit {
        /// The scheme.
        scheme: Scheme,
    },
    /// The token has another number already.
    #[error("another card is bound to {token}")]
    TokenTaken {
        /// The token.
        token: CardToken,
    },
    /// The file has as many records as it may have. A rotation makes room for what was unbound or renewed.
    #[error("the vault is full")]
    Full,
    /// The vault failed. Only after [`Error::Io`] it is unknown whether the card was bound: the next opening tells.
    #[error(transparent)]
    Vault(#[from] Error),
}
