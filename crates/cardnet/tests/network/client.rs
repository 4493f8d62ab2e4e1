//! As much of a switch as is needed to ask.

use std::net::SocketAddr;
use std::time::Duration;

use cardnet::spec_named;
use iso8583::field::{self, InstitutionId, NetworkCode, OriginalElements, ProcessingCode, Rrn, Stan, TransmissionTime};
use iso8583::frame::{self, Deframer};
use iso8583::{Element, Message, Mti, Spec, decode, encode};
use money::Money;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

pub(crate) const CARD: &str = "4242424242424242";
pub(crate) const ECHO_STAN: u32 = 999_999;

/// A test that waits longer has failed.
const WAIT_MAX: Duration = Duration::from_secs(60);

pub(crate) fn message(mti: Mti, number: u32, amount: &str) -> Message {
    let mut message = Message::new(mti);
    message.set(Element::of(2), CARD.as_bytes());
    message.write(field::PROCESSING_CODE, &ProcessingCode::PURCHASE);
    message.write(field::TRANSMISSION_TIME, &TransmissionTime::new(11, 26, 17, 30, 0).unwrap());
    message.write(field::STAN, &Stan::new(number).unwrap());
    message.write(field::ACQUIRER, &InstitutionId::new(123_456).unwrap());
    message.write(field::RRN, &Rrn::new(&format!("{number:012}")).unwrap());
    message.set_money(field::PRESENTMENT_AMOUNT, Money::parse(amount).unwrap()).unwrap();
    message
}

pub(crate) fn request(number: u32, amount: &str) -> Message {
    message(Mti::AUTHORIZATION_REQUEST, number, amount)
}

pub(crate) fn about(original: &Message, mut message: Message) -> Message {
    message.write(field::ORIGINAL_ELEMENTS, &OriginalElements::of(original).unwrap());
    message
}

pub(crate) fn network_request(code: NetworkCode) -> Message {
    let mut message = Message::new(Mti::NETWORK_REQUEST);
    message.write(field::STAN, &Stan::new(ECHO_STAN).unwrap());
    message.write(field::NETWORK_CODE, &code);
    message
}

pub(crate) fn code(answer: &Message) -> &str {
    answer.text(Element::of(39)).unwrap()
}

pub(crate) fn stan(answer: &Message) -> u32 {
    answer.require(field::STAN).unwrap().get()
}

pub(crate) struct Client {
    stream: TcpStream,
    spec: &'static Spec,
    deframer: Deframer,
    received: Vec<u8>,
}

impl Client {
    pub(crate) async fn connected(address: SocketAddr, spec: &str) -> Self {
        let stream = TcpStream::connect(address).await.unwrap();
        let spec = spec_named(spec).unwrap();
        Self { stream, spec, deframer: Deframer::new(4096), received: Vec::new() }
    }

    pub(crate) async fn signed_on(address: SocketAddr, spec: &str) -> Self {
        let mut client = Self::connected(address, spec).await;
        assert_eq!(code(&client.ask(&network_request(NetworkCode::SIGN_ON)).await), "00");
        client
    }

    pub(crate) async fn send_bytes(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).await.unwrap();
    }

    /// Sends all in one write.
    pub(crate) async fn send(&mut self, messages: &[&Message]) {
        let bytes: Vec<u8> = messages.iter().flat_map(|message| self.framed(message)).collect();
        self.send_bytes(&bytes).await;
    }

    pub(crate) async fn send_for_ever(&mut self, messages: &[Message]) {
        let bytes: Vec<u8> = messages.iter().flat_map(|message| self.framed(message)).collect();
        while self.stream.write_all(&bytes).await.is_ok() {}
    }

    fn framed(&self, message: &Message) -> Vec<u8> {
        let bytes = encode(self.spec, message).unwrap();
        [&frame::prefix(bytes.len()).unwrap()[..], &bytes].concat()
    }

    /// The next frame, or `None` when the line is closed.
    pub(crate) async fn receive(&mut self) -> Option<Vec<u8>> {
        loop {
            let mut received = &self.received[..];
            let frame = self.deframer.next(&mut received).unwrap().map(<[u8]>::to_vec);
            self.received = received.to_vec();
            if frame.is_some() {
                return frame;
            }
            let mut buffer = [0; 1024];
            // A line that is closed with bytes unread is reset.
            let count = timeout(WAIT_MAX, self.stream.read(&mut buffer)).await.expect("no answer").unwrap_or(0);
            if count == 0 {
                return None;
            }
            self.received.extend(&buffer[..count]);
        }
    }

    pub(crate) fn is_within_a_frame(&self) -> bool {
        !self.deframer.is_between_frames()
    }

    pub(crate) async fn answer(&mut self) -> Message {
        let bytes = self.receive().await.expect("the line is closed");
        decode(self.spec, &bytes).unwrap()
    }

    pub(crate) async fn ask(&mut self, message: &Message) -> Message {
        self.send(&[message]).await;
        self.answer().await
    }
}
