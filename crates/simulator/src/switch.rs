//! A switch that runs: what the daemon puts together, without its threads.

use std::{
    collections::BTreeMap,
    fmt, mem,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use domain::{ChainMark, Command, Lsn, PaymentId, Record, Timestamp};
use engine::Engine;
use index::{Index, MemoryStore};
use journal::{Error, FileJournal, Fold, Journal, JournalId, Options, RecordRef, Recovered, disk::MemoryDisk};
use pipeline::{Directory, RateBook};
use projections::{Boards, Projector, WATCH_RETAINED_RECORDS};
use shard::{
    Answer, Beginning, Handle, Inbox, Made, Mailbox, Observer, Past, Refused, ServingState, Shard, SnapshotFailed,
    Snapshots, Snapshotter, Status,
};

use crate::{
    clock::ManualClock,
    door::{Door, Keys},
};

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

    /// Whether its stories may keep an index and snapshots beside the journal. Not, unless it opens behind marks.
    fn keeps(&self) -> bool {
        false
    }

    /// As [`FileJournal::open_behind`].
    ///
    /// # Errors
    /// As there.
    fn open_behind(
        &self,
        _disk: MemoryDisk,
        _options: Options,
        _mark: ChainMark,
        _fold: &mut Fold<'_>,
    ) -> Result<(Self::Journal, Recovered), Error> {
        unreachable!("a story that keeps no snapshots opens its journal from the first record")
    }

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

    fn keeps(&self) -> bool {
        true
    }

    fn open_behind(
        &self,
        disk: MemoryDisk,
        options: Options,
        mark: ChainMark,
        fold: &mut Fold<'_>,
    ) -> Result<(Self::Journal, Recovered), Error> {
        FileJournal::open_behind(disk, options, mark, fold)
    }
}

/// What a story keeps beside its journal. A crash sets both back.
#[derive(Clone, Debug)]
pub(crate) struct Kept {
    pub(crate) store: MemoryStore,
    pub(crate) snapshots: MemoryDisk,
    /// So many keys, settled payments and records stay in memory.
    pub(crate) remembered: usize,
}

impl Kept {
    pub(crate) fn index(&self, journal_id: JournalId) -> Index {
        let index = Index::open(Arc::new(self.store.clone()), journal_id.bytes()).expect(NO_FAULT);
        let index = index.with_filter(FILTER_BYTES);
        index.load_filter(|| true).expect(NO_FAULT);
        index
    }
}

/// Small, so that what it holds for possible is often not there.
const FILTER_BYTES: usize = 1_024;

/// Why an index in memory can be read.
pub(crate) const NO_FAULT: &str = "a store in memory fails only where it is told to";

/// Where the answer to a request will be.
pub(crate) type Pending = Box<dyn FnMut() -> Option<Answer>>;

/// A recovered switch with everything it recovered.
pub(crate) struct Opened<J: Journal> {
    pub(crate) switch: Switch<J>,
    pub(crate) records: Vec<Arc<Record>>,
    pub(crate) recovered: Recovered,
    pub(crate) unusable_snapshots: usize,
    pub(crate) from_snapshot: bool,
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
    folds: Arc<Mutex<Folds>>,
    past: Option<Past>,
    snapshotter: Option<Snapshotter<MemoryDisk, MemoryDisk>>,
}

/// What a start begins with.
struct Start {
    beginning: Beginning,
    projector: Projector,
    /// Up to the mark of the snapshot, as the index has them.
    records: Vec<Arc<Record>>,
    past: Past,
    snapshotter: Snapshotter<MemoryDisk, MemoryDisk>,
}

impl Start {
    /// As the daemon begins.
    fn of(kept: &Kept, disk: &MemoryDisk, journal_id: JournalId) -> Self {
        let index = kept.index(journal_id);
        let snapshots = Snapshots::new(kept.snapshots.clone(), journal_id.bytes());
        let beginning = Beginning::find(&index, &snapshots).expect("a disk that was restarted");
        let projector = Projector::with_index(index.clone(), kept.remembered, WATCH_RETAINED_RECORDS);
        let up_to = beginning.mark.map_or(Lsn::ZERO, |mark| mark.lsn);
        let past = Past::new(index.clone(), kept.remembered);
        Self {
            beginning,
            projector: projector.expect(NO_FAULT),
            records: index.records(Lsn::ZERO, up_to, usize::MAX).expect(NO_FAULT),
            snapshotter: Snapshotter::new(disk.clone(), snapshots, past.clone()),
            past,
        }
    }

    /// A start without index and snapshots reads every record.
    fn without(journal_id: JournalId) -> Self {
        let kept = Kept { store: MemoryStore::new(), snapshots: MemoryDisk::new(), remembered: usize::MAX };
        Self { projector: Projector::new(), ..Self::of(&kept, &MemoryDisk::new(), journal_id) }
    }
}

impl<J: Journal> Switch<J> {
    /// Recovers the ledger as the daemon does at its start.
    pub(crate) fn open<O: OpenJournal<Journal = J>>(
        opener: &O,
        disk: MemoryDisk,
        options: Options,
        clock: ManualClock,
        inbox_requests_max: usize,
        kept: Option<&Kept>,
    ) -> Result<Opened<J>, Error> {
        let start = match kept {
            Some(kept) => Start::of(kept, &disk, options.journal_id),
            None => Start::without(options.journal_id),
        };
        let Start { beginning, mut projector, mut records, past, snapshotter } = start;
        let (mark, unusable) = (beginning.mark, beginning.unusable.len());
        let (directory, rate_book) = (Arc::new(Directory::new()), Arc::new(RateBook::new()));
        for standing in beginning.engine.standing() {
            directory.stand(&standing);
            rate_book.stand(&standing);
        }
        let mut folding = beginning.folding(past.clone());
        let mut project = |batch: &mut Vec<Arc<Record>>, mark| {
            projector.chained(mark);
            projector.apply_batch(batch).expect(NO_FAULT);
            // As early as it can be written: what is not durable must not be among it.
            projector.settle();
        };
        let mut fold = |stored: RecordRef<'_>| {
            let record = folding.fold(&stored, &mut project)?;
            directory.observe(&record);
            rate_book.observe(&record);
            records.push(record);
            Ok(())
        };
        let (journal, recovered) = match mark {
            None => opener.open(disk, options, &mut fold)?,
            Some(mark) => opener.open_behind(disk, options, mark, &mut fold)?,
        };
        let engine = folding.finish(&mut project).map_err(|missing| Error::EndsEarly {
            path: Default::default(),
            lsn: missing.indexed,
            last_lsn: recovered.last_lsn,
        })?;
        let (past, snapshotter) = (kept.map(|_| past), kept.map(|_| snapshotter));
        let (status, inbox) =
            (Arc::new(Status::serving(engine.applied_lsn())), Arc::new(Inbox::new(inbox_requests_max)));
        let mailbox = Arc::new(Mailbox::default());
        let handle = Handle::new(Arc::clone(&inbox), Arc::clone(&status), Arc::clone(&mailbox));
        let boards = projector.boards();
        let folds = Arc::new(Mutex::new(Folds { projector, batches: Vec::new(), durable: Vec::new() }));
        let observer = Observes {
            directory: Arc::clone(&directory),
            rate_book: Arc::clone(&rate_book),
            folds: Arc::clone(&folds),
        };
        let shard =
            Shard::new(engine, journal, clock, Arc::clone(&inbox), Arc::clone(&status), vec![Box::new(observer)]);
        let shard = match &past {
            Some(past) => shard.with_past(past.clone()),
            None => shard,
        };
        let switch =
            Self { shard, boards, directory, rate_book, status, inbox, mailbox, handle, folds, past, snapshotter };
        Ok(Opened { switch, records, recovered, unusable_snapshots: unusable, from_snapshot: mark.is_some() })
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
        mem::take(&mut self.folds().durable)
    }

    /// Has the read models see everything that is durable.
    pub(crate) fn catch_up(&self) {
        self.folds().catch_up();
    }

    /// Has the index see it too, as it does when nothing more comes.
    pub(crate) fn settle(&self) {
        let mut folds = self.folds();
        folds.catch_up();
        folds.projector.settle();
    }

    fn folds(&self) -> MutexGuard<'_, Folds> {
        self.folds.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes a snapshot, as the daemon does beside payments; `None` when the story keeps none.
    pub(crate) fn make_snapshot(&self) -> Option<Result<Option<Made>, SnapshotFailed>> {
        self.snapshotter.as_ref().map(|snapshotter| snapshotter.make(&mut || true))
    }

    /// Makes the index durable, as the daemon does when it stops.
    pub(crate) fn persist(&self) {
        self.settle();
        if let Some(past) = &self.past {
            past.index().persist().expect(NO_FAULT);
        }
    }

    /// The digest of the state, what was forgotten included; `None` while the index does not have all of it.
    pub(crate) fn digest(&self) -> Option<String> {
        self.settle();
        let engine = self.shard.engine();
        let Some(past) = &self.past else { return Some(engine.digest().to_string()) };
        let applied = past.index().applied().expect(NO_FAULT).map_or(Lsn::ZERO, |mark| mark.lsn);
        if applied != engine.applied_lsn() {
            return None;
        }
        let records = past.index().records(Lsn::ZERO, applied, usize::MAX).expect(NO_FAULT);
        Some(remembering(engine, &records).digest().to_string())
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

/// The engine as if it had never forgotten: with everything that its records tell.
fn remembering(engine: &Engine, records: &[Arc<Record>]) -> Engine {
    let mut whole = Engine::default();
    for standing in engine.standing() {
        whole.stand(standing).expect("what stands stands");
    }
    let mut concerned: BTreeMap<PaymentId, Vec<Arc<Record>>> = BTreeMap::new();
    for record in records {
        for payment in index::concerned(record) {
            concerned.entry(payment).or_default().push(Arc::clone(record));
        }
    }
    for (payment, records) in concerned {
        whole.recall_payment(payment, &records).expect("the records of a payment");
    }
    // Of a key that ended and was used again, the last record is told first.
    records.iter().rev().flat_map(Record::parts).for_each(|part| whole.recall_key(&part));
    whole
}

/// Keeps what the stages look into up to date, and hands the records on to those who fold them later.
struct Observes {
    directory: Arc<Directory>,
    rate_book: Arc<RateBook>,
    folds: Arc<Mutex<Folds>>,
}

/// The read models, behind the shard as the daemon's are on their own thread.
struct Folds {
    projector: Projector,
    /// What they have not seen yet.
    batches: Vec<(Vec<Arc<Record>>, Option<ChainMark>)>,
    /// What the auditor has not seen yet.
    durable: Vec<Arc<Record>>,
}

impl Folds {
    fn catch_up(&mut self) {
        for (records, chain) in mem::take(&mut self.batches) {
            if let Some(chain) = chain {
                self.projector.chained(chain);
            }
            self.projector.apply_batch(&records).expect(NO_FAULT);
        }
    }
}

impl Observer for Observes {
    fn durable(&mut self, records: &[Arc<Record>], chain: Option<ChainMark>) {
        for record in records {
            self.directory.observe(record);
            self.rate_book.observe(record);
        }
        let mut folds = self.folds.lock().unwrap_or_else(PoisonError::into_inner);
        folds.durable.extend_from_slice(records);
        folds.batches.push((records.to_vec(), chain));
    }
}
