//! Records as a ledger would have written them, for tests.

use domain::{
    AccountId, AccountKind, ApiKeyHash, Command, CurrencyPair, Event, InstallPolicy, Label, Lsn, MerchantId, Name,
    OpenAccount, Policy, PublishRates, RateTick, Record, RegisterMerchant, RegisterWallet, Timestamp, WalletId,
};
use money::{Currency, Rate, Ratio};

pub(crate) const CNY_TO_HKD: CurrencyPair = CurrencyPair { presentment: Currency::CNY, debit: Currency::HKD };

pub(crate) fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

pub(crate) fn at_ms(millis: i64) -> Timestamp {
    Timestamp::EPOCH.plus_millis(millis)
}

pub(crate) fn wallet_registered(wallet: u32, text: &str) -> Record {
    let command = RegisterWallet { name: name(text) };
    record(Command::RegisterWallet(command), Event::WalletRegistered(WalletId(wallet)))
}

pub(crate) fn account_opened(wallet: u32, text: &str, account: AccountId) -> Record {
    let command = OpenAccount { wallet: WalletId(wallet), name: name(text), currency: account.currency };
    record(Command::OpenAccount(command), Event::AccountOpened(account))
}

pub(crate) fn merchant_registered(merchant: u32, text: &str, api_key_hash: ApiKeyHash) -> Record {
    let command = RegisterMerchant {
        name: name(text),
        settlement_currency: Currency::CNY,
        discount: Ratio::parse("0.006").unwrap(),
        api_key_hash,
    };
    record(Command::RegisterMerchant(command), Event::MerchantRegistered(MerchantId(merchant)))
}

/// Markup 1 %, rates good for a minute.
pub(crate) fn policy() -> Policy {
    Policy {
        fx_markup: Ratio::parse("0.01").unwrap(),
        rate_age_ms_max: 60_000,
        rate_move_max: Ratio::parse("0.1").unwrap(),
    }
}

pub(crate) fn policy_installed() -> Record {
    record(Command::InstallPolicy(InstallPolicy { policy: policy() }), Event::PolicyInstalled)
}

/// A rate that speaks of the epoch.
pub(crate) fn tick(pair: CurrencyPair, mid_rate: &str) -> RateTick {
    let source = Label::new("desk").unwrap();
    RateTick { pair, mid_rate: Rate::parse(mid_rate).unwrap(), source, as_of: Timestamp::EPOCH }
}

pub(crate) fn rates_published(lsn: u64, ticks: &[RateTick]) -> Record {
    let command = PublishRates { ticks: ticks.to_vec() };
    Record { lsn: Lsn::new(lsn), ..record(Command::PublishRates(command), Event::RatesPublished) }
}

pub(crate) fn wallet_account(currency: Currency, index: u32) -> AccountId {
    AccountId { kind: AccountKind::Wallet, currency, index }
}

fn record(command: Command, event: Event) -> Record {
    Record { lsn: Lsn::new(1), at: Timestamp::EPOCH, key: None, command, event }
}
