//! Gives commands their place and time.

use domain::{Lsn, Stamped, Submission, Timestamp};

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

    /// Time rises by a microsecond at least, whatever the clock says.
    pub(crate) fn stamp(&self, now: Timestamp, command: Submission) -> Stamped<Submission> {
        let soonest = Timestamp::from_micros(self.last_at.micros().saturating_add(1));
        Stamped { lsn: self.last_lsn.next(), at: now.max(soonest), command }
    }

    pub(crate) fn recorded(&mut self, lsn: Lsn, at: Timestamp) {
        assert!(lsn == self.last_lsn.next() && at > self.last_at, "lsn and time rise with every record");
        self.last_lsn = lsn;
        self.last_at = at;
    }
}
