//! Payments over one stream, or many in one message, with every answer checked as that of a call is.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use client::{Client, Error, PaymentAnswers, PaymentSender};
use tokio::sync::oneshot;
use wire::v1::{AuthorizeBatchRequest, PaymentOutcome, payment_outcome::Outcome};

use super::load::Call;
use super::payments::{PaymentCall, answered};
use super::tally::Answer;

/// As the metadata of a refusal says that nobody knows.
const OUTCOME_UNKNOWN: Option<&str> = Some("UNKNOWN");

/// Payments over one stream.
#[derive(Debug)]
pub(super) struct StreamCall {
    sender: PaymentSender,
    waiting: Arc<Waiting>,
    payments: PaymentCall,
}

/// Who waits for which answer.
#[derive(Debug)]
struct Waiting {
    /// `None` once the stream has ended: nobody would answer who waits then.
    by_number: Mutex<Option<HashMap<u64, oneshot::Sender<PaymentOutcome>>>>,
    ended: Mutex<Option<Error>>,
}

impl Waiting {
    /// Hands answers out for as long as there are any.
    async fn hand_out(self: Arc<Self>, mut answers: PaymentAnswers) {
        let end = loop {
            match answers.next().await {
                Ok(Some(answer)) => {
                    let caller = lock(&self.by_number).as_mut().and_then(|by| by.remove(&answer.correlation_id));
                    if let (Some(caller), Some(outcome)) = (caller, answer.outcome) {
                        let _gone = caller.send(outcome);
                    }
                }
                Ok(None) => break None,
                Err(error) => break Some(error),
            }
        };
        *lock(&self.ended) = end;
        *lock(&self.by_number) = None;
    }

    /// The first who asks is told why the stream has ended.
    fn ended(&self) -> Answer {
        lock(&self.ended).take().map_or_else(|| Answer::Unanswered("the stream has ended".to_owned()), Answer::Lost)
    }
}

impl StreamCall {
    pub(super) async fn begin(client: &Client, payments: PaymentCall) -> Result<Self, Error> {
        let (sender, answers) = client.payment_stream().await?;
        let waiting = Arc::new(Waiting { by_number: Mutex::new(Some(HashMap::new())), ended: Mutex::default() });
        tokio::spawn(Arc::clone(&waiting).hand_out(answers));
        Ok(Self { sender, waiting, payments })
    }
}

impl Call for StreamCall {
    const NOUN: &'static str = "payments";

    async fn call(&self, number: u64) -> Answer {
        let (caller, outcome) = oneshot::channel();
        match lock(&self.waiting.by_number).as_mut() {
            Some(by_number) => drop(by_number.insert(number, caller)),
            None => return self.waiting.ended(),
        }
        if !self.sender.send(number, self.payments.request(number)).await {
            return self.waiting.ended();
        }
        match outcome.await {
            Ok(outcome) => checked(&self.payments, number, outcome),
            Err(_dropped) => self.waiting.ended(),
        }
    }
}

/// Batches of payments.
#[derive(Debug)]
pub(super) struct BatchCall {
    client: Client,
    payments: PaymentCall,
    size: u64,
}

impl BatchCall {
    pub(super) fn new(client: Client, payments: PaymentCall, size: u64) -> Self {
        Self { client, payments, size }
    }
}

impl Call for BatchCall {
    const NOUN: &'static str = "payments";

    async fn call(&self, number: u64) -> Answer {
        let first = number.saturating_mul(self.size);
        let numbers = first..first.saturating_add(self.size);
        let payments: Vec<_> = numbers.clone().map(|number| self.payments.request(number)).collect();
        let request = || AuthorizeBatchRequest { payments: payments.clone(), atomic: false };
        match answered(async || self.client.authorize_batch(request()).await).await {
            Ok(reply) if reply.outcomes.len() as u64 == self.size => {
                let outcomes = numbers.zip(reply.outcomes);
                Answer::Each(outcomes.map(|(number, outcome)| checked(&self.payments, number, outcome)).collect())
            }
            Ok(_) => Answer::Wrong("a batch with another number of outcomes".to_owned()),
            Err(error) => error.into(),
        }
    }
}

fn checked(payments: &PaymentCall, number: u64, outcome: PaymentOutcome) -> Answer {
    match outcome.outcome {
        Some(Outcome::Payment(payment)) => payments.answer(number, Some(&payment)),
        Some(Outcome::Refusal(refusal)) if refusal.metadata.get("outcome").map(String::as_str) == OUTCOME_UNKNOWN => {
            Answer::Unanswered(refusal.message)
        }
        Some(Outcome::Refusal(refusal)) => Answer::Refused(format!("{}: {}", refusal.reason, refusal.message)),
        None => Answer::Wrong("an outcome of no kind".to_owned()),
    }
}

fn lock<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}
