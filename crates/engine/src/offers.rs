//! Quotes that payments were made by: each is used once.

use alloc::collections::{BTreeMap, BTreeSet};

use domain::{Offer, QuoteId, Timestamp};

/// So many used quotes that no longer hold are forgotten with each record.
const FORGOTTEN_A_RECORD_MAX: usize = 4;

/// A used quote is kept until it would no longer hold anyway.
#[derive(Debug, Default)]
pub(crate) struct Offers {
    pub(crate) used: BTreeMap<QuoteId, Timestamp>,
    by_end: BTreeSet<(Timestamp, QuoteId)>,
}

impl Offers {
    /// Of these quotes, those that were used.
    pub(crate) fn excerpt<'a>(&self, offers: impl Iterator<Item = &'a Offer>) -> Self {
        let used = offers.filter_map(|offer| self.used.get_key_value(&offer.quote_id));
        Self { used: used.map(|(quote, expires_at)| (*quote, *expires_at)).collect(), by_end: BTreeSet::new() }
    }

    pub(crate) fn is_used(&self, quote: QuoteId) -> bool {
        self.used.contains_key(&quote)
    }

    pub(crate) fn used(&mut self, offer: &Offer) {
        let earlier = self.used.insert(offer.quote_id, offer.expires_at);
        assert!(earlier.is_none(), "a quote is used once: {}", offer.quote_id);
        self.by_end.insert((offer.expires_at, offer.quote_id));
    }

    /// Takes in a used quote; whether it is told for the first time.
    pub(crate) fn stand(&mut self, quote: QuoteId, expires_at: Timestamp) -> bool {
        self.by_end.insert((expires_at, quote));
        self.used.insert(quote, expires_at).is_none()
    }

    pub(crate) fn forget_ended(&mut self, at: Timestamp) {
        for _ in 0..FORGOTTEN_A_RECORD_MAX {
            match self.by_end.first() {
                Some((expires_at, quote)) if *expires_at <= at => {
                    self.used.remove(quote);
                    self.by_end.pop_first();
                }
                Some(_) | None => return,
            }
        }
    }
}
