//! Keyed digests of text that callers choose.

use std::{
    fmt,
    io::Write,
    sync::atomic::{AtomicU64, Ordering},
};

use domain::{ApiKeyHash, Digest, IdempotencyKey, MerchantId, TenantId, WalletId};

/// Bytes of the secret behind all digests of a ledger.
pub const SECRET_BYTES: usize = 32;

/// Digits of a payer's one-time code.
pub const PAYER_CODE_DIGITS: usize = 18;
/// How many such codes there are.
const PAYER_CODES: u128 = 10_u128.pow(18);
const _: () = assert!(PAYER_CODES.ilog10() == 18 && PAYER_CODE_DIGITS == 18);

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
    /// No other of this process has it, so that what is kept of one is not taken for another's.
    number: u64,
}

/// Digesters made so far.
static DIGESTERS: AtomicU64 = AtomicU64::new(0);

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
    /// To find a payer's one-time code.
    PayerCode,
    /// To make a payer's one-time code out of the key it was asked for by.
    PayerCodeText,
    /// To hold a page token to the list it is of.
    PageToken,
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
            Self::PayerCode => "payer_code",
            Self::PayerCodeText => "payer_code_text",
            Self::PageToken => "page_token",
        }
    }
}

impl Digester {
    /// Digests under this secret.
    #[must_use]
    pub fn new(secret: [u8; SECRET_BYTES]) -> Self {
        Self { secret, number: DIGESTERS.fetch_add(1, Ordering::Relaxed) }
    }

    /// Tells this one from every other of this process.
    pub(crate) const fn number(&self) -> u64 {
        self.number
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

    /// The one-time code of this request for one: 18 digits. A retry gets the same; without the secret nobody can tell
    /// it, so it needs to be kept nowhere.
    #[must_use]
    pub fn payer_code(&self, key: &IdempotencyKey) -> String {
        let (kind, number) = match key.tenant {
            TenantId::Operator => (0, 0),
            TenantId::Wallet(WalletId(number)) => (1, number),
            TenantId::Merchant(MerchantId(number)) => (2, number),
            TenantId::Switch => (3, 0),
        };
        let parts: [&[u8]; 3] = [&[kind], &number.to_be_bytes(), &key.digest.0];
        // One of 2^128 hashes, so no code is noticeably likelier than another.
        let hash = u128::from_be_bytes(self.hash(Purpose::PayerCodeText, &parts));
        format!("{:0PAYER_CODE_DIGITS$}", hash.rem_euclid(PAYER_CODES))
    }

    /// What is kept of a payer's one-time code.
    #[must_use]
    pub fn payer_code_digest(&self, code: &str) -> Digest {
        self.digest(Purpose::PayerCode, code)
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
        f.debug_struct("Digester").field("secret", &"***").finish_non_exhaustive()
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

    fn key_of(tenant: TenantId) -> IdempotencyKey {
        let fingerprint = domain::Fingerprint {
            method: domain::Method::IssueCode,
            request: Digest([2; 16]),
            fields: [0; domain::FIELDS_MAX],
        };
        IdempotencyKey { tenant, digest: Digest([1; 16]), fingerprint }
    }

    #[test]
    fn a_payer_code_follows_from_the_key_and_the_secret() {
        let wallet = |number| TenantId::Wallet(WalletId(number));
        let digester = Digester::new([7; SECRET_BYTES]);
        let code = digester.payer_code(&key_of(wallet(5)));
        assert!(code.len() == PAYER_CODE_DIGITS && code.bytes().all(|byte| byte.is_ascii_digit()), "{code}");
        assert_eq!(code, digester.payer_code(&key_of(wallet(5))));
        assert_ne!(code, digester.payer_code(&key_of(wallet(6))));
        assert_ne!(code, digester.payer_code(&key_of(TenantId::Merchant(MerchantId(5)))));
        assert_ne!(code, Digester::new([8; SECRET_BYTES]).payer_code(&key_of(wallet(5))));
        assert_ne!(code, digester.payer_code(&IdempotencyKey { digest: Digest([3; 16]), ..key_of(wallet(5)) }));
        assert_ne!(digester.payer_code_digest(&code), digester.digest(Purpose::IdempotencyKey, &code));
    }

    /// A retry across an upgrade is told the code that its payer already shows.
    #[test]
    fn payer_codes_never_change() {
        let digester = Digester::new([7; SECRET_BYTES]);
        let code = digester.payer_code(&key_of(TenantId::Wallet(WalletId(5))));
        assert_eq!(code, "532352425033505316");
        let hex: String = digester.payer_code_digest(&code).0.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(hex, "975f3b80be41c7b7df2316f1dc6437fb");
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
        assert_eq!(format!("{:?}", Digester::new([7; SECRET_BYTES])), r#"Digester { secret: "***", .. }"#);
    }
}
