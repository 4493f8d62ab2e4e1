use money::Currency;

use super::*;
use crate::script::{CNY_TO_HKD, at_ms, policy, policy_installed, rates_published, tick};

const CNY_TO_EUR: CurrencyPair = CurrencyPair { presentment: Currency::CNY, debit: Currency::EUR };
const HKD_TO_CNY: CurrencyPair = CurrencyPair { presentment: Currency::HKD, debit: Currency::CNY };

fn book(records: &[Record]) -> RateBook {
    let book = RateBook::new();
    for record in records {
        book.observe(record);
    }
    book
}

#[test]
fn the_last_published_rate_is_in_force() {
    let book = book(&[
        rates_published(2, &[tick(CNY_TO_HKD, "1.17"), tick(CNY_TO_EUR, "0.13")]),
        rates_published(3, &[tick(CNY_TO_HKD, "1.18")]),
    ]);
    let hkd = PublishedTick { lsn: Lsn::new(3), tick: tick(CNY_TO_HKD, "1.18"), move_ppm: 1 };
    assert_eq!(book.last(CNY_TO_HKD), Some(hkd));
    let eur = PublishedTick { lsn: Lsn::new(2), tick: tick(CNY_TO_EUR, "0.13"), move_ppm: 2 };
    assert_eq!(book.last(CNY_TO_EUR), Some(eur));
}

#[test]
fn a_pair_is_not_its_reverse() {
    let book = book(&[rates_published(2, &[tick(CNY_TO_HKD, "1.17")])]);
    assert_eq!(book.last(HKD_TO_CNY), None);
}

#[test]
fn all_rates_come_by_presentment_and_debit_currency() {
    let ticks = [tick(HKD_TO_CNY, "0.85"), tick(CNY_TO_HKD, "1.17"), tick(CNY_TO_EUR, "0.13")];
    let pairs: Vec<_> = book(&[rates_published(2, &ticks)]).all().iter().map(|published| published.tick.pair).collect();
    assert_eq!(pairs, [CNY_TO_EUR, CNY_TO_HKD, HKD_TO_CNY]);
}

#[test]
fn a_record_from_before_volatility_was_told_has_none() {
    let record = Record {
        event: Event::RatesPublished(RatesPublished::default()),
        ..rates_published(2, &[tick(CNY_TO_HKD, "1")])
    };
    assert_eq!(book(&[record]).last(CNY_TO_HKD).map(|published| published.move_ppm), Some(0));
}

#[test]
fn the_policy_is_the_last_installed() {
    assert_eq!(RateBook::new().policy(), None);
    let first = Policy { pivot: Some(Currency::EUR), ..policy() };
    let book = book(&[policy_installed(first), policy_installed(policy())]);
    assert_eq!(book.policy(), Some(Arc::new(policy())));
}

#[test]
fn a_price_is_of_the_pairs_own_rate_or_crossed_by_the_policy() {
    let eur_to = |debit| CurrencyPair { presentment: Currency::EUR, debit };
    let rates = [rates_published(2, &[tick(eur_to(Currency::HKD), "9"), tick(eur_to(Currency::CNY), "8")])];
    let check = |policy: Option<Policy>, pair, ms, expected| {
        let book = book(&rates);
        policy.into_iter().for_each(|policy| book.observe(&policy_installed(policy)));
        assert_eq!(book.price(pair, at_ms(ms)).map(|price| price.move_ppm), expected);
    };
    let crossing = || Some(Policy { pivot: Some(Currency::EUR), ..policy() });
    check(crossing(), eur_to(Currency::HKD), 59_999, Ok(1));
    check(crossing(), CNY_TO_HKD, 59_999, Ok(2));
    check(crossing(), CNY_TO_HKD, 60_000, Err(Unavailable::RateStale(CNY_TO_HKD)));
    check(Some(policy()), CNY_TO_HKD, 0, Err(Unavailable::RateMissing(CNY_TO_HKD)));
    check(None, eur_to(Currency::HKD), 0, Err(Unavailable::RateMissing(eur_to(Currency::HKD))));
}
