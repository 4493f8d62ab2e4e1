use domain::{PaymentId, PaymentTotals};
use proptest::{collection::vec, prelude::*, sample::Index};

use super::*;
use crate::{
    Boards, Projector,
    script::{Legs, Script},
};

#[derive(Clone, Debug)]
enum Step {
    Deposit(Index, i128),
    Withdraw(Index, i128),
    Pay { payer: Index, payable: Index, asked: i128, rate: i128 },
    Decline { payer: Index, payable: Index },
    Hold { payer: Index, amount: i128 },
    Capture(Index, i128),
    Void(Index),
    Refund(Index, i128),
}

/// A script, and the payments it holds or held for.
#[derive(Default)]
struct Books {
    script: Script,
    held: Vec<(AccountId, PaymentId)>,
}

fn step() -> impl Strategy<Value = Step> {
    let minor_units = || 1_i128..1_000_000;
    prop_oneof![
        (any::<Index>(), minor_units()).prop_map(|(account, amount)| Step::Deposit(account, amount)),
        (any::<Index>(), minor_units()).prop_map(|(account, amount)| Step::Withdraw(account, amount)),
        (any::<Index>(), any::<Index>(), minor_units(), 1_i128..20)
            .prop_map(|(payer, payable, asked, rate)| Step::Pay { payer, payable, asked, rate }),
        (any::<Index>(), any::<Index>()).prop_map(|(payer, payable)| Step::Decline { payer, payable }),
        (any::<Index>(), minor_units()).prop_map(|(payer, amount)| Step::Hold { payer, amount }),
        (any::<Index>(), minor_units()).prop_map(|(payment, amount)| Step::Capture(payment, amount)),
        any::<Index>().prop_map(Step::Void),
        (any::<Index>(), minor_units()).prop_map(|(payment, amount)| Step::Refund(payment, amount)),
    ]
}

impl Books {
    /// Writes what an engine would have: nobody pays more than they have, nothing is captured that is not held.
    fn write(&mut self, payers: &[AccountId], payables: &[AccountId], step: &Step) {
        match step {
            Step::Deposit(payer, amount) => self.script.deposit(*payer.get(payers), *amount),
            Step::Withdraw(payer, amount) => {
                let payer = *payer.get(payers);
                let amount = self.available(payer).min(*amount);
                if amount > 0 {
                    self.script.withdraw(payer, amount);
                }
            }
            Step::Pay { payer, payable, asked, rate } => {
                let (payer, payable) = (*payer.get(payers), *payable.get(payables));
                let legs = Legs { mid: asked * rate, markup: asked / 100, presentment: *asked, discount: asked / 200 };
                if self.available(payer) >= legs.mid + legs.markup {
                    self.script.capture(payer, payable, legs);
                }
            }
            Step::Decline { payer, payable } => {
                self.script.decline(*payer.get(payers), *payable.get(payables));
            }
            Step::Hold { payer, amount } => {
                let payer = *payer.get(payers);
                let amount = self.available(payer).min(*amount);
                if let Some(payable) = payables.iter().find(|payable| payable.currency == payer.currency)
                    && amount > 0
                {
                    self.held.push((payer, self.script.authorize(payer, *payable, amount)));
                }
            }
            Step::Capture(payment, amount) => {
                self.change(payment, *amount, |totals| totals.held, Script::capture_part);
            }
            Step::Void(payment) => {
                self.change(payment, 1, |totals| totals.held, |script, payment, _| script.void(payment));
            }
            Step::Refund(payment, amount) => {
                let left = |totals: PaymentTotals| subtract(totals.captured.debit, totals.refunded.debit);
                self.change(payment, *amount, left, |script, payment, amount| {
                    script.refund(payment, amount);
                });
            }
        }
    }

    /// Changes one of the payments by the amount, or by what is left for that; not at all if nothing is.
    fn change(
        &mut self,
        payment: &Index,
        amount: i128,
        left: impl Fn(PaymentTotals) -> Money,
        change: impl Fn(&mut Script, PaymentId, i128),
    ) {
        if self.held.is_empty() {
            return;
        }
        let (_, payment) = *payment.get(&self.held);
        let amount = left(self.script.totals(payment)).minor_units().min(amount);
        if amount > 0 {
            change(&mut self.script, payment, amount);
        }
    }

    fn held(&self, account: AccountId) -> i128 {
        let of_account = self.held.iter().filter(|(payer, _)| *payer == account);
        of_account.map(|(_, payment)| self.script.totals(*payment).held.minor_units()).sum()
    }

    fn available(&self, account: AccountId) -> i128 {
        self.script.balance(account).minor_units() - self.held(account)
    }
}

fn assert_agrees(boards: &Boards, books: &Books) {
    let script = &books.script;
    let lines = boards.trial_balance();
    assert_eq!(first_imbalance(&lines), None);
    for line in &lines {
        let same = |account: &AccountId| account.kind == line.kind && account.currency == line.currency;
        let ours = script.balances.iter().filter(|(account, _)| same(account)).map(|(_, balance)| *balance);
        assert_eq!(line.balance, ours.fold(Money::zero(line.currency), add), "{line:?}");
    }
    for (account, balance) in &script.balances {
        if let Some(summary) = boards.account(*account) {
            assert_eq!(summary.posted_balance, *balance);
            assert_eq!(summary.held_balance.minor_units(), books.held(*account));
        }
    }
}

proptest! {
    #[test]
    fn each_currency_sums_to_zero_after_every_record(steps in vec(step(), 0..60)) {
        let mut books = Books::default();
        let payers = [Currency::HKD, Currency::JPY, Currency::HKD].map(|currency| books.script.open(currency));
        let payables = [Currency::CNY, Currency::EUR, Currency::HKD].map(|currency| books.script.register(currency));
        let mut projector = Projector::new();
        let boards = projector.boards();
        projector.apply_batch(&books.script.records).unwrap();
        for step in &steps {
            let written = books.script.records.len();
            books.write(&payers, &payables, step);
            projector.apply_batch(&books.script.records[written..]).unwrap();
            assert_agrees(&boards, &books);
        }
    }
}

#[test]
fn books_that_do_not_balance_say_where() {
    let line = |kind, balance: &str| {
        let balance = Money::parse(balance).unwrap();
        TrialLine { kind, currency: balance.currency(), accounts: 1, balance }
    };
    let balanced = line(AccountKind::Wallet, "HKD 1.00");
    let lines = [balanced, line(AccountKind::Wallet, "EUR 2.00"), line(AccountKind::Nostro, "HKD -1.00")];
    assert_eq!(first_imbalance(&lines), Some(Money::parse("EUR 2.00").unwrap()));
    assert_eq!(first_imbalance(&[]), None);
}
