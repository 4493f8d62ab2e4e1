//! Gives commands their place and time.

use domain::{Lsn, Stamped, Submission, Timestamp};
use planted::Bug;

/// Stamps with strictly rising time. An lsn is used up only when there is a record.
#[derive(Debug)]
pub(crate) struct Sequencer {
    last_lsn: Lsn,
    last_at: Timestamp,
}

impl Sequencer {
    pub(crate) const fn after(last_lsn: Lsn, last_at: Timestamp) -> Self {
        Self { last_lsn, last_at }
    }

    /// The time of a record made now. It rises by a microsecond at least, whatever the clock says.
    pub(crate) fn time(&self, now: Timestamp) -> Timestamp {
        if planted::is(Bug::ClockGoesBack) {
            return now;
        }
        now.max(Timestamp::from_micros(self.last_at.micros().saturating_add(1)))
    }

    pub(crate) fn stamp(&self, now: Timestamp, command: Submission) -> Stamped<Submission> {
        Stamped { lsn: self.last_lsn.next(), at: self.time(now), command }
    }

    pub(crate) fn recorded(&mut self, lsn: Lsn, at: Timestamp) {
        assert!(
            lsn == self.last_lsn.next() && (at > self.last_at || planted::is(Bug::ClockGoesBack)),
            "lsn and time rise with every record"
        );
        self.last_lsn = lsn;
        self.last_at = at;
    }
}
