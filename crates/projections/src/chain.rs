//! The journal's chain digests.

use std::sync::RwLock;

use domain::{ChainMark, Lsn};

/// The digest after each durable batch, in order: 40 bytes for each.
#[derive(Debug, Default)]
pub(crate) struct Chain {
    // Invariant: rises strictly with lsn.
    marks: RwLock<Vec<ChainMark>>,
}

impl Chain {
    pub(crate) fn push(&self, mark: ChainMark) {
        let mut marks = self.marks.write().expect("no holder of the chain's lock panics");
        let last = marks.last().map_or(Lsn::ZERO, |last| last.lsn);
        assert!(mark.lsn > last, "each batch ends after the one before: {} after {last}", mark.lsn);
        marks.push(mark);
    }

    /// The mark of the batch that holds this record.
    pub(crate) fn at(&self, lsn: Lsn) -> Option<ChainMark> {
        let marks = self.marks.read().expect("no holder of the chain's lock panics");
        marks.get(marks.partition_point(|mark| mark.lsn < lsn)).copied()
    }
}
