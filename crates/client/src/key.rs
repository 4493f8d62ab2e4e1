//! The caller's credential.

use std::fmt;
use std::str::FromStr;

use tonic::metadata::{Ascii, MetadataValue};

/// The longest API key, in bytes.
pub const API_KEY_BYTES_MAX: usize = 128;

/// An API key: who holds it is whoever it was given to. It prints as stars.
#[derive(Clone)]
pub struct ApiKey {
    // Invariant: `Bearer `, then 1 to API_KEY_BYTES_MAX visible ASCII characters; marked sensitive.
    header: MetadataValue<Ascii>,
}

impl ApiKey {
    /// The value of the `authorization` header, for who speaks HTTP/2 without the SDK. A secret.
    #[must_use]
    pub fn authorization(&self) -> &str {
        self.header.to_str().unwrap_or_default()
    }

    /// The same, marked as a secret.
    pub(crate) fn header(&self) -> MetadataValue<Ascii> {
        self.header.clone()
    }
}

/// Reads a key; white space around it, such as the line end of a key file, is not part of it.
impl FromStr for ApiKey {
    type Err = InvalidApiKey;

    fn from_str(text: &str) -> Result<Self, InvalidApiKey> {
        let key = text.trim();
        if key.is_empty() {
            return Err(InvalidApiKey::Missing);
        }
        if key.len() > API_KEY_BYTES_MAX {
            return Err(InvalidApiKey::TooLong);
        }
        if !key.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(InvalidApiKey::NotVisible);
        }
        let mut header = MetadataValue::try_from(format!("Bearer {key}")).map_err(|_| InvalidApiKey::NotVisible)?;
        header.set_sensitive(true);
        Ok(Self { header })
    }
}

impl fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ApiKey(****)")
    }
}

/// Why a text is not an API key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidApiKey {
    /// Nothing but white space.
    #[error("an API key is empty")]
    Missing,
    /// More than [`API_KEY_BYTES_MAX`] bytes.
    #[error("an API key has at most {API_KEY_BYTES_MAX} characters")]
    TooLong,
    /// A space, a control character or one beyond ASCII.
    #[error("an API key has visible ASCII characters only")]
    NotVisible,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_never_prints() {
        let key: ApiKey = "secret_0123456789".parse().unwrap();
        assert_eq!(format!("{key:?}"), "ApiKey(****)");
        assert!(!format!("{:?}", key.header()).contains("secret"));
    }

    #[test]
    fn the_line_end_of_a_key_file_is_not_part_of_the_key() {
        let key: ApiKey = "  abc\r\n".parse().unwrap();
        assert_eq!(key.header().to_str().unwrap(), "Bearer abc");
        assert_eq!(key.authorization(), "Bearer abc");
    }

    #[test]
    fn what_cannot_be_a_key_is_refused() {
        assert_eq!("\n".parse::<ApiKey>().unwrap_err(), InvalidApiKey::Missing);
        assert_eq!("a b".parse::<ApiKey>().unwrap_err(), InvalidApiKey::NotVisible);
        assert_eq!("钥匙".parse::<ApiKey>().unwrap_err(), InvalidApiKey::NotVisible);
        assert_eq!("k".repeat(129).parse::<ApiKey>().unwrap_err(), InvalidApiKey::TooLong);
    }
}
