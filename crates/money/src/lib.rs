//! Currencies, sums of money, rates and ratios, and the only arithmetic on them in payswitch.
//!
//! **What it is for.** Every product, quotient and rounding of money happens here, exactly, so that a merchant can
//! recompute each posting by hand (`README.md` publishes the rules). No result is ever an approximation: a value that
//! does not fit is an error, and whoever divides names the [`Rounding`].
//!
//! **What it must never know.** Accounts, payments, quotes, the time, where a rate comes from, how a sum is stored or
//! sent. It does no I/O, keeps no state, and has neither floats nor casts. No other crate names a decimal type.
//!
//! **Where to start reading.** [`Money`], then [`Rounding`], then [`Conversion`]: the legs of a payment in another
//! currency. [`level_change`] is how a leg becomes a posting. [`Rate`] is what is published, [`ExactRate`] what follows
//! from it, [`Prices`] what a conversion needs of it.
//!
//! | operation                                  | result                 |
//! |--------------------------------------------|------------------------|
//! | [`Currency::from_code`], [`Currency::from_numeric`] | [`Currency`] |
//! | [`Money::new`], [`Money::zero`]            | [`Money`], any sum     |
//! | [`Money::payable`]                         | [`Money`], 1 to [`AMOUNT_MINOR_UNITS_MAX`] minor units |
//! | [`Money::parse`]                           | [`Money`]              |
//! | Money ± Money: [`Money::checked_add`], [`Money::checked_sub`] | [`Money`] of the same currency |
//! | −Money, \|Money\|: [`Money::checked_neg`], [`Money::checked_abs`] | [`Money`] |
//! | the lesser Money: [`Money::min`]           | [`Money`] of the same currency |
//! | Ratio of Money: [`Ratio::of`]              | [`Money`] of the same currency, rounding named |
//! | Ratio + Ratio: [`Ratio::saturating_add`]   | [`Ratio`], at most one |
//! | Weight times Money: [`Weight::of`]         | [`Money`] of the same currency, rounding named |
//! | [`Conversion::debit`] of Money             | [`Money`] in the other currency by the ask, rounded up |
//! | [`Conversion::mid`] of Money               | [`Money`] in the other currency by the mid, half up |
//! | [`Conversion::markup`] of Money            | [`Money`] in the other currency: debit − mid |
//! | [`Conversion::settlement`] of Money        | [`Money`] in the other currency by the bid, rounded down |
//! | Money after − Money before: [`level_change`] | [`Money`]: what a capture or refund posts |
//! | Money ÷ weights: [`allocate()`]            | `Vec<Money>` that sums to the whole |
//! | Rate against Rate: [`Rate::moved_within`], [`ExactRate::moved_within`] | `bool` |
//! | how far a rate moved: [`ExactRate::moved_ppm`] | whole millionths, down |
//! | (bid + ask) ÷ 2: [`ExactRate::midpoint`]   | [`ExactRate`]          |
//! | rate ÷ rate over a pivot: [`ExactRate::cross`], [`Prices::cross`] | [`ExactRate`], [`Prices`] |
//!
//! There is no Money × Money, no Money ÷ Money and no inverse of a rate: nothing here needs them, and each would round
//! where nobody looks. The quotient of two rates stays a fraction for the same reason.

#![no_std]
#![deny(clippy::arithmetic_side_effects, clippy::as_conversions, clippy::float_arithmetic)]

extern crate alloc;

mod amount;
mod currency;
mod rounding;

mod rate;
mod ratio;

mod exact_rate;
mod prices;
mod weight;

mod conversion;
mod level;

mod allocate;
mod text;

pub use allocate::{AllocateError, allocate};
pub use amount::{AMOUNT_MINOR_UNITS_MAX, AmountError, Error, Money};
pub use conversion::{Conversion, SameCurrency};
pub use currency::{Currency, UnknownCurrency};
pub use exact_rate::{EXACT_RATE_PART_MAX, ExactRate};
pub use level::level_change;
pub use prices::{Prices, PricesError};
pub use rate::{Rate, RateError};
pub use ratio::{Ratio, RatioError};
pub use rounding::Rounding;
pub use text::ParseMoneyError;
pub use weight::{Weight, WeightError};

/// Every integer of this many decimal digits fits an `i128`.
const I128_DIGITS: u32 = i128::MAX.ilog10();

/// Every integer of this many decimal digits fits an [`I256`](ethnum::I256). A bit is more than 0.301 digits.
const I256_DIGITS: u32 = 255 * 301 / 1_000;

/// Every integer of this many decimal digits fits a [`U256`](ethnum::U256).
const U256_DIGITS: u32 = 256 * 301 / 1_000;
