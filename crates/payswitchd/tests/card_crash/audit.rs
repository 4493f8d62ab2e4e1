//! What the network believes and what we believe.

use std::collections::{BTreeMap, BTreeSet};

use cardnet::{Authorization, Books, Trace};
use client::Operator;
use money::{Currency, Money};
use wire::v1::{CardPayment, Payment, PaymentAmount, PaymentState};

use crate::support::parties::sums;

/// What they agree about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Compared {
    /// Ours that stand, each with its approval.
    pub(crate) approved: u64,
    /// Of these, captured.
    pub(crate) captured: u64,
    /// Of these, given back in part or whole.
    pub(crate) refunded: u64,
    /// Of these, approved in the issuer's stead.
    pub(crate) stood_in: u64,
    /// Ours that were declined, voided or expired.
    pub(crate) ended: u64,
    /// Approvals of the network that were undone.
    pub(crate) reversed: u64,
    /// Reversals of what the network had not seen.
    pub(crate) reversed_unseen: u64,
}

/// Compares all payments of ours with all approvals of theirs: each approval belongs to one payment, which stands with the
/// same numbers, or it is reversed; and nothing of ours stands without one.
pub(crate) fn agree(payments: &[Payment], books: &Books) -> Result<Compared, String> {
    let mut theirs: BTreeMap<[String; 2], Vec<(&Trace, &Authorization)>> = BTreeMap::new();
    for (trace, found) in books.authorizations() {
        let key = [found.rrn.as_str(), found.last_four.as_str()].map(str::to_owned);
        theirs.entry(key).or_default().push((trace, found));
    }
    let mut compared = Compared::default();
    let mut ended = BTreeSet::new();
    for payment in payments {
        let Some(card) = &payment.card else { return Err(format!("not by card: {payment:?}")) };
        let found = theirs.remove(&[reference(card), card.last_four.clone()]).unwrap_or_default();
        let found = match found.as_slice() {
            [] => None,
            [found] => Some(*found),
            [_, _, ..] => return Err(format!("charged twice: {found:?} for {payment:?}")),
        };
        let wrong = |what: &str| Err(format!("{what}: {found:?} for {payment:?}"));
        let stands = match payment.state() {
            PaymentState::Pending | PaymentState::Unspecified => return wrong("not ended"),
            PaymentState::Voided | PaymentState::Expired if found.is_none() => return wrong("approved by nobody"),
            PaymentState::Declined | PaymentState::Voided | PaymentState::Expired => false,
            PaymentState::Authorized
            | PaymentState::PartiallyCaptured
            | PaymentState::Captured
            | PaymentState::PartiallyRefunded
            | PaymentState::Refunded => true,
        };
        match found {
            None if stands => return wrong("approved by nobody"),
            Some((trace, found)) if stands && !is_same(payment, card, trace, found) => return wrong("not the same"),
            Some((_, found)) if !stands && !found.reversed => return wrong("charged without a payment"),
            Some((_, found)) if !stands && !found.captured.is_zero() => return wrong("captured and reversed"),
            None | Some(_) => {}
        }
        if stands {
            compared.add(card, found.map(|(_, found)| found));
        } else {
            compared.ended += 1;
            compared.reversed += u64::from(found.is_some());
            ended.insert(card.trace_number.clone());
        }
    }
    if let Some(unknown) = theirs.values().next() {
        return Err(format!("charged, and we have no such payment: {unknown:?}"));
    }
    for trace in books.reversed_unseen() {
        compared.reversed_unseen += 1;
        if !ended.contains(&stan(trace)) {
            return Err(format!("reversed, and we did not ask for it: {trace:?}"));
        }
    }
    Ok(compared)
}

impl Compared {
    fn add(&mut self, card: &CardPayment, found: Option<&Authorization>) {
        self.approved += 1;
        self.captured += u64::from(found.is_some_and(|found| !found.captured.is_zero()));
        self.refunded += u64::from(found.is_some_and(|found| !found.refunded.is_zero()));
        self.stood_in += u64::from(card.stood_in);
    }
}

/// DE 37 of the message that tells the network of the approval. Where we stood in, it is the advice, whose record also gave
/// the code.
fn reference(card: &CardPayment) -> String {
    if card.stood_in { format!("{:0>12}", card.approval_code) } else { card.retrieval_reference_number.clone() }
}

fn stan(trace: &Trace) -> String {
    format!("{:06}", trace.stan.get())
}

fn is_same(payment: &Payment, card: &CardPayment, trace: &Trace, found: &Authorization) -> bool {
    let is_debit = |ours: &Option<PaymentAmount>, theirs: Money| {
        let ours = ours.as_ref().and_then(|ours| ours.debit.as_ref());
        ours.is_some_and(|ours| {
            i128::from(ours.minor_units) == theirs.minor_units()
                && Currency::from_code(&ours.currency_code).ok() == Some(theirs.currency())
        })
    };
    !found.reversed
        && card.approval_code == found.approval_code.as_str()
        && (card.stood_in || card.trace_number == stan(trace))
        && is_debit(&payment.authorized, found.amount)
        && is_debit(&payment.captured, found.captured)
        && is_debit(&payment.refunded, found.refunded)
}

/// Each currency sums to zero, and what schemes owe us is what the network has captured less what it has given back.
pub(crate) async fn conserved(operator: &Operator, books: &Books) {
    let status = operator.status().await.expect("the operator is answered");
    let sums = sums(&status);
    assert!(sums.values().all(|sum| *sum == 0), "each currency sums to zero: {sums:?}");
    let receivable = status.trial_balance.iter().filter(|line| line.account_kind == "scheme_receivable");
    let receivable: i64 = receivable.filter_map(|line| line.balance.as_ref()).map(|balance| balance.minor_units).sum();
    let owed = books.totals().get(&Currency::CNY).map_or(0, |total| total.owed.minor_units());
    assert_eq!(-i128::from(receivable), owed, "what schemes owe is what they took less what they gave back");
}
