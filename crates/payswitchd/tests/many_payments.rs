//! Many payments over one stream or in one message: each is what `Authorize` would have made of it, alone.

mod support;

use std::{collections::BTreeMap, fs};

use client::{Client, Error};
use prost::Message;
use support::{
    Daemon,
    frames::{
        ACK, DATA, END_HEADERS, END_STREAM, Frame, GOAWAY, HEADERS, INITIAL_WINDOW_SIZE, PING, Peer, SETTINGS,
        WINDOW_UPDATE, frame, header_block_of,
    },
    lossy_disk::LossyDisk,
    pages::get,
    parties::{End, SMALL_SEGMENTS, Sandbox, caller, decided, money, payment, refused},
};
use wire::v1;

/// The most payments of a batch.
const BATCH_MAX: usize = 8_190;
/// More than may be under way on one stream.
const PAYMENTS: u64 = 3_000;
/// What each costs the payer, in cents of HKD.
const EACH: i64 = 2;

fn pay(number: u64) -> v1::AuthorizeRequest {
    payment(&format!("key-{number}"), &format!("order-{number}"), "hk-alice", money("CNY", 1))
}

/// The payment that was told, and whether it was a repeat.
fn paid(outcome: v1::PaymentOutcome) -> (v1::Payment, bool) {
    match outcome.outcome {
        Some(v1::payment_outcome::Outcome::Payment(payment)) => (payment, outcome.repeat),
        other => panic!("not decided: {other:?}"),
    }
}

fn refusal(outcome: v1::PaymentOutcome) -> v1::PaymentRefusal {
    match outcome.outcome {
        Some(v1::payment_outcome::Outcome::Refusal(refusal)) => refusal,
        other => panic!("not refused: {other:?}"),
    }
}

/// Sends all of these on one stream and tells the answers, and what the stream ended with.
async fn stream(
    cafe: &Client,
    requests: Vec<(u64, v1::AuthorizeRequest)>,
) -> (Vec<(u64, v1::PaymentOutcome)>, Option<Error>) {
    let (sender, mut answers) = cafe.payment_stream().await.expect("a stream begins");
    let sending = tokio::spawn(async move {
        for (number, request) in requests {
            if !sender.send(number, request).await {
                break;
            }
        }
    });
    let mut told = Vec::new();
    let end = loop {
        match answers.next().await {
            Ok(Some(answer)) => told.push((answer.correlation_id, answer.outcome.expect("an answer has an outcome"))),
            Ok(None) => break None,
            Err(error) => break Some(error),
        }
    };
    sending.await.expect("sending does not panic");
    (told, end)
}

/// One of each kind, what becomes of it when it is sent alone, and what it is in a stream or batch.
fn mixture() -> Vec<v1::AuthorizeRequest> {
    let mut requests: Vec<_> = (0..6).map(pay).collect();
    requests[1].presentment_amount = Some(money("CNY", 0));
    requests[2] = pay(0);
    requests[3] = payment("key-0", "order-other", "hk-alice", money("CNY", 1));
    requests[4].payer =
        Some(v1::AccountReference { wallet_id: "demo-wallet".to_owned(), account_id: "nobody".to_owned() });
    requests.push(payment("key-6", "order-6", "hk-bob", money("CNY", 90_000)));
    requests.push(v1::AuthorizeRequest::default());
    requests
}

fn check_mixture(outcomes: Vec<v1::PaymentOutcome>) -> Vec<v1::Payment> {
    let outcomes: [v1::PaymentOutcome; 8] = outcomes.try_into().expect("an outcome each");
    let [first, no_amount, repeat, reused, nobody, second, poor, nothing] = outcomes;
    let ((first, is_repeat), (repeated, is_repeated)) = (paid(first), paid(repeat));
    // Of two equal ones at once either may be the first.
    assert!(first == repeated && is_repeat != is_repeated, "{first:?} {repeated:?}");
    assert_eq!(first.state(), v1::PaymentState::Captured);
    let no_amount = refusal(no_amount);
    assert_eq!((no_amount.code, no_amount.reason.as_str()), (3, "AMOUNT_OUT_OF_BOUNDS"));
    assert_eq!((no_amount.field.as_str(), no_amount.retry_ms), ("presentment_amount.minor_units", None));
    assert_eq!(no_amount.metadata["outcome"], "NOT_COMMITTED");
    assert_eq!(refusal(reused).reason, "IDEMPOTENCY_KEY_REUSED");
    let nobody = refusal(nobody);
    assert_eq!((nobody.code, nobody.message.as_str()), (5, "no account demo-wallet/nobody"));
    assert_eq!(paid(poor).0.decline_reason(), v1::DeclineReason::InsufficientBalance);
    assert_eq!((refusal(nothing).reason.as_str()), "FIELD_MISSING");
    vec![first, paid(second).0]
}

#[tokio::test]
async fn each_of_a_stream_answers_for_itself() {
    let sandbox = Sandbox::start();
    let requests = (100..).zip(mixture()).collect();
    let (mut told, end) = stream(&sandbox.cafe, requests).await;
    assert!(end.is_none(), "{end:?}");
    told.sort_by_key(|(number, _)| *number);
    assert!(told.iter().map(|(number, _)| *number).eq(100..108), "each once");
    let approved = check_mixture(told.into_iter().map(|(_, outcome)| outcome).collect());
    for (number, payment) in [(0, &approved[0]), (5, &approved[1])] {
        assert_eq!(&decided(sandbox.cafe.authorize(pay(number)).await), payment, "the keys are those of Authorize");
    }
    assert_eq!(sandbox.status().await.payments_captured, 2);
}

#[tokio::test]
async fn each_of_a_batch_answers_for_itself() {
    let sandbox = Sandbox::start();
    let ask = |payments: Vec<v1::AuthorizeRequest>| {
        sandbox.cafe.authorize_batch(v1::AuthorizeBatchRequest { payments, atomic: false })
    };
    let approved = check_mixture(ask(mixture()).await.expect("a batch is answered").outcomes);
    assert_eq!(decided(sandbox.cafe.authorize(pay(5)).await), approved[1]);
    assert_eq!(sandbox.status().await.payments_captured, 2);

    for payments in [Vec::new(), vec![v1::AuthorizeRequest::default(); BATCH_MAX + 1]] {
        let refused = refused(ask(payments).await);
        assert_eq!(refused.field_violations[0].field, "payments", "{refused:?}");
    }
}

#[tokio::test]
async fn a_whole_batch_is_paid_and_repeated() {
    let sandbox = Sandbox::start();
    let payments: Vec<_> = (0..).take(BATCH_MAX).map(pay).collect();
    let ask = || sandbox.cafe.authorize_batch(v1::AuthorizeBatchRequest { payments: payments.clone(), atomic: false });
    let first: Vec<_> = ask().await.expect("a batch is answered").outcomes.into_iter().map(paid).collect();
    assert_eq!(first.len(), BATCH_MAX);
    for (number, (payment, repeat)) in first.iter().enumerate() {
        assert_eq!((payment.merchant_order_id.as_str(), *repeat), (format!("order-{number}").as_str(), false));
        assert_eq!(payment.state(), v1::PaymentState::Captured);
    }
    let again: Vec<_> = ask().await.expect("a batch is answered").outcomes.into_iter().map(paid).collect();
    assert!(again.iter().all(|(_, repeat)| *repeat), "nothing new");
    assert!(again.iter().map(|(payment, _)| payment).eq(first.iter().map(|(payment, _)| payment)), "the same");
    assert_eq!(sandbox.balance("hk-alice").await, 1_000_000 - EACH * i64::try_from(BATCH_MAX).expect("a few"));
}

/// Whatever ends a stream, what was answered stays, and the rest is asked again under the same keys.
#[tokio::test]
async fn what_a_stream_left_unanswered_is_asked_again_and_paid_once() {
    for end in [End::Asked, End::Killed] {
        let sandbox = Sandbox::start();
        let (sender, mut answers) = sandbox.cafe.payment_stream().await.expect("a stream begins");
        let sending = tokio::spawn(async move {
            for number in 0..PAYMENTS {
                if !sender.send(number, pay(number)).await {
                    break;
                }
            }
            // The caller does not end the stream, however fast its payments are made.
            sender
        });
        let mut told = BTreeMap::new();
        let mut keep = |answer: v1::PaymentStreamResponse| {
            let (payment, repeat) = paid(answer.outcome.expect("an answer has an outcome"));
            assert!(!repeat && told.insert(answer.correlation_id, payment).is_none(), "each once");
        };
        for _ in 0..100 {
            keep(answers.next().await.expect("it goes on").expect("it goes on"));
        }
        let ending = tokio::spawn(sandbox.restart(end));
        let ended = loop {
            match answers.next().await {
                Ok(Some(answer)) => keep(answer),
                ended => break ended,
            }
        };
        match (end, ended) {
            (End::Asked, Err(Error::Refused(refusal))) => assert_eq!(refusal.reason, "DRAINING"),
            (End::Killed, Err(_)) => {}
            (_, ended) => panic!("{end:?}: {ended:?}"),
        }
        drop(answers);
        drop(sending.await.expect("sending does not panic"));
        let sandbox = ending.await.expect("restarting does not panic");

        let all = (0..PAYMENTS).map(|number| (number, pay(number))).collect();
        let (again, ended) = stream(&sandbox.cafe, all).await;
        assert!(ended.is_none() && again.len() as u64 == PAYMENTS, "{ended:?}");
        for (number, outcome) in again {
            let (payment, repeat) = paid(outcome);
            if let Some(told) = told.get(&number) {
                assert!(repeat && *told == payment, "{end:?}: key-{number}");
            }
        }
        let paid = EACH * i64::try_from(PAYMENTS).expect("a few");
        assert_eq!(sandbox.balance("hk-alice").await, 1_000_000 - paid, "{end:?}");
    }
}

/// Nobody waits longer than for a call, and then nobody knows.
#[tokio::test]
async fn what_takes_too_long_is_answered_all_the_same() {
    let directory = tempfile::tempdir().expect("a place for the data");
    let journal = directory.path().join("journal");
    fs::create_dir(&journal).expect("a directory to mount on");
    let Some(lossy) = LossyDisk::mount(&journal) else { return };
    let hasty = ("PAYSWITCHD__REQUESTS__REQUEST_MS_MAX", "500");
    let daemon = Daemon::start(directory.path(), &[], &[SMALL_SEGMENTS, hasty]);
    let cafe = caller(&daemon.merchants, client::sandbox::MERCHANT_KEYS[0].1);
    let frozen = lossy.freeze_at(lossy.disk.operations());
    let batch = v1::AuthorizeBatchRequest { payments: (10..20).map(pay).collect(), atomic: false };
    let (streamed, batch) =
        tokio::join!(stream(&cafe, (0..10).map(|number| (number, pay(number))).collect()), cafe.authorize_batch(batch));
    let outcomes = streamed.0.into_iter().map(|(_, outcome)| outcome).chain(batch.expect("it is answered").outcomes);
    let late: Vec<_> = outcomes.map(refusal).collect();
    assert_eq!(late.len(), 20);
    for refusal in late {
        assert_eq!((refusal.code, refusal.reason.as_str()), (4, "DEADLINE_PASSED"), "{refusal:?}");
    }
    drop(frozen);
    // The daemon's own time for a request may end here too, on a busy machine: then it is asked again.
    for number in 0..20 {
        while let Err(error) = cafe.authorize(pay(number)).await {
            assert!(error.to_string().contains("deadline"), "{error}");
        }
    }
    assert!(support::parties::stop(daemon).await.success());
}

/// It fills all that may wait to be read with small messages, each in a frame of its own. The transport takes too many of
/// those for an attack.
#[tokio::test]
async fn a_stream_whose_answers_are_not_read_waits_and_goes_on() {
    let sandbox = Sandbox::start();
    let mut peer = Peer::connect(&sandbox.daemon.merchants);
    let window = peer.next_of(SETTINGS).setting(INITIAL_WINDOW_SIZE).expect("the daemon says how much may wait");
    // Of the whole connection: larger than what it begins with.
    assert_eq!(peer.next_of(WINDOW_UPDATE).stream, 0);
    let authorization = format!("Bearer {}", client::sandbox::MERCHANT_KEYS[0].1);
    let block = header_block_of("/payswitch.v1.PaymentService/PaymentStream", &[("authorization", &authorization)]);
    peer.send(&[frame(SETTINGS, ACK, 0, &[]), frame(HEADERS, END_HEADERS, 1, &block)].concat());
    let (mut left, mut sent) = (usize::try_from(window).expect("a window fits"), 0_usize);
    loop {
        let request = v1::PaymentStreamRequest { correlation_id: sent as u64, authorize: Some(pay(sent as u64)) };
        let message = framed(&request.encode_to_vec());
        let Some(after) = left.checked_sub(message.len()) else { break };
        peer.send(&frame(DATA, 0, 1, &message));
        (left, sent) = (after, sent + 1);
    }
    peer.send(&frame(DATA, END_STREAM, 1, &[]));
    assert!(sent > 1_024, "more than are under way, {sent}");

    let mut answers = Vec::new();
    let mut take = |peer: &mut Peer| {
        let frame = peer.next().expect("the connection goes on");
        assert!(frame.kind != GOAWAY, "the daemon ends the connection");
        if frame.kind == DATA {
            answers.extend_from_slice(&frame.payload);
        }
        (frame, messages(&answers))
    };
    // What was sent before has been looked at when this is answered, and no more is told than this peer lets in.
    peer.send(&frame(PING, 0, 0, &[1; 8]));
    while !matches!(take(&mut peer).0, Frame { kind: PING, flags: ACK, .. }) {}
    let all = (1_u32 << 24).to_be_bytes();
    peer.send(&[frame(WINDOW_UPDATE, 0, 0, &all), frame(WINDOW_UPDATE, 0, 1, &all)].concat());
    while take(&mut peer).1 < sent {}
}

/// A message behind its length (gRPC over HTTP/2, "Length-Prefixed-Message").
fn framed(message: &[u8]) -> Vec<u8> {
    let length = u32::try_from(message.len()).expect("a short message");
    [&[0], &length.to_be_bytes()[..], message].concat()
}

/// How many whole messages these bytes are.
fn messages(mut bytes: &[u8]) -> usize {
    let mut count = 0;
    while let [_, a, b, c, d, rest @ ..] = bytes {
        let length = usize::try_from(u32::from_be_bytes([*a, *b, *c, *d])).expect("a short message");
        let Some(behind) = rest.get(length..) else { break };
        (bytes, count) = (behind, count + 1);
    }
    count
}

#[tokio::test]
async fn only_merchants_stream_and_only_where_payments_are_made() {
    let sandbox = Sandbox::start();
    let one = || vec![(0, pay(0))];
    for (address, key) in [
        (&sandbox.daemon.merchants, client::sandbox::WALLET_KEY),
        (&sandbox.daemon.merchants, "nobody"),
        (&sandbox.daemon.operators, client::sandbox::MERCHANT_KEYS[0].1),
    ] {
        let caller = caller(address, key);
        let begun = caller.payment_stream().await;
        assert!(matches!(begun, Err(Error::Refused(_))), "{key}");
        let batch = caller.authorize_batch(v1::AuthorizeBatchRequest { payments: vec![pay(0)], atomic: false }).await;
        assert!(matches!(batch, Err(Error::Refused(_))), "{key}: {batch:?}");
    }
    let (told, end) = stream(&sandbox.cafe, one()).await;
    assert!(end.is_none() && told.len() == 1);

    let (_, metrics) = get(&sandbox.daemon, "/metrics");
    let refused = r#"payswitch_calls_refused_total{rpc_method="payswitch.v1.PaymentService/PaymentStream""#;
    assert!(metrics.lines().any(|line| line.starts_with(refused)), "{refused} is not in\n{metrics}");
}
