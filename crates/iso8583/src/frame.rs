//! Messages on a stream: each behind its length, in two bytes, big-endian.

use core::mem;

use crate::wiped::Wiped;

/// Bytes of length before a message.
pub const PREFIX_BYTES: usize = 2;

/// Why there is no frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The length of an empty frame means that the link lives, not that there is a message.
    #[error("a message has at least one byte")]
    Empty,
    /// Longer than the limit, or than two bytes can say.
    #[error("a message of {length} bytes is over the limit of {limit}")]
    TooLong {
        /// Bytes that were announced, or that there are.
        length: usize,
        /// Bytes that there may be.
        limit: u16,
    },
}

/// What is sent before a message of so many bytes.
///
/// # Errors
/// [`Error::Empty`] of nothing, [`Error::TooLong`] when two bytes cannot say it.
pub const fn prefix(length: usize) -> Result<[u8; PREFIX_BYTES], Error> {
    match length.to_be_bytes() {
        _ if length == 0 => Err(Error::Empty),
        [.., high, low] if length < 1 << 16 => Ok([high, low]),
        _ => Err(Error::TooLong { length, limit: u16::MAX }),
    }
}

/// What is sent on an idle link: an empty frame.
pub const KEEP_ALIVE: [u8; PREFIX_BYTES] = [0; PREFIX_BYTES];

/// Cuts a stream into messages, however its bytes arrive. It holds one message at most, and overwrites what it held.
#[derive(Clone)]
pub struct Deframer {
    limit: u16,
    state: State,
    /// Of the message that is being waited for, or the one that was handed out last.
    message: Wiped,
}

#[derive(Clone, Copy)]
enum State {
    Between,
    HalfPrefix(u8),
    Within { length: u16 },
    Failed(Error),
}

impl Deframer {
    /// A stream from its beginning, with messages of at most `limit` bytes.
    #[must_use]
    pub fn new(limit: u16) -> Self {
        Self { limit, state: State::Between, message: Wiped::default() }
    }

    /// Takes from `received` up to the end of the next message, and returns that; or takes all and returns `None`, when the
    /// message is not whole yet. Empty frames are passed over.
    ///
    /// ```
    /// # fn answer(message: &[u8]) {}
    /// # fn received(deframer: &mut iso8583::frame::Deframer, mut received: &[u8]) -> Result<(), iso8583::frame::Error> {
    /// while let Some(message) = deframer.next(&mut received)? {
    ///     answer(message);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::TooLong`] when a longer message is announced. Where the next one begins cannot be known then, so the error
    /// is the same from then on.
    pub fn next(&mut self, received: &mut &[u8]) -> Result<Option<&[u8]>, Error> {
        loop {
            match self.state {
                State::Failed(error) => return Err(error),
                State::Between => {
                    self.message.truncate(0);
                    let Some(high) = received.split_off_first() else { return Ok(None) };
                    self.state = State::HalfPrefix(*high);
                }
                State::HalfPrefix(high) => {
                    let Some(low) = received.split_off_first() else { return Ok(None) };
                    let length = u16::from_be_bytes([high, *low]);
                    self.state = if length == 0 {
                        State::Between
                    } else if length > self.limit {
                        State::Failed(Error::TooLong { length: usize::from(length), limit: self.limit })
                    } else {
                        State::Within { length }
                    };
                }
                State::Within { length } => {
                    let missing = usize::from(length).saturating_sub(self.message.len());
                    let (taken, rest) = received.split_at_checked(missing).unwrap_or((mem::take(received), &[]));
                    self.message.extend(taken);
                    *received = rest;
                    if self.message.len() < usize::from(length) {
                        return Ok(None);
                    }
                    self.state = State::Between;
                    return Ok(Some(self.message.as_slice()));
                }
            }
        }
    }

    /// Whether the stream may end here: no frame is begun.
    #[must_use]
    pub const fn is_between_frames(&self) -> bool {
        matches!(self.state, State::Between)
    }
}

impl core::fmt::Debug for Deframer {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Deframer")
            .field("limit", &self.limit)
            .field("held", &self.message.len())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use proptest::prelude::*;

    use super::*;

    fn all(deframer: &mut Deframer, mut received: &[u8]) -> Result<Vec<Vec<u8>>, Error> {
        let mut messages = Vec::new();
        while let Some(message) = deframer.next(&mut received)? {
            messages.push(message.to_vec());
        }
        assert!(received.is_empty());
        Ok(messages)
    }

    #[test]
    fn a_prefix_says_1_to_65535() {
        for (length, expected) in [
            (0, Err(Error::Empty)),
            (1, Ok([0, 1])),
            (258, Ok([1, 2])),
            (65_535, Ok([255, 255])),
            (65_536, Err(Error::TooLong { length: 65_536, limit: u16::MAX })),
            (usize::MAX, Err(Error::TooLong { length: usize::MAX, limit: u16::MAX })),
        ] {
            assert_eq!(prefix(length), expected);
        }
    }

    #[test]
    fn an_empty_frame_is_passed_over_and_a_long_one_ends_the_stream() {
        let mut deframer = Deframer::new(3);
        assert_eq!(all(&mut deframer, b"\0\0\0\x03abc\0\0"), Ok(Vec::from([b"abc".to_vec()])));
        assert!(deframer.is_between_frames());
        assert_eq!(all(&mut deframer, b"\0"), Ok(Vec::new()));
        assert!(!deframer.is_between_frames());
        let too_long = Err(Error::TooLong { length: 4, limit: 3 });
        assert_eq!(all(&mut deframer, b"\x04abcd"), too_long);
        assert_eq!(all(&mut deframer, b"\0\x01a"), too_long);
    }

    proptest! {
        #[test]
        fn messages_come_out_whole_however_their_bytes_arrive(
            messages in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..40), 0..8),
            pieces in prop::collection::vec(1_usize..20, 1..8),
        ) {
            let mut stream = Vec::new();
            for message in &messages {
                stream.extend(prefix(message.len()).unwrap_or(KEEP_ALIVE));
                stream.extend(message);
            }
            let mut deframer = Deframer::new(39);
            let mut found = Vec::new();
            let mut rest = &stream[..];
            for length in pieces.iter().cycle() {
                let (piece, after) = rest.split_at(rest.len().min(*length));
                found.extend(all(&mut deframer, piece).expect("within the limit"));
                rest = after;
                if rest.is_empty() { break }
            }
            prop_assert!(deframer.is_between_frames());
            prop_assert_eq!(found, messages.into_iter().filter(|message| !message.is_empty()).collect::<Vec<_>>());
        }
    }
}
