//! The stages of a payment: each takes what the stage before it found.

use domain::{
    AccountId, AuthorizePayment, Command, Converted, CurrencyPair, Evidence, PaymentRequest, Quote, QuotedAmounts,
    Submission, Timestamp, Unavailable,
};
use money::{AMOUNT_MINOR_UNITS_MAX, Conversion, Money};

use crate::{Directory, RateBook, metric_names};

/// A request whose payer was looked up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Routed {
    request: PaymentRequest,
    payer: Evidence<AccountId>,
}

/// A routed request with its conversion.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Priced {
    request: PaymentRequest,
    payer: Evidence<AccountId>,
    converted: Evidence<Converted>,
}

/// Finds the account to debit.
#[must_use]
pub fn route(directory: &Directory, request: PaymentRequest) -> Routed {
    let payer = match directory.account(&request.payer) {
        Some(account) => Evidence::Present(account),
        None => Evidence::Unavailable(Unavailable::AccountNotFound),
    };
    Routed { request, payer }
}

/// Quotes what the payer pays, by the rate and the markup in force. A rate that is too old at `at` is not quoted by;
/// without a payer there is no currency to quote in.
#[must_use]
pub fn convert(rates: &RateBook, at: Timestamp, routed: Routed) -> Priced {
    let Routed { request, payer } = routed;
    let converted = match payer {
        Evidence::Present(account) => converted(rates, at, account, request.presentment_amount),
        Evidence::Unavailable(reason) => Evidence::Unavailable(reason),
    };
    Priced { request, payer, converted }
}

/// Writes the command, with all that was found inside.
#[must_use]
pub fn assemble(priced: Priced) -> Submission {
    let Priced { request, payer, converted } = priced;
    metric_names::count_unavailable(&converted);
    let command = AuthorizePayment {
        payment_id: request.payment_id,
        merchant: request.merchant,
        merchant_order_id: request.merchant_order_id,
        merchant_order_digest: request.merchant_order_digest,
        presentment_amount: request.presentment_amount,
        payer,
        converted,
    };
    Submission { key: Some(request.key), command: Command::AuthorizePayment(command) }
}

fn converted(rates: &RateBook, at: Timestamp, payer: AccountId, presentment: Money) -> Evidence<Converted> {
    let pair = CurrencyPair { presentment: presentment.currency(), debit: payer.currency };
    if pair.presentment == pair.debit {
        return Evidence::Present(Converted::SameCurrency);
    }
    match quote(rates, at, pair, presentment) {
        Ok(quote) => Evidence::Present(Converted::Quoted(quote)),
        Err(reason) => Evidence::Unavailable(reason),
    }
}

fn quote(rates: &RateBook, at: Timestamp, pair: CurrencyPair, presentment: Money) -> Result<Quote, Unavailable> {
    let missing = Unavailable::RateMissing(pair);
    // Without a policy there is no markup to quote with, which only a ledger that has not begun can show.
    let policy = rates.policy().ok_or(missing)?;
    let in_force = rates.in_force(pair).ok_or(missing)?;
    if policy.rate_is_stale(in_force.tick.as_of, at) {
        return Err(Unavailable::RateStale(pair));
    }
    let conversion = Conversion::new(pair.presentment, pair.debit, in_force.tick.mid_rate, policy.fx_markup)
        .expect("one currency into itself is not quoted");
    Ok(Quote {
        mid_rate: in_force.tick.mid_rate,
        markup: policy.fx_markup,
        rate_lsn: in_force.lsn,
        as_of: in_force.tick.as_of,
        source: in_force.tick.source,
        amounts: quoted_amounts(&conversion, presentment),
    })
}

/// `None` when the debit amount is above the largest one amount may be: the engine declines it, nothing is cut.
fn quoted_amounts(conversion: &Conversion, presentment: Money) -> Option<QuotedAmounts> {
    let debit = conversion.debit(presentment).ok()?;
    let mid = conversion.mid(presentment).ok()?;
    (debit.minor_units() <= i128::from(AMOUNT_MINOR_UNITS_MAX)).then_some(QuotedAmounts { debit, mid })
}

#[cfg(test)]
mod tests;
