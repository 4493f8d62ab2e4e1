//! The requests whose answers may still come.

use std::collections::{BTreeSet, HashMap};

use domain::{CardAnswer, CardMessage, CardMessageKind, Lsn, PaymentId, Timestamp};
use money::Money;

use super::{answers::IssuerAnswer, messages::TraceKey};

/// More than the ledger has open at a time, with those that are remembered to know a late answer. Of more, the one that is
/// to be forgotten first is forgotten.
const REQUESTS_MAX: usize = 131_072;

/// One request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Request {
    pub(crate) payment_id: PaymentId,
    pub(crate) lsn: Lsn,
    pub(crate) answer_by: Timestamp,
    pub(crate) amount: Money,
    /// `None` of one that an earlier process may have sent.
    pub(crate) sent_at: Option<Timestamp>,
    forget_at: Timestamp,
}

/// The requests that were sent, or may have been, by what their answers are known by.
#[derive(Debug)]
pub(crate) struct Requests {
    forget_ms: u32,
    by_key: HashMap<TraceKey, Request>,
    by_end: BTreeSet<(Timestamp, TraceKey)>,
}

impl Requests {
    /// None yet; each is forgotten so many milliseconds after its answer is due.
    pub(crate) fn new(forget_ms: u32) -> Self {
        Self { forget_ms, by_key: HashMap::new(), by_end: BTreeSet::new() }
    }

    /// Waits for an answer to this request; nothing of an advice.
    pub(crate) fn open(&mut self, message: &CardMessage, sent_at: Option<Timestamp>) {
        let CardMessageKind::Authorization { answer_by } = message.kind else { return };
        if let Some((_, key)) = self.by_end.first().copied().filter(|_| self.by_key.len() >= REQUESTS_MAX) {
            self.close(&key);
        }
        let key = TraceKey::of(message.lsn, message.at);
        let forget_at = answer_by.plus_millis(i64::from(self.forget_ms));
        let (payment_id, lsn, amount) = (message.payment_id, message.lsn, message.amount);
        self.close(&key);
        self.by_key.insert(key, Request { payment_id, lsn, answer_by, amount, sent_at, forget_at });
        self.by_end.insert((forget_at, key));
    }

    /// The request that is answered, which waits no longer; or `None` when there is none, or it asked for something else.
    pub(crate) fn answered(&mut self, answer: &IssuerAnswer) -> Option<Request> {
        let request = self.by_key.get(&answer.key)?;
        let (asked, answered) = (request.amount, answer.amount);
        let same_currency = asked.currency() == answered.currency();
        let fits = match answer.answer {
            // Of a part, less may be told than was asked, but not more.
            CardAnswer::Partial { .. } => answered.is_positive() && answered.minor_units() <= asked.minor_units(),
            CardAnswer::Approved(_) | CardAnswer::Declined { .. } | CardAnswer::NotSent => {
                answered.minor_units() == asked.minor_units()
            }
        };
        if same_currency && fits { self.close(&answer.key) } else { None }
    }

    /// Waits no longer.
    pub(crate) fn close(&mut self, key: &TraceKey) -> Option<Request> {
        let request = self.by_key.remove(key)?;
        self.by_end.remove(&(request.forget_at, *key));
        Some(request)
    }

    /// Forgets those whose end has passed.
    pub(crate) fn forget(&mut self, now: Timestamp) {
        while let Some((_, key)) = self.by_end.first().copied().filter(|(at, _)| *at <= now) {
            self.close(&key);
        }
    }

    /// When the next is to be forgotten.
    pub(crate) fn next_due(&self) -> Option<Timestamp> {
        self.by_end.first().map(|(at, _)| *at)
    }

    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        assert_eq!(self.by_key.len(), self.by_end.len());
        self.by_key.len()
    }
}

#[cfg(test)]
mod tests;
