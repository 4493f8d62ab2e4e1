//! The journal's chain digests.

use std::{collections::VecDeque, sync::RwLock};

use domain::{ChainMark, Lsn};
use index::Index;

use crate::IndexError;

/// The digest after each durable batch, in order: 40 bytes for each. Old ones are in the index only.
#[derive(Debug)]
pub(crate) struct Chain {
    index: Option<Index>,
    state: RwLock<State>,
}

#[derive(Debug)]
struct State {
    // Invariant: rises strictly with lsn, and every mark is above `forgotten`.
    marks: VecDeque<ChainMark>,
    /// Marks up to here are in the index.
    forgotten: Lsn,
}

impl Chain {
    /// Everything up to `start` is in the index.
    pub(crate) const fn new(index: Option<Index>, start: Lsn) -> Self {
        Self { index, state: RwLock::new(State { marks: VecDeque::new(), forgotten: start }) }
    }

    pub(crate) fn push(&self, mark: ChainMark) {
        let mut state = self.state.write().expect("no holder of the chain's lock panics");
        let last = state.marks.back().map_or(state.forgotten, |last| last.lsn);
        assert!(mark.lsn > last, "each batch ends after the one before: {} after {last}", mark.lsn);
        state.marks.push_back(mark);
    }

    /// Drops the marks up to this position; they are in the index.
    pub(crate) fn forget(&self, up_to: Lsn) {
        let mut state = self.state.write().expect("no holder of the chain's lock panics");
        while let Some(mark) = state.marks.front().copied().filter(|mark| mark.lsn <= up_to) {
            state.forgotten = mark.lsn;
            state.marks.pop_front();
        }
    }

    /// The mark of the batch that holds this record.
    pub(crate) fn at(&self, lsn: Lsn) -> Result<Option<ChainMark>, IndexError> {
        {
            let state = self.state.read().expect("no holder of the chain's lock panics");
            if lsn > state.forgotten || state.forgotten == Lsn::ZERO {
                return Ok(state.marks.get(state.marks.partition_point(|mark| mark.lsn < lsn)).copied());
            }
        }
        self.index.as_ref().map_or(Ok(None), |index| index.chain_at(lsn))
    }
}
