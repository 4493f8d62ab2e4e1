use domain::PaymentState;
use money::Currency;

use super::*;
use crate::{Boards, Projector, script::Script};

fn fold(script: &Script, retained: usize) -> Arc<Boards> {
    let mut projector = Projector::with_watch_retained(retained);
    projector.apply_batch(&script.records).unwrap();
    projector.boards()
}

/// A payer with money and two merchants, all of one currency. Writes 4 records.
fn parties(script: &mut Script) -> (domain::AccountId, [domain::AccountId; 2]) {
    let payables = [script.register(Currency::HKD), script.register(Currency::HKD)];
    let payer = script.open(Currency::HKD);
    script.deposit(payer, 1_000);
    (payer, payables)
}

/// One line for each record: its position, and each payment with its state right after it.
fn lines(batch: &WatchBatch) -> Vec<String> {
    let of_payment = |view: &PaymentView| {
        assert!(view.record().lsn <= batch.up_to);
        format!(" {}:{}", view.payment_id().bytes()[0], view.state().as_str())
    };
    let of_record = |watched: &WatchedRecord| {
        let payments: String = watched.payments.iter().map(of_payment).collect();
        format!("{}{payments}", watched.record.lsn)
    };
    batch.records.iter().map(of_record).collect()
}

fn check(boards: &Boards, merchant: Option<u32>, (after, limit): (u64, usize), expected: (&[&str], u64)) {
    let batch = boards.watch_from(merchant.map(MerchantId), Lsn::new(after), limit).unwrap();
    let (expected, up_to) = expected;
    assert_eq!((lines(&batch), batch.up_to.get()), (expected.iter().map(ToString::to_string).collect(), up_to));
}

/// Lsn 5 to 12: two payments of two merchants, and what becomes of them.
fn two_payments() -> Script {
    let mut script = Script::default();
    let (payer, [first_payable, second_payable]) = parties(&mut script);
    let first = script.authorize(payer, first_payable, 10);
    let second = script.authorize(payer, second_payable, 10);
    script.capture_part(first, 4);
    script.deposit(payer, 1);
    script.expire(&[first, second]);
    let refunds = [script.refund_later(first, 1), script.refund_later(first, 2)];
    script.price(&refunds.map(|refund| (first, refund, 1)));
    script.deposit(payer, 1);
    script
}

const OF_ALL: [&str; 7] = [
    "5 1:authorized",
    "6 2:authorized",
    "7 1:partially_captured",
    "9 1:captured 2:expired",
    "10 1:partially_refunded",
    "11 1:partially_refunded",
    "12 1:partially_refunded 1:partially_refunded",
];

fn refused(boards: &Boards, merchant: Option<MerchantId>, after: u64) -> BelowRetained {
    match boards.watch_from(merchant, Lsn::new(after), 100) {
        Err(WatchError::BelowRetained(below)) => below,
        other => panic!("a watch too far behind is refused: {other:?}"),
    }
}

#[test]
fn every_record_about_a_payment_is_told_once_with_the_payment_right_after_it() {
    let boards = fold(&two_payments(), WATCH_RETAINED_RECORDS);
    check(&boards, None, (0, 100), (&OF_ALL, 13));
    check(&boards, None, (0, 2), (&OF_ALL[..2], 6));
    check(&boards, None, (6, 2), (&OF_ALL[2..4], 9));
    check(&boards, None, (8, 3), (&OF_ALL[3..6], 11));
    // The last one is told: there is nothing more up to the end.
    check(&boards, None, (11, 1), (&OF_ALL[6..], 13));
    check(&boards, None, (13, 1), (&[], 13));
    check(&boards, None, (99, 1), (&[], 99));
}

#[test]
fn a_merchant_is_told_of_its_own_payments_only() {
    let boards = fold(&two_payments(), WATCH_RETAINED_RECORDS);
    check(&boards, Some(1), (0, 100), (&["6 2:authorized", "9 2:expired"], 13));
    check(&boards, Some(1), (0, 1), (&["6 2:authorized"], 6));
    check(&boards, Some(1), (9, 1), (&[], 13));
    check(&boards, Some(7), (0, 1), (&[], 13));
}

#[test]
fn a_priced_refund_is_told_as_such_and_a_declined_one_too() {
    let mut script = two_payments();
    let first = PaymentId::from_bytes([1; 16]);
    let declined = script.decline_refund(first);
    let boards = fold(&script, WATCH_RETAINED_RECORDS);
    let batch = boards.watch_from(None, Lsn::new(9), 100).unwrap();
    let refunds = batch.records.iter().flat_map(|watched| &watched.payments).map(|view| {
        let refund = view.refund().unwrap();
        (refund.refund_id().bytes()[0], refund.priced().is_some())
    });
    assert_eq!(refunds.collect::<Vec<_>>(), [(1, false), (2, false), (1, true), (2, true), (3, false)]);
    let last = batch.records.last().map(|watched| watched.payments[0].clone()).unwrap();
    assert_eq!(last.refund().map(crate::RefundView::refund_id), Some(declined));
    assert_eq!(last.state(), PaymentState::PartiallyRefunded);
}

#[test]
fn what_is_no_longer_kept_is_said_to_be_so() {
    let script = two_payments();
    let boards = fold(&script, 3);
    check(&boards, None, (9, 100), (&OF_ALL[4..], 13));
    check(&boards, None, (10, 100), (&OF_ALL[5..], 13));
    for (merchant, after) in [(None, 0), (None, 8), (Some(MerchantId(1)), 8)] {
        let below = BelowRetained { first: Lsn::new(10) };
        assert_eq!(refused(&boards, merchant, after), below);
    }
    assert_eq!(refused(&fold(&script, 0), None, 0), BelowRetained { first: Lsn::new(13) });
}

#[test]
fn a_watcher_that_follows_misses_nothing_and_repeats_nothing() {
    let script = two_payments();
    let mut projector = Projector::new();
    let boards = projector.boards();
    let (mut after, mut told) = (Lsn::ZERO, Vec::new());
    for record in &script.records {
        projector.apply(record).unwrap();
        let batch = boards.watch_from(None, after, 1).unwrap();
        assert_eq!(batch.up_to, record.lsn);
        told.extend(lines(&batch));
        after = batch.up_to;
    }
    assert_eq!(told, OF_ALL);
}

#[test]
fn one_call_looks_at_no_more_records_than_it_may() {
    let mut script = Script::default();
    let (payer, [busy, quiet]) = parties(&mut script);
    let payment = script.authorize(payer, busy, 1);
    for _ in 0..SCAN_RECORDS_MAX {
        script.increase(payment, 0);
    }
    script.decline(payer, quiet);
    let boards = fold(&script, WATCH_RETAINED_RECORDS);
    let first = boards.watch_from(Some(MerchantId(quiet.index)), Lsn::ZERO, 1).unwrap();
    assert_eq!((first.records.len(), first.up_to), (0, Lsn::new(4_100)));
    let second = boards.watch_from(Some(MerchantId(quiet.index)), first.up_to, 1).unwrap();
    assert_eq!((lines(&second), second.up_to), (vec!["4102 2:declined".to_owned()], Lsn::new(4_102)));
}
