use alloc::{vec, vec::Vec};

use domain::{AccountKind, Conversions, Converted, Label, Lsn, Pricing};
use money::{Prices, Rate, Ratio};

use super::*;

const PAYER: AccountId = AccountId { kind: AccountKind::Wallet, currency: Currency::HKD, index: 0 };
const PAIR: CurrencyPair = CurrencyPair { presentment: Currency::CNY, debit: Currency::HKD };
const OPEN: Phase = Phase::Open { expires_at: Timestamp::from_micros(100) };

pub(super) fn cny(units: i128) -> Money {
    Money::new(Currency::CNY, units)
}

pub(super) fn hkd(units: i128) -> Money {
    Money::new(Currency::HKD, units)
}

/// CNY presented, HKD debited at this rate, and settled in HKD at the same, or in CNY.
fn legs(rate: &str, settlement: Currency, discount: &str) -> Arc<Legs> {
    let pricing = || Pricing {
        prices: Prices::mid_only(Rate::parse(rate).unwrap().into()),
        rate_lsn: Lsn::new(1),
        cross_lsn: None,
        as_of: Timestamp::EPOCH,
        source: Label::new("test").unwrap(),
    };
    let conversions = Conversions {
        debit: Converted::quoted(domain::debit_quote(PAIR, pricing(), Ratio::ZERO, 0, Weight::ONE, cny(1))),
        settlement: match settlement == Currency::CNY {
            true => Converted::SameCurrency,
            false => Converted::quoted(domain::settlement_quote(PAIR, pricing(), cny(1))),
        },
    };
    let discount = Ratio::parse(discount).unwrap();
    Arc::new(Legs::new(Currency::CNY, Currency::HKD, settlement, &conversions, (discount, None)).unwrap())
}

pub(super) fn payment(tranches: &[(&str, i128)]) -> Payment {
    let tranche = |(rate, units): &(&str, i128)| Tranche::new(legs(rate, Currency::CNY, "0"), Weight::ONE, cny(*units));
    Payment {
        merchant: MerchantId(0),
        payer: PAYER,
        order: Digest([0; 16]),
        tranches: Tranches::from(tranches.iter().map(tranche)).unwrap(),
        phase: OPEN,
        consented: None,
        mandate: None,
        pending_refunds: 0,
        changed: domain::Lsn::new(1),
        card: None,
    }
}

fn counters(payment: &Payment, of: impl Fn(&Tranche) -> Money) -> Vec<i128> {
    payment.tranches.iter().map(|tranche| of(tranche).minor_units()).collect()
}

#[test]
fn captures_and_refunds_go_through_tranches_oldest_first() {
    let held = payment(&[("1.1", 10), ("1.3", 10)]);
    let captured = held.after_capture(cny(12));
    assert_eq!(counters(&captured, |tranche| tranche.captured), [10, 2]);
    let refunded = captured.after_refund(cny(7));
    let (both, original_mid) = refunded.after_repriced_refund(cny(4));
    assert_eq!(counters(&both, |tranche| tranche.refunded), [7, 0]);
    assert_eq!(counters(&both, |tranche| tranche.refunded_repriced), [3, 1]);
    // 3 at 1.1 is 3.3, 1 at 1.3 is 1.3.
    assert_eq!(original_mid, hkd(3 + 1));
    assert_eq!((both.captured(), both.refunded()), (cny(12), cny(11)));
    assert_eq!(counters(&both.after_capture(cny(8)), |tranche| tranche.captured), [10, 10], "nothing is taken twice");
}

#[test]
fn the_parts_of_a_repriced_refund_are_worth_the_whole_at_mid() {
    let captured = payment(&[("1.17", 10), ("1.33", 10)]).after_capture(cny(20));
    let (_, whole) = captured.after_repriced_refund(cny(20));
    for part in 1..20 {
        let (first, one) = captured.after_repriced_refund(cny(part));
        let (_, two) = first.after_repriced_refund(cny(20 - part));
        assert_eq!(plus(one, two), whole, "{part}");
    }
    assert_eq!(whole, captured.levels().mid);
}

#[test]
fn a_hold_is_what_captures_can_still_debit() {
    let held = payment(&[("1.15", 10)]);
    assert_eq!(held.held(), hkd(12), "11.5 up");
    let captured = held.after_capture(cny(3));
    assert_eq!((captured.levels().debit, captured.held()), (hkd(4), hkd(8)));
    // What was given back is not debited again: 8 can be debited, 9.2 up, and 1 is, 1.15 up.
    let refunded = captured.after_refund(cny(2));
    assert_eq!((refunded.levels().debit, refunded.held()), (hkd(2), hkd(8)));
    let all = refunded.after_capture(cny(7));
    assert_eq!((all.levels().debit, all.held(), all.phase), (hkd(10), hkd(0), Phase::Closed(Closed::Captured)));
    assert!(captured.closed(Closed::Voided).held().is_zero());
}

#[test]
fn a_state_follows_from_what_was_captured_and_refunded() {
    let held = payment(&[("1", 10)]);
    let part = held.after_capture(cny(4));
    let closed = part.closed(Closed::Captured);
    let states = [
        (held.state(), PaymentState::Authorized),
        (held.closed(Closed::Voided).state(), PaymentState::Voided),
        (held.closed(Closed::Expired).state(), PaymentState::Expired),
        (part.state(), PaymentState::PartiallyCaptured),
        (part.after_refund(cny(4)).state(), PaymentState::PartiallyCaptured),
        (part.closed(Closed::Voided).state(), PaymentState::Captured),
        (part.closed(Closed::Expired).state(), PaymentState::Captured),
        (held.after_capture(cny(10)).state(), PaymentState::Captured),
        (closed.after_refund(cny(3)).state(), PaymentState::PartiallyRefunded),
        (closed.after_refund(cny(4)).state(), PaymentState::Refunded),
        (closed.after_repriced_refund(cny(4)).0.state(), PaymentState::Refunded),
    ];
    for (state, expected) in states {
        assert_eq!(state, expected);
    }
}

#[test]
fn a_hold_that_is_due_stands_as_expired() {
    let (before, due) = (Timestamp::from_micros(99), Timestamp::from_micros(100));
    let held = payment(&[("1", 10)]);
    let part = held.after_capture(cny(1));
    let refused = |state, asked| Err(Refusal::MoveNotAllowed { state, asked });
    for asked in [PaymentMove::Capture, PaymentMove::Void, PaymentMove::Increase] {
        assert_eq!(held.allows(asked, before), Ok(()));
        assert_eq!(held.allows(asked, due), refused(PaymentState::Expired, asked));
        assert_eq!(part.allows(asked, before), Ok(()));
        assert_eq!(part.allows(asked, due), refused(PaymentState::Captured, asked));
    }
    let asked = PaymentMove::Refund;
    assert_eq!(held.allows(asked, before), refused(PaymentState::Authorized, asked));
    assert_eq!(held.allows(asked, due), refused(PaymentState::Expired, asked));
    assert_eq!((part.allows(asked, before), part.allows(asked, due)), (Ok(()), Ok(())));
}

#[test]
fn an_increase_at_the_last_quote_grows_its_tranche_and_at_another_adds_one() {
    let increase =
        |payment: &Payment, rate| payment.after_increase(legs(rate, Currency::CNY, "0"), Weight::ONE, cny(5));
    let mut grown = payment(&[("1.1", 10)]);
    for (rate, authorized) in
        [("1.1", vec![15]), ("1.2", vec![15, 5]), ("1.20", vec![15, 10]), ("1.1", vec![15, 10, 5])]
    {
        grown = increase(&grown, rate).unwrap();
        assert_eq!(counters(&grown, |tranche| tranche.authorized), authorized);
    }
    let heavier = grown.after_increase(legs("1.1", Currency::CNY, "0"), Weight::parse("2").unwrap(), cny(5));
    assert_eq!(heavier.unwrap().tranches.iter().count(), 4, "another weight is another quote");
    for rate in ["1.2", "1.1", "1.2", "1.1", "1.2"] {
        grown = increase(&grown, rate).unwrap();
    }
    assert_eq!(grown.tranches.iter().count(), TRANCHES_MAX);
    assert_eq!(increase(&grown, "1.1"), Err(Refusal::TooManyTranches));
    assert!(increase(&grown, "1.2").is_ok());
}

#[test]
fn a_payment_grows_no_larger_than_one_amount_in_any_currency() {
    let most = i128::from(AMOUNT_MINOR_UNITS_MAX);
    let check = |rate, settlement, discount, whole: i128, more: i128, fits: bool| {
        let legs = legs(rate, settlement, discount);
        let one = Payment {
            tranches: Tranches::new(Tranche::new(Arc::clone(&legs), Weight::ONE, cny(whole))),
            ..payment(&[("1", 1)])
        };
        let grown = one.after_increase(legs, Weight::ONE, cny(more));
        assert_eq!(grown.err(), (!fits).then_some(Refusal::PaymentTooLarge), "{rate} {discount} {whole} {more}");
    };
    check("1", Currency::CNY, "0", most - 5, 5, true);
    check("1", Currency::CNY, "0", most - 5, 6, false);
    check("1", Currency::CNY, "0", most, most, false);
    check("2", Currency::CNY, "0", most / 2 - 5, 5, true);
    check("2", Currency::CNY, "0", most / 2 - 5, 6, false);
    // What the merchant gets is one posting before its discount is another.
    check("10", Currency::HKD, "0.5", 99_999_999_999_999, 1, false);
    check("10", Currency::HKD, "0.5", 99_999_999_999_998, 1, true);
}

#[test]
fn an_order_is_held_until_its_payment_ends_with_nothing_captured() {
    let id = |number| PaymentId::from_bytes([number; 16]);
    let order = (MerchantId(0), Digest([0; 16]));
    let mut payments = Payments::default();
    let held = payment(&[("1", 10)]);
    for (number, ended) in [(1, held.closed(Closed::Voided)), (2, held.closed(Closed::Expired))] {
        payments.approved(id(number), held.clone());
        assert_eq!(payments.expiries.first(), Some(&(Timestamp::from_micros(100), id(number))));
        payments.changed(id(number), &held, ended);
        assert!(payments.table.holder(order.0, order.1).is_none() && payments.expiries.is_empty());
    }
    payments.approved(id(3), held.clone());
    let captured = held.after_capture(cny(1));
    payments.changed(id(3), &held, captured.clone());
    payments.changed(id(3), &captured, captured.closed(Closed::Voided));
    assert_eq!(payments.table.holder(order.0, order.1), Some(id(3)));
    assert!(payments.expiries.is_empty());
    assert_eq!(payments.of_merchant(MerchantId(1), id(3)).err(), Some(Refusal::PaymentNotFound), "not the caller's");
}
