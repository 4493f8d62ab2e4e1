//! Callers that wait for a card's issuer.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use domain::{CardToken, ChainMark, Command, Event, PaymentId, Record, Submission};
use shard::{Answer, Clock, Committed, Observer};
use tokio::sync::oneshot;
use tonic::{Response, Status};
use wire::{replies, served::Encoded, v1};

use crate::{Switch, deadline::Deadline, errors, payment_messages, switch::answer};

/// Payments whose callers wait until it is known what has become of them. Disposable: whoever is not told here reads it
/// later.
#[derive(Debug, Default)]
pub struct AwaitedPayments {
    waiting: Mutex<HashMap<PaymentId, Vec<oneshot::Sender<Arc<Record>>>>>,
}

/// One caller's place. It is given up with it.
#[derive(Debug)]
struct Waiting {
    payment: PaymentId,
    told: Option<oneshot::Receiver<Arc<Record>>>,
    all: Arc<AwaitedPayments>,
}

impl AwaitedPayments {
    /// Begins to wait. Whatever becomes durable from now on is told.
    fn wait_for(self: &Arc<Self>, payment: PaymentId) -> Waiting {
        let (sender, receiver) = oneshot::channel();
        self.lock().entry(payment).or_default().push(sender);
        Waiting { payment, told: Some(receiver), all: Arc::clone(self) }
    }

    /// Tells those who wait, as records become durable.
    #[must_use]
    pub fn observer(self: &Arc<Self>) -> Box<dyn Observer> {
        Box::new(Told(Arc::clone(self)))
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<PaymentId, Vec<oneshot::Sender<Arc<Record>>>>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Waiting {
    /// The record that ended the waiting.
    async fn told(mut self) -> Option<Arc<Record>> {
        let told = self.told.take()?;
        told.await.ok()
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        let mut waiting = self.all.lock();
        let Some(of_payment) = waiting.get_mut(&self.payment) else { return };
        // Its own end is gone, or is about to be.
        drop(self.told.take());
        of_payment.retain(|sender| !sender.is_closed());
        if of_payment.is_empty() {
            waiting.remove(&self.payment);
        }
    }
}

/// A request to be paid by card, whose caller waits for the issuer as long as its deadline lets it.
pub(crate) struct AskedIssuer {
    waiting: Waiting,
    card: CardToken,
    deadline: Deadline,
}

impl AskedIssuer {
    /// Begins to wait, before anything is asked; `None` where no card is charged.
    pub(crate) fn of(switch: &Switch, deadline: Deadline, submission: &Submission) -> Option<Self> {
        let Command::AuthorizePayment(command) = &submission.command else { return None };
        let card = command.consent.card()?;
        Some(Self { waiting: switch.awaited.wait_for(command.payment_id), card, deadline })
    }

    /// The payment as it has ended, or pending where the issuer is too slow for the caller.
    pub(crate) async fn authorized(
        self,
        switch: &Switch,
        answered: Result<Answer, Status>,
    ) -> Result<Response<Encoded<v1::AuthorizeResponse>>, Status> {
        let refused = |refused| errors::refused(&refused, &self.card.to_string(), switch.clock.now());
        let Committed { record, repeated } = answered?.map_err(refused)?;
        let payment = match (&record.event, record.command.payment_id()) {
            (Event::PaymentPending(_), Some(payment)) => self.ended(switch, &record, payment).await?,
            _ => replies::payment(&record, &record, switch).ok_or_else(errors::unexpected_record)?,
        };
        let payment = Encoded::<v1::Payment>::from(&payment);
        Ok(answer(Encoded::<v1::AuthorizeResponse>::of_payment(payment), repeated))
    }

    async fn ended(self, switch: &Switch, pending: &Record, payment: PaymentId) -> Result<v1::Payment, Status> {
        let Self { waiting, deadline, .. } = self;
        let waiting = if waiting.payment == payment {
            waiting
        } else {
            // Asked under the same key before: it may have ended long ago. What ends from here on is told.
            let waiting = switch.awaited.wait_for(payment);
            switch.caught_up(deadline).await?;
            match payment_messages::ended(switch, payment)? {
                Some(ended) => return Ok(ended),
                None => waiting,
            }
        };
        let told = deadline.wait_for_end(waiting.told()).await.ok().flatten();
        let latest = told.as_deref().unwrap_or(pending);
        replies::payment(pending, latest, switch).ok_or_else(errors::unexpected_record)
    }
}

struct Told(Arc<AwaitedPayments>);

impl Observer for Told {
    fn durable(&mut self, records: &[Arc<Record>], _: Option<ChainMark>) {
        for record in records {
            if let Command::AnswerCard(_) | Command::TimeOutCard(_) = &record.command
                && let Some(payment) = record.command.payment_id()
            {
                let waiting = self.0.lock().remove(&payment);
                for sender in waiting.into_iter().flatten() {
                    // One that waits no more needs no answer.
                    let _ = sender.send(Arc::clone(record));
                }
            }
        }
    }
}
