//! From a plain request to a submission, by way of the published messages: what the ingress does with a call.

mod accounts;
mod operations;
mod payments;
mod policy;

use domain::{
    AccountName, Command, DeclineReason, Evidence, MerchantId, Name, Submission, Timestamp, Unavailable, WalletId,
};
use pipeline::{Directory, RateBook};
use projections::Boards;
use wire::{digest::Digester, quote_token::QuoteTokens, requests, v1};

use crate::request::{Caller, Id, PayerCode, Request, Sum, wallet_name};

/// What a request is turned into a submission with.
#[derive(Debug)]
pub(crate) struct Door<'a> {
    pub(crate) directory: &'a Directory,
    pub(crate) rate_book: &'a RateBook,
    pub(crate) boards: &'a Boards,
    pub(crate) keys: &'a Keys,
    pub(crate) now: Timestamp,
}

/// The secrets of a ledger, and what was signed by them.
#[derive(Debug)]
pub(crate) struct Keys {
    pub(crate) digester: Digester,
    pub(crate) quote_tokens: QuoteTokens,
    /// The token of each quote that somebody has.
    pub(crate) tokens: Vec<(Id, String)>,
}

/// What does not come from the caller.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Aside {
    /// The id of what the request makes.
    pub(crate) id: Id,
    /// In a sandbox: the reason its owner ordered to decline by.
    pub(crate) ordered: Option<DeclineReason>,
}

impl Door<'_> {
    /// The submission, or why the door refuses; the workload sends nothing that it should refuse.
    pub(crate) fn submission(&self, request: &Request, aside: Aside) -> Result<Submission, String> {
        let key = request.key.clone().unwrap_or_default();
        match request.caller {
            Caller::Switch => Ok(Submission { key: None, command: self.own_command(&request.ask)? }),
            Caller::Operator => self.operation(&request.ask, key),
            Caller::Wallet(wallet) => self.wallet_call(WalletId(wallet), &request.ask, key, aside.id),
            Caller::Merchant(merchant) => self.merchant_call(MerchantId(merchant), &request.ask, key, aside),
        }
    }

    fn find(&self, wallet: u32, account: &Name) -> Result<Evidence<domain::AccountId>, String> {
        let name = AccountName { wallet: checked_name(&wallet_name(wallet))?, account: account.clone() };
        Ok(self.directory.account(&name).map_or(Evidence::Unavailable(Unavailable::AccountNotFound), Evidence::Present))
    }

    /// What a stage could not find has no word of its own for a merchant: the engine refuses it as one all the same.
    fn find_merchant(&self, name: &Name) -> Evidence<MerchantId> {
        self.directory.merchant(name).map_or(Evidence::Unavailable(Unavailable::AccountNotFound), Evidence::Present)
    }

    /// The text of a code, as the wallet that asked for it was told it.
    fn code_text(&self, code: &PayerCode) -> Result<String, String> {
        match code {
            PayerCode::Guessed(number) => Ok(format!("{number:018}")),
            PayerCode::Issued { wallet, key } => {
                // Any request under the key has the same key: what was asked is no part of it.
                let message = v1::CloseRequest { idempotency_key: key.clone(), account_id: "any".to_owned() };
                let parsed = requests::close_account(&message, WalletId(*wallet), &self.keys.digester);
                Ok(self.keys.digester.payer_code(&parsed.map_err(|why| why.to_string())?.0))
            }
        }
    }
}

fn keyed((key, command): (domain::IdempotencyKey, Command)) -> Submission {
    Submission { key: Some(key), command }
}

fn checked_name(text: &str) -> Result<Name, String> {
    Name::new(text).map_err(|why| format!("{text} {why}"))
}

fn message_money(sum: Sum) -> Option<v1::Money> {
    Some(v1::Money { currency_code: sum.currency.to_owned(), minor_units: sum.units })
}

/// A UUID in lower-case hyphenated form.
fn uuid(id: &Id) -> String {
    domain::PaymentId::from_bytes(*id).to_string()
}

/// `mantissa` / 10^`scale` as people write it.
fn decimal(mantissa: u64, scale: u32) -> String {
    let scale = usize::try_from(scale).expect("a small number");
    let digits = format!("{mantissa:0>width$}", width = scale + 1);
    let (whole, fraction) = digits.split_at(digits.len() - scale);
    if fraction.is_empty() { whole.to_owned() } else { format!("{whole}.{fraction}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mantissa_and_a_scale_are_a_decimal() {
        assert_eq!(decimal(1_179_291_231, 9), "1.179291231");
        assert_eq!(decimal(6_000, 6), "0.006000");
        assert_eq!(decimal(7, 0), "7");
    }
}
