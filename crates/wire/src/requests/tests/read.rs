//! What is asked without changing anything.

use std::collections::BTreeSet;

use domain::{Lsn, PaymentState};

use super::*;

const UUID: &str = "0190163d-8694-739b-aea5-966c26f8ad91";

fn list_request() -> v1::PaymentServiceListRequest {
    v1::PaymentServiceListRequest {
        merchant_id: "demo-cafe".to_owned(),
        states: vec![3, 4, 3],
        create_time_from: Some(pbjson_types::Timestamp { seconds: 1, nanos: 0 }),
        create_time_to: None,
        presentment_currency_code: "CNY".to_owned(),
        page_size: 0,
        page_token: String::new(),
    }
}

fn list(message: &v1::PaymentServiceListRequest) -> Result<PaymentList, InvalidField> {
    payment_list(message, &digester())
}

#[test]
fn a_payment_has_three_names_and_is_asked_for_by_one() {
    let named = |payment_id: &str, merchant_order_id: &str, idempotency_key: &str| {
        let message = v1::PaymentServiceGetRequest {
            payment_id: payment_id.to_owned(),
            merchant_order_id: merchant_order_id.to_owned(),
            idempotency_key: idempotency_key.to_owned(),
        };
        payment_name(&message, &digester())
    };
    let request = payment(&authorize_request()).unwrap();
    assert_eq!(named(UUID, "", ""), Ok(PaymentName::Id(payment_id(UUID).unwrap())));
    assert_eq!(named("", "Order #1", ""), Ok(PaymentName::MerchantOrderId(request.merchant_order_digest)));
    assert_eq!(named("", "", "key-1"), Ok(PaymentName::IdempotencyKey(request.key.digest)));
    let refused = |id, order, key| line(named(id, order, key)).unwrap();
    assert_eq!(refused("", "", ""), "FIELD_MISSING payment_id: is missing");
    assert_eq!(refused(UUID, "Order #1", ""), "FIELDS_CONFLICT merchant_order_id: is one name too many");
    assert_eq!(refused(UUID, "", "key-1"), "FIELDS_CONFLICT idempotency_key: is one name too many");
    assert_eq!(refused("", "Order #1", "key-1"), "FIELDS_CONFLICT idempotency_key: is one name too many");
    assert_eq!(named("x", "", "").unwrap_err().reason, InvalidReason::PaymentIdInvalid);
}

#[test]
fn a_list_is_filtered_by_whatever_is_given() {
    let PaymentList { filter, page, .. } = list(&list_request()).unwrap();
    assert_eq!(filter.merchant.map(|name| name.to_string()).as_deref(), Some("demo-cafe"));
    assert_eq!(filter.states, BTreeSet::from([PaymentState::Authorized, PaymentState::PartiallyCaptured]));
    assert_eq!((filter.decided_from, filter.decided_before), (Some(Timestamp::from_micros(1_000_000)), None));
    assert_eq!(filter.presentment_currency, Some(Currency::CNY));
    assert_eq!(page, Page { rows: 50, from: 0 });
    let all = list(&v1::PaymentServiceListRequest::default()).unwrap();
    assert_eq!(all.filter, PaymentFilter::default());
    for state in [0, 10, -1] {
        let expected = format!("VALUE_UNKNOWN states: must be a value this version knows; found {state}");
        check(list_request(), |message| message.states.push(state), list, &expected);
    }
    check(
        list_request(),
        |message| message.presentment_currency_code = "x".to_owned(),
        list,
        &format!("CURRENCY_UNKNOWN presentment_currency_code: {}; found \"x\"", Currency::from_code("x").unwrap_err()),
    );
}

#[test]
fn a_page_goes_on_with_the_filter_it_began_with() {
    let token = list(&list_request()).unwrap().token(17);
    let at = |token: &str| v1::PaymentServiceListRequest { page_token: token.to_owned(), ..list_request() };
    assert_eq!(list(&at(&token)).unwrap().page, Page { rows: 50, from: 17 });
    let refused = "PAGE_TOKEN_INVALID page_token: not a token of an earlier page of this list";
    let other_places =
        [token.replace("17", "017"), token.replace("17", "+17"), token.replace("17", ""), "17".to_owned()];
    for token in &other_places {
        assert_eq!(line(list(&at(token))).as_deref(), Some(refused), "{token}");
    }
    let changes: [&dyn Fn(&mut v1::PaymentServiceListRequest); 5] = [
        &|message| message.merchant_id.clear(),
        &|message| message.states.clear(),
        &|message| message.create_time_from = None,
        &|message| message.create_time_to = message.create_time_from,
        &|message| message.presentment_currency_code = "HKD".to_owned(),
    ];
    for change in changes {
        check(at(&token), |message| change(message), list, refused);
    }
    let more = v1::PaymentServiceListRequest { page_size: 500, ..at(&token) };
    assert_eq!(list(&more).unwrap().page, Page { rows: 500, from: 17 }, "a page may have another size");
    check(
        list_request(),
        |message| message.page_size = 501,
        list,
        "PAGE_SIZE_TOO_LARGE page_size: must be at most 500; found 501",
    );
}

#[test]
fn a_plain_page_goes_on_at_a_place() {
    assert_eq!(page(0, ""), Ok(Page { rows: 50, from: 0 }));
    assert_eq!(page(500, "7"), Ok(Page { rows: 500, from: 7 }));
    assert_eq!(page(501, "").unwrap_err().reason, InvalidReason::PageSizeTooLarge);
    assert_eq!(page(1, "x").unwrap_err().reason, InvalidReason::PageTokenInvalid);
}

#[test]
fn other_reads_are_parsed_whole() {
    let message = v1::WatchRequest { merchant_id: String::new(), after_lsn: 5 };
    assert_eq!(watch(&message), Ok(Watch { merchant: None, after: Lsn::new(5) }));
    let message = v1::WatchRequest { merchant_id: "A".to_owned(), after_lsn: 5 };
    assert_eq!(watch(&message).unwrap_err().field, "merchant_id");

    let message = v1::CreateRequest {
        merchant_id: "demo-cafe".to_owned(),
        payer: authorize_request().payer,
        presentment_amount: hkd(10_000),
        card_token: String::new(),
    };
    let asked = quote(&message).unwrap();
    let QuotedPayer::Account(payer) = &asked.payer else { panic!("{asked:?}") };
    assert_eq!((payer.account.as_str(), asked.presentment_amount), ("hk-alice", Money::new(Currency::HKD, 10_000)));
    check(message.clone(), |message| message.payer = None, quote, "FIELD_MISSING payer: is missing");
    let both = "FIELDS_CONFLICT card_token: name an account or a card, not both";
    check(message.clone(), |message| message.card_token = UUID.to_owned(), quote, both);
    let by_card = v1::CreateRequest { payer: None, card_token: UUID.to_owned(), ..message };
    assert_eq!(quote(&by_card).unwrap().payer, QuotedPayer::Card(card_token(UUID).unwrap()));

    let message = v1::HistoryRequest {
        presentment_currency_code: "CNY".to_owned(),
        debit_currency_code: "HKD".to_owned(),
        page_size: 2,
        page_token: "9".to_owned(),
    };
    let pair = CurrencyPair { presentment: Currency::CNY, debit: Currency::HKD };
    assert_eq!(rate_history(&message), Ok(RateHistory { pair, page: Page { rows: 2, from: 9 } }));

    let of = |lsn| receipt(&v1::ReceiptServiceGetRequest { payment_id: UUID.to_owned(), lsn });
    let payment_id = payment_id(UUID).unwrap();
    assert_eq!(of(0), Ok(Receipt { payment_id, lsn: None }));
    assert_eq!(of(8), Ok(Receipt { payment_id, lsn: Some(Lsn::new(8)) }));
}
