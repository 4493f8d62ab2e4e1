use domain::{Label, RateTick};
use money::{Currency, Ratio};

use super::*;

const PAIR: CurrencyPair = CurrencyPair { presentment: Currency::CNY, debit: Currency::HKD };
const REVERSE: CurrencyPair = CurrencyPair { presentment: Currency::HKD, debit: Currency::CNY };

fn publish(ticks: &[(CurrencyPair, &str, i64)]) -> PublishRates {
    let tick = |(pair, rate, as_of): &(CurrencyPair, &str, i64)| RateTick {
        pair: *pair,
        mid_rate: Rate::parse(rate).unwrap(),
        source: Label::new("test").unwrap(),
        as_of: Timestamp::from_micros(*as_of),
    };
    PublishRates { ticks: ticks.iter().map(tick).collect() }
}

fn quote(lsn: u64, rate: &str, as_of: i64) -> Quote {
    Quote {
        mid_rate: Rate::parse(rate).unwrap(),
        markup: Ratio::ZERO,
        rate_lsn: Lsn::new(lsn),
        as_of: Timestamp::from_micros(as_of),
        source: Label::new("test").unwrap(),
        amounts: None,
    }
}

/// One rate of the pair, published as record 7.
fn tape() -> RateTape {
    let mut tape = RateTape::default();
    tape.published(Lsn::new(7), &publish(&[(PAIR, "1.2", 1_000)]));
    tape
}

#[test]
fn a_quote_names_a_tick_as_it_is_on_the_tape() {
    let tape = tape();
    let check = |pair, quote: Quote, expected: bool| {
        assert_eq!(tape.tick_of(pair, &quote).is_some(), expected, "{quote:?}");
    };
    check(PAIR, quote(7, "1.2", 1_000), true);
    check(PAIR, quote(7, "1.20", 1_000), true);
    check(PAIR, quote(6, "1.2", 1_000), false);
    check(PAIR, quote(7, "1.21", 1_000), false);
    check(PAIR, quote(7, "1.2", 1_001), false);
    check(REVERSE, quote(7, "1.2", 1_000), false);
    let source = Label::new("somebody else").unwrap();
    check(PAIR, Quote { source, ..quote(7, "1.2", 1_000) }, false);
}

#[test]
fn the_last_sixteen_ticks_of_each_pair_are_kept() {
    let mut tape = tape();
    let kept = |tape: &RateTape, lsn, as_of| tape.tick_of(PAIR, &quote(lsn, "1.2", as_of)).is_some();
    for lsn in 8..=22 {
        tape.published(Lsn::new(lsn), &publish(&[(PAIR, "1.2", 2_000)]));
    }
    assert!(kept(&tape, 7, 1_000), "the sixteenth from the end");
    // Another pair has a tape of its own.
    tape.published(Lsn::new(23), &publish(&[(REVERSE, "0.8", 3_000)]));
    assert!(kept(&tape, 7, 1_000));
    tape.published(Lsn::new(24), &publish(&[(PAIR, "1.2", 3_000)]));
    assert!(!kept(&tape, 7, 1_000));
    assert!(kept(&tape, 8, 2_000) && kept(&tape, 24, 3_000));
    let lengths = tape.pairs().map(|(_, ticks)| ticks.len());
    assert_eq!(lengths.max(), Some(RATE_TICKS_KEPT));
}

#[test]
fn rates_are_refused_for_the_first_reason_that_applies() {
    let policy =
        Policy { fx_markup: Ratio::ZERO, rate_age_ms_max: 30_000, rate_move_max: Ratio::parse("0.1").unwrap() };
    let check = |ticks: &[(CurrencyPair, &str, i64)], expected: Result<(), Refusal>| {
        assert_eq!(tape().check(&policy, Timestamp::from_micros(5_000), &publish(ticks)), expected, "{ticks:?}");
    };
    let ahead = 5_000 + RATE_AHEAD_MS_MAX * 1_000;
    let out_of_order = Refusal::RateOutOfOrder { pair: PAIR, last_as_of: Timestamp::from_micros(1_000) };
    let moved = Refusal::RateMovedTooFar { pair: PAIR, last: Rate::parse("1.2").unwrap() };
    check(&[], Ok(()));
    check(&[(PAIR, "1.2", 1_000)], Ok(()));
    check(&[(PAIR, "1.32", ahead)], Ok(()));
    check(&[(PAIR, "9", ahead + 1)], Err(Refusal::RateFromTheFuture(PAIR)));
    check(&[(PAIR, "9", 999)], Err(out_of_order));
    check(&[(PAIR, "1.3200001", 1_000)], Err(moved));
    // All or none; the first of a pair may be anything.
    check(&[(REVERSE, "9", 0), (PAIR, "1.2", 1_000)], Ok(()));
    check(&[(REVERSE, "9", 0), (PAIR, "9", 999)], Err(out_of_order));
}
