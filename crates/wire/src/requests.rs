//! Requests, parsed: after this door no raw string or bare integer stands for a thing that has a type.
//!
//! One function a request. Fields are checked in the order of the message, and the first that is not what it should be
//! is told. Whether a request is a good idea (whether the account exists, whether the rate is fresh) is not asked here.

mod field;
mod invalid;
mod rates;
#[cfg(test)]
mod tests;

use domain::{
    AccountName, Fingerprint, IdempotencyKey, KeyText, MerchantId, Method, Name, OpenAccount, PaymentId,
    PaymentRequest, PublishRates, RegisterMerchant, TenantId, WalletId,
};
use money::Money;

pub use invalid::{InvalidField, InvalidReason};
pub use rates::RATES_MAX;

use crate::{
    digest::{Digester, Purpose},
    fingerprint::fingerprint,
    v1,
};

/// Parses a merchant's request to be paid. `payment_id` is the id the payment will have if this is its first request.
///
/// # Errors
/// Names the first field that is not what it should be.
pub fn payment_request(
    message: &v1::AuthorizeRequest,
    merchant: MerchantId,
    payment_id: PaymentId,
    digester: &Digester,
) -> Result<PaymentRequest, InvalidField> {
    let key = field::key(&message.idempotency_key)?;
    let merchant_order_id = field::label("merchant_order_id", &message.merchant_order_id)?;
    let payer = payer(message.payer.as_ref())?;
    let presentment_amount = field::payable("presentment_amount", message.presentment_amount.as_ref())?;

    let values: [(_, &[u8]); 5] = [
        ("merchant_order_id", merchant_order_id.as_str().as_bytes()),
        ("payer.wallet_id", payer.wallet.as_str().as_bytes()),
        ("payer.account_id", payer.account.as_str().as_bytes()),
        ("presentment_amount.currency_code", presentment_amount.currency().code().as_bytes()),
        ("presentment_amount.minor_units", &presentment_amount.minor_units().to_be_bytes()),
    ];
    let fingerprint = fingerprint(digester, Method::Authorize, &values);
    Ok(PaymentRequest {
        key: idempotency_key(TenantId::Merchant(merchant), key, fingerprint, digester),
        payment_id,
        merchant,
        merchant_order_digest: digester.digest(Purpose::MerchantOrderId, merchant_order_id.as_str()),
        merchant_order_id,
        payer,
        presentment_amount,
    })
}

/// Parses a wallet operator's request to open an account.
///
/// # Errors
/// Names the first field that is not what it should be.
pub fn open_account(
    message: &v1::OpenRequest,
    wallet: WalletId,
    digester: &Digester,
) -> Result<(IdempotencyKey, OpenAccount), InvalidField> {
    let key = field::key(&message.idempotency_key)?;
    let name = account_name(&message.account_id)?;
    let currency = field::currency("currency_code", &message.currency_code)?;

    let values = [("account_id", name.as_str().as_bytes()), ("currency_code", currency.code().as_bytes())];
    let fingerprint = fingerprint(digester, Method::OpenAccount, &values);
    let key = idempotency_key(TenantId::Wallet(wallet), key, fingerprint, digester);
    Ok((key, OpenAccount { wallet, name, currency }))
}

/// Parses a wallet operator's request to close an account.
///
/// # Errors
/// Names the first field that is not what it should be.
pub fn close_account(
    message: &v1::CloseRequest,
    wallet: WalletId,
    digester: &Digester,
) -> Result<(IdempotencyKey, Name), InvalidField> {
    let key = field::key(&message.idempotency_key)?;
    let account = account_name(&message.account_id)?;

    let fingerprint = fingerprint(digester, Method::CloseAccount, &[("account_id", account.as_str().as_bytes())]);
    Ok((idempotency_key(TenantId::Wallet(wallet), key, fingerprint, digester), account))
}

/// Parses a wallet operator's request to credit an account.
///
/// # Errors
/// Names the first field that is not what it should be.
pub fn deposit(
    message: &v1::DepositRequest,
    wallet: WalletId,
    digester: &Digester,
) -> Result<(IdempotencyKey, Name, Money), InvalidField> {
    let key = field::key(&message.idempotency_key)?;
    let account = account_name(&message.account_id)?;
    let amount = field::payable("amount", message.amount.as_ref())?;

    let fingerprint = movement_fingerprint(Method::Deposit, &account, amount, digester);
    Ok((idempotency_key(TenantId::Wallet(wallet), key, fingerprint, digester), account, amount))
}

/// Parses a wallet operator's request to debit an account.
///
/// # Errors
/// Names the first field that is not what it should be.
pub fn withdraw(
    message: &v1::WithdrawRequest,
    wallet: WalletId,
    digester: &Digester,
) -> Result<(IdempotencyKey, Name, Money), InvalidField> {
    let key = field::key(&message.idempotency_key)?;
    let account = account_name(&message.account_id)?;
    let amount = field::payable("amount", message.amount.as_ref())?;

    let fingerprint = movement_fingerprint(Method::Withdraw, &account, amount, digester);
    Ok((idempotency_key(TenantId::Wallet(wallet), key, fingerprint, digester), account, amount))
}

/// Parses the operator's request to register a merchant. The API key ends here; what goes on is its keyed hash.
///
/// # Errors
/// Names the first field that is not what it should be.
pub fn register_merchant(
    message: &v1::RegisterMerchantRequest,
    digester: &Digester,
) -> Result<(IdempotencyKey, RegisterMerchant), InvalidField> {
    let key = field::key(&message.idempotency_key)?;
    let name = field::name("merchant_id", &message.merchant_id)?;
    let settlement_currency = field::currency("settlement_currency_code", &message.settlement_currency_code)?;
    let discount = field::ratio("merchant_discount", &message.merchant_discount)?;
    let api_key_hash = digester.api_key_hash(field::api_key("api_key", &message.api_key)?);

    let values: [(_, &[u8]); 4] = [
        ("merchant_id", name.as_str().as_bytes()),
        ("settlement_currency_code", settlement_currency.code().as_bytes()),
        ("merchant_discount", &discount.millionths().to_be_bytes()),
        ("api_key", &api_key_hash.0),
    ];
    let fingerprint = fingerprint(digester, Method::RegisterMerchant, &values);
    let key = idempotency_key(TenantId::Operator, key, fingerprint, digester);
    Ok((key, RegisterMerchant { name, settlement_currency, discount, api_key_hash }))
}

/// Parses the operator's request to publish rates: 1 to [`RATES_MAX`], each pair at most once.
///
/// # Errors
/// Names the first field that is not what it should be, with the place of its rate: `rates[3].mid_rate`.
pub fn publish_rates(
    message: &v1::PublishRatesRequest,
    digester: &Digester,
) -> Result<(IdempotencyKey, PublishRates), InvalidField> {
    let key = field::key(&message.idempotency_key)?;
    let ticks = rates::ticks(&message.rates)?;

    let fingerprint = fingerprint(digester, Method::PublishRates, &[("rates", &rates::canonical(&ticks))]);
    Ok((idempotency_key(TenantId::Operator, key, fingerprint, digester), PublishRates { ticks }))
}

/// Reads a payment id as the switch wrote it: a UUID in lower-case hyphenated form and no other.
///
/// # Errors
/// When it is missing or written otherwise.
pub fn payment_id(text: &str) -> Result<PaymentId, InvalidField> {
    field::payment_id("payment_id", text)
}

/// Reads the name of an account within the caller's wallet.
///
/// # Errors
/// When it is missing, too long or has a character that names do not have.
pub fn account_name(text: &str) -> Result<Name, InvalidField> {
    field::name("account_id", text)
}

fn payer(reference: Option<&v1::AccountReference>) -> Result<AccountName, InvalidField> {
    let reference = field::required("payer", reference)?;
    Ok(AccountName {
        wallet: field::name("payer.wallet_id", &reference.wallet_id)?,
        account: field::name("payer.account_id", &reference.account_id)?,
    })
}

fn movement_fingerprint(method: Method, account: &Name, amount: Money, digester: &Digester) -> Fingerprint {
    let values: [(_, &[u8]); 3] = [
        ("account_id", account.as_str().as_bytes()),
        ("amount.currency_code", amount.currency().code().as_bytes()),
        ("amount.minor_units", &amount.minor_units().to_be_bytes()),
    ];
    fingerprint(digester, method, &values)
}

fn idempotency_key(
    tenant: TenantId,
    text: KeyText<'_>,
    fingerprint: Fingerprint,
    digester: &Digester,
) -> IdempotencyKey {
    IdempotencyKey { tenant, digest: digester.digest(Purpose::IdempotencyKey, text.as_str()), fingerprint }
}
