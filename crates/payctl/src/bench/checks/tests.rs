use wire::v1::{self, Payment};

use super::super::plan::tests::plan;
use super::*;

fn money(currency_code: &str, minor_units: i64) -> Option<v1::Money> {
    Some(v1::Money { currency_code: currency_code.to_owned(), minor_units })
}

/// Payments of CNY 100.00 from an account in this currency, and the first of them as it should be.
fn checks(currency: Currency) -> (Checks, Payment) {
    let plan = Rc::new(plan("CNY 100.00", &[currency]));
    let request = plan.request(0);
    let payment = Payment { merchant_order_id: request.merchant_order_id, payer: request.payer, ..captured() };
    (Checks::new(plan), payment)
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

fn decided(checks: &Checks, payment: &Payment) -> Result<Decided, String> {
    checks.payment(0, &PaymentView::from(payment), Standing::Captured)
}

#[test]
fn a_right_reply_is_approved_again_and_again() {
    let (checks, payment) = checks(Currency::HKD);
    for _ in 0..2 {
        let decided = decided(&checks, &payment);
        assert!(matches!(decided, Ok(Decided::Approved(id)) if id[..2] == [0x01, 0x99]), "{decided:?}");
    }
}

#[test]
fn every_wrong_field_is_found() {
    let spoilers: [fn(&mut Payment); 13] = [
        |payment| payment.payment_id = "1".into(),
        |payment| payment.merchant_id = "elsewhere".into(),
        |payment| payment.merchant_order_id.push('0'),
        |payment| payment.payer.as_mut().unwrap().account_id = "another".into(),
        |payment| payment.payer = None,
        |payment| payment.state = PaymentState::Authorized.into(),
        |payment| payment.presentment_amount = money("CNY", 9_999),
        |payment| payment.settlement_amount = money("CNY", 9_941),
        |payment| payment.debit_amount = money("HKD", 11_910),
        |payment| payment.debit_amount = None,
        |payment| payment.conversion.as_mut().unwrap().mid_rate = "1.2".into(),
        |payment| payment.conversion.as_mut().unwrap().applied_rate = "1.2".into(),
        |payment| payment.conversion = None,
    ];
    let (checks, right) = checks(Currency::HKD);
    for (index, spoil) in spoilers.into_iter().enumerate() {
        let mut payment = right.clone();
        spoil(&mut payment);
        let decided = decided(&checks, &payment);
        assert!(decided.is_err(), "{index}: {decided:?}");
    }
    assert!(matches!(decided(&checks, &right), Ok(Decided::Approved(_))), "a wrong reply spoils no later one");
    let declined = Payment { state: PaymentState::Declined.into(), ..Payment::default() };
    assert_eq!(decided(&checks, &declined), Ok(Decided::Declined));
}

#[test]
fn without_a_conversion_the_debit_is_the_amount() {
    let (checks, converted) = checks(Currency::CNY);
    let unconverted = Payment { conversion: None, debit_amount: money("CNY", 10_000), ..converted.clone() };
    assert!(matches!(decided(&checks, &unconverted), Ok(Decided::Approved(_))));
    assert!(decided(&checks, &converted).is_err());
}

/// The example of CONVERSION.md: CNY 100.00 crossed by 43826/37163.
#[test]
fn a_crossed_rate_is_worked_out_by_its_fraction() {
    let (checks, payment) = checks(Currency::HKD);
    let crossed = |rate_exact: &str| {
        let mut payment = payment.clone();
        let conversion = payment.conversion.as_mut().unwrap();
        (conversion.rate_exact, conversion.applied_rate) = (rate_exact.into(), rate_exact.into());
        payment
    };
    assert!(matches!(decided(&checks, &crossed("43826/37163")), Ok(Decided::Approved(_))));
    for wrong in ["43826/37164", "1/0", "43826", "/"] {
        assert!(decided(&checks, &crossed(wrong)).is_err(), "{wrong}");
    }
}

/// Paid in another currency than asked in: 100.00 at 1.1 is HKD 110.00 before the discount.
#[test]
fn what_a_merchant_is_paid_follows_from_its_own_rate() {
    let (checks, payment) = checks(Currency::HKD);
    let paid = |settlement, rate: &str| {
        let conversion = v1::Conversion { mid_rate: rate.into(), markup: "0".into(), ..v1::Conversion::default() };
        let (settlement_amount, merchant_discount) = (money("HKD", settlement), money("HKD", 66));
        Payment { settlement_amount, merchant_discount, settlement_conversion: Some(conversion), ..payment.clone() }
    };
    assert!(matches!(decided(&checks, &paid(10_934, "1.1")), Ok(Decided::Approved(_))));
    assert!(decided(&checks, &paid(10_935, "1.1")).is_err());
    assert!(decided(&checks, &paid(10_934, "1.2")).is_err());
}
