//! Single values.

use domain::{AccountId, AccountKind, CurrencyPair, Digest, Label, Lsn, Name, PaymentId, Posting, Timestamp};
use money::{AMOUNT_MINOR_UNITS_MAX, Currency, ExactRate, Money, Prices, Rate, Ratio, Weight};
use proptest::{prelude::*, sample::select};

pub(super) fn posting() -> impl Strategy<Value = Posting> {
    (account(), account(), amount()).prop_filter_map("a posting is between two accounts", |(debit, credit, amount)| {
        let currency = amount.currency();
        Posting::new(AccountId { currency, ..debit }, AccountId { currency, ..credit }, amount)
    })
}

pub(super) fn account() -> impl Strategy<Value = AccountId> {
    (select(AccountKind::ALL.to_vec()), currency(), small()).prop_map(|(kind, currency, index)| AccountId {
        kind,
        currency,
        index,
    })
}

pub(super) fn amount() -> impl Strategy<Value = Money> {
    (currency(), minor_units()).prop_map(|(currency, minor_units)| Money::new(currency, minor_units.into()))
}

/// Minor units of an amount: of any length that it may have.
pub(super) fn minor_units() -> impl Strategy<Value = i64> {
    (1..=AMOUNT_MINOR_UNITS_MAX, 0..50_u32).prop_map(|(minor_units, shift)| (minor_units >> shift).max(1))
}

/// As likely of any length in bits, and none.
pub(super) fn number() -> impl Strategy<Value = u64> {
    (any::<u64>(), 0..=u64::BITS).prop_map(|(number, shift)| number.checked_shr(shift).unwrap_or(0))
}

pub(super) fn small() -> impl Strategy<Value = u32> {
    (any::<u32>(), 0..=u32::BITS).prop_map(|(number, shift)| number.checked_shr(shift).unwrap_or(0))
}

pub(super) fn integer() -> impl Strategy<Value = i64> {
    (number(), any::<bool>()).prop_map(|(number, flipped)| (number ^ if flipped { u64::MAX } else { 0 }).cast_signed())
}

pub(super) fn currency() -> impl Strategy<Value = Currency> {
    select(Currency::all().collect::<Vec<_>>())
}

pub(super) fn ratio() -> impl Strategy<Value = Ratio> {
    (0..=1_000_000_u32).prop_map(|millionths| Ratio::from_millionths(millionths).unwrap())
}

pub(super) fn rate() -> impl Strategy<Value = Rate> {
    (1..=9_999_999_999_u64, 0..=18_u32).prop_map(|(mantissa, scale)| Rate::from_parts(mantissa, scale).unwrap())
}

pub(super) fn name() -> impl Strategy<Value = Name> {
    "[a-z0-9-]{1,64}".prop_map(|text| Name::new(&text).unwrap())
}

pub(super) fn label() -> impl Strategy<Value = Label> {
    "\\PC{1,64}".prop_filter_map("a label has no control characters", |text| Label::new(&text).ok())
}

pub(super) fn digest() -> impl Strategy<Value = Digest> {
    any::<[u8; 16]>().prop_map(Digest)
}

pub(super) fn timestamp() -> impl Strategy<Value = Timestamp> {
    integer().prop_map(Timestamp::from_micros)
}

pub(super) fn pair() -> impl Strategy<Value = CurrencyPair> {
    (currency(), currency()).prop_map(|(presentment, debit)| CurrencyPair { presentment, debit })
}

/// Any sum that a record can hold.
pub(super) fn sum(currency: Currency) -> impl Strategy<Value = Money> {
    integer().prop_map(move |minor_units| Money::new(currency, minor_units.into()))
}

pub(super) fn amount_in(currency: Currency) -> impl Strategy<Value = Money> {
    minor_units().prop_map(move |minor_units| Money::new(currency, minor_units.into()))
}

pub(super) fn weight() -> impl Strategy<Value = Weight> {
    prop_oneof![Just(1_000_000_u32), 1_000_000..=1_000_000_000_u32]
        .prop_map(|millionths| Weight::from_millionths(millionths).unwrap())
}

pub(super) fn payment_id() -> impl Strategy<Value = PaymentId> {
    any::<[u8; 16]>().prop_map(PaymentId::from_bytes)
}

pub(super) fn lsn() -> impl Strategy<Value = Lsn> {
    number().prop_map(Lsn::new)
}

/// As a mid alone gives them, as bid and ask do, and as two rates crossed do.
pub(super) fn prices() -> impl Strategy<Value = Prices> {
    let mid = rate().prop_map(|mid| Prices::mid_only(mid.into()));
    let crossed = (spread(), spread())
        .prop_filter_map("bounded", |(target, presentment)| Prices::cross(target, presentment).ok());
    let large = Prices::mid_only(ExactRate::from_parts(10_u128.pow(30), 1).unwrap());
    prop_oneof![mid, spread(), crossed, Just(large)]
}

fn spread() -> impl Strategy<Value = Prices> {
    (rate(), rate()).prop_map(|(one, other)| {
        let (bid, ask) = (one.min(other), one.max(other));
        Prices::new(bid.into(), ExactRate::midpoint(bid, ask).unwrap(), ask.into()).unwrap()
    })
}

/// As prices give them, and fractions of small parts.
pub(crate) fn exact_rate() -> impl Strategy<Value = ExactRate> {
    let of_powers = (0..40_u32, 0..20_u32, 1..100_u128)
        .prop_filter_map("in lowest terms", |(twos, fives, numerator)| {
            ExactRate::from_parts(numerator, 2_u128.pow(twos) * 5_u128.pow(fives)).ok()
        });
    let small = (1..100_u128, 1..100_u128).prop_filter_map("in lowest terms", |(numerator, denominator)| {
        ExactRate::from_parts(numerator, denominator).ok()
    });
    prop_oneof![prices().prop_map(Prices::mid), of_powers, small]
}
