//! Single values, read with the rules they were written by.

use std::fmt;

use domain::{
    AccountId, ApiKeyHash, DeclineReason, Digest, Evidence, Label, MandateId, Name, PaymentId, QuoteId, RefundId,
};
use money::{AMOUNT_MINOR_UNITS_MAX, Currency, ExactRate, Money, Rate, Ratio, Weight};

use super::DecodeError;
use crate::excerpt::excerpt;

pub(super) fn required<T>(field: &'static str, value: Option<T>) -> Result<T, DecodeError> {
    value.ok_or(DecodeError::Missing { field })
}

#[cold]
pub(super) fn invalid(field: &'static str, found: impl fmt::Display) -> DecodeError {
    DecodeError::Invalid { field, found: found.to_string() }
}

/// Checks that a list stands in the one order it is written in.
pub(super) fn rising<T, K: Ord>(field: &'static str, list: &[T], key: impl Fn(&T) -> K) -> Result<(), DecodeError> {
    if list.is_sorted_by(|earlier, later| key(earlier) < key(later)) {
        Ok(())
    } else {
        Err(invalid(field, "unordered"))
    }
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

pub(super) fn refund_id(field: &'static str, id: &[u8]) -> Result<RefundId, DecodeError> {
    bytes(field, id).map(RefundId::from_bytes)
}

pub(super) fn quote_id(field: &'static str, id: &[u8]) -> Result<QuoteId, DecodeError> {
    bytes(field, id).map(QuoteId::from_bytes)
}

pub(super) fn mandate_id(field: &'static str, id: &[u8]) -> Result<MandateId, DecodeError> {
    bytes(field, id).map(MandateId::from_bytes)
}

pub(super) fn currency(field: &'static str, number: u32) -> Result<Currency, DecodeError> {
    let currency = u16::try_from(number).ok().and_then(Currency::from_numeric);
    currency.ok_or_else(|| invalid(field, number))
}

/// A currency as it is written.
pub(super) fn number(currency: Currency) -> u32 {
    currency.numeric().into()
}

pub(super) fn decline_reason(field: &'static str, number: u32) -> Result<DeclineReason, DecodeError> {
    let reason = u8::try_from(number).ok().and_then(DeclineReason::from_number);
    reason.ok_or_else(|| invalid(field, number))
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

pub(super) fn weight(field: &'static str, millionths: u32) -> Result<Weight, DecodeError> {
    Weight::from_millionths(millionths).map_err(|_| invalid(field, format_args!("{millionths} millionths")))
}

/// Both parts of a fraction as they are written: big-endian without leading zeros.
pub(super) fn fraction(rate: ExactRate) -> (Vec<u8>, Vec<u8>) {
    let written = |number: u128| significant(&number.to_be_bytes()).to_vec();
    (written(rate.numerator()), written(rate.denominator()))
}

/// A big-endian number without its leading zeros.
pub(super) fn significant(number: &[u8]) -> &[u8] {
    let first = number.iter().position(|byte| *byte != 0).unwrap_or(number.len());
    number.get(first..).unwrap_or_default()
}

pub(super) fn exact_rate(field: &'static str, numerator: &[u8], denominator: &[u8]) -> Result<ExactRate, DecodeError> {
    let rate = match (whole(numerator), whole(denominator)) {
        (Some(numerator), Some(denominator)) => ExactRate::from_parts(numerator, denominator).ok(),
        _ => None,
    };
    rate.ok_or_else(|| invalid(field, format_args!("{numerator:02x?} over {denominator:02x?}")))
}

/// A number in at most sixteen bytes, none of them a leading zero.
fn whole(bytes: &[u8]) -> Option<u128> {
    const BYTES_MAX: usize = 16;
    if bytes.len() > BYTES_MAX || bytes.first() == Some(&0) {
        return None;
    }
    Some(bytes.iter().fold(0, |number, byte| number << 8 | u128::from(*byte)))
}
