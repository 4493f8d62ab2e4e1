//! AES-256-GCM and HMAC-SHA256, each key for one purpose.

use domain::{CardFingerprint, CardToken, Scheme};
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, Tag, UnboundKey};
use ring::hmac;
use ring::rand::{SecureRandom, SystemRandom};

use crate::format::{FORMAT_VERSION, VaultId};
use crate::secret::Secret;
use crate::{Error, Pan};

pub(crate) const KEY_BYTES: usize = 32;
pub(crate) const NONCE_BYTES: usize = 12;
pub(crate) const TAG_BYTES: usize = 16;

/// `N` bytes that only their key opens, and only in the context they were sealed in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Sealed<const N: usize> {
    pub(crate) nonce: [u8; NONCE_BYTES],
    pub(crate) bytes: [u8; N],
    pub(crate) tag: [u8; TAG_BYTES],
}

/// Seals and opens under one key, with a fresh random nonce each time.
pub(crate) struct SealingKey(LessSafeKey);

impl SealingKey {
    pub(crate) fn new(key: &Secret<KEY_BYTES>) -> Self {
        let key = UnboundKey::new(&AES_256_GCM, key.bytes()).expect("a key of AES-256 has 32 bytes");
        Self(LessSafeKey::new(key))
    }

    pub(crate) fn seal<const N: usize>(&self, mut plain: Secret<N>, context: &[u8]) -> Result<Sealed<N>, Error> {
        let mut nonce = [0; NONCE_BYTES];
        fill_random(&mut nonce)?;
        let sealed = self.0.seal_in_place_separate_tag(
            Nonce::assume_unique_for_key(nonce),
            Aad::from(context),
            plain.bytes_mut(),
        );
        let tag = sealed.expect("what is sealed here is far below the limit of GCM");
        let tag = tag.as_ref().try_into().expect("a tag of GCM has 16 bytes");
        Ok(Sealed { nonce, bytes: *plain.bytes(), tag })
    }

    /// `None` when it was sealed under another key, or in another context, or was altered.
    pub(crate) fn open<const N: usize>(&self, sealed: &Sealed<N>, context: &[u8]) -> Option<Secret<N>> {
        let mut plain = Secret::zeros();
        *plain.bytes_mut() = sealed.bytes;
        let nonce = Nonce::assume_unique_for_key(sealed.nonce);
        let tag = Tag::from(sealed.tag);
        self.0.open_in_place_separate_tag(nonce, Aad::from(context), tag, plain.bytes_mut(), 0..).ok()?;
        Some(plain)
    }
}

/// New random bytes of the operating system.
pub(crate) fn random<const N: usize>() -> Result<Secret<N>, Error> {
    let mut secret = Secret::zeros();
    fill_random(secret.bytes_mut())?;
    Ok(secret)
}

pub(crate) fn fill_random(bytes: &mut [u8]) -> Result<(), Error> {
    SystemRandom::new().fill(bytes).map_err(|_says_no_more| Error::NoRandomness)
}

/// What the sealed secret of a vault is held to.
pub(crate) fn secret_context(vault: VaultId, key_id: u32) -> Vec<u8> {
    [&[1][..], &FORMAT_VERSION.to_le_bytes(), &vault, &key_id.to_le_bytes()].concat()
}

/// Which of the two sealed parts of a card's record.
#[derive(Clone, Copy)]
pub(crate) enum Part {
    /// The card's own key, sealed under the key-encryption key.
    Key,
    /// Number and expiry, sealed under the card's own key.
    Card,
}

/// What a card is bound to besides its number: neither sealed part opens beside others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Binding {
    pub(crate) token: CardToken,
    pub(crate) scheme: Scheme,
    pub(crate) fingerprint: CardFingerprint,
}

impl Binding {
    pub(crate) fn context(&self, part: Part, vault: VaultId) -> Vec<u8> {
        let part = match part {
            Part::Key => 2,
            Part::Card => 3,
        };
        let version = FORMAT_VERSION.to_le_bytes();
        [&[part][..], &version, &vault, &self.token.bytes(), &[self.scheme.number()], &self.fingerprint.0].concat()
    }
}

/// The keys that follow from a vault's secret, and stay the same whatever it is sealed under.
pub(crate) struct VaultKeys {
    fingerprints: hmac::Key,
    checks: hmac::Key,
}

impl VaultKeys {
    pub(crate) fn of(secret: &Secret<KEY_BYTES>) -> Self {
        let secret = hmac::Key::new(hmac::HMAC_SHA256, secret.bytes());
        let key = |purpose: &[u8]| hmac::Key::new(hmac::HMAC_SHA256, hmac::sign(&secret, purpose).as_ref());
        Self { fingerprints: key(b"card fingerprint"), checks: key(b"record check") }
    }

    pub(crate) fn fingerprint(&self, pan: &Pan) -> CardFingerprint {
        CardFingerprint(first_16(hmac::sign(&self.fingerprints, pan.digits().as_bytes()).as_ref()))
    }

    /// The check of a record at its place in the file.
    pub(crate) fn check(&self, offset: u64, record: &[u8]) -> [u8; 16] {
        let mut context = hmac::Context::with_key(&self.checks);
        context.update(&offset.to_le_bytes());
        context.update(record);
        first_16(context.sign().as_ref())
    }
}

/// The beginning of a hash of SHA-256.
pub(crate) fn first_16(hash: &[u8]) -> [u8; 16] {
    *hash.first_chunk().expect("a hash of SHA-256 has 32 bytes")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(byte: u8) -> SealingKey {
        let mut key = Secret::zeros();
        key.bytes_mut().fill(byte);
        SealingKey::new(&key)
    }

    #[test]
    fn what_was_sealed_opens_under_its_key_and_in_its_context() {
        let sealed = key(1).seal(random::<24>().unwrap(), b"context").unwrap();
        assert!(key(1).open(&sealed, b"context").is_some());
        assert!(key(2).open(&sealed, b"context").is_none());
        assert!(key(1).open(&sealed, b"contexT").is_none());
    }

    #[test]
    fn no_nonce_comes_twice() {
        let seal = || key(1).seal(Secret::<24>::zeros(), b"").unwrap();
        let (one, other) = (seal(), seal());
        assert!(one.nonce != other.nonce && one.bytes != other.bytes);
    }

    /// Vaults hold fingerprints and checks: a change here makes every stored vault unreadable.
    #[test]
    fn what_follows_from_the_secret_never_changes() {
        let keys = VaultKeys::of(&Secret::zeros());
        let hex = |bytes: [u8; 16]| CardFingerprint(bytes).to_string();
        let fingerprint = keys.fingerprint(&Pan::parse("4242424242424242").unwrap());
        assert_eq!(hex(fingerprint.0), "d8525707fcfb4df26c2d68777526d02c");
        assert_eq!(hex(keys.check(256, b"record")), "b4a6f871b1d40e6f6b64cb30461754b7");
        assert_ne!(keys.check(256, b"record"), keys.check(512, b"record"));
    }
}
