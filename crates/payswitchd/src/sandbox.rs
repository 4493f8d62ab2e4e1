//! The sandbox: known keys, made-up money, and rates that never go stale.

use std::{net::SocketAddr, sync::Arc};

use connectors::card_iso8583::{Acceptor, BackOff, Encoding, Host, LineSettings, TimeOuts};
use domain::{
    AccountId, AccountName, ApiKeyHash, Command, CurrencyPair, Digest, DigestKey, Evidence, Fingerprint,
    IdempotencyKey, Label, Method, MoveFunds, Name, OpenAccount, RegisterMerchant, Submission, TenantId, WalletId,
};
use ingress::{ReceiptKeys, SandboxPowers, SandboxRates, SigningKeys};
use iso8583::field::{InstitutionId, TerminalId};
use money::{Currency, Money, Rate, Ratio};
use pipeline::Directory;
use vault::KeyEncryptionKey;
use wire::{
    digest::{Digester, Purpose},
    quote_token::{QuoteKey, QuoteTokens},
    receipts::ReceiptKey,
};

use crate::{keys::Keys, start::StartError};

/// The wallet operator that keeps the sandbox's accounts.
pub(crate) const WALLET: &str = "demo-wallet";
/// Its key.
pub(crate) const WALLET_KEY: &str = "sandbox_wallet_demo-wallet_0000000000000000";
/// The operator's key.
pub(crate) const OPERATOR_KEY: &str = "sandbox_operator_0000000000000000000000000";

/// Name, settlement currency, discount in millionths, key.
pub(crate) const MERCHANTS: [(&str, Currency, u32, &str); 3] = [
    ("demo-cafe", Currency::CNY, 6_000, "sandbox_merchant_demo-cafe_0000000000000000"),
    ("hk-books", Currency::HKD, 6_000, "sandbox_merchant_hk-books_0000000000000000"),
    ("ph-tours", Currency::USD, 6_000, "sandbox_merchant_ph-tours_0000000000000000"),
];

/// Name, currency, first deposit in minor units.
pub(crate) const ACCOUNTS: [(&str, Currency, i64); 4] = [
    ("hk-alice", Currency::HKD, 1_000_000),
    ("hk-bob", Currency::HKD, 50_000),
    ("cn-chen", Currency::CNY, 500_000),
    ("us-dana", Currency::USD, 100_000),
];

/// Presentment currency, debit currency, mid rate: the ECB's euro reference rates of 2026-10-30 (published for
/// information, not for dealing), and cross rates of them for the pairs that the demo pays in. Every other pair of these
/// currencies is crossed through [`PIVOT`].
const RATES: [(&str, &str, &str); 9] = [
    ("CNY", "HKD", "1.179291231"),
    ("HKD", "CNY", "0.8479669603"),
    ("CNY", "USD", "0.1503107930"),
    ("USD", "CNY", "6.652882206"),
    ("USD", "HKD", "7.845685643"),
    ("EUR", "CNY", "7.4326"),
    ("EUR", "HKD", "8.7652"),
    ("EUR", "USD", "1.1172"),
    ("EUR", "PHP", "71.143"),
];
/// What the sandbox crosses through, unless it is configured to do otherwise.
pub(crate) const PIVOT: &str = "EUR";
/// Says both where the rates come from and that their time is made up.
const RATE_SOURCE: &str = "ECB 2026-10-30, re-stamped by the sandbox";
/// Of a rate that was pinned by `SandboxService.PinRate`.
const RATE_SOURCE_PINNED: &str = "pinned in the sandbox";

/// Everybody knows it, so that the sandbox's keys are the same everywhere; it protects nothing.
const DIGEST_KEY: [u8; 32] = *b"payswitch sandbox: not a secret!";
/// As public: who trusts a sandbox's quote or receipt trusts everybody.
const QUOTE_KEY: [u8; 32] = *b"payswitch sandbox quote: no key.";
const RECEIPT_SEED: [u8; 32] = *b"payswitch sandbox receipt: open!";
const VAULT_KEY: [u8; 32] = *b"payswitch sandbox vault: no key.";
const KEY_ID: u32 = 0;

/// What the played network bills cards in.
pub(crate) const CARD_BILLING: &str = "USD";
/// Its rate, in the seven digits that a message has for one.
pub(crate) const CARD_RATE: &str = "CNY/USD=0.1503108";
/// The sandbox's number at the played network.
const ACQUIRER: u64 = 47_110_815;

/// The sandbox's own credentials.
pub(crate) fn keys() -> Keys {
    let digester = Arc::new(Digester::new(DIGEST_KEY));
    let signing = SigningKeys {
        quotes: QuoteTokens::new(QuoteKey::new(KEY_ID, &QUOTE_KEY), []).expect("there is one key"),
        receipts: ReceiptKeys::new(ReceiptKey::from_seed(KEY_ID, &RECEIPT_SEED), []),
    };
    Keys {
        digest_key: DigestKey { id: KEY_ID, check: digester.check() },
        operator: digester.api_key_hash(OPERATOR_KEY),
        wallets: vec![(name(WALLET), digester.api_key_hash(WALLET_KEY))],
        signing: Arc::new(signing),
        digester,
    }
}

/// What seals the sandbox's card numbers: none of them is anybody's card.
pub(crate) fn vault_key() -> KeyEncryptionKey {
    KeyEncryptionKey::new(KEY_ID, VAULT_KEY)
}

/// The lines to the played network: it is near, so waits are short.
pub(crate) fn line_settings(addresses: &[SocketAddr]) -> LineSettings {
    let hosts = addresses.iter().map(|address| Host { name: address.ip().to_string(), port: address.port() });
    let acceptor = Acceptor {
        acquirer: InstitutionId::new(ACQUIRER).expect("eight digits are a number of an institution"),
        terminal: TerminalId::new("SANDBOX1").expect("eight letters are a terminal"),
        category: LineSettings::CATEGORY.to_owned(),
        place: "BEIJING      CN".to_owned(),
    };
    LineSettings {
        reconnect: BackOff { min_ms: 50, max_ms: 1_000 },
        repeat: BackOff { min_ms: 500, max_ms: 10_000 },
        time_outs: TimeOuts { advice_answer_ms: 2_000, ..TimeOuts::DEFAULT },
        ..LineSettings::new(hosts.collect(), Encoding::Bcd, acceptor)
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

/// What only a sandbox can do. One that is configured to cross through a currency has no rates but those from it, so that
/// nothing but a published rate goes before a crossed one.
pub(crate) fn powers(pivot: Option<&str>) -> SandboxPowers {
    let from_pivot = RATES.into_iter().filter(|(presentment, _, _)| pivot.is_none_or(|pivot| pivot == *presentment));
    let own = from_pivot.map(|(presentment, debit, mid_rate)| {
        let pair = CurrencyPair { presentment: currency(presentment), debit: currency(debit) };
        (pair, Rate::parse(mid_rate).expect("the sandbox's rates are rates"))
    });
    SandboxPowers::new(SandboxRates::new(own, label(RATE_SOURCE), label(RATE_SOURCE_PINNED)))
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

fn label(text: &str) -> Label {
    Label::new(text).expect("the sandbox's texts are labels")
}

pub(crate) fn currency(code: &str) -> Currency {
    Currency::from_code(code).expect("the sandbox's currencies are of ISO 4217")
}
