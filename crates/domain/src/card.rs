//! What may be known of a card outside the vault: its scheme, a few of its digits, and which cards are equal.

use core::fmt;

/// The organization under whose rules a card pays. The numbers are stored; they never change meaning.
///
/// Those that can be bound: foreign cards as wallets in mainland China take them, and `UnionPay`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scheme {
    /// Visa.
    Visa,
    /// Mastercard.
    Mastercard,
    /// American Express.
    Amex,
    /// Diners Club.
    Diners,
    /// Discover.
    Discover,
    /// JCB.
    Jcb,
    /// China `UnionPay`.
    UnionPay,
}

impl Scheme {
    /// Every scheme, by number.
    pub const ALL: [Self; 7] =
        [Self::Visa, Self::Mastercard, Self::Amex, Self::Diners, Self::Discover, Self::Jcb, Self::UnionPay];

    /// The stored number.
    #[must_use]
    pub const fn number(self) -> u8 {
        match self {
            Self::Visa => 1,
            Self::Mastercard => 2,
            Self::Amex => 3,
            Self::Diners => 4,
            Self::Discover => 5,
            Self::Jcb => 6,
            Self::UnionPay => 7,
        }
    }

    /// The scheme with this stored number.
    #[must_use]
    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|scheme| scheme.number() == number)
    }

    /// The scheme with this label.
    #[must_use]
    pub fn named(label: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|scheme| scheme.as_str() == label)
    }

    /// As written in labels: `visa`, `unionpay` …
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Visa => "visa",
            Self::Mastercard => "mastercard",
            Self::Amex => "amex",
            Self::Diners => "diners",
            Self::Discover => "discover",
            Self::Jcb => "jcb",
            Self::UnionPay => "unionpay",
        }
    }
}

/// A text that is not the part of a card number it should be. It does not quote the text, which may be a whole number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidDigits {
    /// For a [`CardBin`].
    #[error("must be 6 or 8 digits")]
    Bin,
    /// For [`LastFour`].
    #[error("must be 4 digits")]
    LastFour,
}

/// The first 6 or 8 digits of a card number, which name its issuer (ISO/IEC 7812-1).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CardBin {
    /// In ASCII; zero bytes behind the last.
    digits: [u8; 8],
    /// 6 or 8.
    length: u8,
}

impl CardBin {
    /// Checks and keeps a BIN.
    ///
    /// # Errors
    /// When it is not 6 or 8 digits.
    pub fn new(text: &str) -> Result<Self, InvalidDigits> {
        let (digits, length) = match *text.as_bytes() {
            [a, b, c, d, e, f] => ([a, b, c, d, e, f, 0, 0], 6),
            [a, b, c, d, e, f, g, h] => ([a, b, c, d, e, f, g, h], 8),
            _ => return Err(InvalidDigits::Bin),
        };
        all_digits(text).then_some(Self { digits, length }).ok_or(InvalidDigits::Bin)
    }

    /// The digits as text.
    ///
    /// # Panics
    /// Never: they were checked.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.digits.get(..usize::from(self.length)).and_then(text_of).expect("6 or 8 digits are text")
    }
}

/// The last four digits of a card number: by these its holder knows it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LastFour([u8; 4]);

impl LastFour {
    /// Checks and keeps four digits.
    ///
    /// # Errors
    /// When it is not four digits.
    pub fn new(text: &str) -> Result<Self, InvalidDigits> {
        let digits = text.as_bytes().try_into().map_err(|_another_length| InvalidDigits::LastFour)?;
        all_digits(text).then_some(Self(digits)).ok_or(InvalidDigits::LastFour)
    }

    /// The digits as text.
    ///
    /// # Panics
    /// Never: they were checked.
    #[must_use]
    pub fn as_str(&self) -> &str {
        text_of(&self.0).expect("digits are text")
    }
}

fn all_digits(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit())
}

fn text_of(digits: &[u8]) -> Option<&str> {
    core::str::from_utf8(digits).ok()
}

/// Tells equal card numbers, not which: a keyed hash, truncated, whose key does not leave the vault. It stays the same
/// for as long as the vault lives, whatever key the vault is sealed under (PCI DSS 4 requirement 3.5.1.1: hashes of card
/// numbers are keyed).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CardFingerprint(pub [u8; 16]);

impl fmt::Display for CardBin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Debug for CardBin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Display for LastFour {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Debug for LastFour {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// In hexadecimal.
impl fmt::Display for CardFingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for CardFingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use alloc::{format, string::ToString};

    use super::*;

    #[test]
    fn a_scheme_comes_back_from_its_number() {
        for scheme in Scheme::ALL {
            assert_eq!(Scheme::from_number(scheme.number()), Some(scheme));
        }
        assert_eq!(Scheme::ALL.map(Scheme::number), [1, 2, 3, 4, 5, 6, 7]);
        assert_eq!((Scheme::from_number(0), Scheme::from_number(8)), (None, None));
    }

    #[test]
    fn a_bin_is_six_or_eight_digits() {
        for text in ["424242", "42424242", "000000"] {
            assert_eq!(CardBin::new(text).map(|bin| bin.to_string()), Ok(text.to_string()));
        }
        for text in ["", "42424", "4242424", "424242424", "42424a", "4242 4242", "424242\u{0}\u{0}", "４２４２"] {
            assert_eq!(CardBin::new(text), Err(InvalidDigits::Bin), "{text}");
        }
        assert_ne!(CardBin::new("424242"), CardBin::new("42424200"));
    }

    #[test]
    fn last_four_are_four_digits() {
        assert_eq!(LastFour::new("0042").map(|digits| format!("{digits} {digits:?}")), Ok("0042 0042".to_string()));
        for text in ["", "424", "42424", "42 4", "-424", "港a"] {
            assert_eq!(LastFour::new(text), Err(InvalidDigits::LastFour), "{text}");
        }
    }

    #[test]
    fn a_fingerprint_is_written_in_hexadecimal() {
        let fingerprint = CardFingerprint([0xab; 16]);
        assert_eq!(format!("{fingerprint} {fingerprint:?}"), format!("{0} {0}", "ab".repeat(16)));
    }
}
