use std::sync::atomic::Ordering;
use std::{
    pin::pin,
    sync::{Arc, atomic::AtomicUsize},
    task::{Context, Poll, Wake, Waker},
};

use domain::Record;
use money::Currency;

use super::*;
use crate::{Projector, script::Script};

#[derive(Default)]
struct WakeCount(AtomicUsize);

impl Wake for WakeCount {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

fn three_records() -> Vec<Arc<Record>> {
    let mut script = Script::default();
    for _ in 0..3 {
        script.open(Currency::HKD);
    }
    script.records
}

#[test]
fn what_was_applied_is_not_waited_for() {
    let mut projector = Projector::new();
    let boards = projector.boards();
    projector.apply_batch(&three_records()).unwrap();
    for lsn in 0..=3 {
        let ready = pin!(boards.wait_for(Lsn::new(lsn))).poll(&mut Context::from_waker(Waker::noop()));
        assert!(ready.is_ready(), "lsn {lsn}");
    }
}

#[test]
fn a_reader_is_woken_once_its_position_was_applied() {
    let records = three_records();
    let mut projector = Projector::new();
    let boards = projector.boards();
    let wakes = Arc::new(WakeCount::default());
    let waker = Waker::from(Arc::clone(&wakes));
    let mut context = Context::from_waker(&waker);
    let mut waiting = pin!(boards.wait_for(Lsn::new(2)));

    assert_eq!(waiting.as_mut().poll(&mut context), Poll::Pending);
    projector.apply(&records[0]).unwrap();
    assert_eq!(waiting.as_mut().poll(&mut context), Poll::Pending);
    let wakes_before = wakes.0.load(Ordering::Relaxed);
    projector.apply(&records[1]).unwrap();
    assert_eq!(wakes.0.load(Ordering::Relaxed), wakes_before + 1);
    assert_eq!(waiting.as_mut().poll(&mut context), Poll::Ready(()));
}

#[test]
fn a_reader_that_gives_up_leaves_the_others_waiting() {
    let records = three_records();
    let mut projector = Projector::new();
    let boards = projector.boards();
    let mut context = Context::from_waker(Waker::noop());
    let mut patient = pin!(boards.wait_for(Lsn::new(3)));
    assert!(patient.as_mut().poll(&mut context).is_pending());
    {
        let mut hasty = pin!(boards.wait_for(Lsn::new(3)));
        assert!(hasty.as_mut().poll(&mut context).is_pending());
    }
    projector.apply_batch(&records).unwrap();
    assert!(patient.as_mut().poll(&mut context).is_ready());
}

#[test]
fn a_wait_may_move_between_threads() {
    fn assert_send<T: Send>(_: &T) {}
    let boards = Projector::new().boards();
    assert_send(&boards.wait_for(Lsn::ZERO));
}
