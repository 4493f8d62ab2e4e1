use domain::{PaymentState, Timestamp};
use money::Currency;

use super::*;
use crate::{
    Boards, Projector,
    script::{Legs, Script, digest},
};

fn fold(script: &Script) -> Arc<Boards> {
    let mut projector = Projector::new();
    projector.apply_batch(&script.records).unwrap();
    projector.boards()
}

/// A payer with money and a merchant, both of the same currency.
fn parties(script: &mut Script) -> (domain::AccountId, domain::AccountId) {
    let (payable, payer) = (script.register(Currency::HKD), script.open(Currency::HKD));
    script.deposit(payer, 1_000);
    (payer, payable)
}

/// The ids and states of a list.
fn listed(page: &PaymentPage) -> Vec<PaymentId> {
    page.payments.iter().map(PaymentView::payment_id).collect()
}

#[test]
fn a_payment_is_seen_as_its_last_change_left_it() {
    let mut script = Script::default();
    let (payer, payable) = parties(&mut script);
    let payment = script.authorize(payer, payable, 100);
    let decided = script.records.last().cloned();
    let check = |script: &Script, state| {
        let view = fold(script).payment(payment).unwrap().unwrap();
        assert_eq!(view.totals(), Some(&script.totals(payment)));
        assert_eq!((view.state(), view.record()), (state, script.records.last().unwrap()));
        assert_eq!((Some(view.decided()), view.payment_id()), (decided.as_ref(), payment));
        assert_eq!(view.expires_at(), Some(Timestamp::EPOCH.plus_millis(1_000_000)));
    };
    check(&script, PaymentState::Authorized);
    script.capture_part(payment, 60);
    check(&script, PaymentState::PartiallyCaptured);
    script.increase(payment, 5);
    check(&script, PaymentState::PartiallyCaptured);
    script.void(payment);
    check(&script, PaymentState::Captured);
    script.refund(payment, 20);
    check(&script, PaymentState::PartiallyRefunded);
    let refund = script.refund_later(payment, 40);
    check(&script, PaymentState::Refunded);
    script.price(&[(payment, refund, 40)]);
    check(&script, PaymentState::Refunded);
}

#[test]
fn a_declined_payment_has_no_totals() {
    let mut script = Script::default();
    let (payer, payable) = parties(&mut script);
    let payment = script.decline(payer, payable);
    let view = fold(&script).payment(payment).unwrap().unwrap();
    assert_eq!((view.state(), view.totals(), view.expires_at()), (PaymentState::Declined, None, None));
    assert_eq!((view.record(), view.refund()), (view.decided(), None));
}

#[test]
fn a_payment_captured_at_once_never_expires() {
    let mut script = Script::default();
    let (payer, payable) = parties(&mut script);
    let payment = script.capture(payer, payable, Legs { mid: 10, markup: 1, presentment: 10, discount: 1 });
    let view = fold(&script).payment(payment).unwrap().unwrap();
    assert_eq!((view.state(), view.expires_at()), (PaymentState::Captured, None));
}

#[test]
fn a_payment_is_seen_right_after_each_of_its_records() {
    let mut script = Script::default();
    let (payer, payable) = parties(&mut script);
    let payment = script.authorize(payer, payable, 100);
    let mut expected = vec![(script.lsn(), Some(script.totals(payment)))];
    script.capture_part(payment, 60);
    expected.push((script.lsn(), Some(script.totals(payment))));
    script.deposit(payer, 1);
    expected.push((script.lsn(), None));
    script.decline_refund(payment);
    expected.push((script.lsn(), Some(script.totals(payment))));
    let other = script.authorize(payer, payable, 1);
    expected.push((script.lsn(), None));
    script.expire(&[other, payment]);
    expected.push((script.lsn(), Some(script.totals(payment))));
    let boards = fold(&script);
    for (lsn, totals) in expected {
        let view = boards.payment_at(payment, lsn).unwrap();
        assert_eq!(view.as_ref().and_then(PaymentView::totals), totals.as_ref(), "lsn {lsn}");
        assert_eq!(view.map(|view| view.record().lsn), totals.map(|_| lsn));
    }
    assert_eq!(boards.payment_at(payment, Lsn::ZERO).unwrap(), None);
    assert_eq!(boards.payment_at(payment, script.lsn().next()).unwrap(), None);
    assert_eq!(boards.payment_at(PaymentId::from_bytes([9; 16]), script.lsn()).unwrap(), None);
}

#[test]
fn a_declined_refund_is_listed_and_leaves_the_payment_as_it_was() {
    let mut script = Script::default();
    let (payer, payable) = parties(&mut script);
    let payment = script.authorize(payer, payable, 100);
    script.capture_part(payment, 60);
    let captured_at = script.lsn();
    let refund = script.decline_refund(payment);
    let boards = fold(&script);
    assert_eq!(boards.payment(payment).unwrap().map(|view| view.record().lsn), Some(captured_at));
    let view = boards.payment_at(payment, script.lsn()).unwrap().unwrap();
    assert_eq!(view.refund().map(RefundView::refund_id), Some(refund));
    assert_eq!(view.totals(), Some(&script.totals(payment)));
    assert_eq!(boards.refunds(payment, 9).unwrap().len(), 1);
}

#[test]
fn refunds_come_oldest_first_with_what_priced_them() {
    let mut script = Script::default();
    let (payer, payable) = parties(&mut script);
    let payment = script.authorize(payer, payable, 100);
    script.capture_part(payment, 100);
    let first = script.refund(payment, 1);
    let second = script.refund_later(payment, 2);
    let declined = script.decline_refund(payment);
    let third = script.refund_later(payment, 3);
    let fourth = script.refund_later(payment, 4);
    let asked_at = script.lsn();
    script.price(&[(payment, second, 20), (payment, third, 30)]);
    let boards = fold(&script);

    let seen = |limit| -> Vec<_> {
        let priced = |refund: &RefundView| refund.priced().map(|(_, priced)| priced.debit_amount.minor_units());
        boards.refunds(payment, limit).unwrap().iter().map(|refund| (refund.refund_id(), priced(refund))).collect()
    };
    let all = [(first, None), (second, Some(20)), (declined, None), (third, Some(30)), (fourth, None)];
    assert_eq!(seen(9), all);
    assert_eq!(seen(4), all[1..]);
    assert_eq!(seen(0), []);
    // As it was when it was asked, it was pending.
    let then = boards.payment_at(payment, asked_at).unwrap().unwrap();
    assert_eq!(then.refund().map(|refund| (refund.refund_id(), refund.priced())), Some((fourth, None)));
    assert_eq!(boards.payment(payment).unwrap().and_then(|view| view.refund().map(RefundView::refund_id)), Some(third));
}

#[test]
fn what_a_payer_paid_is_what_moved() {
    let mut script = Script::default();
    let (payer, payable) = parties(&mut script);
    let declined = script.decline(payer, payable);
    let payment = script.authorize(payer, payable, 100);
    let mut expected = vec![(script.lsn(), 0)];
    script.capture_part(payment, 60);
    expected.push((script.lsn(), 60));
    script.refund(payment, 10);
    expected.push((script.lsn(), 50));
    script.withdraw(payer, 1);
    expected.push((script.lsn(), 50));
    let (first, second) = (script.refund_later(payment, 2), script.refund_later(payment, 3));
    expected.push((script.lsn(), 50));
    script.price(&[(payment, first, 4), (payment, second, 8)]);
    expected.push((script.lsn(), 38));
    script.capture_part(payment, 40);
    expected.push((script.lsn(), 78));
    let boards = fold(&script);
    for (lsn, minor_units) in expected {
        let net = boards.net_debit(payment, lsn).unwrap().map(Money::minor_units);
        assert_eq!(net, Some(minor_units), "lsn {lsn}");
    }
    assert_eq!(boards.net_debit(declined, script.lsn()).unwrap(), None);
    assert_eq!(boards.net_debit(PaymentId::from_bytes([9; 16]), script.lsn()).unwrap(), None);
}

#[test]
fn a_payment_is_found_by_the_key_it_was_asked_under() {
    let mut script = Script::default();
    let (payer, payable) = parties(&mut script);
    let (approved, declined) = (script.authorize(payer, payable, 1), script.decline(payer, payable));
    script.void(approved);
    let boards = fold(&script);
    let tenant = TenantId::Merchant(MerchantId(payable.index));
    let found = |tenant, byte| {
        boards.payment_by_key(tenant, digest(byte)).unwrap().map(|view| (view.payment_id(), view.state()))
    };
    assert_eq!(found(tenant, 1), Some((approved, PaymentState::Voided)));
    assert_eq!(found(tenant, 2), Some((declined, PaymentState::Declined)));
    assert_eq!(found(tenant, 3), None);
    assert_eq!(found(TenantId::Merchant(MerchantId(9)), 1), None);
}

#[test]
fn an_order_shows_the_payment_that_holds_it_else_the_last() {
    const ORDER: Option<u8> = Some(77);
    let mut script = Script::default();
    let (payer, payable) = parties(&mut script);
    let other_payable = script.register(Currency::HKD);
    let check = |script: &Script, expected: Option<PaymentId>| {
        let found = fold(script).payment_by_order(MerchantId(payable.index), digest(77)).unwrap();
        assert_eq!(found.map(|view| view.payment_id()), expected);
    };
    check(&script, None);
    script.authorize_order(payer, other_payable, 1, ORDER);
    check(&script, None);
    let first_decline = script.decline_order(payer, payable, ORDER);
    check(&script, Some(first_decline));
    let held = script.authorize_order(payer, payable, 10, ORDER);
    check(&script, Some(held));
    script.decline_order(payer, payable, ORDER);
    let last_decline = script.decline_order(payer, payable, ORDER);
    check(&script, Some(held));
    script.void(held);
    check(&script, Some(last_decline));
    let captured = script.authorize_order(payer, payable, 10, ORDER);
    script.capture_part(captured, 4);
    script.expire(&[captured]);
    script.refund(captured, 4);
    script.decline_order(payer, payable, ORDER);
    check(&script, Some(captured));
}

#[test]
fn an_order_without_a_decline_shows_its_ended_payment_until_there_is_another() {
    let mut script = Script::default();
    let (payer, payable) = parties(&mut script);
    let ended = script.authorize_order(payer, payable, 10, Some(77));
    script.expire(&[ended]);
    let check = |script: &Script, expected| {
        let found = fold(script).payment_by_order(MerchantId(payable.index), digest(77)).unwrap();
        assert_eq!(found.map(|view| view.payment_id()), Some(expected));
    };
    check(&script, ended);
    let decline = script.decline_order(payer, payable, Some(77));
    check(&script, decline);
}

/// Three payments of one merchant and one of another, in this order: held, declined, of the other, captured.
fn four_payments() -> (Script, [PaymentId; 4]) {
    let mut script = Script::default();
    let (payer, payable) = parties(&mut script);
    let other_payable = script.register(Currency::CNY);
    let payments = [
        script.authorize(payer, payable, 10),
        script.decline(payer, payable),
        script.capture(payer, other_payable, Legs { mid: 10, markup: 1, presentment: 10, discount: 1 }),
        script.authorize(payer, payable, 10),
    ];
    script.capture_part(payments[3], 10);
    (script, payments)
}

#[test]
fn payments_are_listed_in_order_by_merchant_or_for_all() {
    let (script, payments) = four_payments();
    let boards = fold(&script);
    let all = |merchant| boards.list(merchant, &PaymentFilter::default(), Lsn::ZERO, 50, LIST_SCAN_MAX).unwrap();
    assert_eq!((listed(&all(None)), all(None).next), (payments.to_vec(), None));
    assert_eq!(listed(&all(Some(MerchantId(0)))), [payments[0], payments[1], payments[3]]);
    assert_eq!(listed(&all(Some(MerchantId(1)))), [payments[2]]);
    assert_eq!(all(Some(MerchantId(2))), PaymentPage::default());
    assert_eq!(all(None).payments.last(), boards.payment(payments[3]).unwrap().as_ref(), "as it stands now");
}

#[test]
fn every_filter_given_must_fit() {
    let (script, payments) = four_payments();
    let boards = fold(&script);
    let check = |filter: &PaymentFilter, expected: &[PaymentId]| {
        assert_eq!(listed(&boards.list(None, filter, Lsn::ZERO, 50, LIST_SCAN_MAX).unwrap()), expected, "{filter:?}");
    };
    let any = PaymentFilter::default;
    let states = |states: &[PaymentState]| PaymentFilter { states: states.to_vec(), ..any() };
    check(&states(&[PaymentState::Captured]), &payments[2..]);
    check(&states(&[PaymentState::Captured, PaymentState::Declined]), &payments[1..]);
    check(&states(&[PaymentState::Refunded]), &[]);
    let hkd = PaymentFilter { presentment_currency: Some(Currency::HKD), ..any() };
    check(&hkd, &[payments[0], payments[1], payments[3]]);
    check(
        &PaymentFilter { presentment_currency: Some(Currency::HKD), ..states(&[PaymentState::Captured]) },
        &payments[3..],
    );
    let at = |payment| boards.payment(payment).unwrap().map(|view| view.decided().at);
    check(&PaymentFilter { decided_from: at(payments[1]), ..any() }, &payments[1..]);
    check(&PaymentFilter { decided_to: at(payments[1]), ..any() }, &payments[..1]);
    check(&PaymentFilter { decided_from: at(payments[1]), decided_to: at(payments[3]), ..any() }, &payments[1..3]);
    check(&PaymentFilter { decided_from: at(payments[3]), decided_to: at(payments[1]), ..any() }, &[]);
}

#[test]
fn pages_join_without_gap_or_repeat_while_payments_arrive() {
    let mut script = Script::default();
    let (payer, payable) = parties(&mut script);
    let mut projector = Projector::new();
    let boards = projector.boards();
    let (mut written, mut found, mut cursor) = (Vec::new(), Vec::new(), ListPlace::default());
    for _ in 0..20 {
        written.push(script.authorize(payer, payable, 1));
        written.push(script.decline(payer, payable));
        let applied = usize::try_from(boards.applied_lsn().get()).unwrap();
        projector.apply_batch(&script.records[applied..]).unwrap();
        let page = boards.list(None, &PaymentFilter::default(), cursor, 1, LIST_SCAN_MAX).unwrap();
        found.extend(listed(&page));
        cursor = page.next.unwrap_or(cursor);
    }
    while let PaymentPage { payments, next: Some(next) } =
        boards.list(None, &PaymentFilter::default(), cursor, 3, LIST_SCAN_MAX).unwrap()
    {
        found.extend(payments.iter().map(PaymentView::payment_id));
        cursor = next;
    }
    found.extend(listed(&boards.list(None, &PaymentFilter::default(), cursor, 3, LIST_SCAN_MAX).unwrap()));
    assert_eq!(found, written);
}

#[test]
fn a_page_looks_at_no_more_payments_than_it_may() {
    let (script, payments) = four_payments();
    let boards = fold(&script);
    let captured = PaymentFilter { states: vec![PaymentState::Captured], ..PaymentFilter::default() };
    let check = |scan_max, (limit, after), expected: &[PaymentId], next: Option<PaymentId>| {
        let page = boards.list(None, &captured, after, limit, scan_max).unwrap();
        let next =
            next.and_then(|payment| boards.payment(payment).unwrap()).map(|view| ListPlace::from(view.decided().lsn));
        assert_eq!((listed(&page).as_slice(), page.next), (expected, next));
    };
    check(2, (50, Lsn::ZERO), &[], Some(payments[1]));
    check(3, (50, Lsn::ZERO), &payments[2..3], Some(payments[2]));
    check(4, (50, Lsn::ZERO), &payments[2..], None);
    check(4, (1, Lsn::ZERO), &payments[2..3], Some(payments[2]));
    check(4, (2, Lsn::ZERO), &payments[2..], None);
    let second = boards.payment(payments[1]).unwrap().map(|view| view.decided().lsn).unwrap();
    check(2, (50, second), &payments[2..], None);
}

#[test]
fn a_page_may_end_within_a_record_of_several_payments() {
    let mut script = Script::default();
    let (payer, payable) = parties(&mut script);
    let mut written = vec![script.authorize(payer, payable, 1)];
    for count in [3_usize, 1, 4] {
        let start = script.records.len();
        written.extend((0..count).map(|_| script.authorize(payer, payable, 1)));
        script.join(start);
    }
    written.push(script.authorize(payer, payable, 1));
    let boards = fold(&script);
    for merchant in [None, Some(MerchantId(payable.index))] {
        for limit in 1..=written.len() {
            let (mut found, mut place) = (Vec::new(), Some(ListPlace::default()));
            while let Some(after) = place {
                let page = boards.list(merchant, &PaymentFilter::default(), after, limit, LIST_SCAN_MAX).unwrap();
                assert!(page.payments.len() <= limit);
                found.extend(listed(&page));
                place = page.next.map(|next| ListPlace::from_number(next.number()));
            }
            assert_eq!(found, written, "pages of {limit}");
        }
    }
}

#[test]
fn a_place_is_a_number_that_rises_with_the_record() {
    let behind = |lsn: u64| ListPlace::from(Lsn::new(lsn));
    assert_eq!(behind(17).number(), 17, "tokens of before mean what they meant");
    assert!(behind(17) < behind(17).next(Lsn::new(17)) && behind(17).next(Lsn::new(17)) < behind(18));
    for number in [0, 17, (1 << 48) - 1, 1 << 48, u64::MAX] {
        assert_eq!(ListPlace::from_number(number).number(), number);
    }
}
