//! A load against a server of the tests' own, which ends its connections as it is told to.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;

use client::Error as CallError;

use super::frame::{self, Head};
use super::*;
use crate::bench::reply;

/// How a connection ends.
#[derive(Clone, Copy, Debug)]
enum End {
    /// Never.
    Stays,
    /// After so many answers, with a farewell that leaves the calls behind them untouched.
    GoesAway(usize),
    /// After so many answers, without a word.
    Breaks(usize),
    /// After so many answers, with nonsense.
    Babbles(usize),
}

impl End {
    const fn answers(self) -> usize {
        match self {
            Self::Stays => usize::MAX,
            Self::GoesAway(answers) | Self::Breaks(answers) | Self::Babbles(answers) => answers,
        }
    }
}

/// Empty messages, empty answers.
#[derive(Debug)]
struct Nothing(Address);

impl Work for Nothing {
    const NOUN: &'static str = "calls";

    type Call = u64;

    fn routes(&self) -> Vec<Route> {
        vec![route(&self.0, "/a/B", &"key".parse().expect("a key"))]
    }

    fn call(&self, number: u64) -> u64 {
        number
    }

    fn write(&self, _: &u64, _: &mut Vec<u8>) -> usize {
        0
    }

    fn kind(_: &u64) -> Kind {
        Kind::Main
    }

    fn check(&self, number: &u64, reply: &[u8], _: Instant) -> (Answer, Option<u64>) {
        assert_eq!(reply::echo_bytes(reply), Ok(0));
        let id = u128::from(*number).to_be_bytes();
        (Answer::Approved(id), None)
    }
}

/// Serves so many connections, each until its end.
fn serve(ends: &[End]) -> Address {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string().parse().unwrap();
    let ends = ends.to_vec();
    thread::spawn(move || {
        for end in ends {
            let (stream, _) = listener.accept().unwrap();
            // A client that has gone is the end too.
            thread::spawn(move || talk(stream, end));
        }
    });
    address
}

fn talk(mut stream: TcpStream, end: End) -> std::io::Result<()> {
    let mut preface = [0; frame::PREFACE.len()];
    stream.read_exact(&mut preface)?;
    let mut said = Vec::new();
    frame::write(&mut said, frame::SETTINGS, 0, 0, &[]);
    let mut answers = 0;
    loop {
        stream.write_all(&said)?;
        said.clear();
        if answers >= end.answers() {
            break;
        }
        let mut bytes = [0; frame::HEAD_BYTES];
        stream.read_exact(&mut bytes)?;
        let (head, _) = Head::read(&bytes).expect("a whole head");
        stream.read_exact(&mut vec![0; head.length])?;
        if head.kind == frame::DATA {
            frame::write(&mut said, frame::HEADERS, frame::END_HEADERS, head.stream, &[0x88]);
            frame::write(&mut said, frame::DATA, 0, head.stream, &[0; 5]);
            let ends = frame::END_HEADERS | frame::END_STREAM;
            frame::write(&mut said, frame::HEADERS, ends, head.stream, b"\0\x0bgrpc-status\x010");
            answers += 1;
        }
    }
    match end {
        End::GoesAway(answers) => {
            let last = u32::try_from(2 * answers - 1).expect("few answers");
            frame::write(&mut said, frame::GOAWAY, 0, 0, &[last.to_be_bytes(), [0; 4]].concat());
        }
        End::Babbles(_) => said.extend_from_slice(b"HTTP/1.1 400 Bad Request\r\n\r\n"),
        End::Stays | End::Breaks(_) => {}
    }
    stream.write_all(&said)?;
    stream.shutdown(std::net::Shutdown::Write)?;
    // Reads on, so that what is still on the way does not become a reset that overtakes the last words.
    std::io::copy(&mut stream, &mut std::io::sink()).map(drop)
}

async fn sent(ends: &[End], in_flight: usize, calls: u64) -> Result<Tally, Error> {
    let address = serve(ends);
    let load = LeanLoad::connect(Nothing(address.clone()), &address, 1, in_flight, &Numbers::default()).await?;
    let (_, tally) = load.closed_loop(Until::Sent(calls)).await?;
    Ok(tally)
}

#[tokio::test(flavor = "current_thread")]
async fn a_closed_loop_sends_exactly_as_many_as_asked() {
    let tally = sent(&[End::Stays], 7, 100).await.unwrap();
    assert_eq!((tally.approved(), tally.repeated, tally.latency_us.len()), (100, 0, 100));
}

#[tokio::test(flavor = "current_thread")]
async fn what_a_farewell_leaves_undone_is_asked_again() {
    let tally = sent(&[End::GoesAway(10), End::GoesAway(1), End::Stays], 8, 60).await.unwrap();
    assert_eq!((tally.approved(), tally.unanswered, tally.troubles.len()), (60, 0, 0));
}

#[tokio::test(flavor = "current_thread")]
async fn what_a_break_leaves_undone_is_unanswered() {
    let tally = sent(&[End::Breaks(10), End::Stays], 8, 60).await.unwrap();
    assert!((1..=8).contains(&tally.unanswered), "{}", tally.unanswered);
    assert_eq!(tally.approved() + tally.unanswered, 60);
}

#[tokio::test(flavor = "current_thread")]
async fn nonsense_ends_the_run() {
    let error = sent(&[End::Babbles(3), End::Stays], 8, 60).await.unwrap_err();
    assert!(error.to_string().contains("does not speak HTTP/2 as it must"), "{error}");
}

#[tokio::test(flavor = "current_thread")]
async fn connections_in_vain_are_made_only_so_often() {
    let error = sent(&[End::Breaks(0); 20], 1, 5).await.unwrap_err();
    assert!(error.to_string().contains("without an answer"), "{error}");
}

#[tokio::test(flavor = "current_thread")]
async fn nobody_there_is_unreachable() {
    let address = serve(&[]);
    let failed = LeanLoad::connect(Nothing(address.clone()), &address, 1, 1, &Numbers::default()).await;
    let error = failed.err().unwrap();
    assert!(matches!(&error, Error::Call { error: CallError::Unreachable { .. }, .. }), "{error:?}");
}

#[tokio::test(flavor = "current_thread")]
async fn an_open_loop_asks_at_its_moments() {
    let address = serve(&[End::Stays, End::Stays]);
    let load = LeanLoad::connect(Nothing(address.clone()), &address, 1, 100, &Numbers::default()).await.unwrap();
    let rate = NonZeroU32::new(5_000).unwrap();
    let (elapsed, tally) = load.open_loop(rate, 100, 50).await.unwrap();
    assert_eq!(tally.approved() + tally.unsent, 50);
    assert!(elapsed >= moment(49, rate), "{elapsed:?}");
}
