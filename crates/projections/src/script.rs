//! Records as a ledger would have written them, for tests. It keeps its own balances, so that a test compares two
//! reckonings and not one with itself.

use std::{collections::BTreeMap, sync::Arc};

use domain::{
    AccountId, AccountKind, ApiKeyHash, AuthorizePayment, CloseAccount, Command, Converted, Decline, DeclineReason,
    Digest, Event, Evidence, Label, Lsn, MerchantId, MoveFunds, Name, OpenAccount, PaymentCaptured, PaymentId, Posting,
    Record, RegisterMerchant, Timestamp, WalletId,
};
use money::{Currency, Money, Ratio};

/// What a payment moves, in minor units: mid and markup of the payer's currency, the rest of the merchant's.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Legs {
    pub(crate) mid: i128,
    pub(crate) markup: i128,
    pub(crate) presentment: i128,
    pub(crate) discount: i128,
}

/// A ledger written down record by record.
#[derive(Debug, Default)]
pub(crate) struct Script {
    pub(crate) records: Vec<Arc<Record>>,
    pub(crate) balances: BTreeMap<AccountId, Money>,
    accounts: u32,
    merchants: u32,
    payments: u8,
}

impl Script {
    pub(crate) fn open(&mut self, currency: Currency) -> AccountId {
        let account = AccountId { kind: AccountKind::Wallet, currency, index: self.accounts };
        self.accounts += 1;
        let name = Name::new(&format!("account-{}", account.index)).unwrap();
        let command = OpenAccount { wallet: WalletId(0), name, currency };
        self.push(Command::OpenAccount(command), Event::AccountOpened(account));
        account
    }

    pub(crate) fn close(&mut self, account: AccountId) {
        let command = CloseAccount { account: Evidence::Present(account) };
        self.push(Command::CloseAccount(command), Event::AccountClosed);
    }

    /// Registers a merchant and returns its payable account.
    pub(crate) fn register(&mut self, settlement_currency: Currency) -> AccountId {
        let merchant = MerchantId(self.merchants);
        self.merchants += 1;
        let command = RegisterMerchant {
            name: Name::new(&format!("merchant-{}", merchant.0)).unwrap(),
            settlement_currency,
            discount: Ratio::parse("0.006").unwrap(),
            api_key_hash: ApiKeyHash([0; 32]),
        };
        self.push(Command::RegisterMerchant(command), Event::MerchantRegistered(merchant));
        AccountId::merchant_payable(merchant, settlement_currency)
    }

    pub(crate) fn deposit(&mut self, account: AccountId, minor_units: i128) {
        let nostro = AccountId::house(AccountKind::Nostro, account.currency);
        let posting = self.post(nostro, account, minor_units);
        self.push(Command::Deposit(self.movement(account, posting)), self.moved(account, posting));
    }

    pub(crate) fn withdraw(&mut self, account: AccountId, minor_units: i128) {
        let nostro = AccountId::house(AccountKind::Nostro, account.currency);
        let posting = self.post(account, nostro, minor_units);
        self.push(Command::Withdraw(self.movement(account, posting)), self.moved(account, posting));
    }

    /// A payment over two currencies.
    pub(crate) fn capture(&mut self, payer: AccountId, payable: AccountId, legs: Legs) -> PaymentId {
        let settlement = legs.presentment - legs.discount;
        let payer_house = |kind| AccountId::house(kind, payer.currency);
        let merchant_house = |kind| AccountId::house(kind, payable.currency);
        let legs = [
            (payer, payer_house(AccountKind::FxPosition), legs.mid),
            (payer, payer_house(AccountKind::FxMarkup), legs.markup),
            (merchant_house(AccountKind::FxPosition), payable, legs.presentment),
            (payable, merchant_house(AccountKind::FeeIncome), legs.discount),
        ];
        let moving = legs.into_iter().filter(|(.., minor_units)| *minor_units > 0);
        let postings = moving.map(|(debit, credit, minor_units)| self.post(debit, credit, minor_units)).collect();
        let settlement_amount = Money::new(payable.currency, settlement);
        let command = self.authorize(payer, payable);
        let payment = command.payment_id;
        let event = Event::PaymentCaptured(PaymentCaptured { settlement_amount, postings });
        self.push(Command::AuthorizePayment(command), event);
        payment
    }

    pub(crate) fn decline(&mut self, payer: AccountId, payable: AccountId) -> PaymentId {
        let command = self.authorize(payer, payable);
        let payment = command.payment_id;
        let decline = Decline { reason: DeclineReason::InsufficientBalance, paid_by: None };
        self.push(Command::AuthorizePayment(command), Event::Declined(decline));
        payment
    }

    pub(crate) fn balance(&self, account: AccountId) -> Money {
        self.balances.get(&account).copied().unwrap_or(Money::zero(account.currency))
    }

    fn push(&mut self, command: Command, event: Event) {
        let lsn = self.records.last().map_or(Lsn::ZERO, |record| record.lsn).next();
        let at = Timestamp::EPOCH.plus_millis(i64::try_from(lsn.get()).unwrap());
        self.records.push(Arc::new(Record { lsn, at, key: None, command, event }));
    }

    fn post(&mut self, debit: AccountId, credit: AccountId, minor_units: i128) -> Posting {
        let amount = Money::new(debit.currency, minor_units);
        let debited = self.balance(debit).checked_sub(amount).unwrap();
        self.balances.insert(debit, debited);
        let credited = self.balance(credit).checked_add(amount).unwrap();
        self.balances.insert(credit, credited);
        Posting::new(debit, credit, amount).unwrap()
    }

    fn movement(&self, account: AccountId, posting: Posting) -> MoveFunds {
        MoveFunds { account: Evidence::Present(account), amount: posting.amount() }
    }

    fn moved(&self, account: AccountId, posting: Posting) -> Event {
        Event::FundsMoved { posting, posted_balance: self.balance(account) }
    }

    fn authorize(&mut self, payer: AccountId, payable: AccountId) -> AuthorizePayment {
        self.payments += 1;
        AuthorizePayment {
            payment_id: PaymentId::from_bytes([self.payments; 16]),
            merchant: MerchantId(payable.index),
            merchant_order_id: Label::new("order").unwrap(),
            merchant_order_digest: Digest([self.payments; 16]),
            presentment_amount: Money::new(payable.currency, 1),
            payer: Evidence::Present(payer),
            converted: Evidence::Present(Converted::SameCurrency),
        }
    }
}
