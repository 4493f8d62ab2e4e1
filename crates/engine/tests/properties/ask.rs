//! What is asked at random, and how it becomes a command.

use domain::{
    AccountId, AuthorizePayment, CloseAccount, Command, Converted, CurrencyPair, Digest, Evidence, FIELDS_MAX,
    Fingerprint, IdempotencyKey, InstallPolicy, Label, Lsn, MerchantId, Method, MoveFunds, Name, OpenAccount,
    PaymentId, Policy, PublishRates, Quote, QuotedAmounts, RateTick, Submission, TenantId, Timestamp, Unavailable,
    WalletId,
};
use money::{AMOUNT_MINOR_UNITS_MAX, Money, Rate, Ratio};
use proptest::prelude::*;

use crate::model::{ACCOUNT_CURRENCIES, Evidenced, MERCHANTS, Model, PAIRS, currency};

/// One request after a wait. `key` is one of a few, so that keys meet.
#[derive(Clone, Debug)]
pub(crate) struct Step {
    pub(crate) wait_us: i64,
    pub(crate) key: Option<u8>,
    pub(crate) ask: Ask,
}

#[derive(Clone, Debug)]
pub(crate) enum Ask {
    /// What was asked some steps ago, key and all, with the evidence of now.
    Again {
        steps_back: usize,
    },
    Policy {
        markup: u32,
        age_ms: i64,
        band: u32,
    },
    Rates {
        pair: usize,
        percent: u64,
        offset_s: i64,
        pairs: usize,
    },
    Open {
        wallet: u32,
        name: u8,
        currency: usize,
    },
    Close {
        account: usize,
    },
    Deposit {
        account: usize,
        units: i64,
    },
    Withdraw {
        account: usize,
        units: i64,
    },
    Pay {
        merchant: usize,
        order: u8,
        account: usize,
        units: i64,
        twist: Twist,
    },
}

/// What is wrong with a payment or its evidence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Twist {
    Nothing,
    /// The debit amount is off by this.
    Debit(i64),
    /// The mid amount is off by this.
    Mid(i64),
    /// Quoted by the rate this many before the last, or by none such.
    Older(usize),
    /// Names the record after the one that published the rate.
    Lsn,
    /// Quoted before the rate went stale.
    Early,
    /// The stage had no rate.
    Missing,
    /// Asks in a currency the merchant is not paid in.
    Currency,
}

pub(crate) fn step() -> impl Strategy<Value = Step> {
    let wait_us = prop_oneof![6 => 0..1_000_i64, 1 => 0..15_000_000_i64];
    (wait_us, proptest::option::weighted(0.7, 0..24_u8), ask()).prop_map(|(wait_us, key, ask)| Step {
        wait_us,
        key,
        ask,
    })
}

fn ask() -> impl Strategy<Value = Ask> {
    let units = || prop_oneof![4 => 1..200_000_i64, 1 => 1..=AMOUNT_MINOR_UNITS_MAX];
    let (accounts, merchants) = (ACCOUNT_CURRENCIES.len(), MERCHANTS.len());
    // Now and then one that is not there.
    let account = move || prop_oneof![16 => 0..accounts, 1 => accounts..accounts + 2];
    let merchant = prop_oneof![16 => 0..merchants, 1 => Just(merchants)];
    let policy = (prop::sample::select(vec![0, 10_000, 999_999]), 5_000..60_000_i64, 50_000..=1_000_000_u32);
    let rates = (0..PAIRS.len(), 80..=120_u64, prop_oneof![6 => Just(0), 1 => -5..=70_i64], 1..=PAIRS.len());
    let pay = (merchant, 0..8_u8, account(), units(), twist());
    prop_oneof![
        3 => (1..12_usize).prop_map(|steps_back| Ask::Again { steps_back }),
        1 => policy.prop_map(|(markup, age_ms, band)| Ask::Policy { markup, age_ms, band }),
        6 => rates.prop_map(|(pair, percent, offset_s, pairs)| Ask::Rates { pair, percent, offset_s, pairs }),
        1 => (0..3_u32, 0..8_u8, 0..ACCOUNT_CURRENCIES.len())
            .prop_map(|(wallet, name, currency)| Ask::Open { wallet, name, currency }),
        1 => account().prop_map(|account| Ask::Close { account }),
        5 => (account(), units()).prop_map(|(account, units)| Ask::Deposit { account, units }),
        2 => (account(), units()).prop_map(|(account, units)| Ask::Withdraw { account, units }),
        12 => pay.prop_map(|(merchant, order, account, units, twist)| {
            Ask::Pay { merchant, order, account, units, twist }
        }),
    ]
}

fn twist() -> impl Strategy<Value = Twist> {
    prop_oneof![
        8 => Just(Twist::Nothing),
        1 => prop::sample::select(vec![-1, 1]).prop_map(Twist::Debit),
        1 => prop::sample::select(vec![-1, 1]).prop_map(Twist::Mid),
        1 => (1..3_usize).prop_map(Twist::Older),
        1 => Just(Twist::Lsn),
        1 => Just(Twist::Early),
        1 => Just(Twist::Missing),
        1 => Just(Twist::Currency),
    ]
}

impl Ask {
    pub(crate) fn method(&self) -> Option<Method> {
        match self {
            Ask::Again { .. } | Ask::Policy { .. } => None,
            Ask::Rates { .. } => Some(Method::PublishRates),
            Ask::Open { .. } => Some(Method::OpenAccount),
            Ask::Close { .. } => Some(Method::CloseAccount),
            Ask::Deposit { .. } => Some(Method::Deposit),
            Ask::Withdraw { .. } => Some(Method::Withdraw),
            Ask::Pay { .. } => Some(Method::Authorize),
        }
    }

    /// Who asks. An unknown account is asked for by the first wallet operator.
    pub(crate) fn tenant(&self, model: &Model) -> TenantId {
        match self {
            Ask::Again { .. } | Ask::Policy { .. } | Ask::Rates { .. } => TenantId::Operator,
            Ask::Open { wallet, .. } => TenantId::Wallet(WalletId(*wallet)),
            Ask::Close { account } | Ask::Deposit { account, .. } | Ask::Withdraw { account, .. } => {
                TenantId::Wallet(WalletId(model.account(*account).map_or(0, |account| account.wallet)))
            }
            Ask::Pay { merchant, .. } => TenantId::Merchant(merchant_id(*merchant)),
        }
    }

    /// The fields of the request: what the caller said, and nothing that stages find.
    pub(crate) fn fields(&self) -> Vec<String> {
        match self {
            Ask::Again { .. } | Ask::Policy { .. } => Vec::new(),
            Ask::Rates { pair, percent, offset_s, pairs } => vec![format!("{pair} {percent} {offset_s} {pairs}")],
            Ask::Open { wallet: _, name, currency } => vec![name.to_string(), currency.to_string()],
            Ask::Close { account } => vec![account.to_string()],
            Ask::Deposit { account, units } | Ask::Withdraw { account, units } => {
                vec![account.to_string(), units.to_string()]
            }
            Ask::Pay { order, account, units, twist, .. } => {
                let currency = (*twist == Twist::Currency).to_string();
                vec![order.to_string(), account.to_string(), currency, units.to_string()]
            }
        }
    }

    fn command(&self, model: &Model, at: i64, number: u64) -> Command {
        match self {
            Ask::Again { .. } => unreachable!("looked up by then"),
            Ask::Policy { markup, age_ms, band } => Command::InstallPolicy(InstallPolicy {
                policy: Policy { fx_markup: ratio(*markup), rate_age_ms_max: *age_ms, rate_move_max: ratio(*band) },
            }),
            Ask::Rates { .. } => {
                let tick = |(pair, mantissa, as_of): (usize, u64, i64)| RateTick {
                    pair: pair_of(pair),
                    mid_rate: Rate::from_parts(mantissa, PAIRS[pair].3).expect("a rate"),
                    source: label("test"),
                    as_of: Timestamp::from_micros(as_of),
                };
                Command::PublishRates(PublishRates { ticks: self.ticks(at).into_iter().map(tick).collect() })
            }
            Ask::Open { wallet, name, currency } => Command::OpenAccount(OpenAccount {
                wallet: WalletId(*wallet),
                name: Name::new(&format!("account-{name}")).expect("a name"),
                currency: self::currency(ACCOUNT_CURRENCIES[*currency]),
            }),
            Ask::Close { account } => Command::CloseAccount(CloseAccount { account: found(model, *account) }),
            Ask::Deposit { account, units } => Command::Deposit(move_funds(model, *account, *units)),
            Ask::Withdraw { account, units } => Command::Withdraw(move_funds(model, *account, *units)),
            Ask::Pay { merchant, order, account, units, twist } => {
                let presentment = match *twist == Twist::Currency {
                    true => currency("EUR"),
                    false => currency(MERCHANTS.get(*merchant).map_or("CNY", |(currency, _)| currency)),
                };
                let mut id = [0; 16];
                id[8..].copy_from_slice(&number.to_be_bytes());
                Command::AuthorizePayment(AuthorizePayment {
                    payment_id: PaymentId::from_bytes(id),
                    merchant: merchant_id(*merchant),
                    merchant_order_id: label(&order.to_string()),
                    merchant_order_digest: digest(&order.to_string()),
                    presentment_amount: Money::payable(presentment, *units).expect("an amount"),
                    payer: found(model, *account),
                    converted: converted(model.evidence(self, at), model, *account, presentment),
                })
            }
        }
    }

    /// Pair, mantissa and moment of each rate published at `at`: so many pairs from this one on, each once.
    pub(crate) fn ticks(&self, at: i64) -> Vec<(usize, u64, i64)> {
        let Ask::Rates { pair, percent, offset_s, pairs } = self else { return Vec::new() };
        let tick = |pair: usize| (pair, PAIRS[pair].2 * percent / 100, at + offset_s * 1_000_000);
        (*pair..).take(*pairs).map(|pair| tick(pair % PAIRS.len())).collect()
    }
}

impl Step {
    /// The command of this step at `at`; `number` is unique to it.
    pub(crate) fn submission(&self, model: &Model, at: i64, number: u64) -> Submission {
        let key = self
            .key
            .zip(self.ask.method())
            .map(|(key, method)| self::key(self.ask.tenant(model), key, method, &self.ask.fields()));
        Submission { key, command: self.ask.command(model, at, number) }
    }
}

pub(crate) fn key(tenant: TenantId, key: u8, method: Method, asked: &[String]) -> IdempotencyKey {
    let mut fields = [0; FIELDS_MAX];
    for (field, text) in fields.iter_mut().zip(asked) {
        let bytes = digest(text).0;
        *field = u32::from_be_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
    }
    let request = digest(&format!("{method:?} {asked:?}"));
    IdempotencyKey { tenant, digest: digest(&key.to_string()), fingerprint: Fingerprint { method, request, fields } }
}

fn converted(found: Evidenced, model: &Model, account: usize, presentment: money::Currency) -> Evidence<Converted> {
    let Some(account) = model.account(account) else { return Evidence::Unavailable(Unavailable::AccountNotFound) };
    let pair = CurrencyPair { presentment, debit: currency(account.currency) };
    match found {
        Evidenced::SameCurrency => Evidence::Present(Converted::SameCurrency),
        Evidenced::Missing => Evidence::Unavailable(Unavailable::RateMissing(pair)),
        Evidenced::Stale => Evidence::Unavailable(Unavailable::RateStale(pair)),
        Evidenced::Quoted { lsn, mantissa, scale, as_of, amounts } => Evidence::Present(Converted::Quoted(Quote {
            mid_rate: Rate::from_parts(mantissa, scale).expect("a rate"),
            markup: ratio(model.policy.0),
            rate_lsn: Lsn::new(lsn),
            as_of: Timestamp::from_micros(as_of),
            source: label("test"),
            amounts: amounts.map(|(debit, mid)| QuotedAmounts {
                debit: Money::new(pair.debit, debit),
                mid: Money::new(pair.debit, mid),
            }),
        })),
    }
}

fn move_funds(model: &Model, account: usize, units: i64) -> MoveFunds {
    let currency = currency(model.account(account).map_or("HKD", |account| account.currency));
    MoveFunds { account: found(model, account), amount: Money::payable(currency, units).expect("an amount") }
}

fn found(model: &Model, account: usize) -> Evidence<AccountId> {
    match model.account_id(account) {
        Some(id) => Evidence::Present(id),
        None => Evidence::Unavailable(Unavailable::AccountNotFound),
    }
}

fn merchant_id(merchant: usize) -> MerchantId {
    MerchantId(u32::try_from(merchant).expect("a few merchants"))
}

fn pair_of(pair: usize) -> CurrencyPair {
    let (presentment, debit, ..) = PAIRS[pair];
    CurrencyPair { presentment: currency(presentment), debit: currency(debit) }
}

pub(crate) fn digest(text: &str) -> Digest {
    let mut digest = Digest([0; 16]);
    digest.0.copy_from_slice(&blake3::hash(text.as_bytes()).as_bytes()[..16]);
    digest
}

pub(crate) fn ratio(millionths: u32) -> Ratio {
    Ratio::from_millionths(millionths).expect("a ratio")
}

fn label(text: &str) -> Label {
    Label::new(text).expect("a label")
}
