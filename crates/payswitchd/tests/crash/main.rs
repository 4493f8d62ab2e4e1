//! Real daemons, ended at random moments while clients pay: asked to stop, killed, or killed on a disk that loses power.
//!
//! Eight clients authorize, capture, void, increase, refund and top up without a pause, each with its own idempotency keys
//! and order ids, and repeat a key until they have a definite answer. The daemon is killed (SIGKILL) after a random number of further answers, or while it starts,
//! and is started again on the same data. In the end every answer that was ever given must still be the truth.
//!
//! With a power cut goes what was not synced, or a random half of it: the whole ledger is on a file system in user space over
//! the disk that the simulator uses. The cut is at the moment of the kill, or at one of the next operations of the disk.
//! Or the whole ledger is on ext4, and ext4 is on an image on that disk, so that a real file system loses power too.
//!
//! `PAYSWITCH_CRASH_KILLS=1000 cargo test --release -p payswitchd --test crash -- --nocapture` makes it 1,000 kills
//! instead of 100, and as many power cuts and restarts; `PAYSWITCH_CRASH_SEED` chooses another course. What the seed cannot fix is the
//! operating system's share: how far the daemon had got with a request when it was killed.

mod audit;
mod caller;
#[path = "../support/mod.rs"]
mod support;

use std::{
    collections::BTreeMap,
    fs,
    path::Path,
    process::{Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use journal::disk::{DirectoryDisk, Disk, Fault, Loss, MemoryDisk};
use tokio::{sync::watch, task::JoinSet};

use crate::{
    audit::audit,
    caller::{Answered, CALL_KINDS, Caller},
    support::{Daemon, image::Image, lossy_disk::LossyDisk, random::Random, setting, verify_journal},
};

const CLIENTS: u64 = 8;
const KILLS: u64 = 100;
const RESTARTS: u64 = 25;
/// The daemon is killed after at most this many further answers.
const ANSWERS_BEFORE_KILL_MAX: u64 = 300;
/// An early kill comes after at most this many looks at the lock file of a daemon that recovers.
const LOOKS_BEFORE_KILL_MAX: u64 = 20_000;
/// The power is cut at one of so many next operations of the disk.
const OPERATIONS_BEFORE_CUT_MAX: u64 = 30;
/// Small segments, so that a run enters several.
const SEGMENT_BYTES: &str = "131072";
/// And snapshots and forgetting, so that a run is ended in the middle of them and begins from them.
const ENVIRONMENT: [(&str, &str); 3] = [
    ("PAYSWITCHD__JOURNAL__SEGMENT_BYTES", SEGMENT_BYTES),
    ("PAYSWITCHD__SNAPSHOTS__EVERY_RECORDS", "150"),
    ("PAYSWITCHD__PROJECTIONS__HOT_RECORDS", "100"),
];
/// Longer than any start on a busy machine.
const DAEMON_WAIT: Duration = Duration::from_secs(120);
/// A daemon that refuses one request this often will never take it.
const REFUSALS_MAX: u64 = 100;

/// Payer, its currency, and who can be paid in a currency it has a rate for.
const PAYERS: [(&str, &str, &[&str]); 4] = [
    ("hk-alice", "HKD", &["demo-cafe", "hk-books"]),
    ("hk-bob", "HKD", &["demo-cafe", "hk-books"]),
    ("cn-chen", "CNY", &["demo-cafe", "hk-books"]),
    ("us-dana", "USD", &["demo-cafe"]),
];
/// These are topped up while they pay; the others run dry and are declined.
const TOPPED_UP: [&str; 2] = ["hk-alice", "cn-chen"];

#[test]
fn every_answer_outlives_every_kill() {
    let directory = tempfile::tempdir().expect("a place for the data");
    tell("kills", KILLS, directory.path(), How::Killed);
}

/// A rolling restart: whoever repeats what it was not answered sees no more of it.
#[test]
fn every_answer_outlives_every_restart() {
    let directory = tempfile::tempdir().expect("a place for the data");
    tell("restarts", RESTARTS, directory.path(), How::Asked);
}

#[test]
fn every_answer_outlives_every_power_cut() {
    let directory = tempfile::tempdir().expect("a place for the data");
    let Some(disk) = LossyDisk::mount(directory.path()) else { return };
    tell("power cuts", KILLS, &directory.path().join("ledger"), How::LosesPower(&disk));
}

#[test]
fn every_answer_outlives_every_power_cut_below_a_real_file_system() {
    let Some(image) = Image::mount() else { return };
    tell("power cuts below ext4", KILLS, &image.data_dir(), How::LosesPowerBelow(&image));
}

/// How a daemon ends.
#[derive(Clone, Copy)]
enum How<'a> {
    /// SIGKILL, and nothing else is lost.
    Killed,
    /// SIGKILL, and the disk loses what was not synced.
    LosesPower(&'a LossyDisk),
    /// The same, below a file system of the kernel, which then finds its own way back.
    LosesPowerBelow(&'a Image),
    /// SIGTERM: it answers what it has begun.
    Asked,
}

fn tell(what: &str, kills: u64, data_dir: &Path, how: How<'_>) {
    let (kills, seed) = (setting("PAYSWITCH_CRASH_KILLS", kills), setting("PAYSWITCH_CRASH_SEED", 1));
    println!("PAYSWITCH_CRASH_SEED={seed} PAYSWITCH_CRASH_KILLS={kills}, {what}");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(run(what, kills, seed, data_dir, how));
}

async fn run(what: &str, kills: u64, seed: u64, data_dir: &Path, how: How<'_>) {
    let begun = Instant::now();
    let mut daemon = Daemon::start(data_dir, &[], &ENVIRONMENT);
    let site = watch::Sender::new(Site { generation: 0, address: daemon.merchants.clone(), closing: false });
    let tally = Arc::new(Tally::default());
    let mut clients = JoinSet::new();
    for number in 0..CLIENTS {
        clients.spawn(Caller::new(number, seed, site.subscribe(), Arc::clone(&tally)).call_until_closing());
    }

    let mut killer = Killer { random: Random(seed), data_dir, how, kills: 0, early: 0, cut_tails: 0, cuts_at_work: 0 };
    while killer.kills < kills {
        let answers = killer.random.below(ANSWERS_BEFORE_KILL_MAX);
        let enough = tally.answers.borrow().saturating_add(answers);
        let mut answers = tally.answers.subscribe();
        tokio::select! {
            waited = answers.wait_for(|answers| *answers >= enough) => drop(waited.expect("the tally outlives the run")),
            ended = clients.join_next() => panic!("a client gave up: {ended:?}"),
        }
        tokio::select! {
            () = killer.cut_the_power() => {}
            ended = clients.join_next() => panic!("a client gave up: {ended:?}"),
        }
        killer.end(daemon).await;
        daemon = Daemon::start(data_dir, &[], &ENVIRONMENT);
        site.send_modify(|site| site.move_to(&daemon.merchants));
    }
    site.send_modify(|site| {
        site.move_to(&daemon.merchants);
        site.closing = true;
    });
    let answered: Vec<Answered> = clients.join_all().await.into_iter().flatten().collect();

    audit(&daemon, &answered).await;
    stop(daemon).await;
    let records = verify_journal(data_dir);
    assert!(has_snapshot(data_dir), "snapshots were made, and with them the index was persisted");
    sum_up(what, &killer, &tally, &answered, records, begun);
    assert!(answered.len() as u64 >= kills, "the run did some work between the kills");
}

/// Asks it to stop, on another thread, so that the connections of this one can end meanwhile.
async fn stop(daemon: Daemon) {
    let stopped = tokio::task::spawn_blocking(|| daemon.stop()).await.expect("stopping does not panic");
    assert!(stopped.success(), "a daemon that was asked to stop ends well");
}

/// Tells how it went, and leaves the counts.
fn sum_up(what: &str, killer: &Killer<'_>, tally: &Tally, answered: &[Answered], records: u64, begun: Instant) {
    let load = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
    println!(
        "kills {} ({} while starting, {} by a power cut at work), acknowledgements {} for {} keys, retries {}, refusals {}, cut tails {}, \
         records {records}",
        killer.kills,
        killer.early,
        killer.cuts_at_work,
        *tally.answers.borrow(),
        answered.len(),
        load(&tally.retries),
        load(&tally.refusals),
        killer.cut_tails,
    );
    let mut kinds: BTreeMap<&str, u64> = BTreeMap::new();
    answered.iter().for_each(|answered| *kinds.entry(answered.call.name()).or_default() += 1);
    println!("{kinds:?}");
    assert_eq!(kinds.len(), CALL_KINDS, "each kind of call was made: {kinds:?}");
    let counts = [
        (what, killer.kills),
        ("while starting", killer.early),
        ("at work of the disk", killer.cuts_at_work),
        ("answers", *tally.answers.borrow()),
        ("keys", answered.len() as u64),
        ("torn tails", killer.cut_tails),
        ("answers that changed", 0),
    ];
    simulator::proofs::leave(what, &counts, begun.elapsed()).expect("the counts are left");
}

/// Where the daemon of the moment is.
#[derive(Clone, Debug)]
struct Site {
    generation: u64,
    address: String,
    closing: bool,
}

impl Site {
    fn move_to(&mut self, address: &str) {
        self.generation += 1;
        address.clone_into(&mut self.address);
    }
}

#[derive(Debug)]
struct Tally {
    /// Definite answers, repeats included.
    answers: watch::Sender<u64>,
    retries: AtomicU64,
    refusals: AtomicU64,
}

impl Default for Tally {
    fn default() -> Self {
        Self { answers: watch::Sender::new(0), retries: AtomicU64::new(0), refusals: AtomicU64::new(0) }
    }
}

struct Killer<'a> {
    random: Random,
    data_dir: &'a Path,
    how: How<'a>,
    cuts_at_work: u64,
    kills: u64,
    early: u64,
    cut_tails: u64,
}

impl How<'_> {
    /// The disk that loses power, if there is one.
    fn disk(&self) -> Option<&MemoryDisk> {
        match self {
            Self::LosesPower(LossyDisk { disk, .. }) => Some(disk),
            Self::LosesPowerBelow(image) => Some(image.disk()),
            Self::Killed | Self::Asked => None,
        }
    }
}

impl Killer<'_> {
    /// Half of the power cuts come at one of the next operations of the disk, and then the daemon is there to see it.
    async fn cut_the_power(&mut self) {
        let Some(disk) = self.how.disk() else { return };
        if self.random.one_in(2) {
            return;
        }
        disk.inject(disk.operations() + self.random.below(OPERATIONS_BEFORE_CUT_MAX), Fault::PowerCut);
        self.cuts_at_work += 1;
        while disk.list().is_ok() {
            tokio::task::yield_now().await;
        }
    }

    /// Ends it as it shall end, and perhaps some more that are not ready yet.
    async fn end(&mut self, daemon: Daemon) {
        match self.how {
            How::Asked => {
                stop(daemon).await;
                self.kills += 1;
                verify_journal(self.data_dir);
            }
            How::Killed | How::LosesPower(_) | How::LosesPowerBelow(_) => {
                daemon.kill();
                self.killed();
                while self.random.one_in(4) {
                    self.kill_early();
                }
            }
        }
    }

    /// What is left is whole, but for a torn tail at most.
    fn killed(&mut self) {
        self.kills += 1;
        if let Some(disk) = self.how.disk() {
            let loss = match self.random.below(3) {
                0 => Loss::Unsynced,
                _ => Loss::Torn { seed: self.random.next() },
            };
            match self.how {
                How::LosesPowerBelow(image) => image.restart(loss),
                How::LosesPower(_) | How::Killed | How::Asked => disk.restart(loss),
            }
        }
        let report = journal::verify(&DirectoryDisk::new(self.data_dir.join("journal")));
        let report = report.expect("a kill damages nothing");
        self.cut_tails += u64::from(report.torn.is_some());
    }

    /// Starts a daemon and kills it before anybody can reach it: at once, or somewhere in its recovery.
    fn kill_early(&mut self) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_payswitchd"));
        for flag in ["--listen", "--admin-listen", "--metrics-listen"] {
            command.args([flag, "127.0.0.1:0"]);
        }
        command.arg("--data-dir").arg(self.data_dir).envs(ENVIRONMENT);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let mut child = command.spawn().expect("cannot start payswitchd");
        if !self.random.one_in(4) {
            let owner = format!("process {}", child.id());
            let locked = || fs::read_to_string(self.data_dir.join("LOCK")).is_ok_and(|text| text.trim() == owner);
            while !locked() && child.try_wait().expect("cannot look after payswitchd").is_none() {
                thread::yield_now();
            }
            let looks = self.random.below(LOOKS_BEFORE_KILL_MAX);
            assert!((0..looks).all(|_| locked()), "a daemon that has the directory keeps it");
        }
        child.kill().expect("cannot kill payswitchd");
        let status = child.wait().expect("cannot wait for payswitchd");
        assert_eq!(status.code(), None, "it was killed and did not end by itself");
        self.early += 1;
        self.killed();
    }
}

/// Whether there is one that counts.
fn has_snapshot(data_dir: &Path) -> bool {
    let names = DirectoryDisk::new(data_dir.join("snapshots")).list().expect("a daemon made the directory");
    names.iter().any(|name| name.ends_with(".snapshot") && !name.starts_with("next"))
}
