//! The data elements of ISO 8583:1987, and what each holds.

use core::fmt;

mod definitions;

use definitions::DEFINITIONS;

/// The number of a data element, 2 to 128 without 65: what a message can carry.
///
/// DE 1 and DE 65 are bitmaps. They follow from what is carried, and no third bitmap is part of the 1987 version.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Element(u8);

/// How many rows a table of the elements has: one for each number from 2 to 128.
pub(crate) const ROWS: usize = 127;
/// The number of the first row.
const FIRST: u8 = 2;
const LAST: u8 = 128;
/// The bitmap that would announce elements above 128.
const THIRD_BITMAP: u8 = 65;

/// What an element holds, whatever a link's encoding of it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `n`: decimal digits.
    Numeric,
    /// `x+n`: `C` for credit or `D` for debit, then decimal digits.
    SignedNumeric,
    /// `an`: letters, digits and the blanks that fill up.
    Alphanumeric,
    /// `ans`: any printable ASCII character.
    AlphanumericSpecial,
    /// `b`: any bytes.
    Binary,
    /// `z`: the sixteen characters of tracks 2 and 3, `0` to `?` in ASCII (ISO/IEC 7811-2); `=` separates.
    Track,
}

/// How long the value of an element is: in digits or characters, of a [`Kind::Binary`] one in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Length {
    /// Always this long.
    Fixed(u16),
    /// At most this long, with two digits of length in front (LLVAR).
    Ll(u16),
    /// At most this long, with three digits of length in front (LLLVAR).
    Lll(u16),
}

impl Length {
    /// The length, or the most it can be.
    #[must_use]
    pub const fn maximum(self) -> u16 {
        match self {
            Self::Fixed(length) | Self::Ll(length) | Self::Lll(length) => length,
        }
    }
}

/// What the standard says of an element.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Definition {
    /// The standard's name of it.
    pub name: &'static str,
    /// What it holds.
    pub kind: Kind,
    /// How long it is.
    pub length: Length,
}

/// How much of an element may be shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shown {
    All,
    /// The first six and last four digits (PCI DSS 4.0, 3.4.1).
    Truncated,
    Nothing,
}

impl Element {
    /// The element of a number, or `None` when none can be carried under it.
    #[must_use]
    pub const fn new(number: u8) -> Option<Self> {
        if number < FIRST || number > LAST || number == THIRD_BITMAP { None } else { Some(Self(number)) }
    }

    /// The element of a number that is known to be one: for constants.
    ///
    /// # Panics
    /// When [`Element::new`] knows none.
    #[must_use]
    pub const fn of(number: u8) -> Self {
        Self::new(number).expect("a number from 2 to 128, and not 65")
    }

    /// Its number.
    #[must_use]
    pub const fn number(self) -> u8 {
        self.0
    }

    /// All elements, in order.
    pub fn all() -> impl Iterator<Item = Self> {
        (FIRST..=LAST).filter_map(Self::new)
    }

    /// What the standard says of it.
    #[must_use]
    pub fn definition(self) -> &'static Definition {
        DEFINITIONS.get(self.row()).expect("an element has a row")
    }

    /// Its row in a table of [`ROWS`].
    pub(crate) const fn row(self) -> usize {
        #[expect(clippy::as_conversions, reason = "widens; `From` is not const")]
        let number = self.0 as usize;
        number.saturating_sub(2)
    }

    /// Shown is only what the standard gives a content that is no card data. Elements for private and national use are
    /// not: partners put security codes and accounts there.
    pub(crate) const fn shown(self) -> Shown {
        match self.0 {
            2 => Shown::Truncated,
            // Expiry; extended PAN, tracks 2 and 3; additional response; track 1; additional.
            14 | 34..=36 | 44..=48
            // PIN and what secures it, chip, reserved; message security code; accounts; reserved.
            | 52 | 53 | 55..=63 | 96 | 102..=127 => Shown::Nothing,
            _ => Shown::All,
        }
    }
}

impl fmt::Display for Element {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DE {}", self.0)
    }
}

impl fmt::Debug for Element {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The definitions, for the compiler to make specs of.
pub(crate) const fn definitions() -> &'static [Definition; ROWS] {
    &DEFINITIONS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_elements_2_to_128_without_65() {
        assert_eq!(Element::all().count(), 126);
        assert_eq!([0, 1, 65, 129, 255].map(Element::new), [None; 5]);
        assert_eq!(Element::of(128).definition().name, "Message authentication code");
        assert_eq!(Element::of(2).definition().name, "Primary account number");
    }

    #[test]
    fn rows_are_where_their_numbers_say() {
        for (number, name) in [
            (10, "Conversion rate, cardholder billing"),
            (37, "Retrieval reference number"),
            (54, "Additional amounts"),
            (64, "Message authentication code"),
            (70, "Network management information code"),
            (90, "Original data elements"),
            (95, "Replacement amounts"),
            (100, "Receiving institution identification code"),
            (103, "Account identification 2"),
        ] {
            assert_eq!(Element::of(number).definition().name, name);
        }
    }
}
