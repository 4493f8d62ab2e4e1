//! What wallet operators say of their payers, and of their accounts.

use domain::MandateId;

use super::*;

const UUID: &str = "0190163d-8694-739b-aea5-966c26f8ad91";
const EXPIRY: Option<pbjson_types::Timestamp> = Some(pbjson_types::Timestamp { seconds: 1_700_000_000, nanos: 0 });

fn code_request() -> v1::IssueCodeRequest {
    v1::IssueCodeRequest {
        idempotency_key: "key-1".to_owned(),
        account_id: "hk-alice".to_owned(),
        merchant_id: "demo-cafe".to_owned(),
        max_debit_amount: hkd(12_000),
    }
}

fn approval_request() -> v1::ApproveOrderRequest {
    v1::ApproveOrderRequest {
        idempotency_key: "key-1".to_owned(),
        account_id: "hk-alice".to_owned(),
        merchant_id: "demo-cafe".to_owned(),
        merchant_order_id: "Order #1".to_owned(),
        max_debit_amount: hkd(12_000),
        expire_time: EXPIRY,
        card_token: String::new(),
    }
}

fn card_approval_request() -> v1::ApproveOrderRequest {
    v1::ApproveOrderRequest { account_id: String::new(), card_token: UUID.to_owned(), ..approval_request() }
}

fn mandate_request() -> v1::GrantMandateRequest {
    v1::GrantMandateRequest {
        idempotency_key: "key-1".to_owned(),
        account_id: "hk-alice".to_owned(),
        merchant_id: "demo-cafe".to_owned(),
        max_payment_debit_amount: hkd(1_000),
        max_period_debit_amount: hkd(5_000),
        period_days: 30,
        expire_time: EXPIRY,
    }
}

fn code(message: &v1::IssueCodeRequest) -> Result<(IdempotencyKey, CodeRequest), InvalidField> {
    issue_code(message, WALLET, &digester())
}

fn approval(message: &v1::ApproveOrderRequest) -> Result<(IdempotencyKey, OrderApproval), InvalidField> {
    approve_order(message, WALLET, &digester())
}

fn mandate(message: &v1::GrantMandateRequest) -> Result<(IdempotencyKey, MandateRequest), InvalidField> {
    grant_mandate(message, WALLET, &digester())
}

#[test]
fn a_code_is_known_by_its_digest_and_the_same_again_for_a_retry() {
    let (key, request) = code(&code_request()).unwrap();
    assert_eq!((key.tenant, key.fingerprint.method), (TenantId::Wallet(WALLET), Method::IssueCode));
    assert_eq!((request.account.as_str(), request.merchant.as_str()), ("hk-alice", "demo-cafe"));
    assert_eq!(request.debit_amount_max, Money::new(Currency::HKD, 12_000));
    assert_eq!(request.code, digester().payer_code_digest(&digester().payer_code(&key)));
    assert_eq!(code(&code_request()).unwrap(), (key, request.clone()));
    let other = v1::IssueCodeRequest { idempotency_key: "key-2".to_owned(), ..code_request() };
    assert_ne!(code(&other).unwrap().1.code, request.code);
}

#[test]
fn an_approval_is_of_the_order_that_authorize_names() {
    let (key, request) = approval(&approval_request()).unwrap();
    assert_eq!((key.tenant, key.fingerprint.method), (TenantId::Wallet(WALLET), Method::ApproveOrder));
    assert_eq!(request.merchant_order_digest, payment(&authorize_request()).unwrap().merchant_order_digest);
    assert_eq!(request.expires_at, Timestamp::from_micros(1_700_000_000_000_000));
    check(approval_request(), |message| message.expire_time = None, approval, "FIELD_MISSING expire_time: is missing");
    check(
        approval_request(),
        |message| message.merchant_order_id.clear(),
        approval,
        "FIELD_MISSING merchant_order_id: is missing",
    );
}

#[test]
fn an_order_is_paid_from_an_account_or_by_a_card() {
    let payer = |message: &v1::ApproveOrderRequest| approval(message).unwrap().1.payer;
    assert_eq!(payer(&approval_request()), ApprovedPayer::Account(Name::new("hk-alice").unwrap()));
    let ApprovedPayer::Card(token) = payer(&card_approval_request()) else { panic!("a card was named") };
    assert_eq!(token.to_string(), UUID);
    check(
        card_approval_request(),
        |message| message.account_id = "hk-alice".to_owned(),
        approval,
        "FIELDS_CONFLICT card_token: cannot be given with account_id: one of them pays",
    );
    check(
        card_approval_request(),
        |message| message.card_token.clear(),
        approval,
        "FIELD_MISSING account_id: is missing",
    );
    let [account, card] = [approval_request(), card_approval_request()].map(|message| approval(&message).unwrap().0);
    let difference = first_difference(&account.fingerprint, &card.fingerprint);
    assert_eq!(difference.as_deref(), Some("account_id"));
    let other = v1::ApproveOrderRequest { card_token: UUID.replace("91", "92"), ..card_approval_request() };
    let difference = first_difference(&card.fingerprint, &approval(&other).unwrap().0.fingerprint);
    assert_eq!(difference.as_deref(), Some("card_token"));
}

#[test]
fn a_mandate_has_two_bounds_and_a_period_of_days() {
    let (key, request) = mandate(&mandate_request()).unwrap();
    assert_eq!((key.tenant, key.fingerprint.method), (TenantId::Wallet(WALLET), Method::GrantMandate));
    assert_eq!(request.payment_debit_max, Money::new(Currency::HKD, 1_000));
    assert_eq!(request.period_debit_max, Money::new(Currency::HKD, 5_000));
    assert_eq!(request.period_ms, 30 * 86_400_000);
    for days in [0, 367, u32::MAX] {
        let expected = format!("NUMBER_OUT_OF_BOUNDS period_days: must be 1 to 366 days; found {days}");
        check(mandate_request(), |message| message.period_days = days, mandate, &expected);
    }
    for days in [1, 366] {
        assert!(mandate(&v1::GrantMandateRequest { period_days: days, ..mandate_request() }).is_ok());
    }
    let cny = Some(v1::Money { currency_code: "CNY".to_owned(), minor_units: 5_000 });
    check(
        mandate_request(),
        |message| message.max_period_debit_amount = cny,
        mandate,
        "FIELDS_CONFLICT max_period_debit_amount: must be in the currency of max_payment_debit_amount",
    );
}

#[test]
fn a_mandate_is_revoked_by_its_id() {
    let message = v1::RevokeMandateRequest { idempotency_key: "key-1".to_owned(), mandate_id: UUID.to_owned() };
    let (key, command) = revoke_mandate(&message, WALLET, &digester()).unwrap();
    assert_eq!(key.fingerprint.method, Method::RevokeMandate);
    assert_eq!((command.wallet, command.mandate_id.to_string().as_str()), (WALLET, UUID));
    let _: MandateId = command.mandate_id;
    let revoke = |message: &v1::RevokeMandateRequest| revoke_mandate(message, WALLET, &digester());
    check(message, |message| message.mandate_id.clear(), revoke, "FIELD_MISSING mandate_id: is missing");
}

#[test]
fn every_field_of_a_consent_tells_it_from_another() {
    type Change<'a, M> = (&'a str, &'a dyn Fn(&mut M));
    fn differences<M: Clone, T>(
        message: &M,
        parse: impl Fn(&M) -> Result<(IdempotencyKey, T), InvalidField>,
        changes: &[Change<'_, M>],
    ) {
        let fingerprint = |message: &M| parse(message).ok().map(|(key, _)| key.fingerprint);
        for (expected, change) in changes {
            let mut later = message.clone();
            change(&mut later);
            let difference = first_difference(&fingerprint(message).unwrap(), &fingerprint(&later).unwrap());
            assert_eq!(difference.as_deref(), Some(*expected));
        }
    }
    let later = Some(pbjson_types::Timestamp { seconds: 1_700_000_001, nanos: 0 });
    differences(
        &code_request(),
        code,
        &[
            ("account_id", &|message| message.account_id.push('x')),
            ("merchant_id", &|message| message.merchant_id.push('x')),
            ("max_debit_amount.minor_units", &|message| message.max_debit_amount = hkd(1)),
        ],
    );
    differences(
        &approval_request(),
        approval,
        &[
            ("merchant_order_id", &|message| message.merchant_order_id.push('x')),
            ("max_debit_amount.minor_units", &|message| message.max_debit_amount = hkd(1)),
            ("expire_time", &|message| message.expire_time = later),
        ],
    );
    differences(
        &mandate_request(),
        mandate,
        &[
            ("max_payment_debit_amount.minor_units", &|message| message.max_payment_debit_amount = hkd(1)),
            ("max_period_debit_amount.minor_units", &|message| message.max_period_debit_amount = hkd(1)),
            ("period_days", &|message| message.period_days = 31),
            ("expire_time", &|message| message.expire_time = later),
        ],
    );
}

#[test]
fn an_account_is_frozen_and_unfrozen_by_name() {
    let (idempotency_key, account_id) = ("key-1".to_owned(), "hk-alice".to_owned());
    let message = v1::FreezeRequest { idempotency_key: idempotency_key.clone(), account_id: account_id.clone() };
    let (frozen, name) = freeze_account(&message, WALLET, &digester()).unwrap();
    assert_eq!((frozen.fingerprint.method, name.as_str()), (Method::FreezeAccount, "hk-alice"));
    let message = v1::UnfreezeRequest { idempotency_key, account_id };
    let (unfrozen, _) = unfreeze_account(&message, WALLET, &digester()).unwrap();
    assert_eq!(frozen.fingerprint.difference(&unfrozen.fingerprint), Some(Difference::Method(Method::FreezeAccount)));
}
