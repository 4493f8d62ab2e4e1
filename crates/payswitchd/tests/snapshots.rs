//! A daemon that begins from a snapshot, with an index of what is old: nobody can tell, but by the time it takes.

mod support;

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use support::{
    Daemon,
    moves::{capture, captured, held, refund, refunded},
    parties::{End, SMALL_SEGMENTS, Sandbox, by_id, caller, decided, money, payment, sums},
};
use tempfile::TempDir;
use wire::v1::{self, DeclineReason, PaymentState};

/// Snapshots and forgetting within a test's reach.
const OFTEN: [(&str, &str); 2] =
    [("PAYSWITCHD__SNAPSHOTS__EVERY_RECORDS", "40"), ("PAYSWITCHD__PROJECTIONS__HOT_RECORDS", "10")];
const PAYMENTS: usize = 60;
const KILLS_WHILE_MADE_AGAIN: usize = 6;

fn yuan(minor_units: i64) -> v1::Money {
    money("CNY", minor_units)
}

/// A payment of long ago, and a hold, with so many payments behind them that there is a snapshot above both.
struct Ledger {
    sandbox: Box<Sandbox>,
    first: Box<v1::Payment>,
    hold: Box<v1::Payment>,
}

impl Ledger {
    async fn with_a_snapshot() -> Self {
        let mut ledger = Box::pin(Self::in_sandbox(Sandbox::with(&OFTEN))).await;
        ledger.pay("some").await;
        ledger.sandbox.daemon.logged("made a snapshot").await;
        ledger
    }

    async fn in_sandbox(sandbox: Sandbox) -> Self {
        let first = decided(sandbox.cafe.authorize(payment("first", "order-first", "hk-alice", yuan(10_000))).await);
        let hold = decided(sandbox.cafe.authorize(held("hold", "order-hold", "hk-alice", yuan(5_000))).await);
        Self { sandbox: Box::new(sandbox), first: Box::new(first), hold: Box::new(hold) }
    }

    async fn pay(&mut self, name: &str) {
        for number in 0..PAYMENTS {
            let (key, order) = (format!("{name}-{number}"), format!("order-{name}-{number}"));
            let paid = decided(self.sandbox.cafe.authorize(payment(&key, &order, "hk-alice", yuan(100))).await);
            assert_eq!(paid.state(), PaymentState::Captured);
        }
    }

    /// Everything that can be read, as text.
    async fn seen(&self) -> String {
        let (first, hold) = (self.get(&self.first).await, self.get(&self.hold).await);
        let postings = self.sandbox.postings("hk-alice").await;
        let list = v1::PaymentServiceListRequest { page_size: 500, ..Default::default() };
        let listed = self.sandbox.cafe.list_payments(list).await.expect("a merchant may list").payments;
        let status = self.sandbox.status().await;
        let counts = (status.payments_captured, status.payments_held, status.payments_declined);
        format!("{first:?} {hold:?} {postings:?} {listed:?} {:?} {counts:?}", status.trial_balance)
    }

    async fn get(&self, of: &v1::Payment) -> v1::Payment {
        let reply = self.sandbox.cafe.payment(by_id(&of.payment_id)).await;
        reply.expect("the payment is there").payment.expect("a reply has its payment")
    }

    async fn restart(self, end: End) -> Self {
        let restarting = Box::pin(self.sandbox.restart(end));
        Self { sandbox: Box::new(restarting.await), ..self }
    }

    /// The payment of long ago can be asked for, repeated, paid for once, and given back; the hold can be captured.
    async fn check_lives(&self) {
        let again = payment("first", "order-first", "hk-alice", yuan(10_000));
        assert_eq!(decided(self.sandbox.cafe.authorize(again).await), *self.first, "a repeat gets the first answer");
        let same_order = payment("other", "order-first", "hk-alice", yuan(10_000));
        let declined = decided(self.sandbox.cafe.authorize(same_order).await);
        assert_eq!(declined.decline_reason(), DeclineReason::OrderAlreadyPaid);
        let back = refund("back", &self.first.payment_id, yuan(10_000));
        let (_, after) = refunded(self.sandbox.cafe.refund(back).await);
        assert_eq!(after.state(), PaymentState::Refunded);
        let taken = captured(self.sandbox.cafe.capture(capture("take", &self.hold.payment_id, yuan(5_000))).await);
        assert_eq!(taken.state(), PaymentState::Captured);
        assert!(sums(&self.sandbox.status().await).values().all(|sum| *sum == 0));
    }

    fn data_dir(&self) -> &Path {
        self.sandbox.data_dir.path()
    }
}

#[tokio::test]
async fn a_start_from_a_snapshot_is_a_start_from_the_first_record() {
    for end in [End::Killed, End::Asked] {
        let ledger = Ledger::with_a_snapshot().await;
        let (seen, records) = (ledger.seen().await, ledger.sandbox.status().await.durable_lsn);
        let ledger = ledger.restart(end).await;
        assert_eq!(ledger.seen().await, seen);
        let recovered = ledger.sandbox.status().await.recovered_records;
        assert!(recovered < records - 40, "{recovered} of {records} were read");
        ledger.check_lives().await;
    }
}

#[tokio::test]
async fn what_was_forgotten_is_as_it_was_without_a_restart() {
    Ledger::with_a_snapshot().await.check_lives().await;
}

#[tokio::test]
async fn a_snapshot_that_is_damaged_is_passed_over() {
    let mut ledger = Ledger::with_a_snapshot().await;
    ledger.pay("more").await;
    ledger.sandbox.daemon.logged("made a snapshot").await;
    let seen = ledger.seen().await;
    let newest = newest_snapshot(ledger.data_dir());
    let mut bytes = fs::read(&newest).expect("the snapshot");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&newest, bytes).expect("the snapshot");
    let ledger = ledger.restart(End::Killed).await;
    ledger.sandbox.daemon.logged("a snapshot cannot be used").await;
    assert_eq!(ledger.seen().await, seen);
    ledger.check_lives().await;
}

#[tokio::test]
async fn an_index_that_is_lost_or_damaged_is_made_again() {
    let ledger = Ledger::with_a_snapshot().await;
    let seen = ledger.seen().await;
    let index = ledger.data_dir().join("index");
    fs::remove_dir_all(&index).expect("the index");
    let ledger = ledger.restart(End::Killed).await;
    assert_eq!(ledger.seen().await, seen);

    for file in files_below(&index) {
        let length = fs::metadata(&file).expect("a file").len();
        fs::write(&file, vec![0xa5; usize::try_from(length).expect("small")]).expect("a file");
    }
    let ledger = ledger.restart(End::Killed).await;
    ledger.sandbox.daemon.logged("the index is of no use").await;
    assert_eq!(ledger.seen().await, seen);
    ledger.check_lives().await;
}

#[tokio::test]
async fn old_segments_are_archived_and_nothing_is_missed() {
    let archive = TempDir::new().expect("a temporary directory");
    // Settings of a test's own live as long as its process.
    let path: &'static str = archive.path().to_str().expect("the path is text").to_owned().leak();
    let sandbox = Sandbox::with(&[&OFTEN[..], &[("PAYSWITCHD__ARCHIVE__DIRECTORY", path)]].concat());
    let mut ledger = Box::pin(Ledger::in_sandbox(sandbox)).await;
    for round in 0..12 {
        ledger.pay(&format!("round-{round}")).await;
    }
    let line = ledger.sandbox.daemon.logged("archived segments").await;
    assert!(line.contains("segments=1 first_lsn=1 last_lsn="), "{line}");
    let first_segment = ledger.data_dir().join("journal/00000000000000000001.segment");
    assert!(!first_segment.exists(), "what was archived has left the journal");
    let seen = ledger.seen().await;
    let ledger = ledger.restart(End::Killed).await;
    assert_eq!(ledger.seen().await, seen);
    ledger.check_lives().await;

    // Archive and journal together are the whole ledger, and every record is what the engine decides.
    let whole = TempDir::new().expect("a temporary directory");
    let whole = whole.path().join("whole");
    let data_dir = ledger.data_dir();
    run(Command::new(support::payctl())
        .args(["journal", "restore"])
        .arg(path)
        .arg(&whole)
        .arg("--journal")
        .arg(data_dir));
    run(Command::new(support::payctl()).args(["journal", "audit"]).arg(&whole));

    // An index that is damaged cannot be made again from what is left: it stays, and the start says so.
    let Sandbox { daemon, data_dir, .. } = *ledger.sandbox;
    daemon.kill();
    let index = data_dir.path().join("index");
    let refused = |words: &str| {
        let (exit, said) = support::refusal(data_dir.path(), &[], &[]);
        assert_eq!(exit, 4, "{said}");
        assert!(said.contains(words), "{said}");
    };
    let version = fs::read(index.join("version")).expect("the store tells its version");
    fs::write(index.join("version"), b"other").expect("the index");
    refused("archive and journal as one journal");
    fs::write(index.join("version"), version).expect("nothing was removed");
    fs::rename(&index, data_dir.path().join("aside")).expect("the index");
    refused("restore them from the archive first");

    // With the whole journal in its place it is made again, beside snapshots that it has not come to yet. What is archived
    // meanwhile is never more than a start can do without: it may be killed at any moment.
    fs::remove_dir_all(&index).expect("the index");
    fs::remove_dir_all(data_dir.path().join("journal")).expect("the journal");
    fs::rename(whole.join("journal"), data_dir.path().join("journal")).expect("the whole");
    Box::pin(killed_while_made_again(data_dir.path(), path, &ledger.first)).await;
}

async fn killed_while_made_again(data_dir: &Path, archive: &'static str, first: &v1::Payment) {
    let environment = [
        &OFTEN[..],
        &[SMALL_SEGMENTS, ("PAYSWITCHD__ARCHIVE__DIRECTORY", archive), ("PAYSWITCHD__ARCHIVE__KEEP_BYTES", "1")],
    ]
    .concat();
    for round in 0..KILLS_WHILE_MADE_AGAIN {
        let daemon = Daemon::start(data_dir, &[], &environment);
        let cafe = caller(&daemon.merchants, client::sandbox::merchant_key("demo-cafe").expect("it has a key"));
        let again = payment("first", "order-first", "hk-alice", yuan(10_000));
        assert_eq!(decided(cafe.authorize(again).await), *first);
        for number in 0..2 * PAYMENTS {
            let name = format!("again-{round}-{number}");
            decided(cafe.authorize(payment(&name, &name, "hk-alice", yuan(100))).await);
        }
        // Sometimes at once, sometimes when segments were archived behind a snapshot.
        if round % 2 == 1 {
            daemon.logged("made a snapshot").await;
        }
        daemon.kill();
    }
}

/// What cannot be used is no snapshot to fall back on: the good one before it stays, with the journal it needs.
#[tokio::test]
async fn a_damaged_snapshot_takes_no_other_s_place() {
    let mut ledger = Ledger::with_a_snapshot().await;
    ledger.pay("more").await;
    ledger.sandbox.daemon.logged("made a snapshot").await;
    let good = snapshots(ledger.data_dir());
    let damaged = good.last().expect("a snapshot").clone();
    fs::write(&damaged, "no snapshot").expect("the snapshot");
    fs::write(damaged.with_file_name("00000000000000099999.snapshot"), "none either").expect("a file is made");
    let mut ledger = ledger.restart(End::Killed).await;
    ledger.sandbox.daemon.logged("a snapshot cannot be used").await;
    ledger.pay("behind").await;
    ledger.sandbox.daemon.logged("made a snapshot").await;
    let now = snapshots(ledger.data_dir());
    let is_whole = |path: &PathBuf| fs::read(path).is_ok_and(|bytes| !bytes.starts_with(b"no"));
    assert!(now.iter().all(is_whole) && now.len() == 2, "{now:?}");
    // The newest is lost too: the one before it will do.
    fs::write(now.last().expect("a snapshot"), "no snapshot").expect("the snapshot");
    let seen = ledger.seen().await;
    let ledger = ledger.restart(End::Killed).await;
    assert_eq!(ledger.seen().await, seen);
    ledger.check_lives().await;
}

fn run(command: &mut Command) {
    let output = command.output().expect("payctl");
    assert!(output.status.success(), "{command:?}: {output:?}");
}

fn newest_snapshot(data_dir: &Path) -> PathBuf {
    snapshots(data_dir).pop().expect("a snapshot")
}

/// Oldest first.
fn snapshots(data_dir: &Path) -> Vec<PathBuf> {
    let mut files = files_below(&data_dir.join("snapshots"));
    files.retain(|path| !path.ends_with("next.snapshot"));
    files.sort();
    files
}

fn files_below(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).expect("a directory").map(|entry| entry.expect("an entry").path());
    entries.flat_map(|path| if path.is_dir() { files_below(&path) } else { vec![path] }).collect()
}
