//! The hand-over of durable records from the shard's thread to the projector's.

use std::{
    mem,
    sync::{Arc, Condvar, Mutex, MutexGuard},
    time::{Duration, Instant},
};

use domain::{ChainMark, Record};
use metrics::Counter;

use crate::{IndexError, Projector, metric_names};

/// When nothing has come for so long, what waits for the index is written.
const SETTLE_AFTER: Duration = Duration::from_millis(100);
/// And also when something comes all the time, but too little to fill what is written at once.
const SETTLE_EVERY: Duration = Duration::from_secs(1);

/// A feed in which at most `capacity_records` records wait, or one batch if that is larger.
///
/// Reads are behind by what waits here, and a projector that falls behind for long would otherwise eat the memory of
/// the process; so when the feed is full [`FeedSender::send`] waits, and with it the shard. The projector's work for a
/// record is a small part of the shard's, so this is the exception that keeps the bound, not a way to run. Besides what
/// waits there is what the projector works on, which is no more.
#[must_use]
pub fn feed(capacity_records: usize) -> (FeedSender, FeedReceiver) {
    let feed = Arc::new(Feed { state: Mutex::default(), changed: Condvar::new(), capacity_records });
    let sender = FeedSender { feed: Arc::clone(&feed), waits: metric_names::feed_waits() };
    (sender, FeedReceiver { feed })
}

/// The shard's end. Dropping it closes the feed: what waits is still received.
#[derive(Debug)]
pub struct FeedSender {
    feed: Arc<Feed>,
    waits: Counter,
}

/// The projector's end. Dropping it closes the feed: what waits is lost.
#[derive(Debug)]
pub struct FeedReceiver {
    feed: Arc<Feed>,
}

/// The receiver was dropped, so no read model will see the records.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the projector is gone")]
pub struct FeedClosed;

#[derive(Debug)]
struct Feed {
    state: Mutex<State>,
    // One sender and one receiver, never both waiting: a full feed is not empty.
    changed: Condvar,
    capacity_records: usize,
}

#[derive(Debug, Default)]
struct State {
    waiting: Waiting,
    closed: bool,
}

/// What waits. The marks are not counted: there is at most one for each record.
#[derive(Debug, Default)]
struct Waiting {
    records: Vec<Arc<Record>>,
    marks: Vec<ChainMark>,
}

impl FeedSender {
    /// Hands over all records, with the journal's chain digest after the last of them if they end a batch, and leaves the
    /// vector empty, with its memory for the next batch. Waits while they do not fit beside those that wait.
    ///
    /// # Errors
    /// When the receiver was dropped; the records stay in the vector.
    pub fn send(&mut self, records: &mut Vec<Arc<Record>>, mark: Option<ChainMark>) -> Result<(), FeedClosed> {
        let mut state = self.feed.lock();
        if self.feed.is_full(&state, records.len()) {
            self.waits.increment(1);
        }
        while self.feed.is_full(&state, records.len()) {
            state = self.feed.wait(state);
        }
        if state.closed {
            return Err(FeedClosed);
        }
        state.waiting.records.append(records);
        state.waiting.marks.extend(mark);
        drop(state);
        self.feed.changed.notify_one();
        Ok(())
    }
}

impl FeedReceiver {
    /// Folds what arrives until the feed is closed and empty. The whole life of the projector's thread.
    ///
    /// # Errors
    /// When the projector cannot read its index: nothing more is folded, and the sender learns that the projector is gone.
    /// The boards stay as they are. An index that cannot be written ends nothing, see [`Projector::apply_batch`].
    pub fn run(mut self, mut projector: Projector) -> Result<(), IndexError> {
        let (mut received, mut settled) = (Waiting::default(), Instant::now());
        while self.receive(&mut received) {
            if received.is_empty() || settled.elapsed() >= SETTLE_EVERY {
                projector.settle();
                settled = Instant::now();
            }
            if received.is_empty() {
                continue;
            }
            // The marks first: whoever sees a record finds the digest of its batch.
            received.marks.iter().for_each(|mark| projector.chained(*mark));
            projector.apply_batch(&received.records)?;
        }
        projector.settle();
        Ok(())
    }

    /// Puts all that waits in the place of what was received before, and waits for some if there is nothing, but no longer
    /// than for [`SETTLE_AFTER`]. False when the feed is closed and empty.
    fn receive(&mut self, received: &mut Waiting) -> bool {
        received.records.clear();
        received.marks.clear();
        let mut state = self.feed.lock();
        let is_idle = |state: &mut State| state.waiting.is_empty() && !state.closed;
        let waited = self.feed.changed.wait_timeout_while(state, SETTLE_AFTER, is_idle);
        (state, _) = waited.expect("no holder of the feed's lock panics");
        mem::swap(&mut state.waiting, received);
        let is_closed = state.closed;
        drop(state);
        self.feed.changed.notify_one();
        !(is_closed && received.is_empty())
    }
}

impl Drop for FeedSender {
    fn drop(&mut self) {
        self.feed.close();
    }
}

impl Drop for FeedReceiver {
    fn drop(&mut self) {
        self.feed.close();
    }
}

impl Waiting {
    fn is_empty(&self) -> bool {
        self.records.is_empty() && self.marks.is_empty()
    }
}

impl Feed {
    /// A batch larger than the capacity goes alone, so that every batch goes in the end.
    fn is_full(&self, state: &State, batch_records: usize) -> bool {
        let fits = state.waiting.records.len().saturating_add(batch_records) <= self.capacity_records;
        !fits && !state.waiting.is_empty() && !state.closed
    }

    fn close(&self) {
        self.lock().closed = true;
        self.changed.notify_one();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no holder of the feed's lock panics")
    }

    fn wait<'a>(&self, state: MutexGuard<'a, State>) -> MutexGuard<'a, State> {
        self.changed.wait(state).expect("no holder of the feed's lock panics")
    }
}

#[cfg(test)]
mod tests;
