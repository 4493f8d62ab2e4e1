//! Puts the switch together: data directory, journal, engine, read models, shard.

use std::{collections::HashMap, error::Error, io, path::PathBuf, sync::Arc, thread::JoinHandle, time::Instant};

use domain::{ApiKeyHash, ChainMark, Lsn, Name, Record, Timestamp, WalletId};
use ingress::{Credentials, Ids, SandboxPowers, Started};
use journal::{FileJournal, FoldError, JournalId, Options, RecordRef, Recovered, disk::DirectoryDisk};
use pipeline::{Directory, RateBook};
use projections::{Boards, FeedReceiver, FeedSender, Projector, feed};
use shard::{Clock, Inbox, Observer, Recovery, Refused, Shard, Status, SystemClock};

use crate::{
    config::{Config, ModeName},
    keys::Keys,
    locked_directory::LockedDirectory,
    sandbox,
    serve::spawn,
    setup::Setup,
};

/// Recovered records are handed to the projector in batches of this many.
const RECOVERY_BATCH_RECORDS: usize = 1024;

/// How far the clock may stand before the last record at the start: two readings of a disciplined clock differ less.
const CLOCK_BEHIND_MS_MAX: i64 = 60_000;

/// Why the daemon does not start, or stopped badly.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StartError {
    #[error("{0}")]
    Config(String),
    #[error("cannot read the secret in {}", path.display())]
    Secret { path: PathBuf, source: io::Error },
    #[error("cannot write a new secret to {}", path.display())]
    NewSecret { path: PathBuf, source: io::Error },
    #[error("cannot {tried} {}", path.display())]
    Directory { tried: &'static str, path: PathBuf, source: io::Error },
    #[error("{} is in use by another daemon ({owner})", path.display())]
    InUse { path: PathBuf, owner: String },
    #[error("{} holds no position: restore it, or remove it once you know that the journal is whole", path.display())]
    HighWater { path: PathBuf },
    #[error(
        "the journal ends at lsn {found}, but this ledger had reached lsn {had}: its newest segments are missing; restore \
         them (or, to go on without them for good, remove HIGH_WATER from the data directory)"
    )]
    RecordsMissing { found: Lsn, had: Lsn },
    #[error("cannot open the journal")]
    Journal { source: journal::Error },
    #[error("the data directory belongs to a {ledger}, this daemon is a {daemon}")]
    OtherMode { ledger: &'static str, daemon: &'static str },
    #[error(
        "the ledger was written under digest key {ledger}, this daemon has {}: a ledger is read with the key it was \
         written with", if ledger == daemon { "another secret of that number".to_owned() } else { format!("key {daemon}") }
    )]
    OtherDigestKey { ledger: u32, daemon: u32 },
    #[error("cannot set the ledger up: {refused}{}{reason}", if reason.is_empty() { "" } else { ": " })]
    Setup { refused: Refused, reason: String },
    #[error("what was just set up is not in the ledger")]
    NotSetUp,
    #[error("cannot listen on {address}")]
    Listen { address: std::net::SocketAddr, source: io::Error },
    #[error("cannot start {what}")]
    Start { what: &'static str, source: Box<dyn Error + Send + Sync> },
    #[error(
        "the clock stands {behind_ms} ms before the last record: set it right, or start once with --accept-clock if \
         the last record was stamped by a wrong clock"
    )]
    ClockBehind { behind_ms: i64 },
    #[error("stopped with work undone: {0}")]
    Stopped(String),
}

impl StartError {
    /// As `payswitchd --help` documents them.
    pub(crate) const fn exit_code(&self) -> u8 {
        match self {
            Self::Stopped(_) => 1,
            Self::Config(_)
            | Self::Secret { .. }
            | Self::NewSecret { .. }
            | Self::OtherMode { .. }
            | Self::OtherDigestKey { .. } => 2,
            Self::Journal {
                source:
                    journal::Error::Damaged { .. } | journal::Error::NewerFormat { .. } | journal::Error::Fold { .. },
            }
            | Self::HighWater { .. }
            | Self::RecordsMissing { .. } => 4,
            Self::Directory { .. }
            | Self::InUse { .. }
            | Self::Journal { .. }
            | Self::Setup { .. }
            | Self::NotSetUp
            | Self::Listen { .. }
            | Self::ClockBehind { .. }
            | Self::Start { .. } => 3,
        }
    }
}

/// A switch that is ready to serve.
pub(crate) struct ReadySwitch {
    pub(crate) directory_lock: LockedDirectory,
    pub(crate) shard: Shard<FileJournal<DirectoryDisk>, SystemClock>,
    pub(crate) inbox: Arc<Inbox>,
    pub(crate) status: Arc<Status>,
    pub(crate) clock: SystemClock,
    pub(crate) directory: Arc<Directory>,
    pub(crate) rate_book: Arc<RateBook>,
    pub(crate) boards: Arc<Boards>,
    pub(crate) projector_thread: JoinHandle<()>,
    pub(crate) credentials: Arc<Credentials>,
    pub(crate) keys: Keys,
    pub(crate) ids: Arc<Ids>,
    pub(crate) sandbox: Option<Arc<SandboxPowers>>,
    pub(crate) started: Arc<Started>,
}

/// Recovers the ledger and brings it up to what the configuration asks for.
pub(crate) fn start(config: &Config) -> Result<ReadySwitch, StartError> {
    let keys = Keys::load(config)?;
    let parties = keys.parties()?;
    let locked = LockedDirectory::lock(&config.data_dir)?;
    let directory = Arc::new(Directory::new());
    let rate_book = Arc::new(RateBook::new());
    let projector = Projector::with_watch_retained(config.projections.watch_records_max);
    let boards = projector.boards();
    let (sender, receiver) = feed(config.projections.feed_records_max);
    // It runs before anything is recovered or submitted: a full feed waits for it.
    let projector_thread = spawn("projector", move || project(receiver, projector))?;

    let recovering = Instant::now();
    let tables = Tables { directory: Arc::clone(&directory), rate_book: Arc::clone(&rate_book) };
    let mut folding = Folding { recovery: Recovery::default(), tables, feed: Feed { sender, batch: Vec::new() } };
    let (journal, recovered) = open_journal(config, &locked, &mut folding)?;
    let Folding { recovery, tables, feed } = folding;
    let engine = recovery.finish();
    let clock = start_clock(config, engine.applied_at())?;
    let started = Started {
        mode: config.mode.into(),
        journal_id: recovered.journal_id.bytes(),
        version: env!("CARGO_PKG_VERSION"),
        at: clock.now(),
        recovered_records: recovered.records,
        recovery_us: u64::try_from(recovering.elapsed().as_micros()).unwrap_or(u64::MAX),
    };

    let status = Arc::new(Status::serving(engine.applied_lsn()));
    let inbox = Arc::new(Inbox::new(config.requests.inbox_requests_max));
    let observers: Vec<Box<dyn Observer>> = vec![Box::new(tables), Box::new(feed)];
    let mut shard = Shard::new(engine, journal, clock.clone(), Arc::clone(&inbox), Arc::clone(&status), observers);

    let sandbox = match config.mode {
        ModeName::Sandbox => Some(Arc::new(sandbox::powers(config.policy.pivot.as_deref()))),
        ModeName::Production => None,
    };
    let mut setup = Setup {
        shard: &mut shard,
        inbox: &inbox,
        status: &status,
        directory: &directory,
        rate_book: &rate_book,
        sandbox: sandbox.as_deref(),
        mailbox: Arc::default(),
        now: clock.now(),
    };
    let wallets = setup.run(config, &keys)?;
    refuse_merchants_keys(&parties, &directory)?;
    locked.set_high_water(status.durable_lsn())?;
    let credentials = Arc::new(credentials(&started, &keys, &wallets, Arc::clone(&directory)));
    Ok(ReadySwitch {
        boards,
        directory_lock: locked,
        shard,
        inbox,
        status,
        clock,
        directory,
        rate_book,
        projector_thread,
        credentials,
        keys,
        ids: Arc::new(Ids::new(random_bytes()?)),
        sandbox,
        started: Arc::new(started),
    })
}

/// The whole life of the projector's thread.
fn project(receiver: FeedReceiver, projector: Projector) {
    if let Err(error) = receiver.run(projector) {
        tracing::error!(error = &error as &dyn std::error::Error, "the read models ended: the index cannot be read");
    }
}

/// Folds the journal; refuses one that ends before the position this ledger had reached.
fn open_journal(
    config: &Config,
    locked: &LockedDirectory,
    folding: &mut Folding,
) -> Result<(FileJournal<DirectoryDisk>, Recovered), StartError> {
    let had = locked.high_water()?;
    let path = locked.journal();
    let disk = DirectoryDisk::create(path.clone());
    let disk = disk.map_err(|source| StartError::Directory { tried: "make the journal directory", path, source })?;
    let new = Options::new(JournalId::new(random_bytes()?));
    let options = Options { segment_bytes: config.journal.segment_bytes, ..new };
    let mut fold = |found: RecordRef<'_>| folding.fold(&found);
    let opened = FileJournal::open(disk, options, &mut fold).map_err(|source| StartError::Journal { source })?;
    let (_, recovered) = &opened;
    if recovered.last_lsn < had {
        return Err(StartError::RecordsMissing { found: recovered.last_lsn, had });
    }
    if let Some(cut) = &recovered.cut {
        tracing::warn!(?cut, "cut a torn tail: nobody was told that it is durable");
    }
    Ok(opened)
}

/// Everything that is made from the journal's records again.
struct Folding {
    recovery: Recovery,
    tables: Tables,
    feed: Feed,
}

impl Folding {
    fn fold(&mut self, found: &RecordRef<'_>) -> Result<(), FoldError> {
        let record = self.recovery.fold(found.lsn, found.bytes)?;
        self.tables.observe(&record);
        self.feed.batch.push(record);
        // A batch of the journal goes with its mark, a large one in parts.
        if found.lsn == found.chain.lsn {
            self.feed.flush(Some(found.chain));
        } else if self.feed.batch.len() >= RECOVERY_BATCH_RECORDS {
            self.feed.flush(None);
        }
        Ok(())
    }
}

/// A clock that stands before the last record would keep every rate fresh for ever. A sandbox's clock may have been
/// advanced before, so there it just goes on from the last record.
fn start_clock(config: &Config, last: Timestamp) -> Result<SystemClock, StartError> {
    if config.mode == ModeName::Sandbox {
        return Ok(SystemClock::start_at_least(last));
    }
    let clock = SystemClock::start();
    let behind_ms = last.millis_since(clock.now());
    if behind_ms <= CLOCK_BEHIND_MS_MAX || config.accept_clock {
        return Ok(clock);
    }
    Err(StartError::ClockBehind { behind_ms })
}

fn credentials(
    started: &Started,
    keys: &Keys,
    wallets: &HashMap<Name, WalletId>,
    directory: Arc<Directory>,
) -> Credentials {
    let hashes = keys.wallets.iter().filter_map(|(name, hash)| Some((*hash, *wallets.get(name)?)));
    Credentials::new(started.mode, Arc::clone(&keys.digester), directory, keys.operator, hashes)
}

/// One key for two parties would let one act as the other.
fn refuse_merchants_keys(parties: &[(String, ApiKeyHash)], directory: &Directory) -> Result<(), StartError> {
    match parties.iter().find(|(_, hash)| directory.credential(hash).is_some()) {
        Some((party, _)) => Err(StartError::Config(format!("{party} has the api_key_hash of a registered merchant"))),
        None => Ok(()),
    }
}

pub(crate) fn random_bytes<const N: usize>() -> Result<[u8; N], StartError> {
    let mut bytes = [0; N];
    let filled = getrandom::fill(&mut bytes);
    filled.map_err(|source| StartError::Start { what: "without random bytes", source: source.into() })?;
    Ok(bytes)
}

/// What the stages look things up in. It is up to date before any answer is released, so whoever was told that an
/// account is open can pay from it.
struct Tables {
    directory: Arc<Directory>,
    rate_book: Arc<RateBook>,
}

impl Tables {
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
struct Feed {
    sender: FeedSender,
    batch: Vec<Arc<Record>>,
}

impl Feed {
    fn flush(&mut self, chain: Option<ChainMark>) {
        // The projector ends only after the shard; if it has, the process is stopping.
        let _closed = self.sender.send(&mut self.batch, chain);
    }
}

impl Observer for Feed {
    fn durable(&mut self, records: &[Arc<Record>], chain: Option<ChainMark>) {
        self.batch.extend_from_slice(records);
        self.flush(chain);
    }
}
