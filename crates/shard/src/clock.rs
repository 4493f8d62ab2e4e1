//! Where time comes from.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

use domain::Timestamp;

/// A clock that never goes back.
pub trait Clock {
    /// The moment now; at least every moment told before.
    fn now(&self) -> Timestamp;
}

/// The wall clock as it stood at the start, moved on by the monotonic clock, so that setting the machine's clock while
/// the daemon runs neither expires nor revives anything.
#[derive(Clone, Copy, Debug)]
pub struct SystemClock {
    started_at: Timestamp,
    started: Instant,
}

impl SystemClock {
    /// Reads the wall clock once.
    #[must_use]
    pub fn start() -> Self {
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let micros = i64::try_from(since_epoch.as_micros()).unwrap_or(i64::MAX);
        Self { started_at: Timestamp::from_micros(micros), started: Instant::now() }
    }
}

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        let elapsed = i64::try_from(self.started.elapsed().as_micros()).unwrap_or(i64::MAX);
        Timestamp::from_micros(self.started_at.micros().saturating_add(elapsed))
    }
}
