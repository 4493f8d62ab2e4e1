//! The commands: each takes its arguments, asks, and shows the answer.

mod accounts;
mod completions;
mod demo;
mod get;
mod journal;
mod pay;
mod postings;
mod publish_rate;
mod rates;
mod register_merchant;
mod status;

pub(crate) use accounts::{Balance, Close, Deposit, Open, Withdraw};
pub(crate) use completions::Completions;
pub(crate) use demo::Demo;
pub(crate) use get::Get;
pub(crate) use journal::Journal;
pub(crate) use pay::Pay;
pub(crate) use postings::Postings;
pub(crate) use publish_rate::PublishRate;
pub(crate) use rates::Rates;
pub(crate) use register_merchant::RegisterMerchant;
pub(crate) use status::Status;

use clap::Args;
use client::sandbox;
use domain::Name;
use money::{AMOUNT_MINOR_UNITS_MAX, Currency, Money};
use uuid::Uuid;
use wire::v1;

/// The idempotency key of a request that changes something.
#[derive(Debug, Args)]
pub(crate) struct Key {
    /// Name of this request for retries: the same key and request give the same recorded answer [default: a new UUID]
    #[arg(long, value_name = "KEY")]
    idempotency_key: Option<String>,
}

impl Key {
    /// The key given.
    pub(crate) fn given(&self) -> Option<&str> {
        self.idempotency_key.as_deref()
    }

    /// The key given, or a new one.
    pub(crate) fn or_new(&self) -> String {
        self.idempotency_key.clone().unwrap_or_else(new_id)
    }
}

/// A fresh UUID version 7.
pub(crate) fn new_id() -> String {
    Uuid::now_v7().to_string()
}

/// A wallet account as written on the command line: `account`, in the sandbox's wallet, or `wallet/account`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct AccountArgument(v1::AccountReference);

impl AccountArgument {
    /// The account as messages name it.
    pub(crate) fn reference(&self) -> v1::AccountReference {
        self.0.clone()
    }
}

/// Reads an account.
pub(crate) fn account_argument(text: &str) -> Result<AccountArgument, String> {
    let (wallet_id, account_id) = text.split_once('/').unwrap_or((sandbox::WALLET_ID, text));
    for name in [wallet_id, account_id] {
        name_argument(name)?;
    }
    Ok(AccountArgument(v1::AccountReference { wallet_id: wallet_id.to_owned(), account_id: account_id.to_owned() }))
}

/// Reads the name of a merchant or account.
pub(crate) fn name_argument(text: &str) -> Result<String, String> {
    Name::new(text).map(|name| name.as_str().to_owned()).map_err(|reason| format!("the name {reason}"))
}

/// Reads an amount somebody can pay, with no more decimals than its currency has.
pub(crate) fn amount_argument(text: &str) -> Result<Money, String> {
    let money = Money::parse(text).map_err(|reason| reason.to_string())?;
    let minor_units = i64::try_from(money.minor_units())
        .map_err(|_| format!("an amount is at most {AMOUNT_MINOR_UNITS_MAX} minor units"))?;
    Money::payable(money.currency(), minor_units).map_err(|reason| reason.to_string())
}

/// Reads an ISO 4217 code.
pub(crate) fn currency_argument(text: &str) -> Result<Currency, String> {
    Currency::from_code(text).map_err(|reason| reason.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words;

    #[test]
    fn an_account_without_a_wallet_is_in_the_sandbox_s() {
        let text = |argument: AccountArgument| words::account(Some(&argument.reference()));
        assert_eq!(account_argument("hk-alice").map(text), Ok("demo-wallet/hk-alice".into()));
        assert_eq!(account_argument("w1/a").map(text), Ok("w1/a".into()));
        for wrong in ["", "/", "a/b/c", "Alice", "w/"] {
            assert!(account_argument(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn an_amount_is_what_somebody_can_pay() {
        assert_eq!(amount_argument("CNY 100.00").map(Money::minor_units), Ok(10_000));
        for wrong in ["CNY 1.001", "JPY 1.5", "CNY 0", "CNY -1.00", "CNH 1.00", "cny 1.00", "100", "CNY 10000000000000"]
        {
            assert!(amount_argument(wrong).is_err(), "{wrong}");
        }
    }
}
