//! Where each card's record is, and which tokens share a card: in memory, and nothing of a number in it.

use std::collections::HashMap;

use domain::{CardFingerprint, CardToken};

#[derive(Clone, Copy)]
struct Entry {
    offset: u64,
    fingerprint: CardFingerprint,
}

#[derive(Default)]
pub(crate) struct Index {
    cards: HashMap<CardToken, Entry>,
    /// In the order in which they were bound.
    tokens: HashMap<CardFingerprint, Vec<CardToken>>,
}

impl Index {
    pub(crate) fn cards(&self) -> usize {
        self.cards.len()
    }

    /// Where the card's record is.
    pub(crate) fn offset(&self, token: CardToken) -> Option<u64> {
        self.cards.get(&token).map(|entry| entry.offset)
    }

    pub(crate) fn tokens(&self, fingerprint: CardFingerprint) -> &[CardToken] {
        self.tokens.get(&fingerprint).map_or(&[], Vec::as_slice)
    }

    /// Whether it was added: a token that is there already is not.
    #[must_use]
    pub(crate) fn add(&mut self, token: CardToken, fingerprint: CardFingerprint, offset: u64) -> bool {
        let free = !self.cards.contains_key(&token);
        if free {
            self.cards.insert(token, Entry { offset, fingerprint });
            self.tokens.entry(fingerprint).or_default().push(token);
        }
        free
    }

    pub(crate) fn remove(&mut self, token: CardToken) {
        let Some(entry) = self.cards.remove(&token) else { return };
        if let Some(tokens) = self.tokens.get_mut(&entry.fingerprint) {
            tokens.retain(|other| *other != token);
            if tokens.is_empty() {
                self.tokens.remove(&entry.fingerprint);
            }
        }
    }

    /// Where the record of every card is, from the first to the last.
    pub(crate) fn in_file_order(&self) -> Vec<(u64, CardToken)> {
        let mut cards: Vec<_> = self.cards.iter().map(|(token, entry)| (entry.offset, *token)).collect();
        cards.sort_unstable();
        cards
    }
}
