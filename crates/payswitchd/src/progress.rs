//! How far the reading of a long journal has come, told now and then.

use std::time::{Duration, Instant};

use domain::Lsn;

const TOLD_EVERY: Duration = Duration::from_secs(5);
/// So often the clock is looked at.
const LOOK_EVERY_RECORDS: u64 = 256;

/// What is told of a reading.
#[derive(Debug)]
pub(crate) struct Progress {
    /// Before the first record that is read.
    begin: Lsn,
    /// What the journal reaches, as far as is known before it is read.
    reaches: Lsn,
    told: Instant,
}

impl Progress {
    pub(crate) fn new(begin: Lsn, reaches: Lsn, now: Instant) -> Self {
        Self { begin, reaches, told: now }
    }

    /// Tells it in the log, if it is time.
    pub(crate) fn tell(&mut self, lsn: Lsn) {
        if !lsn.get().is_multiple_of(LOOK_EVERY_RECORDS) {
            return;
        }
        if let Some((records, of_at_least)) = self.due(lsn, Instant::now()) {
            tracing::info!(records, of_at_least, "reading the journal");
        }
    }

    /// How many records were read, of how many at least, if it is time to tell.
    fn due(&mut self, lsn: Lsn, now: Instant) -> Option<(u64, u64)> {
        if now.saturating_duration_since(self.told) < TOLD_EVERY {
            return None;
        }
        self.told = now;
        let behind_begin = |lsn: Lsn| lsn.get().saturating_sub(self.begin.get());
        Some((behind_begin(lsn), behind_begin(self.reaches.max(lsn))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_read_is_told_every_five_seconds() {
        let begun = Instant::now();
        let mut progress = Progress::new(Lsn::new(100), Lsn::new(1_100), begun);
        let mut due = |seconds, lsn| progress.due(Lsn::new(lsn), begun + Duration::from_secs(seconds));
        assert_eq!(due(0, 101), None);
        assert_eq!(due(4, 500), None);
        assert_eq!(due(5, 600), Some((500, 1_000)));
        assert_eq!(due(9, 700), None);
        assert_eq!(due(10, 1_200), Some((1_100, 1_100)), "it reached further than was known");
    }
}
