use domain::Consent;

use super::*;
use crate::script::{
    account_opened, at_ms, authorized, code_issued, declined, digest, increased, mandate_granted, merchant_registered,
    name, policy, policy_installed, wallet_account, wallet_registered,
};

const FIRST_KEY: ApiKeyHash = ApiKeyHash([1; 32]);
const SECOND_KEY: ApiKeyHash = ApiKeyHash([2; 32]);

fn directory(records: &[Record]) -> Directory {
    let directory = Directory::new();
    for record in records {
        directory.observe(record);
    }
    directory
}

fn account_name(wallet: &str, account: &str) -> AccountName {
    AccountName { wallet: name(wallet), account: name(account) }
}

#[test]
fn wallets_are_found_by_name_and_number() {
    let directory = directory(&[wallet_registered(0, "north"), wallet_registered(1, "south")]);
    assert_eq!(directory.wallet(&name("south")), Some(WalletId(1)));
    assert_eq!(directory.wallet_name(WalletId(0)), Some(name("north")));
    assert_eq!(directory.wallet(&name("west")), None);
    assert_eq!(directory.wallet_name(WalletId(2)), None);
}

#[test]
fn one_name_in_two_wallets_is_two_accounts() {
    let (hkd, jpy) = (wallet_account(Currency::HKD, 0), wallet_account(Currency::JPY, 1));
    let directory = directory(&[
        wallet_registered(0, "north"),
        wallet_registered(1, "south"),
        account_opened(0, "alice", hkd),
        account_opened(1, "alice", jpy),
    ]);
    assert_eq!(directory.account(&account_name("north", "alice")), Some(hkd));
    assert_eq!(directory.account(&account_name("south", "alice")), Some(jpy));
    assert_eq!(directory.account_name(jpy), Some(account_name("south", "alice")));
    assert_eq!(directory.account(&account_name("north", "bob")), None);
    assert_eq!(directory.account_name(wallet_account(Currency::JPY, 0)), None);
}

#[test]
fn whoever_finds_an_account_finds_its_name_while_others_are_opened() {
    const ACCOUNTS: u32 = 3_000;
    let directory = directory(&[wallet_registered(0, "north"), wallet_registered(1, "south")]);
    let account = |number: u32| {
        let wallet = number % 2;
        let currency = if number.is_multiple_of(3) { Currency::HKD } else { Currency::JPY };
        (wallet, format!("account-{}", number / 2), wallet_account(currency, number))
    };
    let is_found = |number: u32| {
        let (wallet, called, account) = account(number);
        let full = account_name(["north", "south"][usize::try_from(wallet).unwrap()], &called);
        let found = directory.account(&full);
        assert!(found.is_none_or(|found| found == account && directory.account_name(found) == Some(full)));
        // Opened meanwhile, perhaps, but never found once and then no more.
        assert!(found.is_none() || directory.account_of(WalletId(wallet), &name(&called)) == found);
        found.is_some()
    };
    std::thread::scope(|scope| {
        let writer = scope.spawn(|| {
            for number in 0..ACCOUNTS {
                let (wallet, called, account) = account(number);
                directory.observe(&account_opened(wallet, &called, account));
            }
        });
        for number in 0..ACCOUNTS {
            while !is_found(number) {
                assert!(!writer.is_finished() || is_found(number), "an account that was opened is found");
            }
        }
    });
    assert!((0..ACCOUNTS).all(is_found), "all are found when all are there");
}

#[test]
#[should_panic(expected = "wallet accounts are numbered without gaps")]
fn an_account_out_of_order_is_a_broken_log() {
    directory(&[wallet_registered(0, "north"), account_opened(0, "alice", wallet_account(Currency::HKD, 1))]);
}

#[test]
fn merchants_are_found_by_name_number_and_credential() {
    let directory =
        directory(&[merchant_registered(0, "cafe", FIRST_KEY), merchant_registered(1, "books", SECOND_KEY)]);
    let terms = MerchantTerms { settlement_currency: Currency::CNY, discount: Ratio::parse("0.006").unwrap() };
    assert_eq!(directory.merchant(&name("books")), Some(MerchantId(1)));
    assert_eq!(directory.merchant_name(MerchantId(0)), Some(name("cafe")));
    assert_eq!(directory.merchant_terms(MerchantId(0)), Some(terms));
    assert_eq!(directory.credential(&SECOND_KEY), Some(MerchantId(1)));
    assert_eq!(directory.credential(&ApiKeyHash([3; 32])), None);
    assert_eq!(directory.merchant_terms(MerchantId(2)), None);
}

#[test]
fn a_key_given_twice_speaks_for_the_first_merchant() {
    let directory = directory(&[merchant_registered(0, "cafe", FIRST_KEY), merchant_registered(1, "books", FIRST_KEY)]);
    assert_eq!(directory.credential(&FIRST_KEY), Some(MerchantId(0)));
    assert_eq!(directory.merchant(&name("books")), Some(MerchantId(1)));
}

#[test]
fn a_record_that_names_nobody_changes_nothing() {
    let directory = directory(&[policy_installed(policy())]);
    assert!(directory.wallets.is_empty() && directory.accounts.is_empty() && directory.merchants.is_empty());
}

#[test]
#[should_panic(expected = "an account is opened in a wallet that is registered")]
fn an_account_without_its_wallet_is_a_broken_log() {
    directory(&[account_opened(0, "alice", wallet_account(Currency::HKD, 0))]);
}

#[test]
fn a_code_tells_its_account_until_it_is_used() {
    let account = wallet_account(Currency::HKD, 0);
    let check = |then: Record, expected| {
        let directory = directory(&[code_issued(0, 1, account), code_issued(0, 2, account), then]);
        assert_eq!(directory.code_account(&digest(1)), expected);
        assert_eq!(directory.code_account(&digest(2)), Some(account));
        assert_eq!(directory.code_account(&digest(3)), None);
    };
    check(declined(Consent::Code(digest(1))), Some(account));
    check(authorized(Consent::Code(digest(3))), Some(account));
    check(authorized(Consent::OrderApproved), Some(account));
    check(authorized(Consent::Code(digest(1))), None);
    check(increased(Consent::Code(digest(1))), None);
}

#[test]
fn codes_are_forgotten_by_the_first_record_after_their_end() {
    let account = wallet_account(Currency::HKD, 0);
    let later = |ms| Record { at: at_ms(ms), ..policy_installed(policy()) };
    let directory = directory(&[code_issued(0, 1, account), code_issued(10, 2, account), later(59_999)]);
    assert!(directory.code_account(&digest(1)).is_some());
    directory.observe(&later(60_000));
    assert_eq!(directory.code_account(&digest(1)), None);
    assert!(directory.code_account(&digest(2)).is_some());
    directory.observe(&later(60_010));
    assert!(directory.codes.is_empty());
}

#[test]
fn a_digest_given_out_again_lives_as_long_as_the_later_code() {
    let (first, second) = (wallet_account(Currency::HKD, 0), wallet_account(Currency::HKD, 1));
    let later = |ms| Record { at: at_ms(ms), ..policy_installed(policy()) };
    let directory = directory(&[code_issued(0, 1, first), authorized(Consent::Code(digest(1)))]);
    directory.observe(&code_issued(10, 1, second));
    directory.observe(&later(60_000));
    assert_eq!(directory.code_account(&digest(1)), Some(second));
    directory.observe(&later(60_010));
    assert_eq!(directory.code_account(&digest(1)), None);
}

#[test]
fn a_mandate_tells_its_account() {
    let mandate = |byte| MandateId::from_bytes([byte; 16]);
    let account = wallet_account(Currency::HKD, 0);
    let directory = directory(&[mandate_granted(mandate(1), account)]);
    assert_eq!(directory.mandate_account(mandate(1)), Some(account));
    assert_eq!(directory.mandate_account(mandate(2)), None);
}
