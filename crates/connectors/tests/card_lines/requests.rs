//! Requests and their answers.

use connectors::card_iso8583::{Ended, Heard, Unheard};
use domain::{AnswerCard, CardAnswer, CardApproval, CardBilling, CardMessage, DeclineReason, ResponseCode};
use iso8583::{Element, Mti, field::NetworkCode};
use money::{Currency, Money};

use crate::{
    house::{ANSWER_MS, House, PAN, Told, code, request, reversal, settings},
    network::{Network, answer_to, dead_port},
};

type Fields = &'static [(u8, &'static str)];

const APPROVED: Fields = &[(38, "123456")];

fn to(asked: &CardMessage, answer: CardAnswer) -> AnswerCard {
    AnswerCard { payment_id: asked.payment_id, request: asked.lsn, answer }
}

fn response(code: &str) -> ResponseCode {
    ResponseCode::new(code).expect("a code")
}

fn approved(billing: Option<CardBilling>) -> CardAnswer {
    CardAnswer::Approved(CardApproval { response_code: response("00"), approval_code: code(), billing })
}

#[tokio::test]
async fn issuers_approve_decline_and_approve_in_part() {
    let network = Network::open().await;
    let mut house = House::open(settings(&[network.port()]), vec![]);
    let mut peer = house.up(&network).await;
    let billed = CardBilling { amount: Money::new(Currency::USD, 3_871), rate: Some(71_503_108) };
    const BILLED: Fields = &[APPROVED[0], (6, "000000003871"), (10, "71503108"), (51, "840")];
    let no = CardAnswer::Declined { response_code: response("51"), reason: DeclineReason::CardFunds };
    let part = CardAnswer::Partial { response_code: response("10") };
    let table: [(&str, Fields, CardAnswer); 4] = [
        ("00", APPROVED, approved(None)),
        ("00", BILLED, approved(Some(billed))),
        ("51", &[], no),
        ("10", &[(38, "123456"), (4, "000000010000")], part),
    ];
    for (lsn, (code, fields, answer)) in (1..).zip(table) {
        let asked = request(lsn);
        house.intend(asked.clone());
        let message = peer.expect(Mti::AUTHORIZATION_REQUEST).await;
        assert_eq!(message.text(Element::of(2)), Some(PAN));
        peer.answer(&message, code, fields).await;
        assert_eq!(house.told().await, Told::Answer(to(&asked, answer)));
    }
}

#[tokio::test]
async fn what_does_not_fit_is_dropped_and_what_is_said_twice_is_told_once() {
    let network = Network::open().await;
    let mut house = House::open(settings(&[network.port()]), vec![]);
    let mut peer = house.up(&network).await;
    house.intend(request(1));
    house.intend(request(2));
    let first = peer.expect(Mti::AUTHORIZATION_REQUEST).await;
    let second = peer.expect(Mti::AUTHORIZATION_REQUEST).await;
    for fields in [
        &[APPROVED[0], (4, "000000025749")][..],
        &[APPROVED[0], (4, "000000025751")],
        &[APPROVED[0], (49, "840")],
        &[APPROVED[0], (11, "999999")],
        &[APPROVED[0], (7, "0101000000")],
        &[APPROVED[0], (37, "000000000009")],
        // Approved, and by nothing.
        &[],
    ] {
        peer.answer(&first, "00", fields).await;
    }
    peer.answer(&first, "10", &[(4, "000000025751")]).await;
    peer.answer(&first, "00", APPROVED).await;
    peer.answer(&first, "00", APPROVED).await;
    peer.answer(&first, "05", &[]).await;
    peer.answer(&second, "00", APPROVED).await;
    assert_eq!(house.answer().await, to(&request(1), approved(None)));
    assert_eq!(house.answer().await, to(&request(2), approved(None)));
    house.stop();
    peer.expect_network(NetworkCode::SIGN_OFF, "00").await;
    assert_eq!(house.ended().await, (Ended::Drained, vec![]));
}

#[tokio::test]
async fn an_answer_is_told_until_it_is_heard() {
    let network = Network::open().await;
    let mut house = House::open(settings(&[network.port()]), vec![]);
    let mut peer = house.up(&network).await;
    house.will_say([Err(Unheard), Err(Unheard), Ok(Heard::Recorded)]);
    house.intend(request(1));
    let message = peer.receive().await;
    peer.answer(&message, "00", APPROVED).await;
    for _ in 0..3 {
        assert_eq!(house.answer().await, to(&request(1), approved(None)));
    }
    drop(peer);
    assert_eq!(house.ended().await.1, []);
}

#[tokio::test]
async fn a_late_answer_is_told_once() {
    let network = Network::open().await;
    let mut house = House::open(settings(&[network.port()]), vec![]);
    let mut peer = house.up(&network).await;
    house.will_say([Ok(Heard::NothingOpen), Err(Unheard)]);
    house.intend(request(1));
    house.intend(request(2));
    let messages = [peer.receive().await, peer.receive().await];
    house.jump_ms(ANSWER_MS);
    for (lsn, message) in (1..).zip(&messages) {
        peer.answer(message, "00", APPROVED).await;
        assert_eq!(house.answer().await, to(&request(lsn), approved(None)));
    }
    drop(peer);
    assert_eq!(house.ended().await.1, []);
}

#[tokio::test]
async fn without_a_line_a_request_was_not_sent() {
    let mut house = House::open(settings(&[dead_port().await]), vec![]);
    house.intend(request(1));
    assert_eq!(house.answer().await, to(&request(1), CardAnswer::NotSent));
    assert_eq!(house.ended().await, (Ended::Drained, vec![]));
}

#[tokio::test]
async fn a_line_that_is_not_signed_on_is_none() {
    let network = Network::open().await;
    let mut house = House::open(settings(&[network.port()]), vec![]);
    let mut peer = network.connected().await;
    let sign_on = peer.expect(Mti::NETWORK_REQUEST).await;
    house.intend(request(1));
    assert_eq!(house.answer().await, to(&request(1), CardAnswer::NotSent));
    peer.answer(&sign_on, "00", &[]).await;
    // Until it is known in the house that the line is up, requests are not sent; then they are.
    let mut lsn = 2;
    loop {
        house.intend(request(lsn));
        tokio::select! {
            message = peer.receive() => break assert_eq!(message.mti(), Mti::AUTHORIZATION_REQUEST),
            answer = house.answer() => assert_eq!(answer, to(&request(lsn), CardAnswer::NotSent)),
        }
        lsn += 1;
    }
}

#[tokio::test]
async fn a_request_without_a_number_or_without_time_is_not_sent() {
    let network = Network::open().await;
    let mut house = House::open(settings(&[network.port()]), vec![]);
    let mut peer = house.up(&network).await;
    house.unbind();
    house.intend(request(2));
    assert_eq!(house.answer().await, to(&request(2), CardAnswer::NotSent));
    house.jump_ms(ANSWER_MS - 500);
    house.intend(request(3));
    assert_eq!(house.answer().await, to(&request(3), CardAnswer::NotSent));
    house.stop();
    peer.expect_network(NetworkCode::SIGN_OFF, "00").await;
    assert_eq!(peer.next().await, None);
}

#[tokio::test]
async fn beyond_the_window_a_request_waits_and_then_was_not_sent() {
    let network = Network::open().await;
    let mut settings = settings(&[network.port()]);
    settings.window = 1;
    let wait_ms = i64::from(settings.time_outs.window_wait_ms);
    let mut house = House::open(settings, vec![]);
    let mut peer = house.up(&network).await;
    for lsn in 1..=3 {
        house.intend(request(lsn));
    }
    let first = peer.receive().await;
    peer.answer(&first, "05", &[]).await;
    assert_eq!(house.answer().await.request.get(), 1);
    // The place that it leaves is taken by the next.
    peer.expect(Mti::AUTHORIZATION_REQUEST).await;
    assert!(wait_ms > ANSWER_MS, "it is the request's own time that ends");
    house.jump_ms(ANSWER_MS - 1_000);
    assert_eq!(house.answer().await, to(&request(3), CardAnswer::NotSent));
    house.stop();
    peer.expect_network(NetworkCode::SIGN_OFF, "00").await;
    assert_eq!(house.ended().await, (Ended::Drained, vec![]));
}

#[tokio::test]
async fn what_was_sent_before_a_line_broke_is_answered_on_the_next() {
    let network = Network::open().await;
    let mut house = House::open(settings(&[network.port()]), vec![]);
    let mut peer = house.up(&network).await;
    house.intend(request(1));
    let message = peer.expect(Mti::AUTHORIZATION_REQUEST).await;
    // In the middle of a message.
    peer.send_bytes(&[0, 200, 1, 16]).await;
    drop(peer);
    let mut peer = house.up(&network).await;
    peer.answer(&message, "00", APPROVED).await;
    assert_eq!(house.answer().await, to(&request(1), approved(None)));
    // Nothing was sent again.
    house.stop();
    peer.expect_network(NetworkCode::SIGN_OFF, "00").await;
}

#[tokio::test]
async fn a_resumed_request_is_not_sent_and_its_answer_is_known() {
    let network = Network::open().await;
    let settings = settings(&[network.port()]);
    let mut first = House::open(settings.clone(), vec![]);
    let mut peer = first.up(&network).await;
    first.intend(request(1));
    let message = peer.expect(Mti::AUTHORIZATION_REQUEST).await;
    first.stop();
    peer.expect_network(NetworkCode::SIGN_OFF, "00").await;
    assert_eq!(first.ended().await, (Ended::Drained, vec![]));

    let mut second = House::open(settings, vec![request(1)]);
    let mut peer = second.up(&network).await;
    peer.send(&answer_to(&message, "00", APPROVED)).await;
    assert_eq!(second.answer().await, to(&request(1), approved(None)));
    second.stop();
    peer.expect_network(NetworkCode::SIGN_OFF, "00").await;
}

#[tokio::test]
async fn silence_ends_in_a_reversal_and_the_request_is_not_repeated() {
    let network = Network::open().await;
    let mut house = House::open(settings(&[network.port()]), vec![]);
    let mut peer = house.up(&network).await;
    house.intend(request(1));
    let asked = peer.expect(Mti::AUTHORIZATION_REQUEST).await;
    house.jump_ms(ANSWER_MS);
    house.intend(reversal(2, 1));
    let undone = peer.expect(Mti::REVERSAL_ADVICE).await;
    let original = iso8583::field::OriginalElements::of(&asked).unwrap();
    assert_eq!(undone.require(iso8583::field::ORIGINAL_ELEMENTS), Ok(original));
    peer.answer(&undone, "00", &[]).await;
    assert_eq!(house.told().await, Told::Acknowledged(reversal(2, 1).lsn));
}
