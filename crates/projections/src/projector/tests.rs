use domain::{AccountKind, Lsn, PaymentId};
use money::Currency;

use super::*;
use crate::{
    AccountState, PaymentView, TrialLine, first_imbalance,
    script::{Legs, Script},
};

/// The published example: CNY 100.00 at 1.179291231 and 1 %, less 0.6 % for the merchant.
const EXAMPLE: Legs = Legs { mid: 11_793, markup: 118, presentment: 10_000, discount: 60 };

fn fold(script: &Script) -> Arc<Boards> {
    let mut projector = Projector::new();
    for record in &script.records {
        projector.apply(record).unwrap();
    }
    projector.boards()
}

/// Postings of an account from `from_index`, one per line, and where the next page begins.
fn check_page(
    boards: &Boards,
    account: AccountId,
    (from_index, limit): (usize, usize),
    expected: (&[&str], Option<usize>),
) {
    let page = boards.postings(account, from_index, limit).unwrap();
    let line = |row: &crate::PostingRow| {
        let sign = if row.posting.debit() == account { '-' } else { '+' };
        let what = if row.payment_id.is_some() { "payment" } else { "movement" };
        format!("lsn {} {sign}{} = {} {what}", row.lsn, row.posting.amount(), row.posted_balance)
    };
    let lines: Vec<_> = page.rows.iter().map(line).collect();
    assert_eq!((lines, page.next), (expected.0.iter().map(ToString::to_string).collect(), expected.1));
}

#[test]
fn a_payment_is_seen_from_both_its_accounts() {
    let mut script = Script::default();
    let payable = script.register(Currency::CNY);
    let payer = script.open(Currency::HKD);
    script.deposit(payer, 50_000);
    let payment = script.capture(payer, payable, EXAMPLE);
    let boards = fold(&script);

    assert_eq!(boards.payment(payment).unwrap().as_ref().map(PaymentView::record), script.records.last());
    assert_eq!((boards.payments_captured(), boards.payments_declined()), (1, 0));
    let of_payer = [
        "lsn 3 +HKD 500.00 = HKD 500.00 movement",
        "lsn 4 -HKD 117.93 = HKD 382.07 payment",
        "lsn 4 -HKD 1.18 = HKD 380.89 payment",
    ];
    check_page(&boards, payer, (0, 50), (&of_payer, None));
    let of_merchant = ["lsn 4 +CNY 100.00 = CNY 100.00 payment", "lsn 4 -CNY 0.60 = CNY 99.40 payment"];
    check_page(&boards, payable, (0, 50), (&of_merchant, None));
}

#[test]
fn pages_join_without_gap_or_repeat() {
    let mut script = Script::default();
    let account = script.open(Currency::JPY);
    for minor_units in 1..=3 {
        script.deposit(account, minor_units);
    }
    let boards = fold(&script);
    let rows = ["lsn 2 +JPY 1 = JPY 1 movement", "lsn 3 +JPY 2 = JPY 3 movement", "lsn 4 +JPY 3 = JPY 6 movement"];
    check_page(&boards, account, (0, 2), (&rows[..2], Some(2)));
    check_page(&boards, account, (2, 2), (&rows[2..], None));
    check_page(&boards, account, (1, 2), (&rows[1..], None));
    check_page(&boards, account, (3, 2), (&[], None));
    check_page(&boards, account, (usize::MAX, usize::MAX), (&[], None));
    check_page(&boards, AccountId { index: 9, ..account }, (0, 2), (&[], None));
}

#[test]
fn an_account_is_open_from_its_record_until_it_is_closed() {
    let mut script = Script::default();
    let (kept, closed) = (script.open(Currency::HKD), script.open(Currency::HKD));
    let payable = script.register(Currency::EUR);
    script.deposit(closed, 5);
    script.withdraw(closed, 5);
    script.close(closed);
    let boards = fold(&script);

    let seen = |account| boards.account(account).map(|summary| (summary.state, summary.opened_at.micros()));
    assert_eq!(seen(kept), Some((AccountState::Open, 1_000)));
    assert_eq!(seen(closed), Some((AccountState::Closed, 2_000)));
    assert_eq!(seen(payable), Some((AccountState::Open, 3_000)));
    assert_eq!(seen(AccountId { index: 7, ..kept }), None);
    assert_eq!(seen(AccountId::house(AccountKind::Nostro, Currency::HKD)), None);
}

#[test]
fn a_declined_payment_is_found_and_moves_nothing() {
    let mut script = Script::default();
    let (payable, payer) = (script.register(Currency::CNY), script.open(Currency::HKD));
    let payment = script.decline(payer, payable);
    let boards = fold(&script);

    assert_eq!(boards.payment(payment).unwrap().as_ref().map(PaymentView::record), script.records.last());
    assert_eq!(boards.payment(PaymentId::from_bytes([9; 16])).unwrap(), None);
    assert_eq!((boards.payments_captured(), boards.payments_declined()), (0, 1));
    check_page(&boards, payer, (0, 50), (&[], None));
}

#[test]
fn the_trial_balance_lists_every_kind_and_currency_in_order() {
    let mut script = Script::default();
    let (payable, payer) = (script.register(Currency::CNY), script.open(Currency::HKD));
    script.open(Currency::HKD);
    script.deposit(payer, 50_000);
    script.capture(payer, payable, EXAMPLE);
    let lines = fold(&script).trial_balance();

    let line = |line: &TrialLine| format!("{} {} {}", line.kind.as_str(), line.accounts, line.balance);
    let expected = [
        "wallet 2 HKD 380.89",
        "merchant_payable 1 CNY 99.40",
        "fx_position 1 CNY -100.00",
        "fx_position 1 HKD 117.93",
        "fx_markup 1 HKD 1.18",
        "fee_income 1 CNY 0.60",
        "nostro 1 HKD -500.00",
    ];
    assert_eq!(lines.iter().map(line).collect::<Vec<_>>(), expected);
    assert_eq!(first_imbalance(&lines), None);
}

#[test]
fn every_record_moves_the_position_even_one_that_changes_nothing_else() {
    let mut script = Script::default();
    let account = script.open(Currency::HKD);
    script.close(account);
    let mut projector = Projector::new();
    let boards = projector.boards();
    assert_eq!(boards.applied_lsn(), Lsn::ZERO);
    projector.apply_batch(&script.records).unwrap();
    assert_eq!(boards.applied_lsn(), Lsn::new(2));
    projector.apply_batch(&[]).unwrap();
    assert_eq!(boards.applied_lsn(), Lsn::new(2));
}

#[test]
#[should_panic(expected = "records are applied in lsn order without gaps")]
fn a_record_out_of_order_stops_the_fold() {
    let mut script = Script::default();
    script.open(Currency::HKD);
    script.open(Currency::HKD);
    Projector::new().apply(&script.records[1]).unwrap();
}

#[test]
#[should_panic(expected = "the recorded balance is the sum of the postings before it")]
fn a_balance_that_does_not_follow_stops_the_fold() {
    let mut script = Script::default();
    let account = script.open(Currency::HKD);
    script.deposit(account, 5);
    let mut wrong = Record::clone(&script.records[1]);
    let Event::FundsMoved { posted_balance, .. } = &mut wrong.event else { panic!("a deposit moves funds") };
    *posted_balance = Money::new(Currency::HKD, 6);
    script.records[1] = Arc::new(wrong);
    fold(&script);
}

#[test]
#[should_panic(expected = "an account is opened before it is posted to")]
fn a_posting_to_an_unknown_account_stops_the_fold() {
    let mut script = Script::default();
    script.deposit(AccountId { kind: AccountKind::Wallet, currency: Currency::HKD, index: 0 }, 5);
    fold(&script);
}

/// Posted, held and available balance of an account after all of the script.
fn check_balances(script: &Script, account: AccountId, expected: [i128; 3]) {
    let summary = fold(script).account(account).unwrap();
    let balances = [summary.posted_balance, summary.held_balance, summary.available_balance()];
    assert_eq!(balances, expected.map(|minor_units| Money::new(account.currency, minor_units)));
}

/// A merchant, and a payer with HKD 1.00, both of the same currency.
fn parties(script: &mut Script) -> (AccountId, AccountId) {
    let (payable, payer) = (script.register(Currency::HKD), script.open(Currency::HKD));
    script.deposit(payer, 100);
    (payer, payable)
}

#[test]
fn a_hold_is_not_posted_and_not_available() {
    let mut script = Script::default();
    let (payer, payable) = parties(&mut script);
    let payment = script.authorize(payer, payable, 60);
    check_balances(&script, payer, [100, 60, 40]);
    script.increase(payment, 30);
    check_balances(&script, payer, [100, 90, 10]);
    let other = script.authorize(payer, payable, 10);
    check_balances(&script, payer, [100, 100, 0]);
    script.capture_part(payment, 50);
    check_balances(&script, payer, [50, 50, 0]);
    script.void(other);
    check_balances(&script, payer, [50, 40, 10]);
    script.refund(payment, 20);
    check_balances(&script, payer, [70, 40, 30]);
    check_balances(&script, payable, [30, 0, 30]);
    script.expire(&[payment]);
    check_balances(&script, payer, [70, 0, 70]);
}

#[test]
fn payments_are_counted_as_they_change() {
    let mut script = Script::default();
    let (payer, payable) = parties(&mut script);
    let check = |script: &Script, expected| {
        let boards = fold(script);
        assert_eq!((boards.payments_captured(), boards.payments_declined(), boards.payments_held()), expected);
    };
    let (first, second) = (script.authorize(payer, payable, 10), script.authorize(payer, payable, 10));
    check(&script, (0, 0, 2));
    script.capture_part(first, 5);
    check(&script, (1, 0, 2));
    script.capture_part(first, 5);
    check(&script, (1, 0, 1));
    script.decline_refund(first);
    script.refund(first, 10);
    check(&script, (1, 0, 1));
    script.void(second);
    script.decline(payer, payable);
    check(&script, (1, 1, 0));
}

#[test]
fn several_holds_end_and_several_refunds_are_priced_in_one_record() {
    let mut script = Script::default();
    let (payer, payable) = parties(&mut script);
    let payments = [10, 20, 30].map(|minor_units| script.authorize(payer, payable, minor_units));
    script.capture_part(payments[0], 6);
    script.capture_part(payments[1], 6);
    script.expire(&payments);
    check_balances(&script, payer, [88, 0, 88]);
    let refunds = [
        (payments[0], script.refund_later(payments[0], 1), 2),
        (payments[1], script.refund_later(payments[1], 2), 3),
        (payments[1], script.refund_later(payments[1], 3), 4),
    ];
    check_balances(&script, payer, [88, 0, 88]);
    check_balances(&script, payable, [6, 0, 6]);
    script.price(&refunds);
    check_balances(&script, payer, [97, 0, 97]);
    let rows = fold(&script).postings(payer, 3, 50).unwrap().rows;
    let payment_ids: Vec<_> = rows.iter().map(|row| row.payment_id).collect();
    assert_eq!(payment_ids, refunds.map(|(payment, ..)| Some(payment)));
    assert_eq!(rows.last().map(|row| row.posting.amount()), Some(Money::new(Currency::HKD, 4)));
}

#[test]
fn a_frozen_account_keeps_its_holds_and_can_be_unfrozen() {
    let mut script = Script::default();
    let (payer, payable) = parties(&mut script);
    let payment = script.authorize(payer, payable, 60);
    let state = |script: &Script| fold(script).account(payer).map(|summary| summary.state);
    script.freeze(payer);
    assert_eq!(state(&script), Some(AccountState::Frozen));
    script.capture_part(payment, 60);
    check_balances(&script, payer, [40, 0, 40]);
    script.unfreeze(payer);
    assert_eq!(state(&script), Some(AccountState::Open));
}

#[test]
fn a_reserve_begins_with_its_first_funding() {
    let mut script = Script::default();
    let payable = script.register(Currency::CNY);
    let reserve = AccountId::merchant_reserve(domain::MerchantId(payable.index), Currency::CNY);
    assert_eq!(fold(&script).account(reserve), None);
    script.fund_reserve(payable, 5);
    script.fund_reserve(payable, 6);
    check_balances(&script, reserve, [11, 0, 11]);
    let boards = fold(&script);
    assert_eq!(boards.account(reserve).map(|summary| summary.opened_at.micros()), Some(2_000));
    check_page(&boards, reserve, (1, 1), (&["lsn 3 +CNY 0.06 = CNY 0.11 movement"], None));
    let lines = boards.trial_balance();
    let of_reserves = lines.iter().find(|line| line.kind == AccountKind::MerchantReserve);
    assert_eq!(of_reserves.map(|line| (line.accounts, line.balance.minor_units())), Some((1, 11)));
    assert_eq!(first_imbalance(&lines), None);
}

#[test]
fn a_merchant_may_owe_between_two_postings_of_one_record() {
    let mut script = Script::default();
    let (payer, payable) = parties(&mut script);
    let reserve = script.fund_reserve(payable, 10);
    let payment = script.capture(payer, payable, Legs { mid: 50, markup: 0, presentment: 50, discount: 0 });
    script.withdraw(payable, 7);
    // Of HKD 0.43 and 0.05 it gives 0.50; a discount of 0.02 comes back last.
    script.refund_from_reserve(payment, 50, (reserve, 5));
    let boards = fold(&script);
    let rows = [
        "lsn 7 +HKD 0.05 = HKD 0.48 payment",
        "lsn 7 -HKD 0.50 = HKD -0.02 payment",
        "lsn 7 +HKD 0.02 = HKD 0.00 payment",
    ];
    check_page(&boards, payable, (2, 50), (&rows, None));
    check_balances(&script, reserve, [5, 0, 5]);
    check_balances(&script, payer, [100, 0, 100]);
}

#[test]
#[should_panic(expected = "no more is held than was posted")]
fn a_hold_beyond_what_was_posted_stops_the_fold() {
    let mut script = Script::default();
    let (payer, payable) = parties(&mut script);
    script.authorize(payer, payable, 101);
    fold(&script);
}

#[test]
#[should_panic(expected = "no more is held than was posted")]
fn held_funds_that_were_withdrawn_stop_the_fold() {
    let mut script = Script::default();
    let (payer, payable) = parties(&mut script);
    script.authorize(payer, payable, 60);
    script.withdraw(payer, 41);
    fold(&script);
}

#[test]
#[should_panic(expected = "a declined payment does not go on")]
fn a_declined_payment_that_goes_on_stops_the_fold() {
    let mut script = Script::default();
    let (payer, payable) = parties(&mut script);
    let payment = script.decline(payer, payable);
    script.void(payment);
    fold(&script);
}

#[test]
#[should_panic(expected = "authorized is at least captured, captured at least refunded")]
fn totals_out_of_order_stop_the_fold() {
    let mut script = Script::default();
    let (payer, payable) = parties(&mut script);
    let payment = script.authorize(payer, payable, 10);
    script.capture_part(payment, 10);
    script.capture_part(payment, 10);
    fold(&script);
}

#[test]
#[should_panic(expected = "a refund waits before it is priced")]
fn a_refund_priced_twice_stops_the_fold() {
    let mut script = Script::default();
    let (payer, payable) = parties(&mut script);
    let payment = script.authorize(payer, payable, 10);
    script.capture_part(payment, 10);
    let refund = script.refund_later(payment, 5);
    script.price(&[(payment, refund, 5), (payment, refund, 5)]);
    fold(&script);
}
