//! The whole life of a payment by card, in a sandbox as it starts: it plays the network itself.

use cardnet::{Books, Total};
use client::{Code, Refusal};
use money::Currency;
use wire::{
    receipts,
    v1::{self, DeclineReason, PaymentEventKind, PaymentState},
};

use crate::{
    asked::{bound, charge, charge_later, until, verify, yuan},
    played::read_books,
    support::{
        moves::{capture, captured, held_units, increase, refund, refunded, units, void, voided},
        parties::{Sandbox, decided, money, refused, sums},
    },
};

const VISA: &str = "4242424242424242";

fn books(sandbox: &Sandbox) -> Books {
    read_books(&sandbox.data_dir.path().join("card-network.books"))
}

/// Waits until so much is captured and given back in the books, in fen.
async fn booked(sandbox: &Sandbox, captured: i128, refunded: i128) {
    let total = |total: &Total| (total.captured.minor_units(), total.refunded.minor_units());
    let holds = || books(sandbox).totals().get(&Currency::CNY).map(total) == Some((captured, refunded));
    until(sandbox, "the books", holds).await;
}

fn fee(payment: &v1::Payment) -> i64 {
    let card = payment.card.as_ref().expect("it was paid by card");
    card.payer_fee.as_ref().expect("a fee, if only none").minor_units
}

/// CNY 250.00 charges 257.50, the merchant gets 248.50; 100.00 given back returns 103.00, and all of it all.
#[tokio::test]
async fn what_is_paid_is_given_back_in_parts_with_the_fee() {
    let sandbox = Sandbox::start();
    let cafe = &sandbox.cafe;
    let card = bound(&sandbox.wallet, VISA).await;
    let paid = decided(cafe.authorize(charge("pay", &card.card_token, yuan(25_000))).await);
    assert_eq!(
        (paid.state(), units(&paid.captured), fee(&paid)),
        (PaymentState::Captured, [25_000, 25_750, 24_850], 750)
    );
    assert_eq!(paid.debit_amount, Some(yuan(25_750)));
    booked(&sandbox, 25_750, 0).await;
    assert_eq!(sandbox.house("scheme_receivable", "CNY").await, -25_750);

    let (part, after) = refunded(cafe.refund(refund("part", &paid.payment_id, yuan(10_000))).await);
    assert_eq!((part.debit_amount, part.settlement_amount), (Some(yuan(10_300)), Some(yuan(9_940))));
    assert_eq!((after.state(), units(&after.refunded)), (PaymentState::PartiallyRefunded, [10_000, 10_300, 9_940]));
    booked(&sandbox, 25_750, 10_300).await;
    let (rest, after) = refunded(cafe.refund(refund("rest", &paid.payment_id, yuan(15_000))).await);
    assert_eq!((rest.debit_amount, after.state()), (Some(yuan(15_450)), PaymentState::Refunded));
    booked(&sandbox, 25_750, 25_750).await;
    let refusal = refused(cafe.refund(refund("more", &paid.payment_id, yuan(1))).await);
    assert_eq!(refusal.code, Code::FailedPrecondition, "{refusal:?}");
    assert_eq!(sandbox.house("scheme_receivable", "CNY").await, 0);
    assert_eq!(sandbox.house("fee_income", "CNY").await, 0, "all fees were returned");
    assert!(sums(&sandbox.status().await).into_values().all(|sum| sum == 0));
}

#[tokio::test]
async fn a_hold_is_captured_once_whole_or_in_part_or_given_up() {
    let sandbox = Sandbox::start();
    let cafe = &sandbox.cafe;
    let card = bound(&sandbox.wallet, VISA).await;
    let held = decided(cafe.authorize(charge_later("hold", &card.card_token, yuan(25_000))).await);
    assert_eq!((held.state(), held_units(&held), units(&held.captured)), (PaymentState::Authorized, 25_750, [0; 3]));
    assert_eq!(books(&sandbox).open().count(), 1);
    let refusal = refused(cafe.increase_authorization(increase("more", &held.payment_id, yuan(100))).await);
    assert_eq!(refusal.reason, "CARD_NOT_INCREASED");
    let above = refused(cafe.capture(capture("above", &held.payment_id, yuan(25_001))).await);
    assert_eq!(above.reason, "AMOUNT_ABOVE_REMAINING");
    let part = captured(cafe.capture(capture("part", &held.payment_id, yuan(10_000))).await);
    // The fee is one on what is captured, and on so little there is none.
    assert_eq!((units(&part.captured), held_units(&part)), ([10_000, 10_000, 9_940], 0));
    booked(&sandbox, 10_000, 0).await;
    assert_eq!(books(&sandbox).open().count(), 0);
    let refusal = refused(cafe.capture(capture("again", &held.payment_id, yuan(100))).await);
    assert_eq!(refusal.reason, "MOVE_NOT_ALLOWED");

    let given_up = decided(cafe.authorize(charge_later("give up", &card.card_token, yuan(25_000))).await);
    let ended = voided(cafe.void(void("void", &given_up.payment_id)).await);
    assert_eq!((ended.state(), held_units(&ended)), (PaymentState::Voided, 0));
    until(&sandbox, "the reversal", || books(&sandbox).authorizations().any(|(_, booked)| booked.reversed)).await;
    assert_eq!(books(&sandbox).authorizations().count(), 2);
    let held = decided(cafe.authorize(charge_later("hold more", &card.card_token, yuan(25_000))).await);
    let part = captured(cafe.capture(capture("most", &held.payment_id, yuan(20_001))).await);
    assert_eq!(units(&part.captured)[..2], [20_001, 20_601]);
    booked(&sandbox, 10_000 + 20_601, 0).await;
    assert_eq!(sandbox.house("scheme_receivable", "CNY").await, -10_000 - 20_601);
}

#[tokio::test]
async fn there_is_no_fee_up_to_200_yuan_and_above_it_one_on_the_whole() {
    let sandbox = Sandbox::start();
    let card = bound(&sandbox.wallet, VISA).await;
    for (asked, charged) in [(1, 1), (20_000, 20_000), (20_001, 20_601), (25_000, 25_750)] {
        let request = charge(&format!("pay {asked}"), &card.card_token, yuan(asked));
        let paid = decided(sandbox.cafe.authorize(request).await);
        assert_eq!((paid.debit_amount.clone(), fee(&paid)), (Some(yuan(charged)), charged - asked));
    }
    booked(&sandbox, 1 + 20_000 + 20_601 + 25_750, 0).await;
}

#[tokio::test]
async fn what_a_scheme_pays_in_dollars_closes_what_it_owes() {
    let sandbox = Sandbox::start();
    let card = bound(&sandbox.wallet, VISA).await;
    let paid = decided(sandbox.cafe.authorize(charge("pay", &card.card_token, yuan(25_000))).await);
    refunded(sandbox.cafe.refund(refund("part", &paid.payment_id, yuan(10_000))).await);
    let house = async |kind: &str, currency: &str| sandbox.house(kind, currency).await;
    let before = [house("nostro", "USD").await, house("fx_position", "USD").await, house("fx_position", "CNY").await];
    let settle = |key: &str, settled: v1::Money| v1::SettleSchemeRequest {
        idempotency_key: key.to_owned(),
        scheme: "visa".to_owned(),
        received_amount: Some(money("USD", 2_322)),
        settled_amount: Some(settled),
    };
    let refusal = refused(sandbox.operator.settle_scheme(settle("too much", yuan(15_451))).await);
    assert_eq!(refusal.reason, "RECEIVABLE_TOO_SMALL");
    assert!(refusal.message.contains("154.50"), "{}", refusal.message);
    let settled = sandbox.operator.settle_scheme(settle("settle", yuan(15_450))).await.expect("it is booked");
    assert_eq!((settled.decline_reason(), settled.postings.len()), (DeclineReason::Unspecified, 2));
    let after = [house("nostro", "USD").await, house("fx_position", "USD").await, house("fx_position", "CNY").await];
    let moved = [0, 1, 2].map(|index| after[index] - before[index]);
    assert_eq!((moved, house("scheme_receivable", "CNY").await), ([-2_322, 2_322, -15_450], 0));
    let again = sandbox.operator.settle_scheme(settle("settle", yuan(15_450))).await.expect("it was booked");
    assert_eq!(again.lsn, settled.lsn);
}

#[tokio::test]
async fn a_payment_by_card_has_receipts() {
    let sandbox = Sandbox::start();
    let cafe = &sandbox.cafe;
    let token = bound(&sandbox.wallet, VISA).await.card_token;
    let paid = decided(cafe.authorize(charge("pay", &token, yuan(25_000))).await);
    let poor = bound(&sandbox.wallet, "4000000000009995").await.card_token;
    let declined = decided(cafe.authorize(charge("declined", &poor, yuan(25_000))).await);
    assert_eq!(declined.debit_amount, Some(yuan(25_750)));
    let (_, given_back) = refunded(cafe.refund(refund("part", &paid.payment_id, yuan(10_000))).await);
    let key = cafe.list_receipt_keys().await.expect("every credential may ask").keys.remove(0);
    for (payment, kind, net) in [
        (&paid, PaymentEventKind::Captured, Some(yuan(25_750))),
        // What would have been charged is told, with the fee; nothing was.
        (&declined, PaymentEventKind::Declined, None),
        (&given_back, PaymentEventKind::Refunded, Some(yuan(15_450))),
    ] {
        let request = v1::ReceiptServiceGetRequest { payment_id: payment.payment_id.clone(), lsn: payment.lsn };
        let signed = cafe.receipt(request).await.expect("there is an outcome");
        let body = receipts::read(&key.public_key, &signed.body, &signed.signature).expect("the switch signed it");
        assert_eq!((body.kind(), body.net_debit_amount), (kind, net));
        assert_eq!(body.payment.as_ref(), Some(payment));
    }
}

#[tokio::test]
async fn what_this_rail_does_not_do_is_refused_or_declined() {
    let sandbox = Sandbox::start();
    let cafe = &sandbox.cafe;
    let token = bound(&sandbox.wallet, VISA).await.card_token;
    let check = |refusal: Refusal, reason: &str| assert_eq!(refusal.reason, reason, "{refusal:?}");
    let in_dollars = charge("dollars", &token, money("USD", 10_000));
    check(refused(cafe.authorize(in_dollars).await), "CARD_CURRENCY_MISMATCH");
    let payments = vec![charge("one", &token, yuan(100)), charge("two", &token, yuan(100))];
    let together = v1::AuthorizeBatchRequest { payments, atomic: true };
    let outcomes = cafe.authorize_batch(together).await.expect("a batch is answered").outcomes;
    assert!(format!("{outcomes:?}").contains("CARD_NOT_TOGETHER"), "{outcomes:?}");
    let unknown = charge("unknown", "01890000-0000-7000-8000-000000000000", yuan(100));
    check(refused(cafe.authorize(unknown).await), "CARD_NOT_FOUND");
    let both =
        v1::AuthorizeRequest { payer_code: "123456789012345678".to_owned(), ..charge("both", &token, yuan(100)) };
    assert_eq!(refused(cafe.authorize(both).await).code, Code::InvalidArgument);

    // USD 500.00 a payment and USD 2,000.00 a year for somebody who is not verified.
    let large = decided(cafe.authorize(charge("large", &token, yuan(400_000))).await);
    assert_eq!((large.state(), large.decline_reason()), (PaymentState::Declined, DeclineReason::CardPaymentLimit));
    for index in 0..4 {
        let paid = decided(cafe.authorize(charge(&format!("year {index}"), &token, yuan(330_000))).await);
        assert_eq!(paid.state(), PaymentState::Captured);
    }
    let above = decided(cafe.authorize(charge("above", &token, yuan(330_000))).await);
    assert_eq!(above.decline_reason(), DeclineReason::CardYearLimit);
    verify(&sandbox.wallet).await;
    assert_eq!(
        decided(cafe.authorize(charge("verified", &token, yuan(400_000))).await).state(),
        PaymentState::Captured
    );
    // Nobody asks an issuer for what was refused or declined here.
    assert_eq!(books(&sandbox).authorizations().count(), 5);
}
