//! A network over real sockets, and a switch that is only as much of one as is needed here.

#![allow(clippy::unwrap_used, reason = "what tests share may do what tests may")]

use std::future::pending;
use std::net::SocketAddr;
use std::sync::Arc;

use cardnet::{BooksFileError, Error, Limits, Network, Scripts, Settings, SettingsError, spec_named};
use iso8583::field::{self, ApprovalCode, NetworkCode};
use iso8583::{Element, Message, Mti};
use tokio::sync::oneshot;

mod client;

use client::{Client, about, code, message, network_request, request, stan};

/// A network that answers until the test ends.
async fn begin(settings: Settings) -> Arc<Network> {
    let network = Arc::new(Network::bind(settings).await.unwrap());
    let running = Arc::clone(&network);
    tokio::spawn(async move { running.run(pending()).await });
    network
}

/// A network by this script for all cards, and a line to it.
async fn played(script: &str) -> (Arc<Network>, Client) {
    let scripts = Scripts::all(script.parse().unwrap());
    let network = begin(Settings { scripts, ..Settings::default() }).await;
    let client = Client::signed_on(network.addresses()[0], "bcd").await;
    (network, client)
}

#[tokio::test]
async fn a_payment_lives_its_whole_life_in_every_spec() {
    for spec in ["ascii", "ebcdic", "bcd"] {
        let network = begin(Settings { spec: spec_named(spec).unwrap(), ..Settings::default() }).await;
        let mut client = Client::signed_on(network.addresses()[0], spec).await;
        let asked = request(1, "CNY 10");
        let answer = client.ask(&asked).await;
        assert_eq!((code(&answer), answer.mti()), ("00", Mti::AUTHORIZATION_RESPONSE));
        let capture = about(&asked, message(Mti::FINANCIAL_ADVICE, 2, "CNY 8"));
        let refund = {
            let mut refund = about(&asked, message(Mti::FINANCIAL_ADVICE, 3, "CNY 3"));
            refund.write(field::PROCESSING_CODE, &field::ProcessingCode::REFUND);
            refund
        };
        let stand_in = {
            let mut stand_in = message(Mti::AUTHORIZATION_ADVICE_REPEAT, 4, "CNY 5");
            stand_in.write(field::APPROVAL_CODE, &ApprovalCode::new("STIP01").unwrap());
            stand_in
        };
        let reversal = about(&stand_in, message(Mti::REVERSAL_ADVICE, 5, "CNY 5"));
        for advice in [&capture, &refund, &stand_in, &reversal, &reversal] {
            let answer = client.ask(advice).await;
            assert_eq!((code(&answer), Some(answer.mti())), ("00", advice.mti().response()));
        }
        assert_eq!(code(&client.ask(&network_request(NetworkCode::SIGN_OFF)).await), "00");
        client.send(&[&asked]).await;
        assert_eq!(client.receive().await, None, "nothing is answered after a sign-off");
        let books = network.books();
        assert_eq!(books.authorizations().count(), 2);
        assert_eq!(books.open().count(), 0);
        let total = books.totals().into_values().next().unwrap();
        assert_eq!(total.owed, money::Money::parse("CNY 5").unwrap());
    }
}

#[tokio::test]
async fn what_is_asked_in_another_currency_is_billed_by_the_worked_example() {
    let billing = cardnet::Billing::default().with_rate("CNY/USD=0.1503108").unwrap();
    let billing = billing.with_others(money::Currency::from_code("USD").unwrap());
    let network = begin(Settings { billing, ..Settings::default() }).await;
    let mut client = Client::signed_on(network.addresses()[0], "bcd").await;
    let answer = client.ask(&request(1, "CNY 257.50")).await;
    for (number, value) in [(4, "000000025750"), (6, "000000003871"), (10, "71503108"), (49, "156"), (51, "840")] {
        assert_eq!(answer.text(Element::of(number)), Some(value), "DE {number}");
    }
}

/// After the request an echo is asked. Where the request is not answered before, its answer is not the first.
#[tokio::test]
async fn scripts_without_an_answer_in_time_approve_all_the_same() {
    for script in ["silent", "late:600000"] {
        let (network, mut client) = played(script).await;
        client.send(&[&request(1, "CNY 10"), &network_request(NetworkCode::ECHO)]).await;
        assert_eq!(client.answer().await.mti(), Mti::NETWORK_RESPONSE, "{script}");
        assert_eq!(network.books().open().count(), 1, "{script}");
    }
}

#[tokio::test]
async fn scripts_that_answer_answer_as_they_say() {
    for (script, codes) in [
        ("approve", &["00"][..]),
        ("decline:51", &["51"]),
        ("partial:50", &["10"]),
        ("slow:1", &["00"]),
        ("duplicate", &["00", "00"]),
    ] {
        let (network, mut client) = played(script).await;
        client.send(&[&request(1, "CNY 10")]).await;
        for expected in codes {
            assert_eq!(code(&client.answer().await), *expected, "{script}");
        }
        assert_eq!(client.ask(&network_request(NetworkCode::ECHO)).await.mti(), Mti::NETWORK_RESPONSE, "{script}");
        assert_eq!(network.books().authorizations().count(), usize::from(script != "decline:51"));
    }
}

#[tokio::test]
async fn answers_change_places() {
    let (network, mut client) = played("out-of-order").await;
    client.send(&[&request(1, "CNY 10"), &request(2, "CNY 10"), &request(3, "CNY 10")]).await;
    client.send(&[&network_request(NetworkCode::ECHO)]).await;
    let mut order = Vec::new();
    for _ in 0..4 {
        order.push(stan(&client.answer().await));
    }
    assert_eq!(order, [2, 1, client::ECHO_STAN, 3]);
    assert_eq!(network.books().open().count(), 3);
}

#[tokio::test]
async fn garbage_is_no_message_of_any_spec_and_the_line_goes_on() {
    let (network, mut client) = played("garbage").await;
    client.send(&[&request(1, "CNY 10")]).await;
    let bytes = client.receive().await.unwrap();
    for spec in ["ascii", "ebcdic", "bcd"] {
        assert!(iso8583::decode(spec_named(spec).unwrap(), &bytes).is_err());
    }
    assert_eq!(client.ask(&network_request(NetworkCode::ECHO)).await.mti(), Mti::NETWORK_RESPONSE);
    assert_eq!(network.books().open().count(), 1);
}

#[tokio::test]
async fn half_an_answer_comes_before_the_line_is_closed() {
    let (network, mut client) = played("disconnect").await;
    client.send(&[&request(1, "CNY 10")]).await;
    assert_eq!(client.receive().await, None);
    assert!(client.is_within_a_frame());
    assert_eq!(network.books().open().count(), 1);
}

#[tokio::test]
async fn a_wrong_amount_is_one_more() {
    let (network, mut client) = played("wrong-amount").await;
    let answer = client.ask(&request(1, "CNY 10")).await;
    assert_eq!(answer.text(Element::of(4)), Some("000000001001"));
    assert_eq!(network.books().open().next().unwrap().1.amount.minor_units(), 1_000);
}

#[tokio::test]
async fn advices_are_refused_or_lost_first() {
    let approval = |number| {
        let mut stand_in = message(Mti::AUTHORIZATION_ADVICE, number, "CNY 10");
        stand_in.write(field::APPROVAL_CODE, &ApprovalCode::new("STIP01").unwrap());
        stand_in
    };
    let (network, mut client) = played("refuse-advices:1").await;
    assert_eq!(code(&client.ask(&approval(1)).await), "96");
    assert_eq!(network.books().open().count(), 0);
    assert_eq!(code(&client.ask(&approval(1)).await), "00");
    assert_eq!(network.books().open().count(), 1);
    let (network, mut client) = played("lose-advices:1").await;
    client.send(&[&approval(1), &network_request(NetworkCode::ECHO)]).await;
    assert_eq!(client.answer().await.mti(), Mti::NETWORK_RESPONSE);
    assert_eq!(network.books().open().count(), 1);
    assert_eq!(code(&client.ask(&approval(1)).await), "00");
    assert_eq!(network.books().open().count(), 1);
}

#[tokio::test]
async fn a_reversal_that_comes_first_wins() {
    let (network, mut client) = played("approve").await;
    let asked = request(1, "CNY 10");
    assert_eq!(code(&client.ask(&about(&asked, message(Mti::REVERSAL_ADVICE, 2, "CNY 10"))).await), "00");
    assert_eq!(code(&client.ask(&asked).await), "94");
    assert_eq!(network.books().authorizations().count(), 0);
}

#[tokio::test]
async fn two_hosts_have_one_book() {
    let address = SocketAddr::from(([127, 0, 0, 1], 0));
    let network = begin(Settings { addresses: vec![address; 2], delay_ms: 1, ..Settings::default() }).await;
    let [one, other] = network.addresses() else { panic!("two addresses") };
    assert_ne!(one, other);
    let (mut one, mut other) = (Client::signed_on(*one, "bcd").await, Client::signed_on(*other, "bcd").await);
    let asked = request(1, "CNY 10");
    let answer = one.ask(&asked).await;
    assert_eq!(other.ask(&asked).await, answer, "a repeat on another line");
    assert_eq!(code(&other.ask(&about(&asked, message(Mti::REVERSAL_ADVICE, 2, "CNY 10"))).await), "00");
    assert!(network.books().authorizations().next().unwrap().1.reversed);
}

#[tokio::test]
async fn hostile_bytes_close_their_line_alone() {
    let network = begin(Settings::default()).await;
    let address = network.addresses()[0];
    let mut client = Client::signed_on(address, "bcd").await;
    for bytes in
        [&b"GET / HTTP/1.1\r\n\r\n"[..], b"\x00\x01\x00", b"\xFF\xFF", b"\x00\x04\x01\x00\x00\x00", &[0x10; 4098]]
    {
        let mut hostile = Client::signed_on(address, "bcd").await;
        hostile.send_bytes(bytes).await;
        assert_eq!(hostile.receive().await, None, "{bytes:x?}");
    }
    let mut unsigned = Client::connected(address, "bcd").await;
    unsigned.send(&[&request(1, "CNY 10")]).await;
    assert_eq!(unsigned.receive().await, None, "it has not signed on");
    let mut answering = Client::signed_on(address, "bcd").await;
    answering.send(&[&Message::new(Mti::AUTHORIZATION_RESPONSE)]).await;
    assert_eq!(answering.receive().await, None, "nothing was asked of it");
    assert_eq!(code(&client.ask(&request(1, "CNY 10")).await), "00");
}

#[tokio::test]
async fn a_line_that_reads_nothing_holds_up_no_other() {
    let limits = Limits { in_flight_max: 2, ..Limits::DEFAULT };
    let network = begin(Settings { limits, ..Settings::default() }).await;
    let mut slow = Client::signed_on(network.addresses()[0], "bcd").await;
    let mut client = Client::signed_on(network.addresses()[0], "bcd").await;
    let echoes = vec![network_request(NetworkCode::ECHO); 1000];
    // It fills what buffers there are and then waits.
    let stuck = tokio::spawn(async move { slow.send_for_ever(&echoes).await });
    for number in 1..200 {
        assert_eq!(code(&client.ask(&request(number, "CNY 10")).await), "00");
    }
    stuck.abort();
}

#[tokio::test]
async fn one_line_more_than_allowed_is_closed() {
    let limits = Limits { connections_max: 1, ..Limits::DEFAULT };
    let network = begin(Settings { limits, ..Settings::default() }).await;
    let mut one = Client::signed_on(network.addresses()[0], "bcd").await;
    assert_eq!(Client::connected(network.addresses()[0], "bcd").await.receive().await, None);
    assert_eq!(code(&one.ask(&request(1, "CNY 10")).await), "00");
}

#[tokio::test]
async fn the_books_outlive_the_network() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("books");
    let settings = || Settings { books_path: Some(path.clone()), ..Settings::default() };
    let (asked, other) = (request(1, "CNY 10"), request(2, "CNY 5"));
    let reversal = about(&other, message(Mti::REVERSAL_ADVICE, 3, "CNY 5"));
    let (books, answers) = {
        let network = Arc::new(Network::bind(settings()).await.unwrap());
        let (stop, stopped) = oneshot::channel::<()>();
        let running = Arc::clone(&network);
        let run = tokio::spawn(async move { running.run(async { stopped.await.unwrap_or(()) }).await });
        let mut client = Client::signed_on(network.addresses()[0], "bcd").await;
        let mut answers = Vec::new();
        for message in [&asked, &other, &reversal] {
            answers.push(client.ask(message).await);
            // What was answered is in the file, whatever becomes of the network now.
            let text = std::fs::read_to_string(&path).unwrap();
            assert_eq!(cardnet::Books::read(&text), Ok(network.books()));
            assert!(!text.contains(client::CARD));
        }
        let again = Network::bind(settings()).await;
        assert!(matches!(again, Err(Error::Books(BooksFileError::File { what: "lock", .. }))), "{again:?}");
        stop.send(()).unwrap();
        run.await.unwrap().unwrap();
        assert_eq!(client.receive().await, None, "lines are closed when it is shut down");
        (network.books(), answers)
    };
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, format!("{text}captured 2026-11-26T17:3")).unwrap();
    let network = begin(settings()).await;
    assert_eq!(network.books(), books);
    assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
    let mut client = Client::signed_on(network.addresses()[0], "bcd").await;
    for (message, answer) in [&asked, &other, &reversal].into_iter().zip(answers) {
        assert_eq!(client.ask(message).await, answer);
    }
    let next = client.ask(&request(4, "CNY 1")).await;
    assert_eq!(next.text(Element::of(38)), Some("000003"));
}

#[tokio::test]
async fn books_that_are_none_are_refused_by_their_line() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("books");
    std::fs::write(&path, "approved\n").unwrap();
    let bound = Network::bind(Settings { books_path: Some(path), ..Settings::default() }).await;
    assert!(matches!(bound, Err(Error::Books(BooksFileError::Content { source, .. })) if source.line == 1));
}

#[tokio::test]
async fn impossible_settings_are_refused() {
    let default = Settings::default;
    let limits = |in_flight_max| Limits { in_flight_max, ..Limits::DEFAULT };
    for (settings, expected) in [
        (Settings { addresses: Vec::new(), ..default() }, SettingsError::Addresses),
        (Settings { delay_ms: cardnet::DELAY_MS_MAX + 1, ..default() }, SettingsError::Delay),
        (Settings { limits: limits(0), ..default() }, SettingsError::Limit("in_flight_max")),
        (Settings { limits: limits(usize::MAX), ..default() }, SettingsError::Limit("in_flight_max")),
    ] {
        let bound = Network::bind(settings).await;
        assert!(matches!(bound, Err(Error::Settings(error)) if error == expected), "{expected:?}");
    }
}
