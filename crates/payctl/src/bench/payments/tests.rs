use client::Options;
use wire::v1;

use super::*;

fn money(currency_code: &str, minor_units: i64) -> Option<v1::Money> {
    Some(v1::Money { currency_code: currency_code.to_owned(), minor_units })
}

fn call(payers_currency: Currency) -> PaymentCall {
    let (address, key) = ("127.0.0.1:1".parse().unwrap(), "key".parse().unwrap());
    let payers = vec![AccountReference { wallet_id: "w".into(), account_id: "a".into() }];
    let amount = Money::parse("CNY 100.00").unwrap();
    let plan = Plan::new("demo-cafe".into(), amount, payers, payers_currency);
    PaymentCall::new(Client::lazy(&address, &key, Options::default()), Rc::new(plan), None)
}

fn captured() -> Payment {
    Payment {
        payment_id: "0199a1b2-0000-7000-8000-000000000000".into(),
        merchant_id: "demo-cafe".into(),
        state: PaymentState::Captured.into(),
        presentment_amount: money("CNY", 10_000),
        debit_amount: money("HKD", 11_911),
        settlement_amount: money("CNY", 9_940),
        merchant_discount: money("CNY", 60),
        conversion: Some(v1::Conversion {
            mid_rate: "1.179291231".into(),
            markup: "0.01".into(),
            mid_amount: money("HKD", 11_793),
            markup_amount: money("HKD", 118),
            ..v1::Conversion::default()
        }),
        ..Payment::default()
    }
}

fn answer(call: &PaymentCall, payment: Payment) -> Answer {
    call.answer(&AuthorizeResponse { payment: Some(payment) })
}

#[tokio::test(flavor = "current_thread")]
async fn a_right_reply_is_approved_again_and_again() {
    let call = call(Currency::HKD);
    for _ in 0..2 {
        let answer = answer(&call, captured());
        assert!(matches!(answer, Answer::Approved(id) if id[..2] == [0x01, 0x99]), "{answer:?}");
    }
}

#[tokio::test(flavor = "current_thread")]
async fn every_wrong_amount_is_found() {
    let spoilers: [fn(&mut Payment); 8] = [
        |payment| payment.payment_id = "1".into(),
        |payment| payment.merchant_id = "elsewhere".into(),
        |payment| payment.presentment_amount = money("CNY", 9_999),
        |payment| payment.settlement_amount = money("CNY", 9_941),
        |payment| payment.debit_amount = money("HKD", 11_910),
        |payment| payment.debit_amount = None,
        |payment| payment.conversion.as_mut().unwrap().mid_rate = "1.2".into(),
        |payment| payment.conversion = None,
    ];
    let call = call(Currency::HKD);
    for (index, spoil) in spoilers.into_iter().enumerate() {
        let mut payment = captured();
        spoil(&mut payment);
        let answer = answer(&call, payment);
        assert!(matches!(answer, Answer::Wrong(_)), "{index}: {answer:?}");
    }
    assert!(matches!(answer(&call, captured()), Answer::Approved(_)), "a wrong reply spoils no later one");
    assert!(matches!(call.answer(&AuthorizeResponse { payment: None }), Answer::Wrong(_)));
}

#[tokio::test(flavor = "current_thread")]
async fn without_a_conversion_the_debit_is_the_amount() {
    let call = call(Currency::CNY);
    let unconverted = Payment { conversion: None, debit_amount: money("CNY", 10_000), ..captured() };
    assert!(matches!(answer(&call, unconverted), Answer::Approved(_)));
    assert!(matches!(answer(&call, captured()), Answer::Wrong(_)));
}

#[tokio::test(flavor = "current_thread")]
async fn no_two_payments_share_a_key() {
    let (one, other) = (call(Currency::HKD), call(Currency::HKD));
    let keys = [one.plan.request(0), one.plan.request(1), other.plan.request(0)].map(|request| request.idempotency_key);
    assert!(keys[0] != keys[1] && keys[0] != keys[2] && keys[0].len() <= 64);
}
