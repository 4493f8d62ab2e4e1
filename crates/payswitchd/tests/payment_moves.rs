//! Every move of a payment in every state, by real calls: what is allowed leads on, and what is not is refused with the
//! state and what it allows, and leaves no record.

mod support;

use client::Code;
use support::{
    moves::{
        capture, captured, final_capture, held, held_units, increase, increased, read, refund, refunded, units, void,
        voided,
    },
    parties::{End, Sandbox, decided, money, payment, refused, sums},
};
use wire::v1::{self, PaymentState};

const DAY_MS: u64 = 24 * 60 * 60 * 1_000;

/// What is asked of a payment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Move {
    Capture,
    Void,
    Increase,
    Refund,
}

const MOVES: [(Move, &str); 4] =
    [(Move::Capture, "capture"), (Move::Void, "void"), (Move::Increase, "increase"), (Move::Refund, "refund")];

/// Where each allowed move of CNY 1.00 leads.
type Leads = &'static [(Move, PaymentState)];

/// Each state, by name.
const TABLE: [(PaymentState, &str, Leads); 8] = [
    (PaymentState::Expired, "expired", &[]),
    (PaymentState::Declined, "declined", &[]),
    (
        PaymentState::Authorized,
        "authorized",
        &[
            (Move::Capture, PaymentState::PartiallyCaptured),
            (Move::Void, PaymentState::Voided),
            (Move::Increase, PaymentState::Authorized),
        ],
    ),
    (
        PaymentState::PartiallyCaptured,
        "partially_captured",
        &[
            (Move::Capture, PaymentState::PartiallyCaptured),
            (Move::Void, PaymentState::Captured),
            (Move::Increase, PaymentState::PartiallyCaptured),
            (Move::Refund, PaymentState::PartiallyCaptured),
        ],
    ),
    (PaymentState::Captured, "captured", &[(Move::Refund, PaymentState::PartiallyRefunded)]),
    (PaymentState::PartiallyRefunded, "partially_refunded", &[(Move::Refund, PaymentState::PartiallyRefunded)]),
    (PaymentState::Refunded, "refunded", &[]),
    (PaymentState::Voided, "voided", &[]),
];

fn yuan(minor_units: i64) -> v1::Money {
    money("CNY", minor_units)
}

/// A payment of the cafe by hk-alice that stands in this state.
async fn payment_in(sandbox: &Sandbox, state: PaymentState, name: &str) -> v1::Payment {
    let key = |step: &str| format!("{name} {step}");
    let cafe = &sandbox.cafe;
    let payer = if state == PaymentState::Declined { "hk-bob" } else { "hk-alice" };
    let units = if state == PaymentState::Declined { 100_000 } else { 1_000 };
    let held = decided(cafe.authorize(held(&key("authorize"), name, payer, yuan(units))).await);
    let id = &held.payment_id;
    let there = match state {
        PaymentState::Authorized | PaymentState::Declined => held.clone(),
        PaymentState::PartiallyCaptured => captured(cafe.capture(capture(&key("capture"), id, yuan(300))).await),
        PaymentState::Voided => voided(cafe.void(void(&key("void"), id)).await),
        PaymentState::Expired => {
            sandbox.advance(7 * DAY_MS).await;
            read(cafe, id).await
        }
        PaymentState::Captured => captured(cafe.capture(capture(&key("capture"), id, yuan(1_000))).await),
        PaymentState::PartiallyRefunded | PaymentState::Refunded => {
            captured(cafe.capture(capture(&key("capture"), id, yuan(1_000))).await);
            let units = if state == PaymentState::Refunded { 1_000 } else { 400 };
            refunded(cafe.refund(refund(&key("refund"), id, yuan(units))).await).1
        }
        PaymentState::Pending => unreachable!("only a card is waited for"),
        PaymentState::Unspecified => unreachable!("no payment is nowhere"),
    };
    assert_eq!(there.state(), state, "{name}");
    there
}

/// Asks for CNY 1.00 and tells the payment right after.
async fn ask(sandbox: &Sandbox, asked: Move, key: &str, id: &str) -> Result<v1::Payment, client::Error> {
    let cafe = &sandbox.cafe;
    let payment = match asked {
        Move::Capture => cafe.capture(capture(key, id, yuan(100))).await?.payment,
        Move::Void => cafe.void(void(key, id)).await?.payment,
        Move::Increase => cafe.increase_authorization(increase(key, id, yuan(100))).await?.payment,
        Move::Refund => cafe.refund(refund(key, id, yuan(100))).await?.payment,
    };
    Ok(payment.expect("what is allowed here is not declined"))
}

#[tokio::test]
async fn every_move_in_every_state_leads_on_or_is_refused() {
    let sandbox = Sandbox::start();
    for (state, state_name, leads) in TABLE {
        let allowed: Vec<_> = MOVES
            .into_iter()
            .filter(|(asked, _)| leads.iter().any(|(allowed, _)| allowed == asked))
            .map(|(_, name)| name)
            .collect();
        for (asked, name) in MOVES {
            let case = format!("{name} when {state_name}");
            let there = payment_in(&sandbox, state, &case).await;
            let before = sandbox.status().await.last_lsn;
            let answer = ask(&sandbox, asked, &case, &there.payment_id).await;
            let after = sandbox.status().await.last_lsn;
            if let Some((_, leads_to)) = leads.iter().find(|(allowed, _)| *allowed == asked) {
                let moved = answer.expect(&case);
                assert_eq!((moved.state(), after), (*leads_to, before + 1), "{case}");
                assert_eq!(read(&sandbox.cafe, &there.payment_id).await, moved, "{case}");
                continue;
            }
            let refusal = refused(answer);
            assert_eq!(
                (refusal.code, refusal.reason.as_str()),
                (Code::FailedPrecondition, "MOVE_NOT_ALLOWED"),
                "{case}"
            );
            let told = |name: &str| refusal.metadata.get(name).cloned().unwrap_or_default();
            assert_eq!((told("state"), told("asked")), (state_name.to_owned(), name.to_owned()), "{case}");
            assert_eq!(told("allowed"), allowed.join(","), "{case}");
            assert_eq!(told("outcome"), "NOT_COMMITTED", "{case}");
            let list = if allowed.is_empty() { "nothing".to_owned() } else { allowed.join(", ") };
            let message = format!("the payment is {state_name}: {name} is not allowed there; allowed: {list}");
            assert_eq!(refusal.message, message, "{case}");
            assert_eq!(after, before, "nothing is recorded: {case}");
            assert_eq!(read(&sandbox.cafe, &there.payment_id).await, there, "{case}");
        }
    }
    assert!(sums(&sandbox.status().await).values().all(|sum| *sum == 0));
}

/// Every position of a payment is in order in each currency.
fn check_order(payment: &v1::Payment) {
    let [authorized, captured, refunded] = [&payment.authorized, &payment.captured, &payment.refunded].map(units);
    for ((authorized, captured), refunded) in authorized.into_iter().zip(captured).zip(refunded) {
        assert!(authorized >= captured && captured >= refunded && refunded >= 0, "{payment:?}");
    }
}

#[tokio::test]
async fn a_hold_captured_and_refunded_in_parts_leaves_no_residue() {
    let sandbox = Sandbox::start();
    let cafe = &sandbox.cafe;
    let held = decided(cafe.authorize(held("hold", "order", "hk-alice", yuan(10_000))).await);
    assert_eq!((units(&held.authorized), held_units(&held)), ([10_000, 11_911, 9_940], 11_911));
    assert!(held.expire_time.is_some() && held.postings.is_empty());
    assert_eq!((sandbox.balance("hk-alice").await, sandbox.held("hk-alice").await), (1_000_000, 11_911));
    assert_eq!(sandbox.status().await.payments_held, 1);

    let mut now = held;
    for part in 0..100 {
        now = captured(cafe.capture(capture(&format!("capture {part}"), &now.payment_id, yuan(100))).await);
        check_order(&now);
        let left = 11_911 - units(&now.captured)[1];
        assert_eq!((held_units(&now), sandbox.held("hk-alice").await), (left, left));
    }
    assert_eq!((now.state(), units(&now.captured)), (PaymentState::Captured, [10_000, 11_911, 9_940]));
    assert_eq!((sandbox.balance("hk-alice").await, sandbox.held("hk-alice").await), (988_089, 0));

    let (mut left, mut part) = (10_000, 1);
    let mut given_back = 0;
    while left > 0 {
        let amount = (part * 37).min(left);
        let asked = refund(&format!("refund {part}"), &now.payment_id, yuan(amount));
        let (refund, after) = refunded(cafe.refund(asked).await);
        check_order(&after);
        assert_eq!((refund.state(), refund.rate_rule()), (v1::RefundState::Refunded, v1::RefundRate::Original));
        given_back += refund.debit_amount.expect("the payer was credited").minor_units;
        (left, part, now) = (left - amount, part + 1, after);
    }
    assert_eq!((now.state(), given_back), (PaymentState::Refunded, 11_911));
    assert_eq!(sandbox.balance("hk-alice").await, 1_000_000);
    for (kind, currency) in
        [("fx_position", "HKD"), ("fx_position", "CNY"), ("fx_markup", "HKD"), ("fee_income", "CNY")]
    {
        assert_eq!(sandbox.house(kind, currency).await, 0, "{kind} {currency}");
    }
    assert_eq!(sandbox.house("merchant_payable", "CNY").await, 0);
    let status = sandbox.status().await;
    assert_eq!((status.payments_held, status.payments_captured), (0, 1));
    assert!(sums(&status).values().all(|sum| *sum == 0));
}

#[tokio::test]
async fn a_final_capture_releases_the_rest() {
    let sandbox = Sandbox::start();
    let held = decided(sandbox.cafe.authorize(held("hold", "order", "hk-alice", yuan(10_000))).await);
    let captured = captured(sandbox.cafe.capture(final_capture("final", &held.payment_id, yuan(4_000))).await);
    assert_eq!((captured.state(), held_units(&captured)), (PaymentState::Captured, 0));
    assert_eq!(
        (units(&captured.authorized), units(&captured.captured)),
        ([10_000, 11_911, 9_940], [4_000, 4_765, 3_976])
    );
    assert_eq!((sandbox.balance("hk-alice").await, sandbox.held("hk-alice").await), (1_000_000 - 4_765, 0));
}

#[tokio::test]
async fn a_hold_is_real_and_other_holds_count() {
    let sandbox = Sandbox::start();
    // hk-bob has HKD 500.00; CNY 400.00 are HKD 476.44.
    let first = decided(sandbox.cafe.authorize(held("first", "order-1", "hk-bob", yuan(40_000))).await);
    assert_eq!((first.state(), held_units(&first)), (PaymentState::Authorized, 47_644));
    let second = decided(sandbox.cafe.authorize(held("second", "order-2", "hk-bob", yuan(2_000))).await);
    assert_eq!(second.decline_reason(), v1::DeclineReason::InsufficientBalance);
    let withdraw = v1::WithdrawRequest {
        idempotency_key: "withdraw".to_owned(),
        account_id: "hk-bob".to_owned(),
        amount: Some(money("HKD", 2_357)),
    };
    let reply = sandbox.wallet.withdraw(withdraw).await.expect("a withdrawal is decided");
    let movement = reply.movement.expect("a reply has its movement");
    assert_eq!(movement.decline_reason(), v1::DeclineReason::InsufficientBalance, "HKD 23.56 are available");
    assert_eq!(sandbox.close("close", "hk-bob").await.decline_reason(), v1::DeclineReason::AccountNotEmpty);

    voided(sandbox.cafe.void(void("void", &first.payment_id)).await);
    assert_eq!((sandbox.balance("hk-bob").await, sandbox.held("hk-bob").await), (50_000, 0));
    let again = decided(sandbox.cafe.authorize(held("third", "order-1", "hk-bob", yuan(40_000))).await);
    assert_eq!(again.state(), PaymentState::Authorized, "the order is free again after a void");
}

#[tokio::test]
async fn more_than_is_left_is_refused_with_what_is_left() {
    let sandbox = Sandbox::start();
    let held = decided(sandbox.cafe.authorize(held("hold", "order", "hk-alice", yuan(1_000))).await);
    let id = held.payment_id.as_str();
    captured(sandbox.cafe.capture(capture("capture", id, yuan(300))).await);
    let before = sandbox.status().await.last_lsn;
    let check = |refusal: client::Refusal, asked: &str, remaining: &str| {
        assert_eq!((refusal.code, refusal.reason.as_str()), (Code::FailedPrecondition, "AMOUNT_ABOVE_REMAINING"));
        assert_eq!(refusal.metadata.get("remaining").map(String::as_str), Some(remaining));
        assert_eq!(refusal.message, format!("{remaining} is left to {asked}"));
    };
    check(refused(sandbox.cafe.capture(capture("more", id, yuan(701))).await), "capture", "CNY 7.00");
    check(refused(sandbox.cafe.refund(refund("more", id, yuan(301))).await), "refund", "CNY 3.00");

    let other = refused(sandbox.cafe.capture(capture("more", id, money("HKD", 1))).await);
    assert_eq!((other.code, other.reason.as_str()), (Code::InvalidArgument, "PAYMENT_CURRENCY_MISMATCH"));
    assert_eq!(other.message, "the payment was asked in CNY, the amount is in HKD");
    assert_eq!(sandbox.status().await.last_lsn, before, "nothing was recorded, and the key is free");
    captured(sandbox.cafe.capture(capture("more", id, yuan(700))).await);
}

/// Another merchant's payment is as one that never was, whatever is asked of it.
#[tokio::test]
async fn nobody_moves_another_s_payment() {
    let sandbox = Sandbox::start();
    let held = decided(sandbox.cafe.authorize(held("hold", "order", "hk-alice", yuan(1_000))).await);
    let never = "01900000-0000-7000-8000-000000000000";
    let before = sandbox.status().await.last_lsn;
    for id in [held.payment_id.as_str(), never] {
        let books = &sandbox.books;
        let refusals = [
            refused(books.capture(capture("1", id, yuan(1))).await),
            refused(books.void(void("2", id)).await),
            refused(books.refund(refund("3", id, yuan(1))).await),
            refused(books.increase_authorization(increase("4", id, yuan(1))).await),
            refused(books.payment(support::parties::by_id(id)).await),
        ];
        for refusal in refusals {
            assert_eq!((refusal.code, refusal.reason.as_str()), (Code::NotFound, "PAYMENT_NOT_FOUND"));
            assert_eq!(refusal.message, format!("no payment {id}"));
        }
    }
    assert_eq!(sandbox.status().await.last_lsn, before);
}

/// An increase at the rate of the first extends it; at another it is a tranche of its own, and each keeps its rate.
#[tokio::test]
async fn an_increase_is_held_at_the_rate_of_its_own_moment() {
    let sandbox = Sandbox::start();
    let cafe = &sandbox.cafe;
    let held = decided(cafe.authorize(held("hold", "order", "hk-alice", yuan(5_000))).await);
    let id = held.payment_id.as_str();
    let same = increased(cafe.increase_authorization(increase("same rate", id, yuan(5_000))).await);
    assert_eq!((units(&same.authorized), held_units(&same)), ([10_000, 11_911, 9_940], 11_911), "as if asked at once");
    assert_eq!(same.presentment_amount, Some(yuan(5_000)), "what was asked first");

    sandbox.pin(["CNY", "HKD"], "1.25").await;
    let more = increased(cafe.increase_authorization(increase("other rate", id, yuan(10_000))).await);
    assert_eq!(units(&more.authorized), [20_000, 11_911 + 12_625, 19_880], "125.00 at mid and 1 %");
    let all = captured(cafe.capture(capture("all", id, yuan(20_000))).await);
    assert_eq!((all.state(), units(&all.captured)[1]), (PaymentState::Captured, 24_536));
    let (first, _) = refunded(cafe.refund(refund("first tranche", id, yuan(10_000))).await);
    assert_eq!(first.debit_amount, Some(money("HKD", 11_911)), "the oldest tranche goes back first, at its own rate");
    let (second, after) = refunded(cafe.refund(refund("second tranche", id, yuan(10_000))).await);
    assert_eq!(second.debit_amount, Some(money("HKD", 12_625)));
    assert_eq!((after.state(), sandbox.balance("hk-alice").await), (PaymentState::Refunded, 1_000_000));
}

#[tokio::test]
async fn every_move_is_repeated_as_it_was_recorded() {
    let mut sandbox = Sandbox::start();
    let held = decided(sandbox.cafe.authorize(held("key-a", "order", "hk-alice", yuan(10_000))).await);
    let id = held.payment_id.clone();
    let mut seen = Vec::new();
    for end in [Some(End::Killed), Some(End::Asked), None] {
        let cafe = &sandbox.cafe;
        seen.push((
            increased(cafe.increase_authorization(increase("key-i", &id, yuan(1_000))).await),
            captured(cafe.capture(capture("key-c", &id, yuan(6_000))).await),
            refunded(cafe.refund(refund("key-r", &id, yuan(2_000))).await),
            voided(cafe.void(void("key-v", &id)).await),
        ));
        let reused = refused(cafe.capture(final_capture("key-c", &id, yuan(6_000))).await);
        assert_eq!(reused.message, "idempotency_key was used for another request: final differs");
        let reused = refused(cafe.void(void("key-c", &id)).await);
        let expected =
            "idempotency_key was used for another request: method (first used for PaymentService.Capture) differs";
        assert_eq!(reused.message, expected);
        if let Some(end) = end {
            sandbox = sandbox.restart(end).await;
        }
    }
    assert_eq!(seen[0], seen[1], "after SIGKILL");
    assert_eq!(seen[0], seen[2], "after SIGTERM");
    assert_eq!(seen[0].1.state(), PaymentState::PartiallyCaptured, "as it was right after, whatever came since");
    assert_eq!(read(&sandbox.cafe, &id).await, seen[0].3, "the void was the last");
}

#[tokio::test]
async fn a_payment_is_found_by_each_of_its_names() {
    let sandbox = Sandbox::start();
    let paid = decided(sandbox.cafe.authorize(payment("the key", "the order", "hk-alice", yuan(1_000))).await);
    let (refund, after) = refunded(sandbox.cafe.refund(refund("refund", &paid.payment_id, yuan(100))).await);
    let names = [
        v1::PaymentServiceGetRequest { payment_id: paid.payment_id.clone(), ..Default::default() },
        v1::PaymentServiceGetRequest { merchant_order_id: "the order".to_owned(), ..Default::default() },
        v1::PaymentServiceGetRequest { idempotency_key: "the key".to_owned(), ..Default::default() },
    ];
    for name in names {
        let found = sandbox.cafe.payment(name.clone()).await.expect("it has this name");
        assert_eq!(
            (found.payment.as_ref(), found.refunds.as_slice()),
            (Some(&after), &[refund.clone()][..]),
            "{name:?}"
        );
        let of_another = refused(sandbox.books.payment(name).await);
        assert_eq!((of_another.code, of_another.reason.as_str()), (Code::NotFound, "PAYMENT_NOT_FOUND"));
    }
    // A declined try for the order does not hide the payment that holds it.
    let declined = decided(sandbox.cafe.authorize(payment("again", "the order", "hk-alice", yuan(1_000))).await);
    assert_eq!(declined.paid_by_payment_id, paid.payment_id);
    let by_order = v1::PaymentServiceGetRequest { merchant_order_id: "the order".to_owned(), ..Default::default() };
    let found = sandbox.cafe.payment(by_order).await.expect("it is there");
    assert_eq!(found.payment.map(|payment| payment.payment_id), Some(paid.payment_id));
}
