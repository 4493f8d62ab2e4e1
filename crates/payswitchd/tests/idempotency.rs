//! One key, one outcome: whatever happens in between, whoever asks how often.

mod support;

use support::parties::{End, Sandbox, decided, money, payment, refused, sums};
use tokio::task::JoinSet;
use wire::v1;

#[tokio::test]
async fn sixteen_identical_requests_at_once_have_one_effect() {
    let sandbox = Sandbox::start();
    let before = sandbox.status().await.last_lsn;
    let asked = payment("key", "order", "hk-alice", money("CNY", 10_000));
    let mut calls = JoinSet::new();
    for _ in 0..16 {
        let cafe = support::parties::caller(&sandbox.daemon.merchants, client::sandbox::MERCHANT_KEYS[0].1);
        let request = asked.clone();
        calls.spawn(async move { cafe.authorize(request).await });
    }
    let answers: Vec<_> = calls.join_all().await.into_iter().map(decided).collect();
    assert_eq!(answers.len(), 16);
    assert!(answers.iter().all(|answer| *answer == answers[0]), "all get the same answer: {answers:?}");
    assert_eq!(answers[0].state(), v1::PaymentState::Captured);

    let after = sandbox.status().await;
    assert_eq!((after.last_lsn, after.payments_captured), (before + 1, 1));
    assert_eq!(sandbox.balance("hk-alice").await, 988_089);
}

#[tokio::test]
async fn a_decline_stays_a_decline_for_its_key() {
    let sandbox = Sandbox::start();
    let asked = payment("key-1", "order", "hk-bob", money("CNY", 50_000));
    let declined = decided(sandbox.cafe.authorize(asked.clone()).await);
    assert_eq!(declined.decline_reason(), v1::DeclineReason::InsufficientBalance);

    sandbox.deposit("deposit", "hk-bob", money("HKD", 100_000)).await;
    assert_eq!(decided(sandbox.cafe.authorize(asked.clone()).await), declined);
    assert_eq!(sandbox.balance("hk-bob").await, 150_000);

    let sandbox = sandbox.restart(End::Killed).await;
    assert_eq!(decided(sandbox.cafe.authorize(asked).await), declined);
    let with_new_key = payment("key-2", "order", "hk-bob", money("CNY", 50_000));
    assert_eq!(decided(sandbox.cafe.authorize(with_new_key).await).state(), v1::PaymentState::Captured);
}

#[tokio::test]
async fn an_approval_is_repeated_after_the_payer_s_account_was_closed() {
    let sandbox = Sandbox::start();
    let asked = payment("key-1", "order-1", "hk-bob", money("HKD", 50_000));
    let paid = decided(sandbox.books.authorize(asked.clone()).await);
    assert_eq!(paid.state(), v1::PaymentState::Captured);
    let closed = sandbox.close("close", "hk-bob").await;
    assert_eq!(closed.decline_reason(), v1::DeclineReason::Unspecified, "an empty account can be closed");

    assert_eq!(decided(sandbox.books.authorize(asked).await), paid);
    let another = payment("key-2", "order-2", "hk-bob", money("HKD", 100));
    let declined = decided(sandbox.books.authorize(another).await);
    assert_eq!(declined.decline_reason(), v1::DeclineReason::AccountClosed);
    let deposit = sandbox.deposit("deposit", "hk-bob", money("HKD", 100)).await;
    assert_eq!(deposit.decline_reason(), v1::DeclineReason::AccountClosed);
    assert_eq!(sandbox.close("close", "hk-bob").await, closed, "closing is repeated as well");
    let again = sandbox.close("close-2", "hk-bob").await;
    assert_eq!(again.decline_reason(), v1::DeclineReason::AccountClosed);
}

#[tokio::test]
async fn an_account_with_money_on_it_is_not_closed() {
    let sandbox = Sandbox::start();
    let closed = sandbox.close("close", "hk-bob").await;
    assert_eq!(closed.decline_reason(), v1::DeclineReason::AccountNotEmpty);
    assert_eq!(sandbox.balance("hk-bob").await, 50_000);
}

/// Publishes a rate of now, by the daemon's clock, and pays by it; on a slow machine the rate may be stale before it is
/// used, so this is tried anew with another key.
async fn paid_at_a_fresh_rate(sandbox: &Sandbox) -> (v1::AuthorizeRequest, v1::Payment) {
    for attempt in 0..1_000 {
        let movement = sandbox.deposit(&format!("clock {attempt}"), "hk-bob", money("HKD", 1)).await;
        let rate = v1::RatePublication {
            presentment_currency_code: "CNY".to_owned(),
            debit_currency_code: "HKD".to_owned(),
            mid_rate: "1.18".to_owned(),
            source: "desk".to_owned(),
            as_of_time: movement.create_time,
            ..v1::RatePublication::default()
        };
        let publish = v1::PublishRatesRequest {
            idempotency_key: format!("rate {attempt}"),
            rates: vec![rate],
            ..v1::PublishRatesRequest::default()
        };
        sandbox.operator.publish_rates(publish).await.expect("a rate of now is taken");
        let asked = payment(&format!("first {attempt}"), "first", "hk-alice", money("CNY", 1));
        if let Ok(reply) = sandbox.cafe.authorize(asked.clone()).await {
            return (asked, reply.payment.expect("a reply has its payment"));
        }
    }
    panic!("no rate could be used before it was stale");
}

#[tokio::test]
async fn an_approval_is_repeated_after_its_rate_went_stale() {
    let sandbox = Sandbox::with(&[("PAYSWITCHD__POLICY__RATE_AGE_MS_MAX", "250")]);
    let (asked, paid) = paid_at_a_fresh_rate(&sandbox).await;
    assert_eq!(paid.state(), v1::PaymentState::Captured);

    let mut attempt = 0;
    let refusal = loop {
        let later = payment(&format!("later {attempt}"), &format!("later {attempt}"), "hk-alice", money("CNY", 1));
        match sandbox.cafe.authorize(later).await {
            Ok(_) => attempt += 1,
            stale => break refused(stale),
        }
        assert!(attempt < 100_000, "the rate never goes stale");
    };
    assert_eq!(refusal.reason, "RATE_STALE");

    assert_eq!(decided(sandbox.cafe.authorize(asked.clone()).await), paid);
    let sandbox = sandbox.restart(End::Asked).await;
    assert_eq!(decided(sandbox.cafe.authorize(asked).await), paid);
}

#[tokio::test]
async fn keys_of_every_method_survive_a_restart_and_a_crash() {
    let mut sandbox = Sandbox::start();
    let paid = payment("key", "order", "us-dana", money("CNY", 1000));
    let deposit = support::parties::deposit("key", "hk-bob", money("HKD", 500));
    let withdraw = v1::WithdrawRequest {
        idempotency_key: "key-w".to_owned(),
        account_id: "hk-bob".to_owned(),
        amount: Some(money("HKD", 100)),
    };
    let open = v1::OpenRequest {
        idempotency_key: "key-o".to_owned(),
        account_id: "sg-emi".to_owned(),
        currency_code: "SGD".to_owned(),
    };
    let register = v1::RegisterMerchantRequest {
        idempotency_key: "key".to_owned(),
        merchant_id: "tea-house".to_owned(),
        settlement_currency_code: "CNY".to_owned(),
        merchant_discount: "0.01".to_owned(),
        api_key: "key_0123456789abcdef0123456789abcdef".to_owned(),
    };
    let mut seen = Vec::new();
    for end in [Some(End::Killed), Some(End::Asked), None] {
        seen.push((
            sandbox.cafe.authorize(paid.clone()).await.expect("paid"),
            sandbox.wallet.deposit(deposit.clone()).await.expect("deposited"),
            sandbox.wallet.withdraw(withdraw.clone()).await.expect("withdrawn"),
            sandbox.wallet.open(open.clone()).await.expect("opened"),
            sandbox.operator.register_merchant(register.clone()).await.expect("registered"),
        ));
        let status = sandbox.status().await;
        assert_eq!(status.payments_captured, 1);
        assert!(sums(&status).values().all(|sum| *sum == 0), "{:?}", status.trial_balance);
        assert_eq!(sandbox.balance("hk-bob").await, 50_400);
        if let Some(end) = end {
            sandbox = sandbox.restart(end).await;
            assert!(sandbox.status().await.recovered_records > 0);
        }
    }
    assert_eq!(seen[0], seen[1], "after SIGKILL");
    assert_eq!(seen[0], seen[2], "after SIGTERM");
}

/// Keys belong to their caller: two merchants and a wallet operator may choose the same.
#[tokio::test]
async fn keys_of_different_callers_never_meet() {
    let sandbox = Sandbox::start();
    let at_cafe = decided(sandbox.cafe.authorize(payment("key", "order", "hk-alice", money("CNY", 100))).await);
    let at_books = decided(sandbox.books.authorize(payment("key", "order", "hk-alice", money("HKD", 100))).await);
    let deposited = sandbox.deposit("key", "hk-alice", money("HKD", 100)).await;
    assert_ne!(at_cafe.payment_id, at_books.payment_id);
    assert_eq!((at_books.lsn, deposited.lsn), (at_cafe.lsn + 1, at_cafe.lsn + 2));
}
