//! A list of rates to publish.

use std::collections::BTreeSet;

use domain::{CurrencyPair, RateTick, TickPrice};
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
    let pair = field::pair(&message.presentment_currency_code, &message.debit_currency_code)?;
    if earlier.contains(&pair) {
        let description = format!("must make a pair that the request has not given before; found {pair}");
        return Err(InvalidField::new("debit_currency_code", InvalidReason::PairRepeated, description));
    }
    let two_sided = !(message.bid.is_empty() && message.ask.is_empty());
    let mid_rate = match message.mid_rate.as_str() {
        "" if two_sided => None,
        text => Some(field::rate("mid_rate", text)?),
    };
    let source = field::label("source", &message.source)?;
    let as_of = field::timestamp("as_of_time", message.as_of_time.as_ref())?;
    let price = match mid_rate {
        Some(_) if two_sided => {
            let side = if message.bid.is_empty() { "ask" } else { "bid" };
            let rule = "cannot be given with mid_rate: publish a mid, or bid and ask".to_owned();
            return Err(InvalidField::new(side, InvalidReason::FieldsConflict, rule));
        }
        Some(mid) => TickPrice::Mid(mid),
        None => TickPrice::BidAsk { bid: field::rate("bid", &message.bid)?, ask: field::rate("ask", &message.ask)? },
    };
    let valid_until = match &message.valid_until_time {
        None => None,
        moment => Some(field::timestamp("valid_until_time", moment.as_ref())?),
    };
    Ok(RateTick { pair, price, source, as_of, valid_until })
}

/// The rates as bytes, the same for two spellings of one list. Every part ends by itself: it has a fixed length or a
/// zero byte after it, which no rate and no source contains. A mid without an end is written as the first version wrote
/// it; what came later is marked by characters that no rate contains.
pub(super) fn canonical(ticks: &[RateTick]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for tick in ticks {
        bytes.extend(tick.pair.presentment.numeric().to_be_bytes());
        bytes.extend(tick.pair.debit.numeric().to_be_bytes());
        match tick.price {
            TickPrice::Mid(mid) => bytes.extend(shortest(mid).as_bytes()),
            TickPrice::BidAsk { bid, ask } => bytes.extend(format!("{}/{}", shortest(bid), shortest(ask)).as_bytes()),
        }
        if let Some(valid_until) = tick.valid_until {
            bytes.extend(format!("@{}", valid_until.micros()).as_bytes());
        }
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
