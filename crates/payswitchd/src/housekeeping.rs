//! What is done beside payments: snapshots, and what they make room for.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use domain::Lsn;
use index::Index;
use journal::disk::DirectoryDisk;
use metrics::{Unit, counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram};
use projections::Boards;
use shard::{Made, SnapshotFailed, Snapshotter, Status};

use crate::{
    archiving::Archiving,
    serve::{give_way, spawn},
    start::StartError,
};

/// How often is looked whether a snapshot is due.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// How long after one that failed the next is tried.
const RETRY_AFTER: Duration = Duration::from_secs(60);
/// How long after the last request that was refused because of the index this is shown.
const REFUSED_SHOWN_FOR: Duration = Duration::from_secs(60);
/// How long the maker of a snapshot rests after each slice of records, so that payments have the processor.
const REST: Duration = Duration::from_millis(1);

const SNAPSHOT_LSN: &str = "payswitch_snapshot_lsn";
const SNAPSHOT_SECONDS: &str = "payswitch_snapshot_duration_seconds";
const SNAPSHOT_FAILURES: &str = "payswitch_snapshot_failures_total";

pub(crate) fn describe_metrics() {
    describe_gauge!(SNAPSHOT_LSN, Unit::Count, "Position of the newest snapshot.");
    describe_histogram!(SNAPSHOT_SECONDS, Unit::Seconds, "Time it took to make a snapshot, beside payments.");
    describe_counter!(SNAPSHOT_FAILURES, Unit::Count, "Snapshots that could not be made.");
}

/// What the thread needs.
pub(crate) struct Housekeeper {
    pub(crate) index: Index,
    pub(crate) snapshotter: Snapshotter<DirectoryDisk, DirectoryDisk>,
    pub(crate) status: Arc<Status>,
    pub(crate) boards: Arc<Boards>,
    /// A snapshot is due when so many records stand behind the last one.
    pub(crate) snapshot_records: u64,
    /// The position of the last snapshot.
    pub(crate) snapshot_lsn: Lsn,
    pub(crate) archiving: Option<Archiving>,
}

/// The thread, and how to end it.
pub(crate) struct Housekeeping {
    thread: JoinHandle<()>,
    stopped: Arc<AtomicBool>,
}

impl Housekeeping {
    pub(crate) fn start(housekeeper: Housekeeper) -> Result<Self, StartError> {
        gauge!(SNAPSHOT_LSN).set(housekeeper.snapshot_lsn.get() as f64);
        counter!(SNAPSHOT_FAILURES).increment(0);
        let stopped = Arc::new(AtomicBool::new(false));
        let seen = Arc::clone(&stopped);
        let thread = spawn("housekeeping", move || {
            give_way();
            housekeeper.run(&seen);
        })?;
        Ok(Self { thread, stopped })
    }

    /// Ends what is being done, whole or not at all, and waits for that.
    pub(crate) fn stop(self) -> Result<(), StartError> {
        self.stopped.store(true, Ordering::Release);
        self.thread.thread().unpark();
        self.thread.join().map_err(|_panic| StartError::Stopped("a thread panicked".to_owned()))
    }
}

/// What was told of the index so far.
#[derive(Default)]
struct IndexWatch {
    fails: bool,
    refused: u64,
    /// Since when none was refused, while it is shown that some were.
    quiet_since: Option<Instant>,
}

impl IndexWatch {
    /// Tells what has changed.
    fn look(&mut self, boards: &Boards, status: &Status) {
        let failure = boards.index_failure();
        match &failure {
            Some(why) if !self.fails => {
                let why = shard::with_sources(&**why);
                tracing::error!(
                    why,
                    "the index is not written: what is new stays in memory, and is refused in the end"
                );
            }
            None if self.fails => tracing::info!("the index is written again"),
            Some(_) | None => {}
        }
        self.fails = failure.is_some();
        let refused = status.past_unreadable();
        if refused > self.refused {
            let (requests, why) = (refused.saturating_sub(self.refused), status.past_reason());
            tracing::error!(requests, why, "refused: the index cannot be read, or is far behind");
            self.quiet_since = Some(Instant::now());
        } else if self.quiet_since.is_some_and(|since| since.elapsed() >= REFUSED_SHOWN_FOR) {
            tracing::info!("no more requests are refused because of the index");
            status.past_is_readable();
            self.quiet_since = None;
        }
        self.refused = refused;
    }
}

impl Housekeeper {
    fn run(mut self, stopped: &AtomicBool) {
        let is_stopped = || stopped.load(Ordering::Acquire);
        self.load_filter(&is_stopped);
        let mut not_before = Instant::now();
        let mut index = IndexWatch::default();
        while !is_stopped() {
            index.look(&self.boards, &self.status);
            if self.is_due() && Instant::now() >= not_before {
                let started = Instant::now();
                let made = self.snapshotter.make(&mut || {
                    thread::sleep(REST);
                    !is_stopped()
                });
                let kept_from =
                    made.as_ref().ok().and_then(|made| Some((made.as_ref()?.kept_from?, made.as_ref()?.at)));
                if !self.note(made, started) {
                    not_before = Instant::now() + RETRY_AFTER;
                }
                if let (Some(archiving), Some((kept_from, at))) = (&self.archiving, kept_from) {
                    archiving.run(kept_from, at, &|| !is_stopped());
                }
            }
            thread::park_timeout(LOOK_EVERY);
        }
    }

    /// Until it is there, every key and order is looked up in the index.
    fn load_filter(&self, is_stopped: &dyn Fn() -> bool) {
        let started = Instant::now();
        let loaded = self.index.load_filter(|| {
            thread::sleep(REST);
            !is_stopped()
        });
        match loaded {
            Ok(()) => tracing::debug!(took = ?started.elapsed(), "the index's filter is there"),
            Err(why) => {
                let why = shard::with_sources(&why);
                tracing::warn!(why, "the index's filter cannot be made: every key and order is looked up");
            }
        }
    }

    fn is_due(&self) -> bool {
        let is_enough = |lsn: Lsn| lsn.get().saturating_sub(self.snapshot_lsn.get()) >= self.snapshot_records;
        // An index that cannot be read is told by the attempt.
        is_enough(self.status.durable_lsn()) && self.snapshotter.reach().map_or(true, is_enough)
    }

    /// Tells what came of it; whether there is nothing to complain of.
    fn note(&mut self, made: Result<Option<Made>, SnapshotFailed>, started: Instant) -> bool {
        match made {
            Ok(Some(made)) => {
                for why in &made.unusable {
                    tracing::warn!(why = why.line(), "a snapshot cannot be used");
                }
                let records = made.mark.lsn.get().saturating_sub(made.began_at.get());
                let (lsn, bytes) = (made.mark.lsn.get(), made.bytes);
                tracing::info!(lsn, records, bytes, took = ?started.elapsed(), "made a snapshot");
                histogram!(SNAPSHOT_SECONDS).record(started.elapsed());
                gauge!(SNAPSHOT_LSN).set(lsn as f64);
                self.snapshot_lsn = made.mark.lsn;
                true
            }
            Ok(None) => true,
            Err(why) => {
                counter!(SNAPSHOT_FAILURES).increment(1);
                tracing::warn!(
                    why = shard::with_sources(&why),
                    "no snapshot: those of before are there, and the journal"
                );
                false
            }
        }
    }
}
