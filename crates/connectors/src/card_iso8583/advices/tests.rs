use domain::{Lsn, OriginalMessage};
use proptest::prelude::*;

use super::*;
use crate::card_iso8583::messages::tests::said;

const SETTINGS: AdviceSettings =
    AdviceSettings { back_off: BackOff { min_ms: 1_000, max_ms: 60_000 }, answer_ms: 10_000, in_flight_max: 2 };

const fn at(millis: i64) -> Timestamp {
    Timestamp::EPOCH.plus_millis(millis)
}

const ORIGINAL: OriginalMessage = OriginalMessage { lsn: Lsn::new(1), at: Timestamp::EPOCH, stood_in: false };

fn capture(lsn: u64, payment: u8) -> CardMessage {
    let approval_code = domain::ApprovalCode::new("123456").unwrap();
    said(Lsn::new(lsn), payment, CardMessageKind::Capture { approval_code, original: ORIGINAL })
}

fn reversal(lsn: u64, payment: u8) -> CardMessage {
    said(Lsn::new(lsn), payment, CardMessageKind::Reversal { original: ORIGINAL })
}

fn key(message: &CardMessage) -> TraceKey {
    TraceKey::of(message.lsn, message.at)
}

/// Sends what is due, and tells which record intended it and how it was sent.
fn send(advices: &mut Advices, now: Timestamp) -> Option<(u64, Sending)> {
    let (message, sending) = advices.next(now)?;
    let (lsn, key) = (message.lsn.get(), key(message));
    advices.sent(key, now);
    Some((lsn, sending))
}

fn answer(advices: &mut Advices, message: &CardMessage, code: [u8; 2], now: Timestamp) -> Verdict {
    let answer = AdviceAnswer { key: key(message), code: ResponseCode::new(code).unwrap() };
    advices.answered(mti(&message.kind, Sending::First).response().unwrap(), answer, now)
}

#[test]
fn messages_of_a_payment_follow_each_other_and_those_of_others_do_not_wait() {
    let mut advices = Advices::new(SETTINGS);
    let messages = [capture(10, 1), reversal(11, 1), capture(12, 2), capture(13, 3)];
    for message in messages.clone() {
        advices.add(message, Sending::First, at(0));
    }
    assert_eq!(advices.waiting(), 4);
    assert_eq!(send(&mut advices, at(0)).map(|(lsn, _)| lsn), Some(10));
    assert_eq!(send(&mut advices, at(0)).map(|(lsn, _)| lsn), Some(12));
    assert_eq!(send(&mut advices, at(0)), None, "two are in flight");
    assert_eq!(answer(&mut advices, &messages[1], *b"00", at(1)), Verdict::Unmatched, "it was not sent");
    assert_eq!(answer(&mut advices, &messages[0], *b"00", at(1)), Verdict::Taken(messages[0].clone()));
    assert_eq!(answer(&mut advices, &messages[0], *b"00", at(1)), Verdict::Unmatched, "it was taken before");
    assert_eq!(send(&mut advices, at(1)), Some((13, Sending::First)), "the one that is due longest");
    assert_eq!(answer(&mut advices, &messages[2], *b"00", at(2)), Verdict::Taken(messages[2].clone()));
    assert_eq!(send(&mut advices, at(2)), Some((11, Sending::First)));
    assert_eq!(advices.waiting(), 2);
}

#[test]
fn what_is_not_answered_is_repeated_ever_more_rarely() {
    let mut advices = Advices::new(SETTINGS);
    advices.add(capture(10, 1), Sending::First, at(0));
    let mut now = at(0);
    let mut waits = Vec::new();
    for number in 0..12 {
        let sending = if number == 0 { Sending::First } else { Sending::Repeat };
        assert_eq!(send(&mut advices, now), Some((10, sending)));
        assert_eq!(advices.next_due(true), Some(now.plus_millis(10_000)));
        advices.expire(now.plus_millis(9_999));
        assert_eq!(advices.next(now.plus_millis(9_999)), None);
        advices.expire(now.plus_millis(10_000));
        let due = advices.next_due(true).unwrap();
        assert_eq!((advices.next(due.plus_millis(-1)), advices.next_due(false)), (None, None));
        waits.push(due.millis_since(now) - 10_000);
        now = due;
    }
    let whole = |failed: usize| (1_000_i64 << failed).min(60_000);
    for (failed, wait) in waits.into_iter().enumerate() {
        assert!((whole(failed) / 2..=whole(failed)).contains(&wait), "{failed}: {wait}");
    }
}

#[test]
fn a_resumed_advice_is_a_repeat_and_may_be_answered_before_it_is_sent() {
    let mut advices = Advices::new(SETTINGS);
    let messages = [capture(10, 1), capture(11, 2)];
    for message in messages.clone() {
        advices.add(message, Sending::Repeat, at(0));
    }
    assert_eq!(send(&mut advices, at(0)), Some((10, Sending::Repeat)));
    assert_eq!(answer(&mut advices, &messages[1], *b"00", at(1)), Verdict::Taken(messages[1].clone()));
    assert_eq!(send(&mut advices, at(1)), None);
}

#[test]
fn what_was_not_sent_after_all_is_due_as_it_was() {
    let mut advices = Advices::new(SETTINGS);
    let message = capture(10, 1);
    advices.add(message.clone(), Sending::First, at(0));
    for _ in 0..3 {
        assert_eq!(send(&mut advices, at(5)), Some((10, Sending::First)));
        advices.unsent(key(&message), at(5));
    }
    assert_eq!(send(&mut advices, at(5)), Some((10, Sending::First)));
    advices.expire(at(20_000));
    assert_eq!(send(&mut advices, at(100_000)), Some((10, Sending::Repeat)));
    advices.unsent(key(&message), at(100_000));
    assert_eq!(send(&mut advices, at(100_000)), Some((10, Sending::Repeat)));
}

#[test]
fn a_no_is_told_once_and_asked_again_rarely() {
    let mut advices = Advices::new(SETTINGS);
    let message = capture(10, 1);
    advices.add(message.clone(), Sending::First, at(0));
    assert!(send(&mut advices, at(0)).is_some());
    for code in [*b"25", *b"94", *b"30"] {
        let is_first = code == *b"25";
        let refused = Verdict::Refused { message: message.clone(), is_first };
        assert_eq!(answer(&mut advices, &message, code, at(1)), refused);
    }
    let due = advices.next_due(true).unwrap();
    assert!(due >= at(30_001) && due <= at(60_001), "{due:?}");
    assert_eq!(answer(&mut advices, &message, *b"00", at(2)), Verdict::Taken(message));
    assert_eq!((advices.waiting(), advices.next_due(true)), (0, None));
}

#[test]
fn a_reversal_of_what_is_not_there_is_taken() {
    for code in [*b"00", *b"25", *b"94"] {
        let mut advices = Advices::new(SETTINGS);
        advices.add(reversal(10, 1), Sending::First, at(0));
        assert!(send(&mut advices, at(0)).is_some());
        assert_eq!(answer(&mut advices, &reversal(10, 1), code, at(1)), Verdict::Taken(reversal(10, 1)));
    }
}

#[test]
fn an_answer_of_another_type_is_none() {
    let mut advices = Advices::new(SETTINGS);
    advices.add(reversal(10, 1), Sending::First, at(0));
    assert!(send(&mut advices, at(0)).is_some());
    assert_eq!(answer(&mut advices, &capture(10, 1), *b"00", at(1)), Verdict::Unmatched);
    assert_eq!(advices.waiting(), 1);
}

proptest! {
    #[test]
    fn every_advice_is_taken_in_order_within_its_payment(
        payments in prop::collection::vec(0_u8..4, 1..30),
        steps in prop::collection::vec((0_u8..6, 0_usize..30, 1_i64..30_000), 0..200),
    ) {
        let messages: Vec<_> = (10..).zip(&payments).map(|(lsn, payment)| capture(lsn, *payment)).collect();
        let mut advices = Advices::new(SETTINGS);
        let (mut now, mut added, mut taken) = (at(0), 0, Vec::new());
        // Chance first; then a network that takes all it is sent, until nothing waits.
        let end = std::iter::repeat_n((9, 0, 60_000), 4 * messages.len() + 4);
        for (step, which, millis) in steps.into_iter().chain(end) {
            let chosen = &messages[which % messages.len()];
            match step {
                0 | 9 if added < messages.len() => {
                    let count = if step == 0 { 1 } else { messages.len() - added };
                    for message in &messages[added..added + count] {
                        advices.add(message.clone(), Sending::First, now);
                    }
                    added += count;
                }
                1 => drop(send(&mut advices, now)),
                2 => {
                    if let Verdict::Taken(message) = answer(&mut advices, chosen, *b"00", now) {
                        taken.push(message);
                    }
                }
                3 => drop(answer(&mut advices, chosen, *b"96", now)),
                4 => advices.unsent(key(chosen), now),
                _ => {}
            }
            now = now.plus_millis(millis);
            advices.expire(now);
            while step == 9 && let Some((lsn, _)) = send(&mut advices, now) {
                let message = messages.iter().find(|message| message.lsn.get() == lsn).unwrap();
                let verdict = answer(&mut advices, message, *b"00", now);
                prop_assert_eq!(verdict, Verdict::Taken(message.clone()));
                taken.push(message.clone());
            }
            prop_assert!(advices.in_flight.len() <= SETTINGS.in_flight_max);
            prop_assert_eq!(advices.due.len() + advices.in_flight.len(), advices.firsts.len());
            prop_assert_eq!(advices.firsts.len(), advices.payments.len());
            prop_assert_eq!(advices.waiting(), added - taken.len());
        }
        prop_assert_eq!(taken.len(), messages.len());
        for payment in 0..4 {
            let of_payment = |messages: &[CardMessage]| -> Vec<Lsn> {
                let of = |message: &&CardMessage| message.payment_id == PaymentId::from_bytes([payment; 16]);
                messages.iter().filter(of).map(|message| message.lsn).collect()
            };
            prop_assert_eq!(of_payment(&taken), of_payment(&messages));
        }
    }
}
