//! What has arrived and was not yet taken.

use std::{
    mem,
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
};

use domain::{Submission, Timestamp};

use crate::{Refused, mailbox::ReplyTo};

/// A request on its way to the engine.
#[derive(Debug)]
pub struct Job {
    pub(crate) submission: Submission,
    pub(crate) deadline: Option<Timestamp>,
    pub(crate) reply_to: ReplyTo,
}

/// A bounded queue that is emptied whole. One lock a request, and a wake-up only when the owner sleeps.
#[derive(Debug)]
pub struct Inbox {
    requests_max: usize,
    queue: Mutex<Queue>,
    arrived: Condvar,
}

#[derive(Debug, Default)]
struct Queue {
    jobs: Vec<Job>,
    closed: bool,
    owner_sleeps: bool,
}

impl Inbox {
    /// An empty inbox for at most `requests_max` waiting requests.
    #[must_use]
    pub fn new(requests_max: usize) -> Self {
        Self { requests_max, queue: Mutex::default(), arrived: Condvar::new() }
    }

    /// Adds a job, or says why not.
    pub(crate) fn put(&self, job: Job) -> Result<(), Refused> {
        let mut queue = self.lock();
        if queue.closed {
            return Err(Refused::Draining);
        }
        if queue.jobs.len() >= self.requests_max {
            return Err(Refused::InboxFull);
        }
        queue.jobs.push(job);
        if mem::take(&mut queue.owner_sleeps) {
            drop(queue);
            self.arrived.notify_one();
        }
        Ok(())
    }

    /// Takes all that has arrived, in order; `empty` must be empty and becomes the queue's new buffer.
    pub(crate) fn take(&self, empty: &mut Vec<Job>) {
        debug_assert!(empty.is_empty(), "jobs are decided before more are taken");
        mem::swap(&mut self.lock().jobs, empty);
    }

    /// Sleeps until something has arrived or the inbox was closed.
    pub(crate) fn wait(&self) {
        let mut queue = self.lock();
        while queue.jobs.is_empty() && !queue.closed {
            queue.owner_sleeps = true;
            queue = self.arrived.wait(queue).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Whether nothing waits and nothing will come.
    pub(crate) fn is_finished(&self) -> bool {
        let queue = self.lock();
        queue.closed && queue.jobs.is_empty()
    }

    /// Refuses whatever comes from now on. What has arrived is still decided.
    pub fn close(&self) {
        self.lock().closed = true;
        self.arrived.notify_one();
    }

    /// How many requests wait.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.lock().jobs.len()
    }

    /// A poisoned lock means a thread panicked, which stops the process; the queue itself is never left half changed.
    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
