//! What keeps memory bounded: rows go to the index, and what is older than the hot window leaves.

use std::{
    collections::{HashSet, VecDeque},
    mem,
    sync::Arc,
    time::Instant,
};

use domain::{AccountId, ChainMark, Lsn, Record};
use foldhash::fast::RandomState;
use index::{Batch, ClosedBatch, Index};
use metrics::{Counter, Gauge, Histogram};

use crate::{Boards, metric_names};

/// A batch for the index is closed at the first end of a batch of the journal behind so many records, or behind the hot
/// window if that is smaller. The more are written at once, the more of their rows are one.
const INDEX_BATCH_RECORDS: usize = 1_024;

/// The rows of records on their way to the index, and the records that are kept in memory.
///
/// An index stands at the end of a batch of the journal, so that its mark proves where. Rows wait until one is reached;
/// what waits is in memory too. A batch that the index does not take stays and is tried again before the next one.
#[derive(Debug)]
pub(crate) struct IndexWriter {
    index: Index,
    hot_records: usize,
    batch_records: usize,
    /// The rows of the records behind the last closed batch.
    open: Batch,
    touched: Touched,
    /// Ends of batches of the journal that no closed batch has reached.
    marks: VecDeque<ChainMark>,
    /// Batches that are to be written, with the position each leads to.
    closed: VecDeque<(Lsn, ClosedBatch)>,
    written: Lsn,
    /// The records in memory, oldest first: the last so many, and all that are not written.
    window: VecDeque<Arc<Record>>,
    metrics: Metrics,
}

/// Accounts that changed; in the index each stands as it is now.
pub(crate) type Touched = HashSet<AccountId, RandomState>;

#[derive(Debug)]
struct Metrics {
    hot_records: Gauge,
    applied_lsn: Gauge,
    write_seconds: Histogram,
    write_failures: Counter,
}

impl IndexWriter {
    /// A writer to an index that stands at this position.
    pub(crate) fn new(index: Index, written: Lsn, hot_records: usize) -> Self {
        let metrics = Metrics {
            hot_records: metric_names::hot_records(),
            applied_lsn: metric_names::index_applied_lsn(),
            write_seconds: metric_names::index_write_seconds(),
            write_failures: metric_names::index_write_failures(),
        };
        metrics.applied_lsn.set(written.get() as f64);
        Self {
            index,
            hot_records,
            batch_records: hot_records.clamp(1, INDEX_BATCH_RECORDS),
            open: Batch::default(),
            touched: Touched::default(),
            marks: VecDeque::new(),
            closed: VecDeque::new(),
            written,
            window: VecDeque::new(),
            metrics,
        }
    }

    /// Where the rows of the record at hand go, and what it touches.
    pub(crate) fn rows(&mut self) -> (&mut Batch, &mut Touched) {
        (&mut self.open, &mut self.touched)
    }

    /// Notes the end of a batch of the journal.
    pub(crate) fn chained(&mut self, mark: ChainMark) {
        self.marks.push_back(mark);
    }

    /// Notes that a record was folded. Closes the batch if it has many rows and the journal's batch ends here.
    pub(crate) fn folded(&mut self, record: &Arc<Record>, boards: &Boards) {
        self.open.record(record);
        self.window.push_back(Arc::clone(record));
        if self.open.records() >= self.batch_records {
            self.close(record.lsn, boards);
        }
    }

    /// Closes the batch, unless it is empty, if a batch of the journal ends at this position, to which everything was folded.
    pub(crate) fn close(&mut self, applied: Lsn, boards: &Boards) {
        let reached = self.marks.partition_point(|mark| mark.lsn <= applied);
        let Some(mark) = reached.checked_sub(1).and_then(|last| self.marks.get(last).copied()) else { return };
        if mark.lsn != applied {
            return;
        }
        let next = self.open.next();
        let mut batch = mem::replace(&mut self.open, next);
        self.marks.drain(..reached).for_each(|mark| batch.chain(mark));
        self.touched.drain().filter_map(|account| boards.accounts.row(account)).for_each(|row| batch.account(&row));
        let mut trial_balance = boards.trial_balance.lock().expect("no holder of the trial balance panics");
        trial_balance.take_changed().for_each(|line| batch.trial_line(&line));
        drop(trial_balance);
        batch.counts(&boards.counts());
        self.closed.push_back((applied, batch.close(mark)));
    }

    /// Writes what is closed as far as the index takes it, and lets old records leave memory.
    pub(crate) fn write(&mut self, boards: &Boards) {
        while let Some((applied, batch)) = self.closed.front() {
            let writing = Instant::now();
            let failure = self.index.write(batch).err().map(Arc::new);
            let failed = failure.is_some();
            *boards.index_failure.lock().expect("no holder of the failure panics") = failure;
            if failed {
                self.metrics.write_failures.increment(1);
                break;
            }
            self.metrics.write_seconds.record(writing.elapsed().as_secs_f64());
            self.written = *applied;
            self.closed.pop_front();
        }
        self.metrics.applied_lsn.set(self.written.get() as f64);
        while self.window.len() > self.hot_records
            && let Some(oldest) = self.window.front().filter(|oldest| oldest.lsn <= self.written)
        {
            boards.forget(oldest);
            self.window.pop_front();
        }
        self.metrics.hot_records.set(self.window.len() as f64);
    }
}

#[cfg(test)]
mod tests;
