//! The network without a daemon before it: requests over as many lines as the daemon has.

use std::{
    collections::HashMap,
    net::SocketAddr,
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, Instant},
};

use iso8583::{
    Message, Mti, Spec, decode, encode,
    field::{self, NetworkCode, ResponseCode, Stan},
    frame::{self, Deframer},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    task::JoinSet,
};

use crate::{Error, daemon::LINES, measured::Slice, network::Speed};

const READ_BYTES: usize = 4_096;
const FRAME_BYTES_MAX: u16 = 4_096;

/// The next request's number, in the whole run: no two have the same trace.
static NEXT: AtomicU64 = AtomicU64::new(1);

/// Asks for approvals, so many of them without an answer at any time, for so long.
pub(crate) async fn ask(address: SocketAddr, speed: Speed, callers: u32, during: Duration) -> Result<Slice, Error> {
    let begun = Instant::now();
    let mut lines = JoinSet::new();
    let used = callers.min(LINES.into());
    for number in 0..used {
        let callers = (callers + number) / used;
        lines.spawn(async move { Line::open(address).await?.ask(speed, callers, begun + during).await });
    }
    let mut latencies = Vec::new();
    while let Some(line) = lines.join_next().await {
        latencies.extend(line.expect("a line does not panic")?);
    }
    Ok(Slice::new(latencies, begun.elapsed(), None))
}

struct Line {
    stream: TcpStream,
    deframer: Deframer,
    buffer: Box<[u8; READ_BYTES]>,
    spec: &'static Spec,
}

fn local(tried: &'static str) -> impl FnOnce(std::io::Error) -> Error {
    move |source| Error::Local { tried, source }
}

impl Line {
    async fn open(address: SocketAddr) -> Result<Self, Error> {
        let stream = TcpStream::connect(address).await.map_err(local("connect to the network"))?;
        stream.set_nodelay(true).map_err(local("send small messages at once"))?;
        let (deframer, buffer) = (Deframer::new(FRAME_BYTES_MAX), Box::new([0; READ_BYTES]));
        let mut line = Self { stream, deframer, buffer, spec: &Spec::BCD };
        let mut sign_on = Message::new(Mti::NETWORK_REQUEST);
        sign_on.write(field::STAN, &Stan::new(1).expect("six digits"));
        sign_on.write(field::NETWORK_CODE, &NetworkCode::SIGN_ON);
        line.write(&sign_on).await?;
        while line.read().await?.is_empty() {}
        Ok(line)
    }

    async fn ask(mut self, speed: Speed, callers: u32, until: Instant) -> Result<Vec<Duration>, Error> {
        let cards = speed.cards();
        let mut cards = cards.iter().cycle();
        let (mut sent, mut latencies) = (HashMap::new(), Vec::new());
        let mut missing = callers;
        loop {
            for card in cards.by_ref().take(usize::try_from(missing).expect("a small number")) {
                let request = benches::card_request(card, NEXT.fetch_add(1, Ordering::Relaxed));
                sent.insert(request.require(field::STAN).ok(), Instant::now());
                self.write(&request).await?;
            }
            missing = 0;
            if sent.is_empty() {
                return Ok(latencies);
            }
            for answer in self.read().await? {
                if answer.require(field::RESPONSE_CODE).ok() != Some(ResponseCode::APPROVED) {
                    return Err(Error::Answer(answer.to_string()));
                }
                let sent_at = sent.remove(&answer.require(field::STAN).ok());
                let sent_at = sent_at.ok_or_else(|| Error::Answer(answer.to_string()))?;
                latencies.push(sent_at.elapsed());
                if Instant::now() < until {
                    missing += 1;
                }
            }
        }
    }

    async fn write(&mut self, message: &Message) -> Result<(), Error> {
        let bytes = encode(self.spec, message).expect("the spec takes what is made here");
        let prefix = frame::prefix(bytes.len()).expect("a message of some hundred bytes");
        self.stream.write_all(&[&prefix, bytes.as_slice()].concat()).await.map_err(local("write to the network"))
    }

    async fn read(&mut self) -> Result<Vec<Message>, Error> {
        let length = self.stream.read(self.buffer.as_mut_slice()).await.map_err(local("read from the network"))?;
        let mut received = self.buffer.get(..length).unwrap_or_default();
        if received.is_empty() {
            return Err(Error::Answer("the line's end".to_owned()));
        }
        let mut messages = Vec::new();
        while let Some(bytes) = self.deframer.next(&mut received).map_err(|error| Error::Answer(error.to_string()))? {
            messages.push(decode(self.spec, bytes).map_err(|error| Error::Answer(error.to_string()))?);
        }
        Ok(messages)
    }
}
