//! The auditor's own model of the switch: what is so, what a request leads to, what it changes.

mod accounts;
mod authorize;
mod consents;
mod exposure;
mod invariants;
mod keys;
mod life;
mod payment;
mod quoting;
mod rates;
mod refunds;
mod stages;
mod timers;
mod together;

use std::collections::{BTreeMap, BTreeSet};

use super::plain::{Deed, Found, Leg, Place};
use crate::request::{Ask, Caller, Code, Id, PayerCode, Purpose, Request, Rules, Sum};
pub(super) use accounts::Account;
use accounts::AccountState;
use consents::{Approval, IssuedCode, Mandate};
use keys::difference;
pub(crate) use payment::Payment;
use rates::PairTape;
pub(crate) use rates::SOURCE;
pub(crate) use stages::Quoted;

/// The most one amount may be.
const AMOUNT_MAX: i128 = 999_999_999_999_999;

/// What a request leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// A new record.
    Record(Box<Decided>),
    /// The answer recorded at this lsn.
    Repeat(u64),
    /// Nothing.
    Refuse(String),
}

/// A new record and what it makes of the books.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decided {
    /// What happens.
    pub deed: Deed,
    /// What changes by it.
    changes: Vec<Change>,
}

impl Decided {
    const fn nothing_but(deed: Deed) -> Self {
        Self { deed, changes: Vec::new() }
    }

    const fn declined(reason: &'static str) -> Self {
        Self::nothing_but(Deed::Declined { reason, paid_by: None })
    }
}

/// Something that becomes so.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Change {
    Begun(Purpose),
    RulesInForce(Box<Rules>),
    Wallet(String),
    Merchant(Merchant),
    Published(Vec<crate::request::Tick>, Vec<u32>),
    Opened(Account),
    AccountStands(Place, AccountState),
    Posted(Vec<Leg>),
    Payment(Box<Payment>),
    CodeIssued(PayerCode, IssuedCode),
    CodeUsed(PayerCode),
    Approved((u32, String, Place), Approval),
    ApprovalUsed((u32, String, Place)),
    MandateGranted(Id, Mandate),
    MandateRevoked(Id),
    QuoteUsed(Id),
    WrongCode(u32),
    Settled(Outcome),
}

/// How a payment's first request ended, for the counts on the boards.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    Declined,
}

/// All that is so after some records.
#[derive(Clone, Debug, Default)]
pub struct Books {
    pub(super) lsn: u64,
    pub(super) at: i64,
    purpose: Option<Purpose>,
    rules: Option<Rules>,
    wallets: Vec<String>,
    merchants: Vec<Merchant>,
    accounts: Vec<Account>,
    balances: BTreeMap<Place, i128>,
    tape: BTreeMap<(Code, Code), PairTape>,
    payments: BTreeMap<Id, Payment>,
    /// Payments in the order they were approved.
    approved: Vec<Id>,
    codes: BTreeMap<PayerCode, IssuedCode>,
    approvals: BTreeMap<(u32, String, Place), Approval>,
    mandates: BTreeMap<Id, Mandate>,
    quotes_used: BTreeSet<Id>,
    /// When each merchant presented codes that do not exist.
    wrong_codes: BTreeMap<u32, Vec<i64>>,
    /// What was asked first, where that is recorded, and when the key ends.
    keys: BTreeMap<(Caller, String), (Ask, u64, Option<i64>)>,
    /// Which of the payments of its record each key is for.
    places: BTreeMap<(Caller, String), usize>,
    payments_declined: u64,
    /// Payments changed by the last round.
    touched: BTreeSet<Id>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Merchant {
    name: String,
    currency: Code,
    discount_millionths: u32,
    api_key: String,
}

/// What the clients of a story know.
impl Books {
    /// What the ledger is for, once it has begun.
    pub(crate) const fn purpose(&self) -> Option<Purpose> {
        self.purpose
    }

    pub(crate) const fn rules(&self) -> Option<&Rules> {
        self.rules.as_ref()
    }

    pub(crate) fn wallets(&self) -> u32 {
        number(self.wallets.len())
    }

    pub(crate) const fn merchants(&self) -> usize {
        self.merchants.len()
    }

    pub(crate) fn merchant_currency(&self, merchant: u32) -> Option<Code> {
        self.merchant(merchant).map(|merchant| merchant.currency)
    }

    pub(crate) fn merchant_name(&self, merchant: u32) -> Option<&str> {
        self.merchant(merchant).map(|merchant| merchant.name.as_str())
    }

    /// Wallet, name and currency of every account that is not closed.
    pub(crate) fn open_accounts(&self) -> impl Iterator<Item = (u32, &str, Code)> {
        let open = self.accounts.iter().filter(|account| account.state != AccountState::Closed);
        open.map(|account| (account.wallet, account.name.as_str(), account.place.1))
    }

    /// Payments that were approved, in that order.
    pub(crate) fn approved(&self) -> impl DoubleEndedIterator<Item = (Id, &Payment)> {
        self.approved.iter().map(|id| (*id, &self.payments[id]))
    }

    pub(crate) fn mandates(&self) -> impl Iterator<Item = (Id, &Mandate)> {
        self.mandates.iter().map(|(id, mandate)| (*id, mandate))
    }

    pub(crate) fn approvals(&self) -> impl Iterator<Item = (&(u32, String, Place), &Approval)> {
        self.approvals.iter()
    }

    pub(crate) fn codes(&self) -> impl Iterator<Item = (&PayerCode, &IssuedCode)> {
        self.codes.iter()
    }

    /// When the last record was made.
    pub(crate) const fn last_at(&self) -> i64 {
        self.at
    }

    /// Some frozen account of a wallet.
    pub(crate) fn frozen_account(&self, wallet: u32) -> Option<&str> {
        let frozen =
            self.accounts.iter().find(|account| account.wallet == wallet && account.state == AccountState::Frozen);
        frozen.map(|account| account.name.as_str())
    }

    /// What an account of a wallet has and does not hold, if that is anything.
    pub(crate) fn available(&self, wallet: u32, account: &str) -> Option<Sum> {
        let place = self.account(wallet, account)?.place;
        let units = i64::try_from(self.balance(place) - self.held(place)).ok().filter(|units| *units > 0)?;
        (i128::from(units) <= AMOUNT_MAX).then_some(Sum { units, currency: place.1 })
    }

    /// Open positions, as far as one deal could close them.
    pub(crate) fn positions(&self) -> Vec<(Code, i64)> {
        let positions = self.balances.iter().filter(|(place, _)| place.0 == "fx_position");
        positions.filter_map(|(place, units)| Some((place.1, i64::try_from(*units).ok()?))).collect()
    }

    pub(crate) fn balance(&self, place: Place) -> i128 {
        self.balances.get(&place).copied().unwrap_or(0)
    }

    pub(crate) fn account_of(&self, place: Place) -> Option<(u32, &str)> {
        let account = self.accounts.iter().find(|account| account.place == place)?;
        Some((account.wallet, account.name.as_str()))
    }
}

impl Books {
    pub(super) fn accounts(&self) -> &[Account] {
        &self.accounts
    }

    /// Places of all merchants: what each is owed, and its reserve once there was something in it.
    pub(super) fn merchant_places(&self) -> impl Iterator<Item = Place> {
        let payable = |(number, merchant): (u32, &Merchant)| ("merchant_payable", merchant.currency, number);
        let reserves = self.balances.keys().filter(|place| place.0 == "merchant_reserve").copied();
        (0..).zip(&self.merchants).map(payable).chain(reserves)
    }

    /// Payments of which something was captured, that were declined, and for which funds are held.
    pub(super) fn payment_counts(&self) -> (u64, u64, u64) {
        let count = |fits: fn(&&Payment) -> bool| {
            u64::try_from(self.payments.values().filter(fits).count()).expect("a story has few payments")
        };
        (count(|payment| payment.amounts()[1] > 0), self.payments_declined, count(|payment| payment.is_open()))
    }

    /// What the books have of a story's end.
    pub(crate) fn outcome(&self) -> (u64, u64) {
        let (captured, declined, _) = self.payment_counts();
        (captured, declined)
    }

    pub(super) const fn balances(&self) -> &BTreeMap<Place, i128> {
        &self.balances
    }

    pub(super) fn place_of(&self, caller: Caller, key: &str) -> Option<usize> {
        self.places.get(&(caller, key.to_owned())).copied()
    }

    pub(super) fn payment(&self, id: Id) -> Option<&Payment> {
        self.payments.get(&id)
    }

    /// What this request leads to when it is decided at `at`, on what the stages found; `id` is that of what it makes.
    pub(super) fn decide(&self, request: &Request, found: &Found, id: Id, at: i64) -> Verdict {
        if let Ask::Together(payments) = &request.ask {
            return self.verdict_together(request.caller, payments, found, at);
        }
        if let Some(key) = &request.key
            && let Some((first, lsn, ends_at)) = self.keys.get(&(request.caller, key.clone()))
            && ends_at.is_none_or(|ends_at| at < ends_at)
        {
            return match difference(first, &request.ask) {
                None => Verdict::Repeat(*lsn),
                Some(field) => Verdict::Refuse(format!("key reused: {field}")),
            };
        }
        match self.decide_new(request, found, id, at) {
            Ok(decided) => Verdict::Record(Box::new(decided)),
            Err(refusal) => Verdict::Refuse(refusal),
        }
    }

    fn decide_new(&self, request: &Request, found: &Found, id: Id, at: i64) -> Result<Decided, String> {
        match &request.ask {
            Ask::Begin(purpose) if self.lsn == 0 => {
                return Ok(Decided { deed: Deed::Begun, changes: vec![Change::Begun(*purpose)] });
            }
            Ask::InstallPolicy(rules) if self.purpose.is_some() => {
                return Ok(Decided { deed: Deed::PolicyInstalled, changes: vec![Change::RulesInForce(rules.clone())] });
            }
            _ => {}
        }
        let Some(rules) = &self.rules else { return Err("out of sequence".to_owned()) };
        match (request.caller, &request.ask) {
            (_, Ask::RegisterWallet { name }) => self.decide_wallet(name),
            (_, Ask::RegisterMerchant { .. }) => self.decide_merchant(&request.ask),
            (_, Ask::PublishRates { ticks, override_reason }) => {
                self.decide_rates(rules, ticks, override_reason.is_some(), at)
            }
            (_, Ask::FundReserve { amount, .. }) => self.decide_reserve(found, *amount),
            (_, Ask::PayOut { amount, .. }) => self.decide_pay_out(found, *amount),
            (_, Ask::Square { sold, bought, closed }) => self.decide_square(*sold, *bought, i128::from(*closed)),
            (Caller::Wallet(wallet), ask) => self.decide_of_wallet(wallet, request.key.as_deref(), ask, found, id, at),
            (Caller::Merchant(merchant), ask) => self.decide_of_merchant(rules, merchant, ask, found, id, at),
            _ => Err("out of sequence".to_owned()),
        }
    }

    fn decide_of_wallet(
        &self,
        wallet: u32,
        key: Option<&str>,
        ask: &Ask,
        found: &Found,
        id: Id,
        at: i64,
    ) -> Result<Decided, String> {
        match ask {
            Ask::Open { account, currency } => self.decide_open(wallet, account, currency),
            Ask::Close { .. } => self.decide_close(found),
            Ask::Freeze { .. } => self.decide_standing(found, AccountState::Open, AccountState::Frozen),
            Ask::Unfreeze { .. } => self.decide_standing(found, AccountState::Frozen, AccountState::Open),
            Ask::Deposit { amount, .. } => self.decide_movement(found, i128::from(amount.units), amount.currency),
            Ask::Withdraw { amount, .. } => self.decide_movement(found, -i128::from(amount.units), amount.currency),
            Ask::IssueCode { most, .. } => {
                let code = PayerCode::Issued { wallet, key: key.unwrap_or_default().to_owned() };
                self.decide_code(code, *most, found, at)
            }
            Ask::ApproveOrder { order, most, expires_at, .. } => {
                self.decide_approval(order, *most, *expires_at, found, at)
            }
            Ask::GrantMandate { .. } => self.decide_mandate(ask, found, id, at),
            Ask::RevokeMandate { mandate } => self.decide_revocation(wallet, *mandate),
            other => Err(format!("no wallet operator asks for {other:?}")),
        }
    }

    fn decide_of_merchant(
        &self,
        rules: &Rules,
        merchant: u32,
        ask: &Ask,
        found: &Found,
        id: Id,
        at: i64,
    ) -> Result<Decided, String> {
        match ask {
            Ask::Pay(pay) => self.decide_payment(rules, merchant, pay, found, id, at),
            Ask::Capture { payment, amount, rest } => self.decide_capture(merchant, *payment, *amount, *rest, at),
            Ask::Void { payment } => self.decide_void(merchant, *payment, at),
            Ask::Refund { payment, amount } => self.decide_refund(rules, merchant, *payment, *amount, id, at),
            Ask::Increase { payment, amount, code } => {
                self.decide_increase(rules, (merchant, *payment), *amount, code.as_ref(), found, at)
            }
            other => Err(format!("no merchant asks for {other:?}")),
        }
    }

    fn decide_wallet(&self, name: &str) -> Result<Decided, String> {
        if self.wallets.iter().any(|known| known == name) {
            return Err("wallet exists".to_owned());
        }
        let deed = Deed::WalletRegistered(self.wallets());
        Ok(Decided { deed, changes: vec![Change::Wallet(name.to_owned())] })
    }

    fn decide_merchant(&self, ask: &Ask) -> Result<Decided, String> {
        let Ask::RegisterMerchant { name, currency, discount_millionths, api_key } = ask else {
            return Err("not a registration".to_owned());
        };
        if self.merchants.iter().any(|merchant| merchant.name == *name) {
            return Err("merchant exists".to_owned());
        }
        if self.merchants.iter().any(|merchant| merchant.api_key == *api_key) {
            return Err("api key taken".to_owned());
        }
        let merchant = Merchant {
            name: name.clone(),
            currency,
            discount_millionths: *discount_millionths,
            api_key: api_key.clone(),
        };
        let deed = Deed::MerchantRegistered(number(self.merchants.len()));
        Ok(Decided { deed, changes: vec![Change::Merchant(merchant)] })
    }

    /// Makes what a request led to so.
    pub(super) fn enter(&mut self, request: &Request, decided: Decided, at: i64) -> Result<(), String> {
        self.lsn += 1;
        self.at = at;
        for change in decided.changes {
            self.change(change)?;
        }
        for (place, (key, ask)) in request.keyed().into_iter().enumerate() {
            self.places.insert((request.caller, key.to_owned()), place);
            let key_ms = self.rules.as_ref().and_then(|rules| rules.key_ms);
            let ends_at = key_ms.map(|key_ms| at + key_ms * 1_000);
            let used = (ask, self.lsn, ends_at);
            let first = self.keys.insert((request.caller, key.to_owned()), used);
            if first.is_some_and(|(.., ends_at)| ends_at.is_none_or(|ends_at| at < ends_at)) {
                return Err(format!("{key} of {:?} had a second effect", request.caller));
            }
        }
        self.check_sums()
    }

    fn change(&mut self, change: Change) -> Result<(), String> {
        match change {
            Change::Begun(purpose) => self.purpose = Some(purpose),
            Change::RulesInForce(rules) => self.rules = Some(*rules),
            Change::Wallet(name) => self.wallets.push(name),
            Change::Merchant(merchant) => self.merchants.push(merchant),
            Change::Published(ticks, move_ppm) => self.publish(&ticks, &move_ppm),
            Change::Opened(account) => self.accounts.push(account),
            Change::AccountStands(place, state) => self.stand(place, state),
            Change::Posted(legs) => self.post(&legs),
            Change::Payment(payment) => return self.put(*payment),
            Change::CodeIssued(code, issued) => {
                self.codes.insert(code, issued);
            }
            Change::CodeUsed(code) => self.use_code(&code)?,
            Change::Approved(order, approval) => {
                self.approvals.insert(order, approval);
            }
            Change::ApprovalUsed(order) => self.use_approval(&order)?,
            Change::MandateGranted(id, mandate) => {
                self.mandates.insert(id, mandate);
            }
            Change::MandateRevoked(id) => self.revoke(id),
            Change::QuoteUsed(id) => {
                if !self.quotes_used.insert(id) {
                    return Err("a quote was used twice".to_owned());
                }
            }
            Change::WrongCode(merchant) => self.count_wrong_code(merchant),
            Change::Settled(Outcome::Declined) => self.payments_declined += 1,
        }
        Ok(())
    }

    /// A payment as it now is; a new one must find its order free.
    fn put(&mut self, payment: Payment) -> Result<(), String> {
        let id = payment.id;
        if self.payments.contains_key(&id) {
            self.touched.insert(id);
            self.payments.insert(id, payment);
            return Ok(());
        }
        if let Some(holder) = self.holder_of_order(payment.merchant, &payment.order) {
            return Err(format!("{} was paid twice, by {holder:?} and {id:?}", payment.order));
        }
        self.approved.push(id);
        self.touched.insert(id);
        self.payments.insert(id, payment);
        Ok(())
    }

    /// The payment that holds a merchant's order: approved, and not ended with nothing captured.
    fn holder_of_order(&self, merchant: u32, order: &str) -> Option<Id> {
        let holds =
            |payment: &&Payment| payment.merchant == merchant && payment.order == order && !payment.ended_empty();
        self.payments.values().find(holds).map(|payment| payment.id)
    }

    fn post(&mut self, legs: &[Leg]) {
        for (from, to, amount) in legs {
            *self.balances.entry(*from).or_insert(0) -= amount;
            *self.balances.entry(*to).or_insert(0) += amount;
        }
    }

    fn merchant(&self, merchant: u32) -> Option<&Merchant> {
        self.merchants.get(index(merchant))
    }
}

fn number(length: usize) -> u32 {
    u32::try_from(length).expect("a story has few of a kind")
}

fn index(number: u32) -> usize {
    usize::try_from(number).expect("a small number")
}
