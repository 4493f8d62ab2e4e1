use wire::v1::{AccountReference, CaptureMode, ConsentKind, DeclineReason, Money};

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
            ..Conversion::default()
        }),
        lsn: 42,
        ..Payment::default()
    }
}

#[test]
fn an_approved_payment_shows_every_amount_and_where_the_rate_came_from() {
    let expected = "\
approved  payment 0199a1b2-0000-7000-8000-000000000000
  state          captured
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
fn a_payment_that_went_on_is_headed_by_its_state() {
    for (state, heading) in [
        (PaymentState::Authorized, "approved"),
        (PaymentState::PartiallyCaptured, "approved"),
        (PaymentState::Voided, "voided"),
        (PaymentState::Expired, "expired"),
        (PaymentState::PartiallyRefunded, "partially refunded"),
        (PaymentState::Refunded, "refunded"),
    ] {
        let shown = plain(text(&Payment { state: state.into(), ..captured() }));
        assert!(shown.starts_with(&format!("{heading}  payment ")), "{shown}");
    }
}

#[test]
fn a_payment_without_a_state_is_not_an_answer() {
    let error = exit_of(&Payment::default()).unwrap_err();
    assert_eq!(error.exit(), Exit::Damaged);
}

fn amount(presentment: i64, debit: i64, settlement: i64) -> Option<PaymentAmount> {
    Some(PaymentAmount {
        presentment: money("CNY", presentment),
        debit: money("HKD", debit),
        settlement: money("CNY", settlement),
    })
}

/// CNY 100.00 held, 60.00 of it captured.
fn captured_in_part() -> Payment {
    let mut payment = Payment {
        state: PaymentState::PartiallyCaptured.into(),
        capture_mode: CaptureMode::Manual.into(),
        consent: ConsentKind::PayerCode.into(),
        authorized: amount(10_000, 11_911, 9_940),
        captured: amount(6_000, 7_147, 5_964),
        refunded: amount(0, 0, 0),
        held_amount: money("HKD", 4_764),
        expire_time: Some(Default::default()),
        ..captured()
    };
    payment.expire_time.as_mut().unwrap().seconds = 604_800;
    payment
}

#[test]
fn a_payment_shows_where_its_amounts_are_in_all_currencies() {
    let expected = "\
captured  payment 0199a1b2-0000-7000-8000-000000000000
  state  partially captured
  held   HKD 47.64 until 1970-01-08 00:00:00 UTC
  lsn    42, durable
                   asked  payer pays  merchant gets
  authorized  CNY 100.00  HKD 119.11      CNY 99.40
  captured     CNY 60.00   HKD 71.47      CNY 59.64
  refunded      CNY 0.00    HKD 0.00       CNY 0.00
";
    assert_eq!(plain(text_after("captured", &captured_in_part())), expected);
    let whole = plain(text(&captured_in_part()));
    assert!(whole.contains("  consent        one-time code\n") && whole.ends_with("CNY 0.00\n"), "{whole}");
}

#[test]
fn every_state_but_a_decline_is_done() {
    for state in [PaymentState::Authorized, PaymentState::Voided, PaymentState::Expired, PaymentState::Refunded] {
        let payment = Payment { state: state.into(), ..captured() };
        assert_eq!(exit_of(&payment).unwrap(), Exit::Approved, "{state:?}");
    }
}

#[test]
fn a_crossed_rate_and_a_spread_are_shown_with_both_their_sides() {
    let mut payment = captured();
    let conversion = payment.conversion.as_mut().unwrap();
    (conversion.applied_rate, conversion.cross_rate_lsn) = ("1.18".into(), 11);
    payment.settlement_conversion = Some(Conversion {
        mid_rate: "0.15".into(),
        applied_rate: "0.15".into(),
        rate_source: "desk".into(),
        ..Conversion::default()
    });
    payment.settlement_amount = money("USD", 1_490);
    let shown = plain(text(&payment));
    for line in ["HKD 1.18 per CNY applied", "lsn 12 crossed with lsn 11", "merchant's rate  USD 0.15 per CNY\n"] {
        assert!(shown.contains(line), "{line} is not in\n{shown}");
    }
    assert_eq!(shown.matches("applied").count(), 1, "{shown}");
}

fn refunded() -> Refund {
    Refund {
        refund_id: "0199a1b2-1111-7000-8000-000000000000".into(),
        payment_id: "0199a1b2-0000-7000-8000-000000000000".into(),
        state: RefundState::Refunded.into(),
        presentment_amount: money("CNY", 4_000),
        debit_amount: money("HKD", 4_760),
        settlement_amount: money("CNY", 3_976),
        rate_rule: RefundRate::Current.into(),
        mid_rate: "1.19".into(),
        rate_difference: money("HKD", 43),
        lsn: 43,
        ..Refund::default()
    }
}

#[test]
fn a_refund_shows_what_everybody_gets_and_at_which_rate() {
    let expected = "\
refunded  refund 0199a1b2-1111-7000-8000-000000000000
  payment         0199a1b2-0000-7000-8000-000000000000
  amount          CNY 40.00
  payer gets      HKD 47.60
  merchant gives  CNY 39.76
  at              mid of the rate in force, without margin: 1.19
  difference      HKD 0.43 against the payment's own rate
  decided         -
  lsn             43, durable
";
    assert_eq!(plain(refund_text(&refunded(), None)), expected);
    assert_eq!(exit_of_refund(&refunded()).unwrap(), Exit::Approved);
}

#[test]
fn a_refund_that_waits_or_is_declined_says_so() {
    let pending = Refund { state: RefundState::Pending.into(), debit_amount: None, ..refunded() };
    let shown = plain(refund_text(&pending, Some(&captured_in_part())));
    assert!(shown.starts_with("pending  refund") && shown.contains("once there is a rate of a later day"), "{shown}");
    assert!(shown.contains("state           partially captured\n"), "{shown}");
    let declined = Refund {
        state: RefundState::Declined.into(),
        decline_reason: DeclineReason::NotEnough.into(),
        debit_amount: None,
        settlement_amount: None,
        ..refunded()
    };
    let shown = plain(refund_text(&declined, None));
    assert!(shown.starts_with("declined  refund") && shown.contains("owed less than the amount"), "{shown}");
    assert_eq!(exit_of_refund(&declined).unwrap(), Exit::Declined);
    assert_eq!(exit_of_refund(&Refund::default()).unwrap_err().exit(), Exit::Damaged);
}

/// CNY 250.00 and a fee of 3 %, approved by the card's issuer.
fn by_card() -> Payment {
    Payment {
        payer: None,
        consent: ConsentKind::Card.into(),
        presentment_amount: money("CNY", 25_000),
        debit_amount: money("CNY", 25_750),
        settlement_amount: money("CNY", 24_850),
        merchant_discount: money("CNY", 150),
        conversion: None,
        card: Some(CardPayment {
            card_token: "0199a1b2-2222-7000-8000-000000000000".into(),
            scheme: "unionpay".into(),
            bin: "62424242".into(),
            last_four: "4242".into(),
            payer_fee: money("CNY", 750),
            approval_code: "012345".into(),
            response_code: "00".into(),
            billing_amount: money("USD", 3_871),
            billing_rate: "0.1503108".into(),
            stood_in: false,
            answer_by_time: None,
            trace_number: "000043".into(),
            retrieval_reference_number: "000000000042".into(),
            converter: 0,
        }),
        ..captured()
    }
}

/// The same while its issuer is asked.
fn pending() -> Payment {
    let mut payment = Payment { state: PaymentState::Pending.into(), held_amount: money("CNY", 25_750), ..by_card() };
    let card = payment.card.as_mut().unwrap();
    (card.approval_code, card.response_code) = (String::new(), String::new());
    (card.billing_amount, card.billing_rate) = (None, String::new());
    card.answer_by_time = Some(Default::default());
    card.answer_by_time.as_mut().unwrap().seconds = 10;
    payment
}

/// The same declined by its issuer, with the longest words.
fn declined_by_issuer() -> Payment {
    let mut payment = Payment {
        state: PaymentState::Declined.into(),
        decline_reason: DeclineReason::CardSuspected.into(),
        payer_text: "This is above what you can pay by card. Please ask your wallet about your limits.".into(),
        merchant_text: "issuer: suspected fraud, or a check of law or security failed; do not try again".into(),
        settlement_amount: None,
        merchant_discount: None,
        ..by_card()
    };
    let card = payment.card.as_mut().unwrap();
    (card.approval_code, card.response_code, card.billing_amount) = (String::new(), "59".into(), None);
    payment
}

#[test]
fn a_payment_by_card_shows_what_its_issuer_said() {
    let expected = "\
approved  payment 0199a1b2-0000-7000-8000-000000000000
  state           captured
  card            unionpay 62424242…4242  0199a1b2-2222-7000-8000-000000000000
  approval        012345
  response        00
  card is billed  USD 38.71 at 0.1503108
  network         trace 000043, retrieval 000000000042
  consent         the token of a bound card, which only a sandbox takes
  merchant        demo-cafe
  order           order-7
  amount          CNY 250.00
  debit           CNY 257.50
  payer's fee     CNY 7.50, part of the debit
  merchant gets   CNY 248.50
  discount        CNY 1.50
  decided         -
  lsn             42, durable
";
    assert_eq!(plain(text(&by_card())), expected);
    let mut stood_in = by_card();
    stood_in.card.as_mut().unwrap().stood_in = true;
    assert!(plain(text(&stood_in)).contains("approval        012345, by the switch in the issuer's stead\n"));
}

#[test]
fn a_payment_whose_issuer_is_asked_is_neither_done_nor_declined() {
    let shown = plain(text(&pending()));
    assert!(shown.starts_with("pending  payment 0199a1b2-0000"), "{shown}");
    assert!(shown.contains("  state          pending until 1970-01-01 00:00:10 UTC, then reversed\n"), "{shown}");
    assert!(!shown.contains("approval") && !shown.contains("held"), "{shown}");
    assert_eq!(exit_of(&pending()).unwrap(), Exit::Pending);
}

#[test]
fn a_decline_says_what_to_tell_to_whom() {
    let expected = "\
declined  payment 0199a1b2-0000-7000-8000-000000000000
  reason       the issuer suspects fraud, or a check of law or security failed
               DECLINE_REASON_CARD_SUSPECTED
  to payer     This is above what you can pay by card. Please ask your wallet
               about your limits.
  to merchant  issuer: suspected fraud, or a check of law or security failed;
               do not try again
  card         unionpay 62424242…4242  0199a1b2-2222-7000-8000-000000000000
  response     59
";
    let shown = plain(text(&declined_by_issuer()));
    assert!(shown.starts_with(expected), "{shown}");
    assert_eq!(exit_of(&declined_by_issuer()).unwrap(), Exit::Declined);
}

#[test]
fn every_line_fits_eighty_columns() {
    let shown = [
        text(&captured()),
        text(&captured_in_part()),
        text(&by_card()),
        text(&pending()),
        text(&declined_by_issuer()),
        refund_text(&refunded(), Some(&captured_in_part())),
    ];
    for line in shown.iter().flat_map(|text| plain(text).lines().map(str::to_owned).collect::<Vec<_>>()) {
        assert!(line.chars().count() <= 80, "{line}");
    }
}
