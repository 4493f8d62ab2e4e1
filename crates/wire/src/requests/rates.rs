//! A list of rates to publish.

use std::collections::BTreeSet;

use domain::{CurrencyPair, RateTick};
use money::Rate;

use super::{InvalidField, InvalidReason, field};
use crate::v1;

/// The most rates one request publishes.
pub const RATES_MAX: usize = 64;

pub(super) fn ticks(messages: &[v1::RatePublication]) -> Result<Vec<RateTick>, InvalidField> {
    if messages.is_empty() {
        return Err(InvalidField::missing("rates"));
    }
    if messages.len() > RATES_MAX {
        let description = format!("must be 1 to {RATES_MAX} rates; found {}", messages.len());
        return Err(InvalidField::new("rates", InvalidReason::TooMany, description));
    }
    let mut pairs = BTreeSet::new();
    let mut ticks = Vec::with_capacity(messages.len());
    for (index, message) in messages.iter().enumerate() {
        let tick = tick(message, &pairs).map_err(|invalid| invalid.within(format_args!("rates[{index}]")))?;
        pairs.insert(tick.pair);
        ticks.push(tick);
    }
    Ok(ticks)
}

fn tick(message: &v1::RatePublication, earlier: &BTreeSet<CurrencyPair>) -> Result<RateTick, InvalidField> {
    let pair = CurrencyPair {
        presentment: field::currency("presentment_currency_code", &message.presentment_currency_code)?,
        debit: field::currency("debit_currency_code", &message.debit_currency_code)?,
    };
    let invalid_pair =
        |reason, rule: &str| Err(InvalidField::new("debit_currency_code", reason, format!("{rule}; found {pair}")));
    if pair.presentment == pair.debit {
        return invalid_pair(
            InvalidReason::PairOfOneCurrency,
            "must be another currency than the presentment currency",
        );
    }
    if earlier.contains(&pair) {
        return invalid_pair(InvalidReason::PairRepeated, "must make a pair that the request has not given before");
    }
    Ok(RateTick {
        pair,
        mid_rate: field::rate("mid_rate", &message.mid_rate)?,
        source: field::label("source", &message.source)?,
        as_of: field::timestamp("as_of_time", message.as_of_time.as_ref())?,
    })
}

/// The rates as bytes, the same for two spellings of one list. Every part ends by itself: it has a fixed length or a
/// zero byte after it, which no rate and no source contains.
pub(super) fn canonical(ticks: &[RateTick]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for tick in ticks {
        bytes.extend(tick.pair.presentment.numeric().to_be_bytes());
        bytes.extend(tick.pair.debit.numeric().to_be_bytes());
        bytes.extend(shortest(tick.mid_rate).as_bytes());
        bytes.push(0);
        bytes.extend(tick.source.as_str().as_bytes());
        bytes.push(0);
        bytes.extend(tick.as_of.micros().to_be_bytes());
    }
    bytes
}

/// `1.20` and `1.2` are one rate, and so are `1.0` and `1`.
fn shortest(rate: Rate) -> String {
    let text = rate.to_string();
    match text.split_once('.') {
        Some((integer, decimals)) => match decimals.trim_end_matches('0') {
            "" => integer.to_owned(),
            decimals => format!("{integer}.{decimals}"),
        },
        None => text,
    }
}
