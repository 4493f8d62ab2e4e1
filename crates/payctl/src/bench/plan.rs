//! What a run asks for: who pays whom, in which order, and how each request is written.

use std::io::Write;

use client::ApiKey;
use money::{Currency, Money};
use uuid::Uuid;
use wire::v1::{AccountReference, AuthorizeRequest, CaptureMode};

use super::chance::{Zipf, draw};
use crate::words;

/// Fields of requests as protocol buffers tag them: number and way of writing.
const KEY: u8 = 1 << 3 | 2;
const ORDER: u8 = 2 << 3 | 2;
const PAYER: u8 = 3 << 3 | 2;
const PRESENTMENT_AMOUNT: u8 = 4 << 3 | 2;
const CAPTURE_MODE: u8 = 5 << 3;
const MOVED_PAYMENT: u8 = 2 << 3 | 2;
const MOVED_AMOUNT: u8 = 3 << 3 | 2;
const FINAL: u8 = 4 << 3;
const SOUGHT_PAYMENT: u8 = 1 << 3 | 2;
/// Of `AccountReference` and `Money`.
const FIRST_TEXT: u8 = 1 << 3 | 2;
const SECOND_TEXT: u8 = 2 << 3 | 2;
const SECOND_NUMBER: u8 = 2 << 3;

/// What draws are for: the same number gives another draw for each.
const FOR_PAYER: u64 = 1;
const FOR_HOT: u64 = 2;
const FOR_MERCHANT: u64 = 3;

/// What every payment of a run has in common.
#[derive(Debug)]
pub(super) struct Plan {
    /// Part of every key and order id, so that no two runs meet.
    run: String,
    merchants: Vec<Merchant>,
    payers: Vec<Payer>,
    choice: Choice,
}

/// Who is paid, and what it asks each time.
#[derive(Clone, Debug)]
pub(super) struct Merchant {
    pub(super) merchant_id: String,
    pub(super) amount: Money,
    pub(super) key: ApiKey,
}

/// Who pays.
#[derive(Clone, Debug)]
pub(super) struct Payer {
    pub(super) account: AccountReference,
    pub(super) currency: Currency,
}

/// Which payers and merchants come how often.
#[derive(Clone, Debug, Default)]
pub(super) struct Choice {
    /// Payers by popularity; in turn without it.
    pub(super) zipf: Option<Zipf>,
    /// Percent of payments that the first merchant gets; the others share the rest evenly. Without it all are alike.
    pub(super) hot_percent: Option<u64>,
}

/// Who pays whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Pairing {
    pub(super) merchant: usize,
    pub(super) payer: usize,
}

impl Plan {
    /// Payments to these merchants from these payers.
    pub(super) fn new(merchants: Vec<Merchant>, payers: Vec<Payer>, choice: Choice) -> Self {
        assert!(!merchants.is_empty() && !payers.is_empty(), "somebody pays somebody");
        Self { run: Uuid::now_v7().simple().to_string(), merchants, payers, choice }
    }

    /// What every order of this run begins with.
    pub(super) fn run(&self) -> &str {
        &self.run
    }

    /// Everybody who is paid, in the order of [`Pairing::merchant`].
    pub(super) fn merchants(&self) -> &[Merchant] {
        &self.merchants
    }

    /// The merchant of payments that have only one.
    pub(super) fn merchant(&self) -> &Merchant {
        self.merchant_of(Pairing { merchant: 0, payer: 0 })
    }

    pub(super) fn merchant_of(&self, pairing: Pairing) -> &Merchant {
        self.merchants.get(pairing.merchant).expect("a pairing has a merchant")
    }

    pub(super) fn payer_of(&self, pairing: Pairing) -> &Payer {
        self.payers.get(pairing.payer).expect("a pairing has a payer")
    }

    /// Who pays whom in payment number `number`: always the same.
    pub(super) fn pairing(&self, number: u64) -> Pairing {
        let payer = match &self.choice.zipf {
            Some(zipf) => zipf.at(draw(number, FOR_PAYER)),
            None => at(number, self.payers.len()),
        };
        let others = self.merchants.len() - 1;
        let merchant = match self.choice.hot_percent {
            Some(percent) if others > 0 && draw(number, FOR_HOT) % 100 >= percent => {
                1 + at(draw(number, FOR_MERCHANT), others)
            }
            Some(_) => 0,
            None => at(draw(number, FOR_MERCHANT), self.merchants.len()),
        };
        Pairing { merchant, payer }
    }

    /// The request of payment number `number`.
    pub(super) fn request(&self, number: u64) -> AuthorizeRequest {
        let name = format!("{}-{number}", self.run);
        let pairing = self.pairing(number);
        AuthorizeRequest {
            idempotency_key: name.clone(),
            merchant_order_id: name,
            payer: Some(self.payer_of(pairing).account.clone()),
            presentment_amount: words::money_message(self.merchant_of(pairing).amount),
            ..AuthorizeRequest::default()
        }
    }

    /// Writes the key, and the order, of request number `number`.
    pub(super) fn write_name(&self, number: u64, out: &mut Vec<u8>) {
        out.extend_from_slice(self.run.as_bytes());
        // Writing to memory cannot fail.
        let _ = write!(out, "-{number}");
    }

    /// Writes the same as [`request`](Self::request), encoded.
    pub(super) fn write_request(&self, number: u64, mode: CaptureMode, out: &mut Vec<u8>) {
        let pairing = self.pairing(number);
        let AccountReference { wallet_id, account_id } = &self.payer_of(pairing).account;
        put_text(out, KEY, |out| self.write_name(number, out));
        put_text(out, ORDER, |out| self.write_name(number, out));
        put_text(out, PAYER, |out| {
            put_text(out, FIRST_TEXT, |out| out.extend_from_slice(wallet_id.as_bytes()));
            put_text(out, SECOND_TEXT, |out| out.extend_from_slice(account_id.as_bytes()));
        });
        put_money(out, PRESENTMENT_AMOUNT, self.merchant_of(pairing).amount);
        if mode != CaptureMode::Unspecified {
            put_number(out, CAPTURE_MODE, i32::from(mode).into());
        }
    }

    /// Writes a `CaptureRequest` of all of payment `of`, under the key of number `number`.
    pub(super) fn write_capture(&self, number: u64, of: Moved, out: &mut Vec<u8>) {
        self.write_refund(number, of, out);
        put_number(out, FINAL, 1);
    }

    /// Writes a `RefundRequest` of all of payment `of`, under the key of number `number`.
    pub(super) fn write_refund(&self, number: u64, of: Moved, out: &mut Vec<u8>) {
        put_text(out, KEY, |out| self.write_name(number, out));
        put_text(out, MOVED_PAYMENT, |out| of.write_id(out));
        put_money(out, MOVED_AMOUNT, self.merchant_of(self.pairing(of.number)).amount);
    }
}

/// A payment of this run that something is asked of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Moved {
    pub(super) payment_id: [u8; 16],
    /// The number it was asked for under.
    pub(super) number: u64,
}

impl Moved {
    fn write_id(self, out: &mut Vec<u8>) {
        let mut text = Uuid::encode_buffer();
        out.extend_from_slice(Uuid::from_bytes(self.payment_id).hyphenated().encode_lower(&mut text).as_bytes());
    }

    /// Writes a `PaymentServiceGetRequest` of it.
    pub(super) fn write_get(self, out: &mut Vec<u8>) {
        put_text(out, SOUGHT_PAYMENT, |out| self.write_id(out));
    }
}

/// A number below `length`.
fn at(number: u64, length: usize) -> usize {
    usize::try_from(number % length as u64).unwrap_or(0)
}

/// Writes a field whose length is known once it is written: shorter than 128 bytes, so that its length is one.
fn put_text(out: &mut Vec<u8>, tag: u8, write: impl FnOnce(&mut Vec<u8>)) {
    out.extend_from_slice(&[tag, 0]);
    let begin = out.len();
    write(out);
    let length = u8::try_from(out.len() - begin).ok().filter(|length| *length < 0x80);
    if let Some(place) = out.get_mut(begin - 1) {
        *place = length.expect("names and amounts are short");
    }
}

fn put_number(out: &mut Vec<u8>, tag: u8, mut number: i64) {
    out.push(tag);
    while number >= 0x80 {
        out.push(u8::try_from(number & 0x7f).unwrap_or(0) | 0x80);
        number >>= 7;
    }
    out.push(u8::try_from(number).unwrap_or(0));
}

fn put_money(out: &mut Vec<u8>, tag: u8, amount: Money) {
    put_text(out, tag, |out| {
        put_text(out, FIRST_TEXT, |out| out.extend_from_slice(amount.currency().code().as_bytes()));
        put_number(out, SECOND_NUMBER, i64::try_from(amount.minor_units()).unwrap_or(0));
    });
}

#[cfg(test)]
pub(super) mod tests;
