use wire::v1::{AccountReference, DeclineReason, Money};

use super::*;
use crate::render::plain;

fn money(currency_code: &str, minor_units: i64) -> Option<Money> {
    Some(Money { currency_code: currency_code.to_owned(), minor_units })
}

fn captured() -> Payment {
    Payment {
        payment_id: "0199a1b2-0000-7000-8000-000000000000".into(),
        merchant_id: "demo-cafe".into(),
        merchant_order_id: "order-7".into(),
        payer: Some(AccountReference { wallet_id: "demo-wallet".into(), account_id: "hk-alice".into() }),
        state: PaymentState::Captured.into(),
        presentment_amount: money("CNY", 10_000),
        debit_amount: money("HKD", 11_911),
        settlement_amount: money("CNY", 9_940),
        merchant_discount: money("CNY", 60),
        conversion: Some(Conversion {
            mid_rate: "1.179291231".into(),
            markup: "0.01".into(),
            mid_amount: money("HKD", 11_793),
            markup_amount: money("HKD", 118),
            rate_source: "ECB 2026-10-30, re-stamped by the sandbox".into(),
            rate_as_of_time: None,
            rate_age_ms: 3_210,
            rate_lsn: 12,
        }),
        lsn: 42,
        ..Payment::default()
    }
}

#[test]
fn an_approved_payment_shows_every_amount_and_where_the_rate_came_from() {
    let expected = "\
approved  payment 0199a1b2-0000-7000-8000-000000000000
  payer          demo-wallet/hk-alice
  merchant       demo-cafe
  order          order-7
  amount         CNY 100.00
  debit          HKD 119.11 (117.93 at mid + 1.18 markup of 1 %)
  merchant gets  CNY 99.40
  discount       CNY 0.60
  rate           HKD 1.179291231 per CNY
                 from ECB 2026-10-30, re-stamped by the sandbox
                 3.2 s old when decided, lsn 12
  decided        -
  lsn            42, durable
";
    assert_eq!(plain(text(&captured())), expected);
    assert_eq!(exit_of(&captured()).unwrap(), Exit::Approved);
}

#[test]
fn a_declined_payment_says_why() {
    let payment = Payment {
        state: PaymentState::Declined.into(),
        decline_reason: DeclineReason::OrderAlreadyPaid.into(),
        paid_by_payment_id: "0199a1b2-ffff-7000-8000-000000000000".into(),
        debit_amount: None,
        settlement_amount: None,
        merchant_discount: None,
        conversion: None,
        ..captured()
    };
    let shown = plain(text(&payment));
    assert!(shown.starts_with("declined  payment 0199a1b2-0000"), "{shown}");
    assert!(shown.contains("already, by payment 0199a1b2-ffff-7000-8000-000000000000\n"), "{shown}");
    assert!(shown.contains("DECLINE_REASON_ORDER_ALREADY_PAID"), "{shown}");
    assert_eq!(exit_of(&payment).unwrap(), Exit::Declined);
}

#[test]
fn a_payment_without_a_state_is_not_an_answer() {
    let error = exit_of(&Payment::default()).unwrap_err();
    assert_eq!(error.exit(), Exit::Damaged);
}

#[test]
fn every_line_fits_eighty_columns() {
    for line in plain(text(&captured())).lines() {
        assert!(line.chars().count() <= 80, "{line}");
    }
}
