//! Quotes and offers, as evidence.

use domain::{
    CardToken, Conversions, Converted, Label, Lsn, MerchantId, Offer, Pricing, Quote, QuoteId, SettlementQuote,
    Timestamp,
};
use money::{Currency, Prices, Ratio};

use super::command::{read_amount, write_amount};
use crate::{
    journal::{command::quote, value},
    protobuf::{Canonical, Fields},
};

/// The quotes of both conversions; a side that is not converted has none.
pub(super) fn write(
    fields: &mut Fields<'_>,
    [debit_number, settlement_number]: [u32; 2],
    conversions: &Conversions,
    debit_currency: Currency,
) {
    let Conversions { debit, settlement } = conversions;
    if let Converted::Quoted(quote) = debit {
        fields.message(debit_number, |fields| write_quote(fields, quote, debit_currency));
    }
    if let Converted::Quoted(quote) = settlement {
        fields.message(settlement_number, |fields| write_settlement(fields, quote));
    }
}

pub(super) fn read(
    (quote, settlement_quote): (Option<Canonical<'_>>, Option<Canonical<'_>>),
    debit_currency: Currency,
) -> Option<Conversions> {
    Some(Conversions {
        debit: match quote {
            None => Converted::SameCurrency,
            Some(quote) => Converted::quoted(read_quote(quote, debit_currency)?),
        },
        settlement: match settlement_quote {
            None => Converted::SameCurrency,
            Some(quote) => Converted::quoted(read_settlement(quote)?),
        },
    })
}

fn write_quote(fields: &mut Fields<'_>, quote: &Quote, debit_currency: Currency) {
    let Quote { pricing, markup, move_ppm, exposure_weight, amounts } = quote;
    let Pricing { prices, rate_lsn, cross_lsn, as_of, source } = pricing;
    let (debit_minor_units, mid_minor_units) = quote::write_amounts(*amounts, debit_currency);
    let written = Written::of(*prices);
    written.write_short(fields);
    fields.unsigned(3, markup.millionths().into());
    fields.unsigned(4, rate_lsn.get());
    fields.signed(5, as_of.micros());
    fields.text(6, source.as_str());
    fields.signed(7, debit_minor_units);
    fields.signed(8, mid_minor_units);
    fields.unsigned(9, quote::write_cross(*cross_lsn));
    written.write_exact(fields, 10);
    fields.unsigned(11, (*move_ppm).into());
    fields.unsigned(12, quote::write_weight(*exposure_weight).into());
}

fn read_quote(mut message: Canonical<'_>, debit_currency: Currency) -> Option<Quote> {
    let decimal = (message.unsigned(1)?, message.small(2)?);
    let markup = Ratio::from_millionths(message.small(3)?).ok()?;
    let rate_lsn = Lsn::new(message.unsigned(4)?);
    let as_of = Timestamp::from_micros(message.signed(5)?);
    let source = message.text(6)?;
    let (debit, mid) = (message.signed(7)?, message.signed(8)?);
    let amounts = quote::read_amounts(debit, mid, || Ok(debit_currency)).ok()?;
    let cross_lsn = quote::read_cross(message.unsigned(9)?);
    let prices = read_prices(decimal, message.message(10)?)?;
    let move_ppm = message.small(11)?;
    let exposure_weight = quote::read_weight(message.small(12)?).ok()?;
    message.end()?;
    let pricing = Pricing { prices, rate_lsn, cross_lsn, as_of, source: Label::new(source).ok()? };
    Some(Quote { pricing, markup, move_ppm, exposure_weight, amounts })
}

fn write_settlement(fields: &mut Fields<'_>, quote: &SettlementQuote) {
    let SettlementQuote { pricing, gross } = quote;
    let Pricing { prices, rate_lsn, cross_lsn, as_of, source } = pricing;
    let written = Written::of(*prices);
    written.write_short(fields);
    fields.unsigned(3, rate_lsn.get());
    fields.unsigned(4, quote::write_cross(*cross_lsn));
    fields.signed(5, as_of.micros());
    fields.text(6, source.as_str());
    written.write_exact(fields, 7);
    if let Some(gross) = gross {
        fields.unsigned(8, gross.currency().numeric().into());
        fields.told(9, value::minor_units(*gross));
    }
}

fn read_settlement(mut message: Canonical<'_>) -> Option<SettlementQuote> {
    let decimal = (message.unsigned(1)?, message.small(2)?);
    let rate_lsn = Lsn::new(message.unsigned(3)?);
    let cross_lsn = quote::read_cross(message.unsigned(4)?);
    let as_of = Timestamp::from_micros(message.signed(5)?);
    let source = message.text(6)?;
    let prices = read_prices(decimal, message.message(7)?)?;
    let gross = quote::read_gross(message.small(8)?, message.told(9)?).ok()?;
    message.end()?;
    let pricing = Pricing { prices, rate_lsn, cross_lsn, as_of, source: Label::new(source).ok()? };
    Some(SettlementQuote { pricing, gross })
}

/// How prices are written: as one decimal in the first two fields of a quote, or as fractions in a later one.
enum Written {
    Short { mantissa: u64, scale: u32 },
    Exact(Prices),
}

impl Written {
    fn of(prices: Prices) -> Self {
        match quote::decimal(prices) {
            Some(rate) => Self::Short { mantissa: rate.mantissa(), scale: rate.scale() },
            None => Self::Exact(prices),
        }
    }

    fn write_short(&self, fields: &mut Fields<'_>) {
        if let Self::Short { mantissa, scale } = self {
            fields.unsigned(1, *mantissa);
            fields.unsigned(2, (*scale).into());
        }
    }

    fn write_exact(&self, fields: &mut Fields<'_>, number: u32) {
        let Self::Exact(prices) = self else { return };
        let rates = [prices.mid(), prices.debit(), prices.settlement()];
        let parts = rates.iter().flat_map(|rate| [rate.numerator(), rate.denominator()]);
        fields.message(number, |fields| {
            for (number, part) in (1..).zip(parts) {
                fields.bytes(number, value::significant(&part.to_be_bytes()));
            }
        });
    }
}

fn read_prices((mantissa, scale): (u64, u32), exact: Option<Canonical<'_>>) -> Option<Prices> {
    let Some(mut exact) = exact else {
        return Some(Prices::mid_only(value::rate("mid_rate_mantissa", mantissa, scale).ok()?.into()));
    };
    let [mid, debit, settlement] =
        [[exact.bytes(1)?, exact.bytes(2)?], [exact.bytes(3)?, exact.bytes(4)?], [exact.bytes(5)?, exact.bytes(6)?]];
    exact.end()?;
    if (mantissa, scale) == (0, 0) { quote::exact_prices(mid, debit, settlement).ok() } else { None }
}

pub(super) fn write_offer(fields: &mut Fields<'_>, offer: &Offer) {
    let Offer { quote_id, expires_at, merchant, payer, presentment_amount, card } = offer;
    fields.bytes(1, &quote_id.bytes());
    fields.signed(2, expires_at.micros());
    fields.unsigned(3, merchant.0.into());
    fields.unsigned(4, payer.packed());
    write_amount(fields, [5, 6], *presentment_amount);
    if let Some(token) = card {
        fields.bytes(7, &token.bytes());
    }
}

pub(super) fn read_offer(mut message: Canonical<'_>) -> Option<Offer> {
    let quote_id = QuoteId::from_bytes(message.array(1)?);
    let expires_at = Timestamp::from_micros(message.signed(2)?);
    let merchant = MerchantId(message.small(3)?);
    let payer = value::account("offer.payer", message.unsigned(4)?).ok()?;
    let presentment_amount = read_amount(message.small(5)?, message.signed(6)?)?;
    let card = match message.bytes(7)? {
        [] => None,
        token => Some(CardToken::from_bytes(token.try_into().ok()?)),
    };
    message.end()?;
    Some(Offer { quote_id, expires_at, merchant, payer, presentment_amount, card })
}
