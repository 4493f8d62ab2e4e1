//! Wallets and their accounts, by name and number.

use std::{
    hash::{BuildHasher, Hasher, RandomState},
    sync::{RwLock, RwLockReadGuard, RwLockWriteGuard},
};

use domain::{AccountId, AccountKind, AccountName, BLOCK_NAMES, NAME_CHARS_MAX, Name, NameBlock, Numbered, WalletId};
use money::Currency;

/// Every wallet account there is, for as long as the switch runs: about fourteen bytes and the name for each.
///
/// Under one lock, which nobody holds for longer than one account takes: to add one moves no more than a block and a few
/// numbers, however many there are.
#[derive(Debug, Default)]
pub(super) struct Accounts {
    table: RwLock<Table>,
    /// With keys of this process: wallet operators choose names, and shall not choose where they meet.
    hasher: RandomState,
}

#[derive(Debug, Default)]
struct Table {
    wallets: Vec<Name>,
    rows: Rows,
    /// By the names of wallet and account.
    numbers: Numbered,
}

/// Accounts by number, as many to a block as it has names.
#[derive(Debug, Default)]
struct Rows(Vec<Block>);

#[derive(Debug, Default)]
struct Block {
    names: NameBlock,
    wallets: Vec<WalletId>,
    currencies: Vec<Currency>,
}

impl Accounts {
    pub(super) fn insert_wallet(&self, wallet: WalletId, name: &Name) {
        let mut table = self.write();
        assert_eq!(index(wallet.0), table.wallets.len(), "wallet operators are numbered without gaps");
        table.wallets.push(name.clone());
    }

    pub(super) fn insert(&self, account: AccountId, wallet: WalletId, name: &Name) {
        let Table { wallets, rows, numbers } = &mut *self.write();
        let wallet_name = wallets.get(index(wallet.0));
        let wallet_name = wallet_name.expect("an account is opened in a wallet that is registered");
        let number = numbers.push(self.hash(wallet_name, name.as_str()), |number| {
            let (of, called, _) = rows.get(number).expect("what has a number has a row");
            self.hash(wallets.get(index(of.0)).expect("its wallet is registered"), called)
        });
        assert_eq!(number, account.index, "wallet accounts are numbered without gaps");
        rows.push(wallet, name, account.currency);
    }

    pub(super) fn wallet(&self, wallet: WalletId) -> Option<Name> {
        self.read().wallets.get(index(wallet.0)).cloned()
    }

    /// The account of this name.
    pub(super) fn find(&self, name: &AccountName) -> Option<AccountId> {
        self.find_by(&self.read(), &name.wallet, &name.account)
    }

    /// The account that is called so in this wallet.
    pub(super) fn find_in(&self, wallet: WalletId, name: &Name) -> Option<AccountId> {
        let table = self.read();
        self.find_by(&table, table.wallets.get(index(wallet.0))?, name)
    }

    fn find_by(&self, table: &Table, wallet: &Name, name: &Name) -> Option<AccountId> {
        let mut currency = None;
        let is_sought = |number| {
            let found = table.rows.get(number).filter(|(of, called, _)| {
                *called == name.as_str() && table.wallets.get(index(of.0)).is_some_and(|of| of == wallet)
            });
            currency = found.map(|(_, _, currency)| currency);
            currency.is_some()
        };
        let index = table.numbers.find(self.hash(wallet, name.as_str()), is_sought)?;
        Some(AccountId { kind: AccountKind::Wallet, currency: currency?, index })
    }

    /// What this account is called.
    pub(super) fn name(&self, account: AccountId) -> Option<AccountName> {
        let table = self.read();
        let (wallet, _, currency) = table.rows.get(account.index)?;
        let is_it = account.kind == AccountKind::Wallet && currency == account.currency;
        let wallet = table.wallets.get(index(wallet.0)).filter(|_| is_it)?;
        Some(AccountName { wallet: wallet.clone(), account: table.rows.name(account.index)? })
    }

    #[cfg(test)]
    pub(super) fn is_empty(&self) -> bool {
        self.read().numbers.is_empty()
    }

    fn hash(&self, wallet: &Name, name: &str) -> u64 {
        // In one piece, which takes half as long as two.
        let mut text = [b'/'; 2 * NAME_CHARS_MAX + 1];
        let (wallet, name) = (wallet.as_str().as_bytes(), name.as_bytes());
        let begin = wallet.len().saturating_add(1);
        let end = begin.saturating_add(name.len());
        text[..wallet.len()].copy_from_slice(wallet);
        text[begin..end].copy_from_slice(name);
        let mut hasher = self.hasher.build_hasher();
        hasher.write(&text[..end]);
        hasher.finish()
    }

    fn read(&self) -> RwLockReadGuard<'_, Table> {
        self.table.read().expect("no holder of the accounts panics")
    }

    fn write(&self) -> RwLockWriteGuard<'_, Table> {
        self.table.write().expect("no holder of the accounts panics")
    }
}

impl Rows {
    fn push(&mut self, wallet: WalletId, name: &Name, currency: Currency) {
        if self.0.last().is_none_or(|block| block.names.is_full()) {
            self.0.push(Block::default());
        }
        let block = self.0.last_mut().expect("there is one that is not full");
        block.names.push(name);
        block.wallets.push(wallet);
        block.currencies.push(currency);
    }

    fn name(&self, number: u32) -> Option<Name> {
        self.0.get(index(number / BLOCK_NAMES))?.names.name(index(number % BLOCK_NAMES))
    }

    fn get(&self, number: u32) -> Option<(WalletId, &str, Currency)> {
        let block = self.0.get(index(number / BLOCK_NAMES))?;
        let place = index(number % BLOCK_NAMES);
        Some((*block.wallets.get(place)?, block.names.get(place)?, *block.currencies.get(place)?))
    }
}

fn index(number: u32) -> usize {
    usize::try_from(number).expect("an index in memory fits usize")
}
