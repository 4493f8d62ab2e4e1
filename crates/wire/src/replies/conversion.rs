//! How amounts followed from each other, as people can recompute it.

use domain::{Converted, OfferedQuote, PayerFee, Pricing, Quote, SettlementQuote, Timestamp};
use money::{Conversion, ExactRate, Money, Ratio, Rounding};

use super::{Names, account_reference, merchant_name, money, timestamp};
use crate::v1;

/// An offer as it is shown to whoever is to agree to it; `discount` is the merchant's, `fee` the payer's. `None` when an amount
/// of it is above the largest one amount may be: then there is nothing to offer.
#[must_use]
pub fn quote(
    offered: &OfferedQuote,
    (discount, fee): (Ratio, Option<PayerFee>),
    quoted_at: Timestamp,
    names: &dyn Names,
) -> Option<v1::Quote> {
    let OfferedQuote { offer, conversions } = offered;
    let presentment = offer.presentment_amount;
    let gross = gross(&conversions.settlement, presentment)?;
    let discount = discount.of(gross, Rounding::HalfUp).ok()?;
    let price = debit(&conversions.debit, presentment)?;
    let payer_fee = match fee {
        Some(fee) => Some(fee.on(price, presentment)?),
        None => None,
    };
    let debit_amount = payer_fee.map_or(Some(price), |fee| price.checked_add(fee).ok())?;
    Some(v1::Quote {
        quote_id: offer.quote_id.to_string(),
        merchant_id: merchant_name(names, offer.merchant),
        payer: offer.card.is_none().then(|| account_reference(names, offer.payer)),
        card_token: offer.card.map(|token| token.to_string()).unwrap_or_default(),
        presentment_amount: Some(money(presentment)),
        debit_amount: Some(money(debit_amount)),
        payer_fee: payer_fee.map(money),
        settlement_amount: Some(money(gross.checked_sub(discount).ok()?)),
        merchant_discount: Some(money(discount)),
        conversion: towards_payer(&conversions.debit, quoted_at),
        settlement_conversion: towards_merchant(&conversions.settlement, presentment, quoted_at),
        expire_time: Some(timestamp(offer.expires_at)),
    })
}

/// What the payer pays; `None` when that is too much for one amount.
pub(super) fn debit(converted: &Converted<Box<Quote>>, presentment: Money) -> Option<Money> {
    match converted {
        Converted::SameCurrency => Some(presentment),
        Converted::Quoted(quote) => quote.amounts.map(|amounts| amounts.debit),
    }
}

/// What the merchant is paid before its discount; `None` when that is too much for one amount.
pub(super) fn gross(converted: &Converted<Box<SettlementQuote>>, presentment: Money) -> Option<Money> {
    match converted {
        Converted::SameCurrency => Some(presentment),
        Converted::Quoted(quote) => quote.gross,
    }
}

pub(super) fn towards_payer(converted: &Converted<Box<Quote>>, decided_at: Timestamp) -> Option<v1::Conversion> {
    let Converted::Quoted(quote) = converted else { return None };
    let Quote { pricing, markup, move_ppm, exposure_weight, amounts } = &**quote;
    let markup_amount = amounts.and_then(|amounts| amounts.debit.checked_sub(amounts.mid).ok());
    Some(v1::Conversion {
        markup: markup.to_string(),
        mid_amount: amounts.map(|amounts| money(amounts.mid)),
        markup_amount: markup_amount.map(money),
        applied_rate: whole(pricing.prices.debit()),
        move_ppm: *move_ppm,
        exposure_weight: exposure_weight.to_string(),
        ..priced(pricing, decided_at)
    })
}

pub(super) fn towards_merchant(
    converted: &Converted<Box<SettlementQuote>>,
    presentment: Money,
    decided_at: Timestamp,
) -> Option<v1::Conversion> {
    let Converted::Quoted(quote) = converted else { return None };
    Some(v1::Conversion {
        markup: Ratio::ZERO.to_string(),
        mid_amount: settlement_mid(quote, presentment).map(money),
        applied_rate: whole(quote.pricing.prices.settlement()),
        ..priced(&quote.pricing, decided_at)
    })
}

/// What the presentment amount is worth to the merchant at the mid rate.
pub(super) fn settlement_mid(quote: &SettlementQuote, presentment: Money) -> Option<Money> {
    let SettlementQuote { pricing, gross } = quote;
    let to = gross.as_ref()?.currency();
    let conversion = Conversion::at(presentment.currency(), to, pricing.prices, Ratio::ZERO).ok()?;
    conversion.mid(presentment).ok()
}

/// A rate may speak of a moment just ahead of the switch's clock; its age is then nothing.
pub(super) fn rate_age_ms(pricing: &Pricing, decided_at: Timestamp) -> u64 {
    u64::try_from(decided_at.millis_since(pricing.as_of)).unwrap_or(0)
}

fn priced(pricing: &Pricing, decided_at: Timestamp) -> v1::Conversion {
    let Pricing { prices, rate_lsn, cross_lsn, as_of, source } = pricing;
    v1::Conversion {
        mid_rate: prices.mid().to_string(),
        rate_exact: exact(prices.mid()),
        rate_source: source.to_string(),
        rate_as_of_time: Some(timestamp(*as_of)),
        rate_age_ms: rate_age_ms(pricing, decided_at),
        rate_lsn: rate_lsn.get(),
        cross_rate_lsn: cross_lsn.map_or(0, domain::Lsn::get),
        ..v1::Conversion::default()
    }
}

/// The rate as a fraction where its decimals do not tell all of it; empty where they do.
pub(super) fn exact(rate: ExactRate) -> String {
    if rate.is_decimal() { String::new() } else { format!("{}/{}", rate.numerator(), rate.denominator()) }
}

/// All of the rate: as a decimal where it is one, as a fraction elsewhere.
fn whole(rate: ExactRate) -> String {
    if rate.is_decimal() { rate.to_string() } else { exact(rate) }
}
