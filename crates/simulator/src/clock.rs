//! Time that passes when the story says so.

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use domain::Timestamp;

/// A clock set by hand. Clones show the same time.
#[derive(Clone, Debug)]
pub(crate) struct ManualClock(Arc<AtomicI64>);

impl ManualClock {
    /// A clock that stands at this microsecond.
    pub(crate) fn at(micros: i64) -> Self {
        Self(Arc::new(AtomicI64::new(micros)))
    }

    /// Microseconds since the epoch.
    pub(crate) fn micros(&self) -> i64 {
        self.0.load(Ordering::Relaxed)
    }

    /// Lets time pass; or, across a restart, sets the clock back.
    pub(crate) fn advance(&self, micros: i64) {
        self.0.fetch_add(micros, Ordering::Relaxed);
    }
}

impl shard::Clock for ManualClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.micros())
    }
}
