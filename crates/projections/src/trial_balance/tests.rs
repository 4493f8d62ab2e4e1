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
}

fn step() -> impl Strategy<Value = Step> {
    let minor_units = || 1_i128..1_000_000;
    prop_oneof![
        (any::<Index>(), minor_units()).prop_map(|(account, amount)| Step::Deposit(account, amount)),
        (any::<Index>(), minor_units()).prop_map(|(account, amount)| Step::Withdraw(account, amount)),
        (any::<Index>(), any::<Index>(), minor_units(), 1_i128..20)
            .prop_map(|(payer, payable, asked, rate)| Step::Pay { payer, payable, asked, rate }),
        (any::<Index>(), any::<Index>()).prop_map(|(payer, payable)| Step::Decline { payer, payable }),
    ]
}

/// Writes what an engine would have: nobody pays more than they have.
fn write(script: &mut Script, payers: &[AccountId], payables: &[AccountId], step: &Step) {
    match step {
        Step::Deposit(payer, amount) => script.deposit(*payer.get(payers), *amount),
        Step::Withdraw(payer, amount) => {
            let payer = *payer.get(payers);
            let amount = script.balance(payer).minor_units().min(*amount);
            if amount > 0 {
                script.withdraw(payer, amount);
            }
        }
        Step::Pay { payer, payable, asked, rate } => {
            let (payer, payable) = (*payer.get(payers), *payable.get(payables));
            let legs = Legs { mid: asked * rate, markup: asked / 100, presentment: *asked, discount: asked / 200 };
            if script.balance(payer).minor_units() >= legs.mid + legs.markup {
                script.capture(payer, payable, legs);
            }
        }
        Step::Decline { payer, payable } => {
            script.decline(*payer.get(payers), *payable.get(payables));
        }
    }
}

fn assert_agrees(boards: &Boards, script: &Script) {
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
        }
    }
}

proptest! {
    #[test]
    fn each_currency_sums_to_zero_after_every_record(steps in vec(step(), 0..60)) {
        let mut script = Script::default();
        let payers = [Currency::HKD, Currency::JPY, Currency::HKD].map(|currency| script.open(currency));
        let payables = [Currency::CNY, Currency::EUR].map(|currency| script.register(currency));
        let mut projector = Projector::new();
        let boards = projector.boards();
        projector.apply_batch(&script.records);
        for step in &steps {
            let written = script.records.len();
            write(&mut script, &payers, &payables, step);
            projector.apply_batch(&script.records[written..]);
            assert_agrees(&boards, &script);
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
