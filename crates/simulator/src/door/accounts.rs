//! Calls of wallet operators: their accounts, and what their payers agree to.

use domain::{
    ApproveOrder, Command, GrantMandate, IdempotencyKey, IssueCode, MandateId, MoveFunds, Name, OnAccount, Submission,
    WalletId,
};
use wire::{
    requests::{self, ApprovedPayer},
    v1,
};

use super::{Door, keyed, message_money, operations::moment, uuid};
use crate::request::{Ask, Id};

impl Door<'_> {
    pub(super) fn wallet_call(
        &self,
        wallet: WalletId,
        ask: &Ask,
        idempotency_key: String,
        id: Id,
    ) -> Result<Submission, String> {
        match ask {
            Ask::Open { .. }
            | Ask::Close { .. }
            | Ask::Freeze { .. }
            | Ask::Unfreeze { .. }
            | Ask::Deposit { .. }
            | Ask::Withdraw { .. } => self.account_call(wallet, ask, idempotency_key),
            _ => self.consent_call(wallet, ask, idempotency_key, id),
        }
        .map_err(|why| format!("{why}, for {ask:?}"))
    }

    fn account_call(&self, wallet: WalletId, ask: &Ask, idempotency_key: String) -> Result<Submission, String> {
        let digester = &self.keys.digester;
        let text = |why: requests::InvalidField| why.to_string();
        let on_account = |parsed: (IdempotencyKey, Name), command: fn(OnAccount) -> Command| {
            Ok(keyed((parsed.0, command(OnAccount { account: self.find(wallet.0, &parsed.1)? }))))
        };
        match ask {
            Ask::Open { account, currency } => {
                let (account_id, currency_code) = (account.clone(), (*currency).to_owned());
                let message = v1::OpenRequest { idempotency_key, account_id, currency_code };
                let (key, open) = requests::open_account(&message, wallet, digester).map_err(text)?;
                Ok(keyed((key, Command::OpenAccount(open))))
            }
            Ask::Close { account } => {
                let message = v1::CloseRequest { idempotency_key, account_id: account.clone() };
                on_account(requests::close_account(&message, wallet, digester).map_err(text)?, Command::CloseAccount)
            }
            Ask::Freeze { account } => {
                let message = v1::FreezeRequest { idempotency_key, account_id: account.clone() };
                on_account(requests::freeze_account(&message, wallet, digester).map_err(text)?, Command::FreezeAccount)
            }
            Ask::Unfreeze { account } => {
                let message = v1::UnfreezeRequest { idempotency_key, account_id: account.clone() };
                let parsed = requests::unfreeze_account(&message, wallet, digester).map_err(text)?;
                on_account(parsed, Command::UnfreezeAccount)
            }
            Ask::Deposit { account, amount } => {
                let (account_id, amount) = (account.clone(), message_money(*amount));
                let message = v1::DepositRequest { idempotency_key, account_id, amount };
                let (key, account, amount) = requests::deposit(&message, wallet, digester).map_err(text)?;
                let funds = MoveFunds { account: self.find(wallet.0, &account)?, amount };
                Ok(keyed((key, Command::Deposit(funds))))
            }
            Ask::Withdraw { account, amount } => {
                let (account_id, amount) = (account.clone(), message_money(*amount));
                let message = v1::WithdrawRequest { idempotency_key, account_id, amount };
                let (key, account, amount) = requests::withdraw(&message, wallet, digester).map_err(text)?;
                let funds = MoveFunds { account: self.find(wallet.0, &account)?, amount };
                Ok(keyed((key, Command::Withdraw(funds))))
            }
            _ => Err("no call of an account".to_owned()),
        }
    }

    fn consent_call(&self, wallet: WalletId, ask: &Ask, idempotency_key: String, id: Id) -> Result<Submission, String> {
        let digester = &self.keys.digester;
        let text = |why: requests::InvalidField| why.to_string();
        match ask {
            Ask::IssueCode { account, merchant, most } => {
                let (account_id, merchant_id) = (account.clone(), merchant.clone());
                let max_debit_amount = message_money(*most);
                let message = v1::IssueCodeRequest { idempotency_key, account_id, merchant_id, max_debit_amount };
                let (key, asked) = requests::issue_code(&message, wallet, digester).map_err(text)?;
                let issue = IssueCode {
                    account: self.find(wallet.0, &asked.account)?,
                    merchant: self.find_merchant(&asked.merchant),
                    debit_amount_max: asked.debit_amount_max,
                    code: asked.code,
                };
                Ok(keyed((key, Command::IssueCode(issue))))
            }
            Ask::ApproveOrder { account, merchant, order, most, expires_at } => {
                let message = v1::ApproveOrderRequest {
                    idempotency_key,
                    account_id: account.clone(),
                    merchant_id: merchant.clone(),
                    merchant_order_id: order.clone(),
                    max_debit_amount: message_money(*most),
                    expire_time: moment(*expires_at).as_of_time,
                    card_token: String::new(),
                };
                let (key, asked) = requests::approve_order(&message, wallet, digester).map_err(text)?;
                let ApprovedPayer::Account(account) = asked.payer else { unreachable!("no card is asked for here") };
                let approve = ApproveOrder {
                    account: self.find(wallet.0, &account)?,
                    merchant: self.find_merchant(&asked.merchant),
                    merchant_order_digest: asked.merchant_order_digest,
                    debit_amount_max: asked.debit_amount_max,
                    expires_at: asked.expires_at,
                };
                Ok(keyed((key, Command::ApproveOrder(approve))))
            }
            Ask::GrantMandate { .. } => self.grant(wallet, ask, idempotency_key, id),
            Ask::RevokeMandate { mandate } => {
                let message = v1::RevokeMandateRequest { idempotency_key, mandate_id: uuid(mandate) };
                let (key, revoke) = requests::revoke_mandate(&message, wallet, digester).map_err(text)?;
                Ok(keyed((key, Command::RevokeMandate(revoke))))
            }
            _ => Err("no call of a wallet operator".to_owned()),
        }
    }

    fn grant(&self, wallet: WalletId, ask: &Ask, idempotency_key: String, id: Id) -> Result<Submission, String> {
        let Ask::GrantMandate { account, merchant, payment_most, period_most, period_days, expires_at } = ask else {
            return Err("not a mandate".to_owned());
        };
        let message = v1::GrantMandateRequest {
            idempotency_key,
            account_id: account.clone(),
            merchant_id: merchant.clone(),
            max_payment_debit_amount: message_money(*payment_most),
            max_period_debit_amount: message_money(*period_most),
            period_days: *period_days,
            expire_time: moment(*expires_at).as_of_time,
        };
        let parsed = requests::grant_mandate(&message, wallet, &self.keys.digester);
        let (key, asked) = parsed.map_err(|why| why.to_string())?;
        let grant = GrantMandate {
            mandate_id: MandateId::from_bytes(id),
            account: self.find(wallet.0, &asked.account)?,
            merchant: self.find_merchant(&asked.merchant),
            payment_debit_max: asked.payment_debit_max,
            period_debit_max: asked.period_debit_max,
            period_ms: asked.period_ms,
            expires_at: asked.expires_at,
        };
        Ok(keyed((key, Command::GrantMandate(grant))))
    }
}
