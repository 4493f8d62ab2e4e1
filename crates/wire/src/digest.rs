//! Keyed digests of text that callers choose.

use std::{fmt, io::Write};

use domain::{ApiKeyHash, Digest};

/// Bytes of the secret behind all digests of a ledger.
pub const SECRET_BYTES: usize = 32;

/// Inputs up to this many bytes are hashed without a buffer on the heap.
const SHORT_INPUT_BYTES: usize = 384;

/// The text whose digest names a secret.
const CHECK_TEXT: &str = "payswitch";

/// Makes digests under one secret (keyed BLAKE3). Without the secret nobody can aim two texts at one digest, nor test
/// a guess against a stored one.
///
/// Neither `Clone` nor printable: the secret stays in one place. Share it behind an `Arc`.
pub struct Digester {
    secret: [u8; SECRET_BYTES],
}

/// What a digest is for. The same text gives unrelated digests for two purposes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// To find a caller's idempotency key.
    IdempotencyKey,
    /// To find a merchant's order id.
    MerchantOrderId,
    /// To tell whether two requests are the same.
    Request,
    /// To name the first field in which two requests differ.
    Field,
    /// To recognize a merchant's credential.
    ApiKey,
    /// To name the secret itself.
    Check,
}

impl Purpose {
    /// What is hashed before the text. Stored digests depend on these words: they never change.
    const fn as_str(self) -> &'static str {
        match self {
            Self::IdempotencyKey => "idempotency_key",
            Self::MerchantOrderId => "merchant_order_id",
            Self::Request => "request",
            Self::Field => "field",
            Self::ApiKey => "api_key",
            Self::Check => "check",
        }
    }
}

impl Digester {
    /// Digests under this secret.
    #[must_use]
    pub const fn new(secret: [u8; SECRET_BYTES]) -> Self {
        Self { secret }
    }

    /// Names the secret without telling it: the digest of a fixed text.
    #[must_use]
    pub fn check(&self) -> Digest {
        self.digest(Purpose::Check, CHECK_TEXT)
    }

    /// The digest of a text for one purpose.
    #[must_use]
    pub fn digest(&self, purpose: Purpose, text: &str) -> Digest {
        Digest(self.hash(purpose, &[text.as_bytes()]))
    }

    /// What is kept of an API key.
    #[must_use]
    pub fn api_key_hash(&self, key: &str) -> ApiKeyHash {
        ApiKeyHash(self.hash(Purpose::ApiKey, &[key.as_bytes()]))
    }

    /// The first `N` bytes of the hash of purpose and parts. The zero byte ends the purpose: none contains one, so no
    /// purpose with a text reads as another purpose with another text.
    ///
    /// All is hashed at once from one buffer, on the stack if it is as short as what callers usually send: a hasher that
    /// takes parts is 2 KB of state to set up, more work than the hashing.
    pub(crate) fn hash<const N: usize>(&self, purpose: Purpose, parts: &[&[u8]]) -> [u8; N] {
        const { assert!(N <= blake3::OUT_LEN) };
        let mut short = [0; SHORT_INPUT_BYTES];
        let mut free = &mut short[..];
        let prefix = [purpose.as_str().as_bytes(), &[0]];
        let all = || prefix.iter().chain(parts);
        let fits = all().try_for_each(|part| free.write_all(part)).is_ok();
        let used = SHORT_INPUT_BYTES.saturating_sub(free.len());
        let hash = match short.get(..used) {
            Some(input) if fits => blake3::keyed_hash(&self.secret, input),
            _ => blake3::keyed_hash(&self.secret, &all().copied().collect::<Vec<_>>().concat()),
        };
        std::array::from_fn(|index| hash.as_bytes().get(index).copied().unwrap_or(0))
    }
}

impl fmt::Debug for Digester {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Digester").field("secret", &"***").finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_depends_on_secret_purpose_and_text() {
        let digester = Digester::new([7; SECRET_BYTES]);
        let digest = digester.digest(Purpose::IdempotencyKey, "a");
        assert_eq!(digest, Digester::new([7; SECRET_BYTES]).digest(Purpose::IdempotencyKey, "a"));
        assert_ne!(digest, Digester::new([8; SECRET_BYTES]).digest(Purpose::IdempotencyKey, "a"));
        assert_ne!(digest, digester.digest(Purpose::MerchantOrderId, "a"));
        assert_ne!(digest, digester.digest(Purpose::IdempotencyKey, "b"));
    }

    /// Journals hold these digests: a change here makes every stored ledger unreadable.
    #[test]
    fn stored_digests_never_change() {
        let digester = Digester::new([7; SECRET_BYTES]);
        let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        assert_eq!(hex(&digester.check().0), "4a53d67aa135cb65406dceee40fc3e95");
        assert_eq!(hex(&digester.digest(Purpose::IdempotencyKey, "order-1").0), "e8e265e465314a295264042aa20656b2");
        assert_eq!(hex(&digester.digest(Purpose::MerchantOrderId, "order-1").0), "e80e0c8b15fe31c97bcb79ad21b5caa7");
        assert_eq!(
            hex(&digester.api_key_hash("secret").0),
            "a0436e19d9b65fbd5fdd0b3b6fcc395cbe8ab7dc8c4acb1f5b9c91ac9467d4a1"
        );
    }

    /// Long inputs take another way than short ones; the digest must not show it.
    #[test]
    fn a_digest_is_the_hash_of_all_its_parts_at_any_length() {
        let digester = Digester::new([7; SECRET_BYTES]);
        for length in [0, 1, 300, SHORT_INPUT_BYTES - 6, SHORT_INPUT_BYTES - 5, SHORT_INPUT_BYTES, 5_000] {
            let text = vec![b'x'; length];
            let expected = blake3::keyed_hash(&[7; SECRET_BYTES], &[b"field\0", &text[..]].concat());
            assert_eq!(digester.hash::<32>(Purpose::Field, &[&text]), *expected.as_bytes(), "{length}");
            let (left, right) = text.split_at(length / 2);
            assert_eq!(digester.hash::<32>(Purpose::Field, &[left, right]), *expected.as_bytes(), "{length}");
        }
    }

    #[test]
    fn another_secret_has_another_check() {
        assert_ne!(Digester::new([7; SECRET_BYTES]).check(), Digester::new([8; SECRET_BYTES]).check());
    }

    #[test]
    fn a_digester_does_not_print_its_secret() {
        assert_eq!(format!("{:?}", Digester::new([7; SECRET_BYTES])), r#"Digester { secret: "***" }"#);
    }
}
