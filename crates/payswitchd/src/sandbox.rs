//! The sandbox: known keys, made-up money, and rates that never go stale.

use std::sync::Arc;

use domain::{
    AccountId, AccountName, ApiKeyHash, Command, CurrencyPair, Digest, DigestKey, Evidence, Fingerprint,
    IdempotencyKey, Label, Method, MoveFunds, Name, OpenAccount, PublishRates, RateTick, RegisterMerchant, Submission,
    TenantId, Timestamp, WalletId,
};
use money::{Currency, Money, Rate, Ratio};
use pipeline::{Directory, RateBook};
use wire::digest::{Digester, Purpose};

use crate::{keys::Keys, start::StartError};

/// The wallet operator that keeps the sandbox's accounts.
pub(crate) const WALLET: &str = "demo-wallet";
/// Its key.
pub(crate) const WALLET_KEY: &str = "sandbox_wallet_demo-wallet_0000000000000000";
/// The operator's key.
pub(crate) const OPERATOR_KEY: &str = "sandbox_operator_0000000000000000000000000";

/// Name, settlement currency, discount in millionths, key.
pub(crate) const MERCHANTS: [(&str, Currency, u32, &str); 2] = [
    ("demo-cafe", Currency::CNY, 6_000, "sandbox_merchant_demo-cafe_0000000000000000"),
    ("hk-books", Currency::HKD, 6_000, "sandbox_merchant_hk-books_0000000000000000"),
];

/// Name, currency, first deposit in minor units.
pub(crate) const ACCOUNTS: [(&str, Currency, i64); 4] = [
    ("hk-alice", Currency::HKD, 1_000_000),
    ("hk-bob", Currency::HKD, 50_000),
    ("cn-chen", Currency::CNY, 500_000),
    ("us-dana", Currency::USD, 100_000),
];

/// Presentment currency, debit currency, mid rate: cross rates of the ECB's euro reference rates of 2026-10-30
/// (published for information, not for dealing).
const RATES: [(Currency, Currency, &str); 5] = [
    (Currency::CNY, Currency::HKD, "1.179291231"),
    (Currency::HKD, Currency::CNY, "0.8479669603"),
    (Currency::CNY, Currency::USD, "0.1503107930"),
    (Currency::USD, Currency::CNY, "6.652882206"),
    (Currency::USD, Currency::HKD, "7.845685643"),
];
/// Says both where the rates come from and that their time is made up.
const RATE_SOURCE: &str = "ECB 2026-10-30, re-stamped by the sandbox";

/// Everybody knows it, so that the sandbox's keys are the same everywhere; it protects nothing.
const DIGEST_KEY: [u8; 32] = *b"payswitch sandbox: not a secret!";
const DIGEST_KEY_ID: u32 = 0;

/// The sandbox's own credentials.
pub(crate) fn keys() -> Keys {
    let digester = Arc::new(Digester::new(DIGEST_KEY));
    Keys {
        digest_key: DigestKey { id: DIGEST_KEY_ID, check: digester.check() },
        operator: digester.api_key_hash(OPERATOR_KEY),
        wallets: vec![(name(WALLET), digester.api_key_hash(WALLET_KEY))],
        digester,
    }
}

/// Merchants and accounts, to be submitted at every start: their keys make them happen once.
pub(crate) fn parties(digester: &Digester, wallet: WalletId) -> Vec<Submission> {
    let merchants = MERCHANTS.map(|(merchant, settlement_currency, discount, key)| {
        let discount = Ratio::from_millionths(discount).expect("a discount is a ratio");
        let api_key_hash: ApiKeyHash = digester.api_key_hash(key);
        let register = RegisterMerchant { name: name(merchant), settlement_currency, discount, api_key_hash };
        seed(digester, Method::RegisterMerchant, merchant, Command::RegisterMerchant(register))
    });
    let accounts = ACCOUNTS.map(|(account, currency, _)| {
        let open = OpenAccount { wallet, name: name(account), currency };
        seed(digester, Method::OpenAccount, account, Command::OpenAccount(open))
    });
    merchants.into_iter().chain(accounts).collect()
}

/// First deposits, once the accounts are there.
pub(crate) fn deposits(digester: &Digester, directory: &Directory) -> Result<Vec<Submission>, StartError> {
    let deposit = |(account, currency, minor_units): (&str, Currency, i64)| {
        let account_name = AccountName { wallet: name(WALLET), account: name(account) };
        let found: AccountId = directory.account(&account_name).ok_or(StartError::NotSetUp)?;
        let amount = Money::payable(currency, minor_units).expect("a first deposit is an amount");
        let funds = MoveFunds { account: Evidence::Present(found), amount };
        Ok(seed(digester, Method::Deposit, account, Command::Deposit(funds)))
    };
    ACCOUNTS.into_iter().map(deposit).collect()
}

/// The sandbox's rates as of now, except where the operator has published one of its own.
pub(crate) fn rates(rate_book: &RateBook, now: Timestamp) -> Option<Submission> {
    let ticks: Vec<RateTick> = RATES
        .iter()
        .map(|(presentment, debit, mid_rate)| {
            let pair = CurrencyPair { presentment: *presentment, debit: *debit };
            // A wall clock that was set back between two starts must not make a rate older than the last.
            let last = rate_book.in_force(pair).map_or(now, |last| last.tick.as_of);
            RateTick {
                pair,
                mid_rate: Rate::parse(mid_rate).expect("the sandbox's rates are rates"),
                source: Label::new(RATE_SOURCE).expect("the source is a label"),
                as_of: now.max(last),
            }
        })
        .filter(|ours| rate_book.in_force(ours.pair).is_none_or(|last| last.tick.source == ours.source))
        .collect();
    let command = Command::PublishRates(PublishRates { ticks });
    matches!(&command, Command::PublishRates(publish) if !publish.ticks.is_empty())
        .then_some(Submission { key: None, command })
}

/// A command that happens once in the life of a ledger.
fn seed(digester: &Digester, method: Method, what: &str, command: Command) -> Submission {
    let digest: Digest = digester.digest(Purpose::IdempotencyKey, &format!("sandbox {} {what}", method.number()));
    let fingerprint = Fingerprint { method, request: digest, fields: [0; domain::FIELDS_MAX] };
    Submission { key: Some(IdempotencyKey { tenant: TenantId::Switch, digest, fingerprint }), command }
}

fn name(text: &str) -> Name {
    Name::new(text).expect("the sandbox's names are names")
}
