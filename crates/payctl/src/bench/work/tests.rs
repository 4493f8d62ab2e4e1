use money::Currency;
use prost::Message;
use uuid::Uuid;
use wire::v1::{
    self, AuthorizeResponse, CaptureResponse, Payment, PaymentAmount, PaymentServiceGetResponse, Refund, RefundResponse,
};

use super::super::plan::tests::plan;
use super::*;

/// Payments of CNY 100.00 without a conversion, every one repeated.
fn work(mix: &str) -> PaymentWork {
    let plan = Rc::new(plan("CNY 100.00", &[Currency::CNY]));
    PaymentWork::new("127.0.0.1:1".parse().unwrap(), plan, mix.parse().unwrap(), 100, None)
}

fn money(minor_units: i64) -> Option<v1::Money> {
    Some(v1::Money { currency_code: "CNY".into(), minor_units })
}

/// Payment number `number` as the daemon shows it in this state.
fn payment(work: &PaymentWork, number: u64, id: u8, state: PaymentState) -> Payment {
    let request = work.plan.request(number);
    let whole = Some(PaymentAmount { presentment: money(10_000), debit: money(10_000), settlement: money(9_940) });
    Payment {
        payment_id: Uuid::from_bytes([id; 16]).to_string(),
        merchant_id: "demo-cafe".into(),
        merchant_order_id: request.merchant_order_id,
        payer: request.payer,
        state: state.into(),
        presentment_amount: money(10_000),
        debit_amount: money(10_000),
        settlement_amount: money(9_940),
        merchant_discount: money(60),
        authorized: whole.clone(),
        captured: whole.clone(),
        refunded: whole,
        ..Payment::default()
    }
}

fn check(work: &PaymentWork, call: &PaymentAsked, reply: &impl Message) -> (Answer, Option<PaymentAsked>) {
    work.check(call, &reply.encode_to_vec(), Instant::now())
}

#[track_caller]
fn assert_right(answer: &Answer) {
    assert!(matches!(answer, Answer::Right), "{answer:?}");
}

#[track_caller]
fn assert_wrong(answer: &Answer) {
    assert!(matches!(answer, Answer::Wrong(_)), "{answer:?}");
}

/// A first call, approved under this id.
fn approved(work: &PaymentWork, number: u64, id: u8) -> PaymentAsked {
    let call = work.call(number);
    let state = if work.mix.is_held(number) { PaymentState::Authorized } else { PaymentState::Captured };
    let (answer, repeat) = check(work, &call, &AuthorizeResponse { payment: Some(payment(work, number, id, state)) });
    assert!(matches!(answer, Answer::Approved(found) if found == [id; 16]), "{answer:?}");
    repeat.expect("every payment is repeated")
}

#[test]
fn a_repeat_must_be_the_same_payment() {
    let work = work("authorize=1");
    let repeat = approved(&work, 0, 7);
    assert_eq!(PaymentWork::kind(&repeat), Kind::Repeat);
    let written = |call: &PaymentAsked| {
        let mut message = Vec::new();
        (work.write(call, &mut message), message)
    };
    assert_eq!(written(&repeat), written(&work.call(0)), "it is the same request");
    let answer = |payment| check(&work, &repeat, &AuthorizeResponse { payment });
    let (right, then) = answer(Some(payment(&work, 0, 7, PaymentState::Captured)));
    assert_right(&right);
    assert_eq!(then, None, "a repeat is not repeated");
    assert_wrong(&answer(Some(payment(&work, 0, 8, PaymentState::Captured))).0);
    assert_wrong(&answer(Some(payment(&work, 0, 7, PaymentState::Declined))).0);
    assert_wrong(&answer(None).0);
}

#[test]
fn what_was_held_is_captured_and_what_was_captured_is_refunded() {
    // As many captures as payments: every payment is held.
    let work = work("authorize=1,capture=1,refund=1,get=1");
    let (captures, refunds, gets) = (
        (0..).filter(|number| work.mix.kind(*number) == Kind::Capture),
        (0..).filter(|number| work.mix.kind(*number) == Kind::Refund),
        (0..).filter(|number| work.mix.kind(*number) == Kind::Get),
    );
    let next = |mut numbers: Box<dyn Iterator<Item = u64>>| numbers.next().unwrap();
    let (capture, refund, get) = (next(Box::new(captures)), next(Box::new(refunds)), next(Box::new(gets)));
    for number in [capture, refund, get] {
        assert_eq!(PaymentWork::kind(&work.call(number)), Kind::Main, "there is nothing to ask it of yet");
    }
    approved(&work, 1_000, 7);
    let payment = |id, state| Some(payment(&work, 1_000, id, state));

    let call = work.call(get);
    let looked = |payment| check(&work, &call, &PaymentServiceGetResponse { payment, ..Default::default() }).0;
    assert_right(&looked(payment(7, PaymentState::PartiallyCaptured)));
    assert_wrong(&looked(payment(8, PaymentState::Captured)));

    let call = work.call(capture);
    let reply = |payment, decline_reason| CaptureResponse { payment, decline_reason, lsn: 1 };
    assert!(matches!(check(&work, &call, &reply(None, 1)).0, Answer::Declined));
    let mut short = payment(7, PaymentState::Captured).unwrap();
    short.captured = Some(PaymentAmount::default());
    assert_wrong(&check(&work, &call, &reply(Some(short), 0)).0);
    assert_wrong(&check(&work, &call, &reply(payment(7, PaymentState::Authorized), 0)).0);
    assert_eq!(PaymentWork::kind(&work.call(refund)), Kind::Main, "it is not captured yet");
    assert_right(&check(&work, &call, &reply(payment(7, PaymentState::Captured), 0)).0);
    assert_eq!(PaymentWork::kind(&work.call(capture)), Kind::Main, "a hold is captured once");

    let call = work.call(refund);
    let reply = |payment, state: RefundState| RefundResponse {
        payment,
        refund: Some(Refund { state: state.into(), ..Refund::default() }),
    };
    assert!(matches!(check(&work, &call, &reply(None, RefundState::Declined)).0, Answer::Declined));
    assert_wrong(&check(&work, &call, &reply(payment(7, PaymentState::PartiallyRefunded), RefundState::Refunded)).0);
    assert_right(&check(&work, &call, &reply(payment(7, PaymentState::Refunded), RefundState::Refunded)).0);
}

#[test]
fn a_reply_that_is_no_message_is_wrong() {
    let work = work("authorize=1");
    let (answer, then) = work.check(&work.call(0), &[0xff; 9], Instant::now());
    assert_wrong(&answer);
    assert_eq!(then, None);
}
