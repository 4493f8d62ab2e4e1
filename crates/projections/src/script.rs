//! Records as a ledger would have written them, for tests. It keeps its own balances and totals, so that a test compares
//! two reckonings and not one with itself.

use std::{collections::BTreeMap, sync::Arc};

use domain::{
    AccountId, AccountKind, ApiKeyHash, AuthorizationIncreased, AuthorizePayment, CaptureMode, CapturePayment,
    CaptureRest, Command, Consent, Conversions, Converted, CurrencyPair, Decline, DeclineReason, Digest, Event,
    Evidence, FIELDS_MAX, Fingerprint, FundReserve, HoldExpired, IdempotencyKey, IncreaseAuthorization, Label, Lsn,
    MerchantId, Method, MoveFunds, Name, OnAccount, OpenAccount, PaymentAmount, PaymentAuthorized, PaymentCaptured,
    PaymentId, PaymentRefunded, PaymentState, PaymentTotals, Posting, PublishRates, RateTick, RatesPublished, Record,
    RefundId, RefundPayment, RefundPending, RefundPriced, RegisterMerchant, Repriced, TenantId, TickPrice, Timestamp,
    VoidPayment, WalletId,
};
use money::{Currency, ExactRate, Money, Rate, Ratio};

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
    payments: BTreeMap<PaymentId, Payment>,
    accounts: u32,
    merchants: u32,
    refunds: u8,
}

/// A payment of the script's own: within one currency, without a discount, so that all its amounts are equal.
#[derive(Clone, Copy, Debug)]
struct Payment {
    payer: AccountId,
    payable: AccountId,
    totals: PaymentTotals,
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
        self.push(Command::CloseAccount(on(account)), Event::AccountClosed);
    }

    pub(crate) fn freeze(&mut self, account: AccountId) {
        self.push(Command::FreezeAccount(on(account)), Event::AccountFrozen);
    }

    pub(crate) fn unfreeze(&mut self, account: AccountId) {
        self.push(Command::UnfreezeAccount(on(account)), Event::AccountUnfrozen);
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

    /// Funds the reserve of the merchant with this payable account, and returns the reserve.
    pub(crate) fn fund_reserve(&mut self, payable: AccountId, minor_units: i128) -> AccountId {
        let reserve = AccountId::merchant_reserve(MerchantId(payable.index), payable.currency);
        let posting = self.post(AccountId::house(AccountKind::Nostro, payable.currency), reserve, minor_units);
        let merchant = Evidence::Present(MerchantId(payable.index));
        let command = FundReserve { merchant, amount: posting.amount() };
        self.push(Command::FundReserve(command), Event::ReserveFunded(posting));
        reserve
    }

    /// Publishes the mid rate of a pair, which has moved by so many millionths.
    pub(crate) fn publish(&mut self, pair: CurrencyPair, mid_rate: &str, move_ppm: u32) {
        let price = TickPrice::Mid(Rate::parse(mid_rate).unwrap());
        let source = Label::new("desk").unwrap();
        let tick = RateTick { pair, price, source, as_of: Timestamp::EPOCH, valid_until: None };
        let command = PublishRates { ticks: vec![tick], override_reason: None };
        let event = Event::RatesPublished(RatesPublished { move_ppm: vec![move_ppm] });
        self.push(Command::PublishRates(command), event);
    }

    /// A payment over two currencies, captured at once.
    pub(crate) fn capture(&mut self, payer: AccountId, payable: AccountId, legs: Legs) -> PaymentId {
        let payer_house = |kind| AccountId::house(kind, payer.currency);
        let merchant_house = |kind| AccountId::house(kind, payable.currency);
        let postings = [
            (payer, payer_house(AccountKind::FxPosition), legs.mid),
            (payer, payer_house(AccountKind::FxMarkup), legs.markup),
            (merchant_house(AccountKind::FxPosition), payable, legs.presentment),
            (payable, merchant_house(AccountKind::FeeIncome), legs.discount),
        ];
        let moving = postings.into_iter().filter(|(.., minor_units)| *minor_units > 0);
        let postings = moving.map(|(debit, credit, minor_units)| self.post(debit, credit, minor_units)).collect();
        let all = PaymentAmount {
            presentment: Money::new(payable.currency, legs.presentment),
            debit: Money::new(payer.currency, legs.mid + legs.markup),
            settlement: Money::new(payable.currency, legs.presentment - legs.discount),
        };
        let none = PaymentAmount {
            presentment: Money::zero(payable.currency),
            debit: Money::zero(payer.currency),
            settlement: Money::zero(payable.currency),
        };
        let totals = PaymentTotals {
            state: PaymentState::Captured,
            authorized: all,
            captured: all,
            refunded: none,
            held: Money::zero(payer.currency),
        };
        let payment = Payment { payer, payable, totals };
        let captured = PaymentCaptured {
            settlement_amount: all.settlement,
            postings,
            after: totals,
            above_soft_limit: vec![payer.currency],
        };
        self.decide(payment, None, all.presentment, Event::PaymentCaptured(captured))
    }

    pub(crate) fn decline(&mut self, payer: AccountId, payable: AccountId) -> PaymentId {
        self.decline_order(payer, payable, None)
    }

    pub(crate) fn decline_order(&mut self, payer: AccountId, payable: AccountId, order: Option<u8>) -> PaymentId {
        let payment = Payment { payer, payable, totals: held(payable.currency, 0) };
        self.decide(payment, order, Money::new(payable.currency, 1), declined())
    }

    /// Holds so much for a payment within one currency.
    pub(crate) fn authorize(&mut self, payer: AccountId, payable: AccountId, minor_units: i128) -> PaymentId {
        self.authorize_order(payer, payable, minor_units, None)
    }

    pub(crate) fn authorize_order(
        &mut self,
        payer: AccountId,
        payable: AccountId,
        minor_units: i128,
        order: Option<u8>,
    ) -> PaymentId {
        let totals = held(payable.currency, minor_units);
        let expires_at = Timestamp::EPOCH.plus_millis(1_000_000);
        let event = PaymentAuthorized { expires_at, after: totals, above_soft_limit: Vec::new() };
        let payment = Payment { payer, payable, totals };
        self.decide(payment, order, totals.held, Event::PaymentAuthorized(event))
    }

    pub(crate) fn increase(&mut self, payment: PaymentId, minor_units: i128) {
        let amount = self.amount(payment, minor_units);
        let after = self.go_on(payment, minor_units, (0, 0));
        let command = IncreaseAuthorization {
            merchant: self.merchant(payment),
            payment_id: payment,
            amount,
            converted: within_one_currency(),
            consent: None,
        };
        let event = AuthorizationIncreased { after, above_soft_limit: Vec::new() };
        self.push(Command::IncreaseAuthorization(command), Event::AuthorizationIncreased(event));
    }

    /// Captures a part of a hold.
    pub(crate) fn capture_part(&mut self, payment: PaymentId, minor_units: i128) {
        let Payment { payer, payable, .. } = self.payments[&payment];
        let posting = self.post(payer, payable, minor_units);
        let after = self.go_on(payment, 0, (minor_units, 0));
        let command = CapturePayment {
            merchant: self.merchant(payment),
            payment_id: payment,
            amount: posting.amount(),
            rest: CaptureRest::Kept,
        };
        let event = PaymentCaptured {
            settlement_amount: posting.amount(),
            postings: vec![posting],
            after,
            above_soft_limit: Vec::new(),
        };
        self.push(Command::CapturePayment(command), Event::PaymentCaptured(event));
    }

    pub(crate) fn void(&mut self, payment: PaymentId) {
        let after = self.end_hold(payment, PaymentState::Voided);
        let command = VoidPayment { merchant: self.merchant(payment), payment_id: payment };
        self.push(Command::VoidPayment(command), Event::PaymentVoided(after));
    }

    pub(crate) fn expire(&mut self, payments: &[PaymentId]) {
        let expired = payments
            .iter()
            .map(|payment| HoldExpired { payment_id: *payment, after: self.end_hold(*payment, PaymentState::Expired) });
        let expired = expired.collect();
        self.push(Command::ExpireHolds, Event::HoldsExpired(expired));
    }

    pub(crate) fn refund(&mut self, payment: PaymentId, minor_units: i128) -> RefundId {
        let Payment { payer, payable, .. } = self.payments[&payment];
        let posting = self.post(payable, payer, minor_units);
        let event = PaymentRefunded {
            debit_amount: posting.amount(),
            settlement_amount: posting.amount(),
            repriced: None,
            postings: vec![posting],
            after: self.go_on(payment, 0, (0, minor_units)),
        };
        self.ask_refund(payment, minor_units, Event::PaymentRefunded(event))
    }

    /// A refund for which the merchant is not owed enough: `reserve` makes up for it, and a discount comes back last.
    pub(crate) fn refund_from_reserve(&mut self, payment: PaymentId, minor_units: i128, reserve: (AccountId, i128)) {
        let Payment { payer, payable, .. } = self.payments[&payment];
        let discount = minor_units - self.balance(payable).minor_units() - reserve.1;
        let fee_income = AccountId::house(AccountKind::FeeIncome, payable.currency);
        let postings = vec![
            self.post(reserve.0, payable, reserve.1),
            self.post(payable, payer, minor_units),
            self.post(fee_income, payable, discount),
        ];
        let event = PaymentRefunded {
            debit_amount: Money::new(payer.currency, minor_units),
            settlement_amount: Money::new(payable.currency, minor_units - discount),
            repriced: None,
            postings,
            after: self.go_on(payment, 0, (0, minor_units)),
        };
        self.ask_refund(payment, minor_units, Event::PaymentRefunded(event));
    }

    pub(crate) fn decline_refund(&mut self, payment: PaymentId) -> RefundId {
        self.ask_refund(payment, 1, declined())
    }

    /// A refund that waits for a rate.
    pub(crate) fn refund_later(&mut self, payment: PaymentId, minor_units: i128) -> RefundId {
        let Payment { payable, .. } = self.payments[&payment];
        let posting = self.post(payable, AccountId::house(AccountKind::FxPosition, payable.currency), minor_units);
        let event = RefundPending {
            settlement_amount: posting.amount(),
            postings: vec![posting],
            priced_from_day: 1,
            after: self.go_on(payment, 0, (0, minor_units)),
        };
        self.ask_refund(payment, minor_units, Event::RefundPending(event))
    }

    /// Gives pending refunds to their payers, so much for each.
    pub(crate) fn price(&mut self, refunds: &[(PaymentId, RefundId, i128)]) {
        let priced = refunds.iter().map(|(payment_id, refund_id, minor_units)| {
            let payer = self.payments[payment_id].payer;
            let position = AccountId::house(AccountKind::FxPosition, payer.currency);
            let posting = self.post(position, payer, *minor_units);
            RefundPriced {
                payment_id: *payment_id,
                refund_id: *refund_id,
                debit_amount: posting.amount(),
                repriced: Repriced {
                    mid_rate: ExactRate::ONE,
                    rate_lsn: Lsn::new(1),
                    difference: Money::zero(payer.currency),
                },
                postings: vec![posting],
            }
        });
        let priced = priced.collect();
        self.push(Command::PriceRefunds, Event::RefundsPriced(priced));
    }

    pub(crate) fn balance(&self, account: AccountId) -> Money {
        self.balances.get(&account).copied().unwrap_or(Money::zero(account.currency))
    }

    pub(crate) fn totals(&self, payment: PaymentId) -> PaymentTotals {
        self.payments[&payment].totals
    }

    pub(crate) fn lsn(&self) -> Lsn {
        self.records.last().map_or(Lsn::ZERO, |record| record.lsn)
    }

    /// Makes one record of these, all from this index on, which decided payments of one merchant alike.
    pub(crate) fn join(&mut self, start: usize) {
        let parts = self.records.split_off(start);
        if !parts.is_empty() {
            self.records.push(Arc::new(Record::of_parts(&parts).unwrap()));
        }
    }

    fn push(&mut self, command: Command, event: Event) {
        let lsn = self.lsn().next();
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

    /// Writes down a payment. Its id, its order, if it is not given, and its key are of its number, from 1 on.
    fn decide(&mut self, payment: Payment, order: Option<u8>, presentment: Money, event: Event) -> PaymentId {
        let number = u8::try_from(self.payments.len() + 1).unwrap();
        let payment_id = PaymentId::from_bytes([number; 16]);
        let merchant = MerchantId(payment.payable.index);
        let command = AuthorizePayment {
            payment_id,
            merchant,
            merchant_order_id: Label::new("order").unwrap(),
            merchant_order_digest: digest(order.unwrap_or(number)),
            presentment_amount: presentment,
            payer: Evidence::Present(payment.payer),
            converted: within_one_currency(),
            offer: None,
            capture_mode: CaptureMode::Manual,
            consent: Consent::PayerNamed,
            debit_amount_max: None,
            sandbox_decline: None,
        };
        self.payments.insert(payment_id, payment);
        self.push(Command::AuthorizePayment(command), event);
        let record = self.records.pop().unwrap();
        let fingerprint = Fingerprint { method: Method::Authorize, request: digest(number), fields: [0; FIELDS_MAX] };
        let key = IdempotencyKey { tenant: TenantId::Merchant(merchant), digest: digest(number), fingerprint };
        self.records.push(Arc::new(Record { key: Some(key), ..Record::clone(&record) }));
        payment_id
    }

    fn ask_refund(&mut self, payment_id: PaymentId, minor_units: i128, event: Event) -> RefundId {
        self.refunds += 1;
        let refund_id = RefundId::from_bytes([self.refunds; 16]);
        let (merchant, amount) = (self.merchant(payment_id), self.amount(payment_id, minor_units));
        let command = RefundPayment { merchant, payment_id, refund_id, amount };
        self.push(Command::RefundPayment(command), event);
        refund_id
    }

    /// Authorizes, captures and gives back more of a payment; its state follows.
    fn go_on(&mut self, payment: PaymentId, authorize: i128, (capture, refund): (i128, i128)) -> PaymentTotals {
        let totals = &mut self.payments.get_mut(&payment).unwrap().totals;
        totals.authorized = more(totals.authorized, authorize);
        totals.captured = more(totals.captured, capture);
        totals.refunded = more(totals.refunded, refund);
        let held = totals.held.minor_units() + authorize - capture;
        totals.held = Money::new(totals.held.currency(), held);
        totals.state = if totals.held.is_zero() { closed(totals) } else { open(totals) };
        *totals
    }

    fn end_hold(&mut self, payment: PaymentId, uncaptured: PaymentState) -> PaymentTotals {
        let totals = &mut self.payments.get_mut(&payment).unwrap().totals;
        totals.held = Money::zero(totals.held.currency());
        totals.state = if totals.captured.presentment.is_zero() { uncaptured } else { closed(totals) };
        *totals
    }

    fn merchant(&self, payment: PaymentId) -> MerchantId {
        MerchantId(self.payments[&payment].payable.index)
    }

    fn amount(&self, payment: PaymentId, minor_units: i128) -> Money {
        Money::new(self.payments[&payment].payable.currency, minor_units)
    }
}

pub(crate) fn digest(byte: u8) -> Digest {
    Digest([byte; 16])
}

fn on(account: AccountId) -> OnAccount {
    OnAccount { account: Evidence::Present(account) }
}

fn within_one_currency() -> Evidence<Conversions> {
    Evidence::Present(Conversions { debit: Converted::SameCurrency, settlement: Converted::SameCurrency })
}

fn declined() -> Event {
    Event::Declined(Decline { reason: DeclineReason::InsufficientBalance, paid_by: None })
}

fn held(currency: Currency, minor_units: i128) -> PaymentTotals {
    let all = |minor_units| {
        let amount = Money::new(currency, minor_units);
        PaymentAmount { presentment: amount, debit: amount, settlement: amount }
    };
    PaymentTotals {
        state: PaymentState::Authorized,
        authorized: all(minor_units),
        captured: all(0),
        refunded: all(0),
        held: Money::new(currency, minor_units),
    }
}

fn more(amount: PaymentAmount, minor_units: i128) -> PaymentAmount {
    let more = |sum: Money| Money::new(sum.currency(), sum.minor_units() + minor_units);
    PaymentAmount {
        presentment: more(amount.presentment),
        debit: more(amount.debit),
        settlement: more(amount.settlement),
    }
}

fn open(totals: &PaymentTotals) -> PaymentState {
    if totals.captured.presentment.is_zero() { PaymentState::Authorized } else { PaymentState::PartiallyCaptured }
}

fn closed(totals: &PaymentTotals) -> PaymentState {
    if totals.refunded.presentment.is_zero() {
        PaymentState::Captured
    } else if totals.refunded == totals.captured {
        PaymentState::Refunded
    } else {
        PaymentState::PartiallyRefunded
    }
}
