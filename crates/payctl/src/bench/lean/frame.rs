//! Frames of HTTP/2 (RFC 9113, sections 4 and 6).

/// What a caller says first.
pub(super) const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// Bytes before the payload of a frame.
pub(super) const HEAD_BYTES: usize = 9;

pub(super) const DATA: u8 = 0x0;
pub(super) const HEADERS: u8 = 0x1;
pub(super) const RST_STREAM: u8 = 0x3;
pub(super) const SETTINGS: u8 = 0x4;
pub(super) const PUSH_PROMISE: u8 = 0x5;
pub(super) const PING: u8 = 0x6;
pub(super) const GOAWAY: u8 = 0x7;
pub(super) const WINDOW_UPDATE: u8 = 0x8;
pub(super) const CONTINUATION: u8 = 0x9;

pub(super) const ACK: u8 = 0x1;
pub(super) const END_STREAM: u8 = 0x1;
pub(super) const END_HEADERS: u8 = 0x4;
pub(super) const PADDED: u8 = 0x8;
pub(super) const PRIORITY: u8 = 0x20;

/// Names of settings.
pub(super) const HEADER_TABLE_SIZE: u16 = 0x1;
pub(super) const ENABLE_PUSH: u16 = 0x2;
pub(super) const MAX_CONCURRENT_STREAMS: u16 = 0x3;
pub(super) const INITIAL_WINDOW_SIZE: u16 = 0x4;
pub(super) const MAX_FRAME_SIZE: u16 = 0x5;
pub(super) const MAX_HEADER_LIST_SIZE: u16 = 0x6;

/// The error code by which a stream was not taken up.
pub(super) const REFUSED_STREAM: u32 = 0x7;

/// What stands before the payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Head {
    /// Bytes of the payload.
    pub(super) length: usize,
    pub(super) kind: u8,
    pub(super) flags: u8,
    pub(super) stream: u32,
}

impl Head {
    /// The head that `bytes` begin with, and what follows it.
    pub(super) fn read(bytes: &[u8]) -> Option<(Self, &[u8])> {
        let (&[a, b, c, kind, flags, d, e, f, g], rest) = bytes.split_first_chunk::<HEAD_BYTES>()?;
        let length = usize::try_from(u32::from_be_bytes([0, a, b, c])).ok()?;
        // The first bit of the stream means nothing.
        let stream = u32::from_be_bytes([d, e, f, g]) & 0x7fff_ffff;
        Some((Self { length, kind, flags, stream }, rest))
    }

    pub(super) const fn has(self, flag: u8) -> bool {
        self.flags & flag != 0
    }
}

/// Writes the head of a frame of so many bytes, at most 2^24 − 1.
pub(super) fn begin(out: &mut Vec<u8>, kind: u8, flags: u8, stream: u32, length: usize) {
    let [top, a, b, c] = u32::try_from(length).unwrap_or(u32::MAX).to_be_bytes();
    assert!(top == 0, "a frame has a length of three bytes");
    let [d, e, f, g] = stream.to_be_bytes();
    out.extend_from_slice(&[a, b, c, kind, flags, d, e, f, g]);
}

/// Writes a whole frame.
pub(super) fn write(out: &mut Vec<u8>, kind: u8, flags: u8, stream: u32, payload: &[u8]) {
    begin(out, kind, flags, stream, payload.len());
    out.extend_from_slice(payload);
}

/// The settings of a payload; `None` when it is not made of whole ones.
pub(super) fn settings(payload: &[u8]) -> Option<impl Iterator<Item = (u16, u32)>> {
    let (settings, []) = payload.as_chunks::<6>() else { return None };
    Some(settings.iter().map(|&[a, b, c, d, e, f]| (u16::from_be_bytes([a, b]), u32::from_be_bytes([c, d, e, f]))))
}

/// A payload that is one number, or begins with one.
pub(super) fn number(payload: &[u8]) -> Option<u32> {
    payload.first_chunk().map(|bytes| u32::from_be_bytes(*bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_is_read_as_it_was_written() {
        let mut bytes = Vec::new();
        write(&mut bytes, HEADERS, END_HEADERS, 5, b"block");
        let (head, rest) = Head::read(&bytes).unwrap();
        assert_eq!(head, Head { length: 5, kind: HEADERS, flags: END_HEADERS, stream: 5 });
        assert_eq!(rest, b"block");
        for short in 0..HEAD_BYTES {
            assert_eq!(Head::read(&bytes[..short]), None);
        }
        bytes[5] |= 0x80;
        assert_eq!(Head::read(&bytes).unwrap().0.stream, 5, "the reserved bit is not part of the stream");
    }

    #[test]
    fn settings_are_pairs() {
        let payload = [0, 4, 0, 1, 0, 0, 0, 3, 0, 0, 0, 100];
        assert_eq!(settings(&payload).unwrap().collect::<Vec<_>>(), [(4, 65_536), (3, 100)]);
        assert!(settings(&payload[..7]).is_none());
    }
}
