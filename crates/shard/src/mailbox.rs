//! Hands answers back to the runtime that waits for them, a whole batch by one wake-up.

use std::{
    mem,
    sync::{Arc, Mutex, PoisonError},
};

use tokio::sync::{Notify, mpsc, oneshot};

use crate::Answer;

/// Answers for the callers of one runtime. Waking each caller from the shard's thread costs a system call each; so the
/// batch is left here and one task of the runtime ([`Mailbox::deliver`]) wakes the callers locally.
#[derive(Debug, Default)]
pub struct Mailbox {
    deliveries: Mutex<Vec<Delivery>>,
    arrived: Notify,
}

#[derive(Debug)]
pub(crate) struct Delivery {
    answer: Answer,
    caller: Caller,
}

/// Who waits for an answer.
#[derive(Debug)]
pub(crate) enum Caller {
    /// Of one request.
    One(oneshot::Sender<Answer>),
    /// Of many, which it has numbered. It bounds how many are under way.
    Many { number: u64, answers: mpsc::UnboundedSender<(u64, Answer)> },
}

impl Caller {
    /// A caller that has gone is passed over: its answer is durable all the same.
    fn tell(self, answer: Answer) {
        match self {
            Self::One(caller) => drop(caller.send(answer)),
            Self::Many { number, answers } => drop(answers.send((number, answer))),
        }
    }
}

/// Where the answer of one job goes.
#[derive(Debug)]
pub(crate) struct ReplyTo {
    pub(crate) mailbox: Arc<Mailbox>,
    pub(crate) caller: Caller,
}

impl Mailbox {
    /// Delivers batches for ever; runs as one task of the runtime whose callers use this mailbox.
    pub async fn deliver(&self) {
        loop {
            self.arrived.notified().await;
            self.deliver_now();
        }
    }

    /// Delivers what is there.
    pub fn deliver_now(&self) {
        let deliveries = mem::take(&mut *self.deliveries.lock().unwrap_or_else(PoisonError::into_inner));
        for Delivery { answer, caller } in deliveries {
            caller.tell(answer);
        }
    }

    fn put(&self, batch: &mut Vec<Delivery>) {
        self.deliveries.lock().unwrap_or_else(PoisonError::into_inner).append(batch);
        self.arrived.notify_one();
    }
}

/// Collects answers by mailbox until they are sent together.
#[derive(Debug, Default)]
pub(crate) struct Outgoing {
    batches: Vec<(Arc<Mailbox>, Vec<Delivery>)>,
}

impl Outgoing {
    pub(crate) fn add(&mut self, reply_to: ReplyTo, answer: Answer) {
        let ReplyTo { mailbox, caller } = reply_to;
        let delivery = Delivery { answer, caller };
        match self.batches.iter_mut().find(|(known, _)| Arc::ptr_eq(known, &mailbox)) {
            Some((_, batch)) => batch.push(delivery),
            None => self.batches.push((mailbox, vec![delivery])),
        }
    }

    /// One wake-up for each runtime that has answers.
    pub(crate) fn send(&mut self) {
        for (mailbox, batch) in self.batches.iter_mut().filter(|(_, batch)| !batch.is_empty()) {
            mailbox.put(batch);
        }
    }
}
