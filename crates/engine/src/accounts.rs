//! Wallet accounts: opening, closing, deposits and withdrawals.

use alloc::{collections::BTreeMap, vec::Vec};

use domain::{
    AccountId, AccountKind, Decline, DeclineReason, Event, Evidence, MoveFunds, Name, OnAccount, OpenAccount, Posting,
    Refusal, StandingAccount, StandingState, WalletId,
};
use money::Money;

use crate::{
    ledger::Ledger,
    parties::{Parties, next_number},
};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AccountState {
    Open,
    /// Takes no new debits and holds.
    Frozen,
    Closed,
}

impl AccountState {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Frozen => "frozen",
            Self::Closed => "closed",
        }
    }
}

#[derive(Clone, Debug)]
pub(crate) struct WalletAccount {
    pub(crate) id: AccountId,
    pub(crate) wallet: WalletId,
    pub(crate) state: AccountState,
}

#[derive(Clone, Debug, Default)]
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

    /// An account that still waits for a refund is not empty.
    pub(crate) fn close(&self, ledger: &Ledger, close: &OnAccount, awaits_refund: bool) -> Result<Event, Refusal> {
        let account = self.find(&close.account)?;
        if account.state == AccountState::Closed {
            return Ok(declined(DeclineReason::AccountClosed));
        }
        if !ledger.posted_balance(account.id).is_zero() || awaits_refund {
            return Ok(declined(DeclineReason::AccountNotEmpty));
        }
        Ok(Event::AccountClosed)
    }

    pub(crate) fn freeze(&self, freeze: &OnAccount) -> Result<Event, Refusal> {
        self.expect_state(freeze, AccountState::Open).map(|()| Event::AccountFrozen)
    }

    pub(crate) fn unfreeze(&self, unfreeze: &OnAccount) -> Result<Event, Refusal> {
        self.expect_state(unfreeze, AccountState::Frozen).map(|()| Event::AccountUnfrozen)
    }

    fn expect_state(&self, on: &OnAccount, expected: AccountState) -> Result<(), Refusal> {
        let state = self.find(&on.account)?.state;
        if state == expected { Ok(()) } else { Err(Refusal::AccountStateNotAllowed { state: state.as_str() }) }
    }

    pub(crate) fn state_recorded(&mut self, on: &OnAccount, state: AccountState) {
        let Evidence::Present(account) = on.account else { unreachable!("only found accounts change their state") };
        self.rows[row_index(account)].state = state;
    }

    pub(crate) fn deposit(&self, ledger: &Ledger, funds: &MoveFunds) -> Result<Event, Refusal> {
        self.move_funds(ledger, funds, Direction::In)
    }

    pub(crate) fn withdraw(&self, ledger: &Ledger, funds: &MoveFunds) -> Result<Event, Refusal> {
        self.move_funds(ledger, funds, Direction::Out)
    }

    fn move_funds(&self, ledger: &Ledger, funds: &MoveFunds, direction: Direction) -> Result<Event, Refusal> {
        let account = self.find(&funds.account)?;
        let currency = funds.amount.currency();
        if account.id.currency != currency {
            return Err(Refusal::AccountCurrencyMismatch { account: account.id.currency, amount: currency });
        }
        if account.state == AccountState::Closed {
            return Ok(declined(DeclineReason::AccountClosed));
        }
        if account.state == AccountState::Frozen && direction == Direction::Out {
            return Ok(declined(DeclineReason::AccountFrozen));
        }
        let nostro = AccountId::house(AccountKind::Nostro, currency);
        let (debit, credit) = match direction {
            Direction::In => (nostro, account.id),
            Direction::Out => (account.id, nostro),
        };
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

    pub(crate) fn has(&self, account: AccountId) -> bool {
        self.rows.get(row_index(account)).is_some_and(|row| row.id == account)
    }

    /// An account that a record told of.
    pub(crate) fn row(&self, account: AccountId) -> &WalletAccount {
        &self.rows[row_index(account)]
    }

    /// Every wallet account, by rising number.
    pub(crate) fn standing(&self) -> impl Iterator<Item = StandingAccount> + '_ {
        let mut names: BTreeMap<u32, &Name> = BTreeMap::new();
        names.extend(self.names.iter().map(|((_, name), id)| (id.index, name)));
        self.rows.iter().zip(names.into_values()).map(|(row, name)| StandingAccount {
            wallet: row.wallet,
            name: name.clone(),
            account: row.id,
            state: match row.state {
                AccountState::Open => StandingState::Open,
                AccountState::Frozen => StandingState::Frozen,
                AccountState::Closed => StandingState::Closed,
            },
        })
    }

    /// Takes in the next wallet account; whether it can be the next.
    pub(crate) fn stand(&mut self, account: StandingAccount) -> bool {
        let StandingAccount { wallet, name, account, state } = account;
        let open = OpenAccount { wallet, name, currency: account.currency };
        let is_next = account.kind == AccountKind::Wallet && account.index == next_number(self.rows.len());
        if !is_next || self.names.contains_key(&(wallet, open.name.clone())) {
            return false;
        }
        self.opened(&open, account);
        self.rows[row_index(account)].state = match state {
            StandingState::Open => AccountState::Open,
            StandingState::Frozen => AccountState::Frozen,
            StandingState::Closed => AccountState::Closed,
        };
        true
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = (&(WalletId, Name), &WalletAccount)> {
        self.names.iter().map(|(name, id)| (name, self.row(*id)))
    }
}

/// Into the account or out of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Direction {
    In,
    Out,
}

fn row_index(account: AccountId) -> usize {
    usize::try_from(account.index).expect("an index in memory fits usize")
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
