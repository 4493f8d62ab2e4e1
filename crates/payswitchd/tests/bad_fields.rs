//! Every field of every request about the life of a payment: what is wrong with it is said, and nothing is recorded.

mod support;

use client::{Client, Code, Operator, Refusal};
use support::{
    moves::{capture, held, increase, refund, void},
    parties::{Sandbox, account, money, payment, refused},
};
use wire::v1::{self, SandboxFailure, SandboxMethod};

const ID: &str = "01900000-0000-7000-8000-000000000000";

/// A refusal, and which field it must name for which reason.
type Case = (Refusal, &'static str, &'static str);

/// Every case is refused as it says, and the journal stands where it stood.
async fn check(sandbox: &Sandbox, before: u64, cases: Vec<Case>) {
    for (refusal, reason, field) in cases {
        assert_eq!((refusal.code, refusal.reason.as_str()), (Code::InvalidArgument, reason), "{field}: {refusal:?}");
        let named: Vec<_> = refusal.field_violations.iter().map(|violation| violation.field.as_str()).collect();
        assert_eq!(named, [field], "{refusal:?}");
        assert!(refusal.message.starts_with(&format!("{field}: ")), "{refusal:?}");
        assert_eq!(refusal.metadata.get("outcome").map(String::as_str), Some("NOT_COMMITTED"), "{refusal:?}");
        assert!(!refusal.speaks_of_this_attempt_only(), "{refusal:?}");
    }
    assert_eq!(sandbox.status().await.last_lsn, before, "something was recorded");
}

fn yuan(minor_units: i64) -> v1::Money {
    money("CNY", minor_units)
}

fn moment(seconds: i64) -> Option<pbjson_types::Timestamp> {
    Some(pbjson_types::Timestamp { seconds, nanos: 0 })
}

/// Before the year 1.
fn no_moment() -> Option<pbjson_types::Timestamp> {
    moment(i64::MIN)
}

const TOO_LONG: &str = "0123456789012345678901234567890123456789012345678901234567890123456789";

#[tokio::test]
async fn fields_of_authorize() {
    let sandbox = Sandbox::start();
    let before = sandbox.status().await.last_lsn;
    let cafe = &sandbox.cafe;
    let good = payment("key", "order", "hk-alice", yuan(100));
    let nobody = v1::AuthorizeRequest { payer: None, ..good.clone() };
    let code = "0".repeat(18);
    let requests = [
        (v1::AuthorizeRequest { capture_mode: 9, ..good.clone() }, "VALUE_UNKNOWN", "capture_mode"),
        (nobody.clone(), "FIELD_MISSING", "payer"),
        (v1::AuthorizeRequest { payer_code: "12345".to_owned(), ..nobody.clone() }, "PAYER_CODE_INVALID", "payer_code"),
        (v1::AuthorizeRequest { payer_code: "a".repeat(18), ..nobody.clone() }, "PAYER_CODE_INVALID", "payer_code"),
        (v1::AuthorizeRequest { payer_code: code.clone(), ..good.clone() }, "FIELDS_CONFLICT", "payer_code"),
        (
            v1::AuthorizeRequest { mandate_id: "mandate".to_owned(), ..nobody.clone() },
            "MANDATE_ID_INVALID",
            "mandate_id",
        ),
        (v1::AuthorizeRequest { mandate_id: ID.to_owned(), ..good.clone() }, "FIELDS_CONFLICT", "mandate_id"),
        (
            v1::AuthorizeRequest { mandate_id: ID.to_owned(), payer_code: code.clone(), ..nobody.clone() },
            "FIELDS_CONFLICT",
            "mandate_id",
        ),
        (
            v1::AuthorizeRequest { order_approved: true, payer_code: code.clone(), ..nobody.clone() },
            "FIELDS_CONFLICT",
            "order_approved",
        ),
        (
            v1::AuthorizeRequest { order_approved: true, mandate_id: ID.to_owned(), ..nobody.clone() },
            "FIELDS_CONFLICT",
            "order_approved",
        ),
        (v1::AuthorizeRequest { quote_token: "none".to_owned(), ..good.clone() }, "QUOTE_TOKEN_INVALID", "quote_token"),
        (
            v1::AuthorizeRequest { max_debit_amount: Some(money("HKD", 0)), ..good.clone() },
            "AMOUNT_OUT_OF_BOUNDS",
            "max_debit_amount.minor_units",
        ),
        (
            v1::AuthorizeRequest { max_debit_amount: Some(money("", 1)), ..good },
            "FIELD_MISSING",
            "max_debit_amount.currency_code",
        ),
    ];
    let mut cases = Vec::new();
    for (request, reason, field) in requests {
        cases.push((refused(cafe.authorize(request).await), reason, field));
    }
    check(&sandbox, before, cases).await;
}

/// Key, payment and amount of a move, each wrong in turn.
#[tokio::test]
async fn fields_of_the_moves_of_a_payment() {
    let sandbox = Sandbox::start();
    let before = sandbox.status().await.last_lsn;
    let cafe = &sandbox.cafe;
    let mut cases = Vec::new();
    for (key, id, amount, reason, field) in [
        ("", ID, yuan(1), "FIELD_MISSING", "idempotency_key"),
        ("a\n", ID, yuan(1), "KEY_INVALID", "idempotency_key"),
        ("key", "", yuan(1), "FIELD_MISSING", "payment_id"),
        ("key", "payment", yuan(1), "PAYMENT_ID_INVALID", "payment_id"),
        ("key", ID, yuan(0), "AMOUNT_OUT_OF_BOUNDS", "amount.minor_units"),
        ("key", ID, money("XQQ", 1), "CURRENCY_UNKNOWN", "amount.currency_code"),
    ] {
        cases.push((refused(cafe.capture(capture(key, id, amount.clone())).await), reason, field));
        cases.push((refused(cafe.refund(refund(key, id, amount.clone())).await), reason, field));
        cases.push((refused(cafe.increase_authorization(increase(key, id, amount)).await), reason, field));
        if !field.starts_with("amount") {
            cases.push((refused(cafe.void(void(key, id)).await), reason, field));
        }
    }
    let absent = v1::CaptureRequest { amount: None, ..capture("key", ID, yuan(1)) };
    cases.push((refused(cafe.capture(absent).await), "FIELD_MISSING", "amount"));
    let code = v1::IncreaseAuthorizationRequest { payer_code: "1".to_owned(), ..increase("key", ID, yuan(1)) };
    cases.push((refused(cafe.increase_authorization(code).await), "PAYER_CODE_INVALID", "payer_code"));
    check(&sandbox, before, cases).await;
}

#[tokio::test]
async fn fields_of_reads() {
    let sandbox = Sandbox::start();
    let before = sandbox.status().await.last_lsn;
    let cafe = &sandbox.cafe;
    let mut cases = Vec::new();
    let name = |payment_id: &str, merchant_order_id: &str, idempotency_key: &str| v1::PaymentServiceGetRequest {
        payment_id: payment_id.to_owned(),
        merchant_order_id: merchant_order_id.to_owned(),
        idempotency_key: idempotency_key.to_owned(),
    };
    for (request, reason, field) in [
        (name("", "", ""), "FIELD_MISSING", "payment_id"),
        (name(ID, "order", ""), "FIELDS_CONFLICT", "merchant_order_id"),
        (name(ID, "", "key"), "FIELDS_CONFLICT", "idempotency_key"),
        (name("", TOO_LONG, ""), "TEXT_INVALID", "merchant_order_id"),
        (name("", "", "a\n"), "KEY_INVALID", "idempotency_key"),
    ] {
        cases.push((refused(cafe.payment(request).await), reason, field));
    }
    let list = v1::PaymentServiceListRequest::default;
    for (request, reason, field) in [
        (v1::PaymentServiceListRequest { merchant_id: "A".to_owned(), ..list() }, "TEXT_INVALID", "merchant_id"),
        (v1::PaymentServiceListRequest { states: vec![1, 99], ..list() }, "VALUE_UNKNOWN", "states"),
        (v1::PaymentServiceListRequest { states: vec![0], ..list() }, "VALUE_UNKNOWN", "states"),
        (
            v1::PaymentServiceListRequest { create_time_from: no_moment(), ..list() },
            "TIMESTAMP_INVALID",
            "create_time_from",
        ),
        (
            v1::PaymentServiceListRequest { create_time_to: no_moment(), ..list() },
            "TIMESTAMP_INVALID",
            "create_time_to",
        ),
        (
            v1::PaymentServiceListRequest { presentment_currency_code: "XQQ".to_owned(), ..list() },
            "CURRENCY_UNKNOWN",
            "presentment_currency_code",
        ),
        (v1::PaymentServiceListRequest { page_size: 501, ..list() }, "PAGE_SIZE_TOO_LARGE", "page_size"),
        (v1::PaymentServiceListRequest { page_token: "1".to_owned(), ..list() }, "PAGE_TOKEN_INVALID", "page_token"),
    ] {
        cases.push((refused(cafe.list_payments(request).await), reason, field));
    }
    let watch = v1::WatchRequest { merchant_id: "A".to_owned(), after_lsn: 0 };
    cases.push((refused(cafe.watch(watch).await.map(drop)), "TEXT_INVALID", "merchant_id"));
    let receipt = |id: &str| v1::ReceiptServiceGetRequest { payment_id: id.to_owned(), lsn: 0 };
    cases.push((refused(cafe.receipt(receipt("")).await), "FIELD_MISSING", "payment_id"));
    cases.push((refused(cafe.receipt(receipt("x")).await), "PAYMENT_ID_INVALID", "payment_id"));
    let history = |presentment: &str, debit: &str, page_size, page_token: &str| v1::HistoryRequest {
        presentment_currency_code: presentment.to_owned(),
        debit_currency_code: debit.to_owned(),
        page_size,
        page_token: page_token.to_owned(),
    };
    for (request, reason, field) in [
        (history("XQQ", "HKD", 0, ""), "CURRENCY_UNKNOWN", "presentment_currency_code"),
        (history("CNY", "", 0, ""), "FIELD_MISSING", "debit_currency_code"),
        (history("CNY", "CNY", 0, ""), "PAIR_OF_ONE_CURRENCY", "debit_currency_code"),
        (history("CNY", "HKD", 501, ""), "PAGE_SIZE_TOO_LARGE", "page_size"),
        (history("CNY", "HKD", 0, "-1"), "PAGE_TOKEN_INVALID", "page_token"),
    ] {
        cases.push((refused(cafe.rate_history(request).await), reason, field));
    }
    check(&sandbox, before, cases).await;
}

#[tokio::test]
async fn fields_of_quotes() {
    let sandbox = Sandbox::start();
    let before = sandbox.status().await.last_lsn;
    let good = v1::CreateRequest {
        merchant_id: String::new(),
        payer: Some(account("hk-alice")),
        presentment_amount: Some(yuan(100)),
        card_token: String::new(),
    };
    let by = |payer: Option<v1::AccountReference>, token: &str| v1::CreateRequest {
        payer,
        card_token: token.to_owned(),
        ..good.clone()
    };
    let mut cases = Vec::new();
    for (request, reason, field) in [
        (by(None, "4242424242424242"), "CARD_TOKEN_INVALID", "card_token"),
        (by(Some(account("hk-alice")), "01a21920-e219-75cf-9206-000000000000"), "FIELDS_CONFLICT", "card_token"),
        (v1::CreateRequest { merchant_id: "A".to_owned(), ..good.clone() }, "TEXT_INVALID", "merchant_id"),
        (v1::CreateRequest { payer: None, ..good.clone() }, "FIELD_MISSING", "payer"),
        (v1::CreateRequest { payer: Some(account("A")), ..good.clone() }, "TEXT_INVALID", "payer.account_id"),
        (v1::CreateRequest { presentment_amount: None, ..good.clone() }, "FIELD_MISSING", "presentment_amount"),
        (
            v1::CreateRequest { presentment_amount: Some(yuan(-1)), ..good },
            "AMOUNT_OUT_OF_BOUNDS",
            "presentment_amount.minor_units",
        ),
    ] {
        cases.push((refused(sandbox.cafe.quote(request).await), reason, field));
    }
    check(&sandbox, before, cases).await;
}

#[tokio::test]
async fn fields_of_consents() {
    let sandbox = Sandbox::start();
    let before = sandbox.status().await.last_lsn;
    let wallet = &sandbox.wallet;
    let mut cases = code_cases(wallet).await;
    cases.extend(approval_cases(wallet).await);
    cases.extend(mandate_cases(wallet).await);
    check(&sandbox, before, cases).await;
}

async fn code_cases(wallet: &Client) -> Vec<Case> {
    let good = v1::IssueCodeRequest {
        idempotency_key: "key".to_owned(),
        account_id: "hk-alice".to_owned(),
        merchant_id: "demo-cafe".to_owned(),
        max_debit_amount: Some(money("HKD", 100)),
    };
    let mut cases = Vec::new();
    for (request, reason, field) in [
        (v1::IssueCodeRequest { idempotency_key: String::new(), ..good.clone() }, "FIELD_MISSING", "idempotency_key"),
        (v1::IssueCodeRequest { account_id: "A".to_owned(), ..good.clone() }, "TEXT_INVALID", "account_id"),
        (v1::IssueCodeRequest { merchant_id: String::new(), ..good.clone() }, "FIELD_MISSING", "merchant_id"),
        (v1::IssueCodeRequest { max_debit_amount: None, ..good.clone() }, "FIELD_MISSING", "max_debit_amount"),
        (
            v1::IssueCodeRequest { max_debit_amount: Some(money("HKD", 0)), ..good },
            "AMOUNT_OUT_OF_BOUNDS",
            "max_debit_amount.minor_units",
        ),
    ] {
        cases.push((refused(wallet.issue_code(request).await), reason, field));
    }
    cases
}

async fn approval_cases(wallet: &Client) -> Vec<Case> {
    let good = v1::ApproveOrderRequest {
        idempotency_key: "key".to_owned(),
        account_id: "hk-alice".to_owned(),
        merchant_id: "demo-cafe".to_owned(),
        merchant_order_id: "order".to_owned(),
        max_debit_amount: Some(money("HKD", 100)),
        expire_time: moment(1_900_000_000),
        card_token: String::new(),
    };
    let by_card = |card_token: &str| v1::ApproveOrderRequest {
        account_id: String::new(),
        card_token: card_token.to_owned(),
        ..good.clone()
    };
    let mut cases = Vec::new();
    for (request, reason, field) in [
        (by_card("4242424242424242"), "CARD_TOKEN_INVALID", "card_token"),
        (
            v1::ApproveOrderRequest { account_id: "hk-alice".to_owned(), ..by_card("4242424242424242") },
            "FIELDS_CONFLICT",
            "card_token",
        ),
        (
            v1::ApproveOrderRequest { idempotency_key: String::new(), ..good.clone() },
            "FIELD_MISSING",
            "idempotency_key",
        ),
        (v1::ApproveOrderRequest { account_id: String::new(), ..good.clone() }, "FIELD_MISSING", "account_id"),
        (v1::ApproveOrderRequest { merchant_id: "A".to_owned(), ..good.clone() }, "TEXT_INVALID", "merchant_id"),
        (
            v1::ApproveOrderRequest { merchant_order_id: TOO_LONG.to_owned(), ..good.clone() },
            "TEXT_INVALID",
            "merchant_order_id",
        ),
        (v1::ApproveOrderRequest { max_debit_amount: None, ..good.clone() }, "FIELD_MISSING", "max_debit_amount"),
        (v1::ApproveOrderRequest { expire_time: None, ..good.clone() }, "FIELD_MISSING", "expire_time"),
        (v1::ApproveOrderRequest { expire_time: no_moment(), ..good.clone() }, "TIMESTAMP_INVALID", "expire_time"),
        (v1::ApproveOrderRequest { expire_time: moment(0), ..good }, "CONSENT_EXPIRY_INVALID", "expire_time"),
    ] {
        cases.push((refused(wallet.approve_order(request).await), reason, field));
    }
    cases
}

async fn mandate_cases(wallet: &Client) -> Vec<Case> {
    let good = v1::GrantMandateRequest {
        idempotency_key: "key".to_owned(),
        account_id: "hk-alice".to_owned(),
        merchant_id: "demo-cafe".to_owned(),
        max_payment_debit_amount: Some(money("HKD", 100)),
        max_period_debit_amount: Some(money("HKD", 100)),
        period_days: 1,
        expire_time: moment(1_900_000_000),
    };
    let mut cases = Vec::new();
    for (request, reason, field) in [
        (
            v1::GrantMandateRequest { idempotency_key: String::new(), ..good.clone() },
            "FIELD_MISSING",
            "idempotency_key",
        ),
        (v1::GrantMandateRequest { account_id: "A".to_owned(), ..good.clone() }, "TEXT_INVALID", "account_id"),
        (v1::GrantMandateRequest { merchant_id: String::new(), ..good.clone() }, "FIELD_MISSING", "merchant_id"),
        (
            v1::GrantMandateRequest { max_payment_debit_amount: None, ..good.clone() },
            "FIELD_MISSING",
            "max_payment_debit_amount",
        ),
        (
            v1::GrantMandateRequest { max_period_debit_amount: Some(yuan(100)), ..good.clone() },
            "FIELDS_CONFLICT",
            "max_period_debit_amount",
        ),
        (v1::GrantMandateRequest { period_days: 0, ..good.clone() }, "NUMBER_OUT_OF_BOUNDS", "period_days"),
        (v1::GrantMandateRequest { period_days: 367, ..good.clone() }, "NUMBER_OUT_OF_BOUNDS", "period_days"),
        (v1::GrantMandateRequest { expire_time: None, ..good.clone() }, "FIELD_MISSING", "expire_time"),
        (v1::GrantMandateRequest { expire_time: moment(0), ..good }, "CONSENT_EXPIRY_INVALID", "expire_time"),
    ] {
        cases.push((refused(wallet.grant_mandate(request).await), reason, field));
    }
    for (id, reason) in [("", "FIELD_MISSING"), ("x", "MANDATE_ID_INVALID")] {
        let request = v1::RevokeMandateRequest { idempotency_key: "key".to_owned(), mandate_id: id.to_owned() };
        cases.push((refused(wallet.revoke_mandate(request).await), reason, "mandate_id"));
    }
    let keyless = v1::RevokeMandateRequest { idempotency_key: String::new(), mandate_id: ID.to_owned() };
    cases.push((refused(wallet.revoke_mandate(keyless).await), "FIELD_MISSING", "idempotency_key"));
    cases
}

#[tokio::test]
async fn fields_of_a_freeze() {
    let sandbox = Sandbox::start();
    let before = sandbox.status().await.last_lsn;
    let wallet = &sandbox.wallet;
    let mut cases = Vec::new();
    for (key, account, reason, field) in [
        ("", "hk-alice", "FIELD_MISSING", "idempotency_key"),
        ("key", "", "FIELD_MISSING", "account_id"),
        ("key", "A", "TEXT_INVALID", "account_id"),
    ] {
        let (idempotency_key, account_id) = (key.to_owned(), account.to_owned());
        let freeze = v1::FreezeRequest { idempotency_key: idempotency_key.clone(), account_id: account_id.clone() };
        cases.push((refused(wallet.freeze(freeze).await), reason, field));
        let unfreeze = v1::UnfreezeRequest { idempotency_key, account_id };
        cases.push((refused(wallet.unfreeze(unfreeze).await), reason, field));
    }
    check(&sandbox, before, cases).await;
}

#[tokio::test]
async fn fields_of_operations() {
    let sandbox = Sandbox::start();
    let before = sandbox.status().await.last_lsn;
    let operator = &sandbox.operator;
    let mut cases = Vec::new();
    for (key, merchant, amount, reason, field) in [
        ("", "demo-cafe", Some(yuan(1)), "FIELD_MISSING", "idempotency_key"),
        ("key", "A", Some(yuan(1)), "TEXT_INVALID", "merchant_id"),
        ("key", "demo-cafe", None, "FIELD_MISSING", "amount"),
        ("key", "demo-cafe", Some(yuan(0)), "AMOUNT_OUT_OF_BOUNDS", "amount.minor_units"),
        ("key", "demo-cafe", Some(money("HKD", 1)), "ACCOUNT_CURRENCY_MISMATCH", "amount.currency_code"),
    ] {
        let (idempotency_key, merchant_id) = (key.to_owned(), merchant.to_owned());
        let fund = v1::FundReserveRequest {
            idempotency_key: idempotency_key.clone(),
            merchant_id: merchant_id.clone(),
            amount: amount.clone(),
        };
        let pay_out = v1::PayOutRequest { idempotency_key, merchant_id, amount };
        for refusal in [refused(operator.fund_reserve(fund).await), refused(operator.pay_out(pay_out).await)] {
            // The engine's own word does not begin with the field.
            let message = format!("{field}: {}", refusal.message.trim_start_matches(&format!("{field}: ")));
            cases.push((Refusal { message, ..refusal }, reason, field));
        }
    }
    cases.extend(square_cases(operator).await);
    cases.extend(rate_cases(operator, &sandbox.cafe).await);
    check(&sandbox, before, cases).await;
}

async fn square_cases(operator: &Operator) -> Vec<Case> {
    let good = v1::SquarePositionRequest {
        idempotency_key: "key".to_owned(),
        sold_amount: Some(money("HKD", 1)),
        bought_amount: Some(yuan(1)),
        closed_amount: Some(yuan(1)),
    };
    let mut cases = Vec::new();
    for (request, reason, field) in [
        (
            v1::SquarePositionRequest { idempotency_key: String::new(), ..good.clone() },
            "FIELD_MISSING",
            "idempotency_key",
        ),
        (v1::SquarePositionRequest { sold_amount: None, ..good.clone() }, "FIELD_MISSING", "sold_amount"),
        (
            v1::SquarePositionRequest { bought_amount: Some(money("HKD", 1)), ..good.clone() },
            "PAIR_OF_ONE_CURRENCY",
            "bought_amount",
        ),
        (
            v1::SquarePositionRequest { closed_amount: Some(money("HKD", 1)), ..good.clone() },
            "FIELDS_CONFLICT",
            "closed_amount",
        ),
        (
            v1::SquarePositionRequest { closed_amount: Some(yuan(0)), ..good },
            "AMOUNT_OUT_OF_BOUNDS",
            "closed_amount.minor_units",
        ),
    ] {
        cases.push((refused(operator.square_position(request).await), reason, field));
    }
    cases
}

async fn rate_cases(operator: &Operator, cafe: &Client) -> Vec<Case> {
    let listed = cafe.list_rates().await.expect("every credential may list rates");
    let good = v1::RatePublication {
        presentment_currency_code: "CNY".to_owned(),
        debit_currency_code: "HKD".to_owned(),
        bid: "1.17".to_owned(),
        ask: "1.18".to_owned(),
        source: "desk".to_owned(),
        as_of_time: listed.rates[0].as_of_time,
        ..v1::RatePublication::default()
    };
    let publish = |rate: v1::RatePublication, reason: &str| v1::PublishRatesRequest {
        idempotency_key: "key".to_owned(),
        rates: vec![rate],
        override_reason: reason.to_owned(),
    };
    let mut cases = Vec::new();
    for (rate, override_reason, reason, field) in [
        (v1::RatePublication { bid: String::new(), ..good.clone() }, "", "FIELD_MISSING", "rates[0].bid"),
        (v1::RatePublication { ask: String::new(), ..good.clone() }, "", "FIELD_MISSING", "rates[0].ask"),
        (v1::RatePublication { bid: "x".to_owned(), ..good.clone() }, "", "RATE_INVALID", "rates[0].bid"),
        (v1::RatePublication { ask: "0".to_owned(), ..good.clone() }, "", "RATE_INVALID", "rates[0].ask"),
        (v1::RatePublication { mid_rate: "1.17".to_owned(), ..good.clone() }, "", "FIELDS_CONFLICT", "rates[0].bid"),
        (
            v1::RatePublication { valid_until_time: no_moment(), ..good.clone() },
            "",
            "TIMESTAMP_INVALID",
            "rates[0].valid_until_time",
        ),
        (good.clone(), TOO_LONG, "TEXT_INVALID", "override_reason"),
    ] {
        cases.push((refused(operator.publish_rates(publish(rate, override_reason)).await), reason, field));
    }
    for (rate, reason) in [
        (v1::RatePublication { bid: "1.19".to_owned(), ..good.clone() }, "PRICE_INVALID"),
        (v1::RatePublication { valid_until_time: moment(0), ..good }, "RATE_NO_LONGER_VALID"),
    ] {
        let refusal = refused(operator.publish_rates(publish(rate, "")).await);
        assert_eq!((refusal.code, refusal.reason.as_str()), (Code::InvalidArgument, reason));
        assert_eq!(refusal.metadata.get("pair").map(String::as_str), Some("HKD per CNY"));
    }
    cases
}

#[tokio::test]
async fn fields_of_a_sandbox_s_powers() {
    let sandbox = Sandbox::start();
    let before = sandbox.status().await.last_lsn;
    let operator = &sandbox.operator;
    let mut cases = Vec::new();
    for advance_ms in [0, 31_536_000_001, u64::MAX] {
        let refusal = refused(operator.advance_clock(v1::AdvanceClockRequest { advance_ms }).await);
        cases.push((refusal, "NUMBER_OUT_OF_BOUNDS", "advance_ms"));
    }
    let pin = |presentment: &str, debit: &str, mid_rate: &str| v1::PinRateRequest {
        presentment_currency_code: presentment.to_owned(),
        debit_currency_code: debit.to_owned(),
        mid_rate: mid_rate.to_owned(),
    };
    for (request, reason, field) in [
        (pin("", "HKD", "1"), "FIELD_MISSING", "presentment_currency_code"),
        (pin("CNY", "XQQ", "1"), "CURRENCY_UNKNOWN", "debit_currency_code"),
        (pin("CNY", "CNY", "1"), "PAIR_OF_ONE_CURRENCY", "debit_currency_code"),
        (pin("CNY", "HKD", "-1"), "RATE_INVALID", "mid_rate"),
    ] {
        cases.push((refused(operator.pin_rate(request).await), reason, field));
    }
    let fail = |method: i32, failure: i32, decline_reason: i32| v1::FailNextRequest { method, failure, decline_reason };
    let (authorize, capture) = (SandboxMethod::Authorize.into(), SandboxMethod::Capture.into());
    let (refuse, decline) = (SandboxFailure::Refused.into(), SandboxFailure::Declined.into());
    for (request, reason, field) in [
        (fail(0, refuse, 0), "FIELD_MISSING", "method"),
        (fail(99, refuse, 0), "VALUE_UNKNOWN", "method"),
        (fail(authorize, 0, 0), "FIELD_MISSING", "failure"),
        (fail(authorize, 99, 0), "VALUE_UNKNOWN", "failure"),
        (fail(capture, decline, 6), "FIELDS_CONFLICT", "failure"),
        (fail(authorize, decline, 0), "FIELD_MISSING", "decline_reason"),
        (fail(authorize, decline, 99), "VALUE_UNKNOWN", "decline_reason"),
        (fail(authorize, refuse, 6), "FIELDS_CONFLICT", "decline_reason"),
    ] {
        cases.push((refused(operator.fail_next(request).await), reason, field));
    }
    check(&sandbox, before, cases).await;
    let held = sandbox.cafe.authorize(held("key", "order", "hk-alice", yuan(100))).await;
    held.expect("nothing was ordered to fail");
}
