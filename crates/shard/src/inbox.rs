//! What has arrived and was not yet taken.

use std::{
    mem,
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
    time::Duration,
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
    woken: bool,
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

    /// Sleeps until something has arrived, the inbox was closed or its owner woken, but no longer than this.
    pub(crate) fn wait(&self, at_most: Duration) {
        let sleeps = |queue: &mut Queue| {
            queue.owner_sleeps = queue.jobs.is_empty() && !queue.closed && !mem::take(&mut queue.woken);
            queue.owner_sleeps
        };
        let waited = self.arrived.wait_timeout_while(self.lock(), at_most, sleeps);
        let (mut queue, _) = waited.unwrap_or_else(PoisonError::into_inner);
        queue.owner_sleeps = false;
    }

    /// Has the owner look at its clock now, whether it sleeps or is about to: a clock was advanced.
    pub fn wake(&self) {
        self.lock().woken = true;
        self.arrived.notify_one();
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

#[cfg(test)]
mod tests {
    use super::*;

    /// Longer than any test may take: a wait that ends was ended.
    const FOR_EVER: Duration = Duration::from_secs(3600);

    #[test]
    fn a_wait_ends_by_a_wake_up_even_one_that_came_before() {
        let inbox = Inbox::new(1);
        inbox.wake();
        inbox.wait(FOR_EVER);
        inbox.wait(Duration::ZERO);
        std::thread::scope(|scope| {
            let owner = scope.spawn(|| inbox.wait(FOR_EVER));
            inbox.wake();
            owner.join().expect("it ended");
        });
    }

    #[test]
    fn a_wait_ends_when_the_inbox_is_closed() {
        let inbox = Inbox::new(1);
        inbox.close();
        inbox.wait(FOR_EVER);
        assert!(inbox.is_finished());
    }

    #[test]
    fn a_wait_ends_by_time() {
        let inbox = Inbox::new(1);
        inbox.wait(Duration::from_micros(1));
        assert!(!inbox.is_finished());
    }
}
