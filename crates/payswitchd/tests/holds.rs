//! Holds end on time, whether or not anybody asks; and accounts that take no debits.

mod support;

use client::Code;
use support::{
    moves::{capture, captured, held, read},
    parties::{End, Sandbox, decided, money, payment, refused},
};
use wire::v1::{self, DeclineReason, PaymentEventKind, PaymentState};

const DAY_MS: u64 = 24 * 60 * 60 * 1_000;

fn yuan(minor_units: i64) -> v1::Money {
    money("CNY", minor_units)
}

/// Watches the cafe's payments from here on.
async fn watch(sandbox: &Sandbox) -> client::Watch {
    let after_lsn = sandbox.status().await.last_lsn;
    let request = v1::WatchRequest { merchant_id: String::new(), after_lsn };
    sandbox.cafe.watch(request).await.expect("a merchant may watch")
}

/// The next thing that happens.
async fn next(watch: &mut client::Watch) -> v1::PaymentEvent {
    loop {
        let told = watch.next().await.expect("the watch goes on").expect("the watch goes on");
        if let Some(event) = told.events.into_iter().next() {
            return event;
        }
    }
}

#[tokio::test]
async fn a_hold_ends_by_time_and_nothing_later_can_be_captured() {
    let sandbox = Sandbox::start();
    let first = decided(sandbox.cafe.authorize(held("first", "order-1", "hk-alice", yuan(1_000))).await);
    sandbox.advance(DAY_MS).await;
    let second = decided(sandbox.cafe.authorize(held("second", "order-2", "hk-alice", yuan(1_000))).await);
    captured(sandbox.cafe.capture(capture("part", &second.payment_id, yuan(400))).await);
    sandbox.advance(6 * DAY_MS - 60_000).await;
    assert_eq!(read(&sandbox.cafe, &first.payment_id).await.state(), PaymentState::Authorized, "a minute is left");
    let mut watch = watch(&sandbox).await;
    sandbox.advance(60_000).await;

    let expired = next(&mut watch).await;
    assert_eq!(expired.kind(), PaymentEventKind::Expired);
    let now = read(&sandbox.cafe, &first.payment_id).await;
    assert_eq!((now.state(), expired.payment.as_ref()), (PaymentState::Expired, Some(&now)));
    assert_eq!((sandbox.held("hk-alice").await, sandbox.status().await.payments_held), (715, 1));
    let refusal = refused(sandbox.cafe.capture(capture("late", &first.payment_id, yuan(1))).await);
    assert_eq!(refusal.reason, "MOVE_NOT_ALLOWED");
    assert_eq!(refusal.metadata.get("state").map(String::as_str), Some("expired"));

    sandbox.advance(DAY_MS).await;
    let now = read(&sandbox.cafe, &second.payment_id).await;
    assert_eq!(now.state(), PaymentState::Captured, "what was captured in time stays captured");
    assert_eq!((sandbox.held("hk-alice").await, sandbox.status().await.payments_held), (0, 0));
    let again = decided(sandbox.cafe.authorize(held("again", "order-1", "hk-alice", yuan(1_000))).await);
    assert_eq!(again.state(), PaymentState::Authorized, "the order is free again");
}

/// Nobody calls: the daemon itself finds that a second has passed.
#[tokio::test]
async fn a_hold_ends_while_the_daemon_is_idle() {
    let sandbox = Sandbox::with(&[("PAYSWITCHD__POLICY__HOLD_MS", "1000")]);
    let held = decided(sandbox.cafe.authorize(held("hold", "order", "hk-alice", yuan(1_000))).await);
    let mut watch = watch(&sandbox).await;
    let expired = next(&mut watch).await;
    assert_eq!(expired.kind(), PaymentEventKind::Expired);
    assert_eq!(expired.payment.expect("the payment is told").payment_id, held.payment_id);
    assert_eq!(sandbox.held("hk-alice").await, 0);
}

#[tokio::test]
async fn a_hold_that_was_due_while_the_daemon_was_down_ends_at_the_start() {
    let sandbox = Sandbox::with(&[("PAYSWITCHD__POLICY__HOLD_MS", "1000")]);
    let held = decided(sandbox.cafe.authorize(held("hold", "order", "hk-alice", yuan(1_000))).await);
    let expires = held.expire_time.expect("a hold ends");
    let sandbox = sandbox.restart(End::Killed).await;
    let mut now = read(&sandbox.cafe, &held.payment_id).await;
    while now.state() == PaymentState::Authorized {
        now = read(&sandbox.cafe, &held.payment_id).await;
    }
    assert_eq!((now.state(), sandbox.held("hk-alice").await), (PaymentState::Expired, 0));
    let ended = now.update_time.expect("a record has its time");
    assert!((ended.seconds, ended.nanos) >= (expires.seconds, expires.nanos), "not before its time");
}

/// The switch's clock stands where it was left: what has expired is not held again.
#[tokio::test]
async fn a_clock_that_was_advanced_stays_ahead_over_a_restart() {
    let sandbox = Sandbox::start();
    let mut sandbox = sandbox;
    let held = decided(sandbox.cafe.authorize(held("hold", "order", "hk-alice", yuan(1_000))).await);
    sandbox.advance(7 * DAY_MS).await;
    let mut last = read(&sandbox.cafe, &held.payment_id).await.update_time.expect("a record has its time").seconds;
    for (end, name) in [(End::Asked, "asked"), (End::Killed, "killed")] {
        sandbox = sandbox.restart(end).await;
        let paid = decided(sandbox.cafe.authorize(payment(name, name, "hk-alice", yuan(100))).await);
        assert_eq!(paid.state(), PaymentState::Captured, "its rates are fresh by its own clock");
        let at = paid.create_time.expect("a record has its time").seconds;
        assert!(at >= last, "{at} is before {last}");
        last = at;
        assert_eq!(read(&sandbox.cafe, &held.payment_id).await.state(), PaymentState::Expired);
    }
}

fn freeze(key: &str, account: &str) -> v1::FreezeRequest {
    v1::FreezeRequest { idempotency_key: key.to_owned(), account_id: account.to_owned() }
}

fn unfreeze(key: &str, account: &str) -> v1::UnfreezeRequest {
    v1::UnfreezeRequest { idempotency_key: key.to_owned(), account_id: account.to_owned() }
}

async fn state(sandbox: &Sandbox, account: &str) -> v1::AccountState {
    let request = v1::AccountServiceGetRequest { account_id: account.to_owned() };
    let reply = sandbox.wallet.account(request).await.expect("the account is there");
    reply.account.expect("a reply has its account").state()
}

#[tokio::test]
async fn a_frozen_account_takes_no_new_debits_and_keeps_its_holds() {
    let sandbox = Sandbox::start();
    let held_before = decided(sandbox.cafe.authorize(held("before", "order-1", "hk-bob", yuan(1_000))).await);
    let frozen = sandbox.wallet.freeze(freeze("freeze", "hk-bob")).await.expect("frozen");
    assert_eq!(state(&sandbox, "hk-bob").await, v1::AccountState::Frozen);
    assert_eq!(sandbox.wallet.freeze(freeze("freeze", "hk-bob")).await.expect("a retry is answered"), frozen);

    let declined = decided(sandbox.cafe.authorize(held("hold", "order-2", "hk-bob", yuan(100))).await);
    assert_eq!(declined.decline_reason(), DeclineReason::AccountFrozen);
    let declined = decided(sandbox.cafe.authorize(payment("pay", "order-2", "hk-bob", yuan(100))).await);
    assert_eq!(declined.decline_reason(), DeclineReason::AccountFrozen);
    let withdraw = v1::WithdrawRequest {
        idempotency_key: "withdraw".to_owned(),
        account_id: "hk-bob".to_owned(),
        amount: Some(money("HKD", 1)),
    };
    let movement = sandbox.wallet.withdraw(withdraw).await.expect("it is decided").movement;
    assert_eq!(movement.expect("a reply has its movement").decline_reason(), DeclineReason::AccountFrozen);
    let deposited = sandbox.deposit("deposit", "hk-bob", money("HKD", 100)).await;
    assert_eq!(deposited.state(), v1::MovementState::Posted, "credits arrive");
    let paid = captured(sandbox.cafe.capture(capture("capture", &held_before.payment_id, yuan(1_000))).await);
    assert_eq!(paid.state(), PaymentState::Captured, "a hold in place is kept");

    let before = sandbox.status().await.last_lsn;
    let twice = refused(sandbox.wallet.freeze(freeze("twice", "hk-bob")).await);
    assert_eq!((twice.code, twice.reason.as_str()), (Code::FailedPrecondition, "ACCOUNT_STATE_NOT_ALLOWED"));
    assert_eq!((twice.message.as_str(), twice.metadata["state"].as_str()), ("the account is frozen", "frozen"));
    let open = refused(sandbox.wallet.unfreeze(unfreeze("open", "hk-alice")).await);
    assert_eq!((open.reason.as_str(), open.metadata["state"].as_str()), ("ACCOUNT_STATE_NOT_ALLOWED", "open"));
    let nobody = refused(sandbox.wallet.freeze(freeze("nobody", "nobody")).await);
    assert_eq!((nobody.code, nobody.message.as_str()), (Code::NotFound, "no account nobody"));
    assert_eq!(sandbox.status().await.last_lsn, before, "nothing was recorded");

    let sandbox = sandbox.restart(End::Killed).await;
    assert_eq!(state(&sandbox, "hk-bob").await, v1::AccountState::Frozen);
    sandbox.wallet.unfreeze(unfreeze("unfreeze", "hk-bob")).await.expect("unfrozen");
    assert_eq!(state(&sandbox, "hk-bob").await, v1::AccountState::Open);
    let paid = decided(sandbox.cafe.authorize(payment("after", "order-2", "hk-bob", yuan(100))).await);
    assert_eq!(paid.state(), PaymentState::Captured);
}
