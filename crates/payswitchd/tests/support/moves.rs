//! What can be asked of a payment once it is decided.

use client::{Client, Error};
use wire::v1;

use super::parties::{by_id, payment};

/// A request to be paid whose funds are held.
pub(crate) fn held(key: &str, order: &str, payer: &str, amount: v1::Money) -> v1::AuthorizeRequest {
    v1::AuthorizeRequest { capture_mode: v1::CaptureMode::Manual.into(), ..payment(key, order, payer, amount) }
}

pub(crate) fn capture(key: &str, payment_id: &str, amount: v1::Money) -> v1::CaptureRequest {
    v1::CaptureRequest {
        idempotency_key: key.to_owned(),
        payment_id: payment_id.to_owned(),
        amount: Some(amount),
        r#final: false,
    }
}

/// A capture that releases the rest.
pub(crate) fn final_capture(key: &str, payment_id: &str, amount: v1::Money) -> v1::CaptureRequest {
    v1::CaptureRequest { r#final: true, ..capture(key, payment_id, amount) }
}

pub(crate) fn void(key: &str, payment_id: &str) -> v1::VoidRequest {
    v1::VoidRequest { idempotency_key: key.to_owned(), payment_id: payment_id.to_owned() }
}

pub(crate) fn refund(key: &str, payment_id: &str, amount: v1::Money) -> v1::RefundRequest {
    v1::RefundRequest { idempotency_key: key.to_owned(), payment_id: payment_id.to_owned(), amount: Some(amount) }
}

pub(crate) fn increase(key: &str, payment_id: &str, amount: v1::Money) -> v1::IncreaseAuthorizationRequest {
    v1::IncreaseAuthorizationRequest {
        idempotency_key: key.to_owned(),
        payment_id: payment_id.to_owned(),
        amount: Some(amount),
        payer_code: String::new(),
    }
}

/// The payment right after a capture.
#[track_caller]
pub(crate) fn captured(reply: Result<v1::CaptureResponse, Error>) -> v1::Payment {
    reply.expect("the capture is recorded").payment.expect("a reply has its payment")
}

/// The payment right after a void.
#[track_caller]
pub(crate) fn voided(reply: Result<v1::VoidResponse, Error>) -> v1::Payment {
    reply.expect("the void is recorded").payment.expect("a reply has its payment")
}

/// The refund, and the payment right after it.
#[track_caller]
pub(crate) fn refunded(reply: Result<v1::RefundResponse, Error>) -> (v1::Refund, v1::Payment) {
    let reply = reply.expect("the refund is recorded");
    (reply.refund.expect("a reply has its refund"), reply.payment.expect("it was not declined"))
}

/// The payment right after an increase.
#[track_caller]
pub(crate) fn increased(reply: Result<v1::IncreaseAuthorizationResponse, Error>) -> v1::Payment {
    reply.expect("the increase is recorded").payment.expect("it was not declined")
}

/// The payment as it stands.
pub(crate) async fn read(client: &Client, payment_id: &str) -> v1::Payment {
    let reply = client.payment(by_id(payment_id)).await.expect("the payment is there");
    reply.payment.expect("a reply has its payment")
}

/// Minor units of presentment, debit and settlement.
pub(crate) fn units(amount: &Option<v1::PaymentAmount>) -> [i64; 3] {
    let amount = amount.as_ref().expect("the position is told");
    [&amount.presentment, &amount.debit, &amount.settlement]
        .map(|money| money.as_ref().expect("in three currencies").minor_units)
}

/// What is held for a payment, in minor units.
pub(crate) fn held_units(payment: &v1::Payment) -> i64 {
    payment.held_amount.as_ref().expect("it is told what is held").minor_units
}
