//! Quotes and offers, as evidence.

use domain::{
    Conversions, Converted, Lsn, MerchantId, Offer, Pricing, Quote, QuotedAmounts, SettlementQuote, Timestamp,
};
use money::{Currency, ExactRate, Money, Prices, Rate, Weight};

use crate::{
    journal::{DecodeError, value},
    journal_v1,
};

/// No published rate has more decimals.
const DECIMALS_MAX: usize = 18;

/// From 5^0 on.
const POWERS_OF_FIVE: [u64; DECIMALS_MAX + 1] = {
    let mut powers = [1; DECIMALS_MAX + 1];
    let mut power = 1;
    while power < powers.len() {
        powers[power] = 5 * powers[power - 1];
        power += 1;
    }
    powers
};

/// The quotes of both conversions; a side that is not converted has none.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Quotes {
    pub(crate) quote: Option<journal_v1::Quote>,
    pub(crate) settlement_quote: Option<journal_v1::SettlementQuote>,
}

/// `debit_currency` is that of the payer.
pub(crate) fn write(conversions: &Conversions, debit_currency: Currency) -> Quotes {
    let Conversions { debit, settlement } = conversions;
    Quotes {
        quote: match debit {
            Converted::SameCurrency => None,
            Converted::Quoted(quote) => Some(write_quote(quote, debit_currency)),
        },
        settlement_quote: match settlement {
            Converted::SameCurrency => None,
            Converted::Quoted(quote) => Some(write_settlement(quote)),
        },
    }
}

/// `debit_currency` is that of the payer; it is not looked for when the quote has no amounts.
pub(crate) fn read(
    quote: Option<&journal_v1::Quote>,
    settlement_quote: Option<&journal_v1::SettlementQuote>,
    debit_currency: impl FnOnce() -> Result<Currency, DecodeError>,
) -> Result<Conversions, DecodeError> {
    Ok(Conversions {
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

pub(crate) fn write_offer(offer: &Offer) -> journal_v1::Offer {
    let Offer { quote_id, expires_at, merchant, payer, presentment_amount, card } = offer;
    journal_v1::Offer {
        quote_id: quote_id.bytes().to_vec(),
        expires_at_us: expires_at.micros(),
        merchant: merchant.0,
        payer: payer.packed(),
        presentment_currency: value::number(presentment_amount.currency()),
        presentment_minor_units: value::payable_minor_units(*presentment_amount),
        card_token: card.map(|token| token.bytes().to_vec()).unwrap_or_default(),
    }
}

pub(crate) fn read_offer(message: &journal_v1::Offer) -> Result<Offer, DecodeError> {
    let journal_v1::Offer {
        quote_id,
        expires_at_us,
        merchant,
        payer,
        presentment_currency,
        presentment_minor_units,
        card_token,
    } = message;
    let currency = value::currency("offer.presentment_currency", *presentment_currency)?;
    Ok(Offer {
        quote_id: value::quote_id("offer.quote_id", quote_id)?,
        expires_at: Timestamp::from_micros(*expires_at_us),
        merchant: MerchantId(*merchant),
        payer: value::account("offer.payer", *payer)?,
        presentment_amount: value::payable("offer.presentment_minor_units", currency, *presentment_minor_units)?,
        card: match &card_token[..] {
            [] => None,
            token => Some(super::card::token("offer.card_token", token)?),
        },
    })
}

fn write_quote(quote: &Quote, debit_currency: Currency) -> journal_v1::Quote {
    let Quote { pricing, markup, move_ppm, exposure_weight, amounts } = quote;
    let Pricing { prices, rate_lsn, cross_lsn, as_of, source } = pricing;
    let (debit_minor_units, mid_minor_units) = write_amounts(*amounts, debit_currency);
    let PricesWritten { mantissa, scale, exact } = write_prices(*prices);
    journal_v1::Quote {
        mid_rate_mantissa: mantissa,
        mid_rate_scale: scale,
        markup_millionths: markup.millionths(),
        rate_lsn: rate_lsn.get(),
        as_of_us: as_of.micros(),
        source: source.as_str().to_owned(),
        debit_minor_units,
        mid_minor_units,
        cross_lsn: write_cross(*cross_lsn),
        exact,
        move_ppm: *move_ppm,
        exposure_weight_millionths: write_weight(*exposure_weight),
    }
}

fn read_quote(
    message: &journal_v1::Quote,
    debit_currency: impl FnOnce() -> Result<Currency, DecodeError>,
) -> Result<Quote, DecodeError> {
    let journal_v1::Quote {
        mid_rate_mantissa,
        mid_rate_scale,
        markup_millionths,
        rate_lsn,
        as_of_us,
        source,
        debit_minor_units,
        mid_minor_units,
        cross_lsn,
        exact,
        move_ppm,
        exposure_weight_millionths,
    } = message;
    let amounts = read_amounts(*debit_minor_units, *mid_minor_units, debit_currency)?;
    Ok(Quote {
        pricing: Pricing {
            prices: read_prices("quote.mid_rate_mantissa", *mid_rate_mantissa, *mid_rate_scale, exact.as_ref())?,
            rate_lsn: Lsn::new(*rate_lsn),
            cross_lsn: read_cross(*cross_lsn),
            as_of: Timestamp::from_micros(*as_of_us),
            source: value::label("quote.source", source)?,
        },
        markup: value::ratio("quote.markup_millionths", *markup_millionths)?,
        move_ppm: *move_ppm,
        exposure_weight: read_weight(*exposure_weight_millionths)?,
        amounts,
    })
}

/// Debit and mid; zeros where there are none.
pub(in crate::journal) fn write_amounts(amounts: Option<QuotedAmounts>, debit_currency: Currency) -> (i64, i64) {
    let Some(QuotedAmounts { debit, mid }) = amounts else { return (0, 0) };
    assert!(debit.currency() == debit_currency, "a quote debits in the currency of the payer");
    assert!(mid.currency() == debit_currency, "a quote's mid is in the currency of the payer");
    // Amounts are evidence: the engine judges them, so whatever it judged is written as it was.
    let minor_units = (value::minor_units(debit), value::minor_units(mid));
    assert!(minor_units != (0, 0), "two zeros stand for no amounts: a debit is rounded up from more than nothing");
    minor_units
}

pub(in crate::journal) fn read_amounts(
    debit: i64,
    mid: i64,
    debit_currency: impl FnOnce() -> Result<Currency, DecodeError>,
) -> Result<Option<QuotedAmounts>, DecodeError> {
    if (debit, mid) == (0, 0) {
        return Ok(None);
    }
    let currency = debit_currency()?;
    let [debit, mid] = [debit, mid].map(|minor_units| Money::new(currency, minor_units.into()));
    Ok(Some(QuotedAmounts { debit, mid }))
}

pub(in crate::journal) fn write_weight(weight: Weight) -> u32 {
    if weight == Weight::ONE { 0 } else { weight.millionths() }
}

pub(in crate::journal) fn read_weight(millionths: u32) -> Result<Weight, DecodeError> {
    match millionths {
        0 => Ok(Weight::ONE),
        millionths => value::weight("quote.exposure_weight_millionths", millionths),
    }
}

fn write_settlement(quote: &SettlementQuote) -> journal_v1::SettlementQuote {
    let SettlementQuote { pricing, gross } = quote;
    let Pricing { prices, rate_lsn, cross_lsn, as_of, source } = pricing;
    let PricesWritten { mantissa, scale, exact } = write_prices(*prices);
    journal_v1::SettlementQuote {
        mid_rate_mantissa: mantissa,
        mid_rate_scale: scale,
        rate_lsn: rate_lsn.get(),
        cross_lsn: write_cross(*cross_lsn),
        as_of_us: as_of.micros(),
        source: source.as_str().to_owned(),
        exact,
        settlement_currency: gross.map_or(0, |gross| value::number(gross.currency())),
        gross_minor_units: gross.map(value::minor_units),
    }
}

fn read_settlement(message: &journal_v1::SettlementQuote) -> Result<SettlementQuote, DecodeError> {
    let journal_v1::SettlementQuote {
        mid_rate_mantissa,
        mid_rate_scale,
        rate_lsn,
        cross_lsn,
        as_of_us,
        source,
        exact,
        settlement_currency,
        gross_minor_units,
    } = message;
    let field = "settlement_quote.mid_rate_mantissa";
    Ok(SettlementQuote {
        pricing: Pricing {
            prices: read_prices(field, *mid_rate_mantissa, *mid_rate_scale, exact.as_ref())?,
            rate_lsn: Lsn::new(*rate_lsn),
            cross_lsn: read_cross(*cross_lsn),
            as_of: Timestamp::from_micros(*as_of_us),
            source: value::label("settlement_quote.source", source)?,
        },
        gross: read_gross(*settlement_currency, *gross_minor_units)?,
    })
}

pub(in crate::journal) fn read_gross(currency: u32, minor_units: Option<i64>) -> Result<Option<Money>, DecodeError> {
    match (currency, minor_units) {
        (0, None) => Ok(None),
        (number, None) => Err(value::invalid("settlement_quote.settlement_currency", number)),
        (number, Some(minor_units)) => {
            let currency = value::currency("settlement_quote.settlement_currency", number)?;
            Ok(Some(Money::new(currency, minor_units.into())))
        }
    }
}

pub(in crate::journal) fn write_cross(cross_lsn: Option<Lsn>) -> u64 {
    assert!(cross_lsn != Some(Lsn::ZERO), "no record stands at zero");
    cross_lsn.map_or(0, Lsn::get)
}

pub(in crate::journal) fn read_cross(cross_lsn: u64) -> Option<Lsn> {
    (cross_lsn != 0).then_some(Lsn::new(cross_lsn))
}

/// Prices that are one short decimal are written as the first version wrote them; others as fractions.
struct PricesWritten {
    mantissa: u64,
    scale: u32,
    exact: Option<journal_v1::ExactPrices>,
}

fn write_prices(prices: Prices) -> PricesWritten {
    match decimal(prices) {
        Some(rate) => PricesWritten { mantissa: rate.mantissa(), scale: rate.scale(), exact: None },
        None => PricesWritten { mantissa: 0, scale: 0, exact: Some(write_exact(prices)) },
    }
}

/// The one short decimal that tells all three prices, if there is one.
pub(in crate::journal) fn decimal(prices: Prices) -> Option<Rate> {
    let mid = prices.mid();
    if prices == Prices::mid_only(mid) { short_decimal(mid) } else { None }
}

/// All three prices as fractions.
pub(in crate::journal) fn write_exact(prices: Prices) -> journal_v1::ExactPrices {
    let (mid_numerator, mid_denominator) = value::fraction(prices.mid());
    let (debit_numerator, debit_denominator) = value::fraction(prices.debit());
    let (settlement_numerator, settlement_denominator) = value::fraction(prices.settlement());
    journal_v1::ExactPrices {
        mid_numerator,
        mid_denominator,
        debit_numerator,
        debit_denominator,
        settlement_numerator,
        settlement_denominator,
    }
}

fn read_prices(
    field: &'static str,
    mantissa: u64,
    scale: u32,
    exact: Option<&journal_v1::ExactPrices>,
) -> Result<Prices, DecodeError> {
    let Some(exact) = exact else {
        return Ok(Prices::mid_only(value::rate(field, mantissa, scale)?.into()));
    };
    if (mantissa, scale) != (0, 0) {
        return Err(value::invalid(field, format_args!("{mantissa} with {scale} decimals beside exact prices")));
    }
    read_exact(exact)
}

pub(in crate::journal) fn read_exact(exact: &journal_v1::ExactPrices) -> Result<Prices, DecodeError> {
    let journal_v1::ExactPrices {
        mid_numerator,
        mid_denominator,
        debit_numerator,
        debit_denominator,
        settlement_numerator,
        settlement_denominator,
    } = exact;
    exact_prices(
        [mid_numerator, mid_denominator],
        [debit_numerator, debit_denominator],
        [settlement_numerator, settlement_denominator],
    )
}

/// Each price by the bytes of numerator and denominator.
pub(in crate::journal) fn exact_prices(
    mid: [&[u8]; 2],
    debit: [&[u8]; 2],
    settlement: [&[u8]; 2],
) -> Result<Prices, DecodeError> {
    let rate = |field, [numerator, denominator]: [&[u8]; 2]| value::exact_rate(field, numerator, denominator);
    let settlement = rate("exact.settlement_numerator", settlement)?;
    let mid = rate("exact.mid_numerator", mid)?;
    let debit = rate("exact.debit_numerator", debit)?;
    Prices::new(settlement, mid, debit).map_err(|why| value::invalid("exact.mid_numerator", why))
}

/// The same rate as the fewest digits over a power of ten, if it has no more digits than a published rate may have.
fn short_decimal(rate: ExactRate) -> Option<Rate> {
    let denominator = u64::try_from(rate.denominator()).ok()?;
    // Of a decimal it is a power of two times one of five, and the larger exponent is how many decimals there are.
    let twos = denominator.trailing_zeros();
    let fives =
        POWERS_OF_FIVE.binary_search(&(denominator >> twos)).ok().and_then(|fives| u32::try_from(fives).ok())?;
    let scale = twos.max(fives);
    let more_fives = POWERS_OF_FIVE.get(usize::try_from(scale - fives).ok()?)?;
    let mantissa = rate.numerator().checked_mul((more_fives << (scale - twos)).into())?;
    Rate::from_parts(u64::try_from(mantissa).ok()?, scale).ok()
}
