//! Wallet accounts: opening, closing, deposits and withdrawals.

use alloc::{collections::BTreeMap, vec::Vec};

use domain::{
    AccountId, AccountKind, CloseAccount, Decline, DeclineReason, Event, Evidence, MoveFunds, Name, OpenAccount,
    Posting, Refusal, WalletId,
};
use money::Money;

use crate::{
    ledger::Ledger,
    parties::{Parties, next_number},
};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AccountState {
    Open,
    Closed,
}

#[derive(Debug)]
pub(crate) struct WalletAccount {
    pub(crate) id: AccountId,
    pub(crate) wallet: WalletId,
    pub(crate) state: AccountState,
}

#[derive(Debug, Default)]
pub(crate) struct Accounts {
    rows: Vec<WalletAccount>,
    names: BTreeMap<(WalletId, Name), AccountId>,
}

impl Accounts {
    pub(crate) fn open(&self, parties: &Parties, open: &OpenAccount) -> Result<AccountId, Refusal> {
        if !parties.has_wallet(open.wallet) {
            return Err(Refusal::WalletNotFound);
        }
        if self.names.contains_key(&(open.wallet, open.name.clone())) {
            return Err(Refusal::AccountExists);
        }
        Ok(AccountId { kind: AccountKind::Wallet, currency: open.currency, index: next_number(self.rows.len()) })
    }

    pub(crate) fn opened(&mut self, open: &OpenAccount, account: AccountId) {
        assert!(account.index == next_number(self.rows.len()), "wallet accounts are numbered without gaps");
        self.rows.push(WalletAccount { id: account, wallet: open.wallet, state: AccountState::Open });
        self.names.insert((open.wallet, open.name.clone()), account);
    }

    pub(crate) fn close(&self, ledger: &Ledger, close: &CloseAccount) -> Result<Event, Refusal> {
        let account = self.find(&close.account)?;
        if account.state == AccountState::Closed {
            return Ok(declined(DeclineReason::AccountClosed));
        }
        if !ledger.posted_balance(account.id).is_zero() {
            return Ok(declined(DeclineReason::AccountNotEmpty));
        }
        Ok(Event::AccountClosed)
    }

    pub(crate) fn closed(&mut self, close: &CloseAccount) {
        let Evidence::Present(account) = close.account else { unreachable!("only found accounts are closed") };
        let index = usize::try_from(account.index).expect("an index in memory fits usize");
        self.rows[index].state = AccountState::Closed;
    }

    pub(crate) fn deposit(&self, ledger: &Ledger, funds: &MoveFunds) -> Result<Event, Refusal> {
        self.move_funds(ledger, funds, |account, nostro| (nostro, account))
    }

    pub(crate) fn withdraw(&self, ledger: &Ledger, funds: &MoveFunds) -> Result<Event, Refusal> {
        self.move_funds(ledger, funds, |account, nostro| (account, nostro))
    }

    fn move_funds(
        &self,
        ledger: &Ledger,
        funds: &MoveFunds,
        debit_and_credit: impl FnOnce(AccountId, AccountId) -> (AccountId, AccountId),
    ) -> Result<Event, Refusal> {
        let account = self.find(&funds.account)?;
        let currency = funds.amount.currency();
        if account.id.currency != currency {
            return Err(Refusal::AccountCurrencyMismatch { account: account.id.currency, amount: currency });
        }
        if account.state == AccountState::Closed {
            return Ok(declined(DeclineReason::AccountClosed));
        }
        let (debit, credit) = debit_and_credit(account.id, AccountId::house(AccountKind::Nostro, currency));
        let posting = Posting::new(debit, credit, funds.amount)
            .expect("wire lets amounts of 1 to 10^15 - 1 through, and the currencies were compared");
        match ledger.check(&[posting]) {
            Err(reason) => Ok(declined(reason)),
            Ok(()) => Ok(Event::FundsMoved { posting, posted_balance: balance_after(ledger, account.id, &posting) }),
        }
    }

    /// The account found by the stages, if this engine has it too.
    pub(crate) fn find(&self, found: &Evidence<AccountId>) -> Result<&WalletAccount, Refusal> {
        let Evidence::Present(id) = found else { return Err(Refusal::AccountNotFound) };
        let row = usize::try_from(id.index).ok().and_then(|index| self.rows.get(index));
        row.filter(|account| account.id == *id).ok_or(Refusal::AccountNotFound)
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = (&(WalletId, Name), &WalletAccount)> {
        self.names.iter().map(|(name, id)| {
            let index = usize::try_from(id.index).expect("an index in memory fits usize");
            (name, &self.rows[index])
        })
    }
}

fn balance_after(ledger: &Ledger, account: AccountId, posting: &Posting) -> Money {
    let before = ledger.posted_balance(account);
    let after = match posting.credit() == account {
        true => before.checked_add(posting.amount()),
        false => before.checked_sub(posting.amount()),
    };
    after.expect("one currency, and both are far below 2^127")
}

pub(crate) const fn declined(reason: DeclineReason) -> Event {
    Event::Declined(Decline { reason, paid_by: None })
}
