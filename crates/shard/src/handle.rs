//! How callers reach the shard.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use domain::{Submission, Timestamp};
use tokio::sync::{mpsc, oneshot};

use crate::{
    Answer, Inbox, Mailbox, Refused, ServingState, Status,
    inbox::Job,
    mailbox::{Caller, ReplyTo},
};

/// Submits commands and waits for their answers. Cheap to clone; one [`Mailbox`] for each runtime.
#[derive(Clone, Debug)]
pub struct Handle {
    inbox: Arc<Inbox>,
    status: Arc<Status>,
    mailbox: Arc<Mailbox>,
}

/// The answer to a submitted command, on its way: no larger than where it will be.
#[derive(Debug)]
#[must_use = "the answer is told to whoever waits for it"]
pub struct Answering(Result<oneshot::Receiver<Answer>, Refused>);

impl Future for Answering {
    type Output = Answer;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Answer> {
        match &mut self.get_mut().0 {
            // A shard that is gone took the request along; only the log knows whether it counted.
            Ok(answer) => Pin::new(answer).poll(context).map(|told| told.unwrap_or(Err(Refused::Unconfirmed))),
            Err(refused) => Poll::Ready(Err(*refused)),
        }
    }
}

impl Handle {
    /// A handle whose answers come by this mailbox.
    #[must_use]
    pub const fn new(inbox: Arc<Inbox>, status: Arc<Status>, mailbox: Arc<Mailbox>) -> Self {
        Self { inbox, status, mailbox }
    }

    /// Submits a command; the future resolves when the answer may be told. Dropping the future changes nothing: the
    /// shard owns the work. A job whose deadline has passed before it is decided is not decided.
    pub fn submit(&self, submission: Submission, deadline: Option<Timestamp>) -> Answering {
        Answering(self.put(submission, deadline))
    }

    /// Submits a command and returns where its answer will be, for callers without a runtime.
    ///
    /// # Errors
    /// When the inbox is full or closed, or the journal has failed.
    pub fn put(
        &self,
        submission: Submission,
        deadline: Option<Timestamp>,
    ) -> Result<oneshot::Receiver<Answer>, Refused> {
        let (caller, answer) = oneshot::channel();
        self.put_for(submission, deadline, Caller::One(caller))?;
        Ok(answer)
    }

    /// Submits one of many commands; its answer comes with its number. The caller bounds how many are under way.
    ///
    /// # Errors
    /// As [`put`](Self::put).
    pub fn put_numbered(
        &self,
        submission: Submission,
        deadline: Option<Timestamp>,
        number: u64,
        answers: &mpsc::UnboundedSender<(u64, Answer)>,
    ) -> Result<(), Refused> {
        self.put_for(submission, deadline, Caller::Many { number, answers: answers.clone() })
    }

    fn put_for(&self, submission: Submission, deadline: Option<Timestamp>, caller: Caller) -> Result<(), Refused> {
        if self.status.state() == ServingState::Failed {
            return Err(Refused::JournalFailed);
        }
        let reply_to = ReplyTo { mailbox: Arc::clone(&self.mailbox), caller };
        self.inbox.put(Job { submission, deadline, reply_to })
    }

    /// Has the shard look at its clock now: a sandbox's clock was advanced, and things may be due.
    pub fn wake(&self) {
        self.inbox.wake();
    }

    /// How the shard stands.
    #[must_use]
    pub fn status(&self) -> &Status {
        &self.status
    }
}
