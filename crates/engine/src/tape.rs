//! The rate tape: the last published rates of each pair.

use alloc::{
    collections::{BTreeMap, VecDeque},
    vec::Vec,
};

use domain::{
    CurrencyPair, Lsn, Policy, PriceInForce, Pricing, PublishRates, PublishedTick, RatesPublished, Refusal, Timestamp,
    Unavailable,
};
use money::ExactRate;

/// So many ticks of a pair a quote may always name: a payment converted just before a new tick is decided after it.
pub const RATE_TICKS_KEPT_MIN: usize = 16;

/// Not more ticks of a pair than this are kept, however young.
pub const RATE_TICKS_KEPT_MAX: usize = 4_096;

/// Ticks of this age, in milliseconds since they were published, may be dropped: no quote holds longer.
pub const RATE_TICK_MS_KEPT: i64 = 24 * 60 * 60 * 1_000;

/// How far ahead of the stamped time a rate may speak, in milliseconds: clocks of two machines differ a little.
pub const RATE_AHEAD_MS_MAX: i64 = 60_000;

/// How many moves of a pair its volatility is the mean of.
pub const VOLATILITY_MOVES: usize = 8;

#[derive(Debug, Default)]
pub(crate) struct RateTape {
    pairs: BTreeMap<CurrencyPair, PairTape>,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct PairTape {
    /// By rising lsn, each with the moment it was published.
    ticks: VecDeque<(Timestamp, PublishedTick)>,
    /// The last moves from tick to tick, in millionths.
    moves_ppm: VecDeque<u32>,
}

impl RateTape {
    /// How volatile each pair will be once these rates are on the tape, or why they may not follow those that are.
    pub(crate) fn check(
        &self,
        policy: &Policy,
        at: Timestamp,
        publish: &PublishRates,
    ) -> Result<RatesPublished, Refusal> {
        let mut move_ppm = Vec::with_capacity(publish.ticks.len());
        for tick in &publish.ticks {
            let pair = tick.pair;
            if tick.as_of > at.plus_millis(RATE_AHEAD_MS_MAX) {
                return Err(Refusal::RateFromTheFuture(pair));
            }
            if tick.valid_until.is_some_and(|valid_until| valid_until <= at) {
                return Err(Refusal::RateNoLongerValid(pair));
            }
            let mid = tick.price.prices().map_err(|_| Refusal::PriceInvalid(pair))?.mid();
            let Some(last) = self.last(pair) else {
                move_ppm.push(0);
                continue;
            };
            if tick.as_of < last.tick.as_of {
                return Err(Refusal::RateOutOfOrder { pair, last_as_of: last.tick.as_of });
            }
            let last_mid = mid_of_tick(last);
            if publish.override_reason.is_none() && !mid.moved_within(last_mid, policy.rate_move_max(pair)) {
                return Err(Refusal::RateMovedTooFar { pair, last: last_mid });
            }
            move_ppm.push(self.pairs.get(&pair).map_or(0, |tape| tape.volatility_after(mid.moved_ppm(last_mid))));
        }
        Ok(RatesPublished { move_ppm })
    }

    pub(crate) fn published(&mut self, lsn: Lsn, at: Timestamp, publish: &PublishRates, published: &RatesPublished) {
        for (index, tick) in publish.ticks.iter().enumerate() {
            let move_ppm = published.move_ppm.get(index).copied().unwrap_or(0);
            self.pairs.entry(tick.pair).or_default().add(at, PublishedTick { lsn, tick: tick.clone(), move_ppm });
        }
    }

    /// What a pair is quoted by at `at`.
    pub(crate) fn price(
        &self,
        policy: &Policy,
        pair: CurrencyPair,
        at: Timestamp,
    ) -> Result<PriceInForce, Unavailable> {
        domain::price_in_force(policy, pair, at, |pair| self.last(pair))
    }

    /// What a quote names, if it stands on the tape as the quote tells it. A crossed rate may go through any pivot: the
    /// rules of now need not be those it was offered by.
    pub(crate) fn named(&self, policy: &Policy, pair: CurrencyPair, quoted: &Pricing) -> Option<PriceInForce> {
        let price = match quoted.cross_lsn {
            None => {
                let tick = self.tick(pair, quoted.rate_lsn)?;
                let pricing = tick.pricing().ok()?;
                PriceInForce { pricing, move_ppm: tick.move_ppm, expires_at: tick.expires_at(policy) }
            }
            Some(cross_lsn) => return self.named_cross(policy, pair, cross_lsn, quoted),
        };
        (price.pricing == *quoted).then_some(price)
    }

    /// One record may publish rates from several pivots, so of those that its lsns fit the one it tells counts.
    fn named_cross(
        &self,
        policy: &Policy,
        pair: CurrencyPair,
        cross_lsn: Lsn,
        quoted: &Pricing,
    ) -> Option<PriceInForce> {
        let pivots = self.pairs.keys().filter(|known| known.debit == pair.debit).map(|known| known.presentment);
        let mut found = pivots.filter_map(|pivot| {
            let target = self.tick(CurrencyPair { presentment: pivot, debit: pair.debit }, quoted.rate_lsn)?;
            let other = self.tick(CurrencyPair { presentment: pivot, debit: pair.presentment }, cross_lsn)?;
            Some(PriceInForce {
                pricing: domain::crossed(&target.pricing().ok()?, &other.pricing().ok()?)?,
                move_ppm: target.move_ppm.max(other.move_ppm),
                expires_at: target.expires_at(policy).min(other.expires_at(policy)),
            })
        });
        found.find(|price| price.pricing == *quoted)
    }

    /// The first rate of a pair that speaks of this day or a later one, crossed if the pair has no rates of its own.
    /// Ticks that are no longer kept are passed over.
    pub(crate) fn first_of_day(&self, policy: &Policy, pair: CurrencyPair, day: i64) -> Option<Pricing> {
        // The moments that ticks of a pair speak of never fall.
        let first = |pair: CurrencyPair| {
            let ticks = &self.pairs.get(&pair)?.ticks;
            let place = ticks.partition_point(|(_, tick)| policy.day(tick.tick.as_of) < day);
            ticks.get(place).map(|(_, tick)| tick)
        };
        if self.pairs.contains_key(&pair) {
            return first(pair)?.pricing().ok();
        }
        let pivot = policy.pivot?;
        let target = first(CurrencyPair { presentment: pivot, debit: pair.debit })?;
        let other = first(CurrencyPair { presentment: pivot, debit: pair.presentment })?;
        domain::crossed(&target.pricing().ok()?, &other.pricing().ok()?)
    }

    pub(crate) fn pairs(&self) -> impl Iterator<Item = (&CurrencyPair, &PairTape)> {
        self.pairs.iter()
    }

    fn tick(&self, pair: CurrencyPair, lsn: Lsn) -> Option<&PublishedTick> {
        let ticks = &self.pairs.get(&pair)?.ticks;
        // Young ticks are asked for most, and lsns rise.
        let place = ticks.binary_search_by_key(&lsn, |(_, tick)| tick.lsn).ok()?;
        ticks.get(place).map(|(_, tick)| tick)
    }

    fn last(&self, pair: CurrencyPair) -> Option<&PublishedTick> {
        self.pairs.get(&pair)?.ticks.back().map(|(_, tick)| tick)
    }
}

impl PairTape {
    fn add(&mut self, at: Timestamp, tick: PublishedTick) {
        if let Some((_, last)) = self.ticks.back() {
            let moved = mid_of_tick(&tick).moved_ppm(mid_of_tick(last));
            if self.moves_ppm.len() == VOLATILITY_MOVES {
                self.moves_ppm.pop_front();
            }
            self.moves_ppm.push_back(moved);
        }
        self.ticks.push_back((at, tick));
        while self.may_drop_first(at) {
            self.ticks.pop_front();
        }
    }

    fn may_drop_first(&self, now: Timestamp) -> bool {
        let is_old = |(published_at, _): &(Timestamp, PublishedTick)| published_at.plus_millis(RATE_TICK_MS_KEPT) < now;
        self.ticks.len() > RATE_TICKS_KEPT_MAX
            || (self.ticks.len() > RATE_TICKS_KEPT_MIN && self.ticks.front().is_some_and(is_old))
    }

    /// The mean of the last moves, this one included.
    fn volatility_after(&self, moved_ppm: u32) -> u32 {
        let earlier = self.moves_ppm.iter().rev().take(VOLATILITY_MOVES - 1);
        let (sum, count) =
            earlier.fold((u64::from(moved_ppm), 1), |(sum, count), moved| (sum + u64::from(*moved), count + 1));
        u32::try_from(sum / count).expect("a mean is at most the largest")
    }
}

fn mid_of_tick(tick: &PublishedTick) -> ExactRate {
    tick.tick.price.prices().expect("a rate on the tape was checked").mid()
}

#[cfg(test)]
mod tests;
