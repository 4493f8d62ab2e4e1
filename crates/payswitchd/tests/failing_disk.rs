//! A disk that refuses an operation, at each of the next operations in turn, under a real daemon: nothing is told that is
//! not durable, nothing is written any more, reads go on, and a restart tells the truth.

mod support;

use std::{fs, io::ErrorKind, path::Path};

use client::{Client, Error};
use journal::{
    Report,
    disk::{Fault, Loss, MemoryDisk},
};
use support::{
    Daemon,
    lossy_disk::LossyDisk,
    parties::{SMALL_SEGMENTS, by_id, caller, decided, money, operator, payment},
};
use tempfile::TempDir;
use wire::v1;

/// So many of the last payments are asked for again after each start; in the end all are.
const LOOKED_BACK: usize = 30;
/// What a segment of the smallest size has for batches, about.
const SEGMENT_BYTES: u64 = 131_072 - 4_096;
/// With less room than this the next payment enters another segment, or the one after it does.
const LAST_BATCH_BYTES: u64 = 700;
/// A second fault stands so many operations behind the first.
const AGAIN_AFTER: u64 = 40;
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

/// Pays until the switch refuses or does not know, and tells why. A segment that cannot be made ahead of need is no
/// failure: it is made a little later.
async fn pay_until_refused(cafe: &Client, paid: &mut Vec<v1::Payment>) -> String {
    while paid.len() < PAYMENTS_MAX {
        match cafe.authorize(pay(paid.len())).await {
            Err(Error::Refused(refusal)) if refusal.reason == "DISK_FULL" => tokio::task::yield_now().await,
            Err(Error::Refused(refusal)) => return refusal.reason,
            Err(Error::Unanswered { reason, .. }) => return reason,
            reply => paid.push(decided(reply)),
        }
    }
    panic!("no operation of a commit failed")
}

/// What was answered last is answered again; what was in doubt may now be there or not, and is decided for good.
async fn check_what_was_told(cafe: &Client, paid: &mut Vec<v1::Payment>) {
    for (number, payment) in paid.iter().enumerate().rev().take(LOOKED_BACK) {
        assert_eq!(&decided(cafe.authorize(pay(number)).await), payment, "key-{number}");
    }
    paid.push(decided(cafe.authorize(pay(paid.len())).await));
}

/// A daemon's journal on a disk of its own that can fail.
struct Place {
    directory: TempDir,
    lossy: LossyDisk,
    paid: Vec<v1::Payment>,
}

impl Place {
    fn mount() -> Option<Self> {
        let directory = tempfile::tempdir().expect("a place for the data");
        let journal = directory.path().join("journal");
        fs::create_dir(&journal).expect("a directory to mount on");
        Some(Self { lossy: LossyDisk::mount(&journal)?, directory, paid: Vec::new() })
    }

    /// One daemon that meets a failure soon, one that is started after it, and a power cut behind that.
    async fn fail(
        &mut self,
        prepare: impl AsyncFn(&MemoryDisk, &Client, &mut Vec<v1::Payment>),
        after: u64,
        kind: ErrorKind,
    ) {
        let Self { directory, lossy: LossyDisk { disk, .. }, paid } = self;
        let (daemon, cafe) = start(directory.path());
        check_what_was_told(&cafe, paid).await;
        prepare(disk, &cafe, paid).await;
        // The first may meet a segment that is being made.
        for again in 0..2 {
            disk.inject(disk.operations() + again * AGAIN_AFTER + after, Fault::Error(kind));
        }
        assert_eq!(pay_until_refused(&cafe, paid).await, "UNCONFIRMED", "after {after}, {kind}");
        disk.heal();

        // From now on nothing is tried any more, and what is durable is read.
        let segments = || disk.image().into_iter().filter(|(name, _)| name != "next.segment").collect::<Vec<_>>();
        let left_at = segments();
        assert_eq!(pay_until_refused(&cafe, paid).await, "JOURNAL_FAILED");
        let last = paid.last().expect("some were paid");
        let read = cafe.payment(by_id(&last.payment_id)).await.expect("reads go on").payment;
        assert_eq!(read.as_ref(), Some(last));
        let books = operator(&daemon.operators, client::sandbox::OPERATOR_KEY);
        let status = books.status().await.expect("the operator may ask");
        assert_eq!((status.state.as_str(), status.durable_lsn), ("failed", last.lsn));
        assert!(segments() == left_at, "a failed journal is left alone");
        daemon.kill();

        // The kernel goes on showing what it could not write. A daemon that believes it must make it so before it tells
        // anybody: the power goes next.
        disk.restart(Loss::Nothing);
        let (daemon, cafe) = start(directory.path());
        check_what_was_told(&cafe, paid).await;
        daemon.kill();
        disk.restart(Loss::Unsynced);
    }

    /// A last daemon knows everything, and the journal is whole.
    async fn end(mut self) -> Report {
        let (daemon, cafe) = start(self.directory.path());
        let told = self.paid.clone();
        check_what_was_told(&cafe, &mut self.paid).await;
        for (number, payment) in told.iter().enumerate() {
            assert_eq!(&decided(cafe.authorize(pay(number)).await), payment, "key-{number}");
        }
        assert!(support::parties::stop(daemon).await.success());
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
        let fill = async |disk: &MemoryDisk, cafe: &Client, paid: &mut Vec<v1::Payment>| {
            let room = |disk: &MemoryDisk| {
                let used = journal::verify(disk).expect("it is whole").bytes;
                SEGMENT_BYTES - used % SEGMENT_BYTES
            };
            while room(disk) > LAST_BATCH_BYTES {
                paid.push(decided(cafe.authorize(pay(paid.len())).await));
            }
        };
        place.fail(fill, after, ErrorKind::Other).await;
    }
    assert!(place.end().await.segments > 3);
}
