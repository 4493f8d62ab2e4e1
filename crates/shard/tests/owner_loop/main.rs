//! The owner loop on a real engine and a journal in memory, driven step by step.

use std::sync::Arc;

use domain::{Refusal, Timestamp};
use engine::Engine;
use journal::MemoryJournal;
use shard::{Progress, Refused, ServingState};

use self::house::{CountingJournal, House, deposit, recovered};

mod due;
mod house;
mod past;
mod snapshots;

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
    assert_eq!(lsns, (6..16).collect::<Vec<_>>());
    assert_eq!(house.shard.journal_mut().polls, writes_before + 1, "one group commit for the ten");
    assert_eq!(house.seen().lsns(), (1..16).collect::<Vec<_>>());
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
    assert_eq!(house.seen().lsns().len(), 5, "observers see durable records only");
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

#[test]
fn observers_are_told_the_mark_of_every_batch() {
    let mut house = House::new(Engine::default(), MemoryJournal::new(), 100);
    let account = house.begin();
    for key in 0..3 {
        house.put(deposit(key, account, 100)).expect("room");
    }
    house.step();
    house.step();
    let marks = house.seen().marks.clone();
    assert_eq!(marks.iter().map(|mark| mark.lsn.get()).collect::<Vec<_>>(), [1, 2, 3, 4, 5, 8]);
    assert_eq!(marks.last().copied(), journal::Journal::chain(house.shard.journal_mut()));
}
