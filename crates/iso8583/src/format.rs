//! How one element is written on a link.

use crate::charset::{Charset, is_printable};
use crate::element::{Kind, Length};
use crate::error::{Expected, Problem};
use crate::wiped::Wiped;

/// Where an odd number of packed digits is filled up to whole bytes, and by which half byte (0 to 15).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Padding {
    /// Before the first digit.
    Left(u8),
    /// After the last digit.
    Right(u8),
}

/// How a value is bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// A byte for each character; of a binary element, two hexadecimal digits for each byte.
    Text(Charset),
    /// Two digits a byte (BCD): for [`Kind::Numeric`], and for [`Kind::Track`], whose `=` is the half byte D.
    Packed(Padding),
    /// The bytes themselves: for [`Kind::Binary`].
    Binary,
}

/// How the length before a value is bytes. It counts what is written: digits, characters, hexadecimal digits too, or
/// bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PrefixEncoding {
    /// Two or three digits.
    Text(Charset),
    /// Packed digits, filled up by a 0 on the left: one byte for LLVAR, two for LLLVAR.
    Packed,
    /// A big-endian number: one byte for LLVAR, two for LLLVAR.
    Binary,
}

/// How one element is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Format {
    // Invariant: the encoding suits the kind, and the length its prefix.
    kind: Kind,
    length: Length,
    encoding: Encoding,
    prefix: PrefixEncoding,
}

/// What three digits of length can say.
const LENGTH_MAX: u16 = 999;

impl Format {
    /// A format of these parts, for constants. The prefix of a fixed length is not used.
    ///
    /// # Panics
    /// When the encoding does not suit the kind, a half byte is over 15, a length is 0, or the longest value is longer
    /// than its prefix can say. A fixed length is at most 999.
    #[must_use]
    pub const fn new(kind: Kind, length: Length, encoding: Encoding, prefix: PrefixEncoding) -> Self {
        match encoding {
            Encoding::Text(_) => {}
            Encoding::Packed(Padding::Left(nibble) | Padding::Right(nibble)) => {
                assert!(matches!(kind, Kind::Numeric | Kind::Track), "digits are packed, and nothing else");
                assert!(nibble <= 0xF, "half a byte");
            }
            Encoding::Binary => assert!(matches!(kind, Kind::Binary), "bytes are of a binary element"),
        }
        let format = Self { kind, length, encoding, prefix };
        let limit = match length {
            Length::Fixed(_) | Length::Lll(_) => LENGTH_MAX,
            Length::Ll(_) => 99,
        };
        assert!(length.maximum() > 0 && length.maximum() <= LENGTH_MAX, "a value has a length");
        assert!(format.written(length.maximum()) <= limit, "a prefix says any length");
        format
    }

    /// What it holds.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        self.kind
    }

    /// How long it is.
    #[must_use]
    pub const fn length(&self) -> Length {
        self.length
    }

    /// How the value is bytes.
    #[must_use]
    pub const fn encoding(&self) -> Encoding {
        self.encoding
    }

    /// How the length before it is bytes.
    #[must_use]
    pub const fn prefix(&self) -> PrefixEncoding {
        self.prefix
    }

    const fn is_hex(&self) -> bool {
        matches!((self.kind, self.encoding), (Kind::Binary, Encoding::Text(_)))
    }

    /// What a prefix says of a value of this length.
    const fn written(&self, length: u16) -> u16 {
        if self.is_hex() { length.saturating_mul(2) } else { length }
    }

    /// The most that a prefix may say, and of a fixed length what it would say.
    pub(crate) const fn written_maximum(&self) -> u16 {
        self.written(self.length.maximum())
    }

    /// How many digits of length stand in front, if any do.
    pub(crate) const fn prefix_digits(&self) -> Option<usize> {
        match self.length {
            Length::Fixed(_) => None,
            Length::Ll(_) => Some(2),
            Length::Lll(_) => Some(3),
        }
    }

    /// How many bytes of length stand in front.
    pub(crate) const fn prefix_bytes(&self) -> usize {
        match (self.prefix_digits(), self.prefix) {
            (None, _) => 0,
            (Some(digits), PrefixEncoding::Text(_)) => digits,
            (Some(digits), PrefixEncoding::Packed | PrefixEncoding::Binary) => digits.div_ceil(2),
        }
    }

    /// How many bytes a value takes of which a prefix says this.
    pub(crate) const fn value_bytes(&self, written: usize) -> usize {
        match self.encoding {
            Encoding::Text(_) | Encoding::Binary => written,
            Encoding::Packed(_) => written.div_ceil(2),
        }
    }

    /// Reads what a prefix says.
    pub(crate) fn read_prefix(&self, bytes: &[u8]) -> Result<u16, Problem> {
        let digit = |number: u16, digit: u8| match digit {
            0..=9 => Some(number.checked_mul(10)?.checked_add(u16::from(digit))?),
            _ => None,
        };
        let mut number = 0_u16;
        for (at, byte) in bytes.iter().enumerate() {
            let next = match self.prefix {
                PrefixEncoding::Text(charset) => {
                    charset.character(*byte).and_then(|character| digit(number, character.wrapping_sub(b'0')))
                }
                PrefixEncoding::Packed => digit(number, byte >> 4).and_then(|number| digit(number, byte & 0xF)),
                PrefixEncoding::Binary => Some((number << 8) | u16::from(*byte)),
            };
            number = next.ok_or(Problem::new(at, Expected::LengthDigits))?;
        }
        if number > self.written_maximum() {
            return Err(Problem::new(0, Expected::LengthAtMost(self.written_maximum())));
        }
        Ok(number)
    }

    /// Writes the prefix of a value whose length is as it must be.
    fn write_prefix(&self, written: u16, out: &mut Wiped) {
        let Some(digits) = self.prefix_digits() else { return };
        let [high, low] = match self.prefix {
            PrefixEncoding::Text(charset) => {
                for place in [100, 10, 1].into_iter().skip(3_usize.saturating_sub(digits)) {
                    let digit = written.checked_div(place).unwrap_or(0) % 10;
                    out.push(charset.byte(digit.to_be_bytes()[1].saturating_add(b'0')).unwrap_or(0));
                }
                return;
            }
            PrefixEncoding::Packed => {
                (((written / 100) << 8) | (((written / 10) % 10) << 4) | (written % 10)).to_be_bytes()
            }
            PrefixEncoding::Binary => written.to_be_bytes(),
        };
        if digits > 2 {
            out.push(high);
        }
        out.push(low);
    }

    /// Reads a value of which a prefix says `written`, from all its bytes.
    pub(crate) fn read(&self, written: usize, bytes: &[u8], out: &mut Wiped) -> Result<(), Problem> {
        match self.encoding {
            Encoding::Text(charset) if self.is_hex() => read_hex(charset, bytes, out),
            Encoding::Text(charset) => {
                for (at, byte) in bytes.iter().enumerate() {
                    let character = charset.character(*byte).map(|character| self.canonical(character));
                    let character = character.filter(|character| self.kind.takes(at, *character));
                    out.push(character.ok_or(Problem::new(at, Expected::Characters(self.kind)))?);
                }
                Ok(())
            }
            Encoding::Packed(padding) => self.read_packed(padding, written, bytes, out),
            Encoding::Binary => {
                out.extend(bytes);
                Ok(())
            }
        }
    }

    /// Some write the separator of a track as `D`, as which it is packed.
    const fn canonical(&self, character: u8) -> u8 {
        if matches!(self.kind, Kind::Track) && character == b'D' { b'=' } else { character }
    }

    fn read_packed(&self, padding: Padding, digits: usize, bytes: &[u8], out: &mut Wiped) -> Result<(), Problem> {
        let filled = match padding {
            _ if digits.is_multiple_of(2) => None,
            Padding::Left(nibble) => Some((0, nibble)),
            Padding::Right(nibble) => Some((digits, nibble)),
        };
        let nibbles = bytes.iter().flat_map(|byte| [byte >> 4, byte & 0xF]);
        for (place, nibble) in nibbles.enumerate() {
            let at = place / 2;
            match filled {
                Some((filled, expected)) if filled == place => {
                    if nibble != expected {
                        return Err(Problem::new(at, Expected::PaddingNibble(expected)));
                    }
                }
                _ => {
                    let character = nibble.saturating_add(b'0');
                    if !self.kind.takes(at, character) {
                        return Err(Problem::new(at, Expected::Characters(self.kind)));
                    }
                    out.push(character);
                }
            }
        }
        Ok(())
    }

    /// Writes a value with its prefix.
    pub(crate) fn write(&self, value: &[u8], out: &mut Wiped) -> Result<(), Problem> {
        let maximum = self.length.maximum();
        let length = u16::try_from(value.len()).ok().filter(|length| *length <= maximum);
        let length = length.filter(|length| *length == maximum || self.prefix_digits().is_some());
        let length = length.ok_or(Problem::new(
            0,
            if self.prefix_digits().is_some() { Expected::LengthAtMost(maximum) } else { Expected::Length(maximum) },
        ))?;
        if let Some(at) = value.iter().enumerate().position(|(at, character)| !self.kind.takes(at, *character)) {
            return Err(Problem::new(at, Expected::Characters(self.kind)));
        }
        self.write_prefix(self.written(length), out);
        match self.encoding {
            Encoding::Text(charset) if self.is_hex() => write_hex(charset, value, out),
            // Every character that a kind takes is printable.
            Encoding::Text(charset) => {
                value.iter().filter_map(|character| charset.byte(*character)).for_each(|byte| out.push(byte));
            }
            Encoding::Packed(padding) => write_packed(padding, value, out),
            Encoding::Binary => out.extend(value),
        }
        Ok(())
    }

    /// How many bytes a value of this length takes with its prefix.
    pub(crate) fn bytes(&self, length: usize) -> usize {
        let written = if self.is_hex() { length.saturating_mul(2) } else { length };
        self.prefix_bytes().saturating_add(self.value_bytes(written))
    }
}

impl Kind {
    /// Whether this character may stand at this place of a value.
    fn takes(self, place: usize, character: u8) -> bool {
        match self {
            Self::Numeric => character.is_ascii_digit(),
            Self::SignedNumeric if place == 0 => matches!(character, b'C' | b'D'),
            Self::SignedNumeric => character.is_ascii_digit(),
            Self::Alphanumeric => character.is_ascii_alphanumeric() || character == b' ',
            Self::AlphanumericSpecial => is_printable(character),
            Self::Binary => true,
            Self::Track => matches!(character, b'0'..=b'?'),
        }
    }
}

fn read_hex(charset: Charset, bytes: &[u8], out: &mut Wiped) -> Result<(), Problem> {
    let digit = |byte: &u8| match charset.character(*byte)? {
        digit @ b'0'..=b'9' => Some(digit.wrapping_sub(b'0')),
        digit @ b'A'..=b'F' => Some(digit.wrapping_sub(b'A').saturating_add(10)),
        digit @ b'a'..=b'f' => Some(digit.wrapping_sub(b'a').saturating_add(10)),
        _ => None,
    };
    for (pair, digits) in bytes.chunks(2).enumerate() {
        let byte = match digits {
            [high, low] => digit(high).zip(digit(low)).map(|(high, low)| (high << 4) | low),
            _ => None,
        };
        out.push(byte.ok_or(Problem::new(pair.saturating_mul(2), Expected::HexDigits))?);
    }
    Ok(())
}

fn write_hex(charset: Charset, value: &[u8], out: &mut Wiped) {
    let digit = |nibble: u8| if nibble < 10 { nibble.saturating_add(b'0') } else { nibble.saturating_add(b'A' - 10) };
    let digits = value.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 0xF)]);
    digits.filter_map(|digit| charset.byte(digit)).for_each(|byte| out.push(byte));
}

fn write_packed(padding: Padding, value: &[u8], out: &mut Wiped) {
    let odd = !value.len().is_multiple_of(2);
    let (before, after) = match padding {
        _ if !odd => (None, None),
        Padding::Left(nibble) => (Some(nibble), None),
        Padding::Right(nibble) => (None, Some(nibble)),
    };
    let nibbles = before.into_iter().chain(value.iter().map(|digit| digit & 0xF)).chain(after);
    let mut high = None;
    for nibble in nibbles {
        match high.take() {
            None => high = Some(nibble << 4),
            Some(high) => out.push(high | nibble),
        }
    }
}
