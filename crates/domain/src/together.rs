//! Payments that are decided together: all of them are approved, or none is.

use alloc::{sync::Arc, vec::Vec};

use crate::{
    AuthorizePayment, Command, Decline, DeclineReason, Digest, Event, IdempotencyKey, MerchantId, PaymentAuthorized,
    PaymentCaptured, PaymentId, Posting, Record, TenantId,
};

/// The most payments that are decided together.
pub const TOGETHER_PAYMENTS_MAX: usize = 500;

/// Requests of one merchant to be paid, all or none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuthorizeTogether {
    // Invariant: 1 to TOGETHER_PAYMENTS_MAX, all of one merchant.
    payments: Vec<KeyedPayment>,
}

/// One of them, under the caller's key for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyedPayment {
    /// The caller's key.
    pub key: IdempotencyKey,
    /// What is asked.
    pub authorize: AuthorizePayment,
}

/// A payment that was approved with others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Approved {
    /// Its funds are held.
    Held(PaymentAuthorized),
    /// It was captured at once.
    Captured(PaymentCaptured),
}

/// Payments of which one was declined, and therefore all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeclinedTogether {
    /// The first that was declined, counted from 0: those behind it were not looked at.
    pub position: usize,
    /// Why that one was.
    pub decline: Decline,
}

impl AuthorizeTogether {
    /// These payments; `None` when they are none or too many, or not of one merchant.
    #[must_use]
    pub fn new(payments: Vec<KeyedPayment>) -> Option<Self> {
        let merchant = payments.first()?.authorize.merchant;
        let of_one = payments.iter().all(|payment| payment.authorize.merchant == merchant);
        (of_one && payments.len() <= TOGETHER_PAYMENTS_MAX).then_some(Self { payments })
    }

    /// In the order they are decided.
    #[must_use]
    pub fn payments(&self) -> &[KeyedPayment] {
        &self.payments
    }

    /// Who asks.
    ///
    /// # Panics
    /// Never: there is a payment.
    #[must_use]
    pub fn merchant(&self) -> MerchantId {
        self.payments.first().expect("there is a payment").authorize.merchant
    }
}

impl Approved {
    /// What this event says, if it approves a payment.
    #[must_use]
    pub fn of(event: Event) -> Option<Self> {
        if let Event::PaymentAuthorized(authorized) = event {
            return Some(Self::Held(authorized));
        }
        if let Event::PaymentCaptured(captured) = event { Some(Self::Captured(captured)) } else { None }
    }

    /// What moved.
    #[must_use]
    pub fn postings(&self) -> &[Posting] {
        match self {
            Self::Held(_) => &[],
            Self::Captured(captured) => &captured.postings,
        }
    }
}

impl From<Approved> for Event {
    fn from(approved: Approved) -> Self {
        match approved {
            Approved::Held(authorized) => Self::PaymentAuthorized(authorized),
            Approved::Captured(captured) => Self::PaymentCaptured(captured),
        }
    }
}

/// What a record says of each payment that it decided together with others: a record as of a payment decided alone, at the
/// same position and time. Whoever reads records of payments reads these.
impl Record {
    /// Its payments one by one, in order, if it decided several together; else itself.
    pub fn parts(self: &Arc<Self>) -> impl Iterator<Item = Arc<Self>> + use<'_> {
        let whole = self.together().is_none().then(|| Arc::clone(self));
        whole.into_iter().chain((0..).map_while(|position| self.part(position)).map(Arc::new))
    }

    /// The payments that it decided together, in order; empty for any other record.
    pub fn payments_together(&self) -> impl Iterator<Item = &KeyedPayment> {
        self.together().into_iter().flat_map(AuthorizeTogether::payments)
    }

    /// What it says of this payment, if it decided it together with others; else itself.
    #[must_use]
    pub fn part_of(self: &Arc<Self>, payment: PaymentId) -> Arc<Self> {
        self.part_where(|part| part.authorize.payment_id == payment)
    }

    /// What it says of the payment asked for under this key, if it decided it together with others; else itself.
    #[must_use]
    pub fn part_under(self: &Arc<Self>, tenant: TenantId, digest: &Digest) -> Arc<Self> {
        self.part_where(|part| part.key.tenant == tenant && part.key.digest == *digest)
    }

    /// The record of which these are parts: those asked for, in the order they were asked for.
    #[must_use]
    pub fn of_parts(parts: &[Arc<Self>]) -> Option<Self> {
        let first = parts.first()?;
        let payments = parts.iter().map(|part| {
            let Command::AuthorizePayment(authorize) = &part.command else { return None };
            Some(KeyedPayment { key: part.key?, authorize: authorize.clone() })
        });
        let command = AuthorizeTogether::new(payments.collect::<Option<_>>()?)?;
        Some(Self {
            lsn: first.lsn,
            at: first.at,
            key: None,
            command: Command::AuthorizeTogether(command),
            event: event_of(parts)?,
        })
    }

    fn part_where(self: &Arc<Self>, is_it: impl Fn(&KeyedPayment) -> bool) -> Arc<Self> {
        let position = self.payments_together().position(is_it);
        position.and_then(|position| self.part(position)).map_or_else(|| Arc::clone(self), Arc::new)
    }

    fn part(&self, position: usize) -> Option<Self> {
        let KeyedPayment { key, authorize } = self.together()?.payments.get(position)?;
        let event = if let Event::AuthorizedTogether(approved) = &self.event {
            approved.get(position)?.clone().into()
        } else {
            let Event::DeclinedTogether(declined) = &self.event else { return None };
            let of_another = Decline { reason: DeclineReason::BatchDeclined, paid_by: None };
            Event::Declined(if declined.position == position { declined.decline } else { of_another })
        };
        let command = Command::AuthorizePayment(authorize.clone());
        Some(Self { lsn: self.lsn, at: self.at, key: Some(*key), command, event })
    }

    const fn together(&self) -> Option<&AuthorizeTogether> {
        if let Command::AuthorizeTogether(together) = &self.command { Some(together) } else { None }
    }
}

/// What became of these parts of one record.
fn event_of(parts: &[Arc<Record>]) -> Option<Event> {
    let declines = || parts.iter().map(|part| part.event.decline());
    let because = declines().position(|decline| decline.is_some_and(|own| own.reason != DeclineReason::BatchDeclined));
    // Where the payment that was declined is not among them, each says that another was.
    let position = because.unwrap_or(0);
    if let Some(decline) = declines().nth(position)? {
        return Some(Event::DeclinedTogether(DeclinedTogether { position, decline: *decline }));
    }
    let approved = parts.iter().map(|part| Approved::of(part.event.clone()));
    approved.collect::<Option<_>>().map(Event::AuthorizedTogether)
}
