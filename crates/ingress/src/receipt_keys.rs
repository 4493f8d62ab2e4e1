//! What receipts are signed with, and were.

use wire::{
    receipts::{PUBLIC_KEY_BYTES, ReceiptKey},
    v1,
};

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

    /// The one that signs now.
    pub(crate) const fn current(&self) -> &ReceiptKey {
        &self.current
    }

    /// All of them, the one that signs now first.
    pub(crate) fn list(&self) -> Vec<v1::ReceiptKey> {
        let current = (self.current.id(), self.current.public_key());
        let all = std::iter::once(&current).chain(&self.earlier);
        all.map(|(key_id, key)| v1::ReceiptKey { key_id: *key_id, public_key: key.to_vec() }).collect()
    }
}
