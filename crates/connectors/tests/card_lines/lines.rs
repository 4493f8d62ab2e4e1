//! Lines: up, tested, broken, moved to another host, ended.

use std::{path::Path, sync::Arc};

use connectors::card_iso8583::{Ended, Tls, TlsError};
use domain::CardAnswer;
use iso8583::{
    Message, Mti,
    field::{self, NetworkCode, Stan, TransmissionTime},
};

use crate::{
    house::{House, capture, request, settings},
    network::{Network, Peer, dead_port},
};

/// Shows that the line is up.
async fn works(house: &mut House, peer: &mut Peer, lsn: u64) {
    house.intend(request(lsn));
    let message = peer.expect(Mti::AUTHORIZATION_REQUEST).await;
    peer.answer(&message, "05", &[]).await;
    let answer = house.answer().await;
    assert_eq!(answer.request.get(), lsn);
    assert!(matches!(answer.answer, CardAnswer::Declined { .. }), "{answer:?}");
}

fn network_request(code: NetworkCode) -> Message {
    let mut message = Message::new(Mti::NETWORK_REQUEST);
    message.write(field::TRANSMISSION_TIME, &TransmissionTime::new(11, 26, 18, 2, 3).expect("a time"));
    message.write(field::STAN, &Stan::new(4_711).expect("a number"));
    message.write(field::NETWORK_CODE, &code);
    message
}

#[tokio::test]
async fn the_second_host_takes_over_from_one_that_is_down() {
    let network = Network::open().await;
    let mut house = House::open(settings(&[dead_port().await, network.port()]), vec![]);
    let mut peer = house.up(&network).await;
    works(&mut house, &mut peer, 2).await;
}

#[tokio::test]
async fn the_second_host_takes_over_from_one_that_says_no_and_from_one_that_is_silent() {
    let (first, second) = (Network::open().await, Network::open().await);
    let mut settings = settings(&[first.port(), second.port()]);
    settings.time_outs.sign_on_ms = 2_000;
    let mut house = House::open(settings, vec![]);
    let mut peer = first.connected().await;
    peer.expect_network(NetworkCode::SIGN_ON, "91").await;
    assert_eq!(peer.next().await, None);
    drop(house.up(&second).await);
    let mut silent = first.connected().await;
    silent.expect(Mti::NETWORK_REQUEST).await;
    assert_eq!(silent.next().await, None);
    house.up(&second).await;
}

#[tokio::test]
async fn it_is_shown_how_many_lines_are_up_and_what_waits() {
    let network = Network::open().await;
    let mut house = House::open(settings(&[network.port()]), vec![]);
    let line_counts = Arc::clone(&house.line_counts);
    let shown = || (line_counts.lines_up(), line_counts.lines(), line_counts.messages_waiting());
    assert_eq!(shown(), (0, 1, 0));
    let mut peer = house.up(&network).await;
    assert_eq!(shown(), (1, 1, 0));
    house.intend(capture(2, 1));
    house.intend(capture(3, 2));
    let advice = peer.expect(Mti::FINANCIAL_ADVICE).await;
    peer.expect(Mti::FINANCIAL_ADVICE).await;
    assert_eq!(shown(), (1, 1, 2));
    peer.answer(&advice, "00", &[]).await;
    house.told().await;
    assert_eq!(shown(), (1, 1, 1));
    let ending = house.ended();
    let signing_off = peer.expect_network(NetworkCode::SIGN_OFF, "00");
    let ((ended, _), ()) = tokio::join!(ending, signing_off);
    assert_eq!((ended, shown()), (Ended::Drained, (0, 1, 1)));
}

#[tokio::test]
async fn garbage_closes_a_line_and_it_comes_back() {
    let network = Network::open().await;
    let mut house = House::open(settings(&[network.port()]), vec![]);
    // No message, a longer frame than is taken, and a good answer with garbage behind it.
    for (lsn, garbage) in (1..).zip([&[0, 3, 9, 9, 9][..], &[0xFF, 0xFF], &[0, 2, 0x02, 0x00]]) {
        let mut peer = house.up(&network).await;
        house.intend(request(lsn + 100));
        let message = peer.expect(Mti::AUTHORIZATION_REQUEST).await;
        peer.answer(&message, "05", &[]).await;
        peer.send_bytes(garbage).await;
        assert_eq!(house.answer().await.request.get(), lsn + 100);
        assert_eq!(peer.next().await, None);
    }
    let mut peer = house.up(&network).await;
    works(&mut house, &mut peer, 10).await;
}

#[tokio::test]
async fn a_silent_line_is_tested_and_closed_where_it_stays_silent() {
    let network = Network::open().await;
    let mut settings = settings(&[network.port()]);
    (settings.time_outs.idle_ms, settings.time_outs.echo_ms) = (10, 2_000);
    let _house = House::open(settings, vec![]);
    let mut peer = network.signed_on().await;
    for _ in 0..3 {
        peer.expect_network(NetworkCode::ECHO, "00").await;
    }
    peer.expect(Mti::NETWORK_REQUEST).await;
    assert_eq!(peer.next().await, None);
    network.signed_on().await;
}

#[tokio::test]
async fn the_networks_own_tests_are_answered_and_its_sign_off_closes_the_line() {
    let network = Network::open().await;
    let mut house = House::open(settings(&[network.port()]), vec![]);
    let mut peer = house.up(&network).await;
    let echo = network_request(NetworkCode::ECHO);
    // An empty frame says that the link lives, and wants no answer.
    peer.send_bytes(&iso8583::frame::KEEP_ALIVE).await;
    peer.send(&echo).await;
    let answer = peer.expect(Mti::NETWORK_RESPONSE).await;
    assert_eq!(answer, crate::network::answer_to(&echo, "00", &[]));
    let keys = network_request(NetworkCode::new(161).expect("three digits"));
    peer.send(&keys).await;
    assert_eq!(peer.expect(Mti::NETWORK_RESPONSE).await, crate::network::answer_to(&keys, "12", &[]));
    works(&mut house, &mut peer, 2).await;
    peer.send(&network_request(NetworkCode::SIGN_OFF)).await;
    peer.expect(Mti::NETWORK_RESPONSE).await;
    assert_eq!(peer.next().await, None);
    network.signed_on().await;
}

#[tokio::test]
async fn lines_share_what_is_sent() {
    let network = Network::open().await;
    let mut settings = settings(&[network.port()]);
    (settings.lines, settings.window) = (2, 1);
    let mut house = House::open(settings, vec![]);
    let (mut one, mut other) = (network.signed_on().await, network.signed_on().await);
    // Only once both are up is there room for two.
    for lsn in [1, 2] {
        house.intend(capture(lsn, u8::try_from(lsn).unwrap()));
    }
    for peer in [&mut one, &mut other] {
        let message = peer.expect(Mti::FINANCIAL_ADVICE).await;
        peer.answer(&message, "00", &[]).await;
        house.told().await;
    }
    house.intend(request(10));
    house.intend(request(11));
    let (first, second) = (one.receive().await, other.receive().await);
    // Each is answered on the other line.
    one.answer(&second, "05", &[]).await;
    other.answer(&first, "05", &[]).await;
    let mut answered = [house.answer().await.request.get(), house.answer().await.request.get()];
    answered.sort_unstable();
    assert_eq!(answered, [10, 11]);
}

#[tokio::test]
async fn a_network_that_does_not_let_go_is_cut() {
    let network = Network::open().await;
    let mut settings = settings(&[network.port()]);
    settings.time_outs.drain_ms = 50;
    let mut house = House::open(settings, vec![]);
    let mut peer = house.up(&network).await;
    house.stop();
    peer.expect(Mti::NETWORK_REQUEST).await;
    assert_eq!(house.ended().await, (Ended::Cut, vec![]));
    assert_eq!(peer.next().await, None);
}

#[tokio::test]
async fn it_ends_where_nobody_can_intend_anything_any_more() {
    let network = Network::open().await;
    let mut house = House::open(settings(&[network.port()]), vec![]);
    let mut peer = house.up(&network).await;
    let (other, _) = tokio::sync::mpsc::unbounded_channel();
    house.intents = other;
    peer.expect_network(NetworkCode::SIGN_OFF, "00").await;
}

#[tokio::test]
async fn a_secured_line_goes_to_a_network_that_a_root_vouches_for_and_to_no_other() {
    let (network, root) = Network::secured().await;
    let (_other_network, other_root) = Network::secured().await;
    let mut settings = settings(&[network.port()]);
    settings.tls = Some(Tls::with_roots_of(other_root.path()).unwrap());
    let stranger = House::open(settings.clone(), vec![]);
    assert!(network.shaken_hands().await.is_none());
    drop(stranger.ended().await);
    settings.tls = Some(Tls::with_roots_of(root.path()).unwrap());
    let mut house = House::open(settings, vec![]);
    let mut peer = house.up(&network).await;
    works(&mut house, &mut peer, 1).await;
    house.stop();
    peer.expect_network(NetworkCode::SIGN_OFF, "00").await;
    assert_eq!(house.ended().await, (Ended::Drained, vec![]));
}

#[test]
fn without_a_root_there_is_no_tls() {
    let file = |name: &str| Path::new(env!("CARGO_MANIFEST_DIR")).join(name);
    assert!(matches!(Tls::with_roots_of(&file("no-such-file.pem")), Err(TlsError::Read(_))));
    assert!(matches!(Tls::with_roots_of(&file("Cargo.toml")), Err(TlsError::NoRoot)));
}
