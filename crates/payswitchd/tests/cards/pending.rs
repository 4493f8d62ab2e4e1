//! An issuer that is slower than the caller: the payment is pending, and its end is told to whoever asks.

use std::{collections::BTreeMap, time::Duration};

use client::{Client, Code, Error, Options, sandbox as keys};
use tokio::join;
use wire::v1::{self, DeclineReason, PaymentEventKind, PaymentState};

use crate::{
    asked::{all_told, bound, charge, signed_on, until, verify, yuan},
    played::Played,
    support::{
        moves::{capture, increase, read, refund, void},
        parties::{Sandbox, address, api_key, decided, refused},
    },
};

/// The daemon lets no caller wait longer than this, and every answer of the network takes twice as long.
const SHORT: &str = "[requests]\nrequest_ms_max = 1500\n";
const DELAY_MS: u32 = 3_000;
/// How long an issuer may take in a sandbox.
const ANSWER_MS: u64 = 8_000;

/// A card, and how a payment by it ends.
const CARDS: [(&str, PaymentState, DeclineReason); 3] = [
    ("4242424242424242", PaymentState::Captured, DeclineReason::Unspecified),
    ("4000000000009995", PaymentState::Declined, DeclineReason::CardFunds),
    // It is silent.
    ("5105105105105100", PaymentState::Declined, DeclineReason::IssuerUnavailable),
];

#[tokio::test]
async fn a_payment_is_pending_until_its_issuer_answers_or_its_time_has_passed() {
    let played = Played::start("", DELAY_MS);
    let sandbox = Sandbox::with_file(&played.configuration(SHORT));
    let cafe = &sandbox.cafe;
    verify(&sandbox.wallet).await;
    let mut requests = Vec::new();
    for (pan, _, _) in CARDS {
        requests.push(charge(pan, &bound(&sandbox.wallet, pan).await.card_token, yuan(25_000)));
    }
    signed_on(&sandbox).await;
    let ask = |index: usize| cafe.authorize(requests[index].clone());
    let (approved, declined, silent) = join!(ask(0), ask(1), ask(2));
    let pending = [approved, declined, silent].map(decided);
    for payment in &pending {
        check_pending(&sandbox, payment).await;
    }

    let watched = v1::WatchRequest { merchant_id: String::new(), after_lsn: 0 };
    let mut watch = cafe.watch(watched).await.expect("a merchant may watch");
    let mut ended = BTreeMap::new();
    while ended.len() < CARDS.len() {
        if ended.len() == 2 {
            until(&sandbox, "the books", || played.books().authorizations().count() == 2).await;
            sandbox.advance(ANSWER_MS).await;
        }
        let told = watch.next().await.expect("the watch goes on").expect("the watch goes on");
        for event in told.events {
            let payment = event.payment.clone().expect("the payment is told");
            match event.kind() == PaymentEventKind::Pending {
                true => assert_eq!(payment.state(), PaymentState::Pending),
                false => _ = ended.insert(payment.payment_id.clone(), (event.kind(), payment)),
            }
        }
    }

    for ((pending, request), (_, state, reason)) in pending.iter().zip(&requests).zip(CARDS) {
        let (kind, told) = &ended[&pending.payment_id];
        let expected_kind = match state == PaymentState::Captured {
            true => PaymentEventKind::Captured,
            false => PaymentEventKind::Declined,
        };
        assert_eq!((*kind, told.state(), told.decline_reason()), (expected_kind, state, reason));
        assert_eq!(read(cafe, &pending.payment_id).await, *told, "Get tells the same");
        assert_eq!(decided(cafe.authorize(request.clone()).await), *told, "so does a repeat");
    }
    let payments = requests.clone();
    let batch =
        cafe.authorize_batch(v1::AuthorizeBatchRequest { payments, ..v1::AuthorizeBatchRequest::default() }).await;
    let repeated = batch.expect("it is answered").outcomes.into_iter().map(|outcome| match outcome.outcome {
        Some(v1::payment_outcome::Outcome::Payment(payment)) if outcome.repeat => payment,
        other => panic!("a repeat is told: {other:?}"),
    });
    assert!(repeated.eq(pending.iter().map(|pending| ended[&pending.payment_id].1.clone())), "and one among many");
    all_told(&sandbox).await;
    let books = played.books();
    let reversed: Vec<_> =
        books.authorizations().map(|(_, booked)| (booked.last_four.as_str(), booked.reversed)).collect();
    assert!(reversed.contains(&("4242", false)) && reversed.contains(&("5100", true)), "{reversed:?}");
    assert_eq!((reversed.len(), books.open().count()), (2, 0));
}

/// Nothing can be done with a payment while it is pending.
async fn check_pending(sandbox: &Sandbox, payment: &v1::Payment) {
    let (cafe, id) = (&sandbox.cafe, payment.payment_id.as_str());
    assert_eq!((payment.state(), payment.decline_reason()), (PaymentState::Pending, DeclineReason::Unspecified));
    let card = payment.card.as_ref().expect("it is paid by card");
    assert!(card.answer_by_time.is_some() && card.response_code.is_empty() && card.approval_code.is_empty());
    assert_eq!(payment.held_amount, Some(yuan(25_750)));
    let refusals = [
        refused(cafe.capture(capture("too soon", id, yuan(100))).await),
        refused(cafe.void(void("too soon", id)).await),
        refused(cafe.refund(refund("too soon", id, yuan(100))).await),
    ];
    for refusal in refusals {
        assert_eq!((refusal.code, refusal.reason.as_str()), (Code::FailedPrecondition, "MOVE_NOT_ALLOWED"));
        assert!(refusal.message.contains("the payment is pending"), "{}", refusal.message);
    }
    let refusal = refused(cafe.increase_authorization(increase("too soon", id, yuan(100))).await);
    assert_eq!(refusal.code, Code::FailedPrecondition, "{refusal:?}");
}

/// A caller whose own deadline passes is answered before it, or told that it does not know; then it asks again.
#[tokio::test]
async fn a_caller_in_a_hurry_is_told_that_the_payment_is_pending() {
    let played = Played::start("", DELAY_MS);
    let sandbox = Sandbox::with_file(&played.configuration(""));
    let card = bound(&sandbox.wallet, "4242424242424242").await;
    signed_on(&sandbox).await;
    let options = Options { call_timeout: Duration::from_millis(500), ..Options::default() };
    let key = keys::merchant_key("demo-cafe").expect("the sandbox has this merchant");
    let hurried = Client::lazy(&address(&sandbox.daemon.merchants), &api_key(key), options);
    let request = charge("hurried", &card.card_token, yuan(25_000));
    let payment = loop {
        match hurried.authorize(request.clone()).await {
            Err(Error::Unanswered { .. }) => {}
            Err(Error::Refused(refusal)) if refusal.speaks_of_this_attempt_only() => {}
            other => break decided(other),
        }
    };
    assert_eq!(payment.state(), PaymentState::Pending);
    // Who has time is told the end.
    let ended = decided(sandbox.cafe.authorize(request).await);
    assert_eq!(ended.state(), PaymentState::Captured);
    assert_eq!(ended.payment_id, payment.payment_id);
}
