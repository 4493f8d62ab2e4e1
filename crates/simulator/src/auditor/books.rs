//! The auditor's own model of the switch: what is so, what a request leads to, what it changes.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    exact::{Product, moved_within, share},
    plain::{Conversion, Deed, Found, Leg, Place},
};
use crate::request::{Ask, Caller, Code, Request, Rules, Tick, wallet_name};

const AMOUNT_MAX: i128 = 999_999_999_999_999;
const BALANCE_MAX: i128 = 999_999_999_999_999_999;
const RATES_KEPT: usize = 16;
const RATE_AHEAD_MICROS_MAX: i64 = 60_000_000;

/// What a request leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// A new record.
    Record(Deed),
    /// The answer recorded at this lsn.
    Repeat(u64),
    /// Nothing.
    Refuse(String),
}

/// All that is so after some records.
#[derive(Clone, Debug, Default)]
pub struct Books {
    pub(super) lsn: u64,
    pub(super) at: i64,
    begun: bool,
    rules: Option<Rules>,
    wallets: Vec<String>,
    merchants: Vec<Merchant>,
    accounts: Vec<Account>,
    balances: BTreeMap<Place, i128>,
    tape: BTreeMap<(Code, Code), Vec<Published>>,
    orders: BTreeMap<(u32, String), [u8; 16]>,
    keys: BTreeMap<(Caller, String), (Ask, u64)>,
    payments_captured: u64,
    payments_declined: u64,
}

#[derive(Clone, Debug)]
struct Merchant {
    name: String,
    currency: Code,
    discount_millionths: u32,
    api_key: String,
}

#[derive(Clone, Debug)]
pub(super) struct Account {
    wallet: u32,
    name: String,
    pub(super) place: Place,
    pub(super) closed: bool,
}

#[derive(Clone, Debug)]
struct Published {
    lsn: u64,
    tick: Tick,
}

impl Published {
    const fn rate(&self) -> (u64, u32) {
        (self.tick.mantissa, self.tick.scale)
    }
}

impl Books {
    pub(crate) const fn begun(&self) -> bool {
        self.begun
    }

    pub(crate) const fn has_rules(&self) -> bool {
        self.rules.is_some()
    }

    pub(crate) fn wallets(&self) -> u32 {
        number(self.wallets.len())
    }

    pub(crate) const fn merchants(&self) -> usize {
        self.merchants.len()
    }

    pub(crate) fn merchant_currency(&self, merchant: u32) -> Option<Code> {
        self.merchants.get(index(merchant)).map(|merchant| merchant.currency)
    }

    pub(crate) fn last_mantissa(&self, presentment: Code, debit: Code) -> Option<u64> {
        self.tape.get(&(presentment, debit))?.last().map(|last| last.tick.mantissa)
    }

    /// The moment the newest rate speaks of; 0 before the first.
    pub(crate) fn last_published_at(&self) -> i64 {
        self.tape.values().filter_map(|published| Some(published.last()?.tick.as_of)).max().unwrap_or(0)
    }

    /// Wallet and name of every account that is not closed.
    pub(crate) fn open_accounts(&self) -> impl Iterator<Item = (u32, &str)> {
        let open = self.accounts.iter().filter(|account| !account.closed);
        open.map(|account| (account.wallet, account.name.as_str()))
    }

    /// Captured and declined.
    pub(crate) const fn payments(&self) -> (u64, u64) {
        (self.payments_captured, self.payments_declined)
    }

    pub(super) fn accounts(&self) -> &[Account] {
        &self.accounts
    }

    pub(super) fn merchant_places(&self) -> impl Iterator<Item = Place> {
        (0..).zip(&self.merchants).map(|(number, merchant)| ("merchant_payable", merchant.currency, number))
    }

    pub(super) const fn balances(&self) -> &BTreeMap<Place, i128> {
        &self.balances
    }

    pub(super) fn balance(&self, place: Place) -> i128 {
        self.balances.get(&place).copied().unwrap_or(0)
    }

    /// What the stages must attach to a request that arrives at `now`, when these books are all that is durable.
    /// A rate may be called stale a millisecond late: the decision looks once more.
    pub(super) fn check_found(&self, request: &Request, found: &Found, now: i64) -> Result<(), String> {
        let account = match (&request.caller, &request.ask) {
            (
                Caller::Wallet(wallet),
                Ask::Close { account } | Ask::Deposit { account, .. } | Ask::Withdraw { account, .. },
            ) => self.account(*wallet, account),
            (Caller::Merchant(_), Ask::Pay { wallet, payer, .. }) => self.account(*wallet, payer),
            _ => None,
        };
        let place = account.map(|account| account.place);
        if place != found.account {
            return Err(format!("the stages found {:?}, the books have {place:?}", found.account));
        }
        let Ask::Pay { amount, currency, .. } = &request.ask else { return Ok(()) };
        let expected = match place {
            None => Conversion::None,
            Some((_, debit, _)) if debit == *currency => Conversion::Same,
            Some((_, debit, _)) => self.quote(*amount, currency, debit),
        };
        let stale_from = match (&expected, &self.rules) {
            (Conversion::Quoted { as_of, .. }, Some(rules)) => as_of.saturating_add(rules.rate_age_ms_max * 1_000),
            _ => i64::MAX,
        };
        match found.conversion {
            Conversion::RateStale if now >= stale_from => Ok(()),
            _ if found.conversion == expected && now < stale_from.saturating_add(1_000) => Ok(()),
            _ => Err(format!("the stages quoted {:?}, the books say {expected:?}", found.conversion)),
        }
    }

    fn quote(&self, amount: i64, presentment: Code, debit: Code) -> Conversion {
        let last = self.tape.get(&(presentment, debit)).and_then(|published| published.last());
        let (Some(rules), Some(last)) = (&self.rules, last) else { return Conversion::RateMissing };
        Conversion::Quoted {
            rate_lsn: last.lsn,
            mantissa: last.tick.mantissa,
            scale: last.tick.scale,
            as_of: last.tick.as_of,
            markup_millionths: rules.markup_millionths,
            amounts: amounts(amount, presentment, debit, last.rate(), rules.markup_millionths),
        }
    }

    /// What this request leads to when it is decided at `at`, on what the stages found.
    pub(super) fn decide(&self, request: &Request, found: &Found, at: i64) -> Verdict {
        if let Some(key) = &request.key
            && let Some((first, lsn)) = self.keys.get(&(request.caller, key.clone()))
        {
            return match difference(first, &request.ask) {
                None => Verdict::Repeat(*lsn),
                Some(field) => Verdict::Refuse(format!("key reused: {field}")),
            };
        }
        match self.decide_new(request, found, at) {
            Ok(deed) => Verdict::Record(deed),
            Err(refusal) => Verdict::Refuse(refusal),
        }
    }

    fn decide_new(&self, request: &Request, found: &Found, at: i64) -> Result<Deed, String> {
        let refuse = |why: &str| Err(why.to_owned());
        match &request.ask {
            Ask::Begin if self.lsn == 0 => return Ok(Deed::Begun),
            Ask::InstallPolicy(_) if self.begun => return Ok(Deed::PolicyInstalled),
            _ => {}
        }
        let Some(rules) = &self.rules else { return refuse("out of sequence") };
        match &request.ask {
            Ask::Begin | Ask::InstallPolicy(_) => refuse("out of sequence"),
            Ask::RegisterWallet { name } if self.wallets.contains(name) => refuse("wallet exists"),
            Ask::RegisterWallet { .. } => Ok(Deed::WalletRegistered(number(self.wallets.len()))),
            Ask::RegisterMerchant { name, api_key, .. } => {
                if self.merchants.iter().any(|merchant| merchant.name == *name) {
                    return refuse("merchant exists");
                }
                if self.merchants.iter().any(|merchant| merchant.api_key == *api_key) {
                    return refuse("api key taken");
                }
                Ok(Deed::MerchantRegistered(number(self.merchants.len())))
            }
            Ask::PublishRates(ticks) => self.decide_rates(rules, ticks, at),
            Ask::Open { account, currency } => {
                let Caller::Wallet(wallet) = request.caller else { return refuse("not a wallet") };
                if index(wallet) >= self.wallets.len() {
                    return refuse("wallet not found");
                }
                match self.account(wallet, account) {
                    Some(_) => refuse("account exists"),
                    None => Ok(Deed::Opened(("wallet", currency, number(self.accounts.len())))),
                }
            }
            Ask::Close { .. } => self.decide_close(found),
            Ask::Deposit { amount, currency, .. } => self.decide_movement(found, i128::from(*amount), currency),
            Ask::Withdraw { amount, currency, .. } => self.decide_movement(found, -i128::from(*amount), currency),
            Ask::Pay { order, amount, currency, .. } => {
                self.decide_payment(request.caller, rules, order, (*amount, currency), found, at)
            }
        }
    }

    fn decide_rates(&self, rules: &Rules, ticks: &[Tick], at: i64) -> Result<Deed, String> {
        for tick in ticks {
            let pair = format!("{} per {}", tick.debit, tick.presentment);
            if tick.as_of > at + RATE_AHEAD_MICROS_MAX {
                return Err(format!("rate from the future: {pair}"));
            }
            let Some(last) = self.tape.get(&(tick.presentment, tick.debit)).and_then(|published| published.last())
            else {
                continue;
            };
            if tick.as_of < last.tick.as_of {
                return Err(format!("rate before {}: {pair}", last.tick.as_of));
            }
            if !moved_within((tick.mantissa, tick.scale), last.rate(), rules.rate_move_millionths) {
                return Err(format!("rate moved too far: {pair}"));
            }
        }
        Ok(Deed::RatesPublished)
    }

    fn decide_close(&self, found: &Found) -> Result<Deed, String> {
        let account = self.found_account(found)?;
        Ok(match (account.closed, self.balance(account.place)) {
            (true, _) => declined("account_closed"),
            (false, 0) => Deed::Closed,
            (false, _) => declined("account_not_empty"),
        })
    }

    fn decide_movement(&self, found: &Found, change: i128, currency: Code) -> Result<Deed, String> {
        let account = self.found_account(found)?;
        if account.place.1 != currency {
            return Err(format!("account in {}, amount in {currency}", account.place.1));
        }
        if account.closed {
            return Ok(declined("account_closed"));
        }
        let nostro = ("nostro", currency, 0);
        let leg = if change > 0 { (nostro, account.place, change) } else { (account.place, nostro, -change) };
        Ok(match self.refused_by_balances(&[leg]) {
            Some(reason) => declined(reason),
            None => Deed::Moved { leg, balance: self.balance(account.place) + change },
        })
    }

    fn decide_payment(
        &self,
        caller: Caller,
        rules: &Rules,
        order: &str,
        (amount, currency): (i64, Code),
        found: &Found,
        at: i64,
    ) -> Result<Deed, String> {
        let Caller::Merchant(id) = caller else { return Err("not a merchant".to_owned()) };
        let merchant = self.merchants.get(index(id)).ok_or("merchant not found")?;
        let payer = self.found_account(found)?;
        if merchant.currency != currency {
            return Err(format!("paid in {}, asks in {currency}", merchant.currency));
        }
        let debit_currency = payer.place.1;
        let pair = format!("{debit_currency} per {currency}");
        match &found.conversion {
            Conversion::None => return Err("account not found".to_owned()),
            Conversion::RateMissing => return Err(format!("rate missing: {pair}")),
            Conversion::RateStale => return Err(format!("rate stale: {pair}")),
            Conversion::Quoted { as_of, .. } if at >= as_of + rules.rate_age_ms_max * 1_000 => {
                return Err(format!("rate stale: {pair}"));
            }
            Conversion::Same | Conversion::Quoted { .. } => {}
        }
        if let Some(paid_by) = self.orders.get(&(id, order.to_owned())) {
            return Ok(Deed::Declined { reason: "order_already_paid", paid_by: Some(*paid_by) });
        }
        let payable = ("merchant_payable", currency, id);
        let mut legs = Vec::new();
        match &found.conversion {
            Conversion::Quoted { rate_lsn, markup_millionths, amounts: quoted, .. } => {
                let published = self.tape.get(&(currency, debit_currency)).into_iter().flatten();
                let Some(rate) = published.into_iter().find(|published| published.lsn == *rate_lsn) else {
                    return Ok(declined("quote_not_reproduced"));
                };
                let expected = amounts(amount, currency, debit_currency, rate.rate(), rules.markup_millionths);
                if *markup_millionths != rules.markup_millionths || *quoted != expected {
                    return Ok(declined("quote_not_reproduced"));
                }
                let Some((debit, mid)) = expected else { return Ok(declined("debit_amount_too_large")) };
                legs.push((payer.place, ("fx_position", debit_currency, 0), mid));
                legs.push((payer.place, ("fx_markup", debit_currency, 0), debit - mid));
                legs.push((("fx_position", currency, 0), payable, i128::from(amount)));
            }
            _ => legs.push((payer.place, payable, i128::from(amount))),
        }
        let discount = share(amount, merchant.discount_millionths);
        legs.push((payable, ("fee_income", currency, 0), discount));
        legs.retain(|(_, _, amount)| *amount != 0);
        if payer.closed {
            return Ok(declined("account_closed"));
        }
        Ok(match self.refused_by_balances(&legs) {
            Some(reason) => declined(reason),
            None => Deed::Captured { settlement: i128::from(amount) - discount, legs },
        })
    }

    fn refused_by_balances(&self, legs: &[Leg]) -> Option<&'static str> {
        let mut after = BTreeMap::new();
        for (from, to, amount) in legs {
            *after.entry(*from).or_insert_with(|| self.balance(*from)) -= amount;
            *after.entry(*to).or_insert_with(|| self.balance(*to)) += amount;
        }
        let may_be_negative = |place: &Place| matches!(place.0, "fx_position" | "nostro");
        if after.iter().any(|(place, balance)| *balance < 0 && !may_be_negative(place)) {
            return Some("insufficient_balance");
        }
        after.values().any(|balance| balance.abs() > BALANCE_MAX).then_some("balance_limit")
    }

    /// Makes a deed so.
    pub(super) fn enter(
        &mut self,
        request: &Request,
        deed: &Deed,
        at: i64,
        payment_id: [u8; 16],
    ) -> Result<(), String> {
        self.lsn += 1;
        self.at = at;
        match (&request.ask, deed) {
            (Ask::Begin, _) => self.begun = true,
            (Ask::InstallPolicy(rules), _) => self.rules = Some(*rules),
            (Ask::RegisterWallet { name }, _) => self.wallets.push(name.clone()),
            (Ask::RegisterMerchant { name, currency, discount_millionths, api_key }, _) => {
                self.merchants.push(Merchant {
                    name: name.clone(),
                    currency,
                    discount_millionths: *discount_millionths,
                    api_key: api_key.clone(),
                });
            }
            (Ask::PublishRates(ticks), _) => self.publish(ticks),
            (Ask::Open { account, .. }, Deed::Opened(place)) => {
                let Caller::Wallet(wallet) = request.caller else { return Err("not a wallet".to_owned()) };
                self.accounts.push(Account { wallet, name: account.clone(), place: *place, closed: false });
            }
            (Ask::Close { account }, Deed::Closed) => self.close(request.caller, account),
            (_, Deed::Moved { leg, .. }) => self.post(&[*leg]),
            (Ask::Pay { order, .. }, Deed::Captured { legs, .. }) => {
                self.post(legs);
                let Caller::Merchant(merchant) = request.caller else { return Err("not a merchant".to_owned()) };
                if self.orders.insert((merchant, order.clone()), payment_id).is_some() {
                    return Err(format!("{order} was paid twice"));
                }
                self.payments_captured += 1;
            }
            (Ask::Pay { .. }, _) => self.payments_declined += 1,
            _ => {}
        }
        if let Some(key) = &request.key {
            let first = self.keys.insert((request.caller, key.clone()), (request.ask.clone(), self.lsn));
            if first.is_some() {
                return Err(format!("{key} of {:?} had a second effect", request.caller));
            }
        }
        self.check_sums()
    }

    fn publish(&mut self, ticks: &[Tick]) {
        for tick in ticks {
            let published = self.tape.entry((tick.presentment, tick.debit)).or_default();
            published.push(Published { lsn: self.lsn, tick: tick.clone() });
            let surplus = published.len().saturating_sub(RATES_KEPT);
            published.drain(..surplus);
        }
    }

    fn close(&mut self, caller: Caller, name: &str) {
        for account in &mut self.accounts {
            account.closed |= Caller::Wallet(account.wallet) == caller && account.name == name;
        }
    }

    fn post(&mut self, legs: &[Leg]) {
        for (from, to, amount) in legs {
            *self.balances.entry(*from).or_insert(0) -= amount;
            *self.balances.entry(*to).or_insert(0) += amount;
        }
    }

    fn check_sums(&self) -> Result<(), String> {
        let currencies: BTreeSet<Code> = self.balances.keys().map(|place| place.1).collect();
        for currency in currencies {
            let sum: i128 = self.balances.iter().filter(|(place, _)| place.1 == currency).map(|(_, sum)| sum).sum();
            if sum != 0 {
                return Err(format!("the accounts in {currency} sum to {sum}"));
            }
        }
        Ok(())
    }

    fn account(&self, wallet: u32, name: &str) -> Option<&Account> {
        self.accounts.iter().find(|account| account.wallet == wallet && account.name == name)
    }

    fn found_account(&self, found: &Found) -> Result<&Account, String> {
        let place = found.account.ok_or("account not found")?;
        self.accounts.iter().find(|account| account.place == place).ok_or_else(|| "account not found".to_owned())
    }
}

fn declined(reason: &'static str) -> Deed {
    Deed::Declined { reason, paid_by: None }
}

/// Debit and mid; `None` when the debit is more than one amount may be.
fn amounts(amount: i64, from: Code, to: Code, rate: (u64, u32), markup_millionths: u32) -> Option<(i128, i128)> {
    let debit = Product::new(amount, from, to, rate, markup_millionths).up();
    (debit <= AMOUNT_MAX).then(|| (debit, Product::new(amount, from, to, rate, 0).half_up()))
}

/// The published name of the first field in which two requests differ.
fn difference(first: &Ask, later: &Ask) -> Option<String> {
    let ((method, fields), (later_method, later_fields)) = (spelled(first), spelled(later));
    if method != later_method {
        return Some(format!("method (first used for {method})"));
    }
    let differs = fields.into_iter().zip(later_fields).find(|(first, later)| first.1 != later.1);
    differs.map(|(first, _)| first.0.to_owned())
}

/// A request as method and named fields.
fn spelled(ask: &Ask) -> (&'static str, Vec<(&'static str, String)>) {
    match ask {
        Ask::Begin | Ask::InstallPolicy(_) | Ask::RegisterWallet { .. } => ("none", Vec::new()),
        Ask::RegisterMerchant { name, currency, discount_millionths, api_key } => (
            "OperationsService.RegisterMerchant",
            vec![
                ("merchant_id", name.clone()),
                ("settlement_currency_code", (*currency).to_owned()),
                ("merchant_discount", discount_millionths.to_string()),
                ("api_key", api_key.clone()),
            ],
        ),
        Ask::PublishRates(ticks) => ("OperationsService.PublishRates", vec![("rates", format!("{ticks:?}"))]),
        Ask::Open { account, currency } => {
            ("AccountService.Open", vec![("account_id", account.clone()), ("currency_code", (*currency).to_owned())])
        }
        Ask::Close { account } => ("AccountService.Close", vec![("account_id", account.clone())]),
        Ask::Deposit { account, amount, currency } => ("AccountService.Deposit", movement(account, *amount, currency)),
        Ask::Withdraw { account, amount, currency } => {
            ("AccountService.Withdraw", movement(account, *amount, currency))
        }
        Ask::Pay { order, wallet, payer, amount, currency } => (
            "PaymentService.Authorize",
            vec![
                ("merchant_order_id", order.clone()),
                ("payer.wallet_id", wallet_name(*wallet)),
                ("payer.account_id", payer.clone()),
                ("presentment_amount.currency_code", (*currency).to_owned()),
                ("presentment_amount.minor_units", amount.to_string()),
            ],
        ),
    }
}

fn movement(account: &str, amount: i64, currency: Code) -> Vec<(&'static str, String)> {
    vec![
        ("account_id", account.to_owned()),
        ("amount.currency_code", currency.to_owned()),
        ("amount.minor_units", amount.to_string()),
    ]
}

fn number(length: usize) -> u32 {
    u32::try_from(length).expect("a story has few of a kind")
}

fn index(number: u32) -> usize {
    usize::try_from(number).expect("a small number")
}
