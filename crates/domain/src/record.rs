//! What is logged: a stamped command and its event.

use crate::{Command, Event, IdempotencyKey, Lsn, PaymentId, Posting, Timestamp};

/// A command with the caller's key, on its way to the engine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Submission {
    /// The caller's key; `None` for commands the switch gives itself and never repeats blindly.
    pub key: Option<IdempotencyKey>,
    /// What is asked.
    pub command: Command,
}

/// Something with its place in the log and its time. The time comes from the shard's sequencer and from nowhere else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stamped<T> {
    /// The position its record will have if there is one.
    pub lsn: Lsn,
    /// When it is decided.
    pub at: Timestamp,
    /// What is decided.
    pub command: T,
}

/// One record of the journal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Its position.
    pub lsn: Lsn,
    /// When it was decided; rises strictly with `lsn`.
    pub at: Timestamp,
    /// The caller's key.
    pub key: Option<IdempotencyKey>,
    /// What was asked.
    pub command: Command,
    /// What happened.
    pub event: Event,
}

impl Stamped<Submission> {
    /// The record of this command, given what happened.
    #[must_use]
    pub fn into_record(self, event: Event) -> Record {
        let Submission { key, command } = self.command;
        Record { lsn: self.lsn, at: self.at, key, command, event }
    }
}

impl Record {
    /// The postings of a record in order, each with the payment it belongs to, if it belongs to one.
    pub fn postings(&self) -> impl Iterator<Item = (Option<PaymentId>, &Posting)> {
        let (own, priced) = match &self.event {
            Event::FundsMoved { posting, .. } | Event::ReserveFunded(posting) | Event::PaidOut(posting) => {
                (core::slice::from_ref(posting), &[][..])
            }
            Event::PaymentCaptured(captured) => (&*captured.postings, &[][..]),
            Event::PaymentRefunded(refunded) => (&*refunded.postings, &[][..]),
            Event::RefundPending(pending) => (&*pending.postings, &[][..]),
            Event::PositionSquared(postings) | Event::SchemeSettled(postings) => (&**postings, &[][..]),
            Event::RefundsPriced(priced) => (&[][..], &**priced),
            Event::SwitchInitialized
            | Event::PolicyInstalled
            | Event::WalletRegistered(_)
            | Event::MerchantRegistered(_)
            | Event::RatesPublished(_)
            | Event::AccountOpened(_)
            | Event::AccountClosed
            | Event::PaymentAuthorized(_)
            | Event::PaymentVoided(_)
            | Event::AuthorizationIncreased(_)
            | Event::HoldsExpired(_)
            | Event::AccountFrozen
            | Event::AccountUnfrozen
            | Event::CodeIssued { .. }
            | Event::OrderApproved
            | Event::MandateGranted
            | Event::MandateRevoked
            | Event::Declined(_)
            | Event::AuthorizedTogether(_)
            | Event::DeclinedTogether(_)
            | Event::PaymentPending(_)
            | Event::AttemptDeclined(_)
            | Event::PersonAsserted
            | Event::CardBound
            | Event::CardRenewed(_)
            | Event::CardUnbound
            | Event::AdviceAcknowledged => (&[][..], &[][..]),
        };
        let together = if let Event::AuthorizedTogether(approved) = &self.event { approved.as_slice() } else { &[] };
        let together = self.payments_together().zip(together).flat_map(|(payment, approved)| {
            approved.postings().iter().map(|posting| (Some(payment.authorize.payment_id), posting))
        });
        let payment = self.command.payment_id();
        let own = own.iter().map(move |posting| (payment, posting));
        own.chain(
            priced.iter().flat_map(|refund| refund.postings.iter().map(|posting| (Some(refund.payment_id), posting))),
        )
        .chain(together)
    }
}
