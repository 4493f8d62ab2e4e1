use domain::{Lsn, RateTick, TickPrice};
use money::{Currency, Rate};

use super::*;
use crate::{Boards, Projector, script::Script};

const CNY_TO_HKD: CurrencyPair = CurrencyPair { presentment: Currency::CNY, debit: Currency::HKD };
const HKD_TO_CNY: CurrencyPair = CurrencyPair { presentment: Currency::HKD, debit: Currency::CNY };

fn check(
    boards: &Boards,
    pair: CurrencyPair,
    (before, limit): (Option<usize>, usize),
    expected: (&[&str], Option<usize>),
) {
    let page = boards.rates(pair, before, limit).unwrap();
    let line = |published: &PublishedTick| {
        let PublishedTick { lsn, tick: RateTick { price, .. }, move_ppm } = published;
        let TickPrice::Mid(mid) = price else { panic!("the script publishes mids") };
        format!("lsn {lsn} {mid} moved {move_ppm}")
    };
    let lines: Vec<_> = page.ticks.iter().map(line).collect();
    assert_eq!((lines, page.next), (expected.0.iter().map(ToString::to_string).collect(), expected.1));
}

#[test]
fn rates_come_newest_first_in_pages_that_stay_where_they_are() {
    let mut script = Script::default();
    let mut projector = Projector::new();
    let boards = projector.boards();
    check(&boards, CNY_TO_HKD, (None, 2), (&[], None));
    for (mid_rate, move_ppm) in [("1.17", 0), ("1.18", 8_547), ("1.19", 8_474)] {
        script.publish(CNY_TO_HKD, mid_rate, move_ppm);
    }
    script.publish(HKD_TO_CNY, "0.85", 0);
    projector.apply_batch(&script.records).unwrap();
    check(&boards, HKD_TO_CNY, (None, 2), (&["lsn 4 0.85 moved 0"], None));
    check(&boards, CNY_TO_HKD, (None, 2), (&["lsn 3 1.19 moved 8474", "lsn 2 1.18 moved 8547"], Some(1)));
    script.publish(CNY_TO_HKD, "1.20", 8_403);
    projector.apply_batch(&script.records[4..]).unwrap();
    check(&boards, CNY_TO_HKD, (Some(1), 2), (&["lsn 1 1.17 moved 0"], None));
    check(&boards, CNY_TO_HKD, (Some(0), 2), (&[], None));
    check(&boards, CNY_TO_HKD, (Some(usize::MAX), 1), (&["lsn 5 1.20 moved 8403"], Some(3)));
}

#[test]
fn a_record_from_before_volatility_was_told_has_none() {
    let mut script = Script::default();
    script.publish(CNY_TO_HKD, "1.17", 5);
    let record =
        Record { event: Event::RatesPublished(RatesPublished::default()), ..Record::clone(&script.records[0]) };
    let mut projector = Projector::new();
    projector.apply(&Arc::new(record)).unwrap();
    let tick = projector.boards().rates(CNY_TO_HKD, None, 1).unwrap().ticks.pop().unwrap();
    assert_eq!((tick.lsn, tick.move_ppm), (Lsn::new(1), 0));
    assert_eq!(tick.tick.price, TickPrice::Mid(Rate::parse("1.17").unwrap()));
}
