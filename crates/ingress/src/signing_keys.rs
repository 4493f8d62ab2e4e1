//! What quotes and receipts are signed with, and were.

use wire::{
    quote_token::QuoteTokens,
    receipts::{PUBLIC_KEY_BYTES, ReceiptKey},
    v1,
};

/// The keys of one moment. They change while calls go on, all at once.
#[derive(Debug)]
pub struct SigningKeys {
    /// Signs quotes, and knows its own again.
    pub quotes: QuoteTokens,
    /// Signs receipts.
    pub receipts: ReceiptKeys,
}

/// Two keys that cannot both be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyClash {
    /// One number means two keys.
    #[error("key {0} is another than the one of that number until now; give the new one a number of its own")]
    Number(u32),
    /// One key has two numbers.
    #[error("key {0} is the same as key {1}; make a new one, or keep its number")]
    Key(u32, u32),
}

impl SigningKeys {
    /// What cannot be if these keys come after, or stand beside, those: a number means one key and a key has one number,
    /// or a key that was taken back for a reason would go on signing. Says which section clashes.
    #[must_use]
    pub fn clash(&self, those: &Self) -> Option<(&'static str, KeyClash)> {
        let quotes = clash(self.quotes.prints(), || those.quotes.prints());
        let receipts = clash(self.receipts.all(), || those.receipts.all());
        quotes.map(|clash| ("quotes", clash)).or(receipts.map(|clash| ("receipts", clash)))
    }
}

fn clash<T: Iterator<Item = (u32, [u8; PUBLIC_KEY_BYTES])>>(mut these: T, those: impl Fn() -> T) -> Option<KeyClash> {
    these.find_map(|(id, print)| {
        those().find_map(|(known, other)| match (id == known, print == other) {
            (true, false) => Some(KeyClash::Number(id)),
            (false, true) => Some(KeyClash::Key(id, known)),
            (true, true) | (false, false) => None,
        })
    })
}

/// The key that signs now, and the public halves of those that signed before.
#[derive(Debug)]
pub struct ReceiptKeys {
    current: ReceiptKey,
    earlier: Vec<(u32, [u8; PUBLIC_KEY_BYTES])>,
}

impl ReceiptKeys {
    /// Signs with `current`, and still tells of the earlier ones, each by its number.
    #[must_use]
    pub fn new(current: ReceiptKey, earlier: impl IntoIterator<Item = (u32, [u8; PUBLIC_KEY_BYTES])>) -> Self {
        Self { current, earlier: earlier.into_iter().collect() }
    }

    /// Numbers of the keys, the one that signs now first.
    pub fn ids(&self) -> impl Iterator<Item = u32> {
        self.all().map(|(id, _)| id)
    }

    /// The one that signs now.
    pub(crate) const fn current(&self) -> &ReceiptKey {
        &self.current
    }

    /// All of them, the one that signs now first.
    pub(crate) fn list(&self) -> Vec<v1::ReceiptKey> {
        self.all().map(|(key_id, key)| v1::ReceiptKey { key_id, public_key: key.to_vec() }).collect()
    }

    fn all(&self) -> impl Iterator<Item = (u32, [u8; PUBLIC_KEY_BYTES])> {
        let current = (self.current.id(), self.current.public_key());
        std::iter::once(current).chain(self.earlier.iter().copied())
    }
}
