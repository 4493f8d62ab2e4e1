//! What happens to payments, as it happens.
//!
//! A watch pulls from the boards when its reader has room and never queues: one that reads too slowly finds that what it
//! had not been told is no longer kept, and is told so.

use std::{
    collections::{HashMap, VecDeque},
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll},
    time::Duration,
};

use domain::{Lsn, MerchantId};
use metrics::{counter, gauge};
use projections::WatchError;
use tokio::{
    sync::watch,
    time::{Instant, sleep_until},
};
use tokio_stream::Stream;
use tonic::Status;
use wire::v1::WatchResponse;

use crate::{
    Principal, Switch, errors,
    metric_names::{WATCHES, WATCHES_FELL_BEHIND},
    payment_messages,
};

/// The most watches one caller may have open.
pub(crate) const WATCHES_MAX: usize = 16;
/// How often a watch that has nothing to tell tells how far the log has come.
const HEARTBEAT_EVERY: Duration = Duration::from_secs(5);
/// How many records are taken from the boards at a time.
const BATCH_RECORDS: usize = 64;

/// How many watches each caller has open, in the whole process.
#[derive(Debug, Default)]
pub struct OpenWatches {
    by_caller: Mutex<HashMap<Principal, usize>>,
}

impl OpenWatches {
    fn open(self: &Arc<Self>, caller: Principal) -> Result<OpenWatch, Status> {
        let mut by_caller = self.lock();
        let open = by_caller.entry(caller).or_default();
        if *open >= WATCHES_MAX {
            return Err(errors::too_many_watches(WATCHES_MAX));
        }
        *open = open.saturating_add(1);
        drop(by_caller);
        gauge!(WATCHES).increment(1.0);
        Ok(OpenWatch { watches: Arc::clone(self), caller })
    }

    fn close(&self, caller: Principal) {
        let mut by_caller = self.lock();
        if let Some(open) = by_caller.get_mut(&caller) {
            *open = open.saturating_sub(1);
            if *open == 0 {
                by_caller.remove(&caller);
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Principal, usize>> {
        self.by_caller.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Counts a watch until it is dropped.
struct OpenWatch {
    watches: Arc<OpenWatches>,
    caller: Principal,
}

impl Drop for OpenWatch {
    fn drop(&mut self) {
        self.watches.close(self.caller);
        gauge!(WATCHES).decrement(1.0);
    }
}

/// One watch: where it stands, and what it has taken from the boards and not told.
struct Watching {
    switch: Switch,
    /// Of this merchant only.
    merchant: Option<MerchantId>,
    /// All up to here was taken from the boards.
    taken: Lsn,
    untold: VecDeque<WatchResponse>,
    stopping: watch::Receiver<bool>,
    heartbeat_at: Instant,
    _open: OpenWatch,
}

/// What comes next, and the watch after it; `None` after the last.
type Next = (Result<WatchResponse, Status>, Option<Watching>);

/// The stream of one watch.
pub(crate) struct WatchStream {
    next: Option<Pin<Box<dyn Future<Output = Next> + Send>>>,
}

impl Stream for WatchStream {
    type Item = Result<WatchResponse, Status>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let Some(next) = &mut self.next else { return Poll::Ready(None) };
        let Poll::Ready((told, watching)) = next.as_mut().poll(context) else { return Poll::Pending };
        self.next = watching.map(|watching| Box::pin(watching.next()) as _);
        Poll::Ready(Some(told))
    }
}

/// Begins a watch behind `after`. Everything that was durable when the call arrived is in the boards.
pub(crate) fn begin(
    switch: &Switch,
    caller: Principal,
    merchant: Option<MerchantId>,
    after: Lsn,
) -> Result<WatchStream, Status> {
    let applied = switch.boards.applied_lsn();
    if after > applied {
        return Err(errors::watch_beyond_log(applied));
    }
    let open = switch.open_watches.open(caller)?;
    // Asked here, so that who comes too late is told before the stream begins.
    let kept = switch.boards.watch_from(merchant, after, 1);
    kept.map_err(|error| match error {
        WatchError::BelowRetained(below) => errors::watch_below_retained(below.first),
        WatchError::Index(error) => errors::index_failed(&error),
    })?;
    let watching = Watching {
        switch: switch.clone(),
        merchant,
        taken: after,
        untold: VecDeque::new(),
        stopping: switch.stopping.clone(),
        heartbeat_at: Instant::now() + HEARTBEAT_EVERY,
        _open: open,
    };
    Ok(WatchStream { next: Some(Box::pin(watching.next())) })
}

impl Watching {
    async fn next(mut self) -> Next {
        loop {
            // A watch has no end of its own, and who is cut off here loses nothing.
            if *self.stopping.borrow() {
                return (Err(errors::watch_drained()), None);
            }
            if let Some(told) = self.untold.pop_front() {
                self.heartbeat_at = Instant::now() + HEARTBEAT_EVERY;
                return (Ok(told), Some(self));
            }
            let before = self.taken;
            if let Err(status) = self.take() {
                return (Err(status), None);
            }
            // What concerns others moves a watch on too, and may do so for long without anything to tell.
            if self.untold.is_empty() && Instant::now() >= self.heartbeat_at {
                self.untold.push_back(WatchResponse { lsn: self.taken.get(), events: Vec::new() });
            }
            if self.taken > before || !self.untold.is_empty() {
                continue;
            }
            let boards = Arc::clone(&self.switch.boards);
            tokio::select! {
                biased;
                // An error means that the sender is gone, and with it the daemon.
                _ = self.stopping.wait_for(|stopping| *stopping) => return (Err(errors::watch_drained()), None),
                () = boards.wait_for(before.next()) => {}
                () = sleep_until(self.heartbeat_at) => {}
            }
        }
    }

    /// Takes the next records from the boards.
    fn take(&mut self) -> Result<(), Status> {
        let batch = self.switch.boards.watch_from(self.merchant, self.taken, BATCH_RECORDS);
        let batch = batch.map_err(|error| match error {
            WatchError::BelowRetained(below) => {
                counter!(WATCHES_FELL_BEHIND).increment(1);
                errors::watch_fell_behind(below.first)
            }
            WatchError::Index(error) => errors::index_failed(&error),
        })?;
        for watched in &batch.records {
            self.untold.push_back(payment_messages::watch_response(watched, &self.switch)?);
        }
        self.taken = batch.up_to;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_caller_has_a_bounded_number_of_watches() {
        let watches = Arc::new(OpenWatches::default());
        let (ours, theirs) = (Principal::Merchant(MerchantId(0)), Principal::Merchant(MerchantId(1)));
        let mut open: Vec<_> = (0..WATCHES_MAX).map(|_| watches.open(ours).expect("there is room")).collect();
        assert!(watches.open(ours).is_err());
        assert!(watches.open(theirs).is_ok(), "another caller has room of its own");
        open.pop();
        assert!(watches.open(ours).is_ok(), "who ended one may begin another");
        drop(open);
        assert!(watches.lock().is_empty(), "nothing is kept of who watches no more");
    }
}
