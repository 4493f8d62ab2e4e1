//! What a connection may do, tried by peers that speak HTTP/2 by hand. The transport leaves three limits open unless it
//! is told: streams, resets that a peer makes the server send, and silence.

mod support;

use std::io::{ErrorKind, Read, Write};

use support::{
    Daemon,
    frames::{
        END_HEADERS, ENHANCE_YOUR_CALM, GOAWAY, HEADERS, MAX_CONCURRENT_STREAMS, MAX_HEADER_LIST_SIZE, NO_ERROR,
        PREFACE, Peer, REFUSED_STREAM, RST_STREAM, SETTINGS, WINDOW_UPDATE, call, frame, header_block, is_end, silent,
    },
    parties::{SMALL_SEGMENTS, caller, decided, money, operator, payment},
};
use tempfile::TempDir;
use wire::v1::PaymentState;

fn start(environment: &[(&str, &str)]) -> (TempDir, Daemon) {
    let directory = TempDir::new().expect("a temporary directory");
    let daemon = Daemon::start(directory.path(), &[], &[&[SMALL_SEGMENTS], environment].concat());
    (directory, daemon)
}

/// The stream of the nth call of a client.
fn stream(call: u32) -> u32 {
    call * 2 + 1
}

#[test]
fn both_listeners_say_their_limits_in_their_settings() {
    let (_directory, daemon) = start(&[]);
    for address in [&daemon.merchants, &daemon.operators] {
        let settings = Peer::connect(address).next_of(SETTINGS);
        assert_eq!(settings.setting(MAX_CONCURRENT_STREAMS), Some(100));
        assert_eq!(settings.setting(MAX_HEADER_LIST_SIZE), Some(8_192));
    }
}

#[test]
fn streams_beyond_the_limit_are_refused() {
    let (_directory, daemon) = start(&[]);
    let mut peer = Peer::connect(&daemon.merchants);
    for number in 0..250 {
        peer.send(&call(stream(number)));
    }
    let frames = peer.round_trip();
    let resets: Vec<_> = frames.iter().filter(|frame| frame.kind == RST_STREAM).collect();
    assert_eq!(resets.len(), 150);
    assert!(resets.iter().all(|reset| reset.number(0) == REFUSED_STREAM));
    assert!(resets.iter().all(|reset| reset.stream > stream(99)), "the first hundred stay open");
}

/// A window beyond 2^31 - 1 octets is an error of its stream (RFC 9113, section 6.9.1): the server must reset it, which
/// costs it more than the peer.
#[test]
fn a_peer_that_makes_the_server_reset_streams_is_cut() {
    let (_directory, daemon) = start(&[]);
    let mut peer = Peer::connect(&daemon.merchants);
    let spoil = |numbers: std::ops::Range<u32>| {
        let beyond = 0x7fff_ffff_u32.to_be_bytes();
        numbers
            .flat_map(move |number| [call(stream(number)), frame(WINDOW_UPDATE, 0, stream(number), &beyond)].concat())
    };
    for begin in (0..1_000).step_by(50) {
        peer.send(&spoil(begin..begin + 50).collect::<Vec<u8>>());
        let frames = peer.round_trip();
        assert!(frames.iter().all(|frame| frame.kind != GOAWAY), "a thousand are not yet too many");
    }

    peer.send(&spoil(1_000..1_100).collect::<Vec<u8>>());
    let gone_away = peer.next_of(GOAWAY);
    let why = String::from_utf8_lossy(&gone_away.payload[8..]).into_owned();
    assert_eq!((gone_away.number(4), why.as_str()), (ENHANCE_YOUR_CALM, "too_many_internal_resets"));
    while peer.next().is_some() {}
}

/// Reads until the daemon closes the connection.
fn read_to_end(mut stream: impl Read) {
    match stream.read_to_end(&mut Vec::new()) {
        Ok(_) => {}
        Err(error) if is_end(&error) => {}
        Err(error) => panic!("cannot read: {error}"),
    }
}

#[test]
fn silent_and_half_open_connections_are_closed() {
    let (_directory, daemon) = start(&[("PAYSWITCHD__CONNECTIONS__FIRST_BYTES_MS_MAX", "200")]);
    let begun = [PREFACE, &frame(SETTINGS, 0, 0, &[])].concat();
    let mut speaking = Peer::connect(&daemon.merchants);
    for address in [&daemon.merchants, &daemon.operators] {
        for said in [0, 1, PREFACE.len(), begun.len() - 1] {
            let mut peer = silent(address);
            peer.write_all(&begun[..said]).expect("the daemon reads");
            read_to_end(peer);
        }
    }
    assert!(speaking.round_trip().iter().any(|frame| frame.kind == SETTINGS), "who speaks HTTP/2 is not cut");
}

#[test]
fn connections_beyond_the_limit_wait_until_another_ends() {
    let (_directory, daemon) = start(&[("PAYSWITCHD__CONNECTIONS__CONNECTIONS_MAX", "2")]);
    let mut first = Peer::connect(&daemon.merchants);
    let mut second = Peer::connect(&daemon.merchants);
    first.next_of(SETTINGS);
    second.next_of(SETTINGS);
    let mut third = Peer::connect(&daemon.merchants);
    // The daemon has gone round several times since the third connected, and has not said a word to it.
    for _ in 0..100 {
        first.round_trip();
        second.round_trip();
    }
    third.stream.set_nonblocking(true).expect("a socket can be polled");
    let polled = third.stream.read(&mut [0; 1]);
    assert_eq!(polled.expect_err("nothing was said").kind(), ErrorKind::WouldBlock);
    third.stream.set_nonblocking(false).expect("a socket can be waited for");

    drop(first);
    third.next_of(SETTINGS);
    second.round_trip();
}

/// A connection that is cut gives its place back.
#[test]
fn silent_connections_do_not_use_up_the_limit() {
    let (_directory, daemon) = start(&[
        ("PAYSWITCHD__CONNECTIONS__CONNECTIONS_MAX", "4"),
        ("PAYSWITCHD__CONNECTIONS__FIRST_BYTES_MS_MAX", "100"),
    ]);
    let silent: Vec<_> = (0..16).map(|_| silent(&daemon.merchants)).collect();
    Peer::connect(&daemon.merchants).next_of(SETTINGS);
    drop(silent);
}

#[test]
fn headers_beyond_the_limit_are_refused() {
    let (_directory, daemon) = start(&[]);
    let mut peer = Peer::connect(&daemon.merchants);
    let long = "x".repeat(9_000);
    peer.send(&frame(HEADERS, END_HEADERS, 1, &header_block(&[("authorization", &long)])));
    // Status 431 (RFC 6585, section 5) or a reset; in either case no handler saw it.
    let answer = loop {
        let frame = peer.next().expect("the connection goes on");
        if frame.stream == 1 {
            break frame;
        }
    };
    assert!(matches!(answer.kind, HEADERS | RST_STREAM), "{}", answer.kind);
    peer.round_trip();
}

const SHORT_LIVES: [(&str, &str); 2] = [
    ("PAYSWITCHD__CONNECTIONS__CONNECTION_AGE_MS_MAX", "200"),
    ("PAYSWITCHD__CONNECTIONS__CONNECTION_GRACE_MS", "200"),
];

#[test]
fn a_connection_of_age_is_asked_to_end() {
    let (_directory, daemon) = start(&SHORT_LIVES);
    for address in [&daemon.merchants, &daemon.operators] {
        let mut peer = Peer::connect(address);
        let goaway = peer.next_of(GOAWAY);
        assert_eq!(goaway.number(4), NO_ERROR);
    }
}

/// A call that is never finished does not keep its connection.
#[test]
fn a_connection_that_does_not_end_when_asked_is_cut() {
    let (_directory, daemon) = start(&SHORT_LIVES);
    for address in [&daemon.merchants, &daemon.operators] {
        let mut peer = Peer::connect(address);
        peer.send(&call(stream(0)));
        peer.next_of(GOAWAY);
        // The call is not finished, and nothing is answered any more.
        while peer.next().is_some() {}
    }
}

/// Asks until it is decided: a call that meets the end of its connection may go unanswered.
async fn pay(cafe: &client::Client, name: &str) {
    for _ in 0..10 {
        match cafe.authorize(payment(name, name, "hk-alice", money("CNY", 1))).await {
            Err(error) if error.outcome_is_unknown() => {}
            answer => {
                assert_eq!(decided(answer).state(), PaymentState::Captured, "{name}");
                return;
            }
        }
    }
    panic!("{name} was never decided");
}

/// Connections come and go, and every payment is made, once.
#[tokio::test]
async fn payments_outlive_the_connections_they_are_asked_on() {
    let (_directory, daemon) = start(&SHORT_LIVES);
    let cafe = caller(&daemon.merchants, client::sandbox::MERCHANT_KEYS[0].1);
    let address = daemon.merchants.clone();
    let lives = std::thread::spawn(move || {
        for _ in 0..5 {
            let mut peer = Peer::connect(&address);
            while peer.next().is_some() {}
        }
    });
    let mut paid = 0;
    while !lives.is_finished() {
        pay(&cafe, &format!("payment {paid}")).await;
        paid += 1;
    }
    lives.join().expect("every connection of the other peer ended");
    let operator = operator(&daemon.operators, client::sandbox::OPERATOR_KEY);
    assert_eq!(operator.status().await.expect("the operator may ask").payments_captured, paid);
}
