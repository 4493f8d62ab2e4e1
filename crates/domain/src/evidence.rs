//! What the stages found. A stage never decides; what it could not get, it says.

use alloc::boxed::Box;

use money::{ExactRate, Money, Prices, Rate, Ratio, Weight};

use crate::{AccountId, CardToken, CurrencyPair, Label, Lsn, MerchantId, QuoteId, Timestamp};

/// A finding, or why there is none. The engine looks at it only when the request's key is new, so a repeat is answered
/// even if the evidence could not be had a second time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Evidence<T> {
    /// What was found.
    Present(T),
    /// Why nothing was.
    Unavailable(Unavailable),
}

impl<T> Evidence<T> {
    /// What was found, if anything was.
    pub const fn present(&self) -> Option<&T> {
        match self {
            Self::Present(found) => Some(found),
            Self::Unavailable(_) => None,
        }
    }
}

/// Why a stage found nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unavailable {
    /// No account of that name.
    AccountNotFound,
    /// Nobody published a rate for this pair, nor rates to cross it by.
    RateMissing(CurrencyPair),
    /// The last rate of this pair is too old.
    RateStale(CurrencyPair),
    /// No consent of that kind is known: never given, used up, revoked or expired.
    ConsentNotFound,
    /// No bound card of that token.
    CardNotFound,
    /// The payment is not known, or not the caller's.
    PaymentNotFound,
    /// The quote's token was not signed by this switch, or by a key that is no longer in force.
    QuoteTokenInvalid,
}

/// A published rate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RateTick {
    /// From which currency to which.
    pub pair: CurrencyPair,
    /// Debit units for one presentment unit.
    pub price: TickPrice,
    /// Who says so.
    pub source: Label,
    /// The moment it speaks of.
    pub as_of: Timestamp,
    /// From this moment on it is stale, however young the policy lets rates be.
    pub valid_until: Option<Timestamp>,
}

/// What a tick says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TickPrice {
    /// The middle of the market.
    Mid(Rate),
    /// What a payee is paid by, and what a payer is debited by. The first is not above the second.
    BidAsk {
        /// The lower one.
        bid: Rate,
        /// The higher one.
        ask: Rate,
    },
}

impl TickPrice {
    /// Mid, bid and ask as exact rates.
    ///
    /// # Errors
    /// When the bid is above the ask, or their middle has more digits than an exact rate may have.
    pub fn prices(self) -> Result<Prices, PriceError> {
        match self {
            Self::Mid(mid) => Ok(Prices::mid_only(mid.into())),
            Self::BidAsk { bid, ask } => {
                let mid = ExactRate::midpoint(bid, ask).map_err(|_| PriceError)?;
                Prices::new(bid.into(), mid, ask.into()).map_err(|_| PriceError)
            }
        }
    }
}

/// Bid and ask do not make a price.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the bid is above the ask, or their middle has too many digits")]
pub struct PriceError;

/// How one currency follows from another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Converted<Q> {
    /// They are the same currency.
    SameCurrency,
    /// By this offer.
    Quoted(Q),
}

impl<Q> Converted<Box<Q>> {
    /// By this offer, which then stands beside it.
    #[must_use]
    pub fn quoted(quote: Q) -> Self {
        Self::Quoted(Box::new(quote))
    }
}

/// The rate behind a quote, and where it stands on the tape.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pricing {
    /// Debit, or settlement, units for one presentment unit.
    pub prices: Prices,
    /// The record that published the rate; of a crossed rate, the one from the pivot to the target currency.
    pub rate_lsn: Lsn,
    /// Of a crossed rate: the record that published the rate from the pivot to the presentment currency.
    pub cross_lsn: Option<Lsn>,
    /// The moment the rate speaks of; of a crossed rate, the earlier one.
    pub as_of: Timestamp,
    /// Who published the rate; of a crossed rate, the one of `rate_lsn`.
    pub source: Label,
}

/// An offer to debit a payer for one presentment amount. The engine computes it again from the rate tape and declines
/// one that does not reproduce.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quote {
    /// The rate.
    pub pricing: Pricing,
    /// The switch's margin over mid.
    pub markup: Ratio,
    /// How volatile the pair was: mean move of its last ticks, in millionths.
    pub move_ppm: u32,
    /// How much the open position counts against its limit.
    pub exposure_weight: Weight,
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

/// An offer to settle a merchant for one presentment amount.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SettlementQuote {
    /// The rate.
    pub pricing: Pricing,
    /// What the merchant is paid before its discount, rounded down; `None` when it is above the largest one amount may
    /// be.
    pub gross: Option<Money>,
}

/// How a payment's three currencies follow from each other. Quotes stand beside it: most payments have one or none, and what
/// has none is to be small.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conversions {
    /// From presentment to debit currency.
    pub debit: Converted<Box<Quote>>,
    /// From presentment to settlement currency.
    pub settlement: Converted<Box<SettlementQuote>>,
}

/// What a quote's token promised, besides the conversions. Its signature was checked at the door.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offer {
    /// Which quote.
    pub quote_id: QuoteId,
    /// From this moment on it no longer holds.
    pub expires_at: Timestamp,
    /// Who may use it.
    pub merchant: MerchantId,
    /// Whom it debits.
    pub payer: AccountId,
    /// What it converts.
    pub presentment_amount: Money,
    /// Which card it is for, if for one.
    pub card: Option<CardToken>,
}
