//! A shard with everything around it.

use std::sync::{
    Arc, Mutex, MutexGuard,
    atomic::{AtomicI64, Ordering},
    mpsc::Sender,
};

use domain::{
    AccountId, ApiKeyHash, ChainMark, Command, Digest, DigestKey, Event, Evidence, FIELDS_MAX, Fingerprint,
    IdempotencyKey, InitializeSwitch, InstallPolicy, Lsn, MerchantRules, Method, Mode, MoveFunds, Name, OpenAccount,
    Policy, Record, RegisterMerchant, RegisterWallet, Submission, TenantId, Timestamp, WalletId,
};
use engine::Engine;
use journal::{Error, Journal, MemoryJournal, Progress as JournalProgress};
use money::{Currency, Money, Ratio};
use shard::{Answer, Clock, Handle, Inbox, Mailbox, Observer, Progress, Recovery, Refused, Shard, Status};

/// How long a hold lives in these tests, in milliseconds.
pub(crate) const HOLD_MS: i64 = 60_000;

/// Everything around one shard.
pub(crate) struct House<J: Journal> {
    pub(crate) shard: Shard<J, ManualClock>,
    pub(crate) clock: ManualClock,
    pub(crate) inbox: Arc<Inbox>,
    pub(crate) status: Arc<Status>,
    mailbox: Arc<Mailbox>,
    seen: Arc<Mutex<Seen>>,
}

type Waiting = tokio::sync::oneshot::Receiver<Answer>;

impl<J: Journal> House<J> {
    /// A house whose clock shows one second after the epoch.
    pub(crate) fn new(engine: Engine, journal: J, requests_max: usize) -> Self {
        Self::at(Timestamp::from_micros(1_000_000), engine, journal, requests_max)
    }

    pub(crate) fn at(now: Timestamp, engine: Engine, journal: J, requests_max: usize) -> Self {
        let status = Arc::new(Status::serving(engine.applied_lsn()));
        let inbox = Arc::new(Inbox::new(requests_max));
        let seen = Arc::<Mutex<Seen>>::default();
        let observers: Vec<Box<dyn Observer>> = vec![Box::new(Sees(Arc::clone(&seen)))];
        let clock = ManualClock::at(now);
        let shard = Shard::new(engine, journal, clock.clone(), Arc::clone(&inbox), Arc::clone(&status), observers);
        Self { shard, clock, inbox, status, mailbox: Arc::default(), seen }
    }

    pub(crate) fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().expect("one thread")
    }

    pub(crate) fn handle(&self) -> Handle {
        Handle::new(Arc::clone(&self.inbox), Arc::clone(&self.status), Arc::clone(&self.mailbox))
    }

    pub(crate) fn put(&self, submission: Submission) -> Result<Waiting, Refused> {
        self.put_until(submission, None)
    }

    pub(crate) fn put_until(&self, submission: Submission, deadline: Option<Timestamp>) -> Result<Waiting, Refused> {
        self.handle().put(submission, deadline)
    }

    pub(crate) fn step(&mut self) -> Progress {
        let progress = self.shard.step();
        self.mailbox.deliver_now();
        progress
    }

    /// Puts, steps and takes the answer.
    pub(crate) fn ask(&mut self, submission: Submission) -> Answer {
        let mut waiting = self.put(submission)?;
        self.step();
        waiting.try_recv().expect("a step answers what was put before it")
    }

    /// A ledger with one merchant and one open account, both in Hong Kong dollars.
    pub(crate) fn begin(&mut self) -> AccountId {
        let digest_key = DigestKey { id: 0, check: Digest([0; 16]) };
        let initialize = InitializeSwitch { mode: Mode::Sandbox, digest_key };
        let merchant_default = MerchantRules { hold_ms: HOLD_MS, ..MerchantRules::default() };
        let policy = Arc::new(Policy { merchant_default, ..Policy::basic(Ratio::ZERO, 1, Ratio::ZERO) });
        let name = |text| Name::new(text).expect("a name");
        for command in [
            Command::InitializeSwitch(initialize),
            Command::InstallPolicy(InstallPolicy { policy }),
            Command::RegisterWallet(RegisterWallet { name: name("wallet") }),
            Command::RegisterMerchant(RegisterMerchant {
                name: name("cafe"),
                settlement_currency: Currency::HKD,
                discount: Ratio::ZERO,
                api_key_hash: ApiKeyHash([7; 32]),
            }),
        ] {
            self.ask(Submission { key: None, command }).expect("the ledger begins");
        }
        let open = OpenAccount { wallet: WalletId(0), name: name("alice"), currency: Currency::HKD };
        let opened = self.ask(Submission { key: None, command: Command::OpenAccount(open) });
        let record = opened.expect("the account opens").record;
        let Event::AccountOpened(account) = record.event else { panic!("not an account: {record:?}") };
        account
    }
}

/// A clock that stands until it is set. Clones are one clock.
#[derive(Clone, Debug)]
pub(crate) struct ManualClock(Arc<AtomicI64>);

impl ManualClock {
    fn at(now: Timestamp) -> Self {
        Self(Arc::new(AtomicI64::new(now.micros())))
    }

    pub(crate) fn set(&self, now: Timestamp) {
        self.0.store(now.micros(), Ordering::Release);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.0.load(Ordering::Acquire))
    }
}

/// What an observer was shown.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    pub(crate) records: Vec<Arc<Record>>,
    /// Of each batch.
    pub(crate) marks: Vec<ChainMark>,
    /// Hears of each batch.
    pub(crate) listener: Option<Sender<ChainMark>>,
}

impl Seen {
    pub(crate) fn lsns(&self) -> Vec<u64> {
        self.records.iter().map(|record| record.lsn.get()).collect()
    }
}

struct Sees(Arc<Mutex<Seen>>);

impl Observer for Sees {
    fn durable(&mut self, records: &[Arc<Record>], chain: Option<ChainMark>) {
        let mut seen = self.0.lock().expect("no test panics with it");
        seen.records.extend_from_slice(records);
        assert_eq!(chain.map(|mark| mark.lsn), records.last().map(|record| record.lsn));
        seen.marks.extend(chain);
        if let (Some(listener), Some(mark)) = (&seen.listener, chain) {
            listener.send(mark).expect("somebody listens");
        }
    }
}

pub(crate) fn keyed(key: Digest, tenant: TenantId, method: Method, request: Digest, command: Command) -> Submission {
    let fingerprint = Fingerprint { method, request, fields: [0; FIELDS_MAX] };
    Submission { key: Some(IdempotencyKey { tenant, digest: key, fingerprint }), command }
}

pub(crate) fn deposit(key: u8, account: AccountId, minor_units: i128) -> Submission {
    let funds = MoveFunds { account: Evidence::Present(account), amount: Money::new(Currency::HKD, minor_units) };
    let request = Digest(minor_units.to_le_bytes());
    keyed(Digest([key; 16]), TenantId::Wallet(WalletId(0)), Method::Deposit, request, Command::Deposit(funds))
}

/// The engine that the journal's records lead to.
pub(crate) fn recovered(journal: &MemoryJournal) -> Engine {
    let mut recovery = Recovery::default();
    let mut reader = journal.reader(Lsn::new(1)).expect("readable");
    while let Some(record) = journal::Reader::read(&mut reader).expect("readable") {
        recovery.fold(record.lsn, record.bytes).expect("our own records");
    }
    recovery.finish()
}

/// Counts group commits, and can be told not to make progress.
#[derive(Debug, Default)]
pub(crate) struct CountingJournal {
    inner: MemoryJournal,
    pub(crate) polls: u32,
    pub(crate) stalled: bool,
}

impl Journal for CountingJournal {
    type Reader = journal::MemoryReader;

    fn append(&mut self, lsn: Lsn, record: &[u8]) -> Result<(), Error> {
        self.inner.append(lsn, record)
    }

    fn flush(&mut self) -> Result<(), Error> {
        self.inner.flush()
    }

    fn poll(&mut self) -> JournalProgress {
        self.polls += 1;
        if self.stalled { JournalProgress::Durable(self.inner.durable_lsn()) } else { self.inner.poll() }
    }

    fn record_bytes_max(&self) -> usize {
        self.inner.record_bytes_max()
    }

    fn last_lsn(&self) -> Lsn {
        self.inner.last_lsn()
    }

    fn durable_lsn(&self) -> Lsn {
        self.inner.durable_lsn()
    }

    fn chain(&self) -> Option<ChainMark> {
        self.inner.chain()
    }

    fn reader(&self, from: Lsn) -> Result<Self::Reader, Error> {
        self.inner.reader(from)
    }

    fn close(&mut self) -> Result<(), Error> {
        self.inner.close()
    }
}
