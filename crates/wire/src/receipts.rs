//! Receipts: signed statements of one outcome, which anyone who has the public key can check without asking the switch.
//!
//! A receipt is the bytes of a [`v1::ReceiptBody`] and an Ed25519 signature (RFC 8032) of the text `payswitch receipt
//! v1`, a zero byte and these bytes. The bytes are canonical: fields in order of number, none unknown, none that holds
//! its default. So one outcome has one receipt.

#[cfg(test)]
mod tests;

use std::fmt;

use domain::{ChainMark, Mode, Record};
use money::Money;
use prost::Message;
use ring::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};

use crate::{replies, v1};

/// Bytes of the seed behind a key.
pub const SEED_BYTES: usize = 32;
/// Bytes of a public key.
pub const PUBLIC_KEY_BYTES: usize = 32;
/// Bytes of a signature.
pub const SIGNATURE_BYTES: usize = 64;

/// Signed before a receipt's own bytes, so that a signature of something else is none of a receipt.
const DOMAIN: &[u8] = b"payswitch receipt v1\0";

/// Signs receipts. It prints its number only.
pub struct ReceiptKey {
    id: u32,
    pair: Ed25519KeyPair,
}

/// What a receipt states, and where in the journal it rests.
#[derive(Clone, Debug)]
pub struct Statement<'a> {
    /// What the ledger is for.
    pub mode: Mode,
    /// Which journal.
    pub journal_id: [u8; 16],
    /// The journal's chain right after the batch that holds the record.
    pub chain: ChainMark,
    /// What the receipt is of.
    pub record: &'a Record,
    /// [`record_digest`] of the record's bytes as they stand in the journal.
    pub record_digest: [u8; 32],
    /// The payment right after the record.
    pub payment: v1::Payment,
    /// The refund the record decided, if it decided one.
    pub refund: Option<v1::Refund>,
    /// What the payer was debited less what it was given back, as really moved; `None` when the payment was declined.
    pub net_debit_amount: Option<Money>,
}

/// Why bytes are not a receipt.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The key did not sign these bytes.
    #[error("the signature is not of this receipt and this key")]
    SignatureInvalid,
    /// Signed, but not the bytes of the message.
    #[error("cannot read the bytes of a receipt")]
    Malformed(#[from] prost::DecodeError),
    /// Signed, but written otherwise than receipts are, or by a later version: what is shown would not be all that was
    /// signed.
    #[error("the receipt says more than this version can read")]
    NotCanonical,
}

impl ReceiptKey {
    /// The key of this number, made from its seed (the private key of RFC 8032).
    #[must_use]
    pub fn from_seed(id: u32, seed: &[u8; SEED_BYTES]) -> Self {
        let pair = Ed25519KeyPair::from_seed_unchecked(seed).expect("any 32 bytes are a seed");
        Self { id, pair }
    }

    /// The operator's number for it.
    #[must_use]
    pub const fn id(&self) -> u32 {
        self.id
    }

    /// What its signatures are checked with.
    #[must_use]
    pub fn public_key(&self) -> [u8; PUBLIC_KEY_BYTES] {
        self.pair.public_key().as_ref().try_into().expect("a public key has 32 bytes")
    }

    /// Signs the bytes of a receipt.
    #[must_use]
    pub fn sign(&self, body: &[u8]) -> [u8; SIGNATURE_BYTES] {
        self.pair.sign(&signed(body)).as_ref().try_into().expect("a signature has 64 bytes")
    }

    /// The receipt of an outcome, or `None` when the record is of no payment.
    #[must_use]
    pub fn issue(&self, statement: Statement<'_>) -> Option<v1::ReceiptServiceGetResponse> {
        let body = body(statement, self.id)?;
        let signature = self.sign(&body).to_vec();
        Some(v1::ReceiptServiceGetResponse { body, signature, key_id: self.id })
    }
}

impl fmt::Debug for ReceiptKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReceiptKey").field("id", &self.id).field("seed", &"***").finish()
    }
}

/// Names a record's bytes as they stand in the journal.
#[must_use]
pub fn record_digest(bytes: &[u8]) -> [u8; 32] {
    *blake3::hash(bytes).as_bytes()
}

/// Whether the key signed the bytes of a receipt.
#[must_use]
pub fn verify(public_key: &[u8], body: &[u8], signature: &[u8]) -> bool {
    UnparsedPublicKey::new(&ED25519, public_key).verify(&signed(body), signature).is_ok()
}

/// Checks a receipt and reads it: what is returned is all that was signed.
///
/// # Errors
/// When the key did not sign it, or it cannot be read whole.
pub fn read(public_key: &[u8], body: &[u8], signature: &[u8]) -> Result<v1::ReceiptBody, Error> {
    if !verify(public_key, body, signature) {
        return Err(Error::SignatureInvalid);
    }
    let message = v1::ReceiptBody::decode(body)?;
    if message.encode_to_vec() == body { Ok(message) } else { Err(Error::NotCanonical) }
}

fn body(statement: Statement<'_>, key_id: u32) -> Option<Vec<u8>> {
    let Statement { mode, journal_id, chain, record, record_digest, payment, refund, net_debit_amount } = statement;
    let body = v1::ReceiptBody {
        mode: mode.as_str().to_owned(),
        key_id,
        lsn: record.lsn.get(),
        chain_digest: chain.digest.to_vec(),
        chain_lsn: chain.lsn.get(),
        record_digest: record_digest.to_vec(),
        kind: replies::event_kind(record)?.into(),
        payment: Some(payment),
        refund,
        journal_id: journal_id.to_vec(),
        record_time: Some(replies::timestamp(record.at)),
        net_debit_amount: net_debit_amount.map(replies::money),
    };
    Some(body.encode_to_vec())
}

fn signed(body: &[u8]) -> Vec<u8> {
    [DOMAIN, body].concat()
}
