//! Forgetting what follows from records alone, and taking it back.
//!
//! Idempotency keys, and payments of which nothing is held and nothing waits, are a function of their own records. Whoever
//! keeps the records may have them forgotten here, and gives them back before a command that needs them. What is
//! remembered is therefore no part of any decision.

use alloc::sync::Arc;

use domain::{Command, Digest, Event, Evidence, IdempotencyKey, Lsn, MerchantId, PaymentId, Record, Timestamp};

use crate::{
    Engine,
    authorize::subject,
    conversions::recorded,
    lifecycle::captured,
    payments::{CardUse, Closed, Payment, Phase, Tranche, Tranches},
    rails::card::{approved, awaiting},
    refunds::{refund_pending, refunded},
};

/// So many keys, and so many payments, are forgotten at once.
pub const FORGOTTEN_AT_ONCE_MAX: usize = 16_384;

/// Why records do not bring a payment back: they are not all the records of one payment that could be forgotten.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotRecalled {
    /// The record at this position does not follow from those before it.
    DoesNotFollow(Lsn),
    /// Something of the payment is held, or a refund of it waits: such a payment is never forgotten.
    NotSettled(PaymentId),
}

impl Engine {
    /// Forgets the oldest keys and settled payments whose records stand at or below `up_to`, until of each kind no more
    /// than `keep` are left; at most [`FORGOTTEN_AT_ONCE_MAX`] of each.
    pub fn forget(&mut self, up_to: Lsn, keep: usize) {
        for _ in 0..FORGOTTEN_AT_ONCE_MAX {
            let keys = self.keys.len() > keep && self.keys.forget_oldest(up_to);
            let payments = self.payments.settled.len() > keep && self.payments.forget_oldest(up_to);
            if !keys && !payments {
                return;
            }
            self.forgetful = true;
        }
    }

    /// How many keys, or settled payments if there are more, are remembered.
    #[must_use]
    pub fn remembered(&self) -> usize {
        self.keys.len().max(self.payments.settled.len())
    }

    /// Whether anything was ever forgotten: if not, nothing is lacking.
    #[must_use]
    pub const fn is_forgetful(&self) -> bool {
        self.forgetful
    }

    /// Whether the record of this key, if there is one, may have been forgotten.
    #[must_use]
    pub fn lacks_key(&self, key: &IdempotencyKey) -> bool {
        self.forgetful && !self.keys.is_known(key.tenant, &key.digest)
    }

    /// Whether this payment, if there is one, may have been forgotten.
    #[must_use]
    pub fn lacks_payment(&self, payment: PaymentId) -> bool {
        self.forgetful && !self.payments.table.contains(payment)
    }

    /// Whether the payment that holds this merchant order id, if one does, may have been forgotten.
    #[must_use]
    pub fn lacks_order(&self, merchant: MerchantId, order: Digest) -> bool {
        self.forgetful && self.payments.table.holder(merchant, order).is_none()
    }

    /// Takes back the last record made under its key; where it decided several payments, the part made under that key. Does
    /// nothing when the key is known.
    pub fn recall_key(&mut self, record: &Arc<Record>) {
        self.keys.recall(record);
    }

    /// Takes back a payment, given every record up to the last one applied that concerns it, in order; the record of its
    /// issuer's refusal, or that no answer came, may be missing. Does nothing when it is known, or was declined.
    ///
    /// # Errors
    /// When these are not the records of a payment that could be forgotten. Nothing is changed.
    pub fn recall_payment(&mut self, payment: PaymentId, records: &[Arc<Record>]) -> Result<(), NotRecalled> {
        if !self.lacks_payment(payment) {
            return Ok(());
        }
        let mut recalled: Option<Payment> = None;
        for record in records.iter().map(|record| record.part_of(payment)) {
            recalled = self.next(payment, recalled, &record).ok_or(NotRecalled::DoesNotFollow(record.lsn))?;
        }
        match recalled.map(Payment::without_what_ended) {
            None => Ok(()),
            Some(recalled) if recalled.is_settled() => {
                self.payments.recall(payment, recalled);
                Ok(())
            }
            // It is never forgotten while its issuer is asked, so it has ended since, by a record that is not among these yet.
            Some(Payment { phase: Phase::Pending { .. }, .. }) => Ok(()),
            Some(_) => Err(NotRecalled::NotSettled(payment)),
        }
    }

    /// The payment after one more of its records; `None` if that record cannot follow.
    fn next(&self, id: PaymentId, before: Option<Payment>, record: &Record) -> Option<Option<Payment>> {
        if record.event.decline().is_some() {
            return Some(before);
        }
        let Some(before) = before else { return self.first(id, record).map(Some) };
        let after = match (&record.command, &record.event) {
            (Command::AnswerCard(answer), Event::PaymentCaptured(_)) => {
                approved(&before, record.lsn, record.at, &answer.answer, Timestamp::EPOCH)
            }
            (Command::AnswerCard(answer), Event::PaymentAuthorized(authorized)) => {
                approved(&before, record.lsn, record.at, &answer.answer, authorized.expires_at)
            }
            (Command::AnswerCard(_) | Command::TimeOutCard(_), Event::AttemptDeclined(_)) => return Some(None),
            (Command::CapturePayment(capture), Event::PaymentCaptured(_)) => captured(&before, capture),
            (Command::VoidPayment(_), Event::PaymentVoided(_)) => before.closed(Closed::Voided),
            (Command::RefundPayment(refund), Event::PaymentRefunded(event)) => refunded(&before, refund, event),
            (Command::RefundPayment(refund), Event::RefundPending(_)) => refund_pending(&before, refund).0,
            (Command::IncreaseAuthorization(increase), Event::AuthorizationIncreased(_)) => {
                let (legs, weight) = self.increase_legs(&before, increase);
                before.after_increase(legs, weight, increase.amount).ok()?
            }
            (Command::ExpireHolds, Event::HoldsExpired(_)) => before.closed(Closed::Expired),
            (Command::PriceRefunds, Event::RefundsPriced(priced)) => {
                let own = priced.iter().filter(|refund| refund.payment_id == id);
                own.fold(before, |before, _| before.after_pricing(record.lsn))
            }
            _ => return None,
        };
        Some(Some(Payment { changed: record.lsn, ..after }))
    }

    /// The payment right after it was approved.
    fn first(&self, id: PaymentId, record: &Record) -> Option<Payment> {
        let Command::AuthorizePayment(authorize) = &record.command else { return None };
        if let (Some(token), Event::PaymentPending(pending)) = (authorize.consent.card(), &record.event) {
            let (payer, tranche) = self.recorded_tranche(authorize, pending.fee);
            let card = CardUse::asked(token, authorize.capture_mode, pending.counted, record.lsn, record.at);
            return Some(Payment {
                changed: record.lsn,
                ..awaiting(authorize, payer, tranche, card, pending.answer_by)
            });
        }
        let (Evidence::Present(payer), Evidence::Present(conversions)) = (&authorize.payer, &authorize.converted)
        else {
            return None;
        };
        let whole = authorize.presentment_amount;
        let merchant = self.parties.merchant(authorize.merchant).filter(|_| authorize.payment_id == id)?;
        let (legs, weight) = recorded(&subject(merchant, *payer, whole, authorize.offer.as_ref()), conversions);
        let payment = Payment {
            merchant: authorize.merchant,
            payer: *payer,
            order: authorize.merchant_order_digest,
            tranches: Tranches::new(Tranche::new(legs, weight, whole)),
            phase: Phase::Closed(Closed::Captured),
            consented: None,
            mandate: None,
            pending_refunds: 0,
            changed: record.lsn,
            card: None,
        };
        if let Event::PaymentAuthorized(authorized) = &record.event {
            return Some(Payment { phase: Phase::Open { expires_at: authorized.expires_at }, ..payment });
        }
        matches!(record.event, Event::PaymentCaptured(_)).then(|| payment.after_capture(whole))
    }
}
