extern crate std;

use alloc::vec::Vec;
use std::panic::{AssertUnwindSafe, catch_unwind};

use domain::AccountKind;

use super::*;

const NOSTRO: AccountId = AccountId::house(AccountKind::Nostro, Currency::HKD);
const ALICE: AccountId = AccountId { kind: AccountKind::Wallet, currency: Currency::HKD, index: 0 };
const BOB: AccountId = AccountId { kind: AccountKind::Wallet, currency: Currency::HKD, index: 1 };

fn posting(debit: AccountId, credit: AccountId, units: i128) -> Posting {
    Posting::new(debit, credit, Money::new(debit.currency, units)).unwrap()
}

fn ledger(balances: &[(AccountId, i128)]) -> Ledger {
    let balances = balances.iter().map(|(account, units)| (*account, kept(*units)));
    Ledger { balances: balances.collect(), ..Ledger::default() }
}

fn panics(run: impl FnOnce()) -> bool {
    catch_unwind(AssertUnwindSafe(run)).is_err()
}

#[test]
fn a_balance_is_credits_less_debits() {
    let mut ledger = ledger(&[(ALICE, 0)]);
    assert!(ledger.posted_balance(BOB).is_zero());
    ledger.post(&[posting(NOSTRO, ALICE, 100), posting(ALICE, BOB, 30)]);
    for (account, units) in [(NOSTRO, -100), (ALICE, 70), (BOB, 30)] {
        assert_eq!(ledger.posted_balance(account), Money::new(Currency::HKD, units));
    }
    ledger.assert_conserved();
}

const fn hold(account: AccountId, units: i128) -> HoldChange {
    HoldChange { account, units }
}

#[test]
fn what_is_held_is_not_available() {
    let mut ledger = ledger(&[(ALICE, 100)]);
    let hold_more = |ledger: &Ledger, units| ledger.check_with_hold(&[], Some(hold(ALICE, units)));
    assert_eq!(hold_more(&ledger, 100), Ok(()));
    assert_eq!(hold_more(&ledger, 101), Err(DeclineReason::InsufficientBalance));
    ledger.post_with_hold(&[], hold(ALICE, 60));
    assert_eq!(ledger.posted_balance(ALICE).minor_units(), 100, "a hold is no posting");
    assert_eq!(hold_more(&ledger, 40), Ok(()), "other holds count");
    assert_eq!(hold_more(&ledger, 41), Err(DeclineReason::InsufficientBalance));
    assert_eq!(ledger.check(&[posting(ALICE, NOSTRO, 40)]), Ok(()));
    assert_eq!(ledger.check(&[posting(ALICE, NOSTRO, 41)]), Err(DeclineReason::InsufficientBalance));
    ledger.post_with_hold(&[], hold(ALICE, -60));
    assert_eq!(hold_more(&ledger, 100), Ok(()));
    assert_eq!(ledger.holds().count(), 0, "what is released leaves nothing behind");
}

#[test]
fn a_hold_becomes_a_posting_whatever_else_is_held() {
    let mut ledger = ledger(&[(NOSTRO, -100), (ALICE, 100)]);
    ledger.post_with_hold(&[], hold(ALICE, 100));
    let capture = [posting(ALICE, BOB, 30)];
    assert_eq!(ledger.check_with_hold(&capture, Some(hold(ALICE, -30))), Ok(()));
    assert_eq!(ledger.check_with_hold(&capture, Some(hold(ALICE, -29))), Err(DeclineReason::InsufficientBalance));
    assert_eq!(ledger.check_with_hold(&capture, Some(hold(BOB, 30))), Err(DeclineReason::InsufficientBalance));
    ledger.post_with_hold(&capture, hold(ALICE, -30));
    assert_eq!(ledger.holds().collect::<Vec<_>>(), [(ALICE, 70)]);
    ledger.assert_conserved();
}

#[test]
fn a_hold_that_is_not_there_stops_the_process() {
    assert!(panics(|| ledger(&[(ALICE, 1)]).post_with_hold(&[], hold(ALICE, 2))), "more than there is");
    assert!(panics(|| ledger(&[(ALICE, 1)]).post_with_hold(&[], hold(ALICE, -1))), "more released than held");
    let mut held = ledger(&[(ALICE, 1)]);
    held.post_with_hold(&[], hold(ALICE, 1));
    assert!(panics(|| held.post(&[posting(ALICE, BOB, 1)])), "posted away");
}

#[test]
fn an_account_is_opened_once() {
    let mut ledger = ledger(&[(ALICE, 5)]);
    assert!(panics(|| ledger.open(ALICE)));
}

#[test]
fn wallet_accounts_stand_by_currency_then_number() {
    let wallet = |currency, index| AccountId { kind: AccountKind::Wallet, currency, index };
    let mut ledger = Ledger::default();
    // More than a block, in three currencies.
    let accounts: Vec<AccountId> = (0..600_u32)
        .zip([Currency::USD, Currency::HKD, Currency::HKD, Currency::JPY].into_iter().cycle())
        .map(|(index, currency)| wallet(currency, index))
        .collect();
    let payable = AccountId::merchant_payable(domain::MerchantId(0), Currency::HKD);
    ledger.open(payable);
    for account in &accounts {
        ledger.open(*account);
        let units = i128::from(account.index % 5);
        if units != 0 {
            ledger.post(&[posting(AccountId { currency: account.currency, ..NOSTRO }, *account, units)]);
        }
    }
    ledger.post_with_hold(&[posting(NOSTRO, payable, 7)], hold(accounts[1], 1));
    let told: Vec<StandingBalance> = ledger.standing().collect();
    let mut expected: Vec<(AccountId, i128, i128)> = accounts
        .iter()
        .map(|account| (*account, i128::from(account.index % 5), i128::from(account.index == 1)))
        .filter(|(_, posted, _)| *posted != 0)
        .collect();
    expected.extend([Currency::HKD, Currency::JPY, Currency::USD].map(|currency| {
        let house = AccountId { currency, ..NOSTRO };
        (house, ledger.posted_balance(house).minor_units(), 0)
    }));
    expected.push((payable, 7, 0));
    expected.sort();
    assert_eq!(told.iter().map(|one| (one.account, one.posted, one.held)).collect::<Vec<_>>(), expected);

    let mut again = Ledger::default();
    assert!(!again.stand(told[0]), "a wallet account is opened before it has anything");
    accounts.iter().for_each(|account| again.open(*account));
    assert!(told.iter().all(|balance| again.stand(*balance)));
    assert!(again.standing().eq(told));
    // The currency is part of what an account is.
    assert!(again.is_open(accounts[0]) && !again.is_open(wallet(Currency::CNY, 0)));
    assert!(panics(|| again.open(wallet(Currency::CNY, 601))), "a gap");
}

#[test]
fn an_excerpt_has_what_the_ledger_had() {
    let mut ledger = Ledger::default();
    ledger.open(ALICE);
    ledger.open(BOB);
    ledger.post_with_hold(&[posting(NOSTRO, ALICE, 9)], hold(ALICE, 4));
    let mut excerpt = ledger.excerpt([ALICE, NOSTRO].into_iter());
    assert_eq!(excerpt.check(&[posting(ALICE, NOSTRO, 6)]), Err(DeclineReason::InsufficientBalance));
    excerpt.post(&[posting(ALICE, NOSTRO, 5)]);
    assert_eq!(excerpt.posted_balance(ALICE).minor_units(), 4);
    assert!(!excerpt.is_open(BOB));
    assert_eq!(ledger.posted_balance(ALICE).minor_units(), 9, "what is tried changes nothing");
}

#[test]
fn postings_of_one_event_are_judged_by_where_they_lead() {
    let check = |balances: &[(AccountId, i128)], postings: &[Posting], expected| {
        assert_eq!(ledger(balances).check(postings), expected, "{balances:?} {postings:?}");
    };
    let most = BALANCE_MINOR_UNITS_MAX;
    check(&[], &[posting(NOSTRO, ALICE, 1)], Ok(()));
    check(&[(ALICE, 1)], &[posting(ALICE, BOB, 1)], Ok(()));
    check(&[], &[posting(ALICE, BOB, 1)], Err(DeclineReason::InsufficientBalance));
    // What comes in pays for what goes out, in either order.
    check(&[], &[posting(NOSTRO, ALICE, 1), posting(ALICE, BOB, 1)], Ok(()));
    check(&[], &[posting(ALICE, BOB, 1), posting(NOSTRO, ALICE, 1)], Ok(()));
    check(&[(ALICE, 1)], &[posting(ALICE, BOB, 1), posting(ALICE, BOB, 1)], Err(DeclineReason::InsufficientBalance));
    // The limit holds in both directions, and the balance comes before it.
    check(&[(BOB, most), (ALICE, 1)], &[posting(ALICE, BOB, 1)], Err(DeclineReason::BalanceLimit));
    check(&[(NOSTRO, -most)], &[posting(NOSTRO, ALICE, 1)], Err(DeclineReason::BalanceLimit));
    check(&[(NOSTRO, 1 - most)], &[posting(NOSTRO, ALICE, 1)], Ok(()));
    check(&[(BOB, most)], &[posting(ALICE, BOB, 1)], Err(DeclineReason::InsufficientBalance));
}

#[test]
fn what_check_declines_post_does_not_do() {
    let most = BALANCE_MINOR_UNITS_MAX;
    assert!(panics(|| ledger(&[]).post(&[posting(ALICE, BOB, 1)])));
    assert!(panics(|| ledger(&[(BOB, most), (ALICE, 1)]).post(&[posting(ALICE, BOB, 1)])));
    assert!(panics(|| ledger(&[(NOSTRO, -most)]).post(&[posting(NOSTRO, ALICE, 1)])));
}

#[test]
fn an_event_has_at_most_eight_postings() {
    let mut ledger = ledger(&[]);
    ledger.post(&[posting(NOSTRO, ALICE, 1); POSTINGS_MAX]);
    assert!(panics(|| ledger.post(&[posting(NOSTRO, ALICE, 1); POSTINGS_MAX + 1])));
}

#[test]
fn a_currency_that_does_not_sum_to_zero_is_seen() {
    let dollars = AccountId { currency: Currency::USD, ..NOSTRO };
    ledger(&[(NOSTRO, -100), (ALICE, 70), (BOB, 30), (dollars, 0)]).assert_conserved();
    assert!(panics(|| ledger(&[(NOSTRO, -100), (ALICE, 70), (BOB, 29)]).assert_conserved()));
    // Too much of one currency does not make up for too little of another.
    assert!(panics(|| ledger(&[(ALICE, 1), (dollars, -1)]).assert_conserved()));
}
