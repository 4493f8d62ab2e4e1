use alloc::vec;

use domain::{Label, RateTick, TickPrice};
use money::{Currency, Prices, Rate, Ratio};

use super::*;

const PAIR: CurrencyPair = CurrencyPair { presentment: Currency::CNY, debit: Currency::HKD };
const REVERSE: CurrencyPair = CurrencyPair { presentment: Currency::HKD, debit: Currency::CNY };
const HOUR_MICROS: i64 = 3_600_000_000;

fn rate(text: &str) -> Rate {
    Rate::parse(text).unwrap()
}

fn tick(pair: CurrencyPair, price: TickPrice, as_of: i64) -> RateTick {
    RateTick {
        pair,
        price,
        source: Label::new("test").unwrap(),
        as_of: Timestamp::from_micros(as_of),
        valid_until: None,
    }
}

fn mids(ticks: &[(CurrencyPair, &str, i64)]) -> PublishRates {
    let tick = |(pair, mid, as_of): &(CurrencyPair, &str, i64)| tick(*pair, TickPrice::Mid(rate(mid)), *as_of);
    PublishRates { ticks: ticks.iter().map(tick).collect(), override_reason: None }
}

fn bid_ask(pair: CurrencyPair, bid: &str, ask: &str, as_of: i64) -> PublishRates {
    let price = TickPrice::BidAsk { bid: rate(bid), ask: rate(ask) };
    PublishRates { ticks: vec![tick(pair, price, as_of)], override_reason: None }
}

fn pricing(lsn: u64, mid: &str, as_of: i64) -> Pricing {
    Pricing {
        prices: Prices::mid_only(rate(mid).into()),
        rate_lsn: Lsn::new(lsn),
        cross_lsn: None,
        as_of: Timestamp::from_micros(as_of),
        source: Label::new("test").unwrap(),
    }
}

/// Any moves are within its band.
fn policy() -> Policy {
    Policy::basic(Ratio::ZERO, 30_000, Ratio::parse("1").unwrap())
}

/// Publishes as the engine would: checked on the tape as it is, then put on it.
fn publish(tape: &mut RateTape, lsn: u64, at: i64, publish: &PublishRates) -> Vec<u32> {
    let at = Timestamp::from_micros(at);
    let published = tape.check(&policy(), at, publish).unwrap();
    tape.published(Lsn::new(lsn), at, publish, &published);
    published.move_ppm
}

/// One rate of the pair, published as record 7.
fn tape() -> RateTape {
    let mut tape = RateTape::default();
    publish(&mut tape, 7, 1_000, &mids(&[(PAIR, "1.2", 1_000)]));
    tape
}

fn is_named(tape: &RateTape, pair: CurrencyPair, pricing: &Pricing) -> bool {
    tape.named(&policy(), pair, pricing).is_some()
}

#[test]
fn a_quote_names_a_tick_as_it_is_on_the_tape() {
    let tape = tape();
    let check = |pair, pricing: Pricing, expected: bool| {
        assert_eq!(is_named(&tape, pair, &pricing), expected, "{pricing:?}");
    };
    check(PAIR, pricing(7, "1.2", 1_000), true);
    check(PAIR, pricing(7, "1.20", 1_000), true);
    check(PAIR, pricing(6, "1.2", 1_000), false);
    check(PAIR, pricing(7, "1.21", 1_000), false);
    check(PAIR, pricing(7, "1.2", 1_001), false);
    check(REVERSE, pricing(7, "1.2", 1_000), false);
    let source = Label::new("somebody else").unwrap();
    check(PAIR, Pricing { source, ..pricing(7, "1.2", 1_000) }, false);
    check(PAIR, Pricing { cross_lsn: Some(Lsn::new(7)), ..pricing(7, "1.2", 1_000) }, false);
}

#[test]
fn the_last_sixteen_ticks_of_each_pair_are_kept_however_old() {
    let mut tape = tape();
    let kept = |tape: &RateTape, lsn, as_of| is_named(tape, PAIR, &pricing(lsn, "1.2", as_of));
    let late = 1_000 + 25 * HOUR_MICROS;
    for lsn in 8..=22 {
        publish(&mut tape, lsn, late, &mids(&[(PAIR, "1.2", 2_000)]));
    }
    assert!(kept(&tape, 7, 1_000), "the sixteenth from the end");
    // Another pair has a tape of its own.
    publish(&mut tape, 23, late, &mids(&[(REVERSE, "0.8", 3_000)]));
    assert!(kept(&tape, 7, 1_000));
    publish(&mut tape, 24, late, &mids(&[(PAIR, "1.2", 3_000)]));
    assert!(!kept(&tape, 7, 1_000));
    assert!(kept(&tape, 8, 2_000) && kept(&tape, 24, 3_000));
    let lengths = tape.pairs().map(|(_, of_pair)| of_pair.ticks.len());
    assert_eq!(lengths.max(), Some(RATE_TICKS_KEPT_MIN));
}

#[test]
fn a_tick_is_kept_for_a_day_unless_there_are_too_many() {
    let day_micros = RATE_TICK_MS_KEPT * 1_000;
    let mut tape = tape();
    let kept = |tape: &RateTape| is_named(tape, PAIR, &pricing(7, "1.2", 1_000));
    for lsn in 8..=40 {
        publish(&mut tape, lsn, 1_000 + day_micros, &mids(&[(PAIR, "1.2", 1_000)]));
    }
    assert!(kept(&tape), "a day old, not older");
    publish(&mut tape, 41, 1_001 + day_micros, &mids(&[(PAIR, "1.2", 1_000)]));
    assert!(!kept(&tape));

    let mut tape = self::tape();
    let most = u64::try_from(RATE_TICKS_KEPT_MAX).unwrap();
    for lsn in 8..7 + most {
        publish(&mut tape, lsn, 1_000, &mids(&[(PAIR, "1.2", 1_000)]));
    }
    assert!(kept(&tape));
    publish(&mut tape, 7 + most, 1_000, &mids(&[(PAIR, "1.2", 1_000)]));
    assert!(!kept(&tape));
}

#[test]
fn rates_are_refused_for_the_first_reason_that_applies() {
    let policy = Policy::basic(Ratio::ZERO, 30_000, Ratio::parse("0.1").unwrap());
    let refused = |publish: &PublishRates| tape().check(&policy, Timestamp::from_micros(5_000), publish).err();
    let check = |ticks: &[(CurrencyPair, &str, i64)], expected: Option<Refusal>| {
        assert_eq!(refused(&mids(ticks)), expected, "{ticks:?}");
    };
    let ahead = 5_000 + RATE_AHEAD_MS_MAX * 1_000;
    let out_of_order = Refusal::RateOutOfOrder { pair: PAIR, last_as_of: Timestamp::from_micros(1_000) };
    let moved = Refusal::RateMovedTooFar { pair: PAIR, last: rate("1.2").into() };
    check(&[], None);
    check(&[(PAIR, "1.2", 1_000)], None);
    check(&[(PAIR, "1.32", ahead)], None);
    check(&[(PAIR, "9", ahead + 1)], Some(Refusal::RateFromTheFuture(PAIR)));
    check(&[(PAIR, "9", 999)], Some(out_of_order));
    check(&[(PAIR, "1.3200001", 1_000)], Some(moved));
    // All or none; the first of a pair may be anything.
    check(&[(REVERSE, "9", 0), (PAIR, "1.2", 1_000)], None);
    check(&[(REVERSE, "9", 0), (PAIR, "9", 999)], Some(out_of_order));

    let valid_until = |as_of, until| {
        let mut publish = bid_ask(PAIR, "3", "2", as_of);
        publish.ticks[0].valid_until = Some(Timestamp::from_micros(until));
        publish
    };
    assert_eq!(refused(&valid_until(ahead + 1, 5_000)), Some(Refusal::RateFromTheFuture(PAIR)));
    assert_eq!(refused(&valid_until(0, 5_000)), Some(Refusal::RateNoLongerValid(PAIR)));
    assert_eq!(refused(&valid_until(0, 5_001)), Some(Refusal::PriceInvalid(PAIR)));
    // The band is about bid and ask alike, and an operator may set it aside, but not time's order.
    assert_eq!(refused(&bid_ask(PAIR, "1.08", "1.32", 1_000)), None);
    assert_eq!(refused(&bid_ask(PAIR, "1.08", "1.3200001", 1_000)), Some(moved));
    assert_eq!(refused(&bid_ask(PAIR, "1.0799999", "1.32", 1_000)), Some(moved));
    let reason = Some(Label::new("devalued").unwrap());
    assert_eq!(refused(&PublishRates { override_reason: reason.clone(), ..mids(&[(PAIR, "9", 1_000)]) }), None);
    let early = PublishRates { override_reason: reason, ..mids(&[(PAIR, "9", 999)]) };
    assert_eq!(refused(&early), Some(out_of_order));
}

#[test]
fn volatility_is_the_mean_of_the_last_eight_moves() {
    let mut tape = RateTape::default();
    let mut lsn = 0;
    let mut move_ppm = |mid| {
        lsn += 1;
        publish(&mut tape, lsn, 1_000, &mids(&[(PAIR, mid, 0)]))[0]
    };
    assert_eq!(move_ppm("100"), 0, "one rate has not moved");
    assert_eq!(move_ppm("110"), 100_000);
    assert_eq!(move_ppm("99"), 100_000, "down is as far as up");
    assert_eq!(move_ppm("99"), 66_666, "rounded down");
    let calm: Vec<u32> = (0..7).map(|_| move_ppm("99.00")).collect();
    assert_eq!(calm, [50_000, 40_000, 33_333, 28_571, 25_000, 12_500, 0], "the ninth move before is forgotten");
}

#[test]
fn a_pair_without_rates_of_its_own_is_crossed_by_whatever_pivot_its_quote_went_through() {
    let over = |pivot, debit| CurrencyPair { presentment: pivot, debit };
    let mut tape = RateTape::default();
    // One record, two pivots: its lsn alone does not say which of them a quote went through.
    let published = [
        (over(Currency::EUR, Currency::HKD), "8.5", 900),
        (over(Currency::EUR, Currency::CNY), "7.7", 900),
        (over(Currency::USD, Currency::HKD), "7.8", 1_000),
        (over(Currency::USD, Currency::CNY), "7.1", 950),
    ];
    publish(&mut tape, 7, 1_000, &mids(&published));
    for (pivot, as_of) in [(Currency::EUR, 900), (Currency::USD, 950)] {
        let policy = Policy { pivot: Some(pivot), ..policy() };
        let price = tape.price(&policy, PAIR, Timestamp::from_micros(2_000)).unwrap();
        let Pricing { rate_lsn, cross_lsn, .. } = price.pricing;
        assert_eq!((rate_lsn, cross_lsn), (Lsn::new(7), Some(Lsn::new(7))));
        assert_eq!(price.pricing.as_of, Timestamp::from_micros(as_of), "the earlier of the two");
        // The rules of now need not be those the quote was offered by.
        assert_eq!(
            tape.named(&self::policy(), PAIR, &price.pricing),
            Some(Named { move_ppm: price.move_ppm, expires_at: price.expires_at }),
            "{pivot}"
        );
    }
    assert_eq!(
        tape.price(&policy(), PAIR, Timestamp::from_micros(2_000)).err(),
        Some(Unavailable::RateMissing(PAIR)),
        "without a pivot nothing is crossed"
    );
}

#[test]
fn the_first_rate_of_a_day_is_the_first_that_speaks_of_it_or_of_a_later_one() {
    let policy = Policy { day_offset_minutes: 0, ..policy() };
    let mut tape = tape();
    let day_micros = 24 * HOUR_MICROS;
    assert_eq!(tape.first_of_day(&policy, PAIR, 1), None);
    publish(&mut tape, 8, 2 * day_micros, &mids(&[(PAIR, "1.3", 2 * day_micros)]));
    publish(&mut tape, 9, 2 * day_micros, &mids(&[(PAIR, "1.4", 2 * day_micros)]));
    let found = |day| tape.first_of_day(&policy, PAIR, day).map(|pricing| pricing.rate_lsn.get());
    assert_eq!((found(0), found(1), found(2), found(3)), (Some(7), Some(8), Some(8), None));
    assert_eq!(tape.first_of_day(&policy, REVERSE, 0), None, "a pair is never inverted");
}
