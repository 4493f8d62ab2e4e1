//! Balances of wallet accounts, which are numbered without gaps: nine bytes each.

use alloc::{collections::BTreeSet, vec::Vec};

use domain::{AccountId, AccountKind};
use money::Currency;

use crate::accounts::place_of;

/// A balance for every wallet account that was opened, by number. In blocks, so that it grows by no more than one at a time.
#[derive(Debug, Default)]
pub(super) struct Wallets {
    blocks: Vec<Block>,
    count: u32,
}

#[derive(Debug, Default)]
struct Block {
    units: Vec<i64>,
    currencies: Vec<Currency>,
}

impl Wallets {
    /// The next account, with nothing in it.
    pub(super) fn open(&mut self, account: AccountId) {
        assert!(account.index == self.count, "wallet accounts are numbered without gaps");
        let (block, place) = place_of(account.index);
        if place == 0 {
            self.blocks.push(Block::default());
        }
        self.blocks[block].units.push(0);
        self.blocks[block].currencies.push(account.currency);
        self.count = self.count.checked_add(1).expect("fewer than 2^32 of a kind");
    }

    /// The balance of a wallet account that was opened here, in minor units.
    pub(super) fn get(&self, account: AccountId) -> Option<i64> {
        let (block, place) = place_of(account.index);
        let Block { units, currencies } = self.blocks.get(block)?;
        if *currencies.get(place)? == account.currency { units.get(place).copied() } else { None }
    }

    /// As [`get`](Self::get), to be changed.
    pub(super) fn get_mut(&mut self, account: AccountId) -> Option<&mut i64> {
        let (block, place) = place_of(account.index);
        let Block { units, currencies } = self.blocks.get_mut(block)?;
        if *currencies.get(place)? == account.currency { units.get_mut(place) } else { None }
    }

    /// Every account, by rising number.
    pub(super) fn iter(&self) -> impl Iterator<Item = (AccountId, i64)> {
        let rows = self.blocks.iter().flat_map(|Block { units, currencies }| units.iter().zip(currencies));
        (0..).zip(rows).map(|(index, (units, currency))| {
            (AccountId { kind: AccountKind::Wallet, currency: *currency, index }, *units)
        })
    }

    /// Every account, by rising account: by currency, then by number. Walks once for each currency, so that nothing as large as
    /// the ledger is made to put them in order.
    pub(super) fn in_order(&self) -> impl Iterator<Item = (AccountId, i64)> {
        let currencies: BTreeSet<Currency> = self.iter().map(|(account, _)| account.currency).collect();
        currencies.into_iter().flat_map(|currency| self.iter().filter(move |(account, _)| account.currency == currency))
    }
}
