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

    /// The first number that means another key here than there.
    #[must_use]
    pub fn differing(&self, other: &Self) -> Option<u32> {
        let differs = |(id, key): (u32, [u8; PUBLIC_KEY_BYTES])| {
            other.all().any(|(known, other)| known == id && other != key).then_some(id)
        };
        self.all().find_map(differs)
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
