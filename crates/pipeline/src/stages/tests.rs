use domain::{
    AccountName, ApiKeyHash, DIGEST_BYTES, Digest, FIELDS_MAX, Fingerprint, IdempotencyKey, Label, Lsn, MerchantId,
    Method, PaymentId, TenantId,
};
use money::{Currency, Rate, Ratio};

use super::*;
use crate::script::{
    CNY_TO_HKD, account_opened, at_ms, merchant_registered, name, policy_installed, rates_published, tick,
    wallet_account, wallet_registered,
};

const MID_RATE: &str = "1.179291231";

fn directory() -> Directory {
    let directory = Directory::new();
    directory.observe(&merchant_registered(0, "cafe", ApiKeyHash([1; 32])));
    directory.observe(&wallet_registered(0, "north"));
    directory.observe(&account_opened(0, "alice", wallet_account(Currency::HKD, 0)));
    directory.observe(&account_opened(0, "bob", wallet_account(Currency::CNY, 1)));
    directory
}

fn rate_book(mid_rate: &str) -> RateBook {
    let rates = RateBook::new();
    rates.observe(&policy_installed());
    rates.observe(&rates_published(7, &[tick(CNY_TO_HKD, mid_rate)]));
    rates
}

fn request(payer: &str, presentment: &str) -> PaymentRequest {
    let digest = Digest([5; DIGEST_BYTES]);
    let fingerprint = Fingerprint { method: Method::Authorize, request: digest, fields: [0; FIELDS_MAX] };
    PaymentRequest {
        key: IdempotencyKey { tenant: TenantId::Merchant(MerchantId(0)), digest, fingerprint },
        payment_id: PaymentId::from_bytes([9; 16]),
        merchant: MerchantId(0),
        merchant_order_id: Label::new("order 1").unwrap(),
        merchant_order_digest: digest,
        payer: AccountName { wallet: name("north"), account: name(payer) },
        presentment_amount: Money::parse(presentment).unwrap(),
    }
}

fn command(rates: &RateBook, at: Timestamp, request: PaymentRequest) -> AuthorizePayment {
    let submission = assemble(convert(rates, at, route(&directory(), request)));
    let Command::AuthorizePayment(command) = submission.command else { panic!("a payment is authorized") };
    command
}

/// What the stages found for a payment of `presentment` by `payer`, `age_ms` after the rate.
fn check(rates: &RateBook, age_ms: i64, (payer, presentment): (&str, &str), expected: &Evidence<Converted>) {
    let command = command(rates, at_ms(age_ms), request(payer, presentment));
    assert_eq!(&command.converted, expected, "{payer} pays {presentment} at {age_ms} ms");
}

fn quoted(mid_rate: &str, amounts: Option<[&str; 2]>) -> Evidence<Converted> {
    let money = |text| Money::parse(text).unwrap();
    Evidence::Present(Converted::Quoted(Quote {
        mid_rate: Rate::parse(mid_rate).unwrap(),
        markup: Ratio::parse("0.01").unwrap(),
        rate_lsn: Lsn::new(7),
        as_of: Timestamp::EPOCH,
        source: Label::new("desk").unwrap(),
        amounts: amounts.map(|[debit, mid]| QuotedAmounts { debit: money(debit), mid: money(mid) }),
    }))
}

#[test]
fn a_payment_in_another_currency_is_quoted_while_its_rate_is_fresh() {
    let published_example = quoted(MID_RATE, Some(["HKD 119.11", "HKD 117.93"]));
    for age_ms in [-1, 0, 59_999] {
        check(&rate_book(MID_RATE), age_ms, ("alice", "CNY 100.00"), &published_example);
    }
    let stale = Evidence::Unavailable(Unavailable::RateStale(CNY_TO_HKD));
    check(&rate_book(MID_RATE), 60_000, ("alice", "CNY 100.00"), &stale);
}

#[test]
fn a_payment_in_the_payers_currency_needs_neither_rate_nor_policy() {
    check(&RateBook::new(), 0, ("bob", "CNY 100.00"), &Evidence::Present(Converted::SameCurrency));
}

#[test]
fn without_a_rate_of_this_very_pair_nothing_is_quoted() {
    let missing =
        |presentment, debit| Evidence::Unavailable(Unavailable::RateMissing(CurrencyPair { presentment, debit }));
    check(&rate_book(MID_RATE), 0, ("bob", "HKD 100.00"), &missing(Currency::HKD, Currency::CNY));
    check(&rate_book(MID_RATE), 0, ("alice", "JPY 100"), &missing(Currency::JPY, Currency::HKD));
}

#[test]
fn without_a_policy_nothing_is_quoted() {
    let rates = RateBook::new();
    rates.observe(&rates_published(7, &[tick(CNY_TO_HKD, MID_RATE)]));
    check(&rates, 0, ("alice", "CNY 100.00"), &Evidence::Unavailable(Unavailable::RateMissing(CNY_TO_HKD)));
}

#[test]
fn without_a_payer_there_is_no_currency_to_convert_to() {
    let command = command(&rate_book(MID_RATE), at_ms(0), request("carol", "CNY 100.00"));
    assert_eq!(command.payer, Evidence::Unavailable(Unavailable::AccountNotFound));
    assert_eq!(command.converted, Evidence::Unavailable(Unavailable::AccountNotFound));
}

#[test]
fn a_quote_above_the_largest_amount_has_no_amounts() {
    // HKD 1.01 for each CNY: one fen more takes the debit from the largest amount to the one above.
    let largest_below = ("alice", "CNY 9900990099009.89");
    check(&rate_book("1"), 0, largest_below, &quoted("1", Some(["HKD 9999999999999.99", "HKD 9900990099009.89"])));
    check(&rate_book("1"), 0, ("alice", "CNY 9900990099009.90"), &quoted("1", None));
    check(&rate_book("9999999999"), 0, ("alice", "CNY 9999999999999.99"), &quoted("9999999999", None));
}

#[test]
fn what_was_asked_reaches_the_command_unchanged() {
    let asked = request("alice", "CNY 100.00");
    let routed = route(&directory(), asked.clone());
    let submission = assemble(convert(&rate_book(MID_RATE), at_ms(0), routed));
    let expected = AuthorizePayment {
        payment_id: asked.payment_id,
        merchant: asked.merchant,
        merchant_order_id: asked.merchant_order_id,
        merchant_order_digest: asked.merchant_order_digest,
        presentment_amount: asked.presentment_amount,
        payer: Evidence::Present(wallet_account(Currency::HKD, 0)),
        converted: quoted(MID_RATE, Some(["HKD 119.11", "HKD 117.93"])),
    };
    assert_eq!(submission, Submission { key: Some(asked.key), command: Command::AuthorizePayment(expected) });
}
