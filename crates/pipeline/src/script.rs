//! Records as a ledger would have written them, for tests.

use std::sync::Arc;

use domain::{
    AccountId, AccountKind, ApiKeyHash, AuthorizationIncreased, AuthorizePayment, CaptureMode, Command, Consent,
    Conversions, Converted, CurrencyPair, DIGEST_BYTES, Decline, DeclineReason, Digest, Event, Evidence, GrantMandate,
    IncreaseAuthorization, InstallPolicy, IssueCode, Label, Lsn, MandateId, MerchantId, Name, OpenAccount,
    PaymentAmount, PaymentAuthorized, PaymentId, PaymentState, PaymentTotals, Policy, PublishRates, RateTick,
    RatesPublished, Record, RegisterMerchant, RegisterWallet, TickPrice, Timestamp, WalletId,
};
use money::{Currency, Money, Rate, Ratio};

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
    let ratio = |text| Ratio::parse(text).unwrap();
    Policy::basic(ratio("0.01"), 60_000, ratio("0.1"))
}

pub(crate) fn policy_installed(policy: Policy) -> Record {
    record(Command::InstallPolicy(InstallPolicy { policy: Arc::new(policy) }), Event::PolicyInstalled)
}

/// A rate that speaks of the epoch.
pub(crate) fn tick(pair: CurrencyPair, mid_rate: &str) -> RateTick {
    let price = TickPrice::Mid(Rate::parse(mid_rate).unwrap());
    let source = Label::new("desk").unwrap();
    RateTick { pair, price, source, as_of: Timestamp::EPOCH, valid_until: None }
}

/// Rates of pairs that moved by 1, 2, 3 … millionths.
pub(crate) fn rates_published(lsn: u64, ticks: &[RateTick]) -> Record {
    let move_ppm = (1..).take(ticks.len()).collect();
    let command = PublishRates { ticks: ticks.to_vec(), override_reason: None };
    let event = Event::RatesPublished(RatesPublished { move_ppm });
    Record { lsn: Lsn::new(lsn), ..record(Command::PublishRates(command), event) }
}

pub(crate) fn wallet_account(currency: Currency, index: u32) -> AccountId {
    AccountId { kind: AccountKind::Wallet, currency, index }
}

pub(crate) fn digest(byte: u8) -> Digest {
    Digest([byte; DIGEST_BYTES])
}

/// A code that can be used for a minute from `at_ms` on.
pub(crate) fn code_issued(millis: i64, code: u8, account: AccountId) -> Record {
    let command = IssueCode {
        account: Evidence::Present(account),
        merchant: Evidence::Present(MerchantId(0)),
        debit_amount_max: Money::new(account.currency, 1_000),
        code: digest(code),
    };
    let expires_at = at_ms(millis).plus_millis(60_000);
    Record { at: at_ms(millis), ..record(Command::IssueCode(command), Event::CodeIssued { expires_at }) }
}

pub(crate) fn mandate_granted(mandate_id: MandateId, account: AccountId) -> Record {
    let command = GrantMandate {
        mandate_id,
        account: Evidence::Present(account),
        merchant: Evidence::Present(MerchantId(0)),
        payment_debit_max: Money::new(account.currency, 1_000),
        period_debit_max: Money::new(account.currency, 1_000),
        period_ms: 86_400_000,
        expires_at: at_ms(86_400_000),
    };
    record(Command::GrantMandate(command), Event::MandateGranted)
}

/// A payment within one currency by this consent, approved.
pub(crate) fn authorized(consent: Consent) -> Record {
    let event = PaymentAuthorized { expires_at: at_ms(1), after: totals(), above_soft_limit: Vec::new() };
    record(authorize(consent), Event::PaymentAuthorized(event))
}

/// A payment within one currency by this consent, declined.
pub(crate) fn declined(consent: Consent) -> Record {
    let decline = Decline { reason: DeclineReason::InsufficientBalance, paid_by: None };
    record(authorize(consent), Event::Declined(decline))
}

/// More of a payment by this consent.
pub(crate) fn increased(consent: Consent) -> Record {
    let command = IncreaseAuthorization {
        merchant: MerchantId(0),
        payment_id: PaymentId::from_bytes([9; 16]),
        amount: Money::new(Currency::HKD, 1),
        converted: within_one_currency(),
        consent: Some(consent),
    };
    let event = AuthorizationIncreased { after: totals(), above_soft_limit: Vec::new() };
    record(Command::IncreaseAuthorization(command), Event::AuthorizationIncreased(event))
}

fn authorize(consent: Consent) -> Command {
    Command::AuthorizePayment(AuthorizePayment {
        payment_id: PaymentId::from_bytes([9; 16]),
        merchant: MerchantId(0),
        merchant_order_id: Label::new("order 1").unwrap(),
        merchant_order_digest: digest(5),
        presentment_amount: Money::new(Currency::HKD, 1),
        payer: Evidence::Present(wallet_account(Currency::HKD, 0)),
        converted: within_one_currency(),
        offer: None,
        capture_mode: CaptureMode::Manual,
        consent,
        debit_amount_max: None,
        sandbox_decline: None,
    })
}

fn within_one_currency() -> Evidence<Conversions> {
    Evidence::Present(Conversions { debit: Converted::SameCurrency, settlement: Converted::SameCurrency })
}

fn totals() -> PaymentTotals {
    let all = |minor_units| {
        let amount = Money::new(Currency::HKD, minor_units);
        PaymentAmount { presentment: amount, debit: amount, settlement: amount }
    };
    PaymentTotals {
        state: PaymentState::Authorized,
        authorized: all(1),
        captured: all(0),
        refunded: all(0),
        held: Money::new(Currency::HKD, 1),
    }
}

fn record(command: Command, event: Event) -> Record {
    Record { lsn: Lsn::new(1), at: Timestamp::EPOCH, key: None, command, event }
}
