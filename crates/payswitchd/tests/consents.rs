//! A merchant's credential alone never moves a payer's money: how a payer agrees, and how far that goes.

mod support;

use client::{Client, Code};
use support::{
    moves::{held, increase},
    parties::{Sandbox, account, caller, decided, money, operator, payment, refused},
    production::{Production, Ready},
};
use wire::v1::{self, DeclineReason, PaymentState};

const MINUTE_MS: u64 = 60_000;
const DAY_MS: u64 = 24 * 60 * MINUTE_MS;

fn code_request(key: &str, payer: &str, merchant: &str, max: v1::Money) -> v1::IssueCodeRequest {
    v1::IssueCodeRequest {
        idempotency_key: key.to_owned(),
        account_id: payer.to_owned(),
        merchant_id: merchant.to_owned(),
        max_debit_amount: Some(max),
    }
}

/// A one-time code of the sandbox's wallet.
async fn code(sandbox: &Sandbox, key: &str, payer: &str, max: v1::Money) -> String {
    let request = code_request(key, payer, "demo-cafe", max);
    let issued = sandbox.wallet.issue_code(request).await.expect("a wallet may issue codes").payer_code;
    assert!(issued.len() == 18 && issued.bytes().all(|byte| byte.is_ascii_digit()), "{issued}");
    issued
}

/// A request to be paid by code.
fn by_code(key: &str, order: &str, code: &str, amount: v1::Money) -> v1::AuthorizeRequest {
    let code = code.to_owned();
    v1::AuthorizeRequest { payer: None, payer_code: code, ..payment(key, order, "", amount) }
}

/// A request to be paid for an order that the wallet approved.
fn approved(key: &str, order: &str, payer: &str, amount: v1::Money) -> v1::AuthorizeRequest {
    v1::AuthorizeRequest { order_approved: true, ..payment(key, order, payer, amount) }
}

/// A request to be paid by mandate.
fn by_mandate(key: &str, mandate: &str, amount: v1::Money) -> v1::AuthorizeRequest {
    v1::AuthorizeRequest { payer: None, mandate_id: mandate.to_owned(), ..payment(key, key, "", amount) }
}

fn yuan(minor_units: i64) -> v1::Money {
    money("CNY", minor_units)
}

async fn check(client: &Client, request: v1::AuthorizeRequest, expected: DeclineReason) -> v1::Payment {
    let name = request.idempotency_key.clone();
    let payment = decided(client.authorize(request).await);
    assert_eq!(payment.decline_reason(), expected, "{name}");
    payment
}

async fn now(sandbox: &Sandbox) -> pbjson_types::Timestamp {
    let listed = sandbox.cafe.list_rates().await.expect("every credential may list rates");
    listed.rates[0].as_of_time.expect("a rate has its time")
}

fn later(at: pbjson_types::Timestamp, seconds: i64) -> Option<pbjson_types::Timestamp> {
    Some(pbjson_types::Timestamp { seconds: at.seconds + seconds, ..at })
}

#[tokio::test]
async fn a_code_is_used_up_by_the_first_payment_it_approves() {
    let sandbox = Sandbox::start();
    let max = money("HKD", 11_911);
    let first = code(&sandbox, "code", "hk-alice", max.clone()).await;
    let again = sandbox.wallet.issue_code(code_request("code", "hk-alice", "demo-cafe", max.clone())).await;
    assert_eq!(again.expect("a retry is answered").payer_code, first, "a retry gets the same");
    let other = code(&sandbox, "other code", "hk-alice", max).await;
    assert_ne!(first, other);

    // A decline does not use it up.
    let too_much = by_code("too much", "order", &first, yuan(10_001));
    check(&sandbox.cafe, too_much, DeclineReason::ConsentExceeded).await;
    let asked = by_code("pay", "order", &first, yuan(10_000));
    let paid = decided(sandbox.cafe.authorize(asked.clone()).await);
    assert_eq!((paid.state(), paid.consent()), (PaymentState::Captured, v1::ConsentKind::PayerCode));
    assert_eq!(paid.payer, Some(account("hk-alice")), "the code tells the payer");

    let twice =
        check(&sandbox.cafe, by_code("twice", "order-2", &first, yuan(1)), DeclineReason::ConsentNotFound).await;
    assert_eq!(twice.payer, None, "no consent told it");
    assert_eq!(decided(sandbox.cafe.authorize(asked.clone()).await), paid, "the retry gets the recorded answer");
    let sandbox = sandbox.restart(support::parties::End::Killed).await;
    assert_eq!(decided(sandbox.cafe.authorize(asked).await), paid);
    assert_eq!(
        decided(sandbox.cafe.authorize(by_code("other", "order-3", &other, yuan(1))).await).state(),
        paid.state()
    );
}

#[tokio::test]
async fn a_code_is_for_one_merchant_and_one_minute() {
    let sandbox = Sandbox::start();
    let max = money("HKD", 50_000);
    let mine = code(&sandbox, "code", "hk-alice", max.clone()).await;
    let theirs = by_code("theirs", "order", &mine, money("HKD", 100));
    let declined = check(&sandbox.books, theirs, DeclineReason::ConsentMismatch).await;
    assert_eq!(declined.lsn, sandbox.status().await.last_lsn, "it is recorded");

    sandbox.advance(MINUTE_MS).await;
    check(&sandbox.cafe, by_code("late", "order", &mine, yuan(100)), DeclineReason::ConsentNotFound).await;
    let fresh = code(&sandbox, "fresh", "hk-alice", max).await;
    sandbox.advance(MINUTE_MS - 10_000).await;
    let paid = decided(sandbox.cafe.authorize(by_code("in time", "order", &fresh, yuan(100))).await);
    assert_eq!(paid.state(), PaymentState::Captured);
}

#[tokio::test]
async fn who_guesses_codes_has_to_wait() {
    let sandbox = Sandbox::start();
    for guess in 0..10 {
        let wrong = by_code(&format!("guess {guess}"), "order", &format!("{guess:018}"), yuan(100));
        check(&sandbox.cafe, wrong, DeclineReason::ConsentNotFound).await;
    }
    let before = sandbox.status().await.last_lsn;
    let right = code(&sandbox, "code", "hk-alice", money("HKD", 50_000)).await;
    let asked = by_code("right", "order", &right, yuan(100));
    let refusal = refused(sandbox.cafe.authorize(asked.clone()).await);
    assert_eq!((refusal.code, refusal.reason.as_str()), (Code::ResourceExhausted, "TOO_MANY_GUESSES"));
    assert!(refusal.retry_after.is_some_and(|wait| (1..=60).contains(&wait.as_secs())), "{:?}", refusal.retry_after);
    assert_eq!(sandbox.status().await.last_lsn, before + 1, "only the code was recorded");
    // Another merchant is not held up, nor is who names its payer otherwise.
    decided(sandbox.books.authorize(payment("books", "order", "hk-alice", money("HKD", 100))).await);

    sandbox.advance(MINUTE_MS).await;
    let fresh = code(&sandbox, "fresh", "hk-alice", money("HKD", 50_000)).await;
    let paid = decided(sandbox.cafe.authorize(by_code("after", "order", &fresh, yuan(100))).await);
    assert_eq!(paid.state(), PaymentState::Captured);
    let refusal = check(&sandbox.cafe, asked, DeclineReason::OrderAlreadyPaid).await;
    assert_eq!(refusal.paid_by_payment_id, paid.payment_id, "the refused key was free");
}

#[tokio::test]
async fn an_order_that_the_wallet_approved_is_paid_once() {
    let sandbox = Sandbox::start();
    let at = now(&sandbox).await;
    let approval = |key: &str, order: &str, seconds| v1::ApproveOrderRequest {
        idempotency_key: key.to_owned(),
        account_id: "hk-alice".to_owned(),
        merchant_id: "demo-cafe".to_owned(),
        merchant_order_id: order.to_owned(),
        max_debit_amount: Some(money("HKD", 11_911)),
        expire_time: later(at, seconds),
        card_token: String::new(),
    };
    sandbox.wallet.approve_order(approval("approve", "order", 3_600)).await.expect("approved");
    let cafe = &sandbox.cafe;
    check(cafe, approved("other order", "order-2", "hk-alice", yuan(100)), DeclineReason::ConsentNotFound).await;
    check(cafe, approved("other payer", "order", "hk-bob", yuan(100)), DeclineReason::ConsentNotFound).await;
    check(cafe, approved("too much", "order", "hk-alice", yuan(10_001)), DeclineReason::ConsentExceeded).await;
    let theirs = approved("theirs", "order", "hk-alice", money("HKD", 100));
    check(&sandbox.books, theirs, DeclineReason::ConsentNotFound).await;
    let paid = decided(cafe.authorize(approved("pay", "order", "hk-alice", yuan(10_000))).await);
    assert_eq!((paid.state(), paid.consent()), (PaymentState::Captured, v1::ConsentKind::OrderApproved));

    sandbox.wallet.approve_order(approval("for a moment", "order-3", 60)).await.expect("approved");
    sandbox.advance(2 * MINUTE_MS).await;
    check(cafe, approved("late", "order-3", "hk-alice", yuan(100)), DeclineReason::ConsentNotFound).await;
    let before = sandbox.status().await.last_lsn;
    for (key, seconds) in [("past", 0), ("too far", 2 * 24 * 3_600)] {
        let refusal = refused(sandbox.wallet.approve_order(approval(key, "order-4", seconds)).await);
        assert_eq!((refusal.code, refusal.reason.as_str()), (Code::InvalidArgument, "CONSENT_EXPIRY_INVALID"), "{key}");
    }
    assert_eq!(sandbox.status().await.last_lsn, before);
}

#[tokio::test]
async fn a_mandate_holds_within_its_bounds_until_it_is_revoked() {
    let sandbox = Sandbox::start();
    let grant = v1::GrantMandateRequest {
        idempotency_key: "grant".to_owned(),
        account_id: "cn-chen".to_owned(),
        merchant_id: "demo-cafe".to_owned(),
        max_payment_debit_amount: Some(yuan(5_000)),
        max_period_debit_amount: Some(yuan(8_000)),
        period_days: 1,
        expire_time: later(now(&sandbox).await, 30 * 24 * 3_600),
    };
    let granted = sandbox.wallet.grant_mandate(grant.clone()).await.expect("granted");
    assert_eq!(sandbox.wallet.grant_mandate(grant).await.expect("a retry is answered"), granted);
    let mandate = granted.mandate_id.as_str();
    let cafe = &sandbox.cafe;
    check(cafe, by_mandate("payment above", mandate, yuan(5_001)), DeclineReason::ConsentExceeded).await;
    let paid = decided(cafe.authorize(by_mandate("first", mandate, yuan(5_000))).await);
    assert_eq!((paid.state(), paid.consent()), (PaymentState::Captured, v1::ConsentKind::Mandate));
    check(cafe, by_mandate("period above", mandate, yuan(3_001)), DeclineReason::ConsentExceeded).await;
    decided(cafe.authorize(by_mandate("second", mandate, yuan(3_000))).await);
    check(cafe, by_mandate("period full", mandate, yuan(1)), DeclineReason::ConsentExceeded).await;
    let theirs = check(&sandbox.books, by_mandate("theirs", mandate, yuan(1)), DeclineReason::ConsentMismatch).await;
    assert_eq!(theirs.payer, Some(account("cn-chen")));

    sandbox.advance(DAY_MS).await;
    let next = decided(cafe.authorize(by_mandate("next period", mandate, yuan(5_000))).await);
    assert_eq!(next.state(), PaymentState::Captured);
    let revoke = v1::RevokeMandateRequest { idempotency_key: "revoke".to_owned(), mandate_id: mandate.to_owned() };
    let revoked = sandbox.wallet.revoke_mandate(revoke.clone()).await.expect("revoked");
    assert_eq!(sandbox.wallet.revoke_mandate(revoke).await.expect("a retry is answered"), revoked);
    check(cafe, by_mandate("revoked", mandate, yuan(1)), DeclineReason::ConsentNotFound).await;
    let unknown = "01900000-0000-7000-8000-000000000000";
    check(cafe, by_mandate("unknown", unknown, yuan(1)), DeclineReason::ConsentNotFound).await;
    let revoke = v1::RevokeMandateRequest { idempotency_key: "again".to_owned(), mandate_id: unknown.to_owned() };
    let refusal = refused(sandbox.wallet.revoke_mandate(revoke).await);
    assert_eq!((refusal.code, refusal.reason.as_str()), (Code::NotFound, "MANDATE_NOT_FOUND"));
}

#[tokio::test]
async fn an_increase_stays_within_what_was_agreed_or_brings_more() {
    let sandbox = Sandbox::start();
    let cafe = &sandbox.cafe;
    let first = code(&sandbox, "code", "hk-alice", money("HKD", 12_000)).await;
    let asked = v1::AuthorizeRequest { payer: None, payer_code: first, ..held("hold", "order", "", yuan(5_000)) };
    let held = decided(cafe.authorize(asked).await);
    let id = held.payment_id.as_str();
    let more = cafe.increase_authorization(increase("within", id, yuan(5_000))).await.expect("it is decided");
    assert_eq!(more.decline_reason(), DeclineReason::Unspecified);
    let above = cafe.increase_authorization(increase("above", id, yuan(100))).await.expect("it is decided");
    assert_eq!((above.decline_reason(), above.payment), (DeclineReason::ConsentExceeded, None));
    assert_eq!(sandbox.held("hk-alice").await, 11_911);

    let further = code(&sandbox, "further", "hk-alice", money("HKD", 11_911)).await;
    let request = v1::IncreaseAuthorizationRequest { payer_code: further, ..increase("with code", id, yuan(10_000)) };
    let more = cafe.increase_authorization(request).await.expect("it is decided");
    assert_eq!(more.decline_reason(), DeclineReason::Unspecified);
    assert_eq!(sandbox.held("hk-alice").await, 23_822);
}

/// The issuer of consents speaks for its own accounts and for merchants that there are.
#[tokio::test]
async fn consents_are_for_accounts_and_merchants_that_there_are() {
    let sandbox = Sandbox::start();
    let before = sandbox.status().await.last_lsn;
    let max = money("HKD", 100);
    for (payer, merchant, reason, message) in [
        ("nobody", "demo-cafe", "ACCOUNT_NOT_FOUND", "no account nobody"),
        ("hk-alice", "no-cafe", "MERCHANT_NOT_FOUND", "no merchant no-cafe"),
    ] {
        let refusal = refused(sandbox.wallet.issue_code(code_request("key", payer, merchant, max.clone())).await);
        assert_eq!((refusal.code, refusal.reason.as_str()), (Code::NotFound, reason));
        assert_eq!(refusal.message, message);
    }
    let other = code_request("key", "hk-alice", "demo-cafe", yuan(100));
    assert_eq!(refused(sandbox.wallet.issue_code(other).await).reason, "ACCOUNT_CURRENCY_MISMATCH");
    for key in [client::sandbox::MERCHANT_KEYS[0].1, client::sandbox::OPERATOR_KEY] {
        let other = caller(&sandbox.daemon.merchants, key);
        let refusal = refused(other.issue_code(code_request("key", "hk-alice", "demo-cafe", max.clone())).await);
        assert_eq!(refusal.message, "this service is for wallet operators");
    }
    assert_eq!(sandbox.status().await.last_lsn, before, "nothing was recorded");
}

#[tokio::test]
async fn outside_a_sandbox_a_payer_s_name_is_no_consent() {
    let production = Production::prepare(&["harbour"]);
    let Ready { daemon, cafe, wallet } = Ready::start(&production).await;
    assert!(!daemon.banner.contains("consent"), "{}", daemon.banner);
    let operator = operator(&daemon.operators, &production.operator_key);

    let before = operator.status().await.expect("the operator may ask").last_lsn;
    let payer = v1::AccountReference { wallet_id: "harbour".to_owned(), account_id: "chen".to_owned() };
    let named = v1::AuthorizeRequest { payer: Some(payer), ..payment("named", "order", "", yuan(1_000)) };
    let refusal = refused(cafe.authorize(named).await);
    assert_eq!((refusal.code, refusal.reason.as_str()), (Code::InvalidArgument, "CONSENT_MISSING"));
    assert_eq!(operator.status().await.expect("the operator may ask").last_lsn, before, "nothing was recorded");

    let issue = code_request("code", "chen", "cafe", yuan(1_000));
    let code = wallet.issue_code(issue).await.expect("a wallet may issue codes").payer_code;
    let paid = decided(cafe.authorize(by_code("by code", "order", &code, yuan(1_000))).await);
    assert_eq!(paid.state(), PaymentState::Captured);
}

/// The code is kept nowhere but in the heads of those who were told it.
#[tokio::test]
async fn codes_are_nowhere_in_the_data_directory() {
    let sandbox = Sandbox::start();
    let code = code(&sandbox, "code", "hk-alice", money("HKD", 50_000)).await;
    decided(sandbox.cafe.authorize(by_code("pay", "order", &code, yuan(100))).await);
    let journal = sandbox.data_dir.path().join("journal");
    for entry in std::fs::read_dir(journal).expect("the journal is a directory") {
        let bytes = std::fs::read(entry.expect("an entry").path()).expect("a segment is read");
        assert!(!bytes.windows(code.len()).any(|window| window == code.as_bytes()), "{code} is stored");
    }
}
