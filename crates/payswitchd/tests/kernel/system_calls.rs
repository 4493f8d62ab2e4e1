//! System calls of the shard's thread fail, once, at one of the next commits or segments: nothing is told that is not
//! durable, nothing is written any more, reads go on, and a restart tells the truth. What only interrupts a call, or
//! does a part of it, fails nothing.
//!
//! `PAYSWITCH_SYSTEM_CALLS=50` lets each fail at each of the first 50 calls instead of the first few.

use std::{collections::BTreeMap, fs, os::unix::process::ExitStatusExt, path::Path, time::Instant};

use client::Code;
use tempfile::TempDir;

use crate::{
    payers::{Told, asked, start},
    support::{
        lossy_disk::LossyDisk,
        pages::get,
        parties::{by_id, decided, ended, operator, refused, stop},
        setting,
        strace::Strace,
    },
};

const HOW_MANY: &str = "PAYSWITCH_SYSTEM_CALLS";
/// By then a fault was met: enough for some segments.
const TIMES_MAX: usize = 2_000;
/// Enough for each of those who ask to be in several batches.
const TIMES_FEW: usize = 20;

/// Of a commit: calls, what goes wrong, and at how many of the first ones it is tried.
const COMMITS: [(&str, &str, u64); 5] = [
    ("fdatasync", "error=EIO", 4),
    ("fdatasync", "error=ENOSPC", 2),
    ("pwrite64", "error=EIO", 2),
    ("pwrite64", "error=ENOSPC", 2),
    // The kernel took nothing of it, and says so.
    ("pwrite64", "retval=0", 1),
];

/// Of entering a segment: its name, and the directory it stands in.
const SEGMENTS: [(&str, &str, u64); 2] = [("/^rename", "error=EIO", 1), ("fsync", "error=EIO", 1)];

fn data_dir() -> TempDir {
    tempfile::tempdir().expect("a place for the data")
}

/// The segments that count.
fn segments(data_dir: &Path) -> BTreeMap<String, Vec<u8>> {
    let entries = fs::read_dir(data_dir.join("journal")).expect("the journal is a directory");
    let named = entries.map(|entry| entry.expect("an entry")).filter(|entry| entry.file_name() != "next.segment");
    named
        .map(|entry| (entry.path().display().to_string(), fs::read(entry.path()).expect("a segment is read")))
        .collect()
}

/// One daemon that meets the fault, and another that must know all that was told. False where it cannot be tried.
async fn fail(data_dir: &Path, told: &mut Told, calls: &str, fault: &str) -> bool {
    let (daemon, cafe) = start(data_dir);
    told.check_last(&cafe).await;
    let Some(strace) = Strace::attach(&daemon, "shard", calls, fault) else { return false };
    let ended = told.ask(&daemon, TIMES_MAX).await;
    assert_eq!(strace.detach(), 1, "{calls} {fault}");
    assert!(ended.unconfirmed > 0 && ended.cut_off == 0, "whoever asked for this batch is told that nobody knows");

    // Nothing of the batch was told, and nothing new is taken: this can be seen everywhere.
    let left_at = segments(data_dir);
    let last = told.payments.last().map(|(_, payment)| payment.clone()).expect("some were paid");
    let books = operator(&daemon.operators, client::sandbox::OPERATOR_KEY);
    let status = books.status().await.expect("the operator may ask");
    assert_eq!((status.state.as_str(), status.durable_lsn), ("failed", last.lsn), "{calls} {fault}");
    let mut refusals = ended.refusals;
    refusals.push(refused(cafe.authorize(asked("another")).await));
    for refusal in refusals {
        assert_eq!((refusal.code, refusal.reason.as_str()), (Code::Unavailable, "JOURNAL_FAILED"));
        assert!(refusal.retry_after.is_some(), "{refusal:?}");
    }
    let read = cafe.payment(by_id(&last.payment_id)).await.expect("reads go on").payment;
    assert_eq!(read, Some(last));
    let (ready, why) = get(&daemon, "/readyz");
    assert_eq!((ready.as_str(), why.trim()), ("HTTP/1.1 503 Service Unavailable", status.state_reason.as_str()));
    assert!(why.contains("cannot "), "{why}");
    assert_eq!(get(&daemon, "/livez").0, "HTTP/1.1 200 OK");
    assert!(get(&daemon, "/metrics").1.contains("payswitch_journal_failed 1\n"));
    assert!(segments(data_dir) == left_at, "a failed journal is left alone");
    daemon.kill();
    true
}

/// Each fault at each of the first calls; then a last daemon knows everything, and the journal is whole.
async fn fail_each(what: &str, faults: &[(&str, &str, u64)]) {
    let begun = Instant::now();
    let (data_dir, mut told) = (data_dir(), Told::default());
    let mut failures = 0;
    for (calls, fault, few) in faults {
        for number in 1..=setting(HOW_MANY, *few) {
            let fault = format!("{fault}:when={number}");
            if !fail(data_dir.path(), &mut told, calls, &fault).await {
                return;
            }
            failures += 1;
        }
    }
    end(data_dir.path(), &mut told).await;
    leave(what, failures, &told, begun);
}

async fn end(data_dir: &Path, told: &mut Told) {
    let (daemon, cafe) = start(data_dir);
    told.check_all(&cafe).await;
    assert!(stop(daemon).await.success());
    let disk = journal::disk::DirectoryDisk::new(data_dir.join("journal"));
    assert!(journal::verify(&disk).expect("it is whole").torn.is_none());
}

fn leave(what: &str, faults: u64, told: &Told, begun: Instant) {
    let counts = [("faults", faults), ("answers", told.payments.len() as u64), ("answers that changed", 0)];
    println!("{what}: {counts:?}");
    simulator::proofs::leave(what, &counts, begun.elapsed()).expect("the counts are left");
}

#[tokio::test]
async fn whatever_system_call_of_a_commit_fails_nothing_told_is_lost() {
    fail_each("system calls of commits", &COMMITS).await;
}

#[tokio::test]
async fn whatever_system_call_of_a_new_segment_fails_nothing_told_is_lost() {
    fail_each("system calls of new segments", &SEGMENTS).await;
}

/// Killed when the batch is written and not yet synced.
#[tokio::test]
async fn a_kill_between_write_and_sync_loses_nothing_told() {
    let begun = Instant::now();
    let (data_dir, mut told) = (data_dir(), Told::default());
    let kills = setting(HOW_MANY, 3);
    for number in 1..=kills {
        let (daemon, cafe) = start(data_dir.path());
        told.check_last(&cafe).await;
        let fault = format!("signal=KILL:when={number}");
        let Some(_strace) = Strace::attach(&daemon, "shard", "fdatasync", &fault) else { return };
        let all = told.ask(&daemon, TIMES_MAX).await;
        assert!(all.cut_off > 0 && all.unconfirmed == 0);
        assert_eq!(ended(daemon).await.signal(), Some(9));
    }
    end(data_dir.path(), &mut told).await;
    leave("kills before a sync", kills, &told, begun);
}

/// A signal that interrupts a call is no failure: the call is made again.
#[tokio::test]
async fn an_interrupted_system_call_fails_nothing() {
    let (data_dir, mut told) = (data_dir(), Told::default());
    for calls in ["fdatasync", "pwrite64"] {
        let (daemon, cafe) = start(data_dir.path());
        told.check_last(&cafe).await;
        let Some(strace) = Strace::attach(&daemon, "shard", calls, "error=EINTR:when=1+2") else { return };
        let ended = told.ask(&daemon, TIMES_FEW).await;
        assert_eq!((ended.unconfirmed, ended.refusals.len(), ended.cut_off), (0, 0, 0), "{calls}");
        assert!(strace.detach() >= TIMES_FEW, "{calls}");
        assert_eq!(get(&daemon, "/readyz").0, "HTTP/1.1 200 OK");
        daemon.kill();
    }
    end(data_dir.path(), &mut told).await;
}

/// A file system may take less than it was given: the rest is written, and all of it is there after a power cut.
#[tokio::test]
async fn a_short_write_fails_nothing() {
    let (data_dir, mut told) = (data_dir(), Told::default());
    let journal = data_dir.path().join("journal");
    fs::create_dir(&journal).expect("a directory to mount on");
    let Some(lossy) = LossyDisk::mount(&journal) else { return };
    for bytes in [100, 4_096] {
        let (daemon, cafe) = start(data_dir.path());
        told.check_last(&cafe).await;
        lossy.take_at_most(Some(bytes));
        let before = lossy.disk.operations();
        let ended = told.ask(&daemon, TIMES_FEW).await;
        assert_eq!((ended.unconfirmed, ended.refusals.len(), ended.cut_off), (0, 0, 0), "{bytes}");
        assert!(lossy.disk.operations() > before + TIMES_FEW as u64, "writes were cut into parts");
        lossy.take_at_most(None);
        let paid = decided(cafe.authorize(asked(&format!("after {bytes}"))).await);
        assert!(paid.lsn > told.last_lsn());
        daemon.kill();
        lossy.disk.restart(journal::disk::Loss::Unsynced);
    }
    end(data_dir.path(), &mut told).await;
}
