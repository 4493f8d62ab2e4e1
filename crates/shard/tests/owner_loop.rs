//! The owner loop on a real engine and a journal in memory, driven step by step.

use std::{
    cell::Cell,
    sync::{Arc, Mutex},
};

use domain::{
    AccountId, Command, Digest, DigestKey, Evidence, FIELDS_MAX, Fingerprint, IdempotencyKey, InitializeSwitch,
    InstallPolicy, Lsn, Method, Mode, MoveFunds, Name, OpenAccount, Policy, Record, Refusal, RegisterWallet,
    Submission, TenantId, Timestamp, WalletId,
};
use engine::Engine;
use journal::{Error, Journal, MemoryJournal, Progress as JournalProgress};
use money::{Currency, Money, Ratio};
use shard::{
    Answer, Clock, Handle, Inbox, Mailbox, Observer, Progress, Recovery, Refused, ServingState, Shard, Status,
};

/// Everything around one shard.
struct House<J: Journal> {
    shard: Shard<J, ManualClock>,
    inbox: Arc<Inbox>,
    status: Arc<Status>,
    mailbox: Arc<Mailbox>,
    seen: Arc<Mutex<Vec<Lsn>>>,
}

type Waiting = tokio::sync::oneshot::Receiver<Answer>;

impl<J: Journal> House<J> {
    fn new(engine: Engine, journal: J, requests_max: usize) -> Self {
        let status = Arc::new(Status::serving(engine.applied_lsn()));
        let inbox = Arc::new(Inbox::new(requests_max));
        let seen = Arc::new(Mutex::new(Vec::new()));
        let observers: Vec<Box<dyn Observer>> = vec![Box::new(Seen(Arc::clone(&seen)))];
        let clock = ManualClock(Cell::new(1_000_000));
        let shard = Shard::new(engine, journal, clock, Arc::clone(&inbox), Arc::clone(&status), observers);
        Self { shard, inbox, status, mailbox: Arc::default(), seen }
    }

    fn put(&self, submission: Submission) -> Result<Waiting, Refused> {
        self.put_until(submission, None)
    }

    fn put_until(&self, submission: Submission, deadline: Option<Timestamp>) -> Result<Waiting, Refused> {
        let handle = Handle::new(Arc::clone(&self.inbox), Arc::clone(&self.status), Arc::clone(&self.mailbox));
        handle.put(submission, deadline)
    }

    fn step(&mut self) -> Progress {
        let progress = self.shard.step();
        self.mailbox.deliver_now();
        progress
    }

    /// Puts, steps and takes the answer.
    fn ask(&mut self, submission: Submission) -> Answer {
        let mut waiting = self.put(submission)?;
        self.step();
        waiting.try_recv().expect("a step answers what was put before it")
    }

    /// A ledger with one open account.
    fn begin(&mut self) -> AccountId {
        let digest_key = DigestKey { id: 0, check: Digest([0; 16]) };
        let initialize = InitializeSwitch { mode: Mode::Sandbox, digest_key };
        let policy = Policy { fx_markup: Ratio::ZERO, rate_age_ms_max: 1, rate_move_max: Ratio::ZERO };
        let name = |text| Name::new(text).expect("a name");
        for command in [
            Command::InitializeSwitch(initialize),
            Command::InstallPolicy(InstallPolicy { policy }),
            Command::RegisterWallet(RegisterWallet { name: name("wallet") }),
        ] {
            self.ask(Submission { key: None, command }).expect("the ledger begins");
        }
        let open = OpenAccount { wallet: WalletId(0), name: name("alice"), currency: Currency::HKD };
        let opened = self.ask(Submission { key: None, command: Command::OpenAccount(open) });
        let record = opened.expect("the account opens").record;
        let domain::Event::AccountOpened(account) = record.event else { panic!("not an account: {record:?}") };
        account
    }
}

#[derive(Debug)]
struct ManualClock(Cell<i64>);

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.0.get())
    }
}

struct Seen(Arc<Mutex<Vec<Lsn>>>);

impl Observer for Seen {
    fn durable(&mut self, records: &[Arc<Record>]) {
        self.0.lock().expect("one thread").extend(records.iter().map(|record| record.lsn));
    }
}

fn deposit(key: u8, account: AccountId, minor_units: i128) -> Submission {
    let digest = |byte| Digest([byte; 16]);
    let request = Digest(minor_units.to_le_bytes());
    let fingerprint = Fingerprint { method: Method::Deposit, request, fields: [0; FIELDS_MAX] };
    let key = IdempotencyKey { tenant: TenantId::Wallet(WalletId(0)), digest: digest(key), fingerprint };
    let funds = MoveFunds { account: Evidence::Present(account), amount: Money::new(Currency::HKD, minor_units) };
    Submission { key: Some(key), command: Command::Deposit(funds) }
}

#[test]
fn what_arrives_together_is_one_batch_and_answered_in_order() {
    let mut house = House::new(Engine::default(), CountingJournal::default(), 100);
    let account = house.begin();
    let writes_before = house.shard.journal_mut().polls;
    let mut waiting: Vec<_> = (0..10).map(|n| house.put(deposit(n, account, 100)).expect("there is room")).collect();
    assert_eq!(house.step(), Progress::Idle);
    let lsns: Vec<_> = waiting
        .iter_mut()
        .map(|waiting| waiting.try_recv().expect("answered").expect("committed").record.lsn.get())
        .collect();
    assert_eq!(lsns, (5..15).collect::<Vec<_>>());
    assert_eq!(house.shard.journal_mut().polls, writes_before + 1, "one group commit for the ten");
    assert_eq!(*house.seen.lock().expect("one thread"), (1..15).map(Lsn::new).collect::<Vec<_>>());
}

#[test]
fn a_duplicate_in_the_same_batch_gets_the_first_ones_record() {
    let mut house = House::new(Engine::default(), MemoryJournal::new(), 100);
    let account = house.begin();
    let mut first = house.put(deposit(1, account, 100)).expect("room");
    let mut second = house.put(deposit(1, account, 100)).expect("room");
    let mut other = house.put(deposit(1, account, 200)).expect("room");
    house.step();
    let first = first.try_recv().expect("answered").expect("committed");
    let second = second.try_recv().expect("answered").expect("committed");
    assert_eq!((first.repeated, second.repeated), (false, true));
    assert!(Arc::ptr_eq(&first.record, &second.record));
    let other = other.try_recv().expect("answered");
    assert!(matches!(other, Err(Refused::Engine(Refusal::KeyReused { .. }))), "{other:?}");
}

#[test]
fn no_answer_leaves_before_everything_it_rests_on_is_durable() {
    let mut house = House::new(Engine::default(), CountingJournal::default(), 100);
    let account = house.begin();
    house.shard.journal_mut().stalled = true;
    let mut waiting = vec![
        house.put(deposit(1, account, 100)).expect("room"),
        house.put(deposit(1, account, 100)).expect("room"),
        house.put(deposit(1, account, 999)).expect("room"),
    ];
    assert_eq!(house.step(), Progress::Waiting);
    for answer in &mut waiting {
        answer.try_recv().expect_err("a repeat and a refusal wait like the first");
    }
    assert_eq!(house.seen.lock().expect("one thread").len(), 4, "observers see durable records only");
    house.shard.journal_mut().stalled = false;
    assert_eq!(house.step(), Progress::Idle);
    for answer in &mut waiting {
        let _answered = answer.try_recv().expect("now it is durable");
    }
}

#[test]
fn a_failed_write_leaves_the_batch_in_doubt_and_stops_the_shard() {
    let mut house = House::new(Engine::default(), MemoryJournal::new(), 100);
    let account = house.begin();
    house.shard.journal_mut().fail_next_write();
    let durable = house.status.durable_lsn();
    assert_eq!(house.ask(deposit(1, account, 100)), Err(Refused::Unconfirmed));
    assert_eq!(house.status.state(), ServingState::Failed);
    assert!(!house.status.reason().is_empty());
    assert_eq!(house.status.durable_lsn(), durable);
    assert_eq!(house.ask(deposit(2, account, 100)), Err(Refused::JournalFailed));

    // A restart finds what was durable; the same key is then decided, or answered, for good.
    let journal = house.shard.into_journal().reopen();
    let mut house = House::new(recovered(&journal), journal, 100);
    assert!(!house.ask(deposit(1, account, 100)).expect("committed").repeated);
}

#[test]
fn a_full_inbox_refuses_and_a_closed_one_drains() {
    let mut house = House::new(Engine::default(), MemoryJournal::new(), 2);
    let account = house.begin();
    let mut waiting = house.put(deposit(1, account, 1)).expect("room");
    house.put(deposit(2, account, 1)).expect("room");
    assert_eq!(house.put(deposit(3, account, 1)).err(), Some(Refused::InboxFull));
    house.inbox.close();
    assert_eq!(house.put(deposit(4, account, 1)).err(), Some(Refused::Draining));
    assert_eq!(house.step(), Progress::Closed);
    let _answered = waiting.try_recv().expect("what was in is answered").expect("committed");
}

#[test]
fn a_request_whose_deadline_has_passed_is_not_decided() {
    let mut house = House::new(Engine::default(), MemoryJournal::new(), 100);
    let account = house.begin();
    let last = house.status.last_lsn();
    let past = Timestamp::from_micros(999_999);
    let mut waiting = house.put_until(deposit(1, account, 100), Some(past)).expect("room");
    house.step();
    assert_eq!(waiting.try_recv().expect("answered"), Err(Refused::DeadlinePassed));
    assert_eq!(house.status.last_lsn(), last);
}

#[test]
fn time_rises_with_every_record_even_when_the_clock_stands() {
    let mut house = House::new(Engine::default(), MemoryJournal::new(), 100);
    let account = house.begin();
    let first = house.ask(deposit(1, account, 100)).expect("committed").record.at;
    let second = house.ask(deposit(2, account, 100)).expect("committed").record.at;
    assert!(second > first);
}

#[test]
fn recovery_gives_the_state_that_was() {
    let mut house = House::new(Engine::default(), MemoryJournal::new(), 100);
    let account = house.begin();
    for key in 0..20 {
        house.ask(deposit(key, account, 100)).expect("committed");
    }
    let digest = house.shard.engine().digest();
    let journal = house.shard.into_journal().reopen();
    assert_eq!(recovered(&journal).digest(), digest);
}

/// The engine that the journal's records lead to.
fn recovered(journal: &MemoryJournal) -> Engine {
    let mut recovery = Recovery::default();
    let mut reader = journal.reader(Lsn::new(1)).expect("readable");
    while let Some(record) = journal::Reader::read(&mut reader).expect("readable") {
        recovery.fold(record.lsn, record.bytes).expect("our own records");
    }
    recovery.finish()
}

/// Counts group commits, and can be told not to make progress.
#[derive(Debug, Default)]
struct CountingJournal {
    inner: MemoryJournal,
    polls: u32,
    stalled: bool,
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

    fn last_lsn(&self) -> Lsn {
        self.inner.last_lsn()
    }

    fn durable_lsn(&self) -> Lsn {
        self.inner.durable_lsn()
    }

    fn reader(&self, from: Lsn) -> Result<Self::Reader, Error> {
        self.inner.reader(from)
    }

    fn close(&mut self) -> Result<(), Error> {
        self.inner.close()
    }
}
