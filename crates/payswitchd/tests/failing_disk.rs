//! A disk that refuses an operation, at each of the next operations in turn, under a real daemon: nothing is told that is
//! not durable, nothing is written any more, reads go on, and a restart tells the truth.

mod support;

use std::{collections::BTreeMap, fs, io::ErrorKind, path::Path, time::Duration};

use client::{Client, Error, Options};
use journal::{
    Report,
    disk::{Fault, Loss, MemoryDisk},
};
use support::{
    Daemon,
    image::Image,
    lossy_disk::LossyDisk,
    parties::{SMALL_SEGMENTS, address, api_key, by_id, caller, decided, money, operator, payment},
};
use tempfile::TempDir;
use tokio::task::JoinSet;
use wire::v1;

/// So many of the last payments are asked for again after each start; in the end all are.
const LOOKED_BACK: usize = 30;
/// What a segment of the smallest size has for batches, about.
const SEGMENT_BYTES: u64 = 131_072 - 4_096;
/// With less room than this the next payment enters another segment, or the one after it does.
const LAST_BATCH_BYTES: u64 = 700;
/// A second fault stands so many operations behind the first.
const AGAIN_AFTER: u64 = 40;
/// Below a real file system one write in so many fails, until a commit meets one.
const ONE_WRITE_IN: u64 = 7;
const FAILED_WRITES_MAX: u64 = 100;
const REAL_FAILURES: u64 = 9;
/// Payments that are asked for together: a batch of them is written to several pages, of which the next one changes the last alone.
const TOGETHER: usize = 40;
/// So long a caller waits for a disk that stands still.
const HASTY: Duration = Duration::from_millis(500);
/// What nobody answered has no reason; the daemon answers a moment before the deadline, which may be in time.
const NOT_IN_TIME: [&str; 2] = ["", "DEADLINE_PASSED"];
/// By then a fault was met.
const PAYMENTS_MAX: usize = 2_000;

fn pay(number: usize) -> v1::AuthorizeRequest {
    payment(&format!("key-{number}"), &format!("order-{number}"), "hk-alice", money("CNY", 1))
}

fn start(data_dir: &Path) -> (Daemon, Client) {
    let daemon = Daemon::start(data_dir, &[], &[SMALL_SEGMENTS]);
    let key = client::sandbox::merchant_key("demo-cafe").expect("the sandbox has this merchant");
    let cafe = caller(&daemon.merchants, key);
    (daemon, cafe)
}

/// What was answered, by the number of its key.
#[derive(Debug, Default)]
struct Told {
    payments: BTreeMap<usize, v1::Payment>,
}

impl Told {
    /// Asks for as many payments at once of those that were not answered yet. Tells why the switch refused, or does not know.
    async fn pay(&mut self, cafe: &Client, together: usize) -> Result<(), String> {
        let mut asked = JoinSet::new();
        for number in (0..).filter(|number| !self.payments.contains_key(number)).take(together) {
            let cafe = cafe.clone();
            asked.spawn(async move { (number, cafe.authorize(pay(number)).await) });
        }
        let mut refused = Ok(());
        while let Some(answer) = asked.join_next().await {
            match answer.expect("asking does not panic") {
                (_, Err(Error::Refused(refusal))) => refused = refused.and(Err(refusal.reason)),
                // It says more than that all others are refused from then on.
                (_, Err(Error::Unanswered { reason, .. })) => refused = Err(reason),
                (number, reply) => drop(self.payments.insert(number, decided(reply))),
            }
        }
        refused
    }

    async fn pay_until_refused(&mut self, cafe: &Client, together: usize) -> String {
        self.pay_until_refused_on(cafe, together, &|| false).await
    }

    /// On a disk that may take no new file for good.
    async fn pay_until_refused_on(
        &mut self,
        cafe: &Client,
        together: usize,
        takes_no_file: &dyn Fn() -> bool,
    ) -> String {
        while self.payments.len() < PAYMENTS_MAX {
            match self.pay(cafe, together).await {
                Ok(()) => {}
                // A segment that cannot be made ahead of need is no failure: it is made a little later, or never.
                Err(reason) if reason == "DISK_FULL" && !takes_no_file() => tokio::task::yield_now().await,
                Err(reason) => return reason,
            }
        }
        panic!("no operation of a commit failed")
    }

    /// What was answered last is answered again; what was in doubt may now be there or not, and is decided for good.
    async fn check_last(&mut self, cafe: &Client, together: usize) {
        self.check(cafe, LOOKED_BACK).await;
        self.pay(cafe, together).await.expect("it works again");
    }

    async fn check(&self, cafe: &Client, back: usize) {
        for (number, payment) in self.payments.iter().rev().take(back) {
            assert_eq!(&decided(cafe.authorize(pay(*number)).await), payment, "key-{number}");
        }
    }

    /// The last daemon knows everything.
    async fn check_all(mut self, data_dir: &Path) {
        let (daemon, cafe) = start(data_dir);
        self.check_last(&cafe, 1).await;
        self.check(&cafe, usize::MAX).await;
        assert!(support::parties::stop(daemon).await.success());
    }

    /// The last of all can be read.
    async fn check_reads(&self, cafe: &Client) -> &v1::Payment {
        let last = self.payments.values().max_by_key(|payment| payment.lsn).expect("some were paid");
        let read = cafe.payment(by_id(&last.payment_id)).await.expect("reads go on").payment;
        assert_eq!(read.as_ref(), Some(last));
        last
    }

    /// From now on nothing is tried any more, and what is durable is read.
    async fn check_only_reads_go_on(&mut self, daemon: &Daemon, cafe: &Client) {
        self.check_only_reads(daemon, cafe, ("JOURNAL_FAILED", "failed")).await;
    }

    async fn check_only_reads(&mut self, daemon: &Daemon, cafe: &Client, (refused, state): (&str, &str)) {
        assert_eq!(self.pay(cafe, 1).await, Err(refused.to_owned()));
        let last = self.check_reads(cafe).await;
        let books = operator(&daemon.operators, client::sandbox::OPERATOR_KEY);
        let status = books.status().await.expect("the operator may ask");
        assert_eq!((status.state.as_str(), status.durable_lsn), (state, last.lsn));
    }
}

/// A daemon's journal on a disk of its own that can fail.
struct Place {
    directory: TempDir,
    lossy: LossyDisk,
    told: Told,
}

impl Place {
    fn mount() -> Option<Self> {
        let directory = tempfile::tempdir().expect("a place for the data");
        let journal = directory.path().join("journal");
        fs::create_dir(&journal).expect("a directory to mount on");
        Some(Self { lossy: LossyDisk::mount(&journal)?, directory, told: Told::default() })
    }

    /// One daemon that meets a failure soon, one that is started after it, and a power cut behind that.
    async fn fail(&mut self, prepare: impl AsyncFn(&MemoryDisk, &Client, &mut Told), after: u64, kind: ErrorKind) {
        let Self { directory, lossy: LossyDisk { disk, .. }, told } = self;
        let (daemon, cafe) = start(directory.path());
        told.check_last(&cafe, 1).await;
        prepare(disk, &cafe, told).await;
        // The first may meet a segment that is being made.
        for again in 0..2 {
            disk.inject(disk.operations() + again * AGAIN_AFTER + after, Fault::Error(kind));
        }
        assert_eq!(told.pay_until_refused(&cafe, 1).await, "UNCONFIRMED", "after {after}, {kind}");
        disk.heal();

        let segments = || disk.image().into_iter().filter(|(name, _)| name != "next.segment").collect::<Vec<_>>();
        let left_at = segments();
        told.check_only_reads_go_on(&daemon, &cafe).await;
        assert!(segments() == left_at, "a failed journal is left alone");
        daemon.kill();

        // The kernel goes on showing what it could not write. A daemon that believes it must make it so before it tells
        // anybody: the power goes next.
        disk.restart(Loss::Nothing);
        let (daemon, cafe) = start(directory.path());
        told.check_last(&cafe, 1).await;
        daemon.kill();
        disk.restart(Loss::Unsynced);
    }

    /// A last daemon knows everything, and the journal is whole.
    async fn end(self) -> Report {
        self.told.check_all(self.directory.path()).await;
        journal::verify(&self.lossy.disk).expect("it is whole")
    }
}

#[tokio::test]
async fn whatever_operation_of_a_commit_fails_nothing_told_is_lost() {
    let Some(mut place) = Place::mount() else { return };
    for after in 0..4 {
        for kind in [ErrorKind::Other, ErrorKind::StorageFull] {
            place.fail(async |_, _, _| {}, after, kind).await;
        }
    }
    assert!(place.end().await.torn.is_none());
}

/// Also when the failure comes while the next segment is entered: header, name and directory.
#[tokio::test]
async fn whatever_operation_of_a_new_segment_fails_nothing_told_is_lost() {
    let Some(mut place) = Place::mount() else { return };
    for after in 0..6 {
        let fill = async |disk: &MemoryDisk, cafe: &Client, told: &mut Told| {
            let room = |disk: &MemoryDisk| {
                let used = journal::verify(disk).expect("it is whole").bytes;
                SEGMENT_BYTES - used % SEGMENT_BYTES
            };
            while room(disk) > LAST_BATCH_BYTES {
                told.pay(cafe, 1).await.expect("nothing fails yet");
            }
        };
        place.fail(fill, after, ErrorKind::Other).await;
    }
    assert!(place.end().await.segments > 3);
}

/// Whoever waits for a disk that stands still is told in time that the outcome is not known; reads go on, and so does all the
/// rest once the disk does.
#[tokio::test]
async fn a_disk_that_stands_still_leaves_callers_in_doubt_and_loses_nothing() {
    let Some(Place { directory, lossy, mut told }) = Place::mount() else { return };
    for after in 0..4 {
        let (daemon, cafe) = start(directory.path());
        told.check_last(&cafe, 1).await;
        let key = client::sandbox::merchant_key("demo-cafe").expect("the sandbox has this merchant");
        let hasty = Options { call_timeout: HASTY, ..Options::default() };
        let hasty = Client::lazy(&address(&daemon.merchants), &api_key(key), hasty);

        let frozen = lossy.freeze_at(lossy.disk.operations() + after);
        for together in [TOGETHER, 1] {
            let reason = told.pay_until_refused(&hasty, together).await;
            assert!(NOT_IN_TIME.contains(&&*reason), "operation {after}: {reason}");
        }
        let last = told.check_reads(&hasty).await.lsn;
        let books = operator(&daemon.operators, client::sandbox::OPERATOR_KEY);
        let status = books.status().await.expect("the operator may ask");
        assert_eq!((status.state.as_str(), status.durable_lsn), ("serving", last));
        assert!(status.last_lsn > last, "what waits is decided");

        drop(frozen);
        told.pay(&cafe, TOGETHER).await.expect("the disk goes on");
        daemon.kill();
        lossy.disk.restart(Loss::Unsynced);
    }
    let place = Place { directory, lossy, told };
    assert!(place.end().await.torn.is_none());
}

/// A file system of the kernel goes on showing what it could not write, and its next sync finds nothing left to do. Or it gives
/// up, when it was its own journal, and is mounted again.
#[tokio::test]
async fn what_a_real_file_system_could_not_write_is_not_believed() {
    let Some(image) = Image::mount() else { return };
    let (data_dir, disk) = (image.data_dir(), image.disk());
    let mut told = Told::default();
    for failure in 0..REAL_FAILURES {
        let (daemon, cafe) = start(&data_dir);
        told.check_last(&cafe, TOGETHER).await;
        let gives_up = failure % 3 == 2;
        if gives_up {
            image.give_up();
        } else {
            let next = disk.operations() + failure;
            for write in 0..FAILED_WRITES_MAX {
                disk.inject(next + write * ONE_WRITE_IN, Fault::Error(ErrorKind::Other));
            }
        }
        // What has given up may be noticed by who makes the next segment, before anything is tried of a payment.
        let takes_no_file = || image.is_read_only().is_ok_and(|given_up| given_up);
        let refused = told.pay_until_refused_on(&cafe, TOGETHER, &takes_no_file).await;
        disk.heal();
        match &*refused {
            "UNCONFIRMED" => told.check_only_reads_go_on(&daemon, &cafe).await,
            "DISK_FULL" => told.check_only_reads(&daemon, &cafe, ("DISK_FULL", "full")).await,
            reason => panic!("failure {failure}: {reason}"),
        }
        daemon.kill();
        if image.is_read_only().expect("it works or has given up") {
            image.restart(Loss::Nothing);
        } else {
            assert!(!gives_up, "it has given up");
        }
        // Where it goes on, this one is shown what is not on the disk, and the power goes next.
        let (daemon, cafe) = start(&data_dir);
        told.check_last(&cafe, TOGETHER).await;
        daemon.kill();
        image.restart(Loss::Unsynced);
    }
    told.check_all(&data_dir).await;
}
