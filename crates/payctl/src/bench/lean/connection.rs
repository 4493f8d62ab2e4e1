//! One HTTP/2 connection with many calls on it, as bytes in and bytes out: no socket, no clock.

use std::collections::VecDeque;
use std::mem;

use super::Fault;
use super::frame::{self, Head};
use super::hpack::{Decoder, Encoder, Header, Name, TABLE_BYTES};

/// Bytes of one reply with its padding. A reply fits into the window of its stream, so that no stream's window is ever
/// opened again.
const REPLY_BYTES_MAX: usize = 1024 * 1024;
/// Bytes that may be under way to us on the whole connection.
const WINDOW_BYTES: usize = 64 * REPLY_BYTES_MAX;
/// Bytes of one frame to us: what every peer starts with.
const FRAME_BYTES_MAX: usize = 16_384;
/// Bytes of one block of headers to us.
const HEADER_BYTES_MAX: usize = 16_384;
/// Streams open at once, whatever the other side allows.
const STREAMS_MAX: usize = 1024;
/// Windows of a peer that has said nothing yet (RFC 9113, section 6.9.2), and the largest there are.
const WINDOW_BYTES_INITIAL: i64 = 65_535;
const WINDOW_BYTES_LARGEST: i64 = 0x7fff_ffff;
/// The last number a stream may have, and one after which no more calls begin.
const STREAM_LAST: u32 = 0x7fff_ffff;
const STREAM_LATE: u32 = 0x7fff_0000;
/// Before each message: whether it is compressed, and its length.
const PREFIX_BYTES: usize = 5;

/// What became of a call.
#[derive(Debug)]
pub(super) struct Done<C> {
    pub(super) call: C,
    pub(super) outcome: Outcome,
}

/// How a call ended.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// With a message, prefix and all: see [`message`].
    Replied(Vec<u8>),
    /// With a status that says why not.
    Failed(Trailers),
    /// It was cut off by the other side, with this error code.
    Reset(u32),
    /// It was not taken up: nothing happened, and it may be asked again.
    Untouched,
    /// With what is no answer to a call.
    Malformed(&'static str),
}

/// What a reply ends with, as it was sent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Trailers {
    pub(super) status: String,
    pub(super) message: String,
    pub(super) details: String,
}

/// The message of a reply.
pub(super) fn message(reply: &[u8]) -> &[u8] {
    reply.get(PREFIX_BYTES..).unwrap_or_default()
}

/// The headers of one kind of call, and how they were last written.
#[derive(Debug)]
pub(in crate::bench) struct Route {
    headers: Vec<Header>,
    /// The encoder's state for which `block` holds.
    state: Option<(usize, bool)>,
    block: Vec<u8>,
}

impl Route {
    pub(super) fn new(headers: Vec<Header>) -> Self {
        Self { headers, state: None, block: Vec::new() }
    }

    /// The block of headers. The encoder is asked only when it would say something new.
    fn block(&mut self, encoder: &mut Encoder) -> &[u8] {
        if self.state != Some(encoder.state()) {
            let before = encoder.state();
            self.block.clear();
            encoder.encode(&self.headers, &mut self.block);
            // What taught the other side something is said once.
            self.state = (encoder.state() == before).then_some(before);
        }
        &self.block
    }
}

/// A call under way, or a place for one.
#[derive(Debug)]
struct Stream<C> {
    /// Zero in a free place.
    id: u32,
    call: Option<C>,
    /// Bytes the other side still takes.
    window: i64,
    /// Of the message, for which there was no room.
    unsent: VecDeque<u8>,
    /// Of the reply, so far.
    reply: Vec<u8>,
    /// Bytes received, padding included.
    received: usize,
    http_status: Option<u16>,
    trailers: Option<Trailers>,
}

impl<C> Stream<C> {
    const fn free() -> Self {
        Self {
            id: 0,
            call: None,
            window: 0,
            unsent: VecDeque::new(),
            reply: Vec::new(),
            received: 0,
            http_status: None,
            trailers: None,
        }
    }
}

/// Headers whose block goes on in further frames.
#[derive(Debug)]
struct Unfinished {
    stream: u32,
    ends_stream: bool,
    block: Vec<u8>,
}

/// A connection that carries calls of kind `C`.
#[derive(Debug)]
pub(super) struct Connection<C> {
    /// What is to be written.
    out: Vec<u8>,
    /// The beginning of a frame that is not whole.
    partial: Vec<u8>,
    decoder: Decoder,
    encoder: Encoder,
    routes: Vec<Route>,
    /// A stream's place follows from its number; a number whose place is taken is left out.
    streams: Vec<Stream<C>>,
    next_id: u32,
    open: usize,
    /// Streams that have something unsent.
    blocked: VecDeque<u32>,
    /// Whether the other side has told its settings.
    is_settled: bool,
    streams_max: usize,
    frame_bytes_max: usize,
    stream_window: i64,
    /// Bytes the other side still takes on all streams together.
    window: i64,
    /// Bytes received since the connection's window was last opened.
    received: usize,
    unfinished: Option<Unfinished>,
    is_going_away: bool,
    /// Replies' buffers, to be used again.
    spare: Vec<Vec<u8>>,
}

impl<C> Connection<C> {
    /// A new connection, on which calls have one of these headers, and at most so many are under way.
    pub(super) fn new(routes: Vec<Route>, streams_max: usize) -> Self {
        let streams_max = streams_max.clamp(1, STREAMS_MAX);
        let mut out = frame::PREFACE.to_vec();
        let settings = [
            (frame::ENABLE_PUSH, 0),
            (frame::INITIAL_WINDOW_SIZE, REPLY_BYTES_MAX),
            (frame::MAX_HEADER_LIST_SIZE, HEADER_BYTES_MAX),
        ];
        let mut payload = Vec::new();
        for (name, value) in settings {
            payload.extend_from_slice(&name.to_be_bytes());
            payload.extend_from_slice(&window(value));
        }
        frame::write(&mut out, frame::SETTINGS, 0, 0, &payload);
        frame::write(&mut out, frame::WINDOW_UPDATE, 0, 0, &window(WINDOW_BYTES - 65_535));
        Self {
            out,
            partial: Vec::new(),
            decoder: Decoder::new(),
            encoder: Encoder::new(),
            routes,
            // Twice as many places as streams, so that a free one is near.
            streams: (0..2 * streams_max).map(|_| Stream::free()).collect(),
            next_id: 1,
            open: 0,
            blocked: VecDeque::new(),
            is_settled: false,
            streams_max,
            frame_bytes_max: FRAME_BYTES_MAX,
            stream_window: WINDOW_BYTES_INITIAL,
            window: WINDOW_BYTES_INITIAL,
            received: 0,
            unfinished: None,
            is_going_away: false,
            spare: Vec::new(),
        }
    }

    /// What is to be written; what was is to be taken away.
    pub(super) fn out(&mut self) -> &mut Vec<u8> {
        &mut self.out
    }

    /// Whether the other side has told its settings, so that calls may begin.
    pub(super) fn is_settled(&self) -> bool {
        self.is_settled
    }

    /// Calls under way.
    pub(super) fn open(&self) -> usize {
        self.open
    }

    /// Whether the other side takes no more calls here.
    pub(super) fn is_going_away(&self) -> bool {
        self.is_going_away || self.next_id > STREAM_LATE
    }

    /// Whether a call may begin now.
    pub(super) fn has_room(&self) -> bool {
        self.is_settled && !self.is_going_away() && self.open < self.streams_max && self.blocked.is_empty()
    }

    /// Begins a call with the headers of this route and a message. Only while there [is room](Self::has_room).
    pub(super) fn begin(&mut self, route: usize, message: &[u8], call: C) {
        assert!(self.has_room(), "a call begins where there is room");
        let id = self.free_id();
        let route = self.routes.get_mut(route).expect("a call has a route");
        let block = route.block(&mut self.encoder);
        frame::write(&mut self.out, frame::HEADERS, frame::END_HEADERS, id, block);
        let length = u32::try_from(message.len()).expect("a message is short").to_be_bytes();
        let prefix = [0, length[0], length[1], length[2], length[3]];
        let bytes = PREFIX_BYTES + message.len();
        let fits = bytes <= self.frame_bytes_max && as_window(bytes) <= self.window.min(self.stream_window);
        let mut stream = Stream {
            id,
            call: Some(call),
            window: self.stream_window,
            reply: self.spare.pop().unwrap_or_default(),
            ..Stream::free()
        };
        if fits {
            frame::begin(&mut self.out, frame::DATA, frame::END_STREAM, id, bytes);
            self.out.extend_from_slice(&prefix);
            self.out.extend_from_slice(message);
            self.window -= as_window(bytes);
        } else {
            stream.unsent.extend(prefix.iter().chain(message));
            self.blocked.push_back(id);
        }
        *self.place(id) = stream;
        self.open += 1;
        if !fits {
            self.send_blocked();
        }
    }

    /// The next number whose place is free. There are twice as many places as streams, so one is near.
    fn free_id(&mut self) -> u32 {
        loop {
            let id = self.next_id;
            self.next_id += 2;
            if self.place(id).id == 0 {
                return id;
            }
        }
    }

    fn place(&mut self, id: u32) -> &mut Stream<C> {
        let at = usize::try_from(id >> 1).unwrap_or(usize::MAX) % self.streams.len();
        self.streams.get_mut(at).expect("a place is below their number")
    }

    /// The call under way on this stream. `None` when it has ended: what was on the way then means nothing.
    fn stream(&mut self, id: u32) -> Result<Option<&mut Stream<C>>, Fault> {
        if id.is_multiple_of(2) || id >= self.next_id {
            return Err(Fault::Unexpected("a frame of a stream that nobody began"));
        }
        Ok(Some(self.place(id)).filter(|stream| stream.id == id))
    }

    /// Sends what there was no room for, as far as there is some now.
    fn send_blocked(&mut self) {
        for _ in 0..self.blocked.len() {
            let Some(id) = self.blocked.pop_front() else { return };
            let (connection_window, frame_bytes_max) = (self.window, self.frame_bytes_max);
            let stream = self.place(id);
            if stream.id != id {
                continue;
            }
            let mut unsent = mem::take(&mut stream.unsent);
            let room = usize::try_from(connection_window.min(stream.window)).unwrap_or(0).min(unsent.len());
            stream.window -= as_window(room);
            self.window -= as_window(room);
            let (mut left, sends_all) = (room, room == unsent.len());
            while left > 0 {
                let bytes = left.min(frame_bytes_max);
                left -= bytes;
                let flags = if sends_all && left == 0 { frame::END_STREAM } else { 0 };
                frame::begin(&mut self.out, frame::DATA, flags, id, bytes);
                self.out.extend(unsent.drain(..bytes));
            }
            if !sends_all {
                self.place(id).unsent = unsent;
                self.blocked.push_back(id);
            }
        }
    }

    /// Takes in what was read, and puts the calls that ended by it into `done`.
    pub(super) fn receive(&mut self, bytes: &[u8], done: &mut Vec<Done<C>>) -> Result<(), Fault> {
        if self.partial.is_empty() {
            let rest = self.receive_frames(bytes, done)?;
            self.partial.extend_from_slice(rest);
            return Ok(());
        }
        let mut partial = mem::take(&mut self.partial);
        partial.extend_from_slice(bytes);
        let rest = self.receive_frames(&partial, done)?.len();
        partial.drain(..partial.len() - rest);
        self.partial = partial;
        Ok(())
    }

    /// Takes in whole frames, and returns what follows them.
    fn receive_frames<'a>(&mut self, mut bytes: &'a [u8], done: &mut Vec<Done<C>>) -> Result<&'a [u8], Fault> {
        while let Some((head, rest)) = Head::read(bytes) {
            if head.length > FRAME_BYTES_MAX {
                return Err(Fault::FrameTooLarge(head.length));
            }
            let Some((payload, rest)) = rest.split_at_checked(head.length) else { break };
            self.receive_frame(head, payload, done)?;
            bytes = rest;
        }
        Ok(bytes)
    }

    fn receive_frame(&mut self, head: Head, payload: &[u8], done: &mut Vec<Done<C>>) -> Result<(), Fault> {
        if !self.is_settled && head.kind != frame::SETTINGS {
            return Err(Fault::Unexpected("something else than its settings first"));
        }
        if self.unfinished.is_some() && head.kind != frame::CONTINUATION {
            return Err(Fault::Unexpected("a frame amid a block of headers"));
        }
        match head.kind {
            frame::DATA => self.receive_data(head, payload, done),
            frame::HEADERS => self.receive_headers(head, payload, done),
            frame::CONTINUATION => self.receive_continuation(head, payload, done),
            frame::RST_STREAM => self.receive_reset(head, payload, done),
            frame::SETTINGS => self.receive_settings(head, payload),
            frame::PUSH_PROMISE => Err(Fault::Unexpected("a push that was forbidden")),
            frame::PING => {
                if head.stream != 0 || payload.len() != 8 {
                    return Err(Fault::Unexpected("a ping of another form"));
                }
                if !head.has(frame::ACK) {
                    frame::write(&mut self.out, frame::PING, frame::ACK, 0, payload);
                }
                Ok(())
            }
            frame::GOAWAY => self.receive_going_away(head, payload, done),
            frame::WINDOW_UPDATE => self.receive_window(head, payload),
            // Priorities, and kinds that do not exist yet, are passed over.
            _ => Ok(()),
        }
    }

    fn receive_data(&mut self, head: Head, payload: &[u8], done: &mut Vec<Done<C>>) -> Result<(), Fault> {
        self.received += payload.len();
        if self.received > WINDOW_BYTES {
            return Err(Fault::Unexpected("more bytes than its window"));
        }
        if self.received >= WINDOW_BYTES / 2 {
            frame::write(&mut self.out, frame::WINDOW_UPDATE, 0, 0, &window(self.received));
            self.received = 0;
        }
        let part = without_padding(head, payload)?;
        let Some(stream) = self.stream(head.stream)? else { return Ok(()) };
        if stream.http_status.is_none() {
            return Err(Fault::Unexpected("a message before its headers"));
        }
        stream.received += payload.len();
        if stream.received > REPLY_BYTES_MAX {
            return Err(Fault::ReplyTooLarge(REPLY_BYTES_MAX));
        }
        stream.reply.extend_from_slice(part);
        // One that would not fit is refused at once: the rest of it would never come.
        if stream.reply.len() >= PREFIX_BYTES && frame::number(&stream.reply[1..]).is_some_and(is_too_long) {
            return Err(Fault::ReplyTooLarge(REPLY_BYTES_MAX));
        }
        if head.has(frame::END_STREAM) { self.end(head.stream, done) } else { Ok(()) }
    }

    fn receive_headers(&mut self, head: Head, payload: &[u8], done: &mut Vec<Done<C>>) -> Result<(), Fault> {
        let mut block = without_padding(head, payload)?;
        if head.has(frame::PRIORITY) {
            block = block.get(PREFIX_BYTES..).ok_or(Fault::Unexpected("headers shorter than their priority"))?;
        }
        let ends_stream = head.has(frame::END_STREAM);
        if head.has(frame::END_HEADERS) {
            return self.receive_block(head.stream, ends_stream, block, done);
        }
        self.unfinished = Some(Unfinished { stream: head.stream, ends_stream, block: block.to_vec() });
        Ok(())
    }

    fn receive_continuation(&mut self, head: Head, payload: &[u8], done: &mut Vec<Done<C>>) -> Result<(), Fault> {
        const STRAY: Fault = Fault::Unexpected("headers that continue none");
        let mut unfinished = self.unfinished.take().ok_or(STRAY)?;
        if unfinished.stream != head.stream {
            return Err(STRAY);
        }
        unfinished.block.extend_from_slice(payload);
        // An empty one brings nothing and could follow another for ever.
        if unfinished.block.len() > HEADER_BYTES_MAX || (payload.is_empty() && !head.has(frame::END_HEADERS)) {
            return Err(Fault::Header("a block of headers that is too long"));
        }
        if head.has(frame::END_HEADERS) {
            return self.receive_block(head.stream, unfinished.ends_stream, &unfinished.block, done);
        }
        self.unfinished = Some(unfinished);
        Ok(())
    }

    /// Reads a block, also of a call that has ended: what it teaches the table holds for the blocks after it.
    fn receive_block(
        &mut self,
        id: u32,
        ends_stream: bool,
        block: &[u8],
        done: &mut Vec<Done<C>>,
    ) -> Result<(), Fault> {
        let (mut http_status, mut trailers) = (None::<u16>, None::<Trailers>);
        self.decoder.decode(block, |name, value| {
            let text = || String::from_utf8_lossy(value).into_owned();
            match name {
                Name::HttpStatus => http_status = text().parse().ok(),
                Name::GrpcStatus => trailers.get_or_insert_default().status = text(),
                Name::GrpcMessage => trailers.get_or_insert_default().message = text(),
                Name::GrpcDetails => trailers.get_or_insert_default().details = text(),
                Name::Other => {}
            }
        })?;
        let Some(stream) = self.stream(id)? else { return Ok(()) };
        match http_status {
            // Of an answer that is only announced nothing is kept.
            Some(100..200) if !ends_stream => return Ok(()),
            Some(_) if stream.http_status.is_none() => stream.http_status = http_status,
            Some(_) => return Err(Fault::Unexpected("two answers to one call")),
            None if stream.http_status.is_none() => return Err(Fault::Unexpected("an answer without its status")),
            None if !ends_stream => return Err(Fault::Unexpected("trailers that end nothing")),
            None => {}
        }
        if trailers.is_some() {
            stream.trailers = trailers;
        }
        if ends_stream { self.end(id, done) } else { Ok(()) }
    }

    fn receive_reset(&mut self, head: Head, payload: &[u8], done: &mut Vec<Done<C>>) -> Result<(), Fault> {
        let &[a, b, c, d] = payload else { return Err(Fault::Unexpected("a reset of another form")) };
        if self.stream(head.stream)?.is_none() {
            return Ok(());
        }
        let outcome = match u32::from_be_bytes([a, b, c, d]) {
            frame::REFUSED_STREAM => Outcome::Untouched,
            code => Outcome::Reset(code),
        };
        self.finish(head.stream, outcome, done);
        Ok(())
    }

    fn receive_settings(&mut self, head: Head, payload: &[u8]) -> Result<(), Fault> {
        const WRONG: Fault = Fault::Unexpected("settings of another form");
        if head.stream != 0 || (head.has(frame::ACK) && !payload.is_empty()) {
            return Err(WRONG);
        }
        if head.has(frame::ACK) {
            return if self.is_settled {
                Ok(())
            } else {
                Err(Fault::Unexpected("something else than its settings first"))
            };
        }
        for (name, value) in frame::settings(payload).ok_or(WRONG)? {
            let number = usize::try_from(value).unwrap_or(usize::MAX);
            match name {
                frame::HEADER_TABLE_SIZE => self.encoder.limit(number.min(TABLE_BYTES)),
                frame::MAX_CONCURRENT_STREAMS => self.streams_max = number.min(self.streams.len() / 2),
                frame::INITIAL_WINDOW_SIZE => self.resize_windows(i64::from(value))?,
                frame::MAX_FRAME_SIZE if number < FRAME_BYTES_MAX => return Err(WRONG),
                // Larger frames are allowed, not demanded.
                _ => {}
            }
        }
        self.is_settled = true;
        frame::write(&mut self.out, frame::SETTINGS, frame::ACK, 0, &[]);
        self.send_blocked();
        Ok(())
    }

    /// A changed window of streams holds for those under way too, and may leave them with less than nothing.
    fn resize_windows(&mut self, bytes: i64) -> Result<(), Fault> {
        let change = bytes - self.stream_window;
        self.stream_window = bytes;
        for stream in self.streams.iter_mut().filter(|stream| stream.id != 0) {
            stream.window += change;
        }
        let largest = self.streams.iter().map(|stream| stream.window).fold(bytes, i64::max);
        if largest > WINDOW_BYTES_LARGEST { Err(Fault::Unexpected("a window beyond all bounds")) } else { Ok(()) }
    }

    fn receive_window(&mut self, head: Head, payload: &[u8]) -> Result<(), Fault> {
        let &[a, b, c, d] = payload else { return Err(Fault::Unexpected("a window of another form")) };
        let more = i64::from(u32::from_be_bytes([a, b, c, d]) & STREAM_LAST);
        if more == 0 {
            return Err(Fault::Unexpected("a window that opens by nothing"));
        }
        let opened = match head.stream {
            0 => Some(&mut self.window),
            id => self.stream(id)?.map(|stream| &mut stream.window),
        };
        if let Some(opened) = opened {
            *opened += more;
            if *opened > WINDOW_BYTES_LARGEST {
                return Err(Fault::Unexpected("a window beyond all bounds"));
            }
        }
        self.send_blocked();
        Ok(())
    }

    fn receive_going_away(&mut self, head: Head, payload: &[u8], done: &mut Vec<Done<C>>) -> Result<(), Fault> {
        const WRONG: Fault = Fault::Unexpected("a farewell of another form");
        let (last, code) = payload.split_first_chunk::<4>().ok_or(WRONG)?;
        let code = frame::number(code).filter(|_| head.stream == 0).ok_or(WRONG)?;
        if code != 0 {
            return Err(Fault::CutOff(code));
        }
        self.is_going_away = true;
        let last = u32::from_be_bytes(*last) & STREAM_LAST;
        let untouched: Vec<u32> = self.streams.iter().map(|stream| stream.id).filter(|id| *id > last).collect();
        for id in untouched {
            self.finish(id, Outcome::Untouched, done);
        }
        Ok(())
    }

    /// The other side has said all of its answer.
    fn end(&mut self, id: u32, done: &mut Vec<Done<C>>) -> Result<(), Fault> {
        let Some(stream) = self.stream(id)? else { return Ok(()) };
        let reply = mem::take(&mut stream.reply);
        let has_replied = stream.trailers.as_ref().is_some_and(|trailers| trailers.status == "0");
        let outcome = match (stream.http_status, stream.trailers.take()) {
            (_, Some(trailers)) if !has_replied => Outcome::Failed(trailers),
            (Some(200), Some(_)) if is_one_message(&reply) => Outcome::Replied(reply),
            (Some(200), Some(_)) => Outcome::Malformed("a reply that is not one message"),
            (Some(200), None) => Outcome::Malformed("an answer without a status"),
            _ => Outcome::Malformed("an answer of another kind than 200"),
        };
        self.finish(id, outcome, done);
        Ok(())
    }

    fn finish(&mut self, id: u32, outcome: Outcome, done: &mut Vec<Done<C>>) {
        let stream = mem::replace(self.place(id), Stream::free());
        if let Some(call) = stream.call {
            self.open -= 1;
            done.push(Done { call, outcome });
        }
    }

    /// A reply's buffer that is not needed any more.
    pub(super) fn reuse(&mut self, mut reply: Vec<u8>) {
        if self.spare.len() < STREAMS_MAX {
            reply.clear();
            self.spare.push(reply);
        }
    }

    /// The calls under way, of which nothing will be heard any more.
    pub(super) fn abandon(&mut self) -> Vec<C> {
        self.open = 0;
        self.streams.iter_mut().filter_map(|stream| stream.call.take()).collect()
    }
}

/// What is between the length of the padding and the padding.
fn without_padding(head: Head, payload: &[u8]) -> Result<&[u8], Fault> {
    if !head.has(frame::PADDED) {
        return Ok(payload);
    }
    let (padding, rest) = payload.split_first().ok_or(Fault::Unexpected("padding without a length"))?;
    let kept = rest.len().checked_sub(usize::from(*padding)).and_then(|kept| rest.get(..kept));
    kept.ok_or(Fault::Unexpected("more padding than payload"))
}

fn is_one_message(reply: &[u8]) -> bool {
    let Some((&[compressed, a, b, c, d], message)) = reply.split_first_chunk::<PREFIX_BYTES>() else { return false };
    compressed == 0 && usize::try_from(u32::from_be_bytes([a, b, c, d])) == Ok(message.len())
}

fn is_too_long(message_bytes: u32) -> bool {
    usize::try_from(message_bytes).is_ok_and(|bytes| bytes > REPLY_BYTES_MAX - PREFIX_BYTES)
}

fn as_window(bytes: usize) -> i64 {
    i64::try_from(bytes).unwrap_or(i64::MAX)
}

/// A number of bytes as frames hold it.
fn window(bytes: usize) -> [u8; 4] {
    u32::try_from(bytes).unwrap_or(STREAM_LAST).to_be_bytes()
}

#[cfg(test)]
mod tests;
