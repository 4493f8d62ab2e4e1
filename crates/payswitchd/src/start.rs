//! Puts the switch together: data directory, journal, engine, read models, shard.

use std::{collections::HashMap, error::Error, io, path::PathBuf, sync::Arc, thread::JoinHandle, time::Instant};

use domain::{ApiKeyHash, Lsn, Name, Timestamp, WalletId};
use ingress::{AwaitedPayments, CardNumbers, Credentials, Ids, SandboxPowers, Started};
use journal::{FileJournal, Recovered, disk::DirectoryDisk};
use pipeline::{Directory, RateBook};
use projections::Boards;
use shard::{BeginningError, Clock, Inbox, Observer, Past, Refused, Shard, SnapshotError, Status, SystemClock};

use crate::{
    archiving::Archiving,
    card_line::{self, Said},
    cards,
    config::{Config, ModeName},
    housekeeping::Housekeeper,
    keys::Keys,
    locked_directory::LockedDirectory,
    opening::{self, Ledger},
    sandbox,
    setup::Setup,
};

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
         them (or, to go on without them for good, remove HIGH_WATER, index and snapshots from the data directory, after older \
         segments were restored from the archive, if there is one)"
    )]
    RecordsMissing { found: Lsn, had: Lsn },
    #[error("cannot open the journal")]
    Journal { source: journal::Error },
    #[error("cannot use the index")]
    Index {
        #[from]
        source: index::Error,
    },
    #[error(
        "the index is of no use, and cannot be made again from a journal that begins at lsn {first_lsn}: restore an index from a \
         backup, or archive and journal as one journal (config/README.md, Old segments)"
    )]
    IndexLost { first_lsn: Lsn, source: index::Error },
    #[error("cannot use the card vault")]
    Vault { source: vault::Error },
    #[error("cannot use the snapshots")]
    Snapshots { source: SnapshotError },
    #[error("the data directory belongs to a {ledger}, this daemon is a {daemon}")]
    OtherMode { ledger: &'static str, daemon: &'static str },
    #[error(
        "the ledger was written under digest key {ledger}, this daemon has {}: a ledger is read with the key it was \
         written with", if ledger == daemon { "another secret of that number".to_owned() } else { format!("key {daemon}") }
    )]
    OtherDigestKey { ledger: u32, daemon: u32 },
    #[error(
        "cannot set the ledger up: {refused}{}{reason}{}", if reason.is_empty() { "" } else { ": " },
        if *refused == Refused::PastUnreadable { " (remove the index, and it is made again from the journal)" } else { "" }
    )]
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
    #[error("the process may have {allowed} files open, it needs {needed}: raise the limit (ulimit -n, LimitNOFILE)")]
    TooFewDescriptors { allowed: usize, needed: usize },
    #[error("stopped with work undone: {0}")]
    Stopped(String),
}

impl From<BeginningError> for StartError {
    fn from(error: BeginningError) -> Self {
        match error {
            BeginningError::Index(source) => Self::Index { source },
            BeginningError::Snapshots(source) => Self::Snapshots { source },
        }
    }
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
                    journal::Error::Damaged { .. }
                    | journal::Error::NewerFormat { .. }
                    | journal::Error::OtherHistory { .. }
                    | journal::Error::BeginsLater { .. }
                    | journal::Error::Fold { .. },
            }
            | Self::Index { source: index::Error::OfAnotherJournal { .. } }
            | Self::IndexLost { .. }
            | Self::Setup { refused: Refused::PastUnreadable, .. }
            | Self::HighWater { .. }
            | Self::RecordsMissing { .. } => 4,
            Self::Directory { .. }
            | Self::InUse { .. }
            | Self::Journal { .. }
            | Self::Index { .. }
            | Self::Snapshots { .. }
            | Self::Vault { .. }
            | Self::Setup { .. }
            | Self::NotSetUp
            | Self::Listen { .. }
            | Self::ClockBehind { .. }
            | Self::TooFewDescriptors { .. }
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
    pub(crate) projector_thread: JoinHandle<Result<(), index::Error>>,
    pub(crate) past: Past,
    pub(crate) housekeeper: Housekeeper,
    pub(crate) credentials: Arc<Credentials>,
    pub(crate) keys: Keys,
    pub(crate) ids: Arc<Ids>,
    pub(crate) card_numbers: CardNumbers,
    /// Payments whose callers wait for a card's issuer.
    pub(crate) awaited: Arc<AwaitedPayments>,
    pub(crate) said: Said,
    pub(crate) sandbox: Option<Arc<SandboxPowers>>,
    pub(crate) started: Arc<Started>,
}

/// Recovers the ledger and brings it up to what the configuration asks for.
pub(crate) fn start(config: &Config) -> Result<ReadySwitch, StartError> {
    let keys = Keys::load(config)?;
    let parties = keys.parties()?;
    let locked = LockedDirectory::lock(&config.data_dir)?;
    let recovering = Instant::now();
    let Ledger { journal, recovered, engine, tables, feed, boards, projector_thread, past, snapshotter, snapshot_lsn } =
        opening::open(config, &locked)?;
    let (directory, rate_book) = (Arc::clone(&tables.directory), Arc::clone(&tables.rate_book));
    let clock = start_clock(config, engine.applied_at())?;
    let started = started(config, &recovered, snapshot_lsn, (recovering, clock.now()));

    let status = Arc::new(Status::serving(engine.applied_lsn()));
    let inbox = Arc::new(Inbox::new(config.requests.inbox_requests_max));
    let awaited = Arc::new(AwaitedPayments::default());
    let observers: Vec<Box<dyn Observer>> = vec![Box::new(tables), Box::new(feed), awaited.observer()];
    let (line, said) = card_line::from(&engine);
    let shard = Shard::new(engine, journal, clock.clone(), Arc::clone(&inbox), Arc::clone(&status), observers);
    let mut shard = shard.with_past(past.clone()).with_card_line(Box::new(line));

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
    let card_numbers = cards::numbers(config, shard.engine())?;
    let housekeeper = Housekeeper {
        index: past.index().clone(),
        snapshotter,
        status: Arc::clone(&status),
        boards: Arc::clone(&boards),
        snapshot_records: config.snapshots.every_records,
        snapshot_lsn,
        archiving: Archiving::new(&config.archive, locked.journal(), past.index().clone())?,
    };
    Ok(ReadySwitch {
        boards,
        past,
        housekeeper,
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
        card_numbers,
        awaited,
        said,
        sandbox,
        started: Arc::new(started),
    })
}

fn started(config: &Config, recovered: &Recovered, snapshot_lsn: Lsn, (since, at): (Instant, Timestamp)) -> Started {
    Started {
        mode: config.mode.into(),
        journal_id: recovered.journal_id.bytes(),
        version: env!("CARGO_PKG_VERSION"),
        at,
        recovered_records: recovered.last_lsn.get().saturating_sub(snapshot_lsn.get()),
        recovery_us: u64::try_from(since.elapsed().as_micros()).unwrap_or(u64::MAX),
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
