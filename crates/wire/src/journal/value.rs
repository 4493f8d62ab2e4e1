//! Single values, read with the rules they were written by.

use std::fmt;

use domain::{AccountId, ApiKeyHash, Digest, Evidence, Label, Name, PaymentId};
use money::{AMOUNT_MINOR_UNITS_MAX, Currency, Money, Rate, Ratio};

use super::DecodeError;
use crate::excerpt::excerpt;

pub(super) fn required<T>(field: &'static str, value: Option<T>) -> Result<T, DecodeError> {
    value.ok_or(DecodeError::Missing { field })
}

pub(super) fn invalid(field: &'static str, found: impl fmt::Display) -> DecodeError {
    DecodeError::Invalid { field, found: found.to_string() }
}

/// What was found. A request whose evidence could not be had is refused and leaves no record.
pub(super) fn present<T>(evidence: &Evidence<T>) -> &T {
    match evidence {
        Evidence::Present(found) => found,
        Evidence::Unavailable(why) => panic!("a record rests on evidence that was found, not on {why:?}"),
    }
}

/// The minor units of an amount somebody pays.
pub(super) fn payable_minor_units(amount: Money) -> i64 {
    let minor_units = minor_units(amount);
    assert!((1..=AMOUNT_MINOR_UNITS_MAX).contains(&minor_units), "an amount that is paid is within the bounds of one");
    minor_units
}

pub(super) fn minor_units(sum: Money) -> i64 {
    i64::try_from(sum.minor_units()).expect("no account holds 10^18 minor units, and no sum is larger")
}

pub(super) fn payable(field: &'static str, currency: Currency, minor_units: i64) -> Result<Money, DecodeError> {
    Money::payable(currency, minor_units).map_err(|_| invalid(field, minor_units))
}

pub(super) fn bytes<const N: usize>(field: &'static str, bytes: &[u8]) -> Result<[u8; N], DecodeError> {
    bytes.try_into().map_err(|_| invalid(field, format_args!("{} bytes long", bytes.len())))
}

pub(super) fn digest(field: &'static str, digest: &[u8]) -> Result<Digest, DecodeError> {
    bytes(field, digest).map(Digest)
}

pub(super) fn api_key_hash(field: &'static str, hash: &[u8]) -> Result<ApiKeyHash, DecodeError> {
    bytes(field, hash).map(ApiKeyHash)
}

pub(super) fn payment_id(field: &'static str, id: &[u8]) -> Result<PaymentId, DecodeError> {
    bytes(field, id).map(PaymentId::from_bytes)
}

pub(super) fn currency(field: &'static str, number: u32) -> Result<Currency, DecodeError> {
    let currency = u16::try_from(number).ok().and_then(Currency::from_numeric);
    currency.ok_or_else(|| invalid(field, number))
}

pub(super) fn account(field: &'static str, packed: u64) -> Result<AccountId, DecodeError> {
    AccountId::from_packed(packed).ok_or_else(|| invalid(field, format_args!("{packed:#018x}")))
}

pub(super) fn name(field: &'static str, text: &str) -> Result<Name, DecodeError> {
    Name::new(text).map_err(|_| invalid(field, excerpt(text)))
}

pub(super) fn label(field: &'static str, text: &str) -> Result<Label, DecodeError> {
    Label::new(text).map_err(|_| invalid(field, excerpt(text)))
}

pub(super) fn ratio(field: &'static str, millionths: u32) -> Result<Ratio, DecodeError> {
    Ratio::from_millionths(millionths).map_err(|_| invalid(field, format_args!("{millionths} millionths")))
}

pub(super) fn rate(field: &'static str, mantissa: u64, scale: u32) -> Result<Rate, DecodeError> {
    Rate::from_parts(mantissa, scale).map_err(|_| invalid(field, format_args!("{mantissa} with {scale} decimals")))
}
