//! Quotes that callers keep: the switch signs what it offers and forgets it.
//!
//! A token is base64url without padding of a version byte, the number of the signing key, the offer with its
//! conversions as the journal writes them, and an HMAC-SHA256 (RFC 2104) of all before it. Another format gets another
//! version byte.

#[cfg(test)]
mod tests;

use std::{collections::BTreeMap, fmt};

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use domain::OfferedQuote;
use prost::Message;
use ring::hmac;

use crate::{
    journal::{DecodeError, quote},
    journal_v1,
};

/// Bytes of the secret behind a key.
pub const SECRET_BYTES: usize = 32;
/// The longest token, in characters.
pub const TOKEN_CHARS_MAX: usize = 1_536;

const VERSION: u8 = 1;
const KEY_ID_BYTES: usize = 4;
const TAG_BYTES: usize = 32;
/// Signed before the token's own bytes, so that the secret's signatures of other things are none of tokens.
const DOMAIN: &[u8] = b"payswitch quote\0";

/// A secret that tokens are signed with. It prints its number only.
pub struct QuoteKey {
    id: u32,
    key: hmac::Key,
}

/// Signs quotes, and knows again what it signed: with the key in force, or with an earlier one that still counts. So
/// keys change without an hour in which quotes are lost.
#[derive(Debug)]
pub struct QuoteTokens {
    /// Signs.
    current: u32,
    /// All that count, by number. The current one is among them.
    keys: BTreeMap<u32, QuoteKey>,
}

/// Two keys of one number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("two quote keys have the number {0}")]
pub struct RepeatedKey(
    /// Which number.
    pub u32,
);

/// What a token says.
#[derive(Clone, PartialEq, Message)]
struct Body {
    #[prost(message, optional, tag = "1")]
    offer: Option<journal_v1::Offer>,
    #[prost(message, optional, tag = "2")]
    quote: Option<journal_v1::Quote>,
    #[prost(message, optional, tag = "3")]
    settlement_quote: Option<journal_v1::SettlementQuote>,
}

impl QuoteKey {
    /// The key of this number, and the secret behind it.
    #[must_use]
    pub fn new(id: u32, secret: &[u8; SECRET_BYTES]) -> Self {
        Self { id, key: hmac::Key::new(hmac::HMAC_SHA256, secret) }
    }
}

impl fmt::Debug for QuoteKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("QuoteKey").field("id", &self.id).field("secret", &"***").finish()
    }
}

impl QuoteTokens {
    /// Signs with `current`, and knows again what `earlier` signed.
    ///
    /// # Errors
    /// When two keys have one number.
    pub fn new(current: QuoteKey, earlier: impl IntoIterator<Item = QuoteKey>) -> Result<Self, RepeatedKey> {
        let mut tokens = Self { current: current.id, keys: BTreeMap::from([(current.id, current)]) };
        for key in earlier {
            let id = key.id;
            if tokens.keys.insert(id, key).is_some() {
                return Err(RepeatedKey(id));
            }
        }
        Ok(tokens)
    }

    /// Numbers of the keys, the one that signs now first.
    pub fn ids(&self) -> impl Iterator<Item = u32> {
        let earlier = self.keys.keys().copied().filter(|id| *id != self.current);
        std::iter::once(self.current).chain(earlier)
    }

    /// The keys by number, each with a print that only this key has; it tells nothing of the secret.
    pub fn prints(&self) -> impl Iterator<Item = (u32, [u8; TAG_BYTES])> {
        let print = |key: &QuoteKey| hmac::sign(&key.key, &[]).as_ref().try_into().expect("a tag has its length");
        self.keys.iter().map(move |(id, key)| (*id, print(key)))
    }

    /// The token of an offer: at most [`TOKEN_CHARS_MAX`] characters.
    ///
    /// # Panics
    /// When the offer could not have been made: an amount is out of bounds, or the debit in another currency than the
    /// payer's.
    #[must_use]
    pub fn sign(&self, offered: &OfferedQuote) -> String {
        let key = self.keys.get(&self.current).expect("the current key is among the keys");
        let mut bytes = vec![VERSION];
        bytes.extend(key.id.to_be_bytes());
        bytes.extend(write(offered).encode_to_vec());
        let tag = hmac::sign(&key.key, &signed(&bytes));
        bytes.extend(tag.as_ref());
        let token = BASE64_URL_SAFE_NO_PAD.encode(bytes);
        assert!(token.len() <= TOKEN_CHARS_MAX, "a token is as long as callers were told at most");
        token
    }

    /// What the token promises, or `None` when it is not one that this switch signed with a key that counts.
    #[must_use]
    pub fn verify(&self, token: &str) -> Option<OfferedQuote> {
        if token.len() > TOKEN_CHARS_MAX {
            return None;
        }
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(token).ok()?;
        let (told, tag) = bytes.split_last_chunk::<TAG_BYTES>()?;
        let (id, body) = told.strip_prefix(&[VERSION])?.split_first_chunk::<KEY_ID_BYTES>()?;
        let key = self.keys.get(&u32::from_be_bytes(*id))?;
        hmac::verify(&key.key, &signed(told), tag).ok()?;
        read(&Body::decode(body).ok()?).ok()
    }
}

fn signed(bytes: &[u8]) -> Vec<u8> {
    [DOMAIN, bytes].concat()
}

fn write(offered: &OfferedQuote) -> Body {
    let OfferedQuote { offer, conversions } = offered;
    let quote::Quotes { quote, settlement_quote } = quote::write(conversions, offer.payer.currency);
    Body { offer: Some(quote::write_offer(offer)), quote, settlement_quote }
}

fn read(body: &Body) -> Result<OfferedQuote, DecodeError> {
    let Body { offer, quote, settlement_quote } = body;
    let offer = quote::read_offer(offer.as_ref().ok_or(DecodeError::Missing { field: "offer" })?)?;
    let currency = offer.payer.currency;
    let conversions = quote::read(quote.as_ref(), settlement_quote.as_ref(), || Ok(currency))?;
    Ok(OfferedQuote { offer, conversions })
}
