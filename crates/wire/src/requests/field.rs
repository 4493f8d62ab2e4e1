//! One field to one type.

use domain::{CardToken, CurrencyPair, InvalidText, KeyText, Label, MandateId, Name, PaymentId, Timestamp};
use money::{AMOUNT_MINOR_UNITS_MAX, Currency, Money, Rate, Ratio};

use super::{InvalidField, InvalidReason};
use crate::{digest::PAYER_CODE_DIGITS, v1};

const API_KEY_CHARS_MIN: usize = 32;
const API_KEY_CHARS_MAX: usize = 128;

/// 0001-01-01T00:00:00Z and 9999-12-31T23:59:59Z, the bounds of `google.protobuf.Timestamp`.
const TIMESTAMP_SECONDS_MIN: i64 = -62_135_596_800;
const TIMESTAMP_SECONDS_MAX: i64 = 253_402_300_799;
const MICROS_PER_SECOND: i64 = 1_000_000;
const NANOS_PER_MICRO: i32 = 1_000;
const NANOS_MAX: i32 = 999_999_999;

/// Every moment between the bounds is a number of microseconds in 64 bits.
const _: () = assert!(TIMESTAMP_SECONDS_MAX < i64::MAX / MICROS_PER_SECOND - 1);
const _: () = assert!(TIMESTAMP_SECONDS_MIN > i64::MIN / MICROS_PER_SECOND);

pub(super) fn required<'a, T>(field: &'static str, message: Option<&'a T>) -> Result<&'a T, InvalidField> {
    message.ok_or_else(|| InvalidField::missing(field))
}

pub(super) fn key(text: &str) -> Result<KeyText<'_>, InvalidField> {
    KeyText::new(text).map_err(|why| invalid_text("idempotency_key", InvalidReason::KeyInvalid, why))
}

pub(super) fn name(field: &'static str, text: &str) -> Result<Name, InvalidField> {
    Name::new(text).map_err(|why| invalid_text(field, InvalidReason::TextInvalid, why))
}

pub(super) fn label(field: &'static str, text: &str) -> Result<Label, InvalidField> {
    Label::new(text).map_err(|why| invalid_text(field, InvalidReason::TextInvalid, why))
}

pub(super) fn currency(field: &'static str, code: &str) -> Result<Currency, InvalidField> {
    given(field, code)?;
    Currency::from_code(code).map_err(|why| InvalidField::found(field, InvalidReason::CurrencyUnknown, why, code))
}

pub(super) fn ratio(field: &'static str, text: &str) -> Result<Ratio, InvalidField> {
    given(field, text)?;
    Ratio::parse(text).map_err(|why| InvalidField::found(field, InvalidReason::RatioInvalid, why, text))
}

pub(super) fn rate(field: &'static str, text: &str) -> Result<Rate, InvalidField> {
    given(field, text)?;
    Rate::parse(text).map_err(|why| InvalidField::found(field, InvalidReason::RateInvalid, why, text))
}

/// An amount somebody pays. Faults lie within it: `amount.minor_units`.
pub(super) fn payable(field: &'static str, message: Option<&v1::Money>) -> Result<Money, InvalidField> {
    let message = required(field, message)?;
    let currency = currency("currency_code", &message.currency_code).map_err(|invalid| invalid.within(field))?;
    Money::payable(currency, message.minor_units).map_err(|_| {
        let description = format!("must be 1 to {AMOUNT_MINOR_UNITS_MAX} minor units; found {}", message.minor_units);
        InvalidField::new("minor_units", InvalidReason::AmountOutOfBounds, description).within(field)
    })
}

/// A moment, cut to whole microseconds.
pub(super) fn timestamp(
    field: &'static str,
    message: Option<&pbjson_types::Timestamp>,
) -> Result<Timestamp, InvalidField> {
    let message = required(field, message)?;
    let in_bounds = (TIMESTAMP_SECONDS_MIN..=TIMESTAMP_SECONDS_MAX).contains(&message.seconds)
        && (0..=NANOS_MAX).contains(&message.nanos);
    if !in_bounds {
        let description = format!(
            "must be from 0001-01-01T00:00:00Z to 9999-12-31T23:59:59.999999999Z; found {} seconds and {} nanoseconds",
            message.seconds, message.nanos
        );
        return Err(InvalidField::new(field, InvalidReason::TimestampInvalid, description));
    }
    Ok(Timestamp::from_micros(message.seconds * MICROS_PER_SECOND + i64::from(message.nanos / NANOS_PER_MICRO)))
}

/// A credential that the merchant will call with. No fault repeats any of it.
pub(super) fn api_key<'a>(field: &'static str, text: &'a str) -> Result<&'a str, InvalidField> {
    given(field, text)?;
    let invalid = |found: String| {
        let description =
            format!("must be {API_KEY_CHARS_MIN} to {API_KEY_CHARS_MAX} visible ASCII characters; found {found}");
        InvalidField::new(field, InvalidReason::ApiKeyInvalid, description)
    };
    if let Some(index) = text.chars().position(|c| !c.is_ascii_graphic()) {
        return Err(invalid(format!("another at character {}", index + 1)));
    }
    if !(API_KEY_CHARS_MIN..=API_KEY_CHARS_MAX).contains(&text.len()) {
        return Err(invalid(format!("{} characters", text.len())));
    }
    Ok(text)
}

pub(super) fn payment_id(field: &'static str, text: &str) -> Result<PaymentId, InvalidField> {
    id(field, InvalidReason::PaymentIdInvalid, text).map(PaymentId::from_bytes)
}

pub(super) fn mandate_id(field: &'static str, text: &str) -> Result<MandateId, InvalidField> {
    id(field, InvalidReason::MandateIdInvalid, text).map(MandateId::from_bytes)
}

pub(super) fn card_token(field: &'static str, text: &str) -> Result<CardToken, InvalidField> {
    id(field, InvalidReason::CardTokenInvalid, text).map(CardToken::from_bytes)
}

/// A payer's one-time code. No fault repeats any of it: whoever reads it within a minute could pay.
pub(super) fn payer_code<'a>(field: &'static str, text: &'a str) -> Result<&'a str, InvalidField> {
    given(field, text)?;
    if text.len() == PAYER_CODE_DIGITS && text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Ok(text);
    }
    let description = format!("must be {PAYER_CODE_DIGITS} digits");
    Err(InvalidField::new(field, InvalidReason::PayerCodeInvalid, description))
}

/// Two different currencies.
pub(super) fn pair(presentment_code: &str, debit_code: &str) -> Result<CurrencyPair, InvalidField> {
    let pair = CurrencyPair {
        presentment: currency("presentment_currency_code", presentment_code)?,
        debit: currency("debit_currency_code", debit_code)?,
    };
    if pair.presentment == pair.debit {
        let description = format!("must be another currency than the presentment currency; found {pair}");
        return Err(InvalidField::new("debit_currency_code", InvalidReason::PairOfOneCurrency, description));
    }
    Ok(pair)
}

fn id(field: &'static str, reason: InvalidReason, text: &str) -> Result<[u8; 16], InvalidField> {
    given(field, text)?;
    uuid(text).ok_or_else(|| InvalidField::found(field, reason, "must be a UUID in lower-case hyphenated form", text))
}

fn uuid(text: &str) -> Option<[u8; 16]> {
    const CHARS: usize = 36;
    if text.len() != CHARS {
        return None;
    }
    let mut number: u128 = 0;
    for (position, byte) in text.bytes().enumerate() {
        match (position, byte) {
            (8 | 13 | 18 | 23, b'-') => {}
            (8 | 13 | 18 | 23, _) | (_, b'A'..=b'F') => return None,
            (_, digit) => number = number << 4 | u128::from(char::from(digit).to_digit(16)?),
        }
    }
    Some(number.to_be_bytes())
}

pub(super) fn given(field: &'static str, text: &str) -> Result<(), InvalidField> {
    if text.is_empty() { Err(InvalidField::missing(field)) } else { Ok(()) }
}

fn invalid_text(field: &'static str, reason: InvalidReason, why: InvalidText) -> InvalidField {
    match why {
        InvalidText::Missing => InvalidField::missing(field),
        InvalidText::TooLong { .. } | InvalidText::ControlCharacter { .. } | InvalidText::NotNameCharacter { .. } => {
            InvalidField::new(field, reason, why.to_string())
        }
    }
}
