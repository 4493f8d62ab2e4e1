//! Opening a ledger: index, snapshot and journal, in this order, with all that follows them.

use std::{mem, path::Path, sync::Arc, thread::JoinHandle, time::Instant};

use domain::{ChainMark, Lsn, Record, Standing};
use engine::Engine;
use index::{DirectoryStore, Index};
use journal::{FileJournal, JournalId, Options, RecordRef, Recovered, disk::DirectoryDisk};
use pipeline::{Directory, RateBook};
use projections::{Boards, FeedReceiver, FeedSender, Projector, feed};
use shard::{Beginning, Folding, Observer, Past, RecordsMissing, Snapshots, Snapshotter};

use crate::{
    config::Config,
    locked_directory::LockedDirectory,
    progress::Progress,
    serve::{give_way, join, spawn},
    start::{StartError, random_bytes},
};

/// A ledger that was opened, with everything that follows it.
pub(crate) struct Ledger {
    pub(crate) journal: FileJournal<DirectoryDisk>,
    pub(crate) recovered: Recovered,
    pub(crate) engine: Engine,
    pub(crate) tables: Tables,
    pub(crate) feed: Feed,
    pub(crate) boards: Arc<Boards>,
    pub(crate) projector_thread: JoinHandle<Result<(), index::Error>>,
    pub(crate) past: Past,
    pub(crate) snapshotter: Snapshotter<DirectoryDisk, DirectoryDisk>,
    /// The position of the snapshot it began from; zero without one.
    pub(crate) snapshot_lsn: Lsn,
}

/// Opens the ledger in this directory. An index that is of no use is made again, from the first record on. One that knows of
/// records which the journal does not have is evidence that they were there: that is refused.
pub(crate) fn open(config: &Config, locked: &LockedDirectory) -> Result<Ledger, StartError> {
    let had = locked.high_water()?;
    let disk = made(locked.journal(), "make the journal directory")?;
    let identified = journal::identify(&disk).map_err(|source| StartError::Journal { source })?;
    if identified.is_none() && had > Lsn::ZERO {
        return Err(StartError::RecordsMissing { found: Lsn::ZERO, had });
    }
    let id = identified.map_or_else(|| random_bytes().map(JournalId::new), Ok)?;
    let snapshots = Snapshots::new(made(locked.snapshots(), "make the snapshots' directory")?, id.bytes());
    let reaches = journal::reaches(&disk).map_err(|source| StartError::Journal { source })?;
    let reaches = reaches.unwrap_or(Lsn::ZERO).max(had);
    let opening = Opening { config, disk, id, snapshots, reaches };
    let opened = match open_index(config, &locked.index(), id).and_then(|index| opening.open(index)) {
        Err(StartError::Index { source }) if source.is_cured_by_rebuilding() && !is_of_another(&source) => {
            let begins_at = journal::begins_at(&opening.disk).map_err(|source| StartError::Journal { source })?;
            if let Some(first_lsn) = begins_at.filter(|first_lsn| *first_lsn > Lsn::new(1)) {
                return Err(StartError::IndexLost { first_lsn, source });
            }
            let why = shard::with_sources(&source);
            tracing::warn!(why, "the index is of no use: it is made again from the journal's first record");
            DirectoryStore::remove(&locked.index())?;
            opening.open(open_index(config, &locked.index(), id)?)
        }
        opened => opened,
    };
    let ledger = opened?;
    let Recovered { last_lsn: found, cut, .. } = &ledger.recovered;
    if *found < had {
        return Err(StartError::RecordsMissing { found: *found, had });
    }
    if let Some(cut) = cut {
        tracing::warn!(?cut, "cut a torn tail: nobody was told that it is durable");
    }
    Ok(ledger)
}

/// An index that was made from another journal is evidence that one of the two is in the wrong place.
const fn is_of_another(error: &index::Error) -> bool {
    matches!(error, index::Error::OfAnotherJournal { .. })
}

fn made(path: std::path::PathBuf, tried: &'static str) -> Result<DirectoryDisk, StartError> {
    let disk = DirectoryDisk::create(path.clone());
    disk.map_err(|source| StartError::Directory { tried, path, source })
}

fn open_index(config: &Config, path: &Path, id: JournalId) -> Result<Index, StartError> {
    // The store starts threads of its own, which are as their starter is.
    let path = path.to_owned();
    let opening = spawn("index", move || {
        give_way();
        DirectoryStore::open(&path)
    })?;
    let index = Index::open(Arc::new(join(opening)??), id.bytes())?;
    Ok(index.with_filter(config.projections.filter_bytes))
}

/// What it takes to open a ledger.
struct Opening<'a> {
    config: &'a Config,
    disk: DirectoryDisk,
    id: JournalId,
    snapshots: Snapshots<DirectoryDisk>,
    /// What the journal reaches at least.
    reaches: Lsn,
}

impl Opening<'_> {
    fn open(&self, index: Index) -> Result<Ledger, StartError> {
        let projections = &self.config.projections;
        let beginning = Beginning::find(&index, &self.snapshots)?;
        for why in &beginning.unusable {
            let why = shard::with_sources(why);
            tracing::warn!(why, "a snapshot cannot be used: an older one and more of the journal do as well");
        }
        let mark = beginning.mark;
        let tables = Tables { directory: Arc::default(), rate_book: Arc::default() };
        beginning.engine.standing().for_each(|standing| tables.stand(&standing));
        let past = Past::new(index.clone(), projections.hot_records);
        let projector = Projector::with_index(index, projections.hot_records, projections.watch_records_max)?;
        let boards = projector.boards();
        let (sender, receiver) = feed(projections.feed_records_max);
        // It runs before anything is recovered or submitted: a full feed waits for it.
        let projector_thread = spawn("projector", move || project(receiver, projector))?;

        let mut feed = Feed { sender, batch: Vec::new() };
        let mut folding = beginning.folding(past.clone());
        let opened = self.open_journal(mark, &tables, &mut folding, &mut feed);
        let opened = opened.and_then(|(journal, recovered)| {
            let engine = folding.finish(&mut |records, mark| feed.send(records, Some(mark)));
            let missing =
                |RecordsMissing { indexed }| StartError::RecordsMissing { found: recovered.last_lsn, had: indexed };
            Ok((engine.map_err(missing)?, journal, recovered))
        });
        let (engine, journal, recovered) = match opened {
            Ok(opened) => opened,
            Err(error) => {
                // The thread lets go of the index, so that it can be removed. Why it ended is told there.
                drop(feed);
                let _ended = join(projector_thread)?;
                return Err(error);
            }
        };
        let snapshotter = Snapshotter::new(self.disk.clone(), self.snapshots.clone(), past.clone());
        let snapshot_lsn = mark.map_or(Lsn::ZERO, |mark| mark.lsn);
        Ok(Ledger {
            journal,
            recovered,
            engine,
            tables,
            feed,
            boards,
            projector_thread,
            past,
            snapshotter,
            snapshot_lsn,
        })
    }

    fn open_journal(
        &self,
        mark: Option<ChainMark>,
        tables: &Tables,
        folding: &mut Folding,
        feed: &mut Feed,
    ) -> Result<(FileJournal<DirectoryDisk>, Recovered), StartError> {
        let options = Options { segment_bytes: self.config.journal.segment_bytes, ..Options::new(self.id) };
        let begin = mark.map_or(Lsn::ZERO, |mark| mark.lsn);
        let mut progress = Progress::new(begin, self.reaches, Instant::now());
        let mut fold = |found: RecordRef<'_>| {
            progress.tell(found.lsn);
            let record = folding.fold(&found, &mut |records, mark| feed.send(records, Some(mark)))?;
            tables.observe(&record);
            Ok(())
        };
        let opened = match mark {
            None => FileJournal::open(self.disk.clone(), options, &mut fold),
            Some(mark) => FileJournal::open_behind(self.disk.clone(), options, mark, &mut fold),
        };
        opened.map_err(|source| {
            if let journal::Error::EndsEarly { lsn: had, last_lsn: found, .. } = source {
                return StartError::RecordsMissing { found, had };
            }
            StartError::Journal { source }
        })
    }
}

/// Folds until nothing comes any more.
fn project(receiver: FeedReceiver, projector: Projector) -> Result<(), index::Error> {
    let ended = receiver.run(projector);
    if let Err(why) = &ended {
        let why = shard::with_sources(why);
        tracing::error!(why, "the read models cannot go on: reads fail until a restart, payments go on");
    }
    ended
}

/// What the stages look things up in. It is up to date before any answer is released, so whoever was told that an
/// account is open can pay from it.
pub(crate) struct Tables {
    pub(crate) directory: Arc<Directory>,
    pub(crate) rate_book: Arc<RateBook>,
}

impl Tables {
    fn stand(&self, standing: &Standing) {
        self.directory.stand(standing);
        self.rate_book.stand(standing);
    }

    fn observe(&self, record: &Record) {
        self.directory.observe(record);
        self.rate_book.observe(record);
    }
}

impl Observer for Tables {
    fn durable(&mut self, records: &[Arc<Record>], _chain: Option<ChainMark>) {
        records.iter().for_each(|record| self.observe(record));
    }
}

/// Hands records to the projector's thread.
pub(crate) struct Feed {
    sender: FeedSender,
    batch: Vec<Arc<Record>>,
}

impl Feed {
    fn send(&mut self, records: &mut Vec<Arc<Record>>, chain: Option<ChainMark>) {
        // The projector ends only after the shard, or has told why; then nobody reads what comes.
        let _closed = self.sender.send(records, chain);
    }
}

impl Observer for Feed {
    fn durable(&mut self, records: &[Arc<Record>], chain: Option<ChainMark>) {
        let mut batch = mem::take(&mut self.batch);
        batch.extend_from_slice(records);
        self.send(&mut batch, chain);
        batch.clear();
        self.batch = batch;
    }
}
