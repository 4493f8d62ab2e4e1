//! Published rates, as the model keeps them.

use std::collections::{BTreeMap, VecDeque};

use domain::CurrencyPair;

use crate::{ask::Ask, exact::Fraction, model::currency, rules::Rules};

/// Presentment, debit, and the rate around which rates are published: mantissa and scale. What is not listed can only be
/// crossed over the dollar or the euro, or not at all.
pub(crate) const PAIRS: [(&str, &str, u64, u32); 12] = [
    ("CNY", "HKD", 1_179_291_231, 9),
    ("CNY", "KWD", 43_210_000, 9),
    ("JPY", "HKD", 51_000_001, 9),
    ("JPY", "CNY", 8_000_000_000, 0),
    ("JPY", "KWD", 2_035_001, 9),
    ("HKD", "CNY", 8_312_345_678, 10),
    ("HKD", "KWD", 3_900_007, 8),
    ("USD", "HKD", 7_812_345_601, 9),
    ("USD", "CNY", 7_123_400_003, 9),
    ("USD", "JPY", 1_501_234_567, 7),
    ("EUR", "HKD", 8_012_300_007, 9),
    ("EUR", "JPY", 1_631_234_569, 7),
];
const TICKS_KEPT_MIN: usize = 16;
const TICK_MICROS_KEPT: i64 = 24 * 3_600 * 1_000_000;

/// What a rate says of a pair.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Prices {
    pub(crate) bid: Fraction,
    pub(crate) mid: Fraction,
    pub(crate) ask: Fraction,
}

/// A rate to quote by, and where it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Price {
    pub(crate) prices: Prices,
    /// Which pair's rate; of a crossed one, from the pivot to the target and from the pivot to the presentment currency.
    pub(crate) of: (usize, Option<usize>),
    pub(crate) lsn: u64,
    pub(crate) cross_lsn: Option<u64>,
    pub(crate) as_of: i64,
    pub(crate) move_ppm: u32,
    pub(crate) expires_at: i64,
}

/// Why there is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lack {
    Missing,
    Stale,
}

/// One rate as it is published: bid and ask as mantissas.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Published {
    pub(crate) pair: usize,
    pub(crate) bid: u64,
    pub(crate) ask: u64,
    pub(crate) as_of: i64,
    pub(crate) valid_until: Option<i64>,
}

#[derive(Clone, Copy, Debug)]
struct Tick {
    lsn: u64,
    published_at: i64,
    prices: Prices,
    as_of: i64,
    valid_until: Option<i64>,
    move_ppm: u32,
}

#[derive(Debug, Default)]
pub(crate) struct Tape {
    ticks: BTreeMap<usize, VecDeque<Tick>>,
    /// All moves of each pair in millionths.
    moves: BTreeMap<usize, Vec<u32>>,
}

impl Tape {
    /// How volatile each pair becomes, or why these rates may not be published at `at`.
    pub(crate) fn check(&self, rules: &Rules, ask: &Ask, at: i64) -> Result<Vec<u32>, String> {
        let Ask::Rates { overridden, .. } = ask else { return Ok(Vec::new()) };
        let mut volatile = Vec::new();
        for tick in ask.ticks(at) {
            let refuse = |why: &str| Err(why.to_owned());
            if tick.as_of > at + 60_000_000 {
                return refuse("rate_from_the_future");
            }
            if tick.valid_until.is_some_and(|until| until <= at) {
                return refuse("rate_no_longer_valid");
            }
            if tick.bid > tick.ask {
                return refuse("price_invalid");
            }
            let Some(last) = self.last(tick.pair, 0) else {
                volatile.push(0);
                continue;
            };
            if tick.as_of < last.as_of {
                return refuse("rate_out_of_order");
            }
            let (new, old, band) = (prices(&tick), last.prices, rules.band(tick.pair));
            let (moved, _) = new.mid.moved(old.mid, band);
            let is_within = [(new.bid, old.bid), (new.mid, old.mid), (new.ask, old.ask)]
                .into_iter()
                .all(|(new, old)| new.moved(old, band).1);
            if !is_within && !overridden {
                return refuse("rate_moved_too_far");
            }
            volatile.push(self.mean(tick.pair, moved));
        }
        Ok(volatile)
    }

    pub(crate) fn published(&mut self, ask: &Ask, lsn: u64, at: i64, volatile: &[u32]) {
        for (tick, move_ppm) in ask.ticks(at).into_iter().zip(volatile) {
            if let Some(last) = self.last(tick.pair, 0) {
                let (moved, _) = prices(&tick).mid.moved(last.prices.mid, 0);
                self.moves.entry(tick.pair).or_default().push(moved);
            }
            let kept = self.ticks.entry(tick.pair).or_default();
            kept.push_back(Tick {
                lsn,
                published_at: at,
                prices: prices(&tick),
                as_of: tick.as_of,
                valid_until: tick.valid_until,
                move_ppm: *move_ppm,
            });
            while kept.len() > TICKS_KEPT_MIN && kept[0].published_at + TICK_MICROS_KEPT < at {
                kept.pop_front();
            }
        }
    }

    /// What this pair is quoted by, by the rates that came `back` before the last, however stale.
    pub(crate) fn price(&self, rules: &Rules, pair: (&str, &str), back: usize) -> Result<Price, Lack> {
        let (from, to) = pair;
        if let Some(own) = number_of(pair).filter(|own| self.ticks.contains_key(own)) {
            let tick = self.last(own, back).ok_or(Lack::Missing)?;
            return Ok(Price {
                prices: tick.prices,
                of: (own, None),
                lsn: tick.lsn,
                cross_lsn: None,
                as_of: tick.as_of,
                move_ppm: tick.move_ppm,
                expires_at: expires_at(rules, own, tick),
            });
        }
        let pivot = rules.pivot.ok_or(Lack::Missing)?;
        let target = number_of((pivot, to)).ok_or(Lack::Missing)?;
        let other = number_of((pivot, from)).ok_or(Lack::Missing)?;
        let (one, two) = (self.last(target, back).ok_or(Lack::Missing)?, self.last(other, 0).ok_or(Lack::Missing)?);
        Ok(crossed(rules, (target, one), (other, two)))
    }

    /// The first rate of this day or a later one, among those that are kept.
    pub(crate) fn first_of_day(&self, rules: &Rules, pair: (&str, &str), day: i64) -> Option<Price> {
        let first = |pair: usize| self.ticks.get(&pair)?.iter().find(|tick| rules.day(tick.as_of) >= day);
        if let Some(own) = number_of(pair).filter(|own| self.ticks.contains_key(own)) {
            let tick = first(own)?;
            let back = self.ticks[&own].iter().rev().position(|other| other.lsn == tick.lsn)?;
            return self.price(rules, pair, back).ok();
        }
        let pivot = rules.pivot?;
        let (target, other) = (number_of((pivot, pair.1))?, number_of((pivot, pair.0))?);
        Some(crossed(rules, (target, first(target)?), (other, first(other)?)))
    }

    /// Whether all that a price was made of is still kept.
    pub(crate) fn is_kept(&self, price: &Price) -> bool {
        let kept = |pair: usize, lsn: u64| self.ticks[&pair].iter().any(|tick| tick.lsn == lsn);
        let cross = price.of.1.zip(price.cross_lsn).is_none_or(|(pair, lsn)| kept(pair, lsn));
        kept(price.of.0, price.lsn) && cross
    }

    fn last(&self, pair: usize, back: usize) -> Option<&Tick> {
        self.ticks.get(&pair)?.iter().rev().nth(back)
    }

    fn mean(&self, pair: usize, moved: u32) -> u32 {
        let earlier = self.moves.get(&pair).map_or(&[][..], Vec::as_slice);
        let last: Vec<u64> = earlier.iter().rev().take(7).chain([&moved]).map(|moved| u64::from(*moved)).collect();
        let count = u64::try_from(last.len()).expect("eight at most");
        u32::try_from(last.iter().sum::<u64>() / count).expect("a mean is at most the largest")
    }
}

fn crossed(rules: &Rules, (target, one): (usize, &Tick), (other, two): (usize, &Tick)) -> Price {
    let prices = Prices {
        bid: one.prices.bid.over(two.prices.ask),
        mid: one.prices.mid.over(two.prices.mid),
        ask: one.prices.ask.over(two.prices.bid),
    };
    Price {
        prices,
        of: (target, Some(other)),
        lsn: one.lsn,
        cross_lsn: Some(two.lsn),
        as_of: one.as_of.min(two.as_of),
        move_ppm: one.move_ppm.max(two.move_ppm),
        expires_at: expires_at(rules, target, one).min(expires_at(rules, other, two)),
    }
}

fn expires_at(rules: &Rules, pair: usize, tick: &Tick) -> i64 {
    (tick.as_of + rules.age_ms(pair) * 1_000).min(tick.valid_until.unwrap_or(i64::MAX))
}

fn prices(tick: &Published) -> Prices {
    let scale = PAIRS[tick.pair].3;
    let (bid, ask) = (Fraction::decimal(tick.bid, scale), Fraction::decimal(tick.ask, scale));
    Prices { bid, mid: bid.mean(ask), ask }
}

/// The number of the pair from the first currency to the second, if there is one.
pub(crate) fn number_of((from, to): (&str, &str)) -> Option<usize> {
    PAIRS.iter().position(|pair| (pair.0, pair.1) == (from, to))
}

pub(crate) fn pair_of(pair: usize) -> CurrencyPair {
    let (presentment, debit, ..) = PAIRS[pair];
    CurrencyPair { presentment: currency(presentment), debit: currency(debit) }
}
