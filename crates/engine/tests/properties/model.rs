//! What the engine should say, written a second time: plain integers, plain maps, no code of the engine or of `money`.

use std::collections::BTreeMap;

use domain::{AccountId, AccountKind, DeclineReason, MandateId, MerchantId, PaymentId, TenantId};
use money::Currency;

use crate::{
    ask::{Ask, Pay, Step, Subject, merchant_id},
    command::id,
    consents::Consents,
    exact::Fraction,
    payment::{AMOUNT_MAX, Payment, Totals},
    quotes::{Found, Offered},
    rules::Rules,
    tape::Tape,
};

/// Settlement currency and discount in millionths of each merchant.
pub(crate) const MERCHANTS: [(&str, u32); 3] = [("CNY", 6_000), ("JPY", 0), ("HKD", 50_000)];
/// Currency of each account a run begins with.
pub(crate) const ACCOUNT_CURRENCIES: [&str; 5] = ["HKD", "CNY", "KWD", "HKD", "JPY"];
pub(crate) const CURRENCIES: [&str; 4] = ["HKD", "CNY", "KWD", "JPY"];
const BALANCE_MAX: i128 = 999_999_999_999_999_999;

/// An answer, as far as the model tells it.
#[expect(clippy::large_enum_variant, reason = "an answer is compared and forgotten")]
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Recorded(What),
    /// As at this lsn.
    Repeated(u64),
    Refused(String),
}

pub(crate) type Post = (AccountId, AccountId, i128);

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum What {
    PolicyInstalled,
    RatesPublished(Vec<u32>),
    Opened(u32),
    Closed,
    Frozen,
    Unfrozen,
    Moved {
        posting: Post,
        balance: i128,
    },
    Authorized {
        expires_at: i64,
        after: Totals,
        above_soft_limit: Vec<&'static str>,
    },
    Captured {
        settlement: i128,
        postings: Vec<Post>,
        after: Totals,
        above_soft_limit: Vec<&'static str>,
    },
    Voided(Totals),
    Refunded {
        debit: i128,
        settlement: i128,
        repriced: Option<Repriced>,
        postings: Vec<Post>,
        after: Totals,
    },
    RefundPending {
        settlement: i128,
        postings: Vec<Post>,
        from_day: i64,
        after: Totals,
    },
    Increased {
        after: Totals,
        above_soft_limit: Vec<&'static str>,
    },
    /// By the lsns that approved them.
    Expired(Vec<(u64, Totals)>),
    Priced {
        payment: u64,
        refund: u64,
        debit: i128,
        repriced: Repriced,
        postings: Vec<Post>,
    },
    CodeIssued(i64),
    OrderApproved,
    MandateGranted,
    MandateRevoked,
    ReserveFunded(Post),
    PaidOut(Post),
    Squared(Vec<Post>),
    /// With the lsn of the payment that holds the order.
    Declined(DeclineReason, Option<u64>),
}

/// By which rate, published by which record, and what it cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Repriced {
    pub(crate) mid: Fraction,
    pub(crate) lsn: u64,
    pub(crate) difference: i128,
}

#[derive(Clone, Debug)]
pub(crate) struct Account {
    pub(crate) wallet: u32,
    pub(crate) name: u8,
    pub(crate) currency: &'static str,
    pub(crate) state: &'static str,
}

/// With the currencies: what the bank is given, what it gives, and what of the lack that closes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Deal {
    pub(crate) sold: (&'static str, i128),
    pub(crate) bought: (&'static str, i128),
    pub(crate) closed: i128,
}

#[derive(Debug)]
pub(crate) struct Model {
    pub(crate) sandbox: bool,
    pub(crate) accounts: Vec<Account>,
    pub(crate) balances: BTreeMap<AccountId, i128>,
    pub(crate) rules: Rules,
    pub(crate) tape: Tape,
    pub(crate) payments: Vec<Payment>,
    pub(crate) offers: Vec<Offered>,
    pub(crate) consents: Consents,
    /// What was asked first, where that is recorded, and when the key ends.
    keys: BTreeMap<(TenantId, u8), (Ask, u64, Option<i64>)>,
}

impl Model {
    pub(crate) fn new(sandbox: bool, accounts: Vec<Account>) -> Self {
        Self {
            sandbox,
            accounts,
            rules: Rules::first(),
            balances: BTreeMap::new(),
            tape: Tape::default(),
            payments: Vec::new(),
            offers: Vec::new(),
            consents: Consents::default(),
            keys: BTreeMap::new(),
        }
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

    /// What all payments of an account hold there.
    pub(crate) fn held(&self, account: usize) -> i128 {
        self.payments.iter().filter(|payment| payment.account == account).map(Payment::held).sum()
    }

    /// What is asked to be paid: by a quote what that is for, and by a consent whom that names.
    pub(crate) fn subject(&self, pay: &Pay) -> Subject {
        let mut subject = pay.subject;
        if let Some((offer, off)) = pay.offer
            && let Some(offered) = self.offers.get(offer)
        {
            subject = Subject { units: offered.subject.units + i64::from(off), ..offered.subject };
        }
        if let Some((account, merchant)) = self.consents.names(pay) {
            subject.account = account;
            // Now and then another merchant than the payer agreed to.
            if pay.order > 0 {
                subject.merchant = merchant;
            }
        }
        subject
    }

    pub(crate) fn offer(&self, pay: &Pay) -> Option<&Offered> {
        self.offers.get(pay.offer?.0)
    }

    /// Keeps a quote to be paid by later, if there is one.
    pub(crate) fn offered(&mut self, ask: &Ask, at: i64) {
        let Ask::Offer { subject, holds_s } = ask else { return };
        if let Found::Quoted(quoted) = self.evidence(subject, crate::ask::Twist::Nothing, at) {
            let number = u64::try_from(self.offers.len()).expect("a few offers");
            let expires_at = at + holds_s * 1_000_000;
            self.offers.push(Offered { number, subject: *subject, quoted, expires_at, used: false });
        }
    }

    /// Where the payment stands that is asked about: so many before the last, round and round.
    pub(crate) fn place(&self, asked: usize) -> Option<usize> {
        let payments = self.payments.len();
        (payments > 0 && asked < usize::MAX).then(|| payments - 1 - asked % payments)
    }

    pub(crate) fn payment(&self, asked: usize) -> Option<&Payment> {
        self.payments.get(self.place(asked)?)
    }

    /// The merchant that asks about a payment.
    pub(crate) fn asking(&self, payment: usize, stranger: bool) -> MerchantId {
        let merchant = self.payment(payment).map_or(0, |payment| payment.merchant);
        merchant_id((merchant + usize::from(stranger)) % MERCHANTS.len())
    }

    pub(crate) fn payment_id(&self, payment: usize) -> PaymentId {
        PaymentId::from_bytes(id(self.payment(payment).map_or(u64::MAX, |payment| payment.number)))
    }

    pub(crate) fn mandate_id(&self, mandate: usize) -> MandateId {
        MandateId::from_bytes(id(self.consents.mandates.get(mandate).map_or(u64::MAX, |mandate| mandate.number)))
    }

    pub(crate) fn presentment(&self, payment: usize) -> &'static str {
        self.payment(payment).map_or("CNY", |payment| payment.legs().presentment)
    }

    pub(crate) fn settlement(&self, merchant: usize) -> &'static str {
        MERCHANTS.get(merchant).map_or("CNY", |(currency, _)| currency)
    }

    /// Who is paid out: most often one that is owed something.
    pub(crate) fn creditor(&self, merchant: usize) -> usize {
        let creditors: Vec<usize> = (0..MERCHANTS.len()).filter(|merchant| self.owed(*merchant) > 0).collect();
        match merchant < MERCHANTS.len() && !creditors.is_empty() {
            true => creditors[merchant % creditors.len()],
            false => merchant,
        }
    }

    /// What a merchant is owed.
    pub(crate) fn owed(&self, merchant: usize) -> i128 {
        if merchant < MERCHANTS.len() { self.balance(payable(merchant)) } else { 0 }
    }

    pub(crate) fn uncaptured(&self, payment: usize) -> i128 {
        self.payment(payment).map_or(1, |payment| payment.authorized() - payment.captured())
    }

    pub(crate) fn unrefunded(&self, payment: usize) -> i128 {
        self.payment(payment).map_or(1, Payment::not_refunded)
    }

    pub(crate) fn increased(&self, payment: usize, units: i64) -> Subject {
        let (merchant, account) = self.payment(payment).map_or((0, 0), |row| (row.merchant, row.account));
        Subject { merchant, account, presentment: self.presentment(payment), units }
    }

    /// What should be said to a step at `at`, were its record to stand at `lsn`.
    pub(crate) fn predict(&self, step: &Step, at: i64) -> Outcome {
        if let (Some(key), Some(method)) = (step.key, step.ask.method())
            && let Some((first, lsn, ends_at)) = self.keys.get(&(step.ask.tenant(self), key))
            && ends_at.is_none_or(|ends_at| at < ends_at)
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
            Err(refusal) => Outcome::Refused(refusal),
        }
    }

    fn new_request(&self, ask: &Ask, at: i64) -> Result<What, String> {
        match ask {
            Ask::Again { .. } | Ask::Offer { .. } => unreachable!("no command by then"),
            Ask::Policy(_) => Ok(What::PolicyInstalled),
            Ask::Rates { .. } => self.tape.check(&self.rules, ask, at).map(What::RatesPublished),
            Ask::Open { .. } | Ask::Close { .. } | Ask::Freeze { .. } | Ask::Unfreeze { .. } => self.of_account(ask),
            Ask::Deposit { account, units } => self.moved(*account, i128::from(*units)),
            Ask::Withdraw { account, units } => self.moved(*account, -i128::from(*units)),
            Ask::Pay(pay) => self.pay(pay, at),
            Ask::Capture { .. } | Ask::Void { .. } | Ask::Increase { .. } => self.life(ask, at),
            Ask::Refund { payment, part, stranger } => {
                self.refund(*payment, part.of(self.unrefunded(*payment)), *stranger, at)
            }
            Ask::Code { .. } | Ask::Approve { .. } | Ask::Mandate { .. } | Ask::Revoke { .. } => self.consent(ask, at),
            Ask::Fund { merchant, units } => {
                let Some((settlement, _)) = MERCHANTS.get(*merchant) else { return refused("merchant_not_found") };
                let reserve = AccountId { kind: AccountKind::MerchantReserve, ..payable(*merchant) };
                let posting = (house(AccountKind::Nostro, settlement), reserve, i128::from(*units));
                Ok(self.posted(&[posting], None).unwrap_or(What::ReserveFunded(posting)))
            }
            Ask::PayOut { merchant, part } => {
                let merchant = self.creditor(*merchant);
                let Some((settlement, _)) = MERCHANTS.get(merchant) else { return refused("merchant_not_found") };
                let owed = self.owed(merchant);
                let units = part.of(owed).min(AMOUNT_MAX);
                let posting = (payable(merchant), house(AccountKind::Nostro, settlement), units);
                Ok(match units > owed {
                    true => What::Declined(DeclineReason::NotEnough, None),
                    false => self.posted(&[posting], None).unwrap_or(What::PaidOut(posting)),
                })
            }
            Ask::Square { .. } => self.squared(&self.deal(ask)),
        }
    }

    fn of_account(&self, ask: &Ask) -> Result<What, String> {
        let state = |account: usize| self.account(account).map(|account| account.state);
        match ask {
            Ask::Open { wallet, .. } if *wallet > 1 => refused("wallet_not_found"),
            Ask::Open { wallet, name, .. } => {
                match self.accounts.iter().any(|account| (account.wallet, account.name) == (*wallet, *name)) {
                    true => refused("account_exists"),
                    false => Ok(What::Opened(u32::try_from(self.accounts.len()).expect("a few accounts"))),
                }
            }
            Ask::Close { account } => {
                let id = self.account_id(*account).ok_or("account_not_found")?;
                let mut waiting = self.payments.iter().filter(|payment| payment.account == *account);
                let waits = waiting.any(|payment| !payment.pending.is_empty());
                Ok(match (state(*account), self.balance(id)) {
                    (Some("closed"), _) => What::Declined(DeclineReason::AccountClosed, None),
                    (_, 0) if !waits => What::Closed,
                    (_, _) => What::Declined(DeclineReason::AccountNotEmpty, None),
                })
            }
            Ask::Freeze { account } => match state(*account).ok_or("account_not_found")? {
                "open" => Ok(What::Frozen),
                other => Err(format!("account_state_not_allowed {other}")),
            },
            Ask::Unfreeze { account } => match state(*account).ok_or("account_not_found")? {
                "frozen" => Ok(What::Unfrozen),
                other => Err(format!("account_state_not_allowed {other}")),
            },
            other => unreachable!("{other:?} is not of an account"),
        }
    }

    fn moved(&self, account: usize, units: i128) -> Result<What, String> {
        let id = self.account_id(account).ok_or("account_not_found")?;
        let reason = match self.accounts[account].state {
            "closed" => DeclineReason::AccountClosed,
            "frozen" if units < 0 => DeclineReason::AccountFrozen,
            _ => {
                let nostro = AccountId { kind: AccountKind::Nostro, index: 0, ..id };
                let (debit, credit) = if units > 0 { (nostro, id) } else { (id, nostro) };
                let posting = (debit, credit, units.abs());
                let moved = What::Moved { posting, balance: self.balance(id) + units };
                return Ok(self.posted(&[posting], None).unwrap_or(moved));
            }
        };
        Ok(What::Declined(reason, None))
    }

    /// A deal about the positions as they are: most often what is long is sold, and what is short bought.
    pub(crate) fn deal(&self, ask: &Ask) -> Deal {
        let Ask::Square { sold, bought, part, closed, percent } = *ask else { unreachable!("{ask:?} is no deal") };
        let position = |currency: &str| self.balance(house(AccountKind::FxPosition, currency));
        let pick = |number: usize, open: &dyn Fn(&&&'static str) -> bool| {
            let of_use: Vec<&'static str> = CURRENCIES.iter().filter(open).copied().collect();
            *of_use.get(number % of_use.len().max(1)).unwrap_or(&CURRENCIES[number % CURRENCIES.len()])
        };
        let sold = pick(sold, &|currency| position(currency) > 0);
        let bought = pick(bought, &|currency| position(currency) < 0);
        let amount = |units: i128| units.clamp(1, AMOUNT_MAX);
        let closed = amount(closed.of((-position(bought)).max(0)));
        Deal {
            sold: (sold, amount(part.of(position(sold).max(0)))),
            bought: (bought, amount(closed * percent / 100)),
            closed,
        }
    }

    fn squared(&self, deal: &Deal) -> Result<What, String> {
        let Deal { sold: (sold, sold_units), bought: (bought, bought_units), closed } = *deal;
        if self.balance(house(AccountKind::FxPosition, sold)) < sold_units
            || self.balance(house(AccountKind::FxPosition, bought)) + closed > 0
        {
            return refused("position_too_small");
        }
        let nostro = house(AccountKind::Nostro, bought);
        let (position, result) = (house(AccountKind::FxPosition, bought), house(AccountKind::FxResult, bought));
        let mut postings = vec![
            (house(AccountKind::FxPosition, sold), house(AccountKind::Nostro, sold), sold_units),
            (nostro, position, bought_units.min(closed)),
        ];
        match bought_units - closed {
            0 => {}
            won @ 1.. => postings.push((nostro, result, won)),
            lost => postings.push((result, position, -lost)),
        }
        Ok(self.posted(&postings, None).unwrap_or(What::Squared(postings)))
    }

    /// Why these postings may not be made, while so much more is held on an account.
    pub(crate) fn posted(&self, postings: &[Post], hold: Option<(usize, i128)>) -> Option<What> {
        let mut after = self.balances.clone();
        post(&mut after, postings);
        let held = |id: &AccountId| {
            let account = usize::try_from(id.index).expect("a few accounts");
            let more = hold.filter(|(of, _)| *of == account).map_or(0, |(_, more)| more);
            if id.kind == AccountKind::Wallet { self.held(account) + more } else { 0 }
        };
        let payer = hold.and_then(|(account, _)| self.account_id(account));
        for id in payer.iter() {
            after.entry(*id).or_insert(0);
        }
        if after.iter().any(|(id, balance)| !may_be_negative(id.kind) && *balance < held(id)) {
            return Some(What::Declined(DeclineReason::InsufficientBalance, None));
        }
        let too_large = after.values().any(|balance| balance.abs() > BALANCE_MAX);
        too_large.then_some(What::Declined(DeclineReason::BalanceLimit, None))
    }

    /// Makes what was recorded at `lsn` so.
    pub(crate) fn apply(&mut self, step: &Step, what: &What, lsn: u64, at: i64) {
        if let (Some(key), Some(_)) = (step.key, step.ask.method()) {
            let ends_at = self.rules.key_ms.map(|key_ms| at.saturating_add(key_ms * 1_000));
            self.keys.insert((step.ask.tenant(self), key), (step.ask.clone(), lsn, ends_at));
        }
        let ask = &step.ask;
        // What a payment becomes is reckoned on the balances as they were.
        self.apply_payment(ask, what, lsn, at);
        self.apply_consent(ask, what, lsn, at);
        post(&mut self.balances, postings(what));
        match (ask, what) {
            (Ask::Policy(rules), _) => self.rules = (**rules).clone(),
            (Ask::Rates { .. }, What::RatesPublished(volatile)) => self.tape.published(ask, lsn, at, volatile),
            (Ask::Open { wallet, name, currency }, _) => {
                let currency = CURRENCIES[*currency];
                self.accounts.push(Account { wallet: *wallet, name: *name, currency, state: "open" });
            }
            (Ask::Close { account }, What::Closed) => self.accounts[*account].state = "closed",
            (Ask::Freeze { account }, What::Frozen) => self.accounts[*account].state = "frozen",
            (Ask::Unfreeze { account }, What::Unfrozen) => self.accounts[*account].state = "open",
            (_, _) => {}
        }
    }

    /// Each currency sums to zero, what is held is there, and every payment is within what it may be.
    pub(crate) fn assert_sound(&self) {
        let mut sums: BTreeMap<Currency, i128> = BTreeMap::new();
        for (account, balance) in &self.balances {
            *sums.entry(account.currency).or_default() += balance;
            assert!(*balance >= 0 || may_be_negative(account.kind), "{account:?} {balance}");
        }
        assert!(sums.values().all(|sum| *sum == 0), "{sums:?}");
        for number in 0..self.accounts.len() {
            let id = self.account_id(number).expect("it was counted");
            assert!(self.balance(id) >= self.held(number), "what is held on account {number} is there");
        }
        for payment in &self.payments {
            let Totals { authorized, captured, refunded, held, .. } = payment.totals();
            for place in 0..3 {
                assert!(authorized[place] >= captured[place] && captured[place] >= refunded[place], "{payment:?}");
            }
            assert!(held >= 0, "{payment:?}");
            let debited = payment.levels().debit + held;
            assert!(payment.consented.is_none_or(|max| authorized[1] <= max && debited <= max), "{payment:?}");
        }
    }

    /// Position and reservation of a currency.
    pub(crate) fn exposure(&self, of: &str) -> (i128, i128) {
        let reserved = self.payments.iter().map(|payment| {
            let (gained, lost) = payment.reserved();
            let part = |units, currency: &str| if currency == of { units } else { 0 };
            part(gained, payment.legs().debit) + part(lost, payment.legs().settlement)
        });
        (self.balance(house(AccountKind::FxPosition, of)), reserved.sum())
    }
}

pub(crate) fn postings(what: &What) -> &[Post] {
    match what {
        What::Moved { posting, .. } | What::ReserveFunded(posting) | What::PaidOut(posting) => {
            core::slice::from_ref(posting)
        }
        What::Captured { postings, .. }
        | What::Refunded { postings, .. }
        | What::RefundPending { postings, .. }
        | What::Priced { postings, .. }
        | What::Squared(postings) => postings,
        What::PolicyInstalled
        | What::RatesPublished(_)
        | What::Opened(_)
        | What::Closed
        | What::Frozen
        | What::Unfrozen
        | What::Authorized { .. }
        | What::Voided(_)
        | What::Increased { .. }
        | What::Expired(_)
        | What::CodeIssued(_)
        | What::OrderApproved
        | What::MandateGranted
        | What::MandateRevoked
        | What::Declined(..) => &[],
    }
}

pub(crate) fn post(balances: &mut BTreeMap<AccountId, i128>, postings: &[Post]) {
    for (debit, credit, units) in postings {
        *balances.entry(*debit).or_default() -= units;
        *balances.entry(*credit).or_default() += units;
    }
}

fn may_be_negative(kind: AccountKind) -> bool {
    matches!(kind, AccountKind::FxPosition | AccountKind::FxResult | AccountKind::Nostro)
}

pub(crate) fn payable(merchant: usize) -> AccountId {
    let index = merchant_id(merchant).0;
    AccountId { kind: AccountKind::MerchantPayable, currency: currency(MERCHANTS[merchant].0), index }
}

pub(crate) fn house(kind: AccountKind, currency: &str) -> AccountId {
    AccountId { kind, currency: self::currency(currency), index: 0 }
}

pub(crate) fn refused<T>(why: &str) -> Result<T, String> {
    Err(why.to_owned())
}

pub(crate) fn currency(code: &str) -> Currency {
    Currency::from_code(code).expect("a currency")
}
