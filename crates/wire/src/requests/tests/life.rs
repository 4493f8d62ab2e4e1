//! What is asked of payments, beyond naming a payer.

use domain::{
    CardToken, Consent, Conversions, Converted, Evidence, MandateId, Offer, OfferedQuote, QuoteId, RefundId,
    Unavailable,
};

use super::*;

const UUID: &str = "0190163d-8694-739b-aea5-966c26f8ad91";
const CODE: &str = "123456789012345678";

fn by_code() -> v1::AuthorizeRequest {
    v1::AuthorizeRequest { payer: None, payer_code: CODE.to_owned(), ..authorize_request() }
}

fn by_mandate() -> v1::AuthorizeRequest {
    v1::AuthorizeRequest { payer: None, mandate_id: UUID.to_owned(), ..authorize_request() }
}

fn by_card() -> v1::AuthorizeRequest {
    v1::AuthorizeRequest { payer: None, card_token: UUID.to_owned(), ..authorize_request() }
}

fn offered() -> OfferedQuote {
    let payer = domain::AccountId { kind: domain::AccountKind::Wallet, currency: Currency::HKD, index: 3 };
    let offer = Offer {
        quote_id: QuoteId::from_bytes([5; 16]),
        expires_at: Timestamp::from_micros(9),
        merchant: MERCHANT,
        payer,
        presentment_amount: Money::new(Currency::HKD, 10_000),
        card: None,
    };
    let conversions = Conversions { debit: Converted::SameCurrency, settlement: Converted::SameCurrency };
    OfferedQuote { offer, conversions }
}

#[test]
fn a_payer_agrees_in_one_of_six_ways() {
    let consent = |message: &v1::AuthorizeRequest| payment(message).unwrap().consent;
    let payer = AccountName { wallet: Name::new("demo-wallet").unwrap(), account: Name::new("hk-alice").unwrap() };
    let approved = v1::AuthorizeRequest { order_approved: true, ..authorize_request() };
    let uuid = u128::from_str_radix(&UUID.replace('-', ""), 16).unwrap().to_be_bytes();
    assert_eq!(consent(&authorize_request()), PresentedConsent::PayerNamed(payer.clone()));
    assert_eq!(consent(&approved), PresentedConsent::OrderApproved(payer));
    assert_eq!(consent(&by_code()), PresentedConsent::Code(digester().payer_code_digest(CODE)));
    assert_eq!(consent(&by_mandate()), PresentedConsent::Mandate(MandateId::from_bytes(uuid)));
    let approved = v1::AuthorizeRequest { order_approved: true, ..by_card() };
    assert_eq!(consent(&by_card()), PresentedConsent::Card(CardToken::from_bytes(uuid)));
    assert_eq!(consent(&approved), PresentedConsent::CardOrderApproved(CardToken::from_bytes(uuid)));
}

#[test]
fn two_ways_to_agree_contradict_each_other() {
    check_payment(
        |message| message.payer_code = CODE.to_owned(),
        "FIELDS_CONFLICT payer_code: cannot be given with payer: the code says who pays",
    );
    check_payment(
        |message| message.mandate_id = UUID.to_owned(),
        "FIELDS_CONFLICT mandate_id: cannot be given with payer: the mandate says who pays",
    );
    check(
        by_code(),
        |message| message.mandate_id = UUID.to_owned(),
        payment,
        "FIELDS_CONFLICT mandate_id: cannot be given with payer_code: one of them says who pays",
    );
    for message in [by_code(), by_mandate()] {
        check(
            message,
            |message| message.order_approved = true,
            payment,
            "FIELDS_CONFLICT order_approved: goes with payer or card_token and with no other consent",
        );
    }
}

#[test]
fn a_payer_code_is_18_digits_and_never_repeated() {
    let long = "1".repeat(19);
    for code in ["1", "12345678901234567x", "\u{661}23456789012345678", &long, "123456789012345 78"] {
        let expected = "PAYER_CODE_INVALID payer_code: must be 18 digits";
        check(by_code(), |message| message.payer_code = code.to_owned(), payment, expected);
    }
    check(
        by_mandate(),
        |message| message.mandate_id = "7".to_owned(),
        payment,
        r#"MANDATE_ID_INVALID mandate_id: must be a UUID in lower-case hyphenated form; found "7""#,
    );
}

#[test]
fn a_payment_is_captured_at_once_unless_it_is_said_otherwise() {
    let mode = |number| {
        payment(&v1::AuthorizeRequest { capture_mode: number, ..authorize_request() }).map(|asked| asked.capture_mode)
    };
    assert_eq!(mode(0), Ok(CaptureMode::Automatic));
    assert_eq!(mode(1), Ok(CaptureMode::Automatic));
    assert_eq!(mode(2), Ok(CaptureMode::Manual));
    let expected = "VALUE_UNKNOWN capture_mode: must be a value this version knows; found 3";
    assert_eq!(line(mode(3)).as_deref(), Some(expected));
}

#[test]
fn a_bound_of_the_debit_is_an_amount() {
    let message = v1::AuthorizeRequest { max_debit_amount: hkd(5), ..authorize_request() };
    assert_eq!(payment(&message).unwrap().debit_amount_max, Some(Money::new(Currency::HKD, 5)));
    check_payment(
        |message| message.max_debit_amount = hkd(0),
        "AMOUNT_OUT_OF_BOUNDS max_debit_amount.minor_units: must be 1 to 999999999999999 minor units; found 0",
    );
}

/// Who repeats a request whose token can no longer be verified still gets the answer that was recorded.
#[test]
fn a_token_that_does_not_verify_is_evidence_and_no_fault() {
    let quote = |token: &str| {
        payment(&v1::AuthorizeRequest { quote_token: token.to_owned(), ..authorize_request() }).unwrap().quote
    };
    assert_eq!(quote(&tokens().sign(&offered())), Some(Evidence::Present(offered())));
    assert_eq!(quote("AAAA"), Some(Evidence::Unavailable(Unavailable::QuoteTokenInvalid)));
    assert_eq!(quote("not\na token"), Some(Evidence::Unavailable(Unavailable::QuoteTokenInvalid)));
}

#[test]
fn an_optional_field_makes_another_request_only_when_it_is_given() {
    let recorded = payment(&authorize_request()).unwrap().key.fingerprint;
    let check = |change: &dyn Fn(&mut v1::AuthorizeRequest), expected: Option<&str>| {
        let mut message = authorize_request();
        change(&mut message);
        let later = payment(&message).unwrap().key.fingerprint;
        assert_eq!(first_difference(&recorded, &later).as_deref(), expected);
        assert_eq!(first_difference(&later, &recorded).as_deref(), expected);
    };
    check(&|message| message.capture_mode = 1, None);
    check(&|message| message.capture_mode = 2, Some("capture_mode"));
    check(&|message| message.order_approved = true, Some("order_approved"));
    check(&|message| message.quote_token = "AAAA".to_owned(), Some("quote_token"));
    check(&|message| message.max_debit_amount = hkd(1), Some("max_debit_amount.currency_code"));

    let fingerprint = |message: &v1::AuthorizeRequest| payment(message).unwrap().key.fingerprint;
    let other_code = v1::AuthorizeRequest { payer_code: "0".repeat(18), ..by_code() };
    let difference = first_difference(&fingerprint(&by_code()), &fingerprint(&other_code));
    assert_eq!(difference.as_deref(), Some("payer_code"));
    let difference = first_difference(&fingerprint(&by_code()), &fingerprint(&by_mandate()));
    assert_eq!(difference.as_deref(), Some("payer_code"));
    let more = |minor_units| v1::AuthorizeRequest { max_debit_amount: hkd(minor_units), ..authorize_request() };
    let difference = first_difference(&fingerprint(&more(1)), &fingerprint(&more(2)));
    assert_eq!(difference.as_deref(), Some("max_debit_amount.minor_units"));
}

#[test]
fn requests_about_a_payment_are_parsed_whole() {
    let id = payment_id(UUID).unwrap();
    let amount = Money::new(Currency::HKD, 10_000);
    let key = |key: IdempotencyKey| (key.tenant, key.fingerprint.method);
    let of_merchant = |method| (TenantId::Merchant(MERCHANT), method);

    let mut message = v1::CaptureRequest {
        idempotency_key: "key-1".to_owned(),
        payment_id: UUID.to_owned(),
        amount: hkd(10_000),
        r#final: true,
    };
    let (asked, command) = capture(&message, MERCHANT, &digester()).unwrap();
    assert_eq!(key(asked), of_merchant(Method::Capture));
    let rest = domain::CaptureRest::Released;
    assert_eq!(command, domain::CapturePayment { merchant: MERCHANT, payment_id: id, amount, rest });
    message.r#final = false;
    let (other, command) = capture(&message, MERCHANT, &digester()).unwrap();
    assert_eq!(command.rest, domain::CaptureRest::Kept);
    assert_eq!(first_difference(&asked.fingerprint, &other.fingerprint).as_deref(), Some("final"));

    let message = v1::VoidRequest { idempotency_key: "key-1".to_owned(), payment_id: UUID.to_owned() };
    let (asked, command) = void(&message, MERCHANT, &digester()).unwrap();
    assert_eq!(key(asked), of_merchant(Method::Void));
    assert_eq!(command, domain::VoidPayment { merchant: MERCHANT, payment_id: id });

    let refund_id = RefundId::from_bytes([4; 16]);
    let (idempotency_key, payment_id) = ("key-1".to_owned(), UUID.to_owned());
    let message = v1::RefundRequest { idempotency_key, payment_id, amount: hkd(10_000) };
    let (asked, command) = refund(&message, MERCHANT, refund_id, &digester()).unwrap();
    assert_eq!(key(asked), of_merchant(Method::Refund));
    assert_eq!(command, domain::RefundPayment { merchant: MERCHANT, payment_id: id, refund_id, amount });
}

#[test]
fn an_increase_may_carry_a_further_code() {
    let mut message = v1::IncreaseAuthorizationRequest {
        idempotency_key: "key-1".to_owned(),
        payment_id: UUID.to_owned(),
        amount: hkd(10_000),
        payer_code: String::new(),
    };
    let (asked, plain) = increase(&message, MERCHANT, &digester()).unwrap();
    assert_eq!(asked.fingerprint.method, Method::IncreaseAuthorization);
    assert_eq!((plain.merchant, plain.payment_id, plain.consent), (MERCHANT, payment_id(UUID).unwrap(), None));
    message.payer_code = CODE.to_owned();
    let (other, further) = increase(&message, MERCHANT, &digester()).unwrap();
    assert_eq!(further.consent, Some(Consent::Code(digester().payer_code_digest(CODE))));
    assert_eq!(first_difference(&asked.fingerprint, &other.fingerprint).as_deref(), Some("payer_code"));
    message.payer_code.push('1');
    let expected = "PAYER_CODE_INVALID payer_code: must be 18 digits";
    assert_eq!(line(increase(&message, MERCHANT, &digester())).as_deref(), Some(expected));
}

#[test]
fn requests_about_a_payment_are_refused_by_field() {
    let capture = |message: &v1::CaptureRequest| capture(message, MERCHANT, &digester());
    let message = || v1::CaptureRequest {
        idempotency_key: "key-1".to_owned(),
        payment_id: UUID.to_owned(),
        amount: hkd(1),
        r#final: false,
    };
    check(message(), |message| message.idempotency_key.clear(), capture, "FIELD_MISSING idempotency_key: is missing");
    check(message(), |message| message.payment_id.clear(), capture, "FIELD_MISSING payment_id: is missing");
    check(message(), |message| message.amount = None, capture, "FIELD_MISSING amount: is missing");
    let void = |message: &v1::VoidRequest| void(message, MERCHANT, &digester());
    check(v1::VoidRequest::default(), |_| (), void, "FIELD_MISSING idempotency_key: is missing");
    let refund = |message: &v1::RefundRequest| refund(message, MERCHANT, RefundId::from_bytes([4; 16]), &digester());
    check(v1::RefundRequest::default(), |_| (), refund, "FIELD_MISSING idempotency_key: is missing");
}

/// Records hold these digests, beside those of requests without any of the later fields.
#[test]
fn stored_fingerprints_with_later_fields_never_change() {
    let message = v1::AuthorizeRequest {
        capture_mode: 2,
        quote_token: "AAAA".to_owned(),
        max_debit_amount: hkd(12_000),
        ..by_code()
    };
    let fingerprint = payment(&message).unwrap().key.fingerprint;
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    assert_eq!(hex(&fingerprint.request.0), "249fb1a814c0e30b39c7ccdb20f86c0b");
    let of_code = [2645147234, 329297442, 1965977649, 2749503763, 2098082535];
    let optional = [3613560177, 995924125, 0, 0, 2630760398, 670135406, 2114700639, 0, 0];
    assert_eq!(fingerprint.fields[..], [&of_code[..], &optional].concat());
}
