//! Sessions on a wire in memory, by a clock that stands still until all wait.

use std::sync::Mutex;

use domain::{CardMessageKind, Lsn};
use tokio::io::{DuplexStream, duplex};

use super::*;
use crate::card_iso8583::{
    Encoding, Host,
    messages::{
        Sending, build,
        tests::{acceptor, said},
    },
};

struct Still;

impl Clock for Still {
    fn now(&self) -> Timestamp {
        Timestamp::EPOCH
    }
}

/// What was reported: the numbers of unsent messages, and types of those that came in.
#[derive(Default)]
struct Notes(Mutex<Vec<String>>);

impl Reports for Notes {
    async fn report(&self, report: Report) {
        self.0.lock().unwrap().push(match report {
            Report::Received(message) => message.mti().to_string(),
            Report::Unsent(message) => format!("unsent {}", message.lsn),
        });
    }
}

fn outgoing(lsn: u64, not_after: Option<Timestamp>) -> Outgoing {
    let message = Box::new(said(Lsn::new(lsn), 1, CardMessageKind::Authorization { answer_by: Timestamp::EPOCH }));
    let built = build(&acceptor(), &message, Sending::First, None).unwrap();
    Outgoing { frame: Frame::new(Encoding::Bcd.spec(), &built).unwrap(), message, not_after }
}

/// A session over a wire that takes so many bytes before they are read, and the wire's other end.
fn session(bytes: usize) -> (Session<Still>, DuplexStream) {
    let (wire, other) = duplex(bytes);
    let host = Host { name: "network.example".to_owned(), port: 1 };
    let settings = Arc::new(LineSettings::new(vec![host], Encoding::Bcd, acceptor()));
    (Session::new(settings, Arc::new(Still), Box::new(wire)), other)
}

#[tokio::test(start_paused = true)]
async fn a_write_that_hangs_ends_a_session_and_what_was_not_begun_is_left_to_hand_back() {
    let (mut session, mut other) = session(64);
    let (hand_in, mut handed_in) = mpsc::channel(3);
    for lsn in 1..=3 {
        hand_in.try_send(outgoing(lsn, None)).unwrap_or_else(|_| panic!("there is room"));
    }
    let (notes, began) = (Notes::default(), Instant::now());
    let end = session.serve(&mut handed_in, &notes).await;
    assert!(matches!(end, End::Late("writing a message")), "{end}");
    assert_eq!(began.elapsed(), millis(session.settings.time_outs.write_ms));
    // The first was begun, so nobody says of it that it was not sent.
    assert!(notes.0.lock().unwrap().is_empty());
    let left: Vec<u64> = std::iter::from_fn(|| handed_in.try_recv().ok()).map(|left| left.message.lsn.get()).collect();
    assert_eq!(left, [2, 3]);
    drop(session);
    let mut written = Vec::new();
    other.read_to_end(&mut written).await.unwrap();
    assert_eq!(written.len(), 64, "half a message");
}

#[tokio::test(start_paused = true)]
async fn what_is_too_late_is_handed_back_and_the_next_is_written() {
    let (mut session, mut other) = session(4_096);
    let (hand_in, mut handed_in) = mpsc::channel(3);
    for (lsn, not_after) in [(1, Some(0)), (2, Some(1)), (3, None)] {
        let not_after = not_after.map(|millis| Timestamp::EPOCH.plus_millis(millis));
        hand_in.try_send(outgoing(lsn, not_after)).unwrap_or_else(|_| panic!("there is room"));
    }
    let expected: Vec<u8> = [2, 3].iter().flat_map(|lsn| outgoing(*lsn, None).frame.rest(0).to_vec()).collect();
    let notes = Notes::default();
    let mut written = vec![0; expected.len()];
    tokio::select! {
        end = session.serve(&mut handed_in, &notes) => panic!("{end}"),
        read = other.read_exact(&mut written) => drop(read.unwrap()),
    }
    assert!(written == expected);
    assert_eq!(*notes.0.lock().unwrap(), ["unsent 1"]);
}

#[tokio::test(start_paused = true)]
async fn a_line_is_tested_when_it_was_silent_and_ends_when_it_stays_so() {
    let (mut session, mut other) = session(4_096);
    let (_hand_in, mut handed_in) = mpsc::channel(1);
    let (notes, began) = (Notes::default(), Instant::now());
    let end = session.serve(&mut handed_in, &notes).await;
    assert!(matches!(end, End::Late("an echo test")), "{end}");
    let time_outs = session.settings.time_outs;
    assert_eq!(began.elapsed(), millis(time_outs.idle_ms) + millis(time_outs.echo_ms));
    drop(session);
    let mut written = Vec::new();
    other.read_to_end(&mut written).await.unwrap();
    assert_eq!(written.get(2..4), Some(&[0x08, 0x00][..]), "{written:?}");
}

#[tokio::test(start_paused = true)]
async fn a_network_that_asks_and_never_reads_is_left() {
    let (mut session, mut other) = session(512);
    let (_hand_in, mut handed_in) = mpsc::channel(1);
    let echo = network(Mti::NETWORK_REQUEST, Timestamp::EPOCH, Stan::new(1).unwrap(), NetworkCode::ECHO);
    let echo = Frame::new(Encoding::Bcd.spec(), &echo).unwrap();
    let notes = Notes::default();
    let flood = async { while other.write_all(echo.rest(0)).await.is_ok() {} };
    let end = tokio::select! {
        end = session.serve(&mut handed_in, &notes) => end,
        () = flood => panic!("the session goes first"),
    };
    assert!(matches!(end, End::Flooded | End::Late("writing a message")), "{end}");
}
