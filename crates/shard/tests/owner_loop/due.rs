//! What time makes due is decided on time, by nobody's request, and before what arrives later.

use std::{sync::mpsc, thread, time::Duration};

use domain::{
    AccountId, AuthorizePayment, CaptureMode, CapturePayment, CaptureRest, Command, Consent, Conversions, Converted,
    Digest, Event, Evidence, Label, MerchantId, Method, PaymentId, PaymentMove, PaymentState, Record, Refusal,
    Submission, TenantId, Timestamp,
};
use engine::{Engine, HOLDS_EXPIRED_A_RECORD_MAX};
use journal::MemoryJournal;
use money::{Currency, Money};
use shard::{DUE_COMMANDS_MAX, Progress, Refused, ServingState};

use super::house::{HOLD_MS, House, deposit, keyed, recovered};

/// A payment that is held until then.
#[derive(Clone, Copy)]
struct Held {
    payment_id: PaymentId,
    expires_at: Timestamp,
}

fn hkd(minor_units: i128) -> Money {
    Money::new(Currency::HKD, minor_units)
}

/// A request to hold one dollar; the number stands for payment, order and key.
fn hold(number: u16, payer: AccountId) -> Submission {
    let [high, low] = number.to_be_bytes();
    let bytes = [high, low, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1];
    let authorize = AuthorizePayment {
        payment_id: PaymentId::from_bytes(bytes),
        merchant: MerchantId(0),
        merchant_order_id: Label::new(&format!("order {number}")).expect("a label"),
        merchant_order_digest: Digest(bytes),
        presentment_amount: hkd(100),
        payer: Evidence::Present(payer),
        converted: Evidence::Present(Conversions {
            debit: Converted::SameCurrency,
            settlement: Converted::SameCurrency,
        }),
        offer: None,
        capture_mode: CaptureMode::Manual,
        consent: Consent::PayerNamed,
        debit_amount_max: None,
        sandbox_decline: None,
    };
    let command = Command::AuthorizePayment(authorize);
    keyed(Digest(bytes), TenantId::Merchant(MerchantId(0)), Method::Authorize, Digest(bytes), command)
}

fn held(record: &Record) -> Held {
    let (Command::AuthorizePayment(authorize), Event::PaymentAuthorized(authorized)) = (&record.command, &record.event)
    else {
        panic!("not held: {record:?}")
    };
    assert_eq!(authorized.expires_at, record.at.plus_millis(HOLD_MS));
    Held { payment_id: authorize.payment_id, expires_at: authorized.expires_at }
}

fn capture(key: u8, payment_id: PaymentId) -> Submission {
    let capture = CapturePayment { merchant: MerchantId(0), payment_id, amount: hkd(100), rest: CaptureRest::Released };
    let command = Command::CapturePayment(capture);
    let digest = Digest([key; 16]);
    keyed(digest, TenantId::Merchant(MerchantId(0)), Method::Capture, digest, command)
}

/// A house with one account and one hold on it.
fn with_hold() -> (House<MemoryJournal>, AccountId, Held) {
    let mut house = House::new(Engine::default(), MemoryJournal::new(), 100);
    let account = house.begin();
    house.ask(deposit(1, account, 1_000)).expect("committed");
    let held = held(&house.ask(hold(1, account)).expect("committed").record);
    (house, account, held)
}

fn assert_expired(record: &Record, held: Held) {
    assert_eq!((&record.key, &record.command), (&None, &Command::ExpireHolds));
    let Event::HoldsExpired(holds) = &record.event else { panic!("not an expiry: {record:?}") };
    assert_eq!(holds.iter().map(|hold| hold.payment_id).collect::<Vec<_>>(), [held.payment_id]);
}

fn before(at: Timestamp) -> Timestamp {
    Timestamp::from_micros(at.micros() - 1)
}

#[test]
fn a_hold_expires_on_time_without_any_request() {
    let (mut house, _, held) = with_hold();
    let last = house.status.last_lsn();
    assert_eq!(house.shard.engine().next_due_at(), Some(held.expires_at));
    house.clock.set(before(held.expires_at));
    assert_eq!(house.step(), Progress::Idle);
    assert_eq!(house.status.last_lsn(), last, "it is not due yet");

    house.clock.set(held.expires_at);
    assert_eq!(house.step(), Progress::Idle);
    assert_eq!((house.status.last_lsn(), house.status.durable_lsn()), (last.next(), last.next()));
    let expiry = house.seen().records.last().cloned().expect("observers see it");
    assert_eq!(expiry.at, held.expires_at);
    assert_expired(&expiry, held);
    assert_eq!(house.shard.engine().next_due_at(), None);

    assert_eq!(house.step(), Progress::Idle);
    assert_eq!(house.status.last_lsn(), last.next(), "it expires once");
}

#[test]
fn what_is_due_goes_before_what_arrived() {
    let (mut house, account, held) = with_hold();
    let last = house.status.last_lsn();
    let mut captured = house.put(capture(3, held.payment_id)).expect("room");
    let mut deposited = house.put(deposit(4, account, 1)).expect("room");
    house.clock.set(held.expires_at);
    house.step();
    let expiry = house.seen().records.iter().find(|record| record.lsn == last.next()).cloned();
    assert_expired(&expiry.expect("it stands right behind what was"), held);
    let (state, asked) = (PaymentState::Expired, PaymentMove::Capture);
    let refused = Err(Refused::Engine(Refusal::MoveNotAllowed { state, asked }));
    assert_eq!(captured.try_recv().expect("answered"), refused);
    let deposited = deposited.try_recv().expect("answered").expect("committed").record;
    assert_eq!(deposited.lsn, last.next().next());
}

#[test]
fn jobs_do_not_wait_for_all_of_a_backlog() {
    let holds = DUE_COMMANDS_MAX * HOLDS_EXPIRED_A_RECORD_MAX + 1;
    let mut house = House::new(Engine::default(), MemoryJournal::new(), holds);
    let account = house.begin();
    house.ask(deposit(1, account, 1_000_000)).expect("committed");
    for number in (0..).take(holds) {
        house.put(hold(number, account)).expect("room");
    }
    house.step();
    let last = house.seen().records.last().cloned().expect("a record");
    house.clock.set(held(&last).expires_at);
    let mut deposited = house.put(deposit(2, account, 1)).expect("room");
    assert_eq!(house.step(), Progress::Waiting, "there is more to do");
    let behind = deposited.try_recv().expect("answered").expect("committed").record.lsn.get() - last.lsn.get();
    assert_eq!(usize::try_from(behind).expect("few"), DUE_COMMANDS_MAX + 1);
    assert_eq!(house.step(), Progress::Idle);
    assert_expired(house.seen().records.last().expect("a record"), held(&last));
}

#[test]
fn a_restart_runs_what_is_overdue_first() {
    let (house, account, held) = with_hold();
    let last = house.status.last_lsn();
    let journal = house.shard.into_journal().reopen();
    let later = held.expires_at.plus_millis(3_600_000);
    let mut house = House::at(later, recovered(&journal), journal, 100);
    let deposited = house.ask(deposit(3, account, 1)).expect("committed").record;
    assert_eq!(deposited.lsn, last.next().next());
    let expiry = house.seen().records.first().cloned().expect("observers see it");
    assert_expired(&expiry, held);
    assert_eq!((expiry.lsn, expiry.at), (last.next(), later), "on time is when the daemon is there again");

    let digest = house.shard.engine().digest();
    assert_eq!(recovered(&house.shard.into_journal().reopen()).digest(), digest);
}

#[test]
fn the_answer_to_a_job_waits_for_what_was_due_before_it() {
    let (mut house, _, held) = with_hold();
    house.clock.set(held.expires_at);
    house.shard.journal_mut().fail_next_write();
    let mut captured = house.put(capture(3, held.payment_id)).expect("room");
    house.step();
    assert_eq!(captured.try_recv().expect("answered"), Err(Refused::Unconfirmed), "the expiry may be lost");
}

#[test]
fn a_failed_shard_decides_nothing_that_is_due() {
    let (mut house, account, held) = with_hold();
    house.shard.journal_mut().fail_next_write();
    assert_eq!(house.ask(deposit(3, account, 1)), Err(Refused::Unconfirmed));
    let last = house.status.last_lsn();
    house.clock.set(held.expires_at);
    assert_eq!(house.step(), Progress::Idle);
    assert_eq!((house.status.state(), house.status.last_lsn()), (ServingState::Failed, last));
    assert_eq!(house.shard.engine().next_due_at(), Some(held.expires_at), "it stays due for the next start");
}

#[test]
fn a_shard_that_sleeps_wakes_for_a_clock_that_was_advanced() {
    let (house, _, held) = with_hold();
    let last = house.status.last_lsn();
    let (listener, durable) = mpsc::channel();
    house.seen().listener = Some(listener);
    let (handle, inbox, clock, shard) = (house.handle(), house.inbox, house.clock, house.shard);
    // Not a scoped thread: if it never ends, the test still does.
    let owner = thread::spawn(|| shard.run());
    clock.set(held.expires_at);
    handle.wake();
    let mark = durable.recv_timeout(Duration::from_secs(60)).expect("the hold expires");
    assert_eq!(mark.lsn, last.next());
    inbox.close();
    owner.join().expect("no panic").expect("the journal closes");
}
