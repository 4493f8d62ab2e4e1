//! What the engine should say, written a second time: plain integers, plain maps, no code of the engine or of `money`.

use std::collections::BTreeMap;

use domain::{AccountId, AccountKind, DeclineReason, MerchantId, TenantId};
use money::Currency;

use crate::ask::{Ask, Step, Twist};

/// Settlement currency and discount in millionths of each merchant.
pub(crate) const MERCHANTS: [(&str, u32); 3] = [("CNY", 6_000), ("JPY", 0), ("HKD", 50_000)];
/// Currency of each account a run begins with.
pub(crate) const ACCOUNT_CURRENCIES: [&str; 4] = ["HKD", "CNY", "KWD", "HKD"];
/// Presentment, debit, and the rate around which rates are published: mantissa and scale.
pub(crate) const PAIRS: [(&str, &str, u64, u32); 7] = [
    ("CNY", "HKD", 1_179_291_231, 9),
    ("CNY", "KWD", 43_210_000, 9),
    ("JPY", "HKD", 51_000_001, 9),
    ("JPY", "CNY", 8_000_000_000, 0),
    ("JPY", "KWD", 2_035_001, 9),
    ("HKD", "CNY", 8_312_345_678, 10),
    ("HKD", "KWD", 3_900_007, 8),
];
const TICKS_KEPT: usize = 16;
const AMOUNT_MAX: i128 = 999_999_999_999_999;
const BALANCE_MAX: i128 = 999_999_999_999_999_999;

/// An answer, as far as the model tells it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Recorded(What),
    /// As at this lsn.
    Repeated(u64),
    Refused(String),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum What {
    PolicyInstalled,
    RatesPublished,
    Opened(u32),
    Closed,
    Moved {
        posting: (AccountId, AccountId, i128),
        balance: i128,
    },
    Captured {
        settlement: i128,
        postings: Vec<(AccountId, AccountId, i128)>,
    },
    /// With the lsn of the payment that holds the order.
    Declined(DeclineReason, Option<u64>),
}

/// What the stages find for a payment.
#[derive(Clone, Debug)]
pub(crate) enum Evidenced {
    SameCurrency,
    Missing,
    Stale,
    Quoted { lsn: u64, mantissa: u64, scale: u32, as_of: i64, amounts: Option<(i128, i128)> },
}

#[derive(Clone, Debug)]
pub(crate) struct Account {
    pub(crate) wallet: u32,
    pub(crate) name: u8,
    pub(crate) currency: &'static str,
    pub(crate) open: bool,
}

#[derive(Clone, Copy, Debug)]
struct Tick {
    lsn: u64,
    mantissa: u64,
    as_of: i64,
}

#[derive(Debug)]
pub(crate) struct Model {
    pub(crate) accounts: Vec<Account>,
    pub(crate) balances: BTreeMap<AccountId, i128>,
    /// Markup, age in milliseconds, band.
    pub(crate) policy: (u32, i64, u32),
    ticks: BTreeMap<usize, Vec<Tick>>,
    orders: BTreeMap<(usize, u8), u64>,
    keys: BTreeMap<(TenantId, u8), (Ask, u64)>,
}

impl Model {
    pub(crate) fn new(accounts: Vec<Account>, policy: (u32, i64, u32)) -> Self {
        let (balances, ticks, orders, keys) = Default::default();
        Self { accounts, balances, policy, ticks, orders, keys }
    }

    pub(crate) fn account(&self, account: usize) -> Option<&Account> {
        self.accounts.get(account)
    }

    pub(crate) fn account_id(&self, account: usize) -> Option<AccountId> {
        let found = self.accounts.get(account)?;
        let index = u32::try_from(account).expect("a few accounts");
        Some(AccountId { kind: AccountKind::Wallet, currency: currency(found.currency), index })
    }

    pub(crate) fn balance(&self, account: AccountId) -> i128 {
        self.balances.get(&account).copied().unwrap_or(0)
    }

    /// What should be said to a step at `at`, were its record to stand at `lsn`.
    pub(crate) fn predict(&self, step: &Step, at: i64) -> Outcome {
        if let (Some(key), Some(method)) = (step.key, step.ask.method())
            && let Some((first, lsn)) = self.keys.get(&(step.ask.tenant(self), key))
        {
            if first.method() != Some(method) {
                return Outcome::Refused("key_reused method".to_owned());
            }
            let (ours, theirs) = (first.fields(), step.ask.fields());
            return match ours.iter().zip(&theirs).position(|(ours, theirs)| ours != theirs) {
                Some(field) => Outcome::Refused(format!("key_reused {field}")),
                None => Outcome::Repeated(*lsn),
            };
        }
        match self.new_request(&step.ask, at) {
            Ok(what) => Outcome::Recorded(what),
            Err(refusal) => Outcome::Refused(refusal.to_owned()),
        }
    }

    fn new_request(&self, ask: &Ask, at: i64) -> Result<What, &'static str> {
        match ask {
            Ask::Again { .. } => unreachable!("looked up by then"),
            Ask::Policy { .. } => Ok(What::PolicyInstalled),
            Ask::Rates { .. } => self.rates(ask, at),
            Ask::Open { wallet, name, .. } => {
                if *wallet > 1 {
                    return Err("wallet_not_found");
                }
                match self.accounts.iter().any(|account| (account.wallet, account.name) == (*wallet, *name)) {
                    true => Err("account_exists"),
                    false => Ok(What::Opened(u32::try_from(self.accounts.len()).expect("a few accounts"))),
                }
            }
            Ask::Close { account } => {
                let id = self.account_id(*account).ok_or("account_not_found")?;
                Ok(match (self.accounts[*account].open, self.balance(id)) {
                    (false, _) => What::Declined(DeclineReason::AccountClosed, None),
                    (true, 0) => What::Closed,
                    (true, _) => What::Declined(DeclineReason::AccountNotEmpty, None),
                })
            }
            Ask::Deposit { account, units } => self.moved(*account, i128::from(*units)),
            Ask::Withdraw { account, units } => self.moved(*account, -i128::from(*units)),
            Ask::Pay { merchant, order, account, units, twist } => {
                let Some((settlement, discount)) = MERCHANTS.get(*merchant) else { return Err("merchant_not_found") };
                let payer = self.account_id(*account).ok_or("account_not_found")?;
                if *twist == Twist::Currency {
                    return Err("presentment_currency_not_accepted");
                }
                let evidence = self.evidence(ask, at);
                match &evidence {
                    Evidenced::Missing => return Err("rate_missing"),
                    Evidenced::Stale => return Err("rate_stale"),
                    Evidenced::Quoted { as_of, .. } if at - as_of >= self.policy.1 * 1_000 => return Err("rate_stale"),
                    Evidenced::Quoted { .. } | Evidenced::SameCurrency => {}
                }
                if let Some(paid_by) = self.orders.get(&(*merchant, *order)) {
                    return Ok(What::Declined(DeclineReason::OrderAlreadyPaid, Some(*paid_by)));
                }
                let units = i128::from(*units);
                let converted = match self.reproduced(&evidence, settlement, payer, units) {
                    Ok(converted) => converted,
                    Err(reason) => return Ok(What::Declined(reason, None)),
                };
                if !self.accounts[*account].open {
                    return Ok(What::Declined(DeclineReason::AccountClosed, None));
                }
                Ok(self.captured(payer, *merchant, *discount, units, converted))
            }
        }
    }

    fn rates(&self, ask: &Ask, at: i64) -> Result<What, &'static str> {
        for (pair, mantissa, as_of) in ask.ticks(at) {
            if as_of > at + 60_000_000 {
                return Err("rate_from_the_future");
            }
            let Some(last) = self.ticks.get(&pair).and_then(|ticks| ticks.last()) else { continue };
            if as_of < last.as_of {
                return Err("rate_out_of_order");
            }
            // One scale per pair, so the mantissas compare as the rates do.
            let moved = u128::from(mantissa.abs_diff(last.mantissa)) * 1_000_000;
            if moved > u128::from(last.mantissa) * u128::from(self.policy.2) {
                return Err("rate_moved_too_far");
            }
        }
        Ok(What::RatesPublished)
    }

    fn moved(&self, account: usize, units: i128) -> Result<What, &'static str> {
        let id = self.account_id(account).ok_or("account_not_found")?;
        let nostro = house(AccountKind::Nostro, id.currency);
        let balance = self.balance(id) + units;
        let reason = if !self.accounts[account].open {
            DeclineReason::AccountClosed
        } else if balance < 0 {
            DeclineReason::InsufficientBalance
        } else if balance > BALANCE_MAX || self.balance(nostro) - units < -BALANCE_MAX {
            DeclineReason::BalanceLimit
        } else {
            let (debit, credit) = if units > 0 { (nostro, id) } else { (id, nostro) };
            return Ok(What::Moved { posting: (debit, credit, units.abs()), balance });
        };
        Ok(What::Declined(reason, None))
    }

    /// What the stages find for a payment at `at`, and what its twist makes of it.
    pub(crate) fn evidence(&self, ask: &Ask, at: i64) -> Evidenced {
        let Ask::Pay { merchant, account, units, twist, .. } = ask else { return Evidenced::Missing };
        let Some((presentment, _)) = MERCHANTS.get(*merchant) else { return Evidenced::Missing };
        let Some(payer) = self.account(*account) else { return Evidenced::Missing };
        if *twist == Twist::Missing {
            return Evidenced::Missing;
        }
        if *presentment == payer.currency {
            return Evidenced::SameCurrency;
        }
        let pair = PAIRS.iter().position(|pair| (pair.0, pair.1) == (*presentment, payer.currency));
        let Some(pair) = pair else { return Evidenced::Missing };
        let Some(ticks) = self.ticks.get(&pair) else { return Evidenced::Missing };
        let back = if let Twist::Older(back) = twist { *back } else { 0 };
        let Some(tick) = ticks.iter().rev().nth(back) else { return Evidenced::Missing };
        if *twist != Twist::Early && at - tick.as_of >= self.policy.1 * 1_000 {
            return Evidenced::Stale;
        }
        let scale = PAIRS[pair].3;
        let (debit, mid) = self.convert(i128::from(*units), *tick, pair);
        let debit_off = if let Twist::Debit(off) = twist { i128::from(*off) } else { 0 };
        let mid_off = if let Twist::Mid(off) = twist { i128::from(*off) } else { 0 };
        let amounts = (debit <= AMOUNT_MAX).then_some((debit + debit_off, mid + mid_off));
        let lsn = if *twist == Twist::Lsn { tick.lsn + 1 } else { tick.lsn };
        Evidenced::Quoted { lsn, mantissa: tick.mantissa, scale, as_of: tick.as_of, amounts }
    }

    /// Debit, rounded up, and mid, rounded half up, in minor units of the payer's currency.
    fn convert(&self, units: i128, tick: Tick, pair: usize) -> (i128, i128) {
        let (presentment, debit, _, scale) = PAIRS[pair];
        let exponent = scale + minor_digits(presentment) + 6 - minor_digits(debit);
        let divisor = 10_i128.pow(exponent);
        let at_mid = units * i128::from(tick.mantissa) * 1_000_000;
        let with_markup = units * i128::from(tick.mantissa) * i128::from(1_000_000 + self.policy.0);
        ((with_markup + divisor - 1) / divisor, (2 * at_mid + divisor) / (2 * divisor))
    }

    /// Debit and mid of a quote that follows from the last ticks and the markup; `None` when nothing is converted.
    fn reproduced(
        &self,
        evidence: &Evidenced,
        presentment: &str,
        payer: AccountId,
        units: i128,
    ) -> Result<Option<(i128, i128)>, DeclineReason> {
        let Evidenced::Quoted { lsn, mantissa, as_of, amounts, .. } = evidence else { return Ok(None) };
        let pair = PAIRS.iter().position(|pair| (pair.0, pair.1) == (presentment, payer.currency.code()));
        let pair = pair.expect("a quote is of a pair");
        let kept = self.ticks[&pair].iter().rev().take(TICKS_KEPT);
        let tick = kept.copied().find(|tick| (tick.lsn, tick.mantissa, tick.as_of) == (*lsn, *mantissa, *as_of));
        let (debit, mid) = self.convert(units, tick.ok_or(DeclineReason::QuoteNotReproduced)?, pair);
        match amounts {
            None if debit > AMOUNT_MAX => Err(DeclineReason::DebitAmountTooLarge),
            Some(amounts) if *amounts == (debit, mid) => Ok(Some(*amounts)),
            None | Some(_) => Err(DeclineReason::QuoteNotReproduced),
        }
    }

    fn captured(
        &self,
        payer: AccountId,
        merchant: usize,
        discount: u32,
        units: i128,
        converted: Option<(i128, i128)>,
    ) -> What {
        let presentment = currency(MERCHANTS[merchant].0);
        let payable = payable(merchant);
        let discount = (units * i128::from(discount) * 2 + 1_000_000) / 2_000_000;
        let mut postings = match converted {
            None => vec![(payer, payable, units)],
            Some((debit, mid)) => vec![
                (payer, house(AccountKind::FxPosition, payer.currency), mid),
                (payer, house(AccountKind::FxMarkup, payer.currency), debit - mid),
                (house(AccountKind::FxPosition, presentment), payable, units),
            ],
        };
        postings.push((payable, house(AccountKind::FeeIncome, presentment), discount));
        postings.retain(|(_, _, units)| *units != 0);

        let mut after = self.balances.clone();
        post(&mut after, &postings);
        if after.get(&payer).copied().unwrap_or(0) < 0 {
            return What::Declined(DeclineReason::InsufficientBalance, None);
        }
        if after.values().any(|balance| balance.abs() > BALANCE_MAX) {
            return What::Declined(DeclineReason::BalanceLimit, None);
        }
        What::Captured { settlement: units - discount, postings }
    }

    /// Makes what was recorded at `lsn` so.
    pub(crate) fn apply(&mut self, step: &Step, what: &What, lsn: u64, at: i64) {
        if let (Some(key), Some(_)) = (step.key, step.ask.method()) {
            self.keys.insert((step.ask.tenant(self), key), (step.ask.clone(), lsn));
        }
        match what {
            What::Moved { posting, .. } => post(&mut self.balances, &[*posting]),
            What::Captured { postings, .. } => post(&mut self.balances, postings),
            What::PolicyInstalled | What::RatesPublished | What::Opened(_) | What::Closed | What::Declined(..) => {}
        }
        match (&step.ask, what) {
            (Ask::Policy { markup, age_ms, band }, _) => self.policy = (*markup, *age_ms, *band),
            (Ask::Rates { .. }, _) => {
                for (pair, mantissa, as_of) in step.ask.ticks(at) {
                    self.ticks.entry(pair).or_default().push(Tick { lsn, mantissa, as_of });
                }
            }
            (Ask::Open { wallet, name, currency }, _) => {
                let currency = ACCOUNT_CURRENCIES[*currency];
                self.accounts.push(Account { wallet: *wallet, name: *name, currency, open: true });
            }
            (Ask::Close { account }, What::Closed) => self.accounts[*account].open = false,
            (Ask::Pay { merchant, order, .. }, What::Captured { .. }) => {
                self.orders.insert((*merchant, *order), lsn);
            }
            (_, _) => {}
        }
    }

    /// Each currency sums to zero, and only positions and the bank go below it.
    pub(crate) fn assert_sound(&self) {
        let mut sums: BTreeMap<Currency, i128> = BTreeMap::new();
        for (account, balance) in &self.balances {
            *sums.entry(account.currency).or_default() += balance;
            let may_be_negative = matches!(account.kind, AccountKind::FxPosition | AccountKind::Nostro);
            assert!(*balance >= 0 || may_be_negative, "{account:?} {balance}");
        }
        assert!(sums.values().all(|sum| *sum == 0), "{sums:?}");
    }
}

fn post(balances: &mut BTreeMap<AccountId, i128>, postings: &[(AccountId, AccountId, i128)]) {
    for (debit, credit, units) in postings {
        *balances.entry(*debit).or_default() -= units;
        *balances.entry(*credit).or_default() += units;
    }
}

fn payable(merchant: usize) -> AccountId {
    let index = MerchantId(u32::try_from(merchant).expect("a few merchants")).0;
    AccountId { kind: AccountKind::MerchantPayable, currency: currency(MERCHANTS[merchant].0), index }
}

fn house(kind: AccountKind, currency: Currency) -> AccountId {
    AccountId { kind, currency, index: 0 }
}

fn minor_digits(currency: &str) -> u32 {
    match currency {
        "JPY" => 0,
        "KWD" => 3,
        _ => 2,
    }
}

pub(crate) fn currency(code: &str) -> Currency {
    Currency::from_code(code).expect("a currency")
}
