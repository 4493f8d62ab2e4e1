//! Where each card's record is: in memory, and nothing of a number in it.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use domain::CardToken;

#[derive(Default)]
pub(crate) struct Index(HashMap<CardToken, u64>);

impl Index {
    pub(crate) fn cards(&self) -> usize {
        self.0.len()
    }

    /// Where the card's record is.
    pub(crate) fn offset(&self, token: CardToken) -> Option<u64> {
        self.0.get(&token).copied()
    }

    /// Whether it was added: a token that is there already is not.
    #[must_use]
    pub(crate) fn add(&mut self, token: CardToken, offset: u64) -> bool {
        match self.0.entry(token) {
            Entry::Occupied(_) => false,
            Entry::Vacant(free) => {
                free.insert(offset);
                true
            }
        }
    }

    pub(crate) fn remove(&mut self, token: CardToken) {
        self.0.remove(&token);
    }

    /// Where the record of every card is, from the first to the last.
    pub(crate) fn in_file_order(&self) -> Vec<(u64, CardToken)> {
        let mut cards: Vec<_> = self.0.iter().map(|(token, offset)| (*offset, *token)).collect();
        cards.sort_unstable();
        cards
    }
}
