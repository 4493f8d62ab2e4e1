//! Advices, until they are taken.

use connectors::card_iso8583::{Ended, Unheard};
use domain::Lsn;
use iso8583::{
    Element, Message, Mti,
    field::{NetworkCode, RRN},
};

use crate::{
    house::{House, Told, capture, reversal, settings},
    network::{Network, Peer},
};

fn lsn_of(message: &Message) -> u64 {
    message.require(RRN).expect("a number").as_str().parse().expect("digits")
}

#[tokio::test]
async fn an_advice_is_repeated_until_it_is_taken() {
    let network = Network::open().await;
    let mut settings = settings(&[network.port()]);
    settings.time_outs.advice_answer_ms = 10;
    let mut house = House::open(settings, vec![]);
    let mut peer = network.signed_on().await;
    house.will_say([Err(Unheard)]);
    house.intend(capture(2, 1));
    let first = peer.expect(Mti::FINANCIAL_ADVICE).await;
    for _ in 0..3 {
        let again = peer.expect(Mti::FINANCIAL_ADVICE_REPEAT).await;
        assert!(first.fields().eq(again.fields()), "a repeat says the same");
    }
    peer.answer(&first, "00", &[]).await;
    // Told twice, for the first time it was not heard.
    assert_eq!(house.told().await, Told::Acknowledged(Lsn::new(2)));
    assert_eq!(house.told().await, Told::Acknowledged(Lsn::new(2)));
}

#[tokio::test]
async fn resumed_advices_are_repeats_in_their_order() {
    let network = Network::open().await;
    let resumed = vec![reversal(3, 1), capture(2, 1)];
    let mut house = House::open(settings(&[network.port()]), resumed);
    let mut peer = network.signed_on().await;
    for (lsn, mti) in [(2, Mti::FINANCIAL_ADVICE_REPEAT), (3, Mti::REVERSAL_ADVICE_REPEAT)] {
        let message = peer.expect(mti).await;
        assert_eq!(lsn_of(&message), lsn);
        peer.answer(&message, "00", &[]).await;
        assert_eq!(house.told().await, Told::Acknowledged(Lsn::new(lsn)));
    }
}

#[tokio::test]
async fn messages_of_a_payment_go_one_after_the_other() {
    let network = Network::open().await;
    let mut settings = settings(&[network.port()]);
    settings.advices_in_flight_max = 2;
    let mut house = House::open(settings, vec![]);
    let mut peer = network.signed_on().await;
    for message in [capture(10, 1), capture(11, 1), capture(12, 1), capture(13, 2), capture(14, 3)] {
        house.intend(message);
    }
    let (first, other) = (peer.receive().await, peer.receive().await);
    assert_eq!((lsn_of(&first), lsn_of(&other)), (10, 13));
    let mut take = async |peer: &mut Peer, message: &Message| {
        peer.answer(message, "00", &[]).await;
        assert_eq!(house.told().await, Told::Acknowledged(Lsn::new(lsn_of(message))));
        peer.receive().await
    };
    let third = take(&mut peer, &other).await;
    assert_eq!(lsn_of(&third), 14);
    let second = take(&mut peer, &first).await;
    assert_eq!(lsn_of(&second), 11);
    let last = take(&mut peer, &second).await;
    assert_eq!(lsn_of(&last), 12);
}

#[tokio::test]
async fn what_the_network_does_not_take_is_said_again() {
    let network = Network::open().await;
    let mut house = House::open(settings(&[network.port()]), vec![]);
    let mut peer = network.signed_on().await;
    house.intend(capture(2, 1));
    let mut message = peer.expect(Mti::FINANCIAL_ADVICE).await;
    for code in ["30", "25", "94"] {
        peer.answer(&message, code, &[]).await;
        message = peer.expect(Mti::FINANCIAL_ADVICE_REPEAT).await;
    }
    peer.answer(&message, "00", &[]).await;
    assert_eq!(house.told().await, Told::Acknowledged(Lsn::new(2)));
    // Of a reversal, that there is nothing is as good as that there is nothing more.
    for (lsn, code) in [(3, "25"), (4, "94")] {
        house.intend(reversal(lsn, 1));
        let message = peer.expect(Mti::REVERSAL_ADVICE).await;
        peer.answer(&message, code, &[]).await;
        assert_eq!(house.told().await, Told::Acknowledged(Lsn::new(lsn)));
    }
}

#[tokio::test]
async fn an_advice_waits_for_a_line_and_goes_without_a_number_that_is_gone() {
    let network = Network::open().await;
    let mut house = House::open(settings(&[network.port()]), vec![]);
    house.unbind();
    house.intend(reversal(2, 1));
    let mut peer = network.signed_on().await;
    let message = peer.expect(Mti::REVERSAL_ADVICE).await;
    assert_eq!((message.get(Element::of(2)), message.get(Element::of(14))), (None, None));
    peer.answer(&message, "00", &[]).await;
    assert_eq!(house.told().await, Told::Acknowledged(Lsn::new(2)));
    house.stop();
    peer.expect_network(NetworkCode::SIGN_OFF, "00").await;
    assert_eq!(house.ended().await, (Ended::Drained, vec![]));
}
