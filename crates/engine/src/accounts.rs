//! Wallet accounts: opening, closing, deposits and withdrawals.

use alloc::vec::Vec;

use domain::{
    AccountId, AccountKind, BLOCK_NAMES, DIGEST_BYTES, Decline, DeclineReason, DigestKey, Event, Evidence, MoveFunds,
    Name, NameBlock, Numbered, OnAccount, OpenAccount, Posting, Refusal, StandingAccount, StandingState, WalletId,
};
use money::{Currency, Money};

use crate::{ledger::Ledger, parties::Parties};

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

#[derive(Clone, Copy, Debug)]
pub(crate) struct WalletAccount {
    pub(crate) id: AccountId,
    pub(crate) wallet: WalletId,
    pub(crate) state: AccountState,
}

/// Every wallet account there is, for as long as the ledger lasts: about sixteen bytes and the name for each.
#[derive(Clone, Debug, Default)]
pub(crate) struct Accounts {
    blocks: Vec<Block>,
    /// By wallet and name.
    numbers: Numbered,
    /// Keeps the hashes of names from those who choose names.
    name_key: [u8; DIGEST_BYTES],
}

/// Accounts side by side, as many as their names fit a block.
#[derive(Clone, Debug, Default)]
struct Block {
    names: NameBlock,
    rows: Vec<Row>,
}

/// A wallet account without its number, which is its place.
#[derive(Clone, Copy, Debug)]
struct Row {
    wallet: WalletId,
    currency: Currency,
    state: AccountState,
}

const _: () = assert!(size_of::<Row>() == 8);

impl Accounts {
    /// Takes a secret that is the ledger's, before there is any account: wallet operators choose names, and shall not choose
    /// where they meet. What is in a record is an input like any other, and no order of the numbers reaches an output.
    pub(crate) fn begin(&mut self, key: DigestKey) {
        assert!(self.numbers.is_empty(), "a ledger begins before its accounts");
        self.name_key = key.check.0;
    }

    pub(crate) fn open(&self, parties: &Parties, open: &OpenAccount) -> Result<AccountId, Refusal> {
        if !parties.has_wallet(open.wallet) {
            return Err(Refusal::WalletNotFound);
        }
        if self.is_named(open.wallet, &open.name) {
            return Err(Refusal::AccountExists);
        }
        Ok(AccountId { kind: AccountKind::Wallet, currency: open.currency, index: self.numbers.len() })
    }

    pub(crate) fn opened(&mut self, open: &OpenAccount, account: AccountId) {
        let hash = name_hash(&self.name_key, open.wallet, open.name.as_str());
        let Self { blocks, numbers, name_key } = self;
        let number = numbers.push(hash, |number| {
            let (row, name) = found(blocks, number).expect("what has a number has a row");
            name_hash(name_key, row.wallet, name)
        });
        assert!(account.index == number, "wallet accounts are numbered without gaps");
        if blocks.last().is_none_or(|block| block.names.is_full()) {
            blocks.push(Block::default());
        }
        let block = blocks.last_mut().expect("there is one that is not full");
        block.names.push(&open.name);
        block.rows.push(Row { wallet: open.wallet, currency: account.currency, state: AccountState::Open });
    }

    fn is_named(&self, wallet: WalletId, name: &Name) -> bool {
        let hash = name_hash(&self.name_key, wallet, name.as_str());
        let is_sought = |number| {
            found(&self.blocks, number).is_some_and(|(row, called)| row.wallet == wallet && called == name.as_str())
        };
        self.numbers.find(hash, is_sought).is_some()
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
        self.row_mut(account).state = state;
    }

    fn row_mut(&mut self, account: AccountId) -> &mut Row {
        let (block, place) = place_of(account.index);
        &mut self.blocks[block].rows[place]
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
    pub(crate) fn find(&self, found: &Evidence<AccountId>) -> Result<WalletAccount, Refusal> {
        let Evidence::Present(id) = found else { return Err(Refusal::AccountNotFound) };
        self.get(*id).ok_or(Refusal::AccountNotFound)
    }

    pub(crate) fn has(&self, account: AccountId) -> bool {
        self.get(account).is_some()
    }

    /// An account that a record told of.
    pub(crate) fn row(&self, account: AccountId) -> WalletAccount {
        self.get(account).expect("a record tells of accounts that were opened")
    }

    fn get(&self, id: AccountId) -> Option<WalletAccount> {
        let (block, place) = place_of(id.index);
        let row = self.blocks.get(block)?.rows.get(place)?;
        let is_it = id.kind == AccountKind::Wallet && id.currency == row.currency;
        is_it.then_some(WalletAccount { id, wallet: row.wallet, state: row.state })
    }

    /// Every wallet account, by rising number.
    pub(crate) fn standing(&self) -> impl Iterator<Item = StandingAccount> + '_ {
        self.iter().map(|(name, row)| StandingAccount {
            wallet: row.wallet,
            name,
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
        let is_next = account.kind == AccountKind::Wallet && account.index == self.numbers.len();
        if !is_next || self.is_named(wallet, &open.name) {
            return false;
        }
        self.opened(&open, account);
        self.row_mut(account).state = match state {
            StandingState::Open => AccountState::Open,
            StandingState::Frozen => AccountState::Frozen,
            StandingState::Closed => AccountState::Closed,
        };
        true
    }

    /// Every wallet account with its name, by rising number.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (Name, WalletAccount)> {
        (0..self.numbers.len()).map(|index| {
            let (block, place) = place_of(index);
            let Block { names, rows } = &self.blocks[block];
            let Row { wallet, currency, state } = rows[place];
            let id = AccountId { kind: AccountKind::Wallet, currency, index };
            let name = names.name(place).expect("every row has its name");
            (name, WalletAccount { id, wallet, state })
        })
    }
}

/// The block of an account and its place there.
pub(crate) fn place_of(number: u32) -> (usize, usize) {
    let index = |part| usize::try_from(part).expect("an index in memory fits usize");
    (index(number / BLOCK_NAMES), index(number % BLOCK_NAMES))
}

fn found(blocks: &[Block], number: u32) -> Option<(&Row, &str)> {
    let (block, place) = place_of(number);
    let Block { names, rows } = blocks.get(block)?;
    Some((rows.get(place)?, names.get(place)?))
}

/// Nobody who does not know the key can find names of one hash.
fn name_hash(key: &[u8; DIGEST_BYTES], wallet: WalletId, name: &str) -> u64 {
    let mut hasher = blake3::Hasher::new();
    hasher.update(key);
    hasher.update(&wallet.0.to_le_bytes());
    hasher.update(name.as_bytes());
    let [a, b, c, d, e, f, g, h, ..] = *hasher.finalize().as_bytes();
    u64::from_le_bytes([a, b, c, d, e, f, g, h])
}

/// Into the account or out of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Direction {
    In,
    Out,
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

#[cfg(test)]
mod tests;
