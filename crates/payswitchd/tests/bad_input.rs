//! Bad input gets a clear answer, and nothing of it is recorded.

mod support;

use client::{Code, Refusal};
use support::parties::{Sandbox, account, by_id, caller, decided, deposit, money, payment, refused};
use wire::v1;

/// One request, whoever may make it.
#[derive(Clone, Debug)]
enum Call {
    Authorize(v1::AuthorizeRequest),
    AuthorizeAs(&'static str, v1::AuthorizeRequest),
    Payment(&'static str),
    Open(v1::OpenRequest),
    Deposit(v1::DepositRequest),
    Withdraw(v1::WithdrawRequest),
    Postings(v1::ListPostingsRequest),
    Publish(v1::PublishRatesRequest),
    Register(v1::RegisterMerchantRequest),
}

/// Makes a call that must be refused.
async fn refusal(sandbox: &Sandbox, call: Call) -> Refusal {
    match call {
        Call::Authorize(request) => refused(sandbox.cafe.authorize(request).await),
        Call::AuthorizeAs(key, request) => refused(caller(&sandbox.daemon.merchants, key).authorize(request).await),
        Call::Payment(id) => refused(sandbox.cafe.payment(by_id(id)).await),
        Call::Open(request) => refused(sandbox.wallet.open(request).await),
        Call::Deposit(request) => refused(sandbox.wallet.deposit(request).await),
        Call::Withdraw(request) => refused(sandbox.wallet.withdraw(request).await),
        Call::Postings(request) => refused(sandbox.wallet.list_postings(request).await),
        Call::Publish(request) => refused(sandbox.operator.publish_rates(request).await),
        Call::Register(request) => refused(sandbox.operator.register_merchant(request).await),
    }
}

/// A bad request and what is said of it.
struct Case {
    call: Call,
    code: Code,
    reason: &'static str,
    message: String,
    /// The field that is named as the fault; none when no field is.
    field: Option<&'static str>,
}

fn case(call: Call, code: Code, reason: &'static str, message: impl Into<String>) -> Case {
    Case { call, code, reason, message: message.into(), field: None }
}

/// A field that is not what it should be.
fn invalid(call: Call, reason: &'static str, field: &'static str, what: &str) -> Case {
    let message = format!("{field}: {what}");
    Case { call, code: Code::InvalidArgument, reason, message, field: Some(field) }
}

/// Every case is refused as it says, and the journal stands where it stood.
async fn check(sandbox: &Sandbox, cases: Vec<Case>) {
    let before = sandbox.status().await.last_lsn;
    for Case { call, code, reason, message, field } in cases {
        let shown = format!("{call:?}").chars().take(300).collect::<String>();
        let refusal = refusal(sandbox, call).await;
        assert_eq!((refusal.code, refusal.reason.as_str()), (code, reason), "{shown}: {refusal}");
        assert_eq!(refusal.message, message, "{shown}");
        assert_eq!(refusal.domain, "payswitch", "{shown}");
        assert_eq!(refusal.metadata.get("outcome").map(String::as_str), Some("NOT_COMMITTED"), "{shown}");
        // Only who was not known was not asked for its key.
        assert_eq!(refusal.speaks_of_this_attempt_only(), reason.starts_with("CREDENTIAL_"), "{shown}");
        let named = refusal.field_violations.first().map(|violation| violation.field.as_str());
        assert_eq!(named, field, "{shown}");
        assert_eq!(sandbox.status().await.last_lsn, before, "something was recorded: {shown}");
    }
}

fn good() -> v1::AuthorizeRequest {
    payment("key", "order", "hk-alice", money("CNY", 10_000))
}

fn amount(amount: v1::Money) -> Call {
    Call::Authorize(v1::AuthorizeRequest { presentment_amount: Some(amount), ..good() })
}

fn key(key: &str) -> Call {
    Call::Authorize(v1::AuthorizeRequest { idempotency_key: key.to_owned(), ..good() })
}

const CURRENCY: &str = "presentment_amount.currency_code";
const UNITS: &str = "presentment_amount.minor_units";
const UNKNOWN_CURRENCY: &str =
    "unknown currency: expected an ISO 4217 code of three upper case letters, for example HKD";

#[tokio::test]
async fn a_payment_whose_fields_are_wrong_is_refused() {
    let sandbox = Sandbox::start();
    let order = |order: &str| Call::Authorize(v1::AuthorizeRequest { merchant_order_id: order.to_owned(), ..good() });
    let payer = |payer| Call::Authorize(v1::AuthorizeRequest { payer, ..good() });
    let absent = Call::Authorize(v1::AuthorizeRequest { presentment_amount: None, ..good() });
    let cases = vec![
        invalid(amount(money("XQQ", 1)), "CURRENCY_UNKNOWN", CURRENCY, &format!("{UNKNOWN_CURRENCY}; found \"XQQ\"")),
        invalid(
            amount(money("CNH", 1)),
            "CURRENCY_UNKNOWN",
            CURRENCY,
            "CNH is not an ISO 4217 code: offshore renminbi is CNY; found \"CNH\"",
        ),
        invalid(
            amount(money("cny", 1)),
            "CURRENCY_UNKNOWN",
            CURRENCY,
            "currency codes are upper case: CNY; found \"cny\"",
        ),
        invalid(
            amount(money("XAU", 1)),
            "CURRENCY_UNKNOWN",
            CURRENCY,
            "XAU has no minor units, so nothing can be paid in it; found \"XAU\"",
        ),
        invalid(amount(money("", 1)), "FIELD_MISSING", CURRENCY, "is missing"),
        invalid(absent, "FIELD_MISSING", "presentment_amount", "is missing"),
        invalid(amount(money("CNY", 0)), "AMOUNT_OUT_OF_BOUNDS", UNITS, &out_of_bounds(0)),
        invalid(amount(money("CNY", -1)), "AMOUNT_OUT_OF_BOUNDS", UNITS, &out_of_bounds(-1)),
        invalid(amount(money("CNY", i64::MIN)), "AMOUNT_OUT_OF_BOUNDS", UNITS, &out_of_bounds(i64::MIN)),
        invalid(
            amount(money("CNY", 1_000_000_000_000_000)),
            "AMOUNT_OUT_OF_BOUNDS",
            UNITS,
            &out_of_bounds(1_000_000_000_000_000),
        ),
        invalid(amount(money("CNY", i64::MAX)), "AMOUNT_OUT_OF_BOUNDS", UNITS, &out_of_bounds(i64::MAX)),
        invalid(key(""), "FIELD_MISSING", "idempotency_key", "is missing"),
        invalid(key(&"港".repeat(256)), "KEY_INVALID", "idempotency_key", "is longer than 255 characters"),
        invalid(key("a\nb"), "KEY_INVALID", "idempotency_key", "contains a control character at character 2"),
        invalid(key("ab\u{202e}"), "KEY_INVALID", "idempotency_key", "contains a control character at character 3"),
        invalid(order(""), "FIELD_MISSING", "merchant_order_id", "is missing"),
        invalid(order(&"1".repeat(65)), "TEXT_INVALID", "merchant_order_id", "is longer than 64 characters"),
        invalid(order("\u{1b}[2J"), "TEXT_INVALID", "merchant_order_id", "contains a control character at character 1"),
        invalid(payer(None), "FIELD_MISSING", "payer", "is missing"),
        invalid(payer(Some(account(""))), "FIELD_MISSING", "payer.account_id", "is missing"),
        invalid(
            payer(Some(account("Alice"))),
            "TEXT_INVALID",
            "payer.account_id",
            "may contain a-z, 0-9 and hyphen only, found another character at character 1",
        ),
    ];
    check(&sandbox, cases).await;
}

fn out_of_bounds(found: i64) -> String {
    format!("must be 1 to 999999999999999 minor units; found {found}")
}

#[tokio::test]
async fn a_payment_of_unknown_parties_or_in_the_wrong_currency_is_refused() {
    let sandbox = Sandbox::start();
    let elsewhere = v1::AccountReference { wallet_id: "other-wallet".to_owned(), account_id: "hk-alice".to_owned() };
    let cases = vec![
        case(
            Call::AuthorizeAs("sandbox_merchant_nobody_0000000000000000000", good()),
            Code::Unauthenticated,
            "CREDENTIAL_UNKNOWN",
            "the API key is not known here",
        ),
        case(
            Call::Authorize(v1::AuthorizeRequest { payer: Some(account("nobody")), ..good() }),
            Code::NotFound,
            "ACCOUNT_NOT_FOUND",
            "no account demo-wallet/nobody",
        ),
        case(
            Call::Authorize(v1::AuthorizeRequest { payer: Some(elsewhere), ..good() }),
            Code::NotFound,
            "ACCOUNT_NOT_FOUND",
            "no account other-wallet/hk-alice",
        ),
        case(
            amount(money("JPY", 10_000)),
            Code::FailedPrecondition,
            "RATE_MISSING",
            "no rate is published for HKD per JPY",
        ),
        case(
            Call::Payment("01900000-0000-7000-8000-000000000000"),
            Code::NotFound,
            "PAYMENT_NOT_FOUND",
            "no payment 01900000-0000-7000-8000-000000000000",
        ),
        invalid(
            Call::Payment("01900000-0000-7000-8000-00000000000G"),
            "PAYMENT_ID_INVALID",
            "payment_id",
            "must be a UUID in lower-case hyphenated form; found \"01900000-0000-7000-8000-00000000…\"",
        ),
        invalid(Call::Payment(""), "FIELD_MISSING", "payment_id", "is missing"),
    ];
    check(&sandbox, cases).await;
}

#[tokio::test]
async fn a_movement_or_page_that_makes_no_sense_is_refused() {
    let sandbox = Sandbox::start();
    let open = |account_id: &str, currency_code: &str| {
        let (account_id, currency_code) = (account_id.to_owned(), currency_code.to_owned());
        Call::Open(v1::OpenRequest { idempotency_key: "key".to_owned(), account_id, currency_code })
    };
    let page = |page_size, page_token: &str| {
        let page_token = page_token.to_owned();
        Call::Postings(v1::ListPostingsRequest { account_id: "hk-alice".to_owned(), page_size, page_token })
    };
    let withdraw = v1::WithdrawRequest {
        idempotency_key: "key".to_owned(),
        account_id: "hk-alice".to_owned(),
        amount: Some(money("USD", 1)),
    };
    let mismatch = |amount: &str| format!("the account holds HKD, the amount is in {amount}");
    let in_amount = |case: Case| Case { field: Some("amount.currency_code"), ..case };
    let not_ours = "not a token of an earlier page of this list";
    let cases = vec![
        in_amount(case(
            Call::Deposit(deposit("key", "hk-alice", money("CNY", 1))),
            Code::InvalidArgument,
            "ACCOUNT_CURRENCY_MISMATCH",
            mismatch("CNY"),
        )),
        in_amount(case(Call::Withdraw(withdraw), Code::InvalidArgument, "ACCOUNT_CURRENCY_MISMATCH", mismatch("USD"))),
        case(
            Call::Deposit(deposit("key", "nobody", money("CNY", 1))),
            Code::NotFound,
            "ACCOUNT_NOT_FOUND",
            "no account nobody",
        ),
        invalid(
            Call::Deposit(deposit("key", "hk-alice", money("HKD", 0))),
            "AMOUNT_OUT_OF_BOUNDS",
            "amount.minor_units",
            &out_of_bounds(0),
        ),
        case(open("hk-alice", "HKD"), Code::AlreadyExists, "ACCOUNT_EXISTS", "there is an account hk-alice already"),
        invalid(
            open("hk-eve", "EUX"),
            "CURRENCY_UNKNOWN",
            "currency_code",
            &format!("{UNKNOWN_CURRENCY}; found \"EUX\""),
        ),
        invalid(page(501, ""), "PAGE_SIZE_TOO_LARGE", "page_size", "must be at most 500; found 501"),
        invalid(page(10, "x"), "PAGE_TOKEN_INVALID", "page_token", not_ours),
        invalid(page(10, "-1"), "PAGE_TOKEN_INVALID", "page_token", not_ours),
    ];
    check(&sandbox, cases).await;
}

/// A rate to publish, as of a moment so many seconds after the sandbox's own rates.
fn publish(pair: [&str; 2], mid_rate: &str, as_of: pbjson_types::Timestamp, seconds: i64) -> v1::PublishRatesRequest {
    let [presentment, debit] = pair.map(str::to_owned);
    let rate = v1::RatePublication {
        presentment_currency_code: presentment,
        debit_currency_code: debit,
        mid_rate: mid_rate.to_owned(),
        source: "desk".to_owned(),
        as_of_time: Some(pbjson_types::Timestamp { seconds: as_of.seconds + seconds, ..as_of }),
        ..v1::RatePublication::default()
    };
    let idempotency_key = format!("rate {pair:?} {mid_rate} {seconds}");
    v1::PublishRatesRequest { idempotency_key, rates: vec![rate], ..v1::PublishRatesRequest::default() }
}

#[tokio::test]
async fn a_rate_that_makes_no_sense_is_refused() {
    let sandbox = Sandbox::start();
    let listed = sandbox.cafe.list_rates().await.expect("every credential may list rates");
    let now = listed.rates[0].as_of_time.expect("a rate has its time");
    let rate = |text: &str| Call::Publish(publish(["CNY", "HKD"], text, now, 0));
    let mid = "rates[0].mid_rate";
    let malformed = |found: &str| format!("a rate is a plain decimal, for example 1.179291231; found \"{found}\"");
    let not_positive = |found: &str| format!("a rate is greater than zero; found \"{found}\"");
    let too_precise = "a rate has at most 10 significant digits, 18 of them after the point; found \"1.1792912310\"";
    let moved = "the rate for HKD per CNY moves further than allowed in one step: the last one is 1.179291231";
    let repeated = {
        let mut request = publish(["CNY", "HKD"], "1.18", now, 0);
        request.rates.extend(request.rates.clone());
        Call::Publish(request)
    };
    let none = v1::PublishRatesRequest { idempotency_key: "none".to_owned(), ..v1::PublishRatesRequest::default() };
    let cases = vec![
        invalid(rate("0"), "RATE_INVALID", mid, &not_positive("0")),
        invalid(rate("0.000"), "RATE_INVALID", mid, &not_positive("0.000")),
        invalid(rate("-1.17"), "RATE_INVALID", mid, &not_positive("-1.17")),
        invalid(rate("1e3"), "RATE_INVALID", mid, &malformed("1e3")),
        invalid(rate("1,17"), "RATE_INVALID", mid, &malformed("1,17")),
        invalid(rate("NaN"), "RATE_INVALID", mid, &malformed("NaN")),
        invalid(rate("1.1792912310"), "RATE_INVALID", mid, too_precise),
        invalid(rate(""), "FIELD_MISSING", mid, "is missing"),
        invalid(Call::Publish(none), "FIELD_MISSING", "rates", "is missing"),
        invalid(
            repeated,
            "PAIR_REPEATED",
            "rates[1].debit_currency_code",
            "must make a pair that the request has not given before; found HKD per CNY",
        ),
        invalid(
            Call::Publish(publish(["HKD", "HKD"], "1", now, 0)),
            "PAIR_OF_ONE_CURRENCY",
            "rates[0].debit_currency_code",
            "must be another currency than the presentment currency; found HKD per HKD",
        ),
        case(rate("1.3"), Code::FailedPrecondition, "RATE_MOVED_TOO_FAR", moved),
        case(rate("1.06"), Code::FailedPrecondition, "RATE_MOVED_TOO_FAR", moved),
        case(
            Call::Publish(publish(["CNY", "HKD"], "1.18", now, -1)),
            Code::FailedPrecondition,
            "RATE_OUT_OF_ORDER",
            "the rate for HKD per CNY speaks of an earlier moment than the last one",
        ),
        case(
            Call::Publish(publish(["CNY", "HKD"], "1.18", now, 86_400)),
            Code::InvalidArgument,
            "RATE_FROM_THE_FUTURE",
            "the rate for HKD per CNY speaks of a moment that has not come",
        ),
    ];
    check(&sandbox, cases).await;
    let same = sandbox.cafe.list_rates().await.expect("every credential may list rates").rates;
    assert_eq!(same.iter().map(|rate| rate.lsn).max(), listed.rates.iter().map(|rate| rate.lsn).max());
}

#[tokio::test]
async fn a_stale_rate_is_refused_rather_than_guessed() {
    let sandbox = Sandbox::start();
    let listed = sandbox.cafe.list_rates().await.expect("every credential may list rates");
    let now = listed.rates[0].as_of_time.expect("a rate has its time");
    let open = v1::OpenRequest {
        idempotency_key: "open".to_owned(),
        account_id: "jp-emi".to_owned(),
        currency_code: "JPY".to_owned(),
    };
    sandbox.wallet.open(open).await.expect("the account is opened");
    sandbox.deposit("deposit", "jp-emi", money("JPY", 100_000)).await;
    let request = publish(["CNY", "JPY"], "21.5", now, -3_601);
    sandbox.operator.publish_rates(request).await.expect("the first rate of a pair may speak of any past moment");

    let call = Call::Authorize(payment("key", "order", "jp-emi", money("CNY", 10_000)));
    let message = "the last rate for JPY per CNY is too old to convert by";
    let stale = case(call.clone(), Code::FailedPrecondition, "RATE_STALE", message);
    check(&sandbox, vec![stale]).await;
    let refusal = refusal(&sandbox, call).await;
    assert_eq!(refusal.retry_after.map(|delay| delay.as_secs()), Some(5), "it may succeed once a rate is published");

    sandbox.operator.publish_rates(publish(["CNY", "JPY"], "21.5", now, 0)).await.expect("a fresh rate is taken");
    let paid = decided(sandbox.cafe.authorize(payment("key", "order", "jp-emi", money("CNY", 10_000))).await);
    assert_eq!(
        paid.debit_amount,
        Some(money("JPY", 2_172)),
        "the refused key was free: 2150 at mid, 2171.5 rounded up"
    );
}

#[tokio::test]
async fn a_merchant_that_makes_no_sense_is_not_registered() {
    let sandbox = Sandbox::start();
    let fresh = "key_0123456789abcdef0123456789abcdef";
    let register = |merchant: &str, currency: &str, discount: &str, api_key: &str| {
        Call::Register(v1::RegisterMerchantRequest {
            idempotency_key: "key".to_owned(),
            merchant_id: merchant.to_owned(),
            settlement_currency_code: currency.to_owned(),
            merchant_discount: discount.to_owned(),
            api_key: api_key.to_owned(),
        })
    };
    let cases = vec![
        invalid(
            register("shop", "CNY", "1.01", fresh),
            "RATIO_INVALID",
            "merchant_discount",
            "a ratio lies between 0 and 1: 0.006 is 0.6 %; found \"1.01\"",
        ),
        invalid(
            register("shop", "CNY", "0.0000001", fresh),
            "RATIO_INVALID",
            "merchant_discount",
            "a ratio has at most 6 decimals; found \"0.0000001\"",
        ),
        invalid(
            register("shop", "CNY", "0.6%", fresh),
            "RATIO_INVALID",
            "merchant_discount",
            "a ratio is a plain decimal, for example 0.006; found \"0.6%\"",
        ),
        invalid(
            register("shop", "CNY", "0.006", "short"),
            "API_KEY_INVALID",
            "api_key",
            "must be 32 to 128 visible ASCII characters; found 5 characters",
        ),
        case(
            register("demo-cafe", "CNY", "0.006", fresh),
            Code::AlreadyExists,
            "MERCHANT_EXISTS",
            "there is a merchant demo-cafe already",
        ),
    ];
    check(&sandbox, cases).await;
}

#[tokio::test]
async fn a_payer_who_has_too_little_is_declined_and_it_is_recorded() {
    let sandbox = Sandbox::start();
    let before = sandbox.status().await;
    let declined = decided(sandbox.cafe.authorize(payment("key", "order", "hk-bob", money("CNY", 50_000))).await);
    assert_eq!(declined.state(), v1::PaymentState::Declined);
    assert_eq!(declined.decline_reason(), v1::DeclineReason::InsufficientBalance);
    assert_eq!(declined.debit_amount, Some(money("HKD", 59_555)));
    assert_eq!((declined.postings.len(), declined.settlement_amount), (0, None));
    let after = sandbox.status().await;
    assert_eq!((after.last_lsn, declined.lsn), (before.last_lsn + 1, before.last_lsn + 1));
    assert_eq!(after.payments_declined, 1);
    assert_eq!(sandbox.balance("hk-bob").await, 50_000);
}

#[tokio::test]
async fn a_debit_that_no_account_can_hold_is_declined() {
    let sandbox = Sandbox::start();
    let most = money("CNY", 999_999_999_999_999);
    let declined = decided(sandbox.cafe.authorize(payment("key", "order", "hk-alice", most)).await);
    assert_eq!(declined.decline_reason(), v1::DeclineReason::DebitAmountTooLarge);
    assert_eq!(declined.debit_amount, None);
}

#[tokio::test]
async fn a_key_used_for_another_request_is_refused_by_the_first_field_that_differs() {
    let sandbox = Sandbox::start();
    let first = decided(sandbox.cafe.authorize(good()).await);
    let elsewhere = v1::AccountReference { wallet_id: "other-wallet".to_owned(), account_id: "hk-alice".to_owned() };
    let later = [
        ("merchant_order_id", v1::AuthorizeRequest { merchant_order_id: "order-2".to_owned(), ..good() }),
        ("payer.wallet_id", v1::AuthorizeRequest { payer: Some(elsewhere), ..good() }),
        ("payer.account_id", v1::AuthorizeRequest { payer: Some(account("hk-bob")), ..good() }),
        (CURRENCY, v1::AuthorizeRequest { presentment_amount: Some(money("HKD", 10_000)), ..good() }),
        (UNITS, v1::AuthorizeRequest { presentment_amount: Some(money("CNY", 10_001)), ..good() }),
    ];
    let cases = later.map(|(field, request)| {
        let message = format!("idempotency_key was used for another request: {field} differs");
        case(Call::Authorize(request), Code::AlreadyExists, "IDEMPOTENCY_KEY_REUSED", message)
    });
    check(&sandbox, cases.into()).await;

    sandbox.deposit("key", "hk-alice", money("HKD", 100)).await;
    let withdraw = v1::WithdrawRequest {
        idempotency_key: "key".to_owned(),
        account_id: "hk-alice".to_owned(),
        amount: Some(money("HKD", 100)),
    };
    let message =
        "idempotency_key was used for another request: method (first used for AccountService.Deposit) differs";
    let other_method = case(Call::Withdraw(withdraw), Code::AlreadyExists, "IDEMPOTENCY_KEY_REUSED", message);
    check(&sandbox, vec![other_method]).await;

    let repeated = decided(sandbox.cafe.authorize(good()).await);
    assert_eq!(repeated, first, "misuse of a key does not harm its recorded answer");
}

#[tokio::test]
async fn an_order_is_paid_once_and_free_after_a_decline() {
    let sandbox = Sandbox::start();
    let ask = |key: &str, payer: &str, minor_units| payment(key, "order", payer, money("CNY", minor_units));
    let declined = decided(sandbox.cafe.authorize(ask("key-1", "hk-bob", 50_000)).await);
    assert_eq!(declined.decline_reason(), v1::DeclineReason::InsufficientBalance);
    let paid = decided(sandbox.cafe.authorize(ask("key-2", "hk-alice", 50_000)).await);
    assert_eq!(paid.state(), v1::PaymentState::Captured);

    let again = decided(sandbox.cafe.authorize(ask("key-3", "hk-alice", 1)).await);
    assert_eq!(again.state(), v1::PaymentState::Declined);
    assert_eq!(again.decline_reason(), v1::DeclineReason::OrderAlreadyPaid);
    assert_eq!(again.paid_by_payment_id, paid.payment_id);

    // Another merchant's order of the same number is another order.
    let theirs = payment("key-1", "order", "hk-alice", money("HKD", 100));
    assert_eq!(decided(sandbox.books.authorize(theirs).await).state(), v1::PaymentState::Captured);
}
