//! A switch that runs: what the daemon puts together, without its threads.

use std::{
    fmt, mem,
    sync::{Arc, Mutex, PoisonError},
};

use domain::{ChainMark, Command, Record, Timestamp};
use journal::{Error, FileJournal, Fold, Journal, Options, RecordRef, Recovered, disk::MemoryDisk};
use pipeline::{Directory, RateBook};
use projections::{Boards, Projector};
use shard::{Answer, Handle, Inbox, Mailbox, Observer, Recovery, Refused, ServingState, Shard, Status};

use crate::{
    clock::ManualClock,
    door::{Door, Keys},
};

/// Why a read of the boards cannot fail.
pub(crate) const NO_INDEX: &str = "boards that are all in memory read no index";

/// Opens the journal of the story, and passes commands on. Tests plant faults here.
pub trait OpenJournal {
    /// What is opened.
    type Journal: Journal;

    /// As [`FileJournal::open`].
    ///
    /// # Errors
    /// As there.
    fn open(
        &self,
        disk: MemoryDisk,
        options: Options,
        fold: &mut Fold<'_>,
    ) -> Result<(Self::Journal, Recovered), Error>;

    /// Changes a command that the auditor has seen, on its way to the shard: as if the engine had other rules. Nothing,
    /// unless a fault is planted.
    fn tamper(&self, _command: &mut Command) {}
}

/// The real journal on a simulated disk.
#[derive(Clone, Copy, Debug)]
pub struct FileOnMemory;

impl OpenJournal for FileOnMemory {
    type Journal = FileJournal<MemoryDisk>;

    fn open(
        &self,
        disk: MemoryDisk,
        options: Options,
        fold: &mut Fold<'_>,
    ) -> Result<(Self::Journal, Recovered), Error> {
        FileJournal::open(disk, options, fold)
    }
}

/// Where the answer to a request will be.
pub(crate) type Pending = Box<dyn FnMut() -> Option<Answer>>;

/// A recovered switch with everything it recovered.
pub(crate) struct Opened<J: Journal> {
    pub(crate) switch: Switch<J>,
    pub(crate) records: Vec<Arc<Record>>,
    pub(crate) recovered: Recovered,
}

/// A running switch.
pub(crate) struct Switch<J: Journal> {
    pub(crate) shard: Shard<J, ManualClock>,
    pub(crate) boards: Arc<Boards>,
    pub(crate) directory: Arc<Directory>,
    pub(crate) rate_book: Arc<RateBook>,
    status: Arc<Status>,
    inbox: Arc<Inbox>,
    mailbox: Arc<Mailbox>,
    handle: Handle,
    durable: Arc<Mutex<Vec<Arc<Record>>>>,
}

impl<J: Journal> Switch<J> {
    /// Recovers the ledger as the daemon does at its start.
    pub(crate) fn open<O: OpenJournal<Journal = J>>(
        opener: &O,
        disk: MemoryDisk,
        options: Options,
        clock: ManualClock,
        inbox_requests_max: usize,
    ) -> Result<Opened<J>, Error> {
        let (directory, rate_book) = (Arc::new(Directory::new()), Arc::new(RateBook::new()));
        let (mut projector, mut recovery) = (Projector::new(), Recovery::default());
        let mut records = Vec::new();
        let mut chain: Option<ChainMark> = None;
        let mut fold = |stored: RecordRef<'_>| {
            let record = recovery.fold(stored.lsn, stored.bytes)?;
            if chain != Some(stored.chain) {
                projector.chained(stored.chain);
                chain = Some(stored.chain);
            }
            directory.observe(&record);
            rate_book.observe(&record);
            projector.apply(&record).expect(NO_INDEX);
            records.push(record);
            Ok(())
        };
        let (journal, recovered) = opener.open(disk, options, &mut fold)?;
        let engine = recovery.finish();
        let (status, inbox) =
            (Arc::new(Status::serving(engine.applied_lsn())), Arc::new(Inbox::new(inbox_requests_max)));
        let mailbox = Arc::new(Mailbox::default());
        let handle = Handle::new(Arc::clone(&inbox), Arc::clone(&status), Arc::clone(&mailbox));
        let durable = Arc::new(Mutex::default());
        let boards = projector.boards();
        let observer = Folds {
            directory: Arc::clone(&directory),
            rate_book: Arc::clone(&rate_book),
            projector,
            durable: Arc::clone(&durable),
        };
        let shard =
            Shard::new(engine, journal, clock, Arc::clone(&inbox), Arc::clone(&status), vec![Box::new(observer)]);
        let switch = Self { shard, boards, directory, rate_book, status, inbox, mailbox, handle, durable };
        Ok(Opened { switch, records, recovered })
    }

    /// The way in for requests that arrive now.
    pub(crate) fn door<'a>(&'a self, keys: &'a Keys, now: i64) -> Door<'a> {
        let now = Timestamp::from_micros(now);
        Door { directory: &self.directory, rate_book: &self.rate_book, boards: &self.boards, keys, now }
    }

    /// Puts a request into the inbox.
    pub(crate) fn put(&self, submission: domain::Submission, deadline: Option<i64>) -> Result<Pending, Refused> {
        let mut answer = self.handle.put(submission, deadline.map(Timestamp::from_micros))?;
        Ok(Box::new(move || answer.try_recv().ok()))
    }

    /// Decides what has arrived and delivers the answers. Returns what became durable.
    pub(crate) fn turn(&mut self) -> Vec<Arc<Record>> {
        self.shard.step();
        self.mailbox.deliver_now();
        mem::take(&mut *self.durable.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn has_failed(&self) -> bool {
        self.status.state() == ServingState::Failed
    }

    /// Whether new records are refused for want of space.
    pub(crate) fn is_full(&self) -> bool {
        self.status.state() == ServingState::Full
    }

    /// Takes no more requests, as the daemon does when it is asked to stop.
    pub(crate) fn drain(&self) {
        self.inbox.close();
    }

    /// Stops. It was drained before.
    pub(crate) fn close(self) -> Result<(), Error> {
        self.shard.into_journal().close()
    }
}

impl<J: Journal> fmt::Debug for Switch<J> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Switch").field("shard", &self.shard).finish_non_exhaustive()
    }
}

/// All that follows the log, and a copy for the auditor.
struct Folds {
    directory: Arc<Directory>,
    rate_book: Arc<RateBook>,
    projector: Projector,
    durable: Arc<Mutex<Vec<Arc<Record>>>>,
}

impl Observer for Folds {
    fn durable(&mut self, records: &[Arc<Record>], chain: Option<ChainMark>) {
        if let Some(chain) = chain {
            self.projector.chained(chain);
        }
        for record in records {
            self.directory.observe(record);
            self.rate_book.observe(record);
        }
        self.projector.apply_batch(records).expect(NO_INDEX);
        self.durable.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(records);
    }
}
