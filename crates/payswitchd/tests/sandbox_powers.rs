//! What the operator of a sandbox can do to it, and nobody else anywhere.

mod support;

use client::{Code, Error, sandbox};
use support::{
    moves::{capture, captured, held, refund, refunded, void, voided},
    parties::{End, Sandbox, decided, money, operator, payment, refused},
    production::Production,
};
use wire::v1::{self, DeclineReason, PaymentState, SandboxFailure, SandboxMethod};

const HOUR_MS: u64 = 60 * 60 * 1_000;

fn yuan(minor_units: i64) -> v1::Money {
    money("CNY", minor_units)
}

fn fail(method: SandboxMethod, failure: SandboxFailure) -> v1::FailNextRequest {
    v1::FailNextRequest {
        method: method.into(),
        failure: failure.into(),
        decline_reason: DeclineReason::Unspecified.into(),
    }
}

/// The call is refused before anything is done; then it is done and left unanswered; then it is repeated.
async fn check_failures<T, F: Future<Output = Result<T, Error>>>(
    sandbox: &Sandbox,
    method: SandboxMethod,
    call: impl Fn() -> F,
) -> T {
    let before = sandbox.status().await.last_lsn;
    sandbox.operator.fail_next(fail(method, SandboxFailure::Refused)).await.expect("it will fail");
    match call().await {
        Err(Error::Refused(refusal)) => {
            assert_eq!((refusal.code, refusal.reason.as_str()), (Code::Unavailable, "SANDBOX_FAILURE"), "{method:?}");
            assert!(refusal.speaks_of_this_attempt_only() && refusal.retry_after.is_some(), "{refusal:?}");
        }
        _ => panic!("{method:?} should be refused"),
    }
    assert_eq!(sandbox.status().await.last_lsn, before, "nothing was done: {method:?}");

    sandbox.operator.fail_next(fail(method, SandboxFailure::Unconfirmed)).await.expect("it will fail");
    match call().await {
        Err(error @ Error::Unanswered { .. }) => {
            let Error::Unanswered { code, reason, .. } = &error else { unreachable!("it was matched") };
            assert_eq!((*code, reason.as_str()), (Code::Unknown, "UNCONFIRMED"), "{method:?}");
        }
        _ => panic!("{method:?} should be left unanswered"),
    }
    assert_eq!(sandbox.status().await.last_lsn, before + 1, "it was done: {method:?}");
    let told = call().await.expect("a retry tells what happened");
    assert_eq!(sandbox.status().await.last_lsn, before + 1, "once: {method:?}");
    told
}

/// What a start has done once is not done again, however long ago that was.
#[tokio::test]
async fn a_sandbox_is_seeded_once() {
    let sandbox = Sandbox::start();
    let before = sandbox.status().await.trial_balance;
    sandbox.advance(300 * 24 * 60 * 60 * 1_000).await;
    let sandbox = sandbox.restart(End::Asked).await;
    assert_eq!(sandbox.status().await.trial_balance, before);
}

#[tokio::test]
async fn the_next_call_of_a_method_fails_as_ordered_and_the_one_after_does_not() {
    let sandbox = Sandbox::start();
    let cafe = &sandbox.cafe;
    let authorize = || cafe.authorize(held("authorize", "order", "hk-alice", yuan(1_000)));
    let held = decided(Ok(check_failures(&sandbox, SandboxMethod::Authorize, authorize).await));
    let id = held.payment_id.as_str();
    let call = || cafe.capture(capture("capture", id, yuan(600)));
    let reply = check_failures(&sandbox, SandboxMethod::Capture, call).await;
    assert_eq!(captured(Ok(reply)).state(), PaymentState::PartiallyCaptured);
    let reply = check_failures(&sandbox, SandboxMethod::Refund, || cafe.refund(refund("refund", id, yuan(100)))).await;
    assert_eq!(refunded(Ok(reply)).1.state(), PaymentState::PartiallyCaptured);
    let reply = check_failures(&sandbox, SandboxMethod::Void, || cafe.void(void("void", id))).await;
    assert_eq!(voided(Ok(reply)).state(), PaymentState::PartiallyRefunded);
}

#[tokio::test]
async fn the_next_payment_is_declined_for_any_reason() {
    let sandbox = Sandbox::start();
    for number in 1..=17 {
        let reason = DeclineReason::try_from(number).expect("reasons are numbered without gaps");
        let order = v1::FailNextRequest {
            decline_reason: reason.into(),
            ..fail(SandboxMethod::Authorize, SandboxFailure::Declined)
        };
        sandbox.operator.fail_next(order).await.expect("it will be declined");
        // A request that is none does not use the order up.
        refused(sandbox.cafe.authorize(v1::AuthorizeRequest::default()).await);
        let name = format!("{reason:?}");
        let declined = decided(sandbox.cafe.authorize(payment(&name, &name, "hk-alice", yuan(100))).await);
        assert_eq!((declined.state(), declined.decline_reason()), (PaymentState::Declined, reason));
    }
    assert_eq!(sandbox.balance("hk-alice").await, 1_000_000);
    let paid = decided(sandbox.cafe.authorize(payment("last", "last", "hk-alice", yuan(100))).await);
    assert_eq!(paid.state(), PaymentState::Captured);
}

async fn rate(sandbox: &Sandbox, presentment: &str, debit: &str) -> v1::Rate {
    let listed = sandbox.cafe.list_rates().await.expect("every credential may list rates");
    let is_asked = |rate: &v1::Rate| rate.presentment_currency_code == presentment && rate.debit_currency_code == debit;
    listed.rates.into_iter().find(is_asked).expect("the sandbox publishes this pair")
}

#[tokio::test]
async fn a_pinned_rate_is_in_force_and_kept_fresh_until_it_is_let_go() {
    let sandbox = Sandbox::start();
    sandbox.pin(["CNY", "HKD"], "2.5").await;
    let pinned = rate(&sandbox, "CNY", "HKD").await;
    assert_eq!((pinned.mid_rate.as_str(), pinned.source.as_str()), ("2.5", "pinned in the sandbox"));
    sandbox.advance(2 * HOUR_MS).await;
    let sandbox = sandbox.restart(End::Killed).await;
    sandbox.advance(2 * HOUR_MS).await;
    let paid = decided(sandbox.cafe.authorize(payment("pinned", "order-1", "hk-alice", yuan(100))).await);
    assert_eq!(paid.debit_amount, Some(money("HKD", 253)), "it never goes stale");

    sandbox.pin(["CNY", "HKD"], "").await;
    let own = rate(&sandbox, "CNY", "HKD").await;
    assert_eq!((own.mid_rate.as_str(), own.source.starts_with("ECB")), ("1.179291231", true));
    sandbox.advance(2 * HOUR_MS).await;
    let paid = decided(sandbox.cafe.authorize(payment("own", "order-2", "hk-alice", yuan(100))).await);
    assert_eq!(paid.debit_amount, Some(money("HKD", 120)));
    let none = v1::PinRateRequest {
        presentment_currency_code: "JPY".to_owned(),
        debit_currency_code: "HKD".to_owned(),
        mid_rate: String::new(),
    };
    let refusal = refused(sandbox.operator.pin_rate(none).await);
    assert_eq!((refusal.code, refusal.reason.as_str()), (Code::FailedPrecondition, "RATE_MISSING"));
}

/// What an operator has published ages with the clock; the sandbox's own rates are stamped anew.
#[tokio::test]
async fn a_published_rate_ages_when_the_clock_is_advanced() {
    let sandbox = Sandbox::start();
    let own = rate(&sandbox, "CNY", "HKD").await;
    let publication = v1::RatePublication {
        presentment_currency_code: "CNY".to_owned(),
        debit_currency_code: "HKD".to_owned(),
        bid: "1.17".to_owned(),
        ask: "1.19".to_owned(),
        source: "desk".to_owned(),
        as_of_time: own.as_of_time,
        ..v1::RatePublication::default()
    };
    let publish = v1::PublishRatesRequest {
        idempotency_key: "publish".to_owned(),
        rates: vec![publication],
        ..v1::PublishRatesRequest::default()
    };
    sandbox.operator.publish_rates(publish).await.expect("published");
    let listed = rate(&sandbox, "CNY", "HKD").await;
    assert_eq!((listed.bid.as_str(), listed.mid_rate.as_str(), listed.ask.as_str()), ("1.17", "1.18", "1.19"));
    let paid = decided(sandbox.cafe.authorize(payment("fresh", "order-1", "hk-alice", yuan(10_000))).await);
    assert_eq!(paid.debit_amount, Some(money("HKD", 12_019)), "by the ask");
    sandbox.advance(HOUR_MS).await;
    let stale = refused(sandbox.cafe.authorize(payment("stale", "order-2", "hk-alice", yuan(100))).await);
    assert_eq!(stale.reason, "RATE_STALE");
    decided(sandbox.books.authorize(payment("own", "order", "cn-chen", money("HKD", 100))).await);
}

#[tokio::test]
async fn every_rate_that_was_published_is_told() {
    let sandbox = Sandbox::start();
    for number in 1..=9 {
        sandbox.pin(["CNY", "HKD"], &format!("1.{number}")).await;
    }
    let page = |page_size, page_token: &str| v1::HistoryRequest {
        presentment_currency_code: "CNY".to_owned(),
        debit_currency_code: "HKD".to_owned(),
        page_size,
        page_token: page_token.to_owned(),
    };
    let (mut told, mut token) = (Vec::new(), String::new());
    loop {
        let reply = sandbox.cafe.rate_history(page(4, &token)).await.expect("every credential may ask");
        told.extend(reply.rates.into_iter().map(|rate| rate.mid_rate));
        // A rate that comes in between is no part of what is paged through.
        sandbox.pin(["CNY", "HKD"], "1.5").await;
        token = reply.next_page_token;
        if token.is_empty() {
            break;
        }
    }
    let expected = ["1.9", "1.8", "1.7", "1.6", "1.5", "1.4", "1.3", "1.2", "1.1", "1.179291231"];
    assert_eq!(told, expected);
    assert_eq!(refused(sandbox.cafe.rate_history(page(4, "x")).await).reason, "PAGE_TOKEN_INVALID");
    assert!(rate(&sandbox, "CNY", "HKD").await.move_ppm > 0, "the market has moved");
}

#[tokio::test]
async fn the_powers_are_the_operator_s_alone() {
    let sandbox = Sandbox::start();
    for key in [sandbox::MERCHANT_KEYS[0].1, sandbox::WALLET_KEY] {
        let other = operator(&sandbox.daemon.operators, key);
        let refusals = [
            refused(other.advance_clock(v1::AdvanceClockRequest { advance_ms: 1 }).await),
            refused(other.pin_rate(v1::PinRateRequest::default()).await),
            refused(other.fail_next(v1::FailNextRequest::default()).await),
        ];
        for refusal in refusals {
            assert_eq!(refusal.message, "this service is for the switch's operator");
        }
    }
    let elsewhere = operator(&sandbox.daemon.merchants, sandbox::OPERATOR_KEY);
    let refusal = refused(elsewhere.advance_clock(v1::AdvanceClockRequest { advance_ms: 1 }).await);
    assert_eq!(refusal.code, Code::Unimplemented, "not on the merchants' listener");
}

#[tokio::test]
async fn a_production_daemon_has_no_such_service() {
    let production = Production::prepare(&[]);
    let daemon = production.start();
    for address in [&daemon.operators, &daemon.merchants] {
        let operator = operator(address, &production.operator_key);
        let refusals = [
            refused(operator.advance_clock(v1::AdvanceClockRequest { advance_ms: 1 }).await),
            refused(operator.pin_rate(v1::PinRateRequest::default()).await),
            refused(operator.fail_next(fail(SandboxMethod::Void, SandboxFailure::Refused)).await),
        ];
        for refusal in refusals {
            assert_eq!(refusal.code, Code::Unimplemented, "{refusal}");
        }
    }
}
