//! A merchant that was given a card's token cannot charge it by that alone, unless it is in a sandbox.

use client::Code;
use wire::v1::{ConsentKind, DeclineReason, PaymentState};

use crate::{
    asked::{approval, approved_charge, bound, charge, verify, yuan},
    played::Played,
    production::{prepared, start},
    support::{
        parties::{caller, decided, money, operator, refused, sums},
        production::Ready,
    },
};

const PAN: &str = "4242424242424242";

#[tokio::test]
async fn a_card_is_charged_for_an_order_that_its_wallet_approved() {
    let played = Played::start("", 0);
    let production = prepared(&played);
    let ready = start(&production, &[]).await;
    let other = caller(&ready.daemon.merchants, &production.wallets[1].1);
    let operators = operator(&ready.daemon.operators, &production.operator_key);
    verify(&ready.wallet).await;
    let token = bound(&ready.wallet, PAN).await.card_token;
    let Ready { daemon, cafe, wallet } = ready;

    let before = operators.status().await.expect("the operator may ask").last_lsn;
    let refusal = refused(cafe.authorize(charge("order", &token, yuan(25_000))).await);
    assert_eq!((refusal.code, refusal.reason.as_str()), (Code::InvalidArgument, "CONSENT_MISSING"));
    assert!(refusal.message.contains("order_approved"), "{}", refusal.message);
    let of = |max| approval("order", "cafe", &token, max);
    for (refusal, reason, subject) in [
        (refused(other.approve_order(of(yuan(25_750))).await), "CARD_NOT_FOUND", token.as_str()),
        (
            refused(wallet.approve_order(approval("order", "nobody", &token, yuan(1))).await),
            "MERCHANT_NOT_FOUND",
            "nobody",
        ),
        (refused(wallet.approve_order(of(money("HKD", 1))).await), "CARD_CURRENCY_MISMATCH", "HKD"),
    ] {
        assert_eq!(refusal.reason, reason);
        assert!(refusal.message.contains(subject), "{}", refusal.message);
    }
    assert_eq!(operators.status().await.expect("the operator may ask").last_lsn, before, "nothing was recorded");

    let declined = decided(cafe.authorize(approved_charge("early", &token, yuan(100))).await);
    assert_eq!(declined.decline_reason(), DeclineReason::ConsentNotFound);
    // What was approved is the charge, the payer's fee within.
    wallet.approve_order(of(yuan(25_749))).await.expect("approved");
    let declined = decided(cafe.authorize(approved_charge("order", &token, yuan(25_000))).await);
    assert_eq!(declined.decline_reason(), DeclineReason::ConsentExceeded);
    let answered = wallet.approve_order(of(yuan(25_750))).await.expect("approved");
    assert_eq!(wallet.approve_order(of(yuan(25_750))).await.expect("a retry is answered").lsn, answered.lsn);

    // An approval outlives the daemon, and is used once.
    drop(daemon);
    let Ready { daemon, cafe, .. } = start(&production, &[]).await;
    let mut pay = approved_charge("order", &token, yuan(25_000));
    pay.idempotency_key = "again".to_owned();
    let paid = decided(cafe.authorize(pay.clone()).await);
    assert_eq!((paid.state(), paid.consent()), (PaymentState::Captured, ConsentKind::CardOrderApproved));
    assert_eq!(decided(cafe.authorize(pay).await).payment_id, paid.payment_id, "the retry gets the recorded answer");
    let twice = decided(cafe.authorize(approved_charge("order-2", &token, yuan(100))).await);
    assert_eq!(twice.decline_reason(), DeclineReason::ConsentNotFound);
    let operators = operator(&daemon.operators, &production.operator_key);
    assert!(sums(&operators.status().await.expect("the operator may ask")).into_values().all(|sum| sum == 0));
}
