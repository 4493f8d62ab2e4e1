//! How long after its answer a record's event arrives on a stream.

use std::collections::HashMap;
use std::mem;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use client::{Client, Watch};
use hdrhistogram::Histogram;
use tokio::sync::Notify;
use wire::v1::{WatchRequest, WatchResponse};

use super::report::Beside;
use super::tally::{latencies, micros};
use crate::error::Error;

/// How long events are waited for once the load has ended.
const LAST_EVENTS_WAIT: Duration = Duration::from_secs(10);

/// Answers and events of one run, matched by the position of their record.
#[derive(Debug, Default)]
pub(super) struct Lag {
    state: Mutex<State>,
    /// Whenever an event was matched, or the stream ended.
    changed: Notify,
}

#[derive(Debug, Default)]
struct State {
    /// Answers whose event has not come.
    answered: HashMap<u64, Instant>,
    /// Events whose answer has not come: a stream may be faster.
    told: HashMap<u64, Instant>,
    lags: Vec<Duration>,
    /// Why there is nothing more to hear.
    ended: Option<String>,
}

/// What was found.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) lag_us: Histogram<u64>,
    /// Answers whose event never came.
    pub(super) untold: u64,
    /// Why the stream ended, if it did.
    pub(super) ended: Option<String>,
}

impl Lag {
    /// Begins to follow the records of orders that begin with `run`, from now on.
    pub(super) async fn follow(
        client: &Client,
        merchant_id: String,
        after_lsn: u64,
        run: String,
    ) -> Result<Arc<Self>, Error> {
        let stream = client.watch(WatchRequest { merchant_id, after_lsn }).await?;
        let lag = Arc::new(Self::default());
        tokio::spawn(Arc::clone(&lag).listen(stream, run));
        Ok(lag)
    }

    async fn listen(self: Arc<Self>, mut stream: Watch, run: String) {
        let why = loop {
            match stream.next().await {
                Ok(Some(told)) => self.told(&told, &run, Instant::now()),
                Ok(None) => break "the daemon ended the stream".to_owned(),
                Err(error) => break error.to_string(),
            }
        };
        self.lock().ended = Some(why);
        self.changed.notify_one();
    }

    /// Takes note of an answer that rests on the record at this position.
    pub(super) fn answered(&self, lsn: u64, at: Instant) {
        let mut state = self.lock();
        match state.told.remove(&lsn) {
            Some(told) => state.lags.push(told.saturating_duration_since(at)),
            None => {
                state.answered.insert(lsn, at);
            }
        }
    }

    fn told(&self, told: &WatchResponse, run: &str, at: Instant) {
        let ours = |order: &str| order.starts_with(run);
        let payments = told.events.iter().filter_map(|event| event.payment.as_ref());
        if payments.into_iter().all(|payment| !ours(&payment.merchant_order_id)) {
            return;
        }
        let mut state = self.lock();
        match state.answered.remove(&told.lsn) {
            Some(answered) => {
                state.lags.push(at.saturating_duration_since(answered));
                self.changed.notify_one();
            }
            None => {
                state.told.insert(told.lsn, at);
            }
        }
    }

    /// Forgets what was measured so far, and begins to measure.
    pub(super) fn begin(&self) {
        self.lock().lags.clear();
    }

    /// Waits for the events of all answers, within a limit.
    pub(super) async fn finish(&self) -> Found {
        let all_told = async {
            while self.is_open() {
                self.changed.notified().await;
            }
        };
        // What has not come by then is counted as such.
        let _ = tokio::time::timeout(LAST_EVENTS_WAIT, all_told).await;
        let mut state = self.lock();
        let mut lag_us = latencies();
        for lag in mem::take(&mut state.lags) {
            lag_us.saturating_record(micros(lag));
        }
        Found { lag_us, untold: state.answered.len() as u64, ended: state.ended.clone() }
    }

    fn is_open(&self) -> bool {
        let state = self.lock();
        state.ended.is_none() && !state.answered.is_empty()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Found {
    /// A row of the report.
    pub(super) fn beside(&self, elapsed: Duration) -> Beside {
        Beside::new("watch lag", self.lag_us.len(), elapsed, self.lag_us.clone(), None)
    }

    /// What was wrong with the stream, in words.
    pub(super) fn trouble(&self) -> Option<String> {
        if let Some(why) = &self.ended {
            return Some(format!("the watch ended, {} events short: {why}", self.untold));
        }
        (self.untold > 0).then(|| format!("{} events did not come within {LAST_EVENTS_WAIT:?}", self.untold))
    }
}

#[cfg(test)]
mod tests {
    use wire::v1::{Payment, PaymentEvent};

    use super::*;

    fn event(lsn: u64, order: &str) -> WatchResponse {
        let payment = Some(Payment { merchant_order_id: order.into(), ..Payment::default() });
        WatchResponse { lsn, events: vec![PaymentEvent { payment, ..PaymentEvent::default() }] }
    }

    #[tokio::test(flavor = "current_thread")]
    async fn a_lag_runs_from_the_answer_to_the_event() {
        let lag = Lag::default();
        let start = Instant::now();
        let after = |millis| start + Duration::from_millis(millis);
        lag.answered(1, after(0));
        lag.told(&event(1, "run-1"), "run-", after(3));
        lag.told(&event(2, "run-2"), "run-", after(4));
        lag.answered(2, after(9));
        lag.told(&event(3, "another"), "run-", after(9));
        let found = lag.finish().await;
        assert_eq!((found.lag_us.len(), found.untold), (2, 0));
        assert_eq!((found.lag_us.min(), found.lag_us.max() / 100), (1, 30), "an event before its answer has no lag");
        assert_eq!(found.trouble(), None);
    }

    #[tokio::test(flavor = "current_thread")]
    async fn a_stream_that_ended_is_told() {
        let lag = Lag::default();
        lag.answered(1, Instant::now());
        lag.lock().ended = Some("OUT_OF_RANGE".into());
        let found = lag.finish().await;
        assert_eq!(
            (found.untold, found.trouble().as_deref()),
            (1, Some("the watch ended, 1 events short: OUT_OF_RANGE"))
        );
    }

    #[tokio::test(flavor = "current_thread")]
    async fn a_warm_up_does_not_count() {
        let lag = Lag::default();
        lag.answered(1, Instant::now());
        lag.told(&event(1, "run-1"), "run-", Instant::now());
        lag.begin();
        assert_eq!(lag.finish().await.lag_us.len(), 0);
    }
}
