//! Random ledgers that could have been.

use std::{collections::BTreeMap, iter};

use domain::{AccountId, CurrencyPair, MerchantId, PaymentId, RefundId};
use money::Currency;
use proptest::{prelude::*, sample::Index as Pick};

use crate::script::Script;

/// The most payments: the script counts them by one byte, and some numbers are kept for orders.
const PAYMENTS_MAX: u8 = 199;

#[derive(Clone, Debug)]
pub(super) enum Step {
    Deposit(Pick, i128),
    Withdraw(Pick),
    Pay { payer: Pick, payable: Pick, amount: i128, order: Option<u8> },
    Decline { payer: Pick, payable: Pick, order: Option<u8> },
    Together { payer: Pick, payable: Pick, count: u8, is_declined: bool },
    GoOn(Pick, Move),
    DeclineRefund(Pick),
    Price(usize),
    Publish { pair: Pick, move_ppm: u32 },
    Freeze(Pick),
    FundReserve(Pick),
}

/// What becomes of a payment.
#[derive(Clone, Debug)]
pub(super) enum Move {
    Increase(i128),
    Capture(i128),
    Void,
    Expire(Pick),
    Refund(i128),
    RefundLater(i128),
}

fn step_of_payment() -> impl Strategy<Value = Move> {
    let amount = || 1_i128..200;
    prop_oneof![
        1 => amount().prop_map(Move::Increase),
        4 => amount().prop_map(Move::Capture),
        2 => Just(Move::Void),
        1 => any::<Pick>().prop_map(Move::Expire),
        2 => amount().prop_map(Move::Refund),
        3 => amount().prop_map(Move::RefundLater),
    ]
}

pub(super) fn step() -> impl Strategy<Value = Step> {
    let pick = any::<Pick>;
    let amount = || 1_i128..200;
    let order = || prop::option::of(200_u8..203);
    prop_oneof![
        2 => (pick(), amount()).prop_map(|(account, amount)| Step::Deposit(account, amount)),
        1 => pick().prop_map(Step::Withdraw),
        6 => (pick(), pick(), amount(), order())
            .prop_map(|(payer, payable, amount, order)| Step::Pay { payer, payable, amount, order }),
        2 => (pick(), pick(), order()).prop_map(|(payer, payable, order)| Step::Decline { payer, payable, order }),
        3 => (pick(), pick(), 1_u8..6, any::<bool>())
            .prop_map(|(payer, payable, count, is_declined)| Step::Together { payer, payable, count, is_declined }),
        12 => (pick(), step_of_payment()).prop_map(|(payment, moved)| Step::GoOn(payment, moved)),
        1 => pick().prop_map(Step::DeclineRefund),
        2 => (1_usize..4).prop_map(Step::Price),
        2 => (pick(), 0_u32..9).prop_map(|(pair, move_ppm)| Step::Publish { pair, move_ppm }),
        1 => pick().prop_map(Step::Freeze),
        1 => pick().prop_map(Step::FundReserve),
    ]
}

/// A script with what a test must know to go on with it.
pub(super) struct Ledger {
    pub(super) script: Script,
    pub(super) payers: Vec<AccountId>,
    pub(super) payables: Vec<AccountId>,
    pub(super) reserves: Vec<AccountId>,
    approved: Vec<Approved>,
    frozen: BTreeMap<AccountId, bool>,
    pending: Vec<(PaymentId, RefundId, i128)>,
    payments: u8,
}

#[derive(Clone, Copy)]
struct Approved {
    payment: PaymentId,
    payer: AccountId,
    payable: AccountId,
    order: Option<u8>,
}

impl Ledger {
    pub(super) fn new() -> Self {
        let mut script = Script::default();
        let payers: Vec<_> = (0..3).map(|_| script.open(Currency::HKD)).collect();
        let payables = (0..2).map(|_| script.register(Currency::HKD)).collect();
        payers.iter().for_each(|payer| script.deposit(*payer, 2_000));
        Self {
            script,
            payers,
            payables,
            reserves: Vec::new(),
            approved: Vec::new(),
            frozen: BTreeMap::new(),
            pending: Vec::new(),
            payments: 0,
        }
    }

    pub(super) fn payment_ids(&self) -> impl Iterator<Item = PaymentId> {
        (1..=self.payments).map(|number| PaymentId::from_bytes([number; 16]))
    }

    pub(super) fn merchants(&self) -> impl Iterator<Item = MerchantId> {
        self.payables.iter().map(|payable| MerchantId(payable.index))
    }

    /// Writes down what the step asks for, as far as it can be.
    pub(super) fn write(&mut self, step: &Step) {
        match step {
            Step::Deposit(account, amount) => self.script.deposit(*account.get(&self.payers), *amount),
            Step::Withdraw(account) => {
                let account = *account.get(&self.payers);
                let available = self.available(account);
                if available > 0 {
                    self.script.withdraw(account, 1 + available / 10);
                }
            }
            Step::Pay { payer, payable, amount, order } => {
                self.pay(*payer.get(&self.payers), *payable.get(&self.payables), *amount, *order);
            }
            Step::Decline { payer, payable, order } => {
                self.decline(*payer.get(&self.payers), *payable.get(&self.payables), *order);
            }
            Step::Together { payer, payable, count, is_declined } => {
                let (payer, payable) = (*payer.get(&self.payers), *payable.get(&self.payables));
                self.together(payer, payable, *count, *is_declined);
            }
            Step::DeclineRefund(payment) => {
                if let Some(payment) = self.pick(payment) {
                    self.script.decline_refund(payment);
                }
            }
            Step::Price(count) => {
                let due: Vec<_> = self.pending.drain(..(*count).min(self.pending.len())).collect();
                if !due.is_empty() {
                    self.script.price(&due);
                }
            }
            Step::Publish { pair, move_ppm } => {
                let debit = *pair.get(&[Currency::JPY, Currency::EUR]);
                self.script.publish(CurrencyPair { presentment: Currency::CNY, debit }, "1.5", *move_ppm);
            }
            Step::Freeze(account) => {
                let account = *account.get(&self.payers);
                let is_frozen = self.frozen.entry(account).or_default();
                *is_frozen = !*is_frozen;
                if *is_frozen { self.script.freeze(account) } else { self.script.unfreeze(account) }
            }
            Step::FundReserve(payable) => {
                let reserve = self.script.fund_reserve(*payable.get(&self.payables), 5);
                if !self.reserves.contains(&reserve) {
                    self.reserves.push(reserve);
                }
            }
            Step::GoOn(picked, moved) => {
                if let Some(payment) = self.pick(picked) {
                    self.go_on(payment, moved);
                }
            }
        }
    }

    fn go_on(&mut self, payment: PaymentId, moved: &Move) {
        let totals = self.script.totals(payment);
        let (held, captured) = (totals.held.minor_units(), totals.captured.debit.minor_units());
        let left = captured - totals.refunded.debit.minor_units();
        match moved {
            Move::Increase(amount) if held > 0 && self.available(self.payer(payment)) >= *amount => {
                self.script.increase(payment, *amount);
            }
            Move::Capture(amount) if held > 0 => self.script.capture_part(payment, (*amount).min(held)),
            Move::Void if held > 0 => self.script.void(payment),
            Move::Expire(second) if held > 0 => {
                let second = self.pick(second).filter(|second| *second != payment);
                let second = second.filter(|second| self.script.totals(*second).held.is_positive());
                let due: Vec<_> = iter::once(payment).chain(second).collect();
                self.script.expire(&due);
            }
            Move::Refund(amount) if left > 0 => {
                self.script.refund(payment, (*amount).min(left));
            }
            Move::RefundLater(amount) if left > 0 => {
                // Two at once, so that two of one payment are priced by one record.
                for amount in [(*amount).min(left) / 2, (*amount).min(left) - (*amount).min(left) / 2] {
                    if amount > 0 {
                        let refund = self.script.refund_later(payment, amount);
                        self.pending.push((payment, refund, amount));
                    }
                }
            }
            // It cannot be where the payment stands.
            Move::Increase(_) | Move::Capture(_) | Move::Void | Move::Expire(_) => {}
            Move::Refund(_) | Move::RefundLater(_) => {}
        }
    }

    fn pay(&mut self, payer: AccountId, payable: AccountId, amount: i128, order: Option<u8>) {
        let holds = |approved: &Approved| {
            let totals = self.script.totals(approved.payment);
            totals.state.is_held() || totals.captured.presentment.is_positive()
        };
        let same = |approved: &&Approved| approved.payable == payable && approved.order == order;
        let is_held = order.is_some() && self.approved.iter().filter(same).any(holds);
        if is_held || self.available(payer) < amount {
            return self.decline(payer, payable, order);
        }
        if self.payments < PAYMENTS_MAX {
            self.payments += 1;
            let payment = self.script.authorize_order(payer, payable, amount, order);
            self.approved.push(Approved { payment, payer, payable, order });
        }
    }

    /// Payments in one record, as many of them as can be.
    fn together(&mut self, payer: AccountId, payable: AccountId, count: u8, is_declined: bool) {
        let start = self.script.records.len();
        for _ in 0..count {
            if is_declined {
                self.decline(payer, payable, None);
            } else if self.available(payer) >= 3 {
                self.pay(payer, payable, 3, None);
            }
        }
        self.script.join(start);
    }

    fn decline(&mut self, payer: AccountId, payable: AccountId, order: Option<u8>) {
        if self.payments < PAYMENTS_MAX {
            self.payments += 1;
            self.script.decline_order(payer, payable, order);
        }
    }

    fn available(&self, account: AccountId) -> i128 {
        let ours = self.approved.iter().filter(|approved| approved.payer == account);
        let held: i128 = ours.map(|approved| self.script.totals(approved.payment).held.minor_units()).sum();
        self.script.balance(account).minor_units() - held
    }

    fn payer(&self, payment: PaymentId) -> AccountId {
        self.approved.iter().find(|approved| approved.payment == payment).map(|approved| approved.payer).unwrap()
    }

    fn pick(&self, pick: &Pick) -> Option<PaymentId> {
        (!self.approved.is_empty()).then(|| pick.get(&self.approved).payment)
    }
}
