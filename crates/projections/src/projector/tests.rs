use domain::{AccountKind, Lsn, PaymentId};
use money::Currency;

use super::*;
use crate::{
    AccountState, TrialLine, first_imbalance,
    script::{Legs, Script},
};

/// The published example: CNY 100.00 at 1.179291231 and 1 %, less 0.6 % for the merchant.
const EXAMPLE: Legs = Legs { mid: 11_793, markup: 118, presentment: 10_000, discount: 60 };

fn fold(script: &Script) -> Arc<Boards> {
    let mut projector = Projector::new();
    for record in &script.records {
        projector.apply(record);
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
    let page = boards.postings(account, from_index, limit);
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

    assert_eq!(boards.payment(payment).as_ref(), script.records.last());
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

    assert_eq!(boards.payment(payment).as_ref(), script.records.last());
    assert_eq!(boards.payment(PaymentId::from_bytes([9; 16])), None);
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
    projector.apply_batch(&script.records);
    assert_eq!(boards.applied_lsn(), Lsn::new(2));
    projector.apply_batch(&[]);
    assert_eq!(boards.applied_lsn(), Lsn::new(2));
}

#[test]
#[should_panic(expected = "records are applied in lsn order without gaps")]
fn a_record_out_of_order_stops_the_fold() {
    let mut script = Script::default();
    script.open(Currency::HKD);
    script.open(Currency::HKD);
    Projector::new().apply(&script.records[1]);
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
