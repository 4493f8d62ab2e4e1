use money::Currency;

use super::*;
use crate::script::{CNY_TO_HKD, policy, policy_installed, rates_published, tick};

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
    let hkd = TickInForce { lsn: Lsn::new(3), tick: tick(CNY_TO_HKD, "1.18") };
    assert_eq!(book.in_force(CNY_TO_HKD), Some(hkd));
    assert_eq!(book.in_force(CNY_TO_EUR).map(|in_force| in_force.lsn), Some(Lsn::new(2)));
}

#[test]
fn a_pair_is_not_its_reverse() {
    let book = book(&[rates_published(2, &[tick(CNY_TO_HKD, "1.17")])]);
    assert_eq!(book.in_force(HKD_TO_CNY), None);
}

#[test]
fn all_rates_come_by_presentment_and_debit_currency() {
    let ticks = [tick(HKD_TO_CNY, "0.85"), tick(CNY_TO_HKD, "1.17"), tick(CNY_TO_EUR, "0.13")];
    let pairs: Vec<_> = book(&[rates_published(2, &ticks)]).all().iter().map(|in_force| in_force.tick.pair).collect();
    assert_eq!(pairs, [CNY_TO_EUR, CNY_TO_HKD, HKD_TO_CNY]);
}

#[test]
fn the_policy_is_the_last_installed() {
    assert_eq!(RateBook::new().policy(), None);
    assert_eq!(book(&[policy_installed()]).policy(), Some(policy()));
}
