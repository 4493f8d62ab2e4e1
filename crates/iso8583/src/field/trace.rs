//! By what a message, and who sent it, is found again.

use core::{fmt, str};

use super::{Value, text::Parts, text::whole};
use crate::charset::is_printable;

/// The sender's number of a message, 0 to 999,999 (ISO 8583:1987 DE 11, `n6`): the systems trace audit number. The answer
/// has the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Stan(
    // At most `STAN_MAX`.
    u32,
);

const STAN_MAX: u32 = 999_999;

impl Stan {
    /// This number, or `None` above 999,999.
    #[must_use]
    pub const fn new(number: u32) -> Option<Self> {
        if number > STAN_MAX { None } else { Some(Self(number)) }
    }

    /// The number.
    #[must_use]
    pub const fn get(self) -> u32 {
        self.0
    }

    /// The one to use next: 1 after 999,999, for zero means none to many.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(if self.0 == STAN_MAX { 1 } else { self.0.saturating_add(1) })
    }
}

impl Value for Stan {
    const SHAPE: &'static str = "6 digits";

    fn parse(text: &[u8]) -> Option<Self> {
        whole(text, 6).map(Self)
    }

    fn write(&self, out: &mut impl fmt::Write) -> fmt::Result {
        write!(out, "{:06}", self.0)
    }
}

/// The number of a bank or a processor, up to 11 digits (ISO 8583:1987 DE 32, 33, 99 and 100, `n ..11`). Zeros in front do
/// not tell two apart: DE 90 fills up with them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct InstitutionId(
    // At most `INSTITUTION_MAX`.
    u64,
);

const INSTITUTION_DIGITS: usize = 11;
const INSTITUTION_MAX: u64 = 99_999_999_999;

impl InstitutionId {
    /// This number, or `None` when it has more than 11 digits.
    #[must_use]
    pub const fn new(number: u64) -> Option<Self> {
        if number > INSTITUTION_MAX { None } else { Some(Self(number)) }
    }

    /// The number.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0
    }

    /// Of DE 90: zero means none.
    pub(super) fn parse_filled(parts: &mut Parts<'_>) -> Option<Option<Self>> {
        let number = parts.number(INSTITUTION_DIGITS)?;
        Some((number != 0).then_some(Self(number)))
    }

    pub(super) fn write_filled(id: Option<Self>, out: &mut impl fmt::Write) -> fmt::Result {
        write!(out, "{:0INSTITUTION_DIGITS$}", id.map_or(0, Self::get))
    }
}

impl Value for InstitutionId {
    const SHAPE: &'static str = "1 to 11 digits";

    fn parse(text: &[u8]) -> Option<Self> {
        if !(1..=INSTITUTION_DIGITS).contains(&text.len()) {
            return None;
        }
        whole(text, text.len()).map(Self)
    }

    fn write(&self, out: &mut impl fmt::Write) -> fmt::Result {
        write!(out, "{}", self.0)
    }
}

/// Defines a text of a fixed length, with blanks behind it.
macro_rules! fixed_text {
    ($(#[$doc:meta])* $name:ident, $length:literal, $shape:literal, $takes:expr) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name([u8; $length]);

        impl $name {
            /// This text, filled up with blanks behind it; or `None` when it is too long or has other characters.
            #[must_use]
            pub fn new(text: &str) -> Option<Self> {
                let mut filled = [b' '; $length];
                filled.get_mut(..text.len())?.copy_from_slice(text.as_bytes());
                Self::parse(&filled)
            }

            /// The text without the blanks behind it.
            #[must_use]
            pub fn as_str(&self) -> &str {
                str::from_utf8(&self.0).expect("printable characters").trim_end_matches(' ')
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(self.as_str(), f)
            }
        }

        impl Value for $name {
            const SHAPE: &'static str = $shape;

            fn parse(text: &[u8]) -> Option<Self> {
                let takes: fn(&u8) -> bool = $takes;
                text.iter().all(takes).then(|| text.try_into().ok().map(Self))?
            }

            fn write(&self, out: &mut impl fmt::Write) -> fmt::Result {
                out.write_str(str::from_utf8(&self.0).expect("printable characters"))
            }
        }
    };
}

const fn is_alphanumeric(character: &u8) -> bool {
    character.is_ascii_alphanumeric() || *character == b' '
}

fixed_text! {
    /// The number that a payment keeps from its request to its dispute (ISO 8583:1987 DE 37, `an12`): the retrieval
    /// reference number.
    Rrn, 12, "12 letters, digits or blanks", is_alphanumeric
}

fixed_text! {
    /// What the issuer approves by (ISO 8583:1987 DE 38, `an6`).
    ApprovalCode, 6, "6 letters, digits or blanks", is_alphanumeric
}

fixed_text! {
    /// The terminal, by the merchant's or acquirer's name of it (ISO 8583:1987 DE 41, `ans8`).
    TerminalId, 8, "8 printable characters", |character| is_printable(*character)
}

fixed_text! {
    /// The merchant, by the acquirer's name of it (ISO 8583:1987 DE 42, `ans15`).
    AcceptorId, 15, "15 printable characters", |character| is_printable(*character)
}

fixed_text! {
    /// The merchant's name and where it is (ISO 8583:1987 DE 43, `ans40`). Where in it city and country begin, networks do
    /// not agree on.
    AcceptorName, 40, "40 printable characters", |character| is_printable(*character)
}
