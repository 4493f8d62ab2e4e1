//! What the network believes: which approvals there are, and what became of them.

use std::collections::{BTreeMap, BTreeSet};

use domain::{LastFour, Timestamp};
use iso8583::field::{ApprovalCode, InstitutionId, Rrn, Stan, TransmissionTime};
use money::{Currency, Money};

mod moment;
mod text;

pub(crate) use text::changes;
pub use text::{LineError, ReadError};

/// By what a message is known to the network: its DE 11, DE 7 and DE 32. Later messages name it so in DE 90.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Trace {
    /// Its DE 11.
    pub stan: Stan,
    /// Its DE 7.
    pub sent_at: TransmissionTime,
    /// Its DE 32, not zero; `None` when it has none.
    pub acquirer: Option<InstitutionId>,
}

/// One change of the books, by one message. Its text is one line of the books file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Change {
    /// When the message was taken.
    pub at: Timestamp,
    /// The message.
    pub trace: Trace,
    /// Its DE 37: no blanks within, and not empty.
    pub rrn: Rrn,
    /// The last digits of its DE 2.
    pub last_four: LastFour,
    /// What it changes.
    pub kind: ChangeKind,
}

/// What a message changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChangeKind {
    /// It is approved, or an advice tells that it was.
    Approved {
        /// How much.
        amount: Money,
        /// By what it is known to people.
        approval_code: ApprovalCode,
    },
    /// An approval is undone as a whole; or a request that never arrived, which then is never approved.
    Reversed {
        /// Of this message.
        original: Trace,
    },
    /// A part of an approval, or all of it, is taken.
    Captured {
        /// Of this message.
        original: Trace,
        /// How much.
        amount: Money,
    },
    /// A part of what was taken, or all of it, is given back.
    Refunded {
        /// Of this message.
        original: Trace,
        /// How much.
        amount: Money,
    },
}

/// One approval and what became of it. All sums are in one currency, and refunded ≤ captured ≤ amount. One that is reversed
/// has nothing captured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Authorization {
    /// Its DE 37.
    pub rrn: Rrn,
    /// The last digits of the card.
    pub last_four: LastFour,
    /// Its DE 38.
    pub approval_code: ApprovalCode,
    /// When it was approved, or the advice of it was taken.
    pub approved_at: Timestamp,
    /// How much was approved.
    pub amount: Money,
    /// Whether it was undone.
    pub reversed: bool,
    /// How much was taken.
    pub captured: Money,
    /// How much of that was given back.
    pub refunded: Money,
}

/// What the books do not take.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// An approval under the trace of another.
    #[error("there is an approval of this trace already")]
    AlreadyApproved,
    /// An approval after its reversal, or another reversal of what is reversed.
    #[error("it is reversed")]
    AlreadyReversed,
    /// A reversal of what was captured.
    #[error("it is captured")]
    AlreadyCaptured,
    /// A capture or a refund of nothing.
    #[error("there is no approval of that trace")]
    NoApproval,
    /// The original is of another card.
    #[error("the approval is of another card")]
    AnotherCard,
    /// The original is in another currency.
    #[error("the approval is in another currency")]
    AnotherCurrency,
    /// More is captured than was approved, or more refunded than was captured; or nothing is.
    #[error("the amount is zero, or more than there is")]
    Amount,
}

/// What was taken and given back in one currency.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Total {
    /// All captures.
    pub captured: Money,
    /// All refunds.
    pub refunded: Money,
    /// The captures less the refunds: what the network owes the acquirers.
    pub owed: Money,
}

/// All approvals, and all reversals of what was never seen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Books {
    authorizations: BTreeMap<Trace, Authorization>,
    /// Reversed, and not approved.
    reversed_unseen: BTreeSet<Trace>,
}

impl Books {
    /// The approval of a trace.
    #[must_use]
    pub fn authorization(&self, trace: &Trace) -> Option<&Authorization> {
        self.authorizations.get(trace)
    }

    /// All approvals, by trace.
    pub fn authorizations(&self) -> impl Iterator<Item = (&Trace, &Authorization)> {
        self.authorizations.iter()
    }

    /// The approvals that are neither reversed nor captured, by trace.
    pub fn open(&self) -> impl Iterator<Item = (&Trace, &Authorization)> {
        self.authorizations.iter().filter(|(_, found)| !found.reversed && found.captured.is_zero())
    }

    /// Traces that were reversed before they were seen, in order.
    pub fn reversed_unseen(&self) -> impl Iterator<Item = &Trace> {
        self.reversed_unseen.iter()
    }

    /// What was taken and given back, by currency. Currencies without an approval are not in it.
    ///
    /// # Panics
    /// Never: so many amounts of twelve digits as fit memory are no 128 bits.
    #[must_use]
    pub fn totals(&self) -> BTreeMap<Currency, Total> {
        let mut totals = BTreeMap::new();
        for found in self.authorizations.values() {
            let zero = Money::zero(found.amount.currency());
            let total = totals.entry(zero.currency()).or_insert(Total { captured: zero, refunded: zero, owed: zero });
            let sum = |one: Money, other: Money| one.checked_add(other).expect("one currency, and room");
            total.captured = sum(total.captured, found.captured);
            total.refunded = sum(total.refunded, found.refunded);
            total.owed = total.captured.checked_sub(total.refunded).expect("one currency, and room");
        }
        totals
    }

    /// Books a change.
    ///
    /// # Errors
    /// Why not. The books are as before then.
    pub fn book(&mut self, change: &Change) -> Result<(), Refusal> {
        match change.kind {
            ChangeKind::Approved { amount, approval_code } => self.approve(change, amount, approval_code),
            ChangeKind::Reversed { original } => self.reverse(change, original),
            ChangeKind::Captured { original, amount } => {
                let found = self.original(change, &original, amount)?;
                let captured = sum_within(found.captured, amount, found.amount)?;
                found.captured = captured;
                Ok(())
            }
            ChangeKind::Refunded { original, amount } => {
                let found = self.original(change, &original, amount)?;
                let refunded = sum_within(found.refunded, amount, found.captured)?;
                found.refunded = refunded;
                Ok(())
            }
        }
    }

    fn approve(&mut self, change: &Change, amount: Money, approval_code: ApprovalCode) -> Result<(), Refusal> {
        if self.reversed_unseen.contains(&change.trace) {
            return Err(Refusal::AlreadyReversed);
        }
        if self.authorizations.contains_key(&change.trace) {
            return Err(Refusal::AlreadyApproved);
        }
        if !amount.is_positive() {
            return Err(Refusal::Amount);
        }
        let zero = Money::zero(amount.currency());
        let Change { at: approved_at, rrn, last_four, .. } = *change;
        let (reversed, captured, refunded) = (false, zero, zero);
        let approved =
            Authorization { rrn, last_four, approval_code, approved_at, amount, reversed, captured, refunded };
        self.authorizations.insert(change.trace, approved);
        Ok(())
    }

    fn reverse(&mut self, change: &Change, original: Trace) -> Result<(), Refusal> {
        let Some(found) = self.authorizations.get_mut(&original) else {
            return if self.reversed_unseen.insert(original) { Ok(()) } else { Err(Refusal::AlreadyReversed) };
        };
        if found.last_four != change.last_four {
            return Err(Refusal::AnotherCard);
        }
        if found.reversed {
            return Err(Refusal::AlreadyReversed);
        }
        if !found.captured.is_zero() {
            return Err(Refusal::AlreadyCaptured);
        }
        found.reversed = true;
        Ok(())
    }

    /// The approval that something is taken of or given back to.
    fn original(&mut self, change: &Change, original: &Trace, amount: Money) -> Result<&mut Authorization, Refusal> {
        let found = self.authorizations.get_mut(original).ok_or(Refusal::NoApproval)?;
        if found.last_four != change.last_four {
            return Err(Refusal::AnotherCard);
        }
        if found.reversed {
            return Err(Refusal::AlreadyReversed);
        }
        if found.amount.currency() != amount.currency() {
            return Err(Refusal::AnotherCurrency);
        }
        Ok(found)
    }
}

fn sum_within(before: Money, more: Money, limit: Money) -> Result<Money, Refusal> {
    let sum = before.checked_add(more).map_err(|_too_large| Refusal::Amount)?;
    (more.is_positive() && sum.minor_units() <= limit.minor_units()).then_some(sum).ok_or(Refusal::Amount)
}

#[cfg(test)]
mod tests;
