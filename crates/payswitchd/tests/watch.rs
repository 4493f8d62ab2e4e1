//! What happens to payments, told as it happens: in order, without gap or duplicate, whatever happens to the daemon.

mod support;

use std::{collections::BTreeSet, time::Duration};

use client::{Client, Code, Error, Watch};
use support::{
    moves::{capture, captured, held, refund, refunded, void, voided},
    parties::{End, Sandbox, caller, decided, money, payment, refused, stop},
};
use tokio::task::JoinSet;
use tonic::{Request, Status, Streaming, transport::Endpoint};
use tonic_types::StatusExt;
use wire::v1::{self, PaymentEventKind, payment_service_client::PaymentServiceClient};

fn yuan(minor_units: i64) -> v1::Money {
    money("CNY", minor_units)
}

async fn watch(client: &Client, after_lsn: u64) -> Result<Watch, Error> {
    client.watch(v1::WatchRequest { merchant_id: String::new(), after_lsn }).await
}

/// What a watch told: position, what happened, to which payment.
type Told = (u64, PaymentEventKind, String);

/// Reads until this position has been told.
async fn read_to(watch: &mut Watch, lsn: u64, told: &mut Vec<Told>) {
    while watch.last_lsn() < lsn {
        let before = watch.last_lsn();
        let next = watch.next().await.expect("the watch goes on").expect("the watch goes on");
        assert!(next.lsn > before || next.events.is_empty(), "{} after {before}", next.lsn);
        told.extend(next.events.iter().map(|event| {
            let payment = event.payment.as_ref().expect("the payment is told");
            (next.lsn, event.kind(), payment.payment_id.clone())
        }));
    }
}

#[tokio::test]
async fn everything_that_happens_is_told_in_order() {
    let sandbox = Sandbox::start();
    let cafe = &sandbox.cafe;
    let mut following = watch(cafe, 0).await.expect("a merchant may watch");
    let declined = decided(cafe.authorize(payment("declined", "order-1", "hk-bob", yuan(90_000))).await);
    let paid = decided(cafe.authorize(payment("paid", "order-1", "hk-alice", yuan(1_000))).await);
    let of_another = payment("theirs", "order", "hk-alice", money("HKD", 100));
    decided(sandbox.books.authorize(of_another).await);
    let held = decided(cafe.authorize(held("held", "order-2", "hk-alice", yuan(1_000))).await);
    let part = captured(cafe.capture(capture("capture", &held.payment_id, yuan(400))).await);
    let (given_back, after_refund) = refunded(cafe.refund(refund("refund", &held.payment_id, yuan(100))).await);
    let rest = voided(cafe.void(void("void", &held.payment_id)).await);

    let expected = [
        (PaymentEventKind::Declined, &declined),
        (PaymentEventKind::Captured, &paid),
        (PaymentEventKind::Authorized, &held),
        (PaymentEventKind::Captured, &part),
        (PaymentEventKind::Refunded, &after_refund),
        (PaymentEventKind::Voided, &rest),
    ];
    // Who comes later is told the same.
    let mut later = watch(cafe, 0).await.expect("a merchant may watch");
    for watch in [&mut following, &mut later] {
        for (kind, payment) in expected {
            let told = watch.next().await.expect("it goes on").expect("it goes on");
            let [event] = told.events.as_slice() else { panic!("one thing happened: {told:?}") };
            assert_eq!((told.lsn, event.kind(), event.payment.as_ref()), (payment.lsn, kind, Some(payment)));
            let refund = (kind == PaymentEventKind::Refunded).then_some(&given_back);
            assert_eq!(event.refund.as_ref(), refund);
        }
    }
}

/// Pays without a pause until told to end; tells what it was answered.
async fn pay_on(sandbox: &Sandbox, payer: usize, rounds: usize) -> Vec<Told> {
    let mut told = Vec::new();
    for round in 0..rounds {
        let name = format!("{payer} {round}");
        let held = decided(sandbox.cafe.authorize(held(&name, &name, "hk-alice", yuan(2))).await);
        let captured = captured(sandbox.cafe.capture(capture(&format!("{name} c"), &held.payment_id, yuan(1))).await);
        let voided = voided(sandbox.cafe.void(void(&format!("{name} v"), &held.payment_id)).await);
        told.push((held.lsn, PaymentEventKind::Authorized, held.payment_id));
        told.push((captured.lsn, PaymentEventKind::Captured, captured.payment_id));
        told.push((voided.lsn, PaymentEventKind::Voided, voided.payment_id));
    }
    told
}

#[tokio::test]
async fn a_watch_goes_on_over_kills_without_gap_or_duplicate() {
    let mut sandbox = Sandbox::start();
    let (mut expected, mut told, mut last) = (Vec::new(), Vec::new(), 0);
    for (round, end) in [End::Killed, End::Asked, End::Killed].into_iter().enumerate() {
        let mut following = watch(&sandbox.cafe, last).await.expect("a merchant may watch");
        let (first, second) = tokio::join!(pay_on(&sandbox, 2 * round, 20), pay_on(&sandbox, 2 * round + 1, 20));
        expected.extend(first.into_iter().chain(second));
        // Half of it is read before the daemon ends, the rest is resumed after it.
        let half = last + (sandbox.status().await.last_lsn - last) / 2;
        read_to(&mut following, half, &mut told).await;
        last = following.last_lsn();
        drop(following);
        sandbox = sandbox.restart(end).await;
    }
    let mut following = watch(&sandbox.cafe, last).await.expect("a merchant may watch");
    read_to(&mut following, expected.iter().map(|(lsn, ..)| *lsn).max().unwrap_or(0), &mut told).await;
    expected.sort_by_key(|(lsn, ..)| *lsn);
    assert_eq!(told, expected);
}

#[tokio::test]
async fn what_is_no_longer_kept_is_refused_with_what_is() {
    let sandbox = Sandbox::with(&[("PAYSWITCHD__PROJECTIONS__WATCH_RECORDS_MAX", "16")]);
    let mut lsns = Vec::new();
    for number in 0..40 {
        let name = format!("{number}");
        lsns.push(decided(sandbox.cafe.authorize(payment(&name, &name, "hk-alice", yuan(1))).await).lsn);
    }
    let refusal = refused(watch(&sandbox.cafe, 0).await.map(drop));
    assert_eq!((refusal.code.as_str(), refusal.reason.as_str()), ("OUT_OF_RANGE", "WATCH_BELOW_RETAINED"));
    let first: u64 = refusal.metadata["first_lsn"].parse().expect("a position");
    assert!(first <= lsns[24], "sixteen are kept: {first} of {lsns:?}");
    let mut following = watch(&sandbox.cafe, first - 1).await.expect("that is kept");
    let mut told = Vec::new();
    read_to(&mut following, lsns[39], &mut told).await;
    assert_eq!(told.iter().map(|(lsn, ..)| *lsn).collect::<Vec<_>>(), lsns[24..]);

    let last = sandbox.status().await.last_lsn;
    let refusal = refused(watch(&sandbox.cafe, last + 1).await.map(drop));
    assert_eq!((refusal.code.as_str(), refusal.reason.as_str()), ("OUT_OF_RANGE", "WATCH_BEYOND_LOG"));
    assert_eq!(refusal.metadata["last_lsn"], last.to_string());
    watch(&sandbox.cafe, last).await.expect("what comes next can be watched");
}

/// A watch by a client that takes in little at a time.
async fn narrow_watch(sandbox: &Sandbox, window: u32) -> Streaming<v1::WatchResponse> {
    let endpoint = Endpoint::new(sandbox.daemon.merchants.clone()).expect("an address");
    let endpoint = endpoint.initial_stream_window_size(window).initial_connection_window_size(window);
    let mut payments = PaymentServiceClient::new(endpoint.connect().await.expect("the daemon listens"));
    let mut request = Request::new(v1::WatchRequest::default());
    let credential = format!("Bearer {}", client::sandbox::MERCHANT_KEYS[0].1);
    request.metadata_mut().insert("authorization", credential.parse().expect("a key is visible ASCII"));
    payments.watch(request).await.expect("a merchant may watch").into_inner()
}

fn reason(status: &Status) -> String {
    status.get_details_error_info().expect("every error has its reason").reason
}

/// One that does not read costs the others nothing, and learns that it has missed something.
#[tokio::test]
async fn a_reader_that_is_too_slow_is_told_so() {
    let sandbox = Sandbox::with(&[("PAYSWITCHD__PROJECTIONS__WATCH_RECORDS_MAX", "16")]);
    let mut slow = narrow_watch(&sandbox, 65_535).await;
    let mut payers = JoinSet::new();
    for payer in 0..16 {
        let cafe = caller(&sandbox.daemon.merchants, client::sandbox::MERCHANT_KEYS[0].1);
        payers.spawn(async move {
            let mut lsns = Vec::new();
            for number in 0..100 {
                let name = format!("{payer} {number}");
                lsns.push(decided(cafe.authorize(payment(&name, &name, "hk-alice", yuan(1))).await).lsn);
            }
            lsns
        });
    }
    let decided: BTreeSet<u64> = payers.join_all().await.into_iter().flatten().collect();

    let mut told = Vec::new();
    let ended = loop {
        match slow.message().await {
            Ok(Some(next)) => told.extend((!next.events.is_empty()).then_some(next.lsn)),
            Ok(None) => panic!("it is told why it ends"),
            Err(status) => break status,
        }
    };
    assert_eq!((ended.code(), reason(&ended).as_str()), (tonic::Code::OutOfRange, "FELL_BEHIND"));
    let details = ended.get_details_error_info().expect("every error has its reason");
    let first: u64 = details.metadata["first_lsn"].parse().expect("a position");
    let expected: Vec<_> = decided.iter().copied().take(told.len()).collect();
    assert_eq!(told, expected, "up to its end nothing was left out");
    assert!(told.len() < decided.len() - 16, "{} of {} were told", told.len(), decided.len());
    assert!(told.last().is_none_or(|last| *last < first), "it ends before what is kept");
}

#[tokio::test]
async fn one_caller_has_a_bounded_number_of_watches() {
    let sandbox = Sandbox::start();
    let mut open = Vec::new();
    for _ in 0..16 {
        open.push(watch(&sandbox.cafe, 0).await.expect("there is room"));
    }
    let refusal = refused(watch(&sandbox.cafe, 0).await.map(drop));
    assert_eq!((refusal.code, refusal.reason.as_str()), (Code::ResourceExhausted, "TOO_MANY_WATCHES"));
    assert_eq!(refusal.message, "at most 16 watches at a time for one caller");
    watch(&sandbox.books, 0).await.expect("another has room of its own");
    drop(open);
    // The daemon hears of the end a moment later.
    while watch(&sandbox.cafe, 0).await.is_err() {}
}

#[tokio::test]
async fn a_stop_ends_watches_and_does_not_wait_for_their_readers() {
    let sandbox = Sandbox::with(&[("PAYSWITCHD__DRAIN__DRAIN_MS_MAX", "600000")]);
    let last = sandbox.status().await.last_lsn;
    let mut watches = Vec::new();
    for address in [&sandbox.daemon.merchants, &sandbox.daemon.operators] {
        let operator = caller(address, client::sandbox::OPERATOR_KEY);
        watches.push(watch(&operator, last).await.expect("the operator may watch"));
    }
    let stopped = tokio::spawn(stop(sandbox.daemon));
    for mut watch in watches {
        let refusal = refused(watch.next().await);
        assert_eq!((refusal.code, refusal.reason.as_str()), (Code::Unavailable, "DRAINING"));
        assert_eq!(refusal.message, "the daemon is stopping: resume after the last lsn you were told");
        assert_eq!(refusal.retry_after, Some(Duration::from_secs(1)));
    }
    assert_eq!(stopped.await.expect("waiting does not panic").code(), Some(0));
}

/// What concerns nobody's payments, or another's, is told by its position alone.
#[tokio::test]
async fn a_watch_that_has_nothing_to_tell_tells_how_far_the_log_has_come() {
    let sandbox = Sandbox::start();
    let after = sandbox.status().await.last_lsn;
    let mut following = watch(&sandbox.cafe, after).await.expect("a merchant may watch");
    sandbox.deposit("deposit", "hk-bob", money("HKD", 1)).await;
    let last = decided(sandbox.books.authorize(payment("key", "order", "hk-alice", money("HKD", 100))).await).lsn;
    let told = following.next().await.expect("it goes on").expect("it goes on");
    assert_eq!((told.lsn, told.events), (last, vec![]), "a merchant sees its own only");
}
