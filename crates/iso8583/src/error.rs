//! What is wrong with bytes or with a message. Nothing here carries content: errors go to logs, and content may be card data.

use core::fmt;

use crate::codec::MESSAGE_BYTES_MAX;
use crate::element::{Element, Kind};

/// Why bytes are no message of a spec.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("cannot decode {place}: expected {expected} at byte {offset}")]
pub struct DecodeError {
    /// What was being read.
    pub place: Place,
    /// Where in the bytes, from 0.
    pub offset: usize,
    /// What should have stood there.
    pub expected: Expected,
}

/// Why a message cannot be written by a spec.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("cannot encode {place}: expected {expected} at byte {offset} of it")]
pub struct EncodeError {
    /// What was being written.
    pub place: Place,
    /// Where in the value of that element, from 0.
    pub offset: usize,
    /// What should have stood there.
    pub expected: Expected,
}

/// A part of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// The message type identifier.
    Mti,
    /// The bitmap of DE 1 to DE 64.
    Bitmap,
    /// DE 1, the bitmap of DE 65 to DE 128.
    SecondBitmap,
    /// An element.
    Element(Element),
    /// The message as a whole.
    Message,
}

/// What should have stood somewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expected {
    /// This many bytes more than there are.
    MoreBytes(usize),
    /// Nothing more.
    End,
    /// At most [`MESSAGE_BYTES_MAX`] bytes in all.
    ShorterMessage,
    /// Characters of this kind.
    Characters(Kind),
    /// Two hexadecimal digits for each byte.
    HexDigits,
    /// The half byte that fills up an odd number of digits.
    PaddingNibble(u8),
    /// The decimal digits of a length.
    LengthDigits,
    /// This length exactly: digits, characters, or bytes of a binary element.
    Length(u16),
    /// This length or less.
    LengthAtMost(u16),
    /// A message type identifier of version 0.
    Version0,
    /// No DE 65: the 1987 version has no third bitmap.
    NoThirdBitmap,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Mti => f.write_str("the message type"),
            Self::Bitmap => f.write_str("the bitmap"),
            Self::SecondBitmap => f.write_str("DE 1"),
            Self::Element(element) => write!(f, "{element}"),
            Self::Message => f.write_str("the message"),
        }
    }
}

impl fmt::Display for Expected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::MoreBytes(1) => f.write_str("1 more byte"),
            Self::MoreBytes(bytes) => write!(f, "{bytes} more bytes"),
            Self::End => f.write_str("the end"),
            Self::ShorterMessage => write!(f, "at most {MESSAGE_BYTES_MAX} bytes"),
            Self::Characters(kind) => f.write_str(match kind {
                Kind::Numeric => "a digit",
                Kind::SignedNumeric => "C or D and digits",
                Kind::Alphanumeric => "a letter, a digit or a blank",
                Kind::AlphanumericSpecial => "a printable character",
                Kind::Binary => "a byte",
                Kind::Track => "a character of a track",
            }),
            Self::HexDigits => f.write_str("hexadecimal digits, two a byte"),
            Self::PaddingNibble(nibble) => write!(f, "the half byte {nibble:X} that fills up"),
            Self::LengthDigits => f.write_str("the digits of a length"),
            Self::Length(length) => write!(f, "a length of {length}"),
            Self::LengthAtMost(length) => write!(f, "a length of at most {length}"),
            Self::Version0 => f.write_str("0 and three digits"),
            Self::NoThirdBitmap => f.write_str("no third bitmap"),
        }
    }
}

/// What is wrong, and how far from where the reading or writing of a part began.
#[derive(Clone, Copy)]
pub(crate) struct Problem {
    pub(crate) at: usize,
    pub(crate) expected: Expected,
}

impl Problem {
    pub(crate) const fn new(at: usize, expected: Expected) -> Self {
        Self { at, expected }
    }
}
