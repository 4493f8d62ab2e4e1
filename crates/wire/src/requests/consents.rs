//! What wallet operators say of their payers' consent.

use domain::{
    CardToken, Digest, IdempotencyKey, MandateId, Method, Name, RevokeMandate, TenantId, Timestamp, WalletId,
};
use money::Money;

use super::{InvalidField, InvalidReason, account_name, field, idempotency_key};
use crate::{
    digest::{Digester, Purpose},
    fingerprint::fingerprint,
    v1,
};

const PERIOD_DAYS_MAX: u32 = 366;
const MILLIS_PER_DAY: i64 = 24 * 60 * 60 * 1_000;

/// A wallet operator's request for a one-time code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CodeRequest {
    /// Which account of its own the code debits.
    pub account: Name,
    /// Which merchant may use it.
    pub merchant: Name,
    /// The most that may be debited.
    pub debit_amount_max: Money,
    /// Keyed digest of the code, which [`Digester::payer_code`] tells.
    pub code: Digest,
}

/// What pays an order that a wallet operator approves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ApprovedPayer {
    /// An account of its own, which is debited.
    Account(Name),
    /// A card that is bound to a person of its own, which is charged.
    Card(CardToken),
}

/// A wallet operator's approval of a merchant order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrderApproval {
    /// What pays it.
    pub payer: ApprovedPayer,
    /// Whose order.
    pub merchant: Name,
    /// Keyed digest of the merchant's own number for what is paid.
    pub merchant_order_digest: Digest,
    /// The most that may be debited.
    pub debit_amount_max: Money,
    /// From this moment on it no longer holds.
    pub expires_at: Timestamp,
}

/// A wallet operator's request to note a mandate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MandateRequest {
    /// Which account of its own is debited.
    pub account: Name,
    /// Which merchant may use it.
    pub merchant: Name,
    /// The most that one payment may debit.
    pub payment_debit_max: Money,
    /// The most that all payments of one period may debit.
    pub period_debit_max: Money,
    /// How long a period is, in milliseconds: 1 to 366 days.
    pub period_ms: i64,
    /// From this moment on it no longer holds.
    pub expires_at: Timestamp,
}

/// Parses a wallet operator's request for a one-time code.
///
/// # Errors
/// Names the first field that is not what it should be.
pub fn issue_code(
    message: &v1::IssueCodeRequest,
    wallet: WalletId,
    digester: &Digester,
) -> Result<(IdempotencyKey, CodeRequest), InvalidField> {
    let key = field::key(&message.idempotency_key)?;
    let account = account_name(&message.account_id)?;
    let merchant = field::name("merchant_id", &message.merchant_id)?;
    let debit_amount_max = field::payable("max_debit_amount", message.max_debit_amount.as_ref())?;

    let values: [(_, &[u8]); 4] = [
        ("account_id", account.as_str().as_bytes()),
        ("merchant_id", merchant.as_str().as_bytes()),
        ("max_debit_amount.currency_code", debit_amount_max.currency().code().as_bytes()),
        ("max_debit_amount.minor_units", &debit_amount_max.minor_units().to_be_bytes()),
    ];
    let fingerprint = fingerprint(digester, Method::IssueCode, &values, &[]);
    let key = idempotency_key(TenantId::Wallet(wallet), key, fingerprint, digester);
    let code = digester.payer_code_digest(&digester.payer_code(&key));
    Ok((key, CodeRequest { account, merchant, debit_amount_max, code }))
}

/// Parses a wallet operator's approval of a merchant order.
///
/// # Errors
/// Names the first field that is not what it should be.
pub fn approve_order(
    message: &v1::ApproveOrderRequest,
    wallet: WalletId,
    digester: &Digester,
) -> Result<(IdempotencyKey, OrderApproval), InvalidField> {
    let key = field::key(&message.idempotency_key)?;
    let payer = approved_payer(message)?;
    let merchant = field::name("merchant_id", &message.merchant_id)?;
    let merchant_order_id = field::label("merchant_order_id", &message.merchant_order_id)?;
    let debit_amount_max = field::payable("max_debit_amount", message.max_debit_amount.as_ref())?;
    let expires_at = field::timestamp("expire_time", message.expire_time.as_ref())?;

    let values: [(_, &[u8]); 6] = [
        ("account_id", message.account_id.as_bytes()),
        ("merchant_id", merchant.as_str().as_bytes()),
        ("merchant_order_id", merchant_order_id.as_str().as_bytes()),
        ("max_debit_amount.currency_code", debit_amount_max.currency().code().as_bytes()),
        ("max_debit_amount.minor_units", &debit_amount_max.minor_units().to_be_bytes()),
        ("expire_time", &expires_at.micros().to_be_bytes()),
    ];
    let card = match payer {
        ApprovedPayer::Account(_) => None,
        ApprovedPayer::Card(_) => Some(message.card_token.as_bytes()),
    };
    let fingerprint = fingerprint(digester, Method::ApproveOrder, &values, &[("card_token", card)]);
    let key = idempotency_key(TenantId::Wallet(wallet), key, fingerprint, digester);
    let merchant_order_digest = digester.digest(Purpose::MerchantOrderId, merchant_order_id.as_str());
    Ok((key, OrderApproval { payer, merchant, merchant_order_digest, debit_amount_max, expires_at }))
}

fn approved_payer(message: &v1::ApproveOrderRequest) -> Result<ApprovedPayer, InvalidField> {
    match (message.account_id.as_str(), message.card_token.as_str()) {
        (account, "") => account_name(account).map(ApprovedPayer::Account),
        ("", card) => field::card_token("card_token", card).map(ApprovedPayer::Card),
        (_, _) => {
            let rule = "cannot be given with account_id: one of them pays".to_owned();
            Err(InvalidField::new("card_token", InvalidReason::FieldsConflict, rule))
        }
    }
}

/// Parses a wallet operator's request to note a mandate.
///
/// # Errors
/// Names the first field that is not what it should be.
pub fn grant_mandate(
    message: &v1::GrantMandateRequest,
    wallet: WalletId,
    digester: &Digester,
) -> Result<(IdempotencyKey, MandateRequest), InvalidField> {
    let key = field::key(&message.idempotency_key)?;
    let account = account_name(&message.account_id)?;
    let merchant = field::name("merchant_id", &message.merchant_id)?;
    let payment_debit_max = field::payable("max_payment_debit_amount", message.max_payment_debit_amount.as_ref())?;
    let period_debit_max = field::payable("max_period_debit_amount", message.max_period_debit_amount.as_ref())?;
    if payment_debit_max.currency() != period_debit_max.currency() {
        let rule = "must be in the currency of max_payment_debit_amount".to_owned();
        return Err(InvalidField::new("max_period_debit_amount", InvalidReason::FieldsConflict, rule));
    }
    let days = message.period_days;
    if !(1..=PERIOD_DAYS_MAX).contains(&days) {
        let description = format!("must be 1 to {PERIOD_DAYS_MAX} days; found {days}");
        return Err(InvalidField::new("period_days", InvalidReason::NumberOutOfBounds, description));
    }
    let expires_at = field::timestamp("expire_time", message.expire_time.as_ref())?;

    let values: [(_, &[u8]); 8] = [
        ("account_id", account.as_str().as_bytes()),
        ("merchant_id", merchant.as_str().as_bytes()),
        ("max_payment_debit_amount.currency_code", payment_debit_max.currency().code().as_bytes()),
        ("max_payment_debit_amount.minor_units", &payment_debit_max.minor_units().to_be_bytes()),
        ("max_period_debit_amount.currency_code", period_debit_max.currency().code().as_bytes()),
        ("max_period_debit_amount.minor_units", &period_debit_max.minor_units().to_be_bytes()),
        ("period_days", &days.to_be_bytes()),
        ("expire_time", &expires_at.micros().to_be_bytes()),
    ];
    let fingerprint = fingerprint(digester, Method::GrantMandate, &values, &[]);
    let key = idempotency_key(TenantId::Wallet(wallet), key, fingerprint, digester);
    let period_ms = i64::from(days) * MILLIS_PER_DAY;
    let mandate = MandateRequest { account, merchant, payment_debit_max, period_debit_max, period_ms, expires_at };
    Ok((key, mandate))
}

/// Parses a wallet operator's request to end a mandate.
///
/// # Errors
/// Names the first field that is not what it should be.
pub fn revoke_mandate(
    message: &v1::RevokeMandateRequest,
    wallet: WalletId,
    digester: &Digester,
) -> Result<(IdempotencyKey, RevokeMandate), InvalidField> {
    let key = field::key(&message.idempotency_key)?;
    let mandate_id: MandateId = field::mandate_id("mandate_id", &message.mandate_id)?;

    let fingerprint = fingerprint(digester, Method::RevokeMandate, &[("mandate_id", &mandate_id.bytes())], &[]);
    let key = idempotency_key(TenantId::Wallet(wallet), key, fingerprint, digester);
    Ok((key, RevokeMandate { wallet, mandate_id }))
}
