use wire::v1::{PaymentAmount, Posting, Refund};

use super::story::text;
use super::*;
use crate::render::plain;

fn money(currency_code: &str, minor_units: i64) -> wire::v1::Money {
    wire::v1::Money { currency_code: currency_code.to_owned(), minor_units }
}

fn posting(debit: &str, credit: &str, amount: wire::v1::Money) -> Posting {
    Posting { debit_account: debit.into(), credit_account: credit.into(), amount: Some(amount) }
}

#[test]
fn every_posting_is_explained() {
    let alice = "wallet:demo-wallet/hk-alice";
    let shown = payment::postings_text(&[
        posting(alice, "fx_position:HKD", money("HKD", 11_793)),
        posting(alice, "fx_markup:HKD", money("HKD", 118)),
        posting("fx_position:CNY", "merchant_payable:demo-cafe", money("CNY", 10_000)),
        posting("merchant_payable:demo-cafe", "fee_income:CNY", money("CNY", 60)),
    ]);
    let expected = "  1  HKD 117.93  wallet:demo-wallet/hk-alice -> fx_position:HKD
                 the payer pays the amount at the mid rate
  2    HKD 1.18  wallet:demo-wallet/hk-alice -> fx_markup:HKD
                 the payer pays the switch's margin on top
  3  CNY 100.00  fx_position:CNY -> merchant_payable:demo-cafe
                 the switch pays the merchant in its currency
  4    CNY 0.60  merchant_payable:demo-cafe -> fee_income:CNY
                 the merchant's discount, kept as a fee
";
    assert_eq!(plain(&shown), expected);
}

fn tour() -> Tour {
    let payment = Payment {
        payment_id: "0199a1b2-0000-7000-8000-000000000000".into(),
        state: PaymentState::Captured.into(),
        debit_amount: Some(money("HKD", 11_911)),
        lsn: 1_234_567,
        ..Payment::default()
    };
    let reply = AuthorizeResponse { payment: Some(payment.clone()) };
    let captured = |debit| {
        let captured = PaymentAmount { debit: Some(money("HKD", debit)), ..PaymentAmount::default() };
        let postings = vec![posting("fx_position:CNY", "merchant_payable:demo-cafe", money("CNY", 6_000))];
        let payment = Payment { captured: Some(captured), postings, ..payment.clone() };
        CaptureResponse { payment: Some(payment), ..CaptureResponse::default() }
    };
    Tour {
        rates: RateServiceListResponse::default(),
        approved: reply.clone(),
        declined: AuthorizeResponse::default(),
        balance_before_repeat: money("HKD", 988_089),
        repeated: reply,
        balance_after_repeat: money("HKD", 988_089),
        authorized: AuthorizeResponse::default(),
        balance_while_held: money("HKD", 976_178),
        captured: [captured(7_147), captured(11_911)],
        refunded: RefundResponse { refund: Some(Refund::default()), payment: None },
        status: StatusResponse::default(),
    }
}

#[test]
fn the_tour_fits_eighty_columns() {
    let shown = plain(text(&tour()));
    for line in shown.lines() {
        assert!(line.chars().count() <= 80, "{line}");
    }
    assert_eq!(shown.matches("  the same").count(), 3, "{shown}");
    for title in ["6. A hold", "7. Its capture in two parts", "8. A refund", "9. The trial balance"] {
        assert!(shown.contains(title), "{title} is not in\n{shown}");
    }
}

#[test]
fn a_repeat_that_moved_funds_is_cried_out() {
    let tour = Tour { balance_after_repeat: money("HKD", 976_178), ..tour() };
    assert!(plain(text(&tour)).contains("NOT THE SAME"));
}

#[test]
fn an_unexpected_decision_ends_the_tour() {
    let tour = tour();
    assert!(expect(tour.approved.payment.as_ref(), PaymentState::Captured).is_ok());
    assert_eq!(expect(tour.approved.payment.as_ref(), PaymentState::Declined).unwrap_err().exit(), Exit::Damaged);
    assert_eq!(expect(tour.declined.payment.as_ref(), PaymentState::Declined).unwrap_err().exit(), Exit::Damaged);
}

#[test]
fn the_amounts_of_the_tour_are_amounts() {
    for amount in [AMOUNT, AMOUNT_TOO_LARGE, FUNDS_MIN, TOP_UP, CAPTURES[0], CAPTURES[1], REFUND] {
        assert!(parsed(amount).is_positive());
    }
}
