//! The key a vault is sealed under, which its owner keeps elsewhere.

use std::fmt;

use crate::sealing::{KEY_BYTES, SealingKey};
use crate::secret::Secret;

/// A key under which a vault is sealed: 32 random bytes with a number, kept outside the vault's disk. Not `Clone`, prints
/// as its number, wiped when dropped.
///
/// A number names one key for ever, and a key that a vault was rotated away from is not used again.
pub struct KeyEncryptionKey {
    id: u32,
    key: Secret<KEY_BYTES>,
}

/// A text that is no key. It does not quote the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the key-encryption key {id} is not 64 hexadecimal digits")]
pub struct InvalidKey {
    /// The number it was given.
    pub id: u32,
}

impl KeyEncryptionKey {
    /// The key with this number, of 64 hexadecimal digits, as a file or an environment variable holds it: white space around
    /// them, such as the line feed at the end of a file, is not of the key. The text stays with the caller.
    ///
    /// # Errors
    /// When there are not 64 hexadecimal digits.
    pub fn parse(id: u32, hex: &str) -> Result<Self, InvalidKey> {
        let invalid = InvalidKey { id };
        let digits = hex.trim().as_bytes();
        if digits.len() != 2 * KEY_BYTES {
            return Err(invalid);
        }
        let mut key = Secret::zeros();
        for (byte, pair) in key.bytes_mut().iter_mut().zip(digits.chunks_exact(2)) {
            let digit = |index: usize| char::from(*pair.get(index)?).to_digit(16);
            let value = digit(0).zip(digit(1)).and_then(|(high, low)| u8::try_from(high * 16 + low).ok());
            *byte = value.ok_or(invalid)?;
        }
        Ok(Self { id, key })
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
    fn a_key_is_64_hexadecimal_digits() {
        let key = KeyEncryptionKey::parse(3, &format!(" 0aF{}\n", "9".repeat(61))).unwrap();
        assert_eq!((key.id(), &key.key.bytes()[..3]), (3, &[0x0a, 0xf9, 0x99][..]));
        assert_eq!(format!("{key:?}"), "KeyEncryptionKey { id: 3, .. }");
        for text in [String::new(), "9".repeat(63), "9".repeat(65), format!("{}g", "9".repeat(63)), "９".repeat(64)] {
            assert_eq!(KeyEncryptionKey::parse(3, &text).unwrap_err(), InvalidKey { id: 3 }, "{text}");
        }
        let error = KeyEncryptionKey::parse(3, "+1").unwrap_err();
        assert_eq!(error.to_string(), "the key-encryption key 3 is not 64 hexadecimal digits");
    }
}
