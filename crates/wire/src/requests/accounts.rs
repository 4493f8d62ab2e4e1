//! What wallet operators ask of their accounts.

use domain::{Fingerprint, IdempotencyKey, Method, Name, OpenAccount, TenantId, WalletId};
use money::Money;

use super::{InvalidField, field, idempotency_key};
use crate::{digest::Digester, fingerprint::fingerprint, v1};

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
    let fingerprint = fingerprint(digester, Method::OpenAccount, &values, &[]);
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
    on_account(Method::CloseAccount, &message.idempotency_key, &message.account_id, wallet, digester)
}

/// Parses a wallet operator's request to freeze an account.
///
/// # Errors
/// Names the first field that is not what it should be.
pub fn freeze_account(
    message: &v1::FreezeRequest,
    wallet: WalletId,
    digester: &Digester,
) -> Result<(IdempotencyKey, Name), InvalidField> {
    on_account(Method::FreezeAccount, &message.idempotency_key, &message.account_id, wallet, digester)
}

/// Parses a wallet operator's request to end a freeze.
///
/// # Errors
/// Names the first field that is not what it should be.
pub fn unfreeze_account(
    message: &v1::UnfreezeRequest,
    wallet: WalletId,
    digester: &Digester,
) -> Result<(IdempotencyKey, Name), InvalidField> {
    on_account(Method::UnfreezeAccount, &message.idempotency_key, &message.account_id, wallet, digester)
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

/// Reads the name of an account within the caller's wallet.
///
/// # Errors
/// When it is missing, too long or has a character that names do not have.
pub fn account_name(text: &str) -> Result<Name, InvalidField> {
    field::name("account_id", text)
}

fn on_account(
    method: Method,
    idempotency_key: &str,
    account_id: &str,
    wallet: WalletId,
    digester: &Digester,
) -> Result<(IdempotencyKey, Name), InvalidField> {
    let key = field::key(idempotency_key)?;
    let account = account_name(account_id)?;

    let fingerprint = fingerprint(digester, method, &[("account_id", account.as_str().as_bytes())], &[]);
    Ok((super::idempotency_key(TenantId::Wallet(wallet), key, fingerprint, digester), account))
}

fn movement_fingerprint(method: Method, account: &Name, amount: Money, digester: &Digester) -> Fingerprint {
    let values: [(_, &[u8]); 3] = [
        ("account_id", account.as_str().as_bytes()),
        ("amount.currency_code", amount.currency().code().as_bytes()),
        ("amount.minor_units", &amount.minor_units().to_be_bytes()),
    ];
    fingerprint(digester, method, &values, &[])
}
