use super::super::hpack::Keeping;
use super::*;

/// What the other side says, frame by frame.
#[derive(Default)]
struct Said(Vec<u8>);

impl Said {
    fn frame(mut self, kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Self {
        frame::write(&mut self.0, kind, flags, stream, payload);
        self
    }

    fn settings(self, settings: &[(u16, u32)]) -> Self {
        let payload: Vec<u8> = settings
            .iter()
            .flat_map(|(name, value)| [&name.to_be_bytes()[..], &value.to_be_bytes()].concat())
            .collect();
        self.frame(frame::SETTINGS, 0, 0, &payload)
    }

    /// `:status` 200.
    fn headers(self, stream: u32) -> Self {
        self.frame(frame::HEADERS, frame::END_HEADERS, stream, &[0x88])
    }

    fn message(self, stream: u32, message: &[u8]) -> Self {
        self.frame(frame::DATA, 0, stream, &prefixed(message))
    }

    fn trailers(self, stream: u32, status: &str) -> Self {
        self.frame(frame::HEADERS, frame::END_HEADERS | frame::END_STREAM, stream, &literal("grpc-status", status))
    }

    fn answer(self, stream: u32, message: &[u8]) -> Self {
        self.headers(stream).message(stream, message).trailers(stream, "0")
    }

    fn going_away(self, last: u32) -> Self {
        self.frame(frame::GOAWAY, 0, 0, &[last.to_be_bytes(), [0; 4]].concat())
    }
}

fn prefixed(message: &[u8]) -> Vec<u8> {
    [&[0][..], &u32::try_from(message.len()).unwrap().to_be_bytes(), message].concat()
}

/// A header that nobody keeps.
fn literal(name: &str, value: &str) -> Vec<u8> {
    let length = |text: &str| u8::try_from(text.len()).unwrap();
    [&[0, length(name)], name.as_bytes(), &[length(value)], value.as_bytes()].concat()
}

fn headers() -> Vec<Header> {
    let kept = |name, value: &str| Header { name, value: value.into(), keeping: Keeping::Kept };
    vec![kept(":method", "POST"), kept(":path", "/a/B")]
}

fn fresh() -> Connection<u32> {
    Connection::new(vec![Route::new(headers())], 8)
}

/// A connection whose other side has told these settings, with what it says from now on.
fn settled_with(settings: &[(u16, u32)]) -> Connection<u32> {
    let mut connection = fresh();
    connection.receive(&Said::default().settings(settings).0, &mut Vec::new()).unwrap();
    connection.out().clear();
    connection
}

/// One with calls 1, 3, … under way.
fn asking(calls: u32) -> Connection<u32> {
    let mut connection = settled_with(&[]);
    (0..calls).for_each(|call| connection.begin(0, b"request", call));
    connection.out().clear();
    connection
}

/// What the calls ended with, in order.
fn heard(connection: &mut Connection<u32>, bytes: &[u8]) -> Result<Vec<(u32, Outcome)>, Fault> {
    let mut done = Vec::new();
    connection.receive(bytes, &mut done)?;
    Ok(done.into_iter().map(|done| (done.call, done.outcome)).collect())
}

fn replied(message: &[u8]) -> Outcome {
    Outcome::Replied(prefixed(message))
}

/// The frames that were written, the preface aside.
fn written(connection: &mut Connection<u32>) -> Vec<(Head, Vec<u8>)> {
    let (mut frames, mut bytes) = (Vec::new(), &connection.out()[..]);
    bytes = bytes.strip_prefix(frame::PREFACE).unwrap_or(bytes);
    while let Some((head, rest)) = Head::read(bytes) {
        frames.push((head, rest[..head.length].to_vec()));
        bytes = &rest[head.length..];
    }
    connection.out().clear();
    frames
}

#[test]
fn a_call_is_headers_and_one_frame_of_data() {
    let mut connection = fresh();
    assert!(!connection.has_room(), "nothing begins before the settings of the other side");
    assert!(connection.out().starts_with(frame::PREFACE));
    connection.receive(&Said::default().settings(&[]).0, &mut Vec::new()).unwrap();
    connection.out().clear();
    connection.begin(0, b"one", 1);
    connection.begin(0, b"two", 2);
    let frames = written(&mut connection);
    let heads: Vec<_> = frames.iter().map(|(head, _)| (head.kind, head.flags, head.stream)).collect();
    let of = |stream| [(frame::HEADERS, frame::END_HEADERS, stream), (frame::DATA, frame::END_STREAM, stream)];
    assert_eq!(heads, [of(1), of(3)].concat());
    assert_eq!((&frames[1].1, &frames[3].1), (&prefixed(b"one"), &prefixed(b"two")));
    assert!(frames[2].1.len() < frames[0].1.len(), "headers are told once and then referred to");
}

/// Any split of what is read, down to single bytes, is the same story.
#[test]
fn frames_may_be_split_and_merged_anywhere() {
    let ping = |said: Said| said.frame(frame::PING, 0, 0, b"12345678");
    let said = ping(Said::default().answer(3, b"second")).answer(1, b"first").answer(5, &[7; 2_000]).0;
    let expected = [(1, replied(b"second")), (0, replied(b"first")), (2, replied(&[7; 2_000]))];
    for step in [1, 2, 3, 7, 10, 11, 100, 1_000, said.len()] {
        let mut connection = asking(3);
        let mut all = Vec::new();
        for part in said.chunks(step) {
            all.extend(heard(&mut connection, part).unwrap());
        }
        assert_eq!(all, expected, "{step}");
        assert_eq!(connection.open(), 0);
        let frames = written(&mut connection);
        assert_eq!(frames.len(), 1, "the ping is answered");
        assert_eq!((frames[0].0.flags, &frames[0].1[..]), (frame::ACK, &b"12345678"[..]));
    }
}

#[test]
fn a_call_that_failed_says_why() {
    let mut connection = asking(2);
    let block = [&[0x88][..], &literal("grpc-status", "14"), &literal("grpc-message", "busy%21")].concat();
    let ends = frame::END_HEADERS | frame::END_STREAM;
    let said = Said::default().frame(frame::HEADERS, ends, 1, &block).headers(3).trailers(3, "4");
    let trailers = |status: &str, message: &str| {
        Outcome::Failed(Trailers { status: status.into(), message: message.into(), details: String::new() })
    };
    assert_eq!(heard(&mut connection, &said.0).unwrap(), [(0, trailers("14", "busy%21")), (1, trailers("4", ""))]);
}

#[test]
fn what_is_no_answer_is_told_and_ends_the_call_alone() {
    let not_found = [0x8d];
    let said = Said::default()
        .frame(frame::HEADERS, frame::END_HEADERS | frame::END_STREAM, 1, &not_found)
        .headers(3)
        .trailers(3, "0")
        .headers(5)
        .message(5, b"one")
        .message(5, b"two")
        .trailers(5, "0")
        .headers(7)
        .frame(frame::DATA, frame::END_STREAM, 7, &prefixed(b"no trailers"))
        .answer(9, b"fine");
    let mut connection = asking(5);
    let heard = heard(&mut connection, &said.0).unwrap();
    let malformed = heard.iter().filter(|(_, outcome)| matches!(outcome, Outcome::Malformed(_))).count();
    assert_eq!((malformed, &heard[4]), (4, &(4, replied(b"fine"))), "{heard:?}");
}

#[test]
fn headers_may_go_on_in_further_frames_and_have_padding() {
    let mut connection = asking(1);
    let padded = [&[3][..], &[0x88], &[0; 3]].concat();
    let mut data = vec![2];
    data.extend(prefixed(b"padded"));
    data.extend([0; 2]);
    let block = literal("grpc-status", "0");
    let said = Said::default()
        .frame(frame::HEADERS, frame::END_HEADERS | frame::PADDED, 1, &padded)
        .frame(frame::DATA, frame::PADDED, 1, &data)
        .frame(frame::HEADERS, frame::END_STREAM, 1, &block[..3])
        .frame(frame::CONTINUATION, 0, 1, &block[3..6])
        .frame(frame::CONTINUATION, frame::END_HEADERS, 1, &block[6..]);
    assert_eq!(heard(&mut connection, &said.0).unwrap(), [(0, replied(b"padded"))]);
}

#[test]
fn a_farewell_leaves_what_is_above_it_untouched() {
    let mut connection = asking(3);
    let said = Said::default().going_away(0x7fff_ffff).answer(3, b"second").0;
    assert_eq!(heard(&mut connection, &said).unwrap(), [(1, replied(b"second"))]);
    assert!(connection.is_going_away() && !connection.has_room());
    let said = Said::default().going_away(3).answer(5, b"too late").answer(1, b"first").0;
    assert_eq!(heard(&mut connection, &said).unwrap(), [(2, Outcome::Untouched), (0, replied(b"first"))]);
    assert_eq!(connection.open(), 0);
    let mut connection = asking(1);
    let blamed = Said::default().frame(frame::GOAWAY, 0, 0, &[[0; 4], 11_u32.to_be_bytes()].concat()).0;
    assert_eq!(heard(&mut connection, &blamed), Err(Fault::CutOff(11)));
    assert_eq!(connection.abandon(), [0]);
}

#[test]
fn a_reset_ends_one_call() {
    let mut connection = asking(3);
    let reset = |said: Said, stream, code: u32| said.frame(frame::RST_STREAM, 0, stream, &code.to_be_bytes());
    let said = reset(reset(Said::default(), 1, 8), 3, frame::REFUSED_STREAM).answer(5, b"fine");
    // What was on the way when a call ended means nothing any more.
    let said = reset(said, 1, 8).answer(1, b"late").frame(frame::WINDOW_UPDATE, 0, 1, &[0, 0, 0, 9]);
    let expected = [(0, Outcome::Reset(8)), (1, Outcome::Untouched), (2, replied(b"fine"))];
    assert_eq!(heard(&mut connection, &said.0).unwrap(), expected);
}

#[test]
fn no_more_calls_begin_than_the_other_side_takes() {
    let mut connection = settled_with(&[(frame::MAX_CONCURRENT_STREAMS, 2)]);
    connection.begin(0, b"", 0);
    connection.begin(0, b"", 1);
    assert!(!connection.has_room());
    heard(&mut connection, &Said::default().answer(1, b"").0).unwrap();
    assert!(connection.has_room());
    // A place that a slow call keeps is left out, however many others come and go.
    for round in 0..100 {
        connection.begin(0, b"", round);
        let last = connection.next_id - 2;
        let heard = heard(&mut connection, &Said::default().answer(last, b"").0).unwrap();
        assert_eq!(heard, [(round, replied(b""))]);
    }
    assert_eq!(heard(&mut connection, &Said::default().answer(3, b"slow").0).unwrap(), [(1, replied(b"slow"))]);
}

#[test]
fn a_message_waits_for_room() {
    let mut connection = settled_with(&[(frame::INITIAL_WINDOW_SIZE, 10)]);
    connection.begin(0, b"twelve bytes", 0);
    let sent = |frames: Vec<(Head, Vec<u8>)>| -> Vec<(usize, u8)> {
        let data = frames.iter().filter(|(head, _)| head.kind == frame::DATA);
        data.map(|(head, _)| (head.length, head.flags)).collect()
    };
    assert_eq!(sent(written(&mut connection)), [(10, 0)]);
    assert!(!connection.has_room(), "what waits goes first");
    let opened = |stream: u32, more: u32| Said::default().frame(frame::WINDOW_UPDATE, 0, stream, &more.to_be_bytes()).0;
    heard(&mut connection, &opened(1, 3)).unwrap();
    assert_eq!(sent(written(&mut connection)), [(3, 0)]);
    // Less than nothing is left after this, and four bytes only make up for it.
    heard(&mut connection, &Said::default().settings(&[(frame::INITIAL_WINDOW_SIZE, 6)]).0).unwrap();
    heard(&mut connection, &opened(1, 4)).unwrap();
    assert_eq!(sent(written(&mut connection)), []);
    heard(&mut connection, &opened(1, 100)).unwrap();
    assert_eq!(sent(written(&mut connection)), [(4, frame::END_STREAM)]);
    assert_eq!(heard(&mut connection, &Said::default().answer(1, b"ok").0).unwrap(), [(0, replied(b"ok"))]);
}

#[test]
fn a_large_message_is_cut_to_frames_and_to_the_connection_s_window() {
    let mut connection = settled_with(&[(frame::INITIAL_WINDOW_SIZE, 1_000_000)]);
    connection.begin(0, &[0; 100_000], 0);
    let bytes = |frames: &[(Head, Vec<u8>)]| -> Vec<usize> {
        frames.iter().filter(|(head, _)| head.kind == frame::DATA).map(|(head, _)| head.length).collect()
    };
    assert_eq!(bytes(&written(&mut connection)), [16_384, 16_384, 16_384, 16_383], "65,535 bytes in all");
    let more = Said::default().frame(frame::WINDOW_UPDATE, 0, 0, &1_000_000_u32.to_be_bytes()).0;
    heard(&mut connection, &more).unwrap();
    let frames = written(&mut connection);
    assert_eq!(bytes(&frames).iter().sum::<usize>(), 100_005 - 65_535);
    assert_eq!(frames.last().unwrap().0.flags, frame::END_STREAM);
}

#[test]
fn the_connection_s_window_is_opened_again() {
    let mut connection = asking(0);
    for round in 0..200 {
        connection.begin(0, b"", round);
        let id = connection.next_id - 2;
        let mut said = Said::default().headers(id);
        let message = prefixed(&[1; 500_000]);
        for part in message.chunks(FRAME_BYTES_MAX) {
            said = said.frame(frame::DATA, 0, id, part);
        }
        assert_eq!(heard(&mut connection, &said.trailers(id, "0").0).unwrap().len(), 1);
    }
    let updates = written(&mut connection).into_iter().filter(|(head, _)| head.kind == frame::WINDOW_UPDATE);
    let opened: u32 = updates.map(|(_, payload)| frame::number(&payload).unwrap()).sum();
    assert!(opened > 32 * 1024 * 1024, "{opened}");
}

#[test]
fn what_a_server_must_not_say_is_a_fault() {
    let said = Said::default;
    let cases = [
        ("an http/1 server", Said(b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec())),
        ("a frame too large", said().frame(frame::DATA, 0, 1, &[0; FRAME_BYTES_MAX + 1])),
        ("a stream that nobody began", said().headers(3)),
        ("a stream of its own", said().headers(2)),
        ("data on no stream", said().frame(frame::DATA, 0, 0, b"x")),
        ("a push", said().frame(frame::PUSH_PROMISE, frame::END_HEADERS, 1, &[0, 0, 0, 2])),
        ("a short ping", said().frame(frame::PING, 0, 0, b"short")),
        ("settings in parts", said().frame(frame::SETTINGS, 0, 0, &[0; 5])),
        ("a frame size below the least", said().settings(&[(frame::MAX_FRAME_SIZE, 100)])),
        ("a window too large", said().settings(&[(frame::INITIAL_WINDOW_SIZE, 0x8000_0000)])),
        ("a window opened by nothing", said().frame(frame::WINDOW_UPDATE, 0, 0, &[0; 4])),
        ("a window opened too far", said().frame(frame::WINDOW_UPDATE, 0, 0, &[0x7f, 0xff, 0xff, 0xff])),
        ("a short reset", said().frame(frame::RST_STREAM, 0, 1, &[0; 3])),
        ("a short farewell", said().frame(frame::GOAWAY, 0, 0, &[0; 7])),
        ("a continuation of nothing", said().frame(frame::CONTINUATION, frame::END_HEADERS, 1, &[0x88])),
        ("headers interrupted", said().frame(frame::HEADERS, 0, 1, &[0x88]).frame(frame::PING, 0, 0, &[0; 8])),
        ("headers without end", said().frame(frame::HEADERS, 0, 1, &[]).frame(frame::CONTINUATION, 0, 1, &[])),
        ("more padding than there is", said().frame(frame::HEADERS, frame::END_HEADERS | frame::PADDED, 1, &[9, 0x88])),
        ("padding without length", said().headers(1).frame(frame::DATA, frame::PADDED, 1, &[])),
        ("a header index of nothing", said().frame(frame::HEADERS, frame::END_HEADERS, 1, &[0xbe])),
        ("a message before its headers", said().message(1, b"x")),
        ("two answers", said().headers(1).headers(1)),
        ("trailers that end nothing", said().headers(1).frame(frame::HEADERS, frame::END_HEADERS, 1, &[])),
        ("a reply too large", said().headers(1).frame(frame::DATA, 0, 1, &[0, 0, 0x20, 0, 0])),
    ];
    for (what, said) in cases {
        let mut connection = asking(1);
        assert!(heard(&mut connection, &said.0).is_err(), "{what}");
        assert_eq!(connection.abandon(), [0], "{what}: the call is not lost");
    }
    for early in [said().headers(1), said().frame(frame::SETTINGS, frame::ACK, 0, &[])] {
        assert!(fresh().receive(&early.0, &mut Vec::new()).is_err(), "settings come first");
    }
}

#[test]
fn too_much_of_anything_ends_at_a_limit() {
    let mut connection = asking(1);
    let mut said = Said::default().frame(frame::HEADERS, 0, 1, &[0x88]);
    for _ in 0..HEADER_BYTES_MAX / 1_000 + 1 {
        said = said.frame(frame::CONTINUATION, 0, 1, &[0x88; 1_000]);
    }
    assert!(matches!(heard(&mut connection, &said.0), Err(Fault::Header(_))));
    let mut connection = asking(1);
    let mut said = Said::default().headers(1).frame(frame::DATA, 0, 1, &[0, 0, 0x0f, 0xff, 0xf0]);
    for _ in 0..=REPLY_BYTES_MAX / FRAME_BYTES_MAX {
        said = said.frame(frame::DATA, 0, 1, &[0; FRAME_BYTES_MAX]);
    }
    assert_eq!(heard(&mut connection, &said.0), Err(Fault::ReplyTooLarge(REPLY_BYTES_MAX)));
}

proptest::proptest! {
    #[test]
    fn no_bytes_make_it_panic(
        bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..300),
        kinds in proptest::collection::vec((0_u8..12, proptest::prelude::any::<u8>(), 0_u32..12), 0..12),
    ) {
        let _fault_or_not = heard(&mut asking(3), &bytes);
        let mut said = Said::default();
        for ((kind, flags, stream), payload) in kinds.into_iter().zip(bytes.chunks(7)) {
            said = said.frame(kind, flags, stream, payload);
        }
        let mut connection = asking(3);
        let ended = heard(&mut connection, &said.0).map_or(0, |heard| heard.len());
        let _left = ended + connection.abandon().len();
    }
}
