//! A small card network: it does what the test says, message by message.

use std::{io::Write, sync::Arc};

use base64::{Engine, prelude::BASE64_STANDARD};
use iso8583::{
    Element, Message, Mti, Spec, decode, encode,
    field::{self, NetworkCode, ResponseCode},
    frame::{self, Deframer},
};
use tempfile::NamedTempFile;
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::TcpListener,
    time::timeout,
};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        ServerConfig,
        crypto::ring,
        pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer},
    },
};

use crate::{
    certificate::{Certified, certified},
    house::PATIENCE,
};

pub(crate) struct Network {
    listener: TcpListener,
    tls: Option<TlsAcceptor>,
}

trait Wire: AsyncRead + AsyncWrite + Unpin {}

impl<T: AsyncRead + AsyncWrite + Unpin> Wire for T {}

impl Network {
    pub(crate) async fn open() -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("some port is free");
        Self { listener, tls: None }
    }

    /// One that speaks TLS with a certificate of its own, and the file with the root that vouches for it: itself.
    pub(crate) async fn secured() -> (Self, NamedTempFile) {
        let Certified { certificate, key } = certified();
        let mut root = NamedTempFile::new().expect("a temporary file");
        let pem = BASE64_STANDARD.encode(&certificate);
        write!(root, "-----BEGIN CERTIFICATE-----\n{pem}\n-----END CERTIFICATE-----\n").expect("it is written");
        let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key));
        let builder = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()));
        let builder = builder.with_safe_default_protocol_versions().expect("versions").with_no_client_auth();
        let config = builder
            .with_single_cert(vec![CertificateDer::from(certificate)], key)
            .expect("the key is the certificate's");
        (Self { tls: Some(TlsAcceptor::from(Arc::new(config))), ..Self::open().await }, root)
    }

    pub(crate) fn port(&self) -> u16 {
        self.listener.local_addr().expect("it listens").port()
    }

    /// The next connection, before its sign-on.
    pub(crate) async fn connected(&self) -> Peer {
        self.shaken_hands().await.expect("the other side trusts this one")
    }

    /// The next connection, or `None` when the other side does not trust this one.
    pub(crate) async fn shaken_hands(&self) -> Option<Peer> {
        let (stream, _) =
            timeout(PATIENCE, self.listener.accept()).await.expect("a line connects").expect("it is taken");
        let stream: Box<dyn Wire> = match &self.tls {
            None => Box::new(stream),
            Some(tls) => Box::new(tls.accept(stream).await.ok()?),
        };
        Some(Peer { stream, deframer: Deframer::new(4_096), unread: Vec::new() })
    }

    /// The next connection, signed on.
    pub(crate) async fn signed_on(&self) -> Peer {
        let mut peer = self.connected().await;
        peer.expect_network(NetworkCode::SIGN_ON, "00").await;
        peer
    }
}

/// A port where nobody listens.
pub(crate) async fn dead_port() -> u16 {
    Network::open().await.port()
}

pub(crate) struct Peer {
    stream: Box<dyn Wire>,
    deframer: Deframer,
    unread: Vec<u8>,
}

impl Peer {
    /// The next message, or `None` once the line is closed.
    pub(crate) async fn next(&mut self) -> Option<Message> {
        loop {
            let mut rest = self.unread.as_slice();
            if let Some(bytes) = self.deframer.next(&mut rest).expect("frames") {
                let message = decode(&Spec::BCD, bytes).expect("messages");
                self.unread = rest.to_vec();
                return Some(message);
            }
            let mut buffer = [0; 1_024];
            let length = timeout(PATIENCE, self.stream.read(&mut buffer)).await.expect("something comes").unwrap_or(0);
            if length == 0 {
                return None;
            }
            self.unread = buffer[..length].to_vec();
        }
    }

    pub(crate) async fn receive(&mut self) -> Message {
        self.next().await.expect("the line is open")
    }

    /// The next message, which is of this type.
    pub(crate) async fn expect(&mut self, mti: Mti) -> Message {
        let message = self.receive().await;
        assert_eq!(message.mti(), mti, "{message:?}");
        message
    }

    /// The next message, which is about the line, and answers it.
    pub(crate) async fn expect_network(&mut self, code: NetworkCode, answer: &str) {
        let message = self.expect(Mti::NETWORK_REQUEST).await;
        assert_eq!(message.require(field::NETWORK_CODE), Ok(code));
        self.answer(&message, answer, &[]).await;
    }

    pub(crate) async fn send(&mut self, message: &Message) {
        let bytes = encode(&Spec::BCD, message).expect("a message");
        self.send_bytes(&frame::prefix(bytes.len()).expect("a length")).await;
        self.send_bytes(&bytes).await;
    }

    pub(crate) async fn send_bytes(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).await.expect("the line is open");
        self.stream.flush().await.expect("the line is open");
    }

    /// Answers with this code, and these elements besides.
    pub(crate) async fn answer(&mut self, asked: &Message, code: &str, fields: &[(u8, &str)]) {
        self.send(&answer_to(asked, code, fields)).await;
    }
}

/// The answer to a message: what it was known by, this code, and these elements besides or instead.
pub(crate) fn answer_to(asked: &Message, code: &str, fields: &[(u8, &str)]) -> Message {
    let mut answer = Message::new(asked.mti().response().expect("it can be answered"));
    for number in [4, 7, 11, 37, 49, 70] {
        if let Some(value) = asked.get(Element::of(number)) {
            answer.set(Element::of(number), value);
        }
    }
    let code = ResponseCode::new(code.as_bytes().try_into().expect("two characters"));
    answer.write(field::RESPONSE_CODE, &code.expect("letters or digits"));
    for (number, text) in fields {
        answer.set(Element::of(*number), text.as_bytes());
    }
    answer
}
