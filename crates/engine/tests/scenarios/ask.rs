//! Rows as commands, with the evidence that stages would attach, unless the row says to attach something else.

use std::{collections::BTreeMap, sync::Arc};

use domain::{
    AccountId, ApiKeyHash, Command, CurrencyPair, Digest, DigestKey, Evidence, ExposureLimit, FIELDS_MAX, Fingerprint,
    HOLD_MS_DEFAULT, IdempotencyKey, InitializeSwitch, InstallPolicy, Label, MarkupTier, MerchantRules, Method, Mode,
    MoveFunds, Name, OnAccount, OpenAccount, Policy, PublishRates, Rail, RailRules, RateTick, RefundFunding,
    RefundRate, RegisterMerchant, RegisterWallet, Submission, TenantId, TickPrice, Timestamp, Unavailable,
    VolatilityBand, WalletId,
};
use money::{Currency, Money, Rate, Ratio, Weight};

use crate::{
    desk::{Desk, micros},
    table::Row,
};

pub(crate) const UNKNOWN: u32 = 999;

impl Desk {
    /// `pay` has its key first; other rows may have one as `key=`.
    pub(crate) fn key_text<'a>(&self, row: &'a Row) -> Option<&'a str> {
        match row.verb() {
            "pay" | "authorize" | "capture" | "void" | "refund" | "increase" => {
                row.arguments().first().copied().filter(|key| *key != "-")
            }
            _ => row.option("key"),
        }
    }

    pub(crate) fn submission(&mut self, row: &Row) -> Submission {
        let words = row.arguments();
        match (row.verb(), &words[..]) {
            ("initialize", [mode]) => unkeyed(initialize(mode)),
            ("policy", []) => unkeyed(Command::InstallPolicy(InstallPolicy { policy: Arc::new(policy(row)) })),
            ("wallet", [name]) => unkeyed(Command::RegisterWallet(RegisterWallet { name: self::name(name) })),
            ("merchant", [name, currency, discount]) => {
                let api_key = row.option("api_key").unwrap_or(name);
                let command = RegisterMerchant {
                    name: self::name(name),
                    settlement_currency: self::currency(currency),
                    discount: ratio(discount),
                    api_key_hash: ApiKeyHash(*blake3::hash(api_key.as_bytes()).as_bytes()),
                };
                let asked = [*name, *currency, *discount, api_key];
                let key = self.key(row, TenantId::Operator, Method::RegisterMerchant, &asked);
                Submission { key, command: Command::RegisterMerchant(command) }
            }
            ("rate", rates) => {
                let ticks = rates.chunks(4).map(|words| self.tick(row, words)).collect();
                let key = self.key(row, TenantId::Operator, Method::PublishRates, &[&rates.join(" ")]);
                let override_reason = row.option("override").map(label);
                Submission { key, command: Command::PublishRates(PublishRates { ticks, override_reason }) }
            }
            ("open", [account, currency]) => {
                let (wallet, name) = self.wallet_and_name(account);
                let key = self.key(row, TenantId::Wallet(wallet), Method::OpenAccount, &[account, currency]);
                let currency = self::currency(currency);
                Submission { key, command: Command::OpenAccount(OpenAccount { wallet, name, currency }) }
            }
            ("close", [account]) => self.on_account(row, account, Command::CloseAccount, Method::CloseAccount),
            ("freeze", [account]) => self.on_account(row, account, Command::FreezeAccount, Method::FreezeAccount),
            ("unfreeze", [account]) => self.on_account(row, account, Command::UnfreezeAccount, Method::UnfreezeAccount),
            ("deposit", [account, currency, units]) => {
                self.move_funds(row, Command::Deposit, Method::Deposit, [account, currency, units])
            }
            ("withdraw", [account, currency, units]) => {
                self.move_funds(row, Command::Withdraw, Method::Withdraw, [account, currency, units])
            }
            ("person" | "bind" | "unbind" | "answer" | "taken" | "settle", words) => self.card_submission(row, words),
            _ => self.payment_submission(row, &words),
        }
    }

    fn on_account(&self, row: &Row, account: &str, command: fn(OnAccount) -> Command, method: Method) -> Submission {
        let wallet = self.wallet_and_name(account).0;
        let key = self.key(row, TenantId::Wallet(wallet), method, &[account]);
        Submission { key, command: command(OnAccount { account: self.account(row, account) }) }
    }

    fn move_funds(&self, row: &Row, command: fn(MoveFunds) -> Command, method: Method, words: [&str; 3]) -> Submission {
        let [account, currency, units] = words;
        let wallet = self.wallet_and_name(account).0;
        let key = self.key(row, TenantId::Wallet(wallet), method, &words);
        let funds = MoveFunds { account: self.account(row, account), amount: money(currency, units) };
        Submission { key, command: command(funds) }
    }

    pub(crate) fn account(&self, row: &Row, account: &str) -> Evidence<AccountId> {
        if let Some(index) = row.option("account_index") {
            let index = index.parse().expect("an index is a number");
            return Evidence::Present(AccountId { index, ..self.accounts[account] });
        }
        match self.accounts.get(account) {
            Some(account) => Evidence::Present(*account),
            None => Evidence::Unavailable(Unavailable::AccountNotFound),
        }
    }

    pub(crate) fn wallet_and_name(&self, account: &str) -> (WalletId, Name) {
        let (wallet, account) = account.split_once('/').expect("an account is written wallet/account");
        (self.wallets.get(wallet).copied().unwrap_or(WalletId(UNKNOWN)), name(account))
    }

    fn tick(&self, row: &Row, words: &[&str]) -> RateTick {
        let [debit, "per", presentment, rate] = words else { panic!("no such row: {row}") };
        let price = match rate.split_once('/') {
            None => TickPrice::Mid(self::rate(rate)),
            Some((bid, ask)) => TickPrice::BidAsk { bid: self::rate(bid), ask: self::rate(ask) },
        };
        let from_now = |micros| Timestamp::from_micros(self.now.micros() + micros);
        RateTick {
            pair: CurrencyPair { presentment: currency(presentment), debit: currency(debit) },
            price,
            source: label("ECB"),
            as_of: from_now(row.option("as_of").map_or(0, micros)),
            valid_until: row.option("valid").map(|valid| from_now(micros(valid))),
        }
    }

    pub(crate) fn key(&self, row: &Row, tenant: TenantId, method: Method, asked: &[&str]) -> Option<IdempotencyKey> {
        let key = self.key_text(row)?;
        let mut fields = [0; FIELDS_MAX];
        for (field, text) in fields.iter_mut().zip(asked) {
            let bytes = digest(text).0;
            *field = u32::from_be_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
        }
        let request = digest(&format!("{method:?} {asked:?}"));
        Some(IdempotencyKey { tenant, digest: digest(key), fingerprint: Fingerprint { method, request, fields } })
    }
}

pub(crate) fn unkeyed(command: Command) -> Submission {
    Submission { key: None, command }
}

fn initialize(mode: &str) -> Command {
    let mode = match mode {
        "sandbox" => Mode::Sandbox,
        "production" => Mode::Production,
        _ => panic!("no such mode: {mode}"),
    };
    Command::InitializeSwitch(InitializeSwitch { mode, digest_key: DigestKey { id: 1, check: digest("secret") } })
}

fn policy(row: &Row) -> Policy {
    let option = |name| row.option(name).unwrap_or_else(|| panic!("a policy has {name}="));
    let basic = Policy::basic(ratio(option("markup")), micros(option("age")) / 1_000, ratio(option("band")));
    let rules = MerchantRules {
        hold_ms: row.option("hold").map_or(HOLD_MS_DEFAULT, |hold| micros(hold) / 1_000),
        refund_rate: named(&RefundRate::ALL, RefundRate::as_str, row.option("refund").unwrap_or("original")),
        refund_funding: named(
            &RefundFunding::ALL,
            RefundFunding::as_str,
            row.option("funding").unwrap_or("payable_only"),
        ),
    };
    let parts = |name| row.option(name).map(|text| text.split(':').collect::<Vec<_>>());
    Policy {
        pivot: row.option("pivot").map(currency),
        key_ms: row.option("keys").map(|keys| micros(keys) / 1_000),
        exposure: parts("exposure").map(|parts| exposure_limit(&parts)).into_iter().collect(),
        tiers: parts("tier").map(|parts| tier(&parts)).into_iter().collect(),
        volatility: parts("volatile").map(|parts| band(&parts)).into_iter().collect(),
        merchant_default: rules,
        cards: crate::cards::rules(row),
        rails: parts("wallet").map(|parts| (Rail::Wallet, on_rail(rules, &parts))).into_iter().collect(),
        ..basic
    }
}

/// `1h:current`, hold and refund, for all; or `1h:current:demo-cafe` for one merchant.
fn on_rail(everywhere: MerchantRules, parts: &[&str]) -> RailRules {
    let (hold, refund, merchant) = match parts {
        [hold, refund] => (hold, refund, None),
        [hold, refund, merchant] => (hold, refund, Some(merchant)),
        _ => panic!("no rules: {parts:?}"),
    };
    let rules = MerchantRules {
        hold_ms: micros(hold) / 1_000,
        refund_rate: named(&RefundRate::ALL, RefundRate::as_str, refund),
        ..everywhere
    };
    match merchant {
        None => RailRules { merchant_default: rules, merchants: BTreeMap::new() },
        Some(one) => RailRules { merchant_default: everywhere, merchants: BTreeMap::from([(name(one), rules)]) },
    }
}

/// `HKD:100.00:200.00`, soft and hard.
fn exposure_limit(parts: &[&str]) -> (Currency, ExposureLimit) {
    let [code, soft, hard] = parts else { panic!("no limit: {parts:?}") };
    (currency(code), ExposureLimit { soft: money(code, soft), hard: money(code, hard) })
}

/// `demo-cafe:CNY:1000.00:0.005`.
fn tier(parts: &[&str]) -> MarkupTier {
    let [merchant, code, min, markup] = parts else { panic!("no tier: {parts:?}") };
    let (merchant, amount_min) = (Some(name(merchant)), Some(money(code, min)));
    MarkupTier { pair: None, merchant, amount_min, fx_markup: ratio(markup) }
}

/// `10000:0.01:2`: from that mean move in millionths, added to the margin, weight of exposure.
fn band(parts: &[&str]) -> VolatilityBand {
    let [ppm, extra, weight] = parts else { panic!("no band: {parts:?}") };
    VolatilityBand {
        move_ppm_min: ppm.parse().expect("a move is a number"),
        markup_extra: ratio(extra),
        exposure_weight: Weight::parse(weight).expect("a weight"),
    }
}

fn named<T: Copy>(all: &[T], name_of: fn(T) -> &'static str, name: &str) -> T {
    *all.iter().find(|one| name_of(**one) == name).unwrap_or_else(|| panic!("nothing is called {name}"))
}

pub(crate) fn digest(text: &str) -> Digest {
    let mut digest = Digest([0; 16]);
    digest.0.copy_from_slice(&blake3::hash(text.as_bytes()).as_bytes()[..16]);
    digest
}

pub(crate) fn money(currency: &str, units: &str) -> Money {
    Money::parse(&format!("{currency} {units}")).unwrap_or_else(|error| panic!("{currency} {units}: {error}"))
}

pub(crate) fn currency(code: &str) -> Currency {
    Currency::from_code(code).unwrap_or_else(|error| panic!("{code}: {error}"))
}

pub(crate) fn rate(text: &str) -> Rate {
    Rate::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

pub(crate) fn ratio(text: &str) -> Ratio {
    Ratio::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

pub(crate) fn name(text: &str) -> Name {
    Name::new(text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

pub(crate) fn label(text: &str) -> Label {
    Label::new(text).unwrap_or_else(|error| panic!("{text}: {error}"))
}
