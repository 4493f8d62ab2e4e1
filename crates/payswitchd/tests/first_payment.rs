//! A Hong Kong wallet pays a mainland merchant: every amount, every posting, and all of it again after a restart.

mod support;

use std::collections::BTreeMap;

use support::parties::{End, MERCHANTS, Sandbox, account, by_id, decided, money, payment, refused, sums};
use wire::v1;

fn posting(debit: &str, credit: &str, amount: v1::Money) -> v1::Posting {
    v1::Posting { debit_account: debit.to_owned(), credit_account: credit.to_owned(), amount: Some(amount) }
}

/// What a captured payment looks like; what only the daemon can know is taken from `actual`.
fn captured(asked: &v1::AuthorizeRequest, merchant: &str, actual: &v1::Payment) -> v1::Payment {
    v1::Payment {
        payment_id: actual.payment_id.clone(),
        merchant_id: merchant.to_owned(),
        merchant_order_id: asked.merchant_order_id.clone(),
        payer: asked.payer.clone(),
        state: v1::PaymentState::Captured.into(),
        presentment_amount: asked.presentment_amount.clone(),
        create_time: actual.create_time,
        update_time: actual.create_time,
        lsn: actual.lsn,
        capture_mode: v1::CaptureMode::Automatic.into(),
        consent: v1::ConsentKind::PayerNamed.into(),
        ..v1::Payment::default()
    }
}

/// All of it was captured, and nothing is held or was given back.
fn all_captured(debit: &v1::Money, settlement: &v1::Money, payment: v1::Payment) -> v1::Payment {
    let presentment = payment.presentment_amount.clone();
    let all = v1::PaymentAmount { presentment, debit: Some(debit.clone()), settlement: Some(settlement.clone()) };
    let zero = |of: &v1::Money| Some(v1::Money { minor_units: 0, ..of.clone() });
    let nothing = v1::PaymentAmount {
        presentment: all.presentment.as_ref().and_then(zero),
        debit: zero(debit),
        settlement: zero(settlement),
    };
    v1::Payment {
        debit_amount: Some(debit.clone()),
        settlement_amount: Some(settlement.clone()),
        authorized: Some(all.clone()),
        captured: Some(all),
        refunded: Some(nothing),
        held_amount: zero(debit),
        ..payment
    }
}

/// Whole milliseconds since 1970.
fn millis(at: Option<pbjson_types::Timestamp>) -> u64 {
    let at = at.expect("the time is told");
    u64::try_from(at.seconds * 1_000 + i64::from(at.nanos / 1_000_000)).expect("it is later than 1970")
}

/// The sandbox's rate of a pair.
async fn rate(sandbox: &Sandbox, presentment: &str, debit: &str) -> v1::Rate {
    let listed = sandbox.cafe.list_rates().await.expect("every credential may list rates");
    let is_asked = |rate: &v1::Rate| rate.presentment_currency_code == presentment && rate.debit_currency_code == debit;
    listed.rates.into_iter().find(is_asked).expect("the sandbox publishes this pair")
}

/// What a payment says of its conversion; its age is what the daemon says.
fn conversion(rate: &v1::Rate, mid: v1::Money, markup: v1::Money, actual: &v1::Payment) -> Option<v1::Conversion> {
    // A rate is told as published; a conversion tells its value, in which a zero at the end says nothing.
    let value = rate.mid_rate.trim_end_matches('0');
    Some(v1::Conversion {
        mid_rate: value.to_owned(),
        markup: "0.01".to_owned(),
        mid_amount: Some(mid),
        markup_amount: Some(markup),
        rate_source: "ECB 2026-10-30, re-stamped by the sandbox".to_owned(),
        rate_as_of_time: rate.as_of_time,
        rate_age_ms: actual.conversion.as_ref().map_or(0, |conversion| conversion.rate_age_ms),
        rate_lsn: rate.lsn,
        applied_rate: value.to_owned(),
        exposure_weight: "1".to_owned(),
        ..v1::Conversion::default()
    })
}

#[tokio::test]
async fn a_hong_kong_wallet_pays_a_mainland_cafe() {
    let sandbox = Sandbox::start();
    let rate = rate(&sandbox, "CNY", "HKD").await;
    assert_eq!(rate.mid_rate, "1.179291231");

    let asked = payment("key-1", "order-1", "hk-alice", money("CNY", 10_000));
    let actual = decided(sandbox.cafe.authorize(asked.clone()).await);
    let expected = v1::Payment {
        merchant_discount: Some(money("CNY", 60)),
        conversion: conversion(&rate, money("HKD", 11_793), money("HKD", 118), &actual),
        postings: vec![
            posting("wallet:demo-wallet/hk-alice", "fx_position:HKD", money("HKD", 11_793)),
            posting("wallet:demo-wallet/hk-alice", "fx_markup:HKD", money("HKD", 118)),
            posting("fx_position:CNY", "merchant_payable:demo-cafe", money("CNY", 10_000)),
            posting("merchant_payable:demo-cafe", "fee_income:CNY", money("CNY", 60)),
        ],
        ..all_captured(&money("HKD", 11_911), &money("CNY", 9940), captured(&asked, "demo-cafe", &actual))
    };
    assert_eq!(actual, expected);
    assert!(rate.lsn > 0 && actual.lsn > rate.lsn, "the payment stands behind its rate in the journal");
    let age_ms = millis(actual.create_time) - millis(rate.as_of_time);
    let stated = actual.conversion.as_ref().map(|conversion| conversion.rate_age_ms);
    assert!(stated.is_some_and(|stated| stated.abs_diff(age_ms) <= 1), "{stated:?} is {age_ms} ms but for rounding");

    assert_eq!(sandbox.balance("hk-alice").await, 988_089);
    check_reads(&sandbox, &actual).await;

    let mut sandbox = sandbox;
    for end in [End::Asked, End::Killed] {
        sandbox = sandbox.restart(end).await;
        check_reads(&sandbox, &actual).await;
        let again = decided(sandbox.cafe.authorize(asked.clone()).await);
        assert_eq!(again, actual, "the retry of a key after {end:?} gets the recorded answer");
        assert_eq!(sandbox.balance("hk-alice").await, 988_089);
    }
}

/// What everybody reads after the first payment.
async fn check_reads(sandbox: &Sandbox, payment: &v1::Payment) {
    let read = sandbox.cafe.payment(by_id(&payment.payment_id)).await.expect("the cafe may read its payment");
    assert_eq!(read.payment.as_ref(), Some(payment));
    assert!(read.applied_lsn >= payment.lsn);

    let postings = sandbox.postings("hk-alice").await;
    let seen: Vec<_> = postings
        .iter()
        .map(|row| {
            let amount = |money: &Option<v1::Money>| money.as_ref().map_or(0, |money| money.minor_units);
            let posted = row.posting.as_ref().expect("a row has its posting");
            (posted.credit_account.as_str(), amount(&posted.amount), amount(&row.posted_balance))
        })
        .collect();
    assert_eq!(
        seen,
        [
            ("wallet:demo-wallet/hk-alice", 1_000_000, 1_000_000),
            ("fx_position:HKD", 11_793, 988_207),
            ("fx_markup:HKD", 118, 988_089),
        ]
    );
    assert_eq!(postings[0].payment_id, "");
    for row in &postings[1..] {
        assert_eq!((&row.payment_id, row.lsn), (&payment.payment_id, payment.lsn));
        assert_eq!(row.create_time, payment.create_time);
    }

    let status = sandbox.status().await;
    assert_eq!(status.payments_captured, 1);
    assert_eq!((status.mode.as_str(), status.state.as_str()), ("sandbox", "serving"));
    let zero = ["CNY", "HKD", "USD"].map(|currency| (currency.to_owned(), 0));
    assert_eq!(sums(&status), BTreeMap::from(zero));
    let line = |kind: &str, currency: &str| {
        let balances = status.trial_balance.iter().filter(|line| line.account_kind == kind);
        let mut balances = balances.filter_map(|line| line.balance.as_ref());
        balances.find(|balance| balance.currency_code == currency).map(|balance| balance.minor_units)
    };
    assert_eq!(line("fx_position", "HKD"), Some(11_793));
    assert_eq!(line("fx_markup", "HKD"), Some(118));
    assert_eq!(line("fx_position", "CNY"), Some(-10_000));
    assert_eq!(line("merchant_payable", "CNY"), Some(9940));
    assert_eq!(line("fee_income", "CNY"), Some(60));
    assert_eq!(line("nostro", "HKD"), Some(-1_050_000));
}

#[tokio::test]
async fn a_payer_in_the_merchant_s_currency_pays_what_is_asked() {
    let sandbox = Sandbox::start();
    let asked = payment("key-1", "order-1", "cn-chen", money("CNY", 10_000));
    let actual = decided(sandbox.cafe.authorize(asked.clone()).await);
    let expected = v1::Payment {
        merchant_discount: Some(money("CNY", 60)),
        postings: vec![
            posting("wallet:demo-wallet/cn-chen", "merchant_payable:demo-cafe", money("CNY", 10_000)),
            posting("merchant_payable:demo-cafe", "fee_income:CNY", money("CNY", 60)),
        ],
        ..all_captured(&money("CNY", 10_000), &money("CNY", 9940), captured(&asked, "demo-cafe", &actual))
    };
    assert_eq!(actual, expected);
    assert_eq!(sandbox.balance("cn-chen").await, 490_000);
}

#[tokio::test]
async fn a_dollar_wallet_pays_by_the_rate_of_its_own_pair() {
    let sandbox = Sandbox::start();
    let rate = rate(&sandbox, "CNY", "USD").await;
    assert_eq!(rate.mid_rate, "0.1503107930");
    let asked = payment("key-1", "order-1", "us-dana", money("CNY", 10_000));
    let actual = decided(sandbox.cafe.authorize(asked.clone()).await);
    assert_eq!(actual.debit_amount, Some(money("USD", 1519)), "15.18139… rounded up");
    assert_eq!(actual.conversion, conversion(&rate, money("USD", 1503), money("USD", 16), &actual));
    assert_eq!(sandbox.balance("us-dana").await, 98_481);
    assert!(sums(&sandbox.status().await).values().all(|sum| *sum == 0));
}

/// There is a rate from EUR to HKD. Dividing by it would make one from HKD to EUR that nobody published.
#[tokio::test]
async fn no_rate_is_made_by_turning_another_around() {
    let sandbox = Sandbox::start();
    let open = v1::OpenRequest {
        idempotency_key: "open".to_owned(),
        account_id: "de-ella".to_owned(),
        currency_code: "EUR".to_owned(),
    };
    sandbox.wallet.open(open).await.expect("opened");
    sandbox.deposit("deposit", "de-ella", money("EUR", 100_000)).await;
    let asked = payment("key-1", "order-1", "de-ella", money("HKD", 10_000));
    let refusal = refused(sandbox.books.authorize(asked).await);
    assert_eq!((refusal.code.as_str(), refusal.reason.as_str()), ("FAILED_PRECONDITION", "RATE_MISSING"));
    assert_eq!(refusal.message, "no rate is published for EUR per HKD");
    assert_eq!(sandbox.balance("de-ella").await, 100_000);
}

#[tokio::test]
async fn every_account_of_the_sandbox_holds_what_the_banner_says() {
    let sandbox = Sandbox::start();
    for (name, currency, balance) in [
        ("hk-alice", "HKD", 1_000_000),
        ("hk-bob", "HKD", 50_000),
        ("cn-chen", "CNY", 500_000),
        ("us-dana", "USD", 100_000),
    ] {
        let request = v1::AccountServiceGetRequest { account_id: name.to_owned() };
        let reply = sandbox.wallet.account(request).await.expect("the account is there");
        let found = reply.account.expect("a reply has its account");
        assert_eq!(
            found,
            v1::Account {
                account: Some(account(name)),
                currency_code: currency.to_owned(),
                state: v1::AccountState::Open.into(),
                posted_balance: Some(money(currency, balance)),
                held_balance: Some(money(currency, 0)),
                available_balance: Some(money(currency, balance)),
                create_time: found.create_time,
            }
        );
        assert!(sandbox.daemon.banner.contains(&format!("account {name}")));
    }
    let keys = MERCHANTS.map(|merchant| client::sandbox::merchant_key(merchant).expect("the sandbox has it"));
    assert!(sandbox.daemon.banner.contains("A payer's name alone counts as the payer's consent here, and here only"));
    for key in keys.into_iter().chain([client::sandbox::WALLET_KEY, client::sandbox::OPERATOR_KEY]) {
        assert!(sandbox.daemon.banner.contains(&format!("key {key}\n")), "the banner tells the key {key}");
    }
}
