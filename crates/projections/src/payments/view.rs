//! A payment as readers see it.

use std::sync::Arc;

use domain::{
    AccountId, AuthorizePayment, Command, Event, MerchantId, PaymentId, PaymentState, PaymentTotals, Record, RefundId,
    RefundPriced, Timestamp,
};

/// A payment right after one of its records.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PaymentView {
    // Invariant: `decided` authorizes a payment or declines to, and everything else is about that payment.
    pub(super) decided: Arc<Record>,
    pub(super) record: Arc<Record>,
    // Invariant: it is `record`, or decided this payment among others.
    pub(super) in_journal: Arc<Record>,
    // Invariant: it answers for this payment's card.
    pub(super) answered: Option<Arc<Record>>,
    // Invariant: of a declined payment there are none.
    pub(super) totals: Option<PaymentTotals>,
    pub(super) refund: Option<RefundView>,
}

/// A refund: the record that asked for it, and, once a pending one was given to the payer, the record that did so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefundView {
    // Invariant: it refunds a payment, makes that pending, or declines it.
    pub(super) record: Arc<Record>,
    // Invariant: it prices this refund.
    pub(super) priced: Option<Arc<Record>>,
}

impl PaymentView {
    /// Which payment.
    #[must_use]
    pub fn payment_id(&self) -> PaymentId {
        self.authorize().payment_id
    }

    /// Whose payment.
    #[must_use]
    pub fn merchant(&self) -> MerchantId {
        self.authorize().merchant
    }

    /// What was asked first.
    #[must_use]
    pub fn authorize(&self) -> &AuthorizePayment {
        authorize_of(&self.decided)
    }

    /// The account it debits; `None` when it was declined without finding one.
    #[must_use]
    pub fn payer(&self) -> Option<AccountId> {
        self.authorize().payer.present().copied()
    }

    /// The record that decided the payment.
    #[must_use]
    pub const fn decided(&self) -> &Arc<Record> {
        &self.decided
    }

    /// The record this is right after. Of a payment as it stands, the last that changed it, or priced a refund of it; a
    /// declined change is not one.
    #[must_use]
    pub const fn record(&self) -> &Arc<Record> {
        &self.record
    }

    /// [`record`](Self::record) as it stands in the journal: it may have decided other payments too.
    #[must_use]
    pub const fn record_in_journal(&self) -> &Arc<Record> {
        &self.in_journal
    }

    /// The record of what its card's issuer answered; `None` of one that is not by card, or that was not answered by then.
    #[must_use]
    pub const fn answered(&self) -> Option<&Arc<Record>> {
        self.answered.as_ref()
    }

    /// How much of it is where; `None` when it was declined.
    #[must_use]
    pub const fn totals(&self) -> Option<&PaymentTotals> {
        self.totals.as_ref()
    }

    /// Where it stands, as recorded: a hold that is due stands as held until a record says that it expired.
    #[must_use]
    pub fn state(&self) -> PaymentState {
        self.totals.map_or(PaymentState::Declined, |totals| totals.state)
    }

    /// From this moment on nothing more can be captured; `None` unless it is captured manually.
    #[must_use]
    pub fn expires_at(&self) -> Option<Timestamp> {
        let held = self.answered.as_ref().unwrap_or(&self.decided);
        if let Event::PaymentAuthorized(authorized) = &held.event { Some(authorized.expires_at) } else { None }
    }

    /// The refund that [`record`](Self::record) decided or priced, as it was then; `None` when it is about none.
    #[must_use]
    pub const fn refund(&self) -> Option<&RefundView> {
        self.refund.as_ref()
    }
}

impl RefundView {
    /// Which refund.
    ///
    /// # Panics
    /// Never: a view is of a refund.
    #[must_use]
    pub fn refund_id(&self) -> RefundId {
        refund_of(&self.record).expect("a refund view is of a refund")
    }

    /// The record that decided it: refunded, pending, or declined.
    #[must_use]
    pub const fn record(&self) -> &Arc<Record> {
        &self.record
    }

    /// How a pending refund was given to the payer, with the record that did so.
    #[must_use]
    pub fn priced(&self) -> Option<(&Arc<Record>, &RefundPriced)> {
        let record = self.priced.as_ref()?;
        let Event::RefundsPriced(priced) = &record.event else { return None };
        let refund_id = self.refund_id();
        Some((record, priced.iter().find(|priced| priced.refund_id == refund_id)?))
    }
}

/// What this record, which decided a payment, was asked.
pub(crate) fn authorize_of(decided: &Record) -> &AuthorizePayment {
    let Command::AuthorizePayment(command) = &decided.command else {
        panic!("a payment is decided by the record that was asked to authorize it");
    };
    command
}

/// The refund this record was asked for.
pub(super) fn refund_of(record: &Record) -> Option<RefundId> {
    if let Command::RefundPayment(command) = &record.command { Some(command.refund_id) } else { None }
}

/// What this record tells of the payment right after it.
pub(crate) fn totals_in(record: &Record, payment: PaymentId) -> Option<PaymentTotals> {
    match &record.event {
        Event::PaymentCaptured(captured) => Some(captured.after),
        Event::PaymentAuthorized(authorized) => Some(authorized.after),
        Event::PaymentVoided(after) => Some(*after),
        Event::PaymentRefunded(refunded) => Some(refunded.after),
        Event::RefundPending(pending) => Some(pending.after),
        Event::AuthorizationIncreased(increased) => Some(increased.after),
        Event::PaymentPending(pending) => Some(pending.after),
        Event::AttemptDeclined(declined) => Some(declined.after),
        Event::HoldsExpired(expired) => {
            expired.iter().find(|expired| expired.payment_id == payment).map(|expired| expired.after)
        }
        Event::SwitchInitialized
        | Event::PolicyInstalled
        | Event::WalletRegistered(_)
        | Event::MerchantRegistered(_)
        | Event::RatesPublished(_)
        | Event::AccountOpened(_)
        | Event::AccountClosed
        | Event::FundsMoved { .. }
        | Event::RefundsPriced(_)
        | Event::AccountFrozen
        | Event::AccountUnfrozen
        | Event::CodeIssued { .. }
        | Event::OrderApproved
        | Event::MandateGranted
        | Event::MandateRevoked
        | Event::ReserveFunded(_)
        | Event::PaidOut(_)
        | Event::PositionSquared(_)
        | Event::Declined(_)
        | Event::AuthorizedTogether(_)
        | Event::DeclinedTogether(_)
        | Event::PersonAsserted
        | Event::CardBound
        | Event::CardRenewed(_)
        | Event::CardUnbound
        | Event::AdviceAcknowledged
        | Event::SchemeSettled(_) => None,
    }
}
