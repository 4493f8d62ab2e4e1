//! The rate tape.

use super::{Books, Change, Decided};
use crate::{
    auditor::{
        exact::Fraction,
        plain::{Deed, Pricing},
    },
    request::{Code, PairRule, Price, Rules, Tick},
};

/// Who publishes all rates of a story.
pub(crate) const SOURCE: &str = "simulated desk";

/// So many ticks of a pair can always be named, older ones while they are younger than a day.
const TICKS_KEPT: usize = 16;
const TICK_MICROS_KEPT: i64 = 86_400_000_000;
const RATE_AHEAD_MICROS_MAX: i64 = 60_000_000;
/// Of how many moves the volatility of a pair is the mean.
const MOVES: usize = 8;

/// All that was published of a pair and may still be named.
#[derive(Clone, Debug, Default)]
pub(super) struct PairTape {
    ticks: Vec<Published>,
    moves_ppm: Vec<u32>,
}

#[derive(Clone, Debug)]
struct Published {
    lsn: u64,
    at: i64,
    move_ppm: u32,
    tick: Tick,
}

/// A rate that payments can be priced by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Priced {
    pub(super) pricing: Pricing,
    pub(super) move_ppm: u32,
    pub(super) expires_at: i64,
}

/// Bid, mid, ask.
type Prices = (Fraction, Fraction, Fraction);

fn prices(price: Price) -> Option<Prices> {
    match price {
        Price::Mid(mid) => {
            let mid = Fraction::decimal(mid);
            Some((mid, mid, mid))
        }
        Price::Spread { bid, ask } => {
            let prices = (Fraction::decimal(bid), Fraction::middle(bid, ask), Fraction::decimal(ask));
            (!prices.0.is_above(prices.2)).then_some(prices)
        }
    }
}

impl Published {
    fn mid(&self) -> Fraction {
        prices(self.tick.price).expect("what is on the tape was looked at").1
    }

    fn priced(&self, rules: &Rules) -> Priced {
        let (bid, mid, ask) = prices(self.tick.price).expect("what is on the tape was looked at");
        let age = rule(rules, self.tick.presentment, self.tick.debit).rate_age_ms_max.unwrap_or(rules.rate_age_ms_max);
        let by_age = self.tick.as_of.saturating_add(age.saturating_mul(1_000));
        let (rate_lsn, as_of) = (self.lsn, self.tick.as_of);
        Priced {
            pricing: Pricing { bid, mid, ask, rate_lsn, cross_lsn: None, as_of, source: SOURCE.to_owned() },
            move_ppm: self.move_ppm,
            expires_at: self.tick.valid_until.map_or(by_age, |until| until.min(by_age)),
        }
    }
}

/// The rate between two currencies that both have one to a third.
fn crossed(target: &Priced, presentment: &Priced) -> Option<Priced> {
    let (to, from) = (&target.pricing, &presentment.pricing);
    Some(Priced {
        pricing: Pricing {
            bid: to.bid.over(from.ask)?,
            mid: to.mid.over(from.mid)?,
            ask: to.ask.over(from.bid)?,
            rate_lsn: to.rate_lsn,
            cross_lsn: Some(from.rate_lsn),
            as_of: to.as_of.min(from.as_of),
            source: to.source.clone(),
        },
        move_ppm: target.move_ppm.max(presentment.move_ppm),
        expires_at: target.expires_at.min(presentment.expires_at),
    })
}

/// What is different for a pair.
pub(super) fn rule(rules: &Rules, presentment: Code, debit: Code) -> PairRule {
    let own = rules.pairs.iter().find(|rule| rule.presentment == presentment && rule.debit == debit);
    own.copied().unwrap_or(PairRule {
        presentment,
        debit,
        markup_millionths: None,
        rate_age_ms_max: None,
        rate_move_millionths: None,
    })
}

/// The day a moment belongs to.
pub(super) fn day(rules: &Rules, at: i64) -> i64 {
    (at + i64::from(rules.day_offset_minutes) * 60_000_000).div_euclid(86_400_000_000)
}

impl Books {
    /// The last price of a pair of its own.
    pub(crate) fn last_price(&self, presentment: Code, debit: Code) -> Option<Price> {
        self.last(presentment, debit).map(|last| last.tick.price)
    }

    /// The moment the newest rate speaks of; 0 before the first.
    pub(crate) fn last_published_at(&self) -> i64 {
        let last = |tape: &PairTape| tape.ticks.last().map(|last| last.tick.as_of);
        self.tape.values().filter_map(last).max().unwrap_or(0)
    }

    pub(super) fn decide_rates(
        &self,
        rules: &Rules,
        ticks: &[Tick],
        overridden: bool,
        at: i64,
    ) -> Result<Decided, String> {
        let mut move_ppm = Vec::new();
        for tick in ticks {
            let pair = format!("{} per {}", tick.debit, tick.presentment);
            if tick.as_of > at + RATE_AHEAD_MICROS_MAX {
                return Err(format!("rate from the future: {pair}"));
            }
            if tick.valid_until.is_some_and(|until| until <= at) {
                return Err(format!("rate no longer valid: {pair}"));
            }
            let Some((bid, mid, ask)) = prices(tick.price) else { return Err(format!("price invalid: {pair}")) };
            let Some(last) = self.last(tick.presentment, tick.debit) else {
                move_ppm.push(0);
                continue;
            };
            if tick.as_of < last.tick.as_of {
                return Err(format!("rate before {}: {pair}", last.tick.as_of));
            }
            let band = rule(rules, tick.presentment, tick.debit).rate_move_millionths;
            let band = band.unwrap_or(rules.rate_move_millionths);
            let (last_bid, last_mid, last_ask) = prices(last.tick.price).expect("what is on the tape was looked at");
            let moves = [(bid, last_bid), (mid, last_mid), (ask, last_ask)];
            if !overridden && !moves.iter().all(|(new, old)| new.moved_within(*old, band)) {
                return Err(format!("rate moved too far: {pair}"));
            }
            let mut moves = self.tape[&(tick.presentment, tick.debit)].moves_ppm.clone();
            moves.push(mid.moved_ppm(last.mid()));
            move_ppm.push(mean_of_last(&moves));
        }
        let changes = vec![Change::Published(ticks.to_vec(), move_ppm.clone())];
        Ok(Decided { deed: Deed::RatesPublished(move_ppm), changes })
    }

    pub(super) fn publish(&mut self, ticks: &[Tick], move_ppm: &[u32]) {
        let (lsn, at) = (self.lsn, self.at);
        for (tick, move_ppm) in ticks.iter().zip(move_ppm) {
            let tape = self.tape.entry((tick.presentment, tick.debit)).or_default();
            let published = Published { lsn, at, move_ppm: *move_ppm, tick: tick.clone() };
            if let Some(last) = tape.ticks.last() {
                tape.moves_ppm.push(published.mid().moved_ppm(last.mid()));
            }
            tape.ticks.push(published);
            let surplus = tape.ticks.len().saturating_sub(TICKS_KEPT);
            let old = tape.ticks.iter().take_while(|tick| tick.at + TICK_MICROS_KEPT < at).count();
            tape.ticks.drain(..surplus.min(old));
        }
    }

    /// What a pair is priced by now: by its own rates, only without any by those of the pivot.
    pub(super) fn price(&self, rules: &Rules, presentment: Code, target: Code) -> Result<Priced, String> {
        let missing = || format!("rate missing: {target} per {presentment}");
        if let Some(own) = self.last(presentment, target) {
            return Ok(own.priced(rules));
        }
        let pivot = rules.pivot.ok_or_else(missing)?;
        let to = self.last(pivot, target).ok_or_else(missing)?.priced(rules);
        let from = self.last(pivot, presentment).ok_or_else(missing)?.priced(rules);
        crossed(&to, &from).ok_or_else(missing)
    }

    /// What a quote names, if it is on the tape.
    pub(super) fn named(&self, rules: &Rules, presentment: Code, target: Code, quoted: &Pricing) -> Option<Priced> {
        let tick = |pair: (Code, Code), lsn: u64| {
            let ticks = &self.tape.get(&pair)?.ticks;
            ticks.iter().find(|tick| tick.lsn == lsn).map(|tick| tick.priced(rules))
        };
        let is_quoted = |named: &Priced| named.pricing == *quoted;
        match quoted.cross_lsn {
            None => tick((presentment, target), quoted.rate_lsn).filter(is_quoted),
            // One record may hold rates from several currencies to both.
            Some(cross) => self.tape.keys().map(|pair| pair.0).find_map(|pivot| {
                crossed(&tick((pivot, target), quoted.rate_lsn)?, &tick((pivot, presentment), cross)?).filter(is_quoted)
            }),
        }
    }

    /// The first rate of a pair that speaks of this day or a later one.
    pub(super) fn first_of_day(
        &self,
        rules: &Rules,
        presentment: Code,
        target: Code,
        from_day: i64,
    ) -> Option<Pricing> {
        let first = |pair: (Code, Code)| {
            let ticks = &self.tape.get(&pair)?.ticks;
            ticks.iter().find(|tick| day(rules, tick.tick.as_of) >= from_day).map(|tick| tick.priced(rules))
        };
        if self.tape.contains_key(&(presentment, target)) {
            return first((presentment, target)).map(|own| own.pricing);
        }
        let pivot = rules.pivot?;
        crossed(&first((pivot, target))?, &first((pivot, presentment))?).map(|crossed| crossed.pricing)
    }

    fn last(&self, presentment: Code, debit: Code) -> Option<&Published> {
        self.tape.get(&(presentment, debit))?.ticks.last()
    }
}

fn mean_of_last(moves: &[u32]) -> u32 {
    let last = &moves[moves.len().saturating_sub(MOVES)..];
    let sum: u64 = last.iter().map(|moved| u64::from(*moved)).sum();
    let count = u64::try_from(last.len()).expect("at most eight");
    u32::try_from(sum / count).expect("a mean is at most the largest")
}
