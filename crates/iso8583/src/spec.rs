//! How the messages of a link are written.

use crate::charset::Charset;
use crate::element::{Element, Kind, Length, ROWS, definitions};
use crate::format::{Encoding, Format, Padding, PrefixEncoding};

/// How the messages of a link are written: message type, bitmaps, and each element. A partner's own spec is a published
/// one with what differs replaced:
///
/// ```
/// use iso8583::{Charset, Element, Encoding, Format, Kind, Length, PrefixEncoding, Spec};
///
/// static PARTNER: Spec = Spec::ASCII.with_bitmap(Encoding::Binary).with(
///     Element::of(48),
///     Format::new(Kind::Binary, Length::Lll(255), Encoding::Binary, PrefixEncoding::Text(Charset::Ascii)),
/// );
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spec {
    mti: Format,
    bitmap: Format,
    formats: [Format; ROWS],
}

/// What a published spec writes each kind of content as.
struct Style {
    digits: Encoding,
    track: Encoding,
    text: Charset,
    binary: Encoding,
    prefix: PrefixEncoding,
}

impl Spec {
    /// All in ASCII; bitmaps and binary elements in hexadecimal digits.
    pub const ASCII: Self = Self::published(&Style {
        digits: Encoding::Text(Charset::Ascii),
        track: Encoding::Text(Charset::Ascii),
        text: Charset::Ascii,
        binary: Encoding::Text(Charset::Ascii),
        prefix: PrefixEncoding::Text(Charset::Ascii),
    });

    /// All in EBCDIC; bitmaps and binary elements in bytes.
    pub const EBCDIC: Self = Self::published(&Style {
        digits: Encoding::Text(Charset::Ebcdic),
        track: Encoding::Text(Charset::Ebcdic),
        text: Charset::Ebcdic,
        binary: Encoding::Binary,
        prefix: PrefixEncoding::Text(Charset::Ebcdic),
    });

    /// Digits and lengths packed, filled up by 0 on the left; tracks packed, filled up by F on the right; text, and amounts
    /// with a sign, in ASCII; bitmaps and binary elements in bytes.
    pub const BCD: Self = Self::published(&Style {
        digits: Encoding::Packed(Padding::Left(0)),
        track: Encoding::Packed(Padding::Right(0xF)),
        text: Charset::Ascii,
        binary: Encoding::Binary,
        prefix: PrefixEncoding::Packed,
    });

    #[expect(clippy::indexing_slicing, clippy::arithmetic_side_effects, reason = "the compiler runs it")]
    const fn published(style: &Style) -> Self {
        let mti = Format::new(Kind::Numeric, Length::Fixed(4), style.digits, style.prefix);
        let bitmap = Format::new(Kind::Binary, Length::Fixed(8), style.binary, style.prefix);
        let mut formats = [mti; ROWS];
        let mut row = 0;
        while row < ROWS {
            let definition = &definitions()[row];
            let encoding = match definition.kind {
                Kind::Numeric => style.digits,
                Kind::Track => style.track,
                Kind::Binary => style.binary,
                Kind::SignedNumeric | Kind::Alphanumeric | Kind::AlphanumericSpecial => Encoding::Text(style.text),
            };
            formats[row] = Format::new(definition.kind, definition.length, encoding, style.prefix);
            row += 1;
        }
        Self { mti, bitmap, formats }
    }

    /// This spec, but with another format of one element.
    #[must_use]
    #[expect(clippy::indexing_slicing, reason = "an element has a row")]
    pub const fn with(mut self, element: Element, format: Format) -> Self {
        self.formats[element.row()] = format;
        self
    }

    /// This spec, but with another encoding of the message type.
    ///
    /// # Panics
    /// When it does not suit digits.
    #[must_use]
    pub const fn with_mti(mut self, encoding: Encoding) -> Self {
        self.mti = Format::new(self.mti.kind(), self.mti.length(), encoding, self.mti.prefix());
        self
    }

    /// This spec, but with another encoding of both bitmaps.
    ///
    /// # Panics
    /// When it does not suit bytes.
    #[must_use]
    pub const fn with_bitmap(mut self, encoding: Encoding) -> Self {
        self.bitmap = Format::new(self.bitmap.kind(), self.bitmap.length(), encoding, self.bitmap.prefix());
        self
    }

    /// How the message type is written.
    #[must_use]
    pub const fn mti(&self) -> &Format {
        &self.mti
    }

    /// How a bitmap is written.
    #[must_use]
    pub const fn bitmap(&self) -> &Format {
        &self.bitmap
    }

    /// How an element is written.
    #[must_use]
    pub fn format(&self, element: Element) -> &Format {
        self.formats.get(element.row()).expect("an element has a row")
    }
}
