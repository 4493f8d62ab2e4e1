use proptest::prelude::*;
use prost::Message;
use wire::v1::{
    AccountReference, AuthorizeResponse, CaptureResponse, Conversion, Money, Payment, PaymentAmount,
    PaymentServiceGetResponse, Posting, Refund, RefundResponse,
};

use super::*;

fn text() -> impl Strategy<Value = String> {
    "[ -~£]{0,40}"
}

fn money() -> impl Strategy<Value = Option<Money>> {
    let money = (text(), any::<i64>()).prop_map(|(currency_code, minor_units)| Money { currency_code, minor_units });
    proptest::option::of(money)
}

fn amount() -> impl Strategy<Value = Option<PaymentAmount>> {
    let amount = [money(), money(), money()].prop_map(|[presentment, debit, settlement]| PaymentAmount {
        presentment,
        debit,
        settlement,
    });
    proptest::option::of(amount)
}

fn conversion() -> impl Strategy<Value = Option<Conversion>> {
    let texts = [text(), text(), text(), text(), text()];
    let conversion = (texts, money(), money(), any::<u64>()).prop_map(|(texts, mid_amount, markup_amount, number)| {
        let [mid_rate, markup, rate_source, rate_exact, applied_rate] = texts;
        Conversion {
            mid_rate,
            markup,
            mid_amount,
            markup_amount,
            rate_source,
            rate_age_ms: number,
            rate_lsn: number,
            rate_exact,
            applied_rate,
            ..Conversion::default()
        }
    });
    proptest::option::of(conversion)
}

fn payment() -> impl Strategy<Value = Payment> {
    let amounts = ([money(), money(), money(), money(), money()], [amount(), amount(), amount()]);
    let others = ([text(), text(), text(), text(), text()], [conversion(), conversion()], any::<i32>(), any::<u64>());
    (amounts, others).prop_map(|((moneys, positions), (texts, conversions, state, lsn))| {
        let [payment_id, merchant_id, merchant_order_id, wallet_id, account_id] = texts;
        let [presentment_amount, debit_amount, settlement_amount, merchant_discount, held_amount] = moneys;
        let [authorized, captured, refunded] = positions;
        let [conversion, settlement_conversion] = conversions;
        Payment {
            payment_id,
            merchant_id,
            merchant_order_id,
            payer: Some(AccountReference { wallet_id, account_id }),
            state,
            presentment_amount,
            debit_amount,
            settlement_amount,
            merchant_discount,
            conversion,
            postings: vec![Posting::default(); 3],
            lsn,
            authorized,
            captured,
            refunded,
            held_amount,
            settlement_conversion,
            ..Payment::default()
        }
    })
}

proptest! {
    #[test]
    fn what_is_read_is_what_was_decoded(payment in payment(), state in any::<i32>()) {
        let expected = Some(PaymentView::from(&payment));
        let some = || Some(payment.clone());
        let authorized = AuthorizeResponse { payment: some() }.encode_to_vec();
        prop_assert_eq!(super::payment(&authorized), Ok(expected));
        let refund = Refund { refund_id: "r".into(), state, ..Refund::default() };
        let found = PaymentServiceGetResponse { payment: some(), applied_lsn: 7, refunds: vec![refund.clone()] }.encode_to_vec();
        prop_assert_eq!(super::payment(&found), Ok(expected));
        let captured = CaptureResponse { payment: some(), decline_reason: state, lsn: 9 }.encode_to_vec();
        prop_assert_eq!(capture(&captured), Ok(MoveView { payment: expected, decline_reason: state, refund_state: 0 }));
        let refunded = RefundResponse { refund: Some(refund), payment: some() }.encode_to_vec();
        prop_assert_eq!(super::refund(&refunded), Ok(MoveView { payment: expected, decline_reason: 0, refund_state: state }));
    }

    #[test]
    fn no_bytes_are_too_odd(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
        let _read_or_not = (super::payment(&bytes), capture(&bytes), super::refund(&bytes), echo_bytes(&bytes));
    }
}

#[test]
fn an_echo_is_as_long_as_its_payload() {
    let reply = wire::bench_v1::EchoResponse { payload: vec![0; 300] }.encode_to_vec();
    assert_eq!(echo_bytes(&reply), Ok(300));
    assert_eq!(echo_bytes(&reply[..20]), Err(Malformed));
}
