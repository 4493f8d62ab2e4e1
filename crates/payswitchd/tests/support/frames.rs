//! HTTP/2 by hand (RFC 9113), for peers that do what no library does.

use std::{
    io::{self, ErrorKind, Read, Write},
    net::TcpStream,
    time::Duration,
};

pub(crate) const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

pub(crate) const DATA: u8 = 0x0;
pub(crate) const HEADERS: u8 = 0x1;
pub(crate) const RST_STREAM: u8 = 0x3;
pub(crate) const SETTINGS: u8 = 0x4;
pub(crate) const PING: u8 = 0x6;
pub(crate) const GOAWAY: u8 = 0x7;
pub(crate) const WINDOW_UPDATE: u8 = 0x8;

pub(crate) const ACK: u8 = 0x1;
pub(crate) const END_STREAM: u8 = 0x1;
pub(crate) const END_HEADERS: u8 = 0x4;

/// Error codes of RST_STREAM and GOAWAY.
pub(crate) const NO_ERROR: u32 = 0x0;
pub(crate) const REFUSED_STREAM: u32 = 0x7;
pub(crate) const ENHANCE_YOUR_CALM: u32 = 0xb;

/// Names of settings.
pub(crate) const MAX_CONCURRENT_STREAMS: u16 = 0x3;
pub(crate) const INITIAL_WINDOW_SIZE: u16 = 0x4;
pub(crate) const MAX_HEADER_LIST_SIZE: u16 = 0x6;

pub(crate) struct Frame {
    pub(crate) kind: u8,
    pub(crate) flags: u8,
    pub(crate) stream: u32,
    pub(crate) payload: Vec<u8>,
}

impl Frame {
    /// The number at `at` of the payload.
    pub(crate) fn number(&self, at: usize) -> u32 {
        u32::from_be_bytes(self.payload[at..at + 4].try_into().expect("four bytes"))
    }

    /// The value of a setting, if this frame has it.
    pub(crate) fn setting(&self, name: u16) -> Option<u32> {
        let mut settings = self.payload.chunks_exact(6);
        let found = settings.find(|setting| setting[..2] == name.to_be_bytes());
        found.map(|setting| u32::from_be_bytes(setting[2..].try_into().expect("four bytes")))
    }
}

pub(crate) fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).expect("a short payload").to_be_bytes();
    let mut bytes = length[1..].to_vec();
    bytes.extend([kind, flags]);
    bytes.extend(stream.to_be_bytes());
    bytes.extend(payload);
    bytes
}

/// Headers of a call that goes on: no end of stream, so it stays open.
pub(crate) fn call(stream: u32) -> Vec<u8> {
    frame(HEADERS, END_HEADERS, stream, &header_block(&[]))
}

/// Headers of a unary method that both listeners have.
pub(crate) fn header_block(more: &[(&str, &str)]) -> Vec<u8> {
    header_block_of("/payswitch.v1.RateService/List", more)
}

/// A header block without indexing or compression (RFC 7541): POST, http, this path.
pub(crate) fn header_block_of(path: &str, more: &[(&str, &str)]) -> Vec<u8> {
    let mut block = vec![0x83, 0x86];
    let headers =
        [(":path", path), (":authority", "localhost"), ("content-type", "application/grpc"), ("te", "trailers")];
    for (name, value) in headers.iter().chain(more) {
        block.push(0);
        for text in [name, value] {
            literal(&mut block, text);
        }
    }
    block
}

/// A string literal: its length as an integer with a prefix of seven bits, then its bytes.
fn literal(block: &mut Vec<u8>, text: &str) {
    let byte = |number: usize| u8::try_from(number).expect("a part of seven bits");
    match text.len().checked_sub(127) {
        None => block.push(byte(text.len())),
        Some(mut rest) => {
            block.push(127);
            while rest >= 128 {
                block.push(byte(rest % 128) | 128);
                rest /= 128;
            }
            block.push(byte(rest));
        }
    }
    block.extend(text.as_bytes());
}

/// A connection that has said its preface.
pub(crate) struct Peer {
    pub(crate) stream: TcpStream,
}

impl Peer {
    /// Connects and begins to speak HTTP/2.
    pub(crate) fn connect(address: &str) -> Self {
        let mut peer = Self { stream: silent(address) };
        // What never comes should fail the test rather than hang it.
        peer.stream.set_read_timeout(Some(Duration::from_secs(20))).expect("a socket can be waited for");
        peer.send(&[PREFACE, &frame(SETTINGS, 0, 0, &[])].concat());
        peer
    }

    pub(crate) fn send(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).expect("the daemon reads");
    }

    /// The next frame; none at the end of the connection.
    pub(crate) fn next(&mut self) -> Option<Frame> {
        let mut head = [0; 9];
        match self.stream.read_exact(&mut head) {
            Ok(()) => {}
            Err(error) if is_end(&error) => return None,
            Err(error) => panic!("cannot read: {error}"),
        }
        let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
        let mut payload = vec![0; usize::try_from(length).expect("a short payload")];
        self.stream.read_exact(&mut payload).expect("a frame is whole");
        let stream = u32::from_be_bytes([head[5], head[6], head[7], head[8]]);
        Some(Frame { kind: head[3], flags: head[4], stream, payload })
    }

    /// The next frame of this kind.
    pub(crate) fn next_of(&mut self, kind: u8) -> Frame {
        loop {
            let frame = self.next().expect("the connection goes on");
            if frame.kind == kind {
                return frame;
            }
        }
    }

    /// Waits until the daemon has dealt with all that was sent; returns the frames that came before.
    pub(crate) fn round_trip(&mut self) -> Vec<Frame> {
        self.send(&frame(PING, 0, 0, b"are you "));
        let mut before = Vec::new();
        loop {
            let frame = self.next().expect("the connection goes on");
            if frame.kind == PING && frame.flags == ACK {
                return before;
            }
            before.push(frame);
        }
    }
}

/// A connection on which nothing was said.
pub(crate) fn silent(address: &str) -> TcpStream {
    TcpStream::connect(address.trim_start_matches("http://")).expect("the daemon listens")
}

/// The other side is gone, whether it said so or not.
pub(crate) fn is_end(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::UnexpectedEof | ErrorKind::ConnectionReset | ErrorKind::BrokenPipe)
}
