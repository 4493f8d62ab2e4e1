//! What the stages found. A stage never decides; what it could not get, it says.

use money::{Money, Rate, Ratio};

use crate::{CurrencyPair, Label, Lsn, Timestamp};

/// A finding, or why there is none. The engine looks at it only when the request's key is new, so a repeat is answered
/// even if the evidence could not be had a second time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Evidence<T> {
    /// What was found.
    Present(T),
    /// Why nothing was.
    Unavailable(Unavailable),
}

/// Why a stage found nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unavailable {
    /// No account of that name.
    AccountNotFound,
    /// Nobody published a rate for this pair.
    RateMissing(CurrencyPair),
    /// The last rate of this pair is too old.
    RateStale(CurrencyPair),
}

/// A published rate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RateTick {
    /// From which currency to which.
    pub pair: CurrencyPair,
    /// Debit units for one presentment unit.
    pub mid_rate: Rate,
    /// Who says so.
    pub source: Label,
    /// The moment it speaks of.
    pub as_of: Timestamp,
}

/// How the debit amount follows from the presentment amount.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Converted {
    /// Payer and merchant use the same currency.
    SameCurrency,
    /// By this offer.
    Quoted(Quote),
}

/// An offer to convert one presentment amount. The engine computes it again from the rate tape and declines one that
/// does not reproduce.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quote {
    /// Debit units for one presentment unit.
    pub mid_rate: Rate,
    /// The switch's margin over mid.
    pub markup: Ratio,
    /// The record that published the rate.
    pub rate_lsn: Lsn,
    /// The moment the rate speaks of.
    pub as_of: Timestamp,
    /// Who published the rate.
    pub source: Label,
    /// The amounts, or `None` when the debit amount is above the largest one amount may be.
    pub amounts: Option<QuotedAmounts>,
}

/// Amounts of a quote in the payer's currency.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QuotedAmounts {
    /// What the payer pays: rounded up from the exact product of amount, rate and 1 + markup.
    pub debit: Money,
    /// The presentment amount at mid, rounded half up.
    pub mid: Money,
}
