//! Where time comes from.

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::{SystemTime, UNIX_EPOCH},
};

use domain::Timestamp;
use rustix::time::{ClockId, clock_gettime};

/// A clock that never goes back.
pub trait Clock {
    /// The moment now; at least every moment told before.
    fn now(&self) -> Timestamp;
}

/// The wall clock as it stood at the start, moved on by the machine's time since boot: setting the machine's clock while
/// the daemon runs neither expires nor revives anything, and time that the machine slept has passed.
///
/// Clones are one clock: what one is advanced by, all show.
#[derive(Clone, Debug)]
pub struct SystemClock {
    started_at: Timestamp,
    /// Time since boot at the start, in microseconds.
    started_since_boot_us: i64,
    advanced_ms: Arc<AtomicI64>,
}

impl SystemClock {
    /// Reads the wall clock once.
    #[must_use]
    pub fn start() -> Self {
        Self::start_at_least(Timestamp::EPOCH)
    }

    /// As [`start`](Self::start), but goes on from `last` if the wall clock stands before it: a sandbox whose clock was
    /// advanced restarts behind its last record.
    #[must_use]
    pub fn start_at_least(last: Timestamp) -> Self {
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let wall = Timestamp::from_micros(i64::try_from(since_epoch.as_micros()).unwrap_or(i64::MAX));
        Self { started_at: wall.max(last), started_since_boot_us: since_boot_us(), advanced_ms: Arc::default() }
    }

    /// Moves this clock and all its clones ahead; stops at the end of the representable range. For sandboxes. A shard
    /// that sleeps looks at its clock again when it is woken ([`Inbox::wake`](crate::Inbox::wake)).
    pub fn advance(&self, ms: u64) {
        let ms = i64::try_from(ms).unwrap_or(i64::MAX);
        let further = |advanced: i64| Some(advanced.saturating_add(ms));
        // The function always gives a value, so this cannot fail.
        let _before = self.advanced_ms.fetch_update(Ordering::AcqRel, Ordering::Acquire, further);
    }
}

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        let passed_us = since_boot_us().saturating_sub(self.started_since_boot_us);
        let unmoved = Timestamp::from_micros(self.started_at.micros().saturating_add(passed_us));
        unmoved.plus_millis(self.advanced_ms.load(Ordering::Acquire))
    }
}

/// The clock that also counts the time in which the machine slept.
#[cfg(target_os = "linux")]
const SINCE_BOOT: ClockId = ClockId::Boottime;
/// Elsewhere the monotonic clock; on macOS it counts sleep too.
#[cfg(not(target_os = "linux"))]
const SINCE_BOOT: ClockId = ClockId::Monotonic;

/// Microseconds since the machine was started. Never goes back, whoever sets a clock.
fn since_boot_us() -> i64 {
    let time = clock_gettime(SINCE_BOOT);
    time.tv_sec.saturating_mul(1_000_000).saturating_add(time.tv_nsec / 1_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    const FAR: Timestamp = Timestamp::from_micros(4_000_000_000_000_000);

    #[test]
    fn clones_are_one_clock() {
        let clock = SystemClock::start();
        let clone = clock.clone();
        let before = clone.now();
        clock.advance(86_400_000);
        assert!(clone.now() >= before.plus_millis(86_400_000));
    }

    #[test]
    fn a_clock_starts_behind_the_last_record() {
        assert!(SystemClock::start_at_least(FAR).now() >= FAR);
        assert!(
            SystemClock::start_at_least(Timestamp::EPOCH).now() < FAR,
            "the wall clock is later than the last record"
        );
    }

    #[test]
    fn a_clock_stops_at_the_end_of_time() {
        let clock = SystemClock::start();
        for _ in 0..3 {
            clock.advance(u64::MAX);
        }
        let end = clock.now();
        assert!(end <= clock.now() && end > FAR);
    }
}
