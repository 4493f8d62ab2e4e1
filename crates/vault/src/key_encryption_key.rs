//! The key a vault is sealed under, which its owner keeps elsewhere.

use std::fmt;

use crate::sealing::{KEY_BYTES, SealingKey};
use crate::secret::{Secret, wipe};

/// A key under which a vault is sealed: 32 random bytes with a number, kept outside the vault's disk. Not `Clone`, prints
/// as its number, wiped when dropped.
///
/// A number names one key for ever, and a key that a vault was rotated away from is not used again.
pub struct KeyEncryptionKey {
    id: u32,
    key: Secret<KEY_BYTES>,
}

impl KeyEncryptionKey {
    /// The key with this number.
    #[must_use]
    pub fn new(id: u32, mut bytes: [u8; KEY_BYTES]) -> Self {
        let mut key = Secret::zeros();
        key.bytes_mut().copy_from_slice(&bytes);
        wipe(&mut bytes);
        Self { id, key }
    }

    /// Its number.
    #[must_use]
    pub const fn id(&self) -> u32 {
        self.id
    }

    pub(crate) fn sealing(&self) -> SealingKey {
        SealingKey::new(&self.key)
    }
}

impl fmt::Debug for KeyEncryptionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyEncryptionKey").field("id", &self.id).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_prints_as_its_number() {
        let key = KeyEncryptionKey::new(3, [0x9f; KEY_BYTES]);
        assert_eq!((key.id(), key.key.bytes()), (3, &[0x9f; KEY_BYTES]));
        assert_eq!(format!("{key:?}"), "KeyEncryptionKey { id: 3, .. }");
    }
}
