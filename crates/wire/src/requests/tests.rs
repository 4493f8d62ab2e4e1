mod agreed;
mod life;
mod operated;
mod read;

use domain::{
    CaptureMode, CurrencyPair, Difference, Fingerprint, MerchantId, Method, Name, OpenAccount, PaymentId,
    PaymentRequest, PresentedConsent, TickPrice, Timestamp, WalletId,
};
use money::{Currency, Money, Rate, Ratio};

use super::*;
use crate::{
    fingerprint::difference_text,
    quote_token::{QuoteKey, QuoteTokens},
};

const MERCHANT: MerchantId = MerchantId(3);
const WALLET: WalletId = WalletId(5);
const PAYMENT: PaymentId = PaymentId::from_bytes([9; 16]);

fn digester() -> Digester {
    Digester::new([7; 32])
}

fn tokens() -> QuoteTokens {
    QuoteTokens::new(QuoteKey::new(1, &[9; 32]), []).unwrap()
}

fn hkd(minor_units: i64) -> Option<v1::Money> {
    Some(v1::Money { currency_code: "HKD".to_owned(), minor_units })
}

fn authorize_request() -> v1::AuthorizeRequest {
    v1::AuthorizeRequest {
        idempotency_key: "key-1".to_owned(),
        merchant_order_id: "Order #1".to_owned(),
        payer: Some(v1::AccountReference { wallet_id: "demo-wallet".to_owned(), account_id: "hk-alice".to_owned() }),
        presentment_amount: hkd(10_000),
        ..v1::AuthorizeRequest::default()
    }
}

fn open_request() -> v1::OpenRequest {
    v1::OpenRequest {
        idempotency_key: "key-1".to_owned(),
        account_id: "hk-alice".to_owned(),
        currency_code: "HKD".to_owned(),
    }
}

fn deposit_request() -> v1::DepositRequest {
    v1::DepositRequest { idempotency_key: "key-1".to_owned(), account_id: "hk-alice".to_owned(), amount: hkd(50_000) }
}

fn merchant_request() -> v1::RegisterMerchantRequest {
    v1::RegisterMerchantRequest {
        idempotency_key: "key-1".to_owned(),
        merchant_id: "demo-cafe".to_owned(),
        settlement_currency_code: "CNY".to_owned(),
        merchant_discount: "0.006".to_owned(),
        api_key: "k".repeat(32),
    }
}

fn publication(presentment: &str, debit: &str) -> v1::RatePublication {
    v1::RatePublication {
        presentment_currency_code: presentment.to_owned(),
        debit_currency_code: debit.to_owned(),
        mid_rate: "1.10".to_owned(),
        source: "desk".to_owned(),
        as_of_time: Some(pbjson_types::Timestamp { seconds: 1_700_000_000, nanos: 123_456_789 }),
        ..v1::RatePublication::default()
    }
}

fn rates_request() -> v1::PublishRatesRequest {
    v1::PublishRatesRequest {
        idempotency_key: "key-1".to_owned(),
        rates: vec![publication("CNY", "HKD"), publication("HKD", "CNY")],
        override_reason: String::new(),
    }
}

/// One boundary for all refusals: field, reason and description, as one line.
fn line<T>(parsed: Result<T, InvalidField>) -> Option<String> {
    parsed.err().map(|invalid| format!("{} {invalid}", invalid.reason.as_str()))
}

#[track_caller]
fn check<M, T>(
    mut message: M,
    change: impl FnOnce(&mut M),
    parse: impl FnOnce(&M) -> Result<T, InvalidField>,
    expected: &str,
) {
    change(&mut message);
    assert_eq!(line(parse(&message)).as_deref(), Some(expected));
}

fn payment(message: &v1::AuthorizeRequest) -> Result<PaymentRequest, InvalidField> {
    payment_request(message, MERCHANT, PAYMENT, &tokens(), &digester())
}

#[track_caller]
fn check_payment(change: impl FnOnce(&mut v1::AuthorizeRequest), expected: &str) {
    check(authorize_request(), change, payment, expected);
}

#[track_caller]
fn check_amount(change: impl FnOnce(&mut v1::Money), expected: &str) {
    let change = |message: &mut v1::AuthorizeRequest| {
        if let Some(amount) = &mut message.presentment_amount {
            change(amount);
        }
    };
    check_payment(change, expected);
}

#[test]
fn a_payment_request_is_parsed_whole() {
    let request = payment(&authorize_request()).unwrap();
    assert_eq!(request.key.tenant, TenantId::Merchant(MERCHANT));
    assert_eq!(request.key.digest, digester().digest(Purpose::IdempotencyKey, "key-1"));
    assert_eq!(request.key.fingerprint.method, Method::Authorize);
    assert_eq!((request.payment_id, request.merchant), (PAYMENT, MERCHANT));
    assert_eq!(request.merchant_order_id.as_str(), "Order #1");
    assert_eq!(request.merchant_order_digest, digester().digest(Purpose::MerchantOrderId, "Order #1"));
    let PresentedConsent::PayerNamed(payer) = request.consent else { panic!("the payer is named") };
    assert_eq!((payer.wallet.as_str(), payer.account.as_str()), ("demo-wallet", "hk-alice"));
    assert_eq!(request.capture_mode, CaptureMode::Automatic);
    assert_eq!((request.quote, request.debit_amount_max, request.sandbox_decline), (None, None, None));
    assert_eq!(request.presentment_amount, Money::new(Currency::HKD, 10_000));
}

#[test]
fn a_missing_field_is_named() {
    check_payment(|message| message.idempotency_key.clear(), "FIELD_MISSING idempotency_key: is missing");
    check_payment(|message| message.merchant_order_id.clear(), "FIELD_MISSING merchant_order_id: is missing");
    check_payment(|message| message.payer = None, "FIELD_MISSING payer: is missing");
    check_payment(
        |message| message.payer = Some(v1::AccountReference::default()),
        "FIELD_MISSING payer.wallet_id: is missing",
    );
    check_payment(|message| message.presentment_amount = None, "FIELD_MISSING presentment_amount: is missing");
    check_amount(|amount| amount.currency_code.clear(), "FIELD_MISSING presentment_amount.currency_code: is missing");
}

#[test]
fn of_several_faults_the_first_is_told() {
    assert_eq!(
        line(payment(&v1::AuthorizeRequest::default())).as_deref(),
        Some("FIELD_MISSING idempotency_key: is missing")
    );
}

#[test]
fn a_key_has_255_characters_and_none_to_forge_lines_with() {
    let key = |key: &str| {
        let mut message = authorize_request();
        message.idempotency_key = key.to_owned();
        line(payment(&message))
    };
    assert_eq!(key(&"港".repeat(255)), None);
    let expected = "KEY_INVALID idempotency_key: is longer than 255 characters";
    assert_eq!(key(&"k".repeat(256)).as_deref(), Some(expected));
    let expected = "KEY_INVALID idempotency_key: contains a control character at character 2";
    for hostile in ["a\nb", "a\0b", "a\u{1b}[2J", "a\u{202e}b"] {
        assert_eq!(key(hostile).as_deref(), Some(expected), "{hostile:?}");
    }
}

#[test]
fn texts_are_refused_without_being_repeated() {
    check_payment(
        |message| message.merchant_order_id = "a\u{1b}[2J".to_owned(),
        "TEXT_INVALID merchant_order_id: contains a control character at character 2",
    );
    check_payment(
        |message| message.merchant_order_id = "a".repeat(65),
        "TEXT_INVALID merchant_order_id: is longer than 64 characters",
    );
    check_payment(
        |message| message.payer = Some(v1::AccountReference { wallet_id: "Demo".into(), account_id: "a".into() }),
        "TEXT_INVALID payer.wallet_id: may contain a-z, 0-9 and hyphen only, found another character at character 1",
    );
}

#[test]
fn a_currency_is_an_upper_case_code_with_minor_units() {
    let check = |code: &str, why: &str| {
        let expected = format!("CURRENCY_UNKNOWN presentment_amount.currency_code: {why}");
        check_amount(|amount| amount.currency_code = code.to_owned(), &expected);
    };
    let unknown = "unknown currency: expected an ISO 4217 code of three upper case letters, for example HKD";
    check("hkd", r#"currency codes are upper case: HKD; found "hkd""#);
    check("CNH", r#"CNH is not an ISO 4217 code: offshore renminbi is CNY; found "CNH""#);
    check("XAU", r#"XAU has no minor units, so nothing can be paid in it; found "XAU""#);
    check("XYZ", &format!(r#"{unknown}; found "XYZ""#));
    check("\u{1b}[2J\u{202e}", &format!(r#"{unknown}; found "\u{{1b}}[2J\u{{202e}}""#));
    check(&"Q".repeat(1000), &format!("{unknown}; found \"{}…\"", "Q".repeat(32)));
}

#[test]
fn an_amount_is_within_the_bounds_of_one() {
    for minor_units in [0, -1, i64::MIN, 1_000_000_000_000_000, i64::MAX] {
        let expected = format!(
            "AMOUNT_OUT_OF_BOUNDS presentment_amount.minor_units: must be 1 to 999999999999999 minor units; \
             found {minor_units}"
        );
        check_amount(|amount| amount.minor_units = minor_units, &expected);
    }
    for minor_units in [1, 999_999_999_999_999] {
        let message = v1::AuthorizeRequest { presentment_amount: hkd(minor_units), ..authorize_request() };
        assert_eq!(line(payment(&message)), None);
    }
}

#[test]
fn wallet_requests_are_parsed_whole() {
    let name = Name::new("hk-alice").unwrap();
    let (key, account) = open_account(&open_request(), WALLET, &digester()).unwrap();
    assert_eq!((key.tenant, key.fingerprint.method), (TenantId::Wallet(WALLET), Method::OpenAccount));
    assert_eq!(account, OpenAccount { wallet: WALLET, name: name.clone(), currency: Currency::HKD });

    let v1::DepositRequest { idempotency_key, account_id, amount } = deposit_request();
    let (key, account, moved) = deposit(&deposit_request(), WALLET, &digester()).unwrap();
    assert_eq!((key.tenant, key.fingerprint.method), (TenantId::Wallet(WALLET), Method::Deposit));
    assert_eq!((account, moved), (name.clone(), Money::new(Currency::HKD, 50_000)));

    let message = v1::WithdrawRequest { idempotency_key, account_id, amount };
    let (key, account, moved) = withdraw(&message, WALLET, &digester()).unwrap();
    assert_eq!((key.tenant, key.fingerprint.method), (TenantId::Wallet(WALLET), Method::Withdraw));
    assert_eq!((account, moved), (name.clone(), Money::new(Currency::HKD, 50_000)));

    let message = v1::CloseRequest { idempotency_key: "key-1".to_owned(), account_id: "hk-alice".to_owned() };
    let (key, account) = close_account(&message, WALLET, &digester()).unwrap();
    assert_eq!((key.tenant, key.fingerprint.method), (TenantId::Wallet(WALLET), Method::CloseAccount));
    assert_eq!(account, name);
}

#[test]
fn wallet_requests_are_refused_by_field() {
    let open = |message: &v1::OpenRequest| open_account(message, WALLET, &digester());
    check(
        open_request(),
        |message| message.account_id = "hk alice".to_owned(),
        open,
        "TEXT_INVALID account_id: may contain a-z, 0-9 and hyphen only, found another character at character 3",
    );
    check(open_request(), |message| message.currency_code.clear(), open, "FIELD_MISSING currency_code: is missing");
    check(
        open_request(),
        |message| message.currency_code = "hkd".to_owned(),
        open,
        r#"CURRENCY_UNKNOWN currency_code: currency codes are upper case: HKD; found "hkd""#,
    );
    let credit = |message: &v1::DepositRequest| deposit(message, WALLET, &digester());
    check(deposit_request(), |message| message.amount = None, credit, "FIELD_MISSING amount: is missing");
    check(
        deposit_request(),
        |message| message.amount = hkd(0),
        credit,
        "AMOUNT_OUT_OF_BOUNDS amount.minor_units: must be 1 to 999999999999999 minor units; found 0",
    );
    let debit = |message: &v1::WithdrawRequest| withdraw(message, WALLET, &digester());
    check(v1::WithdrawRequest::default(), |_| (), debit, "FIELD_MISSING idempotency_key: is missing");
    let close = |message: &v1::CloseRequest| close_account(message, WALLET, &digester());
    let message = v1::CloseRequest { idempotency_key: "key-1".to_owned(), account_id: String::new() };
    check(message, |_| (), close, "FIELD_MISSING account_id: is missing");
}

#[test]
fn a_merchant_is_parsed_whole_and_its_api_key_hashed() {
    let (key, merchant) = register_merchant(&merchant_request(), &digester()).unwrap();
    assert_eq!((key.tenant, key.fingerprint.method), (TenantId::Operator, Method::RegisterMerchant));
    assert_eq!(merchant.name.as_str(), "demo-cafe");
    assert_eq!(merchant.settlement_currency, Currency::CNY);
    assert_eq!(merchant.discount, Ratio::parse("0.006").unwrap());
    assert_eq!(merchant.api_key_hash, digester().api_key_hash(&"k".repeat(32)));
}

#[track_caller]
fn check_merchant(change: impl FnOnce(&mut v1::RegisterMerchantRequest), expected: &str) {
    check(merchant_request(), change, |message| register_merchant(message, &digester()), expected);
}

#[test]
fn a_merchant_discount_is_a_ratio() {
    let check = |text: &str, why: &str| {
        let expected = format!("RATIO_INVALID merchant_discount: {why}; found {text:?}");
        check_merchant(|message| message.merchant_discount = text.to_owned(), &expected);
    };
    check("0.6 %", "a ratio is a plain decimal, for example 0.006");
    check("-0.1", "a ratio lies between 0 and 1: 0.006 is 0.6 %");
    check("1.1", "a ratio lies between 0 and 1: 0.006 is 0.6 %");
    check("0.0000001", "a ratio has at most 6 decimals");
    check_merchant(|message| message.merchant_discount.clear(), "FIELD_MISSING merchant_discount: is missing");
}

#[test]
fn an_api_key_is_refused_without_a_word_of_it() {
    let check = |key: String, found: &str| {
        let expected = format!("API_KEY_INVALID api_key: must be 32 to 128 visible ASCII characters; found {found}");
        check_merchant(|message| message.api_key = key, &expected);
    };
    check("k".repeat(31), "31 characters");
    check("k".repeat(129), "129 characters");
    check(format!("{} ", "k".repeat(40)), "another at character 41");
    check("é".repeat(40), "another at character 1");
    check_merchant(|message| message.api_key.clear(), "FIELD_MISSING api_key: is missing");
    for length in [32, 128] {
        let message = v1::RegisterMerchantRequest { api_key: "~".repeat(length), ..merchant_request() };
        assert!(register_merchant(&message, &digester()).is_ok());
    }
}

#[test]
fn rates_are_parsed_whole() {
    let (key, published) = publish_rates(&rates_request(), &digester()).unwrap();
    assert_eq!((key.tenant, key.fingerprint.method), (TenantId::Operator, Method::PublishRates));
    let [first, second] = published.ticks.as_slice() else { panic!("two rates were given") };
    assert_eq!(first.pair, CurrencyPair { presentment: Currency::CNY, debit: Currency::HKD });
    assert_eq!(second.pair, CurrencyPair { presentment: Currency::HKD, debit: Currency::CNY });
    assert_eq!(first.price, TickPrice::Mid(Rate::parse("1.1").unwrap()));
    assert_eq!((first.valid_until, published.override_reason), (None, None));
    assert_eq!(first.source.as_str(), "desk");
    assert_eq!(first.as_of, Timestamp::from_micros(1_700_000_000_123_456));
}

#[track_caller]
fn check_rates(change: impl FnOnce(&mut Vec<v1::RatePublication>), expected: &str) {
    let change = |message: &mut v1::PublishRatesRequest| change(&mut message.rates);
    check(rates_request(), change, |message| publish_rates(message, &digester()), expected);
}

#[test]
fn a_rate_is_refused_with_its_place() {
    let check = |text: &str, why: &str| {
        let expected = format!("RATE_INVALID rates[1].mid_rate: {why}; found {text:?}");
        check_rates(|rates| rates[1].mid_rate = text.to_owned(), &expected);
    };
    for text in ["0", "0.000", "-1.1"] {
        check(text, &money::RateError::NotPositive.to_string());
    }
    for text in ["1,1", "1e3", " 1", "+1", ".5", "1."] {
        check(text, &money::RateError::Malformed.to_string());
    }
    for text in ["12345678901", "1.2345678901", "0.0000000000000000001"] {
        check(text, &Rate::parse(text).unwrap_err().to_string());
    }
    check_rates(|rates| rates[1].mid_rate.clear(), "FIELD_MISSING rates[1].mid_rate: is missing");
    check_rates(|rates| rates[0].source.clear(), "FIELD_MISSING rates[0].source: is missing");
    check_rates(
        |rates| rates[0].source = "a\nb".to_owned(),
        "TEXT_INVALID rates[0].source: contains a control character at character 2",
    );
}

#[test]
fn a_pair_is_of_two_currencies_and_given_once() {
    check_rates(
        |rates| rates[1] = publication("CNY", "CNY"),
        "PAIR_OF_ONE_CURRENCY rates[1].debit_currency_code: must be another currency than the presentment currency; \
         found CNY per CNY",
    );
    check_rates(
        |rates| rates.push(publication("CNY", "HKD")),
        "PAIR_REPEATED rates[2].debit_currency_code: must make a pair that the request has not given before; \
         found HKD per CNY",
    );
    check_rates(
        |rates| rates[0] = publication("CNH", "HKD"),
        "CURRENCY_UNKNOWN rates[0].presentment_currency_code: CNH is not an ISO 4217 code: offshore renminbi is CNY; \
         found \"CNH\"",
    );
}

#[test]
fn rates_are_1_to_64() {
    check_rates(Vec::clear, "FIELD_MISSING rates: is missing");
    check_rates(
        |rates| *rates = vec![publication("CNY", "HKD"); 65],
        "TOO_MANY rates: must be 1 to 64 rates; found 65",
    );
    let others = Currency::all().filter(|currency| *currency != Currency::CNY).take(64);
    let rates = others.map(|currency| publication("CNY", currency.code())).collect();
    assert!(publish_rates(&v1::PublishRatesRequest { rates, ..rates_request() }, &digester()).is_ok());
}

#[test]
fn the_moment_of_a_rate_is_a_protobuf_timestamp() {
    let as_of = |seconds, nanos| {
        let mut message = rates_request();
        message.rates[0].as_of_time = Some(pbjson_types::Timestamp { seconds, nanos });
        publish_rates(&message, &digester())
    };
    let micros = |seconds, nanos| as_of(seconds, nanos).unwrap().1.ticks[0].as_of.micros();
    assert_eq!(micros(-1, 999_999_999), -1);
    assert_eq!(micros(-62_135_596_800, 0), -62_135_596_800_000_000);
    assert_eq!(micros(253_402_300_799, 999_999_999), 253_402_300_799_999_999);
    for (seconds, nanos) in
        [(i64::MAX, 0), (i64::MIN, 0), (253_402_300_800, 0), (-62_135_596_801, 0), (0, -1), (0, 1_000_000_000)]
    {
        let expected = format!(
            "TIMESTAMP_INVALID rates[0].as_of_time: must be from 0001-01-01T00:00:00Z to \
             9999-12-31T23:59:59.999999999Z; found {seconds} seconds and {nanos} nanoseconds"
        );
        assert_eq!(line(as_of(seconds, nanos)), Some(expected));
    }
    check_rates(|rates| rates[0].as_of_time = None, "FIELD_MISSING rates[0].as_of_time: is missing");
}

#[test]
fn a_payment_id_is_a_lower_case_hyphenated_uuid() {
    let text = "0190163d-8694-739b-aea5-966c26f8ad91";
    assert_eq!(payment_id(text).unwrap().to_string(), text);
    assert_eq!(line(payment_id("")).as_deref(), Some("FIELD_MISSING payment_id: is missing"));
    for text in [
        "0190163D-8694-739b-aea5-966c26f8ad91",
        "0190163d8694739baea5966c26f8ad91",
        "{0190163d-8694-739b-aea5-966c26f8ad91}",
        "0190163d-8694-739b-aea5-966c26f8ad9g",
        "0190163d-8694-739b-aea5-966c26f8ad9",
        "0190163d-8694-739b-aea5-966c26f8ad911",
        "0190163d-8694-739b-aea55966c26f8ad91",
        "0190163d-8694-739b-aea-5966c26f8ad91",
        "0190163d-8694-739b-aea5-966c26f8adé",
    ] {
        let reason = payment_id(text).unwrap_err().reason;
        assert_eq!(reason, InvalidReason::PaymentIdInvalid, "{text}");
    }
}

#[test]
fn an_account_name_is_a_name() {
    assert_eq!(account_name("hk-alice").unwrap().as_str(), "hk-alice");
    assert_eq!(line(account_name("")).as_deref(), Some("FIELD_MISSING account_id: is missing"));
    assert_eq!(account_name("demo-wallet/hk-alice").unwrap_err().reason, InvalidReason::TextInvalid);
}

fn first_difference(recorded: &Fingerprint, later: &Fingerprint) -> Option<String> {
    recorded.difference(later).map(|difference| difference_text(later.method, difference))
}

#[test]
fn the_first_field_that_differs_is_named() {
    let recorded = payment(&authorize_request()).unwrap().key.fingerprint;
    let check = |change: &dyn Fn(&mut v1::AuthorizeRequest), expected: Option<&str>| {
        let mut message = authorize_request();
        change(&mut message);
        let later = payment(&message).unwrap().key.fingerprint;
        assert_eq!(first_difference(&recorded, &later).as_deref(), expected);
    };
    let payer = |wallet: &str, account: &str| {
        Some(v1::AccountReference { wallet_id: wallet.to_owned(), account_id: account.to_owned() })
    };
    check(&|_| (), None);
    check(&|message| message.idempotency_key = "key-2".to_owned(), None);
    check(&|message| message.merchant_order_id = "Order #2".to_owned(), Some("merchant_order_id"));
    check(&|message| message.payer = payer("other", "hk-alice"), Some("payer.wallet_id"));
    check(&|message| message.payer = payer("demo-wallet", "hk-bob"), Some("payer.account_id"));
    let cny = Some(v1::Money { currency_code: "CNY".to_owned(), minor_units: 1 });
    check(&|message| message.presentment_amount = cny.clone(), Some("presentment_amount.currency_code"));
    check(&|message| message.presentment_amount = hkd(10_001), Some("presentment_amount.minor_units"));
}

#[test]
fn another_method_under_one_key_is_named() {
    let opened = open_account(&open_request(), WALLET, &digester()).unwrap().0.fingerprint;
    let deposited = deposit(&deposit_request(), WALLET, &digester()).unwrap().0.fingerprint;
    assert_eq!(opened.difference(&deposited), Some(Difference::Method(Method::OpenAccount)));
}

#[test]
fn two_spellings_of_one_value_are_one_request() {
    let merchant = |discount: &str, api_key: &str| {
        let (merchant_discount, api_key) = (discount.to_owned(), api_key.repeat(32));
        let message = v1::RegisterMerchantRequest { merchant_discount, api_key, ..merchant_request() };
        register_merchant(&message, &digester()).unwrap().0.fingerprint
    };
    assert_eq!(first_difference(&merchant("1.0", "k"), &merchant("1.000", "k")), None);
    assert_eq!(first_difference(&merchant("0.1", "k"), &merchant("0.2", "k")).as_deref(), Some("merchant_discount"));
    assert_eq!(first_difference(&merchant("0.1", "k"), &merchant("0.1", "l")).as_deref(), Some("api_key"));

    let rates = |mid_rate: &str, source: &str| {
        let mut message = rates_request();
        message.rates[0].mid_rate = mid_rate.to_owned();
        message.rates[0].source = source.to_owned();
        publish_rates(&message, &digester()).unwrap().0.fingerprint
    };
    for (ours, theirs) in [("1.1", "1.100"), ("1", "1.0"), ("10", "10.00"), ("01.5", "1.5")] {
        assert_eq!(first_difference(&rates(ours, "desk"), &rates(theirs, "desk")), None, "{ours} {theirs}");
    }
    for (ours, theirs) in [("1", "10"), ("10", "100"), ("1.01", "1.1")] {
        let difference = first_difference(&rates(ours, "desk"), &rates(theirs, "desk"));
        assert_eq!(difference.as_deref(), Some("rates"), "{ours} {theirs}");
    }
    assert_eq!(first_difference(&rates("1", "desk"), &rates("1", "desk2")).as_deref(), Some("rates"));
}

/// Records hold these digests: with others, a retry across an upgrade would be refused as another request.
#[test]
fn stored_fingerprints_never_change() {
    let fingerprint = payment(&authorize_request()).unwrap().key.fingerprint;
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    assert_eq!(hex(&fingerprint.request.0), "20b441ae5bab3c5110237b41552a90e0");
    assert_eq!(
        fingerprint.fields,
        [2645147234, 3375949896, 2008492880, 2749503763, 2098082535, 0, 0, 0, 0, 0, 0, 0, 0, 0]
    );
    let fingerprint = publish_rates(&rates_request(), &digester()).unwrap().0.fingerprint;
    assert_eq!(hex(&fingerprint.request.0), "dbd9761d7c68aad8af3fd2d9371e4f35");
}
