//! Rates as published.

use domain::{CurrencyPair, PublishRates, RateTick, TickPrice, Timestamp};
use money::Rate;

use crate::{
    journal::{DecodeError, value},
    journal_v1,
};

pub(super) fn write(command: &PublishRates) -> journal_v1::PublishRates {
    let PublishRates { ticks, override_reason } = command;
    journal_v1::PublishRates {
        ticks: ticks.iter().map(write_tick).collect(),
        override_reason: override_reason.as_ref().map(|reason| reason.as_str().to_owned()).unwrap_or_default(),
    }
}

pub(super) fn read(message: &journal_v1::PublishRates) -> Result<PublishRates, DecodeError> {
    let journal_v1::PublishRates { ticks, override_reason } = message;
    Ok(PublishRates {
        ticks: ticks.iter().map(read_tick).collect::<Result<_, _>>()?,
        override_reason: match override_reason.as_str() {
            "" => None,
            reason => Some(value::label("publish_rates.override_reason", reason)?),
        },
    })
}

pub(in crate::journal) fn write_tick(tick: &RateTick) -> journal_v1::RateTick {
    let RateTick { pair: CurrencyPair { presentment, debit }, price, source, as_of, valid_until } = tick;
    assert!(price.prices().is_ok(), "a rate that was published makes a price");
    let (mid_or_bid, ask) = match *price {
        TickPrice::Mid(mid) => (mid, None),
        TickPrice::BidAsk { bid, ask } => (bid, Some(ask)),
    };
    journal_v1::RateTick {
        presentment_currency: value::number(*presentment),
        debit_currency: value::number(*debit),
        mid_rate_mantissa: mid_or_bid.mantissa(),
        mid_rate_scale: mid_or_bid.scale(),
        source: source.as_str().to_owned(),
        as_of_us: as_of.micros(),
        ask_mantissa: ask.map_or(0, Rate::mantissa),
        ask_scale: ask.map_or(0, Rate::scale),
        valid_until_us: valid_until.map(Timestamp::micros),
    }
}

pub(in crate::journal) fn read_tick(message: &journal_v1::RateTick) -> Result<RateTick, DecodeError> {
    let journal_v1::RateTick {
        presentment_currency,
        debit_currency,
        mid_rate_mantissa,
        mid_rate_scale,
        source,
        as_of_us,
        ask_mantissa,
        ask_scale,
        valid_until_us,
    } = message;
    let mid_or_bid = value::rate("publish_rates.ticks.mid_rate_mantissa", *mid_rate_mantissa, *mid_rate_scale)?;
    let price = match (*ask_mantissa, *ask_scale) {
        (0, 0) => TickPrice::Mid(mid_or_bid),
        (mantissa, scale) => {
            let ask = value::rate("publish_rates.ticks.ask_mantissa", mantissa, scale)?;
            TickPrice::BidAsk { bid: mid_or_bid, ask }
        }
    };
    if price.prices().is_err() {
        return Err(value::invalid("publish_rates.ticks.ask_mantissa", format_args!("an ask beside {mid_or_bid}")));
    }
    Ok(RateTick {
        pair: CurrencyPair {
            presentment: value::currency("publish_rates.ticks.presentment_currency", *presentment_currency)?,
            debit: value::currency("publish_rates.ticks.debit_currency", *debit_currency)?,
        },
        price,
        source: value::label("publish_rates.ticks.source", source)?,
        as_of: Timestamp::from_micros(*as_of_us),
        valid_until: valid_until_us.map(Timestamp::from_micros),
    })
}
