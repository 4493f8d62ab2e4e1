//! A shard whose engine forgets what the index has.

use std::sync::Arc;

use domain::{ChainMark, Record};
use engine::Engine;
use index::{Batch, Index, MemoryStore};
use journal::MemoryJournal;
use shard::{Past, Refused, ServingState};

use crate::house::{House, deposit};

/// An index of what the house has made durable so far.
fn index_of(house: &House<MemoryJournal>, store: &Arc<MemoryStore>) -> Index {
    let index = Index::open(Arc::clone(store) as Arc<_>, [0; 16]).expect("an index");
    let seen = house.seen();
    let mut batch = Batch::default();
    seen.records.iter().for_each(|record: &Arc<Record>| batch.record(record));
    let mark: &ChainMark = seen.marks.last().expect("a batch");
    index.write(&batch.close(*mark)).expect("a store");
    index
}

#[test]
fn what_was_forgotten_is_answered_as_before() {
    let mut house = House::new(Engine::default(), MemoryJournal::new(), 100);
    let account = house.begin();
    let first = house.ask(deposit(1, account, 100)).expect("committed");
    let index = index_of(&house, &Arc::default());
    house.shard = house.shard.with_past(Past::new(index, 0));

    // The next commit forgets the first key; a repeat and a misuse of it are answered as if it were remembered.
    house.ask(deposit(2, account, 100)).expect("committed");
    let again = house.ask(deposit(1, account, 100)).expect("committed");
    assert_eq!((again.repeated, &again.record), (true, &first.record));
    assert!(!Arc::ptr_eq(&again.record, &first.record), "it was read again");
    assert!(matches!(house.ask(deposit(1, account, 200)), Err(Refused::Engine(_))));
}

#[test]
fn what_cannot_be_recalled_is_refused_and_nothing_is_tried() {
    let mut house = House::new(Engine::default(), MemoryJournal::new(), 100);
    let account = house.begin();
    house.ask(deposit(1, account, 100)).expect("committed");
    let store = Arc::<MemoryStore>::default();
    let index = index_of(&house, &store);
    house.shard = house.shard.with_past(Past::new(index, 0));
    house.ask(deposit(2, account, 100)).expect("committed");
    let last = house.status.last_lsn();
    store.refuse_reads(Some(std::io::ErrorKind::Other));
    assert_eq!(house.ask(deposit(1, account, 100)), Err(Refused::PastUnreadable));
    assert_eq!(house.ask(deposit(3, account, 100)), Err(Refused::PastUnreadable), "it may be a repeat");
    assert_eq!(house.status.last_lsn(), last);
    assert_eq!((house.status.state(), house.status.past_unreadable()), (ServingState::Serving, 2));
    assert!(house.status.reason().starts_with("cannot look into the index: "), "{}", house.status.reason());
    house.status.past_is_readable();
    assert_eq!(house.status.reason(), "");
    store.refuse_reads(None);
    assert!(house.ask(deposit(1, account, 100)).expect("committed").repeated);
}

#[test]
fn what_the_filter_knows_to_be_new_needs_no_index() {
    let mut house = House::new(Engine::default(), MemoryJournal::new(), 100);
    let account = house.begin();
    house.ask(deposit(1, account, 100)).expect("committed");
    let store = Arc::<MemoryStore>::default();
    let index = index_of(&house, &store).with_filter(4_096);
    index.load_filter(|| true).expect("a store");
    house.shard = house.shard.with_past(Past::new(index, 0));
    house.ask(deposit(2, account, 100)).expect("committed");
    store.refuse_reads(Some(std::io::ErrorKind::Other));
    assert_eq!(house.ask(deposit(1, account, 100)), Err(Refused::PastUnreadable), "it is a repeat");
    assert!(!house.ask(deposit(3, account, 100)).expect("committed").repeated);
    store.refuse_reads(None);
    assert!(house.ask(deposit(1, account, 100)).expect("committed").repeated);
}
