//! From a plain request to a submission, by way of the published messages: what the ingress does with a call.

use domain::{
    AccountName, CloseAccount, Command, DigestKey, Evidence, InitializeSwitch, InstallPolicy, MerchantId, Mode,
    MoveFunds, Name, PaymentId, Policy, RegisterWallet, Submission, Timestamp, Unavailable, WalletId,
};
use money::Ratio;
use pipeline::{Directory, RateBook};
use wire::{digest::Digester, requests, v1};

use crate::request::{Ask, Caller, Request, Rules, Tick, wallet_name};

const SOURCE: &str = "simulated desk";

/// What a request is turned into a submission with.
#[derive(Debug)]
pub(crate) struct Door<'a> {
    pub(crate) directory: &'a Directory,
    pub(crate) rate_book: &'a RateBook,
    pub(crate) digester: &'a Digester,
    pub(crate) now: Timestamp,
}

impl Door<'_> {
    /// The submission, or why the door refuses; the workload sends nothing that it should refuse.
    pub(crate) fn submission(&self, request: &Request, payment_id: [u8; 16]) -> Result<Submission, String> {
        let key = request.key.clone().unwrap_or_default();
        match request.caller {
            Caller::Switch => Ok(Submission { key: None, command: self.own_command(&request.ask)? }),
            Caller::Operator => self.operation(&request.ask, key),
            Caller::Wallet(wallet) => self.account_call(WalletId(wallet), &request.ask, key),
            Caller::Merchant(merchant) => self.payment(MerchantId(merchant), &request.ask, key, payment_id),
        }
    }

    fn own_command(&self, ask: &Ask) -> Result<Command, String> {
        match ask {
            Ask::Begin => {
                let digest_key = DigestKey { id: 1, check: self.digester.check() };
                Ok(Command::InitializeSwitch(InitializeSwitch { mode: Mode::Production, digest_key }))
            }
            Ask::InstallPolicy(rules) => Ok(Command::InstallPolicy(InstallPolicy { policy: policy(rules)? })),
            Ask::RegisterWallet { name } => Ok(Command::RegisterWallet(RegisterWallet { name: checked_name(name)? })),
            _ => Err(format!("the switch does not ask for {ask:?}")),
        }
    }

    fn operation(&self, ask: &Ask, idempotency_key: String) -> Result<Submission, String> {
        let (key, command) = match ask {
            Ask::RegisterMerchant { name, currency, discount_millionths, api_key } => {
                let message = v1::RegisterMerchantRequest {
                    idempotency_key,
                    merchant_id: name.clone(),
                    settlement_currency_code: (*currency).to_owned(),
                    merchant_discount: decimal(u64::from(*discount_millionths), 6),
                    api_key: api_key.clone(),
                };
                let parsed = requests::register_merchant(&message, self.digester).map_err(|why| why.to_string())?;
                (parsed.0, Command::RegisterMerchant(parsed.1))
            }
            Ask::PublishRates(ticks) => {
                let rates = ticks.iter().map(publication).collect();
                let message = v1::PublishRatesRequest { idempotency_key, rates };
                let parsed = requests::publish_rates(&message, self.digester).map_err(|why| why.to_string())?;
                (parsed.0, Command::PublishRates(parsed.1))
            }
            _ => return Err(format!("the operator does not ask for {ask:?}")),
        };
        Ok(Submission { key: Some(key), command })
    }

    fn account_call(&self, wallet: WalletId, ask: &Ask, idempotency_key: String) -> Result<Submission, String> {
        let account_id = match ask {
            Ask::Open { account, .. }
            | Ask::Close { account }
            | Ask::Deposit { account, .. }
            | Ask::Withdraw { account, .. } => account.clone(),
            _ => return Err(format!("a wallet operator does not ask for {ask:?}")),
        };
        let (key, command) = match ask {
            Ask::Open { currency, .. } => {
                let message = v1::OpenRequest { idempotency_key, account_id, currency_code: (*currency).to_owned() };
                let parsed = requests::open_account(&message, wallet, self.digester).map_err(|why| why.to_string())?;
                (parsed.0, Command::OpenAccount(parsed.1))
            }
            Ask::Deposit { amount, currency, .. } => {
                let amount = Some(message_money(*amount, currency));
                let message = v1::DepositRequest { idempotency_key, account_id, amount };
                let parsed = requests::deposit(&message, wallet, self.digester).map_err(|why| why.to_string())?;
                let funds = MoveFunds { account: self.find(wallet.0, &parsed.1)?, amount: parsed.2 };
                (parsed.0, Command::Deposit(funds))
            }
            Ask::Withdraw { amount, currency, .. } => {
                let amount = Some(message_money(*amount, currency));
                let message = v1::WithdrawRequest { idempotency_key, account_id, amount };
                let parsed = requests::withdraw(&message, wallet, self.digester).map_err(|why| why.to_string())?;
                let funds = MoveFunds { account: self.find(wallet.0, &parsed.1)?, amount: parsed.2 };
                (parsed.0, Command::Withdraw(funds))
            }
            _ => {
                let message = v1::CloseRequest { idempotency_key, account_id };
                let parsed = requests::close_account(&message, wallet, self.digester).map_err(|why| why.to_string())?;
                let close = CloseAccount { account: self.find(wallet.0, &parsed.1)? };
                (parsed.0, Command::CloseAccount(close))
            }
        };
        Ok(Submission { key: Some(key), command })
    }

    fn payment(
        &self,
        merchant: MerchantId,
        ask: &Ask,
        idempotency_key: String,
        payment_id: [u8; 16],
    ) -> Result<Submission, String> {
        let Ask::Pay { order, wallet, payer, amount, currency } = ask else {
            return Err(format!("a merchant does not ask for {ask:?}"));
        };
        let message = v1::AuthorizeRequest {
            idempotency_key,
            merchant_order_id: order.clone(),
            payer: Some(v1::AccountReference { wallet_id: wallet_name(*wallet), account_id: payer.clone() }),
            presentment_amount: Some(message_money(*amount, currency)),
        };
        let id = PaymentId::from_bytes(payment_id);
        let request =
            requests::payment_request(&message, merchant, id, self.digester).map_err(|why| why.to_string())?;
        let routed = pipeline::route(self.directory, request);
        Ok(pipeline::assemble(pipeline::convert(self.rate_book, self.now, routed)))
    }

    fn find(&self, wallet: u32, account: &Name) -> Result<Evidence<domain::AccountId>, String> {
        let name = AccountName { wallet: checked_name(&wallet_name(wallet))?, account: account.clone() };
        Ok(match self.directory.account(&name) {
            Some(account) => Evidence::Present(account),
            None => Evidence::Unavailable(Unavailable::AccountNotFound),
        })
    }
}

fn checked_name(text: &str) -> Result<Name, String> {
    Name::new(text).map_err(|why| format!("{text} {why}"))
}

fn policy(rules: &Rules) -> Result<Policy, String> {
    let ratio = |millionths| Ratio::from_millionths(millionths).map_err(|why| why.to_string());
    Ok(Policy {
        fx_markup: ratio(rules.markup_millionths)?,
        rate_age_ms_max: rules.rate_age_ms_max,
        rate_move_max: ratio(rules.rate_move_millionths)?,
    })
}

fn publication(tick: &Tick) -> v1::RatePublication {
    let mut message = v1::RatePublication {
        presentment_currency_code: tick.presentment.to_owned(),
        debit_currency_code: tick.debit.to_owned(),
        mid_rate: decimal(tick.mantissa, tick.scale),
        source: SOURCE.to_owned(),
        ..v1::RatePublication::default()
    };
    let as_of = message.as_of_time.get_or_insert_default();
    as_of.seconds = tick.as_of.div_euclid(1_000_000);
    as_of.nanos = i32::try_from(tick.as_of.rem_euclid(1_000_000) * 1_000).expect("less than a second");
    message
}

fn message_money(minor_units: i64, currency: &str) -> v1::Money {
    v1::Money { currency_code: currency.to_owned(), minor_units }
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
