use alloc::vec::Vec;

use money::{Currency, ExactRate, Rate};

use super::*;
use crate::{Label, TickPrice};

const CNY_TO_HKD: CurrencyPair = CurrencyPair { presentment: Currency::CNY, debit: Currency::HKD };
const EUR_TO_CNY: CurrencyPair = CurrencyPair { presentment: Currency::EUR, debit: Currency::CNY };
const EUR_TO_HKD: CurrencyPair = CurrencyPair { presentment: Currency::EUR, debit: Currency::HKD };

fn rate(text: &str) -> Rate {
    Rate::parse(text).unwrap()
}

fn mid(text: &str) -> TickPrice {
    TickPrice::Mid(rate(text))
}

fn bid_ask(bid: &str, ask: &str) -> TickPrice {
    TickPrice::BidAsk { bid: rate(bid), ask: rate(ask) }
}

fn at_ms(millis: i64) -> Timestamp {
    Timestamp::EPOCH.plus_millis(millis)
}

/// A tick that speaks of `as_of_ms`; its record has the same number, its volatility too.
fn tick(pair: CurrencyPair, price: TickPrice, as_of_ms: u32) -> PublishedTick {
    let source = Label::new(pair.debit.code()).unwrap();
    let tick = RateTick { pair, price, source, as_of: at_ms(as_of_ms.into()), valid_until: None };
    PublishedTick { lsn: Lsn::new(as_of_ms.into()), tick, move_ppm: as_of_ms }
}

/// Rates are good for a second.
fn policy(pivot: Option<Currency>) -> Policy {
    Policy { pivot, ..Policy::basic(Ratio::ZERO, 1_000, Ratio::ZERO) }
}

fn price(
    pivot: Option<Currency>,
    ticks: &[PublishedTick],
    pair: CurrencyPair,
    ms: i64,
) -> Result<PriceInForce, Unavailable> {
    price_in_force(&policy(pivot), pair, at_ms(ms), |pair| ticks.iter().find(|published| published.tick.pair == pair))
}

fn parts(numerator: u128, denominator: u128) -> ExactRate {
    ExactRate::from_parts(numerator, denominator).unwrap()
}

#[test]
fn a_pair_is_quoted_by_its_own_tick_even_if_it_could_be_crossed() {
    let ticks =
        [tick(EUR_TO_HKD, mid("9"), 1), tick(EUR_TO_CNY, mid("8"), 2), tick(CNY_TO_HKD, bid_ask("1.17", "1.18"), 3)];
    let found = price(Some(Currency::EUR), &ticks, CNY_TO_HKD, 4).unwrap();
    assert_eq!((found.pricing.rate_lsn, found.pricing.cross_lsn), (Lsn::new(3), None));
    assert_eq!(found.pricing.prices, ticks[2].tick.price.prices().unwrap());
    assert_eq!((found.move_ppm, found.expires_at), (3, at_ms(1_003)));
    // Its own tick is stale, the crossed ones are not: it is refused all the same.
    let late = [tick(EUR_TO_HKD, mid("9"), 900), tick(EUR_TO_CNY, mid("8"), 900), ticks[2].clone()];
    let stale = Err(Unavailable::RateStale(CNY_TO_HKD));
    assert_eq!(price(Some(Currency::EUR), &late, CNY_TO_HKD, 1_003), stale);
}

#[test]
fn a_pair_without_ticks_is_crossed_and_pays_both_spreads() {
    let ticks = [tick(EUR_TO_HKD, bid_ask("8", "10"), 7), tick(EUR_TO_CNY, bid_ask("4", "6"), 5)];
    let PriceInForce { pricing, move_ppm, expires_at } = price(Some(Currency::EUR), &ticks, CNY_TO_HKD, 8).unwrap();
    let prices = pricing.prices;
    assert_eq!([prices.settlement(), prices.mid(), prices.debit()], [parts(4, 3), parts(9, 5), parts(5, 2)]);
    assert_eq!((pricing.rate_lsn, pricing.cross_lsn), (Lsn::new(7), Some(Lsn::new(5))));
    assert_eq!((pricing.source.as_str(), pricing.as_of), ("HKD", at_ms(5)));
    assert_eq!((move_ppm, expires_at), (7, at_ms(1_005)));
}

#[test]
fn a_crossed_rate_is_stale_as_soon_as_one_of_the_two_is() {
    let ticks = |hkd_ms, cny_ms| [tick(EUR_TO_HKD, mid("9"), hkd_ms), tick(EUR_TO_CNY, mid("8"), cny_ms)];
    for ticks in [ticks(10, 500), ticks(500, 10)] {
        assert!(price(Some(Currency::EUR), &ticks, CNY_TO_HKD, 1_009).is_ok());
        let stale = Err(Unavailable::RateStale(CNY_TO_HKD));
        assert_eq!(price(Some(Currency::EUR), &ticks, CNY_TO_HKD, 1_010), stale);
    }
}

#[test]
fn nothing_is_inverted_or_crossed_without_both_rates_from_the_pivot() {
    let all = [tick(EUR_TO_HKD, mid("9"), 1), tick(EUR_TO_CNY, mid("8"), 1)];
    let check = |pivot, ticks: &[PublishedTick], pair| {
        assert_eq!(price(pivot, ticks, pair, 2), Err(Unavailable::RateMissing(pair)), "{pair} by {pivot:?}");
    };
    check(None, &all, CNY_TO_HKD);
    check(Some(Currency::USD), &all, CNY_TO_HKD);
    check(Some(Currency::EUR), &all[..1], CNY_TO_HKD);
    check(Some(Currency::EUR), &all[1..], CNY_TO_HKD);
    check(Some(Currency::EUR), &all, CurrencyPair { presentment: Currency::HKD, debit: Currency::EUR });
    check(Some(Currency::EUR), &[], EUR_TO_HKD);
}

#[test]
fn a_tick_ends_by_its_age_or_by_its_own_word_whichever_comes_first() {
    let check = |valid_until_ms: Option<i64>, expected_ms| {
        let mut published = tick(CNY_TO_HKD, mid("1"), 10);
        published.tick.valid_until = valid_until_ms.map(at_ms);
        assert_eq!(published.expires_at(&policy(None)), at_ms(expected_ms), "{valid_until_ms:?}");
    };
    check(None, 1_010);
    check(Some(1_009), 1_009);
    check(Some(1_011), 1_010);
}

#[test]
fn amounts_are_the_legs_of_the_conversion_up_to_the_largest_amount() {
    let one_percent = Ratio::parse("0.01").unwrap();
    let money = |text: &str| Money::parse(text).unwrap();
    let quote = |price: TickPrice, presentment: &str| {
        let pricing = tick(CNY_TO_HKD, price, 1).pricing().unwrap();
        let settlement = settlement_quote(CNY_TO_HKD, pricing.clone(), money(presentment));
        let debit = debit_quote(CNY_TO_HKD, pricing, one_percent, 1, Weight::ONE, money(presentment));
        let amounts: Vec<_> = debit.amounts.into_iter().flat_map(|amounts| [amounts.debit, amounts.mid]).collect();
        (amounts, settlement.gross)
    };
    let published = (Vec::from([money("HKD 119.11"), money("HKD 117.93")]), Some(money("HKD 117.92")));
    assert_eq!(quote(mid("1.179291231"), "CNY 100.00"), published);
    let spread = (Vec::from([money("HKD 119.18"), money("HKD 117.50")]), Some(money("HKD 117.00")));
    assert_eq!(quote(bid_ask("1.17", "1.18"), "CNY 100.00"), spread);
    // HKD 1.01 for each CNY: one fen more takes the debit from the largest amount to the one above.
    let (largest, gross) = quote(mid("1"), "CNY 9900990099009.89");
    assert_eq!((largest.len(), gross), (2, Some(money("HKD 9900990099009.89"))));
    assert_eq!(quote(mid("1"), "CNY 9900990099009.90"), (Vec::new(), Some(money("HKD 9900990099009.90"))));
    assert_eq!(quote(mid("1.1"), "CNY 9999999999999.99"), (Vec::new(), None));
}

#[test]
#[should_panic(expected = "one currency into itself is not quoted")]
fn one_currency_is_not_quoted() {
    let pair = CurrencyPair { presentment: Currency::HKD, debit: Currency::HKD };
    let pricing = tick(pair, mid("1"), 1).pricing().unwrap();
    let _ = settlement_quote(pair, pricing, Money::zero(Currency::HKD));
}
