use std::thread;

use domain::Lsn;
use money::Currency;

use super::*;
use crate::script::Script;

fn records(count: usize) -> Vec<Arc<Record>> {
    let mut script = Script::default();
    for _ in 0..count {
        script.open(Currency::HKD);
    }
    script.records
}

fn lsns(records: &[Arc<Record>]) -> Vec<u64> {
    records.iter().map(|record| record.lsn.get()).collect()
}

#[test]
fn a_closed_feed_is_folded_to_its_end() {
    const BATCH_RECORDS: usize = 7;
    let all = records(100 * BATCH_RECORDS);
    let (mut sender, receiver) = feed(16);
    let projector = Projector::new();
    let boards = projector.boards();
    let projecting = thread::spawn(move || receiver.run(projector).unwrap());
    for batch in all.chunks(BATCH_RECORDS) {
        let mut batch = batch.to_vec();
        assert_eq!(sender.send(&mut batch, None), Ok(()));
        assert!(batch.is_empty());
    }
    drop(sender);
    projecting.join().unwrap();
    assert_eq!(boards.applied_lsn(), Lsn::new(700));
}

#[test]
fn no_more_waits_than_the_capacity() {
    let all = records(300);
    let (mut sender, mut receiver) = feed(8);
    let sent = all.clone();
    let sending = thread::spawn(move || {
        for batch in sent.chunks(3) {
            sender.send(&mut batch.to_vec(), None).unwrap();
        }
    });
    let (mut received, mut batch) = (Vec::new(), Waiting::default());
    while receiver.receive(&mut batch) {
        assert!(batch.records.len() <= 8, "{} records waited", batch.records.len());
        received.append(&mut batch.records);
    }
    sending.join().unwrap();
    assert_eq!(lsns(&received), lsns(&all));
}

#[test]
fn a_batch_that_does_not_fit_waits_for_the_one_before() {
    let mut all = records(3);
    let mut last = all.split_off(2);
    let (mut sender, mut receiver) = feed(2);
    sender.send(&mut all, None).unwrap();
    // Whether this thread waits already or comes later, there is no room for its batch before the first was received.
    let sending = thread::spawn(move || sender.send(&mut last, None));
    let mut batch = Waiting::default();
    assert!(receiver.receive(&mut batch));
    assert_eq!(lsns(&batch.records), [1, 2]);
    assert!(receiver.receive(&mut batch));
    assert_eq!(lsns(&batch.records), [3]);
    assert_eq!(sending.join().unwrap(), Ok(()));
    assert!(!receiver.receive(&mut batch));
}

#[test]
fn a_batch_larger_than_the_capacity_goes_alone() {
    let (mut sender, mut receiver) = feed(2);
    sender.send(&mut records(5), None).unwrap();
    drop(sender);
    let mut batch = Waiting::default();
    assert!(receiver.receive(&mut batch));
    assert_eq!(lsns(&batch.records), [1, 2, 3, 4, 5]);
    assert!(!receiver.receive(&mut batch));
}

#[test]
fn a_sender_that_waits_learns_that_the_receiver_is_gone() {
    let mut all = records(3);
    let mut last = all.split_off(2);
    let (mut sender, receiver) = feed(2);
    sender.send(&mut all, None).unwrap();
    let sending = thread::spawn(move || (sender.send(&mut last, None), last.len()));
    drop(receiver);
    assert_eq!(sending.join().unwrap(), (Err(FeedClosed), 1));
}

#[test]
fn a_receiver_that_waits_learns_that_the_sender_is_gone() {
    let (sender, mut receiver) = feed(2);
    let receiving = thread::spawn(move || receiver.receive(&mut Waiting::default()));
    drop(sender);
    assert!(!receiving.join().unwrap());
}

#[test]
fn a_digest_is_there_before_its_records_can_be_seen() {
    let all = records(4);
    let mark = |lsn, byte| ChainMark { lsn: Lsn::new(lsn), digest: [byte; 32] };
    let (mut sender, receiver) = feed(16);
    let projector = Projector::new();
    let boards = projector.boards();
    sender.send(&mut all[..2].to_vec(), Some(mark(2, 1))).unwrap();
    sender.send(&mut all[2..3].to_vec(), Some(mark(3, 2))).unwrap();
    sender.send(&mut all[3..].to_vec(), None).unwrap();
    drop(sender);
    receiver.run(projector).unwrap();
    let digests = [1, 2, 3, 4].map(|lsn| boards.chain_at(Lsn::new(lsn)).unwrap());
    assert_eq!(digests, [Some(mark(2, 1)), Some(mark(2, 1)), Some(mark(3, 2)), None]);
    assert_eq!(boards.applied_lsn(), Lsn::new(4));
}
