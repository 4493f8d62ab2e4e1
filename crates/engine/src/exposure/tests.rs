use domain::{ExposureLimit, Posting};
use money::Ratio;

use super::*;

const HKD: AccountId = AccountId::house(AccountKind::FxPosition, Currency::HKD);
const BANK: AccountId = AccountId::house(AccountKind::Nostro, Currency::HKD);

fn hkd(units: i128) -> Money {
    Money::new(Currency::HKD, units)
}

fn cny(units: i128) -> Money {
    Money::new(Currency::CNY, units)
}

fn policy(limits: &[(Currency, i128, i128)]) -> Policy {
    let limit = |(currency, soft, hard): &(Currency, i128, i128)| {
        (*currency, ExposureLimit { soft: Money::new(*currency, *soft), hard: Money::new(*currency, *hard) })
    };
    let exposure = limits.iter().map(limit).collect();
    Policy { exposure, ..Policy::basic(Ratio::ZERO, 1_000, Ratio::ZERO) }
}

/// Long so many HKD.
fn ledger(units: i128) -> Ledger {
    let mut ledger = Ledger::default();
    let (debit, credit) = if units < 0 { (HKD, BANK) } else { (BANK, HKD) };
    if units != 0 {
        ledger.post(&[Posting::new(debit, credit, hkd(units.abs())).unwrap()]);
    }
    ledger
}

#[test]
fn a_position_may_grow_to_its_limit_and_not_beyond() {
    let policy = policy(&[(Currency::HKD, 100, 200)]);
    let check = |position, reserved, gained, expected: Result<&[Currency], DeclineReason>| {
        let exposure = Exposure { reserved: BTreeMap::from([(Currency::HKD, hkd(reserved))]) };
        let above = exposure.check(&policy, &ledger(position), || Some((hkd(gained), cny(-9_999))));
        assert_eq!(above.as_deref().map_err(|reason| *reason), expected, "{position} {reserved} {gained}");
    };
    check(0, 0, 100, Ok(&[]));
    check(0, 0, 101, Ok(&[Currency::HKD]));
    check(60, 60, 80, Ok(&[Currency::HKD]));
    check(60, 60, 81, Err(DeclineReason::ExposureLimit));
    // What is open the other way makes room, and what closes a position is never declined nor told.
    check(-150, 0, 350, Ok(&[Currency::HKD]));
    check(-150, 0, 351, Err(DeclineReason::ExposureLimit));
    check(-500, 0, 1, Ok(&[]));
    check(-500, 0, 0, Ok(&[]));
    check(-500, 0, -1, Err(DeclineReason::ExposureLimit));
    check(500, 0, 0, Ok(&[]));
}

#[test]
fn both_currencies_are_bounded_and_told_by_code() {
    let both = policy(&[(Currency::HKD, 10, 1_000), (Currency::CNY, 10, 1_000)]);
    let check = |change| Exposure::default().check(&both, &Ledger::default(), || change);
    assert_eq!(check(Some((hkd(11), cny(-11)))), Ok(alloc::vec![Currency::CNY, Currency::HKD]));
    assert_eq!(check(Some((hkd(11), cny(-10)))), Ok(alloc::vec![Currency::HKD]));
    assert_eq!(check(Some((hkd(1), cny(-1_001)))), Err(DeclineReason::ExposureLimit));
    // Within one currency only the difference stays open.
    assert_eq!(check(Some((hkd(5_000), hkd(-4_995)))), Ok(Vec::new()));
    assert_eq!(check(Some((hkd(5_000), hkd(-3_999)))), Err(DeclineReason::ExposureLimit));
    assert_eq!(check(None), Ok(Vec::new()), "nothing is exchanged");
    assert_eq!(
        Exposure::default().check(&policy(&[]), &Ledger::default(), || Some((hkd(i128::MAX / 2), cny(-1)))),
        Ok(Vec::new()),
        "without a limit there is none"
    );
}

#[test]
fn what_is_reserved_is_released() {
    let mut exposure = Exposure::default();
    exposure.reserve(None, Some((hkd(100), cny(-80))));
    exposure.reserve(Some((hkd(100), cny(-80))), Some((hkd(130), cny(-104))));
    exposure.reserve(None, Some((hkd(10), hkd(-9))));
    let all: Vec<_> = exposure.all(&ledger(7)).collect();
    assert_eq!(all, [(Currency::CNY, cny(0), cny(-104)), (Currency::HKD, hkd(7), hkd(131))]);
    exposure.reserve(Some((hkd(10), hkd(-9))), Some((hkd(0), hkd(0))));
    exposure.reserve(Some((hkd(130), cny(-104))), Some((hkd(0), cny(0))));
    assert!(exposure.all(&Ledger::default()).all(|(_, _, reserved)| reserved.is_zero()));
}
