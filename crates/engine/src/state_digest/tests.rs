use alloc::{collections::BTreeMap, string::ToString, sync::Arc, vec, vec::Vec};

use domain::{
    AccountId, AccountKind, ApiKeyHash, AuthorizePayment, CloseAccount, Command, Converted, CurrencyPair, Digest,
    DigestKey, Evidence, FIELDS_MAX, Fingerprint, IdempotencyKey, InitializeSwitch, InstallPolicy, Label, MerchantId,
    Method, Mode, MoveFunds, Name, OpenAccount, PaymentId, Policy, PublishRates, RateTick, RegisterMerchant,
    RegisterWallet, Stamped, Submission, Timestamp, WalletId,
};
use money::{Currency, Money, Rate, Ratio};

use super::*;
use crate::Decision;

const ALICE: AccountId = AccountId { kind: AccountKind::Wallet, currency: Currency::HKD, index: 0 };

/// What one run does otherwise than the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Change {
    Nothing,
    Clock,
    Mode,
    DigestKey,
    Policy,
    WalletName,
    MerchantName,
    MerchantDiscount,
    ApiKey,
    AccountName,
    AccountWallet,
    Rate,
    RateScale,
    RateTime,
    Balance,
    OrderId,
    PaymentId,
    AccountClosed,
    Tenant,
    Key,
    Fingerprint,
    RepeatedAnswer,
}

const CHANGES: [Change; 22] = [
    Change::Nothing,
    Change::Clock,
    Change::Mode,
    Change::DigestKey,
    Change::Policy,
    Change::WalletName,
    Change::MerchantName,
    Change::MerchantDiscount,
    Change::ApiKey,
    Change::AccountName,
    Change::AccountWallet,
    Change::Rate,
    Change::RateScale,
    Change::RateTime,
    Change::Balance,
    Change::OrderId,
    Change::PaymentId,
    Change::AccountClosed,
    Change::Tenant,
    Change::Key,
    Change::Fingerprint,
    Change::RepeatedAnswer,
];

/// A short ledger; whatever the change, it has as many records.
fn commands(change: Change) -> Vec<Submission> {
    let pick = |when, then: &'static str, otherwise: &'static str| if change == when { then } else { otherwise };
    let name = |text| Name::new(text).unwrap();
    let mode = if change == Change::Mode { Mode::Production } else { Mode::Sandbox };
    let digest_key = DigestKey { id: u32::from(change == Change::DigestKey), check: Digest([1; 16]) };
    let policy = Policy {
        fx_markup: Ratio::parse(pick(Change::Policy, "0.02", "0.01")).unwrap(),
        rate_age_ms_max: 30_000,
        rate_move_max: Ratio::parse("0.1").unwrap(),
    };
    let merchant = RegisterMerchant {
        name: name(pick(Change::MerchantName, "tea-house", "demo-cafe")),
        settlement_currency: Currency::HKD,
        discount: Ratio::parse(pick(Change::MerchantDiscount, "0.007", "0.006")).unwrap(),
        api_key_hash: ApiKeyHash([u8::from(change == Change::ApiKey); 32]),
    };
    let open = |wallet, text| OpenAccount { wallet, name: name(text), currency: Currency::HKD };
    let second = WalletId(u32::from(change == Change::AccountWallet));
    let mid_rate = pick(Change::Rate, "1.3", pick(Change::RateScale, "1.20", "1.2"));
    let tick = RateTick {
        pair: CurrencyPair { presentment: Currency::CNY, debit: Currency::HKD },
        mid_rate: Rate::parse(mid_rate).unwrap(),
        source: Label::new("test").unwrap(),
        as_of: Timestamp::from_micros(i64::from(change == Change::RateTime)),
    };
    let index = if change == Change::AccountClosed { 2 } else { 1 };
    let closed = AccountId { index, ..ALICE };
    let commands = vec![
        Command::InitializeSwitch(InitializeSwitch { mode, digest_key }),
        Command::InstallPolicy(InstallPolicy { policy }),
        Command::RegisterWallet(RegisterWallet { name: name("hk") }),
        Command::RegisterWallet(RegisterWallet { name: name(pick(Change::WalletName, "us", "cn")) }),
        Command::RegisterMerchant(merchant),
        Command::PublishRates(PublishRates { ticks: vec![tick] }),
        Command::OpenAccount(open(WalletId(0), pick(Change::AccountName, "ann", "alice"))),
        Command::OpenAccount(open(second, "bob")),
        Command::OpenAccount(open(WalletId(0), "carol")),
        Command::Deposit(funds(if change == Change::Balance { 10_001 } else { 10_000 })),
        Command::AuthorizePayment(payment(change)),
        Command::CloseAccount(CloseAccount { account: Evidence::Present(closed) }),
    ];
    let keyless = commands.into_iter().map(|command| Submission { key: None, command });
    keyless.chain([keyed_decline(change)]).collect()
}

/// A decline leaves nothing behind but what is remembered under its key.
fn keyed_decline(change: Change) -> Submission {
    let byte = |when| u8::from(change == when);
    let fingerprint = Fingerprint {
        method: Method::Withdraw,
        request: Digest([byte(Change::Fingerprint); 16]),
        fields: [0; FIELDS_MAX],
    };
    let tenant = if change == Change::Tenant { TenantId::Switch } else { TenantId::Operator };
    let key = IdempotencyKey { tenant, digest: Digest([byte(Change::Key); 16]), fingerprint };
    let units = if change == Change::RepeatedAnswer { 100_001 } else { 100_000 };
    Submission { key: Some(key), command: Command::Withdraw(funds(units)) }
}

fn funds(units: i128) -> MoveFunds {
    MoveFunds { account: Evidence::Present(ALICE), amount: Money::new(Currency::HKD, units) }
}

fn payment(change: Change) -> AuthorizePayment {
    AuthorizePayment {
        payment_id: PaymentId::from_bytes([u8::from(change == Change::PaymentId); 16]),
        merchant: MerchantId(0),
        merchant_order_id: Label::new("order-1").unwrap(),
        merchant_order_digest: Digest([u8::from(change == Change::OrderId); 16]),
        presentment_amount: Money::new(Currency::HKD, 100),
        payer: Evidence::Present(ALICE),
        converted: Evidence::Present(Converted::SameCurrency),
    }
}

fn play(change: Change) -> Engine {
    let mut engine = Engine::default();
    for command in commands(change) {
        let late = i64::from(change == Change::Clock);
        let at = Timestamp::from_micros(engine.applied_at().micros() + 1 + late);
        let stamped = Stamped { lsn: engine.applied_lsn().next(), at, command };
        let Decision::Recorded(event) = engine.decide(&stamped) else { panic!("{change:?} {stamped:?}") };
        engine.apply(&Arc::new(stamped.into_record(event)));
    }
    engine
}

#[test]
fn equal_runs_have_equal_digests() {
    for change in CHANGES {
        assert_eq!(play(change).digest(), play(change).digest());
    }
}

#[test]
fn every_kind_of_state_changes_the_digest() {
    let mut runs = BTreeMap::new();
    for change in CHANGES {
        if let Some(same) = runs.insert(play(change).digest().to_string(), change) {
            panic!("{change:?} and {same:?} have one digest");
        }
    }
}

#[test]
fn every_record_changes_the_digest() {
    let mut engine = Engine::default();
    let mut seen = vec![engine.digest()];
    for command in commands(Change::Nothing) {
        let at = Timestamp::from_micros(engine.applied_at().micros() + 1);
        let stamped = Stamped { lsn: engine.applied_lsn().next(), at, command };
        let Decision::Recorded(event) = engine.decide(&stamped) else { panic!("{stamped:?}") };
        engine.apply(&Arc::new(stamped.into_record(event)));
        assert!(!seen.contains(&engine.digest()), "lsn {}", engine.applied_lsn());
        seen.push(engine.digest());
    }
}

#[test]
fn a_house_account_at_zero_is_as_none() {
    let mut engine = play(Change::Nothing);
    let before = engine.digest();
    engine.ledger.open(AccountId::house(AccountKind::FxPosition, Currency::USD));
    assert_eq!(engine.digest(), before);
}
