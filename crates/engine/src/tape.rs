//! The rate tape: the last published rates of each pair.

use alloc::{
    collections::{BTreeMap, VecDeque},
    vec::Vec,
};

use domain::{CurrencyPair, Label, Lsn, Policy, PublishRates, Quote, Refusal, Timestamp};
use money::Rate;

/// How many ticks of a pair a quote may still name. A payment converted just before a new tick is decided after it.
pub const RATE_TICKS_KEPT: usize = 16;

/// How far ahead of the stamped time a rate may speak, in milliseconds: clocks of two machines differ a little.
pub const RATE_AHEAD_MS_MAX: i64 = 60_000;

#[derive(Clone, Debug)]
pub(crate) struct Tick {
    pub(crate) lsn: Lsn,
    pub(crate) mid_rate: Rate,
    pub(crate) source: Label,
    pub(crate) as_of: Timestamp,
}

#[derive(Debug, Default)]
pub(crate) struct RateTape {
    pairs: BTreeMap<CurrencyPair, VecDeque<Tick>>,
}

impl RateTape {
    /// Whether these rates may follow those on the tape.
    pub(crate) fn check(&self, policy: &Policy, at: Timestamp, publish: &PublishRates) -> Result<(), Refusal> {
        for tick in &publish.ticks {
            let pair = tick.pair;
            if tick.as_of > at.plus_millis(RATE_AHEAD_MS_MAX) {
                return Err(Refusal::RateFromTheFuture(pair));
            }
            let Some(last) = self.last(pair) else { continue };
            if tick.as_of < last.as_of {
                return Err(Refusal::RateOutOfOrder { pair, last_as_of: last.as_of });
            }
            if !tick.mid_rate.moved_within(last.mid_rate, policy.rate_move_max) {
                return Err(Refusal::RateMovedTooFar { pair, last: last.mid_rate });
            }
        }
        Ok(())
    }

    pub(crate) fn published(&mut self, lsn: Lsn, publish: &PublishRates) {
        for tick in &publish.ticks {
            let ticks = self.pairs.entry(tick.pair).or_default();
            if ticks.len() == RATE_TICKS_KEPT {
                ticks.pop_front();
            }
            ticks.push_back(Tick { lsn, mid_rate: tick.mid_rate, source: tick.source.clone(), as_of: tick.as_of });
        }
    }

    /// The tick a quote names, if it is on the tape as the quote tells it.
    pub(crate) fn tick_of(&self, pair: CurrencyPair, quote: &Quote) -> Option<&Tick> {
        let tick = self.pairs.get(&pair)?.iter().rev().find(|tick| tick.lsn == quote.rate_lsn)?;
        let as_told = tick.mid_rate == quote.mid_rate && tick.as_of == quote.as_of && tick.source == quote.source;
        as_told.then_some(tick)
    }

    pub(crate) fn pairs(&self) -> impl Iterator<Item = (&CurrencyPair, Vec<Tick>)> {
        self.pairs.iter().map(|(pair, ticks)| (pair, ticks.iter().cloned().collect()))
    }

    fn last(&self, pair: CurrencyPair) -> Option<&Tick> {
        self.pairs.get(&pair)?.back()
    }
}

#[cfg(test)]
mod tests;
