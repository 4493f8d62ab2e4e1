//! The rate tape: the last published rates of each pair.

use alloc::{
    collections::{BTreeMap, VecDeque},
    vec::Vec,
};

use domain::{
    CurrencyPair, Lsn, Policy, PriceInForce, Pricing, PublishRates, PublishedTick, RatesPublished, Refusal, Standing,
    StandingTick, Timestamp, Unavailable,
};
use money::Prices;

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

#[derive(Clone, Debug, Default)]
pub(crate) struct RateTape {
    pairs: BTreeMap<CurrencyPair, PairTape>,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct PairTape {
    /// By rising lsn.
    ticks: VecDeque<KeptTick>,
    /// The last moves from tick to tick, in millionths.
    moves_ppm: VecDeque<u32>,
}

#[derive(Clone, Debug)]
struct KeptTick {
    published_at: Timestamp,
    published: PublishedTick,
    /// What its price comes to, reckoned once: every payment is checked against it.
    prices: Prices,
}

/// What is known of a rate that a quote names, besides what the quote tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Named {
    pub(crate) move_ppm: u32,
    /// From this moment on it is stale.
    pub(crate) expires_at: Timestamp,
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
            let prices = tick.price.prices().map_err(|_| Refusal::PriceInvalid(pair))?;
            let Some(last) = self.last(pair) else {
                move_ppm.push(0);
                continue;
            };
            let last_as_of = last.published.tick.as_of;
            if tick.as_of < last_as_of {
                return Err(Refusal::RateOutOfOrder { pair, last_as_of });
            }
            let (mid, last_mid) = (prices.mid(), last.prices.mid());
            // If the bid and the ask are in the band, so is the mid between them.
            let band = policy.rate_move_max(pair);
            let is_in_band = prices.settlement().moved_within(last.prices.settlement(), band)
                && prices.debit().moved_within(last.prices.debit(), band);
            if publish.override_reason.is_none() && !is_in_band {
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
        domain::price_in_force(policy, pair, at, |pair| self.last(pair).map(|last| &last.published))
    }

    /// Of the rate that a quote names, if it stands on the tape as the quote tells it. A crossed rate may go through any
    /// pivot: the rules of now need not be those it was offered by.
    pub(crate) fn named(&self, policy: &Policy, pair: CurrencyPair, quoted: &Pricing) -> Option<Named> {
        let Some(cross_lsn) = quoted.cross_lsn else {
            let tick = self.tick(pair, quoted.rate_lsn)?;
            return tick.is_told_by(quoted).then(|| tick.named(policy));
        };
        // One record may publish rates from several pivots, so of those that its lsns fit the one it tells counts.
        let pivots = self.pairs.keys().filter(|known| known.debit == pair.debit).map(|known| known.presentment);
        let mut found = pivots.filter_map(|pivot| {
            let target = self.tick(CurrencyPair { presentment: pivot, debit: pair.debit }, quoted.rate_lsn)?;
            let other = self.tick(CurrencyPair { presentment: pivot, debit: pair.presentment }, cross_lsn)?;
            (domain::crossed(&target.pricing(), &other.pricing())? == *quoted).then(|| {
                let (target, other) = (target.named(policy), other.named(policy));
                Named {
                    move_ppm: target.move_ppm.max(other.move_ppm),
                    expires_at: target.expires_at.min(other.expires_at),
                }
            })
        });
        found.next()
    }

    /// The first rate of a pair that speaks of this day or a later one, crossed if the pair has no rates of its own.
    /// Ticks that are no longer kept are passed over.
    pub(crate) fn first_of_day(&self, policy: &Policy, pair: CurrencyPair, day: i64) -> Option<Pricing> {
        // The moments that ticks of a pair speak of never fall.
        let first = |pair: CurrencyPair| {
            let ticks = &self.pairs.get(&pair)?.ticks;
            ticks.get(ticks.partition_point(|kept| policy.day(kept.published.tick.as_of) < day))
        };
        if self.pairs.contains_key(&pair) {
            return Some(first(pair)?.pricing());
        }
        let pivot = policy.pivot?;
        let target = first(CurrencyPair { presentment: pivot, debit: pair.debit })?;
        let other = first(CurrencyPair { presentment: pivot, debit: pair.presentment })?;
        domain::crossed(&target.pricing(), &other.pricing())
    }

    pub(crate) fn pairs(&self) -> impl Iterator<Item = (&CurrencyPair, &PairTape)> {
        self.pairs.iter()
    }

    /// The ticks of each pair and then its last moves, by pair.
    pub(crate) fn standing(&self) -> impl Iterator<Item = Standing> + '_ {
        self.pairs.iter().flat_map(|(pair, tape)| {
            let ticks = tape
                .ticks
                .iter()
                .map(|kept| StandingTick { published_at: kept.published_at, published: kept.published.clone() });
            let moves = Standing::Moves(*pair, tape.moves_ppm.iter().copied().collect());
            ticks.map(Standing::Tick).chain(core::iter::once(moves))
        })
    }

    /// Takes in the next tick of its pair; whether it can be the next.
    pub(crate) fn stand_tick(&mut self, tick: StandingTick) -> bool {
        let StandingTick { published_at, published } = tick;
        let tape = self.pairs.entry(published.tick.pair).or_default();
        let rises = tape.ticks.back().is_none_or(|last| last.published.lsn < published.lsn);
        if !rises || published.tick.price.prices().is_err() {
            return false;
        }
        tape.ticks.push_back(KeptTick::new(published_at, published));
        true
    }

    /// Takes in the last moves of a pair; whether there can be so many.
    pub(crate) fn stand_moves(&mut self, pair: CurrencyPair, moves_ppm: Vec<u32>) -> bool {
        let fits = moves_ppm.len() <= VOLATILITY_MOVES;
        self.pairs.entry(pair).or_default().moves_ppm = moves_ppm.into();
        fits
    }

    fn tick(&self, pair: CurrencyPair, lsn: Lsn) -> Option<&KeptTick> {
        let ticks = &self.pairs.get(&pair)?.ticks;
        let place = ticks.binary_search_by_key(&lsn, |kept| kept.published.lsn).ok()?;
        ticks.get(place)
    }

    fn last(&self, pair: CurrencyPair) -> Option<&KeptTick> {
        self.pairs.get(&pair)?.ticks.back()
    }
}

impl KeptTick {
    fn new(published_at: Timestamp, published: PublishedTick) -> Self {
        let prices = published.tick.price.prices().expect("a rate on the tape was checked");
        Self { published_at, published, prices }
    }

    fn pricing(&self) -> Pricing {
        let PublishedTick { lsn, tick, .. } = &self.published;
        let (as_of, source) = (tick.as_of, tick.source.clone());
        Pricing { prices: self.prices, rate_lsn: *lsn, cross_lsn: None, as_of, source }
    }

    /// As `pricing() == *quoted`, without making one.
    fn is_told_by(&self, quoted: &Pricing) -> bool {
        let Pricing { prices, rate_lsn, cross_lsn, as_of, source } = quoted;
        let PublishedTick { lsn, tick, .. } = &self.published;
        (*prices, *rate_lsn, *cross_lsn, *as_of) == (self.prices, *lsn, None, tick.as_of) && *source == tick.source
    }

    fn named(&self, policy: &Policy) -> Named {
        Named { move_ppm: self.published.move_ppm, expires_at: self.published.expires_at(policy) }
    }
}

impl PairTape {
    fn add(&mut self, at: Timestamp, tick: PublishedTick) {
        let kept = KeptTick::new(at, tick);
        if let Some(last) = self.ticks.back() {
            let moved = kept.prices.mid().moved_ppm(last.prices.mid());
            if self.moves_ppm.len() == VOLATILITY_MOVES {
                self.moves_ppm.pop_front();
            }
            self.moves_ppm.push_back(moved);
        }
        self.ticks.push_back(kept);
        while self.may_drop_first(at) {
            self.ticks.pop_front();
        }
    }

    fn may_drop_first(&self, now: Timestamp) -> bool {
        let is_old = |kept: &KeptTick| kept.published_at.plus_millis(RATE_TICK_MS_KEPT) < now;
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

#[cfg(test)]
mod tests;
